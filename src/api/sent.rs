//! A request as it left, with the name of the key instead of the key.

use std::borrow::Cow;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{Endpoint, error::status_in_words};

/// What went over the wire, fit to be shown, kept and copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// JSON, byte for byte.
    pub body: String,
    /// The environment variable that stands for the key.
    pub variable: String,
}

/// The head of a server's answer, fit to be shown and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Such as `429 Too Many Requests`.
    pub fn status_in_words(&self) -> String {
        status_in_words(self.status)
    }
}

/// A shorter key is a word like any other and is hidden only where a key belongs.
const SHORTEST_KEY: usize = 8;

/// Takes the key out of whatever passes.
#[derive(Debug, Clone)]
pub struct Veil {
    endpoint: Endpoint,
    /// The key as JSON has it, where it is long enough to be hidden everywhere.
    escaped: Option<String>,
    name: String,
}

impl Veil {
    /// `variable` is the environment variable that stands for the key.
    pub fn new(endpoint: &Endpoint, variable: &str) -> Self {
        let key = endpoint.key.as_ref().map(ExposeSecret::expose_secret).filter(|key| key.len() >= SHORTEST_KEY);
        let escaped = key.map(|key| serde_json::Value::from(key).to_string().trim_matches('"').to_owned());
        Self { endpoint: endpoint.clone(), escaped, name: format!("${variable}") }
    }

    /// The text with the name of the key wherever the key stood, be it written as it is or as JSON has it.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let (Some(key), Some(escaped)) = (&self.endpoint.key, &self.escaped) else { return text.into() };
        let key = key.expose_secret();
        if text.contains(key) || key != escaped && text.contains(escaped) {
            text.replace(escaped, &self.name).replace(key, &self.name).into()
        } else {
            text.into()
        }
    }

    /// The head of an answer, without the key in it and without the secrets of the server's own.
    pub fn head(&self, head: Head) -> Head {
        let shown = |(name, value): (String, String)| {
            let is_secret = name == "set-cookie";
            let value = if is_secret { "(not kept)".into() } else { self.hide(&value).into_owned() };
            (name, value)
        };
        Head { headers: head.headers.into_iter().map(shown).collect(), ..head }
    }

    /// The value of a header that holds the key and nothing else that is secret.
    pub fn header(&self, value: &str) -> String {
        match &self.endpoint.key {
            Some(key) => value.replace(key.expose_secret(), &self.name),
            None => value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::Dialect;

    fn veil(key: &str) -> Veil {
        let endpoint = Endpoint {
            name: "openrouter".into(),
            base_url: "https://openrouter.ai/api/v1".into(),
            dialect: Dialect::OpenRouter,
            key: Some(key.to_owned().into()),
        };
        Veil::new(&endpoint, "OPENROUTER_API_KEY")
    }

    #[test]
    fn a_word_that_is_a_key_elsewhere_stays_a_word() {
        assert_eq!(veil("none").hide(r#"{"effort":"none"}"#), r#"{"effort":"none"}"#);
        assert_eq!(veil("none").header("Bearer none"), "Bearer $OPENROUTER_API_KEY");
    }

    #[test]
    fn the_head_of_an_answer_is_kept_without_the_key_and_without_cookies() {
        let headers =
            [("x-echo", "Bearer sk-or-v1-0123456789"), ("set-cookie", "session=1"), ("x-generation-id", "gen-1")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let head = veil("sk-or-v1-0123456789").head(Head { status: 429, headers });
        let shown: Vec<&str> = head.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!((head.status, shown), (429, vec!["Bearer $OPENROUTER_API_KEY", "(not kept)", "gen-1"]));
    }

    proptest! {
        #[test]
        fn the_key_never_occurs_wherever_it_was_put(
            key in "[!-~]{8,40}", before in ".{0,20}", between in "[ -~]{0,20}", as_json in any::<bool>(),
        ) {
            prop_assume!(!"$OPENROUTER_API_KEY".contains(&key));
            let said = format!("{before}{key}{between}{key}");
            let said = if as_json { serde_json::Value::from(said).to_string() } else { said };
            let hidden = veil(&key).hide(&said).into_owned();
            // Around a name a key of the same letters could begin anew; that is not the key that was there.
            let rest = hidden.replace("$OPENROUTER_API_KEY", "\u{0}");
            prop_assert!(!rest.contains(&key), "{hidden}");
        }
    }
}
