//! A connection to a server: opening it, calling tools, closing it.

// Logging is deprecated in the protocol, but in wide use.
#![allow(deprecated)]

use std::{collections::HashSet, time::Duration};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt, Peer, RoleClient, ServiceError,
    model::{
        CallToolRequest, CallToolRequestParams, CallToolResult, CancelledNotificationParam, ClientRequest, ErrorCode,
        LoggingLevel, PaginatedRequestParams, ProtocolVersion, RequestId, RequestMetaObject, ServerResult,
        SetLevelRequestParams, SubscriptionFilter,
    },
    service::{
        ClientInitializeError, PeerRequestOptions, RequestHandle, RunningService, RunningServiceCancellationToken,
    },
};
use serde_json::{Map, Value};
use tokio::{task::JoinHandle, time::timeout};

use super::{
    ConfiguredServer, McpOptions, ServerIdentity,
    client::{McpClient, ServerLog, bounded_line},
    content, http,
    messages::{self, CallLoss},
    stdio::{self, ProcessEnd, ServerProcess},
};
use crate::tools::{ToolDefinition, ToolFailure, ToolOutcome};

/// An open connection, after the handshake.
pub(super) struct ServerConnection {
    pub peer: Peer<RoleClient>,
    pub identity: ServerIdentity,
    cancel: RunningServiceCancellationToken,
    /// The task that carries messages; `None` once it has ended.
    transport_task: Option<JoinHandle<()>>,
    process: Option<ServerProcess>,
}

/// How the handshake of a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandshakeKind {
    /// As in the newest protocol. Servers that know only older versions report that.
    Newest,
    /// As in all older versions. Some servers exit if anything else comes first.
    Older,
}

/// How many tools are listed at most: more than any model can use.
const MAX_TOOLS: usize = 1000;
/// How many pages of tools are requested at most.
const MAX_TOOL_PAGES: usize = 200;

/// How long to wait for a program to exit after its connection has ended, because its exit code explains more.
pub(super) const EXIT_GRACE: Duration = Duration::from_millis(500);

impl HandshakeKind {
    fn lifecycle_mode(self) -> ClientLifecycleMode {
        match self {
            Self::Older => ClientLifecycleMode::Initialize,
            Self::Newest => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::LATEST],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Newest => Self::Older,
            Self::Older => Self::Newest,
        }
    }
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub(super) struct ConnectFailure {
    pub why: String,
    /// The server answered, and may accept the other handshake.
    pub try_other_handshake: bool,
    /// Nothing changes by itself: a program or a variable is missing, or a token is not accepted.
    pub is_permanent: bool,
}

impl From<String> for ConnectFailure {
    fn from(why: String) -> Self {
        Self { why, try_other_handshake: false, is_permanent: false }
    }
}

impl ConnectFailure {
    fn permanent(why: String) -> Self {
        Self { is_permanent: true, ..Self::from(why) }
    }
}

impl From<&ClientInitializeError> for ConnectFailure {
    fn from(error: &ClientInitializeError) -> Self {
        let not_so = matches!(
            error,
            ClientInitializeError::NoCompatibleProtocolVersion { .. } | ClientInitializeError::JsonRpcError(_)
        );
        Self {
            why: messages::start_message(error),
            try_other_handshake: not_so,
            is_permanent: messages::is_access_refused(error),
        }
    }
}

