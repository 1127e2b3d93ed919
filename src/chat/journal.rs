//! The growth of a streaming answer since it was last written to disk, as events that replay it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Answer, Timestamp, answer::Applied};
use crate::api::Event;

/// Events, those that only lengthen the same text merged into one.
#[derive(Debug, Clone, Default)]
pub struct Journal(Vec<Line>);

/// What was taken from a journal. It becomes JSON where it is written, and not where it is taken.
#[derive(Debug, Clone)]
pub struct Growth(Arc<[Line]>);

#[derive(Debug, Clone)]
struct Line {
    mark: Mark,
    event: Event,
}

/// What a line says besides its event: which response of the turn it belongs to, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Mark {
    step: u32,
    at: Timestamp,
}

impl Journal {
    /// Notes an event; of several deltas in a row the time of the first is kept.
    pub fn push(&mut self, step: u32, at: Timestamp, event: &Event) {
        if let Event::Delta { place: same, text: more } = event
            && let Some(Line { mark, event: Event::Delta { place, text } }) = self.0.last_mut()
            && mark.step == step
            && place == same
            && !text.is_empty()
        {
            text.push_str(more);
            return;
        }
        if matches!(event, Event::KeepAlive | Event::Other { .. } | Event::Unreadable { .. }) {
            return;
        }
        self.0.push(Line { mark: Mark { step, at }, event: event.clone() });
    }

    /// What has come since the last time; `None` when that is nothing.
    pub fn take(&mut self) -> Option<Growth> {
        (!self.0.is_empty()).then(|| Growth(std::mem::take(&mut self.0).into()))
    }
}

impl Growth {
    /// A line of JSON for each event.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for Line { mark, event } in &*self.0 {
            let Some(event) = event.to_json() else { continue };
            let mark = serde_json::to_string(mark).expect("a number and a time always have a JSON form");
            // Two objects become one: `{"step":0,"at":"…"` and `"type":"…",…}`.
            lines.extend([mark.trim_end_matches('}'), ",", event.trim_start_matches('{'), "\n"]);
        }
        lines
    }
}

/// Applies the lines of a journal to an answer as it was before them. A line that a crash cut off is left out.
pub fn replay(answer: &mut Answer, lines: &str) -> Applied {
    let mut all = Applied::default();
    for line in lines.lines() {
        let Ok(mark) = serde_json::from_str::<Mark>(line) else { continue };
        let applied = answer.apply(mark.step, mark.at, &Event::parse(line));
        all.changed |= applied.changed;
        all.visible |= applied.visible;
        all.activity = applied.activity.or(all.activity);
        all.over |= applied.over;
    }
    all
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
    fn deltas_for_the_same_place_become_one_line_with_the_time_of_the_first() {
        let mut journal = Journal::default();
        for number in 0..1000 {
            journal.push(0, at(number), &delta("output_text", 1, "ab"));
            journal.push(0, at(number), &Event::KeepAlive);
        }
        journal.push(0, at(1000), &delta("reasoning_text", 1, "c"));
        journal.push(1, at(1001), &delta("reasoning_text", 1, "d"));
        let lines = journal.take().expect("something came").lines();
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
    fn each_response_that_was_begun_is_known_by_its_id_after_a_crash() {
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        answer.begun_as(0, Some("gen-a".into()));
        let mut journal = Journal::default();
        let begun = crate::api::event::Response::begun("gen-b".into());
        journal.push(1, at(5), &Event::Begun(Box::new(begun)));
        replay(&mut answer, &journal.take().expect("something came").lines());
        answer.interrupt(at(6));
        assert_eq!(answer.unpriced().collect::<Vec<_>>(), ["gen-a", "gen-b"]);
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_left_out() {
        let mut journal = Journal::default();
        journal.push(0, at(0), &delta("output_text", 0, "kept"));
        let mut lines = journal.take().expect("something came").lines();
        journal.push(0, at(1), &delta("output_text", 0, " lost"));
        lines += &journal.take().expect("something came").lines()[..40];
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        assert!(replay(&mut answer, &lines).visible);
        assert_eq!((answer.text().as_str(), answer.first_text), ("kept", Some(at(0))));
    }
}
