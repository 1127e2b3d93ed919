//! The x-ray: the recorded traffic of an answer, shown, searched, copied and saved; it never contains the key.

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    api::{self, FaultKind, ResponseHead, SentRequest},
    chat::{
        ConversationChange, MessageId, StreamId, Timestamp, WireRecording,
        recording::{FrameContent, RecordedFrame},
    },
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg},
};

fn request_frame(harness: &Harness) -> RecordedFrame {
    let sent = SentRequest {
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
    RecordedFrame::new(harness.now, FrameContent::Sent(Box::new(sent)))
}

fn later(at: Timestamp, milliseconds: i64) -> Timestamp {
    at + jiff::SignedDuration::from_millis(milliseconds)
}

fn receive(harness: &mut Harness, stream: StreamId, milliseconds: i64, payloads: &[&str]) {
    let at = later(harness.now, milliseconds);
    let pieces =
        payloads.iter().map(|payload| RecordedFrame::new(at, FrameContent::Received((*payload).into()))).collect();
    harness.send(Msg::WireRecorded { stream, pieces });
    harness.receive_events(stream, payloads);
}

const CREATED: &str = r#"{"type":"response.created","response":{"id":"gen-1","status":"in_progress"}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"gen-1","model":"openai/gpt-5.6-luna","status":"completed","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Because of Rayleigh.","annotations":[]}]}],"usage":{"input_tokens":20,"output_tokens":12,"total_tokens":32,"cost":0.0021}}}"#;

fn delta(text: &str) -> String {
    format!(r#"{{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{text}"}}"#)
}

/// Starts with a streaming answer whose traffic is recorded.
fn running_answer(width: u16, height: u16) -> (Harness, StreamId) {
    let mut harness = Harness::new(width, height);
    let stream = harness.send_prompt("Why is the sky blue?");
    let request = request_frame(&harness);
    harness.send(Msg::WireRecorded { stream, pieces: vec![request] });
    receive(&mut harness, stream, 412, &[CREATED]);
    for (nth, word) in (0..).zip(["Because ", "of ", "Rayleigh."]) {
        receive(&mut harness, stream, 800 + 40 * nth, &[&delta(word)]);
    }
    (harness, stream)
}

fn finished_answer(width: u16, height: u16) -> Harness {
    let (mut harness, stream) = running_answer(width, height);
    receive(&mut harness, stream, 1034, &[COMPLETED]);
    harness.end_stream(stream, Ok(()));
    harness
}

/// Returns the recordings sent to the store, each with the id of its answer.
fn saved_recordings(harness: &mut Harness) -> Vec<(MessageId, WireRecording)> {
    let changes = harness.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    changes
        .flatten()
        .filter_map(|change| match change {
            ConversationChange::Recording { message, recording, .. } => Some((message, *recording)),
            _ => None,
        })
        .collect()
}

/// Opens the overlay and replies for the store.
fn open_xray(harness: &mut Harness) {
    let recorded = saved_recordings(harness);
    harness.press("ctrl-x x");
    let requested = harness.effects().into_iter().find_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::LoadRecording(message)) => Some(message),
        _ => None,
    });
    if let Some(message) = requested {
        let found = recorded.into_iter().find(|(of, _)| *of == message);
        harness.store_reply(StoreReply::Recording {
            message,
            result: Ok(found.map(|(_, recording)| Box::new(recording))),
        });
    }
}

fn copied_text(harness: &mut Harness) -> Option<String> {
    harness.effects().into_iter().find_map(|effect| match effect {
        Effect::CopyToClipboard(text) => Some(text),
        _ => None,
    })
}

#[test]
fn the_request_and_every_event_are_listed_in_order_with_their_times() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
    insta::assert_snapshot!(harness.screen());
    assert!(!harness.screen().contains('\u{1b}'));
}

#[test]
fn a_small_screen_is_used_in_full() {
    let mut harness = finished_answer(80, 24);
    open_xray(&mut harness);
    insta::assert_snapshot!(harness.screen());
    harness.press("tab");
    insta::assert_snapshot!(harness.screen());
}

