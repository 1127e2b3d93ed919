//! Temporary conversations on a real disk: no byte of them is in any file, after use, after a kill and after `ask`.

use std::{fs, path::Path};

use rustix::process::Signal;

use crate::{
    MODEL, Stage, start_ready,
    support::{compose::ResponseBuilder, fake_server::FakeReply},
    text_reply, wait_idle,
};

/// Words that are in every prompt, draft, title and answer of these tests.
const WORDS: [&str; 2] = ["zebrafinch", "quokka"];

/// The files below a folder that have one of the words in any spelling of its letters.
fn files_with_words(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap_or_default().to_ascii_lowercase();
            let has = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
            let word = WORDS.into_iter().find(|word| has(word));
            found.extend(word.map(|word| format!("{}: {word}", entry.path().display())));
        }
    }
    found
}

fn count_files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn no_byte_of_a_temporary_conversation_is_on_the_disk_after_use_or_a_kill() {
    for is_killed in [false, true] {
        let stage = Stage::with_config("[xray]\nrecord = true\n");
        let log = stage.home.path().join("data/ibid/ibid.log");
        let mut ibid = start_ready(stage.launch().args(["--temporary", "-vv", "--log", &log.display().to_string()]));
        ibid.wait_for("temporary");
        stage.exchange(&mut ibid, "zebrafinch or quokka", "The quokka sings like a zebrafinch.");
        ibid.type_keys("/title quokka<enter>");
        ibid.wait_for("renamed to");
        // An answer that never ends, a prompt in its queue, and a draft.
        let open = ResponseBuilder::new(MODEL).unfinished_text(&["A zebrafinch is "]).unfinished();
        stage.server.queue_reply(FakeReply::stream(open).then_hold());
        ibid.type_keys("more about the quokka<enter>");
        ibid.wait_for("A zebrafinch is");
        ibid.type_keys("then the zebrafinch");
        ibid.wait_for("then the zebrafinch");
        ibid.type_keys("<enter>");
        ibid.wait_for("queued");
        ibid.type_keys("and a draft on the quokka");
        ibid.wait_for("and a draft on the quokka");
        // The draft of a kept conversation would be on the disk by now, and the journal of its answer.
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_millis(2500) {
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        if is_killed {
            ibid.send_signal(Signal::KILL);
        } else {
            ibid.type_keys("<ctrl-x>q<ctrl-x>q"); // The first one asks.
        }
        ibid.wait_exit();
        assert!(!ibid.screen().contains("--resume"), "there is nothing to resume: {}", ibid.screen());
        assert!(count_files(&stage.home.path().join("data/ibid")) >= 2, "the database and the log are there");
        assert_eq!(files_with_words(stage.home.path()), Vec::<String>::new(), "killed: {is_killed}");
    }
}

#[test]
fn ask_keeps_nothing_of_a_temporary_answer_but_its_cost() {
    let stage = Stage::set_up();
    stage.server.queue_reply(text_reply(&["The quokka sings."]));
    let output = stage.launch().args(["ask", "--temporary", "does the zebrafinch sing?"]).output("");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "The quokka sings.");
    assert_eq!(files_with_words(stage.home.path()), Vec::<String>::new());
    let database = rusqlite::Connection::open(stage.home.database()).expect("the database");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count");
    assert_eq!(count("select count(*) from conversation"), 0);
    assert_eq!(count("select count(*) from side_cost where model is not null"), 1, "its cost counts");
}

#[test]
fn temporary_begins_a_conversation_and_cannot_resume_one() {
    let stage = Stage::set_up();
    let refused = stage.launch().args(["--temporary", "-c"]).output("");
    assert_eq!(refused.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(complaint.contains("--temporary begins a conversation; leave out -c or --resume"), "{complaint}");
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "kept", "Yes.");
    wait_idle(&ibid);
    assert!(ibid.screen().contains("Yes."));
}
