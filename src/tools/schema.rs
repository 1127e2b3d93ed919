//! Converts the schemas of arguments to a form that strict providers accept, and arguments back to the form that a tool
//! expects.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::ToolFailure;
use crate::text::work;

/// The name of the only argument of a tool whose schema is not an object.
const WRAPPED_ARGUMENT: &str = "value";

/// The longest name of a property, in bytes.
const MAX_NAME_LEN: usize = 64;

/// A schema as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct WireSchema {
    pub parameters: Value,
    /// The server may enforce the schema.
    pub strict: bool,
}

/// Converts the schema of a tool to a form that every provider accepts: an object at the top, plain property names, and
/// arrays with an item type. If `strict` is set and possible, no property is optional and no others are allowed.
pub fn to_wire(schema: &Value, strict: bool) -> WireSchema {
    let schema = object_schema(&mended(schema));
    let strict = strict && can_be_strict(&schema);
    WireSchema { parameters: repair(&schema, strict), strict }
}

/// Converts arguments for the schema that was sent back to arguments for the tool's own schema.
pub fn restore_arguments(schema: &Value, strict: bool, arguments: Value) -> Value {
    let schema = &mended(schema);
    let object = object_schema(schema);
    let strict = strict && can_be_strict(&object);
    let Value::Object(mut arguments) = restore_value(&object, &object, strict, arguments) else { return Value::Null };
    if is_wrapped(schema) {
        arguments.shift_remove(WRAPPED_ARGUMENT).unwrap_or_default()
    } else {
        Value::Object(arguments)
    }
}

/// Mends what servers write in place of an empty object, an empty list or nothing, and leaves out what no provider
/// accepts.
fn mended(schema: &Value) -> Value {
    let fields = match schema {
        Value::Object(fields) => fields,
        Value::Array(list) if list.is_empty() => return json!({}),
        other => return other.clone(),
    };
    let mended = fields.iter().filter_map(|(key, value)| Some((key.clone(), mended_keyword(key, value)?)));
    Value::Object(mended.collect())
}

/// Mends the value of a keyword; `None` leaves it out.
fn mended_keyword(key: &str, value: &Value) -> Option<Value> {
    match (key, value) {
        ("default" | "const" | "example" | "examples", value) => Some(value.clone()),
        (_, Value::Null) => None,
        ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(named)) => {
            let schema = |schema: &Value| if schema.is_null() { json!({}) } else { mended(schema) };
            Some(Value::Object(named.iter().map(|(name, named)| (name.clone(), schema(named))).collect()))
        }
        ("properties", _) => Some(json!({})),
        ("patternProperties" | "$defs" | "definitions", _) => None,
        ("anyOf" | "oneOf" | "allOf" | "prefixItems" | "items", Value::Array(several)) if !several.is_empty() => {
            Some(several.iter().map(mended).collect())
        }
        ("anyOf" | "oneOf" | "allOf" | "prefixItems", _) => None,
        ("items" | "additionalProperties" | "not", one) => Some(mended(one)),
        ("required", Value::String(name)) => Some(json!([name])),
        ("required", Value::Array(names)) => Some(names.iter().filter(|name| name.is_string()).cloned().collect()),
        ("type", Value::String(kind)) if !kind.is_empty() => Some(value.clone()),
        ("type" | "enum", Value::Array(several)) if !several.is_empty() => Some(value.clone()),
        ("required" | "type" | "enum", _) => None,
        ("title" | "description" | "format" | "pattern" | "$ref", value) => value.is_string().then(|| value.clone()),
        (_, value) => Some(value.clone()),
    }
}

