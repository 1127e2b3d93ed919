//! Shows invisible and control characters by their code points.

use std::{borrow::Cow, fmt::Write};

use super::clean::{direction_control_name, is_invisible};

/// Replaces every control character, invisible character and joiner by its code point, as `⟨U+200B⟩`; line ends stay.
///
/// The result is clean: `text::clean` changes nothing in it, except for too many combining marks on one letter.
pub fn show_invisible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(char)); // Writing to a string cannot fail.
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// Does the same and shows line ends as well, so that the result is one line.
pub fn show_invisible_in_line(text: &str) -> String {
    show_invisible(text).replace('\n', "⟨U+000A⟩")
}

fn is_hidden(char: char) -> bool {
    let joins = matches!(char, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{fe00}'..='\u{fe0f}');
    (char.is_control() && char != '\n') || joins || is_invisible(char) || direction_control_name(char).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::clean;

    #[test]
    fn hidden_characters_are_shown_and_the_rest_stays() {
        assert_eq!(show_invisible("a\u{1b}[31m\tb\r\n"), "a⟨U+001B⟩[31m⟨U+0009⟩b⟨U+000D⟩\n");
        assert_eq!(show_invisible("re\u{200b}ad\u{202e}"), "re⟨U+200B⟩ad⟨U+202E⟩");
        assert_eq!(show_invisible("👩\u{200d}👩"), "👩⟨U+200D⟩👩");
        assert_eq!(show_invisible("\u{e0041}\u{9b}\u{7f}"), "⟨U+E0041⟩⟨U+009B⟩⟨U+007F⟩");
        assert_eq!(show_invisible_in_line("a\r\nb"), "a⟨U+000D⟩⟨U+000A⟩b");
        assert!(matches!(show_invisible("plain\nと日本語 é"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn the_result_is_clean(text in "[\\PC\u{0}-\u{1f}\u{80}-\u{9f}\u{200b}-\u{206f}]{0,30}") {
            let shown = show_invisible(&text);
            prop_assert!(shown.chars().all(|char| char == '\n' || !char.is_control()));
            prop_assert!(shown.chars().all(|char| !is_hidden(char)));
            prop_assert_eq!(clean(&shown).contains('\u{1b}'), false);
        }
    }
}
