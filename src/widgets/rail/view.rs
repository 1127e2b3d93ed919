//! The rail on the screen.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::{HEAD, Rail, Tab};
use crate::{
    text,
    widgets::theme::{Role, Theme},
};

/// Paints the tabs and the rows that `Rail::sync` chose.
pub struct RailView<'a> {
    pub rail: &'a Rail,
    pub theme: &'a Theme,
    /// The pane has the focus: its tab is in accent.
    pub focused: bool,
}

impl Widget for RailView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.tabs(area, buf);
        let body = Rect { y: area.y + HEAD as u16, height: area.height.saturating_sub(HEAD as u16), ..area };
        for (row, y) in self.rail.visible().zip(body.top()..body.bottom()) {
            // In the column that is left free before the rail.
            let before = body.x.checked_sub(1).filter(|x| *x >= buf.area.x);
            if let (Some(x), Some(ground)) = (before, row.fill) {
                self.theme.clear(Rect { x, y, width: 1, height: 1 }, ground, buf);
            }
            if let (Some(x), Some(gutter)) = (before, row.gutter) {
                let role = if self.focused { Role::Accent } else { gutter.role };
                buf.set_string(x, y, gutter.mark, self.theme.style(role));
            }
            row.draw(Rect { y, height: 1, ..body }, self.theme, buf);
        }
        if let Some(foot) = self.rail.foot.as_ref().filter(|_| !body.is_empty()) {
            foot.draw(Rect { y: body.bottom() - 1, height: 1, ..body }, self.theme, buf);
        }
    }
}

impl Rail {
    /// The tab at a cell of the first row.
    pub fn tab_at(&self, x: u16) -> Option<Tab> {
        let mut left = usize::from(x);
        self.tabs().into_iter().find_map(|(tab, name)| {
            let cells = text::width(&name);
            let here = left < cells;
            left = left.checked_sub(cells + 2).unwrap_or(usize::MAX);
            here.then_some(tab)
        })
    }

    fn tabs(&self) -> [(Tab, String); 3] {
        let count = self.citations.sources().len();
        let sources = if count > 0 { format!("Sources {count}") } else { "Sources".into() };
        [(Tab::Reasoning, "Reasoning".to_owned()), (Tab::Sources, sources), (Tab::Details, "Details".to_owned())]
    }
}

impl RailView<'_> {
    fn tabs(&self, area: Rect, buf: &mut Buffer) {
        let mut x = area.x;
        for (tab, name) in self.rail.tabs() {
            let room = usize::from(area.right().saturating_sub(x));
            let name = text::truncate(&name, room);
            let style = match (tab == self.rail.tab, self.focused) {
                (true, true) => self.theme.style(Role::Accent).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                (true, false) => self.theme.style(Role::Text).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                (false, _) => self.theme.style(Role::Muted),
            };
            let (end, _) = buf.set_stringn(x, area.y, &*name, room, style);
            x = (end + 2).min(area.right());
        }
    }
}
