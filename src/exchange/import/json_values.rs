//! Takes a file of JSON apart without holding more of it than one value: an array element by element, or values one
//! behind another, as in JSON Lines.

use std::io::{self, BufRead};

/// A value that is longer than this is refused.
pub(super) const MAX_VALUE_BYTES: usize = 256 << 20;

/// The values of a file.
pub(super) struct JsonValues<R> {
    reader: R,
    /// Whether the values are the elements of one array.
    is_array: bool,
    state: ReadState,
    buffer: Vec<u8>,
    max_bytes: usize,
    /// The most bytes that were held at once.
    peak: usize,
    /// How many bytes were read.
    position: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    Start,
    Between,
    Ended,
}

/// Why the values end early.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonFault {
    #[error("{}", crate::text::error_words(.0))]
    Io(#[from] io::Error),
    #[error("it ends in the middle of a value; is it complete?")]
    Cut,
    #[error("it is not JSON at byte {0}")]
    NotJson(u64),
    #[error("a conversation is longer than {} MB", .0 >> 20)]
    TooLong(usize),
}

/// Where in a value the scanner is.
#[derive(Default)]
struct ValueScan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

/// What a byte does to a value.
#[derive(PartialEq, Eq)]
enum ScanStep {
    Inside,
    /// The value ends with this byte.
    EndsWith,
    /// The value has ended before this byte.
    EndedBefore,
}

impl<R: BufRead> JsonValues<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            is_array: false,
            state: ReadState::Start,
            buffer: Vec::new(),
            max_bytes: MAX_VALUE_BYTES,
            peak: 0,
            position: 0,
        }
    }

    #[cfg(test)]
    fn with_max(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// The most bytes that were held at once.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// The next value; `None` at the end.
    pub(super) fn next_value(&mut self) -> Result<Option<&[u8]>, JsonFault> {
        if self.state == ReadState::Start {
            self.skip_mark()?;
            self.is_array = self.peek_byte()? == Some(b'[');
            if self.is_array {
                self.skip_byte();
            }
        }
        let first = match (self.is_array, self.state, self.peek_byte()?) {
            (_, ReadState::Ended, None) | (false, _, None) => return Ok(None),
            (true, _, None) => return Err(JsonFault::Cut),
            (_, ReadState::Ended, Some(_)) => return Err(JsonFault::NotJson(self.position)),
            (true, _, Some(b']')) => return self.end_array(),
            (true, ReadState::Between, Some(b',')) => {
                self.skip_byte();
                self.peek_byte()?.ok_or(JsonFault::Cut)?
            }
            (true, ReadState::Between, Some(_)) => return Err(JsonFault::NotJson(self.position)),
            (_, _, Some(first)) => first,
        };
        if !is_value_start(first) {
            return Err(JsonFault::NotJson(self.position));
        }
        self.state = ReadState::Between;
        self.read_value()?;
        Ok(Some(&self.buffer))
    }

    /// Skips a line that is no JSON, such as one that a crash cut off.
    pub(super) fn skip_line(&mut self) -> Result<(), JsonFault> {
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            let line_end = memchr::memchr(b'\n', available);
            let used = line_end.map_or(available.len(), |end| end + 1);
            self.consume(used);
            if line_end.is_some() {
                return Ok(());
            }
        }
    }

    /// Reads until the end of the file, which has nothing more.
    fn end_array(&mut self) -> Result<Option<&[u8]>, JsonFault> {
        self.skip_byte();
        self.state = ReadState::Ended;
        match self.peek_byte()? {
            None => Ok(None),
            Some(_) => Err(JsonFault::NotJson(self.position)),
        }
    }

    fn read_value(&mut self) -> Result<(), JsonFault> {
        self.buffer.clear();
        self.buffer.shrink_to(1 << 20);
        let mut scan = ValueScan::default();
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                // Only a number or a word can end with the file.
                return if scan.depth == 0 && !scan.in_text && !self.is_array { Ok(()) } else { Err(JsonFault::Cut) };
            }
            let (used, is_over) = scan.advance(available);
            if self.buffer.len() + used > self.max_bytes {
                return Err(JsonFault::TooLong(self.max_bytes));
            }
            self.buffer.extend_from_slice(&available[..used]);
            self.peak = self.peak.max(self.buffer.len());
            self.consume(used);
            if is_over {
                return Ok(());
            }
        }
    }

    /// Skips a byte order mark, of which no byte begins JSON.
    fn skip_mark(&mut self) -> Result<(), JsonFault> {
        for expected in "\u{feff}".bytes() {
            if self.reader.fill_buf()?.first() != Some(&expected) {
                break;
            }
            self.consume(1);
        }
        Ok(())
    }

    /// The next byte that is not a space.
    fn peek_byte(&mut self) -> Result<Option<u8>, JsonFault> {
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(None);
            }
            if let Some(at) = available.iter().position(|byte| !byte.is_ascii_whitespace()) {
                let byte = available[at];
                self.consume(at);
                return Ok(Some(byte));
            }
            let all = available.len();
            self.consume(all);
        }
    }

    fn skip_byte(&mut self) {
        self.consume(1);
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        self.position += bytes as u64;
    }
}

