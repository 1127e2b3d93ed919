use insta::assert_snapshot;

use super::*;
use crate::chat::{
    Effort, Timestamp,
    choices::card_choices,
    test_support::{TestChat, completed, delta, error},
};

/// The card of an answer: its text, then its choices.
fn card(answer: &Answer, turn: Option<&Turn>) -> String {
    let Some(words) = explain(answer, turn) else { return "nothing is wrong".into() };
    let keys: Vec<String> =
        card_choices(answer, turn).into_iter().map(super::super::choices::CardChoice::label).collect();
    format!("{}  {}\n{}\n[{}]", words.headline, words.fact.unwrap_or_default(), words.advice, keys.join("] ["))
}

fn ended_answer(model: &str, events: &[crate::api::Event], end: AnswerEnd) -> Answer {
    let mut answer = Answer::new("openrouter", model, Timestamp::UNIX_EPOCH);
    for event in events {
        answer.apply(0, Timestamp::UNIX_EPOCH, event);
    }
    answer.end = end;
    answer
}

fn failed_card(error: ApiError) -> String {
    card(&ended_answer("openai/gpt-5.6-luna", &[], AnswerEnd::Failed(error)), None)
}

fn error_with_message(fault: FaultKind, status: impl Into<Option<u16>>, message: &str) -> ApiError {
    ApiError { message: message.into(), ..error(fault, status) }
}

#[test]
fn only_text_is_called_a_partial_answer_and_the_words_of_a_server_stand_in_quotes() {
    let mut answer = Answer::new("openrouter", "a/b", Timestamp::UNIX_EPOCH);
    let call = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"f","call_id":"c",
        "name":"look","arguments":"{}"}}"#;
    answer.apply(0, Timestamp::UNIX_EPOCH, &crate::api::Event::parse(call));
    answer.end = AnswerEnd::Failed(ApiError::new(FaultKind::Cut, "dropped"));
    let card = explain(&answer, None).expect("a card");
    assert!(answer.is_visible() && !card.advice.contains("partial answer"), "{card:?}");
    for body in [r#"{"error":"just words"}"#, r#"{"detail":"just words"}"#, r#"{"message":"just words"}"#] {
        answer.end = AnswerEnd::Failed(ApiError::from_stream(body));
        let card = explain(&answer, None).expect("a card");
        assert_eq!(card.quote.as_deref(), Some("“just words”"), "{body}: {card:?}");
        assert!(!card.advice.contains("ust words"), "{body}: {card:?}");
    }
}

