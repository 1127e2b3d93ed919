//! The result of a call as text: what is no text is named by a label.

use std::borrow::Cow;

use serde_json::Value;

use super::{ToolContent, ToolOutcome};
use crate::text::amounts::format_size;

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
