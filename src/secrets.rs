//! The keys in use: a text that leaves a task contains none of them, and no other program inherits one.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    process::Command,
    sync::OnceLock,
};

use secrecy::{ExposeSecret, SecretString};

/// A shorter key could be an ordinary word.
const MIN_KEY_LENGTH: usize = 8;

/// A shorter value of a variable that only sounds like a key, such as `AUTH_MODE`, could be a word.
const MIN_FOREIGN_KEY_LENGTH: usize = 16;

/// The variable that the key of the built-in server comes from.
pub const USUAL_VARIABLE: &str = "OPENROUTER_API_KEY";

static KEYS: GrowingList<KnownKey> = GrowingList::new();
static VARIABLES: GrowingList<String> = GrowingList::new();

/// A key that is in use.
struct KnownKey {
    key: SecretString,
    /// Whether it is a key of our own, and not one that a tool or server of the user uses.
    is_own: bool,
    /// The same with JSON escapes.
    escaped: SecretString,
    placeholder: String,
}

/// Remembers a key that is about to be used, and the environment variable that stands for it.
pub fn note_key(key: &SecretString, variable: &str) {
    note(key, variable, true);
}

/// Remembers a key that a server of the user gets. It is hidden in texts, but other programs may inherit it.
pub fn note_foreign_key(key: &SecretString, variable: &str) {
    if key.expose_secret().len() >= MIN_FOREIGN_KEY_LENGTH {
        note(key, variable, false);
    }
}

fn note(key: &SecretString, variable: &str, is_own: bool) {
    let text = key.expose_secret();
    if text.len() < MIN_KEY_LENGTH
        || KEYS.iter().any(|known| known.key.expose_secret() == text && (known.is_own || !is_own))
    {
        return;
    }
    let escaped = serde_json::Value::from(text).to_string().trim_matches('"').to_owned().into();
    KEYS.push(KnownKey { key: key.clone(), is_own, escaped, placeholder: format!("${variable}") });
}

/// Remembers a variable that holds a key.
pub fn note_variable(name: &str) {
    if !VARIABLES.iter().any(|known| known == name) {
        VARIABLES.push(name.to_owned());
    }
}

/// Replaces every key in use, plain or with JSON escapes, with the name of its variable.
pub fn redact(text: &str) -> Cow<'_, str> {
    let is_in_text =
        |known: &&KnownKey| text.contains(known.key.expose_secret()) || text.contains(known.escaped.expose_secret());
    let mut found: Vec<&KnownKey> = KEYS.iter().filter(is_in_text).collect();
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    // A key may begin with another one.
    found.sort_by_key(|known| std::cmp::Reverse(known.key.expose_secret().len()));
    let hide = |text: String, known: &KnownKey| {
        let text = text.replace(known.escaped.expose_secret(), &known.placeholder);
        text.replace(known.key.expose_secret(), &known.placeholder)
    };
    Cow::Owned(found.into_iter().fold(text.to_owned(), hide))
}

/// The same for a text that is ours already.
pub fn redact_owned(text: String) -> String {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(hidden) => hidden,
    }
}

/// How many bytes at the end of a text are the beginning of a key whose rest may follow.
pub fn begun_key_bytes(text: &str) -> usize {
    let begun = |key: &str| {
        let lengths = (1..key.len().min(text.len() + 1)).rev();
        lengths.filter(|length| key.is_char_boundary(*length)).find(|length| text.ends_with(&key[..*length]))
    };
    known_forms().filter_map(begun).max().unwrap_or(0)
}

/// Hides the keys in a text whose end was cut off, also one that was cut in two.
pub fn redact_cut_end(text: &str) -> Cow<'_, str> {
    let hidden = redact(text);
    let begun = begun_key_bytes(&hidden);
    if begun < MIN_KEY_LENGTH {
        return hidden;
    }
    Cow::Owned(hidden[..hidden.len() - begun].to_owned() + "…")
}

/// Hides the keys in a text whose beginning was cut off, also one that was cut in two.
pub fn redact_cut_start(text: &str) -> Cow<'_, str> {
    let hidden = redact(text);
    let ended = |key: &str| {
        let starts = 1..key.len();
        starts
            .filter(|start| key.is_char_boundary(*start))
            .find(|start| hidden.starts_with(&key[*start..]))
            .map(|start| key.len() - start)
    };
    match known_forms().filter_map(ended).max() {
        Some(ended) if ended >= MIN_KEY_LENGTH => Cow::Owned(format!("…{}", &hidden[ended..])),
        _ => hidden,
    }
}

/// Every key in use, as it is and with JSON escapes.
fn known_forms() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|known| {
        let (plain, escaped) = (known.key.expose_secret(), known.escaped.expose_secret());
        std::iter::once(plain).chain((escaped != plain).then_some(escaped))
    })
}

