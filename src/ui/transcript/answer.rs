//! An answer as sections: its head, its reasoning and calls, its text, its sources and its card.

mod cards;
mod selected_citation;
mod work_rows;
pub(crate) use work_rows::reasoning_key;

use super::{
    CitationTarget,
    message_rows::{LayoutCx, LayoutParams, MessageRows, MessageSection, SectionRows, head_row, left_out_mark},
    parts::{AnswerPart, MessageParts, PartContent, PartKey, PartKind},
};
use crate::{
    chat::{Answer, AnswerEnd, Item, ItemSlot, Message, Turn},
    citations::check::{CheckSummary, PageCheck},
    render::{
        card,
        markdown::{BlockCounts, MarkdownLayout, MarkdownOptions, TextStage},
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::{
        reading::{check_words, facts, text_focus::TextKey},
        transcript::{item_details, sources_line},
    },
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
    let parts = MessageParts::of(message);
    let mut builder = SectionBuilder {
        laid,
        message,
        answer,
        context,
        layout: context.layout,
        turn: context.conversation.turns.iter().find(|turn| turn.answer == message.id),
        siblings,
        parts: &parts,
        sections: Vec::new(),
        counted: BlockCounts::default(),
        is_after_text: false,
        used_texts: Vec::new(),
    };
    builder.laid.citations.refresh(answer);
    let checks = &context.citation_state.checks;
    builder.laid.citations.set_verdicts(|source| checks.get(message.id, source)?.verdict());
    parts.parts.iter().for_each(|part| builder.push_part(part));
    let SectionBuilder { sections, used_texts: used, .. } = builder;
    laid.texts.retain(|key, _| used.contains(key));
    laid.finished.clear(); // What is left is of texts that are folded or gone.
    sections
}

struct SectionBuilder<'a> {
    laid: &'a mut MessageRows,
    message: &'a Message,
    answer: &'a Answer,
    context: &'a LayoutCx<'a>,
    layout: &'a LayoutParams,
    turn: Option<&'a Turn>,
    siblings: (usize, usize),
    parts: &'a MessageParts<'a>,
    sections: Vec<MessageSection>,
    /// Code blocks and figures so far.
    counted: BlockCounts,
    /// The last part was a text, so a blank row separates the work after it.
    is_after_text: bool,
    /// The keys of the texts that are still part of the answer.
    used_texts: Vec<TextKey>,
}

