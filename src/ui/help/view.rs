//! Draws the help in one, two or three columns.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{KeyHelp, KeyRow, KeySection, MAX_WORDS};
use crate::{
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame},
            query_field::QueryField,
        },
    },
};

/// Draws the help above everything else; its area is the whole screen.
pub struct HelpView<'a> {
    pub help: &'a KeyHelp,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// From this width on, the overlay has three columns.
const THREE_COLUMNS: u16 = 160;
const TWO_COLUMNS: u16 = 104;
const COLUMN_GAP: usize = 4;
/// What follows the leader is at most this many short columns beside each other.
const SHORT_COLUMNS: usize = 5;

/// One cell of a row: what stands in one column.
#[derive(Debug, Clone)]
enum HelpCell {
    Blank,
    Title(String, String),
    Key { keys: String, words: String, keys_width: usize },
}

/// A row across all columns, each cell with its offset and width.
type HelpLine = Vec<(usize, usize, HelpCell)>;

/// How the columns are divided.
struct HelpColumns {
    count: usize,
    width: usize,
    keys_width: usize,
}

fn columns(screen: Rect) -> HelpColumns {
    let room = usize::from(frame_area(screen).width).saturating_sub(8);
    let count = match screen.width {
        THREE_COLUMNS.. => 3,
        TWO_COLUMNS.. => 2,
        _ => 1,
    };
    let width = (room - room.min(COLUMN_GAP * (count - 1))) / count;
    HelpColumns { count, width, keys_width: width.saturating_sub(MAX_WORDS).clamp(15, 17).min(width / 2) }
}

fn frame_area(screen: Rect) -> Rect {
    let height = if screen.height > 24 { screen.height - 2 } else { screen.height.saturating_sub(1) };
    if screen.width >= THREE_COLUMNS {
        // Three columns are wider than other overlays.
        let width = 160.min(screen.width - 4);
        return Rect {
            x: screen.x + (screen.width - width) / 2,
            y: screen.y + (screen.height - height) / 3,
            width,
            height,
        };
    }
    frame::overlay_area(screen, 100, height)
}

fn field_area(screen: Rect) -> Rect {
    let inner = frame::inside_frame(frame_area(screen));
    Rect { height: inner.height.min(1), ..inner }
}

/// How many keys are shown.
fn count_text(lines: &[HelpLine]) -> String {
    let count = |cell: &HelpCell| match cell {
        HelpCell::Key { keys, .. } => keys.split_whitespace().count(),
        HelpCell::Blank | HelpCell::Title(..) => 0,
    };
    match lines.iter().flatten().map(|(_, _, cell)| count(cell)).sum() {
        1 => "1 key".to_owned(),
        keys => format!("{keys} keys"),
    }
}

fn body_area(screen: Rect) -> Rect {
    let frame = frame_area(screen);
    let above = if frame.height > 8 { 3 } else { 2 }.min(frame.height);
    let below = if frame.height > 8 { 2 } else { 1 };
    let body = Rect {
        x: frame.x + 1,
        y: frame.y + above,
        width: frame.width.saturating_sub(2),
        height: frame.height.saturating_sub(above + below),
    };
    frame::text_column(body)
}

pub(super) fn body_height(screen: Rect) -> usize {
    body_area(screen).height.into()
}

pub(super) fn row_count(help: &KeyHelp, screen: Rect) -> usize {
    lines(help, screen).len()
}

/// Lays the sections out in columns: those of every day, what follows the leader, then the others.
fn lines(help: &KeyHelp, screen: Rect) -> Vec<HelpLine> {
    let columns = columns(screen);
    let (main, others): (Vec<_>, Vec<_>) =
        help.matching(&help.sections).into_iter().partition(|section| section.is_main);
    let sequences = help.matching(&help.sequences);
    let mut lines = Vec::new();
    match columns.count {
        3 => {
            let mut stacks = balance(main, 2);
            stacks.push(with_leader_title(sequences, &help.leader));
            append_stacks(&mut lines, &stacks, &columns);
        }
        count => {
            append_stacks(&mut lines, &balance(main, count), &columns);
            if count == 1 || sequences.iter().map(|section| section.rows.len()).sum::<usize>() < SHORT_COLUMNS {
                append_stacks(&mut lines, &[with_leader_title(sequences, &help.leader)], &columns);
            } else {
                append_short(&mut lines, &sequences, &help.leader, usize::from(body_area(screen).width));
            }
        }
    }
    append_stacks(&mut lines, &balance(others, columns.count), &columns);
    lines
}

