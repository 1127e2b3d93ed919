//! Messages of the protocol as servers really write them. What is odd in one is mended, and costs nothing else.

use rmcp::model::{
    CallToolResult, ClientJsonRpcMessage, ClientRequest, DiscoverResult, ErrorCode, ErrorData, InitializeResult,
    ListToolsResult, RequestId, ServerJsonRpcMessage, ServerResult,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{client::ServerLog, mended_results};
use crate::text;

/// The code of an answer that takes the place of one that is too long. No server uses this one or the next.
pub(super) const TOO_LONG_CODE: i32 = -32_099;
/// The code of an answer that takes the place of one that cannot be understood.
pub(super) const GARBLED_CODE: i32 = -32_098;
/// The code of an answer that takes the place of one that was lost together with its server.
pub(super) const LOST_CODE: i32 = -32_097;
/// The code of an error that has only words.
pub(super) const WORDS_CODE: i32 = -32_096;

/// A request that waits for its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenRequest {
    pub id: RequestId,
    pub kind: RequestKind,
}

/// What a request asks for, which decides how its result is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    Initialize,
    Discover,
    ListTools,
    CallTool,
    Other,
}

/// What a JSON value can be as a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageShape {
    Reply,
    /// A request or a notification from the server.
    FromServer,
}

impl MessageShape {
    /// Returns `None` for a value that is no message, such as a row of a log.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let fields = value.as_object()?;
        let (is_marked, has_id) = (fields.contains_key("jsonrpc"), fields.get("id").is_some_and(|id| !id.is_null()));
        if let Some(Value::String(method)) = fields.get("method") {
            return (is_marked || has_id || method.starts_with("notifications/")).then_some(Self::FromServer);
        }
        let is_answer = fields.contains_key("result") || fields.contains_key("error");
        ((is_answer || has_id) && is_marked || is_answer && has_id).then_some(Self::Reply)
    }
}

impl OpenRequest {
    /// Returns `None` for a message that gets no reply.
    pub(super) fn of(message: &ClientJsonRpcMessage) -> Option<Self> {
        let ClientJsonRpcMessage::Request(request) = message else { return None };
        let kind = match request.request {
            ClientRequest::InitializeRequest(_) => RequestKind::Initialize,
            ClientRequest::DiscoverRequest(_) => RequestKind::Discover,
            ClientRequest::ListToolsRequest(_) => RequestKind::ListTools,
            ClientRequest::CallToolRequest(_) => RequestKind::CallTool,
            _ => RequestKind::Other,
        };
        Some(Self { id: request.id.clone(), kind })
    }

    /// Whether this is the request with that id. Servers also write a number as text or as a fraction.
    pub(super) fn has_id(&self, id: &Value) -> bool {
        match &self.id {
            RequestId::String(own) => id.as_str() == Some(&**own),
            RequestId::Number(own) => id_number(id) == Some(*own),
        }
    }

    /// Reads the reply to this request. If it names no request, its words count nevertheless.
    pub(super) fn read_reply(&self, reply: Value, log: &ServerLog) -> ServerJsonRpcMessage {
        let Value::Object(mut reply) = reply else { return self.fail(GARBLED_CODE, "it is no message") };
        let result = reply.remove("result");
        if let Some(error) = reply.get("error").filter(|error| says_something(error, result.is_some())) {
            return self.refuse(read_error(error));
        }
        match reply.get("id") {
            Some(id) if !id.is_null() && !self.has_id(id) => {
                self.fail(GARBLED_CODE, format!("it answers another request ({id})"))
            }
            _ => self.read_result(result.unwrap_or_default(), log),
        }
    }

