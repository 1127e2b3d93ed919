//! `${NAME}` and `${NAME:-default}` in the settings of servers.

use std::ffi::OsString;

use crate::secrets;

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSegment<'a> {
    Plain(&'a str),
    /// A variable of our environment, and the text as it is written.
    Variable {
        name: &'a str,
        default: Option<&'a str>,
        written: &'a str,
    },
}

/// Splits a text into its variables and what stands between them.
pub fn text_segments(text: &str) -> Vec<TextSegment<'_>> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let (before, from) = rest.split_at(start);
        let (written, after) = from.split_at(length + 1);
        let inner = &written[2..length];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        segments.extend((!before.is_empty()).then_some(TextSegment::Plain(before)));
        segments.push(TextSegment::Variable { name, default, written });
        rest = after;
    }
    segments.extend((!rest.is_empty()).then_some(TextSegment::Plain(rest)));
    segments
}

/// Whether the name of a variable says that it holds a key, a token or another secret.
pub fn names_secret(name: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "AUTH",
        "BEARER",
        "COOKIE",
        "PRIVATE",
        "SESSION",
    ];
    let name = name.to_ascii_uppercase();
    let last_word = name.rsplit('_').next().unwrap_or_default();
    SIGNS.iter().any(|sign| name.contains(sign))
        || ["PAT", "PASS", "PW"].contains(&last_word)
        || (last_word == "PWD" && name != "PWD")
}

/// Expands variables from our environment.
///
/// # Errors
/// A variable is not set and has no default.
pub(super) fn expand_variables(text: &str, env: fn(&str) -> Option<OsString>) -> Result<String, String> {
    text_segments(text)
        .into_iter()
        .map(|segment| match segment {
            TextSegment::Plain(plain) => Ok(plain.to_owned()),
            TextSegment::Variable { name, default, .. } => value_of(name, env)
                .inspect(|value| note_secret(name, value))
                .or_else(|| default.map(str::to_owned))
                .ok_or_else(|| format!("the variable {name} is not set")),
        })
        .collect()
}

/// Remembers a value that a server gets, if its name says that it is a secret: what the server says is shown without it.
pub(super) fn note_secret(name: &str, value: &str) {
    if names_secret(name) {
        secrets::note_foreign_key(&value.into(), name);
    }
}

/// Expands the variables whose values may be shown. Those that name a secret or are not set stay as they are written.
pub(super) fn expand_visible(text: &str, env: fn(&str) -> Option<OsString>) -> String {
    text_segments(text)
        .into_iter()
        .map(|segment| match segment {
            TextSegment::Plain(plain) => plain.to_owned(),
            TextSegment::Variable { name, written, .. } if names_secret(name) => written.to_owned(),
            TextSegment::Variable { name, default, written } => {
                value_of(name, env).unwrap_or_else(|| default.unwrap_or(written).to_owned())
            }
        })
        .collect()
}

/// The variables that a text names.
pub(super) fn variable_names(text: &str) -> impl Iterator<Item = &str> {
    text_segments(text).into_iter().filter_map(|segment| match segment {
        TextSegment::Variable { name, .. } => Some(name),
        TextSegment::Plain(_) => None,
    })
}

fn value_of(name: &str, env: fn(&str) -> Option<OsString>) -> Option<String> {
    env(name).and_then(|value| value.into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<OsString> {
        match name {
            "TOKEN" => Some("secret".into()),
            "PLACE" => Some("here".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_expanded_and_a_missing_one_is_an_error() {
        assert_eq!(expand_variables("Bearer ${TOKEN}!", env).as_deref(), Ok("Bearer secret!"));
        assert_eq!(expand_variables("${HOST:-localhost}:${TOKEN:-none}", env).as_deref(), Ok("localhost:secret"));
        assert_eq!(expand_variables("$TOKEN ${TOKEN", env).as_deref(), Ok("$TOKEN ${TOKEN"));
        assert_eq!(expand_variables("${NOBODY}", env), Err("the variable NOBODY is not set".into()));
    }

    #[test]
    fn what_may_be_shown_is_expanded_without_secrets() {
        assert_eq!(expand_visible("${PLACE}/${TOKEN}/${GONE}/${GONE:-x}", env), "here/${TOKEN}/${GONE}/x");
    }

    #[test]
    fn names_of_secrets_are_recognized() {
        for name in ["GITHUB_TOKEN", "api_key", "DB_PASSWORD", "MY_PAT", "AWS_SECRET_ACCESS", "DB_PWD", "ADMIN_PASS"] {
            assert!(names_secret(name), "{name}");
        }
        for name in ["HOME", "PATH", "PWD", "COMPASS_MODE", "HOST", "PATTERN"] {
            assert!(!names_secret(name), "{name}");
        }
    }
}
