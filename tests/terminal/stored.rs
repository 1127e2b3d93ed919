//! `ibid list` and `ibid show`: what is stored, complete in a pipe, without a byte that controls a terminal.

use std::process::Output;

use rusqlite::Connection;
use serde_json::Value;

use crate::{Stage, quit};

fn run(stage: &Stage, args: &[&str]) -> Output {
    stage.launch().args(args.iter().copied()).output("")
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Two conversations: one with two versions of its answer, and one that is tagged, pinned and has a hostile title.
fn stage() -> Stage {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    stage.exchange(&mut ibid, "Name a colour", "Green.");
    ibid.type_keys("<ctrl-n>");
    ibid.wait_for("Talking to");
    stage.exchange(&mut ibid, "Name a bird", "A quokka.");
    quit(&mut ibid);
    let database = Connection::open(stage.home.database()).expect("the database");
    let hostile = "Birds\u{1b}[31m\u{202e}\u{9b}2J of a feather";
    let filed =
        "update conversation set title = ?1, tags = '[\"zoo\",\"Work\"]', pinned_at = 1 where title = 'Name a bird'";
    assert_eq!(database.execute(filed, [hostile]).expect("it is filed"), 1);
    let copied = "insert into message select substr(id, 1, 24) || 'ffffffffffff', conversation, parent, role, at + 1, rev, text, endpoint,
        model, answered_by, ending, owner, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost, generation,
        started, first_text, ended, notes, replace(items, 'Green.', 'Blue.'), runs, course, bills from message
        where role = 'answer' and items like '%Green.%'";
    assert_eq!(database.execute(copied, []).expect("a second version"), 1);
    stage
}

fn assert_clean(text: &str) {
    let is_control = |sign: char| sign != '\n' && (sign.is_control() || sign == '\u{202e}');
    assert!(!text.contains(is_control), "{text:?}");
}

#[test]
fn conversations_are_listed_newest_first_with_their_tags_and_found_by_them() {
    let stage = stage();
    let (code, listed, complaints) = texts(&run(&stage, &["list"]));
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].ends_with("gpt-4.1-mini  Birds⟨RLO⟩ of a feather  #zoo #Work  (pinned)"), "{listed}");
    assert!(lines[1].ends_with("Name a colour"), "{listed}");
    assert_clean(&listed);
    let (_, tagged, _) = texts(&run(&stage, &["list", "--tag", "#work", "--tag", "zoo"]));
    assert_eq!(tagged.lines().collect::<Vec<_>>(), lines[..1]);
    let (_, limited, _) = texts(&run(&stage, &["list", "--limit", "1"]));
    assert_eq!(limited.lines().count(), 1);
    let (code, none, complaints) = texts(&run(&stage, &["list", "--tag", "nothing"]));
    assert_eq!(
        (code, none.as_str(), complaints.as_str()),
        (Some(0), "", "ibid: there is no conversation with #nothing\n")
    );
    let (_, json, _) = texts(&run(&stage, &["list", "--json"]));
    assert_clean(&json);
    let rows: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(rows[0]["tags"], serde_json::json!(["zoo", "Work"]));
    assert_eq!(rows[1]["title"], "Name a colour");
}

#[test]
fn the_archive_and_the_trash_are_listed_apart() {
    let stage = stage();
    let database = Connection::open(stage.home.database()).expect("the database");
    database
        .execute("update conversation set archived_at = 1 where title = 'Name a colour'", [])
        .expect("it is archived");
    database.execute("update conversation set trashed_at = 1 where pinned_at is not null", []).expect("it is trashed");
    let titles = |args: &[&str]| texts(&run(&stage, args)).1.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(titles(&["list"]), Vec::<String>::new());
    assert!(titles(&["list", "--archived"])[0].ends_with("Name a colour"));
    assert!(titles(&["list", "--trash"])[0].contains("of a feather  #zoo #Work"));
    let (_, json, _) = texts(&run(&stage, &["list", "--trash", "--json"]));
    let rows: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((&rows[0]["messages"], rows.as_array().map(Vec::len)), (&serde_json::json!(2), Some(1)));
}

#[test]
fn a_conversation_is_shown_whole_or_its_open_branch_and_as_json() {
    let stage = stage();
    let (code, shown, complaints) = texts(&run(&stage, &["show", "name a COLOUR"]));
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert_clean(&shown);
    assert!(shown.starts_with("Name a colour\n\n── you · "), "{shown}");
    assert!(shown.contains("Green.") && shown.contains("Blue.") && shown.contains("version 1 of 2"), "{shown}");
    let (_, branch, _) = texts(&run(&stage, &["show", "--branch", "Name a colour"]));
    assert!(branch.contains("Green.") && !branch.contains("Blue."), "{branch}");
    let (_, listed, _) = texts(&run(&stage, &["list"]));
    let id = listed.lines().nth(1).and_then(|line| line.split_whitespace().next()).expect("an id");
    let (_, json, _) = texts(&run(&stage, &["show", "--json", id]));
    let whole: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(
        (&whole["title"], whole["messages"].as_array().map(Vec::len)),
        (&serde_json::json!("Name a colour"), Some(3))
    );
}

#[test]
fn what_is_not_there_is_said_with_the_way_on() {
    let empty = Stage::set_up();
    let (code, listed, complaints) = texts(&run(&empty, &["list"]));
    assert_eq!((code, listed.as_str()), (Some(0), ""));
    assert_eq!(complaints, "ibid: there are no conversations yet; `ibid` begins one\n");
    assert_eq!(texts(&run(&empty, &["list", "--json"])), (Some(0), "[]\n".to_owned(), String::new()));
    assert!(!empty.home.database().exists(), "asking creates nothing");
    for stage in [&empty, &stage()] {
        let (code, shown, complaints) = texts(&run(stage, &["show", "unicorns"]));
        assert_eq!((code, shown.as_str()), (Some(1), ""));
        assert_eq!(complaints, "ibid: no conversation \"unicorns\"; `ibid list` lists them\n");
    }
    let (code, _, _) = texts(&run(&empty, &["list", "--archived", "--trash"]));
    assert_eq!(code, Some(2));
}
