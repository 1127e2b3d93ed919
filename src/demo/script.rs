//! What the scripted models say: TOML files, read once.

use serde::Deserialize;
use serde_json::Value;

/// The scripts of all models.
pub struct Scripts {
    models: Vec<(&'static str, Script, Price)>,
}

/// US dollars per token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    pub search: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(rename = "reply")]
    pub replies: Vec<Reply>,
}

/// One answer, and when it is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Given to the first prompt of a conversation, whatever that says.
    #[serde(default)]
    pub first: bool,
    #[serde(default)]
    pub calls: Calls,
    /// Given when the prompt has one of these words.
    #[serde(default)]
    pub when: Vec<String>,
    /// Left out when the replies are taken in order.
    #[serde(default)]
    pub by_word_only: bool,
    /// Milliseconds before the first item.
    #[serde(default)]
    pub wait: u64,
    #[serde(default = "usual_speed")]
    pub tokens_per_second: u32,
    #[serde(default)]
    pub cites: Cites,
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    pub refuse: Option<Refuse>,
    #[serde(default, rename = "step")]
    pub steps: Vec<Step>,
}

/// Whether a reply has to do with calls that were made, or could not be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calls {
    #[default]
    Nothing,
    /// Given when tools have answered.
    Answered,
    /// Given in the place of calls of which none may be made.
    Impossible,
}

/// The form in which citations arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cites {
    /// A link in the text, and its range.
    #[default]
    Link,
    /// The range of the words that are supported.
    Claim,
    /// All before the text, without a place.
    List,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub url: String,
    pub title: String,
    pub excerpt: String,
}

/// An error instead of the reply, the first few times.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    pub status: u16,
    pub times: u32,
    /// In seconds.
    pub retry_after: Option<u64>,
    pub content_type: Option<String>,
    pub body: String,
}

/// What a model does, one thing after the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// Thinks, and tells it in summaries.
    Summary(Vec<String>),
    /// Thinks aloud.
    Raw(String),
    Search {
        query: String,
        /// Numbers of the reply's sources, from 1.
        sources: Vec<usize>,
    },
    Text(String),
    /// Calls a function; `arguments` is JSON.
    Call {
        name: String,
        arguments: String,
    },
    /// The same texts over and over.
    Rounds {
        times: u32,
        each: Vec<String>,
    },
    Refusal(String),
    /// Ends as failed.
    Fail {
        code: String,
        error_type: String,
        message: String,
    },
    /// Ends as cut short by the server, for that reason.
    Incomplete(String),
    /// The connection ends, and nothing else does.
    Cut {},
}

fn usual_speed() -> u32 {
    45
}

impl Scripts {
    /// All scripts of the program.
    pub fn load() -> Self {
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
            let price = prices.iter().find(|(model, _)| model == id).map_or_else(Price::default, |(_, price)| *price);
            (id, script, price)
        });
        Self { models: models.into() }
    }

    pub fn price(&self, model: &str) -> Price {
        self.model(model).map_or_else(Price::default, |(_, price)| *price)
    }

    /// What is answered to a request; `None` when there is no such model.
    pub fn reply(&self, request: &Value) -> Option<&Reply> {
        let model = request["model"].as_str()?;
        let (script, _) = self.model(model)?;
        let prompts = prompts(request);
        let prompt = prompts.last().map_or("", String::as_str);
        // What fails is no answer, so the broken one goes on with each prompt.
        let given = if model == "demo/broken" { prompts.len().saturating_sub(1) } else { given(request, model) };
        let answered = !outputs(request).is_empty();
        if let Some(reply) = script.replies.iter().find(|reply| reply.calls == Calls::Answered && answered) {
            return Some(reply);
        }
        let reply = script.choose(prompt, prompts.len() == 1, given);
        if calls(reply).next().is_some() && !calls(reply).any(|name| may_call(request, name)) {
            return script.replies.iter().find(|other| other.calls == Calls::Impossible).or(Some(reply));
        }
        let searches = reply.steps.iter().any(|step| matches!(step, Step::Search { .. }));
        if asks_for_search(request) && !searches && matches!(model, "demo/tour" | "demo/thinker") {
            let (scholar, _) = self.model("demo/scholar")?;
            return Some(scholar.choose("", false, given));
        }
        Some(reply)
    }

    fn model(&self, model: &str) -> Option<(&Script, &Price)> {
        let id = model.strip_suffix(":online").unwrap_or(model);
        self.models.iter().find(|(known, ..)| *known == id).map(|(_, script, price)| (script, price))
    }
}

impl Script {
    /// By a word of the prompt, else the next in order; the last one stays.
    fn choose(&self, prompt: &str, first: bool, given: usize) -> &Reply {
        let prompt = prompt.to_lowercase();
        let words: Vec<&str> = prompt.split(|c: char| !c.is_alphanumeric()).collect();
        let first = self.replies.first().filter(|reply| reply.first && first);
        let named = || self.replies.iter().find(|reply| reply.when.iter().any(|word| words.contains(&word.as_str())));
        let in_order = || {
            let mut ordered = self.replies.iter().filter(|reply| !reply.by_word_only && reply.calls == Calls::Nothing);
            let last = ordered.clone().next_back();
            ordered.nth(given).or(last)
        };
        first.or_else(named).or_else(in_order).expect("every script has a reply in order")
    }
}

