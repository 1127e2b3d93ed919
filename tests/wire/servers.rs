//! The servers that people have beside OpenRouter: what each is sent, and its own way to answer.

use std::path::Path;

use ibid::{
    api::{Catalogue, Client, Dialect, Endpoint, Request, Sent},
    app::EndpointInfo,
    chat::{Answer, End, Kind},
    store::Reply as FromDisk,
};
use serde_json::{Value, json};

use crate::{
    answer, endpoint,
    support::{
        fake_server::{FakeServer, Reply},
        harness::{Harness, start},
    },
};

/// A server as people configure it, and as it answers.
struct Server {
    base_url: &'static str,
    key: Option<&'static str>,
    dialect: Dialect,
    url: &'static str,
    /// The header that carries the key.
    header: Option<(&'static str, &'static str)>,
    /// A stream under `tests/streams` in its form.
    stream: &'static str,
    text: &'static str,
    reasoning: &'static str,
    call: Option<&'static str>,
    /// What it answers to `GET /models`.
    models: Value,
}

const VARIABLE: &str = "A_KEY";

fn listed(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": 1_790_000_000, "owned_by": "somebody" })
}

fn of_openai() -> Server {
    Server {
        base_url: "https://api.openai.com/v1",
        key: Some("sk-proj-0123456789"),
        dialect: Dialect::OpenAi,
        url: "https://api.openai.com/v1/responses",
        header: Some(("authorization", "Bearer $A_KEY")),
        stream: "server-openai.sse",
        text: "Eight legs.",
        reasoning: "**Counting legs**\n\nA spider has eight.",
        call: None,
        models: json!({ "object": "list", "data": [listed("gpt-5.6-luna"), listed("gpt-5.6-sol")] }),
    }
}

fn of_azure() -> Server {
    Server {
        base_url: "https://mine.openai.azure.com/openai/v1/?api-version=preview",
        dialect: Dialect::OpenAi,
        url: "https://mine.openai.azure.com/openai/v1/responses?api-version=preview",
        header: Some(("api-key", "$A_KEY")),
        stream: "server-azure.sse",
        models: json!({ "data": [{ "id": "my-deployment", "object": "model", "capabilities": { "chat_completion": true } }] }),
        ..of_openai()
    }
}

fn of_llama_cpp() -> Server {
    let model =
        json!({ "id": "qwen3-8b", "object": "model", "meta": { "n_ctx_train": 40960, "n_params": 8_190_735_360_u64 } });
    Server {
        base_url: "http://localhost:8080/v1/",
        key: None,
        dialect: Dialect::Other,
        url: "http://localhost:8080/v1/responses",
        header: None,
        stream: "server-llama-cpp.sse",
        text: "Eight legs.",
        reasoning: "Eight, surely.",
        call: None,
        models: json!({ "models": [{ "name": "qwen3-8b", "model": "qwen3-8b" }], "object": "list", "data": [model] }),
    }
}

fn of_vllm() -> Server {
    let model = json!({ "id": "Qwen/Qwen3-32B", "object": "model", "root": "Qwen/Qwen3-32B", "max_model_len": 40960 });
    Server {
        base_url: "http://192.168.1.7:8000/v1",
        url: "http://192.168.1.7:8000/v1/responses",
        stream: "server-vllm.sse",
        reasoning: "It has eight.",
        models: json!({ "object": "list", "data": [model] }),
        ..of_llama_cpp()
    }
}

