//! Lays out what the screen shows: before each frame, and before a key whose meaning depends on it.

use crossterm::event::{Event as Input, MouseEventKind};
use ratatui::layout::Size;

use super::{
    Effect, Msg, State,
    actions::{call_results, copying, finding, list_actions, slash_commands, theme_actions, xray_actions},
    areas::ScreenAreas,
    cx::Cx,
    notifications,
    overlays::{self, ScreenOverlay},
    rail::{self, RailFocus, RailTab},
    reading::ReadingOptions,
    screen::{PaneFocus, Screen},
    transcript::{Transcript, error_card},
};
use crate::ui::{actions::kept_state, conversations::list::FloatingListView};
use crate::{chat::Timestamp, config::CodeOverflow, render::markdown::CodeLineMode};

/// Lays out what a message depends on: keys from one read are handled without frames between them.
pub fn settle(state: &mut State, now: Timestamp, msg: &Msg) -> Vec<Effect> {
    let Msg::Input { event, .. } = msg else { return Vec::new() };
    let has_text = |is_waiting: fn(&Transcript) -> bool| state.screen.transcript(&state.chats).is_some_and(is_waiting);
    let is_needed = match event {
        Input::Resize(..) => false,
        _ if state.screen.laid_out_size != state.screen.size => true,
        Input::Key(_) => has_text(Transcript::is_unsettled) || overlays::is_unsettled(&state.screen.overlays),
        Input::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Up(_) => has_text(Transcript::is_unsettled),
            MouseEventKind::Down(_) => has_text(Transcript::is_copying), // A press ends the selection.
            _ => false,
        },
        _ => false,
    };
    if is_needed { sync(state, now, state.screen.size) } else { Vec::new() }
}

/// Lays out the next frame.
pub fn sync(state: &mut State, now: Timestamp, size: Size) -> Vec<Effect> {
    (state.screen.size, state.screen.laid_out_size) = (size, size);
    let mut effects = Vec::new();
    let (screen, mut cx) = state.split(now, &mut effects);
    let layout_effects = lay_out(screen, &mut cx);
    effects.extend(layout_effects);
    effects
}

/// Lays out what the window shows; returns the effects that follow from it.
fn lay_out(screen: &mut Screen, cx: &mut Cx<'_>) -> Vec<Effect> {
    let size = screen.size;
    xray_actions::refresh_xray(&mut screen.overlays, cx);
    let result_request = call_results::refresh_pager(&mut screen.overlays, cx.chats);
    screen.rail_has_content = cx.chats.current_conversation().is_some_and(rail::has_content);
    let areas = screen.update_areas();
    screen.pane.composer.scroll_to_cursor(areas.composer.height);
    if screen.focus == PaneFocus::Card && error_card::offered_choices(cx.chats).is_empty() {
        screen.focus = PaneFocus::Composer;
    }
    finding::sync(screen, cx.chats);
    if screen.focus != PaneFocus::List {
        screen.list.leave(); // The filter ends with the list.
    }
    slash_commands::refresh(screen, cx.chats, cx.env);
    list_actions::refresh_rows(&mut screen.list, cx);
    list_actions::load_preview(screen, cx);
    overlays::sync(screen, cx);
    // Inside its frame a floating list has no row of keys, and without a filter one row less above its first heading.
    let has_filter = screen.list.filter.is_some();
    let content_height = ScreenAreas::floating_content(ScreenAreas::floating_list(size)).height;
    let rows_around = u16::from(has_filter) + FloatingListView::foot_rows(has_filter, content_height);
    let floating = size.height.saturating_sub(1 + rows_around);
    let list_height = if areas.list.is_empty() { floating } else { areas.list.height };
    screen.list.scroll_to_cursor(list_height);
    let reasoning_in_rail = screen.is_rail_docked() && screen.rail.tab == RailTab::Reasoning;
    let mut effects: Vec<Effect> = [
        result_request,
        theme_actions::query_background(&mut screen.overlays, cx),
        notifications::update_window_title(cx),
    ]
    .into_iter()
    .flatten()
    .collect();
    kept_state::note_place(screen, cx);
    effects.extend(overlays::connecting::look_up_servers(screen, cx));
    let is_composing = screen.is_composing();
    let Some(id) = cx.chats.content.conversation_id() else { return effects };
    let (Some(conversation), Some(transcript)) =
        (cx.chats.conversations.get(&id), screen.pane.transcripts.get_mut(&id))
    else {
        return effects;
    };
    let mut options = ReadingOptions {
        reasoning_in_rail,
        ..ReadingOptions::new(&cx.env.theme, cx.env.config.reasoning.show, cx.env.time_zone.clone())
            .with_keymap(cx.env.keymap.clone())
    };
    options.look.code_lines = match cx.env.config.code {
        CodeOverflow::Wrap => CodeLineMode::Wrapped,
        CodeOverflow::Scroll => CodeLineMode::Scrolled,
    };
    options.look.line_breaks = cx.env.config.line_breaks;
    transcript.layout_budget = screen.layout_budget;
    transcript.is_card_focused = screen.focus == PaneFocus::Card;
    transcript.is_composing = is_composing;
    transcript.sync(conversation, areas.transcript.width, areas.transcript.height, cx.now, &options);
    let rail = if screen.overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Rail)) {
        ScreenAreas::floating_content(ScreenAreas::floating_rail(size, screen.widths))
    } else {
        areas.rail
    };
    screen.rail.is_behind = false;
    if !rail.is_empty() {
        let current = transcript.current_message();
        let cited_source = transcript.selected_source_number();
        screen.rail.layout_budget = transcript.budget_left;
        screen.rail.sync(
            conversation,
            RailFocus { message: current, source: cited_source },
            rail.as_size(),
            cx.now,
            &options,
            transcript.checks(),
        );
    }
    effects.extend(transcript.take_highlight_jobs().into_iter().map(Effect::HighlightCode));
    let layout_jobs = transcript.take_layout_jobs().into_iter().chain(screen.rail.take_layout_jobs(id));
    effects.extend(layout_jobs.map(|(text, job)| Effect::LayOutText { text, job: Box::new(job) }));
    let search = transcript.take_search_job();
    effects.extend(search.map(|(ticket, job)| Effect::SearchText { conversation: id, ticket, job: Box::new(job) }));
    if let Some((copy, text)) = transcript.take_copied_text() {
        copying::on_selection_copied(cx, copy, text);
    }
    effects
}
