//! Slash commands: what is being typed after `/`, and the list of what it may become.

mod view;

use crate::{
    chat::ConversationId,
    text::ranking::{self, MatchGrade, NamedChoice, RankCandidate},
    ui::{
        Action,
        action::{ACTIONS, ActionEntry, ActionListing, CommandArgument},
        keymap::Keymap,
    },
};
pub use view::SlashListView;

/// The most rows that are listed at once.
pub const MAX_ROWS: usize = 8;

/// What a draft means to the composer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashInput<'a> {
    /// A prompt, or a path.
    Text,
    /// It begins like a command, but no command has such a name: the word with its slash.
    NoName(&'a str),
    /// A name that is still typed, without the slash.
    Name(&'a str),
    /// A name and what follows it.
    Argument { name: &'a str, argument: &'a str },
}

impl<'a> SlashInput<'a> {
    /// Reads a draft. One line that begins with a slash is a command, unless its first word is a path, such as
    /// `/usr/bin/env`.
    pub fn parse(draft: &'a str) -> Self {
        let draft = draft.trim_start();
        let Some(rest) = draft.strip_prefix('/').filter(|_| !draft.contains('\n')) else { return Self::Text };
        let (name, argument) = match rest.split_once(char::is_whitespace) {
            Some((name, argument)) => (name, Some(argument)),
            None => (rest, None),
        };
        if name.split_once('/').is_some_and(|(folder, _)| !folder.is_empty()) {
            return Self::Text;
        }
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        match argument {
            Some(_) if name.starts_with(['/', '*']) => Self::Text, // A comment in code.
            _ if !is_name => Self::NoName(&draft[..=name.len()]),
            None => Self::Name(name),
            Some(_) if name.is_empty() => Self::NoName("/"),
            Some(argument) => Self::Argument { name, argument: argument.trim() },
        }
    }
}

/// Returns the action of a command's name.
pub fn command_named(name: &str) -> Option<Action> {
    let named = commands().find(|entry| entry.slash_name() == name).map(|entry| entry.action);
    named.or_else(|| Action::from_name(name).filter(|action| action.entry().listing == ActionListing::Commands))
}

/// Returns whether a draft is a command, or the beginning of one.
pub fn is_known(draft: &str) -> bool {
    match SlashInput::parse(draft) {
        SlashInput::Text | SlashInput::NoName(_) => false,
        SlashInput::Name(name) => commands().any(|entry| entry.slash_name().starts_with(name)),
        SlashInput::Argument { name, .. } => command_named(name).is_some(),
    }
}

fn commands() -> impl Iterator<Item = &'static ActionEntry> + Clone {
    ACTIONS.iter().filter(|entry| entry.listing == ActionListing::Commands)
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashRow {
    /// The name with its slash, or the argument.
    pub label: String,
    pub label_clusters: Vec<u32>,
    pub about: String,
    pub about_clusters: Vec<u32>,
    /// The keys that do the same.
    pub keys: String,
    /// The draft after the row was completed.
    pub completion: String,
    pub command: SlashCommand,
    /// What was typed names it and no other, so that Enter runs it although nobody has chosen it.
    pub is_named: bool,
}

/// What a row runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashCommand {
    pub action: Action,
    pub argument: Option<String>,
}

/// One of the arguments that a command offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlashChoice {
    pub argument: String,
    pub about: String,
}

/// The list above the composer, and the draft that Enter did not send.
#[derive(Debug, Clone, Default)]
pub struct SlashList {
    /// The rows for the draft in the composer; empty while no list is open.
    pub rows: Vec<SlashRow>,
    /// The row that Enter runs; none while no name begins with what was typed.
    pub cursor: Option<usize>,
    /// The draft that the rows are for.
    draft: String,
    /// The draft for which the list was closed.
    closed: Option<String>,
    /// The command that was not sent, and where it was typed.
    refused: Option<RefusedCommand>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RefusedCommand {
    draft: String,
    conversation: Option<ConversationId>,
    reason: String,
    next: NextEnter,
}

/// What the next Enter does with a draft that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextEnter {
    /// It sends the draft as text.
    Sends,
    /// It does nothing, because the command takes one of several choices.
    Asks,
}

