//! `ibid search` in a shell: whole in a pipe, in the pager on a terminal, and what is said when a query makes no sense.

use std::{process::Output, sync::mpsc};

use ibid::store::{SaveTicket, StoreHandle, StoreJob, StoreReply};
use serde_json::Value;

use crate::support::{
    corpus::Corpus,
    pty::{ProgramLaunch, TestHome},
};

/// A home whose database has twelve conversations of ten messages, each prompt with the word `zebra`.
fn home() -> TestHome {
    let home = TestHome::empty();
    let (sender, replies) = mpsc::channel();
    let store = StoreHandle::open(&home.database(), move |reply| {
        let _ = sender.send(reply); // Nobody waits for the last ones.
    });
    let mut corpus = Corpus::new(9);
    for n in 0..12 {
        let mut conversation = corpus.conversation(n, 10, 4000);
        for message in &mut conversation.messages {
            if let ibid::chat::MessageBody::Prompt(prompt) = &mut message.body {
                prompt.text.insert_str(0, "About a zebra\u{1b}[31m: ");
            }
        }
        store.send(StoreJob::Save { ticket: SaveTicket(n), changes: conversation.changes() });
    }
    let saved = replies.iter().filter(|reply| matches!(reply, StoreReply::Saved(_))).take(12).count();
    assert_eq!(saved, 12);
    home
}

fn search(home: &TestHome, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        ProgramLaunch::in_home(home).args(["search"].iter().chain(args).copied()).output("");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn everything_that_matches_is_printed_by_conversation_and_controls_no_terminal() {
    let home = home();
    let (code, printed, complaints) = search(&home, &["zebr", "in:prompt"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert_eq!(printed.lines().filter(|line| line.starts_with("  you       About a zebra: ")).count(), 60, "{printed}");
    assert!(!printed.chars().any(|sign| sign.is_control() && sign != '\n'), "{printed:?}");
    let (_, few, _) = search(&home, &["zebra", "--limit", "3", "--", "-31m"]);
    assert_eq!(few.matches("About a zebra").count(), 3, "{few}");
    let (_, none, _) = search(&home, &["zebra -\"about a\""]);
    assert_eq!(none, "");
}

#[test]
fn json_has_every_place_with_its_message_and_its_matches() {
    let home = home();
    let (code, json, _) = search(&home, &["--json", "--newest", "ZEBRA"]);
    let places: Vec<Value> = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((code, places.len()), (Some(0), 60));
    assert!(places.iter().all(|place| place["matches"][0] == "zebra" && place["in"] == "prompt"), "{json}");
    let times: Vec<&str> = places.iter().filter_map(|place| place["at"].as_str()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
}

#[test]
fn a_query_that_makes_no_sense_or_finds_nothing_is_explained() {
    let home = TestHome::empty();
    let failed = |code, complaint: &str| (Some(code), String::new(), format!("ibid: {complaint}\n"));
    assert_eq!(search(&home, &["zebra"]), failed(1, "nothing that was said matches zebra"));
    assert!(!home.database().exists(), "a search makes no database");
    let problem = "has: cannot be \"sound\"; it is one of code, citation, image, file and error (character 7)";
    assert_eq!(search(&home, &["zebra", "has:sound"]), failed(2, problem));
    assert_eq!(search(&home, &["  "]), failed(2, "nothing to search for; give words, or a filter such as model:opus"));
}

#[test]
fn a_database_without_an_index_is_indexed_first() {
    let home = home();
    let forget = "insert into search_index (search_index) values ('delete-all'); update search_entry set stale = 1";
    rusqlite::Connection::open(home.database()).and_then(|db| db.execute_batch(forget)).expect("the index is emptied");
    let (code, printed, complaints) = search(&home, &["zebra"]);
    assert_eq!((code, printed.matches("About a zebra").count()), (Some(0), 60));
    assert!(
        complaints.starts_with("ibid: indexing ") && complaints.ends_with(" messages for the first search\n"),
        "{complaints}"
    );
}

#[test]
fn a_terminal_gets_the_results_in_its_pager() {
    let home = home();
    let mut paged =
        ProgramLaunch::in_home(&home).args(["search", "zebra", "--limit", "2"]).env("PAGER", "sed s/^/page:/").start();
    paged.wait_for("page:  you       About a zebra");
    assert!(paged.wait_exit().success());
}