/// Puts the leader above the first subject.
fn with_leader_title(mut sections: Vec<KeySection>, leader: &str) -> Vec<KeySection> {
    if let Some(first) = sections.first_mut() {
        first.note = first.title.to_lowercase();
        first.title = format!("{leader}, then");
    }
    sections
}

/// Divides sections into stacks of about the same height; their order goes down the first, then down the next.
fn balance(sections: Vec<KeySection>, count: usize) -> Vec<Vec<KeySection>> {
    let height = |section: &KeySection| section.rows.len() + 2;
    let target = sections.iter().map(height).sum::<usize>().div_ceil(count);
    let mut stacks = vec![Vec::new()];
    let mut filled = 0;
    for section in sections {
        let rows = height(&section);
        if filled > 0 && filled + rows / 2 > target && stacks.len() < count {
            stacks.push(Vec::new());
            filled = 0;
        }
        filled += rows;
        if let Some(stack) = stacks.last_mut() {
            stack.push(section);
        }
    }
    stacks
}

fn append_stacks(lines: &mut Vec<HelpLine>, stacks: &[Vec<KeySection>], columns: &HelpColumns) {
    let cells: Vec<Vec<HelpCell>> = stacks.iter().map(|stack| stack_cells(stack, columns)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    if height == 0 {
        return;
    }
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    lines.extend((0..height).map(|row| {
        let cell = |(column, cells): (usize, &Vec<HelpCell>)| {
            let offset = column * (columns.width + COLUMN_GAP);
            Some((offset, columns.width, cells.get(row)?.clone()))
        };
        cells.iter().enumerate().filter_map(cell).collect()
    }));
}

fn stack_cells(stack: &[KeySection], columns: &HelpColumns) -> Vec<HelpCell> {
    let mut cells = Vec::new();
    for section in stack {
        if !cells.is_empty() {
            cells.push(HelpCell::Blank);
        }
        cells.extend(title_cells(section, columns.width));
        cells.extend(section.rows.iter().flat_map(|row| key_cells(row, columns)));
    }
    cells
}

/// A title with its note beside it, or below it where both do not fit.
fn title_cells(section: &KeySection, width: usize) -> Vec<HelpCell> {
    let (title, note) = (&section.title, &section.note);
    if text::width(title) + 2 + text::width(note) <= width || note.is_empty() {
        return vec![HelpCell::Title(title.clone(), note.clone())];
    }
    let below = wrapped(note, width).into_iter().map(|piece| HelpCell::Title(String::new(), piece));
    [HelpCell::Title(title.clone(), String::new())].into_iter().chain(below).collect()
}

/// Keys and what they do, in as many rows as they need.
fn key_cells(row: &KeyRow, columns: &HelpColumns) -> Vec<HelpCell> {
    let keys_width = columns.keys_width;
    let keys = wrapped(&row.keys, keys_width.saturating_sub(1));
    let words = wrapped(&row.words, columns.width - keys_width);
    let piece = |pieces: &[String], nth: usize| pieces.get(nth).cloned().unwrap_or_default();
    let rows = 0..keys.len().max(words.len());
    rows.map(|nth| HelpCell::Key { keys: piece(&keys, nth), words: piece(&words, nth), keys_width }).collect()
}

fn wrapped(words: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let pieces = text::wrap::wrap(words, WrapOptions { first_width: width, rest_width: width, glued: &[] });
    pieces.into_iter().map(|piece| words[piece.start..piece.end].to_owned()).collect()
}

/// Appends what follows the leader as one block, each subject a column of short labels.
fn append_short(lines: &mut Vec<HelpLine>, subjects: &[KeySection], leader: &str, room: usize) {
    let height = subjects.iter().map(|section| section.rows.len()).max().unwrap_or(0);
    if height == 0 {
        return;
    }
    lines.push(Vec::new());
    lines.push(vec![(0, room, HelpCell::Title(format!("{leader}, then"), String::new()))]);
    let widths: Vec<(usize, usize)> = subjects.iter().map(short_widths).collect();
    let needed: usize = widths.iter().map(|(keys, words)| keys + 1 + words).sum();
    let gap = (room.saturating_sub(needed) / subjects.len().max(1)).clamp(1, COLUMN_GAP);
    lines.extend((0..height).map(|nth| {
        let mut offset = 0;
        let mut line = Vec::new();
        for (section, (keys_width, words)) in subjects.iter().zip(&widths) {
            let width = keys_width + 1 + words;
            if let Some(row) = section.rows.get(nth) {
                let cell =
                    HelpCell::Key { keys: row.keys.clone(), words: row.short.clone(), keys_width: keys_width + 1 };
                line.push((offset, width.min(room.saturating_sub(offset)), cell));
            }
            offset += width + gap;
        }
        line
    }));
}

fn short_widths(section: &KeySection) -> (usize, usize) {
    let widest = |of: fn(&KeyRow) -> &str| section.rows.iter().map(|row| text::width(of(row))).max().unwrap_or(0);
    (widest(|row| &row.keys), widest(|row| &row.short))
}

impl HelpView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let count = count_text(&lines(self.help, screen));
        self.field(&count).cursor(field_area(screen))
    }

    fn field<'a>(&'a self, count: &'a str) -> QueryField<'a> {
        let hints = &["type to filter, by key or by word", "type to filter"];
        QueryField { query: &self.help.query, hints, count, theme: self.theme }
    }

    fn draw_cell(&self, cell: &HelpCell, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width);
        let (text_style, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let line = match cell {
            HelpCell::Blank => return,
            HelpCell::Title(title, note) => {
                let title = text::truncate(title, width);
                let note_room = width.saturating_sub(text::width(&title) + 2);
                let note = text::truncate(note, note_room).into_owned();
                let gap = if title.is_empty() { "" } else { "  " };
                Line::from(vec![Span::styled(title, text_style.bold()), Span::raw(gap), Span::styled(note, muted)])
            }
            HelpCell::Key { keys, words, keys_width } => {
                let keys = if self.theme.marks.up_down.contains('↑') {
                    keys.clone()
                } else {
                    keys.replace('↑', "Up").replace('↓', "Down")
                };
                let keys = text::truncate(&keys, keys_width.saturating_sub(1)).into_owned();
                let gap = " ".repeat(keys_width - text::width(&keys).min(*keys_width));
                let words = text::truncate(words, width.saturating_sub(*keys_width));
                Line::from(vec![
                    Span::styled(keys, self.theme.style(ColourRole::Accent)),
                    Span::raw(gap),
                    Span::styled(words, text_style),
                ])
            }
        };
        line.render(area, buf);
    }
}

