//! The x-ray: what went over the wire for an answer, looked at, searched, copied, saved; never with the key.

mod support;

use std::time::Duration;

use ibid::{
    api::{self, Fault, Head, Sent},
    app::{Effect, Msg},
    chat::{
        Change, MessageId, Recording, StreamId, Timestamp,
        recording::{Piece, What},
    },
    store::{Job, Reply},
};
use support::harness::{Harness, start};

fn sent(harness: &Harness) -> Piece {
    let sent = Sent {
        url: "https://openrouter.ai/api/v1/responses".into(),
        headers: vec![
            ("user-agent".into(), "ibid/0.1.0".into()),
            ("authorization".into(), "Bearer $OPENROUTER_API_KEY".into()),
            ("content-type".into(), "application/json".into()),
        ],
        body: concat!(
            r#"{"model":"openai/gpt-5.6-luna","input":[{"role":"user","content":"it's \u001b[31m why"}],"#,
            r#""stream":true,"store":false,"include":["reasoning.encrypted_content"]}"#
        )
        .into(),
        variable: "OPENROUTER_API_KEY".into(),
    };
    Piece::new(harness.now, What::Sent(Box::new(sent)))
}

fn later(at: Timestamp, milliseconds: i64) -> Timestamp {
    at + jiff::SignedDuration::from_millis(milliseconds)
}

fn came(harness: &mut Harness, stream: StreamId, milliseconds: i64, payloads: &[&str]) {
    let at = later(harness.now, milliseconds);
    let pieces = payloads.iter().map(|payload| Piece::new(at, What::Received((*payload).into()))).collect();
    harness.send(Msg::Recorded { stream, pieces });
    harness.events(stream, payloads);
}

const CREATED: &str = r#"{"type":"response.created","response":{"id":"gen-1","status":"in_progress"}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"gen-1","model":"openai/gpt-5.6-luna","status":"completed","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Because of Rayleigh.","annotations":[]}]}],"usage":{"input_tokens":20,"output_tokens":12,"total_tokens":32,"cost":0.0021}}}"#;

