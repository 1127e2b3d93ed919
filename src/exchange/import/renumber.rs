//! New ids for a conversation whose messages are in another one already, such as in an edited copy of an export.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::chat::{ConversationId, MessageId, WholeConversation};

/// Gives a conversation and its messages ids that follow from its hash. Messages keep their order.
pub(super) fn renumber(mut whole: WholeConversation, hash: &str) -> WholeConversation {
    whole.header.id = ConversationId(hashed(hash, whole.header.id.0, None));
    let new: BTreeMap<MessageId, MessageId> = whole
        .messages
        .iter()
        .map(|message| (message.id, MessageId(hashed(hash, message.id.0, Some(millis(message.id))))))
        .collect();
    let renamed = |id: MessageId| new.get(&id).copied().unwrap_or(id);
    for message in &mut whole.messages {
        message.id = renamed(message.id);
        message.parent = message.parent.map(renamed);
    }
    whole.messages.sort_by_key(|message| message.id);
    whole.header.branch.iter_mut().for_each(|id| *id = renamed(*id));
    whole.header.left_out = whole.header.left_out.iter().map(|id| renamed(*id)).collect();
    let results = std::mem::take(&mut whole.full_results).into_iter();
    whole.full_results = results.map(|((id, slot), result)| ((renamed(id), slot), result)).collect();
    whole.checks.iter_mut().for_each(|check| check.message = renamed(check.message));
    whole.side_costs.iter_mut().for_each(|paid| paid.message = renamed(paid.message));
    whole
}

/// The time in an id.
fn millis(id: MessageId) -> u64 {
    u64::try_from(id.0.as_u128() >> 80).unwrap_or(0)
}

fn hashed(hash: &str, id: Uuid, millis: Option<u64>) -> Uuid {
    let digest = Sha256::new().chain_update(hash).chain_update(id.as_bytes()).finalize();
    match millis {
        Some(millis) => {
            Builder::from_unix_timestamp_millis(millis, &std::array::from_fn(|index| digest[index])).into_uuid()
        }
        None => Builder::from_custom_bytes(std::array::from_fn(|index| digest[index])).into_uuid(),
    }
}
