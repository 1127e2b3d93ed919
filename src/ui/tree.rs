//! The tree of a conversation: every message of every branch as a row to go to, edit, compare, prune or bookmark.
//!
//! The messages are walked once for each change of the tree; a frame lays out only the rows that it shows.

mod tree_index;
mod tree_lines;
mod tree_rows;
pub mod version_diff;
mod view;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use ratatui::layout::Position;

use super::{Action, overlay::list_browser::ListBrowser};
use crate::{
    chat::{Conversation, MessageId, Timestamp},
    render::{row::StyledRow, theme::ThemeMarks},
    text,
};
use tree_index::{IndexKey, NodeKind, TreeIndex};
use tree_lines::{LineSource, TreeLine};
pub use tree_rows::TreeFilter;
use tree_rows::{TreeRow, TreeRowKind};
pub use view::{TreePane, TreeView};

/// The state of a tree, in its overlay or in the rail.
#[derive(Debug, Clone, Default)]
pub struct MessageTree {
    filter: TreeFilter,
    folded: BTreeSet<MessageId>,
    index: TreeIndex,
    index_key: Option<IndexKey>,
    rows: ListBrowser<TreeRow>,
    /// The filter or the folds have changed since the rows were listed.
    is_stale: bool,
    /// The message to go to at the next layout.
    wanted: Option<MessageId>,
    /// The message of the text that the cursor followed to.
    followed: Option<MessageId>,
    lines: Vec<TreeLine>,
    detail: Vec<StyledRow>,
    /// The messages, the branches and what they cost.
    counts: Vec<String>,
    /// The most rows listed so far: the overlay does not shrink while it is open.
    tallest: usize,
    /// The height of the window.
    height: usize,
    /// How many messages were walked, and how many rows laid out, for tests.
    work: TreeWork,
}

/// The work of all layouts so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeWork {
    pub messages_walked: usize,
    pub rows_laid_out: usize,
}

/// What a layout needs besides the conversation.
#[derive(Debug, Clone, Copy)]
pub struct TreeLayout<'a> {
    pub pane: TreePane,
    /// The message of the text that the cursor stays on, unless the keys move it.
    pub follow: Option<MessageId>,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub marks: &'a ThemeMarks,
}

/// What a key asks of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeCommand {
    Nothing,
    EditPrompt(MessageId),
    GoTo(MessageId),
    Compare(MessageId),
    Copy(MessageId),
    Prune(MessageId),
    /// Bring a pruned branch back.
    Restore(MessageId),
    /// Bring back what was pruned last.
    UndoPrune,
    Bookmark(MessageId),
}

impl MessageTree {
    /// Goes to a message at the next layout.
    pub fn go_to(&mut self, message: Option<MessageId>) {
        self.wanted = message.or(self.wanted);
        self.is_stale = true;
    }

    /// Whether the rows wait for the next layout.
    pub fn is_unsettled(&self) -> bool {
        self.is_stale || self.index_key.is_none()
    }

    /// Expects that the tree changes: the next key waits for its layout.
    pub fn invalidate(&mut self) {
        self.is_stale = true;
    }

    pub fn work(&self) -> TreeWork {
        self.work
    }

    /// Lays out what the window shows; called before each frame.
    pub fn lay_out(&mut self, conversation: &Conversation, layout: &TreeLayout) {
        self.list(conversation, layout);
        let area = view::row_area(layout.pane, self.tallest);
        self.height = area.height.into();
        self.rows.scroll_to_cursor(self.height);
        let source = LineSource {
            conversation,
            index: &self.index,
            rows: self.rows.rows(),
            filter: self.filter,
            now: layout.now,
            zone: layout.zone,
            marks: layout.marks,
            width: view::text_area(layout.pane, area).width.into(),
        };
        let shown = self.rows.visible_rows(area).zip(self.rows.top()..);
        self.lines = shown.map(|((_, _, is_selected), index)| source.line(index, is_selected)).collect();
        let detail_height = view::detail_height(layout.pane, self.tallest);
        let detail = self.rows.selected().filter(|_| detail_height > 0);
        self.detail = detail.map_or_else(Vec::new, |row| source.detail(row, detail_height));
        self.work.rows_laid_out += self.lines.len() + usize::from(detail.is_some());
    }

