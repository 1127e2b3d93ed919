//! Events become items, by the rules of the reference's sections 4.4 and 4.6.

use serde_json::value::RawValue;

use super::{
    Answer, Call, End, Item, Kind, Part, Reasoning, Slot,
    read::{distinct, merge},
};
use crate::{
    api::{
        Annotation, Error, Event, Fault, Usage,
        event::{At, Field, PartBody, Response, Status},
        json::Fields,
    },
    chat::Timestamp,
};

/// No message has so many parts; an index beyond is an accident.
const MOST_PARTS: usize = 4096;

/// What an event did to an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Something of the answer is another than before, so it must be laid out and saved.
    pub changed: bool,
    /// There is something new to see: from the first such event on nothing is asked again by itself.
    pub visible: bool,
    /// What the server does now, where the event tells.
    pub activity: Option<Activity>,
    /// The response is over; `Answer::end` says how.
    pub over: bool,
}

/// What a server does for an answer, as the status line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Routing,
    Thinking,
    Searching,
    Streaming,
}

/// What an answer remembers of its stream beyond the items.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    step: u32,
    /// Wire indices that stand for two items of different families: what came second lives elsewhere.
    moved: Vec<((u32, Family), u32)>,
    /// Ids of items, for events that tell no index.
    ids: Vec<(String, u32)>,
    /// Of the steps before the present one.
    earlier: Option<Usage>,
    /// Frames that were no events of this API.
    strange: usize,
}

/// The items that one kind of delta may belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Message,
    Reasoning,
    Call,
    /// Tools of the server and everything unknown; their texts are none of the answer's.
    Other,
}

impl Answer {
    /// Takes in one event of the response that is the turn's `step`.
    pub fn apply(&mut self, step: u32, at: Timestamp, event: &Event) -> Applied {
        self.enter(step);
        if self.end != End::Open {
            return self.afterwards(at, event);
        }
        let before = self.first_text;
        let applied = match event {
            Event::Begun(response) => self.on_begun(response),
            Event::Opened { at: whose, item } => self.on_opened(at, whose, item),
            Event::Closed { at: whose, item } => self.on_closed(at, whose, item),
            Event::Part { at: whose, index, body, closed } => self.on_part(at, whose, *index, body, *closed),
            Event::Delta { place, text } => self.on_text(at, &place.at, place.field, text, How::Append),
            Event::Whole { place, text } => self.on_text(at, &place.at, place.field, text, How::Replace),
            Event::Cited { at: whose, index, annotation } => self.on_cited(at, whose, *index, annotation),
            Event::Activity { at: whose, status } => self.on_activity(whose, status),
            Event::Ended(response) => self.on_ended(at, response),
            Event::Failed(error) => self.end(at, End::Failed((**error).clone())),
            Event::KeepAlive => Applied::default(),
            Event::Other { kind, .. } => {
                self.progress.strange += usize::from(kind.is_empty());
                Applied::default()
            }
            Event::Unreadable { .. } => {
                self.progress.strange += 1;
                Applied::default()
            }
        };
        debug_assert!(before.is_none() || self.first_text == before, "the first text comes once");
        applied
    }

    /// The body has ended, or broken off. A terminal event that came before it counts, and a failure told twice is one.
    pub fn finish(&mut self, at: Timestamp, result: Result<(), Error>) -> Applied {
        if self.end != End::Open {
            return Applied { over: true, ..Applied::default() };
        }
        let step = self.progress.step;
        let items = || self.items.range(range(step)).map(|(_, item)| item);
        let all_closed = items().all(|item| item.closed.is_some());
        let end = match result {
            // The terminal event was lost, but everything that was begun is there.
            _ if all_closed && items().any(|item| matches!(item.kind, Kind::Message { .. } | Kind::Call(_))) => {
                if items().any(Item::is_content) {
                    End::Complete
                } else {
                    End::Failed(empty())
                }
            }
            Err(error) => End::Failed(error),
            Ok(()) if items().next().is_none() && self.progress.strange > 0 => {
                End::Failed(Error::new(Fault::Garbage, "what the server sent is not an answer of this API"))
            }
            Ok(()) if items().next().is_none() => {
                End::Failed(Error::new(Fault::Cut, "the server broke off before its answer began"))
            }
            Ok(()) => End::Failed(Error::new(Fault::Cut, "the answer broke off")),
        };
        self.end(at, end)
    }

