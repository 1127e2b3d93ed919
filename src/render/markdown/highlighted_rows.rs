//! The highlighted citation in a block that is too long to be laid out again: only the rows of its claim change.

use std::ops::Range;

use super::{ClosedBlock, MAX_OPEN_BLOCK, MarkdownLayout};
use crate::{
    citations::annotations::HighlightedCitation,
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        source_map::{SourceKind, SourceRun},
        theme::ColourRole,
    },
};

/// A row as it is without the highlight.
#[derive(Debug, Clone)]
pub(crate) struct UnlitRow {
    index: usize,
    row: StyledRow,
}

/// The rows of a longer claim are not all highlighted.
const MAX_LIT_ROWS: usize = 2048;

impl ClosedBlock {
    /// Whether to lay it out again takes too long for a frame.
    pub(super) fn is_long(&self) -> bool {
        self.source.len() > MAX_OPEN_BLOCK
    }
}

impl MarkdownLayout {
    /// Takes the highlight from the rows of long blocks.
    pub(super) fn unlight_rows(&mut self) {
        for unlit in std::mem::take(&mut self.unlit_rows) {
            if let Some(row) = self.rows.get_mut(unlit.index) {
                *row = unlit.row;
            }
        }
    }

    /// Highlights the citation in the rows of long blocks.
    pub(super) fn light_rows(&mut self) {
        let Some(lit) = self.highlighted.clone() else { return };
        let touched = self.highlight_range(&lit);
        let blocks = self.blocks.partition_point(|block| block.source.end <= touched.start);
        for nth in blocks..self.blocks.len() {
            let (block, next) = (&self.blocks[nth], self.blocks.get(nth + 1));
            if block.source.start >= touched.end {
                break;
            }
            if block.is_long() {
                let rows = block.first_row..next.map_or(self.closed.rows, |next| next.first_row);
                self.light_rows_in(rows, &touched, &lit);
            }
        }
    }

    fn light_rows_in(&mut self, block: Range<usize>, touched: &Range<usize>, lit: &HighlightedCitation) {
        let rows = self.rows.get(block.clone()).unwrap_or_default();
        let first = block.start + rows.partition_point(|row| row.source.end <= touched.start);
        for index in first..block.end.min(first + MAX_LIT_ROWS) {
            if self.rows[index].source.start >= touched.end {
                break;
            }
            let row = lit_row(&self.rows[index], lit);
            if row != self.rows[index] {
                let row = std::mem::replace(&mut self.rows[index], row);
                self.unlit_rows.push(UnlitRow { index, row });
            }
        }
    }
}

/// Returns a row with the mark of the citation and its claim highlighted.
fn lit_row(row: &StyledRow, lit: &HighlightedCitation) -> StyledRow {
    if matches!(row.kind, RowKind::Code { .. } | RowKind::CodeHead { .. }) {
        return row.clone();
    }
    let claimed: Vec<Range<usize>> = row.source_map.runs().map(|run| claimed_text(&run, &lit.claim)).collect();
    let mut spans = row.spans[..row.lead_spans.min(row.spans.len())].to_vec();
    let mut start = 0;
    for span in row.content_spans() {
        let text = start..start + span.text.len();
        start = text.end;
        let is_mark = span.citation().is_some_and(|cited| cited.annotation == Some(lit.annotation_index));
        if is_mark {
            spans.push(span.clone().with_style(TextStyle::SELECTED_CITATION));
        } else {
            push_lit(span, &text, &claimed, &mut spans);
        }
    }
    StyledRow { spans, ..row.clone() }
}

/// The text of a run that shows a claim; what was rewritten belongs to it as a whole.
fn claimed_text(run: &SourceRun, claim: &Range<usize>) -> Range<usize> {
    let clamp = |at: usize| run.text.start + at.clamp(run.source.start, run.source.end) - run.source.start;
    match run.kind {
        SourceKind::Verbatim => clamp(claim.start)..clamp(claim.end),
        SourceKind::Rewritten | SourceKind::StandIn if run.source.start < claim.end && claim.start < run.source.end => {
            run.text.clone()
        }
        SourceKind::Rewritten | SourceKind::StandIn | SourceKind::Inserted => run.text.start..run.text.start,
    }
}

/// Adds a span, in pieces where only some of it is claimed.
fn push_lit(span: &StyledSpan, text: &Range<usize>, claimed: &[Range<usize>], spans: &mut Vec<StyledSpan>) {
    let inside = claimed.iter().map(|lit| lit.start.max(text.start)..lit.end.min(text.end));
    let mut done = text.start;
    let piece = |from: usize, to: usize, style: TextStyle| {
        let words = span.text.get(from - text.start..to - text.start)?;
        (!words.is_empty()).then(|| span.with_text(words).with_style(style))
    };
    for lit in inside.filter(|lit| lit.start < lit.end) {
        spans.extend(piece(done, lit.start, span.style));
        spans.extend(piece(lit.start, lit.end, span.style.on_background(ColourRole::Mark)));
        done = lit.end;
    }
    spans.extend(piece(done, text.end, span.style));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::markdown::{MarkdownOptions, TextStage};

    fn lit_text(layout: &MarkdownLayout) -> String {
        let lit = |span: &&StyledSpan| span.style.background == Some(ColourRole::Mark);
        let row = |row: &StyledRow| row.content_spans().iter().filter(lit).map(|span| span.text.as_str()).collect();
        layout.rows().iter().map(row).filter(|row: &String| !row.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_claim_in_a_long_block_is_highlighted_and_the_rows_come_back() {
        let sentence = |nth: usize| format!("Sentence *{nth}* says `x < y` &amp; more. ");
        let source: String = (0..3000).map(sentence).collect();
        assert!(source.len() > MAX_OPEN_BLOCK);
        let claim =
            source.find("Sentence *2000*").expect("it is there")..source.find("Sentence *2002*").expect("so is it");
        let lit = HighlightedCitation { annotation_index: 0, claim };
        for stage in [TextStage::Growing, TextStage::Complete] {
            let mut layout = MarkdownLayout::new(MarkdownOptions::default());
            layout.sync(&source, 60, stage, &[]);
            let before = layout.rows().to_vec();
            layout.highlight(&source, Some(lit.clone()));
            let words = lit_text(&layout).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(
                words.trim_end(),
                "Sentence 2000 says x < y & more. Sentence 2001 says x < y & more.",
                "{stage:?}"
            );
            layout.highlight(&source, None);
            assert!(layout.rows() == before, "{stage:?}");
        }
    }
}