    /// Lists the rows again if the tree, the filter or the folds have changed.
    fn list(&mut self, conversation: &Conversation, layout: &TreeLayout) {
        let key = IndexKey::of(conversation);
        let is_changed = self.index_key.as_ref() != Some(&key);
        let is_other = self.index_key.as_ref().is_none_or(|known| !known.is_same_conversation(&key));
        let here = self.selected_message().filter(|_| !is_other);
        let followed = std::mem::replace(&mut self.followed, layout.follow);
        let follow = layout.follow.filter(|message| followed != Some(*message) || is_other);
        let wanted = self.wanted.take().or(follow).or(here);
        if is_changed {
            self.index = TreeIndex::build(conversation);
            self.index_key = Some(key);
            self.work.messages_walked += self.index.nodes.len();
        }
        if is_changed || std::mem::take(&mut self.is_stale) {
            let is_on_fold = self.rows.selected().is_some_and(|row| matches!(row.kind, TreeRowKind::Fold(_)));
            self.rows.set_rows(tree_rows::list_rows(&self.index, self.filter, &self.folded));
            self.tallest = self.tallest.max(self.rows.rows().len());
            self.counts = self.count(conversation);
            self.select(wanted.or_else(|| conversation.branch.last().copied().filter(|_| is_other)), is_on_fold);
            self.is_stale = false;
        } else if wanted != here {
            self.select(wanted, false);
        }
    }

    /// Moves the cursor to a message, or to the nearest listed one above it; if there is none, it stays.
    fn select(&mut self, message: Option<MessageId>, is_on_fold: bool) {
        let mut node = message.and_then(|message| self.index.position(message));
        while let Some(at) = node {
            let is_kind = |row: &TreeRow| matches!(row.kind, TreeRowKind::Fold(_)) == is_on_fold;
            let is_row = |row: &TreeRow| row.node == at && row.kind != TreeRowKind::Calls;
            if self.rows.select_first(|row| is_row(row) && is_kind(row)) || self.rows.select_first(is_row) {
                return;
            }
            node = self.index.nodes[at].parent;
        }
    }

    fn count(&self, conversation: &Conversation) -> Vec<String> {
        let shown = self.rows.rows().iter().filter(|row| row.kind == TreeRowKind::Message).count();
        let messages = tree_lines::count_messages(self.index.live);
        let branches = self.index.branches;
        let branches = format!("{branches} branch{}", if branches == 1 { "" } else { "es" });
        let cost = conversation.cost();
        let plus = if cost.unpriced_answers > 0 { "+" } else { "" };
        let cost = format!("{}{plus}", cost.known.to_column());
        match self.filter.name() {
            None => vec![messages, branches, cost],
            Some(name) if self.filter == TreeFilter::Pruned => {
                vec![name.to_owned(), tree_lines::count_messages(self.index.nodes.len() - self.index.live)]
            }
            Some(name) => vec![name.to_owned(), format!("{shown} of {messages}"), cost],
        }
    }

    /// The counts in at most so many cells: the first goes last.
    fn counts_in(&self, room: usize, dot: &str) -> String {
        let joined = |count: usize| {
            let kept = self.counts.iter().enumerate().filter(|(at, _)| *at == 0 || self.counts.len() - at < count);
            kept.map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(&format!(" {dot} "))
        };
        (1..=self.counts.len()).rev().map(joined).find(|all| text::width(all) <= room).unwrap_or_default()
    }

    fn selected_message(&self) -> Option<MessageId> {
        self.rows.selected().and_then(|row| self.index.nodes.get(row.node)).map(|node| node.id)
    }

    fn is_on_prompt(&self) -> bool {
        self.rows
            .selected()
            .and_then(|row| self.index.nodes.get(row.node))
            .is_some_and(|node| node.kind == NodeKind::Prompt)
    }

