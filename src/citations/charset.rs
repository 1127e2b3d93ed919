//! Decodes a page: UTF-8, UTF-16 or a western 8-bit charset.

/// Decodes the bytes of a page. A byte order mark decides, then the charset `declared` in the header, then the one that
/// the page itself declares.
///
/// # Errors
/// Returns the name of the charset if it is not supported.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> Result<String, String> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok(String::from_utf8_lossy(rest).into_owned());
    }
    match bytes {
        [0xfe, 0xff, rest @ ..] => return Ok(utf16_to_string(rest, u16::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => return Ok(utf16_to_string(rest, u16::from_le_bytes)),
        _ => (),
    }
    let name = declared.map(str::to_owned).or_else(|| declared_in_page(bytes));
    let name = name.map(|name| name.trim_matches(['"', '\'', ' ']).to_ascii_lowercase());
    match name.as_deref() {
        Some("utf-8" | "utf8" | "us-ascii" | "ascii") => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Some("iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252" | "iso-8859-15") => {
            Ok(bytes.iter().map(|byte| windows_1252(*byte)).collect())
        }
        Some(other) if !other.is_empty() => Err(other.chars().take(40).collect()),
        Some(_) | None => Ok(match String::from_utf8_lossy(bytes) {
            // A few invalid bytes, as in a page cut inside a character, do not mean another charset.
            lossy if lossy.matches('\u{fffd}').count() * 200 > lossy.chars().count() => {
                bytes.iter().map(|byte| windows_1252(*byte)).collect()
            }
            lossy => lossy.into_owned(),
        }),
    }
}

/// The charset that a page declares near its beginning: `<meta charset=…>`, in either form.
fn declared_in_page(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let head = &head[head.find("<meta")?..];
    let (_, rest) = head.split_once("charset=")?;
    let rest = rest.trim_start_matches(['"', '\'']);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

fn utf16_to_string(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|char| char.unwrap_or('\u{fffd}')).collect()
}

/// Decodes a byte of windows-1252, which is Latin-1 with printable characters in place of the C1 controls.
pub fn windows_1252(byte: u8) -> char {
    const C1_REPLACEMENTS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => C1_REPLACEMENTS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_decoded_with_its_declared_charset() {
        assert_eq!(decode("é日".as_bytes(), Some("UTF-8")).as_deref(), Ok("é日"));
        assert_eq!(decode(b"caf\xe9 \x93x\x94", Some("ISO-8859-1")).as_deref(), Ok("café “x”"));
        assert_eq!(decode(b"<meta charset='windows-1252'>\xe9", None).as_deref(), Ok("<meta charset='windows-1252'>é"));
        let old = b"<META http-equiv=Content-Type content=\"text/html; charset=latin1\">\xe9";
        assert!(decode(old, None).is_ok_and(|text| text.ends_with('é')));
        assert_eq!(decode(b"\xff\xfeh\0i\0", None).as_deref(), Ok("hi"));
        assert_eq!(decode(b"\xef\xbb\xbfhi", Some("latin1")).as_deref(), Ok("hi"));
    }

    #[test]
    fn an_undeclared_page_is_utf_8_unless_that_is_invalid() {
        assert_eq!(decode("naïve".as_bytes(), None).as_deref(), Ok("naïve"));
        assert_eq!(decode(b"na\xefve", None).as_deref(), Ok("naïve"));
        let cut = [&b"x".repeat(1000)[..], b"\xe6\x97"].concat();
        assert!(decode(&cut, None).is_ok_and(|text| text.ends_with('\u{fffd}')));
    }

    #[test]
    fn an_unknown_charset_is_named_in_the_error() {
        assert_eq!(decode(b"x", Some("Shift_JIS")), Err("shift_jis".into()));
    }
}
