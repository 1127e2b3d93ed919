//! Bytes of a terminal to events, across any split of the bytes.

mod background;
mod csi;

use background::{Answer, Took};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::widgets::theme::Shade;

const ESC: u8 = 0x1b;
/// A longer paste comes as several.
const PASTE_LIMIT: usize = 1 << 20;
/// No key is longer; a terminal's answer to somebody's question may be.
const SEQUENCE_LIMIT: usize = 4096;

/// Turns what a terminal sends into events. What may be the beginning of a key waits for the rest.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Undecided bytes.
    held: Vec<u8>,
    paste: Option<Paste>,
    answer: Option<Answer>,
    /// What was taken for a key because nothing followed in time, and may yet have been the beginning of an answer.
    cut: Vec<u8>,
}

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// An event, and whether bytes stood behind it in the same read.
    Input { event: Event, more: bool },
    /// Its background, as an answer to our question.
    Background(Shade),
    /// Its colours are others now.
    ColoursChanged,
}

/// How long undecided bytes may wait for their rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Nothing,
    /// One ESC: the key, or the beginning of another.
    Escape,
    /// Certainly a part of something longer.
    Part,
    /// A paste, or an answer, that has not ended.
    Open,
}

/// The text between the two marks of a bracketed paste, so far.
#[derive(Debug, Default)]
struct Paste {
    bytes: Vec<u8>,
    /// Some of it was handed out after a silence: the end mark may be lost.
    stalled: bool,
}

/// What the beginning of some bytes is.
#[derive(Debug, PartialEq)]
enum Step {
    /// A key of that many bytes.
    Key(Event, usize),
    /// Nothing for us, of that many bytes.
    Skip(usize),
    /// The mark before pasted text.
    Paste(usize),
    /// The beginning of the answer about the background.
    Answer(usize),
    ColoursChanged(usize),
    /// It depends on what comes.
    Unclear,
}

impl Decoder {
    /// The events of one read.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Decoded> {
        if self.end_was_lost(bytes) {
            self.paste = None;
        }
        let cut = std::mem::take(&mut self.cut);
        let whole = [&cut, bytes].concat();
        if !cut.is_empty() && whole.starts_with(background::BEGINS) {
            self.held = whole;
        } else {
            self.held.extend_from_slice(bytes);
        }
        self.decode(false)
    }

    /// Nothing more came in time: what is held is taken for what it looks like by itself.
    pub fn flush(&mut self) -> Vec<Decoded> {
        if self.paste.is_some() {
            return self.stall();
        }
        self.answer = None;
        if background::BEGINS.starts_with(&self.held) {
            self.cut.clone_from(&self.held);
        }
        self.decode(true)
    }

    /// What is held back, which says how long to wait before `flush`.
    pub fn held(&self) -> Held {
        match (&self.paste, self.held.as_slice()) {
            (Some(paste), _) if paste.stalled => Held::Nothing,
            (Some(_), _) => Held::Open,
            (None, _) if self.answer.is_some() => Held::Open,
            (None, []) => Held::Nothing,
            (None, [ESC]) => Held::Escape,
            (None, _) => Held::Part,
        }
    }

    fn decode(&mut self, last: bool) -> Vec<Decoded> {
        let bytes = std::mem::take(&mut self.held);
        let mut events = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if let Some(paste) = &mut self.paste {
                let (used, text, over) = paste.take(rest);
                at += used;
                if over {
                    self.paste = None;
                }
                events.extend(text.map(|text| Decoded::Input { event: Event::Paste(text), more: at < bytes.len() }));
                continue;
            }
            if let Some(answer) = &mut self.answer {
                match answer.take(rest) {
                    Took::More(used) => {
                        self.held = rest[used..].to_vec();
                        break;
                    }
                    Took::Over(used, shade) => {
                        at += used;
                        self.answer = None;
                        events.extend(shade.map(Decoded::Background));
                    }
                }
                continue;
            }
            match step(rest, last) {
                Step::Key(event, used) => {
                    at += used;
                    events.push(Decoded::Input { event, more: at < bytes.len() });
                }
                Step::Skip(used) => at += used,
                Step::Paste(used) => {
                    at += used;
                    self.paste = Some(Paste::default());
                }
                Step::Answer(used) => {
                    at += used;
                    self.answer = Some(Answer::default());
                }
                Step::ColoursChanged(used) => {
                    at += used;
                    events.push(Decoded::ColoursChanged);
                }
                Step::Unclear => {
                    self.held = rest.to_vec();
                    break;
                }
            }
        }
        events
    }

    /// Hands out what was pasted so far and goes on pasting, for its newlines must not send anything.
    fn stall(&mut self) -> Vec<Decoded> {
        let Some(paste) = &mut self.paste else { return Vec::new() };
        paste.stalled = true;
        let cut = cut_before_the_undecided(&paste.bytes);
        let text = text_of(&paste.bytes[..cut]);
        paste.bytes.drain(..cut);
        if text.is_empty() { Vec::new() } else { vec![Decoded::Input { event: Event::Paste(text), more: false }] }
    }

    /// A lone Esc or Ctrl-C after a silence in a paste is a reader who wonders why no key works.
    fn end_was_lost(&self, bytes: &[u8]) -> bool {
        self.paste.as_ref().is_some_and(|paste| paste.stalled) && matches!(bytes, [ESC | b'\x03'])
    }
}

