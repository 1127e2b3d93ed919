//! The beginning and the end of an output of any length.

use std::collections::VecDeque;

use crate::secrets;

/// Keeps the first and the last bytes of an output, and counts the others.
#[derive(Debug)]
pub struct BoundedOutput {
    head_limit: usize,
    tail_limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total_bytes: usize,
}

impl BoundedOutput {
    /// Keeps this many bytes of the beginning and this many of the end.
    pub fn new(head_limit: usize, tail_limit: usize) -> Self {
        Self { head_limit, tail_limit, head: Vec::new(), tail: VecDeque::new(), total_bytes: 0 }
    }

    /// Keeps this many bytes in all, half of them from the end.
    pub fn with_both_ends(max_bytes: usize) -> Self {
        Self::new(max_bytes / 2, max_bytes - max_bytes / 2)
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.total_bytes += bytes.len();
        let room = self.head_limit.saturating_sub(self.head.len()).min(bytes.len());
        let (head, rest) = bytes.split_at(room);
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.tail_limit)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..over);
        self.tail.extend(rest);
    }

    /// How long the output was.
    pub fn total_bytes(&self) -> usize {
        self.total_bytes
    }

    /// How many bytes were dropped from the middle.
    pub fn bytes_left_out(&self) -> usize {
        self.total_bytes - self.head.len() - self.tail.len()
    }

    /// The bytes in memory, from the beginning and from the end.
    pub fn ends(&mut self) -> (&[u8], &[u8]) {
        (&self.head, self.tail.make_contiguous())
    }

    /// The bytes in memory, without a note of those that were dropped.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        bytes.extend(self.tail);
        bytes
    }

    /// The text that was kept, with a note of how much was left out, and without a key that was cut there.
    pub fn into_text(mut self) -> String {
        if self.bytes_left_out() == 0 {
            return String::from_utf8_lossy(&self.into_bytes()).into_owned();
        }
        let total_bytes = self.total_bytes;
        let (head, tail) = self.ends();
        let (head, tail) = (without_partial_end(head), without_partial_start(tail));
        let left_out = total_bytes - head.len() - tail.len();
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        let (head, tail) = (secrets::redact_cut_end(&head), secrets::redact_cut_start(&tail));
        format!("{head}\n[… {left_out} bytes left out …]\n{tail}")
    }
}

/// The bytes without a character whose rest was cut off.
fn without_partial_end(bytes: &[u8]) -> &[u8] {
    match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        Ok(_) | Err(_) => bytes,
    }
}

/// The bytes without the rest of a character whose beginning was cut off.
fn without_partial_start(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    &bytes[rest..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_keeps_both_ends_however_it_is_split() {
        for piece in [1, 3, 7, 1000] {
            let mut output = BoundedOutput::with_both_ends(10);
            for chunk in b"abcdefghijklmnopqrstuvwxyz".chunks(piece) {
                output.push(chunk);
                assert!(output.head.len() + output.tail.len() <= 10);
            }
            assert_eq!((output.total_bytes(), output.bytes_left_out()), (26, 16));
            assert_eq!(output.ends(), (&b"abcde"[..], &b"vwxyz"[..]));
            assert_eq!(output.into_text(), "abcde\n[… 16 bytes left out …]\nvwxyz");
        }
        let mut output = BoundedOutput::with_both_ends(10);
        output.push("ab日cd".as_bytes());
        assert_eq!(output.into_text(), "ab日cd");
    }

    #[test]
    fn a_cut_leaves_no_part_of_a_character() {
        for limit in 8..12 {
            let mut output = BoundedOutput::with_both_ends(limit);
            output.push("日本語のテキスト".as_bytes());
            let text = output.into_text();
            assert!(text.starts_with('日') && text.ends_with('ト') && !text.contains('\u{fffd}'), "{text}");
        }
        let mut binary = BoundedOutput::with_both_ends(8);
        binary.push(&[0x80; 40]);
        assert!(binary.into_text().contains('\u{fffd}'), "bytes that are no text are shown as such");
    }

    #[test]
    fn a_cut_leaves_no_part_of_a_key() {
        secrets::note_key(&"sk-bounded-output-0123456789".into(), "BOUNDED_KEY");
        let mut output = BoundedOutput::with_both_ends(58);
        output.push(b"the key is sk-bounded-output-");
        output.push(&[b'.'; 100]);
        output.push(b"output-0123456789, that is all");
        let text = output.into_text();
        assert!(text.starts_with("the key is …\n") && text.ends_with("\n…, that is all"), "{text}");
    }

    #[test]
    fn only_the_beginning_is_kept_if_there_is_no_room_for_an_end() {
        let mut output = BoundedOutput::new(4, 0);
        output.push(b"abc");
        output.push(b"defg");
        assert_eq!((output.bytes_left_out(), output.into_bytes()), (3, b"abcd".to_vec()));
    }
}
