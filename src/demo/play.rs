//! Plays a reply: items and their events, at the speed of a model.

use std::{io, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Pace,
    script::{Cites, Reply, Source, Step},
    wire::{Answer, Status},
};

/// Nobody listens any more, or the line was cut.
struct Over;

/// Where the events go, and when.
struct Stage {
    out: Option<mpsc::Sender<io::Result<Bytes>>>,
    pace: Pace,
    /// Between two tokens, on average.
    token: Duration,
    answer: Answer,
}

/// A text and where it cites.
struct Cited {
    segments: Vec<Segment>,
    text: String,
    annotations: Vec<Value>,
}

/// Text, and the annotations that come behind it.
struct Segment {
    text: String,
    annotations: Vec<Value>,
}

/// The pieces of a stream, as they are said.
pub fn play(answer: Answer, reply: Reply, pace: Pace) -> mpsc::Receiver<io::Result<Bytes>> {
    let (send, pieces) = mpsc::channel(16);
    let token = Duration::from_secs(1) / reply.tokens_per_second.max(1);
    let stage = Stage { out: Some(send), pace, token, answer };
    tokio::spawn(async move {
        let _ = stage.perform(&reply).await; // Over is over.
    });
    pieces
}

/// The whole answer at once.
pub fn body(answer: Answer, reply: &Reply) -> String {
    let mut stage = Stage { out: None, pace: Pace::Immediate, token: Duration::ZERO, answer };
    // Without a listener and without pauses nothing is ever waited for. What was cut is what there is.
    let status = stage.items(reply).now_or_never().and_then(Result::ok).unwrap_or(Status::Completed);
    stage.answer.envelope(&status).to_string()
}

impl Stage {
    async fn perform(mut self, reply: &Reply) -> Result<(), Over> {
        for _ in 0..2 {
            self.say(": \n\n".into()).await?;
            self.pause(reply.wait / 2).await;
        }
        for kind in ["response.created", "response.in_progress"] {
            let response = self.answer.envelope(&Status::InProgress);
            self.event(kind, json!({"response": response})).await?;
        }
        let status = self.items(reply).await?;
        let response = self.answer.envelope(&status);
        let kind = match status {
            Status::Incomplete(_) => "response.incomplete",
            Status::Failed { .. } => "response.failed",
            Status::InProgress | Status::Completed => "response.completed",
        };
        self.event(kind, json!({"response": response})).await?;
        self.say("data: [DONE]\n\n".into()).await
    }

    async fn items(&mut self, reply: &Reply) -> Result<Status, Over> {
        let mut steps = reply.steps.iter().peekable();
        let mut called = false;
        while let Some(step) = steps.next() {
            match step {
                Step::Summary(parts) if self.answer.thinks() => {
                    let count = if self.answer.thinks_little() { 1 } else { parts.len() };
                    self.summary(&parts[..count]).await?;
                }
                Step::Raw(text) if self.answer.thinks() => self.raw_reasoning(text).await?,
                Step::Summary(_) | Step::Raw(_) => (),
                Step::Search { query, sources } => self.search(query, sources, reply).await?,
                Step::Text(text) => {
                    let mut text = text.trim().to_owned();
                    if let Some(Step::Rounds { times, each }) = steps.peek() {
                        steps.next();
                        text = format!("{text}\n\n{}", rounds(*times, each));
                    }
                    let ending = ending(steps.peek().copied());
                    if !self.message(&text, reply, ending).await? {
                        return Ok(Status::Incomplete("max_output_tokens".into()));
                    }
                }
                Step::Rounds { times, each } => {
                    self.message(&rounds(*times, each), reply, Ending::Closes).await?;
                }
                Step::Call { name, arguments } => {
                    if self.answer.may_call(name, called) {
                        self.call(name, arguments).await?;
                        called = true;
                    }
                }
                Step::Refusal(text) => self.refusal(text).await?,
                Step::Fail { code, error_type, message } => {
                    let (code, error_type, message) = (code.clone(), error_type.clone(), message.clone());
                    return Ok(Status::Failed { code, error_type, message });
                }
                Step::Incomplete(reason) => return Ok(Status::Incomplete(reason.clone())),
                Step::Cut {} => {
                    if let Some(out) = &self.out {
                        // What was said must have left by then.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        let _ = out.send(Err(io::ErrorKind::ConnectionReset.into())).await;
                    }
                    return Err(Over);
                }
            }
        }
        Ok(Status::Completed)
    }

