//! Indents what hangs below an item as far as the parser needs it.
//!
//! In strict Markdown a line belongs to an item only if it is indented as far as the item's text: by three spaces below
//! `1.`, by four below `10.`. Models indent by two, and write the code of an item from the first column. Here a line that
//! is indented further than the marker of an item belongs to it: a bullet below a number always, other items and blocks
//! from two spaces on. A fence right below a numbered item that ends with a colon belongs to it without any indent. A
//! fence inside an item ends with its closing line only, however its code is indented.

use super::{
    prepare::ParserDraft,
    source_lines::{FenceScan, ItemMarker, LineRole, SourceLine, is_rule, source_lines},
};

/// No line is indented further than this: long lines of spaces must not multiply.
const MAX_COLUMN: usize = 120;

/// An item that the next line may belong to. Columns are those of the source.
#[derive(Debug, Clone, Copy)]
struct OpenItem {
    marker_column: usize,
    text_column: usize,
    /// The spaces that are inserted before it.
    shift: usize,
    number: Option<u64>,
    /// It has no text so far.
    is_empty: bool,
}

/// The code of a fence inside an item.
#[derive(Debug, Clone, Copy, Default)]
struct FenceIndent {
    /// The spaces that are inserted before the fence.
    shift: usize,
    /// The least indent for the parser.
    min: usize,
    /// The spaces that are inserted before its code, once it has any.
    code_shift: Option<usize>,
}

/// The items that are open at some line, the outermost first.
#[derive(Debug, Default)]
struct ListIndents {
    items: Vec<OpenItem>,
    quote_depth: usize,
    is_after_blank: bool,
    /// The last line of text ends with a colon.
    announces_code: bool,
    fence: FenceIndent,
}

pub(super) fn indent_children(draft: &mut ParserDraft) {
    draft.is_indented = true;
    let source = draft.source;
    let has = |sign: &&str| memchr::memmem::find(source.as_bytes(), sign.as_bytes()).is_some();
    if !source.starts_with(' ') && !["\n ", ">  ", "```", "~~~"].iter().any(has) {
        return;
    }
    let mut scan = FenceScan::new(draft);
    let mut list = ListIndents::default();
    let formulas = draft.formulas.clone();
    let mut formulas = formulas.iter().peekable();
    for line in source_lines(source) {
        while formulas.next_if(|formula| formula.end <= line.body_start).is_some() {}
        if formulas.peek().is_some_and(|formula| formula.start < line.body_start) {
            continue; // A formula may contain what would be an item.
        }
        let role = scan.read(&line);
        if role == LineRole::Html {
            continue;
        }
        let is_code = matches!(role, LineRole::Code | LineRole::InnerBare | LineRole::FenceEnd);
        let line = if is_code { line.at_depth(list.quote_depth) } else { line };
        let spaces = if is_code { list.missing_in_code(&line, role) } else { list.missing_spaces(&line, role) };
        if spaces > 0 && line.indent() + spaces <= MAX_COLUMN {
            draft.insert(line.body_start, " ".repeat(spaces));
        }
    }
}

impl ListIndents {
    /// Returns how many spaces a line in a fence lacks.
    fn missing_in_code(&mut self, line: &SourceLine, role: LineRole) -> usize {
        self.is_after_blank = false;
        if line.is_blank() {
            return 0;
        }
        if line.ink().starts_with('\t') {
            return 0; // A tab is as wide as any indent of an item.
        }
        let missing = self.fence.min.saturating_sub(line.indent());
        if role == LineRole::FenceEnd {
            return missing.max(self.fence.shift);
        }
        // Code that begins further to the left than its fence keeps its own indents.
        missing.max(*self.fence.code_shift.get_or_insert(missing.max(self.fence.shift)))
    }

    /// Returns how many spaces a line outside fences lacks.
    fn missing_spaces(&mut self, line: &SourceLine, role: LineRole) -> usize {
        if line.quote_depth != self.quote_depth {
            self.quote_depth = line.quote_depth;
            self.items.clear();
        }
        if line.is_blank() {
            // An item whose first line is empty ends with a blank line.
            if !self.is_after_blank && self.items.last().is_some_and(|item| item.is_empty) {
                self.items.pop();
            }
            self.is_after_blank = true;
            return 0;
        }
        if let Some(item) = self.items.last_mut() {
            item.is_empty = false;
        }
        let marker = ItemMarker::parse(line.ink());
        let is_fence = role == LineRole::FenceStart;
        let begins_block = marker.is_some() || is_fence || self.is_after_blank || is_block_start(line.ink());
        self.is_after_blank = false;
        let announced = std::mem::replace(&mut self.announces_code, line.body.trim_end().ends_with([':', '：']));
        if !begins_block {
            return 0; // It continues a paragraph.
        }
        let column = line.indent();
        let missing = self.pop_items(column, marker, is_fence, announced);
        self.push_items(line, missing);
        if is_fence {
            let min = self.items.last().map_or(0, |item| item.text_column + item.shift);
            self.fence = FenceIndent { shift: missing, min, code_shift: None };
        }
        missing
    }