    /// The reader stopped it.
    pub fn stop(&mut self, at: Timestamp) {
        if self.end == End::Open {
            self.end(at, End::Stopped);
        }
    }

    /// The program ended before it did.
    pub fn interrupt(&mut self, at: Timestamp) {
        if self.end == End::Open {
            self.end(at, End::Interrupted);
        }
    }

    /// Forgets what an attempt left of this step, nothing of which was visible, for the next attempt.
    pub fn retry(&mut self, step: u32) {
        self.enter(step);
        self.items.retain(|slot, _| slot.step != step);
        let earlier = self.progress.earlier.take();
        self.usage.clone_from(&earlier);
        self.progress = Progress { step, earlier, ..Progress::default() };
        self.end = End::Open;
        self.ended = None;
    }

    /// The first event of a further step opens the answer again.
    fn enter(&mut self, step: u32) {
        if step <= self.progress.step {
            return;
        }
        self.progress = Progress { step, earlier: self.usage.clone(), ..Progress::default() };
        self.end = End::Open;
        self.ended = None;
    }

    fn on_begun(&mut self, response: &Response) -> Applied {
        self.name(response);
        Applied { changed: true, activity: Some(Activity::Routing), ..Applied::default() }
    }

    fn name(&mut self, response: &Response) {
        self.generation = response.id.clone().or(self.generation.take());
        self.answered_by = response.model.clone().or(self.answered_by.take());
    }

    fn on_opened(&mut self, at: Timestamp, whose: &At, raw: &RawValue) -> Applied {
        let fields = Fields::of(raw.get()).unwrap_or_default();
        let mut kind = Kind::of(&fields);
        // Its texts come in deltas; a server that sends them here as well would double them.
        match &mut kind {
            Kind::Message { parts, .. } => parts.clear(),
            Kind::Reasoning(reasoning) => *reasoning = Reasoning::default(),
            Kind::Call(call) => call.arguments.clear(),
            Kind::Search(_) | Kind::Other { .. } => (),
        }
        let slot = self.slot_to_open(whose, Family::of(&kind), fields.word("id"));
        let applied = Applied { changed: true, ..Applied::by(&kind) };
        match self.items.get_mut(&slot) {
            None => {
                self.items.insert(slot, Item { raw: None, opened: at, closed: None, kind });
            }
            Some(item) => item.learn(kind),
        }
        applied
    }

    fn on_closed(&mut self, at: Timestamp, whose: &At, raw: &RawValue) -> Applied {
        let fields = Fields::of(raw.get()).unwrap_or_default();
        let kind = Kind::of(&fields);
        let slot = self.slot_to_close(whose, Family::of(&kind), fields.word("id"));
        let is_search = matches!(kind, Kind::Search(_));
        let applied = self.close(at, slot, raw, kind);
        // What it found is with the model now.
        if is_search { Applied { activity: Some(Activity::Thinking), ..applied } } else { applied }
    }

    /// The whole item has come: it counts, but no text that was seen before is lost by it.
    fn close(&mut self, at: Timestamp, slot: Slot, raw: &RawValue, kind: Kind) -> Applied {
        let mut applied = Applied { changed: true, ..Applied::by(&kind) };
        let item =
            self.items.entry(slot).or_insert_with(|| Item { raw: None, opened: at, closed: None, kind: kind.clone() });
        item.closed = item.closed.or(Some(at));
        let keeps_text = kind.is_empty() && !item.kind.is_empty();
        let is_message = matches!(kind, Kind::Message { .. });
        let seen = std::mem::replace(&mut item.kind, kind);
        // An empty message in place of one that was read is not what the model said: it is not replayed.
        item.raw = (!(keeps_text && is_message)).then(|| raw.to_owned());
        if keeps_text {
            item.restore(seen);
        } else {
            item.keep_citations(seen);
        }
        applied.visible |= !item.kind.is_empty();
        if item.parts().is_some() && !item.kind.is_empty() {
            self.first_text.get_or_insert(at);
        }
        applied
    }

