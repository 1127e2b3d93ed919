//! What a request asks of providers, and which of it can be dropped when it leaves none.

use serde_json::{Value, json};

use super::{Ids, MessageId, Next, Settings, Timestamp, request::Context};
use crate::{
    api::{
        Error, Fact,
        request::{Provider, Wish},
    },
    config::{self, Cutoff, DataCollection, Partition},
};

/// The field as it is sent; `None` where nothing is wished.
pub(super) fn provider(wishes: &config::Provider) -> Option<Provider> {
    let provider = Provider {
        order: wishes.order.clone(),
        only: wishes.only.clone(),
        ignore: wishes.ignore.clone(),
        allow_fallbacks: wishes.allow_fallbacks,
        require_parameters: wishes.require_parameters,
        data_collection: wishes.data_collection.map(|data| match data {
            DataCollection::Allow => "allow".into(),
            DataCollection::Deny => "deny".into(),
        }),
        zdr: wishes.zdr,
        enforce_distillable_text: wishes.enforce_distillable_text,
        quantizations: wishes.quantizations.clone(),
        sort: sort(wishes),
        max_price: wishes.max_price.named().map(|(name, price)| (name.to_owned(), price.into())).collect(),
        preferred_max_latency: wishes.preferred_max_latency.as_ref().map(cutoff),
        preferred_min_throughput: wishes.preferred_min_throughput.as_ref().map(cutoff),
        options: wishes.options.iter().map(|(name, options)| (name.clone(), Value::Object(options.clone()))).collect(),
    };
    (provider != Provider::default()).then_some(provider)
}

fn sort(wishes: &config::Provider) -> Option<Value> {
    let partition = wishes.partition.map(|partition| match partition {
        Partition::Model => "model",
        Partition::None => "none",
    });
    match (&wishes.sort, partition) {
        (Some(by), Some(partition)) => Some(json!({ "by": by, "partition": partition })),
        (None, Some(partition)) => Some(json!({ "partition": partition })),
        (Some(by), None) => Some(by.as_str().into()),
        (None, None) => None,
    }
}

fn cutoff(cutoff: &Cutoff) -> Value {
    match cutoff {
        Cutoff::All(limit) => json!(limit),
        Cutoff::Of(limits) => json!(limits),
    }
}

impl Wish {
    const ALL: [Self; 6] = [
        Self::ZeroDataRetention,
        Self::NoTraining,
        Self::AllParameters,
        Self::Quantization,
        Self::Price,
        Self::TheseProviders,
    ];

