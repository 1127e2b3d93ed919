//! Draws the x-ray.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    LineList, XrayContent, XrayOverlay,
    xray_rows::{MAX_SHOWN_BYTES, XrayRow, XrayRowKind},
};
use crate::{
    chat::Timestamp,
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
    },
};

/// Draws the x-ray over everything else; it is given the area of the whole screen.
pub struct XrayView<'a> {
    pub xray: &'a XrayOverlay,
    pub now: Timestamp,
    /// A message about the last action, which has no room elsewhere.
    pub message: Option<&'a str>,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
}

/// The widths of the columns, in cells.
#[derive(Debug, Clone, Copy)]
struct XrayColumnWidths {
    times: usize,
    events: usize,
    headers: usize,
}

/// The characters shown before a match that lies beyond the beginning of a row.
const CONTEXT_CHARS: usize = 12;

impl XrayView<'_> {
    /// The position of the terminal's cursor.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.search_view("", &self.count_text()).cursor(search::areas(screen).field)
    }

    fn active_lines(&self) -> &LineList {
        self.xray.opened.as_ref().map_or(&self.xray.list, |opened| &opened.lines)
    }

    /// The text at the right of the field: the number of the match during a search, else the number of events.
    fn count_text(&self) -> String {
        let lines = self.active_lines();
        if self.xray.search.is_empty() {
            let events = self.xray.list.browser.rows().iter().filter(|row| row.kind == XrayRowKind::Event).count();
            return match (&self.xray.content, &self.xray.opened, events) {
                (XrayContent::Loading | XrayContent::Failed(..), ..) | (_, Some(_), _) => String::new(),
                (XrayContent::Filled(_), None, 1) => "1 event".into(),
                (XrayContent::Filled(_), None, events) => format!("{events} events"),
            };
        }
        search::count_text(lines.matches.len(), lines.current_match())
    }

    fn search_view<'a>(&'a self, hint: &'a str, count: &'a str) -> SearchView<'a> {
        SearchView { search: &self.xray.search, hint, count, theme: self.theme }
    }

    fn key_hints(&self) -> Vec<KeyHint<'static>> {
        let mut labels: Vec<(&[Action], &str)> = Vec::new();
        match &self.xray.content {
            XrayContent::Loading | XrayContent::Failed(..) => (),
            XrayContent::Filled(_) if self.xray.search.is_typing() => return search::typing_hints(self.keymap),
            XrayContent::Filled(_) => {
                if self.xray.opened.is_none() {
                    labels.extend([(&[Action::Accept][..], "open"), (&[Action::NextSection], "request, events")]);
                }
                if !self.xray.search.is_empty() {
                    labels.push((&[Action::NextMatch, Action::PreviousMatch], "matches"));
                }
                labels.extend([(&[Action::CopyCurl][..], "copy as curl"), (&[Action::SaveShown], "save")]);
            }
        }
        labels.push((&[Action::Back], if self.xray.opened.is_some() { "back" } else { "close" }));
        self.keymap.hints(KeyContext::Xray, &labels)
    }

    fn draw_placeholder(&self, area: Rect, buf: &mut Buffer) {
        let (text, muted) = (self.theme.style(ColourRole::Text), self.theme.style(ColourRole::Muted));
        let room = frame::text_column(area);
        let lines = match &self.xray.content {
            XrayContent::Loading => {
                let seconds = self.now.duration_since(self.xray.refreshed_at).as_secs().max(0);
                vec![(format!("{} reading   {seconds} s", self.theme.marks.waiting), muted)]
            }
            XrayContent::Failed(what, hint) => vec![(what.clone(), text), (hint.clone(), muted)],
            XrayContent::Filled(_) => vec![("Nothing has been sent yet.".to_owned(), muted)],
        };
        let width = usize::from(room.width.max(1));
        let measure = text::wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] };
        let rows = lines.iter().flat_map(|(words, style)| {
            let words = text::clean(words).into_owned();
            let pieces = text::wrap::wrap(&words, measure);
            pieces
                .into_iter()
                .map(|piece| key_hints::styled_line(words[piece.start..piece.end].to_owned(), *style))
                .collect::<Vec<_>>()
        });
        for (line, row) in rows.zip(room.rows()) {
            line.render(row, buf);
        }
    }

    fn draw_row(&self, row: &XrayRow, is_selected: bool, widths: XrayColumnWidths, area: Rect, buf: &mut Buffer) {
        if is_selected {
            list_browser::draw_cursor_row(area, self.theme, buf);
        }
        let style = |role: ColourRole| self.theme.style(role);
        let (name, text) = match row.kind {
            XrayRowKind::Address => (style(ColourRole::Text).bold(), style(ColourRole::Text).bold()),
            XrayRowKind::Header => (style(ColourRole::Muted), style(ColourRole::Text)),
            XrayRowKind::Response | XrayRowKind::Event => (style(ColourRole::Text), style(ColourRole::Muted)),
            XrayRowKind::Comment => (style(ColourRole::Muted), style(ColourRole::Muted)),
            XrayRowKind::Failure => (style(ColourRole::Error), style(ColourRole::Error)),
            XrayRowKind::Body | XrayRowKind::Blank => (style(ColourRole::Text), style(ColourRole::Text)),
            XrayRowKind::Gap => (style(ColourRole::Warning), style(ColourRole::Warning)),
        };
        let mut left = usize::from(frame::text_column(area).width);
        let mut spans = Vec::new();
        if !row.time.is_empty() {
            let before = " ".repeat(widths.times.saturating_sub(row.time.len()));
            self.push_span(&mut spans, &(before + &row.time), style(ColourRole::Muted), &mut left);
            self.push_span(&mut spans, "  ", style(ColourRole::Text), &mut left);
        }
        if !row.name.is_empty() {
            self.push_span(&mut spans, &row.name, name, &mut left);
            let gap = match row.kind {
                XrayRowKind::Response | XrayRowKind::Event => widths.events.saturating_sub(text::width(&row.name)) + 2,
                XrayRowKind::Header => widths.headers.saturating_sub(text::width(&row.name)) + 2,
                _ => 1,
            };
            self.push_span(&mut spans, &" ".repeat(gap), style(ColourRole::Text), &mut left);
        }
        if row.kind == XrayRowKind::Gap {
            self.push_span(&mut spans, self.theme.marks.ellipsis, text, &mut left);
            self.push_span(&mut spans, " ", text, &mut left);
        }
        let shown = self.visible_text(&row.text, left);
        self.push_span(&mut spans, &shown, text, &mut left);
        Line::from(spans).render(frame::text_column(area), buf);
    }

    /// The part of a text that fits: its beginning, or the part around a match beyond that.
    fn visible_text(&self, text: &str, room: usize) -> String {
        let beyond = |at: usize| at > MAX_SHOWN_BYTES || text::width(&text[..at]) + CONTEXT_CHARS > room;
        let found = self.xray.search.needle().find_from(text, 0).map(|range| range.start).filter(|at| beyond(*at));
        let from = found.map_or(0, |at| text[..at].char_indices().rev().nth(CONTEXT_CHARS).map_or(0, |(at, _)| at));
        let to = (from + MAX_SHOWN_BYTES..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let (before, more) = (from > 0, to < text.len());
        let mut seen = if before { self.theme.marks.ellipsis.to_owned() } else { String::new() };
        seen += &text[from..to];
        if more {
            seen += " ";
        }
        text::truncate(&seen, room).into_owned()
    }

    /// Adds as much of a text as fits, with the matches in it marked.
    fn push_span(&self, spans: &mut Vec<Span<'static>>, text: &str, style: Style, left: &mut usize) {
        let text = text::truncate(text, *left);
        *left -= text::width(&text);
        spans.extend(search::mark_matches(&text, self.xray.search.needle(), style, self.theme));
    }
}

