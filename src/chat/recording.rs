//! A recording of the requests and responses of one answer, with times, limited in size to the first and last frames.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::api::redaction::{ResponseHead, SentRequest};

/// All requests of an answer and the responses to them. Frames that do not fit are dropped from the middle and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireRecording {
    /// The maximum size in bytes when it is stored.
    most: usize,
    head: Vec<Arc<RecordedFrame>>,
    head_bytes: usize,
    tail: VecDeque<Arc<RecordedFrame>>,
    tail_bytes: usize,
    /// The frames that did not fit.
    pub dropped: FrameTotals,
}

/// One frame that was sent or received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFrame {
    pub at: Timestamp,
    pub what: FrameContent,
    /// Bytes cut off at its end, because the frame was too long.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameContent {
    Sent(Box<SentRequest>),
    /// The status and headers of a response.
    Answered(Box<ResponseHead>),
    /// The payload of an event, or a complete body.
    Received(Box<str>),
    /// A comment in the stream, which keeps the connection alive and may be empty.
    Comment(Box<str>),
    /// The reason why the response ended early.
    Failed(Box<str>),
}

/// A number of frames and their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTotals {
    pub pieces: usize,
    pub bytes: usize,
}

/// The size of a stored frame besides its text.
const FRAME_OVERHEAD: usize = 96;

impl RecordedFrame {
    pub fn new(at: Timestamp, content: FrameContent) -> Self {
        Self { at, what: content, cut: 0 }
    }

    fn bytes(&self) -> usize {
        FRAME_OVERHEAD
            + match &self.what {
                FrameContent::Sent(sent) => {
                    json_len(&sent.body) + json_len(&sent.url) + headers_json_len(&sent.headers) + FRAME_OVERHEAD
                }
                FrameContent::Answered(head) => headers_json_len(&head.headers),
                FrameContent::Received(text) | FrameContent::Comment(text) | FrameContent::Failed(text) => {
                    json_len(text)
                }
            }
    }

    /// Cuts the frame to fit and returns it with its size.
    fn fit_into(mut self, max_bytes: usize) -> (Self, usize) {
        let bytes = self.bytes();
        if bytes <= max_bytes {
            return (self, bytes);
        }
        match &mut self.what {
            FrameContent::Sent(sent) => {
                let room = max_bytes.saturating_sub(bytes - json_len(&sent.body));
                self.cut += cut_to_json_len(&mut sent.body, room);
            }
            FrameContent::Answered(head) => {
                let before = headers_json_len(&head.headers);
                while headers_json_len(&head.headers) + FRAME_OVERHEAD > max_bytes && head.headers.pop().is_some() {}
                self.cut += before - headers_json_len(&head.headers);
            }
            FrameContent::Received(text) | FrameContent::Comment(text) | FrameContent::Failed(text) => {
                let mut owned = std::mem::take(text).into_string();
                self.cut += cut_to_json_len(&mut owned, max_bytes.saturating_sub(FRAME_OVERHEAD));
                *text = owned.into();
            }
        }
        let bytes = self.bytes();
        (self, bytes)
    }
}

impl WireRecording {
    pub fn new(most: usize) -> Self {
        Self {
            most,
            head: Vec::new(),
            head_bytes: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
            dropped: FrameTotals::default(),
        }
    }

    /// Adds a frame. Half of the size is for the first frames, half for the last.
    pub fn push(&mut self, frame: RecordedFrame) {
        let (piece, bytes) = frame.fit_into(self.most / 2);
        self.add(Arc::new(piece), bytes);
    }

    fn add(&mut self, frame: Arc<RecordedFrame>, bytes: usize) {
        let half = self.most / 2;
        if self.tail.is_empty() && self.dropped == FrameTotals::default() && self.head_bytes + bytes <= half {
            self.head_bytes += bytes;
            self.head.push(frame);
            return;
        }
        self.tail_bytes += bytes;
        self.tail.push_back(frame);
        while self.tail_bytes > half
            && let Some(oldest) = self.tail.pop_front()
        {
            let bytes = oldest.bytes();
            self.tail_bytes -= bytes;
            self.dropped.add(bytes);
        }
    }

    /// Assembles a recording from the chunks that were written while it grew. There may be a gap between the first
    /// and the last.
    pub fn from_chunks(max_bytes: usize, chunks: impl IntoIterator<Item = RecordingChunk>) -> Self {
        let mut recording = Self::new(max_bytes);
        let mut totals = FrameTotals::default();
        for RecordingChunk { before, frames: pieces } in chunks {
            if before.pieces > totals.pieces {
                recording.dropped.pieces += before.pieces - totals.pieces;
                recording.dropped.bytes += before.bytes.saturating_sub(totals.bytes);
                totals = before;
            }
            for frame in pieces {
                totals.add(frame.bytes());
                recording.push(Arc::unwrap_or_clone(frame));
            }
        }
        recording
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.tail.is_empty()
    }

