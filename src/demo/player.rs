//! Plays a scripted reply as items and events, at the speed of a model.

use std::{io, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    DemoPace,
    demo_response::{DemoResponse, DemoStatus},
    script::{CitationForm, ScriptStep, ScriptedReply, ScriptedSource},
};

/// The client hung up, or the script cut the connection.
struct StreamClosed;

/// The state of a reply that is being played.
struct ReplyPlayer {
    out: Option<mpsc::Sender<io::Result<Bytes>>>,
    pace: DemoPace,
    /// The average time between two tokens.
    token_interval: Duration,
    answer: DemoResponse,
}

/// A text and its citations.
struct CitedText {
    segments: Vec<CitedSegment>,
    text: String,
    annotations: Vec<Value>,
}

/// A piece of text and the annotations sent after it.
struct CitedSegment {
    text: String,
    annotations: Vec<Value>,
}

/// Plays a reply as a stream and returns its chunks as they are sent.
pub(super) fn stream_reply(
    answer: DemoResponse,
    reply: ScriptedReply,
    pace: DemoPace,
) -> mpsc::Receiver<io::Result<Bytes>> {
    let (send, chunks) = mpsc::channel(16);
    let token = Duration::from_secs(1) / reply.tokens_per_second.max(1);
    let player = ReplyPlayer { out: Some(send), pace, token_interval: token, answer };
    tokio::spawn(async move {
        let _ = player.play_reply(&reply).await; // A client that hung up needs no answer.
    });
    chunks
}

/// Returns the whole reply as one body.
pub(super) fn whole_body(answer: DemoResponse, reply: &ScriptedReply) -> String {
    let mut player = ReplyPlayer { out: None, pace: DemoPace::Immediate, token_interval: Duration::ZERO, answer };
    // Without a client and without pauses, this never waits. If the script cuts the connection, the body ends there.
    let status = player.play_items(reply).now_or_never().and_then(Result::ok).unwrap_or(DemoStatus::Completed);
    player.answer.envelope(&status).to_string()
}

impl ReplyPlayer {
    async fn play_reply(mut self, reply: &ScriptedReply) -> Result<(), StreamClosed> {
        for _ in 0..2 {
            self.send(": \n\n".into()).await?;
            self.pause(reply.wait / 2).await;
        }
        for kind in ["response.created", "response.in_progress"] {
            let response = self.answer.envelope(&DemoStatus::InProgress);
            self.send_event(kind, json!({"response": response})).await?;
        }
        let status = self.play_items(reply).await?;
        let response = self.answer.envelope(&status);
        let kind = match status {
            DemoStatus::Incomplete(_) => "response.incomplete",
            DemoStatus::Failed { .. } => "response.failed",
            DemoStatus::InProgress | DemoStatus::Completed => "response.completed",
        };
        self.send_event(kind, json!({"response": response})).await?;
        self.send("data: [DONE]\n\n".into()).await
    }

