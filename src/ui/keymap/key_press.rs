//! A key with its modifiers: as terminals report it, as the config names it, and as the screen shows it.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Keys are normalised: a shifted letter is the capital without `shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPress {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl From<KeyEvent> for KeyPress {
    fn from(event: KeyEvent) -> Self {
        let has = |modifier| event.modifiers.contains(modifier);
        let (ctrl, alt) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT));
        Self { code: event.code, ctrl, alt, shift: has(KeyModifiers::SHIFT) }.normalised()
    }
}

impl From<KeyPress> for KeyEvent {
    fn from(key: KeyPress) -> Self {
        let held = [(key.ctrl, KeyModifiers::CONTROL), (key.alt, KeyModifiers::ALT), (key.shift, KeyModifiers::SHIFT)];
        let modifiers = held.into_iter().filter(|(held, _)| *held).map(|(_, modifier)| modifier).collect();
        Self::new(key.code, modifiers)
    }
}

impl KeyPress {
    /// Returns the one form of the key that terminals and configs write in several ways.
    fn normalised(self) -> Self {
        let (code, shift) = match self.code {
            KeyCode::BackTab => (KeyCode::Tab, true),
            KeyCode::Char(c) if self.ctrl => (KeyCode::Char(c.to_ascii_lowercase()), false),
            KeyCode::Char(c) if self.shift => (KeyCode::Char(c.to_ascii_uppercase()), false),
            KeyCode::Char(c) => (KeyCode::Char(c), false),
            code => (code, self.shift),
        };
        Self { code, shift, ..self }
    }

    /// Returns the character that the key types, unless Ctrl or Alt is held.
    pub fn typed_char(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Returns whether the key is how a line break in an unbracketed paste arrives.
    pub fn is_pasted_line_break(self) -> bool {
        self.code == KeyCode::Enter && !self.ctrl
    }

    /// Returns the key without Ctrl, which makes no difference within a sequence.
    pub(super) fn without_ctrl(self) -> Self {
        Self { ctrl: false, ..self }
    }
}

/// The error for an unknown key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no key is called `{0}`")]
pub struct UnknownKey(pub String);

const KEY_NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl FromStr for KeyPress {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        let mut key = Self { code: KeyCode::Null, ctrl: false, alt: false, shift: false };
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (key.ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (key.alt, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("shift-").filter(|after| !after.is_empty()) {
                (key.shift, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut letters = rest.chars();
        key.code = match (letters.next(), letters.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => KEY_NAMES
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, code)| *code)
                .or_else(|| rest.strip_prefix('f')?.parse().ok().filter(|n| (1..=12).contains(n)).map(KeyCode::F))
                .ok_or_else(|| UnknownKey(text.to_owned()))?,
        };
        Ok(key.normalised())
    }
}

impl fmt::Display for KeyPress {
    /// Writes the key as the screen shows it: `^P`, `Esc`, `Shift-Tab`, `Alt-Enter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.alt {
            f.write_str("Alt-")?;
        }
        if self.shift {
            f.write_str("Shift-")?;
        }
        if self.ctrl {
            f.write_str("^")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            code => {
                let name = KEY_NAMES.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name);
                let (first, rest) = name.split_at(1);
                write!(f, "{}{rest}", first.to_ascii_uppercase())
            }
        }
    }
}

/// Parses a key sequence such as `ctrl-x m`: keys separated by spaces.
///
/// # Errors
/// Returns an error if a key is unknown or the text is empty.
pub fn parse_sequence(text: &str) -> Result<Vec<KeyPress>, UnknownKey> {
    let keys: Vec<KeyPress> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(UnknownKey(text.to_owned())) } else { Ok(keys) }
}

/// Parses keys as the screen shows them, such as `^X m` or `↵`; `None` if they are several, as in `j k`.
pub(crate) fn shown_sequence(text: &str, enter_mark: &str) -> Option<Vec<KeyPress>> {
    let key = |word: &str| {
        let plain = match word {
            word if word == enter_mark => "enter".to_owned(),
            "↑" => "up".to_owned(),
            "↓" => "down".to_owned(),
            word => match word.strip_prefix('^').filter(|rest| !rest.is_empty()) {
                Some(letter) => format!("ctrl-{}", letter.to_lowercase()),
                None if word.chars().nth(1).is_some() => word.to_lowercase(),
                None => word.to_owned(),
            },
        };
        plain.parse::<KeyPress>().ok()
    };
    let keys: Vec<KeyPress> = text.split(' ').map(key).collect::<Option<_>>()?;
    (keys.len() == 1 || keys.first().is_some_and(|first| first.ctrl)).then_some(keys)
}

/// Formats a sequence as the screen shows it, such as `^X m`.
pub fn format_sequence(keys: &[KeyPress]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyPress {
        text.parse().expect("the test's key is valid")
    }

    #[test]
    fn a_shifted_letter_is_its_capital() {
        let event = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(KeyPress::from(event), key("G"));
        assert_eq!(KeyPress::from(event), key("shift-g"));
        let event = KeyEvent::new(KeyCode::Char('P'), KeyModifiers::CONTROL | KeyModifiers::SHIFT);
        for written in ["ctrl-P", "ctrl-p", "ctrl-shift-p"] {
            assert_eq!(KeyPress::from(event), key(written));
        }
        assert_eq!(KeyPress::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)), key("shift-tab"));
    }

    #[test]
    fn sequences_are_formatted_for_the_screen() {
        for (text, shown_as) in [
            ("ctrl-x m", "^X m"),
            ("shift-f2", "Shift-F2"),
            ("alt-enter", "Alt-Enter"),
            ("ctrl-home", "^Home"),
            ("pgup", "PgUp"),
        ] {
            assert_eq!(format_sequence(&parse_sequence(text).unwrap()), shown_as);
        }
        assert_eq!(parse_sequence("ctrl-"), Err(UnknownKey("ctrl-".into())));
    }
}
