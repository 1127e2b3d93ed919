//! Draws the list of conversations.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{ConversationList, ListEntry};
use crate::{
    chat::{ConversationId, ConversationSummary},
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::field::FieldDisplay,
    },
};

/// Draws the conversations, newest first. Only the visible ones are read.
pub struct ConversationListView<'a> {
    pub list: &'a ConversationList,
    /// The summaries that the list was arranged from.
    pub summaries: &'a [ConversationSummary],
    /// How many there are, including those that are not loaded yet.
    pub total: usize,
    /// The conversation that is shown beside the list.
    pub open: Option<ConversationId>,
    /// What the turn of a conversation does, if one is in progress.
    pub activity: &'a dyn Fn(ConversationId) -> Option<ListActivity>,
    /// The current frame of the spinner.
    pub spinner: &'a str,
    pub focused: bool,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// A turn in progress, as the list marks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListActivity {
    Running,
    /// It waits for the user.
    Asking,
}

/// The rows above the first heading.
const HEAD_ROWS: u16 = 2;
/// What the last row of a filtered list does.
const SEARCH_WORDS: &str = "Search what was said: ";
/// The cells left of a title: the bar and a space.
const TITLE_INDENT: u16 = 2;
/// The cells right of a title: two spaces and the mark.
const MARK_WIDTH: u16 = 3;

impl ConversationListView<'_> {
    /// Returns the position of the terminal's cursor while text is typed here.
    pub fn cursor(&self, area: Rect) -> Option<Position> {
        if let Some(edit) = &self.list.row_edit {
            let body = self.body_area(area);
            let row = self.visible_row(edit.conversation, body)?;
            return edit.field.cursor(title_area(row), FieldDisplay::Text);
        }
        let field = self.list.filter.as_ref().filter(|_| self.list.is_filtering)?;
        field.cursor(self.filter_area(area), FieldDisplay::Text)
    }

    /// Returns the row on which a conversation is drawn.
    pub(super) fn visible_row(&self, id: ConversationId, body: Rect) -> Option<Rect> {
        let (row, _) = (0..).zip(self.list.visible_entries(body.height)).find(|(_, entry)| match entry {
            ListEntry::Conversation(at) => self.summaries.get(*at).is_some_and(|summary| summary.id == id),
            ListEntry::Heading(_) | ListEntry::Blank | ListEntry::Search => false,
        })?;
        Some(Rect { y: body.y + row, height: 1, ..body })
    }

    fn body_area(&self, area: Rect) -> Rect {
        let head = HEAD_ROWS.min(area.height);
        let key_rows = u16::from(self.focused && self.is_typing() && area.height > HEAD_ROWS + 2);
        Rect { y: area.y + head, height: (area.height - head).saturating_sub(key_rows), ..area }
    }

    /// Text is typed here, so the keys of the field stand at the foot; those of the list are in the status line.
    fn is_typing(&self) -> bool {
        self.list.row_edit.is_some() || self.list.is_filtering
    }

    fn filter_area(&self, area: Rect) -> Rect {
        let count = u16::try_from(self.count_label().len()).unwrap_or(u16::MAX);
        let indent = TITLE_INDENT.min(area.width);
        Rect {
            x: area.x + indent,
            width: (area.width - indent).saturating_sub(count + 1),
            height: area.height.min(1),
            ..area
        }
    }

    pub(super) fn count_label(&self) -> String {
        match &self.list.filter {
            Some(_) => format!("{} of {}", self.list.len(), self.total),
            None => self.total.to_string(),
        }
    }

    fn draw_head(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(ColourRole::Muted);
        let first = Rect { height: 1, ..area };
        match &self.list.filter {
            Some(field) => {
                let sign = if self.list.is_filtering { self.theme.style(ColourRole::Accent) } else { muted };
                key_hints::styled_line(self.theme.marks.prompt, sign).render(first, buf);
                field.draw(
                    self.filter_area(area),
                    FieldDisplay::Text,
                    self.theme.style(ColourRole::Text),
                    self.theme,
                    buf,
                );
            }
            None => key_hints::styled_line(" Conversations", muted.bold()).render(first, buf),
        }
        key_hints::styled_line(self.count_label(), muted).right_aligned().render(first, buf);
    }

    fn draw_conversation(&self, at: usize, area: Rect, buf: &mut Buffer) {
        let Some(summary) = self.summaries.get(at) else { return };
        let is_open = self.open == Some(summary.id);
        let is_current = if self.focused { self.list.cursor == Some(summary.id) } else { is_open };
        if is_current {
            buf.set_style(area, self.theme.style(ColourRole::Raised));
            let bar = self.theme.style(if self.focused { ColourRole::Accent } else { ColourRole::Muted });
            key_hints::styled_line(self.theme.marks.bar, bar).render(area, buf);
        }
        let style = self.theme.style(ColourRole::Text);
        let style = if is_open || is_current { style.bold() } else { style };
        self.draw_title(at, style, title_area(area), buf);
        if let Some(mark) = self.mark_span(summary).filter(|_| area.width > TITLE_INDENT + MARK_WIDTH) {
            Line::from(mark).right_aligned().render(area, buf);
        }
    }

    /// Draws the row that searches what was said for the filter.
    fn draw_search_row(&self, area: Rect, buf: &mut Buffer) {
        let is_current = self.focused && self.list.is_on_search_row();
        if is_current {
            buf.set_style(area, self.theme.style(ColourRole::Raised));
            key_hints::styled_line(self.theme.marks.bar, self.theme.style(ColourRole::Accent)).render(area, buf);
        }
        let indent = TITLE_INDENT.min(area.width);
        let area = Rect { x: area.x + indent, width: area.width - indent, ..area };
        self.search_line(area.width, is_current).render(area, buf);
    }

    /// The words of the row that searches what was said.
    pub(super) fn search_line(&self, width: u16, is_current: bool) -> Line<'static> {
        let words = format!("{SEARCH_WORDS}{}", text::one_line(&self.list.search_words().unwrap_or_default()));
        let style = self.theme.style(ColourRole::Text);
        let style = if is_current { style.bold() } else { style };
        key_hints::styled_line(text::truncate(&words, width.into()).into_owned(), style)
    }

    /// Draws the title, with what the filter matches lit, or what is typed in its place.
    pub(super) fn draw_title(&self, at: usize, style: Style, area: Rect, buf: &mut Buffer) {
        let summary = &self.summaries[at];
        match &self.list.row_edit {
            Some(edit) if edit.conversation == summary.id => {
                let text = self.theme.style(ColourRole::Text);
                edit.field.draw(area, FieldDisplay::Text, text.underlined(), self.theme, buf);
                if let (Some(rest), Some(end)) = (edit.completion(), edit.field.cursor(area, FieldDisplay::Text)) {
                    let room = Rect { x: end.x, width: area.right() - end.x, ..area };
                    key_hints::styled_line(rest, self.theme.style(ColourRole::Muted)).render(room, buf);
                }
            }
            _ => {
                let shown = text::one_line(&summary.title);
                let shown = text::truncate(&shown, area.width.into());
                lit_line(&shown, self.list.lit_clusters(at), style, self.theme).render(area, buf);
            }
        }
    }

    pub(super) fn mark_span(&self, summary: &ConversationSummary) -> Option<Span<'_>> {
        let marks = &self.theme.marks;
        let of = |role, mark| Some(Span::styled(mark, self.theme.style(role)));
        match (self.activity)(summary.id) {
            Some(ListActivity::Running) => of(ColourRole::Accent, self.spinner),
            Some(ListActivity::Asking) => of(ColourRole::Warning, marks.asking),
            None if summary.failed => of(ColourRole::Error, marks.failed),
            None if summary.unread => of(ColourRole::You, marks.unread),
            None if summary.is_temporary => of(ColourRole::Muted, marks.temporary),
            None => None,
        }
    }

    /// Draws the text of an empty list.
    pub(super) fn draw_empty(&self, area: Rect, buf: &mut Buffer) {
        let muted = self.theme.style(ColourRole::Muted);
        let (first, second) = match (&self.list.filter, self.total) {
            (Some(_), _) => ("No match.", Line::default()),
            (None, 0) => ("None yet.", key_hints::styled_line("Type a message.", muted)),
            (None, _) => ("Loading", Line::default()),
        };
        for (line, row) in [key_hints::styled_line(first, muted), second].into_iter().zip(area.rows()) {
            let indent = TITLE_INDENT.min(row.width);
            line.render(Rect { x: row.x + indent, width: row.width - indent, ..row }, buf);
        }
    }

    fn draw_keys(&self, area: Rect, buf: &mut Buffer) {
        let labels: &[(&[Action], &str)] = match &self.list.row_edit {
            Some(edit) if edit.completion().is_some() => TAG_LABELS,
            Some(_) => ROW_EDIT_LABELS,
            None => &[(&[Action::Accept], "open"), (&[Action::Back], "show all")],
        };
        let hints = self.keymap.hints(KeyContext::ListField, labels);
        let indent = 1.min(area.width);
        let row = Rect { x: area.x + indent, width: area.width - indent, ..area };
        key_hints::hint_line(&hints, row.width.into(), self.theme).render(row, buf);
    }
}

