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

/// The variable that the key of the built-in server comes from.
pub const USUAL_VARIABLE: &str = "OPENROUTER_API_KEY";

static KEYS: GrowingList<KnownKey> = GrowingList::new();
static VARIABLES: GrowingList<String> = GrowingList::new();

/// A key that is in use.
struct KnownKey {
    key: SecretString,
    /// The same with JSON escapes.
    escaped: SecretString,
    placeholder: String,
}

/// Remembers a key that is about to be used, and the environment variable that stands for it.
pub fn note_key(key: &SecretString, variable: &str) {
    let text = key.expose_secret();
    if text.len() < MIN_KEY_LENGTH || KEYS.iter().any(|known| known.key.expose_secret() == text) {
        return;
    }
    let escaped = serde_json::Value::from(text).to_string().trim_matches('"').to_owned().into();
    KEYS.push(KnownKey { key: key.clone(), escaped, placeholder: format!("${variable}") });
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

fn holds_key(name: &OsStr, value: &OsStr) -> bool {
    let is_known = name == USUAL_VARIABLE || VARIABLES.iter().any(|known| name == known.as_str());
    is_known || matches!(redact(&value.to_string_lossy()), Cow::Owned(_))
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
