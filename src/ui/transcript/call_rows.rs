//! A call in the text: one row for the call and its state, and a few for its result.

use crate::{
    chat::{Timestamp, ToolCallRun, ToolCallState, answer::FunctionCall},
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::SourceMap,
        theme::{ColourRole, ThemeMarks},
    },
    text,
    ui::transcript::{
        approval::visible_tool_name,
        result_text::{self, visible_line},
    },
};

/// The most rows of a folded result, and the most lines and bytes of an open one.
const FOLDED_ROWS: usize = 3;
const MAX_LINES: usize = 400;
const MAX_BYTES: usize = 64 * 1024;

/// The tool and the arguments of a call, on one line.
pub fn call_text(call: &FunctionCall, run: Option<&ToolCallRun>) -> String {
    let arguments = match run.filter(|run| run.edited) {
        Some(run) => visible_line(&run.arguments.to_string()),
        None => visible_line(&call.arguments),
    };
    format!("{} {arguments}", tool_name(call, run))
}

/// The name of the tool, or the name that the model wrote if there is no such tool.
pub(crate) fn tool_name(call: &FunctionCall, run: Option<&ToolCallRun>) -> String {
    let wire = || if call.name.is_empty() { "a tool".into() } else { visible_line(&call.name) };
    run.and_then(|run| run.tool.as_ref()).map_or_else(wire, visible_tool_name)
}

/// `✓ git/log {"path":"a"}   done · 0.3 s · 2 kB`, with all of the arguments if it is open.
pub(crate) fn call_head(
    call: &FunctionCall,
    run: Option<&ToolCallRun>,
    is_open: bool,
    now: Timestamp,
    width: usize,
    marks: &ThemeMarks,
) -> Vec<StyledRow> {
    let words = call_text(call, run);
    let state = run.map(|run| result_text::call_status(run, Some(now), marks));
    let state_width = state.as_ref().map_or(0, |(words, _)| text::width(words) + 3);
    let room = width.saturating_sub(2).max(1);
    let mut rows = if is_open {
        StyledRow::wrapped(&words, room, RowKind::Call, TextStyle::of(ColourRole::Muted))
    } else {
        vec![StyledRow::line_start(&words, 0, room.saturating_sub(state_width), TextStyle::of(ColourRole::Muted))]
    };
    for (nth, row) in rows.iter_mut().enumerate() {
        row.lead_spans = 1;
        let (sign, role) = result_text::call_sign(run, marks);
        let sign = if nth == 0 { format!("{sign} ") } else { "  ".into() };
        row.spans.insert(0, StyledSpan::new(sign, TextStyle::of(role)));
    }
    if let Some(first) = rows.first_mut() {
        let said = first.spans.pop().map(|span| span.text).unwrap_or_default();
        let (name, arguments) = said.split_at(said.floor_char_boundary(tool_name(call, run).len()));
        first.spans.push(StyledSpan::new(name, TextStyle::of(ColourRole::Text)));
        first.spans.push(StyledSpan::new(arguments, TextStyle::of(ColourRole::Muted)));
    }
    if let Some((words, role)) = state {
        match rows.last_mut() {
            Some(last) if last.width() + state_width <= width || !is_open => {
                last.push_inserted(StyledSpan::new(format!("   {words}"), TextStyle::of(role)));
            }
            _ => rows
                .push(StyledRow::new(RowKind::Call, vec![StyledSpan::new(format!("  {words}"), TextStyle::of(role))])),
        }
    }
    rows.into_iter().map(|row| row.truncated(width)).collect()
}

impl StyledRow {
    /// One line of a call or a result, which begins at `start` of the source, as far as it fits.
    fn line_start(line: &str, start: usize, width: usize, style: TextStyle) -> Self {
        let row = Self {
            source_map: SourceMap::verbatim(start..start + line.len()),
            ..Self::new(RowKind::Call, vec![StyledSpan::new(line, style)])
        };
        let row = row.truncated(width);
        let shown = row.source_map.source_before(row.source_map.text_len()).max(start);
        let is_whole = shown == start + line.len();
        Self { source: start..shown + usize::from(is_whole), ..row }
    }
}

/// The part of a result that is shown in the text; the pager has all of it.
pub(crate) struct ResultExcerpt {
    /// The text, cleaned.
    pub text: String,
    role: ColourRole,
    /// The number of lines of the full result.
    total_lines: usize,
    /// The last line of the text is incomplete.
    is_cut: bool,
}

pub(crate) fn result_excerpt(run: &ToolCallRun) -> Option<ResultExcerpt> {
    let (text, role) = match &run.state {
        ToolCallState::Done(outcome) => {
            (result_text::outcome_text(outcome), if outcome.failed { ColourRole::Error } else { ColourRole::Muted })
        }
        ToolCallState::Failed(_) => (result_text::missing_result_reason(run)?, ColourRole::Error),
        _ => (result_text::missing_result_reason(run)?, ColourRole::Muted),
    };
    let text = text.trim_end();
    let lines = run.full_size.map_or_else(|| text.lines().count(), |whole| whole.lines);
    let begin = text.match_indices('\n').nth(MAX_LINES - 1).map_or(text, |(end, _)| &text[..end]);
    let cut = begin.len() > MAX_BYTES;
    let shown = text::clean(&begin[..begin.floor_char_boundary(MAX_BYTES)]).trim_end().to_owned();
    (!shown.is_empty()).then_some(ResultExcerpt { text: shown, role, total_lines: lines, is_cut: cut })
}

/// The first rows of a result, or everything shown of an open one, and a note of how much is left out.
pub(crate) fn result_rows(result: &ResultExcerpt, is_open: bool, width: usize) -> Vec<StyledRow> {
    let ResultExcerpt { text, role, total_lines: lines, is_cut: cut } = result;
    let ink = TextStyle::of(*role);
    let (mut rows, mut lines_shown, mut offset) = (Vec::new(), 0, 0);
    if is_open {
        rows = StyledRow::wrapped(text, width, RowKind::Call, ink);
        lines_shown = text.lines().count();
    } else {
        for line in text.split('\n') {
            if rows.len() == FOLDED_ROWS && !line.trim().is_empty() {
                break;
            }
            lines_shown += 1;
            let line_start = offset;
            offset += line.len() + 1;
            if line.trim().is_empty() {
                continue;
            }
            rows.push(StyledRow::line_start(line, line_start, width, ink));
        }
    }
    let more = match lines.saturating_sub(lines_shown) {
        0 if !cut => return rows,
        0 => "…".to_owned(),
        1 => "… 1 more line".to_owned(),
        more => format!("… {more} more lines"),
    };
    rows.push(
        StyledRow::new(RowKind::HiddenLines, vec![StyledSpan::new(more, TextStyle::of(ColourRole::Muted))])
            .truncated(width),
    );
    rows
}
