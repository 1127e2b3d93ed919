//! Extracts the text of an HTML page in one pass, without a tree and in linear time.

use std::ops::Range;

use memchr::{memchr, memmem};

/// The text of a page, one line per block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HtmlText {
    pub text: String,
    /// In order.
    pub headings: Vec<PageHeading>,
    /// A script may show more than there is without it.
    pub has_scripts: bool,
    /// The number of bytes examined, for tests.
    pub bytes_examined: usize,
}

/// A heading in the text of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageHeading {
    pub range: Range<usize>,
    /// The title of the page, which stands above all of it.
    pub is_title: bool,
}

/// Elements without visible text, in which nothing is a tag up to the end tag.
const RAW_ELEMENTS: &[&str] = &["script", "style", "iframe", "noembed", "noframes", "xmp", "textarea"];
/// Elements whose text is not part of the page's content.
const DROPPED_ELEMENTS: &[&str] = &["nav", "template", "svg", "noscript", "select", "math"];
const CELL_ELEMENTS: &[&str] = &["td", "th", "dt", "dd", "option", "button", "label", "img"];
/// Elements inside a line; all others begin and end one.
const INLINE_ELEMENTS: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr",
];
const HEADING_ELEMENTS: &[&str] = &["title", "h1", "h2", "h3", "h4", "h5", "h6"];
/// The longest name of an element or entity that is read.
const MAX_NAME_BYTES: usize = 32;

pub fn extract_text(html: &str) -> HtmlText {
    let mut reader = HtmlReader {
        html,
        pos: 0,
        out: String::new(),
        separator: "",
        open_dropped: Vec::new(),
        open_heading: None,
        headings: Vec::new(),
        has_scripts: false,
        bytes_examined: 0,
    };
    reader.run();
    // What was dropped may have had headings.
    reader.headings.retain(|heading| heading.range.end <= reader.out.len());
    HtmlText {
        text: reader.out,
        headings: reader.headings,
        has_scripts: reader.has_scripts,
        bytes_examined: reader.bytes_examined,
    }
}

struct HtmlReader<'a> {
    html: &'a str,
    pos: usize,
    out: String,
    /// The separator before the next word.
    separator: &'static str,
    /// Where the text of each open dropped element begins, innermost last.
    open_dropped: Vec<(&'static str, usize)>,
    /// Where the text of the open heading begins.
    open_heading: Option<usize>,
    headings: Vec<PageHeading>,
    has_scripts: bool,
    bytes_examined: usize,
}

impl HtmlReader<'_> {
    fn run(&mut self) {
        while self.pos < self.html.len() {
            let next = self.find_byte(b'<');
            self.push_text(self.pos, next);
            self.pos = next;
            if next < self.html.len() {
                self.read_tag();
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.html.as_bytes()[self.pos..]
    }

    /// Returns the next position of a byte, or the end.
    fn find_byte(&mut self, byte: u8) -> usize {
        let found = memchr(byte, self.rest()).map_or(self.html.len(), |offset| self.pos + offset);
        self.bytes_examined += found - self.pos;
        found
    }

    /// Skips past the next occurrence of these bytes, or to the end.
    fn skip_past(&mut self, bytes: &[u8]) {
        let offset = memmem::find(self.rest(), bytes).map_or(self.rest().len(), |offset| offset + bytes.len());
        self.bytes_examined += offset;
        self.pos += offset;
    }

    /// Reads a tag or comment; the position is at a `<`.
    fn read_tag(&mut self) {
        let rest = self.rest();
        let is_end = rest.get(1) == Some(&b'/');
        let name = &rest[1 + usize::from(is_end)..];
        match name.first() {
            Some(first) if first.is_ascii_alphabetic() => (),
            _ if rest.starts_with(b"<!--") => {
                self.pos += 4;
                return self.skip_past(b"-->");
            }
            Some(b'!' | b'?') => return self.skip_past(b">"),
            _ if is_end => return self.skip_past(b">"),
            _ => {
                self.push_text(self.pos, self.pos + 1);
                self.pos += 1;
                return;
            }
        }
        let length =
            name.iter().take(MAX_NAME_BYTES).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        let name = String::from_utf8_lossy(&name[..length]).to_ascii_lowercase();
        self.pos += 1 + usize::from(is_end) + length;
        self.skip_attributes();
        self.on_element(&name, is_end);
    }

    /// Skips past the `>` of a tag, ignoring any in quotes.
    fn skip_attributes(&mut self) {
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
        let skipped = end.map_or(bytes.len(), |end| end + 1);
        self.bytes_examined += skipped;
        self.pos += skipped;
    }

    fn on_element(&mut self, name: &str, is_end: bool) {
        if !is_end && RAW_ELEMENTS.contains(&name) {
            self.has_scripts |= name == "script";
            self.skip_raw(name);
        }
        if HEADING_ELEMENTS.contains(&name) {
            self.on_heading(name == "title", is_end);
        }
        if let Some(name) = DROPPED_ELEMENTS.iter().copied().find(|dropped| *dropped == name) {
            if !is_end {
                self.open_dropped.push((name, self.out.len()));
            } else if self.open_dropped.last().is_some_and(|(open, _)| *open == name)
                && let Some((_, start)) = self.open_dropped.pop()
            {
                self.out.truncate(start);
            }
        }
        if CELL_ELEMENTS.contains(&name) {
            self.separator = if self.separator.is_empty() { " " } else { self.separator };
        } else if !INLINE_ELEMENTS.contains(&name) {
            self.separator = "\n";
        }
    }

    fn on_heading(&mut self, is_title: bool, is_end: bool) {
        if !is_end {
            self.open_heading = Some(self.out.len());
        } else if let Some(start) = self.open_heading.take().filter(|start| *start < self.out.len()) {
            let blank = self.out[start..].len() - self.out[start..].trim_start().len();
            let range = start + blank..self.out.len();
            // What was dropped may have had others.
            self.headings.retain(|heading| heading.range.end <= start);
            self.headings.push(PageHeading { range, is_title });
        }
    }

    /// Skips to the end tag of a raw element, or to the end of the page.
    fn skip_raw(&mut self, name: &str) {
        while self.pos < self.html.len() {
            self.pos = self.find_byte(b'<');
            let tag = self.rest().get(2..2 + name.len());
            if self.rest().starts_with(b"</") && tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes())) {
                return;
            }
            self.pos = (self.pos + 1).min(self.html.len());
        }
    }

    /// Adds text with its entities decoded.
    fn push_text(&mut self, from: usize, to: usize) {
        let mut text = &self.html[from..to];
        while let Some(index) = memchr(b'&', text.as_bytes()) {
            self.push_words(&text[..index]);
            text = &text[index..];
            let (char, length) = decode_entity(text).unwrap_or(('&', 1));
            self.bytes_examined += MAX_NAME_BYTES;
            self.push_words(char.encode_utf8(&mut [0; 4]));
            text = &text[length..];
        }
        self.push_words(text);
    }

    fn push_words(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) && self.separator.is_empty() {
            self.separator = " ";
        }
        for word in text.split_whitespace() {
            if !self.out.is_empty() {
                self.out.push_str(self.separator);
            }
            self.out.push_str(word);
            self.separator = " ";
        }
        if !text.ends_with(char::is_whitespace) && !text.is_empty() {
            self.separator = "";
        }
    }
}

