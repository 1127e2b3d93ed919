//! The state of the program, what happens to it, and what it asks of the world.

pub mod action;
pub mod areas;
pub mod attention;
mod branching;
pub mod cards;
mod citing;
mod copying;
pub mod effect;
pub mod finding;
pub mod keymap;
pub mod ladders;
mod listing;
pub mod looks;
pub mod models;
pub mod msg;
mod on_action;
mod on_input;
pub mod on_mouse;
mod on_store;
mod on_stream;
pub mod overlays;
mod panes;
mod results;
pub mod saves;
pub mod screen;
pub mod start;
pub mod state;
mod today;
pub mod tools;
mod xray;

pub use action::Action;
pub use effect::Effect;
pub use msg::Msg;
pub use start::{EndpointInfo, Open, Overrides, Start};
pub use state::State;

use jiff::SignedDuration;
use ratatui::layout::{Margin, Size};

use crate::{
    chat::Timestamp,
    config::Code,
    widgets::{
        markdown::CodeLines,
        rail::{Looking, Tab},
        transcript::{ReadingOptions, Transcript},
    },
};
use areas::Areas;
use msg::NotWritten;
use overlays::Overlay;
use screen::{Focus, LEADER};

/// How often the clock of a running turn moves: the spinner's step.
pub const STEP: SignedDuration = SignedDuration::from_millis(125);

/// How soon work that takes several frames goes on.
const FRAME: SignedDuration = SignedDuration::from_millis(16);

/// Changes the state by what happened, and says what the world must do about it.
pub fn update(state: &mut State, now: Timestamp, msg: Msg) -> Vec<Effect> {
    let mut fx = Vec::new();
    match msg {
        Msg::Input { event, more } => on_input::on_input(state, now, event, more, &mut fx),
        Msg::Ask(text) => panes::submit(state, now, text, &mut fx),
        Msg::StreamOpened { stream, generation } => on_stream::on_opened(state, now, stream, generation),
        Msg::Recorded { stream, pieces } => xray::on_recorded(state, stream, pieces, &mut fx),
        Msg::Stream { stream, at, events, recorded } => {
            xray::on_recorded(state, stream, recorded, &mut fx);
            on_stream::on_events(state, stream, at, &events, &mut fx);
        }
        Msg::StreamEnded { stream, at, result } => on_stream::on_ended(state, stream, at, result, &mut fx),
        Msg::Priced { answer, generation, result } => {
            on_stream::on_priced(state, now, answer, generation, result, &mut fx);
        }
        Msg::Quota { answer, quota } => on_stream::on_quota(state, answer, quota, &mut fx),
        Msg::Mcp(event) => tools::on_mcp(state, now, &event, &mut fx),
        Msg::Tools { server, tools } => tools::on_tools(state, server, tools),
        Msg::ToolProgress { call, words } => on_stream::on_progress(state, call, words),
        Msg::ToolEnded { call, at, result } => on_stream::on_tool_ended(state, call, at, result, &mut fx),
        Msg::Store(reply) => on_store::on_reply(state, now, reply, &mut fx),
        Msg::Models { endpoint, result } => models::on_models(state, now, &endpoint, result, &mut fx),
        Msg::Highlighted(painted) => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.painted(&painted);
            }
        }
        Msg::Browsed { url, result } => citing::on_browsed(state, now, url, result),
        Msg::Checked { conversation, question, result } => {
            citing::on_checked(state, now, conversation, question, result);
        }
        Msg::Edited(result) => on_edited(state, now, result),
        Msg::Connected(result) => overlays::on_connected(state, now, result, &mut fx),
        Msg::Copied(Ok(way)) => {
            let dot = state.theme.marks.dot;
            state.screen.toasts.add("copied", &format!(" {dot} {way}"));
        }
        Msg::Copied(Err(why)) => state.screen.warn(now, format!("not copied: {why}")),
        Msg::FileSaved(result) => match result {
            Ok(path) => state.screen.say(now, format!("saved as {path}")),
            Err(why) => state.screen.warn(now, why),
        },
        Msg::Written { path, text, result } => match result {
            Ok(path) => state.screen.say(now, format!("saved as {path}")),
            Err(NotWritten::Exists) => overlays::ask_over(state, &path, &text),
            Err(NotWritten::Failed(why)) => state.screen.warn(now, why),
        },
        Msg::Piped(result) => overlays::on_piped(state, now, result),
        Msg::Background(shade) => looks::on_background(state, now, shade),
        Msg::ColoursChanged => looks::on_colours_changed(state),
        Msg::Themes(files) => looks::on_themes(state, files),
        Msg::Kept { chosen, result } => {
            if let Err(why) = result {
                state.screen.warn(now, format!("{} until you quit, but {why}", chosen.holds()));
            }
        }
        Msg::Tick => (),
        Msg::Terminated => on_action::quit(state, now, &mut fx),
    }
    on_due(state, now, &mut fx);
    xray::keep(state, &mut fx);
    fx
}

