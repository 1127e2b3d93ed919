//! The rows of a tree: what a filter and the folds leave of it, and the lines that join them.

use std::collections::BTreeSet;

use super::tree_index::{NodeKind, TreeIndex};
use crate::{chat::MessageId, render::theme::ThemeMarks, ui::overlay::list_browser::BrowserRow};

/// Which messages are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TreeFilter {
    #[default]
    All,
    /// Without the calls of tools, and without answers that are nothing else.
    NoTools,
    Prompts,
    Bookmarked,
    /// What is in the trash.
    Pruned,
}

impl TreeFilter {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::NoTools,
            Self::NoTools => Self::Prompts,
            Self::Prompts => Self::Bookmarked,
            Self::Bookmarked => Self::Pruned,
            Self::Pruned => Self::All,
        }
    }

    /// Returns its name on the screen; the whole tree has none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::NoTools => Some("no tools"),
            Self::Prompts => Some("prompts only"),
            Self::Bookmarked => Some("bookmarked"),
            Self::Pruned => Some("pruned"),
        }
    }
}

/// A row: a message, what belongs to it, or what is folded below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeRow {
    /// The index of its message.
    pub node: usize,
    pub kind: TreeRowKind,
    /// The row above that it hangs below.
    parent: Option<usize>,
    /// The nearest row at a fork: this one, or one above it.
    fork: Option<usize>,
    /// It is one of several rows that hang below the same.
    is_fork: bool,
    /// It is the last of them.
    is_last: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeRowKind {
    Message,
    /// The tools that an answer called.
    Calls,
    /// So many messages that are folded.
    Fold(usize),
}

impl BrowserRow for TreeRow {
    fn is_selectable(&self) -> bool {
        self.kind != TreeRowKind::Calls
    }
}

/// Lists the rows of a filter.
pub(super) fn list_rows(index: &TreeIndex, filter: TreeFilter, folded: &BTreeSet<MessageId>) -> Vec<TreeRow> {
    let mut rows: Vec<TreeRow> = Vec::new();
    let range = if filter == TreeFilter::Pruned { index.live..index.nodes.len() } else { 0..index.live };
    // The row of each node of the range, or that of the nearest listed one above it.
    let mut nearest: Vec<Option<usize>> = vec![None; range.len()];
    let mut node = range.start;
    while node < range.end {
        let parent = index.nodes[node].parent.and_then(|parent| nearest[parent - range.start]);
        if !is_listed(index, node, filter) {
            nearest[node - range.start] = parent;
            node += 1;
            continue;
        }
        let row = rows.len();
        nearest[node - range.start] = Some(row);
        let row_of = |kind, parent| TreeRow { node, kind, parent, fork: None, is_fork: false, is_last: false };
        rows.push(row_of(TreeRowKind::Message, parent));
        if filter == TreeFilter::All && index.nodes[node].kind.has_calls() {
            rows.push(row_of(TreeRowKind::Calls, Some(row)));
        }
        let end = node + 1 + index.nodes[node].below;
        let hidden = if folded.contains(&index.nodes[node].id) {
            (node + 1..end).filter(|node| is_listed(index, *node, filter)).count()
        } else {
            0
        };
        if hidden > 0 {
            rows.push(row_of(TreeRowKind::Fold(hidden), Some(row)));
            node = end;
        } else {
            node += 1;
        }
    }
    join_rows(&mut rows);
    rows
}

fn is_listed(index: &TreeIndex, node: usize, filter: TreeFilter) -> bool {
    let node = &index.nodes[node];
    match filter {
        TreeFilter::All | TreeFilter::Pruned => true,
        TreeFilter::NoTools => node.kind != NodeKind::OnlyCalls,
        TreeFilter::Prompts => node.kind == NodeKind::Prompt,
        TreeFilter::Bookmarked => node.is_bookmarked,
    }
}

/// Finds the forks. Only they indent what is below them, so a chain of messages takes no room.
fn join_rows(rows: &mut [TreeRow]) {
    let place = |row: &TreeRow| row.parent.map_or(0, |parent| parent + 1);
    // How many messages hang below each row, and below none.
    let mut children = vec![0_usize; rows.len() + 1];
    for row in rows.iter().filter(|row| row.kind == TreeRowKind::Message) {
        children[place(row)] += 1;
    }
    let mut seen = vec![0_usize; rows.len() + 1];
    for index in 0..rows.len() {
        let at = place(&rows[index]);
        let inherited = rows[index].parent.and_then(|parent| rows[parent].fork);
        let row = &mut rows[index];
        if row.kind == TreeRowKind::Message {
            seen[at] += 1;
            row.is_fork = children[at] > 1;
            row.is_last = seen[at] == children[at];
        }
        row.fork = if row.is_fork { Some(index) } else { inherited };
    }
}