    async fn summary(&mut self, parts: &[String]) -> Result<(), Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("rs"));
        let mut item = json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []});
        self.added(index, &item).await?;
        let mut done = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let text = self.fill(part);
            let place = json!({"output_index": index, "item_id": id, "summary_index": number});
            let empty = json!({"type": "summary_text", "text": ""});
            self.event("response.reasoning_summary_part.added", with(&place, json!({"part": empty}))).await?;
            for token in tokens(&text) {
                self.token(true).await;
                self.event("response.reasoning_summary_text.delta", with(&place, json!({"delta": token}))).await?;
            }
            self.event("response.reasoning_summary_text.done", with(&place, json!({"text": text}))).await?;
            let part = json!({"type": "summary_text", "text": text});
            self.event("response.reasoning_summary_part.done", with(&place, json!({"part": part}))).await?;
            self.pause(250).await;
            done.push(part);
        }
        item["summary"] = Value::Array(done);
        if self.answer.wants_encrypted_reasoning() {
            item["encrypted_content"] = json!(STANDARD.encode(format!("{id} of the demo")));
            item["format"] = json!("unknown");
        }
        self.done(index, item).await
    }

    async fn raw_reasoning(&mut self, text: &str) -> Result<(), Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("rs"));
        let mut item = json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []});
        self.added(index, &item).await?;
        let text = self.fill(text);
        let place = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str| json!({"type": "reasoning_text", "text": text});
        self.event("response.content_part.added", with(&place, json!({"part": part("")}))).await?;
        for token in tokens(&text) {
            self.token(true).await;
            self.event("response.reasoning_text.delta", with(&place, json!({"delta": token}))).await?;
        }
        self.event("response.reasoning_text.done", with(&place, json!({"text": text}))).await?;
        self.event("response.content_part.done", with(&place, json!({"part": part(&text)}))).await?;
        item["content"] = json!([part(&text)]);
        item["signature"] = json!(STANDARD.encode(format!("{id} of the demo")));
        item["format"] = json!("unknown");
        self.done(index, item).await
    }

    async fn search(&mut self, query: &str, sources: &[usize], reply: &Reply) -> Result<(), Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("st"));
        let mut item = json!({"id": id, "type": "openrouter:web_search", "status": "in_progress"});
        self.added(index, &item).await?;
        for _ in 0..2 {
            self.pause(450).await;
            self.say(": \n\n".into()).await?;
        }
        let sources = sources.iter().filter_map(|n| reply.sources.get(n - 1));
        let sources: Vec<Value> = sources.map(|source| json!({"type": "url", "url": source.url})).collect();
        item["action"] = json!({"type": "search", "query": query, "sources": sources});
        self.answer.count_search();
        self.done(index, item).await
    }

    async fn call(&mut self, name: &str, arguments: &str) -> Result<(), Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("fc"));
        let call_id = format!("call_{}_{index}", self.answer.id);
        let mut item = json!({"id": id, "type": "function_call", "status": "in_progress", "call_id": call_id,
            "name": name, "arguments": ""});
        self.added(index, &item).await?;
        let place = json!({"output_index": index, "item_id": id});
        for token in tokens(arguments) {
            self.token(false).await;
            self.event("response.function_call_arguments.delta", with(&place, json!({"delta": token}))).await?;
        }
        self.event("response.function_call_arguments.done", with(&place, json!({"arguments": arguments}))).await?;
        item["arguments"] = json!(arguments);
        self.done(index, item).await
    }

    /// Whether all of it was said: a limit on tokens may end it. What `breaks off` is left without its end.
    async fn message(&mut self, text: &str, reply: &Reply, ending: Ending) -> Result<bool, Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("msg"));
        let mut item =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.added(index, &item).await?;
        let place = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str, annotations: &[Value]| json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []});
        self.event("response.content_part.added", with(&place, json!({"part": part("", &[])}))).await?;
        let cited = cite(&self.fill(text), reply);
        let said = self.deltas(&place, &cited).await?;
        let whole = said == cited.text;
        if whole && ending == Ending::BreaksOff {
            return Ok(true);
        }
        let annotations = if whole { cited.annotations.as_slice() } else { &[] };
        self.event("response.output_text.done", with(&place, json!({"text": said, "logprobs": []}))).await?;
        self.event("response.content_part.done", with(&place, json!({"part": part(&said, annotations)}))).await?;
        item["content"] = json!([part(&said, annotations)]);
        item["status"] = json!(if whole { "completed" } else { "incomplete" });
        self.close(index, item).await?;
        Ok(whole)
    }

    /// Says the text token by token, and gives back how far it came.
    async fn deltas(&mut self, place: &Value, cited: &Cited) -> Result<String, Over> {
        let mut said = String::new();
        let mut number = 0;
        for segment in &cited.segments {
            for token in tokens(&segment.text) {
                if self.answer.limit().is_some_and(|limit| self.answer.tokens() >= limit) {
                    return Ok(said);
                }
                self.token(false).await;
                said.push_str(token);
                let fields = json!({"delta": token, "logprobs": []});
                self.event("response.output_text.delta", with(place, fields)).await?;
            }
            for annotation in &segment.annotations {
                let fields = json!({"annotation_index": number, "annotation": annotation});
                self.event("response.output_text.annotation.added", with(place, fields)).await?;
                number += 1;
            }
        }
        Ok(said)
    }

    async fn refusal(&mut self, text: &str) -> Result<(), Over> {
        let (index, id) = (self.answer.index(), self.answer.item_id("msg"));
        let mut item =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        self.added(index, &item).await?;
        let place = json!({"output_index": index, "item_id": id, "content_index": 0});
        let part = |text: &str| json!({"type": "refusal", "refusal": text});
        self.event("response.content_part.added", with(&place, json!({"part": part("")}))).await?;
        for token in tokens(text) {
            self.token(false).await;
            self.event("response.refusal.delta", with(&place, json!({"delta": token}))).await?;
        }
        self.event("response.refusal.done", with(&place, json!({"refusal": text}))).await?;
        self.event("response.content_part.done", with(&place, json!({"part": part(text)}))).await?;
        item["content"] = json!([part(text)]);
        item["status"] = json!("completed");
        self.close(index, item).await
    }

    async fn added(&mut self, index: usize, item: &Value) -> Result<(), Over> {
        self.event("response.output_item.added", json!({"output_index": index, "item": item})).await
    }

    async fn done(&mut self, index: usize, mut item: Value) -> Result<(), Over> {
        item["status"] = json!("completed");
        self.close(index, item).await
    }

    async fn close(&mut self, index: usize, item: Value) -> Result<(), Over> {
        self.event("response.output_item.done", json!({"output_index": index, "item": item})).await?;
        self.answer.keep(item);
        Ok(())
    }

    async fn event(&mut self, kind: &str, fields: Value) -> Result<(), Over> {
        let event = self.answer.event(kind, fields);
        self.say(event).await
    }

    async fn say(&self, text: String) -> Result<(), Over> {
        match &self.out {
            Some(out) => out.send(Ok(text.into())).await.map_err(|_| Over),
            None => Ok(()),
        }
    }

    /// Waits as long as a token takes, and counts it.
    async fn token(&mut self, of_reasoning: bool) {
        self.answer.count_token(of_reasoning);
        if self.pace == Pace::Lifelike {
            // Between a half and one and a half of the average, thinking twice as fast.
            let uneven = 50 + u32::try_from(self.answer.tokens().wrapping_mul(2_654_435_761) % 101).unwrap_or(50);
            let token = self.token * uneven / 100;
            tokio::time::sleep(if of_reasoning { token / 2 } else { token }).await;
        }
    }

    async fn pause(&self, milliseconds: u64) {
        if self.pace == Pace::Lifelike {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
    }

    /// Puts what the reader wrote into what is said.
    fn fill(&self, text: &str) -> String {
        text.trim().replace("{prompt}", &self.answer.prompt()).replace("{outputs}", &self.answer.outputs())
    }
}

