//! The text that may still change, cleaned, with a map back to its source.

use std::ops::Range;

use crate::{
    citations::annotations::{CitationMark, HighlightedCitation},
    render::source_map::{SourceKind, SourceMap, SourceRun},
    text::clean::{CleanEdit, TextCleaner},
};

/// The text after the closed blocks, cleaned.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenText {
    pub cleaner: TextCleaner,
    pub text: String,
    pub edits: Vec<CleanEdit>,
    /// How much of the source was taken in.
    pub source_end: usize,
    /// The last bytes of the source that was taken in, to recognise it when it has grown.
    pub source_tail: String,
    /// The last line that was looked at to find where a block ends, and where the next may be.
    pub searched_to: usize,
    pub search_from: usize,
}

/// How many of the last bytes of a source distinguish it from another.
const TAIL_BYTES: usize = 48;

impl OpenText {
    /// Whether `source` begins with the text that was taken in.
    pub(super) fn is_prefix_of(&self, source: &str) -> bool {
        self.source_end <= source.len() && source.as_bytes()[..self.source_end].ends_with(self.source_tail.as_bytes())
    }

    pub(super) fn grow(&mut self, source: &str) {
        if self.edits.is_empty() {
            self.edits.push(CleanEdit { clean: 0, raw: self.source_end });
        }
        self.cleaner.push_with_edits(&source[self.source_end..], self.source_end, &mut self.text, &mut self.edits);
        self.source_end = source.len();
        let tail = &source[source.floor_char_boundary(source.len().saturating_sub(TAIL_BYTES))..];
        tail.clone_into(&mut self.source_tail);
    }

    /// Returns the position in the source of a byte of the text.
    pub(super) fn source_pos(&self, at: usize) -> usize {
        let index = self.edits.partition_point(|edit| edit.clean <= at);
        let edit = index.checked_sub(1).map_or(CleanEdit { clean: 0, raw: self.source_end }, |index| self.edits[index]);
        let next = self.edits.get(index).map_or(self.source_end, |next| next.raw);
        (edit.raw + at - edit.clean).min(next)
    }

    /// Maps the sources of a text from positions in this text to those in its source.
    pub(crate) fn map_sources(&self, mut map: SourceMap) -> SourceMap {
        if let [CleanEdit { clean: 0, raw }] = self.edits[..] {
            map.shift(raw);
            return map;
        }
        let mut mapped = SourceMap::EMPTY;
        for run in map.runs() {
            match run.kind {
                SourceKind::Verbatim => self.push_verbatim(run.source, &mut mapped),
                SourceKind::Inserted => mapped.push_run(&run),
                SourceKind::Rewritten | SourceKind::StandIn => {
                    let source = self.source_pos(run.source.start)..self.source_pos(run.source.end);
                    mapped.push_run(&SourceRun { source, ..run });
                }
            }
        }
        mapped
    }

    /// Adds a range of this text; what cleaning has replaced is not verbatim.
    fn push_verbatim(&self, range: Range<usize>, mapped: &mut SourceMap) {
        let mut start = range.start;
        let first = self.edits.partition_point(|edit| edit.clean <= start).saturating_sub(1);
        for (nth, edit) in self.edits.iter().enumerate().skip(first).take_while(|(_, edit)| edit.clean < range.end) {
            let next = self.edits.get(nth + 1);
            let end = next.map_or(range.end, |next| next.clean.min(range.end));
            if start >= end {
                continue;
            }
            let replaced = next.filter(|next| next.clean - edit.clean != next.raw - edit.raw);
            let past = start - edit.clean;
            let (source, kind, skipped) = match replaced {
                Some(next) => (edit.raw..next.raw, SourceKind::Rewritten, past),
                None => (edit.raw + past..edit.raw + end - edit.clean, SourceKind::Verbatim, 0),
            };
            mapped.push_run(&SourceRun { text: start..end, source, kind, skipped });
            start = end;
        }
    }

    /// Returns the byte of the text at a position in the source.
    pub(super) fn text_pos(&self, raw: usize) -> usize {
        let index = self.edits.partition_point(|edit| edit.raw <= raw);
        let Some(edit) = index.checked_sub(1).map(|index| self.edits[index]) else { return 0 };
        let end = self.edits.get(index).map_or(self.text.len(), |next| next.clean);
        self.text.floor_char_boundary((edit.clean + raw - edit.raw).min(end))
    }

    pub(super) fn map_mark(&self, mark: &CitationMark) -> CitationMark {
        CitationMark {
            range: self.text_pos(mark.range.start)..self.text_pos(mark.range.end),
            insert_at: self.text_pos(mark.insert_at),
            ..mark.clone()
        }
    }

    pub(super) fn map_highlight(&self, lit: &HighlightedCitation) -> HighlightedCitation {
        HighlightedCitation { claim: self.text_pos(lit.claim.start)..self.text_pos(lit.claim.end), ..lit.clone() }
    }

    /// Forgets the text, but not how much of the source it was.
    pub(super) fn forget_text(&mut self) {
        self.text = String::new();
        self.edits = vec![CleanEdit { clean: 0, raw: self.source_end }];
    }

    /// Removes the beginning of the text, up to `end`.
    pub(super) fn drop_front(&mut self, end: usize) {
        let raw = self.source_pos(end);
        self.text.drain(..end);
        (self.searched_to, self.search_from) = (0, 0);
        self.edits.retain(|edit| edit.clean > end);
        for edit in &mut self.edits {
            edit.clean -= end;
        }
        self.edits.insert(0, CleanEdit { clean: 0, raw });
    }
}
