//! Changes single settings in the config file, and preserves its comments and order.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, Value};

use super::{CodeOverflow, Config, ConfigProblem, CopyForm, LineBreaks, MouseMode, SettingChange, load};
use crate::{
    files::{self, FileAccess},
    text,
};

/// The beginning of a config file created by the program.
const FILE_HEADER: &str = "# Settings of ibid; assets/config.toml in its source code explains all of them.\n\n";

impl Config {
    /// Saves a setting that was changed on the screen, and creates the file if there is none.
    ///
    /// # Errors
    /// The file is not a valid config, or cannot be written.
    pub fn save_change(path: &Path, change: &SettingChange) -> Result<(), ConfigProblem> {
        edit_file(path, |document| {
            let root = document.as_table_mut();
            match change {
                SettingChange::Theme(name) => set_value(root, "theme", name),
                SettingChange::Mouse(mouse) => set_value(root, "mouse", mouse.as_str()),
                SettingChange::Code(code) => set_value(root, "code", code.as_str()),
                SettingChange::TextWidth(cells) => set_value(root, "text_width", i64::from(*cells)),
                SettingChange::LineBreaks(breaks) => set_value(root, "line_breaks", breaks.as_str()),
                SettingChange::CopyAs(form) => set_value(root, "copy_as", form.as_str()),
                SettingChange::Slot(slot, model) => set_value(table_entry(root, "slots")?, &slot.to_string(), model),
                SettingChange::AllowPageChecks => set_value(table_entry(root, "sources")?, "check", "always"),
            }
            Some(())
        })
    }

    /// Adds a server, or changes its address, and makes it the endpoint for new conversations.
    ///
    /// # Errors
    /// The address is invalid, or the file is not a valid config or cannot be written.
    pub fn set_endpoint(path: &Path, name: &str, base_url: &str) -> Result<(), ConfigProblem> {
        edit_file(path, |document| {
            let endpoints = table_entry(document.as_table_mut(), "endpoints")?;
            endpoints.set_implicit(true);
            set_value(table_entry(endpoints, name)?, "base_url", base_url);
            set_value(document.as_table_mut(), "endpoint", name);
            Some(())
        })
    }

    /// Makes an endpoint in the file, or `openrouter`, the one for new conversations.
    ///
    /// # Errors
    /// There is no such endpoint, or the file is not a valid config or cannot be written.
    pub fn choose_endpoint(path: &Path, name: &str) -> Result<(), ConfigProblem> {
        edit_file(path, |document| {
            set_value(document.as_table_mut(), "endpoint", name);
            Some(())
        })
    }
}

impl MouseMode {
    /// The value as written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Wheel => "wheel",
            Self::Off => "off",
        }
    }
}

impl CodeOverflow {
    /// The value as written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Scroll => "scroll",
        }
    }
}

impl LineBreaks {
    /// The value as written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Markdown => "markdown",
        }
    }
}

impl CopyForm {
    /// The value as written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Markdown => "markdown",
            Self::Plain => "plain",
            Self::Rich => "rich",
        }
    }
}

impl SettingChange {
    /// Describes the change with a verb, for the message that it lasts only until the program quits.
    pub fn session_message(&self) -> &'static str {
        match self {
            Self::Theme(_) => "the theme stays",
            Self::Mouse(_) => "the mouse setting stays",
            Self::Code(_) => "the setting for long lines of code stays",
            Self::TextWidth(_) => "the text width stays",
            Self::LineBreaks(_) => "the setting for line breaks stays",
            Self::CopyAs(_) => "the form of copies stays",
            Self::Slot(..) => "the slot stays",
            Self::AllowPageChecks => "pages may be fetched",
        }
    }
}

/// Reads, changes and replaces the file. The result is parsed before it is written.
fn edit_file(path: &Path, change: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<(), ConfigProblem> {
    let text = load::read_file(path)?.unwrap_or_else(|| FILE_HEADER.to_owned());
    Config::parse(&text, path)?;
    let problem = |message: String| ConfigProblem {
        path: path.to_owned(),
        line: None,
        column: None,
        key: None,
        message,
        hint: Some("edit the file by hand".into()),
    };
    let mut document: DocumentMut = text.parse().map_err(|_| problem("the file is not TOML".into()))?;
    // In a file that contains only comments, they stay at the top.
    let leading_comments = if document.is_empty() { std::mem::take(&mut document).to_string() } else { String::new() };
    change(&mut document).ok_or_else(|| problem("the table is written in a form that ibid cannot add to".into()))?;
    let text = leading_comments + &document.to_string();
    Config::parse(&text, path)?;
    files::write_atomically(path, text.as_bytes(), FileAccess::AsFound)
        .map_err(|error| problem(format!("the file cannot be written ({})", text::error_words(&error))))
}

/// Sets a value and preserves the comment after it.
fn set_value(table: &mut Table, key: &str, value: impl Into<Value>) {
    let mut new: Value = value.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table[key] = Item::Value(new);
}

/// Returns the table with this name, created if there is none.
fn table_entry<'a>(parent: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    let item = parent.entry(name).or_insert_with(|| Item::Table(Table::new()));
    if let Item::Value(inline) = item {
        let inline = std::mem::replace(inline, false.into());
        *item = Item::Value(inline).into_table().map(Item::Table).ok()?;
    }
    item.as_table_mut()
}
