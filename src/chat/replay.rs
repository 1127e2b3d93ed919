//! The history of a turn as input items: received items go back unchanged, or not at all.
//!
//! An answer is sent in one of two forms: the server's items, to the model and endpoint that made them; or
//! simple messages without ids. Calls are never sent without their outputs, nor reasoning without the item
//! that follows it (reference: sections 4.6 and 7).

mod replayed_item;

use std::collections::{BTreeMap, BTreeSet};

use replayed_item::{ReplayTarget, ReplayedItem};
use serde_json::value::RawValue;

use super::{
    Answer, AnswerEnd, Conversation, Item, ItemKind, MessageBody, MessageId, RequestFix, ToolCallRun, Turn,
    answer::{ContentPart, ItemSlot},
    tool_call::{CallOutput, InputModalities, output_for_model},
};
use crate::{
    api::{
        ApiDialect,
        json::JsonFields,
        request::{MessageRole, assistant_message, call_output, call_output_parts, input_message},
    },
    text::work,
};

/// The instruction to the model to continue an answer that was cut off.
const CONTINUE_PROMPT: &str =
    "Your last message was cut off. Continue exactly where it ends, without repeating anything.";

/// The history on the path to the answer of a turn, including that answer's earlier steps.
pub(super) fn input(conversation: &Conversation, turn: &Turn) -> Vec<Box<RawValue>> {
    let path = conversation.path_to(turn.answer);
    let newest = newest_finished(conversation, &path, turn.answer);
    let mut history = HistoryBuilder { turn, items: Vec::new(), sent_ids: BTreeSet::new(), call_ids: BTreeMap::new() };
    let mut below_answer = false;
    for id in path.into_iter().filter(|id| !conversation.is_left_out(*id)) {
        match &conversation.messages[&id].body {
            MessageBody::Prompt(prompt) => {
                history.items.push(input_message(MessageRole::User, &prompt.text));
                below_answer = false;
            }
            MessageBody::Answer(answer) => {
                if below_answer {
                    history.items.push(input_message(MessageRole::User, CONTINUE_PROMPT));
                }
                below_answer = true;
                history.add_answer(answer, history.rules_for(answer, id, newest));
            }
        }
    }
    history.items
}

/// The last answer before the requested one that its model finished.
fn newest_finished(conversation: &Conversation, path: &[MessageId], requested: MessageId) -> Option<MessageId> {
    let finished = |id: &&MessageId| conversation.messages[id].as_answer().is_some_and(is_finished);
    path.iter().rev().filter(|id| **id != requested).find(finished).copied()
}

/// The model whose reasoning is left out of the request because a different model answers now, if any.
pub(super) fn model_of_dropped_reasoning<'a>(conversation: &'a Conversation, turn: &Turn) -> Option<&'a str> {
    let path = conversation.path_to(turn.answer);
    let newest = newest_finished(conversation, &path, turn.answer)?;
    let answer = conversation.messages[&newest].as_answer()?;
    let has_reasoning = answer.items.values().any(|item| matches!(*item.kind, ItemKind::Reasoning(_)));
    let same = answer.endpoint == turn.settings.endpoint && answer.model == turn.settings.model;
    (has_reasoning && !same).then_some(answer.model.as_str())
}

fn is_finished(answer: &Answer) -> bool {
    match answer.end {
        AnswerEnd::Complete | AnswerEnd::Incomplete { .. } => true,
        AnswerEnd::Open | AnswerEnd::Stopped | AnswerEnd::Interrupted | AnswerEnd::Failed(_) => false,
    }
}

/// Builds the history, and tracks the ids that are in it already.
struct HistoryBuilder<'a> {
    turn: &'a Turn,
    items: Vec<Box<RawValue>>,
    sent_ids: BTreeSet<String>,
    /// The ids of calls, each with how many calls came with it.
    call_ids: BTreeMap<String, u32>,
}

