//! One item while it grows.

use std::sync::Arc;

use super::{ContentPart, FunctionCall, Item, ItemKind, ReasoningItem};
use crate::api::{
    event::ItemField,
    item::{AnnotationIndex, merge_duplicates},
};

/// The most parts of a message; a higher index is a server's mistake.
const MAX_PARTS: usize = 4096;

impl Item {
    /// Whether it counts as content of an answer.
    pub(super) fn is_content(&self) -> bool {
        match &*self.kind {
            ItemKind::Message { .. } => !self.kind.is_empty(),
            ItemKind::Call(_) | ItemKind::Other { .. } => true,
            ItemKind::Reasoning(_) | ItemKind::Search(_) => false,
        }
    }

    /// Merges an announcement into an item that exists already, whose received text stays.
    pub(super) fn merge_announced(&mut self, kind: ItemKind) {
        if self.closed_at.is_some() {
            return;
        }
        match (Arc::make_mut(&mut self.kind), kind) {
            (ItemKind::Message { phase, .. }, ItemKind::Message { phase: announced, .. }) => {
                *phase = announced.or(phase.take());
            }
            (ItemKind::Call(call), ItemKind::Call(announced)) => {
                *call = FunctionCall { arguments: std::mem::take(&mut call.arguments), ..announced };
            }
            (
                known @ (ItemKind::Search(_) | ItemKind::Other { .. }),
                announced @ (ItemKind::Search(_) | ItemKind::Other { .. }),
            ) => {
                *known = announced;
            }
            _ => (),
        }
    }

    /// Restores the text of the deltas, which the complete item lacks.
    pub(super) fn restore_text(&mut self, previous: &ItemKind) {
        match (Arc::make_mut(&mut self.kind), previous) {
            (ItemKind::Message { parts, .. }, ItemKind::Message { parts: seen, .. }) => parts.clone_from(seen),
            (ItemKind::Reasoning(reasoning), ItemKind::Reasoning(seen)) => {
                *reasoning = ReasoningItem { has_encrypted: reasoning.has_encrypted, ..seen.clone() };
            }
            (ItemKind::Call(call), ItemKind::Call(seen)) => {
                call.arguments.clone_from(&seen.arguments);
                // Its raw form would replay a call without arguments.
                self.raw = None;
            }
            _ => (),
        }
    }

    /// Restores the name and the id of a call, which the complete item lacks.
    pub(super) fn restore_call(&mut self, previous: &ItemKind) {
        let (ItemKind::Call(call), ItemKind::Call(seen)) = (&*self.kind, previous) else { return };
        let lacks_name = call.name.trim().is_empty() && !seen.name.trim().is_empty();
        let lacks_id = call.call_id.is_empty() && !seen.call_id.is_empty();
        if !lacks_name && !lacks_id {
            return;
        }
        let ItemKind::Call(call) = Arc::make_mut(&mut self.kind) else { return };
        if lacks_name {
            call.name.clone_from(&seen.name);
            // Its raw form would replay a call without a name.
            self.raw = None;
        }
        if lacks_id {
            call.call_id.clone_from(&seen.call_id);
        }
    }

    /// Merges the citations of the complete item behind those received before it.
    pub(super) fn merge_citations(&mut self, previous: &ItemKind) {
        let ItemKind::Message { parts: seen, .. } = previous else { return };
        let is_cited =
            |part: &ContentPart| matches!(part, ContentPart::Text { annotations, .. } if !annotations.is_empty());
        if !seen.iter().any(is_cited) {
            return;
        }
        let ItemKind::Message { parts, .. } = Arc::make_mut(&mut self.kind) else { return };
        for (part, seen) in parts.iter_mut().zip(seen) {
            if let (ContentPart::Text { annotations, .. }, ContentPart::Text { annotations: seen, .. }) = (part, seen) {
                let final_annotations = std::mem::replace(annotations, seen.clone());
                let mut known = AnnotationIndex::default();
                for annotation in merge_duplicates(final_annotations) {
                    known.merge(annotations, annotation);
                }
            }
        }
    }

    /// The text that an event refers to, created if necessary.
    pub(super) fn text_mut(&mut self, field: ItemField) -> Option<&mut String> {
        match (Arc::make_mut(&mut self.kind), field) {
            (ItemKind::Message { parts, .. }, ItemField::Text(index)) => {
                let index = part_position(parts, index, false)?;
                match &mut parts[index] {
                    ContentPart::Text { text, .. } | ContentPart::Refusal(text) => Some(text),
                }
            }
            (ItemKind::Message { parts, .. }, ItemField::Refusal(index)) => {
                let index = part_position(parts, index, true)?;
                match &mut parts[index] {
                    ContentPart::Text { text, .. } | ContentPart::Refusal(text) => Some(text),
                }
            }
            (ItemKind::Reasoning(reasoning), ItemField::ReasoningText(index)) => text_at(&mut reasoning.content, index),
            (ItemKind::Reasoning(reasoning), ItemField::ReasoningSummary(index)) => {
                text_at(&mut reasoning.summary, index)
            }
            (ItemKind::Call(call), ItemField::Arguments) => Some(&mut call.arguments),
            _ => None,
        }
    }
}

/// The position of the part with that index, created if necessary. A non-empty part of the other kind stays, and the
/// new part goes behind it.
pub(super) fn part_position(parts: &mut Vec<ContentPart>, index: u32, is_refusal: bool) -> Option<usize> {
    let index = usize::try_from(index).ok().filter(|index| *index < MAX_PARTS)?;
    while parts.len() <= index {
        parts.push(ContentPart::Text { text: String::new(), annotations: Vec::new() });
    }
    let fits = |part: &ContentPart| matches!(part, ContentPart::Refusal(_)) == is_refusal;
    if fits(&parts[index]) {
        return Some(index);
    }
    let new = || {
        if is_refusal {
            ContentPart::Refusal(String::new())
        } else {
            ContentPart::Text { text: String::new(), annotations: Vec::new() }
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
    let index = usize::try_from(index).ok().filter(|index| *index < MAX_PARTS)?;
    if texts.len() <= index {
        texts.resize(index + 1, String::new());
    }
    texts.get_mut(index)
}
