//! Whether a single newline in a paragraph begins a new row.
//!
//! Strict Markdown makes a space of it. But models write rows: of bullets that are no list, of keys and values, of files
//! in a tree, of verse. The rule of `line_breaks = "auto"`: a newline begins a new row, except in prose that was wrapped
//! by hand, where it is a space. Prose is wrapped by hand if
//!
//! - its first two rows are at least 45 cells wide (40 if the sentence goes on in a small letter) and differ by at most 20;
//! - the first word of the second row would not have fitted into the first;
//! - a sentence goes on from the first row to the second or from the second to the third.
//!
//! With two rows, the second may be shorter, and the sentence must go on in a small letter, or the first row must end with
//! a comma or a word that ends no sentence, such as "the". While a paragraph may still
//! grow and has no third row, its newlines begin rows. In prose wrapped by hand, too, a row begins where a line starts
//! like one of a list: with a bullet, an emoji, a key in bold, a time, a box of a tree, or like the line above it.

use crate::text;

/// How the newlines of one paragraph are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ParagraphBreaks {
    is_prose: bool,
}

/// The least width of a row of prose, and the least if the sentence clearly goes on.
const MIN_PROSE_WIDTH: usize = 45;
const MIN_CLEAR_PROSE_WIDTH: usize = 40;
/// Rows of prose differ by at most this many cells.
const MAX_WIDTH_DIFFERENCE: usize = 20;
/// Words that end no sentence, in languages that write capitals.
const OPEN_WORDS: [&str; 67] = [
    "a", "an", "the", "of", "and", "or", "to", "in", "by", "with", "from", "for", "at", "as", "than", "that", "which",
    "whose", "is", "are", "was", "were", "under", "between", "into", "your", "their", "its", "our", "der", "die",
    "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "und", "oder", "von", "zu", "im", "am",
    "mit", "für", "auf", "bei", "aus", "nach", "als", "dass", "le", "la", "les", "de", "du", "et", "pour", "el", "los",
    "y", "que", "con", "di",
];
/// A key is at most this long.
const MAX_KEY_WIDTH: usize = 32;

impl ParagraphBreaks {
    /// Decides by the first three rows of a paragraph, without their indents. Only the last of them may grow.
    pub(super) fn of(rows: &[&str], may_grow: bool) -> Self {
        let is_prose = match *rows {
            [first, second, third, ..] => {
                let (widths, goes_on) = ([text::width(first), text::width(second)], is_continued(first, second));
                let is_clear = goes_on == SentenceJoint::Within || is_continued(second, third) == SentenceJoint::Within;
                let is_likely =
                    goes_on == SentenceJoint::Likely && is_continued(second, third) == SentenceJoint::Likely;
                let min = if is_clear { MIN_CLEAR_PROSE_WIDTH } else { MIN_PROSE_WIDTH };
                (is_clear || is_likely)
                    && widths.iter().all(|width| *width >= min)
                    && widths[0].abs_diff(widths[1]) <= MAX_WIDTH_DIFFERENCE
                    && !would_fit(first, second, widths[0].max(widths[1]))
            }
            [first, second] if !may_grow => {
                let width = text::width(first);
                width >= MIN_PROSE_WIDTH
                    && goes_on_surely(first, second)
                    && !would_fit(first, second, width.max(text::width(second)))
            }
            _ => false,
        };
        Self { is_prose }
    }

    /// Whether the line end between two lines, without their indents, begins a new row.
    pub(super) fn begin_row(self, above: &str, below: &str) -> bool {
        !self.is_prose || begins_like_a_row(below) || begin_alike(above, below)
    }
}

/// How a sentence goes on from one row to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SentenceJoint {
    /// The next row begins with a small letter, or one without case.
    Within,
    /// The row ends without a stop.
    Likely,
    No,
}

/// Whether the sentence of a row goes on in the next, which may begin with a name or a noun in capitals.
fn goes_on_surely(row: &str, next: &str) -> bool {
    match is_continued(row, next) {
        SentenceJoint::Within => true,
        SentenceJoint::Likely => OPEN_WORDS.contains(&row.trim_end().rsplit(' ').next().unwrap_or_default()),
        SentenceJoint::No => row.trim_end().ends_with(',') && !begins_like_a_row(next),
    }
}