/// Rules for sending the items of one answer.
#[derive(Clone, Copy)]
struct ReplayRules {
    dialect: ApiDialect,
    /// They go to the endpoint that sent them.
    same_endpoint: bool,
    /// They go to the endpoint and the model that made them.
    same_model: bool,
    /// The model finished the answer, so its messages are complete.
    is_finished: bool,
    reasoning: ReasoningPolicy,
    /// The first step that is not history yet.
    step_limit: u32,
    /// The kinds of results that the model can read, and their maximum size.
    modalities: InputModalities,
    max_result_bytes: usize,
}

/// Which reasoning is sent back.
#[derive(Clone, Copy, PartialEq)]
enum ReasoningPolicy {
    None,
    /// Encrypted or signed reasoning.
    Sealed,
    /// All reasoning, because the model is still in this turn.
    All,
}

impl HistoryBuilder<'_> {
    fn rules_for(&self, answer: &Answer, id: MessageId, newest: Option<MessageId>) -> ReplayRules {
        let settings = &self.turn.settings;
        let is_running = id == self.turn.answer;
        let same_endpoint = answer.endpoint == settings.endpoint;
        let same_model = same_endpoint && answer.model == settings.model;
        let reasoning = if !same_model || self.turn.fixes.contains(&RequestFix::DropReasoning) {
            ReasoningPolicy::None
        } else if is_running {
            ReasoningPolicy::All
        } else if newest == Some(id) && is_single_model(answer) {
            ReasoningPolicy::Sealed
        } else {
            ReasoningPolicy::None
        };
        ReplayRules {
            dialect: self.turn.context.dialect,
            same_endpoint,
            same_model,
            is_finished: is_running || is_finished(answer),
            reasoning,
            step_limit: if is_running { self.turn.step } else { u32::MAX },
            modalities: self.turn.context.modalities(&settings.model),
            max_result_bytes: self.turn.context.tools.limits.result_bytes,
        }
    }

    fn add_answer(&mut self, answer: &Answer, rules: ReplayRules) {
        let mut items: Vec<(ItemSlot, &Item)> = answer.items.iter().map(|(slot, item)| (*slot, item)).collect();
        items.retain(|(slot, _)| slot.step < rules.step_limit);
        for step in items.chunk_by(|(a, _), (b, _)| a.step == b.step) {
            self.add_step(answer, step, rules);
        }
    }

    fn add_step(&mut self, answer: &Answer, items: &[(ItemSlot, &Item)], rules: ReplayRules) {
        let reasoning_count = items.iter().filter(|(_, item)| matches!(*item.kind, ItemKind::Reasoning(_))).count();
        let mut replay_items: Vec<ReplayItem> = items
            .iter()
            .filter_map(|(slot, item)| replay_item(*slot, item, answer.call_runs.get(slot), rules))
            .collect();
        if self.turn.fixes.contains(&RequestFix::DropServerItems) {
            replay_items.retain(|piece| !matches!(piece, ReplayItem::Server(_)));
        }
        drop_unpaired(&mut replay_items);
        replay_items.retain_mut(|piece| self.claim_id(piece));
        let reasoning_left = drop_orphans(&mut replay_items, rules);
        if reasoning_left < reasoning_count && rules.dialect == ApiDialect::OpenAi {
            // OpenAI also checks the ids of messages against the reasoning before them.
            replay_items.retain_mut(ReplayItem::detach_from_reasoning);
        }
        self.write_items(replay_items, rules, reasoning_left < reasoning_count);
    }

    /// Registers the id of an item. An item whose id was sent already loses it; returns false if it must be dropped.
    fn claim_id(&mut self, replay_item: &mut ReplayItem) -> bool {
        let item = match replay_item {
            ReplayItem::Reasoning(item) | ReplayItem::Server(item) | ReplayItem::Call { item, .. } => Some(&*item),
            ReplayItem::Message { item, .. } => item.as_ref(),
        };
        let id = item.map_or("", |item| item.text("id"));
        if id.is_empty() || self.sent_ids.insert(id.to_owned()) {
            return true;
        }
        match replay_item {
            ReplayItem::Reasoning(_) | ReplayItem::Server(_) => false,
            ReplayItem::Call { item, .. } => {
                item.remove("id");
                true
            }
            ReplayItem::Message { item, .. } => {
                *item = None;
                true
            }
        }
    }

    /// Writes items in order. Outputs follow the last of consecutive calls, before any other item; reasoning precedes
    /// the item that it led to.
    fn write_items(&mut self, replay_items: Vec<ReplayItem>, rules: ReplayRules, dropped_reasoning: bool) {
        let (mut pending_reasoning, mut outputs) = (Vec::new(), Vec::new());
        for piece in replay_items {
            let item_json = match piece {
                ReplayItem::Reasoning(item) => {
                    pending_reasoning.push(item.into_raw());
                    continue;
                }
                ReplayItem::Call { item, output } => {
                    self.items.append(&mut pending_reasoning);
                    outputs.push(self.write_call(item, output, rules.same_model && !dropped_reasoning));
                    continue;
                }
                ReplayItem::Message { text, phase, item } => {
                    let easy = || assistant_message(&text, phase.as_deref().filter(|_| rules.same_model));
                    item.map_or_else(easy, ReplayedItem::into_raw)
                }
                ReplayItem::Server(item) => item.into_raw(),
            };
            self.items.append(&mut outputs);
            self.items.append(&mut pending_reasoning);
            self.items.push(item_json);
        }
        self.items.append(&mut outputs);
    }

    /// Writes a call and returns its output item.
    fn write_call(&mut self, mut item: ReplayedItem, output: CallOutput, keeps_ids: bool) -> Box<RawValue> {
        let call_id = self.unique_call_id(item.text("call_id"));
        item.set("call_id", &call_id);
        if !keeps_ids {
            item.remove("id");
            item.remove("status");
        }
        let is_custom = item.text("type") == "custom_tool_call";
        self.items.push(item.into_raw());
        match output {
            CallOutput::Text(text) if is_custom => custom_output(&call_id, &text),
            CallOutput::Text(text) => call_output(&call_id, &text),
            CallOutput::Parts(parts) => call_output_parts(&call_id, &parts),
        }
    }

    /// Makes a call id unique: some servers count from 0 in every response, so that two calls would share an output.
    fn unique_call_id(&mut self, call_id: &str) -> String {
        let mut number = self.call_ids.get(call_id).map_or(1, |count| count + 1);
        let numbered = |number: u32| if number == 1 { call_id.to_owned() } else { format!("{call_id}-{number}") };
        while self.call_ids.contains_key(&numbered(number)) {
            work::count_steps(1);
            number += 1;
        }
        work::count_steps(1);
        self.call_ids.insert(call_id.to_owned(), number);
        self.call_ids.entry(numbered(number)).or_insert(1);
        numbered(number)
    }
}

