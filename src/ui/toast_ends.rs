//! When a toast ends before its time: as soon as what it says is no longer so.

use super::{
    chats::Chats,
    cx::Cx,
    environment::Environment,
    screen::{PaneFocus, Screen},
    toasts::ToastSubject,
    transcript::error_card,
};

/// Ends the toast whose subject is no longer so.
pub(crate) fn end_toasts(screen: &Screen, cx: &mut Cx<'_>) {
    let (chats, env) = (&*cx.chats, &*cx.env);
    cx.toasts.end_unless(|subject| is_so(subject, screen, chats, env));
}

fn is_so(subject: &ToastSubject, screen: &Screen, chats: &Chats, env: &Environment) -> bool {
    let on_screen = chats.content.conversation_id();
    match subject {
        ToastSubject::Event => true,
        ToastSubject::Conversation(conversation) => *conversation == on_screen,
        ToastSubject::ListChange { count, in_list } => {
            (screen.focus == PaneFocus::List) == *in_list && chats.list_changes.len() == *count
        }
        ToastSubject::Pruned(message) => chats.pruned.last().is_some_and(|pruned| pruned.message == *message),
        ToastSubject::NothingEdited => screen.pane.editing.is_none(),
        ToastSubject::Selection => screen.selected_by(chats).is_some(),
        ToastSubject::CardKeys => screen.focus == PaneFocus::Card && !error_card::offered_choices(chats).is_empty(),
        ToastSubject::Overlays(count) => screen.overlays.len() == *count,
        ToastSubject::Writing(conversation) => screen.focus == PaneFocus::Composer && *conversation == on_screen,
        ToastSubject::NoModel => chats.settings().model.is_empty(),
        ToastSubject::Model(model) => chats.settings().model == *model,
        ToastSubject::EmptySlot(Some(slot)) => env.slots.get(*slot).is_some_and(Option::is_none),
        ToastSubject::EmptySlot(None) => env.slots.iter().all(Option::is_none),
        ToastSubject::AutoApproval(conversation, is_on) => {
            *conversation == on_screen && chats.settings().tools.grants.all == *is_on
        }
        ToastSubject::Unsaved => chats.saves.has_failed(),
        ToastSubject::Command => screen.running_command.is_some(),
    }
}
