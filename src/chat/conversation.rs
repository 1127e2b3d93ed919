//! One conversation: its tree, its settings, and the turns in progress.
//!
//! What turns do is in `running`, what branches do in `tree`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Answer, Body, CallId, Change, ConversationId, End, Header, Message, MessageId, Settings, StreamId, Timestamp, Turn,
    TurnId, billing::Billing, request::Context, title,
};
use crate::{
    api::{self, Usd},
    tools::ToolId,
};

/// How many of the newest answers are asked what they filled of the context: an older count is of another one.
const COUNTED: usize = 8;

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
    /// Messages that are no longer sent, since the conversation became too long.
    pub(super) left_out: BTreeSet<MessageId>,
    /// Always as `messages` has it; siblings in the order of their age.
    pub(super) children: BTreeMap<Option<MessageId>, Vec<MessageId>>,
    /// Messages that a failed save left in memory only; they go with the next save.
    pub(super) unsaved: BTreeSet<MessageId>,
    /// Of all settled answers, always as `messages` has it.
    pub(super) cost: Cost,
    pub(super) billing: Billing,
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
    /// Runs a tool; what it comes to is told by `Conversation::call_ended`.
    Run {
        call: CallId,
        tool: ToolId,
        arguments: serde_json::Value,
    },
    StopRun(CallId),
    /// Asks an endpoint what the answer cost that it knows under this id.
    AskPrice {
        answer: MessageId,
        endpoint: String,
        generation: String,
    },
    /// Asks an endpoint what is left of the requests for free models.
    AskQuota {
        answer: MessageId,
        endpoint: String,
    },
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
    /// How many answers may have cost something that nobody told.
    pub unknown: usize,
}

impl Conversation {
    pub fn new(id: ConversationId, settings: Settings, now: Timestamp) -> Self {
        let header = Header {
            id,
            title: String::new(),
            renamed: false,
            settings,
            branch: Vec::new(),
            updated: now,
            unread: false,
            left_out: BTreeSet::new(),
        };
        Self::restore(header, Vec::new(), String::new(), Vec::new())
    }

    /// A conversation as the disk has it; no turn runs in it.
    pub fn restore(header: Header, messages: Vec<Message>, draft: String, queue: Vec<String>) -> Self {
        let mut conversation = Self {
            id: header.id,
            title: header.title,
            renamed: header.renamed,
            settings: header.settings,
            context: Context::default(),
            messages: BTreeMap::new(),
            branch: header.branch,
            draft,
            queue,
            turns: Vec::new(),
            updated: header.updated,
            unread: header.unread,
            left_out: header.left_out,
            children: BTreeMap::new(),
            unsaved: BTreeSet::new(),
            cost: Cost::default(),
            billing: Billing::default(),
        };
        for message in messages {
            conversation.insert(message);
        }
        conversation.count_cost();
        conversation
    }

    /// The only way into the tree.
    pub(super) fn insert(&mut self, message: Message) {
        let siblings = self.children.entry(message.parent).or_default();
        if let Err(at) = siblings.binary_search(&message.id) {
            siblings.insert(at, message.id);
        }
        self.messages.insert(message.id, message);
    }

    pub fn header(&self) -> Header {
        Header {
            id: self.id,
            title: self.title.clone(),
            renamed: self.renamed,
            settings: self.settings.clone(),
            branch: self.branch.clone(),
            updated: self.updated,
            unread: self.unread,
            left_out: self.left_out.clone(),
        }
    }

    pub fn summary(&self) -> Summary {
        let newest = self.answers_of_branch().next();
        Summary {
            id: self.id,
            title: self.title.clone(),
            updated: self.updated,
            unread: self.unread,
            failed: newest.is_some_and(|answer| matches!(answer.end, End::Failed(_) | End::Interrupted)),
        }
    }

    /// The sum over all answers, siblings included.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// How much of the model's context the branch fills, as the server counted it for one of the newest answers.
    pub fn context_tokens(&self) -> Option<u64> {
        let usage = self.answers_of_branch().take(COUNTED).find_map(|answer| answer.usage.as_ref())?;
        Some(usage.input_tokens? + usage.output_tokens.unwrap_or(0))
    }

    /// The turn that runs on the visible branch.
    pub fn active_turn(&self) -> Option<&Turn> {
        // A running answer has nothing below it.
        self.branch.last().and_then(|last| self.turn_of(*last))
    }

