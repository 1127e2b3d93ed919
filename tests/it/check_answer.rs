//! Checking all sources of an answer, and the second opinion of a model.

use std::time::Duration;

use ibid::{
    api::ApiDialect,
    chat::{Answer, Conversation, ConversationChange, MessageId, Timestamp},
    citations::check::{CheckOutcome, CheckQuestion},
    config::{FetchConsent, SettingChange},
    runtime::pages::{MAX_PAGES_AT_A_TIME, PageFetcher, PageLimits},
    store::{StoreJob, StoreReply},
    ui::{Effect, EndpointInfo, InitialConversation, Msg},
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    looks::styled_rows,
    page_fetch::{TestSite, is_test_host},
    store::test_database::TestDatabase,
    support::{
        cited_answer,
        harness::{Harness, default_start},
        page_checks,
    },
};

/// A claim of an answer: its text, the address of its source, and the excerpt that came with it.
type Claim<'a> = (&'a str, String, Option<&'a str>);

/// An answer with a paragraph for each claim.
fn answer_with(app: &mut Harness, claims: &[Claim]) {
    let text = claims.iter().map(|(claim, ..)| *claim).collect::<Vec<_>>().join("\n\n");
    let mut start = 0;
    let annotations: Vec<Value> = claims
        .iter()
        .map(|(claim, url, excerpt)| {
            let end = start + claim.trim_end_matches('.').chars().count();
            let annotation = json!({"type": "url_citation", "url": url, "title": url, "content": excerpt,
                "start_index": start, "end_index": end});
            start += claim.chars().count() + 2;
            annotation
        })
        .collect();
    let stream = app.send_prompt("Is it so?");
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": annotations}]});
    let completed =
        json!({"type": "response.completed", "response": {"id": "gen-1", "status": "completed", "output": [item]}});
    app.receive_events(stream, &[&completed.to_string()]);
    app.end_stream(stream, Ok(()));
}

/// The fetches that were started: the answer, and the questions about each page.
fn started(app: &mut Harness) -> Vec<(MessageId, Vec<CheckQuestion>)> {
    let fetches = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::CheckPage { message, questions, .. } => Some((message, questions)),
        _ => None,
    });
    fetches.collect()
}

/// Carries out the fetches that were started, as the runtime does.
async fn fetch(app: &mut Harness, pages: &PageFetcher) -> usize {
    let conversation = app.conversation_id().expect("a conversation");
    let mut tasks = JoinSet::new();
    for (message, questions) in started(app) {
        let pages = pages.clone();
        tasks.spawn(async move {
            let sources: Vec<String> = questions.iter().map(|question| question.source.clone()).collect();
            (message, sources.into_iter().zip(pages.check(questions).await).collect::<Vec<_>>())
        });
    }
    let fetches = tasks.len();
    while let Some(fetched) = tasks.join_next().await {
        let (message, results) = fetched.expect("no task panics");
        app.send(Msg::PageChecked { conversation, message, results });
    }
    fetches
}

fn test_pages() -> PageFetcher {
    let limits = PageLimits { max_bytes: 2_000_000, timeout: Duration::from_millis(1500), max_redirects: 5 };
    PageFetcher::new(is_test_host, limits)
}

/// An answer whose sources are right, similar, wrong, unreadable, slow, redirecting, private and paraphrased.
fn mixed_answer(app: &mut Harness, site: &TestSite) {
    let excerpt = Some("must be on the same host");
    answer_with(
        app,
        &[
            ("It says so.", site.url("/plain"), excerpt),
            ("It nearly says so.", site.url("/similar"), Some("of it must be on the same hosts, and there be")),
            ("It says “nothing of that kind”.", site.url("/wrong"), None),
            ("Nobody may read it.", site.url("/login"), excerpt),
            ("It never comes.", site.url("/slow"), excerpt),
            ("It has moved.", site.url("/moved"), excerpt),
            ("It is at home.", site.url("/private"), excerpt),
            ("The claim is put in other words.", site.url("/wrong?2"), None),
        ],
    );
}