/// The part of a model's name that its items carry in their ids.
pub fn tag(model: &str) -> &str {
    let model = model.strip_suffix(":online").unwrap_or(model);
    model.rsplit('/').next().unwrap_or(model)
}

/// How many answers of a model stand in the history.
fn given(request: &Value, model: &str) -> usize {
    let beginning = format!("msg_tmp_{}", tag(model));
    let items = request["input"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    items.iter().filter(|item| item["id"].as_str().is_some_and(|id| id.starts_with(&beginning))).count()
}

/// What the reader wrote, prompt by prompt.
pub fn prompts(request: &Value) -> Vec<String> {
    if let Some(text) = request["input"].as_str() {
        return vec![text.to_owned()];
    }
    let items = request["input"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    items.iter().filter(|item| item["role"] == "user").map(|item| text_of(&item["content"])).collect()
}

/// Whether a request offers a function, and does not ask for none or for another.
pub fn may_call(request: &Value, name: &str) -> bool {
    let offered = request["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == name));
    let choice = &request["tool_choice"];
    offered && choice != "none" && choice["name"].as_str().is_none_or(|forced| forced == name)
}

fn calls(reply: &Reply) -> impl Iterator<Item = &str> {
    reply.steps.iter().filter_map(|step| match step {
        Step::Call { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// What the tools said that were called last, where nothing was said since.
pub fn outputs(request: &Value) -> Vec<String> {
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

fn asks_for_search(request: &Value) -> bool {
    let tools = request["tools"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let plugins = request["plugins"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    tools.iter().any(|tool| tool["type"].as_str().is_some_and(|kind| kind.contains("web_search")))
        || plugins.iter().any(|plugin| plugin["id"] == "web")
        || request["model"].as_str().is_some_and(|model| model.ends_with(":online"))
}

fn prices() -> Vec<(String, Price)> {
    let models: Value = serde_json::from_str(super::MODELS).expect("the catalogue of the demo is JSON");
    let rows = models["data"].as_array().expect("a list of models").iter();
    let number = |price: &Value| price.as_str().and_then(|digits| digits.parse().ok()).unwrap_or(0.0);
    rows.map(|row| {
        let pricing = &row["pricing"];
        let price = Price {
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

    fn text(reply: &Reply) -> &str {
        reply
            .steps
            .iter()
            .find_map(|step| if let Step::Text(text) = step { Some(text.as_str()) } else { None })
            .unwrap()
    }

    fn ask(model: &str, prompts: &[&str]) -> Value {
        let mut input = Vec::new();
        for (n, text) in prompts.iter().enumerate() {
            if n > 0 {
                input.push(json!({"type": "message", "role": "assistant", "id": format!("msg_tmp_{}{n}", tag(model))}));
            }
            input.push(json!({"role": "user", "content": text}));
        }
        json!({"model": model, "input": input})
    }

    #[test]
    fn every_model_of_the_catalogue_has_a_script_and_every_slot_a_model() {
        let scripts = Scripts::load();
        let catalogue: Value = serde_json::from_str(crate::demo::MODELS).unwrap();
        let ids: Vec<&str> =
            catalogue["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, crate::demo::SLOTS);
        for id in ids {
            assert!(scripts.model(id).is_some(), "{id}");
        }
    }

    #[test]
    fn every_source_that_a_script_cites_is_in_its_list() {
        for (id, script, _) in Scripts::load().models {
            for reply in &script.replies {
                let mut cited: Vec<usize> = Vec::new();
                for step in &reply.steps {
                    match step {
                        Step::Search { sources, .. } => cited.extend(sources),
                        Step::Text(text) => cited.extend(
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
    fn the_tour_begins_with_its_welcome_and_goes_on_stop_by_stop_or_by_word() {
        let scripts = Scripts::load();
        let said = |prompts: &[&str]| text(scripts.reply(&ask("demo/tour", prompts)).unwrap());
        assert!(said(&["some code, please"]).contains("## Welcome"));
        assert!(said(&["hi", "go on"]).contains("## Models"));
        assert!(said(&["hi", "Sources?"]).contains("## Sources"));
        assert!(said(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]).contains("all the stops"));
    }

    #[test]
    fn another_model_begins_with_its_own_first_reply() {
        let scripts = Scripts::load();
        let mut request = ask("demo/tour", &["hi", "go on", "go on"]);
        request["model"] = json!("demo/scholar");
        let reply = scripts.reply(&request).unwrap();
        assert!(text(reply).starts_with("This scholar has one subject"), "{}", text(reply));
    }

    #[test]
    fn a_search_that_was_asked_for_is_made_by_models_that_do_not_search_themselves() {
        let scripts = Scripts::load();
        let mut request = ask("demo/tour", &["hi"]);
        request["tools"] = json!([{"type": "openrouter:web_search"}]);
        assert!(scripts.reply(&request).unwrap().steps.iter().any(|step| matches!(step, Step::Search { .. })));
        request["model"] = json!("nobody/knows");
        assert!(scripts.reply(&request).is_none());
    }
}
