//! Folded work of an answer: reached by key, opened one at a time, searched and copied.

use ibid::{
    config::Config,
    store::StoreReply,
    tools::{ToolContent, ToolDefinition, ToolHints, ToolId, ToolOutcome},
    ui::{Effect, Msg, StartOptions, screen::PaneFocus},
};
use serde_json::{Value, json};

use super::{
    click_on, copied,
    find::{current_match, marked_text, search_field},
};
use crate::support::harness::{Harness, default_start};

/// Starts the app with an answer that reasoned, searched, ran code on the server and called an allowed tool.
fn answer_with_work(width: u16, height: u16) -> Harness {
    let text = "model = \"openai/gpt-5.6-luna\"\n[tools.policy]\n\"notes/read\" = \"allow\"\n";
    let (config, _) = Config::parse(text, std::path::Path::new("config.toml")).expect("the config is valid");
    let mut app = Harness::with_start(StartOptions { config, ..default_start(width, height) });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let tool = ToolDefinition {
        id: ToolId::new("notes", "read"),
        title: None,
        description: "read a note".into(),
        parameters: json!({ "type": "object" }),
        strict: false,
        hints: ToolHints::default(),
    };
    app.send(Msg::ToolsReported { server: "notes".into(), tools: vec![tool] });
    let stream = app.send_prompt("Look it up");
    let search = |query: &str, url: &str| {
        json!({ "type": "openrouter:web_search", "id": "st_1", "status": "completed",
            "action": { "type": "search", "query": query, "sources": [{ "type": "url", "url": url }] } })
    };
    let items = [
        json!({ "type": "reasoning", "id": "rs_1", "summary": [], "content": [{ "type": "reasoning_text", "text": "A thought about herons." }] }),
        search("where herons sleep", "https://birds.example/herons"),
        search("what they eat", "https://birds.example/food"),
        json!({ "type": "openrouter:web_search", "id": "st_3", "status": "failed", "action": { "type": "search", "query": "herons at night" } }),
        json!({ "type": "openrouter:code_interpreter", "id": "ci_1", "status": "completed", "code": "count(herons)" }),
        json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "notes__read", "status": "completed",
            "arguments": json!({ "path": "birds/herons.md", "why": "a reason that is long enough to be cut off in any window of this width, and says heron at its end" }).to_string() }),
    ];
    let payloads: Vec<String> = items.iter().enumerate().map(|(index, item)| item_done_event(index, item)).collect();
    app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    app.receive_events(
        stream,
        &[&json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } }).to_string()],
    );
    let call = app.effects().into_iter().find_map(|effect| match effect {
        Effect::RunTool { call, .. } => Some(call),
        _ => None,
    });
    let lines: Vec<String> = (1..=30).map(|line| format!("line {line} of the note")).collect();
    let text = format!("{}\nand a heron at the end", lines.join("\n"));
    let outcome = ToolOutcome { content: vec![ToolContent::Text(text)], failed: false };
    app.send(Msg::ToolEnded { call: call.expect("the tool is allowed"), at: app.now, result: Ok(outcome) });
    let stream = app.opened_streams()[0].0;
    app.stream_answer(stream, "Herons sleep in trees.");
    app.press("tab");
    app.effects();
    app
}

fn item_done_event(index: usize, item: &Value) -> String {
    json!({ "type": "response.output_item.done", "output_index": index, "item": item }).to_string()
}

#[test]
fn keys_reach_each_fold_and_enter_opens_it_alone() {
    let mut app = answer_with_work(110, 50);
    let folded = app.screen();
    assert!(!folded.contains("A thought about") && !folded.contains("where herons"), "{folded}");
    app.press("g ) enter");
    let thought = app.screen();
    assert!(thought.contains("A thought about herons.") && !thought.contains("line 4"), "{thought}");
    app.press("enter ) enter");
    insta::assert_snapshot!(app.screen());
    app.press("enter ) space");
    assert!(app.screen().contains("\"code\": \"count(herons)\""), "Space opens it too: {}", app.screen());
    app.press("space ) space");
    let call = app.screen();
    assert!(call.contains("line 30 of the note") && call.contains("says heron at its end"), "{call}");
    app.press("( ( ( (");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    app.press("enter");
    assert!(app.screen().contains("A thought about") && app.screen().contains("line 4"), "each fold is independent");
    app.press("esc ctrl-t");
    assert!(app.screen().contains("where herons"), "from the composer it opens the whole answer: {}", app.screen());
    app.press("ctrl-t");
    assert!(!app.screen().contains("A thought about") && !app.screen().contains("line 4"));
}

#[test]
fn folds_that_share_a_row_open_together() {
    let mut app = answer_with_work(80, 40);
    app.press("g ) enter");
    let open = app.screen();
    assert!(open.contains("A thought about herons.") && open.contains("where herons sleep"), "{open}");
    app.press("enter");
    assert!(app.screen().contains("Thought briefly   ⌕ Searched the web"), "{}", app.screen());
}