#[tokio::test]
async fn every_source_gets_its_verdict_from_its_page() {
    let site = TestSite::start().await;
    let mut app = Harness::new(160, 60);
    mixed_answer(&mut app, &site);
    app.press("tab C");
    assert!(started(&mut app).is_empty(), "nothing is fetched before the reader allows it");
    assert!(app.screen().contains("check fetch 8 pages"), "{}", app.screen());
    app.press("enter");
    assert!(app.screen().contains("◐ checking 8 sources · 0 done · 0 s"), "{}", app.screen());
    let begun = std::time::Instant::now();
    assert_eq!(fetch(&mut app, &test_pages()).await, 8);
    assert!(begun.elapsed() < Duration::from_secs(10), "the slow page costs its own time only");
    let screen = app.screen().replace(&site.url(""), "http://site");
    for row in [
        "~ 3 of 5 sources say so · 3 pages could not be read · checked 14:02",
        "It says so [1]✓.",
        "It nearly says so [2]~.",
        "It says “nothing of that kind” [3]✗.",
        "Nobody may read it [4]–.",
        "It never comes [5]–.",
        "It has moved [6]✓.",
        "It is at home [7]–.",
        "The claim is put in other words [8]~.",
        "✓ exact words found · paragraph 1",
        "under “Caveats”",
        "✗ not found on the page",
        "Read to the end, 10 words: the quoted words",
        "127.0.0.1 wants a login (403). That says",
        "The page did not come within 1.5 s. That",
        "is not on the public internet",
        "~ wording not on the page",
    ] {
        assert!(screen.contains(row), "{row}\n{screen}");
    }
    let requests: Vec<String> =
        site.requests().iter().map(|it| it.split(' ').nth(1).unwrap_or_default().into()).collect();
    let count = |path: &str| requests.iter().filter(|request| *request == path).count();
    assert_eq!([count("/plain"), count("/moved"), count("/wrong"), count("/private")], [2, 1, 1, 1], "{requests:?}");
    assert_eq!(requests.len(), 9, "each page once, and one redirect: {requests:?}");
    assert!(site.bytes_sent() < 4000, "{}", site.bytes_sent());
}

#[tokio::test]
async fn twenty_sources_are_fetched_eight_at_a_time_and_each_page_once() {
    let site = TestSite::start().await;
    let mut app = Harness::new(120, 60);
    let addresses: Vec<String> = (0..20)
        .map(|nth| match nth {
            18 => site.url("/crowd/3#notes"),
            19 => site.url("/crowd/3#end"),
            nth => site.url(&format!("/crowd/{nth}")),
        })
        .collect();
    let texts: Vec<String> = (0..20).map(|nth| format!("Claim number {nth}.")).collect();
    let claims: Vec<Claim> = texts
        .iter()
        .zip(&addresses)
        .map(|(text, url)| (text.as_str(), url.clone(), Some("must be on the same host")))
        .collect();
    answer_with(&mut app, &claims);
    app.press("tab C enter");
    assert_eq!(fetch(&mut app, &test_pages()).await, 18);
    assert_eq!(site.requests().len(), 18, "three sources are on one page");
    assert_eq!(site.most_open(), MAX_PAGES_AT_A_TIME);
    app.press("ctrl-home");
    assert!(app.screen().contains("✓ 20 of 20 sources say so · checked 14:02"), "{}", app.screen());
}

/// Everything of a conversation, to be saved.
fn all_of(conversation: &Conversation) -> Vec<ConversationChange> {
    let header = ConversationChange::Conversation(Box::new(conversation.header()));
    let messages = conversation.messages.values().map(|message| ConversationChange::Message {
        conversation: conversation.id,
        message: Box::new(message.clone()),
    });
    std::iter::once(header).chain(messages).collect()
}

/// The changes that were saved since the last call.
fn saved_changes(app: &mut Harness) -> Vec<ConversationChange> {
    let saved = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    saved.flatten().collect()
}

