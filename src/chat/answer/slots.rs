//! Which item an event is about: by its index, by its id, or by what is open (reference: 4.4).

use super::{Answer, Call, Item, Kind, Reasoning, Slot};
use crate::{api::event::At, chat::Timestamp};

/// What an answer remembers of its stream beyond the items.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub(super) step: u32,
    /// Wire indices that stand for two items of different families: what came second lives elsewhere.
    moved: Vec<((u32, Family), u32)>,
    /// Ids of items, for events that tell no index.
    ids: Vec<(String, u32)>,
    /// Frames that were no events of this API.
    pub(super) strange: usize,
}

/// The items that one kind of delta may belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Message,
    Reasoning,
    Call,
    /// Tools of the server and everything unknown; their texts are none of the answer's.
    Other,
}

impl Progress {
    pub(super) fn of_step(step: u32) -> Self {
        Self { step, ..Self::default() }
    }
}

impl Answer {
    pub(super) fn slot(&self, index: u32) -> Slot {
        Slot { step: self.progress.step, index }
    }

    pub(super) fn moved(&self, wire: u32, family: Family) -> u32 {
        let moved = self.progress.moved.iter().rev().find(|(key, _)| *key == (wire, family));
        moved.map_or(wire, |(_, index)| *index)
    }

    pub(super) fn by_id(&self, id: &str) -> Option<Slot> {
        let known = self.progress.ids.iter().rev().find(|(known, _)| known == id);
        known.map(|(_, index)| self.slot(*index))
    }

    /// The slot of an item that begins. One that is there already is taken if a delta made it, or if it is the same.
    pub(super) fn slot_to_open(&mut self, whose: &At, family: Family, id: Option<String>) -> Slot {
        let same = id.as_deref().and_then(|id| self.by_id(id));
        let known = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, family))).filter(|slot| {
                let is_open = |item: &Item| item.closed.is_none() || same == Some(*slot);
                self.items.get(slot).is_some_and(|item| Family::of(&item.kind) == family && is_open(item))
            }),
            At::Id(_) | At::Unsaid => same,
        };
        let slot = known.unwrap_or_else(|| self.new_slot(whose, family));
        self.remember(id, slot);
        slot
    }

    /// The slot of an item that is whole: by its index, its id, or the newest of its family that waits for it.
    pub(super) fn slot_to_close(&mut self, whose: &At, family: Family, id: Option<String>) -> Slot {
        // A type that was garbled on its way takes no text away from what it names.
        let fits = |slot: &Slot| self.items.get(slot).is_some_and(|item| Family::of(&item.kind) == family);
        let known = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, family))),
            At::Id(other) => self.by_id(other),
            At::Unsaid => None,
        };
        let known = known.filter(fits);
        let is_index = matches!(whose, At::Index(_));
        let by_own_id = || id.as_deref().and_then(|id| self.by_id(id)).filter(fits);
        let known = known.or_else(|| by_own_id().filter(|_| !is_index));
        let known = known.or_else(|| self.newest_open(family).filter(|_| !is_index));
        let slot = known.unwrap_or_else(|| self.new_slot(whose, family));
        self.remember(id, slot);
        slot
    }

    fn remember(&mut self, id: Option<String>, slot: Slot) {
        if let Some(id) = id.filter(|id| self.by_id(id) != Some(slot)) {
            self.progress.ids.push((id, slot.index));
        }
    }

    /// An empty text opens a part of an item that is there, and makes none.
    pub(super) fn slot_of_nothing(&self, whose: &At, family: Family) -> Option<Slot> {
        let At::Index(wire) = whose else { return None };
        let slot = self.slot(self.moved(*wire, family));
        let fits = |item: &Item| Family::of(&item.kind) == family && item.closed.is_none();
        self.items.get(&slot).is_some_and(fits).then_some(slot)
    }

    /// The slot that a text goes to, made where there is none; `None` when it belongs to something that is not the
    /// answer's (the advice of another model, say) or that is closed.
    pub(super) fn slot_of_text(&mut self, at: Timestamp, whose: &At, family: Family) -> Option<Slot> {
        let known = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, family))),
            At::Id(id) => self.by_id(id).or_else(|| self.newest_open(family)),
            At::Unsaid => self.newest_open(family),
        };
        if let Some(item) = known.and_then(|slot| self.items.get(&slot)) {
            let of_item = Family::of(&item.kind);
            if of_item == family {
                return if item.closed.is_none() { known } else { None };
            }
            let is_text = |family| matches!(family, Family::Message | Family::Reasoning);
            if !is_text(of_item) || !is_text(family) {
                return None;
            }
            let is_blank = of_item == Family::Message && item.closed.is_none() && item.kind.is_empty();
            if let (At::Index(wire), true) = (whose, is_blank) {
                self.put_behind(*wire);
            }
        }
        let slot = self.new_slot(whose, family);
        let kind = match family {
            Family::Message => Kind::Message { parts: Vec::new(), phase: None },
            Family::Reasoning => Kind::Reasoning(Reasoning::default()),
            Family::Call => Kind::Call(Call::default()),
            Family::Other => return None,
        };
        self.items.insert(slot, Item { raw: None, opened: at, closed: None, kind: kind.into() });
        Some(slot)
    }

    /// A message of which nothing has come makes room for the thoughts that claim its index: they come before it.
    fn put_behind(&mut self, wire: u32) {
        let slot = self.slot(wire);
        let Some(message) = self.items.remove(&slot) else { return };
        let behind = self.free_index().max(wire.saturating_add(1));
        self.items.insert(self.slot(behind), message);
        self.progress.moved.push(((wire, Family::Message), behind));
        for (_, index) in self.progress.ids.iter_mut().filter(|(_, index)| *index == wire) {
            *index = behind;
        }
    }

    /// The slot of its index if that is free, else the next free one, remembered for what follows.
    fn new_slot(&mut self, whose: &At, family: Family) -> Slot {
        let index = match whose {
            At::Index(wire) if !self.items.contains_key(&self.slot(*wire)) => *wire,
            At::Index(wire) => {
                let free = self.free_index();
                self.progress.moved.push(((*wire, family), free));
                free
            }
            At::Id(_) | At::Unsaid => self.free_index(),
        };
        let slot = self.slot(index);
        if let At::Id(id) = whose {
            self.remember(Some(id.clone()), slot);
        }
        slot
    }

    pub(super) fn free_index(&self) -> u32 {
        let last = self.items.range(range(self.progress.step)).next_back();
        last.map_or(0, |(slot, _)| slot.index.saturating_add(1))
    }

    /// The newest item of a family in this step, closed or not.
    pub(super) fn newest(&self, family: Family) -> Option<Slot> {
        let mut of_step = self.items.range(range(self.progress.step)).rev();
        of_step.find(|(_, item)| Family::of(&item.kind) == family).map(|(slot, _)| *slot)
    }

    fn newest_open(&self, family: Family) -> Option<Slot> {
        let of_step = self.items.range(range(self.progress.step)).rev();
        of_step
            .filter(|(_, item)| item.closed.is_none() && Family::of(&item.kind) == family)
            .map(|(slot, _)| *slot)
            .next()
    }
}

impl Family {
    pub(super) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Message { .. } => Self::Message,
            Kind::Reasoning(_) => Self::Reasoning,
            Kind::Call(_) => Self::Call,
            Kind::Search(_) | Kind::Other { .. } => Self::Other,
        }
    }
}

/// All slots of a step.
pub(super) fn range(step: u32) -> std::ops::RangeInclusive<Slot> {
    Slot { step, index: 0 }..=Slot { step, index: u32::MAX }
}
