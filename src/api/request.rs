//! What we ask: the body of `POST /responses`.

use serde::Serialize;
use serde_json::value::RawValue;

/// The body as it is sent; what is `None` or empty is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    pub input: Vec<Box<RawValue>>,
    pub stream: bool,
}
