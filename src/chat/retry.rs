//! Whether a failed attempt is worth another, and when.

use jiff::SignedDuration;

use super::{Ids, Mend, Turn};
use crate::api::{Error, Fact};

/// What to do about a failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Fail,
    Wait(SignedDuration),
    /// Ask at once, without what the server refused.
    Mend(Mend),
}

/// The longest wait of ours; a server may ask for more.
const LONGEST: u32 = 30;

/// A hint beyond it asks the reader instead of waiting.
const LONGEST_HINT: u64 = 60;

pub(super) fn verdict(turn: &Turn, error: &Error, ids: &mut Ids) -> Verdict {
    if turn.shown {
        return Verdict::Fail; // Another attempt would be another answer, and billed again.
    }
    if let Some(mend) = mend(turn, error) {
        return Verdict::Mend(mend);
    }
    if turn.attempt >= error.attempts() {
        return Verdict::Fail;
    }
    match error.retry_after {
        Some(seconds) if seconds > LONGEST_HINT => Verdict::Fail,
        Some(seconds) => Verdict::Wait(SignedDuration::from_secs(seconds.cast_signed())),
        None => Verdict::Wait(backoff(turn.attempt, ids.random())),
    }
}

/// 1, 2, 4, 8 … seconds, at most 30, each up to a fifth shorter or longer.
fn backoff(attempt: u32, random: u64) -> SignedDuration {
    let seconds = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(LONGEST).min(LONGEST);
    let fifths = i64::try_from(random % 401).unwrap_or(200) - 200; // In thousandths.
    let millis = i64::from(seconds) * (1000 + fifths);
    SignedDuration::from_millis(millis.min(i64::from(LONGEST) * 1000))
}

/// What a server said it could not take, where the request can do without; each only once.
fn mend(turn: &Turn, error: &Error) -> Option<Mend> {
    let mend = error.facts.iter().find_map(|fact| match fact {
        Fact::Pinned(_) | Fact::ForeignReasoning => Some(Mend::Reasoning),
        Fact::ReasoningMandatory => Some(Mend::Effort),
        Fact::Affordable(_)
        | Fact::Efforts(_)
        | Fact::Retryable(_)
        | Fact::FreeQuotaOfTheDay
        | Fact::Reasons(_)
        | Fact::ExcludedBy(_)
        | Fact::Relaxable(_)
        | Fact::FreeQuota(_)
        | Fact::FallbackModels(_)
        | Fact::Tried(_)
        | Fact::Parameter(_)
        | Fact::Elsewhere => None,
    });
    let mend = mend.or_else(|| told(&error.message));
    let items = (turn.gave_back && is_about_items(error)).then_some(Mend::Items);
    mend.into_iter().chain(items).find(|mend| !turn.mended.contains(mend))
}

/// A validator found an item of the history that it does not know, or not in this form.
fn is_about_items(error: &Error) -> bool {
    let of_input = |fact: &Fact| matches!(fact, Fact::Parameter(parameter) if parameter.starts_with("input"));
    let words = ["Invalid Responses API request", "input.", "input[", "item type", "openrouter:"];
    matches!(error.status, Some(400 | 422))
        && (error.code.as_deref() == Some("invalid_prompt")
            || error.facts.iter().any(of_input)
            || words.iter().any(|word| error.message.contains(word)))
}

/// The same, from words that servers use for nothing else.
fn told(message: &str) -> Option<Mend> {
    let has = |words: &str| message.contains(words);
    if has("Encrypted content is not supported") {
        Some(Mend::Include)
    } else if has("required 'reasoning' item")
        || has("of type 'reasoning' was provided without")
        || has("thought_signature")
        || has("Expected an array with maximum length 0")
    {
        Some(Mend::Reasoning)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_thirty_and_stray_by_a_fifth() {
        for (attempt, shortest, longest) in [(1, 800, 1200), (2, 1600, 2400), (3, 3200, 4800), (4, 6400, 9600)] {
            assert_eq!(backoff(attempt, 0).as_millis(), shortest);
            assert_eq!(backoff(attempt, 400).as_millis(), longest);
        }
        assert_eq!(backoff(6, 400), SignedDuration::from_secs(30));
        assert_eq!(backoff(60, 0), SignedDuration::from_secs(24));
    }
}
