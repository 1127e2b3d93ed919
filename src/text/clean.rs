//! Takes out of a text what could control a terminal or deceive its reader.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// A text as it may appear on a screen, on stdout, in a title or on the clipboard.
///
/// Escape sequences go as a whole, other control characters singly; a tab becomes spaces, every
/// kind of line end `\n`; what would turn the direction of writing is shown by its name. Clean
/// text comes back as it is, and cleaning it again changes nothing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_care) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    Cleaner::default().push(text, &mut out);
    Cow::Owned(out)
}

/// Cleans a text that comes in pieces; any pieces give what the whole would have given.
#[derive(Debug, Clone, Default)]
pub struct Cleaner {
    state: State,
    /// Cells since the last line end, for tabs.
    column: usize,
    /// Characters without a width since the last one that has one.
    marks: u8,
    /// The last character was a black flag, or a tag that spells its name.
    flag: bool,
}

/// Where a piece of cleaned text came from.
///
/// From `clean` on, each byte of the cleaned text stands for the byte of the original as far from
/// `raw`, until the next edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    pub clean: usize,
    pub raw: usize,
}

/// Which sequence the text is in the middle of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a carriage return that has become a line end.
    Return,
    Escape,
    /// An escape with intermediate bytes, such as the choice of a character set.
    Intermediate,
    Csi,
    /// OSC, DCS, APC, PM or SOS: ends with BEL, ST or the line, so that one that never ends costs a
    /// line and not the answer.
    String,
}

/// The longest run of characters without a width that is kept: real scripts need less.
const MARKS: u8 = 16;
const TAB: usize = 4;

impl Cleaner {
    /// Appends what is left of `text` to `out`.
    pub fn push(&mut self, text: &str, out: &mut String) {
        self.run(text, out, |_, _| ());
    }

    /// The same, and notes where `out` ceases to be a copy of the text; `raw` is the place of `text`
    /// in the original.
    pub fn push_noting(&mut self, text: &str, raw: usize, out: &mut String, edits: &mut Vec<Edit>) {
        self.run(text, out, |clean, at| {
            let raw = raw + at;
            match edits.last_mut() {
                Some(last) if last.clean == clean => last.raw = raw,
                Some(last) if raw.wrapping_sub(last.raw) == clean - last.clean => (),
                _ => edits.push(Edit { clean, raw }),
            }
        });
    }

    fn run(&mut self, text: &str, out: &mut String, mut edited: impl FnMut(usize, usize)) {
        for (at, char) in text.char_indices() {
            let before = out.len();
            self.step(char, out);
            if out.len() - before != char.len_utf8() {
                edited(out.len(), at + char.len_utf8());
            }
        }
    }

    #[expect(clippy::match_same_arms, reason = "a table of states reads best in the order of its states")]
    fn step(&mut self, char: char, out: &mut String) {
        self.state = match (self.state, char) {
            (_, '\u{1b}') => State::Escape,
            (State::Return, '\n') => State::Text,
            (State::Text | State::Return, _) => self.text(char, out),
            (_, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') => self.text(char, out),
            (_, '\u{18}' | '\u{1a}' | '\u{9c}') => State::Text,
            (State::String, '\u{7}') => State::Text,
            (State::String, _) => State::String,
            (_, '\u{80}'..='\u{9f}') => introduce(char),
            (State::Escape, '[') => State::Csi,
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') => State::String,
            (State::Escape | State::Intermediate, ' '..='/') => State::Intermediate,
            (State::Escape | State::Intermediate, '0'..='~') => State::Text,
            (State::Csi, ' '..='?') => State::Csi,
            (State::Csi, '@'..='~') => State::Text,
            (State::Escape | State::Intermediate | State::Csi, '\0'..='\u{1f}' | '\u{7f}') => self.state,
            (State::Escape | State::Intermediate | State::Csi, _) => self.text(char, out),
        };
    }

    fn text(&mut self, char: char, out: &mut String) -> State {
        let flag = std::mem::replace(&mut self.flag, char == '\u{1f3f4}');
        match char {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push('\n');
                self.column = 0;
                self.marks = 0;
                return if char == '\r' { State::Return } else { State::Text };
            }
            '\t' => {
                let cells = TAB - self.column % TAB;
                out.extend(std::iter::repeat_n(' ', cells));
                self.column += cells;
                self.marks = 0;
            }
            '\u{80}'..='\u{9f}' => return introduce(char),
            '\0'..='\u{1f}' | '\u{7f}' => (),
            '\u{e0020}'..='\u{e007f}' => {
                self.flag = flag;
                if flag {
                    out.push(char);
                }
            }
            _ => match direction(char) {
                Some(name) => {
                    out.push_str(name);
                    self.column += name.len() - 4; // Its two brackets are six bytes and two cells.
                    self.marks = 0;
                }
                None if invisible(char) => (),
                None => self.visible(char, out),
            },
        }
        State::Text
    }