#[test]
fn every_failure_has_a_headline_a_fact_advice_and_keys() {
    let mut cards = Vec::new();
    for (fault, status, message) in [
        (FaultKind::Connect, None, "connection refused: 127.0.0.1:9"),
        (FaultKind::Silence, None, "no data arrived for 120 s"),
        (FaultKind::Cut, None, "the server closed the connection before its answer began"),
        (FaultKind::Empty, None, "the answer is empty"),
        (FaultKind::Key, Some(401), "User not found."),
        (FaultKind::Credit, Some(402), "Insufficient credits"),
        (FaultKind::Forbidden, Some(403), "This key has no permission"),
        (FaultKind::Model, Some(404), "No endpoints found for x/y"),
        (FaultKind::Length, Some(400), "maximum context length is 8192 tokens"),
        (FaultKind::Rate, Some(429), "Rate limit exceeded"),
        (FaultKind::Request, Some(400), "Unsupported parameter: 'temperature'"),
        (FaultKind::Server, Some(502), "Provider returned error"),
        (FaultKind::Garbage, Some(200), "the server answered 200 OK with a web page: Welcome"),
    ] {
        cards.push(format!("{fault:?}\n{}", failed_card(error_with_message(fault, status, message))));
    }
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn facts_from_the_server_make_the_advice_precise() {
    let failed_with = |fault, status: u16, fact| {
        failed_card(ApiError { facts: vec![fact], ..error_with_message(fault, status, "as told") })
    };
    let cards = [
        failed_with(FaultKind::Credit, 402, ErrorFact::Affordable(900)),
        failed_with(FaultKind::Rate, 429, ErrorFact::FreeQuotaOfTheDay),
        failed_with(FaultKind::Forbidden, 403, ErrorFact::Reasons(vec!["violence".into()])),
        failed_with(FaultKind::Model, 404, ErrorFact::FallbackModels(vec!["a/b".into(), "c/d".into()])),
        failed_with(FaultKind::Request, 400, ErrorFact::Efforts(vec![Effort::Low, Effort::High])),
        failed_card(ApiError { retry_after: Some(150), ..error_with_message(FaultKind::Rate, 429, "slow down") }),
        card(
            &ended_answer(
                "a/b:free",
                &[],
                AnswerEnd::Failed(error_with_message(FaultKind::Rate, 429, "20 a minute on this key")),
            ),
            None,
        ),
    ];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn a_partial_answer_is_saved_and_shows_its_cost_if_known() {
    let cut = || {
        AnswerEnd::Failed(ApiError {
            provider: Some("Anthropic".into()),
            ..error_with_message(FaultKind::Cut, 502, "hung up")
        })
    };
    let words = [delta("No, not with more than one machine.")];
    let priced = [delta("No, not with more than one machine."), completed("0.0061")];
    let limit = || AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) };
    let filter = AnswerEnd::Incomplete { reason: Some("content_filter".into()) };
    let cards = [
        card(&ended_answer("m", &words, cut()), None),
        card(&ended_answer("m", &priced, cut()), None),
        card(&ended_answer("m", &words, AnswerEnd::Interrupted), None),
        card(&ended_answer("m", &[], AnswerEnd::Interrupted), None),
        card(&ended_answer("m", &priced, limit()), None),
        card(&ended_answer("m", &[], limit()), None),
        card(&ended_answer("m", &words, filter), None),
    ];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn a_turn_that_waits_for_a_retry_or_for_the_user_has_a_card_too() {
    let mut waiting = TestChat::new();
    let stream = waiting.send("Why?");
    waiting.end(stream, Err(error_with_message(FaultKind::Rate, 429, "slow down")));
    let mut unsaved = TestChat::new();
    let first = unsaved.submit("Why?");
    unsaved.chat.on_save_failed(first.gates[0], "the disk is full".into(), unsaved.now);
    let cards =
        [card(waiting.answer(), waiting.chat.active_turn()), card(unsaved.answer(), unsaved.chat.active_turn())];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn a_running_complete_or_stopped_answer_has_no_card() {
    let mut bench = TestChat::new();
    bench.send("Why?");
    assert_eq!(card(bench.answer(), bench.chat.active_turn()), "nothing is wrong");
    for end in [AnswerEnd::Complete, AnswerEnd::Stopped] {
        assert_eq!(card(&ended_answer("m", &[delta("x")], end), None), "nothing is wrong");
    }
}

#[test]
fn every_reason_for_an_incomplete_answer_has_words() {
    let words = |reason: &str, events: &[crate::api::Event]| {
        let end = AnswerEnd::Incomplete { reason: Some(reason.into()) };
        explain(&ended_answer("m", events, end), None).expect("it is explained")
    };
    for reason in [
        "max_output_tokens",
        "length",
        "content_filter",
        "max_tool_calls",
        "max_messages",
        "steered",
        "max_cost",
        "context_length_exceeded",
        "timeout",
        "cancelled",
    ] {
        for events in [&[][..], &[delta("So")]] {
            let card = words(reason, events);
            assert_ne!(card.headline, "The answer is not complete.", "{reason}");
            // The name of the setting may be in the advice.
            let shown = format!("{card:?}").replace("raise max_output_tokens", "");
            assert!(!shown.contains(reason) || !reason.contains('_'), "{reason}: {card:?}");
        }
    }
    let unknown = words("moon_in\u{1b}[2J_the_way", &[]);
    assert_eq!(unknown.fact.as_deref(), Some("moon in the way"));
}

#[test]
fn what_is_in_the_way_of_the_server_has_its_own_words_and_way_out() {
    use NetworkObstacle as Obstacle;
    let card_of = |obstacle, fault, status: Option<u16>| {
        let facts = vec![ErrorFact::Obstacle(obstacle)];
        let error = ApiError { facts, ..error_with_message(fault, status, "as told") };
        explain(&ended_answer("m", &[], AnswerEnd::Failed(error)), None).expect("it is explained")
    };
    for (obstacle, fault, status, headline, way_out) in [
        (Obstacle::UntrustedCertificate, FaultKind::Connect, None, "certificate is not trusted", "SSL_CERT_FILE"),
        (Obstacle::WrongCertificateName, FaultKind::Connect, None, "for another name", "base_url"),
        (Obstacle::OutdatedCertificate, FaultKind::Connect, None, "not valid today", "clock"),
        (Obstacle::InsecureServer, FaultKind::Connect, None, "No secure connection", "http:// or https://"),
        (Obstacle::ProxySetting, FaultKind::Connect, None, "proxy setting", "NO_PROXY"),
        (Obstacle::DeadProxy, FaultKind::Connect, None, "proxy could not be reached", "NO_PROXY"),
        (Obstacle::ProxyLogin, FaultKind::Request, Some(407), "name and a password", "name:password@host"),
        (Obstacle::ProxyRefusal, FaultKind::Garbage, Some(403), "did not let the request through", "NO_PROXY"),
        (
            Obstacle::ProxyRefusal,
            FaultKind::Length,
            Some(413),
            "did not let the request through",
            "leave out the oldest",
        ),
        (Obstacle::Gateway, FaultKind::Garbage, Some(403), "between here and the server", "another network"),
        (Obstacle::Gateway, FaultKind::Garbage, Some(401), "between here and the server", "sign in"),
        (Obstacle::Gateway, FaultKind::Length, Some(413), "between here and the server", "leave out the oldest"),
        (Obstacle::Gateway, FaultKind::Server, Some(504), "between here and the server", "in a minute"),
    ] {
        let card = card_of(obstacle, fault, status);
        assert!(card.headline.contains(headline) && card.advice.contains(way_out), "{obstacle:?}: {card:?}");
        assert!(!card.advice.contains("ephrase") && !card.advice.contains("nother model"), "{obstacle:?}: {card:?}");
    }
}
