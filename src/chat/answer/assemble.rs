//! Assembles events into items, by the rules of the reference's section 4.4.

use std::sync::Arc;

use super::{
    Answer, AnswerEnd, ContentPart, Item, ItemKind, ItemSlot, ReasoningItem,
    item::part_position,
    item_slots::{ItemFamily, step_range},
};
use crate::{
    api::{
        Annotation, Event, OutputItem,
        event::{ItemField, ItemRef, PartBody, ResponseEnvelope},
    },
    chat::Timestamp,
};

/// What an event did to an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventOutcome {
    /// The answer changed, so it must be laid out and saved again.
    pub changed: bool,
    /// There is something new to show; after the first such event nothing is retried automatically.
    pub visible: bool,
    /// What the server is doing now, if the event shows it.
    pub activity: Option<ServerActivity>,
    /// The response has ended; `Answer::end` has the outcome.
    pub ended: bool,
}

/// What a server is doing for an answer, as the status line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerActivity {
    Routing,
    Thinking,
    Searching,
    Streaming,
}

impl Answer {
    /// Applies one event of the response that is the turn's `step`.
    pub fn apply(&mut self, step: u32, at: Timestamp, event: &Event) -> EventOutcome {
        self.enter_step(step);
        if self.end != AnswerEnd::Open {
            return self.on_late_event(at, event);
        }
        self.current_usage(); // Every response counts, even if it fails.
        let before = self.first_text_at;
        let applied = match event {
            Event::ResponseStarted(response) => self.on_begun(response),
            Event::ItemAdded { item_ref: whose, item } => self.on_opened(at, whose, item),
            Event::ItemDone { item_ref: whose, item } => self.on_closed(at, whose, item),
            Event::Part { item_ref: whose, index, body, is_done: closed } => {
                self.on_part(at, whose, *index, body, *closed)
            }
            Event::Delta { target: place, text } => {
                self.on_text(at, &place.item_ref, place.field, text, TextUpdate::Append)
            }
            Event::TextDone { target: place, text } => {
                self.on_text(at, &place.item_ref, place.field, text, TextUpdate::Replace)
            }
            Event::AnnotationAdded { item_ref: whose, index, annotation } => {
                self.on_cited(at, whose, *index, annotation)
            }
            Event::ToolStatus { item_ref: whose, status } => self.on_activity(whose, status),
            Event::ResponseEnded(response) => self.on_ended(at, response),
            Event::Failed(error) => self.end_with(at, AnswerEnd::Failed((**error).clone())),
            Event::KeepAlive => EventOutcome::default(),
            Event::Other { kind, .. } => {
                self.assembly.unknown_frames += usize::from(kind.is_empty());
                EventOutcome::default()
            }
            Event::Unreadable { raw } => {
                self.assembly.note_unreadable(raw);
                EventOutcome::default()
            }
        };
        debug_assert!(before.is_none() || self.first_text_at == before, "the first text comes once");
        applied
    }

    /// Handles the start of a response, which some servers repeat while they read the prompt, or later.
    fn on_begun(&mut self, response: &ResponseEnvelope) -> EventOutcome {
        let before = (self.current_usage().generation_id.clone(), self.answered_by.clone());
        self.record_identity(response);
        let changed = before != (self.current_usage().generation_id.clone(), self.answered_by.clone());
        let is_first = self.items.range(step_range(self.assembly.step)).next().is_none();
        EventOutcome { changed, activity: is_first.then_some(ServerActivity::Routing), ..EventOutcome::default() }
    }

    pub(super) fn record_identity(&mut self, response: &ResponseEnvelope) {
        let is_generation = |id: &String| id.starts_with("gen-");
        // Prices are filed under the id from the header; the body may have a different one.
        let generation = &mut self.current_usage().generation_id;
        if !generation.as_ref().is_some_and(is_generation) || response.id.as_ref().is_some_and(is_generation) {
            *generation = response.id.clone().or(generation.take());
        }
        self.answered_by = response.model.clone().or(self.answered_by.take());
        self.params.provider = response.provider.clone().or(self.params.provider.take());
    }