#[test]
fn a_click_opens_a_fold() {
    let mut app = answer_with_work(110, 70);
    for (row, words) in [
        ("Thought briefly", "A thought about herons."),
        ("code interpreter", "count(herons)"),
        ("read \"birds", "line 30 of the note"),
        ("Searched the web", "https://birds.example/food"),
    ] {
        assert!(!app.screen().contains(words), "{}", app.screen());
        click_on(&mut app, row);
        assert!(app.screen().contains(words), "{row}: {}", app.screen());
    }
}

#[test]
fn matches_in_folds_are_counted_opened_and_marked() {
    let mut app = answer_with_work(110, 50);
    app.press("g /");
    app.enter_text("heron");
    // The reasoning, a query, its page, a failed search, the code, the arguments twice, the result, the answer.
    assert!(search_field(&app).contains("1 of 9"), "{}", search_field(&app));
    for words in [
        "A thought about herons.",
        "“where herons sleep”",
        "https://birds.example/herons",
        "Searching the web for “herons at night”",
        "count(herons)",
        "birds/herons.md",
        "says heron at its end",
        "and a heron at the end",
        "Herons sleep in trees.",
    ] {
        assert_eq!(current_match(&app).to_lowercase(), "heron", "{words}: {}", app.screen());
        assert!(app.screen().contains(words), "{words}: {}", app.screen());
        app.press("down");
    }
    assert!(search_field(&app).contains("1 of 9 · from the top"), "{}", search_field(&app));
    app.press("esc");
    assert!(app.screen().contains("A thought about herons."), "the content of the last match stays open");
    assert!(!app.screen().contains("where herons"), "and nothing else: {}", app.screen());
}

#[test]
fn the_item_under_the_cursor_is_copied() {
    let mut app = answer_with_work(110, 50);
    app.press("g ) y");
    assert_eq!(copied(&mut app).as_deref(), Some("A thought about herons."));
    app.press(") y");
    let pages = "“where herons sleep”\nhttps://birds.example/herons\n“what they eat”\nhttps://birds.example/food";
    assert_eq!(copied(&mut app).as_deref(), Some(pages));
    app.press(") ) y");
    let call = copied(&mut app).expect("the call");
    assert!(call.starts_with("notes/read {\"path\"") && call.ends_with("and a heron at the end"), "{call}");
}

#[test]
fn a_match_wrapped_in_a_table_cell_is_marked_on_all_its_rows() {
    let table = "| Setup | Why |\n|---|---|\n| WAL | the case that it was made for and that everybody has who keeps a \
                 database |\n| NFS | no shared memory at all |\n\n| Zug | Grund |\n|---|---|\n| 日本 | 与中文混排的文字与中文混排的文字与中文混排的文字 |";
    let mut app = super::with_answer(44, 30, table);
    app.press("/");
    app.enter_text("who keeps a database");
    assert!(search_field(&app).contains("1 of 1"), "{}", search_field(&app));
    let found = current_match(&app);
    assert_eq!(found.replace('|', " "), "who keeps a database", "{}", app.screen());
    assert!(found.contains('|'), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("文字与中文");
    assert!(search_field(&app).contains("1 of 2"), "{}", search_field(&app));
    assert_eq!(marked_text(&app).replace(['|', ' '], ""), "文字与中文文字与中文", "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("why");
    assert_eq!(
        (search_field(&app).contains("1 of 1"), current_match(&app).as_str()),
        (true, "Why"),
        "{}",
        app.screen()
    );
    app.press("ctrl-u");
    app.enter_text("memory");
    assert_eq!(current_match(&app), "memory", "{}", app.screen());
}

#[test]
fn the_right_match_is_current_in_a_table_shown_as_records() {
    let table = "| Setup | Speed | Explanation |\n|---|---|---|\n| WAL, local | 12 ms of speed | the case it is made for |\n| NFS over air | 7 s without speed | no shared memory |";
    let mut app = super::with_answer(40, 30, table);
    app.press("/");
    app.enter_text("speed");
    // One match in the header and one in each record; both records also show the name of the column.
    assert!(search_field(&app).contains("1 of 3"), "{}", search_field(&app));
    let match_and_is_third = |app: &Harness| (current_match(app), search_field(app).contains("3 of 3"));
    app.press("down down");
    assert_eq!(match_and_is_third(&app), ("speed".into(), true), "{}", app.screen());
    assert_eq!(marked_text(&app).matches(['s', 'S']).count(), 4, "{}", app.screen());
}

#[test]
fn a_match_in_a_diagram_opens_it() {
    let mut app = super::with_answer(60, 24, "Look:\n\n```mermaid\nflowchart LR\n  Heron --> Tree\n```\n\nend");
    assert!(!app.screen().contains("Heron"));
    app.press("/");
    app.enter_text("heron");
    assert_eq!(current_match(&app), "Heron", "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("end");
    assert!(!app.screen().contains("Heron"), "{}", app.screen());
}
