//! Editing in a row of the list: a title, or tags, which are completed from those that exist.

use crate::{
    chat::{ConversationId, ConversationSummary, filing},
    ui::overlay::field::TextField,
};

/// What is being typed in the row of a conversation.
#[derive(Debug, Clone)]
pub struct RowEdit {
    pub conversation: ConversationId,
    pub kind: RowEditKind,
    pub field: TextField,
    /// All tags that exist, the most frequent first.
    known_tags: Vec<String>,
}

/// What of a conversation is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowEditKind {
    Title,
    Tags,
}

impl RowEdit {
    pub fn title(row: &ConversationSummary) -> Self {
        let field = TextField::new(&row.title);
        Self { conversation: row.id, kind: RowEditKind::Title, field, known_tags: Vec::new() }
    }

    pub fn tags(row: &ConversationSummary, known_tags: Vec<String>) -> Self {
        let mut words = filing::tag_words(&row.filing.tags);
        if !words.is_empty() {
            words.push(' ');
        }
        Self { conversation: row.id, kind: RowEditKind::Tags, field: TextField::new(&words), known_tags }
    }

    /// Returns the tags that were typed; those that exist keep their spelling.
    pub fn typed_tags(&self) -> Vec<String> {
        filing::parse_tags(&self.field.text(), &self.known_tags)
    }

    /// Returns what completes the tag at the end of the text: the rest of the first tag that begins like it.
    pub fn completion(&self) -> Option<String> {
        if self.kind == RowEditKind::Title {
            return None;
        }
        let text = self.field.text();
        let typed = last_word(&text).trim_start_matches('#').to_lowercase();
        let has = |tag: &String| self.typed_tags().iter().any(|typed| typed == tag);
        let known = self.known_tags.iter().find(|tag| tag.to_lowercase().starts_with(&typed) && !has(tag))?;
        let rest: String = known.chars().skip(typed.chars().count()).collect();
        (!typed.is_empty() && !rest.is_empty()).then_some(rest)
    }

    /// Completes the tag at the end of the text, and begins another one.
    pub fn complete(&mut self) {
        if let Some(rest) = self.completion() {
            self.field = TextField::new(&format!("{}{rest} ", self.field.text()));
        }
    }
}

fn last_word(text: &str) -> &str {
    text.rsplit(|letter: char| letter.is_whitespace() || letter == ',').next().unwrap_or_default()
}