impl SlashList {
    /// Updates the rows after the draft has changed; `None` if no list may be shown.
    pub fn refresh(&mut self, draft: Option<&str>, rows: impl FnOnce(&str) -> Vec<SlashRow>) {
        let Some(draft) = draft.filter(|draft| draft.trim_start().starts_with('/')) else {
            if !self.draft.is_empty() || self.closed.is_some() || self.refused.is_some() {
                *self = Self::default();
            }
            return;
        };
        let is_changed = self.draft != draft;
        if is_changed {
            draft.clone_into(&mut self.draft);
            self.closed = None;
        }
        self.refused.take_if(|refused| refused.draft != draft);
        let is_text = self.refused.as_ref().is_some_and(|refused| refused.next == NextEnter::Sends);
        self.rows = if self.closed.is_some() || is_text { Vec::new() } else { rows(draft) };
        if is_changed {
            self.cursor = self.rows.iter().position(|row| row.is_named);
        }
        self.cursor = self.cursor.filter(|cursor| *cursor < self.rows.len());
    }

    pub fn is_open(&self) -> bool {
        !self.rows.is_empty()
    }

    pub fn selected(&self) -> Option<&SlashRow> {
        self.rows.get(self.cursor?)
    }

    /// Moves the cursor; from one end it goes on at the other.
    pub fn move_cursor(&mut self, rows: isize) {
        let count = isize::try_from(self.rows.len()).unwrap_or(isize::MAX).max(1);
        let next = match self.cursor.and_then(|cursor| isize::try_from(cursor).ok()) {
            Some(cursor) => (cursor + rows).rem_euclid(count),
            None if rows < 0 => count - 1,
            None => 0,
        };
        self.cursor = usize::try_from(next).ok();
    }

    /// Closes the list until the draft changes.
    pub fn close(&mut self) {
        self.closed = Some(self.draft.clone());
        self.rows.clear();
    }

    /// The index of the first row that is shown.
    pub fn top(&self) -> usize {
        self.cursor.map_or(0, |cursor| (cursor + 1).saturating_sub(MAX_ROWS))
    }

    /// Remembers that Enter did not send a draft.
    pub fn refuse(&mut self, draft: &str, conversation: Option<ConversationId>, reason: String, next: NextEnter) {
        draft.clone_into(&mut self.draft);
        match next {
            NextEnter::Sends => self.rows.clear(),
            NextEnter::Asks => self.closed = None,
        }
        self.refused = Some(RefusedCommand { draft: draft.to_owned(), conversation, reason, next });
    }

    /// Returns whether Enter has refused to send this draft once, and sends it now.
    pub fn sends(&self, draft: &str, conversation: Option<ConversationId>) -> bool {
        let is_this = |refused: &RefusedCommand| refused.draft == draft && refused.conversation == conversation;
        self.refused.as_ref().is_some_and(|refused| refused.next == NextEnter::Sends && is_this(refused))
    }

    /// Why the draft in the composer was not sent.
    pub fn refusal(&self) -> Option<&str> {
        self.refused.as_ref().map(|refused| refused.reason.as_str())
    }
}

/// Returns the commands for a name: those that begin with it, then those with a word in their title that does. Commands
/// that are used more come first; `use_count` tells how often one was.
pub fn name_rows(name: &str, keymap: &Keymap, use_count: impl Fn(Action) -> u64) -> Vec<SlashRow> {
    let mut by_use: Vec<&ActionEntry> = commands().collect();
    by_use.sort_by_key(|entry| (entry.slash_name() != name, std::cmp::Reverse(use_count(entry.action))));
    let letters: Vec<u32> = (0..u32::try_from(name.chars().count() + 1).unwrap_or(0)).collect();
    let named = by_use.iter().filter(|entry| entry.slash_name().starts_with(name));
    let mut rows: Vec<SlashRow> =
        named.map(|entry| command_row(entry, if name.is_empty() { &[] } else { &letters }, &[], keymap)).collect();
    if name.is_empty() {
        return rows;
    }
    let others: Vec<&ActionEntry> = by_use.into_iter().filter(|entry| !entry.slash_name().starts_with(name)).collect();
    let titles: Vec<String> = others.iter().map(|entry| ranking::blank_small_words(entry.title)).collect();
    let candidates = titles.iter().map(|title| RankCandidate { title, terms: "" });
    let found = ranking::rank(name, candidates).into_iter().filter(|found| found.grade <= MatchGrade::Words);
    rows.extend(found.map(|found| command_row(others[found.index], &[], &found.clusters, keymap)));
    rows
}

fn command_row(entry: &ActionEntry, label_clusters: &[u32], about_clusters: &[u32], keymap: &Keymap) -> SlashRow {
    let completion = format!("/{}{}", entry.slash_name(), if entry.action.argument().is_some() { " " } else { "" });
    SlashRow {
        label: format!("/{}", entry.slash_name()),
        label_clusters: label_clusters.to_vec(),
        about: entry.title.to_owned(),
        about_clusters: about_clusters.to_vec(),
        keys: keymap.command_keys(entry.action).unwrap_or_default(),
        completion,
        command: SlashCommand { action: entry.action, argument: None },
        is_named: about_clusters.is_empty(),
    }
}

