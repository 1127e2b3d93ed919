//! Two instances on one database, and an instance that is killed.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use ibid::{
    api::{
        Event,
        event::{ItemField, ItemRef, TextTarget},
    },
    chat::{AnswerEnd, ConversationChange, ItemSlot, ToolCallRun, ToolCallState, journal::AnswerJournal},
    store::{StoreJob, StoreReply},
    tools::{ToolId, ToolOutcome},
};

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, empty_answer, header, message_id, prompt, timestamp, write_header,
    write_message,
};

fn journal_change(text: &str) -> ConversationChange {
    let place = TextTarget { item_ref: ItemRef::Index(0), field: ItemField::Text(0) };
    let mut journal = AnswerJournal::default();
    journal.push(0, timestamp(11), &Event::Delta { target: place, text: text.into() });
    ConversationChange::Journal { message: message_id(2), chunk: journal.take().expect("a line") }
}

/// Starts an answer and saves two checkpoints of it.
fn save_partial_answer(run: &StoreRun) {
    run.save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, prompt(1, "why")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open))),
        ConversationChange::Draft { conversation: conversation_id(1), text: "meanwhile".into() },
    ]);
    run.save_ok(vec![journal_change("Because ")]);
    run.save_ok(vec![journal_change("of \u{1f980}\n")]);
}

/// Returns the end of the answer and its text.
fn answer_state(run: &StoreRun) -> (AnswerEnd, String) {
    let loaded = run.load(conversation_id(1)).expect("the conversation");
    assert_eq!(loaded.draft, "meanwhile");
    assert_eq!(loaded.messages.len(), 2);
    let answer = loaded.messages[&message_id(2)].as_answer().expect("an answer").clone();
    (answer.end.clone(), answer.text())
}

fn growth_rows(disk: &TestDatabase) -> u32 {
    disk.connect().query_row("select count(*) from growth", [], |row| row.get(0)).expect("a number")
}

#[test]
fn an_unfinished_answer_is_interrupted_at_the_next_start_and_keeps_its_text() {
    let disk = TestDatabase::new();
    save_partial_answer(&disk.open());
    let run = disk.open();
    assert!(run.newest[0].failed, "the list shows the failure");
    assert_eq!(answer_state(&run), (AnswerEnd::Interrupted, "Because of \u{1f980}\n".into()));
    assert_eq!(growth_rows(&disk), 0);
    drop(run);
    assert_eq!(
        answer_state(&disk.open()),
        (AnswerEnd::Interrupted, "Because of \u{1f980}\n".into()),
        "the interruption was saved"
    );
}

#[test]
fn what_became_of_a_call_is_saved_alone_and_survives_the_end_of_its_run() {
    let disk = TestDatabase::new();
    let slot = |index| ItemSlot { step: 0, index };
    let run = |state| ToolCallRun {
        tool: Some(ToolId::new("notes", "read")),
        arguments: serde_json::json!({ "n": 1 }),
        edited: false,
        state,
        started_at: Some(timestamp(11)),
        ended_at: None,
        progress: None,
        full_size: None,
    };
    let mut open = empty_answer(AnswerEnd::Open);
    open.call_runs = (0..3).map(|index| (slot(index), run(ToolCallState::Running))).collect();
    let first = disk.open();
    first.save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, prompt(1, "why")),
        write_message(1, answer(2, 1, open)),
    ]);
    let ended = |index, state| ConversationChange::CallRun {
        message: message_id(2),
        slot: slot(index),
        run: Box::new(run(state)),
    };
    first.save_ok(vec![ended(0, ToolCallState::Done(ToolOutcome::text("alpha"))), ended(1, ToolCallState::Asking)]);
    first.save_ok(vec![ended(1, ToolCallState::Denied { reason: None })]);
    let states = |run: &StoreRun| -> Vec<&'static str> {
        let loaded = run.load(conversation_id(1)).expect("the conversation");
        let answer = loaded.messages[&message_id(2)].as_answer().expect("an answer");
        answer.call_runs.values().map(|run| run.state.label()).collect()
    };
    assert_eq!(states(&first), ["done", "denied", "running"]);
    drop(first);
    assert_eq!(states(&disk.open()), ["done", "denied", "cancelled"]);
    let rows: u32 = disk.connect().query_row("select count(*) from call_run", [], |row| row.get(0)).expect("a number");
    assert_eq!(rows, 0, "they are in the row of the message");
}

#[test]
fn an_unfinished_answer_without_text_is_interrupted_too() {
    let disk = TestDatabase::new();
    disk.open().save_ok(vec![
        write_header(header(1, "a")),
        write_message(1, prompt(1, "why")),
        write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open))),
    ]);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    let message = &loaded.messages[&message_id(2)];
    let answer = message.as_answer().expect("an answer");
    assert_eq!((answer.end.clone(), answer.ended_at, message.rev), (AnswerEnd::Interrupted, Some(timestamp(10)), 8));
}

#[test]
fn a_finished_answer_drops_its_journal() {
    let disk = TestDatabase::new();
    let run = disk.open();
    save_partial_answer(&run);
    assert_eq!(growth_rows(&disk), 2);
    run.save_ok(vec![write_message(1, answer(2, 1, empty_answer(AnswerEnd::Complete)))]);
    assert_eq!(growth_rows(&disk), 0);
    drop(run);
    assert_eq!(answer_state(&disk.open()).0, AnswerEnd::Complete);
}