impl ReasoningPolicy {
    fn allows(self, reasoning: &ReplayedItem) -> bool {
        let sealed = !reasoning.text("encrypted_content").is_empty() || !reasoning.text("signature").is_empty();
        let named = !reasoning.text("id").is_empty();
        // Claude refuses reasoning without its signature.
        let signed_elsewhere = reasoning.text("format") == "anthropic-claude-v1";
        match self {
            Self::None => false,
            Self::Sealed => named && sealed,
            Self::All => named && (sealed || !signed_elsewhere),
        }
    }
}

/// Whether the slug names one model; a router may pick another each time, which cannot decrypt the reasoning.
fn is_single_model(answer: &Answer) -> bool {
    !answer.model.starts_with("openrouter/") && !answer.model.starts_with('~')
}

/// One item of an answer that may be sent back.
enum ReplayItem {
    Reasoning(ReplayedItem),
    Message {
        text: String,
        phase: Option<String>,
        item: Option<ReplayedItem>,
    },
    Call {
        item: ReplayedItem,
        output: CallOutput,
    },
    /// An item of the server's own tools, as received.
    Server(ReplayedItem),
}

impl ReplayItem {
    /// Strips what depends on the dropped reasoning; returns false for the reasoning itself.
    fn detach_from_reasoning(&mut self) -> bool {
        match self {
            Self::Reasoning(_) => false,
            Self::Message { item, .. } => {
                *item = None;
                true
            }
            Self::Call { .. } | Self::Server(_) => true,
        }
    }
}