    fn on_opened(&mut self, at: Timestamp, target: &ItemRef, received: &OutputItem) -> EventOutcome {
        let mut kind = (*received.kind).clone();
        // Texts arrive in deltas; a server that also sends them here would double them.
        match &mut kind {
            ItemKind::Message { parts, .. } => parts.clear(),
            ItemKind::Reasoning(reasoning) => *reasoning = ReasoningItem::default(),
            ItemKind::Call(call) => call.arguments.clear(),
            ItemKind::Search(_) | ItemKind::Other { .. } => (),
        }
        let slot = self.slot_to_open(target, ItemFamily::of(&kind), received.id.clone());
        let applied = EventOutcome { changed: true, ..EventOutcome::for_kind(&kind) };
        match self.items.get_mut(&slot) {
            None => {
                self.items.insert(slot, Item { raw: None, opened_at: at, closed_at: None, kind: kind.into() });
            }
            Some(item) => item.merge_announced(kind),
        }
        if let Some(family) = self.items.get(&slot).map(|item| ItemFamily::of(&item.kind)) {
            self.note_open(slot, family);
        }
        applied
    }

    fn on_closed(&mut self, at: Timestamp, target: &ItemRef, received: &OutputItem) -> EventOutcome {
        let slot = self.slot_to_close(target, ItemFamily::of(&received.kind), received.id.clone());
        let is_search = matches!(*received.kind, ItemKind::Search(_));
        let applied = self.close_item(at, slot, received);
        // The model now reads the results.
        if is_search { EventOutcome { activity: Some(ServerActivity::Thinking), ..applied } } else { applied }
    }

    /// Stores a complete item, which wins over its deltas but never loses text that was already shown.
    pub(super) fn close_item(&mut self, at: Timestamp, slot: ItemSlot, received: &OutputItem) -> EventOutcome {
        let OutputItem { raw, kind, .. } = received;
        self.assembly.citations.remove(&slot); // They may be others in the complete item.
        let mut applied = EventOutcome { changed: true, ..EventOutcome::for_kind(kind) };
        let item = self.items.entry(slot).or_insert_with(|| Item {
            raw: None,
            opened_at: at,
            closed_at: None,
            kind: kind.clone(),
        });
        item.closed_at = item.closed_at.or(Some(at));
        let keeps_text = kind.is_empty() && !item.kind.is_empty();
        let is_message = matches!(**kind, ItemKind::Message { .. });
        let previous = std::mem::replace(&mut item.kind, kind.clone());
        // An empty message in place of one that was shown is wrong, so it is not replayed.
        item.raw = (!(keeps_text && is_message)).then(|| raw.clone());
        item.restore_call(&previous);
        if keeps_text {
            item.restore_text(&previous);
        } else {
            item.merge_citations(&previous);
        }
        applied.visible |= !item.kind.is_empty();
        self.assembly.text_rewrites += u64::from(is_message);
        if is_message && !keeps_text {
            self.assembly.has_text_gap = false;
        }
        if item.parts().is_some() && !item.kind.is_empty() {
            self.first_text_at.get_or_insert(at);
        }
        applied
    }

    fn on_part(&mut self, at: Timestamp, target: &ItemRef, index: u32, body: &PartBody, closed: bool) -> EventOutcome {
        let update = if closed { TextUpdate::Replace } else { TextUpdate::FillEmpty };
        match body {
            PartBody::Text { text, annotations } => {
                let mut applied = self.on_text(at, target, ItemField::Text(index), text, update);
                for annotation in annotations {
                    applied.changed |= self.on_cited(at, target, index, annotation).changed;
                }
                applied
            }
            PartBody::Refusal(text) => self.on_text(at, target, ItemField::Refusal(index), text, update),
            PartBody::ReasoningText(text) => self.on_text(at, target, ItemField::ReasoningText(index), text, update),
            PartBody::ReasoningSummary(text) => {
                self.on_text(at, target, ItemField::ReasoningSummary(index), text, update)
            }
            PartBody::Other(_) => EventOutcome::default(),
        }
    }

