//! What we ask: the body of `POST /responses`.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, value::RawValue};

use super::Dialect;

/// The body as it is sent; what is `None` or empty is left out. The order of the fields is stable, so that equal
/// questions are equal bytes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The whole history, oldest first: see `message`, `assistant` and `call_output`, and items as a server sent them.
    pub input: Vec<Box<RawValue>>,
    pub stream: bool,
    /// Only `false` means anything: it asks a server that would keep the answer not to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Include>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Bounds the tools that the server runs. It is not looked at beside `stop_server_tools_when`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_server_tools_when: Vec<StopWhen>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Plugin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The same for all requests of a conversation: it keeps them on the provider that has its cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// What is to come in addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Include {
    #[serde(rename = "reasoning.encrypted_content")]
    EncryptedReasoning,
}

/// How to think.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// How hard the model thinks, from not at all to as hard as it can.
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

/// How much is told of the thinking, where a model tells a summary of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    Auto,
    Concise,
    Detailed,
}

/// Something that the model may use.
#[derive(Debug, Clone)]
pub enum Tool {
    /// We run it. `parameters` is a JSON Schema.
    Function { name: String, description: String, parameters: Box<RawValue>, strict: Option<bool> },
    /// OpenRouter runs it: `name` is what follows `openrouter:`.
    OpenRouter { name: String, parameters: Map<String, Value> },
    /// The server's own web search, by the name that OpenAI gave it.
    WebSearch,
}

/// How OpenRouter is to search; what is unset is left to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebSearch {
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
    pub user_location: Option<Location>,
}

/// Roughly where the reader is, for a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
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

/// When OpenRouter's own tools have done enough; any one of several.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StopWhen {
    StepCountIs { step_count: u32 },
    MaxTokensUsed { max_tokens: u64 },
    MaxCost { max_cost_in_dollars: f64 },
}

/// Something that OpenRouter does before or after the model, such as `web`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plugin {
    pub id: String,
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

/// The form of the answer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Format {
    Text,
    JsonObject,
    JsonSchema { name: String, strict: bool, schema: Box<RawValue> },
}

/// Which providers OpenRouter may ask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provider {
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
    /// Dollars in their own digits, by what they are for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub max_price: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<Value>,
    /// By the slug of a provider.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// A wish of ours that can leave no provider for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    ZeroDataRetention,
    NoTraining,
    AllParameters,
    Quantization,
    /// `max_price`
    Price,
    /// `order`, `only`, `ignore`, `allow_fallbacks`.
    TheseProviders,
}

/// Who speaks in a message of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
}

impl Request {
    /// Leaves out what a server of that dialect does not know or would refuse.
    pub fn fit(&mut self, dialect: Dialect) {
        if !dialect.knows_store() {
            self.store = None;
            self.include.clear();
        }
        if !dialect.has_own_fields() {
            self.session_id = None;
            self.provider = None;
            self.plugins.clear();
            self.tools.retain(|tool| !matches!(tool, Tool::OpenRouter { .. }));
            self.max_tool_calls = None;
            self.stop_server_tools_when.clear();
        }
    }
}

/// A message in the easy form, its text as one string.
pub fn message(role: Role, text: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Message<'a> {
        role: Role,
        content: &'a str,
    }
    raw(&Message { role, content: text })
}

/// An answer in the easy form, with its phase (`commentary`, `final_answer`) where the server told one.
pub fn assistant(text: &str, phase: Option<&str>) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Message<'a> {
        role: Role,
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'a str>,
    }
    raw(&Message { role: Role::Assistant, content: text, phase })
}