fn is_continued(row: &str, next: &str) -> SentenceJoint {
    let marks = ['*', '_', '`', '"', '\'', '(', ')', '[', ']', '“', '”', '’', '«', '»', '~'];
    let last = row.trim_end().trim_end_matches(marks).chars().next_back();
    let first = next.trim_start_matches(marks).chars().next();
    let (Some(last), Some(first)) = (last, first) else { return SentenceJoint::No };
    let is_stop = matches!(last, '.' | '!' | '?' | ':' | ';' | '…' | '。' | '！' | '？' | '：' | '；' | '」' | '|');
    if is_stop || begins_like_a_row(next) {
        SentenceJoint::No
    } else if first.is_alphabetic() && !first.is_uppercase() {
        SentenceJoint::Within
    } else if last.is_alphanumeric() || matches!(last, '-' | '–' | '—' | '/') {
        SentenceJoint::Likely
    } else {
        SentenceJoint::No
    }
}

/// Whether the first word of a row has room at the end of the row above, in a column that is `width` cells wide.
fn would_fit(above: &str, row: &str, width: usize) -> bool {
    let word = row.split(' ').next().unwrap_or("");
    text::width(above.trim_end()) + 1 + text::width(word) + 1 < width
}

/// Whether a line starts as the rows of a list do.
fn begins_like_a_row(line: &str) -> bool {
    if line.starts_with("**") || line.starts_with("__") {
        return has_bold_key(line);
    }
    let Some(first) = line.chars().next() else { return false };
    let rest = &line[first.len_utf8()..];
    let second = rest.chars().next();
    match first {
        '•' | '‣' | '◦' | '⁃' | '●' | '○' | '■' | '□' | '▪' | '▫' | '◆' | '◇' | '►' | '▶' | '▸' | '▹' | '➤' | '→'
        | '⇒' | '※' | '|' => true,
        '·' | '∙' | '–' | '—' | '−' | '-' | '*' | '+' | '>' | '$' | '%' => {
            second.is_none_or(char::is_whitespace)
        }
        // Boxes, signs and emoji.
        '\u{2500}'..='\u{259f}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => true,
        '/' | '@' => second.is_some_and(char::is_alphanumeric),
        '[' => second.is_some_and(|char| char.is_ascii_digit()),
        '(' => second.is_some_and(|label| has_label(label, &rest[label.len_utf8()..])),
        '0'..='9' => begins_with_number(line),
        _ => ["http://", "https://", "./"].iter().any(|start| line.starts_with(start)) || has_label(first, rest),
    }
}

/// Whether a letter or digit and a closing bracket label a row: `a) text`, `(2) text`.
fn has_label(label: char, rest: &str) -> bool {
    label.is_alphanumeric() && rest.starts_with(") ")
}

/// Whether a line begins with a time, a date, the number of an item or a keycap.
fn begins_with_number(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let is_digit = |text: &str, at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    rest.starts_with([':', '-', '/']) && is_digit(rest, 1) && is_digit(rest, 2)
        || rest.starts_with(". ")
        || rest.starts_with(") ")
        || rest.starts_with(['\u{fe0f}', '\u{20e3}'])
}

/// Whether a line begins with bold words and a colon or a dash.
fn has_bold_key(line: &str) -> bool {
    let marks = &line[..2];
    let Some((key, rest)) = line[2..].split_once(marks) else { return false };
    let is_colon = |char: char| matches!(char, ':' | '：');
    text::width(key) <= MAX_KEY_WIDTH
        && (key.ends_with(is_colon)
            || rest.trim_start().starts_with(|char| is_colon(char) || matches!(char, '–' | '—' | '-' | '=')))
}

/// Whether two lines begin in the same way: with the same word, with keys, or with words in capitals.
fn begin_alike(above: &str, below: &str) -> bool {
    let word = |line: &str| line.split(' ').next().unwrap_or("").len();
    let (first, second) = (&above[..word(above)], &below[..word(below)]);
    let is_capital = |word: &str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b':');
    first.len() > 1 && first == second || is_capital(first) && is_capital(second) || has_key(above) && has_key(below)
}

