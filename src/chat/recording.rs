//! What went over the wire for one answer, with its times, in bounded room: the first and the last of it.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::api::sent::{Head, Sent};

/// All requests of an answer and what came back. What does not fit is dropped from the middle and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The most bytes that it takes when it is written down.
    most: usize,
    head: Vec<Arc<Piece>>,
    head_bytes: usize,
    tail: VecDeque<Arc<Piece>>,
    tail_bytes: usize,
    /// What there was no room for.
    pub dropped: Amount,
}

/// One thing that was sent or that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub at: Timestamp,
    pub what: What,
    /// The bytes that were too many for one piece, left out at its end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Sent(Box<Sent>),
    /// The status and the headers of what was answered.
    Answered(Box<Head>),
    /// The payload of an event, or a whole body.
    Received(Box<str>),
    /// A sign of life in the stream, with its words if it has any.
    Comment(Box<str>),
    /// No more came, and why.
    Failed(Box<str>),
}

/// So many pieces, and the bytes that they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub pieces: usize,
    pub bytes: usize,
}

/// What a piece takes besides its text.
const AROUND: usize = 96;

impl Piece {
    pub fn new(at: Timestamp, what: What) -> Self {
        Self { at, what, cut: 0 }
    }

    fn bytes(&self) -> usize {
        AROUND
            + match &self.what {
                What::Sent(sent) => written(&sent.body) + written(&sent.url) + written_headers(&sent.headers) + AROUND,
                What::Answered(head) => written_headers(&head.headers),
                What::Received(text) | What::Comment(text) | What::Failed(text) => written(text),
            }
    }

    /// Cuts the long text of the piece until it fits; gives what it takes then.
    fn fit(mut self, most: usize) -> (Self, usize) {
        let bytes = self.bytes();
        if bytes <= most {
            return (self, bytes);
        }
        match &mut self.what {
            What::Sent(sent) => {
                let room = most.saturating_sub(bytes - written(&sent.body));
                self.cut += cut(&mut sent.body, room);
            }
            What::Answered(head) => {
                let before = written_headers(&head.headers);
                while written_headers(&head.headers) + AROUND > most && head.headers.pop().is_some() {}
                self.cut += before - written_headers(&head.headers);
            }
            What::Received(text) | What::Comment(text) | What::Failed(text) => {
                let mut owned = std::mem::take(text).into_string();
                self.cut += cut(&mut owned, most.saturating_sub(AROUND));
                *text = owned.into();
            }
        }
        let bytes = self.bytes();
        (self, bytes)
    }
}

impl Recording {
    pub fn new(most: usize) -> Self {
        Self { most, head: Vec::new(), head_bytes: 0, tail: VecDeque::new(), tail_bytes: 0, dropped: Amount::default() }
    }

    /// Half of the room is for what came first, half for what came last.
    pub fn push(&mut self, piece: Piece) {
        let (piece, bytes) = piece.fit(self.most / 2);
        self.put(Arc::new(piece), bytes);
    }

    fn put(&mut self, piece: Arc<Piece>, bytes: usize) {
        let half = self.most / 2;
        if self.tail.is_empty() && self.dropped == Amount::default() && self.head_bytes + bytes <= half {
            self.head_bytes += bytes;
            self.head.push(piece);
            return;
        }
        self.tail_bytes += bytes;
        self.tail.push_back(piece);
        while self.tail_bytes > half
            && let Some(oldest) = self.tail.pop_front()
        {
            let bytes = oldest.bytes();
            self.tail_bytes -= bytes;
            self.dropped.add(bytes);
        }
    }