#[test]
fn what_is_more_below_is_counted_whole_at_80_columns() {
    let (mut app, stream) = running_answer(80, 24);
    for _ in 0..400 {
        receive(&mut app, stream, 900, &[&delta("and ")]);
    }
    open_xray(&mut app);
    app.press("g");
    let foot = app.screen().lines().rfind(|row| row.contains('╰')).expect("a frame").to_owned();
    let counted = foot.split("↓ ").nth(1).map(|rest| rest.split_whitespace().next().unwrap_or_default());
    assert!(counted.is_none_or(|count| count.parse::<usize>().is_ok_and(|count| count > 300)), "{foot}");
    assert!(!foot.contains('…') && foot.contains("Esc"), "{foot}");
}

#[test]
fn a_recording_is_saved_once_when_its_answer_ends() {
    let (mut harness, stream) = running_answer(120, 40);
    assert_eq!(saved_recordings(&mut harness), []);
    receive(&mut harness, stream, 1034, &[COMPLETED]);
    harness.end_stream(stream, Ok(()));
    let saved = saved_recordings(&mut harness);
    let answer = harness.current_answer().expect("an answer");
    assert_eq!(saved.iter().map(|(message, _)| *message).collect::<Vec<_>>(), [answer]);
    assert_eq!(saved[0].1.frames().count(), 6);
    assert!(harness.chats().recordings.is_empty());
    harness.send(Msg::WireRecorded {
        stream,
        pieces: vec![RecordedFrame::new(harness.now, FrameContent::Received("late".into()))],
    });
    assert!(harness.chats().recordings.is_empty(), "traffic after the end is ignored");
}

#[test]
fn a_stop_and_a_quit_save_the_recording() {
    let (mut harness, _) = running_answer(120, 40);
    harness.press("esc");
    assert_eq!(saved_recordings(&mut harness).len(), 1);

    let (mut harness, _) = running_answer(120, 40);
    harness.effects();
    harness.send(Msg::Terminated);
    let effects = harness.effects();
    let quit = effects.iter().position(|effect| matches!(effect, Effect::Quit)).expect("the program quits");
    let is_recording = |change: &ConversationChange| matches!(change, ConversationChange::Recording { .. });
    let saved = effects.iter().position(
        |effect| matches!(effect, Effect::RunStoreJob(StoreJob::Save { changes, .. }) if changes.iter().any(is_recording)),
    );
    assert!(saved.is_some_and(|saved| saved < quit), "{saved:?} before {quit}");
}

#[test]
fn a_retry_adds_its_request_to_the_same_recording() {
    let mut harness = Harness::new(120, 40);
    let stream = harness.send_prompt("Why?");
    let request = request_frame(&harness);
    harness.send(Msg::WireRecorded { stream, pieces: vec![request.clone()] });
    let failure = RecordedFrame::new(later(harness.now, 90), FrameContent::Failed("500 overloaded".into()));
    harness.send(Msg::WireRecorded { stream, pieces: vec![failure] });
    harness.end_stream(
        stream,
        Err(api::ApiError { status: Some(500), ..api::ApiError::new(FaultKind::Server, "overloaded") }),
    );
    harness.wait(Duration::from_secs(3));
    let again = harness.opened_streams().first().map(|(stream, _)| *stream).expect("the request is sent again");
    assert_ne!(again, stream);
    harness.send(Msg::WireRecorded { stream: again, pieces: vec![request] });
    harness.press("ctrl-x x");
    let screen = harness.screen();
    assert_eq!(screen.matches("POST https://openrouter.ai/api/v1/responses").count(), 2, "{screen}");
    assert!(screen.contains("+0.090 s  500 overloaded"), "{screen}");
}

#[test]
fn an_answer_can_be_watched_while_it_streams() {
    let (mut harness, stream) = running_answer(120, 40);
    harness.press("ctrl-x x");
    assert!(harness.screen().contains("4 events"), "{}", harness.screen());
    receive(&mut harness, stream, 950, &[&delta(" And more.")]);
    harness.wait(Duration::from_millis(400));
    assert!(harness.screen().contains("5 events"), "{}", harness.screen());
    receive(&mut harness, stream, 1034, &[COMPLETED]);
    assert!(harness.screen().contains("6 events"), "{}", harness.screen());
}

