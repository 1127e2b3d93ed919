//! Builds an `api::Request` from a branch of a conversation.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Map;

use super::{
    ChatSettings, Conversation, Effort, RequestFix, Timestamp, Turn,
    provider_prefs::{self, ProviderPrefs},
    replay,
    request_options::{ContextSize, HostedToolOptions, ReasoningSummary, SearchForm, SearchOptions},
    tool_call::InputModalities,
};
use crate::{
    api::{
        ApiDialect, Catalogue, Request,
        catalogue::{Model, ReasoningEfforts},
        request::{
            self, IncludeField, MessageRole, ReasoningParams, StopCondition, SummaryDetail, TextParams, ToolChoice,
            WebSearchParams,
        },
    },
    tools::{ToolDefinition, ToolMode, Toolbox, schema},
};

/// What a request depends on beyond the conversation and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestContext {
    pub dialect: ApiDialect,
    /// The known models of the endpoint.
    pub catalogue: Arc<Catalogue>,
    pub search: SearchOptions,
    /// The kind of reasoning summary to request.
    pub summary: ReasoningSummary,
    /// `false` requests the complete answer in one response.
    pub stream: bool,
    /// How long a stream may be silent before it is closed.
    pub idle_timeout: SignedDuration,
    /// Which providers may answer.
    pub provider: ProviderPrefs,
    /// The tools of all servers, whether or not this conversation has them on.
    pub tools: Arc<Toolbox>,
    /// MCP servers whose tools are not available yet.
    pub starting_servers: Option<StartingServers>,
    /// The limits for the endpoint's own tools.
    pub hosted: HostedToolOptions,
}

/// MCP servers that are still starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartingServers {
    pub servers: Vec<String>,
    /// When a request stops waiting for them and is sent without their tools.
    pub deadline: Timestamp,
    /// The programs among them that download what they run.
    pub downloaders: Vec<&'static str>,
}

impl StartingServers {
    /// What is said of a request that was sent without their tools.
    pub fn note(&self) -> String {
        let more = match &self.downloaders[..] {
            [] => String::new(),
            programs => format!(" ({} may be downloading)", programs.join(", ")),
        };
        format!("sent without the tools of {}: still starting{more}", self.servers.join(", "))
    }
}

impl Default for RequestContext {
    fn default() -> Self {
        Self {
            dialect: ApiDialect::OpenRouter,
            catalogue: Arc::default(),
            search: SearchOptions::default(),
            summary: ReasoningSummary::default(),
            stream: true,
            idle_timeout: SignedDuration::from_mins(3),
            provider: ProviderPrefs::default(),
            tools: Arc::default(),
            starting_servers: None,
            hosted: HostedToolOptions::default(),
        }
    }
}

impl RequestContext {
    /// The model's entry in the catalogue, ignoring variants such as `:online`.
    pub fn model(&self, slug: &str) -> Option<&Model> {
        self.catalogue.model(slug)
    }

    /// The kinds of input besides text that a model can read.
    pub fn modalities(&self, slug: &str) -> InputModalities {
        let model = self.model(slug);
        InputModalities {
            images: model.is_some_and(|model| model.supports_images),
            files: model.is_some_and(|model| model.supports_files),
        }
    }

    /// The effort that a request asks for: the chosen one, unless the model is known not to have it.
    pub fn effort(&self, settings: &ChatSettings) -> Option<Effort> {
        let chosen = settings.effort?;
        self.model(&settings.model).map_or(Some(chosen), |model| model.effort_for(chosen))
    }

    /// A request that belongs to no conversation. The same providers may answer it, and it uses no tools.
    pub fn side_request(&self, model: &str, instructions: &str, input: &str, text: Option<TextParams>) -> Request {
        let mut request = Request {
            model: model.to_owned(),
            instructions: Some(instructions.to_owned()),
            input: vec![request::input_message(MessageRole::User, input)],
            stream: self.stream,
            store: Some(false),
            text,
            provider: provider_prefs::provider_field(&self.provider),
            ..Request::default()
        };
        request.restrict_to(self.dialect);
        request
    }

    fn efforts(&self, slug: &str) -> Option<&ReasoningEfforts> {
        self.model(slug).and_then(|model| model.reasoning.as_ref())
    }
}

/// Builds the request for the current response of a turn; equal conversations give equal bytes.
pub(super) fn build_request(conversation: &Conversation, turn: &Turn) -> Request {
    let (settings, context) = (&turn.settings, &turn.context);
    let mut request = Request {
        model: settings.model.clone(),
        instructions: settings.instructions.clone().filter(|text| !text.trim().is_empty()),
        input: replay::input(conversation, turn),
        stream: context.stream,
        store: Some(false),
        include: vec![IncludeField::EncryptedReasoning],
        reasoning: reasoning_field(turn),
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_output_tokens: settings.max_output_tokens,
        provider: provider_prefs::provider_field(&context.provider),
        session_id: Some(conversation.id.to_string()),
        session_header: Some(conversation.id.to_string()),
        ..Request::default()
    };
    if turn.fixes.contains(&RequestFix::DropInclude) {
        request.include.clear();
    }
    add_tools(&mut request, turn);
    if needs_search_tool(settings) {
        add_search(&mut request, context);
    }
    limit_hosted_tools(&mut request, context);
    request.restrict_to(context.dialect);
    set_tool_choice(&mut request, turn);
    request
}

