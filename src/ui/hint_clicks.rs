//! Clicks on what is drawn around the content: a key that is shown can also be clicked, and a click outside an overlay
//! closes it.
//!
//! Where the hints are is read off a frame that is drawn for the click, so that every hint can be clicked, wherever it
//! comes from. Only the foot of the top overlay or of the list, the rule above the composer and the status line are looked at: no text
//! of a model, a page or a tool is ever there.

use crossterm::event::{Event, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Color,
};

use super::{
    Action, Effect, Msg, State,
    dispatch::on_action,
    keymap::{KeyContext, KeyMeaning, KeyPress, shown_sequence},
    overlays,
    screen::PaneFocus,
    update, view,
};
use crate::{
    chat::Timestamp,
    config::MouseMode,
    render::theme::{ColourRole, Theme, ThemeMarks},
};

/// Handles a press on a hint, or outside the top overlay; `None` if it is on neither.
pub(crate) fn on_press(state: &mut State, now: Timestamp, event: MouseEvent) -> Option<Vec<Effect>> {
    let is_press = event.kind == MouseEventKind::Down(MouseButton::Left);
    if !is_press || state.env.config.mouse != MouseMode::On {
        return None;
    }
    let position = Position::new(event.column, event.row);
    if !may_be_hint(state, position) {
        return None;
    }
    let page = DrawnPage::of(state, now);
    if let Some(keys) = page.keys_at(state, position) {
        if let Some(action) = action_of_typed(state, &keys) {
            let mut effects = Vec::new();
            let (screen, mut cx) = state.split(now, &mut effects);
            on_action(screen, &mut cx, action);
            return Some(effects);
        }
        return Some(keys.into_iter().flat_map(|key| update(state, now, key_msg(key))).collect());
    }
    let frame = page.overlay_frame(state)?;
    if frame.contains(position) {
        return None;
    }
    let mut effects = Vec::new();
    let (screen, mut cx) = state.split(now, &mut effects);
    overlays::click_outside(screen, &mut cx);
    Some(effects)
}

/// Returns whether a hint may be drawn at a position, or an overlay may be left by a press there.
fn may_be_hint(state: &State, position: Position) -> bool {
    match state.screen.overlays.last() {
        Some(top) => top.has_frame(),
        None => is_on_page_hints(state, position),
    }
}

/// Returns whether a position is in a row in which the page shows keys, while no overlay is open.
fn is_on_page_hints(state: &State, position: Position) -> bool {
    let areas = state.screen.areas;
    let is_foot_of_list = state.screen.focus == PaneFocus::List && position.y + 1 == areas.list.bottom();
    areas.status.contains(position)
        || areas.composer_rule.contains(position)
        || areas.list.contains(position) && is_foot_of_list
}

/// Returns the action of a key that would be text where something is being written, such as `?`.
fn action_of_typed(state: &State, keys: &[KeyPress]) -> Option<Action> {
    let [key] = keys else { return None };
    let is_writing = state.screen.key_context(&state.chats) == KeyContext::Composer && key.typed_char().is_some();
    match state.env.keymap.meaning(KeyContext::Empty, &[], *key) {
        KeyMeaning::Run(action) if is_writing => Some(action),
        KeyMeaning::Run(_) | KeyMeaning::Prefix | KeyMeaning::Unbound => None,
    }
}

fn key_msg(key: KeyPress) -> Msg {
    Msg::Input { event: Event::Key(key.into()), more: false }
}

/// The screen, drawn with colours in which keys differ from everything else.
struct DrawnPage {
    buffer: Buffer,
    marks: ThemeMarks,
    key_colour: Option<Color>,
    /// The colour of the frames of overlays; what lies below them is fainter.
    frame_colour: Option<Color>,
}

impl DrawnPage {
    fn of(state: &mut State, now: Timestamp) -> Self {
        let marks = state.env.theme.marks;
        let mut probe = Theme::bundled("ink").unwrap_or_default();
        probe.marks = marks;
        let (key_colour, frame_colour) = (probe.style(ColourRole::Accent).fg, probe.style(ColourRole::Muted).fg);
        let theme = std::mem::replace(&mut state.env.theme, probe);
        let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, state.screen.size)));
        view::draw(state, now, &mut buffer);
        state.env.theme = theme;
        Self { buffer, marks, key_colour, frame_colour }
    }

    /// Returns the keys of the hint at a position, if there is one.
    fn keys_at(&self, state: &State, position: Position) -> Option<Vec<KeyPress>> {
        let is_hint_row = match self.overlay_frame(state) {
            Some(frame) => frame.contains(position) && position.y + 1 == frame.bottom(),
            None => state.screen.overlays.is_empty() && is_on_page_hints(state, position),
        };
        if !is_hint_row || !self.buffer.area.contains(position) {
            return None;
        }
        // The key is the coloured word at the position, or the last one before it, up to a gap of two cells.
        let mut end = position.x;
        let mut blanks = 0;
        while self.buffer[(end, position.y)].fg != self.key_colour? || self.symbol(end, position.y) == " " {
            blanks = if matches!(self.symbol(end, position.y), " ") { blanks + 1 } else { 0 };
            if blanks > 1 || self.symbol(end, position.y) == self.marks.rule {
                return None;
            }
            end = end.checked_sub(1)?;
        }
        let is_key = |x: u16| self.buffer[(x, position.y)].fg == self.key_colour.unwrap_or_default();
        let start = (0..=end).rev().take_while(|x| is_key(*x)).last()?;
        let last = (end..self.buffer.area.right()).take_while(|x| is_key(*x)).last()?;
        let words: String = (start..=last).map(|x| self.symbol(x, position.y)).collect();
        shown_sequence(words.trim(), self.marks.enter)
    }

    fn symbol(&self, x: u16, y: u16) -> &str {
        self.buffer[(x, y)].symbol()
    }

    /// Returns the area of the top overlay, if it has a frame.
    fn overlay_frame(&self, state: &State) -> Option<Rect> {
        let area = self.buffer.area;
        let is_corner =
            |x: u16, y: u16, mark: &str| self.symbol(x, y) == mark && Some(self.buffer[(x, y)].fg) == self.frame_colour;
        if state.screen.overlays.last().is_none_or(|top| !top.has_frame()) {
            return None;
        }
        let (left, bottom) = (area.top()..area.bottom().saturating_sub(1)).rev().find_map(|y| {
            let left = (area.left()..area.right()).find(|x| is_corner(*x, y, self.marks.bottom_left))?;
            Some((left, y))
        })?;
        let right = (left..area.right()).rev().find(|x| is_corner(*x, bottom, self.marks.bottom_right))?;
        let top = (area.top()..bottom).rev().find(|y| is_corner(left, *y, self.marks.top_left))?;
        Some(Rect { x: left, y: top, width: right - left + 1, height: bottom - top + 1 })
    }
}
