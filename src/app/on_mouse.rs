//! The mouse: the wheel, clicks and drags, for whatever lies under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;
use ratatui::layout::{Margin, Position, Rect};

use super::{
    Effect, State,
    areas::{Areas, GUTTER},
    cards,
    copying::{copied, selected},
    listing,
    overlays::{self, Of, Overlay},
    results,
    screen::Focus,
};
use crate::{
    chat::Timestamp,
    config::{CopyOnSelect, Mouse},
    widgets::{
        list::Step,
        picker,
        transcript::{Move, Under, Unit, Walk},
    },
};

/// Rows that one notch of the wheel scrolls.
const NOTCH: i32 = 3;
/// Two presses on one cell within this time are a double click.
const DOUBLE: SignedDuration = SignedDuration::from_millis(400);
/// How often the text scrolls while the mouse is held beyond its edge.
const EDGE: SignedDuration = SignedDuration::from_millis(50);

/// What the mouse is doing.
#[derive(Debug, Clone, Default)]
pub struct Pointer {
    /// The last press: where, when, and how many there were in a row.
    pressed: Option<(Position, Timestamp, u8)>,
    held: Held,
    /// Held beyond the edge of the text: when that scrolls next.
    pub due: Option<Timestamp>,
}

/// What the button was pressed on and holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Held {
    #[default]
    Nothing,
    Composer,
    Scrollbar,
    /// The text; where the mouse is now, once it has moved.
    Text(Option<Position>),
}

