//! The composer: edits the draft by grapheme cluster, with the keys of readline.

mod draft_layout;
mod history;
mod motions;
mod readline_keys;
#[cfg(test)]
mod tests;
mod view;

use tui_textarea::{CursorMove, TextArea};

pub(crate) use draft_layout::visible_cluster;
use draft_layout::{DraftLayout, TextPos};
use history::HistoryWalk;
pub use view::ComposerView;

use crate::text;

/// The draft and its cursor.
///
/// The text area only provides the buffer and its undo; rows, cursor and drawing are our own, by cluster.
#[derive(Debug, Clone)]
pub struct Composer {
    buffer: TextArea<'static>,
    /// The cursor, while the buffer's own is still elsewhere: moving that one far is slow, so only an
    /// edit does it.
    pending_cursor: Option<(usize, usize)>,
    /// Always matches the text in the buffer.
    layout: DraftLayout,
    width: u16,
    /// The first visible row.
    top_row: usize,
    /// The cell that `Up` and `Down` aim for.
    target_cell: Option<usize>,
    /// What `^Y` brings back; a kill that follows a kill adds to it.
    kill_buffer: String,
    is_killing: bool,
    history_walk: HistoryWalk,
}

/// The direction of a motion or a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionDirection {
    Backward,
    Forward,
}

/// How far a motion or a deletion reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionReach {
    Cluster,
    /// Letters and digits, as for `Alt-B` and `Alt-F`.
    Word,
    /// Text between spaces, as for `^W`; forward, a word.
    SpacedWord,
    /// The visible row; from its end on, the line.
    Row,
    /// To the end of the line; from there, over one line break.
    Line,
    All,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new("")
    }
}

impl Composer {
    /// Creates a composer with a draft, the cursor after it.
    pub fn new(draft: &str) -> Self {
        let mut composer = Self {
            buffer: new_buffer(draft),
            pending_cursor: None,
            layout: DraftLayout::default(),
            width: 80,
            top_row: 0,
            target_cell: None,
            kill_buffer: String::new(),
            is_killing: false,
            history_walk: HistoryWalk::default(),
        };
        composer.finish_edit();
        composer
    }

