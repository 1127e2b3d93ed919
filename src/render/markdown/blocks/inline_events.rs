//! The text of paragraphs, headings and cells.

use std::ops::Range;

use ratatui::style::Modifier;

use super::{LeafKind, MarkdownVisitor, links::OpenLink};
use crate::{
    render::{
        markdown::{
            formulas::{self, FormulaPlace, FormulaText},
            inline::{InlineText, RunStyle},
        },
        maths,
        row::TextStyle,
        source_map::SourceKind,
        theme::ColourRole,
    },
    text,
};

/// What stays on the row of a formula before it.
const FORMULA_PUNCTUATION: [char; 8] = ['.', ',', ';', ':', '!', '?', '。', '，'];

impl MarkdownVisitor<'_> {
    pub(crate) fn on_text(&mut self, words: &str, range: Range<usize>) {
        if let Some(code) = &mut self.code_block {
            code.push(words, &range, self.input.source);
            self.drop_marks_until(range.end);
            return;
        }
        // As written, in case it was taken for a formula first.
        let words = if range.len() == words.len() { &self.input.source[range.clone()] } else { words };
        if range.len() != words.len() {
            self.place_marks_until(range.start);
            self.put_text(words, self.current_style(), range);
            return;
        }
        let mut from = range.start;
        for hidden in self.hidden_in(&range).collect::<Vec<_>>() {
            let (start, end) = (hidden.start.max(from), hidden.end.min(range.end));
            self.put_with_links(&words[from - range.start..start - range.start], from);
            from = end.max(from);
            if hidden.end <= range.end {
                self.place_marks_until(from);
            }
        }
        self.put_with_links(&words[from - range.start..], from);
    }

    /// Adds text that is in the source verbatim from `start` on, with its bare addresses as links.
    fn put_with_links(&mut self, words: &str, start: usize) {
        let is_plain = self.links.is_empty() && self.images.is_empty();
        let mut from = 0;
        for bare in text::link::find_addresses(words).into_iter().filter(|_| is_plain) {
            self.put_with_marks(&words[from..bare.start], start + from);
            self.push_bare_link(&words[bare.clone()], start + bare.start);
            from = bare.end;
        }
        self.put_with_marks(&words[from..], start + from);
    }

    /// Adds an address in running text as a link to itself.
    fn push_bare_link(&mut self, words: &str, start: usize) {
        let address = if words.starts_with("www.") { format!("http://{words}") } else { words.to_owned() };
        let style = TextStyle { role: ColourRole::Link, ..self.current_style() }.with_modifiers(Modifier::UNDERLINED);
        self.styles.push(style);
        let range = start..start + words.len();
        self.links.push(OpenLink { target: Some(address.into()), shown_address: None, mark: None, range });
        self.put_with_marks(words, start);
        self.links.pop();
        self.styles.pop();
    }

    /// Adds text that is in the source verbatim from `start` on, with marks where their claims end.
    fn put_with_marks(&mut self, words: &str, start: usize) {
        if words.is_empty() {
            return;
        }
        let end = start + words.len();
        self.place_marks_until(start);
        let mut from = start;
        while let Some(point) = self.next_mark_pos(end).filter(|point| *point > from) {
            self.put_text(&words[from - start..point - start], self.current_style(), from..point);
            self.place_marks_until(point);
            from = point;
        }
        self.put_text(&words[from - start..], self.current_style(), from..end);
    }

    pub(crate) fn on_inline_code(&mut self, words: &str, range: Range<usize>) {
        let style = TextStyle {
            role: if self.links.is_empty() { ColourRole::Text } else { ColourRole::Link },
            ..self.current_style()
        }
        .on_background(ColourRole::Surface);
        self.place_marks_until(range.start);
        let inside = code_inside(self.input.source, words, &range);
        let sign = if self.input.options.plain_code { "`" } else { "" };
        self.put_inserted(sign, style, range.start);
        self.put_text(words, style, inside.clone());
        self.put_inserted(sign, style, inside.end);
        self.place_marks_until(range.end);
    }

    /// Adds text that shows a range of the source.
    pub(crate) fn put_text(&mut self, words: &str, style: TextStyle, range: Range<usize>) {
        let is_verbatim = self.input.source.get(range.clone()) == Some(words);
        self.put_run(words, style, range, if is_verbatim { SourceKind::Verbatim } else { SourceKind::Rewritten });
    }

    /// Adds text that is not in the source at that place, such as a backtick or the address of a link.
    pub(crate) fn put_inserted(&mut self, words: &str, style: TextStyle, place: usize) {
        self.put_run(words, style, place..place, SourceKind::Inserted);
    }

    pub(super) fn put_run(&mut self, words: &str, style: TextStyle, range: Range<usize>, kind: SourceKind) {
        if self.skipped_link.as_ref().is_some_and(|skip| range.start < skip.end) {
            return;
        }
        if let Some(image) = self.images.last_mut() {
            image.push_alt(words, &range);
            return;
        }
        let (mut words, mut range) = (words, range);
        let begins = self.inline.as_ref().is_some_and(|inline| inline.text.ends_with('\n'));
        if begins
            && words.len() == range.len()
            && words != "\n"
            && matches!(self.leaf, LeafKind::Text | LeafKind::Heading(_))
        {
            // A space after a line break does not belong to the next row.
            let trimmed = words.trim_start_matches(' ');
            range.start += words.len() - trimmed.len();
            words = trimmed;
        }
        if matches!(self.leaf, LeafKind::Formula) {
            // Punctuation stays on the row of the formula before it; the text after it begins a new row.
            let punctuation_end = words.len() - words.trim_start_matches(FORMULA_PUNCTUATION).len();
            let punctuation = range.start..range.start + punctuation_end.min(range.len());
            self.push_text(&words[..punctuation_end], style, punctuation, kind);
            if words[punctuation_end..].trim().is_empty() {
                return;
            }
            let begins = words.len() - words[punctuation_end..].trim_start().len();
            range.start += begins.min(range.len());
            words = &words[begins..];
            self.end_leaf(range.start);
            self.needs_gap = true;
        }
        self.push_text(words, style, range, kind);
    }

    /// Adds a formula, inline or on its own rows.
    pub(crate) fn on_formula(&mut self, latex: &str, range: Range<usize>) {
        let written = &self.input.source[range.clone()];
        let next_char = self.input.source[range.end..].chars().next();
        let place = self.formula_place(written, &range);
        let formula = formulas::formula_text(latex, written, next_char, place, &self.input.options.marks);
        if matches!(formula, FormulaText::PlainText) || !self.images.is_empty() {
            self.on_text(written, range);
            return;
        }
        self.place_marks_until(range.start);
        if self.skipped_link.as_ref().is_some_and(|skip| range.start < skip.end) {
            return;
        }
        let has_own_rows = matches!(place, FormulaPlace::Display { .. }) || matches!(formula, FormulaText::OwnRows(_));
        if has_own_rows {
            self.inline.iter_mut().for_each(InlineText::trim_end);
            self.end_leaf(range.start);
            self.needs_gap |= !self.out.rows.is_empty() && range.start > self.paragraph_range.start;
            self.leaf = LeafKind::Formula;
        }
        match &formula {
            FormulaText::InLine(words) | FormulaText::OwnRows(words) => {
                self.push_text(words, self.current_style(), range.clone(), SourceKind::StandIn);
            }
            FormulaText::Latex | FormulaText::PlainText => self.push_latex(range.clone(), has_own_rows),
        }
        self.place_marks_until(range.end);
    }

    /// Adds LaTeX as it is written.
    fn push_latex(&mut self, range: Range<usize>, has_own_rows: bool) {
        let written = &self.input.source[range.clone()];
        let start = self.inline.as_ref().map_or(0, |inline| inline.text.len());
        let latex = as_written(written, has_own_rows);
        let is_verbatim = latex == written && !latex.contains('\n');
        let kind = if is_verbatim { SourceKind::Verbatim } else { SourceKind::StandIn };
        self.push_text(&latex, self.current_style().on_background(ColourRole::Surface), range, kind);
        let delimiter_len = if written.starts_with("$$") || written.starts_with('\\') { 2 } else { 1 };
        self.inline.get_or_insert_default().glue_delimiters(start, delimiter_len);
    }

    fn formula_place(&self, written: &str, range: &Range<usize>) -> FormulaPlace {
        let can_have_rows = self.table.is_none()
            && self.links.is_empty()
            && self.images.is_empty()
            && matches!(self.leaf, LeafKind::Text | LeafKind::Formula);
        let width = self.available_width().saturating_sub(self.formula_indent());
        let environment = formulas::environment_name(written, r"\begin{");
        let is_display = written.starts_with("$$")
            || written.starts_with(r"\[")
            || environment.is_some_and(maths::is_display_environment);
        if !can_have_rows {
            FormulaPlace::InText
        } else if is_display {
            FormulaPlace::Display { width }
        } else if self.is_whole_paragraph(range) {
            FormulaPlace::Paragraph { width }
        } else {
            FormulaPlace::InText
        }
    }

    fn is_whole_paragraph(&self, range: &Range<usize>) -> bool {
        let paragraph = &self.paragraph_range;
        paragraph.start == range.start
            && self
                .input
                .source
                .get(range.end..paragraph.end)
                .is_some_and(|rest| rest.trim_end().trim_matches(FORMULA_PUNCTUATION).is_empty())
    }

    pub(super) fn push_text(&mut self, words: &str, ink: TextStyle, range: Range<usize>, kind: SourceKind) {
        let link = self.links.last().and_then(|link| link.target.clone());
        let claim = self.input.highlighted.as_ref().map_or(0..0, |lit| lit.claim.clone());
        let inline = self.inline.get_or_insert_default();
        let lit = ink.on_background(ColourRole::Mark);
        if kind != SourceKind::Verbatim {
            let style = if range.start < claim.end && claim.start < range.end { lit } else { ink };
            inline.push(words, &RunStyle { style, link: link.as_ref() }, range, kind);
            return;
        }
        let (start, end) = (claim.start.clamp(range.start, range.end), claim.end.clamp(range.start, range.end));
        for (from, to, style) in [(range.start, start, ink), (start, end, lit), (end, range.end, ink)] {
            let style = RunStyle { style, link: link.as_ref() };
            inline.push(&words[from - range.start..to - range.start], &style, from..to, kind);
        }
    }
}

/// Returns LaTeX that could not be converted, in its own lines or joined into one.
fn as_written(latex: &str, keep_lines: bool) -> String {
    let lines = latex.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end());
    lines.collect::<Vec<_>>().join(if keep_lines { "\n" } else { " " })
}

/// Returns where the text of inline code is between its backticks.
fn code_inside(source: &str, words: &str, code: &Range<usize>) -> Range<usize> {
    let marks = source[code.clone()].bytes().take_while(|byte| *byte == b'`').count();
    let inside = code.start + marks..code.end.saturating_sub(marks).max(code.start + marks);
    // A space inside the backticks may only separate them from the code.
    let blank = inside.start + 1..(inside.end.max(inside.start + 2) - 1).min(inside.end);
    [inside.clone(), blank].into_iter().find(|range| source.get(range.clone()) == Some(words)).unwrap_or(inside)
}
