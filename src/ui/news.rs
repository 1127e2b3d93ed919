//! News of the other conversations: answers that run, wait unread, or ask.

use std::collections::BTreeSet;

use super::{
    actions::switching, chats::Chats, cx::Cx, notifications::pending_decisions, screen::Screen, status::NewsCounts,
};
use crate::chat::ConversationId;

/// What is new in a conversation that is not on the screen, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NewsKind {
    Asking,
    Unread,
    Running,
}

/// Returns the other conversations with news, in the order of the list.
fn conversations_with_news(chats: &Chats) -> impl Iterator<Item = (ConversationId, NewsKind)> {
    let open = chats.content.conversation_id();
    chats.index.iter().filter(move |row| Some(row.id) != open).filter_map(|row| {
        let running = chats.conversations.get(&row.id).filter(|conversation| !conversation.turns.is_empty());
        let kind = match running {
            Some(conversation) if pending_decisions(conversation) > 0 => NewsKind::Asking,
            Some(_) => NewsKind::Running,
            None if row.unread => NewsKind::Unread,
            None => return None,
        };
        Some((row.id, kind))
    })
}

/// Counts what goes on in the other conversations. Every frame does, so it looks only at those in memory and those unread.
pub(crate) fn count_news(chats: &Chats) -> NewsCounts {
    let open = chats.content.conversation_id();
    let others = chats.conversations.values().filter(|conversation| Some(conversation.id) != open);
    let running = others.filter(|conversation| !conversation.turns.is_empty());
    let (mut counts, mut busy) = (NewsCounts::default(), BTreeSet::new());
    for conversation in running {
        busy.insert(conversation.id);
        if pending_decisions(conversation) > 0 {
            counts.asking += 1;
        } else {
            counts.running += 1;
        }
    }
    let unread = chats.index.unread().iter().filter(|id| Some(**id) != open && !busy.contains(*id));
    counts.unread = unread.count();
    counts
}

/// Opens the next conversation with news: one that asks, else one that is unread, else one that runs.
pub(crate) fn open_next_news(screen: &mut Screen, cx: &mut Cx<'_>) {
    let open = cx.chats.content.conversation_id();
    let here = cx.chats.index.iter().position(|row| Some(row.id) == open).unwrap_or(0);
    let count = cx.chats.index.len();
    let distance = |id: ConversationId| {
        let position = cx.chats.index.iter().position(|row| row.id == id).unwrap_or(0);
        (position + count - here) % count.max(1)
    };
    match conversations_with_news(cx.chats).min_by_key(|(id, kind)| (*kind, distance(*id))) {
        Some((id, _)) => switching::open_conversation(screen, cx, id),
        None => cx.show_message("no other conversation has news"),
    }
}
