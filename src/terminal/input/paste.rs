//! Pasted text between its marks, of which the end mark may be late or lost.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode};

use super::{DecodeEnd, DecodeStep, ESC, InputRead, decode_first, plain_key, utf8_len};

/// The longest paste in one event, in bytes; a longer one is delivered in several.
pub(crate) const MAX_PASTE_BYTES: usize = 1 << 20;
/// How long after its last byte the text of a paste is shown, although its end mark has not come.
const SHOW_TIMEOUT: Duration = Duration::from_millis(150);
/// How long after its last byte the end mark counts as lost.
const LOST_TIMEOUT: Duration = Duration::from_millis(900);
/// How long a lone ESC in a paste may take to become the end mark, before it is the Esc key.
const ESCAPE_TIMEOUT: Duration = Duration::from_millis(250);
const END_MARK: &[u8] = b"\x1b[201~";

/// The text received so far of a bracketed paste.
#[derive(Debug)]
pub(crate) struct BracketedPaste {
    /// What has not been delivered.
    bytes: Vec<u8>,
    /// When the last bytes came that nobody typed.
    last_at: Instant,
    /// Some text was delivered after a silence: the end mark may be lost.
    is_stalled: bool,
    /// When the last of the bytes came alone in its read: it may be a key.
    alone_at: Option<Instant>,
    /// The end mark counts as lost: reads are keys again, but a line that ends in a longer read sends nothing.
    pub(super) is_lost: bool,
}

impl BracketedPaste {
    pub(super) fn begin(now: Instant) -> Self {
        Self { bytes: Vec::new(), last_at: now, is_stalled: false, alone_at: None, is_lost: false }
    }

    /// Whether the end mark counts as lost by now.
    pub(super) fn is_lost(&mut self, now: Instant) -> bool {
        self.is_lost |= self.bytes.is_empty() && now.saturating_duration_since(self.last_at) >= LOST_TIMEOUT;
        self.is_lost
    }

    /// Returns when to deliver the text, or to decide about the bytes that may be a key.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if safe_cut(&self.bytes) > 0 {
            return Some(self.last_at + SHOW_TIMEOUT);
        }
        match (self.bytes.as_slice(), self.alone_at) {
            ([], _) => None,
            ([ESC], Some(at)) => Some(at + ESCAPE_TIMEOUT),
            _ => Some(self.last_at + LOST_TIMEOUT),
        }
    }

    /// Takes bytes up to the end mark; returns how many, any text to deliver, and whether the paste is over.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) -> (usize, Option<String>, bool) {
        let before = self.bytes.len();
        (self.is_stalled, self.last_at, self.alone_at) = (false, now, None);
        self.bytes.extend_from_slice(bytes);
        let search_start = before.saturating_sub(END_MARK.len() - 1);
        if let Some(found) = memchr::memmem::find(&self.bytes[search_start..], END_MARK) {
            let end = search_start + found;
            let text = pasted_text(&self.bytes[..end]);
            return (end + END_MARK.len() - before, Some(text), true);
        }
        if self.bytes.len() < MAX_PASTE_BYTES {
            return (bytes.len(), None, false);
        }
        (bytes.len(), self.take_text(), false)
    }

    /// Returns the key that a read is for certain, after a silence: a user wonders why no key works.
    pub(super) fn key_in(&self, read: InputRead<'_>) -> Option<Event> {
        if !self.is_stalled || !read.is_apart || !self.bytes.is_empty() {
            return None;
        }
        match read.bytes {
            [ESC | b'\t' | b'\r' | b'\n'] => None,
            [0..=0x1f | 0x7f] | [ESC, _, ..] => match decode_first(read.bytes, DecodeEnd::Open) {
                DecodeStep::Key(event, used) if used == read.bytes.len() => Some(event),
                _ => None,
            },
            _ => None,
        }
    }

    /// Keeps a read that may be a key; returns whether it is one.
    pub(super) fn holds(&mut self, read: InputRead<'_>, now: Instant) -> bool {
        let may_be_key = match read.bytes {
            _ if !read.is_apart => false,
            [b'\r'] => true,
            [ESC] => self.is_stalled,
            _ => self.is_stalled && read.is_typed_char(),
        };
        // With bytes of an end mark before it, it continues them.
        if !may_be_key || self.bytes.contains(&ESC) {
            return false;
        }
        self.bytes.extend_from_slice(read.bytes);
        self.alone_at = Some(now);
        true
    }

    /// Returns the text up to a typed character, which is shown at once.
    pub(super) fn take_typed_text(&mut self, read: InputRead<'_>) -> Option<String> {
        if read.is_typed_char() { self.take_text() } else { None }
    }

    /// Returns the text so far, up to where it can be cut.
    pub(super) fn take_text(&mut self) -> Option<String> {
        let text = self.bytes.drain(..safe_cut(&self.bytes)).collect::<Vec<u8>>();
        self.is_stalled = true;
        (!text.is_empty()).then(|| pasted_text(&text))
    }

    /// Returns the key that the rest is, if it has waited long enough.
    pub(super) fn take_held_key(&mut self, now: Instant) -> Option<Event> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        let is_alone = self.alone_at.take().is_some();
        self.is_lost = now.saturating_duration_since(self.last_at) >= LOST_TIMEOUT;
        match std::mem::take(&mut self.bytes).as_slice() {
            [ESC] if is_alone => Some(plain_key(KeyCode::Esc)),
            [b'\r'] if is_alone => Some(plain_key(KeyCode::Enter)),
            [b'\r'] => Some(Event::Paste("\n".into())),
            _ => None, // Part of a mark or of a character.
        }
    }
}

/// Takes text behind a paste whose end mark was lost, from a read of `read_len` bytes: a longer run is text, and its
/// line ends are newlines. A character that came alone is a key.
pub(crate) fn typed_run(bytes: &[u8], read_len: usize) -> (usize, Option<String>, bool) {
    let is_text = |byte: &u8| (*byte >= b' ' && *byte != 0x7f) || b"\t\r\n".contains(byte);
    let run = bytes.iter().position(|byte| !is_text(byte)).unwrap_or(bytes.len());
    let run = run - incomplete_char_len(&bytes[..run]);
    let is_one_key = run == read_len && (run == 1 || utf8_len(bytes[0]) == Some(run));
    if run == 0 || is_one_key {
        return (0, None, false);
    }
    (run, Some(pasted_text(&bytes[..run])), false)
}

/// Returns where pasted bytes can be cut: not within a character, a line ending or the end mark.
fn safe_cut(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(END_MARK.len());
    let escape_index = bytes[tail..].iter().position(|&byte| byte == ESC).map_or(bytes.len(), |at| tail + at);
    let complete_end = escape_index - incomplete_char_len(&bytes[..escape_index]);
    complete_end - usize::from(bytes[..complete_end].ends_with(b"\r"))
}

/// Returns the number of bytes at the end that are an incomplete character.
fn incomplete_char_len(bytes: &[u8]) -> usize {
    let begins = |n: &usize| utf8_len(bytes[bytes.len() - n]).is_some_and(|width| width > *n);
    (1..=bytes.len().min(3)).find(begins).unwrap_or(0)
}

/// Converts pasted bytes to text; terminals send a carriage return at the end of each line.
fn pasted_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n")
}
