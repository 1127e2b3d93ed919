//! A call in the text: one row for the call and its state, and a few for its result.

use serde_json::{Map, Value};

use crate::{
    chat::{Timestamp, ToolCallRun, ToolCallState, answer::FunctionCall},
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::SourceMap,
        theme::{ColourRole, ThemeMarks},
    },
    text,
    ui::reading::{
        result_text::{self, visible_line},
        tool_text::{tool_label, tool_name},
    },
};

/// The most rows of a folded result, and the most lines and bytes of an open one.
const FOLDED_ROWS: usize = 3;
const MAX_LINES: usize = 400;
const MAX_BYTES: usize = 64 * 1024;
/// The longest argument on the row of a folded call.
const MAX_SHORT_CHARS: usize = 60;
/// How much is read of arguments that are still arriving, so that a frame does not cost more the longer they are.
const MAX_ARRIVED_BYTES: usize = 4 * 1024;

/// The tool and the arguments of a call, on one line: `amend "notes.md", old_text: "a", new_text: "b"`.
pub(crate) fn call_line(call: &FunctionCall, run: Option<&ToolCallRun>) -> String {
    CallLine::new(call, run).text
}

/// A call on one line, with the short arguments first.
struct CallLine {
    text: String,
    name_len: usize,
    /// The length up to the last short argument; the rest is left out when the call is folded.
    short_len: usize,
    /// More of the arguments is on its way, or was.
    is_arriving: bool,
}

impl CallLine {
    fn new(call: &FunctionCall, run: Option<&ToolCallRun>) -> Self {
        let name = match run.and_then(|run| run.tool.as_ref()) {
            Some(id) => tool_label(id),
            None => tool_name(call, run),
        };
        let mut line = Self { name_len: name.len(), short_len: name.len(), text: name, is_arriving: false };
        if let Some(fields) = Self::complete_arguments(call, run) {
            line.push_fields(&fields);
        } else if let Some(fields) = arrived_arguments(&call.arguments) {
            line.push_fields(&fields);
            line.is_arriving = true;
        } else if !call.arguments.trim().is_empty() {
            line.push_raw(&call.arguments);
        }
        line
    }

    /// Returns the arguments by name, once they are complete.
    fn complete_arguments(call: &FunctionCall, run: Option<&ToolCallRun>) -> Option<Map<String, Value>> {
        match run.filter(|run| run.edited) {
            Some(run) => run.arguments.as_object().cloned(),
            None if call.arguments.trim_end().ends_with('}') => serde_json::from_str(&call.arguments).ok(),
            None => None,
        }
    }

    /// Writes arguments that are no JSON as they are.
    fn push_raw(&mut self, arguments: &str) {
        self.push(&visible_line(arguments));
        if arguments.len() <= MAX_SHORT_CHARS {
            self.short_len = self.text.len();
        }
    }

    /// Writes the fields, the short ones first. The first text needs no name: it says what the call is about.
    fn push_fields(&mut self, fields: &Map<String, Value>) {
        let subject = fields.iter().find(|(_, value)| value.is_string() && is_short(value)).map(|(name, _)| name);
        let (short, long): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, value)| is_short(value));
        for (name, value) in &short {
            let words = visible_line(&value.to_string());
            self.push(&if Some(*name) == subject { words } else { format!("{}: {words}", visible_line(name)) });
        }
        self.short_len = self.text.len();
        for (name, value) in &long {
            self.push(&format!("{}: {}", visible_line(name), visible_line(&value.to_string())));
        }
    }

    /// Whether some arguments are too long for the row of a folded call, or have not arrived.
    fn has_more(&self) -> bool {
        self.is_arriving || self.short_len < self.text.len()
    }

    fn push(&mut self, words: &str) {
        self.text.push_str(if self.text.len() == self.name_len { " " } else { ", " });
        self.text.push_str(words);
    }
}

/// Returns the arguments that have arrived of an object that is not complete: what is open is closed, and what is no
/// value yet is left out.
fn arrived_arguments(text: &str) -> Option<Map<String, Value>> {
    let head = text[..text.floor_char_boundary(MAX_ARRIVED_BYTES)].trim_start();
    let (mut closers, mut last_comma, mut escape_start) = (Vec::new(), None, None);
    let mut is_in_string = false;
    for (index, letter) in head.char_indices() {
        match letter {
            _ if escape_start.is_some_and(|start| index == start + 1) && letter != 'u' => escape_start = None,
            _ if escape_start.is_some_and(|start| index >= start + 5) => escape_start = None,
            _ if escape_start.is_some() => (),
            '\\' if is_in_string => escape_start = Some(index),
            '"' => is_in_string = !is_in_string,
            _ if is_in_string => (),
            '{' => closers.push('}'),
            '[' => closers.push(']'),
            '}' | ']' => _ = closers.pop(),
            ',' if closers.len() == 1 => last_comma = Some(index),
            _ => (),
        }
    }
    if closers.first() != Some(&'}') {
        return None;
    }
    let quote = if is_in_string { "\"" } else { "" };
    let closing: String = closers.iter().rev().collect();
    let closed = format!("{}{quote}{closing}", &head[..escape_start.unwrap_or(head.len())]);
    let complete_fields = || serde_json::from_str(&format!("{}}}", &head[..last_comma?])).ok();
    serde_json::from_str(&closed).ok().or_else(complete_fields).or_else(|| Some(Map::new()))
}

