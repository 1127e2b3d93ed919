//! The list of conversations: its focus, cursor and filter, and renaming in place.

use crate::ui::{chats::Chats, conversations::list::ConversationList};
use crate::ui::{cx::Cx, screen::Screen};
use crossterm::event::KeyEvent;

use super::{list_changes, searching, switching};
use crate::store::StoreJob;
use crate::ui::conversations::list::{ListStep, RowEdit, RowEditKind};
use crate::ui::{
    Effect,
    areas::{BOTH_DOCK_WIDTH, LIST_DOCK_WIDTH},
    overlays::ScreenOverlay,
    screen::{PaneFocus, PaneVisibility},
};

/// What is said where there is no title yet.
pub(crate) const UNTITLED: &str = "the conversation gets its title with the first prompt";

/// Updates the rows of the list, before each frame and after a change of the filter.
pub(crate) fn refresh_rows(list: &mut ConversationList, cx: &mut Cx<'_>) {
    let today = cx.now.to_zoned(cx.env.time_zone.clone()).date();
    list.arrange(&cx.chats.index, today, &cx.env.time_zone);
}

/// Loads the details of the conversation under the cursor, where the list shows them below its rows.
pub(crate) fn load_preview(screen: &mut Screen, cx: &mut Cx<'_>) {
    if !is_floating(&screen.overlays) {
        return;
    }
    let Some(id) = screen.list.wants_preview() else { return };
    match cx.chats.conversations.get(&id) {
        Some(conversation) => screen.list.set_preview(id, conversation.preview()),
        None => cx.effects.push(Effect::RunStoreJob(StoreJob::LoadListPreview(id))),
    }
}

/// Puts the rows under other headings once the day has ended.
pub(crate) fn regroup_at_midnight(list: &mut ConversationList, cx: &mut Cx<'_>) {
    if list.day_ends_at().is_some_and(|end| end <= cx.now) {
        refresh_rows(list, cx);
    }
}

/// Returns whether the list is on the screen.
pub(crate) fn is_visible(screen: &Screen) -> bool {
    screen.is_list_docked() || is_floating(&screen.overlays)
}

/// Moves the focus to the list, and opens it as an overlay if it cannot be docked.
pub(crate) fn focus_list(screen: &mut Screen, chats: &mut Chats) {
    if !screen.is_list_docked() {
        if screen.size.width >= LIST_DOCK_WIDTH {
            dock(screen);
        } else if !is_floating(&screen.overlays) {
            screen.overlays.push(ScreenOverlay::List);
        }
    }
    if screen.list.cursor.is_none() {
        let shown = chats.content.conversation_id();
        screen.list.cursor = shown.or_else(|| chats.index.first().map(|row| row.id));
    }
    screen.focus = PaneFocus::List;
}

/// Shows or hides the list.
pub(crate) fn toggle_list(screen: &mut Screen, chats: &mut Chats) {
    if screen.size.width < LIST_DOCK_WIDTH {
        if is_floating(&screen.overlays) {
            close_floating(screen);
        } else {
            focus_list(screen, chats);
        }
    } else if screen.is_list_docked() {
        screen.list_visibility = PaneVisibility::Hidden;
        if screen.focus == PaneFocus::List {
            screen.focus = PaneFocus::Composer;
        }
    } else {
        dock(screen);
    }
}

fn dock(screen: &mut Screen) {
    screen.is_zen = false;
    screen.list_visibility = PaneVisibility::Shown;
    if screen.size.width < BOTH_DOCK_WIDTH {
        screen.rail_visibility = PaneVisibility::Hidden; // There is room for only one of them.
    }
}

fn is_floating(overlays: &[ScreenOverlay]) -> bool {
    overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::List))
}

pub(crate) fn close_floating(screen: &mut Screen) {
    screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::List));
    if screen.focus == PaneFocus::List && !screen.is_list_docked() {
        screen.focus = PaneFocus::Composer;
    }
}

pub(crate) fn step_cursor(list: &mut ConversationList, cx: &mut Cx<'_>, step: ListStep) {
    refresh_rows(list, cx); // A key of the same read may have moved the rows.
    list.move_cursor(step, &cx.chats.index);
}

/// Opens the conversation under the cursor.
pub(crate) fn open_selected(screen: &mut Screen, cx: &mut Cx<'_>) {
    if let Some(words) = screen.list.search_words().filter(|_| screen.list.is_on_search_row()) {
        close_floating(screen);
        screen.list.clear_filter();
        searching::open_search(screen, cx, &words);
    } else if let Some(id) = screen.list.cursor {
        close_floating(screen);
        screen.list.clear_filter();
        switching::open_conversation(screen, cx, id);
    }
}

/// Edits the title or the tags under the cursor, or of the conversation on the screen if the list has no focus.
pub(crate) fn begin_row_edit(screen: &mut Screen, cx: &mut Cx<'_>, kind: RowEditKind) {
    if screen.focus != PaneFocus::List {
        let Some(id) = cx.chats.content.conversation_id() else {
            cx.show_message(match kind {
                RowEditKind::Title => UNTITLED,
                RowEditKind::Tags => "a conversation can be tagged once it has a message",
            });
            return;
        };
        screen.list.cursor = Some(id);
        focus_list(screen, cx.chats);
    }
    refresh_rows(&mut screen.list, cx);
    let row = screen.list.cursor.and_then(|id| cx.chats.index.row(id));
    screen.list.row_edit = row.map(|row| match kind {
        RowEditKind::Title => RowEdit::title(row),
        RowEditKind::Tags => RowEdit::tags(row, cx.chats.index.tags()),
    });
}

/// Returns whether a filter or a title is being typed.
pub(crate) fn is_typing(screen: &Screen) -> bool {
    screen.focus == PaneFocus::List && (screen.list.is_filtering || screen.list.row_edit.is_some())
}

/// Handles `Esc` while a filter or a title is being typed, or a filter is active.
pub(crate) fn leave_field(list: &mut ConversationList, cx: &mut Cx<'_>) {
    if list.row_edit.take().is_none() {
        list.clear_filter();
    }
    refresh_rows(list, cx);
}

/// Takes the new title or tags, or opens the conversation that was filtered for.
pub(crate) fn accept_field(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(edit) = screen.list.row_edit.take() else { return open_selected(screen, cx) };
    match edit.kind {
        RowEditKind::Title if edit.field.text().trim().is_empty() => {
            cx.show_message("a title needs at least one letter; the old one stays");
        }
        RowEditKind::Title => list_changes::rename_conversation(screen, cx, edit.conversation, &edit.field.text()),
        RowEditKind::Tags => {
            if let Some(row) = cx.chats.index.row(edit.conversation).cloned() {
                list_changes::set_tags(screen, cx, &row, edit.typed_tags());
            }
        }
    }
}

/// Handles `Tab` while text is typed in the list: completes a tag, or moves from the filter to the rows.
pub(crate) fn on_tab(list: &mut ConversationList) {
    match &mut list.row_edit {
        Some(edit) => edit.complete(),
        None => list.leave_filter_field(),
    }
}

/// Edits the filter or the title.
pub(crate) fn edit_field(screen: &mut Screen, cx: &mut Cx<'_>, key: KeyEvent) {
    screen.list.edit(key);
    refresh_rows(&mut screen.list, cx);
}
