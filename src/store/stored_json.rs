//! The JSON form in which items, calls and endings are stored. It is independent of the types in
//! memory and changes only with a migration.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::queries::{from_nanos, to_nanos};
use crate::{
    api::{self, Annotation, Usage, Usd},
    chat::{
        AnswerEnd, Item, ItemKind, ItemSlot, ToolCallRun, ToolCallState,
        answer::{ContentPart, FunctionCall, ReasoningItem, SearchCall, StepUsage},
        tool_call::ResultSize,
    },
    tools::{ToolFailure, ToolId, ToolOutcome},
};

/// Returns the items of an answer as JSON.
pub fn items_to_json(items: &BTreeMap<ItemSlot, Item>) -> String {
    let kept: Vec<StoredItem> = items.iter().map(|(slot, item)| StoredItem::from_item(*slot, item)).collect();
    serde_json::to_string(&kept).expect("strings, numbers and raw JSON serialize")
}

pub fn items_from_json(json: &str) -> serde_json::Result<BTreeMap<ItemSlot, Item>> {
    let kept: Vec<StoredItem> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(StoredItem::into_item).collect())
}

/// Returns how an answer ended, or that it is still open, as JSON.
pub fn end_to_json(end: &AnswerEnd) -> String {
    let stored = match end.clone() {
        AnswerEnd::Open => StoredEnd::Open,
        AnswerEnd::Complete => StoredEnd::Complete,
        AnswerEnd::Incomplete { reason } => StoredEnd::Incomplete(reason),
        AnswerEnd::Stopped => StoredEnd::Stopped,
        AnswerEnd::Interrupted => StoredEnd::Interrupted,
        AnswerEnd::Failed(error) => StoredEnd::Failed(error),
    };
    serde_json::to_string(&stored).expect("strings and numbers serialize")
}

pub fn end_from_json(json: &str) -> serde_json::Result<AnswerEnd> {
    Ok(match serde_json::from_str(json)? {
        StoredEnd::Open => AnswerEnd::Open,
        StoredEnd::Complete => AnswerEnd::Complete,
        StoredEnd::Incomplete(reason) => AnswerEnd::Incomplete { reason },
        StoredEnd::Stopped => AnswerEnd::Stopped,
        StoredEnd::Interrupted => AnswerEnd::Interrupted,
        StoredEnd::Failed(error) => AnswerEnd::Failed(error),
    })
}

/// Returns the calls of an answer and their results as JSON.
pub fn runs_to_json(runs: &BTreeMap<ItemSlot, ToolCallRun>) -> String {
    let kept: Vec<StoredCallRun> = runs.iter().map(|(slot, run)| StoredCallRun::from_run(*slot, run)).collect();
    serde_json::to_string(&kept).expect("strings, numbers and raw JSON serialize")
}

pub fn runs_from_json(json: &str) -> serde_json::Result<BTreeMap<ItemSlot, ToolCallRun>> {
    let kept: Vec<StoredCallRun> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(StoredCallRun::into_run).collect())
}

/// Returns the generation id and usage of each response of an answer as JSON.
pub fn step_usage_to_json(bills: &BTreeMap<u32, StepUsage>) -> String {
    let kept: Vec<StoredStepUsage> =
        bills.iter().map(|(step, bill)| StoredStepUsage::from_step_usage(*step, bill)).collect();
    serde_json::to_string(&kept).expect("strings and numbers serialize")
}

pub fn step_usage_from_json(json: &str) -> serde_json::Result<BTreeMap<u32, StepUsage>> {
    let kept: Vec<StoredStepUsage> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(StoredStepUsage::into_step_usage).collect())
}

#[derive(Serialize, Deserialize)]
struct StoredStepUsage {
    step: u32,
    generation: Option<String>,
    usage: Option<StoredUsage>,
}

#[derive(Serialize, Deserialize)]
struct StoredUsage {
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
    /// The digits exactly as the server sent them.
    cost: Option<String>,
}

