//! Decodes a terminal's bytes into events, however the bytes are split and whatever is lost of them.
//!
//! The decoder has no clock: each call says when it happens, and `deadline` says when the next `flush` is due.

mod csi;
mod late_reports;
mod layouts;
mod paste;
mod string_reply;

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::render::theme::ThemeShade;
use late_reports::{FlushedBytes, LATE_KEY, can_continue, is_begun_report};
use paste::BracketedPaste;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// The longest sequence that is waited for, in bytes. No key is longer, but a terminal's reply may be.
const MAX_SEQUENCE_LEN: usize = 4096;

/// How long a lone ESC may take to become something longer, before it is the Esc key.
pub const ESCAPE_TIMEOUT: Duration = Duration::from_millis(50);
/// The same while the terminal is likely to be sending reports, which may have been cut in two.
const ESCAPE_AMONG_REPORTS: Duration = Duration::from_millis(230);
/// How long the terminal is expected to send reports after the last one, or to answer a query.
const REPORT_WINDOW: Duration = Duration::from_millis(250);
/// How long a sequence that has begun may take to continue.
const SEQUENCE_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a line end may take to become CR LF.
const LINE_END_TIMEOUT: Duration = Duration::from_millis(10);
/// The shortest silence between two keys that a hand presses. A key that is held down repeats no faster.
const MIN_KEY_GAP: Duration = Duration::from_millis(25);

/// Decodes the bytes that a terminal sends. Bytes that may begin a key wait for the rest.
#[derive(Debug)]
pub struct InputDecoder {
    /// Bytes that are not decided yet.
    undecided: Vec<u8>,
    /// Where the bytes begin that came one character at a time behind the undecided ones: if the sequence is never
    /// finished, they were typed.
    typed_from: Option<usize>,
    /// When the undecided bytes are decoded as they are.
    deadline: Option<Instant>,
    paste: Option<BracketedPaste>,
    /// Bytes that were decoded because nothing followed in time, but that may have begun something longer.
    flushed: Option<FlushedBytes>,
    last_byte_at: Option<Instant>,
    /// When a carriage return ended a read: a line feed right behind it is part of the same line end.
    line_end_at: Option<Instant>,
    last_mouse_at: Option<Instant>,
    /// The queries that the terminal has not answered, and when the last one was sent.
    open_queries: u32,
    last_query_at: Option<Instant>,
    /// The terminal has confirmed that it reports the Esc key as a sequence: a lone ESC is never the key.
    has_escape_sequence: bool,
    escape_timeout: Duration,
}

/// An event decoded from the terminal's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalInput {
    /// An event, and whether more bytes came with it in the same read.
    Input { event: Event, more: bool },
    /// The background, in reply to our query.
    Background(ThemeShade),
    /// The terminal's colours have changed.
    ColoursChanged,
}

/// Whether more bytes may follow those that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecodeEnd {
    Open,
    /// None arrived in time.
    Final,
}

/// What the first bytes of some input are.
#[derive(Debug, PartialEq)]
enum DecodeStep {
    /// A key, with its length in bytes.
    Key(Event, usize),
    /// A number of bytes to ignore.
    Skip(usize),
    /// The mark before pasted text, with its length.
    PasteStart(usize),
    /// The mark behind pasted text, with its length.
    PasteEnd(usize),
    /// The reply about the background, with its length; no shade if it names no colour.
    Background(Option<ThemeShade>, usize),
    /// The reply about the keyboard protocol, with its length.
    KeyboardFlags(u32, usize),
    ColoursChanged(usize),
    /// Undecided until more bytes arrive.
    Incomplete,
}

impl Default for InputDecoder {
    fn default() -> Self {
        Self::new(ESCAPE_TIMEOUT)
    }
}

