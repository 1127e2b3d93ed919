//! The state of the screen: the pane, the list, the rail, the focus, overlays and toasts.

use std::collections::BTreeMap;

use ratatui::layout::Size;

use super::{
    Action,
    actions::kept_state::PaneState,
    areas::{BOTH_DOCK_WIDTH, GUTTER_WIDTH, LIST_DOCK_WIDTH, PaneWidths, ScreenAreas, SidePanes},
    chats::Chats,
    environment::Environment,
    keymap::{KeyContext, KeyPress},
    on_mouse::MouseState,
    overlays::ScreenOverlay,
};
use crate::{
    chat::{CallId, ConversationId, MessageId, Timestamp},
    render::markdown::{LayoutBudget, MarkdownLayout},
    store::SearchTicket,
    ui::{
        actions::{finding, list_actions, source_checks},
        composer::Composer,
        conversations::list::ConversationList,
        effect::{TextId, TextPlace},
        rail::Rail,
        search::SearchTarget,
        slash::SlashList,
        transcript::{ReadingPlace, SelectionInput, Transcript, error_card},
    },
};

/// How long a key sequence waits before it shows its choices.
pub const HINTS_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_millis(500);
/// How soon the second `^C` must follow the first to quit.
pub const QUIT_WINDOW: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);
/// How long a card must have been on the screen before its keys work.
pub const CARD_DELAY: jiff::SignedDuration = jiff::SignedDuration::from_millis(300);

/// Everything on the screen that is not part of a conversation.
#[derive(Debug, Clone)]
pub struct Screen {
    pub size: Size,
    /// The size for which everything was laid out last.
    pub laid_out_size: Size,
    pub widths: PaneWidths,
    /// How much each frame may lay out of the conversation, and as much of the rail.
    pub layout_budget: LayoutBudget,
    /// The areas of the last layout.
    pub areas: ScreenAreas,
    pub pane: ConversationPane,
    pub focus: PaneFocus,
    /// Where the focus goes when the search or the source card that took it to the text closes.
    pub focus_origin: Option<PaneFocus>,
    /// The letter that opened the question in the composer's place.
    pub question_letter: Option<char>,
    pub list: ConversationList,
    pub list_visibility: PaneVisibility,
    pub rail: Rail,
    pub rail_visibility: PaneVisibility,
    /// Only the text and the composer are shown.
    pub is_zen: bool,
    /// The panes as they were saved last; `None` before the first frame.
    pub saved_panes: Option<PaneState>,
    /// The rail has something to show about the conversation on the screen.
    pub rail_has_content: bool,
    /// The last one is on top and has the keys.
    pub overlays: Vec<ScreenOverlay>,
    pub pending_sequence: Option<PendingSequence>,
    pub mouse: MouseState,
    /// The running command that a text was piped to.
    pub running_command: Option<String>,
    /// The commands that begin with what is typed after a slash.
    pub slash: SlashList,
    /// Where a search leads once the conversation is loaded.
    pub pending_jump: Option<SearchTarget>,
    /// The number of the last search of everything.
    pub last_search: SearchTicket,
    /// Until then, a second `^C` quits.
    pub quit_until: Option<Timestamp>,
}

