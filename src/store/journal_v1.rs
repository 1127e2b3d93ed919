//! Reads the journals of 0.1.0, whose lines have no version: an event in the form of the wire, with its step and time.
//!
//! Frozen: nothing writes this form any more.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    api::{ApiError, Event, json::JsonFields},
    chat::{Timestamp, journal::JournalLine},
};

/// The fields of a line beside those of its event.
#[derive(Deserialize)]
struct LineHead {
    v: Option<IgnoredAny>,
    step: u32,
    at: Timestamp,
}

/// Reads a line. Returns `None` if it has a version, or if a crash cut it off.
pub(super) fn parse_line(line: &str) -> Option<JournalLine> {
    let LineHead { v: None, step, at } = serde_json::from_str(line).ok()? else { return None };
    let fields = JsonFields::parse(line)?;
    let mut event = Event::parse(line);
    if let Event::Failed(error) = &mut event
        && let Some(stored) = stored_error(&fields)
    {
        **error = stored;
    }
    if let Event::ResponseEnded(response) = &mut event
        && let Some(stored) = fields.object("response").and_then(|response| stored_error(&response.object("error")?))
    {
        response.error = Some(stored);
    }
    Some(JournalLine::new(step, at, event))
}

/// Reads an error as 0.1.0 had read it from the server. Only a journal has this field: from a socket it means nothing.
fn stored_error(fields: &JsonFields) -> Option<ApiError> {
    serde_json::from_str(fields.raw("as_read")?.get()).ok()
}
