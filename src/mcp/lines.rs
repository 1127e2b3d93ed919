//! What a program prints, on its way to the protocol: lines of bounded length, and what is none of it taken out.

use std::collections::VecDeque;

/// Of a longer text in a message only the beginning and the end are kept, each of half this length.
const MOST_OF_A_TEXT: usize = 8 << 20;

/// A message that is longer all the same is none that we read.
pub const MOST_OF_A_LINE: usize = 15 << 20;

/// How much of a line that is no message is shown.
const MOST_OF_RUBBISH: usize = 300;

/// How often a place is remembered where a text can be cut.
const STRIDE: u64 = 1 << 12;

/// Splits bytes in any pieces into lines, and bounds them.
#[derive(Debug)]
pub struct Lines {
    most_of_a_text: usize,
    line: Line,
    /// Bytes of this line that were let through.
    length: usize,
}

#[derive(Debug)]
enum Line {
    /// Nothing but white space has come.
    Empty,
    Message(Text),
    Rubbish(Vec<u8>),
}

/// Where in a message we are.
#[derive(Debug, Default)]
struct Text {
    inside: bool,
    /// Bytes of the character or escape that is not complete yet.
    unit: Unit,
    /// Of the text that is open.
    length: usize,
    /// Its last bytes, once it is too long.
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Unit {
    #[default]
    Complete,
    Backslash,
    /// How many hexadecimal digits are still to come, and those that came.
    Hex(u8, u16),
    /// The first half of a pair, complete: what follows belongs to it.
    HalfPair,
}

#[derive(Debug, Default)]
struct End {
    bytes: VecDeque<u8>,
    /// Bytes that were dropped from the front.
    dropped: u64,
    /// Places between characters, counted from the first byte that was ever in here.
    places: VecDeque<u64>,
}

/// What is to be known beside the bytes that are let through.
#[derive(Debug, PartialEq, Eq)]
pub enum Odd {
    /// A line that is no message: its beginning.
    Rubbish(String),
    /// So many bytes were taken out of the middle of a text.
    Cut(u64),
    /// Nothing behind it can be read.
    TooLong,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(MOST_OF_A_TEXT)
    }
}

impl Lines {
    pub fn new(most_of_a_text: usize) -> Self {
        Self { most_of_a_text, line: Line::Empty, length: 0 }
    }

    /// Takes what was read, and adds to `out` what is to be read on.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Vec<Odd> {
        let mut odd = Vec::new();
        let before = out.len();
        for &byte in bytes {
            self.take(byte, out, &mut odd);
        }
        // Those of lines that ended count too: a few bytes early is no harm.
        self.length += out.len() - before;
        if self.length > MOST_OF_A_LINE {
            odd.push(Odd::TooLong);
        }
        if out.last() == Some(&b'\n') {
            self.length = 0;
        }
        odd
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>, odd: &mut Vec<Odd>) {
        match &mut self.line {
            Line::Empty if byte.is_ascii_whitespace() => (),
            Line::Empty if byte == b'{' || byte == b'[' => {
                out.push(byte);
                self.line = Line::Message(Text::default());
            }
            Line::Empty => self.line = Line::Rubbish(vec![byte]),
            Line::Rubbish(line) if byte == b'\n' => {
                let line = std::mem::take(line);
                odd.push(Odd::Rubbish(String::from_utf8_lossy(&line).into_owned()));
                self.line = Line::Empty;
            }
            Line::Rubbish(line) => {
                if line.len() < MOST_OF_RUBBISH {
                    line.push(byte);
                }
            }
            Line::Message(text) => {
                if byte == b'\n' {
                    text.close(out, odd);
                    out.push(b'\n');
                    self.line = Line::Empty;
                    self.length = 0;
                } else {
                    text.take(byte, self.most_of_a_text / 2, out, odd);
                }
            }
        }
    }
}

impl Text {
    fn take(&mut self, byte: u8, most: usize, out: &mut Vec<u8>, odd: &mut Vec<Odd>) {
        if !self.inside {
            self.inside = byte == b'"';
            out.push(byte);
            return;
        }
        if byte == b'"' && matches!(self.unit, Unit::Complete | Unit::HalfPair) {
            self.close(out, odd);
            out.push(byte);
            return;
        }
        let between = self.unit == Unit::Complete && byte & 0xc0 != 0x80;
        if between && self.end.is_none() && self.length >= most {
            self.end = Some(End::default());
        }
        self.unit = self.unit.after(byte);
        self.length += 1;
        match &mut self.end {
            None => out.push(byte),
            Some(end) => end.push(byte, between, most),
        }
    }

