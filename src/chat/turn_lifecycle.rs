//! The lifecycle of a turn: submission, saving, requests, waits and retries, until it ends.

use jiff::SignedDuration;

use super::{
    Answer, AnswerEnd, ChatEffect, ChatSettings, Conversation, ConversationChange, IdGenerator, Message, MessageBody,
    MessageId, RequestFix, StreamId, Timestamp, Turn, TurnId, TurnPhase,
    answer::{AnswerParams, EventOutcome, ServerActivity},
    conversation::save_effect,
    journal::AnswerJournal,
    provider_prefs, replay,
    request::{self, RequestContext, StartingServers},
    retry::{self, RetryDecision},
};
use crate::api::{self, ErrorFact, Event, FaultKind};

/// The parameters of a request, shown to the user with the answer.
fn answer_params(turn: &Turn) -> AnswerParams {
    let settings = &turn.settings;
    AnswerParams {
        effort: turn.context.effort(settings),
        web: settings.web,
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_output_tokens: settings.max_output_tokens,
        attempts: turn.requests_sent,
        ..AnswerParams::default()
    }
}

/// The code of an answer that ends in a call without a name.
pub(super) const NAMELESS_CALL: &str = "nameless_call";

/// How long events may be in memory only; with the time to write them, less than a second.
const CHECKPOINT_INTERVAL: SignedDuration = SignedDuration::from_millis(700);

impl Conversation {
    /// Adds a prompt and an open answer at the end of the active branch. While a turn is running there, or prompts
    /// are queued, the prompt joins the queue. An empty text sends the next queued prompt.
    pub fn submit(&mut self, ids: &mut IdGenerator, now: Timestamp, text: String) -> Vec<ChatEffect> {
        let is_running = self.active_turn().is_some();
        if text.trim().is_empty() {
            return if is_running { None } else { self.send_queued(Vec::new(), ids, now) }.into_iter().collect();
        }
        self.draft.clear();
        if !is_running && self.next_queued().is_none() {
            let draft = self.draft_change();
            return vec![self.begin_prompt(text, vec![draft], ids, now)];
        }
        let changes = vec![self.enqueue(text, ids, now), self.draft_change()];
        if is_running {
            return vec![save_effect(changes)];
        }
        self.send_queued(changes, ids, now).into_iter().collect()
    }

