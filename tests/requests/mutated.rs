//! Broken streams: lines of the composed ones dropped, doubled, moved, cut, corrupted, their ids changed.
//!
//! Whatever comes, nothing panics, no text that arrived is lost, there is one end, and what leaves next is valid.

use std::{fs, path::Path, sync::OnceLock};

use ibid::{
    api::{
        Event,
        event::Field,
        sse::{Decoder, Frame},
    },
    chat::{Answer, End, Timestamp},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::talk::Talk;

/// What happens to a stream on its way.
#[derive(Debug, Clone)]
enum Harm {
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    /// Nothing comes behind this byte.
    Cut(Index),
    Corrupt(Index, u8),
    /// An id or an index in one line becomes that of another.
    Id(Index, Id),
}

#[derive(Debug, Clone, Copy)]
enum Id {
    Item,
    Output,
    Sequence,
}

fn any_harm() -> impl Strategy<Value = Harm> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Harm::Drop),
        at().prop_map(Harm::Double),
        (at(), at()).prop_map(|(a, b)| Harm::Swap(a, b)),
        at().prop_map(Harm::Cut),
        (at(), any::<u8>()).prop_map(|(at, byte)| Harm::Corrupt(at, byte)),
        (at(), prop_oneof![Just(Id::Item), Just(Id::Output), Just(Id::Sequence)]).prop_map(|(at, id)| Harm::Id(at, id)),
    ]
}

/// The composed streams.
fn streams() -> &'static [Vec<u8>] {
    static STREAMS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
        let mut paths: Vec<_> =
            fs::read_dir(folder).expect("the streams").map(|entry| entry.expect("one").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "sse"));
        paths.sort();
        assert!(paths.len() > 40, "the composed streams are there");
        paths.iter().map(|path| fs::read(path).expect("a stream")).collect()
    })
}

fn harmed(stream: &[u8], harms: &[Harm]) -> Vec<u8> {
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        match frames.last_mut() {
            Some(frame) if !frame.ends_with(b"\n\n") && !frame.ends_with(b"\r\n\r\n") => frame.extend_from_slice(line),
            _ => frames.push(line.to_vec()),
        }
    }
    for harm in harms {
        if frames.is_empty() {
            break;
        }
        let count = frames.len();
        match harm {
            Harm::Drop(at) => drop(frames.remove(at.index(count))),
            Harm::Double(at) => frames.insert(at.index(count), frames[at.index(count)].clone()),
            Harm::Swap(a, b) => frames.swap(a.index(count), b.index(count)),
            Harm::Cut(at) => {
                let mut left = at.index(frames.iter().map(Vec::len).sum::<usize>().max(1));
                frames.retain_mut(|frame| {
                    frame.truncate(left);
                    left -= frame.len();
                    !frame.is_empty()
                });
            }
            Harm::Corrupt(at, byte) => {
                let frame = &mut frames[at.index(count)];
                let place = at.index(frame.len());
                frame[place] = *byte;
            }
            Harm::Id(at, id) => {
                let frame = &mut frames[at.index(count)];
                let text = String::from_utf8_lossy(frame).into_owned();
                *frame = match id {
                    Id::Item => text.replace("\"item_id\":\"", "\"item_id\":\"x").replace("\"id\":\"", "\"id\":\"y"),
                    Id::Output => text.replace("\"output_index\":0", "\"output_index\":1"),
                    Id::Sequence => text.replace("\"sequence_number\":", "\"sequence_number\":9"),
                }
                .into_bytes();
            }
        }
    }
    frames.concat()
}

fn events(stream: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::default();
    let mut over = false;
    let mut take = |frame: Frame<'_>| match frame {
        Frame::Data(json) if !over => events.push(Event::parse(&json)),
        Frame::Data(_) => (),
        Frame::Comment(_) => events.push(Event::KeepAlive),
        Frame::Done | Frame::TooLong => over = true,
    };
    decoder.push(stream, &mut take);
    decoder.finish(&mut take);
    events
}

fn at(event: usize) -> Timestamp {
    let tenths = i64::try_from(event).expect("not so many events");
    Timestamp::from_millisecond(1_790_000_000_000 + tenths * 100).expect("a time")
}

