//! Text helpers for the terminal: cleaning, measuring, wrapping and truncating.

pub mod amounts;
pub mod bidi;
pub mod clean;
pub mod diff;
pub mod folding;
pub mod link;
mod needle;
pub mod ranking;
pub mod search_term;
mod visible;
pub(crate) mod work;
pub mod wrap;

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

pub use clean::{TextCleaner, clean};
pub use folding::FoldedText;
pub use needle::{SearchNeedle, places_of_terms};
pub use search_term::{SearchTerm, TermRule};
pub use visible::{show_invisible, show_invisible_in_line};

/// Cleans a text and puts it on one line, with one space between its words.
pub fn one_line(text: &str) -> String {
    collapse_spaces(&clean(text))
}

/// Replaces every run of white space by one space, and removes it at both ends.
pub fn collapse_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns what an error says, to go on a sentence with: without the numbers of the operating system, and in lower case.
pub fn error_words(error: &impl std::fmt::Display) -> String {
    let whole = error.to_string();
    let mut words = String::new();
    let mut rest = whole.as_str();
    while let Some((before, after)) = rest.split_once(" (os error ") {
        words += before;
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    words += rest;
    let mut letters = words.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && (second.is_lowercase() || second == ' ') => {
            first.to_lowercase().chain(words.chars().skip(1)).collect()
        }
        _ => words, // A name or an abbreviation, such as I/O.
    }
}

/// Cleans a text and puts it on one line, with its spaces as they are.
pub fn join_lines(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// Returns the grapheme clusters of a text, in order.
pub fn clusters(text: &str) -> impl Iterator<Item = &str> {
    cluster_indices(text).map(|(_, cluster)| cluster)
}

/// A longer cluster counts as several, because no terminal draws it as one.
const MAX_CLUSTER_BYTES: usize = 256;

/// Returns the grapheme clusters of a text with their byte offsets. A pair of ASCII characters needs no table lookup.
pub fn cluster_indices(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        let first = *bytes.get(start)?;
        let is_single_byte = first.is_ascii() && first != b'\r' && bytes.get(start + 1).is_none_or(u8::is_ascii);
        let window = &text[start..text.floor_char_boundary(start + MAX_CLUSTER_BYTES)];
        let length = if is_single_byte { 1 } else { window.graphemes(true).next().map_or(1, str::len) };
        work::count_steps(length);
        next += length;
        Some((start, &text[start..next]))
    })
}

/// The number of cells that a text takes on the screen, counted cluster by cluster as ratatui does.
pub fn width(text: &str) -> usize {
    if is_printable_ascii(text) { text.len() } else { clusters(text).map(cluster_width).sum() }
}

/// The number of cells of one cluster; 0 for control characters.
pub fn cluster_width(cluster: &str) -> usize {
    match cluster.as_bytes() {
        [] => 0,
        [byte] => usize::from((b' '..0x7f).contains(byte)),
        _ if cluster.chars().all(char::is_control) => 0,
        _ => usize::from(cluster.cell_width()),
    }
}

/// Cuts a text to at most `max` cells; `…` replaces the missing end.
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(1) else { return Cow::Borrowed("") };
    let mut cut = text[..prefix_len(text, room)].trim_end_matches(' ').to_owned();
    cut.push('…');
    Cow::Owned(cut)
}

/// The number of leading bytes of a text that fit into `max` cells without cutting a cluster.
pub fn prefix_len(text: &str, max: usize) -> usize {
    let mut cells = 0;
    for (index, cluster) in cluster_indices(text) {
        cells += cluster_width(cluster);
        if cells > max {
            return index;
        }
    }
    text.len()
}

/// Whether a text is printable ASCII only, so that each byte takes one cell.
pub fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}

/// The known word nearest to a mistyped one, at most two edits away.
pub fn nearest_word<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.into_iter().map(|name| (edit_distance(word, name), name));
    distances.filter(|(distance, _)| *distance <= 2).min().map(|(_, name)| name)
}

/// The Levenshtein distance between two words.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{buffer::Buffer, layout::Rect, style::Style};

    use super::*;

    #[test]
    fn an_error_goes_on_a_sentence_without_the_numbers_of_the_system() {
        for (said, words) in [
            ("No such file or directory (os error 2)", "no such file or directory"),
            ("could not open a: Is a directory (os error 21) (again)", "could not open a: Is a directory (again)"),
            ("A file exists (os error 17", "a file exists"),
            ("I/O error (os error 5)", "I/O error"),
            ("TLS is missing", "TLS is missing"),
            ("", ""),
        ] {
            assert_eq!(error_words(&said), words);
        }
    }

    #[test]
    fn widths_match_the_cells_that_ratatui_fills() {
        for text in [
            "plain",
            "日本語",
            "👨‍👩‍👧‍👦",
            "🇩🇪",
            "👍🏽",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "e\u{301}",
            "ｶﾞ",
            "نص",
            "\u{200b}a",
            "",
            "⟨RLO⟩",
        ] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
            let (end, _) = buffer.set_stringn(0, 0, text, 40, Style::new());
            assert_eq!(width(text), usize::from(end), "{text:?}");
        }
    }

    #[test]
    fn a_truncated_text_ends_with_an_ellipsis_after_whole_clusters() {
        assert_eq!(truncate("short", 5), "short");
        assert_eq!(truncate("longer", 5), "long…");
        assert_eq!(truncate("two words", 5), "two…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3), "👨‍👩‍👧‍👦…");
        assert_eq!(truncate("日", 1), "…");
        assert_eq!(truncate("日", 0), "");
    }

    proptest! {
        #[test]
        fn clusters_match_unicode_segmentation(text in "(a|\r|\n|\t|e|\u{301}|日|\u{600}|🇩|🇪|👩|\u{200d}|\u{fe0f}|क|\u{94d}|각|ᄀ){0,24}") {
            prop_assert_eq!(cluster_indices(&text).collect::<Vec<_>>(), text.grapheme_indices(true).collect::<Vec<_>>());
        }

        #[test]
        fn a_truncated_text_is_never_wider_than_the_limit(text in ".{0,40}", max in 0usize..20) {
            let text = clean(&text);
            prop_assert!(width(&truncate(&text, max)) <= max);
            prop_assert!(width(&text[..prefix_len(&text, max)]) <= max);
        }
    }
}
