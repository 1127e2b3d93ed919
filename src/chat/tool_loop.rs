//! The tool loop of a turn: the calls of a response are approved and run, and their outputs go back together as the
//! next step, until the model makes no more calls.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{
    Answer, CallId, ChatEffect, Conversation, ConversationChange, IdGenerator, ItemKind, ItemSlot, PauseReason,
    Timestamp, ToolCallRun, ToolCallState, Turn, TurnId, TurnPhase, conversation::save_effect,
};
use crate::api::json::{self, JsonFields};
use crate::tools::{COMMAND_SERVER, PolicyVerdict, ToolDefinition, ToolFailure, ToolId, ToolMode, ToolOutcome, schema};

/// The number of calls with the same arguments at which the turn pauses.
const MAX_SAME_CALLS: usize = 3;

/// The user's decision about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallDecision {
    Run,
    Deny {
        reason: Option<String>,
    },
    /// Changes the arguments; the call still needs approval.
    ChangeArguments(Value),
}

impl Conversation {
    /// Starts the calls of a response that has ended, as far as the policy allows. `None` if ibid has none to run.
    pub(super) fn begin_calls(
        &mut self,
        turn_index: usize,
        now: Timestamp,
        ids: &mut IdGenerator,
    ) -> Option<Vec<ChatEffect>> {
        let turn = &self.turns[turn_index];
        if turn.context.tools.is_empty() || turn.settings.tools.choice == ToolMode::None {
            return None; // The model called a tool that it was not offered.
        }
        let step = turn.step;
        let answer = self.messages[&turn.answer].as_answer()?;
        let runs: Vec<(ItemSlot, ToolCallRun)> = answer
            .calls_of_step(step)
            .map(|(slot, name, arguments)| (slot, self.plan_call(turn_index, name, arguments, now)))
            .collect();
        if runs.is_empty() {
            return None;
        }
        let (answer, _) = self.turn_answer(turn_index);
        if answer.has_nameless_call(step) {
            answer.notes.push("a call without a name was left out".into());
        }
        answer.call_runs.extend(runs);
        answer.begin_step(step + 1);
        self.recompute_cost(); // What this response cost is known now, long before the turn ends.
        let pause = self.pause_reason(turn_index);
        let turn = &mut self.turns[turn_index];
        turn.clear_journal();
        if let Some(pause) = pause {
            self.enter_phase(turn_index, TurnPhase::Paused(pause), now);
            return Some(vec![save_effect(vec![self.message_change(self.turns[turn_index].answer)])]);
        }
        self.enter_phase(turn_index, TurnPhase::Calling, now);
        let mut next = vec![save_effect(vec![self.message_change(self.turns[turn_index].answer)])];
        next.extend(self.apply_policy(turn_index, now, ids));
        Some(next)
    }

    /// The initial state of a call, before the policy is applied.
    fn plan_call(&self, turn_index: usize, name: &str, arguments: &str, now: Timestamp) -> ToolCallRun {
        let turn = &self.turns[turn_index];
        let tool = turn.context.tools.by_wire_name(name).filter(|tool| turn.settings.tools.is_on(&tool.id));
        let parsed = tool.ok_or(ToolFailure::Unknown).and_then(|tool| parse_arguments(tool, arguments));
        let (arguments, state) = match parsed {
            Ok(arguments) => (arguments, ToolCallState::Queued),
            Err(failure) => (Value::String(arguments.to_owned()), ToolCallState::Failed(failure)),
        };
        let ended_at = matches!(state, ToolCallState::Failed(_)).then_some(now);
        let tool = tool.map(|tool| tool.id.clone());
        ToolCallRun {
            tool,
            arguments,
            edited: false,
            state,
            started_at: None,
            ended_at,
            progress: None,
            full_size: None,
        }
    }