impl InputDecoder {
    /// Creates a decoder; `escape_timeout` is how long a lone ESC may take to become something longer.
    pub fn new(escape_timeout: Duration) -> Self {
        Self {
            undecided: Vec::new(),
            typed_from: None,
            deadline: None,
            paste: None,
            flushed: None,
            last_byte_at: None,
            line_end_at: None,
            last_mouse_at: None,
            open_queries: 0,
            last_query_at: None,
            has_escape_sequence: false,
            escape_timeout,
        }
    }

    /// Decodes the bytes of one read.
    pub fn push(&mut self, bytes: &[u8], now: Instant) -> Vec<TerminalInput> {
        let is_rest_of_line_end = bytes.first() == Some(&b'\n')
            && self.line_end_at.take().is_some_and(|at| now.saturating_duration_since(at) <= LINE_END_TIMEOUT);
        let bytes = if is_rest_of_line_end { &bytes[1..] } else { bytes };
        self.line_end_at = None;
        if bytes.is_empty() {
            return Vec::new();
        }
        let gap = self.last_byte_at.replace(now).map_or(Duration::MAX, |last| now.saturating_duration_since(last));
        let read = InputRead { bytes, is_apart: gap >= MIN_KEY_GAP };
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        let mut events = if is_late || self.is_interrupted_by(read, gap) { self.flush(now) } else { Vec::new() };
        let is_pasting = self.paste.as_mut().is_some_and(|paste| !paste.is_lost(now));
        events.extend(if is_pasting { self.push_into_paste(read, now) } else { self.push_keys(read, now) });
        events
    }

    /// Decodes the undecided bytes on their own, because no more arrived in time.
    pub fn flush(&mut self, now: Instant) -> Vec<TerminalInput> {
        self.deadline = None;
        if self.paste.as_ref().is_some_and(|paste| !paste.is_lost) {
            return self.flush_paste(now);
        }
        let typed = self.typed_from.take().map_or_else(Vec::new, |begins| self.undecided.split_off(begins));
        if is_begun_report(&self.undecided) {
            self.flushed = Some(FlushedBytes { bytes: self.undecided.clone(), at: now });
        }
        let mut events = self.decode(now, DecodeEnd::Final);
        self.undecided = typed;
        events.extend(self.decode(now, DecodeEnd::Final));
        events
    }

    /// Returns when `flush` is due, if nothing arrives before.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Records that a query was sent to the terminal: its reply may be cut in two.
    pub fn on_query_sent(&mut self, now: Instant) {
        self.open_queries += 1;
        self.last_query_at = Some(now);
    }

    /// Forgets what is known about the terminal, because another program has used it, or it is another one by now.
    pub fn on_terminal_retaken(&mut self) {
        self.has_escape_sequence = false;
        self.open_queries = 0;
    }

    /// Decodes a read that does not belong to a paste.
    fn push_keys(&mut self, read: InputRead<'_>, now: Instant) -> Vec<TerminalInput> {
        if let Some(flushed) = self.flushed.take()
            && self.undecided.is_empty()
            && flushed.is_continued_by(read.bytes, now)
        {
            self.undecided = flushed.bytes;
        }
        let deadline = self.deadline.take();
        if self.undecided.is_empty() || !read.is_typed_char() {
            self.typed_from = None;
        } else {
            self.typed_from.get_or_insert(self.undecided.len());
        }
        self.undecided.extend_from_slice(read.bytes);
        let length = self.undecided.len();
        let events = self.decode(now, DecodeEnd::Open);
        if self.undecided.len() < length {
            self.typed_from = None; // What is left begins another sequence.
        }
        self.deadline = self.next_deadline(now, deadline.filter(|_| self.typed_from.is_some()));
        events
    }

