//! Bytes to frames: split at every byte, one byte at a time, and in the framing of other servers.

use ibid::api::sse::{SseDecoder, SseFrame};

use super::{OwnedFrame, composed_streams, decode_frames, is_body};

/// Returns whether these chunks give exactly these frames.
///
/// It copies nothing, because it runs for every split of every stream.
pub fn decodes_to(expected: &[OwnedFrame], chunks: [&[u8]; 2]) -> bool {
    let mut rest = expected.iter();
    let mut same = true;
    let mut decoder = SseDecoder::default();
    let mut compare = |frame: SseFrame<'_>| {
        same &= match (rest.next(), frame) {
            (Some(OwnedFrame::Data(expected)), SseFrame::Data(json) | SseFrame::Stray(json)) => *expected == json,
            (Some(OwnedFrame::Comment), SseFrame::Comment(_))
            | (Some(OwnedFrame::Done), SseFrame::Done)
            | (Some(OwnedFrame::TooLong), SseFrame::TooLong) => true,
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
fn the_decoder_gives_the_same_frames_at_every_split_and_byte_by_byte() {
    for (name, bytes) in composed_streams().iter().filter(|(name, _)| !is_body(name)) {
        let whole = decode_frames([bytes.as_slice()]);
        assert!(whole.len() > 3, "{name} has frames");
        for cut in 0..=bytes.len() {
            assert!(decodes_to(&whole, [&bytes[..cut], &bytes[cut..]]), "{name} split at {cut}");
        }
        assert_eq!(decode_frames(bytes.chunks(1)), whole, "{name} byte by byte");
    }
}

/// Other servers name their events, end lines with CRLF or send comments anywhere; the frames stay the same.
#[test]
fn the_decoder_accepts_the_framing_of_other_servers() {
    for (name, bytes) in composed_streams().iter().filter(|(name, _)| !is_body(name)) {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let text = text.replace("\r\n", "\n");
        let data = |text: &str| -> Vec<OwnedFrame> {
            decode_frames([text.as_bytes()]).into_iter().filter(|frame| *frame != OwnedFrame::Comment).collect()
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
            // A comment inside an event of two lines does not end the event.
            assert_eq!(data(&other), expected, "{name} with {habit}");
        }
    }
}