/// Adds the functions that ibid runs, then the tools that the endpoint runs, each sorted by name. They are the same in
/// every request of a conversation, so that prompt caches stay valid.
fn add_tools(request: &mut Request, turn: &Turn) {
    let (chosen, context) = (&turn.settings.tools, &turn.context);
    let supports_tools = context.model(&turn.settings.model).is_none_or(|model| model.supports_tools);
    let offered = context.tools.tools().filter(|(_, tool)| supports_tools && chosen.is_on(&tool.id));
    request.tools = offered.map(|(wire, tool)| function_tool(wire, tool)).collect();
    let hosted = chosen.hosted.iter().filter(|_| supports_tools);
    request
        .tools
        .extend(hosted.map(|name| request::RequestTool::OpenRouter { name: name.clone(), parameters: Map::new() }));
}

/// Sets whether the model may or must call tools, and whether in parallel.
fn set_tool_choice(request: &mut Request, turn: &Turn) {
    let (chosen, toolbox) = (&turn.settings.tools, &turn.context.tools);
    let functions: Vec<&str> = request.tools.iter().filter_map(function_name).collect();
    let choice = match &chosen.choice {
        _ if request.tools.is_empty() => None,
        ToolMode::Auto => None,
        ToolMode::None => Some(ToolChoice::None),
        // A call is forced only once; after its result the model may answer.
        ToolMode::Required | ToolMode::One(_) if turn.step > 0 => None,
        ToolMode::Required => Some(ToolChoice::Required),
        ToolMode::One(id) => {
            let offered = toolbox.wire_name(id).filter(|name| functions.contains(name));
            offered.map(|name| ToolChoice::Function(name.into()))
        }
    };
    let parallel = (chosen.one_by_one && !functions.is_empty()).then_some(false);
    (request.tool_choice, request.parallel_tool_calls) = (choice, parallel);
}

fn function_name(tool: &request::RequestTool) -> Option<&str> {
    match tool {
        request::RequestTool::Function { name, .. } => Some(name),
        request::RequestTool::OpenRouter { .. } | request::RequestTool::WebSearch => None,
    }
}

fn function_tool(wire: &str, tool: &ToolDefinition) -> request::RequestTool {
    let schema = schema::to_wire(&tool.parameters, tool.strict);
    let title = tool.title.clone().unwrap_or_default();
    request::RequestTool::Function {
        name: wire.into(),
        description: if tool.description.is_empty() { title } else { tool.description.clone() },
        parameters: serde_json::value::to_raw_value(&schema.parameters).expect("JSON stays JSON"),
        strict: tool.strict.then_some(schema.strict),
    }
}

/// Limits the endpoint's own tools: by conditions, or else by the number of calls.
fn limit_hosted_tools(request: &mut Request, context: &RequestContext) {
    if !request.tools.iter().any(|tool| matches!(tool, request::RequestTool::OpenRouter { .. })) {
        return;
    }
    let HostedToolOptions { max_calls, stop_after_steps, stop_after_tokens, stop_after_cost, .. } = context.hosted;
    request.stop_server_tools_when = [
        stop_after_steps.map(|step_count| StopCondition::StepCountIs { step_count }),
        stop_after_tokens.map(|max_tokens| StopCondition::MaxTokensUsed { max_tokens }),
        stop_after_cost.map(|max_cost_in_dollars| StopCondition::MaxCost { max_cost_in_dollars }),
    ]
    .into_iter()
    .flatten()
    .collect();
    request.max_tool_calls = max_calls.filter(|_| request.stop_server_tools_when.is_empty());
}

/// Whether the request needs a search tool; a `:online` slug searches without one.
fn needs_search_tool(settings: &ChatSettings) -> bool {
    settings.web && !settings.has_online_slug()
}

fn add_search(request: &mut Request, context: &RequestContext) {
    let search = search_params(&context.search);
    match (context.dialect, context.search.form) {
        (ApiDialect::OpenRouter, SearchForm::Plugin) => request.plugins.push(search.to_plugin()),
        (ApiDialect::OpenRouter | ApiDialect::OpenAi | ApiDialect::Other, SearchForm::Tool | SearchForm::Plugin) => {
            request.tools.push(search.to_tool(context.dialect));
        }
    }
}

fn search_params(search: &SearchOptions) -> WebSearchParams {
    WebSearchParams {
        engine: search.engine.clone(),
        max_results: search.max_results,
        max_total_results: search.max_total_results,
        search_context_size: search.context_size.map(|size| context_size_name(size).into()),
        allowed_domains: search.allowed_domains.clone(),
        excluded_domains: search.excluded_domains.clone(),
        ..WebSearchParams::default()
    }
}

fn context_size_name(size: ContextSize) -> &'static str {
    match size {
        ContextSize::Low => "low",
        ContextSize::Medium => "medium",
        ContextSize::High => "high",
    }
}

/// The `reasoning` field, if an effort is set or the model is known to reason; never an effort that the model does not have.
fn reasoning_field(turn: &Turn) -> Option<ReasoningParams> {
    let (settings, context) = (&turn.settings, &turn.context);
    let efforts = context.efforts(&settings.model);
    let effort = match context.effort(settings) {
        Some(Effort::None) if turn.fixes.contains(&RequestFix::DropEffort) => {
            efforts.and_then(ReasoningEfforts::lowest)
        }
        effort => effort,
    };
    let is_reasoning = effort.map_or(efforts.is_some(), |effort| effort != Effort::None);
    let reasoning = ReasoningParams { effort, summary: summary_field(context).filter(|_| is_reasoning) };
    (reasoning != ReasoningParams::default()).then_some(reasoning)
}

/// The summary to request; other servers get only fields that are safe everywhere.
fn summary_field(context: &RequestContext) -> Option<SummaryDetail> {
    if !context.dialect.supports_store() {
        return None;
    }
    match context.summary {
        ReasoningSummary::Auto => Some(SummaryDetail::Auto),
        ReasoningSummary::Concise => Some(SummaryDetail::Concise),
        ReasoningSummary::Detailed => Some(SummaryDetail::Detailed),
        ReasoningSummary::None => None,
    }
}
