//! The document that every form writes: the messages in the order in which they are read, and what is said of each.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ExportSetting,
    masks::MaskedConversation,
    options::{ExportDensity, ExportOptions, ExportScope, SecretHandling},
};
use crate::{
    api::Usd,
    chat::{
        Answer, AnswerEnd, ItemKind, ItemSlot, Message, MessageBody, MessageId, ToolCallRun, ToolCallState,
        WholeConversation,
        answer::{ContentPart, SearchCall},
        explain, item_words,
    },
    citations::{
        annotations::{AnswerCitations, CitationMark, Source},
        check::{CheckOutcome, CheckResult},
        check_words,
    },
    exchange::portable::ExportExtent,
    text::{self, amounts},
    tools::result_text,
};

type MessageMap<'a> = BTreeMap<MessageId, &'a Message>;
type ChildMap = BTreeMap<Option<MessageId>, Vec<MessageId>>;

/// A conversation as it is written.
pub(super) struct ExportDocument<'a> {
    pub whole: &'a WholeConversation,
    pub title: String,
    pub options: &'a ExportOptions,
    pub setting: &'a ExportSetting,
    pub entries: Vec<DocumentEntry<'a>>,
    /// How many secrets are masked.
    pub masked_count: usize,
    pub extent: ExportExtent,
}

/// One message of the document.
pub(super) struct DocumentEntry<'a> {
    /// Counted from 1.
    pub number: usize,
    pub id: MessageId,
    /// The number of the message above it, unless that comes directly before it.
    pub follows: Option<usize>,
    /// Which of its versions it is, counted from 1, and the numbers of all of them, if there are several.
    pub version: Option<(usize, Vec<usize>)>,
    pub message: &'a Message,
    pub body: EntryBody<'a>,
}

pub(super) enum EntryBody<'a> {
    Prompt(&'a str),
    Answer(Box<AnswerEntry<'a>>),
}

/// An answer in its parts.
pub(super) struct AnswerEntry<'a> {
    pub answer: &'a Answer,
    pub blocks: Vec<AnswerBlock<'a>>,
    pub sources: Vec<SourceEntry>,
    /// How it ended, if it is not complete.
    pub ending: Option<String>,
}

/// A part of an answer.
pub(super) enum AnswerBlock<'a> {
    /// Reasoning: its summary in a few words, and its texts.
    Reasoning {
        title: String,
        texts: Vec<&'a str>,
    },
    /// Searches, a line for each query and page.
    Searches {
        title: String,
        lines: Vec<String>,
    },
    Call(CallEntry),
    /// An item of a kind that is not known: its name and its JSON.
    Other {
        title: String,
        json: String,
    },
    /// The model says what it is doing; the answer itself comes later.
    Text {
        markdown: &'a str,
        marks: Vec<CitationMark>,
        is_commentary: bool,
    },
    Refusal(&'a str),
}

/// A call of a tool and its result.
pub(super) struct CallEntry {
    pub tool: String,
    /// JSON with one member per line, if it is JSON.
    pub arguments: String,
    pub status: String,
    pub result: Option<String>,
}

/// A source with what its check found.
pub(super) struct SourceEntry {
    pub source: Source,
    /// The verdict in words, then why or where.
    pub verdict: Option<String>,
}

impl<'a> ExportDocument<'a> {
    pub(super) fn new(masked: &'a MaskedConversation, options: &'a ExportOptions, setting: &'a ExportSetting) -> Self {
        let messages: MessageMap<'a> = masked.whole.messages.iter().map(|message| (message.id, message)).collect();
        let children = children(&messages);
        let order = reading_order(&messages, &children);
        let numbers: BTreeMap<MessageId, usize> = order.iter().copied().zip(1..).collect();
        let entry = |(index, id): (usize, &MessageId)| {
            let message = messages[id];
            let above = message.parent.and_then(|parent| numbers.get(&parent).copied());
            let siblings = children.get(&message.parent).map_or(&[][..], Vec::as_slice);
            let version = siblings.iter().position(|sibling| sibling == id).filter(|_| siblings.len() > 1);
            DocumentEntry {
                number: index + 1,
                id: *id,
                follows: above.filter(|above| *above != index),
                version: version.map(|at| (at + 1, siblings.iter().map(|id| numbers[id]).collect())),
                message,
                body: match &message.body {
                    MessageBody::Prompt(prompt) => EntryBody::Prompt(&prompt.text),
                    MessageBody::Answer(answer) => {
                        EntryBody::Answer(Box::new(AnswerEntry::new(*id, answer, &masked.whole)))
                    }
                },
            }
        };
        let masked_count = if options.secrets == SecretHandling::Mask { masked.suspects.len() } else { 0 };
        let title = text::one_line(&masked.whole.header.title);
        Self {
            whole: &masked.whole,
            title: if title.is_empty() { "Conversation".into() } else { title },
            options,
            setting,
            entries: order.iter().enumerate().map(entry).collect(),
            masked_count,
            extent: ExportExtent { scope: options.part.scope(), density: options.density, masked: masked.is_changed },
        }
    }

