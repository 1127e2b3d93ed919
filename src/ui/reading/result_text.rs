//! The state of a call as the reader sees it.

use super::facts::{self, format_size};
use crate::render::theme::{ColourRole, ThemeMarks};
pub use crate::tools::result_text::{outcome_text, pretty_json, result_piece};
use crate::{
    chat::{Timestamp, ToolCallRun, ToolCallState},
    text::{self, show_invisible},
    tools::ToolOutcome,
};

/// The state of a call as one sign.
pub fn call_sign(run: Option<&ToolCallRun>, marks: &ThemeMarks) -> (&'static str, ColourRole) {
    match run.map(|run| &run.state) {
        None => (marks.tools, ColourRole::Link),
        Some(ToolCallState::Asking) => (marks.asking, ColourRole::Warning),
        Some(ToolCallState::Queued) => (marks.waiting, ColourRole::Muted),
        Some(ToolCallState::Running) => (marks.running, ColourRole::Accent),
        Some(ToolCallState::Failed(_) | ToolCallState::Done(ToolOutcome { failed: true, .. })) => {
            (marks.failed, ColourRole::Error)
        }
        Some(ToolCallState::Done(_)) => (marks.done, ColourRole::Ok),
        Some(ToolCallState::DeniedByRule | ToolCallState::Denied { .. } | ToolCallState::Cancelled) => {
            (marks.tools, ColourRole::Muted)
        }
    }
}

/// The state of a call (one may ask after another), its duration and the size of its result; a running call's duration goes up to `now`.
pub fn call_status(
    run: &ToolCallRun,
    asks_later: bool,
    now: Option<Timestamp>,
    marks: &ThemeMarks,
) -> (String, ColourRole) {
    let role = match run.state {
        ToolCallState::Asking => ColourRole::Warning,
        ToolCallState::Failed(_) | ToolCallState::Done(ToolOutcome { failed: true, .. }) => ColourRole::Error,
        ToolCallState::Queued
        | ToolCallState::Running
        | ToolCallState::Done(_)
        | ToolCallState::DeniedByRule
        | ToolCallState::Denied { .. }
        | ToolCallState::Cancelled => ColourRole::Muted,
    };
    let mut status = vec![match &run.state {
        ToolCallState::Done(ToolOutcome { failed: true, .. }) => "reports an error".to_owned(),
        ToolCallState::Asking if asks_later => "asks next".to_owned(),
        ToolCallState::Asking => "asks you".to_owned(),
        stage => stage.label().to_owned(),
    }];
    if let (Some(began), Some(until)) = (run.started_at, run.ended_at.or(now)) {
        status.push(facts::format_seconds(facts::millis_between(began, until)));
    }
    match &run.state {
        ToolCallState::Done(outcome) => {
            status.push(format_size(run.full_size.map_or_else(|| outcome.byte_len(), |whole| whole.bytes)));
        }
        ToolCallState::Running => {
            status.extend(run.progress.as_deref().map(|words| text::truncate(&visible_line(words), 30).into_owned()));
        }
        _ => (),
    }
    (status.join(&format!(" {} ", marks.dot)), role)
}

/// A text on one line, with its invisible characters made visible.
pub fn visible_line(text: &str) -> String {
    text::collapse_spaces(&show_invisible(text))
}
