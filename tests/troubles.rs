//! What can go wrong with an answer, from the bytes of the server to the words on the screen.

mod support;

use std::time::Duration;

use ibid::{
    api::{self, Fact, Fault, FreeQuota},
    app::{Effect, Msg},
    store::{Job, Reply},
};
use serde_json::json;
use support::harness::{Harness, start};

const DELTA: &str =
    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"The borrow must outlive"}"#;

fn saves(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Store(Job::Save { .. }))).count()
}

#[test]
fn a_stopped_answer_says_that_it_may_be_billed_until_its_price_has_come() {
    let mut app = Harness::new(110, 30);
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: Some("gen-9".into()) });
    app.events(stream, &[DELTA]);
    app.press("esc");
    assert!(app.status().contains("stopped; the provider may bill on"), "{}", app.status());
    assert!(app.screen().contains("asking what it cost"), "{}", app.screen());
    app.effects();
    app.wait(Duration::from_secs(1));
    let effects = app.effects();
    let [Effect::AskPrice { answer, endpoint, generation }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((endpoint.as_str(), generation.as_str()), ("openrouter", "gen-9"));
    let usage = api::Usage { cost: api::Usd::parse("0.0031"), ..Default::default() };
    app.send(Msg::Priced { answer: *answer, result: Ok(usage) });
    assert!(!app.status().contains("may bill"), "{}", app.status());
    assert!(app.status().contains("$0.0031"), "{}", app.status());
    assert!(app.screen().lines().any(|row| row.contains("stopped after") && row.contains("$0.0031")));
    assert_eq!(saves(&app.effects()), 1, "it is the answer's own price now");
}

#[test]
fn a_refused_free_model_shows_what_is_left_of_the_day() {
    let mut app = Harness::new(110, 30);
    app.state.fresh.model = "meta/llama:free".into();
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(429), ..api::Error::new(Fault::Rate, "Slow down") }));
    let effects = app.effects();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::AskQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    let quota = FreeQuota { limit: 50, remaining: 12 };
    app.send(Msg::Quota { answer: asked.expect("the quota is asked for"), quota });
    let screen = app.screen().replace('▌', "");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("20 requests a minute; 12 of today's 50 are left"), "{screen}");
}

#[test]
fn a_free_model_whose_day_is_over_is_not_asked_again_first() {
    let mut app = Harness::new(110, 30);
    app.state.fresh.model = "meta/llama:free".into();
    let stream = app.prompt("hello");
    let facts = vec![Fact::FreeQuotaOfTheDay];
    app.end(
        stream,
        Err(api::Error { status: Some(429), facts, ..api::Error::new(Fault::Rate, "free-models-per-day") }),
    );
    let effects = app.effects();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::AskQuota { answer, .. } => Some(*answer),
        _ => None,
    });
    app.send(Msg::Quota { answer: asked.expect("asked for"), quota: FreeQuota { limit: 50, remaining: 0 } });
    let screen = app.screen();
    let words = screen.replace('▌', "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("20 requests a minute; 0 of today's 50 are left"), "{screen}");
    assert!(words.contains("↵ another model tab, then b buy credits r try again"), "{screen}");
    app.wait(Duration::from_hours(1));
    assert!(app.opened().is_empty(), "never by itself");
}

#[test]
fn no_key_counts_on_a_card_until_it_has_stood_for_a_third_of_a_second() {
    for key in ["enter", "tab r"] {
        let mut app = Harness::new(110, 30);
        let stream = app.prompt("hello");
        app.end(stream, Err(api::Error::new(Fault::Garbage, "no such API")));
        app.effects();
        app.press(key);
        app.wait(Duration::from_millis(299));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert!(app.opened().is_empty(), "{key}: it appeared under the finger");
        app.wait(Duration::from_millis(1));
        app.press(key.split(' ').next_back().unwrap_or(key));
        assert_eq!(app.opened().len(), 1, "{key}");
    }
}

