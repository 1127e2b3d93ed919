//! The bounded recording of an answer's traffic, stored beside the answer.

use ibid::{
    api::SentRequest,
    chat::{
        AnswerEnd, ConversationChange, ItemSlot, RecordingInProgress, WireRecording,
        recording::{FrameContent, RecordedFrame},
    },
    store::{StoreJob, StoreReply},
    tools::{ToolContent, ToolOutcome},
};

use super::test_database::{
    StoreRun, TestDatabase, answer, empty_answer, header, message_id, prompt, timestamp, write_header, write_message,
};

const MAX_BYTES: usize = 64 * 1024;

pub fn recording(events: usize) -> WireRecording {
    let sent = SentRequest {
        url: "https://openrouter.ai/api/v1/responses".into(),
        headers: vec![("authorization".into(), "Bearer $OPENROUTER_API_KEY".into())],
        body: r#"{"model":"a/b","input":[]}"#.into(),
        variable: "OPENROUTER_API_KEY".into(),
    };
    let mut recording = WireRecording::new(MAX_BYTES);
    recording.push(RecordedFrame::new(timestamp(0), FrameContent::Sent(Box::new(sent))));
    for number in 0..events {
        let payload = format!(r#"{{"type":"response.output_text.delta","delta":"{number} é"}}"#);
        recording.push(RecordedFrame::new(timestamp(1), FrameContent::Received(payload.into())));
    }
    recording.push(RecordedFrame::new(timestamp(2), FrameContent::Failed("the connection broke".into())));
    recording
}

pub fn recording_change(n: u128, recording: &WireRecording, most_in_all: u64) -> ConversationChange {
    ConversationChange::Recording {
        message: message_id(n),
        recording: Box::new(recording.clone()),
        max_total_bytes: most_in_all,
    }
}

pub fn load_recording(run: &StoreRun, n: u128) -> Option<WireRecording> {
    run.send(StoreJob::LoadRecording(message_id(n)));
    match run.reply() {
        StoreReply::Recording { message, result } => {
            assert_eq!(message, message_id(n));
            result.expect("the database works").map(|found| *found)
        }
        other => panic!("unexpected reply to a request for a recording: {other:?}"),
    }
}

pub fn load_outcome(run: &StoreRun, n: u128, slot: ItemSlot) -> Option<ToolOutcome> {
    run.send(StoreJob::LoadOutcome { message: message_id(n), slot });
    match run.reply() {
        StoreReply::Outcome { message, slot: of, result } => {
            assert_eq!((message, of), (message_id(n), slot));
            result.expect("the database works").map(|found| *found)
        }
        other => panic!("unexpected reply to a request for an outcome: {other:?}"),
    }
}

#[test]
fn a_recording_survives_a_restart_unchanged() {
    let disk = TestDatabase::new();
    let (first, second) = (recording(20), recording(3));
    disk.open().save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Complete))),
        recording_change(2, &first, 1 << 20),
    ]);
    let run = disk.open();
    assert_eq!(load_recording(&run, 2), Some(first));
    assert_eq!(load_recording(&run, 3), None);
    run.save_ok(vec![recording_change(2, &second, 1 << 20)]);
    assert_eq!(load_recording(&run, 2), Some(second));
}

#[test]
fn the_oldest_recordings_are_deleted_when_all_together_are_too_large() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let one = recording(50);
    let bytes = serde_json::to_string(&one).expect("JSON").len() as u64;
    for n in 1..=5 {
        run.save_ok(vec![recording_change(n, &one, 3 * bytes + bytes / 2)]);
    }
    let there: Vec<u128> = (1..=5).filter(|n| load_recording(&run, *n).is_some()).collect();
    assert_eq!(there, [3, 4, 5]);
    // A recording that is written again becomes the newest.
    run.save_ok(vec![
        recording_change(3, &one, 3 * bytes + bytes / 2),
        recording_change(6, &one, 3 * bytes + bytes / 2),
    ]);
    let there: Vec<u128> = (1..=6).filter(|n| load_recording(&run, *n).is_some()).collect();
    assert_eq!(there, [3, 5, 6]);
    run.save_ok(vec![recording_change(7, &one, bytes - 1)]);
    assert!((1..=7).all(|n| load_recording(&run, n).is_none()), "a recording larger than the limit is not saved");
}

