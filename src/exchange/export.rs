//! Conversations as documents: Markdown, plain text, a web page or JSON.
//!
//! What is exported is a conversation of its own, reduced to what was asked for (`scoped`) and masked (`masks`), so that
//! every form shows the same.

mod document;
mod front_matter;
mod html_form;
mod json_form;
mod markdown_form;
mod masks;
pub mod options;
mod plain_form;
mod scoped;
mod secret_scan;

use jiff::tz::TimeZone;

use crate::{
    chat::{Timestamp, WholeConversation},
    config::LineBreaks,
    render::highlight::CodeHighlighter,
};
use document::ExportDocument;
pub use options::{
    ExportDensity, ExportForm, ExportOptions, ExportScope, ExportedPart, SecretHandling, SelectedText, file_stem,
};
pub use secret_scan::SecretSuspect;

/// What an export depends on besides the conversation.
#[derive(Debug, Clone)]
pub struct ExportSetting {
    pub now: Timestamp,
    pub zone: TimeZone,
    pub line_breaks: LineBreaks,
}

/// A conversation as a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedText {
    pub text: String,
    /// What looks like a secret in it, masked or not.
    pub suspects: Vec<SecretSuspect>,
    /// How many messages it has.
    pub message_count: usize,
    /// What was exported, in one line for the reader.
    pub summary: String,
    /// Whether reading it back gives the whole tree; `None` if the form cannot be read back.
    pub gives_tree_back: Option<bool>,
}

/// Writes a conversation in a form.
pub fn export(
    whole: WholeConversation,
    options: &ExportOptions,
    setting: &ExportSetting,
    highlighter: &mut CodeHighlighter,
) -> ExportedText {
    let masked = masks::masked(scoped::scoped(whole, options), options.secrets);
    let document = ExportDocument::new(&masked, options, setting);
    let text = match options.form {
        ExportForm::Markdown => markdown_form::write(&document),
        ExportForm::Html => html_form::write(&document, highlighter),
        ExportForm::Json => json_form::write(&document),
        ExportForm::PlainText => plain_form::write(&document),
    };
    let suspects = masked.suspects.iter().map(|suspect| SecretSuspect {
        kind: suspect.kind,
        preview: suspect.preview.clone(),
        message: suspect.message.and_then(|id| document.number_of(id)),
    });
    ExportedText {
        text,
        suspects: suspects.collect(),
        message_count: document.entries.len(),
        summary: document.summary(),
        gives_tree_back: options.form.is_importable().then(|| document.gives_tree_back()),
    }
}
