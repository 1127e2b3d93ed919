//! One conversation: its tree, its settings, and the turns in progress.
//!
//! The handling of turns is in `turn_lifecycle`, that of branches in `tree`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Answer, AnswerEnd, CallId, ChatSettings, ConversationChange, ConversationFiling, ConversationHeader,
    ConversationId, ConversationPreview, FilingChange, IdGenerator, Message, MessageBody, MessageId, Prompt,
    QueuedPrompt, StreamId, Timestamp, Turn, TurnId, billing::PriceLookups, request::RequestContext, title,
};
use crate::{
    api::{self, Usd},
    tools::ToolId,
};

/// How many of the newest answers are searched for a token count; an older count says nothing about the context now.
const USAGE_LOOKBACK: usize = 8;

/// A titled tree of messages, open in memory.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub id: ConversationId,
    pub title: String,
    /// The user named it, so the title no longer follows the first prompt.
    pub renamed: bool,
    /// The settings of the next submission; a running turn uses those that it began with.
    pub settings: ChatSettings,
    /// The facts about the endpoint that a request needs; the app updates them, and they are never stored.
    pub context: RequestContext,
    pub messages: BTreeMap<MessageId, Message>,
    /// The visible path through the tree, oldest first.
    pub branch: Vec<MessageId>,
    /// The unsent text in the composer.
    pub draft: String,
    /// Prompts that wait for the running turn to end, of this and other instances.
    pub queue: Vec<QueuedPrompt>,
    pub turns: Vec<Turn>,
    pub updated_at: Timestamp,
    /// An answer ended while the conversation was not on the screen.
    pub unread: bool,
    pub filing: ConversationFiling,
    /// Where the reader was, in the form of the view that shows it; `None` is at the end.
    pub reading: Option<String>,
    pub lifetime: ConversationLifetime,
    /// Messages that are no longer sent because the conversation became too long.
    pub(super) left_out: BTreeSet<MessageId>,
    /// Derived from `messages`; siblings are ordered by age.
    pub(super) children: BTreeMap<Option<MessageId>, Vec<MessageId>>,
    /// Messages that are not on disk yet, after a failed save, for example; the next save includes them.
    pub(super) unsaved: BTreeSet<MessageId>,
    /// Whether it was handed to the database; before that, nothing of it is saved by itself.
    pub(super) is_stored: bool,
    /// What was paid for answers besides the answers themselves, such as for a second opinion.
    pub(super) side_costs: BTreeMap<MessageId, Usd>,
    /// The cost of all settled answers, derived from `messages` and `side_costs`.
    pub(super) cost: ConversationCost,
    pub(super) price_lookups: PriceLookups,
}

/// Whether a conversation is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationLifetime {
    Kept,
    /// Nothing of it reaches the disk but its cost; it ends with the program.
    Temporary,
}

/// A conversation as a row of the list; it need not be open.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationSummary {
    pub id: ConversationId,
    pub title: String,
    pub updated_at: Timestamp,
    /// An answer ended while the conversation was not on the screen.
    pub unread: bool,
    /// Its newest answer failed or was interrupted.
    pub failed: bool,
    /// The slug of the model for its next message.
    pub model: String,
    pub filing: ConversationFiling,
    /// Nothing of it reaches the disk but its cost.
    pub is_temporary: bool,
}

/// Something that the program must do after a conversation has changed.
#[derive(Debug)]
pub enum ChatEffect {
    /// Sends a request to the named endpoint.
    OpenStream {
        stream: StreamId,
        endpoint: String,
        request: Box<api::Request>,
    },
    CloseStream(StreamId),
    /// Runs a tool; its result goes to `Conversation::on_call_ended`.
    RunTool {
        call: CallId,
        tool: ToolId,
        arguments: serde_json::Value,
    },
    StopTool(CallId),
    /// Asks an endpoint for the price of the response with this id.
    FetchPrice {
        answer: MessageId,
        endpoint: String,
        generation: String,
    },
    /// Asks an endpoint how many requests to free models are left.
    FetchQuota {
        answer: MessageId,
        endpoint: String,
    },
    /// Writes these changes; `gate` is the turn that waits until they are on disk.
    Save {
        changes: Vec<ConversationChange>,
        gate: Option<TurnId>,
    },
}

/// What a conversation has cost so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationCost {
    /// The exact sum over all answers with a known price.
    pub known: Usd,
    /// How many answers may have an unknown cost.
    pub unpriced_answers: usize,
}

