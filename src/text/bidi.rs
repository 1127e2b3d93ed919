//! The visual order of a row with right-to-left text.

use unicode_bidi::{BidiClass, BidiInfo, Direction, Level, bidi_class, get_base_direction};
use unicode_segmentation::UnicodeSegmentation;

/// A cluster in visual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisualCluster {
    /// Its byte offset in the text.
    pub offset: usize,
    /// The mirrored bracket that is drawn instead in right-to-left text.
    pub mirrored: Option<char>,
}

/// Whether a text has right-to-left characters.
pub fn is_needed(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().any(|char| matches!(bidi_class(char), BidiClass::R | BidiClass::AL | BidiClass::AN))
}

/// Whether a paragraph is right-to-left: its first letter with a direction decides.
pub fn is_rtl(text: &str) -> bool {
    !text.is_ascii() && get_base_direction(text) == Direction::Rtl
}

/// Returns the clusters of one row from left to right on the screen, by the rules of Unicode (UAX #9).
pub fn visual_order(text: &str, rtl: bool) -> Vec<VisualCluster> {
    let base = if rtl { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(text, Some(base));
    let mut seen = Vec::new();
    for paragraph in &info.paragraphs {
        let levels = info.reordered_levels(paragraph, paragraph.range.clone());
        let clusters: Vec<(usize, &str)> = text[paragraph.range.clone()]
            .grapheme_indices(true)
            .map(|(at, cluster)| (at + paragraph.range.start, cluster))
            .collect();
        let cluster_levels: Vec<Level> = clusters.iter().map(|(at, _)| levels[*at]).collect();
        seen.extend(BidiInfo::reorder_visual(&cluster_levels).into_iter().map(|nth| {
            let (at, cluster) = clusters[nth];
            let mirrored = cluster_levels[nth].is_rtl().then(|| mirror(cluster)).flatten();
            VisualCluster { offset: at, mirrored }
        }));
    }
    seen
}

fn mirror(cluster: &str) -> Option<char> {
    const PAIRS: [(char, char); 9] =
        [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›'), ('≤', '≥'), ('⟨', '⟩'), ('（', '）')];
    let mut chars = cluster.chars();
    let (Some(char), None) = (chars.next(), chars.next()) else { return None };
    PAIRS.iter().find_map(|(open, close)| match char {
        _ if char == *open => Some(*close),
        _ if char == *close => Some(*open),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str, rtl: bool) -> String {
        visual_order(text, rtl)
            .into_iter()
            .map(|seen| {
                let cluster = text[seen.offset..].graphemes(true).next().unwrap_or("");
                seen.mirrored.map_or(cluster.to_owned(), String::from)
            })
            .collect()
    }

    #[test]
    fn rtl_words_are_reversed_and_numbers_are_not() {
        assert_eq!(seen("abc", false), "abc");
        assert_eq!(seen("a שלום 123 b", false), "a 123 םולש b");
        assert_eq!(seen("שלום (abc) 12.", true), ".12 (abc) םולש");
        assert_eq!(seen("مرحبا", true), "ابحرم");
        assert!(is_needed("x ש") && !is_needed("x 日本") && is_rtl("«שלום") && !is_rtl("a שלום"));
    }

    #[test]
    fn combining_marks_and_emoji_sequences_stay_together() {
        assert_eq!(seen("שָׁלוֹם 👨‍👩‍👧", true), "👨‍👩‍👧 םוֹלשָׁ");
    }

    proptest! {
        #[test]
        fn no_cluster_is_lost_or_duplicated(text in r"[a-z0-9 ().שלוםمرحبا日👨‍👩‍👧\u{301}]{0,24}", rtl in any::<bool>()) {
            let mut at: Vec<usize> = visual_order(&text, rtl).iter().map(|seen| seen.offset).collect();
            at.sort_unstable();
            prop_assert_eq!(at, text.grapheme_indices(true).map(|(at, _)| at).collect::<Vec<_>>());
        }
    }
}
