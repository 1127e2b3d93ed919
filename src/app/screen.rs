//! What is on the screen: the pane, the list, the rail, the focus, overlays and toasts.

use std::collections::BTreeMap;

use ratatui::layout::Size;

use super::{
    areas::{Areas, BOTH_DOCK, GUTTER, LIST_DOCKS, Wanted, Widths},
    keymap::{Context, Key},
    on_mouse::Pointer,
    overlays::Overlay,
};
use crate::{
    chat::{CallId, ConversationId, MessageId, Timestamp},
    widgets::{
        composer::Composer,
        list::List,
        rail::Rail,
        theme::Role,
        toast::Toasts,
        transcript::{By, Transcript},
    },
};

/// How long a leader waits before it shows its choices.
pub const LEADER: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);
/// How long the second Ctrl-C may take.
pub const QUITTING: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);
/// How long a card must have been on the screen before its keys count.
pub const CARD: jiff::SignedDuration = jiff::SignedDuration::from_millis(300);

/// Everything that is seen and not said.
#[derive(Debug)]
pub struct Screen {
    pub size: Size,
    pub widths: Widths,
    /// Where everything stood when it was laid out last.
    pub areas: Areas,
    pub pane: Pane,
    pub focus: Focus,
    pub list: List,
    pub list_wanted: Shown,
    pub rail: Rail,
    pub rail_wanted: Shown,
    /// The last one is on top.
    pub overlays: Vec<Overlay>,
    pub leader: Option<Leader>,
    pub pointer: Pointer,
    /// The command that a text was given to, while it runs.
    pub command: Option<String>,
    pub toasts: Toasts,
    /// Until then a second Ctrl-C quits.
    pub quitting: Option<Timestamp>,
}

/// A conversation and what is being typed to it.
#[derive(Debug)]
pub struct Pane {
    pub shows: Shows,
    /// Where each open conversation was read, and its rows.
    pub transcripts: BTreeMap<ConversationId, Transcript>,
    pub composer: Composer,
    /// When the draft must be on disk.
    pub draft_due: Option<Timestamp>,
    /// Enter was pressed before the conversation had been read.
    pub send_when_read: bool,
    /// What is being written instead of a prompt.
    pub editing: Option<Editing>,
}

/// What the composer holds when it is no new prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Editing {
    /// An earlier prompt: sending makes a sibling of it.
    Prompt(MessageId),
    /// The arguments of a call that asks.
    Arguments(CallId),
    /// Why a call is denied.
    Reason(CallId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Nothing yet: the first prompt makes the conversation.
    New,
    /// It is being read from the disk; which one is not known while the newest or a named one is sought.
    Loading(Option<ConversationId>),
    Conversation(ConversationId),
}

impl Shows {
    pub fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) => Some(id),
            Self::New | Self::Loading(_) => None,
        }
    }
}

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    Composer,
    Card,
    Transcript,
    Rail,
    List,
}

/// Whether a side pane is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Where it has room beside the text.
    Auto,
    Yes,
    No,
}

/// The keys of a sequence pressed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    pub keys: Vec<Key>,
    pub since: Timestamp,
}

impl Screen {
    pub fn new(size: Size, widths: Widths, list_wanted: Shown) -> Self {
        Self {
            size,
            widths,
            areas: Areas::default(),
            pane: Pane {
                shows: Shows::New,
                transcripts: BTreeMap::new(),
                composer: Composer::default(),
                draft_due: None,
                send_when_read: false,
                editing: None,
            },
            focus: Focus::Composer,
            list: List::default(),
            list_wanted,
            rail: Rail::default(),
            rail_wanted: Shown::Auto,
            overlays: Vec::new(),
            leader: None,
            pointer: Pointer::default(),
            command: None,
            toasts: Toasts::default(),
            quitting: None,
        }
    }

    /// Says something for four seconds.
    pub fn say(&mut self, now: Timestamp, words: impl Into<String>) {
        self.toasts.say(now, Role::Text, words);
    }

    /// The same for what went wrong.
    pub fn warn(&mut self, now: Timestamp, words: impl Into<String>) {
        self.toasts.say(now, Role::Warning, words);
    }

    pub fn transcript(&self) -> Option<&Transcript> {
        self.pane.transcripts.get(&self.pane.shows.conversation()?)
    }

    /// Who selects in the text, if anything is selected.
    pub fn selecting(&self) -> Option<By> {
        self.transcript().and_then(Transcript::selecting)
    }

    pub fn transcript_mut(&mut self) -> Option<&mut Transcript> {
        self.pane.transcripts.get_mut(&self.pane.shows.conversation()?)
    }

    /// Which panes stand beside the text, or would if there were room.
    pub fn wanted(&self) -> Wanted {
        let rail = match self.rail_wanted {
            Shown::Auto => self.size.width >= BOTH_DOCK,
            Shown::Yes => true,
            Shown::No => false,
        };
        Wanted { list: self.list_wanted != Shown::No, rail }
    }

    /// Whether the list is on the screen beside the text.
    pub fn list_docked(&self) -> bool {
        let Wanted { list, rail } = self.wanted();
        list && (self.size.width >= BOTH_DOCK || (self.size.width >= LIST_DOCKS && !rail))
    }

    pub fn rail_docked(&self) -> bool {
        self.wanted().rail && self.size.width >= LIST_DOCKS
    }

    /// Divides the screen anew; the composer takes the rows that its draft needs.
    pub(super) fn divide(&mut self) -> Areas {
        let one = Areas::divide(self.size, self.wanted(), self.widths, 1);
        let text = one.composer.width.saturating_sub(GUTTER).max(1);
        let rows = self.pane.composer.rows(text);
        self.areas = Areas::divide(self.size, self.wanted(), self.widths, rows);
        self.areas
    }

    /// The context in which a key is looked up.
    pub fn context(&self) -> Context {
        match self.focus {
            Focus::Composer if self.pane.composer.is_empty() => Context::Empty,
            Focus::Composer => Context::Composer,
            Focus::Transcript if self.selecting() == Some(By::Keys) => Context::Selection,
            Focus::Card | Focus::Transcript => Context::Transcript,
            Focus::Rail => Context::Rail,
            Focus::List => Context::List,
        }
    }
}