    /// Whether a read cannot belong to the undecided bytes, which are therefore all that will come.
    fn is_interrupted_by(&self, read: InputRead<'_>, gap: Duration) -> bool {
        let first = read.bytes[0];
        let begins_key = (first < b' ' && first != BEL) || first == 0x7f;
        let ends_string = matches!(read.bytes, [ESC] | [ESC, b'\\', ..]);
        match self.undecided.as_slice() {
            [] => false,
            [ESC] => gap >= self.escape_timeout && !b"[O]P_^X\\".contains(&first),
            [b'\r'] => begins_key && !matches!(first, b'\t' | b'\n' | b'\r'),
            undecided => {
                (self.typed_from.is_some() && begins_key && !ends_string)
                    || (read.is_apart && !begins_key && !can_continue(undecided, first))
            }
        }
    }

    fn next_deadline(&self, now: Instant, kept: Option<Instant>) -> Option<Instant> {
        match (&self.paste, self.undecided.as_slice()) {
            (Some(paste), _) if !paste.is_lost => paste.deadline(),
            (_, []) => None,
            (_, [ESC] | [ESC, ESC]) => Some(now + self.escape_wait(now)),
            (_, [b'\r']) => Some(now + LINE_END_TIMEOUT),
            _ => Some(kept.unwrap_or(now + SEQUENCE_TIMEOUT)),
        }
    }

    /// How long a lone ESC may wait for the rest of a key or a report.
    fn escape_wait(&self, now: Instant) -> Duration {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) <= REPORT_WINDOW);
        if self.has_escape_sequence {
            LATE_KEY // It is the head of something longer, or nothing.
        } else if is_recent(self.last_mouse_at) || (self.open_queries > 0 && is_recent(self.last_query_at)) {
            ESCAPE_AMONG_REPORTS.max(self.escape_timeout)
        } else {
            self.escape_timeout
        }
    }

    fn decode(&mut self, now: Instant, end: DecodeEnd) -> Vec<TerminalInput> {
        let bytes = std::mem::take(&mut self.undecided);
        let mut events = Vec::new();
        let mut position = 0;
        while position < bytes.len() {
            let rest = &bytes[position..];
            if let Some(paste) = &mut self.paste {
                let (used, text, is_over) =
                    if paste.is_lost { paste::typed_run(rest, bytes.len()) } else { paste.take(rest, now) };
                position += used;
                if paste.is_lost && position == bytes.len() && bytes.ends_with(b"\r") {
                    self.line_end_at = Some(now);
                }
                if is_over {
                    self.paste = None;
                }
                let more = position < bytes.len();
                events.extend(text.map(|text| TerminalInput::Input { event: Event::Paste(text), more }));
                if used > 0 {
                    continue;
                }
            }
            if let [b'\r'] = rest
                && end == DecodeEnd::Open
            {
                if bytes.len() > 1 {
                    self.undecided = rest.to_vec();
                    break;
                }
                self.line_end_at = Some(now);
            }
            let mut step = decode_first(rest, end);
            if self.has_escape_sequence && rest[0] == ESC && matches!(step, DecodeStep::Key(_, 1)) {
                step = DecodeStep::Skip(1); // The Esc key comes as a sequence.
            }
            if step == DecodeStep::Incomplete {
                self.undecided = rest.to_vec();
                break;
            }
            position += step.len();
            let is_line_end = rest.starts_with(b"\r\n");
            // What the terminal reports of itself behind a key is not typed: it makes no paste of it.
            let has_more = if rest[0] == b'\r' { has_typed(&bytes[position..]) } else { position < bytes.len() };
            let more = is_line_end || has_more;
            events.extend(self.on_step(step, more, now));
        }
        events
    }

    fn on_step(&mut self, step: DecodeStep, more: bool, now: Instant) -> Option<TerminalInput> {
        match step {
            DecodeStep::Key(event, _) => {
                if matches!(event, Event::Mouse(_)) {
                    self.last_mouse_at = Some(now);
                }
                Some(TerminalInput::Input { event, more })
            }
            DecodeStep::PasteStart(_) => {
                self.paste = Some(BracketedPaste::begin(now));
                None
            }
            DecodeStep::PasteEnd(_) => {
                self.paste = None;
                None
            }
            DecodeStep::Background(shade, _) => {
                self.open_queries = self.open_queries.saturating_sub(1);
                shade.map(TerminalInput::Background)
            }
            DecodeStep::KeyboardFlags(flags, _) => {
                self.open_queries = self.open_queries.saturating_sub(1);
                self.has_escape_sequence = flags & 1 != 0;
                None
            }
            DecodeStep::ColoursChanged(_) => Some(TerminalInput::ColoursChanged),
            DecodeStep::Skip(_) | DecodeStep::Incomplete => None,
        }
    }

    /// Decodes a read while a paste has not ended.
    fn push_into_paste(&mut self, read: InputRead<'_>, now: Instant) -> Vec<TerminalInput> {
        let mut events = Vec::new();
        let Some(paste) = &mut self.paste else { return events };
        match paste.key_in(read) {
            Some(event) => {
                let text = paste.take_text();
                if read.bytes == [0x03] {
                    self.paste = None;
                }
                events.extend(text.map(pasted));
                events.push(TerminalInput::Input { event, more: false });
            }
            None if paste.holds(read, now) => events.extend(paste.take_typed_text(read).map(pasted)),
            None => {
                self.undecided = read.bytes.to_vec();
                events = self.decode(now, DecodeEnd::Open);
            }
        }
        self.deadline = self.next_deadline(now, None);
        events
    }

    /// Delivers the text pasted so far, and stays in the paste so that its newlines do not send anything. Once the end
    /// mark counts as lost, a lone Enter or Esc is that key.
    fn flush_paste(&mut self, now: Instant) -> Vec<TerminalInput> {
        let Some(paste) = &mut self.paste else { return Vec::new() };
        let mut events: Vec<TerminalInput> = paste.take_text().map(pasted).into_iter().collect();
        let has_escape_sequence = self.has_escape_sequence;
        let is_lone_byte = |key: &Event| has_escape_sequence && *key == plain_key(KeyCode::Esc);
        if let Some(key) = paste.take_held_key(now).filter(|key| !is_lone_byte(key)) {
            let is_escape = key == plain_key(KeyCode::Esc);
            events.push(TerminalInput::Input { event: key, more: false });
            if is_escape {
                self.paste = None;
            }
        }
        self.deadline = self.next_deadline(now, None);
        events
    }
}

