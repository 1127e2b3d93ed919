//! The task of one answer: opens the stream and reports every event until its end.

use std::{borrow::Cow, sync::Arc};

use tokio::sync::mpsc;

use super::servers::ApiServer;
use crate::{
    api::{self, ApiClient, Event, KeyRedactor, OpenError, RawFrame, Request, ResponseHead, ResponseStream},
    chat::{
        Answer, AnswerEnd, StreamId, Timestamp,
        recording::{FrameContent, RecordedFrame},
    },
    clock, log, text,
    ui::Msg,
};

/// Reads one response to its end and reports its events.
pub(super) async fn read_stream(
    server: Arc<ApiServer>,
    stream: StreamId,
    request: Box<Request>,
    record: bool,
    inbox: mpsc::Sender<Msg>,
) {
    // A server without a name is named after its address, whose query may hold secrets.
    let name = server.name.split('?').next();
    tracing::info!(server = name, attempt = stream.request_number, "stream begins");
    let mut reader = StreamReader { server: &server, stream, inbox: &inbox, record, redactor: None, end_logged: false };
    let result = reader.forward(&request).await;
    match &result {
        Ok(()) => reader.log_end(),
        // The message is not logged: it may quote the user's text.
        Err(error) => {
            let code = error.code.as_deref().filter(|code| is_error_code(code));
            tracing::warn!(attempt = stream.request_number, ?error.fault, ?error.status, code, "stream failed");
            reader.record_failure(error).await;
        }
    }
    let _ = inbox.send(Msg::StreamEnded { stream, at: clock::now(), result }).await; // Fails only on shutdown.
}

/// Reads one response to its end and returns the answer that it gives. It is reported to nobody, and nothing of it is
/// recorded.
///
/// # Errors
/// Returns why there is no complete answer.
pub(super) async fn read_whole(server: &ApiServer, request: &Request) -> Result<Answer, String> {
    let client = server.client().await.map_err(|error| error.message.clone())?;
    let mut opened = client.open(request).await.map_err(|refused| refused.error.message)?;
    let mut answer = Answer::new(server.name.clone(), request.model.clone(), clock::now());
    loop {
        let mut events: Vec<Event> = Vec::new();
        let more = opened.next_batch(&mut events).await;
        for event in &events {
            answer.apply(0, clock::now(), event);
        }
        if !more.map_err(|error| error.message)? {
            break;
        }
    }
    answer.finish(clock::now(), Ok(()));
    match answer.end {
        AnswerEnd::Complete => Ok(answer),
        AnswerEnd::Failed(error) => Err(error.message),
        AnswerEnd::Open | AnswerEnd::Incomplete { .. } | AnswerEnd::Stopped | AnswerEnd::Interrupted => {
            Err("the answer broke off".into())
        }
    }
}

/// A response that is being read.
struct StreamReader<'a> {
    server: &'a ApiServer,
    stream: StreamId,
    inbox: &'a mpsc::Sender<Msg>,
    /// Whether to report what goes over the wire, for the recording.
    record: bool,
    /// Set once the key is known.
    redactor: Option<KeyRedactor>,
    /// Whether the end has been logged.
    end_logged: bool,
}

