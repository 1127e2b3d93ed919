//! What was done before and between the texts: reasoning, searches, calls.

use std::collections::BTreeSet;

use ratatui::style::Modifier;

use super::{Builder, Part, Rows, Section};
use crate::{
    chat::{Item, Kind, Slot, answer::Search},
    config::Show,
    text,
    widgets::{
        markdown::Look,
        row::{Gutter, Ink, Row, RowKind, Span},
        theme::Role,
        transcript::{
            ReadingOptions, call as tool, details, facts,
            runs::{Run, Searched},
            said,
        },
    },
};

/// Rows of live reasoning that are shown.
const LIVE: usize = 3;

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
    Look { base: Ink::of(Role::Muted).with(Modifier::ITALIC), ..options.look }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl Builder<'_> {
    /// Reasoning, searches and calls, a row each, and what of them is open.
    pub(super) fn run(&mut self, run: &Run, nth: usize) {
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
        let marks = &self.layout.options.look.marks;
        let is_open = self.is_toggled(slot);
        match &*item.kind {
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
            let bar = Some(Gutter { mark: self.layout.options.look.marks.bar, role: Role::Faint });
            self.sections.push(Section { bar, ..Section::own(part, 0, rows) });
        }
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
        let marks = &self.layout.options.look.marks;
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
        let bar = Some(Gutter { mark: self.layout.options.look.marks.live_reasoning, role: Role::Reasoning });
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
        let marks = &self.layout.options.look.marks;
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
        words.join(&format!(" {} ", self.layout.options.look.marks.dot))
    }

    /// A search that did not end well, with its own reason.
    fn failed_search(&self, item: &Item, search: &Search) -> Vec<Row> {
        let mark = Span::new(format!("{} ", self.layout.options.look.marks.search), Ink::of(Role::Link));
        let words = details::failed_search(item, search);
        let room = self.layout.width.saturating_sub(2).max(1);
        let mut rows = said::rows(&words, room, RowKind::Search, Ink::of(Role::Muted));
        for (nth, row) in rows.iter_mut().enumerate() {
            row.lead = 1;
            row.spans.insert(0, if nth == 0 { mark.clone() } else { Span::new("  ", Ink::of(Role::Muted)) });
        }
        rows
    }
}
