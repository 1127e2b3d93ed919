//! The mouse: the wheel, clicks and drags.

use crate::ui::chats::Chats;
use crate::ui::{cx::Cx, screen::Screen};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::SignedDuration;
use ratatui::layout::{Position, Rect};

use super::{
    Action,
    actions::{call_results, copying, list_actions, searching, slash_commands},
    areas::{GUTTER_WIDTH, ScreenAreas},
    dispatch::on_action,
    overlays::{self, ScreenOverlay},
    screen::PaneFocus,
    slash::SlashListView,
    teaching,
    transcript::error_card,
};
use crate::{
    chat::Timestamp,
    config::{CopyOnSelect, MouseMode},
    ui::{
        conversations::list::{FloatingListView, ListStep},
        reading::ScrollMove,
        transcript::{CitationStep, ClickTarget, SelectionCopy, SelectionUnit, pill_area},
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
    /// The card had the focus before the press.
    was_card_focused: bool,
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

pub(crate) fn on_mouse(screen: &mut Screen, cx: &mut Cx<'_>, event: MouseEvent) {
    let position = Position::new(event.column, event.row);
    let clicks = cx.env.config.mouse == MouseMode::On;
    match event.kind {
        _ if cx.env.config.mouse == MouseMode::Off => (),
        MouseEventKind::ScrollUp => wheel(screen, cx, position, -WHEEL_ROWS),
        MouseEventKind::ScrollDown => wheel(screen, cx, position, WHEEL_ROWS),
        MouseEventKind::Down(MouseButton::Left) if clicks => press(screen, cx, position),
        MouseEventKind::Drag(MouseButton::Left) if clicks => drag(screen, cx, position),
        MouseEventKind::Up(MouseButton::Left) if clicks => release(screen, cx, position),
        MouseEventKind::Down(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => (),
    }
}

/// Keeps scrolling while the mouse is held beyond the edge of the text.
pub(crate) fn on_tick(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = cx.now;
    if screen.mouse.scroll_due.is_some_and(|due| due <= now)
        && let DragTarget::Text(Some(position)) = screen.mouse.drag
    {
        drag(screen, cx, position);
    }
}

fn wheel(screen: &mut Screen, cx: &mut Cx<'_>, position: Position, rows: i32) {
    let screen_area = Rect::from((Position::ORIGIN, screen.size));
    let steps = rows.unsigned_abs();
    match screen.overlays.last_mut() {
        Some(ScreenOverlay::Picker { picker, .. }) => {
            let step = if rows < 0 { Action::RowUp } else { Action::RowDown };
            (0..steps).for_each(|_| picker.on_action(step, screen_area));
            overlays::preview_theme(&mut screen.overlays, cx.env);
        }
        Some(ScreenOverlay::Commands(list)) => list.on_wheel(rows as isize),
        Some(ScreenOverlay::Search(search)) => search.on_wheel(rows as isize),
        Some(ScreenOverlay::Help(help)) => help.scroll(rows as isize, screen_area),
        Some(ScreenOverlay::Xray(xray)) => xray.on_wheel(rows as isize),
        Some(ScreenOverlay::Tools(list)) => list.on_wheel(rows as isize),
        Some(ScreenOverlay::Trash(list)) => list.on_wheel(rows as isize),
        Some(ScreenOverlay::Pager(pager)) => pager.on_wheel(rows as isize),
        Some(ScreenOverlay::List) => list_actions::step_cursor(&mut screen.list, cx, list_step(rows)),
        Some(ScreenOverlay::Rail) => screen.rail.scroll(ScrollMove::Rows(rows)),
        Some(ScreenOverlay::Parameters(_) | ScreenOverlay::Connect(_) | ScreenOverlay::Safeguard(_)) => (),
        None => wheel_panes(screen, cx, position, rows),
    }
}

fn wheel_panes(screen: &mut Screen, cx: &mut Cx<'_>, position: Position, rows: i32) {
    let areas = screen.areas;
    let is_reading = screen.focus == PaneFocus::Transcript;
    let composer = &mut screen.pane.composer;
    let is_long = composer.wrap_to_width(areas.composer.width.saturating_sub(GUTTER_WIDTH)) > areas.composer.height;
    if areas.list.contains(position) {
        list_actions::step_cursor(&mut screen.list, cx, list_step(rows));
    } else if areas.rail.contains(position) {
        screen.rail.scroll(ScrollMove::Rows(rows));
    } else if areas.composer.contains(position) && is_long {
        for _ in 0..rows.unsigned_abs() {
            let _ = if rows < 0 { composer.move_up() } else { composer.move_down() }; // Stops at the first or last row.
        }
    } else if let Some(transcript) = screen.transcript_mut(cx.chats) {
        let movement = ScrollMove::Rows(rows);
        if is_reading { transcript.read(movement) } else { transcript.scroll(movement) }
    }
}

fn list_step(rows: i32) -> ListStep {
    let count = rows.unsigned_abs() as usize;
    if rows < 0 { ListStep::Up(count) } else { ListStep::Down(count) }
}

fn press(screen: &mut Screen, cx: &mut Cx<'_>, position: Position) {
    let count = match screen.mouse.last_press {
        Some((before, when, count)) if before == position && cx.now.duration_since(when) <= DOUBLE_CLICK => {
            count % 3 + 1
        }
        Some(_) | None => 1,
    };
    screen.mouse = MouseState {
        last_press: Some((position, cx.now, count)),
        was_card_focused: screen.focus == PaneFocus::Card,
        ..MouseState::default()
    };
    screen.pending_sequence = None;
    let (screen_area, size, widths) = (Rect::from((Position::ORIGIN, screen.size)), screen.size, screen.widths);
    match screen.overlays.last_mut() {
        Some(overlay) if overlay.is_question() => overlays::close_top(screen, cx),
        Some(ScreenOverlay::Picker { picker, .. }) => {
            if picker.on_click(position, screen_area) {
                overlays::accept(screen, cx);
            }
        }
        Some(ScreenOverlay::Connect(_)) => overlays::connecting::click_connect(screen, cx, position),
        Some(ScreenOverlay::Commands(list)) => {
            if list.on_click(position, screen_area) {
                overlays::open_commands::accept_command(screen, cx);
            }
        }
        Some(ScreenOverlay::Search(search)) => {
            if search.on_click(position, screen_area) {
                searching::accept(screen, cx);
            }
        }
        Some(ScreenOverlay::Tools(list)) => {
            let request = list.on_click(position, screen_area);
            overlays::apply_request(screen, cx, request);
        }
        Some(ScreenOverlay::Trash(list)) => list.on_click(position, screen_area),
        Some(ScreenOverlay::List) if ScreenAreas::floating_list(size).contains(position) => {
            let inside = ScreenAreas::floating_content(ScreenAreas::floating_list(size));
            // The rows begin where those of a docked list do, a row higher without a field.
            let rows_above = FloatingListView::head_rows(screen.list.filter.is_some());
            press_list(screen, cx, position, Rect { y: (inside.y + rows_above).saturating_sub(2), ..inside });
        }
        Some(ScreenOverlay::Rail) if ScreenAreas::floating_rail(size, widths).contains(position) => {
            let inside = ScreenAreas::floating_content(ScreenAreas::floating_rail(size, widths));
            press_rail(screen, cx.chats, position, inside);
        }
        Some(ScreenOverlay::List | ScreenOverlay::Rail) => overlays::close_top(screen, cx),
        Some(
            ScreenOverlay::Help(_)
            | ScreenOverlay::Safeguard(_)
            | ScreenOverlay::Xray(_)
            | ScreenOverlay::Pager(_)
            | ScreenOverlay::Parameters(_),
        ) => (),
        None => press_panes(screen, cx, position, count),
    }
}

fn press_panes(screen: &mut Screen, cx: &mut Cx<'_>, position: Position, count: u8) {
    let areas = screen.areas;
    let commands = SlashListView::area(&screen.slash, areas.composer_rule);
    if screen.is_completing() && commands.contains(position) {
        screen.slash.cursor = Some(screen.slash.top() + usize::from(position.y - commands.y));
        slash_commands::run_selected(screen, cx);
    } else if is_on_pill(screen, cx, position) {
        if let Some(transcript) = screen.transcript_mut(cx.chats) {
            transcript.scroll(ScrollMove::Bottom);
        }
    } else if areas.list.contains(position) {
        press_list(screen, cx, position, areas.list);
    } else if areas.rail.contains(position) {
        press_rail(screen, cx.chats, position, areas.rail);
    } else if areas.composer.contains(position) {
        screen.focus = PaneFocus::Composer;
        unselect(screen, cx.chats);
        let (column, row) = composer_cell(areas.composer, position);
        screen.pane.composer.click(column, row);
        screen.mouse.drag = DragTarget::Composer;
    } else if areas.scrollbar().contains(position) {
        screen.mouse.drag = DragTarget::Scrollbar;
        drag(screen, cx, position);
    } else if areas.transcript.contains(position) {
        press_text(screen, cx.chats, position, areas.transcript, count);
    }
}

fn is_on_pill(screen: &Screen, cx: &Cx<'_>, position: Position) -> bool {
    let end_key = cx.env.keymap.keys_of(Action::ScrollEnd).unwrap_or_default();
    let (area, row) = (screen.areas.transcript, screen.areas.pill_row());
    let pill = screen.transcript(cx.chats).and_then(|text| pill_area(text, area, row, &end_key, &cx.env.theme));
    pill.is_some_and(|pill| pill.contains(position))
}

fn press_text(screen: &mut Screen, chats: &mut Chats, position: Position, area: Rect, count: u8) {
    let Some(transcript) = screen.transcript_mut(chats) else { return };
    let (column, row) = (position.x - area.x, position.y - area.y);
    let unit = match count {
        1 => SelectionUnit::Characters,
        2 => SelectionUnit::Words,
        _ => SelectionUnit::Lines,
    };
    transcript.press(column, row, unit);
    screen.mouse.drag = DragTarget::Text(None);
}

fn press_list(screen: &mut Screen, cx: &mut Cx<'_>, position: Position, area: Rect) {
    list_actions::focus_list(screen, cx.chats);
    let row = position.y.saturating_sub(area.y);
    if screen.list.is_search_row(row) {
        screen.list.move_cursor(ListStep::Last, &cx.chats.index);
        list_actions::open_selected(screen, cx);
    } else if let Some(id) = screen.list.conversation_at_row(row, &cx.chats.index) {
        screen.list.cursor = Some(id);
        list_actions::open_selected(screen, cx);
    }
}

fn press_rail(screen: &mut Screen, chats: &mut Chats, position: Position, area: Rect) {
    screen.focus = PaneFocus::Rail;
    if position.y == area.y
        && let Some(tab) = screen.rail.tab_at_column(position.x.saturating_sub(area.x))
    {
        screen.rail.select_tab(tab);
    }
    let row = position.y.saturating_sub(area.y);
    if let Some((answer, number)) = screen.rail.source_at_row(row)
        && let Some(transcript) = screen.transcript_mut(chats)
    {
        transcript.go_to_citation(CitationStep::ToSource(answer, number));
    }
}

fn drag(screen: &mut Screen, cx: &mut Cx<'_>, position: Position) {
    let areas = screen.areas;
    match screen.mouse.drag {
        DragTarget::Nothing => (),
        DragTarget::Scrollbar => {
            let row =
                position.y.clamp(areas.transcript.y, areas.transcript.bottom().saturating_sub(1)) - areas.transcript.y;
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.scroll_to_bar_row(row);
            }
        }
        DragTarget::Composer => {
            let (column, row) = composer_cell(areas.composer, position);
            screen.pane.composer.drag(column, row);
        }
        DragTarget::Text(_) => {
            screen.mouse.drag = DragTarget::Text(Some(position));
            let row = i32::from(position.y) - i32::from(areas.transcript.y);
            let is_beyond_edge = row < 0 || row >= i32::from(areas.transcript.height);
            screen.mouse.scroll_due = is_beyond_edge.then_some(cx.now + EDGE_SCROLL_INTERVAL);
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.drag_to(position.x.saturating_sub(areas.transcript.x), row);
            }
        }
    }
}

fn release(screen: &mut Screen, cx: &mut Cx<'_>, position: Position) {
    let held = std::mem::take(&mut screen.mouse.drag);
    screen.mouse.scroll_due = None;
    let DragTarget::Text(moved) = held else { return };
    let is_single_click = screen.mouse.last_press.is_some_and(|(_, _, count)| count == 1);
    if moved.is_none() && is_single_click {
        unselect(screen, cx.chats);
        click_text(screen, cx, position);
        return;
    }
    if moved.is_some() {
        teaching::on_drag(cx);
    }
    if cx.env.config.copy_on_select != CopyOnSelect::Off {
        copying::copy_selection(screen, cx.chats, SelectionCopy::OnRelease);
    }
}

/// Handles a press and release on the same cell of the text: opens, folds or copies what is there.
fn click_text(screen: &mut Screen, cx: &mut Cx<'_>, position: Position) {
    let area = screen.areas.transcript;
    if !area.contains(position) {
        return;
    }
    let (column, row) = (position.x - area.x, position.y - area.y);
    let is_reading = screen.focus == PaneFocus::Transcript;
    let Some(transcript) = screen.transcript_mut(cx.chats) else { return };
    match transcript.click_target(column, row) {
        Some(ClickTarget::Fold(answer, slot)) => {
            transcript.move_cursor_to_row(row);
            transcript.toggle_part(answer, slot);
            screen.focus = PaneFocus::Transcript;
        }
        Some(ClickTarget::CopyKey { answer, block }) => overlays::copy_code_block(cx, answer, block),
        Some(ClickTarget::Citation(cursor)) => {
            transcript.toggle_source(cursor);
            if transcript.is_source_open() {
                screen.lend_focus();
            } else {
                screen.return_focus();
            }
        }
        Some(ClickTarget::More(message, slot)) => {
            transcript.move_cursor_to_row(row);
            call_results::open_call(&mut screen.overlays, cx, message, slot);
        }
        Some(ClickTarget::Card) if !error_card::offered_choices(cx.chats).is_empty() => {
            match transcript.card_keys_at(column, row).map(str::to_owned) {
                Some(keys) => {
                    let is_focused = screen.mouse.was_card_focused;
                    super::actions::card_actions::click_choice(screen, cx, &keys, is_focused);
                }
                None => screen.focus = PaneFocus::Card,
            }
        }
        Some(ClickTarget::Queue(action)) => {
            screen.focus = PaneFocus::Composer;
            on_action(screen, cx, action);
        }
        Some(ClickTarget::Card) | None if is_reading => transcript.move_cursor_to_row(row),
        Some(ClickTarget::Card) | None => (), // Plain text: the focus stays.
    }
}

fn unselect(screen: &mut Screen, chats: &mut Chats) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.clear_selection();
    }
}

/// Converts a position to a column and row of the draft, without the gutter.
fn composer_cell(area: Rect, position: Position) -> (u16, u16) {
    let row = position.y.clamp(area.y, area.bottom().saturating_sub(1)) - area.y;
    (position.x.saturating_sub(area.x + GUTTER_WIDTH), row)
}
