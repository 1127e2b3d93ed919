//! A call in the text: one row for what it is and how far, a few for what came of it.

use super::said;
use crate::{
    chat::{Run, Stage, Timestamp, answer::Call},
    text,
    widgets::{
        approval::shown_name,
        result::{self, one_line},
        row::{Ink, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

/// Rows of a result that are shown unopened, and lines and bytes of one that is open.
const FEW: usize = 3;
const MANY: usize = 400;
const LONGEST: usize = 64 * 1024;

/// What is called and with what, in one line.
pub fn words(call: &Call, run: Option<&Run>) -> String {
    let arguments = match run.filter(|run| run.edited) {
        Some(run) => one_line(&run.arguments.to_string()),
        None => one_line(&call.arguments),
    };
    format!("{} {arguments}", name(call, run))
}

/// The tool, or what the model wrote where there is none.
pub fn name(call: &Call, run: Option<&Run>) -> String {
    let wire = || if call.name.is_empty() { "a tool".into() } else { one_line(&call.name) };
    run.and_then(|run| run.tool.as_ref()).map_or_else(wire, shown_name)
}

/// `✓ git/log {"path":"a"}   done · 0.3 s · 2 kB`; open with all of its arguments.
pub(super) fn head(
    call: &Call,
    run: Option<&Run>,
    is_open: bool,
    now: Timestamp,
    width: usize,
    marks: &Marks,
) -> Vec<Row> {
    let words = words(call, run);
    let told = run.map(|run| result::standing(run, Some(now), marks));
    let taken = told.as_ref().map_or(0, |(words, _)| text::width(words) + 3);
    let room = width.saturating_sub(2).max(1);
    let mut rows = if is_open {
        said::rows(&words, room, RowKind::Call, Ink::of(Role::Muted))
    } else {
        let shown = text::truncate(&words, room.saturating_sub(taken)).into_owned();
        let source = 0..if shown == words { words.len() } else { shown.trim_end_matches('…').len() };
        vec![Row { source, ..Row::new(RowKind::Call, vec![Span::new(shown, Ink::of(Role::Muted))]) }]
    };
    for (nth, row) in rows.iter_mut().enumerate() {
        row.lead = 1;
        let (sign, role) = result::sign(run, marks);
        let sign = if nth == 0 { format!("{sign} ") } else { "  ".into() };
        row.spans.insert(0, Span::new(sign, Ink::of(role)));
    }
    if let Some(first) = rows.first_mut() {
        let said = first.spans.pop().map(|span| span.text).unwrap_or_default();
        let (name, arguments) = said.split_at(said.floor_char_boundary(name(call, run).len()));
        first.spans.push(Span::new(name, Ink::of(Role::Text)));
        first.spans.push(Span::new(arguments, Ink::of(Role::Muted)));
    }
    if let Some((words, role)) = told {
        match rows.last_mut() {
            Some(last) if last.width() + taken <= width || !is_open => {
                last.spans.push(Span::new(format!("   {words}"), Ink::of(role)));
            }
            _ => rows.push(Row::new(RowKind::Call, vec![Span::new(format!("  {words}"), Ink::of(role))])),
        }
    }
    rows.into_iter().map(|row| row.cut(width)).collect()
}

/// What came of a call, as far as it is shown in the text: the pager has all of it.
pub(super) struct Result {
    /// Clean.
    pub text: String,
    role: Role,
    /// How many lines all of it has.
    lines: usize,
    /// The last line of the text is not whole.
    cut: bool,
}

pub(super) fn result(run: &Run) -> Option<Result> {
    let (text, role) = match &run.stage {
        Stage::Done(outcome) => (result::words(outcome), if outcome.failed { Role::Error } else { Role::Muted }),
        Stage::Failed(_) => (result::instead(run)?, Role::Error),
        _ => (result::instead(run)?, Role::Muted),
    };
    let text = text.trim_end();
    let lines = run.whole.map_or_else(|| text.lines().count(), |whole| whole.lines);
    let begin = text.match_indices('\n').nth(MANY - 1).map_or(text, |(end, _)| &text[..end]);
    let cut = begin.len() > LONGEST;
    let shown = text::clean(&begin[..begin.floor_char_boundary(LONGEST)]).trim_end().to_owned();
    (!shown.is_empty()).then_some(Result { text: shown, role, lines, cut })
}

/// Its first rows, or all that is shown of it, and how much is not.
pub(super) fn rows(result: &Result, is_open: bool, width: usize) -> Vec<Row> {
    let Result { text, role, lines, cut } = result;
    let ink = Ink::of(*role);
    let (mut rows, mut seen, mut at) = (Vec::new(), 0, 0);
    if is_open {
        rows = said::rows(text, width, RowKind::Call, ink);
        seen = text.lines().count();
    } else {
        for line in text.split('\n') {
            if rows.len() == FEW && !line.trim().is_empty() {
                break;
            }
            seen += 1;
            let begins = at;
            at += line.len() + 1;
            if line.trim().is_empty() {
                continue;
            }
            let shown = text::truncate(line, width);
            let kept = if *shown == *line { line.len() + 1 } else { shown.trim_end_matches('…').len() };
            let source = begins..begins + kept;
            rows.push(Row { source, ..Row::new(RowKind::Call, vec![Span::new(shown, ink)]) });
        }
    }
    let more = match lines.saturating_sub(seen) {
        0 if !cut => return rows,
        0 => "…".to_owned(),
        1 => "… 1 more line".to_owned(),
        more => format!("… {more} more lines"),
    };
    rows.push(Row::new(RowKind::More, vec![Span::new(more, Ink::of(Role::Muted))]).cut(width));
    rows
}
