//! The overlay in which an export is chosen: form, scope, density and path.

use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::{Margin, Position, Rect},
    widgets::Widget,
};

use crate::{
    exchange::export::{ExportDensity, ExportForm, ExportOptions, ExportScope, ExportedPart, SecretHandling},
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::{
            field::{FieldDisplay, TextField},
            frame::{self, OverlayFrame},
        },
    },
};

/// What is chosen about an export.
#[derive(Debug, Clone)]
pub struct ExportSheet {
    pub current: SheetRow,
    form: ExportForm,
    /// What can be exported, and which of it is chosen.
    parts: Vec<ExportedPart>,
    part: usize,
    density: ExportDensity,
    path: TextField,
    /// The name of the file without its extension.
    stem: String,
    /// The reader chose the scope; until then it follows the form.
    is_scope_chosen: bool,
}

/// A row of the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetRow {
    Form,
    Scope,
    Density,
    Path,
}

impl SheetRow {
    const ALL: [Self; 4] = [Self::Form, Self::Scope, Self::Density, Self::Path];

    fn label(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Scope => "scope",
            Self::Density => "density",
            Self::Path => "file",
        }
    }
}

impl ExportSheet {
    /// Creates the overlay with its usual choices; with a selection among the parts, that is chosen.
    pub fn new(form: ExportForm, parts: Vec<ExportedPart>, stem: &str) -> Self {
        let mut sheet = Self {
            current: SheetRow::Form,
            form,
            parts,
            part: 0,
            density: ExportDensity::Full,
            path: TextField::new(&format!("{stem}.{}", form.name())),
            stem: stem.to_owned(),
            is_scope_chosen: false,
        };
        sheet.follow_form(form);
        if let Some(selection) = sheet.position_of(ExportScope::Selection) {
            (sheet.part, sheet.is_scope_chosen) = (selection, true);
        }
        sheet
    }

    /// Returns the context of its keys.
    pub fn key_context(&self) -> KeyContext {
        if self.current == SheetRow::Path { KeyContext::ExportPath } else { KeyContext::ExportChoice }
    }

    /// Returns what was chosen and the path; `None` without a path.
    pub fn chosen(&self) -> Option<(ExportOptions, String)> {
        let path = self.path.text().trim().to_owned();
        let part = self.parts.get(self.part).cloned().unwrap_or_default();
        let options = ExportOptions { form: self.form, part, density: self.density, secrets: SecretHandling::Keep };
        (!path.is_empty()).then_some((options, path))
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action) {
        match action {
            Action::RowDown | Action::NextSection => self.move_by(1),
            Action::RowUp | Action::PreviousSection => self.move_by(SheetRow::ALL.len() - 1),
            Action::NextChoice => self.choose(1),
            Action::PreviousChoice => self.choose(-1),
            _ => (),
        }
    }

    /// Edits the path.
    pub fn edit(&mut self, key: KeyEvent) {
        if self.current == SheetRow::Path {
            self.path.edit(key);
        }
    }

    pub fn paste(&mut self, text: &str) {
        self.current = SheetRow::Path;
        self.path.paste(text);
    }

    fn move_by(&mut self, by: usize) {
        self.current = SheetRow::ALL[(self.current as usize + by) % SheetRow::ALL.len()];
    }

    fn choose(&mut self, by: isize) {
        let step = |at: usize, count: usize| (at.cast_signed() + by).rem_euclid(count.cast_signed()).cast_unsigned();
        match self.current {
            SheetRow::Form => {
                let at = ExportForm::ALL.iter().position(|form| *form == self.form).unwrap_or(0);
                let form = ExportForm::ALL[step(at, ExportForm::ALL.len())];
                self.follow_form(form);
            }
            SheetRow::Scope => {
                self.part = step(self.part, self.parts.len());
                self.is_scope_chosen = true;
            }
            SheetRow::Density => {
                let at = ExportDensity::ALL.iter().position(|density| *density == self.density).unwrap_or(0);
                self.density = ExportDensity::ALL[step(at, ExportDensity::ALL.len())];
            }
            SheetRow::Path => (),
        }
    }

    /// Takes a form, with its extension unless the path is the reader's own, and its scope unless one was chosen.
    fn follow_form(&mut self, form: ExportForm) {
        if self.path.text() == format!("{}.{}", self.stem, self.form.name()) {
            self.path = TextField::new(&format!("{}.{}", self.stem, form.name()));
        }
        self.form = form;
        if !self.is_scope_chosen {
            self.part = self.position_of(form.usual_scope()).unwrap_or(0);
        }
    }

    fn position_of(&self, scope: ExportScope) -> Option<usize> {
        self.parts.iter().position(|part| part.scope() == scope)
    }

