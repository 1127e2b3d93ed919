//! The scripts of the models: TOML files, parsed once.

use serde::Deserialize;
use serde_json::Value;

/// The scripts of all models.
pub(super) struct DemoScripts {
    models: Vec<(&'static str, ModelScript, TokenPrice)>,
}

/// US dollars per token.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TokenPrice {
    pub input: f64,
    pub output: f64,
    pub search: f64,
}

/// The script of one model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelScript {
    #[serde(rename = "reply")]
    pub replies: Vec<ScriptedReply>,
}

/// A scripted reply and the conditions for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptedReply {
    /// Whether it answers prompts that select no reply by a word, until one has selected the first reply in order.
    #[serde(default)]
    pub before_start: bool,
    /// Whether it depends on tool calls.
    #[serde(default)]
    pub calls: CallCondition,
    /// It answers a prompt that contains one of these words.
    #[serde(default)]
    pub when: Vec<String>,
    /// Whether it is skipped when the replies are taken in order.
    #[serde(default)]
    pub by_word_only: bool,
    /// The time before the first item, in milliseconds.
    #[serde(default)]
    pub wait: u64,
    #[serde(default = "usual_speed")]
    pub tokens_per_second: u32,
    #[serde(default)]
    pub cites: CitationForm,
    #[serde(default, rename = "source")]
    pub sources: Vec<ScriptedSource>,
    pub refuse: Option<ScriptedRefusal>,
    #[serde(default, rename = "step")]
    pub steps: Vec<ScriptStep>,
}

/// How a reply depends on tool calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallCondition {
    /// Tool calls do not matter.
    #[default]
    Nothing,
    /// It is used after tools have returned their outputs.
    Answered,
    /// It replaces a reply whose calls are all unavailable.
    Impossible,
}

/// The form in which citations arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CitationForm {
    /// As a link in the text, with the range of the link.
    #[default]
    Link,
    /// As the range of the text that the source supports.
    Claim,
    /// As a list before the text, without ranges.
    List,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptedSource {
    pub url: String,
    pub title: String,
    pub excerpt: String,
}

/// An error that is sent instead of the reply, the first few times.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptedRefusal {
    pub status: u16,
    pub times: u32,
    /// The value of the `Retry-After` header, in seconds.
    pub retry_after: Option<u64>,
    pub content_type: Option<String>,
    pub body: String,
}

/// A step of a reply.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ScriptStep {
    /// Reasons, and summarizes its reasoning in parts.
    Summary(Vec<String>),
    /// Shares its raw reasoning.
    Raw(String),
    Search {
        query: String,
        /// Numbers of the reply's sources, starting at 1.
        sources: Vec<usize>,
    },
    Text(String),
    /// Calls a function; `arguments` is JSON.
    Call {
        name: String,
        arguments: String,
    },
    /// Repeats the same texts in turn.
    Rounds {
        times: u32,
        each: Vec<String>,
    },
    Refusal(String),
    /// Ends the response as failed.
    Fail {
        code: String,
        error_type: String,
        message: String,
    },
    /// Ends the response as incomplete, for this reason.
    Incomplete(String),
    /// Cuts the connection without any closing events.
    Cut {},
}

fn usual_speed() -> u32 {
    45
}

/// Returns the reply that the demo opens on.
pub(super) fn opening_reply() -> ScriptedReply {
    let script: ModelScript = toml::from_str(include_str!("../../assets/demo/opening.toml"))
        .unwrap_or_else(|error| panic!("the opening: {error}"));
    script.replies.into_iter().next().expect("the opening has a reply")
}

impl DemoScripts {
    /// Parses all built-in scripts.
    pub(super) fn load() -> Self {
        let files = [
            ("demo/tour", include_str!("../../assets/demo/tour.toml")),
            ("demo/thinker", include_str!("../../assets/demo/thinker.toml")),
            ("demo/scholar", include_str!("../../assets/demo/scholar.toml")),
            ("demo/broken", include_str!("../../assets/demo/broken.toml")),
            ("demo/endless", include_str!("../../assets/demo/endless.toml")),
            ("demo/worker", include_str!("../../assets/demo/worker.toml")),
        ];
        let prices = prices();
        let models = files.map(|(id, text)| {
            let script = toml::from_str(text).unwrap_or_else(|error| panic!("the script of {id}: {error}"));
            let price =
                prices.iter().find(|(model, _)| model == id).map_or_else(TokenPrice::default, |(_, price)| *price);
            (id, script, price)
        });
        Self { models: models.into() }
    }

    pub(super) fn price(&self, model: &str) -> TokenPrice {
        self.model(model).map_or_else(TokenPrice::default, |(_, price)| *price)
    }

