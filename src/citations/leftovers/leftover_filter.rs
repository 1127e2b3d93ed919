//! Removes leftover citations from a text that is passed on while it grows.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag};

use super::{CITE_WORDS, CONTENT_REFERENCE, LeftoverForm, OAI_CITATION, PRIVATE_START, can_begin_form};
use crate::text::work;

/// Passes on a text without its leftover citations; what was passed on is never taken back. Code keeps them.
#[derive(Debug, Default)]
pub struct LeftoverFilter {
    /// The forms so far.
    forms: Vec<LeftoverForm>,
    /// The first of them that is not decided.
    next_form: usize,
    /// How much of the text was looked at, and how much was passed on or dropped.
    read_bytes: usize,
    done_bytes: usize,
    /// A top-level block or an item begins here.
    block_start: usize,
    /// The next form may be in code, which the end of its paragraph decides; it does not end before here.
    paragraph_end_from: Option<usize>,
}

/// Whether more text may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterStage {
    Growing,
    Complete,
}

impl LeftoverFilter {
    /// Takes in a text that has grown, and adds to `out` what is decided of it.
    pub fn push(&mut self, text: &str, stage: FilterStage, out: &mut String) {
        let from = super::undecided_from(&text[..self.read_bytes], &self.forms);
        work::count_steps(text.len() - from);
        self.forms.truncate(self.forms.partition_point(|form| form.range.start < from));
        self.forms.extend(super::find_leftovers(text, from));
        self.read_bytes = text.len();
        let end = match stage {
            FilterStage::Growing => self.undecided_end(text),
            FilterStage::Complete => text.len(),
        };
        while let Some(form) = self.forms.get(self.next_form).cloned() {
            let hidden = super::range_with_blanks(text, &form.range);
            let is_over = stage == FilterStage::Complete || form.is_complete && hidden.end < text.len();
            let is_code = if is_over { self.is_in_code(text, &form.range, stage) } else { None };
            let Some(is_code) = is_code else { return self.pass(text, hidden.start.min(end), out) };
            if form.is_complete && !is_code {
                self.pass(text, hidden.start, out);
                self.done_bytes = hidden.end;
            }
            self.next_form += 1;
        }
        self.pass(text, end, out);
    }

    fn pass(&mut self, text: &str, end: usize, out: &mut String) {
        if end > self.done_bytes {
            out.push_str(&text[self.done_bytes..end]);
            self.done_bytes = end;
        }
    }

    /// Returns where the text ends that no form can claim any more.
    fn undecided_end(&self, text: &str) -> usize {
        let tail = text.floor_char_boundary(text.len().saturating_sub(CONTENT_REFERENCE.len()));
        let behind = self.forms.last().map(|form| form.range.end);
        let mut previous = text[..tail].chars().next_back();
        let begins = |(at, char): (usize, char)| {
            let before = previous.replace(char).filter(|_| behind != Some(tail + at));
            (can_begin_form(char, before) && is_opening(&text[tail + at..])).then_some(tail + at)
        };
        let begin = text[tail..].char_indices().find_map(begins).unwrap_or(text.len());
        // The blanks before a form are part of it.
        text[..begin].trim_end_matches(' ').len()
    }

    /// Whether a form is in code; `None` while that depends on what comes.
    fn is_in_code(&mut self, text: &str, form: &Range<usize>, stage: FilterStage) -> Option<bool> {
        if self.paragraph_end_from.is_none() {
            if self.has_code_at(text, form.start, form.end) {
                return Some(true);
            }
            let block = &text[self.block_start..form.start];
            if !block[block.rfind("\n\n").unwrap_or(0)..].contains('`') {
                return Some(false);
            }
        }
        let from = self.paragraph_end_from.unwrap_or(form.end);
        work::count_steps(text.len() - from);
        let end = match (memchr::memmem::find(&text.as_bytes()[from..], b"\n\n"), stage) {
            (Some(blank), _) => from + blank,
            (None, FilterStage::Complete) => text.len(),
            (None, FilterStage::Growing) => {
                self.paragraph_end_from = Some(from.max(text.floor_char_boundary(text.len() - 1)));
                return None;
            }
        };
        self.paragraph_end_from = None;
        Some(self.has_code_at(text, form.start, end))
    }

