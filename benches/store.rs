//! How long the database takes with 10,000 conversations in it: `cargo bench --bench store`.

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
        event::{At, Field, Place},
    },
    chat::{
        Answer, Body, Change, ConversationId, End, Header, Item, Kind, Message, MessageId, Prompt, Settings, Slot,
        Timestamp, answer::Part, journal::Journal,
    },
    store::{Job, Reply, Store, Ticket},
};
use serde_json::{json, value::to_raw_value};
use uuid::Uuid;

const CONVERSATIONS: u64 = 10_000;
const SAVED: Ticket = Ticket(0);

fn main() {
    let begun = Instant::now();
    let database = database();
    println!("{CONVERSATIONS} conversations made in {:.1} s", begun.elapsed().as_secs_f64());
    for _ in 0..3 {
        let begun = Instant::now();
        let run = Run::open(database);
        println!("opened, newest 200 listed after {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let all = run.ask(Job::List);
        let Reply::Listed { conversations } = all else { panic!("not a list: {all:?}") };
        println!("all {} listed after {:.2} ms more", conversations.len(), begun.elapsed().as_secs_f64() * 1e3);
    }
    divan::main();
}

/// From the start of the thread to the rows on their way to the screen.
#[divan::bench]
fn open_and_list_the_newest(bencher: divan::Bencher) {
    let database = database();
    bencher.bench_local(|| Run::open(database));
}

#[divan::bench]
fn list_all(bencher: divan::Bencher) {
    let run = Run::open(database());
    bencher.bench_local(|| run.ask(Job::List));
}

#[divan::bench]
fn load_one(bencher: divan::Bencher) {
    let run = Run::open(database());
    bencher.bench_local(|| run.ask(Job::Load(conversation_id(5000))));
}

#[divan::bench]
fn find_by_title(bencher: divan::Bencher) {
    let run = Run::open(database());
    bencher.bench_local(|| run.ask(Job::LoadNamed("Conversation 17 about lifetimes".into())));
}

#[divan::bench]
fn newest_prompts(bencher: divan::Bencher) {
    let run = Run::open(database());
    bencher.bench_local(|| run.ask(Job::Prompts));
}

/// The wait between Enter and the request.
#[divan::bench]
fn save_a_prompt(bencher: divan::Bencher) {
    let run = Run::open(database());
    let mut n = 10 * CONVERSATIONS;
    bencher.bench_local(|| {
        n += 1;
        let message =
            message(n, None, Body::Prompt(Prompt { text: "why does this future not live long enough?".into() }));
        run.ask(Job::Save { ticket: SAVED, changes: vec![begin(1), write(1, message)] })
    });
}

/// What a second of a fast stream adds, at any length of the answer.
#[divan::bench]
fn checkpoint_of_4_kb(bencher: divan::Bencher) {
    let run = Run::open(database());
    let mut journal = Journal::default();
    let place = Place { at: At::Index(0), field: Field::Text(0) };
    journal.push(0, Timestamp::UNIX_EPOCH, &Event::Delta { place, text: "words of an answer".repeat(220) });
    let growth = journal.take().expect("a line");
    bencher.bench_local(|| {
        let growth = Change::Growth { message: message_id(3), growth: growth.clone() };
        run.ask(Job::Save { ticket: SAVED, changes: vec![growth] })
    });
}

/// A store and what it says.
struct Run {
    store: Store,
    replies: Receiver<Reply>,
}

impl Run {
    fn open(database: &Path) -> Self {
        let (sender, replies) = mpsc::channel();
        let store = Store::open(database, move |reply| {
            let _ = sender.send(reply); // Nobody listens on the way out.
        });
        let run = Self { store, replies };
        assert!(matches!(run.reply(), Reply::Opened { .. }));
        run
    }

    fn ask(&self, job: Job) -> Reply {
        self.store.send(job);
        self.reply()
    }

    fn reply(&self) -> Reply {
        self.replies.recv().expect("the store answers every job")
    }
}

/// Made once for all benches; left to the system when the program ends.
fn database() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static FILE: OnceLock<std::path::PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let file = folder.path().join("ibid.db");
        let run = Run::open(&file);
        for first in (0..CONVERSATIONS).step_by(500) {
            let changes = (first..first + 500).flat_map(conversation).collect();
            let reply = run.ask(Job::Save { ticket: SAVED, changes });
            assert!(matches!(reply, Reply::Saved(_)), "{reply:?}");
        }
        file
    })
}

/// Two prompts with their answers.
fn conversation(n: u64) -> Vec<Change> {
    let mut changes = vec![begin(n)];
    for turn in 0..2 {
        let prompt = 4 * n + 2 * turn;
        let text = format!("Prompt {turn} of conversation {n}");
        changes.push(write(n, message(prompt, turn.checked_sub(1).map(|_| prompt - 1), Body::Prompt(Prompt { text }))));
        changes.push(write(n, message(prompt + 1, Some(prompt), Body::Answer(answer()))));
    }
    changes
}

fn begin(n: u64) -> Change {
    Change::Conversation(Box::new(Header {
        id: conversation_id(n),
        title: format!("Conversation {n} about lifetimes"),
        renamed: false,
        settings: Settings { endpoint: "openrouter".into(), model: "acme/large".into(), ..Settings::default() },
        branch: (4 * n..4 * n + 4).map(message_id).collect(),
        updated: Timestamp::from_second(1_700_000_000 + (n * 7919 % CONVERSATIONS).cast_signed()).expect("a time"),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    }))
}

fn answer() -> Answer {
    let text = "The borrow must outlive the task, because `spawn` needs `'static`. ".repeat(25);
    let raw = json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
    let kind = Kind::Message { parts: vec![Part::Text { text, annotations: vec![] }], phase: None };
    let raw = to_raw_value(&raw).expect("JSON");
    let item = Item { raw: Some(raw.into()), opened: Timestamp::UNIX_EPOCH, closed: None, kind: kind.into() };
    Answer {
        items: [(Slot { step: 0, index: 0 }, item)].into(),
        end: End::Complete,
        ..Answer::new("openrouter", "acme/large", Timestamp::UNIX_EPOCH)
    }
}

fn message(n: u64, parent: Option<u64>, body: Body) -> Message {
    let at = Timestamp::from_second(1_700_000_000 + n.cast_signed()).expect("a time");
    Message { id: message_id(n), parent: parent.map(message_id), at, rev: 0, body }
}

fn write(conversation: u64, message: Message) -> Change {
    Change::Message { conversation: conversation_id(conversation), message: Box::new(message) }
}

fn conversation_id(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u64_pair(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 + n))
}

fn message_id(n: u64) -> MessageId {
    MessageId(Uuid::from_u64_pair(0x0199_1111_0000_7000, 0x8000_0000_0000_0000 + n))
}