fn of_ollama() -> Server {
    Server {
        base_url: "http://localhost:11434/v1",
        url: "http://localhost:11434/v1/responses",
        stream: "server-ollama.sse",
        text: "",
        reasoning: "Spiders: eight.",
        call: Some(r#"count_legs {"animal":"spider"}"#),
        models: json!({ "object": "list", "data": [{ "id": "gpt-oss:20b", "object": "model", "created": 1, "owned_by": "library" }] }),
        ..of_llama_cpp()
    }
}

fn of_lm_studio() -> Server {
    Server {
        base_url: "http://localhost:1234/v1",
        url: "http://localhost:1234/v1/responses",
        stream: "server-lm-studio.sse",
        text: "",
        reasoning: "I should look.",
        call: Some(r#"count_legs {"animal":"spider"}"#),
        models: json!({ "data": [{ "id": "qwen3-8b", "object": "model", "owned_by": "organization_owner" }], "object": "list" }),
        ..of_llama_cpp()
    }
}

fn of_litellm() -> Server {
    Server {
        base_url: "http://gateway.lan:4000/v1",
        key: Some("sk-virtual-0123456789"),
        url: "http://gateway.lan:4000/v1/responses",
        header: Some(("authorization", "Bearer $A_KEY")),
        stream: "server-litellm.sse",
        reasoning: "Legs, legs.",
        models: json!({ "data": [listed("claude-sonnet-5")], "object": "list" }),
        ..of_llama_cpp()
    }
}

/// What leaves for the server at its own address; nothing is sent.
fn sent(server: &Server, body: &Value) -> Sent {
    let dialect = Dialect::of(server.base_url);
    assert_eq!(dialect, server.dialect, "{}", server.base_url);
    let key = server.key.map(Into::into);
    let endpoint = Endpoint { name: "test".into(), base_url: server.base_url.into(), dialect, key };
    let request =
        Request { model: body["model"].as_str().expect("a model").into(), stream: true, ..Request::default() };
    Client::new(endpoint).expect("a client").sent(&request, VARIABLE).expect("it can be sent")
}

/// Two prompts to a server of that kind: the bodies that leave.
fn bodies(server: &Server) -> [Value; 2] {
    let mut begin = start(100, 30);
    begin.endpoints = vec![EndpointInfo { name: "theirs".into(), dialect: server.dialect, ready: true }];
    begin.config.endpoint = Some("theirs".into());
    begin.config.model = Some("a-model".into());
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with(begin);
    app.reply(FromDisk::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects();
    app.enter_text("How many?");
    app.press("enter");
    let (stream, first) = app.opened().remove(0);
    let payloads = streamed(server);
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    app.events(stream, &payloads);
    app.end(stream, Ok(()));
    app.enter_text("And now?");
    app.press("enter");
    let (_, second) = app.opened().remove(0);
    [first, second]
}

fn bytes(server: &Server) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(server.stream);
    std::fs::read(file).expect("a composed stream")
}

fn streamed(server: &Server) -> Vec<String> {
    let text = String::from_utf8(bytes(server)).expect("text");
    let payloads = text.lines().filter_map(|line| line.strip_prefix("data: "));
    payloads.filter(|payload| *payload != "[DONE]").map(str::to_owned).collect()
}

fn reasoning(answer: &Answer) -> String {
    let kinds = answer.items.values().map(|item| &item.kind);
    let thoughts =
        kinds.filter_map(|kind| if let Kind::Reasoning(reasoning) = &**kind { Some(reasoning.texts()) } else { None });
    thoughts.flatten().collect()
}

fn call(answer: &Answer) -> Option<String> {
    answer.items.values().find_map(|item| match &*item.kind {
        Kind::Call(call) => Some(format!("{} {}", call.name, call.arguments)),
        _ => None,
    })
}

/// The names of the fields of a body.
fn fields(body: &Value) -> Vec<&str> {
    body.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Sends to it, hears it, and sends to it again.
fn check(server: &Server) {
    let [first, second] = bodies(server);
    let sent = sent(server, &first);
    assert_eq!(sent.url, server.url);
    let header = |name: &str| sent.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    for name in ["authorization", "api-key"] {
        let expected = server.header.filter(|(known, _)| *known == name).map(|(_, value)| value);
        assert_eq!(header(name), expected, "{name}");
    }
    assert_eq!((header("x-title"), header("http-referer")), (None, None), "only OpenRouter lists programs");

    // What only OpenRouter has is sent to nobody else, whatever the config wishes.
    match server.dialect {
        Dialect::OpenAi => {
            assert_eq!(fields(&first), ["model", "input", "stream", "store", "include"]);
            assert_eq!((&first["store"], &first["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
        }
        _ => assert_eq!(fields(&first), ["model", "input", "stream"]),
    }
    assert_eq!(fields(&first), fields(&second));
    let input = second["input"].as_array().expect("a history");
    assert_eq!((&input[0]["content"], &input[input.len() - 1]["content"]), (&json!("How many?"), &json!("And now?")));
    assert!(!second.to_string().contains("\"id\":\"\""), "an empty id is worse than none: {second}");
    let outputs = input.iter().filter(|item| item["type"] == "function_call_output").count();
    let calls = input.iter().filter(|item| item["type"] == "function_call").count();
    assert_eq!((calls, outputs), (usize::from(server.call.is_some()), usize::from(server.call.is_some())));

    // Its stream, whole and three bytes at a time.
    let fake = FakeServer::start();
    let client = Client::new(endpoint(&fake.base_url(), server.dialect, server.key)).expect("a client");
    for pieces in [vec![bytes(server)], bytes(server).chunks(3).map(<[u8]>::to_vec).collect()] {
        fake.answer(Reply::stream(pieces));
        let answer = answer(&client);
        assert_eq!(answer.end, End::Complete);
        assert_eq!(answer.text(), server.text);
        assert_eq!(reasoning(&answer), server.reasoning);
        assert_eq!(call(&answer).as_deref(), server.call);
        assert!(answer.usage.as_ref().is_some_and(|usage| usage.input_tokens.is_some() && usage.cost.is_none()));
        assert!(answer.items.values().all(|item| item.closed.is_some()));
    }
    // The same answer without a stream.
    let last = streamed(server).pop().expect("an end");
    let body: Value = serde_json::from_str(&last).expect("JSON");
    fake.answer(Reply::json(200, &body["response"]));
    let whole = answer(&client);
    assert_eq!((whole.text().as_str(), reasoning(&whole).as_str()), (server.text, server.reasoning));
    assert_eq!((call(&whole).as_deref(), &whole.end), (server.call, &End::Complete));

    let models = Catalogue::parse(&server.models.to_string()).expect("its list");
    assert!(!models.models.is_empty() && models.models.iter().all(|model| model.tools && model.input_price.is_none()));
}

#[test]
fn openai_is_told_to_store_nothing_and_needs_no_last_word() {
    check(&of_openai());
}

#[test]
fn azure_takes_its_key_in_a_header_of_its_own_and_the_name_of_a_deployment() {
    check(&of_azure());
}

#[test]
fn llama_cpp_names_no_index_and_tells_its_progress() {
    check(&of_llama_cpp());
}

#[test]
fn vllm_has_parts_of_reasoning_and_other_ids_at_the_end() {
    check(&of_vllm());
}

#[test]
fn ollama_sums_up_without_parts_and_calls_its_text_encrypted() {
    check(&of_ollama());
}

#[test]
fn lm_studio_gives_arguments_only_at_their_end() {
    check(&of_lm_studio());
}

#[test]
fn litellm_counts_as_it_likes_and_thinks_in_the_index_of_its_message() {
    check(&of_litellm());
}
