//! The stream of events that answers one request. It always ends with a reply, even if the server sends none.

use std::{collections::VecDeque, time::Duration};

use futures_util::{StreamExt, stream};
use reqwest::{Method, Response};
use rmcp::{
    model::ServerJsonRpcMessage,
    transport::common::{client_side_sse::BoxedSseResponse, http_header::HEADER_LAST_EVENT_ID},
};
use serde_json::Value;
use sse_stream::Sse;
use tokio::time::{Instant, sleep_until};

use super::{
    LogSource,
    client::ServerLog,
    event_stream::{EventReader, ServerEvent},
    http_client::HttpTarget,
    replies::{
        LOST_CODE, MessageShape, OpenRequest, TOO_LONG_CODE, WORDS_CODE, is_reply, read_error, read_from_server,
        words_in,
    },
};

pub(super) struct ReplyStream {
    request: OpenRequest,
    /// `None` once everything that is there has been read.
    response: Option<Response>,
    reader: EventReader,
    messages: VecDeque<ServerJsonRpcMessage>,
    has_reply: bool,
    /// How often the stream was resumed since the last event.
    resumptions: u32,
    http: reqwest::Client,
    target: HttpTarget,
    log: ServerLog,
}

/// How often a stream that brings no event is resumed.
const MAX_RESUMPTIONS: u32 = 5;
/// How long to wait before a stream that the server closed is resumed, unless the server says so, and at most.
const RESUME_DELAY: Duration = Duration::from_secs(1);
const MAX_RESUME_DELAY: Duration = Duration::from_secs(30);

/// How a response ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamEnd {
    Closed,
    /// In the middle, as when the server is killed.
    Broken,
}

impl ReplyStream {
    pub(super) fn new(request: OpenRequest, http: reqwest::Client, target: HttpTarget, log: ServerLog) -> Self {
        let (reader, messages) = (EventReader::default(), VecDeque::new());
        Self { request, response: None, reader, messages, has_reply: false, resumptions: 0, http, target, log }
    }

    pub(super) fn reading(mut self, response: Response) -> Self {
        self.response = Some(response);
        self
    }

    /// The messages as events that the SDK understands.
    pub(super) fn into_events(self) -> BoxedSseResponse {
        stream::unfold(self, |mut stream| async move {
            let message = stream.next_message().await?;
            let data = serde_json::to_string(&message).ok()?;
            Some((Ok(Sse::default().data(data)), stream))
        })
        .boxed()
    }

    async fn next_message(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            if self.has_reply {
                return None;
            }
            let end = match &mut self.response {
                None => StreamEnd::Closed,
                Some(response) => match response.chunk().await {
                    Ok(Some(bytes)) => {
                        self.take_bytes(&bytes);
                        continue;
                    }
                    Ok(None) => StreamEnd::Closed,
                    Err(_) => StreamEnd::Broken,
                },
            };
            for event in self.reader.finish() {
                self.take_event(&event);
            }
            if self.messages.is_empty() && !self.resume(end).await {
                self.reply(self.request.fail(LOST_CODE, "the connection ended"));
            }
        }
    }

    pub(super) fn take_bytes(&mut self, bytes: &[u8]) {
        for event in self.reader.push(bytes) {
            self.take_event(&event);
        }
        if self.reader.is_too_long && !self.has_reply {
            self.reply(self.request.fail(TOO_LONG_CODE, "its answer is larger than 16 MB"));
        }
    }

    fn reply(&mut self, message: ServerJsonRpcMessage) {
        self.has_reply = true;
        self.messages.push_back(message);
    }

    fn take_event(&mut self, event: &ServerEvent) {
        self.resumptions = 0;
        if self.has_reply {
            return;
        }
        match serde_json::from_str(&event.data) {
            Ok(Value::Array(all)) => all.into_iter().for_each(|value| self.take_value(&event.name, value)),
            Ok(value) => self.take_value(&event.name, value),
            Err(_) if event.name == "error" => self.reply(self.request.fail(WORDS_CODE, event.data.trim())),
            Err(_) => self.log.push_line(LogSource::Stdout, &event.data),
        }
    }

    /// Takes the data of an event, which is a message or, like a heartbeat, none.
    fn take_value(&mut self, event_name: &str, value: Value) {
        if is_reply(&value) {
            self.reply(self.request.read_reply(value, &self.log));
        } else if MessageShape::of(&value).is_some() {
            self.messages.extend(read_from_server(value));
        } else if event_name == "error" && words_in(&value).is_some() {
            self.reply(self.request.refuse(read_error(&value)));
        }
    }

    /// Goes on where the stream ended, if the server can do that.
    async fn resume(&mut self, end: StreamEnd) -> bool {
        self.response = None;
        let Some(last_id) = self.reader.last_id.clone().filter(|_| self.resumptions < MAX_RESUMPTIONS) else {
            return false;
        };
        self.resumptions += 1;
        if end == StreamEnd::Closed {
            sleep_until(Instant::now() + self.reader.retry.unwrap_or(RESUME_DELAY).min(MAX_RESUME_DELAY)).await;
        }
        let request = self.target.request(&self.http, Method::GET).header(HEADER_LAST_EVENT_ID, last_id);
        self.response = request.send().await.ok().filter(|response| response.status().is_success());
        self.response.is_some()
    }
}
