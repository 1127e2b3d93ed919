//! The JSON in which items and ends lie in the database: a form of its own, which changes with
//! migrations only.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::rows::{nanos, time};
use crate::{
    api::{self, Annotation, Usage, Usd},
    chat::{
        Denial, End, Item, Kind, Run, Slot, Stage,
        answer::{Bill, Call, Part, Reasoning, Search},
        call::Whole,
    },
    tools::{Failure, Outcome, ToolId},
};

/// The items of an answer as JSON.
pub fn items(items: &BTreeMap<Slot, Item>) -> String {
    let kept: Vec<KeptItem> = items.iter().map(|(slot, item)| KeptItem::of(*slot, item)).collect();
    serde_json::to_string(&kept).expect("strings, numbers and what came as JSON")
}

pub fn read_items(json: &str) -> serde_json::Result<BTreeMap<Slot, Item>> {
    let kept: Vec<KeptItem> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(KeptItem::into_item).collect())
}

/// How an answer stands, as JSON.
pub fn end(end: &End) -> String {
    let kept = match end.clone() {
        End::Open => KeptEnd::Open,
        End::Complete => KeptEnd::Complete,
        End::Incomplete { reason } => KeptEnd::Incomplete(reason),
        End::Stopped => KeptEnd::Stopped,
        End::Interrupted => KeptEnd::Interrupted,
        End::Failed(error) => KeptEnd::Failed(error),
    };
    serde_json::to_string(&kept).expect("strings and numbers")
}

pub fn read_end(json: &str) -> serde_json::Result<End> {
    Ok(match serde_json::from_str(json)? {
        KeptEnd::Open => End::Open,
        KeptEnd::Complete => End::Complete,
        KeptEnd::Incomplete(reason) => End::Incomplete { reason },
        KeptEnd::Stopped => End::Stopped,
        KeptEnd::Interrupted => End::Interrupted,
        KeptEnd::Failed(error) => End::Failed(error),
    })
}

/// What became of the calls of an answer, as JSON.
pub fn runs(runs: &BTreeMap<Slot, Run>) -> String {
    let kept: Vec<KeptRun> = runs.iter().map(|(slot, run)| KeptRun::of(*slot, run)).collect();
    serde_json::to_string(&kept).expect("strings, numbers and what came as JSON")
}

pub fn read_runs(json: &str) -> serde_json::Result<BTreeMap<Slot, Run>> {
    let kept: Vec<KeptRun> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(KeptRun::into_run).collect())
}

/// What each response of an answer is known by and used, as JSON.
pub fn bills(bills: &BTreeMap<u32, Bill>) -> String {
    let kept: Vec<KeptBill> = bills.iter().map(|(step, bill)| KeptBill::of(*step, bill)).collect();
    serde_json::to_string(&kept).expect("strings and numbers")
}

pub fn read_bills(json: &str) -> serde_json::Result<BTreeMap<u32, Bill>> {
    let kept: Vec<KeptBill> = serde_json::from_str(json)?;
    Ok(kept.into_iter().map(KeptBill::into_bill).collect())
}

#[derive(Serialize, Deserialize)]
struct KeptBill {
    step: u32,
    generation: Option<String>,
    usage: Option<KeptUsage>,
}

#[derive(Serialize, Deserialize)]
struct KeptUsage {
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
    /// The server's own digits.
    cost: Option<String>,
}

impl KeptBill {
    fn of(step: u32, bill: &Bill) -> Self {
        let usage = bill.usage.as_ref().map(|usage| KeptUsage {
            input: usage.input_tokens,
            cached: usage.cached_tokens,
            output: usage.output_tokens,
            reasoning: usage.reasoning_tokens,
            cost: usage.cost.as_ref().map(|cost| cost.digits().to_owned()),
        });
        Self { step, generation: bill.generation.clone(), usage }
    }

    fn into_bill(self) -> (u32, Bill) {
        let usage = self.usage.map(|usage| Usage {
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            cost: usage.cost.and_then(|digits| Usd::parse(&digits)),
        });
        (self.step, Bill { generation: self.generation, usage })
    }
}

#[derive(Serialize, Deserialize)]
struct KeptRun {
    step: u32,
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<ToolId>,
    arguments: serde_json::Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edited: bool,
    began: Option<i64>,
    ended: Option<i64>,
    stage: KeptStage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<Whole>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptStage {
    Asking,
    Queued,
    Running,
    Done(Outcome),
    Failed(Failure),
    DeniedByRule,
    Denied(Option<String>),
    Cancelled,
}

impl KeptRun {
    fn of(slot: Slot, run: &Run) -> Self {
        let stage = match run.stage.clone() {
            Stage::Asking => KeptStage::Asking,
            Stage::Queued => KeptStage::Queued,
            Stage::Running => KeptStage::Running,
            Stage::Done(outcome) => KeptStage::Done(outcome),
            Stage::Failed(failure) => KeptStage::Failed(failure),
            Stage::Denied(Denial::ByRule) => KeptStage::DeniedByRule,
            Stage::Denied(Denial::ByReader) => KeptStage::Denied(None),
            Stage::Denied(Denial::Because(why)) => KeptStage::Denied(Some(why)),
            Stage::Cancelled => KeptStage::Cancelled,
        };
        Self {
            step: slot.step,
            index: slot.index,
            tool: run.tool.clone(),
            arguments: run.arguments.clone(),
            edited: run.edited,
            began: run.began.map(nanos),
            ended: run.ended.map(nanos),
            stage,
            whole: run.whole,
        }
    }