    /// The reason to pause the turn and ask the user, if it has run for too long.
    fn pause_reason(&self, turn_index: usize) -> Option<PauseReason> {
        let turn = &self.turns[turn_index];
        if turn.step + 1 >= turn.step_limit {
            return Some(PauseReason::Steps(turn.step + 1));
        }
        let answer = self.messages[&turn.answer].as_answer()?;
        let mut repetitions: HashMap<(Option<&ToolId>, &Value), usize> = HashMap::new();
        for run in answer.call_runs.range(ItemSlot { step: turn.repeats_from, index: 0 }..).map(|(_, run)| run) {
            *repetitions.entry((run.tool.as_ref(), &run.arguments)).or_default() += 1;
        }
        let mut new_runs = answer.call_runs.iter().filter(|(slot, _)| slot.step == turn.step).map(|(_, run)| run);
        new_runs
            .find(|run| {
                repetitions.get(&(run.tool.as_ref(), &run.arguments)).is_some_and(|count| *count >= MAX_SAME_CALLS)
            })
            .map(|run| PauseReason::RepeatedCall(run.tool.clone()))
    }

    /// Resumes a paused turn at the user's request.
    pub fn resume_turn(&mut self, turn: TurnId, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let Some(turn_index) = self.turn_index(turn).filter(|at| matches!(self.turns[*at].phase, TurnPhase::Paused(_)))
        else {
            return Vec::new();
        };
        let turn = &mut self.turns[turn_index];
        turn.step_limit = turn.step + 1 + turn.context.tools.limits.max_steps;
        turn.repeats_from = turn.step + 1;
        self.enter_phase(turn_index, TurnPhase::Calling, now);
        self.apply_policy(turn_index, now, ids)
    }

    /// Applies the current policy to calls that are queued or asking, then starts those that may run.
    fn apply_policy(&mut self, turn_index: usize, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let tools = self.context.tools.clone();
        let grants = self.settings.tools.grants.clone();
        let mut changed = BTreeSet::new();
        for (slot, run) in self
            .current_runs(turn_index)
            .filter(|(_, run)| matches!(run.state, ToolCallState::Asking | ToolCallState::Queued))
        {
            let verdict = run.tool.as_ref().map_or(PolicyVerdict::Deny, |tool| tools.policy.verdict(tool, &grants));
            let state = match (verdict, &run.state) {
                (PolicyVerdict::Allow, ToolCallState::Asking) => ToolCallState::Queued,
                (PolicyVerdict::Ask, ToolCallState::Queued) => ToolCallState::Asking,
                (PolicyVerdict::Deny, _) => ToolCallState::DeniedByRule,
                (PolicyVerdict::Allow | PolicyVerdict::Ask, _) => continue,
            };
            run.set_state(state, now);
            changed.insert(slot);
        }
        self.advance_calls(turn_index, changed, now, ids)
    }

    /// Applies the policy again after its rules or the conversation's grants have changed.
    pub fn reapply_policy(&mut self, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let turns: Vec<TurnId> =
            self.turns.iter().filter(|turn| turn.phase == TurnPhase::Calling).map(|turn| turn.id).collect();
        let mut next = Vec::new();
        for turn in turns {
            if let Some(turn_index) = self.turn_index(turn) {
                next.extend(self.apply_policy(turn_index, now, ids));
            }
        }
        next
    }

    /// Carries out the user's decision about a call that is asking.
    pub fn decide_call(
        &mut self,
        call: CallId,
        decision: CallDecision,
        now: Timestamp,
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        let Some(turn_index) = self.turn_index(call.turn) else { return Vec::new() };
        let (answer, _) = self.turn_answer(turn_index);
        let Some(run) = answer.call_runs.get_mut(&call.slot).filter(|run| run.state == ToolCallState::Asking) else {
            return Vec::new();
        };
        match decision {
            CallDecision::Run => run.set_state(ToolCallState::Queued, now),
            CallDecision::Deny { reason } => run.set_state(ToolCallState::Denied { reason }, now),
            CallDecision::ChangeArguments(arguments) => {
                run.edited |= run.arguments != arguments;
                run.arguments = arguments;
            }
        }
        self.advance_calls(turn_index, [call.slot].into(), now, ids)
    }

