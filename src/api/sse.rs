//! Server-sent events: decodes bytes, split anywhere, into the `data:` payloads of whole events.

use std::borrow::Cow;

use memchr::memchr2;

/// Splits a byte stream into frames. It stores only the unfinished frame and scans every byte once.
#[derive(Debug)]
pub struct SseDecoder {
    /// The unfinished line.
    line: Vec<u8>,
    /// The data of the unfinished event.
    data: Option<Vec<u8>>,
    /// Lines that are no fields, since the last field or blank line.
    stray: Vec<u8>,
    state: DecoderState,
    max_frame_bytes: usize,
    #[cfg(test)]
    bytes_scanned: usize,
}

/// An event or comment of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum SseFrame<'a> {
    /// The payload of an event, its data lines joined.
    Data(String),
    /// A comment and its text; it only shows that the server is alive.
    Comment(&'a str),
    /// Lines that are no fields of an event, such as a gateway's page in the middle of a stream.
    Stray(String),
    /// `data: [DONE]`
    Done,
    /// A frame beyond the maximum length. No frame follows it.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecoderState {
    /// A byte order mark may follow.
    Start,
    InStream,
    /// A line ended in a carriage return. A line feed right after it belongs to the same line end.
    AfterCr,
    GivenUp,
}

/// The most text of lines that are no fields, in bytes.
const MAX_STRAY_BYTES: usize = 64 * 1024;

/// The fields of an event besides its data.
const OTHER_FIELDS: [&[u8]; 3] = [b"event", b"id", b"retry"];

/// The maximum length of a frame, in bytes. Echoed tools and images make events of a few megabytes.
const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

impl Default for SseDecoder {
    fn default() -> Self {
        Self::with_max_frame_bytes(MAX_FRAME_BYTES)
    }
}

impl SseDecoder {
    /// Creates a decoder that stops at a frame longer than `max_frame_bytes`.
    pub fn with_max_frame_bytes(max_frame_bytes: usize) -> Self {
        Self {
            line: Vec::new(),
            data: None,
            stray: Vec::new(),
            state: DecoderState::Start,
            max_frame_bytes,
            #[cfg(test)]
            bytes_scanned: 0,
        }
    }

