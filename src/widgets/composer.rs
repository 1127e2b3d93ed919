//! The composer: the draft, edited by grapheme cluster with the keys of readline.

mod history;
mod keys;
mod layout;
#[cfg(test)]
mod tests;
mod view;
mod words;

use tui_textarea::{CursorMove, TextArea};

use history::Walk;
pub(super) use layout::shown;
use layout::{Layout, Place};
pub use view::ComposerView;

use crate::text;

/// The draft and where its cursor stands.
///
/// The text area is the buffer and its undo only; rows, cursor and drawing are ours, by cluster.
#[derive(Debug, Clone)]
pub struct Composer {
    buffer: TextArea<'static>,
    /// Where the cursor stands when the buffer's own is still elsewhere: a far place costs the buffer
    /// much, and is paid for by an edit only.
    far: Option<(usize, usize)>,
    /// Always of the text in the buffer.
    layout: Layout,
    width: u16,
    /// The first row that is seen.
    top: usize,
    /// The cell that Up and Down aim for.
    aim: Option<usize>,
    /// What Ctrl-Y brings back; a kill that follows a kill adds to it.
    killed: String,
    killing: bool,
    walk: Walk,
}

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    Start,
    End,
}

/// How far a motion or a deletion reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Cluster,
    /// Letters and digits, as Alt-B and Alt-F.
    Word,
    /// Whatever stands between blanks, as Ctrl-W; forward it is a word.
    Blank,
    /// The row as it is seen; from its end on, the line.
    Row,
    /// To the line's end; from there, one line break.
    Line,
    All,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new("")
    }
}

impl Composer {
    /// A composer with a draft in it, the cursor behind it.
    pub fn new(draft: &str) -> Self {
        let mut composer = Self {
            buffer: fresh(draft),
            far: None,
            layout: Layout::default(),
            width: 80,
            top: 0,
            aim: None,
            killed: String::new(),
            killing: false,
            walk: Walk::default(),
        };
        composer.settle();
        composer
    }

