//! The messages of a tree in the order in which they are shown, with what is known of each without its text.

use std::collections::HashSet;

use crate::{
    api::Usd,
    chat::{Answer, Conversation, ConversationCost, ConversationId, ItemKind, Message, MessageId},
};

/// All messages, each before those below it: first those of the conversation, then those of pruned branches.
#[derive(Debug, Clone, Default)]
pub(super) struct TreeIndex {
    pub nodes: Vec<TreeNode>,
    /// How many nodes are not in the trash.
    pub live: usize,
    /// How many messages have none below them.
    pub branches: usize,
    /// What the nodes before each cost together.
    cost_before: Vec<i128>,
}

/// One message of the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct TreeNode {
    pub id: MessageId,
    /// The index of the node above it.
    pub parent: Option<usize>,
    /// How many messages are below it, and the newest of them and it.
    pub below: usize,
    pub newest: MessageId,
    /// What it and all above it cost, in the units of `Usd`.
    path_cost: i128,
    pub kind: NodeKind,
    /// It is on the branch that is shown.
    pub is_active: bool,
    pub is_bookmarked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Prompt,
    /// An answer that called no tools.
    Answer,
    /// An answer that called tools, and has a text.
    AnswerWithCalls,
    /// An answer that only called tools.
    OnlyCalls,
}

/// What the index depends on: while this is the same, it stays as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexKey {
    conversation: ConversationId,
    tree_rev: u64,
    branch_end: Option<MessageId>,
    branch_length: usize,
    cost: ConversationCost,
    /// The running answers, and whether each has calls.
    running: Vec<(MessageId, bool)>,
}

impl IndexKey {
    pub(super) fn of(conversation: &Conversation) -> Self {
        let has_calls = |id: &MessageId| {
            conversation
                .messages
                .get(id)
                .and_then(Message::as_answer)
                .is_some_and(|answer| !answer.call_runs.is_empty())
        };
        Self {
            conversation: conversation.id,
            tree_rev: conversation.tree_rev(),
            branch_end: conversation.branch.last().copied(),
            branch_length: conversation.branch.len(),
            cost: conversation.cost().clone(),
            running: conversation.turns.iter().map(|turn| (turn.answer, has_calls(&turn.answer))).collect(),
        }
    }

    pub(super) fn is_same_conversation(&self, other: &Self) -> bool {
        self.conversation == other.conversation
    }
}

impl TreeIndex {
    /// Walks the tree once, however deep it is.
    pub(super) fn build(conversation: &Conversation) -> Self {
        let mut index = Self { cost_before: vec![0], ..Self::default() };
        let active: HashSet<MessageId> = conversation.branch.iter().copied().collect();
        let roots = conversation.children_of(None).iter().copied().chain(conversation.orphans());
        index.add_below(conversation, roots.collect(), &active);
        index.live = index.nodes.len();
        index.branches = index.nodes.iter().filter(|node| node.below == 0).count();
        let pruned = conversation.marks().pruned.keys().copied().filter(|id| conversation.messages.contains_key(id));
        index.add_below(conversation, pruned.collect(), &active);
        index
    }

    fn add_below(&mut self, conversation: &Conversation, roots: Vec<MessageId>, active: &HashSet<MessageId>) {
        let first = self.nodes.len();
        let mut waiting: Vec<(MessageId, Option<usize>)> = roots.into_iter().rev().map(|id| (id, None)).collect();
        while let Some((id, parent)) = waiting.pop() {
            let Some(message) = conversation.messages.get(&id) else { continue };
            let index = self.nodes.len();
            self.push(conversation, message, parent, active.contains(&id));
            waiting.extend(conversation.children_of(Some(id)).iter().rev().map(|child| (*child, Some(index))));
        }
        for index in (first..self.nodes.len()).rev() {
            let TreeNode { parent, below, newest, .. } = self.nodes[index];
            if let Some(parent) = parent.map(|parent| &mut self.nodes[parent]) {
                parent.below += below + 1;
                parent.newest = parent.newest.max(newest);
            }
        }
    }

    fn push(&mut self, conversation: &Conversation, message: &Message, parent: Option<usize>, is_active: bool) {
        let answer = message.as_answer();
        let cost = answer.map_or(0, |answer| answer.cost().0.units());
        self.cost_before.push(self.cost_before[self.nodes.len()].saturating_add(cost));
        self.nodes.push(TreeNode {
            id: message.id,
            parent,
            below: 0,
            newest: message.id,
            path_cost: parent.map_or(0, |parent| self.nodes[parent].path_cost).saturating_add(cost),
            kind: answer.map_or(NodeKind::Prompt, NodeKind::of),
            is_active,
            is_bookmarked: conversation.is_bookmarked(message.id),
        });
    }

    /// What a message and all below it cost.
    pub(super) fn cost_from(&self, node: usize) -> Usd {
        let end = node + self.nodes[node].below + 1;
        Usd::from_units(self.cost_before[end].saturating_sub(self.cost_before[node]))
    }

    /// What the messages below one cost.
    pub(super) fn cost_below(&self, node: usize) -> Usd {
        let end = node + self.nodes[node].below + 1;
        Usd::from_units(self.cost_before[end].saturating_sub(self.cost_before[node + 1]))
    }

    /// What a message and all above it cost.
    pub(super) fn cost_to(&self, node: usize) -> Usd {
        Usd::from_units(self.nodes[node].path_cost)
    }

    pub(super) fn position(&self, id: MessageId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }
}

impl NodeKind {
    pub(super) fn has_calls(self) -> bool {
        matches!(self, Self::AnswerWithCalls | Self::OnlyCalls)
    }

    fn of(answer: &Answer) -> Self {
        match (has_calls(answer), has_text(answer)) {
            (false, _) => Self::Answer,
            (true, true) => Self::AnswerWithCalls,
            (true, false) => Self::OnlyCalls,
        }
    }
}

/// Whether an answer called tools, those of the server included.
pub(super) fn has_calls(answer: &Answer) -> bool {
    answer.items.values().any(|item| matches!(*item.kind, ItemKind::Call(_) | ItemKind::Search(_)))
}

fn has_text(answer: &Answer) -> bool {
    answer.items.values().filter_map(|item| item.parts()).flatten().any(|part| !part.text().is_empty())
}

#[cfg(test)]
impl TreeIndex {
    /// A tree of prompts and answers from the parent of each, in the order of the rows.
    pub(super) fn of_parents(parents: &[Option<usize>]) -> Self {
        let node = |(number, parent): (u128, &Option<usize>)| TreeNode {
            id: MessageId(uuid::Uuid::from_u128(number)),
            parent: *parent,
            below: 0,
            newest: MessageId(uuid::Uuid::from_u128(number)),
            path_cost: 0,
            kind: match number {
                3 => NodeKind::OnlyCalls,
                number if number % 2 == 0 => NodeKind::Prompt,
                _ => NodeKind::Answer,
            },
            is_active: false,
            is_bookmarked: number > 5,
        };
        let mut nodes: Vec<TreeNode> = (0..).zip(parents).map(node).collect();
        for at in (0..nodes.len()).rev() {
            if let Some(parent) = nodes[at].parent {
                nodes[parent].below += nodes[at].below + 1;
            }
        }
        Self { live: nodes.len(), nodes, ..Self::default() }
    }
}
