//! One scripted response in the form of the wire: envelope, events, usage.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::script::{self, Price, outputs, prompts, tag};

/// A response that is being given.
pub struct Answer {
    pub id: String,
    pub request: Value,
    model: String,
    created: u64,
    price: Price,
    sequence: u64,
    output: Vec<Value>,
    output_tokens: u64,
    reasoning_tokens: u64,
    searches: u32,
}

/// How a response ends, or that it has not.
pub enum Status {
    InProgress,
    Completed,
    Incomplete(String),
    Failed { code: String, error_type: String, message: String },
}

impl Answer {
    pub fn new(model: &str, number: u64, request: Value, price: Price) -> Self {
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

    pub fn streams(&self) -> bool {
        self.request["stream"].as_bool().unwrap_or(false)
    }

    /// Whether a function may be called, behind another one or as the first.
    pub fn may_call(&self, name: &str, another: bool) -> bool {
        script::may_call(&self.request, name) && !(another && self.request["parallel_tool_calls"] == false)
    }

    /// The beginning of the last prompt, made fit to stand in a line of Markdown.
    pub fn prompt(&self) -> String {
        const MOST: usize = 40;
        let last = prompts(&self.request).pop().unwrap_or_default();
        let plain: String =
            last.chars().map(|c| if c.is_control() || "`*_[]<>|#".contains(c) { ' ' } else { c }).collect();
        let mut beginning = String::new();
        for word in plain.split_whitespace() {
            if !beginning.is_empty() && beginning.chars().count() + word.chars().count() > MOST {
                beginning.push('…');
                break;
            }
            if !beginning.is_empty() {
                beginning.push(' ');
            }
            beginning.extend(word.chars().take(MOST));
        }
        // It stands in the middle of a sentence.
        let beginning = beginning.trim_end_matches(['.', '?', '!', ',', ':', ';']);
        if beginning.is_empty() { "nothing at all".into() } else { beginning.to_owned() }
    }

    /// What the tools said, each as a block of code.
    pub fn outputs(&self) -> String {
        const MOST: usize = 12;
        let block = |output: &String| {
            let lines: Vec<&str> = output.lines().take(MOST).collect();
            format!("```text\n{}\n```", lines.join("\n").replace("```", "~~~"))
        };
        outputs(&self.request).iter().map(block).collect::<Vec<_>>().join("\n\n")
    }

    /// Asked not to think.
    pub fn thinks(&self) -> bool {
        let reasoning = &self.request["reasoning"];
        reasoning["effort"] != "none" && reasoning["enabled"] != false
    }

    pub fn thinks_little(&self) -> bool {
        matches!(self.request["reasoning"]["effort"].as_str(), Some("minimal" | "low"))
    }

    pub fn wants_encrypted_reasoning(&self) -> bool {
        let include = self.request["include"].as_array();
        include.is_some_and(|include| include.iter().any(|what| what == "reasoning.encrypted_content"))
    }

    pub fn limit(&self) -> Option<u64> {
        self.request["max_output_tokens"].as_u64()
    }

    pub fn tokens(&self) -> u64 {
        self.output_tokens
    }

    pub fn count_token(&mut self, of_reasoning: bool) {
        self.output_tokens += 1;
        self.reasoning_tokens += u64::from(of_reasoning);
    }

    pub fn count_search(&mut self) {
        self.searches += 1;
    }

    /// The index of the next item.
    pub fn index(&self) -> usize {
        self.output.len()
    }

    /// An id as this server makes them: good for nothing but this response.
    pub fn item_id(&self, kind: &str) -> String {
        format!("{kind}_tmp_{}{}{:02}", tag(&self.model), &self.id[self.id.len() - 8..], self.index())
    }

    pub fn keep(&mut self, item: Value) {
        self.output.push(item);
    }

    /// One event as it goes over the wire.
    pub fn event(&mut self, kind: &str, fields: Value) -> String {
        let mut event = Map::from_iter([("type".to_owned(), json!(kind))]);
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        event.insert("sequence_number".into(), json!(self.sequence));
        self.sequence += 1;
        format!("data: {}\n\n", Value::Object(event))
    }

    /// The response as a whole, as the envelope events and a body without a stream carry it.
    pub fn envelope(&self, status: &Status) -> Value {
        let open = matches!(status, Status::InProgress);
        let (name, error, details) = match status {
            Status::InProgress => ("in_progress", Value::Null, Value::Null),
            Status::Completed => ("completed", Value::Null, Value::Null),
            Status::Incomplete(reason) => ("incomplete", Value::Null, json!({"reason": reason})),
            Status::Failed { code, message, .. } => ("failed", json!({"code": code, "message": message}), Value::Null),
        };
        let asked = |field: &str| self.request[field].clone();
        let or = |value: Value, default: Value| if value.is_null() { default } else { value };
        let mut response = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "model": self.model,
            "status": name,
            "completed_at": if open { Value::Null } else { json!(self.created) },
            "output": if open { json!([]) } else { json!(self.output) },
            "error": error,
            "incomplete_details": details,
            "tools": or(asked("tools"), json!([])),
            "tool_choice": or(asked("tool_choice"), json!("auto")),
            "parallel_tool_calls": true,
            "max_output_tokens": asked("max_output_tokens"),
            "temperature": or(asked("temperature"), json!(1)),
            "top_p": or(asked("top_p"), json!(1)),
            "metadata": {},
            "background": false,
            "previous_response_id": null,
            "service_tier": "default",
            "truncation": "disabled",
            "store": false,
            "instructions": asked("instructions"),
            "text": {"format": {"type": "text"}},
            "reasoning": asked("reasoning"),
            "usage": if open { Value::Null } else { self.usage() },
        });
        if let Status::Failed { error_type, .. } = status {
            response["error_type"] = json!(error_type);
        }
        response
    }

    #[expect(clippy::cast_precision_loss, reason = "tokens are few")]
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
