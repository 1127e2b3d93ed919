//! The lines of a source, as far as the passes before the parser need to know them.

use std::{iter::Peekable, ops::Range, vec::IntoIter};

use super::{
    fence_nesting::{FenceLine, FenceNesting},
    prepare::ParserDraft,
};
use crate::text::work;

/// A line without its end, divided into the marks of quotations and what they quote.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceLine<'a> {
    /// The whole line.
    text: &'a str,
    /// Where the body begins in the source.
    pub body_start: usize,
    /// The line after the marks of quotations, with its indent.
    pub body: &'a str,
    pub quote_depth: usize,
    /// It has a line end.
    pub is_complete: bool,
}

/// The bullet or the number at the start of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ItemMarker {
    /// The bytes of the marker and the spaces after it.
    pub len: usize,
    /// How far to the right of the marker the text of the item begins.
    pub text_offset: usize,
    /// `None` for bullets.
    pub number: Option<u64>,
}

/// What a line is to the fences around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineRole {
    Text,
    FenceStart,
    Code,
    /// It belongs to a fence inside a fence, and would end the outer one in strict Markdown.
    InnerBare,
    FenceEnd,
    /// It is part of a block of HTML, in which nothing is a fence.
    Html,
}

/// Follows the fences of a text, line by line.
#[derive(Debug)]
pub(super) struct FenceScan {
    fence: Option<ScannedFence>,
    html_blocks: Peekable<IntoIter<Range<usize>>>,
}

#[derive(Debug)]
struct ScannedFence {
    nesting: FenceNesting,
    quote_depth: usize,
    indent: usize,
}

/// Returns the lines of a text. An empty one after the last line end is no line.
pub(super) fn source_lines(source: &str) -> impl Iterator<Item = SourceLine<'_>> {
    let mut start = 0;
    source.split_inclusive('\n').map(move |line| {
        work::count_steps(line.len());
        let read = SourceLine::read(line, start, usize::MAX);
        start += line.len();
        read
    })
}

impl<'a> SourceLine<'a> {
    /// Reads a line that begins at `start`, with the marks of at most `max_depth` quotations.
    pub(super) fn read(line: &'a str, start: usize, max_depth: usize) -> Self {
        let text = line.strip_suffix('\n').unwrap_or(line);
        let is_complete = text.len() < line.len();
        let mut read = Self { text, body_start: start, body: text, quote_depth: 0, is_complete };
        while read.quote_depth < max_depth && read.indent() <= 3 {
            let Some(quoted) = read.ink().strip_prefix('>') else { break };
            read.body = quoted.strip_prefix(' ').unwrap_or(quoted);
            read.body_start = start + text.len() - read.body.len();
            read.quote_depth += 1;
        }
        read
    }

    /// The same line, with the marks of at most `depth` quotations.
    pub(super) fn at_depth(self, depth: usize) -> Self {
        if self.quote_depth <= depth {
            return self;
        }
        let start = self.body_start + self.body.len() - self.text.len();
        Self { is_complete: self.is_complete, ..Self::read(self.text, start, depth) }
    }

    pub(super) fn indent(&self) -> usize {
        self.body.len() - self.ink().len()
    }

    /// The body without its indent.
    pub(super) fn ink(&self) -> &'a str {
        self.body.trim_start_matches(' ')
    }

    pub(super) fn is_blank(&self) -> bool {
        self.ink().is_empty()
    }
}

impl ItemMarker {
    /// Reads the marker at the start of a text.
    pub(super) fn parse(ink: &str) -> Option<Self> {
        let digits = ink.bytes().take_while(u8::is_ascii_digit).count();
        let (number, width) = match ink.as_bytes().get(digits)? {
            b'-' | b'*' | b'+' if digits == 0 => (None, 1),
            b'.' | b')' if (1..=9).contains(&digits) => (ink[..digits].parse().ok(), digits + 1),
            _ => return None,
        };
        let rest = &ink[width..];
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let is_empty = spaces == rest.len();
        if spaces == 0 && !is_empty || is_rule(ink) {
            return None;
        }
        // Indented code begins one space behind the marker.
        let gap = if spaces > 4 || is_empty { 1 } else { spaces };
        Some(Self { len: width + gap.min(spaces), text_offset: width + gap, number })
    }
}

/// Whether a line is a rule: three or more stars, dashes or underscores.
pub(super) fn is_rule(ink: &str) -> bool {
    let Some(sign) = ink.chars().next().filter(|sign| matches!(sign, '*' | '-' | '_')) else { return false };
    ink.chars().all(|char| char == sign || char == ' ') && ink.matches(sign).count() >= 3
}

impl FenceScan {
    pub(super) fn new(draft: &mut ParserDraft) -> Self {
        Self { fence: None, html_blocks: draft.html_blocks().into_iter().peekable() }
    }

    pub(super) fn read(&mut self, line: &SourceLine) -> LineRole {
        if let Some(fence) = self.fence.as_mut().filter(|fence| fence.quote_depth <= line.quote_depth) {
            let line = line.at_depth(fence.quote_depth);
            let can_end = line.indent() <= fence.indent + 3;
            return match fence.nesting.read(line.ink(), can_end) {
                FenceLine::Code => LineRole::Code,
                FenceLine::InnerBare => LineRole::InnerBare,
                FenceLine::End => {
                    self.fence = None;
                    LineRole::FenceEnd
                }
            };
        }
        self.fence = None;
        let position = line.body_start + line.indent();
        while self.html_blocks.next_if(|html| html.end <= position).is_some() {}
        if self.html_blocks.peek().is_some_and(|html| html.start <= position) {
            return LineRole::Html;
        }
        let (mut ink, mut indent) = (line.ink(), line.indent());
        while let Some(marker) = ItemMarker::parse(ink).filter(|marker| marker.len < ink.len()) {
            ink = ink[marker.len..].trim_start_matches(' ');
            indent = line.body.len() - ink.len();
        }
        self.fence = FenceNesting::parse(ink).map(|(nesting, _)| ScannedFence {
            nesting,
            quote_depth: line.quote_depth,
            indent,
        });
        if self.fence.is_some() { LineRole::FenceStart } else { LineRole::Text }
    }
}
