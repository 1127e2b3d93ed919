//! Server-sent events: bytes in any chunks to the `data:` payloads of whole events.

use std::borrow::Cow;

use memchr::memchr2;

/// Splits a byte stream into frames. It keeps only the frame that is unfinished and looks at every byte once.
#[derive(Debug)]
pub struct Decoder {
    /// The unfinished line.
    line: Vec<u8>,
    /// The data of the unfinished event.
    data: Option<Vec<u8>>,
    state: State,
    longest: usize,
    #[cfg(test)]
    looked_at: usize,
}

/// One thing that the stream said.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The payload of an event, several data lines joined.
    Data(String),
    /// A sign of life without a meaning, and its words.
    Comment(&'a str),
    /// `data: [DONE]`
    Done,
    /// A frame longer than any that makes sense; nothing comes behind it.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A byte order mark may come.
    Start,
    Within,
    /// A line ended in a carriage return; a line feed right behind it belongs to it.
    AfterReturn,
    GivenUp,
}

/// Echoed tools and pictures make events of megabytes; this is far beyond them.
const LONGEST: usize = 64 * 1024 * 1024;

impl Default for Decoder {
    fn default() -> Self {
        Self::with_longest(LONGEST)
    }
}

impl Decoder {
    /// A decoder that gives up at a frame longer than so many bytes.
    pub fn with_longest(longest: usize) -> Self {
        Self {
            line: Vec::new(),
            data: None,
            state: State::Start,
            longest,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// Takes the next bytes, however they are cut, and emits the frames that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(Frame<'_>)) {
        while !bytes.is_empty() && self.state != State::GivenUp {
            if self.state == State::AfterReturn {
                self.state = State::Within;
                if let Some(rest) = bytes.strip_prefix(b"\n") {
                    bytes = rest;
                    continue;
                }
            }
            let end = memchr2(b'\n', b'\r', bytes);
            #[cfg(test)]
            {
                self.looked_at += end.map_or(bytes.len(), |end| end + 1);
            }
            let Some(end) = end else {
                self.keep(bytes, &mut emit);
                return;
            };
            let after = if bytes[end] == b'\r' { State::AfterReturn } else { State::Within };
            if self.line.is_empty() {
                self.take_line(bytes[..end].into(), &mut emit);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.take_line(line.into(), &mut emit);
            }
            if self.state != State::GivenUp {
                self.state = after;
            }
            bytes = &bytes[end + 1..];
        }
    }

    /// The stream has ended: an event that only lacks its blank line counts.
    pub fn finish(&mut self, mut emit: impl FnMut(Frame<'_>)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(line.into(), &mut emit);
        }
        self.dispatch(&mut emit);
    }

    fn keep(&mut self, bytes: &[u8], emit: &mut impl FnMut(Frame<'_>)) {
        self.line.extend_from_slice(bytes);
        self.give_up_if_too_long(0, emit);
    }

    fn give_up_if_too_long(&mut self, more: usize, emit: &mut impl FnMut(Frame<'_>)) {
        let data = self.data.as_ref().map_or(0, Vec::len);
        if self.line.len() + data + more > self.longest {
            (self.line, self.data) = (Vec::new(), None);
            self.state = State::GivenUp;
            emit(Frame::TooLong);
        }
    }

    fn take_line(&mut self, whole: Cow<'_, [u8]>, emit: &mut impl FnMut(Frame<'_>)) {
        let mut line = &*whole;
        if self.state == State::Start {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            self.state = State::Within;
        }
        if line.is_empty() {
            self.dispatch(emit);
        } else if line[0] == b':' {
            emit(Frame::Comment(String::from_utf8_lossy(&line[1..]).trim()));
        } else if let Some(value) = line.strip_prefix(b"data") {
            // The name alone is an empty value; a longer name is another field, and those mean nothing here.
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return,
            };
            self.give_up_if_too_long(value.len(), emit);
            if self.state == State::GivenUp {
                return;
            }
            match &mut self.data {
                None => self.data = Some(tail(value.len(), whole)),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        }
    }

    fn dispatch(&mut self, emit: &mut impl FnMut(Frame<'_>)) {
        let Some(data) = self.data.take() else { return };
        let text = match String::from_utf8(data) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        match text.trim() {
            "" => (),
            "[DONE]" => emit(Frame::Done),
            _ => emit(Frame::Data(text)),
        }
    }
}

/// The last bytes; in the same memory, where it is ours.
fn tail(length: usize, whole: Cow<'_, [u8]>) -> Vec<u8> {
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

    fn frames<'a>(decoder: &mut Decoder, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut frames = Vec::new();
        let mut note = |frame: Frame<'_>| {
            frames.push(match frame {
                Frame::Data(text) => text,
                Frame::Comment(_) => "(comment)".into(),
                Frame::Done => "(done)".into(),
                Frame::TooLong => "(too long)".into(),
            });
        };
        for chunk in chunks {
            decoder.push(chunk, &mut note);
        }
        decoder.finish(&mut note);
        frames
    }

    fn whole(bytes: &[u8]) -> Vec<String> {
        frames(&mut Decoder::default(), [bytes])
    }

    #[test]
    fn every_form_that_servers_use_is_read() {
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
            ("database: a\n\nhello\n\n", vec![]),
        ] {
            assert_eq!(whole(stream.as_bytes()), expected, "{stream:?}");
        }
        assert_eq!(whole(b"data: a\xffb\n\n"), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_frame_beyond_the_bound_ends_the_stream_and_keeps_no_memory() {
        for stream in ["data: 0123456789abcdef", "data: 01234567\ndata: 89abcdef\n\n"] {
            let mut decoder = Decoder::with_longest(15);
            assert_eq!(frames(&mut decoder, [stream.as_bytes(), b"\n\ndata: x\n\n"]), ["(too long)"], "{stream:?}");
            assert_eq!((decoder.line.capacity(), decoder.data), (0, None));
        }
        assert_eq!(frames(&mut Decoder::with_longest(15), [&b"data: 01234567\n\ndata: 89abcdef\n\n"[..]]).len(), 2);
    }

    #[test]
    fn every_byte_is_looked_at_once_however_the_stream_is_cut() {
        let stream = format!("data: {}\r\n\r\n: \n\n", "x".repeat(10_000)).repeat(3);
        for size in [1, 2, 7, 64, 16_384] {
            let mut decoder = Decoder::default();
            assert_eq!(frames(&mut decoder, stream.as_bytes().chunks(size)).len(), 6);
            // A line feed that belongs to a carriage return before it is only skipped.
            assert!((stream.len() - 6..=stream.len()).contains(&decoder.looked_at), "{size}: {}", decoder.looked_at);
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
            prop_assert_eq!(frames(&mut Decoder::default(), pieces), whole(&bytes));
            prop_assert_eq!(frames(&mut Decoder::default(), bytes.chunks(1)), whole(&bytes));
        }
    }
}
