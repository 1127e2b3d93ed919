//! Results of calls: opened in the pager, copied, saved.

use super::{Effect, State, copying::copied, overlays::Overlay};
use crate::{
    chat::{Answer, Kind, MessageId, Run, Slot, Stage, Timestamp, answer::Call},
    store::{self, Job},
    tools::Outcome,
    widgets::{
        pager::{Pager, Wish, copied as words_of},
        transcript::{Cursor, Target, Transcript, called},
    },
};

/// Opens the call under the cursor, else the last one of the answer that the reader is at.
pub(super) fn open(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let under_cursor = state.screen.transcript().and_then(Transcript::cursor).and_then(|cursor| match cursor.target {
        Target::Call(slot) => Some((cursor.message, slot)),
        _ => None,
    });
    let newest = || {
        let message = state.current_answer()?;
        let slot = calls(answer(state, message)?).last()?;
        Some((message, slot))
    };
    match under_cursor.or_else(newest) {
        Some((message, slot)) => open_call(state, message, slot, fx),
        None => state.screen.say(now, "this answer called no tools"),
    }
}

pub(super) fn open_call(state: &mut State, message: MessageId, slot: Slot, fx: &mut Vec<Effect>) {
    let Some((call, run)) = call(state, message, slot) else { return };
    let pager = Pager::new(message, slot, call, run, state.theme.marks);
    state.screen.overlays.push(Overlay::Pager(Box::new(pager)));
    fx.extend(refresh(state));
}

/// Before a frame: the call as it is now. Asks for all of a result that the message has only in part.
pub(super) fn refresh(state: &mut State) -> Option<Effect> {
    let conversation = state.open.get(&state.screen.pane.shows.conversation()?)?;
    let pager = pager(&mut state.screen.overlays)?;
    let (message, slot) = (pager.message, pager.slot);
    let answer = conversation.messages.get(&message)?.answer()?;
    let Kind::Call(call) = &*answer.items.get(&slot)?.kind else { return None };
    let nth = calls(answer).position(|other| other == slot).map_or(1, |at| at + 1);
    let lacks = pager.show(call, answer.runs.get(&slot), (nth, calls(answer).count()));
    lacks.then_some(Effect::Store(Job::Outcome { message, slot }))
}

pub(super) fn on_loaded(
    state: &mut State,
    message: MessageId,
    slot: Slot,
    result: Result<Option<Box<Outcome>>, store::Error>,
) {
    let is_of = |pager: &&mut Pager| pager.loads() && (pager.message, pager.slot) == (message, slot);
    let Some(pager) = pager(&mut state.screen.overlays).filter(is_of) else {
        return;
    };
    pager.fill(match result {
        Ok(Some(outcome)) => Ok(outcome),
        Ok(None) => Err("the rest was never written".into()),
        Err(error) => Err(error.to_string()),
    });
}

/// Does what a key of the pager asked for.
pub(super) fn grant(state: &mut State, now: Timestamp, wish: Wish, fx: &mut Vec<Effect>) {
    match wish {
        Wish::Nothing => (),
        Wish::Copy(text) => {
            state.screen.say(now, copied(&text));
            fx.push(Effect::Copy(text));
        }
        Wish::Save { stem, text } => fx.push(Effect::SaveFile { stem, extension: "txt", text }),
        Wish::Step(by) => step(state, by, fx),
        Wish::Close => super::overlays::close_top(state, now, fx),
    }
}

/// Another call of the same answer; the cursor goes along.
fn step(state: &mut State, by: isize, fx: &mut Vec<Effect>) {
    let Some((message, slot)) = pager(&mut state.screen.overlays).map(|pager| (pager.message, pager.slot)) else {
        return;
    };
    let all: Vec<Slot> = answer(state, message).map(|answer| calls(answer).collect()).unwrap_or_default();
    let at = all.iter().position(|other| *other == slot).and_then(|at| at.checked_add_signed(by));
    let Some(next) = at.and_then(|at| all.get(at)).copied() else { return };
    state.screen.overlays.pop();
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.point_at(Some(Cursor { message, target: Target::Call(next) }));
    }
    open_call(state, message, next, fx);
}

/// Copies a call and what came of it.
pub(super) fn copy(state: &mut State, now: Timestamp, message: MessageId, slot: Slot, fx: &mut Vec<Effect>) {
    let Some((call, run)) = call(state, message, slot) else { return };
    let outcome = run.and_then(|run| match &run.stage {
        Stage::Done(outcome) => Some(outcome),
        _ => None,
    });
    let is_part = run.is_some_and(|run| run.whole.is_some());
    let result = run.and_then(|run| words_of(run, outcome));
    let text = [Some(called(call, run)), result].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let words = copied(&text);
    fx.push(Effect::Copy(text));
    let opens = state.keymap.keys_of(super::Action::OpenThis).unwrap_or_default();
    state.screen.say(now, if is_part { format!("{words}, without the middle: {opens} has all of it") } else { words });
}

fn answer(state: &State, message: MessageId) -> Option<&Answer> {
    state.current()?.messages.get(&message)?.answer()
}

fn call(state: &State, message: MessageId, slot: Slot) -> Option<(&Call, Option<&Run>)> {
    let answer = answer(state, message)?;
    match &*answer.items.get(&slot)?.kind {
        Kind::Call(call) => Some((call, answer.runs.get(&slot))),
        _ => None,
    }
}

fn calls(answer: &Answer) -> impl Iterator<Item = Slot> + '_ {
    let is_call = |(_, item): &(&Slot, &crate::chat::Item)| matches!(*item.kind, Kind::Call(_));
    answer.items.iter().filter(is_call).map(|(slot, _)| *slot)
}

fn pager(overlays: &mut [Overlay]) -> Option<&mut Pager> {
    overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Pager(pager) => Some(pager.as_mut()),
        _ => None,
    })
}
