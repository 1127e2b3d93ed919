//! What every body must keep to: the published schema where it is at hand, and the rules of sections 7.1 and 7.3.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    sync::{Arc, OnceLock},
};

use ibid::api::Dialect;
use jsonschema::Validator;
use serde_json::{Value, value::RawValue};

/// What a server said in a conversation, and who is asked now.
pub struct Told<'a> {
    pub dialect: Dialect,
    pub endpoint: &'a str,
    pub model: &'a str,
    pub arrived: &'a [Arrived],
}

/// An item as a server sent it.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub endpoint: String,
    pub model: String,
    pub item: Arc<RawValue>,
}

/// Panics with what is wrong.
pub fn check(bytes: &str, told: &Told) {
    let body: &Value = &serde_json::from_str(bytes).expect("a body is JSON");
    let dialect = told.dialect;
    if let Some(schema) = schema() {
        let known = without_unknown_items(bytes, body, schema, told);
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
    /// The types of the items that an input may have.
    types: BTreeSet<String>,
}

/// The body without the items of types that the schema does not name; all the rest of it is held to the schema.
///
/// A schema is of a day, and servers send items that are newer: what they found is lost to the model if they do not go
/// back, so they do, and no schema can say whether that is right. But a server takes what it sent itself. So such an item
/// is let off only if it came in just so, under a name that is one, from the server that is asked now (and, where no
/// server of tools stands behind it, from the same model). Nothing that ibid writes is ever let off.
fn without_unknown_items(bytes: &str, body: &Value, schema: &Schema, told: &Told) -> Value {
    #[derive(serde::Deserialize)]
    struct Input {
        input: Vec<Box<RawValue>>,
    }
    let raw: Input = serde_json::from_str(bytes).expect("the input is a list");
    let mut known = body.clone();
    let items = known["input"].as_array_mut().expect("the input is a list");
    let mut raw = raw.input.iter();
    items.retain(|item| {
        let raw = raw.next().expect("as many as there are");
        let Some(kind) = item.get("type") else { return true };
        let kind = kind.as_str().unwrap_or_else(|| panic!("its type is no word: {item:#}"));
        if schema.types.contains(kind) {
            return true;
        }
        let name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_-:".contains(char);
        assert!(!kind.is_empty() && kind.chars().all(name), "no server has such a type: {item:#}");
        let came = told.arrived.iter().any(|arrived| {
            let same_model = kind.starts_with("openrouter:") || arrived.model == told.model;
            arrived.endpoint == told.endpoint && same_model && is_same(raw, &arrived.item)
        });
        assert!(came, "the server that is asked never sent this: {item:#}\n{body:#}");
        false
    });
    known
}

/// Byte for byte; what no server takes back (a null, an empty id) may be missing, and then it is written anew.
fn is_same(sent: &RawValue, came: &RawValue) -> bool {
    let mut cleaned: Value = serde_json::from_str(came.get()).expect("an item is JSON");
    let whole = cleaned.clone();
    if let Some(item) = cleaned.as_object_mut() {
        item.retain(|key, value| {
            let is_id = matches!(key.as_str(), "id" | "call_id");
            !is_id || value.as_str().is_some_and(|id| !id.is_empty())
        });
    }
    without_nulls(&mut cleaned);
    if cleaned == whole {
        sent.get() == came.get()
    } else {
        serde_json::from_str::<Value>(sent.get()).ok() == Some(cleaned)
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// The words that `type` may be in any item of an input.
fn types(all: &Value) -> BTreeSet<String> {
    let resolve = |schema: &Value| -> Value {
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.map_or_else(|| schema.clone(), |name| all["$defs"][name].clone())
    };
    let branches = all["$defs"]["InputsUnion1"]["anyOf"].as_array().expect("the items of an input");
    let kinds: Vec<Value> = branches.iter().map(|branch| resolve(&resolve(branch)["properties"]["type"])).collect();
    let types: BTreeSet<String> = kinds.iter().flat_map(words).collect();
    assert!(types.contains("message") && types.contains("openrouter:web_search") && types.len() > 30, "{types:?}");
    types
}

fn words(schema: &Value) -> Vec<String> {
    let of = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    let nested = schema["anyOf"].as_array().into_iter().flatten().flat_map(words);
    of.filter_map(Value::as_str).map(str::to_owned).chain(nested).collect()
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
        Some(Schema { validator, types: types(&all) })
    };
    SCHEMA.get_or_init(read).as_ref()
}
