//! What is typed on the connect screen: an address or a key.

use std::fmt;

use crossterm::event::KeyEvent;
use secrecy::SecretString;

use crate::ui::overlay::field::TextField;

/// A field for a key. Its `Debug` output hides the text.
#[derive(Clone, Default)]
pub struct SecretField {
    field: TextField,
}

impl SecretField {
    pub fn edit(&mut self, key: KeyEvent) {
        self.field.edit(key);
    }

    pub fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    /// Returns the field, to draw it as dots.
    pub fn hidden_text(&self) -> &TextField {
        &self.field
    }

    pub fn is_empty(&self) -> bool {
        self.field.is_empty()
    }

    /// Returns what was typed, or why it cannot be a key.
    pub(super) fn checked_key(&self) -> Result<SecretString, &'static str> {
        match self.field.text().trim() {
            "" => Err("Paste the key first."),
            key if key.contains(char::is_whitespace) => Err("That is not a key: it contains spaces."),
            key => Ok(key.into()),
        }
    }
}

impl fmt::Debug for SecretField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretField")
    }
}

/// Returns the base address for what was typed, or why it is none. Without a scheme it is `http`, and without a path
/// `/v1`, where nearly all servers have it.
pub fn completed_address(typed: &str) -> Result<String, &'static str> {
    let typed = typed.trim();
    let complete = match typed.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => typed.to_owned(),
        Some(_) => return Err("An address begins with http:// or https://"),
        None if typed.is_empty() => return Err("Enter an address, such as http://localhost:11434/v1"),
        None => format!("http://{typed}"),
    };
    if complete.contains(char::is_whitespace) {
        return Err("An address contains no spaces.");
    }
    let has_path = complete.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?']));
    Ok(if has_path { complete } else { complete + "/v1" })
}
