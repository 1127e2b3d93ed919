//! Saved data is the same after a restart.

use ibid::{
    api::{self, Event, Usd},
    chat::{
        AnswerEnd, Conversation, ConversationChange, ConversationFiling, ConversationHeader, ConversationSummary,
        FilingChange, answer::StepUsage,
    },
    store::{SaveTicket, StoreError, StoreJob, StoreReply},
};
use serde_json::json;

use super::test_database::{
    TestDatabase, answer, conversation_id, debug_text, empty_answer, full_answer, header, message_id, prompt,
    queued_prompt, timestamp, write_header, write_message,
};

#[test]
fn a_new_database_is_empty() {
    let run = TestDatabase::new().open();
    assert_eq!((run.newest.as_slice(), run.total, run.new_draft.as_str()), (&[][..], 0, ""));
    assert_eq!(run.list(), []);
    assert_eq!(run.prompts(), Vec::<String>::new());
    let error = run.load_by(StoreJob::LoadLatest).expect_err("there is no conversation");
    assert_eq!(error.to_string(), "no conversation yet");
}

#[test]
fn a_conversation_survives_a_restart_unchanged() {
    let disk = TestDatabase::new();
    let failed = AnswerEnd::Failed(api::ApiError::new(api::FaultKind::Rate, "slow down"));
    let ends = [
        AnswerEnd::Complete,
        AnswerEnd::Incomplete { reason: Some("max_output_tokens".into()) },
        AnswerEnd::Stopped,
        failed,
    ];
    let mut messages = vec![prompt(1, "Why\u{0}?\n\u{1f980}")];
    messages.extend((2..).zip(ends).map(|(n, end)| answer(n, 1, full_answer(end))));
    messages.push(answer(9, 1, empty_answer(AnswerEnd::Interrupted)));
    let branch = vec![message_id(1), message_id(3)];
    let header = ConversationHeader { branch, renamed: true, unread: true, ..header(1, "Why") };
    let queue = vec![queued_prompt(1, "then"), queued_prompt(2, "")];
    {
        let run = disk.open();
        let mut changes: Vec<ConversationChange> =
            messages.iter().cloned().map(|message| write_message(1, message)).collect();
        changes.push(write_header(header.clone()));
        changes.push(ConversationChange::Draft { conversation: header.id, text: "half a tho".into() });
        for prompt in &queue {
            changes.push(ConversationChange::Queue { conversation: header.id, prompt: prompt.clone() });
        }
        changes.push(ConversationChange::NewDraft("of none".into()));
        run.save_ok(changes);
    }
    let run = disk.open();
    assert_eq!(run.new_draft, "of none");
    let loaded = run.load(header.id).expect("the conversation");
    let expected = Conversation::restore(header, messages, "half a tho".into(), queue);
    assert_eq!(debug_text(&loaded), debug_text(&expected));
}

#[test]
fn items_and_costs_are_byte_for_byte_what_the_server_sent() {
    let disk = TestDatabase::new();
    let sent = full_answer(AnswerEnd::Complete);
    disk.open().save_ok(vec![write_header(header(1, "a")), write_message(1, answer(2, 1, sent.clone()))]);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    let stored = loaded.messages[&message_id(2)].as_answer().expect("an answer");
    let raw = |answer: &ibid::chat::Answer| -> Vec<Option<String>> {
        answer.items.values().map(|item| item.raw.as_ref().map(|raw| raw.get().to_owned())).collect()
    };
    assert_eq!(raw(stored), raw(&sent));
    let cost = stored.usage.as_ref().and_then(|usage| usage.cost.as_ref()).expect("a cost");
    assert_eq!(cost.digits(), "2.10e-05");
    let column: String = disk.connect().query_row("select cost from message", [], |row| row.get(0)).expect("a cost");
    assert_eq!(column, "2.10e-05");
}

