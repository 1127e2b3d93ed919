//! Motions inside one line, by cluster and by word, as byte offsets.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// Returns the next cluster boundary after `at`.
pub(crate) fn next_cluster(line: &str, at: usize) -> Option<usize> {
    boundary_from(line, at, GraphemeCursor::next_boundary)
}

/// Returns the last cluster boundary before `at`.
pub(crate) fn previous_cluster(line: &str, at: usize) -> Option<usize> {
    boundary_from(line, at, GraphemeCursor::prev_boundary)
}

/// Returns the cluster boundary at or after `at`.
pub(crate) fn snap_to_boundary(line: &str, at: usize) -> usize {
    let mut cursor = GraphemeCursor::new(at, line.len(), true);
    match cursor.is_boundary(line, 0) {
        Ok(false) => next_cluster(line, at).unwrap_or(line.len()),
        Ok(true) | Err(_) => at,
    }
}

/// Returns the end of the word at or after `at`, for `Alt-F`.
pub(crate) fn word_end(line: &str, at: usize) -> usize {
    words(line).map(|(start, word)| start + word.len()).find(|end| *end > at).unwrap_or(line.len())
}

/// Returns the start of the word before `at`, for `Alt-B`.
pub(crate) fn word_start(line: &str, at: usize) -> usize {
    words(line).map(|(start, _)| start).take_while(|start| *start < at).last().unwrap_or(0)
}

/// Returns the start of the text between spaces before `at`, for `^W`.
pub(crate) fn spaced_word_start(line: &str, at: usize) -> usize {
    let word = line[..at].trim_end();
    word.char_indices().rev().find(|(_, letter)| letter.is_whitespace()).map_or(0, |(i, blank)| i + blank.len_utf8())
}

fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_word_bound_indices().filter(|(_, word)| word.contains(char::is_alphanumeric))
}

fn boundary_from(
    line: &str,
    at: usize,
    boundary: impl Fn(&mut GraphemeCursor, &str, usize) -> Result<Option<usize>, unicode_segmentation::GraphemeIncomplete>,
) -> Option<usize> {
    let mut cursor = GraphemeCursor::new(at, line.len(), true);
    boundary(&mut cursor, line, 0).expect("the whole line is given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_emoji_is_one_step() {
        let line = "a👨‍👩‍👧‍👦b";
        let after = next_cluster(line, 1).expect("there is more");
        assert_eq!(&line[after..], "b");
        assert_eq!(previous_cluster(line, after), Some(1));
        assert_eq!((next_cluster(line, line.len()), previous_cluster(line, 0)), (None, None));
    }

    #[test]
    fn a_position_inside_a_cluster_snaps_to_its_end() {
        assert_eq!(
            (snap_to_boundary("e\u{301}x", 1), snap_to_boundary("e\u{301}x", 3), snap_to_boundary("ab", 1)),
            (3, 3, 1)
        );
    }

    #[test]
    fn word_boundaries_match_readline() {
        let line = "git commit --amend, don't";
        assert_eq!([0, 3, 10, 18].map(|at| word_end(line, at)), [3, 10, 18, 25]);
        assert_eq!([25, 20, 19, 4].map(|at| word_start(line, at)), [20, 13, 13, 0]);
        assert_eq!([25, 20, 12, 3].map(|at| spaced_word_start(line, at)), [20, 11, 11, 0]);
    }
}
