//! Lenient JSON reading: a field that is null or has the wrong type counts as missing, and nothing else is lost.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The fields of a JSON object, unparsed. The last of duplicate keys counts. Nesting may have any depth.
#[derive(Debug, Default)]
pub struct JsonFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> JsonFields<'a> {
    /// Parses a JSON object. Returns `None` if this is not one.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Returns the unparsed value of a field, or `None` if it is missing or null.
    pub fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(name, _)| name == key)?;
        (value.get() != "null").then_some(*value)
    }

    pub fn text(&self, key: &str) -> Option<String> {
        text(self.raw(key)?)
    }

    /// Returns a string, or `None` if it is blank.
    pub fn non_blank(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.trim().is_empty())
    }

    /// Returns a non-negative integer, which may also be written as `12.0` or `"12"`.
    pub fn number(&self, key: &str) -> Option<u64> {
        let raw = self.raw(key)?.get().trim_matches('"');
        raw.parse().ok().or_else(|| {
            let number = raw.parse::<f64>().ok()?;
            #[expect(clippy::cast_sign_loss, reason = "negative numbers are excluded")]
            (0.0..1e15).contains(&number).then_some(number as u64)
        })
    }

    pub fn index(&self, key: &str) -> Option<u32> {
        self.number(key)?.try_into().ok()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.raw(key)?.get().parse().ok()
    }

    pub fn object(&self, key: &str) -> Option<Self> {
        Self::parse(self.raw(key)?.get())
    }

    /// Returns the elements of a list, or an empty list if it is not one.
    pub fn list(&self, key: &str) -> Vec<&'a RawValue> {
        self.raw(key).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// Returns the strings of a list.
    pub fn strings(&self, key: &str) -> Vec<String> {
        self.list(key).into_iter().filter_map(text).collect()
    }

    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// Returns whether a field says anything: not null, false, zero or empty.
    pub fn says(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| !["false", "0", "\"\"", "{}", "[]"].contains(&raw.get()))
    }

    /// Returns all fields in order, unparsed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }
}

/// Parses a JSON string. Lone surrogates become replacement characters.
pub fn text(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    if !json.starts_with('"') {
        return None;
    }
    serde_json::from_str(json).ok().or_else(|| serde_json::from_str(&without_lone_surrogates(json)).ok())
}

fn without_lone_surrogates(json: &str) -> String {
    let mut fixed = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(backslash) = rest.find('\\') {
        fixed += &rest[..backslash];
        rest = &rest[backslash..];
        // An escape is `\uXXXX` or a backslash and one character.
        let (length, is_valid) = match (escaped_unit(rest), rest.get(6..).and_then(escaped_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, true),
            (Some(0xd800..=0xdfff), _) => (6, false),
            (Some(_), _) => (6, true),
            (None, _) => (rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end), true),
        };
        fixed += if is_valid { &rest[..length] } else { "\\ufffd" };
        rest = &rest[length..];
    }
    fixed + rest
}

fn escaped_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[derive(Deserialize)]
struct JsonKey<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = JsonFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some((JsonKey(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(JsonFields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Returns where a text stops being JSON, in words for the user and the model.
pub fn syntax_problem(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "it ends too early".into()
    } else {
        format!("it goes wrong in line {}, at character {}", error.line(), error.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_null_or_of_the_wrong_type_are_missing() {
        let fields = JsonFields::parse(r#"{"a":null,"n":"12","f":3.0,"neg":-1,"t":5,"l":{},"big":1e400,"o":[1]}"#)
            .expect("an object");
        assert!(!fields.has("a") && !fields.has("missing"));
        assert_eq!((fields.number("n"), fields.number("f"), fields.number("neg")), (Some(12), Some(3), None));
        assert_eq!((fields.text("t"), fields.number("big")), (None, None));
        assert!(fields.list("l").is_empty() && fields.object("o").is_none());
        assert!(JsonFields::parse("[1]").is_none() && JsonFields::parse("").is_none());
    }

    #[test]
    fn the_last_duplicate_key_counts_and_depth_is_unlimited() {
        let deep = format!(r#"{{"a":1,"d":{}{},"a":2}}"#, "[".repeat(100), "]".repeat(100));
        let fields = JsonFields::parse(&deep).expect("an object");
        assert_eq!(fields.number("a"), Some(2));
        assert_eq!(fields.raw("d").map(|raw| raw.get().len()), Some(200));
    }

    #[test]
    fn a_lone_surrogate_becomes_a_replacement_character() {
        let text = |json: &str| JsonFields::parse(json).and_then(|fields| fields.text("t"));
        assert_eq!(
            text(r#"{"t":"a\ud83db\\ud83d \ud83d\ude00 \ude00é\n"}"#).as_deref(),
            Some("a\u{fffd}b\\ud83d 😀 \u{fffd}é\n")
        );
        assert_eq!(text(r#"{"t":"\ud83d"}"#).as_deref(), Some("\u{fffd}"));
        assert_eq!(text(r#"{"t":"\ud83d\ud83d\ude00"}"#).as_deref(), Some("\u{fffd}😀"));
    }
}
