//! One laid-out row of text: its spans, their roles, and the source that they came from.

mod cell_map;
mod copy;
mod draw;

use std::{ops::Range, sync::Arc};

use compact_str::CompactString;
use ratatui::style::Modifier;

use super::{
    source_map::{SourceKind, SourceMap},
    theme::ColourRole,
};
use crate::text::{self, wrap};

pub use cell_map::CellMap;
pub use copy::RowCopier;

/// A row as the layout produces it: never wider than requested, and without colours.
///
/// The rows of one text cover its source without gaps or overlaps: the `source` of the first row begins at 0, that of
/// each other row begins where the previous one ends, and that of the last ends with the text. Source that has no
/// text on the screen (fences, the rule of a table, markers, blank lines) belongs to the row before or after it. So
/// the source of rows `a..=b` is `rows[a].source.start..rows[b].source.end`, and selecting a whole text yields its
/// whole source. The text of a row excludes its lead; where each piece of it comes from is in its source map. Its joint
/// shows whether the next row continues the same line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StyledRow {
    pub spans: Vec<StyledSpan>,
    /// The number of spans at the beginning that are bars, bullets and indents, which are not copied verbatim.
    pub lead_spans: usize,
    /// The mark in the gutter to the left of the row.
    pub gutter: Option<GutterMark>,
    /// The background of the whole row, up to the right edge.
    pub background: Option<ColourRole>,
    pub kind: RowKind,
    /// What separates its text from that of the next row in the source.
    pub join: LineJoin,
    /// The bytes of the part's source that this row covers.
    pub source: Range<usize>,
    /// The source of its text.
    pub source_map: SourceMap,
    /// It belongs to a right-to-left paragraph.
    pub is_rtl: bool,
    /// The number of cells after the lead that are scrolled off at the left, in unwrapped code.
    pub scrolled_cells: usize,
}

/// Some spans of a row, and the source of their text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MappedSpans {
    pub spans: Vec<StyledSpan>,
    pub source_map: SourceMap,
}

/// A piece of a row with one style.
#[derive(Debug, Clone, PartialEq)]
pub struct StyledSpan {
    pub text: CompactString,
    pub style: TextStyle,
    /// A long text has many spans, of which few have any.
    extras: Option<Box<SpanExtras>>,
}

/// What few spans have.
#[derive(Debug, Clone, Default, PartialEq)]
struct SpanExtras {
    link: Option<Arc<str>>,
    citation: Option<CitationRef>,
    markdown: Option<&'static str>,
}

/// What separates a row from the next one in the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineJoin {
    /// A wrap: the line continues in the next row after this many spaces. The two rows are copied as one line.
    Wrapped(u32),
    #[default]
    LineEnd,
}

/// The source that a citation mark refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitationRef {
    pub number: u32,
    /// The index of its annotation in the text part; `None` if it only lists the source.
    pub annotation: Option<usize>,
}

/// The style of a span in terms of roles, without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    pub role: ColourRole,
    pub background: Option<ColourRole>,
    pub modifiers: Modifier,
}

/// A mark to the left of the text, such as the bar of a prompt or a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GutterMark {
    pub mark: &'static str,
    pub role: ColourRole,
}

/// The kind of element that a row belongs to.
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
    /// The summary of details, which folds them.
    DetailsHead {
        is_folded: bool,
    },
    /// A formula in display style, on its own rows.
    Formula,
    /// An image or a folded diagram, numbered from 1 in its answer.
    Figure {
        number: u32,
    },
    /// The row above a code block, with its language and the key that copies it.
    CodeHead {
        block: u32,
        /// It folds a diagram.
        diagram: bool,
        /// The diagram is folded, so the row stands for all of it.
        is_folded: bool,
    },
    /// A piece of a line of code that begins at byte `from` of the line. Lines are counted from 0, blocks from 1.
    Code {
        block: u32,
        line: u32,
        from: u32,
    },
    /// The head of a message: its author and some facts.
    MessageHead,
    Prompt,
    /// The row that folds reasoning.
    ReasoningHead,
    Reasoning,
    Search,
    Call,
    /// The number of lines of a result that are not shown.
    HiddenLines,
    /// An item of unknown kind, a label or a note.
    Other,
    Refusal,
    Sources,
    /// The card of a source, below the text that cites it.
    SourceCard,
    Card,
    /// The top or bottom edge of a card.
    CardEdge,
    Queued,
}

impl TextStyle {
    /// The style of the selected citation.
    pub const SELECTED_CITATION: Self =
        Self::of(ColourRole::Accent).with_modifiers(Modifier::REVERSED.union(Modifier::BOLD));

    pub const fn of(role: ColourRole) -> Self {
        Self { role, background: None, modifiers: Modifier::empty() }
    }

    #[must_use]
    pub const fn on_background(self, background: ColourRole) -> Self {
        Self { background: Some(background), ..self }
    }

    #[must_use]
    pub const fn with_modifiers(self, modifiers: Modifier) -> Self {
        Self { modifiers: self.modifiers.union(modifiers), ..self }
    }

    #[must_use]
    pub const fn bold(self) -> Self {
        self.with_modifiers(Modifier::BOLD)
    }

    #[must_use]
    pub const fn italic(self) -> Self {
        self.with_modifiers(Modifier::ITALIC)
    }
}

impl LineJoin {
    /// The joint after a wrapped piece of text.
    pub fn after(piece: &wrap::WrappedLine) -> Self {
        if piece.is_hard_break { Self::LineEnd } else { Self::Wrapped((piece.next - piece.end) as u32) }
    }

