//! A branch of a conversation as an `api::Request`.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Conversation, Effort, Mend, Settings, Turn, replay, wishes};
use crate::{
    api::{
        Catalogue, Dialect, Request,
        models::{Efforts, Model},
        request::{Include, Reasoning, Summary, WebSearch},
    },
    config::{self, ContextSize, SearchForm},
};

/// What a request depends on beyond the conversation and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    pub dialect: Dialect,
    /// The models of the endpoint, as far as they are known.
    pub catalogue: Arc<Catalogue>,
    pub search: config::Search,
    /// The summary of its reasoning that a model is asked for.
    pub summary: config::Summary,
    /// `false` asks for the whole answer in one piece.
    pub stream: bool,
    /// How long a stream may say nothing until it is given up.
    pub patience: SignedDuration,
    /// Which providers may answer.
    pub provider: config::Provider,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            dialect: Dialect::OpenRouter,
            catalogue: Arc::default(),
            search: config::Search::default(),
            summary: config::Summary::default(),
            stream: true,
            patience: SignedDuration::from_mins(3),
            provider: config::Provider::default(),
        }
    }
}

impl Context {
    /// The row of a model in the catalogue, variants such as `:online` apart.
    pub fn model(&self, slug: &str) -> Option<&Model> {
        self.catalogue.find(slug)
    }

    fn efforts(&self, slug: &str) -> Option<&Efforts> {
        self.model(slug).and_then(|model| model.reasoning.as_ref())
    }
}

/// The body that asks for the present response of a turn: equal conversations give equal bytes.
pub(super) fn build(conversation: &Conversation, turn: &Turn) -> Request {
    let (settings, context) = (&turn.settings, &turn.context);
    let mut request = Request {
        model: settings.model.clone(),
        instructions: settings.instructions.clone().filter(|text| !text.trim().is_empty()),
        input: replay::input(conversation, turn),
        stream: context.stream,
        store: Some(false),
        include: vec![Include::EncryptedReasoning],
        reasoning: reasoning(turn),
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_output_tokens: settings.max_output_tokens,
        provider: wishes::provider(&context.provider),
        session_id: Some(conversation.id.to_string()),
        ..Request::default()
    };
    if turn.mended.contains(&Mend::Include) {
        request.include.clear();
    }
    if searches(settings) {
        add_search(&mut request, context);
    }
    request.fit(context.dialect);
    request
}

/// Whether a search tool goes along: `:online` searches by itself.
fn searches(settings: &Settings) -> bool {
    settings.web && !settings.searches_by_slug()
}

fn add_search(request: &mut Request, context: &Context) {
    let search = search_wishes(&context.search);
    match (context.dialect, context.search.form) {
        (Dialect::OpenRouter, SearchForm::Plugin) => request.plugins.push(search.plugin()),
        (Dialect::OpenRouter | Dialect::OpenAi | Dialect::Other, SearchForm::Tool | SearchForm::Plugin) => {
            request.tools.push(search.tool(context.dialect));
        }
    }
}

fn search_wishes(search: &config::Search) -> WebSearch {
    WebSearch {
        engine: search.engine.clone(),
        max_results: search.max_results,
        max_total_results: search.max_total_results,
        search_context_size: search.context_size.map(|size| words(size).into()),
        allowed_domains: search.allowed_domains.clone(),
        excluded_domains: search.excluded_domains.clone(),
        ..WebSearch::default()
    }
}

fn words(size: ContextSize) -> &'static str {
    match size {
        ContextSize::Low => "low",
        ContextSize::Medium => "medium",
        ContextSize::High => "high",
    }
}

/// `reasoning`, if an effort is set or the model is known to reason; never the wish of `none` to a model that must.
fn reasoning(turn: &Turn) -> Option<Reasoning> {
    let (settings, context) = (&turn.settings, &turn.context);
    let efforts = context.efforts(&settings.model);
    let mandatory = efforts.is_some_and(|efforts| efforts.mandatory) || turn.mended.contains(&Mend::Effort);
    let effort = match settings.effort {
        Some(Effort::None) if mandatory => efforts.and_then(lowest),
        effort => effort,
    };
    let thinks = effort.map_or(efforts.is_some(), |effort| effort != Effort::None);
    let reasoning = Reasoning { effort, summary: summary(context).filter(|_| thinks) };
    (reasoning != Reasoning::default()).then_some(reasoning)
}

fn lowest(efforts: &Efforts) -> Option<Effort> {
    efforts.offered.iter().copied().find(|effort| *effort != Effort::None)
}

/// Other servers get only what is safe everywhere.
fn summary(context: &Context) -> Option<Summary> {
    if !context.dialect.knows_store() {
        return None;
    }
    match context.summary {
        config::Summary::Auto => Some(Summary::Auto),
        config::Summary::Concise => Some(Summary::Concise),
        config::Summary::Detailed => Some(Summary::Detailed),
        config::Summary::None => None,
    }
}
