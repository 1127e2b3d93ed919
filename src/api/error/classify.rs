//! What kind of failure it is, by the most precise thing that was told (reference: 6.2 and 6.3).

use super::{Fact, Fault};

/// The word first, then the message, then the status.
pub fn fault(code: Option<&str>, status: Option<u16>, message: &str, facts: &[Fact]) -> Fault {
    if facts.iter().any(|fact| matches!(fact, Fact::Pinned(_) | Fact::ForeignReasoning)) {
        return Fault::Request;
    }
    code.and_then(of_code).or_else(|| of_message(message, status)).unwrap_or(match status {
        Some(401) => Fault::Key,
        Some(402) => Fault::Credit,
        Some(403) => Fault::Forbidden,
        Some(404) => Fault::Model,
        Some(413) => Fault::Length,
        Some(429) => Fault::Rate,
        Some(400..=407 | 409..=499) => Fault::Request,
        Some(_) | None => Fault::Server,
    })
}

/// What the precise words stand for. `server_error` alone says nothing, and neither does a word that we do not know.
fn of_code(code: &str) -> Option<Fault> {
    Some(match code {
        "authentication" | "authentication_error" | "invalid_api_key" | "unauthorized" => Fault::Key,
        "payment_required"
        | "insufficient_quota"
        | "insufficient_credits"
        | "usage_not_included"
        | "billing_hard_limit_reached" => Fault::Credit,
        "permission_denied"
        | "permission_error"
        | "content_policy_violation"
        | "image_content_policy_violation"
        | "refusal"
        | "bio_policy"
        | "cyber_policy"
        | "misalignment_policy_violation"
        | "region_restricted"
        | "data_residency_mismatch" => Fault::Forbidden,
        "model_not_found"
        | "not_found"
        | "not_found_error"
        | "wrong_endpoint"
        | "no_endpoints"
        | "model_deprecated"
        | "model_unavailable_upstream"
        | "privacy_restricted"
        | "constraint_filtered"
        | "free_variant_ended" => Fault::Model,
        "context_length_exceeded"
        | "max_tokens_exceeded"
        | "token_limit_exceeded"
        | "string_too_long"
        | "payload_too_large" => Fault::Length,
        "rate_limit_exceeded" | "rate_limit_error" | "capacity_exhausted" => Fault::Rate,
        "server"
        | "unmapped"
        | "provider_unavailable"
        | "provider_overloaded"
        | "timeout"
        | "temporarily_unavailable"
        | "server_is_overloaded"
        | "slow_down"
        | "overloaded_error"
        | "api_error"
        | "vector_store_timeout" => Fault::Server,
        "unprocessable" | "precondition_failed" => Fault::Request,
        word if word.contains("image") => Fault::Request,
        _ => return None,
    })
}

/// Words that tell more than the status, and more than `invalid_prompt` or `invalid_request`.
fn of_message(message: &str, status: Option<u16>) -> Option<Fault> {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["not a valid model id", "no endpoints found", "model not found"]) {
        return Some(Fault::Model);
    }
    if says(&["maximum context length", "context length exceeded", "prompt is too long", "context window"]) {
        return Some(Fault::Length);
    }
    if says(&["can only afford", "insufficient credits", "key limit exceeded"])
        || (status == Some(403) && says(&["budget", "spend limit", "spending limit"]))
    {
        return Some(Fault::Credit);
    }
    None
}

/// The status that a precise word stands for.
pub fn status_of(code: &str) -> Option<u16> {
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