fn delta(text: &str) -> String {
    format!(r#"{{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{text}"}}"#)
}

/// An answer whose traffic was recorded, still running.
fn running(width: u16, height: u16) -> (Harness, StreamId) {
    let mut harness = Harness::new(width, height);
    let stream = harness.prompt("Why is the sky blue?");
    let request = sent(&harness);
    harness.send(Msg::Recorded { stream, pieces: vec![request] });
    came(&mut harness, stream, 412, &[CREATED]);
    for (nth, word) in (0..).zip(["Because ", "of ", "Rayleigh."]) {
        came(&mut harness, stream, 800 + 40 * nth, &[&delta(word)]);
    }
    (harness, stream)
}

fn answered(width: u16, height: u16) -> Harness {
    let (mut harness, stream) = running(width, height);
    came(&mut harness, stream, 1034, &[COMPLETED]);
    harness.end(stream, Ok(()));
    harness
}

/// What was handed to the database, and the answer it belongs to.
fn recorded(harness: &mut Harness) -> Vec<(MessageId, Recording)> {
    let changes = harness.effects().into_iter().filter_map(|effect| match effect {
        Effect::Store(Job::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    changes
        .flatten()
        .filter_map(|change| match change {
            Change::Recording { message, recording, .. } => Some((message, *recording)),
            _ => None,
        })
        .collect()
}

/// Opens the overlay and lets the disk answer.
fn open(harness: &mut Harness) {
    let recorded = recorded(harness);
    harness.press("ctrl-x x");
    let asked = harness.effects().into_iter().find_map(|effect| match effect {
        Effect::Store(Job::Recording(message)) => Some(message),
        _ => None,
    });
    if let Some(message) = asked {
        let found = recorded.into_iter().find(|(of, _)| *of == message);
        harness.reply(Reply::Recording { message, result: Ok(found.map(|(_, recording)| Box::new(recording))) });
    }
}

fn copied(harness: &mut Harness) -> Option<String> {
    harness.effects().into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    })
}

#[test]
fn the_request_and_every_event_stand_in_order_with_their_times() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    insta::assert_snapshot!(harness.screen());
    assert!(!harness.screen().contains('\u{1b}'));
}

#[test]
fn a_small_screen_is_taken_whole() {
    let mut harness = answered(80, 24);
    open(&mut harness);
    insta::assert_snapshot!(harness.screen());
    harness.press("tab");
    insta::assert_snapshot!(harness.screen());
}

#[test]
fn a_recording_is_handed_to_the_database_once_when_its_answer_is_over() {
    let (mut harness, stream) = running(120, 40);
    assert_eq!(recorded(&mut harness), []);
    came(&mut harness, stream, 1034, &[COMPLETED]);
    harness.end(stream, Ok(()));
    let kept = recorded(&mut harness);
    let answer = harness.state.current_answer().expect("an answer");
    assert_eq!(kept.iter().map(|(message, _)| *message).collect::<Vec<_>>(), [answer]);
    assert_eq!(kept[0].1.pieces().count(), 6);
    assert!(harness.state.recordings.is_empty());
    harness.send(Msg::Recorded { stream, pieces: vec![Piece::new(harness.now, What::Received("late".into()))] });
    assert!(harness.state.recordings.is_empty(), "what comes after the end belongs to nothing");
}

#[test]
fn a_stopped_answer_and_one_that_runs_when_the_program_quits_keep_their_recordings() {
    let (mut harness, _) = running(120, 40);
    harness.press("esc");
    assert_eq!(recorded(&mut harness).len(), 1);

    let (mut harness, _) = running(120, 40);
    harness.effects();
    harness.send(Msg::Terminated);
    let effects = harness.effects();
    let quit = effects.iter().position(|effect| matches!(effect, Effect::Quit)).expect("it quits");
    let is_recording = |change: &Change| matches!(change, Change::Recording { .. });
    let saved = effects.iter().position(
        |effect| matches!(effect, Effect::Store(Job::Save { changes, .. }) if changes.iter().any(is_recording)),
    );
    assert!(saved.is_some_and(|saved| saved < quit), "{saved:?} before {quit}");
}

#[test]
fn a_retry_adds_its_request_to_the_same_recording() {
    let mut harness = Harness::new(120, 40);
    let stream = harness.prompt("Why?");
    let request = sent(&harness);
    harness.send(Msg::Recorded { stream, pieces: vec![request.clone()] });
    let failure = Piece::new(later(harness.now, 90), What::Failed("500 overloaded".into()));
    harness.send(Msg::Recorded { stream, pieces: vec![failure] });
    harness.end(stream, Err(api::Error { status: Some(500), ..api::Error::new(Fault::Server, "overloaded") }));
    harness.wait(Duration::from_secs(3));
    let again = harness.opened().first().map(|(stream, _)| *stream).expect("it asks again");
    assert_ne!(again, stream);
    harness.send(Msg::Recorded { stream: again, pieces: vec![request] });
    harness.press("ctrl-x x");
    let screen = harness.screen();
    assert_eq!(screen.matches("POST https://openrouter.ai/api/v1/responses").count(), 2, "{screen}");
    assert!(screen.contains("+0.090 s  500 overloaded"), "{screen}");
}

#[test]
fn an_answer_can_be_watched_while_it_comes() {
    let (mut harness, stream) = running(120, 40);
    harness.press("ctrl-x x");
    assert!(harness.screen().contains("4 events"), "{}", harness.screen());
    came(&mut harness, stream, 950, &[&delta(" And more.")]);
    harness.wait(Duration::from_millis(400));
    assert!(harness.screen().contains("5 events"), "{}", harness.screen());
    came(&mut harness, stream, 1034, &[COMPLETED]);
    assert!(harness.screen().contains("6 events"), "{}", harness.screen());
}

/// A request that was refused with a body and headers, then one that was answered, slowly.
fn refused_then_slow(width: u16, height: u16) -> Harness {
    let mut harness = Harness::new(width, height);
    let stream = harness.prompt("Why?");
    let request = sent(&harness);
    let head = |status: u16, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        What::Answered(Box::new(Head { status, headers }))
    };
    let limits = [("content-type", "application/json"), ("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0")];
    let body = r#"{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"raw":"slow \u001b[31m down"}}}"#;
    let at = |milliseconds: i64| later("2026-11-22T14:02:00Z".parse().expect("a time"), milliseconds);
    let pieces = vec![
        request.clone(),
        Piece::new(at(80), head(429, &limits)),
        Piece::new(at(81), What::Received(body.into())),
        Piece::new(at(81), What::Failed("429 Rate limit exceeded".into())),
    ];
    harness.send(Msg::Recorded { stream, pieces });
    harness.end(stream, Err(api::Error { status: Some(429), ..api::Error::new(Fault::Rate, "Rate limit exceeded") }));
    harness.wait(Duration::from_secs(3));
    let again = harness.opened().first().map(|(stream, _)| *stream).expect("it asks again");
    let begun = [("content-type", "text/event-stream"), ("x-generation-id", "gen-1790000001-Abc")];
    let pieces = vec![
        request,
        Piece::new(at(3200), head(200, &begun)),
        Piece::new(at(3300), What::Comment("OPENROUTER PROCESSING".into())),
        Piece::new(at(5300), What::Comment("".into())),
        Piece::new(at(6100), What::Received(CREATED.into())),
    ];
    harness.send(Msg::Recorded { stream: again, pieces });
    harness
}

