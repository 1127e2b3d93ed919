//! The demo server, asked by the program's own client: what it sends is the wire, and shows what it promises to show.

use std::collections::BTreeMap;

use ibid::{
    api::{
        Catalogue, Client, Dialect, Endpoint, Error, Event, Fault, Request, Usd,
        request::{self, Include, Reasoning, Role, Tool, ToolChoice},
    },
    chat::{Answer, Effort, End, Kind, Timestamp},
    demo::{Demo, MODELS, Pace, SLOTS},
};
use serde_json::json;

fn client(demo: &Demo) -> Client {
    let endpoint = Endpoint { name: "demo".into(), base_url: demo.base_url(), dialect: Dialect::OpenRouter, key: None };
    Client::new(endpoint).expect("no certificates are needed on a loopback")
}

fn ask(model: &str, prompts: &[&str]) -> Request {
    let name = model.rsplit('/').next().unwrap_or(model);
    let mut input = Vec::new();
    for (n, prompt) in prompts.iter().enumerate() {
        if n > 0 {
            // As the server sent it, and as the program sends it back.
            let id = format!("msg_tmp_{name}{n}");
            let item = json!({"type": "message", "role": "assistant", "id": id, "status": "completed", "content": []});
            input.push(serde_json::value::to_raw_value(&item).expect("it is JSON"));
        }
        input.push(request::message(Role::User, prompt));
    }
    let include = vec![Include::EncryptedReasoning];
    Request { model: model.into(), input, include, stream: true, ..Request::default() }
}

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// Asks, and assembles the answer as the program does.
async fn answer(client: &Client, request: &Request) -> Result<(Answer, Vec<Event>), Error> {
    let mut opened = client.open(request).await?;
    let mut answer = Answer::new("demo", request.model.clone(), start());
    answer.bills.entry(0).or_default().generation.clone_from(&opened.generation);
    let mut events = Vec::new();
    let result = loop {
        match opened.next().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(event)) => {
                answer.apply(0, start(), &event);
                events.push(event);
            }
        }
    };
    answer.finish(start(), result);
    Ok((answer, events))
}

fn kinds(answer: &Answer) -> Vec<&'static str> {
    let name = |kind: &Kind| match kind {
        Kind::Message { .. } => "message",
        Kind::Reasoning(_) => "reasoning",
        Kind::Call(_) => "call",
        Kind::Search(_) => "search",
        Kind::Other { .. } => "other",
    };
    answer.items.values().map(|item| name(&item.kind)).collect()
}

#[tokio::test]
async fn its_catalogue_has_prices_contexts_and_efforts() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let json = client(&demo).models().await.unwrap();
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
    assert_eq!((row.context, row.input_price.as_ref().map(Usd::digits)), (Some(1_000_000), Some("5")));
}

#[tokio::test]
async fn the_tour_answers_each_prompt_with_its_next_stop_and_quotes_it() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let (first, events) = answer(&client, &ask("demo/tour", &["hello there"])).await.unwrap();
    assert_eq!((&first.end, kinds(&first)), (&End::Complete, vec!["message"]));
    assert!(first.text().starts_with("## Welcome\n\nYou wrote *hello there*"), "{}", first.text());
    assert!(first.generations().next().is_some_and(|id| id.starts_with("gen-")));
    let usage = first.usage.unwrap();
    assert!(usage.cost.is_some_and(|cost| !cost.is_zero()) && usage.output_tokens > Some(100));
    assert!(events.iter().any(|event| matches!(event, Event::KeepAlive)), "no comments");
    let strange = events.iter().filter(|event| matches!(event, Event::Other { .. } | Event::Unreadable { .. }));
    assert_eq!(strange.count(), 0);
    let (second, _) = answer(&client, &ask("demo/tour", &["hello", "go on"])).await.unwrap();
    assert!(second.text().starts_with("## Models"), "{}", second.text());
}

#[tokio::test]
async fn a_whole_body_says_what_a_stream_says() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    for model in ["demo/tour", "demo/thinker", "demo/scholar"] {
        for prompts in [&["why"][..], &["why", "and why"], &["a", "b", "c"]] {
            let streamed = ask(model, prompts);
            let whole = Request { stream: false, ..ask(model, prompts) };
            let (streamed, _) = answer(&client, &streamed).await.unwrap();
            let (whole, _) = answer(&client, &whole).await.unwrap();
            assert_eq!((&streamed.end, kinds(&streamed)), (&End::Complete, kinds(&whole)), "{model} {prompts:?}");
            assert_eq!(streamed.text(), whole.text(), "{model} {prompts:?}");
            assert_eq!(streamed.usage, whole.usage, "{model} {prompts:?}");
        }
    }
}

