//! Terminal links (OSC 8): the sequences before and after the text of a link.

use std::{fmt::Write, ops::Range};

use super::work;

/// Ends a link.
pub const OSC8_CLOSE: &str = "\x1b]8;;\x1b\\";

/// Begins every link.
pub const OSC8_OPEN: &str = "\x1b]8;id=";

/// The longest address that becomes a link, in bytes: terminals cut or refuse longer ones.
const MAX_ADDRESS_BYTES: usize = 1000;

/// Whether an address may be opened: only web pages and mail.
pub fn can_open(address: &str) -> bool {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => address[scheme.len()..].starts_with("://"),
        "mailto" => true,
        _ => false,
    }
}

/// Finds bare addresses in a text: `http://`, `https://` or `www.`, up to white space or a character that no address
/// has, without the punctuation of the sentence.
pub fn find_addresses(words: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let starts =
        memchr::memmem::find_iter(words.as_bytes(), "http").chain(memchr::memmem::find_iter(words.as_bytes(), "www."));
    let mut begins: Vec<usize> = starts.collect();
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
        let ends_address = |char: char| {
            char.is_whitespace()
                || matches!(char, '<' | '>' | '"' | '`' | '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
        };
        let length = rest.find(ends_address).unwrap_or(rest.len());
        let address = trim_punctuation(&rest[..length]);
        if address.len() > head.len() {
            found.push(start..start + address.len());
        }
    }
    found
}

/// Cuts the punctuation of the sentence off an address; a closing bracket stays if it was opened in the address.
fn trim_punctuation(address: &str) -> &str {
    let mut surplus = BRACKETS.map(|(open, close)| count(address, close).saturating_sub(count(address, open)));
    let mut address = address;
    while let Some(last) = address.chars().next_back() {
        work::count_steps(1);
        match BRACKETS.iter().position(|(_, close)| *close == last) {
            Some(kind) if surplus[kind] > 0 => surplus[kind] -= 1,
            None if "?!.,:;*_~'’”»…".contains(last) => (),
            _ => break,
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
}

const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

fn count(text: &str, char: char) -> usize {
    work::count_steps(text.len());
    text.matches(char).count()
}

/// Returns the sequence that begins a link, if the address may be opened.
///
/// The same address has the same id, so that a link in several rows is one link. Bytes that are not printable ASCII are
/// written as `%XX`, so that no address can end the sequence.
pub fn open_sequence(address: &str) -> Option<String> {
    if !can_open(address) || address.len() > MAX_ADDRESS_BYTES {
        return None;
    }
    // FNV-1a.
    let id = address.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut opening = format!("{OSC8_OPEN}{id:x};");
    for byte in address.bytes() {
        match byte {
            b'!'..=b'~' => opening.push(byte.into()),
            _ => write!(opening, "%{byte:02X}").expect("writing to a string cannot fail"),
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
    fn only_web_and_mail_addresses_are_links() {
        for good in ["http://x.example", "HTTPS://x.example/a?b=c#d", "mailto:a@x.example"] {
            assert!(open_sequence(good).is_some(), "{good}");
        }
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "x.example", "http:x", "data:text/html,x", "", "ssh://x"]
        {
            assert_eq!(open_sequence(bad), None, "{bad}");
        }
        assert_eq!(open_sequence(&format!("https://x.example/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn a_bare_address_ends_before_the_punctuation_of_its_sentence() {
        let found =
            |words: &'static str| find_addresses(words).into_iter().map(|range| &words[range]).collect::<Vec<_>>();
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

    #[test]
    fn punctuation_behind_an_address_is_counted_once() {
        work::assert_linear("brackets", 1000, work::heavy_inputs::brackets_behind_address, |text| {
            find_addresses(text);
        });
    }

    proptest! {
        #[test]
        fn bare_addresses_are_in_order_and_can_be_opened(words in r"([ (a.ß。]|https?://|www\.|[)\]_]){0,20}") {
            let mut at = 0;
            for range in find_addresses(&words) {
                prop_assert!(range.start >= at && words[range.clone()].starts_with(['h', 'w']));
                at = range.end;
            }
        }

        #[test]
        fn no_address_can_end_its_own_sequence(rest in r"[\x00-\x20;\\a\x1b\x07\x7f\u{80}-\u{9f}é日]{0,30}") {
            let opening = open_sequence(&format!("https://{rest}")).expect("a link");
            let inside = opening.strip_prefix(OSC8_OPEN).and_then(|rest| rest.strip_suffix("\x1b\\")).expect("one sequence");
            prop_assert!(inside.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{:?}", inside);
        }
    }
}