    /// Whether there is code at a position, by the text up to `end`.
    fn has_code_at(&mut self, text: &str, at: usize, end: usize) -> bool {
        work::count_steps(end - self.block_start);
        let (mut depth, mut block_start, mut is_code) = (0_usize, self.block_start, false);
        for (event, range) in Parser::new(&text[self.block_start..end]).into_offset_iter() {
            let range = self.block_start + range.start..self.block_start + range.end;
            match event {
                Event::Start(ref tag) => {
                    let begins_block = depth == 0 || depth == 1 && matches!(tag, Tag::Item);
                    if begins_block && range.start <= at {
                        block_start = range.start;
                    }
                    depth += 1;
                    is_code |= matches!(tag, Tag::CodeBlock(_)) && range.contains(&at);
                }
                Event::End(_) => depth -= 1,
                Event::Code(_) => is_code |= range.contains(&at),
                _ => (),
            }
        }
        self.block_start = text[..block_start].rfind('\n').map_or(0, |line_end| line_end + 1);
        is_code
    }
}

/// Whether a text may be the beginning of a form.
fn is_opening(text: &str) -> bool {
    let private = PRIVATE_START.to_string();
    let words = ["【", "[", "turn", &private, CONTENT_REFERENCE, OAI_CITATION];
    words.into_iter().chain(CITE_WORDS).any(|word| word.starts_with(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{citations::leftovers::without_leftovers, text::work};

    /// Passes a text on in pieces; returns what was passed on after each.
    fn passed(pieces: &[&str]) -> Vec<String> {
        let (mut filter, mut text, mut out) = (LeftoverFilter::default(), String::new(), String::new());
        let mut all: Vec<String> = Vec::new();
        for piece in pieces {
            text.push_str(piece);
            filter.push(&text, FilterStage::Growing, &mut out);
            all.push(out.clone());
        }
        filter.push(&text, FilterStage::Complete, &mut out);
        all.push(out);
        all
    }

    #[test]
    fn only_what_may_become_a_form_is_held_back() {
        assert_eq!(
            passed(&["Rome ", "is ", "old", " 【4", "†source】", ".", " Tu", "rn"]),
            [
                "Rome",
                "Rome is",
                "Rome is old",
                "Rome is old",
                "Rome is old",
                "Rome is old.",
                "Rome is old. Tu",
                "Rome is old. Turn",
                "Rome is old. Turn"
            ]
        );
        assert_eq!(passed(&["a t", "urn", "ip ci", "ty"]), ["a", "a", "a turnip", "a turnip city", "a turnip city"]);
        let code = passed(&["an `x 【4†source】 and", " more` so", "\n\nb"]);
        assert_eq!(
            code,
            ["an `x", "an `x", "an `x 【4†source】 and more` so\n\nb", "an `x 【4†source】 and more` so\n\nb"]
        );
    }

    proptest! {
        #[test]
        fn what_was_passed_on_is_a_beginning_of_the_text_without_leftovers(
            pieces in prop::collection::vec("【|】|4|:|†|source|cite|file|turn|0|search|1|\u{e200}|\u{e201}|\u{e202}|\\[|\\]| |日|\n|`|```\n|- |    |oai_citation:|‡|:contentReference\\[oaicite:|\\}", 0..24),
        ) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let whole = without_leftovers(&pieces.concat()).into_owned();
            let all = passed(&pieces);
            for out in &all {
                prop_assert!(whole.starts_with(out), "{out:?} is no beginning of {whole:?}");
            }
            prop_assert_eq!(all.last(), Some(&whole));
        }
    }

    #[test]
    fn a_text_of_forms_is_filtered_in_linear_time() {
        for (start, block) in [
            ("", "Rome is old 【4†source】.\n\n"),
            ("", "- `a` citeturn0search1\n\n"),
            ("", "word after word "),
            ("an `x` 【4†source】 and ", "word after word "),
        ] {
            let text = |size: usize| start.to_owned() + &block.repeat(size / block.len());
            work::assert_linear(block, 3000, text, |text| {
                let (mut filter, mut out) = (LeftoverFilter::default(), String::new());
                for end in (0..text.len()).step_by(7).map(|end| text.floor_char_boundary(end)) {
                    filter.push(&text[..end], FilterStage::Growing, &mut out);
                }
            });
        }
    }
}
