//! What a reader can do about an answer that did not go well, on keys of its card.

use super::{Answer, Turn};

/// One thing to do, with a letter and a few words; the first of a card is what Enter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Try again now instead of when it is due.
    Now,
    GiveUp,
    Retry,
    /// 402: the credit affords only so many tokens.
    RetryWithTokens(u32),
    AnotherModel,
    Continue,
    EnterKey,
    OpenCredits,
    Settings,
    SaveAgain,
    SendUnsaved,
}

impl Choice {
    /// The letter that takes it when the card has the focus.
    pub fn key(self) -> char {
        match self {
            Self::Now => 'n',
            Self::GiveUp => 'g',
            Self::Retry => 'r',
            Self::RetryWithTokens(_) => 't',
            Self::AnotherModel => 'm',
            Self::Continue => 'c',
            Self::EnterKey => 'k',
            Self::OpenCredits => 'b',
            Self::Settings => 's',
            Self::SaveAgain => 'a',
            Self::SendUnsaved => 'u',
        }
    }

    /// What stands beside the key.
    pub fn words(self) -> String {
        match self {
            Self::Now => "now".into(),
            Self::GiveUp => "give up".into(),
            Self::Retry => "try again".into(),
            Self::RetryWithTokens(tokens) => format!("try again with {tokens} tokens"),
            Self::AnotherModel => "another model".into(),
            Self::Continue => "continue".into(),
            Self::EnterKey => "enter a key".into(),
            Self::OpenCredits => "buy credits".into(),
            Self::Settings => "settings".into(),
            Self::SaveAgain => "save again".into(),
            Self::SendUnsaved => "send all the same".into(),
        }
    }
}

/// The choices for an answer and the turn that writes it, if one still does; the default first.
pub fn choices(_answer: &Answer, _turn: Option<&Turn>) -> Vec<Choice> {
    todo!()
}
