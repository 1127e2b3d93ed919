//! What a streaming answer has received since its last write to disk, as events that can be replayed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::api::Event;

/// The version of the lines that this program writes. Those of 0.1.0 have none.
const LINE_VERSION: u32 = 2;

/// Events not yet on disk; deltas that extend the same text are merged into one.
#[derive(Debug, Clone, Default)]
pub struct AnswerJournal(Vec<JournalLine>);

/// Events taken from a journal, which become JSON only when they are written.
#[derive(Debug, Clone)]
pub struct JournalChunk(Arc<[JournalLine]>);

/// One event, the response of the turn that it belongs to, and its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JournalLine {
    v: u32,
    pub step: u32,
    pub at: Timestamp,
    pub event: Event,
}

impl AnswerJournal {
    /// Appends an event; merged deltas have the time of the first.
    pub fn push(&mut self, step: u32, at: Timestamp, event: &Event) {
        if let Event::Delta { target: same, text: more } = event
            && let Some(JournalLine { step: line_step, event: Event::Delta { target, text }, .. }) = self.0.last_mut()
            && *line_step == step
            && target == same
            && !text.is_empty()
        {
            text.push_str(more);
            return;
        }
        if matches!(event, Event::KeepAlive | Event::Other { .. } | Event::Unreadable { .. }) {
            return;
        }
        self.0.push(JournalLine::new(step, at, event.clone()));
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
        for line in &*self.0 {
            let json = serde_json::to_string(line).expect("strings, numbers and raw JSON always have a JSON form");
            // An item may have line breaks between its tokens; inside strings they are escaped.
            lines.extend([&json.replace(['\n', '\r'], " "), "\n"]);
        }
        lines
    }
}

impl JournalLine {
    pub fn new(step: u32, at: Timestamp, event: Event) -> Self {
        Self { v: LINE_VERSION, step, at, event }
    }

    /// Reads a line of this version. Returns `None` if it has another, or if a crash cut it off.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().filter(|line: &Self| line.v == LINE_VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Answer, test_support::replay_lines};

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
        let target = r#"{"item_ref":{"index":1},"field":{"text":0}}"#;
        let text = "ab".repeat(1000);
        assert_eq!(
            lines[0],
            format!(
                r#"{{"v":2,"step":0,"at":"2026-09-21T14:13:20Z","event":{{"delta":{{"target":{target},"text":"{text}"}}}}}}"#
            )
        );
        assert!(lines[2].starts_with(r#"{"v":2,"step":1,"#));
        assert!(journal.take().is_none());
    }

    #[test]
    fn the_id_of_each_response_survives_a_crash() {
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        answer.set_generation(0, Some("gen-a".into()));
        let mut journal = AnswerJournal::default();
        let begun = crate::api::event::ResponseEnvelope::started("gen-b".into());
        journal.push(1, at(5), &Event::ResponseStarted(Box::new(begun)));
        replay_lines(&mut answer, &journal.take().expect("something came").to_json_lines());
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
        replay_lines(&mut answer, &lines);
        assert_eq!((answer.text().as_str(), answer.first_text_at), ("kept", Some(at(0))));
    }
}
