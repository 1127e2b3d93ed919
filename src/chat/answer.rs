//! One answer: its items assembled from events, how it ended and what it cost.

mod assemble;
mod finish;
mod item;
mod item_json;
mod item_slots;
mod step_usage;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use assemble::{EventOutcome, ServerActivity};
pub use item_slots::AssemblyState;
pub use step_usage::StepUsage;

use super::{Effort, MessageId, Timestamp, ToolCallRun, ToolCallState};
pub use crate::api::item::{ContentPart, FunctionCall, ItemKind, ReasoningItem, SearchCall};
use crate::api::{self, Annotation, Usage, json::JsonFields};

/// A model's answer in one turn, step by step (a turn with tool calls has several responses).
#[derive(Debug, Clone)]
pub struct Answer {
    /// The name of the endpoint that the request went to.
    pub endpoint: String,
    /// The requested slug.
    pub model: String,
    /// The slug that answered, if the server reports it.
    pub answered_by: Option<String>,
    /// Ordered by position.
    pub items: BTreeMap<ItemSlot, Item>,
    /// The state of those calls among the items that ibid runs.
    pub call_runs: BTreeMap<ItemSlot, ToolCallRun>,
    pub end: AnswerEnd,
    /// The sum over all steps, always in line with `usage_by_step`.
    pub usage: Option<Usage>,
    /// What each step used, by step.
    pub usage_by_step: BTreeMap<u32, StepUsage>,
    pub started_at: Timestamp,
    /// When the first visible text arrived.
    pub first_text_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// The settings of its request, and how the server handled it.
    pub params: AnswerParams,
    /// What the user should know about how it was made, one muted line each.
    pub notes: Vec<String>,
    /// State needed only while it streams; never stored.
    pub assembly: AssemblyState,
}

/// The settings that an answer was requested with, and how the server handled the request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerParams {
    pub effort: Option<Effort>,
    pub web: bool,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// Requests sent, including the last one.
    pub attempts: u32,
    /// When the response headers arrived.
    pub first_byte: Option<Timestamp>,
    /// The provider that ran the model, if the server reports it.
    pub provider: Option<String>,
    /// What a router did besides running the model: paid stages and guardrails, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pipeline: Vec<String>,
    /// The answer of another conversation that this one is a copy of; it was paid for there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<MessageId>,
}

/// The position of an item: the response of the turn, and its `output_index` in that response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemSlot {
    pub step: u32,
    pub index: u32,
}

/// One part of an answer: a message, reasoning, a search or a call.
#[derive(Debug, Clone)]
pub struct Item {
    /// The item as the server sent it, once it is complete; later requests replay this.
    pub raw: Option<Arc<RawValue>>,
    /// When the server opened and closed it.
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// Shared with pending saves; copied on write while the item grows.
    pub kind: Arc<ItemKind>,
}

/// How an answer ended, if it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerEnd {
    /// It is still streaming.
    Open,
    Complete,
    /// The server truncated it; the reason is `max_output_tokens` or `content_filter`, if the server gives one.
    #[serde(with = "Option")]
    Incomplete {
        reason: Option<String>,
    },
    /// The user stopped it.
    Stopped,
    /// The program or the connection ended before the answer did.
    Interrupted,
    Failed(api::ApiError),
}

impl Answer {
    /// Creates an answer that has received nothing yet.
    pub fn new(endpoint: impl Into<String>, model: impl Into<String>, started_at: Timestamp) -> Self {
        Self {
            endpoint: endpoint.into(),
            model: model.into(),
            answered_by: None,
            items: BTreeMap::new(),
            call_runs: BTreeMap::new(),
            end: AnswerEnd::Open,
            usage: None,
            usage_by_step: BTreeMap::new(),
            started_at,
            first_text_at: None,
            ended_at: None,
            params: AnswerParams::default(),
            notes: Vec::new(),
            assembly: AssemblyState::default(),
        }
    }

    /// The text of all its messages, refusals included, separated by blank lines.
    pub fn text(&self) -> String {
        let mut all = String::new();
        for parts in self.items.values().filter_map(Item::parts) {
            if !all.is_empty() && parts.iter().any(|part| !part.text().is_empty()) {
                all += "\n\n";
            }
            all.extend(parts.iter().map(ContentPart::text));
        }
        all
    }

    /// Whether a piece of its text could not be read and is missing.
    pub fn has_text_gap(&self) -> bool {
        self.assembly.has_text_gap
    }

    /// Changes whenever `text` may no longer begin with what it was before.
    pub fn text_rewrites(&self) -> u64 {
        self.assembly.text_rewrites
    }

    /// All citations of all messages, in order.
    pub fn annotations(&self) -> impl Iterator<Item = &Annotation> {
        let parts = self.items.values().filter_map(Item::parts).flatten();
        parts.flat_map(|part| match part {
            ContentPart::Text { annotations, .. } => annotations.as_slice(),
            ContentPart::Refusal(_) => &[],
        })
    }

    /// How many seconds the model has reasoned (`now` counts only while it streams); `None` without any reasoning.
    pub fn reasoning_seconds(&self, now: Timestamp) -> Option<u64> {
        let until = self.ended_at.unwrap_or(now);
        let mut seconds = None;
        for (slot, item) in &self.items {
            if !matches!(*item.kind, ItemKind::Reasoning(_)) {
                continue;
            }
            // Some servers close reasoning only after the message that follows it.
            let following = self.items.range(*slot..).nth(1).map_or(until, |(_, next)| next.opened_at);
            let end = item.closed_at.unwrap_or(until).min(following.max(item.opened_at));
            let spent = (end.as_millisecond() - item.opened_at.as_millisecond()).max(0);
            seconds = Some(seconds.unwrap_or(0) + spent);
        }
        seconds.map(|milliseconds| u64::try_from(milliseconds / 1000).unwrap_or(0))
    }

    /// Whether there is anything to show: text, reasoning, a call or a search.
    pub fn is_visible(&self) -> bool {
        self.items.values().any(|item| match &*item.kind {
            ItemKind::Message { parts, .. } => parts.iter().any(|part| !part.text().is_empty()),
            ItemKind::Reasoning(reasoning) => reasoning.texts().any(|text| !text.is_empty()),
            ItemKind::Call(_) | ItemKind::Search(_) | ItemKind::Other { .. } => true,
        })
    }

    /// Cancels every call that has not ended.
    fn cancel_calls(&mut self, at: Timestamp) {
        for run in self.call_runs.values_mut().filter(|run| !run.is_over()) {
            run.set_state(ToolCallState::Cancelled, at);
        }
    }

    /// Whether it was copied from another conversation, where it counts as paid.
    pub fn is_copy(&self) -> bool {
        self.params.copied_from.is_some()
    }

    /// Whether it has ended, for whatever reason.
    pub fn is_over(&self) -> bool {
        self.end != AnswerEnd::Open
    }
}

impl Item {
    /// Whether this is a custom (free-form) tool call, which ibid never runs.
    pub fn is_custom_call(&self) -> bool {
        let kind = self.raw.as_ref().and_then(|raw| JsonFields::parse(raw.get())?.text("type"));
        kind.is_some_and(|kind| kind == "custom_tool_call")
    }

    /// The content of a message.
    pub fn parts(&self) -> Option<&[ContentPart]> {
        match &*self.kind {
            ItemKind::Message { parts, .. } => Some(parts),
            ItemKind::Reasoning(_) | ItemKind::Call(_) | ItemKind::Search(_) | ItemKind::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
