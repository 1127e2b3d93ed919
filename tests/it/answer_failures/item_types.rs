//! Every type of item and every event that an answer may contain, as shown on the screen.

use ibid::api::Event;
use serde_json::json;

use super::DELTA;
use crate::support::harness::Harness;

/// Section 5.2: each item is shown by its type, or as one folded line that opens to the server's JSON.
#[test]
fn every_type_of_item_is_shown_and_none_is_taken_for_the_answer() {
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
        let stream = app.send_prompt("hello");
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
        app.receive_events(stream, &events.each_ref().map(String::as_str));
        app.end_stream(stream, Ok(()));
        let text = app.conversation().expect("a conversation").newest_answer_text();
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

/// Returns a name for the variant of an event.
fn event_kind(event: &Event) -> &'static str {
    match event {
        Event::ResponseStarted(_) => "begun",
        Event::ItemAdded { .. } => "opened",
        Event::ItemDone { .. } => "closed",
        Event::Part { .. } => "part",
        Event::Delta { .. } => "delta",
        Event::TextDone { .. } => "whole",
        Event::AnnotationAdded { .. } => "cited",
        Event::ToolStatus { .. } => "activity",
        Event::ResponseEnded(_) => "ended",
        Event::Failed(_) => "failed",
        Event::KeepAlive => "alive",
        Event::Other { .. } => "kept",
        Event::Unreadable { .. } => "unreadable",
    }
}

/// Section 4.3, row by row.
const EVENTS: &[(&str, &str)] = &[
    ("response.created", "begun"),
    ("response.queued", "begun"),
    ("response.in_progress", "begun"),
    ("response.output_item.added", "opened"),
    ("response.output_item.done", "closed"),
    ("response.content_part.added", "part"),
    ("response.content_part.done", "part"),
    ("response.output_text.delta", "delta"),
    ("response.output_text.done", "whole"),
    ("response.output_text.annotation.added", "cited"),
    ("response.refusal.delta", "delta"),
    ("response.refusal.done", "whole"),
    ("response.reasoning_text.delta", "delta"),
    ("response.reasoning_text.done", "whole"),
    ("response.reasoning_summary_part.added", "part"),
    ("response.reasoning_summary_part.done", "part"),
    ("response.reasoning_summary_text.delta", "delta"),
    ("response.reasoning_summary_text.done", "whole"),
    ("response.function_call_arguments.delta", "delta"),
    ("response.function_call_arguments.done", "whole"),
    ("response.custom_tool_call_input.delta", "delta"),
    ("response.custom_tool_call_input.done", "whole"),
    ("response.web_search_call.in_progress", "activity"),
    ("response.web_search_call.searching", "activity"),
    ("response.web_search_call.completed", "activity"),
    ("response.file_search_call.in_progress", "activity"),
    ("response.file_search_call.searching", "activity"),
    ("response.file_search_call.completed", "activity"),
    ("response.image_generation_call.in_progress", "activity"),
    ("response.image_generation_call.generating", "activity"),
    ("response.image_generation_call.partial_image", "kept"),
    ("response.image_generation_call.completed", "activity"),
    ("response.code_interpreter_call.in_progress", "activity"),
    ("response.code_interpreter_call.interpreting", "activity"),
    ("response.code_interpreter_call.completed", "activity"),
    ("response.code_interpreter_call_code.delta", "kept"),
    ("response.code_interpreter_call_code.done", "kept"),
    ("response.apply_patch_call_operation_diff.delta", "kept"),
    ("response.apply_patch_call_operation_diff.done", "kept"),
    ("response.mcp_call.in_progress", "activity"),
    ("response.mcp_call.completed", "activity"),
    ("response.mcp_list_tools.failed", "activity"),
    ("response.mcp_call_arguments.delta", "kept"),
    ("response.fusion_call.in_progress", "activity"),
    ("response.fusion_call.completed", "activity"),
    ("response.fusion_call.panel.added", "kept"),
    ("response.fusion_call.panel.delta", "kept"),
    ("response.fusion_call.panel.reasoning.delta", "kept"),
    ("response.fusion_call.panel.completed", "kept"),
    ("response.fusion_call.panel.failed", "kept"),
    ("response.fusion_call.analysis.in_progress", "kept"),
    ("response.fusion_call.analysis.completed", "kept"),
    ("response.debug", "kept"),
    ("response.completed", "ended"),
    ("response.incomplete", "ended"),
    ("response.failed", "ended"),
    ("error", "failed"),
    ("response.error", "failed"),
    ("response.cancelled", "ended"),
    ("response.done", "ended"),
    ("response.reasoning.delta", "delta"),
    ("response.content_part.delta", "delta"),
    ("response.reasoning_part.added", "part"),
    ("response.reasoning_part.done", "part"),
    ("acme:telemetry", "kept"),
    ("rate_limits.updated", "kept"),
];