    /// The frames before the gap and those after it; without a gap they are consecutive.
    pub fn head_and_tail(&self) -> (&[Arc<RecordedFrame>], impl Iterator<Item = &RecordedFrame>) {
        (&self.head, self.tail.iter().map(Arc::as_ref))
    }

    pub fn frames(&self) -> impl DoubleEndedIterator<Item = &RecordedFrame> {
        self.head.iter().chain(&self.tail).map(Arc::as_ref)
    }

    /// The newest request, and whether it is complete.
    pub fn newest_request(&self) -> Option<(&SentRequest, bool)> {
        self.frames().rev().find_map(|frame| match &frame.what {
            FrameContent::Sent(sent) => Some((sent.as_ref(), frame.cut == 0)),
            FrameContent::Answered(_)
            | FrameContent::Received(_)
            | FrameContent::Comment(_)
            | FrameContent::Failed(_) => None,
        })
    }

    /// The recording as readable JSON, with JSON payloads embedded as objects.
    pub fn to_json(&self) -> String {
        let piece = |piece: &Arc<RecordedFrame>| {
            let parsed = |text: &str| {
                serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| serde_json::Value::from(text))
            };
            let (name, value) = match &piece.what {
                FrameContent::Sent(sent) => {
                    ("sent", serde_json::json!({"url": sent.url, "headers": sent.headers, "body": parsed(&sent.body)}))
                }
                FrameContent::Answered(head) => {
                    ("answered", serde_json::json!({"status": head.status, "headers": head.headers}))
                }
                FrameContent::Received(text) => ("received", parsed(text)),
                FrameContent::Comment(text) => ("comment", serde_json::Value::from(text.as_ref())),
                FrameContent::Failed(text) => ("failed", serde_json::Value::from(text.as_ref())),
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

/// Frames of a growing recording, and the totals before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingChunk {
    pub before: FrameTotals,
    pub frames: Vec<Arc<RecordedFrame>>,
}

/// A growing recording, and the part of it that is not on disk.
#[derive(Debug, Clone)]
pub struct RecordingInProgress {
    pub recording: WireRecording,
    unwritten: RecordingChunk,
    unwritten_bytes: usize,
    /// Frames after it that will not be written.
    skipped: FrameTotals,
    max_bytes: usize,
}

impl RecordingInProgress {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            recording: WireRecording::new(max_bytes),
            unwritten: RecordingChunk::default(),
            unwritten_bytes: 0,
            skipped: FrameTotals::default(),
            max_bytes,
        }
    }

    pub fn push(&mut self, frame: RecordedFrame) {
        let (piece, bytes) = frame.fit_into(self.max_bytes / 2);
        let piece = Arc::new(piece);
        // Frames that arrive faster than they are written leave a gap on disk until the end.
        if self.skipped.pieces == 0 && self.unwritten_bytes + bytes <= self.max_bytes / 2 {
            self.unwritten_bytes += bytes;
            self.unwritten.frames.push(piece.clone());
        } else {
            self.skipped.add(bytes);
        }
        self.recording.add(piece, bytes);
    }

    /// Takes the frames to write now.
    pub fn take_chunk(&mut self) -> RecordingChunk {
        let mut before = self.unwritten.before;
        before.pieces += self.unwritten.frames.len() + self.skipped.pieces;
        before.bytes += self.unwritten_bytes + self.skipped.bytes;
        self.unwritten_bytes = 0;
        self.skipped = FrameTotals::default();
        std::mem::replace(&mut self.unwritten, RecordingChunk { before, frames: Vec::new() })
    }
}

impl RecordingChunk {
    /// The size of its frames.
    pub fn bytes(&self) -> usize {
        self.frames.iter().map(|piece| piece.bytes()).sum()
    }
}

impl FrameTotals {
    fn add(&mut self, bytes: usize) {
        self.pieces += 1;
        self.bytes += bytes;
    }
}

fn headers_json_len(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| json_len(name) + json_len(value) + 8).sum()
}

/// An upper bound for the size of a text within JSON, where a control character may take six bytes.
fn json_len(text: &str) -> usize {
    // At most 255 per chunk, so that the counts fit in a byte and the loop vectorises.
    let escape_overhead = |bytes: &[u8]| {
        let escaped: u8 = bytes.iter().map(|byte| u8::from(matches!(byte, b'"' | b'\\'))).sum();
        let controls: u8 = bytes.iter().map(|byte| u8::from(*byte < 0x20)).sum();
        usize::from(escaped) + 5 * usize::from(controls)
    };
    text.len() + text.as_bytes().chunks(255).map(escape_overhead).sum::<usize>()
}