impl Widget for ConversationListView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        self.draw_head(area, buf);
        let body = self.body_area(area);
        if body.bottom() < area.bottom() {
            self.draw_keys(Rect { y: area.bottom() - 1, height: 1, ..area }, buf);
        }
        if self.list.is_empty() && self.list.search_words().is_none() {
            self.draw_empty(body, buf);
            return;
        }
        let muted: Style = self.theme.style(ColourRole::Muted);
        for (row, entry) in body.rows().zip(self.list.visible_entries(body.height)) {
            match entry {
                ListEntry::Blank => (),
                ListEntry::Heading(title) => Line::from(vec![" ".into(), Span::styled(title, muted)]).render(row, buf),
                ListEntry::Conversation(at) => self.draw_conversation(at, row, buf),
                ListEntry::Search => self.draw_search_row(row, buf),
            }
        }
    }
}

/// The keys while a title is typed, or tags of which none can be completed.
pub(super) const ROW_EDIT_LABELS: &[(&[Action], &str)] = &[(&[Action::Accept], "save"), (&[Action::Back], "cancel")];

/// The keys while a tag can be completed.
pub(super) const TAG_LABELS: &[(&[Action], &str)] =
    &[(&[Action::Accept], "save"), (&[Action::FocusNext], "complete"), (&[Action::Back], "cancel")];

/// A line whose matching clusters are lit.
pub(super) fn lit_line(words: &str, lit: &[u32], style: Style, theme: &Theme) -> Line<'static> {
    if lit.is_empty() {
        return key_hints::styled_line(words.to_owned(), style);
    }
    let hit = style.patch(theme.style(ColourRole::Mark)).bold();
    let spans = (0..).zip(text::clusters(words)).map(|(nth, cluster): (u32, &str)| {
        Span::styled(cluster.to_owned(), if lit.binary_search(&nth).is_ok() { hit } else { style })
    });
    spans.collect()
}

fn title_area(row: Rect) -> Rect {
    let indent = TITLE_INDENT.min(row.width);
    Rect { x: row.x + indent, width: (row.width - indent).saturating_sub(MARK_WIDTH), ..row }
}
