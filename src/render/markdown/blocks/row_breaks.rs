//! Line ends in the text of a paragraph.

use std::ops::Range;

use super::{BlockInput, LeafKind, MarkdownVisitor, WalkOutput};
use crate::{
    config::LineBreaks,
    render::{
        markdown::{
            line_breaks::ParagraphBreaks,
            source_lines::{ItemMarker, SourceLine, source_lines},
        },
        source_map::SourceKind,
    },
};

/// What is known of the line ends of the current paragraph.
pub(crate) struct RowBreaks {
    breaks: ParagraphBreaks,
    /// The column of its first line.
    column: usize,
}

impl<'a> MarkdownVisitor<'a> {
    pub(crate) fn on_soft_break(&mut self, range: Range<usize>) {
        if self.begins_row(&range) {
            self.on_hard_break(range);
            return;
        }
        let next = self.input.source[range.end..].trim_start_matches([' ', '>']).chars().next();
        let before = self.inline.as_ref().and_then(|inline| inline.text.chars().next_back());
        // A line end between two ideographs is not a space.
        let is_joined = before.zip(next).is_some_and(|(before, next)| is_ideograph(before) && is_ideograph(next));
        if !is_joined {
            self.put_text(" ", self.current_style(), range);
        }
    }

    /// Begins a new row, with the indent of its line.
    pub(crate) fn on_hard_break(&mut self, range: Range<usize>) {
        let line_start = range.end;
        self.put_text("\n", self.current_style(), range);
        let is_text = matches!(self.leaf, LeafKind::Text) && self.input.output == WalkOutput::Rows;
        if !is_text || self.input.options.line_breaks == LineBreaks::Markdown || !self.images.is_empty() {
            return;
        }
        let column = self.row_breaks(line_start - 1).column;
        let line = self.line_at(line_start);
        let indent = line.indent().saturating_sub(column).min(self.available_width() / 2);
        let is_begun = self.inline.as_ref().is_some_and(|inline| inline.text.ends_with('\n'));
        if indent > 0 && is_begun && !line.ink().starts_with('>') {
            let end = line.body_start + line.indent();
            self.push_text(&" ".repeat(indent), self.current_style(), end - indent..end, SourceKind::Verbatim);
        }
    }

    /// Whether the line end at `range` begins a new row.
    fn begins_row(&mut self, range: &Range<usize>) -> bool {
        let is_text = matches!(self.leaf, LeafKind::Text) && self.images.is_empty();
        if !is_text || self.input.output == WalkOutput::Text {
            return false;
        }
        match self.input.options.line_breaks {
            LineBreaks::Keep => true,
            LineBreaks::Markdown => false,
            LineBreaks::Auto => {
                let breaks = self.row_breaks(range.start).breaks;
                let above = self.line_at(super::line_start(self.input.source, range.start));
                breaks.begin_row(row_ink(&above), row_ink(&self.line_at(range.end)))
            }
        }
    }

    /// Returns what is known of the current paragraph, which has a line end at `at`.
    fn row_breaks(&mut self, at: usize) -> &RowBreaks {
        let in_paragraph = self.paragraph_range.contains(&at);
        let start = match &self.inline {
            _ if in_paragraph => self.paragraph_range.start,
            Some(inline) => inline.source_start().min(at),
            None => at,
        };
        let end = if in_paragraph {
            self.paragraph_range.end
        } else {
            self.item_ends.last().copied().unwrap_or(self.input.source.len())
        };
        let depth = self.quote_depth();
        self.row_breaks.get_or_insert_with(|| RowBreaks::of(self.input, start, end, depth))
    }

    fn line_at(&self, start: usize) -> SourceLine<'a> {
        let source = self.input.source;
        let end = source[start..].find('\n').map_or(source.len(), |len| start + len);
        SourceLine::read(&source[start..end], start, self.quote_depth())
    }

    fn quote_depth(&self) -> usize {
        self.containers.iter().filter(|container| !container.is_item).count()
    }
}

impl RowBreaks {
    /// Reads the first three lines of a paragraph, which ends at `end` at the latest.
    fn of(input: &BlockInput, start: usize, end: usize, quote_depth: usize) -> Self {
        let line_start = super::line_start(input.source, start);
        let (mut rows, mut column) = (Vec::new(), 0);
        let behind = &input.source[end..];
        let behind =
            if input.source[..end].ends_with('\n') { behind } else { behind.strip_prefix('\n').unwrap_or(behind) };
        let mut is_over = !behind.is_empty();
        for line in source_lines(&input.source[line_start..]).take(3).map(|line| line.at_depth(quote_depth)) {
            if rows.is_empty() {
                let text = without_markers(line.ink());
                column = line.body.len() - text.len();
                rows.push(text);
                continue;
            }
            let ends_paragraph = line.is_blank() || ItemMarker::parse(line.ink()).is_some();
            if ends_paragraph || line_start + line.body_start >= end {
                is_over |= ends_paragraph;
                break;
            }
            rows.push(row_ink(&line));
        }
        Self { breaks: ParagraphBreaks::of(&rows, input.may_grow && !is_over), column }
    }
}

/// Returns a line without its indent and the marks of quotations.
fn row_ink<'a>(line: &SourceLine<'a>) -> &'a str {
    line.ink().trim_start_matches([' ', '>'])
}

/// Returns the first line of a paragraph without the markers of the items that begin in it.
fn without_markers(ink: &str) -> &str {
    let mut text = ink.trim_start_matches([' ', '>']);
    while let Some(marker) = ItemMarker::parse(text) {
        text = text[marker.len..].trim_start_matches([' ', '>']);
    }
    ["[ ] ", "[x] ", "[X] "].iter().find_map(|task| text.strip_prefix(task)).unwrap_or(text)
}

fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{2e80}'..='\u{303f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}
