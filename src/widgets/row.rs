//! One laid-out row of text: what is written, in which role, and where it came from.

mod draw;
mod seen;

use std::{ops::Range, sync::Arc};

use ratatui::style::Modifier;

use super::theme::Role;
use crate::text::{self, wrap};

pub use seen::Seen;

/// A row as the layout leaves it: never wider than it was asked to be, and without a colour.
///
/// The rows of one text follow each other in its source without a gap or an overlap: `source` of the first begins at
/// 0, that of each other where the one above it ends, and that of the last ends with the text. What has no words of
/// its own (fences, the rule of a table, markers, blank lines) belongs to the row before or behind it. So the source
/// of rows `a..=b` is `rows[a].source.start..rows[b].source.end`, and a whole text selected gives its whole source.
/// The words that a reader sees are those of the spans from `lead` on; `joint` tells whether the next row goes on in
/// the same line. A span with `copied` stands for other words, as a formula for its LaTeX.
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
    /// What stood between its words and those of the next row.
    pub joint: Joint,
    /// The bytes of the part's source that this row stands for.
    pub source: Range<usize>,
    /// It belongs to a paragraph that is written from right to left.
    pub rtl: bool,
    /// Cells behind the lead that are scrolled out of sight at the left: code that is not wrapped.
    pub shift: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub text: String,
    pub ink: Ink,
    pub link: Option<Arc<str>>,
    pub citation: Option<Cited>,
    /// What a copy has in its place, where that is not the text: LaTeX, the Markdown of an image or a rule. What is wrapped has
    /// it in its first row and nothing in the others.
    pub copied: Option<Arc<str>>,
    /// Where it stands in a table, if it does.
    pub cell: Option<Cell>,
}

/// A cell of a table that some words belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// 0 is the head.
    pub row: u32,
    pub column: u16,
    /// What stood between these words and those of the cell in the next row.
    pub joint: Joint,
}

/// What was at the end of a row before it was wrapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Joint {
    /// The text goes on in the next row for want of room, behind so many blanks: copied, they are one line.
    Blanks(u32),
    #[default]
    LineEnd,
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
    /// It stands beside words and is none of them, as a backtick or the address of a link: nobody looks for it.
    pub is_aside: bool,
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
    /// Mathematics on rows of its own.
    Formula,
    /// An image or a folded diagram, numbered from 1 in its answer.
    Figure {
        number: u32,
    },
    /// The row over a code block, with its language and the key that copies it.
    CodeHead {
        block: u32,
        /// It folds a diagram.
        diagram: bool,
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
    /// How much of a result is not shown.
    More,
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
        Self { role, ground: None, emphasis: Modifier::empty(), is_aside: false }
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

impl Joint {
    /// The joint behind a piece of a text.
    pub fn of(piece: &wrap::Piece) -> Self {
        if piece.hard { Self::LineEnd } else { Self::Blanks((piece.next - piece.end) as u32) }
    }

    pub fn words(self) -> String {
        match self {
            Self::Blanks(blanks) => " ".repeat(blanks as usize),
            Self::LineEnd => "\n".into(),
        }
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
        Self { text: text.into(), ink, link: None, citation: None, copied: None, cell: None }
    }

    pub fn width(&self) -> usize {
        text::width(&self.text)
    }
}

impl Row {
    pub fn new(kind: RowKind, spans: Vec<Span>) -> Self {
        Self { spans, kind, ..Self::default() }
    }

    /// Whether the next row is of the same line.
    pub fn goes_on(&self) -> bool {
        self.joint != Joint::LineEnd
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
}
