//! A word-by-word diff of two texts, bounded for texts of any size.
//!
//! Lines that both texts have exactly once divide the rest; between them the words are compared by the algorithm of Myers (1986), up to
//! a number of steps. What differs too much counts as replaced.

use std::{collections::HashMap, ops::Range};

use unicode_segmentation::UnicodeSegmentation;

/// A run of text that was removed, added or left unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextChange<'a> {
    Unchanged(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// The most words that may differ between two unique lines.
const MAX_EDITS: usize = 2_000;
/// The most steps of all comparisons together: a fraction of a second.
const MAX_STEPS: usize = 20_000_000;

/// Returns both texts as runs in order; what was removed comes before what replaces it.
pub fn diff_words<'a>(before: &'a str, after: &'a str) -> Vec<TextChange<'a>> {
    let mut diff = WordDiff::new(before, after);
    let (old, new) = (diff.old.len(), diff.new.len());
    diff.compare(old, new);
    diff.into_changes()
}

/// The words of both texts, as numbers: equal words have the same one.
struct WordDiff<'a> {
    texts: [&'a str; 2],
    old: Vec<u32>,
    new: Vec<u32>,
    /// Where each word begins, and where the text ends.
    old_starts: Vec<usize>,
    new_starts: Vec<usize>,
    /// The equal runs of words found so far, in order.
    equal: Vec<EqualRun>,
    steps: usize,
}

/// Words that both texts have.
#[derive(Debug, Clone, Copy)]
struct EqualRun {
    old: usize,
    new: usize,
    words: usize,
}

impl<'a> WordDiff<'a> {
    fn new(before: &'a str, after: &'a str) -> Self {
        let mut numbers = HashMap::new();
        let (old, old_starts) = number_words(before, &mut numbers);
        let (new, new_starts) = number_words(after, &mut numbers);
        Self { texts: [before, after], old, new, old_starts, new_starts, equal: Vec::new(), steps: 0 }
    }

    /// Compares the first words of both texts: all of them.
    fn compare(&mut self, old: usize, new: usize) {
        let mut from = (0, 0);
        let anchors = self.unique_lines();
        for anchor in anchors {
            self.compare_gap(from.0..anchor.old, from.1..anchor.new);
            self.equal.push(anchor);
            from = (anchor.old + anchor.words, anchor.new + anchor.words);
        }
        self.compare_gap(from.0..old, from.1..new);
    }

    /// The lines that each text has exactly once, as far as they are in the same order in both.
    fn unique_lines(&self) -> Vec<EqualRun> {
        let newline = |text: &str, starts: &[usize], at: usize| text[starts[at]..starts[at + 1]].ends_with('\n');
        let lines = |text: &str, starts: &[usize]| {
            let count = starts.len() - 1;
            let ends = (0..count).filter(|at| newline(text, starts, *at)).map(|at| at + 1).chain([count]);
            let whole = ends.scan(0, |from, end| Some(std::mem::replace(from, end)..end));
            // Without its end, the last line is equal to one in the middle.
            let bare = whole.map(|line| {
                let has_end = !line.is_empty() && newline(text, starts, line.end - 1);
                line.start..line.end - usize::from(has_end)
            });
            bare.collect::<Vec<Range<usize>>>()
        };
        let mut places: HashMap<&[u32], [Vec<usize>; 2]> = HashMap::new();
        for (side, (words, found)) in
            [(&self.old, lines(self.texts[0], &self.old_starts)), (&self.new, lines(self.texts[1], &self.new_starts))]
                .into_iter()
                .enumerate()
        {
            let starts = [&self.old_starts, &self.new_starts][side];
            // A blank, a bracket or a fence says nothing about the place.
            let says_something = |line: &Range<usize>| {
                let text = &self.texts[side][starts[line.start]..starts[line.end]];
                text.chars().filter(|sign| sign.is_alphanumeric()).count() > 1
            };
            for line in found.into_iter().filter(says_something) {
                places.entry(&words[line.clone()]).or_default()[side].push(line.start);
            }
        }
        let mut common: Vec<EqualRun> = places
            .into_iter()
            .filter_map(|(line, [old, new])| match (&old[..], &new[..]) {
                ([old], [new]) => Some(EqualRun { old: *old, new: *new, words: line.len() }),
                _ => None,
            })
            .collect();
        common.sort_by_key(|run| run.old);
        longest_increasing(&common)
    }

    /// Compares words between two anchors.
    fn compare_gap(&mut self, mut old: Range<usize>, mut new: Range<usize>) {
        let head = self.old[old.clone()].iter().zip(&self.new[new.clone()]).take_while(|(a, b)| a == b).count();
        if head > 0 {
            self.equal.push(EqualRun { old: old.start, new: new.start, words: head });
        }
        (old.start, new.start) = (old.start + head, new.start + head);
        let ends = self.old[old.clone()].iter().rev().zip(self.new[new.clone()].iter().rev());
        let tail = ends.take_while(|(a, b)| a == b).count();
        (old.end, new.end) = (old.end - tail, new.end - tail);
        if !old.is_empty() && !new.is_empty() {
            let found = shortest_edit(&self.old[old.clone()], &self.new[new.clone()], &mut self.steps);
            let placed =
                found.into_iter().map(|run| EqualRun { old: run.old + old.start, new: run.new + new.start, ..run });
            self.equal.extend(placed);
        }
        if tail > 0 {
            self.equal.push(EqualRun { old: old.end, new: new.end, words: tail });
        }
    }

    /// Moves what was only removed or only added to the beginning of a line, where that is the same change: `.` and a line of
    /// words that ends with `.` is that line.
    fn on_whole_lines(&self, mut runs: Vec<EqualRun>) -> Vec<EqualRun> {
        let ends_line = |side: usize, word: usize| {
            let starts = [&self.old_starts, &self.new_starts][side];
            self.texts[side][starts[word]..starts[word + 1]].ends_with('\n')
        };
        for at in 1..runs.len() {
            let (before, after) = (runs[at - 1], runs[at]);
            let (old, new) = (before.old + before.words, before.new + before.words);
            // What was changed, where it begins, and where what follows it begins.
            let (side, words, begin, next) = match (old < after.old, new < after.new) {
                (true, false) => (0, &self.old, old, after.old),
                (false, true) => (1, &self.new, new, after.new),
                _ => continue,
            };
            let same = (0..after.words).take_while(|nth| words[begin + nth] == words[next + nth]).count();
            let Some(by) = (1..=same).find(|by| ends_line(side, begin + by - 1)) else { continue };
            if !ends_line(side, begin - 1) {
                runs[at - 1].words += by;
                runs[at] = EqualRun { old: after.old + by, new: after.new + by, words: after.words - by };
            }
        }
        runs
    }

    /// The runs of text. Blanks between two changes change with them: a phrase is easier to read than its words apart.
    fn into_changes(self) -> Vec<TextChange<'a>> {
        let old_text = |words: Range<usize>| &self.texts[0][self.old_starts[words.start]..self.old_starts[words.end]];
        let new_text = |words: Range<usize>| &self.texts[1][self.new_starts[words.start]..self.new_starts[words.end]];
        let mut changes = Vec::new();
        let (mut old, mut new) = (0, 0);
        let last = EqualRun { old: self.old.len(), new: self.new.len(), words: 0 };
        let mut runs = self.on_whole_lines(join_runs(&self.equal)).into_iter().chain([last]).peekable();
        while let Some(run) = runs.next() {
            let is_changed = old < run.old || new < run.new;
            let is_blank = |text: &str| text.chars().all(|char| char.is_whitespace() && char != '\n');
            if is_changed && runs.peek().is_some() && is_blank(old_text(run.old..run.old + run.words)) {
                continue; // It goes with the change around it.
            }
            changes.extend(Some(old_text(old..run.old)).filter(|text| !text.is_empty()).map(TextChange::Removed));
            changes.extend(Some(new_text(new..run.new)).filter(|text| !text.is_empty()).map(TextChange::Added));
            (old, new) = (run.old + run.words, run.new + run.words);
            changes.extend(Some(old_text(run.old..old)).filter(|text| !text.is_empty()).map(TextChange::Unchanged));
        }
        changes
    }
}

