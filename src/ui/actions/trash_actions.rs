//! The trash: opening it, restoring, deleting for good, emptying, and deleting what has been there too long.

use jiff::SignedDuration;

use super::list_changes;
use crate::{
    chat::{ConversationChange, ConversationId, Timestamp, TrashedConversation},
    store::StoreJob,
    ui::{
        Effect,
        chats::PaneContent,
        cx::Cx,
        on_store::save_changes,
        overlays::ScreenOverlay,
        safeguard::SafeguardQuestion,
        screen::Screen,
        trash::{TrashCommand, TrashList},
    },
};

/// Opens the trash.
pub(crate) fn open_trash(screen: &mut Screen, cx: &mut Cx<'_>) {
    screen.overlays.push(ScreenOverlay::Trash(Box::default()));
    cx.effects.push(Effect::RunStoreJob(StoreJob::ListTrash));
}

/// Asks whether to empty the trash; it is shown first, because the question says how much there is.
pub(crate) fn open_empty_question(screen: &mut Screen, cx: &mut Cx<'_>) {
    open_trash(screen, cx);
    if let Some(list) = trash_list(screen) {
        list.asks_to_empty = true;
    }
}

/// Shows what is in the trash.
pub(crate) fn on_listed(screen: &mut Screen, rows: Vec<TrashedConversation>) {
    let Some(list) = trash_list(screen) else { return };
    list.set_rows(rows);
    if std::mem::take(&mut list.asks_to_empty) && !list.rows().is_empty() {
        let question = SafeguardQuestion::EmptyTrash { count: list.rows().len() };
        screen.overlays.push(ScreenOverlay::Safeguard(question));
    }
}

/// Does what a key in the trash asks for.
pub(crate) fn apply_request(screen: &mut Screen, cx: &mut Cx<'_>, request: TrashCommand) {
    let Some(list) = trash_list(screen) else { return };
    let title = |id| list.rows().iter().find(|row| row.id == id).map(|row| row.title.clone()).unwrap_or_default();
    match request {
        TrashCommand::Nothing => (),
        TrashCommand::Restore(id) => restore(screen, cx, id),
        TrashCommand::AskDelete(conversation) => {
            let question = SafeguardQuestion::DeleteForGood { conversation, title: title(conversation) };
            screen.overlays.push(ScreenOverlay::Safeguard(question));
        }
        TrashCommand::AskEmpty => {
            let question = SafeguardQuestion::EmptyTrash { count: list.rows().len() };
            screen.overlays.push(ScreenOverlay::Safeguard(question));
        }
    }
}

/// Brings a conversation back into the list.
fn restore(screen: &mut Screen, cx: &mut Cx<'_>, id: ConversationId) {
    if let Some(list) = trash_list(screen) {
        list.remove(&[id]);
        list.show_message("restored");
    }
    screen.list.cursor = Some(id);
    if !list_changes::restore_row(cx, id) {
        // It was trashed by an earlier run: its row is read again.
        save_changes(cx, vec![ConversationChange::Restore(id)]);
        cx.effects.push(Effect::RunStoreJob(StoreJob::ListConversations));
    }
}

/// Deletes a conversation for good, after the question.
pub(crate) fn delete_for_good(screen: &mut Screen, cx: &mut Cx<'_>, id: ConversationId) {
    forget(screen, cx, &[id]);
    save_changes(cx, vec![ConversationChange::Purge(id)]);
}

/// Deletes everything in the trash for good, after the question.
pub(crate) fn empty_trash(screen: &mut Screen, cx: &mut Cx<'_>) {
    let all: Vec<ConversationId> =
        trash_list(screen).into_iter().flat_map(|list| list.rows()).map(|row| row.id).collect();
    forget(screen, cx, &all);
    cx.effects.push(Effect::RunStoreJob(StoreJob::PurgeTrash { before: None }));
}

/// Deletes what has been in the trash too long, in the background.
pub(crate) fn purge_expired(cx: &mut Cx<'_>) {
    let days = cx.env.config.trash_days;
    if days > 0 && !cx.env.is_unattended {
        let before = cx.now - SignedDuration::from_hours(24 * i64::from(days));
        cx.effects.push(Effect::RunStoreJob(StoreJob::PurgeTrash { before: Some(before) }));
    }
}

/// Goes on with what is left of a job that deletes.
pub(crate) fn on_purged(
    screen: &mut Screen,
    cx: &mut Cx<'_>,
    before: Option<Timestamp>,
    purged: &[ConversationId],
    has_more: bool,
) {
    forget(screen, cx, purged);
    if has_more {
        cx.effects.push(Effect::RunStoreJob(StoreJob::PurgeTrash { before }));
    }
}

/// Forgets conversations that are deleted for good.
fn forget(screen: &mut Screen, cx: &mut Cx<'_>, gone: &[ConversationId]) {
    if let Some(list) = trash_list(screen) {
        list.remove(gone);
    }
    cx.chats.trashed.retain(|row| !gone.contains(&row.id));
    cx.chats.list_changes.retain(|change| !gone.contains(&change.conversation));
    for id in gone.iter().filter(|id| cx.chats.content != PaneContent::Conversation(**id)) {
        cx.chats.conversations.remove(id);
        screen.pane.transcripts.remove(id);
        screen.pane.unfinished_edits.remove(id);
    }
}

fn trash_list(screen: &mut Screen) -> Option<&mut TrashList> {
    screen.overlays.iter_mut().find_map(|overlay| match overlay {
        ScreenOverlay::Trash(list) => Some(&mut **list),
        _ => None,
    })
}
