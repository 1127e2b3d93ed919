//! The loop of a turn that uses tools: the calls of a response are asked about and run, their outputs go back together
//! as the next step, until the model asks for no more.

use serde_json::Value;

use super::{
    Answer, CallId, Change, Conversation, Ids, Kind, Next, Pause, Phase, Run, Slot, Stage, Timestamp, TurnId,
    call::Denial, conversation::save,
};
use crate::tools::{Choice, Failure, Outcome, Tool, Verdict, schema};

/// How often one call may be made with the same arguments until the reader is asked.
const SAME: usize = 3;

/// What the reader says about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Run,
    Deny(Denial),
    /// It is still asked about, with other arguments.
    Change(Value),
}

impl Conversation {
    /// A response has ended: its calls are judged, and those that may run begin. `None` when there are none for us.
    pub(super) fn begin_calls(&mut self, at: usize, now: Timestamp, ids: &mut Ids) -> Option<Vec<Next>> {
        let turn = &self.turns[at];
        if turn.context.tools.is_empty() || turn.settings.tools.choice == Choice::None {
            return None; // It called what it was not offered.
        }
        let step = turn.step;
        let answer = self.messages[&turn.answer].answer()?;
        let runs: Vec<(Slot, Run)> =
            answer.calls_of(step).map(|(slot, name, arguments)| (slot, self.plan(at, name, arguments, now))).collect();
        if runs.is_empty() {
            return None;
        }
        let (answer, _) = self.answer_of(at);
        answer.runs.extend(runs);
        answer.go_on(step + 1);
        let pause = self.pause(at);
        let turn = &mut self.turns[at];
        turn.forget_journal();
        if let Some(pause) = pause {
            self.enter(at, Phase::Paused(pause), now);
            return Some(vec![save(vec![self.message_change(self.turns[at].answer)])]);
        }
        self.enter(at, Phase::Calling, now);
        Some(self.judge(at, now, ids))
    }

    /// A call before anybody has judged it.
    fn plan(&self, at: usize, name: &str, arguments: &str, now: Timestamp) -> Run {
        let turn = &self.turns[at];
        let tool = turn.context.tools.called(name).filter(|tool| turn.settings.tools.is_on(&tool.id));
        let read = tool.ok_or(Failure::Unknown).and_then(|tool| read_arguments(tool, arguments));
        let (arguments, stage) = match read {
            Ok(arguments) => (arguments, Stage::Queued),
            Err(failure) => (Value::String(arguments.to_owned()), Stage::Failed(failure)),
        };
        let over = matches!(stage, Stage::Failed(_)).then_some(now);
        let tool = tool.map(|tool| tool.id.clone());
        Run { tool, arguments, edited: false, stage, began: None, ended: over, progress: None, whole: None }
    }

    /// Whether it has gone on for so long that somebody should look.
    fn pause(&self, at: usize) -> Option<Pause> {
        let turn = &self.turns[at];
        if turn.step + 1 >= turn.allowed_steps {
            return Some(Pause::Steps(turn.step + 1));
        }
        let answer = self.messages[&turn.answer].answer()?;
        let counted = || answer.runs.range(Slot { step: turn.same_from, index: 0 }..).map(|(_, run)| run);
        let mut new = answer.runs.iter().filter(|(slot, _)| slot.step == turn.step).map(|(_, run)| run);
        let same =
            |run: &Run| counted().filter(|other| other.tool == run.tool && other.arguments == run.arguments).count();
        new.find(|run| same(run) >= SAME).map(|run| Pause::Same(run.tool.clone()))
    }

    /// The reader lets a turn go on that was paused.
    pub fn go_on(&mut self, turn: TurnId, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let Some(at) = self.index(turn).filter(|at| matches!(self.turns[*at].phase, Phase::Paused(_))) else {
            return Vec::new();
        };
        let turn = &mut self.turns[at];
        turn.allowed_steps = turn.step + 1 + turn.context.tools.limits.steps;
        turn.same_from = turn.step + 1;
        self.enter(at, Phase::Calling, now);
        self.judge(at, now, ids)
    }

    /// Judges what is queued or asked about by the rules as they are now, and lets go on what may.
    fn judge(&mut self, at: usize, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let tools = self.context.tools.clone();
        let grants = self.settings.tools.grants.clone();
        for run in self.runs_of(at).filter(|run| matches!(run.stage, Stage::Asking | Stage::Queued)) {
            let verdict = run.tool.as_ref().map_or(Verdict::Deny, |tool| tools.policy.verdict(tool, &grants));
            match (verdict, &run.stage) {
                (Verdict::Allow, Stage::Asking) => run.enter(Stage::Queued, now),
                (Verdict::Ask, Stage::Queued) => run.enter(Stage::Asking, now),
                (Verdict::Deny, _) => {
                    run.enter(Stage::Denied(Denial::ByRule), now);
                }
                (Verdict::Allow | Verdict::Ask, _) => (),
            }
        }
        self.advance(at, now, ids)
    }

    /// The rules or what was allowed here have changed: calls that are asked about are judged again.
    pub fn judge_again(&mut self, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let turns: Vec<TurnId> =
            self.turns.iter().filter(|turn| turn.phase == Phase::Calling).map(|turn| turn.id).collect();
        let mut next = Vec::new();
        for turn in turns {
            if let Some(at) = self.index(turn) {
                next.extend(self.judge(at, now, ids));
            }
        }
        next
    }

