//! Removes from a text whatever could control a terminal or deceive its reader.

use std::{borrow::Cow, ops::Range};

use unicode_width::UnicodeWidthChar;

/// Makes a text safe for a screen, stdout, a title or the clipboard.
///
/// Escape sequences and control characters are removed; a tab becomes spaces and every kind of line end `\n`; a
/// character that changes the direction of writing is shown by its name. Clean text is returned as it is, and cleaning
/// twice changes nothing more.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_cleaning) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    TextCleaner::default().push(text, &mut out);
    Cow::Owned(out)
}

/// Cleans a text that arrives in pieces; the result does not depend on where it is split.
#[derive(Debug, Clone, Default)]
pub struct TextCleaner {
    state: EscapeState,
    /// The cells since the last line end, for tabs.
    column: usize,
    /// The zero-width characters since the last character with a width.
    zero_width_run: u8,
    /// The last character was a black flag, or a tag character of one.
    in_flag: bool,
}

/// Maps a position in the cleaned text to the original.
///
/// The text between two edits is a copy of the original between them or, if their lengths differ, replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanEdit {
    pub clean: usize,
    pub raw: usize,
}

/// The escape sequence that is being read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    Text,
    /// After a carriage return that became a line end.
    CarriageReturn,
    Escape,
    /// An escape with intermediate bytes, such as one that selects a character set.
    Intermediate,
    Csi,
    /// OSC, DCS, APC, PM or SOS: ends with BEL, ST or the line, so that an unterminated one costs a line and not the
    /// answer.
    ControlString,
}

/// The most zero-width characters in a row; real scripts need fewer.
const MAX_ZERO_WIDTH_RUN: u8 = 16;
const TAB_WIDTH: usize = 4;

impl TextCleaner {
    /// Cleans `text` and appends it to `out`.
    pub fn push(&mut self, text: &str, out: &mut String) {
        self.clean_into(text, out, |_, _| ());
    }

    /// Like [`push`](Self::push), and records where `out` stops being a copy of the text. `raw` is the byte offset of
    /// `text` in the original.
    pub fn push_with_edits(&mut self, text: &str, raw: usize, out: &mut String, edits: &mut Vec<CleanEdit>) {
        self.clean_into(text, out, |clean, chars| {
            for (clean, at) in [(clean.start, chars.start), (clean.end, chars.end)] {
                let edit = CleanEdit { clean, raw: raw + at };
                match edits.as_mut_slice() {
                    [.., last] if *last == edit => (),
                    // Another removed character.
                    [.., before, last] if before.clean == clean && last.clean == clean => *last = edit,
                    _ => edits.push(edit),
                }
            }
        });
    }

    /// Reports each range of `out` that is not a copy of the text, and the range of the text that it replaces.
    fn clean_into(&mut self, text: &str, out: &mut String, mut edited: impl FnMut(Range<usize>, Range<usize>)) {
        for (at, char) in text.char_indices() {
            let before = out.len();
            self.step(char, out);
            if out.len() - before != char.len_utf8() {
                edited(before..out.len(), at..at + char.len_utf8());
            }
        }
    }