/// Returns the arguments of a command that match what was typed.
pub fn argument_rows(action: Action, typed: &str, choices: &[SlashChoice]) -> Vec<SlashRow> {
    let name = action.entry().slash_name();
    let named = named_argument(action, typed, choices);
    let candidates = choices.iter().map(|choice| RankCandidate { title: &choice.argument, terms: "" });
    let found = ranking::rank(typed, candidates).into_iter();
    found
        .map(|found| {
            let choice = &choices[found.index];
            SlashRow {
                label: choice.argument.clone(),
                label_clusters: found.clusters,
                about: choice.about.clone(),
                about_clusters: Vec::new(),
                keys: String::new(),
                completion: format!("/{name} {}", choice.argument),
                command: SlashCommand { action, argument: Some(choice.argument.clone()) },
                is_named: named == NamedChoice::One(found.index),
            }
        })
        .collect()
}

/// Returns which of the arguments of a command was typed. A whole word of several models names a family, and its first
/// is meant.
pub fn named_argument(action: Action, typed: &str, choices: &[SlashChoice]) -> NamedChoice {
    let names = choices.iter().map(|choice| choice.argument.as_str());
    match ranking::named_choice(typed, names) {
        NamedChoice::Several(family) if action.argument() == Some(CommandArgument::Model) => {
            let is_family = family.iter().all(|at| ranking::is_whole_word(typed, &choices[*at].argument));
            if is_family { NamedChoice::One(family[0]) } else { NamedChoice::Several(family) }
        }
        named => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(typed: &str) -> Vec<String> {
        name_rows(typed, &Keymap::default(), |_| 0).into_iter().map(|row| row.label).collect()
    }

    #[test]
    fn one_line_after_a_slash_is_a_command_unless_it_is_a_path() {
        for text in ["", "hello", "/usr/bin/env", "/usr/bin/env bash", "/tmp/", "/new\nline", "a /new"] {
            assert_eq!(SlashInput::parse(text), SlashInput::Text, "{text:?}");
        }
        for text in ["/foo!", "/help?", "/model:opus", "/model=opus", "/modél", "/модель", "/?", "//", "/*"] {
            assert_eq!(SlashInput::parse(text), SlashInput::NoName(text));
        }
        assert_eq!(SlashInput::parse(" /help? me"), SlashInput::NoName("/help?"));
        assert_eq!(SlashInput::parse("// a comment"), SlashInput::Text);
        assert_eq!(SlashInput::parse("/ x"), SlashInput::NoName("/"));
        assert_eq!(SlashInput::parse(" /new"), SlashInput::Name("new"));
        assert_eq!(SlashInput::parse("/"), SlashInput::Name(""));
        assert_eq!(SlashInput::parse("/mo"), SlashInput::Name("mo"));
        assert_eq!(command_named("copy"), Some(Action::CopyAnswer), "the name of the selection's copy in the config");
        assert_eq!(Action::from_name("copy"), Some(Action::Copy), "as in the configs of version 0.1.0");
        let argument = |name, argument| SlashInput::Argument { name, argument };
        assert_eq!(SlashInput::parse("/model "), argument("model", ""));
        assert_eq!(SlashInput::parse("/title  a b "), argument("title", "a b"));
    }

    #[test]
    fn names_come_first_and_then_titles_with_a_word_that_begins_so() {
        assert_eq!(names("mo")[..2], ["/model", "/mouse"]);
        assert!(names("mo").contains(&"/again".to_owned()), "{:?}", names("mo"));
        assert_eq!(names("foo"), ["/copy-footnote"]);
        assert!(!name_rows("foo", &Keymap::default(), |_| 0)[0].is_named, "Enter runs no row that nobody named");
        assert_eq!(names("qux"), [""; 0]);
        assert!(!names("ode").contains(&"/model".to_owned()), "the middle of a word does not count");
        assert_eq!(names("th"), ["/theme"], "not every command with an article");
        assert_eq!(names("thi"), [""; 0]);
    }

    #[test]
    fn commands_that_are_used_more_come_first() {
        let rows = name_rows("t", &Keymap::default(), |action| u64::from(action == Action::RenameConversation));
        assert_eq!(rows[0].label, "/title");
    }
}
