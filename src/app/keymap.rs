//! Keys in a context to an `Action`, sequences included.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Entry, TABLE};

/// Where a key is pressed. A key is looked up in its own context first, then in `Global`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    Global,
    Composer,
    /// The composer while nothing is typed; `Composer` and `Global` hold as well.
    Empty,
    Transcript,
    /// While keys select text; `Transcript` and `Global` hold as well.
    Selection,
    Rail,
    List,
}

impl Context {
    pub const ALL: [Self; 7] =
        [Self::Global, Self::Composer, Self::Empty, Self::Transcript, Self::Selection, Self::Rail, Self::List];

    /// The words over its keys in the help.
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

    /// The contexts in which a key pressed here is looked up, first match wins.
    fn chain(self) -> &'static [Self] {
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

/// One key with its modifiers, normalised: a shifted letter is the capital, without `shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl From<KeyEvent> for Key {
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

impl Key {
    /// The character that it types, if it is one without Ctrl or Alt.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The same key without Ctrl: inside a sequence it makes no difference.
    fn without_ctrl(self) -> Self {
        Self { ctrl: false, ..self }
    }
}

/// The key has no such name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no key is called `{0}`")]
pub struct UnknownKey(pub String);

const NAMED: &[(&str, KeyCode)] = &[
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

impl FromStr for Key {
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
            _ => NAMED
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, code)| *code)
                .or_else(|| rest.strip_prefix('f')?.parse().ok().filter(|n| (1..=12).contains(n)).map(KeyCode::F))
                .ok_or_else(|| UnknownKey(text.to_owned()))?,
        };
        Ok(key)
    }
}

impl fmt::Display for Key {
    /// As the screen shows it: `^P`, `Esc`, `Shift-Tab`, `Alt-Enter`.
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
                let name = NAMED.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name);
                let (first, rest) = name.split_at(1);
                write!(f, "{}{rest}", first.to_ascii_uppercase())
            }
        }
    }
}

/// Reads `ctrl-x m` and the like: keys with blanks between them.
///
/// # Errors
/// When one of the keys has no such name, or there is none.
pub fn sequence(text: &str) -> Result<Vec<Key>, UnknownKey> {
    let keys: Vec<Key> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(UnknownKey(text.to_owned())) } else { Ok(keys) }
}

/// A sequence as the screen shows it, such as `^X m`.
pub fn shown(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What a key means where it was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Does(Action),
    /// It begins a sequence.
    Leads,
    Nothing,
}

/// All bindings in force, in the order of the table.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    context: Context,
    keys: Vec<Key>,
    action: Action,
}

impl Default for Keymap {
    fn default() -> Self {
        let binding = |action, context, keys: &str| Binding {
            context,
            keys: sequence(keys).expect("a test reads every key of the table"),
            action,
        };
        let of_entry =
            |entry: &'static Entry| entry.keys.iter().map(move |(context, keys)| binding(entry.action, *context, keys));
        Self { bindings: TABLE.iter().flat_map(of_entry).collect() }
    }
}

