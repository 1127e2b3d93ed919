//! What goes over the wire for an answer: recorded as it comes, kept with the answer, shown when asked for.

use jiff::SignedDuration;

use super::{Effect, State, on_store::save, overlays::Overlay};
use crate::{
    chat::{
        Change, Growing, MessageId, Recording, StreamId, Timestamp,
        recording::{Piece, What},
    },
    store::{self, Job},
    widgets::xray::{Wish, Xray},
};

/// How often a recording that grows is laid out anew while it is looked at.
const FRESH: SignedDuration = SignedDuration::from_millis(250);

/// All recordings together may take this many times what one may.
const ANSWERS: u64 = 100;

/// Takes in what went over the wire; of a turn that is over nothing counts any more.
pub(super) fn on_recorded(state: &mut State, stream: StreamId, pieces: Vec<Piece>, fx: &mut Vec<Effect>) {
    if pieces.is_empty() {
        return;
    }
    let mut turns = state.open.values().flat_map(|conversation| &conversation.turns);
    let Some(answer) = turns.find(|turn| turn.id == stream.turn).map(|turn| turn.answer) else { return };
    let most = usize::try_from(state.config.xray.max_bytes).unwrap_or(usize::MAX);
    let growing = state.recordings.entry(answer).or_insert_with(|| Growing::new(most));
    let is_request = pieces.iter().any(|piece| matches!(piece.what, What::Sent(_)));
    for piece in pieces {
        growing.push(piece);
    }
    if is_request {
        let written = unwritten(state, answer);
        save(state, written.into_iter().collect(), fx);
    }
}

/// What of a growing recording the disk does not have: it goes there with what the answer grew by.
pub(super) fn unwritten(state: &mut State, message: MessageId) -> Option<Change> {
    let most = usize::try_from(state.config.xray.max_bytes).unwrap_or(usize::MAX);
    let chunk = state.recordings.get_mut(&message)?.take();
    (!chunk.pieces.is_empty()).then_some(Change::Recorded { message, chunk, most })
}

/// Hands the recordings of answers that are over to the database.
pub(super) fn keep(state: &mut State, fx: &mut Vec<Effect>) {
    if state.recordings.is_empty() {
        return;
    }
    let open = &state.open;
    let runs = |answer: MessageId| open.values().any(|conversation| conversation.turn_of(answer).is_some());
    let over: Vec<MessageId> = state.recordings.keys().copied().filter(|answer| !runs(*answer)).collect();
    for message in over {
        let Some(growing) = state.recordings.remove(&message) else { continue };
        let recording = Box::new(growing.recording);
        if let Some(shown) = shown(state).filter(|shown| shown.answer == message) {
            shown.fill(recording.clone());
        }
        let most_in_all = u64::from(state.config.xray.max_bytes) * ANSWERS;
        save(state, vec![Change::Recording { message, recording, most_in_all }], fx);
    }
}

/// Shows the request and the events of the answer that the reader is at.
pub(super) fn open(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let Some(answer) = state.current_answer() else {
        state.screen.say(now, "there is no answer to look into yet");
        return;
    };
    let mut xray = Xray::new(answer, now);
    match state.recordings.get(&answer) {
        Some(growing) => xray.fill(Box::new(growing.recording.clone())),
        None => fx.push(Effect::Store(Job::Recording(answer))),
    }
    state.screen.overlays.push(Overlay::Xray(Box::new(xray)));
}

pub(super) fn on_loaded(state: &mut State, message: MessageId, result: Result<Option<Box<Recording>>, store::Error>) {
    let records = state.config.xray.record;
    let Some(shown) = shown(state).filter(|shown| shown.answer == message && !shown.is_filled()) else { return };
    match result {
        Ok(Some(recording)) => shown.fill(recording),
        Ok(None) if records => shown.fail(
            "Nothing was recorded for this answer.",
            "It is older than the recordings that are kept, or it was made while recording was off.",
        ),
        Ok(None) => shown.fail(
            "Nothing was recorded for this answer: recording is off.",
            "In the config, record = true under [xray] switches it on for the next answers.",
        ),
        Err(error) => shown.fail(&error.to_string(), "Esc, and then the same keys, try again."),
    }
}

/// Before a frame: what has come since the last one, if that is long enough ago.
pub(super) fn refresh(state: &mut State, now: Timestamp) {
    let due = shown(state).filter(|shown| now.duration_since(shown.since) >= FRESH).map(|shown| shown.answer);
    let grown = due.and_then(|answer| state.recordings.get(&answer)).map(|growing| Box::new(growing.recording.clone()));
    if let (Some(recording), Some(shown)) = (grown, shown(state)) {
        shown.fill(recording);
        shown.since = now;
    }
}

/// Does what a key of the overlay asked for.
pub(super) fn grant(state: &mut State, now: Timestamp, wish: Wish, fx: &mut Vec<Effect>) {
    match wish {
        Wish::Nothing => (),
        Wish::Copy(Some(curl)) => {
            fx.push(Effect::Copy(curl));
            state.screen.say(now, "copied as curl; it takes the key from the environment");
        }
        Wish::Copy(None) => {
            state
                .screen
                .warn(now, "the request was too long to be kept whole; xray.max_bytes in the config sets how much is");
        }
        Wish::Save { stem, text } => fx.push(Effect::SaveFile { stem, extension: "json", text }),
    }
}

fn shown(state: &mut State) -> Option<&mut Xray> {
    state.screen.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Xray(xray) => Some(xray.as_mut()),
        Overlay::Welcome(_)
        | Overlay::Picker { .. }
        | Overlay::Parameters(_)
        | Overlay::Help(_)
        | Overlay::Tools(_)
        | Overlay::Pager(_)
        | Overlay::List
        | Overlay::Rail => None,
    })
}
