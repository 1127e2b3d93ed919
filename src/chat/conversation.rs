//! One conversation: its tree, its settings, and the turns in progress.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Change, ConversationId, Header, Ids, Message, MessageId, Settings, StreamId, Timestamp, Turn, TurnId,
    request::Context,
};
use crate::api::{self, Event, Usd};

/// A titled tree of messages, open in memory.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub title: String,
    /// The reader named it: the first prompt no longer does.
    pub renamed: bool,
    /// For the next submission; a running turn keeps those that it began with.
    pub settings: Settings,
    /// What a request needs to know of its endpoint; the app keeps it current, it is never stored.
    pub context: Context,
    pub messages: BTreeMap<MessageId, Message>,
    /// The visible path through the tree, oldest first.
    pub branch: Vec<MessageId>,
    /// What stands in the composer, unsent.
    pub draft: String,
    /// Prompts that wait for the running turn to end.
    pub queue: Vec<String>,
    pub turns: Vec<Turn>,
    pub updated: Timestamp,
    /// An answer ended while the conversation was not on the screen.
    pub unread: bool,
    /// Messages that a failed save left in memory only; they go with the next save.
    unsaved: BTreeSet<MessageId>,
}

/// A row of the list: a conversation that need not be open.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub id: ConversationId,
    pub title: String,
    pub updated: Timestamp,
    /// An answer ended while the conversation was not on the screen.
    pub unread: bool,
    /// Its newest answer failed or was interrupted.
    pub failed: bool,
}

/// What a change of a conversation asks the program to do.
#[derive(Debug)]
pub enum Next {
    /// Sends a request to the named endpoint.
    Open {
        stream: StreamId,
        endpoint: String,
        request: Box<api::Request>,
    },
    Close(StreamId),
    /// These rows changed; `gate` is the turn that waits until they are on disk.
    Save {
        changes: Vec<Change>,
        gate: Option<TurnId>,
    },
}

/// What a conversation has cost so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// Of all answers whose price is known, exactly.
    pub known: Usd,
    /// How many settled answers have no price.
    pub unknown: usize,
}

impl Conversation {
    pub fn new(id: ConversationId, settings: Settings, now: Timestamp) -> Self {
        Self {
            id,
            title: String::new(),
            renamed: false,
            settings,
            context: Context::default(),
            messages: BTreeMap::new(),
            branch: Vec::new(),
            draft: String::new(),
            queue: Vec::new(),
            turns: Vec::new(),
            updated: now,
            unread: false,
            unsaved: BTreeSet::new(),
        }
    }

    /// A conversation as the disk has it; no turn runs in it.
    pub fn restore(header: Header, messages: Vec<Message>, draft: String, queue: Vec<String>) -> Self {
        Self {
            id: header.id,
            title: header.title,
            renamed: header.renamed,
            settings: header.settings,
            context: Context::default(),
            messages: messages.into_iter().map(|message| (message.id, message)).collect(),
            branch: header.branch,
            draft,
            queue,
            turns: Vec::new(),
            updated: header.updated,
            unread: header.unread,
            unsaved: BTreeSet::new(),
        }
    }

    /// Adds a prompt and an open answer at the end of the active branch; while a turn runs there, or
    /// prompts wait, it is queued behind them. An empty text sends what waits.
    pub fn submit(&mut self, _ids: &mut Ids, _now: Timestamp, _text: String) -> Vec<Next> {
        todo!()
    }

