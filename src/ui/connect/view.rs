//! Draws the connect screen: over the whole terminal at the first start, else as an overlay.

mod connect_rows;
mod lines;
mod sign_in_lines;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::{ConnectProgress, ConnectRow, ConnectScreen, ConnectStage};
use crate::{
    chat::Timestamp,
    render::theme::{ColourRole, Theme},
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
        overlay::{
            field::FieldDisplay,
            frame::{OverlayFrame, overlay_area},
        },
    },
};
use lines::{ConnectLine, TrimLevel};

/// Draws the connect screen; it is given the area of the whole terminal.
pub struct ConnectView<'a> {
    pub connect: &'a ConnectScreen,
    pub situation: ConnectSituation<'a>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// What the connect screen shows of the rest of the program.
#[derive(Debug, Clone, Copy)]
pub struct ConnectSituation<'a> {
    /// The server of the conversation on the screen.
    pub in_use: &'a str,
    pub is_demo: bool,
    /// Whether there is something behind the screen.
    pub can_close: bool,
    /// The current frame of the spinner.
    pub spinner: &'a str,
    pub now: Timestamp,
}

/// The width from the gutter to the end of the longest row, in cells.
const WELCOME_WIDTH: u16 = 87;
const OVERLAY_WIDTH: u16 = 100;
/// Cells between the left edge and the text: at the first start, and inside the frame of the overlay.
const WELCOME_GUTTER: u16 = 2;
const OVERLAY_GUTTER: u16 = 3;
/// The narrowest screen that says how to move.
const MIN_WIDTH_FOR_MOVE: u16 = 50;

/// The rows of the screen and where they are.
struct ConnectLayout<'a> {
    frame: Option<Rect>,
    /// The visible lines, each with its row; the gutter is part of it.
    placed: Vec<(Rect, ConnectLine<'a>)>,
}

