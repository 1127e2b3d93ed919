//! Draws what lies above everything, from the bottom up.

use ratatui::{
    layout::{Margin, Rect},
    widgets::Widget,
};

use super::Frame;
use crate::{
    app::{
        Action, State,
        areas::Areas,
        keymap::shown,
        overlays::{Of, Overlay, takes_no_tools},
        screen::LEADER,
    },
    chat::Timestamp,
    widgets::{
        form::FormView,
        help::HelpView,
        hints::LeaderView,
        overlay::Overlay as FloatingFrame,
        pager::PagerView,
        picker::{PickerLine, PickerView},
        theme::Role,
        tool_list::ToolListView,
        welcome::{Welcome, WelcomeView},
        xray::XrayView,
    },
};

pub(super) fn draw(state: &State, now: Timestamp, frame: &mut Frame) {
    let screen = frame.area();
    let theme = &state.theme;
    for overlay in &state.screen.overlays {
        if !shows_the_page(overlay) {
            theme.recede(screen, frame.buffer);
        }
        match overlay {
            Overlay::Welcome(welcome) => draw_welcome(state, welcome, now, frame),
            Overlay::Picker { of: Of::Again { .. }, picker } => {
                let view = PickerLine { picker, theme };
                let area = state.screen.areas.composer;
                frame.show_cursor(view.cursor(area));
                view.render(area, frame.buffer);
            }
            Overlay::Picker { picker, .. } => {
                let view = PickerView { picker, now, theme };
                frame.show_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            Overlay::Parameters(form) => {
                let view = FormView { form, theme };
                frame.show_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            Overlay::Help(help) => HelpView { help, theme }.render(screen, frame.buffer),
            Overlay::Xray(xray) => {
                let view = XrayView { xray, now, said: state.screen.toasts.words(), theme };
                frame.show_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            Overlay::Pager(pager) => {
                let view = PagerView { pager, said: state.screen.toasts.words(), theme };
                frame.show_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            Overlay::Tools(list) => {
                let notice = takes_no_tools(state);
                let view = ToolListView { list, notice: notice.as_deref(), theme };
                frame.show_cursor(view.cursor(screen));
                view.render(screen, frame.buffer);
            }
            Overlay::List => {
                let area = Areas::floating_list(state.screen.size, state.screen.widths);
                let inside = floating(area, state, frame);
                super::draw_list(state, now, inside, frame);
            }
            Overlay::Rail => {
                let area = Areas::floating_rail(state.screen.size, state.screen.widths);
                let inside = floating(area, state, frame);
                super::draw_rail(state, inside, frame);
            }
        }
    }
    draw_hints(state, now, frame);
}

/// A theme is chosen by what it makes of the page, and a line takes nothing of it away.
fn shows_the_page(overlay: &Overlay) -> bool {
    matches!(overlay, Overlay::Picker { of: Of::Theme | Of::Again { .. }, .. })
}

/// The frame of a pane that is not docked; gives what is inside.
fn floating(area: Rect, state: &State, frame: &mut Frame) -> Rect {
    let overlay = FloatingFrame { title: "", keys: &[], notice: None, theme: &state.theme };
    overlay.draw(area, frame.buffer).inner(Margin::new(1, 0))
}

pub(super) fn draw_welcome(state: &State, welcome: &Welcome, now: Timestamp, frame: &mut Frame) {
    let screen = frame.area();
    state.theme.clear(screen, Role::Background, frame.buffer);
    let quit_key = &state.keymap.keys_of(Action::Cancel).unwrap_or_default();
    let spinner = super::status::spinner(state, now);
    let view = WelcomeView { welcome, spinner, theme: &state.theme, quit_key };
    frame.show_cursor(view.cursor(screen));
    view.render(screen, frame.buffer);
}

/// The choices of a leader that has waited half a second, above the composer's rule.
fn draw_hints(state: &State, now: Timestamp, frame: &mut Frame) {
    let Some(leader) = state.screen.leader.as_ref().filter(|leader| now.duration_since(leader.since) >= LEADER) else {
        return;
    };
    let choices = state.leader_choices(leader);
    let pressed = shown(&leader.keys);
    let view = LeaderView { pressed: &pressed, choices: &choices, theme: &state.theme };
    let rule = state.screen.areas.rule;
    let height = view.height(rule.width).min(rule.y);
    let area = Rect { y: rule.y - height, height, ..rule };
    view.render(area, frame.buffer);
}