/// Checks that no required argument is missing.
///
/// # Errors
/// Names those that are.
pub fn check_required(schema: &Value, arguments: &Value) -> Result<(), ToolFailure> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_missing = |name: &&str| match arguments.get(*name) {
        None => true,
        Some(Value::Null) => !allows_null(&schema["properties"][*name]),
        Some(_) => false,
    };
    let missing: Vec<&str> = required.iter().filter_map(Value::as_str).filter(is_missing).collect();
    match &missing[..] {
        [] => Ok(()),
        [name] => Err(ToolFailure::Arguments(format!("{name} is missing"))),
        names => Err(ToolFailure::Arguments(format!("{} are missing", names.join(", ")))),
    }
}

/// Whether a value may be null, as far as its schema says so itself.
fn allows_null(schema: &Value) -> bool {
    match &schema["type"] {
        Value::String(kind) => kind == "null",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "null"),
        _ => schema["anyOf"].as_array().is_some_and(|several| several.iter().any(allows_null)),
    }
}

/// Returns the schema with an object at the top.
fn object_schema(schema: &Value) -> Value {
    let mut fields = match schema {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    fields.shift_remove("$schema");
    if !is_wrapped(schema) {
        fields.insert("type".into(), "object".into());
        fields.entry("properties").or_insert_with(|| json!({}));
        return Value::Object(fields);
    }
    // References expect the definitions at the top.
    let definitions: Vec<_> =
        ["$defs", "definitions"].iter().filter_map(|key| Some((*key, fields.shift_remove(*key)?))).collect();
    let mut top = Map::new();
    top.insert("type".into(), "object".into());
    top.insert("properties".into(), json!({ WRAPPED_ARGUMENT: fields }));
    top.insert("required".into(), json!([WRAPPED_ARGUMENT]));
    top.extend(definitions.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(top)
}

fn is_wrapped(schema: &Value) -> bool {
    let is_object = match &schema["type"] {
        Value::String(kind) => kind == "object",
        Value::Null => true,
        _ => false,
    };
    !is_object || ["anyOf", "oneOf", "allOf", "enum", "not", "$ref"].iter().any(|key| schema.get(*key).is_some())
}

/// Whether every node of the schema has a type, and every object lists its properties and allows no others.
fn can_be_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) if !has_type(fields) => false,
        Value::Object(fields) => {
            let is_object = fields.get("type").is_some_and(|kind| kind == "object");
            let allows_others = fields.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false));
            let has_no_properties = is_object && !fields.contains_key("properties");
            !allows_others
                && !has_no_properties
                && !fields.contains_key("patternProperties")
                && !fields.contains_key("oneOf")
                && !fields.contains_key("allOf")
                && subschemas(fields).all(|(_, schema)| can_be_strict(schema))
        }
        // Such as `true`, which allows anything.
        Value::Bool(true) | Value::Null => false,
        _ => true,
    }
}

/// Whether a node says of what type its value is: itself, by its alternatives, or by the schema that it refers to.
fn has_type(fields: &Map<String, Value>) -> bool {
    let is_type = |kind: &Value| kind.is_string() || kind.as_array().is_some_and(|kinds| !kinds.is_empty());
    let is_untyped_list = fields.get("type").is_some_and(|kind| kind == "array") && !fields.contains_key("items");
    !is_untyped_list
        && (fields.get("type").is_some_and(is_type) || fields.contains_key("anyOf") || fields.contains_key("$ref"))
}

/// Returns the schemas directly inside a schema.
fn subschemas(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    fields.iter().flat_map(|(key, value)| -> Box<dyn Iterator<Item = (&str, &Value)>> {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(named)) => {
                Box::new(named.iter().map(|(name, schema)| (name.as_str(), schema)))
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(several)) => {
                Box::new(several.iter().map(|schema| ("", schema)))
            }
            ("items" | "additionalProperties" | "not", one) => Box::new(std::iter::once(("", one))),
            _ => Box::new(std::iter::empty()),
        }
    })
}

