//! Recordings of an answer's wire traffic: recorded as it arrives, saved with the answer, and shown in the x-ray.

use crate::ui::environment::Environment;
use crate::ui::{cx::Cx, screen::Screen};
use jiff::SignedDuration;

use crate::ui::{Action, Effect, keymap::KeyContext, on_store::save_changes, overlays::ScreenOverlay};
use crate::{
    chat::{
        ConversationChange, MessageId, RecordingInProgress, StreamId, WireRecording,
        recording::{FrameContent, RecordedFrame},
    },
    store::{self, StoreJob},
    ui::xray::{XrayCommand, XrayOverlay},
};

/// How often a growing recording is laid out again while it is shown.
const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_millis(250);

/// The size limit of all recordings together, as a multiple of the limit of one.
const TOTAL_LIMIT_FACTOR: u64 = 100;

/// Records wire traffic; that of a turn that has ended is ignored.
pub(crate) fn on_recorded(cx: &mut Cx<'_>, stream: StreamId, pieces: Vec<RecordedFrame>) {
    if pieces.is_empty() {
        return;
    }
    let mut turns = cx.chats.conversations.values().flat_map(|conversation| &conversation.turns);
    let Some(answer) = turns.find(|turn| turn.id == stream.turn).map(|turn| turn.answer) else { return };
    let max_bytes = usize::try_from(cx.env.config.xray.max_bytes).unwrap_or(usize::MAX);
    let growing = cx.chats.recordings.entry(answer).or_insert_with(|| RecordingInProgress::new(max_bytes));
    let is_request = pieces.iter().any(|piece| matches!(piece.what, FrameContent::Sent(_)));
    for piece in pieces {
        growing.push(piece);
    }
    if is_request {
        let unsaved = unsaved_chunk(cx, answer);
        save_changes(cx, unsaved.into_iter().collect());
    }
}

/// Returns the part of a growing recording that is not saved yet; it is saved along with the answer's growth.
pub(crate) fn unsaved_chunk(cx: &mut Cx<'_>, message: MessageId) -> Option<ConversationChange> {
    let max_bytes = usize::try_from(cx.env.config.xray.max_bytes).unwrap_or(usize::MAX);
    let chunk = cx.chats.recordings.get_mut(&message)?.take_chunk();
    (!chunk.frames.is_empty()).then_some(ConversationChange::RecordingChunk { message, chunk, max_bytes })
}

/// Saves the recordings of answers that have ended.
pub(crate) fn save_ended(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>) {
    if cx.chats.recordings.is_empty() {
        return;
    }
    let open = &cx.chats.conversations;
    let is_running = |answer: MessageId| open.values().any(|conversation| conversation.turn_of(answer).is_some());
    let ended: Vec<MessageId> = cx.chats.recordings.keys().copied().filter(|answer| !is_running(*answer)).collect();
    for message in ended {
        let Some(growing) = cx.chats.recordings.remove(&message) else { continue };
        let recording = Box::new(growing.recording);
        if let Some(shown) = find_xray(overlays).filter(|shown| shown.answer == message) {
            shown.set_recording(recording.clone());
        }
        let max_total_bytes = u64::from(cx.env.config.xray.max_bytes) * TOTAL_LIMIT_FACTOR;
        save_changes(cx, vec![ConversationChange::Recording { message, recording, max_total_bytes }]);
    }
}

/// Shows the request and the events of the current answer.
pub(crate) fn open_xray(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(answer) = screen.current_answer(cx.chats) else {
        cx.show_message("there is no answer to inspect yet");
        return;
    };
    let mut xray = XrayOverlay::new(answer, cx.now);
    match cx.chats.recordings.get(&answer) {
        Some(growing) => xray.set_recording(Box::new(growing.recording.clone())),
        None => cx.effects.push(Effect::RunStoreJob(StoreJob::LoadRecording(answer))),
    }
    screen.overlays.push(ScreenOverlay::Xray(Box::new(xray)));
}

pub(crate) fn on_recording_loaded(
    overlays: &mut [ScreenOverlay],
    env: &mut Environment,
    message: MessageId,
    result: Result<Option<Box<WireRecording>>, store::StoreError>,
) {
    let is_recording = env.config.xray.record;
    let Some(shown) = find_xray(overlays).filter(|shown| shown.answer == message && !shown.is_filled()) else { return };
    match result {
        Ok(Some(recording)) => shown.set_recording(recording),
        Ok(None) if is_recording => shown.set_failure(
            "Nothing was recorded for this answer.",
            "It is older than the recordings that are kept, or it was made while recording was off.",
        ),
        Ok(None) => shown.set_failure(
            "Nothing was recorded for this answer: recording is off.",
            "In the config, record = true under [xray] switches it on for the next answers.",
        ),
        Err(error) => {
            let [back, again] = [(KeyContext::Xray, Action::Back), (KeyContext::Transcript, Action::ShowXray)]
                .map(|(context, action)| env.keymap.keys_or_name(context, action));
            shown.set_failure(&error.to_string(), &format!("Press {back} and then {again} to try again."));
        }
    }
}

/// Updates the shown recording before a frame, if the last update is long enough ago.
pub(crate) fn refresh_xray(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>) {
    let now = cx.now;
    let due = find_xray(overlays)
        .filter(|shown| now.duration_since(shown.refreshed_at) >= REFRESH_INTERVAL)
        .map(|shown| shown.answer);
    let grown =
        due.and_then(|answer| cx.chats.recordings.get(&answer)).map(|growing| Box::new(growing.recording.clone()));
    if let (Some(recording), Some(shown)) = (grown, find_xray(overlays)) {
        shown.set_recording(recording);
        shown.refreshed_at = now;
    }
}

/// Carries out the request of a key in the overlay.
pub(crate) fn apply_request(cx: &mut Cx<'_>, request: XrayCommand) {
    match request {
        XrayCommand::Nothing => (),
        XrayCommand::CopyCurl(Some(curl)) => {
            cx.effects.push(Effect::CopyToClipboard(curl));
            cx.show_message("copied as curl; it takes the key from the environment");
        }
        XrayCommand::CopyCurl(None) => {
            cx.warn("the request was too long to record in full; xray.max_bytes in the config sets the limit");
        }
        XrayCommand::Save { stem, text } => cx.effects.push(Effect::SaveFile { stem, extension: "json", text }),
    }
}

fn find_xray(overlays: &mut [ScreenOverlay]) -> Option<&mut XrayOverlay> {
    overlays.iter_mut().rev().find_map(|overlay| match overlay {
        ScreenOverlay::Xray(xray) => Some(xray.as_mut()),
        ScreenOverlay::Connect(_)
        | ScreenOverlay::Picker { .. }
        | ScreenOverlay::Parameters(_)
        | ScreenOverlay::Commands(_)
        | ScreenOverlay::Help(_)
        | ScreenOverlay::Safeguard(_)
        | ScreenOverlay::Tools(_)
        | ScreenOverlay::Trash(_)
        | ScreenOverlay::Pager(_)
        | ScreenOverlay::Search(_)
        | ScreenOverlay::List
        | ScreenOverlay::Rail => None,
    })
}
