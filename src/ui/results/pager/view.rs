//! Draws the pager.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    widgets::Widget,
};

use super::{CallPager, document_rows::PagerRow, page::PagerLineKind};
use crate::{
    render::theme::{ColourRole, Theme},
    ui::{
        Action,
        key_hints::KeyHint,
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame},
            search::{self, SearchView},
        },
    },
};

/// Draws the pager over everything else; it is given the area of the whole screen.
pub struct PagerView<'a> {
    pub pager: &'a CallPager,
    /// A message about the last action, which has no room elsewhere.
    pub message: Option<&'a str>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

impl PagerView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.search_view("", &self.count_text()).cursor(search::areas(screen).field)
    }

    fn search_view<'a>(&'a self, hint: &'a str, count: &'a str) -> SearchView<'a> {
        SearchView { search: &self.pager.search, hint, count, theme: self.theme }
    }

    /// The number of the match during a search, else the number of the call.
    fn count_text(&self) -> String {
        let pager = self.pager;
        match pager.call_position {
            _ if !pager.search.is_empty() => search::count_text(pager.matches.len(), pager.current_match),
            (_, 1) => String::new(),
            (nth, of) => format!("call {nth} of {of}"),
        }
    }

    fn key_hints(&self) -> Vec<KeyHint<'static>> {
        if self.pager.search.is_typing() {
            return search::typing_hints(self.keymap);
        }
        let mut labels: Vec<(&[Action], &str)> = Vec::new();
        if !self.pager.search.is_empty() {
            labels.push((&[Action::NextMatch, Action::PreviousMatch], "matches"));
        }
        labels.extend([(&[Action::CopyResult][..], "copy"), (&[Action::SaveShown], "save")]);
        if self.pager.call_position.1 > 1 {
            labels.push((&[Action::PreviousCall, Action::NextCall], "calls"));
        }
        labels.push((&[Action::Back], "close"));
        self.keymap.hints(KeyContext::Pager, &labels)
    }

    fn draw_row(&self, row: &PagerRow, area: Rect, buf: &mut Buffer) {
        let style = match row.kind {
            PagerLineKind::Heading => self.theme.style(ColourRole::Text).bold(),
            PagerLineKind::Note => self.theme.style(ColourRole::Muted),
            PagerLineKind::Text => self.theme.style(ColourRole::Text),
            PagerLineKind::Failure => self.theme.style(ColourRole::Error),
        };
        let pager = self.pager;
        let mut spans = Vec::new();
        let mut offset = row.start;
        let first = pager.matches.partition_point(|range| range.end <= row.start);
        for (nth, range) in pager.matches.iter().enumerate().skip(first).take_while(|(_, range)| range.start < row.end)
        {
            let (from, to) = (range.start.max(row.start), range.end.min(row.end));
            spans.push((&pager.document.text[offset..from], style));
            spans.push((&pager.document.text[from..to], self.match_style(style, pager.current_match == Some(nth))));
            offset = to;
        }
        spans.push((&pager.document.text[offset..row.end], style));
        // A `Line` would leave old cells under zero-width text on the screen.
        let column = frame::text_column(area);
        let mut x = column.x;
        for (words, style) in spans {
            let room = usize::from(column.right() - x);
            (x, _) = buf.set_stringn(x, column.y, words, room, style);
        }
    }

    /// The style of a match; the current one is also bold and underlined.
    fn match_style(&self, style: Style, is_current: bool) -> Style {
        if is_current {
            self.theme
                .style(ColourRole::Accent)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            style.patch(self.theme.style(ColourRole::Mark))
        }
    }
}

impl Widget for PagerView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let parts = search::areas(area);
        let pager = self.pager;
        let below = pager.rows.len().saturating_sub(pager.top + usize::from(parts.rows.height));
        let more = frame::more_notice(below, self.theme);
        let notice = self.message.or(more.as_deref());
        let frame = OverlayFrame { title: &pager.document.title, keys: &self.key_hints(), notice, theme: self.theme };
        if frame.draw(parts.frame, buf).is_empty() {
            return;
        }
        let hint = search::search_hint(self.keymap, KeyContext::Pager);
        self.search_view(&hint, &self.count_text()).render(parts.field, buf);
        for (row, area) in pager.rows.iter().skip(pager.top).zip(parts.rows.rows()) {
            self.draw_row(row, area, buf);
        }
    }
}
