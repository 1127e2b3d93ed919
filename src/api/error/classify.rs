//! Classifies a failure by the most specific detail available (reference: 6.2 and 6.3).

use super::{ErrorFact, FaultKind};

/// Classifies by the error code first, then by the message, then by the status.
pub(super) fn classify(code: Option<&str>, status: Option<u16>, message: &str, facts: &[ErrorFact]) -> FaultKind {
    if facts.iter().any(|fact| matches!(fact, ErrorFact::Pinned(_) | ErrorFact::ForeignReasoning)) {
        return FaultKind::Request;
    }
    code.and_then(fault_of_code).or_else(|| fault_of_message(message, status)).unwrap_or(match status {
        Some(401) => FaultKind::Key,
        Some(402) => FaultKind::Credit,
        Some(403) => FaultKind::Forbidden,
        Some(404) => FaultKind::Model,
        Some(413) => FaultKind::Length,
        Some(429) => FaultKind::Rate,
        Some(400..=407 | 409..=499) => FaultKind::Request,
        Some(_) | None => FaultKind::Server,
    })
}

/// Classifies an error code. `server_error` is too general to decide, and so is an unknown code.
pub(super) fn fault_of_code(code: &str) -> Option<FaultKind> {
    Some(match code {
        "authentication"
        | "authentication_error"
        | "invalid_api_key"
        | "unauthorized"
        | "token_not_found_in_db"
        | "expired_key"
        | "auth_error" => FaultKind::Key,
        "payment_required"
        | "insufficient_quota"
        | "insufficient_credits"
        | "credit_balance_exhausted"
        | "budget_exceeded"
        | "usage_not_included"
        | "billing_hard_limit_reached" => FaultKind::Credit,
        "permission_denied"
        | "permission_error"
        | "content_policy_violation"
        | "image_content_policy_violation"
        | "refusal"
        | "bio_policy"
        | "cyber_policy"
        | "misalignment_policy_violation"
        | "region_restricted"
        | "data_residency_mismatch" => FaultKind::Forbidden,
        "model_not_found"
        | "not_found"
        | "not_found_error"
        | "wrong_endpoint"
        | "no_endpoints"
        | "model_deprecated"
        | "model_unavailable_upstream"
        | "privacy_restricted"
        | "constraint_filtered"
        | "free_variant_ended" => FaultKind::Model,
        "context_length_exceeded"
        | "max_tokens_exceeded"
        | "token_limit_exceeded"
        | "string_too_long"
        | "payload_too_large" => FaultKind::Length,
        "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" | "capacity_exhausted" => FaultKind::Rate,
        "server"
        | "unmapped"
        | "provider_unavailable"
        | "provider_overloaded"
        | "timeout"
        | "temporarily_unavailable"
        | "server_is_overloaded"
        | "slow_down"
        | "overloaded_error"
        | "overloaded"
        | "api_error"
        | "vector_store_timeout" => FaultKind::Server,
        "unprocessable" | "precondition_failed" => FaultKind::Request,
        word if word.contains("image") => FaultKind::Request,
        _ => return None,
    })
}

/// Classifies a message that is more specific than the status, or than `invalid_prompt` and `invalid_request`.
fn fault_of_message(message: &str, status: Option<u16>) -> Option<FaultKind> {
    let lower = message.to_lowercase();
    let message_has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if message_has(&["not a valid model id", "no endpoints found", "model not found"]) {
        return Some(FaultKind::Model);
    }
    if message_has(&["maximum context length", "context length exceeded", "prompt is too long", "context window"]) {
        return Some(FaultKind::Length);
    }
    if message_has(&["can only afford", "insufficient credits", "key limit exceeded"])
        || (status == Some(403) && message_has(&["budget", "spend limit", "spending limit"]))
    {
        return Some(FaultKind::Credit);
    }
    None
}

/// Returns the HTTP status that an error code implies.
pub(super) fn status_of_code(code: &str) -> Option<u16> {
    Some(match code {
        "context_length_exceeded"
        | "max_tokens_exceeded"
        | "token_limit_exceeded"
        | "string_too_long"
        | "invalid_request"
        | "invalid_prompt"
        | "content_policy_violation"
        | "refusal" => 400,
        "authentication" => 401,
        "payment_required" => 402,
        "permission_denied" => 403,
        "not_found" | "no_endpoints" => 404,
        "payload_too_large" => 413,
        "unprocessable" => 422,
        "rate_limit_exceeded" => 429,
        "provider_unavailable" => 502,
        "provider_overloaded" | "temporarily_unavailable" => 503,
        "timeout" => 504,
        _ => return None,
    })
}
