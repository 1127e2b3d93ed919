//! Account details from OpenRouter: the cost of an answer and the free requests left.

use serde::{Deserialize, Serialize};

use super::{Usage, Usd, json::JsonFields};

/// How many requests for free models OpenRouter accepts per minute, as published.
///
/// `GET /key` reports only the daily limit, and its `rate_limit` is deprecated (reference: 6.6, 9.1).
pub const FREE_REQUESTS_PER_MINUTE: u32 = 20;

/// How many requests for free models a key has per day, and how many are left today (reference: 6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeQuota {
    pub limit: u64,
    pub remaining: u64,
}

impl FreeQuota {
    /// Reads the body of `GET /key`. Returns `None` if it does not report the quota.
    pub fn parse(body: &str) -> Option<Self> {
        let requests = JsonFields::parse(body)?.object("data")?.object("free_model_daily_requests")?;
        let limit = requests.number("limit")?;
        let used = requests.number("used");
        let remaining = requests.number("remaining").or_else(|| used.map(|used| limit.saturating_sub(used)))?;
        Some(Self { limit, remaining })
    }
}

/// Reads what a request used and cost from the body of `GET /generation`. Returns `None` if there is no price.
pub fn parse_generation(body: &str) -> Option<Usage> {
    let data = JsonFields::parse(body)?.object("data")?;
    let count = |native: &str, normal: &str| data.number(native).or_else(|| data.number(normal));
    let price = |key: &str| Usd::parse(data.raw(key)?.get().trim_matches('"'));
    Some(Usage {
        input_tokens: count("native_tokens_prompt", "tokens_prompt"),
        cached_tokens: data.number("native_tokens_cached"),
        output_tokens: count("native_tokens_completion", "tokens_completion"),
        reasoning_tokens: data.number("native_tokens_reasoning"),
        cost: Some(price("total_cost").or_else(|| price("usage"))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_has_its_cost_in_the_digits_of_the_server() {
        let body = r#"{"data":{"id":"gen-1","total_cost":1.2e-04,"usage":9,"tokens_prompt":20,"tokens_completion":9,
            "native_tokens_prompt":21,"native_tokens_completion":8,"native_tokens_reasoning":0,"cancelled":true}}"#;
        let usage = parse_generation(body).expect("a price");
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.reasoning_tokens), (Some(21), Some(8), Some(0)));
        assert_eq!(usage.cost.map(|cost| cost.digits().to_owned()).as_deref(), Some("1.2e-04"));
        for other in ["{}", r#"{"data":{"total_cost":null}}"#, "nonsense", r#"{"data":{"total_cost":"dear"}}"#] {
            assert_eq!(parse_generation(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_reports_the_free_requests_left() {
        let quota = |requests: &str| {
            FreeQuota::parse(&format!(r#"{{"data":{{"usage":1,"free_model_daily_requests":{requests}}}}}"#))
        };
        assert_eq!(
            quota(r#"{"limit":1000,"used":3,"remaining":997}"#),
            Some(FreeQuota { limit: 1000, remaining: 997 })
        );
        assert_eq!(quota(r#"{"limit":50,"used":60}"#), Some(FreeQuota { limit: 50, remaining: 0 }));
        assert_eq!((quota("null"), quota("{}"), FreeQuota::parse("[]")), (None, None, None));
    }
}
