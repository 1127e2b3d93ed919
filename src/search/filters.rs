//! The filters of a query, and when they hold.

use std::cmp::Ordering;

use super::{DocumentFeature, DocumentField, SearchDocument};
use crate::{api::Usd, chat::Timestamp, text::folding::fold};

/// A condition on a document besides its words. Names are folded.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchFilter {
    /// A part of the name of a model.
    Model(String),
    /// A whole tag.
    Tag(String),
    /// Before the beginning of a day, month or year.
    Before(Timestamp),
    /// From the beginning of a day, month or year on.
    After(Timestamp),
    In(DocumentField),
    Has(DocumentFeature),
    Cost(CostLimit),
    /// The program that a conversation was imported from.
    From(String),
}

/// A limit of what an answer cost.
#[derive(Debug, Clone, PartialEq)]
pub struct CostLimit {
    pub order: Ordering,
    /// The limit itself is inside.
    pub or_equal: bool,
    pub cost: Usd,
}

/// The names of all filters, in the order in which they are offered.
pub const FILTER_NAMES: [&str; 8] = ["model", "tag", "before", "after", "in", "has", "cost", "from"];

impl CostLimit {
    pub fn holds(&self, cost: &Usd) -> bool {
        let order = cost.cmp(&self.cost);
        order == self.order || self.or_equal && order == Ordering::Equal
    }
}

impl SearchFilter {
    /// Whether it holds for a document; `in:` says where the terms are looked for.
    pub fn holds(&self, document: &SearchDocument) -> bool {
        match self {
            Self::Model(part) => document.models.iter().any(|model| fold(model).contains(part)),
            Self::Tag(tag) => document.tags.iter().any(|other| fold(other.trim_start_matches('#')) == *tag),
            Self::Before(time) => document.at < *time,
            Self::After(time) => document.at >= *time,
            Self::In(field) => document.texts.iter().any(|text| text.field == *field),
            Self::Has(feature) => document.features.has(*feature),
            Self::Cost(limit) => document.cost.as_ref().is_some_and(|cost| limit.holds(cost)),
            Self::From(origin) => document.origin.as_deref().is_some_and(|other| fold(other) == *origin),
        }
    }

    /// The kind of text that it names.
    pub fn field(&self) -> Option<DocumentField> {
        match self {
            Self::In(field) => Some(*field),
            _ => None,
        }
    }

    /// Whether it cannot hold together with another one of its kind, so that one of them is enough.
    pub(super) fn is_alternative_to(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Model(_), Self::Model(_)) | (Self::From(_), Self::From(_)) | (Self::In(_), Self::In(_))
        )
    }
}
