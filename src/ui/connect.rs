//! The connect screen: the ways to reach a model, the keys that there are, and the servers on this machine.

mod connect_fields;
mod listed_servers;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod view;

use crossterm::event::KeyEvent;
use secrecy::SecretString;

use super::{
    Action, Effect,
    effect::{ConnectJob, UncheckedKey},
    msg::{ConnectOutcome, SignInReport},
    overlay::field::TextField,
};
use crate::{
    chat::Timestamp,
    keys::{KeyListing, KeyPlace},
};
pub use connect_fields::{SecretField, completed_address};
pub use listed_servers::{ListedServers, LocalSearch};
use sign_in::{SignInAddresses, SignInStage, SignInWait};
pub use view::{ConnectSituation, ConnectView};

/// The state of the connect screen.
#[derive(Debug, Clone)]
pub struct ConnectScreen {
    pub stage: ConnectStage,
    pub cursor: ConnectRow,
    pub progress: ConnectProgress,
    pub listed: ListedServers,
    pub opened_as: ConnectOpening,
}

/// What the connect screen was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectOpening {
    /// No server can be used yet.
    FirstStart,
    Command,
    /// A server refused its key; leaving the field closes the screen.
    KeyOfServer,
    /// The tour was asked for, which is a part of the demo.
    Tour,
    /// To sign in; leaving that closes the screen.
    SignIn,
    /// To remove the key of OpenRouter, once the keys are listed.
    SignOut,
}

/// What the connect screen asks.
#[derive(Debug, Clone)]
pub enum ConnectStage {
    Choosing,
    Address(TextField),
    /// The key of a server, which is shown by its title.
    Key {
        server: String,
        title: String,
        field: SecretField,
    },
    SignIn(Box<SignInStage>),
    /// Whether to remove the key of a server.
    ConfirmForget {
        server: String,
    },
}

/// How the attempt to connect is going.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ConnectProgress {
    #[default]
    Idle,
    Trying,
    /// The reason it did not work, in one sentence.
    Failed(String),
    /// The key could not be checked; this asks what to do.
    Unchecked(String),
    Notice(String),
}

/// A row of the connect screen that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectRow {
    Choice(ConnectChoice),
    /// The index of a listed key.
    Key(usize),
    /// The index of a server on this machine.
    Local(usize),
}

/// A way to reach a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectChoice {
    SignIn,
    Key,
    Server,
    Demo,
}

/// What the user decided on the connect screen.
#[derive(Debug)]
pub enum ConnectRequest {
    Run(Effect),
    Demo,
}

/// The name of the built-in endpoint.
const OPENROUTER: &str = "openrouter";

impl ConnectChoice {
    pub const ALL: [Self; 4] = [Self::SignIn, Self::Key, Self::Server, Self::Demo];

    fn title(self) -> &'static str {
        match self {
            Self::SignIn => "Sign in with OpenRouter",
            Self::Key => "Paste an OpenRouter key",
            Self::Server => "A server of your own",
            Self::Demo => "The demo",
        }
    }

    /// The same hint in more and fewer words: it is shown whole or not at all.
    fn hints(self) -> &'static [&'static str] {
        match self {
            Self::SignIn => &["in your browser, no key to copy", "in your browser"],
            Self::Key => &["create one at openrouter.ai/keys"],
            Self::Server => &[
                "on this machine, or anywhere with the Responses API",
                "on this machine or anywhere else",
                "here or anywhere else",
            ],
            Self::Demo => &["built in: no key, no network", "built in"],
        }
    }
}

impl ConnectScreen {
    /// The screen with its choices.
    pub fn new(opened_as: ConnectOpening) -> Self {
        Self {
            stage: ConnectStage::Choosing,
            cursor: ConnectRow::Choice(ConnectChoice::SignIn),
            progress: ConnectProgress::Idle,
            listed: ListedServers::default(),
            opened_as,
        }
    }

    /// The screen with the field for the key of a server that refused the one it was sent.
    pub fn for_key(server: &str) -> Self {
        let mut screen = Self::new(ConnectOpening::KeyOfServer);
        let title = if server == OPENROUTER { "OpenRouter" } else { server };
        screen.ask_key(server, title);
        screen
    }

    /// The screen at the sign-in, and the job that begins it.
    pub fn for_sign_in() -> (Self, ConnectRequest) {
        let mut screen = Self::new(ConnectOpening::SignIn);
        let request = screen.begin_sign_in();
        (screen, request)
    }

