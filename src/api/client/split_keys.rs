//! Keys that a server sends in pieces: the end of a text is held while it is the beginning of a key.

use serde_json::Value;

use super::response_stream::RawFrame;
use crate::{
    api::{
        Event,
        event::{ItemRef, TextTarget},
    },
    secrets,
};

/// Holds the ends of texts that may go on as a key. Any other text passes at once.
#[derive(Debug, Default)]
pub(super) struct SplitKeyGuard {
    held: Vec<HeldText>,
    /// The frames since the first text that is held: what is recorded of them depends on how it goes on.
    waiting: Vec<WaitingFrame>,
    /// Whether a key was found in pieces since then.
    has_found_key: bool,
}

/// The end of a text, to be continued by the next event for the same text.
#[derive(Debug)]
struct HeldText {
    place: HeldTextTarget,
    text: String,
}

/// Which text an event continues.
#[derive(Debug, Clone, PartialEq)]
enum HeldTextTarget {
    Known(TextTarget),
    /// The kind of an event that we do not know, and its item.
    Other(String, ItemRef),
}

#[derive(Debug)]
struct WaitingFrame {
    raw: RawFrame,
    /// What was passed on of its text, if it has one.
    passed: Option<String>,
}

impl SplitKeyGuard {
    /// Passes an event on, after the texts that it ends; without its own end if that may go on as a key. Returns what is
    /// recorded now.
    pub(super) fn pass(&mut self, event: Event, raw: Option<Box<str>>, mut to: impl FnMut(Event)) -> Vec<RawFrame> {
        let raw = raw.map(RawFrame::Payload);
        match event {
            Event::Delta { target, text } => {
                let place = HeldTextTarget::Known(target);
                let passed = self.release(&place, text);
                let recorded = raw.is_some().then(|| passed.clone());
                if let HeldTextTarget::Known(target) = place
                    && !passed.is_empty()
                {
                    to(Event::Delta { target, text: passed });
                }
                self.record(raw, recorded)
            }
            Event::Other { kind, raw: json } if kind.rsplit('.').next() == Some("delta") => {
                let Some((item_ref, text)) = other_delta(&json) else {
                    to(Event::Other { kind, raw: json });
                    return self.record(raw, None);
                };
                let passed = self.release(&HeldTextTarget::Other(kind.clone(), item_ref), text.clone());
                let json = if passed == text { json } else { with_delta(&json, &passed) };
                to(Event::Other { kind, raw: json });
                self.record(raw, Some(passed))
            }
            event => {
                if ends_texts(&event) {
                    self.end_texts(&mut to);
                }
                to(event);
                self.record(raw, None)
            }
        }
    }

    /// Takes a frame that is no event, such as a comment.
    pub(super) fn pass_frame(&mut self, raw: RawFrame) -> Vec<RawFrame> {
        self.record(Some(raw), None)
    }

    /// Passes on what is held at the end of the stream. The larger part of a key is not.
    pub(super) fn finish(&mut self, mut to: impl FnMut(Event)) -> Vec<RawFrame> {
        for held in &mut self.held {
            let hidden = secrets::redact_cut_end(&held.text).into_owned();
            self.has_found_key |= hidden != held.text;
            held.text = hidden;
        }
        self.end_texts(&mut to);
        self.record(None, None)
    }

    /// Returns the text with what was held before it, without keys, and without an end that may go on as one.
    fn release(&mut self, place: &HeldTextTarget, text: String) -> String {
        let before = self.held.iter().position(|held| held.place == *place).map(|index| self.held.swap_remove(index));
        let mut text = match before {
            Some(before) => {
                let whole = before.text + &text;
                let hidden = secrets::redact(&whole).into_owned();
                self.has_found_key |= hidden != whole;
                hidden
            }
            None => text,
        };
        let begun = secrets::begun_key_bytes(&text);
        if begun > 0 {
            let end = text.split_off(text.len() - begun);
            self.held.push(HeldText { place: place.clone(), text: end });
        }
        text
    }

    fn end_texts(&mut self, to: &mut impl FnMut(Event)) {
        for HeldText { place, text } in self.held.drain(..) {
            if let HeldTextTarget::Known(target) = place {
                to(Event::Delta { target, text });
            }
        }
    }

    /// Records a frame, with those before it, unless a text is held.
    fn record(&mut self, raw: Option<RawFrame>, passed: Option<String>) -> Vec<RawFrame> {
        if self.held.is_empty() && self.waiting.is_empty() {
            self.has_found_key = false;
            return raw.into_iter().collect();
        }
        self.waiting.extend(raw.map(|raw| WaitingFrame { raw, passed }));
        if !self.held.is_empty() {
            return Vec::new();
        }
        let has_found_key = std::mem::take(&mut self.has_found_key);
        let recorded = |frame: WaitingFrame| match (frame.raw, frame.passed) {
            (RawFrame::Payload(json), Some(passed)) if has_found_key => {
                RawFrame::Payload(with_delta(&json, &passed).into())
            }
            (raw, _) => raw,
        };
        self.waiting.drain(..).map(recorded).collect()
    }
}

