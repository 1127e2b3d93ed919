//! Servers other than OpenRouter: what each is sent, and the form of its answers.

use std::path::Path;

use ibid::{
    api::{ApiClient, ApiDialect, Catalogue, Endpoint, Request, SentRequest},
    chat::{Answer, AnswerEnd, ItemKind},
    store::StoreReply as FromDisk,
    ui::EndpointInfo,
};
use serde_json::{Value, json};

use crate::{
    endpoint, streamed_answer,
    support::{
        fake_server::{FakeReply, FakeServer},
        harness::{Harness, default_start},
    },
};

/// A server as users configure it, and the answers it gives.
struct ServerCase {
    base_url: &'static str,
    key: Option<&'static str>,
    dialect: ApiDialect,
    request_url: &'static str,
    /// The header that carries the key.
    key_header: Option<(&'static str, &'static str)>,
    /// A stream in this server's form, under `tests/streams`.
    stream_file: &'static str,
    text: &'static str,
    reasoning: &'static str,
    call: Option<&'static str>,
    /// The response to `GET /models`.
    models: Value,
}

const KEY_VARIABLE: &str = "A_KEY";

fn model_entry(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": 1_790_000_000, "owned_by": "somebody" })
}

fn openai() -> ServerCase {
    ServerCase {
        base_url: "https://api.openai.com/v1",
        key: Some("sk-proj-0123456789"),
        dialect: ApiDialect::OpenAi,
        request_url: "https://api.openai.com/v1/responses",
        key_header: Some(("authorization", "Bearer $A_KEY")),
        stream_file: "server-openai.sse",
        text: "Eight legs.",
        reasoning: "**Counting legs**\n\nA spider has eight.",
        call: None,
        models: json!({ "object": "list", "data": [model_entry("gpt-5.6-luna"), model_entry("gpt-5.6-sol")] }),
    }
}

fn azure() -> ServerCase {
    ServerCase {
        base_url: "https://mine.openai.azure.com/openai/v1/?api-version=preview",
        dialect: ApiDialect::OpenAi,
        request_url: "https://mine.openai.azure.com/openai/v1/responses?api-version=preview",
        key_header: Some(("api-key", "$A_KEY")),
        stream_file: "server-azure.sse",
        models: json!({ "data": [{ "id": "my-deployment", "object": "model", "capabilities": { "chat_completion": true } }] }),
        ..openai()
    }
}

fn llama_cpp() -> ServerCase {
    let model =
        json!({ "id": "qwen3-8b", "object": "model", "meta": { "n_ctx_train": 40960, "n_params": 8_190_735_360_u64 } });
    ServerCase {
        base_url: "http://localhost:8080/v1/",
        key: None,
        dialect: ApiDialect::Other,
        request_url: "http://localhost:8080/v1/responses",
        key_header: None,
        stream_file: "server-llama-cpp.sse",
        text: "Eight legs.",
        reasoning: "Eight, surely.",
        call: None,
        models: json!({ "models": [{ "name": "qwen3-8b", "model": "qwen3-8b" }], "object": "list", "data": [model] }),
    }
}

fn vllm() -> ServerCase {
    let model = json!({ "id": "Qwen/Qwen3-32B", "object": "model", "root": "Qwen/Qwen3-32B", "max_model_len": 40960 });
    ServerCase {
        base_url: "http://192.168.1.7:8000/v1",
        request_url: "http://192.168.1.7:8000/v1/responses",
        stream_file: "server-vllm.sse",
        reasoning: "It has eight.",
        models: json!({ "object": "list", "data": [model] }),
        ..llama_cpp()
    }
}