    /// Chooses the reply to a request. Returns `None` if there is no such model.
    pub(super) fn reply(&self, request: &Value) -> Option<&ScriptedReply> {
        let model = request["model"].as_str()?;
        let (script, _) = self.model(model)?;
        let prompts = prompts(request);
        let prompt = prompts.last().map_or("", String::as_str);
        // Failures add no answer to the history, so the broken model counts prompts instead.
        let answer_count =
            if model == "demo/broken" { prompts.len().saturating_sub(1) } else { count_answers(request, model) };
        let has_outputs = !tool_outputs(request).is_empty();
        if let Some(reply) = script.replies.iter().find(|reply| reply.calls == CallCondition::Answered && has_outputs) {
            return Some(reply);
        }
        let reply = script.choose(prompt, request, answer_count);
        if called_functions(reply).next().is_some() && !called_functions(reply).any(|name| may_call(request, name)) {
            return script.replies.iter().find(|other| other.calls == CallCondition::Impossible).or(Some(reply));
        }
        let has_search = reply.steps.iter().any(|step| matches!(step, ScriptStep::Search { .. }));
        if wants_search(request) && !has_search && matches!(model, "demo/tour" | "demo/thinker") {
            let (scholar, _) = self.model("demo/scholar")?;
            return Some(scholar.choose("", request, answer_count));
        }
        Some(reply)
    }

    fn model(&self, model: &str) -> Option<(&ModelScript, &TokenPrice)> {
        let id = model.strip_suffix(":online").unwrap_or(model);
        self.models.iter().find(|(known, ..)| *known == id).map(|(_, script, price)| (script, price))
    }
}

impl ModelScript {
    /// Chooses a reply by a word of the prompt, otherwise the next in order. The last one repeats.
    fn choose(&self, prompt: &str, request: &Value, answer_count: usize) -> &ScriptedReply {
        let named = self.replies.iter().find(|reply| reply.is_named_in(prompt));
        let before_start = || self.replies.iter().find(|reply| reply.before_start);
        let mut ordered = self
            .replies
            .iter()
            .filter(|reply| !reply.by_word_only && !reply.before_start && reply.calls == CallCondition::Nothing);
        let last = ordered.clone().next_back();
        let chosen = match (before_start(), ordered.clone().next()) {
            // A script that has to be started counts from the prompt that started it.
            (Some(before), Some(first)) => match answers_since(request, first) {
                Some(count) => ordered.nth(count).or(last),
                None => Some(before),
            },
            _ => ordered.nth(answer_count).or(last),
        };
        named.or(chosen).expect("every script has a reply to give in order")
    }
}

impl ScriptedReply {
    fn is_named_in(&self, prompt: &str) -> bool {
        let prompt = prompt.to_lowercase();
        prompt.split(|c: char| !c.is_alphanumeric()).any(|word| self.when.iter().any(|name| name == word))
    }
}

/// Counts the model's answers since the last prompt that selects a reply by a word; `None` if there is no such prompt.
fn answers_since(request: &Value, start: &ScriptedReply) -> Option<usize> {
    let beginning = format!("msg_tmp_{}", model_tag(request["model"].as_str()?));
    let mut count = None;
    for item in request["input"].as_array()? {
        if item["role"] == "user" && start.is_named_in(&text_of(&item["content"])) {
            count = Some(0);
        } else if item["id"].as_str().is_some_and(|id| id.starts_with(&beginning)) {
            count = count.map(|count| count + 1);
        }
    }
    count
}

/// Returns the part of a model's name that the ids of its items contain.
pub(super) fn model_tag(model: &str) -> &str {
    let model = model.strip_suffix(":online").unwrap_or(model);
    model.rsplit('/').next().unwrap_or(model)
}