fn repair(schema: &Value, strict: bool) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let mut fields = fields.clone();
    for (key, value) in &mut fields {
        match (key.as_str(), value) {
            ("properties", value @ Value::Object(_)) => *value = repair_properties(schema, strict),
            ("$defs" | "definitions" | "patternProperties", Value::Object(named)) => {
                for schema in named.values_mut() {
                    *schema = repair(schema, strict);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(several)) => {
                for schema in several {
                    *schema = repair(schema, strict);
                }
            }
            ("items" | "additionalProperties" | "not", one) => *one = repair(one, strict),
            _ => (),
        }
    }
    if fields.get("type").is_some_and(|kind| kind == "array") && !fields.contains_key("items") {
        fields.insert("items".into(), json!({}));
    }
    if let Some(Value::Array(required)) = fields.get_mut("required") {
        let names: HashMap<String, String> = safe_names(schema).into_iter().collect();
        let safe = |name: &Value| names.get(name.as_str()?).map(|safe| Value::from(safe.as_str()));
        *required = required.iter().filter_map(safe).collect();
    }
    if strict && fields.contains_key("properties") {
        let all: Vec<String> = safe_names(schema).into_iter().map(|(_, safe)| safe).collect();
        fields.insert("required".into(), all.into());
        fields.insert("additionalProperties".into(), false.into());
    }
    Value::Object(fields)
}

fn repair_properties(schema: &Value, strict: bool) -> Value {
    let required = required_names(schema);
    let named = safe_names(schema).into_iter().map(|(original, safe)| {
        let property = repair(&schema["properties"][&original], strict);
        let optional = strict && !required.contains(original.as_str());
        (safe, if optional { json!({ "anyOf": [property, { "type": "null" }] }) } else { property })
    });
    Value::Object(named.collect())
}

fn required_names(schema: &Value) -> HashSet<&str> {
    let names = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    work::count_steps(names.len());
    names.iter().filter_map(Value::as_str).collect()
}

/// Returns the names of the properties, each with the name it is sent by.
fn safe_names(schema: &Value) -> Vec<(String, String)> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let is_safe = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-');
    let is_plain = |name: &str| !name.is_empty() && name.len() <= MAX_NAME_LEN && name.chars().all(is_safe);
    let mut names: Vec<(String, String)> = Vec::new();
    let mut taken: HashSet<String> = HashSet::new();
    let mut last_numbers: HashMap<String, u32> = HashMap::new();
    for original in properties.keys() {
        if is_plain(original) {
            names.push((original.clone(), original.clone()));
            continue;
        }
        let mut base: String = original.chars().map(|char| if is_safe(char) { char } else { '_' }).collect();
        base.truncate(MAX_NAME_LEN - 8);
        let number = last_numbers.entry(base.clone()).or_default();
        let safe = loop {
            work::count_steps(1);
            *number += 1;
            let name = format!("{base}_{number}");
            if !properties.contains_key(&name) && taken.insert(name.clone()) {
                break name;
            }
        };
        names.push((original.clone(), safe));
    }
    names
}

fn restore_value(root: &Value, schema: &Value, strict: bool, value: Value) -> Value {
    let schema = resolve_ref(root, schema);
    match value {
        Value::Object(fields) => Value::Object(restore_fields(root, schema, strict, fields)),
        Value::Array(values) => {
            let item = &items_schema(root, schema);
            Value::Array(values.into_iter().map(|value| restore_value(root, item, strict, value)).collect())
        }
        value => value,
    }
}

fn restore_fields(root: &Value, schema: &Value, strict: bool, fields: Map<String, Value>) -> Map<String, Value> {
    let schema = best_schema(root, schema, &fields);
    let names: HashMap<String, String> =
        safe_names(schema).into_iter().map(|(original, safe)| (safe, original)).collect();
    let required = required_names(schema);
    let mut restored = Map::new();
    for (key, value) in fields {
        match names.get(&key) {
            Some(original) if strict && value.is_null() && !required.contains(original.as_str()) => (),
            Some(original) => {
                let value = restore_value(root, &schema["properties"][original], strict, value);
                restored.insert(original.clone(), value);
            }
            None => {
                let value = restore_value(root, &schema["additionalProperties"], strict, value);
                restored.insert(key, value);
            }
        }
    }
    restored
}

