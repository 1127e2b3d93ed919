//! The state of the screen: the pane, the list, the rail, the focus, overlays and toasts.

use std::collections::BTreeMap;

use ratatui::layout::Size;

use super::{
    areas::{BOTH_DOCK_WIDTH, GUTTER_WIDTH, LIST_DOCK_WIDTH, PaneWidths, ScreenAreas, SidePanes},
    keymap::{KeyContext, KeyPress},
    on_mouse::MouseState,
    overlays::ScreenOverlay,
};
use crate::{
    chat::{CallId, ConversationId, MessageId, Timestamp},
    render::theme::ColourRole,
    ui::{
        composer::Composer,
        conversations::list::ConversationList,
        rail::Rail,
        toasts::ToastState,
        transcript::{SelectionInput, Transcript},
    },
};

/// How long a key sequence waits before it shows its choices.
pub const HINTS_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);
/// How soon the second `^C` must follow the first to quit.
pub const QUIT_WINDOW: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);
/// How long a card must have been on the screen before its keys work.
pub const CARD_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_millis(300);

/// Everything on the screen that is not part of a conversation.
#[derive(Debug)]
pub struct Screen {
    pub size: Size,
    pub widths: PaneWidths,
    /// The areas of the last layout.
    pub areas: ScreenAreas,
    pub pane: ConversationPane,
    pub focus: PaneFocus,
    pub list: ConversationList,
    pub list_visibility: PaneVisibility,
    pub rail: Rail,
    pub rail_visibility: PaneVisibility,
    /// The last one is on top and has the keys.
    pub overlays: Vec<ScreenOverlay>,
    pub pending_sequence: Option<PendingSequence>,
    pub mouse: MouseState,
    /// The running command that a text was piped to.
    pub running_command: Option<String>,
    pub toasts: ToastState,
    /// Until then, a second `^C` quits.
    pub quit_until: Option<Timestamp>,
}

/// The conversation on the screen and its composer.
#[derive(Debug)]
pub struct ConversationPane {
    pub content: PaneContent,
    /// The rows and the reading position of each open conversation.
    pub transcripts: BTreeMap<ConversationId, Transcript>,
    pub composer: Composer,
    /// When the draft is due to be saved.
    pub draft_due: Option<Timestamp>,
    /// Enter was pressed before the conversation was loaded.
    pub send_when_loaded: bool,
    /// What the composer is editing instead of a new prompt.
    pub editing: Option<EditTarget>,
}

/// What the composer is editing when it is not a new prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditTarget {
    /// An earlier prompt: sending makes a sibling of it.
    Prompt(MessageId),
    /// The arguments of a call that asks for approval.
    Arguments(CallId),
    /// The reason for denying a call.
    Reason(CallId),
}

/// What the pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneContent {
    /// Nothing yet: the first prompt creates the conversation.
    New,
    /// A conversation that is being loaded; `None` while the latest or a named one is looked up.
    Loading(Option<ConversationId>),
    Conversation(ConversationId),
}

impl PaneContent {
    pub fn conversation_id(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) => Some(id),
            Self::New | Self::Loading(_) => None,
        }
    }
}

/// The pane that has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneFocus {
    Composer,
    Card,
    Transcript,
    Rail,
    List,
}

/// Whether a side pane is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneVisibility {
    /// Shown if there is room beside the text.
    Auto,
    Shown,
    Hidden,
}

/// An unfinished key sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSequence {
    pub keys: Vec<KeyPress>,
    pub since: Timestamp,
}

impl Screen {
    pub fn new(size: Size, widths: PaneWidths, list_visibility: PaneVisibility) -> Self {
        Self {
            size,
            widths,
            areas: ScreenAreas::default(),
            pane: ConversationPane {
                content: PaneContent::New,
                transcripts: BTreeMap::new(),
                composer: Composer::default(),
                draft_due: None,
                send_when_loaded: false,
                editing: None,
            },
            focus: PaneFocus::Composer,
            list: ConversationList::default(),
            list_visibility,
            rail: Rail::default(),
            rail_visibility: PaneVisibility::Auto,
            overlays: Vec::new(),
            pending_sequence: None,
            mouse: MouseState::default(),
            running_command: None,
            toasts: ToastState::default(),
            quit_until: None,
        }
    }

    /// Shows a message for four seconds.
    pub fn show_message(&mut self, now: Timestamp, message: impl Into<String>) {
        self.toasts.show(now, ColourRole::Text, message);
    }

    /// Shows a warning for four seconds.
    pub fn warn(&mut self, now: Timestamp, message: impl Into<String>) {
        self.toasts.show(now, ColourRole::Warning, message);
    }

    pub fn transcript(&self) -> Option<&Transcript> {
        self.pane.transcripts.get(&self.pane.content.conversation_id()?)
    }

    /// Returns whether the keys or the mouse made the selection, if there is one.
    pub fn selected_by(&self) -> Option<SelectionInput> {
        self.transcript().and_then(Transcript::selection_input)
    }

    pub fn transcript_mut(&mut self) -> Option<&mut Transcript> {
        self.pane.transcripts.get_mut(&self.pane.content.conversation_id()?)
    }

    /// Returns the panes to dock beside the text where there is room.
    pub fn side_panes(&self) -> SidePanes {
        let rail = match self.rail_visibility {
            PaneVisibility::Auto => self.size.width >= BOTH_DOCK_WIDTH,
            PaneVisibility::Shown => true,
            PaneVisibility::Hidden => false,
        };
        SidePanes { list: self.list_visibility != PaneVisibility::Hidden, rail }
    }

    /// Returns whether the list is docked beside the text.
    pub fn is_list_docked(&self) -> bool {
        let SidePanes { list, rail } = self.side_panes();
        list && (self.size.width >= BOTH_DOCK_WIDTH || (self.size.width >= LIST_DOCK_WIDTH && !rail))
    }

    pub fn is_rail_docked(&self) -> bool {
        self.side_panes().rail && self.size.width >= LIST_DOCK_WIDTH
    }

    /// Divides the screen again, with as many rows for the composer as its draft needs.
    pub(crate) fn update_areas(&mut self) -> ScreenAreas {
        let one_row = ScreenAreas::divide(self.size, self.side_panes(), self.widths, 1);
        let text_width = one_row.composer.width.saturating_sub(GUTTER_WIDTH).max(1);
        let rows = self.pane.composer.wrap_to_width(text_width);
        self.areas = ScreenAreas::divide(self.size, self.side_panes(), self.widths, rows);
        self.areas
    }

    /// Returns the context in which a key is looked up.
    pub fn key_context(&self) -> KeyContext {
        match self.focus {
            PaneFocus::Composer if self.pane.composer.is_empty() => KeyContext::Empty,
            PaneFocus::Composer => KeyContext::Composer,
            PaneFocus::Transcript if self.selected_by() == Some(SelectionInput::Keys) => KeyContext::Selection,
            PaneFocus::Card | PaneFocus::Transcript => KeyContext::Transcript,
            PaneFocus::Rail => KeyContext::Rail,
            PaneFocus::List => KeyContext::List,
        }
    }
}
