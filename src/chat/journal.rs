//! What a streaming answer has received since its last write to disk, as events that can be replayed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Answer, Timestamp, answer::EventOutcome};
use crate::api::Event;

/// Events not yet on disk; deltas that extend the same text are merged into one.
#[derive(Debug, Clone, Default)]
pub struct AnswerJournal(Vec<JournalLine>);

/// Events taken from a journal, which become JSON only when they are written.
#[derive(Debug, Clone)]
pub struct JournalChunk(Arc<[JournalLine]>);

#[derive(Debug, Clone)]
struct JournalLine {
    stamp: JournalStamp,
    event: Event,
}

/// What a line has besides its event: the response of the turn that it belongs to, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct JournalStamp {
    step: u32,
    at: Timestamp,
}

impl AnswerJournal {
    /// Appends an event; merged deltas have the time of the first.
    pub fn push(&mut self, step: u32, at: Timestamp, event: &Event) {
        if let Event::Delta { target: same, text: more } = event
            && let Some(JournalLine { stamp, event: Event::Delta { target: place, text } }) = self.0.last_mut()
            && stamp.step == step
            && place == same
            && !text.is_empty()
        {
            text.push_str(more);
            return;
        }
        if matches!(event, Event::KeepAlive | Event::Other { .. } | Event::Unreadable { .. }) {
            return;
        }
        self.0.push(JournalLine { stamp: JournalStamp { step, at }, event: event.clone() });
    }

    /// Takes the events since the last call; `None` if there are none.
    pub fn take(&mut self) -> Option<JournalChunk> {
        (!self.0.is_empty()).then(|| JournalChunk(std::mem::take(&mut self.0).into()))
    }
}

impl JournalChunk {
    /// The events as JSON, one per line.
    pub fn to_json_lines(&self) -> String {
        let mut lines = String::new();
        for JournalLine { stamp, event } in &*self.0 {
            let Some(event) = event.to_json() else { continue };
            let mark = serde_json::to_string(stamp).expect("a number and a time always have a JSON form");
            // Joins two objects into one: `{"step":0,"at":"…"` and `"type":"…",…}`.
            lines.extend([mark.trim_end_matches('}'), ",", event.trim_start_matches('{'), "\n"]);
        }
        lines
    }
}

/// Applies the lines of a journal to the answer that precedes them. A line that a crash cut off is skipped.
pub fn replay_journal(answer: &mut Answer, lines: &str) -> EventOutcome {
    let mut total = EventOutcome::default();
    for line in lines.lines() {
        let Ok(stamp) = serde_json::from_str::<JournalStamp>(line) else { continue };
        let applied = answer.apply(stamp.step, stamp.at, &Event::parse(line));
        total.changed |= applied.changed;
        total.visible |= applied.visible;
        total.activity = applied.activity.or(total.activity);
        total.ended |= applied.ended;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).expect("a time")
    }

    fn delta(field: &str, index: u32, text: &str) -> Event {
        Event::parse(&format!(
            r#"{{"type":"response.{field}.delta","output_index":{index},"content_index":0,"delta":"{text}"}}"#
        ))
    }

    #[test]
    fn deltas_of_the_same_text_merge_into_one_line_with_the_first_time() {
        let mut journal = AnswerJournal::default();
        for number in 0..1000 {
            journal.push(0, at(number), &delta("output_text", 1, "ab"));
            journal.push(0, at(number), &Event::KeepAlive);
        }
        journal.push(0, at(1000), &delta("reasoning_text", 1, "c"));
        journal.push(1, at(1001), &delta("reasoning_text", 1, "d"));
        let lines = journal.take().expect("something came").to_json_lines();
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].starts_with(r#"{"step":0,"at":"2026-09-21T14:13:20Z","type":"response.output_text.delta""#),
            "{}",
            lines[0]
        );
        assert!(lines[0].ends_with(&format!(r#""delta":"{}"}}"#, "ab".repeat(1000))));
        assert!(lines[2].starts_with(r#"{"step":1,"#));
        assert!(journal.take().is_none());
    }

    #[test]
    fn the_id_of_each_response_survives_a_crash() {
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        answer.set_generation(0, Some("gen-a".into()));
        let mut journal = AnswerJournal::default();
        let begun = crate::api::event::ResponseEnvelope::started("gen-b".into());
        journal.push(1, at(5), &Event::ResponseStarted(Box::new(begun)));
        replay_journal(&mut answer, &journal.take().expect("something came").to_json_lines());
        answer.interrupt(at(6));
        assert_eq!(answer.unpriced_ids().collect::<Vec<_>>(), ["gen-a", "gen-b"]);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_skipped() {
        let mut journal = AnswerJournal::default();
        journal.push(0, at(0), &delta("output_text", 0, "kept"));
        let mut lines = journal.take().expect("something came").to_json_lines();
        journal.push(0, at(1), &delta("output_text", 0, " lost"));
        lines += &journal.take().expect("something came").to_json_lines()[..40];
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        assert!(replay_journal(&mut answer, &lines).visible);
        assert_eq!((answer.text().as_str(), answer.first_text_at), ("kept", Some(at(0))));
    }
}
