//! Code blocks: a header with the language and the key that copies them, then the lines, wrapped.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    text::{self, wrap},
    widgets::{
        highlight::Runs,
        row::{Ink, Row, RowKind, Span},
        theme::{Marks, Role},
    },
};

/// Cells of the bar and the space behind it, and of the margin at the right.
const BAR: usize = 2;
const MARGIN: usize = 1;

/// The row over a block.
pub(super) fn head(block: u32, language: &str, room: usize, marks: &Marks) -> Row {
    let key = format!("c{block}");
    let mut row = opened(room, marks, RowKind::CodeHead { block });
    let used = row.width();
    let right = "copy ".len() + key.len() + MARGIN;
    let language = text::truncate(language, room.saturating_sub(used)).into_owned();
    let left = used + text::width(&language);
    row.spans.push(Span::new(language, code(Role::Muted)));
    if left + GAP + right <= room {
        row.spans.push(Span::new(" ".repeat(room - left - right), code(Role::Text)));
        row.spans.push(Span::new("copy ", code(Role::Muted)));
        row.spans.push(Span::new(key, code(Role::Accent)));
    }
    row.lead = row.spans.len();
    row
}

const GAP: usize = 2;

/// The rows of one line from byte `from` of it on; `source` is where it stands, its end included.
pub(super) fn line(at: CodeAt, line: &str, runs: Option<&Runs>, room: usize, marks: &Marks) -> Vec<Row> {
    let CodeAt { block, line: number, from, source } = at;
    let lead = |wrapped: bool, from: usize| {
        let kind = RowKind::Code { block, line: number, from: from as u32 };
        let mut row = opened(room, marks, kind);
        if wrapped && room > BAR + MARGIN + 4 {
            row.spans.push(Span::new(format!("{} ", marks.wrapped), code(Role::Faint)));
        }
        row.lead = row.spans.len();
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
            row.soft = nth < last;
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
}

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
