//! What is done to conversations in the list: trash, pin, tag, archive, rename, and undoing it.

use super::{
    list_actions::refresh_rows,
    switching::{begin_conversation, open_conversation, save_draft},
};
use crate::{
    chat::{Conversation, ConversationChange, ConversationId, ConversationSummary, FilingChange, filing},
    ui::{
        Action,
        chats::{Chats, ListChange, ListChangeKind, PaneContent},
        cx::Cx,
        environment::Environment,
        on_store::{carry_out, refresh_row, save_changes},
        screen::{PaneFocus, Screen},
        toasts::{ToastSubject, ToastText},
    },
};

/// The conversation that an action of the list is about: the one under the cursor, else the one on the screen.
pub(crate) fn target(screen: &Screen, chats: &Chats) -> Option<ConversationId> {
    if screen.focus == PaneFocus::List { screen.list.cursor } else { chats.content.conversation_id() }
}

/// Moves a conversation to the trash.
pub(crate) fn trash_conversation(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = cx.now;
    let in_list = screen.focus == PaneFocus::List;
    let Some(id) = target(screen, cx.chats).filter(|id| cx.chats.index.row(*id).is_some()) else { return };
    refresh_rows(&mut screen.list, cx);
    let neighbour = screen.list.neighbour(id, &cx.chats.index);
    save_draft(&mut screen.pane, cx);
    let mut is_stopping = false;
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let running: Vec<_> = conversation.turns.iter().map(|turn| turn.id).collect();
        is_stopping = !running.is_empty();
        let next = running.into_iter().flat_map(|turn| conversation.stop(turn, now)).collect();
        carry_out(cx, id, next);
    }
    let Some(row) = cx.chats.index.remove(id) else { return };
    let outcome = if is_stopping { "” to the trash and stopped its answer" } else { "” to the trash" };
    let words = if row.is_temporary {
        ["dropped “", &row.title, "”, which is temporary"]
    } else {
        ["moved “", &row.title, outcome]
    };
    let was_on_screen = cx.chats.content == PaneContent::Conversation(id);
    remember(screen, cx, id, ListChangeKind::Trashed { was_on_screen }, words);
    cx.chats.trashed.push(row);
    if was_on_screen {
        begin_conversation(screen, cx);
        if in_list {
            screen.focus = PaneFocus::List;
        }
    }
    screen.list.cursor = neighbour;
    if is_stored(cx.chats, id) {
        save_changes(cx, vec![ConversationChange::Trash(id)]);
    }
}

/// Pins a conversation, or unpins it. One that is archived comes back.
pub(crate) fn toggle_pin(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(row) = target_row(screen, cx) else { return };
    let is_pinned = row.filing.pinned_at.is_some() && row.filing.archived_at.is_none();
    let mut changes = vec![FilingChange::Pinned((!is_pinned).then_some(cx.now))];
    changes.extend(row.filing.archived_at.map(|_| FilingChange::Archived(None)));
    file_row(screen, cx, &row, changes, [if is_pinned { "unpinned “" } else { "pinned “" }, "”"]);
}

/// Archives a conversation, or brings it back.
pub(crate) fn toggle_archive(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(row) = target_row(screen, cx) else { return };
    let is_archived = row.filing.archived_at.is_some();
    refresh_rows(&mut screen.list, cx);
    let neighbour = screen.list.neighbour(row.id, &cx.chats.index);
    let change = FilingChange::Archived((!is_archived).then_some(cx.now));
    let words = if is_archived { ["brought “", "” back from the archive"] } else { ["archived “", "”"] };
    file_row(screen, cx, &row, vec![change], words);
    if screen.focus == PaneFocus::List {
        screen.list.cursor = neighbour.or(Some(row.id));
    }
}

/// Adds tags to the conversation on the screen, and takes those away that have a `-` before them.
pub(crate) fn change_tags(screen: &mut Screen, cx: &mut Cx<'_>, typed: &str) {
    let Some(row) = target_row(screen, cx) else { return };
    let known = cx.chats.index.tags();
    let words = typed.split(|letter: char| letter.is_whitespace() || letter == ',');
    let (removed, added): (Vec<&str>, Vec<&str>) =
        words.partition(|word| word.trim_start_matches('#').starts_with('-'));
    let removed = filing::parse_tags(&removed.join(" ").replace('-', ""), &known);
    let mut tags = filing::parse_tags(&[filing::tag_words(&row.filing.tags), added.join(" ")].join(" "), &known);
    tags.retain(|tag| !removed.contains(tag));
    set_tags(screen, cx, &row, tags);
}

/// Gives a conversation these tags and no others.
pub(crate) fn set_tags(screen: &mut Screen, cx: &mut Cx<'_>, row: &ConversationSummary, tags: Vec<String>) {
    if tags != row.filing.tags {
        let after =
            if tags.is_empty() { "”: no tags".to_owned() } else { format!("”: {}", filing::tag_words(&tags)) };
        file_row(screen, cx, row, vec![FilingChange::Tags(tags)], ["tagged “", &after]);
    }
}