/// Keeps the keys in our environment from a program that is about to be started. What was set for it on purpose stays.
pub fn hide_from(command: &mut Command) {
    let on_purpose = |name: &OsStr| command.get_envs().any(|(set, value)| set == name && value.is_some());
    let secret: Vec<OsString> = std::env::vars_os()
        .filter(|(name, value)| holds_key(name, value) && !on_purpose(name))
        .map(|(name, _)| name)
        .collect();
    for name in secret {
        command.env_remove(name);
    }
}

/// Whether a variable of this name, with this value, holds a key of our own.
pub fn holds_key(name: &OsStr, value: &OsStr) -> bool {
    let is_named = |known: &str| name.eq_ignore_ascii_case(known);
    let value = value.to_string_lossy();
    is_named(USUAL_VARIABLE)
        || VARIABLES.iter().any(|known| is_named(known))
        || KEYS.iter().any(|known| known.is_own && value.contains(known.key.expose_secret()))
}

/// Makes the system write no image of our memory when we crash, because there are keys in it.
pub fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
        let _ = setrlimit(Resource::Core, none); // Lowering a limit is always allowed.
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable); // A program that collects dumps ignores the limit.
    }
}

/// A list that only grows, so that reading it needs no lock.
struct GrowingList<T>(OnceLock<Box<ListEntry<T>>>);

struct ListEntry<T> {
    value: T,
    next: OnceLock<Box<ListEntry<T>>>,
}

impl<T> GrowingList<T> {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn push(&self, value: T) {
        let mut entry = Box::new(ListEntry { value, next: OnceLock::new() });
        let mut end = &self.0;
        while let Err(refused) = end.set(entry) {
            entry = refused;
            end = &end.get().expect("another entry was there first").next;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::successors(self.0.get(), |entry| entry.next.get()).map(|entry| &entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_key_is_replaced_and_the_longer_one_first() {
        note_key(&"sk-secrets-test".into(), "FIRST");
        note_key(&"sk-secrets-test-and-more".into(), "SECOND");
        note_key(&"sk-secrets\"quoted".into(), "THIRD");
        note_key(&"short".into(), "FOURTH");
        assert_eq!(
            redact("a sk-secrets-test-and-more, sk-secrets-test, sk-secrets\\\"quoted, short"),
            "a $SECOND, $FIRST, $THIRD, short"
        );
        assert!(matches!(redact("nothing of it"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_halves_of_a_key_that_was_cut_are_hidden() {
        note_key(&"sk-halves-0123456789".into(), "HALVES_KEY");
        assert_eq!(begun_key_bytes("it is sk-halves-01"), 12);
        assert_eq!(begun_key_bytes("its"), 1);
        assert_eq!(begun_key_bytes("sk-halves-0123456789"), 0, "a whole key is not begun");
        assert_eq!(redact_cut_end("it is sk-halves-01"), "it is …");
        assert_eq!(redact_cut_end("it is sk-halves-0123456789"), "it is $HALVES_KEY");
        assert_eq!(redact_cut_start("es-0123456789, it was"), "…, it was");
        assert_eq!(
            (redact_cut_end("it is sk-ha"), redact_cut_start("789 it was")),
            ("it is sk-ha".into(), "789 it was".into())
        );
    }

    #[test]
    fn a_key_of_a_server_is_hidden_but_may_be_inherited() {
        note_foreign_key(&"ghp_secrets_test_0123".into(), "FORGE_TOKEN");
        note_foreign_key(&"disabled".into(), "AUTH_MODE");
        assert_eq!(redact("ghp_secrets_test_0123 is disabled"), "$FORGE_TOKEN is disabled");
        assert!(!holds_key("FORGE_TOKEN".as_ref(), "ghp_secrets_test_0123".as_ref()));
    }

    #[test]
    fn a_variable_holds_a_key_by_its_name_or_its_value() {
        note_variable("SECRETS_TEST_KEY");
        note_key(&"sk-secrets-variable".into(), "SECRETS_TEST_KEY");
        let holds = |name: &str, value: &str| holds_key(name.as_ref(), value.as_ref());
        assert!(holds("SECRETS_TEST_KEY", "x") && holds(USUAL_VARIABLE, "x"));
        assert!(holds("AUTH", "Bearer sk-secrets-variable"));
        assert!(!holds("HOME", "/home/me"));
    }

    #[test]
    fn entries_of_many_threads_all_arrive() {
        static LIST: GrowingList<usize> = GrowingList::new();
        std::thread::scope(|threads| {
            for thread in 0..4 {
                threads.spawn(move || (0..100).for_each(|n| LIST.push(thread * 100 + n)));
            }
        });
        let mut all: Vec<usize> = LIST.iter().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..400).collect::<Vec<_>>());
    }
}
