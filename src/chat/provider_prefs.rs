//! The provider preferences of a request, and which of them can be dropped if they exclude every provider.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::{Map, Value, json};

use super::{ChatEffect, ChatSettings, IdGenerator, MessageId, Timestamp, request::RequestContext};
use crate::api::{
    ApiError, ErrorFact,
    request::{ProviderParams, ProviderRequirement},
};

/// Which providers may answer; settings left out are up to OpenRouter.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ProviderPrefs {
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

/// The `provider` field of a request; `None` if no preference is set.
pub(super) fn provider_field(prefs: &ProviderPrefs) -> Option<ProviderParams> {
    let provider = ProviderParams {
        order: prefs.order.clone(),
        only: prefs.only.clone(),
        ignore: prefs.ignore.clone(),
        allow_fallbacks: prefs.allow_fallbacks,
        require_parameters: prefs.require_parameters,
        data_collection: prefs.data_collection.map(|data| match data {
            DataCollection::Allow => "allow".into(),
            DataCollection::Deny => "deny".into(),
        }),
        zdr: prefs.zdr,
        enforce_distillable_text: prefs.enforce_distillable_text,
        quantizations: prefs.quantizations.clone(),
        sort: sort_field(prefs),
        max_price: prefs.max_price.set_prices().map(|(name, price)| (name.to_owned(), price.into())).collect(),
        preferred_max_latency: prefs.preferred_max_latency.as_ref().map(cutoff_field),
        preferred_min_throughput: prefs.preferred_min_throughput.as_ref().map(cutoff_field),
        options: prefs.options.iter().map(|(name, options)| (name.clone(), Value::Object(options.clone()))).collect(),
    };
    (provider != ProviderParams::default()).then_some(provider)
}

fn sort_field(prefs: &ProviderPrefs) -> Option<Value> {
    let partition = prefs.partition.map(|partition| match partition {
        SortPartition::Model => "model",
        SortPartition::None => "none",
    });
    match (&prefs.sort, partition) {
        (Some(by), Some(partition)) => Some(json!({ "by": by, "partition": partition })),
        (None, Some(partition)) => Some(json!({ "partition": partition })),
        (Some(by), None) => Some(by.as_str().into()),
        (None, None) => None,
    }
}

fn cutoff_field(cutoff: &PerformanceCutoff) -> Value {
    match cutoff {
        PerformanceCutoff::All(limit) => json!(limit),
        PerformanceCutoff::Of(limits) => json!(limits),
    }
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

impl ProviderRequirement {
    const ALL: [Self; 6] = [
        Self::ZeroDataRetention,
        Self::NoTraining,
        Self::AllParameters,
        Self::Quantization,
        Self::Price,
        Self::TheseProviders,
    ];

    /// The label of the preference, worded to follow "without".
    pub fn label(self) -> &'static str {
        match self {
            Self::ZeroDataRetention => "zero data retention",
            Self::NoTraining => "the ban on data collection",
            Self::AllParameters => "the requirement for all parameters",
            Self::Quantization => "the choice of quantizations",
            Self::Price => "the price limit",
            Self::TheseProviders => "the choice of providers",
        }
    }

    fn is_set(self, prefs: &ProviderPrefs) -> bool {
        match self {
            Self::ZeroDataRetention => prefs.zdr == Some(true),
            Self::NoTraining => prefs.data_collection == Some(DataCollection::Deny),
            Self::AllParameters => prefs.require_parameters == Some(true),
            Self::Quantization => !prefs.quantizations.is_empty(),
            Self::Price => prefs.max_price != MaxPrices::default(),
            Self::TheseProviders => {
                !prefs.only.is_empty() || !prefs.ignore.is_empty() || prefs.allow_fallbacks == Some(false)
            }
        }
    }

    pub(super) fn clear_in(self, prefs: &mut ProviderPrefs) {
        match self {
            Self::ZeroDataRetention => prefs.zdr = None,
            Self::NoTraining => prefs.data_collection = None,
            Self::AllParameters => prefs.require_parameters = None,
            Self::Quantization => prefs.quantizations.clear(),
            Self::Price => prefs.max_price = MaxPrices::default(),
            Self::TheseProviders => {
                prefs.order.clear();
                prefs.only.clear();
                prefs.ignore.clear();
                prefs.allow_fallbacks = None;
            }
        }
    }

    /// Whether the server names it as the reason, by a code (reference: 6.3) or in its message.
    fn is_named_by(self, error: &ApiError) -> bool {
        let excluded = |word: &str| {
            error.facts.iter().any(|fact| matches!(fact, ErrorFact::ExcludedBy(by) if by.iter().any(|by| by == word)))
        };
        let message = error.message.to_lowercase();
        let says = |words: &str| message.contains(words);
        match self {
            Self::ZeroDataRetention => {
                excluded("data_policy:zdr") || says("zdr") || says("zero data retention") || says("data policy")
            }
            Self::NoTraining => excluded("data_policy:training") || says("data policy") || says("data collection"),
            Self::AllParameters => excluded("require_parameters") || says("requested parameters"),
            Self::Quantization => excluded("quantization") || says("quantization"),
            Self::Price => excluded("max_price") || says("max_price") || says("max price"),
            Self::TheseProviders => excluded("allowed_providers") || says("allowed providers") || says("ignored"),
        }
    }
}

