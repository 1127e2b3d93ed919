//! Draws the list of tools.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    PageSubject, ToolList, ToolPage,
    page::DETAIL_ROWS,
    rows::{self, RowDepth, ToolListItem, ToolRow, ToolSwitch},
};
use crate::{
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame, text_column},
            list_browser,
            search::SearchView,
        },
    },
};

/// Draws the list of tools over everything else; it is given the area of the whole screen.
pub struct ToolListView<'a> {
    pub list: &'a ToolList,
    /// A remark about all tools.
    pub notice: Option<&'a str>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The areas of the overlay's parts; empty ones are not drawn.
pub(super) struct ToolListAreas {
    frame: Rect,
    field: Rect,
    pub rows: Rect,
    rule: Rect,
    pub detail: Rect,
    /// A page, which takes the place of all other parts.
    pub page: Rect,
}

/// The width of a switch and a blank.
const SWITCH_WIDTH: u16 = 2;
const WIDTH: u16 = 100;
/// The widest column of names, in cells.
const MAX_NAME_WIDTH: usize = 30;

/// The rows around the list: the frame, the field and a blank row, another blank row, the rule, the details.
const OTHER_ROWS: u16 = 2 + 2 + 2 + DETAIL_ROWS;

/// Divides the screen, for this many rows if there is room. The layout does not depend on the matches: nothing jumps.
pub(super) fn areas(screen: Rect, rows: usize) -> ToolListAreas {
    let max_height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(OTHER_ROWS);
    let frame = frame::overlay_area(screen, WIDTH, wanted.min(max_height));
    let inner = frame.inner(Margin::new(1, 1));
    let field = Rect { height: inner.height.min(1), ..inner };
    let above = (if inner.height > 6 { 2 } else { 1 }).min(inner.height);
    let below = if inner.height > 14 { DETAIL_ROWS + 1 } else { 0 };
    let rows = Rect { y: inner.y + above, height: inner.height - above - below, ..inner };
    let rule = Rect { y: rows.bottom(), height: below.min(1), ..inner };
    let detail = Rect { y: rule.bottom(), height: below - below.min(1), ..inner };
    let gap = u16::from(inner.height > 6);
    let page = Rect { y: inner.y + gap, height: inner.height - 2 * gap, ..inner };
    ToolListAreas { frame, field, rows, rule, detail, page }
}

/// The column where the name of a row begins, after its switch.
pub(super) fn name_x(row: Rect, depth: RowDepth) -> u16 {
    text_column(row).x + indent(depth) + if depth == RowDepth::Heading { 0 } else { SWITCH_WIDTH }
}

fn indent(depth: RowDepth) -> u16 {
    if depth == RowDepth::Tool { SWITCH_WIDTH } else { 0 }
}