    /// The reader has decided about a call that asks.
    pub fn decide(&mut self, call: CallId, decision: Decision, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let Some(at) = self.index(call.turn) else { return Vec::new() };
        let (answer, _) = self.answer_of(at);
        let Some(run) = answer.runs.get_mut(&call.slot).filter(|run| run.stage == Stage::Asking) else {
            return Vec::new();
        };
        match decision {
            Decision::Run => run.enter(Stage::Queued, now),
            Decision::Deny(denial) => run.enter(Stage::Denied(denial), now),
            Decision::Change(arguments) => {
                run.edited |= run.arguments != arguments;
                run.arguments = arguments;
            }
        }
        self.advance(at, now, ids)
    }

    /// Begins what may run; when all calls are over, the outputs go back.
    fn advance(&mut self, at: usize, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let (_, rev) = self.answer_of(at);
        *rev += 1;
        let (turn, parallel) = (self.turns[at].id, self.turns[at].context.tools.limits.parallel.max(1));
        let mut next = Vec::new();
        let mut running = self.runs_of(at).filter(|run| run.stage == Stage::Running).count();
        let (answer, _) = self.answer_of(at);
        for (slot, run) in &mut answer.runs {
            if running == parallel {
                break;
            }
            if run.stage == Stage::Queued
                && let Some(tool) = run.tool.clone()
            {
                run.enter(Stage::Running, now);
                running += 1;
                next.push(Next::Run { call: CallId { turn, slot: *slot }, tool, arguments: run.arguments.clone() });
            }
        }
        let over = self.runs_of(at).all(|run| run.is_over());
        next.push(save(vec![self.message_change(self.turns[at].answer)]));
        if over {
            next.extend(self.next_step(at, now, ids));
        }
        next
    }

    /// All outputs are there: they go back, or the turn ends where a prompt waits to be said.
    fn next_step(&mut self, at: usize, now: Timestamp, ids: &mut Ids) -> Vec<Next> {
        let active = self.branch.last() == Some(&self.turns[at].answer);
        if active && !self.queue.is_empty() {
            let (answer, _) = self.answer_of(at);
            answer.hand_over(now);
            return self.close(at, now, ids);
        }
        let turn = &mut self.turns[at];
        turn.step += 1;
        turn.attempt = 0;
        turn.shown = false;
        vec![self.open(at, now)]
    }

    /// What a tool says while it runs.
    pub fn call_progress(&mut self, call: CallId, words: String) {
        let Some(at) = self.index(call.turn) else { return };
        let (answer, rev) = self.answer_of(at);
        if let Some(run) = answer.runs.get_mut(&call.slot).filter(|run| run.stage == Stage::Running) {
            run.progress = Some(words);
            *rev += 1;
        }
    }

    /// A tool has answered, or will not. One that was stopped changes nothing.
    pub fn call_ended(
        &mut self,
        call: CallId,
        now: Timestamp,
        result: Result<Outcome, Failure>,
        ids: &mut Ids,
    ) -> Vec<Next> {
        let Some(at) = self.index(call.turn) else { return Vec::new() };
        let room = self.turns[at].context.tools.limits.result;
        let (answer, _) = self.answer_of(at);
        let Some(run) = answer.runs.get_mut(&call.slot).filter(|run| run.stage == Stage::Running) else {
            return Vec::new();
        };
        let whole = run.end(result, room, now);
        let message = self.turns[at].answer;
        let whole = whole.map(|outcome| save(vec![Change::Outcome { message, slot: call.slot, outcome }]));
        whole.into_iter().chain(self.advance(at, now, ids)).collect()
    }

    /// The first call that asks, of the turn on the visible branch.
    pub fn asking(&self) -> Option<(CallId, &Run)> {
        let turn = self.active_turn().filter(|turn| turn.phase == Phase::Calling)?;
        let answer = self.messages.get(&turn.answer)?.answer()?;
        let (slot, run) = answer.runs.iter().find(|(_, run)| run.stage == Stage::Asking)?;
        Some((CallId { turn: turn.id, slot: *slot }, run))
    }

    /// The calls of a turn that run now are stopped.
    pub(super) fn stop_runs(&self, turn: &super::Turn) -> Vec<Next> {
        let answer = self.messages.get(&turn.answer).and_then(super::Message::answer);
        let runs = answer.map(|answer| answer.runs.iter()).into_iter().flatten();
        let running = runs.filter(|(_, run)| run.stage == Stage::Running);
        running.map(|(slot, _)| Next::StopRun(CallId { turn: turn.id, slot: *slot })).collect()
    }

    /// The calls of the present step of a turn.
    fn runs_of(&mut self, at: usize) -> impl Iterator<Item = &mut Run> {
        let step = self.turns[at].step;
        let (answer, _) = self.answer_of(at);
        answer.runs.iter_mut().filter(move |(slot, _)| slot.step == step).map(|(_, run)| run)
    }
}

impl Answer {
    /// The calls that a step made and that we are to run: slot, name, arguments.
    fn calls_of(&self, step: u32) -> impl Iterator<Item = (Slot, &str, &str)> {
        let items = self.items.iter().filter(move |(slot, _)| slot.step == step);
        items.filter_map(|(slot, item)| match &*item.kind {
            Kind::Call(call) if !call.name.is_empty() && !item.is_custom() => {
                Some((*slot, call.name.as_str(), call.arguments.as_str()))
            }
            _ => None,
        })
    }
}

/// The arguments that a model wrote, as the tool wants them.
fn read_arguments(tool: &Tool, text: &str) -> Result<Value, Failure> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let arguments: Value = serde_json::from_str(text).map_err(|error| {
        let written: String = text.chars().take(200).collect();
        Failure::Arguments(format!("{written} is not JSON, {error}"))
    })?;
    if !arguments.is_object() {
        return Err(Failure::Arguments("not an object".into()));
    }
    Ok(schema::given_back(&tool.parameters, tool.strict, arguments))
}

#[cfg(test)]
mod tests;
