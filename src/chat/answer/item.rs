//! One item while it grows.

use std::sync::Arc;

use super::{Call, Item, Kind, Part, Reasoning};
use crate::api::{
    event::Field,
    item::{distinct, merge},
};

/// No message has so many parts; an index beyond is an accident.
const MOST_PARTS: usize = 4096;

impl Item {
    /// Whether an answer that has it has said something.
    pub(super) fn is_content(&self) -> bool {
        match &*self.kind {
            Kind::Message { .. } => !self.kind.is_empty(),
            Kind::Call(_) | Kind::Other { .. } => true,
            Kind::Reasoning(_) | Kind::Search(_) => false,
        }
    }

    /// The item was there already, made by a delta or told twice: what has come of it stays.
    pub(super) fn learn(&mut self, kind: Kind) {
        if self.closed.is_some() {
            return;
        }
        match (Arc::make_mut(&mut self.kind), kind) {
            (Kind::Message { phase, .. }, Kind::Message { phase: told, .. }) => *phase = told.or(phase.take()),
            (Kind::Call(call), Kind::Call(told)) => {
                *call = Call { arguments: std::mem::take(&mut call.arguments), ..told };
            }
            (known @ (Kind::Search(_) | Kind::Other { .. }), told @ (Kind::Search(_) | Kind::Other { .. })) => {
                *known = told;
            }
            _ => (),
        }
    }

    /// The whole item came without the text that its deltas had.
    pub(super) fn restore(&mut self, seen: &Kind) {
        match (Arc::make_mut(&mut self.kind), seen) {
            (Kind::Message { parts, .. }, Kind::Message { parts: seen, .. }) => parts.clone_from(seen),
            (Kind::Reasoning(reasoning), Kind::Reasoning(seen)) => {
                *reasoning = Reasoning { encrypted: reasoning.encrypted, ..seen.clone() };
            }
            (Kind::Call(call), Kind::Call(seen)) => {
                call.arguments.clone_from(&seen.arguments);
                // Its raw form would call without arguments.
                self.raw = None;
            }
            _ => (),
        }
    }

    /// Citations that came before stay, in their order, and those of the whole item join them.
    pub(super) fn keep_citations(&mut self, seen: &Kind) {
        let Kind::Message { parts: seen, .. } = seen else { return };
        let is_cited = |part: &Part| matches!(part, Part::Text { annotations, .. } if !annotations.is_empty());
        if !seen.iter().any(is_cited) {
            return;
        }
        let Kind::Message { parts, .. } = Arc::make_mut(&mut self.kind) else { return };
        for (part, seen) in parts.iter_mut().zip(seen) {
            if let (Part::Text { annotations, .. }, Part::Text { annotations: seen, .. }) = (part, seen) {
                let told = std::mem::replace(annotations, seen.clone());
                for annotation in distinct(told) {
                    merge(annotations, annotation);
                }
            }
        }
    }

    /// The text that an event is about, made where it is not there yet.
    pub(super) fn buffer(&mut self, field: Field) -> Option<&mut String> {
        match (Arc::make_mut(&mut self.kind), field) {
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
pub(super) fn part_at(parts: &mut Vec<Part>, index: u32, is_refusal: bool) -> Option<usize> {
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
