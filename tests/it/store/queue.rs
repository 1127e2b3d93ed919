//! Queued prompts in several instances: each is sent once, by the one whose transaction removed it from the queue.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::Barrier,
    thread,
};

use ibid::{
    chat::{AnswerEnd, ConversationChange, QueueHolder, QueuedPrompt},
    store::StoreError,
};

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, empty_answer, header, message_id, prompt, queued_prompt,
    write_header, write_message,
};

fn enqueue(prompt: &QueuedPrompt) -> ConversationChange {
    ConversationChange::Queue { conversation: conversation_id(1), prompt: prompt.clone() }
}

/// What an instance saves before it sends a queued prompt: the prompt leaves the queue and is a message with an answer.
fn send(queued: &QueuedPrompt, n: u128) -> Vec<ConversationChange> {
    vec![
        write_message(1, prompt(n, &queued.text)),
        write_message(1, answer(n + 1, n, empty_answer(AnswerEnd::Open))),
        ConversationChange::SendQueued { conversation: conversation_id(1), prompt: queued.id },
    ]
}

/// The texts in the queue that this run sees, with who holds them.
fn queue(run: &StoreRun) -> Vec<(String, QueueHolder)> {
    let loaded = run.load(conversation_id(1)).expect("the conversation");
    loaded.queue.into_iter().map(|prompt| (prompt.text, prompt.holder)).collect()
}

/// How many messages are on disk.
fn message_count(disk: &TestDatabase) -> u32 {
    disk.connect().query_row("select count(*) from message", [], |row| row.get(0)).expect("a number")
}

/// A database in which a run that has ended left these prompts.
fn with_left_queue(prompts: &[QueuedPrompt]) -> TestDatabase {
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![write_header(header(1, "a"))]);
    run.save_ok(prompts.iter().map(enqueue).collect());
    drop(run);
    disk
}

#[test]
fn of_several_instances_that_send_a_queued_prompt_at_once_exactly_one_may() {
    for round in 0..20 {
        let waiting = queued_prompt(1, "once");
        let disk = with_left_queue(std::slice::from_ref(&waiting));
        let runs: Vec<StoreRun> = (0..4).map(|_| disk.open()).collect();
        let start = Barrier::new(runs.len());
        let outcomes: Vec<Result<(), StoreError>> = thread::scope(|scope| {
            let send_from = |(number, run): (u128, StoreRun)| {
                let (start, waiting) = (&start, &waiting);
                scope.spawn(move || {
                    start.wait();
                    let outcome = run.save(send(waiting, 10 * number));
                    start.wait(); // As long as any may send, the winner is alive.
                    outcome
                })
            };
            let sending: Vec<_> = (1..).zip(runs).map(send_from).collect();
            sending.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "in round {round}: {outcomes:?}");
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.into_iter().all(|error| *error == StoreError::Taken(waiting.id)));
        assert_eq!(message_count(&disk), 2, "what was refused wrote no message");
        assert_eq!(queue(&disk.open()), []);
    }
}

#[test]
fn a_queue_of_a_running_instance_can_be_seen_but_not_sent_by_another() {
    let disk = with_left_queue(&[]);
    let (owner, other) = (disk.open(), disk.open());
    let waiting = [queued_prompt(1, "first"), queued_prompt(2, "second")];
    owner.save_ok(waiting.iter().map(enqueue).collect());
    assert_eq!(queue(&other), [("first".into(), QueueHolder::Elsewhere), ("second".into(), QueueHolder::Elsewhere)]);
    assert_eq!(queue(&owner), [("first".into(), QueueHolder::Here), ("second".into(), QueueHolder::Here)]);
    assert_eq!(other.save(send(&waiting[0], 10)), Err(StoreError::Taken(waiting[0].id)));
    owner.save_ok(send(&waiting[0], 20));
    drop(owner);
    assert_eq!(queue(&other), [("second".into(), QueueHolder::Here)]);
    other.save_ok(send(&waiting[1], 30));
    assert_eq!(queue(&other), []);
}

#[test]
fn whoever_sends_a_prompt_that_a_dead_instance_left_holds_the_rest_of_its_queue() {
    let waiting = [queued_prompt(1, "first"), queued_prompt(2, "second")];
    let disk = with_left_queue(&waiting);
    let (one, other) = (disk.open(), disk.open());
    assert_eq!(queue(&other)[1].1, QueueHolder::Here);
    one.save_ok(send(&waiting[0], 10));
    assert_eq!(queue(&other), [("second".into(), QueueHolder::Elsewhere)]);
    assert_eq!(other.save(send(&waiting[1], 20)), Err(StoreError::Taken(waiting[1].id)));
}

#[test]
fn a_prompt_taken_back_to_be_edited_cannot_be_sent_by_another_instance() {
    let waiting = queued_prompt(1, "almost");
    let disk = with_left_queue(std::slice::from_ref(&waiting));
    let (one, other) = (disk.open(), disk.open());
    one.save_ok(vec![ConversationChange::TakeBackQueued { conversation: conversation_id(1), prompt: waiting.id }]);
    assert_eq!(other.save(send(&waiting, 10)), Err(StoreError::Taken(waiting.id)));
    assert_eq!(message_count(&disk), 0);
}

/// Starts this test again in another process, and returns once that has printed the word.
#[expect(clippy::disallowed_methods, reason = "a test starts another process of itself")]
fn start_child(test: &str, folder: &std::path::Path, word: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    assert!(output.lines().map_while(Result::ok).any(|line| line == word), "the child says {word}");
    child
}

const FOLDER: &str = "IBID_TEST_QUEUE_IN";

#[test]
fn a_prompt_whose_instance_is_killed_stands_as_unsent_and_is_sent_by_one_other() {
    let waiting = [queued_prompt(1, "taken"), queued_prompt(2, "waiting")];
    if let Some(folder) = std::env::var_os(FOLDER) {
        let run = TestDatabase::in_folder(folder.as_ref()).open();
        run.save_ok(vec![write_header(header(1, "a"))]);
        run.save_ok(waiting.iter().map(enqueue).collect());
        run.save_ok(send(&waiting[0], 10));
        println!("\ntaken");
        let _ = std::io::stdin().read(&mut [0]); // Blocks until this process is killed.
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let test = "store::queue::a_prompt_whose_instance_is_killed_stands_as_unsent_and_is_sent_by_one_other";
    let mut child = start_child(test, folder.path(), "taken");
    let disk = TestDatabase::in_folder(folder.path());
    let runs = [disk.open(), disk.open()];
    assert_eq!(queue(&runs[0]), [("waiting".into(), QueueHolder::Elsewhere)]);
    child.kill().expect("the child can be killed");
    child.wait().expect("the child can be waited for");

    // Its request never left: the prompt stands there with an answer that can be asked for again, and no longer waits.
    let loaded = runs[0].load(conversation_id(1)).expect("the conversation");
    let unanswered = loaded.messages[&message_id(11)].as_answer().expect("an answer");
    assert_eq!((unanswered.end.clone(), unanswered.items.len()), (AnswerEnd::Interrupted, 0));
    assert_eq!(queue(&runs[1]), [("waiting".into(), QueueHolder::Here)]);
    assert!(runs.iter().all(|run| run.save(send(&waiting[0], 20)).is_err()), "it is not sent a second time");
    let sent = [30, 40].map(|n| runs[usize::from(n == 40)].save(send(&waiting[1], n)).is_ok());
    assert_eq!(sent, [true, false]);
}
