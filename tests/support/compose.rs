//! Streams in the wire form of OpenRouter, put together from what they shall say.
//!
//! `Response::by("openai/gpt-4.1-mini").think(&["Hm."]).text(&["Hel", "lo"]).completed()` is a list of frames, each a
//! `data:` line with its blank line, ready for `Reply::stream` (one frame a piece) or for a decoder (`concat`).

use serde_json::{Value, json};

/// A response being put together: its frames so far, and its finished items for the final event.
pub struct Response {
    id: String,
    model: String,
    frames: Vec<String>,
    sequence: u64,
    output: Vec<Value>,
    usage: Value,
}

/// A piece of a cited text.
pub enum Bit<'a> {
    Say(&'a str),
    /// A link in the text, as OpenAI's own search writes it, with its citation.
    Cite {
        site: &'a str,
        url: &'a str,
        title: &'a str,
    },
}

impl Response {
    /// Begins with two keep-alive comments, `response.created` and `response.in_progress`.
    pub fn by(model: &str) -> Self {
        let mut response = Self {
            id: "gen-1790000001-FakeServerFakeServer".into(),
            model: model.into(),
            frames: Vec::new(),
            sequence: 0,
            output: Vec::new(),
            usage: usage(20, 9, "0.0000086"),
        };
        response.comment();
        response.comment();
        for kind in ["response.created", "response.in_progress"] {
            let envelope = response.envelope("in_progress", &json!({}));
            response.event(json!({ "type": kind, "response": envelope }));
        }
        response
    }

    /// What the final event will say; `Value::Null` for a server that does not count.
    pub fn usage(mut self, usage: Value) -> Self {
        self.usage = usage;
        self
    }

    /// A keep-alive comment as OpenRouter sends it.
    pub fn keep_alive(mut self) -> Self {
        self.comment();
        self
    }