    /// The draft as it would be sent.
    pub fn text(&self) -> String {
        self.buffer.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.buffer.lines(), [line] if line.is_empty())
    }

    /// Takes the draft out; nothing is left, not even what could be undone.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.set_text("");
        text
    }

    /// Another draft, as when another conversation is shown.
    pub fn set_text(&mut self, draft: &str) {
        *self = Self { width: self.width, killed: std::mem::take(&mut self.killed), ..Self::new(draft) };
        self.settle();
    }

    /// Another text for the same draft, as from the editor or the history: it can be undone.
    pub fn replace(&mut self, text: &str) {
        self.began();
        self.far = None;
        self.buffer.select_all();
        if text.is_empty() {
            self.buffer.delete_char();
        } else {
            self.buffer.insert_str(cleaned(text));
        }
        self.settle();
    }

    /// A key that was typed.
    pub fn insert_char(&mut self, letter: char) {
        if letter.is_control() {
            return;
        }
        self.began();
        self.arrive();
        self.buffer.insert_char(letter);
        self.settle();
    }

    /// A paste: line ends made one kind, control characters left out.
    pub fn insert_str(&mut self, text: &str) {
        let text = cleaned(text);
        if text.is_empty() {
            return;
        }
        self.began();
        self.arrive();
        self.buffer.insert_str(text);
        self.settle();
    }

    pub fn newline(&mut self) {
        self.began();
        self.arrive();
        self.buffer.insert_newline();
        self.settle();
    }

    /// Enter behind a `\`: takes the `\` away, begins a new line and says so.
    pub fn newline_for_backslash(&mut self) -> bool {
        let Place { line, byte } = self.cursor();
        let behind_it = self.buffer.lines()[line][..byte].ends_with('\\');
        if behind_it {
            self.began();
            self.arrive();
            self.buffer.delete_char();
            self.buffer.insert_newline();
            self.settle();
        }
        behind_it
    }

    /// Moves the cursor; says whether it could.
    pub fn go(&mut self, towards: Towards, reach: Reach) -> bool {
        self.began();
        self.buffer.cancel_selection();
        let from = self.cursor();
        let to = self.target(from, towards, reach);
        self.place(to);
        self.settle();
        to != from
    }

    /// Backspace, Delete: the selection, else as far as told. What is gone is not kept for Ctrl-Y.
    pub fn delete(&mut self, towards: Towards, reach: Reach) -> bool {
        self.began();
        self.remove(towards, reach).is_some()
    }

    /// Ctrl-K, U, W, Alt-D: as `delete`, and Ctrl-Y brings it back.
    pub fn kill(&mut self, towards: Towards, reach: Reach) -> bool {
        let adds = self.killing;
        self.began();
        let Some(gone) = self.remove(towards, reach) else {
            self.killing = adds;
            return false;
        };
        self.killed = match towards {
            _ if !adds => gone,
            Towards::Start => gone + &self.killed,
            Towards::End => std::mem::take(&mut self.killed) + &gone,
        };
        self.killing = true;
        true
    }

    /// Ctrl-Y: what was killed last.
    pub fn yank(&mut self) {
        let killed = self.killed.clone();
        self.insert_str(&killed);
    }

    /// Ctrl-_: a word of typing, or one edit, undone.
    pub fn undo(&mut self) -> bool {
        self.began();
        self.far = None;
        let undone = self.buffer.undo();
        self.settle();
        undone
    }

    /// One row up; `false` on the first row, where the history begins.
    pub fn up(&mut self) -> bool {
        self.reach_row(self.cursor_cell().1.checked_sub(1))
    }

    /// One row down; `false` on the last row.
    pub fn down(&mut self) -> bool {
        self.reach_row(Some(self.cursor_cell().1 + 1))
    }

    /// The prompt before this one; `prompts` are newest first. `false` when there is none.
    pub fn older(&mut self, prompts: &[String]) -> bool {
        let next = self.walk.older(prompts, &self.text());
        self.recall(next.as_deref())
    }

    /// The prompt after this one, at last the draft that was being written.
    pub fn newer(&mut self, prompts: &[String]) -> bool {
        let next = self.walk.newer(prompts, &self.text());
        self.recall(next.as_deref())
    }

    /// A click on a cell of the text (without the gutter), counted from the first visible row.
    pub fn click(&mut self, column: u16, row: u16) {
        self.began();
        self.buffer.cancel_selection();
        self.place(self.layout.place_at(self.top + usize::from(row), column.into()));
        self.settle();
    }

    /// The mouse moved with its button down: selects from where it was pressed.
    pub fn drag(&mut self, column: u16, row: u16) {
        self.began();
        if !self.buffer.is_selecting() {
            self.arrive();
            self.buffer.start_selection();
        }
        self.place(self.layout.place_at(self.top + usize::from(row), column.into()));
        self.settle();
    }

    pub fn selected(&self) -> Option<String> {
        let (from, to) = self.selection()?;
        Some(self.between(from, to))
    }

    pub fn unselect(&mut self) {
        self.buffer.cancel_selection();
    }

    /// How many rows the draft takes in a text this wide (without the gutter).
    pub fn rows(&mut self, width: u16) -> u16 {
        self.width = width;
        self.layout.fit(self.buffer.lines(), width.into());
        u16::try_from(self.layout.rows()).unwrap_or(u16::MAX)
    }

    /// Scrolls so that the cursor is seen in a composer this high; before each frame.
    pub fn scroll_to_cursor(&mut self, height: u16) {
        self.top = self.top_for(height);
    }

    /// The cell of the cursor in its row, and that row counted from the draft's first.
    pub fn cursor_cell(&self) -> (u16, usize) {
        let (row, cell) = self.layout.cell_of(self.cursor());
        (u16::try_from(cell).unwrap_or(u16::MAX), row)
    }

    /// What stands in the cursor's line before it.
    pub(super) fn before_cursor(&self) -> String {
        let Place { line, byte } = self.cursor();
        self.buffer.lines()[line][..byte].to_owned()
    }

    fn top_for(&self, height: u16) -> usize {
        let height = usize::from(height.max(1));
        let row = self.cursor_cell().1;
        let last_top = self.layout.rows().saturating_sub(height);
        self.top.clamp((row + 1).saturating_sub(height), row).min(last_top)
    }

    /// What is selected, if it is anything.
    fn selection(&self) -> Option<(Place, Place)> {
        let lines = self.buffer.lines();
        let place = |(line, column): (usize, usize)| Place { line, byte: byte_of(&lines[line], column) };
        let (from, to) = self.buffer.selection_range()?;
        (from != to).then(|| (place(from), place(to)))
    }

    fn cursor(&self) -> Place {
        let (line, column) = self.far.unwrap_or(self.buffer.cursor());
        Place { line, byte: byte_of(&self.buffer.lines()[line], column) }
    }

    fn target(&self, from: Place, towards: Towards, reach: Reach) -> Place {
        let lines = self.buffer.lines();
        let line = lines[from.line].as_str();
        let at = |byte| Place { byte, ..from };
        let end_of = |line: usize| Place { line, byte: lines[line].len() };
        match (towards, reach) {
            (Towards::Start, Reach::All) => Place::default(),
            (Towards::End, Reach::All) => end_of(lines.len() - 1),
            (Towards::Start, Reach::Row) => self.row_start(from),
            (Towards::End, Reach::Row) => self.row_end(from),
            (Towards::Start, _) if from.byte == 0 => from.line.checked_sub(1).map_or(from, end_of),
            (Towards::End, _) if from.byte == line.len() => {
                if from.line + 1 < lines.len() {
                    Place { line: from.line + 1, byte: 0 }
                } else {
                    from
                }
            }
            (Towards::Start, Reach::Cluster) => at(words::previous_cluster(line, from.byte).unwrap_or(0)),
            (Towards::End, Reach::Cluster) => at(words::next_cluster(line, from.byte).unwrap_or(line.len())),
            (Towards::Start, Reach::Word) => at(words::word_start(line, from.byte)),
            (Towards::Start, Reach::Blank) => at(words::blank_start(line, from.byte)),
            (Towards::End, Reach::Word | Reach::Blank) => at(words::word_end(line, from.byte)),
            (Towards::Start, Reach::Line) => at(0),
            (Towards::End, Reach::Line) => at(line.len()),
        }
    }

    fn row_start(&self, from: Place) -> Place {
        let row = self.layout.row(self.layout.cell_of(from).0);
        let start = row.map_or(0, |row| row.start);
        Place { byte: if start == from.byte { 0 } else { start }, ..from }
    }

    fn row_end(&self, from: Place) -> Place {
        let end = self.buffer.lines()[from.line].len();
        let Some(row) = self.layout.row(self.layout.cell_of(from).0).filter(|row| row.end < end) else {
            return Place { byte: end, ..from };
        };
        // The end of a wrapped row is the start of the next, so this is before its last cluster.
        let last = words::previous_cluster(&self.buffer.lines()[from.line], row.end).unwrap_or(row.end);
        Place { byte: if last <= from.byte { end } else { last }, ..from }
    }

    fn reach_row(&mut self, row: Option<usize>) -> bool {
        let aim = self.aim.unwrap_or(self.cursor_cell().0.into());
        self.began();
        let Some(row) = row.filter(|row| *row < self.layout.rows()) else { return false };
        self.buffer.cancel_selection();
        self.place(self.layout.place_at(row, aim));
        self.settle();
        self.aim = Some(aim);
        true
    }

    fn recall(&mut self, prompt: Option<&str>) -> bool {
        if let Some(prompt) = prompt {
            self.replace(prompt);
        }
        prompt.is_some()
    }

    /// Takes the selection or what the reach covers out of the draft.
    fn remove(&mut self, towards: Towards, reach: Reach) -> Option<String> {
        if let Some(selected) = self.selected() {
            self.buffer.delete_char();
            self.settle();
            return Some(selected);
        }
        self.buffer.cancel_selection();
        let from = self.cursor();
        let to = self.target(from, towards, reach);
        let (start, end) = (from.min(to), from.max(to));
        let gone = self.between(start, end);
        let chars = gone.chars().count();
        match (chars, towards) {
            (0, _) => return None,
            // One by one they are undone together, a word of them at a time.
            (1, Towards::Start) => {
                self.arrive();
                self.buffer.delete_char();
            }
            (_, _) => {
                self.place(start);
                self.arrive();
                self.buffer.delete_str(chars);
            }
        }
        self.settle();
        Some(gone)
    }

    fn between(&self, start: Place, end: Place) -> String {
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

    fn place(&mut self, to: Place) {
        let column = self.buffer.lines()[to.line][..to.byte].chars().count();
        self.far = None;
        if (to.line, column) == self.buffer.cursor() {
            return;
        }
        if let (Ok(row), Ok(column)) = (u16::try_from(to.line), u16::try_from(column)) {
            self.buffer.move_cursor(CursorMove::Jump(row, column));
            return;
        }
        self.far = Some((to.line, column));
        if self.buffer.is_selecting() {
            self.arrive();
        }
    }

    /// Before an edit: brings the buffer's cursor to where it is said to be. Jumps reach 65,535 lines and
    /// columns; beyond them there are single steps, and where these would take too long, a new buffer
    /// that cannot undo.
    fn arrive(&mut self) {
        const STEPS: usize = 32;
        let Some(to) = self.far.take() else { return };
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

    /// Every key but a kill ends a run of kills, every key but Up and Down forgets their aim.
    fn began(&mut self) {
        self.killing = false;
        self.aim = None;
    }

    /// After every change: the cursor between clusters, the rows of the new text.
    fn settle(&mut self) {
        let cursor = self.cursor();
        let byte = words::snapped(&self.buffer.lines()[cursor.line], cursor.byte);
        if byte != cursor.byte {
            self.place(Place { byte, ..cursor });
        }
        self.layout.fit(self.buffer.lines(), self.width.into());
    }
}

fn fresh(draft: &str) -> TextArea<'static> {
    let lines: Vec<String> = cleaned(draft).split('\n').map(str::to_owned).collect();
    let end = (lines.len() - 1, lines.last().map_or(0, |line| line.chars().count()));
    let mut buffer = TextArea::default();
    buffer.set_lines(lines, end);
    buffer.set_max_histories(1000);
    buffer.set_undo_coalescing(true);
    buffer
}

/// Line ends made one kind, control characters but the tab left out.
fn cleaned(text: &str) -> String {
    let folded = text.replace("\r\n", "\n").replace('\r', "\n");
    if folded.contains('\u{1b}') {
        // A paste from another terminal: its sequences go as a whole, its tabs stay.
        let pieces: Vec<_> = folded.split('\t').map(text::clean).collect();
        return pieces.join("\t");
    }
    folded.chars().filter(|letter| matches!(letter, '\n' | '\t') || !letter.is_control()).collect()
}

fn byte_of(line: &str, column: usize) -> usize {
    line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte)
}
