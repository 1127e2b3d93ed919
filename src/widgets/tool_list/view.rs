//! Draws the tools.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Position, Rect},
    style::Modifier,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Page, Subject, ToolList,
    page::DETAIL,
    rows::{self, Depth, Row, Switch, Thing},
};
use crate::{
    text,
    widgets::{
        field::Shows,
        overlay::{self, Overlay},
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// The tools above everything else; it is drawn with the area of the whole screen.
pub struct ToolListView<'a> {
    pub list: &'a ToolList,
    /// What is to be known about all of them.
    pub notice: Option<&'a str>,
    pub theme: &'a Theme,
}

/// Where the parts stand; empty ones are not drawn.
pub struct Parts {
    frame: Rect,
    field: Rect,
    pub rows: Rect,
    rule: Rect,
    pub detail: Rect,
    /// In the place of all of them.
    pub page: Rect,
}

const INDENT: u16 = 2;
/// A switch and a blank.
const SWITCH: u16 = 2;
const WIDTH: u16 = 100;
/// The widest column of names, in cells.
const NAMES: usize = 30;

/// What stands around the rows: the frame, the field and a blank row, another, the rule and the words below.
const AROUND: u16 = 2 + 2 + 2 + DETAIL;

/// Divides the screen, for that many rows where there is room. It does not depend on what matches, so nothing jumps.
pub fn parts(screen: Rect, rows: usize) -> Parts {
    let most = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(AROUND);
    let frame = overlay::placed(screen, WIDTH, wanted.min(most));
    let inner = frame.inner(Margin::new(1, 1));
    let field = Rect { height: inner.height.min(1), ..inner };
    let above = (if inner.height > 6 { 2 } else { 1 }).min(inner.height);
    let below = if inner.height > 14 { DETAIL + 1 } else { 0 };
    let rows = Rect { y: inner.y + above, height: inner.height - above - below, ..inner };
    let rule = Rect { y: rows.bottom(), height: below.min(1), ..inner };
    let detail = Rect { y: rule.bottom(), height: below - below.min(1), ..inner };
    let gap = u16::from(inner.height > 6);
    let page = Rect { y: inner.y + gap, height: inner.height - 2 * gap, ..inner };
    Parts { frame, field, rows, rule, detail, page }
}

/// The column of text inside the frame.
pub fn column(area: Rect) -> Rect {
    let left = INDENT.min(area.width);
    Rect { x: area.x + left, width: (area.width - left).saturating_sub(INDENT), ..area }
}

/// Where the name of a row begins, behind its switch.
pub fn name_at(row: Rect, depth: Depth) -> u16 {
    column(row).x + indent(depth) + if depth == Depth::Heading { 0 } else { SWITCH }
}

fn indent(depth: Depth) -> u16 {
    if depth == Depth::Tool { SWITCH } else { 0 }
}

impl ToolListView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let typing = self.list.typing && self.list.page.is_none();
        typing.then(|| self.list.query.cursor(self.query_area(self.list.parts(screen).field), Shows::Text)).flatten()
    }

    fn count(&self) -> String {
        let (on, all) = rows::count(&self.list.rows);
        format!("{on} of {all} tools on")
    }

    fn query_area(&self, field: Rect) -> Rect {
        let field = column(field);
        let count = u16::try_from(self.count().len() + 2).unwrap_or(u16::MAX);
        Rect { width: field.width.saturating_sub(count), ..field }
    }

    fn field(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        words::run(self.theme.marks.prompt, self.theme.style(Role::Accent)).render(area, buf);
        let query_area = self.query_area(area);
        if self.list.query.is_empty() && !self.list.typing {
            words::run("/ filters", muted).render(query_area, buf);
        }
        self.list.query.draw(query_area, Shows::Text, self.theme.style(Role::Text), self.theme, buf);
        words::run(self.count(), muted).right_aligned().render(column(area), buf);
    }

    /// The first of them are there wherever there is little room.
    fn keys(&self, page_height: usize) -> Vec<Hint<'static>> {
        if let Some(page) = &self.list.page {
            let mut keys = match &page.of {
                Subject::Trust(_) => vec![("y", "trust it"), ("esc", "back")],
                Subject::Thing(Thing::Server(_)) if self.is_untrusted() => vec![("t", "trust"), ("esc", "back")],
                Subject::Thing(Thing::Server(_)) => vec![("esc", "back"), ("r", "start again")],
                Subject::Thing(_) => vec![("esc", "back")],
            };
            keys.extend((page.rows.len() > page_height).then_some(("j k", "scroll")));
            return keys;
        }
        if self.list.typing {
            return vec![(self.theme.marks.enter, "done"), ("esc", "clear")];
        }
        let look = (self.theme.marks.enter, "look");
        let mut keys = match self.list.thing() {
            Some(Thing::Choice) => vec![("space", "next choice")],
            Some(Thing::Calls) => vec![("space", "change")],
            Some(Thing::Server(_)) if self.is_untrusted() => vec![("t", "trust"), look],
            Some(Thing::Server(_)) => vec![("space", "on, off"), look, ("r", "start again")],
            Some(Thing::Tool(_)) => vec![("space", "on, off"), look, ("f", "must be called")],
            Some(Thing::Hosted(_)) => vec![("space", "on, off"), look],
            None => Vec::new(),
        };
        keys.push(("esc", "back"));
        keys.push(("R", "reload all"));
        keys
    }

    fn is_untrusted(&self) -> bool {
        self.list.row().is_some_and(|row| row.switch == Some(Switch::Stuck(rows::UNTRUSTED)))
    }

    fn row(&self, row: &Row, current: bool, names: usize, area: Rect, buf: &mut Buffer) {
        if current {
            buf.set_style(area, self.theme.style(Role::Selection));
            // Where selection is reversed, the bar is not.
            let bar = self.theme.style(Role::Accent).remove_modifier(Modifier::REVERSED);
            words::run(self.theme.marks.bar, bar).render(area, buf);
        }
        let (text, muted) = (self.theme.style(Role::Text), self.theme.style(Role::Muted));
        let area = column(area);
        let mut left = usize::from(area.width);
        if row.depth == Depth::Heading {
            words::run(text::truncate(&row.name, left), text.bold()).render(area, buf);
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
            Some(Switch::On) => add(marks.task_done, text),
            Some(Switch::Off) => add(marks.task_open, muted),
            Some(Switch::Stuck(_)) | None => add(" ", text),
        }
        add(" ", text);
        let style = if row.switch == Some(Switch::Off) { muted } else { text };
        if row.thing.is_some() {
            let room = names.saturating_sub(indent(row.depth).into());
            let name = text::truncate(&row.name, room);
            add(&name, if current { style.bold() } else { style });
            add(&" ".repeat(room.saturating_sub(text::width(&name)) + 2), text);
        }
        for (role, words) in &row.words {
            add(words, self.theme.style(*role));
        }
        Line::from(spans).render(area, buf);
    }

    /// The widest name, as far as there is room for it.
    fn names(&self, room: usize) -> usize {
        let named = self.list.rows.iter().filter(|row| row.thing.is_some());
        let cells = |row: &Row| text::width(&row.name) + usize::from(indent(row.depth));
        named.map(cells).max().unwrap_or(0).min(NAMES).min(room * 2 / 5)
    }

    fn rows(&self, parts: &Parts, buf: &mut Buffer) {
        if self.list.shown.is_empty() {
            words::run("Nothing matches. A shorter word finds more.", self.theme.style(Role::Muted))
                .render(column(parts.rows), buf);
            return;
        }
        let names = self.names(column(parts.rows).width.into());
        let seen = self.list.shown.iter().enumerate().skip(self.list.top);
        for (area, (at, row)) in parts.rows.rows().zip(seen) {
            if let Some(row) = row {
                self.row(&self.list.rows[*row], at == self.list.cursor, names, area, buf);
            }
        }
        let rule = column(parts.rule);
        if !rule.is_empty() {
            words::run(self.theme.marks.rule.repeat(rule.width.into()), self.theme.style(Role::Faint))
                .render(rule, buf);
        }
        for (area, row) in column(parts.detail).rows().zip(&self.list.detail) {
            row.draw(area, self.theme, buf);
        }
    }

    fn page(&self, page: &Page, area: Rect, buf: &mut Buffer) {
        let column = column(area);
        if page.rows.is_empty() {
            words::run("It is not there any more.", self.theme.style(Role::Muted)).render(column, buf);
        }
        for (area, row) in column.rows().zip(page.rows.iter().skip(page.top)) {
            row.draw(area, self.theme, buf);
        }
    }
}

