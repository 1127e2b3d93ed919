//! Preferences for the providers behind OpenRouter.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::{Map, Value};

/// Which providers may answer; settings left out are up to OpenRouter.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ProviderConfig {
    /// Provider slugs in the order to try them.
    pub order: Vec<String>,
    pub only: Vec<String>,
    pub ignore: Vec<String>,
    /// `false`: no providers other than those in `order`.
    pub allow_fallbacks: Option<bool>,
    /// Only providers that support every parameter sent.
    pub require_parameters: Option<bool>,
    /// `deny`: no provider that may store prompts or train on them.
    pub data_collection: Option<DataCollection>,
    /// Only endpoints with zero data retention.
    pub zdr: Option<bool>,
    /// Only models whose authors allow other models to be trained on their output.
    pub enforce_distillable_text: Option<bool>,
    pub quantizations: Vec<String>,
    /// One of `SORTS`.
    pub sort: Option<String>,
    /// `none`: applies `sort` across all candidate models instead of within each.
    pub partition: Option<SortPartition>,
    pub max_price: MaxPrices,
    /// In seconds.
    pub preferred_max_latency: Option<PerformanceCutoff>,
    /// In tokens per second.
    pub preferred_min_throughput: Option<PerformanceCutoff>,
    /// Options passed on to a provider, by its slug.
    pub options: BTreeMap<String, Map<String, Value>>,
}

/// Whether providers may store prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataCollection {
    Allow,
    Deny,
}

/// The scope of `sort`: within each model, or across all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortPartition {
    Model,
    None,
}

/// The highest prices an endpoint may charge, in dollars: per million tokens, request or image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct MaxPrices {
    pub prompt: Option<DollarAmount>,
    pub completion: Option<DollarAmount>,
    pub request: Option<DollarAmount>,
    pub image: Option<DollarAmount>,
    pub audio: Option<DollarAmount>,
}

/// An amount in dollars with its digits as written, as a number or a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DollarAmount(pub String);

/// A limit for all requests to an endpoint, or by percentile (`p50`, `p75`, `p90`, `p99`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "should be a number, or a table of p50, p75, p90, p99")]
pub enum PerformanceCutoff {
    All(f64),
    Of(BTreeMap<CutoffPercentile, f64>),
}

/// A share of an endpoint's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CutoffPercentile {
    P50,
    P75,
    P90,
    P99,
}

impl MaxPrices {
    /// Returns the prices that are set, each with its name on the wire.
    pub fn set_prices(&self) -> impl Iterator<Item = (&'static str, &str)> {
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

impl<'de> Deserialize<'de> for DollarAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DollarAmountVisitor;
        impl Visitor<'_> for DollarAmountVisitor {
            type Value = DollarAmount;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an amount in dollars such as 1.5")
            }

            fn visit_f64<E: Error>(self, amount: f64) -> Result<DollarAmount, E> {
                self.visit_str(&amount.to_string())
            }

            fn visit_i64<E: Error>(self, amount: i64) -> Result<DollarAmount, E> {
                self.visit_str(&amount.to_string())
            }

            fn visit_str<E: Error>(self, amount: &str) -> Result<DollarAmount, E> {
                let is_amount = amount.parse::<f64>().is_ok_and(|amount| amount.is_finite() && amount >= 0.0);
                if is_amount {
                    Ok(DollarAmount(amount.into()))
                } else {
                    Err(E::custom(format!("{amount} is not an amount in dollars")))
                }
            }
        }
        deserializer.deserialize_any(DollarAmountVisitor)
    }
}
