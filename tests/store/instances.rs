//! Two programs on one database, and one that was killed.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use ibid::{
    api::{
        Event,
        event::{At, Field, Place},
    },
    chat::{Change, End, journal::Journal},
};

use super::disk::{Disk, Run, answer, at, begin, conversation_id, empty, header, message_id, prompt, write};

fn grow(text: &str) -> Change {
    let place = Place { at: At::Index(0), field: Field::Text(0) };
    let mut journal = Journal::default();
    journal.push(0, at(11), &Event::Delta { place, text: text.into() });
    Change::Growth { message: message_id(2), growth: journal.take().expect("a line") }
}

/// Begins an answer and lets two seconds of it come.
fn stream(run: &Run) {
    run.saved(vec![
        begin(header(1, "a")),
        write(1, prompt(1, "why")),
        write(1, answer(2, 1, empty(End::Open))),
        Change::Draft { conversation: conversation_id(1), text: "meanwhile".into() },
    ]);
    run.saved(vec![grow("Because ")]);
    run.saved(vec![grow("of \u{1f980}\n")]);
}

/// How the answer stands, and its text.
fn state(run: &Run) -> (End, String) {
    let loaded = run.load(conversation_id(1)).expect("the conversation");
    assert_eq!(loaded.draft, "meanwhile");
    assert_eq!(loaded.messages.len(), 2);
    let answer = loaded.messages[&message_id(2)].answer().expect("an answer").clone();
    (answer.end.clone(), answer.text())
}

fn growth_rows(disk: &Disk) -> u32 {
    disk.connect().query_row("select count(*) from growth", [], |row| row.get(0)).expect("a number")
}

#[test]
fn an_answer_that_was_never_settled_is_interrupted_at_the_next_start_with_all_that_came() {
    let disk = Disk::new();
    stream(&disk.open());
    let run = disk.open();
    assert!(run.newest[0].failed, "the list tells of it");
    assert_eq!(state(&run), (End::Interrupted, "Because of \u{1f980}\n".into()));
    assert_eq!(growth_rows(&disk), 0);
    drop(run);
    assert_eq!(state(&disk.open()), (End::Interrupted, "Because of \u{1f980}\n".into()), "it is settled now");
}

#[test]
fn an_answer_of_which_nothing_came_is_interrupted_too() {
    let disk = Disk::new();
    disk.open().saved(vec![
        begin(header(1, "a")),
        write(1, prompt(1, "why")),
        write(1, answer(2, 1, empty(End::Open))),
    ]);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    let message = &loaded.messages[&message_id(2)];
    let answer = message.answer().expect("an answer");
    assert_eq!((answer.end.clone(), answer.ended, message.rev), (End::Interrupted, Some(at(10)), 8));
}

#[test]
fn a_settled_answer_forgets_its_growth() {
    let disk = Disk::new();
    let run = disk.open();
    stream(&run);
    assert_eq!(growth_rows(&disk), 2);
    run.saved(vec![write(1, answer(2, 1, empty(End::Complete)))]);
    assert_eq!(growth_rows(&disk), 0);
    drop(run);
    assert_eq!(state(&disk.open()).0, End::Complete);
}

#[test]
fn an_answer_that_another_living_instance_streams_is_left_alone_until_that_one_ends() {
    let disk = Disk::new();
    let one = disk.open();
    stream(&one);
    let other = disk.open();
    assert!(!other.newest[0].failed);
    assert_eq!(state(&other), (End::Open, "Because of \u{1f980}\n".into()));
    one.saved(vec![grow("And more")]);
    assert_eq!(state(&other), (End::Open, "Because of \u{1f980}\nAnd more".into()));
    drop(one);
    assert_eq!(state(&other), (End::Interrupted, "Because of \u{1f980}\nAnd more".into()));
    assert!(other.list()[0].failed);
}

/// As on a disk without locks: others may take the answer for abandoned, this run may not.
#[test]
fn a_run_that_can_make_no_mark_knows_its_own_answers_all_the_same() {
    let disk = Disk::new();
    let run = disk.open();
    std::fs::write(disk.folder.join("data/ibid.db-running"), "no folder").expect("a file");
    stream(&run);
    assert_eq!(state(&run).0, End::Open);
    drop(run);
    assert_eq!(state(&disk.open()).0, End::Interrupted);
}

#[test]
fn the_marks_of_runs_that_are_gone_are_cleared_away() {
    let disk = Disk::new();
    let marks = || std::fs::read_dir(disk.folder.join("data/ibid.db-running")).expect("a folder").count();
    let one = disk.open();
    stream(&one);
    assert_eq!(marks(), 1);
    // A mark without a lock, as a kill leaves it.
    std::fs::write(disk.folder.join("data/ibid.db-running/0199-dead"), "").expect("a file");
    drop(one);
    assert_eq!(marks(), 1);
    drop(disk.open());
    assert_eq!(marks(), 0);
}

#[test]
fn two_instances_write_at_once_and_nothing_is_lost() {
    let disk = Disk::new();
    let mut runs = [disk.open(), disk.open()];
    thread::scope(|scope| {
        for (half, run) in (0_u128..).zip(&mut runs) {
            scope.spawn(move || {
                for n in 0..100 {
                    let id = 1 + 2 * n + half;
                    run.saved(vec![begin(header(id, "x")), write(id, prompt(1000 + id, &format!("prompt {id}")))]);
                }
            });
        }
    });
    for run in &runs {
        assert_eq!((run.list().len(), run.prompts().len()), (200, 200));
    }
}

#[test]
fn instances_that_start_together_on_a_new_file_all_open_it() {
    let disk = Disk::new();
    thread::scope(|scope| {
        for n in 1..=8 {
            let disk = &disk;
            scope.spawn(move || disk.open().saved(vec![begin(header(n, "x"))]));
        }
    });
    assert_eq!(disk.open().total, 8);
}

/// Runs itself as another process, for only the end of a process shows what the system does with its locks.
#[test]
fn a_killed_program_leaves_the_prompt_and_an_interrupted_answer() {
    const FOLDER: &str = "IBID_TEST_KILLED_IN";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let run = Disk::within(folder.as_ref()).open();
        stream(&run);
        println!("\nstreaming");
        let _ = std::io::stdin().read(&mut [0]); // Until it is killed.
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
    let run = Disk::within(folder.path()).open();
    assert_eq!(state(&run), (End::Open, "Because of \u{1f980}\n".into()), "it lives");
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    assert_eq!(state(&run), (End::Interrupted, "Because of \u{1f980}\n".into()));
    assert_eq!(run.prompts(), ["why"]);
}
