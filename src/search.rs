//! Search of everything that was said: the query language, what matches, and the tokens that an index needs.
//!
//! `matches` alone defines what a query finds. An index only narrows down which messages it is asked about.

mod completion;
mod document;
mod filters;
mod matching;
mod query;
mod query_parser;
mod ranking;
mod snippet;
mod tokens;

pub use completion::{FilterValues, QueryCompletion, complete};
pub use document::{ConversationFacts, DocumentFeature, DocumentFeatures, DocumentField, DocumentText, SearchDocument};
pub use filters::{CostLimit, FILTER_NAMES, SearchFilter};
pub use matching::{DocumentMatch, TextMatch, matches};
pub use query::SearchQuery;
pub use query_parser::{ParsedQuery, QueryProblem, filter_ranges, parse_query};
pub use ranking::{SearchOrder, relevance};
pub use snippet::{SearchSnippet, snippet};
pub use tokens::{document_tokens, term_tokens};