/// The conversation on the screen and its composer.
#[derive(Debug, Clone)]
pub struct ConversationPane {
    /// The rows and the reading position of each open conversation.
    pub transcripts: BTreeMap<ConversationId, Transcript>,
    pub composer: Composer,
    /// When the draft is due to be saved.
    pub draft_due: Option<Timestamp>,
    /// When the place of the reader is saved next.
    pub place_due: Option<Timestamp>,
    /// The place of the reader in the last frame.
    pub noted_place: Option<(ConversationId, Option<ReadingPlace>)>,
    /// Enter was pressed before the conversation was loaded.
    pub send_when_loaded: bool,
    /// What the composer is editing instead of a new prompt.
    pub editing: Option<EditTarget>,
    /// What the composer was editing in other conversations, and the text so far.
    pub unfinished_edits: BTreeMap<ConversationId, (EditTarget, String)>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
            laid_out_size: Size::default(),
            layout_budget: LayoutBudget::FRAME,
            widths,
            areas: ScreenAreas::default(),
            pane: ConversationPane {
                transcripts: BTreeMap::new(),
                composer: Composer::default(),
                draft_due: None,
                place_due: None,
                noted_place: None,
                send_when_loaded: false,
                editing: None,
                unfinished_edits: BTreeMap::new(),
            },
            focus: PaneFocus::Composer,
            focus_origin: None,
            question_letter: None,
            list: ConversationList::default(),
            list_visibility,
            rail: Rail::default(),
            rail_visibility: PaneVisibility::Auto,
            is_zen: false,
            saved_panes: None,
            rail_has_content: false,
            overlays: Vec::new(),
            pending_jump: None,
            last_search: SearchTicket::default(),
            pending_sequence: None,
            mouse: MouseState::default(),
            running_command: None,
            slash: SlashList::default(),
            quit_until: None,
        }
    }

    /// Takes back a text that was laid out outside the loop.
    pub fn on_text_laid_out(&mut self, text: TextId, layout: MarkdownLayout) {
        match text.place {
            TextPlace::Transcript => {
                if let Some(transcript) = self.pane.transcripts.get_mut(&text.conversation) {
                    transcript.on_text_laid_out(text, layout);
                }
            }
            TextPlace::Rail => self.rail.on_text_laid_out(text, layout),
        }
    }

    /// Returns the rows of the conversation on the screen.
    pub fn transcript(&self, chats: &Chats) -> Option<&Transcript> {
        self.pane.transcripts.get(&chats.content.conversation_id()?)
    }

    /// Returns whether the keys or the mouse made the selection, if there is one.
    pub fn selected_by(&self, chats: &Chats) -> Option<SelectionInput> {
        self.transcript(chats).and_then(Transcript::selection_input)
    }

    pub fn transcript_mut(&mut self, chats: &Chats) -> Option<&mut Transcript> {
        self.pane.transcripts.get_mut(&chats.content.conversation_id()?)
    }

    /// Moves the focus to the text for as long as what opens there is open.
    pub(crate) fn lend_focus(&mut self) {
        if self.focus != PaneFocus::Transcript {
            self.focus_origin = Some(self.focus);
            self.focus = PaneFocus::Transcript;
        }
    }

    /// Moves the focus back to where it was before the text borrowed it.
    pub(crate) fn return_focus(&mut self) {
        let Some(origin) = self.focus_origin.take() else { return };
        let is_there = match origin {
            PaneFocus::Rail => self.is_rail_docked(),
            PaneFocus::List => self.is_list_docked(),
            PaneFocus::Composer | PaneFocus::Card | PaneFocus::Transcript => true,
        };
        self.focus = if is_there { origin } else { PaneFocus::Composer };
    }

    /// Returns the panes to dock beside the text where there is room.
    pub fn side_panes(&self) -> SidePanes {
        let has_room = self.size.width >= BOTH_DOCK_WIDTH;
        let rail = match self.rail_visibility {
            PaneVisibility::Auto => has_room && self.rail_has_content,
            PaneVisibility::Shown => true,
            PaneVisibility::Hidden => false,
        };
        let keeps_rail_room = has_room && self.rail_visibility != PaneVisibility::Hidden;
        if self.is_zen {
            return SidePanes { list: false, rail: false, keeps_rail_room };
        }
        SidePanes { list: self.list_visibility != PaneVisibility::Hidden, rail, keeps_rail_room }
    }

    /// Returns whether the list is docked beside the text.
    pub fn is_list_docked(&self) -> bool {
        let SidePanes { list, rail, .. } = self.side_panes();
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
        if self.is_zen {
            self.areas = self.areas.without_title();
        }
        self.areas
    }

    /// Returns whether the status line is drawn: always, but for zen, where it appears while there is something to tell.
    pub fn is_status_shown(&self, chats: &Chats) -> bool {
        let is_running = chats.current_conversation().is_some_and(|conversation| conversation.active_turn().is_some());
        !self.is_zen || is_running || self.pending_sequence.is_some() || self.quit_until.is_some()
    }

    /// Shows only the text and the composer, or all panes again.
    pub(crate) fn toggle_zen(&mut self) {
        self.is_zen = !self.is_zen;
        if self.is_zen && matches!(self.focus, PaneFocus::Rail | PaneFocus::List) {
            self.focus = PaneFocus::Composer;
        }
    }

    /// Returns whether `Enter` belongs to what is being written: it takes no choice of a card and sends no queued prompt.
    pub fn is_composing(&self) -> bool {
        let is_writing = !self.pane.composer.is_empty() || self.pane.editing.is_some();
        is_writing && self.focus != PaneFocus::Card
    }

    /// Returns whether a slash command is being completed.
    pub fn is_completing(&self) -> bool {
        self.focus == PaneFocus::Composer && self.overlays.is_empty() && self.slash.is_open()
    }

    /// Returns the context in which a key is looked up: that of the overlay on top, else that of the focused pane.
    pub fn key_context(&self, chats: &Chats) -> KeyContext {
        if let Some(context) = self.overlays.last().and_then(ScreenOverlay::key_context) {
            return context;
        }
        match self.focus {
            PaneFocus::Composer if self.is_completing() => KeyContext::Slash,
            PaneFocus::Composer if self.pane.composer.is_empty() => KeyContext::Empty,
            PaneFocus::Composer => KeyContext::Composer,
            PaneFocus::Transcript => self.text_context(chats),
            PaneFocus::Card => error_card::card_context(&error_card::offered_choices(chats)),
            PaneFocus::Rail => KeyContext::Rail,
            PaneFocus::List if list_actions::is_typing(self) => KeyContext::ListField,
            PaneFocus::List => KeyContext::List,
        }
    }

    /// Returns the context of the text, which depends on what goes on there.
    fn text_context(&self, chats: &Chats) -> KeyContext {
        match finding::active_find(self, chats) {
            Some(find) if find.is_typing() => KeyContext::Find,
            _ if self.selected_by(chats) == Some(SelectionInput::Keys) => KeyContext::Selection,
            _ if source_checks::pending_question(self, chats).is_some() => KeyContext::Question,
            Some(_) if self.selected_by(chats).is_none() => KeyContext::Matches,
            _ if self.transcript(chats).is_some_and(Transcript::is_citation_visible) => KeyContext::Source,
            Some(_) | None => KeyContext::Transcript,
        }
    }

    /// Returns the current answer: the one under the cursor or lowest on the screen, or that of the prompt there; else
    /// the newest of the branch.
    pub fn current_answer(&self, chats: &Chats) -> Option<MessageId> {
        let conversation = chats.current_conversation()?;
        let is_answer =
            |id: &MessageId| conversation.messages.get(id).is_some_and(|message| message.as_answer().is_some());
        let current = self.transcript(chats).and_then(Transcript::current_message);
        let position = current.and_then(|id| conversation.branch.iter().position(|other| *other == id));
        let at_cursor = position.and_then(|position| conversation.branch[position..].iter().copied().find(is_answer));
        at_cursor.or_else(|| conversation.branch.iter().rev().copied().find(is_answer))
    }

    /// Returns the keys that can follow a pending sequence, each with its label; the nine slots are one entry.
    pub fn sequence_choices(
        &self,
        pending: &PendingSequence,
        chats: &Chats,
        env: &Environment,
    ) -> Vec<(String, &'static str)> {
        let mut choices = Vec::new();
        for (key, action) in env.keymap.continuations(self.key_context(chats), &pending.keys) {
            match action {
                _ if action.is_first_of_nine() => {
                    choices.push((format!("1{}9", env.theme.marks.range_dash), action.entry().hint));
                }
                _ if action.is_numbered() => (),
                Action::ToggleList if self.is_list_docked() => choices.push((key.to_string(), "hide list")),
                Action::ToggleList => choices.push((key.to_string(), "show list")),
                Action::ToggleRail if self.is_rail_docked() => choices.push((key.to_string(), "hide rail")),
                Action::ToggleRail => choices.push((key.to_string(), "show rail")),
                _ => choices.push((key.to_string(), action.entry().hint)),
            }
        }
        choices
    }
}