    #[expect(clippy::match_same_arms, reason = "a state table is easiest to read in the order of its states")]
    fn step(&mut self, char: char, out: &mut String) {
        self.state = match (self.state, char) {
            (_, '\u{1b}') => EscapeState::Escape,
            (EscapeState::CarriageReturn, '\n') => EscapeState::Text,
            (EscapeState::Text | EscapeState::CarriageReturn, _) => self.push_text_char(char, out),
            (_, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') => self.push_text_char(char, out),
            (_, '\u{18}' | '\u{1a}' | '\u{9c}') => EscapeState::Text,
            (EscapeState::ControlString, '\u{7}') => EscapeState::Text,
            (EscapeState::ControlString, _) => EscapeState::ControlString,
            (_, '\u{80}'..='\u{9f}') => after_c1_control(char),
            (EscapeState::Escape, '[') => EscapeState::Csi,
            (EscapeState::Escape, ']' | 'P' | 'X' | '^' | '_') => EscapeState::ControlString,
            (EscapeState::Escape | EscapeState::Intermediate, ' '..='/') => EscapeState::Intermediate,
            (EscapeState::Escape | EscapeState::Intermediate, '0'..='~') => EscapeState::Text,
            (EscapeState::Csi, ' '..='?') => EscapeState::Csi,
            (EscapeState::Csi, '@'..='~') => EscapeState::Text,
            (EscapeState::Escape | EscapeState::Intermediate | EscapeState::Csi, '\0'..='\u{1f}' | '\u{7f}') => {
                self.state
            }
            (EscapeState::Escape | EscapeState::Intermediate | EscapeState::Csi, _) => self.push_text_char(char, out),
        };
    }

    fn push_text_char(&mut self, char: char, out: &mut String) -> EscapeState {
        let flag = std::mem::replace(&mut self.in_flag, char == '\u{1f3f4}');
        match char {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push('\n');
                self.column = 0;
                self.zero_width_run = 0;
                return if char == '\r' { EscapeState::CarriageReturn } else { EscapeState::Text };
            }
            '\t' => {
                let cells = TAB_WIDTH - self.column % TAB_WIDTH;
                out.extend(std::iter::repeat_n(' ', cells));
                self.column += cells;
                self.zero_width_run = 0;
            }
            '\u{80}'..='\u{9f}' => return after_c1_control(char),
            '\0'..='\u{1f}' | '\u{7f}' => (),
            '\u{e0020}'..='\u{e007f}' => {
                self.in_flag = flag;
                if flag {
                    out.push(char);
                }
            }
            _ => match direction_control_name(char) {
                Some(name) => {
                    out.push_str(name);
                    self.column += name.len() - 4; // Two brackets: six bytes, two cells.
                    self.zero_width_run = 0;
                }
                None if is_invisible(char) => (),
                None => self.push_visible(char, out),
            },
        }
        EscapeState::Text
    }

    fn push_visible(&mut self, char: char, out: &mut String) {
        let cells = cells_alone(char);
        self.column += cells;
        self.zero_width_run = if cells > 0 { 0 } else { self.zero_width_run + 1 };
        if self.zero_width_run <= MAX_ZERO_WIDTH_RUN {
            out.push(char);
        } else {
            self.zero_width_run = MAX_ZERO_WIDTH_RUN;
        }
    }
}

/// The state after a C1 control character.
fn after_c1_control(char: char) -> EscapeState {
    match char {
        '\u{9b}' => EscapeState::Csi,
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => EscapeState::ControlString,
        _ => EscapeState::Text,
    }
}

/// The name of a character that embeds, overrides or isolates the direction of writing.
pub(super) fn direction_control_name(char: char) -> Option<&'static str> {
    Some(match char {
        '\u{202a}' => "⟨LRE⟩",
        '\u{202b}' => "⟨RLE⟩",
        '\u{202c}' => "⟨PDF⟩",
        '\u{202d}' => "⟨LRO⟩",
        '\u{202e}' => "⟨RLO⟩",
        '\u{2066}' => "⟨LRI⟩",
        '\u{2067}' => "⟨RLI⟩",
        '\u{2068}' => "⟨FSI⟩",
        '\u{2069}' => "⟨PDI⟩",
        _ => return None,
    })
}

/// Whether a character shows nothing and terminals disagree about its width; joiners are not included.
pub(super) fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the cells of a character that is not part of a cluster.
#[expect(clippy::disallowed_methods, reason = "cleaning looks at one character at a time")]
fn cells_alone(char: char) -> usize {
    char.width().unwrap_or(0)
}

