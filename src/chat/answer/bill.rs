//! What an answer used and cost, response by response: each step of a turn is billed under an id of its own.

use super::Answer;
use crate::api::{Usage, Usd};

/// One response of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// The id under which the server knows it (`gen-…`).
    pub generation: Option<String>,
    /// `None` until somebody has told.
    pub usage: Option<Usage>,
}

impl Bill {
    fn cost(&self) -> Option<&Usd> {
        self.usage.as_ref()?.cost.as_ref()
    }
}

impl Answer {
    /// The ids under which the server knows the responses, in order.
    pub fn generations(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.bills.values().filter_map(|bill| bill.generation.as_deref())
    }

    /// Those of the responses whose price nobody has told.
    pub fn unpriced(&self) -> impl Iterator<Item = &str> {
        let bills = self.bills.values().filter(|bill| bill.cost().is_none());
        bills.filter_map(|bill| bill.generation.as_deref())
    }

    /// What it cost as far as that is known, and whether that is all.
    pub fn cost(&self) -> (Usd, bool) {
        let is_all = !self.bills.is_empty() && self.bills.values().all(|bill| bill.cost().is_some());
        let costs = self.bills.values().filter_map(Bill::cost).cloned();
        // One alone keeps the server's own digits.
        let known = costs.reduce(|sum, cost| sum.plus(&cost).unwrap_or(sum));
        (known.unwrap_or_default(), is_all)
    }

    /// A response has begun under this id; that of an attempt before would be another answer.
    pub(in crate::chat) fn begun_as(&mut self, step: u32, generation: Option<String>) {
        self.bills.entry(step).or_default().generation = generation;
    }

    /// The server was asked what a response used and cost.
    pub(in crate::chat) fn priced(&mut self, generation: &str, usage: Usage) {
        let mut bills = self.bills.values_mut();
        if let Some(bill) = bills.find(|bill| bill.generation.as_deref() == Some(generation)) {
            bill.usage = Some(usage);
        }
        self.add_up();
    }

    /// The bill of the present step.
    pub(super) fn bill(&mut self) -> &mut Bill {
        self.bills.entry(self.progress.step).or_default()
    }

    /// All that was used. When it is over and the use of a step is unknown, so is that of all.
    pub(crate) fn add_up(&mut self) {
        let told = self.bills.values().filter_map(|bill| bill.usage.as_ref());
        let sum = told.cloned().reduce(|sum, usage| sum.plus(&usage));
        let is_all = self.bills.values().all(|bill| bill.usage.is_some());
        self.usage = sum.filter(|_| is_all || !self.is_over());
    }
}
