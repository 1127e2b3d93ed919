//! The rows for the work before and between texts: reasoning, searches, calls.

use std::{borrow::Cow, collections::BTreeSet};

use ratatui::style::Modifier;

use super::{AnswerPart, MessageSection, PartKind, SectionBuilder, SectionRows};
use crate::{
    chat::{Item, ItemKind, ItemSlot, ToolCallRun, ToolCallState, answer::FunctionCall},
    citations::{annotations::TextPartId, leftovers::without_leftovers},
    config::ShowMode,
    render::{
        markdown::{MarkdownLayout, MarkdownOptions},
        row::{GutterMark, RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::{
        reading::{ReadingOptions, facts, text_focus::TextKey},
        transcript::{call_rows as tool, item_details, parts::WorkGroup},
    },
};

/// The number of rows of live reasoning that are shown.
const LIVE_ROWS: usize = 3;

/// The offset that separates the keys of reasoning from those of texts in `texts`.
const REASONING_KEYS: usize = 1 << 20;

/// The key of a reasoning: it shares the map of the texts.
pub(crate) fn reasoning_key(slot: ItemSlot, index: usize) -> TextKey {
    (slot, REASONING_KEYS + index)
}

/// The part of the answer whose text has a key.
pub(super) fn text_part((slot, index): TextKey) -> TextPartId {
    (slot, index % REASONING_KEYS)
}

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
    /// The blank rows above the row of an item: after a text, one separates the work from it.
    fn gap_above_work(&mut self) -> usize {
        usize::from(std::mem::take(&mut self.is_after_text))
    }

    pub(crate) fn push_search_head(&mut self, part: &AnswerPart, group: usize) {
        let group = &self.parts.groups[group];
        let row = self.search_row(group);
        let is_live = group.searches.iter().any(|(_, item, _)| item.closed_at.is_none()) && !self.answer.is_over();
        // On a narrow screen it shares the row of folded reasoning.
        let head = group.reasoning.first().map(|(slot, ..)| *slot).filter(|_| self.is_narrow());
        let is_alone =
            self.sections.last().is_some_and(|last| last.key.kind == PartKind::ItemRow && last.key.slot == head);
        let can_share = head.is_some() && is_alone && !is_live && !self.is_search_open(group);
        if !(can_share && self.append_row(&row)) {
            let gap = self.gap_above_work();
            self.push_rows(part, gap, vec![row]);
        }
    }

    /// Whether the pages of a group are shown. On a narrow screen they open together with its reasoning.
    pub(crate) fn is_search_open(&self, group: &WorkGroup) -> bool {
        let shared = group.reasoning.first().filter(|_| self.is_narrow()).map(|(slot, ..)| *slot);
        let own = group.searches.first().map(|(slot, ..)| *slot);
        own.into_iter().chain(shared).any(|slot| self.is_toggled(slot))
    }

    pub(crate) fn push_call(&mut self, part: &AnswerPart, call: &FunctionCall, run: Option<&ToolCallRun>) {
        let (is_open, gap) = (self.is_unfolded(part), self.gap_above_work());
        let marks = &self.layout.options.look.marks;
        let mut asking = self.answer.call_runs.values().filter(|run| run.state == ToolCallState::Asking);
        let asks_later = asking.next().is_some_and(|first| run.is_some_and(|run| !std::ptr::eq(first, run)));
        let head = tool::CallHead { call, run, is_open, asks_later, now: self.context.now };
        let rows = head.rows(self.layout.width, marks);
        self.push_rows(part, gap, rows);
    }

    pub(crate) fn push_result(&mut self, part: &AnswerPart, run: &ToolCallRun) {
        let Some(result) = tool::result_excerpt(run) else { return };
        let rows = tool::result_rows(&result, self.is_unfolded(part), self.barred_width());
        self.push_rows_with_bar(part, 0, ColourRole::Faint, rows);
    }

    pub(crate) fn push_unknown_item(&mut self, part: &AnswerPart, item: &Item) {
        let ItemKind::Other { kind, status } = &*item.kind else { return };
        let (is_open, gap) = (self.is_unfolded(part), self.gap_above_work());
        let row = item_details::item_head(kind, status.as_deref(), item, is_open, &self.layout.options.look.marks);
        self.push_rows(part, gap, vec![row.truncated(self.layout.width)]);
    }

    /// What the row of an item folds, at the right of a faint bar.
    pub(crate) fn push_barred(&mut self, part: &AnswerPart, rows: impl FnOnce(Cow<str>, usize) -> Vec<StyledRow>) {
        let Some(text) = part.content.source() else { return };
        self.push_rows_with_bar(part, 0, ColourRole::Faint, rows(text, self.barred_width()));
    }

    /// Appends a row to that of the last section, if both fit. Returns whether they did.
    fn append_row(&mut self, row: &StyledRow) -> bool {
        let Some(SectionRows::Owned(rows)) = self.sections.last_mut().map(|last| &mut last.rows) else { return false };
        let Some(first) = rows.first_mut().filter(|first| first.width() + 3 + row.width() <= self.layout.width) else {
            return false;
        };
        first.spans.push(StyledSpan::new("   ", TextStyle::of(ColourRole::Text)));
        first.spans.extend(row.spans.iter().cloned());
        true
    }

    /// Whether a group still reasons.
    fn is_reasoning(&self, group: &WorkGroup) -> bool {
        !self.answer.is_over()
            && group.reasoning.last().is_some_and(|&(last, item, _)| {
                item.closed_at.is_none() && self.answer.items.keys().next_back() == Some(&last)
            })
    }

    pub(crate) fn push_reasoning_head(&mut self, part: &AnswerPart, index: usize) {
        let (run, gap) = (&self.parts.groups[index], self.gap_above_work());
        let marks = &self.layout.options.look.marks;
        let is_live = self.is_reasoning(run);
        let has_text = run.reasoning.iter().any(|(_, _, reasoning)| reasoning.shown_texts().next().is_some());
        let view = self.reasoning_view(run);
        let spent: u64 = run.reasoning.iter().map(|&(slot, item, _)| self.millis_spent(slot, item)).sum();
        let is_brief = !is_live && spent < 1_000;
        let spent = facts::format_thinking_time(spent, is_live);
        let mark = if view == ReasoningView::Folded { marks.folded } else { marks.unfolded };
        let headline = || run.reasoning.iter().rev().find_map(|(_, _, reasoning)| reasoning.headline());
        let label = if is_live { headline().unwrap_or_else(|| "Thinking".into()) } else { "Thought".into() };
        let words =
            text::truncate(&without_leftovers(&label), self.layout.width.saturating_sub(spent.len() + 3)).into_owned();
        let mut spans = vec![StyledSpan::new(format!("{mark} {words}"), TextStyle::of(ColourRole::Reasoning))];
        let mut rest = match (is_live, is_brief) {
            (true, _) => format!(" {spent}"),
            (false, true) => " briefly".into(),
            (false, false) => format!(" for {spent}"),
        };
        let tokens = self.answer.usage.as_ref().and_then(|usage| usage.reasoning_tokens).filter(|tokens| *tokens > 0);
        if let Some(tokens) = tokens.filter(|_| index == 0 && !self.is_narrow()) {
            rest.extend([" ", marks.dot, " ", &facts::format_token_count(tokens), " tokens"]);
        }
        if !has_text && !is_live {
            let encrypted = run.reasoning.iter().any(|(_, _, reasoning)| reasoning.has_encrypted);
            rest.extend([" ", marks.dot, if encrypted { " encrypted" } else { " not shown by the provider" }]);
        }
        spans.push(StyledSpan::new(rest, TextStyle::of(ColourRole::Muted)));
        self.push_rows(part, gap, vec![StyledRow::new(RowKind::ReasoningHead, spans).truncated(self.layout.width)]);
    }

    pub(crate) fn push_reasoning_text(
        &mut self,
        part: &AnswerPart,
        text: &str,
        item: &Item,
        group: usize,
        (is_first, is_last): (bool, bool),
    ) {
        let view = self.reasoning_view(&self.parts.groups[group]);
        let is_shown = match view {
            ReasoningView::Folded => false,
            ReasoningView::LastRows => is_last,
            ReasoningView::Open => true,
        };
        let Some(slot) = part.key.slot.filter(|_| is_shown) else { return };
        let key = reasoning_key(slot, part.key.index);
        let look = reasoning_look(&self.layout.options);
        let is_complete = item.closed_at.is_some() || self.answer.is_over();
        let rows = self.sync_text(key, text, &look, self.barred_width(), is_complete, false);
        let is_cut = view == ReasoningView::LastRows;
        let rows = if is_cut { SectionRows::Owned(self.last_rows(key)) } else { SectionRows::OfText(key, 0..rows) };
        let bar = Some(GutterMark { mark: self.layout.options.look.marks.reasoning_bar, role: ColourRole::Reasoning });
        let gap = usize::from(!is_first && !is_cut);
        self.sections.push(MessageSection { gap, bar, ..MessageSection::new(part, rows) });
    }

    /// The last rows of a text that are not blank.
    fn last_rows(&self, key: TextKey) -> Vec<StyledRow> {
        let rows = self.laid.texts.get(&key).map_or(&[][..], MarkdownLayout::rows);
        let written = rows.iter().rev().filter(|row| row.kind != RowKind::Blank);
        let mut last: Vec<StyledRow> = written.take(LIVE_ROWS).cloned().collect();
        last.reverse();
        last
    }

    fn reasoning_view(&self, group: &WorkGroup) -> ReasoningView {
        let (options, is_live) = (&self.layout.options, self.is_reasoning(group));
        let is_toggled = group.reasoning.first().is_some_and(|(slot, ..)| self.is_toggled(*slot));
        let usual = match options.reasoning {
            ShowMode::Show => ReasoningView::Open,
            ShowMode::Auto if is_live && !options.reasoning_in_rail => ReasoningView::LastRows,
            ShowMode::Auto | ShowMode::Hide => ReasoningView::Folded,
        };
        match (is_toggled, usual) {
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

    fn search_row(&self, group: &WorkGroup) -> StyledRow {
        let searches = &group.searches;
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
            || self.search_summary(group, place),
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

    fn search_summary(&self, WorkGroup { searches, .. }: &WorkGroup, place: &str) -> String {
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
    pub(crate) fn push_failed_search(&mut self, part: &AnswerPart) {
        let marks = &self.layout.options.look.marks;
        let mark = StyledSpan::new(format!("{} ", marks.search), TextStyle::of(ColourRole::Link));
        let (words, muted) = (part.content.source().unwrap_or_default(), TextStyle::of(ColourRole::Muted));
        let mut rows = StyledRow::wrapped(&words, self.barred_width(), RowKind::Search, muted);
        for (nth, row) in rows.iter_mut().enumerate() {
            row.lead_spans = 1;
            row.spans.insert(0, if nth == 0 { mark.clone() } else { StyledSpan::new("  ", muted) });
        }
        let gap = self.gap_above_work();
        self.push_rows(part, gap, rows);
    }
}
