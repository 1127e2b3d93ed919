//! The welcome screen, shown until ibid can reach a model.

#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;

use super::{
    Action,
    overlay::field::{FieldDisplay, TextField},
};
pub use view::WelcomeView;

/// The state of the welcome screen: the selected choice, and the text typed for it.
#[derive(Debug, Clone, Default)]
pub struct WelcomeScreen {
    pub choice: WelcomeChoice,
    /// The key or address being typed, once its choice is taken.
    pub field: Option<TextField>,
    /// Whether the entered key or address is being tried.
    pub is_trying: bool,
    /// The reason it did not work, in one sentence.
    pub error: Option<String>,
}

/// A way to reach a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WelcomeChoice {
    #[default]
    Key,
    Server,
    Demo,
}

/// The connection that the user requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectRequest {
    /// An OpenRouter key as it was entered.
    Key(String),
    /// The address of a server, with its scheme.
    Server(String),
    Demo,
}

impl WelcomeChoice {
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
            Self::Key => "saved in a file that only you can read",
            Self::Server => "Ollama, llama.cpp, vLLM, LM Studio: enter its address",
            Self::Demo => "the built-in demo: no key, no network",
        }
    }

    fn field_display(self) -> FieldDisplay {
        match self {
            Self::Key => FieldDisplay::Dots,
            Self::Server | Self::Demo => FieldDisplay::Text,
        }
    }
}

impl WelcomeScreen {
    /// Does what an action means here; the chosen connection is returned once it is complete.
    pub fn on_action(&mut self, action: Action) -> Option<ConnectRequest> {
        match action {
            Action::RowUp => self.move_choice(false),
            Action::RowDown => self.move_choice(true),
            Action::ConnectKey => return self.take_number(1),
            Action::ConnectServer => return self.take_number(2),
            Action::ConnectDemo => return self.take_number(3),
            Action::Accept => return self.on_enter(),
            _ => (),
        }
        None
    }

    /// Selects the choice above or below, unless the field is open.
    pub fn move_choice(&mut self, down: bool) {
        let index = self.choice as usize;
        let next = if down { index + 1 } else { index.saturating_sub(1) };
        if let Some(choice) = WelcomeChoice::ALL.get(next).filter(|_| self.field.is_none()) {
            self.choice = *choice;
        }
    }

    /// Takes the choice with this number, from 1, as `Enter` on it does.
    pub fn take_number(&mut self, number: usize) -> Option<ConnectRequest> {
        let choice =
            number.checked_sub(1).and_then(|at| WelcomeChoice::ALL.get(at)).filter(|_| self.field.is_none())?;
        self.choice = *choice;
        self.on_enter()
    }

    /// Handles `Enter`: opens the field of the selected choice, or returns the text entered in it.
    pub fn on_enter(&mut self) -> Option<ConnectRequest> {
        if self.is_trying {
            return None;
        }
        self.error = None;
        let Some(field) = &self.field else {
            return self.take_choice();
        };
        let text = field.text().trim().to_owned();
        let request = match self.choice {
            WelcomeChoice::Key => check_key(text).map(ConnectRequest::Key),
            WelcomeChoice::Server => complete_address(text).map(ConnectRequest::Server),
            WelcomeChoice::Demo => Ok(ConnectRequest::Demo),
        };
        match request {
            Ok(answer) => {
                self.is_trying = true;
                Some(answer)
            }
            Err(error) => {
                self.error = Some(error.to_owned());
                None
            }
        }
    }

    /// Handles `Esc`: goes back from the field to the choices. Returns `false` if no field was open.
    pub fn back(&mut self) -> bool {
        self.error = None;
        self.is_trying = false;
        self.field.take().is_some()
    }

    /// Shows why the entered text did not work; the text stays and can be corrected.
    pub fn fail(&mut self, why: String) {
        self.is_trying = false;
        self.error = Some(why);
    }

    /// Edits the text in the field, unless it is being tried.
    pub fn edit(&mut self, key: KeyEvent) {
        if self.is_trying {
            return;
        }
        self.error = None;
        if let Some(field) = &mut self.field {
            field.edit(key);
        }
    }

    /// Pastes into the field; at the choices, the text is taken as an OpenRouter key.
    pub fn paste(&mut self, text: &str) {
        if self.is_trying {
            return;
        }
        self.error = None;
        if self.field.is_none() {
            self.choice = WelcomeChoice::Key;
        }
        self.field.get_or_insert_default().paste(text);
    }

    fn take_choice(&mut self) -> Option<ConnectRequest> {
        match self.choice {
            WelcomeChoice::Key | WelcomeChoice::Server => {
                self.field = Some(TextField::default());
                None
            }
            WelcomeChoice::Demo => Some(ConnectRequest::Demo),
        }
    }
}

fn check_key(text: String) -> Result<String, &'static str> {
    match text.as_str() {
        "" => Err("Paste the key here; you can create one at openrouter.ai/keys."),
        key if key.contains(char::is_whitespace) => Err("A key contains no spaces. Did you copy something else?"),
        _ => Ok(text),
    }
}

fn complete_address(text: String) -> Result<String, &'static str> {
    let complete = match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() => text,
        Some(_) => return Err("An address begins with http:// or https://"),
        None if text.is_empty() => return Err("Enter an address, such as http://localhost:11434/v1"),
        None => format!("http://{text}"),
    };
    if complete.contains(char::is_whitespace) { Err("An address contains no spaces.") } else { Ok(complete) }
}
