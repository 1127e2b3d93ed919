//! What went over the wire is kept beside an answer, within bounds.

use ibid::{
    api::Sent,
    chat::{
        Change, End, Growing, Recording, Slot,
        recording::{Piece, What},
    },
    store::{Job, Reply},
    tools::{Content, Outcome},
};

use super::disk::{Disk, Run, answer, at, begin, conversation_id, empty, header, message_id, prompt, write};

const ROOM: usize = 64 * 1024;

fn recording(events: usize) -> Recording {
    let sent = Sent {
        url: "https://openrouter.ai/api/v1/responses".into(),
        headers: vec![("authorization".into(), "Bearer $OPENROUTER_API_KEY".into())],
        body: r#"{"model":"a/b","input":[]}"#.into(),
        variable: "OPENROUTER_API_KEY".into(),
    };
    let mut recording = Recording::new(ROOM);
    recording.push(Piece::new(at(0), What::Sent(Box::new(sent))));
    for number in 0..events {
        let payload = format!(r#"{{"type":"response.output_text.delta","delta":"{number} é"}}"#);
        recording.push(Piece::new(at(1), What::Received(payload.into())));
    }
    recording.push(Piece::new(at(2), What::Failed("the connection broke".into())));
    recording
}

fn record(n: u128, recording: &Recording, most_in_all: u64) -> Change {
    Change::Recording { message: message_id(n), recording: Box::new(recording.clone()), most_in_all }
}

fn kept(run: &Run, n: u128) -> Option<Recording> {
    run.send(Job::Recording(message_id(n)));
    match run.reply() {
        Reply::Recording { message, result } => {
            assert_eq!(message, message_id(n));
            result.expect("the database works").map(|found| *found)
        }
        other => panic!("a recording is answered as one, not by {other:?}"),
    }
}

#[test]
fn a_recording_comes_back_whole_after_a_restart_and_others_have_none() {
    let disk = Disk::new();
    let (first, second) = (recording(20), recording(3));
    disk.open().saved(vec![
        begin(header(1, "a")),
        write(1, answer(2, 1, empty(End::Complete))),
        record(2, &first, 1 << 20),
    ]);
    let run = disk.open();
    assert_eq!(kept(&run, 2), Some(first));
    assert_eq!(kept(&run, 3), None);
    run.saved(vec![record(2, &second, 1 << 20)]);
    assert_eq!(kept(&run, 2), Some(second));
}

#[test]
fn the_oldest_go_when_all_together_take_too_much() {
    let disk = Disk::new();
    let run = disk.open();
    let one = recording(50);
    let bytes = serde_json::to_string(&one).expect("JSON").len() as u64;
    for n in 1..=5 {
        run.saved(vec![record(n, &one, 3 * bytes + bytes / 2)]);
    }
    let there: Vec<u128> = (1..=5).filter(|n| kept(&run, *n).is_some()).collect();
    assert_eq!(there, [3, 4, 5]);
    // Written anew it is the newest.
    run.saved(vec![record(3, &one, 3 * bytes + bytes / 2), record(6, &one, 3 * bytes + bytes / 2)]);
    let there: Vec<u128> = (1..=6).filter(|n| kept(&run, *n).is_some()).collect();
    assert_eq!(there, [3, 5, 6]);
    run.saved(vec![record(7, &one, bytes - 1)]);
    assert!((1..=7).all(|n| kept(&run, n).is_none()), "one that is too large for all the room is not kept");
}

#[test]
fn a_database_from_before_recordings_gets_a_place_for_them_and_keeps_the_rest() {
    let disk = Disk::new();
    disk.open().saved(vec![begin(header(1, "old")), write(1, answer(2, 1, empty(End::Complete)))]);
    let old = disk.connect();
    let second =
        "alter table message drop column bills; drop index message_spent; alter table message drop column course;
        drop table recorded; drop table recording; drop table outcome; alter table message drop column runs;
        pragma user_version = 2;";
    old.execute_batch(second).expect("as the second version left it");
    drop(old);
    let run = disk.open();
    assert_eq!(run.titles(), ["old"]);
    assert_eq!(run.load(conversation_id(1)).expect("the conversation").messages.len(), 1);
    run.saved(vec![record(2, &recording(1), 1 << 20)]);
    assert_eq!(kept(&run, 2), Some(recording(1)));
}

/// Pieces of a recording that grows, as they go to the disk, with room for so many bytes.
fn recorded(growing: &mut Growing, pieces: &[Piece], most: usize) -> Change {
    for piece in pieces {
        growing.push(piece.clone());
    }
    Change::Recorded { message: message_id(2), chunk: growing.take(), most }
}

fn unsettled(disk: &Disk) -> u32 {
    disk.connect().query_row("select count(*) from recorded", [], |row| row.get(0)).expect("a number")
}

#[test]
fn a_run_that_is_killed_leaves_what_was_written_of_its_recording() {
    let disk = Disk::new();
    let whole = recording(6);
    let pieces: Vec<Piece> = whole.pieces().cloned().collect();
    let run = disk.open();
    run.saved(vec![begin(header(1, "a")), write(1, prompt(1, "why")), write(1, answer(2, 1, empty(End::Open)))]);
    let mut growing = Growing::new(ROOM);
    run.saved(vec![recorded(&mut growing, &pieces[..1], ROOM)]);
    run.saved(vec![recorded(&mut growing, &pieces[1..5], ROOM)]);
    assert_eq!(kept(&run, 2).expect("it can be looked at").pieces().count(), 5);
    drop(run);
    let run = disk.open();
    let left = kept(&run, 2).expect("it was left");
    let left: Vec<Piece> = left.pieces().cloned().collect();
    assert_eq!(left[..5], pieces[..5]);
    assert!(matches!(&left[5].what, What::Failed(why) if why.contains("the program ended")), "{:?}", left[5]);
    assert_eq!((left.len(), unsettled(&disk)), (6, 0));
}

#[test]
fn a_run_that_is_killed_after_a_long_answer_leaves_its_request_and_the_last_that_came() {
    const ROOM: usize = 20_000;
    let disk = Disk::new();
    let pieces: Vec<Piece> = recording(2000).pieces().cloned().collect();
    let run = disk.open();
    run.saved(vec![begin(header(1, "a")), write(1, prompt(1, "why")), write(1, answer(2, 1, empty(End::Open)))]);
    let mut growing = Growing::new(ROOM);
    for some in pieces.chunks(20) {
        run.saved(vec![recorded(&mut growing, some, ROOM)]);
    }
    let bytes: i64 =
        disk.connect().query_row("select sum(length(pieces)) from recorded", [], |row| row.get(0)).expect("a number");
    let bytes = usize::try_from(bytes).expect("a few");
    assert!(bytes < 2 * ROOM, "the disk keeps no more than it shows: {bytes}");
    drop(run);
    let left = kept(&disk.open(), 2).expect("it was left");
    let kept: Vec<Piece> = left.pieces().cloned().collect();
    assert_eq!(kept[0], pieces[0], "the request");
    assert_eq!(kept[kept.len() - 2], pieces[pieces.len() - 1], "the last that came");
    assert!(matches!(&kept[kept.len() - 1].what, What::Failed(_)));
    assert_eq!(left.dropped.pieces + kept.len(), pieces.len() + 1, "and what is missing is counted");
}

#[test]
fn a_whole_recording_takes_the_place_of_what_was_written_on_the_way() {
    let disk = Disk::new();
    let whole = recording(6);
    let pieces: Vec<Piece> = whole.pieces().cloned().collect();
    let run = disk.open();
    run.saved(vec![
        begin(header(1, "a")),
        write(1, answer(2, 1, empty(End::Open))),
        recorded(&mut Growing::new(ROOM), &pieces[..3], ROOM),
    ]);
    run.saved(vec![write(1, answer(2, 1, empty(End::Complete))), record(2, &whole, 1 << 20)]);
    assert_eq!((kept(&run, 2), unsettled(&disk)), (Some(whole), 0));
}

#[test]
fn all_that_a_tool_gave_back_comes_back_whole_after_a_restart() {
    let disk = Disk::new();
    let slot = |step, index| Slot { step, index };
    let outcome = Outcome {
        content: vec![
            Content::Text(format!("{}\u{0}é\u{1b}[31m", "a line of it\n".repeat(400_000))),
            Content::Structured(serde_json::json!({ "z": 1, "a": [null, 1.5] })),
        ],
        failed: true,
    };
    let change = Change::Outcome { message: message_id(2), slot: slot(1, 3), outcome: Box::new(outcome.clone()) };
    disk.open().saved(vec![begin(header(1, "a")), write(1, answer(2, 1, empty(End::Complete))), change]);
    let run = disk.open();
    let kept = |step, index| {
        run.send(Job::Outcome { message: message_id(2), slot: slot(step, index) });
        match run.reply() {
            Reply::Outcome { message, slot: of, result } => {
                assert_eq!((message, of), (message_id(2), slot(step, index)));
                result.expect("the database works").map(|found| *found)
            }
            other => panic!("an outcome is answered as one, not by {other:?}"),
        }
    };
    assert_eq!(kept(1, 3), Some(outcome));
    assert_eq!(kept(3, 1), None);
}
