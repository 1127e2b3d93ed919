//! Draws the form.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{FormEntry, SettingsForm};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        composer::ComposerView,
        key_hints,
        keymap::{KeyContext, Keymap},
        overlay::{
            field::{FieldDisplay, TextField},
            frame::{self, OverlayFrame},
        },
    },
};

/// Draws the form above everything else; its area is the whole screen.
pub struct FormView<'a> {
    pub form: &'a SettingsForm,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The areas of the form's parts.
pub(crate) struct FormAreas {
    frame: Rect,
    label: Rect,
    /// The text of the instructions, without the gutter.
    pub instructions: Rect,
    /// The row of each number; its error is in the row below.
    number_rows: [Rect; 3],
}

const LABEL_WIDTH: u16 = 19;
const GUTTER_WIDTH: u16 = 2;

impl FormAreas {
    pub(super) fn new(form: &SettingsForm, screen: Rect) -> Self {
        let lines = u16::try_from(form.instructions.text().lines().count()).unwrap_or(u16::MAX);
        let wanted_rows = lines.clamp(4, screen.height / 2 + 4);
        let frame = frame::overlay_area(screen, 76, (wanted_rows + 11).min(screen.height));
        let mut inner = frame.inner(ratatui::layout::Margin::new(2, 1));
        if inner.height > 12 {
            inner.y += 1;
            inner.height -= 1;
        }
        // Three numbers, each followed by a row for its error if there is room.
        let rows_per_number = if inner.height >= 9 { 2 } else { 1 };
        let numbers_height = (3 * rows_per_number).min(inner.height);
        let label = Rect { height: inner.height.saturating_sub(numbers_height).min(1), ..inner };
        let rows_left = inner.height.saturating_sub(numbers_height + label.height);
        let gap = u16::from(rows_left > 3);
        let instructions = Rect {
            x: inner.x + GUTTER_WIDTH.min(inner.width),
            y: inner.y + label.height,
            width: inner.width.saturating_sub(2 * GUTTER_WIDTH),
            height: rows_left - gap,
        };
        let first = instructions.bottom() + gap;
        let number_rows = [0, 1, 2].map(|nth| {
            let y = first + nth * rows_per_number;
            Rect { x: inner.x, y, width: inner.width, height: u16::from(y < inner.bottom()) }
        });
        Self { frame, label, instructions, number_rows }
    }
}

impl FormView<'_> {
    /// Returns the position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let areas = FormAreas::new(self.form, screen);
        match self.number_field(self.form.current) {
            None => self.composer_view().cursor(with_gutter(areas.instructions)),
            Some((nth, field)) => field.cursor(value_area(areas.number_rows[nth]), FieldDisplay::Text),
        }
    }

    fn number_field(&self, entry: FormEntry) -> Option<(usize, &TextField)> {
        match entry {
            FormEntry::Instructions => None,
            FormEntry::Temperature => Some((0, &self.form.temperature)),
            FormEntry::TopP => Some((1, &self.form.top_p)),
            FormEntry::MaxOutputTokens => Some((2, &self.form.max_output_tokens)),
        }
    }

    fn composer_view(&self) -> ComposerView<'_> {
        ComposerView {
            composer: &self.form.instructions,
            placeholder: FormEntry::Instructions.placeholder(),
            focused: self.form.current == FormEntry::Instructions,
            is_command: false,
            theme: self.theme,
        }
    }

    fn draw_label(&self, entry: FormEntry, row: Rect, buf: &mut Buffer) {
        let is_current = self.form.current == entry;
        let style = self.theme.style(if is_current { ColourRole::Text } else { ColourRole::Muted });
        let left = GUTTER_WIDTH.min(row.width);
        let place = Rect { x: row.x + left, width: row.width - left, ..row };
        key_hints::styled_line(entry.label(), if is_current { style.bold() } else { style }).render(place, buf);
    }

    fn draw_entry(&self, entry: FormEntry, field: &TextField, row: Rect, buf: &mut Buffer) {
        if row.is_empty() {
            return;
        }
        self.draw_label(entry, row, buf);
        if self.form.current == entry {
            key_hints::styled_line(self.theme.marks.prompt, self.theme.style(ColourRole::Accent)).render(row, buf);
        }
        let value = value_area(row);
        if field.is_empty() {
            let empty = text::truncate(entry.placeholder(), value.width.into());
            key_hints::styled_line(empty, self.theme.style(ColourRole::Muted)).render(value, buf);
        } else {
            field.draw(value, FieldDisplay::Text, self.theme.style(ColourRole::Text), self.theme, buf);
        }
    }

    fn draw_error(&self, entry: FormEntry, row: Rect, bottom: u16, buf: &mut Buffer) {
        let Some(complaint) = self.form.error_message(entry).filter(|_| row.y + 1 < bottom) else { return };
        let message = format!("{} {complaint}", self.theme.marks.failed);
        let value = Rect { y: row.y + 1, ..value_area(row) };
        let said = text::truncate(&message, value.width.into()).into_owned();
        key_hints::styled_line(said, self.theme.style(ColourRole::Error)).render(value, buf);
    }
}

impl Widget for FormView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let areas = FormAreas::new(self.form, area);
        let has_error_rows = areas.number_rows[1].y > areas.number_rows[0].y + 1;
        // An error without its own row replaces the key hints.
        let notice = self.form.error_message(self.form.current).filter(|_| !has_error_rows);
        let labels: [(&[Action], &str); 4] = [
            (&[Action::Accept], "save"),
            (&[Action::NextSection], "next"),
            (&[Action::EntryNewline], "newline"),
            (&[Action::Back], "cancel"),
        ];
        let keys = self.keymap.hints(KeyContext::Form, if notice.is_some() { &labels[3..] } else { &labels });
        let overlay = OverlayFrame { title: "System prompt and sampling", keys: &keys, notice, theme: self.theme };
        if overlay.draw(areas.frame, buf).is_empty() {
            return;
        }
        if !areas.label.is_empty() {
            self.draw_label(FormEntry::Instructions, areas.label, buf);
        }
        if !areas.instructions.is_empty() {
            let area = with_gutter(areas.instructions);
            self.composer_view().render(area, buf);
            if self.form.current != FormEntry::Instructions {
                buf.set_stringn(area.x, area.y, " ", 1, self.theme.ground_style(ColourRole::Surface));
            }
        }
        let bottom = areas.frame.bottom().saturating_sub(1);
        for entry in FormEntry::ALL {
            if let Some((nth, field)) = self.number_field(entry) {
                self.draw_entry(entry, field, areas.number_rows[nth], buf);
                if has_error_rows {
                    self.draw_error(entry, areas.number_rows[nth], bottom, buf);
                }
            }
        }
    }
}

fn with_gutter(area: Rect) -> Rect {
    Rect { x: area.x - GUTTER_WIDTH.min(area.x), width: area.width + GUTTER_WIDTH, ..area }
}

fn value_area(row: Rect) -> Rect {
    let left = (GUTTER_WIDTH + LABEL_WIDTH).min(row.width);
    Rect { x: row.x + left, width: (row.width - left).saturating_sub(GUTTER_WIDTH), ..row }
}