#[test]
fn what_a_failed_attempt_cost_is_in_every_sum_after_a_restart() {
    let event = |kind: &str, id: &str, status: &str, cost: f64| {
        let usage = json!({ "input_tokens": 20, "output_tokens": 3, "cost": cost });
        Event::parse(
            &json!({ "type": kind, "response": { "id": id, "status": status, "output": [], "usage": usage } })
                .to_string(),
        )
    };
    let mut sent = empty_answer(AnswerEnd::Open);
    sent.apply(0, timestamp(11), &event("response.failed", "gen-a", "failed", 0.02));
    assert!(sent.discard_attempt(0));
    sent.apply(0, timestamp(12), &event("response.completed", "gen-b", "completed", 0.1));
    sent.finish(timestamp(13), Ok(()));
    let disk = TestDatabase::new();
    disk.open().save_ok(vec![write_header(header(1, "a")), write_message(1, answer(2, 1, sent))]);

    let run = disk.open();
    let loaded = run.load(conversation_id(1)).expect("the conversation");
    let stored = loaded.messages[&message_id(2)].as_answer().expect("an answer");
    assert_eq!(stored.generation_ids().collect::<Vec<_>>(), ["gen-b", "gen-a"]);
    assert_eq!(stored.usage.as_ref().and_then(|usage| usage.cost.as_ref()).map(Usd::digits), Some("0.12"));
    assert_eq!((loaded.cost().known.digits(), loaded.cost().unpriced_answers), ("0.12", 0));
    run.send(StoreJob::SumCosts { since: timestamp(0) });
    let StoreReply::CostsSummed { cost, .. } = run.reply() else { panic!("no sum") };
    assert_eq!(cost.digits(), "0.12", "the sum of the day");
}

#[test]
fn each_response_of_an_answer_keeps_its_id_and_usage() {
    let disk = TestDatabase::new();
    let mut sent = full_answer(AnswerEnd::Interrupted);
    let usage = sent.usage.clone();
    sent.usage_by_step = [(0, usage), (1, None)]
        .map(|(step, usage)| (step, StepUsage { generation_id: Some(format!("gen-{step}")), usage }))
        .into();
    disk.open().save_ok(vec![write_header(header(1, "a")), write_message(1, answer(2, 1, sent.clone()))]);
    let loaded = |disk: &TestDatabase| {
        let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
        loaded.messages[&message_id(2)].as_answer().expect("an answer").clone()
    };
    let stored = loaded(&disk);
    assert_eq!(
        (&stored.usage_by_step, &stored.usage),
        (&sent.usage_by_step, &None),
        "the usage of one step is unknown"
    );
    assert_eq!(stored.unpriced_ids().collect::<Vec<_>>(), ["gen-1"]);
    let column: String = disk.connect().query_row("select cost from message", [], |row| row.get(0)).expect("a cost");
    assert_eq!(column, "2.10e-05", "the known cost counts towards the day");
    // As written by an earlier version, with one id and one total.
    disk.connect().execute_batch("update message set bills = null, generation = 'gen-old'").expect("it can be written");
    let old = loaded(&disk);
    assert_eq!(old.generation_ids().collect::<Vec<_>>(), ["gen-old"]);
    assert_eq!(
        old.usage.and_then(|usage| usage.cost).map(|cost| cost.digits().to_owned()).as_deref(),
        Some("2.10e-05")
    );
}

#[test]
fn the_list_is_newest_first_without_the_trash_and_marks_failed_and_unread() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let id = conversation_id;
    run.save_ok((1..=4).map(|n| write_header(header(n, &format!("number {n}")))).collect());
    run.save_ok(vec![
        write_message(1, answer(11, 10, empty_answer(AnswerEnd::Interrupted))),
        write_message(
            2,
            answer(21, 20, empty_answer(AnswerEnd::Failed(api::ApiError::new(api::FaultKind::Key, "no key")))),
        ),
        write_message(2, answer(22, 20, empty_answer(AnswerEnd::Complete))),
        // An older answer stays older, even if it is written later.
        write_message(1, answer(9, 8, empty_answer(AnswerEnd::Complete))),
        write_header(ConversationHeader { unread: true, updated_at: timestamp(9), ..header(3, "number 3") }),
        ConversationChange::Trash(id(4)),
    ]);
    let row = |n: u128, seconds, unread, failed| ConversationSummary {
        id: id(n),
        title: format!("number {n}"),
        updated_at: timestamp(seconds),
        unread,
        failed,
        model: "acme/large:online".into(),
        filing: ConversationFiling::default(),
        is_temporary: false,
    };
    let expected = [row(3, 9, true, false), row(2, 2, false, false), row(1, 1, false, true)];
    assert_eq!(run.list(), expected);
    drop(run);
    let run = disk.open();
    assert_eq!((run.newest.as_slice(), run.total), (expected.as_slice(), 3));

    run.save_ok(vec![
        ConversationChange::Seen(id(3)),
        ConversationChange::Restore(id(4)),
        ConversationChange::Rename { conversation: id(1), title: "one".into() },
    ]);
    assert_eq!(run.titles(), ["number 3", "number 4", "number 2", "one"]);
    assert!(!run.list()[0].unread);
}