    async fn play_items(&mut self, reply: &ScriptedReply) -> Result<DemoStatus, StreamClosed> {
        let mut steps = reply.steps.iter().peekable();
        let mut has_called = false;
        while let Some(step) = steps.next() {
            match step {
                ScriptStep::Summary(parts) if self.answer.wants_reasoning() => {
                    let count = if self.answer.wants_little_reasoning() { 1 } else { parts.len() };
                    self.play_summary(&parts[..count]).await?;
                }
                ScriptStep::Raw(text) if self.answer.wants_reasoning() => self.play_raw_reasoning(text).await?,
                ScriptStep::Summary(_) | ScriptStep::Raw(_) => (),
                ScriptStep::Search { query, sources } => self.play_search(query, sources, reply).await?,
                ScriptStep::Text(text) => {
                    let mut text = text.trim().to_owned();
                    if let Some(ScriptStep::Rounds { times, each }) = steps.peek() {
                        steps.next();
                        text = format!("{text}\n\n{}", repeat_rounds(*times, each));
                    }
                    let ending = ending_before(steps.peek().copied());
                    if !self.play_message(&text, reply, ending).await? {
                        return Ok(DemoStatus::Incomplete("max_output_tokens".into()));
                    }
                }
                ScriptStep::Rounds { times, each } => {
                    self.play_message(&repeat_rounds(*times, each), reply, MessageEnding::Closes).await?;
                }
                ScriptStep::Call { name, arguments } => {
                    if self.answer.may_call(name, has_called) {
                        self.play_call(name, arguments).await?;
                        has_called = true;
                    }
                }
                ScriptStep::Refusal(text) => self.play_refusal(text).await?,
                ScriptStep::Fail { code, error_type, message } => {
                    let (code, error_type, message) = (code.clone(), error_type.clone(), message.clone());
                    return Ok(DemoStatus::Failed { code, error_type, message });
                }
                ScriptStep::Incomplete(reason) => return Ok(DemoStatus::Incomplete(reason.clone())),
                ScriptStep::Cut {} => {
                    if let Some(out) = &self.out {
                        // What was sent before needs time to leave.
                        #[expect(clippy::disallowed_methods, reason = "no event says that it has left")]
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        let _ = out.send(Err(io::ErrorKind::ConnectionReset.into())).await;
                    }
                    return Err(StreamClosed);
                }
            }
        }
        Ok(DemoStatus::Completed)
    }

