//! An answer in ibid's own JSON form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    api::{Usage, Usd},
    chat::{
        Answer, AnswerEnd, Item, ItemKind, ItemSlot, MessageId, SideCost, StoredCheck, Timestamp, ToolCallRun,
        ToolCallState, WholeConversation,
        answer::{AnswerParams, AssemblyState, ContentPart, StepUsage},
        tool_call::ResultSize,
    },
    tools::{ToolId, ToolOutcome},
};

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableAnswer {
    pub endpoint: String,
    pub model: String,
    /// The model that answered, if the server reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    pub end: AnswerEnd,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_text_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(default)]
    pub params: AnswerParams,
    /// The cost of all its responses that reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// What each of its responses used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<PortableUsage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(default)]
    pub items: Vec<PortableItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<PortableCall>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub full_results: Vec<PortableFullResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<PortableCheck>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side_costs: Vec<PortableSideCost>,
}

/// What one response of an answer used, and what it is known by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableUsage {
    pub step: u32,
    /// The server's id for the response.
    pub generation: Option<String>,
    pub usage: Option<Usage>,
}

/// An item of an answer: a message, reasoning, a search or a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableItem {
    pub step: u32,
    pub index: u32,
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The item as the server sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Arc<RawValue>>,
    /// What it is, unless `raw` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Arc<ItemKind>>,
}

/// A call that ibid ran, or was asked to run, for the item at the same place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableCall {
    pub step: u32,
    pub index: u32,
    pub tool: Option<ToolId>,
    pub arguments: serde_json::Value,
    /// The user changed the arguments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub state: ToolCallState,
    /// The size of the full result, if `state` has a shortened one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_size: Option<ResultSize>,
}

/// The full result of a call whose state has a shortened one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableFullResult {
    pub step: u32,
    pub index: u32,
    pub result: ToolOutcome,
}

/// What the check of a cited page found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableCheck {
    pub source: String,
    pub checked_at: Timestamp,
    /// SHA-256 of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_hash: Option<String>,
    /// What was found, as JSON in a text.
    pub result: String,
}

/// What was paid for an answer besides the answer itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableSideCost {
    pub at: Timestamp,
    pub cost: Usd,
}

impl PortableAnswer {
    pub(super) fn new(id: MessageId, answer: &Answer, whole: &WholeConversation) -> Self {
        let slots = ItemSlot { step: 0, index: 0 }..=ItemSlot { step: u32::MAX, index: u32::MAX };
        let results = whole.full_results.range((id, *slots.start())..=(id, *slots.end()));
        let is_priced = |bill: &StepUsage| bill.usage.as_ref().is_some_and(|usage| usage.cost.is_some());
        Self {
            endpoint: answer.endpoint.clone(),
            model: answer.model.clone(),
            answered_by: answer.answered_by.clone(),
            end: answer.end.clone(),
            started_at: answer.started_at,
            first_text_at: answer.first_text_at,
            ended_at: answer.ended_at,
            params: answer.params.clone(),
            cost: answer.usage_by_step.values().any(is_priced).then(|| answer.cost().0),
            usage: answer.usage_by_step.iter().map(|(step, usage)| PortableUsage::new(*step, usage)).collect(),
            notes: answer.notes.clone(),
            items: answer.items.iter().map(|(slot, item)| PortableItem::new(*slot, item)).collect(),
            calls: answer.call_runs.iter().map(|(slot, run)| PortableCall::new(*slot, run)).collect(),
            full_results: results
                .map(|((_, slot), result)| PortableFullResult {
                    step: slot.step,
                    index: slot.index,
                    result: result.clone(),
                })
                .collect(),
            checks: whole.checks.iter().filter(|check| check.message == id).map(PortableCheck::new).collect(),
            side_costs: whole.side_costs.iter().filter(|paid| paid.message == id).map(PortableSideCost::new).collect(),
        }
    }

