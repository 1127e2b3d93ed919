//! Where the letters of a row stand on the screen, and what stands in a cell.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Row, Span};
use crate::text::{self, bidi};

/// A row as it is seen: its clusters from the left edge on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    clusters: Vec<Cluster>,
    /// Of the words, in bytes.
    length: usize,
    /// Cells left of the words.
    lead: usize,
    rtl: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cluster {
    words: Range<usize>,
    cells: Range<usize>,
}

impl Row {
    /// The row as `draw` paints it in so many cells; `reorder` as the theme has it.
    pub fn seen(&self, width: usize, reorder: bool) -> Seen {
        let (lead, words) = self.spans.split_at(self.lead.min(self.spans.len()));
        let lead: usize = lead.iter().map(Span::width).sum();
        let said: String = words.iter().map(|span| span.text.as_str()).collect();
        let cluster = |at: usize| said[at..].graphemes(true).next().unwrap_or("");
        let (order, left, shift, rtl) = match self.seen_order(words, reorder) {
            Some(order) => {
                let cells: usize = words.iter().map(Span::width).sum();
                let left = if self.is_set_right() { width.saturating_sub(cells).max(lead) } else { lead };
                (order.into_iter().map(|seen| seen.at).collect(), left, 0, self.rtl)
            }
            None => (said.grapheme_indices(true).map(|(at, _)| at).collect::<Vec<_>>(), lead, self.shift, false),
        };
        let mut clusters = Vec::with_capacity(order.len());
        let mut before = 0;
        for at in order {
            let (length, cells) = (cluster(at).len(), text::cluster_width(cluster(at)));
            // What is scrolled out of sight at the left is not seen.
            if before >= shift && cells > 0 {
                let cell = left + before - shift;
                clusters.push(Cluster { words: at..at + length, cells: cell..cell + cells });
            }
            before += cells;
        }
        Seen { clusters, length: said.len(), lead, rtl }
    }

    /// The order in which the clusters are seen, where that is not the order in which they are read.
    pub(super) fn seen_order(&self, words: &[Span], reorder: bool) -> Option<Vec<bidi::Seen>> {
        if !reorder || !words.iter().any(|span| bidi::is_needed(&span.text)) {
            return None;
        }
        let text: String = words.iter().map(|span| span.text.as_str()).collect();
        Some(bidi::order(&text, self.rtl))
    }

    /// What is read from the right begins at the right.
    pub(super) fn is_set_right(&self) -> bool {
        self.rtl && self.lead == 0
    }
}

impl Seen {
    /// The letter in a cell; beyond the words their beginning or their end, whichever is on that side.
    pub fn byte_at(&self, cell: usize) -> usize {
        let (left, right) = if self.rtl { (self.length, 0) } else { (0, self.length) };
        match self.clusters.iter().find(|cluster| cell < cluster.cells.end) {
            None => right,
            Some(_) if cell < self.lead => left,
            Some(first) if cell < first.cells.start => left,
            Some(cluster) => cluster.words.start,
        }
    }

    /// The cell in which a letter stands, or the one behind the last.
    pub fn cell_of(&self, byte: usize) -> usize {
        let here = self.clusters.iter().find(|cluster| cluster.words.contains(&byte));
        let edge = |cell: Option<usize>| cell.unwrap_or(self.lead);
        match here {
            Some(cluster) => cluster.cells.start,
            None if byte >= self.length && !self.rtl => edge(self.clusters.last().map(|last| last.cells.end)),
            // Behind what is read from the right, and left of what is scrolled out of sight.
            None => edge(self.clusters.first().map(|first| first.cells.start)),
        }
    }

    /// The cells in which some of the words stand, from left to right.
    pub fn cells(&self, words: &Range<usize>) -> Vec<Range<usize>> {
        let mut cells: Vec<Range<usize>> = Vec::new();
        for cluster in self.clusters.iter().filter(|it| it.words.start < words.end && words.start < it.words.end) {
            match cells.last_mut().filter(|last| last.end == cluster.cells.start) {
                Some(last) => last.end = cluster.cells.end,
                None => cells.push(cluster.cells.clone()),
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{buffer::Buffer, layout::Rect};

    use super::*;
    use crate::widgets::{
        row::{Ink, RowKind},
        theme::{Role, Theme},
    };

    fn row(text: &str, rtl: bool) -> Row {
        Row { rtl, ..Row::new(RowKind::Text, vec![Span::new(text, Ink::of(Role::Text))]) }
    }

    #[test]
    fn letters_stand_where_they_are_seen() {
        let text = "a שלום b";
        let seen = row(text, false).seen(20, true);
        // a םולש b
        let at = |letter| text.find(letter).expect("a letter of the text");
        assert_eq!((seen.byte_at(2), seen.byte_at(5)), (at('ם'), at('ש')));
        assert_eq!((seen.cell_of(at('ש')), seen.cell_of(at('ם')), seen.cell_of(at('b'))), (5, 2, 7));
        assert_eq!(seen.cells(&(0..at('ל'))), [0..2, 5..6], "what is read on is seen apart");
        assert_eq!((seen.byte_at(19), seen.cell_of(text.len())), (text.len(), 8));
        let seen = row(text, true).seen(20, true);
        assert_eq!((seen.byte_at(19), seen.byte_at(0)), (0, text.len()), "it begins at the right");
        let plain = row(text, false).seen(20, false);
        assert_eq!((plain.byte_at(2), plain.cells(&(0..at('ל'))).last()), (at('ש'), Some(&(0..3))));
    }

    #[test]
    fn what_is_scrolled_sideways_is_counted_from_what_is_seen() {
        let spans = vec![Span::new("▏ ", Ink::of(Role::Faint)), Span::new("let 日本 = 1;", Ink::of(Role::Text))];
        let row = Row { lead: 1, shift: 5, ..Row::new(RowKind::Code { block: 1, line: 0, from: 0 }, spans) };
        let seen = row.seen(12, true);
        // Half of the first ideograph is out of sight.
        assert_eq!((seen.byte_at(3), seen.byte_at(4), seen.byte_at(5)), (7, 7, 10));
        assert_eq!((seen.cell_of(7), seen.cells(&(0..11)).last()), (3, Some(&(3..6))));
    }

    proptest! {
        #[test]
        fn a_letter_is_in_the_cell_that_it_is_painted_in(text in r"[a-z0-9 ().שלוםمرحبا日\u{301}]{0,24}", rtl in any::<bool>(), reorder in any::<bool>()) {
            let mut theme = Theme::default();
            theme.painting.reorder = reorder;
            let row = row(&text, rtl);
            let mut buf = Buffer::empty(Rect::new(0, 0, 60, 1));
            row.draw(buf.area, &theme, &mut buf);
            let seen = row.seen(60, reorder);
            for (at, cluster) in text.grapheme_indices(true).filter(|(_, cluster)| text::cluster_width(cluster) > 0) {
                let cell = seen.cell_of(at);
                prop_assert_eq!(seen.byte_at(cell), at);
                let painted = buf[(cell as u16, 0)].symbol();
                let is_bracket = matches!(cluster, "(" | ")") && matches!(painted, "(" | ")");
                prop_assert!(painted == cluster || is_bracket, "{painted:?} for {cluster:?} of {text:?}");
            }
        }
    }
}