    fn into_run(self) -> (Slot, Run) {
        let stage = match self.stage {
            KeptStage::Asking => Stage::Asking,
            KeptStage::Queued => Stage::Queued,
            KeptStage::Running => Stage::Running,
            KeptStage::Done(outcome) => Stage::Done(outcome),
            KeptStage::Failed(failure) => Stage::Failed(failure),
            KeptStage::DeniedByRule => Stage::Denied(Denial::ByRule),
            KeptStage::Denied(None) => Stage::Denied(Denial::ByReader),
            KeptStage::Denied(Some(why)) => Stage::Denied(Denial::Because(why)),
            KeptStage::Cancelled => Stage::Cancelled,
        };
        let run = Run {
            tool: self.tool,
            arguments: self.arguments,
            edited: self.edited,
            stage,
            began: self.began.map(time),
            ended: self.ended.map(time),
            progress: None,
            whole: self.whole,
        };
        (Slot { step: self.step, index: self.index }, run)
    }
}

#[derive(Serialize, Deserialize)]
struct KeptItem {
    step: u32,
    index: u32,
    opened: i64,
    closed: Option<i64>,
    /// Byte for byte what the server sent.
    raw: Option<Arc<RawValue>>,
    /// Where that says less than what came of it, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<KeptKind>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptKind {
    Message { parts: Vec<KeptPart>, phase: Option<String> },
    Reasoning { summary: Vec<String>, content: Vec<String>, encrypted: bool },
    Call { call_id: String, name: String, arguments: String },
    Search { kind: String, status: String, query: Option<String>, urls: Vec<String> },
    Other { kind: String, status: Option<String> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptPart {
    Text {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        annotations: Vec<KeptAnnotation>,
    },
    Refusal(String),
}

#[derive(Serialize, Deserialize)]
struct KeptAnnotation {
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
enum KeptEnd {
    Open,
    Complete,
    Incomplete(Option<String>),
    Stopped,
    Interrupted,
    Failed(api::Error),
}

impl KeptItem {
    fn of(slot: Slot, item: &Item) -> Self {
        Self {
            step: slot.step,
            index: slot.index,
            opened: nanos(item.opened),
            closed: item.closed.map(nanos),
            raw: item.raw.clone(),
            kind: (told_by(item.raw.as_deref()).as_ref() != Some(&*item.kind))
                .then(|| KeptKind::of((*item.kind).clone())),
        }
    }

    fn into_item(self) -> (Slot, Item) {
        let nothing = || Kind::Other { kind: String::new(), status: None };
        let kind = self.kind.map(KeptKind::into_kind).or_else(|| told_by(self.raw.as_deref())).unwrap_or_else(nothing);
        let item = Item { raw: self.raw, opened: time(self.opened), closed: self.closed.map(time), kind: kind.into() };
        (Slot { step: self.step, index: self.index }, item)
    }
}

/// What an item is by the server's own JSON.
fn told_by(raw: Option<&RawValue>) -> Option<Kind> {
    raw.map(Kind::read)
}

impl KeptKind {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Message { parts, phase } => {
                Self::Message { parts: parts.into_iter().map(KeptPart::of).collect(), phase }
            }
            Kind::Reasoning(Reasoning { summary, content, encrypted }) => {
                Self::Reasoning { summary, content, encrypted }
            }
            Kind::Call(Call { call_id, name, arguments }) => Self::Call { call_id, name, arguments },
            Kind::Search(Search { kind, status, query, urls }) => Self::Search { kind, status, query, urls },
            Kind::Other { kind, status } => Self::Other { kind, status },
        }
    }

    fn into_kind(self) -> Kind {
        match self {
            Self::Message { parts, phase } => {
                Kind::Message { parts: parts.into_iter().map(KeptPart::into_part).collect(), phase }
            }
            Self::Reasoning { summary, content, encrypted } => {
                Kind::Reasoning(Reasoning { summary, content, encrypted })
            }
            Self::Call { call_id, name, arguments } => Kind::Call(Call { call_id, name, arguments }),
            Self::Search { kind, status, query, urls } => Kind::Search(Search { kind, status, query, urls }),
            Self::Other { kind, status } => Kind::Other { kind, status },
        }
    }
}

impl KeptPart {
    fn of(part: Part) -> Self {
        match part {
            Part::Text { text, annotations } => {
                Self::Text { text, annotations: annotations.into_iter().map(KeptAnnotation::of).collect() }
            }
            Part::Refusal(text) => Self::Refusal(text),
        }
    }

    fn into_part(self) -> Part {
        match self {
            Self::Text { text, annotations } => {
                Part::Text { text, annotations: annotations.into_iter().map(KeptAnnotation::into_annotation).collect() }
            }
            Self::Refusal(text) => Part::Refusal(text),
        }
    }
}

impl KeptAnnotation {
    fn of(annotation: Annotation) -> Self {
        let Annotation { kind, url, title, content, filename, start, end } = annotation;
        Self { kind, url, title, content, filename, start, end }
    }

    fn into_annotation(self) -> Annotation {
        let Self { kind, url, title, content, filename, start, end } = self;
        Annotation { kind, url, title, content, filename, start, end }
    }
}