    /// Takes the next bytes, split anywhere, and emits the frames that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(SseFrame<'_>)) {
        while !bytes.is_empty() && self.state != DecoderState::GivenUp {
            if self.state == DecoderState::AfterCr {
                self.state = DecoderState::InStream;
                if let Some(rest) = bytes.strip_prefix(b"\n") {
                    bytes = rest;
                    continue;
                }
            }
            let end = memchr2(b'\n', b'\r', bytes);
            #[cfg(test)]
            {
                self.bytes_scanned += end.map_or(bytes.len(), |end| end + 1);
            }
            let Some(end) = end else {
                self.buffer(bytes, &mut emit);
                return;
            };
            let after = if bytes[end] == b'\r' { DecoderState::AfterCr } else { DecoderState::InStream };
            if self.line.is_empty() {
                self.take_line(bytes[..end].into(), &mut emit);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.take_line(line.into(), &mut emit);
            }
            if self.state != DecoderState::GivenUp {
                self.state = after;
            }
            bytes = &bytes[end + 1..];
        }
    }

    /// Ends the stream. An event that lacks only its blank line counts.
    pub fn finish(&mut self, mut emit: impl FnMut(SseFrame<'_>)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(line.into(), &mut emit);
        }
        self.dispatch(&mut emit);
        self.flush_stray(&mut emit);
    }

    fn buffer(&mut self, bytes: &[u8], emit: &mut impl FnMut(SseFrame<'_>)) {
        self.line.extend_from_slice(bytes);
        self.give_up_if_too_long(0, emit);
    }

    fn give_up_if_too_long(&mut self, more: usize, emit: &mut impl FnMut(SseFrame<'_>)) {
        let data = self.data.as_ref().map_or(0, Vec::len);
        if self.line.len() + data + more > self.max_frame_bytes {
            (self.line, self.data) = (Vec::new(), None);
            self.state = DecoderState::GivenUp;
            emit(SseFrame::TooLong);
        }
    }

    fn take_line(&mut self, whole: Cow<'_, [u8]>, emit: &mut impl FnMut(SseFrame<'_>)) {
        let mut line = &*whole;
        if self.state == DecoderState::Start {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            self.state = DecoderState::InStream;
        }
        if line.is_empty() {
            self.dispatch(emit);
            self.flush_stray(emit);
        } else if line[0] == b':' {
            emit(SseFrame::Comment(String::from_utf8_lossy(&line[1..]).trim()));
        } else if let Some(value) = line.strip_prefix(b"data") {
            // A name without a colon has an empty value. A longer name is another field, which is ignored.
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return self.keep_stray(line),
            };
            self.give_up_if_too_long(value.len(), emit);
            if self.state == DecoderState::GivenUp {
                return;
            }
            match &mut self.data {
                None => self.data = Some(into_last_bytes(value.len(), whole)),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        } else if !OTHER_FIELDS.iter().any(|name| is_field(line, name)) {
            self.keep_stray(line);
        }
    }

    fn keep_stray(&mut self, line: &[u8]) {
        let room = MAX_STRAY_BYTES.saturating_sub(self.stray.len());
        self.stray.extend_from_slice(&line[..line.len().min(room)]);
        self.stray.push(b'\n');
    }

    fn flush_stray(&mut self, emit: &mut impl FnMut(SseFrame<'_>)) {
        let stray = std::mem::take(&mut self.stray);
        let text = String::from_utf8_lossy(&stray);
        if !text.trim().is_empty() {
            emit(SseFrame::Stray(text.trim().to_owned()));
        }
    }

    fn dispatch(&mut self, emit: &mut impl FnMut(SseFrame<'_>)) {
        let Some(data) = self.data.take() else { return };
        let text = match String::from_utf8(data) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        match text.trim() {
            "" => (),
            "[DONE]" => emit(SseFrame::Done),
            _ => emit(SseFrame::Data(text)),
        }
    }
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.first().is_none_or(|next| *next == b':'))
}

/// Returns the last `length` bytes, reusing the memory of owned bytes.
fn into_last_bytes(length: usize, whole: Cow<'_, [u8]>) -> Vec<u8> {
    let start = whole.len() - length;
    match whole {
        Cow::Borrowed(bytes) => bytes[start..].to_vec(),
        Cow::Owned(mut bytes) => {
            bytes.drain(..start);
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames<'a>(decoder: &mut SseDecoder, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut frames = Vec::new();
        let mut note = |frame: SseFrame<'_>| {
            frames.push(match frame {
                SseFrame::Data(text) => text,
                SseFrame::Comment(_) => "(comment)".into(),
                SseFrame::Stray(text) => format!("(stray) {text}"),
                SseFrame::Done => "(done)".into(),
                SseFrame::TooLong => "(too long)".into(),
            });
        };
        for chunk in chunks {
            decoder.push(chunk, &mut note);
        }
        decoder.finish(&mut note);
        frames
    }

    fn frames_of(bytes: &[u8]) -> Vec<String> {
        frames(&mut SseDecoder::default(), [bytes])
    }

    #[test]
    fn every_form_used_by_servers_is_decoded() {
        for (stream, expected) in [
            ("data: a\n\n", vec!["a"]),
            ("data:a\n\n", vec!["a"]),
            ("data:  a\n\n", vec![" a"]),
            ("event: x\ndata: a\nid: 1\nretry: 2\n\n", vec!["a"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["a", "b"]),
            ("data: a\r\rdata: b\r\r", vec!["a", "b"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            ("data: a\ndata\ndata: b\n\n", vec!["a\n\nb"]),
            ("\u{feff}data: a\n\n", vec!["a"]),
            (": \n\n: OPENROUTER PROCESSING\n\ndata: a\n\n", vec!["(comment)", "(comment)", "a"]),
            ("data: a\n: in between\ndata: b\n\n", vec!["(comment)", "a\nb"]),
            ("data: a\n\ndata: [DONE]\n\n", vec!["a", "(done)"]),
            ("data: no blank line", vec!["no blank line"]),
            ("data: no blank line\r\n", vec!["no blank line"]),
            ("\n\n\n", vec![]),
            ("data:\n\n", vec![]),
            ("database: a\n\nhello\n\n", vec!["(stray) database: a", "(stray) hello"]),
            ("data: a\n\n{\"error\":\n\"b\"}", vec!["a", "(stray) {\"error\":\n\"b\"}"]),
            ("data: a\n<html>\n\n", vec!["a", "(stray) <html>"]),
            ("eventual: a\nidle\n\n", vec!["(stray) eventual: a\nidle"]),
        ] {
            assert_eq!(frames_of(stream.as_bytes()), expected, "{stream:?}");
        }
        assert_eq!(frames_of(b"data: a\xffb\n\n"), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_frame_beyond_the_limit_ends_the_stream_and_frees_its_memory() {
        for stream in ["data: 0123456789abcdef", "data: 01234567\ndata: 89abcdef\n\n"] {
            let mut decoder = SseDecoder::with_max_frame_bytes(15);
            assert_eq!(frames(&mut decoder, [stream.as_bytes(), b"\n\ndata: x\n\n"]), ["(too long)"], "{stream:?}");
            assert_eq!((decoder.line.capacity(), decoder.data), (0, None));
        }
        assert_eq!(
            frames(&mut SseDecoder::with_max_frame_bytes(15), [&b"data: 01234567\n\ndata: 89abcdef\n\n"[..]]).len(),
            2
        );
    }

    #[test]
    fn every_byte_is_scanned_once_however_the_stream_is_split() {
        let stream = format!("data: {}\r\n\r\n: \n\n", "x".repeat(10_000)).repeat(3);
        for size in [1, 2, 7, 64, 16_384] {
            let mut decoder = SseDecoder::default();
            assert_eq!(frames(&mut decoder, stream.as_bytes().chunks(size)).len(), 6);
            // A line feed that belongs to the carriage return before it is not scanned.
            assert!(
                (stream.len() - 6..=stream.len()).contains(&decoder.bytes_scanned),
                "{size}: {}",
                decoder.bytes_scanned
            );
        }
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_frames(
            lines in prop::collection::vec(
                prop_oneof![
                    Just("\n".to_owned()), Just("\r".to_owned()), Just("\r\n".to_owned()), Just(": x".to_owned()),
                    Just("\u{feff}".to_owned()), Just("data: [DONE]".to_owned()), "data:? ?[a-zä\\u{1f600}]{0,6}",
                ],
                0..24,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = lines.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(frames(&mut SseDecoder::default(), pieces), frames_of(&bytes));
            prop_assert_eq!(frames(&mut SseDecoder::default(), bytes.chunks(1)), frames_of(&bytes));
        }
    }
}