/// Returns the lines left of a row: at most so many forks, the innermost ones.
pub(super) fn guides(rows: &[TreeRow], index: usize, most: usize, marks: &ThemeMarks) -> String {
    let mut levels: Vec<&str> = Vec::new();
    let mut fork = rows[index].fork;
    while let Some(at) = fork.filter(|_| levels.len() <= most) {
        levels.push(match (at == index, rows[at].is_last) {
            (true, true) => marks.tree_corner,
            (true, false) => marks.tree_tee,
            (false, true) => " ",
            (false, false) => marks.vertical,
        });
        fork = rows[at].parent.and_then(|parent| rows[parent].fork);
    }
    if levels.len() > most {
        levels.truncate(most);
        if let Some(outermost) = levels.last_mut() {
            *outermost = marks.sibling_left; // There is more to the left.
        }
    }
    levels.iter().rev().flat_map(|level| [*level, " "]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn drawn(index: &TreeIndex, filter: TreeFilter, folded: &[u128]) -> String {
        let folded = folded.iter().map(|number| MessageId(Uuid::from_u128(*number))).collect();
        let rows = list_rows(index, filter, &folded);
        let line = |at: usize| {
            let name = match rows[at].kind {
                TreeRowKind::Message => rows[at].node.to_string(),
                TreeRowKind::Calls => "calls".to_owned(),
                TreeRowKind::Fold(count) => format!("({count})"),
            };
            format!("{}{name}", guides(&rows, at, 3, &ThemeMarks::UNICODE))
        };
        (0..rows.len()).map(line).collect::<Vec<_>>().join("\n")
    }

    /// 0 has two versions below it, 1 and 6; 2 has two, 3 and 5.
    const FORKS: &[Option<usize>] = &[None, Some(0), Some(1), Some(2), Some(3), Some(2), Some(0), Some(6)];

    #[test]
    fn only_forks_indent() {
        insta::assert_snapshot!(drawn(&TreeIndex::of_parents(FORKS), TreeFilter::All, &[]), @"
        0
        ├ 1
        │ 2
        │ ├ 3
        │ │ calls
        │ │ 4
        │ └ 5
        └ 6
          7
        ");
    }

    #[test]
    fn filters_join_what_they_leave() {
        let index = TreeIndex::of_parents(FORKS);
        insta::assert_snapshot!(drawn(&index, TreeFilter::NoTools, &[]), @"
        0
        ├ 1
        │ 2
        │ ├ 4
        │ └ 5
        └ 6
          7
        ");
        insta::assert_snapshot!(drawn(&index, TreeFilter::Prompts, &[]), @"
        0
        ├ 2
        │ 4
        └ 6
        ");
        insta::assert_snapshot!(drawn(&index, TreeFilter::Bookmarked, &[]), @"
        6
        7
        ");
        assert_eq!(drawn(&index, TreeFilter::Pruned, &[]), "");
    }

    #[test]
    fn a_fold_counts_what_it_hides_and_leaves_what_has_nothing_below_it() {
        insta::assert_snapshot!(drawn(&TreeIndex::of_parents(FORKS), TreeFilter::All, &[2, 5]), @"
        0
        ├ 1
        │ 2
        │ (3)
        └ 6
          7
        ");
    }

    #[test]
    fn deep_forks_show_the_innermost_lines() {
        // Every node has two below it, and the first of them goes on.
        let mut parents = vec![None];
        for at in 0..5 {
            parents.push(if at == 0 { Some(0) } else { Some(at) });
        }
        for at in (0..5).rev() {
            parents.push(Some(at));
        }
        let drawn = drawn(&TreeIndex::of_parents(&parents), TreeFilter::Pruned, &[]);
        assert_eq!(drawn, "");
        let rows = list_rows(&TreeIndex::of_parents(&parents), TreeFilter::NoTools, &BTreeSet::new());
        let deepest = (0..rows.len()).max_by_key(|at| guides(&rows, *at, 99, &ThemeMarks::UNICODE).len());
        let deepest = deepest.expect("there are rows");
        assert_eq!(guides(&rows, deepest, 99, &ThemeMarks::UNICODE), "│ │ │ └ ");
        assert_eq!(guides(&rows, deepest, 2, &ThemeMarks::UNICODE), "‹ └ ");
    }
}
