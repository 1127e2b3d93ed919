//! The catalogue of models and its cache on disk.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{ApiError, Effort, FaultKind, Usd, json::JsonFields};
use crate::files::{self, FileAccess};

/// All models that a server offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub models: Vec<Model>,
}

/// A model as listed by `GET /models`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The slug, which a request sends as `model`.
    pub id: String,
    /// The display name without its vendor.
    pub name: String,
    /// The part of the id before the slash, or empty.
    pub vendor: String,
    /// The month of its release, as `YYYY-MM`.
    pub released: Option<String>,
    pub description: String,
    pub context_tokens: Option<u64>,
    /// US dollars per million tokens. `None` if the price varies or is unknown.
    pub input_price: Option<Usd>,
    pub output_price: Option<Usd>,
    pub supports_tools: bool,
    pub supports_images: bool,
    pub supports_files: bool,
    /// The efforts it supports, or `None` if it does not reason.
    pub reasoning: Option<ReasoningEfforts>,
}

/// The efforts that a reasoning model supports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasoningEfforts {
    /// The efforts in ascending order, without `none` if reasoning is mandatory.
    pub offered: Vec<Effort>,
    pub mandatory: bool,
}

/// A catalogue from the cache, and its age.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedCatalogue {
    pub catalogue: Catalogue,
    pub age: Duration,
}

/// How long a cached list is fresh; OpenRouter allows five minutes.
const MAX_CACHE_AGE: Duration = Duration::from_mins(5);

impl Catalogue {
    /// Parses the body of `GET /models` from OpenRouter or any other server. Rows without an id are skipped.
    ///
    /// # Errors
    /// Fails if this is not a list of models, with the server's message if it sent an error.
    pub fn parse(json: &str) -> Result<Self, ApiError> {
        let json = json.trim_start_matches('\u{feff}').trim();
        let rows = match JsonFields::parse(json) {
            Some(fields) if fields.has("error") => return Err(ApiError::from_stream(json)),
            Some(fields) => ["data", "models"]
                .iter()
                .map(|key| fields.list(key))
                .find(|rows| !rows.is_empty())
                .or_else(|| fields.raw("data").or_else(|| fields.raw("models")).is_some_and(is_list).then(Vec::new)),
            None => serde_json::from_str::<Vec<&RawValue>>(json).ok(),
        };
        let Some(rows) = rows else {
            return Err(ApiError::new(FaultKind::Garbage, "the server did not send a list of models"));
        };
        Ok(Self {
            models: rows.into_iter().filter_map(|row| Model::from_fields(&JsonFields::parse(row.get())?)).collect(),
        })
    }

    /// Finds the model of a slug. A variant without its own row, such as `:online`, has that of its base.
    pub fn model(&self, slug: &str) -> Option<&Model> {
        let find = |slug: &str| self.models.iter().find(|model| model.id == slug);
        find(slug).or_else(|| find(slug.rsplit_once(':')?.0))
    }

    /// Reads the cache written by `save_cache`. Returns `None` if it is missing or unreadable.
    pub fn load_cache(path: &Path, now: SystemTime) -> Option<CachedCatalogue> {
        let json = files::read_to_string(path).ok()?;
        files::narrow(path);
        let written = fs::metadata(path).and_then(|file| file.modified()).ok()?;
        let catalogue = Self::parse(&json).ok()?;
        Some(CachedCatalogue { catalogue, age: now.duration_since(written).unwrap_or_default() })
    }

    /// Caches the body of `GET /models` for use without a network. Readers see either the old file or the new one.
    ///
    /// # Errors
    /// Fails if the file or its directory cannot be written.
    pub fn save_cache(path: &Path, json: &str) -> io::Result<()> {
        files::write_atomically(path, json.as_bytes(), FileAccess::Owner)
    }
}

impl CachedCatalogue {
    /// Returns whether the list is old enough to be fetched again.
    pub fn is_stale(&self) -> bool {
        self.age > MAX_CACHE_AGE
    }
}

