//! The text that may still change, cleaned, with a map back to its source.

use crate::citations::annotations::{CitationMark, HighlightedCitation};
use crate::text::clean::{CleanEdit, TextCleaner};

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
    /// Its last line end when block boundaries were last searched for.
    pub searched_to: usize,
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

    /// Removes the beginning of the text, up to `end`.
    pub(super) fn drop_front(&mut self, end: usize) {
        let raw = self.source_pos(end);
        self.text.drain(..end);
        self.searched_to = 0;
        self.edits.retain(|edit| edit.clean > end);
        for edit in &mut self.edits {
            edit.clean -= end;
        }
        self.edits.insert(0, CleanEdit { clean: 0, raw });
    }
}
