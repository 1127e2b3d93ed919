//! Save, start again, compare.

use ibid::{
    api,
    chat::{Change, Conversation, End, Header, Summary, answer::Bill},
    store::{Error, Job, Reply, Ticket},
};

use super::disk::{Disk, answer, at, begin, conversation_id, empty, full, header, message_id, prompt, shown, write};

#[test]
fn a_new_database_is_empty() {
    let run = Disk::new().open();
    assert_eq!((run.newest.as_slice(), run.total, run.new_draft.as_str()), (&[][..], 0, ""));
    assert_eq!(run.list(), []);
    assert_eq!(run.prompts(), Vec::<String>::new());
    let error = run.loaded(Job::LoadLatest).expect_err("there is none");
    assert_eq!(error.to_string(), "no conversation yet");
}

#[test]
fn a_conversation_comes_back_whole_after_a_restart() {
    let disk = Disk::new();
    let failed = End::Failed(api::Error::new(api::Fault::Rate, "slow down"));
    let ends = [End::Complete, End::Incomplete { reason: Some("max_output_tokens".into()) }, End::Stopped, failed];
    let mut messages = vec![prompt(1, "Why\u{0}?\n\u{1f980}")];
    messages.extend((2..).zip(ends).map(|(n, end)| answer(n, 1, full(end))));
    messages.push(answer(9, 1, empty(End::Interrupted)));
    let branch = vec![message_id(1), message_id(3)];
    let header = Header { branch, renamed: true, unread: true, ..header(1, "Why") };
    {
        let run = disk.open();
        let mut changes: Vec<Change> = messages.iter().cloned().map(|message| write(1, message)).collect();
        changes.push(begin(header.clone()));
        changes.push(Change::Draft { conversation: header.id, text: "half a tho".into() });
        changes.push(Change::Queue { conversation: header.id, prompts: vec!["then".into(), String::new()] });
        changes.push(Change::NewDraft("of none".into()));
        run.saved(changes);
    }
    let run = disk.open();
    assert_eq!(run.new_draft, "of none");
    let loaded = run.load(header.id).expect("the conversation");
    let expected = Conversation::restore(header, messages, "half a tho".into(), vec!["then".into(), String::new()]);
    assert_eq!(shown(&loaded), shown(&expected));
}

#[test]
fn items_and_costs_are_byte_for_byte_what_the_server_sent() {
    let disk = Disk::new();
    let sent = full(End::Complete);
    disk.open().saved(vec![begin(header(1, "a")), write(1, answer(2, 1, sent.clone()))]);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    let kept = loaded.messages[&message_id(2)].answer().expect("an answer");
    let raw = |answer: &ibid::chat::Answer| -> Vec<Option<String>> {
        answer.items.values().map(|item| item.raw.as_ref().map(|raw| raw.get().to_owned())).collect()
    };
    assert_eq!(raw(kept), raw(&sent));
    let cost = kept.usage.as_ref().and_then(|usage| usage.cost.as_ref()).expect("a cost");
    assert_eq!(cost.digits(), "2.10e-05");
    let column: String = disk.connect().query_row("select cost from message", [], |row| row.get(0)).expect("a cost");
    assert_eq!(column, "2.10e-05");
}

#[test]
fn each_response_of_an_answer_keeps_its_id_and_what_it_used() {
    let disk = Disk::new();
    let mut sent = full(End::Interrupted);
    let usage = sent.usage.clone();
    sent.bills = [(0, usage), (1, None)]
        .map(|(step, usage)| (step, Bill { generation: Some(format!("gen-{step}")), usage }))
        .into();
    disk.open().saved(vec![begin(header(1, "a")), write(1, answer(2, 1, sent.clone()))]);
    let loaded = |disk: &Disk| {
        let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
        loaded.messages[&message_id(2)].answer().expect("an answer").clone()
    };
    let kept = loaded(&disk);
    assert_eq!((&kept.bills, &kept.usage), (&sent.bills, &None), "of one step nobody told");
    assert_eq!(kept.unpriced().collect::<Vec<_>>(), ["gen-1"]);
    let column: String = disk.connect().query_row("select cost from message", [], |row| row.get(0)).expect("a cost");
    assert_eq!(column, "2.10e-05", "what is known counts for the day");
    // As a version wrote it that knew one id and one sum.
    disk.connect().execute_batch("update message set bills = null, generation = 'gen-old'").expect("it can be written");
    let old = loaded(&disk);
    assert_eq!(old.generations().collect::<Vec<_>>(), ["gen-old"]);
    assert_eq!(
        old.usage.and_then(|usage| usage.cost).map(|cost| cost.digits().to_owned()).as_deref(),
        Some("2.10e-05")
    );
}