    /// The answer; what is not part of its message goes to the conversation.
    pub(super) fn into_answer(self, message: MessageId, whole: &mut WholeConversation) -> Answer {
        let results = self.full_results.into_iter();
        let slot = |result: &PortableFullResult| ItemSlot { step: result.step, index: result.index };
        whole.full_results.extend(results.map(|result| ((message, slot(&result)), result.result)));
        whole.checks.extend(self.checks.into_iter().map(|check| check.into_check(message)));
        let costs = self.side_costs.into_iter();
        whole.side_costs.extend(costs.map(|paid| SideCost { message, at: paid.at, cost: paid.cost }));
        let mut answer = Answer {
            endpoint: self.endpoint,
            model: self.model,
            answered_by: self.answered_by,
            items: self.items.into_iter().map(PortableItem::into_item).collect(),
            call_runs: self.calls.into_iter().map(PortableCall::into_run).collect(),
            end: self.end,
            usage: None,
            usage_by_step: self.usage.into_iter().map(PortableUsage::into_step).collect(),
            started_at: self.started_at,
            first_text_at: self.first_text_at,
            ended_at: self.ended_at,
            params: self.params,
            notes: self.notes,
            assembly: AssemblyState::default(),
        };
        answer.sum_usage();
        answer
    }
}

/// An answer of which only the text is known.
pub(super) fn answer_of_text(text: String, at: Timestamp) -> Answer {
    let mut answer = Answer::new("", "", at);
    let kind = ItemKind::Message { parts: vec![ContentPart::Text { text, annotations: Vec::new() }], phase: None };
    let item = Item { raw: None, opened_at: at, closed_at: Some(at), kind: kind.into() };
    answer.items.insert(ItemSlot { step: 0, index: 0 }, item);
    answer.end = AnswerEnd::Complete;
    answer.ended_at = Some(at);
    answer
}

impl PortableUsage {
    fn new(step: u32, bill: &StepUsage) -> Self {
        Self { step, generation: bill.generation_id.clone(), usage: bill.usage.clone() }
    }

    fn into_step(self) -> (u32, StepUsage) {
        (self.step, StepUsage { generation_id: self.generation, usage: self.usage })
    }
}

impl PortableItem {
    fn new(slot: ItemSlot, item: &Item) -> Self {
        let read = item.raw.as_deref().map(ItemKind::from_raw);
        Self {
            step: slot.step,
            index: slot.index,
            opened_at: item.opened_at,
            closed_at: item.closed_at,
            raw: item.raw.clone(),
            kind: (read.as_ref() != Some(&*item.kind)).then(|| item.kind.clone()),
        }
    }

    fn into_item(self) -> (ItemSlot, Item) {
        let read = || self.raw.as_deref().map(ItemKind::from_raw);
        let unknown = || ItemKind::Other { kind: String::new(), status: None };
        let kind = self.kind.clone().unwrap_or_else(|| read().unwrap_or_else(unknown).into());
        let item = Item { raw: self.raw, opened_at: self.opened_at, closed_at: self.closed_at, kind };
        (ItemSlot { step: self.step, index: self.index }, item)
    }
}

impl PortableCall {
    fn new(slot: ItemSlot, run: &ToolCallRun) -> Self {
        Self {
            step: slot.step,
            index: slot.index,
            tool: run.tool.clone(),
            arguments: run.arguments.clone(),
            edited: run.edited,
            started_at: run.started_at,
            ended_at: run.ended_at,
            state: run.state.clone(),
            full_size: run.full_size,
        }
    }

    fn into_run(self) -> (ItemSlot, ToolCallRun) {
        let run = ToolCallRun {
            tool: self.tool,
            arguments: self.arguments,
            edited: self.edited,
            started_at: self.started_at,
            ended_at: self.ended_at,
            state: self.state,
            progress: None,
            full_size: self.full_size,
        };
        (ItemSlot { step: self.step, index: self.index }, run)
    }
}

impl PortableCheck {
    fn new(check: &StoredCheck) -> Self {
        Self {
            source: check.source.clone(),
            checked_at: check.checked_at,
            page_hash: check.page_hash.clone(),
            result: check.result.clone(),
        }
    }

    fn into_check(self, message: MessageId) -> StoredCheck {
        StoredCheck {
            message,
            source: self.source,
            checked_at: self.checked_at,
            page_hash: self.page_hash,
            result: self.result,
        }
    }
}

impl PortableSideCost {
    fn new(paid: &SideCost) -> Self {
        Self { at: paid.at, cost: paid.cost.clone() }
    }
}
