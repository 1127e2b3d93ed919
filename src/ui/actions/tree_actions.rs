//! The tree of the conversation on the screen: opening it, and what its keys do to the conversation.

use super::{branching, copying, switching};
use ratatui::layout::{Position, Rect};

use crate::{
    chat::{Conversation, MessageId, PruneRefusal, PrunedBranch},
    render::word_diff::WordDiffRows,
    store::StoreJob,
    ui::{
        Action, Effect,
        areas::ScreenAreas,
        cx::Cx,
        dispatch::change_conversation,
        on_store::carry_out,
        overlays::{self, ScreenOverlay},
        rail::{Rail, RailTab},
        reading::ScrollMove,
        screen::{PaneFocus, Screen},
        toasts::{ToastSubject, ToastText},
        transcript::{CursorTarget, Transcript, TranscriptCursor},
        tree::{MessageTree, TreeCommand, TreeLayout, TreePane, version_diff::VersionDiff},
    },
};

/// Opens the tree at the message that is read.
pub(crate) fn open_tree(screen: &mut Screen, cx: &mut Cx<'_>) {
    let mut tree = Box::new(screen.tree.clone());
    tree.go_to(screen.transcript(cx.chats).and_then(Transcript::current_message));
    screen.overlays.push(ScreenOverlay::Tree(tree));
}

/// Returns whether the keys go to the tree in the rail.
pub(crate) fn has_rail_tree_focus(screen: &Screen) -> bool {
    screen.focus == PaneFocus::Rail && screen.rail.tab == RailTab::Tree
}

/// Does what an action means in the tree that has the keys; returns `false` if none has.
pub(crate) fn on_tree_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) -> bool {
    let Some(tree) = focused_tree(screen) else { return false };
    let command = tree.on_action(action);
    apply_command(screen, cx, command);
    true
}

/// The tree that has the keys.
fn focused_tree(screen: &mut Screen) -> Option<&mut MessageTree> {
    let is_in_rail = has_rail_tree_focus(screen);
    match screen.overlays.last_mut() {
        Some(ScreenOverlay::Tree(tree)) => Some(tree),
        Some(ScreenOverlay::Rail) | None if is_in_rail => Some(&mut screen.tree),
        Some(_) | None => None,
    }
}

/// Carries out what a key in the tree asks for.
pub(crate) fn apply_command(screen: &mut Screen, cx: &mut Cx<'_>, command: TreeCommand) {
    match command {
        TreeCommand::Nothing => (),
        TreeCommand::EditPrompt(message) => {
            close_tree(screen, cx);
            show_message(screen, cx, message);
            branching::edit_prompt(screen, cx, message);
        }
        TreeCommand::GoTo(message) => {
            close_tree(screen, cx);
            show_message(screen, cx, message);
            screen.focus = PaneFocus::Transcript;
        }
        TreeCommand::Compare(message) => open_diff(screen, cx, message),
        TreeCommand::Copy(message) => copying::copy_message(cx, message),
        TreeCommand::Prune(message) => prune(screen, cx, message),
        TreeCommand::Restore(message) => restore(screen, cx, message, None),
        TreeCommand::UndoPrune => undo_prune(screen, cx),
        TreeCommand::Bookmark(message) => toggle_bookmark(screen, cx, message),
    }
}

/// Closes the overlay with the tree; the rail stays.
fn close_tree(screen: &mut Screen, cx: &mut Cx<'_>) {
    if matches!(screen.overlays.last(), Some(ScreenOverlay::Tree(_) | ScreenOverlay::Rail)) {
        overlays::close_top(screen, cx);
    }
}

/// Shows the branch of a message, with the cursor and the window there.
fn show_message(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId) {
    let Some(id) = cx.chats.content.conversation_id() else { return };
    change_conversation(cx, id, |conversation, _| conversation.go_to(message));
    if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.set_cursor(Some(TranscriptCursor { message, target: CursorTarget::Message }));
        transcript.scroll(ScrollMove::ToMessage(message));
    }
}