    /// The prompt of a turn is on disk: its request leaves.
    pub fn saved(&mut self, _turn: TurnId, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    pub fn not_saved(&mut self, _turn: TurnId, _why: String, _now: Timestamp) {
        todo!()
    }

    /// The reader lets the request leave although the prompt is not on disk.
    pub fn send_unsaved(&mut self, _turn: TurnId, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    pub fn save_again(&mut self, _turn: TurnId, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    /// The headers of a response have come.
    pub fn opened(&mut self, _stream: StreamId, _generation: Option<String>, _now: Timestamp) {
        todo!()
    }

    /// Events of a stream, in order; those of an attempt that is over change nothing.
    pub fn apply(&mut self, _stream: StreamId, _at: Timestamp, _events: &[Event], _ids: &mut Ids) -> Vec<Next> {
        todo!()
    }

    /// A stream is over: the turn is done, tries again, or fails; then what waits is submitted.
    pub fn ended(
        &mut self,
        _stream: StreamId,
        _at: Timestamp,
        _result: Result<(), api::Error>,
        _ids: &mut Ids,
    ) -> Vec<Next> {
        todo!()
    }

    /// Ends a turn in whatever phase; what came is kept.
    pub fn stop(&mut self, _turn: TurnId, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    /// Does what is due: the next attempt, the next checkpoint of a streaming answer.
    pub fn tick(&mut self, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    pub fn next_wake(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Tries again now instead of when it is due.
    pub fn skip_wait(&mut self, _turn: TurnId, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    /// Asks once more, for a sibling of that answer, perhaps another model.
    pub fn answer_again(
        &mut self,
        _answer: MessageId,
        _model: Option<String>,
        _ids: &mut Ids,
        _now: Timestamp,
    ) -> Vec<Next> {
        todo!()
    }

    /// The same with a limit, for a credit that can afford only so many tokens.
    pub fn answer_again_within(
        &mut self,
        _answer: MessageId,
        _max_output_tokens: u32,
        _ids: &mut Ids,
        _now: Timestamp,
    ) -> Vec<Next> {
        todo!()
    }

    /// Lets the model go on where an answer was cut: a second answer below it, without a prompt between.
    pub fn continue_answer(&mut self, _answer: MessageId, _ids: &mut Ids, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    /// Another prompt in the place of an earlier one: a sibling, with an answer of its own.
    pub fn edit_prompt(&mut self, _prompt: MessageId, _text: String, _ids: &mut Ids, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    /// Which of its siblings a message is, from 1, and how many there are.
    pub fn siblings(&self, _id: MessageId) -> (usize, usize) {
        todo!()
    }

    /// Shows a sibling of a message, and below it what was last said there.
    pub fn go_to_sibling(&mut self, _id: MessageId, _by: isize) -> Vec<Next> {
        todo!()
    }

    pub fn rename(&mut self, _title: String) -> Vec<Next> {
        todo!()
    }

    pub fn set_settings(&mut self, _settings: Settings) -> Vec<Next> {
        todo!()
    }

    /// What stands in the composer; saved when it changed.
    pub fn set_draft(&mut self, _text: String) -> Vec<Next> {
        todo!()
    }

    /// Takes a prompt out of the queue, to be edited.
    pub fn take_queued(&mut self, _index: usize) -> Option<(String, Vec<Next>)> {
        todo!()
    }

    /// It is on the screen: nothing of it is unread.
    pub fn seen(&mut self) -> Vec<Next> {
        todo!()
    }

    /// The program ends: every running answer is interrupted and written.
    pub fn interrupt_all(&mut self, _now: Timestamp) -> Vec<Next> {
        todo!()
    }

    pub fn summary(&self) -> Summary {
        todo!()
    }

    pub fn header(&self) -> Header {
        todo!()
    }

    /// The sum over all answers, siblings included.
    pub fn cost(&self) -> Cost {
        todo!()
    }

    /// How much of the model's context the branch fills, as the server counted it last.
    pub fn context_tokens(&self) -> Option<u64> {
        todo!()
    }

    /// The turn that runs on the visible branch.
    pub fn active_turn(&self) -> Option<&Turn> {
        todo!()
    }

    pub fn turn_of(&self, _answer: MessageId) -> Option<&Turn> {
        todo!()
    }

    /// The text of the newest answer of the branch, for the clipboard.
    pub fn newest_answer_text(&self) -> Option<String> {
        todo!()
    }
}
