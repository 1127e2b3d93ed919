//! JSON as people write it by hand: with comments, trailing commas and a mark for the order of bytes.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// The members of an object in the order of the text, with values that are not read yet.
pub(super) struct RawMembers<'a>(pub Vec<(String, &'a RawValue)>);

/// Decodes the bytes of a file: UTF-8, or UTF-16 if it begins with the mark of that.
pub(super) fn decode_text(bytes: &[u8]) -> String {
    let decode = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Replaces comments and trailing commas with blanks, so that every other byte keeps its place.
pub(super) fn to_strict_json(text: &str) -> String {
    let mut strict = text.as_bytes().to_vec();
    let mut comma = None;
    let mut at = 0;
    while at < strict.len() {
        let end = match strict[at] {
            b'"' => end_of_string(&strict, at),
            b'/' => end_of_comment(&strict, at).unwrap_or(at + 1),
            _ => at + 1,
        };
        match strict[at] {
            b'/' if end > at + 1 => {
                strict[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            }
            b',' => comma = Some(at),
            b'}' | b']' => comma.take().into_iter().for_each(|comma: usize| strict[comma] = b' '),
            byte if byte.is_ascii_whitespace() => (),
            _ => comma = None,
        }
        at = end;
    }
    // Comments were replaced whole, so no character was cut.
    String::from_utf8(strict).unwrap_or_default()
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn end_of_comment(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = &bytes[start..];
    match rest.get(1)? {
        b'/' => Some(start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())),
        b'*' => Some(start + rest[2..].windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 4)),
        _ => None,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_become_blanks_outside_of_strings() {
        let text = "{ // café\n \"a//b\": [1, /* , ] */ 2,],\n\"c\\\"/*\": \"x,}\" /* é\n */ , }";
        let strict = to_strict_json(text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&strict).unwrap()["a//b"], serde_json::json!([1, 2]));
        assert_eq!(strict.find("\"c"), text.find("\"c"));
        assert_eq!(strict.matches('\n').count(), text.matches('\n').count());
        for broken in ["{\"a\": \"", "{ /* open", "/", "{\"a\\", ",", "// only", "[1,,]"] {
            assert_eq!(to_strict_json(broken).len(), broken.len(), "{broken}");
        }
    }

    #[test]
    fn every_usual_encoding_is_decoded() {
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain("{é}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain("{é}".encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for bytes in [little, big, "\u{feff}{é}".as_bytes().to_vec(), "{é}".as_bytes().to_vec()] {
            assert_eq!(decode_text(&bytes), "{é}");
        }
    }
}
