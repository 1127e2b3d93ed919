//! What an answer used and cost, response by response: each step of a turn is billed under its own id.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::api::{Usage, Usd};

/// The usage of one response of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepUsage {
    /// The server's id for the response (`gen-…`).
    #[serde(rename = "generation")]
    pub generation_id: Option<String>,
    /// `None` until the server has reported it.
    pub usage: Option<Usage>,
}

/// The first key of failed attempts in `Answer::usage_by_step`, behind those of all steps.
const FAILED_ATTEMPTS: u32 = 1 << 31;

impl StepUsage {
    fn cost(&self) -> Option<&Usd> {
        self.usage.as_ref()?.cost.as_ref()
    }
}

impl Answer {
    /// The server's ids for the responses, in order.
    pub fn generation_ids(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.usage_by_step.values().filter_map(|bill| bill.generation_id.as_deref())
    }

    /// The ids of the responses whose price is unknown.
    pub fn unpriced_ids(&self) -> impl Iterator<Item = &str> {
        let bills = self.usage_by_step.values().filter(|bill| bill.cost().is_none());
        bills.filter_map(|bill| bill.generation_id.as_deref())
    }

    /// The known cost, and whether it covers all responses. A copy costs nothing.
    pub fn cost(&self) -> (Usd, bool) {
        if self.is_copy() {
            return (Usd::default(), true);
        }
        let is_all = !self.usage_by_step.is_empty() && self.usage_by_step.values().all(|bill| bill.cost().is_some());
        let costs = self.usage_by_step.values().filter_map(StepUsage::cost).cloned();
        // A single cost retains the server's digits exactly.
        let known = costs.reduce(|sum, cost| sum.checked_add(&cost).unwrap_or(sum));
        (known.unwrap_or_default(), is_all)
    }

    /// Moves the bill of a failed attempt behind those of the steps, so that what it cost stays in every sum. Returns
    /// whether there was one.
    pub(super) fn keep_failed_bill(&mut self, step: u32) -> bool {
        let Some(bill) = self.usage_by_step.remove(&step) else { return false };
        // Only OpenRouter bills by the id; another server's id says nothing about a price.
        let is_generation = bill.generation_id.as_ref().is_some_and(|id| id.starts_with("gen-"));
        let is_kept = bill.usage.is_some() || is_generation;
        if is_kept {
            let last = self.usage_by_step.keys().next_back().filter(|key| **key >= FAILED_ATTEMPTS);
            let key = last.map_or(FAILED_ATTEMPTS, |last| last.saturating_add(1));
            self.usage_by_step.insert(key, bill);
        }
        is_kept
    }

    /// Whether an attempt that failed may have been billed.
    pub(in crate::chat) fn has_failed_bill(&self) -> bool {
        self.usage_by_step.range(FAILED_ATTEMPTS..).next().is_some()
    }

    /// Forgets a failed attempt that the server knows no price of: it was not billed. Returns whether it was one.
    pub(in crate::chat) fn drop_failed_bill(&mut self, generation: &str) -> bool {
        let is_this = |bill: &StepUsage| bill.generation_id.as_deref() == Some(generation) && bill.usage.is_none();
        let key = self.usage_by_step.range(FAILED_ATTEMPTS..).find(|(_, bill)| is_this(bill)).map(|(key, _)| *key);
        let was_failed = key.is_some_and(|key| self.usage_by_step.remove(&key).is_some());
        self.sum_usage();
        was_failed
    }

    /// Records the id of a response that has begun, replacing that of an earlier attempt.
    pub(in crate::chat) fn set_generation(&mut self, step: u32, generation: Option<String>) {
        self.usage_by_step.entry(step).or_default().generation_id = generation;
    }

    /// Records the usage of a response as the server reported it on request.
    pub(in crate::chat) fn set_usage(&mut self, generation: &str, usage: Usage) {
        let mut bills = self.usage_by_step.values_mut();
        if let Some(bill) = bills.find(|bill| bill.generation_id.as_deref() == Some(generation)) {
            bill.usage = Some(usage);
        }
        self.sum_usage();
    }

    /// The usage of the current step.
    pub(super) fn current_usage(&mut self) -> &mut StepUsage {
        self.usage_by_step.entry(self.assembly.step).or_default()
    }

    /// Recomputes the total usage. Once the answer has ended, one step of unknown usage makes the total unknown.
    pub(crate) fn sum_usage(&mut self) {
        let known = self.usage_by_step.values().filter_map(|bill| bill.usage.as_ref());
        let sum = known.cloned().reduce(|sum, usage| sum.plus(&usage));
        // A failed attempt of unknown usage hides nothing of the answer's.
        let is_all = self.usage_by_step.range(..FAILED_ATTEMPTS).all(|(_, bill)| bill.usage.is_some());
        self.usage = sum.filter(|_| is_all || !self.is_over());
    }
}
