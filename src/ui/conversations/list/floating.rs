//! Draws the list of conversations as an overlay, where it is not docked.

use jiff::tz::TimeZone;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{ConversationListView, ListEntry};
use crate::{
    chat::{ConversationSummary, Timestamp},
    render::theme::ColourRole,
    text,
    ui::{
        Action,
        areas::ScreenAreas,
        key_hints::{self, KeyHint},
        keymap::KeyContext,
        overlay::{
            field::FieldDisplay,
            frame::{self, OverlayFrame},
        },
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

/// A narrower list shows no times.
const MIN_TIME_WIDTH: u16 = 44;

/// The cells left of the text, for marks.
const MARKS: u16 = 3;

impl FloatingListView<'_> {
    /// Returns the position of the terminal's cursor while text is typed here.
    pub fn cursor(&self, frame: Rect) -> Option<Position> {
        let content = ScreenAreas::floating_content(frame);
        if let Some((id, field)) = &self.pane.list.renaming {
            let body = self.body(content);
            let row = self.pane.list.visible_entries(body.height).position(|entry| match entry {
                ListEntry::Conversation(at) => self.pane.summaries.get(at).is_some_and(|it| it.id == *id),
                ListEntry::Heading(_) | ListEntry::Blank => false,
            })?;
            let row = Rect { y: body.y + u16::try_from(row).ok()?, height: 1, ..body };
            field.cursor(title_area(row), FieldDisplay::Text)
        } else {
            let field = self.pane.list.filter.as_ref().filter(|_| self.pane.list.is_filtering)?;
            field.cursor(self.field_area(content), FieldDisplay::Text)
        }
    }

    /// Returns the area of the rows, below the field or a blank row.
    fn body(&self, content: Rect) -> Rect {
        let head = Self::head_rows(self.pane.list.filter.is_some()).min(content.height);
        Rect { y: content.y + head, height: content.height - head, ..content }
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
        let (context, labels): (KeyContext, &[(&[Action], &str)]) = if list.renaming.is_some() {
            (KeyContext::ListField, &[(&[Action::Accept], "save"), (&[Action::Back], "cancel")])
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
            let labels: [(&[Action], &str); 5] = [
                (&[Action::OpenConversation], "open"),
                (&[Action::RenameConversation], "rename"),
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

    fn draw_conversation(&self, summary: &ConversationSummary, row: Rect, buf: &mut Buffer) {
        let (pane, theme) = (&self.pane, self.pane.theme);
        let is_current = pane.list.cursor == Some(summary.id);
        let whole = Rect { x: row.x - MARKS, width: row.width + 2 * MARKS, ..row };
        if is_current {
            buf.set_style(whole, theme.style(ColourRole::Selection));
            let bar = theme.style(ColourRole::Accent);
            key_hints::styled_line(theme.marks.bar, bar).render(Rect { width: 1, ..whole }, buf);
        }
        if let Some(mark) = pane.mark_span(summary) {
            Line::from(mark).render(Rect { x: row.x - 2, width: 1, ..row }, buf);
        }
        let title = title_area(row);
        let style = theme.style(ColourRole::Text);
        let style = if is_current || pane.open == Some(summary.id) { style.bold() } else { style };
        match &pane.list.renaming {
            Some((id, field)) if *id == summary.id => {
                field.draw(title, FieldDisplay::Text, style.underlined(), theme, buf);
            }
            _ => {
                let shown = text::one_line(&summary.title);
                let shown = text::truncate(&shown, title.width.into()).into_owned();
                key_hints::styled_line(shown, style).render(title, buf);
            }
        }
        if row.width >= MIN_TIME_WIDTH {
            let time =
                Span::styled(short_time(summary.updated_at, self.now, self.zone), theme.style(ColourRole::Muted));
            Line::from(time).right_aligned().render(row, buf);
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
        if pane.list.is_empty() {
            pane.draw_empty(Rect { x: content.x - 2, width: content.width + 2, ..body }, buf);
            return;
        }
        let muted = pane.theme.style(ColourRole::Muted);
        for (row, entry) in body.rows().zip(pane.list.visible_entries(body.height)) {
            match entry {
                ListEntry::Blank => (),
                ListEntry::Heading(title) => key_hints::styled_line(title.to_owned(), muted).render(row, buf),
                ListEntry::Conversation(at) => {
                    if let Some(summary) = pane.summaries.get(at) {
                        self.draw_conversation(summary, row, buf);
                    }
                }
            }
        }
    }
}

fn title_area(row: Rect) -> Rect {
    let time = if row.width >= MIN_TIME_WIDTH { TIME_WIDTH + 2 } else { 0 };
    Rect { width: row.width - time, ..row }
}

/// Returns `14:20` for today, `yesterday`, or the date.
fn short_time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = match () {
        () if at.date() >= now.date() => "%H:%M",
        () if now.date().yesterday().is_ok_and(|before| before == at.date()) => return "yesterday".into(),
        () if at.year() == now.year() => "%-d %b",
        () => "%-d %b %Y",
    };
    at.strftime(form).to_string()
}
