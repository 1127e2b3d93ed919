//! Results of servers, read piece by piece: what is odd is mended or left out, and named in the log.

use rmcp::model::{Icon, ProtocolVersion};
use serde_json::{Map, Value, json};

use super::{LogSource, client::ServerLog, replies::into_fields};

/// The parts that were mended or left out.
#[derive(Default)]
struct OddParts(Vec<String>);

impl OddParts {
    fn note(&mut self, part: impl Into<String>) {
        self.0.push(part.into());
    }

    /// Names them in the server's log, where the list of tools shows them.
    fn report(self, subject: &str, log: &ServerLog) {
        if !self.0.is_empty() {
            log.push_line(LogSource::Ibid, &format!("odd in {subject}: {}", self.0.join(", ")));
        }
    }

    /// Returns a text of a field. Anything else than a text counts as odd, except nothing.
    fn text(&mut self, fields: &mut Map<String, Value>, name: &str, owner: &str) -> Option<Value> {
        match fields.remove(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.into()),
            number @ Value::Number(_) => Some(number.to_string().into()),
            Value::Array(lines) if lines.iter().all(Value::is_string) => {
                self.note(format!("{owner}{name}"));
                Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n").into())
            }
            _ => {
                self.note(format!("{owner}{name}"));
                None
            }
        }
    }

    fn check_icons(&mut self, fields: &Map<String, Value>, owner: &str) {
        let icons = fields.get("icons").filter(|icons| !icons.is_null());
        if icons.is_some_and(|icons| serde_json::from_value::<Vec<Icon>>(icons.clone()).is_err()) {
            self.note(format!("{owner}icons"));
        }
    }
}

/// Mends the result of `initialize`.
pub(super) fn introduction(result: Value, log: &ServerLog) -> Value {
    let (mut fields, mut odd) = (into_fields(result), OddParts::default());
    let version = odd.text(&mut fields, "protocolVersion", "").filter(|version| version != "");
    let version = version.unwrap_or_else(|| {
        odd.note("protocolVersion");
        ProtocolVersion::LATEST_WITH_INITIALIZE.as_str().into()
    });
    let mended = mended_introduction(fields, &mut odd, [("protocolVersion", version)]);
    odd.report("its introduction", log);
    mended
}

/// Mends the result of `server/discover`; `None` if it is something else.
pub(super) fn discovery(result: Value, log: &ServerLog) -> Option<Value> {
    let (mut fields, mut odd) = (into_fields(result), OddParts::default());
    let Some(Value::Array(mut versions)) = fields.remove("supportedVersions") else { return None };
    versions.retain(Value::is_string);
    if versions.is_empty() {
        return None;
    }
    let meta = fields.remove("_meta").filter(Value::is_object).unwrap_or_else(|| json!({}));
    let more = [
        ("resultType", "complete".into()),
        ("supportedVersions", versions.into()),
        ("ttlMs", 0.into()),
        ("cacheScope", "private".into()),
        ("_meta", meta),
    ];
    let mended = mended_introduction(fields, &mut odd, more);
    odd.report("its introduction", log);
    Some(mended)
}

fn mended_introduction<const N: usize>(
    mut fields: Map<String, Value>,
    odd: &mut OddParts,
    more: [(&str, Value); N],
) -> Value {
    let mut mended: Map<String, Value> = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    mended.insert("capabilities".into(), capabilities(fields.remove("capabilities"), odd));
    let mut server = into_fields(fields.remove("serverInfo").unwrap_or_default());
    odd.check_icons(&server, "serverInfo.");
    let mut identity = Map::new();
    for name in ["name", "version", "title"] {
        let text = odd.text(&mut server, name, "serverInfo.");
        let required = || (name != "title").then(|| Value::from(""));
        identity.extend(text.or_else(required).map(|text| (name.to_owned(), text)));
    }
    mended.insert("serverInfo".into(), identity.into());
    let instructions = odd.text(&mut fields, "instructions", "");
    mended.extend(instructions.map(|text| ("instructions".to_owned(), text)));
    mended.into()
}

