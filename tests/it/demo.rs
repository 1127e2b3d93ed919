//! The demo server, driven by the program's own client: its responses are valid and show what each model promises.

use std::collections::BTreeMap;

use ibid::{
    api::{
        ApiClient, ApiDialect, ApiError, Catalogue, Endpoint, Event, FaultKind, Request, Usd,
        request::{self, IncludeField, MessageRole, ReasoningParams, RequestTool, ToolChoice},
    },
    chat::{Answer, AnswerEnd, Effort, ItemKind, Timestamp},
    demo::{DemoPace, DemoServer, MODELS, SLOTS},
};
use serde_json::json;

fn client(demo: &DemoServer) -> ApiClient {
    let endpoint =
        Endpoint { name: "demo".into(), base_url: demo.base_url(), dialect: ApiDialect::OpenRouter, key: None };
    ApiClient::new(endpoint).expect("a loopback endpoint needs no certificates")
}

fn request_for(model: &str, prompts: &[&str]) -> Request {
    let name = model.rsplit('/').next().unwrap_or(model);
    let mut input = Vec::new();
    for (n, prompt) in prompts.iter().enumerate() {
        if n > 0 {
            // The previous answer, as the server sent it and the program sends it back.
            let id = format!("msg_tmp_{name}{n}");
            let item = json!({"type": "message", "role": "assistant", "id": id, "status": "completed", "content": []});
            input.push(serde_json::value::to_raw_value(&item).expect("it is JSON"));
        }
        input.push(request::input_message(MessageRole::User, prompt));
    }
    let include = vec![IncludeField::EncryptedReasoning];
    Request { model: model.into(), input, include, stream: true, ..Request::default() }
}

fn epoch() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// Sends a request and assembles the answer as the program does.
async fn answer(client: &ApiClient, request: &Request) -> Result<(Answer, Vec<Event>), ApiError> {
    let mut opened = client.open(request).await?;
    let mut answer = Answer::new("demo", request.model.clone(), epoch());
    answer.usage_by_step.entry(0).or_default().generation_id.clone_from(&opened.generation_id);
    let mut events = Vec::new();
    let result = loop {
        match opened.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(event)) => {
                answer.apply(0, epoch(), &event);
                events.push(event);
            }
        }
    };
    answer.finish(epoch(), result);
    Ok((answer, events))
}

fn item_kinds(answer: &Answer) -> Vec<&'static str> {
    let name = |kind: &ItemKind| match kind {
        ItemKind::Message { .. } => "message",
        ItemKind::Reasoning(_) => "reasoning",
        ItemKind::Call(_) => "call",
        ItemKind::Search(_) => "search",
        ItemKind::Other { .. } => "other",
    };
    answer.items.values().map(|item| name(&item.kind)).collect()
}

#[tokio::test]
async fn the_catalogue_has_prices_contexts_and_efforts() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let json = client(&demo).fetch_models().await.unwrap();
    assert_eq!(json, MODELS);
    let catalogue = Catalogue::parse(&json).unwrap();
    let ids: Vec<&str> = catalogue.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, SLOTS);
    let thinker = catalogue.model("demo/thinker").unwrap().reasoning.as_ref().unwrap();
    assert_eq!((thinker.offered.as_slice(), thinker.mandatory), (Effort::ALL.as_slice(), false));
    let scholar = catalogue.model("demo/scholar").unwrap().reasoning.as_ref().unwrap();
    assert_eq!(
        (scholar.offered.as_slice(), scholar.mandatory),
        (&[Effort::Low, Effort::Medium, Effort::High][..], true)
    );
    assert!(catalogue.model("demo/tour").unwrap().reasoning.is_none());
    let row = catalogue.model("demo/scholar").unwrap();
    assert_eq!((row.context_tokens, row.input_price.as_ref().map(Usd::digits)), (Some(1_000_000), Some("5")));
}

#[tokio::test]
async fn the_tour_answers_each_prompt_with_its_next_stop_and_quotes_it() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let (first, events) = answer(&client, &request_for("demo/tour", &["hello there"])).await.unwrap();
    assert_eq!((&first.end, item_kinds(&first)), (&AnswerEnd::Complete, vec!["message"]));
    assert!(first.text().starts_with("You wrote *hello there*"), "{}", first.text());
    assert!(first.generation_ids().next().is_some_and(|id| id.starts_with("gen-")));
    let usage = first.usage.unwrap();
    assert!(usage.cost.is_some_and(|cost| !cost.is_zero()) && usage.output_tokens > Some(100));
    assert!(events.iter().any(|event| matches!(event, Event::KeepAlive)), "no comments");
    let unknown = events.iter().filter(|event| matches!(event, Event::Other { .. } | Event::Unreadable { .. }));
    assert_eq!(unknown.count(), 0);
    let (second, _) = answer(&client, &request_for("demo/tour", &["hello", "/tour", "go on"])).await.unwrap();
    assert!(second.text().starts_with("## Models"), "{}", second.text());
}