/// What becomes of a message behind its last word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Closes,
    BreaksOff,
}

fn ending(next: Option<&Step>) -> Ending {
    match next {
        Some(Step::Fail { .. } | Step::Incomplete(_) | Step::Cut {}) => Ending::BreaksOff,
        _ => Ending::Closes,
    }
}

fn rounds(times: u32, each: &[String]) -> String {
    let round = |n: u32| each[n as usize % each.len()].trim().replace("{n}", &(n + 1).to_string());
    (0..times).map(round).collect::<Vec<_>>().join("\n\n")
}

fn with(place: &Value, fields: Value) -> Value {
    let mut event = place.clone();
    if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
        event.extend(fields);
    }
    event
}

/// Pieces as models send them: a word with the space before it, long ones in parts.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    const MOST: usize = 8;
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        for (count, (at, c)) in rest.char_indices().enumerate() {
            let starts_a_word = at > 0 && c.is_whitespace() && !rest[..at].ends_with(char::is_whitespace);
            if starts_a_word || count == MOST {
                break;
            }
            end = at + c.len_utf8();
        }
        let (token, tail) = rest.split_at(end);
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

/// Resolves the `{cite n}` of a text in the form that the reply asks for.
fn cite(text: &str, reply: &Reply) -> Cited {
    let mut cited = Cited { segments: Vec::new(), text: String::new(), annotations: Vec::new() };
    if reply.cites == Cites::List {
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
            cited.cite(source, reply.cites);
        }
        cited.push(rest.to_owned(), Vec::new());
    }
    cited
}