/// The capabilities that ibid uses. An empty list is how some languages write an empty object.
fn capabilities(value: Option<Value>, odd: &mut OddParts) -> Value {
    let mut mended = Map::new();
    let Some(Value::Object(all)) = value else {
        odd.note("capabilities");
        return mended.into();
    };
    for name in ["tools", "logging"] {
        let Some(value) = all.get(name).filter(|value| !matches!(value, Value::Null | Value::Bool(false))) else {
            continue;
        };
        let mut settings = Map::new();
        match value {
            Value::Object(given) => match given.get("listChanged") {
                Some(Value::Bool(changes)) => _ = settings.insert("listChanged".into(), (*changes).into()),
                None | Some(Value::Null) => (),
                Some(_) => odd.note(format!("capabilities.{name}.listChanged")),
            },
            _ => odd.note(format!("capabilities.{name}")),
        }
        mended.insert(name.into(), settings.into());
    }
    mended.into()
}

/// Mends the result of `tools/list`.
pub(super) fn tool_list(result: Value, log: &ServerLog) -> Value {
    let (mut fields, mut odd) = (into_fields(result), OddParts::default());
    let listed = match fields.remove("tools") {
        Some(Value::Array(list)) => list,
        Some(Value::Object(named)) => named.into_iter().map(with_name).collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(_) => {
            odd.note("the list itself");
            Vec::new()
        }
    };
    let tools: Vec<Value> =
        listed.into_iter().enumerate().filter_map(|(index, tool)| mended_tool(tool, index, &mut odd)).collect();
    let mut mended = Map::from_iter([("tools".to_owned(), Value::from(tools))]);
    let cursor = odd.text(&mut fields, "nextCursor", "").filter(|cursor| cursor != "");
    mended.extend(cursor.map(|cursor| ("nextCursor".to_owned(), cursor)));
    odd.report("its tools", log);
    mended.into()
}

/// Gives a tool the name that it has in an object of tools.
fn with_name((name, tool): (String, Value)) -> Value {
    let mut tool = into_fields(tool);
    tool.entry("name").or_insert_with(|| name.into());
    tool.into()
}

fn mended_tool(tool: Value, index: usize, odd: &mut OddParts) -> Option<Value> {
    let mut fields = into_fields(tool);
    let name = odd.text(&mut fields, "name", &format!("tool {}: ", index + 1)).filter(|name| name != "");
    let Some(name) = name else {
        odd.note(format!("tool {} without a name", index + 1));
        return None;
    };
    let owner = format!("{}: ", name.as_str().unwrap_or_default());
    let schema = match fields.remove("inputSchema") {
        Some(Value::Object(schema)) => schema.into(),
        Some(Value::String(text)) if serde_json::from_str::<Map<String, Value>>(&text).is_ok() => {
            odd.note(format!("{owner}inputSchema"));
            serde_json::from_str(&text).unwrap_or_default()
        }
        _ => {
            odd.note(format!("{owner}inputSchema"));
            json!({ "type": "object" })
        }
    };
    odd.check_icons(&fields, &owner);
    let mut mended = Map::new();
    for text in ["title", "description"] {
        mended.extend(odd.text(&mut fields, text, &owner).map(|value| (text.to_owned(), value)));
    }
    match fields.remove("annotations") {
        None | Some(Value::Null) => (),
        Some(Value::Object(annotations)) => {
            mended.insert("annotations".into(), mended_annotations(annotations, &owner, odd));
        }
        Some(_) => odd.note(format!("{owner}annotations")),
    }
    mended.insert("name".into(), name);
    mended.insert("inputSchema".into(), schema);
    Some(mended.into())
}