    /// The text ends: here, or because its line does.
    fn close(&mut self, out: &mut Vec<u8>, odd: &mut Vec<Odd>) {
        if let Some(end) = self.end.take() {
            let left_out = end.write(out);
            if left_out > 0 {
                odd.push(Odd::Cut(left_out));
            }
        }
        *self = Self::default();
    }
}

impl Unit {
    fn after(self, byte: u8) -> Self {
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

impl End {
    fn push(&mut self, byte: u8, between: bool, most: usize) {
        let at = self.dropped + self.bytes.len() as u64;
        if between && self.places.back().is_none_or(|last| at - last >= STRIDE.min(most as u64 / 4)) {
            self.places.push_back(at);
        }
        self.bytes.push_back(byte);
        if self.bytes.len() > most {
            self.bytes.pop_front();
            self.dropped += 1;
            if self.places.front().is_some_and(|place| *place < self.dropped) {
                self.places.pop_front();
            }
        }
    }

    /// Writes what is left of it, and says how much is not.
    fn write(mut self, out: &mut Vec<u8>) -> u64 {
        let from = self.places.front().copied().unwrap_or(self.dropped + self.bytes.len() as u64);
        if from > 0 {
            out.extend_from_slice(left_out(from).as_bytes());
        }
        self.bytes.drain(..(from - self.dropped) as usize);
        let (front, back) = self.bytes.as_slices();
        out.extend_from_slice(front);
        out.extend_from_slice(back);
        from
    }
}

/// How the gap in a text reads.
fn left_out(bytes: u64) -> String {
    format!("\\n[… {bytes} bytes left out …]\\n")
}

/// Whether the middle was taken out of this text: it is no base64 any more.
pub fn was_cut(text: &str) -> bool {
    text.contains(" bytes left out …]")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn through(most: usize, pieces: &[&[u8]]) -> (String, Vec<Odd>) {
        let (mut lines, mut out, mut odd) = (Lines::new(most), Vec::new(), Vec::new());
        for piece in pieces {
            odd.extend(lines.push(piece, &mut out));
        }
        (String::from_utf8(out).expect("it is text"), odd)
    }

    #[test]
    fn what_is_no_message_is_told_and_not_let_through() {
        let (out, odd) = through(100, &[b"Listening on port 8\n\n{\"a\": 1}\nok\r\n[1]\n\xff\xfe\n"]);
        assert_eq!(out, "{\"a\": 1}\n[1]\n");
        let told = ["Listening on port 8", "ok\r", "\u{fffd}\u{fffd}"];
        assert_eq!(odd, told.map(|line| Odd::Rubbish(line.into())));
        let (out, odd) = through(100, &["x".repeat(100_000).as_bytes(), b"\n"]);
        assert_eq!((out.as_str(), odd), ("", vec![Odd::Rubbish("x".repeat(MOST_OF_RUBBISH))]));
    }

    #[test]
    fn a_long_text_loses_its_middle_and_nothing_else() {
        let text = format!("begin{}end", "é".repeat(500));
        let (out, odd) = through(60, &[json!({"id": 1, "a": text, "b": "short"}).to_string().as_bytes(), b"\n"]);
        let value: Value = serde_json::from_str(&out).expect("it is JSON");
        assert_eq!((&value["id"], &value["b"]), (&json!(1), &json!("short")));
        let cut = value["a"].as_str().expect("a text");
        assert!(cut.starts_with("beginééé") && cut.ends_with("éend") && was_cut(cut), "{cut}");
        let [Odd::Cut(bytes)] = odd[..] else { panic!("{odd:?}") };
        let gap = left_out(bytes).len() - 2; // Two line ends are one byte each, read.
        assert_eq!(cut.len() + bytes as usize, text.len() + gap);
    }

    #[test]
    fn a_message_without_an_end_is_not_read_for_ever() {
        let mut lines = Lines::default();
        let piece = b"[1,2,3,4],".repeat(100_000);
        let mut pushed = 0;
        loop {
            let mut out = Vec::new();
            pushed += piece.len();
            let odd = lines.push(if pushed == piece.len() { b"[" } else { &piece }, &mut out);
            if odd == [Odd::TooLong] {
                break;
            }
            assert!(pushed < 2 * MOST_OF_A_LINE, "it would go on");
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
            let (out, odd) = through(most, &pieces);
            let cut: Vec<String> = serde_json::from_str(&out).expect("it is JSON");
            prop_assert_eq!(cut.len(), texts.len());
            if odd.is_empty() {
                prop_assert_eq!(cut, texts);
            }
        }
    }
}