/// Whether a line begins with a few words and a colon.
fn has_key(line: &str) -> bool {
    let Some((key, rest)) = line.split_once([':', '：']) else { return false };
    text::width(key) <= MAX_KEY_WIDTH
        && key.split(' ').count() <= 4
        && key.starts_with(char::is_alphanumeric)
        && (rest.is_empty() || rest.starts_with(' ') || !line.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rows of a complete paragraph.
    fn rows(paragraph: &str) -> Vec<String> {
        let lines: Vec<&str> = paragraph.lines().map(str::trim_start).collect();
        let breaks = ParagraphBreaks::of(&lines, false);
        let mut rows: Vec<String> = vec![lines[0].to_owned()];
        for pair in lines.windows(2) {
            match rows.last_mut().filter(|_| !breaks.begin_row(pair[0], pair[1])) {
                Some(row) => row.extend([" ", pair[1]]),
                None => rows.push(pair[1].to_owned()),
            }
        }
        rows
    }

    #[test]
    fn lists_of_rows_stay_rows() {
        for text in [
            "• one\n• two",
            "✅ Done: the parser\n✅ Done: the tests that took the longest of all to write\n❌ Open: the rest",
            "Roses are red,\nviolets are blue",
            "Two roads diverged in a yellow wood,\nAnd sorry I could not travel both\nAnd be one traveler, long I stood",
            "ibid Ltd\n1 Example Street\nLondon",
            "12:00 lunch with all the people who came to the meeting this morning\n13:30 meeting with those who stayed for the rest of the long day",
            "Q: Does it scale when there are many more of them than we have now?\nA: Yes, to a point, and then it needs another machine to go on",
            "**Name:** the first of the two words that are asked for in the form\n**Place:** wherever one happens to be when the form is filled in",
            "2026-01-02 10:00:01 INFO the server has started and listens on port 8080\n2026-01-02 10:00:02 INFO the first request came in from the local network",
            "INFO the server has started and is listening on its usual port again\nWARN the first request took longer than it should have taken to come in",
            "https://example.org/a/long/address/that/goes/on/and/on\nhttps://example.org/another/long/address/that/goes/on",
            "This sentence stands on a row of its own, as some writers do it.\nSo does this one, which makes changes of the text easy to review.",
            "床前明月光，\n疑是地上霜。",
            "Shall I compare thee to a summer's day and to its long warm night\nThou art more lovely",
            "The first of the two rows of this list is as wide as prose, and long\nThe second row",
            "Roses are red, my love,\nViolets are blue",
        ] {
            assert_eq!(rows(text), text.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn prose_wrapped_by_hand_flows() {
        for text in [
            "A paragraph that a model has wrapped at sixty columns, as\nsome of them do, has rows that are nearly as wide as each\nother.",
            "A paragraph that a model has wrapped at seventy-two columns has rows\nthat are nearly as wide as each other, and every one of them but the\nlast ends in the middle of a sentence.",
            "A row that ends a sentence is no reason to break the rest of the text.\nAnother one begins here and goes on until the row is full, which makes\nit clear.",
            "A paragraph that a model has wrapped at eighty columns may well have only two of\nthem.",
            "The files of an old project can be moved to another machine with the\nArchive Manager.",
            "Die Einstellungen des Programms gelten für alle Fenster, die von der\nAnwendung geöffnet werden.",
            "The server runs on each of the machines in Berlin, Paris, Rome,\nMadrid and Vienna.",
            "这是一个由模型按固定宽度手动换行的段落，每一行的宽度几乎相同，而且句子在行\n末并没有结束，所以读者在较窄的窗口里不希望看到每隔一行只有几个字的情况出现\n这样的排版。",
        ] {
            assert_eq!(rows(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_list_below_prose_begins_rows() {
        let text = "A paragraph that a model has wrapped at sixty columns, as\nsome of them do, has rows that are nearly as wide as each\nother, and then come\n• a bullet that is itself wrapped by hand, since it is as\n  long as that\n• another";
        assert_eq!(rows(text).len(), 3, "{:?}", rows(text));
    }

    #[test]
    fn a_growing_paragraph_keeps_its_rows_until_the_third() {
        let lines = [
            "A paragraph that a model has wrapped at sixty columns, as",
            "some of them do, has rows that are nearly as wide as each",
            "o",
        ];
        assert!(!ParagraphBreaks::of(&lines[..2], true).is_prose);
        assert!(ParagraphBreaks::of(&lines, true).is_prose);
        assert!(ParagraphBreaks::of(&lines[..2], false).is_prose);
    }
}
