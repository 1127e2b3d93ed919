//! The validator of request bodies reports what breaks a schema, and nothing else.

use serde_json::{Value, json};

use crate::support::json_schema::violations;

fn schema() -> Value {
    json!({
        "$defs": { "part": { "oneOf": [{ "type": "string" }, { "type": "integer" }, { "const": 7 }] } },
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": { "enum": ["a", "b"], "description": "only these" },
            "parts": { "type": "array", "items": { "$ref": "#/$defs/part" } },
            "limit": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
        },
        "additionalProperties": { "type": "boolean" },
    })
}

#[test]
fn a_body_that_keeps_every_rule_has_no_violations() {
    for body in [json!({ "kind": "a" }), json!({ "kind": "b", "parts": ["x", 3.0], "limit": null, "more": true })] {
        assert_eq!(violations(&schema(), &body), [""; 0], "{body}");
    }
}

#[test]
fn each_broken_rule_is_reported_with_its_path() {
    for (body, path) in [
        (json!([]), ""),
        (json!({}), ""),
        (json!({ "kind": "c" }), "/kind"),
        (json!({ "kind": "a", "parts": {} }), "/parts"),
        (json!({ "kind": "a", "parts": ["x", null] }), "/parts/1"),
        (json!({ "kind": "a", "parts": [7] }), "/parts/0"),
        (json!({ "kind": "a", "limit": "none" }), "/limit"),
        (json!({ "kind": "a", "more": 1 }), "/more"),
    ] {
        let found = violations(&schema(), &body);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{path}: ")), "{body}: {found:?}");
    }
}

#[test]
#[should_panic(expected = "the schema uses minLength, which is not implemented")]
fn an_unknown_keyword_is_not_skipped() {
    violations(&json!({ "type": "string", "minLength": 1 }), &json!(""));
}
