//! The list of conversations: grouped by day, filtered while typing, renamed and tagged in place.

mod filter;
mod floating;
mod groups;
mod row_edit;
#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;
use jiff::{civil::Date, tz::TimeZone};

use crate::chat::{ConversationId, ConversationPreview, ConversationSummary, Timestamp};
use crate::ui::{conversation_index::ConversationIndex, overlay::field::TextField};
use filter::FilteredRow;
pub use floating::FloatingListView;
use groups::{GroupDays, ListGroup};
pub use row_edit::{RowEdit, RowEditKind};
pub use view::{ConversationListView, ListActivity};

/// The listed conversations and the cursor.
#[derive(Debug, Clone, Default)]
pub struct ConversationList {
    pub cursor: Option<ConversationId>,
    /// What a title and the tags must match to be listed.
    pub filter: Option<TextField>,
    /// The filter is being typed.
    pub is_filtering: bool,
    /// The title or the tags that are being typed.
    pub row_edit: Option<RowEdit>,
    groups: Vec<ListGroup>,
    /// The conversations that match the filter; `None` without a filter.
    matching: Option<Vec<FilteredRow>>,
    len: usize,
    /// What is known about the conversation under the cursor; without details until they are loaded.
    preview: Option<(ConversationId, Option<ConversationPreview>)>,
    /// What the rows were arranged from; while it is the same, they are.
    arranged_from: Option<ListInputs>,
    /// The cursor is on the last row, which searches what was said.
    on_search_row: bool,
    /// How often the rows were arranged, for tests.
    pub arrangements: u64,
    /// The index of the cursor among the listed conversations.
    cursor_index: usize,
    /// The first visible row.
    top_row: usize,
}

/// What decides which conversations are listed, and under which headings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListInputs {
    revision: u64,
    filter: String,
    today: Date,
    ends_at: Timestamp,
}

/// One row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListEntry<'a> {
    Blank,
    Heading(&'a str),
    /// An index into the summaries.
    Conversation(usize),
    /// What searches what was said for the filter.
    Search,
}

/// A move of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListStep {
    Down(usize),
    Up(usize),
    First,
    Last,
}

impl ConversationList {
    /// Updates the list. Call it after the conversations, the filter, the cursor or the day have changed. If only the
    /// cursor has, it reads none of them; without a filter it reads only a few.
    pub fn arrange(&mut self, index: &ConversationIndex, today: Date, zone: &TimeZone) {
        let filter = self.filter.as_ref().map(TextField::text).unwrap_or_default();
        let is_same =
            |from: &ListInputs| from.revision == index.revision() && from.filter == filter && from.today == today;
        if !self.arranged_from.as_ref().is_some_and(is_same) {
            self.arrangements += 1;
            let days = GroupDays::new(today, zone);
            self.matching = (!filter.trim().is_empty()).then(|| filter::filtered_rows(&filter, index));
            self.len = self.matching.as_ref().map_or(index.len(), Vec::len);
            self.groups = days.divide(self.len, |at| &index[self.summary_index(at)]);
            self.on_search_row &= self.arranged_from.as_ref().is_some_and(|from| from.filter == filter);
            self.arranged_from = Some(ListInputs { revision: index.revision(), filter, today, ends_at: days.ends_at });
        }
        self.locate_cursor(index);
    }

    /// Returns when the headings are no longer right, because a new day begins.
    pub fn day_ends_at(&self) -> Option<Timestamp> {
        self.arranged_from.as_ref().map(|from| from.ends_at).filter(|_| self.len > 0)
    }

    /// Returns the number of listed conversations.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the conversation under the cursor of a filtered list, if nothing was asked about it yet.
    pub fn wants_preview(&mut self) -> Option<ConversationId> {
        let cursor = self.cursor.filter(|_| self.filter.is_some() && self.len > 0)?;
        if self.preview.as_ref().is_some_and(|(id, _)| *id == cursor) {
            return None;
        }
        self.preview = Some((cursor, None));
        Some(cursor)
    }

    /// Takes what is known about a conversation, if the cursor is still on it.
    pub fn set_preview(&mut self, conversation: ConversationId, preview: ConversationPreview) {
        if let Some((id, known)) = &mut self.preview
            && *id == conversation
        {
            *known = Some(preview);
        }
    }

