//! Decodes a terminal's bytes into events, however the bytes are split.

mod background_reply;
mod csi;

use background_reply::{BackgroundReply, ReplyProgress};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::render::theme::ThemeShade;

const ESC: u8 = 0x1b;
/// The longest paste in one event, in bytes; a longer one is delivered in several.
const MAX_PASTE_BYTES: usize = 1 << 20;
/// The longest sequence that is waited for, in bytes. No key is longer, but a terminal's reply may be.
const MAX_SEQUENCE_LEN: usize = 4096;

/// Decodes the bytes that a terminal sends. Bytes that may begin a key wait for the rest.
#[derive(Debug, Default)]
pub struct InputDecoder {
    /// Bytes that are not decided yet.
    undecided: Vec<u8>,
    paste: Option<BracketedPaste>,
    reply: Option<BackgroundReply>,
    /// Bytes that were decoded as a key because nothing followed in time, but that may have begun a reply.
    flushed: Vec<u8>,
}

/// An event decoded from the terminal's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalInput {
    /// An event, and whether more bytes followed it in the same read.
    Input { event: Event, more: bool },
    /// The background, in reply to our query.
    Background(ThemeShade),
    /// The terminal's colours have changed.
    ColoursChanged,
}

/// The kind of undecided bytes, which determines how long they may wait for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndecidedInput {
    Nothing,
    /// One ESC: the Esc key, or the beginning of another key.
    Escape,
    /// Certainly part of something longer.
    Partial,
    /// A paste or reply that has not ended.
    Unterminated,
}

/// The text received so far of a bracketed paste.
#[derive(Debug, Default)]
struct BracketedPaste {
    bytes: Vec<u8>,
    /// Some text was delivered after a silence: the end mark may be lost.
    is_stalled: bool,
}

/// What the first bytes of some input are.
#[derive(Debug, PartialEq)]
enum DecodeStep {
    /// A key, with its length in bytes.
    Key(Event, usize),
    /// A number of bytes to ignore.
    Skip(usize),
    /// The mark before pasted text, with its length.
    Paste(usize),
    /// The beginning of the reply about the background, with its length.
    ReplyStart(usize),
    ColoursChanged(usize),
    /// Undecided until more bytes arrive.
    Incomplete,
}

