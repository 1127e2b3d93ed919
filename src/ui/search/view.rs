//! Draws the search: the field, what was found by conversation, and the message under the cursor.

use std::ops::Range;

use jiff::{Zoned, civil::Date};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    SearchOverlay,
    preview::PreviewRow,
    results::{FoundGroup, FoundRow, groups_below},
};
use crate::{
    render::theme::{ColourRole, Theme},
    search::SearchOrder,
    store::FoundPlace,
    text,
    ui::{
        Action, key_hints,
        keymap::{KeyContext, Keymap},
        overlay::{
            frame::{self, OverlayFrame},
            list_browser,
            query_field::QueryField,
        },
        reading::facts,
    },
};

/// Draws the search over everything else; its area is the whole screen.
pub struct SearchOverlayView<'a> {
    pub search: &'a SearchOverlay,
    /// The time in the reader's zone.
    pub now: &'a Zoned,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The width of the list, and of both panes on a screen that has room for them.
const LIST_WIDTH: u16 = 100;
const BOTH_WIDTH: u16 = 184;
const WIDE_SCREEN: u16 = 160;
/// The column of labels: `you`, `answer`.
const LABEL_WIDTH: u16 = 8;
/// The rows of text of the message below the list.
const DETAIL_ROWS: u16 = 2;

struct SearchOverlayAreas {
    frame: Rect,
    field: Rect,
    list: Rect,
    /// The line between the list and the preview; a row or, with two panes, a column.
    rule: Rect,
    head: Rect,
    preview: Rect,
}

impl SearchOverlayAreas {
    fn of(screen: Rect) -> Self {
        let is_wide = screen.width >= WIDE_SCREEN;
        let width = match screen.width {
            _ if is_wide => BOTH_WIDTH.min(screen.width - 4),
            width if width <= frame::MAX_FULL_WIDTH => width,
            width => LIST_WIDTH.min(width - 4),
        };
        let margin = (screen.height.saturating_sub(24) / 6 + 1).min(screen.height);
        let height = screen.height - margin;
        let frame = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + margin / 2, width, height };
        let inner = frame::inside_frame(frame);
        let field = Rect { height: inner.height.min(1), ..inner };
        let above = if inner.height > 6 { 2 } else { 1 }.min(inner.height);
        let body = Rect { y: inner.y + above, height: inner.height - above, ..inner };
        if is_wide { Self::beside(frame, field, body) } else { Self::below(frame, field, body) }
    }

    /// The preview at the right of the list.
    fn beside(frame: Rect, field: Rect, body: Rect) -> Self {
        let body = Rect { height: body.height.saturating_sub(1), ..body };
        let list = Rect { width: (LIST_WIDTH - 2).min(body.width), ..body };
        let rule = Rect { x: list.right(), width: 1.min(body.width - list.width), ..body };
        let right = Rect { x: rule.right() + 2, width: (body.right() - rule.right()).saturating_sub(5), ..body };
        let head = Rect { height: right.height.min(1), ..right };
        let preview = Rect { y: right.y + 2, height: right.height.saturating_sub(2), ..right };
        Self { frame, field, list, rule, head, preview }
    }

    /// The preview below the list, if there is room for it.
    fn below(frame: Rect, field: Rect, body: Rect) -> Self {
        let text_rows = if body.height >= 24 { DETAIL_ROWS } else { 1 };
        let blank_below = u16::from(body.height >= 24);
        let needed = text_rows + 3 + blank_below;
        if body.height < 12 {
            let nothing = Rect::default();
            return Self { frame, field, list: body, rule: nothing, head: nothing, preview: nothing };
        }
        let list = Rect { height: body.height - needed, ..body };
        let row = |below: u16, height: u16| frame::text_column(Rect { y: list.bottom() + below, height, ..body });
        Self { frame, field, list, rule: row(1, 1), head: row(2, 1), preview: row(3, text_rows) }
    }
}

pub(super) fn list_area(screen: Rect) -> Rect {
    SearchOverlayAreas::of(screen).list
}

pub(super) fn list_height(screen: Rect) -> u16 {
    list_area(screen).height
}

pub(super) fn preview_size(screen: Rect) -> Size {
    SearchOverlayAreas::of(screen).preview.as_size()
}

