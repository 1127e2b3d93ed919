//! How an answer ends: what its last events add to it, and what the end of a body means (reference: 4.6).

use super::{
    Answer, Applied, End, Item, Kind, Progress, Slot,
    slots::{Family, range},
};
use crate::{
    api::{
        Error, Event, Fault, OutputItem,
        event::{Response, Status},
    },
    chat::Timestamp,
};

impl Answer {
    /// The body has ended, or broken off. A terminal event that came before it counts, and a failure told twice is one.
    pub fn finish(&mut self, at: Timestamp, result: Result<(), Error>) -> Applied {
        if self.end != End::Open {
            return Applied { over: true, ..Applied::default() };
        }
        let step = self.progress.step;
        let items = || self.items.range(range(step)).map(|(_, item)| item);
        let all_closed = items().all(|item| item.closed.is_some());
        let end = match result {
            // The terminal event was lost, but everything that was begun is there.
            _ if all_closed && items().any(|item| matches!(*item.kind, Kind::Message { .. } | Kind::Call(_))) => {
                if items().any(Item::is_content) {
                    End::Complete
                } else {
                    End::Failed(empty())
                }
            }
            Err(error) => End::Failed(error),
            Ok(()) if items().next().is_none() && self.progress.strange > 0 => {
                End::Failed(Error::new(Fault::Garbage, "what the server sent is not an answer of this API"))
            }
            Ok(()) if items().next().is_none() => {
                End::Failed(Error::new(Fault::Cut, "the server broke off before its answer began"))
            }
            Ok(()) => End::Failed(Error::new(Fault::Cut, "the answer broke off")),
        };
        self.end(at, end)
    }

    /// The reader stopped it.
    pub fn stop(&mut self, at: Timestamp) {
        self.cancel_runs(at);
        if self.end == End::Open {
            self.end(at, End::Stopped);
        }
    }

    /// The program ended before it did.
    pub fn interrupt(&mut self, at: Timestamp) {
        self.cancel_runs(at);
        if self.end == End::Open {
            self.end(at, End::Interrupted);
        }
    }

    /// Forgets what an attempt left of this step, nothing of which was visible, for the next attempt.
    pub fn retry(&mut self, step: u32) {
        self.enter(step);
        self.items.retain(|slot, _| slot.step != step);
        self.bills.remove(&step);
        self.progress = Progress::of_step(step);
        self.reopen();
    }

    /// A response asked for tools: the answer goes on with another step.
    pub(in crate::chat) fn go_on(&mut self, step: u32) {
        self.enter(step);
    }

    /// It ends with the outputs of its last calls, for the reader has something to say.
    pub(in crate::chat) fn hand_over(&mut self, at: Timestamp) {
        self.end(at, End::Complete);
    }

    /// The first event of a further step opens the answer again.
    pub(super) fn enter(&mut self, step: u32) {
        if step <= self.progress.step {
            return;
        }
        self.progress = Progress::of_step(step);
        self.reopen();
    }

    fn reopen(&mut self) {
        self.end = End::Open;
        self.ended = None;
        self.add_up();
    }

    pub(super) fn on_ended(&mut self, at: Timestamp, response: &Response) -> Applied {
        let filled = self.account(at, response);
        let step = self.progress.step;
        let end = match response.status {
            Status::Completed | Status::Running => {
                for (_, item) in self.items.range_mut(range(step)) {
                    item.closed = item.closed.or(Some(at));
                }
                let says_something = self.items.range(range(step)).any(|(_, item)| item.is_content());
                match &response.reason {
                    _ if says_something => End::Complete,
                    // Too long, told as a success (reference: 6.4).
                    Some(reason) => End::Incomplete { reason: Some(reason.clone()) },
                    None => End::Failed(empty()),
                }
            }
            Status::Incomplete => End::Incomplete { reason: response.reason.clone() },
            Status::Failed => {
                let unsaid = || Error::new(Fault::Server, "the server reports a failure without saying which");
                End::Failed(response.error.clone().unwrap_or_else(unsaid))
            }
            Status::Cancelled => End::Interrupted,
        };
        Applied { visible: filled, ..self.end(at, end) }
    }

    /// Takes from a final event what it adds: names, usage, items that never were closed. Whether that shows.
    fn account(&mut self, at: Timestamp, response: &Response) -> bool {
        self.name(response);
        if let Some(usage) = &response.usage {
            self.bill().usage = Some(usage.clone());
            self.add_up();
        }
        self.fill(at, &response.output)
    }

    /// The final list fills the gaps: first by position, then in the order of what is left of each family.
    fn fill(&mut self, at: Timestamp, output: &[OutputItem]) -> bool {
        let mut slots: Vec<(Slot, Family)> =
            self.items.range(range(self.progress.step)).map(|(slot, item)| (*slot, Family::of(&item.kind))).collect();
        let mut visible = false;
        let mut left = Vec::new();
        for (index, told) in output.iter().enumerate() {
            let place = self.slot(u32::try_from(index).unwrap_or(u32::MAX));
            match slots.iter().position(|found| *found == (place, Family::of(&told.kind))) {
                Some(found) => {
                    slots.remove(found);
                    visible |= self.fill_one(at, place, told);
                }
                None => left.push((place, told)),
            }
        }
        for (place, told) in left {
            let found = slots.iter().position(|(_, family)| *family == Family::of(&told.kind));
            let slot = match found {
                Some(found) => slots.remove(found).0,
                None if self.items.contains_key(&place) => self.slot(self.free_index()),
                None => place,
            };
            visible |= self.fill_one(at, slot, told);
        }
        visible
    }

    fn fill_one(&mut self, at: Timestamp, slot: Slot, told: &OutputItem) -> bool {
        if self.items.get(&slot).is_some_and(|item| item.closed.is_some()) {
            return false;
        }
        self.close(at, slot, told).visible
    }

    pub(super) fn end(&mut self, at: Timestamp, end: End) -> Applied {
        self.end = end;
        self.ended = Some(at);
        self.add_up();
        Applied { changed: true, over: true, ..Applied::default() }
    }

    /// Behind the end only what completes the account counts: usage, and better words for the same failure.
    pub(super) fn afterwards(&mut self, at: Timestamp, event: &Event) -> Applied {
        let Event::Ended(response) = event else { return Applied { over: true, ..Applied::default() } };
        match &mut self.end {
            End::Failed(told) => {
                if let Some(better) = &response.error
                    && better.code.is_some()
                    && told.code.as_deref().is_none_or(|code| code == "server_error")
                {
                    let (retry_after, provider) = (told.retry_after, told.provider.take());
                    *told = better.clone();
                    told.retry_after = told.retry_after.or(retry_after);
                    told.provider = told.provider.take().or(provider);
                }
            }
            End::Open | End::Complete | End::Incomplete { .. } => (),
            End::Stopped | End::Interrupted => return Applied { over: true, ..Applied::default() },
        }
        if self.bill().usage.is_none() || response.usage.is_some() {
            self.account(at, response);
        }
        Applied { changed: true, over: true, ..Applied::default() }
    }
}

fn empty() -> Error {
    Error::new(Fault::Empty, "the model answered without a word")
}