    /// Returns the draft as it would be sent.
    pub fn text(&self) -> String {
        self.buffer.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.buffer.lines(), [line] if line.is_empty())
    }

    /// Returns whether the draft has no line break.
    pub fn is_single_line(&self) -> bool {
        self.buffer.lines().len() == 1
    }

    /// Takes the draft out and leaves nothing behind, not even its undo history.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.set_text("");
        text
    }

    /// Sets another draft, as when another conversation is shown.
    pub fn set_text(&mut self, draft: &str) {
        *self = Self { width: self.width, kill_buffer: std::mem::take(&mut self.kill_buffer), ..Self::new(draft) };
        self.finish_edit();
    }

    /// Replaces the text of the draft, as from the editor or the history; this can be undone.
    pub fn replace(&mut self, text: &str) {
        self.begin_edit();
        self.pending_cursor = None;
        self.buffer.select_all();
        if text.is_empty() {
            self.buffer.delete_char();
        } else {
            self.buffer.insert_str(normalised(text));
        }
        self.finish_edit();
    }

    /// Inserts a typed character.
    pub fn insert_char(&mut self, letter: char) {
        if letter.is_control() {
            return;
        }
        self.begin_edit();
        self.sync_buffer_cursor();
        self.buffer.insert_char(letter);
        self.finish_edit();
    }

    /// Inserts a paste, with line ends normalised and control characters removed.
    pub fn insert_str(&mut self, text: &str) {
        let text = normalised(text);
        if text.is_empty() {
            return;
        }
        self.begin_edit();
        self.sync_buffer_cursor();
        self.buffer.insert_str(text);
        self.finish_edit();
    }

    pub fn insert_newline(&mut self) {
        self.begin_edit();
        self.sync_buffer_cursor();
        self.buffer.insert_newline();
        self.finish_edit();
    }

    /// Replaces a `\` before the cursor with a line break, for `Enter`; returns whether there was one.
    pub fn replace_backslash_with_newline(&mut self) -> bool {
        let TextPos { line, byte } = self.cursor_pos();
        let is_after_backslash = self.buffer.lines()[line][..byte].ends_with('\\');
        if is_after_backslash {
            self.begin_edit();
            self.sync_buffer_cursor();
            self.buffer.delete_char();
            self.buffer.insert_newline();
            self.finish_edit();
        }
        is_after_backslash
    }

    /// Moves the cursor; returns whether it moved.
    pub fn move_cursor(&mut self, direction: MotionDirection, reach: MotionReach) -> bool {
        self.begin_edit();
        self.buffer.cancel_selection();
        let from = self.cursor_pos();
        let to = self.motion_target(from, direction, reach);
        self.set_cursor(to);
        self.finish_edit();
        to != from
    }

    /// Deletes the selection, or else the text within reach, without saving it for `^Y`; returns whether there was any.
    pub fn delete(&mut self, direction: MotionDirection, reach: MotionReach) -> bool {
        self.begin_edit();
        self.remove(direction, reach).is_some()
    }

    /// Deletes like `delete`, as for `^K`, `^U`, `^W` and `Alt-D`, and saves the text for `^Y`.
    pub fn kill(&mut self, direction: MotionDirection, reach: MotionReach) -> bool {
        let appends = self.is_killing;
        self.begin_edit();
        let Some(removed) = self.remove(direction, reach) else {
            self.is_killing = appends;
            return false;
        };
        self.kill_buffer = match direction {
            _ if !appends => removed,
            MotionDirection::Backward => removed + &self.kill_buffer,
            MotionDirection::Forward => std::mem::take(&mut self.kill_buffer) + &removed,
        };
        self.is_killing = true;
        true
    }

    /// Inserts the text that was killed last, for `^Y`.
    pub fn yank(&mut self) {
        let killed = self.kill_buffer.clone();
        self.insert_str(&killed);
    }

    /// Undoes a word of typing or one edit, for `^_`.
    pub fn undo(&mut self) -> bool {
        self.begin_edit();
        self.pending_cursor = None;
        let undone = self.buffer.undo();
        self.finish_edit();
        undone
    }

    /// Moves one row up; returns `false` on the first row, where the history begins.
    pub fn move_up(&mut self) -> bool {
        self.move_to_row(self.cursor_cell().1.checked_sub(1))
    }

    /// Moves one row down; returns `false` on the last row.
    pub fn move_down(&mut self) -> bool {
        self.move_to_row(Some(self.cursor_cell().1 + 1))
    }

    /// Recalls the prompt before this one; `prompts` are newest first. Returns `false` if there is none.
    pub fn recall_older(&mut self, prompts: &[String]) -> bool {
        let next = self.history_walk.older(prompts, &self.text());
        self.recall(next.as_deref())
    }

    /// Recalls the prompt after this one, and finally the draft that was being written.
    pub fn recall_newer(&mut self, prompts: &[String]) -> bool {
        let next = self.history_walk.newer(prompts, &self.text());
        self.recall(next.as_deref())
    }

    /// Moves the cursor to a clicked cell of the text (without the gutter), counted from the first visible row.
    pub fn click(&mut self, column: u16, row: u16) {
        self.begin_edit();
        self.buffer.cancel_selection();
        self.set_cursor(self.layout.pos_at(self.top_row + usize::from(row), column.into()));
        self.finish_edit();
    }

    /// Selects from where the mouse button was pressed to the cell that the mouse was dragged to.
    pub fn drag(&mut self, column: u16, row: u16) {
        self.begin_edit();
        if !self.buffer.is_selecting() {
            self.sync_buffer_cursor();
            self.buffer.start_selection();
        }
        self.set_cursor(self.layout.pos_at(self.top_row + usize::from(row), column.into()));
        self.finish_edit();
    }

    pub fn selected_text(&self) -> Option<String> {
        let (from, to) = self.selection()?;
        Some(self.text_between(from, to))
    }

    pub fn clear_selection(&mut self) {
        self.buffer.cancel_selection();
    }

    /// Wraps the draft to a width (without the gutter) and returns how many rows it takes.
    pub fn wrap_to_width(&mut self, width: u16) -> u16 {
        self.width = width;
        self.layout.fit(self.buffer.lines(), width.into());
        u16::try_from(self.layout.row_count()).unwrap_or(u16::MAX)
    }

    /// Scrolls the cursor into view in a composer of this height; call it before each frame.
    pub fn scroll_to_cursor(&mut self, height: u16) {
        self.top_row = self.top_row_for(height);
    }

    /// Returns the cell of the cursor in its row, and that row, counted from the first of the draft.
    pub fn cursor_cell(&self) -> (u16, usize) {
        let (row, cell) = self.layout.cell_of(self.cursor_pos());
        (u16::try_from(cell).unwrap_or(u16::MAX), row)
    }

    /// Returns the text before the cursor in its line.
    pub(crate) fn text_before_cursor(&self) -> String {
        let TextPos { line, byte } = self.cursor_pos();
        self.buffer.lines()[line][..byte].to_owned()
    }

    fn top_row_for(&self, height: u16) -> usize {
        let height = usize::from(height.max(1));
        let row = self.cursor_cell().1;
        let last_top = self.layout.row_count().saturating_sub(height);
        self.top_row.clamp((row + 1).saturating_sub(height), row).min(last_top)
    }

    /// Returns the selected range, unless it is empty.
    fn selection(&self) -> Option<(TextPos, TextPos)> {
        let lines = self.buffer.lines();
        let place = |(line, column): (usize, usize)| TextPos { line, byte: byte_index(&lines[line], column) };
        let (from, to) = self.buffer.selection_range()?;
        (from != to).then(|| (place(from), place(to)))
    }

    fn cursor_pos(&self) -> TextPos {
        let (line, column) = self.pending_cursor.unwrap_or(self.buffer.cursor());
        TextPos { line, byte: byte_index(&self.buffer.lines()[line], column) }
    }

    fn motion_target(&self, from: TextPos, direction: MotionDirection, reach: MotionReach) -> TextPos {
        let lines = self.buffer.lines();
        let line = lines[from.line].as_str();
        let in_line = |byte| TextPos { byte, ..from };
        let end_of = |line: usize| TextPos { line, byte: lines[line].len() };
        match (direction, reach) {
            (MotionDirection::Backward, MotionReach::All) => TextPos::default(),
            (MotionDirection::Forward, MotionReach::All) => end_of(lines.len() - 1),
            (MotionDirection::Backward, MotionReach::Row) => self.row_start(from),
            (MotionDirection::Forward, MotionReach::Row) => self.row_end(from),
            (MotionDirection::Backward, _) if from.byte == 0 => from.line.checked_sub(1).map_or(from, end_of),
            (MotionDirection::Forward, _) if from.byte == line.len() => {
                if from.line + 1 < lines.len() {
                    TextPos { line: from.line + 1, byte: 0 }
                } else {
                    from
                }
            }
            (MotionDirection::Backward, MotionReach::Cluster) => {
                in_line(motions::previous_cluster(line, from.byte).unwrap_or(0))
            }
            (MotionDirection::Forward, MotionReach::Cluster) => {
                in_line(motions::next_cluster(line, from.byte).unwrap_or(line.len()))
            }
            (MotionDirection::Backward, MotionReach::Word) => in_line(motions::word_start(line, from.byte)),
            (MotionDirection::Backward, MotionReach::SpacedWord) => {
                in_line(motions::spaced_word_start(line, from.byte))
            }
            (MotionDirection::Forward, MotionReach::Word | MotionReach::SpacedWord) => {
                in_line(motions::word_end(line, from.byte))
            }
            (MotionDirection::Backward, MotionReach::Line) => in_line(0),
            (MotionDirection::Forward, MotionReach::Line) => in_line(line.len()),
        }
    }

    fn row_start(&self, from: TextPos) -> TextPos {
        let row = self.layout.row(self.layout.cell_of(from).0);
        let start = row.map_or(0, |row| row.start);
        TextPos { byte: if start == from.byte { 0 } else { start }, ..from }
    }

    fn row_end(&self, from: TextPos) -> TextPos {
        let end = self.buffer.lines()[from.line].len();
        let Some(row) = self.layout.row(self.layout.cell_of(from).0).filter(|row| row.end < end) else {
            return TextPos { byte: end, ..from };
        };
        // The end of a wrapped row is the start of the next, so this is before its last cluster.
        let last = motions::previous_cluster(&self.buffer.lines()[from.line], row.end).unwrap_or(row.end);
        TextPos { byte: if last <= from.byte { end } else { last }, ..from }
    }

    fn move_to_row(&mut self, row: Option<usize>) -> bool {
        let target_cell = self.target_cell.unwrap_or(self.cursor_cell().0.into());
        self.begin_edit();
        let Some(row) = row.filter(|row| *row < self.layout.row_count()) else { return false };
        self.buffer.cancel_selection();
        self.set_cursor(self.layout.pos_at(row, target_cell));
        self.finish_edit();
        self.target_cell = Some(target_cell);
        true
    }

    fn recall(&mut self, prompt: Option<&str>) -> bool {
        if let Some(prompt) = prompt {
            self.replace(prompt);
        }
        prompt.is_some()
    }

    /// Removes the selection, or else the text within reach, and returns it.
    fn remove(&mut self, direction: MotionDirection, reach: MotionReach) -> Option<String> {
        if let Some(selected) = self.selected_text() {
            self.buffer.delete_char();
            self.finish_edit();
            return Some(selected);
        }
        self.buffer.cancel_selection();
        let from = self.cursor_pos();
        let to = self.motion_target(from, direction, reach);
        let (start, end) = (from.min(to), from.max(to));
        let removed = self.text_between(start, end);
        let chars = removed.chars().count();
        match (chars, direction) {
            (0, _) => return None,
            // Single deletions are undone together, a word at a time.
            (1, MotionDirection::Backward) => {
                self.sync_buffer_cursor();
                self.buffer.delete_char();
            }
            (_, _) => {
                self.set_cursor(start);
                self.sync_buffer_cursor();
                self.buffer.delete_str(chars);
            }
        }
        self.finish_edit();
        Some(removed)
    }

    fn text_between(&self, start: TextPos, end: TextPos) -> String {
        let lines = self.buffer.lines();
        if start.line == end.line {
            return lines[start.line][start.byte..end.byte].to_owned();
        }
        let mut text = lines[start.line][start.byte..].to_owned();
        for line in &lines[start.line + 1..end.line] {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        text.push_str(&lines[end.line][..end.byte]);
        text
    }

    fn set_cursor(&mut self, to: TextPos) {
        let column = self.buffer.lines()[to.line][..to.byte].chars().count();
        self.pending_cursor = None;
        if (to.line, column) == self.buffer.cursor() {
            return;
        }
        if let (Ok(row), Ok(column)) = (u16::try_from(to.line), u16::try_from(column)) {
            self.buffer.move_cursor(CursorMove::Jump(row, column));
            return;
        }
        self.pending_cursor = Some((to.line, column));
        if self.buffer.is_selecting() {
            self.sync_buffer_cursor();
        }
    }

    /// Brings the buffer's cursor to the composer's before an edit. A jump reaches 65,535 lines and
    /// columns; beyond that the cursor moves in single steps or, if there are too many of them, the
    /// buffer is replaced and loses its undo history.
    fn sync_buffer_cursor(&mut self) {
        const STEPS: usize = 32;
        let Some(to) = self.pending_cursor.take() else { return };
        let (line, column) = self.buffer.cursor();
        if line == to.0 && column.abs_diff(to.1) <= STEPS {
            let step = if column < to.1 { CursorMove::Forward } else { CursorMove::Back };
            for _ in 0..column.abs_diff(to.1) {
                self.buffer.move_cursor(step);
            }
        } else {
            let lines = self.buffer.lines().to_vec();
            self.buffer.set_lines(lines, to);
        }
    }

    /// Ends a run of kills and forgets the cell that `Up` and `Down` aim for; every edit and motion begins here.
    fn begin_edit(&mut self) {
        self.is_killing = false;
        self.target_cell = None;
    }

    /// Puts the cursor between two clusters and updates the rows, after every change.
    fn finish_edit(&mut self) {
        let cursor = self.cursor_pos();
        let byte = motions::snap_to_boundary(&self.buffer.lines()[cursor.line], cursor.byte);
        if byte != cursor.byte {
            self.set_cursor(TextPos { byte, ..cursor });
        }
        self.layout.fit(self.buffer.lines(), self.width.into());
    }
}

fn new_buffer(draft: &str) -> TextArea<'static> {
    let lines: Vec<String> = normalised(draft).split('\n').map(str::to_owned).collect();
    let end = (lines.len() - 1, lines.last().map_or(0, |line| line.chars().count()));
    let mut buffer = TextArea::default();
    buffer.set_lines(lines, end);
    buffer.set_max_histories(1000);
    buffer.set_undo_coalescing(true);
    buffer
}

/// Normalises line ends and removes control characters other than the tab.
fn normalised(text: &str) -> String {
    let folded = text.replace("\r\n", "\n").replace('\r', "\n");
    if folded.contains('\u{1b}') {
        // A paste from another terminal: remove whole escape sequences, but leave the tabs.
        let pieces: Vec<_> = folded.split('\t').map(text::clean).collect();
        return pieces.join("\t");
    }
    folded.chars().filter(|letter| matches!(letter, '\n' | '\t') || !letter.is_control()).collect()
}

fn byte_index(line: &str, column: usize) -> usize {
    line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte)
}