fn target_row(screen: &Screen, cx: &mut Cx<'_>) -> Option<ConversationSummary> {
    let row = target(screen, cx.chats).and_then(|id| cx.chats.index.row(id)).cloned();
    if row.is_none() {
        cx.show_message("there is no conversation here yet");
    }
    row
}

fn file_row(
    screen: &Screen,
    cx: &mut Cx<'_>,
    row: &ConversationSummary,
    changes: Vec<FilingChange>,
    [before, after]: [&str; 2],
) {
    let inverse = changes.iter().map(|change| row.filing.inverse_of(change)).collect();
    for change in changes {
        file_conversation(cx, row.id, change);
    }
    remember(screen, cx, row.id, ListChangeKind::Filed(inverse), [before, &row.title, after]);
}

/// Changes how a conversation is filed, whether it is open or not.
fn file_conversation(cx: &mut Cx<'_>, id: ConversationId, change: FilingChange) {
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let next = conversation.file(change);
        carry_out(cx, id, next);
        refresh_row(cx.chats, id);
    } else {
        cx.chats.index.update(id, |row| row.filing.apply(change.clone()));
        save_changes(cx, vec![ConversationChange::File { conversation: id, change }]);
    }
}

pub(crate) fn rename_conversation(screen: &Screen, cx: &mut Cx<'_>, id: ConversationId, title: &str) {
    let Some(before) = cx.chats.index.row(id).map(|row| row.title.clone()) else { return };
    set_title(cx, id, title);
    let Some(after) = cx.chats.index.row(id).map(|row| row.title.clone()).filter(|after| *after != before) else {
        return;
    };
    remember(screen, cx, id, ListChangeKind::Renamed { title: before }, ["renamed to “", &after, "”"]);
}

fn set_title(cx: &mut Cx<'_>, id: ConversationId, title: &str) {
    let title = title.trim();
    if title.is_empty() {
        return;
    }
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let next = conversation.rename(title);
        carry_out(cx, id, next);
        refresh_row(cx.chats, id);
    } else if cx.chats.index.row(id).is_some() {
        cx.chats.index.update(id, |row| title.clone_into(&mut row.title));
        save_changes(cx, vec![ConversationChange::Rename { conversation: id, title: title.to_owned() }]);
    }
}

/// Remembers a change, so that it can be undone, and says so.
fn remember(
    screen: &Screen,
    cx: &mut Cx<'_>,
    conversation: ConversationId,
    kind: ListChangeKind,
    [before, title, after]: [&str; 3],
) {
    let in_list = screen.focus == PaneFocus::List;
    let words = ToastText::about(before, title, after);
    let words = words.with_keys(&format!(" {} {} undo", cx.env.theme.marks.dot, undo_key(screen, cx.env)));
    cx.chats.list_changes.push(ListChange { conversation, kind });
    cx.show_while(ToastSubject::ListChange { count: cx.chats.list_changes.len(), in_list }, words);
}

fn undo_key(screen: &Screen, env: &Environment) -> String {
    let key = env.keymap.keys_of(Action::UndoListChange).filter(|_| screen.focus == PaneFocus::List);
    key.unwrap_or_else(|| "/undo".into())
}

/// Takes back the last change in the list that was not undone yet; the cursor is where it was.
pub(crate) fn undo(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(ListChange { conversation: id, kind }) = cx.chats.list_changes.pop() else {
        cx.show_message("there is nothing to undo");
        return;
    };
    match kind {
        ListChangeKind::Trashed { was_on_screen } => restore_trashed(screen, cx, id, was_on_screen),
        ListChangeKind::Filed(changes) => {
            for change in changes {
                file_conversation(cx, id, change);
            }
        }
        ListChangeKind::Renamed { title } => set_title(cx, id, &title),
    }
    screen.list.cursor = Some(id);
}

/// Puts the row of a conversation that was trashed in this run back into the list; returns whether there is one.
pub(crate) fn restore_row(cx: &mut Cx<'_>, id: ConversationId) -> bool {
    let Some(position) = cx.chats.trashed.iter().position(|row| row.id == id) else { return false };
    let row = cx.chats.trashed.remove(position);
    cx.chats.index.put(row);
    cx.chats
        .list_changes
        .retain(|change| change.conversation != id || !matches!(change.kind, ListChangeKind::Trashed { .. }));
    if is_stored(cx.chats, id) {
        save_changes(cx, vec![ConversationChange::Restore(id)]);
    }
    true
}

fn restore_trashed(screen: &mut Screen, cx: &mut Cx<'_>, id: ConversationId, was_on_screen: bool) {
    if restore_row(cx, id) && was_on_screen {
        let focus = screen.focus;
        open_conversation(screen, cx, id);
        screen.focus = focus;
    }
}

/// Returns whether a conversation is on disk; the opening of the demo is not, until it goes on.
fn is_stored(chats: &Chats, id: ConversationId) -> bool {
    chats.conversations.get(&id).is_none_or(|conversation: &Conversation| !conversation.is_new())
}