/// Removes a program without its output, an output without what it answers, and our output of a call that the server
/// has answered itself.
fn drop_unpaired(replay_items: &mut Vec<ReplayItem>) {
    let ids = |is_wanted: fn(&str) -> bool| -> BTreeSet<String> {
        let items = replay_items.iter().filter_map(|piece| match piece {
            ReplayItem::Server(item) | ReplayItem::Call { item, .. } => Some(item),
            ReplayItem::Reasoning(_) | ReplayItem::Message { .. } => None,
        });
        let wanted = items.filter(|item| is_wanted(item.text("type")) && !item.text("call_id").is_empty());
        wanted.map(|item| item.text("call_id").to_owned()).collect()
    };
    let answered = ids(|kind| kind.ends_with("_output"));
    let called = ids(|kind| !kind.ends_with("_output"));
    for piece in std::mem::take(replay_items) {
        let kept = match piece {
            ReplayItem::Call { item, .. } if answered.contains(item.text("call_id")) => Some(ReplayItem::Server(item)),
            ReplayItem::Server(item) if item.text("type") == "program" => {
                answered.contains(item.text("call_id")).then_some(ReplayItem::Server(item))
            }
            ReplayItem::Server(item) if item.text("type").ends_with("_output") && !item.text("call_id").is_empty() => {
                called.contains(item.text("call_id")).then_some(ReplayItem::Server(item))
            }
            other => Some(other),
        };
        replay_items.extend(kept);
    }
}

/// Removes reasoning that may not be sent back or whose next item is not, and trailing searches of a cut answer.
/// Returns how many reasoning items are left.
fn drop_orphans(replay_items: &mut Vec<ReplayItem>, rules: ReplayRules) -> usize {
    let (mut reasoning_left, mut leads_on, mut is_last) = (0, false, true);
    for index in (0..replay_items.len()).rev() {
        let keep = match &replay_items[index] {
            ReplayItem::Reasoning(item) => leads_on && rules.reasoning.allows(item),
            ReplayItem::Server(_) => !is_last || rules.is_finished,
            ReplayItem::Message { .. } | ReplayItem::Call { .. } => true,
        };
        if !keep {
            replay_items.remove(index);
            continue;
        }
        is_last = false;
        match &replay_items[index] {
            ReplayItem::Reasoning(_) => reasoning_left += 1,
            ReplayItem::Message { item, .. } => leads_on = item.is_some(),
            ReplayItem::Call { .. } | ReplayItem::Server(_) => leads_on = true,
        }
    }
    reasoning_left
}

