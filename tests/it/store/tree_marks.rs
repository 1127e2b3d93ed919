//! Pruned branches, bookmarks and forks survive a restart as they were in memory.

use ibid::chat::{
    ChatEffect, ChatSettings, Conversation, ConversationChange, IdGenerator, MessageId, PrunedBranch, Timestamp,
};
use proptest::{collection::vec, prelude::*};

use super::test_database::{StoreRun, TestDatabase, debug_text, full_answer, timestamp};

/// What a reader does.
#[derive(Debug, Clone)]
enum Step {
    Ask,
    AnswerAgain(usize),
    Edit(usize),
    GoTo(usize),
    Prune(usize),
    Undo,
    Restore(usize),
    Bookmark(usize),
    Fork(usize),
    Reload,
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = 0_usize..1_000;
    prop_oneof![
        4 => Just(Step::Ask),
        2 => index.clone().prop_map(Step::AnswerAgain),
        2 => index.clone().prop_map(Step::Edit),
        1 => index.clone().prop_map(Step::GoTo),
        3 => index.clone().prop_map(Step::Prune),
        1 => Just(Step::Undo),
        1 => index.clone().prop_map(Step::Restore),
        2 => index.clone().prop_map(Step::Bookmark),
        1 => index.prop_map(Step::Fork),
        1 => Just(Step::Reload),
    ]
}

/// A conversation in memory, and the database that it is saved to.
struct Reader {
    chat: Conversation,
    ids: IdGenerator,
    seconds: i64,
    undo: Vec<PrunedBranch>,
    run: StoreRun,
}

impl Reader {
    fn now(&mut self) -> Timestamp {
        self.seconds += 1;
        timestamp(self.seconds)
    }

    /// Saves what follows from a change, and stops what it began.
    fn carry_out(&mut self, next: Vec<ChatEffect>) {
        for effect in next {
            if let ChatEffect::Save { changes, .. } = effect {
                self.run.save_ok(changes);
            }
        }
        let now = self.now();
        let running: Vec<_> = self.chat.turns.iter().map(|turn| turn.id).collect();
        for turn in running {
            let stopped = self.chat.stop(turn, now);
            self.carry_out(stopped);
        }
    }

    fn pick(&self, index: usize) -> Option<MessageId> {
        let all: Vec<MessageId> = self.chat.messages.keys().copied().collect();
        (!all.is_empty()).then(|| all[index % all.len()])
    }

    fn take(&mut self, step: &Step) {
        let now = self.now();
        let next = match step {
            Step::Ask => self.chat.submit(&mut self.ids, now, format!("Question {}", self.seconds)),
            Step::AnswerAgain(index) => self
                .pick(*index)
                .filter(|id| !self.chat.is_pruned(*id))
                .map_or_else(Vec::new, |id| self.chat.answer_again(id, None, &mut self.ids, now)),
            Step::Edit(index) => self.pick(*index).filter(|id| !self.chat.is_pruned(*id)).map_or_else(Vec::new, |id| {
                self.chat.edit_prompt(id, format!("Edited {}", self.seconds), &mut self.ids, now)
            }),
            Step::GoTo(index) => self.pick(*index).map_or_else(Vec::new, |id| self.chat.go_to(id)),
            Step::Prune(index) => match self.pick(*index).map(|id| self.chat.prune(id, now)) {
                Some(Ok((pruned, next))) => {
                    self.undo.push(pruned);
                    next
                }
                Some(Err(_)) | None => Vec::new(),
            },
            Step::Undo => match self.undo.pop() {
                Some(pruned) => self.chat.restore_pruned(pruned.message, Some(&pruned)),
                None => Vec::new(),
            },
            Step::Restore(index) => self.pick(*index).map_or_else(Vec::new, |id| self.chat.restore_pruned(id, None)),
            Step::Bookmark(index) => self.pick(*index).map_or_else(Vec::new, |id| self.chat.toggle_bookmark(id, now)),
            Step::Fork(index) => match self.pick(*index).and_then(|id| self.chat.fork(id, &mut self.ids, now)) {
                Some((fork, next)) => {
                    self.chat = fork;
                    self.undo.clear();
                    next
                }
                None => Vec::new(),
            },
            Step::Reload => {
                self.check();
                if !self.chat.is_new() {
                    self.chat = self.run.load(self.chat.id).expect("it was saved");
                }
                Vec::new()
            }
        };
        self.carry_out(next);
    }

