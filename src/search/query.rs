//! A query, understood: what to look for, and where.

use super::{DocumentField, SearchFilter};
use crate::text::SearchTerm;

/// What to look for. All terms and filters must hold; of several filters of one kind that cannot hold together, one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    pub terms: Vec<SearchTerm>,
    /// Terms that must not be there.
    pub excluded_terms: Vec<SearchTerm>,
    pub filters: Vec<SearchFilter>,
    pub excluded_filters: Vec<SearchFilter>,
}

impl SearchQuery {
    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a kind of text is searched.
    pub fn searches(&self, field: DocumentField) -> bool {
        let mut named = self.filters.iter().filter_map(SearchFilter::field).peekable();
        let is_named = named.peek().is_none() || named.any(|named| named == field);
        is_named && self.excluded_filters.iter().filter_map(SearchFilter::field).all(|excluded| excluded != field)
    }

    /// Whether `in:` says where to look.
    pub(super) fn is_limited_to_fields(&self) -> bool {
        self.filters.iter().any(|filter| filter.field().is_some())
    }
}