    /// What is left out, behind "without".
    pub fn words(self) -> &'static str {
        match self {
            Self::ZeroDataRetention => "zero data retention",
            Self::NoTraining => "the wish for no data collection",
            Self::AllParameters => "the wish for all parameters",
            Self::Quantization => "the wish for a quantization",
            Self::Price => "the highest price",
            Self::TheseProviders => "the choice of providers",
        }
    }

    fn is_wished(self, wishes: &config::Provider) -> bool {
        match self {
            Self::ZeroDataRetention => wishes.zdr == Some(true),
            Self::NoTraining => wishes.data_collection == Some(DataCollection::Deny),
            Self::AllParameters => wishes.require_parameters == Some(true),
            Self::Quantization => !wishes.quantizations.is_empty(),
            Self::Price => wishes.max_price != config::MaxPrice::default(),
            Self::TheseProviders => {
                !wishes.only.is_empty() || !wishes.ignore.is_empty() || wishes.allow_fallbacks == Some(false)
            }
        }
    }

    pub(super) fn drop_from(self, wishes: &mut config::Provider) {
        match self {
            Self::ZeroDataRetention => wishes.zdr = None,
            Self::NoTraining => wishes.data_collection = None,
            Self::AllParameters => wishes.require_parameters = None,
            Self::Quantization => wishes.quantizations.clear(),
            Self::Price => wishes.max_price = config::MaxPrice::default(),
            Self::TheseProviders => {
                wishes.order.clear();
                wishes.only.clear();
                wishes.ignore.clear();
                wishes.allow_fallbacks = None;
            }
        }
    }

    /// The server gives it as a reason, by its own word (reference: 6.3) or in a sentence.
    fn is_named(self, error: &Error) -> bool {
        let excluded = |word: &str| {
            error.facts.iter().any(|fact| matches!(fact, Fact::ExcludedBy(by) if by.iter().any(|by| by == word)))
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

/// Notes in an error which wish of ours left no provider, if one did.
pub(super) fn note_relaxable(error: &mut Error, context: &Context) {
    let unavailable = matches!(error.status, Some(400 | 403 | 404 | 503)) && context.dialect.has_own_fields();
    let known = error.facts.iter().any(|fact| matches!(fact, Fact::Relaxable(_)));
    if !unavailable || known {
        return;
    }
    let guilty = Wish::ALL.into_iter().find(|wish| wish.is_wished(&context.provider) && wish.is_named(error));
    error.facts.extend(guilty.map(Fact::Relaxable));
}

impl super::Conversation {
    /// Asks once more, this time without a wish that left no provider.
    pub fn answer_again_without(&mut self, answer: MessageId, wish: Wish, ids: &mut Ids, now: Timestamp) -> Vec<Next> {
        let mut context = self.context.clone();
        wish.drop_from(&mut context.provider);
        let note = format!("asked without {}, this once", wish.words());
        let settings: Settings = self.settings.clone();
        self.again_as(answer, settings, context, vec![note], ids, now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::*;
    use super::*;
    use crate::{
        api::{Dialect, Fault},
        chat::{Choice, End, choices},
    };

    fn unavailable(facts: Vec<Fact>, message: &str) -> Error {
        Error { facts, status: Some(404), ..Error::new(Fault::Model, message) }
    }

    /// A conversation that wants zero data retention, and no training.
    fn private() -> Bench {
        let mut bench = Bench::new();
        bench.chat.context.provider =
            config::Provider { zdr: Some(true), data_collection: Some(DataCollection::Deny), ..Default::default() };
        bench
    }

    #[test]
    fn wishes_go_to_openrouter_and_to_nobody_else() {
        for (dialect, expected) in [
            (Dialect::OpenRouter, serde_json::json!({ "data_collection": "deny", "zdr": true })),
            (Dialect::OpenAi, serde_json::Value::Null),
            (Dialect::Other, serde_json::Value::Null),
        ] {
            let mut bench = private();
            bench.chat.context.dialect = dialect;
            let asked = bench.submit("Why?");
            let saved = bench.saved(&asked);
            let body = serde_json::to_value(asked_one(&saved).1).expect("JSON");
            assert_eq!(body["provider"], expected, "{dialect:?}");
        }
    }

    #[test]
    fn the_wish_that_left_no_provider_can_be_dropped_for_one_request() {
        let mut bench = private();
        let stream = bench.send("Why?");
        let by = Fact::ExcludedBy(vec!["data_policy:zdr".into()]);
        bench.end(stream, Err(unavailable(vec![by], "No provider")));
        let without = Choice::Relax(Wish::ZeroDataRetention);
        assert_eq!(choices(bench.answer(), None)[0], without);
        let refused = bench.newest();
        let again = asked(bench.chat.answer_again_without(refused, Wish::ZeroDataRetention, &mut bench.ids, bench.now));
        let saved = bench.saved(&again);
        let body = serde_json::to_value(asked_one(&saved).1).expect("JSON");
        assert_eq!(body["provider"], serde_json::json!({ "data_collection": "deny" }));
        assert_eq!(bench.answer().notes, ["asked without zero data retention, this once"]);
        assert_eq!(bench.chat.context.provider.zdr, Some(true), "the next prompt wants it again");
    }

    #[test]
    fn nothing_is_offered_that_we_did_not_wish_or_the_server_did_not_name() {
        for (message, facts) in [
            ("No endpoints found that support image input", Vec::new()),
            ("No provider", vec![Fact::ExcludedBy(vec!["max_price".into(), "geo".into()])]),
            ("No provider", vec![Fact::ExcludedBy(vec!["quantization".into()])]),
        ] {
            let mut bench = private();
            let stream = bench.send("Why?");
            bench.end(stream, Err(unavailable(facts, message)));
            assert!(
                !choices(bench.answer(), None).iter().any(|choice| matches!(choice, Choice::Relax(_))),
                "{message}"
            );
        }
        let mut told = private();
        let stream = told.send("Why?");
        told.end(stream, Err(unavailable(Vec::new(), "No endpoints found matching your data policy")));
        let End::Failed(error) = &told.answer().end else { panic!("it failed") };
        assert_eq!(error.facts, [Fact::Relaxable(Wish::ZeroDataRetention)]);
    }
}
