//! The list of conversations and the database: other running instances change it too.
//!
//! ibid looks for their changes when the files of the database were written to, and when the terminal or the list gets the
//! focus, the list is shown, or the day's cost is read. Where the files cannot be watched, it looks now and then while the
//! terminal has the focus.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use super::{
    Effect,
    chats::{Chats, PaneContent},
    cx::Cx,
    on_store::{carry_out, refresh_row},
};
use crate::{
    chat::{Conversation, ConversationId, ConversationSummary},
    store::StoreJob,
};

/// Asks whether another instance has changed something.
pub(crate) fn look_for_changes(cx: &mut Cx<'_>) {
    if cx.chats.database.is_open() {
        cx.effects.push(Effect::RunStoreJob(StoreJob::LookForChanges));
    }
}

/// How often to look for changes where the system does not report them.
const LOOK_INTERVAL: SignedDuration = SignedDuration::from_millis(700);

/// Looks for changes where nothing else reports them.
pub(crate) fn look_if_due(cx: &mut Cx<'_>) {
    if cx.env.notifications.has_focus() && cx.chats.next_look.is_some_and(|due| due <= cx.now) {
        cx.chats.next_look = Some(cx.now + LOOK_INTERVAL);
        look_for_changes(cx);
    }
}

/// Reads the list, the day's cost and the conversation on the screen again.
pub(crate) fn on_changed_elsewhere(cx: &mut Cx<'_>) {
    cx.effects.push(Effect::RunStoreJob(StoreJob::ListConversations));
    cx.effects.push(Effect::RunStoreJob(cx.chats.daily_cost.sum_job()));
    if let Some(id) =
        cx.chats.current_conversation().filter(|chat| !chat.is_new() && !chat.is_temporary()).map(|chat| chat.id)
    {
        cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(id)));
    }
}

/// Takes the whole list as it is on disk.
pub(crate) fn on_listed(cx: &mut Cx<'_>, rows: Vec<ConversationSummary>) {
    if cx.chats.saves.is_saving() {
        // The rows were read before that save.
        cx.effects.push(Effect::RunStoreJob(StoreJob::ListConversations));
        return;
    }
    if !cx.chats.saves.has_failed() {
        drop_missing(cx.chats, &rows);
        refresh_open(cx, &rows);
    }
    merge_summaries(cx.chats, rows);
    cx.chats.unlisted_count = 0;
}

/// Takes a conversation that is open as it is on disk.
pub(crate) fn on_refreshed(cx: &mut Cx<'_>, stored: Conversation) {
    let id = stored.id;
    if cx.chats.saves.is_saving() {
        cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(id)));
    } else if let Some(conversation) = cx.chats.conversations.get_mut(&id).filter(|_| !cx.chats.saves.has_failed()) {
        conversation.refresh(stored);
        let is_shown = cx.chats.content == PaneContent::Conversation(id);
        let next = if is_shown { conversation.mark_seen() } else { Vec::new() };
        carry_out(cx, id, next);
        refresh_row(cx.chats, id);
    }
}

/// Drops what another instance has moved to the trash, unless it is on the screen, runs, or was never saved.
fn drop_missing(chats: &mut Chats, rows: &[ConversationSummary]) {
    let Chats { index, conversations, content, .. } = chats;
    let is_busy = |id: ConversationId| {
        let open = conversations.get(&id);
        *content == PaneContent::Conversation(id)
            || open.is_some_and(|chat| chat.is_new() || chat.is_temporary() || !chat.turns.is_empty())
    };
    let stored: HashSet<_> = rows.iter().map(|row| row.id).collect();
    index.retain(|row| stored.contains(&row.id) || is_busy(row.id));
}

/// Loads the conversations in memory again whose rows differ.
fn refresh_open(cx: &mut Cx<'_>, rows: &[ConversationSummary]) {
    for row in rows {
        let open = cx.chats.conversations.get(&row.id).filter(|chat| chat.turns.is_empty());
        if open.is_some_and(|chat| chat.summary() != *row) {
            cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(row.id)));
        }
    }
}

/// Merges rows of the database into the index. Newer rows in memory win, and conversations that were just moved to the
/// trash are left out.
pub(crate) fn merge_summaries(chats: &mut Chats, mut rows: Vec<ConversationSummary>) {
    rows.retain(|row| chats.trashed.iter().all(|trashed| trashed.id != row.id));
    let positions: HashMap<_, _> = rows.iter().enumerate().map(|(position, row)| (row.id, position)).collect();
    for summary in chats.index.iter() {
        match positions.get(&summary.id) {
            Some(&position) if rows[position].updated_at < summary.updated_at => rows[position] = summary.clone(),
            Some(_) => (),
            None => rows.push(summary.clone()),
        }
    }
    chats.index.replace(rows);
}