fn open_diff(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId) {
    let diff = cx.chats.current_conversation().and_then(|conversation| VersionDiff::new(conversation, message));
    match diff {
        Some(diff) => screen.overlays.push(ScreenOverlay::VersionDiff(Box::new(diff))),
        None => cx.show_message("this message has only one version"),
    }
}

/// Lays out the tree in its overlay and that in the rail.
pub(crate) fn refresh_trees(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let screen_area = Rect::from((Position::ORIGIN, screen.size));
    let (marks, zone, now) = (&cx.env.theme.marks, &cx.env.time_zone, cx.now);
    let layout = |pane, follow| TreeLayout { pane, follow, now, zone, marks };
    let current = screen.transcript(cx.chats).and_then(Transcript::current_message);
    let is_floating = screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Rail));
    let rail = if is_floating {
        ScreenAreas::floating_content(ScreenAreas::floating_rail(screen.size, screen.widths))
    } else {
        screen.areas.rail
    };
    if screen.rail.tab == RailTab::Tree && !rail.is_empty() {
        // While the rail does not have the keys, its cursor is where one reads.
        let follow = current.filter(|_| screen.focus != PaneFocus::Rail);
        screen.tree.lay_out(conversation, &layout(TreePane::Rail(Rail::body(rail)), follow));
    }
    for overlay in &mut screen.overlays {
        if let ScreenOverlay::Tree(tree) = overlay {
            tree.lay_out(conversation, &layout(TreePane::Overlay(screen_area), None));
        }
    }
}

/// Begins the comparison that the diff on top asks for.
pub(crate) fn refresh_diff(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>, size: ratatui::layout::Size) {
    let Some(conversation) = cx.chats.current_conversation() else { return };
    let requests = overlays.iter_mut().filter_map(|overlay| match overlay {
        ScreenOverlay::VersionDiff(diff) => diff.lay_out(conversation, size),
        _ => None,
    });
    let effects: Vec<Effect> =
        requests.map(|request| Effect::CompareTexts { ticket: request.ticket, job: Box::new(request.job) }).collect();
    cx.effects.extend(effects);
}

pub(crate) fn on_compared(overlays: &mut [ScreenOverlay], ticket: u64, found: WordDiffRows) {
    let diff = overlays.iter_mut().rev().find_map(|overlay| match overlay {
        ScreenOverlay::VersionDiff(diff) => Some(diff),
        _ => None,
    });
    if let Some(diff) = diff {
        diff.on_compared(ticket, found);
    }
}

/// Moves a branch to the trash, and says what went.
fn prune(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId) {
    let now = cx.now;
    let Some(id) = cx.chats.content.conversation_id() else { return };
    let Some(conversation) = cx.chats.conversations.get_mut(&id) else { return };
    let title = first_line(conversation, message);
    match conversation.prune(message, now) {
        Ok((pruned, next)) => {
            carry_out(cx, id, next);
            show_pruned(cx, &pruned, &title);
            cx.chats.pruned.push(pruned);
            invalidate(screen);
        }
        Err(PruneRefusal::LastBranch) => {
            let keys = cx.env.keymap.keys_or_name(crate::ui::keymap::KeyContext::Composer, Action::TrashConversation);
            cx.show_message(format!("nothing would be left: {keys} moves the conversation to the trash"));
        }
        Err(PruneRefusal::Missing) => (),
    }
}

fn show_pruned(cx: &mut Cx<'_>, pruned: &PrunedBranch, title: &str) {
    let below = match pruned.messages {
        0 | 1 => String::new(),
        2 => " and the message below it".into(),
        count => format!(" and {} messages below it", count - 1),
    };
    let stopped = if pruned.was_running { ", and stopped its answer" } else { "" };
    let words = ToastText::about("pruned “", title, &format!("”{below}{stopped}"));
    let keys = cx.env.keymap.keys_of(Action::UndoPrune).unwrap_or_default();
    let words = words.with_keys(&format!(" {} {keys} undo", cx.env.theme.marks.dot));
    cx.show_while(ToastSubject::Pruned(pruned.message), words);
}