    async fn play_summary(&mut self, parts: &[String]) -> Result<(), StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("rs"));
        let mut item = json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []});
        self.send_item_added(index, &item).await?;
        let mut done = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let text = self.fill_placeholders(part);
            let location = json!({"output_index": index, "item_id": id, "summary_index": number});
            let empty = json!({"type": "summary_text", "text": ""});
            self.send_event("response.reasoning_summary_part.added", merged(&location, json!({"part": empty}))).await?;
            for token in tokens(&text) {
                self.pace_token(true).await;
                self.send_event("response.reasoning_summary_text.delta", merged(&location, json!({"delta": token})))
                    .await?;
            }
            self.send_event("response.reasoning_summary_text.done", merged(&location, json!({"text": text}))).await?;
            let part = json!({"type": "summary_text", "text": text});
            self.send_event("response.reasoning_summary_part.done", merged(&location, json!({"part": part}))).await?;
            self.pause(250).await;
            done.push(part);
        }
        item["summary"] = Value::Array(done);
        if self.answer.wants_encrypted_reasoning() {
            item["encrypted_content"] = json!(STANDARD.encode(format!("{id} of the demo")));
            item["format"] = json!("unknown");
        }
        self.complete_item(index, item).await
    }

    async fn play_raw_reasoning(&mut self, text: &str) -> Result<(), StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("rs"));
        let mut item = json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []});
        self.send_item_added(index, &item).await?;
        let text = self.fill_placeholders(text);
        let location = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str| json!({"type": "reasoning_text", "text": text});
        self.send_event("response.content_part.added", merged(&location, json!({"part": part("")}))).await?;
        for token in tokens(&text) {
            self.pace_token(true).await;
            self.send_event("response.reasoning_text.delta", merged(&location, json!({"delta": token}))).await?;
        }
        self.send_event("response.reasoning_text.done", merged(&location, json!({"text": text}))).await?;
        self.send_event("response.content_part.done", merged(&location, json!({"part": part(&text)}))).await?;
        item["content"] = json!([part(&text)]);
        item["signature"] = json!(STANDARD.encode(format!("{id} of the demo")));
        item["format"] = json!("unknown");
        self.complete_item(index, item).await
    }

    async fn play_search(&mut self, query: &str, sources: &[usize], reply: &ScriptedReply) -> Result<(), StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("st"));
        let mut item = json!({"id": id, "type": "openrouter:web_search", "status": "in_progress"});
        self.send_item_added(index, &item).await?;
        for _ in 0..2 {
            self.pause(450).await;
            self.send(": \n\n".into()).await?;
        }
        let sources = sources.iter().filter_map(|n| reply.sources.get(n - 1));
        let sources: Vec<Value> = sources.map(|source| json!({"type": "url", "url": source.url})).collect();
        item["action"] = json!({"type": "search", "query": query, "sources": sources});
        self.answer.add_search();
        self.complete_item(index, item).await
    }

    async fn play_call(&mut self, name: &str, arguments: &str) -> Result<(), StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("fc"));
        let call_id = format!("call_{}_{index}", self.answer.id);
        let mut item = json!({"id": id, "type": "function_call", "status": "in_progress", "call_id": call_id,
            "name": name, "arguments": ""});
        self.send_item_added(index, &item).await?;
        let location = json!({"output_index": index, "item_id": id});
        for token in tokens(arguments) {
            self.pace_token(false).await;
            self.send_event("response.function_call_arguments.delta", merged(&location, json!({"delta": token})))
                .await?;
        }
        self.send_event("response.function_call_arguments.done", merged(&location, json!({"arguments": arguments})))
            .await?;
        item["arguments"] = json!(arguments);
        self.complete_item(index, item).await
    }

    /// Plays a message. Returns whether all of it was sent, as the token limit may cut it short.
    ///
    /// With `MessageEnding::BreaksOff`, the message gets no closing events.
    async fn play_message(
        &mut self,
        text: &str,
        reply: &ScriptedReply,
        ending: MessageEnding,
    ) -> Result<bool, StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("msg"));
        let mut item =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.send_item_added(index, &item).await?;
        let location = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str, annotations: &[Value]| json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
        self.send_event("response.content_part.added", merged(&location, json!({"part": part("", &[])}))).await?;
        let cited = resolve_citations(&self.fill_placeholders(text), reply);
        let sent = self.send_deltas(&location, &cited).await?;
        let is_complete = sent == cited.text;
        if is_complete && ending == MessageEnding::BreaksOff {
            return Ok(true);
        }
        let annotations = if is_complete { cited.annotations.as_slice() } else { &[] };
        self.send_event("response.output_text.done", merged(&location, json!({"text": sent, "logprobs": []}))).await?;
        self.send_event("response.content_part.done", merged(&location, json!({"part": part(&sent, annotations)})))
            .await?;
        item["content"] = json!([part(&sent, annotations)]);
        item["status"] = json!(if is_complete { "completed" } else { "incomplete" });
        self.send_item_done(index, item).await?;
        Ok(is_complete)
    }

    /// Sends the text token by token, and returns what was sent before the token limit.
    async fn send_deltas(&mut self, location: &Value, cited: &CitedText) -> Result<String, StreamClosed> {
        let mut sent = String::new();
        let mut annotation_index = 0;
        for segment in &cited.segments {
            for token in tokens(&segment.text) {
                if self.answer.token_limit().is_some_and(|limit| self.answer.token_count() >= limit) {
                    return Ok(sent);
                }
                self.pace_token(false).await;
                sent.push_str(token);
                let fields = json!({"delta": token, "logprobs": []});
                self.send_event("response.output_text.delta", merged(location, fields)).await?;
            }
            for annotation in &segment.annotations {
                let fields = json!({"annotation_index": annotation_index, "annotation": annotation});
                self.send_event("response.output_text.annotation.added", merged(location, fields)).await?;
                annotation_index += 1;
            }
        }
        Ok(sent)
    }

    async fn play_refusal(&mut self, text: &str) -> Result<(), StreamClosed> {
        let (index, id) = (self.answer.next_index(), self.answer.next_item_id("msg"));
        let mut item =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.send_item_added(index, &item).await?;
        let location = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str| json!({"type": "refusal", "refusal": text});
        self.send_event("response.content_part.added", merged(&location, json!({"part": part("")}))).await?;
        for token in tokens(text) {
            self.pace_token(false).await;
            self.send_event("response.refusal.delta", merged(&location, json!({"delta": token}))).await?;
        }
        self.send_event("response.refusal.done", merged(&location, json!({"refusal": text}))).await?;
        self.send_event("response.content_part.done", merged(&location, json!({"part": part(text)}))).await?;
        item["content"] = json!([part(text)]);
        item["status"] = json!("completed");
        self.send_item_done(index, item).await
    }

    async fn send_item_added(&mut self, index: usize, item: &Value) -> Result<(), StreamClosed> {
        self.send_event("response.output_item.added", json!({"output_index": index, "item": item})).await
    }

    async fn complete_item(&mut self, index: usize, mut item: Value) -> Result<(), StreamClosed> {
        item["status"] = json!("completed");
        self.send_item_done(index, item).await
    }

    async fn send_item_done(&mut self, index: usize, item: Value) -> Result<(), StreamClosed> {
        self.send_event("response.output_item.done", json!({"output_index": index, "item": item})).await?;
        self.answer.push_item(item);
        Ok(())
    }

    async fn send_event(&mut self, kind: &str, fields: Value) -> Result<(), StreamClosed> {
        let event = self.answer.format_event(kind, fields);
        self.send(event).await
    }

    async fn send(&self, text: String) -> Result<(), StreamClosed> {
        match &self.out {
            Some(out) => out.send(Ok(text.into())).await.map_err(|_| StreamClosed),
            None => Ok(()),
        }
    }

    /// Counts a token and waits as long as it takes.
    #[expect(clippy::disallowed_methods, reason = "a model takes its time, and so does the demo")]
    async fn pace_token(&mut self, of_reasoning: bool) {
        self.answer.add_token(of_reasoning);
        if self.pace == DemoPace::Lifelike {
            // Between half and one and a half times the average. Reasoning is twice as fast.
            let uneven = 50 + u32::try_from(self.answer.token_count().wrapping_mul(2_654_435_761) % 101).unwrap_or(50);
            let token = self.token_interval * uneven / 100;
            tokio::time::sleep(if of_reasoning { token / 2 } else { token }).await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a model takes its time, and so does the demo")]
    async fn pause(&self, milliseconds: u64) {
        if self.pace == DemoPace::Lifelike {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }

    /// Replaces the placeholders for the prompt and the tool outputs.
    fn fill_placeholders(&self, text: &str) -> String {
        text.trim()
            .replace("{prompt}", &self.answer.prompt_excerpt())
            .replace("{outputs}", &self.answer.output_blocks())
    }
}

/// How a message ends after its last word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageEnding {
    Closes,
    BreaksOff,
}

fn ending_before(next: Option<&ScriptStep>) -> MessageEnding {
    match next {
        Some(ScriptStep::Fail { .. } | ScriptStep::Incomplete(_) | ScriptStep::Cut {}) => MessageEnding::BreaksOff,
        _ => MessageEnding::Closes,
    }
}

fn repeat_rounds(times: u32, each: &[String]) -> String {
    let round = |n: u32| each[n as usize % each.len()].trim().replace("{n}", &(n + 1).to_string());
    (0..times).map(round).collect::<Vec<_>>().join("\n\n")
}

fn merged(location: &Value, fields: Value) -> Value {
    let mut event = location.clone();
    if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
        event.extend(fields);
    }
    event
}