#[tokio::test]
async fn verdicts_survive_a_restart() {
    let site = TestSite::start().await;
    let disk = TestDatabase::new();
    let mut app = Harness::new(120, 40);
    app.env_mut().config.sources.check = FetchConsent::Always;
    mixed_answer(&mut app, &site);
    let run = disk.open();
    run.save_ok(all_of(app.conversation().expect("a conversation")));
    app.effects();
    app.press("tab C");
    fetch(&mut app, &test_pages()).await;
    run.save_ok(saved_changes(&mut app));
    let (id, before) = (app.conversation_id().expect("a conversation"), app.screen());
    drop(run);

    let run = disk.open();
    let mut app = Harness::with_start(ibid::ui::StartOptions {
        initial_conversation: InitialConversation::Latest,
        ..default_start(120, 40)
    });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.effects();
    app.store_reply(StoreReply::Loaded(Box::new(run.load(id).expect("the conversation"))));
    assert!(
        app.effects().iter().any(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::LoadChecks(it)) if *it == id))
    );
    run.send(StoreJob::LoadChecks(id));
    let StoreReply::Checks { conversation, checks, side_costs } = run.reply() else { panic!("the checks are loaded") };
    assert_eq!(checks.len(), 8);
    let hashes = checks.iter().filter(|check| check.page_hash.as_ref().is_some_and(|hash| hash.len() == 64)).count();
    assert_eq!(hashes, 5, "of the pages that were read");
    assert!(checks.iter().all(|check| check.checked_at == app.now), "the time of each check is kept");
    app.store_reply(StoreReply::Checks { conversation, checks, side_costs });
    app.press("ctrl-x s");
    let verdicts = |screen: &str| -> Vec<String> {
        let rows = screen.lines().filter(|row| row.contains(['✓', '~', '✗', '–']));
        rows.map(|row| row.trim_start_matches(['▌', ' ']).to_owned()).collect()
    };
    assert_eq!(verdicts(&app.screen()), verdicts(&before));
    assert!(before.contains("~ 3 of 5 sources say so"), "{before}");
}

/// A checked answer: the first source is proved, the others are not.
fn checked_answer(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    app.env_mut().config.sources.check = FetchConsent::Always;
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app.effects();
    app.press("tab C");
    let conversation = app.conversation_id().expect("a conversation");
    for (message, questions) in started(&mut app) {
        let page = if questions[0].source.contains("wal") {
            format!("Overview. {} More.", cited_answer::EXCERPT)
        } else {
            "Q5.\n\nAdvisory locks are broken on many NFS hosts.\n\nThe end.".to_owned()
        };
        app.send(Msg::PageChecked { conversation, message, results: page_checks::read_pages(&questions, &page) });
    }
    app.effects();
    app
}

#[test]
fn a_file_has_no_page_and_does_not_count() {
    let app = checked_answer(120, 40);
    assert!(app.screen().contains("~ 1 of 2 sources says so · checked 14:02"), "{}", app.screen());
    assert!(app.screen().contains("[1] ✓ sqlite.org/wal"), "{}", app.screen());
    assert!(app.screen().contains("[3] mounts.pdf"), "{}", app.screen());
}

#[test]
fn a_checked_answer_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let app = checked_answer(width, height);
        assert_snapshot!(format!("checked-{width}x{height}"), app.screen());
    }
}

#[test]
fn consent_for_all_pages_can_be_permanent_or_refused() {
    let mut app = Harness::new(100, 30);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app.effects();
    app.press("tab C esc");
    assert!(started(&mut app).is_empty());
    assert!(!app.screen().contains("fetch 2 pages"), "{}", app.screen());
    app.press("C x");
    assert_eq!(
        (app.draft().as_str(), started(&mut app).len()),
        ("Cx", 0),
        "a word that is being typed fetches nothing"
    );
    app.press("ctrl-u tab C down enter");
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SaveSetting(SettingChange::AllowPageChecks))));
    let fetches = effects.iter().filter(|effect| matches!(effect, Effect::CheckPage { .. })).count();
    assert_eq!(fetches, 2);
    app.press("C");
    assert!(app.screen().contains("its sources are being checked"), "{}", app.screen());
}