/// Adds frames to a recording in progress and returns the change that saves them, in at most `most` bytes.
fn chunk_change(growing: &mut RecordingInProgress, pieces: &[RecordedFrame], most: usize) -> ConversationChange {
    for piece in pieces {
        growing.push(piece.clone());
    }
    ConversationChange::RecordingChunk { message: message_id(2), chunk: growing.take_chunk(), max_bytes: most }
}

fn chunk_rows(disk: &TestDatabase) -> u32 {
    disk.connect().query_row("select count(*) from recorded", [], |row| row.get(0)).expect("a number")
}

#[test]
fn a_killed_run_leaves_the_recording_saved_so_far() {
    let disk = TestDatabase::new();
    let whole = recording(6);
    let pieces: Vec<RecordedFrame> = whole.frames().cloned().collect();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, prompt(1, "why")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open))),
    ]);
    let mut growing = RecordingInProgress::new(MAX_BYTES);
    run.save_ok(vec![chunk_change(&mut growing, &pieces[..1], MAX_BYTES)]);
    run.save_ok(vec![chunk_change(&mut growing, &pieces[1..5], MAX_BYTES)]);
    assert_eq!(load_recording(&run, 2).expect("it can be loaded while it grows").frames().count(), 5);
    drop(run);
    let run = disk.open();
    let left = load_recording(&run, 2).expect("the recording was saved");
    let left: Vec<RecordedFrame> = left.frames().cloned().collect();
    assert_eq!(left[..5], pieces[..5]);
    assert!(matches!(&left[5].what, FrameContent::Failed(why) if why.contains("the program ended")), "{:?}", left[5]);
    assert_eq!((left.len(), chunk_rows(&disk)), (6, 0));
}

#[test]
fn a_run_killed_during_a_long_answer_leaves_its_request_and_the_last_events() {
    const MAX_BYTES: usize = 20_000;
    let disk = TestDatabase::new();
    let pieces: Vec<RecordedFrame> = recording(2000).frames().cloned().collect();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, prompt(1, "why")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open))),
    ]);
    let mut growing = RecordingInProgress::new(MAX_BYTES);
    for some in pieces.chunks(20) {
        run.save_ok(vec![chunk_change(&mut growing, some, MAX_BYTES)]);
    }
    let bytes: i64 =
        disk.connect().query_row("select sum(length(pieces)) from recorded", [], |row| row.get(0)).expect("a number");
    let bytes = usize::try_from(bytes).expect("the sum is not negative");
    assert!(bytes < 2 * MAX_BYTES, "the disk holds at most twice the limit: {bytes}");
    drop(run);
    let left = load_recording(&disk.open(), 2).expect("the recording was saved");
    let frames: Vec<RecordedFrame> = left.frames().cloned().collect();
    assert_eq!(frames[0], pieces[0], "the request");
    assert_eq!(frames[frames.len() - 2], pieces[pieces.len() - 1], "the last event");
    assert!(matches!(&frames[frames.len() - 1].what, FrameContent::Failed(_)));
    assert_eq!(left.dropped.pieces + frames.len(), pieces.len() + 1, "the missing frames are counted");
}

#[test]
fn a_complete_recording_replaces_its_chunks() {
    let disk = TestDatabase::new();
    let whole = recording(6);
    let pieces: Vec<RecordedFrame> = whole.frames().cloned().collect();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open))),
        chunk_change(&mut RecordingInProgress::new(MAX_BYTES), &pieces[..3], MAX_BYTES),
    ]);
    run.save_ok(vec![
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Complete))),
        recording_change(2, &whole, 1 << 20),
    ]);
    assert_eq!((load_recording(&run, 2), chunk_rows(&disk)), (Some(whole), 0));
}

#[test]
fn the_full_result_of_a_tool_survives_a_restart() {
    let disk = TestDatabase::new();
    let slot = |step, index| ItemSlot { step, index };
    let outcome = ToolOutcome {
        content: vec![
            ToolContent::Text(format!("{}\u{0}é\u{1b}[31m", "a line of it\n".repeat(400_000))),
            ToolContent::Structured(serde_json::json!({ "z": 1, "a": [null, 1.5] })),
        ],
        failed: true,
    };
    let change =
        ConversationChange::CallResult { message: message_id(2), slot: slot(1, 3), outcome: Box::new(outcome.clone()) };
    disk.open().save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Complete))),
        change,
    ]);
    let run = disk.open();
    assert_eq!(load_outcome(&run, 2, slot(1, 3)), Some(outcome));
    assert_eq!(load_outcome(&run, 2, slot(3, 1)), None);
}
