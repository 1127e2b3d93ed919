//! The keymap: from keys and key sequences in a context to an `Action`.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{ACTIONS, Action, ActionEntry};

/// The context in which a key is pressed. A key is looked up in that context first, then in `Global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyContext {
    Global,
    Composer,
    /// The empty composer; `Composer` and `Global` also apply.
    Empty,
    Transcript,
    /// Selecting text with keys; `Transcript` and `Global` also apply.
    Selection,
    Rail,
    List,
}

impl KeyContext {
    pub const ALL: [Self; 7] =
        [Self::Global, Self::Composer, Self::Empty, Self::Transcript, Self::Selection, Self::Rail, Self::List];

    /// Returns the heading of its keys in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Anywhere",
            Self::Composer => "Writing",
            Self::Empty => "Nothing typed",
            Self::Transcript => "Reading",
            Self::Selection => "Selecting",
            Self::Rail => "Rail",
            Self::List => "Conversations",
        }
    }

    /// Returns the contexts in which a key pressed here is looked up; the first match wins.
    fn lookup_order(self) -> &'static [Self] {
        match self {
            Self::Global => &[Self::Global],
            Self::Composer => &[Self::Composer, Self::Global],
            Self::Empty => &[Self::Empty, Self::Composer, Self::Global],
            Self::Transcript => &[Self::Transcript, Self::Global],
            Self::Selection => &[Self::Selection, Self::Transcript, Self::Global],
            Self::Rail => &[Self::Rail, Self::Global],
            Self::List => &[Self::List, Self::Global],
        }
    }
}

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
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let (code, shift) = match event.code {
            KeyCode::BackTab => (KeyCode::Tab, true),
            KeyCode::Char(c) if ctrl => (KeyCode::Char(c.to_ascii_lowercase()), false),
            KeyCode::Char(c) if shift && c.is_ascii_lowercase() => (KeyCode::Char(c.to_ascii_uppercase()), false),
            KeyCode::Char(c) => (KeyCode::Char(c), false),
            code => (code, shift),
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT), shift }
    }
}