#[tokio::test]
async fn a_response_body_and_a_stream_give_the_same_answer() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    for model in ["demo/tour", "demo/thinker", "demo/scholar"] {
        for prompts in [&["why"][..], &["why", "and why"], &["a", "b", "c"]] {
            let streamed = request_for(model, prompts);
            let whole = Request { stream: false, ..request_for(model, prompts) };
            let (streamed, _) = answer(&client, &streamed).await.unwrap();
            let (whole, _) = answer(&client, &whole).await.unwrap();
            assert_eq!(
                (&streamed.end, item_kinds(&streamed)),
                (&AnswerEnd::Complete, item_kinds(&whole)),
                "{model} {prompts:?}"
            );
            assert_eq!(streamed.text(), whole.text(), "{model} {prompts:?}");
            assert_eq!(streamed.usage, whole.usage, "{model} {prompts:?}");
        }
    }
}

#[tokio::test]
async fn the_thinker_sends_a_summary_raw_reasoning_or_none() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let first_reasoning = |answer: &Answer| match &*answer.items.values().next().unwrap().kind {
        ItemKind::Reasoning(reasoning) => reasoning.clone(),
        other => panic!("{other:?} comes first"),
    };
    let (summary, _) = answer(&client, &request_for("demo/thinker", &["a riddle"])).await.unwrap();
    let reasoning = first_reasoning(&summary);
    assert_eq!((reasoning.summary.len(), reasoning.content.len(), reasoning.has_encrypted), (3, 0, true));
    assert!(reasoning.summary[0].starts_with("**Reading the question**\n\nThe reader asks: a riddle."));
    let (raw, _) = answer(&client, &request_for("demo/thinker", &["a riddle", "another"])).await.unwrap();
    let reasoning = first_reasoning(&raw);
    assert_eq!((reasoning.summary.len(), reasoning.content.len()), (0, 1));
    let none = ReasoningParams { effort: Some(Effort::None), ..ReasoningParams::default() };
    let request = Request { reasoning: Some(none), ..request_for("demo/thinker", &["a riddle"]) };
    let (silent, _) = answer(&client, &request).await.unwrap();
    assert_eq!(item_kinds(&silent), ["message"]);
}

#[tokio::test]
async fn the_scholar_searches_and_cites_its_results() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let (scholarly, _) = answer(&client, &request_for("demo/scholar", &["is it safe"])).await.unwrap();
    assert_eq!(item_kinds(&scholarly), ["reasoning", "search", "search", "message"]);
    let ItemKind::Search(search) = &*scholarly.items.values().nth(1).unwrap().kind else { panic!("no search") };
    assert_eq!(search.query.as_deref(), Some("sqlite write-ahead log network file system"));
    assert_eq!(search.urls.len(), 2);
    let text = scholarly.text();
    let mut cited = BTreeMap::new();
    for annotation in scholarly.annotations() {
        let (start, end) = (annotation.start.unwrap(), annotation.end.unwrap());
        let characters = text.chars().skip(usize::try_from(start).unwrap());
        let range: String = characters.take(usize::try_from(end - start).unwrap()).collect();
        let url = annotation.url.clone().unwrap();
        assert!(range.ends_with(&format!("]({url}))")), "{range}");
        *cited.entry(url).or_insert(0) += 1;
    }
    assert_eq!(cited.values().copied().collect::<Vec<_>>(), [2, 1, 3]);
}

#[tokio::test]
async fn the_tour_searches_when_it_is_offered_the_tool() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let tool = RequestTool::OpenRouter { name: "web_search".into(), parameters: serde_json::Map::new() };
    let request = Request { tools: vec![tool], ..request_for("demo/tour", &["is it safe"]) };
    let (answer, _) = answer(&client(&demo), &request).await.unwrap();
    assert!(item_kinds(&answer).contains(&"search"), "{:?}", item_kinds(&answer));
}

