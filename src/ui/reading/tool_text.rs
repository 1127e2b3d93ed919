//! Tools and calls in words, with what could mislead made visible.

use super::result_text::visible_line;
use crate::{
    chat::{ToolCallRun, answer::FunctionCall},
    text::{show_invisible, show_invisible_in_line},
    tools::{GrantState, ToolHints, ToolId},
};

/// The tool with its server and the exact arguments of a call as JSON, on one line.
pub(crate) fn call_text(call: &FunctionCall, run: Option<&ToolCallRun>) -> String {
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

/// Returns the tool's name for display, with invisible and misleading characters made visible.
pub(crate) fn visible_tool_name(id: &ToolId) -> String {
    show_invisible_in_line(&id.to_string())
}

/// Returns the tool's name for display without its server.
pub(crate) fn tool_label(id: &ToolId) -> String {
    show_invisible_in_line(&id.name)
}

/// Describes a tool's hints in one sentence; they are only its own claims.
pub(crate) fn claimed_effects(hints: ToolHints) -> String {
    let all = claims(
        hints,
        [
            ("read-only", "changing things"),
            ("destructive", "not destructive"),
            ("reaching the internet", "staying on this machine"),
        ],
    );
    if all.is_empty() {
        return "Does not declare what it changes.".into();
    }
    format!("Declares itself {}.", all.join(", "))
}

/// Returns the words for each hint that is set: whether it only reads, may destroy data, and reaches the internet.
pub(crate) fn claims(hints: ToolHints, words: [(&'static str, &'static str); 3]) -> Vec<&'static str> {
    let is_destructive = hints.destructive.filter(|_| hints.read_only != Some(true));
    let all = [hints.read_only, is_destructive, hints.open_world].into_iter().zip(words);
    all.filter_map(|(hint, (yes, no))| hint.map(|hint| if hint { yes } else { no })).collect()
}

/// Says why a tool asks although it was allowed before; `None` if it was not.
pub(crate) fn doubted_grant(state: &GrantState, is_rule_unconfirmed: bool) -> Option<String> {
    match state {
        GrantState::Changed(parts) => {
            let parts = match parts.as_slice() {
                [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
                parts => parts.join(", "),
            };
            Some(format!("{parts} changed since you allowed it"))
        }
        GrantState::Unverified => Some("you allowed it before ibid kept what a tool is like".into()),
        GrantState::Absent if is_rule_unconfirmed => {
            Some("a rule in the config allows it, from before ibid kept what a tool is like".into())
        }
        GrantState::Absent | GrantState::Valid => None,
    }
}

/// Returns a command-line word, in quotes unless it consists of plain characters only.
pub(crate) fn quote_word(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_=+:,./@%^".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        show_invisible(&format!("{word:?}")).into_owned()
    }
}
