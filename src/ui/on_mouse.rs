//! The mouse: the wheel, clicks and drags.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;
use ratatui::layout::{Margin, Position, Rect};

use super::{
    Effect, State,
    areas::{GUTTER_WIDTH, ScreenAreas},
    conversations::list_actions,
    overlays::{self, PickerKind, ScreenOverlay},
    results::call_results,
    screen::PaneFocus,
    transcript::{
        copying::{copied_message, selected_text},
        error_card,
    },
};
use crate::{
    chat::Timestamp,
    config::{CopyOnSelect, MouseMode},
    ui::{
        conversations::list::ListStep,
        overlay::picker,
        transcript::{CitationStep, ClickTarget, ScrollMove, SelectionUnit},
    },
};

/// Rows scrolled by one notch of the wheel.
const WHEEL_ROWS: i32 = 3;
/// Two presses on one cell within this time are a double click.
const DOUBLE_CLICK: SignedDuration = SignedDuration::from_millis(400);
/// How often the text scrolls while the mouse is held beyond its edge.
const EDGE_SCROLL_INTERVAL: SignedDuration = SignedDuration::from_millis(50);

/// The state of the mouse.
#[derive(Debug, Clone, Default)]
pub struct MouseState {
    /// The last press: its position, its time, and the number of presses in a row.
    last_press: Option<(Position, Timestamp, u8)>,
    drag: DragTarget,
    /// When the text scrolls next, while the button is held beyond its edge.
    pub scroll_due: Option<Timestamp>,
}

/// What the mouse is dragging.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum DragTarget {
    #[default]
    Nothing,
    Composer,
    Scrollbar,
    /// The text, with the position of the mouse once it has moved.
    Text(Option<Position>),
}