#[test]
fn the_list_is_newest_first_without_the_trash_and_tells_what_failed_and_what_is_unread() {
    let disk = Disk::new();
    let run = disk.open();
    let id = conversation_id;
    run.saved((1..=4).map(|n| begin(header(n, &format!("number {n}")))).collect());
    run.saved(vec![
        write(1, answer(11, 10, empty(End::Interrupted))),
        write(2, answer(21, 20, empty(End::Failed(api::Error::new(api::Fault::Key, "no key"))))),
        write(2, answer(22, 20, empty(End::Complete))),
        // An older answer that is written later is not the newest.
        write(1, answer(9, 8, empty(End::Complete))),
        begin(Header { unread: true, updated: at(9), ..header(3, "number 3") }),
        Change::Trash(id(4)),
    ]);
    let row = |n: u128, seconds, unread, failed| Summary {
        id: id(n),
        title: format!("number {n}"),
        updated: at(seconds),
        unread,
        failed,
    };
    let expected = [row(3, 9, true, false), row(2, 2, false, false), row(1, 1, false, true)];
    assert_eq!(run.list(), expected);
    drop(run);
    let run = disk.open();
    assert_eq!((run.newest.as_slice(), run.total), (expected.as_slice(), 3));

    run.saved(vec![
        Change::Seen(id(3)),
        Change::Restore(id(4)),
        Change::Rename { conversation: id(1), title: "one".into() },
    ]);
    assert_eq!(run.titles(), ["number 3", "number 4", "number 2", "one"]);
    assert!(!run.list()[0].unread);
}

#[test]
fn the_first_reply_has_the_newest_200_and_the_list_has_all() {
    let disk = Disk::new();
    disk.open().saved((1..=250).map(|n| begin(header(n, &format!("{n}")))).collect());
    let run = disk.open();
    let titles: Vec<String> = (51..=250).rev().map(|n| n.to_string()).collect();
    assert_eq!(run.newest.iter().map(|summary| summary.title.clone()).collect::<Vec<_>>(), titles);
    assert_eq!((run.total, run.list().len()), (250, 250));
}

#[test]
fn the_readers_title_is_not_overwritten_by_another_instance_that_does_not_know_it() {
    let disk = Disk::new();
    let (one, other) = (disk.open(), disk.open());
    one.saved(vec![begin(header(1, "first words"))]);
    other.saved(vec![Change::Rename { conversation: conversation_id(1), title: "mine".into() }]);
    one.saved(vec![begin(Header { unread: true, ..header(1, "first words") })]);
    assert_eq!(other.titles(), ["mine"]);
    one.saved(vec![begin(Header { renamed: true, ..header(1, "newer") })]);
    assert_eq!(other.titles(), ["newer"]);
}

#[test]
fn a_conversation_is_found_by_id_title_or_the_beginning_of_its_id() {
    let disk = Disk::new();
    let run = disk.open();
    run.saved(vec![
        begin(header(0x1a, "Rust lifetimes")),
        begin(header(0x1b, "Übung")),
        begin(header(0x1c, "Rust lifetimes")),
        begin(Header { id: ibid::chat::ConversationId(uuid::Uuid::from_u128(0xabcd << 112)), ..header(2, "other") }),
        begin(header(0x2f, "gone")),
        Change::Trash(conversation_id(0x2f)),
    ]);
    let find = |name: &str| run.loaded(Job::LoadNamed(name.into())).map(|found| found.id.to_string());
    let id = |n| conversation_id(n).to_string();
    assert_eq!(find(&id(0x1a)), Ok(id(0x1a)));
    assert_eq!(find(&id(0x1a).to_uppercase()), Ok(id(0x1a)));
    assert_eq!(find("Rust lifetimes"), Ok(id(0x1c)), "the newest of that title");
    assert_eq!(find("rUST LIFETIMES"), Ok(id(0x1c)));
    assert_eq!(find("übung"), Ok(id(0x1b)));
    assert_eq!(find("ABCD"), Ok("abcd0000-0000-0000-0000-000000000000".into()));
    let said = |name: &str| find(name).expect_err("this is not one").to_string();
    assert_eq!(said("0199"), "3 conversations have an id that begins with \"0199\"; give more of it");
    assert_eq!(said("abc"), "no conversation \"abc\"");
    assert_eq!(said("gone"), "no conversation \"gone\"");
    assert_eq!(run.loaded(Job::LoadLatest).expect("the newest").id, conversation_id(0x1c));
}

