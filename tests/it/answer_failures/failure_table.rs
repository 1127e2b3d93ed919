//! A table of everything that can go wrong with an answer: the server's reply, the resulting state, the text on the
//! screen, the choices, and the requests that follow.

use std::time::Duration;

use ibid::{
    api::{self, ApiDialect, FreeQuota},
    chat::{AnswerEnd, TurnPhase, provider_prefs::DataCollection},
    store::StoreReply,
    ui::{Effect, Msg, transcript::error_card},
};

use super::server_replies::{self, CODES, ServerReply};
use crate::support::harness::{Harness, default_start};

/// Returns the events of a stream as the client parses them.
fn parse_events(bytes: &[u8]) -> Vec<api::Event> {
    let mut events = Vec::new();
    let mut decoder = api::sse::SseDecoder::default();
    let mut take = |frame: api::sse::SseFrame<'_>| {
        if let api::sse::SseFrame::Data(json) | api::sse::SseFrame::Stray(json) = frame {
            events.push(api::Event::parse(&json));
        }
    };
    decoder.push(bytes, &mut take);
    decoder.finish(&mut take);
    events
}

/// The model, the server and the provider preferences of the request.
#[derive(Clone, Copy)]
enum RequestSetup {
    Usual,
    /// A model that costs nothing.
    FreeModel,
    /// Every preference about providers is set.
    AllPreferences,
    /// A server that is not OpenRouter.
    OtherServer,
}

/// Sends a second prompt and gives its request this reply.
fn app_after(world: RequestSetup, reply: &ServerReply) -> Harness {
    let mut begin = default_start(100, 40);
    let prefs = &mut begin.config.provider;
    prefs.zdr = Some(true);
    match world {
        RequestSetup::Usual => (),
        RequestSetup::FreeModel => begin.config.model = Some("meta/llama:free".into()),
        RequestSetup::AllPreferences => {
            prefs.data_collection = Some(DataCollection::Deny);
            prefs.require_parameters = Some(true);
            prefs.quantizations = vec!["fp8".into()];
            prefs.only = vec!["openai".into()];
            prefs.max_price = toml::from_str("prompt = 1").expect("a price");
        }
        RequestSetup::OtherServer => begin.endpoints[0].dialect = ApiDialect::Other,
    }
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let first = app.send_prompt("earlier");
    app.stream_answer(first, "so it is");
    let stream = app.send_prompt("hello");
    deliver(&mut app, stream, reply);
    app
}

fn deliver(app: &mut Harness, stream: ibid::chat::StreamId, reply: &ServerReply) {
    match reply {
        ServerReply::NoResponse(error) => app.end_stream(stream, Err(error.clone())),
        ServerReply::Body(status, headers, body) if *status >= 300 => {
            let mut map = reqwest::header::HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a value"));
            }
            app.end_stream(stream, Err(api::ApiError::from_response(*status, &map, body, app.now)));
        }
        ServerReply::Body(_, _, body) => {
            let event = api::Event::parse(&String::from_utf8_lossy(body));
            app.send(Msg::Stream { stream, at: app.now, events: vec![event], recorded: Vec::new() });
            app.end_stream(stream, Ok(()));
        }
        ServerReply::Stream(bytes) => {
            app.send(Msg::Stream { stream, at: app.now, events: parse_events(bytes), recorded: Vec::new() });
            app.end_stream(stream, Ok(()));
        }
    }
}

/// Returns how many requests follow automatically if each gets the same reply.
fn automatic_requests(world: RequestSetup, reply: &ServerReply) -> usize {
    let mut app = app_after(world, reply);
    let mut requests = 0;
    loop {
        let opened = app.opened_streams();
        assert!(opened.len() < 2 && requests < 10, "one at a time, and not without end");
        match opened.first() {
            Some((stream, _)) => {
                requests += 1;
                deliver(&mut app, *stream, reply);
            }
            None if app.conversation().is_some_and(|conversation| conversation.active_turn().is_some()) => {
                app.wait(Duration::from_secs(61)); // No wait is longer than a minute.
            }
            None => return requests,
        }
    }
}

