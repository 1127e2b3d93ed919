//! Tools and calls in words, with what could mislead made visible.

use super::result_text::visible_line;
use crate::{
    chat::{ToolCallRun, answer::FunctionCall},
    text::{show_invisible, show_invisible_in_line},
    tools::{ToolHints, ToolId},
};

/// The tool and the arguments of a call, on one line.
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

/// Describes a tool's hints, which are only its own claims.
pub(crate) fn claimed_effects(hints: ToolHints) -> String {
    let claim = |hint: Option<bool>, yes: &'static str, no: &'static str| hint.map(|hint| if hint { yes } else { no });
    let all = [
        claim(hints.read_only, "reads only", "makes changes"),
        claim(hints.destructive.filter(|_| hints.read_only != Some(true)), "may destroy data", "destroys nothing"),
        claim(hints.open_world, "reaches the outside", "stays on this machine"),
    ];
    let all: Vec<&str> = all.into_iter().flatten().collect();
    if all.is_empty() {
        return "It does not say what it affects.".into();
    }
    format!("By its own account: {}.", all.join(", "))
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
