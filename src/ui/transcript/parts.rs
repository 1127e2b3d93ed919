//! The parts of a message, in the order in which they are shown: layout, folding, find, selection and copying read them.

use serde::{Deserialize, Serialize};

use std::borrow::Cow;

use super::{CursorTarget, call_rows, item_details};
use crate::{
    chat::{
        Answer, Item, ItemKind, ItemSlot, Message, MessageBody, ToolCallRun,
        answer::{ContentPart, FunctionCall, ReasoningItem, SearchCall},
    },
    text,
};

/// One part of a message, whether it is shown or folded.
pub(crate) struct AnswerPart<'a> {
    pub key: PartKey,
    /// What its first row folds.
    pub folds: Option<CursorTarget>,
    /// The item whose row folds it, or some of it.
    pub folded_by: Option<ItemSlot>,
    /// Its text will not change any more.
    pub is_final: bool,
    pub content: PartContent<'a>,
}

/// Identifies a part of a message while others come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartKey {
    pub kind: PartKind,
    /// The item that it belongs to; of a row for several items, the first of them.
    pub slot: Option<ItemSlot>,
    /// Counts the parts of that kind of one item.
    pub index: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PartKind {
    Head,
    Notes,
    /// The row of an item, or of several.
    ItemRow,
    /// What the row of an item folds.
    Details,
    /// The label above a text that is commentary rather than the answer itself.
    Label,
    /// How the checks of the sources stand.
    Checks,
    /// A prompt, a text of an answer or a refusal.
    Text,
    Sources,
    SourceCard,
    Card,
}

