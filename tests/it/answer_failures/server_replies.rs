//! What a server can reply, by section of the reference: error bodies, and the ends of streams.

use std::path::Path;

use ibid::api::{self, FaultKind};
use serde_json::{Value, json};

/// The reply of a server to one request.
pub enum ServerReply {
    /// No response at all.
    NoResponse(api::ApiError),
    /// A status, headers and a body.
    Body(u16, Vec<(&'static str, String)>, Vec<u8>),
    Stream(Vec<u8>),
}

/// The rows of a section: a label and the reply.
type ReplyRows = Vec<(&'static str, ServerReply)>;

fn json_body(status: u16, body: &Value) -> ServerReply {
    ServerReply::Body(status, Vec::new(), body.to_string().into_bytes())
}

/// Returns an error in OpenRouter's standard form.
fn openrouter_error(status: u16, message: &str, metadata: &Value) -> ServerReply {
    let mut body = json!({ "error": { "code": status, "message": message } });
    if !metadata.is_null() {
        body["error"]["metadata"] = metadata.clone();
    }
    json_body(status, &body)
}

fn error_message(status: u16, message: &str) -> ServerReply {
    openrouter_error(status, message, &Value::Null)
}

fn with_header(reply: ServerReply, name: &'static str, value: &str) -> ServerReply {
    match reply {
        ServerReply::Body(status, mut headers, body) => {
            headers.push((name, value.to_owned()));
            ServerReply::Body(status, headers, body)
        }
        ServerReply::NoResponse(_) | ServerReply::Stream(_) => reply,
    }
}

fn event_stream(payloads: &[Value]) -> ServerReply {
    ServerReply::Stream(payloads.iter().map(|payload| format!("data: {payload}\n\n")).collect::<String>().into_bytes())
}

fn composed_stream(name: &str) -> ServerReply {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(name);
    ServerReply::Stream(std::fs::read(file).expect("a composed stream"))
}

fn response_body(fields: &Value) -> ServerReply {
    let mut body = json!({ "object": "response", "id": "gen-1", "model": "openai/gpt-5.6-luna", "output": [] });
    body.as_object_mut().expect("a body is an object").extend(fields.as_object().cloned().unwrap_or_default());
    json_body(200, &body)
}

fn message_output(text: &str) -> Value {
    json!([{ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [] }] }])
}

/// 4.6: how a stream can end.
pub fn stream_ends() -> ReplyRows {
    let message = json!({ "type": "response.output_item.added", "output_index": 0,
        "item": { "type": "message", "id": "msg_1", "role": "assistant", "content": [] } });
    let delta =
        json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "So far" });
    let call = json!({ "type": "response.output_item.done", "output_index": 0,
        "item": { "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}" } });
    let thought = json!({ "type": "response.output_item.done", "output_index": 0,
        "item": { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob" } });
    let failed = json!({ "type": "response.failed", "response": { "status": "failed", "output": [], "error_type": "timeout",
        "error": { "code": "server_error", "message": "The provider took too long" } } });
    let nested = json!({ "type": "error", "error": { "code": "server_error", "message": "It broke" } });
    let body =
        json!({ "object": "response", "status": "completed", "output": message_output("A whole body.") }).to_string();
    vec![
        ("completed", composed_stream("plain-text.sse")),
        ("completed, without [DONE]", composed_stream("event-lines-crlf.sse")),
        ("done, as old samples have it", composed_stream("published-text-stream.sse")),
        ("incomplete, at its limit", composed_stream("incomplete-max-output-tokens.sse")),
        ("incomplete, filtered", composed_stream("incomplete-content-filter.sse")),
        ("failed in the middle", composed_stream("failed-mid-stream.sse")),
        ("failed at once", event_stream(&[failed])),
        ("a flat error, then failed", composed_stream("flat-error-then-failed.sse")),
        ("a nested error, then failed", composed_stream("nested-error-then-failed.sse")),
        ("a nested error alone", event_stream(&[nested])),
        ("response.error", composed_stream("response-error.sse")),
        ("the chat API's error frame", composed_stream("chat-style-error.sse")),
        ("cancelled", composed_stream("cancelled.sse")),
        ("a refusal", composed_stream("refusal.sse")),
        ("the end, all items done", composed_stream("lost-terminal.sse")),
        ("the end, a call done", event_stream(&[call])),
        ("the end, only a sealed thought done", event_stream(&[thought])),
        ("the end, in the text", composed_stream("cut-in-text.sse")),
        ("the end, in the text, no item opened", event_stream(std::slice::from_ref(&delta))),
        ("the end, in arguments", composed_stream("cut-in-arguments.sse")),
        ("the end, before anything", composed_stream("cut-before-anything.sse")),
        ("the end, an empty item opened", event_stream(&[message])),
        ("the end, nothing at all", ServerReply::Stream(Vec::new())),
        ("only [DONE]", ServerReply::Stream(b"data: [DONE]\n\n".to_vec())),
        ("[DONE] in the middle", ServerReply::Stream(format!("data: {delta}\n\ndata: [DONE]\n\n").into_bytes())),
        ("no items at all", composed_stream("empty-output.sse")),
        ("an empty message", composed_stream("empty-message.sse")),
        ("a body instead of a stream", ServerReply::Body(200, Vec::new(), body.clone().into_bytes())),
        ("a body behind white space", ServerReply::Body(200, Vec::new(), format!("\n\n   \n{body}\n").into_bytes())),
        ("frames that are no JSON", ServerReply::Stream(b"data: <html>\n\ndata: oops\n\n".to_vec())),
    ]
}

/// 6.1: the forms in which servers report failures.
pub fn error_forms() -> ReplyRows {
    // The client stops reading after the first character.
    let page = b"<!doctype html><title>Sign in to the Wi-Fi</title>";
    let page =
        api::ApiError::from_response(200, &reqwest::header::HeaderMap::new(), page, ibid::chat::Timestamp::UNIX_EPOCH);
    let raw = r#"[{"code":"invalid_union","path":["input",3],"message":"Invalid input"}]"#;
    vec![
        ("1, OpenRouter's own", error_message(402, "Insufficient credits")),
        (
            "2, a validator's issues",
            json_body(
                400,
                &json!({ "error": { "code": "invalid_prompt", "message": "Invalid Responses API request" },
                "metadata": { "raw": raw } }),
            ),
        ),
        (
            "3, availability",
            json_body(
                429,
                &json!({ "error": { "message": "Full", "error_type": "rate_limit_exceeded", "http_status": 429,
                "availability": { "code": "capacity_exhausted", "retryable": true, "retry_after": 3 } } }),
            ),
        ),
        (
            "4, a whole response that failed",
            response_body(&json!({ "status": "failed", "error_type": "authentication",
                "error": { "code": "server_error", "message": "No auth credentials found" } })),
        ),
        (
            "5, a flat event",
            event_stream(&[
                json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Too fast", "param": null }),
            ]),
        ),
        (
            "6, a nested event",
            event_stream(&[
                json!({ "type": "response.error", "error": { "code": "server_error", "message": "It broke" } }),
            ]),
        ),
        (
            "7, the chat API's, as a body",
            json_body(
                200,
                &json!({ "error": { "code": 429, "message": "Too fast",
                "metadata": { "error_type": "rate_limit_exceeded", "provider_code": "RESOURCE_EXHAUSTED" } } }),
            ),
        ),
        (
            "7, the chat API's, in a stream",
            event_stream(&[
                json!({ "choices": [], "error": { "code": 502, "message": "JSON error injected into SSE stream",
                "metadata": { "error_type": "provider_unavailable" } } }),
            ]),
        ),
        (
            "8, OpenAI's",
            json_body(
                400,
                &json!({ "error": { "message": "Unknown parameter", "type": "invalid_request_error",
                "param": "top_k", "code": null } }),
            ),
        ),
        (
            "9, a page",
            ServerReply::Body(502, Vec::new(), b"<html><head><title>Bad gateway</title></head></html>".to_vec()),
        ),
        ("9, a page with 200", ServerReply::NoResponse(page)),
        ("9, plain text", ServerReply::Body(500, Vec::new(), b"boom \x1b[31mat line 3\n".to_vec())),
        ("9, FastAPI's", json_body(422, &json!({ "detail": "Field required" }))),
        ("9, a message alone", json_body(502, &json!({ "message": "upstream is gone" }))),
        ("9, a string as the error", json_body(403, &json!({ "error": "Not for you" }))),
        ("9, nothing at all", ServerReply::Body(500, Vec::new(), Vec::new())),
        ("9, a server without this API", ServerReply::Body(404, Vec::new(), b"404 page not found".to_vec())),
        ("9, one that has the path for others", ServerReply::Body(405, Vec::new(), b"Method Not Allowed".to_vec())),
    ]
}

/// 6.2: the statuses, with the details that make some of them special cases.
pub fn statuses() -> Vec<(String, ServerReply)> {
    let plain = [400, 401, 402, 403, 404, 408, 409, 412, 413, 422, 429, 499, 500, 502, 503, 504, 520, 524, 529];
    let never = |fault, message: &str| ServerReply::NoResponse(api::ApiError::new(fault, message));
    let special: ReplyRows = vec![
        ("401, no key", error_message(401, "Missing Authentication header")),
        ("402, the credit is below zero", error_message(402, "Your account has a negative balance")),
        ("402, enough for less", error_message(402, "You requested up to 65536 tokens, but can only afford 1234.")),
        ("403, the key's budget is spent", error_message(403, "Key limit exceeded (monthly limit)")),
        ("403, the region", error_message(403, "This model is not available in your region")),
        ("404, nobody sees images", error_message(404, "No endpoints found that support image input")),
        ("404, the data policy", error_message(404, "No endpoints found matching your data policy")),
        (
            "404, a pinned endpoint",
            openrouter_error(
                404,
                "Your request contains encrypted reasoning that was produced under a different model.",
                &json!({ "pinned_endpoint_slug": "openai/x|azure" }),
            ),
        ),
        ("429, the day's", error_message(429, "Rate limit exceeded: free-models-per-day.")),
        ("429, in 7 s", with_header(error_message(429, "Slow down"), "retry-after", "7")),
        ("429, in 90 s", with_header(error_message(429, "Slow down"), "retry-after", "90")),
        (
            "429, at a date",
            with_header(error_message(429, "Slow down"), "retry-after", "Sun, 22 Nov 2026 14:02:20 GMT"),
        ),
        (
            "429, until the limit is reset",
            with_header(error_message(429, "Slow down"), "x-ratelimit-reset", "1795356132000"),
        ),
        ("503, with a hint", with_header(error_message(503, "Overloaded"), "retry-after", "2")),
        (
            "503, it helps to ask again",
            json_body(
                503,
                &json!({ "error": { "message": "Not now", "availability": {
                "code": "temporarily_unavailable", "retryable": true } } }),
            ),
        ),
        ("no connection", never(FaultKind::Connect, "nothing is listening at 127.0.0.1:9")),
        (
            "no TLS",
            never(FaultKind::Connect, "no secure connection to openrouter.ai: invalid peer certificate: UnknownIssuer"),
        ),
        ("no name", never(FaultKind::Connect, "the name openrouter.ai could not be resolved; is the network up?")),
        ("no first byte", never(FaultKind::Silence, "openrouter.ai did not answer within 120 s")),
        ("reset at once", never(FaultKind::Cut, "openrouter.ai dropped the connection")),
        (
            "a redirect",
            with_header(ServerReply::Body(307, Vec::new(), Vec::new()), "location", "https://elsewhere.example/v1"),
        ),
    ];
    let plain = plain.into_iter().map(|status| (status.to_string(), error_message(status, "It went wrong.")));
    plain.chain(special.into_iter().map(|(name, came)| (name.to_owned(), came))).collect()
}

/// 6.3: each error code, with the status that it usually comes with.
pub const CODES: &[(&str, u16)] = &[
    ("context_length_exceeded", 400),
    ("max_tokens_exceeded", 400),
    ("token_limit_exceeded", 400),
    ("string_too_long", 400),
    ("invalid_request", 400),
    ("invalid_prompt", 400),
    ("content_policy_violation", 400),
    ("refusal", 400),
    ("invalid_image", 400),
    ("image_too_large", 400),
    ("image_too_small", 400),
    ("unsupported_image_format", 400),
    ("image_download_failed", 400),
    ("authentication", 401),
    ("payment_required", 402),
    ("permission_denied", 403),
    ("not_found", 404),
    ("image_not_found", 404),
    ("precondition_failed", 412),
    ("payload_too_large", 413),
    ("unprocessable", 422),
    ("rate_limit_exceeded", 429),
    ("server", 500),
    ("unmapped", 500),
    ("provider_unavailable", 502),
    ("provider_overloaded", 503),
    ("timeout", 504),
    ("server_error", 500),
    ("vector_store_timeout", 500),
    ("invalid_image_format", 400),
    ("invalid_base64_image", 400),
    ("invalid_image_url", 400),
    ("image_parse_error", 400),
    ("image_content_policy_violation", 400),
    ("invalid_image_mode", 400),
    ("image_file_too_large", 400),
    ("unsupported_image_media_type", 400),
    ("empty_image_file", 400),
    ("failed_to_download_image", 400),
    ("image_file_not_found", 400),
    ("bio_policy", 400),
    ("cyber_policy", 400),
    ("misalignment_policy_violation", 400),
    ("data_residency_mismatch", 400),
    ("model_not_found", 400),
    ("wrong_endpoint", 400),
    ("no_endpoints", 404),
    ("model_deprecated", 404),
    ("model_unavailable_upstream", 404),
    ("capacity_exhausted", 429),
    ("temporarily_unavailable", 503),
    ("region_restricted", 403),
    ("privacy_restricted", 404),
    ("constraint_filtered", 404),
    ("free_variant_ended", 404),
];

/// Returns an error with this code and status.
pub fn error_with_code(code: &str, status: u16) -> ServerReply {
    json_body(
        status,
        &json!({ "error": { "code": status, "message": "It went wrong", "metadata": { "error_type": code } } }),
    )
}

/// The values of `availability.excluded_by`.
pub fn exclusions() -> ReplyRows {
    let excluded = |by: &str| {
        json_body(
            404,
            &json!({ "error": { "message": "No provider", "availability": { "code": "constraint_filtered",
            "retryable": false, "excluded_by": [by], "fallback_models": ["a/b"] } } }),
        )
    };
    vec![
        ("geo", excluded("geo")),
        ("data_region", excluded("data_region")),
        ("data_policy:zdr", excluded("data_policy:zdr")),
        ("data_policy:training", excluded("data_policy:training")),
        ("max_price", excluded("max_price")),
        ("context_length", excluded("context_length")),
        ("require_parameters", excluded("require_parameters")),
        ("quantization", excluded("quantization")),
        ("allowed_providers", excluded("allowed_providers")),
    ]
}

/// 6.4: answers and requests that are too long.
pub fn lengths() -> ReplyRows {
    let incomplete = |reason: &Value, output: &Value| {
        response_body(&json!({ "status": "incomplete", "incomplete_details": reason, "output": output }))
    };
    let limit = json!({ "reason": "max_output_tokens" });
    vec![
        ("incomplete, without a word", incomplete(&limit, &json!([]))),
        ("incomplete, with an empty message", incomplete(&limit, &message_output(""))),
        ("incomplete, with some words", incomplete(&limit, &message_output("Some words"))),
        ("incomplete, for a reason that nobody tells", incomplete(&Value::Null, &json!([]))),
        ("completed, without a word", response_body(&json!({ "status": "completed", "incomplete_details": limit }))),
        ("the words of a provider", error_message(400, "This endpoint's maximum context length is 8192 tokens")),
        ("the words of another", error_message(400, "prompt is too long: 300000 tokens > 200000 maximum")),
    ]
}

/// 6.5: the details that some failures report beside their message.
pub fn error_details() -> ReplyRows {
    let signature = r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#;
    vec![
        (
            "moderation",
            openrouter_error(
                403,
                "openai/gpt-4o requires moderation on OpenAI",
                &json!({ "reasons": ["violence"],
                "flagged_input": "first 50 … last 50", "provider_name": "OpenAI", "model_slug": "openai/gpt-4o" }),
            ),
        ),
        (
            "a guard found patterns",
            openrouter_error(
                403,
                "Request blocked: prompt injection patterns detected",
                &json!({ "patterns": ["ignore all previous instructions"] }),
            ),
        ),
        (
            "a provider's own words",
            openrouter_error(
                429,
                "Provider returned error",
                &json!({ "provider_name": "Google", "raw": "it is temporarily rate-limited upstream" }),
            ),
        ),
        (
            "others were tried",
            openrouter_error(
                502,
                "Provider returned error",
                &json!({ "error_type": "provider_unavailable",
                "provider_code": "UNAVAILABLE",
                "previous_errors": [{ "provider": "anthropic", "code": "overloaded", "status": 529 }] }),
            ),
        ),
        (
            "reasoning of another model",
            openrouter_error(
                404,
                "Your request contains encrypted reasoning or compaction content that was produced under a different model. Encrypted payloads can only be replayed to the endpoint that created them.",
                &json!({ "pinned_endpoint_slug": "openai/gpt-5.6-luna-20260709|azure", "available_endpoint_count": 32 }),
            ),
        ),
        (
            "a signature of another",
            openrouter_error(
                400,
                "Provider returned error",
                &json!({ "raw": signature, "provider_name": "Azure", "is_byok": false,
                "previous_errors": [{ "code": 400, "message": "Provider returned error", "provider_name": "Google" }] }),
            ),
        ),
        ("a masked message", error_message(500, "Internal Server Error")),
    ]
}

/// 6.6: the limits of free models, from OpenRouter or from a provider.
pub fn quotas() -> ReplyRows {
    let own = with_header(error_message(429, "Rate limit exceeded: free-models-per-min."), "x-ratelimit-limit", "20");
    let own = with_header(with_header(own, "x-ratelimit-remaining", "0"), "x-ratelimit-reset", "1795356150000");
    vec![
        ("the minute's, by OpenRouter", own),
        (
            "the day's, by OpenRouter",
            error_message(429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000"),
        ),
        (
            "a provider's",
            openrouter_error(
                429,
                "Provider returned error",
                &json!({ "provider_name": "Venice", "provider_code": "429",
                "raw": "meta/llama:free is temporarily rate-limited upstream" }),
            ),
        ),
    ]
}

/// 7.3 and 7.4: reasons to refuse the history or the settings.
pub fn refusals() -> ReplyRows {
    let openai = |message: &str, code: &str| {
        json_body(
            400,
            &json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": code } }),
        )
    };
    vec![
        ("a call without an output", error_message(400, "No tool output found for function call call_1.")),
        (
            "an output without a call",
            error_message(400, "No tool call found for function call output with call_id call_1."),
        ),
        ("an empty id", error_message(400, "Invalid 'input[1].id': ''. Expected an ID that begins with 'rs'.")),
        (
            "reasoning without what followed",
            error_message(400, "Item 'rs_1' of type 'reasoning' was provided without its required following item."),
        ),
        (
            "a call without its reasoning",
            error_message(
                400,
                "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",
            ),
        ),
        (
            "a blob of somebody else",
            openai("The encrypted content for item rs_1 could not be verified.", "invalid_encrypted_content"),
        ),
        (
            "thoughts in the open",
            openai(
                "Invalid 'input[1].content': array too long. Expected an array with maximum length 0",
                "array_above_max_length",
            ),
        ),
        (
            "Gemini without its signatures",
            error_message(
                400,
                "Gemini models require OpenRouter reasoning details to be preserved: missing a thought_signature",
            ),
        ),
        (
            "reasoning is mandatory",
            error_message(400, "Reasoning is mandatory for this endpoint and cannot be disabled."),
        ),
        (
            "an effort that the model does not have",
            error_message(
                400,
                "Unsupported value: 'reasoning.effort' does not support 'max' with this model. Supported values are: 'low', 'medium', and 'high'.",
            ),
        ),
        (
            "a parameter that the model does not have",
            openai("Unsupported parameter: 'temperature' is not supported with this model.", "unsupported_parameter"),
        ),
        ("nothing is stored", error_message(400, "previous_response_id is not supported")),
        (
            "encrypted content of a model without thoughts",
            openai("Encrypted content is not supported with this model.", "unsupported_value"),
        ),
        ("nobody has tools", error_message(404, "No endpoints found that support tool use")),
        ("no such model", error_message(400, "nope/nope is not a valid model ID")),
        ("an item twice", error_message(400, "Duplicate item found with id rs_1")),
    ]
}
