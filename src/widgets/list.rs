//! The list of conversations: grouped by day, filtered as one types, renamed in place.

mod groups;
#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;
use jiff::{civil::Date, tz::TimeZone};

use super::field::Field;
use crate::chat::{ConversationId, Summary};
use groups::Group;
pub use view::ListView;

/// Which conversations are listed, and where its cursor is.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub cursor: Option<ConversationId>,
    /// What titles must contain to be listed.
    pub filter: Option<Field>,
    /// The filter is being typed.
    pub filtering: bool,
    /// The conversation that is being renamed, and its new title.
    pub renaming: Option<(ConversationId, Field)>,
    groups: Vec<Group>,
    /// The places in the summaries of those that match the filter; all of them without one.
    matching: Option<Vec<usize>>,
    len: usize,
    /// Where the cursor was found, counted in listed conversations.
    at: usize,
    /// The first row that is seen.
    top: usize,
}

/// One row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry<'a> {
    Blank,
    Heading(&'a str),
    /// A place in the summaries.
    Conversation(usize),
}

/// Where the cursor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Down(usize),
    Up(usize),
    First,
    Last,
}

impl List {
    /// Takes in what is to be listed, newest first. To be called after the conversations, the
    /// filter, the cursor or the day have changed; without a filter it looks at few of them.
    pub fn arrange(&mut self, summaries: &[Summary], today: Date, zone: &TimeZone) {
        self.matching = self.filter.as_ref().filter(|filter| !filter.is_empty()).map(|filter| {
            let wanted = filter.text().to_lowercase();
            let words: Vec<&str> = wanted.split_whitespace().collect();
            let has_all = |summary: &Summary| {
                let title = summary.title.to_lowercase();
                words.iter().all(|word| title.contains(word))
            };
            (0..summaries.len()).filter(|at| has_all(&summaries[*at])).collect()
        });
        self.len = self.matching.as_ref().map_or(summaries.len(), Vec::len);
        self.groups = groups::divide(self.len, |at| summaries[self.place(at)].updated, today, zone);
        self.find_cursor(summaries);
    }

    /// How many conversations are listed.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Moves the cursor among those that are listed.
    pub fn step(&mut self, step: Step, summaries: &[Summary]) {
        let last = self.len.saturating_sub(1);
        self.at = match step {
            Step::Down(by) => self.at.saturating_add(by).min(last),
            Step::Up(by) => self.at.saturating_sub(by),
            Step::First => 0,
            Step::Last => last,
        };
        self.cursor = self.id_at(self.at, summaries);
    }

    /// Scrolls so that the cursor is seen; before each frame, with the height of the whole pane.
    pub fn scroll_to_cursor(&mut self, height: u16) {
        let height = usize::from(height.saturating_sub(3).max(1));
        let row = self.row_of(self.at);
        // With the first of a group its heading comes into sight.
        let heading = self.groups.iter().any(|group| group.first == self.at);
        let first = if heading && height > 1 { row.saturating_sub(1) } else { row };
        let last_top = self.rows().saturating_sub(height);
        self.top =
            self.top.clamp((row + 1).saturating_sub(height), first.max((row + 1).saturating_sub(height))).min(last_top);
    }

    /// The conversation on a row of the pane, for a click.
    pub fn at_row(&self, row: u16, summaries: &[Summary]) -> Option<ConversationId> {
        let row = usize::from(row.checked_sub(2)?) + self.top;
        match self.entry(row)? {
            Entry::Conversation(at) => summaries.get(at).map(|summary| summary.id),
            Entry::Blank | Entry::Heading(_) => None,
        }
    }

    /// Begins to type a filter, or goes on with the one that is there.
    pub fn start_filter(&mut self) {
        self.filter.get_or_insert_default();
        self.filtering = true;
    }

    /// Lists everything again.
    pub fn clear_filter(&mut self) {
        self.filter = None;
        self.filtering = false;
    }

    /// Begins to rename the conversation under the cursor.
    pub fn start_rename(&mut self, summaries: &[Summary]) {
        let under = summaries.iter().find(|summary| Some(summary.id) == self.cursor);
        self.renaming = under.map(|summary| (summary.id, Field::new(&summary.title)));
    }

    /// The new title, if there is one to keep.
    pub fn finish_rename(&mut self) -> Option<(ConversationId, String)> {
        let (id, field) = self.renaming.take()?;
        let title = field.text().trim().to_owned();
        (!title.is_empty()).then_some((id, title))
    }

    /// A key for the filter or the new title; `false` when neither is being typed or it means
    /// nothing to them. After a change of the filter, `arrange` again.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        self.typed_in().is_some_and(|field| field.edit(key))
    }

    /// A paste into the filter or the new title.
    pub fn paste(&mut self, text: &str) -> bool {
        self.typed_in().map(|field| field.paste(text)).is_some()
    }

    fn typed_in(&mut self) -> Option<&mut Field> {
        match &mut self.renaming {
            Some((_, field)) => Some(field),
            None => self.filter.as_mut().filter(|_| self.filtering),
        }
    }

    fn find_cursor(&mut self, summaries: &[Summary]) {
        let Some(cursor) = self.cursor else {
            self.at = 0;
            return;
        };
        if self.id_at(self.at, summaries) == Some(cursor) {
            return;
        }
        let found = (0..self.len).find(|at| self.id_at(*at, summaries) == Some(cursor));
        self.at = found.unwrap_or_else(|| self.at.min(self.len.saturating_sub(1)));
        if found.is_none() && self.len > 0 {
            // It was filtered out or is gone: its neighbour takes its place.
            self.cursor = self.id_at(self.at, summaries);
        }
    }

    fn id_at(&self, at: usize, summaries: &[Summary]) -> Option<ConversationId> {
        (at < self.len).then(|| summaries.get(self.place(at)).map(|summary| summary.id)).flatten()
    }

    /// Where a listed conversation stands in the summaries.
    fn place(&self, at: usize) -> usize {
        self.matching.as_ref().map_or(at, |matching| matching[at])
    }

    /// A heading before each group, a blank between two.
    fn rows(&self) -> usize {
        (self.len + 2 * self.groups.len()).saturating_sub(1)
    }

    fn row_of(&self, at: usize) -> usize {
        let group = self.groups.partition_point(|group| group.end <= at);
        at + 2 * group + 1
    }

    fn entry(&self, row: usize) -> Option<Entry<'_>> {
        // Each group has two rows more than conversations; the first of all has no blank before it.
        let nth = self.groups.iter().enumerate().position(|(nth, group)| row <= group.end + 2 * nth)?;
        let group = &self.groups[nth];
        let in_group = row + 1 - (group.first + 2 * nth);
        Some(match in_group {
            0 => Entry::Blank,
            1 => Entry::Heading(&group.title),
            _ => Entry::Conversation(self.place(group.first + in_group - 2)),
        })
    }

    fn visible(&self, height: u16) -> impl Iterator<Item = Entry<'_>> {
        (self.top..self.top + usize::from(height)).map_while(|row| self.entry(row))
    }
}
