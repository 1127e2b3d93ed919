//! The card of a call that needs approval: its tool, every argument in full, and what the tool claims to do.

mod arguments;

use serde_json::Value;

use super::card_rows::CardHints;
use crate::render::{
    card,
    row::{RowKind, StyledRow, StyledSpan, TextStyle},
    theme::{ColourRole, ThemeMarks},
};
use crate::ui::reading::tool_text::{claimed_effects, quote_word, visible_tool_name};
use crate::{
    chat::ToolCallRun,
    text::show_invisible,
    tools::{NameDoubt, ToolCommand, ToolDefinition},
};

/// A call that needs approval, with what is known about its tool.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalRequest<'a> {
    pub run: &'a ToolCallRun,
    pub tool: Option<&'a ToolDefinition>,
    /// The command, if the tool is defined in the config.
    pub command: Option<&'a ToolCommand>,
    /// The reason to distrust the tool's name.
    pub doubt: Option<&'a NameDoubt>,
    /// The number of other calls of this step that await a decision.
    pub others_waiting: usize,
}

/// The rows of a call's command and arguments, which may be megabytes: laid out once, not in every frame.
#[derive(Debug, Clone)]
pub struct CallRows {
    arguments: Value,
    command: Option<ToolCommand>,
    width: usize,
    rows: Vec<StyledRow>,
}

/// A card with more rows than this repeats its question above the keys, because its first row may be off screen.
const LONG_CARD_ROWS: usize = 16;

/// Returns the rows of the card, without its bar. Nothing is left out or hidden.
pub fn approval_rows(
    request: ApprovalRequest,
    hints: &CardHints,
    width: usize,
    marks: &ThemeMarks,
    cache: &mut Option<CallRows>,
) -> Vec<StyledRow> {
    let ApprovalRequest { run, tool, command, doubt, others_waiting: more } = request;
    let name = run.tool.as_ref().map(visible_tool_name).unwrap_or_default();
    let mut headline = vec![StyledSpan::new(format!("Run {name}?"), TextStyle::of(ColourRole::Warning).bold())];
    if run.edited {
        headline.push(StyledSpan::new("  with your arguments", TextStyle::of(ColourRole::Muted)));
    }
    if more > 0 {
        let calls = if more == 1 { "1 more call asks" } else { &format!("{more} more calls ask") };
        headline.push(StyledSpan::new(format!("  {calls}"), TextStyle::of(ColourRole::Muted)));
    }
    let mut rows = card::wrap_spans(&headline, width, RowKind::Card);
    if let Some(doubt) = doubt {
        rows.extend(card::wrap_spans(
            &[StyledSpan::new(doubt_text(doubt), TextStyle::of(ColourRole::Warning))],
            width,
            RowKind::Card,
        ));
    }
    if let Some(tool) = tool {
        rows.extend(card::wrap_spans(
            &[StyledSpan::new(claimed_effects(tool.hints), TextStyle::of(ColourRole::Muted))],
            width,
            RowKind::Card,
        ));
    }
    if !cache.as_ref().is_some_and(|cache| cache.is_of(run, command, width)) {
        *cache = Some(CallRows::lay_out(run, command, width));
    }
    rows.extend(cache.iter().flat_map(|cache| &cache.rows).cloned());
    if !hints.choices.is_empty() {
        let above = rows.len();
        rows.push(StyledRow::new(RowKind::Card, Vec::new()));
        if above > LONG_CARD_ROWS {
            let question = [
                StyledSpan::new(format!("Run {name}?"), TextStyle::of(ColourRole::Warning).bold()),
                StyledSpan::new(
                    format!("  its {above} rows begin above: {} scrolls", hints.scroll_keys),
                    TextStyle::of(ColourRole::Muted),
                ),
            ];
            rows.extend(card::wrap_spans(&question, width, RowKind::Card));
        }
        rows.extend(super::card_rows::choice_rows(hints, width, marks));
    }
    rows
}

impl CallRows {
    fn is_of(&self, run: &ToolCallRun, command: Option<&ToolCommand>, width: usize) -> bool {
        self.width == width && self.command.as_ref() == command && self.arguments == run.arguments
    }

    fn lay_out(run: &ToolCallRun, command: Option<&ToolCommand>, width: usize) -> Self {
        let mut rows = command.map(|command| command_rows(command, run, width)).unwrap_or_default();
        rows.extend(arguments::argument_rows(&run.arguments, width));
        Self { arguments: run.arguments.clone(), command: command.cloned(), width, rows }
    }
}

fn doubt_text(doubt: &NameDoubt) -> String {
    match doubt {
        NameDoubt::Deceptive => "Its name has misleading characters: it cannot be allowed for ever.".into(),
        NameDoubt::LooksLike(other) => {
            format!("Its name looks like {}, another tool: it cannot be allowed for ever.", visible_tool_name(other))
        }
    }
}

/// Returns the command line that will be run, word by word.
fn command_rows(command: &ToolCommand, run: &ToolCallRun, width: usize) -> Vec<StyledRow> {
    let spans = match command.invocation(&run.arguments) {
        Ok(invocation) => {
            let args: Vec<String> = invocation.argv.iter().map(|word| quote_word(word)).collect();
            let stdin_note = if invocation.stdin.is_some() { "  with the arguments as JSON on its input" } else { "" };
            vec![
                StyledSpan::new(args.join(" "), TextStyle::of(ColourRole::Text).bold()),
                StyledSpan::new(stdin_note, TextStyle::of(ColourRole::Muted)),
            ]
        }
        Err(failure) => {
            vec![StyledSpan::new(
                format!("It will not run: {}", show_invisible(&failure.message())),
                TextStyle::of(ColourRole::Error),
            )]
        }
    };
    card::wrap_spans(&spans, width, RowKind::Card)
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
        let hints = CardHints { choices: Vec::new(), focus_keys: String::new(), scroll_keys: String::new() };
        let rows = |run: &ToolCallRun, cache: &mut Option<CallRows>| {
            let asked = ApprovalRequest { run, tool: None, command: None, doubt: None, others_waiting: 0 };
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
