//! Turns of a conversation: from a submission through saving, asking, waiting and asking again to the end.

use jiff::SignedDuration;

use super::{
    Answer, Body, Change, Conversation, End, Ids, Mend, Message, MessageId, Next, Phase, Settings, StreamId, Timestamp,
    Turn, TurnId,
    answer::{Activity, Applied, Course},
    conversation::save,
    journal::Journal,
    replay, request,
    request::Context,
    retry::{self, Verdict},
    wishes,
};
use crate::api::{self, Event, Fact, Fault};

/// What a request was asked with, for the reader.
fn course(settings: &Settings, sent: u32) -> Course {
    Course {
        effort: settings.effort,
        web: settings.web,
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_output_tokens: settings.max_output_tokens,
        attempts: sent,
        ..Course::default()
    }
}

/// How long what has come may be in memory only; with the time to write it, less than a second.
const CHECKPOINT: SignedDuration = SignedDuration::from_millis(700);

impl Conversation {
    /// Adds a prompt and an open answer at the end of the active branch; while a turn runs there, or
    /// prompts wait, it is queued behind them. An empty text sends what waits.
    pub fn submit(&mut self, ids: &mut Ids, now: Timestamp, text: String) -> Vec<Next> {
        let waited = !self.queue.is_empty();
        if !text.trim().is_empty() {
            self.queue.push(text);
            self.draft.clear();
        }
        if self.queue.is_empty() {
            return Vec::new();
        }
        if self.active_turn().is_some() {
            return vec![save(vec![self.queue_change(), self.draft_change()])];
        }
        let next = self.queue.remove(0);
        let mut changes = vec![self.draft_change()];
        if waited {
            changes.push(self.queue_change());
        }
        vec![self.ask(next, changes, ids, now)]
    }

    /// Adds an open answer at the end of the branch and saves all that is not on disk; then its request may leave.
    pub(super) fn begin(&mut self, settings: Settings, others: Vec<Change>, ids: &mut Ids, now: Timestamp) -> Next {
        self.begin_as(settings, self.context.clone(), Vec::new(), others, ids, now)
    }

    /// The same, asked in a way that the notes tell of.
    pub(super) fn begin_as(
        &mut self,
        settings: Settings,
        context: Context,
        notes: Vec<String>,
        others: Vec<Change>,
        ids: &mut Ids,
        now: Timestamp,
    ) -> Next {
        let (answer, turn) = (ids.message(now), ids.turn(now));
        let body = Body::Answer(Answer { notes, ..Answer::new(&settings.endpoint, &settings.model, now) });
        self.insert(Message { id: answer, parent: self.branch.last().copied(), at: now, rev: 0, body });
        self.branch.push(answer);
        self.unsaved.insert(answer);
        self.updated = now;
        self.turns.push(Turn::new(turn, answer, settings, context, now));
        self.note_switch();
        self.save_turn(turn, others)
    }

    /// The newest turn says when a model is asked that cannot read what the one before it thought.
    fn note_switch(&mut self) {
        let at = self.turns.len() - 1;
        let Some(model) = replay::left_behind(self, &self.turns[at]) else { return };
        let name = model.rsplit('/').next().unwrap_or(model);
        let note = format!("the reasoning of {name} was left out: only {name} can use it");
        self.answer_of(at).0.notes.push(note);
    }

    fn save_turn(&self, turn: TurnId, others: Vec<Change>) -> Next {
        let mut changes = vec![self.header_change()];
        changes.extend(self.unsaved.iter().map(|id| self.message_change(*id)));
        changes.extend(others);
        Next::Save { changes, gate: Some(turn) }
    }

