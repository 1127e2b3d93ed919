//! The card of a call that needs approval: its tool, every argument in full, and what the tool claims to do.

mod arguments;

use serde_json::Value;

use super::{
    card_frame::{CardFrame, shortened_title},
    card_rows::{CardHints, ChoiceHint},
};
use crate::render::{
    card,
    row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
    theme::{ColourRole, ThemeMarks},
};
use crate::ui::reading::tool_text::{claims, quote_word, tool_label, visible_tool_name};
use crate::{
    chat::ToolCallRun,
    text::{show_invisible, show_invisible_in_line},
    tools::{COMMAND_SERVER, NameDoubt, ToolCommand, ToolDefinition, ToolHints, ToolId},
};
use arguments::ArgumentEntry;

/// A call that needs approval, with what is known about its tool.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalRequest<'a> {
    pub run: &'a ToolCallRun,
    pub tool: Option<&'a ToolDefinition>,
    /// The command, if the tool is defined in the config.
    pub command: Option<&'a ToolCommand>,
    /// The reason to distrust the tool's name.
    pub doubt: Option<&'a NameDoubt>,
    /// Why it asks although the user allowed it before.
    pub doubted_grant: Option<&'a str>,
    /// The number of other calls of this step that await a decision.
    pub others_waiting: usize,
}

/// The rows above the keys. Arguments may be megabytes: they are laid out once, not in every frame.
#[derive(Debug, Clone)]
pub struct CallRows {
    width: usize,
    /// The whole name, if the frame shows it shortened.
    long_name: Option<String>,
    tool: Option<ToolId>,
    hints: Option<ToolHints>,
    command: Option<ToolCommand>,
    doubt: Option<NameDoubt>,
    doubted_grant: Option<String>,
    arguments: Value,
    rows: Vec<StyledRow>,
}

/// A card with more rows than this repeats its question above the keys, because its first row may be off screen.
const LONG_CARD_ROWS: usize = 16;

/// The longest label beside its value; a longer one stands above it.
const MAX_LABEL_WIDTH: usize = 16;

/// The narrowest card whose keys stand in two columns.
const TWO_COLUMNS: usize = 60;

/// The labels that ibid writes itself; an argument with such a name is shown in quotes.
const OWN_LABELS: [&str; 6] = ["tool", "name", "server", "claims", "change", "again"];

/// Returns the rows of the card with its frame. Nothing is left out or hidden.
pub fn approval_rows(
    request: ApprovalRequest,
    hints: &CardHints,
    width: usize,
    marks: &ThemeMarks,
    cache: &mut Option<CallRows>,
) -> Vec<StyledRow> {
    let frame = CardFrame { role: ColourRole::Warning, width, marks };
    let inner = frame.inner_width();
    let name = request.run.tool.as_ref().map(tool_label).unwrap_or_default();
    let place = match request.others_waiting {
        0 => String::new(),
        others => format!("1 of {}", others + 1),
    };
    let question = Question { name: &name, is_edited: request.run.edited };
    let room = frame.title_width(place.len()).saturating_sub(question.words_width());
    let short = shortened_title(&name, room);
    let title = Question { name: short.as_deref().unwrap_or(&name), ..question }.spans();

    let long_name = short.is_some().then_some(name.as_str());
    if !cache.as_ref().is_some_and(|cache| cache.is_of(request, long_name, width)) {
        *cache = Some(CallRows::lay_out(request, long_name, &frame));
    }
    let fields = cache.as_ref().map(|cache| cache.rows.as_slice()).unwrap_or_default();
    let mut keys = Vec::new();
    if !hints.choices.is_empty() {
        if fields.len() > LONG_CARD_ROWS {
            keys.push(Vec::new());
            keys.extend(reminder_rows(question, fields.len() + 1, hints, inner));
        }
        keys.push(Vec::new());
        keys.extend(key_rows(hints, inner));
    }
    let mut top = frame.top(title, &place);
    if hints.is_focused {
        top.gutter = Some(GutterMark { mark: marks.bar, role: ColourRole::Accent });
    }
    let mut rows = vec![top];
    rows.extend(fields.iter().cloned());
    rows.extend(keys.into_iter().map(|content| frame.row(content)));
    rows.push(frame.bottom(focus_label(hints)));
    rows
}

