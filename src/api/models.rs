//! The catalogue of models and its disk cache.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{Effort, Error, Fault, Usd, json::Fields};

/// All models that a server offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub models: Vec<Model>,
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
    pub files: bool,
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

/// A catalogue as the disk has it, and how old it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    pub catalogue: Catalogue,
    pub age: Duration,
}

/// OpenRouter lets its list be kept for five minutes.
const FRESH: Duration = Duration::from_mins(5);

impl Catalogue {
    /// Reads what `GET /models` answered, from OpenRouter or any other server. Rows without an id are left out.
    ///
    /// # Errors
    /// It is no list of models; the server's own words where it sent an error.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let json = json.trim_start_matches('\u{feff}').trim();
        let rows = match Fields::of(json) {
            Some(fields) if fields.has("error") => return Err(Error::in_stream(json)),
            Some(fields) => ["data", "models"]
                .iter()
                .map(|key| fields.list(key))
                .find(|rows| !rows.is_empty())
                .or_else(|| fields.raw("data").or_else(|| fields.raw("models")).is_some_and(is_list).then(Vec::new)),
            None => serde_json::from_str::<Vec<&RawValue>>(json).ok(),
        };
        let Some(rows) = rows else {
            return Err(Error::new(Fault::Garbage, "the server did not send a list of models"));
        };
        Ok(Self { models: rows.into_iter().filter_map(|row| Model::read(&Fields::of(row.get())?)).collect() })
    }

    /// The row of a slug; of its base where a variant such as `:online` has none of its own.
    pub fn model(&self, slug: &str) -> Option<&Model> {
        let find = |slug: &str| self.models.iter().find(|model| model.id == slug);
        find(slug).or_else(|| find(slug.rsplit_once(':')?.0))
    }

    /// What `keep` wrote; `None` when there is nothing that can be read.
    pub fn cached(path: &Path, now: SystemTime) -> Option<Cached> {
        let json = fs::read_to_string(path).ok()?;
        let written = fs::metadata(path).and_then(|file| file.modified()).ok()?;
        let catalogue = Self::parse(&json).ok()?;
        Some(Cached { catalogue, age: now.duration_since(written).unwrap_or_default() })
    }

    /// Keeps the body of `GET /models` for a time without a network. Readers see the old file or the new one.
    ///
    /// # Errors
    /// The file or its directory cannot be written.
    pub fn keep(path: &Path, json: &str) -> io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        // Two instances must not write the same file.
        let half = path.with_extension(format!("{}.half", std::process::id()));
        fs::write(&half, json)?;
        fs::rename(&half, path).inspect_err(|_| {
            let _gone = fs::remove_file(&half);
        })
    }
}

impl Cached {
    /// Old enough to ask the server again.
    pub fn is_stale(&self) -> bool {
        self.age > FRESH
    }
}

impl Efforts {
    /// All that the API knows.
    pub fn all() -> Self {
        Self { offered: Effort::ALL.to_vec(), mandatory: false }
    }

    fn read(fields: &Fields) -> Self {
        let mandatory = fields.flag("mandatory") == Some(true);
        let mut offered: Vec<_> =
            fields.words("supported_efforts").iter().filter_map(|name| Effort::from_name(name)).collect();
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
    fn read(fields: &Fields) -> Option<Self> {
        let id = fields.word("id").or_else(|| fields.word("name")).or_else(|| fields.word("model"))?;
        let vendor = id.split_once('/').map_or("", |(vendor, _)| vendor.trim_start_matches('~')).to_owned();
        let name = fields.word("name").unwrap_or_else(|| id.clone());
        let name = match name.split_once(": ") {
            Some((_, name)) if !vendor.is_empty() => name.to_owned(),
            _ => name.strip_prefix(&format!("{vendor}/")).unwrap_or(&name).to_owned(),
        };
        let pricing = fields.object("pricing");
        let price = |key: &str| {
            let raw = pricing.as_ref()?.raw(key)?.get().trim_matches('"');
            Usd::per_million(raw)
        };
        let top = fields.object("top_provider");
        let context = ["context_length", "max_model_len", "max_context_length"].iter();
        let parameters = fields.words("supported_parameters");
        let can = |parameter: &str| parameters.iter().any(|known| known == parameter);
        // Servers that list no parameters say nothing of what their models can do: the reader may try.
        let tells = fields.has("supported_parameters");
        let modalities = fields.object("architecture").map(|architecture| architecture.words("input_modalities"));
        let reads = |kind: &str| modalities.as_ref().is_some_and(|kinds| kinds.iter().any(|known| known == kind));
        Some(Self {
            since: fields.number("created").and_then(month),
            description: fields.text("description").unwrap_or_default(),
            context: context
                .filter_map(|key| fields.number(key))
                .chain(top.and_then(|top| top.number("context_length")))
                .find(|tokens| *tokens > 0),
            input_price: price("prompt"),
            output_price: price("completion"),
            tools: can("tools") || !tells,
            images: reads("image"),
            files: reads("file"),
            reasoning: match fields.object("reasoning") {
                Some(reasoning) => Some(Efforts::read(&reasoning)),
                None => (can("reasoning") || !tells).then(Efforts::all),
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

fn month(created: u64) -> Option<String> {
    let at = Timestamp::from_second(i64::try_from(created).ok().filter(|created| *created > 0)?).ok()?;
    Some(at.strftime("%Y-%m").to_string())
}

#[cfg(test)]
mod tests;
