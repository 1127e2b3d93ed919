//! What every body must keep to: the published schema where it is at hand, and the rules of sections 7.1 and 7.3.

use std::{collections::BTreeSet, io::Write, path::Path, sync::OnceLock};

use ibid::api::Dialect;
use jsonschema::Validator;
use serde_json::Value;

/// Panics with what is wrong.
pub fn check(body: &Value, dialect: Dialect) {
    if let Some(schema) = schema() {
        let known = without_unknown_items(body, schema);
        let errors: Vec<String> = schema.validator.iter_errors(&known).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{body:#}");
    }
    let input = body["input"].as_array().expect("the input is a list");
    let mut calls: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    for (at, item) in input.iter().enumerate() {
        no_nulls_nor_empty_ids(item);
        let id = item["id"].as_str();
        assert!(id.is_none_or(|id| ids.insert(id)), "{id:?} was sent already\n{body:#}");
        let kind = item["type"].as_str();
        if !matches!(
            kind,
            Some(
                "function_call" | "function_call_output" | "custom_tool_call" | "custom_tool_call_output" | "reasoning",
            )
        ) {
            assert!(calls.is_empty(), "{calls:?} wait for outputs before item {at}\n{body:#}");
        }
        match kind {
            None => easy_message(item),
            Some("message") => server_message(item),
            Some("reasoning") => {
                let next = input.get(at + 1).map(|next| &next["type"]);
                let leads_to = next.and_then(Value::as_str).filter(|kind| !kind.ends_with("_output"));
                assert!(leads_to.is_some(), "item {at} led to nothing\n{body:#}");
                let sealed = item["encrypted_content"].is_string() || item["signature"].is_string();
                assert!(sealed, "item {at} is a finished thought that nobody sealed\n{body:#}");
            }
            Some("function_call" | "custom_tool_call") => {
                if let Some(arguments) = item["arguments"].as_str() {
                    serde_json::from_str::<Value>(arguments).expect("arguments are JSON");
                }
                let call = item["call_id"].as_str().expect("a call has its id");
                assert!(!calls.contains(&call), "{call} twice\n{body:#}");
                calls.push(call);
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                let call = item["call_id"].as_str().expect("an output has the id of its call");
                let waiting = calls.iter().position(|waiting| *waiting == call);
                calls.remove(waiting.unwrap_or_else(|| panic!("{call} was not called\n{body:#}")));
            }
            Some(kind) => assert!(dialect == Dialect::OpenRouter || !kind.starts_with("openrouter:"), "{body:#}"),
        }
    }
    assert!(calls.is_empty(), "{calls:?} have no output\n{body:#}");
}

fn easy_message(item: &Value) {
    let fields: Vec<&str> = item.as_object().into_iter().flat_map(|item| item.keys()).map(String::as_str).collect();
    let allowed: &[&[&str]] = match item["role"].as_str() {
        Some("assistant") => &[&["role", "content"], &["role", "content", "phase"]],
        _ => &[&["role", "content"]],
    };
    assert!(allowed.contains(&&fields[..]), "a third form: {item:#}");
    assert!(item["content"].as_str().is_some_and(|text| !text.is_empty()), "no words: {item:#}");
}

fn server_message(item: &Value) {
    assert_eq!(item["role"], "assistant", "{item:#}");
    assert!(item["id"].is_string() && item["status"].is_string(), "a third form: {item:#}");
    let parts = item["content"].as_array().expect("the server's form has parts");
    let known = |part: &Value| matches!(part["type"].as_str(), Some("output_text" | "refusal"));
    assert!(!parts.is_empty() && parts.iter().all(known), "{item:#}");
}

fn no_nulls_nor_empty_ids(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                assert!(!value.is_null(), "{key} is null");
                assert!(!matches!(key.as_str(), "id" | "call_id") || value != "", "{key} is empty");
                no_nulls_nor_empty_ids(value);
            }
        }
        Value::Array(values) => values.iter().for_each(no_nulls_nor_empty_ids),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Compiled once; it lies beside the project where the project is checked, not in it.
struct Schema {
    validator: Validator,
    text: String,
}

/// Items of a type that the schema does not name go back as they came; it cannot say anything about them.
fn without_unknown_items(body: &Value, schema: &Schema) -> Value {
    let mut known = body.clone();
    if let Some(input) = known["input"].as_array_mut() {
        input.retain(|item| item["type"].as_str().is_none_or(|kind| schema.text.contains(&format!("\"{kind}\""))));
    }
    known
}

fn schema() -> Option<&'static Schema> {
    static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
    let read = || {
        let file = "../shared/reference/openapi/openrouter-responses-2026-10-27.schema.json";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let skipped = "SKIPPED: bodies are checked by the rules of this file only, for there is no";
            let _ = writeln!(std::io::stderr(), "{skipped} {}", path.display()); // Not captured: it shall be seen.
            return None;
        };
        let all: Value = serde_json::from_str(&text).expect("the schema is JSON");
        let mut root = all["properties"]["ResponsesRequest"].clone();
        root["$defs"] = all["$defs"].clone();
        let validator = jsonschema::validator_for(&root).expect("the schema is one");
        Some(Schema { validator, text })
    };
    SCHEMA.get_or_init(read).as_ref()
}
