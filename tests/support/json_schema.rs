//! A validator for the part of JSON Schema that OpenRouter's published schema uses.

use serde_json::{Map, Value};

/// The keywords that only describe.
const ANNOTATIONS: [&str; 5] = ["$defs", "default", "deprecated", "description", "format"];

/// Returns every violation as a path and a reason. Panics on a keyword that this validator does not know, so that no
/// rule of a newer schema is skipped in silence. `$ref` refers to the `$defs` of `root`.
pub fn violations(root: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(root, root, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let rules = match schema {
        Value::Bool(true) => return,
        Value::Object(rules) => rules,
        _ => return found.push(format!("{path}: not allowed")),
    };
    for (keyword, rule) in rules {
        let holds = match keyword.as_str() {
            "$ref" => {
                check(root, definition(root, rule), value, path, found);
                true
            }
            "type" => has_type(value, rule.as_str().expect("a type is a name")),
            "const" => value == rule,
            "enum" => list(rule).contains(value),
            "anyOf" => count_matches(root, rule, value) > 0,
            "oneOf" => count_matches(root, rule, value) == 1,
            "required" => {
                value.as_object().is_none_or(|object| list(rule).iter().all(|name| object.contains_key(text(name))))
            }
            "properties" => {
                for (name, rule) in rule.as_object().expect("properties are an object") {
                    if let Some(value) = value.get(name) {
                        check(root, rule, value, &format!("{path}/{name}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !is_named(rules, name))
                {
                    check(root, rule, value, &format!("{path}/{name}"), found);
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, value, &format!("{path}/{index}"), found);
                }
                true
            }
            other => {
                assert!(ANNOTATIONS.contains(&other), "the schema uses {other}, which is not implemented");
                true
            }
        };
        if !holds {
            found.push(format!("{path}: {value} violates {keyword} {rule}"));
        }
    }
}

fn definition<'a>(root: &'a Value, reference: &Value) -> &'a Value {
    let pointer = text(reference).strip_prefix('#').expect("a reference points into the schema");
    root.pointer(pointer).unwrap_or_else(|| panic!("{reference} is not defined"))
}

fn count_matches(root: &Value, schemas: &Value, value: &Value) -> usize {
    let matches = |schema: &&Value| {
        let mut found = Vec::new();
        check(root, schema, value, "", &mut found);
        found.is_empty()
    };
    list(schemas).iter().filter(matches).count()
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is not a type"),
    }
}

fn is_named(rules: &Map<String, Value>, name: &str) -> bool {
    rules.get("properties").is_some_and(|properties| properties.get(name).is_some())
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("the rule is a list")
}

fn text(rule: &Value) -> &str {
    rule.as_str().expect("the rule is a text")
}
