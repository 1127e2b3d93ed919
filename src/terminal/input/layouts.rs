//! Where a letter of another script stands on a US keyboard, for shortcuts.

use crossterm::event::{Event, KeyCode, KeyModifiers};

/// The letters of standard layouts, each behind the key on which it stands.
const LAYOUTS: [&str; 6] = [
    // Russian, and the letters that Ukrainian, Belarusian, Bulgarian, Serbian and Macedonian have instead.
    "qйwцeуrкtеyнuгiшoщpз[х]ъaфsыdвfаgпhрjоkлlд;ж'эzяxчcсvмbиnтmь,б.ю`ё",
    "]їsі'єoўqљwњjјxџ[ђ;ћzѕ'ќ[ѓ",
    "wςeεrρtτyυuθiιoοpπaαsσdδfφgγhηjξkκlλzζxχcψvωbβnνmμ",
    // Greek vowels with accents.
    "eέyύiίoόaάhήvώyϋiϊyΰiΐ",
    // Hebrew and Arabic.
    "eקrרtאyטuוiןoםpפaשsדdגfכgעhיjחkלlךzזxסcבvהbנnמmצ,ת.ץ;ף",
    "qضwصeثrقtفyغuعiهoخpح[ج]دaشsسdيfبgلhاjتkنlم;ك'طzئxءcؤvرnىmة,و.ز/ظ",
];

/// Returns a shortcut as it is on a US keyboard, if its letter stands on none of the keys that have one.
pub(crate) fn on_us_layout(event: Event) -> Event {
    match event {
        Event::Key(mut key) => {
            let is_shortcut = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            if let KeyCode::Char(letter) = key.code
                && is_shortcut
                && let Some(known) = us_key(letter)
            {
                key.code = KeyCode::Char(if letter.is_uppercase() { known.to_ascii_uppercase() } else { known });
            }
            Event::Key(key)
        }
        other => other,
    }
}

/// Returns the key of a US keyboard on which a letter of another script stands.
fn us_key(letter: char) -> Option<char> {
    if letter.is_ascii() {
        return None;
    }
    let small = letter.to_lowercase().next().unwrap_or(letter);
    LAYOUTS.iter().find_map(|layout| {
        let mut letters = layout.chars();
        while let (Some(key), Some(other)) = (letters.next(), letters.next()) {
            if other == small {
                return Some(key);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_layout_is_found_on_its_key() {
        for layout in LAYOUTS {
            let letters: Vec<char> = layout.chars().collect();
            assert!(letters.len().is_multiple_of(2), "{layout}");
            for pair in letters.chunks(2) {
                assert!(pair[0].is_ascii() && !pair[1].is_ascii(), "{pair:?}");
                assert_eq!(us_key(pair[1]), Some(pair[0]));
            }
        }
        assert_eq!((us_key('С'), us_key('Σ'), us_key('ö'), us_key('c')), (Some('c'), Some('s'), None, None));
    }
}