pub(super) fn on_mouse(state: &mut State, now: Timestamp, event: MouseEvent, fx: &mut Vec<Effect>) {
    let at = Position::new(event.column, event.row);
    let clicks = state.config.mouse == Mouse::On;
    match event.kind {
        _ if state.config.mouse == Mouse::Off => (),
        MouseEventKind::ScrollUp => wheel(state, at, -NOTCH),
        MouseEventKind::ScrollDown => wheel(state, at, NOTCH),
        MouseEventKind::Down(MouseButton::Left) if clicks => press(state, now, at, fx),
        MouseEventKind::Drag(MouseButton::Left) if clicks => drag(state, now, at),
        MouseEventKind::Up(MouseButton::Left) if clicks => release(state, now, at, fx),
        MouseEventKind::Down(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => (),
    }
}

/// Scrolls on while the mouse is held beyond the edge of the text.
pub(super) fn on_tick(state: &mut State, now: Timestamp) {
    if state.screen.pointer.due.is_some_and(|due| due <= now)
        && let Held::Text(Some(at)) = state.screen.pointer.held
    {
        drag(state, now, at);
    }
}

fn wheel(state: &mut State, at: Position, rows: i32) {
    let screen = Rect::from((Position::ORIGIN, state.screen.size));
    let steps = rows.unsigned_abs();
    match state.screen.overlays.last_mut() {
        Some(Overlay::Picker { picker, .. }) => {
            let to = if rows < 0 { picker::Move::Up } else { picker::Move::Down };
            (0..steps).for_each(|_| picker.go(to, screen));
            overlays::preview(state);
        }
        Some(Overlay::Help(help)) => help.scroll(rows as isize, screen),
        Some(Overlay::Xray(xray)) => xray.wheel(rows as isize),
        Some(Overlay::Tools(list)) => list.wheel(rows as isize),
        Some(Overlay::Pager(pager)) => pager.wheel(rows as isize),
        Some(Overlay::List) => listing::step(state, step(rows)),
        Some(Overlay::Rail) => state.screen.rail.scroll(Move::Rows(rows)),
        Some(Overlay::Parameters(_) | Overlay::Welcome(_)) => (),
        None => wheel_panes(state, at, rows),
    }
}

fn wheel_panes(state: &mut State, at: Position, rows: i32) {
    let areas = state.screen.areas;
    let composer = &mut state.screen.pane.composer;
    let is_long = composer.rows(areas.composer.width.saturating_sub(GUTTER)) > areas.composer.height;
    if areas.list.contains(at) {
        listing::step(state, step(rows));
    } else if areas.rail.contains(at) {
        state.screen.rail.scroll(Move::Rows(rows));
    } else if areas.composer.contains(at) && is_long {
        for _ in 0..rows.unsigned_abs() {
            let _ = if rows < 0 { composer.up() } else { composer.down() }; // At its end it stays there.
        }
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll(Move::Rows(rows));
    }
}

fn step(rows: i32) -> Step {
    let by = rows.unsigned_abs() as usize;
    if rows < 0 { Step::Up(by) } else { Step::Down(by) }
}

fn press(state: &mut State, now: Timestamp, at: Position, fx: &mut Vec<Effect>) {
    let count = match state.screen.pointer.pressed {
        Some((before, when, count)) if before == at && now.duration_since(when) <= DOUBLE => count % 3 + 1,
        Some(_) | None => 1,
    };
    state.screen.pointer = Pointer { pressed: Some((at, now, count)), ..Pointer::default() };
    state.screen.leader = None;
    let (screen, size, widths) =
        (Rect::from((Position::ORIGIN, state.screen.size)), state.screen.size, state.screen.widths);
    match state.screen.overlays.last_mut() {
        Some(Overlay::Picker { of: Of::Again { .. }, .. }) => overlays::close_top(state, now, fx),
        Some(Overlay::Picker { picker, .. }) => {
            if picker.click(at, screen) {
                overlays::accept(state, now, fx);
            }
        }
        Some(Overlay::Tools(list)) => {
            let wish = list.click(at, screen);
            overlays::grant(state, now, wish, fx);
        }
        Some(Overlay::List) if Areas::floating_list(size, widths).contains(at) => {
            let inside = Areas::floating_list(size, widths).inner(Margin::new(2, 1));
            press_list(state, now, at, inside, fx);
        }
        Some(Overlay::Rail) if Areas::floating_rail(size, widths).contains(at) => {
            press_rail(state, at, Areas::floating_rail(size, widths).inner(Margin::new(2, 1)));
        }
        Some(Overlay::List | Overlay::Rail) => overlays::close_top(state, now, fx),
        Some(
            Overlay::Help(_) | Overlay::Xray(_) | Overlay::Pager(_) | Overlay::Parameters(_) | Overlay::Welcome(_),
        ) => (),
        None => press_panes(state, now, at, count, fx),
    }
}

fn press_panes(state: &mut State, now: Timestamp, at: Position, count: u8, fx: &mut Vec<Effect>) {
    let areas = state.screen.areas;
    if areas.list.contains(at) {
        press_list(state, now, at, areas.list, fx);
    } else if areas.rail.contains(at) {
        press_rail(state, at, areas.rail);
    } else if areas.composer.contains(at) {
        state.screen.focus = Focus::Composer;
        unselect(state);
        let (column, row) = in_composer(areas.composer, at);
        state.screen.pane.composer.click(column, row);
        state.screen.pointer.held = Held::Composer;
    } else if areas.scrollbar().contains(at) {
        state.screen.pointer.held = Held::Scrollbar;
        drag(state, now, at);
    } else if areas.transcript.contains(at) {
        press_text(state, at, areas.transcript, count);
    }
}

fn press_text(state: &mut State, at: Position, area: Rect, count: u8) {
    let Some(transcript) = state.screen.transcript_mut() else { return };
    let (column, row) = (at.x - area.x, at.y - area.y);
    let unit = match count {
        1 => Unit::Letters,
        2 => Unit::Words,
        _ => Unit::Lines,
    };
    transcript.press(column, row, unit);
    let on_card = transcript.under(column, row) == Some(Under::Card) && !cards::offered(state).is_empty();
    state.screen.focus = if on_card { Focus::Card } else { Focus::Transcript };
    state.screen.pointer.held = Held::Text(None);
}

fn press_list(state: &mut State, now: Timestamp, at: Position, area: Rect, fx: &mut Vec<Effect>) {
    listing::focus(state);
    if let Some(id) = state.screen.list.at_row(at.y.saturating_sub(area.y), &state.index) {
        state.screen.list.cursor = Some(id);
        listing::open(state, now, fx);
    }
}

fn press_rail(state: &mut State, at: Position, area: Rect) {
    state.screen.focus = Focus::Rail;
    if at.y == area.y
        && let Some(tab) = state.screen.rail.tab_at(at.x.saturating_sub(area.x))
    {
        state.screen.rail.show(tab);
    }
    let row = at.y.saturating_sub(area.y);
    if let Some((answer, number)) = state.screen.rail.source_at(row)
        && let Some(transcript) = state.screen.transcript_mut()
    {
        transcript.cite(Walk::To(answer, number));
    }
}

fn drag(state: &mut State, now: Timestamp, at: Position) {
    let areas = state.screen.areas;
    match state.screen.pointer.held {
        Held::Nothing => (),
        Held::Scrollbar => {
            let row = at.y.clamp(areas.transcript.y, areas.transcript.bottom().saturating_sub(1)) - areas.transcript.y;
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.scroll_to_bar(row);
            }
        }
        Held::Composer => {
            let (column, row) = in_composer(areas.composer, at);
            state.screen.pane.composer.drag(column, row);
        }
        Held::Text(_) => {
            state.screen.pointer.held = Held::Text(Some(at));
            let row = i32::from(at.y) - i32::from(areas.transcript.y);
            let beyond = row < 0 || row >= i32::from(areas.transcript.height);
            state.screen.pointer.due = beyond.then_some(now + EDGE);
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.reach(at.x.saturating_sub(areas.transcript.x), row);
            }
        }
    }
}