fn mended_annotations(mut annotations: Map<String, Value>, owner: &str, odd: &mut OddParts) -> Value {
    let owner = format!("{owner}annotations.");
    let mut mended = Map::new();
    mended.extend(odd.text(&mut annotations, "title", &owner).map(|title| ("title".to_owned(), title)));
    for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
        match annotations.remove(hint) {
            None | Some(Value::Null) => (),
            Some(value) => match as_bool(&value) {
                Some(is_set) => _ = mended.insert(hint.into(), is_set.into()),
                None => odd.note(format!("{owner}{hint}")),
            },
        }
    }
    mended.into()
}

/// Reads a truth value, also as other languages write it.
fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is_set) => Some(*is_set),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        Value::Number(number) => number.as_i64().filter(|number| (0..=1).contains(number)).map(|number| number == 1),
        _ => None,
    }
}

/// Whether the result of a call is its last. The newest protocol also knows others.
pub(super) fn is_complete(result: &Value) -> bool {
    result.get("resultType").and_then(Value::as_str).is_none_or(|kind| kind == "complete")
}

/// The fields that the result of a call may have.
const CALL_FIELDS: [&str; 6] = ["content", "structuredContent", "isError", "toolResult", "resultType", "_meta"];

/// Mends the result of `tools/call`.
pub(super) fn call_result(result: Value, log: &ServerLog) -> Value {
    let mut odd = OddParts::default();
    let mut fields = match result {
        Value::Object(fields) if fields.is_empty() || CALL_FIELDS.iter().any(|name| fields.contains_key(*name)) => {
            fields
        }
        Value::Null => Map::new(),
        Value::Object(fields) => {
            odd.note("its form");
            Map::from_iter([("structuredContent".to_owned(), fields.into())])
        }
        content => {
            odd.note("its form");
            Map::from_iter([("content".to_owned(), content)])
        }
    };
    let blocks = match fields.remove("content").or_else(|| fields.remove("toolResult")) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(blocks)) => blocks,
        Some(block) => {
            odd.note("content");
            vec![block]
        }
    };
    let content: Vec<Value> =
        blocks.into_iter().enumerate().filter_map(|(index, block)| mended_block(block, index + 1, &mut odd)).collect();
    let is_error = fields.get("isError").filter(|value| !value.is_null());
    let failed = is_error.and_then(as_bool).unwrap_or_default();
    if is_error.is_some_and(|value| as_bool(value).is_none()) {
        odd.note("isError");
    }
    let structured = fields.remove("structuredContent").filter(|value| !value.is_null());
    let mut mended =
        Map::from_iter([("content".to_owned(), Value::from(content)), ("isError".to_owned(), failed.into())]);
    mended.extend(structured.map(|value| ("structuredContent".to_owned(), value)));
    odd.report("a result", log);
    mended.into()
}

/// Mends a block of content; `None` if nothing of it can be read.
fn mended_block(block: Value, number: usize, odd: &mut OddParts) -> Option<Value> {
    let mut fields = match block {
        Value::Object(fields) => fields,
        Value::Null | Value::Array(_) => {
            odd.note(format!("block {number}"));
            return None;
        }
        text => Map::from_iter([("text".to_owned(), text)]),
    };
    let kind = block_kind(&fields).to_owned();
    let mended = match kind.as_str() {
        "text" => Some(text_block(fields.remove("text"))),
        kind @ ("image" | "audio") => Some(media_block(kind, &fields)),
        "resource" => fields.remove("resource").map(resource_block),
        "resource_link" => Some(link_block(&fields)),
        kind => {
            let said = fields.get("text").and_then(Value::as_str);
            let unknown = || format!("[content of an unknown kind: {kind}]");
            odd.note(format!("block {number}: type"));
            return Some(json!({ "type": "text", "text": said.map_or_else(unknown, str::to_owned) }));
        }
    };
    let mended = mended.flatten();
    if mended.is_none() {
        odd.note(format!("block {number}"));
    }
    mended
}

