//! Draws the trash.

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    widgets::Widget,
};

use super::TrashList;
use crate::{
    chat::TrashedConversation,
    render::theme::{ColourRole, Theme},
    text,
    ui::{
        Action,
        key_hints::{self, KeyHint},
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame},
            list_browser,
            search::{self, SearchView},
        },
        reading::{
            conversation_facts::{PreviewHead, preview_lines, short_time},
            facts::format_size,
        },
    },
};

/// Draws the trash over the screen.
pub struct TrashView<'a> {
    pub list: &'a TrashList,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    /// After how many days what is in the trash is deleted; `None` if never.
    pub kept_days: Option<u32>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The areas of the overlay, from one side of the frame to the other.
pub(super) struct TrashAreas {
    frame: Rect,
    field: Rect,
    headings: Rect,
    pub rows: Rect,
    rule: Rect,
    detail: Rect,
}

/// The rows of the overlay on a screen that is high enough.
const HEIGHT: u16 = 20;
/// The widths of the columns, each with the gap before it.
const MESSAGES_WIDTH: u16 = 10;
const DELETED_WIDTH: u16 = 14;
const LEFT_WIDTH: u16 = 14;
/// A narrower overlay does not say how many messages there are.
const MIN_MESSAGES_WIDTH: u16 = 60;
/// So many days before the end, the number stands in the warning colour.
const LAST_DAYS: i64 = 2;

impl TrashAreas {
    pub(super) fn new(screen: Rect) -> Self {
        let height = if screen.height > HEIGHT + 4 { HEIGHT } else { screen.height.saturating_sub(1) };
        let frame = frame::overlay_area(screen, frame::MAX_WIDTH, height);
        let inner = frame::inside_frame(frame);
        let (head, foot) = (2.min(inner.height), if inner.height >= 12 { 5 } else { 0 });
        let rows_height = inner.height - head - foot;
        let row = |y: u16, height: u16| Rect { y: inner.y + y, height, ..inner };
        Self {
            frame,
            field: row(0, head.min(1)),
            headings: row(1, head.saturating_sub(1)),
            rows: row(head, rows_height),
            rule: row(head + rows_height, foot.min(1)),
            detail: row(head + rows_height + foot.min(1), foot.saturating_sub(1)),
        }
    }
}