    /// Starts queued calls up to the limit and saves those that have changed; when all calls have ended, their outputs go
    /// back.
    fn advance_calls(
        &mut self,
        turn_index: usize,
        mut changed: BTreeSet<ItemSlot>,
        now: Timestamp,
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        let (_, rev) = self.turn_answer(turn_index);
        *rev += 1;
        let Turn { id: turn, step, context, .. } = &self.turns[turn_index];
        let (turn, step, parallel) = (*turn, *step, context.tools.limits.parallel_calls.max(1));
        let mut next = Vec::new();
        let is_running = |(_, run): &(ItemSlot, &mut ToolCallRun)| run.state == ToolCallState::Running;
        let mut running = self.current_runs(turn_index).filter(is_running).count();
        let (answer, _) = self.turn_answer(turn_index);
        for (slot, run) in answer.call_runs.range_mut(ItemSlot { step, index: 0 }..) {
            if running == parallel {
                break;
            }
            if run.state == ToolCallState::Queued
                && let Some(tool) = run.tool.clone()
            {
                run.set_state(ToolCallState::Running, now);
                running += 1;
                changed.insert(*slot);
                next.push(ChatEffect::RunTool {
                    call: CallId { turn, slot: *slot },
                    tool,
                    arguments: run.arguments.clone(),
                });
            }
        }
        let message = self.turns[turn_index].answer;
        let runs = &self.turn_answer(turn_index).0.call_runs;
        let change = |slot: ItemSlot| ConversationChange::CallRun { message, slot, run: Box::new(runs[&slot].clone()) };
        let changes: Vec<ConversationChange> = changed.into_iter().map(change).collect();
        if !changes.is_empty() {
            next.push(save_effect(changes));
        }
        let all_ended = self.current_runs(turn_index).all(|(_, run)| run.is_over());
        if all_ended {
            next.extend(self.begin_next_step(turn_index, now, ids));
        }
        next
    }

    /// Sends all outputs back as the next step, or ends the turn if a prompt is queued.
    fn begin_next_step(&mut self, turn_index: usize, now: Timestamp, ids: &mut IdGenerator) -> Vec<ChatEffect> {
        let is_active = self.branch.last() == Some(&self.turns[turn_index].answer);
        if is_active && self.next_queued().is_some() {
            let (answer, _) = self.turn_answer(turn_index);
            answer.complete_after_calls(now);
            return self.close_turn(turn_index, now, ids);
        }
        let turn = &mut self.turns[turn_index];
        turn.step += 1;
        turn.attempt = 0;
        turn.has_shown = false;
        vec![self.open_stream(turn_index, now)]
    }

    /// Updates the progress message of a running call.
    pub fn on_call_progress(&mut self, call: CallId, message: String) {
        let Some(turn_index) = self.turn_index(call.turn) else { return };
        let (answer, rev) = self.turn_answer(turn_index);
        if let Some(run) = answer.call_runs.get_mut(&call.slot).filter(|run| run.state == ToolCallState::Running) {
            run.progress = Some(message);
            *rev += 1;
        }
    }

    /// Handles the result of a tool. A call that was stopped is not changed.
    pub fn on_call_ended(
        &mut self,
        call: CallId,
        now: Timestamp,
        result: Result<ToolOutcome, ToolFailure>,
        ids: &mut IdGenerator,
    ) -> Vec<ChatEffect> {
        let Some(turn_index) = self.turn_index(call.turn) else { return Vec::new() };
        let max_bytes = self.turns[turn_index].context.tools.limits.result_bytes;
        let (answer, _) = self.turn_answer(turn_index);
        let Some(run) = answer.call_runs.get_mut(&call.slot).filter(|run| run.state == ToolCallState::Running) else {
            return Vec::new();
        };
        let full_result = run.finish(result, max_bytes, now);
        let message = self.turns[turn_index].answer;
        let whole = full_result
            .map(|outcome| save_effect(vec![ConversationChange::CallResult { message, slot: call.slot, outcome }]));
        whole.into_iter().chain(self.advance_calls(turn_index, [call.slot].into(), now, ids)).collect()
    }