    /// The joint as text: the spaces, or a newline.
    pub fn to_text(self) -> String {
        match self {
            Self::Wrapped(blanks) => " ".repeat(blanks as usize),
            Self::LineEnd => "\n".into(),
        }
    }
}

impl StyledSpan {
    /// `[1]`, in a list of sources; the selected one is highlighted.
    pub fn source_number(number: u32, is_selected: bool) -> Self {
        let ink = if is_selected { TextStyle::SELECTED_CITATION } else { TextStyle::of(ColourRole::Accent) };
        Self::new(format!("[{number}]"), ink).with_citation(Some(CitationRef { number, annotation: None }))
    }

    pub fn new(text: impl Into<CompactString>, style: TextStyle) -> Self {
        Self { text: text.into(), style, extras: None }
    }

    /// A bullet, a box or a bar, which is copied as Markdown.
    pub fn marker(text: impl Into<CompactString>, style: TextStyle, markdown: &'static str) -> Self {
        let mut span = Self::new(text, style);
        span.extras.get_or_insert_default().markdown = Some(markdown);
        span
    }

    /// The same with other text.
    #[must_use]
    pub fn with_text(&self, text: impl Into<CompactString>) -> Self {
        Self { text: text.into(), style: self.style, extras: self.extras.clone() }
    }

    #[must_use]
    pub fn with_style(self, style: TextStyle) -> Self {
        Self { style, ..self }
    }

    #[must_use]
    pub fn with_link(mut self, link: Option<Arc<str>>) -> Self {
        if link.is_some() || self.extras.is_some() {
            self.extras.get_or_insert_default().link = link;
        }
        self
    }

    #[must_use]
    pub fn with_citation(mut self, citation: Option<CitationRef>) -> Self {
        if citation.is_some() || self.extras.is_some() {
            self.extras.get_or_insert_default().citation = citation;
        }
        self
    }

    /// The address that it opens.
    pub fn link(&self) -> Option<&Arc<str>> {
        self.extras.as_ref()?.link.as_ref()
    }

    /// What it cites.
    pub fn citation(&self) -> Option<CitationRef> {
        self.extras.as_ref()?.citation
    }

    /// The Markdown for a bullet, a box or a bar in the lead of a row; anything else is copied as it is.
    pub fn markdown(&self) -> Option<&'static str> {
        self.extras.as_ref()?.markdown
    }

    pub fn width(&self) -> usize {
        text::width(&self.text)
    }
}

impl MappedSpans {
    /// Text that shows a range of the source.
    pub fn new(span: StyledSpan, source: Range<usize>, kind: SourceKind) -> Self {
        let mut source_map = SourceMap::EMPTY;
        source_map.push(span.text.len(), source, kind);
        Self { spans: vec![span], source_map }
    }

    /// Appends decoration.
    pub fn push_inserted(&mut self, span: StyledSpan) {
        self.source_map.push_inserted(span.text.len());
        self.spans.push(span);
    }

    pub fn append(&mut self, mut other: Self) {
        self.source_map.append(&other.source_map);
        self.spans.append(&mut other.spans);
    }

    pub fn width(&self) -> usize {
        self.spans.iter().map(StyledSpan::width).sum()
    }
}

impl StyledRow {
    pub fn new(kind: RowKind, spans: Vec<StyledSpan>) -> Self {
        Self { spans, kind, ..Self::default() }
    }

    /// Wraps clean text, which is its own source.
    pub fn wrapped(text: &str, width: usize, kind: RowKind, style: TextStyle) -> Vec<Self> {
        let lines = wrap::wrap(text, wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] });
        let row = |line: wrap::WrappedLine| Self {
            join: LineJoin::after(&line),
            source: line.start..line.next,
            source_map: SourceMap::verbatim(line.start..line.end),
            ..Self::new(kind, vec![StyledSpan::new(&text[line.start..line.end], style)])
        };
        lines.into_iter().map(row).collect()
    }

    /// Whether the next row continues the same line.
    pub fn is_continued(&self) -> bool {
        self.join != LineJoin::LineEnd
    }

    /// Appends text that is not in the source.
    pub fn push_inserted(&mut self, span: StyledSpan) {
        self.source_map.push_inserted(span.text.len());
        self.spans.push(span);
    }

    pub fn blank() -> Self {
        Self { kind: RowKind::Blank, ..Self::default() }
    }

    pub fn width(&self) -> usize {
        self.spans.iter().map(StyledSpan::width).sum()
    }

    /// The full text of the row as it appears on the screen, lead included.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// The spans after the lead.
    pub fn content_spans(&self) -> &[StyledSpan] {
        self.spans.get(self.lead_spans..).unwrap_or_default()
    }

    /// The text of the row without its bars, bullets and indents.
    pub fn content(&self) -> String {
        self.content_spans().iter().map(|span| span.text.as_str()).collect()
    }

    /// Truncates the row to `width` cells, at a grapheme cluster.
    #[must_use]
    pub fn truncated(mut self, width: usize) -> Self {
        let mut room = width;
        for index in 0..self.spans.len() {
            let cells = self.spans[index].width();
            if cells > room {
                self.spans[index].text = text::truncate(&self.spans[index].text, room).into();
                self.spans.truncate(index + 1);
                self.truncate_source_map();
                break;
            }
            room -= cells;
        }
        self
    }

    /// Leaves out of the map what was cut off the text, in whose place is an ellipsis.
    fn truncate_source_map(&mut self) {
        let content = self.content();
        self.source_map = self.source_map.slice(0..content.trim_end_matches('…').len());
        if !self.source_map.is_empty() {
            self.source_map.push_inserted(content.len() - self.source_map.text_len());
        }
    }
}
