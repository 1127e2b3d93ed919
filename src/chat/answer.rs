//! One answer: its items assembled from events, how it ended, what it cost.

mod assemble;
mod bill;
mod ends;
mod item;
mod slots;
mod written;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use assemble::{Activity, Applied};
pub use bill::Bill;
pub use slots::Progress;

use super::{Effort, Run, Stage, Timestamp};
pub use crate::api::item::{Call, Kind, Part, Reasoning, Search};
use crate::api::{self, Annotation, Usage, json::Fields};

/// What a model said in a turn, step by step (a turn with tool calls has several responses).
#[derive(Debug, Clone)]
pub struct Answer {
    /// The name of the endpoint that was asked.
    pub endpoint: String,
    /// The slug that was asked.
    pub model: String,
    /// The slug that answered, where the server told.
    pub answered_by: Option<String>,
    /// In the order of their slots.
    pub items: BTreeMap<Slot, Item>,
    /// What became of the calls among them that we were asked to carry out.
    pub runs: BTreeMap<Slot, Run>,
    pub end: End,
    /// Of all steps together, always as `bills` has it.
    pub usage: Option<Usage>,
    /// One for each step.
    pub bills: BTreeMap<u32, Bill>,
    pub started: Timestamp,
    /// When the first visible text came.
    pub first_text: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// How it was asked for and came about.
    pub course: Course,
    /// What the reader must know of how it came about, one muted line each.
    pub notes: Vec<String>,
    /// What matters only while it streams; never stored.
    pub progress: Progress,
}

/// How an answer was asked for and came about, as far as it is not told elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    pub effort: Option<Effort>,
    pub web: bool,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_output_tokens: Option<u32>,
    /// Requests that were sent, the last one included.
    pub attempts: u32,
    /// When the headers of the answer came.
    pub first_byte: Option<Timestamp>,
    /// Who ran the model, where the server told.
    pub provider: Option<String>,
}

/// Where an item stands: the response of the turn, and its `output_index` in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    pub step: u32,
    pub index: u32,
}

/// One thing said, reasoned, searched or called.
#[derive(Debug, Clone)]
pub struct Item {
    /// As the server sent it, once it is complete: this is what is replayed.
    pub raw: Option<Arc<RawValue>>,
    /// When it was opened and closed by the server.
    pub opened: Timestamp,
    pub closed: Option<Timestamp>,
    /// Shared with those who write it down; what grows belongs to the answer alone.
    pub kind: Arc<Kind>,
}

/// How an answer stands.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It is still being written.
    Open,
    Complete,
    /// Truncated by the server; `max_output_tokens` or `content_filter`, if it says.
    Incomplete {
        reason: Option<String>,
    },
    /// The reader stopped it.
    Stopped,
    /// The program or the network ended before the answer did.
    Interrupted,
    Failed(api::Error),
}

impl Answer {
    /// An answer of which nothing has come yet.
    pub fn new(endpoint: impl Into<String>, model: impl Into<String>, started: Timestamp) -> Self {
        Self {
            endpoint: endpoint.into(),
            model: model.into(),
            answered_by: None,
            items: BTreeMap::new(),
            runs: BTreeMap::new(),
            end: End::Open,
            usage: None,
            bills: BTreeMap::new(),
            started,
            first_text: None,
            ended: None,
            course: Course::default(),
            notes: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// All that was said, refusals included, message by message.
    pub fn text(&self) -> String {
        let mut all = String::new();
        for parts in self.items.values().filter_map(Item::parts) {
            if !all.is_empty() && parts.iter().any(|part| !part.text().is_empty()) {
                all += "\n\n";
            }
            all.extend(parts.iter().map(Part::text));
        }
        all
    }

    /// All citations of all messages, in the order in which they stand there.
    pub fn annotations(&self) -> impl Iterator<Item = &Annotation> {
        let parts = self.items.values().filter_map(Item::parts).flatten();
        parts.flat_map(|part| match part {
            Part::Text { annotations, .. } => annotations.as_slice(),
            Part::Refusal(_) => &[],
        })
    }

    /// How long it thought, as far as it has (`now` counts only while it streams); `None` without any reasoning.
    pub fn reasoning_seconds(&self, now: Timestamp) -> Option<u64> {
        let until = self.ended.unwrap_or(now);
        let mut seconds = None;
        for (slot, item) in &self.items {
            if !matches!(*item.kind, Kind::Reasoning(_)) {
                continue;
            }
            // Some servers close it only behind the message that followed.
            let next = self.items.range(*slot..).nth(1).map_or(until, |(_, next)| next.opened);
            let end = item.closed.unwrap_or(until).min(next.max(item.opened));
            let spent = (end.as_millisecond() - item.opened.as_millisecond()).max(0);
            seconds = Some(seconds.unwrap_or(0) + spent);
        }
        seconds.map(|milliseconds| u64::try_from(milliseconds / 1000).unwrap_or(0))
    }

    /// Whether there is anything to see: a text, thinking, a call, a search.
    pub fn is_visible(&self) -> bool {
        self.items.values().any(|item| match &*item.kind {
            Kind::Message { parts, .. } => parts.iter().any(|part| !part.text().is_empty()),
            Kind::Reasoning(reasoning) => reasoning.texts().any(|text| !text.is_empty()),
            Kind::Call(_) | Kind::Search(_) | Kind::Other { .. } => true,
        })
    }

    /// Every call that is not over is not waited for any more.
    fn cancel_runs(&mut self, at: Timestamp) {
        for run in self.runs.values_mut().filter(|run| !run.is_over()) {
            run.enter(Stage::Cancelled, at);
        }
    }

    /// Whether it is over, however it ended.
    pub fn is_over(&self) -> bool {
        self.end != End::Open
    }
}

impl Item {
    /// A call in free form, which is none of ours.
    pub fn is_custom(&self) -> bool {
        let kind = self.raw.as_ref().and_then(|raw| Fields::of(raw.get())?.text("type"));
        kind.is_some_and(|kind| kind == "custom_tool_call")
    }

    /// The content of a message.
    pub fn parts(&self) -> Option<&[Part]> {
        match &*self.kind {
            Kind::Message { parts, .. } => Some(parts),
            Kind::Reasoning(_) | Kind::Call(_) | Kind::Search(_) | Kind::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
