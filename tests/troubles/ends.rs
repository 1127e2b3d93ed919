//! The table of everything that can go wrong with an answer: what came, what state it leads to, the words on the screen,
//! what may be done about it, and the requests that follow.

use std::time::Duration;

use ibid::{
    api::{self, Dialect, FreeQuota},
    app::{Effect, Msg, cards},
    chat::{End, Phase},
    config::DataCollection,
    store::Reply,
};

use crate::{
    bodies::{self, CODES, Came},
    support::harness::{Harness, start},
};

/// The events of a body as the client reads them.
fn events(bytes: &[u8]) -> Vec<api::Event> {
    let mut events = Vec::new();
    let mut decoder = api::sse::Decoder::default();
    let mut take = |frame: api::sse::Frame<'_>| {
        if let api::sse::Frame::Data(json) = frame {
            events.push(api::Event::parse(&json));
        }
    };
    decoder.push(bytes, &mut take);
    decoder.finish(&mut take);
    events
}

/// What is asked, and with which wishes.
#[derive(Clone, Copy)]
enum World {
    Usual,
    /// A model that costs nothing.
    Free,
    /// Providers are chosen in every way.
    Picky,
    /// A server that is not OpenRouter.
    Elsewhere,
}

/// A second prompt, whose request is answered so.
fn answered(world: World, came: &Came) -> Harness {
    let mut begin = start(100, 40);
    let wishes = &mut begin.config.provider;
    wishes.zdr = Some(true);
    match world {
        World::Usual => (),
        World::Free => begin.config.model = Some("meta/llama:free".into()),
        World::Picky => {
            wishes.data_collection = Some(DataCollection::Deny);
            wishes.require_parameters = Some(true);
            wishes.quantizations = vec!["fp8".into()];
            wishes.only = vec!["openai".into()];
            wishes.max_price = toml::from_str("prompt = 1").expect("a price");
        }
        World::Elsewhere => begin.endpoints[0].dialect = Dialect::Other,
    }
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let first = app.prompt("earlier");
    app.answer(first, "so it is");
    let stream = app.prompt("hello");
    comes(&mut app, stream, came);
    app
}

fn comes(app: &mut Harness, stream: ibid::chat::StreamId, came: &Came) {
    match came {
        Came::Never(error) => app.end(stream, Err(error.clone())),
        Came::Body(status, headers, body) if *status >= 300 => {
            let mut map = reqwest::header::HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a value"));
            }
            app.end(stream, Err(api::Error::of_response(*status, &map, body, app.now)));
        }
        Came::Body(_, _, body) => {
            let event = api::Event::parse(&String::from_utf8_lossy(body));
            app.send(Msg::Stream { stream, at: app.now, events: vec![event], recorded: Vec::new() });
            app.end(stream, Ok(()));
        }
        Came::Stream(bytes) => {
            app.send(Msg::Stream { stream, at: app.now, events: events(bytes), recorded: Vec::new() });
            app.end(stream, Ok(()));
        }
    }
}

/// How many requests follow by themselves where each is answered the same, and how long all of it takes at most.
fn by_itself(world: World, came: &Came) -> usize {
    let mut app = answered(world, came);
    let mut requests = 0;
    loop {
        let opened = app.opened();
        assert!(opened.len() < 2 && requests < 10, "one at a time, and not for ever");
        match opened.first() {
            Some((stream, _)) => {
                requests += 1;
                comes(&mut app, *stream, came);
            }
            None if app.state.current().is_some_and(|conversation| conversation.active_turn().is_some()) => {
                app.wait(Duration::from_secs(61)); // No wait is longer than a minute.
            }
            None => return requests,
        }
    }
}

