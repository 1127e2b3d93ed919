use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;

/// 2026-11-22 15:00:00 UTC
const NOW: i64 = 1_795_359_600;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a valid time")
}

fn error_of(status: u16, body: &Value) -> ApiError {
    ApiError::from_response(status, &HeaderMap::new(), body.to_string().as_bytes(), now())
}

fn error_with_header(status: u16, name: &'static str, value: &str) -> ApiError {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a valid header value"));
    ApiError::from_response(status, &headers, br#"{"error":{"message":"Slow down"}}"#, now())
}

#[test]
fn every_form_of_error_is_parsed() {
    let in_stream = |body: &Value| ApiError::from_stream(&body.to_string());
    let in_body = |body: &Value| match crate::api::Event::parse(&body.to_string()) {
        crate::api::Event::ResponseEnded(response) => response.error.expect("it failed"),
        crate::api::Event::Failed(error) => *error,
        other => panic!("{other:?}"),
    };
    for (shape, error, fault, status, code, message) in [
        (
            "1: OpenRouter's own form",
            error_of(402, &json!({ "error": { "code": 402, "message": "Insufficient credits." }, "user_id": "u" })),
            FaultKind::Credit, Some(402), None, "Insufficient credits",
        ),
        (
            "2: a validator's issues beside the error",
            error_of(400, &json!({
                "error": { "code": "invalid_prompt", "message": "Invalid Responses API request" },
                "metadata": { "raw": "[{\"code\":\"invalid_union\",\"path\":[\"input\",3,\"id\"],\"message\":\"Invalid input\"}]" },
            })),
            FaultKind::Request, Some(400), Some("invalid_prompt"), "Invalid Responses API request: input.3.id: Invalid input",
        ),
        (
            "3: availability",
            error_of(404, &json!({ "error": {
                "message": "No provider.", "error_type": "not_found", "http_status": 404,
                "availability": { "code": "privacy_restricted", "retryable": false, "excluded_by": ["data_policy:zdr"] },
            } })),
            FaultKind::Model, Some(404), Some("privacy_restricted"), "No provider",
        ),
        (
            "4: a response that failed",
            in_body(&json!({
                "object": "response", "status": "failed", "output": [],
                "error": { "code": "server_error", "message": "Provider disconnected" }, "error_type": "provider_unavailable",
            })),
            FaultKind::Server, Some(502), Some("provider_unavailable"), "Provider disconnected",
        ),
        (
            "5: a flat event",
            in_stream(&json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Too fast", "param": null })),
            FaultKind::Rate, Some(429), Some("rate_limit_exceeded"), "Too fast",
        ),
        (
            "6: a nested event",
            in_stream(&json!({ "type": "error", "error": {
                "type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your current quota.", "param": null,
            } })),
            FaultKind::Credit, None, Some("insufficient_quota"), "You exceeded your current quota",
        ),
        (
            "7: the chat API's frame",
            in_body(&json!({ "choices": [], "error": {
                "code": 502, "message": "JSON error injected into SSE stream", "metadata": { "error_type": "provider_unavailable" },
            } })),
            FaultKind::Server, Some(502), Some("provider_unavailable"), "JSON error injected into SSE stream",
        ),
        (
            "8: OpenAI's, with a parameter that is an object",
            error_of(400, &json!({ "error": {
                "message": "Unsupported parameter", "type": "invalid_request_error", "param": { "x": 1 }, "code": null,
            } })),
            FaultKind::Request, Some(400), Some("invalid_request_error"), "Unsupported parameter",
        ),
        ("9: FastAPI's", error_of(422, &json!({ "detail": "Field required" })), FaultKind::Request, Some(422), None, "Field required"),
        ("9: only a message", error_of(500, &json!({ "message": "Boom" })), FaultKind::Server, Some(500), None, "Boom"),
        ("9: a string as the error", error_of(401, &json!({ "error": "No key" })), FaultKind::Key, Some(401), None, "No key"),
        (
            "9: an empty body",
            ApiError::from_response(503, &HeaderMap::new(), b"", now()),
            FaultKind::Server, Some(503), None, "the server answered 503 Service Unavailable",
        ),
        (
            "9: an HTML page from the CDN",
            ApiError::from_response(
                502,
                &HeaderMap::new(),
                b"<!DOCTYPE html><html><head><title>openrouter.ai | 502: Bad gateway</title><script>x()</script></head></html>",
                now(),
            ),
            FaultKind::Server, Some(502), None,
            "openrouter.ai | 502: Bad gateway",
        ),
        (
            "9: plain text with escape sequences",
            ApiError::from_response(500, &HeaderMap::new(), b"upstream\x1b[31m failed\r\n\n", now()),
            FaultKind::Server, Some(500), None, "upstream failed",
        ),
    ] {
        assert_eq!((error.fault, error.status), (fault, status), "{shape}: {error:?}");
        assert_eq!((error.code.as_deref(), error.message.as_str()), (code, message), "{shape}");
    }
}

#[test]
fn the_message_of_the_provider_is_shown() {
    let raw = |raw: &str| {
        error_of(
            400,
            &json!({ "error": {
            "code": 400, "message": "Provider returned error", "metadata": { "raw": raw, "provider_name": "Azure" },
        } }),
        )
    };
    let error = raw(
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1: Invalid `signature` in `thinking` block"}}"#,
    );
    assert_eq!(error.message, "messages.1: Invalid `signature` in `thinking` block");
    assert_eq!((error.provider.as_deref(), error.facts), (Some("Azure"), vec![ErrorFact::ForeignReasoning]));
    assert_eq!(
        raw("model is temporarily rate-limited upstream.").message,
        "model is temporarily rate-limited upstream"
    );
    let error = error_of(
        429,
        &json!({ "error": { "code": 429, "message": "Rate limited", "metadata": { "raw": "wait a bit" } } }),
    );
    assert_eq!(error.message, "Rate limited: wait a bit");
    let long = error_of(400, &json!({ "error": { "message": "ä".repeat(2000) } }));
    assert_eq!((long.message.chars().count(), long.message.ends_with('…')), (500, true));
}

#[test]
fn a_specific_code_beats_the_status_and_server_error() {
    let failed = |code: &str, error_type: Option<&str>| {
        let body = json!({ "object": "response", "status": "failed", "error": { "code": code, "message": "m" }, "error_type": error_type });
        match crate::api::Event::parse(&body.to_string()) {
            crate::api::Event::ResponseEnded(response) => response.error.expect("it failed").fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(failed("server_error", Some("authentication")), FaultKind::Key);
    assert_eq!(failed("server_error", None), FaultKind::Server);
    assert_eq!(failed("invalid_prompt", Some("context_length_exceeded")), FaultKind::Length);
    assert_eq!(failed("cyber_policy", None), FaultKind::Forbidden);
    assert_eq!(failed("server_is_overloaded", None), FaultKind::Server);
    assert_eq!(failed("a_word_of_tomorrow", None), FaultKind::Server);
    assert_eq!(failed("image_parse_error", None), FaultKind::Request);
}

/// Section 6.3, code by code: the error code decides, whatever the status of the envelope.
#[test]
fn every_error_code_has_its_fault_and_status() {
    use FaultKind::{Credit, Forbidden, Key, Length, Model, Rate, Request, Server};
    let words = [
        ("context_length_exceeded", Length, Some(400)),
        ("max_tokens_exceeded", Length, Some(400)),
        ("token_limit_exceeded", Length, Some(400)),
        ("string_too_long", Length, Some(400)),
        ("invalid_request", Request, Some(400)),
        ("invalid_prompt", Request, Some(400)),
        ("content_policy_violation", Forbidden, Some(400)),
        ("refusal", Forbidden, Some(400)),
        ("invalid_image", Request, None),
        ("image_too_large", Request, None),
        ("image_too_small", Request, None),
        ("unsupported_image_format", Request, None),
        ("image_download_failed", Request, None),
        ("authentication", Key, Some(401)),
        ("payment_required", Credit, Some(402)),
        ("permission_denied", Forbidden, Some(403)),
        ("not_found", Model, Some(404)),
        ("image_not_found", Request, None),
        ("precondition_failed", Request, None),
        ("payload_too_large", Length, Some(413)),
        ("unprocessable", Request, Some(422)),
        ("rate_limit_exceeded", Rate, Some(429)),
        ("server", Server, None),
        ("unmapped", Server, None),
        ("provider_unavailable", Server, Some(502)),
        ("provider_overloaded", Server, Some(503)),
        ("timeout", Server, Some(504)),
        // Codes of `response.failed`.
        ("server_error", Server, None),
        ("vector_store_timeout", Server, None),
        ("invalid_image_format", Request, None),
        ("invalid_base64_image", Request, None),
        ("invalid_image_url", Request, None),
        ("image_parse_error", Request, None),
        ("image_content_policy_violation", Forbidden, None),
        ("invalid_image_mode", Request, None),
        ("image_file_too_large", Request, None),
        ("unsupported_image_media_type", Request, None),
        ("empty_image_file", Request, None),
        ("failed_to_download_image", Request, None),
        ("image_file_not_found", Request, None),
        ("bio_policy", Forbidden, None),
        ("cyber_policy", Forbidden, None),
        ("misalignment_policy_violation", Forbidden, None),
        ("data_residency_mismatch", Forbidden, None),
        // Availability.
        ("model_not_found", Model, None),
        ("wrong_endpoint", Model, None),
        ("no_endpoints", Model, Some(404)),
        ("model_deprecated", Model, None),
        ("model_unavailable_upstream", Model, None),
        ("capacity_exhausted", Rate, None),
        ("temporarily_unavailable", Server, Some(503)),
        ("region_restricted", Forbidden, None),
        ("privacy_restricted", Model, None),
        ("constraint_filtered", Model, None),
        ("free_variant_ended", Model, None),
    ];
    for (word, fault, status) in words {
        for body in [
            json!({ "type": "error", "code": word, "message": "m" }),
            json!({ "type": "error", "error": { "code": word, "message": "m" } }),
            json!({ "error": { "message": "m", "metadata": { "error_type": word } } }),
            json!({ "error": { "message": "m", "error_type": word, "availability": { "code": word } } }),
        ] {
            let error = ApiError::from_stream(&body.to_string());
            assert_eq!((error.fault, error.status, error.code.as_deref()), (fault, status, Some(word)), "{body}");
        }
    }
}

#[test]
fn the_message_distinguishes_errors_with_the_same_status() {
    for (status, message, fault) in [
        (400, "nope/nope is not a valid model ID", FaultKind::Model),
        (400, "This endpoint's maximum context length is 8192 tokens", FaultKind::Length),
        (400, "prompt is too long: 300000 tokens", FaultKind::Length),
        (403, "Key limit exceeded (monthly limit)", FaultKind::Credit),
        (403, "The workspace budget is spent", FaultKind::Credit),
        (403, "openai/gpt-4o requires moderation", FaultKind::Forbidden),
        (404, "No endpoints found that support image input", FaultKind::Model),
        (401, "User not found.", FaultKind::Key),
        (413, "Payload too large", FaultKind::Length),
        (409, "Conflict", FaultKind::Request),
        (524, "A timeout occurred", FaultKind::Server),
        (529, "Overloaded", FaultKind::Server),
    ] {
        let error = error_of(status, &json!({ "error": { "code": status, "message": message } }));
        assert_eq!(error.fault, fault, "{status} {message}");
    }
}

#[test]
fn facts_for_the_error_card_are_found() {
    let facts = |status: u16, error: Value| error_of(status, &json!({ "error": error })).facts;
    assert_eq!(
        facts(
            402,
            json!({ "message": "You requested up to 65536 tokens, but can only afford 1,234. To increase, add credits" })
        ),
        [ErrorFact::Affordable(1234)]
    );
    let pinned = error_of(
        404,
        &json!({ "error": {
        "message": "Your request contains encrypted reasoning or compaction content that was produced under a different model.",
        "code": 404, "metadata": { "pinned_endpoint_slug": "openai/gpt-5.6-luna-20260709|azure" },
    } }),
    );
    assert_eq!(
        pinned.facts,
        [ErrorFact::Pinned("openai/gpt-5.6-luna-20260709|azure".into()), ErrorFact::ForeignReasoning]
    );
    assert_eq!((pinned.fault, pinned.max_attempts()), (FaultKind::Request, 1));
    assert_eq!(
        facts(
            400,
            json!({ "message": "Unsupported value: 'reasoning.effort' does not support 'max'. Supported values are: 'low', 'medium', and 'high'." })
        ),
        [ErrorFact::Efforts(vec![Effort::Low, Effort::Medium, Effort::High])]
    );
    assert_eq!(
        facts(400, json!({ "message": "Reasoning is mandatory for this endpoint and cannot be disabled." })),
        [ErrorFact::ReasoningMandatory]
    );
    assert_eq!(
        facts(403, json!({ "message": "m", "metadata": { "reasons": ["violence"] } })),
        [ErrorFact::Reasons(vec!["violence".into()])]
    );
    assert_eq!(
        facts(400, json!({ "message": "m", "param": "temperature" })),
        [ErrorFact::Parameter("temperature".into())]
    );
    let both_forms = json!([{ "provider": "anthropic", "status": 529 }, { "provider_name": "Google", "message": "x" }]);
    assert_eq!(
        facts(502, json!({ "message": "m", "metadata": { "previous_errors": both_forms } })),
        [ErrorFact::Tried(vec!["anthropic".into(), "Google".into()])]
    );
    assert_eq!(
        facts(
            404,
            json!({ "message": "m", "availability": {
            "code": "model_deprecated", "retryable": false, "fallback_models": ["a/b"], "excluded_by": ["max_price"],
        } })
        ),
        [
            ErrorFact::Retryable(false),
            ErrorFact::ExcludedBy(vec!["max_price".into()]),
            ErrorFact::FallbackModels(vec!["a/b".into()])
        ]
    );
}

#[test]
fn the_wait_follows_the_server() {
    let after = |error: ApiError| error.retry_after;
    assert_eq!(after(error_with_header(429, "retry-after", "7")), Some(7));
    assert_eq!(after(error_with_header(429, "retry-after", "1.2")), Some(2));
    assert_eq!(after(error_with_header(503, "retry-after", "Sun, 22 Nov 2026 15:01:30 GMT")), Some(90));
    assert_eq!(after(error_with_header(503, "retry-after", "Sun, 22 Nov 2026 14:00:00 GMT")), Some(0));
    assert_eq!(after(error_with_header(503, "retry-after", "soon")), None);
    assert_eq!(after(error_with_header(429, "x-ratelimit-reset", &format!("{}", (NOW + 12) * 1000 - 300))), Some(12));
    assert_eq!(after(error_with_header(429, "x-ratelimit-reset", &format!("{}", NOW + 12))), Some(12));
    assert_eq!(after(error_with_header(400, "x-ratelimit-reset", &format!("{}", NOW + 12))), None);
    for (message, seconds) in [
        ("Please try again in 1.5s.", Some(2)),
        ("Try again in 20 seconds", Some(20)),
        ("try again in 1m30s", Some(90)),
        ("try again in 300ms", Some(1)),
        ("try again in 2 minutes.", Some(120)),
        ("try again in a while", None),
        ("try again later", None),
    ] {
        assert_eq!(after(error_of(429, &json!({ "error": { "message": message } }))), seconds, "{message}");
    }
    let response =
        json!({ "error": { "message": "m", "availability": { "code": "capacity_exhausted", "retry_after": 9 } } });
    assert_eq!(after(error_of(429, &response)), Some(9));
}

#[test]
fn only_useful_retries_are_allowed() {
    let attempts = |status: u16, message: &str| {
        error_of(status, &json!({ "error": { "code": status, "message": message } })).max_attempts()
    };
    for (status, expected) in [
        (400, 1),
        (401, 1),
        (402, 1),
        (403, 1),
        (404, 1),
        (408, 2),
        (409, 1),
        (413, 1),
        (422, 1),
        (429, 4),
        (500, 3),
        (502, 4),
        (503, 1),
        (504, 3),
        (524, 3),
        (529, 4),
        (520, 4),
    ] {
        assert_eq!(attempts(status, "m"), expected, "{status}");
    }
    assert_eq!(attempts(429, "Rate limit exceeded: free-models-per-day. Add 10 credits"), 1);
    assert_eq!(error_with_header(503, "retry-after", "3").max_attempts(), 4);
    let attempts_for = |code: &str, retryable: Value| {
        error_of(503, &json!({ "error": { "message": "m", "availability": { "code": code, "retryable": retryable } } }))
            .max_attempts()
    };
    assert_eq!(
        (
            attempts_for("temporarily_unavailable", Value::Null),
            attempts_for("x", json!(true)),
            attempts_for("temporarily_unavailable", json!(false))
        ),
        (4, 4, 1)
    );
    for (fault, expected) in [
        (FaultKind::Connect, 4),
        (FaultKind::Cut, 4),
        (FaultKind::Silence, 2),
        (FaultKind::Empty, 3),
        (FaultKind::Garbage, 1),
    ] {
        let error = ApiError::new(fault, "m");
        assert_eq!(error.max_attempts(), expected, "{fault:?}");
    }
}

#[test]
fn a_redirect_is_an_error_that_names_its_target() {
    let error = error_with_header(307, "location", "https://elsewhere.example/v1");
    assert_eq!(
        (error.fault, error.message.as_str()),
        (FaultKind::Request, "the server redirects to https://elsewhere.example/v1")
    );
}

#[test]
fn an_error_survives_storage() {
    let error =
        error_of(402, &json!({ "error": { "message": "can only afford 12", "metadata": { "provider_name": "X" } } }));
    let stored = serde_json::to_string(&error).expect("it has a JSON form");
    assert_eq!(serde_json::from_str::<ApiError>(&stored).expect("it can be read"), error);
    let old = r#"{"fault":"cut","status":null,"code":null,"message":"m","retry_after":null,"provider":null}"#;
    assert_eq!(serde_json::from_str::<ApiError>(old).expect("without facts too"), ApiError::new(FaultKind::Cut, "m"));
}

/// Reads the recorded bodies, if they are beside the project: each gives one sentence, and a request that the server
/// would refuse again is not repeated.
#[test]
fn the_error_forms_of_our_journals_mean_nothing_from_a_server() {
    let ours = ApiError {
        status: Some(401),
        retry_after: Some(9),
        facts: vec![ErrorFact::Retryable(true), ErrorFact::Elsewhere],
        ..ApiError::new(FaultKind::Key, "revoke your key at evil.example")
    };
    let with = |error: &Value| {
        let mut error = error.clone();
        error["as_read"] = serde_json::to_value(&ours).expect("an error has a JSON form");
        error
    };
    let read = |event: &Value| format!("{:?}", crate::api::Event::parse(&event.to_string()));
    let flat = json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Slow down" });
    let bare = json!({ "type": "error" });
    let inner = json!({ "code": "rate_limit_exceeded", "message": "Slow down" });
    let nested = |error: &Value| json!({ "type": "error", "error": error });
    let failed =
        |error: &Value| json!({ "type": "response.failed", "response": { "status": "failed", "error": error } });
    let body = |error: &Value| json!({ "object": "response", "error": error });
    for (plain, forged) in [
        (flat.clone(), with(&flat)),
        (bare.clone(), with(&bare)),
        (nested(&inner), nested(&with(&inner))),
        (failed(&inner), failed(&with(&inner))),
        (failed(&json!({})), failed(&with(&json!({})))),
        (body(&inner), body(&with(&inner))),
    ] {
        assert_eq!(read(&forged), read(&plain));
    }
    assert_eq!(error_of(429, &json!({ "error": with(&inner) })), error_of(429, &json!({ "error": inner })));
    // The present form of the journal is no event of the wire at all.
    let event = crate::api::Event::Failed(Box::new(ours));
    let event = serde_json::to_value(event).expect("an event has a JSON form");
    for line in [event.clone(), json!({ "v": 2, "step": 0, "at": "2026-11-22T15:00:00Z", "event": event })] {
        assert!(matches!(crate::api::Event::parse(&line.to_string()), crate::api::Event::Other { .. }), "{line}");
    }
}

#[test]
fn recorded_bodies_give_one_sentence_each() {
    use std::io::Write;
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/recordings/real-error-bodies.jsonl");
    let Ok(lines) = std::fs::read_to_string(path) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the recorded error bodies are not beside the project");
        return;
    };
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("a recorded line");
        let status = u16::try_from(line["http_status"].as_u64().expect("a status")).expect("a status");
        let error = error_of(status, &line["body"]);
        assert_eq!(error.status, Some(status), "{line}");
        assert!(
            !error.message.is_empty() && !error.message.contains('\n') && !error.message.ends_with('.'),
            "{error:?}"
        );
        assert_ne!(error.message, "Provider returned error", "{line}");
        assert_eq!(error.max_attempts() > 1, status == 429 && line["server"] == "openrouter", "{error:?}");
    }
}
