//! Draws the list of conversations as an overlay, where it is not docked.

use jiff::tz::TimeZone;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    ConversationListView, ListActivity, ListEntry, filter,
    view::{ROW_EDIT_LABELS, TAG_LABELS, lit_line},
};
use crate::{
    chat::{ConversationSummary, Timestamp},
    render::theme::ColourRole,
    text,
    ui::{
        Action,
        areas::ScreenAreas,
        conversation_index::ListPart,
        key_hints::{self, KeyHint},
        keymap::KeyContext,
        overlay::{
            field::{FieldDisplay, TextField},
            frame::{self, OverlayFrame},
            list_browser,
        },
        reading::conversation_facts::{PreviewHead, YESTERDAY, preview_lines, short_time},
    },
};

/// Draws the conversations in a frame over the screen: marks, titles, and when each was changed.
pub struct FloatingListView<'a> {
    pub pane: ConversationListView<'a>,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

/// The widest time: `30 Nov 2026`.
const TIME_WIDTH: u16 = 11;

/// A narrower list shows no times, no tags, no models.
const MIN_TIME_WIDTH: u16 = 44;
const MIN_TAGS_WIDTH: u16 = 52;
const MIN_MODEL_WIDTH: u16 = 68;

/// The cells before a column.
const COLUMN_GAP: u16 = 2;

/// The cells left of the text, for marks.
const MARKS: u16 = 3;