impl StreamReader<'_> {
    async fn forward(&mut self, request: &Request) -> Result<(), api::ApiError> {
        let client = self.server.client().await?;
        self.record_request(client, request).await;
        let mut opened = match client.open(request).await {
            Ok(opened) => opened,
            Err(refused) => return Err(self.record_refusal(refused).await),
        };
        if self.record || log::is_content_logged() {
            opened.start_recording();
        }
        let generation = opened.generation_id.clone();
        tracing::debug!(attempt = self.stream.request_number, generation, "received the headers");
        self.record_head(&opened.head).await;
        if self.inbox.send(Msg::StreamOpened { stream: self.stream, generation }).await.is_err() {
            return Ok(());
        }
        loop {
            let mut events: Vec<Event> = Vec::new();
            let more = opened.next_batch(&mut events).await;
            let at = clock::now();
            tracing::trace!(attempt = self.stream.request_number, events = events.len(), "events");
            let recorded = self.take_frames(&mut opened, at);
            if events.iter().any(|event| matches!(event, Event::ResponseEnded(_) | Event::Failed(_))) {
                self.log_end(); // The program may exit as soon as the end is reported.
            }
            if !matches!(more, Ok(true)) {
                self.report(recorded).await;
                return more.map(drop);
            }
            let msg = Msg::Stream { stream: self.stream, at, events, recorded };
            if self.inbox.send(msg).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn record_request(&mut self, client: &ApiClient, request: &Request) {
        if !self.record && !log::is_content_logged() {
            return;
        }
        let variable = self.server.key_variable();
        self.redactor = Some(KeyRedactor::new(&client.endpoint, variable));
        let Ok(sent) = client.sent_request(request, variable) else { return };
        if log::is_content_logged() {
            tracing::info!(url = sent.url, body = sent.body, "request");
        }
        if self.record {
            self.report(vec![RecordedFrame::new(clock::now(), FrameContent::Sent(Box::new(sent)))]).await;
        }
    }

    /// Returns what came since the last call, for the recording. Empty if nothing is recorded.
    fn take_frames(&self, opened: &mut ResponseStream, at: Timestamp) -> Vec<RecordedFrame> {
        let Some(redactor) = &self.redactor else { return Vec::new() };
        let piece = |raw: RawFrame| match raw {
            RawFrame::Payload(payload) => {
                let payload = redact(redactor, payload);
                if log::is_content_logged() {
                    tracing::info!(payload = text::show_invisible_in_line(&payload), "event");
                }
                RecordedFrame::new(at, FrameContent::Received(payload))
            }
            RawFrame::Comment(words) => RecordedFrame::new(at, FrameContent::Comment(redact(redactor, words))),
        };
        let pieces = opened.take_recorded().into_iter().map(piece).collect();
        if self.record { pieces } else { Vec::new() }
    }

    async fn record_head(&self, head: &ResponseHead) {
        if let Some(redactor) = self.redactor.as_ref().filter(|_| self.record) {
            let head = Box::new(redactor.redact_head(head.clone()));
            self.report(vec![RecordedFrame::new(clock::now(), FrameContent::Answered(head))]).await;
        }
    }

    /// Records what the server sent instead of an answer, and returns the error.
    async fn record_refusal(&self, refused: Box<OpenError>) -> api::ApiError {
        if let Some(head) = &refused.head {
            self.record_head(head).await;
        }
        if let Some(redactor) = self.redactor.as_ref().filter(|_| self.record && !refused.body.is_empty()) {
            let body = redactor.redact(&refused.body).into();
            self.report(vec![RecordedFrame::new(clock::now(), FrameContent::Received(body))]).await;
        }
        refused.error
    }

    fn log_end(&mut self) {
        if !std::mem::replace(&mut self.end_logged, true) {
            tracing::info!(attempt = self.stream.request_number, "stream ended");
        }
    }

    async fn record_failure(&self, error: &api::ApiError) {
        let Some(redactor) = self.redactor.as_ref().filter(|_| self.record) else { return };
        let status = error.status.map(|status| format!("{status} ")).unwrap_or_default();
        let code = error.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let failure = FrameContent::Failed(redactor.redact(&format!("{status}{}{code}", error.message)).into());
        self.report(vec![RecordedFrame::new(clock::now(), failure)]).await;
    }

    async fn report(&self, pieces: Vec<RecordedFrame>) {
        if pieces.is_empty() {
            return;
        }
        let _ = self.inbox.send(Msg::WireRecorded { stream: self.stream, pieces }).await; // Fails only on shutdown.
    }
}

/// Hides keys in a text. Returns the same allocation if there is nothing to hide.
fn redact(redactor: &KeyRedactor, text: Box<str>) -> Box<str> {
    let hidden = match redactor.redact(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(hidden) => Some(hidden),
    };
    hidden.map_or(text, Into::into)
}

/// Whether this is an error code such as `rate_limit_exceeded`, and not a sentence or a key.
fn is_error_code(code: &str) -> bool {
    code.len() <= 48
        && code.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_.".contains(char))
}
