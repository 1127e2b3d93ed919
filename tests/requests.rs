//! What leaves for a server: bodies by themselves, turn by turn, for every setting and after every kind of end.

#[path = "requests/mutated.rs"]
mod mutated;
#[path = "requests/rules.rs"]
mod rules;
#[path = "requests/talk.rs"]
mod talk;
#[path = "requests/tools.rs"]
mod tools;

use std::sync::Arc;

use ibid::{
    api::{Catalogue, Dialect, Model, models::Efforts},
    chat::{Effort, Settings, request::Context},
    config::{self, ContextSize, SearchForm},
};
use insta::assert_snapshot;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use talk::{Talk, call, message, outline, pretty, sealed, search, settings, signed, thought};

#[test]
fn the_first_turn_sends_what_was_asked_and_nothing_else() {
    let mut talk = Talk::new();
    assert_snapshot!(pretty(&talk.ask("Paris or Ōsaka:\nwhere is it warmer?")));
}

#[test]
fn the_second_turn_sends_the_whole_history_as_it_came() {
    let mut talk = Talk::new();
    talk.ask("Paris or Ōsaka: where is it warmer?");
    talk.answers(&[sealed("rs_0aa1"), message("msg_tmp_1", "Ōsaka, by six degrees.")]);
    assert_snapshot!(pretty(&talk.ask("And tomorrow?")));
}

#[test]
fn the_turn_after_a_restart_sends_the_very_bytes_that_it_would_have_sent() {
    let mut talk = Talk::new();
    talk.ask("one");
    let said = message("msg_tmp_1", "1 \u{1f600} \"quoted\"\n\tand more");
    talk.answers(&[sealed("rs_1"), search("st_tmp_1", "completed"), call("fc_tmp_1", "call_1", "{}"), said]);
    talk.ask("two");
    talk.stopped(&["half of an ans"]);
    let mut restarted = talk.restarted();
    let (before, after) = (talk.ask_bytes("three"), restarted.ask_bytes("three"));
    assert_eq!(before, after);
    assert_snapshot!(pretty(&serde_json::from_str(&after).expect("a body is JSON")));
}

