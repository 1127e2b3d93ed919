//! The styled text of one paragraph, heading or cell, and its rows.

use std::{ops::Range, sync::Arc};

use crate::{
    render::{
        row::{CitationRef, LineJoin, MappedSpans, StyledSpan, TextStyle},
        source_map::{SourceKind, SourceMap},
    },
    text::{self, wrap},
};

/// The wrap of a shorter text is not cached: wrapping it again is as fast.
const MIN_CACHED_LEN: usize = 512;

/// Text in runs of one style, with a map back to its source.
#[derive(Debug, Clone, Default)]
pub(crate) struct InlineText {
    pub text: String,
    runs: Vec<StyledRun>,
    /// Citation marks, which stay with the word before them, and the delimiters of LaTeX, which stay with it.
    glued: Vec<Range<usize>>,
    /// Those of them that replace a link.
    link_replacements: Vec<Range<usize>>,
    pub source_map: SourceMap,
}

#[derive(Debug, Clone)]
struct StyledRun {
    end: usize,
    style: TextStyle,
    link: Option<Arc<str>>,
    citation: Option<CitationRef>,
}

/// The style of some text and its link.
pub(crate) struct RunStyle<'a> {
    pub style: TextStyle,
    pub link: Option<&'a Arc<str>>,
}

/// One row of an inline text.
#[derive(Debug)]
pub(crate) struct InlineLine {
    pub text: MappedSpans,
    /// Where its part of the source ends.
    pub source_end: usize,
    pub joint: LineJoin,
}

/// The wrap of a long text, so that a text with the same beginning is not wrapped from the start.
#[derive(Debug, Clone)]
pub(crate) struct WrapCache {
    text: String,
    width: usize,
    glued: Vec<Range<usize>>,
    lines: Vec<wrap::WrappedLine>,
}

impl WrapCache {
    /// Returns how many bytes an inline text shares with it, from the beginning.
    fn common_prefix(&self, inline: &InlineText) -> usize {
        let same = if inline.text.starts_with(&self.text) {
            self.text.len()
        } else {
            self.text.bytes().zip(inline.text.bytes()).take_while(|(a, b)| a == b).count()
        };
        let known = self.glued.iter().zip(&inline.glued).take_while(|(a, b)| a == b).count();
        let differing = self.glued.get(known).into_iter().chain(inline.glued.get(known));
        differing.map(|glue| glue.start).fold(same, usize::min)
    }
}

/// A citation mark as it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StyledMark {
    pub cited: CitationRef,
    pub style: TextStyle,
    /// The sign of what the check of the source says.
    pub verdict: Option<(&'static str, TextStyle)>,
}

impl InlineText {
    /// Appends text that shows a range of the source.
    pub(crate) fn push(&mut self, words: &str, style: &RunStyle, source: Range<usize>, kind: SourceKind) {
        if words.is_empty() {
            return;
        }
        self.source_map.push(words.len(), source, kind);
        self.text.push_str(words);
        let RunStyle { style: ink, link } = style;
        let is_continued = |run: &StyledRun| run.style == *ink && run.link.as_ref() == *link && run.citation.is_none();
        match self.runs.last_mut().filter(|run| is_continued(run)) {
            Some(run) => run.end = self.text.len(),
            None => {
                self.runs.push(StyledRun { end: self.text.len(), style: *ink, link: link.cloned(), citation: None });
            }
        }
    }

    /// Appends a citation mark; `source` is what it replaces, if anything.
    pub(crate) fn push_mark(&mut self, mark: &StyledMark, source: Range<usize>) {
        let StyledMark { cited, style, verdict } = *mark;
        let needs_space = self.text.ends_with(|char: char| !char.is_whitespace() && !matches!(char, '(' | '（' | '['));
        let is_after_mark = self.runs.last().is_some_and(|run| run.citation.is_some());
        if needs_space && !is_after_mark && source.is_empty() {
            let style = RunStyle { style: TextStyle::of(style.role), link: None };
            self.push(" ", &style, 0..0, SourceKind::Inserted);
        }
        let start = self.text.len();
        self.text.extend(["[", &cited.number.to_string(), "]"]);
        let kind = if source.is_empty() { SourceKind::Inserted } else { SourceKind::Rewritten };
        self.source_map.push(self.text.len() - start, source.clone(), kind);
        self.runs.push(StyledRun { end: self.text.len(), style, link: None, citation: Some(cited) });
        if let Some((sign, style)) = verdict {
            self.text.push_str(sign);
            self.source_map.push(sign.len(), source.end..source.end, SourceKind::Inserted);
            self.runs.push(StyledRun { end: self.text.len(), style, link: None, citation: None });
        }
        self.glued.push(start..self.text.len());
        if !source.is_empty() {
            self.link_replacements.push(start..self.text.len());
        }
    }

    /// Keeps delimiters with their LaTeX, which was pushed from `start` on.
    pub(super) fn glue_delimiters(&mut self, start: usize, delimiter_len: usize) {
        let end = self.text.len().saturating_sub(delimiter_len);
        let Some(inside) = self.text.get(start + delimiter_len..end) else { return };
        let spaces = inside.len() - inside.trim_start_matches(' ').len();
        if spaces < inside.len() {
            self.glued.push(start + 1..start + delimiter_len + spaces + 1);
            self.glued.push(end..self.text.len());
        }
    }

