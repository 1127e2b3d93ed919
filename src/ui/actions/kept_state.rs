//! What survives a restart besides the conversations: where the reader was in each, which is open, and the panes.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    chat::{ConversationChange, ConversationId},
    config::ShowMode,
    ui::{
        cx::Cx,
        environment::Environment,
        on_store::{carry_out, save_changes},
        rail::RailTab,
        screen::{ConversationPane, PaneVisibility, Screen},
        transcript::{ReadingPlace, Transcript},
    },
};

/// How long after the reader has moved the place is saved.
const PLACE_DELAY: SignedDuration = SignedDuration::from_secs(1);

/// Which panes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneState {
    list: PaneVisibility,
    rail: PaneVisibility,
    tab: RailTab,
    is_zen: bool,
    /// What the config said about the list: a change there counts more than what was shown before.
    list_config: ShowMode,
}

impl PaneState {
    pub(crate) fn of(screen: &Screen, env: &Environment) -> Self {
        Self {
            list: screen.list_visibility,
            rail: screen.rail_visibility,
            tab: screen.rail.tab,
            is_zen: screen.is_zen,
            list_config: env.config.list,
        }
    }
}

/// Shows the panes that were shown when the program was used last, unless the user has changed them since the start.
pub(crate) fn on_panes_loaded(screen: &mut Screen, cx: &mut Cx<'_>, stored: &str) {
    let Ok(stored) = serde_json::from_str::<PaneState>(stored) else { return }; // Another version wrote it.
    let now = PaneState::of(screen, cx.env);
    if screen.saved_panes.is_none_or(|saved| saved == now) && stored.list_config == now.list_config {
        screen.list_visibility = stored.list;
        screen.rail_visibility = stored.rail;
        screen.rail.tab = stored.tab;
        screen.is_zen = stored.is_zen;
        screen.saved_panes = Some(stored);
    }
}

/// Saves which panes are shown, if that has changed.
pub(crate) fn save_panes(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = PaneState::of(screen, cx.env);
    match screen.saved_panes.replace(now) {
        Some(saved) if saved != now => {
            let panes = serde_json::to_string(&now).unwrap_or_default();
            save_changes(cx, vec![ConversationChange::Panes(panes)]);
        }
        Some(_) | None => (),
    }
}

/// Puts the window of a conversation where the reader left it.
pub(crate) fn restore_place(pane: &mut ConversationPane, id: ConversationId, reading: Option<&str>) {
    pane.transcripts.entry(id).or_insert_with(|| {
        let mut transcript = Transcript::default();
        let place = reading.and_then(|reading| serde_json::from_str::<ReadingPlace>(reading).ok());
        if let Some(place) = place {
            transcript.restore_place(place);
        }
        transcript
    });
}

/// Notes that the reader has moved; the place is saved when it stays the same for a while.
pub(crate) fn note_place(screen: &mut Screen, cx: &Cx<'_>) {
    let Some(id) = cx.chats.content.conversation_id() else { return };
    let Some(place) = screen.transcript(cx.chats).map(Transcript::reading_place) else { return };
    let pane = &mut screen.pane;
    match &pane.noted_place {
        Some((noted, before)) if *noted == id && *before == place => (),
        Some((noted, _)) if *noted == id => {
            pane.place_due.get_or_insert(cx.now + PLACE_DELAY);
            pane.noted_place = Some((id, place));
        }
        Some(_) | None => pane.noted_place = Some((id, place)),
    }
}

/// Saves the place if it is due.
pub(crate) fn save_due_place(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    let now = cx.now;
    if pane.place_due.take_if(|due| *due <= now).is_some() {
        save_place(pane, cx);
    }
}

/// Saves where the reader is in the conversation on the screen.
pub(crate) fn save_place(pane: &mut ConversationPane, cx: &mut Cx<'_>) {
    pane.place_due = None;
    let Some(id) = cx.chats.content.conversation_id() else { return };
    let Some(transcript) = pane.transcripts.get(&id) else { return };
    let place = transcript.reading_place();
    let reading = place.map(|place| serde_json::to_string(&place).unwrap_or_default());
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let next = conversation.set_reading(reading);
        carry_out(cx, id, next);
    }
}

/// Remembers which conversation is on the screen, for `--continue`.
pub(crate) fn save_shown(cx: &mut Cx<'_>) {
    let at = cx.now;
    let shown = cx.chats.current_conversation().filter(|conversation| !conversation.is_new());
    if let Some(conversation) = shown.map(|conversation| conversation.id) {
        save_changes(cx, vec![ConversationChange::Shown { conversation, at }]);
    }
}
