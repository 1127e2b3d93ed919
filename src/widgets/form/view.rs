//! Draws the form.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{Entry, Form};
use crate::{
    text,
    widgets::{
        composer::ComposerView,
        field::{Field, Shows},
        overlay::{self, Overlay},
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// The form above everything else; its area is the whole screen.
pub struct FormView<'a> {
    pub form: &'a Form,
    pub theme: &'a Theme,
}

/// Where everything stands.
pub(super) struct Places {
    frame: Rect,
    label: Rect,
    /// The instructions, without the gutter.
    pub instructions: Rect,
    /// The row of each number; the complaint stands in the row below it.
    numbers: [Rect; 3],
}

const LABELS: u16 = 19;
const GUTTER: u16 = 2;

impl Places {
    pub fn of(form: &Form, screen: Rect) -> Self {
        let lines = u16::try_from(form.instructions.text().lines().count()).unwrap_or(u16::MAX);
        let wanted = lines.clamp(4, screen.height / 2 + 4);
        let frame = overlay::placed(screen, 76, (wanted + 11).min(screen.height));
        let mut inner = frame.inner(ratatui::layout::Margin::new(1, 1));
        if inner.height > 12 {
            inner.y += 1;
            inner.height -= 1;
        }
        // Three numbers, each with a row for what is wrong with it where there is room.
        let pitch = if inner.height >= 9 { 2 } else { 1 };
        let numbers_height = (3 * pitch).min(inner.height);
        let label = Rect { height: inner.height.saturating_sub(numbers_height).min(1), ..inner };
        let rest = inner.height.saturating_sub(numbers_height + label.height);
        let gap = u16::from(rest > 3);
        let instructions = Rect {
            x: inner.x + GUTTER.min(inner.width),
            y: inner.y + label.height,
            width: inner.width.saturating_sub(2 * GUTTER),
            height: rest - gap,
        };
        let first = instructions.bottom() + gap;
        let numbers = [0, 1, 2].map(|nth| {
            let y = first + nth * pitch;
            Rect { x: inner.x, y, width: inner.width, height: u16::from(y < inner.bottom()) }
        });
        Self { frame, label, instructions, numbers }
    }
}

impl FormView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let places = Places::of(self.form, screen);
        match self.number(self.form.at) {
            None => self.composer().cursor(with_gutter(places.instructions)),
            Some((nth, field)) => field.cursor(value_area(places.numbers[nth]), Shows::Text),
        }
    }

    fn number(&self, entry: Entry) -> Option<(usize, &Field)> {
        match entry {
            Entry::Instructions => None,
            Entry::Temperature => Some((0, &self.form.temperature)),
            Entry::TopP => Some((1, &self.form.top_p)),
            Entry::MaxOutputTokens => Some((2, &self.form.max_output_tokens)),
        }
    }

    fn composer(&self) -> ComposerView<'_> {
        ComposerView {
            composer: &self.form.instructions,
            placeholder: Entry::Instructions.empty(),
            focused: self.form.at == Entry::Instructions,
            theme: self.theme,
        }
    }

    fn label(&self, entry: Entry, row: Rect, buf: &mut Buffer) {
        let current = self.form.at == entry;
        let style = self.theme.style(if current { Role::Text } else { Role::Muted });
        let left = GUTTER.min(row.width);
        let place = Rect { x: row.x + left, width: row.width - left, ..row };
        words::run(entry.label(), if current { style.bold() } else { style }).render(place, buf);
    }

    fn entry(&self, entry: Entry, field: &Field, row: Rect, buf: &mut Buffer) {
        if row.is_empty() {
            return;
        }
        self.label(entry, row, buf);
        if self.form.at == entry {
            words::run(self.theme.marks.prompt, self.theme.style(Role::Accent)).render(row, buf);
        }
        let value = value_area(row);
        if field.is_empty() {
            let empty = text::truncate(entry.empty(), value.width.into());
            words::run(empty, self.theme.style(Role::Muted)).render(value, buf);
        } else {
            field.draw(value, Shows::Text, self.theme.style(Role::Text), self.theme, buf);
        }
    }

    fn complaint(&self, entry: Entry, row: Rect, last: u16, buf: &mut Buffer) {
        let Some(complaint) = self.form.complaint(entry).filter(|_| row.y + 1 < last) else { return };
        let said = format!("{} {complaint}", self.theme.marks.failed);
        let value = Rect { y: row.y + 1, ..value_area(row) };
        let said = text::truncate(&said, value.width.into()).into_owned();
        words::run(said, self.theme.style(Role::Error)).render(value, buf);
    }
}

impl Widget for FormView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let places = Places::of(self.form, area);
        let enter = self.theme.marks.enter;
        let apart = places.numbers[1].y > places.numbers[0].y + 1;
        // Without a row of its own a complaint takes the place of keys.
        let notice = self.form.complaint(self.form.at).filter(|_| !apart);
        let keys: &[Hint] = if notice.is_some() {
            &[("esc", "leave")]
        } else {
            &[(enter, "save"), ("esc", "leave"), ("tab", "next"), ("^J", "newline")]
        };
        let overlay = Overlay { title: "Instructions and sampling", keys, notice, theme: self.theme };
        if overlay.draw(places.frame, buf).is_empty() {
            return;
        }
        if !places.label.is_empty() {
            self.label(Entry::Instructions, places.label, buf);
        }
        if !places.instructions.is_empty() {
            let area = with_gutter(places.instructions);
            self.composer().render(area, buf);
            if self.form.at != Entry::Instructions {
                buf.set_stringn(area.x, area.y, " ", 1, self.theme.ground(Role::Surface));
            }
        }
        let bottom = places.frame.bottom().saturating_sub(1);
        for entry in Entry::ALL {
            if let Some((nth, field)) = self.number(entry) {
                self.entry(entry, field, places.numbers[nth], buf);
                if apart {
                    self.complaint(entry, places.numbers[nth], bottom, buf);
                }
            }
        }
    }
}

fn with_gutter(area: Rect) -> Rect {
    Rect { x: area.x - GUTTER.min(area.x), width: area.width + GUTTER, ..area }
}

fn value_area(row: Rect) -> Rect {
    let left = (GUTTER + LABELS).min(row.width);
    Rect { x: row.x + left, width: (row.width - left).saturating_sub(GUTTER), ..row }
}
