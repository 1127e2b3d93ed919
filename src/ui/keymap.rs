//! The keymap: from keys and key sequences in a context to an `Action`.

mod key_press;

use std::{borrow::Cow, sync::Arc};

pub(crate) use key_press::shown_sequence;
pub use key_press::{KeyPress, UnknownKey, format_sequence, parse_sequence};

use super::{
    action::{ACTIONS, Action, ActionEntry},
    key_hints::KeyHint,
};

/// The context in which a key is pressed. A key is looked up in it first, then in the contexts below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyContext {
    Global,
    Composer,
    /// The empty composer.
    Empty,
    /// The composer while the commands that begin with what was typed are listed.
    Slash,
    Transcript,
    /// Selecting text with keys.
    Selection,
    /// Typing what to find in the conversation.
    Find,
    /// Moving in the text while a search is active.
    Matches,
    /// The card of an answer that failed.
    Card,
    /// The card of a turn that paused after many calls.
    Pause,
    /// The card of a call that needs approval.
    Approval,
    /// A citation is under the cursor.
    Source,
    /// The question on the card of a source.
    Question,
    Rail,
    List,
    /// Typing a filter or a title in the list.
    ListField,
    /// Every overlay.
    Overlay,
    /// An overlay whose field has the keys.
    Field,
    /// An overlay that has no field, or whose field does not have the keys.
    ListOverlay,
    Help,
    /// The question before a safeguard is switched off.
    Safeguard,
    Picker,
    ModelPicker,
    AgainPicker,
    CodePicker,
    /// The code blocks while nothing is typed: digits choose.
    CodeNumber,
    Form,
    Xray,
    Tools,
    ToolPage,
    Trash,
    Pager,
    /// The search of everything that was said.
    SearchAll,
    Connect,
    SignIn,
}

/// What a context means for the keys of the contexts below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContextKind {
    /// Its keys must not hide those of the contexts below.
    Place,
    /// A mode: its keys may hide those of the contexts below.
    Mode,
    /// A place where printable keys type text.
    Text,
}

impl KeyContext {
    pub const ALL: [Self; 35] = [
        Self::Global,
        Self::Composer,
        Self::Empty,
        Self::Slash,
        Self::Transcript,
        Self::Selection,
        Self::Find,
        Self::Matches,
        Self::Card,
        Self::Pause,
        Self::Approval,
        Self::Source,
        Self::Question,
        Self::Rail,
        Self::List,
        Self::ListField,
        Self::Overlay,
        Self::Field,
        Self::ListOverlay,
        Self::Help,
        Self::Safeguard,
        Self::Picker,
        Self::ModelPicker,
        Self::AgainPicker,
        Self::CodePicker,
        Self::CodeNumber,
        Self::Form,
        Self::Xray,
        Self::Tools,
        Self::ToolPage,
        Self::Trash,
        Self::Pager,
        Self::SearchAll,
        Self::Connect,
        Self::SignIn,
    ];