/// What a part is laid out from.
pub(crate) enum PartContent<'a> {
    Head,
    Notes,
    Prompt(&'a str),
    /// The summary of the reasoning of a group, by the group's index.
    ReasoningHead(usize),
    Reasoning {
        text: &'a str,
        item: &'a Item,
        group: usize,
        is_first: bool,
        is_last: bool,
    },
    /// The summary of the searches of a group.
    SearchHead(usize),
    /// The query of a search and the pages that it found.
    SearchPages {
        search: &'a SearchCall,
        group: usize,
    },
    FailedSearch(&'a Item, &'a SearchCall),
    Call(&'a FunctionCall, Option<&'a ToolCallRun>),
    /// The result of a call, or the reason for its absence.
    CallResult(&'a ToolCallRun),
    UnknownItem(&'a Item),
    RawJson(&'a Item),
    CommentaryLabel,
    Checks,
    Text(&'a str, &'a Item),
    Refusal(&'a str),
    Sources,
    Card,
}

/// The parts of a message, and the groups that some of them summarise.
#[derive(Default)]
pub(crate) struct MessageParts<'a> {
    pub parts: Vec<AnswerPart<'a>>,
    pub groups: Vec<WorkGroup<'a>>,
}

/// The reasoning and the searches between two messages of the model. Either may be empty.
#[derive(Default)]
pub(crate) struct WorkGroup<'a> {
    pub reasoning: Vec<(ItemSlot, &'a Item, &'a ReasoningItem)>,
    pub searches: Vec<(ItemSlot, &'a Item, &'a SearchCall)>,
}

/// The text to copy for a row that folds searches or another item.
pub fn folded_text(message: &Message, slot: ItemSlot) -> Option<String> {
    let parts = MessageParts::of(message).parts.into_iter();
    let folded = parts.filter(|part| part.key.kind == PartKind::Details && part.folded_by == Some(slot));
    let text = folded.filter_map(|part| part.content.source()).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

impl PartKey {
    pub(crate) fn new(kind: PartKind) -> Self {
        Self { kind, slot: None, index: 0 }
    }

    fn of_item(kind: PartKind, slot: ItemSlot) -> Self {
        Self { kind, slot: Some(slot), index: 0 }
    }
}

impl<'a> PartContent<'a> {
    /// The text that the part is laid out from and that searches look at, cleaned unless it is Markdown.
    pub(crate) fn source(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Reasoning { text, .. } | Self::Text(text, _) => Some(Cow::Borrowed(text)),
            Self::Prompt(text) | Self::Refusal(text) => Some(text::clean(text)),
            Self::SearchPages { search, .. } => Some(item_details::search_text(search).into()),
            Self::FailedSearch(item, search) => Some(item_details::failed_search_text(item, search).into()),
            Self::Call(call, run) => Some(call_rows::call_line(call, run).into()),
            Self::CallResult(run) => call_rows::result_excerpt(run).map(|result| result.text.into()),
            Self::RawJson(item) => Some(item_details::raw_json(item).into()),
            Self::Head
            | Self::Notes
            | Self::ReasoningHead(_)
            | Self::SearchHead(_)
            | Self::UnknownItem(_)
            | Self::CommentaryLabel
            | Self::Checks
            | Self::Sources
            | Self::Card => None,
        }
    }

    pub(crate) fn is_markdown(&self) -> bool {
        matches!(self, Self::Reasoning { .. } | Self::Text(..))
    }
}

impl<'a> MessageParts<'a> {
    pub(crate) fn of(message: &'a Message) -> Self {
        let mut parts = Self::default();
        parts.push(PartKey::new(PartKind::Head), PartContent::Head);
        match &message.body {
            MessageBody::Prompt(prompt) => {
                parts.push(PartKey::new(PartKind::Text), PartContent::Prompt(&prompt.text)).is_final = true;
            }
            MessageBody::Answer(answer) => parts.push_answer(answer),
        }
        parts
    }

    pub(crate) fn find(&self, key: PartKey) -> Option<&AnswerPart<'a>> {
        self.parts.iter().find(|part| part.key == key)
    }

    fn push(&mut self, key: PartKey, content: PartContent<'a>) -> &mut AnswerPart<'a> {
        let part = AnswerPart { key, folds: None, folded_by: None, is_final: false, content };
        self.parts.push_mut(part)
    }

    /// The messages of an answer, with a group of work before each and one after the last.
    fn push_answer(&mut self, answer: &'a Answer) {
        self.push(PartKey::new(PartKind::Notes), PartContent::Notes);
        let (mut group, mut others, mut has_text) = (WorkGroup::default(), Vec::new(), false);
        for (&slot, item) in &answer.items {
            match &*item.kind {
                ItemKind::Reasoning(reasoning) => group.reasoning.push((slot, item, reasoning)),
                ItemKind::Search(search) if item_details::failure_text(&search.status, item).is_none() => {
                    group.searches.push((slot, item, search));
                }
                ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => others.push((slot, item)),
                ItemKind::Message { parts, .. } if parts.iter().all(|part| part.text().is_empty()) => (),
                ItemKind::Message { parts, phase } => {
                    self.push_work(answer, std::mem::take(&mut group), std::mem::take(&mut others));
                    if !std::mem::replace(&mut has_text, true) {
                        self.push(PartKey::new(PartKind::Checks), PartContent::Checks);
                    }
                    self.push_message(slot, item, parts, phase.as_deref() == Some("commentary"));
                }
            }
        }
        self.push_work(answer, group, others);
        self.push(PartKey::new(PartKind::Sources), PartContent::Sources);
        self.push(PartKey::new(PartKind::Card), PartContent::Card);
    }

    fn push_work(&mut self, answer: &'a Answer, work: WorkGroup<'a>, mut others: Vec<(ItemSlot, &'a Item)>) {
        let group = self.groups.len();
        if let Some(&(head, ..)) = work.reasoning.first() {
            let row = PartKey::of_item(PartKind::ItemRow, head);
            self.push(row, PartContent::ReasoningHead(group)).folds = Some(CursorTarget::Reasoning(head));
            let texts = work.reasoning.iter().flat_map(|&(slot, item, reasoning)| {
                let texts = reasoning.shown_texts();
                texts.enumerate().map(move |(index, text)| (slot, item, index, text))
            });
            let (first, last) = (self.parts.len(), work.reasoning.last().map(|(slot, ..)| *slot));
            let mut texts = texts.peekable();
            while let Some((slot, item, index, text)) = texts.next() {
                let is_last = Some(slot) == last && texts.peek().is_none();
                let is_first = self.parts.len() == first;
                let key = PartKey { index, ..PartKey::of_item(PartKind::Details, slot) };
                let content = PartContent::Reasoning { text, item, group, is_first, is_last };
                self.push(key, content).folded_by = Some(head);
            }
        }
        if let Some(&(head, ..)) = work.searches.first() {
            let row = PartKey::of_item(PartKind::ItemRow, head);
            self.push(row, PartContent::SearchHead(group)).folds = Some(CursorTarget::OtherItem(head));
            for &(slot, item, search) in &work.searches {
                let key = PartKey::of_item(PartKind::Details, slot);
                let part = self.push(key, PartContent::SearchPages { search, group });
                (part.folded_by, part.is_final) = (Some(head), item.closed_at.is_some());
            }
        }
        // Searches that failed or were cut off come before the calls.
        others.sort_by_key(|(_, item)| !matches!(*item.kind, ItemKind::Search(_)));
        for (slot, item) in others {
            self.push_item(answer, slot, item);
        }
        self.groups.push(work);
    }

    /// A call, a failed search or another item, and what its row folds.
    fn push_item(&mut self, answer: &'a Answer, slot: ItemSlot, item: &'a Item) {
        let row = PartKey::of_item(PartKind::ItemRow, slot);
        let details = PartKey::of_item(PartKind::Details, slot);
        match &*item.kind {
            ItemKind::Search(search) => {
                self.push(row, PartContent::FailedSearch(item, search)).is_final = true;
            }
            ItemKind::Call(call) => {
                let run = answer.call_runs.get(&slot);
                let part = self.push(row, PartContent::Call(call, run));
                (part.folds, part.folded_by) = (Some(CursorTarget::Call(slot)), Some(slot));
                if let Some(run) = run {
                    self.push(details, PartContent::CallResult(run)).folded_by = Some(slot);
                }
            }
            ItemKind::Other { .. } => {
                self.push(row, PartContent::UnknownItem(item)).folds = Some(CursorTarget::OtherItem(slot));
                let part = self.push(details, PartContent::RawJson(item));
                (part.folded_by, part.is_final) = (Some(slot), item.closed_at.is_some());
            }
            ItemKind::Message { .. } | ItemKind::Reasoning(_) => (),
        }
    }

    fn push_message(&mut self, slot: ItemSlot, item: &'a Item, parts: &'a [ContentPart], is_commentary: bool) {
        if is_commentary {
            self.push(PartKey::of_item(PartKind::Label, slot), PartContent::CommentaryLabel);
        }
        for (index, part) in parts.iter().enumerate() {
            let key = PartKey { index, ..PartKey::of_item(PartKind::Text, slot) };
            match part {
                // Its diagrams are folded.
                ContentPart::Text { text, .. } => {
                    self.push(key, PartContent::Text(text, item)).folded_by = Some(slot);
                }
                ContentPart::Refusal(text) => {
                    self.push(key, PartContent::Refusal(text));
                }
            }
        }
    }
}