impl TrashView<'_> {
    /// Returns the position of the terminal's cursor while a filter is typed.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.search_view("").cursor(TrashAreas::new(screen).field)
    }

    fn search_view<'a>(&'a self, count: &'a str) -> SearchView<'a> {
        SearchView { search: &self.list.search, hint: "", count, theme: self.theme }
    }

    fn is_filtering(&self) -> bool {
        self.list.search.is_typing() || !self.list.search.is_empty()
    }

    fn hints(&self) -> Vec<KeyHint<'static>> {
        if self.list.search.is_typing() {
            return search::typing_hints(self.keymap);
        }
        let back: (&[Action], &str) = (&[Action::Back], if self.is_filtering() { "show all" } else { "close" });
        let filter: (&[Action], &str) = (&[Action::SearchRows], "filter");
        let whole: [(&[Action], &str); 3] = [
            (&[Action::Accept], "restore"),
            (&[Action::DeleteForGood], "delete now"),
            (&[Action::EmptyTrash], "empty…"),
        ];
        let labels = match (self.list.rows().is_empty(), self.list.selected()) {
            (true, _) => vec![back],
            (false, None) => vec![whole[2], filter, back],
            (false, Some(_)) => [&whole[..], &[filter, back]].concat(),
        };
        self.keymap.hints(KeyContext::Trash, &labels)
    }

    /// Says how much there is: `7 · 2.1 MB · kept for 30 days`.
    fn summary(&self) -> String {
        let bytes: u64 = self.list.rows().iter().map(|row| row.preview.bytes).sum();
        let kept = self.kept_days.map_or_else(
            || "kept until you empty it".to_owned(),
            |days| format!("kept for {days} {}", if days == 1 { "day" } else { "days" }),
        );
        let dot = self.theme.marks.dot;
        format!(
            "{} {dot} {} {dot} {kept}",
            self.list.rows().len(),
            format_size(usize::try_from(bytes).unwrap_or(usize::MAX))
        )
    }

    fn draw_headings(&self, area: Rect, buf: &mut Buffer) {
        let columns = TrashColumns::new(frame::text_column(area));
        let muted = self.theme.style(ColourRole::Muted);
        let deadline = if self.kept_days.is_some() { "days left" } else { "" };
        for (area, heading) in [(columns.messages, "messages"), (columns.deleted, "deleted"), (columns.left, deadline)]
        {
            key_hints::styled_line(heading, muted).right_aligned().render(area, buf);
        }
    }

    fn draw_row(&self, row: &TrashedConversation, is_selected: bool, area: Rect, buf: &mut Buffer) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let columns = TrashColumns::new(frame::text_column(area));
        let muted = self.theme.style(ColourRole::Muted);
        let style = self.theme.style(ColourRole::Text);
        let title = shown_title(&row.title);
        let title = text::truncate(&title, columns.title.width.into()).into_owned();
        key_hints::styled_line(title, if is_selected { style.bold() } else { style }).render(columns.title, buf);
        let count = row.preview.messages.to_string();
        key_hints::styled_line(count, muted).right_aligned().render(columns.messages, buf);
        let when = match short_time(row.trashed_at, self.now, self.zone) {
            time if time.contains(':') => format!("today {time}"),
            day => day,
        };
        key_hints::styled_line(when, muted).right_aligned().render(columns.deleted, buf);
        if let Some(left) = self.days_left(row) {
            let style = if left <= LAST_DAYS { self.theme.style(ColourRole::Warning) } else { muted };
            key_hints::styled_line(left.to_string(), style).right_aligned().render(columns.left, buf);
        }
        if is_selected {
            self.theme.even_selected_row(area, buf);
        }
    }

    /// Returns after how many days it is deleted for good, counted in days of the calendar.
    fn days_left(&self, row: &TrashedConversation) -> Option<i64> {
        let day = |at: Timestamp| at.to_zoned(self.zone.clone()).date();
        let gone = day(self.now).duration_since(day(row.trashed_at)).as_hours() / 24;
        Some((i64::from(self.kept_days?) - gone).max(0))
    }

    fn draw_detail(&self, row: &TrashedConversation, areas: &TrashAreas, buf: &mut Buffer) {
        let rule = frame::text_column(areas.rule);
        let line = self.theme.marks.rule.repeat(rule.width.into());
        key_hints::styled_line(line, self.theme.style(ColourRole::Faint)).render(rule, buf);
        let area = frame::text_column(areas.detail);
        let title = shown_title(&row.title);
        let head = PreviewHead { title: &title, model: &row.model, tags: &row.tags, state: "" };
        let lines = preview_lines(&head, &row.preview, self.theme, area);
        for (line, place) in lines.into_iter().zip(area.rows()) {
            line.render(place, buf);
        }
    }

    /// Draws what an empty list says.
    fn draw_nothing(&self, area: Rect, buf: &mut Buffer) {
        let words = match (&self.list.rows, self.is_filtering()) {
            (None, _) => "Reading the trash",
            (Some(_), true) => "No match.",
            (Some(_), false) => "The trash is empty.",
        };
        let muted = self.theme.style(ColourRole::Muted);
        key_hints::styled_line(words, muted).render(frame::text_column(area), buf);
    }
}

impl Widget for TrashView<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let areas = TrashAreas::new(screen);
        let below = self.list.listed.rows_below(areas.rows.height);
        let more = frame::more_notice(below, self.theme);
        let notice = self.list.message.as_deref().or(more.as_deref());
        let overlay = OverlayFrame { title: "Trash", keys: &self.hints(), notice, theme: self.theme };
        if overlay.draw(areas.frame, buf).is_empty() {
            return;
        }
        if self.list.rows.is_some() {
            overlay.draw_count(&self.summary(), areas.frame, buf);
        }
        if self.is_filtering() {
            let count = format!("{} of {}", self.list.listed.rows().len(), self.list.rows().len());
            self.search_view(&count).render(areas.field, buf);
        }
        if self.list.listed.rows().is_empty() {
            return self.draw_nothing(areas.rows, buf);
        }
        self.draw_headings(areas.headings, buf);
        for (place, entry, is_selected) in self.list.listed.visible_rows(areas.rows) {
            self.draw_row(&self.list.rows()[entry.0], is_selected, place, buf);
        }
        if let Some(row) = self.list.selected().filter(|_| !areas.rule.is_empty()) {
            self.draw_detail(row, &areas, buf);
        }
    }
}

/// The columns of a row.
struct TrashColumns {
    title: Rect,
    messages: Rect,
    deleted: Rect,
    left: Rect,
}

impl TrashColumns {
    fn new(row: Rect) -> Self {
        let messages = if row.width >= MIN_MESSAGES_WIDTH { MESSAGES_WIDTH } else { 0 };
        let title = row.width.saturating_sub(messages + DELETED_WIDTH + LEFT_WIDTH);
        let column = |x: u16, width: u16| Rect {
            x: row.x + x.min(row.width),
            width: width.min(row.width - x.min(row.width)),
            ..row
        };
        Self {
            title: Rect { width: title.saturating_sub(1), ..row },
            messages: column(title, messages),
            deleted: column(title + messages, DELETED_WIDTH),
            left: column(title + messages + DELETED_WIDTH, LEFT_WIDTH),
        }
    }
}

fn shown_title(title: &str) -> String {
    let title = text::one_line(title);
    if title.is_empty() { "Untitled".to_owned() } else { title }
}