    /// Returns its name in the config, its title in the help, its kind, and the contexts below it, the next one first.
    fn entry(self) -> (&'static str, &'static str, ContextKind, &'static [Self]) {
        use ContextKind::{Mode, Place, Text};
        match self {
            Self::Global => ("global", "Anywhere", Place, &[]),
            Self::Composer => ("composer", "Writing", Place, &[Self::Global]),
            Self::Empty => ("empty", "Nothing typed", Place, &[Self::Composer, Self::Global]),
            Self::Slash => ("slash", "Completing a command", Mode, &[Self::Composer, Self::Global]),
            Self::Transcript => ("text", "Reading", Place, &[Self::Global]),
            Self::Selection => ("selection", "Selecting", Mode, &[Self::Transcript, Self::Global]),
            Self::Find => ("find-field", "Finding", Text, &[Self::Global]),
            Self::Matches => ("matches", "While a search is active", Mode, &[Self::Transcript, Self::Global]),
            Self::Card => ("card", "On an error card", Mode, &[Self::Transcript, Self::Global]),
            Self::Pause => ("pause", "On a paused turn", Mode, &[Self::Transcript, Self::Global]),
            Self::Approval => ("approval", "On an approval card", Mode, &[Self::Transcript, Self::Global]),
            Self::Source => ("source", "On a source card", Mode, &[Self::Transcript, Self::Global]),
            Self::Question => {
                ("question", "Before a page is fetched", Mode, &[Self::Source, Self::Transcript, Self::Global])
            }
            Self::Rail => ("side-rail", "Rail", Place, &[Self::Global]),
            Self::List => ("conversations", "Conversations", Place, &[Self::Global]),
            Self::ListField => ("conversations-field", "Filtering and renaming", Text, &[Self::Global]),
            Self::Overlay => ("overlay", "Every overlay", Place, &[]),
            Self::Field => ("field", "Fields in overlays", Text, &[Self::Overlay]),
            Self::ListOverlay => ("list-overlay", "Lists and pages in overlays", Place, &[Self::Overlay]),
            Self::Help => ("help-page", "Help", Text, &[Self::Field, Self::Overlay]),
            Self::Safeguard => ("safeguard", "Before what cannot be undone", Place, &[Self::Overlay]),
            Self::Picker => ("picker", "Pickers", Text, &[Self::Field, Self::Overlay]),
            Self::ModelPicker => ("model-picker", "Models", Text, &[Self::Picker, Self::Field, Self::Overlay]),
            Self::AgainPicker => ("again-picker", "Answering again", Text, &[Self::Picker, Self::Field, Self::Overlay]),
            Self::CodePicker => ("code-picker", "Code blocks", Text, &[Self::Picker, Self::Field, Self::Overlay]),
            Self::CodeNumber => (
                "code-number",
                "Code blocks by number",
                Mode,
                &[Self::CodePicker, Self::Picker, Self::Field, Self::Overlay],
            ),
            Self::Form => ("form", "System prompt and sampling", Text, &[Self::Overlay]),
            Self::Xray => ("request", "Request and events", Place, &[Self::ListOverlay, Self::Overlay]),
            Self::Tools => ("tool-list", "Tools", Place, &[Self::ListOverlay, Self::Overlay]),
            Self::ToolPage => ("tool-page", "A tool or MCP server", Place, &[Self::ListOverlay, Self::Overlay]),
            Self::Trash => ("trash-list", "Trash", Place, &[Self::ListOverlay, Self::Overlay]),
            Self::Pager => ("result", "The result of a call", Place, &[Self::ListOverlay, Self::Overlay]),
            Self::SignIn => ("sign-in", "Signing in", Place, &[Self::Overlay]),
            Self::SearchAll => {
                ("search-all", "Searching everything", Text, &[Self::Picker, Self::Field, Self::Overlay])
            }
            Self::Connect => ("connect-screen", "Connecting", Place, &[Self::ListOverlay, Self::Overlay]),
        }
    }

    /// Returns the name of the context in the config.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }

    /// Returns the heading of its keys in the help.
    pub fn title(self) -> &'static str {
        self.entry().1
    }

    /// Returns the contexts in which a key pressed here is looked up; the first match wins.
    pub fn lookup_order(self) -> impl Iterator<Item = Self> {
        std::iter::once(self).chain(self.entry().3.iter().copied())
    }

    /// Returns whether a key is text here, whatever it is bound to.
    fn types(self, key: KeyPress) -> bool {
        self.entry().2 == ContextKind::Text && key.typed_char().is_some()
    }

    /// Returns whether a key of this context would wrongly hide one that a context below it has for another action.
    fn must_not_hide(self, below: Self, hidden: Action) -> bool {
        let (_, _, kind, order) = self.entry();
        let may_hide = kind == ContextKind::Mode || self == Self::Find;
        order.contains(&below) && (!may_hide || matches!(hidden, Action::Back | Action::Cancel))
    }
}

/// What a key does in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMeaning {
    Run(Action),
    /// It begins or continues a sequence.
    Prefix,
    Unbound,
}

/// All active bindings, in the order of the table. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Arc<Vec<KeyBinding>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyBinding {
    context: KeyContext,
    keys: Vec<KeyPress>,
    action: Action,
}

impl KeyBinding {
    /// Returns whether the two cannot both be reached.
    fn conflicts_with(&self, other: &Self) -> bool {
        let hides = |above: &Self, below: &Self| above.context.must_not_hide(below.context, below.action);
        self.action != other.action
            && (self.keys.starts_with(&other.keys) || other.keys.starts_with(&self.keys))
            && (self.context == other.context || hides(self, other) || hides(other, self))
    }
}

