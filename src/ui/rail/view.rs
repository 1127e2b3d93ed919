//! Draws the rail.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, widgets::Widget};

use super::{HEADER_ROWS, Rail, RailTab};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        key_hints::KeyHint,
        keymap::{KeyContext, Keymap},
    },
};

/// Draws the tabs and the visible rows of a rail laid out by `Rail::sync`.
pub struct RailView<'a> {
    pub rail: &'a Rail,
    pub theme: &'a Theme,
    /// Whether the pane has the focus; if so, its tab has the accent colour.
    pub focused: bool,
}

impl Widget for RailView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.draw_tabs(area, buf);
        let body = Rail::body(area);
        for (row, y) in self.rail.visible_rows().zip(body.top()..body.bottom()) {
            // The gutter is the blank column before the rail.
            let before = body.x.checked_sub(1).filter(|x| *x >= buf.area.x);
            if let (Some(x), Some(ground)) = (before, row.background) {
                self.theme.clear_area(Rect { x, y, width: 1, height: 1 }, ground, buf);
            }
            if let (Some(x), Some(gutter)) = (before, row.gutter) {
                let role = if self.focused { ColourRole::Accent } else { gutter.role };
                buf.set_string(x, y, gutter.mark, self.theme.style(role));
            }
            row.draw(Rect { y, height: 1, ..body }, self.theme, buf);
        }
        if let Some(foot) = self.rail.footer.as_ref().filter(|_| !body.is_empty()) {
            foot.draw(Rect { y: body.bottom() - 1, height: 1, ..body }, self.theme, buf);
        }
    }
}

impl Rail {
    /// Returns what the keys of the selected tab do, wherever they are shown.
    pub fn key_labels(&self) -> &'static [(&'static [Action], &'static str)] {
        const TABS: (&[Action], &str) = (&[Action::PreviousTab, Action::NextTab], "tabs");
        match self.tab {
            RailTab::Sources if self.citations.sources().is_empty() => &[TABS],
            RailTab::Sources => &[
                (&[Action::OpenInBrowser], "open"),
                (&[Action::CheckSource], "check"),
                (&[Action::CopyFootnote], "copy"),
                TABS,
            ],
            // The tree knows what its keys do on its row.
            RailTab::Tree => &[TABS],
            RailTab::Reasoning | RailTab::Details => &[(&[Action::RowDown, Action::RowUp], "scroll"), TABS],
        }
    }

    /// Returns the keys of the selected tab, for the frame of a rail that is not docked.
    pub fn key_hints(&self, keymap: &Keymap) -> Vec<KeyHint<'static>> {
        let mut labels = self.key_labels().to_vec();
        labels.push((&[Action::Back], "close"));
        keymap.hints(KeyContext::Rail, &labels)
    }

    /// Returns the area below the tabs.
    pub fn body(area: Rect) -> Rect {
        let above = (HEADER_ROWS as u16).min(area.height);
        Rect { y: area.y + above, height: area.height - above, ..area }
    }

    /// Returns the tab at a column of the first row.
    pub fn tab_at_column(&self, x: u16) -> Option<RailTab> {
        let mut left = usize::from(x);
        self.tab_labels().into_iter().find_map(|(tab, name)| {
            let cells = text::width(&name);
            let is_hit = left < cells;
            left = left.checked_sub(cells + 2).unwrap_or(usize::MAX);
            is_hit.then_some(tab)
        })
    }

    fn tab_labels(&self) -> [(RailTab, String); 4] {
        let count = self.citations.sources().len();
        let sources = if count > 0 { format!("Sources {count}") } else { "Sources".into() };
        [
            (RailTab::Reasoning, "Reasoning".to_owned()),
            (RailTab::Sources, sources),
            (RailTab::Details, "Details".to_owned()),
            (RailTab::Tree, "Tree".to_owned()),
        ]
    }
}

impl RailView<'_> {
    fn draw_tabs(&self, area: Rect, buf: &mut Buffer) {
        let mut x = area.x;
        for (tab, name) in self.rail.tab_labels() {
            let room = usize::from(area.right().saturating_sub(x));
            let name = text::truncate(&name, room);
            let style = match (tab == self.rail.tab, self.focused) {
                (true, true) => {
                    self.theme.style(ColourRole::Accent).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
                }
                (true, false) => self.theme.style(ColourRole::Text).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                (false, _) => self.theme.style(ColourRole::Muted),
            };
            let (end, _) = buf.set_stringn(x, area.y, &*name, room, style);
            x = (end + 2).min(area.right());
        }
    }
}
