//! The tab with what the model thinks, and what it searched on the way.

use super::{Piece, Rail};
use crate::{
    chat::{Answer, Kind, Timestamp, answer::Reasoning},
    text,
    widgets::{
        markdown::{Look, MarkdownLayout, Stage},
        row::{Ink, Row, RowKind, Span},
        theme::Role,
        transcript::{ReadingOptions, facts},
    },
};

impl Rail {
    pub(super) fn reasoning(&mut self, answer: &Answer, now: Timestamp, options: &ReadingOptions) {
        let all: Vec<&Reasoning> = answer
            .items
            .values()
            .filter_map(|item| match &*item.kind {
                Kind::Reasoning(reasoning) => Some(reasoning),
                Kind::Message { .. } | Kind::Call(_) | Kind::Search(_) | Kind::Other { .. } => None,
            })
            .collect();
        if all.is_empty() {
            self.texts.clear();
            self.say(if answer.is_over() { "The model told no reasoning." } else { "No reasoning yet." });
            return;
        }
        self.headline(answer, &all, now, options);
        let look = Look { base: Ink::of(Role::Text).italic(), ..options.look };
        let mut kept = Vec::new();
        for (&slot, item) in &answer.items {
            match &*item.kind {
                Kind::Reasoning(reasoning) => {
                    let complete = item.closed.is_some() || answer.is_over();
                    for (nth, text) in reasoning.texts().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
                        let key = (slot, nth);
                        kept.push(key);
                        let layout = self.texts.entry(key).or_insert_with(|| MarkdownLayout::new(look));
                        layout.set_look(look);
                        layout.sync(text, self.width, if complete { Stage::Complete } else { Stage::Growing }, &[]);
                        let rows = layout.rows().len();
                        self.blank();
                        self.pieces.push(Piece::Text(key, rows));
                    }
                }
                Kind::Search(search) => {
                    let Some(query) = &search.query else { continue };
                    self.blank();
                    let query = text::clean(query).split_whitespace().collect::<Vec<_>>().join(" ");
                    let mark = Span::new(format!("{} ", options.look.marks.search), Ink::of(Role::Link));
                    let row = Row::new(RowKind::Search, vec![mark, Span::new(query, Ink::of(Role::Muted))]);
                    self.pieces.push(Piece::Own(row.cut(self.width)));
                }
                Kind::Message { .. } | Kind::Call(_) | Kind::Other { .. } => (),
            }
        }
        self.texts.retain(|key, _| kept.contains(key));
        if kept.is_empty() && answer.is_over() {
            self.blank();
            let encrypted = all.iter().any(|reasoning| reasoning.encrypted);
            self.say(if encrypted {
                "It came encrypted: the provider can read it, nobody else."
            } else {
                "The provider does not show it."
            });
        }
        self.foot = foot(&all)
            .map(|words| Row::new(RowKind::Text, vec![Span::new(words, Ink::of(Role::Muted))]).cut(self.width));
    }

    /// `◐ Checking what the page says      4 s`
    fn headline(&mut self, answer: &Answer, all: &[&Reasoning], now: Timestamp, options: &ReadingOptions) {
        let is_live = !answer.is_over()
            && answer.items.values().next_back().is_some_and(|item| {
                item.closed.is_none() && matches!(*item.kind, Kind::Reasoning(_) | Kind::Search(_))
            });
        let headline = all.iter().rev().find_map(|reasoning| reasoning.headline());
        let words = headline.unwrap_or_else(|| if is_live { "Thinking".into() } else { "Thought".into() });
        let seconds = answer.reasoning_seconds(now).unwrap_or(0);
        let time = facts::thought(seconds * 1000, is_live);
        let mark = if is_live { options.look.marks.running } else { options.look.marks.done };
        let ink = Ink::of(Role::Reasoning);
        let room = self.width.saturating_sub(text::width(&time) + 4);
        let words = text::truncate(&words, room).into_owned();
        let pad = self.width.saturating_sub(2 + text::width(&words) + text::width(&time));
        let spans = vec![
            Span::new(format!("{mark} "), ink),
            Span::new(words, ink.bold()),
            Span::new(" ".repeat(pad), ink),
            Span::new(time, Ink::of(Role::Muted)),
        ];
        self.pieces.push(Piece::Own(Row::new(RowKind::ReasoningHead, spans).cut(self.width)));
    }
}

fn foot(all: &[&Reasoning]) -> Option<String> {
    let mut kinds = Vec::new();
    if all.iter().any(|reasoning| reasoning.content.iter().any(|text| !text.is_empty())) {
        kinds.push("raw text");
    }
    if all.iter().any(|reasoning| reasoning.summary.iter().any(|text| !text.is_empty())) {
        kinds.push("a summary");
    }
    if all.iter().any(|reasoning| reasoning.encrypted) {
        kinds.push("encrypted");
    }
    (!kinds.is_empty()).then(|| kinds.join(", "))
}