    /// The choices of a row, and which is chosen.
    fn choices(&self, row: SheetRow) -> (Vec<&'static str>, usize) {
        match row {
            SheetRow::Form => {
                let at = ExportForm::ALL.iter().position(|form| *form == self.form);
                (ExportForm::ALL.map(ExportForm::title).to_vec(), at.unwrap_or(0))
            }
            SheetRow::Scope => (self.parts.iter().map(|part| part.scope().name()).collect(), self.part),
            SheetRow::Density => {
                let at = ExportDensity::ALL.iter().position(|density| *density == self.density);
                (ExportDensity::ALL.map(ExportDensity::name).to_vec(), at.unwrap_or(0))
            }
            SheetRow::Path => (Vec::new(), 0),
        }
    }

    /// Says what the file will have.
    fn note(&self) -> String {
        let scope = self.parts.get(self.part).map_or(ExportScope::Branch, ExportedPart::scope);
        let is_whole = scope == ExportScope::Tree && self.density == ExportDensity::Full;
        let back = match (self.form.is_importable(), is_whole) {
            (true, true) => " ibid import gives the tree back.",
            (true, false) => " It cannot be imported.",
            (false, _) => "",
        };
        format!("It has {}, {}.{back}", scope.title(), self.density.title())
    }
}

/// Draws the overlay; its area is the whole screen.
pub struct ExportSheetView<'a> {
    pub sheet: &'a ExportSheet,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

const WIDTH: u16 = 72;
const HEIGHT: u16 = 10;
const LABEL_WIDTH: u16 = 10;

impl ExportSheetView<'_> {
    fn row_area(row: SheetRow, screen: Rect) -> Rect {
        let frame = frame::overlay_area(screen, WIDTH, HEIGHT);
        let inner = frame::text_column(frame::inside_frame(frame).inner(Margin::new(0, 1)));
        let y = inner.y + row as u16;
        Rect { y, height: u16::from(y < inner.bottom()), ..inner }
    }

    fn value_area(row: SheetRow, screen: Rect) -> Rect {
        let area = Self::row_area(row, screen);
        let left = LABEL_WIDTH.min(area.width);
        Rect { x: area.x + left, width: area.width - left, ..area }
    }

    /// Returns the position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let area = Self::value_area(SheetRow::Path, screen);
        (self.sheet.current == SheetRow::Path).then(|| self.sheet.path.cursor(area, FieldDisplay::Text)).flatten()
    }

    fn draw_row(&self, row: SheetRow, screen: Rect, buf: &mut Buffer) {
        let area = Self::row_area(row, screen);
        if area.is_empty() {
            return;
        }
        let is_current = self.sheet.current == row;
        let (plain, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        key_hints::styled_line(row.label(), if is_current { plain.bold() } else { muted }).render(area, buf);
        if is_current {
            let sign = Rect { x: area.x.saturating_sub(2), width: 1, ..area };
            key_hints::styled_line(self.theme.marks.prompt, self.theme.style(ColourRole::Accent)).render(sign, buf);
        }
        let value = Self::value_area(row, screen);
        if row == SheetRow::Path {
            return self.sheet.path.draw(value, FieldDisplay::Text, plain, self.theme, buf);
        }
        let (choices, chosen) = self.sheet.choices(row);
        let mut x = value.x;
        for (index, choice) in choices.into_iter().enumerate() {
            let words = if index == chosen { format!("[{choice}]") } else { format!(" {choice} ") };
            let style = if index == chosen { self.theme.style(ColourRole::Accent).bold() } else { muted };
            let room = value.right().saturating_sub(x);
            let words = text::truncate(&words, room.into());
            key_hints::styled_line(words.as_ref(), style).render(Rect { x, width: room, ..value }, buf);
            x += u16::try_from(text::width(&words)).unwrap_or(room).min(room) + u16::from(room > 0);
        }
    }
}

impl Widget for ExportSheetView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let labels: [(&[Action], &str); 4] = [
            (&[Action::Accept], "export"),
            (&[Action::NextChoice], "choose"),
            (&[Action::RowDown], "next"),
            (&[Action::Back], "cancel"),
        ];
        let keys = self.keymap.hints(self.sheet.key_context(), &labels);
        let overlay = OverlayFrame { title: "Export", keys: &keys, notice: None, theme: self.theme };
        let place = frame::overlay_area(area, WIDTH, HEIGHT);
        if overlay.draw(place, buf).is_empty() {
            return;
        }
        for row in SheetRow::ALL {
            self.draw_row(row, area, buf);
        }
        let last = Self::row_area(SheetRow::Path, area);
        let note = Rect { y: last.y + 2, ..last };
        if note.y + 1 < place.bottom() && !last.is_empty() {
            let words = self.sheet.note();
            let words = text::truncate(&words, note.width.into());
            key_hints::styled_line(words.as_ref(), self.theme.style(ColourRole::Muted)).render(note, buf);
        }
    }
}
