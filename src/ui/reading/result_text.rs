//! The result of a call as the reader sees it: text as it is, other content by a label.

use std::borrow::Cow;

use serde_json::Value;

use super::facts::{self, format_size};
use crate::render::theme::{ColourRole, ThemeMarks};
use crate::{
    chat::{Timestamp, ToolCallRun, ToolCallState},
    text::{self, show_invisible},
    tools::{ToolContent, ToolOutcome},
};

/// One piece of a result. Neither the label nor the text is cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultPiece<'a> {
    /// What the piece is, unless it is plain text.
    pub label: Option<String>,
    pub text: Cow<'a, str>,
}

pub fn result_piece(content: &ToolContent) -> ResultPiece<'_> {
    let label = |parts: &[&str]| {
        let known: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        Some(known.join(", "))
    };
    let size = format_size(content.byte_len());
    let no_text = Cow::Borrowed("");
    match content {
        ToolContent::Text(text) => ResultPiece { label: None, text: Cow::Borrowed(text) },
        ToolContent::Image { mime, .. } => ResultPiece { label: label(&["image", mime, &size]), text: no_text },
        ToolContent::Audio { mime, .. } => ResultPiece { label: label(&["sound", mime, &size]), text: no_text },
        ToolContent::File { uri, mime, .. } => {
            ResultPiece { label: label(&[uri, mime.as_deref().unwrap_or("a file"), &size]), text: no_text }
        }
        ToolContent::Resource { uri, mime, text } => {
            ResultPiece { label: label(&[uri, mime.as_deref().unwrap_or_default()]), text: Cow::Borrowed(text) }
        }
        ToolContent::Link { uri, name } => ResultPiece { label: label(&[name, uri]), text: no_text },
        ToolContent::Structured(value) => {
            ResultPiece { label: label(&["structured"]), text: Cow::Owned(pretty_json(value)) }
        }
    }
}

/// A result as text, with labels in place of other content.
pub fn outcome_text(outcome: &ToolOutcome) -> String {
    let words = outcome.content.iter().map(result_piece).map(|piece| match piece.label {
        Some(label) if piece.text.is_empty() => label,
        _ => piece.text.into_owned(),
    });
    words.collect::<Vec<_>>().join("\n")
}

/// The reason for a missing result, if there is one to show.
pub fn missing_result_reason(run: &ToolCallRun) -> Option<String> {
    match &run.state {
        ToolCallState::Failed(failure) => Some(failure.message()),
        ToolCallState::Denied { reason } => reason.clone(),
        ToolCallState::DeniedByRule => Some("by a rule in the config".into()),
        ToolCallState::Asking
        | ToolCallState::Queued
        | ToolCallState::Running
        | ToolCallState::Done(_)
        | ToolCallState::Cancelled => None,
    }
}

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

/// JSON with one member per line.
pub fn pretty_json(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_other_than_text_is_shown_by_a_label() {
        let outcome = ToolOutcome {
            content: vec![
                ToolContent::Text("plain".into()),
                ToolContent::Image { mime: "image/png".into(), data: "iVBORw0KGgo=".into() },
                ToolContent::Audio { mime: "audio/wav".into(), data: "UklGRg==".into() },
                ToolContent::Resource { uri: "file:///a.txt".into(), mime: None, text: "inside".into() },
                ToolContent::File {
                    uri: "file:///a.pdf".into(),
                    mime: Some("application/pdf".into()),
                    data: "JVBE".into(),
                },
                ToolContent::Link { uri: "https://a.b/c".into(), name: "a page".into() },
                ToolContent::Structured(json!({ "rain": true })),
            ],
            failed: false,
        };
        insta::assert_snapshot!(outcome_text(&outcome), @r#"
        plain
        image, image/png, 8 bytes
        sound, audio/wav, 4 bytes
        inside
        file:///a.pdf, application/pdf, 3 bytes
        a page, https://a.b/c
        {
          "rain": true
        }
        "#);
        let labels: Vec<String> = outcome.content.iter().filter_map(|content| result_piece(content).label).collect();
        assert_eq!((labels[2].as_str(), labels[5].as_str()), ("file:///a.txt", "structured"));
    }
}