/// Cuts a text so that it takes at most `max_len` bytes within JSON; returns how many of its bytes were removed.
fn cut_to_json_len(text: &mut String, max_len: usize) -> usize {
    let before = text.len();
    let (mut end, mut left) = (0, max_len);
    // Takes the largest steps that fit, then smaller ones near the limit.
    for step in [64 * 1024, 256, 1] {
        while end < before {
            let next = text.ceil_char_boundary((end + step).min(before));
            let bytes = json_len(&text[end..next]);
            if bytes > left {
                break;
            }
            (end, left) = (next, left - bytes);
        }
    }
    text.truncate(end);
    before - end
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde expects")]
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

    fn received(text: &str) -> RecordedFrame {
        RecordedFrame::new(at(0), FrameContent::Received(text.into()))
    }

    fn texts(recording: &WireRecording) -> Vec<String> {
        let text = |piece: &RecordedFrame| match &piece.what {
            FrameContent::Received(text) | FrameContent::Comment(text) | FrameContent::Failed(text) => text.to_string(),
            FrameContent::Sent(sent) => sent.body.clone(),
            FrameContent::Answered(head) => head.status.to_string(),
        };
        recording.frames().map(text).collect()
    }

    #[test]
    fn the_first_and_last_frames_stay_and_dropped_ones_are_counted() {
        let mut recording = WireRecording::new(2000);
        for number in 0..100 {
            recording.push(received(&format!("event {number:02}")));
        }
        let kept = texts(&recording);
        assert_eq!(kept.first().map(String::as_str), Some("event 00"));
        assert_eq!(kept.last().map(String::as_str), Some("event 99"));
        assert_eq!(kept.len() + recording.dropped.pieces, 100);
        assert!(recording.dropped.pieces > 50, "{:?}", recording.dropped);
        let (head, mut tail) = recording.head_and_tail();
        let first_behind = tail.next().expect("there is a tail");
        assert_eq!(
            texts(&WireRecording { head: vec![first_behind.clone().into()], ..WireRecording::new(0) })[0],
            format!("event {:02}", head.len() + recording.dropped.pieces)
        );
    }

    #[test]
    fn the_newest_request_is_found_and_marked_if_it_was_cut() {
        let sent = |body: &str| {
            let sent = SentRequest {
                url: "http://host/responses".into(),
                headers: vec![],
                body: body.into(),
                variable: "K".into(),
            };
            RecordedFrame::new(at(0), FrameContent::Sent(Box::new(sent)))
        };
        let mut recording = WireRecording::new(4000);
        assert_eq!(recording.newest_request(), None);
        recording.push(sent("one"));
        recording.push(received("{}"));
        recording.push(sent("two"));
        assert_eq!(recording.newest_request().map(|(sent, whole)| (sent.body.as_str(), whole)), Some(("two", true)));
        recording.push(sent(&"long ".repeat(1000)));
        let (sent, whole) = recording.newest_request().expect("a request");
        assert!(!whole && sent.body.len() < 2000, "{}", sent.body.len());
    }

    #[test]
    fn chunks_are_assembled_with_the_gap_between_them() {
        let mut growing = RecordingInProgress::new(4000);
        let mut chunks = Vec::new();
        for number in 0..100 {
            growing.push(received(&format!("event {number:02}")));
            if number % 5 == 4 {
                chunks.push(growing.take_chunk());
            }
        }
        assert_eq!(growing.take_chunk().frames, []);
        let all = WireRecording::from_chunks(4000, chunks.clone());
        assert_eq!(all, growing.recording, "all chunks give the recording in memory");
        drop(chunks.drain(2..17));
        let some = WireRecording::from_chunks(4000, chunks);
        let kept = texts(&some);
        assert_eq!(
            (kept.len(), kept[9].as_str(), kept[10].as_str(), kept[24].as_str()),
            (25, "event 09", "event 85", "event 99")
        );
        assert_eq!(some.dropped.pieces, 75);
        let (head, tail) = some.head_and_tail();
        assert_eq!((head.len(), tail.count()), (10, 15));
    }

    proptest! {
        #[test]
        fn it_never_takes_more_room_than_it_may(most in 1000usize..20_000, texts in prop::collection::vec("[\u{0}-\u{7f}é日]{0,600}", 0..60)) {
            let mut recording = WireRecording::new(most);
            for (number, text) in (0..).zip(&texts) {
                recording.push(RecordedFrame::new(at(number), FrameContent::Received(text.as_str().into())));
            }
            let written = serde_json::to_string(&recording).expect("it is JSON");
            prop_assert!(written.len() <= most + 200, "{} of {most}", written.len());
            prop_assert_eq!(recording.frames().count() + recording.dropped.pieces, texts.len());
            let read: WireRecording = serde_json::from_str(&written).expect("it was written so");
            prop_assert_eq!(read, recording);
        }
    }
}