#[test]
fn a_web_search_is_asked_for_in_the_words_of_each_server() {
    let plain = config::Search::default();
    let picky = config::Search {
        engine: Some("exa".into()),
        max_results: Some(7),
        max_total_results: Some(20),
        context_size: Some(ContextSize::Low),
        allowed_domains: vec!["doc.rust-lang.org".into()],
        excluded_domains: vec!["example.org".into()],
        ..plain.clone()
    };
    let plugin = config::Search { form: SearchForm::Plugin, ..picky.clone() };
    let ask = |dialect, search: &config::Search, model: &str, web| {
        let context = Context { dialect, search: search.clone(), ..Context::default() };
        let settings = Settings { web, model: model.into(), ..settings() };
        let body = Talk::with(settings, context).ask("What is new?");
        format!("{} {} {}", body["model"], body["tools"], body["plugins"])
    };
    let model = "openai/gpt-5.6-luna";
    assert_snapshot!(ask(Dialect::OpenRouter, &plain, model, false), @r#""openai/gpt-5.6-luna" null null"#);
    assert_snapshot!(ask(Dialect::OpenRouter, &plain, model, true), @r#""openai/gpt-5.6-luna" [{"type":"openrouter:web_search"}] null"#);
    assert_snapshot!(ask(Dialect::OpenRouter, &picky, model, true), @r#""openai/gpt-5.6-luna" [{"type":"openrouter:web_search","parameters":{"engine":"exa","max_results":7,"max_total_results":20,"search_context_size":"low","allowed_domains":["doc.rust-lang.org"],"excluded_domains":["example.org"]}}] null"#);
    assert_snapshot!(ask(Dialect::OpenRouter, &plugin, model, true), @r#""openai/gpt-5.6-luna" null [{"id":"web","engine":"exa","max_results":7,"include_domains":["doc.rust-lang.org"],"exclude_domains":["example.org"]}]"#);
    assert_snapshot!(ask(Dialect::OpenAi, &picky, "gpt-5.6-luna", true), @r#""gpt-5.6-luna" [{"type":"web_search"}] null"#);
    assert_snapshot!(ask(Dialect::Other, &plugin, "llama", true), @r#""llama" [{"type":"web_search"}] null"#);
    assert_snapshot!(ask(Dialect::OpenRouter, &plain, "openai/gpt-5.6-luna:online", true), @r#""openai/gpt-5.6-luna:online" null null"#);
}

#[test]
fn every_effort_is_sent_as_it_is_called_and_none_is_put_right_where_it_cannot_be() {
    let efforts = |offered: &[Effort], mandatory| Some(Efforts { offered: offered.to_vec(), mandatory });
    let catalogue = Catalogue {
        models: vec![
            model("free/choice", efforts(&Effort::ALL, false)),
            model("always/thinks", efforts(&[Effort::Low, Effort::High], true)),
            model("never/thinks", None),
        ],
    };
    let catalogue = Arc::new(catalogue);
    let ask = |model: &str, effort, dialect, summary| {
        let context = Context { dialect, summary, catalogue: catalogue.clone(), ..Context::default() };
        let body = Talk::with(Settings { model: model.into(), effort, ..settings() }, context).ask("Think.");
        body["reasoning"].to_string()
    };
    let mut lines = String::new();
    for model in ["free/choice", "always/thinks", "never/thinks", "un/known", "free/choice:nitro"] {
        for effort in [None].into_iter().chain(Effort::ALL.map(Some)) {
            let name = effort.map_or("unset", Effort::name);
            let reasoning = ask(model, effort, Dialect::OpenRouter, config::Summary::Auto);
            lines.extend([model, " ", name, ": ", &reasoning, "\n"]);
        }
    }
    assert_snapshot!(lines);
    let high = Some(Effort::High);
    let summary = |dialect, summary| ask("free/choice", high, dialect, summary);
    assert_snapshot!(summary(Dialect::OpenRouter, config::Summary::Detailed), @r#"{"effort":"high","summary":"detailed"}"#);
    assert_snapshot!(summary(Dialect::OpenAi, config::Summary::Concise), @r#"{"effort":"high","summary":"concise"}"#);
    assert_snapshot!(summary(Dialect::OpenRouter, config::Summary::None), @r#"{"effort":"high"}"#);
    assert_snapshot!(summary(Dialect::Other, config::Summary::Auto), @r#"{"effort":"high"}"#);
}

#[test]
fn each_sampling_field_is_sent_when_it_is_set_and_no_other() {
    let ask = |settings: Settings| {
        let mut body = Talk::with(settings, Context::default()).ask("Hi");
        let body = body.as_object_mut().expect("a body is an object");
        for always in ["model", "input", "stream", "store", "include", "session_id"] {
            assert!(body.shift_remove(always).is_some(), "{always} is always there");
        }
        serde_json::to_string(body).expect("it was JSON")
    };
    assert_snapshot!(ask(settings()), @"{}");
    assert_snapshot!(ask(Settings { temperature: Some(0.7), ..settings() }), @r#"{"temperature":0.7}"#);
    assert_snapshot!(ask(Settings { top_p: Some(0.95), ..settings() }), @r#"{"top_p":0.95}"#);
    assert_snapshot!(ask(Settings { max_output_tokens: Some(800), ..settings() }), @r#"{"max_output_tokens":800}"#);
    assert_snapshot!(ask(Settings { instructions: Some("Be brief.\n".into()), ..settings() }), @r#"{"instructions":"Be brief.\n"}"#);
    assert_snapshot!(ask(Settings { instructions: Some("  ".into()), ..settings() }), @"{}");
}

#[test]
fn other_servers_get_only_what_they_know() {
    let ask = |dialect, stream| {
        let context = Context { dialect, stream, ..Context::default() };
        let mut talk = Talk::with(settings(), context);
        talk.ask("one");
        talk.answers(&[sealed("rs_1"), message("msg_1", "1")]);
        talk.ask("two");
        talk.answers(&[message("msg_2", "2")]);
        outline(&talk.ask("three"))
    };
    assert_snapshot!(ask(Dialect::OpenAi, true));
    assert_snapshot!(ask(Dialect::Other, false));
}

#[test]
fn a_switch_of_the_model_leaves_the_words_and_takes_everything_that_only_the_other_understands() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.answers(&[sealed("rs_1"), message("msg_tmp_1", "1")]);
    talk.switch("anthropic/claude-sonnet-5");
    assert_snapshot!(outline(&talk.ask("two")));
    talk.answers(&[signed("rs_tmp_2"), search("st_tmp_2", "completed"), message("msg_tmp_2", "2")]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.answers(&[message("msg_tmp_3", "3")]);
    talk.switch("openai/gpt-5.6-luna");
    assert_snapshot!(outline(&talk.ask("four")));
    talk.answers(&[message("msg_tmp_4", "4")]);
    talk.chat.settings.endpoint = "elsewhere".into();
    assert_snapshot!(outline(&talk.ask("five")));
}

#[test]
fn what_a_router_answered_with_is_not_pinned_to_the_model_that_it_chose() {
    let mut talk = Talk::with(Settings { model: "openrouter/auto".into(), ..settings() }, Context::default());
    talk.ask("one");
    talk.answers(&[sealed("rs_1"), message("msg_tmp_1", "1")]);
    assert_snapshot!(outline(&talk.ask("two")));
}

#[test]
fn a_cut_answer_goes_back_as_plain_words_without_what_was_half_done() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.cut(&[sealed("rs_1"), search("st_tmp_1", "completed")], &["half of an ans"]);
    assert_snapshot!(outline(&talk.ask("two")));
    talk.stopped(&[]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.cut(&[sealed("rs_3"), call("fc_3", "call_3", r#"{"city":"#), call("fc_4", "call_4", "{}")], &["And"]);
    assert_snapshot!(outline(&talk.ask("four")));
}

#[test]
fn a_continued_answer_is_followed_by_the_wish_to_go_on() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.stopped(&["half of an ans"]);
    assert_snapshot!(outline(&talk.go_on()));
    talk.answers(&[message("msg_tmp_2", "wer.")]);
    assert_snapshot!(outline(&talk.ask("two")));
}

#[test]
fn calls_keep_their_outputs_beside_them_and_their_ids_only_with_their_reasoning() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.answers(&[
        message("msg_tmp_1", "Let me see."),
        sealed("rs_1"),
        call("fc_tmp_1", "call_P", r#"{"city":"Paris"}"#),
        call("fc_tmp_2", "call_O", ""),
        message("msg_tmp_2", "I asked."),
    ]);
    assert_snapshot!(outline(&talk.ask("two")));
    talk.answers(&[call("fc_tmp_3", "call_P", "{}")]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.answers(&[message("msg_tmp_4", "4")]);
    talk.switch("google/gemini-3-pro");
    assert_snapshot!(outline(&talk.ask("four")));
}

#[test]
fn empty_ids_nulls_and_images_stay_behind() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.answers(&[
        json!({ "type": "reasoning", "id": "", "summary": [], "encrypted_content": "sealed" }),
        json!({ "type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk=" }),
        json!({ "type": "openrouter:datetime", "id": "st_1", "status": "completed", "datetime": "2026-11-22T07:00:00Z",
            "timezone": "UTC", "error": null }),
        json!({ "type": "message", "id": "", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": "no id", "annotations": [] }] }),
        json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": null,
            "content": [{ "type": "output_text", "text": "nulls", "annotations": [], "logprobs": null }] }),
        json!({ "type": "message", "id": "msg_2", "role": "assistant", "status": "completed", "content": [] }),
    ]);
    let body = talk.ask("two");
    assert_snapshot!(pretty(&body["input"]));
}

/// Ten turns with three vendors; every body is checked against the schema and the rules.
#[test]
fn over_ten_turns_and_three_vendors_each_thought_goes_only_where_it_may() {
    let mut talk = Talk::new();
    let mut outlines = String::new();
    for turn in 1..=10_u32 {
        let vendor = ["openai/gpt-5.6-luna", "anthropic/claude-sonnet-5", "google/gemini-3-pro"][turn as usize / 2 % 3];
        talk.switch(vendor);
        let body = talk.ask(&format!("prompt {turn}"));
        outlines.extend([format!("--- turn {turn}, {vendor}\n"), outline(&body)]);
        let id = |prefix: &str| format!("{prefix}_{turn}");
        let reasoning = match vendor {
            "openai/gpt-5.6-luna" => sealed(&id("rs")),
            "anthropic/claude-sonnet-5" => signed(&id("rs_tmp")),
            _ => thought(&id("rs_tmp"), "google-gemini-v1"),
        };
        match turn % 4 {
            0 => talk.answers(&[reasoning, call(&id("fc"), &id("call"), "{}")]),
            3 => talk.cut(&[reasoning], &["half of an ans"]),
            _ => talk.answers(&[reasoning, message(&id("msg_tmp"), &format!("answer {turn}"))]),
        }
    }
    assert_snapshot!(outlines);
}

#[test]
fn an_item_that_nobody_knows_goes_back_as_it_came_to_the_server_that_sent_it_and_to_nobody_else() {
    let odd =
        json!({ "type": "openrouter:of_tomorrow", "id": "st_1", "status": "completed", "found": [1, 2.50, "three"] });
    let theirs = json!({ "id": "x_1", "type": "crystal_ball_call", "status": "completed", "seen": { "a": [] } });
    let garbled = json!({ "type": "mess?age", "id": "msg_0", "status": "completed", "content": [] });
    let mut talk = Talk::new();
    talk.ask("one");
    talk.answers(&[odd.clone(), theirs.clone(), garbled, message("msg_1", "1")]);
    let kinds = |body: &Value| -> Vec<String> {
        let items = body["input"].as_array().expect("the input is a list").iter();
        items.filter_map(|item| item["type"].as_str()).map(str::to_owned).collect()
    };
    let bytes = talk.ask_bytes("two");
    assert!(bytes.contains(&odd.to_string()) && bytes.contains(&theirs.to_string()), "{bytes}");
    assert_eq!(
        kinds(&serde_json::from_str(&bytes).expect("JSON")),
        ["openrouter:of_tomorrow", "crystal_ball_call", "message"]
    );
    talk.answers(&[message("msg_2", "2")]);
    talk.switch("anthropic/claude-sonnet-5");
    assert_eq!(kinds(&talk.ask("three")), ["openrouter:of_tomorrow"], "the router's own is not the model's");
    talk.answers(&[message("msg_3", "3")]);
    talk.chat.settings.endpoint = "elsewhere".into();
    assert!(kinds(&talk.ask("four")).is_empty());
}

#[test]
fn what_a_server_does_not_take_back_is_left_out_once_and_said() {
    let mut talk = Talk::new();
    talk.ask("one");
    talk.answers(&[search("st_tmp_1", "completed"), message("msg_1", "1")]);
    assert!(talk.ask("two")["input"].to_string().contains("openrouter:web_search"));
    let invalid = json!({ "error": { "code": "invalid_prompt", "message": "Invalid Responses API request" },
        "metadata": { "raw": "[{\"code\":\"invalid_union\",\"path\":[\"input\",1],\"message\":\"Invalid input\"}]" } });
    let again = talk.refused(400, &invalid).expect("it asks again at once");
    assert!(!again["input"].to_string().contains("openrouter:web_search"), "{again:#}");
    assert_eq!(talk.refused(400, &invalid), None, "once");
    let newest = talk.chat.branch.last().expect("an answer");
    let notes = &talk.chat.messages[newest].answer().expect("an answer").notes;
    assert!(notes[0].contains("left out"), "{notes:?}");
    talk.ask("three");
    let other = json!({ "error": { "code": 400, "message": "temperature is too hot" } });
    assert_eq!(talk.refused(400, &other), None, "that is not about what was given back");
}

#[test]
fn every_wish_about_providers_is_sent_in_the_form_that_is_published() {
    let config = "[provider]\norder = ['anthropic']\nonly = ['anthropic']\nignore = ['x']\nallow_fallbacks = false\n\
        require_parameters = true\ndata_collection = 'deny'\nzdr = true\nenforce_distillable_text = true\n\
        quantizations = ['fp8']\nsort = 'price'\npartition = 'none'\nmax_price = { prompt = 1.5, completion = '10' }\n\
        preferred_max_latency = 3\npreferred_min_throughput = { p50 = 20, p99 = 5.5 }\noptions.anthropic = { x = [1] }\n";
    let (config, complaints) = config::Config::parse(config, std::path::Path::new("config.toml")).expect("it is right");
    assert_eq!(complaints, []);
    let context = Context { provider: config.provider, ..Context::default() };
    let body = Talk::with(settings(), context).ask("Hi");
    assert_snapshot!(body["provider"].to_string(), @r#"{"order":["anthropic"],"only":["anthropic"],"ignore":["x"],"allow_fallbacks":false,"require_parameters":true,"data_collection":"deny","zdr":true,"enforce_distillable_text":true,"quantizations":["fp8"],"sort":{"by":"price","partition":"none"},"max_price":{"prompt":"1.5","completion":"10"},"preferred_max_latency":3.0,"preferred_min_throughput":{"p50":20.0,"p99":5.5},"options":{"anthropic":{"x":[1]}}}"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever servers sent and however it ended: every word goes back once, thoughts only to who had them, and
    /// nothing leaves that a server would refuse (`rules` looks at every body).
    #[test]
    fn whatever_came_the_next_request_is_one_that_a_server_takes(
        turns in vec(any_turn(), 1..7),
        dialect in select(vec![Dialect::OpenRouter, Dialect::OpenAi, Dialect::Other]),
    ) {
        let mut talk = Talk::with(settings(), Context { dialect, ..Context::default() });
        let mut words: Vec<String> = Vec::new();
        let mut sealed_by: Option<String> = None;
        for (number, turn) in turns.iter().enumerate() {
            talk.switch(turn.model);
            talk.chat.settings.endpoint = turn.endpoint.into();
            let prompt = format!("prompt {number}.");
            let body = talk.ask(&prompt);
            words.push(prompt);
            let text = body["input"].to_string();
            for word in &words {
                prop_assert_eq!(text.matches(word.as_str()).count(), 1, "{} in {}", word, text);
            }
            for item in body["input"].as_array().into_iter().flatten().filter(|item| item["type"] == "reasoning") {
                let maker = item["format"].as_str().map(str::to_owned);
                prop_assert_eq!(&maker, &sealed_by);
                let asked = [turn.endpoint, turn.model].join(" ");
                prop_assert!(maker.is_some_and(|maker| maker.ends_with(&asked)));
            }
            let maker = format!("{number} {} {}", turn.endpoint, turn.model);
            let items: Vec<Value> =
                turn.items.iter().enumerate().map(|(at, item)| item.json(number, at, &maker)).collect();
            words.extend(items.iter().filter_map(|item| item["content"][0]["text"].as_str()).map(str::to_owned));
            let half = format!("half {number}.");
            match turn.end {
                Ending::Completed => talk.answers(&items),
                Ending::Incomplete => talk.truncated(&items),
                Ending::Cut => talk.cut(&items, &[&half]),
                Ending::Stopped => talk.interrupted(&items, &half),
            }
            talk.settle();
            match turn.end {
                Ending::Completed | Ending::Incomplete if talk.finished() => sealed_by = Some(maker),
                Ending::Completed | Ending::Incomplete => (),
                Ending::Cut | Ending::Stopped => words.push(half),
            }
        }
    }
}

#[derive(Debug, Clone)]
struct AnyTurn {
    endpoint: &'static str,
    model: &'static str,
    items: Vec<AnyItem>,
    end: Ending,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Completed,
    Incomplete,
    Cut,
    Stopped,
}

/// An item of that type, its id and the field that tells it apart from others in some state.
#[derive(Debug, Clone)]
struct AnyItem {
    kind: &'static str,
    id: Id,
    status: &'static str,
    arguments: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Id {
    Own,
    Shared,
    Empty,
    Null,
    Missing,
}

fn any_turn() -> impl Strategy<Value = AnyTurn> {
    let endpoint = select(vec!["openrouter", "openrouter", "elsewhere"]);
    let model = select(vec!["openai/gpt-5.6-luna", "openai/gpt-5.6-luna", "anthropic/claude-sonnet-5"]);
    let end = select(vec![Ending::Completed, Ending::Completed, Ending::Incomplete, Ending::Cut, Ending::Stopped]);
    (endpoint, model, vec(any_item(), 0..6), end).prop_map(|(endpoint, model, items, end)| AnyTurn {
        endpoint,
        model,
        items,
        end,
    })
}

fn any_item() -> impl Strategy<Value = AnyItem> {
    let kinds = vec![
        "message",
        "reasoning",
        "reasoning",
        "function_call",
        "function_call",
        "openrouter:web_search",
        "web_search_call",
        "image_generation_call",
        "custom_tool_call",
        "shell_call",
    ];
    let id = select(vec![Id::Own, Id::Own, Id::Own, Id::Shared, Id::Empty, Id::Null, Id::Missing]);
    let status = select(vec!["completed", "completed", "completed", "incomplete"]);
    let arguments = select(vec!["{}", "", "{\"city\":\"Paris\"}", "{\"cit"]);
    (select(kinds), id, status, arguments).prop_map(|(kind, id, status, arguments)| AnyItem {
        kind,
        id,
        status,
        arguments,
    })
}

impl AnyItem {
    fn json(&self, turn: usize, at: usize, maker: &str) -> Value {
        let mut item = json!({ "type": self.kind, "status": self.status, "nothing": null });
        match self.id {
            Id::Own => item["id"] = json!(format!("id_{turn}_{at}")),
            Id::Shared => item["id"] = json!("id_0"),
            Id::Empty => item["id"] = json!(""),
            Id::Null => item["id"] = Value::Null,
            Id::Missing => (),
        }
        let more = match self.kind {
            "message" => json!({ "role": "assistant",
                "content": [{ "type": "output_text", "text": format!("words {turn}-{at}."), "annotations": [] }] }),
            "reasoning" if at.is_multiple_of(2) => {
                json!({ "summary": [], "encrypted_content": "sealed", "format": maker })
            }
            "reasoning" => json!({ "summary": ["bare"], "format": maker, "encrypted_content": null }),
            "function_call" => {
                json!({ "call_id": format!("call_{at}"), "name": "get_weather", "arguments": self.arguments })
            }
            "custom_tool_call" => {
                json!({ "call_id": format!("call_{at}"), "name": "patch", "input": self.arguments })
            }
            "image_generation_call" => json!({ "result": "aGk=" }),
            _ => json!({ "action": { "type": "search", "query": "weather" } }),
        };
        item.as_object_mut().expect("it is one").extend(more.as_object().cloned().unwrap_or_default());
        item
    }
}

fn model(id: &str, reasoning: Option<Efforts>) -> Model {
    Model {
        id: id.into(),
        name: id.into(),
        vendor: String::new(),
        since: None,
        description: String::new(),
        context: None,
        input_price: None,
        output_price: None,
        tools: true,
        images: false,
        files: false,
        reasoning,
    }
}