    /// The prompt of a turn is on disk: its request leaves.
    pub fn saved(&mut self, turn: TurnId, now: Timestamp) -> Vec<Next> {
        let Some(at) = self.index(turn) else { return Vec::new() }; // Stopped meanwhile.
        let answer = self.turns[at].answer;
        self.unsaved.retain(|id| *id > answer); // Later turns save their own.
        match self.turns[at].phase {
            Phase::Saving => match &self.context.coming {
                Some(coming) if coming.until > now => {
                    let until = coming.until;
                    self.enter(at, Phase::Gathering { until }, now);
                    Vec::new()
                }
                Some(_) | None => vec![self.open_gathered(at, now)],
            },
            Phase::Gathering { .. }
            | Phase::Unsaved { .. }
            | Phase::Routing
            | Phase::Thinking
            | Phase::Searching
            | Phase::Streaming
            | Phase::Calling
            | Phase::Paused(_)
            | Phase::Waiting { .. } => Vec::new(),
        }
    }

    /// The tools at hand have changed: requests that wait for them go when no more are to come.
    pub fn gathered(&mut self, now: Timestamp) -> Vec<Next> {
        if self.context.coming.as_ref().is_some_and(|coming| coming.until > now) {
            return Vec::new();
        }
        let waits = |turn: &Turn| matches!(turn.phase, Phase::Gathering { .. });
        let waiting: Vec<usize> = (0..self.turns.len()).filter(|at| waits(&self.turns[*at])).collect();
        waiting.into_iter().map(|at| self.open_gathered(at, now)).collect()
    }

    /// Sends the first request of a turn, with the tools that are there now; the answer says whose are missing.
    fn open_gathered(&mut self, at: usize, now: Timestamp) -> Next {
        let Context { tools, coming, .. } = &self.context;
        let missing = coming.as_ref().map(|coming| coming.servers.join(", "));
        self.turns[at].context.tools = tools.clone();
        if let Some(servers) = missing {
            let note = format!("asked without the tools of {servers}: still starting");
            self.answer_of(at).0.notes.push(note);
        }
        self.open(at, now)
    }

    pub fn not_saved(&mut self, turn: TurnId, why: String, now: Timestamp) {
        if let Some(at) = self.index(turn)
            && self.turns[at].phase == Phase::Saving
        {
            self.enter(at, Phase::Unsaved { why }, now);
        }
    }

    /// The reader lets the request leave although the prompt is not on disk.
    pub fn send_unsaved(&mut self, turn: TurnId, now: Timestamp) -> Vec<Next> {
        match self.index(turn) {
            Some(at) if matches!(self.turns[at].phase, Phase::Unsaved { .. }) => vec![self.open(at, now)],
            Some(_) | None => Vec::new(),
        }
    }

