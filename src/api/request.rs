//! The body of `POST /responses`.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, value::RawValue};

use super::ApiDialect;

/// The body of a request. Fields that are `None` or empty are left out.
///
/// The order of the fields is stable, so that equal requests have equal bytes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The whole history, oldest first: made by the functions below, or items as a server sent them.
    pub input: Vec<Box<RawValue>>,
    pub stream: bool,
    /// Whether the server may store the answer. Only `false` has an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<IncludeField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningParams>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<RequestTool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Limits the calls of server-side tools. Ignored by the server if `stop_server_tools_when` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_server_tools_when: Vec<StopCondition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<RequestPlugin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextParams>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderParams>,
    /// The same id for all requests of a conversation keeps them on the provider that has its cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The same id for OpenAI, which takes it in a header.
    #[serde(skip)]
    pub session_header: Option<String>,
}

/// An additional field to include in the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum IncludeField {
    #[serde(rename = "reasoning.encrypted_content")]
    EncryptedReasoning,
}

/// How the model reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReasoningParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummaryDetail>,
}

/// How hard the model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

/// How detailed the summary of the reasoning is, if the model gives one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SummaryDetail {
    Auto,
    Concise,
    Detailed,
}

/// A tool that the model may use.
#[derive(Debug, Clone)]
pub enum RequestTool {
    /// A function that we run. `parameters` is a JSON Schema.
    Function { name: String, description: String, parameters: Box<RawValue>, strict: Option<bool> },
    /// A tool that OpenRouter runs. `name` is the part after `openrouter:`.
    OpenRouter { name: String, parameters: Map<String, Value> },
    /// The server's own web search, under OpenAI's name for it.
    WebSearch,
}

/// Settings for OpenRouter's web search. It chooses whatever is unset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebSearchParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_total_results: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_context_size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_characters: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_domains: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_location: Option<UserLocation>,
}

/// The approximate location of the user, for a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Whether the model must use a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    None,
    Required,
    Function(String),
}

/// A condition that stops OpenRouter's own tools. Any one of several is enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StopCondition {
    StepCountIs { step_count: u32 },
    MaxTokensUsed { max_tokens: u64 },
    MaxCost { max_cost_in_dollars: f64 },
}

/// A step that OpenRouter adds before or after the model, such as `web`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestPlugin {
    pub id: String,
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

/// The format of the answer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TextParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    Text,
    JsonObject,
    JsonSchema { name: String, strict: bool, schema: Box<RawValue> },
}

/// Which providers OpenRouter may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderParams {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_fallbacks: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_parameters: Option<bool>,
    /// `allow` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zdr: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_distillable_text: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantizations: Vec<String>,
    /// `price`, `throughput`, `latency` or `exacto`, or an object with that under `by` and a `partition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Value>,
    /// Dollars in their own digits, by the kind of price.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub max_price: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<Value>,
    /// Provider-specific options, by the provider's slug.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// One of our requirements, which can exclude every provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderRequirement {
    ZeroDataRetention,
    NoTraining,
    AllParameters,
    Quantization,
    /// `max_price`.
    Price,
    /// `order`, `only`, `ignore`, `allow_fallbacks`.
    TheseProviders,
}

/// The author of a message in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    System,
    Developer,
    User,
    Assistant,
}

impl Request {
    /// Removes the fields that a server of this dialect does not know or would refuse.
    pub fn restrict_to(&mut self, dialect: ApiDialect) {
        if !dialect.supports_store() {
            self.store = None;
            self.include.clear();
        }
        if !dialect.supports_openrouter_fields() {
            self.session_id = None;
            self.provider = None;
            self.plugins.clear();
            self.tools.retain(|tool| !matches!(tool, RequestTool::OpenRouter { .. }));
            self.max_tool_calls = None;
            self.stop_server_tools_when.clear();
        }
    }
}

/// Creates a message in the simple form, with its text as one string.
pub fn input_message(role: MessageRole, text: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct InputMessage<'a> {
        role: MessageRole,
        content: &'a str,
    }
    to_raw(&InputMessage { role, content: text })
}

