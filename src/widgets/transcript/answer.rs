//! An answer as sections: who and when, what it thought and searched, what it said, how it ended.

mod cited;

use std::collections::BTreeSet;

use ratatui::style::Modifier;

use super::{
    Citation, ReadingOptions, call as tool, details, facts,
    message::{Context, Laid, Layout, Rows, Section, left_out_mark, sibling_mark},
    place::Part,
    runs::{self, Piece, Run, Searched},
    said,
};
use crate::{
    chat::{
        Answer, End, Item, Kind, Message, Phase, Slot, Turn,
        answer::{self, Search},
        call, choices, explain,
    },
    config::Show,
    text,
    widgets::{
        approval, card,
        markdown::{Counted, Look, MarkdownLayout, Stage},
        row::{Gutter, Ink, Row, RowKind, Span},
        sources,
        theme::Role,
    },
};

/// Below this width facts are left out, and what was done before the answer shares a row.
const BRIEF: usize = 78;
/// Rows of live reasoning that are shown.
const LIVE: usize = 3;

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
        let told = told.join(&format!(" {} ", options.marks.dot));
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

    /// Reasoning, searches and calls, a row each, and what of them is open.
    fn run(&mut self, run: &Run, nth: usize) {
        // After a text they stand apart from it.
        let mut gap = usize::from(self.texts > 0);
        let before = self.sections.len();
        let mut thought = None;
        if let Some(&(slot, ..)) = run.reasoning.first() {
            thought = Some((slot, self.reasoning(slot, run, nth, gap)));
            gap = 0;
        }
        if let Some(&(slot, ..)) = run.searches.first() {
            let row = self.search(&run.searches);
            let live = run.searches.iter().any(|(_, item, _)| item.closed.is_none()) && !self.answer.is_over();
            // On a row that they share both open together.
            let with = thought.filter(|_| self.brief()).map(|(slot, _)| slot);
            let open = self.is_toggled(slot) || with.is_some_and(|slot| self.is_toggled(slot));
            let alone = thought.is_some_and(|(_, at)| at == before && self.sections.len() == before + 1);
            if !(alone && self.brief() && !live && !open && self.join(before, &row)) {
                self.sections.push(Section::own(Part::Search(slot), gap, vec![row]));
            }
            gap = 0;
            if open {
                for (slot, _, search) in &run.searches {
                    self.push_barred(Part::Pages(*slot), |width| details::page_rows(&details::pages(search), width));
                }
            }
        }
        for (slot, item, search) in &run.failed {
            let rows = self.failed_search(item, search);
            self.sections.push(Section::own(Part::FailedSearch(*slot), gap, rows));
            gap = 0;
        }
        for (slot, item) in &run.rest {
            self.other(*slot, item, gap);
            gap = 0;
        }
    }

    /// A call or another item: its row, and what came of it.
    fn other(&mut self, slot: Slot, item: &Item, gap: usize) {
        let marks = &self.layout.options.marks;
        let is_open = self.is_toggled(slot);
        match &item.kind {
            Kind::Call(call) => {
                let run = self.answer.runs.get(&slot);
                let rows = tool::head(call, run, is_open, self.context.now, self.layout.width, marks);
                self.sections.push(Section::own(Part::Call(slot), gap, rows));
                if let Some(result) = run.and_then(tool::result) {
                    self.push_barred(Part::Result(slot), |width| tool::rows(&result, is_open, width));
                }
            }
            Kind::Other { kind, status } => {
                let row = details::head(kind, status.as_deref(), item, is_open, marks).cut(self.layout.width);
                self.sections.push(Section::own(Part::Other(slot), gap, vec![row]));
                if is_open {
                    let ink = Ink::of(Role::Muted);
                    let text = details::raw(item);
                    self.push_barred(Part::Raw(slot), |width| said::rows(&text, width, RowKind::Other, ink));
                }
            }
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::Search(_) => (),
        }
    }

    /// Rows behind a faint bar.
    fn push_barred(&mut self, part: Part, rows: impl FnOnce(usize) -> Vec<Row>) {
        let rows = rows(self.layout.width.saturating_sub(2).max(1));
        if !rows.is_empty() {
            let bar = Some(Gutter { mark: self.layout.options.marks.bar, role: Role::Faint });
            self.sections.push(Section { bar, ..Section::own(part, 0, rows) });
        }
    }

    fn is_toggled(&self, slot: Slot) -> bool {
        self.context.folding.is_toggled(slot)
    }

    /// Sets a short row behind another, if both fit.
    fn join(&mut self, section: usize, row: &Row) -> bool {
        let Rows::Own(rows) = &mut self.sections[section].rows else { return false };
        let Some(first) = rows.first_mut().filter(|first| first.width() + 3 + row.width() <= self.layout.width) else {
            return false;
        };
        first.spans.push(Span::new("   ", Ink::of(Role::Text)));
        first.spans.extend(row.spans.iter().cloned());
        true
    }

    /// The reasoning of a run; gives the index of its head among the sections.
    fn reasoning(&mut self, slot: Slot, run: &Run, nth: usize, gap: usize) -> usize {
        let marks = &self.layout.options.marks;
        let is_live = !self.answer.is_over()
            && run.reasoning.last().is_some_and(|&(last, item, _)| {
                item.closed.is_none() && self.answer.items.keys().next_back() == Some(&last)
            });
        let has_text =
            run.reasoning.iter().any(|(_, _, reasoning)| reasoning.texts().any(|text| !text.trim().is_empty()));
        let view = self.view(slot, is_live);
        let spent: u64 = run.reasoning.iter().map(|&(slot, item, _)| self.spent(slot, item)).sum();
        let spent = facts::thought(spent, is_live);
        let mark = if view == View::Folded { marks.folded } else { marks.open };
        let headline = || run.reasoning.iter().rev().find_map(|(_, _, reasoning)| reasoning.headline());
        let words = if is_live { headline().unwrap_or_else(|| "Thinking".into()) } else { "Thought".into() };
        let words = text::truncate(&words, self.layout.width.saturating_sub(spent.len() + 3)).into_owned();
        let mut spans = vec![Span::new(format!("{mark} {words}"), Ink::of(Role::Reasoning))];
        let mut rest = if is_live { format!(" {spent}") } else { format!(" for {spent}") };
        let tokens = self.answer.usage.as_ref().and_then(|usage| usage.reasoning_tokens).filter(|tokens| *tokens > 0);
        if let Some(tokens) = tokens.filter(|_| nth == 0 && !self.brief()) {
            rest.extend([" ", marks.dot, " ", &facts::count(tokens), " tokens"]);
        }
        if !has_text && !is_live {
            let encrypted = run.reasoning.iter().any(|(_, _, reasoning)| reasoning.encrypted);
            rest.extend([" ", marks.dot, if encrypted { " encrypted" } else { " not shown by the provider" }]);
        }
        spans.push(Span::new(rest, Ink::of(Role::Muted)));
        let head = self.sections.len();
        self.sections.push(Section::own(
            Part::Thought(slot),
            gap,
            vec![Row::new(RowKind::ReasoningHead, spans).cut(self.layout.width)],
        ));
        if has_text {
            self.reasoning_text(run, view);
        }
        head
    }

    fn reasoning_text(&mut self, run: &Run, view: View) {
        if view == View::Folded {
            return;
        }
        let bar = Some(Gutter { mark: self.layout.options.marks.live_reasoning, role: Role::Reasoning });
        let mut first = true;
        for &(slot, item, reasoning) in &run.reasoning {
            let pieces = reasoning.texts().filter(|text| !text.trim().is_empty()).count();
            for (nth, text) in reasoning.texts().filter(|text| !text.trim().is_empty()).enumerate() {
                let is_last = slot == run.reasoning.last().map_or(slot, |last| last.0) && nth + 1 == pieces;
                if view == View::Tail && !is_last {
                    continue;
                }
                // Texts and reasonings are kept under different numbers.
                let key = (slot, REASONING + nth);
                let width = self.layout.width.saturating_sub(2).max(1);
                let look = reasoning_look(&self.layout.options);
                let complete = item.closed.is_some() || self.answer.is_over();
                let rows = self.sync_text(key, text, &look, width, complete, false);
                let from = if view == View::Tail { rows.saturating_sub(LIVE) } else { 0 };
                let gap = usize::from(!first && view != View::Tail);
                let part = Part::Reasoning(slot, nth);
                self.sections.push(Section { gap, bar, ..Section::new(part, Rows::Of(key, from..rows)) });
                first = false;
            }
        }
    }

    fn view(&self, slot: Slot, is_live: bool) -> View {
        let options = &self.layout.options;
        let usual = match options.reasoning {
            Show::Show => View::Open,
            Show::Auto if is_live && !options.reasoning_in_rail => View::Tail,
            Show::Auto | Show::Hide => View::Folded,
        };
        match (self.is_toggled(slot), usual) {
            (false, usual) => usual,
            (true, View::Open) => View::Folded,
            (true, View::Folded | View::Tail) => View::Open,
        }
    }

    /// Milliseconds of an item's work: until it closed, or the next began, whichever came first.
    fn spent(&self, slot: Slot, item: &Item) -> u64 {
        let until = self.answer.ended.unwrap_or(self.context.now);
        let next = self.answer.items.range(slot..).nth(1).map_or(until, |(_, next)| next.opened);
        facts::millis(item.opened, item.closed.unwrap_or(until).min(next.max(item.opened)))
    }

    fn search(&self, searches: &[Searched]) -> Row {
        let marks = &self.layout.options.marks;
        let muted = Ink::of(Role::Muted);
        let mark = Span::new(format!("{} ", marks.search), Ink::of(Role::Link));
        let place =
            if searches.iter().all(|(_, _, search)| details::is_of_files(search)) { "files" } else { "the web" };
        let live = searches.iter().rev().find(|(_, item, _)| item.closed.is_none() && !self.answer.is_over());
        let words = live.map_or_else(
            || self.searched(searches, place),
            |(_, item, search)| {
                let query =
                    search.query.as_deref().map(|query| format!(" “{}”", details::one_line(query))).unwrap_or_default();
                let spent = facts::seconds(facts::millis(item.opened, self.context.now));
                let room = self.layout.width.saturating_sub(text::width(&spent) + 4);
                format!("{} {spent}", text::truncate(&format!("Searching {place}{query}"), room))
            },
        );
        Row::new(RowKind::Search, vec![mark, Span::new(words, muted)]).cut(self.layout.width)
    }

    fn searched(&self, searches: &[Searched], place: &str) -> String {
        let queries = searches.iter().filter(|(_, _, search)| search.query.is_some()).count();
        let pages: BTreeSet<&str> =
            searches.iter().flat_map(|(_, _, search)| &search.urls).map(String::as_str).collect();
        let mut words = vec![format!("Searched {place}")];
        if queries > 0 && (pages.is_empty() || !self.brief()) {
            words.push(counted(queries, "query", "queries"));
        }
        if !pages.is_empty() {
            words.push(counted(pages.len(), "page", "pages"));
        }
        words.join(&format!(" {} ", self.layout.options.marks.dot))
    }

    /// A search that did not end well, with its own reason.
    fn failed_search(&self, item: &Item, search: &Search) -> Vec<Row> {
        let mark = Span::new(format!("{} ", self.layout.options.marks.search), Ink::of(Role::Link));
        let words = details::failed_search(item, search);
        let room = self.layout.width.saturating_sub(2).max(1);
        let mut rows = said::rows(&words, room, RowKind::Search, Ink::of(Role::Muted));
        for (nth, row) in rows.iter_mut().enumerate() {
            row.lead = 1;
            row.spans.insert(0, if nth == 0 { mark.clone() } else { Span::new("  ", Ink::of(Role::Muted)) });
        }
        rows
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
        let look = Look { diagrams_open: self.is_toggled(slot), ..self.layout.options.look() };
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
        let portion = layout.portion(text);
        self.laid.behind |= portion < text.len();
        let stage = if complete && portion == text.len() { Stage::Complete } else { Stage::Growing };
        layout.sync(&text[..portion], width, stage, marks);
        layout.light(text, lit);
        if is_answer {
            self.counted = layout.counted();
        }
        layout.rows().len()
    }

    fn refusal(&mut self, slot: Slot, nth: usize, text: &str) {
        let bar = Some(Gutter { mark: self.layout.options.marks.bar, role: Role::Warning });
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

    fn card(&mut self) {
        if self.turn.is_some_and(|turn| turn.phase == Phase::Calling) {
            self.approval();
            return;
        }
        let waits =
            |turn: &Turn| matches!(turn.phase, Phase::Waiting { .. } | Phase::Unsaved { .. } | Phase::Paused(_));
        let waits = self.turn.is_some_and(waits);
        if self.answer.end == End::Open && !waits {
            return;
        }
        let turn = self.turn.filter(|_| self.answer.end == End::Open);
        let Some(words) = explain::explain(self.answer, turn) else { return };
        let choices = if self.context.is_last { choices::choices(self.answer, turn) } else { Vec::new() };
        let role = match &self.answer.end {
            End::Failed(_) => Role::Error,
            End::Open | End::Complete | End::Incomplete { .. } | End::Stopped | End::Interrupted => Role::Warning,
        };
        let width = self.layout.width.saturating_sub(2).max(1);
        let marks = &self.layout.options.marks;
        let rows = card::rows(&words, role, &choices, card::wait(turn, self.context.now), width, marks);
        let bar = Some(Gutter { mark: marks.bar, role });
        self.sections.push(Section { bar, ..Section::own(Part::Card, 1, rows) });
    }
}

