//! What an answer consists of, in the order in which it is shown.

use super::{details, place::Part};
use crate::chat::{
    Answer, Item, Kind, Slot,
    answer::{self, Reasoning, Search},
};

/// A text, or what was done before it.
pub(super) enum Piece<'a> {
    Run(Run<'a>),
    Message { slot: Slot, item: &'a Item, parts: &'a [answer::Part], phase: Option<&'a str> },
}

/// Items between two texts: what was done is told once for all of them. It may be empty.
#[derive(Default)]
pub(super) struct Run<'a> {
    pub reasoning: Vec<(Slot, &'a Item, &'a Reasoning)>,
    pub searches: Vec<Searched<'a>>,
    /// Searches that did not end well.
    pub failed: Vec<Searched<'a>>,
    pub rest: Vec<(Slot, &'a Item)>,
}

pub(super) type Searched<'a> = (Slot, &'a Item, &'a Search);

/// A run before each text, and one behind the last.
pub(super) fn pieces(answer: &Answer) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut run = Run::default();
    for (&slot, item) in &answer.items {
        match &*item.kind {
            Kind::Reasoning(reasoning) => run.reasoning.push((slot, item, reasoning)),
            Kind::Search(search) if details::trouble(&search.status, item).is_some() => {
                run.failed.push((slot, item, search));
            }
            Kind::Search(search) => run.searches.push((slot, item, search)),
            Kind::Call(_) | Kind::Other { .. } => run.rest.push((slot, item)),
            Kind::Message { parts, .. } if parts.iter().all(|part| part.text().is_empty()) => (),
            Kind::Message { parts, phase } => {
                pieces.push(Piece::Run(std::mem::take(&mut run)));
                pieces.push(Piece::Message { slot, item, parts, phase: phase.as_deref() });
            }
        }
    }
    pieces.push(Piece::Run(run));
    pieces
}

/// The item whose row folds a part.
pub(super) fn folded_by(answer: &Answer, part: Part) -> Option<Slot> {
    let of_run = |found: &dyn Fn(&Run) -> Option<Slot>| {
        pieces(answer).iter().find_map(|piece| match piece {
            Piece::Run(run) => found(run),
            Piece::Message { .. } => None,
        })
    };
    match part {
        Part::Reasoning(slot, _) => of_run(&|run| {
            let first = run.reasoning.first()?.0;
            run.reasoning.iter().any(|it| it.0 == slot).then_some(first)
        }),
        Part::Pages(slot) => of_run(&|run| {
            let first = run.searches.first()?.0;
            run.searches.iter().any(|it| it.0 == slot).then_some(first)
        }),
        Part::Call(slot) | Part::Result(slot) | Part::Other(slot) | Part::Raw(slot) | Part::Text(slot, _) => Some(slot),
        Part::Head
        | Part::Notes
        | Part::Prompt
        | Part::Thought(_)
        | Part::Search(_)
        | Part::FailedSearch(_)
        | Part::Commentary(_)
        | Part::Refusal(..)
        | Part::Sources
        | Part::SourceCard
        | Part::Card => None,
    }
}

/// The searches that one row tells of, by the first of them.
pub(super) fn searched_with(answer: &Answer, slot: Slot) -> Vec<Slot> {
    let found = pieces(answer).into_iter().find_map(|piece| match piece {
        Piece::Run(run) if run.searches.first().is_some_and(|it| it.0 == slot) => Some(run.searches),
        Piece::Run(_) | Piece::Message { .. } => None,
    });
    found.unwrap_or_default().into_iter().map(|it| it.0).collect()
}
