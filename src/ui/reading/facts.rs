//! Short facts about an answer: when it came, how long it took, its speed and its cost.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub(crate) use crate::text::amounts::{format_seconds, format_size};
use crate::{
    chat::{Answer, AnswerEnd, Timestamp},
    text,
};

/// The name of a model without its vendor.
pub(crate) fn short_model_name(model: &str) -> String {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    text::clean(name).into_owned()
}

/// The time of day in the reader's zone, with the date unless it is today's.
pub(crate) fn time_of_day(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = match () {
        () if at.date() == now.date() => "%H:%M",
        () if at.year() == now.year() => "%-d %b %H:%M",
        () => "%-d %b %Y %H:%M",
    };
    at.strftime(form).to_string()
}

/// The facts shown next to the model's name once the answer is over.
pub(crate) fn answer_facts(answer: &Answer, brief: bool, awaits_price: bool) -> Vec<String> {
    let mut facts = Vec::new();
    let Some(ended) = answer.ended_at else { return facts };
    let elapsed = millis_between(answer.started_at, ended);
    let failed_at_once = matches!(answer.end, AnswerEnd::Failed(_)) && !answer.is_visible() && elapsed < 1_000;
    let outcome = match &answer.end {
        AnswerEnd::Stopped => format!("stopped after {}", format_seconds(elapsed)),
        AnswerEnd::Interrupted => format!("interrupted after {}", format_seconds(elapsed)),
        // The part that arrived stays visible, but it is incomplete.
        AnswerEnd::Failed(_) if answer.is_visible() => format!("interrupted after {}", format_seconds(elapsed)),
        AnswerEnd::Open | AnswerEnd::Complete | AnswerEnd::Incomplete { .. } | AnswerEnd::Failed(_) => {
            format_seconds(elapsed)
        }
    };
    facts.extend(Some(outcome).filter(|_| !failed_at_once));
    let usage = answer.usage.as_ref();
    if let Some(speed) =
        usage.and_then(|usage| usage.output_tokens).and_then(|tokens| tokens_per_second(answer, tokens, ended))
        && !brief
    {
        facts.push(format!("{speed} t/s"));
    }
    match usage.and_then(|usage| usage.cost.as_ref()) {
        Some(cost) => facts.push(cost.to_string()),
        None if awaits_price => facts.push("looking up the cost…".into()),
        None => (),
    }
    facts
}

/// Tokens per second while the model generated: from the first item or text of each response to its last item, so that
/// neither tools nor the user's own time count.
pub(crate) fn tokens_per_second(answer: &Answer, tokens: u64, ended: Timestamp) -> Option<u64> {
    let spent: u64 = generating_spans(answer, ended).into_iter().map(|(from, to)| millis_between(from, to)).sum();
    (tokens > 1 && spent >= 200).then(|| (tokens * 1000 + spent / 2) / spent)
}

/// When each response of an answer generated. The last one ends with the answer, unless it ended with calls.
fn generating_spans(answer: &Answer, ended: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let last_step = answer.items.keys().map(|slot| slot.step).max();
    let mut spans: BTreeMap<u32, (Timestamp, Timestamp)> = BTreeMap::new();
    for (slot, item) in &answer.items {
        let closed = item.closed_at.unwrap_or(ended);
        let span = spans.entry(slot.step).or_insert((item.opened_at, closed));
        *span = (span.0.min(item.opened_at), span.1.max(closed));
    }
    let ends_with_calls = answer.call_runs.keys().any(|slot| Some(slot.step) == last_step);
    if let Some(last) = spans.values_mut().last().filter(|_| !ends_with_calls) {
        last.1 = ended;
    }
    if let (Some(first), Some(text)) = (spans.values_mut().next(), answer.first_text_at) {
        first.0 = first.0.min(text);
    }
    if spans.is_empty() {
        return answer.first_text_at.map(|first| (first, ended)).into_iter().collect();
    }
    spans.into_values().collect()
}

/// The same in whole seconds.
pub(crate) fn format_whole_seconds(millis: u64) -> String {
    match millis {
        0..=99_499 => format!("{} s", (millis + 500) / 1000),
        _ => format_seconds(millis),
    }
}

/// How long the model thought, rounded down so that it never exceeds the time that passed.
pub(crate) fn format_thinking_time(millis: u64, is_live: bool) -> String {
    match millis {
        0..1_000 if !is_live => "< 1 s".into(),
        _ => format_whole_seconds(millis / 1000 * 1000),
    }
}

pub(crate) fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

/// A count of tokens: `312`, `1.4k`.
pub(crate) fn format_token_count(tokens: u64) -> String {
    match tokens {
        0..=999 => tokens.to_string(),
        1_000..=99_949 => format!("{}.{}k", (tokens + 50) / 1000, (tokens + 50) / 100 % 10),
        _ => format!("{}k", (tokens + 500) / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_counts_are_short() {
        let shown: Vec<_> = [0, 140, 6_120, 9_949, 9_950, 48_000, 185_000].map(format_seconds).into();
        assert_eq!(shown, ["0.0 s", "0.1 s", "6.1 s", "9.9 s", "10 s", "48 s", "3 min 5 s"]);
        assert_eq!([312, 1_400, 12_345, 200_000].map(format_token_count), ["312", "1.4k", "12.3k", "200k"]);
    }

    #[test]
    fn thinking_time_is_rounded_down() {
        let shown: Vec<_> = [0, 999, 1_500, 12_900].map(|spent| format_thinking_time(spent, false)).into();
        assert_eq!(shown, ["< 1 s", "< 1 s", "1 s", "12 s"]);
        assert_eq!(format_thinking_time(400, true), "0 s");
    }

    #[test]
    fn the_date_is_shown_unless_it_is_today() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now: Timestamp = "2026-11-22T12:02:00Z".parse().expect("a time");
        assert_eq!(time_of_day(now, now, &zone), "14:02");
        assert_eq!(time_of_day("2026-11-21T22:30:00Z".parse().expect("a time"), now, &zone), "00:30");
        assert_eq!(time_of_day("2026-03-01T12:00:00Z".parse().expect("a time"), now, &zone), "1 Mar 14:00");
        assert_eq!(time_of_day("2025-03-01T12:00:00Z".parse().expect("a time"), now, &zone), "1 Mar 2025 14:00");
    }

    #[test]
    fn a_model_name_omits_its_vendor() {
        assert_eq!(short_model_name("anthropic/claude-opus-5"), "claude-opus-5");
        assert_eq!(short_model_name("llama3"), "llama3");
    }
}
