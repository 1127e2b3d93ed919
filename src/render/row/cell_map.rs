//! Maps between the bytes of a row's text and the cells of the screen.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{RowKind, StyledRow, StyledSpan};
use crate::text::{self, bidi};

/// The visible clusters of a row, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellMap {
    clusters: Vec<ClusterCells>,
    /// The length of the text in bytes.
    text_len: usize,
    /// The number of cells to the left of the text.
    lead_cells: usize,
    is_rtl: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ClusterCells {
    bytes: Range<usize>,
    cells: Range<usize>,
}

/// The side of the lead of a right-to-left row, whose text begins at the right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RtlLead {
    /// A bar goes through the rows of a quotation, whatever their direction.
    Left,
    /// Bullets and numbers stand before the text.
    Right,
}

impl StyledRow {
    /// The cells of the row as `draw` paints it at a width; `reorder` is the theme's setting.
    pub fn cell_map(&self, width: usize, reorder: bool) -> CellMap {
        let (lead, words) = self.spans.split_at(self.lead_spans.min(self.spans.len()));
        let lead: usize = lead.iter().map(StyledSpan::width).sum();
        let row_text: String = words.iter().map(|span| span.text.as_str()).collect();
        let cluster = |at: usize| row_text[at..].graphemes(true).next().unwrap_or("");
        let (order, first_cell, shift, rtl) = match self.visual_order(words, reorder) {
            Some(order) => {
                let cells: usize = words.iter().map(StyledSpan::width).sum();
                let left = match self.rtl_lead() {
                    _ if !self.is_rtl => lead,
                    RtlLead::Left => width.saturating_sub(cells).max(lead),
                    RtlLead::Right => width.saturating_sub(cells + lead),
                };
                (order.into_iter().map(|seen| seen.offset).collect(), left, 0, self.is_rtl)
            }
            None => (
                row_text.grapheme_indices(true).map(|(at, _)| at).collect::<Vec<_>>(),
                lead,
                self.scrolled_cells,
                false,
            ),
        };
        let mut clusters = Vec::with_capacity(order.len());
        let mut cells_before = 0;
        for at in order {
            let (length, cells) = (cluster(at).len(), text::cluster_width(cluster(at)));
            // Clusters scrolled off at the left are not visible.
            if cells_before >= shift && cells > 0 {
                let cell = first_cell + cells_before - shift;
                clusters.push(ClusterCells { bytes: at..at + length, cells: cell..cell + cells });
            }
            cells_before += cells;
        }
        let lead_cells = if rtl && self.rtl_lead() == RtlLead::Right { 0 } else { lead };
        CellMap { clusters, text_len: row_text.len(), lead_cells, is_rtl: rtl }
    }

    /// The visual order of the clusters, if it differs from the reading order.
    pub(crate) fn visual_order(&self, words: &[StyledSpan], reorder: bool) -> Option<Vec<bidi::VisualCluster>> {
        if !reorder || !self.is_rtl && !words.iter().any(|span| bidi::is_needed(&span.text)) {
            return None;
        }
        let text: String = words.iter().map(|span| span.text.as_str()).collect();
        Some(bidi::visual_order(&text, self.is_rtl))
    }

    /// Where the lead of a right-to-left row stands.
    pub(crate) fn rtl_lead(&self) -> RtlLead {
        if self.kind == RowKind::Text { RtlLead::Right } else { RtlLead::Left }
    }
}

impl CellMap {
    /// The byte offset of the cluster in a cell; beyond the text, its start or its end, whichever is on that side.
    pub fn byte_at(&self, cell: usize) -> usize {
        let (left, right) = if self.is_rtl { (self.text_len, 0) } else { (0, self.text_len) };
        match self.clusters.iter().find(|cluster| cell < cluster.cells.end) {
            None => right,
            Some(_) if cell < self.lead_cells => left,
            Some(first) if cell < first.cells.start => left,
            Some(cluster) => cluster.bytes.start,
        }
    }