    /// The screen with the demo selected, which begins with the tour.
    pub fn for_tour(notice: String) -> Self {
        Self {
            cursor: ConnectRow::Choice(ConnectChoice::Demo),
            progress: ConnectProgress::Notice(notice),
            ..Self::new(ConnectOpening::Tour)
        }
    }

    /// Returns whether a field has the keys.
    pub fn is_typing(&self) -> bool {
        match &self.stage {
            ConnectStage::Address(_) | ConnectStage::Key { .. } => true,
            ConnectStage::SignIn(stage) => stage.is_typing,
            ConnectStage::Choosing | ConnectStage::ConfirmForget { .. } => false,
        }
    }

    /// Returns whether it takes the whole screen, because no server can be used yet.
    pub fn is_first_start(&self) -> bool {
        self.opened_as == ConnectOpening::FirstStart
    }

    /// Returns whether nothing is lost by leaving it.
    pub fn can_be_clicked_away(&self) -> bool {
        !self.has_left_choices() && !self.is_trying()
    }

    /// Returns whether the choices are covered by a field or a sign-in.
    pub fn has_left_choices(&self) -> bool {
        self.is_typing() || self.sign_in().is_some()
    }

    /// The attempt to sign in, if there is one.
    pub fn sign_in(&self) -> Option<&SignInStage> {
        match &self.stage {
            ConnectStage::SignIn(stage) => Some(stage),
            _ => None,
        }
    }

    /// Returns whether something turns while it is waited for.
    pub fn is_busy(&self) -> bool {
        let is_signing_in = self.sign_in().is_some_and(|stage| stage.wait != SignInWait::Code);
        self.is_trying() || self.listed.is_looking() || is_signing_in
    }

    pub fn is_trying(&self) -> bool {
        self.progress == ConnectProgress::Trying
    }

    /// Does what an action means here.
    pub fn on_action(&mut self, action: Action) -> Option<ConnectRequest> {
        if let ConnectStage::SignIn(stage) = &mut self.stage {
            let result = stage.on_action(action);
            return match result {
                Ok(request) => {
                    if action == Action::Accept {
                        self.progress = ConnectProgress::Idle;
                    }
                    request
                }
                Err(reason) => self.fail(&reason),
            };
        }
        match action {
            Action::Accept => return self.on_enter(),
            _ if self.is_typing() || self.is_trying() => (),
            Action::RowUp => self.move_cursor(false),
            Action::RowDown => self.move_cursor(true),
            Action::FirstRow => self.select(ConnectRow::Choice(ConnectChoice::SignIn)),
            Action::LastRow => (0..self.selectable_rows().len()).for_each(|_| self.move_cursor(true)),
            Action::ConnectSignIn => return self.take(ConnectRow::Choice(ConnectChoice::SignIn)),
            Action::ConnectKey => return self.take(ConnectRow::Choice(ConnectChoice::Key)),
            Action::ConnectServer => return self.take(ConnectRow::Choice(ConnectChoice::Server)),
            Action::ConnectDemo => return self.take(ConnectRow::Choice(ConnectChoice::Demo)),
            Action::ForgetKey => self.ask_forget(),
            Action::LookAgain => self.listed.look_again(),
            _ => (),
        }
        None
    }

    /// Selects a row and does what `Enter` on it does.
    pub fn take(&mut self, row: ConnectRow) -> Option<ConnectRequest> {
        if self.has_left_choices() || self.is_trying() {
            return None;
        }
        self.select(row);
        self.on_enter()
    }

    /// Handles `Esc`: goes a step back. Returns `false` if there is none. What is typed stays until its field is left.
    pub fn back(&mut self) -> bool {
        let is_at_choices = matches!(self.stage, ConnectStage::Choosing);
        let was_in_progress = matches!(self.progress, ConnectProgress::Trying | ConnectProgress::Unchecked(_));
        self.progress = ConnectProgress::Idle;
        if was_in_progress && self.sign_in().is_none() {
            return true;
        }
        if is_at_choices || matches!(self.opened_as, ConnectOpening::KeyOfServer | ConnectOpening::SignIn) {
            return false;
        }
        self.stage = ConnectStage::Choosing;
        true
    }

