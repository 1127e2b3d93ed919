//! Diffs of two texts: line by line, and word by word.

mod words;

pub use words::{TextChange, diff_words};

/// A line that was removed, added or left unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineChange<'a> {
    Unchanged(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// The most differing lines that are compared: a larger table would cost too much, so beyond it all old lines count as
/// removed and all new lines as added.
const MAX_COMPARED_LINES: usize = 500;

/// Returns every line of both texts in order; removed lines come before the lines that replace them.
pub fn diff_lines<'a>(before: &'a str, after: &'a str) -> Vec<LineChange<'a>> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = before.iter().zip(&after).take_while(same).count();
    let tail = before[head..].iter().rev().zip(after[head..].iter().rev()).take_while(same).count();
    let (removed, added) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let mut changes: Vec<LineChange> = before[..head].iter().copied().map(LineChange::Unchanged).collect();
    if removed.len().max(added.len()) > MAX_COMPARED_LINES {
        changes.extend(removed.iter().copied().map(LineChange::Removed));
        changes.extend(added.iter().copied().map(LineChange::Added));
    } else {
        diff_by_lcs(removed, added, &mut changes);
    }
    changes.extend(before[before.len() - tail..].iter().copied().map(LineChange::Unchanged));
    changes
}

/// Compares lines by their longest common subsequence.
fn diff_by_lcs<'a>(removed: &[&'a str], added: &[&'a str], changes: &mut Vec<LineChange<'a>>) {
    let width = added.len() + 1;
    // The number of lines that the remainders from `i` and `j` have in common.
    let mut common = vec![0_u16; (removed.len() + 1) * width];
    for i in (0..removed.len()).rev() {
        for j in (0..added.len()).rev() {
            common[i * width + j] = if removed[i] == added[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < removed.len() || j < added.len() {
        if i < removed.len() && j < added.len() && removed[i] == added[j] {
            changes.push(LineChange::Unchanged(removed[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == added.len() || i < removed.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            changes.push(LineChange::Removed(removed[i]));
            i += 1;
        } else {
            changes.push(LineChange::Added(added[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rendered(before: &str, after: &str) -> String {
        let line = |change: &LineChange| match change {
            LineChange::Unchanged(line) => format!("  {line}"),
            LineChange::Removed(line) => format!("- {line}"),
            LineChange::Added(line) => format!("+ {line}"),
        };
        diff_lines(before, after).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn unchanged_lines_appear_between_changes() {
        insta::assert_snapshot!(rendered("a\nb\nc\nd\ne", "a\nB\nc\ne\nf"), @r"
          a
        - b
        + B
          c
        - d
          e
        + f
        ");
        assert_eq!(rendered("", "x"), "- \n+ x");
        assert_eq!(rendered("x", "x\n"), "  x\n+ ");
        assert_eq!(rendered("same", "same"), "  same");
    }

    #[test]
    fn very_long_changes_are_listed_without_a_table() {
        let (before, after) = ("a\n".repeat(3_000), "b\n".repeat(3_000));
        assert_eq!(diff_lines(&before, &after).len(), 6_001);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_rebuilt_from_the_diff(before in "([ab]\n){0,12}[ab]?", after in "([ab]\n){0,12}[ab]?") {
            let changes = diff_lines(&before, &after);
            let of = |wanted: fn(&LineChange) -> bool| {
                let lines: Vec<&str> = changes.iter().filter(|change| wanted(change)).map(|change| match change {
                    LineChange::Unchanged(line) | LineChange::Removed(line) | LineChange::Added(line) => *line,
                }).collect();
                lines.join("\n")
            };
            prop_assert_eq!(of(|change| !matches!(change, LineChange::Added(_))), before.as_str());
            prop_assert_eq!(of(|change| !matches!(change, LineChange::Removed(_))), after.as_str());
        }
    }
}
