//! A request as it was sent, with a placeholder instead of the API key.

use std::borrow::Cow;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{Endpoint, error::status_text};
use crate::secrets;

/// A request as it was sent, without secrets, so that it can be shown, stored and copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRequest {
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// The JSON body, byte for byte.
    pub body: String,
    /// The environment variable that replaces the key.
    pub variable: String,
}

/// The head of a response, without secrets, so that it can be shown and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHead {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

impl ResponseHead {
    /// Returns the status with its reason, such as `429 Too Many Requests`.
    pub fn status_text(&self) -> String {
        status_text(self.status)
    }
}

/// A shorter key could be an ordinary word, so it is redacted only in headers that hold a key.
const MIN_KEY_LENGTH: usize = 8;

/// Replaces the API key in text with a placeholder.
#[derive(Debug, Clone)]
pub struct KeyRedactor {
    endpoint: Endpoint,
    /// The key with JSON escapes, if it is long enough to be redacted everywhere.
    escaped_key: Option<String>,
    placeholder: String,
}

impl KeyRedactor {
    /// Creates a redactor that replaces the endpoint's key with the name of the environment variable `variable`.
    pub fn new(endpoint: &Endpoint, variable: &str) -> Self {
        let key = endpoint.key.as_ref().map(ExposeSecret::expose_secret).filter(|key| key.len() >= MIN_KEY_LENGTH);
        let escaped_key = key.map(|key| serde_json::Value::from(key).to_string().trim_matches('"').to_owned());
        Self { endpoint: endpoint.clone(), escaped_key, placeholder: format!("${variable}") }
    }

    /// Replaces every occurrence of this key and of all others in use, whether plain or with JSON escapes.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let (Some(key), Some(escaped)) = (&self.endpoint.key, &self.escaped_key) else { return secrets::redact(text) };
        let key = key.expose_secret();
        if text.contains(key) || key != escaped && text.contains(escaped) {
            let hidden = text.replace(escaped, &self.placeholder).replace(key, &self.placeholder);
            secrets::redact_owned(hidden).into()
        } else {
            secrets::redact(text)
        }
    }

    /// Redacts the key and the server's own secrets from the head of a response.
    pub fn redact_head(&self, head: ResponseHead) -> ResponseHead {
        let redact_value = |(name, value): (String, String)| {
            let is_secret = name == "set-cookie";
            let value = if is_secret { "(removed)".into() } else { self.redact(&value).into_owned() };
            (name, value)
        };
        ResponseHead { headers: head.headers.into_iter().map(redact_value).collect(), ..head }
    }

    /// Redacts the value of a header that holds the key and no other secret.
    pub fn redact_header(&self, value: &str) -> String {
        match &self.endpoint.key {
            Some(key) => value.replace(key.expose_secret(), &self.placeholder),
            None => value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::ApiDialect;

    fn redactor(key: &str) -> KeyRedactor {
        let endpoint = Endpoint {
            name: "openrouter".into(),
            base_url: "https://openrouter.ai/api/v1".into(),
            dialect: ApiDialect::OpenRouter,
            key: Some(key.to_owned().into()),
        };
        KeyRedactor::new(&endpoint, "OPENROUTER_API_KEY")
    }

    #[test]
    fn a_short_key_is_redacted_only_in_key_headers() {
        assert_eq!(redactor("none").redact(r#"{"effort":"none"}"#), r#"{"effort":"none"}"#);
        assert_eq!(redactor("none").redact_header("Bearer none"), "Bearer $OPENROUTER_API_KEY");
    }

    #[test]
    fn a_redacted_head_has_no_key_and_no_cookies() {
        let headers =
            [("x-echo", "Bearer sk-or-v1-0123456789"), ("set-cookie", "session=1"), ("x-generation-id", "gen-1")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let head = redactor("sk-or-v1-0123456789").redact_head(ResponseHead { status: 429, headers });
        let shown: Vec<&str> = head.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!((head.status, shown), (429, vec!["Bearer $OPENROUTER_API_KEY", "(removed)", "gen-1"]));
    }

    proptest! {
        #[test]
        fn the_key_is_redacted_wherever_it_occurs(
            key in "[!-~]{8,40}", before in ".{0,20}", between in "[ -~]{0,20}", as_json in any::<bool>(),
        ) {
            prop_assume!(!"$OPENROUTER_API_KEY".contains(&key));
            let said = format!("{before}{key}{between}{key}");
            let said = if as_json { serde_json::Value::from(said).to_string() } else { said };
            let hidden = redactor(&key).redact(&said).into_owned();
            // A placeholder and the text around it could spell the key by chance; that is not the original key.
            let rest = hidden.replace("$OPENROUTER_API_KEY", "\u{0}");
            prop_assert!(!rest.contains(&key), "{hidden}");
        }
    }
}