impl ConnectView<'_> {
    /// Returns the position of the terminal's cursor while a field is open.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let (field, display) = self.field()?;
        let layout = self.layout(screen);
        let (row, _) = layout.placed.iter().find(|(_, line)| matches!(line, ConnectLine::Field))?;
        field.cursor(self.without_gutter(*row), display)
    }

    /// Returns the row under the mouse that can be chosen.
    pub fn row_at(&self, screen: Rect, position: Position) -> Option<ConnectRow> {
        let layout = self.layout(screen);
        let (_, line) = layout.placed.into_iter().find(|(row, _)| row.contains(position))?;
        match line {
            ConnectLine::Row(row) => Some(row).filter(|row| self.connect.selectable_rows().contains(row)),
            ConnectLine::Text(_) | ConnectLine::Rule | ConnectLine::Field => None,
        }
    }

    fn gutter(&self) -> u16 {
        if self.is_welcome() { WELCOME_GUTTER } else { OVERLAY_GUTTER }
    }

    /// Returns the width of the text in rows of this width, which has the same edge at both sides.
    fn text_width(&self, width: u16) -> usize {
        usize::from(width.saturating_sub(2 * self.gutter())).max(1)
    }

    /// Returns the text's part of a row.
    fn without_gutter(&self, row: Rect) -> Rect {
        let gutter = self.gutter().min(row.width);
        Rect { x: row.x + gutter, width: row.width.saturating_sub(2 * gutter), ..row }
    }

    fn is_welcome(&self) -> bool {
        self.connect.is_first_start()
    }

    /// Returns the field that has the keys, unless what it holds is being tried.
    fn field(&self) -> Option<(&crate::ui::overlay::field::TextField, FieldDisplay)> {
        match &self.connect.stage {
            _ if self.connect.is_trying() => None,
            ConnectStage::Address(field) => Some((field, FieldDisplay::Text)),
            ConnectStage::Key { field, .. } => Some((field.hidden_text(), FieldDisplay::Dots)),
            ConnectStage::SignIn(stage) if stage.is_typing => Some((stage.field.hidden_text(), FieldDisplay::Dots)),
            ConnectStage::SignIn(_) | ConnectStage::Choosing | ConnectStage::ConfirmForget { .. } => None,
        }
    }

    fn layout(&self, screen: Rect) -> ConnectLayout<'_> {
        if self.is_welcome() { self.welcome_layout(screen) } else { self.overlay_layout(screen) }
    }

    fn welcome_layout(&self, screen: Rect) -> ConnectLayout<'_> {
        let body = Rect { height: screen.height.saturating_sub(1), ..screen };
        let width = WELCOME_WIDTH.min(body.width);
        let lines = self.fitting_lines(TrimLevel::Nothing, self.text_width(width), body.height);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(body.height);
        let spare = body.height - height;
        // A little above the middle.
        let area =
            Rect { x: body.x + (body.width - width) / 2, y: body.y + (spare / 2).saturating_sub(1), width, height };
        ConnectLayout { frame: None, placed: self.place(area, lines) }
    }

    fn overlay_layout(&self, screen: Rect) -> ConnectLayout<'_> {
        let full = overlay_area(screen, OVERLAY_WIDTH, screen.height);
        // The frame, and a blank row at each end where there is room.
        let (width, room) = (full.width.saturating_sub(2), full.height.saturating_sub(4));
        let lines = self.fitting_lines(TrimLevel::ChoiceGaps, self.text_width(width), room);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4);
        let frame = overlay_area(screen, OVERLAY_WIDTH, height);
        let (edge, spare) = (1.min(frame.height / 2), u16::from(frame.height > 12));
        let area = Rect {
            x: frame.x + 1.min(frame.width / 2),
            y: frame.y + edge + spare,
            width: frame.width.saturating_sub(2),
            height: frame.height.saturating_sub(2 * (edge + spare)),
        };
        ConnectLayout { frame: Some(frame), placed: self.place(area, lines) }
    }

    /// Gives each line a row; of too many, those around the cursor are shown.
    fn place<'a>(&self, area: Rect, lines: Vec<ConnectLine<'a>>) -> Vec<(Rect, ConnectLine<'a>)> {
        let height = usize::from(area.height);
        let hidden = lines.len().saturating_sub(height);
        let current = lines.iter().position(|line| self.is_current(line)).unwrap_or(0);
        let focus = if self.connect.progress == ConnectProgress::Idle { current } else { lines.len() };
        let top = (focus + 2).saturating_sub(height).min(hidden);
        area.rows().zip(lines.into_iter().skip(top)).collect()
    }

    fn is_current(&self, line: &ConnectLine) -> bool {
        match line {
            ConnectLine::Row(row) => *row == self.connect.cursor,
            ConnectLine::Field => true,
            ConnectLine::Text(_) | ConnectLine::Rule => false,
        }
    }

    /// Returns the hints for what the keys do now.
    fn hints(&self, width: u16) -> Vec<KeyHint<'static>> {
        let can_close = self.situation.can_close;
        let close = if can_close || !self.is_welcome() { (Action::Back, "close") } else { (Action::Cancel, "quit") };
        let labels: Vec<(Vec<Action>, &'static str)> = match (&self.connect.stage, &self.connect.progress) {
            (_, ConnectProgress::Trying) => vec![(vec![Action::Back], "stop")],
            (ConnectStage::Key { .. }, ConnectProgress::Unchecked(_)) => {
                vec![(vec![Action::Accept], "keep it"), (vec![Action::Back], "back")]
            }
            (ConnectStage::Key { .. }, _) => {
                vec![(vec![Action::Accept], "save and check"), (vec![Action::Back], "back")]
            }
            (ConnectStage::SignIn(stage), _) if stage.is_typing => {
                vec![(vec![Action::Accept], "sign in with the code"), (vec![Action::Back], "cancel")]
            }
            (ConnectStage::SignIn(_), _) => {
                let mut labels = vec![(vec![Action::OpenAgain], "open the window again")];
                if width < MIN_WIDTH_FOR_MOVE {
                    labels.clear(); // `Esc` must fit.
                }
                labels.extend([(vec![Action::TypeCode], "type the code"), (vec![Action::Back], "cancel")]);
                labels
            }
            (ConnectStage::Address(_), _) => vec![(vec![Action::Accept], "connect"), (vec![Action::Back], "back")],
            (ConnectStage::ConfirmForget { .. }, _) => {
                vec![(vec![Action::Accept], "forget it"), (vec![Action::Back], "keep it")]
            }
            (ConnectStage::Choosing, _) => {
                let mut labels = vec![(vec![Action::RowUp, Action::RowDown], "move")];
                if width < MIN_WIDTH_FOR_MOVE {
                    labels.clear(); // `Esc` must fit.
                }
                labels.extend(match self.connect.cursor {
                    ConnectRow::Choice(_) => vec![(vec![Action::Accept], "choose")],
                    ConnectRow::Key(_) => vec![(vec![Action::Accept], "use"), (vec![Action::ForgetKey], "forget")],
                    ConnectRow::Local(_) => {
                        vec![(vec![Action::Accept], "use"), (vec![Action::LookAgain], "look again")]
                    }
                });
                labels.push((vec![close.0], close.1));
                labels
            }
        };
        let context = match (self.connect.is_typing(), self.connect.sign_in()) {
            (true, _) => KeyContext::Field,
            (false, Some(_)) => KeyContext::SignIn,
            (false, None) => KeyContext::Connect,
        };
        let labels: Vec<(&[Action], &'static str)> =
            labels.iter().map(|(actions, label)| (actions.as_slice(), *label)).collect();
        self.keymap.hints(context, &labels)
    }

    /// Draws the row of keys at the bottom of the first start.
    fn draw_welcome_keys(&self, row: Rect, buf: &mut Buffer) {
        buf.set_style(row, self.theme.ground_style(ColourRole::Surface));
        let edge = 1.min(row.width / 2);
        let row = Rect { x: row.x + edge, width: row.width - 2 * edge, ..row };
        let room = usize::from(row.width);
        key_hints::hint_line(&self.hints(row.width), room, self.theme).right_aligned().render(row, buf);
        if room > 50 {
            let version = concat!("ibid ", env!("CARGO_PKG_VERSION"));
            key_hints::styled_line(version, self.theme.style(ColourRole::Muted)).render(row, buf);
        }
    }
}

impl Widget for ConnectView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let layout = self.layout(area);
        match layout.frame {
            Some(frame) => {
                let keys = self.hints(frame.width);
                let title = if self.connect.sign_in().is_some() { "Sign in with OpenRouter" } else { "Connect" };
                _ = OverlayFrame { title, keys: &keys, notice: None, theme: self.theme }.draw(frame, buf);
            }
            None => self.draw_welcome_keys(Rect { y: area.bottom() - 1, height: 1, ..area }, buf),
        }
        for (row, line) in &layout.placed {
            self.draw_line(line, *row, buf);
        }
    }
}
