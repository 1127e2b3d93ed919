//! The parts of an answer as JSON lists, where each entry has the fields of its key and of its value.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::queries::to_json;
use crate::chat::{
    Item, ItemKind, ItemSlot,
    answer::StepUsage,
    nanos::{from_nanos, to_nanos},
};

/// An entry with the fields of both.
#[derive(Serialize)]
struct StoredEntry<'a, K, V> {
    #[serde(flatten)]
    key: K,
    #[serde(flatten)]
    value: &'a V,
}

/// A number of a response, as a key.
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct StepKey {
    step: u32,
}

/// An item at its position; `flatten` could not read the raw JSON in a value.
#[derive(Serialize, Deserialize)]
struct StoredItem {
    #[serde(flatten)]
    slot: ItemSlot,
    opened: i64,
    closed: Option<i64>,
    /// Byte for byte what the server sent.
    raw: Option<Arc<RawValue>>,
    /// Only stored if it cannot be derived from `raw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Arc<ItemKind>>,
}

pub(super) fn map_to_json<K: Serialize, V: Serialize>(map: &BTreeMap<K, V>) -> String {
    to_json(&map.iter().map(|(key, value)| StoredEntry { key, value }).collect::<Vec<_>>())
}

pub(super) fn map_from_json<K: DeserializeOwned + Ord, V: DeserializeOwned>(
    json: &str,
) -> serde_json::Result<BTreeMap<K, V>> {
    let entries: Vec<&RawValue> = serde_json::from_str(json)?;
    let entries = entries.into_iter().map(RawValue::get);
    entries.map(|entry| Ok((serde_json::from_str(entry)?, serde_json::from_str(entry)?))).collect()
}

pub(super) fn step_usage_to_json(usage: &BTreeMap<u32, StepUsage>) -> String {
    let entries = usage.iter().map(|(step, value)| StoredEntry { key: StepKey { step: *step }, value });
    to_json(&entries.collect::<Vec<_>>())
}

pub(super) fn step_usage_from_json(json: &str) -> serde_json::Result<BTreeMap<u32, StepUsage>> {
    let usage = map_from_json(json)?;
    Ok(usage.into_iter().map(|(StepKey { step }, usage)| (step, usage)).collect())
}

pub(super) fn items_to_json(items: &BTreeMap<ItemSlot, Item>) -> String {
    let stored = items.iter().map(|(slot, item)| StoredItem {
        slot: *slot,
        opened: to_nanos(item.opened_at),
        closed: item.closed_at.map(to_nanos),
        raw: item.raw.clone(),
        kind: (kind_of_raw(item.raw.as_deref()).as_ref() != Some(&*item.kind)).then(|| item.kind.clone()),
    });
    to_json(&stored.collect::<Vec<_>>())
}

pub(super) fn items_from_json(json: &str) -> serde_json::Result<BTreeMap<ItemSlot, Item>> {
    let unknown = || ItemKind::Other { kind: String::new(), status: None };
    let item = |stored: StoredItem| {
        let kind = stored.kind.unwrap_or_else(|| kind_of_raw(stored.raw.as_deref()).unwrap_or_else(unknown).into());
        let (opened_at, closed_at) = (from_nanos(stored.opened), stored.closed.map(from_nanos));
        (stored.slot, Item { raw: stored.raw, opened_at, closed_at, kind })
    };
    Ok(serde_json::from_str::<Vec<StoredItem>>(json)?.into_iter().map(item).collect())
}

/// Reads the kind of an item from the server's own JSON.
fn kind_of_raw(raw: Option<&RawValue>) -> Option<ItemKind> {
    raw.map(ItemKind::from_raw)
}
