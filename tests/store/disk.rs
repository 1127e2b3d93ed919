//! A database in a temporary folder, and the loop's side of the store.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    time::Duration,
};

use ibid::{
    api::{Annotation, Usage, Usd},
    chat::{
        Answer, Body, Change, Conversation, ConversationId, Effort, End, Header, Item, Kind, Message, MessageId,
        Prompt, Settings, Slot, Summary, Timestamp,
        answer::{Bill, Call, Part, Reasoning, Search},
    },
    store::{Error, Job, Options, Reply, Store, Ticket},
    tools::Chosen,
};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A folder with a database, or the place for one.
pub struct Disk {
    pub folder: PathBuf,
    /// `None` where somebody else removes the folder.
    _temporary: Option<tempfile::TempDir>,
}

/// One run of the store, with what it said at its start.
pub struct Run {
    store: Store,
    replies: Receiver<Reply>,
    pub newest: Vec<Summary>,
    pub total: usize,
    pub new_draft: String,
}

impl Disk {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) }
    }

    pub fn within(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _temporary: None }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.join("data").join("ibid.db")
    }

    pub fn open(&self) -> Run {
        self.open_with(Options::default())
    }

    pub fn open_with(&self, options: Options) -> Run {
        self.begin(options).unwrap_or_else(|error| panic!("the database opens: {error}"))
    }

    /// Opens the database, or tells why that is impossible.
    pub fn begin(&self, options: Options) -> Result<Run, Error> {
        let (sender, replies) = mpsc::channel();
        let store = Store::open_with(&self.file(), options, move |reply| {
            let _ = sender.send(reply); // The test may be over.
        });
        match next(&replies) {
            Reply::Opened { newest, total, new_draft } => Ok(Run { store, replies, newest, total, new_draft }),
            Reply::Broken(error) => Err(error),
            other => panic!("the first reply is about the file, not {other:?}"),
        }
    }

    /// The database as SQLite shows it to another program.
    pub fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).expect("a database")
    }
}

fn next(replies: &Receiver<Reply>) -> Reply {
    replies.recv_timeout(Duration::from_mins(1)).expect("a reply")
}

impl Run {
    pub fn send(&self, job: Job) {
        self.store.send(job);
    }

    pub fn reply(&self) -> Reply {
        next(&self.replies)
    }

    pub fn save(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.send(Job::Save { ticket: Ticket(1), changes });
        match self.reply() {
            Reply::Saved(Ticket(1)) => Ok(()),
            Reply::NotSaved { ticket: Ticket(1), error } => Err(error),
            other => panic!("a save is answered as one, not by {other:?}"),
        }
    }

    pub fn saved(&self, changes: Vec<Change>) {
        self.save(changes).unwrap_or_else(|error| panic!("this can be saved: {error}"));
    }

    pub fn load(&self, id: ConversationId) -> Result<Conversation, Error> {
        self.loaded(Job::Load(id))
    }

    pub fn loaded(&self, job: Job) -> Result<Conversation, Error> {
        self.send(job);
        match self.reply() {
            Reply::Loaded(conversation) => Ok(*conversation),
            Reply::NotLoaded { error, .. } => Err(error),
            other => panic!("a load is answered as one, not by {other:?}"),
        }
    }

    pub fn list(&self) -> Vec<Summary> {
        self.send(Job::List);
        match self.reply() {
            Reply::Listed { conversations } => conversations,
            other => panic!("a list is answered as one, not by {other:?}"),
        }
    }

    pub fn titles(&self) -> Vec<String> {
        self.list().into_iter().map(|summary| summary.title).collect()
    }

    pub fn prompts(&self) -> Vec<String> {
        self.send(Job::Prompts);
        match self.reply() {
            Reply::Prompts(prompts) => prompts,
            other => panic!("prompts are answered as such, not by {other:?}"),
        }
    }
}

/// Whole values as text, for types that hold JSON and have no equality of their own.
pub fn shown(value: &impl Debug) -> String {
    format!("{value:#?}")
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + seconds, 123_456_789).expect("a time")
}

pub fn conversation_id(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub fn message_id(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(0x0199_1111_0000_7000_8000_0000_0000_0000 + n))
}