    /// Whether reading it back gives the whole tree.
    pub(super) fn gives_tree_back(&self) -> bool {
        self.options.form.is_importable() && self.extent.is_whole()
    }

    /// Says what of the conversation it has.
    pub(super) fn extent_words(&self) -> String {
        let masked = if self.extent.masked { ", with secrets masked" } else { "" };
        format!("{}, {}{masked}", self.extent.scope.title(), self.extent.density.title())
    }

    /// Says in one line what was exported, and whether it can be read back.
    pub(super) fn summary(&self) -> String {
        let count = self.entries.len();
        let messages = if count == 1 { "message" } else { "messages" };
        let head = format!("{count} {messages} as {}: {}", self.options.form.title(), self.extent_words());
        if self.gives_tree_back() {
            format!("{head}; ibid import gives the whole tree back")
        } else if self.options.form.is_importable() {
            format!("{head}; this does not give the tree back")
        } else {
            head
        }
    }

    pub(super) fn number_of(&self, id: MessageId) -> Option<usize> {
        self.entries.iter().find(|entry| entry.id == id).map(|entry| entry.number)
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = (&DocumentEntry<'a>, &AnswerEntry<'a>)> {
        self.entries.iter().filter_map(|entry| match &entry.body {
            EntryBody::Answer(answer) => Some((entry, &**answer)),
            EntryBody::Prompt(_) => None,
        })
    }

    /// The known cost of all answers, if any is known.
    pub(super) fn cost(&self) -> Option<Usd> {
        let costs = self.answers().filter_map(|(_, entry)| entry.cost());
        costs.reduce(|sum, cost| sum.checked_add(&cost).unwrap_or(sum))
    }

    /// The system prompt, if it belongs to what is exported.
    pub(super) fn system_prompt(&self) -> Option<String> {
        let has_frame = matches!(self.options.part.scope(), ExportScope::Tree | ExportScope::Branch);
        let prompt = self.whole.header.settings.instructions.as_deref();
        let prompt = prompt.filter(|_| has_frame && self.options.density == ExportDensity::Full)?;
        Some(text::clean(prompt).trim().to_owned()).filter(|prompt| !prompt.is_empty())
    }

    /// A moment as the reader's clock showed it.
    pub(super) fn local_time(&self, at: crate::chat::Timestamp) -> String {
        at.to_zoned(self.setting.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

impl DocumentEntry<'_> {
    /// What is said beside its head: which version it is, and what it follows.
    pub(super) fn place_words(&self) -> Vec<String> {
        let version = self.version.as_ref().map(|(at, all)| format!("version {at} of {}", all.len()));
        let follows = self.follows.map(|number| format!("follows message {number}"));
        version.into_iter().chain(follows).collect()
    }
}

impl<'a> AnswerEntry<'a> {
    fn new(id: MessageId, answer: &'a Answer, whole: &WholeConversation) -> Self {
        let mut citations = AnswerCitations::default();
        citations.refresh(answer);
        let source = |source: &Source| SourceEntry {
            verdict: source.url.as_deref().and_then(|url| verdict(id, url, whole)),
            source: source.clone(),
        };
        Self {
            answer,
            blocks: AnswerBlocks::of(id, answer, &citations, whole),
            sources: citations.sources().iter().map(source).collect(),
            ending: ending(answer),
        }
    }

    /// The model that answered.
    pub(super) fn model(&self) -> String {
        let answered_by = self.answer.answered_by.as_deref().filter(|model| !model.is_empty());
        text::one_line(answered_by.unwrap_or(&self.answer.model))
    }

    pub(super) fn cost(&self) -> Option<Usd> {
        self.answer.usage.as_ref().and_then(|usage| usage.cost.clone())
    }

    /// The short facts beside its head: the provider, how long it took, its cost.
    pub(super) fn facts(&self) -> Vec<String> {
        let answer = self.answer;
        let mut facts = Vec::new();
        facts.extend(answer.params.provider.as_deref().map(text::one_line));
        if let Some(ended) = answer.ended_at {
            let millis = ended.as_millisecond() - answer.started_at.as_millisecond();
            facts.push(amounts::format_seconds(u64::try_from(millis).unwrap_or(0)));
        }
        facts.extend(self.cost().map(|cost| cost.to_string()));
        facts
    }
}

/// Collects the parts of an answer; what belongs together becomes one block.
struct AnswerBlocks<'a> {
    blocks: Vec<AnswerBlock<'a>>,
}

impl<'a> AnswerBlocks<'a> {
    fn of(
        id: MessageId,
        answer: &'a Answer,
        citations: &AnswerCitations,
        whole: &WholeConversation,
    ) -> Vec<AnswerBlock<'a>> {
        let mut blocks = Self { blocks: Vec::new() };
        for (&slot, item) in &answer.items {
            match &*item.kind {
                ItemKind::Message { parts, phase } => {
                    for (index, part) in parts.iter().enumerate().filter(|(_, part)| !part.text().trim().is_empty()) {
                        let marks = citations.marks((slot, index)).to_vec();
                        blocks.blocks.push(match part {
                            ContentPart::Text { text, .. } => AnswerBlock::Text {
                                markdown: text,
                                marks,
                                is_commentary: phase.as_deref() == Some("commentary"),
                            },
                            ContentPart::Refusal(text) => AnswerBlock::Refusal(text),
                        });
                    }
                }
                ItemKind::Reasoning(reasoning) => {
                    blocks.push_reasoning(reasoning.texts().filter(|text| !text.trim().is_empty()).collect());
                }
                ItemKind::Search(search) => {
                    blocks.push_search(search, item_words::failure_text(&search.status, item));
                }
                ItemKind::Call(call) => {
                    let run = answer.call_runs.get(&slot);
                    let name =
                        run.and_then(|run| run.tool.as_ref()).map_or_else(|| call.name.clone(), ToString::to_string);
                    let arguments = match run.filter(|run| run.edited) {
                        Some(run) => result_text::pretty_json(&run.arguments),
                        None => serde_json::from_str(&call.arguments)
                            .map_or_else(|_| call.arguments.clone(), |json| result_text::pretty_json(&json)),
                    };
                    blocks.blocks.push(AnswerBlock::Call(CallEntry {
                        tool: text::show_invisible_in_line(if name.is_empty() { "a tool" } else { &name }),
                        arguments: text::show_invisible(&arguments).into_owned(),
                        status: run.map(call_status).unwrap_or_default(),
                        result: run.and_then(|run| call_result(id, slot, run, whole)),
                    }));
                }
                ItemKind::Other { kind, .. } => {
                    let title = item_words::image_text(kind, item).unwrap_or_else(|| kind.replace(['_', ':'], " "));
                    let json = item_words::raw_json(item);
                    blocks.blocks.push(AnswerBlock::Other { title: text::one_line(&title), json });
                }
            }
        }
        let seconds = answer.reasoning_seconds(answer.ended_at.unwrap_or(answer.started_at));
        blocks.name_reasoning(seconds);
        blocks.blocks
    }

    fn push_reasoning(&mut self, texts: Vec<&'a str>) {
        if texts.is_empty() {
            return;
        }
        match self.blocks.last_mut() {
            Some(AnswerBlock::Reasoning { texts: before, .. }) => before.extend(texts),
            _ => self.blocks.push(AnswerBlock::Reasoning { title: "Reasoning".into(), texts }),
        }
    }

    /// Adds how long the model reasoned, if all of it is in one block.
    fn name_reasoning(&mut self, seconds: Option<u64>) {
        let mut blocks = self.blocks.iter_mut().filter_map(|block| match block {
            AnswerBlock::Reasoning { title, .. } => Some(title),
            _ => None,
        });
        if let (Some(only), None, Some(seconds)) =
            (blocks.next(), blocks.next(), seconds.filter(|seconds| *seconds > 0))
        {
            *only = format!("Reasoning, {}", amounts::format_seconds(seconds * 1000));
        }
    }

    fn push_search(&mut self, search: &SearchCall, failure: Option<String>) {
        let words = search.query.as_deref().map(|query| format!("“{}”", text::one_line(query)));
        let words = match (words, failure) {
            (Some(words), Some(failure)) => Some(format!("{words}: {failure}")),
            (words, failure) => words.or(failure),
        };
        let lines: Vec<String> = words.into_iter().chain(search.urls.iter().map(|url| text::one_line(url))).collect();
        let is_files = item_words::is_file_search(search);
        if let Some(AnswerBlock::Searches { lines: before, .. }) = self.blocks.last_mut() {
            before.extend(lines);
        } else {
            let title = if is_files { "Searched files" } else { "Searched the web" };
            self.blocks.push(AnswerBlock::Searches { title: title.into(), lines });
        }
    }
}

fn call_status(run: &ToolCallRun) -> String {
    let state = match &run.state {
        ToolCallState::Done(outcome) if outcome.failed => "reports an error",
        state => state.label(),
    };
    let mut words = vec![state.to_owned()];
    if let (Some(began), Some(ended)) = (run.started_at, run.ended_at) {
        let millis = ended.as_millisecond() - began.as_millisecond();
        words.push(amounts::format_seconds(u64::try_from(millis).unwrap_or(0)));
    }
    if run.edited {
        words.push("arguments edited by the user".into());
    }
    words.join(", ")
}

/// The full result of a call, or why there is none.
fn call_result(id: MessageId, slot: ItemSlot, run: &ToolCallRun, whole: &WholeConversation) -> Option<String> {
    let full = whole.full_results.get(&(id, slot));
    let text = match (&run.state, full) {
        (ToolCallState::Done(_), Some(full)) => result_text::outcome_text(full),
        (ToolCallState::Done(outcome), None) => result_text::outcome_text(outcome),
        _ => run.missing_result_reason()?,
    };
    Some(text::show_invisible(&text.replace("\r\n", "\n")).into_owned())
}

/// What the check of a source found, in words.
fn verdict(id: MessageId, url: &str, whole: &WholeConversation) -> Option<String> {
    let check = whole.checks.iter().find(|check| check.message == id && check.source == url)?;
    let result: CheckResult = serde_json::from_str(&check.result).ok()?;
    let mut words = check_words::verdict_words(&result.outcome, "·");
    let place = check_words::context(&result.outcome);
    match place {
        Some(place) => words.extend([format!(": “{}{}{}”", place.before, place.matched, place.after)]),
        None if matches!(result.outcome, CheckOutcome::Unread(_)) => {
            words.extend([format!(". {}", check_words::explanation(&result.outcome))]);
        }
        None => (),
    }
    if let Some(judgement) = &result.judgement {
        words.extend([format!(". {} says: {}. {}", judgement.model, judgement.verdict.words(), judgement.reason)]);
    }
    Some(text::one_line(&words))
}

/// Says how an answer ended, unless it is complete.
fn ending(answer: &Answer) -> Option<String> {
    if answer.end == AnswerEnd::Complete {
        return None;
    }
    let card = explain(answer, None);
    let words = card.map(|card| [Some(card.headline), card.fact, card.quote].into_iter().flatten().collect::<Vec<_>>());
    let words = words.map_or_else(|| "The answer is not complete.".into(), |words| words.join(" "));
    Some(text::one_line(&words))
}

fn children(messages: &MessageMap<'_>) -> ChildMap {
    let mut children = ChildMap::new();
    for (id, message) in messages {
        let parent = message.parent.filter(|parent| messages.contains_key(parent));
        children.entry(parent).or_default().push(*id);
    }
    children
}

/// The messages of the tree: each before those below it, versions by age.
fn reading_order(messages: &MessageMap<'_>, children: &ChildMap) -> Vec<MessageId> {
    let mut order = Vec::with_capacity(messages.len());
    let mut seen = BTreeSet::new();
    // Damaged parents could form a ring, which no message without a parent leads to.
    let roots = children.get(&None).into_iter().flatten();
    let mut waiting: Vec<MessageId> = roots.chain(messages.keys()).rev().copied().collect();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            order.push(id);
            waiting.extend(children.get(&Some(id)).into_iter().flatten().rev());
        }
    }
    order
}