    fn is_on_fold(&self) -> bool {
        self.rows.selected().is_some_and(|row| matches!(row.kind, TreeRowKind::Fold(_)))
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action) -> TreeCommand {
        let Some(message) = self.selected_message() else {
            return match action {
                Action::NextTreeFilter => self.next_filter(),
                Action::UndoPrune if self.filter != TreeFilter::Pruned => TreeCommand::UndoPrune,
                _ => TreeCommand::Nothing,
            };
        };
        match action {
            Action::Accept => return self.accept(message),
            Action::CompareVersions => return TreeCommand::Compare(message),
            Action::Copy => return TreeCommand::Copy(message),
            Action::PruneBranch if self.filter == TreeFilter::Pruned => (),
            Action::PruneBranch => return TreeCommand::Prune(message),
            Action::UndoPrune if self.filter == TreeFilter::Pruned => return self.restore(message),
            Action::UndoPrune => return TreeCommand::UndoPrune,
            Action::ToggleBookmark => return TreeCommand::Bookmark(message),
            Action::NextTreeFilter => return self.next_filter(),
            Action::FoldBranch => self.fold(message, !self.folded.contains(&message)),
            Action::CloseBranch => self.close_branch(message),
            Action::OpenBranch if self.folded.contains(&message) => self.fold(message, false),
            Action::OpenBranch => _ = self.rows.on_action(Action::RowDown, self.height),
            // In the rail the ends have the keys of the text.
            Action::ScrollTop => _ = self.rows.on_action(Action::FirstRow, self.height),
            Action::ScrollEnd => _ = self.rows.on_action(Action::LastRow, self.height),
            _ => _ = self.rows.on_action(action, self.height),
        }
        TreeCommand::Nothing
    }

    fn accept(&mut self, message: MessageId) -> TreeCommand {
        match () {
            () if self.is_on_fold() => {
                self.fold(message, false);
                TreeCommand::Nothing
            }
            () if self.filter == TreeFilter::Pruned => self.restore(message),
            () if self.is_on_prompt() => TreeCommand::EditPrompt(message),
            () => TreeCommand::GoTo(message),
        }
    }

    /// Restores the whole branch that a message was pruned with.
    fn restore(&self, message: MessageId) -> TreeCommand {
        let node = self.index.position(message);
        let top = std::iter::successors(node, |node| self.index.nodes[*node].parent).last();
        top.map_or(TreeCommand::Nothing, |node| TreeCommand::Restore(self.index.nodes[node].id))
    }

    fn next_filter(&mut self) -> TreeCommand {
        self.filter = self.filter.next();
        self.is_stale = true;
        TreeCommand::Nothing
    }

    fn fold(&mut self, message: MessageId, is_folded: bool) {
        let has_below = self.index.position(message).is_some_and(|node| self.index.nodes[node].below > 0);
        if is_folded && has_below {
            self.folded.insert(message);
        } else {
            self.folded.remove(&message);
        }
        self.wanted = Some(message);
        self.is_stale = true;
    }

    /// Folds what is below a message, or goes to the message above if that is folded or empty.
    fn close_branch(&mut self, message: MessageId) {
        let Some(node) = self.index.position(message) else { return };
        if self.index.nodes[node].below > 0 && !self.folded.contains(&message) {
            self.fold(message, true);
        } else {
            let above = self.index.nodes[node].parent.map(|parent| self.index.nodes[parent].id);
            self.go_to(above);
        }
    }

    /// Moves the cursor by this many rows, for the mouse wheel.
    pub fn on_wheel(&mut self, rows: isize) {
        self.rows.move_cursor(rows);
    }

    /// Selects the clicked row; a click on the selected row accepts it.
    pub fn on_click(&mut self, position: Position, pane: TreePane) -> TreeCommand {
        let area = view::row_area(pane, self.tallest);
        let before = self.rows.cursor();
        if self.rows.on_click(position, area) && self.rows.cursor() == before {
            return self.on_action(Action::Accept);
        }
        TreeCommand::Nothing
    }
}
