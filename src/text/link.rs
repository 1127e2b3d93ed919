//! Links for the terminal (OSC 8): what goes before and behind the words of one.

use std::fmt::Write;

/// Ends a link.
pub const CLOSING: &str = "\x1b]8;;\x1b\\";

/// Every link begins with this.
pub const OPENING: &str = "\x1b]8;id=";

/// A longer address stays plain text: terminals cut or refuse it.
const LONGEST: usize = 1000;

/// Whether an address is one that may be opened.
pub fn can_open(address: &str) -> bool {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => address[scheme.len()..].starts_with("://"),
        "mailto" => true,
        _ => false,
    }
}

/// What begins a link to an address that may be opened. The same address has the same id, so that a link in several
/// rows is one; whatever is not plain ASCII in it is written as `%XX`, and nothing of it can end the sequence.
pub fn opening(address: &str) -> Option<String> {
    if !can_open(address) || address.len() > LONGEST {
        return None;
    }
    // FNV-1a.
    let id = address.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut opening = format!("{OPENING}{id:x};");
    for byte in address.bytes() {
        match byte {
            b'!'..=b'~' => opening.push(byte.into()),
            _ => write!(opening, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    opening.push_str("\x1b\\");
    Some(opening)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_addresses_that_a_browser_or_a_mail_program_opens_are_links() {
        for good in ["http://x.example", "HTTPS://x.example/a?b=c#d", "mailto:a@x.example"] {
            assert!(opening(good).is_some(), "{good}");
        }
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "x.example", "http:x", "data:text/html,x", "", "ssh://x"]
        {
            assert_eq!(opening(bad), None, "{bad}");
        }
        assert_eq!(opening(&format!("https://x.example/{}", "a".repeat(2000))), None);
    }

    proptest! {
        #[test]
        fn no_address_can_end_the_sequence_that_it_stands_in(rest in r"[\x00-\x20;\\a\x1b\x07\x7f\u{80}-\u{9f}é日]{0,30}") {
            let opening = opening(&format!("https://{rest}")).expect("a link");
            let inside = opening.strip_prefix(OPENING).and_then(|rest| rest.strip_suffix("\x1b\\")).expect("one sequence");
            prop_assert!(inside.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{:?}", inside);
        }
    }
}
