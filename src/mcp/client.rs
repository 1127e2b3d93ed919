//! The client side of the protocol: receives notifications and refuses requests that servers may not make.

// Logging and requests from servers to clients are deprecated in the protocol, but in wide use.
#![allow(deprecated)]

use std::sync::Arc;

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

use super::{CallProgress, LogSource, ServerLogLine};
use crate::{clock, secrets, text};

/// A notification from a server.
#[derive(Debug)]
pub(super) enum ServerNotice {
    Line(ServerLogLine),
    Progress(ProgressToken, CallProgress),
}

/// Collects the notifications of a server. If too many are waiting, new ones are dropped.
#[derive(Debug, Clone)]
pub(super) struct ServerLog {
    sender: mpsc::Sender<ServerNotice>,
    /// Notified when the server's tools have changed since they were listed.
    pub tools_changed: Arc<Notify>,
}

/// How many notifications of one server may wait.
const MAX_WAITING_NOTICES: usize = 256;

/// The longest line of a log, in characters.
const MAX_LINE_CHARS: usize = 500;

impl ServerLog {
    pub(super) fn new() -> (Self, mpsc::Receiver<ServerNotice>) {
        let (heard, hearing) = mpsc::channel(MAX_WAITING_NOTICES);
        (Self { sender: heard, tools_changed: Arc::default() }, hearing)
    }

    pub(super) fn push_line(&self, source: LogSource, message: &str) {
        let text = bounded_line(message);
        let _ = self.sender.try_send(ServerNotice::Line(ServerLogLine { at: clock::now(), source, text }));
    }

    fn refuse(&self, method: &str) -> ErrorData {
        self.push_line(LogSource::Refused, &format!("it requested {method}, which ibid does not support"));
        ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)
    }
}

/// Cleans a text, without the keys in use, and shortens it to one line of bounded length.
pub(super) fn bounded_line(message: &str) -> String {
    let message = secrets::redact(message);
    // Leave room for characters that cleaning removes.
    let beginning: String = message.chars().take(4 * MAX_LINE_CHARS).collect();
    let clean = secrets::redact_owned(text::join_lines(&beginning));
    let clean = clean.trim_end();
    match clean.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean.to_owned(),
    }
}

/// The handler for requests and notifications from a server.
#[derive(Debug, Clone)]
pub(super) struct McpClient {
    pub log: ServerLog,
}

impl ClientHandler for McpClient {
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
        Err(self.log.refuse("sampling/createMessage"))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Err(self.log.refuse("roots/list"))
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Err(self.log.refuse("elicitation/create"))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<CustomResult, ErrorData> {
        Err(self.log.refuse(&request.method))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let message = params.message.map(|message| bounded_line(&message));
        let progress = CallProgress { done: params.progress, total: params.total, message };
        let _ = self.log.sender.try_send(ServerNotice::Progress(params.progress_token, progress));
    }

    async fn on_logging_message(&self, params: LoggingMessageNotificationParam, _: NotificationContext<RoleClient>) {
        let source = match params.level {
            LoggingLevel::Debug | LoggingLevel::Info | LoggingLevel::Notice => LogSource::Server,
            LoggingLevel::Warning
            | LoggingLevel::Error
            | LoggingLevel::Critical
            | LoggingLevel::Alert
            | LoggingLevel::Emergency => LogSource::Warning,
        };
        let message = match params.data.as_str() {
            Some(text) => text.to_owned(),
            None => params.data.to_string(),
        };
        let logger = params.logger.map(|logger| format!("{logger}: ")).unwrap_or_default();
        self.log.push_line(source, &(logger + &message));
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.log.tools_changed.notify_one();
    }
}
