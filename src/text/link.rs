//! Links for the terminal (OSC 8): what goes before and behind the words of one.

use std::{fmt::Write, ops::Range};

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

/// Addresses that stand bare among words: `http://`, `https://` or `www.`, up to a blank or what cannot be of them, and
/// without the punctuation of the sentence behind them.
pub fn bare(words: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let begins =
        memchr::memmem::find_iter(words.as_bytes(), "http").chain(memchr::memmem::find_iter(words.as_bytes(), "www."));
    let mut begins: Vec<usize> = begins.collect();
    begins.sort_unstable();
    for start in begins {
        let is_apart = words[..start]
            .chars()
            .next_back()
            .is_none_or(|char| !char.is_ascii_alphanumeric() && !"/:@.-".contains(char));
        let rest = &words[start..];
        let head = ["http://", "https://", "www."].into_iter().find(|head| rest.starts_with(head));
        let (true, Some(head)) = (is_apart && found.last().is_none_or(|last| last.end <= start), head) else {
            continue;
        };
        let ends = |char: char| {
            char.is_whitespace()
                || matches!(char, '<' | '>' | '"' | '`' | '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
        };
        let length = rest.find(ends).unwrap_or(rest.len());
        let address = without_punctuation(&rest[..length]);
        if address.len() > head.len() {
            found.push(start..start + address.len());
        }
    }
    found
}

/// An address without what belongs to the sentence: a bracket stays where it was opened in the address.
fn without_punctuation(address: &str) -> &str {
    let mut address = address;
    while let Some(last) = address.chars().next_back() {
        let opened = |open: char, close: char| address.matches(open).count() >= address.matches(close).count();
        let stays = match last {
            ')' => opened('(', ')'),
            ']' => opened('[', ']'),
            '}' => opened('{', '}'),
            _ => !"?!.,:;*_~'’”»…".contains(last),
        };
        if stays {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
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

    #[test]
    fn a_bare_address_ends_where_its_sentence_goes_on() {
        let found = |words: &'static str| bare(words).into_iter().map(|range| &words[range]).collect::<Vec<_>>();
        assert_eq!(
            found("See https://x.example/a_b?c=d&e=f#g. And (www.y.example)!"),
            ["https://x.example/a_b?c=d&e=f#g", "www.y.example"]
        );
        assert_eq!(found("https://en.example/wiki/Heron_(bird), then"), ["https://en.example/wiki/Heron_(bird)"]);
        assert_eq!(found("参见https://x.example/a。然后"), ["https://x.example/a"]);
        assert_eq!(found("**http://x.example**, <b>http://y.example</b>"), ["http://x.example", "http://y.example"]);
        assert_eq!(found("http:// https:// www. xhttps://x.example a.www.b http and httpd"), [""; 0]);
        assert_eq!(found("http://x.example/http://y.example"), ["http://x.example/http://y.example"]);
    }

    proptest! {
        #[test]
        fn bare_addresses_are_in_order_and_can_be_opened(words in r"([ (a.ß。]|https?://|www\.|[)\]_]){0,20}") {
            let mut at = 0;
            for range in bare(&words) {
                prop_assert!(range.start >= at && words[range.clone()].starts_with(['h', 'w']));
                at = range.end;
            }
        }

        #[test]
        fn no_address_can_end_the_sequence_that_it_stands_in(rest in r"[\x00-\x20;\\a\x1b\x07\x7f\u{80}-\u{9f}é日]{0,30}") {
            let opening = opening(&format!("https://{rest}")).expect("a link");
            let inside = opening.strip_prefix(OPENING).and_then(|rest| rest.strip_suffix("\x1b\\")).expect("one sequence");
            prop_assert!(inside.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{:?}", inside);
        }
    }
}
