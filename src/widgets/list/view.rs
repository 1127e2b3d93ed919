//! Draws the list of conversations.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Entry, List};
use crate::{
    chat::{ConversationId, Summary},
    text,
    widgets::{
        field::Shows,
        theme::{Role, Theme},
        words,
    },
};

/// The conversations, newest first. Only the rows that are seen are looked at.
pub struct ListView<'a> {
    pub list: &'a List,
    /// What the list was arranged from.
    pub summaries: &'a [Summary],
    /// How many there are, also those that are not loaded yet.
    pub total: usize,
    /// The one that is shown beside the list.
    pub open: Option<ConversationId>,
    pub running: &'a dyn Fn(ConversationId) -> bool,
    /// The step of the spinner.
    pub spinner: &'a str,
    pub focused: bool,
    pub theme: &'a Theme,
}

/// The rows above the first heading.
const HEAD: u16 = 2;
/// What stands left of a title: the bar and a blank.
const INDENT: u16 = 2;
/// What stands right of a title: two blanks and the mark.
const MARK: u16 = 3;

impl ListView<'_> {
    /// Where the terminal's cursor stands while something is typed here.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        if let Some((id, field)) = &self.list.renaming {
            let body = self.body(area);
            let (row, _) = (0..).zip(self.list.visible(body.height)).find(|(_, entry)| match entry {
                Entry::Conversation(at) => self.summaries.get(*at).is_some_and(|summary| summary.id == *id),
                Entry::Heading(_) | Entry::Blank => false,
            })?;
            return field.cursor(title_area(Rect { y: body.y + row, height: 1, ..body }), Shows::Text);
        }
        let field = self.list.filter.as_ref().filter(|_| self.list.filtering)?;
        field.cursor(self.filter_area(area), Shows::Text)
    }

    fn body(&self, area: Rect) -> Rect {
        let head = HEAD.min(area.height);
        let keys = u16::from(self.focused && area.height > HEAD + 2);
        Rect { y: area.y + head, height: (area.height - head).saturating_sub(keys), ..area }
    }

    fn filter_area(&self, area: Rect) -> Rect {
        let count = u16::try_from(self.count().len()).unwrap_or(u16::MAX);
        let indent = INDENT.min(area.width);
        Rect {
            x: area.x + indent,
            width: (area.width - indent).saturating_sub(count + 1),
            height: area.height.min(1),
            ..area
        }
    }

    fn count(&self) -> String {
        match &self.list.filter {
            Some(_) => format!("{} of {}", self.list.len(), self.total),
            None => self.total.to_string(),
        }
    }

    fn head(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        let first = Rect { height: 1, ..area };
        match &self.list.filter {
            Some(field) => {
                let sign = if self.list.filtering { self.theme.style(Role::Accent) } else { muted };
                words::run(self.theme.marks.prompt, sign).render(first, buf);
                field.draw(self.filter_area(area), Shows::Text, self.theme.style(Role::Text), self.theme, buf);
            }
            None => words::run(" Conversations", muted.bold()).render(first, buf),
        }
        words::run(self.count(), muted).right_aligned().render(first, buf);
    }

    fn conversation(&self, summary: &Summary, area: Rect, buf: &mut Buffer) {
        let open = self.open == Some(summary.id);
        let current = if self.focused { self.list.cursor == Some(summary.id) } else { open };
        if current {
            buf.set_style(area, self.theme.style(Role::Raised));
            let bar = self.theme.style(if self.focused { Role::Accent } else { Role::Muted });
            words::run(self.theme.marks.bar, bar).render(area, buf);
        }
        let style = self.theme.style(Role::Text);
        let style = if open || current { style.bold() } else { style };
        let title = title_area(area);
        match &self.list.renaming {
            Some((id, field)) if *id == summary.id => {
                field.draw(title, Shows::Text, self.theme.style(Role::Text).underlined(), self.theme, buf);
            }
            _ => {
                let shown = text::clean(&summary.title);
                let shown = text::truncate(&shown, title.width.into());
                words::run(one_row(&shown), style).render(title, buf);
            }
        }
        if let Some(mark) = self.mark(summary).filter(|_| area.width > INDENT + MARK) {
            Line::from(mark).right_aligned().render(area, buf);
        }
    }

    fn mark(&self, summary: &Summary) -> Option<Span<'_>> {
        let marks = &self.theme.marks;
        let of = |role, mark| Some(Span::styled(mark, self.theme.style(role)));
        if (self.running)(summary.id) {
            of(Role::Accent, self.spinner)
        } else if summary.failed {
            of(Role::Error, marks.failed)
        } else if summary.unread {
            of(Role::You, marks.unread)
        } else {
            None
        }
    }

    /// What an empty list says.
    fn nothing(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(Role::Muted);
        let (what, then) = match (&self.list.filter, self.total) {
            (Some(_), _) => ("No title has that.", Line::default()),
            (None, 0) => ("None yet.", words::run("Type a message.", muted)),
            (None, _) => ("Reading them", Line::default()),
        };
        for (line, row) in [words::run(what, muted), then].into_iter().zip(area.rows()) {
            let indent = INDENT.min(row.width);
            line.render(Rect { x: row.x + indent, width: row.width - indent, ..row }, buf);
        }
    }

    fn keys(&self, area: Rect, buf: &mut Buffer) {
        let enter = self.theme.marks.enter;
        let hints: &[words::Hint] = if self.list.renaming.is_some() {
            &[(enter, "keep"), ("esc", "as it was")]
        } else if self.list.filtering {
            &[(enter, "open"), ("esc", "all")]
        } else {
            &[(enter, "open"), ("/", "filter"), ("r", "rename"), ("d", "trash")]
        };
        let indent = 1.min(area.width);
        let row = Rect { x: area.x + indent, width: area.width - indent, ..area };
        words::keys(hints, row.width.into(), self.theme).render(row, buf);
    }
}

impl Widget for ListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.head(area, buf);
        let body = self.body(area);
        if body.bottom() < area.bottom() {
            self.keys(Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
        }
        if self.list.is_empty() {
            self.nothing(body, buf);
            return;
        }
        let muted: Style = self.theme.style(Role::Muted);
        for (row, entry) in body.rows().zip(self.list.visible(body.height)) {
            match entry {
                Entry::Blank => (),
                Entry::Heading(title) => Line::from(vec![" ".into(), Span::styled(title, muted)]).render(row, buf),
                Entry::Conversation(at) => {
                    if let Some(summary) = self.summaries.get(at) {
                        self.conversation(summary, row, buf);
                    }
                }
            }
        }
    }
}

/// A title with line ends in it is still one row.
fn one_row(title: &str) -> String {
    title.replace('\n', " ")
}

fn title_area(row: Rect) -> Rect {
    let indent = INDENT.min(row.width);
    Rect { x: row.x + indent, width: (row.width - indent).saturating_sub(MARK), ..row }
}
