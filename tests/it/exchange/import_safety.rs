//! Files that are broken, hostile or of no known form, and imports that are repeated or stopped.

use std::{
    io::{Cursor, Write},
    path::Path,
};

use ibid::{
    chat::MessageBody,
    exchange::{
        import::{self, ImportError, ImportFlow, ImportMode, ImportProgress},
        portable::{ExportScope, PortableConversation},
    },
    store::ExchangeDatabase,
};
use insta::assert_snapshot;
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::import_bench::{ImportBench, defaults};

/// A conversation in ChatGPT's form: prompts and answers in turn.
fn chat(key: &str, texts: &[&str]) -> Value {
    let mut mapping = serde_json::Map::new();
    mapping.insert("0".into(), json!({ "id": "0", "message": null, "parent": null, "children": ["1"] }));
    for (n, text) in (1..).zip(texts) {
        let role = if n % 2 == 1 { "user" } else { "assistant" };
        let children = if n < texts.len() { vec![(n + 1).to_string()] } else { Vec::new() };
        let message = json!({
            "author": { "role": role }, "create_time": 1_700_000_000 + n, "recipient": "all",
            "content": { "content_type": "text", "parts": [text] }, "metadata": { "model_slug": "gpt-4o" },
        });
        let node =
            json!({ "id": n.to_string(), "parent": (n - 1).to_string(), "children": children, "message": message });
        mapping.insert(n.to_string(), node);
    }
    json!({ "title": key, "conversation_id": key, "create_time": 1_700_000_000, "mapping": mapping })
}

fn export(count: usize) -> String {
    let chats: Vec<Value> = (0..count).map(|n| chat(&format!("chat {n}"), &["Question?", "Answer."])).collect();
    Value::from(chats).to_string()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(content).expect("content");
    }
    zip.finish().expect("an archive").into_inner()
}

/// Why nothing was imported. Nothing is in the database then.
fn refusal(bench: &mut ImportBench, path: &Path) -> String {
    let error = bench.import(path).expect_err("it is refused").to_string();
    assert_eq!(bench.conversations().len(), 0, "{error}");
    error.replace(&bench.folder().display().to_string(), "")
}