/// Whether an event says that a text is complete.
fn ends_texts(event: &Event) -> bool {
    match event {
        Event::ItemDone { .. }
        | Event::TextDone { .. }
        | Event::ResponseEnded(_)
        | Event::Failed(_)
        | Event::Part { is_done: true, .. } => true,
        Event::ResponseStarted(_)
        | Event::ItemAdded { .. }
        | Event::Part { .. }
        | Event::Delta { .. }
        | Event::AnnotationAdded { .. }
        | Event::ToolStatus { .. }
        | Event::KeepAlive
        | Event::Other { .. }
        | Event::Unreadable { .. } => false,
    }
}

/// The item and the text of an unknown event that adds to a text.
fn other_delta(json: &str) -> Option<(ItemRef, String)> {
    let fields: Value = serde_json::from_str(json).ok()?;
    let index = fields["output_index"].as_u64().and_then(|index| u32::try_from(index).ok()).map(ItemRef::Index);
    let id = || fields["item_id"].as_str().map(|id| ItemRef::Id(id.to_owned()));
    Some((index.or_else(id).unwrap_or(ItemRef::Unspecified), fields["delta"].as_str()?.to_owned()))
}

/// The same event with another text.
fn with_delta(json: &str, text: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(mut event) if event.get("delta").is_some() => {
            event["delta"] = text.into();
            event.to_string()
        }
        _ => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "sk-split-guard-0123456789";

    fn delta(text: &str) -> String {
        json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text })
            .to_string()
    }

    /// Passes payloads, and returns the texts of each event, and what is recorded.
    fn pass_all(payloads: &[String]) -> (Vec<Vec<String>>, String) {
        secrets::note_key(&KEY.into(), "SPLIT_KEY");
        let mut guard = SplitKeyGuard::default();
        let mut recorded = Vec::new();
        let mut steps = Vec::new();
        let text = |event: Event| match event {
            Event::Delta { text, .. } => text,
            Event::Other { raw, .. } => raw,
            _ => "(end)".into(),
        };
        for payload in payloads {
            let mut texts = Vec::new();
            let payload = secrets::redact(payload).into_owned();
            let event = Event::parse(&payload);
            recorded.extend(guard.pass(event, Some(payload.into()), |event| texts.push(text(event))));
            steps.push(texts);
        }
        let mut texts = Vec::new();
        recorded.extend(guard.finish(|event| texts.push(text(event))));
        steps.push(texts);
        let recorded = recorded.iter().map(|raw| match raw {
            RawFrame::Payload(json) | RawFrame::Comment(json) => json.to_string(),
        });
        (steps, recorded.collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_key_in_any_two_or_three_pieces_is_never_passed_on_or_recorded() {
        for first in 1..KEY.len() {
            for second in first..KEY.len() {
                let pieces = [&KEY[..first], &KEY[first..second], &KEY[second..]];
                let texts = [format!("It is {}", pieces[0]), pieces[1].to_owned(), format!("{}, really", pieces[2])];
                let (steps, recorded) = pass_all(&texts.map(|text| delta(&text)));
                assert_eq!(steps.concat().concat(), "It is $SPLIT_KEY, really", "{pieces:?}");
                let deltas = recorded.lines().map(|line| other_delta(line).expect("a delta").1);
                assert_eq!(deltas.collect::<String>(), "It is $SPLIT_KEY, really", "{pieces:?}");
                assert!(steps.iter().all(|texts| !texts.concat().contains("split-guard")), "{steps:?}");
            }
        }
    }

    #[test]
    fn ordinary_text_passes_at_once_and_is_recorded_as_it_came() {
        let payloads = ["Two words", " and more s", "o it goes", " to sk", "i."].map(delta);
        let (steps, recorded) = pass_all(&payloads);
        let texts: Vec<String> = steps.iter().map(|texts| texts.concat()).collect();
        assert_eq!(texts, ["Two word", "s and more ", "so it goe", "s to ", "ski.", ""]);
        assert_eq!(recorded, payloads.join("\n"), "whatever was held meanwhile");
    }

    #[test]
    fn what_is_held_is_passed_on_before_the_end_of_its_text() {
        let done = json!({ "type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "as" });
        let (steps, _) = pass_all(&[delta("as"), done.to_string()]);
        assert_eq!(steps, [vec!["a".to_owned()], vec!["s".into(), "(end)".into()], vec![]]);
    }

    #[test]
    fn the_larger_part_of_a_key_is_not_shown_when_the_stream_breaks_off() {
        let (steps, recorded) = pass_all(&[delta("It is sk-split-guard-01")]);
        assert_eq!(steps.concat().concat(), "It is …");
        assert!(!recorded.contains("split"), "{recorded}");
        assert_eq!(pass_all(&[delta("as")]).0.concat().concat(), "as");
    }

    #[test]
    fn texts_of_other_items_do_not_mix() {
        let other = |text: &str| {
            json!({ "type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": text })
                .to_string()
        };
        let (steps, _) = pass_all(&[delta("a sk-split"), other("-guard-0123456789"), delta("-guard-0123456789.")]);
        assert_eq!(steps.concat(), ["a ", "-guard-0123456789", "$SPLIT_KEY."]);
    }

    #[test]
    fn events_of_unknown_kinds_are_guarded_too() {
        let piece =
            |text: &str| json!({ "type": "response.new_thing.delta", "item_id": "x", "delta": text }).to_string();
        let (steps, recorded) = pass_all(&[piece("sk-split-"), piece("guard-0123456789")]);
        assert!(!steps.concat().concat().contains("split-"), "{steps:?}");
        assert!(recorded.contains("$SPLIT_KEY") && !recorded.contains("split-"), "{recorded}");
    }
}
