//! A page in rows of some width: where each begins and ends in the text, so that a long one takes little room.

use super::page::{Kind, Page};
use crate::text::{
    self,
    wrap::{Measure, wrap},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    /// It is the first of its line.
    pub begins: bool,
}

/// Lines that are longer are cut at the edge: no words are looked for in them.
const WRAPPED: usize = 4096;

/// More rows than anybody reads; of a page that has more the rest is not shown.
const MOST: usize = 1 << 20;

pub fn lay_out(page: &Page, width: usize) -> Vec<Row> {
    let width = width.max(1);
    let mut rows = Vec::new();
    let mut begin = 0;
    for &(end, kind) in &page.pieces {
        let mut at = begin;
        for line in page.text[begin..end].split_inclusive('\n') {
            let first = rows.len();
            fold(&mut rows, at, line.trim_end_matches('\n'), kind, width);
            if let Some(row) = rows.get_mut(first) {
                row.begins = true;
            }
            at += line.len();
            if rows.len() >= MOST {
                rows.truncate(MOST);
                return rows;
            }
        }
        begin = end;
    }
    rows
}

/// One line in rows: between words, and a very long one wherever its room ends.
fn fold(rows: &mut Vec<Row>, at: usize, line: &str, kind: Kind, width: usize) {
    let mut add = |start: usize, end: usize| rows.push(Row { start: at + start, end: at + end, kind, begins: false });
    if text::width(line) <= width {
        add(0, line.len());
        return;
    }
    if line.len() <= WRAPPED {
        for piece in wrap(line, Measure { first: width, rest: width, glued: &[] }) {
            add(piece.start, piece.end);
        }
        return;
    }
    let mut from = 0;
    while from < line.len() {
        let rest = &line[from..];
        let room = match text::prefix(rest, width) {
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

    fn page(text: &str) -> Page {
        let text = format!("{text}\n");
        Page { title: String::new(), pieces: vec![(text.len(), Kind::Text)], text }
    }

    fn rows(text: &str, width: usize) -> Vec<String> {
        let page = page(text);
        lay_out(&page, width).into_iter().map(|row| page.text[row.start..row.end].to_owned()).collect()
    }

    #[test]
    fn words_stay_whole_where_there_are_any() {
        assert_eq!(rows("one two three\n\nfour", 8), ["one two", "three", "", "four"]);
        let long = "x".repeat(10_000);
        assert_eq!(rows(&long, 4000).iter().map(String::len).collect::<Vec<_>>(), [4000, 4000, 2000]);
        assert_eq!(rows(&"日".repeat(2000), 5)[0], "日日");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_wide(
            text in "([a-z日é 👩‍👩‍👧]{0,30}\n){0,4}[a-z ]{0,20}", long in 0usize..2, width in 2usize..30
        ) {
            let text = text + &"ab 日".repeat(long * 1000);
            let shown = rows(&text, width);
            prop_assert!(shown.iter().all(|row| text::width(row) <= width));
            let letters = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&shown.concat()), letters(&text));
        }
    }
}
