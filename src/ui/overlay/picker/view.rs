//! Draws a picker.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    ColumnAlign, DetailStyle, FuzzyPicker, LoadState, PickerAreas, PickerMatch, PickerRow,
    columns::{self, PlacedColumn},
};
use crate::{
    chat::Timestamp,
    render::theme::{ColourRole, Theme},
    text::{self, wrap::WrapOptions},
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::Keymap,
        overlay::{
            frame::{OverlayFrame, text_column},
            list_browser,
            query_field::QueryField,
        },
    },
};

/// Draws a picker over everything else; it is given the area of the whole screen.
pub struct PickerView<'a, T> {
    pub picker: &'a FuzzyPicker<T>,
    pub now: Timestamp,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl<T> FuzzyPicker<T> {
    /// The hints at the bottom; the nine slots are one of them.
    pub(crate) fn key_hints(&self, keymap: &Keymap, theme: &Theme) -> Vec<KeyHint<'_>> {
        // Without a row there is nothing to take.
        let is_filtered_out = self.selected().is_none() && !self.rows.is_empty();
        let labels = self.hint_labels.iter().filter(|(actions, _)| !is_filtered_out || *actions != [Action::Accept]);
        let hints = labels.flat_map(|(actions, label)| {
            let slots = keymap.keys_for(self.context, Action::Slot1).filter(|_| *actions == [Action::Slot1]);
            match slots.as_ref().and_then(|keys| keys.strip_suffix('1')) {
                Some(leader) => vec![(format!("{leader}1{}9", theme.marks.range_dash).into(), label.as_str())],
                None => keymap.hints(self.context, &[(actions, label)]),
            }
        });
        hints.collect()
    }
}

impl<T> PickerView<'_, T> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.field(&self.count_text()).cursor(self.picker.areas(screen).field)
    }

    fn count_text(&self) -> String {
        match self.picker.counts() {
            (_, 0) => String::new(),
            (found, all) => format!("{found} of {all}"),
        }
    }

    fn field<'a>(&'a self, count: &'a str) -> QueryField<'a> {
        QueryField { query: &self.picker.query, hints: &[], count, theme: self.theme }
    }

    fn draw_header(&self, placed: &[PlacedColumn], area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(ColourRole::Muted);
        for place in placed {
            let spec = &self.picker.columns[place.column];
            align_line(key_hints::styled_line(spec.heading, muted), spec.align)
                .render(cell_area(text_column(area), place), buf);
        }
    }

    fn draw_row(&self, found: &PickerMatch, is_selected: bool, placed: &[PlacedColumn], area: Rect, buf: &mut Buffer) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let row = &self.picker.rows[found.row_index];
        for place in placed {
            let spec = &self.picker.columns[place.column];
            let cell = text::truncate(row.cells.get(place.column).map_or("", String::as_str), place.width);
            let line = if spec.align == ColumnAlign::Grow {
                let style = self.theme.style(spec.role);
                self.mark_matches(&cell, &found.matched_clusters, if is_selected { style.bold() } else { style })
            } else {
                key_hints::styled_line(cell.into_owned(), self.theme.style(spec.role))
            };
            align_line(line, spec.align).render(cell_area(text_column(area), place), buf);
        }
        if is_selected {
            self.theme.even_selected_row(area, buf);
        }
    }

    /// The cell, with the letters that match the query in the accent colour.
    fn mark_matches(&self, cell: &str, letters: &[u32], style: Style) -> Line<'static> {
        let hit = style.patch(self.theme.style(ColourRole::Accent)).bold();
        let spans = (0..).zip(text::clusters(cell)).map(|(nth, cluster): (u32, &str)| {
            let style = if letters.binary_search(&nth).is_ok() { hit } else { style };
            Span::styled(cluster.to_owned(), style)
        });
        spans.collect()
    }

    /// Draws a message in the place of the rows.
    fn draw_placeholder(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(ColourRole::Muted);
        let lines = match &self.picker.load_state {
            _ if !self.picker.rows.is_empty() => {
                vec![key_hints::styled_line(self.picker.no_match_text.as_str(), muted)]
            }
            LoadState::Loading { since } => {
                let seconds = self.now.duration_since(*since).as_secs().max(0);
                vec![key_hints::styled_line(
                    format!("{} waiting for the list   {seconds} s", self.theme.marks.waiting),
                    muted,
                )]
            }
            LoadState::Failed { reason, hint } => {
                key_hints::styled_line(self.theme.marks.failed, self.theme.style(ColourRole::Error)).render(area, buf);
                let reason = key_hints::styled_line(text::clean(reason), self.theme.style(ColourRole::Text));
                vec![reason, key_hints::styled_line(text::clean(hint), muted)]
            }
            LoadState::Ready => vec![key_hints::styled_line(self.picker.empty_text.clone(), muted)],
        };
        let room = text_column(area);
        let rows = lines.into_iter().flat_map(|line| wrap_styled_line(&line, room.width));
        for (line, row) in rows.zip(room.rows()) {
            line.render(row, buf);
        }
    }

    fn draw_detail(&self, row: &PickerRow<T>, parts: &PickerAreas, buf: &mut Buffer) {
        let rule = text_column(parts.rule);
        key_hints::styled_line(self.theme.marks.rule.repeat(rule.width.into()), self.theme.style(ColourRole::Faint))
            .render(rule, buf);
        let room = text_column(parts.detail);
        let lines = row.detail_lines.iter().map(|pieces| {
            let spans = pieces.iter().map(|(tone, piece)| {
                let style = match tone {
                    DetailStyle::Bold => self.theme.style(ColourRole::Text).bold(),
                    DetailStyle::Text => self.theme.style(ColourRole::Text),
                    DetailStyle::Muted => self.theme.style(ColourRole::Muted),
                    DetailStyle::Role(role) => self.theme.style(*role),
                };
                Span::styled(text::join_lines(piece), style)
            });
            spans.collect::<Line>()
        });
        let mut rows = lines.flat_map(|line| wrap_styled_line(&line, room.width));
        let mut areas = room.rows().peekable();
        while let Some((area, line)) = areas.next().and_then(|area| rows.next().map(|line| (area, line))) {
            let cut = areas.peek().is_none() && rows.next().is_some();
            let width = u16::try_from(line.spans.iter().map(|span| text::width(&span.content)).sum::<usize>())
                .unwrap_or(u16::MAX);
            line.render(area, buf);
            if cut {
                let x = area.x + width.min(area.width.saturating_sub(1));
                buf.set_stringn(x, area.y, "…", 1, self.theme.style(ColourRole::Muted));
            }
        }
    }
}

