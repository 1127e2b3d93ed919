//! The text of each part of a message, used alike for layout, search, selection and copying.

use std::borrow::Cow;

use super::{anchor::SectionPart, call_rows, item_details, segments};
use crate::{
    chat::{ItemKind, ItemSlot, Message, MessageBody},
    render::row::{LineJoin, RowKind, StyledRow, StyledSpan, TextStyle},
    text::{self, wrap},
};

impl SectionPart {
    /// Whether the part has text that a search looks at.
    pub(crate) fn is_searchable(self) -> bool {
        match self {
            Self::Prompt
            | Self::Text(..)
            | Self::Refusal(..)
            | Self::Reasoning(..)
            | Self::FailedSearch(_)
            | Self::SearchPages(_)
            | Self::Call(_)
            | Self::Result(_)
            | Self::RawJson(_) => true,
            Self::Head
            | Self::Notes
            | Self::ReasoningHead(_)
            | Self::SearchSummary(_)
            | Self::UnknownItem(_)
            | Self::CommentaryLabel(_)
            | Self::Sources
            | Self::SourceCard
            | Self::Card => false,
        }
    }

    pub(crate) fn is_markdown(self) -> bool {
        matches!(self, Self::Text(..) | Self::Reasoning(..))
    }
}

/// The text that a part was laid out from, cleaned unless it is Markdown.
pub(crate) fn text_of_part(message: &Message, part: SectionPart) -> Option<Cow<'_, str>> {
    let answer = match (&message.body, part) {
        (MessageBody::Prompt(prompt), SectionPart::Prompt) => return Some(text::clean(&prompt.text)),
        (MessageBody::Prompt(_), _) => return None,
        (MessageBody::Answer(answer), _) => answer,
    };
    let kind = |slot| answer.items.get(&slot).map(|item| &*item.kind);
    match part {
        SectionPart::Text(slot, nth) => {
            answer.items.get(&slot)?.parts()?.get(nth).map(|part| Cow::Borrowed(part.text()))
        }
        SectionPart::Refusal(slot, nth) => {
            answer.items.get(&slot)?.parts()?.get(nth).map(|part| text::clean(part.text()))
        }
        SectionPart::Reasoning(slot, nth) => match kind(slot)? {
            ItemKind::Reasoning(reasoning) => {
                reasoning.texts().filter(|text| !text.trim().is_empty()).nth(nth).map(Cow::Borrowed)
            }
            ItemKind::Message { .. } | ItemKind::Search(_) | ItemKind::Call(_) | ItemKind::Other { .. } => None,
        },
        SectionPart::SearchPages(slot) | SectionPart::FailedSearch(slot) => match kind(slot)? {
            ItemKind::Search(search) if matches!(part, SectionPart::SearchPages(_)) => {
                Some(item_details::search_text(search).into())
            }
            ItemKind::Search(search) => Some(item_details::failed_search_text(&answer.items[&slot], search).into()),
            ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Call(_) | ItemKind::Other { .. } => None,
        },
        SectionPart::Call(slot) => match kind(slot)? {
            ItemKind::Call(call) => Some(call_rows::call_text(call, answer.call_runs.get(&slot)).into()),
            ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Search(_) | ItemKind::Other { .. } => None,
        },
        SectionPart::Result(slot) => {
            call_rows::result_excerpt(answer.call_runs.get(&slot)?).map(|result| result.text.into())
        }
        SectionPart::RawJson(slot) => match kind(slot)? {
            ItemKind::Other { .. } => Some(item_details::raw_json(&answer.items[&slot]).into()),
            ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Search(_) | ItemKind::Call(_) => None,
        },
        SectionPart::Head
        | SectionPart::Notes
        | SectionPart::Prompt
        | SectionPart::ReasoningHead(_)
        | SectionPart::SearchSummary(_)
        | SectionPart::UnknownItem(_)
        | SectionPart::CommentaryLabel(_)
        | SectionPart::Sources
        | SectionPart::SourceCard
        | SectionPart::Card => None,
    }
}

/// The text to copy for a row that folds searches or another item.
pub fn folded_text(message: &Message, slot: ItemSlot) -> Option<String> {
    let parts = match &*message.as_answer()?.items.get(&slot)?.kind {
        ItemKind::Search(_) => {
            segments::searches_in_row(message.as_answer()?, slot).into_iter().map(SectionPart::SearchPages).collect()
        }
        ItemKind::Other { .. } => vec![SectionPart::RawJson(slot)],
        ItemKind::Message { .. } | ItemKind::Reasoning(_) | ItemKind::Call(_) => Vec::new(),
    };
    let text = parts.into_iter().filter_map(|part| text_of_part(message, part)).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// Wraps clean text verbatim into rows that know their byte ranges in it.
pub(crate) fn wrap_rows(text: &str, width: usize, kind: RowKind, ink: TextStyle) -> Vec<StyledRow> {
    let lines = wrap::wrap(text, wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] });
    let row = |piece: wrap::WrappedLine| {
        let spans = vec![StyledSpan::new(&text[piece.start..piece.end], ink)];
        StyledRow { join: LineJoin::after(&piece), source: piece.start..piece.next, ..StyledRow::new(kind, spans) }
    };
    lines.into_iter().map(row).collect()
}