    fn on_part(&mut self, at: Timestamp, whose: &At, index: u32, body: &PartBody, closed: bool) -> Applied {
        let how = if closed { How::Replace } else { How::Begin };
        match body {
            PartBody::Text { text, annotations } => {
                let mut applied = self.on_text(at, whose, Field::Text(index), text, how);
                for annotation in annotations {
                    applied.changed |= self.on_cited(at, whose, index, annotation).changed;
                }
                applied
            }
            PartBody::Refusal(text) => self.on_text(at, whose, Field::Refusal(index), text, how),
            PartBody::Thinking(text) => self.on_text(at, whose, Field::Thinking(index), text, how),
            PartBody::Summary(text) => self.on_text(at, whose, Field::Summary(index), text, how),
            PartBody::Other(_) => Applied::default(),
        }
    }

    fn on_text(&mut self, at: Timestamp, whose: &At, field: Field, text: &str, how: How) -> Applied {
        let family = match field {
            Field::Text(_) | Field::Refusal(_) => Family::Message,
            Field::Thinking(_) | Field::Summary(_) => Family::Reasoning,
            Field::Arguments => Family::Call,
        };
        let slot =
            if text.is_empty() { self.slot_of_nothing(whose, family) } else { self.slot_of_text(at, whose, family) };
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return Applied::default() };
        let Some(buffer) = item.buffer(field) else { return Applied::default() };
        let changed = match how {
            How::Append => {
                buffer.push_str(text);
                !text.is_empty()
            }
            How::Begin if buffer.is_empty() => {
                buffer.push_str(text);
                !text.is_empty()
            }
            How::Begin => false,
            // A server that says nothing here does not take back what it said.
            How::Replace if text.is_empty() || buffer == text => false,
            How::Replace => {
                text.clone_into(buffer);
                true
            }
        };
        let visible = changed && !text.is_empty();
        if visible && family == Family::Message {
            self.first_text.get_or_insert(at);
        }
        let activity = visible.then_some(match family {
            Family::Reasoning => Activity::Thinking,
            Family::Message | Family::Call | Family::Other => Activity::Streaming,
        });
        Applied { changed, visible, activity, over: false }
    }

    fn on_cited(&mut self, at: Timestamp, whose: &At, index: u32, annotation: &Annotation) -> Applied {
        let known = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, Family::Message))),
            At::Id(id) => self.by_id(id),
            At::Unsaid => None,
        };
        // A citation may come behind the end of its message.
        let known = known.filter(|slot| self.items.get(slot).is_some_and(|item| item.parts().is_some()));
        let slot = known.or_else(|| self.slot_of_text(at, whose, Family::Message));
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return Applied::default() };
        let Kind::Message { parts, .. } = &mut item.kind else { return Applied::default() };
        let Some(index) = part_at(parts, index, false) else { return Applied::default() };
        let Part::Text { annotations, .. } = &mut parts[index] else { return Applied::default() };
        merge(annotations, annotation.clone());
        Applied { changed: true, ..Applied::default() }
    }

    fn on_activity(&mut self, whose: &At, status: &str) -> Applied {
        let slot = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, Family::Other))),
            At::Id(id) => self.by_id(id),
            At::Unsaid => None,
        };
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return Applied::default() };
        if item.closed.is_some() {
            return Applied::default();
        }
        let activity = match &mut item.kind {
            Kind::Search(search) => {
                status.clone_into(&mut search.status);
                Some(Activity::Searching)
            }
            Kind::Other { status: of_item, .. } => {
                *of_item = Some(status.to_owned());
                None
            }
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::Call(_) => return Applied::default(),
        };
        Applied { changed: true, visible: true, activity, over: false }
    }

    fn on_ended(&mut self, at: Timestamp, response: &Response) -> Applied {
        let filled = self.account(at, response);
        let step = self.progress.step;
        let end = match response.status {
            Status::Completed | Status::Running => {
                for (_, item) in self.items.range_mut(range(step)) {
                    item.closed = item.closed.or(Some(at));
                }
                let says_something = self.items.range(range(step)).any(|(_, item)| item.is_content());
                if says_something { End::Complete } else { End::Failed(empty()) }
            }
            Status::Incomplete => End::Incomplete { reason: response.reason.clone() },
            Status::Failed => {
                let unsaid = || Error::new(Fault::Server, "the server reports a failure without saying which");
                End::Failed(response.error.clone().unwrap_or_else(unsaid))
            }
            Status::Cancelled => End::Interrupted,
        };
        Applied { visible: filled, ..self.end(at, end) }
    }

    /// Takes from a final event what it adds: names, usage, items that never were closed. Whether that shows.
    fn account(&mut self, at: Timestamp, response: &Response) -> bool {
        self.name(response);
        if let Some(usage) = &response.usage {
            self.usage = Some(match &self.progress.earlier {
                Some(earlier) => earlier.plus(usage),
                None => usage.clone(),
            });
        } else if self.progress.earlier.is_some() {
            // The cost of this step is unknown, and so is that of all.
            self.usage = None;
        }
        self.fill(at, &response.output)
    }

    /// The final list fills the gaps: first by position, then in the order of what is left of each family.
    fn fill(&mut self, at: Timestamp, output: &[Box<RawValue>]) -> bool {
        let mut slots: Vec<(Slot, Family)> =
            self.items.range(range(self.progress.step)).map(|(slot, item)| (*slot, Family::of(&item.kind))).collect();
        let mut visible = false;
        let mut left = Vec::new();
        for (index, raw) in output.iter().enumerate() {
            let kind = Kind::of(&Fields::of(raw.get()).unwrap_or_default());
            let place = self.slot(u32::try_from(index).unwrap_or(u32::MAX));
            match slots.iter().position(|found| *found == (place, Family::of(&kind))) {
                Some(found) => {
                    slots.remove(found);
                    visible |= self.fill_one(at, place, raw, kind);
                }
                None => left.push((place, raw, kind)),
            }
        }
        for (place, raw, kind) in left {
            let found = slots.iter().position(|(_, family)| *family == Family::of(&kind));
            let slot = match found {
                Some(found) => slots.remove(found).0,
                None if self.items.contains_key(&place) => self.slot(self.free_index()),
                None => place,
            };
            visible |= self.fill_one(at, slot, raw, kind);
        }
        visible
    }

    fn fill_one(&mut self, at: Timestamp, slot: Slot, raw: &RawValue, kind: Kind) -> bool {
        if self.items.get(&slot).is_some_and(|item| item.closed.is_some()) {
            return false;
        }
        self.close(at, slot, raw, kind).visible
    }

    fn end(&mut self, at: Timestamp, end: End) -> Applied {
        self.end = end;
        self.ended = Some(at);
        Applied { changed: true, over: true, ..Applied::default() }
    }

    /// Behind the end only what completes the account counts: usage, and better words for the same failure.
    fn afterwards(&mut self, at: Timestamp, event: &Event) -> Applied {
        let Event::Ended(response) = event else { return Applied { over: true, ..Applied::default() } };
        match &mut self.end {
            End::Failed(told) => {
                if let Some(better) = &response.error
                    && better.code.is_some()
                    && told.code.as_deref().is_none_or(|code| code == "server_error")
                {
                    let (retry_after, provider) = (told.retry_after, told.provider.take());
                    *told = better.clone();
                    told.retry_after = told.retry_after.or(retry_after);
                    told.provider = told.provider.take().or(provider);
                }
            }
            End::Open | End::Complete | End::Incomplete { .. } => (),
            End::Stopped | End::Interrupted => return Applied { over: true, ..Applied::default() },
        }
        if self.usage.is_none() || response.usage.is_some() {
            self.account(at, response);
        }
        Applied { changed: true, over: true, ..Applied::default() }
    }

    fn slot(&self, index: u32) -> Slot {
        Slot { step: self.progress.step, index }
    }

    fn moved(&self, wire: u32, family: Family) -> u32 {
        let moved = self.progress.moved.iter().rev().find(|(key, _)| *key == (wire, family));
        moved.map_or(wire, |(_, index)| *index)
    }

    fn by_id(&self, id: &str) -> Option<Slot> {
        let known = self.progress.ids.iter().rev().find(|(known, _)| known == id);
        known.map(|(_, index)| self.slot(*index))
    }

    /// The slot of an item that begins. One that is there already is taken if a delta made it, or if it is the same.
    fn slot_to_open(&mut self, whose: &At, family: Family, id: Option<String>) -> Slot {
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
    fn slot_to_close(&mut self, whose: &At, family: Family, id: Option<String>) -> Slot {
        let known = match whose {
            At::Index(wire) => Some(self.slot(self.moved(*wire, family)))
                .filter(|slot| self.items.get(slot).is_some_and(|item| Family::of(&item.kind) == family)),
            At::Id(other) => self.by_id(other),
            At::Unsaid => None,
        };
        let is_index = matches!(whose, At::Index(_));
        let known = known.or_else(|| id.as_deref().and_then(|id| self.by_id(id)).filter(|_| !is_index));
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
    fn slot_of_nothing(&self, whose: &At, family: Family) -> Option<Slot> {
        let At::Index(wire) = whose else { return None };
        let slot = self.slot(self.moved(*wire, family));
        let fits = |item: &Item| Family::of(&item.kind) == family && item.closed.is_none();
        self.items.get(&slot).is_some_and(fits).then_some(slot)
    }

    /// The slot that a text goes to, made where there is none; `None` when it belongs to something that is not the
    /// answer's (the advice of another model, say) or that is closed.
    fn slot_of_text(&mut self, at: Timestamp, whose: &At, family: Family) -> Option<Slot> {
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
        }
        let slot = self.new_slot(whose, family);
        let kind = match family {
            Family::Message => Kind::Message { parts: Vec::new(), phase: None },
            Family::Reasoning => Kind::Reasoning(Reasoning::default()),
            Family::Call => Kind::Call(Call::default()),
            Family::Other => return None,
        };
        self.items.insert(slot, Item { raw: None, opened: at, closed: None, kind });
        Some(slot)
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

    fn free_index(&self) -> u32 {
        let last = self.items.range(range(self.progress.step)).next_back();
        last.map_or(0, |(slot, _)| slot.index.saturating_add(1))
    }

    fn newest_open(&self, family: Family) -> Option<Slot> {
        let of_step = self.items.range(range(self.progress.step)).rev();
        of_step
            .filter(|(_, item)| item.closed.is_none() && Family::of(&item.kind) == family)
            .map(|(slot, _)| *slot)
            .next()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Append,
    /// Only where nothing is yet.
    Begin,
    /// The server wins.
    Replace,
}

impl Applied {
    /// What shows when an item of this kind is opened or closed.
    fn by(kind: &Kind) -> Self {
        let (visible, activity) = match kind {
            Kind::Message { .. } => (false, None),
            Kind::Reasoning(_) => (false, Some(Activity::Thinking)),
            Kind::Call(_) => (true, Some(Activity::Streaming)),
            Kind::Search(_) => (true, Some(Activity::Searching)),
            Kind::Other { .. } => (true, None),
        };
        Self { visible, activity, ..Self::default() }
    }
}

impl Family {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Message { .. } => Self::Message,
            Kind::Reasoning(_) => Self::Reasoning,
            Kind::Call(_) => Self::Call,
            Kind::Search(_) | Kind::Other { .. } => Self::Other,
        }
    }
}