impl StoredStepUsage {
    fn from_step_usage(step: u32, bill: &StepUsage) -> Self {
        let usage = bill.usage.as_ref().map(|usage| StoredUsage {
            input: usage.input_tokens,
            cached: usage.cached_tokens,
            output: usage.output_tokens,
            reasoning: usage.reasoning_tokens,
            cost: usage.cost.as_ref().map(|cost| cost.digits().to_owned()),
        });
        Self { step, generation: bill.generation_id.clone(), usage }
    }

    fn into_step_usage(self) -> (u32, StepUsage) {
        let usage = self.usage.map(|usage| Usage {
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            cost: usage.cost.and_then(|digits| Usd::parse(&digits)),
        });
        (self.step, StepUsage { generation_id: self.generation, usage })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredCallRun {
    step: u32,
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<ToolId>,
    arguments: serde_json::Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edited: bool,
    began: Option<i64>,
    ended: Option<i64>,
    stage: StoredCallState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<ResultSize>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCallState {
    Asking,
    Queued,
    Running,
    Done(ToolOutcome),
    Failed(ToolFailure),
    DeniedByRule,
    Denied(Option<String>),
    Cancelled,
}

impl StoredCallRun {
    fn from_run(slot: ItemSlot, run: &ToolCallRun) -> Self {
        let stage = match run.state.clone() {
            ToolCallState::Asking => StoredCallState::Asking,
            ToolCallState::Queued => StoredCallState::Queued,
            ToolCallState::Running => StoredCallState::Running,
            ToolCallState::Done(outcome) => StoredCallState::Done(outcome),
            ToolCallState::Failed(failure) => StoredCallState::Failed(failure),
            ToolCallState::DeniedByRule => StoredCallState::DeniedByRule,
            ToolCallState::Denied { reason } => StoredCallState::Denied(reason),
            ToolCallState::Cancelled => StoredCallState::Cancelled,
        };
        Self {
            step: slot.step,
            index: slot.index,
            tool: run.tool.clone(),
            arguments: run.arguments.clone(),
            edited: run.edited,
            began: run.started_at.map(to_nanos),
            ended: run.ended_at.map(to_nanos),
            stage,
            whole: run.full_size,
        }
    }

    fn into_run(self) -> (ItemSlot, ToolCallRun) {
        let stage = match self.stage {
            StoredCallState::Asking => ToolCallState::Asking,
            StoredCallState::Queued => ToolCallState::Queued,
            StoredCallState::Running => ToolCallState::Running,
            StoredCallState::Done(outcome) => ToolCallState::Done(outcome),
            StoredCallState::Failed(failure) => ToolCallState::Failed(failure),
            StoredCallState::DeniedByRule => ToolCallState::DeniedByRule,
            StoredCallState::Denied(reason) => ToolCallState::Denied { reason },
            StoredCallState::Cancelled => ToolCallState::Cancelled,
        };
        let run = ToolCallRun {
            tool: self.tool,
            arguments: self.arguments,
            edited: self.edited,
            state: stage,
            started_at: self.began.map(from_nanos),
            ended_at: self.ended.map(from_nanos),
            progress: None,
            full_size: self.whole,
        };
        (ItemSlot { step: self.step, index: self.index }, run)
    }
}

#[derive(Serialize, Deserialize)]
struct StoredItem {
    step: u32,
    index: u32,
    opened: i64,
    closed: Option<i64>,
    /// Byte for byte what the server sent.
    raw: Option<Arc<RawValue>>,
    /// Only stored if it cannot be derived from `raw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<StoredItemKind>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredItemKind {
    Message { parts: Vec<StoredPart>, phase: Option<String> },
    Reasoning { summary: Vec<String>, content: Vec<String>, encrypted: bool },
    Call { call_id: String, name: String, arguments: String },
    Search { kind: String, status: String, query: Option<String>, urls: Vec<String> },
    Other { kind: String, status: Option<String> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredPart {
    Text {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        annotations: Vec<StoredAnnotation>,
    },
    Refusal(String),
}

#[derive(Serialize, Deserialize)]
struct StoredAnnotation {
    kind: String,
    url: Option<String>,
    title: Option<String>,
    content: Option<String>,
    filename: Option<String>,
    start: Option<u64>,
    end: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredEnd {
    Open,
    Complete,
    Incomplete(Option<String>),
    Stopped,
    Interrupted,
    Failed(api::ApiError),
}

impl StoredItem {
    fn from_item(slot: ItemSlot, item: &Item) -> Self {
        Self {
            step: slot.step,
            index: slot.index,
            opened: to_nanos(item.opened_at),
            closed: item.closed_at.map(to_nanos),
            raw: item.raw.clone(),
            kind: (kind_from_raw(item.raw.as_deref()).as_ref() != Some(&*item.kind))
                .then(|| StoredItemKind::from_kind((*item.kind).clone())),
        }
    }

    fn into_item(self) -> (ItemSlot, Item) {
        let unknown = || ItemKind::Other { kind: String::new(), status: None };
        let kind = self
            .kind
            .map(StoredItemKind::into_kind)
            .or_else(|| kind_from_raw(self.raw.as_deref()))
            .unwrap_or_else(unknown);
        let item = Item {
            raw: self.raw,
            opened_at: from_nanos(self.opened),
            closed_at: self.closed.map(from_nanos),
            kind: kind.into(),
        };
        (ItemSlot { step: self.step, index: self.index }, item)
    }
}

/// Reads the kind of an item from the server's own JSON.
fn kind_from_raw(raw: Option<&RawValue>) -> Option<ItemKind> {
    raw.map(ItemKind::from_raw)
}

impl StoredItemKind {
    fn from_kind(kind: ItemKind) -> Self {
        match kind {
            ItemKind::Message { parts, phase } => {
                Self::Message { parts: parts.into_iter().map(StoredPart::from_part).collect(), phase }
            }
            ItemKind::Reasoning(ReasoningItem { summary, content, has_encrypted: encrypted }) => {
                Self::Reasoning { summary, content, encrypted }
            }
            ItemKind::Call(FunctionCall { call_id, name, arguments }) => Self::Call { call_id, name, arguments },
            ItemKind::Search(SearchCall { kind, status, query, urls }) => Self::Search { kind, status, query, urls },
            ItemKind::Other { kind, status } => Self::Other { kind, status },
        }
    }

    fn into_kind(self) -> ItemKind {
        match self {
            Self::Message { parts, phase } => {
                ItemKind::Message { parts: parts.into_iter().map(StoredPart::into_part).collect(), phase }
            }
            Self::Reasoning { summary, content, encrypted } => {
                ItemKind::Reasoning(ReasoningItem { summary, content, has_encrypted: encrypted })
            }
            Self::Call { call_id, name, arguments } => ItemKind::Call(FunctionCall { call_id, name, arguments }),
            Self::Search { kind, status, query, urls } => ItemKind::Search(SearchCall { kind, status, query, urls }),
            Self::Other { kind, status } => ItemKind::Other { kind, status },
        }
    }
}

impl StoredPart {
    fn from_part(part: ContentPart) -> Self {
        match part {
            ContentPart::Text { text, annotations } => Self::Text {
                text,
                annotations: annotations.into_iter().map(StoredAnnotation::from_annotation).collect(),
            },
            ContentPart::Refusal(text) => Self::Refusal(text),
        }
    }

    fn into_part(self) -> ContentPart {
        match self {
            Self::Text { text, annotations } => ContentPart::Text {
                text,
                annotations: annotations.into_iter().map(StoredAnnotation::into_annotation).collect(),
            },
            Self::Refusal(text) => ContentPart::Refusal(text),
        }
    }
}

impl StoredAnnotation {
    fn from_annotation(annotation: Annotation) -> Self {
        let Annotation { kind, url, title, content, filename, start, end } = annotation;
        Self { kind, url, title, content, filename, start, end }
    }

    fn into_annotation(self) -> Annotation {
        let Self { kind, url, title, content, filename, start, end } = self;
        Annotation { kind, url, title, content, filename, start, end }
    }
}
