//! Imports by the program itself: killed in the middle, and from the app.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::{
    Stage, eventually,
    support::pty::{ProgramLaunch, TestHome},
};

/// A file of conversations in the form of Claude's export, four messages each.
fn export(home: &TestHome, count: usize) -> PathBuf {
    let message = |chat: usize, n: usize| {
        json!({
            "uuid": format!("m-{chat}-{n}"), "sender": if n.is_multiple_of(2) { "human" } else { "assistant" },
            "created_at": format!("2024-05-02T10:00:0{n}Z"), "text": "word ".repeat(200), "content": [],
        })
    };
    let chats: Vec<Value> = (0..count)
        .map(|chat| {
            let messages: Vec<Value> = (0..4).map(|n| message(chat, n)).collect();
            json!({ "uuid": format!("c-{chat}"), "name": format!("Chat {chat}"), "chat_messages": messages })
        })
        .collect();
    let path = home.path().join("conversations.json");
    std::fs::write(&path, Value::from(chats).to_string()).expect("a file");
    path
}

/// The conversations in the database, and how many of them have not all their messages.
fn stored(home: &TestHome) -> (usize, usize) {
    let Ok(database) = Connection::open_with_flags(home.database(), OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return (0, 0);
    };
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default();
    let partial = "select count(*) from conversation c
        where (select count(*) from message m where m.conversation = c.id) <> 4";
    let all = count("select count(*) from conversation");
    (usize::try_from(all).unwrap_or_default(), usize::try_from(count(partial)).unwrap_or_default())
}

#[test]
fn a_killed_import_leaves_whole_conversations_and_goes_on_later() {
    let home = TestHome::empty();
    let file = export(&home, 400);
    for least in [1, 40] {
        let mut child = ProgramLaunch::in_home(&home).args([c_arg("import"), file.clone().into()]).start_piped("");
        eventually("some conversations", || {
            stored(&home).0 >= least || child.try_wait().is_ok_and(|end| end.is_some())
        });
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        let (all, partial) = stored(&home);
        assert!(all >= least, "{all}");
        assert_eq!(partial, 0, "of {all}");
    }
    let output = ProgramLaunch::in_home(&home).args([c_arg("import"), file.into()]).output("");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stored(&home), (400, 0));
}

fn c_arg(word: &str) -> std::ffi::OsString {
    word.into()
}

#[test]
fn an_import_in_the_app_reports_and_its_conversations_are_in_the_list() {
    let stage = Stage::set_up();
    let file = export(&stage.home, 3);
    let mut ibid = stage.open();
    ibid.type_keys(&format!("/import {}<enter>", file.display()));
    ibid.wait_for("3 conversations imported");
    ibid.type_keys("<esc>");
    ibid.type_keys("<ctrl-x>l");
    ibid.wait_for("Chat 2");
}
