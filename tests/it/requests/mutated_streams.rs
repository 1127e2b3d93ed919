//! Broken streams: frames of the composed streams dropped, duplicated, swapped, truncated or
//! corrupted, or their ids changed.
//!
//! Whatever arrives, nothing panics, no received text is lost, the answer ends once, and the next request is valid.

use std::{fs, path::Path, sync::OnceLock};

use ibid::{
    api::{
        Event,
        event::ItemField,
        sse::{SseDecoder, SseFrame},
    },
    chat::{Answer, AnswerEnd, Timestamp},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::test_conversation::TestConversation;

/// One change to a stream in transit.
#[derive(Debug, Clone)]
enum Mutation {
    Drop(Index),
    Duplicate(Index),
    Swap(Index, Index),
    /// Nothing arrives after this byte.
    Truncate(Index),
    Corrupt(Index, u8),
    /// An id or an index in one frame changes.
    ChangeId(Index, IdKind),
}

#[derive(Debug, Clone, Copy)]
enum IdKind {
    Item,
    Output,
    Sequence,
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Mutation::Drop),
        at().prop_map(Mutation::Duplicate),
        (at(), at()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        at().prop_map(Mutation::Truncate),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Corrupt(at, byte)),
        (at(), prop_oneof![Just(IdKind::Item), Just(IdKind::Output), Just(IdKind::Sequence)])
            .prop_map(|(at, id)| Mutation::ChangeId(at, id)),
    ]
}

/// The composed streams.
fn composed_streams() -> &'static [Vec<u8>] {
    static STREAMS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
        let mut paths: Vec<_> =
            fs::read_dir(folder).expect("the folder of streams").map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "sse"));
        paths.sort();
        assert!(paths.len() > 40, "the composed streams are present");
        paths.iter().map(|path| fs::read(path).expect("a stream")).collect()
    })
}

fn mutate_stream(stream: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        match frames.last_mut() {
            Some(frame) if !frame.ends_with(b"\n\n") && !frame.ends_with(b"\r\n\r\n") => frame.extend_from_slice(line),
            _ => frames.push(line.to_vec()),
        }
    }
    for harm in mutations {
        if frames.is_empty() {
            break;
        }
        let count = frames.len();
        match harm {
            Mutation::Drop(at) => drop(frames.remove(at.index(count))),
            Mutation::Duplicate(at) => frames.insert(at.index(count), frames[at.index(count)].clone()),
            Mutation::Swap(a, b) => frames.swap(a.index(count), b.index(count)),
            Mutation::Truncate(at) => {
                let mut left = at.index(frames.iter().map(Vec::len).sum::<usize>().max(1));
                frames.retain_mut(|frame| {
                    frame.truncate(left);
                    left -= frame.len();
                    !frame.is_empty()
                });
            }
            Mutation::Corrupt(at, byte) => {
                let frame = &mut frames[at.index(count)];
                let place = at.index(frame.len());
                frame[place] = *byte;
            }
            Mutation::ChangeId(at, id) => {
                let frame = &mut frames[at.index(count)];
                let text = String::from_utf8_lossy(frame).into_owned();
                *frame = match id {
                    IdKind::Item => {
                        text.replace("\"item_id\":\"", "\"item_id\":\"x").replace("\"id\":\"", "\"id\":\"y")
                    }
                    IdKind::Output => text.replace("\"output_index\":0", "\"output_index\":1"),
                    IdKind::Sequence => text.replace("\"sequence_number\":", "\"sequence_number\":9"),
                }
                .into_bytes();
            }
        }
    }
    frames.concat()
}

fn parse_events(stream: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = SseDecoder::default();
    let mut over = false;
    let mut take = |frame: SseFrame<'_>| match frame {
        SseFrame::Data(json) | SseFrame::Stray(json) if !over => events.push(Event::parse(&json)),
        SseFrame::Data(_) | SseFrame::Stray(_) => (),
        SseFrame::Comment(_) => events.push(Event::KeepAlive),
        SseFrame::Done | SseFrame::TooLong => over = true,
    };
    decoder.push(stream, &mut take);
    decoder.finish(&mut take);
    events
}

fn event_time(event: usize) -> Timestamp {
    let tenths = i64::try_from(event).expect("there are few events");
    Timestamp::from_millisecond(1_790_000_000_000 + tenths * 100).expect("a time")
}

/// Assembles an answer and checks its invariants after every event.
fn assemble_checked(events: &[Event]) -> Answer {
    let mut answer = Answer::new("openrouter", "some/model", event_time(0));
    for (number, event) in events.iter().enumerate() {
        let before = answer.text().len();
        answer.apply(0, event_time(number), event);
        if matches!(
            event,
            Event::Delta { .. } | Event::KeepAlive | Event::Unreadable { .. } | Event::AnnotationAdded { .. }
        ) {
            assert!(answer.text().len() >= before, "{event:?} removed text");
        }
        assert!(before == 0 || !answer.text().is_empty(), "{event:?} removed all text");
    }
    let text = answer.text();
    answer.finish(event_time(events.len()), Ok(()));
    assert_eq!(answer.text(), text, "the end removes nothing");
    assert_ne!(answer.end, AnswerEnd::Open, "the answer has ended");
    let end = std::mem::discriminant(&answer.end);
    answer.finish(event_time(events.len() + 1), Err(ibid::api::ApiError::new(ibid::api::FaultKind::Cut, "again")));
    answer.stop(event_time(events.len() + 2));
    assert_eq!(std::mem::discriminant(&answer.end), end, "the answer ends only once");
    answer
}