impl ServerConnection {
    /// Connects to the server and completes the handshake.
    ///
    /// # Errors
    /// Returns why the server cannot be reached or is not an MCP server.
    pub(super) async fn open(
        configured: &ConfiguredServer,
        options: &McpOptions,
        log: &ServerLog,
        handshake: HandshakeKind,
    ) -> Result<Self, ConnectFailure> {
        let client = McpClient { log: log.clone() };
        let limit = Duration::from_secs_f64(configured.settings.start_timeout);
        let no_handshake = || format!("it did not introduce itself within {} s", configured.settings.start_timeout);
        if configured.settings.command.is_none() {
            let transport = http::transport(configured, options, log).map_err(ConnectFailure::permanent)?;
            let served = timeout(limit, client.serve_with_lifecycle(transport, handshake.lifecycle_mode())).await;
            let service = served.map_err(|_| no_handshake())?.map_err(|error| ConnectFailure::from(&error))?;
            return Ok(Self::new(service, None));
        }
        stdio::check(configured, options).map_err(ConnectFailure::permanent)?;
        let (mut process, pipes) = ServerProcess::start(configured, options, log)?;
        let served = timeout(limit, client.serve_with_lifecycle(pipes, handshake.lifecycle_mode())).await;
        let (refused, ended) = match served {
            Ok(Ok(service)) => return Ok(Self::new(service, Some(process))),
            Ok(Err(error)) => {
                // If the program has exited, its exit code explains more.
                let grace = EXIT_GRACE.max(options.grace);
                let ended = if has_hung_up(&error) { timeout(grace, process.wait_for_exit()).await.ok() } else { None };
                (ConnectFailure::from(&error), ended)
            }
            Err(_) => (no_handshake().into(), None),
        };
        let ProcessEnd { last_words, read_error } = process.stop(options.grace).await;
        let with_words = |why: &str| match &last_words {
            Some(words) => format!("{why}: {words}"),
            None => why.to_owned(),
        };
        Err(match (read_error, ended) {
            (Some(wrong), _) => wrong.to_owned().into(),
            (None, Some(ended)) => {
                let why = with_words(&format!("{ended} before it introduced itself"));
                (why + path_hint(configured)).into()
            }
            (None, None) => ConnectFailure { why: with_words(&refused.why), ..refused },
        })
    }

    fn new(service: RunningService<RoleClient, McpClient>, process: Option<ServerProcess>) -> Self {
        let peer = service.peer().clone();
        let info = peer.peer_info();
        let info = info.as_deref();
        let server = info.and_then(|info| info.server_info.as_ref());
        let identity = ServerIdentity {
            name: server.map(|server| bounded_line(server.title.as_ref().unwrap_or(&server.name))).unwrap_or_default(),
            version: server.map(|server| bounded_line(&server.version)).unwrap_or_default(),
            protocol: info.map(|info| bounded_line(info.protocol_version.as_str())).unwrap_or_default(),
            instructions: info.and_then(|info| info.instructions.clone()),
        };
        let cancel = service.cancellation_token();
        let carrier = tokio::spawn(async move {
            let _ = service.waiting().await; // The connection has ended either way.
        });
        Self { peer, identity, cancel, transport_task: Some(carrier), process }
    }

    /// Waits until the connection ends, and returns why.
    pub(super) async fn wait_for_end(&mut self) -> String {
        let transport_task = &mut self.transport_task;
        let closed = async {
            if let Some(task) = transport_task {
                let _ = task.await; // As in `new`.
            }
            *transport_task = None;
        };
        match &mut self.process {
            None => {
                closed.await;
                "the connection ended".into()
            }
            Some(process) => {
                tokio::select! {
                    ended = process.wait_for_exit() => return ended,
                    () = closed => (),
                }
                let ended = timeout(EXIT_GRACE, process.wait_for_exit()).await;
                ended.unwrap_or_else(|_| "it closed its output".into())
            }
        }
    }

    /// Closes the connection and ends its program. Returns what is left of it.
    pub(super) async fn close(self, grace: Duration) -> ProcessEnd {
        self.cancel.cancel();
        let end = match self.process {
            Some(mut process) => process.stop(grace).await,
            None => ProcessEnd::default(),
        };
        if let Some(carrier) = self.transport_task {
            let _ = timeout(grace, carrier).await; // It ends with the runtime at the latest.
        }
        end
    }
}

/// Whether a program closed its pipes.
fn has_hung_up(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. } => true,
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => has_hung_up(fallback),
        _ => false,
    }
}

/// Returns a hint for the most common mistake: a server without a `PATH`.
fn path_hint(configured: &ConfiguredServer) -> &'static str {
    let settings = &configured.settings;
    if settings.env.contains_key("PATH") || settings.inherit.iter().any(|name| name == "PATH") {
        ""
    } else {
        "; it gets only the variables that the config names: inherit = [\"PATH\", \"HOME\"] passes these on"
    }
}