/// The first line of a message, to name it.
fn first_line(conversation: &Conversation, message: MessageId) -> String {
    let message = conversation.messages.get(&message);
    match message.map(|message| &message.body) {
        Some(crate::chat::MessageBody::Prompt(prompt)) => {
            crate::text::one_line(&prompt.text[..prompt.text.floor_char_boundary(200)])
        }
        Some(crate::chat::MessageBody::Answer(answer)) => {
            format!("{}’s answer", super::model_settings::short_name(&answer.model))
        }
        None => String::new(),
    }
}

/// Brings back what was pruned last in the conversation on the screen.
pub(crate) fn undo_prune(screen: &mut Screen, cx: &mut Cx<'_>) {
    let here = cx.chats.content.conversation_id();
    let last = cx.chats.pruned.iter().rposition(|pruned| Some(pruned.conversation) == here);
    match last.map(|position| cx.chats.pruned.remove(position)) {
        Some(pruned) => restore(screen, cx, pruned.message, Some(&pruned)),
        None => cx.show_message("nothing was pruned here in this run; the filter “pruned” has the rest"),
    }
}

fn restore(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId, undone: Option<&PrunedBranch>) {
    let Some(id) = cx.chats.content.conversation_id() else { return };
    cx.chats.pruned.retain(|pruned| pruned.message != message);
    change_conversation(cx, id, |conversation, _| conversation.restore_pruned(message, undone));
    cx.show_message("restored the branch");
    invalidate(screen);
    if let Some(tree) = focused_tree(screen) {
        tree.go_to(Some(message));
    }
}

/// Sets or removes the bookmark of the message under the cursor of the text.
pub(crate) fn bookmark_current(screen: &mut Screen, cx: &mut Cx<'_>) {
    match screen.transcript(cx.chats).and_then(Transcript::current_message) {
        Some(message) => toggle_bookmark(screen, cx, message),
        None => cx.show_message("there is no message here yet"),
    }
}

fn toggle_bookmark(screen: &mut Screen, cx: &mut Cx<'_>, message: MessageId) {
    let now = cx.now;
    let Some(id) = cx.chats.content.conversation_id() else { return };
    change_conversation(cx, id, |conversation, _| conversation.toggle_bookmark(message, now));
    let is_set = cx.chats.current_conversation().is_some_and(|conversation| conversation.is_bookmarked(message));
    cx.show_message(if is_set { "bookmarked" } else { "bookmark removed" });
    invalidate(screen);
}

/// The next key waits until the trees are laid out again.
fn invalidate(screen: &mut Screen) {
    screen.tree.invalidate();
    if let Some(ScreenOverlay::Tree(tree)) = screen.overlays.last_mut() {
        tree.invalidate();
    }
}

/// Copies the conversation up to the current message into a new one, and shows that.
pub(crate) fn fork(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = cx.now;
    let current = screen.transcript(cx.chats).and_then(Transcript::current_message);
    let chats = &mut *cx.chats;
    let Some(conversation) = chats.content.conversation_id().and_then(|id| chats.conversations.get(&id)) else {
        return;
    };
    let Some(message) = current.or(conversation.branch.last().copied()) else { return };
    let Some((fork, next)) = conversation.fork(message, &mut chats.ids, now) else {
        cx.show_message("an answer here is still being written; a fork takes what is finished");
        return;
    };
    let (id, title) = (fork.id, fork.title.clone());
    if fork.is_temporary() {
        cx.chats.saves.temporary.add(id);
    }
    cx.chats.conversations.insert(id, fork);
    carry_out(cx, id, next);
    cx.effects.push(Effect::RunStoreJob(StoreJob::LoadChecks(id)));
    switching::show_conversation(screen, cx, id);
    screen.focus = PaneFocus::Composer;
    cx.show_message(ToastText::about("this is “", &title, "”"));
}