impl Conversation {
    pub fn new(id: ConversationId, settings: ChatSettings, now: Timestamp) -> Self {
        let header = ConversationHeader {
            id,
            title: String::new(),
            renamed: false,
            settings,
            branch: Vec::new(),
            updated_at: now,
            unread: false,
            left_out: BTreeSet::new(),
        };
        Self::restore(header, Vec::new(), String::new(), Vec::new())
    }

    /// A conversation that begins with an answered prompt, which is saved together with the next one.
    pub fn begun_with(
        prompt: String,
        answer: Answer,
        settings: ChatSettings,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Self {
        let mut conversation = Self::new(ids.conversation(now), settings, now);
        for body in [MessageBody::Prompt(Prompt { text: prompt }), MessageBody::Answer(answer)] {
            let (id, parent) = (ids.message(now), conversation.branch.last().copied());
            conversation.insert(Message { id, parent, created_at: now, rev: 0, body });
            conversation.branch.push(id);
            conversation.unsaved.insert(id);
        }
        conversation.title_from_first_prompt();
        conversation
    }

    /// Restores a conversation from the database, without running turns.
    pub fn restore(
        header: ConversationHeader,
        messages: Vec<Message>,
        draft: String,
        queue: Vec<QueuedPrompt>,
    ) -> Self {
        let mut conversation = Self {
            id: header.id,
            title: header.title,
            renamed: header.renamed,
            settings: header.settings,
            context: RequestContext::default(),
            messages: BTreeMap::new(),
            branch: header.branch,
            draft,
            queue,
            turns: Vec::new(),
            updated_at: header.updated_at,
            unread: header.unread,
            filing: ConversationFiling::default(),
            reading: None,
            lifetime: ConversationLifetime::Kept,
            left_out: header.left_out,
            children: BTreeMap::new(),
            unsaved: BTreeSet::new(),
            is_stored: !messages.is_empty(),
            side_costs: BTreeMap::new(),
            cost: ConversationCost::default(),
            price_lookups: PriceLookups::default(),
        };
        for message in messages {
            conversation.insert(message);
        }
        conversation.recompute_cost();
        conversation
    }

    /// Inserts a message into the tree; every message must be added here.
    pub(super) fn insert(&mut self, message: Message) {
        let siblings = self.children.entry(message.parent).or_default();
        if let Err(position) = siblings.binary_search(&message.id) {
            siblings.insert(position, message.id);
        }
        self.messages.insert(message.id, message);
    }

    /// Removes a message that has nothing below it and was never on disk.
    pub(super) fn remove(&mut self, id: MessageId) {
        let parent = self.messages.remove(&id).and_then(|message| message.parent);
        if let Some(siblings) = self.children.get_mut(&parent) {
            siblings.retain(|sibling| *sibling != id);
        }
        self.branch.retain(|message| *message != id);
        self.unsaved.remove(&id);
    }

    pub fn header(&self) -> ConversationHeader {
        ConversationHeader {
            id: self.id,
            title: self.title.clone(),
            renamed: self.renamed,
            settings: self.settings.clone(),
            branch: self.branch.clone(),
            updated_at: self.updated_at,
            unread: self.unread,
            left_out: self.left_out.clone(),
        }
    }

    pub fn summary(&self) -> ConversationSummary {
        let newest = self.branch_answers().next();
        ConversationSummary {
            id: self.id,
            title: self.title.clone(),
            updated_at: self.updated_at,
            unread: self.unread,
            failed: newest.is_some_and(|answer| matches!(answer.end, AnswerEnd::Failed(_) | AnswerEnd::Interrupted)),
            model: self.settings.model.clone(),
            filing: self.filing.clone(),
            is_temporary: self.is_temporary(),
        }
    }

    pub fn is_temporary(&self) -> bool {
        self.lifetime == ConversationLifetime::Temporary
    }

    /// What a list says about it below its rows.
    pub fn preview(&self) -> ConversationPreview {
        let mut prompts = self.messages.values().rev().filter_map(|message| match &message.body {
            MessageBody::Prompt(prompt) => Some(&prompt.text),
            MessageBody::Answer(_) => None,
        });
        ConversationPreview {
            messages: self.messages.len(),
            bytes: 0,
            cost: self.cost.known.clone(),
            last_prompt: prompts.next().map(|text| text.chars().take(600).collect()).unwrap_or_default(),
        }
    }

    /// The sum over all answers, siblings included.
    pub fn cost(&self) -> &ConversationCost {
        &self.cost
    }

    /// What was paid for an answer besides the answer itself.
    pub fn side_cost(&self, answer: MessageId) -> Option<&Usd> {
        self.side_costs.get(&answer)
    }

    /// Takes over what was paid besides the answers, as the database knows it.
    pub fn set_side_costs(&mut self, costs: Vec<(MessageId, Usd)>) {
        self.side_costs.clear();
        for (answer, cost) in costs {
            self.add_side_cost(answer, &cost);
        }
    }

    /// Adds what was paid for an answer besides the answer itself.
    pub fn add_side_cost(&mut self, answer: MessageId, cost: &Usd) {
        let known = self.side_costs.entry(answer).or_default();
        if let Some(sum) = known.checked_add(cost) {
            *known = sum;
        }
        self.recompute_cost();
    }

    /// How many tokens of context the branch fills, as counted by the server for one of the newest answers.
    pub fn context_tokens(&self) -> Option<u64> {
        let usage = self.branch_answers().take(USAGE_LOOKBACK).find_map(|answer| answer.usage.as_ref())?;
        Some(usage.input_tokens? + usage.output_tokens.unwrap_or(0))
    }

    /// The turn that is running on the active branch.
    pub fn active_turn(&self) -> Option<&Turn> {
        // A running answer has nothing below it.
        self.branch.last().and_then(|last| self.turn_of(*last))
    }

    pub fn turn_of(&self, answer: MessageId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.answer == answer)
    }

