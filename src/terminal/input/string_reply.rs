//! Strings that a terminal sends (OSC, DCS, APC, PM, SOS): only its background is understood, and none becomes typed
//! text, however it is split, late or cut off.

use super::{BEL, DecodeEnd, DecodeStep, ESC, MAX_SEQUENCE_LEN};
use crate::render::theme::ThemeShade;

/// The bytes that begin the reply about the background.
pub(crate) const BACKGROUND_PREFIX: &[u8] = b"\x1b]11;";
/// The longest reply about a colour, in bytes; after more, it is no longer one.
const MAX_COLOUR_BYTES: usize = 64;

/// Decodes the string whose bytes after ESC are `rest`; `None` if they are a letter typed with Alt.
pub(crate) fn decode_string(rest: &[u8], end: DecodeEnd) -> Option<DecodeStep> {
    let (introducer, body) = (rest[0], &rest[1..]);
    let colour = rest.strip_prefix(&BACKGROUND_PREFIX[1..]);
    let max_len = if colour.is_some() { MAX_COLOUR_BYTES + 4 } else { MAX_SEQUENCE_LEN };
    if !body.first().is_some_and(|first| can_begin(introducer, *first)) {
        return None;
    }
    for (index, &byte) in body.iter().enumerate() {
        let (before, used) = (index + 2, index + 3);
        match (byte, body.get(index + 1)) {
            (BEL, _) => return Some(ended(colour, index, used)),
            (ESC, Some(b'\\')) => return Some(ended(colour, index, used + 1)),
            (ESC, None) if end == DecodeEnd::Open => return Some(DecodeStep::Incomplete),
            // The colour is whole, and only the second half of its end mark is missing.
            (ESC, None)
                if colour.is_some() && matches!(ended(colour, index, used), DecodeStep::Background(Some(_), _)) =>
            {
                return Some(ended(colour, index, used));
            }
            // It was cut off: this byte begins something else.
            (0..b' ' | 0x7f, _) => return Some(DecodeStep::Skip(before)),
            (0x80.., _) if colour.is_some() => return Some(DecodeStep::Skip(before)),
            _ if index >= max_len => return Some(DecodeStep::Skip(before)),
            _ => (),
        }
    }
    match end {
        DecodeEnd::Open => Some(DecodeStep::Incomplete),
        DecodeEnd::Final => Some(DecodeStep::Skip(rest.len() + 1)),
    }
}

/// Returns what a string is whose end mark was found, with the length of its body.
fn ended(colour: Option<&[u8]>, body_len: usize, used: usize) -> DecodeStep {
    match colour {
        Some(colour) => DecodeStep::Background(shade_of(&colour[..body_len.saturating_sub(3).min(colour.len())]), used),
        None => DecodeStep::Skip(used),
    }
}

/// Whether a string is likely to begin with this byte; otherwise its introducer was typed with Alt.
fn can_begin(introducer: u8, first: u8) -> bool {
    match introducer {
        // The letters begin reports of the window's title and of its icon.
        b']' => first.is_ascii_digit() || b"lLI".contains(&first),
        b'P' => first.is_ascii_digit() || b">!$+".contains(&first),
        _ => (b' '..=b'~').contains(&first),
    }
}

/// Whether a character can be part of an OSC string, of which `rest` has come.
pub(crate) fn can_continue_osc(rest: &[u8], next: u8) -> bool {
    match rest {
        [b'0'..=b'9', b'0'..=b'9', b';', ..] => next.is_ascii_hexdigit() || b"rgba:/?;\x07".contains(&next),
        _ => true,
    }
}

fn shade_of(colour: &[u8]) -> Option<ThemeShade> {
    let text = std::str::from_utf8(colour).ok()?;
    let colours = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut parts = colours.split('/').map(channel_value);
    let mut next = || parts.next()?;
    Some(ThemeShade::of_background(next()?, next()?, next()?))
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

    fn decode(text: &[u8]) -> Option<DecodeStep> {
        decode_string(text, DecodeEnd::Open)
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
            let bytes = format!("]11;{text}\x07");
            let expected = DecodeStep::Background(Some(shade), bytes.len() + 1);
            assert_eq!(decode(bytes.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "?", "no such colour", "rgb:", "rgb:11/22", "rgb:1x/22/33", "rgb:+1/22/33", "rgb:111111/2/3"] {
            let bytes = format!("]11;{text}\x1b\\");
            assert_eq!(decode(bytes.as_bytes()), Some(DecodeStep::Background(None, bytes.len() + 1)), "{text}");
        }
    }

    #[test]
    fn bytes_that_cannot_belong_to_a_reply_end_it() {
        assert_eq!(decode(b"]11;rgb:1515/\r"), Some(DecodeStep::Skip(14)));
        assert_eq!(decode(b"]11;rgb:1515/\x1b[A"), Some(DecodeStep::Skip(14)));
        assert_eq!(decode("]11;rgb:é".as_bytes()), Some(DecodeStep::Skip(9)));
        assert_eq!(decode(&[b"]11;".as_slice(), &[b'f'; 100]].concat()), Some(DecodeStep::Skip(MAX_COLOUR_BYTES + 6)));
        assert_eq!(decode(b"]11;rgb:1515\x1b"), Some(DecodeStep::Incomplete));
    }

    #[test]
    fn a_letter_typed_with_alt_is_no_string() {
        assert_eq!(decode(b"]x"), None);
        assert_eq!(decode(b"Px"), None);
        assert_eq!(decode(b"X\r"), None);
    }
}