fn release(state: &mut State, now: Timestamp, at: Position, fx: &mut Vec<Effect>) {
    let held = std::mem::take(&mut state.screen.pointer.held);
    state.screen.pointer.due = None;
    let Held::Text(moved) = held else { return };
    let once = state.screen.pointer.pressed.is_some_and(|(_, _, count)| count == 1);
    if moved.is_none() && once {
        unselect(state);
        click_text(state, now, at, fx);
        return;
    }
    let copy = match state.config.copy_on_select {
        CopyOnSelect::Off => return,
        CopyOnSelect::Primary => Effect::CopyPrimary,
        CopyOnSelect::Clipboard => Effect::Copy,
    };
    if let Some(text) = selected(state, now) {
        state.screen.say(now, copied(&text));
        fx.push(copy(text));
    }
}

/// A press and a release on one cell of the text: opens, folds or copies what is there.
fn click_text(state: &mut State, now: Timestamp, at: Position, fx: &mut Vec<Effect>) {
    let area = state.screen.areas.transcript;
    if !area.contains(at) {
        return;
    }
    let Some(transcript) = state.screen.transcript_mut() else { return };
    match transcript.under(at.x - area.x, at.y - area.y) {
        Some(Under::Fold(answer, slot)) => {
            transcript.point_under(at.y - area.y);
            transcript.toggle_part(answer, slot);
        }
        Some(Under::CopyKey { answer, block }) => overlays::copy_code_block(state, now, answer, block, fx),
        Some(Under::Citation(cursor)) => transcript.click_source(cursor),
        Some(Under::More(message, slot)) => {
            transcript.point_under(at.y - area.y);
            results::open_call(state, message, slot, fx);
        }
        Some(Under::Card) => (),
        None => transcript.point_under(at.y - area.y),
    }
}

fn unselect(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.unselect();
    }
}

/// A cell of the draft, without the gutter.
fn in_composer(area: Rect, at: Position) -> (u16, u16) {
    let row = at.y.clamp(area.y, area.bottom().saturating_sub(1)) - area.y;
    (at.x.saturating_sub(area.x + GUTTER), row)
}