/// The bytes of one read.
#[derive(Debug, Clone, Copy)]
struct InputRead<'a> {
    bytes: &'a [u8],
    /// They came so long after the last ones that a hand may have typed them.
    is_apart: bool,
}

impl InputRead<'_> {
    /// Whether a hand may have typed this one character.
    fn is_typed_char(self) -> bool {
        let first = self.bytes[0];
        self.is_apart && first != 0x7f && utf8_len(first) == Some(self.bytes.len())
    }
}

fn pasted(text: String) -> TerminalInput {
    TerminalInput::Input { event: Event::Paste(text), more: false }
}

impl DecodeStep {
    /// The length in bytes.
    fn len(&self) -> usize {
        match self {
            Self::Key(_, used)
            | Self::Skip(used)
            | Self::PasteStart(used)
            | Self::PasteEnd(used)
            | Self::Background(_, used)
            | Self::KeyboardFlags(_, used)
            | Self::ColoursChanged(used) => *used,
            Self::Incomplete => 0,
        }
    }
}

/// Whether a key comes before the end, or before a paste with its mark; reports of the terminal are no keys.
fn has_typed(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match decode_first(bytes, DecodeEnd::Open) {
            DecodeStep::Key(Event::Key(_) | Event::Paste(_), _) => return true,
            DecodeStep::PasteStart(_) | DecodeStep::Incomplete => return false,
            step => bytes = &bytes[step.len()..],
        }
    }
    false
}