impl InputDecoder {
    /// Decodes the bytes of one read.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<TerminalInput> {
        if self.lost_paste_end(bytes) {
            self.paste = None;
        }
        let cut = std::mem::take(&mut self.flushed);
        let joined = [&cut, bytes].concat();
        if !cut.is_empty() && joined.starts_with(background_reply::REPLY_PREFIX) {
            self.undecided = joined;
        } else {
            self.undecided.extend_from_slice(bytes);
        }
        self.decode(false)
    }

    /// Decodes the undecided bytes on their own, because no more arrived in time.
    pub fn flush(&mut self) -> Vec<TerminalInput> {
        if self.paste.is_some() {
            return self.flush_paste();
        }
        self.reply = None;
        if background_reply::REPLY_PREFIX.starts_with(&self.undecided) {
            self.flushed.clone_from(&self.undecided);
        }
        self.decode(true)
    }

    /// Returns the kind of the undecided bytes, which determines how long to wait before `flush`.
    pub fn undecided_input(&self) -> UndecidedInput {
        match (&self.paste, self.undecided.as_slice()) {
            (Some(paste), _) if paste.is_stalled => UndecidedInput::Nothing,
            (Some(_), _) => UndecidedInput::Unterminated,
            (None, _) if self.reply.is_some() => UndecidedInput::Unterminated,
            (None, []) => UndecidedInput::Nothing,
            (None, [ESC]) => UndecidedInput::Escape,
            (None, _) => UndecidedInput::Partial,
        }
    }

    fn decode(&mut self, is_final: bool) -> Vec<TerminalInput> {
        let bytes = std::mem::take(&mut self.undecided);
        let mut events = Vec::new();
        let mut position = 0;
        while position < bytes.len() {
            let rest = &bytes[position..];
            if let Some(paste) = &mut self.paste {
                let (used, text, over) = paste.take(rest);
                position += used;
                if over {
                    self.paste = None;
                }
                events.extend(
                    text.map(|text| TerminalInput::Input { event: Event::Paste(text), more: position < bytes.len() }),
                );
                continue;
            }
            if let Some(answer) = &mut self.reply {
                match answer.take(rest) {
                    ReplyProgress::Continues(used) => {
                        self.undecided = rest[used..].to_vec();
                        break;
                    }
                    ReplyProgress::Done(used, shade) => {
                        position += used;
                        self.reply = None;
                        events.extend(shade.map(TerminalInput::Background));
                    }
                }
                continue;
            }
            match decode_first(rest, is_final) {
                DecodeStep::Key(event, used) => {
                    position += used;
                    events.push(TerminalInput::Input { event, more: position < bytes.len() });
                }
                DecodeStep::Skip(used) => position += used,
                DecodeStep::Paste(used) => {
                    position += used;
                    self.paste = Some(BracketedPaste::default());
                }
                DecodeStep::ReplyStart(used) => {
                    position += used;
                    self.reply = Some(BackgroundReply::default());
                }
                DecodeStep::ColoursChanged(used) => {
                    position += used;
                    events.push(TerminalInput::ColoursChanged);
                }
                DecodeStep::Incomplete => {
                    self.undecided = rest.to_vec();
                    break;
                }
            }
        }
        events
    }

    /// Delivers the text pasted so far, and stays in the paste so that its newlines do not send anything.
    fn flush_paste(&mut self) -> Vec<TerminalInput> {
        let Some(paste) = &mut self.paste else { return Vec::new() };
        paste.is_stalled = true;
        let cut = safe_cut(&paste.bytes);
        let text = pasted_text(&paste.bytes[..cut]);
        paste.bytes.drain(..cut);
        if text.is_empty() { Vec::new() } else { vec![TerminalInput::Input { event: Event::Paste(text), more: false }] }
    }

    /// Whether the end mark of a paste was lost: a lone `Esc` or `^C` after a silence comes from a user who wonders why
    /// no key works.
    fn lost_paste_end(&self, bytes: &[u8]) -> bool {
        self.paste.as_ref().is_some_and(|paste| paste.is_stalled) && matches!(bytes, [ESC | b'\x03'])
    }
}

impl BracketedPaste {
    /// Takes bytes up to the end mark; returns how many, any text to deliver, and whether the paste is over.
    fn take(&mut self, bytes: &[u8]) -> (usize, Option<String>, bool) {
        const END: &[u8] = b"\x1b[201~";
        let before = self.bytes.len();
        self.is_stalled = false;
        self.bytes.extend_from_slice(bytes);
        let search_start = before.saturating_sub(END.len() - 1);
        if let Some(found) = memchr::memmem::find(&self.bytes[search_start..], END) {
            let end = search_start + found;
            let text = pasted_text(&self.bytes[..end]);
            return (end + END.len() - before, Some(text), true);
        }
        if self.bytes.len() < MAX_PASTE_BYTES {
            return (bytes.len(), None, false);
        }
        let cut = safe_cut(&self.bytes);
        let text = pasted_text(&self.bytes[..cut]);
        self.bytes.drain(..cut);
        (bytes.len(), Some(text), false)
    }
}