impl ValueScan {
    /// How many of the bytes belong to the value, and whether it is over.
    fn advance(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            match self.step(*byte) {
                ScanStep::Inside => (),
                ScanStep::EndsWith => return (at + 1, true),
                ScanStep::EndedBefore => return (at, true),
            }
        }
        (bytes.len(), false)
    }

    fn step(&mut self, byte: u8) -> ScanStep {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_text = false;
                    return if self.depth == 0 { ScanStep::EndsWith } else { ScanStep::Inside };
                }
                _ => (),
            }
            return ScanStep::Inside;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth == 0 => return ScanStep::EndedBefore,
            b'}' | b']' => {
                self.depth -= 1;
                return if self.depth == 0 { ScanStep::EndsWith } else { ScanStep::Inside };
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 => return ScanStep::EndedBefore,
            _ => (),
        }
        ScanStep::Inside
    }
}

fn is_value_start(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn values(json: &str, chunk: usize) -> Result<Vec<String>, String> {
        let mut values = JsonValues::new(BufReader::with_capacity(chunk, json.as_bytes()));
        let mut found = Vec::new();
        while let Some(value) = values.next_value().map_err(|fault| fault.to_string())? {
            found.push(String::from_utf8_lossy(value).into_owned());
        }
        Ok(found)
    }

    #[test]
    fn values_are_found_at_every_split() {
        let cases: [(&str, &[&str]); 7] = [
            ("", &[]),
            (" [ ] ", &[]),
            (
                "[{\"a\":\"]}\\\"\"} , [1,2],3,null,\"x\\\\\"]",
                &["{\"a\":\"]}\\\"\"}", "[1,2]", "3", "null", "\"x\\\\\""],
            ),
            ("{\"a\":1}\n{\"b\":[{}]}\r\n\n", &["{\"a\":1}", "{\"b\":[{}]}"]),
            ("\u{feff}{}", &["{}"]),
            ("{}{}", &["{}", "{}"]),
            ("17", &["17"]),
        ];
        for (json, expected) in cases {
            for chunk in 1..=json.len().max(1) {
                assert_eq!(values(json, chunk).as_deref(), Ok(expected).map(|_| values(json, 99).unwrap()).as_deref());
                assert_eq!(values(json, chunk).unwrap(), expected, "{json} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_no_json_is_refused() {
        for json in ["[{}", "[{},", "[{\"a\":\"b]", "{\"a\":", "[", "[1"] {
            assert_eq!(values(json, 3), Err("it ends in the middle of a value; is it complete?".into()), "{json}");
        }
        for json in ["[{} {}]", "[{}] x", "<html>", "[,]"] {
            assert!(values(json, 3).is_err_and(|why| why.starts_with("it is not JSON at byte")), "{json}");
        }
    }

    #[test]
    fn no_more_is_held_than_the_longest_value() {
        let element = format!("{{\"text\":\"{}\"}}", "x".repeat(1000));
        let json = format!("[{}]", vec![element.as_str(); 5000].join(","));
        let mut all = JsonValues::new(BufReader::new(json.as_bytes()));
        let mut count = 0;
        while all.next_value().expect("JSON").is_some() {
            count += 1;
        }
        assert_eq!((count, all.peak()), (5000, element.len()));
        let mut short = JsonValues::new(BufReader::new(json.as_bytes())).with_max(100);
        assert_eq!(short.next_value().expect_err("too long").to_string(), "a conversation is longer than 0 MB");
    }
}