impl Widget for ToolListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let (list, parts) = (self.list, self.list.parts(area));
        let (title, below) = match &list.page {
            Some(page) => {
                (page.title.as_str(), page.rows.len().saturating_sub(page.top + usize::from(parts.page.height)))
            }
            None => ("Tools", list.shown.len().saturating_sub(list.top + usize::from(parts.rows.height))),
        };
        let mut notices: Vec<String> = list.said.iter().cloned().collect();
        if notices.is_empty() {
            notices.extend((below > 0).then(|| format!("{} {below} more", self.theme.marks.more_below)));
            notices.extend(self.notice.map(str::to_owned));
        }
        let notice = notices.join("   ");
        let notice = Some(notice.as_str()).filter(|notice| !notice.is_empty());
        let keys = self.keys(parts.page.height.into());
        // What came of a key takes the place of keys.
        let keys: &[Hint] = if list.said.is_some() { &[("esc", "back")] } else { &keys };
        if (Overlay { title, keys, notice, theme: self.theme }).draw(parts.frame, buf).is_empty() {
            return;
        }
        if let Some(page) = &list.page {
            self.page(page, parts.page, buf);
            return;
        }
        if !parts.field.is_empty() {
            self.field(parts.field, buf);
        }
        self.rows(&parts, buf);
    }
}