/// `Run amend?`, in the frame and above the keys of a long card.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    name: &'a str,
    is_edited: bool,
}

impl Question<'_> {
    fn ending(self) -> &'static str {
        if self.is_edited { " with your arguments?" } else { "?" }
    }

    /// Returns the width of everything but the name.
    fn words_width(self) -> usize {
        "Run ".len() + self.ending().len()
    }

    fn spans(self) -> Vec<StyledSpan> {
        let text = TextStyle::of(ColourRole::Text);
        vec![
            StyledSpan::new("Run ", text),
            StyledSpan::new(self.name, text.bold()),
            StyledSpan::new(self.ending(), text),
        ]
    }
}

/// Returns what ibid says about the tool: its server, what it runs, what it claims, and doubts about its name.
fn own_fields<'a>(request: ApprovalRequest<'a>, marks: &ThemeMarks) -> Vec<ArgumentEntry<'a>> {
    let ApprovalRequest { run, tool, command, doubt, doubted_grant, .. } = request;
    let muted = TextStyle::of(ColourRole::Muted);
    let mut fields = Vec::new();
    if let Some(doubt) = doubt {
        fields.push(text_field("name", &doubt_text(doubt), ColourRole::Warning));
    }
    if let Some(why) = doubted_grant {
        fields.push(text_field("again", why, ColourRole::Warning));
    }
    if let Some(id) = &run.tool {
        let mut server = vec![StyledSpan::new(show_invisible_in_line(&id.server), TextStyle::of(ColourRole::Text))];
        server.extend(command.into_iter().flat_map(|command| command_spans(command, run, marks)));
        if id.server != COMMAND_SERVER {
            server.push(StyledSpan::new(format!(" {} MCP server", marks.dot), muted));
        }
        fields.push(ArgumentEntry::Field { label: "server".into(), value: server });
    }
    if let Some(tool) = tool {
        fields.push(ArgumentEntry::Field { label: "claims".into(), value: claim_spans(tool.hints, marks) });
    }
    fields
}

fn text_field<'a>(label: &str, text: &str, role: ColourRole) -> ArgumentEntry<'a> {
    ArgumentEntry::Field { label: label.into(), value: vec![StyledSpan::new(text, TextStyle::of(role))] }
}

impl CallRows {
    fn is_of(&self, request: ApprovalRequest, long_name: Option<&str>, width: usize) -> bool {
        self.width == width
            && self.long_name.as_deref() == long_name
            && self.tool == request.run.tool
            && self.hints == request.tool.map(|tool| tool.hints)
            && self.command.as_ref() == request.command
            && self.doubt.as_ref() == request.doubt
            && self.doubted_grant.as_deref() == request.doubted_grant
            && self.arguments == request.run.arguments
    }

    fn lay_out(request: ApprovalRequest, long_name: Option<&str>, frame: &CardFrame) -> Self {
        let ApprovalRequest { run, tool, command, doubt, doubted_grant, .. } = request;
        let mut fields = own_fields(request, frame.marks);
        if let Some(name) = long_name {
            fields.insert(0, text_field("tool", name, ColourRole::Text));
        }
        fields.extend(arguments::argument_entries(&run.arguments));
        let rows = std::iter::once(Vec::new()).chain(entry_rows(&fields, frame.inner_width()));
        Self {
            width: frame.width,
            long_name: long_name.map(str::to_owned),
            tool: run.tool.clone(),
            hints: tool.map(|tool| tool.hints),
            command: command.cloned(),
            doubt: doubt.cloned(),
            doubted_grant: doubted_grant.map(str::to_owned),
            arguments: run.arguments.clone(),
            rows: rows.map(|content| frame.row(content)).collect(),
        }
    }
}