pub fn header(n: u128, title: &str) -> Header {
    Header {
        id: conversation_id(n),
        title: title.into(),
        renamed: false,
        settings: Settings {
            endpoint: "openrouter".into(),
            model: "acme/large:online".into(),
            effort: Some(Effort::High),
            web: true,
            instructions: Some("Answer in plain words.".into()),
            temperature: Some(0.7),
            top_p: None,
            max_output_tokens: Some(4000),
            tools: Chosen { off: ["git".into()].into(), ..Chosen::default() },
        },
        branch: vec![],
        updated: at(i64::try_from(n).expect("a small number")),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    }
}

pub fn prompt(n: u128, text: &str) -> Message {
    let at = at(i64::try_from(n).expect("a small number"));
    Message { id: message_id(n), parent: None, at, rev: 1, body: Body::Prompt(Prompt { text: text.into() }) }
}

pub fn answer(n: u128, parent: u128, answer: Answer) -> Message {
    let at = at(i64::try_from(n).expect("a small number"));
    Message { id: message_id(n), parent: Some(message_id(parent)), at, rev: 7, body: Body::Answer(answer) }
}

/// An answer of which nothing has come yet.
pub fn empty(end: End) -> Answer {
    Answer { end, ..Answer::new("openrouter", "acme/large", at(10)) }
}

/// An answer with one item of each kind, some with the server's JSON and some cut off.
pub fn full(end: End) -> Answer {
    let raw = |json: &str| Some(RawValue::from_string(json.to_owned()).expect("JSON").into());
    let item = |index, raw: Option<Arc<RawValue>>, kind: Kind| {
        (
            Slot { step: index / 3, index },
            Item { closed: raw.as_ref().map(|_| at(12)), raw, opened: at(11), kind: kind.into() },
        )
    };
    let annotation = Annotation {
        kind: "url_citation".into(),
        url: Some("https://example.org/?a=1&b=\u{202e}".into()),
        title: Some("A page".into()),
        content: None,
        filename: None,
        start: Some(0),
        end: Some(u64::MAX),
    };
    let text = Part::Text { text: "Zwölf\u{0} \u{1f980} [1]".into(), annotations: vec![annotation] };
    let reasoning = Reasoning { summary: vec!["Short".into()], content: vec![String::new()], encrypted: true };
    let call = Call { call_id: "call_1".into(), name: "look".into(), arguments: "{\"half\": \"of i".into() };
    let search = Search {
        kind: "openrouter:web_search".into(),
        status: "completed".into(),
        query: None,
        urls: vec!["u".into()],
    };
    let usage = Usage {
        input_tokens: Some(1200),
        cached_tokens: Some(0),
        output_tokens: None,
        reasoning_tokens: Some(u64::MAX),
        cost: Usd::parse("2.10e-05"),
    };
    Answer {
        answered_by: Some("acme/large-2026".into()),
        items: [
            item(
                0,
                raw("{ \"type\":\"reasoning\",\n\t\"encrypted_content\" : \"\\ud800 \\u0000\", \"n\": 1.0e+00 }"),
                Kind::Reasoning(reasoning),
            ),
            item(
                1,
                raw("{\"type\":\"message\",\"z\":1,\"a\":2,\"z\":3}"),
                Kind::Message { parts: vec![text, Part::Refusal("no".into())], phase: Some("commentary".into()) },
            ),
            item(2, None, Kind::Call(call)),
            item(3, None, Kind::Search(search)),
            item(4, raw("{\"type\":\"x\"}"), Kind::Other { kind: "x".into(), status: None }),
        ]
        .into(),
        usage: Some(usage.clone()),
        bills: [(0, Bill { generation: Some("gen-1".into()), usage: Some(usage) })].into(),
        first_text: Some(at(11)),
        ended: Some(at(13)),
        notes: vec!["reasoning of another model was left out".into()],
        ..empty(end)
    }
}

pub fn write(conversation: u128, message: Message) -> Change {
    Change::Message { conversation: conversation_id(conversation), message: Box::new(message) }
}

pub fn begin(header: Header) -> Change {
    Change::Conversation(Box::new(header))
}
