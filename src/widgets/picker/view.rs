//! Draws a picker.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Align, Filling, Match, Parts, Picker, PickerRow, Tone,
    columns::{self, Placed},
};
use crate::{
    chat::Timestamp,
    text::{self, wrap::Measure},
    widgets::{
        field::Shows,
        overlay::Overlay,
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// A picker above everything else; it is drawn with the area of the whole screen.
pub struct PickerView<'a, T> {
    pub picker: &'a Picker<T>,
    pub now: Timestamp,
    pub theme: &'a Theme,
}

/// Left of the text: the bar or the sign, and a blank.
const INDENT: u16 = 2;

impl<T> PickerView<'_, T> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.picker.query.cursor(self.query_area(self.picker.parts(screen).field), Shows::Text)
    }

    fn count(&self) -> String {
        format!("{} of {}", self.picker.matches.len(), self.picker.rows.len())
    }

    fn query_area(&self, field: Rect) -> Rect {
        let field = column(field);
        let count = u16::try_from(self.count().len() + 2).unwrap_or(u16::MAX);
        Rect { width: field.width.saturating_sub(count), ..field }
    }

    fn field(&self, area: Rect, buf: &mut Buffer) {
        words::run(self.theme.marks.prompt, self.theme.style(Role::Accent)).render(area, buf);
        let style = self.theme.style(Role::Text);
        self.picker.query.draw(self.query_area(area), Shows::Text, style, self.theme, buf);
        if !self.picker.rows.is_empty() {
            words::run(self.count(), self.theme.style(Role::Muted)).right_aligned().render(column(area), buf);
        }
    }

    fn head(&self, placed: &[Placed], area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        for place in placed {
            let of = &self.picker.columns[place.column];
            align(words::run(of.head, muted), of.align).render(cell_area(column(area), place), buf);
        }
    }

    fn row(&self, found: &Match, current: bool, placed: &[Placed], area: Rect, buf: &mut Buffer) {
        if current {
            buf.set_style(area, self.theme.style(Role::Selection));
            // Where selection is reversed, the bar is not.
            let bar = self.theme.style(Role::Accent).remove_modifier(Modifier::REVERSED);
            words::run(self.theme.marks.bar, bar).render(area, buf);
        }
        let row = &self.picker.rows[found.row];
        for place in placed {
            let of = &self.picker.columns[place.column];
            let cell = text::truncate(row.cells.get(place.column).map_or("", String::as_str), place.width);
            let line = if of.align == Align::Grows {
                let style = self.theme.style(of.role);
                self.marked(&cell, &found.letters, if current { style.bold() } else { style })
            } else {
                words::run(cell.into_owned(), self.theme.style(of.role))
            };
            align(line, of.align).render(cell_area(column(area), place), buf);
        }
    }

    /// The cell with the letters that match the query in the accent.
    fn marked(&self, cell: &str, letters: &[u32], style: Style) -> Line<'static> {
        let hit = style.patch(self.theme.style(Role::Accent)).bold();
        let spans = (0..).zip(text::clusters(cell)).map(|(nth, cluster): (u32, &str)| {
            let style = if letters.binary_search(&nth).is_ok() { hit } else { style };
            Span::styled(cluster.to_owned(), style)
        });
        spans.collect()
    }

    /// What stands in the place of rows.
    fn instead(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        let lines = match &self.picker.filling {
            _ if !self.picker.rows.is_empty() => {
                vec![words::run("Nothing matches. A shorter word finds more.", muted)]
            }
            Filling::Loading { since } => {
                let seconds = self.now.duration_since(*since).as_secs().max(0);
                vec![words::run(format!("{} waiting for the list   {seconds} s", self.theme.marks.waiting), muted)]
            }
            Filling::Failed { reason, hint } => {
                words::run(self.theme.marks.failed, self.theme.style(Role::Error)).render(area, buf);
                let reason = words::run(text::clean(reason), self.theme.style(Role::Text));
                vec![reason, words::run(text::clean(hint), muted)]
            }
            Filling::Ready => vec![words::run(self.picker.empty.clone(), muted)],
        };
        let room = column(area);
        let rows = lines.into_iter().flat_map(|line| wrapped(&line, room.width));
        for (line, row) in rows.zip(room.rows()) {
            line.render(row, buf);
        }
    }

    fn detail(&self, row: &PickerRow<T>, parts: &Parts, buf: &mut Buffer) {
        let rule = column(parts.rule);
        words::run(self.theme.marks.rule.repeat(rule.width.into()), self.theme.style(Role::Faint)).render(rule, buf);
        let room = column(parts.detail);
        let lines = row.detail.iter().map(|pieces| {
            let spans = pieces.iter().map(|(tone, piece)| {
                let style = match tone {
                    Tone::Bold => self.theme.style(Role::Text).bold(),
                    Tone::Text => self.theme.style(Role::Text),
                    Tone::Muted => self.theme.style(Role::Muted),
                    Tone::Of(role) => self.theme.style(*role),
                };
                Span::styled(text::clean(piece).replace('\n', " "), style)
            });
            spans.collect::<Line>()
        });
        let mut rows = lines.flat_map(|line| wrapped(&line, room.width));
        let mut areas = room.rows().peekable();
        while let Some((area, line)) = areas.next().and_then(|area| rows.next().map(|line| (area, line))) {
            let cut = areas.peek().is_none() && rows.next().is_some();
            let width = u16::try_from(line.spans.iter().map(|span| text::width(&span.content)).sum::<usize>())
                .unwrap_or(u16::MAX);
            line.render(area, buf);
            if cut {
                let at = area.x + width.min(area.width.saturating_sub(1));
                buf.set_stringn(at, area.y, self.theme.marks.ellipsis, 1, self.theme.style(Role::Muted));
            }
        }
    }
}