#[test]
fn a_silence_is_told_in_the_phase_and_a_comment_ends_it() {
    let mut app = Harness::new(110, 30);
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.events(stream, &[DELTA]);
    app.wait(Duration::from_secs(59));
    assert!(app.status().contains("streaming"), "{}", app.status());
    app.wait(Duration::from_secs(2));
    assert!(app.status().contains("silent for 61.0 s"), "{}", app.status());
    app.send(Msg::Stream { stream, at: app.now, events: vec![api::Event::KeepAlive] });
    assert!(app.status().contains("streaming"), "{}", app.status());
    app.effects();
    app.wait(Duration::from_secs(181));
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::CloseStream(closed) if *closed == stream)));
    assert!(app.screen().contains("The server fell silent in mid-answer."), "{}", app.screen());
}

#[test]
fn the_limits_of_silence_are_those_of_the_config() {
    let mut begin = start(110, 30);
    begin.config.timeouts.silence_warn = Some(2.0);
    begin.config.timeouts.silence_stop = Some(4.0);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.prompt("hello");
    app.send(Msg::StreamOpened { stream, generation: None });
    app.events(stream, &[DELTA]);
    app.wait(Duration::from_secs(3));
    assert!(app.status().contains("silent for"), "{}", app.status());
    app.wait(Duration::from_secs(2));
    assert!(app.state.current().unwrap().active_turn().is_none());
}

#[test]
fn turns_that_are_left_out_are_marked_and_can_be_sent_again() {
    let mut app = Harness::new(110, 40);
    for (prompt, answer) in [("first", "one"), ("second", "two")] {
        let stream = app.prompt(prompt);
        app.answer(stream, answer);
    }
    let stream = app.prompt("third");
    app.end(stream, Err(api::Error::new(Fault::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let opened = app.opened();
    assert_eq!(opened[0].1["input"][0]["content"], "second", "{}", opened[0].1);
    assert_eq!(app.screen().matches("left out of the next request").count(), 2, "{}", app.screen());
    app.answer(opened[0].0, "three");
    app.enter_text("/put-back");
    app.press("enter");
    assert!(!app.screen().contains("left out of the next request"), "{}", app.screen());
    app.effects();
    app.enter_text("fourth");
    app.press("enter");
    assert_eq!(app.opened()[0].1["input"][0]["content"], "first");
}

#[test]
fn credits_are_bought_on_their_page() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    app.end(stream, Err(api::Error { status: Some(402), ..api::Error::new(Fault::Credit, "Insufficient credits") }));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    let effects = app.effects();
    let [Effect::Browse(page)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(page, "https://openrouter.ai/credits");
    app.send(Msg::Browsed { url: page.clone(), result: Err(format!("xdg-open {page}")) });
    assert!(app.screen().contains("no browser here: xdg-open https://openrouter.ai/credits"), "{}", app.screen());
}

#[test]
fn where_nothing_is_older_leaving_it_out_says_so() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("a very long prompt");
    app.end(stream, Err(api::Error::new(Fault::Length, "maximum context length is 10 tokens")));
    app.wait(Duration::from_millis(400));
    app.effects();
    app.press("enter");
    assert!(app.opened().is_empty());
    assert!(app.screen().contains("there is nothing older to leave out"), "{}", app.screen());
}

/// Section 5.2: each is shown as what it is, or as one folded line that opens to what the server sent.
#[test]
fn every_type_of_item_is_seen_and_none_speaks_for_the_answer() {
    let servers = [
        "advisor",
        "apply_patch",
        "armor_blocked",
        "bash",
        "browser_use",
        "code_interpreter",
        "datetime",
        "experimental__search_models",
        "file_search",
        "files",
        "fusion",
        "image_generation",
        "mcp",
        "memory",
        "shell",
        "subagent",
        "text_editor",
        "tool_search",
        "web_fetch",
        "web_search",
        "of_tomorrow",
    ];
    let plain = [
        "web_search_call",
        "file_search_call",
        "image_generation_call",
        "code_interpreter_call",
        "computer_call",
        "shell_call",
        "shell_call_output",
        "apply_patch_call",
        "tool_search_call",
        "mcp_call",
        "mcp_list_tools",
        "compaction",
        "crystal_ball_call",
    ];
    for kind in servers.iter().map(|name| format!("openrouter:{name}")).chain(plain.map(str::to_owned)) {
        let mut app = Harness::new(110, 60);
        let stream = app.prompt("hello");
        let item = json!({ "id": "x_1", "type": kind, "status": "completed", "content": "not the answer",
            "output": "not the answer", "result": "bm90", "text": "not the answer" });
        let events = [
            json!({ "type": "response.output_item.added", "output_index": 0, "item": item }).to_string(),
            json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "not the answer" })
                .to_string(),
            json!({ "type": "response.output_item.done", "output_index": 0, "item": item }).to_string(),
            DELTA.replace("\"output_index\":0", "\"output_index\":1"),
            json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } }).to_string(),
        ];
        app.events(stream, &events.each_ref().map(String::as_str));
        app.end(stream, Ok(()));
        let text = app.state.current().expect("a conversation").newest_answer_text();
        assert_eq!(text.as_deref(), Some("The borrow must outlive"), "{kind}");
        let rows: Vec<String> = app.screen().lines().map(|row| row.trim().to_owned()).collect();
        let head = rows.iter().position(|row| row.contains("14:02")).expect("the answer's head");
        let line = &rows[head + 1];
        let word = kind.split([':', '_']).find(|word| line.to_lowercase().contains(*word) && !word.is_empty());
        assert!(word.is_some() && !line.contains("not the answer"), "{kind}: {}", app.screen());
        app.press("ctrl-o");
        let is_search = line.starts_with("⌕") || line.contains("Searched") || line.contains("Read");
        let raw = format!("\"type\": \"{kind}\"");
        assert!(is_search || app.screen().contains(&raw), "{kind}: {}", app.screen());
    }
}

