//! Folding: what is compared instead of a text, without case, width, accents and marks of emphasis.

use std::ops::Range;

use unicode_normalization::{
    UnicodeNormalization,
    char::{canonical_combining_class, decompose_compatible, is_combining_mark},
};

/// A folded text that knows where each part of it stands in the original.
#[derive(Debug, Clone, Default)]
pub struct FoldedText {
    pub text: String,
    pieces: Vec<FoldedPiece>,
    /// The length of the original.
    source_len: usize,
}

/// A part of the folded text, up to the next piece.
#[derive(Debug, Clone, Copy)]
struct FoldedPiece {
    folded: usize,
    source: usize,
    /// Byte for byte as long as the original, so that a position within maps to a position.
    is_linear: bool,
}

/// The kinds of characters that words are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// A letter or digit of a script that puts spaces between words.
    Word,
    /// A sign of a script without them, such as Chinese, Japanese, Korean and Thai; it counts by itself.
    Sign,
    Space,
    /// Punctuation and symbols.
    Other,
}

impl FoldedText {
    pub fn new(source: &str) -> Self {
        let mut folded = Self { source_len: source.len(), ..Self::default() };
        folded.text.reserve(source.len());
        let mut position = 0;
        while position < source.len() {
            let run = ascii_run(&source.as_bytes()[position..]);
            if run > 0 {
                folded.push_ascii(&source[position..position + run], position);
                position += run;
            } else {
                let cluster = cluster_len(&source[position..]);
                folded.push_cluster(&source[position..position + cluster], position);
                position += cluster;
            }
        }
        folded
    }

    /// Returns the part of the original that a range of the folded text stands for.
    pub fn source_range(&self, range: &Range<usize>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let (first, last) = (self.piece_at(range.start), self.piece_at(range.end - 1));
        let offset = |piece: FoldedPiece, position: usize| piece.source + (position - piece.folded);
        let start = self.pieces[first];
        let start = if start.is_linear { offset(start, range.start) } else { start.source };
        let end = self.pieces[last];
        let end = if end.is_linear {
            offset(end, range.end)
        } else {
            self.pieces.get(last + 1).map_or(self.source_len, |next| next.source)
        };
        start..end
    }

    /// Returns the parts of the original for ranges in order; those that overlap become one.
    pub fn source_ranges(&self, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut joined: Vec<Range<usize>> = Vec::new();
        for range in ranges.iter().map(|range| self.source_range(range)) {
            match joined.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        joined
    }

    /// The index of the piece that a position of the folded text is in.
    fn piece_at(&self, position: usize) -> usize {
        self.pieces.partition_point(|piece| piece.folded <= position).saturating_sub(1)
    }

    /// Appends ASCII that neither contains space nor follows on an accent.
    fn push_ascii(&mut self, source: &str, position: usize) {
        self.push_piece(position, true);
        let start = self.text.len();
        self.text.push_str(source);
        self.text[start..].make_ascii_lowercase();
    }

    /// Appends a character with the marks on it.
    fn push_cluster(&mut self, source: &str, position: usize) {
        if source.chars().all(|letter| letter.is_whitespace() || is_ignored(letter)) {
            let is_space = source.chars().any(char::is_whitespace);
            self.push_piece(position, false);
            if is_space && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
            return;
        }
        let start = self.text.len();
        self.push_piece(position, false);
        let lower = source.chars().filter(|letter| !is_ignored(*letter)).flat_map(char::to_lowercase);
        let decomposed = lower.nfkd().flat_map(char::to_lowercase).filter(|letter| !is_accent(*letter));
        for letter in decomposed.nfc() {
            match simple_form(letter) {
                Some(plain) => self.text.push_str(plain),
                None if letter.is_whitespace() => self.text.push(' '),
                None => self.text.push(letter),
            }
        }
        if self.text[start..] == *source
            && let Some(piece) = self.pieces.last_mut()
        {
            piece.is_linear = true;
        }
        self.join_linear();
    }

    fn push_piece(&mut self, source: usize, is_linear: bool) {
        let folded = self.text.len();
        let follows = |last: &FoldedPiece| is_linear && last.is_linear && folded - last.folded == source - last.source;
        if !self.pieces.last().is_some_and(follows) {
            self.pieces.push(FoldedPiece { folded, source, is_linear });
        }
    }

    /// Drops the last piece if it goes on where the one before ends.
    fn join_linear(&mut self) {
        if let [.., before, last] = self.pieces[..]
            && before.is_linear
            && last.is_linear
            && last.folded - before.folded == last.source - before.source
        {
            self.pieces.pop();
        }
    }
}

/// Folds a text of the query, whose positions do not matter.
pub fn fold(text: &str) -> String {
    FoldedText::new(text).text
}

pub fn letter_kind(letter: char) -> LetterKind {
    if letter.is_ascii() {
        return match letter {
            '0'..='9' | 'A'..='Z' | 'a'..='z' => LetterKind::Word,
            _ if letter.is_ascii_whitespace() => LetterKind::Space,
            _ => LetterKind::Other,
        };
    }
    if is_unspaced(letter) {
        LetterKind::Sign
    } else if letter.is_alphanumeric() || is_combining_mark(letter) {
        LetterKind::Word
    } else if letter.is_whitespace() {
        LetterKind::Space
    } else {
        LetterKind::Other
    }
}

/// Whether a character belongs to a script that does not put spaces between words, or (Korean) glues endings to them.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{0f40}'..='\u{0fbc}' // Tibetan
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1100}'..='\u{11ff}' // Korean letters
        | '\u{1780}'..='\u{17dd}' // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}' // Kana
        | '\u{3105}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3134f}')
        && (letter.is_alphanumeric() || is_combining_mark(letter) || letter == '\u{30fc}')
}