    /// Moves the cursor among the listed conversations.
    pub fn move_cursor(&mut self, step: ListStep, summaries: &[ConversationSummary]) {
        let last = self.len.saturating_sub(1);
        // The row that searches stands behind the last conversation.
        let behind = if self.search_words().is_some() { last + 1 } else { last };
        let from = if self.is_on_search_row() { last + 1 } else { self.cursor_index };
        let to = match step {
            ListStep::Down(by) => from.saturating_add(by).min(behind),
            ListStep::Up(by) => from.saturating_sub(by),
            ListStep::First => 0,
            ListStep::Last => behind,
        };
        self.on_search_row = to > last;
        self.cursor_index = to.min(last);
        self.cursor = self.id_at(self.cursor_index, summaries).filter(|_| !self.on_search_row);
    }

    /// What the last row searches for: the filter, if there is one.
    pub fn search_words(&self) -> Option<String> {
        let words = self.filter.as_ref()?.text();
        (!words.trim().is_empty()).then(|| words.trim().to_owned())
    }

    /// Whether the cursor is on the row that searches; it is the only one if nothing matches the filter.
    pub fn is_on_search_row(&self) -> bool {
        let is_there = self.on_search_row && self.cursor.is_none() || self.len == 0;
        is_there && self.search_words().is_some()
    }

    /// Whether a row of the pane is the one that searches, for a click.
    pub fn is_search_row(&self, row: u16) -> bool {
        let row = row.checked_sub(2).map(|row| usize::from(row) + self.top_row);
        row.and_then(|row| self.entry_at(row)) == Some(ListEntry::Search)
    }

    /// Returns the conversation listed after this one, else the one before it.
    pub fn neighbour(&self, id: ConversationId, summaries: &[ConversationSummary]) -> Option<ConversationId> {
        let is_it = |at: &usize| self.id_at(*at, summaries) == Some(id);
        let at = Some(self.cursor_index).filter(is_it).or_else(|| (0..self.len).find(is_it))?;
        self.id_at(at + 1, summaries).or_else(|| self.id_at(at.checked_sub(1)?, summaries))
    }

    /// Scrolls the cursor into view; call it before each frame, with the height of the whole pane.
    pub fn scroll_to_cursor(&mut self, height: u16) {
        let height = usize::from(height.saturating_sub(3).max(1));
        let row =
            if self.is_on_search_row() { self.row_count().saturating_sub(1) } else { self.row_of(self.cursor_index) };
        // The first conversation of a group brings its heading into view.
        let heading = self.groups.iter().any(|group| group.first == self.cursor_index);
        let first = if heading && height > 1 { row.saturating_sub(1) } else { row };
        let last_top = self.row_count().saturating_sub(height);
        self.top_row = self
            .top_row
            .clamp((row + 1).saturating_sub(height), first.max((row + 1).saturating_sub(height)))
            .min(last_top);
    }

    /// Returns the conversation on a row of the pane, for a click.
    pub fn conversation_at_row(&self, row: u16, summaries: &[ConversationSummary]) -> Option<ConversationId> {
        let row = usize::from(row.checked_sub(2)?) + self.top_row;
        match self.entry_at(row)? {
            ListEntry::Conversation(at) => summaries.get(at).map(|summary| summary.id),
            ListEntry::Blank | ListEntry::Heading(_) | ListEntry::Search => None,
        }
    }

    /// Starts typing a filter, or continues the current one.
    pub fn start_filter(&mut self) {
        self.filter.get_or_insert_default();
        self.is_filtering = true;
    }

    /// Removes the filter.
    pub fn clear_filter(&mut self) {
        self.filter = None;
        self.preview = None;
        self.is_filtering = false;
    }

    /// Ends what was typed in the list, because it has lost the focus.
    pub fn leave(&mut self) {
        self.clear_filter();
        self.row_edit = None;
    }

    /// Stops typing the filter and moves to the rows.
    pub fn leave_filter_field(&mut self) {
        self.is_filtering = false;
    }

