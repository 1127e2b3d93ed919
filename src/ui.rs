//! The program's state, the messages that change it, and the effects it requests.

pub mod action;
pub mod areas;
pub mod code_blocks;
pub mod composer;
pub mod connect;
pub mod conversations;
mod costs;
mod dispatch;
pub mod effect;
pub mod escape_keys;
pub mod help;
pub mod key_hints;
pub mod keymap;
pub mod models;
pub mod msg;
pub mod notifications;
mod on_input;
pub mod on_mouse;
mod on_store;
mod on_stream;
pub mod overlay;
pub mod overlays;
pub mod rail;
pub mod results;
pub mod saves;
pub mod screen;
pub mod sources;
pub mod start;
pub mod state;
pub mod status;
#[cfg(test)]
pub mod test_buffer;
pub mod themes;
pub mod title;
pub mod toasts;
pub mod tools;
pub mod transcript;
pub mod view;
pub mod xray;

pub use action::Action;
pub use effect::Effect;
pub use msg::Msg;
pub use start::{CliOverrides, EndpointInfo, InitialConversation, StartOptions};
pub use state::State;

use jiff::SignedDuration;
use ratatui::layout::{Margin, Size};

use crate::{
    chat::Timestamp,
    config::CodeOverflow,
    render::markdown::CodeLineMode,
    ui::{
        rail::{RailFocus, RailTab},
        transcript::{ReadingOptions, Transcript},
    },
};
use areas::ScreenAreas;
use msg::FileWriteError;
use overlays::ScreenOverlay;
use screen::{HINTS_DELAY, PaneFocus};

/// How often the clock and the spinner of a running turn advance.
pub const CLOCK_STEP: SignedDuration = SignedDuration::from_millis(125);

/// The delay before work that spans several frames continues.
const FRAME_INTERVAL: SignedDuration = SignedDuration::from_millis(16);

/// Applies a message to the state and returns the effects to carry out.
pub fn update(state: &mut State, now: Timestamp, msg: Msg) -> Vec<Effect> {
    let mut fx = Vec::new();
    match msg {
        Msg::Input { event, more } => on_input::on_input(state, now, event, more, &mut fx),
        Msg::ExternalPrompt(text) => conversations::switching::submit_prompt(state, now, text, &mut fx),
        Msg::StreamOpened { stream, generation } => on_stream::on_stream_opened(state, now, stream, generation),
        Msg::WireRecorded { stream, pieces } => xray::xray_actions::on_recorded(state, stream, pieces, &mut fx),
        Msg::Stream { stream, at, events, recorded } => {
            xray::xray_actions::on_recorded(state, stream, recorded, &mut fx);
            on_stream::on_events(state, stream, at, &events, &mut fx);
        }
        Msg::StreamEnded { stream, at, result } => on_stream::on_stream_ended(state, stream, at, result, &mut fx),
        Msg::Priced { answer, generation, result } => {
            on_stream::on_priced(state, now, answer, generation, result, &mut fx);
        }
        Msg::QuotaReported { answer, quota } => on_stream::on_quota(state, answer, quota, &mut fx),
        Msg::McpEvent(event) => tools::tool_registry::on_mcp_event(state, now, &event, &mut fx),
        Msg::ToolsReported { server, tools } => tools::tool_registry::on_tools(state, server, tools),
        Msg::ToolProgress { call, words } => on_stream::on_tool_progress(state, call, words),
        Msg::ToolEnded { call, at, result } => on_stream::on_tool_ended(state, call, at, result, &mut fx),
        Msg::StoreReply(reply) => on_store::on_reply(state, now, reply, &mut fx),
        Msg::CatalogueLoaded { endpoint, result } => {
            models::model_settings::on_models(state, now, &endpoint, result, &mut fx)
        }
        Msg::Highlighted(painted) => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.apply_highlighting(&painted);
            }
        }
        Msg::PageOpened { url, result } => sources::citation_actions::on_browsed(state, now, url, result),
        Msg::SourceChecked { conversation, question, result } => {
            sources::citation_actions::on_checked(state, now, conversation, question, result);
        }
        Msg::EditorClosed(result) => on_editor_closed(state, now, result),
        Msg::Connected(result) => overlays::on_connected(state, now, result, &mut fx),
        Msg::Copied(Ok(method)) => {
            let dot = state.theme.marks.dot;
            state.screen.toasts.append_to("copied", &format!(" {dot} {method}"));
        }
        Msg::Copied(Err(why)) => state.screen.warn(now, format!("not copied: {why}")),
        Msg::FileSaved(result) => match result {
            Ok(path) => state.screen.show_message(now, format!("saved as {path}")),
            Err(why) => state.screen.warn(now, why),
        },
        Msg::FileWritten { path, text, result } => match result {
            Ok(path) => state.screen.show_message(now, format!("saved as {path}")),
            Err(FileWriteError::Exists) => overlays::ask_overwrite(state, &path, &text),
            Err(FileWriteError::Failed(why)) => state.screen.warn(now, why),
        },
        Msg::CommandEnded(result) => overlays::on_command_ended(state, now, result),
        Msg::BackgroundReported(shade) => themes::theme_selection::on_background(state, now, shade),
        Msg::ColoursChanged => themes::theme_selection::on_colours_changed(state),
        Msg::ThemesRead(files) => themes::theme_selection::on_themes(state, files),
        Msg::SettingSaved { chosen, result } => {
            if let Err(why) = result {
                state.screen.warn(now, format!("{} until you quit, but {why}", chosen.session_message()));
            }
        }
        Msg::Tick => (),
        Msg::Terminated => dispatch::quit(state, now, &mut fx),
    }
    on_due(state, now, &mut fx);
    xray::xray_actions::save_ended(state, &mut fx);
    fx
}

