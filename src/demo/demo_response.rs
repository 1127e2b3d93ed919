//! The wire form of one scripted response: its envelope, events and usage.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::script::{self, TokenPrice, model_tag, prompts, tool_outputs};

/// A response in progress.
pub(super) struct DemoResponse {
    pub id: String,
    pub request: Value,
    model: String,
    created: u64,
    price: TokenPrice,
    sequence: u64,
    output: Vec<Value>,
    output_tokens: u64,
    reasoning_tokens: u64,
    searches: u32,
}

/// The status of a response.
pub(super) enum DemoStatus {
    InProgress,
    Completed,
    Incomplete(String),
    Failed { code: String, error_type: String, message: String },
}

impl DemoResponse {
    pub(super) fn new(model: &str, number: u64, request: Value, price: TokenPrice) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            id: format!("gen-{created}-demo{number:016}"),
            request,
            model: model.to_owned(),
            created,
            price,
            sequence: 0,
            output: Vec::new(),
            output_tokens: 0,
            reasoning_tokens: 0,
            searches: 0,
        }
    }

    pub(super) fn is_streaming(&self) -> bool {
        self.request["stream"].as_bool().unwrap_or(false)
    }

    /// Returns whether a function may be called. `has_called` means that this response has a call already.
    pub(super) fn may_call(&self, name: &str, has_called: bool) -> bool {
        script::may_call(&self.request, name) && !(has_called && self.request["parallel_tool_calls"] == false)
    }

    /// Returns the beginning of the last prompt, without characters that have a meaning in Markdown.
    pub(super) fn prompt_excerpt(&self) -> String {
        const MAX_CHARS: usize = 40;
        let last = prompts(&self.request).pop().unwrap_or_default();
        let plain: String =
            last.chars().map(|c| if c.is_control() || "`*_[]<>|#".contains(c) { ' ' } else { c }).collect();
        let mut beginning = String::new();
        for word in plain.split_whitespace() {
            if !beginning.is_empty() && beginning.chars().count() + word.chars().count() > MAX_CHARS {
                beginning.push('…');
                break;
            }
            if !beginning.is_empty() {
                beginning.push(' ');
            }
            beginning.extend(word.chars().take(MAX_CHARS));
        }
        // It is inserted in the middle of a sentence.
        let beginning = beginning.trim_end_matches(['.', '?', '!', ',', ':', ';']);
        if beginning.is_empty() { "nothing at all".into() } else { beginning.to_owned() }
    }

    /// Returns the outputs of the tools, each in a code block.
    pub(super) fn output_blocks(&self) -> String {
        const MAX_LINES: usize = 12;
        let block = |output: &String| {
            let lines: Vec<&str> = output.lines().take(MAX_LINES).collect();
            format!("```text\n{}\n```", lines.join("\n").replace("```", "~~~"))
        };
        tool_outputs(&self.request).iter().map(block).collect::<Vec<_>>().join("\n\n")
    }

    /// Returns whether the request does not turn reasoning off.
    pub(super) fn wants_reasoning(&self) -> bool {
        let reasoning = &self.request["reasoning"];
        reasoning["effort"] != "none" && reasoning["enabled"] != false
    }

    pub(super) fn wants_little_reasoning(&self) -> bool {
        matches!(self.request["reasoning"]["effort"].as_str(), Some("minimal" | "low"))
    }

    pub(super) fn wants_encrypted_reasoning(&self) -> bool {
        let include = self.request["include"].as_array();
        include.is_some_and(|include| include.iter().any(|what| what == "reasoning.encrypted_content"))
    }

    pub(super) fn token_limit(&self) -> Option<u64> {
        self.request["max_output_tokens"].as_u64()
    }

    pub(super) fn token_count(&self) -> u64 {
        self.output_tokens
    }

    pub(super) fn add_token(&mut self, is_reasoning: bool) {
        self.output_tokens += 1;
        self.reasoning_tokens += u64::from(is_reasoning);
    }

    pub(super) fn add_search(&mut self) {
        self.searches += 1;
    }

    /// Returns the index of the next item.
    pub(super) fn next_index(&self) -> usize {
        self.output.len()
    }

    /// Returns an id for the next item. As on OpenRouter, it is valid only within this response.
    pub(super) fn next_item_id(&self, kind: &str) -> String {
        format!("{kind}_tmp_{}{}{:02}", model_tag(&self.model), &self.id[self.id.len() - 8..], self.next_index())
    }

    pub(super) fn push_item(&mut self, item: Value) {
        self.output.push(item);
    }

    /// Formats one event for the wire.
    pub(super) fn format_event(&mut self, kind: &str, fields: Value) -> String {
        let mut event = Map::from_iter([("type".to_owned(), json!(kind))]);
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        event.insert("sequence_number".into(), json!(self.sequence));
        self.sequence += 1;
        format!("data: {}\n\n", Value::Object(event))
    }

    /// Returns the response object, as in the envelope events and in a body without streaming.
    pub(super) fn envelope(&self, status: &DemoStatus) -> Value {
        let is_open = matches!(status, DemoStatus::InProgress);
        let (name, error, details) = match status {
            DemoStatus::InProgress => ("in_progress", Value::Null, Value::Null),
            DemoStatus::Completed => ("completed", Value::Null, Value::Null),
            DemoStatus::Incomplete(reason) => ("incomplete", Value::Null, json!({"reason": reason})),
            DemoStatus::Failed { code, message, .. } => {
                ("failed", json!({"code": code, "message": message}), Value::Null)
            }
        };
        let requested = |field: &str| self.request[field].clone();
        let or_default = |value: Value, default: Value| if value.is_null() { default } else { value };
        let mut response = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "model": self.model,
            "status": name,
            "completed_at": if is_open { Value::Null } else { json!(self.created) },
            "output": if is_open { json!([]) } else { json!(self.output) },
            "error": error,
            "incomplete_details": details,
            "tools": or_default(requested("tools"), json!([])),
            "tool_choice": or_default(requested("tool_choice"), json!("auto")),
            "parallel_tool_calls": true,
            "max_output_tokens": requested("max_output_tokens"),
            "temperature": or_default(requested("temperature"), json!(1)),
            "top_p": or_default(requested("top_p"), json!(1)),
            "metadata": {},
            "background": false,
            "previous_response_id": null,
            "service_tier": "default",
            "truncation": "disabled",
            "store": false,
            "instructions": requested("instructions"),
            "text": {"format": {"type": "text"}},
            "reasoning": requested("reasoning"),
            "usage": if is_open { Value::Null } else { self.usage() },
        });
        if let DemoStatus::Failed { error_type, .. } = status {
            response["error_type"] = json!(error_type);
        }
        response
    }

    #[expect(clippy::cast_precision_loss, reason = "token counts are small")]
    fn usage(&self) -> Value {
        let input =
            (self.request["input"].to_string().len() + self.request["instructions"].to_string().len()) as u64 / 4;
        let cost = input as f64 * self.price.input
            + self.output_tokens as f64 * self.price.output
            + f64::from(self.searches) * self.price.search;
        json!({
            "input_tokens": input,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": input + self.output_tokens,
            "cost": (cost * 1e8).round() / 1e8,
            "is_byok": false,
        })
    }
}