    /// The cell of the cluster at a byte offset, or the one after the last.
    pub fn cell_of(&self, byte: usize) -> usize {
        let here = self.clusters.iter().find(|cluster| cluster.bytes.contains(&byte));
        let edge = |cell: Option<usize>| cell.unwrap_or(self.lead_cells);
        match here {
            Some(cluster) => cluster.cells.start,
            None if byte >= self.text_len && !self.is_rtl => edge(self.clusters.last().map(|last| last.cells.end)),
            // At the end of right-to-left text, or scrolled off at the left.
            None => edge(self.clusters.first().map(|first| first.cells.start)),
        }
    }

    /// The cells of a byte range of the text, from left to right.
    pub fn cells(&self, words: &Range<usize>) -> Vec<Range<usize>> {
        let mut cells: Vec<Range<usize>> = Vec::new();
        for cluster in self.clusters.iter().filter(|it| it.bytes.start < words.end && words.start < it.bytes.end) {
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
    use crate::render::{
        row::TextStyle,
        theme::{ColourRole, Theme},
    };

    fn row(text: &str, rtl: bool) -> StyledRow {
        StyledRow {
            is_rtl: rtl,
            ..StyledRow::new(RowKind::Text, vec![StyledSpan::new(text, TextStyle::of(ColourRole::Text))])
        }
    }

    #[test]
    fn reordered_text_maps_between_bytes_and_cells() {
        let text = "a שלום b";
        let seen = row(text, false).cell_map(20, true);
        // a םולש b
        let at = |letter| text.find(letter).expect("a letter of the text");
        assert_eq!((seen.byte_at(2), seen.byte_at(5)), (at('ם'), at('ש')));
        assert_eq!((seen.cell_of(at('ש')), seen.cell_of(at('ם')), seen.cell_of(at('b'))), (5, 2, 7));
        assert_eq!(seen.cells(&(0..at('ל'))), [0..2, 5..6], "a range may be split on the screen");
        assert_eq!((seen.byte_at(19), seen.cell_of(text.len())), (text.len(), 8));
        let seen = row(text, true).cell_map(20, true);
        assert_eq!((seen.byte_at(19), seen.byte_at(0)), (0, text.len()), "right-to-left text begins at the right");
        let mut item = row("שלום", true);
        item.spans.insert(0, StyledSpan::new("1. ", TextStyle::of(ColourRole::Accent)));
        item.lead_spans = 1;
        let seen = item.cell_map(20, true);
        assert_eq!((seen.cell_of(0), seen.byte_at(19), seen.byte_at(0)), (16, 0, "שלום".len()), "so does its number");
        let plain = row(text, false).cell_map(20, false);
        assert_eq!((plain.byte_at(2), plain.cells(&(0..at('ל'))).last()), (at('ש'), Some(&(0..3))));
    }

    #[test]
    fn scrolled_code_maps_only_its_visible_cells() {
        let spans = vec![
            StyledSpan::new("▏ ", TextStyle::of(ColourRole::Faint)),
            StyledSpan::new("let 日本 = 1;", TextStyle::of(ColourRole::Text)),
        ];
        let row = StyledRow {
            lead_spans: 1,
            scrolled_cells: 5,
            ..StyledRow::new(RowKind::Code { block: 1, line: 0, from: 0 }, spans)
        };
        let seen = row.cell_map(12, true);
        // The first ideograph is half scrolled off.
        assert_eq!((seen.byte_at(3), seen.byte_at(4), seen.byte_at(5)), (7, 7, 10));
        assert_eq!((seen.cell_of(7), seen.cells(&(0..11)).last()), (3, Some(&(3..6))));
    }

    proptest! {
        #[test]
        fn each_cluster_maps_to_the_cell_where_it_is_painted(text in r"[a-z0-9 ().שלוםمرحبا日\u{301}]{0,24}", rtl in any::<bool>(), reorder in any::<bool>()) {
            let mut theme = Theme::default();
            theme.rendering.reorders_rtl = reorder;
            let row = row(&text, rtl);
            let mut buf = Buffer::empty(Rect::new(0, 0, 60, 1));
            row.draw(buf.area, &theme, &mut buf);
            let seen = row.cell_map(60, reorder);
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