impl Item {
    /// Whether an answer that has it has said something.
    fn is_content(&self) -> bool {
        match &self.kind {
            Kind::Message { .. } => !self.kind.is_empty(),
            Kind::Call(_) | Kind::Other { .. } => true,
            Kind::Reasoning(_) | Kind::Search(_) => false,
        }
    }

    /// The item was there already, made by a delta or told twice: what has come of it stays.
    fn learn(&mut self, kind: Kind) {
        if self.closed.is_some() {
            return;
        }
        match (&mut self.kind, kind) {
            (Kind::Message { phase, .. }, Kind::Message { phase: told, .. }) => *phase = told.or(phase.take()),
            (Kind::Call(call), Kind::Call(told)) => {
                *call = Call { arguments: std::mem::take(&mut call.arguments), ..told };
            }
            (Kind::Search(_) | Kind::Other { .. }, told @ (Kind::Search(_) | Kind::Other { .. })) => self.kind = told,
            _ => (),
        }
    }

    /// The whole item came without the text that its deltas had.
    fn restore(&mut self, seen: Kind) {
        match (&mut self.kind, seen) {
            (Kind::Message { parts, .. }, Kind::Message { parts: seen, .. }) => *parts = seen,
            (Kind::Reasoning(reasoning), Kind::Reasoning(seen)) => {
                *reasoning = Reasoning { encrypted: reasoning.encrypted, ..seen };
            }
            (Kind::Call(call), Kind::Call(seen)) => {
                call.arguments = seen.arguments;
                // Its raw form would call without arguments.
                self.raw = None;
            }
            _ => (),
        }
    }

