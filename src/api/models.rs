//! The catalogue of models and its disk cache.

use super::{Effort, Usd};

/// All models that a server offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub models: Vec<Model>,
}

impl Catalogue {
    /// The row of a slug; of its base where a variant such as `:online` has none of its own.
    pub fn find(&self, slug: &str) -> Option<&Model> {
        let find = |slug: &str| self.models.iter().find(|model| model.id == slug);
        find(slug).or_else(|| slug.rsplit_once(':').and_then(|(base, _)| find(base)))
    }
}

/// One row of `GET /models`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What is sent as `model`.
    pub id: String,
    /// The display name without its vendor.
    pub name: String,
    /// The part of the id before the slash; empty when there is none.
    pub vendor: String,
    /// `YYYY-MM` when it appeared.
    pub since: Option<String>,
    pub description: String,
    pub context: Option<u64>,
    /// US dollars per million tokens; `None` when it depends or is not told.
    pub input_price: Option<Usd>,
    pub output_price: Option<Usd>,
    pub tools: bool,
    pub images: bool,
    /// `None`: it does not reason.
    pub reasoning: Option<Efforts>,
}

/// Which efforts a reasoning model has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Efforts {
    /// In ascending order, `none` left out where reasoning is mandatory.
    pub offered: Vec<Effort>,
    pub mandatory: bool,
}