impl Widget for XrayView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.dim_area(area, buf);
        let parts = search::areas(area);
        let title = match &self.xray.opened {
            Some(opened) => opened.title.as_str(),
            None => "Request and events",
        };
        let keys = self.key_hints();
        let below = self.active_lines().browser.rows_below(parts.rows.height);
        let more = frame::more_notice(below, self.theme);
        let notice = self.message.or(more.as_deref());
        if (OverlayFrame { title, keys: &keys, notice, theme: self.theme }).draw(parts.frame, buf).is_empty() {
            return;
        }
        let hint =
            if self.xray.is_filled() { search::search_hint(self.keymap, KeyContext::Xray) } else { String::new() };
        self.search_view(&hint, &self.count_text()).render(parts.field, buf);
        let rows = self.active_lines().browser.rows();
        if rows.is_empty() {
            self.draw_placeholder(parts.rows, buf);
            return;
        }
        // In a narrow frame, names are not aligned.
        let aligned = parts.rows.width >= 90;
        let widest = |kinds: &[XrayRowKind]| {
            let names = rows.iter().filter(|row| kinds.contains(&row.kind));
            let names = names.filter(|row| aligned || row.kind == XrayRowKind::Header);
            names.map(|row| text::width(&row.name)).max().unwrap_or(0).min(40)
        };
        let widths = XrayColumnWidths {
            times: rows.iter().map(|row| row.time.len()).max().unwrap_or(0),
            events: widest(&[XrayRowKind::Response, XrayRowKind::Event]),
            headers: widest(&[XrayRowKind::Header]),
        };
        for (area, row, is_selected) in self.active_lines().browser.visible_rows(parts.rows) {
            self.draw_row(row, is_selected, widths, area, buf);
        }
    }
}
