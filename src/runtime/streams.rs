//! One task per answer: it opens the stream and reports every event until its end.

use std::{borrow::Cow, sync::Arc};

use tokio::sync::mpsc;

use super::servers::Server;
use crate::{
    api::{self, Client, Event, Head, Opened, Raw, Refused, Request, Veil},
    app::Msg,
    chat::{
        StreamId, Timestamp,
        recording::{Piece, What},
    },
    log,
};

/// Reads one response to its end.
pub(super) async fn read(
    server: Arc<Server>,
    stream: StreamId,
    request: Box<Request>,
    record: bool,
    inbox: mpsc::Sender<Msg>,
) {
    // A server without a name is called by its address, and a query may hold anything.
    let name = server.name.split('?').next();
    tracing::info!(server = name, attempt = stream.attempt, "stream begins");
    let mut reading = Reading { server: &server, stream, inbox: &inbox, record, veil: None, ended: false };
    let result = reading.forward(&request).await;
    match &result {
        Ok(()) => reading.note_end(),
        // The message may carry the reader's words.
        Err(error) => {
            let code = error.code.as_deref().filter(|code| is_word(code));
            tracing::warn!(attempt = stream.attempt, ?error.fault, ?error.status, code, "stream failed");
            reading.record_failure(error).await;
        }
    }
    let _ = inbox.send(Msg::StreamEnded { stream, at: Timestamp::now(), result }).await; // Nobody listens on the way out.
}

/// One response on its way.
struct Reading<'a> {
    server: &'a Server,
    stream: StreamId,
    inbox: &'a mpsc::Sender<Msg>,
    /// What goes over the wire is reported too.
    record: bool,
    /// Known when the key is.
    veil: Option<Veil>,
    /// The log says so.
    ended: bool,
}

impl Reading<'_> {
    async fn forward(&mut self, request: &Request) -> Result<(), api::Error> {
        let client = self.server.client().await?;
        self.record_request(client, request).await;
        let mut opened = match client.open(request).await {
            Ok(opened) => opened,
            Err(refused) => return Err(self.record_refusal(refused).await),
        };
        if self.record || log::has_content() {
            opened.keep_raw();
        }
        let generation = opened.generation.clone();
        tracing::debug!(attempt = self.stream.attempt, generation, "headers have come");
        self.record_head(&opened.head).await;
        if self.inbox.send(Msg::StreamOpened { stream: self.stream, generation }).await.is_err() {
            return Ok(());
        }
        loop {
            let mut events: Vec<Event> = Vec::new();
            let more = opened.next_batch(&mut events).await;
            let at = Timestamp::now();
            tracing::trace!(attempt = self.stream.attempt, events = events.len(), "events");
            let recorded = self.pieces(&mut opened, at);
            if events.iter().any(|event| matches!(event, Event::Ended(_) | Event::Failed(_))) {
                self.note_end(); // Whoever hears of it may end the program at once.
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

    async fn record_request(&mut self, client: &Client, request: &Request) {
        if !self.record && !log::has_content() {
            return;
        }
        let variable = self.server.key_variable();
        self.veil = Some(Veil::new(&client.endpoint, variable));
        let Ok(sent) = client.sent(request, variable) else { return };
        if log::has_content() {
            tracing::info!(url = sent.url, body = sent.body, "request");
        }
        if self.record {
            self.report(vec![Piece::new(Timestamp::now(), What::Sent(Box::new(sent)))]).await;
        }
    }

    /// What came since the last time, for the recording; nothing where none is made.
    fn pieces(&self, opened: &mut Opened, at: Timestamp) -> Vec<Piece> {
        let Some(veil) = &self.veil else { return Vec::new() };
        let piece = |raw: Raw| match raw {
            Raw::Payload(payload) => {
                let payload = hidden(veil, payload);
                if log::has_content() {
                    tracing::info!(%payload, "event");
                }
                Piece::new(at, What::Received(payload))
            }
            Raw::Comment(words) => Piece::new(at, What::Comment(hidden(veil, words))),
        };
        let pieces = opened.take_raw().into_iter().map(piece).collect();
        if self.record { pieces } else { Vec::new() }
    }

    async fn record_head(&self, head: &Head) {
        if let Some(veil) = self.veil.as_ref().filter(|_| self.record) {
            let head = Box::new(veil.head(head.clone()));
            self.report(vec![Piece::new(Timestamp::now(), What::Answered(head))]).await;
        }
    }

    /// What a server said instead of an answer.
    async fn record_refusal(&self, refused: Box<Refused>) -> api::Error {
        if let Some(head) = &refused.head {
            self.record_head(head).await;
        }
        if let Some(veil) = self.veil.as_ref().filter(|_| self.record && !refused.body.is_empty()) {
            let body = veil.hide(&refused.body).into();
            self.report(vec![Piece::new(Timestamp::now(), What::Received(body))]).await;
        }
        refused.error
    }

    fn note_end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            tracing::info!(attempt = self.stream.attempt, "stream ended");
        }
    }

    async fn record_failure(&self, error: &api::Error) {
        let Some(veil) = self.veil.as_ref().filter(|_| self.record) else { return };
        let status = error.status.map(|status| format!("{status} ")).unwrap_or_default();
        let code = error.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let what = What::Failed(veil.hide(&format!("{status}{}{code}", error.message)).into());
        self.report(vec![Piece::new(Timestamp::now(), what)]).await;
    }

    async fn report(&self, pieces: Vec<Piece>) {
        if pieces.is_empty() {
            return;
        }
        let _ = self.inbox.send(Msg::Recorded { stream: self.stream, pieces }).await; // Nobody listens on the way out.
    }
}

/// The same text where there is nothing to hide in it.
fn hidden(veil: &Veil, text: Box<str>) -> Box<str> {
    let hidden = match veil.hide(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(hidden) => Some(hidden),
    };
    hidden.map_or(text, Into::into)
}

/// Whether a server's code is one, such as `rate_limit_exceeded`, and no sentence and no key.
fn is_word(code: &str) -> bool {
    code.len() <= 48
        && code.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_.".contains(char))
}
