//! What we are to a server: we answer its pings, hear its news, and refuse what it may not ask.

// The log of the protocol and what servers ask of clients is deprecated there, and used everywhere.
#![allow(deprecated)]

use std::sync::Arc;

use jiff::Timestamp;
use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, CreateMessageRequestParams, CreateMessageResult, CustomRequest, CustomResult,
        ElicitRequestParams, ElicitResult, ErrorCode, Implementation, ListRootsResult, LoggingLevel,
        LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken, ProtocolVersion,
    },
    service::{NotificationContext, RequestContext},
};
use tokio::sync::{Notify, mpsc};

use super::{Line, Progress, Voice};
use crate::text;

/// What comes in beside answers.
#[derive(Debug)]
pub enum Heard {
    Line(Line),
    Progress(ProgressToken, Progress),
}

/// Takes down what a server says without being asked. When too much waits, more of it is dropped.
#[derive(Debug, Clone)]
pub struct Ear {
    heard: mpsc::Sender<Heard>,
    /// The tools are not those that were listed.
    pub changed: Arc<Notify>,
}

/// What waits to be told of one server.
const WAITING: usize = 256;

/// The longest line of a log, in characters.
const LONGEST: usize = 500;

impl Ear {
    pub fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (heard, hearing) = mpsc::channel(WAITING);
        (Self { heard, changed: Arc::default() }, hearing)
    }

    pub fn line(&self, voice: Voice, said: &str) {
        let text = bounded(said);
        let _ = self.heard.try_send(Heard::Line(Line { at: Timestamp::now(), voice, text }));
    }

    fn refuse(&self, method: &str) -> ErrorData {
        self.line(Voice::Refused, &format!("it asked for {method}, which it does not get"));
        ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)
    }
}

/// One line of it, clean, and not all of it when it is long.
pub fn bounded(said: &str) -> String {
    // What is cleaned away takes room too.
    let beginning: String = said.chars().take(4 * LONGEST).collect();
    let clean = text::clean(&beginning);
    let clean = clean.trim_end().replace('\n', " ");
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// Our side of the protocol.
#[derive(Debug, Clone)]
pub struct Client {
    pub ear: Ear,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let ibid = Implementation::new("ibid", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), ibid)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        Err(self.ear.refuse("sampling/createMessage"))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Err(self.ear.refuse("roots/list"))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Err(self.ear.refuse("elicitation/create"))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<CustomResult, ErrorData> {
        Err(self.ear.refuse(&request.method))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let message = params.message.map(|message| bounded(&message));
        let progress = Progress { done: params.progress, total: params.total, message };
        let _ = self.ear.heard.try_send(Heard::Progress(params.progress_token, progress));
    }

    async fn on_logging_message(&self, params: LoggingMessageNotificationParam, _: NotificationContext<RoleClient>) {
        let voice = match params.level {
            LoggingLevel::Debug | LoggingLevel::Info | LoggingLevel::Notice => Voice::Server,
            LoggingLevel::Warning
            | LoggingLevel::Error
            | LoggingLevel::Critical
            | LoggingLevel::Alert
            | LoggingLevel::Emergency => Voice::Warning,
        };
        let said = match params.data.as_str() {
            Some(text) => text.to_owned(),
            None => params.data.to_string(),
        };
        let logger = params.logger.map(|logger| format!("{logger}: ")).unwrap_or_default();
        self.ear.line(voice, &(logger + &said));
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.ear.changed.notify_one();
    }
}
