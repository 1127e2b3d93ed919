//! `ibid export` in a shell: to stdout and to files, with clear words when it cannot.

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use ibid::store::ExchangeDatabase;

use crate::support::{
    export_sample as sample,
    pty::{ProgramLaunch, TestHome},
};

/// A home whose database has the sample conversation.
fn home() -> TestHome {
    let home = TestHome::empty();
    let database = home.database();
    fs::create_dir_all(database.parent().expect("a folder")).expect("the folder is made");
    let mut database = ExchangeDatabase::open(&database).expect("a database");
    database.import(sample::everything(), "sample").expect("it is written");
    home
}

fn run(home: &TestHome, args: &[&str]) -> Output {
    ProgramLaunch::in_home(home).args(args.iter().copied()).output("")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_conversation_is_found_by_its_title_and_written_whole_into_a_pipe() {
    let home = home();
    for (args, begins) in [
        (&["export", "Locks & <b>NFS</b>"][..], "---\ntitle: \"Locks & <b>NFS</b>\"\n"),
        (&["export", "0199aaaa", "--format", "html"], "<!DOCTYPE html>\n"),
        (&["export", "0199aaaa", "--format", "json"], "{\n  \"format\": \"ibid conversation\""),
        (&["export", "0199aaaa", "--format", "txt", "--density", "prompts"], "Locks & <b>NFS</b>\n==="),
    ] {
        let output = run(&home, args);
        let (text, complaints) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {complaints}");
        assert!(text.starts_with(begins), "{args:?}: {text}");
        assert!(
            complaints.contains("not masked: an OpenRouter key (sk-or-v1-…, 32 characters) in message"),
            "{complaints}"
        );
    }
    let masked = run(&home, &["export", "0199aaaa", "--mask-secrets", "--scope", "tree"]);
    let (text, complaints) = texts(&masked);
    assert!(text.contains("sk-or-v1-████") && !text.contains("0123456789abcdef"), "{text}");
    assert!(complaints.starts_with("ibid: masked: an OpenRouter key"), "{complaints}");
}

#[test]
fn a_file_is_only_for_its_owner_and_is_never_replaced_unasked() {
    let home = home();
    let path = home.path().join("talk.html");
    let file = path.to_string_lossy().into_owned();
    let (said, _) = texts(&run(&home, &["export", "0199aaaa", "-o", &file, "--scope", "tree"]));
    assert!(
        said.ends_with(
            "talk.html: 5 messages as a web page: the whole tree, everything; ibid import gives the whole tree back\n"
        ),
        "{said}"
    );
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    fs::write(&path, "mine").expect("the file is writable");
    let again = run(&home, &["export", "0199aaaa", "-o", &file]);
    let (_, complaints) = texts(&again);
    assert_eq!(again.status.code(), Some(1));
    assert!(complaints.contains("talk.html exists already; name another file, or give --overwrite"), "{complaints}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "mine");
    assert_eq!(run(&home, &["export", "0199aaaa", "-o", &file, "--overwrite"]).status.code(), Some(0));
    assert!(fs::read_to_string(&path).expect("the file").starts_with("<!DOCTYPE html>"));
}

#[test]
fn all_conversations_become_files_that_replace_none() {
    let home = home();
    let folder = home.path().join("all");
    let name = folder.to_string_lossy().into_owned();
    for _ in 0..2 {
        assert_eq!(run(&home, &["export", "--all", &name, "--format", "json"]).status.code(), Some(0));
    }
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["locks-b-nfs-b-2.json", "locks-b-nfs-b.json"]);
}

#[test]
fn what_cannot_be_exported_is_said_in_words() {
    let home = home();
    for (args, code, words) in [
        (&["export", "nowhere"][..], 1, "no conversation \"nowhere\""),
        (&["export"], 2, "which conversation? Name its id or title, or give --all DIR"),
        (&["export", "0199aaaa", "--format", "pdf"], 2, "the forms are md, html, json, txt"),
        (&["export", "0199aaaa", "--scope", "selection"], 2, "--scope selection works only in the app"),
        (
            &["export", "0199aaaa", "-o", "/nowhere/at/all.md"],
            1,
            "/nowhere/at/all.md was not written: there is no such folder",
        ),
    ] {
        let output = run(&home, args);
        let (text, complaints) = texts(&output);
        assert_eq!((output.status.code(), text.as_str()), (Some(code), ""), "{args:?}: {complaints}");
        assert!(complaints.contains(words), "{args:?}: {complaints}");
    }
    let empty = TestHome::empty();
    let (_, complaints) = texts(&run(&empty, &["export", "0199"]));
    assert!(complaints.contains("there are no conversations yet"), "{complaints}");
}