/// Does what is due at `now`, whatever the message was.
fn on_due(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    on_stream::on_tick(state, now, fx);
    on_mouse::on_tick(state, now);
    panes::draft_tick(state, now, fx);
    today::keep(state, now, fx);
    state.screen.toasts.expire(now);
    if state.screen.toasts.words().is_none() && !state.complaints.is_empty() && !state.unattended {
        let complaint = state.complaints.remove(0);
        state.screen.warn(now, complaint);
    }
    if state.screen.quitting.is_some_and(|until| until <= now) {
        state.screen.quitting = None;
    }
}

fn on_edited(state: &mut State, now: Timestamp, result: Result<String, String>) {
    match result {
        Ok(text) => {
            state.screen.pane.composer.replace(text.trim_end_matches('\n'));
            panes::draft_changed(state, now);
        }
        Err(why) => state.screen.warn(now, why),
    }
}

/// When something is due without a message: a clock's tick, a toast's end, a retry.
pub fn next_wake(state: &State, now: Timestamp) -> Option<Timestamp> {
    let screen = &state.screen;
    let clock = state.current().and_then(|conversation| conversation.active_turn()).map(|turn| {
        let steps = now.duration_since(turn.since).as_millis() / STEP.as_millis();
        turn.since + STEP * i32::try_from(steps + 1).unwrap_or(i32::MAX)
    });
    let goes_on = |transcript: &Transcript| transcript.is_finding() || transcript.is_behind();
    let going_on = screen.transcript().is_some_and(goes_on).then(|| now + FRAME);
    let hints = screen.leader.as_ref().map(|leader| leader.since + LEADER).filter(|due| *due > now);
    state
        .open
        .values()
        .filter_map(crate::chat::Conversation::next_wake)
        .chain(
            [clock, hints, going_on, screen.pane.draft_due, screen.quitting, screen.pointer.due].into_iter().flatten(),
        )
        .chain(citing::next_wake(state, now))
        .chain(screen.toasts.until())
        .min()
}

/// Lays out what the next frame shows.
pub fn sync(state: &mut State, now: Timestamp, size: Size) -> Vec<Effect> {
    state.screen.size = size;
    xray::refresh(state, now);
    let asked = results::refresh(state);
    let areas = state.screen.divide();
    state.screen.pane.composer.scroll_to_cursor(areas.composer.height);
    if state.screen.focus == Focus::Card && cards::offered(state).is_empty() {
        state.screen.focus = Focus::Composer;
    }
    finding::sync(state);
    listing::arrange(state, now);
    overlays::sync(state);
    let list_height = if areas.list.is_empty() { size.height.saturating_sub(3) } else { areas.list.height };
    state.screen.list.scroll_to_cursor(list_height);
    let reasoning_in_rail = state.screen.rail_docked() && state.screen.rail.tab == Tab::Reasoning;
    let mut fx: Vec<Effect> =
        [asked, looks::ask(state, now), attention::set_title(state)].into_iter().flatten().collect();
    let Some(id) = state.screen.pane.shows.conversation() else { return fx };
    let (Some(conversation), Some(transcript)) = (state.open.get(&id), state.screen.pane.transcripts.get_mut(&id))
    else {
        return fx;
    };
    let mut options = ReadingOptions {
        reasoning_in_rail,
        ..ReadingOptions::new(&state.theme, state.config.reasoning.show, state.time_zone.clone())
    };
    options.look.code = match state.config.code {
        Code::Wrap => CodeLines::Wrapped,
        Code::Scroll => CodeLines::Scrolled,
    };
    transcript.sync(conversation, areas.transcript.width, areas.transcript.height, now, &options);
    let rail = if state.screen.overlays.iter().any(|overlay| matches!(overlay, Overlay::Rail)) {
        // Inside its frame.
        Areas::floating_rail(size, state.screen.widths).inner(Margin::new(2, 1))
    } else {
        areas.rail
    };
    if !rail.is_empty() {
        let current = transcript.current();
        let lit = transcript.cited_source();
        state.screen.rail.sync(conversation, Looking { message: current, source: lit }, rail.as_size(), now, &options);
    }
    fx.extend(transcript.take_jobs().into_iter().map(Effect::Highlight));
    fx
}