#[test]
fn an_answer_streamed_by_another_instance_is_left_alone_until_that_instance_ends() {
    let disk = TestDatabase::new();
    let one = disk.open();
    save_partial_answer(&one);
    let other = disk.open();
    assert!(!other.newest[0].failed);
    assert_eq!(answer_state(&other), (AnswerEnd::Open, "Because of \u{1f980}\n".into()));
    one.save_ok(vec![journal_change("And more")]);
    assert_eq!(answer_state(&other), (AnswerEnd::Open, "Because of \u{1f980}\nAnd more".into()));
    drop(one);
    assert_eq!(answer_state(&other), (AnswerEnd::Interrupted, "Because of \u{1f980}\nAnd more".into()));
    assert!(other.list()[0].failed);
}

/// As on a disk without locks: other instances may consider the answer abandoned, but not this run.
#[test]
fn a_run_that_cannot_create_its_marker_still_knows_its_own_answers() {
    let disk = TestDatabase::new();
    let run = disk.open();
    std::fs::write(disk.folder.join("data/ibid.db-running"), "no folder").expect("a file");
    save_partial_answer(&run);
    assert_eq!(answer_state(&run).0, AnswerEnd::Open);
    drop(run);
    assert_eq!(answer_state(&disk.open()).0, AnswerEnd::Interrupted);
}

#[test]
fn the_markers_of_dead_runs_are_removed() {
    let disk = TestDatabase::new();
    let marks = || std::fs::read_dir(disk.folder.join("data/ibid.db-running")).expect("a folder").count();
    let one = disk.open();
    save_partial_answer(&one);
    assert_eq!(marks(), 1);
    // A marker without a lock, as a killed run leaves it.
    std::fs::write(disk.folder.join("data/ibid.db-running/0199-dead"), "").expect("a file");
    drop(one);
    assert_eq!(marks(), 1);
    drop(disk.open());
    assert_eq!(marks(), 0);
}

#[test]
fn two_instances_write_at_once_without_loss() {
    let disk = TestDatabase::new();
    let mut runs = [disk.open(), disk.open()];
    thread::scope(|scope| {
        for (half, run) in (0_u128..).zip(&mut runs) {
            scope.spawn(move || {
                for n in 0..100 {
                    let id = 1 + 2 * n + half;
                    run.save_ok(vec![
                        write_header(header(id, "x")),
                        write_message(id, prompt(1000 + id, &format!("prompt {id}"))),
                    ]);
                }
            });
        }
    });
    for run in &runs {
        assert_eq!((run.list().len(), run.prompts().len()), (200, 200));
    }
}

#[test]
fn instances_that_start_together_can_all_open_a_new_file() {
    let disk = TestDatabase::new();
    thread::scope(|scope| {
        for n in 1..=8 {
            let disk = &disk;
            scope.spawn(move || disk.open().save_ok(vec![write_header(header(n, "x"))]));
        }
    });
    assert_eq!(disk.open().total, 8);
}

/// Runs this test again in another process: only when a process ends does the system release its locks.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test starts another process of itself")]
fn a_killed_program_leaves_the_prompt_and_an_interrupted_answer() {
    const FOLDER: &str = "IBID_TEST_KILLED_IN";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let run = TestDatabase::in_folder(folder.as_ref()).open();
        save_partial_answer(&run);
        println!("\nstreaming");
        let _ = std::io::stdin().read(&mut [0]); // Blocks until this process is killed.
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "store::instances::a_killed_program_leaves_the_prompt_and_an_interrupted_answer",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    assert!(output.lines().map_while(Result::ok).any(|line| line == "streaming"), "the child streams");
    let run = TestDatabase::in_folder(folder.path()).open();
    assert_eq!(answer_state(&run), (AnswerEnd::Open, "Because of \u{1f980}\n".into()), "the child is alive");
    child.kill().expect("the child can be killed");
    child.wait().expect("the child can be waited for");
    assert_eq!(answer_state(&run), (AnswerEnd::Interrupted, "Because of \u{1f980}\n".into()));
    assert_eq!(run.prompts(), ["why"]);
}

#[test]
fn two_instances_count_the_uses_of_a_command_together() {
    let database = TestDatabase::new();
    let (one, other) = (database.open(), database.open());
    for run in [&one, &other, &one] {
        run.send(StoreJob::CountUse("theme".into()));
        run.uses();
    }
    one.send(StoreJob::CountUse("find".into()));
    assert_eq!(one.uses(), [("find".to_owned(), 1), ("theme".to_owned(), 3)]);
    drop((one, other));
    assert_eq!(database.open().uses().len(), 2);
}

#[test]
fn what_another_instance_writes_is_noticed_once_and_what_this_one_writes_is_not() {
    let disk = TestDatabase::new();
    let (one, other) = (disk.open(), disk.open());
    let has_changed = |run: &StoreRun| {
        run.send(StoreJob::LookForChanges);
        run.send(StoreJob::ListConversations);
        let is_changed = matches!(run.reply(), StoreReply::ChangedElsewhere);
        if is_changed {
            run.reply(); // The list.
        }
        is_changed
    };
    has_changed(&one); // The other one may have written while it opened the database.
    assert!(!has_changed(&one));
    one.save_ok(vec![write_header(header(1, "a"))]);
    assert_eq!((has_changed(&one), has_changed(&other)), (false, true));
    assert!(!has_changed(&other));
    other.save_ok(vec![ConversationChange::Trash(conversation_id(1))]);
    assert_eq!((has_changed(&one), one.titles()), (true, vec![]));
}
