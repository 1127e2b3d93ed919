//! A call in the text: one row for what it is and how far, a few for what came of it.

use std::borrow::Cow;

use super::{
    details::{self, size},
    facts, said,
};
use crate::{
    chat::{Denial, Run, Stage, Timestamp, answer::Call},
    text::{self, visible},
    tools::{Content, Outcome},
    widgets::{
        approval::shown_name,
        row::{Ink, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

/// Rows of a result that are shown unopened, and lines and bytes of one that is open.
const FEW: usize = 3;
const MANY: usize = 400;
const LONGEST: usize = 64 * 1024;

/// What is called and with what, in one line.
pub(super) fn words(call: &Call, run: Option<&Run>) -> String {
    let arguments = match run.filter(|run| run.edited) {
        Some(run) => one_line(&run.arguments.to_string()),
        None => one_line(&call.arguments),
    };
    format!("{} {arguments}", name(call, run))
}

fn name(call: &Call, run: Option<&Run>) -> String {
    let wire = || if call.name.is_empty() { "a tool".into() } else { one_line(&call.name) };
    run.and_then(|run| run.tool.as_ref()).map_or_else(wire, shown_name)
}

/// `⚙ git/log {"path":"a"}   done · 0.3 s · 2 kB`; open with all of its arguments.
pub(super) fn head(
    call: &Call,
    run: Option<&Run>,
    is_open: bool,
    now: Timestamp,
    width: usize,
    marks: &Marks,
) -> Vec<Row> {
    let words = words(call, run);
    let told = run.map(|run| told(run, now, marks));
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
        let mark = if nth == 0 { format!("{} ", marks.tools) } else { "  ".into() };
        row.spans.insert(0, Span::new(mark, Ink::of(Role::Link)));
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

/// How far it is, how long it took, how much came.
fn told(run: &Run, now: Timestamp, marks: &Marks) -> (String, Role) {
    let role = match run.stage {
        Stage::Asking => Role::Warning,
        Stage::Failed(_) => Role::Error,
        Stage::Done(Outcome { failed: true, .. }) => Role::Error,
        Stage::Queued | Stage::Running | Stage::Done(_) | Stage::Denied(_) | Stage::Cancelled => Role::Muted,
    };
    let mut words = vec![match &run.stage {
        Stage::Done(Outcome { failed: true, .. }) => "reports an error".to_owned(),
        stage => stage.word().to_owned(),
    }];
    if let Some(began) = run.began {
        words.push(facts::seconds(facts::millis(began, run.ended.unwrap_or(now))));
    }
    match &run.stage {
        Stage::Done(outcome) => words.push(size(outcome.bytes())),
        Stage::Running => {
            words.extend(run.progress.as_deref().map(|words| text::truncate(&one_line(words), 30).into_owned()));
        }
        _ => (),
    }
    (words.join(&format!(" {} ", marks.dot)), role)
}

/// What came of it, as far as it is shown, and whether that is good.
pub(super) fn result(run: &Run) -> Option<(String, Role)> {
    let (text, role) = match &run.stage {
        Stage::Done(outcome) => (outcome_words(outcome), if outcome.failed { Role::Error } else { Role::Muted }),
        Stage::Failed(failure) => (failure.words(), Role::Error),
        Stage::Denied(Denial::Because(why)) => (why.clone(), Role::Muted),
        Stage::Denied(Denial::ByRule) => ("by a rule of the config".into(), Role::Muted),
        Stage::Asking | Stage::Queued | Stage::Running | Stage::Denied(Denial::ByReader) | Stage::Cancelled => {
            return None;
        }
    };
    let begin = &text[..text.floor_char_boundary(LONGEST)];
    let begin = if begin.len() < text.len() { format!("{begin}\n…").into() } else { Cow::Borrowed(begin) };
    let shown = text::clean(&details::few_lines(&begin, MANY)).trim_end().to_owned();
    (!shown.is_empty()).then_some((shown, role))
}

/// Its first rows; opened, all of them.
pub(super) fn rows(text: &str, role: Role, is_open: bool, width: usize) -> Vec<Row> {
    let ink = Ink::of(role);
    if is_open {
        return said::rows(text, width, RowKind::Call, ink);
    }
    let mut rows = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        let begins = at;
        at += line.len() + 1;
        if line.trim().is_empty() {
            continue;
        }
        if rows.len() == FEW {
            rows.push(Row::new(RowKind::Call, vec![Span::new("…", Ink::of(Role::Faint))]));
            break;
        }
        let shown = text::truncate(line, width);
        let kept = if *shown == *line { line.len() + 1 } else { shown.trim_end_matches('…').len() };
        let source = begins..begins + kept;
        rows.push(Row { source, ..Row::new(RowKind::Call, vec![Span::new(shown, ink)]) });
    }
    rows
}

/// A result as text; what is none by what it is.
fn outcome_words(outcome: &Outcome) -> String {
    let words = outcome.content.iter().map(|content| match content {
        Content::Text(text) => text.clone(),
        Content::Image { mime, data } => format!("image {mime}, {}", size(data.len() / 4 * 3)),
        Content::Audio { mime, data } => format!("sound {mime}, {}", size(data.len() / 4 * 3)),
        Content::Resource { uri, text, .. } => format!("{uri}\n{text}"),
        Content::File { uri, data, .. } => format!("{uri}, {}", size(data.len() / 4 * 3)),
        Content::Link { uri, name } => format!("{name} {uri}"),
        Content::Structured(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    });
    words.collect::<Vec<_>>().join("\n")
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