/// A request refused with a body and headers, then one that is answered slowly.
fn refused_then_slow(width: u16, height: u16) -> Harness {
    let mut harness = Harness::new(width, height);
    let stream = harness.send_prompt("Why?");
    let request = request_frame(&harness);
    let head = |status: u16, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        FrameContent::Answered(Box::new(ResponseHead { status, headers }))
    };
    let error_headers =
        [("content-type", "application/json"), ("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0")];
    let body = r#"{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"raw":"slow \u001b[31m down"}}}"#;
    let at = |milliseconds: i64| later("2026-11-22T14:02:00Z".parse().expect("a time"), milliseconds);
    let pieces = vec![
        request.clone(),
        RecordedFrame::new(at(80), head(429, &error_headers)),
        RecordedFrame::new(at(81), FrameContent::Received(body.into())),
        RecordedFrame::new(at(81), FrameContent::Failed("429 Rate limit exceeded".into())),
    ];
    harness.send(Msg::WireRecorded { stream, pieces });
    harness.end_stream(
        stream,
        Err(api::ApiError { status: Some(429), ..api::ApiError::new(FaultKind::Rate, "Rate limit exceeded") }),
    );
    harness.wait(Duration::from_secs(3));
    let again = harness.opened_streams().first().map(|(stream, _)| *stream).expect("the request is sent again");
    let stream_headers = [("content-type", "text/event-stream"), ("x-generation-id", "gen-1790000001-Abc")];
    let pieces = vec![
        request,
        RecordedFrame::new(at(3200), head(200, &stream_headers)),
        RecordedFrame::new(at(3300), FrameContent::Comment("OPENROUTER PROCESSING".into())),
        RecordedFrame::new(at(5300), FrameContent::Comment("".into())),
        RecordedFrame::new(at(6100), FrameContent::Received(CREATED.into())),
    ];
    harness.send(Msg::WireRecorded { stream: again, pieces });
    harness
}

#[test]
fn error_bodies_and_comments_are_shown_with_their_times() {
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
    let saved: serde_json::Value =
        serde_json::from_str(saved.expect("the recording is saved")).expect("the file is JSON");
    assert_eq!((&saved[1]["answered"]["status"], &saved[2]["received"]["error"]["code"]), (&429.into(), &429.into()));
    assert_eq!(saved[6]["comment"], "OPENROUTER PROCESSING");
}

#[test]
fn a_recording_in_progress_is_saved_with_each_checkpoint() {
    let (mut harness, stream) = running_answer(120, 40);
    let written = |harness: &mut Harness| -> Vec<usize> {
        let saves = harness.effects().into_iter().filter_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
            _ => None,
        });
        saves
            .flatten()
            .filter_map(|change| {
                if let ConversationChange::RecordingChunk { chunk, .. } = change {
                    Some(chunk.frames.len())
                } else {
                    None
                }
            })
            .collect()
    };
    assert_eq!(written(&mut harness), [1], "the request when it is sent");
    harness.wait(Duration::from_secs(1));
    assert_eq!(written(&mut harness), [4], "the frames received since");
    receive(&mut harness, stream, 2000, &[&delta(" More.")]);
    assert_eq!(written(&mut harness), [0_usize; 0]);
    harness.wait(Duration::from_secs(1));
    assert_eq!(written(&mut harness), [1]);
}

#[test]
fn an_event_opens_in_full_and_escape_goes_back_step_by_step() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
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
fn a_search_ignores_case_unless_it_has_a_capital() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
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
    assert!(harness.screen().contains("1 of 4"), "the search wraps around");
    harness.press("N enter");
    let opened = harness.screen();
    assert!(opened.contains("response.completed  +1.034 s") && opened.contains("1 of 1"), "{opened}");
    harness.press("esc esc");
    assert!(harness.screen().contains("5 events"), "{}", harness.screen());
}

#[test]
fn letters_typed_into_the_search_are_not_commands() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
    harness.press("/");
    harness.enter_text("scn");
    assert!(harness.effects().is_empty());
    harness.press("ctrl-u");
    harness.paste("deltas\n");
    assert!(harness.screen().contains("nothing found"), "{}", harness.screen());
}