    /// The text of the newest answer of the branch that has one, for the clipboard.
    pub fn newest_answer_text(&self) -> Option<String> {
        self.branch_answers().map(Answer::text).find(|text| !text.is_empty())
    }

    fn branch_answers(&self) -> impl Iterator<Item = &Answer> {
        self.branch.iter().rev().filter_map(|id| self.messages.get(id)?.as_answer())
    }

    /// Sets the user's title; an empty one restores the title from the first prompt.
    pub fn rename(&mut self, title: &str) -> Vec<ChatEffect> {
        self.title = title::title_from_name(title);
        self.renamed = !self.title.is_empty();
        if !self.renamed {
            self.title_from_first_prompt();
        }
        self.save_header()
    }

    /// Pins, tags or archives it.
    pub fn file(&mut self, change: FilingChange) -> Vec<ChatEffect> {
        self.filing.apply(change.clone());
        if self.is_new() {
            return Vec::new();
        }
        vec![save_effect(vec![ConversationChange::File { conversation: self.id, change }])]
    }

    /// Remembers where the reader is.
    pub fn set_reading(&mut self, reading: Option<String>) -> Vec<ChatEffect> {
        if self.reading == reading || self.is_new() {
            return Vec::new();
        }
        self.reading.clone_from(&reading);
        vec![save_effect(vec![ConversationChange::Reading { conversation: self.id, reading }])]
    }

    pub fn set_settings(&mut self, settings: ChatSettings) -> Vec<ChatEffect> {
        if self.settings == settings {
            return Vec::new();
        }
        self.settings = settings;
        self.save_header()
    }

    /// Sets the draft and saves it if it changed.
    pub fn set_draft(&mut self, text: String) -> Vec<ChatEffect> {
        if self.draft == text {
            return Vec::new();
        }
        self.draft = text;
        self.save_draft()
    }

    /// Saves the draft, whatever is on disk in its place.
    pub fn save_draft(&self) -> Vec<ChatEffect> {
        if self.is_new() { Vec::new() } else { vec![save_effect(vec![self.draft_change()])] }
    }

    /// Saves a text that is being edited in front of the draft: after a crash both are found in the composer.
    pub fn save_edit(&self, text: &str) -> Vec<ChatEffect> {
        let text = if self.draft.is_empty() { text.to_owned() } else { format!("{text}\n\n{}", self.draft) };
        vec![save_effect(vec![ConversationChange::Draft { conversation: self.id, text }])]
    }

    /// Marks the conversation as read, because it is on the screen.
    pub fn mark_seen(&mut self) -> Vec<ChatEffect> {
        if !std::mem::take(&mut self.unread) || self.is_new() {
            return Vec::new();
        }
        vec![save_effect(vec![ConversationChange::Seen(self.id)])]
    }

    /// Whether nothing of it is on disk: it has no messages yet, or only those that it began with.
    pub fn is_new(&self) -> bool {
        !self.is_stored
    }

    pub(super) fn title_from_first_prompt(&mut self) {
        let first = self.branch.first().and_then(|id| self.messages.get(id));
        if let Some(MessageBody::Prompt(prompt)) = first.map(|message| &message.body) {
            self.title = title::title_from_prompt(&prompt.text);
        }
    }

    pub(super) fn save_header(&self) -> Vec<ChatEffect> {
        if self.is_new() { Vec::new() } else { vec![save_effect(vec![self.header_change()])] }
    }

