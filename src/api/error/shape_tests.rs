//! Errors in the shapes of many servers and gateways: their words are always found, and the right fault with them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::*;
use crate::api::Event;

fn body_error(status: u16, body: &str) -> ApiError {
    ApiError::from_response(status, &HeaderMap::new(), body.as_bytes(), jiff::Timestamp::UNIX_EPOCH)
}

fn stream_error(payload: &str) -> ApiError {
    match Event::parse(payload) {
        Event::Failed(error) => *error,
        Event::ResponseEnded(response) => response.error.unwrap_or_else(|| panic!("{payload} is no failure")),
        other => panic!("{payload}: {other:?}"),
    }
}

#[test]
fn the_words_of_a_body_are_found_in_every_shape() {
    for (status, body, fault, message) in [
        (400, r#"{"error":"temperature is too high"}"#, FaultKind::Request, "temperature is too high"),
        (400, r#"{"error":["one","two"]}"#, FaultKind::Request, "one; two"),
        (
            400,
            r#"[{"error":{"code":400,"message":"Invalid JSON payload","status":"INVALID_ARGUMENT"}}]"#,
            FaultKind::Request,
            "Invalid JSON payload",
        ),
        (
            400,
            r#"{"errors":{"top_p":["must be below 1","is odd"],"model":"is unknown"}}"#,
            FaultKind::Request,
            "top_p: must be below 1; is odd; model: is unknown",
        ),
        (
            422,
            r#"{"message":"The given data was invalid.","errors":{"top_p":["must be below 1"]}}"#,
            FaultKind::Request,
            "The given data was invalid: top_p: must be below 1",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","tools",0,"name"],"msg":"Field required","type":"missing"},{"loc":["body","model"],"msg":"is odd"}]}"#,
            FaultKind::Request,
            "body.tools.0.name: Field required; body.model: is odd",
        ),
        (400, r#"{"detail":{"error":"no such setting"}}"#, FaultKind::Request, "no such setting"),
        (
            400,
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"top_p is odd"}"#,
            FaultKind::Request,
            "Bad Request: top_p is odd",
        ),
        (
            400,
            r#"{"success":false,"errors":[{"code":1000,"message":"Unknown field"}]}"#,
            FaultKind::Request,
            "Unknown field",
        ),
        (400, r#"{"error":{"message":{"text":"nested words"}}}"#, FaultKind::Request, "nested words"),
        (
            400,
            r#"{"error":{"message":"{\"error\":{\"message\":\"the inner words\",\"type\":\"x\"}}"}}"#,
            FaultKind::Request,
            "the inner words",
        ),
        (
            400,
            r#"{"error":"{\"message\":\"as text\",\"code\":\"context_length_exceeded\"}"}"#,
            FaultKind::Length,
            "as text",
        ),
        (
            400,
            r#"{"error":{"message":"Error code: 400 - {'error': {'message': \"it isn't\", 'param': None, 'ok': True}}"}}"#,
            FaultKind::Request,
            "Error code: 400: it isn't",
        ),
        (
            400,
            r#"{"error":{"message":"Upstream said {\"error\":{\"message\":\"no\"}}. Try later"}}"#,
            FaultKind::Request,
            "Upstream said: no Try later",
        ),
        (400, r#"{"fault":{"faultstring":"Quota violation"}}"#, FaultKind::Request, "Quota violation"),
        (500, r#"{"Message":"It broke"}"#, FaultKind::Server, "It broke"),
        (
            503,
            r#"{"error":{"code":"server_is_overloaded","message":""}}"#,
            FaultKind::Server,
            "the server is overloaded (server_is_overloaded)",
        ),
        (
            400,
            r#"{"error":{"code":"flux_missing","message":null}}"#,
            FaultKind::Request,
            "the server reports: flux missing (flux_missing)",
        ),
        (500, "\"as a string\"", FaultKind::Server, "\"as a string\""),
        (500, "data: {\"error\":{\"message\":\"in an event\",\"code\":500}}\n\n", FaultKind::Server, "in an event"),
        (
            400,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"in a named event\"}}\n\ndata: [DONE]\n\n",
            FaultKind::Request,
            "in a named event",
        ),
        (429, ": comment\n\ndata: {\"error\":\"too fast\"}\n\n", FaultKind::Rate, "too fast"),
        (
            403,
            r#"{"error":{"message":"Blocked","misalignment":{"detailed_explanation":"it asks for harm"}}}"#,
            FaultKind::Forbidden,
            "Blocked: it asks for harm",
        ),
        (
            400,
            r#"{"error":{"code":"credit_balance_exhausted","message":"No balance"}}"#,
            FaultKind::Credit,
            "No balance",
        ),
    ] {
        let error = body_error(status, body);
        assert_eq!((error.fault, error.message.as_str()), (fault, message), "{body}");
    }
}

#[test]
fn the_words_of_a_stream_are_found_in_every_shape() {
    for (payload, fault, message) in [
        (
            r#"{"type":"error","code":"rate_limit_exceeded","message":null,"param":null}"#,
            FaultKind::Rate,
            "too many requests (rate_limit_exceeded)",
        ),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_is_overloaded","message":""}}}"#,
            FaultKind::Server,
            "the server is overloaded (server_is_overloaded)",
        ),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":"plain words"}}"#,
            FaultKind::Server,
            "plain words",
        ),
        (r#"{"type":"response.failed","error":{"message":"beside the type"}}"#, FaultKind::Server, "beside the type"),
        (
            r#"{"type":"response.failed","response":{"status_details":{"error":{"message":"in the details"}}}}"#,
            FaultKind::Server,
            "in the details",
        ),
        (r#"{"type":"error","error":["a","b"]}"#, FaultKind::Server, "a; b"),
        (r#"{"type":"error","detail":"a detail"}"#, FaultKind::Server, "a detail"),
        (r#"{"type":"overloaded_error","message":"Overloaded"}"#, FaultKind::Server, "Overloaded"),
        (r#"{"detail":"Internal error"}"#, FaultKind::Server, "Internal error"),
        (r#"{"message":"Internal server error"}"#, FaultKind::Server, "Internal server error"),
        (r#"{"errors":{"model":["is gone"]}}"#, FaultKind::Server, "model: is gone"),
        (r#"{"object":"error","message":"vLLM's","code":400}"#, FaultKind::Request, "vLLM's"),
        (r#"{"error":"text","code":429}"#, FaultKind::Rate, "text"),
        (r#"[{"error":{"code":503,"message":"a list"}}]"#, FaultKind::Server, "a list"),
        (
            r#"{"error":"Unexpected endpoint or method. (POST /responses). Returning 200 anyway"}"#,
            FaultKind::Garbage,
            "there is no Responses API at this address: Unexpected endpoint or method. (POST /responses). Returning 200 anyway",
        ),
    ] {
        let error = stream_error(payload);
        assert_eq!((error.fault, error.message.as_str()), (fault, message), "{payload}");
    }
    for harmless in [
        json!({ "choices": [{ "delta": { "content": "x" } }], "error": null }),
        json!({ "error": false, "id": 1 }),
        json!({ "type": "ping", "message": "still here" }),
    ] {
        assert!(matches!(Event::parse(&harmless.to_string()), Event::Other { .. }), "{harmless}");
    }
}

#[test]
fn words_in_place_of_events_are_told_and_signs_of_life_are_not() {
    let parsed = |text: &str| ApiError::from_stray_text(text).map(|error| (error.fault, error.status, error.message));
    let page = "<html>\n<head><title>504 Gateway Time-out</title></head>\n<body><h1>504</h1></body></html>";
    assert_eq!(parsed(page), Some((FaultKind::Server, Some(504), "504 Gateway Time-out".into())));
    assert_eq!(parsed("upstream connect error"), Some((FaultKind::Server, None, "upstream connect error".into())));
    assert_eq!(parsed("429 Too Many Requests"), Some((FaultKind::Rate, Some(429), "429 Too Many Requests".into())));
    for silent in ["", "ping", "[DONE]", "null", "{\"cut\":"] {
        assert_eq!(parsed(silent), None, "{silent}");
    }
}

#[test]
fn a_path_that_the_server_lacks_is_told_from_a_model_that_it_lacks() {
    let is_path = |status: u16, body: &str| {
        let error = body_error(status, body);
        assert_eq!(error.max_attempts(), 1, "{body}");
        error.fault == FaultKind::Garbage && error.message.starts_with("there is no Responses API at this address")
    };
    for (status, body) in [
        (404, r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#),
        (404, r#"{"detail":"Not Found"}"#),
        (404, r#"{"message":"Cannot POST /v1/responses"}"#),
        (404, r#"{"timestamp":"2026-11-30","status":404,"error":"Not Found","path":"/v1/responses"}"#),
        (404, r#"{"error":{"message":"Invalid URL (POST /v1/v1/responses)","type":"invalid_request_error"}}"#),
        (404, r#"{"statusCode":404,"message":"Route POST:/responses not found","error":"Not Found"}"#),
        (404, r#"{"message":"no Route matched with those values"}"#),
        (404, "404 page not found"),
        (404, "<html><title>404 Not Found</title></html>"),
        (404, ""),
        (405, r#"{"detail":"Method Not Allowed"}"#),
        (405, "<h1>405 Not Allowed</h1>"),
        (400, r#"{"error":"Unexpected endpoint or method. (POST /responses)"}"#),
    ] {
        assert!(is_path(status, body), "{status} {body}");
    }
    for body in [
        r#"{"error":{"message":"The model `x` does not exist or you do not have access to it","code":"model_not_found"}}"#,
        r#"{"error":{"message":"No endpoints found for x/y","code":404}}"#,
        r#"{"error":"model 'llama9' not found"}"#,
        r#"{"error":{"message":"No allowed providers are available","code":404}}"#,
    ] {
        assert!(!is_path(404, body) && body_error(404, body).fault == FaultKind::Model, "{body}");
    }
}

#[test]
fn the_status_counts_more_than_the_type_of_an_error() {
    for (status, kind, fault) in [
        (400, "api_error", FaultKind::Request),
        (400, "server_error", FaultKind::Request),
        (400, "overloaded_error", FaultKind::Request),
        (422, "rate_limit_error", FaultKind::Request),
        (401, "not_found_error", FaultKind::Key),
        (403, "api_error", FaultKind::Forbidden),
        (429, "permission_error", FaultKind::Rate),
        (500, "not_found_error", FaultKind::Server),
        (529, "overloaded_error", FaultKind::Server),
        (400, "authentication_error", FaultKind::Key),
    ] {
        let error = body_error(status, &json!({ "error": { "message": "m", "type": kind } }).to_string());
        assert_eq!(error.fault, fault, "{status} {kind}");
        assert_eq!(error.max_attempts() > 1, status == 429 || status >= 500, "{status} {kind}");
    }
}

#[test]
fn a_page_is_from_something_between_here_and_the_server() {
    let page = |title: &str| format!("<!DOCTYPE html><html><head><title>{title}</title></head></html>");
    for (status, title, attempts) in [
        (403, "Just a moment...", 1),
        (401, "Sign in", 1),
        (502, "Bad gateway", 4),
        (504, "Gateway Time-out", 3),
        (413, "413 Request Entity Too Large", 1),
    ] {
        let error = body_error(status, &page(title));
        assert_eq!((error.obstacle(), error.message.as_str()), (Some(NetworkObstacle::Gateway), title));
        assert_eq!(error.max_attempts(), attempts, "{status}");
        assert!(!matches!(error.fault, FaultKind::Forbidden | FaultKind::Key), "{status}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("via"), HeaderValue::from_static("1.1 corp (squid/6.6)"));
    let proxied =
        |status| ApiError::from_response(status, &headers, page("Denied").as_bytes(), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(proxied(403).obstacle(), Some(NetworkObstacle::ProxyRefusal));
    assert_eq!(body_error(407, &page("Login")).obstacle(), Some(NetworkObstacle::ProxyLogin));
    assert_eq!(body_error(403, "error code: 1020").obstacle(), Some(NetworkObstacle::Gateway));
    assert_eq!(body_error(403, r#"{"error":{"message":"Blocked","code":403}}"#).obstacle(), None);
}

#[test]
fn a_gateway_that_does_not_know_the_key_says_so_in_its_own_way() {
    for (status, message) in [
        (400, "No connected db."),
        (400, "Authentication Error, LiteLLM Virtual Key expected. Received=sk-x, expected to start with 'sk-'"),
        (400, "API key not valid. Please pass a valid API key."),
        (403, "Invalid API Key"),
    ] {
        let mut error =
            body_error(status, &json!({ "error": { "message": message, "type": "no_db_connection" } }).to_string());
        error.note_refused_key();
        assert_eq!(error.fault, FaultKind::Key, "{message}");
    }
    let mut other = body_error(400, r#"{"error":{"message":"top_p is odd"}}"#);
    other.note_refused_key();
    assert_eq!(other.fault, FaultKind::Request);
}

#[test]
fn items_of_a_foreign_tool_are_told_from_foreign_reasoning() {
    let facts = |message: &str| body_error(400, &json!({ "error": { "message": message } }).to_string()).facts;
    for message in [
        "messages.1.content.0.web_search_tool_result: Invalid encrypted_content, could not be decrypted",
        "Invalid value: 'openrouter:web_search'. Supported values are: 'message'",
        "Unsupported item type: web_search_call",
    ] {
        assert_eq!(facts(message), [ErrorFact::ForeignItems], "{message}");
    }
    assert_eq!(facts("The encrypted content could not be verified"), [ErrorFact::ForeignReasoning]);
}

#[test]
fn an_error_in_our_own_stored_form_is_not_believed_from_a_server() {
    let stored = serde_json::to_string(&ApiError {
        facts: vec![ErrorFact::Affordable(5)],
        ..ApiError::new(FaultKind::Credit, "pay here")
    });
    let stored = stored.expect("it is stored like this");
    for payload in [
        stored.clone(),
        format!(r#"{{"type":"error","as_read":{stored}}}"#),
        format!(r#"{{"type":"error","error":{{"message":"no","as_read":{stored}}}}}"#),
        format!(r#"{{"type":"error","error":{stored}}}"#),
    ] {
        let from_stream = payload.contains("\"type\"").then(|| stream_error(&payload));
        for error in from_stream.into_iter().chain([body_error(500, &payload)]) {
            assert_eq!((error.fault, error.facts), (FaultKind::Server, vec![]), "{payload}");
        }
    }
}
