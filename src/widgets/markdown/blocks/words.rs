//! The words of paragraphs, headings and cells.

use std::{ops::Range, sync::Arc};

use ratatui::style::Modifier;

use super::{Layout, Leaf, links::Link};
use crate::{
    text,
    widgets::{
        markdown::{
            formulas::{self, Formula},
            inline::Style,
        },
        row::Ink,
        theme::Role,
    },
};

impl Layout<'_> {
    pub(super) fn words(&mut self, words: &str, range: Range<usize>) {
        if let Some(code) = &mut self.code {
            code.push(words, &range);
            self.drop_marks(range.end);
            return;
        }
        // As it was written, should it have been taken for a formula first.
        let words = if range.len() == words.len() { &self.page.source[range.clone()] } else { words };
        if range.len() != words.len() {
            self.cite_until(range.start);
            self.put(words, self.ink(), range);
            return;
        }
        let is_plain = self.links.is_empty() && self.images.is_empty();
        let mut from = 0;
        for bare in text::link::bare(words).into_iter().filter(|_| is_plain) {
            self.cited_words(&words[from..bare.start], range.start + from);
            self.bare_link(&words[bare.clone()], range.start + bare.start);
            from = bare.end;
        }
        self.cited_words(&words[from..], range.start + from);
    }

    /// An address among words is a link to itself.
    fn bare_link(&mut self, words: &str, start: usize) {
        let address = if words.starts_with("www.") { format!("http://{words}") } else { words.to_owned() };
        let ink = Ink { role: Role::Link, ..self.ink() }.with(Modifier::UNDERLINED);
        self.inks.push(ink);
        let range = start..start + words.len();
        self.links.push(Link { target: Some(address.into()), shown: None, mark: None, range });
        self.cited_words(words, start);
        self.links.pop();
        self.inks.pop();
    }

    /// Words as they were written from that place on; marks go in where their claims end.
    fn cited_words(&mut self, words: &str, start: usize) {
        if words.is_empty() {
            return;
        }
        let end = start + words.len();
        self.cite_until(start);
        let mut from = start;
        while let Some(point) = self.next_mark(end).filter(|point| *point > from) {
            self.put(&words[from - start..point - start], self.ink(), from..point);
            self.cite_until(point);
            from = point;
        }
        self.put(&words[from - start..], self.ink(), from..end);
    }

    pub(super) fn inline_code(&mut self, words: &str, range: Range<usize>) {
        let ink =
            Ink { role: if self.links.is_empty() { Role::Text } else { Role::Link }, ..self.ink() }.on(Role::Surface);
        self.cite_until(range.start);
        if self.page.look.plain_code {
            let inside = code_within(self.page.source, words, &range);
            let sign = Ink { is_aside: true, ..ink };
            self.put("`", sign, range.start..inside.start);
            self.put(words, ink, inside.clone());
            self.put("`", sign, inside.end..range.end);
        } else {
            self.put(words, ink, range.clone());
        }
        self.cite_until(range.end);
    }

    pub(super) fn html(&mut self, words: &str, range: Range<usize>) {
        let line_break = matches!(self.leaf, Leaf::Text | Leaf::Heading(_))
            && matches!(words.to_ascii_lowercase().as_str(), "<br>" | "<br/>" | "<br />");
        if line_break {
            self.put("\n", self.ink(), range);
        } else {
            self.put(words, Ink { role: Role::Muted, ..self.ink() }, range);
        }
    }

    pub(super) fn soft_break(&mut self, range: Range<usize>) {
        let next = self.page.source[range.end..].trim_start_matches([' ', '>']).chars().next();
        let before = self.inline.as_ref().and_then(|inline| inline.text.chars().next_back());
        // Between two ideographs a line end is no space.
        let joined = before.zip(next).is_some_and(|(before, next)| is_ideograph(before) && is_ideograph(next));
        if !joined {
            self.put(" ", self.ink(), range);
        }
    }

    pub(super) fn put(&mut self, words: &str, ink: Ink, range: Range<usize>) {
        if self.skip.as_ref().is_some_and(|skip| range.start < skip.end) {
            return;
        }
        if let Some(image) = self.images.last_mut() {
            image.alt.push_str(words);
            return;
        }
        let (mut words, mut range) = (words, range);
        let begins = self.inline.as_ref().is_some_and(|inline| inline.text.ends_with('\n'));
        if begins && words.len() == range.len() && words != "\n" && matches!(self.leaf, Leaf::Text | Leaf::Heading(_)) {
            // A blank behind a break is none of the next row.
            let kept = words.trim_start_matches(' ');
            range.start += words.len() - kept.len();
            words = kept;
        }
        if matches!(self.leaf, Leaf::Formula) {
            // The full stop of the sentence stays with its formula; what follows begins a row.
            let stop = words.len() - words.trim_start_matches(['.', ',', ';', ':', '!', '?', '。', '，']).len();
            self.push(&words[..stop], ink, None, range.start..range.start + stop.min(range.len()));
            if words[stop..].trim().is_empty() {
                return;
            }
            let begins = words.len() - words[stop..].trim_start().len();
            range.start += begins.min(range.len());
            words = &words[begins..];
            self.end_leaf(range.start);
            self.gap = true;
        }
        self.push(words, ink, None, range);
    }

    /// A formula: in the line, or on rows of its own.
    pub(super) fn formula(&mut self, latex: &str, range: Range<usize>) {
        let written = &self.page.source[range.clone()];
        let behind = self.page.source[range.end..].chars().next();
        let formula = formulas::read(latex, written, behind);
        if matches!(formula, Formula::Words) || !self.images.is_empty() {
            self.words(written, range);
            return;
        }
        self.cite_until(range.start);
        if self.skip.as_ref().is_some_and(|skip| range.start < skip.end) {
            return;
        }
        let display = written.starts_with("$$") || written.starts_with(r"\[");
        let own_rows =
            display && self.table.is_none() && self.links.is_empty() && matches!(self.leaf, Leaf::Text | Leaf::Formula);
        if own_rows {
            self.end_leaf(range.start);
            self.gap |= !self.out.rows.is_empty() && range.start > self.paragraph.start;
            self.leaf = Leaf::Formula;
        }
        if let Formula::Unicode(words) = &formula
            && (own_rows || !words.contains('\n'))
        {
            self.push(words, self.ink(), Some(written.into()), range.clone());
        } else {
            let start = self.inline.as_ref().map_or(0, |inline| inline.text.len());
            let latex = as_written(written, own_rows);
            self.push(&latex, self.ink().on(Role::Surface), Some(written.into()), range.clone());
            let sign = if written.starts_with("$$") || written.starts_with('\\') { 2 } else { 1 };
            self.inline.get_or_insert_default().glue_signs(start, sign);
        }
        self.cite_until(range.end);
    }

    fn push(&mut self, words: &str, ink: Ink, copied: Option<Arc<str>>, range: Range<usize>) {
        let target = self.links.last().and_then(|link| link.target.clone());
        let claim = self.page.lit.as_ref().map_or(0..0, |lit| lit.claim.clone());
        let inline = self.inline.get_or_insert_default();
        if range.len() != words.len() || copied.is_some() {
            let ink = if range.start < claim.end && claim.start < range.end { ink.on(Role::Mark) } else { ink };
            inline.push(words, &Style { ink, link: target.as_ref(), copied }, range);
            return;
        }
        let (start, end) = (claim.start.clamp(range.start, range.end), claim.end.clamp(range.start, range.end));
        for (from, to, ink) in [(range.start, start, ink), (start, end, ink.on(Role::Mark)), (end, range.end, ink)] {
            if from < to {
                let style = Style { ink, link: target.as_ref(), copied: None };
                inline.push(&words[from - range.start..to - range.start], &style, from..to);
            }
        }
    }
}

/// LaTeX that stays LaTeX: in its lines, or in one.
fn as_written(latex: &str, in_lines: bool) -> String {
    let lines = latex.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end());
    lines.collect::<Vec<_>>().join(if in_lines { "\n" } else { " " })
}

pub(in crate::widgets::markdown) fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{2e80}'..='\u{303f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

/// Where the words of inline code stand between its marks.
fn code_within(source: &str, words: &str, code: &Range<usize>) -> Range<usize> {
    let marks = source[code.clone()].bytes().take_while(|byte| *byte == b'`').count();
    let inside = code.start + marks..code.end.saturating_sub(marks).max(code.start + marks);
    // A blank behind the marks keeps them apart from what is code.
    let blank = inside.start + 1..(inside.end.max(inside.start + 2) - 1).min(inside.end);
    [inside.clone(), blank].into_iter().find(|range| source.get(range.clone()) == Some(words)).unwrap_or(inside)
}
