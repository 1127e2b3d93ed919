//! Draws the x-ray.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Filling, Lines, Xray,
    rows::{Kind, Row, SEEN},
};
use crate::{
    chat::Timestamp,
    text,
    widgets::{
        overlay::Overlay,
        search::{self, SearchView},
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// The x-ray above everything else; it is drawn with the area of the whole screen.
pub struct XrayView<'a> {
    pub xray: &'a Xray,
    pub now: Timestamp,
    /// A word about what was just done: there is no room for it elsewhere.
    pub said: Option<&'a str>,
    pub theme: &'a Theme,
}

/// What is laid out in columns.
#[derive(Debug, Clone, Copy)]
struct Widths {
    times: usize,
    events: usize,
    headers: usize,
}

/// Letters of context before what was found, where a row does not begin with it.
const CONTEXT: usize = 12;

impl XrayView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.field(&self.count()).cursor(search::parts(screen).field)
    }

    fn lines(&self) -> &Lines {
        self.xray.opened.as_ref().map_or(&self.xray.list, |opened| &opened.lines)
    }

    /// At the right of the field: which match of how many, else how many events.
    fn count(&self) -> String {
        let lines = self.lines();
        if self.xray.search.is_empty() {
            let events = self.xray.list.rows.iter().filter(|row| row.kind == Kind::Event).count();
            return match (&self.xray.filling, &self.xray.opened, events) {
                (Filling::Loading | Filling::Failed(..), ..) | (_, Some(_), _) => String::new(),
                (Filling::Filled(_), None, 1) => "1 event".into(),
                (Filling::Filled(_), None, events) => format!("{events} events"),
            };
        }
        search::count(lines.found.len(), lines.found.binary_search(&lines.cursor).ok())
    }

    fn field<'a>(&'a self, count: &'a str) -> SearchView<'a> {
        let hint = if self.xray.is_filled() { "/ searches" } else { "" };
        SearchView { search: &self.xray.search, hint, count, theme: self.theme }
    }

    fn keys(&self) -> Vec<Hint<'static>> {
        let searched = !self.xray.search.is_empty();
        match &self.xray.filling {
            Filling::Loading | Filling::Failed(..) => vec![("esc", "back")],
            Filling::Filled(_) if self.xray.search.types() => {
                vec![("↵", "done"), (self.theme.marks.up_down, "matches"), ("esc", "clear")]
            }
            Filling::Filled(_) => {
                let mut keys = vec![("c", "copy as curl"), ("s", "save"), ("esc", "back")];
                if searched {
                    keys.insert(0, ("n N", "matches"));
                }
                if self.xray.opened.is_none() {
                    keys.insert(0, ("tab", "request, events"));
                    keys.insert(0, ("↵", "open"));
                }
                keys
            }
        }
    }

    fn instead(&self, area: Rect, buf: &mut Buffer) {
        let (text, muted) = (self.theme.style(Role::Text), self.theme.style(Role::Muted));
        let room = search::column(area);
        let lines = match &self.xray.filling {
            Filling::Loading => {
                let seconds = self.now.duration_since(self.xray.since).as_secs().max(0);
                vec![(format!("{} reading   {seconds} s", self.theme.marks.waiting), muted)]
            }
            Filling::Failed(what, hint) => vec![(what.clone(), text), (hint.clone(), muted)],
            Filling::Filled(_) => vec![("Nothing has been sent yet.".to_owned(), muted)],
        };
        let width = usize::from(room.width.max(1));
        let measure = text::wrap::Measure { first: width, rest: width, glued: &[] };
        let rows = lines.iter().flat_map(|(words, style)| {
            let words = text::clean(words).into_owned();
            let pieces = text::wrap::wrap(&words, measure);
            pieces
                .into_iter()
                .map(|piece| words::run(words[piece.start..piece.end].to_owned(), *style))
                .collect::<Vec<_>>()
        });
        for (line, row) in rows.zip(room.rows()) {
            line.render(row, buf);
        }
    }

    fn row(&self, row: &Row, current: bool, widths: Widths, area: Rect, buf: &mut Buffer) {
        if current {
            buf.set_style(area, self.theme.style(Role::Selection));
            // Where selection is reversed, the bar is not.
            let bar = self.theme.style(Role::Accent).remove_modifier(Modifier::REVERSED);
            words::run(self.theme.marks.bar, bar).render(area, buf);
        }
        let style = |role: Role| self.theme.style(role);
        let (name, text) = match row.kind {
            Kind::Address => (style(Role::Text).bold(), style(Role::Text).bold()),
            Kind::Header => (style(Role::Muted), style(Role::Text)),
            Kind::Answer | Kind::Event => (style(Role::Text), style(Role::Muted)),
            Kind::Comment => (style(Role::Muted), style(Role::Muted)),
            Kind::Failure => (style(Role::Error), style(Role::Error)),
            Kind::Body | Kind::Blank => (style(Role::Text), style(Role::Text)),
            Kind::Gap => (style(Role::Warning), style(Role::Warning)),
        };
        let mut left = usize::from(search::column(area).width);
        let mut spans = Vec::new();
        if !row.time.is_empty() {
            let before = " ".repeat(widths.times.saturating_sub(row.time.len()));
            self.add(&mut spans, &(before + &row.time), style(Role::Muted), &mut left);
            self.add(&mut spans, "  ", style(Role::Text), &mut left);
        }
        if !row.name.is_empty() {
            self.add(&mut spans, &row.name, name, &mut left);
            let gap = match row.kind {
                Kind::Answer | Kind::Event => widths.events.saturating_sub(text::width(&row.name)) + 2,
                Kind::Header => widths.headers.saturating_sub(text::width(&row.name)) + 2,
                _ => 1,
            };
            self.add(&mut spans, &" ".repeat(gap), style(Role::Text), &mut left);
        }
        if row.kind == Kind::Gap {
            self.add(&mut spans, self.theme.marks.ellipsis, text, &mut left);
            self.add(&mut spans, " ", text, &mut left);
        }
        let shown = self.seen(&row.text, left);
        self.add(&mut spans, &shown, text, &mut left);
        Line::from(spans).render(search::column(area), buf);
    }

    /// What of a text fits, around what was found where that lies beyond.
    fn seen(&self, text: &str, room: usize) -> String {
        let beyond = |at: usize| at > SEEN || text::width(&text[..at]) + CONTEXT > room;
        let found = self.xray.search.needle().next(text, 0).map(|range| range.start).filter(|at| beyond(*at));
        let from = found.map_or(0, |at| text[..at].char_indices().rev().nth(CONTEXT).map_or(0, |(at, _)| at));
        let to = (from + SEEN..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let (before, more) = (from > 0, to < text.len());
        let mut seen = if before { self.theme.marks.ellipsis.to_owned() } else { String::new() };
        seen += &text[from..to];
        if more {
            seen += " ";
        }
        text::truncate(&seen, room).into_owned()
    }

    /// Adds a text as far as it fits, with what was found in it marked.
    fn add(&self, spans: &mut Vec<Span<'static>>, text: &str, style: Style, left: &mut usize) {
        let text = text::truncate(text, *left);
        *left -= text::width(&text);
        spans.extend(search::marked(&text, self.xray.search.needle(), style, self.theme));
    }
}

