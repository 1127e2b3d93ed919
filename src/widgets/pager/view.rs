//! Draws the pager.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{Pager, page::Kind, rows::Row};
use crate::widgets::{
    overlay::Overlay,
    search::{self, SearchView},
    theme::{Role, Theme},
    words::Hint,
};

/// The pager above everything else; it is drawn with the area of the whole screen.
pub struct PagerView<'a> {
    pub pager: &'a Pager,
    /// A word about what was just done: there is no room for it elsewhere.
    pub said: Option<&'a str>,
    pub theme: &'a Theme,
}

impl PagerView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.field(&self.count()).cursor(search::parts(screen).field)
    }

    fn field<'a>(&'a self, count: &'a str) -> SearchView<'a> {
        SearchView { search: &self.pager.search, hint: "/ searches", count, theme: self.theme }
    }

    /// Which match of how many, else which call of how many.
    fn count(&self) -> String {
        let pager = self.pager;
        match pager.place {
            _ if !pager.search.is_empty() => search::count(pager.found.len(), pager.current),
            (_, 1) => String::new(),
            (nth, of) => format!("call {nth} of {of}"),
        }
    }

    fn keys(&self) -> Vec<Hint<'static>> {
        if self.pager.search.types() {
            return vec![("↵", "done"), (self.theme.marks.up_down, "matches"), ("esc", "clear")];
        }
        let mut keys = vec![("y", "copy"), ("s", "save"), ("esc", "back")];
        if self.pager.place.1 > 1 {
            keys.insert(2, ("( )", "calls"));
        }
        if !self.pager.search.is_empty() {
            keys.insert(0, ("n N", "matches"));
        }
        keys
    }

    fn row(&self, row: &Row, area: Rect, buf: &mut Buffer) {
        let style = match row.kind {
            Kind::Head => self.theme.style(Role::Text).bold(),
            Kind::Note => self.theme.style(Role::Muted),
            Kind::Text => self.theme.style(Role::Text),
            Kind::Failure => self.theme.style(Role::Error),
        };
        let pager = self.pager;
        let mut spans = Vec::new();
        let mut at = row.start;
        let first = pager.found.partition_point(|range| range.end <= row.start);
        for (nth, range) in pager.found.iter().enumerate().skip(first).take_while(|(_, range)| range.start < row.end) {
            let (from, to) = (range.start.max(row.start), range.end.min(row.end));
            spans.push((&pager.page.text[at..from], style));
            spans.push((&pager.page.text[from..to], self.hit(style, pager.current == Some(nth))));
            at = to;
        }
        spans.push((&pager.page.text[at..row.end], style));
        // A `Line` would leave what has no width on the screen.
        let column = search::column(area);
        let mut x = column.x;
        for (words, style) in spans {
            let room = usize::from(column.right() - x);
            (x, _) = buf.set_stringn(x, column.y, words, room, style);
        }
    }

    /// What was looked for; the current one is bold and underlined as well.
    fn hit(&self, style: Style, is_current: bool) -> Style {
        if is_current {
            self.theme.style(Role::Accent).add_modifier(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            style.patch(self.theme.style(Role::Mark))
        }
    }
}

impl Widget for PagerView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let parts = search::parts(area);
        let pager = self.pager;
        let below = pager.rows.len().saturating_sub(pager.top + usize::from(parts.rows.height));
        let more = format!("{} {below} more", self.theme.marks.more_below);
        let notice = self.said.or((below > 0).then_some(&more));
        let frame = Overlay { title: &pager.page.title, keys: &self.keys(), notice, theme: self.theme };
        if frame.draw(parts.frame, buf).is_empty() {
            return;
        }
        self.field(&self.count()).render(parts.field, buf);
        for (row, area) in pager.rows.iter().skip(pager.top).zip(parts.rows.rows()) {
            self.row(row, area, buf);
        }
    }
}