#[test]
fn a_zip_its_folder_and_its_file_are_the_same_conversations() {
    let mut bench = ImportBench::new();
    let conversations = export(3);
    let entries: [(&str, &[u8]); 4] = [
        ("user.json", b"{\"id\":\"user-1\",\"email\":\"me@example.org\"}"),
        ("chat.html", b"<html><script>var x</script></html>"),
        ("file-a.png", b"\x89PNG\r\n\x1a\n"),
        ("conversations.json", conversations.as_bytes()),
    ];
    let archive = bench.write("export.zip", zip(&entries));
    for (name, content) in entries {
        bench.write(&format!("unpacked/{name}"), content);
    }
    let first = bench.import(&archive).expect("an import");
    assert_snapshot!(first.lines().join("\n").replace(&bench.folder().display().to_string(), ""), @"
    3 conversations imported

    /export.zip: conversations.json: ChatGPT's data export, 3 conversations

    Not understood or left out:
      3 × a file of no known form, first: /export.zip: user.json
    ");
    for again in [archive, bench.folder().join("unpacked"), bench.folder().join("unpacked/conversations.json")] {
        let report = bench.import(&again).expect("an import");
        assert_eq!((report.new, report.grown, report.known), (0, 0, 3), "{}", again.display());
    }
    assert_eq!(bench.conversations().len(), 3);
}

#[test]
fn files_of_no_known_form_are_refused_with_a_reason() {
    let mut bench = ImportBench::new();
    let cases: [(&str, &[u8]); 9] = [
        ("empty", b""),
        ("letter.txt", b"Dear reader"),
        ("package.json", b"{\"name\":\"x\",\"version\":\"1.0\"}"),
        ("page.html", b"<html></html>"),
        ("broken.json", b"[{\"mapping\":{}},"),
        ("cut.json", b"[{\"mapping\":{"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00"),
        ("list.yaml", b"- a\n- b\n"),
        ("broken.zip", b"PK\x03\x04 this is none"),
    ];
    let reasons: Vec<String> = cases
        .iter()
        .map(|(name, content)| {
            let path = bench.write(name, content);
            refusal(&mut bench, &path)
        })
        .collect();
    assert_snapshot!(reasons.join("\n"), @"
    /empty: it is empty; `ibid import --help` lists the forms
    /letter.txt: it is in no form that ibid knows; `ibid import --help` lists the forms
    /package.json: it is JSON, but of no form that ibid knows; `ibid import --help` lists the forms
    /page.html: it is a page, but not one that ibid exported; `ibid import --help` lists the forms
    /broken.json: it ends in the middle of a value; is it complete?
    /cut.json: it ends in the middle of a value; is it complete?
    /picture.png: it is in no form that ibid knows; `ibid import --help` lists the forms
    /list.yaml: it is in no form that ibid knows; `ibid import --help` lists the forms
    /broken.zip: the archive is broken: invalid Zip archive: Could not find EOCD
    ");
    let missing = bench.folder().join("missing");
    assert_snapshot!(refusal(&mut bench, &missing), @"
    /missing: no such file or directory
    ");
}

#[test]
fn archives_that_are_cut_changed_or_bombs_are_refused() {
    let mut bench = ImportBench::new();
    let whole = zip(&[("conversations.json", export(50).as_bytes())]);
    let cut = bench.write("cut.zip", &whole[..whole.len() / 2]);
    let mut changed = whole.clone();
    changed[whole.len() / 3] ^= 0xff;
    let changed = bench.write("changed.zip", changed);
    let bomb = bench.write("bomb.zip", zip(&[("conversations.json", &vec![b' '; 80 << 20])]));
    let nothing = bench.write("nothing.zip", zip(&[("readme.txt", b"hello")]));
    let reasons: Vec<String> = [cut, changed, bomb, nothing].iter().map(|path| refusal(&mut bench, path)).collect();
    assert_snapshot!(reasons.join("\n"), @"
    /cut.zip: the archive is broken: invalid Zip archive: Could not find EOCD
    /changed.zip: /changed.zip: conversations.json: file is larger than its declared uncompressed size
    /bomb.zip: it unpacks to at least 80 MB, far more than it is; unpack it yourself if you trust it
    /nothing.zip: there is nothing to import in this archive
    ");
}

#[test]
fn paths_that_lead_out_of_an_archive_and_links_are_left_out() {
    let mut bench = ImportBench::new();
    let (inside, outside) = (export(1), export(2));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link.json", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
    for (name, content) in
        [("../evil.json", &outside), ("/abs.json", &outside), ("a\\b.json", &outside), ("good.json", &inside)]
    {
        writer.start_file(name, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(content.as_bytes()).expect("content");
    }
    let archive = bench.write("tricks.zip", writer.finish().expect("an archive").into_inner());
    let report = bench.import(&archive).expect("an import");
    assert_snapshot!(report.lines().join("\n").replace(&bench.folder().display().to_string(), ""), @"
    1 conversation imported

    /tricks.zip: good.json: ChatGPT's data export, 1 conversation

    Not understood or left out:
      3 × a path that leads out of the archive, first: ../evil.json
      1 × a symbolic link in an archive, first: link.json
    ");
    assert!(!bench.folder().join("../evil.json").exists());
}

#[cfg(unix)]
#[test]
fn links_pipes_and_rings_in_a_folder_are_left_out() {
    let mut bench = ImportBench::new();
    let good = bench.write("in/good.json", export(1));
    std::os::unix::fs::symlink(&good, bench.folder().join("in/link.json")).expect("a link");
    std::os::unix::fs::symlink(bench.folder().join("in"), bench.folder().join("in/ring")).expect("a link");
    bench.write("in/broken.json", "[{\"mapping\":{");
    let report = bench.import(&bench.folder().join("in")).expect("an import");
    assert_snapshot!(report.lines().join("\n").replace(&bench.folder().display().to_string(), ""), @"
    1 conversation imported

    /in/good.json: ChatGPT's data export, 1 conversation

    Not understood or left out:
      1 × a file that cannot be read, first: /in/broken.json: it ends in the middle of a value; is it complete?
      2 × a symbolic link, which is not followed, first: /in/link.json
    ");
}

#[test]
fn one_file_that_cannot_be_read_keeps_the_others_from_being_written() {
    let mut bench = ImportBench::new();
    let paths = [bench.write("good.json", export(2)), bench.write("bad.json", "[{\"mapping\":{}},")];
    let checked = import::check(&paths, defaults(), &mut |_| ImportFlow::Continue);
    assert!(matches!(checked, Err(ImportError::Unreadable { .. })));
    assert_eq!(bench.conversations().len(), 0);
}

#[test]
fn a_conversation_that_grew_or_changed_is_extended_and_nothing_is_replaced() {
    let mut bench = ImportBench::new();
    let import = |bench: &mut ImportBench, chat: Value| {
        let path = bench.write("chats.json", json!([chat]).to_string());
        let report = bench.import(&path).expect("an import");
        (report.new, report.grown, report.added_messages, report.known)
    };
    assert_eq!(import(&mut bench, chat("c", &["One?", "1"])), (1, 0, 0, 0));
    assert_eq!(import(&mut bench, chat("c", &["One?", "1", "Two?", "2"])), (0, 1, 2, 0));
    let whole = &bench.conversations()[0];
    assert_eq!((whole.messages.len(), whole.header.branch.len()), (4, 4), "the open branch went along");
    // An answer that changed is beside the old one.
    assert_eq!(import(&mut bench, chat("c", &["One?", "1", "Two?", "two"])), (0, 1, 1, 0));
    assert_eq!(import(&mut bench, chat("c", &["One?", "1", "Two?", "2"])), (0, 0, 0, 1));
    let whole = &bench.conversations()[0];
    assert_eq!((whole.messages.len(), whole.header.branch.len()), (5, 4), "the open branch stayed");
    let mut ids: Vec<_> = whole.messages.iter().map(|message| message.id).collect();
    assert!(whole.messages.iter().all(|message| message.parent.is_none_or(|parent| parent < message.id)));
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn an_import_that_is_stopped_keeps_what_it_has_and_goes_on_later() {
    let mut bench = ImportBench::new();
    let path = bench.write("chats.json", export(10));
    let stopped = bench.import_until(&path, 4).expect("a report");
    assert_eq!((stopped.new, stopped.stopped), (4, true));
    assert_snapshot!(stopped.summary(), @"
    4 conversations imported before it was stopped
    ");
    let all = bench.conversations();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|whole| whole.messages.len() == 2));
    let rest = bench.import(&path).expect("a report");
    assert_eq!((rest.new, rest.known, rest.stopped), (6, 4, false));
    let early = import::check(&[path], defaults(), &mut |_| ImportFlow::Stop);
    assert_eq!(early.map(|_| ()), Err(ImportError::Stopped));
}

#[test]
fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let mut bench = ImportBench::new();
    let path = bench.write("chats.json", export(2));
    bench.import(&path).expect("an import");
    let path = bench.write("more.json", export(3));
    let before = bench.outline();
    let plan = import::check(&[path], defaults(), &mut |_| ImportFlow::Continue).expect("a plan");
    let mut progress = Vec::new();
    let mut watch = |at: ImportProgress| {
        progress.push(at.line());
        ImportFlow::Continue
    };
    let report = import::run(plan, Some(&mut bench.database), ImportMode::DryRun, &mut watch).expect("a report");
    assert_snapshot!(report.summary(), @"
    1 conversation would be imported · 2 here already
    ");
    assert_eq!(progress.last().map(String::as_str), Some("importing: 3 of 3 conversations"));
    assert_eq!(bench.outline(), before);
    let json = report.to_json();
    assert_eq!((&json["dry_run"], &json["new"], &json["known"]), (&json!(true), &json!(1), &json!(2)));
    assert_eq!(json["files"][0]["checksum"].as_str().map(str::len), Some(64));
}

#[test]
fn what_is_held_at_once_is_a_conversation_and_not_the_file() {
    let bench = ImportBench::new();
    let text = "word ".repeat(1000);
    let chats: Vec<Value> = (0..400).map(|n| chat(&format!("chat {n}"), &[&text, &text])).collect();
    let longest = chats.iter().map(|chat| chat.to_string().len()).max().expect("chats");
    let file = Value::from(chats).to_string();
    let path = bench.write("long.json", &file);
    let plan = import::check(&[path], defaults(), &mut |_| ImportFlow::Continue).expect("a plan");
    assert_eq!((plan.conversations(), plan.peak_bytes()), (400, longest));
    assert!(file.len() > 300 * longest);
}

/// The JSON form of a conversation in the database.
fn exported(database: &mut ExchangeDatabase) -> PortableConversation {
    let id = database.list().expect("a list")[0].id;
    PortableConversation::new(&database.load(id).expect("a conversation"))
}

#[test]
fn an_export_of_ibid_comes_back_as_it_was_through_json_and_through_a_page() {
    let mut bench = ImportBench::new();
    let path = bench.write("chats.json", json!([chat("c", &["One?", "1", "Two?", "2 < 3"])]).to_string());
    bench.import(&path).expect("an import");
    let portable = exported(&mut bench.database);
    let page = format!("<!doctype html><title>c</title>{}", portable.to_page_element());
    for (name, content) in [("c.json", portable.to_json()), ("c.html", page)] {
        let mut other = ImportBench::new();
        let path = other.write(name, content);
        assert_eq!(other.import(&path).expect("an import").new, 1);
        assert_eq!(other.outline(), bench.outline());
        assert_eq!(exported(&mut other.database).to_json(), portable.to_json());
        assert_eq!(other.import(&path).expect("an import").known, 1);
    }
}

#[test]
fn parts_of_conversations_and_trees_that_hang_together_wrongly_are_refused() {
    let mut bench = ImportBench::new();
    let path = bench.write("chats.json", json!([chat("c", &["One?", "1"])]).to_string());
    bench.import(&path).expect("an import");
    let whole = exported(&mut bench.database);
    let changed = |change: &dyn Fn(&mut PortableConversation)| {
        let mut portable = whole.clone();
        change(&mut portable);
        portable.to_json()
    };
    let cases = [
        changed(&|part| part.extent.scope = ExportScope::Branch),
        changed(&|masked| masked.extent.masked = true),
        changed(&|lost| drop(lost.messages.remove(0))),
        changed(&|ring| ring.messages[0].parent = Some(ring.messages[1].id)),
        changed(&|twice| twice.messages.push(twice.messages[0].clone())),
        whole.to_json().replace("\"1.0\"", "\"2.0\""),
    ];
    let mut other = ImportBench::new();
    let mut reasons = Vec::new();
    for case in cases {
        let path = other.write("case.json", case);
        reasons.push(other.import(&path).map_or_else(|why| why.to_string(), |report| report.lines().join(" ")));
        assert_eq!(other.conversations().len(), 0, "{reasons:?}");
    }
    let reasons = reasons.join("\n").replace(&other.folder().display().to_string(), "");
    assert_snapshot!(without_ids(&reasons), @"
    /case.json: this export has only a part of the conversation, or masked secrets; only one of the whole tree can be imported
    /case.json: this export has only a part of the conversation, or masked secrets; only one of the whole tree can be imported
    /case.json: the message ID is missing
    /case.json: its messages form a ring
    /case.json: the message ID is there twice
    /case.json: this conversation has the form 2.0, and this ibid reads up to 1.0; a newer ibid can read it
    ");
}

#[test]
fn a_copy_under_another_id_gets_messages_of_its_own() {
    let mut bench = ImportBench::new();
    let path = bench.write("chats.json", json!([chat("c", &["One?", "1"])]).to_string());
    bench.import(&path).expect("an import");
    let mut copy = exported(&mut bench.database);
    copy.id = ibid::chat::ConversationId(uuid::Uuid::from_u128(7));
    copy.messages[0].text = "Changed?".into();
    let path = bench.write("copy.json", copy.to_json());
    assert_eq!(bench.import(&path).expect("an import").new, 1);
    assert_eq!(bench.import(&path).expect("an import").known, 1);
    let mut prompts: Vec<String> = bench.conversations().iter().map(first_prompt).collect();
    prompts.sort();
    assert_eq!(prompts, ["Changed?", "One?"]);
}

fn first_prompt(whole: &ibid::chat::WholeConversation) -> String {
    match &whole.messages[0].body {
        MessageBody::Prompt(prompt) => prompt.text.clone(),
        MessageBody::Answer(_) => String::new(),
    }
}

/// The text with a dash for every UUID.
fn without_ids(text: &str) -> String {
    text.split(' ')
        .map(|word| if word.len() == 36 && word.contains('-') { "ID" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