#[tokio::test]
async fn the_worker_calls_only_the_tools_it_is_offered_and_allowed() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let offering = |names: &[&str]| {
        let function = |name: &&str| RequestTool::Function {
            name: format!("command__{name}"),
            description: String::new(),
            parameters: serde_json::value::to_raw_value(&json!({})).expect("it is JSON"),
            strict: None,
        };
        Request { tools: names.iter().map(function).collect(), ..request_for("demo/worker", &["go"]) }
    };
    let called = async |request: Request| {
        let (answer, _) = answer(&client, &request).await.unwrap();
        let calls = answer.items.values().filter_map(|item| match &*item.kind {
            ItemKind::Call(call) => Some(call.name.clone()),
            _ => None,
        });
        (calls.collect::<Vec<_>>().join(" "), answer.text())
    };
    let all = ["clock", "machine", "folder"];
    assert_eq!(called(offering(&all)).await.0, "command__clock command__machine command__folder");
    assert_eq!(called(offering(&all[1..])).await.0, "command__machine command__folder");
    let one_by_one = Request { parallel_tool_calls: Some(false), ..offering(&all) };
    assert_eq!(called(one_by_one).await.0, "command__clock");
    let forced = Request { tool_choice: Some(ToolChoice::Function("command__folder".into())), ..offering(&all) };
    assert_eq!(called(forced).await.0, "command__folder");
    for none in [offering(&[]), Request { tool_choice: Some(ToolChoice::None), ..offering(&all) }] {
        let (calls, text) = called(none).await;
        assert!(calls.is_empty() && text.starts_with("There is nothing that I may call"), "{calls} {text}");
    }
}

#[tokio::test]
async fn the_broken_model_fails_as_requested() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let request = |word: &str| request_for("demo/broken", &[word]);
    let (failed, _) = answer(&client, &request("error")).await.unwrap();
    let AnswerEnd::Failed(error) = &failed.end else { panic!("{:?}", failed.end) };
    assert_eq!(error.fault, FaultKind::Server);
    assert!(failed.text().ends_with("the middle of a"), "{}", failed.text());
    let (cut, _) = answer(&client, &request("cut")).await.unwrap();
    let AnswerEnd::Failed(error) = &cut.end else { panic!("{:?}", cut.end) };
    assert_eq!(error.fault, FaultKind::Cut);
    assert!(cut.text().ends_with("in the middle of a sen"), "{}", cut.text());
    let (short, _) = answer(&client, &request("length")).await.unwrap();
    assert_eq!(short.end, AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) });
    let (refused, _) = answer(&client, &request("refuse")).await.unwrap();
    assert_eq!(refused.text(), "I am the broken one, and I would rather not.");
    let (empty, _) = answer(&client, &request("empty")).await.unwrap();
    let AnswerEnd::Failed(error) = &empty.end else { panic!("{:?}", empty.end) };
    assert_eq!(error.fault, FaultKind::Empty);
    for (word, status, fault) in
        [("credit", 402, FaultKind::Credit), ("key", 401, FaultKind::Key), ("html", 502, FaultKind::Server)]
    {
        let error = answer(&client, &request(word)).await.unwrap_err();
        assert_eq!((error.status, error.fault), (Some(status), fault), "{word}");
    }
}

#[tokio::test]
async fn a_rate_limit_has_a_delay_and_the_third_attempt_succeeds() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let request = request_for("demo/broken", &["rate"]);
    for _ in 0..2 {
        let error = answer(&client, &request).await.unwrap_err();
        assert_eq!((error.status, error.fault, error.retry_after), (Some(429), FaultKind::Rate, Some(2)));
    }
    let (answered, _) = answer(&client, &request).await.unwrap();
    assert_eq!(answered.end, AnswerEnd::Complete);
}

#[tokio::test]
async fn the_endless_model_is_long_and_stops_at_a_limit() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let client = client(&demo);
    let (long, _) = answer(&client, &request_for("demo/endless", &["time"])).await.unwrap();
    assert!(long.text().len() > 100_000 && long.text().contains("## Chapter 300,"), "{} bytes", long.text().len());
    let request = Request { max_output_tokens: Some(50), ..request_for("demo/endless", &["time"]) };
    let (short, _) = answer(&client, &request).await.unwrap();
    assert_eq!(short.end, AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) });
    assert_eq!(short.usage.unwrap().output_tokens, Some(50));
}

#[tokio::test]
async fn an_unknown_model_is_rejected_as_openrouter_does() {
    let demo = DemoServer::start(DemoPace::Immediate).unwrap();
    let error = answer(&client(&demo), &request_for("nope/nope", &["hi"])).await.unwrap_err();
    assert_eq!((error.status, error.message.as_str()), (Some(400), "nope/nope is not a valid model ID"));
}
