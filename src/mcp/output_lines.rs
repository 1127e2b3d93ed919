//! Filters a program's output on its way to the protocol: bounds the length of lines and drops what is not a message.

use std::collections::VecDeque;

/// The longest string in a message, in bytes. A longer one is cut to a beginning and an end of half this length each.
const MAX_STRING_BYTES: usize = 8 << 20;

/// The longest message that is read, in bytes, after its strings were shortened.
pub const MAX_MESSAGE_BYTES: usize = 15 << 20;

/// How many bytes are shown of a line that is not a message.
const MAX_NOISE_BYTES: usize = 300;

/// The minimum distance in bytes between remembered positions at which a string can be cut.
const CUT_STRIDE: u64 = 1 << 12;

/// Splits bytes, in chunks of any size, into lines, and bounds their length.
#[derive(Debug)]
pub struct LineFilter {
    max_string_bytes: usize,
    state: LineState,
    /// Bytes of this line that were passed on.
    passed_bytes: usize,
}

#[derive(Debug)]
enum LineState {
    /// Nothing but white space so far.
    Empty,
    Message(MessageScanner),
    Noise(Vec<u8>),
}

/// The position within a message.
#[derive(Debug, Default)]
struct MessageScanner {
    in_string: bool,
    /// The state of the current character or escape sequence.
    unit: UnitState,
    /// Bytes of the open string so far.
    string_bytes: usize,
    /// The last bytes of the string, once it is too long.
    tail: Option<StringTail>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum UnitState {
    #[default]
    Complete,
    Backslash,
    /// How many hexadecimal digits are missing, and the value of those read so far.
    Hex(u8, u16),
    /// The complete first half of a surrogate pair; the second half must follow.
    HalfPair,
}

#[derive(Debug, Default)]
struct StringTail {
    bytes: VecDeque<u8>,
    /// Bytes that were dropped from the front.
    dropped: u64,
    /// Positions between characters, counted from the first byte that was ever pushed.
    boundaries: VecDeque<u64>,
}

/// Something the filter reports besides the bytes it passes on.
#[derive(Debug, PartialEq, Eq)]
pub enum LineFinding {
    /// A line that is not a message: its beginning.
    Noise(String),
    /// This many bytes were removed from the middle of a string.
    Cut(u64),
    /// A message is too long. Nothing after it can be read.
    TooLong,
}

impl Default for LineFilter {
    fn default() -> Self {
        Self::new(MAX_STRING_BYTES)
    }
}

impl LineFilter {
    pub fn new(max_string_bytes: usize) -> Self {
        Self { max_string_bytes, state: LineState::Empty, passed_bytes: 0 }
    }

    /// Filters `bytes` and appends what passes to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Vec<LineFinding> {
        let mut findings = Vec::new();
        let before = out.len();
        for &byte in bytes {
            self.push_byte(byte, out, &mut findings);
        }
        // Bytes of finished lines count too: reaching the limit a little early does no harm.
        self.passed_bytes += out.len() - before;
        if self.passed_bytes > MAX_MESSAGE_BYTES {
            findings.push(LineFinding::TooLong);
        }
        if out.last() == Some(&b'\n') {
            self.passed_bytes = 0;
        }
        findings
    }

    fn push_byte(&mut self, byte: u8, out: &mut Vec<u8>, findings: &mut Vec<LineFinding>) {
        match &mut self.state {
            LineState::Empty if byte.is_ascii_whitespace() => (),
            LineState::Empty if byte == b'{' || byte == b'[' => {
                out.push(byte);
                self.state = LineState::Message(MessageScanner::default());
            }
            LineState::Empty => self.state = LineState::Noise(vec![byte]),
            LineState::Noise(line) if byte == b'\n' => {
                let line = std::mem::take(line);
                findings.push(LineFinding::Noise(String::from_utf8_lossy(&line).into_owned()));
                self.state = LineState::Empty;
            }
            LineState::Noise(line) => {
                if line.len() < MAX_NOISE_BYTES {
                    line.push(byte);
                }
            }
            LineState::Message(text) => {
                if byte == b'\n' {
                    text.close_string(out, findings);
                    out.push(b'\n');
                    self.state = LineState::Empty;
                    self.passed_bytes = 0;
                } else {
                    text.push_byte(byte, self.max_string_bytes / 2, out, findings);
                }
            }
        }
    }
}

impl MessageScanner {
    fn push_byte(&mut self, byte: u8, half: usize, out: &mut Vec<u8>, findings: &mut Vec<LineFinding>) {
        if !self.in_string {
            self.in_string = byte == b'"';
            out.push(byte);
            return;
        }
        if byte == b'"' && matches!(self.unit, UnitState::Complete | UnitState::HalfPair) {
            self.close_string(out, findings);
            out.push(byte);
            return;
        }
        let at_boundary = self.unit == UnitState::Complete && byte & 0xc0 != 0x80;
        if at_boundary && self.tail.is_none() && self.string_bytes >= half {
            self.tail = Some(StringTail::default());
        }
        self.unit = self.unit.next(byte);
        self.string_bytes += 1;
        match &mut self.tail {
            None => out.push(byte),
            Some(end) => end.push(byte, at_boundary, half),
        }
    }

    /// Ends the open string, at its closing quote or at the end of the line.
    fn close_string(&mut self, out: &mut Vec<u8>, findings: &mut Vec<LineFinding>) {
        if let Some(end) = self.tail.take() {
            let dropped = end.write_to(out);
            if dropped > 0 {
                findings.push(LineFinding::Cut(dropped));
            }
        }
        *self = Self::default();
    }
}

