//! Database benches with 10,000 conversations. Run with `cargo bench --bench store`.
#![allow(unreachable_pub, reason = "nothing outside uses a bench")]

use std::{
    path::Path,
    sync::{
        OnceLock,
        mpsc::{self, Receiver},
    },
    time::Instant,
};

use ibid::{
    api::{
        Event,
        event::{ItemField, ItemRef, TextTarget},
    },
    chat::{
        Answer, AnswerEnd, ChatSettings, ConversationChange, ConversationHeader, ConversationId, Item, ItemKind,
        ItemSlot, Message, MessageBody, MessageId, Prompt, Timestamp, answer::ContentPart, journal::AnswerJournal,
    },
    store::{SaveTicket, StoreHandle, StoreJob, StoreReply},
};
use serde_json::{json, value::to_raw_value};
use uuid::Uuid;

const CONVERSATIONS: u64 = 10_000;
const SAVE_TICKET: SaveTicket = SaveTicket(0);

fn main() {
    let begun = Instant::now();
    let database = database();
    println!("{CONVERSATIONS} conversations created in {:.1} s", begun.elapsed().as_secs_f64());
    for _ in 0..3 {
        let begun = Instant::now();
        let run = StoreRun::open(database);
        println!("opened, newest 200 listed after {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let all = run.run_job(StoreJob::ListConversations);
        let StoreReply::Listed { conversations } = all else { panic!("not a list: {all:?}") };
        println!("all {} listed after {:.2} ms more", conversations.len(), begun.elapsed().as_secs_f64() * 1e3);
    }
    divan::main();
}

/// From the start of the store's thread to the rows of the list.
#[divan::bench]
fn open_and_list_the_newest(bencher: divan::Bencher) {
    let database = database();
    bencher.bench_local(|| StoreRun::open(database));
}

#[divan::bench]
fn list_all(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    bencher.bench_local(|| run.run_job(StoreJob::ListConversations));
}

#[divan::bench]
fn load_one(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    bencher.bench_local(|| run.run_job(StoreJob::Load(conversation_id(5000))));
}

#[divan::bench]
fn find_by_title(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    bencher.bench_local(|| run.run_job(StoreJob::LoadNamed("Conversation 17 about lifetimes".into())));
}

#[divan::bench]
fn newest_prompts(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    bencher.bench_local(|| run.run_job(StoreJob::LoadPrompts));
}

/// The delay between Enter and the request.
#[divan::bench]
fn save_a_prompt(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    let mut n = 10 * CONVERSATIONS;
    bencher.bench_local(|| {
        n += 1;
        let message =
            message(n, None, MessageBody::Prompt(Prompt { text: "why does this future not live long enough?".into() }));
        run.run_job(StoreJob::Save { ticket: SAVE_TICKET, changes: vec![header_change(1), message_change(1, message)] })
    });
}

/// The growth of an answer in one second of a fast stream, whatever its length.
#[divan::bench]
fn checkpoint_of_4_kb(bencher: divan::Bencher) {
    let run = StoreRun::open(database());
    let mut journal = AnswerJournal::default();
    let target = TextTarget { item_ref: ItemRef::Index(0), field: ItemField::Text(0) };
    journal.push(0, Timestamp::UNIX_EPOCH, &Event::Delta { target, text: "words of an answer".repeat(220) });
    let growth = journal.take().expect("the journal has a line");
    bencher.bench_local(|| {
        let growth = ConversationChange::Journal { message: message_id(3), chunk: growth.clone() };
        run.run_job(StoreJob::Save { ticket: SAVE_TICKET, changes: vec![growth] })
    });
}

/// A store and its replies.
struct StoreRun {
    store: StoreHandle,
    replies: Receiver<StoreReply>,
}

impl StoreRun {
    fn open(database: &Path) -> Self {
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open(database, move |reply| {
            let _ = sender.send(reply); // The receiver is gone at the end of the bench.
        });
        let run = Self { store, replies };
        assert!(matches!(run.next_reply(), StoreReply::Opened { .. }));
        run
    }

    fn run_job(&self, job: StoreJob) -> StoreReply {
        self.store.send(job);
        self.next_reply()
    }

    fn next_reply(&self) -> StoreReply {
        self.replies.recv().expect("the store answers every job")
    }
}

/// The path of a database that is created once for all benches.
fn database() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static FILE: OnceLock<std::path::PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary directory can be created"));
        let file = folder.path().join("ibid.db");
        let run = StoreRun::open(&file);
        for first in (0..CONVERSATIONS).step_by(500) {
            let changes = (first..first + 500).flat_map(conversation_changes).collect();
            let reply = run.run_job(StoreJob::Save { ticket: SAVE_TICKET, changes });
            assert!(matches!(reply, StoreReply::Saved(_)), "{reply:?}");
        }
        file
    })
}

/// Two prompts with their answers.
fn conversation_changes(n: u64) -> Vec<ConversationChange> {
    let mut changes = vec![header_change(n)];
    for turn in 0..2 {
        let prompt = 4 * n + 2 * turn;
        let text = format!("Prompt {turn} of conversation {n}");
        changes.push(message_change(
            n,
            message(prompt, turn.checked_sub(1).map(|_| prompt - 1), MessageBody::Prompt(Prompt { text })),
        ));
        changes.push(message_change(n, message(prompt + 1, Some(prompt), MessageBody::Answer(answer()))));
    }
    changes
}

fn header_change(n: u64) -> ConversationChange {
    ConversationChange::Conversation(Box::new(ConversationHeader {
        id: conversation_id(n),
        title: format!("Conversation {n} about lifetimes"),
        renamed: false,
        settings: ChatSettings { endpoint: "openrouter".into(), model: "acme/large".into(), ..ChatSettings::default() },
        branch: (4 * n..4 * n + 4).map(message_id).collect(),
        updated_at: Timestamp::from_second(1_700_000_000 + (n * 7919 % CONVERSATIONS).cast_signed())
            .expect("the timestamp is valid"),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    }))
}

fn answer() -> Answer {
    let text = "The borrow must outlive the task, because `spawn` needs `'static`. ".repeat(25);
    let raw = json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
    let kind = ItemKind::Message { parts: vec![ContentPart::Text { text, annotations: vec![] }], phase: None };
    let raw = to_raw_value(&raw).expect("the item serializes to JSON");
    let item = Item { raw: Some(raw.into()), opened_at: Timestamp::UNIX_EPOCH, closed_at: None, kind: kind.into() };
    Answer {
        items: [(ItemSlot { step: 0, index: 0 }, item)].into(),
        end: AnswerEnd::Complete,
        ..Answer::new("openrouter", "acme/large", Timestamp::UNIX_EPOCH)
    }
}

fn message(n: u64, parent: Option<u64>, body: MessageBody) -> Message {
    let at = Timestamp::from_second(1_700_000_000 + n.cast_signed()).expect("the timestamp is valid");
    Message { id: message_id(n), parent: parent.map(message_id), created_at: at, rev: 0, body }
}

fn message_change(conversation: u64, message: Message) -> ConversationChange {
    ConversationChange::Message { conversation: conversation_id(conversation), message: Box::new(message) }
}

fn conversation_id(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u64_pair(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 + n))
}

fn message_id(n: u64) -> MessageId {
    MessageId(Uuid::from_u64_pair(0x0199_1111_0000_7000, 0x8000_0000_0000_0000 + n))
}
