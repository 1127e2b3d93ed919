//! A text in which nothing hides: what would not be seen, or would change how the rest is seen, is shown by its number.

use std::{borrow::Cow, fmt::Write};

use super::clean::{direction, invisible};

/// The text with every control character, every invisible one and every joiner as `⟨U+200B⟩`; line ends stay.
///
/// What comes of it is clean: `text::clean` leaves it as it is, but for more marks on a letter than any script needs.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if hides(char) {
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(char)); // A string takes everything.
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

fn hides(char: char) -> bool {
    let joins = matches!(char, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{fe00}'..='\u{fe0f}');
    (char.is_control() && char != '\n') || joins || invisible(char) || direction(char).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::clean;

    #[test]
    fn what_hides_is_shown_and_the_rest_stays() {
        assert_eq!(visible("a\u{1b}[31m\tb\r\n"), "a⟨U+001B⟩[31m⟨U+0009⟩b⟨U+000D⟩\n");
        assert_eq!(visible("re\u{200b}ad\u{202e}"), "re⟨U+200B⟩ad⟨U+202E⟩");
        assert_eq!(visible("👩\u{200d}👩"), "👩⟨U+200D⟩👩");
        assert_eq!(visible("\u{e0041}\u{9b}\u{7f}"), "⟨U+E0041⟩⟨U+009B⟩⟨U+007F⟩");
        assert!(matches!(visible("plain\nと日本語 é"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn what_is_visible_is_clean(text in "[\\PC\u{0}-\u{1f}\u{80}-\u{9f}\u{200b}-\u{206f}]{0,30}") {
            let shown = visible(&text);
            prop_assert!(shown.chars().all(|char| char == '\n' || !char.is_control()));
            prop_assert!(shown.chars().all(|char| !hides(char)));
            prop_assert_eq!(clean(&shown).contains('\u{1b}'), false);
        }
    }
}