impl Default for Keymap {
    fn default() -> Self {
        let bindings = ACTIONS.iter().flat_map(default_bindings).collect();
        Self { bindings: Arc::new(bindings) }
    }
}

fn default_bindings(entry: &'static ActionEntry) -> impl Iterator<Item = KeyBinding> {
    entry.keys.iter().map(|(context, keys)| KeyBinding {
        context: *context,
        keys: parse_sequence(keys).expect("a test parses every key of the table"),
        action: entry.action,
    })
}

/// The reason a key binding in the config cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemapError {
    #[error("no action is called `{0}`")]
    UnknownAction(String),
    #[error("there are no keys of their own in `{0}`")]
    UnknownContext(String),
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    #[error("`{keys}` is already bound to `{owner}` there")]
    KeyTaken { keys: String, owner: &'static str },
    #[error("`{0}` types text there")]
    TypesText(String),
}

/// A line of the config that changes keys.
#[derive(Debug, Clone, Copy)]
pub struct KeyLine<'a> {
    /// The only context that it is for; without one it is for every context that has the action.
    pub context: Option<&'a str>,
    pub action: &'a str,
    /// The new keys; without any, the action has none.
    pub keys: &'a [String],
}

/// A line of the config whose names and keys are known.
struct KeyRemap {
    action: Action,
    contexts: Vec<KeyContext>,
    bindings: Vec<KeyBinding>,
}

impl KeyLine<'_> {
    fn resolve(&self) -> Result<KeyRemap, RemapError> {
        let action = Action::from_name(self.action).ok_or_else(|| RemapError::UnknownAction(self.action.to_owned()))?;
        let sequences = self.keys.iter().map(|keys| parse_sequence(keys)).collect::<Result<Vec<_>, _>>()?;
        let mut contexts = match self.context {
            Some(name) => {
                let context = KeyContext::from_name(name).ok_or_else(|| RemapError::UnknownContext(name.to_owned()))?;
                if let Some(keys) = sequences.iter().find(|keys| context.types(keys[0])) {
                    return Err(RemapError::TypesText(format_sequence(keys)));
                }
                vec![context]
            }
            None => action.entry().keys.iter().map(|(context, _)| *context).collect(),
        };
        contexts.sort_unstable();
        contexts.dedup();
        if contexts.is_empty() {
            contexts.push(KeyContext::Global);
        }
        // Where text is typed, printable keys are left out; if there are no others, those of before stay.
        let is_usable = |context: KeyContext, keys: &[KeyPress]| !context.types(keys[0]);
        contexts.retain(|context| sequences.is_empty() || sequences.iter().any(|keys| is_usable(*context, keys)));
        let of_context = |context: &KeyContext| {
            let usable = sequences.iter().filter(|keys| is_usable(*context, keys)).cloned();
            usable.map(|keys| KeyBinding { context: *context, keys, action }).collect::<Vec<_>>()
        };
        Ok(KeyRemap { action, bindings: contexts.iter().flat_map(of_context).collect(), contexts })
    }
}

impl KeyRemap {
    fn replaces(&self, bound: &KeyBinding) -> bool {
        bound.action == self.action && self.contexts.contains(&bound.context)
    }
}

impl Keymap {
    /// Replaces the keys of the actions that the lines name, all at once, so that two actions can swap their keys. A line
    /// that cannot be used as a whole changes nothing; its index and the reason are returned.
    pub fn remap_all(&mut self, lines: &[KeyLine]) -> Vec<(usize, RemapError)> {
        let mut refused = Vec::new();
        let mut remaps = Vec::new();
        for (nth, line) in lines.iter().enumerate() {
            match line.resolve() {
                Ok(remap) => remaps.push((nth, remap)),
                Err(error) => refused.push((nth, error)),
            }
        }
        loop {
            match self.try_remap(&remaps) {
                Ok(bindings) => {
                    if !remaps.is_empty() {
                        self.bindings = Arc::new(bindings);
                    }
                    refused.sort_by_key(|(nth, _)| *nth);
                    return refused;
                }
                Err((at, error)) => refused.push((remaps.remove(at).0, error)),
            }
        }
    }

