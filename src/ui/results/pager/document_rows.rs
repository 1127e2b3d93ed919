//! The wrapped rows of a document. Each is a range of the text, so that a long document needs little memory.

use super::page::{PagerDocument, PagerLineKind};
use crate::text::{
    self,
    wrap::{WrapOptions, wrap},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PagerRow {
    pub start: usize,
    pub end: usize,
    pub kind: PagerLineKind,
    /// Whether the row is the first of its line.
    pub is_line_start: bool,
}

/// Longer lines are cut at the edge, not between words. In bytes.
const MAX_WRAPPED_BYTES: usize = 4096;

/// The most rows of a document, more than anybody reads; the rest is not shown.
const MAX_ROWS: usize = 1 << 20;

pub(super) fn lay_out(document: &PagerDocument, width: usize) -> Vec<PagerRow> {
    let width = width.max(1);
    let mut rows = Vec::new();
    let mut piece_start = 0;
    for &(end, kind) in &document.line_kinds {
        let mut offset = piece_start;
        for line in document.text[piece_start..end].split_inclusive('\n') {
            let first = rows.len();
            push_wrapped(&mut rows, offset, line.trim_end_matches('\n'), kind, width);
            if let Some(row) = rows.get_mut(first) {
                row.is_line_start = true;
            }
            offset += line.len();
            if rows.len() >= MAX_ROWS {
                rows.truncate(MAX_ROWS);
                return rows;
            }
        }
        piece_start = end;
    }
    rows
}

/// Wraps a line between words, or a very long one at the exact width.
fn push_wrapped(rows: &mut Vec<PagerRow>, offset: usize, line: &str, kind: PagerLineKind, width: usize) {
    let mut add = |start: usize, end: usize| {
        rows.push(PagerRow { start: offset + start, end: offset + end, kind, is_line_start: false });
    };
    if text::width(line) <= width {
        add(0, line.len());
        return;
    }
    if line.len() <= MAX_WRAPPED_BYTES {
        for piece in wrap(line, WrapOptions { first_width: width, rest_width: width, glued: &[] }) {
            add(piece.start, piece.end);
        }
        return;
    }
    let mut from = 0;
    while from < line.len() {
        let rest = &line[from..];
        let room = match text::prefix_len(rest, width) {
            0 => text::clusters(rest).next().map_or(rest.len(), str::len),
            room => room,
        };
        add(from, from + room);
        from += room;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document_of(text: &str) -> PagerDocument {
        let text = format!("{text}\n");
        PagerDocument { title: String::new(), line_kinds: vec![(text.len(), PagerLineKind::Text)], text }
    }

    fn wrapped_texts(text: &str, width: usize) -> Vec<String> {
        let page = document_of(text);
        lay_out(&page, width).into_iter().map(|row| page.text[row.start..row.end].to_owned()).collect()
    }

    #[test]
    fn lines_break_between_words_where_possible() {
        assert_eq!(wrapped_texts("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
        let long = "x".repeat(10_000);
        assert_eq!(wrapped_texts(&long, 4000).iter().map(String::len).collect::<Vec<_>>(), [4000, 4000, 2000]);
        assert_eq!(wrapped_texts(&"日".repeat(2000), 5)[0], "日日");
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_text_and_no_row_is_too_wide(
            text in "([a-z日é 👩‍👩‍👧]{0,30}\n){0,4}[a-z ]{0,20}", long in 0usize..2, width in 2usize..30
        ) {
            let text = text + &"ab 日".repeat(long * 1000);
            let shown = wrapped_texts(&text, width);
            prop_assert!(shown.iter().all(|row| text::width(row) <= width));
            let letters = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&shown.concat()), letters(&text));
        }
    }
}
