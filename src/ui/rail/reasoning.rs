//! The Reasoning tab: the model's reasoning and its web searches, in order.

use super::{Rail, RailBlock, RailScroll};
use crate::{
    chat::{Answer, ItemKind, Timestamp, answer::ReasoningItem},
    citations::leftovers::without_leftovers,
    render::{
        markdown::{MarkdownLayout, MarkdownOptions, TextStage},
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::reading::{
        ReadingOptions, facts,
        text_focus::{TextFocus, TextKey},
    },
};

impl Rail {
    /// Lays out the reasoning; `read` is the position in a text that the rail shows first.
    pub(crate) fn lay_out_reasoning(
        &mut self,
        answer: &Answer,
        now: Timestamp,
        options: &ReadingOptions,
        read: Option<(TextKey, usize)>,
    ) {
        let all: Vec<&ReasoningItem> = answer
            .items
            .values()
            .filter_map(|item| match &*item.kind {
                ItemKind::Reasoning(reasoning) => Some(reasoning),
                ItemKind::Message { .. } | ItemKind::Call(_) | ItemKind::Search(_) | ItemKind::Other { .. } => None,
            })
            .collect();
        if all.is_empty() {
            self.texts.clear();
            self.push_message(if answer.is_over() {
                "This model did not share its reasoning."
            } else {
                "No reasoning yet."
            });
            return;
        }
        let shows_text = all.iter().any(|reasoning| reasoning.shown_texts().next().is_some());
        self.push_headline(answer, &all, now, options);
        let look = MarkdownOptions { base_style: TextStyle::of(ColourRole::Text).italic(), ..options.look };
        let mut shown_texts = Vec::new();
        let mut budget = self.layout_budget;
        let focus = match (self.scroll, read) {
            (RailScroll::Auto, _) if !answer.is_over() => TextFocus::End,
            (RailScroll::Auto, _) | (_, None) => TextFocus::Start,
            (RailScroll::At(_), Some((key, source))) => TextFocus::At(key, source),
        };
        let mut is_replaced = false;
        for (&slot, item) in &answer.items {
            match &*item.kind {
                ItemKind::Reasoning(reasoning) => {
                    let is_complete = item.closed_at.is_some() || answer.is_over();
                    for (nth, text) in reasoning.shown_texts().enumerate() {
                        let key = (slot, nth);
                        shown_texts.push(key);
                        let layout = self.texts.entry(key).or_insert_with(|| MarkdownLayout::new(look));
                        layout.set_options(look);
                        layout.set_focus(focus.in_text(key));
                        let before = (layout.width(), layout.plain_start());
                        if let Some(finished) = self.finished.remove(&key) {
                            is_replaced |= layout.adopt(finished, text);
                        }
                        let marks = self.citations.marks(key);
                        let stage = if is_complete { TextStage::Complete } else { TextStage::Growing };
                        self.is_behind |= layout.sync_frame(text, self.width, stage, marks, &mut budget);
                        is_replaced |= (layout.width(), layout.plain_start()) != before;
                        self.jobs.extend(layout.take_job(text, stage, marks).map(|job| (key, job)));
                        let rows = layout.rows().len();
                        self.push_blank();
                        self.blocks.push(RailBlock::Text(key, rows));
                    }
                }
                ItemKind::Search(search) => {
                    let Some(query) = &search.query else { continue };
                    self.push_blank();
                    let query = text::one_line(query);
                    let mark =
                        StyledSpan::new(format!("{} ", options.look.marks.search), TextStyle::of(ColourRole::Link));
                    let row = StyledRow::new(
                        RowKind::Search,
                        vec![mark, StyledSpan::new(query, TextStyle::of(ColourRole::Muted))],
                    );
                    self.blocks.push(RailBlock::Row(row.truncated(self.width)));
                }
                ItemKind::Message { .. } | ItemKind::Call(_) | ItemKind::Other { .. } => (),
            }
        }
        self.texts.retain(|key, _| shown_texts.contains(key));
        if let RailScroll::At(_) = self.scroll
            && is_replaced
            && let Some(read) = read
        {
            self.return_to(read);
        }
        if shown_texts.is_empty() && answer.is_over() {
            self.push_blank();
            let encrypted = all.iter().any(|reasoning| reasoning.has_encrypted);
            self.push_message(if encrypted {
                "Encrypted by the provider, which alone can read it."
            } else {
                "This model did not share its reasoning."
            });
        }
        self.footer = reasoning_note(&all, self.width).filter(|_| shows_text).map(|words| {
            StyledRow::new(RowKind::Text, vec![StyledSpan::new(words, TextStyle::of(ColourRole::Muted))])
                .truncated(self.width)
        });
    }

    /// Adds the latest headline with the time, such as `◐ Checking what the page says      4 s`.
    fn push_headline(&mut self, answer: &Answer, all: &[&ReasoningItem], now: Timestamp, options: &ReadingOptions) {
        let is_live = !answer.is_over()
            && answer.items.values().next_back().is_some_and(|item| {
                item.closed_at.is_none() && matches!(*item.kind, ItemKind::Reasoning(_) | ItemKind::Search(_))
            });
        // The headlines stand in the text below; the one of what goes on now is worth repeating.
        let headline = all.iter().rev().find_map(|reasoning| reasoning.headline()).filter(|_| is_live);
        let label = headline.unwrap_or_else(|| if is_live { "Thinking".into() } else { "Thought".into() });
        let seconds = answer.reasoning_seconds(now).unwrap_or(0);
        let time = facts::format_thinking_time(seconds * 1000, is_live);
        let mark = if is_live { options.look.marks.running } else { options.look.marks.done };
        let ink = TextStyle::of(ColourRole::Reasoning);
        let room = self.width.saturating_sub(text::width(&time) + 4);
        let words = text::truncate(&without_leftovers(&label), room).into_owned();
        let pad = self.width.saturating_sub(2 + text::width(&words) + text::width(&time));
        let spans = vec![
            StyledSpan::new(format!("{mark} "), ink),
            StyledSpan::new(words, ink.bold()),
            StyledSpan::new(" ".repeat(pad), ink),
            StyledSpan::new(time, TextStyle::of(ColourRole::Muted)),
        ];
        self.blocks.push(RailBlock::Row(StyledRow::new(RowKind::ReasoningHead, spans).truncated(self.width)));
    }
}

/// Says what the text above is, unless it is all of the reasoning, in as many words as there is room for.
fn reasoning_note(all: &[&ReasoningItem], width: usize) -> Option<&'static str> {
    let has_raw_text = all.iter().any(|reasoning| reasoning.content.iter().any(|text| !text.is_empty()));
    let has_encrypted = all.iter().any(|reasoning| reasoning.has_encrypted);
    match (has_raw_text, has_encrypted) {
        (true, _) => None,
        (false, true) => ["summary · full text encrypted by the provider", "summary · encrypted by the provider"]
            .into_iter()
            .find(|words| text::width(words) <= width)
            .or(Some("summary")),
        (false, false) => Some("summary"),
    }
}
