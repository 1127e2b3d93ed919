//! What changed between two texts, line by line.

/// A line, and whether it was taken out, put in, or stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    Kept(&'a str),
    Out(&'a str),
    In(&'a str),
}

/// Where two texts differ in more lines than this, one is taken out and the other put in: the table would be too large.
const MOST: usize = 500;

/// Every line of both texts in order; what is taken out stands before what is put in for it.
pub fn lines<'a>(before: &'a str, after: &'a str) -> Vec<Change<'a>> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = before.iter().zip(&after).take_while(same).count();
    let tail = before[head..].iter().rev().zip(after[head..].iter().rev()).take_while(same).count();
    let (out, new) = (&before[head..before.len() - tail], &after[head..after.len() - tail]);
    let mut changes: Vec<Change> = before[..head].iter().copied().map(Change::Kept).collect();
    if out.len().max(new.len()) > MOST {
        changes.extend(out.iter().copied().map(Change::Out));
        changes.extend(new.iter().copied().map(Change::In));
    } else {
        between(out, new, &mut changes);
    }
    changes.extend(before[before.len() - tail..].iter().copied().map(Change::Kept));
    changes
}

/// By the longest common subsequence.
fn between<'a>(out: &[&'a str], new: &[&'a str], changes: &mut Vec<Change<'a>>) {
    let width = new.len() + 1;
    // How many lines the rests from here on have in common.
    let mut common = vec![0_u16; (out.len() + 1) * width];
    for i in (0..out.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if out[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < out.len() || j < new.len() {
        if i < out.len() && j < new.len() && out[i] == new[j] {
            changes.push(Change::Kept(out[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < out.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            changes.push(Change::Out(out[i]));
            i += 1;
        } else {
            changes.push(Change::In(new[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(before: &str, after: &str) -> String {
        let line = |change: &Change| match change {
            Change::Kept(line) => format!("  {line}"),
            Change::Out(line) => format!("- {line}"),
            Change::In(line) => format!("+ {line}"),
        };
        lines(before, after).iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_stayed_stands_between_what_changed() {
        insta::assert_snapshot!(told("a\nb\nc\nd\ne", "a\nB\nc\ne\nf"), @r"
          a
        - b
        + B
          c
        - d
          e
        + f
        ");
        assert_eq!(told("", "x"), "- \n+ x");
        assert_eq!(told("x", "x\n"), "  x\n+ ");
        assert_eq!(told("same", "same"), "  same");
    }

    #[test]
    fn very_long_changes_are_told_without_a_table() {
        let (before, after) = ("a\n".repeat(3_000), "b\n".repeat(3_000));
        assert_eq!(lines(&before, &after).len(), 6_001);
    }

    proptest! {
        #[test]
        fn both_texts_are_in_it_whole(before in "([ab]\n){0,12}[ab]?", after in "([ab]\n){0,12}[ab]?") {
            let changes = lines(&before, &after);
            let of = |wanted: fn(&Change) -> bool| {
                let lines: Vec<&str> = changes.iter().filter(|change| wanted(change)).map(|change| match change {
                    Change::Kept(line) | Change::Out(line) | Change::In(line) => *line,
                }).collect();
                lines.join("\n")
            };
            prop_assert_eq!(of(|change| !matches!(change, Change::In(_))), before.as_str());
            prop_assert_eq!(of(|change| !matches!(change, Change::Out(_))), after.as_str());
        }
    }
}