    /// Passes a key to the filter, the title or the tags; returns `false` if none of them is being typed or the key has no
    /// meaning there. Call `arrange` after the filter has changed.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        self.active_field().is_some_and(|field| field.edit(key))
    }

    /// Pastes into the filter, the title or the tags; returns `false` if none of them is being typed.
    pub fn paste(&mut self, text: &str) -> bool {
        self.active_field().map(|field| field.paste(text)).is_some()
    }

    fn active_field(&mut self) -> Option<&mut TextField> {
        match &mut self.row_edit {
            Some(edit) => Some(&mut edit.field),
            None => self.filter.as_mut().filter(|_| self.is_filtering),
        }
    }

    fn locate_cursor(&mut self, summaries: &[ConversationSummary]) {
        let Some(cursor) = self.cursor else {
            self.cursor_index = 0;
            return;
        };
        if self.id_at(self.cursor_index, summaries) == Some(cursor) {
            return;
        }
        let found = (0..self.len).find(|at| self.id_at(*at, summaries) == Some(cursor));
        self.cursor_index = found.unwrap_or_else(|| self.cursor_index.min(self.len.saturating_sub(1)));
        if found.is_none() && self.len > 0 {
            // It was filtered out or deleted: select its neighbour.
            self.cursor = self.id_at(self.cursor_index, summaries);
        }
    }

    fn id_at(&self, at: usize, summaries: &[ConversationSummary]) -> Option<ConversationId> {
        (at < self.len).then(|| summaries.get(self.summary_index(at)).map(|summary| summary.id)).flatten()
    }

    /// Returns the index in the summaries of a listed conversation.
    fn summary_index(&self, at: usize) -> usize {
        self.matching.as_ref().map_or(at, |matching| matching[at].index)
    }

    /// Returns the clusters of a title that the filter matches, by the index of its summary.
    fn lit_clusters(&self, summary_index: usize) -> &[u32] {
        let matching = self.matching.as_deref().unwrap_or_default();
        let found = matching.binary_search_by_key(&summary_index, |row| row.index);
        found.map_or(&[], |at| &matching[at].lit)
    }

    /// Returns the number of rows: a heading before each group, a blank row between two groups, and what searches.
    fn row_count(&self) -> usize {
        match self.search_words() {
            Some(_) => self.conversation_rows().max(1) + 2,
            None => self.conversation_rows(),
        }
    }

    fn conversation_rows(&self) -> usize {
        (self.len + 2 * self.groups.len()).saturating_sub(1)
    }

    fn row_of(&self, at: usize) -> usize {
        let group = self.groups.partition_point(|group| group.end <= at);
        at + 2 * group + 1
    }

    fn entry_at(&self, row: usize) -> Option<ListEntry<'_>> {
        if row >= self.conversation_rows() {
            return self.entry_behind(row - self.conversation_rows());
        }
        // Each group has two rows more than conversations, but the first has no blank row before it.
        let nth = self.groups.iter().enumerate().position(|(nth, group)| row <= group.end + 2 * nth)?;
        let group = &self.groups[nth];
        let in_group = row + 1 - (group.first + 2 * nth);
        Some(match in_group {
            0 => ListEntry::Blank,
            1 => ListEntry::Heading(group.heading),
            _ => ListEntry::Conversation(self.summary_index(group.first + in_group - 2)),
        })
    }

    /// What stands behind the last conversation: a blank row and what searches; if nothing matches, that is said before.
    fn entry_behind(&self, row: usize) -> Option<ListEntry<'_>> {
        self.search_words()?;
        match row + usize::from(self.len > 0) {
            0 => Some(ListEntry::Heading("No match.")),
            1 => Some(ListEntry::Blank),
            2 => Some(ListEntry::Search),
            _ => None,
        }
    }

    /// Returns the number of rows below a window of this height.
    fn rows_below(&self, height: u16) -> usize {
        self.row_count().saturating_sub(self.top_row + usize::from(height))
    }

    /// Returns the numbers of the first and the last visible conversation, from 1.
    fn visible_numbers(&self, height: u16) -> Option<(usize, usize)> {
        let (above, through) = (self.count_above(self.top_row), self.count_above(self.top_row + usize::from(height)));
        (through > above).then_some((above + 1, through))
    }

    /// Returns how many conversations stand above a row.
    fn count_above(&self, row: usize) -> usize {
        let in_group = |(nth, group): (usize, &ListGroup)| {
            row.saturating_sub(2 * nth + 1).clamp(group.first, group.end) - group.first
        };
        self.groups.iter().enumerate().map(in_group).sum()
    }

    fn visible_entries(&self, height: u16) -> impl Iterator<Item = ListEntry<'_>> {
        (self.top_row..self.top_row + usize::from(height)).map_while(|row| self.entry_at(row))
    }
}