impl KeyPress {
    /// Returns the character that the key types, unless Ctrl or Alt is held.
    pub fn typed_char(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Returns the key without Ctrl, which makes no difference within a sequence.
    fn without_ctrl(self) -> Self {
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
        Ok(key)
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
            f.write_str(if matches!(self.code, KeyCode::Char(_)) { "^" } else { "Ctrl-" })?;
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

/// Formats a sequence as the screen shows it, such as `^X m`.
pub fn format_sequence(keys: &[KeyPress]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What a key does in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMeaning {
    Run(Action),
    /// It begins or continues a sequence.
    Prefix,
    Unbound,
}

/// All active bindings, in the order of the table.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<KeyBinding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyBinding {
    context: KeyContext,
    keys: Vec<KeyPress>,
    action: Action,
}

impl Default for Keymap {
    fn default() -> Self {
        let binding = |action, context, keys: &str| KeyBinding {
            context,
            keys: parse_sequence(keys).expect("a test parses every key of the table"),
            action,
        };
        let of_entry = |entry: &'static ActionEntry| {
            entry.keys.iter().map(move |(context, keys)| binding(entry.action, *context, keys))
        };
        Self { bindings: ACTIONS.iter().flat_map(of_entry).collect() }
    }
}

/// The reason a key binding in the config cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemapError {
    #[error("no action is called `{0}`")]
    UnknownAction(String),
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    #[error("`{keys}` is already bound to `{other}` there")]
    KeyTaken { keys: String, other: &'static str },
}

impl Keymap {
    /// Replaces the keys of an action; an empty list removes them. The new keys apply in the context of the action's
    /// first default key, or globally if it has none.
    ///
    /// # Errors
    /// Returns an error if the action or a key is unknown, or if a key is taken in that context.
    pub fn remap(&mut self, name: &str, keys: &[String]) -> Result<(), RemapError> {
        let action = Action::from_name(name).ok_or_else(|| RemapError::UnknownAction(name.to_owned()))?;
        let context = action.entry().keys.first().map_or(KeyContext::Global, |(context, _)| *context);
        let mut bindings = self.bindings.clone();
        bindings.retain(|bound| bound.action != action);
        for keys in keys {
            let keys = parse_sequence(keys)?;
            if let Some(other) = bindings.iter().find(|bound| bound.context == context && bound.keys == keys) {
                return Err(RemapError::KeyTaken { keys: format_sequence(&keys), other: other.action.entry().name });
            }
            bindings.push(KeyBinding { context, keys, action });
        }
        bindings.sort_by_key(|bound| bound.action);
        self.bindings = bindings;
        Ok(())
    }

    /// Returns what `key` does after the keys pressed before it.
    pub fn meaning(&self, context: KeyContext, prefix: &[KeyPress], key: KeyPress) -> KeyMeaning {
        let keys = [prefix, &[key]].concat();
        let without_ctrl: Vec<KeyPress> =
            keys.iter().enumerate().map(|(at, key)| if at == 0 { *key } else { key.without_ctrl() }).collect();
        for candidate in [&keys, &without_ctrl] {
            for context in context.lookup_order() {
                let bound = self.bindings.iter().find(|bound| bound.context == *context && bound.keys == *candidate);
                if let Some(bound) = bound {
                    return KeyMeaning::Run(bound.action);
                }
            }
        }
        if self.continuations(context, &keys).is_empty() { KeyMeaning::Unbound } else { KeyMeaning::Prefix }
    }

    /// Returns the keys that can follow those pressed so far, with their actions.
    pub fn continuations(&self, context: KeyContext, prefix: &[KeyPress]) -> Vec<(KeyPress, Action)> {
        self.bindings
            .iter()
            .filter(|bound| context.lookup_order().contains(&bound.context))
            .filter(|bound| bound.keys.len() > prefix.len() && bound.keys.starts_with(prefix))
            .map(|bound| (bound.keys[prefix.len()], bound.action))
            .collect()
    }

    /// Returns the first keys of an action, for the hints on the screen.
    pub fn keys_of(&self, action: Action) -> Option<String> {
        self.bindings.iter().find(|bound| bound.action == action).map(|bound| format_sequence(&bound.keys))
    }

    /// Returns the shortest keys of an action in any context.
    pub fn shortest_keys_of(&self, action: Action) -> Option<String> {
        let bound = self.bindings.iter().filter(|bound| bound.action == action);
        bound.min_by_key(|bound| bound.keys.len()).map(|bound| format_sequence(&bound.keys))
    }

    /// Returns the first keys of two related actions joined by a word; an action without keys shows its name.
    pub fn both_keys_of(&self, one: Action, other: Action, separator: &str) -> String {
        let [one, other] =
            [one, other].map(|action| self.keys_of(action).unwrap_or_else(|| action.entry().name.into()));
        format!("{one} {separator} {other}")
    }

    /// Returns all keys of a context, with their actions.
    pub fn keys_in(&self, context: KeyContext) -> Vec<(String, Action)> {
        let bound = self.bindings.iter().filter(|bound| bound.context == context);
        bound.map(|bound| (format_sequence(&bound.keys), bound.action)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(text: &str) -> KeyPress {
        text.parse().expect("the test's key is valid")
    }

    #[test]
    fn every_key_in_the_table_parses_and_is_bound_once_per_context() {
        let mut seen = HashSet::new();
        for entry in ACTIONS {
            for (context, keys) in entry.keys {
                let keys = parse_sequence(keys).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
                assert!(
                    seen.insert((*context, keys.clone())),
                    "two actions on {} in {context:?}",
                    format_sequence(&keys)
                );
            }
        }
    }

    #[test]
    fn no_binding_is_a_prefix_of_another() {
        let keymap = Keymap::default();
        for entry in ACTIONS {
            for (context, keys) in entry.keys {
                let keys = parse_sequence(keys).unwrap();
                let (last, before) = keys.split_last().unwrap();
                for cut in 0..before.len() {
                    assert_eq!(
                        keymap.meaning(*context, &before[..cut], before[cut]),
                        KeyMeaning::Prefix,
                        "{}",
                        entry.name
                    );
                }
                assert_eq!(keymap.meaning(*context, before, *last), KeyMeaning::Run(entry.action), "{}", entry.name);
            }
        }
    }

    #[test]
    fn ctrl_is_ignored_within_a_sequence() {
        let keymap = Keymap::default();
        let leader = [key("ctrl-x")];
        assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("m")), KeyMeaning::Run(Action::ChooseModel));
        assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("ctrl-m")), KeyMeaning::Run(Action::ChooseModel));
        assert_eq!(keymap.meaning(KeyContext::Composer, &leader, key("ctrl-é")), KeyMeaning::Unbound);
    }

    #[test]
    fn a_remapped_action_has_only_its_new_keys() {
        let mut keymap = Keymap::default();
        keymap.remap("models", &["ctrl-x o".into(), "f3".into()]).unwrap();
        assert_eq!(keymap.meaning(KeyContext::Composer, &[], key("f3")), KeyMeaning::Run(Action::ChooseModel));
        assert_eq!(keymap.meaning(KeyContext::Composer, &[key("ctrl-x")], key("m")), KeyMeaning::Unbound);
        assert_eq!(keymap.keys_of(Action::ChooseModel).as_deref(), Some("^X o"));
        assert_eq!(keymap.both_keys_of(Action::ChooseModel, Action::ScrollCodeLeft, "and"), "^X o and h");
    }

    #[test]
    fn remapping_to_a_taken_key_changes_nothing_and_names_the_owner() {
        let mut keymap = Keymap::default();
        let error = keymap.remap("models", &["ctrl-n".into()]).unwrap_err();
        assert_eq!(error.to_string(), "`^N` is already bound to `new` there");
        assert_eq!(
            keymap.meaning(KeyContext::Composer, &[key("ctrl-x")], key("m")),
            KeyMeaning::Run(Action::ChooseModel)
        );
    }

    #[test]
    fn a_shifted_letter_is_its_capital() {
        let event = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(KeyPress::from(event), key("G"));
        assert_eq!(KeyPress::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)), key("shift-tab"));
    }

    #[test]
    fn sequences_are_formatted_for_the_screen() {
        for (text, shown_as) in [
            ("ctrl-x m", "^X m"),
            ("shift-f2", "Shift-F2"),
            ("alt-enter", "Alt-Enter"),
            ("ctrl-home", "Ctrl-Home"),
            ("pgup", "PgUp"),
        ] {
            assert_eq!(format_sequence(&parse_sequence(text).unwrap()), shown_as);
        }
        assert_eq!(parse_sequence("ctrl-"), Err(UnknownKey("ctrl-".into())));
    }
}