    /// Handles how an attempt to sign in goes.
    pub fn on_sign_in(&mut self, report: SignInReport, now: Timestamp) -> Option<ConnectRequest> {
        let ConnectStage::SignIn(stage) = &mut self.stage else { return None };
        match report {
            SignInReport::Ready { browser_url, code_url } => {
                stage.set_addresses(SignInAddresses { browser_url: browser_url.clone(), code_url }, now);
                return browser_url.map(|url| ConnectRequest::Run(Effect::OpenPage(url)));
            }
            SignInReport::HasCode => {
                stage.wait = SignInWait::Exchange;
                self.progress = ConnectProgress::Idle;
            }
            SignInReport::NoCode(reason) => {
                (stage.wait, stage.is_typing) = (SignInWait::Code, true);
                self.progress = ConnectProgress::Failed(reason);
            }
        }
        None
    }

    /// Says that no browser could be opened here.
    pub fn on_no_browser(&mut self) {
        self.progress = ConnectProgress::Notice("No browser could be opened here: open one of the addresses.".into());
    }

    /// Handles the end of an attempt that did not succeed.
    pub fn on_outcome(&mut self, outcome: ConnectOutcome) {
        if self.sign_in().is_some_and(|stage| stage.addresses.is_none() || stage.wait == SignInWait::Exchange) {
            // Nothing more can come of it.
            self.stage = ConnectStage::Choosing;
        }
        match outcome {
            ConnectOutcome::Failed(why) => self.progress = ConnectProgress::Failed(why),
            ConnectOutcome::Unchecked(question) => self.progress = ConnectProgress::Unchecked(question),
            ConnectOutcome::NeedsKey { server, host } => {
                self.ask_key(&server, &host);
                self.progress = ConnectProgress::Notice(format!("{host} asks for a key."));
            }
            ConnectOutcome::InUse { .. } => self.progress = ConnectProgress::Idle,
        }
    }

    /// Edits the text in the field, unless it is being tried.
    pub fn edit(&mut self, key: KeyEvent) {
        if self.is_trying() {
            return;
        }
        match &mut self.stage {
            ConnectStage::Address(field) => _ = field.edit(key),
            ConnectStage::Key { field, .. } => field.edit(key),
            ConnectStage::SignIn(stage) if stage.is_typing => stage.field.edit(key),
            ConnectStage::SignIn(_) | ConnectStage::Choosing | ConnectStage::ConfirmForget { .. } => return,
        }
        self.progress = ConnectProgress::Idle;
    }

    /// Pastes into the field; at the choices, an address is taken as one, and any other text as an OpenRouter key.
    pub fn paste(&mut self, text: &str) {
        if self.is_trying() {
            return;
        }
        if !self.has_left_choices() {
            let is_address = text.trim_start().starts_with("http");
            self.stage = ConnectStage::Choosing;
            let choice = if is_address { ConnectChoice::Server } else { ConnectChoice::Key };
            self.select(ConnectRow::Choice(choice));
            _ = self.on_enter();
        }
        self.progress = ConnectProgress::Idle;
        match &mut self.stage {
            ConnectStage::Address(field) => field.paste(text),
            ConnectStage::Key { field, .. } => field.paste(text),
            ConnectStage::SignIn(stage) => {
                stage.is_typing = true;
                stage.field.paste(text);
            }
            ConnectStage::Choosing | ConnectStage::ConfirmForget { .. } => (),
        }
    }

    pub fn set_keys(&mut self, keys: Vec<KeyListing>) {
        self.listed.keys = keys;
        self.keep_cursor_on_a_row();
        if self.opened_as == ConnectOpening::SignOut {
            self.opened_as = ConnectOpening::Command;
            match self.listed.keys.iter().position(|listing| listing.server == OPENROUTER && listing.key.is_some()) {
                Some(index) => {
                    self.cursor = ConnectRow::Key(index);
                    self.ask_forget();
                }
                None => {
                    self.progress = ConnectProgress::Notice("There is no key of OpenRouter on this machine.".into());
                }
            }
        }
    }

    pub fn on_probed(&mut self, name: &str, result: crate::api::ProbeResult) {
        self.listed.set_found(name, result);
        self.keep_cursor_on_a_row();
    }

    /// Returns the rows that the cursor can stand on.
    pub fn selectable_rows(&self) -> Vec<ConnectRow> {
        let choices = ConnectChoice::ALL.map(ConnectRow::Choice).into_iter();
        let keys = (0..self.listed.keys.len()).map(ConnectRow::Key);
        let local = (0..self.listed.local.len()).filter(|index| self.listed.local[*index].port().is_some());
        choices.chain(keys).chain(local.map(ConnectRow::Local)).collect()
    }

    fn keep_cursor_on_a_row(&mut self) {
        if !self.selectable_rows().contains(&self.cursor) {
            self.cursor = ConnectRow::Choice(ConnectChoice::SignIn);
        }
    }

