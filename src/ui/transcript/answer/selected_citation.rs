//! The selected citation: its highlight in the text, and its card below the text that it supports.

use super::{AnswerPart, MessageSection, PartKey, PartKind, SectionBuilder, SectionRows};
use crate::{
    citations::{annotations::TextPartId, check::CheckQuestion},
    render::row::{RowKind, StyledRow},
    ui::transcript::{CitationTarget, CursorTarget, source_card::SourceCard},
};

impl SectionBuilder<'_> {
    /// The citation of this answer that the cursor is on.
    pub(crate) fn selected_citation(&self) -> Option<CitationTarget> {
        match self.context.target? {
            CursorTarget::Citation(citation) => Some(citation),
            CursorTarget::Message
            | CursorTarget::Reasoning(_)
            | CursorTarget::Call(_)
            | CursorTarget::OtherItem(_)
            | CursorTarget::Details(..)
            | CursorTarget::Code(_) => None,
        }
    }

    /// The selected annotation, if it belongs to this text.
    pub(crate) fn selected_annotation(&self, text: TextPartId) -> Option<usize> {
        match self.selected_citation()? {
            CitationTarget::Mark { place, annotation } if place == text => Some(annotation),
            CitationTarget::Mark { .. } | CitationTarget::Entry(_) => None,
        }
    }

    /// The rows of a text; an open source card follows the paragraph with its mark.
    pub(crate) fn push_text_rows(&mut self, part: &AnswerPart, place: TextPartId, rows: usize) {
        let gap = self.gap_above_text();
        let of = |range| SectionRows::OfText(place, range);
        let Some(end) = self
            .selected_annotation(place)
            .filter(|_| self.context.citation_state.is_open)
            .and_then(|it| self.paragraph_end(place, it))
        else {
            self.sections.push(MessageSection { gap, ..MessageSection::new(part, of(0..rows)) });
            return;
        };
        self.sections.push(MessageSection { gap, ..MessageSection::new(part, of(0..end)) });
        self.push_source_card();
        if end < rows {
            let is_apart = self.laid.texts.get(&place).is_some_and(|text| text.rows()[end].kind == RowKind::Blank);
            let gap_below = usize::from(!is_apart);
            // Its rows keep the numbers that they would have without the card.
            self.sections.push(MessageSection {
                gap: gap_below,
                rows_above: gap + end - gap_below,
                ..MessageSection::new(part, of(end..rows))
            });
        }
    }

    /// The row after the paragraph, list item or table that contains a mark.
    fn paragraph_end(&self, place: TextPartId, annotation: usize) -> Option<usize> {
        let rows = self.laid.texts.get(&place)?.rows();
        let has_mark = |row: &StyledRow| {
            row.spans.iter().any(|span| span.citation().is_some_and(|cited| cited.annotation == Some(annotation)))
        };
        let mark = rows.iter().position(has_mark)?;
        let is_continued = |at: usize| {
            let is_table = |row: &StyledRow| row.kind == RowKind::Table;
            rows[at].is_continued() || is_table(&rows[at]) && rows.get(at + 1).is_some_and(is_table)
        };
        let last = (mark..rows.len()).find(|at| !is_continued(*at))?;
        Some(last + 1)
    }

    /// The card of the selected source, if it is open.
    pub(crate) fn push_source_card(&mut self) {
        let Some(citation) = self.selected_citation().filter(|_| self.context.citation_state.is_open) else { return };
        let citations = &self.laid.citations;
        let (number, from) = match citation {
            CitationTarget::Entry(number) => (Some(number), None),
            CitationTarget::Mark { place, annotation } => {
                (citations.source_number(place, annotation), Some((place, annotation)))
            }
        };
        let Some(source) = citations.sources().iter().find(|source| Some(source.number) == number) else { return };
        let claims = citations.claims(source.number, self.answer);
        let question = CheckQuestion::new(source, &claims);
        let state = &self.context.citation_state;
        let card = SourceCard {
            source,
            claims: &claims,
            opened_from: from,
            question: question.as_ref(),
            check: question.as_ref().and_then(|question| state.checks.get(self.message.id, &question.source)),
            browse_command: state
                .unopened_page
                .as_ref()
                .filter(|(url, _)| source.url.as_ref() == Some(url))
                .map(|(_, command)| command.as_str()),
            now: self.context.now,
            keymap: &self.layout.options.keymap,
            zone: &self.layout.options.zone,
            marks: &self.layout.options.look.marks,
        };
        let rows = SectionRows::Owned(card.rows(self.layout.width));
        let key = PartKey::new(PartKind::SourceCard);
        self.sections.push(MessageSection { gap: 1, ..MessageSection::with_key(key, rows) });
    }
}