/// Whether an argument is short enough for the row of a folded call.
fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().nth(MAX_SHORT_CHARS).is_none() && !text.contains('\n'),
        Value::Array(_) | Value::Object(_) => value.to_string().len() <= MAX_SHORT_CHARS,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// How a call in the text is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallHead<'a> {
    pub call: &'a FunctionCall,
    pub run: Option<&'a ToolCallRun>,
    /// All of the arguments are shown.
    pub is_open: bool,
    /// Another call is to be decided first.
    pub asks_later: bool,
    pub now: Timestamp,
}

impl CallHead<'_> {
    /// `✓ log "a.txt"   done · 0.3 s · 2 kB`, with all of the arguments if it is open.
    pub(crate) fn rows(self, width: usize, marks: &ThemeMarks) -> Vec<StyledRow> {
        let Self { call, run, is_open, asks_later, now } = self;
        let line = CallLine::new(call, run);
        let state = run.map(|run| result_text::call_status(run, asks_later, Some(now), marks));
        let state_width = state.as_ref().map_or(0, |(words, _)| text::width(words) + 3);
        let room = width.saturating_sub(2).max(1);
        let mut has_more = line.has_more() && !is_open;
        let mut rows = if is_open {
            StyledRow::wrapped(&line.text, room, RowKind::Call, TextStyle::of(ColourRole::Muted))
        } else {
            let short = &line.text[..line.short_len];
            let room = room.saturating_sub(state_width + if has_more { 2 } else { 0 });
            has_more &= text::width(short) <= room; // One that is cut ends in an ellipsis already.
            vec![StyledRow::line_start(short, 0, room, TextStyle::of(ColourRole::Muted))]
        };
        for (nth, row) in rows.iter_mut().enumerate() {
            row.lead_spans = 1;
            let (sign, role) = result_text::call_sign(run, marks);
            let sign = if nth == 0 { format!("{sign} ") } else { "  ".into() };
            row.spans.insert(0, StyledSpan::new(sign, TextStyle::of(role)));
        }
        if let Some(first) = rows.first_mut() {
            let said = first.spans.pop().map(|span| span.text).unwrap_or_default();
            let (name, arguments) = said.split_at(said.floor_char_boundary(line.name_len));
            first.spans.push(StyledSpan::new(name, TextStyle::of(ColourRole::Text)));
            first.spans.push(StyledSpan::new(arguments, TextStyle::of(ColourRole::String)));
            if has_more {
                first.push_inserted(StyledSpan::new(" …", TextStyle::of(ColourRole::Muted)));
            }
        }
        if let Some((words, role)) = state {
            match rows.last_mut() {
                Some(last) if last.width() + state_width <= width || !is_open => {
                    last.push_inserted(StyledSpan::new(format!("   {words}"), TextStyle::of(role)));
                }
                _ => rows.push(StyledRow::new(
                    RowKind::Call,
                    vec![StyledSpan::new(format!("  {words}"), TextStyle::of(role))],
                )),
            }
        }
        rows.into_iter().map(|row| row.truncated(width)).collect()
    }
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
        ToolCallState::Failed(_) => (run.missing_result_reason()?, ColourRole::Error),
        _ => (run.missing_result_reason()?, ColourRole::Muted),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_shown_as_they_arrive_at_every_split() {
        let whole = r#"{"path": "a \"b\" \u00e9", "lines": [1, 2], "deep": {"x": true}, "n": 12}"#;
        let line = |arguments: &str| {
            let call = FunctionCall { name: "read".into(), arguments: arguments.into(), call_id: "c".into() };
            call_line(&call, None)
        };
        assert_eq!(line(whole), r#"read "a \"b\" é", lines: [1,2], deep: {"x":true}, n: 12"#);
        let mut before = 0;
        for (end, _) in whole.char_indices() {
            let shown = line(&whole[..end]);
            assert!(shown.starts_with("read") && !shown.contains("{\"path"), "{shown}");
            let fields = shown.matches(": ").count();
            assert!(fields + 1 >= before, "{shown}: no more than what is being written goes away");
            before = fields;
        }
        assert_eq!(line(r#"{"path": "no"#), r#"read "no""#);
        assert_eq!(line(r#"{"path": "no", "li"#), r#"read "no""#);
        assert_eq!(line("not json"), "read not json");
        assert_eq!(line(r#"{"a": oops}"#), r#"read {"a": oops}"#);
    }
}