impl UnitState {
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Complete | Self::HalfPair, b'\\') => Self::Backslash,
            (Self::Backslash, b'u') => Self::Hex(4, 0),
            (Self::Complete | Self::HalfPair | Self::Backslash, _) => Self::Complete,
            (Self::Hex(left, value), digit) => {
                let value = value << 4 | (digit as char).to_digit(16).map_or(0, |digit| digit as u16);
                match left {
                    1 if (0xd800..0xdc00).contains(&value) => Self::HalfPair,
                    1 => Self::Complete,
                    left => Self::Hex(left - 1, value),
                }
            }
        }
    }
}

impl StringTail {
    fn push(&mut self, byte: u8, at_boundary: bool, half: usize) {
        let offset = self.dropped + self.bytes.len() as u64;
        if at_boundary && self.boundaries.back().is_none_or(|last| offset - last >= CUT_STRIDE.min(half as u64 / 4)) {
            self.boundaries.push_back(offset);
        }
        self.bytes.push_back(byte);
        if self.bytes.len() > half {
            self.bytes.pop_front();
            self.dropped += 1;
            if self.boundaries.front().is_some_and(|place| *place < self.dropped) {
                self.boundaries.pop_front();
            }
        }
    }

    /// Writes a note of the gap and the remaining bytes, and returns how many were dropped.
    fn write_to(mut self, out: &mut Vec<u8>) -> u64 {
        let from = self.boundaries.front().copied().unwrap_or(self.dropped + self.bytes.len() as u64);
        if from > 0 {
            out.extend_from_slice(gap_note(from).as_bytes());
        }
        self.bytes.drain(..(from - self.dropped) as usize);
        let (front, back) = self.bytes.as_slices();
        out.extend_from_slice(front);
        out.extend_from_slice(back);
        from
    }
}

/// The note that replaces the middle of a string.
fn gap_note(bytes: u64) -> String {
    format!("\\n[… {bytes} bytes left out …]\\n")
}

/// Whether the middle of this string was removed. Such a string is not valid base64 any more.
pub fn is_truncated(text: &str) -> bool {
    text.contains(" bytes left out …]")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn filter(most: usize, pieces: &[&[u8]]) -> (String, Vec<LineFinding>) {
        let (mut lines, mut out, mut odd) = (LineFilter::new(most), Vec::new(), Vec::new());
        for piece in pieces {
            odd.extend(lines.push(piece, &mut out));
        }
        (String::from_utf8(out).expect("it is text"), odd)
    }

    #[test]
    fn lines_that_are_not_messages_are_reported_and_dropped() {
        let (out, odd) = filter(100, &[b"Listening on port 8\n\n{\"a\": 1}\nok\r\n[1]\n\xff\xfe\n"]);
        assert_eq!(out, "{\"a\": 1}\n[1]\n");
        let told = ["Listening on port 8", "ok\r", "\u{fffd}\u{fffd}"];
        assert_eq!(odd, told.map(|line| LineFinding::Noise(line.into())));
        let (out, odd) = filter(100, &["x".repeat(100_000).as_bytes(), b"\n"]);
        assert_eq!((out.as_str(), odd), ("", vec![LineFinding::Noise("x".repeat(MAX_NOISE_BYTES))]));
    }

    #[test]
    fn a_long_string_loses_only_its_middle() {
        let text = format!("begin{}end", "é".repeat(500));
        let (out, odd) = filter(60, &[json!({"id": 1, "a": text, "b": "short"}).to_string().as_bytes(), b"\n"]);
        let value: Value = serde_json::from_str(&out).expect("it is JSON");
        assert_eq!((&value["id"], &value["b"]), (&json!(1), &json!("short")));
        let cut = value["a"].as_str().expect("a text");
        assert!(cut.starts_with("beginééé") && cut.ends_with("éend") && is_truncated(cut), "{cut}");
        let [LineFinding::Cut(bytes)] = odd[..] else { panic!("{odd:?}") };
        let gap = gap_note(bytes).len() - 2; // Each of the two escaped line ends is one byte when read.
        assert_eq!(cut.len() + bytes as usize, text.len() + gap);
    }

    #[test]
    fn a_message_without_an_end_is_not_read_for_ever() {
        let mut lines = LineFilter::default();
        let piece = b"[1,2,3,4],".repeat(100_000);
        let mut pushed = 0;
        loop {
            let mut out = Vec::new();
            pushed += piece.len();
            let odd = lines.push(if pushed == piece.len() { b"[" } else { &piece }, &mut out);
            if odd == [LineFinding::TooLong] {
                break;
            }
            assert!(pushed < 2 * MAX_MESSAGE_BYTES, "it is still reading");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_json_stays_json_however_it_is_cut(
            texts in prop::collection::vec("[a\"\\\\\n\u{e9}\u{1f600}\u{7}]{0,80}", 1..4),
            most in 4_usize..60,
            escaped in any::<bool>(),
            piece in 1_usize..40,
        ) {
            let mut line = json!(texts).to_string();
            if escaped {
                let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect::<String>();
                line = line.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect();
            }
            line.push('\n');
            let pieces: Vec<&[u8]> = line.as_bytes().chunks(piece).collect();
            let (out, odd) = filter(most, &pieces);
            let cut: Vec<String> = serde_json::from_str(&out).expect("it is JSON");
            prop_assert_eq!(cut.len(), texts.len());
            if odd.is_empty() {
                prop_assert_eq!(cut, texts);
            }
        }
    }
}
