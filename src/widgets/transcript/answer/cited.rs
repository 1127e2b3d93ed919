//! The citation that is looked at: its light in the text, and its card below the words that it supports.

use super::{Builder, Part, Rows, Section};
use crate::widgets::{
    citation::Place,
    row::{Row, RowKind},
    source_card::SourceCard,
    transcript::{Citation, Target, citing},
};

impl Builder<'_> {
    /// The citation of this answer that the cursor stands on.
    pub(super) fn looked_at(&self) -> Option<Citation> {
        match self.context.target? {
            Target::Citation(citation) => Some(citation),
            Target::Message | Target::Reasoning(_) | Target::Call(_) | Target::Item(_) | Target::Code(_) => None,
        }
    }

    /// The annotation of a text that is looked at.
    pub(super) fn lit(&self, text: Place) -> Option<usize> {
        match self.looked_at()? {
            Citation::Mark { place, annotation } if place == text => Some(annotation),
            Citation::Mark { .. } | Citation::Entry(_) => None,
        }
    }

    /// The rows of a text; an open card stands behind the words that its mark belongs to.
    pub(super) fn push_text(&mut self, place: Place, rows: usize) {
        let part = Part::Text(place.0, place.1);
        let of = |range| Rows::Of(place, range);
        let Some(end) = self.lit(place).filter(|_| self.context.citing.open).and_then(|it| self.end_of(place, it))
        else {
            self.sections.push(Section { gap: 1, ..Section::new(part, of(0..rows)) });
            return;
        };
        self.sections.push(Section { gap: 1, ..Section::new(part, of(0..end)) });
        self.source_card();
        if end < rows {
            let is_apart = self.laid.texts.get(&place).is_some_and(|text| text.rows()[end].kind == RowKind::Blank);
            let gap = usize::from(!is_apart);
            // Its rows keep the numbers that they have without the card.
            self.sections.push(Section { gap, above: 1 + end - gap, ..Section::new(part, of(end..rows)) });
        }
    }

    /// The row behind the paragraph, item or table in which a mark stands.
    fn end_of(&self, place: Place, annotation: usize) -> Option<usize> {
        let rows = self.laid.texts.get(&place)?.rows();
        let has_mark = |row: &Row| {
            row.spans.iter().any(|span| span.citation.is_some_and(|cited| cited.annotation == Some(annotation)))
        };
        let mark = rows.iter().position(has_mark)?;
        let goes_on = |at: usize| {
            let is_table = |row: &Row| row.kind == RowKind::Table;
            rows[at].goes_on() || is_table(&rows[at]) && rows.get(at + 1).is_some_and(is_table)
        };
        let last = (mark..rows.len()).find(|at| !goes_on(*at))?;
        Some(last + 1)
    }

    /// The card of the source that is looked at, if it stands open.
    pub(super) fn source_card(&mut self) {
        let Some(citation) = self.looked_at().filter(|_| self.context.citing.open) else { return };
        let citations = &self.laid.citations;
        let (number, from) = match citation {
            Citation::Entry(number) => (Some(number), None),
            Citation::Mark { place, annotation } => (citations.number_of(place, annotation), Some((place, annotation))),
        };
        let Some(source) = citations.sources().iter().find(|source| Some(source.number) == number) else { return };
        let claims = citations.claims(source.number, self.answer);
        let question = citing::question(source, citation, &claims);
        let known = &self.context.citing;
        let card = SourceCard {
            source,
            claims: &claims,
            from,
            question: question.as_ref(),
            check: question.as_ref().and_then(|question| known.checks.get(question)),
            elsewhere: known
                .elsewhere
                .as_ref()
                .filter(|(url, _)| source.url.as_ref() == Some(url))
                .map(|(_, command)| command.as_str()),
            now: self.context.now,
            zone: &self.layout.options.zone,
            marks: &self.layout.options.look.marks,
        };
        let rows = card.rows(self.layout.width);
        self.sections.push(Section { gap: 1, ..Section::new(Part::SourceCard, Rows::Own(rows)) });
    }
}
