//! Bytes to frames: at every cut, byte by byte, and in the framing of other servers.

use ibid::api::sse::{Decoder, Frame};

use crate::{Kept, composed, decode, is_body};

/// Whether these chunks give exactly these frames; nothing is copied, for it is asked at every cut of every stream.
pub fn decodes_to(expected: &[Kept], chunks: [&[u8]; 2]) -> bool {
    let mut rest = expected.iter();
    let mut same = true;
    let mut decoder = Decoder::default();
    let mut compare = |frame: Frame<'_>| {
        same &= match (rest.next(), frame) {
            (Some(Kept::Data(expected)), Frame::Data(json)) => *expected == json,
            (Some(Kept::Comment), Frame::Comment(_))
            | (Some(Kept::Done), Frame::Done)
            | (Some(Kept::TooLong), Frame::TooLong) => true,
            _ => false,
        };
    };
    for chunk in chunks {
        decoder.push(chunk, &mut compare);
    }
    decoder.finish(&mut compare);
    same && rest.next().is_none()
}

#[test]
fn the_decoder_gives_the_same_frames_at_every_cut_and_byte_by_byte() {
    for (name, bytes) in composed().iter().filter(|(name, _)| !is_body(name)) {
        let whole = decode([bytes.as_slice()]);
        assert!(whole.len() > 3, "{name} has frames");
        for cut in 0..=bytes.len() {
            assert!(decodes_to(&whole, [&bytes[..cut], &bytes[cut..]]), "{name} cut at {cut}");
        }
        assert_eq!(decode(bytes.chunks(1)), whole, "{name} byte by byte");
    }
}

/// Other servers name their events, end lines in CRLF and send comments where they like: nothing of it matters.
#[test]
fn the_decoder_does_not_mind_the_habits_of_other_servers() {
    for (name, bytes) in composed().iter().filter(|(name, _)| !is_body(name)) {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let text = text.replace("\r\n", "\n");
        let data = |text: &str| -> Vec<Kept> {
            decode([text.as_bytes()]).into_iter().filter(|frame| *frame != Kept::Comment).collect()
        };
        let expected = data(&text);
        for (habit, other) in [
            ("CRLF", text.replace('\n', "\r\n")),
            ("CR", text.replace('\n', "\r")),
            ("event lines", text.replace("data: {", "event: response.something\ndata: {")),
            ("comments", text.replace('\n', "\n: still here\n")),
            ("no space", text.replace("data: ", "data:")),
            ("a byte order mark", format!("\u{feff}{text}")),
        ] {
            // A comment within an event of two lines does not end it, but a blank line that it splits does nothing.
            assert_eq!(data(&other), expected, "{name} with {habit}");
        }
    }
}
