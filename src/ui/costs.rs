//! The cost of the current day, in the user's time zone.

use super::Effect;
use crate::ui::cx::Cx;
use crate::{api::Usd, chat::Timestamp, store::StoreJob};

/// The cost of all answers of a day, as stored in the database.
#[derive(Debug, Clone, Default)]
pub struct DailyCost {
    cost: Option<Usd>,
    /// The start of the local day.
    day_start: Timestamp,
    /// The end of the local day.
    day_end: Timestamp,
    /// Whether an answer has been saved since the last query.
    is_stale: bool,
}

impl DailyCost {
    /// Notes that the cost has changed.
    pub fn mark_stale(&mut self) {
        self.is_stale = true;
    }

    /// Returns the job that sums the cost of the same day again.
    pub fn sum_job(&self) -> StoreJob {
        StoreJob::SumCosts { since: self.day_start }
    }

    /// Takes the cost of the day that began at `since`; ignores another day's.
    pub fn set_cost(&mut self, since: Timestamp, cost: Usd) {
        if since == self.day_start {
            self.cost = Some(cost);
        }
    }

    /// Returns the cost; `None` while it is unknown or zero.
    pub fn cost(&self, now: Timestamp) -> Option<&Usd> {
        self.cost.as_ref().filter(|cost| !cost.is_zero() && now < self.day_end)
    }
}

/// Queries the database if something was spent or a new day has begun.
pub(crate) fn refresh(cx: &mut Cx<'_>) {
    let now = cx.now;
    if !cx.chats.database.is_open() || !cx.chats.daily_cost.is_stale && now < cx.chats.daily_cost.day_end {
        return;
    }
    let here = now.to_zoned(cx.env.time_zone.clone());
    let day = |days: i64| {
        let date = here.date().saturating_add(jiff::Span::new().days(days));
        date.to_zoned(cx.env.time_zone.clone()).map_or(now, |midnight| midnight.timestamp())
    };
    let (begins, ends) = (day(0), day(1));
    let cost = cx.chats.daily_cost.cost.take().filter(|_| cx.chats.daily_cost.day_start == begins);
    cx.chats.daily_cost = DailyCost { cost, day_start: begins, day_end: ends, is_stale: false };
    cx.effects.push(Effect::RunStoreJob(StoreJob::SumCosts { since: begins }));
    // Another instance may have spent something, too.
    cx.effects.push(Effect::RunStoreJob(StoreJob::LookForChanges));
}
