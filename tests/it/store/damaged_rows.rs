//! One row that cannot be read costs that row, not the conversation and not the database.

use ibid::chat::{AnswerEnd, ConversationChange, ConversationHeader};

use super::test_database::{
    TestDatabase, answer, full_answer, header, message_id, prompt, queued_prompt, write_header, write_message,
};

/// A database with two conversations, the first one with a prompt, an answer and another prompt.
fn database() -> TestDatabase {
    let disk = TestDatabase::new();
    let branch = vec![message_id(1), message_id(2), message_id(3)];
    let mut second_prompt = prompt(3, "And then?");
    second_prompt.parent = Some(message_id(2));
    disk.open().save_ok(vec![
        write_header(ConversationHeader { branch, ..header(1, "First") }),
        write_header(header(2, "Second")),
        write_message(1, prompt(1, "Why?")),
        write_message(1, answer(2, 1, full_answer(AnswerEnd::Complete))),
        write_message(1, second_prompt),
        ConversationChange::Queue { conversation: header(1, "").id, prompt: queued_prompt(1, "later") },
        ConversationChange::Queue { conversation: header(1, "").id, prompt: queued_prompt(2, "never") },
    ]);
    disk
}

fn damage(disk: &TestDatabase, sql: &str) {
    let changed = disk.connect().execute(sql, []).expect("the statement is valid");
    assert!(changed > 0, "{sql}");
}

#[test]
fn an_answer_that_cannot_be_read_keeps_its_place_and_says_so() {
    for sql in [
        "update message set items = '[{' where role = 'answer'",
        "update message set items = x'ff00' where role = 'answer'",
        "update message set ending = '\"of another version\"' where role = 'answer'",
        "update message set runs = 'no json' where role = 'answer'",
    ] {
        let disk = database();
        damage(&disk, sql);
        let loaded = disk.open().load(header(1, "").id).expect("the rest is there");
        assert_eq!(loaded.branch, [message_id(1), message_id(2), message_id(3)], "{sql}");
        let answer = loaded.messages[&message_id(2)].as_answer().expect("an answer");
        assert!(answer.notes.iter().any(|note| note.contains("cannot be read")), "{sql}: {:?}", answer.notes);
    }
}

#[test]
fn any_other_damaged_column_costs_only_what_is_in_it() {
    for sql in [
        "update message set notes = 'x', bills = 'x', course = 'x', started = 'x', rev = 'x' where role = 'answer'",
        "update message set text = x'57ff' where role = 'prompt'",
        "update conversation set settings = '{', left_out = '?', title = x'ff41' where title = 'First'",
        "update queued set text = x'57ff', owner = x'ff' where text = 'later'",
        "update queued set id = 'lost' where text = 'never'",
        "update conversation set updated = 'yesterday', unread = 'no', draft = x'00ff' where title = 'First'",
    ] {
        let disk = database();
        damage(&disk, sql);
        let run = disk.open();
        assert_eq!((run.newest.len(), run.list().len()), (2, 2), "{sql}");
        let loaded = run.load(header(1, "").id).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(loaded.messages.len(), 3, "{sql}");
        assert_eq!(loaded.branch.len(), 3, "{sql}");
        run.prompts();
    }
}

#[test]
fn a_message_without_a_readable_id_leaves_the_others_reachable() {
    let disk = database();
    damage(&disk, "update message set id = 'lost' where role = 'answer'");
    let loaded = disk.open().load(header(1, "").id).expect("the rest is there");
    assert_eq!(loaded.branch, [message_id(1), message_id(3)]);

    let disk = database();
    damage(&disk, "update conversation set branch = 'lost' where title = 'First'");
    let loaded = disk.open().load(header(1, "").id).expect("the rest is there");
    assert_eq!(loaded.branch, [message_id(1), message_id(2), message_id(3)]);

    let disk = database();
    damage(&disk, "update conversation set id = 'lost' where title = 'Second'");
    let run = disk.open();
    assert_eq!(run.titles(), ["First"]);
}