#[tokio::test]
async fn the_thinker_thinks_in_both_ways_and_not_at_all_when_asked_not_to() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let thought = |answer: &Answer| match &*answer.items.values().next().unwrap().kind {
        Kind::Reasoning(reasoning) => reasoning.clone(),
        other => panic!("{other:?} comes first"),
    };
    let (summary, _) = answer(&client, &ask("demo/thinker", &["a riddle"])).await.unwrap();
    let reasoning = thought(&summary);
    assert_eq!((reasoning.summary.len(), reasoning.content.len(), reasoning.encrypted), (3, 0, true));
    assert!(reasoning.summary[0].starts_with("**Reading the question**\n\nThe reader asks: a riddle."));
    let (raw, _) = answer(&client, &ask("demo/thinker", &["a riddle", "another"])).await.unwrap();
    let reasoning = thought(&raw);
    assert_eq!((reasoning.summary.len(), reasoning.content.len()), (0, 1));
    let none = Reasoning { effort: Some(Effort::None), ..Reasoning::default() };
    let request = Request { reasoning: Some(none), ..ask("demo/thinker", &["a riddle"]) };
    let (silent, _) = answer(&client, &request).await.unwrap();
    assert_eq!(kinds(&silent), ["message"]);
}

#[tokio::test]
async fn the_scholar_searches_and_cites_what_it_found() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let (scholarly, _) = answer(&client, &ask("demo/scholar", &["is it safe"])).await.unwrap();
    assert_eq!(kinds(&scholarly), ["reasoning", "search", "search", "message"]);
    let Kind::Search(search) = &*scholarly.items.values().nth(1).unwrap().kind else { panic!("no search") };
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
async fn a_search_that_was_asked_for_is_made_in_the_tour_too() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let tool = Tool::OpenRouter { name: "web_search".into(), parameters: serde_json::Map::new() };
    let request = Request { tools: vec![tool], ..ask("demo/tour", &["is it safe"]) };
    let (answer, _) = answer(&client(&demo), &request).await.unwrap();
    assert!(kinds(&answer).contains(&"search"), "{:?}", kinds(&answer));
}

#[tokio::test]
async fn the_worker_calls_what_it_is_offered_and_may_call() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let offering = |names: &[&str]| {
        let function = |name: &&str| Tool::Function {
            name: format!("command__{name}"),
            description: String::new(),
            parameters: serde_json::value::to_raw_value(&json!({})).expect("it is JSON"),
            strict: None,
        };
        Request { tools: names.iter().map(function).collect(), ..ask("demo/worker", &["go"]) }
    };
    let called = async |request: Request| {
        let (answer, _) = answer(&client, &request).await.unwrap();
        let calls = answer.items.values().filter_map(|item| match &*item.kind {
            Kind::Call(call) => Some(call.name.clone()),
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
async fn the_broken_one_fails_in_the_way_it_was_asked_for() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let said = |word: &str| ask("demo/broken", &[word]);
    let (failed, _) = answer(&client, &said("error")).await.unwrap();
    let End::Failed(error) = &failed.end else { panic!("{:?}", failed.end) };
    assert_eq!(error.fault, Fault::Server);
    assert!(failed.text().ends_with("the middle of a"), "{}", failed.text());
    let (cut, _) = answer(&client, &said("cut")).await.unwrap();
    let End::Failed(error) = &cut.end else { panic!("{:?}", cut.end) };
    assert_eq!(error.fault, Fault::Cut);
    assert!(cut.text().ends_with("in the middle of a sen"), "{}", cut.text());
    let (short, _) = answer(&client, &said("length")).await.unwrap();
    assert_eq!(short.end, End::Incomplete { reason: Some("max_output_tokens".into()) });
    let (refused, _) = answer(&client, &said("refuse")).await.unwrap();
    assert_eq!(refused.text(), "I am the broken one, and I would rather not.");
    let (empty, _) = answer(&client, &said("empty")).await.unwrap();
    let End::Failed(error) = &empty.end else { panic!("{:?}", empty.end) };
    assert_eq!(error.fault, Fault::Empty);
    for (word, status, fault) in
        [("credit", 402, Fault::Credit), ("key", 401, Fault::Key), ("html", 502, Fault::Server)]
    {
        let error = answer(&client, &said(word)).await.unwrap_err();
        assert_eq!((error.status, error.fault), (Some(status), fault), "{word}");
    }
}

#[tokio::test]
async fn a_rate_limit_names_its_seconds_and_passes_at_the_third_attempt() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let request = ask("demo/broken", &["rate"]);
    for _ in 0..2 {
        let error = answer(&client, &request).await.unwrap_err();
        assert_eq!((error.status, error.fault, error.retry_after), (Some(429), Fault::Rate, Some(2)));
    }
    let (answered, _) = answer(&client, &request).await.unwrap();
    assert_eq!(answered.end, End::Complete);
}

#[tokio::test]
async fn the_endless_one_is_long_and_stops_at_a_limit() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let client = client(&demo);
    let (long, _) = answer(&client, &ask("demo/endless", &["time"])).await.unwrap();
    assert!(long.text().len() > 100_000 && long.text().contains("## Chapter 300,"), "{} bytes", long.text().len());
    let request = Request { max_output_tokens: Some(50), ..ask("demo/endless", &["time"]) };
    let (short, _) = answer(&client, &request).await.unwrap();
    assert_eq!(short.end, End::Incomplete { reason: Some("max_output_tokens".into()) });
    assert_eq!(short.usage.unwrap().output_tokens, Some(50));
}

#[tokio::test]
async fn an_unknown_model_is_refused_as_openrouter_does() {
    let demo = Demo::start(Pace::Immediate).unwrap();
    let error = answer(&client(&demo), &ask("nope/nope", &["hi"])).await.unwrap_err();
    assert_eq!((error.status, error.message.as_str()), (Some(400), "nope/nope is not a valid model ID"));
}