#[test]
fn zero_data_retention_is_sent_shown_and_can_be_dropped_once() {
    let mut begin = start(110, 30);
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    assert!(app.status().contains("zdr"), "{}", app.status());
    app.effects();
    app.enter_text("hello");
    app.press("enter");
    let opened = app.opened();
    assert_eq!(opened[0].1["provider"], json!({"zdr": true}));
    let by = Fact::ExcludedBy(vec!["data_policy:zdr".into()]);
    let error = api::Error { status: Some(404), facts: vec![by], ..api::Error::new(Fault::Model, "No provider") };
    app.end(opened[0].0, Err(error));
    app.wait(Duration::from_millis(400));
    assert!(app.screen().contains("once without zero data retention"), "{}", app.screen());
    app.effects();
    app.press("enter");
    assert_eq!(app.opened()[0].1.get("provider"), None);
    assert!(app.screen().contains("asked without zero data retention, this once"), "{}", app.screen());
}

/// Feeds a composed stream, whole.
fn hears(app: &mut Harness, stream: ibid::chat::StreamId, name: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(name);
    let text = std::fs::read_to_string(file).expect("a composed stream");
    let payloads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    app.events(stream, &payloads);
    app.end(stream, Ok(()));
}

#[test]
fn a_server_tool_that_failed_says_so_in_its_line_and_the_answer_goes_on() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "server-tool-failed.sse");
    let screen = app.screen();
    assert!(screen.contains("failed: engine timed out"), "{screen}");
    assert!(app.state.current().unwrap().newest_answer_text().is_some_and(|text| !text.is_empty()));
}

