//! The text that may still change, cleaned, and the way back to its source.

use super::{Lit, Mark};
use crate::text::clean::{Cleaner, Edit};

/// The text behind what is closed, cleaned.
#[derive(Debug, Clone, Default)]
pub(super) struct Open {
    pub cleaner: Cleaner,
    pub text: String,
    pub edits: Vec<Edit>,
    /// How much of the source it holds.
    pub source: usize,
    /// The end of the source as it was last seen, to tell growth from another text.
    pub tail: String,
    /// Its last line end when the block boundary was last looked for.
    pub looked: usize,
}

/// How much of the end of a source tells it from another.
const TAIL: usize = 48;

impl Open {
    /// Whether `source` begins with what was taken in.
    pub fn precedes(&self, source: &str) -> bool {
        self.source <= source.len() && source.as_bytes()[..self.source].ends_with(self.tail.as_bytes())
    }

    pub fn grow(&mut self, source: &str) {
        if self.edits.is_empty() {
            self.edits.push(Edit { clean: 0, raw: self.source });
        }
        self.cleaner.push_noting(&source[self.source..], self.source, &mut self.text, &mut self.edits);
        self.source = source.len();
        let tail = &source[source.floor_char_boundary(source.len().saturating_sub(TAIL))..];
        tail.clone_into(&mut self.tail);
    }

    /// The place in the source of a byte of the text.
    pub fn raw(&self, at: usize) -> usize {
        let index = self.edits.partition_point(|edit| edit.clean <= at);
        let edit = index.checked_sub(1).map_or(Edit { clean: 0, raw: self.source }, |index| self.edits[index]);
        let next = self.edits.get(index).map_or(self.source, |next| next.raw);
        (edit.raw + at - edit.clean).min(next)
    }

    /// The byte of the text at a place in the source.
    pub fn clean(&self, raw: usize) -> usize {
        let index = self.edits.partition_point(|edit| edit.raw <= raw);
        let Some(edit) = index.checked_sub(1).map(|index| self.edits[index]) else { return 0 };
        let end = self.edits.get(index).map_or(self.text.len(), |next| next.clean);
        self.text.floor_char_boundary((edit.clean + raw - edit.raw).min(end))
    }

    pub fn mark(&self, mark: &Mark) -> Mark {
        Mark {
            range: self.clean(mark.range.start)..self.clean(mark.range.end),
            point: self.clean(mark.point),
            ..mark.clone()
        }
    }

    pub fn lit(&self, lit: &Lit) -> Lit {
        Lit { claim: self.clean(lit.claim.start)..self.clean(lit.claim.end), ..lit.clone() }
    }

    /// Forgets the beginning of the text.
    pub fn drop_front(&mut self, end: usize) {
        let raw = self.raw(end);
        self.text.drain(..end);
        self.looked = 0;
        self.edits.retain(|edit| edit.clean > end);
        for edit in &mut self.edits {
            edit.clean -= end;
        }
        self.edits.insert(0, Edit { clean: 0, raw });
    }
}
