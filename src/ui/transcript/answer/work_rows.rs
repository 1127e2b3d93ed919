//! The rows for the work before and between texts: reasoning, searches, calls.

use std::collections::BTreeSet;

use ratatui::style::Modifier;

use super::{MessageSection, SectionBuilder, SectionPart, SectionRows};
use crate::{
    chat::{Item, ItemKind, ItemSlot, answer::SearchCall},
    config::ShowMode,
    render::{
        markdown::MarkdownOptions,
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::transcript::{
        ReadingOptions, call_rows as tool, facts, item_details, part_text,
        segments::{SearchItem, WorkGroup},
    },
};

/// The number of rows of live reasoning that are shown.
const LIVE_ROWS: usize = 3;

/// The offset that separates the keys of reasoning from those of texts in `texts`.
const REASONING_KEYS: usize = 1 << 20;

/// How much of a reasoning is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReasoningView {
    Folded,
    /// Its last rows, while it streams.
    LastRows,
    Open,
}

fn reasoning_look(options: &ReadingOptions) -> MarkdownOptions {
    MarkdownOptions { base_style: TextStyle::of(ColourRole::Muted).with_modifiers(Modifier::ITALIC), ..options.look }
}

fn pluralize(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl SectionBuilder<'_> {
    /// Reasoning, searches and calls, a row each, and the contents of those that are open.
    pub(crate) fn push_work(&mut self, run: &WorkGroup, nth: usize) {
        // After a text, a blank row separates them from it.
        let mut gap = usize::from(self.text_count > 0);
        let before = self.sections.len();
        let mut reasoning_head = None;
        if let Some(&(slot, ..)) = run.reasoning.first() {
            reasoning_head = Some((slot, self.push_reasoning(slot, run, nth, gap)));
            gap = 0;
        }
        if let Some(&(slot, ..)) = run.searches.first() {
            let row = self.search_row(&run.searches);
            let is_live = run.searches.iter().any(|(_, item, _)| item.closed_at.is_none()) && !self.answer.is_over();
            // Sharing a row, both open together.
            let shared_slot = reasoning_head.filter(|_| self.is_narrow()).map(|(slot, _)| slot);
            let is_open = self.is_toggled(slot) || shared_slot.is_some_and(|slot| self.is_toggled(slot));
            let is_alone = reasoning_head.is_some_and(|(_, at)| at == before && self.sections.len() == before + 1);
            if !(is_alone && self.is_narrow() && !is_live && !is_open && self.append_row(before, &row)) {
                self.sections.push(MessageSection::with_rows(SectionPart::SearchSummary(slot), gap, vec![row]));
            }
            gap = 0;
            if is_open {
                for (slot, _, search) in &run.searches {
                    self.push_barred(SectionPart::SearchPages(*slot), |width| {
                        item_details::search_text_rows(&item_details::search_text(search), width)
                    });
                }
            }
        }
        for (slot, item, search) in &run.failed_searches {
            let rows = self.failed_search_rows(item, search);
            self.sections.push(MessageSection::with_rows(SectionPart::FailedSearch(*slot), gap, rows));
            gap = 0;
        }
        for (slot, item) in &run.other_items {
            self.push_item(*slot, item, gap);
            gap = 0;
        }
    }

    /// A call or another item: its row, and its result or contents.
    fn push_item(&mut self, slot: ItemSlot, item: &Item, gap: usize) {
        let marks = &self.layout.options.look.marks;
        let is_open = self.is_toggled(slot);
        match &*item.kind {
            ItemKind::Call(call) => {
                let run = self.answer.call_runs.get(&slot);
                let first_asking =
                    self.answer.call_runs.iter().find(|(_, run)| run.state == crate::chat::ToolCallState::Asking);
                let asks_later = first_asking.is_some_and(|(first, _)| *first != slot);
                let head = tool::CallHead { call, run, is_open, asks_later, now: self.context.now };
                let rows = head.rows(self.layout.width, marks);
                self.sections.push(MessageSection::with_rows(SectionPart::Call(slot), gap, rows));
                if let Some(result) = run.and_then(tool::result_excerpt) {
                    self.push_barred(SectionPart::Result(slot), |width| tool::result_rows(&result, is_open, width));
                }
            }
            ItemKind::Other { kind, status } => {
                let row =
                    item_details::item_head(kind, status.as_deref(), item, is_open, marks).truncated(self.layout.width);
                self.sections.push(MessageSection::with_rows(SectionPart::UnknownItem(slot), gap, vec![row]));
                if is_open {
                    let ink = TextStyle::of(ColourRole::Muted);
                    let text = item_details::raw_json(item);
                    self.push_barred(SectionPart::RawJson(slot), |width| {
                        part_text::wrap_rows(&text, width, RowKind::Other, ink)
                    });
                }
            }
            ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Search(_) => (),
        }
    }

    /// Rows to the right of a faint bar.
    fn push_barred(&mut self, part: SectionPart, rows: impl FnOnce(usize) -> Vec<StyledRow>) {
        let rows = rows(self.layout.width.saturating_sub(2).max(1));
        if !rows.is_empty() {
            let bar = Some(GutterMark { mark: self.layout.options.look.marks.bar, role: ColourRole::Faint });
            self.sections.push(MessageSection { bar, ..MessageSection::with_rows(part, 0, rows) });
        }
    }

    /// Appends a row to the first row of a section, if both fit. Returns whether they did.
    fn append_row(&mut self, section: usize, row: &StyledRow) -> bool {
        let SectionRows::Owned(rows) = &mut self.sections[section].rows else { return false };
        let Some(first) = rows.first_mut().filter(|first| first.width() + 3 + row.width() <= self.layout.width) else {
            return false;
        };
        first.spans.push(StyledSpan::new("   ", TextStyle::of(ColourRole::Text)));
        first.spans.extend(row.spans.iter().cloned());
        true
    }

    /// The reasoning of a group. Returns the index of its head among the sections.
    fn push_reasoning(&mut self, slot: ItemSlot, run: &WorkGroup, nth: usize, gap: usize) -> usize {
        let marks = &self.layout.options.look.marks;
        let is_live = !self.answer.is_over()
            && run.reasoning.last().is_some_and(|&(last, item, _)| {
                item.closed_at.is_none() && self.answer.items.keys().next_back() == Some(&last)
            });
        let has_text =
            run.reasoning.iter().any(|(_, _, reasoning)| reasoning.texts().any(|text| !text.trim().is_empty()));
        let view = self.reasoning_view(slot, is_live);
        let spent: u64 = run.reasoning.iter().map(|&(slot, item, _)| self.millis_spent(slot, item)).sum();
        let spent = facts::format_thinking_time(spent, is_live);
        let mark = if view == ReasoningView::Folded { marks.folded } else { marks.unfolded };
        let headline = || run.reasoning.iter().rev().find_map(|(_, _, reasoning)| reasoning.headline());
        let label = if is_live { headline().unwrap_or_else(|| "Thinking".into()) } else { "Thought".into() };
        let words = text::truncate(&label, self.layout.width.saturating_sub(spent.len() + 3)).into_owned();
        let mut spans = vec![StyledSpan::new(format!("{mark} {words}"), TextStyle::of(ColourRole::Reasoning))];
        let mut rest = if is_live { format!(" {spent}") } else { format!(" for {spent}") };
        let tokens = self.answer.usage.as_ref().and_then(|usage| usage.reasoning_tokens).filter(|tokens| *tokens > 0);
        if let Some(tokens) = tokens.filter(|_| nth == 0 && !self.is_narrow()) {
            rest.extend([" ", marks.dot, " ", &facts::format_token_count(tokens), " tokens"]);
        }
        if !has_text && !is_live {
            let encrypted = run.reasoning.iter().any(|(_, _, reasoning)| reasoning.has_encrypted);
            rest.extend([" ", marks.dot, if encrypted { " encrypted" } else { " not shown by the provider" }]);
        }
        spans.push(StyledSpan::new(rest, TextStyle::of(ColourRole::Muted)));
        let head = self.sections.len();
        self.sections.push(MessageSection::with_rows(
            SectionPart::ReasoningHead(slot),
            gap,
            vec![StyledRow::new(RowKind::ReasoningHead, spans).truncated(self.layout.width)],
        ));
        if has_text {
            self.push_reasoning_text(run, view);
        }
        head
    }

    fn push_reasoning_text(&mut self, run: &WorkGroup, view: ReasoningView) {
        if view == ReasoningView::Folded {
            return;
        }
        let bar = Some(GutterMark { mark: self.layout.options.look.marks.reasoning_bar, role: ColourRole::Reasoning });
        let mut first = true;
        for &(slot, item, reasoning) in &run.reasoning {
            let pieces = reasoning.texts().filter(|text| !text.trim().is_empty()).count();
            for (nth, text) in reasoning.texts().filter(|text| !text.trim().is_empty()).enumerate() {
                let is_last = slot == run.reasoning.last().map_or(slot, |last| last.0) && nth + 1 == pieces;
                if view == ReasoningView::LastRows && !is_last {
                    continue;
                }
                // Texts and reasoning share the map under different keys.
                let key = (slot, REASONING_KEYS + nth);
                let width = self.layout.width.saturating_sub(2).max(1);
                let look = reasoning_look(&self.layout.options);
                let is_complete = item.closed_at.is_some() || self.answer.is_over();
                let rows = self.sync_text(key, text, &look, width, is_complete, false);
                let from = if view == ReasoningView::LastRows { rows.saturating_sub(LIVE_ROWS) } else { 0 };
                let gap = usize::from(!first && view != ReasoningView::LastRows);
                let part = SectionPart::Reasoning(slot, nth);
                self.sections.push(MessageSection {
                    gap,
                    bar,
                    ..MessageSection::new(part, SectionRows::OfText(key, from..rows))
                });
                first = false;
            }
        }
    }

    fn reasoning_view(&self, slot: ItemSlot, is_live: bool) -> ReasoningView {
        let options = &self.layout.options;
        let usual = match options.reasoning {
            ShowMode::Show => ReasoningView::Open,
            ShowMode::Auto if is_live && !options.reasoning_in_rail => ReasoningView::LastRows,
            ShowMode::Auto | ShowMode::Hide => ReasoningView::Folded,
        };
        match (self.is_toggled(slot), usual) {
            (false, usual) => usual,
            (true, ReasoningView::Open) => ReasoningView::Folded,
            (true, ReasoningView::Folded | ReasoningView::LastRows) => ReasoningView::Open,
        }
    }

    /// The milliseconds an item took: until it closed or the next one began, whichever came first.
    fn millis_spent(&self, slot: ItemSlot, item: &Item) -> u64 {
        let until = self.answer.ended_at.unwrap_or(self.context.now);
        let next = self.answer.items.range(slot..).nth(1).map_or(until, |(_, next)| next.opened_at);
        facts::millis_between(item.opened_at, item.closed_at.unwrap_or(until).min(next.max(item.opened_at)))
    }

    fn search_row(&self, searches: &[SearchItem]) -> StyledRow {
        let marks = &self.layout.options.look.marks;
        let muted = TextStyle::of(ColourRole::Muted);
        let mark = StyledSpan::new(format!("{} ", marks.search), TextStyle::of(ColourRole::Link));
        let place = if searches.iter().all(|(_, _, search)| item_details::is_file_search(search)) {
            "files"
        } else {
            "the web"
        };
        let live = searches.iter().rev().find(|(_, item, _)| item.closed_at.is_none() && !self.answer.is_over());
        let words = live.map_or_else(
            || self.search_summary(searches, place),
            |(_, item, search)| {
                let query = search
                    .query
                    .as_deref()
                    .map(|query| format!(" “{}”", crate::text::one_line(query)))
                    .unwrap_or_default();
                let spent = facts::format_seconds(facts::millis_between(item.opened_at, self.context.now));
                let room = self.layout.width.saturating_sub(text::width(&spent) + 4);
                format!("{} {spent}", text::truncate(&format!("Searching {place}{query}"), room))
            },
        );
        StyledRow::new(RowKind::Search, vec![mark, StyledSpan::new(words, muted)]).truncated(self.layout.width)
    }

    fn search_summary(&self, searches: &[SearchItem], place: &str) -> String {
        let queries = searches.iter().filter(|(_, _, search)| search.query.is_some()).count();
        let pages: BTreeSet<&str> =
            searches.iter().flat_map(|(_, _, search)| &search.urls).map(String::as_str).collect();
        let mut words = vec![format!("Searched {place}")];
        if queries > 0 && (pages.is_empty() || !self.is_narrow()) {
            words.push(pluralize(queries, "query", "queries"));
        }
        if !pages.is_empty() {
            words.push(pluralize(pages.len(), "page", "pages"));
        }
        words.join(&format!(" {} ", self.layout.options.look.marks.dot))
    }

    /// The rows of a search that failed, with the server's reason.
    fn failed_search_rows(&self, item: &Item, search: &SearchCall) -> Vec<StyledRow> {
        let mark =
            StyledSpan::new(format!("{} ", self.layout.options.look.marks.search), TextStyle::of(ColourRole::Link));
        let words = item_details::failed_search_text(item, search);
        let room = self.layout.width.saturating_sub(2).max(1);
        let mut rows = part_text::wrap_rows(&words, room, RowKind::Search, TextStyle::of(ColourRole::Muted));
        for (nth, row) in rows.iter_mut().enumerate() {
            row.lead_spans = 1;
            row.spans.insert(
                0,
                if nth == 0 { mark.clone() } else { StyledSpan::new("  ", TextStyle::of(ColourRole::Muted)) },
            );
        }
        rows
    }
}
