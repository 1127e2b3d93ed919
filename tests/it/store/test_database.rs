//! A database in a temporary folder, and a client of its store.

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
        Answer, AnswerEnd, ChatSettings, Conversation, ConversationChange, ConversationHeader, ConversationId,
        ConversationSummary, Effort, Item, ItemKind, ItemSlot, Message, MessageBody, MessageId, Prompt, QueueHolder,
        QueuedId, QueuedPrompt, Timestamp,
        answer::{ContentPart, FunctionCall, ReasoningItem, SearchCall, StepUsage},
    },
    store::{SaveTicket, StoreError, StoreHandle, StoreJob, StoreOptions, StoreReply, UnconfirmedRules},
    tools::{ToolGrant, ToolSelection},
};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A folder for a database, which may not exist yet.
pub struct TestDatabase {
    pub folder: PathBuf,
    /// `None` if the caller removes the folder.
    _temporary: Option<tempfile::TempDir>,
}

/// One run of the store, with the contents of its first reply.
pub struct StoreRun {
    store: StoreHandle,
    replies: Receiver<StoreReply>,
    pub newest: Vec<ConversationSummary>,
    pub total: usize,
    pub new_draft: String,
    /// What was said before it was open.
    pub notices: Vec<StoreReply>,
}

impl TestDatabase {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) }
    }

    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _temporary: None }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.join("data").join("ibid.db")
    }

    pub fn open(&self) -> StoreRun {
        self.open_with(StoreOptions::default())
    }

    pub fn open_with(&self, options: StoreOptions) -> StoreRun {
        self.try_open(options).unwrap_or_else(|error| panic!("the database cannot be opened: {error}"))
    }

    /// Opens the database, or returns why it cannot be opened.
    pub fn try_open(&self, options: StoreOptions) -> Result<StoreRun, StoreError> {
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open_with(&self.file(), options, move |reply| {
            let _ = sender.send(reply); // The test may be over.
        });
        let mut notices = Vec::new();
        loop {
            match next_reply(&replies) {
                StoreReply::Opened { newest, total, new_draft } => {
                    return Ok(StoreRun { store, replies, newest, total, new_draft, notices });
                }
                StoreReply::OpenFailed(error) => return Err(error),
                notice @ (StoreReply::Upgrading | StoreReply::ReadOnly(_)) => notices.push(notice),
                other => panic!("unexpected first reply: {other:?}"),
            }
        }
    }

    /// Connects to the database as another program would.
    pub fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).expect("a database")
    }
}

/// Waits for a reply to a job; the progress of the index, which answers none, is skipped.
fn next_reply(replies: &Receiver<StoreReply>) -> StoreReply {
    loop {
        match any_reply(replies) {
            StoreReply::Indexing { .. } => (),
            reply => return reply,
        }
    }
}

fn any_reply(replies: &Receiver<StoreReply>) -> StoreReply {
    replies.recv_timeout(Duration::from_mins(1)).expect("a reply")
}

impl StoreRun {
    pub fn send(&self, job: StoreJob) {
        self.store.send(job);
    }

    pub fn any_reply(&self) -> StoreReply {
        any_reply(&self.replies)
    }

    pub fn reply(&self) -> StoreReply {
        next_reply(&self.replies)
    }

    pub fn save(&self, changes: Vec<ConversationChange>) -> Result<(), StoreError> {
        self.send(StoreJob::Save { ticket: SaveTicket(1), changes });
        match self.reply() {
            StoreReply::Saved(SaveTicket(1)) => Ok(()),
            StoreReply::SaveFailed { ticket: SaveTicket(1), error } => Err(error),
            other => panic!("unexpected reply to a save: {other:?}"),
        }
    }

    pub fn save_ok(&self, changes: Vec<ConversationChange>) {
        self.save(changes).unwrap_or_else(|error| panic!("the changes cannot be saved: {error}"));
    }

    pub fn load(&self, id: ConversationId) -> Result<Conversation, StoreError> {
        self.load_by(StoreJob::Load(id))
    }

    pub fn load_by(&self, job: StoreJob) -> Result<Conversation, StoreError> {
        self.send(job);
        match self.reply() {
            StoreReply::Loaded(conversation) => Ok(*conversation),
            StoreReply::LoadFailed { error, .. } => Err(error),
            other => panic!("unexpected reply to a load: {other:?}"),
        }
    }

    pub fn list(&self) -> Vec<ConversationSummary> {
        self.send(StoreJob::ListConversations);
        match self.reply() {
            StoreReply::Listed { conversations } => conversations,
            other => panic!("unexpected reply to a list: {other:?}"),
        }
    }

    pub fn titles(&self) -> Vec<String> {
        self.list().into_iter().map(|summary| summary.title).collect()
    }

    /// What the user allowed in every conversation, and the rules that ask once more.
    pub fn grants(&self) -> (Vec<ToolGrant>, UnconfirmedRules) {
        self.send(StoreJob::LoadGrants);
        match self.reply() {
            StoreReply::Grants { grants, unconfirmed } => (grants, unconfirmed),
            other => panic!("unexpected reply to the grants: {other:?}"),
        }
    }

