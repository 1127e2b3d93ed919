//! The Details tab: an answer's model, times, tokens, cost, parameters and outcome.

use super::{Rail, RailBlock};
use crate::{
    api::Usd,
    chat::{Answer, AnswerEnd, Conversation, MessageId, Timestamp},
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
    ui::reading::{ReadingOptions, facts, limited_text},
};

/// The width of the column of names, in cells.
const NAME_WIDTH: usize = 12;

/// Groups of names with their values.
type FactGroups = Vec<Vec<(&'static str, String)>>;

impl Rail {
    pub(crate) fn lay_out_details(
        &mut self,
        conversation: &Conversation,
        id: Option<MessageId>,
        now: Timestamp,
        options: &ReadingOptions,
    ) {
        let Some(id) = id else { return };
        let Some(answer) = conversation.messages.get(&id).and_then(crate::chat::Message::as_answer) else { return };
        let groups = [
            identity_facts(answer),
            timing_facts(answer, now, options),
            cost_facts(answer, conversation.side_cost(id)),
            parameter_facts(answer),
            outcome_facts(answer, self.citations.sources().len(), conversation.is_price_pending(id)),
        ];
        self.push_facts(groups.into_iter().filter(|group| !group.is_empty()).collect(), options);
    }

    fn push_facts(&mut self, groups: FactGroups, options: &ReadingOptions) {
        for (nth, group) in groups.into_iter().enumerate() {
            if nth > 0 {
                self.push_blank();
            }
            for (name, value) in group {
                let room = self.width.saturating_sub(NAME_WIDTH).max(1);
                let value = [StyledSpan::new(&*text::clean(&value), TextStyle::of(ColourRole::Text))];
                for (line, spans) in
                    limited_text::wrap_limited(&value, room, 3, &options.look.marks).into_iter().enumerate()
                {
                    let name = if line == 0 { name } else { "" };
                    let mut all =
                        vec![StyledSpan::new(format!("{name:<NAME_WIDTH$}"), TextStyle::of(ColourRole::Muted))];
                    all.extend(spans);
                    self.blocks.push(RailBlock::Row(
                        StyledRow { lead_spans: 1, ..StyledRow::new(RowKind::Text, all) }.truncated(self.width),
                    ));
                }
            }
        }
    }
}

fn identity_facts(answer: &Answer) -> Vec<(&'static str, String)> {
    let served = answer.answered_by.clone().filter(|model| !model.is_empty());
    let mut facts = vec![("model", served.clone().unwrap_or_else(|| answer.model.clone()))];
    if served.is_some_and(|served| served != answer.model) {
        facts.push(("requested", answer.model.clone()));
    }
    if let Some(provider) = &answer.params.provider {
        facts.push(("provider", provider.clone()));
    }
    facts.push(("server", answer.endpoint.clone()));
    facts.extend(answer.params.pipeline.iter().map(|stage| ("pipeline", stage.clone())));
    facts.extend(answer.generation_ids().map(|generation| ("id", generation.to_owned())));
    facts
}

fn timing_facts(answer: &Answer, now: Timestamp, options: &ReadingOptions) -> Vec<(&'static str, String)> {
    let since = |at: Timestamp| facts::format_seconds(facts::millis_between(answer.started_at, at));
    let mut entries = vec![("sent at", facts::time_of_day(answer.started_at, now, &options.zone))];
    entries.extend(answer.params.first_byte.map(|at| ("first byte", since(at))));
    entries.extend(answer.first_text_at.map(|at| ("first text", since(at))));
    entries.extend(
        answer
            .reasoning_seconds(now)
            .map(|seconds| ("thought", facts::format_thinking_time(seconds * 1000, !answer.is_over()))),
    );
    entries.extend(answer.ended_at.map(|at| ("total", since(at))));
    let tokens = answer.usage.as_ref().and_then(|usage| usage.output_tokens);
    let speed = tokens.zip(answer.ended_at).and_then(|(tokens, ended)| facts::tokens_per_second(answer, tokens, ended));
    entries.extend(speed.map(|speed| ("speed", format!("{speed} tokens/s"))));
    entries
}

/// The tokens, and what was paid for the answer and for judging its sources.
fn cost_facts(answer: &Answer, judged: Option<&Usd>) -> Vec<(&'static str, String)> {
    let judged = judged.map(|cost| ("judged for", format!("${}", cost.digits())));
    token_facts(answer).into_iter().chain(judged).collect()
}

fn token_facts(answer: &Answer) -> Vec<(&'static str, String)> {
    let Some(usage) = &answer.usage else { return Vec::new() };
    let format_count = |count: u64, part: Option<u64>, word: &str| match part.filter(|part| *part > 0) {
        Some(part) => format!("{count} tokens, {part} {word}"),
        None => format!("{count} tokens"),
    };
    let mut entries = Vec::new();
    entries.extend(usage.input_tokens.map(|count| ("input", format_count(count, usage.cached_tokens, "cached"))));
    entries.extend(
        usage.output_tokens.map(|count| ("output", format_count(count, usage.reasoning_tokens, "of reasoning"))),
    );
    // The digits as the server sent them, not rounded.
    entries.extend(usage.cost.as_ref().map(|cost| ("cost", format!("${}", Usd::digits(cost)))));
    entries
}

/// The parameters of the request.
fn parameter_facts(answer: &Answer) -> Vec<(&'static str, String)> {
    let params = &answer.params;
    let mut entries = Vec::new();
    entries.extend(params.effort.map(|effort| ("effort", effort.name().to_owned())));
    entries.extend(params.web.then(|| ("web search", "on".to_owned())));
    entries.extend(params.temperature.map(|value| ("temperature", value.to_string())));
    entries.extend(params.top_p.map(|value| ("top p", value.to_string())));
    entries.extend(params.max_output_tokens.map(|value| ("limit", format!("{value} tokens of output"))));
    entries
}

fn outcome_facts(answer: &Answer, sources: usize, is_awaiting_cost: bool) -> Vec<(&'static str, String)> {
    let outcome = match &answer.end {
        AnswerEnd::Open => "still being written".to_owned(),
        AnswerEnd::Complete => "complete".into(),
        AnswerEnd::Incomplete { reason: Some(reason) } => format!("incomplete: {}", reason.replace('_', " ")),
        AnswerEnd::Incomplete { reason: None } => "incomplete".into(),
        AnswerEnd::Stopped => "stopped by you".into(),
        AnswerEnd::Interrupted => "interrupted".into(),
        AnswerEnd::Failed(_) => "failed".into(),
    };
    let mut entries = vec![("ended", outcome)];
    if is_awaiting_cost {
        entries.push(("cost", "looking up…".into()));
    }
    if answer.params.attempts > 1 {
        entries.push(("attempts", answer.params.attempts.to_string()));
    }
    if sources > 0 {
        entries.push(("sources", sources.to_string()));
    }
    entries
}
