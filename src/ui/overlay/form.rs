//! The form for a conversation's instructions and sampling parameters.

#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;

use super::field::TextField;
use crate::chat::ChatSettings;
use crate::ui::{Action, composer::Composer};
pub use view::FormView;

/// The state of the form: a conversation's request settings while they are edited.
#[derive(Debug, Clone)]
pub struct SettingsForm {
    pub current: FormEntry,
    instructions: Composer,
    temperature: TextField,
    top_p: TextField,
    max_output_tokens: TextField,
    /// What the entries held when the form was opened.
    initial_texts: [String; 4],
}

/// One entry of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormEntry {
    Instructions,
    Temperature,
    TopP,
    MaxOutputTokens,
}

/// The entered values; an empty entry is `None` and is not sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FormValues {
    pub instructions: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
}

impl FormEntry {
    pub const ALL: [Self; 4] = [Self::Instructions, Self::Temperature, Self::TopP, Self::MaxOutputTokens];

    fn label(self) -> &'static str {
        match self {
            Self::Instructions => "system prompt",
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::MaxOutputTokens => "max_output_tokens",
        }
    }

    /// Returns the placeholder of an empty entry.
    fn placeholder(self) -> &'static str {
        match self {
            Self::Instructions => "none",
            Self::Temperature => "not set; 0 to 2",
            Self::TopP => "not set; 0 to 1",
            Self::MaxOutputTokens => "not set",
        }
    }
}

impl SettingsForm {
    /// Creates a form that holds a conversation's current settings.
    pub fn new(settings: &ChatSettings) -> Self {
        let number = |value: Option<String>| TextField::new(&value.unwrap_or_default());
        let mut form = Self {
            current: FormEntry::Instructions,
            instructions: Composer::new(settings.instructions.as_deref().unwrap_or_default()),
            temperature: number(settings.temperature.map(|value| value.to_string())),
            top_p: number(settings.top_p.map(|value| value.to_string())),
            max_output_tokens: number(settings.max_output_tokens.map(|value| value.to_string())),
            initial_texts: Default::default(),
        };
        form.initial_texts = form.texts();
        form
    }

    /// Returns whether an entry differs from when the form was opened.
    pub fn is_changed(&self) -> bool {
        self.texts() != self.initial_texts
    }

    fn texts(&self) -> [String; 4] {
        let [temperature, top_p, tokens] =
            [&self.temperature, &self.top_p, &self.max_output_tokens].map(super::field::TextField::text);
        [self.instructions.text(), temperature, top_p, tokens]
    }

    /// Moves to the next entry, from the last to the first.
    pub fn next(&mut self) {
        self.move_by(1);
    }

    /// Moves to the previous entry, from the first to the last.
    pub fn previous(&mut self) {
        self.move_by(FormEntry::ALL.len() - 1);
    }

    /// Does what an action means here; at the edges of the current entry, a row up or down moves to another entry.
    pub fn on_action(&mut self, action: Action) {
        match (action, self.current) {
            (Action::NextSection, _) => self.next(),
            (Action::PreviousSection, _) => self.previous(),
            (Action::RowUp, FormEntry::Instructions) => _ = self.instructions.move_up(),
            (Action::RowDown, FormEntry::Instructions) if !self.instructions.move_down() => {
                self.next();
            }
            (Action::RowUp, _) => self.previous(),
            (Action::RowDown, FormEntry::Temperature | FormEntry::TopP) => self.next(),
            (Action::EntryNewline, FormEntry::Instructions) => self.instructions.insert_newline(),
            _ => (),
        }
    }

    /// Edits the text of the current entry.
    pub fn edit(&mut self, key: KeyEvent) {
        match self.current {
            FormEntry::Instructions => _ = self.instructions.edit(key),
            entry => _ = self.number_field(entry).map(|field| field.edit(key)),
        }
    }

    pub fn paste(&mut self, text: &str) {
        match self.current {
            FormEntry::Instructions => self.instructions.insert_str(text),
            entry => _ = self.number_field(entry).map(|field| field.paste(text)),
        }
    }

    /// Returns the entered values if all are valid; otherwise moves to the first invalid entry.
    pub fn values(&mut self) -> Option<FormValues> {
        if let Some(invalid) = FormEntry::ALL.into_iter().find(|entry| self.error_message(*entry).is_some()) {
            self.current = invalid;
            return None;
        }
        let instructions = self.instructions.text();
        Some(FormValues {
            instructions: (!instructions.trim().is_empty()).then_some(instructions),
            temperature: parse_number(&self.temperature, 0.0..=2.0).ok()?,
            top_p: parse_number(&self.top_p, 0.0..=1.0).ok()?,
            max_output_tokens: parse_number(&self.max_output_tokens, 1..=u32::MAX).ok()?,
        })
    }

    /// Scrolls the instructions to the cursor. Call it before drawing each frame.
    pub fn scroll_to_cursor(&mut self, screen: ratatui::layout::Rect) {
        let area = view::FormAreas::new(self, screen).instructions;
        self.instructions.wrap_to_width(area.width.saturating_sub(1));
        self.instructions.scroll_to_cursor(area.height);
    }

    /// Returns what an invalid entry should contain.
    fn error_message(&self, entry: FormEntry) -> Option<&'static str> {
        let is_invalid = match entry {
            FormEntry::Instructions => false,
            FormEntry::Temperature => parse_number(&self.temperature, 0.0..=2.0).is_err(),
            FormEntry::TopP => parse_number(&self.top_p, 0.0..=1.0).is_err(),
            FormEntry::MaxOutputTokens => parse_number(&self.max_output_tokens, 1..=u32::MAX).is_err(),
        };
        is_invalid.then_some(match entry {
            FormEntry::Instructions | FormEntry::Temperature => "a number from 0 to 2, such as 0.7",
            FormEntry::TopP => "a number from 0 to 1, such as 0.9",
            FormEntry::MaxOutputTokens => "a whole number from 1, such as 4096",
        })
    }

    fn number_field(&mut self, entry: FormEntry) -> Option<&mut TextField> {
        match entry {
            FormEntry::Instructions => None,
            FormEntry::Temperature => Some(&mut self.temperature),
            FormEntry::TopP => Some(&mut self.top_p),
            FormEntry::MaxOutputTokens => Some(&mut self.max_output_tokens),
        }
    }

    fn move_by(&mut self, by: usize) {
        self.current = FormEntry::ALL[(self.current as usize + by) % FormEntry::ALL.len()];
    }
}

/// Parses a number in the range; an empty field is `None`.
fn parse_number<N: std::str::FromStr + PartialOrd>(
    field: &TextField,
    range: std::ops::RangeInclusive<N>,
) -> Result<Option<N>, ()> {
    match field.text().trim() {
        "" => Ok(None),
        text => text.parse().ok().filter(|number| range.contains(number)).map(Some).ok_or(()),
    }
}