    /// Puts together what was written of a recording that grew: pieces of its first time and of its last, and between
    /// them perhaps a gap.
    pub fn put_together(most: usize, chunks: impl IntoIterator<Item = Chunk>) -> Self {
        let mut recording = Self::new(most);
        let mut so_far = Amount::default();
        for Chunk { before, pieces } in chunks {
            if before.pieces > so_far.pieces {
                recording.dropped.pieces += before.pieces - so_far.pieces;
                recording.dropped.bytes += before.bytes.saturating_sub(so_far.bytes);
                so_far = before;
            }
            for piece in pieces {
                so_far.add(piece.bytes());
                recording.push(Arc::unwrap_or_clone(piece));
            }
        }
        recording
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// What came before the gap, and what came behind it; without a gap they follow each other.
    pub fn parts(&self) -> (&[Arc<Piece>], impl Iterator<Item = &Piece>) {
        (&self.head, self.tail.iter().map(Arc::as_ref))
    }

    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = &Piece> {
        self.head.iter().chain(&self.tail).map(Arc::as_ref)
    }

    /// The newest request, and whether it is whole.
    pub fn request(&self) -> Option<(&Sent, bool)> {
        self.pieces().rev().find_map(|piece| match &piece.what {
            What::Sent(sent) => Some((sent.as_ref(), piece.cut == 0)),
            What::Answered(_) | What::Received(_) | What::Comment(_) | What::Failed(_) => None,
        })
    }

    /// All of it as JSON for people: payloads that are JSON stand in it as such.
    pub fn to_json(&self) -> String {
        let piece = |piece: &Arc<Piece>| {
            let parsed = |text: &str| {
                serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| serde_json::Value::from(text))
            };
            let (name, value) = match &piece.what {
                What::Sent(sent) => {
                    ("sent", serde_json::json!({"url": sent.url, "headers": sent.headers, "body": parsed(&sent.body)}))
                }
                What::Answered(head) => {
                    ("answered", serde_json::json!({"status": head.status, "headers": head.headers}))
                }
                What::Received(text) => ("received", parsed(text)),
                What::Comment(text) => ("comment", serde_json::Value::from(text.as_ref())),
                What::Failed(text) => ("failed", serde_json::Value::from(text.as_ref())),
            };
            let mut entry = serde_json::json!({"at": piece.at.to_string(), name: value});
            if piece.cut > 0 {
                entry["bytes_cut"] = piece.cut.into();
            }
            entry
        };
        let gap = (self.dropped.pieces > 0)
            .then(|| serde_json::json!({"dropped": {"events": self.dropped.pieces, "bytes": self.dropped.bytes}}));
        let all: Vec<_> = self.head.iter().map(piece).chain(gap).chain(self.tail.iter().map(piece)).collect();
        serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
    }
}

/// Some pieces of a recording that grows, and what came before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    pub before: Amount,
    pub pieces: Vec<Arc<Piece>>,
}

/// A recording while it grows, and what of it the disk does not have.
#[derive(Debug, Clone)]
pub struct Growing {
    pub recording: Recording,
    unwritten: Chunk,
    unwritten_bytes: usize,
    /// What came behind it and is not to be written.
    skipped: Amount,
    most: usize,
}

impl Growing {
    pub fn new(most: usize) -> Self {
        Self {
            recording: Recording::new(most),
            unwritten: Chunk::default(),
            unwritten_bytes: 0,
            skipped: Amount::default(),
            most,
        }
    }

    pub fn push(&mut self, piece: Piece) {
        let (piece, bytes) = piece.fit(self.most / 2);
        let piece = Arc::new(piece);
        // What rushes in faster than it is written leaves a gap on the disk until the end.
        if self.skipped.pieces == 0 && self.unwritten_bytes + bytes <= self.most / 2 {
            self.unwritten_bytes += bytes;
            self.unwritten.pieces.push(piece.clone());
        } else {
            self.skipped.add(bytes);
        }
        self.recording.put(piece, bytes);
    }

    /// What is to be written now.
    pub fn take(&mut self) -> Chunk {
        let mut before = self.unwritten.before;
        before.pieces += self.unwritten.pieces.len() + self.skipped.pieces;
        before.bytes += self.unwritten_bytes + self.skipped.bytes;
        self.unwritten_bytes = 0;
        self.skipped = Amount::default();
        std::mem::replace(&mut self.unwritten, Chunk { before, pieces: Vec::new() })
    }
}

impl Chunk {
    /// The room that its pieces take.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes()).sum()
    }
}

impl Amount {
    fn add(&mut self, bytes: usize) {
        self.pieces += 1;
        self.bytes += bytes;
    }
}

fn written_headers(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| written(name) + written(value) + 8).sum()
}

/// The most bytes that a text takes within JSON: a control character takes six if it has no short form.
fn written(text: &str) -> usize {
    // Fewer than a byte can count, so that the processor counts many at a time.
    let more = |bytes: &[u8]| {
        let escaped: u8 = bytes.iter().map(|byte| u8::from(matches!(byte, b'"' | b'\\'))).sum();
        let controls: u8 = bytes.iter().map(|byte| u8::from(*byte < 0x20)).sum();
        usize::from(escaped) + 5 * usize::from(controls)
    };
    text.len() + text.as_bytes().chunks(255).map(more).sum::<usize>()
}

