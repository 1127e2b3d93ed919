//! Code blocks: a header with the language and the key that copies them, then the lines, wrapped.

use std::{collections::BTreeMap, ops::Range};

use super::{CodeLines, Look};
use crate::{
    text::wrap,
    widgets::{
        highlight::Runs,
        row::{Ink, Joint, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

/// Cells of the bar and the space behind it, and of the margin at the right.
const BAR: usize = 2;
const MARGIN: usize = 1;

/// The row over a block of code, or the row that tells of a diagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub block: u32,
    pub language: &'a str,
    /// Its number among the figures.
    pub diagram: Option<(u32, Diagram)>,
}

/// What a diagram draws, and how long its source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Diagram {
    pub kind: &'static str,
    pub lines: usize,
}

impl Head<'_> {
    /// Whether the lines of the block are not shown.
    pub fn is_folded(&self, look: &Look) -> bool {
        self.diagram.is_some() && !look.diagrams_open
    }

    pub fn row(&self, room: usize, look: &Look) -> Row {
        let marks = &look.marks;
        let key = format!("c{}", self.block);
        let mut row = opened(room, marks, RowKind::CodeHead { block: self.block, diagram: self.diagram.is_some() });
        let title = match self.diagram {
            None => vec![Span::new(self.language, code(Role::Muted))],
            Some((number, Diagram { kind, lines })) => {
                let fold = if look.diagrams_open { marks.open } else { marks.folded };
                let lines = format!("{lines} {}", if lines == 1 { "line" } else { "lines" });
                vec![
                    Span::new(format!("{fold} "), code(Role::Muted)),
                    Span::new(format!("Diagram {number}"), code(Role::Link)),
                    Span::new(format!("  {kind} {} {lines}", marks.dot), code(Role::Muted)),
                ]
            }
        };
        row.spans.extend(title);
        let mut row = row.cut(room);
        let left = row.width();
        let right = "copy ".len() + key.len() + MARGIN;
        if left + GAP + right <= room {
            row.spans.push(Span::new(" ".repeat(room - left - right), code(Role::Text)));
            row.spans.push(Span::new("copy ", code(Role::Muted)));
            row.spans.push(Span::new(key, code(Role::Accent)));
        }
        row.lead = row.spans.len();
        row
    }
}

const GAP: usize = 2;

/// How much of a diagram tells what it draws.
pub(super) const DIAGRAM: usize = 2000;

/// What a diagram draws, by the word that its source begins with.
pub(super) fn diagram_kind(source: &str) -> &'static str {
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

/// A row of code that is scrolled sideways is at most this wide; what is longer goes on in the next.
const SCROLLED: usize = 1000;

/// The rows of one line from byte `from` of it on; `source` is where it stands, its end included.
pub(super) fn line(at: CodeAt, line: &str, runs: Option<&Runs>, room: usize, look: &Look) -> Vec<Row> {
    let CodeAt { block, line: number, from, source, shift } = at;
    let marks = &look.marks;
    let room = match look.code {
        CodeLines::Wrapped => room,
        CodeLines::Scrolled => SCROLLED.max(room),
    };
    let lead = |wrapped: bool, from: usize| {
        let kind = RowKind::Code { block, line: number, from: from as u32 };
        let mut row = opened(room, marks, kind);
        if wrapped && room > BAR + MARGIN + 4 {
            row.spans.push(Span::new(format!("{} ", marks.wrapped), code(Role::Faint)));
        }
        row.lead = row.spans.len();
        row.shift = shift;
        row
    };
    let first = room.saturating_sub(lead(from > 0, 0).width() + MARGIN).max(1);
    let rest = room.saturating_sub(lead(true, 0).width() + MARGIN).max(1);
    let pieces = wrap::wrap(line, wrap::Measure { first, rest, glued: &[] });
    let last = pieces.len() - 1;
    pieces
        .into_iter()
        .enumerate()
        .map(|(nth, piece)| {
            let start = from + piece.start;
            let mut row = lead(from > 0 || nth > 0, start);
            row.spans.extend(coloured(&line[piece.start..piece.end], start, runs));
            if nth < last {
                row.joint = Joint::Blanks((piece.next - piece.end) as u32);
            }
            let end = if nth < last { source.start + piece.next } else { source.end };
            row.source = (source.start + piece.start).min(source.end)..end.min(source.end);
            row
        })
        .collect()
}

/// Which line of code: its block, its number in it, how much of it is laid out already, its source.
#[derive(Debug, Clone)]
pub(super) struct CodeAt {
    pub block: u32,
    pub line: u32,
    pub from: usize,
    pub source: Range<usize>,
    /// How far its block is scrolled sideways.
    pub shift: usize,
}

/// How many cells of each block are scrolled out of sight at the left.
pub(super) type Shifts = BTreeMap<u32, usize>;

/// The colours of the lines of each block, as far as they are known.
pub(super) type Colours = BTreeMap<u32, Vec<Runs>>;

/// The colours of a line, if they are those of this text.
pub(super) fn known<'a>(colours: &'a Colours, block: u32, line: u32, text: &str) -> Option<&'a Runs> {
    let runs = colours.get(&block)?.get(line as usize)?;
    (runs.iter().map(|(length, _)| length).sum::<usize>() == text.len()).then_some(runs)
}

/// Colours a row of code that stands already.
pub(super) fn repaint(row: &mut Row, runs: &Runs) {
    let RowKind::Code { from, .. } = row.kind else { return };
    let text: String = row.spans.drain(row.lead..).map(|span| span.text).collect();
    row.spans.extend(coloured(&text, from as usize, Some(runs)));
}

/// A piece of a line that begins at byte `from` of it, cut at the runs of one colour.
fn coloured(piece: &str, from: usize, runs: Option<&Runs>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut at = 0;
    let mut done = 0;
    for &(length, role) in runs.into_iter().flatten() {
        at += length;
        let Some(end) = at.checked_sub(from).map(|end| end.min(piece.len())) else { continue };
        if end > done && piece.is_char_boundary(end) {
            match spans.last_mut() {
                Some(last) if last.ink.role == role => last.text.push_str(&piece[done..end]),
                _ => spans.push(Span::new(&piece[done..end], code(role))),
            }
            done = end;
        }
    }
    if done < piece.len() {
        spans.push(Span::new(&piece[done..], code(Role::Text)));
    }
    spans
}

fn opened(room: usize, marks: &Marks, kind: RowKind) -> Row {
    let bar =
        if room > BAR + MARGIN { vec![Span::new(format!("{} ", marks.code), code(Role::Faint))] } else { Vec::new() };
    Row { fill: Some(Role::Surface), lead: bar.len(), ..Row::new(kind, bar) }
}

fn code(role: Role) -> Ink {
    Ink::of(role).on(Role::Surface)
}