/// Assembles an answer and holds it to what is always so.
fn assembled(events: &[Event]) -> Answer {
    let mut answer = Answer::new("openrouter", "some/model", at(0));
    for (number, event) in events.iter().enumerate() {
        let before = answer.text().len();
        answer.apply(0, at(number), event);
        if matches!(event, Event::Delta { .. } | Event::KeepAlive | Event::Unreadable { .. } | Event::Cited { .. }) {
            assert!(answer.text().len() >= before, "{event:?} took text away");
        }
        assert!(before == 0 || !answer.text().is_empty(), "{event:?} took everything away");
    }
    let text = answer.text();
    answer.finish(at(events.len()), Ok(()));
    assert_eq!(answer.text(), text, "the end takes nothing away");
    assert_ne!(answer.end, End::Open, "there is an end");
    let end = std::mem::discriminant(&answer.end);
    answer.finish(at(events.len() + 1), Err(ibid::api::Error::new(ibid::api::Fault::Cut, "again")));
    answer.stop(at(events.len() + 2));
    assert_eq!(std::mem::discriminant(&answer.end), end, "there is one end");
    answer
}

/// Only what appends text to messages: every character of it has to be somewhere in the end.
fn only_deltas(events: Vec<Event>) -> Vec<Event> {
    events
        .into_iter()
        .filter(|event| matches!(event, Event::Delta { place, .. } if matches!(place.field, Field::Text(_))))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_stream_ends_once_and_what_leaves_next_is_valid(
        stream in any::<Index>(),
        harms in vec(any_harm(), 0..6),
    ) {
        let bytes = harmed(&streams()[stream.index(streams().len())], &harms);
        let events = events(&bytes);
        assembled(&events);
        let mut talk = Talk::new();
        talk.ask("first");
        talk.hears(&events);
        let newest = *talk.chat.branch.last().expect("an answer");
        let said = talk.chat.messages[&newest].answer().expect("an answer").text();
        talk.settle();
        let body = talk.ask("second"); // Checked against the rules, and the schema where it is at hand.
        let sent = body["input"].to_string();
        for word in said.split_whitespace().filter(|word| word.chars().all(char::is_alphanumeric)) {
            prop_assert!(sent.contains(word), "{word:?} was said and is not sent: {sent}");
        }
    }

    #[test]
    fn no_character_of_a_delta_is_lost_wherever_it_says_that_it_belongs(
        stream in any::<Index>(),
        harms in vec(any_harm(), 0..6),
    ) {
        let bytes = harmed(&streams()[stream.index(streams().len())], &harms);
        let deltas = only_deltas(events(&bytes));
        let came: usize = deltas.iter().map(|event| if let Event::Delta { text, .. } = event { text.len() } else { 0 }).sum();
        let mut answer = Answer::new("openrouter", "some/model", at(0));
        for (number, event) in deltas.iter().enumerate() {
            answer.apply(0, at(number), event);
        }
        let parts = answer.items.values().filter_map(|item| item.parts()).flatten();
        prop_assert_eq!(parts.map(|part| part.text().len()).sum::<usize>(), came);
    }
}

/// The million runs found it: a whole message whose type was garbled took the place of what had come.
#[test]
fn a_garbled_type_takes_no_text_away() {
    let events = [
        r#"{"type":"response.output_item.added","item":{"id":"m","type":"message","role":"assistant","content":[]}}"#,
        r#"{"type":"response.output_text.delta","item_id":"m","content_index":0,"delta":"Four legs."}"#,
        r#"{"type":"response.output_item.done","item":{"id":"m","type":"mess?age","content":[{"type":"output_text","text":"Four legs."}]}}"#,
    ];
    assert_eq!(assembled(&events.map(Event::parse)).text(), "Four legs.");
}

/// The same without a search for the smallest case, from a seed, as often as one likes:
/// `IBID_MUTATIONS=1000000 cargo test --release --test requests seeded`.
#[test]
fn a_seeded_flood_of_broken_streams_panics_nowhere() {
    let runs = std::env::var("IBID_MUTATIONS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000_u64);
    let mut random = Random(0x1b1d);
    for _ in 0..runs {
        let stream = &streams()[random.below(streams().len())];
        let mut bytes = stream.clone();
        for _ in 0..random.below(8) {
            random.harm(&mut bytes, streams());
        }
        assembled(&events(&bytes));
    }
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % count.max(1)
    }

    /// Bytes changed, taken out, doubled, or taken from another stream.
    fn harm(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
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
