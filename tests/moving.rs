//! Moving through what was said: the mouse, selections, finding, jumping.

mod support;

#[path = "moving/code.rs"]
mod code;
#[path = "moving/find.rs"]
mod find;
#[path = "moving/folds.rs"]
mod folds;
#[path = "moving/mouse.rs"]
mod mouse;
#[path = "moving/place.rs"]
mod place;
#[path = "moving/select.rs"]
mod select;

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::app::{Effect, Msg};
use support::harness::Harness;

/// A program with one answer on the screen.
pub fn reading(width: u16, height: u16, answer: &str) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.prompt("Show me");
    app.answer(stream, answer);
    app.press("tab");
    app.effects();
    app
}

/// Where a text stands on the screen: column and row.
#[track_caller]
pub fn position(app: &Harness, text: &str) -> (u16, u16) {
    let found = app.screen().lines().enumerate().find_map(|(y, line)| {
        let at = line.find(text)?;
        Some((ibid::text::width(&line[..at]) as u16, y as u16))
    });
    found.unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", app.screen()))
}

pub fn mouse(app: &mut Harness, kind: MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    app.send(Msg::Input { event: Input::Mouse(event), more: false });
}

pub fn press(app: &mut Harness, at: (u16, u16)) {
    mouse(app, MouseEventKind::Down(MouseButton::Left), at);
}

pub fn drag(app: &mut Harness, at: (u16, u16)) {
    mouse(app, MouseEventKind::Drag(MouseButton::Left), at);
}

pub fn release(app: &mut Harness, at: (u16, u16)) {
    mouse(app, MouseEventKind::Up(MouseButton::Left), at);
}

pub fn click(app: &mut Harness, at: (u16, u16)) {
    press(app, at);
    release(app, at);
}

#[track_caller]
pub fn click_on(app: &mut Harness, text: &str) {
    let at = position(app, text);
    click(app, at);
}

/// What was copied since the last call.
pub fn copied(app: &mut Harness) -> Option<String> {
    app.effects().into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    })
}