    /// Raw thinking, delta by delta, with a signature.
    pub fn think(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.open("rs_tmp", &json!({ "type": "reasoning", "summary": [] }));
        let whole = deltas.concat();
        self.at(
            index,
            &id,
            "response.content_part.added",
            &json!({ "content_index": 0, "part": { "type": "reasoning_text", "text": "" } }),
        );
        for delta in deltas {
            self.at(index, &id, "response.reasoning_text.delta", &json!({ "content_index": 0, "delta": delta }));
        }
        let part = json!({ "type": "reasoning_text", "text": whole });
        self.at(index, &id, "response.reasoning_text.done", &json!({ "content_index": 0, "text": whole }));
        self.at(index, &id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.close(
            index,
            &json!({
                "id": id, "type": "reasoning", "status": "completed", "content": [part], "summary": [],
                "signature": "EooLCkgIERABGAIqQExample==", "format": "anthropic-claude-v1",
            }),
        );
        self
    }

    /// A summary of the thinking, one list of deltas a part, with its encrypted block.
    pub fn summarise(mut self, parts: &[&[&str]]) -> Self {
        let (index, id) = self.open("rs", &json!({ "type": "reasoning", "summary": [] }));
        let mut summary = Vec::new();
        for (number, deltas) in parts.iter().enumerate() {
            let whole = deltas.concat();
            let part = json!({ "type": "summary_text", "text": whole });
            self.at(
                index,
                &id,
                "response.reasoning_summary_part.added",
                &json!({ "summary_index": number, "part": { "type": "summary_text", "text": "" } }),
            );
            for delta in *deltas {
                self.at(
                    index,
                    &id,
                    "response.reasoning_summary_text.delta",
                    &json!({ "summary_index": number, "delta": delta }),
                );
            }
            self.at(
                index,
                &id,
                "response.reasoning_summary_text.done",
                &json!({ "summary_index": number, "text": whole }),
            );
            self.at(
                index,
                &id,
                "response.reasoning_summary_part.done",
                &json!({ "summary_index": number, "part": part }),
            );
            summary.push(part);
        }
        self.close(index, &json!({
            "id": id, "type": "reasoning", "status": "completed", "summary": summary,
            "encrypted_content": "gAAAAABqExampleOpaqueCiphertext==.eyJlbmRwb2ludF9zbHVnIjoiZmFrZSJ9", "format": "openai-responses-v1",
        }));
        self
    }

    /// A web search that OpenRouter ran.
    pub fn search(mut self, query: &str, urls: &[&str]) -> Self {
        let (index, id) = self.open("st_tmp", &json!({ "type": "openrouter:web_search" }));
        self.comment();
        let sources: Vec<_> = urls.iter().map(|url| json!({ "type": "url", "url": url })).collect();
        self.close(
            index,
            &json!({
                "id": id, "type": "openrouter:web_search", "status": "completed",
                "action": { "type": "search", "query": query, "sources": sources },
            }),
        );
        self
    }

    /// A message, delta by delta.
    pub fn text(self, deltas: &[&str]) -> Self {
        self.annotated(deltas, &[])
    }

    /// A message whose citations come behind its last delta, just as given.
    pub fn annotated(mut self, deltas: &[&str], annotations: &[Value]) -> Self {
        let (index, id) = self.open_message();
        for delta in deltas {
            self.text_delta(index, &id, delta);
        }
        for (number, annotation) in annotations.iter().enumerate() {
            self.annotation(index, &id, number, annotation);
        }
        self.close_message(index, &id, &deltas.concat(), annotations);
        self
    }

    /// A message with links and their citations, the offsets in code points.
    pub fn cited(mut self, bits: &[Bit]) -> Self {
        let (index, id) = self.open_message();
        let (mut whole, mut annotations) = (String::new(), Vec::new());
        for bit in bits {
            match bit {
                Bit::Say(text) => {
                    self.text_delta(index, &id, text);
                    whole += text;
                }
                Bit::Cite { site, url, title } => {
                    let start = whole.chars().count();
                    let link = format!("([{site}]({url}))");
                    self.text_delta(index, &id, &link);
                    whole += &link;
                    let annotation = json!({
                        "type": "url_citation", "start_index": start, "end_index": whole.chars().count(),
                        "title": title, "url": url,
                    });
                    self.annotation(index, &id, annotations.len(), &annotation);
                    annotations.push(annotation);
                }
            }
        }
        self.close_message(index, &id, &whole, &annotations);
        self
    }

    /// A message whose deltas come, and nothing that closes it: for streams that break off.
    pub fn half_text(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.open_message();
        for delta in deltas {
            self.text_delta(index, &id, delta);
        }
        self
    }

    /// A refusal instead of a text.
    pub fn refuse(mut self, deltas: &[&str]) -> Self {
        let (index, id) = self.open("msg_tmp", &json!({ "type": "message", "role": "assistant", "content": [] }));
        let whole = deltas.concat();
        let part = json!({ "type": "refusal", "refusal": whole });
        self.at(
            index,
            &id,
            "response.content_part.added",
            &json!({ "content_index": 0, "part": { "type": "refusal", "refusal": "" } }),
        );
        for delta in deltas {
            self.at(index, &id, "response.refusal.delta", &json!({ "content_index": 0, "delta": delta }));
        }
        self.at(index, &id, "response.refusal.done", &json!({ "content_index": 0, "refusal": whole }));
        self.at(index, &id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.close(
            index,
            &json!({ "id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part] }),
        );
        self
    }

    /// A function call, its arguments delta by delta.
    pub fn call(mut self, call_id: &str, name: &str, deltas: &[&str]) -> Self {
        let (index, id) =
            self.open("fc_tmp", &json!({ "type": "function_call", "call_id": call_id, "name": name, "arguments": "" }));
        let whole = deltas.concat();
        for delta in deltas {
            self.at(index, &id, "response.function_call_arguments.delta", &json!({ "delta": delta }));
        }
        self.at(index, &id, "response.function_call_arguments.done", &json!({ "name": name, "arguments": whole }));
        self.close(index, &json!({
            "id": id, "type": "function_call", "status": "completed", "call_id": call_id, "name": name, "arguments": whole,
        }));
        self
    }

    /// The frames, with `response.completed` and `[DONE]`.
    pub fn completed(self) -> Vec<String> {
        self.terminal("response.completed", "completed", &json!({}))
    }

    /// The frames, with `response.incomplete` and `[DONE]`.
    pub fn incomplete(self, reason: &str) -> Vec<String> {
        self.terminal("response.incomplete", "incomplete", &json!({ "incomplete_details": { "reason": reason } }))
    }

    /// The frames, with `response.failed` and `[DONE]`.
    pub fn failed(mut self, code: &str, message: &str, error_type: &str) -> Vec<String> {
        self.usage = Value::Null;
        let more = json!({ "error": { "code": code, "message": message }, "error_type": error_type });
        self.terminal("response.failed", "failed", &more)
    }

    /// The frames, with an error object that has no `type`, and `[DONE]`.
    pub fn chat_style_error(mut self, code: u16, message: &str) -> Vec<String> {
        self.frames.push(frame(&json!({ "error": { "code": code, "message": message }, "user_id": "user_example" })));
        self.done()
    }

    /// The frames so far, without any end.
    pub fn unfinished(self) -> Vec<String> {
        self.frames
    }

    fn terminal(mut self, kind: &str, status: &str, more: &Value) -> Vec<String> {
        let envelope = self.envelope(status, more);
        self.event(json!({ "type": kind, "response": envelope }));
        self.done()
    }

    fn done(mut self) -> Vec<String> {
        self.frames.push("data: [DONE]\n\n".into());
        self.frames
    }

    fn open_message(&mut self) -> (usize, String) {
        let (index, id) = self.open("msg_tmp", &json!({ "type": "message", "role": "assistant", "content": [] }));
        let part = json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
        self.at(index, &id, "response.content_part.added", &json!({ "content_index": 0, "part": part }));
        (index, id)
    }

    fn text_delta(&mut self, index: usize, id: &str, delta: &str) {
        self.at(
            index,
            id,
            "response.output_text.delta",
            &json!({ "content_index": 0, "delta": delta, "logprobs": [] }),
        );
    }

    fn annotation(&mut self, index: usize, id: &str, number: usize, annotation: &Value) {
        let more = json!({ "content_index": 0, "annotation_index": number, "annotation": annotation });
        self.at(index, id, "response.output_text.annotation.added", &more);
    }

    fn close_message(&mut self, index: usize, id: &str, whole: &str, annotations: &[Value]) {
        let part = json!({ "type": "output_text", "text": whole, "annotations": annotations, "logprobs": [] });
        self.at(index, id, "response.output_text.done", &json!({ "content_index": 0, "text": whole, "logprobs": [] }));
        self.at(index, id, "response.content_part.done", &json!({ "content_index": 0, "part": part }));
        self.close(
            index,
            &json!({ "id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part] }),
        );
    }

    /// Opens the next item; its index and its id.
    fn open(&mut self, prefix: &str, item: &Value) -> (usize, String) {
        let index = self.output.len();
        let id = format!("{prefix}_{index}k2f9x0a7hqd");
        let mut opened = json!({ "id": id, "status": "in_progress" });
        merge(&mut opened, item);
        self.output.push(opened.clone());
        self.event(json!({ "type": "response.output_item.added", "output_index": index, "item": opened }));
        (index, id)
    }

    fn close(&mut self, index: usize, item: &Value) {
        self.output[index] = item.clone();
        self.event(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }

    /// An event about the item at `index`.
    fn at(&mut self, index: usize, id: &str, kind: &str, more: &Value) {
        let mut event = json!({ "type": kind, "output_index": index, "item_id": id });
        merge(&mut event, more);
        self.event(event);
    }

    fn event(&mut self, mut event: Value) {
        event["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        self.frames.push(frame(&event));
    }

    fn comment(&mut self) {
        self.frames.push(": \n\n".into());
    }

    fn envelope(&self, status: &str, more: &Value) -> Value {
        let over = status != "in_progress";
        let mut envelope = json!({
            "id": self.id, "object": "response", "created_at": 1_790_000_001, "model": self.model, "status": status,
            "completed_at": if over { json!(1_790_000_002) } else { Value::Null },
            "output": if over { json!(self.output) } else { json!([]) },
            "error": null, "incomplete_details": null, "tools": [], "tool_choice": "auto", "parallel_tool_calls": true,
            "max_output_tokens": null, "temperature": 1, "top_p": 1, "metadata": {}, "background": false,
            "previous_response_id": null, "service_tier": "auto", "truncation": "disabled", "store": false,
            "instructions": null, "text": { "format": { "type": "text" } }, "reasoning": null,
            "usage": if over { self.usage.clone() } else { Value::Null },
        });
        merge(&mut envelope, more);
        envelope
    }
}

/// An event as a frame.
pub fn frame(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// A usage object whose cost has exactly these digits.
pub fn usage(input: u64, output: u64, cost: &str) -> Value {
    let cost: Value = serde_json::from_str(cost).expect("the cost is a number");
    json!({
        "input_tokens": input, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": input + output, "cost": cost,
        "is_byok": false,
    })
}

/// Three models: one that reasons, one that must, one that does not.
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