/// Begins a call.
///
/// # Errors
/// The connection is gone.
pub(super) async fn begin_call(
    peer: &Peer<RoleClient>,
    name: String,
    arguments: Map<String, Value>,
) -> Result<RequestHandle<RoleClient>, ServiceError> {
    let params = CallToolRequestParams::new(name).with_arguments(arguments);
    let mut options = PeerRequestOptions::no_options();
    if !is_legacy(peer) {
        let mut meta = RequestMetaObject::new();
        meta.set_log_level(LoggingLevel::Info);
        options = options.with_meta(meta);
    }
    peer.send_cancellable_request(ClientRequest::CallToolRequest(CallToolRequest::new(params)), options).await
}

/// Waits for the answer to a call, and reports what it implies for the server.
pub(super) async fn await_answer(
    handle: RequestHandle<RoleClient>,
    log: &ServerLog,
) -> (Result<ToolOutcome, ToolFailure>, CallLoss) {
    let result = match handle.await_response().await {
        Ok(result) => result,
        Err(error) => {
            let (failure, loss) = messages::call_failure(error);
            return (Err(failure), loss);
        }
    };
    let outcome = match result {
        ServerResult::CallToolResult(result) => Ok(content::to_outcome(result, log)),
        ServerResult::EmptyResult(_) => Ok(content::to_outcome(CallToolResult::default(), log)),
        ServerResult::InputRequiredResult(_) => {
            Err(ToolFailure::Refused("it wants to ask a question back, which ibid does not support".into()))
        }
        ServerResult::CreateTaskResult(_) => {
            Err(ToolFailure::Refused("it wants to answer later, which ibid does not support".into()))
        }
        _ => Err(ToolFailure::Garbled("it is not a tool result".into())),
    };
    (outcome, CallLoss::Nothing)
}

/// Notifies the server that a call is cancelled.
pub(super) async fn notify_cancelled(peer: Peer<RoleClient>, request: RequestId, reason: &'static str) {
    let cancelled = CancelledNotificationParam::new(Some(request), Some(reason.into()));
    let _ = peer.notify_cancelled(cancelled).await; // If this fails, the server is gone.
}

/// Lists all tools of a server, page by page. Also returns a warning if the list was cut short.
///
/// # Errors
/// The server did not answer, or refused.
pub(super) async fn list_tools(
    server: &str,
    peer: &Peer<RoleClient>,
) -> Result<(Vec<ToolDefinition>, Option<&'static str>), ToolFailure> {
    let mut tools: Vec<ToolDefinition> = Vec::new();
    let mut names: HashSet<String> = HashSet::new();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let params = cursors.last().map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor.clone())));
        let page = match peer.list_tools(params).await {
            Ok(page) => page,
            Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
                return Ok((tools, None));
            }
            Err(error) => return Err(messages::call_failure(error).0),
        };
        for tool in page.tools {
            if !names.insert(tool.name.clone().into_owned()) {
                continue;
            }
            if tools.len() == MAX_TOOLS {
                return Ok((tools, Some("it lists more than 1000 tools; the rest is left out")));
            }
            tools.push(content::to_tool(server, tool));
        }
        match page.next_cursor {
            None => return Ok((tools, None)),
            _ if cursors.len() >= MAX_TOOL_PAGES => {
                return Ok((tools, Some("its list of tools has no end; the rest is left out")));
            }
            Some(cursor) if cursors.contains(&cursor) => {
                return Ok((tools, Some("its list of tools repeats itself; the rest is left out")));
            }
            Some(cursor) => cursors.push(cursor),
        }
    }
}

/// Subscribes to the server's log and to changes of its tools, if it supports them, until the connection ends.
pub(super) async fn follow_changes(peer: Peer<RoleClient>, log: ServerLog) {
    let Some(info) = peer.peer_info() else { return };
    if is_legacy(&peer) {
        if info.capabilities.logging.is_some() {
            let _ = peer.set_level(SetLevelRequestParams::new(LoggingLevel::Info)).await; // Optional.
        }
        return;
    }
    if info.capabilities.tools.as_ref().is_none_or(|tools| tools.list_changed != Some(true)) {
        return;
    }
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let Ok(mut changes) = peer.listen(filter).await else { return };
    while let Ok(Some(_)) = changes.next().await {
        log.tools_changed.notify_one();
    }
}

fn is_legacy(peer: &Peer<RoleClient>) -> bool {
    peer.peer_info().is_none_or(|info| info.protocol_version.has_initialize())
}