/// Splits a text as models do: into words with the space before them, and long words into parts.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 8;
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        for (count, (position, c)) in rest.char_indices().enumerate() {
            let starts_a_word = position > 0 && c.is_whitespace() && !rest[..position].ends_with(char::is_whitespace);
            if starts_a_word || count == MOST {
                break;
            }
            end = position + c.len_utf8();
        }
        let (token, tail) = rest.split_at(end);
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

/// Resolves each `{cite n}` of a text into the citation form of the reply.
fn resolve_citations(text: &str, reply: &ScriptedReply) -> CitedText {
    let mut cited = CitedText { segments: Vec::new(), text: String::new(), annotations: Vec::new() };
    if reply.cites == CitationForm::List {
        let annotations = reply.sources.iter().map(|source| annotation(source, 0, 0)).collect();
        cited.push(String::new(), annotations);
    }
    for (number, piece) in text.split("{cite ").enumerate() {
        let source = piece.split_once('}').filter(|_| number > 0);
        let (source, rest) = match source {
            Some((n, rest)) => (n.parse().ok().and_then(|n: usize| reply.sources.get(n - 1)), rest),
            None => (None, piece),
        };
        if let Some(source) = source {
            cited.push_citation(source, reply.cites);
        }
        cited.push(rest.to_owned(), Vec::new());
    }
    cited
}