/// Returns an event with every field that section 4.3 names, for the item at this index.
fn sample_event(kind: &str, index: u32) -> String {
    let part = if kind.contains("reasoning") { "reasoning_text" } else { "output_text" };
    let mut event = json!({ "type": kind, "sequence_number": 4, "output_index": index, "item_id": "x", "content_index": 0,
        "summary_index": 0, "delta": "LEAK", "text": "LEAK", "refusal": "LEAK", "arguments": "LEAK", "input": "LEAK",
        "code": "LEAK", "diff": "LEAK", "partial_image_b64": "LEAK", "debug": { "text": "LEAK" }, "content": "LEAK",
        "model": "LEAK", "message": "It went wrong", "part": { "type": part, "text": "LEAK" },
        "item": { "type": "message", "id": "x", "role": "assistant", "content": [] },
        "annotation": { "type": "url_citation", "url": "https://example.org" },
        "response": { "id": "gen-1", "status": "in_progress", "output": [] } });
    if kind != "error" && kind != "response.error" {
        event["error"] = json!({ "message": "a part of the work went wrong" });
    }
    event.to_string()
}

#[test]
fn every_event_of_the_wire_is_parsed_as_its_kind() {
    for (kind, expected) in EVENTS {
        let is_unknown_kind = kind.contains(':') || kind.starts_with("rate");
        let json = sample_event(kind, 0);
        let json = if is_unknown_kind { json.replace("\"error\":", "\"of\":") } else { json };
        assert_eq!(event_kind(&Event::parse(&json)), *expected, "{kind}");
    }
}

/// The output of tools, panels and debuggers is in the items of an answer, never in its text.
#[test]
fn no_unrelated_event_leaks_into_the_answer() {
    for (kind, expected) in EVENTS.iter().filter(|(_, expected)| ["activity", "kept"].contains(expected)) {
        let mut app = Harness::new(110, 40);
        let stream = app.send_prompt("hello");
        let tool = json!({ "type": "response.output_item.added", "output_index": 0,
            "item": { "type": "openrouter:fusion", "id": "x", "status": "in_progress" } });
        let json = sample_event(kind, 0).replace("\"error\":", "\"of\":");
        let text = DELTA.replace("\"output_index\":0", "\"output_index\":1");
        app.receive_events(stream, &[&tool.to_string(), &json, &text, &json]);
        let answer_text = app.conversation().expect("a conversation").newest_answer_text();
        assert_eq!(answer_text.as_deref(), Some("The borrow must outlive"), "{kind}, {expected}");
        assert!(!app.screen().contains("LEAK"), "{kind}: {}", app.screen());
        assert!(app.conversation().is_some_and(|chat| chat.active_turn().is_some()), "{kind} ends nothing");
    }
}

/// Plays a composed stream to its end.
fn play_stream(app: &mut Harness, stream: ibid::chat::StreamId, name: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(name);
    let text = std::fs::read_to_string(file).expect("a composed stream");
    let payloads: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    app.receive_events(stream, &payloads);
    app.end_stream(stream, Ok(()));
}

#[test]
fn a_failed_server_tool_shows_it_on_its_line_and_the_answer_continues() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    play_stream(&mut app, stream, "server-tool-failed.sse");
    let screen = app.screen();
    assert!(screen.contains("failed: engine timed out"), "{screen}");
    assert!(app.conversation().unwrap().newest_answer_text().is_some_and(|text| !text.is_empty()));
}

#[test]
fn failed_server_tools_each_show_the_reason_on_their_own_line() {
    let mut app = Harness::new(110, 40);
    let stream = app.send_prompt("hello");
    let tool = |index: u32, kind: &str, status: &str, more: serde_json::Value| {
        let mut item = json!({ "id": format!("st_{index}"), "type": kind, "status": status });
        item.as_object_mut().expect("an item is an object").extend(more.as_object().cloned().unwrap_or_default());
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
    app.receive_events(stream, &events.each_ref().map(String::as_str));
    let screen = app.screen();
    let row_count = |words: &str| screen.lines().filter(|row| row.contains(words)).count();
    for words in [
        "Searched the web · 1 query",
        "Searching the web for “two” · failed: engine timed out",
        "Reading https://example.org/x · failed: 404",
        "Searching the web for “three” · incomplete",
        "failed: no such command",
        "The borrow must outlive",
    ] {
        assert_eq!(row_count(words), 1, "{words}: {screen}");
    }
}

#[test]
fn an_image_is_one_line_that_opens_to_the_json_of_the_server() {
    let mut app = Harness::new(110, 60);
    let stream = app.send_prompt("hello");
    play_stream(&mut app, stream, "image-item.sse");
    assert!(app.screen().contains("▸ image PNG, "), "{}", app.screen());
    assert!(!app.screen().contains("\"type\""), "{}", app.screen());
    app.press("ctrl-o");
    assert!(app.screen().contains("\"type\": \"image_generation_call\""), "{}", app.screen());
}

#[test]
fn commentary_is_marked_apart_from_the_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.send_prompt("hello");
    play_stream(&mut app, stream, "phase-commentary-then-call.sse");
    assert!(app.screen().contains("commentary"), "{}", app.screen());
}

#[test]
fn the_text_of_advisors_and_panels_is_not_part_of_the_answer() {
    let mut app = Harness::new(110, 60);
    let stream = app.send_prompt("hello");
    play_stream(&mut app, stream, "advisor-and-fusion.sse");
    assert_eq!(app.conversation().unwrap().newest_answer_text().as_deref(), Some("Use a lock around the map."));
    assert!(!app.screen().contains("panel text") && !app.screen().contains("to use a mutex"), "{}", app.screen());
}