/// Describes what the user sees, the choices, and what Enter then sends.
fn describe(world: RequestSetup, reply: &ServerReply) -> String {
    let requests = automatic_requests(world, reply);
    let mut app = app_after(world, reply);
    let quota_answer = app.effects().into_iter().find_map(|effect| match effect {
        Effect::FetchQuota { answer, .. } => Some(answer),
        _ => None,
    });
    if let Some(answer) = quota_answer {
        app.send(Msg::QuotaReported { answer, quota: FreeQuota { limit: 50, remaining: 12 } });
    }
    app.wait(Duration::from_millis(350));
    let conversation = app.conversation().expect("a conversation");
    let state = match conversation.turns.first().map(|turn| &turn.phase) {
        Some(TurnPhase::AwaitingRetry { .. }) => "waits to ask again".to_owned(),
        Some(_) => "asks again at once".to_owned(),
        None => {
            let newest = conversation.branch.last().and_then(|id| conversation.messages[id].as_answer());
            match &newest.expect("an answer").end {
                AnswerEnd::Failed(error) => format!("failed: {:?}", error.fault),
                end => format!("{end:?}").to_lowercase(),
            }
        }
    };
    let screen = app.screen();
    let rows: Vec<&str> = screen.lines().map(str::trim).collect();
    let after = rows.iter().rposition(|row| *row == "▌ hello").map_or(0, |at| at + 1);
    let until = rows.iter().rposition(|row| row.starts_with("──")).unwrap_or(rows.len());
    let words = rows[after..until].iter().filter(|row| !row.is_empty()).copied().collect::<Vec<_>>().join("\n  ");
    app.press("enter");
    let sent = app.opened_streams().into_iter().map(|(_, body)| {
        let whom = if body.get("provider").is_some() { "" } else { ", to any provider" };
        let limit = body.get("max_output_tokens").map(|limit| format!(", at most {limit} tokens")).unwrap_or_default();
        format!("{} items{limit}{whom}", body["input"].as_array().map_or(0, Vec::len))
    });
    let sent = sent.collect::<Vec<_>>().join("; ");
    let sent = if sent.is_empty() { "nothing".to_owned() } else { sent };
    format!("{state}; by itself {requests} requests; Enter sends {sent}\n  {words}\n")
}

/// Removes the jitter from the first countdown, which varies by a fifth.
fn without_jitter(rows: &str) -> String {
    rows.replace("Trying again in 2 s", "Trying again in 1 s")
}

fn table<N: AsRef<str>>(world: RequestSetup, rows: &[(N, ServerReply)]) -> String {
    rows.iter().map(|(name, came)| format!("{}: {}\n", name.as_ref(), without_jitter(&describe(world, came)))).collect()
}

#[test]
fn every_end_of_a_stream_is_shown_with_its_choices() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::stream_ends()));
}

#[test]
fn every_form_of_an_error_is_shown_with_its_choices() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::error_forms()));
}

#[test]
fn every_status_is_shown_with_its_choices() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::statuses()));
}

#[test]
fn everything_that_is_too_long_is_shown_with_its_choices() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::lengths()));
}

#[test]
fn details_beside_the_message_are_used() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::error_details()));
}

#[test]
fn every_limit_of_a_free_model_is_shown_with_its_choices() {
    insta::assert_snapshot!(table(RequestSetup::FreeModel, &server_replies::quotas()));
}

#[test]
fn every_refusal_of_history_or_settings_is_fixed_or_shown() {
    insta::assert_snapshot!(table(RequestSetup::Usual, &server_replies::refusals()));
}

#[test]
fn every_preference_that_excludes_all_providers_is_named() {
    insta::assert_snapshot!(table(RequestSetup::AllPreferences, &server_replies::exclusions()));
}

#[test]
fn key_and_credit_errors_of_another_server_refer_to_that_server() {
    let rows = server_replies::statuses();
    let theirs: Vec<_> =
        rows.into_iter().filter(|(name, _)| name.starts_with("401") || name.starts_with("402")).collect();
    insta::assert_snapshot!(table(RequestSetup::OtherServer, &theirs));
}

/// One line for each code of section 6.3: the message, the automatic requests, and the choices.
#[test]
fn every_error_code_has_its_message_and_its_choices() {
    let line = |(code, status): &(&str, u16)| {
        let reply = server_replies::error_with_code(code, *status);
        let again = automatic_requests(RequestSetup::Usual, &reply);
        let app = app_after(RequestSetup::Usual, &reply);
        let choices = error_card::offered_choices(app.chats());
        let choices = choices.iter().map(|choice| choice.label()).collect::<Vec<_>>().join(", ");
        let screen = app.screen();
        let said = screen.lines().find(|row| row.contains("It went wrong")).map_or("", str::trim);
        let said = said.trim_start_matches('▌').split("  ").next().unwrap_or_default().trim();
        assert!(!said.is_empty() && !choices.is_empty(), "{code}: {screen}");
        format!("{code} ({status}): {said} {again} by itself; {choices}\n")
    };
    insta::assert_snapshot!(CODES.iter().map(line).collect::<String>());
}
