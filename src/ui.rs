//! The program's state, the messages that change it, and the effects it requests.

pub mod action;
mod actions;
pub mod areas;
pub mod chats;
pub mod commands;
pub mod composer;
pub mod connect;
pub mod conversation_index;
pub mod conversations;
pub mod costs;
pub mod cx;
mod dispatch;
pub mod effect;
pub mod environment;
pub mod escape_keys;
mod focus;
pub mod help;
mod hint_clicks;
pub mod key_hints;
pub mod keymap;
mod layout;
mod list_sync;
pub mod models;
pub mod msg;
mod news;
pub mod notifications;
mod on_input;
pub mod on_mouse;
mod on_store;
mod on_stream;
pub mod overlay;
pub mod overlays;
pub mod rail;
pub mod reading;
pub mod results;
pub mod safeguard;
pub mod saves;
pub mod screen;
pub mod search;
pub mod slash;
pub mod start;
pub mod state;
pub mod status;
pub mod teaching;
pub mod temporary;
#[cfg(test)]
pub mod test_buffer;
pub mod themes;
pub mod title;
mod toast_ends;
pub mod toasts;
pub mod tools;
pub mod transcript;
pub mod trash;
pub mod view;
pub mod xray;

pub use action::Action;
pub use effect::Effect;
pub use layout::{settle, sync};
pub use msg::Msg;
pub use start::{CliOverrides, EndpointInfo, InitialConversation, StartOptions};
pub use state::State;

use crossterm::event::Event;
use jiff::SignedDuration;
use {cx::Cx, screen::Screen};

use crate::{chat::Timestamp, ui::transcript::Transcript};
use msg::FileWriteError;
use screen::HINTS_DELAY;

/// How often the clock and the spinner of a running turn advance.
pub const CLOCK_STEP: SignedDuration = SignedDuration::from_millis(125);

/// The delay before work that spans several frames continues.
const FRAME_INTERVAL: SignedDuration = SignedDuration::from_millis(16);

/// Applies a message to the state and returns the effects to carry out.
pub fn update(state: &mut State, now: Timestamp, msg: Msg) -> Vec<Effect> {
    if let Msg::Input { event: Event::Mouse(mouse), .. } = &msg
        && let Some(effects) = hint_clicks::on_press(state, now, *mouse)
    {
        return effects;
    }
    let mut effects = Vec::new();
    let (screen, mut cx) = state.split(now, &mut effects);
    let cx = &mut cx;
    match msg {
        Msg::Input { event, more } => on_input::on_input(screen, cx, event, more),
        Msg::ExternalPrompt(text) => actions::switching::submit_prompt(screen, cx, text),
        Msg::StreamOpened { stream, generation } => on_stream::on_stream_opened(cx, stream, generation),
        Msg::WireRecorded { stream, pieces } => actions::xray_actions::on_recorded(cx, stream, pieces),
        Msg::Stream { stream, at, events, recorded } => {
            actions::xray_actions::on_recorded(cx, stream, recorded);
            on_stream::on_events(cx, stream, at, &events);
        }
        Msg::StreamEnded { stream, at, result } => on_stream::on_stream_ended(cx, stream, at, result),
        Msg::Priced { answer, generation, result } => {
            on_stream::on_priced(cx, answer, generation, result);
        }
        Msg::QuotaReported { answer, quota } => on_stream::on_quota(cx, answer, quota),
        Msg::McpEvent(event) => actions::tool_actions::on_mcp_event(&mut screen.overlays, cx, &event),
        Msg::ToolsReported { server, tools } => actions::tool_actions::on_tools(cx, server, tools),
        Msg::ToolProgress { call, words } => on_stream::on_tool_progress(cx.chats, call, words),
        Msg::ToolEnded { call, at, result } => on_stream::on_tool_ended(cx, call, at, result),
        Msg::DatabaseTouched => list_sync::look_for_changes(cx),
        Msg::DatabaseUnwatched => cx.chats.next_look = Some(cx.now),
        Msg::StoreReply(reply) => on_store::on_reply(screen, cx, reply),
        Msg::CatalogueLoaded { endpoint, result } => actions::model_settings::on_models(screen, cx, &endpoint, result),
        Msg::Highlighted(painted) => {
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.apply_highlighting(&painted);
            }
        }
        Msg::TextLaidOut { text, layout } => screen.on_text_laid_out(text, *layout),
        Msg::TextSearched { conversation, ticket, found } => {
            if let Some(transcript) = screen.pane.transcripts.get_mut(&conversation) {
                transcript.on_text_searched(ticket, *found);
            }
        }
        Msg::PageOpened { url, result } => actions::citation_actions::on_browsed(screen, cx, url, result),
        Msg::PageChecked { conversation, message, results } => {
            actions::source_checks::on_checked(&mut screen.pane, cx, conversation, message, results);
        }
        Msg::ClaimsJudged { conversation, message, model, result } => {
            actions::claim_judge::on_judged(&mut screen.pane, cx, conversation, message, &model, result);
        }
        Msg::TitleSuggested { conversation, message, model, result } => {
            actions::title_actions::on_title(screen, cx, conversation, message, &model, result);
        }
        Msg::EditorClosed(result) => on_editor_closed(screen, cx, result),
        Msg::SignInReported(report) => overlays::connecting::on_sign_in(screen, cx, report),
        Msg::Connected(outcome) => overlays::connecting::on_connected(screen, cx, outcome),
        Msg::KeysListed(keys) => overlays::connecting::on_keys_listed(screen, keys),
        Msg::KeyForgotten(result) => overlays::connecting::on_key_forgotten(screen, cx, result),
        Msg::LocalServerProbed { name, result } => overlays::connecting::on_probed(screen, &name, result),
        Msg::Copied(Ok(method)) => {
            let dot = cx.env.theme.marks.dot;
            cx.toasts.append_to("copied", &format!(" {dot} {method}"));
        }
        Msg::Copied(Err(why)) => cx.warn(format!("not copied: {why}")),
        Msg::FileSaved(result) => match result {
            Ok(path) => cx.show_message(format!("saved as {path}")),
            Err(why) => cx.warn(why),
        },
        Msg::FileWritten { path, text, result } => match result {
            Ok(path) => cx.show_message(format!("saved as {path}")),
            Err(FileWriteError::Exists) => overlays::ask_overwrite(screen, &path, &text),
            Err(FileWriteError::Failed(why)) => cx.warn(why),
        },
        Msg::CommandEnded(result) => overlays::on_command_ended(screen, cx, result),
        Msg::BackgroundReported(shade) => actions::theme_actions::on_background(&mut screen.overlays, cx, shade),
        Msg::ColoursChanged => actions::theme_actions::on_colours_changed(cx.env),
        Msg::ThemesRead(files) => actions::theme_actions::on_themes(&mut screen.overlays, cx.env, files),
        Msg::SettingSaved { chosen, result } => {
            if let Err(why) = result {
                cx.warn(format!("{} until you quit, but {why}", chosen.session_message()));
            }
        }
        Msg::Tick => (),
        Msg::Terminated => dispatch::quit(screen, cx),
    }
    on_due(screen, cx);
    actions::xray_actions::save_ended(&mut screen.overlays, cx);
    effects
}