impl Widget for HelpView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let lines = lines(self.help, area);
        let body = body_area(area);
        let height = usize::from(body.height);
        let top = self.help.top_row.min(lines.len().saturating_sub(height));
        let left_out = lines.len().saturating_sub(top + height);
        let more = frame::more_notice(left_out, self.theme);
        let labels: [(&[Action], &str); 2] =
            [(&[Action::RowUp, Action::RowDown], "scroll"), (&[Action::Back], "close")];
        let can_scroll = lines.len() > height;
        let keys = self.keymap.hints(KeyContext::Help, if can_scroll { &labels } else { &labels[1..] });
        OverlayFrame { title: "Keys", keys: &keys, notice: more.as_deref(), theme: self.theme }
            .draw(frame_area(area), buf);
        self.field(&count_text(&lines)).render(field_area(area), buf);
        if lines.is_empty() {
            let words = "No matches.";
            key_hints::styled_line(words, self.theme.style(ColourRole::Muted)).render(body, buf);
        }
        for (line, place) in lines.iter().skip(top).zip(body.rows()) {
            for (offset, width, cell) in line {
                let offset = u16::try_from(*offset).unwrap_or(u16::MAX).min(place.width);
                let width = u16::try_from(*width).unwrap_or(u16::MAX).min(place.width - offset);
                self.draw_cell(cell, Rect { x: place.x + offset, width, ..place }, buf);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::test_buffer;

    #[test]
    fn nothing_is_cut_at_40_columns_and_wider() {
        for width in (40..=120).step_by(8).chain([160, 200]) {
            for context in KeyContext::ALL {
                let help = KeyHelp::new(&Keymap::default(), context);
                let screen = Rect::new(0, 0, width, 400);
                let mut buf = Buffer::empty(screen);
                HelpView { help: &help, keymap: &Keymap::default(), theme: &Theme::default() }.render(screen, &mut buf);
                let drawn = test_buffer::buffer_text(&buf);
                assert!(!drawn.contains('…'), "{width} {context:?}: {drawn}");
                let words: Vec<&str> = drawn.split_whitespace().collect();
                for row in help.sections.iter().flat_map(|section| &section.rows) {
                    let all = row.keys.split_whitespace().chain(row.words.split_whitespace());
                    assert!(all.into_iter().all(|word| words.contains(&word)), "{width} {context:?}: {row:?}");
                }
            }
        }
    }

    #[test]
    fn the_help_draws_at_every_size() {
        let mut help = KeyHelp::new(&Keymap::default(), KeyContext::Empty);
        help.scroll(3, Rect::new(0, 0, 80, 24));
        test_buffer::draw_at_every_size(|area, buf| {
            HelpView { help: &help, keymap: &Keymap::default(), theme: &Theme::default() }.render(area, buf);
        });
    }
}