    fn visible(&mut self, char: char, out: &mut String) {
        let cells = char.width().unwrap_or(0);
        self.column += cells;
        self.marks = if cells > 0 { 0 } else { self.marks + 1 };
        if self.marks <= MARKS {
            out.push(char);
        } else {
            self.marks = MARKS;
        }
    }
}

/// What a control character of eight bits begins.
fn introduce(char: char) -> State {
    match char {
        '\u{9b}' => State::Csi,
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => State::String,
        _ => State::Text,
    }
}

/// The name of a control that embeds, overrides or isolates a direction of writing.
pub(super) fn direction(char: char) -> Option<&'static str> {
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

/// Characters that show nothing and that terminals disagree about; joiners are not among them.
pub(super) fn invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character can be changed, or change what follows it.
fn needs_care(char: char) -> bool {
    match char {
        '\n' | ' '..='~' => false,
        '\0'..='\u{9f}' | '\u{2028}' | '\u{2029}' => true,
        _ => char.width().unwrap_or(0) == 0 || direction(char).is_some() || invisible(char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_go_as_a_whole() {
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
    fn control_characters_go_singly_and_line_ends_become_one_kind() {
        assert_eq!(clean("a\0b\u{7}c\u{8}d\u{7f}e\u{b}f"), "abcdef");
        assert_eq!(clean("a\r\nb\rc\u{85}d\u{2028}e\n\nf"), "a\nb\nc\nd\ne\n\nf");
        assert_eq!(clean("\ta\tbcd\t日\te"), "    a   bcd 日  e");
    }

    #[test]
    fn what_turns_the_direction_of_writing_is_named() {
        assert_eq!(clean("if a\u{202e}b\u{2066}c"), "if a⟨RLO⟩b⟨LRI⟩c");
        assert_eq!(clean("ש\u{200f}x\u{feff}\u{ad}y"), "שxy");
    }

    #[test]
    fn emoji_stay_whole_and_hidden_tags_go() {
        let england = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in ["👨‍👩‍👧‍👦", "❤\u{fe0f}", england] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("a\u{e0068}\u{e0069}b"), "ab");
    }

    #[test]
    fn a_pile_of_marks_is_cut_to_what_a_script_needs() {
        let pile = format!("a{}b", "\u{301}".repeat(400));
        assert_eq!(clean(&pile), format!("a{}b", "\u{301}".repeat(16)));
    }

    #[test]
    fn clean_text_is_not_copied() {
        assert!(matches!(clean("plain text\nと日本語"), Cow::Borrowed(_)));
    }

    #[test]
    fn edits_lead_back_to_the_original() {
        let dirty = "one\u{1b}[1mtwo\r\nthree\tfour";
        let (mut out, mut edits) = (String::new(), vec![Edit { clean: 0, raw: 0 }]);
        Cleaner::default().push_noting(dirty, 0, &mut out, &mut edits);
        for word in ["one", "two", "three", "four"] {
            let clean = out.find(word).expect("the word is left");
            let edit = edits.iter().rev().find(|edit| edit.clean <= clean).expect("the first is at 0");
            assert_eq!(dirty.find(word), Some(edit.raw + clean - edit.clean), "{word}");
        }
    }

    /// Text in which what needs care is frequent.
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
        fn no_control_is_left_but_the_line_end(text in dirty()) {
            prop_assert!(clean(&text).chars().all(|char| char == '\n' || !char.is_control()));
        }

        #[test]
        fn any_pieces_give_what_the_whole_gives(text in dirty(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let (mut cleaner, mut out) = (Cleaner::default(), String::new());
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