fn doubt_text(doubt: &NameDoubt) -> String {
    match doubt {
        NameDoubt::Deceptive => "has misleading characters, so it cannot be allowed always".into(),
        NameDoubt::LooksLike(other) => {
            format!("looks like {}, another tool, so it cannot be allowed always", visible_tool_name(other))
        }
    }
}

/// Returns what a tool says of itself; that it destroys data stands out.
fn claim_spans(hints: ToolHints, marks: &ThemeMarks) -> Vec<StyledSpan> {
    let all = claims(
        hints,
        [
            ("to be read-only", "to make changes"),
            ("to be destructive", "not to be destructive"),
            ("to reach the internet", "to stay on this machine"),
        ],
    );
    if all.is_empty() {
        return vec![StyledSpan::new("nothing about what it changes", TextStyle::of(ColourRole::Text))];
    }
    let destroys = hints.destructive == Some(true) && hints.read_only != Some(true);
    let role = if destroys { ColourRole::Warning } else { ColourRole::Text };
    let unchecked = format!(" {} ibid cannot check this", marks.dot);
    vec![
        StyledSpan::new(all.join(", "), TextStyle::of(role)),
        StyledSpan::new(unchecked, TextStyle::of(ColourRole::Muted)),
    ]
}

/// Returns the command line that will be run, word by word.
fn command_spans(command: &ToolCommand, run: &ToolCallRun, marks: &ThemeMarks) -> Vec<StyledSpan> {
    let muted = TextStyle::of(ColourRole::Muted);
    match command.invocation(&run.arguments) {
        Ok(invocation) => {
            let args: Vec<String> = invocation.argv.iter().map(|word| quote_word(word)).collect();
            let stdin_note = if invocation.stdin.is_some() { ", arguments as JSON on stdin" } else { "" };
            vec![
                StyledSpan::new(format!(" {} runs ", marks.dot), muted),
                StyledSpan::new(args.join(" "), TextStyle::of(ColourRole::Text)),
                StyledSpan::new(stdin_note, muted),
            ]
        }
        Err(failure) => vec![StyledSpan::new(
            format!(" {} will not run: {}", marks.dot, show_invisible(&failure.message())),
            TextStyle::of(ColourRole::Error),
        )],
    }
}

/// Lays out a table of the fields; diffs stand between them over the whole width.
fn entry_rows(entries: &[ArgumentEntry], width: usize) -> Vec<Vec<StyledSpan>> {
    let label_width = entries.iter().map(ArgumentEntry::label_width).filter(|cells| *cells <= MAX_LABEL_WIDTH).max();
    let label_width = label_width.unwrap_or(0).min(width / 3);
    let mut rows: Vec<Vec<StyledSpan>> = Vec::new();
    for (nth, entry) in entries.iter().enumerate() {
        rows.extend(entry.field_rows(label_width, width));
        let diff = entry.diff_rows(width);
        if !diff.is_empty() {
            rows.push(Vec::new());
            rows.extend(diff);
            if nth + 1 < entries.len() {
                rows.push(Vec::new());
            }
        }
    }
    rows
}

/// Repeats the question of a long card, and says how to see its beginning.
fn reminder_rows(question: Question, rows: usize, hints: &CardHints, width: usize) -> Vec<Vec<StyledSpan>> {
    let mut spans = question.spans();
    let scroll =
        if hints.scroll_keys.is_empty() { String::new() } else { format!("; {} scrolls up", hints.scroll_keys) };
    spans.push(StyledSpan::new(format!("  {rows} rows above{scroll}"), TextStyle::of(ColourRole::Muted)));
    card::wrap_spans(&spans, width, RowKind::Card).into_iter().map(|row| row.spans).collect()
}

