//! YAML as a JSON value, event by event. Aliases are refused: with them a small file can mean a huge one.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The most levels of a document.
const MAX_DEPTH: usize = 64;

/// A list or a map that is not complete.
enum OpenNode {
    List(Vec<Value>),
    Map { entries: Map<String, Value>, key: Option<String> },
}

/// Reads the first document of a text.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut open: Vec<OpenNode> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| format!("it is not YAML: {}", crate::text::error_words(&error)))?;
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                open.push(OpenNode::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(OpenNode::Map { entries: Map::new(), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(OpenNode::List(values)) => Value::Array(values),
                Some(OpenNode::Map { entries, .. }) => Value::Object(entries),
                None => continue,
            },
            Event::Alias(_) => return Err("it has aliases, which are not read".into()),
            _ => continue,
        };
        if open.len() > MAX_DEPTH {
            return Err("it has too many levels".into());
        }
        match open.last_mut() {
            None => return Ok(value),
            Some(OpenNode::List(values)) => values.push(value),
            Some(OpenNode::Map { entries, key }) => match key.take() {
                Some(key) => {
                    entries.insert(key, value);
                }
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            },
        }
    }
    Err("it has no YAML document".into())
}

/// A plain scalar may be a number or a word; others are texts.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => Value::Number(number),
            Err(_) => text.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_as_json() {
        let text =
            "model: a:b\ntemperature: 0.5\nlist:\n- role: user\n  content: |-\n    one\n    two\n- 'x: 1'\n- null\n";
        let value = json!({
            "model": "a:b", "temperature": 0.5, "list": [{ "role": "user", "content": "one\ntwo" }, "x: 1", null],
        });
        assert_eq!(parse(text), Ok(value));
    }

    #[test]
    fn aliases_depth_and_other_text_are_refused() {
        assert_eq!(parse("a: &x [1]\nb: *x\n"), Err("it has aliases, which are not read".into()));
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("a: [1").is_err());
        assert!(parse("").is_err());
    }
}