/// The kind of a block, also of one that only its fields tell.
fn block_kind(fields: &Map<String, Value>) -> &str {
    let by_fields = || {
        let kinds = [("text", "text"), ("resource", "resource"), ("data", "image"), ("uri", "resource_link")];
        kinds.iter().find(|(field, _)| fields.contains_key(*field)).map_or("", |(_, kind)| kind)
    };
    fields.get("type").and_then(Value::as_str).unwrap_or_else(by_fields)
}

fn text_block(text: Option<Value>) -> Option<Value> {
    let text = match text? {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(json!({ "type": "text", "text": text }))
}

fn media_block(kind: &str, fields: &Map<String, Value>) -> Option<Value> {
    let data = fields.get("data")?.as_str()?;
    let usual = if kind == "image" { "image/png" } else { "audio/wav" };
    let mime = fields.get("mimeType").and_then(Value::as_str).unwrap_or(usual);
    Some(json!({ "type": kind, "data": data, "mimeType": mime }))
}

fn resource_block(resource: Value) -> Option<Value> {
    let fields = into_fields(resource);
    let uri = fields.get("uri").and_then(Value::as_str).unwrap_or_default();
    let mut mended = Map::from_iter([("uri".to_owned(), Value::from(uri))]);
    let mime = fields.get("mimeType").filter(|mime| mime.is_string());
    mended.extend(mime.map(|mime| ("mimeType".to_owned(), mime.clone())));
    match (fields.get("text"), fields.get("blob")) {
        (Some(text), _) if !text.is_null() => {
            mended.insert("text".into(), text.as_str().map_or_else(|| text.to_string(), str::to_owned).into());
        }
        (_, Some(Value::String(blob))) => _ = mended.insert("blob".into(), blob.as_str().into()),
        _ => return None,
    }
    Some(json!({ "type": "resource", "resource": mended }))
}

fn link_block(fields: &Map<String, Value>) -> Option<Value> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let uri = text("uri")?;
    let name = text("title").or_else(|| text("name")).unwrap_or(uri);
    Some(json!({ "type": "resource_link", "uri": uri, "name": name }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::client::ServerNotice;

    /// Mends a result, and returns it with what is said about it.
    fn mended(mend: impl Fn(Value, &ServerLog) -> Value, result: Value) -> (Value, String) {
        let (log, mut notices) = ServerLog::new();
        let mended = mend(result, &log);
        let said = match notices.try_recv() {
            Ok(ServerNotice::Line(line)) => line.text,
            _ => String::new(),
        };
        (mended, said)
    }

    #[test]
    fn an_introduction_is_used_whatever_is_odd_in_it() {
        let plain = json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": { "listChanged": true }, "logging": {} },
            "serverInfo": { "name": "s", "version": "1" }, "instructions": "read me",
        });
        assert_eq!(mended(introduction, plain.clone()), (plain, String::new()));
        let (result, said) = mended(
            introduction,
            json!({
                "capabilities": { "tools": [], "logging": true, "prompts": 7 },
                "serverInfo": { "name": "s", "version": 2, "icons": [{ "src": 1 }], "title": {} },
                "instructions": ["a", "b"],
            }),
        );
        assert_eq!(
            result,
            json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {}, "logging": {} },
                "serverInfo": { "name": "s", "version": "2" }, "instructions": "a\nb",
            })
        );
        insta::assert_snapshot!(said, @"odd in its introduction: protocolVersion, capabilities.tools, capabilities.logging, serverInfo.icons, serverInfo.title, instructions");
        let nothing = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "", "version": "" },
        });
        for odd in [json!(null), json!([]), json!({ "capabilities": [], "serverInfo": "x" })] {
            assert_eq!(mended(introduction, odd).0, nothing);
        }
    }

    #[test]
    fn an_odd_tool_costs_no_other_and_no_more_than_its_odd_part() {
        let plain = json!({ "name": "good", "description": "d", "inputSchema": { "type": "object" } });
        let (result, said) = mended(
            tool_list,
            json!({ "nextCursor": 7, "tools": [
                plain,
                { "name": "bare" },
                { "name": "nulled", "inputSchema": null, "description": null, "icons": "x" },
                { "name": "hinted", "inputSchema": {}, "title": 3, "annotations": { "readOnlyHint": "True", "openWorldHint": {}, "title": [] } },
                { "name": "odd", "inputSchema": [], "description": { "en": "x" }, "annotations": 1 },
                { "description": "nameless" },
                "text",
            ] }),
        );
        let empty = json!({ "type": "object" });
        assert_eq!(
            result["tools"],
            json!([
                plain,
                { "name": "bare", "inputSchema": empty },
                { "name": "nulled", "inputSchema": empty },
                { "name": "hinted", "inputSchema": {}, "title": "3", "annotations": { "title": "", "readOnlyHint": true } },
                { "name": "odd", "inputSchema": empty },
            ])
        );
        assert_eq!(result["nextCursor"], "7");
        insta::assert_snapshot!(said, @"odd in its tools: bare: inputSchema, nulled: inputSchema, nulled: icons, hinted: annotations.title, hinted: annotations.openWorldHint, odd: inputSchema, odd: description, odd: annotations, tool 6 without a name, tool 7 without a name");
        let named = json!({ "tools": { "a": { "inputSchema": {} }, "b": { "name": "c", "inputSchema": {} } } });
        let named = mended(tool_list, named).0;
        assert_eq!((&named["tools"][0]["name"], &named["tools"][1]["name"]), (&json!("a"), &json!("c")));
        for odd in [json!(null), json!({}), json!({ "tools": null, "nextCursor": "" }), json!({ "tools": 5 })] {
            assert_eq!(mended(tool_list, odd).0, json!({ "tools": [] }));
        }
    }

    #[test]
    fn a_result_is_read_block_by_block() {
        let content = |result: Value| mended(call_result, result).0["content"].clone();
        let text = |text: &str| json!({ "type": "text", "text": text });
        assert_eq!(content(json!({ "content": { "type": "text", "text": 42 } })), json!([text("42")]));
        assert_eq!(content(json!({ "content": "plain" })), json!([text("plain")]));
        assert_eq!(content(json!("bare")), json!([text("bare")]));
        assert_eq!(content(json!(null)), json!([]));
        assert_eq!(content(json!({ "toolResult": "old" })), json!([text("old")]));
        let (result, said) = mended(
            call_result,
            json!({ "isError": "yes", "structuredContent": null, "content": [
                { "type": "text", "text": null },
                { "text": "typeless", "annotations": 5 },
                { "type": "text", "text": { "a": 1 } },
                { "type": "image", "data": "aW1hZ2U=" },
                { "type": "image", "data": 5 },
                { "type": "resource", "resource": { "uri": "file:///a", "text": "in" } },
                { "type": "resource", "resource": {} },
                { "type": "resource_link", "uri": "https://a.b" },
                { "type": "video", "data": "x" },
                null,
            ] }),
        );
        assert_eq!(
            result,
            json!({ "isError": false, "content": [
                text("typeless"),
                text("{\"a\":1}"),
                { "type": "image", "data": "aW1hZ2U=", "mimeType": "image/png" },
                { "type": "resource", "resource": { "uri": "file:///a", "text": "in" } },
                { "type": "resource_link", "uri": "https://a.b", "name": "https://a.b" },
                text("[content of an unknown kind: video]"),
            ] })
        );
        insta::assert_snapshot!(said, @"odd in a result: block 1, block 5, block 7, block 9: type, block 10, isError");
        let own = mended(call_result, json!({ "temperature": 7 })).0;
        assert_eq!(own["structuredContent"], json!({ "temperature": 7 }));
        assert_eq!(mended(call_result, json!({ "isError": "true" })).0["isError"], true);
    }
}