#[test]
fn the_first_reply_has_the_newest_200_and_the_list_has_all() {
    let disk = TestDatabase::new();
    disk.open().save_ok((1..=250).map(|n| write_header(header(n, &format!("{n}")))).collect());
    let run = disk.open();
    let titles: Vec<String> = (51..=250).rev().map(|n| n.to_string()).collect();
    assert_eq!(run.newest.iter().map(|summary| summary.title.clone()).collect::<Vec<_>>(), titles);
    assert_eq!((run.total, run.list().len()), (250, 250));
}

#[test]
fn the_users_title_is_not_overwritten_by_an_instance_that_does_not_know_it() {
    let disk = TestDatabase::new();
    let (one, other) = (disk.open(), disk.open());
    one.save_ok(vec![write_header(header(1, "first words"))]);
    other.save_ok(vec![ConversationChange::Rename { conversation: conversation_id(1), title: "mine".into() }]);
    one.save_ok(vec![write_header(ConversationHeader { unread: true, ..header(1, "first words") })]);
    assert_eq!(other.titles(), ["mine"]);
    one.save_ok(vec![write_header(ConversationHeader { renamed: true, ..header(1, "newer") })]);
    assert_eq!(other.titles(), ["newer"]);
}

#[test]
fn a_conversation_is_found_by_id_title_or_the_start_of_its_id() {
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(0x1a, "Rust lifetimes")),
        write_header(header(0x1b, "Übung")),
        write_header(header(0x1c, "Rust lifetimes")),
        write_header(ConversationHeader {
            id: ibid::chat::ConversationId(uuid::Uuid::from_u128(0xabcd << 112)),
            ..header(2, "other")
        }),
        write_header(header(0x2f, "gone")),
        ConversationChange::Trash(conversation_id(0x2f)),
    ]);
    let find = |name: &str| run.load_by(StoreJob::LoadNamed(name.into())).map(|found| found.id.to_string());
    let id = |n| conversation_id(n).to_string();
    assert_eq!(find(&id(0x1a)), Ok(id(0x1a)));
    assert_eq!(find(&id(0x1a).to_uppercase()), Ok(id(0x1a)));
    assert_eq!(find("Rust lifetimes"), Ok(id(0x1c)), "the newest of that title");
    assert_eq!(find("rUST LIFETIMES"), Ok(id(0x1c)));
    assert_eq!(find("übung"), Ok(id(0x1b)));
    assert_eq!(find("ABCD"), Ok("abcd0000-0000-0000-0000-000000000000".into()));
    let error_of = |name: &str| find(name).expect_err("there is no single match").to_string();
    assert_eq!(error_of("0199"), "3 conversations have an id that begins with \"0199\"; give more of it");
    assert_eq!(error_of("abc"), "no conversation \"abc\"");
    assert_eq!(error_of("gone"), "no conversation \"gone\"");
    assert_eq!(run.load_by(StoreJob::LoadLatest).expect("the newest").id, conversation_id(0x1c));
}

#[test]
fn prompts_are_newest_first_without_duplicates_or_the_trash() {
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(1, "a")),
        write_header(header(2, "b")),
        write_header(header(3, "c")),
        write_message(1, prompt(1, "same")),
        write_message(2, prompt(2, "two")),
        write_message(1, prompt(3, "same")),
        write_message(3, prompt(4, "secret")),
        write_message(1, answer(5, 3, full_answer(AnswerEnd::Complete))),
        ConversationChange::Trash(conversation_id(3)),
    ]);
    assert_eq!(run.prompts(), ["same", "two"]);
    run.save_ok((10..1110).map(|n| write_message(1, prompt(n, &format!("prompt {n}")))).collect());
    let prompts = run.prompts();
    assert_eq!((prompts.len(), prompts[0].as_str(), prompts[999].as_str()), (1000, "prompt 1109", "prompt 110"));
}

