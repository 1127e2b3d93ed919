//! Code blocks: a header with the language and the key that copies them, then the lines, wrapped.

use std::{collections::BTreeMap, ops::Range};

use super::{CodeLineMode, MarkdownOptions};
use crate::{
    render::{
        highlight::ColourRuns,
        row::{LineJoin, RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::SourceMap,
        theme::{ColourRole, ThemeMarks},
    },
    text::wrap,
};

/// The width of the bar and the space after it.
const BAR_WIDTH: usize = 2;
/// The width of the margin at the right.
const RIGHT_MARGIN: usize = 1;

/// The row above a code block, or the summary row of a diagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeHeader<'a> {
    pub block: u32,
    pub language: &'a str,
    /// Its figure number and summary, if it is a diagram.
    pub diagram: Option<(u32, DiagramSummary)>,
}

/// The kind of a diagram, and how many lines its source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiagramSummary {
    pub kind: &'static str,
    pub lines: usize,
}

/// The keys that open the code blocks, as the screen shows them; a digit chooses one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeKeys {
    bytes: [u8; 16],
    length: usize,
}

impl CodeKeys {
    /// Returns the keys, or none if they are too long to stand above a block.
    pub fn new(keys: &str) -> Self {
        let mut label = Self::default();
        if let Some(room) = label.bytes.get_mut(..keys.len()) {
            room.copy_from_slice(keys.as_bytes());
            label.length = keys.len();
        }
        label
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl CodeHeader<'_> {
    /// Whether the lines of the block are hidden.
    pub(crate) fn is_folded(self, options: &MarkdownOptions) -> bool {
        self.diagram.is_some() && !options.diagrams_open
    }

    pub(crate) fn to_row(self, room: usize, options: &MarkdownOptions) -> StyledRow {
        let marks = &options.marks;
        let key = match self.block {
            1..=9 if !options.code_keys.as_str().is_empty() => format!("{} {}", options.code_keys.as_str(), self.block),
            _ => options.code_keys.as_str().to_owned(),
        };
        let (diagram, is_folded) = (self.diagram.is_some(), self.is_folded(options));
        let mut row = bar_row(room, marks, RowKind::CodeHead { block: self.block, diagram, is_folded });
        let title = match self.diagram {
            None => vec![StyledSpan::new(self.language, on_surface(ColourRole::Muted))],
            Some((number, DiagramSummary { kind, lines })) => {
                let fold = if options.diagrams_open { marks.unfolded } else { marks.folded };
                let lines = format!("{lines} {}", if lines == 1 { "line" } else { "lines" });
                vec![
                    StyledSpan::new(format!("{fold} "), on_surface(ColourRole::Muted)),
                    StyledSpan::new(format!("Diagram {number}"), on_surface(ColourRole::Link)),
                    StyledSpan::new(format!("  {kind} {} {lines}", marks.dot), on_surface(ColourRole::Muted)),
                ]
            }
        };
        row.spans.extend(title);
        let mut row = row.truncated(room);
        let left = row.width();
        let label = if key.is_empty() { "copy" } else { "copy " };
        let right = label.len() + key.len() + RIGHT_MARGIN;
        if left + MIN_GAP + right <= room {
            row.spans.push(StyledSpan::new(" ".repeat(room - left - right), on_surface(ColourRole::Text)));
            row.spans.push(StyledSpan::new(label, on_surface(ColourRole::Muted)));
            row.spans.push(StyledSpan::new(key, on_surface(ColourRole::Accent)));
        }
        row.lead_spans = row.spans.len();
        row
    }
}

const MIN_GAP: usize = 2;

/// How many bytes of a diagram are searched for its kind.
pub(crate) const DIAGRAM_KIND_BYTES: usize = 2000;

/// Returns the kind of a diagram, by the first word of its source.
pub(crate) fn diagram_kind(source: &str) -> &'static str {
    let lines = source.lines().take(40).map(str::trim);
    let mut words =
        lines.filter(|line| !line.is_empty() && !line.starts_with("%%") && !line.contains(':') && *line != "---");
    match words.next().and_then(|line| line.split([' ', ';', '-']).next()).unwrap_or("") {
        "graph" | "flowchart" => "flowchart",
        "sequenceDiagram" => "sequence diagram",
        "classDiagram" => "class diagram",
        "stateDiagram" => "state diagram",
        "erDiagram" => "entity diagram",
        "gantt" => "gantt chart",
        "pie" => "pie chart",
        "journey" => "journey",
        "gitGraph" => "git graph",
        "mindmap" => "mind map",
        "timeline" => "timeline",
        "quadrantChart" => "quadrant chart",
        "xychart" => "chart",
        _ => "mermaid",
    }
}

/// The maximum width of a row of code that scrolls sideways; a longer line continues on the next row.
const MAX_SCROLLED_WIDTH: usize = 1000;

