//! Wishes about the providers behind OpenRouter.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::{Map, Value};

/// Which providers may answer; what is not set is left to OpenRouter.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// By their slugs, the first first.
    pub order: Vec<String>,
    pub only: Vec<String>,
    pub ignore: Vec<String>,
    /// `false`: none beyond `order`.
    pub allow_fallbacks: Option<bool>,
    /// Only providers that know every parameter that is sent.
    pub require_parameters: Option<bool>,
    /// `deny`: none that may keep what it is asked, or train on it.
    pub data_collection: Option<DataCollection>,
    /// Only endpoints that keep nothing.
    pub zdr: Option<bool>,
    /// Only models whose makers allow that others learn from their words.
    pub enforce_distillable_text: Option<bool>,
    pub quantizations: Vec<String>,
    /// One of `SORTS`.
    pub sort: Option<String>,
    /// `none`: by `sort` over all models of a list, not within each.
    pub partition: Option<Partition>,
    pub max_price: MaxPrice,
    /// In seconds.
    pub preferred_max_latency: Option<Cutoff>,
    /// In tokens a second.
    pub preferred_min_throughput: Option<Cutoff>,
    /// By the slug of a provider, passed on to it.
    pub options: BTreeMap<String, Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataCollection {
    Allow,
    Deny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partition {
    Model,
    None,
}

/// The most that an endpoint may ask, in dollars: for a million tokens, a request, an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct MaxPrice {
    pub prompt: Option<Price>,
    pub completion: Option<Price>,
    pub request: Option<Price>,
    pub image: Option<Price>,
    pub audio: Option<Price>,
}

/// An amount in its own digits, written as a number or as a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price(pub String);

/// A limit for all requests of an endpoint, or for so many of a hundred (`p50`, `p75`, `p90`, `p99`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "should be a number, or a table of p50, p75, p90, p99")]
pub enum Cutoff {
    All(f64),
    Of(BTreeMap<Percentile, f64>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Percentile {
    P50,
    P75,
    P90,
    P99,
}

impl MaxPrice {
    /// Each price that is set, under its name on the wire.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("prompt", &self.prompt),
            ("completion", &self.completion),
            ("request", &self.request),
            ("image", &self.image),
            ("audio", &self.audio),
        ];
        all.into_iter().filter_map(|(name, price)| Some((name, price.as_ref()?.0.as_str())))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;
        impl Visitor<'_> for Amount {
            type Value = Price;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an amount of dollars such as 1.5")
            }

            fn visit_f64<E: Error>(self, amount: f64) -> Result<Price, E> {
                self.visit_str(&amount.to_string())
            }

            fn visit_i64<E: Error>(self, amount: i64) -> Result<Price, E> {
                self.visit_str(&amount.to_string())
            }

            fn visit_str<E: Error>(self, amount: &str) -> Result<Price, E> {
                let is_amount = amount.parse::<f64>().is_ok_and(|amount| amount.is_finite() && amount >= 0.0);
                if is_amount {
                    Ok(Price(amount.into()))
                } else {
                    Err(E::custom(format!("{amount} is no amount of dollars")))
                }
            }
        }
        deserializer.deserialize_any(Amount)
    }
}