    pub fn save_again(&mut self, turn: TurnId, now: Timestamp) -> Vec<Next> {
        match self.index(turn) {
            Some(at) if matches!(self.turns[at].phase, Phase::Unsaved { .. }) => {
                self.enter(at, Phase::Saving, now);
                vec![self.save_turn(turn, vec![self.draft_change(), self.queue_change()])]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Goes over to another phase, whose clock starts now.
    pub(super) fn enter(&mut self, at: usize, phase: Phase, now: Timestamp) {
        self.turns[at].phase = phase;
        self.turns[at].since = now;
        let (_, rev) = self.answer_of(at);
        *rev += 1;
    }

    /// Sends the request of a turn, as its next attempt.
    pub(super) fn open(&mut self, at: usize, now: Timestamp) -> Next {
        let turn = &mut self.turns[at];
        turn.attempt += 1;
        turn.sent += 1;
        turn.heard = None;
        turn.asked = now;
        self.enter(at, Phase::Routing, now);
        let request = Box::new(request::build(self, &self.turns[at]));
        self.turns[at].gave_back = replay::gives_back(&request.input);
        let turn = &self.turns[at];
        let (stream, endpoint) = (turn.stream(), turn.settings.endpoint.clone());
        let is_first = turn.step == 0;
        let course = course(&turn.settings, turn.sent);
        let (answer, _) = self.answer_of(at);
        if is_first {
            answer.started = now;
            answer.course = course;
        }
        Next::Open { stream, endpoint, request }
    }

    /// The headers of a response have come.
    pub fn opened(&mut self, stream: StreamId, generation: Option<String>, now: Timestamp) {
        if let Some(at) = self.streaming(stream) {
            self.turns[at].heard = Some(now);
            let step = self.turns[at].step;
            let (answer, _) = self.answer_of(at);
            answer.course.first_byte.get_or_insert(now);
            answer.begun_as(step, generation.clone());
            if let Some(id) = generation {
                // A run that is killed leaves it behind, so that the next can ask what the answer cost.
                let turn = &mut self.turns[at];
                turn.journal.push(turn.step, now, &Event::Begun(Box::new(api::event::Response::begun(id))));
                turn.unwritten.get_or_insert(now);
            }
        }
    }

    /// Events of a stream, in order; those of an attempt that is over change nothing.
    pub fn apply(&mut self, stream: StreamId, now: Timestamp, events: &[Event], ids: &mut Ids) -> Vec<Next> {
        let Some(at) = self.streaming(stream) else { return Vec::new() };
        let step = self.turns[at].step;
        self.turns[at].heard = Some(now);
        let mut came = Applied::default();
        for event in events {
            let applied = self.answer_of(at).0.apply(step, now, event);
            came.changed |= applied.changed;
            came.activity = applied.activity.or(came.activity);
            came.over |= applied.over;
            self.turns[at].shown |= applied.visible;
            // What only says again what the deltas said would double the journal.
            let repeats = !applied.changed && matches!(event, Event::Whole { .. } | Event::Part { closed: true, .. });
            if !repeats {
                self.turns[at].journal.push(step, now, event);
            }
        }
        if came.over {
            return self.settle(at, now, Ok(()), ids);
        }
        if let Some(phase) = came.activity.map(phase_of).filter(|phase| *phase != self.turns[at].phase) {
            self.enter(at, phase, now);
        }
        if came.changed {
            *self.answer_of(at).1 += 1;
            self.turns[at].unwritten.get_or_insert(now);
        }
        self.checkpoint(at, now).into_iter().collect()
    }

    /// A stream is over: the turn is done, tries again, or fails; then what waits is submitted.
    pub fn ended(
        &mut self,
        stream: StreamId,
        now: Timestamp,
        result: Result<(), api::Error>,
        ids: &mut Ids,
    ) -> Vec<Next> {
        match self.streaming(stream) {
            Some(at) => self.settle(at, now, result, ids),
            None => Vec::new(),
        }
    }

    fn settle(&mut self, at: usize, now: Timestamp, result: Result<(), api::Error>, ids: &mut Ids) -> Vec<Next> {
        let (answer, rev) = self.answer_of(at);
        answer.finish(now, result);
        *rev += 1;
        self.note_facts(at);
        let (answer, _) = self.answer_of(at);
        if let End::Failed(error) = &answer.end {
            let error = error.clone();
            let quota = self.ask_quota(at, &error);
            match retry::verdict(&self.turns[at], &error, ids) {
                Verdict::Fail => {
                    let mut next = self.close(at, now, ids);
                    next.extend(quota);
                    return next;
                }
                Verdict::Wait(delay) => {
                    let mut next = self.wait(at, now, now + delay, error);
                    next.extend(quota);
                    return next;
                }
                Verdict::Mend(mend) => return self.mend(at, now, mend),
            }
        }
        if answer.end == End::Complete
            && let Some(next) = self.begin_calls(at, now, ids)
        {
            return next;
        }
        self.close(at, now, ids)
    }

    /// What we know of a failure beyond what the server told: which of our wishes left no provider, and whose key it is.
    fn note_facts(&mut self, at: usize) {
        let id = self.turns[at].answer;
        let Some(Body::Answer(answer)) = self.messages.get_mut(&id).map(|message| &mut message.body) else { return };
        if let End::Failed(error) = &mut answer.end {
            let context = &self.turns[at].context;
            wishes::note_relaxable(error, context);
            if matches!(error.fault, Fault::Key | Fault::Credit) && !context.dialect.has_own_fields() {
                error.facts.push(Fact::Elsewhere);
            }
        }
    }

    /// A free model has had enough of us: how much is left?
    fn ask_quota(&self, at: usize, error: &api::Error) -> Option<Next> {
        let turn = &self.turns[at];
        let model = &turn.settings.model;
        let is_free =
            model.ends_with(":free") || model == "openrouter/free" || error.facts.contains(&Fact::FreeQuotaOfTheDay);
        (is_free && turn.context.dialect.has_own_fields() && error.fault == Fault::Rate)
            .then(|| Next::AskQuota { answer: turn.answer, endpoint: turn.settings.endpoint.clone() })
    }

    /// The turn is over; what waits follows a complete answer, and stays after any other.
    pub(super) fn close(&mut self, at: usize, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let active = self.branch.last() == Some(&self.turns[at].answer);
        let turn = self.turns.remove(at);
        self.ask_price(&turn, now);
        let mut changes = self.settled(turn.answer, now);
        let complete = self.messages[&turn.answer].answer().is_some_and(|answer| answer.end == End::Complete);
        if !complete || !active || self.queue.is_empty() {
            return vec![save(changes)];
        }
        let next = self.queue.remove(0);
        changes.push(self.queue_change());
        vec![self.ask(next, changes, ids, now)]
    }

    /// Everything that must be written now that an answer is over.
    fn settled(&mut self, answer: MessageId, now: Timestamp) -> Vec<Change> {
        self.updated = now;
        self.count_cost();
        let mut changes = vec![self.header_change()];
        let lost = self.unsaved.iter().filter(|id| **id != answer);
        changes.extend(lost.chain([&answer]).map(|id| self.message_change(*id)));
        changes
    }

    fn wait(&mut self, at: usize, now: Timestamp, until: Timestamp, error: api::Error) -> Vec<Next> {
        let forget = self.forget_attempt(at);
        self.enter(at, Phase::Waiting { until, error }, now);
        forget.into_iter().collect()
    }

    fn mend(&mut self, at: usize, now: Timestamp, mend: Mend) -> Vec<Next> {
        let forget = self.forget_attempt(at);
        let turn = &mut self.turns[at];
        turn.mended.insert(mend);
        turn.attempt -= 1; // It is the same attempt, put right.
        let (answer, _) = self.answer_of(at);
        answer.notes.push(mend.note().into());
        forget.into_iter().chain([self.open(at, now)]).collect()
    }

    /// Takes back what a failed attempt left in the answer, and from the disk if some of it is there.
    fn forget_attempt(&mut self, at: usize) -> Option<Next> {
        let turn = &mut self.turns[at];
        turn.journal = Journal::default();
        turn.unwritten = None;
        let (step, written, id) = (turn.step, std::mem::take(&mut turn.written), turn.answer);
        let (answer, _) = self.answer_of(at);
        answer.retry(step);
        written.then(|| save(vec![self.message_change(id)]))
    }

    /// Ends a turn in whatever phase; what came is kept.
    pub fn stop(&mut self, turn: TurnId, now: Timestamp) -> Vec<Next> {
        let Some(at) = self.index(turn) else { return Vec::new() };
        let turn = self.turns.remove(at);
        let stopped = self.stop_runs(&turn);
        let (answer, rev) = self.answer(turn.answer);
        *rev += 1;
        match &turn.phase {
            Phase::Waiting { error, .. } => {
                answer.finish(now, Err(error.clone()));
            }
            Phase::Saving
            | Phase::Gathering { .. }
            | Phase::Calling
            | Phase::Paused(_)
            | Phase::Unsaved { .. }
            | Phase::Routing
            | Phase::Thinking
            | Phase::Searching
            | Phase::Streaming => answer.stop(now),
        }
        let close = turn.is_streaming().then(|| Next::Close(turn.stream()));
        self.ask_price(&turn, now);
        close.into_iter().chain(stopped).chain([save(self.settled(turn.answer, now))]).collect()
    }

    /// The program ends: every running answer is interrupted and written.
    pub fn interrupt_all(&mut self, now: Timestamp) -> Vec<Next> {
        let mut next = Vec::new();
        for turn in std::mem::take(&mut self.turns) {
            next.extend(self.stop_runs(&turn));
            let (answer, rev) = self.answer(turn.answer);
            answer.interrupt(now);
            *rev += 1;
            next.extend(turn.is_streaming().then(|| Next::Close(turn.stream())));
            next.push(save(self.settled(turn.answer, now)));
        }
        next
    }

    /// Does what is due: the next attempt, the end of a silent stream, the next checkpoint of a streaming answer.
    pub fn tick(&mut self, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let mut next = self.ask_prices(now);
        let silent = |turn: &Turn| turn.given_up().is_some_and(|due| due <= now);
        while let Some(at) = self.turns.iter().position(silent) {
            let (stream, waited) = (self.turns[at].stream(), self.turns[at].context.patience.as_secs());
            let error = api::Error::new(Fault::Silence, format!("nothing came for {waited} s"));
            next.push(Next::Close(stream));
            next.extend(self.settle(at, now, Err(error), ids));
        }
        for at in 0..self.turns.len() {
            match self.turns[at].phase {
                Phase::Waiting { until, .. } if until <= now => next.push(self.open(at, now)),
                Phase::Gathering { until } if until <= now => next.push(self.open_gathered(at, now)),
                _ => next.extend(self.checkpoint(at, now)),
            }
        }
        next
    }

    /// Tries again now instead of when it is due.
    pub fn skip_wait(&mut self, turn: TurnId, now: Timestamp) -> Vec<Next> {
        match self.index(turn) {
            Some(at) if matches!(self.turns[at].phase, Phase::Waiting { .. }) => vec![self.open(at, now)],
            Some(_) | None => Vec::new(),
        }
    }

    pub fn next_wake(&self) -> Option<Timestamp> {
        self.turns.iter().filter_map(Turn::due).chain(self.billing.next_wake()).min()
    }

    fn checkpoint(&mut self, at: usize, now: Timestamp) -> Option<Next> {
        let turn = &mut self.turns[at];
        turn.unwritten.take_if(|since| *since + CHECKPOINT <= now)?;
        let growth = turn.journal.take()?;
        turn.written = true;
        Some(save(vec![Change::Growth { message: turn.answer, growth }]))
    }

    pub(super) fn index(&self, turn: TurnId) -> Option<usize> {
        self.turns.iter().position(|other| other.id == turn)
    }

    /// The turn that this stream is for, unless its attempt is over.
    fn streaming(&self, stream: StreamId) -> Option<usize> {
        self.turns.iter().position(|turn| turn.is_streaming() && turn.stream() == stream)
    }

    pub(super) fn answer_of(&mut self, at: usize) -> (&mut Answer, &mut u32) {
        let id = self.turns[at].answer;
        self.answer(id)
    }

    /// The answer of a turn, and the revision of its message.
    fn answer(&mut self, id: MessageId) -> (&mut Answer, &mut u32) {
        let message = self.messages.get_mut(&id).expect("a turn writes an answer of its own conversation");
        match &mut message.body {
            Body::Answer(answer) => (answer, &mut message.rev),
            Body::Prompt(_) => unreachable!("a turn writes an answer"),
        }
    }
}

impl Turn {
    /// When it must be looked at although nothing has come.
    fn due(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting { until, .. } | Phase::Gathering { until } => Some(until),
            Phase::Routing | Phase::Thinking | Phase::Searching | Phase::Streaming => {
                self.unwritten.map(|since| since + CHECKPOINT).into_iter().chain(self.given_up()).min()
            }
            Phase::Saving | Phase::Unsaved { .. } | Phase::Calling | Phase::Paused(_) => None,
        }
    }
}

impl Mend {
    /// What the reader is told of it.
    fn note(self) -> &'static str {
        match self {
            Self::Reasoning => "earlier reasoning was left out: the server could not use it",
            Self::Items => "what the server's own tools found was left out: the server did not take it back",
            Self::Effort => "effort none was not sent: this model always reasons",
            Self::Include => "encrypted reasoning was not asked for: this model has none",
        }
    }
}

fn phase_of(activity: Activity) -> Phase {
    match activity {
        Activity::Routing => Phase::Routing,
        Activity::Thinking => Phase::Thinking,
        Activity::Searching => Phase::Searching,
        Activity::Streaming => Phase::Streaming,
    }
}

#[cfg(test)]
mod tests;