    pub fn turn_of(&self, answer: MessageId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.answer == answer)
    }

    /// The text of the newest answer of the branch that has one, for the clipboard.
    pub fn newest_answer_text(&self) -> Option<String> {
        self.answers_of_branch().map(Answer::text).find(|text| !text.is_empty())
    }

    fn answers_of_branch(&self) -> impl Iterator<Item = &Answer> {
        self.branch.iter().rev().filter_map(|id| self.messages.get(id)?.answer())
    }

    /// A name of the reader's choice; an empty one gives the title back to the first prompt.
    pub fn rename(&mut self, title: &str) -> Vec<Next> {
        self.title = title::named(title);
        self.renamed = !self.title.is_empty();
        if !self.renamed {
            self.take_title();
        }
        self.save_header()
    }

    pub fn set_settings(&mut self, settings: Settings) -> Vec<Next> {
        if self.settings == settings {
            return Vec::new();
        }
        self.settings = settings;
        self.save_header()
    }

    /// What stands in the composer; saved when it changed.
    pub fn set_draft(&mut self, text: String) -> Vec<Next> {
        if self.draft == text {
            return Vec::new();
        }
        self.draft = text;
        if self.is_new() { Vec::new() } else { vec![save(vec![self.draft_change()])] }
    }

    /// Takes a prompt out of the queue, to be edited.
    pub fn take_queued(&mut self, index: usize) -> Option<(String, Vec<Next>)> {
        if index >= self.queue.len() {
            return None;
        }
        let text = self.queue.remove(index);
        Some((text, vec![save(vec![self.queue_change()])]))
    }

    /// It is on the screen: nothing of it is unread.
    pub fn seen(&mut self) -> Vec<Next> {
        if !std::mem::take(&mut self.unread) || self.is_new() {
            return Vec::new();
        }
        vec![save(vec![Change::Seen(self.id)])]
    }

    /// Nothing has been said: it is not on disk.
    pub fn is_new(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn take_title(&mut self) {
        let first = self.branch.first().and_then(|id| self.messages.get(id));
        if let Some(Body::Prompt(prompt)) = first.map(|message| &message.body) {
            self.title = title::title(&prompt.text);
        }
    }

    pub(super) fn save_header(&self) -> Vec<Next> {
        if self.is_new() { Vec::new() } else { vec![save(vec![self.header_change()])] }
    }

    pub(super) fn header_change(&self) -> Change {
        Change::Conversation(Box::new(self.header()))
    }

    pub(super) fn draft_change(&self) -> Change {
        Change::Draft { conversation: self.id, text: self.draft.clone() }
    }

    pub(super) fn queue_change(&self) -> Change {
        Change::Queue { conversation: self.id, prompts: self.queue.clone() }
    }

    pub(super) fn message_change(&self, id: MessageId) -> Change {
        Change::Message { conversation: self.id, message: Box::new(self.messages[&id].clone()) }
    }

    pub(super) fn count_cost(&mut self) {
        let mut cost = Cost::default();
        for answer in self.messages.values().filter_map(Message::answer) {
            let (known, is_all) = answer.cost();
            match cost.known.plus(&known) {
                Some(sum) => cost.known = sum,
                None => cost.unknown += usize::from(is_all),
            }
            cost.unknown += usize::from(!is_all && may_have_cost(answer));
        }
        self.cost = cost;
    }
}

/// Attempts that gave nothing are free; what was stopped on its way may still be billed.
pub(super) fn may_have_cost(answer: &Answer) -> bool {
    match answer.end {
        End::Open => false,
        End::Complete | End::Incomplete { .. } => true,
        End::Stopped | End::Interrupted => answer.generations().next().is_some() || !answer.items.is_empty(),
        End::Failed(_) => answer.is_visible(),
    }
}

pub(super) fn save(changes: Vec<Change>) -> Next {
    Next::Save { changes, gate: None }
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;
    use super::*;

    #[test]
    fn the_title_comes_from_the_first_prompt_until_the_reader_gives_one() {
        let mut bench = Bench::new();
        bench.exchange("## Rust *lifetimes*\n\nWhy?", "1", "0");
        bench.exchange("two", "2", "0");
        assert_eq!(bench.chat.title, "Rust lifetimes");
        assert_eq!(asked(bench.chat.rename("  My\ntitle ")).saved, ["conversation"]);
        assert_eq!((bench.chat.title.as_str(), bench.chat.renamed), ("My title", true));
        bench.chat.rename("");
        assert_eq!((bench.chat.title.as_str(), bench.chat.renamed), ("Rust lifetimes", false));
    }

    #[test]
    fn a_conversation_in_which_nothing_was_said_is_not_written() {
        let mut bench = Bench::new();
        assert!(bench.chat.set_draft("half a".into()).is_empty());
        assert!(bench.chat.set_settings(Settings { web: true, ..settings() }).is_empty());
        assert!(bench.chat.rename("A name").is_empty());
        assert!(bench.submit("  ").saved.is_empty());
        let first = bench.submit("Why?");
        assert_eq!(first.saved[0], "conversation");
        assert_eq!(bench.chat.header().title, "A name");
        assert_eq!(asked(bench.chat.set_draft("half a".into())).saved, ["draft"]);
        assert!(bench.chat.set_draft("half a".into()).is_empty(), "it did not change");
    }

    #[test]
    fn what_was_restored_is_what_was_left() {
        let mut bench = Bench::new();
        let first = bench.exchange("one", "1", "0.5");
        bench.chat.answer_again(first, None, &mut bench.ids, bench.now);
        bench.chat.interrupt_all(bench.now);
        let chat = &bench.chat;
        let messages = chat.messages.values().cloned().collect();
        let restored = Conversation::restore(chat.header(), messages, "draft".into(), vec!["later".into()]);
        assert_eq!(restored.header(), chat.header());
        assert_eq!((restored.cost(), restored.summary()), (chat.cost(), chat.summary()));
        assert_eq!(restored.siblings(first), (1, 2));
        assert_eq!((restored.draft.as_str(), &restored.queue[..]), ("draft", &["later".to_owned()][..]));
    }

    #[test]
    fn seeing_a_conversation_is_written_once() {
        let mut bench = Bench::new();
        bench.exchange("one", "1", "0");
        bench.chat.unread = true;
        assert_eq!(asked(bench.chat.seen()).saved, ["other"]);
        assert!(bench.chat.seen().is_empty());
    }
}