#[test]
fn what_a_server_said_instead_of_an_answer_and_its_signs_of_life_are_shown_with_their_times() {
    let mut harness = refused_then_slow(120, 40);
    harness.press("ctrl-x x");
    insta::assert_snapshot!(harness.screen());
    harness.press("/");
    harness.enter_text("x-ratelimit");
    harness.press("enter enter");
    let screen = harness.screen();
    assert!(screen.contains("Headers  +0.080 s") && screen.contains("x-ratelimit-remaining  0"), "{screen}");
    harness.press("esc esc");
    harness.press("s");
    let effects = harness.effects();
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::SaveFile { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let saved: serde_json::Value = serde_json::from_str(saved.expect("it is saved")).expect("it is JSON");
    assert_eq!((&saved[1]["answered"]["status"], &saved[2]["received"]["error"]["code"]), (&429.into(), &429.into()));
    assert_eq!(saved[6]["comment"], "OPENROUTER PROCESSING");
}

#[test]
fn a_running_recording_goes_to_the_disk_with_what_the_answer_grew_by() {
    let (mut harness, stream) = running(120, 40);
    let written = |harness: &mut Harness| -> Vec<usize> {
        let saves = harness.effects().into_iter().filter_map(|effect| match effect {
            Effect::Store(Job::Save { changes, .. }) => Some(changes),
            _ => None,
        });
        saves
            .flatten()
            .filter_map(
                |change| if let Change::Recorded { chunk, .. } = change { Some(chunk.pieces.len()) } else { None },
            )
            .collect()
    };
    assert_eq!(written(&mut harness), [1], "the request as it leaves");
    harness.wait(Duration::from_secs(1));
    assert_eq!(written(&mut harness), [4], "what came since");
    came(&mut harness, stream, 2000, &[&delta(" More.")]);
    assert_eq!(written(&mut harness), [0_usize; 0]);
    harness.wait(Duration::from_secs(1));
    assert_eq!(written(&mut harness), [1]);
}

#[test]
fn an_event_opens_in_full_and_esc_goes_back_step_by_step() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    harness.press("G enter");
    let screen = harness.screen();
    assert!(screen.contains("response.completed  +1.034 s"), "{screen}");
    assert!(screen.contains(r#""cost": 0.0021"#), "{screen}");
    harness.press("esc");
    assert!(harness.screen().contains("Request and events"));
    harness.press("esc");
    assert!(!harness.screen().contains("Request and events"));
    assert!(harness.screen().contains("Because of Rayleigh."));
}

#[test]
fn a_search_walks_from_match_to_match_in_any_case_unless_it_has_a_capital() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    harness.press("/");
    harness.enter_text("output_text.DELTA");
    assert!(harness.screen().contains("nothing found"), "{}", harness.screen());
    harness.press("ctrl-u");
    harness.enter_text("output_text");
    assert!(harness.screen().contains("1 of 4"), "{}", harness.screen());
    harness.press("down");
    assert!(harness.screen().contains("2 of 4"), "{}", harness.screen());
    harness.press("enter n n");
    assert!(harness.screen().contains("4 of 4"), "{}", harness.screen());
    harness.press("n");
    assert!(harness.screen().contains("1 of 4"), "it goes round");
    harness.press("N enter");
    let opened = harness.screen();
    assert!(opened.contains("response.completed  +1.034 s") && opened.contains("1 of 1"), "{opened}");
    harness.press("esc esc");
    assert!(harness.screen().contains("5 events"), "{}", harness.screen());
}

#[test]
fn letters_that_are_typed_into_the_search_are_not_keys() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    harness.press("/");
    harness.enter_text("scn");
    assert!(harness.effects().is_empty());
    harness.press("ctrl-u");
    harness.paste("deltas\n");
    assert!(harness.screen().contains("nothing found"), "{}", harness.screen());
}