/// The number of leading bytes that fold to themselves in lower case, each on its own.
fn ascii_run(bytes: &[u8]) -> usize {
    let plain = bytes.iter().take_while(|byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'*' | b'`')).count();
    let mut run = plain;
    // A space that stands alone needs no collapsing.
    while let Some([b' ', next]) = bytes.get(run..run + 2)
        && run > 0
        && matches!(next, b'!'..=b'~')
        && !matches!(next, b'*' | b'`')
    {
        run += 1;
        run +=
            bytes[run..].iter().take_while(|byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'*' | b'`')).count();
    }
    // The marks on the last character belong to it.
    if bytes.get(run).is_some_and(|byte| !byte.is_ascii()) { run.saturating_sub(1) } else { run }
}

/// The length of a character with the marks on it, or of a run of white space.
fn cluster_len(text: &str) -> usize {
    let mut letters = text.char_indices();
    let Some((_, first)) = letters.next() else { return 0 };
    if first.is_whitespace() || is_ignored(first) {
        return letters.find(|(_, next)| !next.is_whitespace() && !is_ignored(*next)).map_or(text.len(), |(at, _)| at);
    }
    letters.find(|(_, next)| !is_attached(*next)).map_or(text.len(), |(at, _)| at)
}

/// Whether a character belongs to the one before: a mark on it, or the rest of a Korean syllable.
fn is_attached(letter: char) -> bool {
    if letter.is_ascii() {
        return false;
    }
    let mut first = None;
    decompose_compatible(letter, |part| {
        first.get_or_insert(part);
    });
    first.is_some_and(|first| canonical_combining_class(first) != 0 || matches!(first, '\u{1160}'..='\u{11ff}'))
}

/// Marks of emphasis, and what nobody sees.
fn is_ignored(letter: char) -> bool {
    match letter {
        '*' | '`' => true,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => letter.is_control() && !letter.is_whitespace(),
    }
}

/// The accents of Latin, Greek and Cyrillic, and the vowel signs that Arabic and Hebrew may leave out.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{64b}'..='\u{655}' | '\u{670}')
}

/// What is written for letters that have no decomposition, and for typographic signs.
fn simple_form(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ς' => "σ",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '‘' | '’' | '‚' | '‛' => "'",
        '“' | '”' | '„' | '‟' => "\"",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_accents_and_emphasis_do_not_matter() {
        for (text, folded) in [
            ("Straße STRASSE", "strasse strasse"),
            ("Café cafe\u{301} CAFÉ", "cafe cafe cafe"),
            ("ＮＦＳ ４．１", "nfs 4.1"),
            ("ﾃﾞｰﾀ データ", "データ データ"),
            ("가나 \u{1100}\u{1161}", "가나 가"),
            ("İstanbul ISTANBUL ıI", "istanbul istanbul ii"),
            ("**bold** `code` snake_case", "bold code snake_case"),
            ("a\n\n  b\u{a0}c\td", "a b c d"),
            ("soft\u{ad}hyphen zero\u{200b}width", "softhyphen zerowidth"),
            ("don’t “say” — non\u{2011}breaking", "don't \"say\" - non-breaking"),
            ("Ёлка ёлка Øre Łódź", "елка елка ore lodz"),
            ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
            ("ที่นี่", "ที่นี่"),
        ] {
            assert_eq!(FoldedText::new(text).text, folded, "{text}");
        }
    }

    #[test]
    fn a_range_of_the_folded_text_maps_to_the_original() {
        let text = "Ein **Café** in\nder ＮＦＳ-Straße, 日本語 ok";
        let folded = FoldedText::new(text);
        let original = |part: &str| {
            let start = folded.text.find(part).expect("it is there");
            &text[folded.source_range(&(start..start + part.len()))]
        };
        assert_eq!(original("cafe"), "Café");
        assert_eq!(original("afe** in".trim_matches('*').split("**").next().unwrap_or("")), "afé");
        assert_eq!(original("in der"), "in\nder");
        assert_eq!(original("nfs-stras"), "ＮＦＳ-Straß");
        assert_eq!(original("本"), "本");
        assert_eq!(original("ok"), "ok");
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for text in ["Ǆ ŉ ﬁ ½ ™ ㎒", "e\u{301}\u{323}x", "ｶﾞｷﾞ", "\u{1e9e}", "a\u{300}\u{200b}b * c"] {
            let once = fold(text);
            assert_eq!(fold(&once), once, "{text}");
        }
    }
}
