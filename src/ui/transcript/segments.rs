//! The segments of an answer, in the order in which they are shown.

use super::{anchor::SectionPart, item_details};
use crate::chat::{
    Answer, Item, ItemKind, ItemSlot,
    answer::{self, ReasoningItem, SearchCall},
};

/// A message of the model, or the work done before it.
pub(crate) enum AnswerSegment<'a> {
    Work(WorkGroup<'a>),
    Message { slot: ItemSlot, item: &'a Item, parts: &'a [answer::ContentPart], phase: Option<&'a str> },
}

/// The items between two messages of the model, summarised together. It may be empty.
#[derive(Default)]
pub(crate) struct WorkGroup<'a> {
    pub reasoning: Vec<(ItemSlot, &'a Item, &'a ReasoningItem)>,
    pub searches: Vec<SearchItem<'a>>,
    /// Searches that failed or were cut off.
    pub failed_searches: Vec<SearchItem<'a>>,
    pub other_items: Vec<(ItemSlot, &'a Item)>,
}

pub(crate) type SearchItem<'a> = (ItemSlot, &'a Item, &'a SearchCall);

/// Splits an answer into its messages, with a group of work before each and one after the last.
pub(crate) fn split_segments(answer: &Answer) -> Vec<AnswerSegment<'_>> {
    let mut segments = Vec::new();
    let mut group = WorkGroup::default();
    for (&slot, item) in &answer.items {
        match &*item.kind {
            ItemKind::Reasoning(reasoning) => group.reasoning.push((slot, item, reasoning)),
            ItemKind::Search(search) if item_details::failure_text(&search.status, item).is_some() => {
                group.failed_searches.push((slot, item, search));
            }
            ItemKind::Search(search) => group.searches.push((slot, item, search)),
            ItemKind::Call(_) | ItemKind::Other { .. } => group.other_items.push((slot, item)),
            ItemKind::Message { parts, .. } if parts.iter().all(|part| part.text().is_empty()) => (),
            ItemKind::Message { parts, phase } => {
                segments.push(AnswerSegment::Work(std::mem::take(&mut group)));
                segments.push(AnswerSegment::Message { slot, item, parts, phase: phase.as_deref() });
            }
        }
    }
    segments.push(AnswerSegment::Work(group));
    segments
}

/// The item whose row folds a part.
pub(crate) fn fold_slot(answer: &Answer, part: SectionPart) -> Option<ItemSlot> {
    let in_group = |found: &dyn Fn(&WorkGroup) -> Option<ItemSlot>| {
        split_segments(answer).iter().find_map(|piece| match piece {
            AnswerSegment::Work(run) => found(run),
            AnswerSegment::Message { .. } => None,
        })
    };
    match part {
        SectionPart::Reasoning(slot, _) => in_group(&|run| {
            let first = run.reasoning.first()?.0;
            run.reasoning.iter().any(|it| it.0 == slot).then_some(first)
        }),
        SectionPart::SearchPages(slot) => in_group(&|run| {
            let first = run.searches.first()?.0;
            run.searches.iter().any(|it| it.0 == slot).then_some(first)
        }),
        SectionPart::Call(slot)
        | SectionPart::Result(slot)
        | SectionPart::UnknownItem(slot)
        | SectionPart::RawJson(slot)
        | SectionPart::Text(slot, _) => Some(slot),
        SectionPart::Head
        | SectionPart::Notes
        | SectionPart::Prompt
        | SectionPart::ReasoningHead(_)
        | SectionPart::SearchSummary(_)
        | SectionPart::FailedSearch(_)
        | SectionPart::CommentaryLabel(_)
        | SectionPart::Refusal(..)
        | SectionPart::Sources
        | SectionPart::SourceCard
        | SectionPart::Card => None,
    }
}

/// The searches that share a row, by the first of them.
pub(crate) fn searches_in_row(answer: &Answer, slot: ItemSlot) -> Vec<ItemSlot> {
    let found = split_segments(answer).into_iter().find_map(|piece| match piece {
        AnswerSegment::Work(run) if run.searches.first().is_some_and(|it| it.0 == slot) => Some(run.searches),
        AnswerSegment::Work(_) | AnswerSegment::Message { .. } => None,
    });
    found.unwrap_or_default().into_iter().map(|it| it.0).collect()
}