impl Builder<'_> {
    /// The first call that asks.
    fn approval(&mut self) {
        let mut asking = self.answer.runs.values().filter(|run| run.stage == call::Stage::Asking);
        let Some(run) = asking.next() else { return };
        let turn = self.turn.filter(|_| self.context.is_last);
        let choices = if turn.is_some() { choices::choices(self.answer, turn) } else { Vec::new() };
        let tools = &self.context.conversation.context.tools;
        let doubt = run.tool.as_ref().and_then(|id| tools.doubt(id));
        let asked = approval::Asked {
            run,
            tool: run.tool.as_ref().and_then(|id| tools.get(id)),
            command: run.tool.as_ref().and_then(|id| tools.command(id)),
            doubt: doubt.as_ref(),
            more: asking.count(),
        };
        let marks = &self.layout.options.marks;
        let rows = approval::rows(asked, &choices, self.layout.width.saturating_sub(2).max(1), marks);
        let bar = Some(Gutter { mark: marks.bar, role: Role::Warning });
        self.sections.push(Section { bar, ..Section::own(Part::Card, 1, rows) });
    }
}

/// Reasonings are kept behind the parts of texts.
const REASONING: usize = 1 << 20;

/// How much of a reasoning is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Folded,
    /// Its last rows, while it comes.
    Tail,
    Open,
}

fn reasoning_look(options: &ReadingOptions) -> Look {
    Look { base: Ink::of(Role::Muted).with(Modifier::ITALIC), ..options.look() }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
