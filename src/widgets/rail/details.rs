//! The tab with all that is known of an answer: who gave it, when, how much of what, and for how much.

use super::{Piece, Rail};
use crate::{
    api::Usd,
    chat::{Answer, Conversation, End, MessageId, Timestamp},
    text,
    widgets::{
        row::{Ink, Row, RowKind, Span},
        source_card,
        theme::Role,
        transcript::{ReadingOptions, facts},
    },
};

/// Cells of the names at the left.
const NAMES: usize = 12;

/// A name and what it is, in groups.
type Facts = Vec<Vec<(&'static str, String)>>;

impl Rail {
    pub(super) fn details(
        &mut self,
        conversation: &Conversation,
        id: Option<MessageId>,
        now: Timestamp,
        options: &ReadingOptions,
    ) {
        let Some(id) = id else { return };
        let Some(answer) = conversation.messages.get(&id).and_then(crate::chat::Message::answer) else { return };
        let groups = [
            who(answer),
            times(answer, now, options),
            tokens(answer),
            asked(answer),
            ends(answer, self.citations.sources().len(), conversation.asks_price(id)),
        ];
        self.show_facts(groups.into_iter().filter(|group| !group.is_empty()).collect(), options);
    }

    fn show_facts(&mut self, groups: Facts, options: &ReadingOptions) {
        for (nth, group) in groups.into_iter().enumerate() {
            if nth > 0 {
                self.blank();
            }
            for (name, value) in group {
                let room = self.width.saturating_sub(NAMES).max(1);
                let value = [Span::new(&*text::clean(&value), Ink::of(Role::Text))];
                for (line, spans) in source_card::few(&value, room, 3, &options.look.marks).into_iter().enumerate() {
                    let name = if line == 0 { name } else { "" };
                    let mut all = vec![Span::new(format!("{name:<NAMES$}"), Ink::of(Role::Muted))];
                    all.extend(spans);
                    self.pieces.push(Piece::Own(Row { lead: 1, ..Row::new(RowKind::Text, all) }.cut(self.width)));
                }
            }
        }
    }
}

fn who(answer: &Answer) -> Vec<(&'static str, String)> {
    let served = answer.answered_by.clone().filter(|model| !model.is_empty());
    let mut facts = vec![("model", served.clone().unwrap_or_else(|| answer.model.clone()))];
    if served.is_some_and(|served| served != answer.model) {
        facts.push(("asked for", answer.model.clone()));
    }
    if let Some(provider) = &answer.course.provider {
        facts.push(("provider", provider.clone()));
    }
    facts.push(("server", answer.endpoint.clone()));
    facts.extend(answer.generations().map(|generation| ("id", generation.to_owned())));
    facts
}

fn times(answer: &Answer, now: Timestamp, options: &ReadingOptions) -> Vec<(&'static str, String)> {
    let since = |at: Timestamp| facts::seconds(facts::millis(answer.started, at));
    let mut told = vec![("asked at", facts::clock(answer.started, now, &options.zone))];
    told.extend(answer.course.first_byte.map(|at| ("first byte", since(at))));
    told.extend(answer.first_text.map(|at| ("first text", since(at))));
    told.extend(
        answer.reasoning_seconds(now).map(|seconds| ("thought", facts::thought(seconds * 1000, !answer.is_over()))),
    );
    told.extend(answer.ended.map(|at| ("in all", since(at))));
    let tokens = answer.usage.as_ref().and_then(|usage| usage.output_tokens);
    let speed = tokens.zip(answer.ended).and_then(|(tokens, ended)| facts::speed(answer, tokens, ended));
    told.extend(speed.map(|speed| ("speed", format!("{speed} tokens/s"))));
    told
}

fn tokens(answer: &Answer) -> Vec<(&'static str, String)> {
    let Some(usage) = &answer.usage else { return Vec::new() };
    let with = |count: u64, part: Option<u64>, word: &str| match part.filter(|part| *part > 0) {
        Some(part) => format!("{count} tokens, {part} {word}"),
        None => format!("{count} tokens"),
    };
    let mut told = Vec::new();
    told.extend(usage.input_tokens.map(|count| ("input", with(count, usage.cached_tokens, "cached"))));
    told.extend(usage.output_tokens.map(|count| ("output", with(count, usage.reasoning_tokens, "of reasoning"))));
    // The server's own digits, not rounded.
    told.extend(usage.cost.as_ref().map(|cost| ("cost", format!("${}", Usd::digits(cost)))));
    told
}

/// What it was asked with.
fn asked(answer: &Answer) -> Vec<(&'static str, String)> {
    let course = &answer.course;
    let mut told = Vec::new();
    told.extend(course.effort.map(|effort| ("effort", effort.name().to_owned())));
    told.extend(course.web.then(|| ("web search", "on".to_owned())));
    told.extend(course.temperature.map(|value| ("temperature", value.to_string())));
    told.extend(course.top_p.map(|value| ("top p", value.to_string())));
    told.extend(course.max_output_tokens.map(|value| ("at most", format!("{value} tokens of output"))));
    told
}

fn ends(answer: &Answer, sources: usize, asks_price: bool) -> Vec<(&'static str, String)> {
    let ended = match &answer.end {
        End::Open => "it is still being written".to_owned(),
        End::Complete => "complete".into(),
        End::Incomplete { reason: Some(reason) } => format!("incomplete: {}", reason.replace('_', " ")),
        End::Incomplete { reason: None } => "incomplete".into(),
        End::Stopped => "stopped by you".into(),
        End::Interrupted => "interrupted".into(),
        End::Failed(_) => "failed".into(),
    };
    let mut told = vec![("ended", ended)];
    if asks_price {
        told.push(("cost", "being asked for".into()));
    }
    if answer.course.attempts > 1 {
        told.push(("attempts", answer.course.attempts.to_string()));
    }
    if sources > 0 {
        told.push(("sources", sources.to_string()));
    }
    told
}
