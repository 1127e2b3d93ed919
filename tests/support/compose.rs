//! Builds streams in OpenRouter's wire format.
//!
//! `Response::by("openai/gpt-4.1-mini").think(&["Hm."]).text(&["Hel", "lo"]).completed()` is a list of frames, each a
//! `data:` line and a blank line, ready for `Reply::stream` (one frame per piece) or for a decoder (`concat`).

use serde_json::{Value, json};

/// A response under construction: its frames so far, and its finished items for the final event.
pub struct ResponseBuilder {
    id: String,
    model: String,
    frames: Vec<String>,
    sequence: u64,
    output: Vec<Value>,
    usage: Value,
}

/// A part of a text with citations.
pub enum CitedPart<'a> {
    Text(&'a str),
    /// A link in the text, as written by OpenAI's web search, with its citation.
    Link {
        site: &'a str,
        url: &'a str,
        title: &'a str,
    },
}

impl ResponseBuilder {
    /// Starts a response with two keep-alive comments, `response.created` and `response.in_progress`.
    pub fn new(model: &str) -> Self {
        let mut response = Self {
            id: "gen-1790000001-FakeServerFakeServer".into(),
            model: model.into(),
            frames: Vec::new(),
            sequence: 0,
            output: Vec::new(),
            usage: usage(20, 9, "0.0000086"),
        };
        response.push_comment();
        response.push_comment();
        for kind in ["response.created", "response.in_progress"] {
            let envelope = response.envelope("in_progress", &json!({}));
            response.push_event(json!({ "type": kind, "response": envelope }));
        }
        response
    }

    /// Sets the usage in the final event; `Value::Null` for a server that does not report it.
    pub fn usage(mut self, usage: Value) -> Self {
        self.usage = usage;
        self
    }

    /// Adds a keep-alive comment as OpenRouter sends it.
    pub fn keep_alive(mut self) -> Self {
        self.push_comment();
        self
    }

