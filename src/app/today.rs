//! What was spent today, where the reader is.

use super::{Effect, State, state::Database};
use crate::{api::Usd, chat::Timestamp, store::Job};

/// The cost of all answers of a day, as the disk has it.
#[derive(Debug, Default)]
pub struct Today {
    cost: Option<Usd>,
    /// The local day that it is the cost of.
    begins: Timestamp,
    ends: Timestamp,
    /// An answer has ended since the disk was asked.
    stale: bool,
}

impl Today {
    /// Something was spent, or became known.
    pub fn changed(&mut self) {
        self.stale = true;
    }

    pub fn told(&mut self, since: Timestamp, cost: Usd) {
        if since == self.begins {
            self.cost = Some(cost);
        }
    }

    /// Nothing while it is not known, or nothing was spent.
    pub fn cost(&self, now: Timestamp) -> Option<&Usd> {
        self.cost.as_ref().filter(|cost| !cost.is_zero() && now < self.ends)
    }
}

/// Asks the disk when something was spent, or another day has begun.
pub(super) fn keep(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if state.database != Database::Ready || !state.today.stale && now < state.today.ends {
        return;
    }
    let here = now.to_zoned(state.time_zone.clone());
    let day = |days: i64| {
        let date = here.date().saturating_add(jiff::Span::new().days(days));
        date.to_zoned(state.time_zone.clone()).map_or(now, |midnight| midnight.timestamp())
    };
    let (begins, ends) = (day(0), day(1));
    let cost = state.today.cost.take().filter(|_| state.today.begins == begins);
    state.today = Today { cost, begins, ends, stale: false };
    fx.push(Effect::Store(Job::Spent { since: begins }));
}
