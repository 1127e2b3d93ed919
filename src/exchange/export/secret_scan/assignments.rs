//! Secrets that are known by what stands before them: the name of a field, `Bearer`, the user of an address.

use std::collections::BTreeMap;

use super::{FoundSecret, key_shapes::is_placeholder};

/// How the name of a field that holds a secret ends, in lower case and without separators.
const SECRET_NAMES: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "secret",
    "secretkey",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authkey",
    "credential",
    "credentials",
    "connectionstring",
    "signingkey",
    "encryptionkey",
    "authorization",
];
/// The longest name of a field.
const MAX_NAME_BYTES: usize = 64;
/// The shortest secret.
const MIN_VALUE_CHARS: usize = 6;
/// The shortest secret without a digit or sign.
const MIN_WORD_CHARS: usize = 16;
/// A value with less is a word, in bits a character.
const MIN_ENTROPY: f64 = 2.4;
/// What people write in place of a password.
const STAND_INS: [&str; 12] = [
    "password",
    "passwort",
    "pass",
    "secret",
    "token",
    "changeme",
    "example",
    "your",
    "placeholder",
    "redacted",
    "hidden",
    "none",
];

/// Finds the values of fields such as `password=…` or `"api_key": "…"`.
pub(super) fn find_assignments(text: &str) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(['=', ':']) {
        if text[..at].ends_with(['=', ':', '!', '<', '>']) {
            continue;
        }
        let Some(name) = name_before(text, at).filter(|name| is_secret_name(name)) else { continue };
        let after = text[at + 1..].trim_start_matches(['=', '>', ':']);
        let after = after.trim_start_matches([' ', '\t']);
        let start = text.len() - after.len();
        let (value, is_quoted) = value_at(after);
        let start = start + usize::from(is_quoted);
        if is_telling_value(value, is_quoted) && !is_code_after(&text[start + value.len()..], is_quoted) {
            let label = format!("{name}{}", &text[at..=at]);
            found.push(FoundSecret { kind: "a password or token", range: start..start + value.len(), label });
        }
    }
    found
}

/// Finds tokens behind `Bearer` or `Basic`.
pub(super) fn find_bearers(text: &str) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    for (scheme, kind) in [("Bearer ", "a bearer token"), ("bearer ", "a bearer token"), ("Basic ", "a login")] {
        for (at, _) in text.match_indices(scheme) {
            let start = at + scheme.len();
            let rest = &text[start..];
            let is_token = |char: char| char.is_ascii_alphanumeric() || "-._~+/=".contains(char);
            let token = rest[..rest.find(|char| !is_token(char)).unwrap_or(rest.len())].trim_end_matches('.');
            let is_known =
                token.len() >= 16 && !is_placeholder(token) && token.bytes().any(|byte| byte.is_ascii_digit());
            if is_known {
                found.push(FoundSecret { kind, range: start..start + token.len(), label: scheme.to_owned() });
            }
        }
    }
    found
}

/// Finds the passwords of addresses such as `scheme://user:password@host`.
pub(super) fn find_url_passwords(text: &str) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = &text[start..];
        let ends = |char: char| char.is_whitespace() || matches!(char, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '`');
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let Some((login, _)) = authority.rsplit_once('@') else { continue };
        let Some((user, password)) = login.split_once(':') else { continue };
        let lower = password.to_lowercase();
        let is_stand_in = STAND_INS.contains(&lower.as_str()) || is_placeholder(password) || is_reference(password);
        if password.len() >= 4 && !is_stand_in {
            let from = start + user.len() + 1;
            let label = format!("{user}:");
            found.push(FoundSecret { kind: "a password in an address", range: from..from + password.len(), label });
        }
    }
    found
}

/// The name of the field before its sign, without quotes.
fn name_before(text: &str, at: usize) -> Option<&str> {
    let head = text[..at].trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'', '`', '\\']);
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.');
    let floor = head.ceil_char_boundary(head.len().saturating_sub(MAX_NAME_BYTES));
    let start = head[floor..]
        .rfind(|char| !is_name(char))
        .map_or(floor, |index| floor + index + head[floor + index..].chars().next().map_or(1, char::len_utf8));
    Some(&head[start..]).filter(|name| !name.is_empty())
}

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| plain.ends_with(secret))
}

/// The value at the beginning of a text, and whether it is in quotes.
fn value_at(text: &str) -> (&str, bool) {
    if let Some(quote) = text.chars().next().filter(|char| matches!(char, '"' | '\'' | '`')) {
        let inside = &text[1..];
        let end = inside.find(['\n', quote]).unwrap_or(inside.len());
        return (inside[..end].trim_end_matches('\\'), true);
    }
    let ends = |char: char| char.is_whitespace() || "\"'`,;()[]{}<>|".contains(char);
    let value = &text[..text.find(ends).unwrap_or(text.len())];
    (value.trim_end_matches(['.', ':', '!', '?']), false)
}

/// Whether a value reads like a secret rather than a word, a name or a stand-in.
pub(super) fn is_telling_value(value: &str, is_quoted: bool) -> bool {
    let lower = value.to_lowercase();
    let count = value.chars().count();
    let is_stand_in = count < MIN_WORD_CHARS && STAND_INS.iter().any(|word| lower.starts_with(word));
    if count < MIN_VALUE_CHARS || is_stand_in || is_placeholder(value) || is_reference(value) || value.contains('█') {
        return false;
    }
    let has_digit = value.chars().any(|char| char.is_ascii_digit());
    let has_letter = value.chars().any(char::is_alphabetic);
    let has_sign =
        value.chars().any(|char| char.is_ascii_punctuation() && !matches!(char, '_' | '-' | '.' | ':' | '/'));
    let is_mixed = value.chars().any(char::is_uppercase) && value.chars().any(char::is_lowercase);
    let is_varied = has_letter && (has_digit || has_sign)
        || is_quoted && count >= MIN_WORD_CHARS && is_mixed && !value.contains(' ');
    is_varied && entropy(value) >= MIN_ENTROPY
}

/// Whether a value only refers to one that is elsewhere: a variable, a slot of a template.
fn is_reference(value: &str) -> bool {
    value.starts_with(['$', '<', '{', '%', '[', '&', '*', '@']) || value.contains("://") && !value.contains('@')
}

/// Whether code goes on behind a value, which is then a name.
fn is_code_after(rest: &str, is_quoted: bool) -> bool {
    !is_quoted && (rest.starts_with(['(', '[', '<']) || rest.starts_with("::"))
}

/// The entropy of the characters of a text, in bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut total = 0_u32;
    for char in text.chars() {
        *counts.entry(char).or_default() += 1;
        total += 1;
    }
    counts.values().map(|count| f64::from(*count) / f64::from(total)).map(|share| -share * share.log2()).sum()
}
