//! Rows, with the bars, bullets and indents of their containers.

use pulldown_cmark::Tag;

use super::MarkdownVisitor;
use crate::{
    render::{
        markdown::layout_budget::{CELLS_PER_ROW, cells_of_row},
        row::{LineJoin, MappedSpans, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text::work,
};

/// Quotations and lists may be nested this deep.
const MAX_DEPTH: usize = 500;

/// The lead of the rows of a quotation, an alert, an item or a footnote: its bar, bullet or indent.
pub(crate) struct BlockContainer {
    pub first_lead: Vec<StyledSpan>,
    pub rest_lead: Vec<StyledSpan>,
    pub width: usize,
    pub is_begun: bool,
    pub is_item: bool,
}

impl MarkdownVisitor<'_> {
    pub(super) fn push_container(&mut self, first: Vec<StyledSpan>, is_item: bool) {
        self.out.cells += CELLS_PER_ROW;
        let cells = first.iter().map(StyledSpan::width).sum();
        let rest = if is_item {
            vec![StyledSpan::new(" ".repeat(cells), TextStyle::of(ColourRole::Text))]
        } else {
            first.clone()
        };
        self.containers.push(BlockContainer {
            first_lead: first,
            rest_lead: rest,
            width: cells,
            is_begun: false,
            is_item,
        });
    }

    /// Leaves a container that began at `start`; an empty item still shows its bullet.
    pub(super) fn pop_container(&mut self, start: usize) {
        if self.containers.last().is_some_and(|container| !container.is_begun) {
            self.push_gap(start);
            self.push_text_row(MappedSpans::default(), RowKind::Text, self.source_end, LineJoin::LineEnd);
        }
        self.containers.pop();
    }

    /// Returns the lead of the next row and its width. Inner containers are left out if they would
    /// take the whole width.
    pub(crate) fn next_lead(&self, is_gap: bool) -> (Vec<StyledSpan>, usize) {
        let max_cells = self.input.width.saturating_sub(self.input.width.min(12));
        let mut spans = Vec::new();
        let mut cells = 0;
        for container in self.containers.iter().take(self.input.width) {
            work::count_steps(1);
            if cells >= max_cells || is_gap && !container.is_begun {
                break;
            }
            if cells + container.width <= max_cells {
                spans.extend_from_slice(if container.is_begun { &container.rest_lead } else { &container.first_lead });
                cells += container.width;
            }
        }
        (spans, cells)
    }

    pub(crate) fn available_width(&self) -> usize {
        (self.input.width - self.next_lead(false).1.min(self.input.width)).max(1)
    }

    pub(crate) fn push_text_row(&mut self, text: MappedSpans, kind: RowKind, source_end: usize, join: LineJoin) {
        let MappedSpans { spans, source_map } = text;
        self.push_row(StyledRow { join, source_map, ..StyledRow::new(kind, spans) }, source_end);
    }

    pub(crate) fn push_row(&mut self, mut row: StyledRow, source_end: usize) {
        let (mut lead, _) = self.next_lead(false);
        // Those around one that has begun have begun, too.
        for container in self.containers.iter_mut().rev().take_while(|container| !container.is_begun) {
            work::count_steps(1);
            container.is_begun = true;
        }
        row.lead_spans += lead.len();
        lead.append(&mut row.spans);
        row.spans = lead;
        // A long text has many rows, and most have one piece.
        row.spans.shrink_to_fit();
        row.source_map.shrink_to_fit();
        self.out.cells += cells_of_row(&row);
        let end = source_end.max(self.source_end);
        row.source = self.source_end..end;
        self.source_end = end;
        self.out.rows.push(row);
    }

    /// Extends the last row to the end of its block's source.
    pub(crate) fn extend_last_row(&mut self, end: usize) {
        if let Some(row) = self.out.rows.last_mut().filter(|_| end > self.source_end) {
            row.source.end = end;
            self.source_end = end;
        }
    }
}

pub(super) fn is_block_tag(tag: &Tag) -> bool {
    match tag {
        Tag::Paragraph
        | Tag::Heading { .. }
        | Tag::BlockQuote(_)
        | Tag::CodeBlock(_)
        | Tag::HtmlBlock
        | Tag::List(_)
        | Tag::Item
        | Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::Table(_)
        | Tag::MetadataBlock(_) => true,
        Tag::TableHead
        | Tag::TableRow
        | Tag::TableCell
        | Tag::Emphasis
        | Tag::Strong
        | Tag::Strikethrough
        | Tag::Superscript
        | Tag::Subscript
        | Tag::Link { .. }
        | Tag::Image { .. } => false,
    }
}

/// Whether containers are nested so deeply that their source is easier to read, and much smaller than what the parser
/// makes of it.
pub(crate) fn is_too_deep(source: &str) -> bool {
    source.split('\n').any(|line| {
        let markers = line.bytes().take_while(|byte| matches!(byte, b' ' | b'>' | b'-' | b'*' | b'+'));
        markers.filter(|byte| *byte != b' ').take(MAX_DEPTH + 1).count() > MAX_DEPTH && has_nesting(line)
    })
}

/// Whether a line begins with a quotation or an item in another one; a rule is neither.
fn has_nesting(line: &str) -> bool {
    let text = line.trim_start();
    text.starts_with('>') || ["- - ", "* * ", "+ + "].iter().any(|items| text.starts_with(items))
}
