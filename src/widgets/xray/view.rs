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
    rows::{Kind, Row, SEEN, found_in},
};
use crate::{
    chat::Timestamp,
    text,
    widgets::{
        field::Shows,
        overlay::{self, Overlay},
        theme::{Role, Theme},
        words::{self, Hint},
    },
};

/// The x-ray above everything else; it is drawn with the area of the whole screen.
pub struct XrayView<'a> {
    pub xray: &'a Xray,
    pub now: Timestamp,
    pub theme: &'a Theme,
}

/// Where the parts stand.
pub struct Parts {
    frame: Rect,
    field: Rect,
    pub rows: Rect,
}

/// What is laid out in columns.
#[derive(Debug, Clone, Copy)]
struct Widths {
    times: usize,
    events: usize,
    headers: usize,
}

const INDENT: u16 = 2;
const WIDTH: u16 = 100;
/// Letters of context before what was found, where a row does not begin with it.
const CONTEXT: usize = 12;

pub fn parts(screen: Rect) -> Parts {
    let height = if screen.height > 24 { screen.height - 4 } else { screen.height };
    let frame = overlay::placed(screen, WIDTH, height);
    let inner = Rect {
        x: frame.x + 1,
        y: frame.y + 1,
        width: frame.width.saturating_sub(2),
        height: frame.height.saturating_sub(2),
    };
    let field = Rect { height: inner.height.min(1), ..inner };
    let above = (if inner.height > 6 { 2 } else { 1 }).min(inner.height);
    Parts { frame, field, rows: Rect { y: inner.y + above, height: inner.height - above, ..inner } }
}

/// The cells of a row's text.
pub fn text_width(rows: Rect) -> u16 {
    rows.width.saturating_sub(2 * INDENT)
}

impl XrayView<'_> {
    /// Where the terminal's cursor stands.
    pub fn cursor(&self, screen: Rect) -> Option<Position> {
        self.xray.typing.then(|| self.xray.query.cursor(self.query_area(parts(screen).field), Shows::Text)).flatten()
    }

    fn lines(&self) -> &Lines {
        self.xray.opened.as_ref().map_or(&self.xray.list, |opened| &opened.lines)
    }

    /// At the right of the field: which match of how many, else how many events.
    fn count(&self) -> String {
        let lines = self.lines();
        if self.xray.query.is_empty() {
            let events = self.xray.list.rows.iter().filter(|row| row.kind == Kind::Event).count();
            return match (&self.xray.filling, &self.xray.opened, events) {
                (Filling::Loading | Filling::Failed(..), ..) | (_, Some(_), _) => String::new(),
                (Filling::Filled(_), None, 1) => "1 event".into(),
                (Filling::Filled(_), None, events) => format!("{events} events"),
            };
        }
        let all = lines.found.len();
        match lines.found.binary_search(&lines.cursor) {
            _ if all == 0 => "nothing found".into(),
            Ok(nth) => format!("{} of {all}", nth + 1),
            Err(_) => format!("{all} found"),
        }
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
        if self.xray.query.is_empty() && !self.xray.typing && self.xray.is_filled() {
            words::run("/ searches", muted).render(query_area, buf);
        }
        self.xray.query.draw(query_area, Shows::Text, self.theme.style(Role::Text), self.theme, buf);
        words::run(self.count(), muted).right_aligned().render(column(area), buf);
    }

    fn keys(&self) -> Vec<Hint<'static>> {
        let searched = !self.xray.query.is_empty();
        match &self.xray.filling {
            Filling::Loading | Filling::Failed(..) => vec![("esc", "back")],
            Filling::Filled(_) if self.xray.typing => {
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
        let room = column(area);
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
        let mut left = usize::from(column(area).width);
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
        Line::from(spans).render(column(area), buf);
    }

    /// What of a text fits, around what was found where that lies beyond.
    fn seen(&self, text: &str, room: usize) -> String {
        let beyond = |at: usize| at > SEEN || text::width(&text[..at]) + CONTEXT > room;
        let found = found_in(text, &self.xray.query.text()).map(|range| range.start).filter(|at| beyond(*at));
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
        let hit = style.patch(self.theme.style(Role::Mark)).bold();
        let query = self.xray.query.text();
        let mut rest: &str = &text;
        while let Some(range) = found_in(rest, &query) {
            spans.push(Span::styled(rest[..range.start].to_owned(), style));
            spans.push(Span::styled(rest[range.clone()].to_owned(), hit));
            rest = &rest[range.end..];
        }
        spans.push(Span::styled(rest.to_owned(), style));
    }
}

impl Widget for XrayView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        self.theme.recede(area, buf);
        let parts = parts(area);
        let title = match &self.xray.opened {
            Some(opened) => opened.title.as_str(),
            None => "Request and events",
        };
        let keys = self.keys();
        let below = self.lines().rows.len().saturating_sub(self.lines().top + usize::from(parts.rows.height));
        let more = format!("{} {below} more", self.theme.marks.more_below);
        let notice = (below > 0).then_some(more.as_str());
        if (Overlay { title, keys: &keys, notice, theme: self.theme }).draw(parts.frame, buf).is_empty() {
            return;
        }
        if !parts.field.is_empty() {
            self.field(parts.field, buf);
        }
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

/// The column of text inside the frame.
fn column(area: Rect) -> Rect {
    let left = INDENT.min(area.width);
    Rect { x: area.x + left, width: (area.width - left).saturating_sub(INDENT), ..area }
}