    /// How often each command was run.
    pub fn uses(&self) -> Vec<(String, u64)> {
        self.send(StoreJob::LoadUses);
        match self.reply() {
            StoreReply::Uses(uses) => uses,
            other => panic!("unexpected reply to a request for uses: {other:?}"),
        }
    }

    pub fn prompts(&self) -> Vec<String> {
        self.send(StoreJob::LoadPrompts);
        match self.reply() {
            StoreReply::Prompts(prompts) => prompts,
            other => panic!("unexpected reply to a request for prompts: {other:?}"),
        }
    }
}

/// Formats a value for comparison: types with raw JSON do not implement `PartialEq`.
pub fn debug_text(value: &impl Debug) -> String {
    format!("{value:#?}")
}

pub fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + seconds, 123_456_789).expect("a valid time")
}

pub fn conversation_id(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub fn message_id(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(0x0199_1111_0000_7000_8000_0000_0000_0000 + n))
}

pub fn header(n: u128, title: &str) -> ConversationHeader {
    ConversationHeader {
        id: conversation_id(n),
        title: title.into(),
        renamed: false,
        settings: ChatSettings {
            endpoint: "openrouter".into(),
            model: "acme/large:online".into(),
            effort: Some(Effort::High),
            web: true,
            instructions: Some("Answer in plain words.".into()),
            temperature: Some(0.7),
            top_p: None,
            max_output_tokens: Some(4000),
            tools: ToolSelection { off: ["git".into()].into(), ..ToolSelection::default() },
        },
        branch: vec![],
        updated_at: timestamp(i64::try_from(n).expect("a small number")),
        unread: false,
        left_out: std::collections::BTreeSet::new(),
    }
}

pub fn prompt(n: u128, text: &str) -> Message {
    let at = timestamp(i64::try_from(n).expect("a small number"));
    Message {
        id: message_id(n),
        parent: None,
        created_at: at,
        rev: 1,
        body: MessageBody::Prompt(Prompt { text: text.into() }),
    }
}

pub fn answer(n: u128, parent: u128, answer: Answer) -> Message {
    let at = timestamp(i64::try_from(n).expect("a small number"));
    Message {
        id: message_id(n),
        parent: Some(message_id(parent)),
        created_at: at,
        rev: 7,
        body: MessageBody::Answer(answer),
    }
}

/// An answer that has received nothing yet.
pub fn empty_answer(end: AnswerEnd) -> Answer {
    Answer { end, ..Answer::new("openrouter", "acme/large", timestamp(10)) }
}

/// An answer with one item of each kind, some with the server's JSON and some incomplete.
pub fn full_answer(end: AnswerEnd) -> Answer {
    let raw = |json: &str| Some(RawValue::from_string(json.to_owned()).expect("JSON").into());
    let item = |index, raw: Option<Arc<RawValue>>, kind: ItemKind| {
        (
            ItemSlot { step: index / 3, index },
            Item { closed_at: raw.as_ref().map(|_| timestamp(12)), raw, opened_at: timestamp(11), kind: kind.into() },
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
    let text = ContentPart::Text { text: "Zwölf\u{0} \u{1f980} [1]".into(), annotations: vec![annotation] };
    let reasoning = ReasoningItem { summary: vec!["Short".into()], content: vec![String::new()], has_encrypted: true };
    let call = FunctionCall { call_id: "call_1".into(), name: "look".into(), arguments: "{\"half\": \"of i".into() };
    let search = SearchCall {
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
                ItemKind::Reasoning(reasoning),
            ),
            item(
                1,
                raw("{\"type\":\"message\",\"z\":1,\"a\":2,\"z\":3}"),
                ItemKind::Message {
                    parts: vec![text, ContentPart::Refusal("no".into())],
                    phase: Some("commentary".into()),
                },
            ),
            item(2, None, ItemKind::Call(call)),
            item(3, None, ItemKind::Search(search)),
            item(4, raw("{\"type\":\"x\"}"), ItemKind::Other { kind: "x".into(), status: None }),
        ]
        .into(),
        usage: Some(usage.clone()),
        usage_by_step: [(0, StepUsage { generation_id: Some("gen-1".into()), usage: Some(usage) })].into(),
        first_text_at: Some(timestamp(11)),
        ended_at: Some(timestamp(13)),
        notes: vec!["reasoning of another model was left out".into()],
        ..empty_answer(end)
    }
}

/// A prompt that waits in the queue of this run.
pub fn queued_prompt(n: u128, text: &str) -> QueuedPrompt {
    let id = QueuedId(Uuid::from_u128(0x0199_2222_0000_7000_8000_0000_0000_0000 + n));
    QueuedPrompt { id, text: text.into(), holder: QueueHolder::Here }
}

pub fn write_message(conversation: u128, message: Message) -> ConversationChange {
    ConversationChange::Message { conversation: conversation_id(conversation), message: Box::new(message) }
}

pub fn write_header(header: ConversationHeader) -> ConversationChange {
    ConversationChange::Conversation(Box::new(header))
}