    /// Compares what is on disk with what is in memory.
    fn check(&self) {
        if self.chat.is_new() {
            return;
        }
        let stored = self.run.load(self.chat.id).expect("it was saved");
        assert_eq!(stored.header(), self.chat.header());
        assert_eq!(stored.marks(), self.chat.marks());
        assert_eq!(stored.cost(), self.chat.cost());
        assert_eq!(debug_text(&stored.messages.keys()), debug_text(&self.chat.messages.keys()));
        for id in self.chat.messages.keys() {
            assert_eq!(stored.siblings(*id), self.chat.siblings(*id));
            assert_eq!(stored.children_of(Some(*id)), self.chat.children_of(Some(*id)));
            assert_eq!(stored.is_pruned(*id), self.chat.is_pruned(*id));
        }
        assert!(!self.chat.branch.is_empty() && self.chat.branch.iter().all(|id| !self.chat.is_pruned(*id)));
        let parents: Vec<_> = self.chat.branch.iter().map(|id| self.chat.messages[id].parent).collect();
        let expected: Vec<_> = std::iter::once(None).chain(self.chat.branch.iter().copied().map(Some)).collect();
        assert_eq!(parents, expected[..parents.len()], "the branch is a path from the first prompt");
    }
}

fn reader(disk: &TestDatabase) -> Reader {
    let mut ids = IdGenerator::new(7);
    let settings = ChatSettings { endpoint: "x".into(), model: "a/b".into(), ..ChatSettings::default() };
    let chat = Conversation::new(ids.conversation(timestamp(0)), settings, timestamp(0));
    Reader { chat, ids, seconds: 0, undo: Vec::new(), run: disk.open() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_are_the_same_after_a_reload(steps in vec(any_step(), 1..40)) {
        let disk = TestDatabase::new();
        let mut reader = reader(&disk);
        for step in &steps {
            reader.take(step);
        }
        reader.check();
        drop(reader.run);
        reader.run = disk.open();
        reader.check();
    }
}

#[test]
fn a_fork_is_not_counted_in_the_costs_again_and_keeps_results_and_checks() {
    let disk = TestDatabase::new();
    let mut reader = reader(&disk);
    reader.take(&Step::Ask);
    let answer_id = *reader.chat.branch.last().expect("an answer");
    let mut message = reader.chat.messages[&answer_id].clone();
    message.body = ibid::chat::MessageBody::Answer(full_answer(ibid::chat::AnswerEnd::Complete));
    let conversation = reader.chat.id;
    reader.run.save_ok(vec![ConversationChange::Message { conversation, message: Box::new(message) }]);
    reader.chat = reader.run.load(conversation).expect("it was saved");
    let (paid, unpriced) = (reader.chat.cost().known.clone(), reader.chat.cost().unpriced_answers);
    assert!(!paid.is_zero());
    let db = disk.connect();
    let id = answer_id.to_string();
    db.execute("insert into outcome (message, step, place, content) values (?1, 0, 1, '[]')", [&id]).expect("a result");
    db.execute(
        "insert into source_check (message, source, at, result) values (?1, 'https://x.example', 1, '{}')",
        [&id],
    )
    .expect("a check");
    let total = |since: &str| -> i64 {
        let sql = format!("select count(*) from message where cost is not null and {since}");
        db.query_row(&sql, [], |row| row.get(0)).expect("a count")
    };
    let counted = total("true");
    reader.take(&Step::Fork(1));
    assert_ne!(reader.chat.id, conversation);
    assert_eq!(total("true"), counted, "no sum over messages counts the copy");
    let copy = reader.chat.branch[1].to_string();
    for table in ["outcome", "source_check"] {
        let sql = format!("select count(*) from {table} where message = ?1");
        assert_eq!(db.query_row(&sql, [&copy], |row| row.get::<_, i64>(0)).expect("a count"), 1, "{table}");
    }
    let fork = reader.run.load(reader.chat.id).expect("it was saved");
    assert_eq!((fork.cost().known.is_zero(), fork.cost().unpriced_answers), (true, 0));
    let first = reader.run.load(conversation).expect("it is still there");
    assert_eq!((&first.cost().known, first.cost().unpriced_answers), (&paid, unpriced));
}

#[test]
fn a_branch_that_another_instance_pruned_is_left_when_it_is_read() {
    let disk = TestDatabase::new();
    let mut reader = reader(&disk);
    for step in [Step::Ask, Step::Ask, Step::Edit(2)] {
        reader.take(&step);
    }
    let shown = reader.chat.branch.clone();
    reader.run.save_ok(vec![ConversationChange::Prune { message: shown[2], at: timestamp(99) }]);
    let read = reader.run.load(reader.chat.id).expect("it was saved");
    assert_eq!(read.branch[..2], shown[..2]);
    assert!(read.branch.len() == 4 && !read.branch.contains(&shown[2]), "the other version is shown");
}
