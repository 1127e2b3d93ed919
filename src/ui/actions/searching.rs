//! The search of everything that was said: opening it, asking the database, and going where a result leads.

use crate::{
    chat::Conversation,
    search::FilterValues,
    store::{FoundPortion, SearchTicket, StoreError, StoreJob},
    ui::{
        Effect,
        actions::switching,
        chats::{DatabaseState, PaneContent},
        cx::Cx,
        on_store::carry_out,
        overlays::{ScreenOverlay, close_top},
        reading::ScrollMove,
        screen::Screen,
        search::SearchOverlay,
    },
};
use ratatui::layout::{Position, Rect};

/// Opens the search with a query.
pub(crate) fn open_search(screen: &mut Screen, cx: &mut Cx<'_>, query: &str) {
    match &cx.chats.database {
        DatabaseState::Ready => (),
        DatabaseState::Opening(_) => return cx.show_message("the conversations are still being loaded"),
        DatabaseState::ReadOnly(error) | DatabaseState::Broken(error) => {
            let message = format!("nothing can be searched: {error}");
            return cx.warn(message);
        }
    }
    screen.overlays.push(ScreenOverlay::Search(Box::new(SearchOverlay::new(query))));
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadFilterValues));
    ask_on(screen, cx);
}

/// Asks for what the open search needs next: its results, more of them, or the conversation under the cursor.
pub(crate) fn ask_on(screen: &mut Screen, cx: &mut Cx<'_>) {
    let area = Rect::from((Position::ORIGIN, screen.size));
    let next = SearchTicket(screen.last_search.0 + 1);
    let Some(ScreenOverlay::Search(search)) = screen.overlays.last_mut() else { return };
    let now = cx.now.to_zoned(cx.env.time_zone.clone());
    let request = search.next_request(&now, next);
    let jobs = [
        request.map(|request| StoreJob::Search(Box::new(request))),
        search.next_page(area, cx.now).map(StoreJob::SearchOn),
        search.next_preview().map(StoreJob::LoadPreview),
    ];
    if jobs[0].is_some() {
        screen.last_search = next;
    }
    cx.effects.extend(jobs.into_iter().flatten().map(Effect::RunStoreJob));
}

/// Closes the search and opens the message under its cursor; while newer results are awaited, as soon as they are there.
pub(crate) fn accept(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(ScreenOverlay::Search(search)) = screen.overlays.last_mut() else { return };
    if search.is_awaiting_results() {
        search.accept_when_found();
        return;
    }
    let Some(target) = search.target() else { return };
    close_top(screen, cx);
    let id = target.conversation;
    screen.pending_jump = Some(target);
    switching::open_conversation(screen, cx, id);
    jump_in_opened(screen, cx);
}

/// Goes to the message that a search led to, if its conversation is on the screen: on its branch, with every match marked.
pub(crate) fn jump_in_opened(screen: &mut Screen, cx: &mut Cx<'_>) {
    let PaneContent::Conversation(id) = cx.chats.content else { return };
    let Some(target) = screen.pending_jump.take().filter(|target| target.conversation == id) else { return };
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    let Some(message) = target.message.or_else(|| conversation.branch.first().copied()) else { return };
    let next = conversation.go_to(message);
    let index = conversation.branch.iter().position(|other| *other == message);
    carry_out(cx, id, next);
    let (Some(index), Some(transcript)) = (index, screen.transcript_mut(cx.chats)) else { return };
    transcript.read(ScrollMove::ToMessage(message));
    if !target.terms.is_empty() {
        transcript.find_terms(target.terms, &target.query, message, index);
    }
    screen.lend_focus();
}

pub(crate) fn on_found(screen: &mut Screen, cx: &mut Cx<'_>, portion: FoundPortion) {
    let now = cx.now;
    let Some(search) = open_search_mut(screen) else { return };
    search.on_found(portion, now);
    if search.is_accepted() {
        accept(screen, cx);
    }
    ask_on(screen, cx);
}

pub(crate) fn on_failed(screen: &mut Screen, ticket: SearchTicket, error: &StoreError) {
    if let Some(search) = open_search_mut(screen) {
        search.on_failed(ticket, error);
    }
}

pub(crate) fn on_values(screen: &mut Screen, values: FilterValues) {
    if let Some(search) = open_search_mut(screen) {
        search.set_values(values);
    }
}

pub(crate) fn on_previewed(screen: &mut Screen, conversation: Conversation) {
    if let Some(search) = open_search_mut(screen) {
        search.on_previewed(conversation);
    }
}

/// Takes the progress of the index into the search that is open.
pub(crate) fn on_indexing(screen: &mut Screen, cx: &mut Cx<'_>, waiting: usize) {
    if let Some(search) = open_search_mut(screen) {
        search.on_indexing(waiting);
        ask_on(screen, cx);
    }
}

fn open_search_mut(screen: &mut Screen) -> Option<&mut SearchOverlay> {
    screen.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        ScreenOverlay::Search(search) => Some(&mut **search),
        _ => None,
    })
}