    /// Replaces the keys of one action, as a line of the config does.
    ///
    /// # Errors
    /// Returns an error if the context, the action or a key is unknown, or if a key is taken; nothing changes.
    pub fn remap(&mut self, context: Option<&str>, action: &str, keys: &[String]) -> Result<(), RemapError> {
        match self.remap_all(&[KeyLine { context, action, keys }]).pop() {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Returns the bindings with these changes, or the position and the error of the first that cannot be made.
    fn try_remap(&self, remaps: &[(usize, KeyRemap)]) -> Result<Vec<KeyBinding>, (usize, RemapError)> {
        let mut bindings = Vec::clone(&self.bindings);
        bindings.retain(|bound| !remaps.iter().any(|(_, remap)| remap.replaces(bound)));
        for (at, (_, remap)) in remaps.iter().enumerate() {
            bindings.retain(|bound| !remap.replaces(bound));
            for new in &remap.bindings {
                if let Some(owner) = bindings.iter().find(|bound| bound.conflicts_with(new)) {
                    let (keys, owner) = (format_sequence(&new.keys), owner.action.entry().name);
                    return Err((at, RemapError::KeyTaken { keys, owner }));
                }
                bindings.push(new.clone());
            }
        }
        bindings.sort_by_key(|bound| (bound.action, bound.context));
        Ok(bindings)
    }

    /// Returns what `key` does after the keys pressed before it.
    pub fn meaning(&self, context: KeyContext, prefix: &[KeyPress], key: KeyPress) -> KeyMeaning {
        if prefix.is_empty() && context.types(key) {
            return KeyMeaning::Unbound;
        }
        let keys = [prefix, &[key]].concat();
        let without_ctrl: Vec<KeyPress> =
            keys.iter().enumerate().map(|(at, key)| if at == 0 { *key } else { key.without_ctrl() }).collect();
        for candidate in [&keys, &without_ctrl] {
            for context in context.lookup_order() {
                let bound = self.bindings.iter().find(|bound| bound.context == context && bound.keys == *candidate);
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
            .filter(|bound| context.lookup_order().any(|order| order == bound.context))
            .filter(|bound| bound.keys.len() > prefix.len() && bound.keys.starts_with(prefix))
            .map(|bound| (bound.keys[prefix.len()], bound.action))
            .collect()
    }

    /// Returns the first keys of an action, for the hints on the screen.
    pub fn keys_of(&self, action: Action) -> Option<String> {
        self.bindings.iter().find(|bound| bound.action == action).map(|bound| format_sequence(&bound.keys))
    }

    /// Returns the keys of an action that work from the composer; the model slots are one command.
    pub fn command_keys(&self, action: Action) -> Option<String> {
        if action != Action::ChooseSlot {
            return self.keys_for(KeyContext::Composer, action);
        }
        self.keys_of(Action::Slot1)
            .map(|keys| keys.strip_suffix('1').map_or(keys.clone(), |leader| format!("{leader}1–9")))
    }

    /// Returns the first keys that an action has in a context; those of the context itself come first.
    pub fn keys_for(&self, context: KeyContext, action: Action) -> Option<String> {
        let bound = context
            .lookup_order()
            .find_map(|context| self.bindings.iter().find(|bound| bound.action == action && bound.context == context));
        bound.map(|bound| format_sequence(&bound.keys))
    }

    /// Returns the first keys that an action has in a context, or its name if it has none.
    pub fn keys_or_name(&self, context: KeyContext, action: Action) -> String {
        self.keys_for(context, action).unwrap_or_else(|| action.entry().name.to_owned())
    }

    /// Returns hints for a context: the first keys of each group of actions, with a label. What has no keys is left out.
    pub fn hints<'a>(&self, context: KeyContext, labels: &[(&[Action], &'a str)]) -> Vec<KeyHint<'a>> {
        let hint = |(actions, label): &(&[Action], &'a str)| {
            let keys: Vec<String> = actions.iter().filter_map(|action| self.keys_for(context, *action)).collect();
            (!keys.is_empty()).then(|| (Cow::Owned(keys.join(" ")), *label))
        };
        labels.iter().filter_map(hint).collect()
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
mod tests;