/// Does what is due at `now`, regardless of the message.
fn on_due(screen: &mut Screen, cx: &mut Cx<'_>) {
    on_stream::on_tick(cx);
    on_mouse::on_tick(screen, cx);
    actions::switching::save_due_draft(&mut screen.pane, cx);
    actions::kept_state::save_due_place(&mut screen.pane, cx);
    actions::kept_state::save_panes(screen, cx);
    actions::list_actions::regroup_at_midnight(&mut screen.list, cx);
    costs::refresh(cx);
    list_sync::look_if_due(cx);
    cx.toasts.expire(cx.now);
    toast_ends::end_toasts(screen, cx);
    if cx.toasts.text().is_none() && !cx.env.complaints.is_empty() && !cx.env.is_unattended {
        let complaint = cx.env.complaints.remove(0);
        cx.warn(complaint);
    }
    if screen.quit_until.is_some_and(|until| until <= cx.now) {
        screen.quit_until = None;
    }
}

fn on_editor_closed(screen: &mut Screen, cx: &mut Cx<'_>, result: Result<String, String>) {
    match result {
        Ok(text) => {
            screen.pane.composer.replace(text.trim_end_matches('\n'));
            actions::switching::schedule_draft_save(&mut screen.pane, cx);
        }
        Err(why) => cx.warn(why),
    }
}

/// Returns when something is due without a message: a clock tick, the end of a toast, a retry.
pub fn next_wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let screen = &state.screen;
    let running = state.chats.current_conversation().and_then(|chat| Some((chat, chat.active_turn()?)));
    let clock = running.map(|(conversation, turn)| {
        // A turn that waits for the user shows whole seconds, and no spinner turns.
        let step =
            if notifications::pending_decisions(conversation) > 0 { SignedDuration::from_secs(1) } else { CLOCK_STEP };
        let steps = now.duration_since(turn.phase_started).as_millis() / step.as_millis();
        turn.phase_started + step * i32::try_from(steps + 1).unwrap_or(i32::MAX)
    });
    let has_pending_work = |transcript: &Transcript| transcript.is_searching() || transcript.is_behind();
    let is_behind = screen.rail.is_behind || screen.transcript(&state.chats).is_some_and(has_pending_work);
    let next_layout = is_behind.then(|| now + FRAME_INTERVAL);
    let hints = screen.pending_sequence.as_ref().map(|leader| leader.since + HINTS_DELAY).filter(|due| *due > now);
    state
        .chats
        .conversations
        .values()
        .filter_map(crate::chat::Conversation::next_wake)
        .chain(
            [
                clock,
                hints,
                next_layout,
                screen.pane.draft_due,
                screen.pane.place_due,
                screen.quit_until,
                screen.mouse.scroll_due,
            ]
            .into_iter()
            .flatten(),
        )
        .chain(actions::source_checks::next_wake(&state.screen, &state.chats, now))
        .chain(screen.list.day_ends_at().filter(|_| actions::list_actions::is_visible(screen)))
        .chain(state.toasts.ends_at())
        .chain(state.chats.next_look.filter(|_| state.env.notifications.has_focus()))
        .chain(overlays::connecting::next_wake(screen, now))
        .min()
}
