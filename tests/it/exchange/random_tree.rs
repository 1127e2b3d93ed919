//! Random whole conversations: trees of any form, with all that the database can have about them.

use std::collections::BTreeMap;

use ibid::{
    api::Usd,
    chat::{
        AnswerEnd, ItemSlot, Message, MessageBody, MessageId, Prompt, SideCost, StoredCheck, ToolCallState,
        WholeConversation,
    },
    tools::ToolOutcome,
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use crate::store::{
    round_trip::{any_answer, any_state, any_time, maybe_text, text},
    test_database::{debug_text, header, message_id},
};

/// A conversation whose messages hang below any earlier one, or below none.
pub fn any_whole() -> BoxedStrategy<WholeConversation> {
    let body = prop_oneof![
        text().prop_map(|text| MessageBody::Prompt(Prompt { text })),
        any_answer().prop_map(MessageBody::Answer),
    ];
    let node = (body, any::<Index>(), any_time(), any_beside());
    let about = (text(), any::<[bool; 2]>(), maybe_text(), any_time(), any_time(), any::<Index>());
    (about, vec(node, 1..9))
        .prop_map(|((title, [renamed, unread], origin, created_at, updated_at, leaf), nodes)| {
            let mut whole = WholeConversation {
                header: header(1, &title),
                created_at,
                origin,
                messages: Vec::new(),
                full_results: BTreeMap::new(),
                checks: Vec::new(),
                side_costs: Vec::new(),
            };
            (whole.header.renamed, whole.header.unread, whole.header.updated_at) = (renamed, unread, updated_at);
            for (n, (body, parent, created_at, beside)) in (0..).zip(nodes) {
                let id = message_id(n);
                let parent = parent.index(usize::try_from(n).expect("few") + 1).checked_sub(1);
                let parent = parent.map(|parent| whole.messages[parent].id);
                if matches!(body, MessageBody::Answer(_)) {
                    beside.add_to(&mut whole, id);
                }
                whole.messages.push(Message { id, parent, created_at, rev: 0, body });
            }
            let leaf = whole.messages[leaf.index(whole.messages.len())].id;
            whole.header.branch = path_to(&whole, leaf);
            whole.header.left_out = whole.header.branch.iter().copied().take(1).collect();
            whole
        })
        .boxed()
}

/// What the database has about an answer besides its message.
#[derive(Debug, Clone)]
struct BesideAnswer {
    result: Option<(u32, ToolOutcome)>,
    check: Option<StoredCheck>,
    cost: Option<SideCost>,
}

fn any_beside() -> BoxedStrategy<BesideAnswer> {
    let result = option::of((any::<u32>(), any_state()));
    let check = option::of((text(), any_time(), maybe_text(), text()));
    let cost = option::of((any_time(), prop_oneof![Just("0.10"), Just("2e-05")]));
    (result, check, cost)
        .prop_map(|(result, check, cost)| BesideAnswer {
            result: result.and_then(|(index, state)| match state {
                ToolCallState::Done(outcome) => Some((index, outcome)),
                _ => None,
            }),
            check: check.map(|(source, checked_at, page_hash, result)| StoredCheck {
                message: message_id(0),
                source,
                checked_at,
                page_hash,
                result,
            }),
            cost: cost.map(|(at, digits)| SideCost {
                message: message_id(0),
                at,
                cost: Usd::parse(digits).expect("an amount"),
            }),
        })
        .boxed()
}

impl BesideAnswer {
    fn add_to(self, whole: &mut WholeConversation, message: MessageId) {
        whole
            .full_results
            .extend(self.result.map(|(index, outcome)| ((message, ItemSlot { step: 1, index }), outcome)));
        whole.checks.extend(self.check.map(|check| StoredCheck { message, ..check }));
        whole.side_costs.extend(self.cost.map(|cost| SideCost { message, ..cost }));
    }
}

fn path_to(whole: &WholeConversation, leaf: MessageId) -> Vec<MessageId> {
    let find = |id: MessageId| whole.messages.iter().find(|message| message.id == id);
    let way = std::iter::successors(find(leaf), |message| find(message.parent?));
    let mut path: Vec<MessageId> = way.map(|message| message.id).collect();
    path.reverse();
    path
}

/// All of a conversation as text, to be compared. The sum of the usage follows from that of the responses.
pub fn whole_text(whole: &WholeConversation) -> String {
    let mut whole = whole.clone();
    for message in &mut whole.messages {
        message.rev = 0;
        if let MessageBody::Answer(answer) = &mut message.body {
            answer.usage = None;
        }
    }
    debug_text(&whole)
}

/// Whether an answer of it still runs.
pub fn has_open_answer(whole: &WholeConversation) -> bool {
    whole.messages.iter().filter_map(Message::as_answer).any(|answer| answer.end == AnswerEnd::Open)
}
