//! Short ways to the fields of JSON that others wrote.

use jiff::civil::DateTime;
use serde_json::Value;

use crate::chat::{
    Timestamp,
    nanos::{from_nanos, to_nanos},
};

/// A text field; `None` if it is blank.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}

/// A text field as its own text; empty if there is none.
pub(super) fn owned(value: &Value, key: &str) -> String {
    text(value, key).unwrap_or_default().to_owned()
}

/// The entries of a list; none if it is no list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A time in any of the forms that programs write.
pub(super) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    time_of(value.get(key)?)
}

/// A time: seconds, milliseconds, microseconds or nanoseconds since 1970, or a text.
pub(super) fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => time_of_number(number.as_f64()?),
        Value::String(text) => time_of_text(text),
        _ => None,
    }
}

fn time_of_number(number: f64) -> Option<Timestamp> {
    let nanos_each = match number.abs() {
        size if size < 1e11 => 1e9,
        size if size < 1e14 => 1e6,
        size if size < 1e17 => 1e3,
        _ => 1.0,
    };
    if !number.is_finite() || number <= 0.0 {
        return None;
    }
    // Microseconds are as exact as a number with a fraction is.
    let micros = (number * (nanos_each / 1e3)).round();
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped to what fits")]
    let nanos = micros.clamp(0.0, 9.2e15) as i64 * 1000;
    Some(from_nanos(nanos))
}

/// A time as a text: with its zone, or in UTC without one, as databases write it.
pub(super) fn time_of_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = || text.parse::<Timestamp>().ok();
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp());
    let time = zoned().or_else(civil).or_else(|| time_of_number(text.parse().ok()?))?;
    Some(from_nanos(to_nanos(time)))
}

/// A count of tokens.
pub(super) fn count(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let same = ["2024-05-01T12:00:00.250Z", "2024-05-01 14:00:00.25+02:00", "2024-05-01 12:00:00.250000"];
        for text in same {
            assert_eq!(time_of(&json!(text)).expect(text).to_string(), "2024-05-01T12:00:00.25Z");
        }
        for number in [json!(1_714_564_800.25), json!(1_714_564_800_250_i64), json!(1_714_564_800_250_000_000_i64)] {
            assert_eq!(time_of(&number).expect("a time").to_string(), "2024-05-01T12:00:00.25Z");
        }
        for none in [json!("yesterday"), json!(null), json!(0), json!(-5), json!("")] {
            assert_eq!(time_of(&none), None, "{none}");
        }
        assert!(time_of(&json!(1e300)).is_some(), "it is clamped");
    }
}
