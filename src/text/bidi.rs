//! The order in which the clusters of a row are seen where some are read from right to left.

use unicode_bidi::{BidiClass, BidiInfo, Direction, Level, bidi_class, get_base_direction};
use unicode_segmentation::UnicodeSegmentation;

/// A cluster in its place on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Where it begins in the text.
    pub at: usize,
    /// The bracket that is drawn instead, where it is read from right to left.
    pub mirrored: Option<char>,
}

/// Whether a text has anything that is read from right to left.
pub fn is_needed(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().any(|char| matches!(bidi_class(char), BidiClass::R | BidiClass::AL | BidiClass::AN))
}

/// Whether a paragraph is read from right to left: its first letter that has a direction decides.
pub fn is_rtl(text: &str) -> bool {
    !text.is_ascii() && get_base_direction(text) == Direction::Rtl
}

/// The clusters of one row from the left edge on, by the rules of Unicode (UAX #9).
pub fn order(text: &str, rtl: bool) -> Vec<Seen> {
    let base = if rtl { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(text, Some(base));
    let mut seen = Vec::new();
    for paragraph in &info.paragraphs {
        let levels = info.reordered_levels(paragraph, paragraph.range.clone());
        let clusters: Vec<(usize, &str)> = text[paragraph.range.clone()]
            .grapheme_indices(true)
            .map(|(at, cluster)| (at + paragraph.range.start, cluster))
            .collect();
        let of_clusters: Vec<Level> = clusters.iter().map(|(at, _)| levels[*at]).collect();
        seen.extend(BidiInfo::reorder_visual(&of_clusters).into_iter().map(|nth| {
            let (at, cluster) = clusters[nth];
            let mirrored = of_clusters[nth].is_rtl().then(|| mirror(cluster)).flatten();
            Seen { at, mirrored }
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
        order(text, rtl)
            .into_iter()
            .map(|seen| {
                let cluster = text[seen.at..].graphemes(true).next().unwrap_or("");
                seen.mirrored.map_or(cluster.to_owned(), String::from)
            })
            .collect()
    }

    #[test]
    fn words_are_turned_and_numbers_are_not() {
        assert_eq!(seen("abc", false), "abc");
        assert_eq!(seen("a שלום 123 b", false), "a 123 םולש b");
        assert_eq!(seen("שלום (abc) 12.", true), ".12 (abc) םולש");
        assert_eq!(seen("مرحبا", true), "ابحرم");
        assert!(is_needed("x ש") && !is_needed("x 日本") && is_rtl("«שלום") && !is_rtl("a שלום"));
    }

    #[test]
    fn a_letter_keeps_its_points_and_a_family_its_members() {
        assert_eq!(seen("שָׁלוֹם 👨‍👩‍👧", true), "👨‍👩‍👧 םוֹלשָׁ");
    }

    proptest! {
        #[test]
        fn no_cluster_is_lost_or_doubled(text in r"[a-z0-9 ().שלוםمرحبا日👨‍👩‍👧\u{301}]{0,24}", rtl in any::<bool>()) {
            let mut at: Vec<usize> = order(&text, rtl).iter().map(|seen| seen.at).collect();
            at.sort_unstable();
            prop_assert_eq!(at, text.grapheme_indices(true).map(|(at, _)| at).collect::<Vec<_>>());
        }
    }
}
