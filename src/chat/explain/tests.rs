use insta::assert_snapshot;

use super::super::{
    Effort, Timestamp,
    bench::{Bench, completed, delta, error},
    choices::choices,
};
use super::*;

/// The card of an answer: its words, then its keys.
fn card(answer: &Answer, turn: Option<&Turn>) -> String {
    let Some(words) = explain(answer, turn) else { return "nothing is wrong".into() };
    let keys: Vec<String> =
        choices(answer, turn).into_iter().map(|choice| format!("{} {}", choice.key(), choice.words())).collect();
    format!("{}  {}\n{}\n[{}]", words.headline, words.fact.unwrap_or_default(), words.advice, keys.join("] ["))
}

fn ended(model: &str, events: &[crate::api::Event], end: End) -> Answer {
    let mut answer = Answer::new("openrouter", model, Timestamp::UNIX_EPOCH);
    for event in events {
        answer.apply(0, Timestamp::UNIX_EPOCH, event);
    }
    answer.end = end;
    answer
}

fn failed(error: Error) -> String {
    card(&ended("openai/gpt-5.6-luna", &[], End::Failed(error)), None)
}

fn said(fault: Fault, status: impl Into<Option<u16>>, message: &str) -> Error {
    Error { message: message.into(), ..error(fault, status) }
}

#[test]
fn every_failure_has_a_sentence_a_fact_a_way_out_and_its_keys() {
    let mut cards = Vec::new();
    for (fault, status, message) in [
        (Fault::Connect, None, "connection refused: 127.0.0.1:9"),
        (Fault::Silence, None, "nothing came for 120 s"),
        (Fault::Cut, None, "the server broke off before its answer began"),
        (Fault::Empty, None, "the answer is empty"),
        (Fault::Key, Some(401), "User not found."),
        (Fault::Credit, Some(402), "Insufficient credits"),
        (Fault::Forbidden, Some(403), "This key has no permission"),
        (Fault::Model, Some(404), "No endpoints found for x/y"),
        (Fault::Length, Some(400), "maximum context length is 8192 tokens"),
        (Fault::Rate, Some(429), "Rate limit exceeded"),
        (Fault::Request, Some(400), "Unsupported parameter: 'temperature'"),
        (Fault::Server, Some(502), "Provider returned error"),
        (Fault::Garbage, Some(200), "the server answered 200 OK with a web page: Welcome"),
    ] {
        cards.push(format!("{fault:?}\n{}", failed(said(fault, status, message))));
    }
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn what_a_server_told_makes_the_advice_precise() {
    let told = |fault, status: u16, fact| failed(Error { facts: vec![fact], ..said(fault, status, "as told") });
    let cards = [
        told(Fault::Credit, 402, Fact::Affordable(900)),
        told(Fault::Rate, 429, Fact::FreeQuotaOfTheDay),
        told(Fault::Forbidden, 403, Fact::Reasons(vec!["violence".into()])),
        told(Fault::Model, 404, Fact::FallbackModels(vec!["a/b".into(), "c/d".into()])),
        told(Fault::Request, 400, Fact::Efforts(vec![Effort::Low, Effort::High])),
        failed(Error { retry_after: Some(150), ..said(Fault::Rate, 429, "slow down") }),
        card(&ended("a/b:free", &[], End::Failed(said(Fault::Rate, 429, "20 a minute on this key"))), None),
    ];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn what_came_is_kept_and_its_cost_is_said_where_it_is_known() {
    let cut = || End::Failed(Error { provider: Some("Anthropic".into()), ..said(Fault::Cut, 502, "hung up") });
    let words = [delta("No, not with more than one machine.")];
    let priced = [delta("No, not with more than one machine."), completed("0.0061")];
    let limit = || End::Incomplete { reason: Some("max_output_tokens".into()) };
    let filter = End::Incomplete { reason: Some("content_filter".into()) };
    let cards = [
        card(&ended("m", &words, cut()), None),
        card(&ended("m", &priced, cut()), None),
        card(&ended("m", &words, End::Interrupted), None),
        card(&ended("m", &[], End::Interrupted), None),
        card(&ended("m", &priced, limit()), None),
        card(&ended("m", &[], limit()), None),
        card(&ended("m", &words, filter), None),
    ];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn a_turn_that_waits_for_its_time_or_for_the_reader_has_a_card_too() {
    let mut waiting = Bench::new();
    let stream = waiting.send("Why?");
    waiting.end(stream, Err(said(Fault::Rate, 429, "slow down")));
    let mut unsaved = Bench::new();
    let first = unsaved.submit("Why?");
    unsaved.chat.not_saved(first.gates[0], "the disk is full".into(), unsaved.now);
    let cards =
        [card(waiting.answer(), waiting.chat.active_turn()), card(unsaved.answer(), unsaved.chat.active_turn())];
    assert_snapshot!(cards.join("\n\n"));
}

#[test]
fn an_answer_that_runs_was_finished_or_was_stopped_has_no_card() {
    let mut bench = Bench::new();
    bench.send("Why?");
    assert_eq!(card(bench.answer(), bench.chat.active_turn()), "nothing is wrong");
    for end in [End::Complete, End::Stopped] {
        assert_eq!(card(&ended("m", &[delta("x")], end), None), "nothing is wrong");
    }
}