/// Counts the answers of a model in the history.
fn count_answers(request: &Value, model: &str) -> usize {
    let beginning = format!("msg_tmp_{}", model_tag(model));
    let items = request["input"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    items.iter().filter(|item| item["id"].as_str().is_some_and(|id| id.starts_with(&beginning))).count()
}

/// Returns the user's prompts.
pub(super) fn prompts(request: &Value) -> Vec<String> {
    if let Some(text) = request["input"].as_str() {
        return vec![text.to_owned()];
    }
    let items = request["input"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    items.iter().filter(|item| item["role"] == "user").map(|item| text_of(&item["content"])).collect()
}

/// Returns whether a request offers a function and its tool choice allows it.
pub(super) fn may_call(request: &Value, name: &str) -> bool {
    let offered = request["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == name));
    let choice = &request["tool_choice"];
    offered && choice != "none" && choice["name"].as_str().is_none_or(|forced| forced == name)
}

fn called_functions(reply: &ScriptedReply) -> impl Iterator<Item = &str> {
    reply.steps.iter().filter_map(|step| match step {
        ScriptStep::Call { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// Returns the outputs of the last tool calls, if they end the history.
pub(super) fn tool_outputs(request: &Value) -> Vec<String> {
    let items = request["input"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let last = items.iter().rev().take_while(|item| item["type"] == "function_call_output");
    let mut outputs: Vec<String> = last.map(|item| text_of(&item["output"])).collect();
    outputs.reverse();
    outputs
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn wants_search(request: &Value) -> bool {
    let tools = request["tools"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let plugins = request["plugins"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    tools.iter().any(|tool| tool["type"].as_str().is_some_and(|kind| kind.contains("web_search")))
        || plugins.iter().any(|plugin| plugin["id"] == "web")
        || request["model"].as_str().is_some_and(|model| model.ends_with(":online"))
}

fn prices() -> Vec<(String, TokenPrice)> {
    let models: Value = serde_json::from_str(super::MODELS).expect("the demo catalogue is valid JSON");
    let rows = models["data"].as_array().expect("a list of models").iter();
    let number = |price: &Value| price.as_str().and_then(|digits| digits.parse().ok()).unwrap_or(0.0);
    rows.map(|row| {
        let pricing = &row["pricing"];
        let price = TokenPrice {
            input: number(&pricing["prompt"]),
            output: number(&pricing["completion"]),
            search: number(&pricing["web_search"]),
        };
        (row["id"].as_str().unwrap_or_default().to_owned(), price)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(reply: &ScriptedReply) -> &str {
        reply
            .steps
            .iter()
            .find_map(|step| if let ScriptStep::Text(text) = step { Some(text.as_str()) } else { None })
            .unwrap()
    }

    fn request_to(model: &str, prompts: &[&str]) -> Value {
        let mut input = Vec::new();
        for (n, text) in prompts.iter().enumerate() {
            if n > 0 {
                input.push(
                    json!({"type": "message", "role": "assistant", "id": format!("msg_tmp_{}{n}", model_tag(model))}),
                );
            }
            input.push(json!({"role": "user", "content": text}));
        }
        json!({"model": model, "input": input})
    }

    #[test]
    fn every_model_of_the_catalogue_has_a_script_and_every_slot_a_model() {
        let scripts = DemoScripts::load();
        let catalogue: Value = serde_json::from_str(crate::demo::MODELS).unwrap();
        let ids: Vec<&str> =
            catalogue["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, crate::demo::SLOTS);
        for id in ids {
            assert!(scripts.model(id).is_some(), "{id}");
        }
    }

    #[test]
    fn every_source_cited_by_a_script_is_in_its_list() {
        for (id, script, _) in DemoScripts::load().models {
            for reply in &script.replies {
                let mut cited: Vec<usize> = Vec::new();
                for step in &reply.steps {
                    match step {
                        ScriptStep::Search { sources, .. } => cited.extend(sources),
                        ScriptStep::Text(text) => cited.extend(
                            text.split("{cite ")
                                .skip(1)
                                .map(|rest| rest.split('}').next().unwrap().parse::<usize>().unwrap()),
                        ),
                        _ => (),
                    }
                }
                assert!(cited.iter().all(|n| (1..=reply.sources.len()).contains(n)), "{id}: {cited:?}");
            }
        }
    }

    #[test]
    fn the_tour_starts_on_request_and_continues_in_order_or_by_word() {
        let scripts = DemoScripts::load();
        let reply_to = |prompts: &[&str]| text(scripts.reply(&request_to("demo/tour", prompts)).unwrap());
        for start in ["/tour", "Tour!", "the tour, please"] {
            assert!(reply_to(&[start]).contains("## The tour"), "{start}");
        }
        assert!(reply_to(&["hi", "/tour", "go on"]).contains("## Models"));
        assert!(reply_to(&["hi", "/tour", "go on", "go on"]).contains("# What an answer can hold"));
        assert!(reply_to(&["tour", "Sources?"]).contains("## Sources"));
        assert!(reply_to(&["tour", "2", "3", "4", "5", "6", "7", "8", "9", "10"]).contains("all the stops"));
    }

    #[test]
    fn the_first_prompt_is_answered_and_not_eaten_by_the_tour() {
        let scripts = DemoScripts::load();
        let reply_to = |prompts: &[&str]| text(scripts.reply(&request_to("demo/tour", prompts)).unwrap());
        assert!(reply_to(&["some code, please"]).contains("# What an answer can hold"));
        assert!(reply_to(&["why is the sky blue?"]).starts_with("You wrote *{prompt}*"));
        assert!(reply_to(&["hi", "and now?"]).contains("`/tour` starts the tour"));
    }

    #[test]
    fn another_model_starts_with_its_own_first_reply() {
        let scripts = DemoScripts::load();
        let mut request = request_to("demo/tour", &["hi", "go on", "go on"]);
        request["model"] = json!("demo/scholar");
        let reply = scripts.reply(&request).unwrap();
        assert!(text(reply).starts_with("This scholar has one subject"), "{}", text(reply));
    }

    #[test]
    fn a_requested_search_is_made_by_models_without_their_own() {
        let scripts = DemoScripts::load();
        let mut request = request_to("demo/tour", &["hi"]);
        request["tools"] = json!([{"type": "openrouter:web_search"}]);
        assert!(scripts.reply(&request).unwrap().steps.iter().any(|step| matches!(step, ScriptStep::Search { .. })));
        request["model"] = json!("nobody/knows");
        assert!(scripts.reply(&request).is_none());
    }
}