    /// Removes the brackets and commas that a model wrote around links that became marks.
    pub(super) fn remove_link_brackets(&mut self) {
        let mut index = 0;
        while index < self.link_replacements.len() {
            let first = index;
            while index + 1 < self.link_replacements.len()
                && self.text[self.link_replacements[index].end..self.link_replacements[index + 1].start]
                    .trim_matches([' ', ',', ';'])
                    .is_empty()
            {
                index += 1;
            }
            let group = self.link_replacements[first].start..self.link_replacements[index].end;
            let between: Vec<_> = (first..index)
                .map(|one| self.link_replacements[one].end..self.link_replacements[one + 1].start)
                .collect();
            let brackets = [('(', ')'), ('（', '）')].into_iter().find(|(open, close)| {
                self.text[..group.start].ends_with(*open) && self.text[group.end..].starts_with(*close)
            });
            let mut cuts = Vec::new();
            if let Some((open, close)) = brackets {
                cuts.push(group.end..group.end + close.len_utf8());
                cuts.extend(between.into_iter().rev());
                cuts.push(group.start - open.len_utf8()..group.start);
            } else {
                cuts.extend(between.into_iter().rev());
            }
            for cut in cuts {
                self.remove_range(&cut);
            }
            index += 1;
        }
    }

    fn remove_range(&mut self, range: &Range<usize>) {
        self.text.replace_range(range.clone(), "");
        let moved = |at: usize| at - at.min(range.end).saturating_sub(range.start);
        for run in &mut self.runs {
            run.end = moved(run.end);
        }
        for mark in self.glued.iter_mut().chain(&mut self.link_replacements) {
            *mark = moved(mark.start)..moved(mark.end);
        }
        self.source_map.remove_range(range);
    }

    pub(super) fn trim_end(&mut self) {
        let end = self.text.trim_end().len();
        self.remove_range(&(end..self.text.len()));
    }

    /// Removes the spaces at its end, but no line end.
    pub(super) fn trim_spaces(&mut self) {
        let end = self.text.trim_end_matches(' ').len();
        self.remove_range(&(end..self.text.len()));
    }

    /// Returns where its source begins.
    pub(crate) fn source_start(&self) -> usize {
        self.source_map.source_before(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the width of its widest line, unwrapped.
    pub(super) fn width(&self) -> usize {
        self.text.lines().map(text::width).max().unwrap_or(0)
    }

    /// Returns the width of its longest word.
    pub(super) fn longest_word_width(&self) -> usize {
        self.text.split_whitespace().map(text::width).max().unwrap_or(0)
    }

    /// Returns its rows; the first may have less room.
    pub(super) fn wrapped_lines(&self, first: usize, rest: usize) -> Vec<InlineLine> {
        self.lines_of(&wrap::wrap(
            &self.text,
            wrap::WrapOptions { first_width: first, rest_width: rest, glued: &self.glued },
        ))
    }

    /// Returns its rows, reusing the wrap of the text before it grew, and how it was wrapped if it is long.
    pub(super) fn wrapped_lines_cached(
        &self,
        before: Option<&WrapCache>,
        room: usize,
    ) -> (Vec<InlineLine>, Option<WrapCache>) {
        let measure = wrap::WrapOptions { first_width: room, rest_width: room, glued: &self.glued };
        let pieces = match before.filter(|before| before.width == room) {
            Some(before) => wrap::rewrap(&self.text, measure, before.lines.clone(), before.common_prefix(self)),
            None => wrap::wrap(&self.text, measure),
        };
        let lines = self.lines_of(&pieces);
        let wrapped = (self.text.len() >= MIN_CACHED_LEN).then(|| WrapCache {
            text: self.text.clone(),
            width: room,
            glued: self.glued.clone(),
            lines: pieces,
        });
        (lines, wrapped)
    }

    fn lines_of(&self, pieces: &[wrap::WrappedLine]) -> Vec<InlineLine> {
        let mut run = 0;
        pieces
            .iter()
            .map(|piece| InlineLine {
                text: MappedSpans {
                    spans: self.spans_in(piece.start..piece.end, &mut run),
                    source_map: self.source_map.slice(piece.start..piece.end),
                },
                source_end: self.source_map.source_before(piece.next),
                joint: LineJoin::after(piece),
            })
            .collect()
    }

    /// Returns the spans of a piece; `from` is the index of a run at or before its start, and advances.
    fn spans_in(&self, piece: Range<usize>, run_index: &mut usize) -> Vec<StyledSpan> {
        while self.runs.get(*run_index).is_some_and(|run| run.end <= piece.start) {
            *run_index += 1;
        }
        let mut spans = Vec::new();
        let mut start = piece.start;
        for run in &self.runs[*run_index..] {
            if start >= piece.end {
                break;
            }
            let end = run.end.min(piece.end);
            if end > start {
                let span = StyledSpan::new(&self.text[start..end], run.style);
                spans.push(span.with_link(run.link.clone()).with_citation(run.citation));
            }
            start = end.max(start);
        }
        spans
    }
}
