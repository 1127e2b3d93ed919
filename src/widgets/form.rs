//! The form for instructions and sampling.

#[cfg(test)]
mod tests;
mod view;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{composer::Composer, field::Field};
use crate::chat::Settings;
pub use view::FormView;

/// What a conversation asks for besides its text, as it is being typed.
#[derive(Debug, Clone)]
pub struct Form {
    pub at: Entry,
    instructions: Composer,
    temperature: Field,
    top_p: Field,
    max_output_tokens: Field,
}

/// One entry of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    Instructions,
    Temperature,
    TopP,
    MaxOutputTokens,
}

/// What was entered; an empty entry is not sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    pub instructions: Option<String>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
}

impl Entry {
    pub const ALL: [Self; 4] = [Self::Instructions, Self::Temperature, Self::TopP, Self::MaxOutputTokens];

    fn label(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::MaxOutputTokens => "max_output_tokens",
        }
    }

    /// What an empty entry says.
    fn empty(self) -> &'static str {
        match self {
            Self::Instructions => "none",
            Self::Temperature => "not set; 0 to 2",
            Self::TopP => "not set; 0 to 1",
            Self::MaxOutputTokens => "not set",
        }
    }
}

impl Form {
    /// The form with what a conversation has now.
    pub fn new(settings: &Settings) -> Self {
        let number = |value: Option<String>| Field::new(&value.unwrap_or_default());
        Self {
            at: Entry::Instructions,
            instructions: Composer::new(settings.instructions.as_deref().unwrap_or_default()),
            temperature: number(settings.temperature.map(|value| value.to_string())),
            top_p: number(settings.top_p.map(|value| value.to_string())),
            max_output_tokens: number(settings.max_output_tokens.map(|value| value.to_string())),
        }
    }

    /// Tab and Shift-Tab, from the last to the first.
    pub fn next(&mut self) {
        self.turn(1);
    }

    pub fn previous(&mut self) {
        self.turn(Entry::ALL.len() - 1);
    }

    /// A key for the entry one is in. Up and Down leave it at its edges. `false` when the key means
    /// nothing here: Enter, Ctrl-S, Tab and Escape are the caller's.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let newline = key.code == KeyCode::Char('j') && key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, self.at) {
            (KeyCode::Up, Entry::Instructions) => {
                self.instructions.up();
            }
            (KeyCode::Down, Entry::Instructions) => {
                if !self.instructions.down() {
                    self.next();
                }
            }
            (KeyCode::Up, _) => self.previous(),
            (KeyCode::Down, Entry::Temperature | Entry::TopP) => self.next(),
            (KeyCode::Down, Entry::MaxOutputTokens) => (),
            (_, Entry::Instructions) if newline => self.instructions.newline(),
            (_, Entry::Instructions) => return self.instructions.edit(key),
            (_, entry) => return self.number(entry).is_some_and(|field| field.edit(key)),
        }
        true
    }

    pub fn paste(&mut self, text: &str) {
        match self.at {
            Entry::Instructions => self.instructions.insert_str(text),
            entry => _ = self.number(entry).map(|field| field.paste(text)),
        }
    }

    /// What was entered, when all of it can be sent; else the cursor goes to the first that cannot.
    pub fn values(&mut self) -> Option<Values> {
        if let Some(wrong) = Entry::ALL.into_iter().find(|entry| self.complaint(*entry).is_some()) {
            self.at = wrong;
            return None;
        }
        let instructions = self.instructions.text();
        Some(Values {
            instructions: (!instructions.trim().is_empty()).then_some(instructions),
            temperature: parse(&self.temperature, 0.0..=2.0).ok()?,
            top_p: parse(&self.top_p, 0.0..=1.0).ok()?,
            max_output_tokens: parse(&self.max_output_tokens, 1..=u32::MAX).ok()?,
        })
    }

    /// Scrolls the instructions to their cursor; before each frame.
    pub fn scroll_to_cursor(&mut self, screen: ratatui::layout::Rect) {
        let area = view::Places::of(self, screen).instructions;
        self.instructions.rows(area.width.saturating_sub(1));
        self.instructions.scroll_to_cursor(area.height);
    }

    /// What is wrong with an entry.
    fn complaint(&self, entry: Entry) -> Option<&'static str> {
        let wrong = match entry {
            Entry::Instructions => false,
            Entry::Temperature => parse(&self.temperature, 0.0..=2.0).is_err(),
            Entry::TopP => parse(&self.top_p, 0.0..=1.0).is_err(),
            Entry::MaxOutputTokens => parse(&self.max_output_tokens, 1..=u32::MAX).is_err(),
        };
        wrong.then_some(match entry {
            Entry::Instructions | Entry::Temperature => "a number from 0 to 2, such as 0.7",
            Entry::TopP => "a number from 0 to 1, such as 0.9",
            Entry::MaxOutputTokens => "a whole number from 1, such as 4096",
        })
    }

    fn number(&mut self, entry: Entry) -> Option<&mut Field> {
        match entry {
            Entry::Instructions => None,
            Entry::Temperature => Some(&mut self.temperature),
            Entry::TopP => Some(&mut self.top_p),
            Entry::MaxOutputTokens => Some(&mut self.max_output_tokens),
        }
    }

    fn turn(&mut self, by: usize) {
        self.at = Entry::ALL[(self.at as usize + by) % Entry::ALL.len()];
    }
}

/// An empty field is no value; anything else must be one in the range.
fn parse<N: std::str::FromStr + PartialOrd>(
    field: &Field,
    range: std::ops::RangeInclusive<N>,
) -> Result<Option<N>, ()> {
    match field.text().trim() {
        "" => Ok(None),
        text => text.parse().ok().filter(|number| range.contains(number)).map(Some).ok_or(()),
    }
}
