//! An answer as sections: its head, its reasoning and calls, its text, its sources and its card.

mod cards;
mod selected_citation;
mod work_rows;

use super::{
    CitationTarget,
    anchor::SectionPart,
    facts,
    message_rows::{LayoutCx, LayoutParams, MessageRows, MessageSection, SectionRows, head_row, left_out_mark},
    part_text,
    segments::{self, AnswerSegment},
};
use crate::{
    chat::{Answer, AnswerEnd, Item, ItemSlot, Message, Turn, answer},
    render::{
        card,
        markdown::{BlockCounts, MarkdownLayout, MarkdownOptions, TextStage},
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::transcript::sources_line,
};

/// Below this width, some facts are left out, and reasoning and searches share a row.
const NARROW: usize = 78;

pub(crate) fn answer_sections(
    laid: &mut MessageRows,
    message: &Message,
    answer: &Answer,
    siblings: (usize, usize),
    context: &LayoutCx,
) -> Vec<MessageSection> {
    let mut builder = SectionBuilder {
        laid,
        message,
        answer,
        context,
        layout: context.layout,
        turn: context.conversation.turns.iter().find(|turn| turn.answer == message.id),
        sections: Vec::new(),
        counted: BlockCounts::default(),
        text_count: 0,
        used_texts: Vec::new(),
    };
    builder.laid.citations.sync(answer);
    builder.push_head(siblings);
    builder.push_notes();
    builder.push_items();
    builder.push_sources();
    builder.push_card();
    let SectionBuilder { sections, used_texts: used, .. } = builder;
    laid.texts.retain(|key, _| used.contains(key));
    sections
}

struct SectionBuilder<'a> {
    laid: &'a mut MessageRows,
    message: &'a Message,
    answer: &'a Answer,
    context: &'a LayoutCx<'a>,
    layout: &'a LayoutParams,
    turn: Option<&'a Turn>,
    sections: Vec<MessageSection>,
    /// Code blocks and text parts so far.
    counted: BlockCounts,
    text_count: usize,
    /// The keys of the texts that are still part of the answer.
    used_texts: Vec<(ItemSlot, usize)>,
}

