//! All conversations but the trash, as rows in the order of the list.

use std::{cmp::Ordering, collections::BTreeSet, ops::Deref};

use crate::chat::{ConversationId, ConversationSummary};

/// The rows in the order of the list: temporary, pinned, the others, archived; in each part the newest first.
///
/// Every change goes through a method, which keeps the order and counts the change.
#[derive(Debug, Clone, Default)]
pub struct ConversationIndex {
    rows: Vec<ConversationSummary>,
    /// Those with an answer that nobody has seen.
    unread: BTreeSet<ConversationId>,
    revision: u64,
}

/// A part of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListPart {
    Temporary,
    Pinned,
    /// Grouped by the day of the last change.
    ByDay,
    Archived,
}

impl ListPart {
    pub fn of(row: &ConversationSummary) -> Self {
        match &row.filing {
            _ if row.is_temporary => Self::Temporary,
            filing if filing.archived_at.is_some() => Self::Archived,
            filing if filing.pinned_at.is_some() => Self::Pinned,
            _ => Self::ByDay,
        }
    }
}

impl Deref for ConversationIndex {
    type Target = [ConversationSummary];

    fn deref(&self) -> &[ConversationSummary] {
        &self.rows
    }
}

impl From<Vec<ConversationSummary>> for ConversationIndex {
    fn from(mut rows: Vec<ConversationSummary>) -> Self {
        rows.sort_by(list_order);
        let unread = rows.iter().filter(|row| row.unread).map(|row| row.id).collect();
        Self { rows, unread, revision: 0 }
    }
}

impl ConversationIndex {
    /// Returns a number that is another one after each change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn unread(&self) -> &BTreeSet<ConversationId> {
        &self.unread
    }

    pub fn position(&self, id: ConversationId) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }

    pub fn row(&self, id: ConversationId) -> Option<&ConversationSummary> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Puts a row in its place, instead of the one of the same conversation.
    pub fn put(&mut self, row: ConversationSummary) {
        let position = self.position(row.id);
        if position.is_some_and(|position| self.rows[position] == row) {
            return;
        }
        self.revision += 1;
        if row.unread {
            self.unread.insert(row.id);
        } else {
            self.unread.remove(&row.id);
        }
        if let Some(position) = position {
            if list_order(&self.rows[position], &row) == Ordering::Equal {
                self.rows[position] = row;
                return;
            }
            self.rows.remove(position);
        }
        let position = self.rows.partition_point(|other| list_order(other, &row) == Ordering::Less);
        self.rows.insert(position, row);
    }

    /// Changes the row of a conversation, if there is one.
    pub fn update(&mut self, id: ConversationId, change: impl FnOnce(&mut ConversationSummary)) {
        if let Some(mut row) = self.row(id).cloned() {
            change(&mut row);
            self.put(row);
        }
    }

    pub fn remove(&mut self, id: ConversationId) -> Option<ConversationSummary> {
        let position = self.position(id)?;
        self.revision += 1;
        self.unread.remove(&id);
        Some(self.rows.remove(position))
    }

    pub fn retain(&mut self, is_kept: impl Fn(&ConversationSummary) -> bool) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(is_kept);
        self.replace(rows);
    }

    /// Takes other rows in place of all.
    pub fn replace(&mut self, rows: Vec<ConversationSummary>) {
        let revision = self.revision + 1;
        *self = Self { revision, ..rows.into() };
    }

    /// Returns all tags, the most frequent first.
    pub fn tags(&self) -> Vec<String> {
        let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for tag in self.rows.iter().flat_map(|row| &row.filing.tags) {
            *counts.entry(tag).or_default() += 1;
        }
        let mut tags: Vec<_> = counts.into_iter().collect();
        tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        tags.into_iter().map(|(tag, _)| tag.to_owned()).collect()
    }
}

fn list_order(one: &ConversationSummary, other: &ConversationSummary) -> Ordering {
    let newest_first = other.updated_at.cmp(&one.updated_at).then(other.id.cmp(&one.id));
    ListPart::of(one).cmp(&ListPart::of(other)).then(newest_first)
}