#[test]
fn it_is_copied_as_a_command_that_takes_the_key_from_the_environment() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    harness.press("c");
    insta::assert_snapshot!(copied(&mut harness).expect("it is copied"), @r#"
    curl --no-buffer 'https://openrouter.ai/api/v1/responses' \
      --header 'user-agent: ibid/0.1.0' \
      --header 'authorization: Bearer '"$OPENROUTER_API_KEY" \
      --header 'content-type: application/json' \
      --data-raw '{"model":"openai/gpt-5.6-luna","input":[{"role":"user","content":"it'\''s \u001b[31m why"}],"stream":true,"store":false,"include":["reasoning.encrypted_content"]}'
    "#);
}

#[test]
fn it_is_saved_as_json_under_a_name_of_its_own_and_the_path_is_said() {
    let mut harness = answered(120, 40);
    open(&mut harness);
    harness.press("s");
    let saved = harness.effects().into_iter().find_map(|effect| match effect {
        Effect::SaveFile { stem, extension, text } => Some((stem, extension, text)),
        _ => None,
    });
    let (stem, extension, text) = saved.expect("it is saved");
    let answer = harness.state.current_answer().expect("an answer");
    assert_eq!((stem, extension), (format!("ibid-xray-{answer}"), "json"));
    let pieces: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(pieces.as_array().map(Vec::len), Some(6));
    assert_eq!(pieces[0]["sent"]["body"]["model"], "openai/gpt-5.6-luna");
    assert_eq!(pieces[5]["received"]["type"], "response.completed");
    assert_eq!(pieces[5]["at"], "2026-11-22T14:02:01.034Z");
    harness.send(Msg::FileSaved(Ok("/home/me/ibid-xray-1.json".into())));
    harness.press("esc");
    assert!(harness.screen().contains("saved as /home/me/ibid-xray-1.json"), "{}", harness.screen());
}

#[test]
fn without_a_recording_it_says_why_and_what_to_do() {
    let mut harness = Harness::new(120, 40);
    harness.press("ctrl-x x");
    assert!(harness.screen().contains("there is no answer to look into yet"), "{}", harness.screen());

    let stream = harness.prompt("Why?");
    harness.answer(stream, "So.");
    open(&mut harness);
    assert!(harness.screen().contains("Nothing was recorded for this answer."), "{}", harness.screen());

    let mut begun = start(120, 40);
    begun.config.xray.record = false;
    let mut harness = Harness::with(begun);
    harness.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    harness.effects();
    harness.enter_text("Why?");
    harness.press("enter");
    let records: Vec<bool> = harness
        .effects()
        .into_iter()
        .filter_map(|effect| if let Effect::OpenStream { record, .. } = effect { Some(record) } else { None })
        .collect();
    assert_eq!(records, [false]);
    harness.press("ctrl-x x");
    let answer = harness.state.current_answer().expect("an answer");
    harness.reply(Reply::Recording { message: answer, result: Ok(None) });
    assert!(harness.screen().contains("recording is off"), "{}", harness.screen());
}

#[test]
fn a_long_answer_keeps_its_beginning_and_its_end_and_says_what_is_missing() {
    let (mut harness, stream) = running(120, 40);
    harness.state.config.xray.max_bytes = 8192;
    harness.state.recordings.clear();
    let request = sent(&harness);
    harness.send(Msg::Recorded { stream, pieces: vec![request] });
    for number in 0..500 {
        came(&mut harness, stream, 1000 + number, &[&delta(&format!("word {number} "))]);
    }
    let growing: Vec<_> = harness.state.recordings.values().map(|growing| &growing.recording).collect();
    let bytes = serde_json::to_string(&growing).expect("JSON").len();
    assert!(bytes < 9000, "{bytes}");
    harness.press("ctrl-x x");
    harness.press("/");
    harness.enter_text("were not kept");
    let screen = harness.screen();
    assert!(screen.contains("more events") && screen.contains("1 of 1"), "{screen}");
    harness.press("enter esc G");
    assert!(harness.screen().contains("word 499"), "{}", harness.screen());
}

#[test]
fn it_draws_at_every_size() {
    for (width, height) in [(40, 10), (41, 11), (60, 12), (80, 24), (200, 60), (30, 5)] {
        let mut harness = answered(width, height);
        open(&mut harness);
        harness.press("/");
        harness.enter_text("delta");
        harness.press("enter enter");
        harness.resize(width / 2 + 21, height + 3);
        harness.press("esc G enter");
        harness.press("esc esc esc");
    }
}