impl SearchOverlayView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        let areas = SearchOverlayAreas::of(screen);
        self.field(&self.count_text(areas.field.width)).cursor(areas.field)
    }

    fn field<'a>(&'a self, count: &'a str) -> QueryField<'a> {
        let hints =
            &["words, \"phrases\", -without, model: tag: before: after: in: has: cost: from:", "words and filters"];
        QueryField { query: &self.search.query, hints, count, theme: self.theme }
    }

    /// What stands at the right of the field: what was found, or why nothing can be.
    fn count_text(&self, width: u16) -> String {
        let (search, dot) = (self.search, self.theme.marks.dot);
        let room = usize::from(width) / 2;
        if let Some(completing) = &search.completing {
            let choices: Vec<&str> = completing.choices.iter().map(|choice| choice.trim_end()).collect();
            let rest = choices.iter().cycle().skip(completing.chosen + 1).take(choices.len() - 1);
            return text::truncate(&rest.copied().collect::<Vec<_>>().join("  "), room).into_owned();
        }
        if search.query.text().trim().is_empty() || !search.parsed.problems.is_empty() {
            return String::new();
        }
        let order = match search.order {
            SearchOrder::Best => "best first",
            SearchOrder::Newest => "newest first",
        };
        let found = &search.found;
        let (places, groups) = (found.place_count(), found.groups.len());
        let more = if found.is_last { "" } else { "+" };
        let what = match (search.running, places) {
            (Some(_), 0) => return "searching".into(),
            (None, 0) => return "nothing found".into(),
            _ if usize::from(width) < 90 => format!("{places}{more} in {groups}{more}"),
            (_, _) if groups == 1 && found.is_last => format!("{places} in 1 conversation"),
            _ => format!("{places}{more} in {groups}{more} conversations"),
        };
        format!("{what} {dot} {} ms {dot} {order}", search.millis)
    }

    /// Lights the filters in the field, and underlines what cannot be understood.
    fn style_query(&self, area: Rect, buf: &mut Buffer) {
        let text = self.search.query.text();
        let shown = frame::text_column(area);
        if text::width(&text) >= usize::from(shown.width) {
            return; // It may be scrolled.
        }
        let mut style = |range: Range<usize>, style: Style| {
            let (Some(before), Some(part)) = (text.get(..range.start), text.get(range.clone())) else { return };
            let (x, width) = (text::width(before) as u16, text::width(part) as u16);
            buf.set_style(Rect { x: shown.x + x, width, height: 1, ..shown }.intersection(shown), style);
        };
        for filter in crate::search::filter_ranges(&text) {
            style(filter, self.theme.style(ColourRole::Link));
        }
        for problem in &self.search.parsed.problems {
            style(problem.range.clone(), self.theme.style(ColourRole::Warning).underlined());
        }
    }

    fn draw_rows(&self, area: Rect, buf: &mut Buffer) {
        if self.search.browser.rows().is_empty() {
            return self.draw_empty(frame::text_column(area), buf);
        }
        for (place, row, is_selected) in self.search.browser.visible_rows(area) {
            match row {
                FoundRow::Blank => (),
                FoundRow::Heading(group) => self.draw_heading(&self.search.found.groups[*group], place, buf),
                FoundRow::Place { group, place: index } => {
                    self.draw_place(&self.search.found.groups[*group].places[*index], is_selected, place, buf);
                }
                FoundRow::More(count) => {
                    let style = self.theme.style(ColourRole::Muted);
                    key_hints::styled_line(format!("{count} more"), style).render(snippet_column(place), buf);
                }
            }
        }
    }

    fn draw_empty(&self, area: Rect, buf: &mut Buffer) {
        let search = self.search;
        let words = match &search.failure {
            Some(failure) => failure.as_str(),
            None if search.query.text().trim().is_empty() => {
                "Finds prompts, answers, reasoning, sources, tool calls, files and titles, and parts of their words."
            }
            None if search.running.is_some() || !search.parsed.problems.is_empty() => "",
            None => "Nothing that was said matches. All words must be there, in one message or title.",
        };
        let role = if search.failure.is_some() { ColourRole::Warning } else { ColourRole::Muted };
        let width = usize::from(area.width.max(1));
        let options = text::wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] };
        for (piece, row) in text::wrap::wrap(words, options).into_iter().zip(area.rows()) {
            key_hints::styled_line(words[piece.start..piece.end].to_owned(), self.theme.style(role)).render(row, buf);
        }
    }

    fn draw_heading(&self, group: &FoundGroup, area: Rect, buf: &mut Buffer) {
        let area = frame::text_column(area);
        let conversation = &group.conversation;
        let cost = (!conversation.cost.is_zero()).then(|| conversation.cost.to_string());
        let model = short_model(&conversation.model);
        let day = short_day(conversation.updated_at.to_zoned(self.now.time_zone().clone()).date(), self.now.date());
        let facts: Vec<String> =
            [Some(day), Some(model), cost].into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
        let facts = facts.join(&format!(" {} ", self.theme.marks.dot));
        let room = usize::from(area.width).saturating_sub(text::width(&facts) + 2);
        let title = if group.title.is_empty() { "untitled" } else { &group.title };
        let style = self.theme.style(ColourRole::Text).bold();
        self.lit_line(title, &group.lit, style, room).render(Rect { width: room as u16, ..area }, buf);
        key_hints::styled_line(facts, self.theme.style(ColourRole::Muted)).right_aligned().render(area, buf);
    }

    fn draw_place(&self, place: &FoundPlace, is_selected: bool, area: Rect, buf: &mut Buffer) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let muted = self.theme.style(ColourRole::Muted);
        key_hints::styled_line(place.field.label(), muted).render(frame::text_column(area), buf);
        let column = snippet_column(area);
        let style = self.theme.style(ColourRole::Text);
        self.lit_line(&place.snippet.text, &place.snippet.lit, style, column.width.into()).render(column, buf);
        if is_selected {
            self.theme.even_selected_row(area, buf);
        }
    }

    /// A text with its matches marked, cut to a width.
    fn lit_line(&self, words: &str, lit: &[Range<usize>], style: Style, room: usize) -> Line<'static> {
        let shown = text::truncate(words, room);
        let is_cut = shown.len() != words.len() || *shown != *words;
        let kept = if is_cut { shown.trim_end_matches('…').len() } else { shown.len() };
        let hit = style.patch(self.theme.style(ColourRole::Mark)).bold();
        let mut spans = Vec::new();
        let mut position = 0;
        for range in lit.iter().filter(|range| range.end <= kept && range.start < range.end) {
            spans.push(Span::styled(shown[position..range.start].to_owned(), style));
            spans.push(Span::styled(shown[range.clone()].to_owned(), hit));
            position = range.end;
        }
        spans.push(Span::styled(shown[position..].to_owned(), style));
        Line::from(spans)
    }

    fn draw_preview(&self, areas: &SearchOverlayAreas, buf: &mut Buffer) {
        if areas.preview.is_empty() || self.search.preview.rows.is_empty() {
            return;
        }
        let is_beside = areas.rule.width == 1 && areas.rule.height > 1;
        let faint = self.theme.style(ColourRole::Faint);
        if is_beside {
            for row in areas.rule.rows() {
                key_hints::styled_line(self.theme.marks.vertical, faint).render(row, buf);
            }
        } else {
            let line = self.theme.marks.rule.repeat(areas.rule.width.into());
            key_hints::styled_line(line, faint).render(areas.rule, buf);
        }
        self.draw_head(areas.head, is_beside, buf);
        for (row, place) in self.search.preview.rows.iter().zip(areas.preview.rows()) {
            self.preview_line(row, place.width.into()).render(place, buf);
        }
    }

    fn draw_head(&self, area: Rect, is_beside: bool, buf: &mut Buffer) {
        let (head, dot) = (&self.search.preview.head, self.theme.marks.dot);
        let muted = self.theme.style(ColourRole::Muted);
        let position = head.position.map(|(number, count)| format!("message {number} of {count}"));
        let (number, count) = head.version;
        let marks = &self.theme.marks;
        let version = (count > 1).then(|| format!("{}{number}/{count}{}", marks.sibling_left, marks.sibling_right));
        let branch = head.is_on_other_branch.then(|| "on another branch".to_owned());
        let join =
            |parts: Vec<Option<String>>, between: &str| parts.into_iter().flatten().collect::<Vec<_>>().join(between);
        let spaced = format!(" {dot} ");
        let (left, rest, right) = if is_beside {
            (head.title.clone(), String::new(), join(vec![position, branch, version], &spaced))
        } else {
            let rest = join(vec![Some(head.time.clone()), position], &spaced);
            (head.speaker.clone(), format!("  {rest}"), join(vec![branch, version], " "))
        };
        let room = usize::from(area.width).saturating_sub(text::width(&right) + 2);
        let bold = self.theme.style(ColourRole::Text).bold();
        let left = text::truncate(&left, room).into_owned();
        Line::from(vec![Span::styled(left, bold), Span::styled(rest, muted)]).render(area, buf);
        key_hints::styled_line(right, muted).right_aligned().render(area, buf);
    }

    fn preview_line(&self, row: &PreviewRow, width: usize) -> Line<'static> {
        let style = self.theme.style(row.role);
        self.lit_line(&row.text, &row.lit, if row.is_bold { style.bold() } else { style }, width)
    }

    /// Says below the field what cannot be understood.
    fn draw_problem(&self, field: Rect, buf: &mut Buffer) {
        let Some(problem) = self.search.parsed.problems.first() else { return };
        let row = frame::text_column(Rect { y: field.y + 1, ..field });
        let words = text::clean(&problem.to_string()).into_owned();
        let words = text::truncate(&words, row.width.into()).into_owned();
        key_hints::styled_line(words, self.theme.style(ColourRole::Warning)).render(row, buf);
    }

    /// What stands at the bottom left: what is not searched yet, or what is below.
    fn notice(&self, areas: &SearchOverlayAreas) -> Option<String> {
        let search = self.search;
        if search.unindexed > 0 {
            return Some(format!("{} messages are not in the index yet", search.unindexed));
        }
        let below = search.browser.rows_below(areas.list.height);
        let groups = groups_below(search.browser.rows(), below);
        let more = if search.found.is_last { "" } else { "+" };
        let noun = if groups == 1 { "conversation" } else { "conversations" };
        let arrow = self.theme.marks.more_below;
        match groups {
            0 => None,
            _ if areas.frame.width < 90 => Some(format!("{arrow} {groups}{more} more")),
            _ => Some(format!("{arrow} {groups}{more} more {noun}")),
        }
    }
}