impl Paste {
    /// Takes bytes up to the end mark: how many, the text if there is some to hand out, whether it is over.
    fn take(&mut self, bytes: &[u8]) -> (usize, Option<String>, bool) {
        const END: &[u8] = b"\x1b[201~";
        let before = self.bytes.len();
        self.stalled = false;
        self.bytes.extend_from_slice(bytes);
        let from = before.saturating_sub(END.len() - 1);
        if let Some(found) = memchr::memmem::find(&self.bytes[from..], END) {
            let end = from + found;
            let text = text_of(&self.bytes[..end]);
            return (end + END.len() - before, Some(text), true);
        }
        if self.bytes.len() < PASTE_LIMIT {
            return (bytes.len(), None, false);
        }
        let cut = cut_before_the_undecided(&self.bytes);
        let text = text_of(&self.bytes[..cut]);
        self.bytes.drain(..cut);
        (bytes.len(), Some(text), false)
    }
}

/// Where pasted bytes can be cut: not in a character, not in a line's end, not in the end mark.
fn cut_before_the_undecided(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(6);
    let escape = bytes[tail..].iter().position(|&byte| byte == ESC).map_or(bytes.len(), |at| tail + at);
    let whole = escape - unfinished_character(&bytes[..escape]);
    whole - usize::from(bytes[..whole].ends_with(b"\r"))
}

/// How many bytes at the end begin a character and do not finish it.
fn unfinished_character(bytes: &[u8]) -> usize {
    let begins = |n: &usize| width_of_character(bytes[bytes.len() - n]).is_some_and(|width| width > *n);
    (1..=bytes.len().min(3)).find(begins).unwrap_or(0)
}

/// Terminals send a carriage return for each line's end.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n")
}

/// `last`: nothing will follow these bytes soon.
fn step(bytes: &[u8], last: bool) -> Step {
    match bytes {
        [] => Step::Unclear,
        [ESC, rest @ ..] => escape(rest, last),
        _ => plain(bytes, last),
    }
}

fn escape(rest: &[u8], last: bool) -> Step {
    match rest {
        [] if last => Step::Key(key(KeyCode::Esc), 1),
        [] => Step::Unclear,
        // Some terminals put one more ESC before a whole key for Alt.
        [ESC, b'[' | b'O', ..] => match step(rest, last) {
            Step::Key(event, used) if used > 2 => Step::Key(with_alt(event), used + 1),
            Step::Unclear => Step::Unclear,
            Step::Key(..) | Step::Skip(_) | Step::Paste(_) | Step::Answer(_) | Step::ColoursChanged(_) => {
                Step::Key(key(KeyCode::Esc), 1)
            }
        },
        [ESC] if !last => Step::Unclear,
        [ESC, ..] => Step::Key(key(KeyCode::Esc), 1),
        [b'[', ..] if rest.len() > 1 => csi::step(rest, last),
        [b'O', code, ..] => match csi::application_key(*code) {
            Some(code) => Step::Key(key(code), 3),
            None => alt(rest, last),
        },
        [b'[' | b'O' | b']' | b'P'] if !last => Step::Unclear,
        [b']', b'1', b'1', b';', ..] => Step::Answer(background::BEGINS.len()),
        [b']', b'0'..=b'9', ..] | [b'P', b'0'..=b'9' | b'>' | b'!', ..] => answer(rest, last),
        _ => alt(rest, last),
    }
}

/// A terminal's answer to a question that we did not ask: everything up to its end mark.
fn answer(rest: &[u8], last: bool) -> Step {
    let end = rest.iter().position(|&byte| byte == 0x07).map(|at| at + 1);
    let string_end = memchr::memmem::find(rest, b"\x1b\\").map(|at| at + 2);
    match (end, string_end) {
        (Some(a), Some(b)) => Step::Skip(a.min(b) + 1),
        (Some(at), None) | (None, Some(at)) => Step::Skip(at + 1),
        (None, None) if last || rest.len() > SEQUENCE_LIMIT => Step::Skip(rest.len() + 1),
        (None, None) => Step::Unclear,
    }
}

fn alt(rest: &[u8], last: bool) -> Step {
    match plain(rest, last) {
        Step::Key(event, used) => Step::Key(with_alt(event), used + 1),
        Step::Skip(used) => Step::Skip(used + 1),
        Step::Paste(_) | Step::Answer(_) | Step::ColoursChanged(_) | Step::Unclear => Step::Unclear,
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

/// A key that is one character.
fn plain(bytes: &[u8], last: bool) -> Step {
    let control = |letter: u8| ctrl(char::from(letter));
    let event = match bytes[0] {
        b'\r' => key(KeyCode::Enter),
        b'\t' => key(KeyCode::Tab),
        0x7f => key(KeyCode::Backspace),
        0 => ctrl(' '),
        code @ 0x01..=0x1a => control(code - 1 + b'a'),
        code @ 0x1c..=0x1f => control(code + 0x40),
        _ => return character(bytes, last),
    };
    Step::Key(event, 1)
}

fn character(bytes: &[u8], last: bool) -> Step {
    let Some(width) = width_of_character(bytes[0]) else { return Step::Skip(1) };
    let head = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(head) {
        Ok(text) => text.chars().next().map_or(Step::Skip(1), |c| Step::Key(typed(c), width)),
        Err(error) if error.error_len().is_none() && !last => Step::Unclear,
        Err(_) => Step::Skip(1),
    }
}

fn width_of_character(first: u8) -> Option<usize> {
    match first {
        0x20..=0x7e => Some(1),
        0xc2..=0xdf => Some(2),
        0xe0..=0xef => Some(3),
        0xf0..=0xf4 => Some(4),
        _ => None,
    }
}

/// A character as it was typed; a capital carries Shift.
fn typed(c: char) -> Event {
    let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn ctrl(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
}

#[cfg(test)]
mod tests;