/// Returns only the events that append text to messages: every character of them must be in the answer.
fn text_deltas(events: Vec<Event>) -> Vec<Event> {
    events
        .into_iter()
        .filter(|event| matches!(event, Event::Delta { target, .. } if matches!(target.field, ItemField::Text(_))))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_stream_ends_once_and_the_next_request_is_valid(
        stream in any::<Index>(),
        harms in vec(any_mutation(), 0..6),
    ) {
        let bytes = mutate_stream(&composed_streams()[stream.index(composed_streams().len())], &harms);
        let events = parse_events(&bytes);
        assemble_checked(&events);
        let mut talk = TestConversation::new();
        talk.ask("first");
        talk.receive(&events);
        let newest = *talk.chat.branch.last().expect("an answer");
        let said = talk.chat.messages[&newest].as_answer().expect("an answer").text();
        talk.stop_turn();
        let body = talk.ask("second"); // Checked against the rules, and against the schema if it is present.
        let sent = body["input"].to_string();
        for word in said.split_whitespace().filter(|word| word.chars().all(char::is_alphanumeric)) {
            prop_assert!(sent.contains(word), "{word:?} was received but is not sent: {sent}");
        }
    }

    #[test]
    fn no_character_of_a_delta_is_lost_wherever_it_claims_to_belong(
        stream in any::<Index>(),
        harms in vec(any_mutation(), 0..6),
    ) {
        let bytes = mutate_stream(&composed_streams()[stream.index(composed_streams().len())], &harms);
        let deltas = text_deltas(parse_events(&bytes));
        let came: usize = deltas.iter().map(|event| if let Event::Delta { text, .. } = event { text.len() } else { 0 }).sum();
        let mut answer = Answer::new("openrouter", "some/model", event_time(0));
        for (number, event) in deltas.iter().enumerate() {
            answer.apply(0, event_time(number), event);
        }
        let parts = answer.items.values().filter_map(|item| item.parts()).flatten();
        prop_assert_eq!(parts.map(|part| part.text().len()).sum::<usize>(), came);
    }
}

/// A million seeded runs found this: a complete message with a garbled type replaced the text received before.
#[test]
fn a_garbled_type_removes_no_text() {
    let events = [
        r#"{"type":"response.output_item.added","item":{"id":"m","type":"message","role":"assistant","content":[]}}"#,
        r#"{"type":"response.output_text.delta","item_id":"m","content_index":0,"delta":"Four legs."}"#,
        r#"{"type":"response.output_item.done","item":{"id":"m","type":"mess?age","content":[{"type":"output_text","text":"Four legs."}]}}"#,
    ];
    assert_eq!(assemble_checked(&events.map(Event::parse)).text(), "Four legs.");
}

/// The same from a seed, without shrinking, and for any number of runs:
/// `IBID_MUTATIONS=1000000 cargo test --release --test it seeded`.
#[test]
fn seeded_broken_streams_never_panic() {
    let runs = std::env::var("IBID_MUTATIONS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000_u64);
    let mut random = XorShift(0x1b1d);
    for _ in 0..runs {
        let stream = &composed_streams()[random.below(composed_streams().len())];
        let mut bytes = stream.clone();
        for _ in 0..random.below(8) {
            random.mutate(&mut bytes, composed_streams());
        }
        assemble_checked(&parse_events(&bytes));
    }
}

/// A xorshift64* generator.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % count.max(1)
    }

    /// Changes, removes or duplicates some bytes, or inserts bytes from another stream.
    fn mutate(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        if bytes.is_empty() {
            return;
        }
        let from = self.below(bytes.len());
        let upto = (from + 1 + self.below(200)).min(bytes.len());
        match self.below(6) {
            0 => bytes[from] = u8::try_from(self.next() & 0xff).expect("a byte"),
            1 => drop(bytes.drain(from..upto)),
            2 => {
                let piece = bytes[from..upto].to_vec();
                bytes.splice(from..from, piece);
            }
            3 => bytes.truncate(from),
            4 => {
                let other = &others[self.below(others.len())];
                let start = self.below(other.len());
                let piece = other[start..(start + 400).min(other.len())].to_vec();
                bytes.splice(from..from, piece);
            }
            _ => {
                if let Some(digit) = bytes[from..].iter().position(u8::is_ascii_digit) {
                    bytes[from + digit] = b'0' + u8::try_from(self.below(10)).expect("a digit");
                }
            }
        }
    }
}