/// Lays out the keys: what allows the call at the left, the rest at the right.
fn key_rows(hints: &CardHints, width: usize) -> Vec<Vec<StyledSpan>> {
    let choices: Vec<&ChoiceHint> = hints.choices.iter().filter(|choice| !choice.keys.is_empty()).collect();
    let spans = |choice: &ChoiceHint| choice_spans(choice, hints.is_focused);
    if width < TWO_COLUMNS {
        return choices.into_iter().map(spans).collect();
    }
    let (allow, rest) = choices.split_at(choices.iter().filter(|choice| choice.label.contains("allow")).count());
    let column = width.div_ceil(2) + 2;
    let rows = (0..allow.len().max(rest.len())).map(|row| {
        let mut row_spans = allow.get(row).map(|choice| spans(choice)).unwrap_or_default();
        if let Some(choice) = rest.get(row) {
            let used: usize = row_spans.iter().map(StyledSpan::width).sum();
            let gap = " ".repeat(column.saturating_sub(used).max(3));
            row_spans.push(StyledSpan::new(gap, TextStyle::of(ColourRole::Text)));
            row_spans.extend(spans(choice));
        }
        row_spans
    });
    rows.collect()
}

/// Returns `y  allow once`. The letter is muted while it does nothing; what distinguishes the choice stands out.
fn choice_spans(choice: &ChoiceHint, is_focused: bool) -> Vec<StyledSpan> {
    let key = if is_focused { TextStyle::of(ColourRole::Accent).bold() } else { TextStyle::of(ColourRole::Muted) };
    let rest = [" in this conversation", " this tool", " and say why"];
    let rest = rest.into_iter().find(|rest| choice.label.ends_with(rest)).unwrap_or_default();
    let words = choice.label.strip_suffix(rest).unwrap_or(&choice.label);
    vec![
        StyledSpan::new(&*choice.keys, key),
        StyledSpan::new(format!("  {words}"), TextStyle::of(ColourRole::Text)),
        StyledSpan::new(rest, TextStyle::of(ColourRole::Muted)),
    ]
}

/// Returns `Tab to answer` while the letters do nothing.
fn focus_label(hints: &CardHints) -> Vec<StyledSpan> {
    if hints.is_focused || hints.choices.is_empty() || hints.focus_keys.is_empty() {
        return Vec::new();
    }
    vec![
        StyledSpan::new(&*hints.focus_keys, TextStyle::of(ColourRole::Accent)),
        StyledSpan::new(" to answer", TextStyle::of(ColourRole::Muted)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{chat::tool_call::ToolCallState, text::work};

    #[test]
    fn a_long_argument_is_laid_out_once() {
        let run = |size: usize| ToolCallRun {
            tool: None,
            arguments: json!({ "text": "words and more ".repeat(size / 15) }),
            edited: false,
            started_at: None,
            ended_at: None,
            state: ToolCallState::Asking,
            progress: None,
            full_size: None,
        };
        let hints =
            CardHints { choices: Vec::new(), focus_keys: String::new(), scroll_keys: String::new(), is_focused: false };
        let rows = |run: &ToolCallRun, cache: &mut Option<CallRows>| {
            let asked =
                ApprovalRequest { run, tool: None, command: None, doubt: None, doubted_grant: None, others_waiting: 0 };
            approval_rows(asked, &hints, 60, &ThemeMarks::UNICODE, cache)
        };
        work::assert_linear("the first frame", 8000, run, |run| {
            rows(run, &mut None);
        });
        let (long, mut cache) = (run(100_000), None);
        let first = rows(&long, &mut cache);
        let again = work::steps_of(|| assert_eq!(rows(&long, &mut cache), first));
        assert!(again < 1000, "{again} steps for a frame that changes nothing");
        let other = run(30);
        assert_ne!(rows(&other, &mut cache), first, "other arguments have other rows");
    }
}