impl Widget for SearchOverlayView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let areas = SearchOverlayAreas::of(area);
        let order = match self.search.order {
            SearchOrder::Best => "newest first",
            SearchOrder::Newest => "best first",
        };
        let labels: [(&[Action], &str); 5] = [
            (&[Action::RowUp, Action::RowDown], "move"),
            (&[Action::Accept], "open there"),
            (&[Action::Complete], "filters"),
            (&[Action::SearchOrder], order),
            (&[Action::Back], "back"),
        ];
        let shown = match self.search.selected() {
            None => &labels[2..],
            Some(_) if areas.frame.width < 90 => &labels[1..],
            Some(_) => &labels[..],
        };
        let keys = self.keymap.hints(KeyContext::SearchAll, shown);
        let notice = self.notice(&areas);
        let frame =
            OverlayFrame { title: "Search everything", keys: &keys, notice: notice.as_deref(), theme: self.theme };
        if frame.draw(areas.frame, buf).is_empty() {
            return;
        }
        self.field(&self.count_text(areas.field.width)).render(areas.field, buf);
        self.style_query(areas.field, buf);
        self.draw_rows(areas.list, buf);
        self.draw_problem(areas.field, buf);
        self.draw_preview(&areas, buf);
    }
}

/// The column of the snippets, right of the labels.
fn snippet_column(area: Rect) -> Rect {
    let text = frame::text_column(area);
    let label = LABEL_WIDTH.min(text.width);
    Rect { x: text.x + label, width: text.width - label, ..text }
}

/// The name of a model without its vendor, and without the name of its family where the rest says it.
fn short_model(model: &str) -> String {
    let name = facts::short_model_name(model);
    name.strip_prefix("claude-").map_or_else(|| name.clone(), str::to_owned)
}

fn short_day(day: Date, today: Date) -> String {
    if day == today {
        return "today".into();
    }
    if today.yesterday().is_ok_and(|yesterday| yesterday == day) {
        return "yesterday".into();
    }
    day.strftime(if day.year() == today.year() { "%-d %b" } else { "%-d %b %Y" }).to_string()
}