fn ollama() -> ServerCase {
    ServerCase {
        base_url: "http://localhost:11434/v1",
        request_url: "http://localhost:11434/v1/responses",
        stream_file: "server-ollama.sse",
        text: "",
        reasoning: "Spiders: eight.",
        call: Some(r#"count_legs {"animal":"spider"}"#),
        models: json!({ "object": "list", "data": [{ "id": "gpt-oss:20b", "object": "model", "created": 1, "owned_by": "library" }] }),
        ..llama_cpp()
    }
}

fn lm_studio() -> ServerCase {
    ServerCase {
        base_url: "http://localhost:1234/v1",
        request_url: "http://localhost:1234/v1/responses",
        stream_file: "server-lm-studio.sse",
        text: "",
        reasoning: "I should look.",
        call: Some(r#"count_legs {"animal":"spider"}"#),
        models: json!({ "data": [{ "id": "qwen3-8b", "object": "model", "owned_by": "organization_owner" }], "object": "list" }),
        ..llama_cpp()
    }
}

fn litellm() -> ServerCase {
    ServerCase {
        base_url: "http://gateway.lan:4000/v1",
        key: Some("sk-virtual-0123456789"),
        request_url: "http://gateway.lan:4000/v1/responses",
        key_header: Some(("authorization", "Bearer $A_KEY")),
        stream_file: "server-litellm.sse",
        reasoning: "Legs, legs.",
        models: json!({ "data": [model_entry("claude-sonnet-5")], "object": "list" }),
        ..llama_cpp()
    }
}

/// Builds the request for the server's real address without sending it.
fn sent_request(server: &ServerCase, body: &Value) -> SentRequest {
    let dialect = ApiDialect::from_base_url(server.base_url);
    assert_eq!(dialect, server.dialect, "{}", server.base_url);
    let key = server.key.map(Into::into);
    let endpoint = Endpoint { name: "test".into(), base_url: server.base_url.into(), dialect, key };
    let request = Request {
        model: body["model"].as_str().expect("the body names a model").into(),
        stream: true,
        ..Request::default()
    };
    ApiClient::new(endpoint)
        .expect("the client can be created")
        .sent_request(&request, KEY_VARIABLE)
        .expect("the request is valid")
}

/// The request bodies of two prompts to a server of this kind.
fn request_bodies(server: &ServerCase) -> [Value; 2] {
    let mut begin = default_start(100, 30);
    begin.endpoints = vec![EndpointInfo { name: "theirs".into(), dialect: server.dialect, is_ready: true }];
    begin.config.endpoint = Some("theirs".into());
    begin.config.model = Some("a-model".into());
    begin.config.provider.zdr = Some(true);
    let mut app = Harness::with_start(begin);
    app.store_reply(FromDisk::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects();
    app.enter_text("How many?");
    app.press("enter");
    let (stream, first) = app.opened_streams().remove(0);
    let payloads = stream_payloads(server);
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    app.receive_events(stream, &payloads);
    app.end_stream(stream, Ok(()));
    app.enter_text("And now?");
    app.press("enter");
    let (_, second) = app.opened_streams().remove(0);
    [first, second]
}

fn stream_bytes(server: &ServerCase) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(server.stream_file);
    std::fs::read(file).expect("the stream file exists")
}

fn stream_payloads(server: &ServerCase) -> Vec<String> {
    let text = String::from_utf8(stream_bytes(server)).expect("the stream is UTF-8");
    let payloads = text.lines().filter_map(|line| line.strip_prefix("data: "));
    payloads.filter(|payload| *payload != "[DONE]").map(str::to_owned).collect()
}

fn reasoning_text(answer: &Answer) -> String {
    let kinds = answer.items.values().map(|item| &item.kind);
    let thoughts = kinds
        .filter_map(|kind| if let ItemKind::Reasoning(reasoning) = &**kind { Some(reasoning.texts()) } else { None });
    thoughts.flatten().collect()
}

fn call_text(answer: &Answer) -> Option<String> {
    answer.items.values().find_map(|item| match &*item.kind {
        ItemKind::Call(call) => Some(format!("{} {}", call.name, call.arguments)),
        _ => None,
    })
}

/// The field names of a body.
fn field_names(body: &Value) -> Vec<&str> {
    body.as_object().expect("the body is an object").keys().map(String::as_str).collect()
}

/// Checks the requests, the streamed and the whole answer, and the model list of a server.
fn check_server(server: &ServerCase) {
    let [first, second] = request_bodies(server);
    let sent = sent_request(server, &first);
    assert_eq!(sent.url, server.request_url);
    let header = |name: &str| sent.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    for name in ["authorization", "api-key"] {
        let expected = server.key_header.filter(|(known, _)| *known == name).map(|(_, value)| value);
        assert_eq!(header(name), expected, "{name}");
    }
    assert_eq!(
        (header("x-title"), header("http-referer")),
        (None, None),
        "only OpenRouter gets the name of the program"
    );

    // Fields that only OpenRouter supports are not sent to others, whatever the config says.
    match server.dialect {
        ApiDialect::OpenAi => {
            assert_eq!(field_names(&first), ["model", "input", "stream", "store", "include"]);
            assert_eq!((&first["store"], &first["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
        }
        _ => assert_eq!(field_names(&first), ["model", "input", "stream"]),
    }
    assert_eq!(field_names(&first), field_names(&second));
    let input = second["input"].as_array().expect("the input is a list");
    assert_eq!((&input[0]["content"], &input[input.len() - 1]["content"]), (&json!("How many?"), &json!("And now?")));
    assert!(!second.to_string().contains("\"id\":\"\""), "an empty id was sent: {second}");
    let outputs = input.iter().filter(|item| item["type"] == "function_call_output").count();
    let calls = input.iter().filter(|item| item["type"] == "function_call").count();
    assert_eq!((calls, outputs), (usize::from(server.call.is_some()), usize::from(server.call.is_some())));

    // Its stream, whole and three bytes at a time.
    let fake = FakeServer::start();
    let client =
        ApiClient::new(endpoint(&fake.base_url(), server.dialect, server.key)).expect("the client can be created");
    for pieces in [vec![stream_bytes(server)], stream_bytes(server).chunks(3).map(<[u8]>::to_vec).collect()] {
        fake.queue_reply(FakeReply::stream(pieces));
        let answer = streamed_answer(&client);
        assert_eq!(answer.end, AnswerEnd::Complete);
        assert_eq!(answer.text(), server.text);
        assert_eq!(reasoning_text(&answer), server.reasoning);
        assert_eq!(call_text(&answer).as_deref(), server.call);
        assert!(answer.usage.as_ref().is_some_and(|usage| usage.input_tokens.is_some() && usage.cost.is_none()));
        assert!(answer.items.values().all(|item| item.closed_at.is_some()));
    }
    // The same answer without a stream.
    let last = stream_payloads(server).pop().expect("the stream has a final event");
    let body: Value = serde_json::from_str(&last).expect("the event is valid JSON");
    fake.queue_reply(FakeReply::json(200, &body["response"]));
    let whole = streamed_answer(&client);
    assert_eq!((whole.text().as_str(), reasoning_text(&whole).as_str()), (server.text, server.reasoning));
    assert_eq!((call_text(&whole).as_deref(), &whole.end), (server.call, &AnswerEnd::Complete));

    let models = Catalogue::parse(&server.models.to_string()).expect("the model list parses");
    assert!(
        !models.models.is_empty()
            && models.models.iter().all(|model| model.supports_tools && model.input_price.is_none())
    );
}

#[test]
fn openai_stores_nothing_and_needs_no_done_marker() {
    check_server(&openai());
}

#[test]
fn azure_takes_its_key_in_its_own_header_and_a_deployment_as_the_model() {
    check_server(&azure());
}

#[test]
fn llama_cpp_sends_no_index_and_reports_progress() {
    check_server(&llama_cpp());
}

#[test]
fn vllm_sends_reasoning_parts_and_different_ids_at_the_end() {
    check_server(&vllm());
}

#[test]
fn ollama_summarises_without_parts_and_labels_its_text_encrypted() {
    check_server(&ollama());
}

#[test]
fn lm_studio_sends_arguments_only_when_complete() {
    check_server(&lm_studio());
}

#[test]
fn litellm_misnumbers_events_and_reasons_under_the_index_of_its_message() {
    check_server(&litellm());
}