/// Cuts a text to what takes `room` bytes within JSON; gives how many of its own bytes went.
fn cut(text: &mut String, room: usize) -> usize {
    let before = text.len();
    let (mut end, mut left) = (0, room);
    // Steps of which each fits as a whole, and ever shorter ones towards the edge.
    for step in [64 * 1024, 256, 1] {
        while end < before {
            let next = text.ceil_char_boundary((end + step).min(before));
            let bytes = written(&text[end..next]);
            if bytes > left {
                break;
            }
            (end, left) = (next, left - bytes);
        }
    }
    text.truncate(end);
    before - end
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).expect("a time")
    }

    fn received(text: &str) -> Piece {
        Piece::new(at(0), What::Received(text.into()))
    }

    fn texts(recording: &Recording) -> Vec<String> {
        let text = |piece: &Piece| match &piece.what {
            What::Received(text) | What::Comment(text) | What::Failed(text) => text.to_string(),
            What::Sent(sent) => sent.body.clone(),
            What::Answered(head) => head.status.to_string(),
        };
        recording.pieces().map(text).collect()
    }

    #[test]
    fn the_first_and_the_last_are_kept_and_what_is_between_is_counted() {
        let mut recording = Recording::new(2000);
        for number in 0..100 {
            recording.push(received(&format!("event {number:02}")));
        }
        let kept = texts(&recording);
        assert_eq!(kept.first().map(String::as_str), Some("event 00"));
        assert_eq!(kept.last().map(String::as_str), Some("event 99"));
        assert_eq!(kept.len() + recording.dropped.pieces, 100);
        assert!(recording.dropped.pieces > 50, "{:?}", recording.dropped);
        let (head, mut tail) = recording.parts();
        let first_behind = tail.next().expect("there is a tail");
        assert_eq!(
            texts(&Recording { head: vec![first_behind.clone().into()], ..Recording::new(0) })[0],
            format!("event {:02}", head.len() + recording.dropped.pieces)
        );
    }

    #[test]
    fn the_newest_request_is_found_and_one_that_was_cut_says_so() {
        let sent = |body: &str| {
            let sent =
                Sent { url: "http://host/responses".into(), headers: vec![], body: body.into(), variable: "K".into() };
            Piece::new(at(0), What::Sent(Box::new(sent)))
        };
        let mut recording = Recording::new(4000);
        assert_eq!(recording.request(), None);
        recording.push(sent("one"));
        recording.push(received("{}"));
        recording.push(sent("two"));
        assert_eq!(recording.request().map(|(sent, whole)| (sent.body.as_str(), whole)), Some(("two", true)));
        recording.push(sent(&"long ".repeat(1000)));
        let (sent, whole) = recording.request().expect("a request");
        assert!(!whole && sent.body.len() < 2000, "{}", sent.body.len());
    }

    #[test]
    fn what_was_written_of_the_first_and_the_last_time_is_put_together_with_its_gap() {
        let mut growing = Growing::new(4000);
        let mut chunks = Vec::new();
        for number in 0..100 {
            growing.push(received(&format!("event {number:02}")));
            if number % 5 == 4 {
                chunks.push(growing.take());
            }
        }
        assert_eq!(growing.take().pieces, []);
        let all = Recording::put_together(4000, chunks.clone());
        assert_eq!(all, growing.recording, "all of it gives what was kept in memory");
        drop(chunks.drain(2..17));
        let some = Recording::put_together(4000, chunks);
        let kept = texts(&some);
        assert_eq!(
            (kept.len(), kept[9].as_str(), kept[10].as_str(), kept[24].as_str()),
            (25, "event 09", "event 85", "event 99")
        );
        assert_eq!(some.dropped.pieces, 75);
        let (head, tail) = some.parts();
        assert_eq!((head.len(), tail.count()), (10, 15));
    }

    proptest! {
        #[test]
        fn it_never_takes_more_room_than_it_may(most in 1000usize..20_000, texts in prop::collection::vec("[\u{0}-\u{7f}é日]{0,600}", 0..60)) {
            let mut recording = Recording::new(most);
            for (number, text) in (0..).zip(&texts) {
                recording.push(Piece::new(at(number), What::Received(text.as_str().into())));
            }
            let written = serde_json::to_string(&recording).expect("it is JSON");
            prop_assert!(written.len() <= most + 200, "{} of {most}", written.len());
            prop_assert_eq!(recording.pieces().count() + recording.dropped.pieces, texts.len());
            let read: Recording = serde_json::from_str(&written).expect("it was written so");
            prop_assert_eq!(read, recording);
        }
    }
}
