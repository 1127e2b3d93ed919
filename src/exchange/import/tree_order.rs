//! Puts the messages of a tree into an order in which each comes behind its parent.

use std::collections::HashMap;

/// A message in the new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderedNode {
    /// Its place in the list that was given.
    pub source: usize,
    /// Its parent's place in the new order.
    pub parent: Option<usize>,
}

/// Orders nodes with a key and the key of a parent each; siblings stay in the order given. A node without a known parent
/// is a root. Nodes in a ring are left out.
pub(super) fn order_tree(nodes: &[(&str, Option<&str>)]) -> Vec<OrderedNode> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(nodes.len());
    for (source, (key, _)) in nodes.iter().enumerate() {
        places.entry(key).or_insert(source);
    }
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for (source, (_, parent)) in nodes.iter().enumerate() {
        match parent.and_then(|parent| places.get(parent)).filter(|parent| **parent != source) {
            Some(parent) => children[*parent].push(source),
            None => roots.push(source),
        }
    }
    let mut ordered = Vec::with_capacity(nodes.len());
    let mut waiting: Vec<OrderedNode> =
        roots.into_iter().rev().map(|source| OrderedNode { source, parent: None }).collect();
    while let Some(node) = waiting.pop() {
        let parent = Some(ordered.len());
        ordered.push(node);
        waiting.extend(children[node.source].iter().rev().map(|child| OrderedNode { source: *child, parent }));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_rings_and_missing_parents_do_no_harm() {
        let nodes = [
            ("c", Some("b")),
            ("a", None),
            ("b", Some("a")),
            ("d", Some("a")),
            ("lost", Some("nowhere")),
            ("x", Some("y")),
            ("y", Some("x")),
            ("self", Some("self")),
        ];
        let ordered = order_tree(&nodes);
        let named: Vec<_> = ordered
            .iter()
            .map(|node| (nodes[node.source].0, node.parent.map(|at| nodes[ordered[at].source].0)))
            .collect();
        let expected =
            [("a", None), ("b", Some("a")), ("c", Some("b")), ("d", Some("a")), ("lost", None), ("self", None)];
        assert_eq!(named, expected);
    }
}