    /// The first call that is asking, in the turn on the active branch.
    pub fn asking_call(&self) -> Option<(CallId, &ToolCallRun)> {
        let turn = self.active_turn().filter(|turn| turn.phase == TurnPhase::Calling)?;
        let answer = self.messages.get(&turn.answer)?.as_answer()?;
        let (slot, run) = answer.call_runs.iter().find(|(_, run)| run.state == ToolCallState::Asking)?;
        Some((CallId { turn: turn.id, slot: *slot }, run))
    }

    /// Stops the running calls of a turn.
    pub(super) fn stop_calls(&self, turn: &super::Turn) -> Vec<ChatEffect> {
        let answer = self.messages.get(&turn.answer).and_then(super::Message::as_answer);
        let runs = answer.map(|answer| answer.call_runs.iter()).into_iter().flatten();
        let running = runs.filter(|(_, run)| run.state == ToolCallState::Running);
        running.map(|(slot, _)| ChatEffect::StopTool(CallId { turn: turn.id, slot: *slot })).collect()
    }

    /// The calls of the current step of a turn.
    fn current_runs(&mut self, turn_index: usize) -> impl Iterator<Item = (ItemSlot, &mut ToolCallRun)> {
        let step = self.turns[turn_index].step;
        let (answer, _) = self.turn_answer(turn_index);
        answer.call_runs.range_mut(ItemSlot { step, index: 0 }..).map(|(slot, run)| (*slot, run))
    }
}

impl Answer {
    /// Whether a response called a function without naming it.
    pub(super) fn has_nameless_call(&self, step: u32) -> bool {
        self.items.iter().filter(|(slot, _)| slot.step == step).any(|(_, item)| {
            matches!(&*item.kind, ItemKind::Call(call) if call.name.trim().is_empty() && !item.is_custom_call())
        })
    }

    /// The ids of calls that the server has answered in the same response.
    fn calls_with_outputs(&self, step: u32) -> BTreeSet<String> {
        let items = self.items.iter().filter(|(slot, _)| slot.step == step);
        let outputs = items
            .filter(|(_, item)| matches!(&*item.kind, ItemKind::Other { kind, .. } if kind.ends_with("call_output")));
        outputs.filter_map(|(_, item)| JsonFields::parse(item.raw.as_ref()?.get())?.non_blank("call_id")).collect()
    }

    /// The calls of a step that ibid should run: slot, name, arguments.
    fn calls_of_step(&self, step: u32) -> impl Iterator<Item = (ItemSlot, &str, &str)> {
        let items = self.items.iter().filter(move |(slot, _)| slot.step == step);
        let answered = self.calls_with_outputs(step);
        items.filter_map(move |(slot, item)| match &*item.kind {
            ItemKind::Call(call) if answered.contains(&call.call_id) => None,
            ItemKind::Call(call) if !call.name.trim().is_empty() && !item.is_custom_call() => {
                Some((*slot, call.name.as_str(), call.arguments.as_str()))
            }
            _ => None,
        })
    }
}

/// Parses the arguments from the model into the form that the tool expects.
fn parse_arguments(tool: &ToolDefinition, text: &str) -> Result<Value, ToolFailure> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let mut arguments: Value = serde_json::from_str(text).map_err(|error| {
        let written: String = text.chars().take(200).collect();
        ToolFailure::Arguments(format!("{written} is not JSON: {}", json::syntax_problem(&error)))
    })?;
    // Some models write the object into a string.
    if let Value::String(inner) = &arguments
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(inner)
    {
        arguments = object;
    }
    if !arguments.is_object() {
        return Err(ToolFailure::Arguments("not an object".into()));
    }
    let arguments = schema::restore_arguments(&tool.parameters, tool.strict, arguments);
    // A server checks its arguments itself; a program may do anything without one.
    if tool.id.server == COMMAND_SERVER {
        schema::check_required(&tool.parameters, &arguments)?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests;