    /// Adds an open answer at the end of the branch and saves all that is not on disk; its request waits for the save.
    pub(super) fn begin_turn(
        &mut self,
        settings: ChatSettings,
        other_changes: Vec<ConversationChange>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> ChatEffect {
        self.begin_turn_with(settings, self.context.clone(), Vec::new(), other_changes, ids, now)
    }

    /// Begins a turn with a given context, which the notes explain.
    pub(super) fn begin_turn_with(
        &mut self,
        settings: ChatSettings,
        context: RequestContext,
        notes: Vec<String>,
        other_changes: Vec<ConversationChange>,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> ChatEffect {
        let (answer, turn) = (ids.message(now), ids.turn(now));
        let body = MessageBody::Answer(Answer { notes, ..Answer::new(&settings.endpoint, &settings.model, now) });
        self.insert(Message { id: answer, parent: self.branch.last().copied(), created_at: now, rev: 0, body });
        self.branch.push(answer);
        self.unsaved.insert(answer);
        self.updated_at = now;
        self.turns.push(Turn::new(turn, answer, settings, context, now));
        self.note_model_switch();
        self.save_turn(turn, other_changes)
    }

    /// Adds a note to the newest answer if its model cannot use the reasoning of the previous model.
    fn note_model_switch(&mut self) {
        let turn_index = self.turns.len() - 1;
        let Some(model) = replay::model_of_dropped_reasoning(self, &self.turns[turn_index]) else { return };
        let name = model.rsplit('/').next().unwrap_or(model);
        let note = format!("{name}'s reasoning was not sent: no other model can read it");
        self.turn_answer(turn_index).0.notes.push(note);
    }

    fn save_turn(&mut self, turn: TurnId, other_changes: Vec<ConversationChange>) -> ChatEffect {
        let is_first = !std::mem::replace(&mut self.is_stored, true);
        let mut changes = vec![self.header_change()];
        changes.extend(self.unsaved.iter().map(|id| self.message_change(*id)));
        changes.extend(self.first_marks().filter(|_| is_first));
        changes.extend(other_changes);
        ChatEffect::Save { changes, gate: Some(turn) }
    }

    /// Sends the request of a turn, because its prompt is now on disk.
    pub fn on_saved(&mut self, turn: TurnId, now: Timestamp) -> Vec<ChatEffect> {
        let Some(turn_index) = self.turn_index(turn) else { return Vec::new() }; // Stopped in the meantime.
        let answer = self.turns[turn_index].answer;
        self.unsaved.retain(|id| *id > answer); // Later turns save their own messages.
        match self.turns[turn_index].phase {
            TurnPhase::Saving => match &self.context.starting_servers {
                Some(starting) if starting.deadline > now => {
                    let until = starting.deadline;
                    self.enter_phase(turn_index, TurnPhase::AwaitingTools { until }, now);
                    Vec::new()
                }
                Some(_) | None => vec![self.open_with_tools(turn_index, now)],
            },
            TurnPhase::AwaitingTools { .. }
            | TurnPhase::SaveFailed { .. }
            | TurnPhase::Routing
            | TurnPhase::Thinking
            | TurnPhase::Searching
            | TurnPhase::Streaming
            | TurnPhase::Calling
            | TurnPhase::Paused(_)
            | TurnPhase::AwaitingRetry { .. } => Vec::new(),
        }
    }

    /// Sends the requests that wait for tools, once no more tools are expected. Called when the tools have changed.
    pub fn on_tools_ready(&mut self, now: Timestamp) -> Vec<ChatEffect> {
        if self.context.starting_servers.as_ref().is_some_and(|starting| starting.deadline > now) {
            return Vec::new();
        }
        let is_waiting = |turn: &Turn| matches!(turn.phase, TurnPhase::AwaitingTools { .. });
        let waiting: Vec<usize> =
            (0..self.turns.len()).filter(|turn_index| is_waiting(&self.turns[*turn_index])).collect();
        waiting.into_iter().map(|turn_index| self.open_with_tools(turn_index, now)).collect()
    }

    /// Sends the first request of a turn with the tools available now; a note on the answer lists missing servers.
    fn open_with_tools(&mut self, turn_index: usize, now: Timestamp) -> ChatEffect {
        let RequestContext { tools, starting_servers: starting, .. } = &self.context;
        let missing = starting.as_ref().map(StartingServers::note);
        self.turns[turn_index].context.tools = tools.clone();
        if let Some(note) = missing {
            self.turn_answer(turn_index).0.notes.push(note);
        }
        self.open_stream(turn_index, now)
    }

    pub fn on_save_failed(&mut self, turn: TurnId, reason: String, now: Timestamp) {
        if let Some(turn_index) = self.turn_index(turn)
            && self.turns[turn_index].phase == TurnPhase::Saving
        {
            self.enter_phase(turn_index, TurnPhase::SaveFailed { reason }, now);
        }
    }

    /// Sends the request although the prompt is not on disk, because the user chose to.
    pub fn send_unsaved(&mut self, turn: TurnId, now: Timestamp) -> Vec<ChatEffect> {
        match self.turn_index(turn) {
            Some(turn_index) if matches!(self.turns[turn_index].phase, TurnPhase::SaveFailed { .. }) => {
                vec![self.open_stream(turn_index, now)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    pub fn retry_save(&mut self, turn: TurnId, now: Timestamp) -> Vec<ChatEffect> {
        match self.turn_index(turn) {
            Some(turn_index) if matches!(self.turns[turn_index].phase, TurnPhase::SaveFailed { .. }) => {
                self.enter_phase(turn_index, TurnPhase::Saving, now);
                vec![self.save_turn(turn, vec![self.draft_change()])]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Enters another phase and restarts its clock.
    pub(super) fn enter_phase(&mut self, turn_index: usize, phase: TurnPhase, now: Timestamp) {
        self.turns[turn_index].phase = phase;
        self.turns[turn_index].phase_started = now;
        let (_, rev) = self.turn_answer(turn_index);
        *rev += 1;
    }

    /// Sends the request of a turn as its next attempt.
    pub(super) fn open_stream(&mut self, turn_index: usize, now: Timestamp) -> ChatEffect {
        let turn = &mut self.turns[turn_index];
        turn.attempt += 1;
        turn.requests_sent += 1;
        turn.last_heard = None;
        turn.requested_at = now;
        self.enter_phase(turn_index, TurnPhase::Routing, now);
        let request = Box::new(request::build_request(self, &self.turns[turn_index]));
        self.turns[turn_index].has_sent_server_items = replay::has_server_items(&request.input);
        let turn = &self.turns[turn_index];
        let (stream, endpoint) = (turn.stream(), turn.settings.endpoint.clone());
        let is_first = turn.step == 0;
        let params = answer_params(turn);
        let (answer, _) = self.turn_answer(turn_index);
        if is_first {
            answer.started_at = now;
            answer.params = params;
        }
        ChatEffect::OpenStream { stream, endpoint, request }
    }

    /// Records that the headers of a response have arrived.
    pub fn on_opened(&mut self, stream: StreamId, generation: Option<String>, now: Timestamp) {
        if let Some(turn_index) = self.streaming_turn(stream) {
            self.turns[turn_index].last_heard = Some(now);
            let step = self.turns[turn_index].step;
            let (answer, _) = self.turn_answer(turn_index);
            answer.params.first_byte.get_or_insert(now);
            answer.set_generation(step, generation.clone());
            if let Some(id) = generation {
                // If the program is killed, the next run can use the id to look up the price.
                let turn = &mut self.turns[turn_index];
                turn.journal.push(
                    turn.step,
                    now,
                    &Event::ResponseStarted(Box::new(api::event::ResponseEnvelope::started(id))),
                );
                turn.unwritten_since.get_or_insert(now);
            }
        }
    }

    /// Applies events of a stream, in order; those of an earlier attempt are ignored.
    pub fn apply(
        &mut self,
        stream: StreamId,
        now: Timestamp,
        events: &[Event],
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        let Some(turn_index) = self.streaming_turn(stream) else { return Vec::new() };
        let step = self.turns[turn_index].step;
        self.turns[turn_index].last_heard = Some(now);
        let mut outcome = EventOutcome::default();
        for event in events {
            let applied = self.turn_answer(turn_index).0.apply(step, now, event);
            outcome.changed |= applied.changed;
            outcome.activity = applied.activity.or(outcome.activity);
            outcome.ended |= applied.ended;
            self.turns[turn_index].has_shown |= applied.visible;
            // Events that only repeat the deltas would double the journal.
            let is_repeat =
                !applied.changed && matches!(event, Event::TextDone { .. } | Event::Part { is_done: true, .. });
            if !is_repeat {
                self.turns[turn_index].journal.push(step, now, event);
            }
        }
        if outcome.ended {
            return self.settle_attempt(turn_index, now, Ok(()), ids);
        }
        if let Some(phase) = outcome.activity.map(phase_of).filter(|phase| *phase != self.turns[turn_index].phase) {
            self.enter_phase(turn_index, phase, now);
        }
        if outcome.changed {
            *self.turn_answer(turn_index).1 += 1;
            self.turns[turn_index].unwritten_since.get_or_insert(now);
        }
        self.checkpoint(turn_index, now).into_iter().collect()
    }

    /// Handles the end of a stream: the turn completes, retries or fails, and may be followed by a queued prompt.
    pub fn on_ended(
        &mut self,
        stream: StreamId,
        now: Timestamp,
        result: Result<(), api::ApiError>,
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        match self.streaming_turn(stream) {
            Some(turn_index) => self.settle_attempt(turn_index, now, result, ids),
            None => Vec::new(),
        }
    }

    fn settle_attempt(
        &mut self,
        turn_index: usize,
        now: Timestamp,
        result: Result<(), api::ApiError>,
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        let (answer, rev) = self.turn_answer(turn_index);
        answer.finish(now, result);
        *rev += 1;
        self.note_facts(turn_index);
        let (answer, _) = self.turn_answer(turn_index);
        if let AnswerEnd::Failed(error) = &answer.end {
            let error = error.clone();
            let quota = self.fetch_quota(turn_index, &error);
            match retry::decide_retry(&self.turns[turn_index], &error, ids) {
                RetryDecision::Fail => {
                    let mut next = self.close_turn(turn_index, now, ids);
                    next.extend(quota);
                    return next;
                }
                RetryDecision::Wait(delay) => {
                    let mut next = self.wait_for_retry(turn_index, now, now + delay, error);
                    next.extend(quota);
                    return next;
                }
                RetryDecision::Fix(mend) => return self.retry_with_fix(turn_index, now, mend),
            }
        }
        if answer.end == AnswerEnd::Complete
            && let Some(next) = self.begin_calls(turn_index, now, ids)
        {
            return next;
        }
        self.fail_nameless_call(turn_index);
        self.close_turn(turn_index, now, ids)
    }

    /// Fails an answer that ends in a call without a name, which nothing can run or answer.
    fn fail_nameless_call(&mut self, turn_index: usize) {
        let step = self.turns[turn_index].step;
        let (answer, _) = self.turn_answer(turn_index);
        if answer.end == AnswerEnd::Complete && answer.has_nameless_call(step) {
            let code = Some(NAMELESS_CALL.to_owned());
            let error = api::ApiError::new(FaultKind::Empty, "the model called a tool without naming it");
            answer.end = AnswerEnd::Failed(api::ApiError { code, ..error });
        }
    }

    /// Adds facts to a failure that the server did not report: the preference that excluded every provider, and whether
    /// the key is that of another server.
    fn note_facts(&mut self, turn_index: usize) {
        let id = self.turns[turn_index].answer;
        let Some(MessageBody::Answer(answer)) = self.messages.get_mut(&id).map(|message| &mut message.body) else {
            return;
        };
        if let AnswerEnd::Failed(error) = &mut answer.end {
            let context = &self.turns[turn_index].context;
            provider_prefs::note_relaxable(error, context);
            if matches!(error.fault, FaultKind::Key | FaultKind::Credit)
                && !context.dialect.supports_openrouter_fields()
            {
                error.facts.push(ErrorFact::Elsewhere);
            }
        }
    }

    /// Asks for the remaining quota after a rate limit on a free model.
    fn fetch_quota(&self, turn_index: usize, error: &api::ApiError) -> Option<ChatEffect> {
        let turn = &self.turns[turn_index];
        let model = &turn.settings.model;
        let is_free = model.ends_with(":free")
            || model == "openrouter/free"
            || error.facts.contains(&ErrorFact::FreeQuotaOfTheDay);
        (is_free && turn.context.dialect.supports_openrouter_fields() && error.fault == FaultKind::Rate)
            .then(|| ChatEffect::FetchQuota { answer: turn.answer, endpoint: turn.settings.endpoint.clone() })
    }

    /// Ends a turn. A queued prompt follows a complete answer, and stays queued after any other.
    pub(super) fn close_turn(&mut self, turn_index: usize, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let is_active = self.branch.last() == Some(&self.turns[turn_index].answer);
        let turn = self.turns.remove(turn_index);
        self.schedule_price_lookups(&turn, now);
        let changes = self.settled_changes(turn.answer, now);
        let is_complete =
            self.messages[&turn.answer].as_answer().is_some_and(|answer| answer.end == AnswerEnd::Complete);
        if is_complete && is_active && self.next_queued().is_some() {
            return self.send_queued(changes, ids, now).into_iter().collect();
        }
        vec![save_effect(changes)]
    }

    /// The changes to write when an answer has ended.
    fn settled_changes(&mut self, answer: MessageId, now: Timestamp) -> Vec<ConversationChange> {
        self.updated_at = now;
        self.recompute_cost();
        let mut changes = vec![self.header_change()];
        let lost = self.unsaved.iter().filter(|id| **id != answer);
        changes.extend(lost.chain([&answer]).map(|id| self.message_change(*id)));
        changes
    }

    fn wait_for_retry(
        &mut self,
        turn_index: usize,
        now: Timestamp,
        until: Timestamp,
        error: api::ApiError,
    ) -> Vec<ChatEffect> {
        let forget = self.discard_attempt(turn_index);
        self.enter_phase(turn_index, TurnPhase::AwaitingRetry { until, error }, now);
        forget.into_iter().collect()
    }

    fn retry_with_fix(&mut self, turn_index: usize, now: Timestamp, fix: RequestFix) -> Vec<ChatEffect> {
        let forget = self.discard_attempt(turn_index);
        let turn = &mut self.turns[turn_index];
        turn.fixes.insert(fix);
        turn.attempt -= 1; // It is the same attempt, corrected.
        let (answer, _) = self.turn_answer(turn_index);
        answer.notes.push(fix.note().into());
        forget.into_iter().chain([self.open_stream(turn_index, now)]).collect()
    }

    /// Discards what a failed attempt left in the answer. The answer is saved if some of that was written, or if the
    /// attempt may have cost something, which no crash may lose.
    fn discard_attempt(&mut self, turn_index: usize) -> Option<ChatEffect> {
        let turn = &mut self.turns[turn_index];
        turn.journal = AnswerJournal::default();
        turn.unwritten_since = None;
        let (step, written, id) = (turn.step, std::mem::take(&mut turn.has_written), turn.answer);
        let (answer, _) = self.turn_answer(turn_index);
        let is_billed = answer.discard_attempt(step);
        self.recompute_cost();
        (written || is_billed).then(|| save_effect(vec![self.message_change(id)]))
    }

    /// Stops a turn in any phase; the partial answer is saved.
    pub fn stop(&mut self, turn: TurnId, now: Timestamp) -> Vec<ChatEffect> {
        let Some(turn_index) = self.turn_index(turn) else { return Vec::new() };
        let turn = self.turns.remove(turn_index);
        let stopped = self.stop_calls(&turn);
        let (answer, rev) = self.answer_mut(turn.answer);
        *rev += 1;
        match &turn.phase {
            TurnPhase::AwaitingRetry { error, .. } => {
                answer.finish(now, Err(error.clone()));
            }
            TurnPhase::Saving
            | TurnPhase::AwaitingTools { .. }
            | TurnPhase::Calling
            | TurnPhase::Paused(_)
            | TurnPhase::SaveFailed { .. }
            | TurnPhase::Routing
            | TurnPhase::Thinking
            | TurnPhase::Searching
            | TurnPhase::Streaming => answer.stop(now),
        }
        let close = turn.is_streaming().then(|| ChatEffect::CloseStream(turn.stream()));
        self.schedule_price_lookups(&turn, now);
        close.into_iter().chain(stopped).chain([save_effect(self.settled_changes(turn.answer, now))]).collect()
    }

    /// Interrupts and saves every running answer, because the program is exiting.
    pub fn interrupt_all(&mut self, now: Timestamp) -> Vec<ChatEffect> {
        let mut next = Vec::new();
        for turn in std::mem::take(&mut self.turns) {
            next.extend(self.stop_calls(&turn));
            let (answer, rev) = self.answer_mut(turn.answer);
            answer.interrupt(now);
            *rev += 1;
            next.extend(turn.is_streaming().then(|| ChatEffect::CloseStream(turn.stream())));
            next.push(save_effect(self.settled_changes(turn.answer, now)));
        }
        next
    }

    /// Does everything that is due: fetches prices, closes silent streams, retries, and writes checkpoints.
    pub fn tick(&mut self, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let mut next = self.due_price_lookups(now);
        let is_silent = |turn: &Turn| turn.silence_deadline().is_some_and(|due| due <= now);
        while let Some(turn_index) = self.turns.iter().position(is_silent) {
            let (stream, waited) =
                (self.turns[turn_index].stream(), self.turns[turn_index].context.idle_timeout.as_secs());
            let error = api::ApiError::new(FaultKind::Silence, format!("no data arrived for {waited} s"));
            next.push(ChatEffect::CloseStream(stream));
            next.extend(self.settle_attempt(turn_index, now, Err(error), ids));
        }
        for turn_index in 0..self.turns.len() {
            match self.turns[turn_index].phase {
                TurnPhase::AwaitingRetry { until, .. } if until <= now => next.push(self.open_stream(turn_index, now)),
                TurnPhase::AwaitingTools { until } if until <= now => next.push(self.open_with_tools(turn_index, now)),
                _ => next.extend(self.checkpoint(turn_index, now)),
            }
        }
        next
    }

    /// Retries now instead of when the retry is due.
    pub fn skip_wait(&mut self, turn: TurnId, now: Timestamp) -> Vec<ChatEffect> {
        match self.turn_index(turn) {
            Some(turn_index) if matches!(self.turns[turn_index].phase, TurnPhase::AwaitingRetry { .. }) => {
                vec![self.open_stream(turn_index, now)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    pub fn next_wake(&self) -> Option<Timestamp> {
        self.turns.iter().filter_map(Turn::next_wake).chain(self.price_lookups.next_wake()).min()
    }

    fn checkpoint(&mut self, turn_index: usize, now: Timestamp) -> Option<ChatEffect> {
        let turn = &mut self.turns[turn_index];
        turn.unwritten_since.take_if(|since| *since + CHECKPOINT_INTERVAL <= now)?;
        let chunk = turn.journal.take()?;
        turn.has_written = true;
        Some(save_effect(vec![ConversationChange::Journal { message: turn.answer, chunk }]))
    }

    pub(super) fn turn_index(&self, turn: TurnId) -> Option<usize> {
        self.turns.iter().position(|other| other.id == turn)
    }

    /// The index of the turn of a stream, unless that attempt has ended.
    fn streaming_turn(&self, stream: StreamId) -> Option<usize> {
        self.turns.iter().position(|turn| turn.is_streaming() && turn.stream() == stream)
    }

    pub(super) fn turn_answer(&mut self, turn_index: usize) -> (&mut Answer, &mut u32) {
        let id = self.turns[turn_index].answer;
        self.answer_mut(id)
    }

    /// The answer of a turn, and the revision of its message.
    fn answer_mut(&mut self, id: MessageId) -> (&mut Answer, &mut u32) {
        let message = self.messages.get_mut(&id).expect("the answer of a turn is in its conversation");
        match &mut message.body {
            MessageBody::Answer(answer) => (answer, &mut message.rev),
            MessageBody::Prompt(_) => unreachable!("the message of a turn is an answer"),
        }
    }
}

impl Turn {
    /// When the turn needs attention even if nothing is received.
    fn next_wake(&self) -> Option<Timestamp> {
        match self.phase {
            TurnPhase::AwaitingRetry { until, .. } | TurnPhase::AwaitingTools { until } => Some(until),
            TurnPhase::Routing | TurnPhase::Thinking | TurnPhase::Searching | TurnPhase::Streaming => self
                .unwritten_since
                .map(|since| since + CHECKPOINT_INTERVAL)
                .into_iter()
                .chain(self.silence_deadline())
                .min(),
            TurnPhase::Saving | TurnPhase::SaveFailed { .. } | TurnPhase::Calling | TurnPhase::Paused(_) => None,
        }
    }
}

impl RequestFix {
    /// The note for the user about the fix.
    fn note(self) -> &'static str {
        match self {
            Self::DropReasoning => "earlier reasoning was not sent: the server could not use it",
            Self::DropServerItems => "results of the server's own tools were not sent: the server did not accept them",
            Self::DropEffort => "effort none was not sent: this model always reasons",
            Self::DropInclude => "encrypted reasoning was not requested: this model has none",
        }
    }
}

fn phase_of(activity: ServerActivity) -> TurnPhase {
    match activity {
        ServerActivity::Routing => TurnPhase::Routing,
        ServerActivity::Thinking => TurnPhase::Thinking,
        ServerActivity::Searching => TurnPhase::Searching,
        ServerActivity::Streaming => TurnPhase::Streaming,
    }
}

#[cfg(test)]
mod attempt_tests;
#[cfg(test)]
mod tests;
