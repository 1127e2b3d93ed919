//! How an answer ends: what its final events add, and what the end of the body means (reference: 4.6).

use super::{
    Answer, AnswerEnd, EventOutcome, Item, ItemKind, ItemSlot,
    item_slots::{ItemFamily, step_range},
};
use crate::{
    api::{
        ApiError, Event, FaultKind, OutputItem,
        event::{ResponseEnvelope, ResponseStatus},
    },
    chat::Timestamp,
};

impl Answer {
    /// Handles the end of the body. An earlier terminal event takes precedence, and a repeated failure counts once.
    pub fn finish(&mut self, at: Timestamp, result: Result<(), ApiError>) -> EventOutcome {
        if self.end != AnswerEnd::Open {
            return EventOutcome { ended: true, ..EventOutcome::default() };
        }
        let step = self.assembly.step;
        let items = || self.items.range(step_range(step)).map(|(_, item)| item);
        let all_closed = items().all(|item| item.closed_at.is_some());
        let stray = ApiError::from_stray_text(&self.assembly.stray_text);
        let end = match result {
            // The terminal event was lost, but every item that was opened is complete.
            _ if all_closed
                && items().any(|item| matches!(*item.kind, ItemKind::Message { .. } | ItemKind::Call(_))) =>
            {
                if items().any(Item::is_content) {
                    AnswerEnd::Complete
                } else {
                    AnswerEnd::Failed(empty_answer_error())
                }
            }
            Ok(()) if items().next().is_none() && self.assembly.unknown_frames > 0 => {
                AnswerEnd::Failed(no_event_error(stray))
            }
            // What the server wrote before it hung up says more than that it did.
            Ok(()) | Err(ApiError { fault: FaultKind::Cut | FaultKind::Silence, .. }) if stray.is_some() => {
                AnswerEnd::Failed(stray.unwrap_or_else(empty_answer_error))
            }
            Err(error) => AnswerEnd::Failed(error),
            Ok(()) if items().next().is_none() => AnswerEnd::Failed(ApiError::new(
                FaultKind::Cut,
                "the server closed the connection before its answer began",
            )),
            Ok(()) => AnswerEnd::Failed(ApiError::new(FaultKind::Cut, "the answer was cut off")),
        };
        self.end_with(at, end)
    }

    /// Ends the answer because the user stopped it.
    pub fn stop(&mut self, at: Timestamp) {
        self.cancel_calls(at);
        if self.end == AnswerEnd::Open {
            self.end_with(at, AnswerEnd::Stopped);
        }
    }

    /// Ends the answer because the program is exiting.
    pub fn interrupt(&mut self, at: Timestamp) {
        self.cancel_calls(at);
        if self.end == AnswerEnd::Open {
            self.end_with(at, AnswerEnd::Interrupted);
        }
    }

    /// Discards what a failed attempt left of this step, none of which was visible, before the next attempt. Returns
    /// whether it may have cost something, which is kept.
    pub fn discard_attempt(&mut self, step: u32) -> bool {
        self.enter_step(step);
        self.items.retain(|slot, _| slot.step != step);
        let is_billed = self.keep_failed_bill(step);
        self.assembly = self.assembly.for_step(step);
        self.reopen();
        is_billed
    }

    /// Continues the answer with another step, because the last response made tool calls.
    pub(in crate::chat) fn begin_step(&mut self, step: u32) {
        self.enter_step(step);
    }

    /// Ends the answer after the outputs of its last calls, because another prompt is queued.
    pub(in crate::chat) fn complete_after_calls(&mut self, at: Timestamp) {
        self.end_with(at, AnswerEnd::Complete);
    }

    /// Reopens the answer at the first event of a later step.
    pub(super) fn enter_step(&mut self, step: u32) {
        if step <= self.assembly.step {
            return;
        }
        let has_text_gap = self.assembly.has_text_gap;
        self.assembly = self.assembly.for_step(step);
        self.assembly.has_text_gap = has_text_gap;
        self.reopen();
    }

    fn reopen(&mut self) {
        self.end = AnswerEnd::Open;
        self.ended_at = None;
        self.sum_usage();
    }

