//! How a conversation is read: what the text, the rail, the pager and the tool list show in the same way.

pub(crate) mod check_words;
pub(crate) mod conversation_facts;
pub(crate) mod facts;
pub(crate) mod limited_text;
pub mod result_text;
pub(crate) mod text_focus;
pub(crate) mod tool_text;

use crate::{
    chat::MessageId,
    config::ShowMode,
    render::{
        markdown::{CodeKeys, MarkdownOptions},
        theme::Theme,
    },
    ui::{Action, keymap::Keymap},
};

/// The reader's display options.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingOptions {
    pub reasoning: ShowMode,
    /// The rail shows live reasoning, so the text does not have to.
    pub reasoning_in_rail: bool,
    pub look: MarkdownOptions,
    /// Right-to-left text is reordered for a terminal that does not do it.
    pub reorder: bool,
    /// The keys that cards show.
    pub keymap: Keymap,
    pub zone: jiff::tz::TimeZone,
}

/// A move of the window through the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScrollMove {
    Rows(i32),
    HalfPages(i32),
    Pages(i32),
    /// To the start of another message, this many further down (or up, if negative).
    ByMessages(i32),
    ToMessage(MessageId),
    Top,
    Bottom,
}

impl ReadingOptions {
    pub fn new(theme: &Theme, reasoning: ShowMode, zone: jiff::tz::TimeZone) -> Self {
        Self {
            reasoning,
            reasoning_in_rail: false,
            look: MarkdownOptions::from_theme(theme),
            reorder: theme.rendering.reorders_rtl,
            keymap: Keymap::default(),
            zone,
        }
        .with_keymap(Keymap::default())
    }

    /// Shows the keys of another keymap.
    #[must_use]
    pub fn with_keymap(mut self, keymap: Keymap) -> Self {
        self.look.code_keys = CodeKeys::new(&keymap.keys_of(Action::ShowCodeBlocks).unwrap_or_default());
        self.keymap = keymap;
        self
    }
}