    pub(super) fn header_change(&self) -> ConversationChange {
        ConversationChange::Conversation(Box::new(self.header()))
    }

    pub(super) fn draft_change(&self) -> ConversationChange {
        ConversationChange::Draft { conversation: self.id, text: self.draft.clone() }
    }

    pub(super) fn message_change(&self, id: MessageId) -> ConversationChange {
        ConversationChange::Message { conversation: self.id, message: Box::new(self.messages[&id].clone()) }
    }

    pub(super) fn recompute_cost(&mut self) {
        let mut cost = ConversationCost::default();
        for answer in self.messages.values().filter_map(Message::as_answer) {
            let (known, is_all) = answer.cost();
            match cost.known.checked_add(&known) {
                Some(sum) => cost.known = sum,
                None => cost.unpriced_answers += usize::from(is_all),
            }
            cost.unpriced_answers += usize::from(!is_all && is_billable(answer));
        }
        for paid in self.side_costs.values() {
            if let Some(sum) = cost.known.checked_add(paid) {
                cost.known = sum;
            }
        }
        self.cost = cost;
    }
}

/// Whether an answer may have cost something: attempts without content are free, but a stopped answer may be billed.
pub(super) fn is_billable(answer: &Answer) -> bool {
    match answer.end {
        AnswerEnd::Open => false,
        AnswerEnd::Complete | AnswerEnd::Incomplete { .. } => true,
        AnswerEnd::Stopped | AnswerEnd::Interrupted => {
            answer.generation_ids().next().is_some() || !answer.items.is_empty()
        }
        AnswerEnd::Failed(_) => {
            let has_usage = answer.usage_by_step.values().any(|bill| bill.usage.is_some());
            answer.is_visible() || has_usage || answer.has_failed_bill()
        }
    }
}

pub(super) fn save_effect(changes: Vec<ConversationChange>) -> ChatEffect {
    ChatEffect::Save { changes, gate: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{QueueHolder, test_support::*};

    #[test]
    fn the_title_comes_from_the_first_prompt_until_the_user_sets_one() {
        let mut bench = TestChat::new();
        bench.exchange("## Rust *lifetimes*\n\nWhy?", "1", "0");
        bench.exchange("two", "2", "0");
        assert_eq!(bench.chat.title, "Rust lifetimes");
        assert_eq!(collect_effects(bench.chat.rename("  My\ntitle ")).saved, ["conversation"]);
        assert_eq!((bench.chat.title.as_str(), bench.chat.renamed), ("My title", true));
        bench.chat.rename("");
        assert_eq!((bench.chat.title.as_str(), bench.chat.renamed), ("Rust lifetimes", false));
    }

    #[test]
    fn an_empty_conversation_is_not_saved() {
        let mut bench = TestChat::new();
        assert!(bench.chat.set_draft("half a".into()).is_empty());
        assert!(bench.chat.set_settings(ChatSettings { web: true, ..settings() }).is_empty());
        assert!(bench.chat.rename("A name").is_empty());
        assert!(bench.submit("  ").saved.is_empty());
        let first = bench.submit("Why?");
        assert_eq!(first.saved[0], "conversation");
        assert_eq!(bench.chat.header().title, "A name");
        assert_eq!(collect_effects(bench.chat.set_draft("half a".into())).saved, ["draft"]);
        assert!(bench.chat.set_draft("half a".into()).is_empty(), "it did not change");
    }

    #[test]
    fn a_restored_conversation_equals_the_saved_one() {
        let mut bench = TestChat::new();
        let first = bench.exchange("one", "1", "0.5");
        bench.chat.answer_again(first, None, &mut bench.ids, bench.now);
        bench.chat.interrupt_all(bench.now);
        let chat = &bench.chat;
        let messages = chat.messages.values().cloned().collect();
        let queue =
            vec![QueuedPrompt { id: bench.ids.queued(bench.now), text: "later".into(), holder: QueueHolder::Here }];
        let restored = Conversation::restore(chat.header(), messages, "draft".into(), queue.clone());
        assert_eq!(restored.header(), chat.header());
        assert_eq!((restored.cost(), restored.summary()), (chat.cost(), chat.summary()));
        assert_eq!(restored.siblings(first), (1, 2));
        assert_eq!((restored.draft.as_str(), &restored.queue), ("draft", &queue));
    }

    #[test]
    fn marking_a_conversation_as_seen_is_saved_once() {
        let mut bench = TestChat::new();
        bench.exchange("one", "1", "0");
        bench.chat.unread = true;
        assert_eq!(collect_effects(bench.chat.mark_seen()).saved, ["other"]);
        assert!(bench.chat.mark_seen().is_empty());
    }
}