#[test]
fn the_request_is_copied_as_a_command_that_takes_the_key_from_the_environment() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
    harness.press("c");
    insta::assert_snapshot!(copied_text(&mut harness).expect("the command is copied"), @r#"
    curl --no-buffer 'https://openrouter.ai/api/v1/responses' \
      --header 'user-agent: ibid/0.1.0' \
      --header 'authorization: Bearer '"$OPENROUTER_API_KEY" \
      --header 'content-type: application/json' \
      --data-raw '{"model":"openai/gpt-5.6-luna","input":[{"role":"user","content":"it'\''s \u001b[31m why"}],"stream":true,"store":false,"include":["reasoning.encrypted_content"]}'
    "#);
}

#[test]
fn the_recording_is_saved_as_json_under_its_own_name_and_the_path_is_shown() {
    let mut harness = finished_answer(120, 40);
    open_xray(&mut harness);
    harness.press("s");
    let saved = harness.effects().into_iter().find_map(|effect| match effect {
        Effect::SaveFile { stem, extension, text } => Some((stem, extension, text)),
        _ => None,
    });
    let (stem, extension, text) = saved.expect("the recording is saved");
    let answer = harness.current_answer().expect("an answer");
    assert_eq!((stem, extension), (format!("ibid-xray-{answer}"), "json"));
    let pieces: serde_json::Value = serde_json::from_str(&text).expect("the file is JSON");
    assert_eq!(pieces.as_array().map(Vec::len), Some(6));
    assert_eq!(pieces[0]["sent"]["body"]["model"], "openai/gpt-5.6-luna");
    assert_eq!(pieces[5]["received"]["type"], "response.completed");
    assert_eq!(pieces[5]["at"], "2026-11-22T14:02:01.034Z");
    harness.send(Msg::FileSaved(Ok("/home/me/ibid-xray-1.json".into())));
    harness.press("esc");
    assert!(harness.screen().contains("saved as /home/me/ibid-xray-1.json"), "{}", harness.screen());
}

#[test]
fn without_a_recording_the_overlay_explains_why() {
    let mut harness = Harness::new(120, 40);
    harness.press("ctrl-x x");
    assert!(harness.screen().contains("there is no answer to inspect yet"), "{}", harness.screen());

    let stream = harness.send_prompt("Why?");
    harness.stream_answer(stream, "So.");
    open_xray(&mut harness);
    assert!(harness.screen().contains("Nothing was recorded for this answer."), "{}", harness.screen());

    let mut options = default_start(120, 40);
    options.config.xray.record = false;
    let mut harness = Harness::with_start(options);
    harness.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
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
    let answer = harness.current_answer().expect("an answer");
    harness.store_reply(StoreReply::Recording { message: answer, result: Ok(None) });
    assert!(harness.screen().contains("recording is off"), "{}", harness.screen());
}

#[test]
fn a_long_recording_keeps_its_beginning_and_its_end_and_counts_what_is_missing() {
    let (mut harness, stream) = running_answer(120, 40);
    harness.env_mut().config.xray.max_bytes = 8192;
    harness.chats_mut().recordings.clear();
    let request = request_frame(&harness);
    harness.send(Msg::WireRecorded { stream, pieces: vec![request] });
    for number in 0..500 {
        receive(&mut harness, stream, 1000 + number, &[&delta(&format!("word {number} "))]);
    }
    let growing: Vec<_> = harness.chats().recordings.values().map(|growing| &growing.recording).collect();
    let bytes = serde_json::to_string(&growing).expect("JSON").len();
    assert!(bytes < 9000, "{bytes}");
    harness.press("ctrl-x x");
    harness.press("/");
    harness.enter_text("were not recorded");
    let screen = harness.screen();
    assert!(screen.contains("more events") && screen.contains("1 of 1"), "{screen}");
    harness.press("enter esc G");
    assert!(harness.screen().contains("word 499"), "{}", harness.screen());
}

#[test]
fn the_overlay_draws_at_every_size() {
    for (width, height) in [(40, 10), (41, 11), (60, 12), (80, 24), (200, 60), (30, 5)] {
        let mut harness = finished_answer(width, height);
        open_xray(&mut harness);
        harness.press("/");
        harness.enter_text("delta");
        harness.press("enter enter");
        harness.resize(width / 2 + 21, height + 3);
        harness.press("esc G enter");
        harness.press("esc esc esc");
    }
}
