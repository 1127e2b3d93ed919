//! Temporary conversations: beginning one, and saying what is lost when it is left.

use super::switching::{begin_conversation, save_draft_now};
use crate::{
    chat::ConversationChange,
    ui::{
        chats::{Chats, PaneContent},
        cx::Cx,
        on_store::save_changes,
        screen::Screen,
        toasts::ToastText,
    },
};

/// Begins a temporary conversation; in an empty one that is not on the disk yet, switches between temporary and kept.
pub(crate) fn toggle_temporary(screen: &mut Screen, cx: &mut Cx<'_>) {
    if cx.chats.content != PaneContent::New {
        if cx.chats.is_temporary() {
            cx.show_message("this conversation is temporary already: only its cost is kept");
            return;
        }
        begin_conversation(screen, cx);
    } else if cx.chats.saves.temporary.is_next {
        cx.chats.saves.temporary.is_next = false;
        save_draft_now(&mut screen.pane, cx);
        cx.show_message("the conversation will be kept");
        return;
    }
    // What was typed before is a draft on the disk, and belongs to it now.
    screen.pane.draft_due = None;
    save_changes(cx, vec![ConversationChange::NewDraft(String::new())]);
    cx.chats.saves.temporary.is_next = true;
}

/// Says that the conversation on the screen will be gone, if it is temporary.
pub(crate) fn warn_on_leaving(cx: &mut Cx<'_>) {
    let left = cx.chats.current_conversation().filter(|conversation| conversation.is_temporary());
    if let Some(title) = left.map(|conversation| conversation.title.clone()) {
        cx.warn(ToastText::about("“", &title, "” is temporary: it is in the list, and gone when you quit"));
    }
}

/// Returns how many conversations are gone when the program ends.
pub(crate) fn lost_conversations(chats: &Chats) -> usize {
    chats.index.iter().take_while(|row| row.is_temporary).count()
}

/// Returns whether quitting now loses a temporary conversation without a word.
pub(crate) fn would_lose(screen: &Screen, chats: &Chats) -> bool {
    screen.quit_until.is_none() && lost_conversations(chats) > 0
}

/// Says how many temporary conversations there are, with the verb.
pub(crate) fn count_words(count: usize) -> String {
    match count {
        1 => "1 temporary conversation will be".to_owned(),
        count => format!("{count} temporary conversations will be"),
    }
}