#[test]
fn several_server_tools_that_failed_each_say_why_in_a_line_of_their_own() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("hello");
    let tool = |index: u32, kind: &str, status: &str, more: serde_json::Value| {
        let mut item = json!({ "id": format!("st_{index}"), "type": kind, "status": status });
        item.as_object_mut().expect("it is one").extend(more.as_object().cloned().unwrap_or_default());
        json!({ "type": "response.output_item.done", "output_index": index, "item": item }).to_string()
    };
    let query = |words: &str| json!({ "type": "search", "query": words });
    let events = [
        tool(0, "openrouter:web_search", "completed", json!({ "action": query("one") })),
        tool(1, "openrouter:web_search", "failed", json!({ "action": query("two"), "error": "engine timed out" })),
        tool(
            2,
            "openrouter:web_fetch",
            "failed",
            json!({ "url": "https://example.org/x", "error": { "message": "404" } }),
        ),
        tool(3, "web_search_call", "incomplete", json!({ "action": query("three") })),
        tool(4, "openrouter:bash", "failed", json!({ "error": "no such \u{1b}[31mcommand" })),
        DELTA.replace("\"output_index\":0", "\"output_index\":5"),
    ];
    app.events(stream, &events.each_ref().map(String::as_str));
    let screen = app.screen();
    let told = |words: &str| screen.lines().filter(|row| row.contains(words)).count();
    for words in [
        "Searched the web · 1 query",
        "Searching the web for “two” · failed: engine timed out",
        "Reading https://example.org/x · failed: 404",
        "Searching the web for “three” · incomplete",
        "failed: no such command",
        "The borrow must outlive",
    ] {
        assert_eq!(told(words), 1, "{words}: {screen}");
    }
}

#[test]
fn the_siblings_of_a_message_are_told_in_one_place() {
    let mut app = Harness::new(110, 40);
    let stream = app.prompt("first");
    app.answer(stream, "one");
    let conversation = app.state.screen.pane.shows.conversation().expect("a conversation");
    let again = |app: &mut Harness| {
        app.enter_text("/answer-again");
        app.press("enter");
        let stream = app.opened().pop().expect("it asks again").0;
        app.answer(stream, "one, said again");
    };
    again(&mut app);
    let title = |app: &Harness| app.row(0).contains("‹2/2›");
    assert!(title(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    // Now another exchange is the newest: the mark stands where the siblings are.
    let stream = app.prompt("second");
    app.answer(stream, "two");
    assert!(!title(&app), "{}", app.screen());
    assert_eq!(app.screen().matches("‹2/2›").count(), 1, "{}", app.screen());
    assert!(app.screen().lines().any(|row| row.contains("‹2/2›") && row.contains("luna")), "{}", app.screen());
    assert_eq!(app.state.open[&conversation].branch.len(), 4);
}

#[test]
fn an_image_is_the_line_of_a_file_and_opens_to_what_the_server_sent() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "image-item.sse");
    assert!(app.screen().contains("▸ image PNG, "), "{}", app.screen());
    assert!(!app.screen().contains("\"type\""), "{}", app.screen());
    app.press("ctrl-o");
    assert!(app.screen().contains("\"type\": \"image_generation_call\""), "{}", app.screen());
}

#[test]
fn what_a_model_says_on_the_way_is_told_apart_from_its_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "phase-commentary-then-call.sse");
    assert!(app.screen().contains("on the way"), "{}", app.screen());
}

#[test]
fn the_words_of_advisors_and_debuggers_are_not_those_of_the_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.prompt("hello");
    hears(&mut app, stream, "advisor-and-fusion.sse");
    assert_eq!(app.state.current().unwrap().newest_answer_text().as_deref(), Some("Use a lock around the map."));
    assert!(!app.screen().contains("panel text") && !app.screen().contains("to use a mutex"), "{}", app.screen());
}