/// Creates an answer in the simple form, with its phase (`commentary`, `final_answer`) if the server gave one.
pub fn assistant_message(text: &str, phase: Option<&str>) -> Box<RawValue> {
    #[derive(Serialize)]
    struct AssistantMessage<'a> {
        role: MessageRole,
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'a str>,
    }
    to_raw(&AssistantMessage { role: MessageRole::Assistant, content: text, phase })
}

/// Creates the output of a function call from parts, some of which are not text.
pub fn call_output_parts(call_id: &str, output: &[Value]) -> Box<RawValue> {
    #[derive(Serialize)]
    struct PartsOutput<'a> {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a [Value],
    }
    to_raw(&PartsOutput { r#type: "function_call_output", call_id, output })
}

/// Creates the output of a function call.
pub fn call_output(call_id: &str, output: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct TextOutput<'a> {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a str,
    }
    to_raw(&TextOutput { r#type: "function_call_output", call_id, output })
}

fn to_raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("strings always have a JSON form")
}

impl WebSearchParams {
    /// Returns the search tool of a dialect: OpenRouter's with these settings, or the plain one without settings.
    pub fn to_tool(&self, dialect: ApiDialect) -> RequestTool {
        if !dialect.supports_openrouter_fields() {
            return RequestTool::WebSearch;
        }
        RequestTool::OpenRouter { name: "web_search".into(), parameters: self.options() }
    }

    /// Returns OpenRouter's older plugin, which always searches once before the model answers.
    pub fn to_plugin(&self) -> RequestPlugin {
        let mut options = self.options();
        for (tool, plugin) in [("allowed_domains", "include_domains"), ("excluded_domains", "exclude_domains")] {
            if let Some(domains) = options.remove(tool) {
                options.insert(plugin.into(), domains);
            }
        }
        options.retain(|key, _| {
            ["engine", "max_results", "max_uses", "include_domains", "exclude_domains", "user_location"]
                .contains(&key.as_str())
        });
        RequestPlugin { id: "web".into(), options }
    }

    fn options(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut options)) = serde_json::to_value(self) else { return Map::new() };
        if let Some(Value::Object(location)) = options.get_mut("user_location") {
            location.shift_insert(0, "type".into(), "approximate".into());
        }
        options
    }
}