impl<T> Widget for PickerView<'_, T> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let picker = self.picker;
        let parts = picker.parts(area);
        let keys: Vec<Hint> = picker.keys.iter().map(|(key, word)| (key.as_str(), word.as_str())).collect();
        let overlay =
            Overlay { title: &picker.title, keys: &keys, notice: picker.notice.as_deref(), theme: self.theme };
        if overlay.draw(parts.frame, buf).is_empty() {
            return;
        }
        if !parts.field.is_empty() {
            self.field(parts.field, buf);
        }
        let placed = columns::place(picker.columns, &picker.widths, column(parts.list).width.into());
        if picker.matches.is_empty() {
            self.instead(parts.list, buf);
            return;
        }
        if !parts.head.is_empty() {
            self.head(&placed, parts.head, buf);
        }
        let seen = picker.matches.iter().enumerate().skip(picker.top);
        for (row, (nth, found)) in parts.list.rows().zip(seen) {
            self.row(found, nth == picker.cursor, &placed, row, buf);
        }
        if let Some(found) = picker.matches.get(picker.cursor).filter(|_| !parts.rule.is_empty()) {
            self.detail(&picker.rows[found.row], &parts, buf);
        }
    }
}

/// The column of text inside the frame.
fn column(area: Rect) -> Rect {
    let left = INDENT.min(area.width);
    Rect { x: area.x + left, width: (area.width - left).saturating_sub(INDENT), ..area }
}

fn cell_area(row: Rect, place: &Placed) -> Rect {
    let at = u16::try_from(place.at).unwrap_or(u16::MAX).min(row.width);
    let width = u16::try_from(place.width).unwrap_or(u16::MAX).min(row.width - at);
    Rect { x: row.x + at, width, ..row }
}

fn align(line: Line<'_>, align: Align) -> Line<'_> {
    match align {
        Align::Left | Align::Grows => line,
        Align::Right => line.right_aligned(),
    }
}

/// A line in rows of that width, its styles kept.
fn wrapped(line: &Line<'_>, width: u16) -> Vec<Line<'static>> {
    let whole: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let room = usize::from(width.max(1));
    let pieces = text::wrap::wrap(&whole, Measure { first: room, rest: room, glued: &[] });
    pieces
        .into_iter()
        .map(|piece| {
            let mut start = 0;
            let spans = line.spans.iter().filter_map(|span| {
                let of = (piece.start.max(start), piece.end.min(start + span.content.len()));
                let part = (of.0 < of.1).then(|| span.content[of.0 - start..of.1 - start].to_owned());
                start += span.content.len();
                part.map(|part| Span::styled(part, line.style.patch(span.style)))
            });
            spans.collect()
        })
        .collect()
}