/// The words of a text as numbers, and where each begins; the last start is the end of the text.
fn number_words<'a>(text: &'a str, numbers: &mut HashMap<&'a str, u32>) -> (Vec<u32>, Vec<usize>) {
    let (mut words, mut starts) = (Vec::new(), vec![0]);
    for word in text.split_word_bounds() {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        words.push(*numbers.entry(word).or_insert(next));
        starts.push(starts[starts.len() - 1] + word.len());
    }
    (words, starts)
}

/// Joins runs that follow each other without a gap.
fn join_runs(runs: &[EqualRun]) -> Vec<EqualRun> {
    let mut joined: Vec<EqualRun> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.old + last.words == run.old && last.new + last.words == run.new => {
                last.words += run.words;
            }
            _ => joined.push(*run),
        }
    }
    joined
}

/// The longest part of the runs, ordered by their place in the old text, that is also ordered in the new text.
fn longest_increasing(runs: &[EqualRun]) -> Vec<EqualRun> {
    // The index of the run that ends the best part of each length, and the run before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; runs.len()];
    for (index, run) in runs.iter().enumerate() {
        let length = ends.partition_point(|end| runs[*end].new < run.new);
        previous[index] = length.checked_sub(1).map(|length| ends[length]);
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut part: Vec<EqualRun> =
        std::iter::successors(ends.last().copied(), |index| previous[*index]).map(|index| runs[index]).collect();
    part.reverse();
    part
}

/// The equal runs of the shortest edit; none if that takes too many edits or steps.
fn shortest_edit(old: &[u32], new: &[u32], steps: &mut usize) -> Vec<EqualRun> {
    // For each number of edits, how far the diagonals -edits, -edits + 2, … reach in the old words.
    let mut reached: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=MAX_EDITS.min(old.len() + new.len()) {
        let mut row = Vec::with_capacity(edits + 1);
        for nth in 0..=edits {
            let start = begin_diagonal(reached.last(), nth, edits);
            // The diagonal is old - new: 2 * nth - edits.
            let y = (start + edits).checked_sub(2 * nth);
            let Some(y) = y.filter(|y| start <= old.len() && *y <= new.len()) else {
                row.push(usize::MAX / 2); // Beyond the end of one of the texts.
                continue;
            };
            let same = old[start..].iter().zip(&new[y..]).take_while(|(a, b)| a == b).count();
            *steps += same + 1;
            row.push(start + same);
            if start + same == old.len() && y + same == new.len() {
                reached.push(row);
                return trace_back(&reached, nth);
            }
        }
        reached.push(row);
        if *steps > MAX_STEPS {
            break;
        }
    }
    Vec::new()
}

/// Where a diagonal begins: at the better end of its two neighbours with one edit less, after that edit.
fn begin_diagonal(last: Option<&Vec<usize>>, nth: usize, edits: usize) -> usize {
    const BEYOND: usize = usize::MAX / 2;
    let Some(last) = last else { return 0 };
    let removed = nth.checked_sub(1).map(|below| last[below]).filter(|x| *x < BEYOND).map(|x| x + 1);
    let added = last.get(nth).copied().filter(|x| *x < BEYOND && nth < edits);
    removed.max(added).unwrap_or(BEYOND)
}

/// Follows the edit that was found back to its beginning.
fn trace_back(reached: &[Vec<usize>], mut nth: usize) -> Vec<EqualRun> {
    let mut runs = Vec::new();
    for edits in (0..reached.len()).rev() {
        let end = reached[edits][nth];
        let start = begin_diagonal(edits.checked_sub(1).map(|before| &reached[before]), nth, edits);
        if end > start {
            runs.push(EqualRun { old: start, new: start + edits - 2 * nth, words: end - start });
        }
        let Some(before) = edits.checked_sub(1).map(|before| &reached[before]) else { break };
        let is_removed = nth > 0 && before[nth - 1] < usize::MAX / 2 && before[nth - 1] + 1 == start;
        nth = if is_removed { nth - 1 } else { nth };
    }
    runs.reverse();
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(before: &str, after: &str) -> String {
        diff_words(before, after)
            .iter()
            .map(|change| match change {
                TextChange::Unchanged(text) => (*text).to_owned(),
                TextChange::Removed(text) => format!("[-{text}-]"),
                TextChange::Added(text) => format!("{{+{text}+}}"),
            })
            .collect()
    }

    fn side(changes: &[TextChange], is_old: bool) -> String {
        changes
            .iter()
            .filter_map(|change| match change {
                TextChange::Unchanged(text) => Some(*text),
                TextChange::Removed(text) => Some(*text).filter(|_| is_old),
                TextChange::Added(text) => Some(*text).filter(|_| !is_old),
            })
            .collect()
    }

    #[test]
    fn words_that_differ_stand_between_those_that_do_not() {
        for (before, after, expected) in [
            ("WAL is safe on one host.", "WAL is not safe on any host.", "WAL is {+not +}safe on [-one-]{+any+} host."),
            ("a quick brown fox", "a slow red fox", "a [-quick brown-]{+slow red+} fox"),
            ("one\ntwo\nthree", "one\nthree", "one\n[-two\n-]three"),
            ("数据库很快", "数据库不快", "数据库[-很-]{+不+}快"),
            ("same", "same", "same"),
            ("", "new", "{+new+}"),
            ("old", "", "[-old-]"),
            ("", "", ""),
        ] {
            assert_eq!(rendered(before, after), expected);
        }
    }

    #[test]
    fn a_paragraph_that_moved_is_removed_and_added() {
        let [one, two, three] = ["The first of them.\n", "The second one is here.\n", "And a third, at the end.\n"];
        let moved = rendered(&[one, two, three].concat(), &[three, one, two].concat());
        assert_eq!(moved, format!("{{+{three}+}}{one}{two}[-{three}-]"));
    }

    #[test]
    fn megabytes_take_a_bounded_number_of_steps() {
        let text = |seed: u32| {
            let word = |n: u32| format!("w{} ", n.wrapping_mul(2_654_435_761).wrapping_mul(seed) >> 12);
            (0..200_000).map(word).collect::<String>()
        };
        let (before, after) = (text(3), text(7));
        assert!(before.len() > 1_000_000);
        let mut diff = WordDiff::new(&before, &after);
        diff.compare(diff.old.len(), diff.new.len());
        assert!(diff.steps <= MAX_STEPS + 2 * MAX_EDITS * 200, "{}", diff.steps);
        let changes = diff.into_changes();
        assert_eq!((side(&changes, true), side(&changes, false)), (before.clone(), after));
        let edited = before.replacen('w', "x", 1) + "end";
        assert!(diff_words(&before, &edited).len() <= 6);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_rebuilt_and_equal_words_stay(before in "([abc]{1,2}[ \n]){0,30}", after in "([abc]{1,2}[ \n]){0,30}") {
            let changes = diff_words(&before, &after);
            prop_assert_eq!(side(&changes, true), before.as_str());
            prop_assert_eq!(side(&changes, false), after.as_str());
            prop_assert!(changes.windows(2).all(|pair| std::mem::discriminant(&pair[0]) != std::mem::discriminant(&pair[1])));
        }

        #[test]
        fn the_shortest_edit_is_as_long_as_that_of_a_table(old in proptest::collection::vec(0_u32..4, 0..24), new in proptest::collection::vec(0_u32..4, 0..24)) {
            let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
            for i in (0..old.len()).rev() {
                for j in (0..new.len()).rev() {
                    common[i][j] = if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
                }
            }
            let runs = shortest_edit(&old, &new, &mut 0);
            prop_assert!(runs.iter().all(|run| old[run.old..run.old + run.words] == new[run.new..run.new + run.words]));
            prop_assert!(runs.windows(2).all(|pair| pair[0].old + pair[0].words <= pair[1].old && pair[0].new + pair[0].words <= pair[1].new));
            prop_assert_eq!(runs.iter().map(|run| run.words).sum::<usize>(), common[0][0]);
        }
    }
}
