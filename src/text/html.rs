//! The words of an HTML page in one pass: no tree, and no byte looked at more than a few times.

use memchr::{memchr, memmem};

/// The words of a page, a line for each block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub text: String,
    /// Bytes that were looked at, for tests.
    pub looked: usize,
}

/// What has no words: up to its end tag nothing is a tag.
const RAW: &[&str] = &["script", "style", "iframe", "noembed", "noframes", "xmp", "textarea"];
/// What has words that are not the page's own.
const DROPPED: &[&str] = &["nav", "template", "svg", "noscript", "select", "math"];
const CELLS: &[&str] = &["td", "th", "dt", "dd", "option", "button", "label", "img"];
/// Inside a line; all other elements begin and end one.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
];
/// The longest name of an element or entity that means anything here.
const NAME: usize = 32;

pub fn text(html: &str) -> Page {
    let mut pass = Pass { html, at: 0, out: String::new(), gap: "", dropped: Vec::new(), looked: 0 };
    pass.run();
    Page { text: pass.out, looked: pass.looked }
}

struct Pass<'a> {
    html: &'a str,
    at: usize,
    out: String,
    /// What comes before the next word.
    gap: &'static str,
    /// Where the text of elements that are to be dropped begins, the innermost last.
    dropped: Vec<(&'static str, usize)>,
    looked: usize,
}

impl Pass<'_> {
    fn run(&mut self) {
        while self.at < self.html.len() {
            let next = self.find(b'<');
            self.words(self.at, next);
            self.at = next;
            if next < self.html.len() {
                self.tag();
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.html.as_bytes()[self.at..]
    }

    /// The next place of a byte, or the end.
    fn find(&mut self, byte: u8) -> usize {
        let found = memchr(byte, self.rest()).map_or(self.html.len(), |offset| self.at + offset);
        self.looked += found - self.at;
        found
    }

    /// Goes behind the next place of these bytes, or to the end.
    fn pass_by(&mut self, bytes: &[u8]) {
        let offset = memmem::find(self.rest(), bytes).map_or(self.rest().len(), |offset| offset + bytes.len());
        self.looked += offset;
        self.at += offset;
    }

    /// At a `<`.
    fn tag(&mut self) {
        let rest = self.rest();
        let is_end = rest.get(1) == Some(&b'/');
        let name = &rest[1 + usize::from(is_end)..];
        match name.first() {
            Some(first) if first.is_ascii_alphabetic() => (),
            _ if rest.starts_with(b"<!--") => {
                self.at += 4;
                return self.pass_by(b"-->");
            }
            Some(b'!' | b'?') => return self.pass_by(b">"),
            _ if is_end => return self.pass_by(b">"),
            _ => {
                self.words(self.at, self.at + 1);
                self.at += 1;
                return;
            }
        }
        let length = name.iter().take(NAME).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        let name = String::from_utf8_lossy(&name[..length]).to_ascii_lowercase();
        self.at += 1 + usize::from(is_end) + length;
        self.pass_attributes();
        self.element(&name, is_end);
    }

    /// Goes behind the `>` of a tag; one in quotes is not it.
    fn pass_attributes(&mut self) {
        let mut quote = None;
        let bytes = self.rest();
        let end = bytes.iter().position(|&byte| {
            if let Some(open) = quote {
                quote = Some(open).filter(|open| *open != byte);
                return false;
            }
            quote = Some(byte).filter(|byte| matches!(byte, b'"' | b'\''));
            byte == b'>'
        });
        let passed = end.map_or(bytes.len(), |end| end + 1);
        self.looked += passed;
        self.at += passed;
    }

    fn element(&mut self, name: &str, is_end: bool) {
        if !is_end && RAW.contains(&name) {
            self.pass_raw(name);
        }
        if let Some(name) = DROPPED.iter().copied().find(|dropped| *dropped == name) {
            if !is_end {
                self.dropped.push((name, self.out.len()));
            } else if self.dropped.last().is_some_and(|(open, _)| *open == name)
                && let Some((_, start)) = self.dropped.pop()
            {
                self.out.truncate(start);
            }
        }
        if CELLS.contains(&name) {
            self.gap = if self.gap.is_empty() { " " } else { self.gap };
        } else if !INLINE.contains(&name) {
            self.gap = "\n";
        }
    }

    /// Goes to the end tag of an element without tags inside, or to the end of the page.
    fn pass_raw(&mut self, name: &str) {
        while self.at < self.html.len() {
            self.at = self.find(b'<');
            let tag = self.rest().get(2..2 + name.len());
            if self.rest().starts_with(b"</") && tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes())) {
                return;
            }
            self.at = (self.at + 1).min(self.html.len());
        }
    }

    /// Adds words, with the entities in them decoded.
    fn words(&mut self, from: usize, to: usize) {
        let mut text = &self.html[from..to];
        while let Some(at) = memchr(b'&', text.as_bytes()) {
            self.add(&text[..at]);
            text = &text[at..];
            let (char, length) = entity(text).unwrap_or(('&', 1));
            self.looked += NAME;
            self.add(char.encode_utf8(&mut [0; 4]));
            text = &text[length..];
        }
        self.add(text);
    }

    fn add(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) && self.gap.is_empty() {
            self.gap = " ";
        }
        for word in text.split_whitespace() {
            if !self.out.is_empty() {
                self.out.push_str(self.gap);
            }
            self.out.push_str(word);
            self.gap = " ";
        }
        if !text.ends_with(char::is_whitespace) && !text.is_empty() {
            self.gap = "";
        }
    }
}