    /// Closes the items that a block at `column` does not belong to; returns how many spaces the block lacks.
    fn pop_items(&mut self, column: usize, marker: Option<ItemMarker>, is_fence: bool, announced: bool) -> usize {
        while let Some(item) = self.items.last().copied() {
            let is_announced = is_fence && announced && item.number.is_some() && item.marker_column == column;
            if is_announced || item.holds(column, marker, is_fence) {
                return item.shift + item.text_column.saturating_sub(column);
            }
            self.items.pop();
            if item.marker_column == column {
                return item.shift; // A sibling is where it is.
            }
        }
        0
    }

    /// Opens the items that begin in a line; one may begin with another.
    fn push_items(&mut self, line: &SourceLine, shift: usize) {
        let mut column = line.indent();
        while let Some(marker) = line.body.get(column..).and_then(ItemMarker::parse) {
            let text_column = column + marker.text_offset;
            let is_empty = line.body[column + marker.len..].trim().is_empty();
            self.items.push(OpenItem { marker_column: column, text_column, shift, number: marker.number, is_empty });
            if self.items.len() > MAX_COLUMN {
                return;
            }
            column += marker.len;
            column += line.body.get(column..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
        }
    }
}

impl OpenItem {
    /// Whether a line that begins a block at `column` belongs to the item.
    fn holds(&self, column: usize, marker: Option<ItemMarker>, is_fence: bool) -> bool {
        if column >= self.text_column || column <= self.marker_column {
            return column > self.marker_column;
        }
        let by_two = column >= self.marker_column + 2;
        match (self.number, marker.map(|marker| marker.number)) {
            (Some(_), Some(None)) => true,
            // The next number, a little further to the right, is not below this one.
            (Some(own), Some(Some(number))) => number != own + 1 && (by_two || number == 1),
            (None, Some(Some(number))) => by_two || number == 1,
            (None, Some(None)) => by_two,
            (_, None) => by_two || is_fence,
        }
    }
}

/// Whether a line that follows a paragraph without a blank line begins a block.
fn is_block_start(ink: &str) -> bool {
    is_rule(ink) || ink.starts_with('|') || ink.trim_start_matches('#').starts_with(' ') && ink.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render::markdown::prepare::prepare, text::work};

    fn indented(source: &str) -> String {
        prepare(source).text().to_owned()
    }

    #[test]
    fn what_hangs_below_a_number_is_indented_as_far_as_its_text() {
        assert_eq!(indented("1. a\n  - b\n  - c\n2. d\n"), "1. a\n   - b\n   - c\n2. d\n");
        assert_eq!(indented("1. a\n - b\n   - c\n"), "1. a\n   - b\n     - c\n");
        assert_eq!(indented("10. a\n   - b\n     more\n\n   text\n"), "10. a\n    - b\n     more\n\n    text\n");
        assert_eq!(indented("1. a\n  * b\n    * c\n"), "1. a\n   * b\n     * c\n");
        assert_eq!(indented("> 1. a\n>   - b\n"), "> 1. a\n>    - b\n");
        assert_eq!(indented("1. a\n  1. b\n  2. c\n2. d\n"), "1. a\n   1. b\n   2. c\n2. d\n");
    }

    #[test]
    fn the_code_of_an_item_stays_in_it() {
        assert_eq!(indented("1. a\n  ```\n  x\n    y\n  ```\n2. b\n"), "1. a\n   ```\n   x\n     y\n   ```\n2. b\n");
        assert_eq!(indented("1. Do:\n```\nx\n```\n2. b\n"), "1. Do:\n   ```\n   x\n   ```\n2. b\n");
        assert_eq!(indented("1. Do:\n\n```\nx\n```\n"), "1. Do:\n\n   ```\n   x\n   ```\n");
        assert_eq!(indented("1. Done.\n```\nx\n```\n"), "1. Done.\n```\nx\n```\n");
        assert_eq!(indented("- a\n  ```\nx\n\n  y\n```\n- b\n"), "- a\n  ```\n  x\n\n    y\n  ```\n- b\n");
    }

    #[test]
    fn what_strict_markdown_reads_as_meant_is_unchanged() {
        for source in [
            "- a\n  - b\n    - c\n",
            "- a\n - b\n",
            " 9. a\n10. b\n",
            "1. a\n 2. b\n",
            "1. a\n\n   b\n\nc\n",
            "1. a\n  b\n",
            "- a\n\n b\n",
            "```\n1. a\n  - b\n```\n",
            "* * *\n  - a\n",
            "1.\n\n  a\n",
        ] {
            assert_eq!(indented(source), source);
        }
    }

    #[test]
    fn long_indents_do_not_multiply() {
        let text = |size: usize| format!("{}- a\n{}", " ".repeat(size / 2), "1. b\n - c\n".repeat(size / 20));
        work::assert_linear("lines below an indent", 4000, text, |text| {
            indent_children(&mut ParserDraft::new(text));
        });
        let source = format!("- {}- ```\n{}", "- ".repeat(90), "x\n".repeat(1000));
        assert!(indented(&source).len() < source.len() * 2);
    }
}