#[test]
fn an_answer_without_pages_cannot_be_checked() {
    let mut app = Harness::new(80, 24);
    app.press("ctrl-p");
    app.enter_text("check all");
    app.press("enter");
    assert!(app.screen().contains("there is no message here yet"), "{}", app.screen());
    let stream = app.send_prompt("Hello");
    app.stream_answer(stream, "Hello.");
    app.press("tab C");
    assert!(app.screen().contains("the answer cites no page that can be checked"), "{}", app.screen());
    app.press("M");
    assert!(app.screen().contains("check the sources first, with C"), "{}", app.screen());
}

/// The request for a second opinion.
fn judge_request(app: &mut Harness) -> Value {
    let request = app.effects().into_iter().find_map(|effect| match effect {
        Effect::JudgeClaims { request, .. } => Some(request),
        _ => None,
    });
    serde_json::to_value(request.expect("a request")).expect("JSON")
}

/// What a model answers, at a price.
fn reply(text: &str) -> Answer {
    let mut answer = Answer::new("openrouter", "openai/gpt-5.6-luna", Timestamp::UNIX_EPOCH);
    let item = json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let completed = json!({"type": "response.completed", "response": {"status": "completed", "output": [item],
        "usage": {"input_tokens": 300, "output_tokens": 40, "total_tokens": 340, "cost": 0.0012}}});
    answer.apply(0, Timestamp::UNIX_EPOCH, &ibid::api::Event::parse(&completed.to_string()));
    answer.finish(Timestamp::UNIX_EPOCH, Ok(()));
    answer
}

#[test]
fn a_model_judges_only_the_unproved_claims_after_the_price() {
    let mut app = checked_answer(120, 40);
    app.press("M");
    assert!(app.screen().contains("judge 1 source with"), "{}", app.screen());
    assert!(app.screen().contains("price unknown"), "{}", app.screen());
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::JudgeClaims { .. })));
    app.press("enter");
    let request = judge_request(&mut app);
    assert_snapshot!("judge-request", serde_json::to_string_pretty(&request).expect("JSON"));

    let (conversation, message) = (app.conversation_id().expect("one"), app.current_answer().expect("an answer"));
    let said = r#"{"judgements":[{"source":2,"verdict":"partly","reason":"Broken is more than weak."}]}"#;
    let model = "openai/gpt-5.6-luna".to_owned();
    let judged = |model: &str, result| Msg::ClaimsJudged { conversation, message, model: model.into(), result };
    app.send(judged(&model, Ok(Box::new(reply(said)))));
    let screen = app.screen();
    assert!(screen.contains("gpt-5.6-luna has judged 1 of 1 sources · $0.0012"), "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("gpt-5.6-luna says: partly supported."), "it is the model's verdict:\n{screen}");
    assert!(screen.contains("[2] ~"), "the verdict of the page stays:\n{screen}");
    let changes = saved_changes(&mut app);
    assert!(
        matches!(&changes[..], [ConversationChange::SourceCheck(check), ConversationChange::SideCost { cost, .. }]
        if check.result.contains("Broken is more") && cost.digits() == "0.0012"),
        "{changes:?}"
    );

    app.send(judged(&model, Ok(Box::new(reply("I cannot say.")))));
    assert!(app.screen().contains("its reply does not have the form"), "{}", app.screen());
    app.send(judged(&model, Err("the server answered 503".into())));
    assert!(app.screen().contains("judged nothing: the server answered 503"), "{}", app.screen());
}

#[test]
fn another_server_gets_no_fields_that_it_does_not_know() {
    let mut app = checked_answer(120, 40);
    let other = EndpointInfo { name: "openrouter".into(), dialect: ApiDialect::Other, is_ready: true };
    app.env_mut().endpoints = vec![other];
    app.press("M enter");
    let request = judge_request(&mut app);
    assert_eq!([&request["provider"], &request["store"], &request["session_id"]], [&Value::Null; 3]);
    assert_eq!(request["text"]["format"]["type"], "json_schema");
}