impl Cited {
    fn push(&mut self, text: String, annotations: Vec<Value>) {
        self.text.push_str(&text);
        self.annotations.extend(annotations.iter().cloned());
        self.segments.push(Segment { text, annotations });
    }

    fn cite(&mut self, source: &Source, form: Cites) {
        let here = self.text.chars().count();
        match form {
            Cites::Link => {
                let host = source.url.split('/').nth(2).unwrap_or(&source.url);
                let link = format!("([{host}]({}))", source.url);
                let end = here + 1 + link.chars().count();
                self.push(format!(" {link}"), vec![annotation(source, here + 1, end)]);
            }
            Cites::Claim => {
                let mark = self.text.rfind(['.', ',', ':']).map_or(0, |at| at + 1);
                let claim = mark.max(self.text.rfind("\n\n").unwrap_or(0));
                let claim = claim + self.text[claim..].len() - self.text[claim..].trim_start().len();
                let start = self.text[..claim].chars().count();
                self.push(String::new(), vec![annotation(source, start, here)]);
            }
            Cites::List => (),
        }
    }
}

fn annotation(source: &Source, start: usize, end: usize) -> Value {
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
    use crate::demo::script::Scripts;

    #[test]
    fn tokens_add_up_to_the_text() {
        for text in ["", "one two  three\n\nfour", "Donaudampfschifffahrt", "雨が止んだ。 прояснилось", "  \n x"]
        {
            assert_eq!(tokens(text).collect::<String>(), text);
            assert!(tokens(text).all(|token| (1..=8).contains(&token.chars().count())), "{text}");
        }
    }

    #[test]
    fn a_cited_range_is_the_link_or_the_claim() {
        let scripts = Scripts::load();
        for (model, prompts) in [("demo/scholar", 1), ("demo/scholar", 2), ("demo/scholar", 3)] {
            let answer = json!({"type": "message", "role": "assistant", "id": "msg_tmp_scholar"});
            let mut input = vec![answer; prompts - 1];
            input.push(json!({"role": "user", "content": "why"}));
            let reply = scripts.reply(&json!({"model": model, "input": input})).unwrap();
            let text = reply.steps.iter().find_map(|step| if let Step::Text(text) = step { Some(text) } else { None });
            let cited = cite(text.unwrap(), reply);
            assert!(!cited.annotations.is_empty());
            assert_eq!(cited.segments.iter().map(|segment| segment.text.as_str()).collect::<String>(), cited.text);
            for annotation in &cited.annotations {
                let at = |key: &str| usize::try_from(annotation[key].as_u64().unwrap()).unwrap();
                let range: String =
                    cited.text.chars().skip(at("start_index")).take(at("end_index") - at("start_index")).collect();
                match reply.cites {
                    Cites::Link => assert!(range.starts_with("([") && range.ends_with("))"), "{range}"),
                    Cites::Claim => assert!(range.split_whitespace().count() > 3 && range.trim() == range, "{range}"),
                    Cites::List => assert_eq!(range, ""),
                }
            }
        }
    }
}
