//! Request bodies, turn by turn, for every setting and after every kind of end.

mod mutated_streams;
mod test_conversation;
mod tool_requests;

use std::sync::Arc;

use ibid::{
    api::{ApiDialect, Catalogue, Model, catalogue::ReasoningEfforts},
    chat::{
        ChatSettings, Effort,
        request::RequestContext,
        request_options::{ContextSize, ReasoningSummary, SearchForm, SearchOptions},
    },
    config::Config,
};
use insta::assert_snapshot;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use test_conversation::{
    TestConversation, call, encrypted_reasoning, message, outline, plain_reasoning, pretty, search, settings,
    signed_reasoning,
};

#[test]
fn the_first_turn_sends_the_prompt_and_nothing_else() {
    let mut talk = TestConversation::new();
    assert_snapshot!(pretty(&talk.ask("Paris or Ōsaka:\nwhere is it warmer?")));
}

#[test]
fn the_second_turn_sends_the_history_exactly_as_received() {
    let mut talk = TestConversation::new();
    talk.ask("Paris or Ōsaka: where is it warmer?");
    talk.receive_answer(&[encrypted_reasoning("rs_0aa1"), message("msg_tmp_1", "Ōsaka, by six degrees.")]);
    assert_snapshot!(pretty(&talk.ask("And tomorrow?")));
}

#[test]
fn a_restart_does_not_change_the_bytes_of_the_next_request() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    let said = message("msg_tmp_1", "1 \u{1f600} \"quoted\"\n\tand more");
    talk.receive_answer(&[
        encrypted_reasoning("rs_1"),
        search("st_tmp_1", "completed"),
        call("fc_tmp_1", "call_1", "{}"),
        said,
    ]);
    talk.ask("two");
    talk.stop_after(&["half of an ans"]);
    let mut restarted = talk.restarted();
    let (before, after) = (talk.ask_bytes("three"), restarted.ask_bytes("three"));
    assert_eq!(before, after);
    assert_snapshot!(pretty(&serde_json::from_str(&after).expect("a body is JSON")));
}