#[test]
fn prompts_are_newest_first_without_repetitions_or_those_of_the_trash() {
    let disk = Disk::new();
    let run = disk.open();
    run.saved(vec![
        begin(header(1, "a")),
        begin(header(2, "b")),
        begin(header(3, "c")),
        write(1, prompt(1, "same")),
        write(2, prompt(2, "two")),
        write(1, prompt(3, "same")),
        write(3, prompt(4, "secret")),
        write(1, answer(5, 3, full(End::Complete))),
        Change::Trash(conversation_id(3)),
    ]);
    assert_eq!(run.prompts(), ["same", "two"]);
    run.saved((10..1110).map(|n| write(1, prompt(n, &format!("prompt {n}")))).collect());
    let prompts = run.prompts();
    assert_eq!((prompts.len(), prompts[0].as_str(), prompts[999].as_str()), (1000, "prompt 1109", "prompt 110"));
}

#[test]
fn a_save_is_whole_or_not_at_all_and_takes_no_neighbour_with_it() {
    let disk = Disk::new();
    let run = disk.open();
    let draft = |n, text: &str| Change::Draft { conversation: conversation_id(n), text: text.into() };
    let jobs = [
        vec![begin(header(1, "kept"))],
        vec![draft(1, "lost"), write(1, prompt(1, "lost")), draft(7, "of no conversation")],
        vec![write(7, prompt(2, "of no conversation"))],
        vec![draft(1, "kept")],
    ];
    for (n, changes) in (0..).zip(jobs) {
        run.send(Job::Save { ticket: Ticket(n), changes });
    }
    let said: Vec<(u64, Result<(), Error>)> = (0..4)
        .map(|_| match run.reply() {
            Reply::Saved(Ticket(n)) => (n, Ok(())),
            Reply::NotSaved { ticket: Ticket(n), error } => (n, Err(error)),
            other => panic!("not {other:?}"),
        })
        .collect();
    assert_eq!((said[0].clone(), said[3].clone()), ((0, Ok(())), (3, Ok(()))));
    assert_eq!(said[1], (1, Err(Error::Missing(conversation_id(7).to_string()))));
    assert!(matches!(&said[2], (2, Err(Error::Other(why))) if why.contains("FOREIGN KEY")), "{:?}", said[2]);
    drop(run);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    assert_eq!((loaded.draft.as_str(), loaded.messages.len()), ("kept", 0));
}

#[test]
fn closing_waits_until_all_is_on_disk_and_every_save_is_answered() {
    let disk = Disk::new();
    let (sender, replies) = std::sync::mpsc::channel();
    let store = ibid::store::Store::open(&disk.file(), move |reply| {
        let _ = sender.send(reply);
    });
    for n in 1..=300 {
        store.send(Job::Save { ticket: Ticket(n), changes: vec![begin(header(n.into(), "one of many"))] });
    }
    drop(store);
    let saved: Vec<u64> =
        replies.iter().filter_map(|reply| if let Reply::Saved(Ticket(n)) = reply { Some(n) } else { None }).collect();
    assert_eq!(saved, (1..=300).collect::<Vec<_>>());
    assert_eq!(disk.open().total, 300);
}

#[cfg(unix)]
#[test]
fn the_folder_and_the_files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let disk = Disk::new();
    let run = disk.open();
    run.saved(vec![begin(header(1, "a")), write(1, answer(2, 1, empty(End::Open)))]);
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let folder = disk.file().parent().expect("a folder").to_owned();
    assert_eq!(mode(&folder), 0o700);
    let mut modes: Vec<(String, u32)> = std::fs::read_dir(&folder)
        .expect("a folder")
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), mode(&entry.path())))
        .collect();
    modes.sort();
    let expected = [("ibid.db", 0o600), ("ibid.db-running", 0o700), ("ibid.db-shm", 0o600), ("ibid.db-wal", 0o600)];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)));
}