/// What the reader sees of it, what may be done, and what Enter then sends.
fn told(world: World, came: &Came) -> String {
    let by_itself = by_itself(world, came);
    let mut app = answered(world, came);
    let asked = app.effects().into_iter().find_map(|effect| match effect {
        Effect::AskQuota { answer, .. } => Some(answer),
        _ => None,
    });
    if let Some(answer) = asked {
        app.send(Msg::Quota { answer, quota: FreeQuota { limit: 50, remaining: 12 } });
    }
    app.wait(Duration::from_millis(350));
    let conversation = app.state.current().expect("a conversation");
    let state = match conversation.turns.first().map(|turn| &turn.phase) {
        Some(Phase::Waiting { .. }) => "waits to ask again".to_owned(),
        Some(_) => "asks again at once".to_owned(),
        None => {
            let newest = conversation.branch.last().and_then(|id| conversation.messages[id].answer());
            match &newest.expect("an answer").end {
                End::Failed(error) => format!("failed: {:?}", error.fault),
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
    let sent = app.opened().into_iter().map(|(_, body)| {
        let whom = if body.get("provider").is_some() { "" } else { ", to any provider" };
        let limit = body.get("max_output_tokens").map(|limit| format!(", at most {limit} tokens")).unwrap_or_default();
        format!("{} items{limit}{whom}", body["input"].as_array().map_or(0, Vec::len))
    });
    let sent = sent.collect::<Vec<_>>().join("; ");
    let sent = if sent.is_empty() { "nothing".to_owned() } else { sent };
    format!("{state}; by itself {by_itself} requests; Enter sends {sent}\n  {words}\n")
}

/// The wait before the first attempt strays by a fifth.
fn steady(told: &str) -> String {
    told.replace("Trying again in 2 s", "Trying again in 1 s")
}

fn table<N: AsRef<str>>(world: World, rows: &[(N, Came)]) -> String {
    rows.iter().map(|(name, came)| format!("{}: {}\n", name.as_ref(), steady(&told(world, came)))).collect()
}

#[test]
fn every_end_of_a_stream_is_told_with_what_can_be_done() {
    insta::assert_snapshot!(table(World::Usual, &bodies::ends()));
}

#[test]
fn every_shape_of_an_error_is_told_with_what_can_be_done() {
    insta::assert_snapshot!(table(World::Usual, &bodies::shapes()));
}

#[test]
fn every_status_is_told_with_what_can_be_done() {
    insta::assert_snapshot!(table(World::Usual, &bodies::statuses()));
}

#[test]
fn everything_that_is_too_long_is_told_with_what_can_be_done() {
    insta::assert_snapshot!(table(World::Usual, &bodies::lengths()));
}

#[test]
fn what_servers_tell_beside_their_message_is_used() {
    insta::assert_snapshot!(table(World::Usual, &bodies::metadata()));
}

#[test]
fn every_limit_of_a_free_model_is_told_with_what_can_be_done() {
    insta::assert_snapshot!(table(World::Free, &bodies::quotas()));
}

#[test]
fn every_refusal_of_history_or_settings_is_mended_or_told() {
    insta::assert_snapshot!(table(World::Usual, &bodies::refusals()));
}

#[test]
fn every_wish_that_leaves_no_provider_is_named() {
    insta::assert_snapshot!(table(World::Picky, &bodies::exclusions()));
}

#[test]
fn the_key_and_the_credit_of_another_server_are_none_of_ours() {
    let rows = bodies::statuses();
    let theirs: Vec<_> =
        rows.into_iter().filter(|(name, _)| name.starts_with("401") || name.starts_with("402")).collect();
    insta::assert_snapshot!(table(World::Elsewhere, &theirs));
}

/// One line for each word of section 6.3: requests that follow by themselves, what is said, what may be done.
#[test]
fn every_precise_word_has_its_sentence_and_its_choices() {
    let line = |(code, status): &(&str, u16)| {
        let came = bodies::coded(code, *status);
        let again = by_itself(World::Usual, &came);
        let app = answered(World::Usual, &came);
        let choices = cards::offered(&app.state);
        let choices = choices.iter().map(|choice| choice.words()).collect::<Vec<_>>().join(", ");
        let screen = app.screen();
        let said = screen.lines().find(|row| row.contains("It went wrong")).map_or("", str::trim);
        let said = said.trim_start_matches('▌').split("  ").next().unwrap_or_default().trim();
        assert!(!said.is_empty() && !choices.is_empty(), "{code}: {screen}");
        format!("{code} ({status}): {said} {again} by itself; {choices}\n")
    };
    insta::assert_snapshot!(CODES.iter().map(line).collect::<String>());
}
