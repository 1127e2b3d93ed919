//! An answer as sections: who and when, what it thought and searched, what it said, how it ended.

mod cards;
mod cited;
mod worked;

use super::{
    Citation, facts,
    message::{Context, Laid, Layout, Rows, Section, left_out_mark, sibling_mark},
    place::Part,
    runs::{self, Piece},
    said,
};
use crate::{
    chat::{Answer, End, Item, Message, Slot, Turn, answer},
    text,
    widgets::{
        card,
        markdown::{Counted, Look, MarkdownLayout, Stage},
        row::{Gutter, Ink, Row, RowKind, Span},
        sources,
        theme::Role,
    },
};

/// Below this width facts are left out, and what was done before the answer shares a row.
const BRIEF: usize = 78;

pub(super) fn sections(
    laid: &mut Laid,
    message: &Message,
    answer: &Answer,
    siblings: (usize, usize),
    context: &Context,
) -> Vec<Section> {
    let mut builder = Builder {
        laid,
        message,
        answer,
        context,
        layout: context.layout,
        turn: context.conversation.turns.iter().find(|turn| turn.answer == message.id),
        sections: Vec::new(),
        counted: Counted::default(),
        texts: 0,
        used: Vec::new(),
    };
    builder.laid.citations.sync(answer);
    builder.head(siblings);
    builder.notes();
    builder.items();
    builder.sources();
    builder.card();
    let Builder { sections, used, .. } = builder;
    laid.texts.retain(|key, _| used.contains(key));
    sections
}

struct Builder<'a> {
    laid: &'a mut Laid,
    message: &'a Message,
    answer: &'a Answer,
    context: &'a Context<'a>,
    layout: &'a Layout,
    turn: Option<&'a Turn>,
    sections: Vec<Section>,
    /// Code blocks and text parts so far.
    counted: Counted,
    texts: usize,
    /// The texts that are still part of the answer.
    used: Vec<(Slot, usize)>,
}

