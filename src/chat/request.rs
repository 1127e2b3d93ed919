//! A branch of a conversation as an `api::Request`.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Map;

use super::{Conversation, Effort, Mend, Settings, Timestamp, Turn, call::Senses, replay, wishes};
use crate::{
    api::{
        Catalogue, Dialect, Request,
        models::{Efforts, Model},
        request::{self, Include, Reasoning, StopWhen, Summary, ToolChoice, WebSearch},
    },
    config::{self, ContextSize, SearchForm},
    tools::{Choice, Tool, Toolbox, schema},
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
    /// The tools of all servers, whether this conversation has them on or not.
    pub tools: Arc<Toolbox>,
    /// Servers whose tools are not there yet.
    pub coming: Option<Coming>,
    /// How far the tools of the endpoint itself may go.
    pub hosted: config::Hosted,
}

/// Servers of tools that are on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    pub servers: Vec<String>,
    /// A request waits for them until then, and goes without them.
    pub until: Timestamp,
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
            tools: Arc::default(),
            coming: None,
            hosted: config::Hosted::default(),
        }
    }
}

impl Context {
    /// The row of a model in the catalogue, variants such as `:online` apart.
    pub fn model(&self, slug: &str) -> Option<&Model> {
        self.catalogue.model(slug)
    }

    /// What a model can read besides text.
    pub fn senses(&self, slug: &str) -> Senses {
        let model = self.model(slug);
        Senses { images: model.is_some_and(|model| model.images), files: model.is_some_and(|model| model.files) }
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
    add_tools(&mut request, turn);
    if searches(settings) {
        add_search(&mut request, context);
    }
    bound_hosted(&mut request, context);
    request.fit(context.dialect);
    choose(&mut request, turn);
    request
}

/// The functions that we run, then what the endpoint runs, each in the order of their names. They are the same in every
/// request of a conversation, and so are the bytes that a cache knows.
fn add_tools(request: &mut Request, turn: &Turn) {
    let (chosen, context) = (&turn.settings.tools, &turn.context);
    let takes_tools = context.model(&turn.settings.model).is_none_or(|model| model.tools);
    let offered = context.tools.tools().filter(|(_, tool)| takes_tools && chosen.is_on(&tool.id));
    request.tools = offered.map(|(wire, tool)| function(wire, tool)).collect();
    let hosted = chosen.hosted.iter().filter(|_| takes_tools);
    request.tools.extend(hosted.map(|name| request::Tool::OpenRouter { name: name.clone(), parameters: Map::new() }));
}

/// Whether the model may use what is offered, or must, and how many calls at a time.
fn choose(request: &mut Request, turn: &Turn) {
    let (chosen, toolbox) = (&turn.settings.tools, &turn.context.tools);
    let functions: Vec<&str> = request.tools.iter().filter_map(function_name).collect();
    let choice = match &chosen.choice {
        _ if request.tools.is_empty() => None,
        Choice::Auto => None,
        Choice::None => Some(ToolChoice::None),
        // A forced call is made once: with its result the model may say something.
        Choice::Required | Choice::One(_) if turn.step > 0 => None,
        Choice::Required => Some(ToolChoice::Required),
        Choice::One(id) => {
            let offered = toolbox.wire(id).filter(|name| functions.contains(name));
            offered.map(|name| ToolChoice::Function(name.into()))
        }
    };
    let parallel = (chosen.one_by_one && !functions.is_empty()).then_some(false);
    (request.tool_choice, request.parallel_tool_calls) = (choice, parallel);
}

fn function_name(tool: &request::Tool) -> Option<&str> {
    match tool {
        request::Tool::Function { name, .. } => Some(name),
        request::Tool::OpenRouter { .. } | request::Tool::WebSearch => None,
    }
}

fn function(wire: &str, tool: &Tool) -> request::Tool {
    let schema = schema::sent(&tool.parameters, tool.strict);
    let title = tool.title.clone().unwrap_or_default();
    request::Tool::Function {
        name: wire.into(),
        description: if tool.description.is_empty() { title } else { tool.description.clone() },
        parameters: serde_json::value::to_raw_value(&schema.parameters).expect("JSON stays JSON"),
        strict: tool.strict.then_some(schema.strict),
    }
}

/// How far the endpoint's own tools may go: by conditions, else by their number.
fn bound_hosted(request: &mut Request, context: &Context) {
    if !request.tools.iter().any(|tool| matches!(tool, request::Tool::OpenRouter { .. })) {
        return;
    }
    let config::Hosted { max_calls, stop_after_steps, stop_after_tokens, stop_after_cost, .. } = context.hosted;
    request.stop_server_tools_when = [
        stop_after_steps.map(|step_count| StopWhen::StepCountIs { step_count }),
        stop_after_tokens.map(|max_tokens| StopWhen::MaxTokensUsed { max_tokens }),
        stop_after_cost.map(|max_cost_in_dollars| StopWhen::MaxCost { max_cost_in_dollars }),
    ]
    .into_iter()
    .flatten()
    .collect();
    request.max_tool_calls = max_calls.filter(|_| request.stop_server_tools_when.is_empty());
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
