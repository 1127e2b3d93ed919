//! Draws the overlays, from the bottom up.

use ratatui::{layout::Rect, widgets::Widget};

use super::DrawTarget;
use crate::{
    chat::Timestamp,
    ui::{
        Action, State,
        areas::ScreenAreas,
        commands::CommandListView,
        connect::{ConnectScreen, ConnectView},
        conversations::list::FloatingListView,
        help::HelpView,
        keymap::format_sequence,
        overlay::{
            form::FormView,
            frame::OverlayFrame,
            picker::{PickerLine, PickerView},
        },
        overlays::{PickerKind, ScreenOverlay, connecting::connect_situation, no_tools_reason},
        results::pager::PagerView,
        safeguard::SafeguardView,
        screen::HINTS_DELAY,
        search::SearchOverlayView,
        status::leader_hints::LeaderView,
        toasts::ToastView,
        tools::ToolListView,
        trash::TrashView,
        xray::XrayView,
    },
};

pub(crate) fn draw_overlays(state: &State, now: Timestamp, frame: &mut DrawTarget) {
    let screen = frame.area();
    let (theme, keymap) = (&state.env.theme, &state.env.keymap);
    for overlay in &state.screen.overlays {
        if !keeps_page_visible(overlay) {
            theme.dim_area(screen, frame.buffer);
        }
        match overlay {
            ScreenOverlay::Connect(connect) => draw_connect(state, connect, now, frame),
            ScreenOverlay::Picker { picker, .. } if overlay.is_question() => {
                let view = PickerLine { picker, keymap, theme };
                let area = state.screen.areas.composer;
                frame.set_cursor(view.cursor(area));
                view.render(area, frame.buffer);
            }
            ScreenOverlay::Picker { picker, .. } => {
                let view = PickerView { picker, now, keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Parameters(form) => {
                let view = FormView { form, keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Commands(list) => {
                let view = CommandListView { list, keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Help(help) => {
                let view = HelpView { help, keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Safeguard(question) => {
                SafeguardView { question, keymap, theme }.render(screen, frame.buffer);
            }
            ScreenOverlay::Xray(xray) => {
                let view = XrayView { xray, now, message: state.toasts.text(), keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Pager(pager) => {
                let view = PagerView { pager, message: state.toasts.text(), keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Search(search) => {
                let now = &now.to_zoned(state.env.time_zone.clone());
                let view = SearchOverlayView { search, now, keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Tools(list) => {
                let notice = no_tools_reason(&state.chats, &state.env);
                let view = ToolListView { list, notice: notice.as_deref(), keymap, theme };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::Trash(list) => {
                let view = TrashView {
                    list,
                    now,
                    zone: &state.env.time_zone,
                    kept_days: Some(state.env.config.trash_days).filter(|days| *days > 0),
                    keymap,
                    theme,
                };
                frame.set_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            ScreenOverlay::List => {
                let area = ScreenAreas::floating_list(state.screen.size);
                let activity = super::list_activity(state);
                let pane = super::list_view(state, now, &activity);
                let view = FloatingListView { pane, now, zone: &state.env.time_zone };
                frame.set_cursor(view.cursor(area));
                view.render(area, frame.buffer);
            }
            ScreenOverlay::Rail => {
                let area = ScreenAreas::floating_rail(state.screen.size, state.screen.widths);
                let keys = state.screen.rail.key_hints(keymap);
                let overlay = OverlayFrame { title: "About this answer", keys: &keys, notice: None, theme };
                overlay.draw(area, frame.buffer);
                super::draw_rail(state, ScreenAreas::floating_content(area), frame);
            }
        }
    }
    draw_toast(state, frame);
    draw_hints(state, now, frame);
}

/// Draws the toast over an overlay, just above the status line; some overlays show it themselves.
fn draw_toast(state: &State, frame: &mut DrawTarget) {
    let shows_itself = |overlay: &ScreenOverlay| matches!(overlay, ScreenOverlay::Xray(_) | ScreenOverlay::Pager(_));
    let top = state.screen.overlays.last();
    if top.is_some_and(|overlay| !overlay.is_question() && !shows_itself(overlay)) {
        let area = frame.area();
        let mut row = Rect { y: state.screen.areas.status.y.saturating_sub(1), height: 1, ..area };
        // The keys in the frame of an overlay that reaches that far stay readable.
        let corner = state.env.theme.marks.bottom_right;
        if row.positions().any(|cell| frame.buffer.cell(cell).is_some_and(|cell| cell.symbol() == corner)) {
            row.y = row.y.saturating_sub(1);
        }
        ToastView { toasts: &state.toasts, theme: &state.env.theme }.render(row, frame.buffer);
    }
}

/// Whether an overlay leaves the page undimmed: a theme is previewed on it, and a one-line picker does not cover it.
fn keeps_page_visible(overlay: &ScreenOverlay) -> bool {
    overlay.is_question() || matches!(overlay, ScreenOverlay::Picker { of: PickerKind::Theme, .. })
}

pub(crate) fn draw_connect(state: &State, connect: &ConnectScreen, now: Timestamp, frame: &mut DrawTarget) {
    let screen = frame.area();
    let spinner = crate::ui::view::status::spinner_mark(state, now);
    let situation = connect_situation(state, spinner, now);
    let view = ConnectView { connect, situation, keymap: &state.env.keymap, theme: &state.env.theme };
    frame.set_cursor(view.cursor(screen));
    view.render(screen, frame.buffer);
}

/// Draws the choices after a leader key that has waited half a second, above the composer's rule.
fn draw_hints(state: &State, now: Timestamp, frame: &mut DrawTarget) {
    let Some(leader) =
        state.screen.pending_sequence.as_ref().filter(|leader| now.duration_since(leader.since) >= HINTS_DELAY)
    else {
        return;
    };
    let choices = state.screen.sequence_choices(leader, &state.chats, &state.env);
    let pressed = format_sequence(&leader.keys);
    let back_key = state.env.keymap.keys_of(Action::Back).unwrap_or_default();
    let view = LeaderView { pressed: &pressed, choices: &choices, back_key: &back_key, theme: &state.env.theme };
    let rule = state.screen.areas.composer_rule;
    let height = view.height(rule.width).min(rule.y);
    let area = Rect { y: rule.y - height, height, ..rule };
    view.render(area, frame.buffer);
}
