//! Rules for every request body: the published schema, if it is available, and the rules of sections 7.1 and 7.3.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
};

use ibid::api::ApiDialect;
use serde_json::{Value, value::RawValue};

use super::json_schema;

/// The server and model of a request, and the items received earlier in its conversation.
pub struct RequestHistory<'a> {
    pub dialect: ApiDialect,
    pub endpoint: &'a str,
    pub model: &'a str,
    pub received: &'a [ReceivedItem],
}

/// An item as a server sent it.
#[derive(Debug, Clone)]
pub struct ReceivedItem {
    pub endpoint: String,
    pub model: String,
    pub item: Arc<RawValue>,
}

/// Checks a request body and panics with the first violation.
pub fn check_body(bytes: &str, history: &RequestHistory) {
    let body: &Value = &serde_json::from_str(bytes).expect("a body is valid JSON");
    let dialect = history.dialect;
    if let Some(schema) = request_schema() {
        let known = without_unknown_items(bytes, body, schema, history);
        let errors = json_schema::violations(&schema.root, &known);
        assert!(errors.is_empty(), "{errors:#?}\n{body:#}");
    }
    let input = body["input"].as_array().expect("the input is a list");
    let mut calls: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, item) in input.iter().enumerate() {
        check_no_nulls_or_empty_ids(item);
        let id = item["id"].as_str();
        assert!(id.is_none_or(|id| ids.insert(id)), "{id:?} appears twice\n{body:#}");
        let kind = item["type"].as_str();
        if !matches!(
            kind,
            Some(
                "function_call" | "function_call_output" | "custom_tool_call" | "custom_tool_call_output" | "reasoning",
            )
        ) {
            assert!(calls.is_empty(), "{calls:?} have no outputs before item {index}\n{body:#}");
        }
        match kind {
            None => check_input_message(item),
            Some("message") => check_output_message(item),
            Some("reasoning") => {
                let next = input.get(index + 1).map(|next| &next["type"]);
                let leads_to = next.and_then(Value::as_str).filter(|kind| !kind.ends_with("_output"));
                assert!(leads_to.is_some(), "nothing follows the reasoning in item {index}\n{body:#}");
                let sealed = item["encrypted_content"].is_string() || item["signature"].is_string();
                assert!(sealed, "item {index} is reasoning without encrypted content or a signature\n{body:#}");
            }
            Some("function_call" | "custom_tool_call") => {
                if let Some(arguments) = item["arguments"].as_str() {
                    serde_json::from_str::<Value>(arguments).expect("arguments are valid JSON");
                }
                let call = item["call_id"].as_str().expect("a call has an id");
                assert!(!calls.contains(&call), "{call} appears twice\n{body:#}");
                calls.push(call);
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                let call = item["call_id"].as_str().expect("an output names its call");
                let waiting = calls.iter().position(|waiting| *waiting == call);
                calls.remove(waiting.unwrap_or_else(|| panic!("{call} was not called\n{body:#}")));
            }
            Some(kind) => assert!(dialect == ApiDialect::OpenRouter || !kind.starts_with("openrouter:"), "{body:#}"),
        }
    }
    assert!(calls.is_empty(), "{calls:?} have no output\n{body:#}");
}

fn check_input_message(item: &Value) {
    let fields: Vec<&str> = item.as_object().into_iter().flat_map(|item| item.keys()).map(String::as_str).collect();
    let allowed: &[&[&str]] = match item["role"].as_str() {
        Some("assistant") => &[&["role", "content"], &["role", "content", "phase"]],
        _ => &[&["role", "content"]],
    };
    assert!(allowed.contains(&&fields[..]), "an unknown form of message: {item:#}");
    assert!(item["content"].as_str().is_some_and(|text| !text.is_empty()), "empty content: {item:#}");
}

fn check_output_message(item: &Value) {
    assert_eq!(item["role"], "assistant", "{item:#}");
    assert!(item["id"].is_string() && item["status"].is_string(), "an unknown form of message: {item:#}");
    let parts = item["content"].as_array().expect("a server's message has parts");
    let known = |part: &Value| matches!(part["type"].as_str(), Some("output_text" | "refusal"));
    assert!(!parts.is_empty() && parts.iter().all(known), "{item:#}");
}

fn check_no_nulls_or_empty_ids(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                assert!(!value.is_null(), "{key} is null");
                assert!(!matches!(key.as_str(), "id" | "call_id") || value != "", "{key} is empty");
                check_no_nulls_or_empty_ids(value);
            }
        }
        Value::Array(values) => values.iter().for_each(check_no_nulls_or_empty_ids),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// The published schema, read once. It is stored beside the repository, not in it.