    fn select(&mut self, row: ConnectRow) {
        self.cursor = row;
        self.progress = ConnectProgress::Idle;
        self.stage = ConnectStage::Choosing;
    }

    fn move_cursor(&mut self, is_down: bool) {
        let rows = self.selectable_rows();
        let index = rows.iter().position(|row| *row == self.cursor).unwrap_or(0);
        let next = if is_down { index + 1 } else { index.saturating_sub(1) };
        if let Some(row) = rows.get(next) {
            self.select(*row);
        }
    }

    fn on_enter(&mut self) -> Option<ConnectRequest> {
        if self.is_trying() {
            return None;
        }
        match self.stage.clone() {
            ConnectStage::Choosing => self.take_row(),
            ConnectStage::SignIn(_) => None,
            ConnectStage::Address(field) => match completed_address(&field.text()) {
                Ok(base_url) => Some(self.try_job(ConnectJob::TryAddress { base_url, name: None })),
                Err(why) => self.fail(why),
            },
            ConnectStage::Key { server, field, .. } => match field.checked_key() {
                Ok(key) => Some(self.try_key(server, key)),
                Err(why) => self.fail(why),
            },
            ConnectStage::ConfirmForget { server } => {
                self.stage = ConnectStage::Choosing;
                Some(ConnectRequest::Run(Effect::ForgetKey(server)))
            }
        }
    }

    fn take_row(&mut self) -> Option<ConnectRequest> {
        match self.cursor {
            ConnectRow::Choice(ConnectChoice::SignIn) => return Some(self.begin_sign_in()),
            ConnectRow::Choice(ConnectChoice::Key) => self.ask_key(OPENROUTER, "OpenRouter"),
            ConnectRow::Choice(ConnectChoice::Server) => {
                self.progress = ConnectProgress::Idle;
                self.stage = ConnectStage::Address(TextField::default());
            }
            ConnectRow::Choice(ConnectChoice::Demo) => return Some(ConnectRequest::Demo),
            ConnectRow::Key(index) => {
                let server = self.listed.keys.get(index)?.server.clone();
                return Some(self.try_job(ConnectJob::UseServer { server }));
            }
            ConnectRow::Local(index) => {
                let (base_url, name) = self.listed.local.get(index)?.address()?;
                return Some(self.try_job(ConnectJob::TryAddress { base_url, name: Some(name) }));
            }
        }
        None
    }

    fn begin_sign_in(&mut self) -> ConnectRequest {
        self.progress = ConnectProgress::Idle;
        self.stage = ConnectStage::SignIn(Box::default());
        ConnectRequest::Run(Effect::Connect(ConnectJob::SignIn { server: OPENROUTER.to_owned() }))
    }

    fn try_key(&mut self, server: String, key: SecretString) -> ConnectRequest {
        let unchecked = match self.progress {
            ConnectProgress::Unchecked(_) => UncheckedKey::Keep,
            _ => UncheckedKey::Ask,
        };
        self.try_job(ConnectJob::TryKey { server, key, unchecked })
    }

    fn try_job(&mut self, job: ConnectJob) -> ConnectRequest {
        self.progress = ConnectProgress::Trying;
        ConnectRequest::Run(Effect::Connect(job))
    }

    fn fail(&mut self, why: &str) -> Option<ConnectRequest> {
        self.progress = ConnectProgress::Failed(why.to_owned());
        None
    }

    fn ask_key(&mut self, server: &str, title: &str) {
        self.progress = ConnectProgress::Idle;
        self.stage =
            ConnectStage::Key { server: server.to_owned(), title: title.to_owned(), field: SecretField::default() };
    }

    /// Asks whether to remove the key under the cursor, or says where it has to be removed.
    fn ask_forget(&mut self) {
        let ConnectRow::Key(index) = self.cursor else { return };
        let Some(listing) = self.listed.keys.get(index) else { return };
        match listing.key.as_ref().map(|key| &key.place) {
            Some(KeyPlace::File) => self.stage = ConnectStage::ConfirmForget { server: listing.server.clone() },
            Some(KeyPlace::Variable(name)) => {
                self.progress = ConnectProgress::Notice(format!("This key comes from ${name}; remove it there."));
            }
            Some(KeyPlace::Command(program)) => {
                let words = format!("This key comes from the key command {program}; change that in the config.");
                self.progress = ConnectProgress::Notice(words);
            }
            None => self.progress = ConnectProgress::Notice("This server has no key.".into()),
        }
    }
}
