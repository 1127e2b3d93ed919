//! What a call came to, as its reader sees it: texts as they are, and what is no text by what it is.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    theme::{Marks, Role},
    transcript::{facts, size},
};
use crate::{
    chat::{Denial, Run, Stage, Timestamp},
    text::{self, visible},
    tools::{Content, Outcome},
};

/// One piece of a result. None of it is clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What it is, where it does not speak for itself.
    pub label: Option<String>,
    pub text: Cow<'a, str>,
}

pub fn piece(content: &Content) -> Piece<'_> {
    let label = |parts: &[&str]| {
        let told: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        Some(told.join(", "))
    };
    let size = size(content.bytes());
    let nothing = Cow::Borrowed("");
    match content {
        Content::Text(text) => Piece { label: None, text: Cow::Borrowed(text) },
        Content::Image { mime, .. } => Piece { label: label(&["image", mime, &size]), text: nothing },
        Content::Audio { mime, .. } => Piece { label: label(&["sound", mime, &size]), text: nothing },
        Content::File { uri, mime, .. } => {
            Piece { label: label(&[uri, mime.as_deref().unwrap_or("a file"), &size]), text: nothing }
        }
        Content::Resource { uri, mime, text } => {
            Piece { label: label(&[uri, mime.as_deref().unwrap_or_default()]), text: Cow::Borrowed(text) }
        }
        Content::Link { uri, name } => Piece { label: label(&[name, uri]), text: nothing },
        Content::Structured(value) => Piece { label: label(&["structured"]), text: Cow::Owned(pretty(value)) },
    }
}

/// A result as text: what is none is named.
pub fn words(outcome: &Outcome) -> String {
    let words = outcome.content.iter().map(piece).map(|piece| match piece.label {
        Some(label) if piece.text.is_empty() => label,
        _ => piece.text.into_owned(),
    });
    words.collect::<Vec<_>>().join("\n")
}

/// Why there is no result, where there will be none.
pub fn instead(run: &Run) -> Option<String> {
    match &run.stage {
        Stage::Failed(failure) => Some(failure.words()),
        Stage::Denied(Denial::Because(why)) => Some(why.clone()),
        Stage::Denied(Denial::ByRule) => Some("by a rule of the config".into()),
        Stage::Asking
        | Stage::Queued
        | Stage::Running
        | Stage::Done(_)
        | Stage::Denied(Denial::ByReader)
        | Stage::Cancelled => None,
    }
}

/// How far a call is, as one sign.
pub fn sign(run: Option<&Run>, marks: &Marks) -> (&'static str, Role) {
    match run.map(|run| &run.stage) {
        None => (marks.tools, Role::Link),
        Some(Stage::Asking) => (marks.asking, Role::Warning),
        Some(Stage::Queued) => (marks.waiting, Role::Muted),
        Some(Stage::Running) => (marks.running, Role::Accent),
        Some(Stage::Failed(_) | Stage::Done(Outcome { failed: true, .. })) => (marks.failed, Role::Error),
        Some(Stage::Done(_)) => (marks.done, Role::Ok),
        Some(Stage::Denied(_) | Stage::Cancelled) => (marks.tools, Role::Muted),
    }
}

/// How far a call is, how long it took, how much came; the clock of one that still runs goes by `now`.
pub fn standing(run: &Run, now: Option<Timestamp>, marks: &Marks) -> (String, Role) {
    let role = match run.stage {
        Stage::Asking => Role::Warning,
        Stage::Failed(_) | Stage::Done(Outcome { failed: true, .. }) => Role::Error,
        Stage::Queued | Stage::Running | Stage::Done(_) | Stage::Denied(_) | Stage::Cancelled => Role::Muted,
    };
    let mut words = vec![match &run.stage {
        Stage::Done(Outcome { failed: true, .. }) => "reports an error".to_owned(),
        stage => stage.word().to_owned(),
    }];
    if let (Some(began), Some(until)) = (run.began, run.ended.or(now)) {
        words.push(facts::seconds(facts::millis(began, until)));
    }
    match &run.stage {
        Stage::Done(outcome) => words.push(size(run.whole.map_or_else(|| outcome.bytes(), |whole| whole.bytes))),
        Stage::Running => {
            words.extend(run.progress.as_deref().map(|words| text::truncate(&one_line(words), 30).into_owned()));
        }
        _ => (),
    }
    (words.join(&format!(" {} ", marks.dot)), role)
}

/// A text on one row, with all that hides in it made visible.
pub fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// JSON with a line for each member.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_is_told_by_what_it_is() {
        let outcome = Outcome {
            content: vec![
                Content::Text("plain".into()),
                Content::Image { mime: "image/png".into(), data: "iVBORw0KGgo=".into() },
                Content::Audio { mime: "audio/wav".into(), data: "UklGRg==".into() },
                Content::Resource { uri: "file:///a.txt".into(), mime: None, text: "inside".into() },
                Content::File {
                    uri: "file:///a.pdf".into(),
                    mime: Some("application/pdf".into()),
                    data: "JVBE".into(),
                },
                Content::Link { uri: "https://a.b/c".into(), name: "a page".into() },
                Content::Structured(json!({ "rain": true })),
            ],
            failed: false,
        };
        insta::assert_snapshot!(words(&outcome), @r#"
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
        let labels: Vec<String> = outcome.content.iter().filter_map(|content| piece(content).label).collect();
        assert_eq!((labels[2].as_str(), labels[5].as_str()), ("file:///a.txt", "structured"));
    }
}