/// Decodes the entity at the beginning of a text; returns its character and its length in bytes.
fn decode_entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        let length = digits.bytes().take(MAX_NAME_BYTES).take_while(|byte| (*byte as char).is_digit(radix)).count();
        let code = u32::from_str_radix(&digits[..length], radix).ok()?;
        let begin = text.len() - digits.len() + length;
        let semicolon = usize::from(text[begin..].starts_with(';'));
        let char =
            u8::try_from(code).map_or_else(|_| char::from_u32(code), |byte| Some(super::charset::windows_1252(byte)));
        return Some((char.filter(|char| *char != '\0').unwrap_or('\u{fffd}'), begin + semicolon));
    }
    let length = body.bytes().take(MAX_NAME_BYTES).take_while(u8::is_ascii_alphanumeric).count();
    let name = &body[..length];
    let ends = body[length..].starts_with(';');
    let char = named_entity(name)?;
    // Only the oldest names are valid without a semicolon.
    (ends || matches!(name, "amp" | "lt" | "gt" | "quot" | "nbsp")).then_some((char, 1 + length + usize::from(ends)))
}

fn named_entity(name: &str) -> Option<char> {
    if let Some(at) = LATIN_1_ENTITIES.split(' ').position(|latin| latin == name) {
        return char::from_u32(160 + at as u32);
    }
    OTHER_ENTITIES.iter().find(|(other, _)| *other == name).map(|(_, char)| *char)
}

/// The names of U+00A0 and the following characters, in order.
const LATIN_1_ENTITIES: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
    AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times \
    Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute \
    ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc \
    uuml yacute thorn yuml";

const OTHER_ENTITIES: &[(&str, char)] = &[
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
        extract_text(html).text
    }

    #[test]
    fn a_page_becomes_text_with_one_line_per_block() {
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
    fn entities_are_decoded_and_unknown_ones_stay() {
        let page = "&lt;b&gt; &amp;amp; &eacute;&#233;&#xE9; &#150; &copy 5 &AMP; R&D &unknown; &#0; &#99999999; &";
        assert_eq!(words(page), "<b> &amp; ééé – &copy 5 &AMP; R&D &unknown; \u{fffd} \u{fffd} &");
        assert_eq!(words("&yuml;&nbsp;&para;"), "ÿ ¶");
    }

    #[test]
    fn an_unclosed_element_hides_no_more_than_in_a_browser() {
        assert_eq!(words("a <nav> b <p>c"), "a\nb\nc", "the text of an unclosed element stays");
        assert_eq!(words("a <script> b <p>c"), "a");
        assert_eq!(words("a <!-- b"), "a");
        assert_eq!(words("1 < 2 and 3<4 <"), "1 < 2 and 3<4 <");
        assert_eq!(words("<p a=\"b>c\">d</p></nav></script>e"), "d\ne");
        assert_eq!(words(""), "");
    }

    #[test]
    fn deep_and_hostile_pages_are_read_in_linear_time() {
        for piece in ["<div>", "<nav>", "<a b=\"", "<!--", "<script>", "&#", "&amp", "</", "<", "<script></scripp"] {
            let page = extract_text(&piece.repeat(20_000));
            assert!(page.bytes_examined <= 40 * piece.len() * 20_000, "{piece}: {}", page.bytes_examined);
        }
    }

    proptest! {
        #[test]
        fn any_page_is_read_in_linear_time(page in "(<|>|/|[a-z]|script|style|nav|<p>|</nav>|<!--|-->|&|;|#|\"|'| |é|日|\n){0,300}") {
            let read = extract_text(&page);
            prop_assert!(read.bytes_examined <= 40 * page.len() + 40);
            prop_assert!(read.text.len() <= page.len() * 3);
        }

        #[test]
        fn text_without_tags_loses_only_white_space(page in "[a-z.,é日 \n]{0,80}") {
            prop_assert_eq!(words(&page), page.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
