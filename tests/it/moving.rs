//! Moving through a conversation: the mouse, selections, find and jumps.

mod code;
mod find;
mod folds;
mod mouse;
mod scroll_position;
mod select;

use crate::support::harness::Harness;
use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::ui::{Effect, Msg};

/// Starts the app with one answer on the screen and the focus on the transcript.
pub fn with_answer(width: u16, height: u16, answer: &str) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Show me");
    app.stream_answer(stream, answer);
    app.press("tab");
    app.effects();
    app
}

/// Returns the column and row of a text on the screen.
#[track_caller]
pub fn position_of(app: &Harness, text: &str) -> (u16, u16) {
    let found = app.screen().lines().enumerate().find_map(|(y, line)| {
        let index = line.find(text)?;
        Some((ibid::text::width(&line[..index]) as u16, y as u16))
    });
    found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", app.screen()))
}

pub fn send_mouse(app: &mut Harness, kind: MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    app.send(Msg::Input { event: Input::Mouse(event), more: false });
}

pub fn press(app: &mut Harness, at: (u16, u16)) {
    send_mouse(app, MouseEventKind::Down(MouseButton::Left), at);
}

pub fn drag(app: &mut Harness, at: (u16, u16)) {
    send_mouse(app, MouseEventKind::Drag(MouseButton::Left), at);
}

pub fn release(app: &mut Harness, at: (u16, u16)) {
    send_mouse(app, MouseEventKind::Up(MouseButton::Left), at);
}

pub fn click(app: &mut Harness, at: (u16, u16)) {
    press(app, at);
    release(app, at);
}

#[track_caller]
pub fn click_on(app: &mut Harness, text: &str) {
    let at = position_of(app, text);
    click(app, at);
}

/// Returns the text that was copied since the last call.
pub fn copied(app: &mut Harness) -> Option<String> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::CopyToClipboard(text) => Some(text),
        _ => None,
    })
}
