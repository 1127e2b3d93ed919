//! Reports and keys in two pieces: which bytes can follow which, and what still belongs to bytes that were decoded too early.

use std::time::{Duration, Instant};

use crossterm::event::Event;

use super::{BEL, DecodeEnd, DecodeStep, ESC, csi, decode_first, string_reply};

/// How long after a lone ESC the rest of a key still belongs to it.
pub(crate) const LATE_KEY: Duration = Duration::from_millis(300);
/// The same for a report, which nobody types.
const LATE_REPORT: Duration = Duration::from_secs(2);

/// Bytes that were decoded too early, and when.
#[derive(Debug)]
pub(crate) struct FlushedBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) at: Instant,
}

impl FlushedBytes {
    /// Whether a read continues them.
    pub(super) fn is_continued_by(&self, read: &[u8], now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at);
        let joined = [&self.bytes, read].concat();
        match self.bytes.as_slice() {
            [ESC] if continues_report(read) => elapsed <= LATE_REPORT,
            [ESC] => elapsed <= LATE_KEY && read.len() > 1 && is_sequence(&joined),
            head if head.len() < string_reply::BACKGROUND_PREFIX.len()
                && joined.starts_with(string_reply::BACKGROUND_PREFIX) =>
            {
                true
            }
            // A letter alone was typed.
            _ => {
                elapsed <= LATE_REPORT
                    && (read.len() > 1 || read == [BEL] || joined.ends_with(b"\x1b\\"))
                    && is_whole_report(&joined)
            }
        }
    }
}

/// Whether a character can be part of a sequence that has begun. Behind a report that broke off it was typed.
pub(crate) fn can_continue(undecided: &[u8], next: u8) -> bool {
    match undecided {
        [.., ESC] if next == b'\\' => true, // An end mark.
        [ESC, b'[', b'<', ..] => next.is_ascii_digit() || b";Mm".contains(&next),
        [ESC, b'[', b'?', ..] => next.is_ascii_digit() || b";:$ucnyR".contains(&next),
        [ESC, b']', rest @ ..] => string_reply::can_continue_osc(rest, next),
        _ => true,
    }
}

/// Whether bytes behind a lone ESC continue a report or a mark, which nobody types.
fn continues_report(bytes: &[u8]) -> bool {
    match bytes {
        [b'[', b'<' | b'?', next, ..] | [b']', next, _, _, ..] => next.is_ascii_digit(),
        [b'[', b'2', b'0', b'0' | b'1', b'~', ..] | [b'_', b'G', _, ..] => true,
        [b'P', b'>' | b'!', _, ..] => true,
        _ => false,
    }
}

/// Whether undecided bytes may be the beginning of a report whose rest comes late.
pub(crate) fn is_begun_report(undecided: &[u8]) -> bool {
    !undecided.is_empty()
        && (string_reply::BACKGROUND_PREFIX.starts_with(undecided)
            || undecided.starts_with(string_reply::BACKGROUND_PREFIX)
            || matches!(undecided, [ESC, b'['] | [ESC, b'[', b'<' | b'?', ..]))
}

/// Whether bytes begin with a whole report, whose rest nobody typed.
fn is_whole_report(bytes: &[u8]) -> bool {
    match decode_first(bytes, DecodeEnd::Open) {
        DecodeStep::Background(shade, _) => shade.is_some(),
        DecodeStep::Key(Event::Mouse(_), _) | DecodeStep::KeyboardFlags(..) | DecodeStep::ColoursChanged(_) => true,
        DecodeStep::Key(..)
        | DecodeStep::Skip(_)
        | DecodeStep::PasteStart(_)
        | DecodeStep::PasteEnd(_)
        | DecodeStep::Incomplete => false,
    }
}

/// Whether bytes are exactly one key that is sent as a sequence.
fn is_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [ESC, b'[', ..] => {
            matches!(decode_first(bytes, DecodeEnd::Open), DecodeStep::Key(_, used) if used == bytes.len())
        }
        [ESC, b'O', code] => csi::application_key(*code).is_some() && code.is_ascii_uppercase(),
        _ => false,
    }
}
