//! Decides whether a failed attempt is retried, and when.

use jiff::SignedDuration;

use super::{IdGenerator, RequestFix, Turn};
use crate::api::{ApiError, ErrorFact};

/// What to do about a failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RetryDecision {
    Fail,
    Wait(SignedDuration),
    /// Retries at once, without the part that the server refused.
    Fix(RequestFix),
}

/// The longest backoff in seconds; a server may ask for more.
const MAX_BACKOFF_SECS: u32 = 30;

/// The longest `retry_after` to wait for, in seconds; beyond it the turn fails.
const MAX_RETRY_AFTER_SECS: u64 = 60;

pub(super) fn decide_retry(turn: &Turn, error: &ApiError, ids: &mut IdGenerator) -> RetryDecision {
    if turn.has_shown {
        return RetryDecision::Fail; // Another attempt would be another answer, and billed again.
    }
    if let Some(fix) = request_fix(turn, error) {
        return RetryDecision::Fix(fix);
    }
    if turn.attempt >= error.max_attempts() {
        return RetryDecision::Fail;
    }
    match error.retry_after {
        Some(seconds) if seconds > MAX_RETRY_AFTER_SECS => RetryDecision::Fail,
        Some(seconds) => RetryDecision::Wait(SignedDuration::from_secs(seconds.cast_signed())),
        None => RetryDecision::Wait(backoff(turn.attempt, ids.next_random())),
    }
}

/// 1, 2, 4, 8 … seconds, at most 30, each up to a fifth shorter or longer.
fn backoff(attempt: u32, random: u64) -> SignedDuration {
    let seconds = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(MAX_BACKOFF_SECS).min(MAX_BACKOFF_SECS);
    let jitter = i64::try_from(random % 401).unwrap_or(200) - 200; // In thousandths.
    let millis = i64::from(seconds) * (1000 + jitter);
    SignedDuration::from_millis(millis.min(i64::from(MAX_BACKOFF_SECS) * 1000))
}

/// The part of the request to drop because the server refused it; each is dropped only once.
fn request_fix(turn: &Turn, error: &ApiError) -> Option<RequestFix> {
    let fix = error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Pinned(_) | ErrorFact::ForeignReasoning => Some(RequestFix::DropReasoning),
        ErrorFact::ReasoningMandatory => Some(RequestFix::DropEffort),
        ErrorFact::ForeignItems => turn.has_sent_server_items.then_some(RequestFix::DropServerItems),
        ErrorFact::Affordable(_)
        | ErrorFact::Efforts(_)
        | ErrorFact::Retryable(_)
        | ErrorFact::FreeQuotaOfTheDay
        | ErrorFact::Reasons(_)
        | ErrorFact::ExcludedBy(_)
        | ErrorFact::Relaxable(_)
        | ErrorFact::FreeQuota(_)
        | ErrorFact::FallbackModels(_)
        | ErrorFact::Tried(_)
        | ErrorFact::Parameter(_)
        | ErrorFact::Elsewhere
        | ErrorFact::Obstacle(_) => None,
    });
    let mend = fix.or_else(|| fix_from_message(&error.message));
    let items = (turn.has_sent_server_items && is_item_error(error)).then_some(RequestFix::DropServerItems);
    mend.into_iter().chain(items).find(|mend| !turn.fixes.contains(mend))
}

/// Whether a validator refused an item of the history as unknown or malformed.
fn is_item_error(error: &ApiError) -> bool {
    let is_input_parameter =
        |fact: &ErrorFact| matches!(fact, ErrorFact::Parameter(parameter) if parameter.starts_with("input"));
    let phrases = ["Invalid Responses API request", "input.", "input[", "item type", "openrouter:"];
    matches!(error.status, Some(400 | 422))
        && (error.code.as_deref() == Some("invalid_prompt")
            || error.facts.iter().any(is_input_parameter)
            || phrases.iter().any(|word| error.message.contains(word)))
}

/// The fix according to phrases that servers use only for that error.
fn fix_from_message(message: &str) -> Option<RequestFix> {
    let has = |words: &str| message.contains(words);
    if has("Encrypted content is not supported") {
        Some(RequestFix::DropInclude)
    } else if has("required 'reasoning' item")
        || has("of type 'reasoning' was provided without")
        || has("thought_signature")
        || has("Expected an array with maximum length 0")
    {
        Some(RequestFix::DropReasoning)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_from_one_second_to_thirty_with_a_jitter_of_a_fifth() {
        for (attempt, shortest, longest) in [(1, 800, 1200), (2, 1600, 2400), (3, 3200, 4800), (4, 6400, 9600)] {
            assert_eq!(backoff(attempt, 0).as_millis(), shortest);
            assert_eq!(backoff(attempt, 400).as_millis(), longest);
        }
        assert_eq!(backoff(6, 400), SignedDuration::from_secs(30));
        assert_eq!(backoff(60, 0), SignedDuration::from_secs(24));
    }
}