/// Whether cleaning may change a character or what follows it.
fn needs_cleaning(char: char) -> bool {
    match char {
        '\n' | ' '..='~' => false,
        '\0'..='\u{9f}' | '\u{2028}' | '\u{2029}' => true,
        _ => cells_alone(char) == 0 || direction_control_name(char).is_some() || is_invisible(char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_are_removed_completely() {
        for (dirty, expected) in [
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("\u{1b}]0;title\u{7}b", "b"),
            ("\u{1b}]8;;https://x.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]52;c;aGk=\u{9c}c", "c"),
            ("\u{1b}P1$r0m\u{1b}\\d", "d"),
            ("\u{1b}_Gf=100;AAAA\u{1b}\\e", "e"),
            ("\u{1b}(Bf\u{1b}cg\u{1b}7h", "fgh"),
            ("\u{9b}2Ji\u{9d}0;t\u{9c}j\u{84}k", "ijk"),
            ("\u{1b}[31;\u{1b}[1mx", "x"),
            ("\u{1b}[31\ny", "\ny"),
            ("\u{1b}]never ended\nz", "\nz"),
            ("\u{1b}[é", "é"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(clean(dirty), expected, "{dirty:?}");
        }
    }

    #[test]
    fn control_characters_are_removed_and_line_ends_become_newlines() {
        assert_eq!(clean("a\0b\u{7}c\u{8}d\u{7f}e\u{b}f"), "abcdef");
        assert_eq!(clean("a\r\nb\rc\u{85}d\u{2028}e\n\nf"), "a\nb\nc\nd\ne\n\nf");
        assert_eq!(clean("\ta\tbcd\t日\te"), "    a   bcd 日  e");
    }

    #[test]
    fn direction_controls_are_shown_by_name() {
        assert_eq!(clean("if a\u{202e}b\u{2066}c"), "if a⟨RLO⟩b⟨LRI⟩c");
        assert_eq!(clean("ש\u{200f}x\u{feff}\u{ad}y"), "שxy");
    }

    #[test]
    fn emoji_stay_whole_and_hidden_tags_are_removed() {
        let england = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in ["👨‍👩‍👧‍👦", "❤\u{fe0f}", england] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("a\u{e0068}\u{e0069}b"), "ab");
    }

    #[test]
    fn a_long_run_of_combining_marks_is_cut() {
        let pile = format!("a{}b", "\u{301}".repeat(400));
        assert_eq!(clean(&pile), format!("a{}b", "\u{301}".repeat(16)));
    }

    #[test]
    fn clean_text_is_not_copied() {
        assert!(matches!(clean("plain text\nと日本語"), Cow::Borrowed(_)));
    }

    #[test]
    fn edits_map_back_to_the_original() {
        let dirty = "one\u{1b}[1mtwo\r\nthree\tfour";
        let (mut out, mut edits) = (String::new(), vec![CleanEdit { clean: 0, raw: 0 }]);
        TextCleaner::default().push_with_edits(dirty, 0, &mut out, &mut edits);
        for word in ["one", "two", "three", "four"] {
            let clean = out.find(word).expect("the word is still there");
            let edit = edits.iter().rev().find(|edit| edit.clean <= clean).expect("the first edit is at 0");
            assert_eq!(dirty.find(word), Some(edit.raw + clean - edit.clean), "{word}");
        }
        let between = |pair: &[CleanEdit]| {
            let (from, to) = (pair[0], pair[1]);
            (out[from.clean..to.clean].to_owned(), dirty[from.raw..to.raw].to_owned())
        };
        let replaced: Vec<_> = edits.windows(2).map(between).filter(|(clean, raw)| clean.len() != raw.len()).collect();
        let pair = |clean: &str, raw: &str| (clean.to_owned(), raw.to_owned());
        assert_eq!(replaced, [pair("", "\u{1b}[1m"), pair("", "\n"), pair("   ", "\t")]);
    }

    /// A text with many characters that need cleaning.
    fn dirty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\u{1b}".to_owned()),
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just("\u{9b}".to_owned()),
            Just("\u{9c}".to_owned()),
            Just("\u{7}".to_owned()),
            Just("\\".to_owned()),
            Just("31m".to_owned()),
            Just("\r".to_owned()),
            Just("\n".to_owned()),
            Just("\t".to_owned()),
            Just("\u{202e}".to_owned()),
            Just("🏴\u{e0067}".to_owned()),
            Just("\u{301}\u{301}".to_owned()),
            Just("日".to_owned()),
            ".{0,3}",
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn newlines_are_the_only_control_characters_left(text in dirty()) {
            prop_assert!(clean(&text).chars().all(|char| char == '\n' || !char.is_control()));
        }

        #[test]
        fn the_result_does_not_depend_on_where_a_text_is_split(text in dirty(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let (mut cleaner, mut out) = (TextCleaner::default(), String::new());
            for pair in cuts.windows(2) {
                cleaner.push(&text[pair[0]..pair[1]], &mut out);
            }
            prop_assert_eq!(out, clean(&text));
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in dirty()) {
            let once = clean(&text).into_owned();
            prop_assert_eq!(clean(&once), once.as_str());
        }
    }
}