impl<T> Widget for PickerView<'_, T> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let picker = self.picker;
        let parts = picker.areas(area);
        let keys = picker.key_hints(self.keymap, self.theme);
        let overlay =
            OverlayFrame { title: &picker.title, keys: &keys, notice: picker.notice.as_deref(), theme: self.theme };
        if overlay.draw(parts.frame, buf).is_empty() {
            return;
        }
        self.field(&self.count_text()).render(parts.field, buf);
        let placed = columns::place_columns(picker.columns, &picker.widths, text_column(parts.list).width.into());
        if picker.matches.rows().is_empty() {
            self.draw_placeholder(parts.list, buf);
            return;
        }
        if !parts.header.is_empty() {
            self.draw_header(&placed, parts.header, buf);
        }
        for (place, found, is_selected) in picker.matches.visible_rows(parts.list) {
            self.draw_row(found, is_selected, &placed, place, buf);
        }
        if let Some(row) = picker.selected().filter(|_| !parts.rule.is_empty()) {
            self.draw_detail(row, &parts, buf);
        }
    }
}

fn cell_area(row: Rect, place: &PlacedColumn) -> Rect {
    let at = u16::try_from(place.offset).unwrap_or(u16::MAX).min(row.width);
    let width = u16::try_from(place.width).unwrap_or(u16::MAX).min(row.width - at);
    Rect { x: row.x + at, width, ..row }
}

fn align_line(line: Line<'_>, align: ColumnAlign) -> Line<'_> {
    match align {
        ColumnAlign::Left | ColumnAlign::Grow => line,
        ColumnAlign::Right => line.right_aligned(),
    }
}

/// Wraps a line at this width and preserves its styles.
fn wrap_styled_line(line: &Line<'_>, width: u16) -> Vec<Line<'static>> {
    let full_text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let room = usize::from(width.max(1));
    let pieces = text::wrap::wrap(&full_text, WrapOptions { first_width: room, rest_width: room, glued: &[] });
    pieces
        .into_iter()
        .map(|piece| {
            let mut start = 0;
            let spans = line.spans.iter().filter_map(|span| {
                let overlap = (piece.start.max(start), piece.end.min(start + span.content.len()));
                let part =
                    (overlap.0 < overlap.1).then(|| span.content[overlap.0 - start..overlap.1 - start].to_owned());
                start += span.content.len();
                part.map(|part| Span::styled(part, line.style.patch(span.style)))
            });
            spans.collect()
        })
        .collect()
}