/// What a server can answer, by the sections of the reference: a status with its headers and body, or a stream.
fn answers() -> Vec<(String, Came)> {
    let plain = |status: u16, body: serde_json::Value| Came::Body(status, Vec::new(), body.to_string().into_bytes());
    let of_status = |status: u16| plain(status, json!({ "error": { "code": status, "message": "It went wrong." } }));
    let mut all: Vec<(String, Came)> =
        [400, 401, 402, 403, 404, 408, 409, 412, 413, 422, 429, 500, 502, 503, 504, 520, 524, 529]
            .map(|status| (format!("6.2: {status}"), of_status(status)))
            .into();
    let named: Vec<(&str, Came)> = vec![
        (
            "6.1: a validator's issues",
            plain(
                400,
                json!({ "error": { "code": "invalid_prompt", "message": "Invalid Responses API request" },
            "metadata": { "raw": "[{\"code\":\"invalid_union\",\"path\":[\"input\",3],\"message\":\"Invalid input\"}]" } }),
            ),
        ),
        (
            "6.1: availability",
            plain(
                429,
                json!({ "error": { "message": "Full", "error_type": "rate_limit_exceeded", "http_status": 429,
            "availability": { "code": "capacity_exhausted", "retryable": true, "retry_after": 3 } } }),
            ),
        ),
        (
            "6.1: the chat API's",
            plain(
                200,
                json!({ "error": { "code": 429, "message": "Too fast", "metadata": { "error_type": "rate_limit_exceeded" } } }),
            ),
        ),
        (
            "6.1: OpenAI's",
            plain(
                400,
                json!({ "error": { "message": "Unknown parameter", "type": "invalid_request_error", "param": "top_k", "code": null } }),
            ),
        ),
        ("6.1: FastAPI's", plain(422, json!({ "detail": "Field required" }))),
        ("6.1: a page", Came::Body(502, Vec::new(), b"<html><head><title>Bad gateway</title></head></html>".to_vec())),
        ("6.1: nothing at all", Came::Body(500, Vec::new(), Vec::new())),
        (
            "6.2: 402 with what it affords",
            plain(
                402,
                json!({ "error": { "code": 402, "message": "You requested up to 65536 tokens, but can only afford 1234." } }),
            ),
        ),
        (
            "6.2: 404 with a pinned endpoint",
            plain(
                404,
                json!({ "error": { "message": "Your request contains encrypted reasoning that was produced under a different model.",
            "code": 404, "metadata": { "pinned_endpoint_slug": "openai/x|azure" } } }),
            ),
        ),
        (
            "6.2: 429 of the day",
            plain(429, json!({ "error": { "code": 429, "message": "Rate limit exceeded: free-models-per-day." } })),
        ),
        (
            "6.2: 429 with a long hint",
            Came::Body(429, vec![("retry-after", "90")], br#"{"error":{"message":"Slow down"}}"#.to_vec()),
        ),
        (
            "6.2: 429 with a short hint",
            Came::Body(429, vec![("retry-after", "7")], br#"{"error":{"message":"Slow down"}}"#.to_vec()),
        ),
        (
            "6.3: no endpoints for our wishes",
            plain(
                404,
                json!({ "error": { "message": "No provider", "availability": { "code": "privacy_restricted",
            "retryable": false, "excluded_by": ["data_policy:zdr"], "fallback_models": ["a/b"] } } }),
            ),
        ),
        (
            "6.3: too long",
            plain(
                400,
                json!({ "error": { "code": 400, "message": "This endpoint's maximum context length is 8192 tokens" } }),
            ),
        ),
        (
            "6.5: moderation",
            plain(
                403,
                json!({ "error": { "code": 403, "message": "It requires moderation", "metadata": { "reasons": ["violence"] } } }),
            ),
        ),
        (
            "6.5: a provider's own words",
            plain(
                429,
                json!({ "error": { "code": 429, "message": "Provider returned error",
            "metadata": { "provider_name": "Google", "raw": "temporarily rate-limited upstream" } } }),
            ),
        ),
        (
            "6.5: others were tried",
            plain(
                502,
                json!({ "error": { "code": 502, "message": "Provider returned error",
            "metadata": { "error_type": "provider_unavailable", "previous_errors": [{ "provider": "anthropic", "status": 529 }] } } }),
            ),
        ),
        (
            "6.1: a whole response that failed",
            plain(
                200,
                json!({ "object": "response", "status": "failed", "output": [], "error_type": "authentication",
            "error": { "code": "server_error", "message": "No auth credentials found" } }),
            ),
        ),
        (
            "6.1: a flat event",
            Came::Stream(
                b"data: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"Too fast\",\"param\":null}\n\n".to_vec(),
            ),
        ),
        ("6.1: a string as the error", plain(403, json!({ "error": "Not for you" }))),
        ("6.1: a message alone", plain(502, json!({ "message": "upstream is gone" }))),
        ("6.1: plain text", Came::Body(500, Vec::new(), b"boom \x1b[31mat line 3\n".to_vec())),
        ("6.1: a server without this API", Came::Body(404, Vec::new(), b"404 page not found".to_vec())),
        (
            "6.4: too long, told as an answer",
            plain(200, json!({ "object": "response", "status": "incomplete", "output": [],
            "incomplete_details": { "reason": "max_output_tokens" } })),
        ),
        (
            "6.4: cut short for a reason that nobody tells",
            plain(200, json!({ "object": "response", "status": "incomplete", "output": [], "incomplete_details": null })),
        ),
        (
            "6.5: a guard found patterns",
            plain(
                403,
                json!({ "error": { "code": 403, "message": "Request blocked: prompt injection patterns detected",
            "metadata": { "patterns": ["ignore all previous instructions"] } } }),
            ),
        ),
        (
            "6.5: a signature that is another's",
            plain(
                400,
                json!({ "error": { "message": "Provider returned error", "code": 400, "metadata": { "provider_name": "Azure",
            "raw": "{\"type\":\"error\",\"error\":{\"message\":\"messages.1.content.0: Invalid `signature` in `thinking` block\"}}",
            "previous_errors": [{ "code": 400, "message": "Provider returned error", "provider_name": "Google" }] } } }),
            ),
        ),
        (
            "7.4: an effort that the model does not have",
            plain(
                400,
                json!({ "error": { "code": 400,
            "message": "Unsupported value: 'reasoning.effort' does not support 'max'. Supported values are: 'low', 'medium', and 'high'." } }),
            ),
        ),
        ("4.6: nothing, and the end", Came::Stream(Vec::new())),
        ("4.6: only [DONE]", Came::Stream(b"data: [DONE]\n\n".to_vec())),
    ];
    all.extend(named.into_iter().map(|(name, came)| (name.to_owned(), came)));
    let ends = [
        "plain-text.sse",
        "lost-terminal.sse",
        "cut-before-anything.sse",
        "cut-in-text.sse",
        "cut-in-arguments.sse",
        "empty-output.sse",
        "empty-message.sse",
        "incomplete-max-output-tokens.sse",
        "incomplete-content-filter.sse",
        "failed-mid-stream.sse",
        "flat-error-then-failed.sse",
        "nested-error-then-failed.sse",
        "response-error.sse",
        "chat-style-error.sse",
        "cancelled.sse",
        "refusal.sse",
    ];
    for name in ends {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(name);
        all.push((format!("4.6: {name}"), Came::Stream(std::fs::read(file).expect("a composed stream"))));
    }
    all
}

enum Came {
    Body(u16, Vec<(&'static str, &'static str)>, Vec<u8>),
    Stream(Vec<u8>),
}

/// The events of a body as the client reads them.
fn events(bytes: &[u8]) -> Vec<api::Event> {
    let mut events = Vec::new();
    let mut decoder = api::sse::Decoder::default();
    let mut take = |frame: api::sse::Frame<'_>| {
        if let api::sse::Frame::Data(json) = frame {
            events.push(api::Event::parse(json));
        }
    };
    decoder.push(bytes, &mut take);
    decoder.finish(&mut take);
    events
}

/// A second prompt, whose request is answered so.
fn answered(came: &Came) -> Harness {
    let mut begin = start(100, 40);
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let first = app.prompt("earlier");
    app.answer(first, "so it is");
    let stream = app.prompt("hello");
    comes(&mut app, stream, came);
    app
}

fn comes(app: &mut Harness, stream: ibid::chat::StreamId, came: &Came) {
    match came {
        Came::Body(status, headers, body) if *status >= 300 => {
            let mut map = reqwest::header::HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a value"));
            }
            app.end(stream, Err(api::Error::of_response(*status, &map, body, app.now)));
        }
        Came::Body(_, _, body) => {
            let event = api::Event::parse(&String::from_utf8_lossy(body));
            app.send(Msg::Stream { stream, at: app.now, events: vec![event] });
            app.end(stream, Ok(()));
        }
        Came::Stream(bytes) => {
            app.send(Msg::Stream { stream, at: app.now, events: events(bytes) });
            app.end(stream, Ok(()));
        }
    }
}