impl ReasoningEfforts {
    /// Returns all efforts of the API.
    pub fn all() -> Self {
        Self { offered: Effort::ALL.to_vec(), mandatory: false }
    }

    /// Returns the lowest effort at which the model reasons.
    pub fn lowest(&self) -> Option<Effort> {
        self.offered.iter().copied().find(|effort| *effort != Effort::None)
    }

    fn from_fields(fields: &JsonFields) -> Self {
        let mandatory = fields.flag("mandatory") == Some(true);
        let mut offered: Vec<_> =
            fields.strings("supported_efforts").iter().filter_map(|name| Effort::from_name(name)).collect();
        if offered.is_empty() {
            offered = Effort::ALL.to_vec();
        }
        offered.push(Effort::None);
        offered.retain(|effort| !(mandatory && *effort == Effort::None));
        offered.sort_unstable();
        offered.dedup();
        Self { offered, mandatory }
    }
}

impl Model {
    /// Returns the effort that the model gets: one that it does not offer is left to the model, and where it always
    /// reasons, its lowest stands for `none`.
    pub fn effort_for(&self, chosen: Effort) -> Option<Effort> {
        let efforts = self.reasoning.as_ref()?;
        match chosen {
            Effort::None if efforts.mandatory => efforts.lowest(),
            chosen => Some(chosen).filter(|chosen| efforts.offered.contains(chosen)),
        }
    }

    fn from_fields(fields: &JsonFields) -> Option<Self> {
        let id = fields.non_blank("id").or_else(|| fields.non_blank("name")).or_else(|| fields.non_blank("model"))?;
        let vendor = id.split_once('/').map_or("", |(vendor, _)| vendor.trim_start_matches('~')).to_owned();
        let name = fields.non_blank("name").unwrap_or_else(|| id.clone());
        let name = match name.split_once(": ") {
            Some((_, name)) if !vendor.is_empty() => name.to_owned(),
            _ => name.strip_prefix(&format!("{vendor}/")).unwrap_or(&name).to_owned(),
        };
        let pricing = fields.object("pricing");
        let price = |key: &str| {
            let raw = pricing.as_ref()?.raw(key)?.get().trim_matches('"');
            Usd::per_million_tokens(raw)
        };
        let top_provider = fields.object("top_provider");
        let context = ["context_length", "max_model_len", "max_context_length"].iter();
        let parameters = fields.strings("supported_parameters");
        let supports = |parameter: &str| parameters.iter().any(|known| known == parameter);
        // A server that lists no parameters does not describe its models, so everything may be tried.
        let lists_parameters = fields.has("supported_parameters");
        let modalities = fields.object("architecture").map(|architecture| architecture.strings("input_modalities"));
        let accepts = |kind: &str| modalities.as_ref().is_some_and(|kinds| kinds.iter().any(|known| known == kind));
        Some(Self {
            released: fields.number("created").and_then(year_and_month),
            description: fields.text("description").unwrap_or_default(),
            context_tokens: context
                .filter_map(|key| fields.number(key))
                .chain(top_provider.and_then(|top| top.number("context_length")))
                .find(|tokens| *tokens > 0),
            input_price: price("prompt"),
            output_price: price("completion"),
            supports_tools: supports("tools") || !lists_parameters,
            supports_images: accepts("image"),
            supports_files: accepts("file"),
            reasoning: match fields.object("reasoning") {
                Some(reasoning) => Some(ReasoningEfforts::from_fields(&reasoning)),
                None => (supports("reasoning") || !lists_parameters).then(ReasoningEfforts::all),
            },
            id,
            name,
            vendor,
        })
    }
}

fn is_list(raw: &RawValue) -> bool {
    raw.get().starts_with('[')
}

fn year_and_month(created: u64) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(created).ok().filter(|created| *created > 0)?).ok()?;
    Some(time.strftime("%Y-%m").to_string())
}

#[cfg(test)]
mod tests;