#[test]
fn a_web_search_is_requested_in_the_form_of_each_server() {
    let plain = SearchOptions::default();
    let picky = SearchOptions {
        engine: Some("exa".into()),
        max_results: Some(7),
        max_total_results: Some(20),
        context_size: Some(ContextSize::Low),
        allowed_domains: vec!["doc.rust-lang.org".into()],
        excluded_domains: vec!["example.org".into()],
        ..plain.clone()
    };
    let plugin = SearchOptions { form: SearchForm::Plugin, ..picky.clone() };
    let ask = |dialect, search: &SearchOptions, model: &str, web| {
        let context = RequestContext { dialect, search: search.clone(), ..RequestContext::default() };
        let settings = ChatSettings { web, model: model.into(), ..settings() };
        let body = TestConversation::with(settings, context).ask("What is new?");
        format!("{} {} {}", body["model"], body["tools"], body["plugins"])
    };
    let model = "openai/gpt-5.6-luna";
    assert_snapshot!(ask(ApiDialect::OpenRouter, &plain, model, false), @r#""openai/gpt-5.6-luna" null null"#);
    assert_snapshot!(ask(ApiDialect::OpenRouter, &plain, model, true), @r#""openai/gpt-5.6-luna" [{"type":"openrouter:web_search"}] null"#);
    assert_snapshot!(ask(ApiDialect::OpenRouter, &picky, model, true), @r#""openai/gpt-5.6-luna" [{"type":"openrouter:web_search","parameters":{"engine":"exa","max_results":7,"max_total_results":20,"search_context_size":"low","allowed_domains":["doc.rust-lang.org"],"excluded_domains":["example.org"]}}] null"#);
    assert_snapshot!(ask(ApiDialect::OpenRouter, &plugin, model, true), @r#""openai/gpt-5.6-luna" null [{"id":"web","engine":"exa","max_results":7,"include_domains":["doc.rust-lang.org"],"exclude_domains":["example.org"]}]"#);
    assert_snapshot!(ask(ApiDialect::OpenAi, &picky, "gpt-5.6-luna", true), @r#""gpt-5.6-luna" [{"type":"web_search"}] null"#);
    assert_snapshot!(ask(ApiDialect::Other, &plugin, "llama", true), @r#""llama" [{"type":"web_search"}] null"#);
    assert_snapshot!(ask(ApiDialect::OpenRouter, &plain, "openai/gpt-5.6-luna:online", true), @r#""openai/gpt-5.6-luna:online" null null"#);
}

#[test]
fn every_effort_is_sent_by_name_and_none_is_corrected_where_reasoning_is_mandatory() {
    let efforts = |offered: &[Effort], mandatory| Some(ReasoningEfforts { offered: offered.to_vec(), mandatory });
    let catalogue = Catalogue {
        models: vec![
            model("free/choice", efforts(&Effort::ALL, false)),
            model("always/thinks", efforts(&[Effort::Low, Effort::High], true)),
            model("never/thinks", None),
        ],
    };
    let catalogue = Arc::new(catalogue);
    let ask = |model: &str, effort, dialect, summary| {
        let context = RequestContext { dialect, summary, catalogue: catalogue.clone(), ..RequestContext::default() };
        let body =
            TestConversation::with(ChatSettings { model: model.into(), effort, ..settings() }, context).ask("Think.");
        body["reasoning"].to_string()
    };
    let mut lines = String::new();
    for model in ["free/choice", "always/thinks", "never/thinks", "un/known", "free/choice:nitro"] {
        for effort in [None].into_iter().chain(Effort::ALL.map(Some)) {
            let name = effort.map_or("unset", Effort::name);
            let reasoning = ask(model, effort, ApiDialect::OpenRouter, ReasoningSummary::Auto);
            lines.extend([model, " ", name, ": ", &reasoning, "\n"]);
        }
    }
    assert_snapshot!(lines);
    let high = Some(Effort::High);
    let summary = |dialect, summary| ask("free/choice", high, dialect, summary);
    assert_snapshot!(summary(ApiDialect::OpenRouter, ReasoningSummary::Detailed), @r#"{"effort":"high","summary":"detailed"}"#);
    assert_snapshot!(summary(ApiDialect::OpenAi, ReasoningSummary::Concise), @r#"{"effort":"high","summary":"concise"}"#);
    assert_snapshot!(summary(ApiDialect::OpenRouter, ReasoningSummary::None), @r#"{"effort":"high"}"#);
    assert_snapshot!(summary(ApiDialect::Other, ReasoningSummary::Auto), @r#"{"effort":"high"}"#);
}

#[test]
fn each_sampling_field_is_sent_only_when_it_is_set() {
    let ask = |settings: ChatSettings| {
        let mut body = TestConversation::with(settings, RequestContext::default()).ask("Hi");
        let body = body.as_object_mut().expect("a body is an object");
        for always in ["model", "input", "stream", "store", "include", "session_id"] {
            assert!(body.shift_remove(always).is_some(), "{always} is always there");
        }
        serde_json::to_string(body).expect("a body has a JSON form")
    };
    assert_snapshot!(ask(settings()), @"{}");
    assert_snapshot!(ask(ChatSettings { temperature: Some(0.7), ..settings() }), @r#"{"temperature":0.7}"#);
    assert_snapshot!(ask(ChatSettings { top_p: Some(0.95), ..settings() }), @r#"{"top_p":0.95}"#);
    assert_snapshot!(ask(ChatSettings { max_output_tokens: Some(800), ..settings() }), @r#"{"max_output_tokens":800}"#);
    assert_snapshot!(ask(ChatSettings { instructions: Some("Be brief.\n".into()), ..settings() }), @r#"{"instructions":"Be brief.\n"}"#);
    assert_snapshot!(ask(ChatSettings { instructions: Some("  ".into()), ..settings() }), @"{}");
}

#[test]
fn other_servers_get_only_the_fields_they_know() {
    let ask = |dialect, stream| {
        let context = RequestContext { dialect, stream, ..RequestContext::default() };
        let mut talk = TestConversation::with(settings(), context);
        talk.ask("one");
        talk.receive_answer(&[encrypted_reasoning("rs_1"), message("msg_1", "1")]);
        talk.ask("two");
        talk.receive_answer(&[message("msg_2", "2")]);
        outline(&talk.ask("three"))
    };
    assert_snapshot!(ask(ApiDialect::OpenAi, true));
    assert_snapshot!(ask(ApiDialect::Other, false));
}

#[test]
fn a_switch_of_model_keeps_the_text_and_drops_what_only_the_other_model_understands() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_answer(&[encrypted_reasoning("rs_1"), message("msg_tmp_1", "1")]);
    talk.switch_model("anthropic/claude-sonnet-5");
    assert_snapshot!(outline(&talk.ask("two")));
    talk.receive_answer(&[signed_reasoning("rs_tmp_2"), search("st_tmp_2", "completed"), message("msg_tmp_2", "2")]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.receive_answer(&[message("msg_tmp_3", "3")]);
    talk.switch_model("openai/gpt-5.6-luna");
    assert_snapshot!(outline(&talk.ask("four")));
    talk.receive_answer(&[message("msg_tmp_4", "4")]);
    talk.chat.settings.endpoint = "elsewhere".into();
    assert_snapshot!(outline(&talk.ask("five")));
}

#[test]
fn reasoning_from_a_router_is_not_pinned_to_the_model_that_it_chose() {
    let mut talk = TestConversation::with(
        ChatSettings { model: "openrouter/auto".into(), ..settings() },
        RequestContext::default(),
    );
    talk.ask("one");
    talk.receive_answer(&[encrypted_reasoning("rs_1"), message("msg_tmp_1", "1")]);
    assert_snapshot!(outline(&talk.ask("two")));
}

#[test]
fn a_cut_off_answer_is_sent_back_as_plain_text_without_unfinished_items() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_and_break(&[encrypted_reasoning("rs_1"), search("st_tmp_1", "completed")], &["half of an ans"]);
    assert_snapshot!(outline(&talk.ask("two")));
    talk.stop_after(&[]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.receive_and_break(
        &[encrypted_reasoning("rs_3"), call("fc_3", "call_3", r#"{"city":"#), call("fc_4", "call_4", "{}")],
        &["And"],
    );
    assert_snapshot!(outline(&talk.ask("four")));
}

#[test]
fn a_continued_answer_is_followed_by_a_request_to_continue() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.stop_after(&["half of an ans"]);
    assert_snapshot!(outline(&talk.continue_answer()));
    talk.receive_answer(&[message("msg_tmp_2", "wer.")]);
    assert_snapshot!(outline(&talk.ask("two")));
}

#[test]
fn calls_are_sent_with_their_outputs_and_keep_their_ids_only_with_their_reasoning() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_answer(&[
        message("msg_tmp_1", "Let me see."),
        encrypted_reasoning("rs_1"),
        call("fc_tmp_1", "call_P", r#"{"city":"Paris"}"#),
        call("fc_tmp_2", "call_O", ""),
        message("msg_tmp_2", "I asked."),
    ]);
    assert_snapshot!(outline(&talk.ask("two")));
    talk.receive_answer(&[call("fc_tmp_3", "call_P", "{}")]);
    assert_snapshot!(outline(&talk.ask("three")));
    talk.receive_answer(&[message("msg_tmp_4", "4")]);
    talk.switch_model("google/gemini-3-pro");
    assert_snapshot!(outline(&talk.ask("four")));
}

#[test]
fn empty_ids_nulls_and_images_are_not_sent_back() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_answer(&[
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
fn over_ten_turns_reasoning_is_sent_back_only_to_its_vendor() {
    let mut talk = TestConversation::new();
    let mut outlines = String::new();
    for turn in 1..=10_u32 {
        let vendor = ["openai/gpt-5.6-luna", "anthropic/claude-sonnet-5", "google/gemini-3-pro"][turn as usize / 2 % 3];
        talk.switch_model(vendor);
        let body = talk.ask(&format!("prompt {turn}"));
        outlines.extend([format!("--- turn {turn}, {vendor}\n"), outline(&body)]);
        let id = |prefix: &str| format!("{prefix}_{turn}");
        let reasoning = match vendor {
            "openai/gpt-5.6-luna" => encrypted_reasoning(&id("rs")),
            "anthropic/claude-sonnet-5" => signed_reasoning(&id("rs_tmp")),
            _ => plain_reasoning(&id("rs_tmp"), "google-gemini-v1"),
        };
        match turn % 4 {
            0 => talk.receive_answer(&[reasoning, call(&id("fc"), &id("call"), "{}")]),
            3 => talk.receive_and_break(&[reasoning], &["half of an ans"]),
            _ => talk.receive_answer(&[reasoning, message(&id("msg_tmp"), &format!("answer {turn}"))]),
        }
    }
    assert_snapshot!(outlines);
}

#[test]
fn an_unknown_item_is_sent_back_unchanged_only_to_the_server_that_sent_it() {
    let odd =
        json!({ "type": "openrouter:of_tomorrow", "id": "st_1", "status": "completed", "found": [1, 2.50, "three"] });
    let theirs = json!({ "id": "x_1", "type": "crystal_ball_call", "status": "completed", "seen": { "a": [] } });
    let garbled = json!({ "type": "mess?age", "id": "msg_0", "status": "completed", "content": [] });
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_answer(&[odd.clone(), theirs.clone(), garbled, message("msg_1", "1")]);
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
    talk.receive_answer(&[message("msg_2", "2")]);
    talk.switch_model("anthropic/claude-sonnet-5");
    assert_eq!(
        kinds(&talk.ask("three")),
        ["openrouter:of_tomorrow"],
        "the router's own items do not belong to the model"
    );
    talk.receive_answer(&[message("msg_3", "3")]);
    talk.chat.settings.endpoint = "elsewhere".into();
    assert!(kinds(&talk.ask("four")).is_empty());
}

#[test]
fn an_item_that_the_server_rejects_is_left_out_once_with_a_note() {
    let mut talk = TestConversation::new();
    talk.ask("one");
    talk.receive_answer(&[search("st_tmp_1", "completed"), message("msg_1", "1")]);
    assert!(talk.ask("two")["input"].to_string().contains("openrouter:web_search"));
    let invalid = json!({ "error": { "code": "invalid_prompt", "message": "Invalid Responses API request" },
        "metadata": { "raw": "[{\"code\":\"invalid_union\",\"path\":[\"input\",1],\"message\":\"Invalid input\"}]" } });
    let again = talk.refuse(400, &invalid).expect("the request is sent again at once");
    assert!(!again["input"].to_string().contains("openrouter:web_search"), "{again:#}");
    assert_eq!(talk.refuse(400, &invalid), None, "only once");
    let newest = talk.chat.branch.last().expect("an answer");
    let notes = &talk.chat.messages[newest].as_answer().expect("an answer").notes;
    assert!(notes[0].contains("not sent"), "{notes:?}");
    talk.ask("three");
    let other = json!({ "error": { "code": 400, "message": "temperature is too hot" } });
    assert_eq!(talk.refuse(400, &other), None, "this error is not about the items sent back");
}

#[test]
fn every_provider_preference_is_sent_in_its_published_form() {
    let config = "[provider]\norder = ['anthropic']\nonly = ['anthropic']\nignore = ['x']\nallow_fallbacks = false\n\
        require_parameters = true\ndata_collection = 'deny'\nzdr = true\nenforce_distillable_text = true\n\
        quantizations = ['fp8']\nsort = 'price'\npartition = 'none'\nmax_price = { prompt = 1.5, completion = '10' }\n\
        preferred_max_latency = 3\npreferred_min_throughput = { p50 = 20, p99 = 5.5 }\noptions.anthropic = { x = [1] }\n";
    let (config, complaints) = Config::parse(config, std::path::Path::new("config.toml")).expect("the config is valid");
    assert_eq!(complaints, []);
    let context = RequestContext { provider: config.provider, ..RequestContext::default() };
    let body = TestConversation::with(settings(), context).ask("Hi");
    assert_snapshot!(body["provider"].to_string(), @r#"{"order":["anthropic"],"only":["anthropic"],"ignore":["x"],"allow_fallbacks":false,"require_parameters":true,"data_collection":"deny","zdr":true,"enforce_distillable_text":true,"quantizations":["fp8"],"sort":{"by":"price","partition":"none"},"max_price":{"prompt":"1.5","completion":"10"},"preferred_max_latency":3.0,"preferred_min_throughput":{"p50":20.0,"p99":5.5},"options":{"anthropic":{"x":[1]}}}"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the servers sent and however it ended, every text is sent back exactly once, reasoning goes only to the
    /// model that produced it, and a server accepts every body (`rules` checks each).
    #[test]
    fn the_next_request_is_valid_whatever_came_before(
        turns in vec(any_turn(), 1..7),
        dialect in select(vec![ApiDialect::OpenRouter, ApiDialect::OpenAi, ApiDialect::Other]),
    ) {
        let mut talk = TestConversation::with(settings(), RequestContext { dialect, ..RequestContext::default() });
        let mut words: Vec<String> = Vec::new();
        let mut sealed_by: Option<String> = None;
        for (number, turn) in turns.iter().enumerate() {
            talk.switch_model(turn.model);
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
                turn.items.iter().enumerate().map(|(at, item)| item.to_json(number, at, &maker)).collect();
            words.extend(items.iter().filter_map(|item| item["content"][0]["text"].as_str()).map(str::to_owned));
            let half = format!("half {number}.");
            match turn.end {
                TurnEnding::Completed => talk.receive_answer(&items),
                TurnEnding::Incomplete => talk.receive_incomplete(&items),
                TurnEnding::Cut => talk.receive_and_break(&items, &[&half]),
                TurnEnding::Stopped => talk.receive_and_stop(&items, &half),
            }
            talk.stop_turn();
            match turn.end {
                TurnEnding::Completed | TurnEnding::Incomplete if talk.is_finished() => sealed_by = Some(maker),
                TurnEnding::Completed | TurnEnding::Incomplete => (),
                TurnEnding::Cut | TurnEnding::Stopped => words.push(half),
            }
        }
    }
}

#[derive(Debug, Clone)]
struct AnyTurn {
    endpoint: &'static str,
    model: &'static str,
    items: Vec<AnyItem>,
    end: TurnEnding,
}

#[derive(Debug, Clone, Copy)]
enum TurnEnding {
    Completed,
    Incomplete,
    Cut,
    Stopped,
}

/// An item of any type, with the fields that vary.
#[derive(Debug, Clone)]
struct AnyItem {
    kind: &'static str,
    id: IdForm,
    status: &'static str,
    arguments: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum IdForm {
    Own,
    Shared,
    Empty,
    Null,
    Missing,
}

fn any_turn() -> impl Strategy<Value = AnyTurn> {
    let endpoint = select(vec!["openrouter", "openrouter", "elsewhere"]);
    let model = select(vec!["openai/gpt-5.6-luna", "openai/gpt-5.6-luna", "anthropic/claude-sonnet-5"]);
    let end = select(vec![
        TurnEnding::Completed,
        TurnEnding::Completed,
        TurnEnding::Incomplete,
        TurnEnding::Cut,
        TurnEnding::Stopped,
    ]);
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
    let id = select(vec![
        IdForm::Own,
        IdForm::Own,
        IdForm::Own,
        IdForm::Shared,
        IdForm::Empty,
        IdForm::Null,
        IdForm::Missing,
    ]);
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
    fn to_json(&self, turn: usize, index: usize, maker: &str) -> Value {
        let mut item = json!({ "type": self.kind, "status": self.status, "nothing": null });
        match self.id {
            IdForm::Own => item["id"] = json!(format!("id_{turn}_{index}")),
            IdForm::Shared => item["id"] = json!("id_0"),
            IdForm::Empty => item["id"] = json!(""),
            IdForm::Null => item["id"] = Value::Null,
            IdForm::Missing => (),
        }
        let more = match self.kind {
            "message" => json!({ "role": "assistant",
                "content": [{ "type": "output_text", "text": format!("words {turn}-{index}."), "annotations": [] }] }),
            "reasoning" if index.is_multiple_of(2) => {
                json!({ "summary": [], "encrypted_content": "sealed", "format": maker })
            }
            "reasoning" => json!({ "summary": ["bare"], "format": maker, "encrypted_content": null }),
            "function_call" => {
                json!({ "call_id": format!("call_{index}"), "name": "get_weather", "arguments": self.arguments })
            }
            "custom_tool_call" => {
                json!({ "call_id": format!("call_{index}"), "name": "patch", "input": self.arguments })
            }
            "image_generation_call" => json!({ "result": "aGk=" }),
            _ => json!({ "action": { "type": "search", "query": "weather" } }),
        };
        item.as_object_mut().expect("an item is an object").extend(more.as_object().cloned().unwrap_or_default());
        item
    }
}

fn model(id: &str, reasoning: Option<ReasoningEfforts>) -> Model {
    Model {
        id: id.into(),
        name: id.into(),
        vendor: String::new(),
        released: None,
        description: String::new(),
        context_tokens: None,
        input_price: None,
        output_price: None,
        supports_tools: true,
        supports_images: false,
        supports_files: false,
        reasoning,
    }
}