/// The character of the entity that a text begins with, and its bytes.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        let length = digits.bytes().take(NAME).take_while(|byte| (*byte as char).is_digit(radix)).count();
        let code = u32::from_str_radix(&digits[..length], radix).ok()?;
        let begin = text.len() - digits.len() + length;
        let semicolon = usize::from(text[begin..].starts_with(';'));
        let char = u8::try_from(code).map_or_else(|_| char::from_u32(code), |byte| Some(super::charset::western(byte)));
        return Some((char.filter(|char| *char != '\0').unwrap_or('\u{fffd}'), begin + semicolon));
    }
    let length = body.bytes().take(NAME).take_while(u8::is_ascii_alphanumeric).count();
    let name = &body[..length];
    let ends = body[length..].starts_with(';');
    let char = named(name)?;
    // Only the oldest names go without their semicolon.
    (ends || matches!(name, "amp" | "lt" | "gt" | "quot" | "nbsp")).then_some((char, 1 + length + usize::from(ends)))
}

fn named(name: &str) -> Option<char> {
    if let Some(at) = LATIN.split(' ').position(|latin| latin == name) {
        return char::from_u32(160 + at as u32);
    }
    OTHERS.iter().find(|(other, _)| *other == name).map(|(_, char)| *char)
}

/// From U+00A0 on, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
    AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times \
    Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute \
    ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc \
    uuml yacute thorn yuml";

const OTHERS: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("hellip", '…'),
    ("bull", '•'),
    ("dagger", '†'),
    ("Dagger", '‡'),
    ("prime", '′'),
    ("Prime", '″'),
    ("permil", '‰'),
    ("euro", '€'),
    ("trade", '™'),
    ("minus", '−'),
    ("larr", '←'),
    ("uarr", '↑'),
    ("rarr", '→'),
    ("darr", '↓'),
    ("harr", '↔'),
    ("rArr", '⇒'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("equiv", '≡'),
    ("asymp", '≈'),
    ("infin", '∞'),
    ("sum", '∑'),
    ("prod", '∏'),
    ("radic", '√'),
    ("part", '∂'),
    ("int", '∫'),
    ("isin", '∈'),
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ε'),
    ("theta", 'θ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("pi", 'π'),
    ("sigma", 'σ'),
    ("phi", 'φ'),
    ("omega", 'ω'),
    ("Delta", 'Δ'),
    ("Sigma", 'Σ'),
    ("Omega", 'Ω'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(html: &str) -> String {
        text(html).text
    }

    #[test]
    fn a_page_becomes_its_words_a_line_for_each_block() {
        let page = "<!DOCTYPE html><html><head><title>Write-Ahead Logging</title><style>p > a { }</style>\
            <script>if (a < b) document.write('<p>no</p>')</script></head><body><nav><a href=/>Home</a><nav>x</nav></nav>\
            <!-- <p>not this</p> --><h1>WAL</h1><p>All <b>proc</b>esses\n  using a   data&shy;base &mdash; on one&nbsp;host.\
            <br/>Next line</p><ul><li>one<li>two</ul><table><tr><td>a</td><td title='x>y'>b</td></tr></table></body></html>";
        assert_eq!(
            words(page),
            "Write-Ahead Logging\nWAL\nAll processes using a data\u{ad}base — on one host.\nNext line\none\ntwo\na b"
        );
    }

    #[test]
    fn entities_are_decoded_and_what_is_none_stays() {
        let page = "&lt;b&gt; &amp;amp; &eacute;&#233;&#xE9; &#150; &copy 5 &AMP; R&D &unknown; &#0; &#99999999; &";
        assert_eq!(words(page), "<b> &amp; ééé – &copy 5 &AMP; R&D &unknown; \u{fffd} \u{fffd} &");
        assert_eq!(words("&yuml;&nbsp;&para;"), "ÿ ¶");
    }

    #[test]
    fn what_is_not_closed_costs_no_more_than_a_browser_would_hide() {
        assert_eq!(words("a <nav> b <p>c"), "a\nb\nc", "an open element keeps its words");
        assert_eq!(words("a <script> b <p>c"), "a");
        assert_eq!(words("a <!-- b"), "a");
        assert_eq!(words("1 < 2 and 3<4 <"), "1 < 2 and 3<4 <");
        assert_eq!(words("<p a=\"b>c\">d</p></nav></script>e"), "d\ne");
        assert_eq!(words(""), "");
    }

    #[test]
    fn deep_and_hostile_pages_are_read_in_linear_time() {
        for piece in ["<div>", "<nav>", "<a b=\"", "<!--", "<script>", "&#", "&amp", "</", "<", "<script></scripp"] {
            let page = text(&piece.repeat(20_000));
            assert!(page.looked <= 40 * piece.len() * 20_000, "{piece}: {}", page.looked);
        }
    }

    proptest! {
        #[test]
        fn any_page_is_read_in_linear_time(page in "(<|>|/|[a-z]|script|style|nav|<p>|</nav>|<!--|-->|&|;|#|\"|'| |é|日|\n){0,300}") {
            let read = text(&page);
            prop_assert!(read.looked <= 40 * page.len() + 40);
            prop_assert!(read.text.len() <= page.len() * 3);
        }

        #[test]
        fn text_without_tags_only_loses_white_space(page in "[a-z.,é日 \n]{0,80}") {
            prop_assert_eq!(words(&page), page.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