fn replay_item(slot: ItemSlot, item: &Item, run: Option<&ToolCallRun>, rules: ReplayRules) -> Option<ReplayItem> {
    let sent = item.raw.as_deref().and_then(ReplayedItem::parse);
    if let ItemKind::Message { parts, phase } = &*item.kind {
        let text = parts_text(parts);
        let item = sent.filter(|sent| rules.same_model && rules.is_finished && sent.is_complete_message());
        let phase = phase.clone().filter(|phase| matches!(phase.as_str(), "commentary" | "final_answer"));
        return (!text.is_empty()).then_some(ReplayItem::Message { text, phase, item });
    }
    let target = if rules.same_model { ReplayTarget::SameModel } else { ReplayTarget::AnotherModel };
    let called = || output_for_model(run, rules.max_result_bytes, rules.modalities);
    if let (ItemKind::Call(call), Some(_)) = (&*item.kind, run) {
        // The model finished the call and it was handled, so it is sent back even if it was malformed.
        let sent = sent.unwrap_or_else(|| ReplayedItem::from_call(&call.name, &call.arguments));
        return sent
            .into_handled_call(&call.call_id, slot, target)
            .map(|item| ReplayItem::Call { item, output: called() });
    }
    let sent = sent?; // Incomplete, so no item may depend on it.
    match sent.text("type") {
        "reasoning" => sent.is_complete_reasoning().then_some(ReplayItem::Reasoning(sent)),
        "function_call" => sent.into_call("arguments", target).map(|item| ReplayItem::Call { item, output: called() }),
        "custom_tool_call" => sent.into_call("input", target).map(|item| ReplayItem::Call { item, output: called() }),
        kind => is_replayable(kind, &sent, rules).then_some(ReplayItem::Server(sent)),
    }
}

/// Whether an item of the server's own tools, or of an unknown type, can be sent back.
fn is_replayable(kind: &str, sent: &ReplayedItem, rules: ReplayRules) -> bool {
    let is_routers = kind.starts_with("openrouter:");
    let is_router_item = is_routers && rules.same_endpoint && rules.dialect.supports_openrouter_fields();
    let is_model_item = !is_routers && rules.same_model && !sent.text("id").is_empty();
    (is_router_item || is_model_item)
        && sent.text("status") != "in_progress"
        && match kind {
            // Images are too large; the others need an output that does not exist.
            "image_generation_call"
            | "openrouter:image_generation"
            | "apply_patch_call"
            | "openrouter:apply_patch"
            | "shell_call"
            | "shell_call_output"
            | "local_shell_call"
            | "computer_call"
            | "mcp_approval_request"
            | "item_reference"
            | "message" => false,
            kind => {
                is_type_name(kind)
                    && required_fields(kind).iter().all(|field| sent.has(field))
                    && sent.has_valid_action()
            }
        }
}

/// Whether it is a well-formed type name; a garbled one would make every later request invalid.
fn is_type_name(kind: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    kind.split_once(':').map_or_else(|| is_word(kind), |(vendor, word)| is_word(vendor) && is_word(word))
}

/// The fields that the schema requires of an item of a server's tools; no server accepts it without them.
fn required_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "openrouter:datetime" => &["status", "datetime", "timezone"],
        "file_search_call" => &["status", "queries"],
        "mcp_call" => &["arguments", "name", "server_label"],
        "mcp_list_tools" => &["server_label", "tools"],
        "tool_search_call" => &["call_id", "execution"],
        "tool_search_output" => &["call_id", "execution", "tools"],
        "compaction" => &["encrypted_content"],
        "web_search_call" | "code_interpreter_call" => &["status"],
        kind if kind.starts_with("openrouter:") => &["status"],
        _ => &[],
    }
}

/// Whether a request has items that only a server can have made and that a validator may not know.
pub(super) fn has_server_items(input: &[Box<RawValue>]) -> bool {
    let ours = [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    ];
    let kind = |item: &RawValue| JsonFields::parse(item.get()).and_then(|fields| fields.text("type"));
    input.iter().filter_map(|item| kind(item)).any(|kind| !ours.contains(&kind.as_str()))
}

fn parts_text(parts: &[ContentPart]) -> String {
    parts
        .iter()
        .map(|part| match part {
            ContentPart::Text { text, .. } | ContentPart::Refusal(text) => text.as_str(),
        })
        .collect()
}

fn custom_output(call_id: &str, output: &str) -> Box<RawValue> {
    let output = serde_json::json!({ "type": "custom_tool_call_output", "call_id": call_id, "output": output });
    serde_json::value::to_raw_value(&output).expect("strings always have a JSON form")
}