impl Widget for XrayView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let parts = search::parts(area);
        let title = match &self.xray.opened {
            Some(opened) => opened.title.as_str(),
            None => "Request and events",
        };
        let keys = self.keys();
        let below = self.lines().rows.len().saturating_sub(self.lines().top + usize::from(parts.rows.height));
        let more = format!("{} {below} more", self.theme.marks.more_below);
        let notice = self.said.or((below > 0).then_some(&more));
        if (Overlay { title, keys: &keys, notice, theme: self.theme }).draw(parts.frame, buf).is_empty() {
            return;
        }
        self.field(&self.count()).render(parts.field, buf);
        let lines = self.lines();
        if lines.rows.is_empty() {
            self.instead(parts.rows, buf);
            return;
        }
        // In a narrow frame names stand as they are.
        let aligned = parts.rows.width >= 90;
        let widest = |kinds: &[Kind]| {
            let names = lines.rows.iter().filter(|row| kinds.contains(&row.kind));
            let names = names.filter(|row| aligned || row.kind == Kind::Header);
            names.map(|row| text::width(&row.name)).max().unwrap_or(0).min(40)
        };
        let widths = Widths {
            times: lines.rows.iter().map(|row| row.time.len()).max().unwrap_or(0),
            events: widest(&[Kind::Answer, Kind::Event]),
            headers: widest(&[Kind::Header]),
        };
        let seen = lines.rows.iter().enumerate().skip(lines.top);
        for (area, (nth, row)) in parts.rows.rows().zip(seen) {
            self.row(row, nth == lines.cursor, widths, area, buf);
        }
    }
}