/// Returns the rows of one line of code, from the given byte of the line on.
pub(crate) fn code_line_rows(
    pos: CodeLinePos,
    line: &str,
    runs: Option<&ColourRuns>,
    room: usize,
    options: &MarkdownOptions,
) -> Vec<StyledRow> {
    let CodeLinePos { block, line: number, start: from, source, source_map, scroll_offset: shift } = pos;
    let marks = &options.marks;
    let room = match options.code_lines {
        CodeLineMode::Wrapped => room,
        CodeLineMode::Scrolled => MAX_SCROLLED_WIDTH.max(room),
    };
    let lead = |wrapped: bool, from: usize| {
        let kind = RowKind::Code { block, line: number, from: from as u32 };
        let mut row = bar_row(room, marks, kind);
        if wrapped && room > BAR_WIDTH + RIGHT_MARGIN + 4 {
            row.spans.push(StyledSpan::new(format!("{} ", marks.wrapped), on_surface(ColourRole::Faint)));
        }
        row.lead_spans = row.spans.len();
        row.scrolled_cells = shift;
        row
    };
    let first = room.saturating_sub(lead(from > 0, 0).width() + RIGHT_MARGIN).max(1);
    let rest = room.saturating_sub(lead(true, 0).width() + RIGHT_MARGIN).max(1);
    let pieces = wrap::wrap(line, wrap::WrapOptions { first_width: first, rest_width: rest, glued: &[] });
    let last = pieces.len() - 1;
    pieces
        .into_iter()
        .enumerate()
        .map(|(nth, piece)| {
            let start = from + piece.start;
            let mut row = lead(from > 0 || nth > 0, start);
            row.spans.extend(colour_spans(&line[piece.start..piece.end], start, runs));
            if nth < last {
                row.join = LineJoin::Wrapped((piece.next - piece.end) as u32);
            }
            let end = if nth < last { source.start + piece.next } else { source.end };
            row.source = (source.start + piece.start).min(source.end)..end.min(source.end);
            row.source_map = source_map.slice(piece.start..piece.end);
            row
        })
        .collect()
}

/// A line of code: its block, its number in the block, how much of it is already laid out, and its source including
/// the line end.
#[derive(Debug, Clone)]
pub(crate) struct CodeLinePos {
    pub block: u32,
    pub line: u32,
    pub start: usize,
    pub source: Range<usize>,
    /// The source of each piece of it.
    pub source_map: SourceMap,
    /// How many cells its block is scrolled sideways.
    pub scroll_offset: usize,
}

/// How many cells of each block are scrolled out of view at the left.
pub(crate) type ScrollOffsets = BTreeMap<u32, usize>;

/// The known colours of the lines of each block.
pub(crate) type CodeColours = BTreeMap<u32, Vec<ColourRuns>>;

/// Returns the colours of a line if they belong to this text.
pub(crate) fn known_colours<'a>(colours: &'a CodeColours, block: u32, line: u32, text: &str) -> Option<&'a ColourRuns> {
    let runs = colours.get(&block)?.get(line as usize)?;
    (runs.iter().map(|(length, _)| length).sum::<usize>() == text.len()).then_some(runs)
}

/// Colours a row of code that is already laid out.
pub(crate) fn repaint(row: &mut StyledRow, runs: &ColourRuns) {
    let RowKind::Code { from, .. } = row.kind else { return };
    let text: String = row.spans.drain(row.lead_spans..).map(|span| span.text).collect();
    row.spans.extend(colour_spans(&text, from as usize, Some(runs)));
}

/// Splits a piece of a line into spans of one colour; the piece begins at byte `from` of the line.
fn colour_spans(piece: &str, from: usize, runs: Option<&ColourRuns>) -> Vec<StyledSpan> {
    let mut spans: Vec<StyledSpan> = Vec::new();
    let mut run_end = 0;
    let mut done = 0;
    for &(length, role) in runs.into_iter().flatten() {
        run_end += length;
        let Some(end) = run_end.checked_sub(from).map(|end| end.min(piece.len())) else { continue };
        if end > done && piece.is_char_boundary(end) {
            match spans.last_mut() {
                Some(last) if last.style.role == role => last.text.push_str(&piece[done..end]),
                _ => spans.push(StyledSpan::new(&piece[done..end], on_surface(role))),
            }
            done = end;
        }
    }
    if done < piece.len() {
        spans.push(StyledSpan::new(&piece[done..], on_surface(ColourRole::Text)));
    }
    spans
}

fn bar_row(room: usize, marks: &ThemeMarks, kind: RowKind) -> StyledRow {
    let bar = if room > BAR_WIDTH + RIGHT_MARGIN {
        vec![StyledSpan::new(format!("{} ", marks.code_bar), on_surface(ColourRole::Faint))]
    } else {
        Vec::new()
    };
    StyledRow { background: Some(ColourRole::Surface), lead_spans: bar.len(), ..StyledRow::new(kind, bar) }
}

fn on_surface(role: ColourRole) -> TextStyle {
    TextStyle::of(role).on_background(ColourRole::Surface)
}