    /// Adds raw reasoning, delta by delta, with a signature.
    pub fn reasoning(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.add_item("rs_tmp", &json!({ "type": "reasoning", "summary": [] }));
        let full_text = deltas.concat();
        self.push_item_event(
            index,
            &id,
            "response.content_part.added",
            &json!({ "content_index": 0, "part": { "type": "reasoning_text", "text": "" } }),
        );
        for delta in deltas {
            self.push_item_event(
                index,
                &id,
                "response.reasoning_text.delta",
                &json!({ "content_index": 0, "delta": delta }),
            );
        }
        let part = json!({ "type": "reasoning_text", "text": full_text });
        self.push_item_event(
            index,
            &id,
            "response.reasoning_text.done",
            &json!({ "content_index": 0, "text": full_text }),
        );
        self.push_item_event(index, &id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.complete_item(
            index,
            &json!({
                "id": id, "type": "reasoning", "status": "completed", "content": [part], "summary": [],
                "signature": "EooLCkgIERABGAIqQExample==", "format": "anthropic-claude-v1",
            }),
        );
        self
    }

    /// Adds a reasoning summary, one list of deltas per part, with an encrypted block.
    pub fn reasoning_summary(mut self, parts: &[&[&str]]) -> Self {
        let (index, id) = self.add_item("rs", &json!({ "type": "reasoning", "summary": [] }));
        let mut summary = Vec::new();
        for (number, deltas) in parts.iter().enumerate() {
            let full_text = deltas.concat();
            let part = json!({ "type": "summary_text", "text": full_text });
            self.push_item_event(
                index,
                &id,
                "response.reasoning_summary_part.added",
                &json!({ "summary_index": number, "part": { "type": "summary_text", "text": "" } }),
            );
            for delta in *deltas {
                self.push_item_event(
                    index,
                    &id,
                    "response.reasoning_summary_text.delta",
                    &json!({ "summary_index": number, "delta": delta }),
                );
            }
            self.push_item_event(
                index,
                &id,
                "response.reasoning_summary_text.done",
                &json!({ "summary_index": number, "text": full_text }),
            );
            self.push_item_event(
                index,
                &id,
                "response.reasoning_summary_part.done",
                &json!({ "summary_index": number, "part": part }),
            );
            summary.push(part);
        }
        self.complete_item(index, &json!({
            "id": id, "type": "reasoning", "status": "completed", "summary": summary,
            "encrypted_content": "gAAAAABqExampleOpaqueCiphertext==.eyJlbmRwb2ludF9zbHVnIjoiZmFrZSJ9", "format": "openai-responses-v1",
        }));
        self
    }

    /// Adds a web search run by OpenRouter.
    pub fn web_search(mut self, query: &str, urls: &[&str]) -> Self {
        let (index, id) = self.add_item("st_tmp", &json!({ "type": "openrouter:web_search" }));
        self.push_comment();
        let sources: Vec<_> = urls.iter().map(|url| json!({ "type": "url", "url": url })).collect();
        self.complete_item(
            index,
            &json!({
                "id": id, "type": "openrouter:web_search", "status": "completed",
                "action": { "type": "search", "query": query, "sources": sources },
            }),
        );
        self
    }

    /// Adds a message, delta by delta.
    pub fn text(self, deltas: &[&str]) -> Self {
        self.annotated_text(deltas, &[])
    }

    /// Adds a message whose annotations, exactly as given, follow its last delta.
    pub fn annotated_text(mut self, deltas: &[&str], annotations: &[Value]) -> Self {
        let (index, id) = self.add_message();
        for delta in deltas {
            self.push_text_delta(index, &id, delta);
        }
        for (number, annotation) in annotations.iter().enumerate() {
            self.push_annotation(index, &id, number, annotation);
        }
        self.complete_message(index, &id, &deltas.concat(), annotations);
        self
    }

    /// Adds a message with links and their citations; offsets count code points.
    pub fn cited_text(mut self, bits: &[CitedPart]) -> Self {
        let (index, id) = self.add_message();
        let (mut full_text, mut annotations) = (String::new(), Vec::new());
        for bit in bits {
            match bit {
                CitedPart::Text(text) => {
                    self.push_text_delta(index, &id, text);
                    full_text += text;
                }
                CitedPart::Link { site, url, title } => {
                    let start = full_text.chars().count();
                    let link = format!("([{site}]({url}))");
                    self.push_text_delta(index, &id, &link);
                    full_text += &link;
                    let annotation = json!({
                        "type": "url_citation", "start_index": start, "end_index": full_text.chars().count(),
                        "title": title, "url": url,
                    });
                    self.push_annotation(index, &id, annotations.len(), &annotation);
                    annotations.push(annotation);
                }
            }
        }
        self.complete_message(index, &id, &full_text, &annotations);
        self
    }

    /// Adds a message that is never completed, for streams that break off.
    pub fn unfinished_text(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.add_message();
        for delta in deltas {
            self.push_text_delta(index, &id, delta);
        }
        self
    }

    /// Adds a refusal instead of text.
    pub fn refusal(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.add_item("msg_tmp", &json!({ "type": "message", "role": "assistant", "content": [] }));
        let full_text = deltas.concat();
        let part = json!({ "type": "refusal", "refusal": full_text });
        self.push_item_event(
            index,
            &id,
            "response.content_part.added",
            &json!({ "content_index": 0, "part": { "type": "refusal", "refusal": "" } }),
        );
        for delta in deltas {
            self.push_item_event(index, &id, "response.refusal.delta", &json!({ "content_index": 0, "delta": delta }));
        }
        self.push_item_event(index, &id, "response.refusal.done", &json!({ "content_index": 0, "refusal": full_text }));
        self.push_item_event(index, &id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.complete_item(
            index,
            &json!({ "id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part] }),
        );
        self
    }

    /// Adds a function call, its arguments delta by delta.
    pub fn function_call(mut self, call_id: &str, name: &str, deltas: &[&str]) -> Self {
        let (index, id) = self
            .add_item("fc_tmp", &json!({ "type": "function_call", "call_id": call_id, "name": name, "arguments": "" }));
        let full_text = deltas.concat();
        for delta in deltas {
            self.push_item_event(index, &id, "response.function_call_arguments.delta", &json!({ "delta": delta }));
        }
        self.push_item_event(
            index,
            &id,
            "response.function_call_arguments.done",
            &json!({ "name": name, "arguments": full_text }),
        );
        self.complete_item(index, &json!({
            "id": id, "type": "function_call", "status": "completed", "call_id": call_id, "name": name, "arguments": full_text,
        }));
        self
    }

    /// Returns the frames, ended by `response.completed` and `[DONE]`.
    pub fn completed(self) -> Vec<String> {
        self.finish_with("response.completed", "completed", &json!({}))
    }

    /// Returns the frames, ended by `response.incomplete` and `[DONE]`.
    pub fn incomplete(self, reason: &str) -> Vec<String> {
        self.finish_with("response.incomplete", "incomplete", &json!({ "incomplete_details": { "reason": reason } }))
    }

    /// Returns the frames, ended by `response.failed` and `[DONE]`.
    pub fn failed(mut self, code: &str, message: &str, error_type: &str) -> Vec<String> {
        self.usage = Value::Null;
        let more = json!({ "error": { "code": code, "message": message }, "error_type": error_type });
        self.finish_with("response.failed", "failed", &more)
    }

    /// Returns the frames, ended by an error object without a `type`, and `[DONE]`.
    pub fn chat_style_error(mut self, code: u16, message: &str) -> Vec<String> {
        self.frames.push(frame(&json!({ "error": { "code": code, "message": message }, "user_id": "user_example" })));
        self.finish()
    }

    /// Returns the frames so far, without a final event.
    pub fn unfinished(self) -> Vec<String> {
        self.frames
    }

    fn finish_with(mut self, kind: &str, status: &str, more: &Value) -> Vec<String> {
        let envelope = self.envelope(status, more);
        self.push_event(json!({ "type": kind, "response": envelope }));
        self.finish()
    }

    fn finish(mut self) -> Vec<String> {
        self.frames.push("data: [DONE]\n\n".into());
        self.frames
    }

    fn add_message(&mut self) -> (usize, String) {
        let (index, id) = self.add_item("msg_tmp", &json!({ "type": "message", "role": "assistant", "content": [] }));
        let part = json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
        self.push_item_event(index, &id, "response.content_part.added", &json!({ "content_index": 0, "part": part }));
        (index, id)
    }

    fn push_text_delta(&mut self, index: usize, id: &str, delta: &str) {
        self.push_item_event(
            index,
            id,
            "response.output_text.delta",
            &json!({ "content_index": 0, "delta": delta, "logprobs": [] }),
        );
    }

    fn push_annotation(&mut self, index: usize, id: &str, number: usize, annotation: &Value) {
        let more = json!({ "content_index": 0, "annotation_index": number, "annotation": annotation });
        self.push_item_event(index, id, "response.output_text.annotation.added", &more);
    }

    fn complete_message(&mut self, index: usize, id: &str, full_text: &str, annotations: &[Value]) {
        let part = json!({ "type": "output_text", "text": full_text, "annotations": annotations, "logprobs": [] });
        self.push_item_event(
            index,
            id,
            "response.output_text.done",
            &json!({ "content_index": 0, "text": full_text, "logprobs": [] }),
        );
        self.push_item_event(index, id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.complete_item(
            index,
            &json!({ "id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part] }),
        );
    }

    /// Adds the next item; returns its index and its id.
    fn add_item(&mut self, prefix: &str, item: &Value) -> (usize, String) {
        let index = self.output.len();
        let id = format!("{prefix}_{index}k2f9x0a7hqd");
        let mut opened = json!({ "id": id, "status": "in_progress" });
        merge(&mut opened, item);
        self.output.push(opened.clone());
        self.push_event(json!({ "type": "response.output_item.added", "output_index": index, "item": opened }));
        (index, id)
    }

    fn complete_item(&mut self, index: usize, item: &Value) {
        self.output[index] = item.clone();
        self.push_event(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }

    /// Adds an event for the item at `index`.
    fn push_item_event(&mut self, index: usize, id: &str, kind: &str, more: &Value) {
        let mut event = json!({ "type": kind, "output_index": index, "item_id": id });
        merge(&mut event, more);
        self.push_event(event);
    }

    fn push_event(&mut self, mut event: Value) {
        event["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        self.frames.push(frame(&event));
    }

    fn push_comment(&mut self) {
        self.frames.push(": \n\n".into());
    }

    fn envelope(&self, status: &str, more: &Value) -> Value {
        let is_final = status != "in_progress";
        let mut envelope = json!({
            "id": self.id, "object": "response", "created_at": 1_790_000_001, "model": self.model, "status": status,
            "completed_at": if is_final { json!(1_790_000_002) } else { Value::Null },
            "output": if is_final { json!(self.output) } else { json!([]) },
            "error": null, "incomplete_details": null, "tools": [], "tool_choice": "auto", "parallel_tool_calls": true,
            "max_output_tokens": null, "temperature": 1, "top_p": 1, "metadata": {}, "background": false,
            "previous_response_id": null, "service_tier": "auto", "truncation": "disabled", "store": false,
            "instructions": null, "text": { "format": { "type": "text" } }, "reasoning": null,
            "usage": if is_final { self.usage.clone() } else { Value::Null },
        });
        merge(&mut envelope, more);
        envelope
    }
}

/// Formats an event as a frame.
pub fn frame(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// A usage object whose cost has exactly the given digits.
pub fn usage(input: u64, output: u64, cost: &str) -> Value {
    let cost: Value = serde_json::from_str(cost).expect("the cost is a number");
    json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output, "cost": cost,
        "is_byok": false,
    })
}

/// A catalogue of three models: one that can reason, one that always does, one that cannot.
pub fn catalogue() -> Value {
    let row = |id: &str, name: &str, prompt: &str, completion: &str, reasoning: Value| {
        let mut row = json!({
            "id": id, "canonical_slug": id, "name": name, "created": 1_788_134_400, "description": "A model of the tests.",
            "context_length": 200_000,
            "architecture": { "modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"] },
            "pricing": { "prompt": prompt, "completion": completion },
            "top_provider": { "context_length": 200_000, "max_completion_tokens": 32_000, "is_moderated": false },
            "supported_parameters": ["max_tokens", "tools", "temperature"],
        });
        if !reasoning.is_null() {
            row["reasoning"] = reasoning;
        }
        row
    };
    json!({ "data": [
        row("anthropic/claude-opus-5", "Anthropic: Claude Opus 5", "0.000005", "0.000025",
            json!({ "mandatory": false, "default_enabled": true, "supported_efforts": ["max", "xhigh", "high", "medium", "low", null] })),
        row("openai/gpt-5.6-luna", "OpenAI: GPT-5.6 Luna", "0.0000003", "0.0000024",
            json!({ "mandatory": true, "supported_efforts": null, "default_effort": "medium" })),
        row("openai/gpt-4.1-mini", "OpenAI: GPT-4.1 Mini", "0.0000004", "0.0000016", Value::Null),
    ], "total_count": 3, "links": { "next": null } })
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}