    fn read_result(&self, result: Value, log: &ServerLog) -> ServerJsonRpcMessage {
        let typed = match self.kind {
            RequestKind::Initialize => to_result::<InitializeResult>(mended_results::introduction(result, log)),
            RequestKind::Discover => match mended_results::discovery(result, log) {
                Some(found) => to_result::<DiscoverResult>(found),
                None => return self.fail(ErrorCode::METHOD_NOT_FOUND.0, "it knows no discovery"),
            },
            RequestKind::ListTools => to_result::<ListToolsResult>(mended_results::tool_list(result, log)),
            RequestKind::CallTool if !mended_results::is_complete(&result) => serde_json::from_value(result),
            RequestKind::CallTool => to_result::<CallToolResult>(mended_results::call_result(result, log)),
            RequestKind::Other => serde_json::from_value(result),
        };
        match typed {
            Ok(result) => ServerJsonRpcMessage::response(result, self.id.clone()),
            Err(error) => self.fail(GARBLED_CODE, text::error_words(&error)),
        }
    }

    /// An error in place of the reply.
    pub(super) fn fail(&self, code: i32, why: impl Into<String>) -> ServerJsonRpcMessage {
        let why: String = why.into();
        self.refuse(ErrorData::new(ErrorCode(code), why, None))
    }

    pub(super) fn refuse(&self, error: ErrorData) -> ServerJsonRpcMessage {
        ServerJsonRpcMessage::error(error, Some(self.id.clone()))
    }
}

/// Whether a value that came as the answer to one request is its reply. There it needs no mark and no id.
pub(super) fn is_reply(value: &Value) -> bool {
    let has = |name: &str| value.get(name).is_some();
    MessageShape::of(value) == Some(MessageShape::Reply) || !has("method") && (has("result") || has("error"))
}

/// Reads a request or a notification from the server; `None` if it has a form that nobody knows.
pub(super) fn read_from_server(message: Value) -> Option<ServerJsonRpcMessage> {
    let Value::Object(mut fields) = message else { return None };
    fields.insert("jsonrpc".into(), "2.0".into());
    if fields.get("id").is_some_and(Value::is_null) {
        fields.shift_remove("id"); // A notification.
    }
    serde_json::from_value(Value::Object(fields)).ok()
}

/// The number that an id is, or that it spells.
pub(super) fn id_number(id: &Value) -> Option<i64> {
    match id {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => {
            let whole = || number.as_f64().filter(|float| float.fract() == 0.0);
            number.as_i64().or_else(|| whole().map(|float| float as i64))
        }
        _ => None,
    }
}

fn to_result<T: DeserializeOwned + Into<ServerResult>>(value: Value) -> serde_json::Result<ServerResult> {
    serde_json::from_value::<T>(value).map(Into::into)
}

/// Whether an error is one. Some servers write an empty one beside every result.
fn says_something(error: &Value, has_result: bool) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Object(fields) if has_result => words_in(fields.get("message").unwrap_or(&Value::Null)).is_some(),
        error => !has_result || words_in(error).is_some(),
    }
}

/// Reads an error of any form: an object with odd fields, a text, a list.
pub(super) fn read_error(error: &Value) -> ErrorData {
    let code = error.get("code").and_then(id_number).and_then(|code| i32::try_from(code).ok()).unwrap_or(WORDS_CODE);
    let words = words_in(error).unwrap_or_else(|| "it reports an error without saying which".into());
    ErrorData::new(ErrorCode(code), words, error.get("data").cloned())
}

/// The fields of an error that may hold its words, the best first.
const WORD_FIELDS: [&str; 10] =
    ["message", "error", "error_description", "detail", "details", "reason", "title", "description", "msg", "errors"];

/// How many entries of a list of errors are read.
const MAX_LISTED_WORDS: usize = 5;

/// The words of an error in JSON.
pub(super) fn words_in(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(list) => {
            let words: Vec<String> = list.iter().take(MAX_LISTED_WORDS).filter_map(words_in).collect();
            (!words.is_empty()).then(|| words.join("; "))
        }
        Value::Object(fields) => {
            let named = WORD_FIELDS.iter().find_map(|name| words_in(fields.get(*name)?));
            named.or_else(|| (!fields.is_empty()).then(|| value.to_string()))
        }
    }
}

