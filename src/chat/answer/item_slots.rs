//! Finds the item that an event belongs to: by index, by id, or among the open items (reference: 4.4).

use std::collections::{BTreeSet, HashMap};

use super::{Answer, FunctionCall, Item, ItemKind, ItemSlot, ReasoningItem};
use crate::{
    api::{event::ItemRef, item::AnnotationIndex},
    chat::Timestamp,
};

/// What an answer tracks about its stream besides the items.
#[derive(Debug, Clone, Default)]
pub struct AssemblyState {
    pub(super) step: u32,
    /// Wire indices used by two items of different families; the second item is stored at another index.
    relocated: HashMap<(u32, ItemFamily), u32>,
    /// Ids of items, for events that carry no index.
    item_ids: HashMap<String, u32>,
    ids_of_item: HashMap<u32, Vec<String>>,
    /// The annotations of the parts that are being cited.
    pub(super) citations: HashMap<ItemSlot, HashMap<usize, AnnotationIndex>>,
    /// The items of each family that may be open, so that none is looked for among thousands; `None` before the first
    /// search.
    open_items: Option<HashMap<ItemFamily, BTreeSet<u32>>>,
    /// How many frames were not events of this API.
    pub(super) unknown_frames: usize,
    /// What the server wrote in place of events, if anything.
    pub(super) stray_text: String,
    /// Whether a piece of text could not be read and its whole text has not come yet.
    pub(super) has_text_gap: bool,
    /// How often a text of its messages changed in another way than by growing at the end of all of them.
    pub(super) text_rewrites: u64,
}

/// The most text in place of events, in bytes.
const MAX_STRAY_BYTES: usize = 64 * 1024;

/// The kind of item that a delta can belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ItemFamily {
    Message,
    Reasoning,
    Call,
    /// Server tools and everything unknown; their texts are not part of the answer.
    Other,
}

impl AssemblyState {
    /// The state at the start of another step or attempt.
    pub(super) fn for_step(&self, step: u32) -> Self {
        Self { step, text_rewrites: self.text_rewrites, ..Self::default() }
    }

    /// Keeps a frame that is no event, unless it is one of this API with a mistake in it.
    pub(super) fn note_unreadable(&mut self, raw: &str) {
        self.unknown_frames += 1;
        let is_event = raw.contains("\"type\"") && raw.trim_start().starts_with('{');
        let is_text = ["_text.delta", "content_part.delta", "refusal.delta"].iter().any(|kind| raw.contains(kind));
        self.has_text_gap |= is_event && is_text && !raw.contains("reasoning");
        if !is_event && self.stray_text.len() + raw.len() <= MAX_STRAY_BYTES {
            self.stray_text += raw;
            self.stray_text.push('\n');
        }
    }
}

impl Answer {
    pub(super) fn slot(&self, index: u32) -> ItemSlot {
        ItemSlot { step: self.assembly.step, index }
    }

    pub(super) fn resolve_index(&self, wire: u32, family: ItemFamily) -> u32 {
        self.assembly.relocated.get(&(wire, family)).copied().unwrap_or(wire)
    }

    pub(super) fn slot_by_id(&self, id: &str) -> Option<ItemSlot> {
        self.assembly.item_ids.get(id).map(|index| self.slot(*index))
    }

    /// The slot of an item that opens. An existing item is reused if a delta created it or its id matches.
    pub(super) fn slot_to_open(&mut self, target: &ItemRef, family: ItemFamily, id: Option<String>) -> ItemSlot {
        let same = id.as_deref().and_then(|id| self.slot_by_id(id));
        let known = match target {
            ItemRef::Index(wire) => Some(self.slot(self.resolve_index(*wire, family))).filter(|slot| {
                let is_open = |item: &Item| item.closed_at.is_none() || same == Some(*slot);
                self.items.get(slot).is_some_and(|item| ItemFamily::of(&item.kind) == family && is_open(item))
            }),
            ItemRef::Id(_) | ItemRef::Unspecified => same,
        };
        let slot = known.unwrap_or_else(|| self.allocate_slot(target, family));
        self.record_id(id, slot);
        slot
    }

    /// The slot of a complete item: by its index, by its id, or the newest open item of its family.
    pub(super) fn slot_to_close(&mut self, target: &ItemRef, family: ItemFamily, id: Option<String>) -> ItemSlot {
        // An item with a garbled type must not replace the text of the item that it names.
        let fits = |slot: &ItemSlot| self.items.get(slot).is_some_and(|item| ItemFamily::of(&item.kind) == family);
        let known = match target {
            ItemRef::Index(wire) => Some(self.slot(self.resolve_index(*wire, family))),
            ItemRef::Id(other) => self.slot_by_id(other),
            ItemRef::Unspecified => None,
        };
        let known = known.filter(fits);
        let by_own_id = || id.as_deref().and_then(|id| self.slot_by_id(id)).filter(fits);
        let known = match target {
            ItemRef::Index(_) => known,
            ItemRef::Id(_) | ItemRef::Unspecified => known.or_else(by_own_id).or_else(|| self.newest_open_slot(family)),
        };
        let slot = known.unwrap_or_else(|| self.allocate_slot(target, family));
        self.record_id(id, slot);
        slot
    }

    fn record_id(&mut self, id: Option<String>, slot: ItemSlot) {
        if let Some(id) = id.filter(|id| self.slot_by_id(id) != Some(slot)) {
            self.assembly.ids_of_item.entry(slot.index).or_default().push(id.clone());
            self.assembly.item_ids.insert(id, slot.index);
        }
    }

