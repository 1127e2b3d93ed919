//! The places of a long text that match a query, found on another thread.

use super::MarkdownText;
use crate::{
    render::source_map::{SourceMap, SourceSpan},
    text::SearchNeedle,
};

/// A text, or the rest of one, to search.
#[derive(Debug, Clone)]
pub struct SearchJob {
    /// It begins with a block if it is Markdown.
    pub source: String,
    /// Where it begins in the whole text.
    pub offset: usize,
    pub is_markdown: bool,
    pub needle: SearchNeedle,
}

/// What was found in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextHits {
    /// Where the searched text begins and ends.
    pub start: usize,
    pub end: usize,
    /// The matches in the source of the whole text, in order.
    pub hits: Vec<SourceSpan>,
    /// Text that is appended changes nothing before this position.
    pub final_len: usize,
}

impl SearchJob {
    pub fn run(self) -> TextHits {
        search_text(&self.source, self.offset, self.is_markdown, &self.needle)
    }
}

/// Searches a text that begins at `offset` of the whole.
pub fn search_text(source: &str, offset: usize, is_markdown: bool, needle: &SearchNeedle) -> TextHits {
    let find = |text: &str, map: &SourceMap| -> Vec<SourceSpan> {
        needle.find_all(text).into_iter().map(|found| map.span_of(found)).collect()
    };
    let (hits, last_block) = if is_markdown {
        let mut visible = MarkdownText::parse(source);
        visible.source_map.shift(offset);
        (find(&visible.text, &visible.source_map), visible.last_block)
    } else {
        (find(source, &SourceMap::verbatim(offset..offset + source.len())), 0)
    };
    TextHits { start: offset, end: offset + source.len(), hits, final_len: offset + last_block }
}