/// The fields of an object; none of any other value.
pub(super) fn into_fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(kind: RequestKind) -> OpenRequest {
        OpenRequest { id: RequestId::Number(3), kind }
    }

    /// Reads a reply, and writes it out again.
    fn read(kind: RequestKind, reply: Value) -> Value {
        let (log, _notices) = ServerLog::new();
        serde_json::to_value(request(kind).read_reply(reply, &log)).expect("it can be written")
    }

    #[test]
    fn a_message_is_known_by_its_fields_and_a_log_row_is_none() {
        for (value, shape) in [
            (json!({ "jsonrpc": "2.0", "id": 1, "result": {} }), Some(MessageShape::Reply)),
            (json!({ "id": 1, "result": null }), Some(MessageShape::Reply)),
            (json!({ "jsonrpc": "2.0", "id": 1 }), Some(MessageShape::Reply)),
            (json!({ "jsonrpc": "2.0", "id": null, "error": "no" }), Some(MessageShape::Reply)),
            (json!({ "jsonrpc": "2.0", "method": "ping", "id": 4 }), Some(MessageShape::FromServer)),
            (json!({ "method": "notifications/message" }), Some(MessageShape::FromServer)),
            (json!({ "jsonrpc": "2.0" }), None),
            (json!({ "level": "info", "msg": "ready" }), None),
            (json!({ "error": "cannot reach the host", "level": "warn" }), None),
            (json!({ "method": "GET", "path": "/" }), None),
            (json!([1]), None),
        ] {
            assert_eq!(MessageShape::of(&value), shape, "{value}");
        }
    }

    #[test]
    fn an_error_is_read_in_any_form_and_an_empty_one_beside_a_result_is_none() {
        let error = |error: Value| {
            let read = read(RequestKind::CallTool, json!({ "jsonrpc": "2.0", "id": 3, "error": error }));
            (read["error"]["code"].as_i64().unwrap_or_default(), read["error"]["message"].clone())
        };
        let words = i64::from(WORDS_CODE);
        assert_eq!(error(json!("no quota")), (words, json!("no quota")));
        assert_eq!(error(json!({ "code": "-32000", "message": "gone" })), (-32000, json!("gone")));
        assert_eq!(error(json!({ "code": 1.0, "error": { "detail": "deep" } })), (1, json!("deep")));
        assert_eq!(error(json!(["a", { "msg": "b" }])), (words, json!("a; b")));
        assert_eq!(error(json!({ "code": 7 })), (7, json!("{\"code\":7}")));
        assert_eq!(error(json!({})), (words, json!("it reports an error without saying which")));
        for empty in [json!(null), json!(false), json!({}), json!(""), json!({ "code": 0, "message": "" })] {
            let read = read(RequestKind::CallTool, json!({ "id": 3, "error": empty, "result": { "content": "ok" } }));
            assert_eq!(read["result"]["content"][0]["text"], "ok", "{read}");
        }
    }

    #[test]
    fn a_reply_that_names_no_request_counts_by_its_words() {
        for id in [json!(null), json!("server-error"), json!(99)] {
            let error = read(RequestKind::CallTool, json!({ "id": id, "error": { "message": "no session" } }));
            assert_eq!((&error["id"], &error["error"]["message"]), (&json!(3), &json!("no session")));
        }
        for id in [json!(3), json!("3"), json!(3.0), json!(null)] {
            let result = read(RequestKind::CallTool, json!({ "id": id, "result": { "content": [] } }));
            assert_eq!(result["id"], 3, "{result}");
            assert!(result.get("result").is_some(), "{result}");
        }
        let strange = read(RequestKind::CallTool, json!({ "id": 8, "result": { "content": [] } }));
        assert_eq!(strange["error"]["message"], "it answers another request (8)");
    }
}