/// Adds to an error which of our preferences excluded every provider, if one did.
pub(super) fn note_relaxable(error: &mut ApiError, context: &RequestContext) {
    let is_unavailable =
        matches!(error.status, Some(400 | 403 | 404 | 503)) && context.dialect.supports_openrouter_fields();
    let is_noted = error.facts.iter().any(|fact| matches!(fact, ErrorFact::Relaxable(_)));
    if !is_unavailable || is_noted {
        return;
    }
    let culprit =
        ProviderRequirement::ALL.into_iter().find(|wish| wish.is_set(&context.provider) && wish.is_named_by(error));
    error.facts.extend(culprit.map(ErrorFact::Relaxable));
}

impl super::Conversation {
    /// Asks again, once without a preference that excluded every provider.
    pub fn answer_again_without(
        &mut self,
        answer: MessageId,
        pref: ProviderRequirement,
        ids: &mut IdGenerator,
        now: Timestamp,
    ) -> Vec<ChatEffect> {
        let mut context = self.context.clone();
        pref.clear_in(&mut context.provider);
        let note = format!("sent without {}, this once", pref.label());
        let settings: ChatSettings = self.settings.clone();
        self.ask_again_with(answer, settings, context, vec![note], ids, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::test_support::*;
    use crate::{
        api::{ApiDialect, FaultKind},
        chat::{AnswerEnd, CardChoice, choices::card_choices},
    };

    fn unavailable_error(facts: Vec<ErrorFact>, message: &str) -> ApiError {
        ApiError { facts, status: Some(404), ..ApiError::new(FaultKind::Model, message) }
    }

    /// A conversation that requires zero data retention and no training.
    fn private_chat() -> TestChat {
        let mut bench = TestChat::new();
        bench.chat.context.provider =
            ProviderPrefs { zdr: Some(true), data_collection: Some(DataCollection::Deny), ..Default::default() };
        bench
    }

    #[test]
    fn preferences_are_sent_only_to_openrouter() {
        for (dialect, expected) in [
            (ApiDialect::OpenRouter, serde_json::json!({ "data_collection": "deny", "zdr": true })),
            (ApiDialect::OpenAi, serde_json::Value::Null),
            (ApiDialect::Other, serde_json::Value::Null),
        ] {
            let mut bench = private_chat();
            bench.chat.context.dialect = dialect;
            let asked = bench.submit("Why?");
            let saved = bench.confirm_saved(&asked);
            let body = serde_json::to_value(only_request(&saved).1).expect("JSON");
            assert_eq!(body["provider"], expected, "{dialect:?}");
        }
    }

    #[test]
    fn a_preference_that_excluded_every_provider_can_be_dropped_once() {
        let mut bench = private_chat();
        let stream = bench.send("Why?");
        let by = ErrorFact::ExcludedBy(vec!["data_policy:zdr".into()]);
        bench.end(stream, Err(unavailable_error(vec![by], "No provider")));
        let without = CardChoice::Relax(ProviderRequirement::ZeroDataRetention);
        assert_eq!(card_choices(bench.answer(), None)[0], without);
        let refused = bench.newest();
        let again = collect_effects(bench.chat.answer_again_without(
            refused,
            ProviderRequirement::ZeroDataRetention,
            &mut bench.ids,
            bench.now,
        ));
        let saved = bench.confirm_saved(&again);
        let body = serde_json::to_value(only_request(&saved).1).expect("JSON");
        assert_eq!(body["provider"], serde_json::json!({ "data_collection": "deny" }));
        assert_eq!(bench.answer().notes, ["sent without zero data retention, this once"]);
        assert_eq!(bench.chat.context.provider.zdr, Some(true), "the next prompt requires it again");
    }

    #[test]
    fn only_preferences_that_are_set_and_named_by_the_server_can_be_dropped() {
        for (message, facts) in [
            ("No endpoints found that support image input", Vec::new()),
            ("No provider", vec![ErrorFact::ExcludedBy(vec!["max_price".into(), "geo".into()])]),
            ("No provider", vec![ErrorFact::ExcludedBy(vec!["quantization".into()])]),
        ] {
            let mut bench = private_chat();
            let stream = bench.send("Why?");
            bench.end(stream, Err(unavailable_error(facts, message)));
            assert!(
                !card_choices(bench.answer(), None).iter().any(|choice| matches!(choice, CardChoice::Relax(_))),
                "{message}"
            );
        }
        let mut bench = private_chat();
        let stream = bench.send("Why?");
        bench.end(stream, Err(unavailable_error(Vec::new(), "No endpoints found matching your data policy")));
        let AnswerEnd::Failed(error) = &bench.answer().end else { panic!("it failed") };
        assert_eq!(error.facts, [ErrorFact::Relaxable(ProviderRequirement::ZeroDataRetention)]);
    }
}