struct RequestSchema {
    root: Value,
    /// The item types that an input may contain.
    item_types: BTreeSet<String>,
}

/// Returns the body without items whose type the schema does not name; the rest is checked against the schema.
///
/// The schema has a date, and servers send newer types of items. ibid sends those back, because otherwise the model
/// would lose their content, and a server accepts what it sent itself. Such an item is exempt only if it was received
/// in exactly this form, under a plausible type name, from the server of this request and, unless it belongs to one of
/// OpenRouter's tools, from the same model. Nothing that ibid writes itself is exempt.
fn without_unknown_items(bytes: &str, body: &Value, schema: &RequestSchema, history: &RequestHistory) -> Value {
    #[derive(serde::Deserialize)]
    struct Input {
        input: Vec<Box<RawValue>>,
    }
    let raw: Input = serde_json::from_str(bytes).expect("the input is a list");
    let mut known = body.clone();
    let items = known["input"].as_array_mut().expect("the input is a list");
    let mut raw = raw.input.iter();
    items.retain(|item| {
        let raw = raw.next().expect("both lists have the same length");
        let Some(kind) = item.get("type") else { return true };
        let kind = kind.as_str().unwrap_or_else(|| panic!("the type is not a string: {item:#}"));
        if schema.item_types.contains(kind) {
            return true;
        }
        let is_name_char = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_-:".contains(char);
        assert!(!kind.is_empty() && kind.chars().all(is_name_char), "not a plausible type name: {item:#}");
        let was_received = history.received.iter().any(|arrived| {
            let same_model = kind.starts_with("openrouter:") || arrived.model == history.model;
            arrived.endpoint == history.endpoint && same_model && is_same_item(raw, &arrived.item)
        });
        assert!(was_received, "this server never sent this item: {item:#}\n{body:#}");
        false
    });
    known
}

/// Whether an item equals a received one, byte for byte. Where nulls or empty ids, which no server accepts, had to be
/// removed, the rest must be equal as JSON.
fn is_same_item(sent_item: &RawValue, received_item: &RawValue) -> bool {
    let mut cleaned: Value = serde_json::from_str(received_item.get()).expect("an item is valid JSON");
    let original = cleaned.clone();
    if let Some(item) = cleaned.as_object_mut() {
        item.retain(|key, value| {
            let is_id = matches!(key.as_str(), "id" | "call_id");
            !is_id || value.as_str().is_some_and(|id| !id.is_empty())
        });
    }
    remove_nulls(&mut cleaned);
    if cleaned == original {
        sent_item.get() == received_item.get()
    } else {
        serde_json::from_str::<Value>(sent_item.get()).ok() == Some(cleaned)
    }
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// The values that `type` may have in an item of an input.
fn known_item_types(all: &Value) -> BTreeSet<String> {
    let resolve = |schema: &Value| -> Value {
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.map_or_else(|| schema.clone(), |name| all["$defs"][name].clone())
    };
    let branches = all["$defs"]["InputsUnion1"]["anyOf"].as_array().expect("the schema lists the input items");
    let kinds: Vec<Value> = branches.iter().map(|branch| resolve(&resolve(branch)["properties"]["type"])).collect();
    let types: BTreeSet<String> = kinds.iter().flat_map(string_values).collect();
    assert!(types.contains("message") && types.contains("openrouter:web_search") && types.len() > 30, "{types:?}");
    types
}

fn string_values(schema: &Value) -> Vec<String> {
    let own_values = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    let nested = schema["anyOf"].as_array().into_iter().flatten().flat_map(string_values);
    own_values.filter_map(Value::as_str).map(str::to_owned).chain(nested).collect()
}

fn request_schema() -> Option<&'static RequestSchema> {
    static SCHEMA: OnceLock<Option<RequestSchema>> = OnceLock::new();
    let read = || {
        let file = "../shared/reference/openapi/openrouter-responses-2026-10-27.schema.json";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let skipped = "SKIPPED: bodies are checked only by the rules in this file; the schema is missing:";
            let _ = writeln!(std::io::stderr(), "{skipped} {}", path.display()); // Bypasses output capture.
            return None;
        };
        let all: Value = serde_json::from_str(&text).expect("the schema is valid JSON");
        let mut root = all["properties"]["ResponsesRequest"].clone();
        root["$defs"] = all["$defs"].clone();
        Some(RequestSchema { root, item_types: known_item_types(&all) })
    };
    SCHEMA.get_or_init(read).as_ref()
}