/// Returns the schema itself, or the alternative that has most of these fields.
fn best_schema<'a>(root: &'a Value, schema: &'a Value, fields: &Map<String, Value>) -> &'a Value {
    let known = |schema: &Value| safe_names(schema).iter().filter(|(_, safe)| fields.contains_key(safe)).count();
    let several = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    let several = several.map(|schema| resolve_ref(root, schema));
    several.fold(schema, |best, other| if known(other) > known(best) { other } else { best })
}

fn items_schema(root: &Value, schema: &Value) -> Value {
    let several = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    let mut all = std::iter::once(schema).chain(several).map(|schema| resolve_ref(root, schema));
    all.find_map(|schema| schema.get("items")).cloned().unwrap_or_default()
}

/// Follows a reference within the schema.
fn resolve_ref<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|place| root.pointer(place.strip_prefix('#')?));
    target.filter(|target| target.get("$ref").is_none()).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_ascii_are_replaced_in_linear_time() {
        let schema = work::heavy_inputs::schema_without_ascii;
        work::assert_linear("to the wire", 8000, schema, |schema| {
            to_wire(schema, true);
        });
        let arguments = |size| {
            let schema = schema(size);
            let sent = to_wire(&schema, true).parameters;
            let fields = sent["properties"].as_object().cloned().unwrap_or_default();
            (schema, Value::Object(fields.into_iter().map(|(name, _)| (name, "x".into())).collect()))
        };
        work::assert_linear("from the wire", 8000, arguments, |(schema, arguments)| {
            let restored = restore_arguments(schema, true, arguments.clone());
            let fields = restored.as_object().map_or(0, Map::len);
            assert_eq!(Some(fields), schema["properties"].as_object().map(Map::len));
        });
    }

    #[test]
    fn a_good_schema_is_sent_unchanged() {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
        assert_eq!(to_wire(&schema, false), WireSchema { parameters: schema.clone(), strict: false });
        let arguments = json!({ "city": "Paris", "more": 1 });
        assert_eq!(restore_arguments(&schema, false, arguments.clone()), arguments);
    }

    #[test]
    fn every_schema_becomes_the_schema_of_an_object() {
        let empty = json!({ "type": "object", "properties": {} });
        for nothing in [json!(null), json!({}), json!(true), json!({ "type": "object" }), json!([1])] {
            assert_eq!(to_wire(&nothing, false).parameters, empty, "{nothing}");
            assert_eq!(restore_arguments(&nothing, false, json!({ "a": 1 })), json!({ "a": 1 }), "{nothing}");
        }
        for one in [json!({ "type": "string" }), json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] })] {
            assert_eq!(to_wire(&one, false).parameters["properties"][WRAPPED_ARGUMENT], one);
            assert_eq!(restore_arguments(&one, false, json!({ "value": "x" })), json!("x"));
        }
    }

    #[test]
    fn what_stands_for_nothing_in_a_schema_is_mended_at_every_depth() {
        let odd = json!({
            "type": [], "title": null, "description": ["x"], "required": null, "$defs": [],
            "properties": {
                "a": { "type": "string", "enum": null, "default": null },
                "b": { "type": "object", "properties": [], "required": "c", "additionalProperties": [] },
                "c": null,
                "d": { "type": "array", "items": [], "enum": [] },
                "e": { "anyOf": [{ "type": "integer", "format": 5 }, { "required": false }], "oneOf": [] },
            },
        });
        let sent = to_wire(&odd, false).parameters;
        assert_eq!(
            sent,
            json!({
                "type": "object",
                "properties": {
                    "a": { "type": "string", "default": null },
                    "b": { "type": "object", "properties": {}, "required": [], "additionalProperties": {} },
                    "c": {},
                    "d": { "type": "array", "items": {} },
                    "e": { "anyOf": [{ "type": "integer" }, {}] },
                },
            })
        );
        let arguments = json!({ "a": "x", "b": { "y": [1] } });
        assert_eq!(restore_arguments(&odd, false, arguments.clone()), arguments);
        for nothing in [json!([]), json!({ "properties": [] }), json!({ "type": null, "required": [] })] {
            assert!(to_wire(&nothing, false).parameters["properties"].is_object(), "{nothing}");
        }
    }

    #[test]
    fn names_that_providers_refuse_are_replaced_and_restored_at_every_depth() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {
                "größe": { "type": "integer" },
                "gr__e_1": { "type": "integer" },
                "list": { "type": "array", "items": { "$ref": "#/$defs/point" } },
                "bare": { "type": "array" },
                "either": { "anyOf": [{ "type": "object", "properties": { "a b": {} } }, { "type": "null" }] },
            },
            "required": ["größe", "gone"],
            "$defs": { "point": { "type": "object", "properties": { "$x": { "type": "number" } } } },
        });
        let out = to_wire(&schema, false).parameters;
        insta::assert_snapshot!(out.to_string(), @r##"{"type":"object","properties":{"gr__e_2":{"type":"integer"},"gr__e_1":{"type":"integer"},"list":{"type":"array","items":{"$ref":"#/$defs/point"}},"bare":{"type":"array","items":{}},"either":{"anyOf":[{"type":"object","properties":{"a_b_1":{}}},{"type":"null"}]}},"required":["gr__e_2"],"$defs":{"point":{"type":"object","properties":{"_x_1":{"type":"number"}}}}}"##);
        let arguments = json!({ "gr__e_2": 3, "gr__e_1": 4, "list": [{ "_x_1": 1.5 }], "either": { "a_b_1": true } });
        assert_eq!(
            restore_arguments(&schema, false, arguments),
            json!({ "größe": 3, "gr__e_1": 4, "list": [{ "$x": 1.5 }], "either": { "a b": true } })
        );
    }

    #[test]
    fn a_schema_is_strict_only_if_every_node_has_a_type() {
        let object = |property: Value| json!({ "type": "object", "properties": { "a": property } });
        for (property, strict) in [
            (json!({ "type": "string" }), true),
            (json!({ "type": ["string", "null"] }), true),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }), true),
            (json!({ "type": "array", "items": { "type": "string" } }), true),
            (json!({ "description": "anything" }), false),
            (json!({}), false),
            (json!(true), false),
            (json!({ "enum": ["x", "y"] }), false),
            (json!({ "type": "array" }), false),
            (json!({ "type": "array", "items": {} }), false),
            (json!({ "anyOf": [{ "type": "string" }, {}] }), false),
            (object(json!({ "description": "deep" })), false),
        ] {
            assert_eq!(to_wire(&object(property.clone()), true).strict, strict, "{property}");
        }
    }

    #[test]
    fn a_strict_schema_has_nothing_optional_and_null_means_left_out() {
        let schema = json!({
            "type": "object", "required": ["path"],
            "properties": { "path": { "type": "string" }, "limit": { "type": "integer" } },
        });
        let out = to_wire(&schema, true);
        assert!(out.strict);
        insta::assert_snapshot!(out.parameters.to_string(), @r##"{"type":"object","required":["path","limit"],"properties":{"path":{"type":"string"},"limit":{"anyOf":[{"type":"integer"},{"type":"null"}]}},"additionalProperties":false}"##);
        assert_eq!(restore_arguments(&schema, true, json!({ "path": "x", "limit": null })), json!({ "path": "x" }));
        assert_eq!(
            restore_arguments(&schema, true, json!({ "path": null, "limit": 1 })),
            json!({ "path": null, "limit": 1 })
        );
        let free = json!({ "type": "object", "properties": { "env": { "type": "object" } } });
        assert!(!to_wire(&free, true).strict, "a free table cannot be strict");
    }
}