/// Why a remapping of the config cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("no action is called `{0}`")]
    Action(String),
    #[error(transparent)]
    Key(#[from] UnknownKey),
    #[error("`{keys}` is already the key of `{other}` there")]
    Taken { keys: String, other: &'static str },
}

impl Keymap {
    /// Gives an action other keys than its own; an empty list takes them away. An action that has keys in one
    /// context keeps to that context, one that has none becomes global.
    ///
    /// # Errors
    /// When the action or a key is unknown, or the key is taken in that context.
    pub fn remap(&mut self, name: &str, keys: &[String]) -> Result<(), Unusable> {
        let action = Action::from_name(name).ok_or_else(|| Unusable::Action(name.to_owned()))?;
        let context = action.entry().keys.first().map_or(Context::Global, |(context, _)| *context);
        let mut bindings = self.bindings.clone();
        bindings.retain(|bound| bound.action != action);
        for keys in keys {
            let keys = sequence(keys)?;
            if let Some(other) = bindings.iter().find(|bound| bound.context == context && bound.keys == keys) {
                return Err(Unusable::Taken { keys: shown(&keys), other: other.action.entry().name });
            }
            bindings.push(Binding { context, keys, action });
        }
        bindings.sort_by_key(|bound| bound.action);
        self.bindings = bindings;
        Ok(())
    }

    /// What `key` means after the keys that were pressed before it.
    pub fn meaning(&self, context: Context, before: &[Key], key: Key) -> Meaning {
        let keys = [before, &[key]].concat();
        let plain: Vec<Key> =
            keys.iter().enumerate().map(|(at, key)| if at == 0 { *key } else { key.without_ctrl() }).collect();
        for candidate in [&keys, &plain] {
            for context in context.chain() {
                let bound = self.bindings.iter().find(|bound| bound.context == *context && bound.keys == *candidate);
                if let Some(bound) = bound {
                    return Meaning::Does(bound.action);
                }
            }
        }
        if self.following(context, &keys).is_empty() { Meaning::Nothing } else { Meaning::Leads }
    }

    /// What may follow the keys pressed so far.
    pub fn following(&self, context: Context, before: &[Key]) -> Vec<(Key, Action)> {
        self.bindings
            .iter()
            .filter(|bound| context.chain().contains(&bound.context))
            .filter(|bound| bound.keys.len() > before.len() && bound.keys.starts_with(before))
            .map(|bound| (bound.keys[before.len()], bound.action))
            .collect()
    }

    /// The first keys of an action, for the hints on the screen.
    pub fn keys_of(&self, action: Action) -> Option<String> {
        self.bindings.iter().find(|bound| bound.action == action).map(|bound| shown(&bound.keys))
    }

    /// The shortest keys of an action, whatever they are pressed in.
    pub fn shortest_of(&self, action: Action) -> Option<String> {
        let bound = self.bindings.iter().filter(|bound| bound.action == action);
        bound.min_by_key(|bound| bound.keys.len()).map(|bound| shown(&bound.keys))
    }

    /// The first keys of two actions that belong together, for a sentence; their names where they have none.
    pub fn both(&self, one: Action, other: Action, between: &str) -> String {
        let [one, other] =
            [one, other].map(|action| self.keys_of(action).unwrap_or_else(|| action.entry().name.into()));
        format!("{one} {between} {other}")
    }

    /// All keys of a context.
    pub fn of_context(&self, context: Context) -> Vec<(String, Action)> {
        let bound = self.bindings.iter().filter(|bound| bound.context == context);
        bound.map(|bound| (shown(&bound.keys), bound.action)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(text: &str) -> Key {
        text.parse().expect("a key of a test")
    }

    #[test]
    fn every_key_of_the_table_can_be_read_and_belongs_to_one_action_in_its_context() {
        let mut seen = HashSet::new();
        for entry in TABLE {
            for (context, keys) in entry.keys {
                let keys = sequence(keys).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
                assert!(seen.insert((*context, keys.clone())), "two actions on {} in {context:?}", shown(&keys));
            }
        }
    }

    #[test]
    fn no_sequence_is_hidden_behind_a_shorter_one() {
        let keymap = Keymap::default();
        for entry in TABLE {
            for (context, keys) in entry.keys {
                let keys = sequence(keys).unwrap();
                let (last, before) = keys.split_last().unwrap();
                for cut in 0..before.len() {
                    assert_eq!(keymap.meaning(*context, &before[..cut], before[cut]), Meaning::Leads, "{}", entry.name);
                }
                assert_eq!(keymap.meaning(*context, before, *last), Meaning::Does(entry.action), "{}", entry.name);
            }
        }
    }

    #[test]
    fn inside_a_sequence_ctrl_makes_no_difference() {
        let keymap = Keymap::default();
        let leader = [key("ctrl-x")];
        assert_eq!(keymap.meaning(Context::Composer, &leader, key("m")), Meaning::Does(Action::Models));
        assert_eq!(keymap.meaning(Context::Composer, &leader, key("ctrl-m")), Meaning::Does(Action::Models));
        assert_eq!(keymap.meaning(Context::Composer, &leader, key("ctrl-é")), Meaning::Nothing);
    }

    #[test]
    fn a_remapped_action_answers_to_its_new_keys_only() {
        let mut keymap = Keymap::default();
        keymap.remap("models", &["ctrl-x o".into(), "f3".into()]).unwrap();
        assert_eq!(keymap.meaning(Context::Composer, &[], key("f3")), Meaning::Does(Action::Models));
        assert_eq!(keymap.meaning(Context::Composer, &[key("ctrl-x")], key("m")), Meaning::Nothing);
        assert_eq!(keymap.keys_of(Action::Models).as_deref(), Some("^X o"));
        assert_eq!(keymap.both(Action::Models, Action::CodeLeft, "and"), "^X o and h");
    }

    #[test]
    fn a_remapping_onto_a_taken_key_changes_nothing_and_names_its_owner() {
        let mut keymap = Keymap::default();
        let error = keymap.remap("models", &["ctrl-n".into()]).unwrap_err();
        assert_eq!(error.to_string(), "`^N` is already the key of `new` there");
        assert_eq!(keymap.meaning(Context::Composer, &[key("ctrl-x")], key("m")), Meaning::Does(Action::Models));
    }

    #[test]
    fn a_shifted_letter_is_its_capital() {
        let event = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), key("G"));
        assert_eq!(Key::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)), key("shift-tab"));
    }

    #[test]
    fn keys_are_shown_as_the_screen_writes_them() {
        for (text, shown_as) in [
            ("ctrl-x m", "^X m"),
            ("shift-f2", "Shift-F2"),
            ("alt-enter", "Alt-Enter"),
            ("ctrl-home", "Ctrl-Home"),
            ("pgup", "PgUp"),
        ] {
            assert_eq!(shown(&sequence(text).unwrap()), shown_as);
        }
        assert_eq!(sequence("ctrl-"), Err(UnknownKey("ctrl-".into())));
    }
}
