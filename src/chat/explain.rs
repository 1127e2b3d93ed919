//! Words for an answer that did not go well: what happened, whose fault, what it cost, what helps.

use super::{Answer, Turn};

/// The text of a card: one sentence, one muted fact beside it, one line below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, as in "The provider hung up in mid-answer."
    pub headline: String,
    /// Who said what, as in "Anthropic, 502, after 61 tokens".
    pub fact: Option<String>,
    /// What is kept, what it costs, and what to do now.
    pub advice: String,
}

/// The words for an answer and the turn that writes it; `None` where nothing is wrong.
pub fn explain(_answer: &Answer, _turn: Option<&Turn>) -> Option<Explanation> {
    todo!()
}