pub(crate) fn on_mouse(state: &mut State, now: Timestamp, event: MouseEvent, fx: &mut Vec<Effect>) {
    let position = Position::new(event.column, event.row);
    let clicks = state.config.mouse == MouseMode::On;
    match event.kind {
        _ if state.config.mouse == MouseMode::Off => (),
        MouseEventKind::ScrollUp => wheel(state, position, -WHEEL_ROWS),
        MouseEventKind::ScrollDown => wheel(state, position, WHEEL_ROWS),
        MouseEventKind::Down(MouseButton::Left) if clicks => press(state, now, position, fx),
        MouseEventKind::Drag(MouseButton::Left) if clicks => drag(state, now, position),
        MouseEventKind::Up(MouseButton::Left) if clicks => release(state, now, position, fx),
        MouseEventKind::Down(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => (),
    }
}

/// Keeps scrolling while the mouse is held beyond the edge of the text.
pub(crate) fn on_tick(state: &mut State, now: Timestamp) {
    if state.screen.mouse.scroll_due.is_some_and(|due| due <= now)
        && let DragTarget::Text(Some(position)) = state.screen.mouse.drag
    {
        drag(state, now, position);
    }
}

fn wheel(state: &mut State, position: Position, rows: i32) {
    let screen = Rect::from((Position::ORIGIN, state.screen.size));
    let steps = rows.unsigned_abs();
    match state.screen.overlays.last_mut() {
        Some(ScreenOverlay::Picker { picker, .. }) => {
            let movement = if rows < 0 { picker::CursorMove::Up } else { picker::CursorMove::Down };
            (0..steps).for_each(|_| picker.move_cursor(movement, screen));
            overlays::preview_theme(state);
        }
        Some(ScreenOverlay::Help(help)) => help.scroll(rows as isize, screen),
        Some(ScreenOverlay::Xray(xray)) => xray.on_wheel(rows as isize),
        Some(ScreenOverlay::Tools(list)) => list.on_wheel(rows as isize),
        Some(ScreenOverlay::Pager(pager)) => pager.on_wheel(rows as isize),
        Some(ScreenOverlay::List) => list_actions::step_cursor(state, list_step(rows)),
        Some(ScreenOverlay::Rail) => state.screen.rail.scroll(ScrollMove::Rows(rows)),
        Some(ScreenOverlay::Parameters(_) | ScreenOverlay::Welcome(_)) => (),
        None => wheel_panes(state, position, rows),
    }
}

fn wheel_panes(state: &mut State, position: Position, rows: i32) {
    let areas = state.screen.areas;
    let composer = &mut state.screen.pane.composer;
    let is_long = composer.wrap_to_width(areas.composer.width.saturating_sub(GUTTER_WIDTH)) > areas.composer.height;
    if areas.list.contains(position) {
        list_actions::step_cursor(state, list_step(rows));
    } else if areas.rail.contains(position) {
        state.screen.rail.scroll(ScrollMove::Rows(rows));
    } else if areas.composer.contains(position) && is_long {
        for _ in 0..rows.unsigned_abs() {
            let _ = if rows < 0 { composer.move_up() } else { composer.move_down() }; // Stops at the first or last row.
        }
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll(ScrollMove::Rows(rows));
    }
}

fn list_step(rows: i32) -> ListStep {
    let count = rows.unsigned_abs() as usize;
    if rows < 0 { ListStep::Up(count) } else { ListStep::Down(count) }
}

fn press(state: &mut State, now: Timestamp, position: Position, fx: &mut Vec<Effect>) {
    let count = match state.screen.mouse.last_press {
        Some((before, when, count)) if before == position && now.duration_since(when) <= DOUBLE_CLICK => count % 3 + 1,
        Some(_) | None => 1,
    };
    state.screen.mouse = MouseState { last_press: Some((position, now, count)), ..MouseState::default() };
    state.screen.pending_sequence = None;
    let (screen, size, widths) =
        (Rect::from((Position::ORIGIN, state.screen.size)), state.screen.size, state.screen.widths);
    match state.screen.overlays.last_mut() {
        Some(ScreenOverlay::Picker { of: PickerKind::AnswerAgain { .. }, .. }) => overlays::close_top(state, now, fx),
        Some(ScreenOverlay::Picker { picker, .. }) => {
            if picker.on_click(position, screen) {
                overlays::accept(state, now, fx);
            }
        }
        Some(ScreenOverlay::Tools(list)) => {
            let request = list.on_click(position, screen);
            overlays::apply_request(state, now, request, fx);
        }
        Some(ScreenOverlay::List) if ScreenAreas::floating_list(size, widths).contains(position) => {
            let inside = ScreenAreas::floating_list(size, widths).inner(Margin::new(2, 1));
            press_list(state, now, position, inside, fx);
        }
        Some(ScreenOverlay::Rail) if ScreenAreas::floating_rail(size, widths).contains(position) => {
            press_rail(state, position, ScreenAreas::floating_rail(size, widths).inner(Margin::new(2, 1)));
        }
        Some(ScreenOverlay::List | ScreenOverlay::Rail) => overlays::close_top(state, now, fx),
        Some(
            ScreenOverlay::Help(_)
            | ScreenOverlay::Xray(_)
            | ScreenOverlay::Pager(_)
            | ScreenOverlay::Parameters(_)
            | ScreenOverlay::Welcome(_),
        ) => (),
        None => press_panes(state, now, position, count, fx),
    }
}

fn press_panes(state: &mut State, now: Timestamp, position: Position, count: u8, fx: &mut Vec<Effect>) {
    let areas = state.screen.areas;
    if areas.list.contains(position) {
        press_list(state, now, position, areas.list, fx);
    } else if areas.rail.contains(position) {
        press_rail(state, position, areas.rail);
    } else if areas.composer.contains(position) {
        state.screen.focus = PaneFocus::Composer;
        unselect(state);
        let (column, row) = composer_cell(areas.composer, position);
        state.screen.pane.composer.click(column, row);
        state.screen.mouse.drag = DragTarget::Composer;
    } else if areas.scrollbar().contains(position) {
        state.screen.mouse.drag = DragTarget::Scrollbar;
        drag(state, now, position);
    } else if areas.transcript.contains(position) {
        press_text(state, position, areas.transcript, count);
    }
}

fn press_text(state: &mut State, position: Position, area: Rect, count: u8) {
    let Some(transcript) = state.screen.transcript_mut() else { return };
    let (column, row) = (position.x - area.x, position.y - area.y);
    let unit = match count {
        1 => SelectionUnit::Characters,
        2 => SelectionUnit::Words,
        _ => SelectionUnit::Lines,
    };
    transcript.press(column, row, unit);
    let on_card = transcript.click_target(column, row) == Some(ClickTarget::Card)
        && !error_card::offered_choices(state).is_empty();
    state.screen.focus = if on_card { PaneFocus::Card } else { PaneFocus::Transcript };
    state.screen.mouse.drag = DragTarget::Text(None);
}

fn press_list(state: &mut State, now: Timestamp, position: Position, area: Rect, fx: &mut Vec<Effect>) {
    list_actions::focus_list(state);
    if let Some(id) = state.screen.list.conversation_at_row(position.y.saturating_sub(area.y), &state.index) {
        state.screen.list.cursor = Some(id);
        list_actions::open_selected(state, now, fx);
    }
}

fn press_rail(state: &mut State, position: Position, area: Rect) {
    state.screen.focus = PaneFocus::Rail;
    if position.y == area.y
        && let Some(tab) = state.screen.rail.tab_at_column(position.x.saturating_sub(area.x))
    {
        state.screen.rail.select_tab(tab);
    }
    let row = position.y.saturating_sub(area.y);
    if let Some((answer, number)) = state.screen.rail.source_at_row(row)
        && let Some(transcript) = state.screen.transcript_mut()
    {
        transcript.go_to_citation(CitationStep::ToSource(answer, number));
    }
}

fn drag(state: &mut State, now: Timestamp, position: Position) {
    let areas = state.screen.areas;
    match state.screen.mouse.drag {
        DragTarget::Nothing => (),
        DragTarget::Scrollbar => {
            let row =
                position.y.clamp(areas.transcript.y, areas.transcript.bottom().saturating_sub(1)) - areas.transcript.y;
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.scroll_to_bar_row(row);
            }
        }
        DragTarget::Composer => {
            let (column, row) = composer_cell(areas.composer, position);
            state.screen.pane.composer.drag(column, row);
        }
        DragTarget::Text(_) => {
            state.screen.mouse.drag = DragTarget::Text(Some(position));
            let row = i32::from(position.y) - i32::from(areas.transcript.y);
            let is_beyond_edge = row < 0 || row >= i32::from(areas.transcript.height);
            state.screen.mouse.scroll_due = is_beyond_edge.then_some(now + EDGE_SCROLL_INTERVAL);
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.drag_to(position.x.saturating_sub(areas.transcript.x), row);
            }
        }
    }
}

