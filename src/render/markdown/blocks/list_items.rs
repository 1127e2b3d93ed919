//! Lists, with the numbers that were written.

use std::ops::Range;

use super::{MarkdownVisitor, line_start};
use crate::render::{
    markdown::source_lines::ItemMarker,
    row::{StyledSpan, TextStyle},
    theme::ColourRole,
};

/// A list whose items are being read.
pub(crate) struct OpenList {
    is_numbered: bool,
    /// The digits of its longest number.
    digits: usize,
}

/// The numbers of lists nested more deeply are not aligned, because each level is searched for its longest.
const MAX_ALIGNED_DEPTH: usize = 8;

impl MarkdownVisitor<'_> {
    pub(crate) fn start_list(&mut self, is_numbered: bool, range: Range<usize>) {
        self.bullet_depth += usize::from(!is_numbered);
        let is_aligned = is_numbered && self.lists.len() < MAX_ALIGNED_DEPTH;
        let digits = if is_aligned { longest_number(self.input.source, range) } else { 0 };
        self.lists.push(OpenList { is_numbered, digits });
    }

    pub(crate) fn start_item(&mut self, start: usize) {
        let style = TextStyle::of(ColourRole::Accent);
        let list = self.lists.last().filter(|list| list.is_numbered);
        let lead = if let Some(list) = list {
            // The model counts as it likes: down, or on from an earlier list.
            let written = &self.input.source[start..];
            let digits = digits_of(written);
            let label = written.get(..digits + 1).unwrap_or("1.");
            let padding = " ".repeat(list.digits.saturating_sub(digits));
            let padding = (!padding.is_empty()).then(|| StyledSpan::new(padding, style));
            padding.into_iter().chain([StyledSpan::new(format!("{label} "), style)]).collect()
        } else {
            let bullets = &self.input.options.marks.bullets;
            let bullet = bullets[self.bullet_depth.saturating_sub(1).min(bullets.len() - 1)];
            vec![StyledSpan::marker(format!("{bullet} "), style, "- ")]
        };
        self.push_container(lead, true);
    }

    pub(crate) fn mark_task(&mut self, done: bool) {
        let marks = self.input.options.marks;
        let numbered = self.lists.last().is_some_and(|list| list.is_numbered);
        let (mark, role) = if done { (marks.task_done, ColourRole::Ok) } else { (marks.task_open, ColourRole::Muted) };
        let markdown = if done { "- [x] " } else { "- [ ] " };
        let tick = |markdown| StyledSpan::marker(format!("{mark} "), TextStyle::of(role), markdown);
        if let Some(item) = self.containers.last_mut().filter(|item| item.is_item && !item.is_begun) {
            if numbered {
                item.first_lead.push(tick(&markdown["- ".len()..]));
            } else {
                item.first_lead = vec![tick(markdown)];
            }
            item.width = item.first_lead.iter().map(StyledSpan::width).sum();
            item.rest_lead = vec![StyledSpan::new(" ".repeat(item.width), TextStyle::of(ColourRole::Text))];
        }
    }
}

/// Returns how many digits the longest number of a list has, whose first item begins where the range does.
fn longest_number(source: &str, list: Range<usize>) -> usize {
    let column = list.start - line_start(source, list.start);
    let items = source[list.clone()].lines().skip(1).filter_map(|line| {
        let ink = line.trim_start_matches([' ', '>']);
        let is_sibling = column.abs_diff(line.len() - ink.len()) <= 1;
        ItemMarker::parse(ink).filter(|marker| is_sibling && marker.number.is_some()).map(|_| digits_of(ink))
    });
    items.fold(digits_of(&source[list.start..]), usize::max)
}

fn digits_of(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