/// Returns where pasted bytes can be cut: not within a character, a line ending or the end mark.
fn safe_cut(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(6);
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

/// Decodes the first key or sequence; `last` means that no more bytes will follow soon.
fn decode_first(bytes: &[u8], is_final: bool) -> DecodeStep {
    match bytes {
        [] => DecodeStep::Incomplete,
        [ESC, rest @ ..] => decode_escape(rest, is_final),
        _ => decode_plain(bytes, is_final),
    }
}

fn decode_escape(rest: &[u8], is_final: bool) -> DecodeStep {
    match rest {
        [] if is_final => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        [] => DecodeStep::Incomplete,
        // Some terminals put an extra ESC before a complete key for Alt.
        [ESC, b'[' | b'O', ..] => match decode_first(rest, is_final) {
            DecodeStep::Key(event, used) if used > 2 => DecodeStep::Key(with_alt(event), used + 1),
            DecodeStep::Incomplete => DecodeStep::Incomplete,
            DecodeStep::Key(..)
            | DecodeStep::Skip(_)
            | DecodeStep::Paste(_)
            | DecodeStep::ReplyStart(_)
            | DecodeStep::ColoursChanged(_) => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        },
        [ESC] if !is_final => DecodeStep::Incomplete,
        [ESC, ..] => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        [b'[', ..] if rest.len() > 1 => csi::decode_csi(rest, is_final),
        [b'O', code, ..] => match csi::application_key(*code) {
            Some(code) => DecodeStep::Key(plain_key(code), 3),
            None => decode_alt(rest, is_final),
        },
        [b'[' | b'O' | b']' | b'P'] if !is_final => DecodeStep::Incomplete,
        [b']', b'1', b'1', b';', ..] => DecodeStep::ReplyStart(background_reply::REPLY_PREFIX.len()),
        [b']', b'0'..=b'9', ..] | [b'P', b'0'..=b'9' | b'>' | b'!', ..] => skip_reply(rest, is_final),
        _ => decode_alt(rest, is_final),
    }
}

/// Skips a reply of the terminal to a query that we did not send, up to its end mark.
fn skip_reply(rest: &[u8], is_final: bool) -> DecodeStep {
    let end = rest.iter().position(|&byte| byte == 0x07).map(|at| at + 1);
    let string_end = memchr::memmem::find(rest, b"\x1b\\").map(|at| at + 2);
    match (end, string_end) {
        (Some(a), Some(b)) => DecodeStep::Skip(a.min(b) + 1),
        (Some(at), None) | (None, Some(at)) => DecodeStep::Skip(at + 1),
        (None, None) if is_final || rest.len() > MAX_SEQUENCE_LEN => DecodeStep::Skip(rest.len() + 1),
        (None, None) => DecodeStep::Incomplete,
    }
}

fn decode_alt(rest: &[u8], is_final: bool) -> DecodeStep {
    match decode_plain(rest, is_final) {
        DecodeStep::Key(event, used) => DecodeStep::Key(with_alt(event), used + 1),
        DecodeStep::Skip(used) => DecodeStep::Skip(used + 1),
        DecodeStep::Paste(_) | DecodeStep::ReplyStart(_) | DecodeStep::ColoursChanged(_) | DecodeStep::Incomplete => {
            DecodeStep::Incomplete
        }
    }
}

fn with_alt(event: Event) -> Event {
    match event {
        Event::Key(mut key) => {
            key.modifiers |= KeyModifiers::ALT;
            Event::Key(key)
        }
        other => other,
    }
}

/// Decodes a key that is one character.
fn decode_plain(bytes: &[u8], is_final: bool) -> DecodeStep {
    let control = |letter: u8| ctrl_key(char::from(letter));
    let event = match bytes[0] {
        b'\r' => plain_key(KeyCode::Enter),
        b'\t' => plain_key(KeyCode::Tab),
        0x7f => plain_key(KeyCode::Backspace),
        0 => ctrl_key(' '),
        code @ 0x01..=0x1a => control(code - 1 + b'a'),
        code @ 0x1c..=0x1f => control(code + 0x40),
        _ => return decode_char(bytes, is_final),
    };
    DecodeStep::Key(event, 1)
}

fn decode_char(bytes: &[u8], is_final: bool) -> DecodeStep {
    let Some(width) = utf8_len(bytes[0]) else { return DecodeStep::Skip(1) };
    let head = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(head) {
        Ok(text) => text.chars().next().map_or(DecodeStep::Skip(1), |c| DecodeStep::Key(typed_char(c), width)),
        Err(error) if error.error_len().is_none() && !is_final => DecodeStep::Incomplete,
        Err(_) => DecodeStep::Skip(1),
    }
}

fn utf8_len(first: u8) -> Option<usize> {
    match first {
        0x20..=0x7e => Some(1),
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

/// Returns the event of a typed character; a capital letter carries Shift.
fn typed_char(c: char) -> Event {
    let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
}

fn plain_key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn ctrl_key(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
}

#[cfg(test)]
mod tests;