impl FloatingListView<'_> {
    /// Returns the position of the terminal's cursor while text is typed here.
    pub fn cursor(&self, frame: Rect) -> Option<Position> {
        let content = ScreenAreas::floating_content(frame);
        if let Some(edit) = &self.pane.list.row_edit {
            let row = self.pane.visible_row(edit.conversation, self.body(content))?;
            edit.field.cursor(row, FieldDisplay::Text)
        } else {
            let field = self.pane.list.filter.as_ref().filter(|_| self.pane.list.is_filtering)?;
            field.cursor(self.field_area(content), FieldDisplay::Text)
        }
    }

    /// Returns the area of the rows, below the field or a blank row.
    fn body(&self, content: Rect) -> Rect {
        let head = Self::head_rows(self.pane.list.filter.is_some()).min(content.height);
        let foot = Self::foot_rows(self.pane.list.filter.is_some(), content.height);
        Rect { y: content.y + head, height: content.height.saturating_sub(head + foot), ..content }
    }

    /// Returns the number of rows below the list that tell of the conversation under the cursor.
    pub fn foot_rows(has_filter: bool, content_height: u16) -> u16 {
        if has_filter && content_height >= 14 { 5 } else { 0 }
    }

    /// Draws what is known about the conversation under the cursor of a filtered list.
    fn draw_preview(&self, content: Rect, buf: &mut Buffer) {
        let (pane, theme) = (&self.pane, self.pane.theme);
        let foot = Self::foot_rows(pane.list.filter.is_some(), content.height);
        let Some((id, Some(preview))) = pane.list.preview.as_ref().filter(|_| foot > 0) else { return };
        if pane.list.is_empty() || pane.list.is_on_search_row() {
            return;
        }
        let at = pane.list.summary_index(pane.list.cursor_index);
        let Some(summary) = pane.summaries.get(at).filter(|row| row.id == *id) else { return };
        let rule = Rect { y: content.bottom() - foot, height: 1, ..content };
        let line = theme.marks.rule.repeat(rule.width.into());
        key_hints::styled_line(line, theme.style(ColourRole::Faint)).render(rule, buf);
        let state = match (pane.activity)(*id) {
            Some(ListActivity::Asking) => "waiting for you",
            Some(ListActivity::Running) => "running",
            None if summary.failed => "failed",
            None if summary.unread => "unread",
            None => "",
        };
        let title = text::one_line(&summary.title);
        let head = PreviewHead { title: &title, model: "", tags: &[], state };
        let area = Rect { y: rule.y + 1, height: foot - 1, ..content };
        for (line, place) in preview_lines(&head, preview, theme, area).into_iter().zip(area.rows()) {
            line.render(place, buf);
        }
    }

    /// Returns the number of rows above the first heading.
    pub fn head_rows(has_filter: bool) -> u16 {
        if has_filter { 2 } else { 1 }
    }

    fn field_area(&self, content: Rect) -> Rect {
        let count = u16::try_from(self.pane.count_label().len()).unwrap_or(u16::MAX);
        Rect { width: content.width.saturating_sub(count + 2), height: content.height.min(1), ..content }
    }

    fn key_hints(&self) -> Vec<KeyHint<'static>> {
        let list = self.pane.list;
        let (context, labels): (KeyContext, &[(&[Action], &str)]) = if let Some(edit) = &list.row_edit {
            (KeyContext::ListField, if edit.completion().is_some() { TAG_LABELS } else { ROW_EDIT_LABELS })
        } else if list.is_filtering {
            let labels: &[(&[Action], &str)] = &[
                (&[Action::Accept], "open"),
                (&[Action::ListUp, Action::ListDown], "move"),
                (&[Action::FocusNext], "to the list"),
                (&[Action::Back], "show all"),
            ];
            (KeyContext::ListField, labels)
        } else {
            let back = if list.filter.is_some() { "show all" } else { "close" };
            let labels: [(&[Action], &str); 8] = [
                (&[Action::OpenConversation], "open"),
                (&[Action::RenameConversation], "rename"),
                (&[Action::PinConversation], "pin"),
                (&[Action::TagConversation], "tag"),
                (&[Action::ArchiveConversation], "archive"),
                (&[Action::TrashConversation], "trash"),
                (&[Action::FilterList], "filter"),
                (&[Action::Back], back),
            ];
            return self.pane.keymap.hints(KeyContext::List, &labels);
        };
        self.pane.keymap.hints(context, labels)
    }

    fn draw_field(&self, content: Rect, buf: &mut Buffer) {
        let (pane, theme) = (&self.pane, self.pane.theme);
        let Some(field) = &pane.list.filter else { return };
        let row = Rect { height: content.height.min(1), ..content };
        let role = if pane.list.is_filtering { ColourRole::Accent } else { ColourRole::Muted };
        let sign = Rect { x: content.x.saturating_sub(2), width: 1, ..row };
        key_hints::styled_line(theme.marks.prompt, theme.style(role)).render(sign, buf);
        field.draw(self.field_area(content), FieldDisplay::Text, theme.style(ColourRole::Text), theme, buf);
        let count = key_hints::styled_line(pane.count_label(), theme.style(ColourRole::Muted));
        count.right_aligned().render(row, buf);
    }

    fn draw_search_row(&self, row: Rect, buf: &mut Buffer) {
        let is_current = self.pane.list.is_on_search_row();
        let whole = Rect { x: row.x - MARKS, width: row.width + 2 * MARKS, ..row };
        if is_current {
            list_browser::draw_cursor_row(whole, self.pane.theme, buf);
        }
        self.pane.search_line(row.width, is_current).render(row, buf);
        if is_current {
            self.pane.theme.even_selected_row(whole, buf);
        }
    }

    fn draw_conversation(&self, at: usize, row: Rect, buf: &mut Buffer) {
        let (pane, theme) = (&self.pane, self.pane.theme);
        let Some(summary) = pane.summaries.get(at) else { return };
        let is_current = pane.list.cursor == Some(summary.id);
        let whole = Rect { x: row.x - MARKS, width: row.width + 2 * MARKS, ..row };
        if is_current {
            list_browser::draw_cursor_row(whole, theme, buf);
        }
        let pin = summary.filing.pinned_at.map(|_| Span::styled(theme.marks.pinned, theme.style(ColourRole::Muted)));
        if let Some(mark) = pane.mark_span(summary).or(pin) {
            Line::from(mark).render(Rect { x: row.x - 2, width: 1, ..row }, buf);
        }
        let style = theme.style(ColourRole::Text);
        let style = if is_current || pane.open == Some(summary.id) { style.bold() } else { style };
        let columns = self.columns(summary, row.width);
        let title = Rect { width: row.width - columns.width(), ..row };
        pane.draw_title(at, style, title, buf);
        self.draw_columns(summary, columns, row, buf);
        if is_current {
            theme.even_selected_row(whole, buf);
        }
    }

    /// Draws what stands right of the title, as far as there is room: tags, the model, the time.
    fn draw_columns(&self, summary: &ConversationSummary, columns: ListColumns, row: Rect, buf: &mut Buffer) {
        let theme = self.pane.theme;
        let muted = theme.style(ColourRole::Muted);
        let mut x = row.right() - columns.width();
        let mut next = |width: u16| {
            let area = Rect { x: x + COLUMN_GAP, width: width.saturating_sub(COLUMN_GAP), ..row };
            x += width;
            area
        };
        if columns.tags > 0 {
            self.draw_tags(&summary.filing.tags, next(columns.tags), buf);
        }
        if columns.model > 0 {
            let area = next(columns.model);
            let model = text::one_line(short_model(&summary.model));
            let model = text::truncate(&model, area.width.into()).into_owned();
            key_hints::styled_line(model, muted).render(area, buf);
        }
        if columns.time > 0 {
            let time = self.row_time(summary);
            key_hints::styled_line(time, muted).right_aligned().render(next(columns.time), buf);
        }
    }

    /// Returns when a conversation was changed: under a heading that says the day, the time of it.
    fn row_time(&self, summary: &ConversationSummary) -> String {
        match short_time(summary.updated_at, self.now, self.zone) {
            day if day == YESTERDAY && ListPart::of(summary) == ListPart::ByDay => {
                summary.updated_at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
            }
            time => time,
        }
    }

    /// Draws the tags that fit; those that the filter asks for are lit.
    fn draw_tags(&self, tags: &[String], area: Rect, buf: &mut Buffer) {
        let theme = self.pane.theme;
        let filter = self.pane.list.filter.as_ref().map(TextField::text).unwrap_or_default();
        let wanted: Vec<String> = filter::tag_beginnings(&filter).map(str::to_lowercase).collect();
        let mut x = area.x;
        for tag in tags {
            let shown = format!("#{}", text::one_line(tag));
            let room = area.right().saturating_sub(x);
            if room < 2 {
                break;
            }
            let is_wanted = wanted.iter().any(|beginning| tag.to_lowercase().starts_with(beginning.as_str()));
            let lit: Vec<u32> = if is_wanted { (0..u32::from(room)).collect() } else { Vec::new() };
            let shown = text::truncate(&shown, room.into());
            let line = lit_line(&shown, &lit, theme.style(ColourRole::Link), theme);
            line.render(Rect { x, width: room, ..area }, buf);
            x += u16::try_from(text::width(&shown)).unwrap_or(room) + 1;
        }
    }

    /// Returns the columns of a row. Without tags the title has their room, and what is typed has all of it.
    fn columns(&self, summary: &ConversationSummary, width: u16) -> ListColumns {
        let is_edited = self.pane.list.row_edit.as_ref().is_some_and(|edit| edit.conversation == summary.id);
        match ListColumns::of(width) {
            _ if is_edited => ListColumns::default(),
            columns if summary.filing.tags.is_empty() => ListColumns { tags: 0, ..columns },
            columns => columns,
        }
    }
}

