//! The first screen of a program that cannot reach a model yet.

#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;

use super::field::{Field, Shows};
pub use view::WelcomeView;

/// How ibid shall reach a model: what is chosen, and what is typed for it.
#[derive(Debug, Clone, Default)]
pub struct Welcome {
    pub choice: Choice,
    /// What is being typed for the choice, once it was taken.
    pub field: Option<Field>,
    /// What was typed is being tried.
    pub trying: bool,
    /// Why it did not work, in one sentence.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Key,
    Server,
    Demo,
}

/// What the reader decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An OpenRouter key, as it was pasted.
    Key(String),
    /// The address of a server, with its scheme.
    Server(String),
    Demo,
}

impl Choice {
    pub const ALL: [Self; 3] = [Self::Key, Self::Server, Self::Demo];

    fn title(self) -> &'static str {
        match self {
            Self::Key => "Paste an OpenRouter key",
            Self::Server => "A server on this machine",
            Self::Demo => "Look around first",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Key => "kept in a file that only you can read",
            Self::Server => "Ollama, llama.cpp, vLLM, LM Studio: enter its address",
            Self::Demo => "the built-in demo: no key, no network",
        }
    }

    fn shows(self) -> Shows {
        match self {
            Self::Key => Shows::Dots,
            Self::Server | Self::Demo => Shows::Text,
        }
    }
}

impl Welcome {
    /// Moves the choice up or down; while something is typed it stays.
    pub fn step(&mut self, down: bool) {
        let at = self.choice as usize;
        let next = if down { at + 1 } else { at.saturating_sub(1) };
        if let Some(choice) = Choice::ALL.get(next).filter(|_| self.field.is_none()) {
            self.choice = *choice;
        }
    }

    /// Takes the choice with that number, as if Enter had been pressed on it.
    pub fn choose(&mut self, number: usize) -> Option<Answer> {
        let choice = number.checked_sub(1).and_then(|at| Choice::ALL.get(at)).filter(|_| self.field.is_none())?;
        self.choice = *choice;
        self.enter()
    }

    /// Enter: opens the field of the choice, or gives what was typed in it.
    pub fn enter(&mut self) -> Option<Answer> {
        if self.trying {
            return None;
        }
        self.error = None;
        let Some(field) = &self.field else {
            return self.take_choice();
        };
        let text = field.text().trim().to_owned();
        let answer = match self.choice {
            Choice::Key => key(text).map(Answer::Key),
            Choice::Server => address(text).map(Answer::Server),
            Choice::Demo => Ok(Answer::Demo),
        };
        match answer {
            Ok(answer) => {
                self.trying = true;
                Some(answer)
            }
            Err(error) => {
                self.error = Some(error.to_owned());
                None
            }
        }
    }

    /// Escape: from the field back to the choices; `false` when it was there already.
    pub fn back(&mut self) -> bool {
        self.error = None;
        self.trying = false;
        self.field.take().is_some()
    }

    /// What was typed did not work; it stays to be corrected.
    pub fn fail(&mut self, why: String) {
        self.trying = false;
        self.error = Some(why);
    }

    /// A key for the field; `false` when there is none or it means nothing to it.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        if self.trying {
            return false;
        }
        self.error = None;
        self.field.as_mut().is_some_and(|field| field.edit(key))
    }

    /// A paste; at the choices it is taken for a key.
    pub fn paste(&mut self, text: &str) {
        if self.trying {
            return;
        }
        self.error = None;
        if self.field.is_none() {
            self.choice = Choice::Key;
        }
        self.field.get_or_insert_default().paste(text);
    }

    fn take_choice(&mut self) -> Option<Answer> {
        match self.choice {
            Choice::Key | Choice::Server => {
                self.field = Some(Field::default());
                None
            }
            Choice::Demo => Some(Answer::Demo),
        }
    }
}

fn key(text: String) -> Result<String, &'static str> {
    match text.as_str() {
        "" => Err("Paste the key here; it is made at openrouter.ai/keys."),
        key if key.contains(char::is_whitespace) => Err("A key has no blanks in it. Was something else copied?"),
        _ => Ok(text),
    }
}

fn address(text: String) -> Result<String, &'static str> {
    let complete = match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => text,
        Some(_) => return Err("An address begins with http:// or https://"),
        None if text.is_empty() => return Err("Enter an address, such as http://localhost:11434/v1"),
        None => format!("http://{text}"),
    };
    if complete.contains(char::is_whitespace) { Err("An address has no blanks in it.") } else { Ok(complete) }
}
