//! Signing in on the connect screen: where to approve, what can be copied, and the field for a code.

use crate::{
    api::sign_in::read_pasted_code,
    chat::Timestamp,
    ui::{
        Action, Effect,
        connect::{ConnectRequest, SecretField},
    },
};

/// An attempt to sign in, as the screen shows it.
#[derive(Debug, Clone, Default)]
pub struct SignInStage {
    /// Where the user approves, once that is known.
    pub addresses: Option<SignInAddresses>,
    pub field: SecretField,
    /// Whether the field has the keys.
    pub is_typing: bool,
    pub wait: SignInWait,
}

/// The addresses at which the user approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInAddresses {
    /// For a browser on this machine; `None` if it could not come back here.
    pub browser_url: Option<String>,
    /// For any other browser: it shows a code.
    pub code_url: String,
}

/// What the attempt waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignInWait {
    #[default]
    Start,
    /// The browser comes back by itself.
    Browser { since: Timestamp },
    /// Only a pasted code helps.
    Code,
    /// The code is exchanged for a key, which is checked.
    Exchange,
}

impl SignInStage {
    /// Shows where to approve.
    pub fn set_addresses(&mut self, addresses: SignInAddresses, now: Timestamp) {
        self.wait = if addresses.browser_url.is_some() { SignInWait::Browser { since: now } } else { SignInWait::Code };
        self.is_typing = self.wait == SignInWait::Code;
        self.addresses = Some(addresses);
    }

    /// Does what an action means here; a problem is one sentence.
    pub(super) fn on_action(&mut self, action: Action) -> Result<Option<ConnectRequest>, String> {
        let addresses = self.addresses.as_ref();
        let browser_url = addresses.and_then(|addresses| addresses.browser_url.clone());
        let code_url = addresses.map(|addresses| addresses.code_url.clone());
        let effect = match action {
            Action::Accept => return self.enter_code().map(Some),
            Action::TypeCode => {
                self.is_typing = true;
                None
            }
            Action::CopyAddress => browser_url.or(code_url).map(Effect::CopyToClipboard),
            Action::CopyCodeAddress => code_url.map(Effect::CopyToClipboard),
            Action::OpenAgain => browser_url.or(code_url).map(Effect::OpenPage),
            _ => None,
        };
        Ok(effect.map(ConnectRequest::Run))
    }

    fn enter_code(&mut self) -> Result<ConnectRequest, String> {
        let code = read_pasted_code(&self.field.hidden_text().text())?;
        self.field = SecretField::default();
        Ok(ConnectRequest::Run(Effect::EnterCode(code)))
    }
}
