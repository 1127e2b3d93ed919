//! The content of the pager: one clean text, and the kind of each of its lines.

use serde_json::Value;

use super::{CallPager, ResultSource};
use crate::{
    chat::ToolCallState,
    text::{self, show_invisible},
    tools::ToolContent,
    ui::reading::{
        facts::format_size,
        result_text::{self, pretty_json},
        tool_text,
    },
};

/// A text, and the kinds of its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PagerDocument {
    pub title: String,
    /// Clean; each line ends with `\n`.
    pub text: String,
    /// The end of each group of lines, in bytes, and its kind.
    pub line_kinds: Vec<(usize, PagerLineKind)>,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PagerLineKind {
    /// The heading of the lines below.
    Heading,
    /// A remark by ibid.
    Note,
    Text,
    Failure,
}

impl PagerDocument {
    fn push(&mut self, kind: PagerLineKind, words: &str) {
        self.text.push_str(words.trim_end_matches('\n'));
        self.text.push('\n');
        self.line_kinds.push((self.text.len(), kind));
    }

    fn push_heading(&mut self, words: &str) {
        self.push(PagerLineKind::Text, "");
        self.push(PagerLineKind::Heading, words);
    }
}

/// Builds the document of a call: its state, its arguments and its result.
pub(super) fn build_document(pager: &CallPager) -> PagerDocument {
    let (call, run) = (&pager.call, pager.run.as_ref());
    let mut document = PagerDocument { title: tool_text::tool_name(call, run), ..PagerDocument::default() };
    let status = run.map(|run| result_text::call_status(run, false, None, &pager.marks).0);
    document.push(PagerLineKind::Note, status.as_deref().unwrap_or("not run here"));
    if let Some(run) = run.filter(|run| run.full_size.is_some()) {
        let read = match &run.state {
            ToolCallState::Done(short) => format_size(short.byte_len()),
            _ => String::new(),
        };
        document.push(
            PagerLineKind::Note,
            &match &pager.result_source {
                ResultSource::Loaded(_) => {
                    format!("The model read the beginning and end, {read}. The full result is here.")
                }
                ResultSource::InMessage | ResultSource::Loading => "The full result is being read from disk …".into(),
                ResultSource::Failed(why) => format!("Only the part that the model read is here: {}", text::clean(why)),
            },
        );
    }
    let edited = run.is_some_and(|run| run.edited);
    document.push_heading(if edited { "Arguments, edited by you" } else { "Arguments" });
    let arguments = match run {
        Some(run) => run.arguments.clone(),
        None => serde_json::from_str(&call.arguments).unwrap_or_else(|_| Value::String(call.arguments.clone())),
    };
    match arguments {
        Value::Object(fields) if fields.is_empty() => document.push(PagerLineKind::Note, "none"),
        Value::String(text) => document.push(PagerLineKind::Text, &show_invisible(&text)),
        value => document.push(PagerLineKind::Text, &show_invisible(&pretty_json(&value))),
    }
    if let Some(outcome) = pager.outcome() {
        document.push_heading(if outcome.failed { "Result: the tool reported an error" } else { "Result" });
        let mut had_text = false;
        for (nth, content) in outcome.content.iter().enumerate() {
            let piece = result_text::result_piece(content);
            let mark = match content {
                ToolContent::Image { .. } => pager.marks.image,
                _ => pager.marks.bullets[2],
            };
            if let Some(label) = &piece.label {
                if nth > 0 && (had_text || !piece.text.is_empty()) {
                    document.push(PagerLineKind::Text, "");
                }
                document.push(PagerLineKind::Heading, &format!("{mark} {}", result_text::visible_line(label)));
            }
            if !piece.text.is_empty() {
                document.push(PagerLineKind::Text, &text::clean(&piece.text));
            }
            had_text = !piece.text.is_empty();
        }
        if outcome.byte_len() == 0 {
            document.push(PagerLineKind::Note, "no output");
        }
    } else if let Some(why) = run.and_then(crate::chat::ToolCallRun::missing_result_reason) {
        document.push_heading("No result");
        document.push(PagerLineKind::Failure, &text::clean(&why));
    }
    document
}