impl Effort {
    pub const ALL: [Self; 7] = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// Returns the name used on the wire, in the config and on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

impl Serialize for RequestTool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Function { name, description, parameters, strict } => {
                map.serialize_entry("type", "function")?;
                map.serialize_entry("name", name)?;
                map.serialize_entry("description", description)?;
                map.serialize_entry("parameters", parameters)?;
                if let Some(strict) = strict {
                    map.serialize_entry("strict", strict)?;
                }
            }
            Self::OpenRouter { name, parameters } => {
                map.serialize_entry("type", &format!("openrouter:{name}"))?;
                if !parameters.is_empty() {
                    map.serialize_entry("parameters", parameters)?;
                }
            }
            Self::WebSearch => map.serialize_entry("type", "web_search")?,
        }
        map.end()
    }
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::Required => serializer.serialize_str("required"),
            Self::Function(name) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("type", "function")?;
                map.serialize_entry("name", name)?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("it has a JSON form")
    }

    fn full_request() -> Request {
        let search = WebSearchParams { engine: Some("exa".into()), max_results: Some(5), ..WebSearchParams::default() };
        Request {
            model: "m".into(),
            input: vec![input_message(MessageRole::User, "Grüße\n\"x\"")],
            stream: true,
            store: Some(false),
            include: vec![IncludeField::EncryptedReasoning],
            reasoning: Some(ReasoningParams { effort: Some(Effort::High), summary: Some(SummaryDetail::Auto) }),
            tools: vec![search.to_tool(ApiDialect::OpenRouter), RequestTool::WebSearch],
            tool_choice: Some(ToolChoice::Auto),
            plugins: vec![search.to_plugin()],
            temperature: Some(0.7),
            provider: Some(ProviderParams { zdr: Some(true), ..ProviderParams::default() }),
            session_id: Some("conv-1".into()),
            ..Request::default()
        }
    }

    #[test]
    fn a_minimal_body_has_only_the_required_fields() {
        let request =
            Request { model: "m".into(), input: vec![input_message(MessageRole::User, "Hi")], ..Request::default() };
        assert_eq!(json(&request), r#"{"model":"m","input":[{"role":"user","content":"Hi"}],"stream":false}"#);
    }

    #[test]
    fn a_full_body_has_its_fields_in_a_fixed_order() {
        insta::assert_snapshot!(json(&full_request()), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"openrouter:web_search","parameters":{"engine":"exa","max_results":5}},{"type":"web_search"}],"tool_choice":"auto","plugins":[{"id":"web","engine":"exa","max_results":5}],"temperature":0.7,"provider":{"zdr":true},"session_id":"conv-1"}"##);
    }

    #[test]
    fn other_servers_get_only_fields_they_know() {
        let (mut openai, mut other) = (full_request(), full_request());
        openai.restrict_to(ApiDialect::OpenAi);
        insta::assert_snapshot!(json(&openai), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"web_search"}],"tool_choice":"auto","temperature":0.7}"##);
        other.restrict_to(ApiDialect::Other);
        insta::assert_snapshot!(json(&other), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"web_search"}],"tool_choice":"auto","temperature":0.7}"##);
    }

    #[test]
    fn a_search_takes_the_form_of_each_server() {
        let location = UserLocation { country: Some("CH".into()), ..UserLocation::default() };
        let domains = vec!["example.org".into()];
        let search = WebSearchParams {
            allowed_domains: domains,
            user_location: Some(location),
            max_characters: Some(9),
            ..WebSearchParams::default()
        };
        assert_eq!(
            json(&search.to_tool(ApiDialect::OpenRouter)),
            r#"{"type":"openrouter:web_search","parameters":{"max_characters":9,"allowed_domains":["example.org"],"user_location":{"type":"approximate","country":"CH"}}}"#
        );
        assert_eq!(
            json(&WebSearchParams::default().to_tool(ApiDialect::OpenRouter)),
            r#"{"type":"openrouter:web_search"}"#
        );
        assert_eq!(json(&search.to_tool(ApiDialect::OpenAi)), r#"{"type":"web_search"}"#);
        assert_eq!(
            json(&search.to_plugin()),
            r#"{"id":"web","user_location":{"type":"approximate","country":"CH"},"include_domains":["example.org"]}"#
        );
    }

    #[test]
    fn functions_and_choices_have_the_flat_form_of_responses() {
        let parameters = RawValue::from_string(r#"{"type":"object","properties":{}}"#.into()).expect("JSON");
        let tool = RequestTool::Function { name: "f".into(), description: "d".into(), parameters, strict: Some(true) };
        assert_eq!(
            json(&tool),
            r#"{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}"#
        );
        assert_eq!(json(&ToolChoice::Function("f".into())), r#"{"type":"function","name":"f"}"#);
        assert_eq!(
            json(&call_output("call_1", "{}")),
            r#"{"type":"function_call_output","call_id":"call_1","output":"{}"}"#
        );
        assert_eq!(
            json(&assistant_message("Hi", Some("final_answer"))),
            r#"{"role":"assistant","content":"Hi","phase":"final_answer"}"#
        );
        let schema = RawValue::from_string("{}".into()).expect("JSON");
        let text = TextParams {
            format: Some(TextFormat::JsonSchema { name: "answer".into(), strict: true, schema }),
            verbosity: None,
        };
        assert_eq!(json(&text), r#"{"format":{"type":"json_schema","name":"answer","strict":true,"schema":{}}}"#);
    }

    #[test]
    fn every_effort_is_found_by_its_name() {
        for effort in Effort::ALL {
            assert_eq!(Effort::from_name(effort.name()), Some(effort));
            assert_eq!(json(&effort), format!("{:?}", effort.name()));
        }
        assert_eq!(Effort::from_name("huge"), None);
    }
}