impl SectionBuilder<'_> {
    fn is_narrow(&self) -> bool {
        self.layout.width < NARROW
    }

    fn push_head(&mut self, siblings: (usize, usize)) {
        let options = &self.layout.options;
        let name = facts::short_model_name(self.answer.answered_by.as_deref().unwrap_or(&self.answer.model));
        let name = if name.is_empty() { facts::short_model_name(&self.answer.model) } else { name };
        let mut fact_text = vec![facts::time_of_day(self.message.created_at, self.context.now, &options.zone)];
        fact_text.extend(facts::answer_facts(
            self.answer,
            self.is_narrow(),
            self.context.conversation.is_price_pending(self.message.id),
        ));
        let told = fact_text.join(&format!(" {} ", options.look.marks.dot));
        let mut spans = vec![
            StyledSpan::new(name, TextStyle::of(ColourRole::Text).bold()),
            StyledSpan::new(format!("  {told}"), TextStyle::of(ColourRole::Muted)),
        ];
        spans.extend(left_out_mark(self.context.conversation.is_left_out(self.message.id)));
        let head = head_row(spans, siblings, self.layout);
        self.sections.push(MessageSection::with_rows(SectionPart::Head, 0, vec![head]));
    }

    fn push_notes(&mut self) {
        let notes = self.answer.notes.iter().flat_map(|note| {
            card::wrap_spans(
                &[StyledSpan::new(&*text::clean(note), TextStyle::of(ColourRole::Muted))],
                self.layout.width,
                RowKind::Other,
            )
        });
        let notes: Vec<StyledRow> = notes.collect();
        if !notes.is_empty() {
            self.sections.push(MessageSection::with_rows(SectionPart::Notes, 0, notes));
        }
    }

    fn push_items(&mut self) {
        let mut group_count = 0;
        for piece in segments::split_segments(self.answer) {
            match piece {
                AnswerSegment::Work(run) => {
                    self.push_work(&run, group_count);
                    group_count += 1;
                }
                AnswerSegment::Message { slot, item, parts, phase } => self.push_message(slot, item, parts, phase),
            }
        }
    }

    fn push_message(&mut self, slot: ItemSlot, item: &Item, parts: &[answer::ContentPart], phase: Option<&str>) {
        let is_commentary = phase == Some("commentary");
        if is_commentary {
            self.push_commentary_label(slot);
        }
        let first = self.sections.len();
        for (nth, part) in parts.iter().enumerate() {
            match part {
                answer::ContentPart::Text { text, .. } => self.push_text(slot, nth, text, item),
                answer::ContentPart::Refusal(text) => self.push_refusal(slot, nth, text),
            }
        }
        if let Some(section) = self.sections.get_mut(first).filter(|_| is_commentary) {
            section.gap = 0;
        }
    }

    fn is_toggled(&self, slot: ItemSlot) -> bool {
        self.context.folds.is_toggled(slot)
    }

    /// The label above commentary: some models announce what they are about to do before they answer.
    fn push_commentary_label(&mut self, slot: ItemSlot) {
        let word = vec![StyledSpan::new("commentary", TextStyle::of(ColourRole::Muted))];
        self.sections.push(MessageSection::with_rows(
            SectionPart::CommentaryLabel(slot),
            1,
            vec![StyledRow::new(RowKind::Other, word)],
        ));
    }

    fn push_text(&mut self, slot: ItemSlot, nth: usize, text: &str, item: &Item) {
        self.text_count += 1;
        if text.trim().is_empty() {
            return;
        }
        let complete = item.closed_at.is_some() || self.answer.is_over();
        let look = MarkdownOptions { diagrams_open: self.is_toggled(slot), ..self.layout.options.look };
        let rows = self.sync_text((slot, nth), text, &look, self.layout.width, complete, true);
        self.push_text_rows((slot, nth), rows);
    }

    /// Lays out the new part of a text. Returns its number of rows.
    fn sync_text(
        &mut self,
        key: (ItemSlot, usize),
        text: &str,
        look: &MarkdownOptions,
        width: usize,
        is_complete: bool,
        is_answer: bool,
    ) -> usize {
        self.used_texts.push(key);
        let lit = self.selected_annotation(key).filter(|_| is_answer);
        let lit = lit.and_then(|annotation| self.laid.citations.highlight(key, annotation, text));
        let layout = self.laid.texts.entry(key).or_insert_with(|| MarkdownLayout::new(*look));
        layout.set_options(*look);
        if is_answer {
            layout.continue_after(self.counted);
        }
        let marks = if is_answer { self.laid.citations.marks(key) } else { &[] };
        let stage = if is_complete { TextStage::Complete } else { TextStage::Growing };
        let ready = layout.end_for_frame(text, stage);
        self.laid.is_behind |= ready < text.len();
        let stage = if ready == text.len() { stage } else { TextStage::Growing };
        layout.sync(&text[..ready], width, stage, marks);
        layout.highlight(text, lit);
        if is_answer {
            self.counted = layout.counts();
        }
        layout.rows().len()
    }

    fn push_refusal(&mut self, slot: ItemSlot, nth: usize, text: &str) {
        let bar = Some(GutterMark { mark: self.layout.options.look.marks.bar, role: ColourRole::Warning });
        let width = self.layout.width.saturating_sub(2).max(1);
        let head = vec![StyledSpan::new("The model declined.", TextStyle::of(ColourRole::Warning).bold())];
        let mut rows = card::wrap_spans(&head, width, RowKind::Refusal);
        rows.extend(part_text::wrap_rows(&text::clean(text), width, RowKind::Refusal, TextStyle::of(ColourRole::Text)));
        self.text_count += 1;
        self.sections
            .push(MessageSection { bar, ..MessageSection::with_rows(SectionPart::Refusal(slot, nth), 1, rows) });
    }

    /// The line of sources, once the answer is over and can no longer push it down.
    fn push_sources(&mut self) {
        if self.answer.end == AnswerEnd::Open {
            return;
        }
        let entry = match self.selected_citation() {
            Some(CitationTarget::Entry(number)) => Some(number),
            Some(CitationTarget::Mark { .. }) | None => None,
        };
        let rows = sources_line::sources_line(self.laid.citations.sources(), entry, self.layout.width);
        if !rows.is_empty() {
            self.sections.push(MessageSection::with_rows(SectionPart::Sources, 1, rows));
            if entry.is_some() {
                self.push_source_card();
            }
        }
    }
}