impl Widget for FloatingListView<'_> {
    fn render(self, frame: Rect, buf: &mut Buffer) {
        let pane = &self.pane;
        let content = ScreenAreas::floating_content(frame);
        let body = self.body(content);
        let below = pane.list.rows_below(body.height);
        let more = frame::more_notice(below, pane.theme);
        let overlay = OverlayFrame {
            title: "Conversations",
            keys: &self.key_hints(),
            notice: more.as_deref(),
            theme: pane.theme,
        };
        if overlay.draw(frame, buf).is_empty() {
            return;
        }
        if pane.list.filter.is_none()
            && let Some((first, last)) = pane.list.visible_numbers(body.height)
        {
            let range = format!("{first}{}{last} of {}", pane.theme.marks.range_dash, pane.total);
            overlay.draw_count(&range, frame, buf);
        }
        self.draw_field(content, buf);
        if pane.list.is_empty() && pane.list.search_words().is_none() {
            pane.draw_empty(Rect { x: content.x - 2, width: content.width + 2, ..body }, buf);
            return;
        }
        self.draw_preview(content, buf);
        let muted = pane.theme.style(ColourRole::Muted);
        for (row, entry) in body.rows().zip(pane.list.visible_entries(body.height)) {
            match entry {
                ListEntry::Blank => (),
                ListEntry::Heading(title) => key_hints::styled_line(title.to_owned(), muted).render(row, buf),
                ListEntry::Conversation(at) => self.draw_conversation(at, row, buf),
                ListEntry::Search => self.draw_search_row(row, buf),
            }
        }
    }
}

/// The widths of the columns right of the titles, each with a gap before it; 0 where there is no room.
#[derive(Debug, Clone, Copy, Default)]
struct ListColumns {
    tags: u16,
    model: u16,
    time: u16,
}

impl ListColumns {
    fn of(row_width: u16) -> Self {
        let shown = |width, at_least| if row_width >= at_least { width } else { 0 };
        Self {
            tags: shown(16, MIN_TAGS_WIDTH),
            model: shown(16, MIN_MODEL_WIDTH),
            time: shown(TIME_WIDTH + COLUMN_GAP, MIN_TIME_WIDTH),
        }
    }

    fn width(self) -> u16 {
        self.tags + self.model + self.time
    }
}

/// The slug of a model without its maker.
fn short_model(slug: &str) -> &str {
    slug.rsplit('/').next().unwrap_or(slug)
}