#[test]
fn a_page_that_could_not_be_read_is_not_judged() {
    let mut app = checked_answer(120, 40);
    let (conversation, message) = (app.conversation_id().expect("one"), app.current_answer().expect("an answer"));
    let source = "https://sqlite.org/faq.html#q5".to_owned();
    let results = vec![(source, CheckOutcome::Unread("the page did not come within 15 s".into()))];
    app.send(Msg::PageChecked { conversation, message, results });
    app.press("M");
    assert!(app.screen().contains("no claim is left to judge"), "{}", app.screen());
}

/// A checked answer with a source for each verdict, without a server.
fn answer_with_every_verdict(app: &mut Harness) {
    app.env_mut().config.sources.check = FetchConsent::Always;
    let excerpt = Some("must be on the same host computer");
    let address = |page: &str| format!("https://{page}.example/page");
    answer_with(
        app,
        &[
            ("It says so.", address("right"), excerpt),
            ("The claim is put in other words.", address("other"), None),
            ("It says “nothing of that kind”.", address("wrong"), None),
            ("Nobody may read it.", address("login"), excerpt),
        ],
    );
    app.press("tab C");
    let conversation = app.conversation_id().expect("a conversation");
    for (message, questions) in started(app) {
        let source = questions[0].source.clone();
        let results = if source.contains("login") {
            vec![(source, CheckOutcome::Unread("login.example wants a login (403)".into()))]
        } else {
            page_checks::read_pages(&questions, "First.\n\nAll of them must be on the same host computer.\n\nThe end.")
        };
        app.send(Msg::PageChecked { conversation, message, results });
    }
    app.effects();
}

#[test]
fn verdicts_have_their_signs_and_colours_in_the_text_the_rail_and_the_sources_line() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = Harness::new(width, height);
        answer_with_every_verdict(&mut app);
        assert_snapshot!(format!("verdicts-{width}x{height}"), styled_rows(&app));
    }
}

#[test]
fn the_card_of_a_source_shows_its_verdict() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut app = Harness::new(width, height);
        answer_with_every_verdict(&mut app);
        app.press("] ] ] enter");
        assert_snapshot!(format!("verdict-card-{width}x{height}"), styled_rows(&app));
    }
}

#[test]
fn what_a_judge_costs_is_said_before_and_counted_after() {
    let mut app = checked_answer(120, 40);
    let catalogue = r#"{"data":[{"id":"openai/gpt-5.6-luna","pricing":{"prompt":"0.000001","completion":"0.00001"}}]}"#;
    let catalogue = ibid::api::Catalogue::parse(catalogue).expect("the catalogue is valid");
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue) });
    app.press("M");
    let screen = app.screen();
    assert!(screen.contains("≈ $0.00") && screen.contains("$1.00 in, $10.00 out"), "{screen}");
    app.press("enter");

    let (conversation, message) = (app.conversation_id().expect("one"), app.current_answer().expect("an answer"));
    let before = app.conversation().expect("one").cost().known.clone();
    let said = r#"{"judgements":[{"source":2,"verdict":"partly","reason":"So."}]}"#;
    // A reply that says nothing is paid for, too.
    for (text, total) in [(said, "0.0012"), ("I cannot say.", "0.0024")] {
        let (model, result) = ("openai/gpt-5.6-luna".to_owned(), Ok(Box::new(reply(text))));
        app.send(Msg::ClaimsJudged { conversation, message, model, result });
        let cost = ibid::api::Usd::parse(total).expect("a price");
        assert_eq!(Some(&app.conversation().expect("one").cost().known), before.checked_add(&cost).as_ref());
        app.press("i");
        assert!(app.screen().contains(&format!("judged for  ${total}")), "{}", app.screen());
    }
    let paid = saved_changes(&mut app);
    assert_eq!(paid.iter().filter(|change| matches!(change, ConversationChange::SideCost { .. })).count(), 2);
}