#[test]
fn a_save_is_atomic_and_does_not_affect_other_saves() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let draft = |n, text: &str| ConversationChange::Draft { conversation: conversation_id(n), text: text.into() };
    let jobs = [
        vec![write_header(header(1, "kept"))],
        vec![draft(1, "lost"), write_message(1, prompt(1, "lost")), draft(7, "of no conversation")],
        vec![write_message(7, prompt(2, "of no conversation"))],
        vec![draft(1, "kept")],
    ];
    for (n, changes) in (0..).zip(jobs) {
        run.send(StoreJob::Save { ticket: SaveTicket(n), changes });
    }
    let replies: Vec<(u64, Result<(), StoreError>)> = (0..4)
        .map(|_| match run.reply() {
            StoreReply::Saved(SaveTicket(n)) => (n, Ok(())),
            StoreReply::SaveFailed { ticket: SaveTicket(n), error } => (n, Err(error)),
            other => panic!("unexpected reply to a save: {other:?}"),
        })
        .collect();
    assert_eq!((replies[0].clone(), replies[3].clone()), ((0, Ok(())), (3, Ok(()))));
    assert_eq!(replies[1], (1, Err(StoreError::Missing(conversation_id(7).to_string()))));
    assert!(matches!(&replies[2], (2, Err(StoreError::Other(why))) if why.contains("FOREIGN KEY")), "{:?}", replies[2]);
    drop(run);
    let loaded = disk.open().load(conversation_id(1)).expect("the conversation");
    assert_eq!((loaded.draft.as_str(), loaded.messages.len()), ("kept", 0));
}

#[test]
fn closing_waits_until_everything_is_on_disk_and_every_save_is_answered() {
    let disk = TestDatabase::new();
    let (sender, replies) = std::sync::mpsc::channel();
    let store = ibid::store::StoreHandle::open(&disk.file(), move |reply| {
        let _ = sender.send(reply);
    });
    for n in 1..=300 {
        store.send(StoreJob::Save {
            ticket: SaveTicket(n),
            changes: vec![write_header(header(n.into(), "one of many"))],
        });
    }
    drop(store);
    let saved: Vec<u64> = replies
        .iter()
        .filter_map(|reply| if let StoreReply::Saved(SaveTicket(n)) = reply { Some(n) } else { None })
        .collect();
    assert_eq!(saved, (1..=300).collect::<Vec<_>>());
    assert_eq!(disk.open().total, 300);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_access_the_folder_and_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![write_header(header(1, "a")), write_message(1, answer(2, 1, empty_answer(AnswerEnd::Open)))]);
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

#[test]
fn how_a_conversation_is_filed_is_listed_and_loaded_and_no_save_of_the_rest_changes_it() {
    let disk = TestDatabase::new();
    let (one, other) = (disk.open(), disk.open());
    let file = |n, change| ConversationChange::File { conversation: conversation_id(n), change };
    one.save_ok((1..=250).map(|n| write_header(header(n, &format!("{n}")))).collect());
    other.save_ok(vec![
        file(2, FilingChange::Tags(vec!["rust".into(), "日本".into()])),
        file(2, FilingChange::Pinned(Some(timestamp(5)))),
        file(3, FilingChange::Archived(Some(timestamp(6)))),
    ]);
    one.save_ok(vec![write_header(header(2, "2, saved by an instance that has not read it again"))]);
    let filed = ConversationFiling {
        tags: vec!["rust".into(), "日本".into()],
        pinned_at: Some(timestamp(5)),
        archived_at: None,
    };
    let of = |rows: &[ConversationSummary], n: u128| rows.iter().find(|row| row.id == conversation_id(n)).cloned();
    let list = one.list();
    assert_eq!(of(&list, 2).map(|row| row.filing), Some(filed.clone()));
    assert_eq!(of(&list, 3).and_then(|row| row.filing.archived_at), Some(timestamp(6)));
    assert_eq!(one.load(conversation_id(2)).map(|loaded| loaded.filing), Ok(filed.clone()));
    drop((one, other));
    let run = disk.open();
    assert_eq!(of(&run.newest, 2).map(|row| row.filing), Some(filed), "pinned ones come first, however old");
    assert_eq!((run.newest.len(), run.total), (201, 250));
    assert_eq!(
        run.save(vec![file(999, FilingChange::Pinned(None))]),
        Err(StoreError::Missing(conversation_id(999).to_string()))
    );
}