    /// Citations that came before stay, in their order, and those of the whole item join them.
    fn keep_citations(&mut self, seen: Kind) {
        let (Kind::Message { parts, .. }, Kind::Message { parts: seen, .. }) = (&mut self.kind, seen) else { return };
        for (part, seen) in parts.iter_mut().zip(seen) {
            if let (Part::Text { annotations, .. }, Part::Text { annotations: seen, .. }) = (part, seen) {
                let told = std::mem::replace(annotations, seen);
                for annotation in distinct(told) {
                    merge(annotations, annotation);
                }
            }
        }
    }

    /// The text that an event is about, made where it is not there yet.
    fn buffer(&mut self, field: Field) -> Option<&mut String> {
        match (&mut self.kind, field) {
            (Kind::Message { parts, .. }, Field::Text(index)) => {
                let index = part_at(parts, index, false)?;
                match &mut parts[index] {
                    Part::Text { text, .. } | Part::Refusal(text) => Some(text),
                }
            }
            (Kind::Message { parts, .. }, Field::Refusal(index)) => {
                let index = part_at(parts, index, true)?;
                match &mut parts[index] {
                    Part::Text { text, .. } | Part::Refusal(text) => Some(text),
                }
            }
            (Kind::Reasoning(reasoning), Field::Thinking(index)) => text_at(&mut reasoning.content, index),
            (Kind::Reasoning(reasoning), Field::Summary(index)) => text_at(&mut reasoning.summary, index),
            (Kind::Call(call), Field::Arguments) => Some(&mut call.arguments),
            _ => None,
        }
    }
}

