//! Changes of single settings in the config file; comments and order stay as they are.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, Value};

use super::{Chosen, Code, Complaint, Config, Mouse, read};
use crate::files::{self, Readers};

/// How a file begins that the program makes.
const HEAD: &str = "# Settings of ibid. assets/config.toml in its source explains all of them.\n\n";

impl Config {
    /// Keeps what was chosen on the screen, in a file that is made if there is none.
    ///
    /// # Errors
    /// The file is not a config that can be read, or cannot be written.
    pub fn keep(path: &Path, chosen: &Chosen) -> Result<(), Complaint> {
        edit(path, |document| {
            let root = document.as_table_mut();
            match chosen {
                Chosen::Theme(name) => set(root, "theme", name),
                Chosen::Mouse(mouse) => set(root, "mouse", mouse.name()),
                Chosen::Code(code) => set(root, "code", code.name()),
                Chosen::Slot(slot, model) => set(table(root, "slots")?, &slot.to_string(), model),
                Chosen::Tool(rule) => {
                    let tools = table(root, "tools")?;
                    tools.set_implicit(true);
                    set(table(tools, "policy")?, rule, "allow");
                }
                Chosen::Checks => set(table(root, "sources")?, "check", "always"),
            }
            Some(())
        })
    }

    /// Adds a server, or changes the address of one, and makes it the endpoint of new conversations.
    ///
    /// # Errors
    /// The address is none, the file is not a config that can be read, or cannot be written.
    pub fn set_endpoint(path: &Path, name: &str, base_url: &str) -> Result<(), Complaint> {
        edit(path, |document| {
            let endpoints = table(document.as_table_mut(), "endpoints")?;
            endpoints.set_implicit(true);
            set(table(endpoints, name)?, "base_url", base_url);
            set(document.as_table_mut(), "endpoint", name);
            Some(())
        })
    }

    /// Makes an endpoint of the file, or `openrouter`, that of new conversations.
    ///
    /// # Errors
    /// There is no such endpoint, the file is not a config that can be read, or cannot be written.
    pub fn choose_endpoint(path: &Path, name: &str) -> Result<(), Complaint> {
        edit(path, |document| {
            set(document.as_table_mut(), "endpoint", name);
            Some(())
        })
    }
}

impl Mouse {
    /// As the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Wheel => "wheel",
            Self::Off => "off",
        }
    }
}

impl Code {
    /// As the file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Scroll => "scroll",
        }
    }
}

impl Chosen {
    /// What it is, with its verb: it holds until the program ends where it could not be kept.
    pub fn holds(&self) -> &'static str {
        match self {
            Self::Theme(_) => "the theme holds",
            Self::Mouse(_) => "the choice of the mouse holds",
            Self::Code(_) => "the choice for long lines of code holds",
            Self::Slot(..) => "the slot holds",
            Self::Tool(_) => "it is allowed",
            Self::Checks => "pages may be fetched",
        }
    }
}

/// Reads, changes and replaces the file; the result is parsed before it is written.
fn edit(path: &Path, change: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<(), Complaint> {
    let text = read::read(path)?.unwrap_or_else(|| HEAD.to_owned());
    Config::parse(&text, path)?;
    let complain = |what: String| Complaint {
        path: path.to_owned(),
        line: None,
        column: None,
        key: None,
        what,
        hint: Some("make the change in the file by hand".into()),
    };
    let mut document: DocumentMut = text.parse().map_err(|_| complain("the file is not TOML".into()))?;
    // A file of comments only: they stay at its top.
    let head = if document.is_empty() { std::mem::take(&mut document).to_string() } else { String::new() };
    change(&mut document).ok_or_else(|| complain("the table is written in a form that cannot be added to".into()))?;
    let text = head + &document.to_string();
    Config::parse(&text, path)?;
    files::replace(path, text.as_bytes(), Readers::Anyone)
        .map_err(|error| complain(format!("the file cannot be written ({error})")))
}

/// Sets a value; the comment behind it stays.
fn set(table: &mut Table, key: &str, text: &str) {
    let mut new = Value::from(text);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table[key] = Item::Value(new);
}

/// The table of that name, made where there is none.
fn table<'a>(parent: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    let item = parent.entry(name).or_insert_with(|| Item::Table(Table::new()));
    if let Item::Value(inline) = item {
        let inline = std::mem::replace(inline, false.into());
        *item = Item::Value(inline).into_table().map(Item::Table).ok()?;
    }
    item.as_table_mut()
}
