//! One laid-out row of text: what is written, in which role, and where it came from.

use std::{ops::Range, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use unicode_segmentation::UnicodeSegmentation;

use super::theme::{Role, Theme};
use crate::text;

/// A row as the layout leaves it: never wider than it was asked to be, and without a colour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    pub spans: Vec<Span>,
    /// How many spans at the beginning are bars, bullets and indents: they are not copied.
    pub lead: usize,
    /// What stands in the gutter left of the row.
    pub gutter: Option<Gutter>,
    /// The ground of the whole row, to the right edge.
    pub fill: Option<Role>,
    pub kind: RowKind,
    /// The text goes on in the next row for want of room: copied, they are one line.
    pub soft: bool,
    /// The bytes of the part's source that this row stands for.
    pub source: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub text: String,
    pub ink: Ink,
    pub link: Option<Arc<str>>,
    pub citation: Option<Cited>,
}

/// The mark of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cited {
    pub number: u32,
    /// Which of the annotations of its text it stands for; none where it only lists the source.
    pub annotation: Option<usize>,
}

/// How a span looks, without a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    pub role: Role,
    pub ground: Option<Role>,
    pub emphasis: Modifier,
}

/// A mark beside the text: who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gutter {
    pub mark: &'static str,
    pub role: Role,
}

/// What a row belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowKind {
    #[default]
    Text,
    Blank,
    Heading(u8),
    Rule,
    Quote,
    Table,
    Html,
    /// The row over a code block, with its language and the key that copies it.
    CodeHead {
        block: u32,
    },
    /// A piece of a line of code, from this byte of the line on; line and block are counted from 0
    /// and from 1.
    Code {
        block: u32,
        line: u32,
        from: u32,
    },
    /// Who speaks, and the facts.
    Head,
    Prompt,
    /// The row that folds a reasoning.
    ReasoningHead,
    Reasoning,
    Search,
    Call,
    /// An item that this version does not know.
    Other,
    Refusal,
    Sources,
    /// A source that was opened under the text that names it.
    SourceCard,
    Card,
    Queued,
}

impl Ink {
    /// A citation that is looked at.
    pub const LIT: Self = Self::of(Role::Accent).with(Modifier::REVERSED.union(Modifier::BOLD));

    pub const fn of(role: Role) -> Self {
        Self { role, ground: None, emphasis: Modifier::empty() }
    }

    #[must_use]
    pub const fn on(self, ground: Role) -> Self {
        Self { ground: Some(ground), ..self }
    }

    #[must_use]
    pub const fn with(self, emphasis: Modifier) -> Self {
        Self { emphasis: self.emphasis.union(emphasis), ..self }
    }

    #[must_use]
    pub const fn bold(self) -> Self {
        self.with(Modifier::BOLD)
    }

    #[must_use]
    pub const fn italic(self) -> Self {
        self.with(Modifier::ITALIC)
    }
}

impl Span {
    /// `[1]`, where a source is listed; the one that is looked at is lit.
    pub fn listed(number: u32, lit: bool) -> Self {
        let ink = if lit { Ink::LIT } else { Ink::of(Role::Accent) };
        let citation = Some(Cited { number, annotation: None });
        Self { citation, ..Self::new(format!("[{number}]"), ink) }
    }

    pub fn new(text: impl Into<String>, ink: Ink) -> Self {
        Self { text: text.into(), ink, link: None, citation: None }
    }

    pub fn width(&self) -> usize {
        text::width(&self.text)
    }
}

impl Row {
    pub fn new(kind: RowKind, spans: Vec<Span>) -> Self {
        Self { spans, kind, ..Self::default() }
    }

    pub fn blank() -> Self {
        Self { kind: RowKind::Blank, ..Self::default() }
    }

    pub fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }

    /// The words of the row as they stand on the screen.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Cuts the row to `width` cells, at a cluster.
    #[must_use]
    pub fn cut(mut self, width: usize) -> Self {
        let mut room = width;
        for at in 0..self.spans.len() {
            let cells = self.spans[at].width();
            if cells > room {
                self.spans[at].text = text::truncate(&self.spans[at].text, room).into_owned();
                self.spans.truncate(at + 1);
                break;
            }
            room -= cells;
        }
        self
    }

    /// Writes the row into one line of the buffer.
    pub fn draw(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if let Some(ground) = self.fill {
            buf.set_style(Rect { height: 1, ..area }, theme.style(ground));
        }
        let mut x = area.x;
        for span in &self.spans {
            let mut style = theme.style(span.ink.role);
            if let Some(ground) = span.ink.ground {
                style = style.patch(theme.style(ground));
            }
            if span.link.is_none() {
                // A theme may underline links; what only has their colour is not one.
                style = style.remove_modifier(Modifier::UNDERLINED);
            }
            style = style.add_modifier(span.ink.emphasis);
            x = write(&span.text, x, area, style, buf);
        }
    }
}

/// Writes clusters from left to right as far as they fit; gives the column behind the last.
fn write(text: &str, mut x: u16, area: Rect, style: ratatui::style::Style, buf: &mut Buffer) -> u16 {
    for cluster in text.graphemes(true) {
        let cells = text::cluster_width(cluster) as u16;
        if cells == 0 {
            continue;
        }
        if x + cells > area.right() {
            return area.right();
        }
        buf[(x, area.y)].set_symbol(if cluster == "\u{a0}" { " " } else { cluster }).set_style(style);
        for hidden in x + 1..x + cells {
            buf[(hidden, area.y)].set_symbol(" ").set_style(style);
        }
        x += cells;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_clusters_are_written_whole_or_not_at_all() {
        let theme = Theme::default();
        let row = Row::new(
            RowKind::Text,
            vec![Span::new("a日本", Ink::of(Role::Text)), Span::new("語", Ink::of(Role::Link))],
        );
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        row.draw(Rect::new(0, 0, 6, 1), &theme, &mut buf);
        let cells: Vec<&str> = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(cells, ["a", "日", " ", "本", " ", " ", " ", " "]);
        assert_eq!(row.clone().cut(4).text(), "a日…");
    }

    #[test]
    fn only_links_are_underlined() {
        let theme = Theme::default();
        assert!(theme.style(Role::Link).add_modifier.contains(Modifier::UNDERLINED));
        let mark = Span::new("x", Ink::of(Role::Link));
        let link = Span { link: Some(Arc::from("https://x.example")), ..mark.clone() };
        let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
        Row::new(RowKind::Text, vec![mark, link]).draw(buf.area, &theme, &mut buf);
        let underlined: Vec<bool> =
            buf.content.iter().map(|cell| cell.modifier.contains(Modifier::UNDERLINED)).collect();
        assert_eq!(underlined, [false, true]);
    }
}
