//! Events become items, by the rules of the reference's section 4.4.

use std::sync::Arc;

use super::{
    Answer, End, Item, Kind, Part, Reasoning, Slot,
    item::part_at,
    slots::{Family, range},
};
use crate::{
    api::{
        Annotation, Event, OutputItem,
        event::{At, Field, PartBody, Response},
        item::merge,
    },
    chat::Timestamp,
};

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

impl Answer {
    /// Takes in one event of the response that is the turn's `step`.
    pub fn apply(&mut self, step: u32, at: Timestamp, event: &Event) -> Applied {
        self.enter(step);
        if self.end != End::Open {
            return self.afterwards(at, event);
        }
        self.bill(); // Whatever it comes to, it is billed.
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

    /// Some servers repeat it while they read the prompt, or later.
    fn on_begun(&mut self, response: &Response) -> Applied {
        let before = (self.bill().generation.clone(), self.answered_by.clone());
        self.name(response);
        let changed = before != (self.bill().generation.clone(), self.answered_by.clone());
        let is_first = self.items.range(range(self.progress.step)).next().is_none();
        Applied { changed, activity: is_first.then_some(Activity::Routing), ..Applied::default() }
    }

    pub(super) fn name(&mut self, response: &Response) {
        let is_generation = |id: &String| id.starts_with("gen-");
        // The id of the header is the one that prices are kept under; a body may have another.
        let generation = &mut self.bill().generation;
        if !generation.as_ref().is_some_and(is_generation) || response.id.as_ref().is_some_and(is_generation) {
            *generation = response.id.clone().or(generation.take());
        }
        self.answered_by = response.model.clone().or(self.answered_by.take());
        self.course.provider = response.provider.clone().or(self.course.provider.take());
    }

    fn on_opened(&mut self, at: Timestamp, whose: &At, told: &OutputItem) -> Applied {
        let mut kind = (*told.kind).clone();
        // Its texts come in deltas; a server that sends them here as well would double them.
        match &mut kind {
            Kind::Message { parts, .. } => parts.clear(),
            Kind::Reasoning(reasoning) => *reasoning = Reasoning::default(),
            Kind::Call(call) => call.arguments.clear(),
            Kind::Search(_) | Kind::Other { .. } => (),
        }
        let slot = self.slot_to_open(whose, Family::of(&kind), told.id.clone());
        let applied = Applied { changed: true, ..Applied::by(&kind) };
        match self.items.get_mut(&slot) {
            None => {
                self.items.insert(slot, Item { raw: None, opened: at, closed: None, kind: kind.into() });
            }
            Some(item) => item.learn(kind),
        }
        applied
    }

    fn on_closed(&mut self, at: Timestamp, whose: &At, told: &OutputItem) -> Applied {
        let slot = self.slot_to_close(whose, Family::of(&told.kind), told.id.clone());
        let is_search = matches!(*told.kind, Kind::Search(_));
        let applied = self.close(at, slot, told);
        // What it found is with the model now.
        if is_search { Applied { activity: Some(Activity::Thinking), ..applied } } else { applied }
    }

    /// The whole item has come: it counts, but no text that was seen before is lost by it.
    pub(super) fn close(&mut self, at: Timestamp, slot: Slot, told: &OutputItem) -> Applied {
        let OutputItem { raw, kind, .. } = told;
        let mut applied = Applied { changed: true, ..Applied::by(kind) };
        let item =
            self.items.entry(slot).or_insert_with(|| Item { raw: None, opened: at, closed: None, kind: kind.clone() });
        item.closed = item.closed.or(Some(at));
        let keeps_text = kind.is_empty() && !item.kind.is_empty();
        let is_message = matches!(**kind, Kind::Message { .. });
        let seen = std::mem::replace(&mut item.kind, kind.clone());
        // An empty message in place of one that was read is not what the model said: it is not replayed.
        item.raw = (!(keeps_text && is_message)).then(|| raw.clone());
        if keeps_text {
            item.restore(&seen);
        } else {
            item.keep_citations(&seen);
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
            At::Unsaid => self.newest(Family::Message),
        };
        // A citation may come behind the end of its message.
        let known = known.filter(|slot| self.items.get(slot).is_some_and(|item| item.parts().is_some()));
        let slot = known.or_else(|| self.slot_of_text(at, whose, Family::Message));
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return Applied::default() };
        let Kind::Message { parts, .. } = Arc::make_mut(&mut item.kind) else { return Applied::default() };
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
        let activity = match Arc::make_mut(&mut item.kind) {
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
