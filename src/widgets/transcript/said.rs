//! The text of each part of a message: what is laid out, found, selected and copied is the same.

use std::borrow::Cow;

use super::{call, details, place::Part, runs};
use crate::{
    chat::{Body, Kind, Message, Slot},
    text::{self, wrap},
    widgets::row::{Ink, Joint, Row, RowKind, Span},
};

impl Part {
    /// Whether it is a text in which something may be found.
    pub fn is_found(self) -> bool {
        match self {
            Self::Prompt
            | Self::Text(..)
            | Self::Refusal(..)
            | Self::Reasoning(..)
            | Self::FailedSearch(_)
            | Self::Pages(_)
            | Self::Call(_)
            | Self::Result(_)
            | Self::Raw(_) => true,
            Self::Head
            | Self::Notes
            | Self::Thought(_)
            | Self::Search(_)
            | Self::Other(_)
            | Self::Commentary(_)
            | Self::Sources
            | Self::SourceCard
            | Self::Card => false,
        }
    }

    pub fn is_markdown(self) -> bool {
        matches!(self, Self::Text(..) | Self::Reasoning(..))
    }
}

/// The text that a part was laid out from; clean, where it is not Markdown.
pub(super) fn of(message: &Message, part: Part) -> Option<Cow<'_, str>> {
    let answer = match (&message.body, part) {
        (Body::Prompt(prompt), Part::Prompt) => return Some(text::clean(&prompt.text)),
        (Body::Prompt(_), _) => return None,
        (Body::Answer(answer), _) => answer,
    };
    let kind = |slot| answer.items.get(&slot).map(|item| &*item.kind);
    match part {
        Part::Text(slot, nth) => answer.items.get(&slot)?.parts()?.get(nth).map(|part| Cow::Borrowed(part.text())),
        Part::Refusal(slot, nth) => answer.items.get(&slot)?.parts()?.get(nth).map(|part| text::clean(part.text())),
        Part::Reasoning(slot, nth) => match kind(slot)? {
            Kind::Reasoning(reasoning) => {
                reasoning.texts().filter(|text| !text.trim().is_empty()).nth(nth).map(Cow::Borrowed)
            }
            Kind::Message { .. } | Kind::Search(_) | Kind::Call(_) | Kind::Other { .. } => None,
        },
        Part::Pages(slot) | Part::FailedSearch(slot) => match kind(slot)? {
            Kind::Search(search) if matches!(part, Part::Pages(_)) => Some(details::pages(search).into()),
            Kind::Search(search) => Some(details::failed_search(&answer.items[&slot], search).into()),
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::Call(_) | Kind::Other { .. } => None,
        },
        Part::Call(slot) => match kind(slot)? {
            Kind::Call(call) => Some(call::words(call, answer.runs.get(&slot)).into()),
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::Search(_) | Kind::Other { .. } => None,
        },
        Part::Result(slot) => call::result(answer.runs.get(&slot)?).map(|result| result.text.into()),
        Part::Raw(slot) => match kind(slot)? {
            Kind::Other { .. } => Some(details::raw(&answer.items[&slot]).into()),
            Kind::Message { .. } | Kind::Reasoning(_) | Kind::Search(_) | Kind::Call(_) => None,
        },
        Part::Head
        | Part::Notes
        | Part::Prompt
        | Part::Thought(_)
        | Part::Search(_)
        | Part::Other(_)
        | Part::Commentary(_)
        | Part::Sources
        | Part::SourceCard
        | Part::Card => None,
    }
}

/// What a row that stands for searches or another item stands for, as a text to copy.
pub fn folded_text(message: &Message, slot: Slot) -> Option<String> {
    let parts = match &*message.answer()?.items.get(&slot)?.kind {
        Kind::Search(_) => runs::searched_with(message.answer()?, slot).into_iter().map(Part::Pages).collect(),
        Kind::Other { .. } => vec![Part::Raw(slot)],
        Kind::Message { .. } | Kind::Reasoning(_) | Kind::Call(_) => Vec::new(),
    };
    let text = parts.into_iter().filter_map(|part| of(message, part)).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// A clean text letter by letter, in rows that know their places in it.
pub(super) fn rows(text: &str, width: usize, kind: RowKind, ink: Ink) -> Vec<Row> {
    let pieces = wrap::wrap(text, wrap::Measure { first: width, rest: width, glued: &[] });
    let row = |piece: wrap::Piece| {
        let spans = vec![Span::new(&text[piece.start..piece.end], ink)];
        Row { joint: Joint::of(&piece), source: piece.start..piece.next, ..Row::new(kind, spans) }
    };
    pieces.into_iter().map(row).collect()
}
