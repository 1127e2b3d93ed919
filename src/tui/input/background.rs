//! The terminal's answer about its background, which comes in pieces, late or wrong, and never becomes typed text.

use crate::widgets::theme::Shade;

/// How the answer begins.
pub(super) const BEGINS: &[u8] = b"\x1b]11;";
/// A terminal names a colour in fewer bytes; behind them nobody answers any more.
const LONGEST: usize = 64;
const BEL: u8 = 0x07;
const ESC: u8 = 0x1b;

/// An answer that has begun, as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Answer(Vec<u8>);

/// What some bytes are to an answer; each with how many of them belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It goes on.
    More(usize),
    /// It is over. Nothing if it named no colour, or broke off.
    Over(usize, Option<Shade>),
}

impl Answer {
    pub(super) fn take(&mut self, bytes: &[u8]) -> Took {
        for (at, &byte) in bytes.iter().enumerate() {
            match (byte, bytes.get(at + 1)) {
                (BEL, _) => return Took::Over(at + 1, self.shade()),
                (ESC, Some(b'\\')) => return Took::Over(at + 2, self.shade()),
                (ESC, None) => return Took::More(at), // The mark of the end may be cut in two.
                (b' '..=b'~', _) if self.0.len() < LONGEST => self.0.push(byte),
                _ => return Took::Over(at, None),
            }
        }
        Took::More(bytes.len())
    }

    fn shade(&self) -> Option<Shade> {
        let text = std::str::from_utf8(&self.0).ok()?;
        let colours = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
        let mut parts = colours.split('/').map(part);
        let mut next = || parts.next()?;
        Some(Shade::of(next()?, next()?, next()?))
    }
}

/// One to four hexadecimal digits, of which the most are full strength.
fn part(digits: &str) -> Option<u8> {
    let most = match digits.len() {
        length @ 1..=4 if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => (1_u32 << (4 * length)) - 1,
        _ => return None,
    };
    let value = u32::from_str_radix(digits, 16).ok()?;
    u8::try_from(value * 255 / most).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &[u8]) -> Took {
        Answer::default().take(text)
    }

    #[test]
    fn every_form_of_a_colour_is_dark_or_light() {
        for (text, shade) in [
            ("rgb:1515/1717/1c1c", Shade::Dark),
            ("rgb:fb/f9/f4", Shade::Light),
            ("rgb:0/0/0", Shade::Dark),
            ("rgb:fff/fff/fff", Shade::Light),
            ("rgba:ffff/ffff/ffff/8000", Shade::Light),
        ] {
            let bytes = format!("{text}\x07");
            assert_eq!(take(bytes.as_bytes()), Took::Over(bytes.len(), Some(shade)), "{text}");
        }
        for text in ["", "?", "no such colour", "rgb:", "rgb:11/22", "rgb:1x/22/33", "rgb:+1/22/33", "rgb:111111/2/3"] {
            let bytes = format!("{text}\x1b\\");
            assert_eq!(take(bytes.as_bytes()), Took::Over(bytes.len(), None), "{text}");
        }
    }

    #[test]
    fn what_cannot_belong_to_an_answer_ends_it() {
        assert_eq!(take(b"rgb:1515/\r"), Took::Over(9, None));
        assert_eq!(take(b"rgb:1515/\x1b[A"), Took::Over(9, None));
        assert_eq!(take("rgb:é".as_bytes()), Took::Over(4, None));
        assert_eq!(take(&[b'f'; 100]), Took::Over(LONGEST, None));
        assert_eq!(take(b"rgb:1515\x1b"), Took::More(8));
    }
}