fn release(state: &mut State, now: Timestamp, position: Position, fx: &mut Vec<Effect>) {
    let held = std::mem::take(&mut state.screen.mouse.drag);
    state.screen.mouse.scroll_due = None;
    let DragTarget::Text(moved) = held else { return };
    let is_single_click = state.screen.mouse.last_press.is_some_and(|(_, _, count)| count == 1);
    if moved.is_none() && is_single_click {
        unselect(state);
        click_text(state, now, position, fx);
        return;
    }
    let copy = match state.config.copy_on_select {
        CopyOnSelect::Off => return,
        CopyOnSelect::Primary => Effect::CopyToPrimary,
        CopyOnSelect::Clipboard => Effect::CopyToClipboard,
    };
    if let Some(text) = selected_text(state, now) {
        state.screen.show_message(now, copied_message(&text));
        fx.push(copy(text));
    }
}

/// Handles a press and release on the same cell of the text: opens, folds or copies what is there.
fn click_text(state: &mut State, now: Timestamp, position: Position, fx: &mut Vec<Effect>) {
    let area = state.screen.areas.transcript;
    if !area.contains(position) {
        return;
    }
    let Some(transcript) = state.screen.transcript_mut() else { return };
    match transcript.click_target(position.x - area.x, position.y - area.y) {
        Some(ClickTarget::Fold(answer, slot)) => {
            transcript.move_cursor_to_row(position.y - area.y);
            transcript.toggle_part(answer, slot);
        }
        Some(ClickTarget::CopyKey { answer, block }) => overlays::copy_code_block(state, now, answer, block, fx),
        Some(ClickTarget::Citation(cursor)) => transcript.toggle_source(cursor),
        Some(ClickTarget::More(message, slot)) => {
            transcript.move_cursor_to_row(position.y - area.y);
            call_results::open_call(state, message, slot, fx);
        }
        Some(ClickTarget::Card) => (),
        None => transcript.move_cursor_to_row(position.y - area.y),
    }
}

fn unselect(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.clear_selection();
    }
}

/// Converts a position to a column and row of the draft, without the gutter.
fn composer_cell(area: Rect, position: Position) -> (u16, u16) {
    let row = position.y.clamp(area.y, area.bottom().saturating_sub(1)) - area.y;
    (position.x.saturating_sub(area.x + GUTTER_WIDTH), row)
}