    fn on_text(
        &mut self,
        at: Timestamp,
        target: &ItemRef,
        field: ItemField,
        text: &str,
        update: TextUpdate,
    ) -> EventOutcome {
        let family = match field {
            ItemField::Text(_) | ItemField::Refusal(_) => ItemFamily::Message,
            ItemField::ReasoningText(_) | ItemField::ReasoningSummary(_) => ItemFamily::Reasoning,
            ItemField::Arguments => ItemFamily::Call,
        };
        let slot = if text.is_empty() {
            self.slot_of_empty_text(target, family)
        } else {
            self.slot_for_text(at, target, family)
        };
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return EventOutcome::default() };
        let Some(buffer) = item.text_mut(field) else { return EventOutcome::default() };
        let changed = match update {
            TextUpdate::Append => {
                buffer.push_str(text);
                !text.is_empty()
            }
            TextUpdate::FillEmpty if buffer.is_empty() => {
                buffer.push_str(text);
                !text.is_empty()
            }
            TextUpdate::FillEmpty => false,
            // An empty text here does not retract the deltas.
            TextUpdate::Replace if text.is_empty() || buffer == text => false,
            TextUpdate::Replace => {
                text.clone_into(buffer);
                self.assembly.has_text_gap &= family != ItemFamily::Message;
                true
            }
        };
        let visible = changed && !text.is_empty();
        if visible && family == ItemFamily::Message {
            self.first_text_at.get_or_insert(at);
            let is_growth = update == TextUpdate::Append && slot.is_some_and(|slot| self.is_last_text(slot, field));
            self.assembly.text_rewrites += u64::from(!is_growth);
        }
        let activity = visible.then_some(match family {
            ItemFamily::Reasoning => ServerActivity::Thinking,
            ItemFamily::Message | ItemFamily::Call | ItemFamily::Other => ServerActivity::Streaming,
        });
        EventOutcome { changed, visible, activity, ended: false }
    }

    /// Whether no text of a message follows that of a field.
    fn is_last_text(&self, slot: ItemSlot, field: ItemField) -> bool {
        let index = match field {
            ItemField::Text(index) | ItemField::Refusal(index) => index as usize,
            ItemField::ReasoningText(_) | ItemField::ReasoningSummary(_) | ItemField::Arguments => return false,
        };
        let mut parts = self.items.range(slot..).filter_map(|(_, item)| item.parts());
        let is_last = parts.next().is_some_and(|parts| parts.iter().skip(index + 1).all(|part| part.text().is_empty()));
        is_last && parts.flatten().all(|part| part.text().is_empty())
    }

    fn on_cited(&mut self, at: Timestamp, target: &ItemRef, index: u32, annotation: &Annotation) -> EventOutcome {
        let known = match target {
            ItemRef::Index(wire) => Some(self.slot(self.resolve_index(*wire, ItemFamily::Message))),
            ItemRef::Id(id) => self.slot_by_id(id),
            ItemRef::Unspecified => self.newest_slot(ItemFamily::Message),
        };
        // A citation may arrive after the end of its message.
        let known = known.filter(|slot| self.items.get(slot).is_some_and(|item| item.parts().is_some()));
        let Some(slot) = known.or_else(|| self.slot_for_text(at, target, ItemFamily::Message)) else {
            return EventOutcome::default();
        };
        let Some(item) = self.items.get_mut(&slot) else { return EventOutcome::default() };
        let ItemKind::Message { parts, .. } = Arc::make_mut(&mut item.kind) else { return EventOutcome::default() };
        let Some(index) = part_position(parts, index, false) else { return EventOutcome::default() };
        let ContentPart::Text { annotations, .. } = &mut parts[index] else { return EventOutcome::default() };
        let cited = self.assembly.citations.entry(slot).or_default().entry(index).or_default();
        cited.merge(annotations, annotation.clone());
        EventOutcome { changed: true, ..EventOutcome::default() }
    }

    fn on_activity(&mut self, target: &ItemRef, status: &str) -> EventOutcome {
        let slot = match target {
            ItemRef::Index(wire) => Some(self.slot(self.resolve_index(*wire, ItemFamily::Other))),
            ItemRef::Id(id) => self.slot_by_id(id),
            ItemRef::Unspecified => None,
        };
        let Some(item) = slot.and_then(|slot| self.items.get_mut(&slot)) else { return EventOutcome::default() };
        if item.closed_at.is_some() {
            return EventOutcome::default();
        }
        let activity = match Arc::make_mut(&mut item.kind) {
            ItemKind::Search(search) => {
                status.clone_into(&mut search.status);
                Some(ServerActivity::Searching)
            }
            ItemKind::Other { status: item_status, .. } => {
                *item_status = Some(status.to_owned());
                None
            }
            ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Call(_) => return EventOutcome::default(),
        };
        EventOutcome { changed: true, visible: true, activity, ended: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextUpdate {
    Append,
    /// Sets the text only if it is still empty.
    FillEmpty,
    /// Replaces the text, because the server's final version wins.
    Replace,
}

impl EventOutcome {
    /// The outcome of opening or closing an item of this kind.
    fn for_kind(kind: &ItemKind) -> Self {
        let (visible, activity) = match kind {
            ItemKind::Message { .. } => (false, None),
            ItemKind::Reasoning(_) => (false, Some(ServerActivity::Thinking)),
            ItemKind::Call(_) => (true, Some(ServerActivity::Streaming)),
            ItemKind::Search(_) => (true, Some(ServerActivity::Searching)),
            ItemKind::Other { .. } => (true, None),
        };
        Self { visible, activity, ..Self::default() }
    }
}