impl Builder<'_> {
    fn brief(&self) -> bool {
        self.layout.width < BRIEF
    }

    fn head(&mut self, siblings: (usize, usize)) {
        let options = &self.layout.options;
        let name = facts::short_name(self.answer.answered_by.as_deref().unwrap_or(&self.answer.model));
        let name = if name.is_empty() { facts::short_name(&self.answer.model) } else { name };
        let mut told = vec![facts::clock(self.message.at, self.context.now, &options.zone)];
        told.extend(facts::of(self.answer, self.brief(), self.context.conversation.asks_price(self.message.id)));
        let told = told.join(&format!(" {} ", options.look.marks.dot));
        let mut spans =
            vec![Span::new(name, Ink::of(Role::Text).bold()), Span::new(format!("  {told}"), Ink::of(Role::Muted))];
        if let Some(mark) = sibling_mark(siblings, options) {
            spans.push(Span::new(format!("  {mark}"), Ink::of(Role::Muted)));
        }
        spans.extend(left_out_mark(self.context.conversation.is_left_out(self.message.id)));
        let head = Row::new(RowKind::Head, spans).cut(self.layout.width);
        self.sections.push(Section::own(Part::Head, 0, vec![head]));
    }

    fn notes(&mut self) {
        let notes = self.answer.notes.iter().flat_map(|note| {
            card::wrapped(&[Span::new(&*text::clean(note), Ink::of(Role::Muted))], self.layout.width, RowKind::Other)
        });
        let notes: Vec<Row> = notes.collect();
        if !notes.is_empty() {
            self.sections.push(Section::own(Part::Notes, 0, notes));
        }
    }

    fn items(&mut self) {
        let mut runs = 0;
        for piece in runs::pieces(self.answer) {
            match piece {
                Piece::Run(run) => {
                    self.run(&run, runs);
                    runs += 1;
                }
                Piece::Message { slot, item, parts, phase } => self.message(slot, item, parts, phase),
            }
        }
    }

    fn message(&mut self, slot: Slot, item: &Item, parts: &[answer::Part], phase: Option<&str>) {
        let labelled = phase == Some("commentary");
        if labelled {
            self.commentary(slot);
        }
        let first = self.sections.len();
        for (nth, part) in parts.iter().enumerate() {
            match part {
                answer::Part::Text { text, .. } => self.text(slot, nth, text, item),
                answer::Part::Refusal(text) => self.refusal(slot, nth, text),
            }
        }
        if let Some(section) = self.sections.get_mut(first).filter(|_| labelled) {
            section.gap = 0;
        }
    }

    fn is_toggled(&self, slot: Slot) -> bool {
        self.context.folding.is_toggled(slot)
    }

    /// Some models say what they are about to do before they answer.
    fn commentary(&mut self, slot: Slot) {
        let word = vec![Span::new("on the way", Ink::of(Role::Muted))];
        self.sections.push(Section::own(Part::Commentary(slot), 1, vec![Row::new(RowKind::Other, word)]));
    }

    fn text(&mut self, slot: Slot, nth: usize, text: &str, item: &Item) {
        self.texts += 1;
        if text.trim().is_empty() {
            return;
        }
        let complete = item.closed.is_some() || self.answer.is_over();
        let look = Look { diagrams_open: self.is_toggled(slot), ..self.layout.options.look };
        let rows = self.sync_text((slot, nth), text, &look, self.layout.width, complete, true);
        self.push_text((slot, nth), rows);
    }

    /// Lays out what is new of a text; gives its rows.
    fn sync_text(
        &mut self,
        key: (Slot, usize),
        text: &str,
        look: &Look,
        width: usize,
        complete: bool,
        is_answer: bool,
    ) -> usize {
        self.used.push(key);
        let lit = self.lit(key).filter(|_| is_answer);
        let lit = lit.and_then(|annotation| self.laid.citations.lit(key, annotation, text));
        let layout = self.laid.texts.entry(key).or_insert_with(|| MarkdownLayout::new(*look));
        layout.set_look(*look);
        if is_answer {
            layout.follow(self.counted);
        }
        let marks = if is_answer { self.laid.citations.marks(key) } else { &[] };
        let stage = if complete { Stage::Complete } else { Stage::Growing };
        let portion = layout.portion(text, stage);
        self.laid.behind |= portion < text.len();
        let stage = if portion == text.len() { stage } else { Stage::Growing };
        layout.sync(&text[..portion], width, stage, marks);
        layout.light(text, lit);
        if is_answer {
            self.counted = layout.counted();
        }
        layout.rows().len()
    }

    fn refusal(&mut self, slot: Slot, nth: usize, text: &str) {
        let bar = Some(Gutter { mark: self.layout.options.look.marks.bar, role: Role::Warning });
        let width = self.layout.width.saturating_sub(2).max(1);
        let head = vec![Span::new("The model declined.", Ink::of(Role::Warning).bold())];
        let mut rows = card::wrapped(&head, width, RowKind::Refusal);
        rows.extend(said::rows(&text::clean(text), width, RowKind::Refusal, Ink::of(Role::Text)));
        self.texts += 1;
        self.sections.push(Section { bar, ..Section::own(Part::Refusal(slot, nth), 1, rows) });
    }

    /// The sources, once the answer will not move them any more.
    fn sources(&mut self) {
        if self.answer.end == End::Open {
            return;
        }
        let entry = match self.looked_at() {
            Some(Citation::Entry(number)) => Some(number),
            Some(Citation::Mark { .. }) | None => None,
        };
        let rows = sources::line(self.laid.citations.sources(), entry, self.layout.width);
        if !rows.is_empty() {
            self.sections.push(Section::own(Part::Sources, 1, rows));
            if entry.is_some() {
                self.source_card();
            }
        }
    }
}