impl ToolListView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let count = self.count_text();
        self.search_view("", &count).cursor(self.list.areas(screen).field).filter(|_| self.list.page.is_none())
    }

    fn count_text(&self) -> String {
        let (on, all) = rows::count_tools(&self.list.rows);
        format!("{on} of {all} tools on")
    }

    fn search_view<'a>(&'a self, hint: &'a str, count: &'a str) -> SearchView<'a> {
        SearchView { search: &self.list.search, hint, count, theme: self.theme }
    }

    /// The key hints, the most important first: a narrow frame drops the last ones.
    fn key_hints(&self, page_height: usize) -> Vec<KeyHint<'static>> {
        type Label = (&'static [Action], &'static str);
        const BACK: Label = (&[Action::Back], "back");
        const OPEN: Label = (&[Action::Accept], "open");
        const SWITCH: Label = (&[Action::SwitchTool], "on, off");
        const RESTART: Label = (&[Action::RestartServer], "restart");
        const TRUST: Label = (&[Action::AskTrust], "trust");
        if self.list.message.is_some() {
            // It takes the place of the other keys.
            let labels = if self.is_untrusted() { &[TRUST, BACK][..] } else { &[BACK] };
            return self.keymap.hints(self.list.key_context(), labels);
        }
        let mut labels = match (&self.list.page, self.list.selected_item()) {
            (Some(page), _) => match &page.subject {
                PageSubject::Trust(_) => vec![(&[Action::ConfirmTrust][..], "trust it")],
                PageSubject::Item(ToolListItem::Server(_)) if self.is_untrusted() => vec![TRUST],
                PageSubject::Item(ToolListItem::Server(_)) => vec![RESTART],
                PageSubject::Item(ToolListItem::Tool(_)) if page.has_grant => {
                    vec![(&[Action::ForgetGrant][..], "ask again")]
                }
                PageSubject::Item(_) => Vec::new(),
            },
            _ if self.list.search.is_typing() => vec![(&[Action::Accept][..], "done")],
            (None, Some(ToolListItem::ToolMode)) => vec![(&[Action::SwitchTool][..], "next choice")],
            (None, Some(ToolListItem::ParallelCalls)) => vec![(&[Action::SwitchTool][..], "change")],
            (None, Some(ToolListItem::Server(_))) if self.is_untrusted() => vec![TRUST, OPEN],
            (None, Some(ToolListItem::Server(_))) => vec![SWITCH, OPEN, RESTART],
            (None, Some(ToolListItem::Tool(_))) => vec![SWITCH, OPEN, (&[Action::ForceTool], "force")],
            (None, Some(ToolListItem::Hosted(_))) => vec![SWITCH, OPEN],
            (None, None) => Vec::new(),
        };
        match &self.list.page {
            Some(page) if page.rows.len() > page_height => {
                labels.push((&[Action::RowDown, Action::RowUp], "scroll"));
            }
            None if !self.list.search.is_typing() => labels.push((&[Action::ReloadTools], "reload all")),
            Some(_) | None => (),
        }
        let back = match &self.list.page {
            _ if self.list.search.is_typing() => "show all",
            Some(_) => "back",
            None => "close",
        };
        labels.push((&[Action::Back], back));
        self.keymap.hints(self.list.key_context(), &labels)
    }

    fn is_untrusted(&self) -> bool {
        self.list.selected_row().is_some_and(|row| row.switch == Some(ToolSwitch::Locked(rows::UNTRUSTED_REASON)))
    }

    fn draw_row(&self, row: &ToolRow, is_selected: bool, name_width: usize, area: Rect, buf: &mut Buffer) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let (text, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let area = text_column(area);
        let mut left = usize::from(area.width);
        if row.depth == RowDepth::Heading {
            key_hints::styled_line(text::truncate(&row.name, left), text.bold()).render(area, buf);
            return;
        }
        let mut spans = Vec::new();
        let mut add = |words: &str, style| {
            let words = text::truncate(words, left).into_owned();
            left -= text::width(&words);
            spans.push(Span::styled(words, style));
        };
        let marks = &self.theme.marks;
        add(&" ".repeat(indent(row.depth).into()), text);
        match row.switch {
            Some(ToolSwitch::On) => add(marks.task_done, text),
            Some(ToolSwitch::Off) => add(marks.task_open, muted),
            Some(ToolSwitch::Locked(_)) | None => add(&" ".repeat(text::width(marks.task_open)), text),
        }
        add(" ", text);
        let style = if row.switch == Some(ToolSwitch::Off) { muted } else { text };
        if row.item.is_some() {
            let room = name_width.saturating_sub(indent(row.depth).into());
            let name = text::truncate(&row.name, room);
            add(&name, if is_selected { style.bold() } else { style });
            add(&" ".repeat(room.saturating_sub(text::width(&name)) + 2), text);
        }
        for (role, words) in &row.text {
            add(words, self.theme.style(*role));
        }
        Line::from(spans).render(area, buf);
    }

    /// The width of the names: of the widest one, as far as there is room.
    fn name_width(&self, room: usize) -> usize {
        let named = self.list.rows.iter().filter(|row| row.item.is_some());
        let cells = |row: &ToolRow| text::width(&row.name) + usize::from(indent(row.depth));
        named.map(cells).max().unwrap_or(0).min(MAX_NAME_WIDTH).min(room * 2 / 5)
    }

    fn draw_rows(&self, parts: &ToolListAreas, buf: &mut Buffer) {
        if self.list.listed.rows().is_empty() {
            key_hints::styled_line("No matches.", self.theme.style(ColourRole::Muted))
                .render(text_column(parts.rows), buf);
            return;
        }
        let name_width = self.name_width(text_column(parts.rows).width.into());
        for (area, entry, is_selected) in self.list.listed.visible_rows(parts.rows) {
            if let Some(row) = entry.row_index {
                self.draw_row(&self.list.rows[row], is_selected, name_width, area, buf);
            }
        }
        let rule = text_column(parts.rule);
        if !rule.is_empty() {
            key_hints::styled_line(
                self.theme.marks.rule.repeat(rule.width.into()),
                self.theme.style(ColourRole::Faint),
            )
            .render(rule, buf);
        }
        for (area, row) in text_column(parts.detail).rows().zip(&self.list.detail_rows) {
            row.draw(area, self.theme, buf);
        }
    }

    fn draw_page(&self, page: &ToolPage, area: Rect, buf: &mut Buffer) {
        let column = text_column(area);
        if page.rows.is_empty() {
            key_hints::styled_line("It no longer exists.", self.theme.style(ColourRole::Muted)).render(column, buf);
        }
        for (area, row) in column.rows().zip(page.rows.iter().skip(page.top)) {
            row.draw(area, self.theme, buf);
        }
    }
}

impl Widget for ToolListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let (list, parts) = (self.list, self.list.areas(area));
        let (title, below) = match &list.page {
            Some(page) => {
                (page.title.as_str(), page.rows.len().saturating_sub(page.top + usize::from(parts.page.height)))
            }
            None => ("Tools", list.listed.rows_below(parts.rows.height)),
        };
        let mut notices: Vec<String> = list.message.iter().cloned().collect();
        if notices.is_empty() {
            notices.extend((below > 0).then(|| format!("{} {below} more", self.theme.marks.more_below)));
            notices.extend(self.notice.map(str::to_owned));
        }
        let notice = notices.join("   ");
        let notice = Some(notice.as_str()).filter(|notice| !notice.is_empty());
        let keys = self.key_hints(parts.page.height.into());
        if (OverlayFrame { title, keys: &keys, notice, theme: self.theme }).draw(parts.frame, buf).is_empty() {
            return;
        }
        if let Some(page) = &list.page {
            self.draw_page(page, parts.page, buf);
            return;
        }
        let keys = self.keymap.keys_for(KeyContext::Tools, Action::SearchRows).unwrap_or_default();
        self.search_view(&format!("{keys} filter"), &self.count_text()).render(parts.field, buf);
        self.draw_rows(&parts, buf);
    }
}
