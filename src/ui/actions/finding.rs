//! Find: searching the conversation on the screen.

use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use crossterm::event::KeyEvent;

use crate::ui::screen::PaneFocus;
use crate::ui::transcript::{FindState, Transcript};

/// Opens the search field and gives it the keys.
pub(crate) fn open_find(screen: &mut Screen, cx: &mut Cx<'_>) {
    match screen.transcript_mut(cx.chats) {
        Some(transcript) => {
            transcript.open_find();
            screen.lend_focus();
        }
        None => cx.show_message("there is nothing to search yet"),
    }
}

/// Returns whether the query is being typed.
pub(crate) fn is_typing(screen: &Screen, chats: &Chats) -> bool {
    screen.focus == PaneFocus::Transcript && active_find(screen, chats).is_some_and(FindState::is_typing)
}

/// Edits the query.
pub(crate) fn edit_query(screen: &mut Screen, chats: &mut Chats, key: KeyEvent) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.edit_query(key);
    }
}

/// Ends the typing of the query.
pub(crate) fn accept_query(screen: &mut Screen, chats: &mut Chats) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.accept_query();
    }
}

pub(crate) fn walk_matches(screen: &mut Screen, cx: &mut Cx<'_>, forward: bool) {
    if let Some(transcript) = screen.transcript_mut(cx.chats)
        && !transcript.step_match(forward)
    {
        cx.show_message("nothing is being searched for");
    }
}

/// Ends the search; the focus returns to where the search was opened.
pub(crate) fn end_find(screen: &mut Screen, chats: &mut Chats) {
    close_find(screen, chats);
    screen.return_focus();
}

fn close_find(screen: &mut Screen, chats: &mut Chats) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.close_find();
    }
}

/// Returns the search on the screen, if there is one.
pub(crate) fn active_find<'a>(screen: &'a Screen, chats: &Chats) -> Option<&'a FindState> {
    screen.transcript(chats).and_then(Transcript::find)
}

/// Ends the search when the focus has left the text.
pub(crate) fn sync(screen: &mut Screen, chats: &mut Chats) {
    if matches!(screen.focus, PaneFocus::Composer | PaneFocus::Card) && active_find(screen, chats).is_some() {
        close_find(screen, chats);
    }
    if screen.focus != PaneFocus::Transcript {
        screen.focus_origin = None;
    }
}