/// Decodes the first key or sequence.
fn decode_first(bytes: &[u8], end: DecodeEnd) -> DecodeStep {
    match bytes {
        [] => DecodeStep::Incomplete,
        [ESC, rest @ ..] => decode_escape(rest, end),
        _ => decode_plain(bytes, end),
    }
}

fn decode_escape(rest: &[u8], end: DecodeEnd) -> DecodeStep {
    let is_open = end == DecodeEnd::Open;
    match rest {
        [] if is_open => DecodeStep::Incomplete,
        [] => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        // Some terminals put an extra ESC before a complete key for Alt.
        [ESC, b'[' | b'O', ..] => match decode_first(rest, end) {
            DecodeStep::Key(Event::Key(key), used) if used > 2 => DecodeStep::Key(with_alt(Event::Key(key)), used + 1),
            DecodeStep::Incomplete => DecodeStep::Incomplete,
            DecodeStep::Key(..)
            | DecodeStep::Skip(_)
            | DecodeStep::PasteStart(_)
            | DecodeStep::PasteEnd(_)
            | DecodeStep::Background(..)
            | DecodeStep::KeyboardFlags(..)
            | DecodeStep::ColoursChanged(_) => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        },
        [ESC] if is_open => DecodeStep::Incomplete,
        [ESC, ..] => DecodeStep::Key(plain_key(KeyCode::Esc), 1),
        [b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X'] if is_open => DecodeStep::Incomplete,
        [b'[', _, ..] => csi::decode_csi(rest, end),
        [b'O', _, ..] => csi::decode_ss3(rest, end),
        [b']' | b'P' | b'_' | b'^' | b'X', ..] => {
            string_reply::decode_string(rest, end).unwrap_or_else(|| decode_alt(rest, end))
        }
        _ => decode_alt(rest, end),
    }
}

fn decode_alt(rest: &[u8], end: DecodeEnd) -> DecodeStep {
    match decode_plain(rest, end) {
        DecodeStep::Key(event, used) => DecodeStep::Key(layouts::on_us_layout(with_alt(event)), used + 1),
        DecodeStep::Skip(used) => DecodeStep::Skip(used + 1),
        DecodeStep::PasteStart(_)
        | DecodeStep::PasteEnd(_)
        | DecodeStep::Background(..)
        | DecodeStep::KeyboardFlags(..)
        | DecodeStep::ColoursChanged(_)
        | DecodeStep::Incomplete => DecodeStep::Incomplete,
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
fn decode_plain(bytes: &[u8], end: DecodeEnd) -> DecodeStep {
    let control = |letter: u8| ctrl_key(char::from(letter));
    let event = match bytes[0] {
        b'\r' if bytes.get(1) == Some(&b'\n') => return DecodeStep::Key(plain_key(KeyCode::Enter), 2),
        b'\r' => plain_key(KeyCode::Enter),
        b'\t' => plain_key(KeyCode::Tab),
        0x7f => plain_key(KeyCode::Backspace),
        0 => ctrl_key(' '),
        code @ 0x01..=0x1a => control(code - 1 + b'a'),
        code @ 0x1c..=0x1f => control(code + 0x40),
        _ => return decode_char(bytes, end),
    };
    DecodeStep::Key(event, 1)
}

fn decode_char(bytes: &[u8], end: DecodeEnd) -> DecodeStep {
    let Some(width) = utf8_len(bytes[0]) else { return DecodeStep::Skip(1) };
    let head = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(head).map(|text| text.chars().next()) {
        Ok(Some(c)) if !c.is_control() => DecodeStep::Key(typed_char(c), width),
        Ok(_) => DecodeStep::Skip(width),
        Err(error) if error.error_len().is_none() && end == DecodeEnd::Open => DecodeStep::Incomplete,
        Err(_) => DecodeStep::Skip(1),
    }
}

fn utf8_len(first: u8) -> Option<usize> {
    match first {
        0x20..=0x7f => Some(1),
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