    pub(super) fn on_ended(&mut self, at: Timestamp, response: &ResponseEnvelope) -> EventOutcome {
        let filled = self.absorb_final(at, response);
        let step = self.assembly.step;
        let end = match response.status {
            ResponseStatus::Completed | ResponseStatus::Running => {
                for (_, item) in self.items.range_mut(step_range(step)) {
                    item.closed_at = item.closed_at.or(Some(at));
                }
                let has_content = self.items.range(step_range(step)).any(|(_, item)| item.is_content());
                match &response.incomplete_reason {
                    _ if has_content => AnswerEnd::Complete,
                    // Too long, reported as a success (reference: 6.4).
                    Some(reason) => AnswerEnd::Incomplete { reason: Some(reason.clone()) },
                    None => AnswerEnd::Failed(empty_answer_error()),
                }
            }
            ResponseStatus::Incomplete => AnswerEnd::Incomplete { reason: response.incomplete_reason.clone() },
            ResponseStatus::Failed => {
                let unspecified =
                    || ApiError::new(FaultKind::Server, "the server reports a failure without saying which");
                AnswerEnd::Failed(response.error.clone().unwrap_or_else(unspecified))
            }
            ResponseStatus::Cancelled => AnswerEnd::Interrupted,
        };
        EventOutcome { visible: filled, ..self.end_with(at, end) }
    }

    /// Takes what a final event adds: identity, usage, and items that were never closed. Returns whether the
    /// visible content changed.
    fn absorb_final(&mut self, at: Timestamp, response: &ResponseEnvelope) -> bool {
        self.record_identity(response);
        for note in &response.notes {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
        for stage in &response.pipeline {
            if !self.params.pipeline.contains(stage) {
                self.params.pipeline.push(stage.clone());
            }
        }
        if let Some(usage) = &response.usage {
            self.current_usage().usage = Some(usage.clone());
            self.sum_usage();
        }
        self.fill_gaps(at, &response.output)
    }

    /// Fills gaps from the final list of items: first by position, then the rest in order within each family.
    fn fill_gaps(&mut self, at: Timestamp, output: &[OutputItem]) -> bool {
        let mut slots: Vec<(ItemSlot, ItemFamily)> = self
            .items
            .range(step_range(self.assembly.step))
            .map(|(slot, item)| (*slot, ItemFamily::of(&item.kind)))
            .collect();
        let mut visible = false;
        let mut unmatched = Vec::new();
        for (index, received) in output.iter().enumerate() {
            let expected = self.slot(u32::try_from(index).unwrap_or(u32::MAX));
            match slots.iter().position(|found| *found == (expected, ItemFamily::of(&received.kind))) {
                Some(found) => {
                    slots.remove(found);
                    visible |= self.fill_item(at, expected, received);
                }
                None => unmatched.push((expected, received)),
            }
        }
        for (place, received) in unmatched {
            let found = slots.iter().position(|(_, family)| *family == ItemFamily::of(&received.kind));
            let slot = match found {
                Some(found) => slots.remove(found).0,
                None if self.items.contains_key(&place) => self.slot(self.free_index()),
                None => place,
            };
            visible |= self.fill_item(at, slot, received);
        }
        visible
    }

    fn fill_item(&mut self, at: Timestamp, slot: ItemSlot, received: &OutputItem) -> bool {
        if self.items.get(&slot).is_some_and(|item| item.closed_at.is_some()) {
            return false;
        }
        self.close_item(at, slot, received).visible
    }

    pub(super) fn end_with(&mut self, at: Timestamp, end: AnswerEnd) -> EventOutcome {
        self.end = end;
        self.ended_at = Some(at);
        self.sum_usage();
        EventOutcome { changed: true, ended: true, ..EventOutcome::default() }
    }

    /// Handles an event after the end: only usage and a better description of the same failure count.
    pub(super) fn on_late_event(&mut self, at: Timestamp, event: &Event) -> EventOutcome {
        let Event::ResponseEnded(response) = event else {
            return EventOutcome { ended: true, ..EventOutcome::default() };
        };
        match &mut self.end {
            AnswerEnd::Failed(known) => {
                if let Some(better) = &response.error
                    && better.code.is_some()
                    && known.code.as_deref().is_none_or(|code| code == "server_error")
                {
                    let (retry_after, provider) = (known.retry_after, known.provider.take());
                    *known = better.clone();
                    known.retry_after = known.retry_after.or(retry_after);
                    known.provider = known.provider.take().or(provider);
                }
            }
            AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Incomplete { .. } => (),
            AnswerEnd::Stopped | AnswerEnd::Interrupted => {
                return EventOutcome { ended: true, ..EventOutcome::default() };
            }
        }
        if self.current_usage().usage.is_none() || response.usage.is_some() {
            self.absorb_final(at, response);
        }
        EventOutcome { changed: true, ended: true, ..EventOutcome::default() }
    }
}

/// The error of a stream without any event of this API.
fn no_event_error(stray: Option<ApiError>) -> ApiError {
    let message = "the server did not answer in the Responses API format";
    match stray {
        None => ApiError::new(FaultKind::Garbage, message),
        // A gateway that names its trouble.
        Some(error) if error.status.is_some() => error,
        Some(error) => ApiError::new(FaultKind::Garbage, format!("{message}: {}", error.message)),
    }
}

fn empty_answer_error() -> ApiError {
    ApiError::new(FaultKind::Empty, "the model answered without any text")
}