impl SectionBuilder<'_> {
    fn is_narrow(&self) -> bool {
        self.layout.width < NARROW
    }

    /// Adds the rows of a part, if it is shown.
    fn push_part(&mut self, part: &AnswerPart) {
        match &part.content {
            PartContent::Head => self.push_head(part),
            PartContent::Notes => self.push_notes(part),
            PartContent::ReasoningHead(group) => self.push_reasoning_head(part, *group),
            PartContent::Reasoning { text, item, group, is_first, is_last } => {
                self.push_reasoning_text(part, text, item, *group, (*is_first, *is_last));
            }
            PartContent::SearchHead(group) => self.push_search_head(part, *group),
            PartContent::SearchPages { group, .. } => {
                if self.is_search_open(&self.parts.groups[*group]) {
                    self.push_barred(part, |text, width| item_details::search_text_rows(&text, width));
                }
            }
            PartContent::FailedSearch(..) => self.push_failed_search(part),
            PartContent::Call(call, run) => self.push_call(part, call, *run),
            PartContent::CallResult(run) => self.push_result(part, run),
            PartContent::UnknownItem(item) => self.push_unknown_item(part, item),
            PartContent::RawJson(_) => {
                if self.is_unfolded(part) {
                    self.push_barred(part, |text, width| {
                        StyledRow::wrapped(&text, width, RowKind::Other, TextStyle::of(ColourRole::Muted))
                    });
                }
            }
            PartContent::CommentaryLabel => {
                // Some models announce what they are about to do before they answer.
                let word = vec![StyledSpan::new("commentary", TextStyle::of(ColourRole::Muted))];
                self.push_rows(part, 1, vec![StyledRow::new(RowKind::Other, word)]);
            }
            PartContent::Checks => self.push_checks(part),
            PartContent::Text(text, item) => self.push_text(part, text, item),
            PartContent::Refusal(text) => self.push_refusal(part, text),
            PartContent::Sources => self.push_sources(part),
            PartContent::Card => self.push_card(part),
            PartContent::Prompt(_) => (),
        }
    }

    fn push_rows(&mut self, part: &AnswerPart, gap: usize, rows: Vec<StyledRow>) {
        if !rows.is_empty() {
            self.sections.push(MessageSection { gap, ..MessageSection::new(part, SectionRows::Owned(rows)) });
        }
    }

    /// Rows to the right of a bar.
    fn push_rows_with_bar(&mut self, part: &AnswerPart, gap: usize, role: ColourRole, rows: Vec<StyledRow>) {
        let bar = Some(GutterMark { mark: self.layout.options.look.marks.bar, role });
        if !rows.is_empty() {
            self.sections.push(MessageSection { gap, bar, ..MessageSection::new(part, SectionRows::Owned(rows)) });
        }
    }

    /// The width of rows to the right of a bar.
    fn barred_width(&self) -> usize {
        self.layout.width.saturating_sub(2).max(1)
    }

    fn push_head(&mut self, part: &AnswerPart) {
        let options = &self.layout.options;
        let name = facts::short_model_name(self.answer.answered_by.as_deref().unwrap_or(&self.answer.model));
        let name = if name.is_empty() { facts::short_model_name(&self.answer.model) } else { name };
        let mut fact_text = vec![facts::time_of_day(self.message.created_at, self.context.now, &options.zone)];
        fact_text.extend(facts::answer_facts(
            self.answer,
            self.is_narrow(),
            self.context.conversation.is_price_pending(self.message.id),
        ));
        let facts_label = fact_text.join(&format!(" {} ", options.look.marks.dot));
        let mut spans = vec![
            StyledSpan::new(name, TextStyle::of(ColourRole::Text).bold()),
            StyledSpan::new(format!("  {facts_label}"), TextStyle::of(ColourRole::Muted)),
        ];
        spans.extend(left_out_mark(self.context.conversation.is_left_out(self.message.id)));
        let head = head_row(spans, self.siblings, self.layout);
        self.push_rows(part, 0, vec![head]);
    }

    fn push_notes(&mut self, part: &AnswerPart) {
        let notes = self.answer.notes.iter().flat_map(|note| {
            card::wrap_spans(
                &[StyledSpan::new(&*text::clean(note), TextStyle::of(ColourRole::Muted))],
                self.layout.width,
                RowKind::Other,
            )
        });
        self.push_rows(part, 0, notes.collect());
    }

    /// How the checks of the sources stand, once all of them were begun.
    fn push_checks(&mut self, part: &AnswerPart) {
        let checks = &self.context.citation_state.checks;
        let sources = self.laid.citations.sources().iter().filter_map(|source| source.page_url());
        let is_begun = |source: &str| {
            matches!(checks.get(self.message.id, source), Some(PageCheck::Running { .. } | PageCheck::Done { .. }))
        };
        let summary = checks.summary(self.message.id);
        if summary == CheckSummary::default() || !sources.clone().all(is_begun) {
            return;
        }
        let options = &self.layout.options;
        let spans = check_words::summary_spans(&summary, self.context.now, &options.zone, &options.look.marks);
        self.push_rows(part, 0, card::wrap_spans(&spans, self.layout.width, RowKind::Other));
    }

    fn is_toggled(&self, slot: ItemSlot) -> bool {
        self.context.folds.is_toggled(slot)
    }

    /// Whether the item of a part is opened.
    fn is_unfolded(&self, part: &AnswerPart) -> bool {
        part.key.slot.is_some_and(|slot| self.is_toggled(slot))
    }

    fn push_text(&mut self, part: &AnswerPart, text: &str, item: &Item) {
        self.is_after_text = true;
        let Some(slot) = part.key.slot.filter(|_| !text.trim().is_empty()) else { return };
        let complete = item.closed_at.is_some() || self.answer.is_over();
        let look = MarkdownOptions { diagrams_open: self.is_toggled(slot), ..self.layout.options.look };
        let place = (slot, part.key.index);
        let rows = self.sync_text(place, text, &look, self.layout.width, complete, true);
        self.push_text_rows(part, place, rows);
    }

    /// The blank rows above a text: its label follows it directly.
    fn gap_above_text(&self) -> usize {
        usize::from(self.sections.last().is_none_or(|last| last.key.kind != PartKind::Label))
    }

    /// Lays out the new part of a text. Returns its number of rows.
    fn sync_text(
        &mut self,
        key: TextKey,
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
        let plain_start = layout.plain_start();
        let mut is_replaced = self.laid.finished.remove(&key).is_some_and(|finished| layout.adopt(finished, text));
        let marks = self.laid.citations.marks(work_rows::text_part(key));
        let stage = if is_complete { TextStage::Complete } else { TextStage::Growing };
        layout.set_focus(self.context.focus.in_text(key));
        self.laid.is_behind |= layout.sync_frame(text, width, stage, marks, &mut self.laid.budget);
        is_replaced |= layout.plain_start() != plain_start;
        if is_replaced {
            self.laid.replaced_frame = Some(self.context.frame);
        }
        self.laid.jobs.extend(layout.take_job(text, stage, marks).map(|job| (key, job)));
        layout.highlight(text, lit);
        if is_answer {
            self.counted = layout.counts();
        }
        layout.rows().len()
    }

    fn push_refusal(&mut self, part: &AnswerPart, text: &str) {
        self.is_after_text = true;
        let width = self.barred_width();
        let head = vec![StyledSpan::new("The model declined.", TextStyle::of(ColourRole::Warning).bold())];
        let mut rows = card::wrap_spans(&head, width, RowKind::Refusal);
        rows.extend(StyledRow::wrapped(&text::clean(text), width, RowKind::Refusal, TextStyle::of(ColourRole::Text)));
        self.push_rows_with_bar(part, self.gap_above_text(), ColourRole::Warning, rows);
    }

    /// The line of sources, once the answer is over and can no longer push it down.
    fn push_sources(&mut self, part: &AnswerPart) {
        if self.answer.end == AnswerEnd::Open {
            return;
        }
        let entry = match self.selected_citation() {
            Some(CitationTarget::Entry(number)) => Some(number),
            Some(CitationTarget::Mark { .. }) | None => None,
        };
        let rows =
            sources_line::sources_line(&self.laid.citations, entry, self.layout.width, &self.layout.options.look.marks);
        let is_card_due = !rows.is_empty() && entry.is_some();
        self.push_rows(part, 1, rows);
        if is_card_due {
            self.push_source_card();
        }
    }
}