impl CitedText {
    fn push(&mut self, text: String, annotations: Vec<Value>) {
        self.text.push_str(&text);
        self.annotations.extend(annotations.iter().cloned());
        self.segments.push(CitedSegment { text, annotations });
    }

    fn push_citation(&mut self, source: &ScriptedSource, form: CitationForm) {
        let position = self.text.chars().count();
        match form {
            CitationForm::Link => {
                let host = source.url.split('/').nth(2).unwrap_or(&source.url);
                let link = format!("([{host}]({}))", source.url);
                let end = position + 1 + link.chars().count();
                self.push(format!(" {link}"), vec![annotation(source, position + 1, end)]);
            }
            CitationForm::Claim => {
                let sentence_start = self.text.rfind(['.', ',', ':']).map_or(0, |at| at + 1);
                let claim_start = sentence_start.max(self.text.rfind("\n\n").unwrap_or(0));
                let claim = claim_start + self.text[claim_start..].len() - self.text[claim_start..].trim_start().len();
                let start = self.text[..claim].chars().count();
                self.push(String::new(), vec![annotation(source, start, position)]);
            }
            CitationForm::List => (),
        }
    }
}

fn annotation(source: &ScriptedSource, start: usize, end: usize) -> Value {
    json!({
        "type": "url_citation",
        "url": source.url,
        "title": source.title,
        "content": source.excerpt,
        "start_index": start,
        "end_index": end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::DemoScripts;

    #[test]
    fn tokens_add_up_to_the_text() {
        for text in ["", "one two  three\n\nfour", "Donaudampfschifffahrt", "雨が止んだ。 прояснилось", "  \n x"]
        {
            assert_eq!(tokens(text).collect::<String>(), text);
            assert!(tokens(text).all(|token| (1..=8).contains(&token.chars().count())), "{text}");
        }
    }

    #[test]
    fn a_cited_range_covers_the_link_or_the_claim() {
        let scripts = DemoScripts::load();
        for (model, prompts) in [("demo/scholar", 1), ("demo/scholar", 2), ("demo/scholar", 3)] {
            let answer = json!({"type": "message", "role": "assistant", "id": "msg_tmp_scholar"});
            let mut input = vec![answer; prompts - 1];
            input.push(json!({"role": "user", "content": "why"}));
            let reply = scripts.reply(&json!({"model": model, "input": input})).unwrap();
            let text =
                reply.steps.iter().find_map(|step| if let ScriptStep::Text(text) = step { Some(text) } else { None });
            let cited = resolve_citations(text.unwrap(), reply);
            assert!(!cited.annotations.is_empty());
            assert_eq!(cited.segments.iter().map(|segment| segment.text.as_str()).collect::<String>(), cited.text);
            for annotation in &cited.annotations {
                let at = |key: &str| usize::try_from(annotation[key].as_u64().unwrap()).unwrap();
                let range: String =
                    cited.text.chars().skip(at("start_index")).take(at("end_index") - at("start_index")).collect();
                match reply.cites {
                    CitationForm::Link => assert!(range.starts_with("([") && range.ends_with("))"), "{range}"),
                    CitationForm::Claim => {
                        assert!(range.split_whitespace().count() > 3 && range.trim() == range, "{range}");
                    }
                    CitationForm::List => assert_eq!(range, ""),
                }
            }
        }
    }
}