/// What a function call came to, in parts some of which are no text.
pub fn call_output_of_parts(call_id: &str, output: &[Value]) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Outcome<'a> {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a [Value],
    }
    raw(&Outcome { r#type: "function_call_output", call_id, output })
}

/// What a function call came to.
pub fn call_output(call_id: &str, output: &str) -> Box<RawValue> {
    #[derive(Serialize)]
    struct Outcome<'a> {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a str,
    }
    raw(&Outcome { r#type: "function_call_output", call_id, output })
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("strings always have a JSON form")
}

impl WebSearch {
    /// As the tool of that server: OpenRouter's own with these wishes, or the plain one that has none.
    pub fn tool(&self, dialect: Dialect) -> Tool {
        if !dialect.has_own_fields() {
            return Tool::WebSearch;
        }
        Tool::OpenRouter { name: "web_search".into(), parameters: self.options() }
    }

    /// As OpenRouter's older plugin, which always searches once before the model speaks.
    pub fn plugin(&self) -> Plugin {
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
        Plugin { id: "web".into(), options }
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

    /// The word on the wire, in the config and on the screen.
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

impl Serialize for Tool {
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

    fn full() -> Request {
        let search = WebSearch { engine: Some("exa".into()), max_results: Some(5), ..WebSearch::default() };
        Request {
            model: "m".into(),
            input: vec![message(Role::User, "Grüße\n\"x\"")],
            stream: true,
            store: Some(false),
            include: vec![Include::EncryptedReasoning],
            reasoning: Some(Reasoning { effort: Some(Effort::High), summary: Some(Summary::Auto) }),
            tools: vec![search.tool(Dialect::OpenRouter), Tool::WebSearch],
            tool_choice: Some(ToolChoice::Auto),
            plugins: vec![search.plugin()],
            temperature: Some(0.7),
            provider: Some(Provider { zdr: Some(true), ..Provider::default() }),
            session_id: Some("conv-1".into()),
            ..Request::default()
        }
    }

    #[test]
    fn the_smallest_body_has_nothing_that_was_not_asked_for() {
        let request = Request { model: "m".into(), input: vec![message(Role::User, "Hi")], ..Request::default() };
        assert_eq!(json(&request), r#"{"model":"m","input":[{"role":"user","content":"Hi"}],"stream":false}"#);
    }

    #[test]
    fn a_full_body_has_its_fields_in_one_order() {
        insta::assert_snapshot!(json(&full()), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"openrouter:web_search","parameters":{"engine":"exa","max_results":5}},{"type":"web_search"}],"tool_choice":"auto","plugins":[{"id":"web","engine":"exa","max_results":5}],"temperature":0.7,"provider":{"zdr":true},"session_id":"conv-1"}"##);
    }

    #[test]
    fn other_servers_get_only_what_they_know() {
        let (mut openai, mut other) = (full(), full());
        openai.fit(Dialect::OpenAi);
        insta::assert_snapshot!(json(&openai), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"web_search"}],"tool_choice":"auto","temperature":0.7}"##);
        other.fit(Dialect::Other);
        insta::assert_snapshot!(json(&other), @r##"{"model":"m","input":[{"role":"user","content":"Grüße\n\"x\""}],"stream":true,"reasoning":{"effort":"high","summary":"auto"},"tools":[{"type":"web_search"}],"tool_choice":"auto","temperature":0.7}"##);
    }

    #[test]
    fn a_search_is_written_for_each_server_in_its_own_words() {
        let location = Location { country: Some("CH".into()), ..Location::default() };
        let domains = vec!["example.org".into()];
        let search = WebSearch {
            allowed_domains: domains,
            user_location: Some(location),
            max_characters: Some(9),
            ..WebSearch::default()
        };
        assert_eq!(
            json(&search.tool(Dialect::OpenRouter)),
            r#"{"type":"openrouter:web_search","parameters":{"max_characters":9,"allowed_domains":["example.org"],"user_location":{"type":"approximate","country":"CH"}}}"#
        );
        assert_eq!(json(&WebSearch::default().tool(Dialect::OpenRouter)), r#"{"type":"openrouter:web_search"}"#);
        assert_eq!(json(&search.tool(Dialect::OpenAi)), r#"{"type":"web_search"}"#);
        assert_eq!(
            json(&search.plugin()),
            r#"{"id":"web","user_location":{"type":"approximate","country":"CH"},"include_domains":["example.org"]}"#
        );
    }

    #[test]
    fn functions_and_choices_have_the_flat_form_of_responses() {
        let parameters = RawValue::from_string(r#"{"type":"object","properties":{}}"#.into()).expect("JSON");
        let tool = Tool::Function { name: "f".into(), description: "d".into(), parameters, strict: Some(true) };
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
            json(&assistant("Hi", Some("final_answer"))),
            r#"{"role":"assistant","content":"Hi","phase":"final_answer"}"#
        );
        let schema = RawValue::from_string("{}".into()).expect("JSON");
        let text =
            Text { format: Some(Format::JsonSchema { name: "answer".into(), strict: true, schema }), verbosity: None };
        assert_eq!(json(&text), r#"{"format":{"type":"json_schema","name":"answer","strict":true,"schema":{}}}"#);
    }

    #[test]
    fn every_effort_is_found_by_its_word() {
        for effort in Effort::ALL {
            assert_eq!(Effort::from_name(effort.name()), Some(effort));
            assert_eq!(json(&effort), format!("{:?}", effort.name()));
        }
        assert_eq!(Effort::from_name("huge"), None);
    }
}
