//! Results of calls: opening them in the pager, copying and saving them.

use crate::ui::{Effect, actions::copying::copied_message, overlays::ScreenOverlay};
use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use crate::{
    chat::{Answer, ItemKind, ItemSlot, MessageId, ToolCallRun, ToolCallState, answer::FunctionCall},
    store::{self, StoreJob},
    tools::ToolOutcome,
    ui::{
        reading::tool_text::call_text,
        results::pager::{CallPager, PagerCommand, result_to_copy as words_of},
        transcript::{CursorTarget, Transcript, TranscriptCursor},
    },
};

/// Opens the call under the cursor, else the last call of the current answer.
pub(crate) fn open_result(screen: &mut Screen, cx: &mut Cx<'_>) {
    let under_cursor =
        screen.transcript(cx.chats).and_then(Transcript::visible_cursor).and_then(|cursor| match cursor.target {
            CursorTarget::Call(slot) => Some((cursor.message, slot)),
            _ => None,
        });
    let newest = || {
        let message = screen.current_answer(cx.chats)?;
        let slot = call_slots(find_answer(cx.chats, message)?).last()?;
        Some((message, slot))
    };
    match under_cursor.or_else(newest) {
        Some((message, slot)) => open_call(&mut screen.overlays, cx, message, slot),
        None => cx.show_message("this answer called no tools"),
    }
}

pub(crate) fn open_call(overlays: &mut Vec<ScreenOverlay>, cx: &mut Cx<'_>, message: MessageId, slot: ItemSlot) {
    let Some((call, run)) = find_call(cx.chats, message, slot) else { return };
    let pager = CallPager::new(message, slot, call, run, cx.env.theme.marks);
    overlays.push(ScreenOverlay::Pager(Box::new(pager)));
    let request = refresh_pager(overlays, cx.chats);
    cx.effects.extend(request);
}

/// Updates the pager before a frame. Returns a request for the full result if the message has only part of it.
pub(crate) fn refresh_pager(overlays: &mut [ScreenOverlay], chats: &Chats) -> Option<Effect> {
    let conversation = chats.conversations.get(&chats.content.conversation_id()?)?;
    let pager = find_pager(overlays)?;
    let (message, slot) = (pager.message, pager.slot);
    let answer = conversation.messages.get(&message)?.as_answer()?;
    let ItemKind::Call(call) = &*answer.items.get(&slot)?.kind else { return None };
    let number = call_slots(answer).position(|other| other == slot).map_or(1, |at| at + 1);
    let is_incomplete = pager.set_call(call, answer.call_runs.get(&slot), (number, call_slots(answer).count()));
    is_incomplete.then_some(Effect::RunStoreJob(StoreJob::LoadOutcome { message, slot }))
}

pub(crate) fn on_result_loaded(
    overlays: &mut [ScreenOverlay],
    message: MessageId,
    slot: ItemSlot,
    result: Result<Option<Box<ToolOutcome>>, store::StoreError>,
) {
    let is_waiting = |pager: &&mut CallPager| pager.is_loading() && (pager.message, pager.slot) == (message, slot);
    let Some(pager) = find_pager(overlays).filter(is_waiting) else {
        return;
    };
    pager.set_full_result(match result {
        Ok(Some(outcome)) => Ok(outcome),
        Ok(None) => Err("the rest was never saved".into()),
        Err(error) => Err(error.to_string()),
    });
}

/// Carries out the request of a key in the pager.
pub(crate) fn apply_request(screen: &mut Screen, cx: &mut Cx<'_>, request: PagerCommand) {
    match request {
        PagerCommand::Nothing => (),
        PagerCommand::Copy(text) => {
            cx.show_message(copied_message(&text));
            cx.effects.push(Effect::CopyToClipboard(text));
        }
        PagerCommand::Save { stem, text } => cx.effects.push(Effect::SaveFile { stem, extension: "txt", text }),
        PagerCommand::StepCall(by) => step_call(screen, cx, by),
        PagerCommand::Close => crate::ui::overlays::close_top(screen, cx),
    }
}

/// Opens another call of the same answer, and moves the cursor with it.
fn step_call(screen: &mut Screen, cx: &mut Cx<'_>, offset: isize) {
    let Some((message, slot)) = find_pager(&mut screen.overlays).map(|pager| (pager.message, pager.slot)) else {
        return;
    };
    let all: Vec<ItemSlot> =
        find_answer(cx.chats, message).map(|answer| call_slots(answer).collect()).unwrap_or_default();
    let at = all.iter().position(|other| *other == slot).and_then(|at| at.checked_add_signed(offset));
    let Some(next) = at.and_then(|at| all.get(at)).copied() else { return };
    screen.overlays.pop();
    if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.set_cursor(Some(TranscriptCursor { message, target: CursorTarget::Call(next) }));
    }
    open_call(&mut screen.overlays, cx, message, next);
}

/// Copies a call and its result.
pub(crate) fn copy_call(cx: &mut Cx<'_>, message: MessageId, slot: ItemSlot) {
    let Some((call, run)) = find_call(cx.chats, message, slot) else { return };
    let outcome = run.and_then(|run| match &run.state {
        ToolCallState::Done(outcome) => Some(outcome),
        _ => None,
    });
    let is_part = run.is_some_and(|run| run.full_size.is_some());
    let result = run.and_then(|run| words_of(run, outcome));
    let text = [Some(call_text(call, run)), result].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let words = copied_message(&text);
    cx.effects.push(Effect::CopyToClipboard(text));
    let opens = cx.env.keymap.keys_of(crate::ui::Action::OpenUnderCursor).unwrap_or_default();
    cx.show_message(if is_part { format!("{words}, without the middle · {opens} shows all") } else { words });
}

fn find_answer(chats: &Chats, message: MessageId) -> Option<&Answer> {
    chats.current_conversation()?.messages.get(&message)?.as_answer()
}

fn find_call(chats: &Chats, message: MessageId, slot: ItemSlot) -> Option<(&FunctionCall, Option<&ToolCallRun>)> {
    let answer = find_answer(chats, message)?;
    match &*answer.items.get(&slot)?.kind {
        ItemKind::Call(call) => Some((call, answer.call_runs.get(&slot))),
        _ => None,
    }
}

fn call_slots(answer: &Answer) -> impl Iterator<Item = ItemSlot> + '_ {
    let is_call = |(_, item): &(&ItemSlot, &crate::chat::Item)| matches!(*item.kind, ItemKind::Call(_));
    answer.items.iter().filter(is_call).map(|(slot, _)| *slot)
}

fn find_pager(overlays: &mut [ScreenOverlay]) -> Option<&mut CallPager> {
    overlays.iter_mut().rev().find_map(|overlay| match overlay {
        ScreenOverlay::Pager(pager) => Some(pager.as_mut()),
        _ => None,
    })
}
