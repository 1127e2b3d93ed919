//! The terminal's reply about its background, which may be split, late or malformed, but never becomes typed text.

use crate::render::theme::ThemeShade;

/// The bytes that begin the reply.
pub(crate) const REPLY_PREFIX: &[u8] = b"\x1b]11;";
/// The longest colour in a reply, in bytes; after more, it is no longer a reply.
const MAX_COLOUR_BYTES: usize = 64;
const BEL: u8 = 0x07;
const ESC: u8 = 0x1b;

/// The bytes received so far of a reply.
#[derive(Debug, Default)]
pub(crate) struct BackgroundReply(Vec<u8>);

/// Whether a reply is complete, with the number of bytes that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReplyProgress {
    /// The reply continues.
    Continues(usize),
    /// The reply is over; no shade if it named no colour or was cut off.
    Done(usize, Option<ThemeShade>),
}

impl BackgroundReply {
    pub(crate) fn take(&mut self, bytes: &[u8]) -> ReplyProgress {
        for (index, &byte) in bytes.iter().enumerate() {
            match (byte, bytes.get(index + 1)) {
                (BEL, _) => return ReplyProgress::Done(index + 1, self.shade()),
                (ESC, Some(b'\\')) => return ReplyProgress::Done(index + 2, self.shade()),
                (ESC, None) => return ReplyProgress::Continues(index), // The end mark may be split.
                (b' '..=b'~', _) if self.0.len() < MAX_COLOUR_BYTES => self.0.push(byte),
                _ => return ReplyProgress::Done(index, None),
            }
        }
        ReplyProgress::Continues(bytes.len())
    }

    fn shade(&self) -> Option<ThemeShade> {
        let text = std::str::from_utf8(&self.0).ok()?;
        let colours = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
        let mut parts = colours.split('/').map(channel_value);
        let mut next = || parts.next()?;
        Some(ThemeShade::of_background(next()?, next()?, next()?))
    }
}

/// Parses one to four hexadecimal digits and scales them to 0 to 255.
fn channel_value(digits: &str) -> Option<u8> {
    let max_value = match digits.len() {
        length @ 1..=4 if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => (1_u32 << (4 * length)) - 1,
        _ => return None,
    };
    let value = u32::from_str_radix(digits, 16).ok()?;
    u8::try_from(value * 255 / max_value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &[u8]) -> ReplyProgress {
        BackgroundReply::default().take(text)
    }

    #[test]
    fn every_colour_format_is_classified_as_dark_or_light() {
        for (text, shade) in [
            ("rgb:1515/1717/1c1c", ThemeShade::Dark),
            ("rgb:fb/f9/f4", ThemeShade::Light),
            ("rgb:0/0/0", ThemeShade::Dark),
            ("rgb:fff/fff/fff", ThemeShade::Light),
            ("rgba:ffff/ffff/ffff/8000", ThemeShade::Light),
        ] {
            let bytes = format!("{text}\x07");
            assert_eq!(take(bytes.as_bytes()), ReplyProgress::Done(bytes.len(), Some(shade)), "{text}");
        }
        for text in ["", "?", "no such colour", "rgb:", "rgb:11/22", "rgb:1x/22/33", "rgb:+1/22/33", "rgb:111111/2/3"] {
            let bytes = format!("{text}\x1b\\");
            assert_eq!(take(bytes.as_bytes()), ReplyProgress::Done(bytes.len(), None), "{text}");
        }
    }

    #[test]
    fn bytes_that_cannot_belong_to_a_reply_end_it() {
        assert_eq!(take(b"rgb:1515/\r"), ReplyProgress::Done(9, None));
        assert_eq!(take(b"rgb:1515/\x1b[A"), ReplyProgress::Done(9, None));
        assert_eq!(take("rgb:é".as_bytes()), ReplyProgress::Done(4, None));
        assert_eq!(take(&[b'f'; 100]), ReplyProgress::Done(MAX_COLOUR_BYTES, None));
        assert_eq!(take(b"rgb:1515\x1b"), ReplyProgress::Continues(8));
    }
}