/// Does what is due at `now`, regardless of the message.
fn on_due(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    on_stream::on_tick(state, now, fx);
    on_mouse::on_tick(state, now);
    conversations::switching::save_due_draft(state, now, fx);
    costs::refresh(state, now, fx);
    state.screen.toasts.expire(now);
    if state.screen.toasts.text().is_none() && !state.complaints.is_empty() && !state.is_unattended {
        let complaint = state.complaints.remove(0);
        state.screen.warn(now, complaint);
    }
    if state.screen.quit_until.is_some_and(|until| until <= now) {
        state.screen.quit_until = None;
    }
}

fn on_editor_closed(state: &mut State, now: Timestamp, result: Result<String, String>) {
    match result {
        Ok(text) => {
            state.screen.pane.composer.replace(text.trim_end_matches('\n'));
            conversations::switching::schedule_draft_save(state, now);
        }
        Err(why) => state.screen.warn(now, why),
    }
}

/// Returns when something is due without a message: a clock tick, the end of a toast, a retry.
pub fn next_wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let screen = &state.screen;
    let clock = state.current_conversation().and_then(|conversation| conversation.active_turn()).map(|turn| {
        let steps = now.duration_since(turn.phase_started).as_millis() / CLOCK_STEP.as_millis();
        turn.phase_started + CLOCK_STEP * i32::try_from(steps + 1).unwrap_or(i32::MAX)
    });
    let has_pending_work = |transcript: &Transcript| transcript.is_searching() || transcript.is_behind();
    let next_layout = screen.transcript().is_some_and(has_pending_work).then(|| now + FRAME_INTERVAL);
    let hints = screen.pending_sequence.as_ref().map(|leader| leader.since + HINTS_DELAY).filter(|due| *due > now);
    state
        .conversations
        .values()
        .filter_map(crate::chat::Conversation::next_wake)
        .chain(
            [clock, hints, next_layout, screen.pane.draft_due, screen.quit_until, screen.mouse.scroll_due]
                .into_iter()
                .flatten(),
        )
        .chain(sources::citation_actions::next_wake(state, now))
        .chain(screen.toasts.ends_at())
        .min()
}

/// Lays out the next frame.
pub fn sync(state: &mut State, now: Timestamp, size: Size) -> Vec<Effect> {
    state.screen.size = size;
    xray::xray_actions::refresh_xray(state, now);
    let result_request = results::call_results::refresh_pager(state);
    let areas = state.screen.update_areas();
    state.screen.pane.composer.scroll_to_cursor(areas.composer.height);
    if state.screen.focus == PaneFocus::Card && transcript::error_card::offered_choices(state).is_empty() {
        state.screen.focus = PaneFocus::Composer;
    }
    transcript::finding::sync(state);
    conversations::list_actions::refresh_rows(state, now);
    overlays::sync(state);
    let list_height = if areas.list.is_empty() { size.height.saturating_sub(3) } else { areas.list.height };
    state.screen.list.scroll_to_cursor(list_height);
    let reasoning_in_rail = state.screen.is_rail_docked() && state.screen.rail.tab == RailTab::Reasoning;
    let mut fx: Vec<Effect> = [
        result_request,
        themes::theme_selection::query_background(state, now),
        notifications::update_window_title(state),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Some(id) = state.screen.pane.content.conversation_id() else { return fx };
    let (Some(conversation), Some(transcript)) =
        (state.conversations.get(&id), state.screen.pane.transcripts.get_mut(&id))
    else {
        return fx;
    };
    let mut options = ReadingOptions {
        reasoning_in_rail,
        ..ReadingOptions::new(&state.theme, state.config.reasoning.show, state.time_zone.clone())
    };
    options.look.code_lines = match state.config.code {
        CodeOverflow::Wrap => CodeLineMode::Wrapped,
        CodeOverflow::Scroll => CodeLineMode::Scrolled,
    };
    transcript.sync(conversation, areas.transcript.width, areas.transcript.height, now, &options);
    let rail = if state.screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Rail)) {
        // The area inside its border.
        ScreenAreas::floating_rail(size, state.screen.widths).inner(Margin::new(2, 1))
    } else {
        areas.rail
    };
    if !rail.is_empty() {
        let current = transcript.current_message();
        let cited_source = transcript.selected_source_number();
        state.screen.rail.sync(
            conversation,
            RailFocus { message: current, source: cited_source },
            rail.as_size(),
            now,
            &options,
        );
    }
    fx.extend(transcript.take_highlight_jobs().into_iter().map(Effect::HighlightCode));
    fx
}