/// Where the part with that index is, made if need be. One of the other kind that has a text stays what it is, and the
/// new one goes behind it.
fn part_at(parts: &mut Vec<Part>, index: u32, is_refusal: bool) -> Option<usize> {
    let index = usize::try_from(index).ok().filter(|index| *index < MOST_PARTS)?;
    while parts.len() <= index {
        parts.push(Part::Text { text: String::new(), annotations: Vec::new() });
    }
    let fits = |part: &Part| matches!(part, Part::Refusal(_)) == is_refusal;
    if fits(&parts[index]) {
        return Some(index);
    }
    let new = || {
        if is_refusal {
            Part::Refusal(String::new())
        } else {
            Part::Text { text: String::new(), annotations: Vec::new() }
        }
    };
    if parts[index].text().is_empty() {
        parts[index] = new();
        return Some(index);
    }
    if let Some(later) = parts[index..].iter().position(fits) {
        return Some(index + later);
    }
    parts.push(new());
    Some(parts.len() - 1)
}

fn text_at(texts: &mut Vec<String>, index: u32) -> Option<&mut String> {
    let index = usize::try_from(index).ok().filter(|index| *index < MOST_PARTS)?;
    if texts.len() <= index {
        texts.resize(index + 1, String::new());
    }
    texts.get_mut(index)
}

fn range(step: u32) -> std::ops::RangeInclusive<Slot> {
    Slot { step, index: 0 }..=Slot { step, index: u32::MAX }
}

fn empty() -> Error {
    Error::new(Fault::Empty, "the model answered without a word")
}