/// How many requests follow by themselves where each is answered the same, and how long all of it takes at most.
fn by_itself(came: &Came) -> usize {
    let mut app = answered(came);
    let mut requests = 0;
    loop {
        let opened = app.opened();
        assert!(opened.len() < 2 && requests < 10, "one at a time, and not for ever");
        match opened.first() {
            Some((stream, _)) => {
                requests += 1;
                comes(&mut app, *stream, came);
            }
            None if app.state.current().is_some_and(|conversation| conversation.active_turn().is_some()) => {
                app.wait(Duration::from_secs(61)); // No wait is longer than a minute.
            }
            None => return requests,
        }
    }
}

/// What the reader sees of it, what may be done, and what Enter then sends.
fn told(came: &Came) -> String {
    let by_itself = by_itself(came);
    let mut app = answered(came);
    app.opened();
    app.wait(Duration::from_millis(350));
    let conversation = app.state.current().expect("a conversation");
    let state = match conversation.turns.first().map(|turn| &turn.phase) {
        Some(ibid::chat::Phase::Waiting { .. }) => "waits to ask again".to_owned(),
        Some(_) => "asks again at once".to_owned(),
        None => {
            let newest = conversation.branch.last().and_then(|id| conversation.messages[id].answer());
            match &newest.expect("an answer").end {
                ibid::chat::End::Failed(error) => format!("failed: {:?}", error.fault),
                end => format!("{end:?}").to_lowercase(),
            }
        }
    };
    let screen = app.screen();
    let rows: Vec<&str> = screen.lines().map(str::trim).collect();
    let after = rows.iter().rposition(|row| *row == "▌ hello").map_or(0, |at| at + 1);
    let until = rows.iter().rposition(|row| row.starts_with("──")).unwrap_or(rows.len());
    let words = rows[after..until].iter().filter(|row| !row.is_empty()).copied().collect::<Vec<_>>().join("\n  ");
    app.press("enter");
    let sent = app.opened().into_iter().map(|(_, body)| {
        let whom = if body.get("provider").is_some() { "" } else { ", to any provider" };
        let limit = body.get("max_output_tokens").map(|limit| format!(", at most {limit} tokens")).unwrap_or_default();
        format!("{} items{limit}{whom}", body["input"].as_array().map_or(0, Vec::len))
    });
    let sent = sent.collect::<Vec<_>>().join("; ");
    let sent = if sent.is_empty() { "nothing".to_owned() } else { sent };
    format!("{state}; by itself {by_itself} requests; Enter sends {sent}\n  {words}\n")
}

#[test]
fn whatever_a_server_answers_is_told_with_what_can_be_done() {
    let seconds = |text: &str| {
        // The first wait strays by a fifth.
        text.replace("Trying again in 2 s", "Trying again in 1 s")
    };
    let all: String = answers().iter().map(|(name, came)| format!("{name}: {}\n", seconds(&told(came)))).collect();
    insta::assert_snapshot!(all);
}
