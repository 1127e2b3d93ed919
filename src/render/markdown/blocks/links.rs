//! Links and citation marks.

use crate::citations::annotations::CitationMark;
use std::{ops::Range, sync::Arc};

use ratatui::style::Modifier;

use super::MarkdownVisitor;
use crate::{
    citations::{annotations, check::CheckVerdict},
    render::{
        markdown::inline::StyledMark,
        row::{CitationRef, TextStyle},
        theme::ColourRole,
    },
    text,
};

/// A link whose text is being parsed.
pub(crate) struct OpenLink {
    pub target: Option<Arc<str>>,
    /// The address, shown after the text if the text does not contain it and nothing else leads there.
    pub shown_address: Option<String>,
    pub mark: Option<(usize, bool)>,
    pub range: Range<usize>,
}

impl MarkdownVisitor<'_> {
    pub(crate) fn start_link(&mut self, address: &str, range: Range<usize>) {
        self.place_marks_until(range.start);
        let mark = self.mark_of_link(address, &range);
        if let Some(at) = mark {
            self.placed_marks[at] = true;
        }
        let is_cited_by_server =
            |at: usize| self.input.citation_marks[at].cited.as_ref().is_some_and(|cited| cited.is_from_server);
        let replaced = mark.is_some_and(|at| {
            is_cited_by_server(at) || annotations::only_names_address(&self.input.source[range.clone()])
        });
        let is_hidden = self.hidden_at(range.start).is_some_and(|hidden| hidden.end >= range.end);
        if replaced || is_hidden {
            self.skipped_link = Some(range.clone());
        }
        let target = text::clean(address);
        let can_open = text::link::can_open(&target);
        let style = if can_open {
            TextStyle { role: ColourRole::Link, ..self.current_style() }.with_modifiers(Modifier::UNDERLINED)
        } else {
            self.current_style()
        };
        self.styles.push(style);
        let words = self.input.source[range.clone()].get(1..).unwrap_or_default();
        let is_in_text = [address, target.trim_start_matches("mailto:")]
            .iter()
            .any(|said| words.strip_prefix(said).is_some_and(|rest| rest.starts_with(['>', ']'])));
        let shows_address =
            !is_in_text && !is_hidden && (!can_open || self.input.options.shows_addresses && mark.is_none());
        let shown = shows_address.then(|| target.trim_start_matches("mailto:").to_owned());
        let target = can_open.then(|| Arc::from(&*target));
        let bracket = range.start..range.start + 1;
        let is_numbered = self.is_numbered_reference(&range);
        self.links.push(OpenLink { target, shown_address: shown, mark: mark.map(|at| (at, replaced)), range });
        if is_numbered {
            self.put_text("[", self.current_style(), bracket);
        }
    }

    /// Whether a link is a number in brackets, which are shown.
    fn is_numbered_reference(&self, range: &Range<usize>) -> bool {
        let inside = self.input.source[range.clone()].strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inside.is_some_and(|inside| !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit()))
    }

    pub(crate) fn end_link(&mut self) {
        if let Some(range) = self.links.last().map(|link| link.range.clone())
            && self.is_numbered_reference(&range)
        {
            self.put_text("]", self.current_style(), range.end - 1..range.end);
        }
        self.styles.pop();
        let Some(link) = self.links.pop() else { return };
        if let Some(address) = link.shown_address.filter(|address| !address.is_empty()) {
            let muted = TextStyle { role: ColourRole::Muted, ..self.current_style() };
            self.put_inserted(&format!(" {address}"), muted, link.range.end);
        }
        let Some((index, replaced)) = link.mark else { return };
        self.skipped_link = None;
        let source = if replaced { link.range } else { link.range.end..link.range.end };
        let Some(mark) = self.styled_mark(index) else { return };
        self.inline.get_or_insert_default().push_mark(&mark, source);
    }

    /// Returns a citation mark and its style; `None` if it only hides something.
    fn styled_mark(&self, index: usize) -> Option<StyledMark> {
        let cited = self.input.citation_marks[index].cited.as_ref()?;
        let is_lit = self.input.highlighted.as_ref().is_some_and(|lit| lit.annotation_index == cited.annotation_index);
        let style = if is_lit { TextStyle::SELECTED_CITATION } else { TextStyle::of(ColourRole::Accent) };
        let verdict = cited.verdict.map(|verdict| {
            let role = if verdict == CheckVerdict::NotFound { ColourRole::Error } else { ColourRole::Muted };
            (self.input.options.marks.verdict(verdict), TextStyle::of(role))
        });
        let cited = CitationRef { number: cited.number, annotation: Some(cited.annotation_index) };
        Some(StyledMark { cited, style, verdict })
    }

    /// Returns the index of the citation that a link belongs to.
    fn mark_of_link(&self, address: &str, range: &Range<usize>) -> Option<usize> {
        let key = annotations::address_key(address);
        let near = |mark: &CitationMark| mark.range.start + 4 >= range.start && mark.range.end <= range.end + 4;
        self.input.citation_marks.iter().enumerate().position(|(at, mark)| {
            !self.placed_marks[at]
                && mark.range.start < range.end
                && range.start < mark.range.end
                && mark.cited.as_ref().is_some_and(|cited| *cited.key == *key || cited.is_from_server && near(mark))
        })
    }

    /// Returns the hidden range that contains a position.
    pub(crate) fn hidden_at(&self, position: usize) -> Option<Range<usize>> {
        self.hidden_in(&(position..position + 1)).next()
    }

    /// Returns the hidden ranges that overlap another, in order.
    pub(crate) fn hidden_in(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (start, end) = (range.start, range.end);
        let hidden = self.input.citation_marks.iter().filter(|mark| mark.cited.is_none()).map(|mark| &mark.range);
        hidden.filter(move |hidden| hidden.start < end && start < hidden.end).cloned()
    }

    /// Returns where the next claim without a link ends, up to `end`.
    pub(crate) fn next_mark_pos(&self, end: usize) -> Option<usize> {
        self.pending_marks().map(|(_, mark)| mark.insert_at).find(|point| *point <= end)
    }

    fn pending_marks(&self) -> impl Iterator<Item = (usize, &CitationMark)> {
        self.input.citation_marks.iter().enumerate().filter(|(at, _)| !self.placed_marks[*at])
    }

    /// Places the marks of all claims that end by `end`; those inside an image come after it.
    pub(crate) fn place_marks_until(&mut self, end: usize) {
        while self.images.is_empty() {
            let due =
                self.pending_marks().find(|(_, mark)| mark.insert_at <= end).map(|(at, mark)| (at, mark.insert_at));
            let Some((at, point)) = due else { return };
            self.placed_marks[at] = true;
            let Some(mark) = self.styled_mark(at) else { continue };
            // Never at the start of a paragraph, nor inside a link whose text is not shown.
            if let Some(inline) = self.inline.as_mut().filter(|inline| !inline.is_empty()) {
                inline.push_mark(&mark, point..point);
            }
        }
    }

    /// Drops the marks up to `end`, which would be inside code.
    pub(crate) fn drop_marks_until(&mut self, end: usize) {
        for (at, mark) in self.input.citation_marks.iter().enumerate() {
            self.placed_marks[at] |= mark.insert_at <= end;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{
        markdown::{MarkdownLayout, MarkdownOptions, TextStage},
        row::StyledRow,
    };

    #[test]
    fn without_terminal_links_the_address_follows_the_text() {
        let text = "See [the *guide*](https://x.example/guide \"t\"), <https://y.example>, [https://z.example](https://z.example), \
            [mail](mailto:a@x.example), <b@x.example>, www.w.example and [no](javascript:alert).";
        let look = MarkdownOptions { shows_addresses: true, ..MarkdownOptions::default() };
        let mut layout = MarkdownLayout::new(look);
        layout.sync(text, 200, TextStage::Complete, &[]);
        let rows: Vec<String> = layout.rows().iter().map(StyledRow::text).collect();
        assert_eq!(
            rows,
            [
                "See the guide https://x.example/guide, https://y.example, https://z.example, mail a@x.example, b@x.example, \
                www.w.example and no javascript:alert."
            ]
        );
        for width in 1..60 {
            layout.sync(text, width, TextStage::Complete, &[]);
            assert!(layout.rows().iter().all(|row| row.width() <= width));
            assert_eq!(layout.rows().last().map(|row| row.source.end), Some(text.len()));
        }
    }
}