    /// The slot for an empty text, which may open a part of an existing item but never creates an item.
    pub(super) fn slot_of_empty_text(&self, target: &ItemRef, family: ItemFamily) -> Option<ItemSlot> {
        let ItemRef::Index(wire) = target else { return None };
        let slot = self.slot(self.resolve_index(*wire, family));
        let fits = |item: &Item| ItemFamily::of(&item.kind) == family && item.closed_at.is_none();
        self.items.get(&slot).is_some_and(fits).then_some(slot)
    }

    /// The slot that a text belongs to, created if necessary; `None` if the text is not part of the answer
    /// (another model's advice, for example) or its item is closed.
    pub(super) fn slot_for_text(&mut self, at: Timestamp, target: &ItemRef, family: ItemFamily) -> Option<ItemSlot> {
        let known = match target {
            ItemRef::Index(wire) => Some(self.slot(self.resolve_index(*wire, family))),
            ItemRef::Id(id) => self.slot_by_id(id).or_else(|| self.newest_open_slot(family)),
            ItemRef::Unspecified => self.newest_open_slot(family),
        };
        if let Some(item) = known.and_then(|slot| self.items.get(&slot)) {
            let item_family = ItemFamily::of(&item.kind);
            if item_family == family {
                return if item.closed_at.is_none() { known } else { None };
            }
            let is_text = |family| matches!(family, ItemFamily::Message | ItemFamily::Reasoning);
            if !is_text(item_family) || !is_text(family) {
                return None;
            }
            let is_blank = item_family == ItemFamily::Message && item.closed_at.is_none() && item.kind.is_empty();
            if let (ItemRef::Index(wire), true) = (target, is_blank) {
                self.move_message_behind(*wire);
            }
        }
        let slot = self.allocate_slot(target, family);
        let kind = match family {
            ItemFamily::Message => ItemKind::Message { parts: Vec::new(), phase: None },
            ItemFamily::Reasoning => ItemKind::Reasoning(ReasoningItem::default()),
            ItemFamily::Call => ItemKind::Call(FunctionCall::default()),
            ItemFamily::Other => return None,
        };
        self.items.insert(slot, Item { raw: None, opened_at: at, closed_at: None, kind: kind.into() });
        self.note_open(slot, family);
        Some(slot)
    }

    /// Moves an empty message behind the reasoning that claims its index, because reasoning comes first.
    fn move_message_behind(&mut self, wire: u32) {
        let slot = self.slot(wire);
        let Some(message) = self.items.remove(&slot) else { return };
        let behind = self.free_index().max(wire.saturating_add(1));
        self.items.insert(self.slot(behind), message);
        self.note_open(self.slot(behind), ItemFamily::Message);
        self.assembly.relocated.insert((wire, ItemFamily::Message), behind);
        for id in self.assembly.ids_of_item.remove(&wire).unwrap_or_default() {
            self.record_id(Some(id), self.slot(behind));
        }
    }

    /// The slot at its own index if that is free, else the next free one, recorded for later events.
    fn allocate_slot(&mut self, target: &ItemRef, family: ItemFamily) -> ItemSlot {
        let index = match target {
            ItemRef::Index(wire) if !self.items.contains_key(&self.slot(*wire)) => *wire,
            ItemRef::Index(wire) => {
                let free = self.free_index();
                self.assembly.relocated.insert((*wire, family), free);
                free
            }
            ItemRef::Id(_) | ItemRef::Unspecified => self.free_index(),
        };
        let slot = self.slot(index);
        if let ItemRef::Id(id) = target {
            self.record_id(Some(id.clone()), slot);
        }
        slot
    }

    pub(super) fn free_index(&self) -> u32 {
        let last = self.items.range(step_range(self.assembly.step)).next_back();
        last.map_or(0, |(slot, _)| slot.index.saturating_add(1))
    }

    /// The newest item of a family in this step, closed or not.
    pub(super) fn newest_slot(&self, family: ItemFamily) -> Option<ItemSlot> {
        let mut of_step = self.items.range(step_range(self.assembly.step)).rev();
        of_step.find(|(_, item)| ItemFamily::of(&item.kind) == family).map(|(slot, _)| *slot)
    }

    /// Records that an item was opened.
    pub(super) fn note_open(&mut self, slot: ItemSlot, family: ItemFamily) {
        if let Some(open_items) = &mut self.assembly.open_items {
            open_items.entry(family).or_default().insert(slot.index);
        }
    }

    /// The newest open item of a family in this step. One that has been closed is looked at once.
    fn newest_open_slot(&mut self, family: ItemFamily) -> Option<ItemSlot> {
        let (items, step) = (&self.items, self.assembly.step);
        let open_items = self.assembly.open_items.get_or_insert_with(|| {
            let mut open_items: HashMap<ItemFamily, BTreeSet<u32>> = HashMap::new();
            for (slot, item) in items.range(step_range(step)) {
                open_items.entry(ItemFamily::of(&item.kind)).or_default().insert(slot.index);
            }
            open_items
        });
        let indices = open_items.entry(family).or_default();
        let is_open = |item: &Item| item.closed_at.is_none() && ItemFamily::of(&item.kind) == family;
        while let Some(index) = indices.last().copied() {
            let slot = ItemSlot { step, index };
            if items.get(&slot).is_some_and(is_open) {
                return Some(slot);
            }
            indices.pop_last();
        }
        None
    }
}

impl ItemFamily {
    pub(super) fn of(kind: &ItemKind) -> Self {
        match kind {
            ItemKind::Message { .. } => Self::Message,
            ItemKind::Reasoning(_) => Self::Reasoning,
            ItemKind::Call(_) => Self::Call,
            ItemKind::Search(_) | ItemKind::Other { .. } => Self::Other,
        }
    }
}

/// The range of all slots of a step.
pub(super) fn step_range(step: u32) -> std::ops::RangeInclusive<ItemSlot> {
    ItemSlot { step, index: 0 }..=ItemSlot { step, index: u32::MAX }
}
