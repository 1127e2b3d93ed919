//! A connection to a server: made, used, given up.

// The log of the protocol is deprecated there, and used everywhere.
#![allow(deprecated)]

use std::time::Duration;

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
    Configured, Identity, Options,
    client::{Client, Ear, bounded},
    content, http,
    stdio::Process,
    words::{self, Loss},
};
use crate::tools::{Failure, Outcome, Tool};

/// Both sides know each other.
pub struct Link {
    pub peer: Peer<RoleClient>,
    pub identity: Identity,
    cancel: RunningServiceCancellationToken,
    /// Whoever carries messages; `None` once that is over.
    carrier: Option<JoinHandle<()>>,
    process: Option<Process>,
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// As the newest protocol does; servers that know only the older ones say so.
    Newest,
    /// As all before it: some servers end when they are asked anything else first.
    Older,
}

/// More tools, or pages of them, than any model can be told of.
const MOST_TOOLS: usize = 1000;
const MOST_PAGES: usize = 200;

/// How long the end of a connection may take to be explained by the end of a program.
pub const LAST_WORDS: Duration = Duration::from_millis(500);

impl Begin {
    fn mode(self) -> ClientLifecycleMode {
        match self {
            Self::Older => ClientLifecycleMode::Initialize,
            Self::Newest => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::LATEST],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Newest => Self::Older,
            Self::Older => Self::Newest,
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub struct Refused {
    pub why: String,
    /// Somebody is there, who may like the other beginning better.
    pub not_so: bool,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, not_so: false }
    }
}

impl From<&ClientInitializeError> for Refused {
    fn from(error: &ClientInitializeError) -> Self {
        let not_so = matches!(
            error,
            ClientInitializeError::NoCompatibleProtocolVersion { .. } | ClientInitializeError::JsonRpcError(_)
        );
        Self { why: words::start(error), not_so }
    }
}

impl Link {
    /// Reaches the server and says who we are.
    ///
    /// # Errors
    /// It cannot be reached, or is no MCP server, in words that help.
    pub async fn open(configured: &Configured, options: &Options, ear: &Ear, begin: Begin) -> Result<Self, Refused> {
        let client = Client { ear: ear.clone() };
        let limit = Duration::from_secs_f64(configured.settings.start_timeout);
        let mute = || format!("it did not say who it is within {} s", configured.settings.start_timeout);
        if configured.settings.command.is_none() {
            let transport = http::transport(configured, options)?;
            let served = timeout(limit, client.serve_with_lifecycle(transport, begin.mode())).await;
            let service = served.map_err(|_| mute())?.map_err(|error| Refused::from(&error))?;
            return Ok(Self::new(service, None));
        }
        let (mut process, pipes) = Process::start(configured, options, ear)?;
        let served = timeout(limit, client.serve_with_lifecycle(pipes, begin.mode())).await;
        let (refused, ended) = match served {
            Ok(Ok(service)) => return Ok(Self::new(service, Some(process))),
            // It ends by itself, perhaps, and then that says more.
            Ok(Err(ClientInitializeError::ConnectionClosed(said))) => {
                let ended = timeout(LAST_WORDS, process.ended()).await.ok();
                (Refused::from(&ClientInitializeError::ConnectionClosed(said)), ended)
            }
            Ok(Err(error)) => (Refused::from(&error), None),
            Err(_) => (mute().into(), None),
        };
        let wrong = process.stop(options.grace).await;
        Err(match (wrong, ended) {
            (Some(wrong), _) => wrong.to_owned().into(),
            (None, Some(ended)) => format!("{ended} before it said who it is{}", advice(configured)).into(),
            (None, None) => refused,
        })
    }

    fn new(service: RunningService<RoleClient, Client>, process: Option<Process>) -> Self {
        let peer = service.peer().clone();
        let info = peer.peer_info();
        let info = info.as_deref();
        let server = info.and_then(|info| info.server_info.as_ref());
        let identity = Identity {
            name: server.map(|server| bounded(server.title.as_ref().unwrap_or(&server.name))).unwrap_or_default(),
            version: server.map(|server| bounded(&server.version)).unwrap_or_default(),
            protocol: info.map(|info| bounded(info.protocol_version.as_str())).unwrap_or_default(),
            instructions: info.and_then(|info| info.instructions.clone()),
        };
        let cancel = service.cancellation_token();
        let carrier = tokio::spawn(async move {
            let _ = service.waiting().await; // Over is over.
        });
        Self { peer, identity, cancel, carrier: Some(carrier), process }
    }

    /// Waits until the connection ends by itself, and says why.
    pub async fn ended(&mut self) -> String {
        let carrier = &mut self.carrier;
        let closed = async {
            if let Some(task) = carrier {
                let _ = task.await; // Over is over.
            }
            *carrier = None;
        };
        match &mut self.process {
            None => {
                closed.await;
                "the connection ended".into()
            }
            Some(process) => {
                tokio::select! {
                    ended = process.ended() => return ended,
                    () = closed => (),
                }
                let ended = timeout(LAST_WORDS, process.ended()).await;
                ended.unwrap_or_else(|_| "it closed its output".into())
            }
        }
    }

    /// Gives the connection up and ends what was started for it; tells what was wrong with what it said, if that was it.
    pub async fn close(self, grace: Duration) -> Option<&'static str> {
        self.cancel.cancel();
        let wrong = match self.process {
            Some(mut process) => process.stop(grace).await,
            None => None,
        };
        if let Some(carrier) = self.carrier {
            let _ = timeout(grace, carrier).await; // It ends with the runtime at the latest.
        }
        wrong
    }
}

/// What people run into first.
fn advice(configured: &Configured) -> &'static str {
    let settings = &configured.settings;
    if settings.env.contains_key("PATH") || settings.inherit.iter().any(|name| name == "PATH") {
        ""
    } else {
        "; it sees no variables but those that are named: inherit = [\"PATH\", \"HOME\"] gives it these"
    }
}

/// Begins a call.
///
/// # Errors
/// The connection is gone.
pub async fn call(
    peer: &Peer<RoleClient>,
    name: String,
    arguments: Map<String, Value>,
) -> Result<RequestHandle<RoleClient>, ServiceError> {
    let params = CallToolRequestParams::new(name).with_arguments(arguments);
    let mut options = PeerRequestOptions::no_options();
    if !is_old(peer) {
        let mut meta = RequestMetaObject::new();
        meta.set_log_level(LoggingLevel::Info);
        options = options.with_meta(meta);
    }
    peer.send_cancellable_request(ClientRequest::CallToolRequest(CallToolRequest::new(params)), options).await
}

/// What a call came to, and what that says of its server.
pub async fn answer(handle: RequestHandle<RoleClient>) -> (Result<Outcome, Failure>, Loss) {
    let result = match handle.await_response().await {
        Ok(result) => result,
        Err(error) => {
            let (failure, loss) = words::call(error);
            return (Err(failure), loss);
        }
    };
    let outcome = match result {
        ServerResult::CallToolResult(result) => Ok(content::outcome(result)),
        ServerResult::EmptyResult(_) => Ok(content::outcome(CallToolResult::default())),
        ServerResult::InputRequiredResult(_) => {
            Err(Failure::Refused("it wants to ask something back, and gets no answer to that".into()))
        }
        ServerResult::CreateTaskResult(_) => Err(Failure::Refused("it wants to answer later".into())),
        _ => Err(Failure::Garbled("it is no result of a tool".into())),
    };
    (outcome, Loss::Nothing)
}

/// Tells the server that nobody waits for an answer any more.
pub async fn cancel(peer: Peer<RoleClient>, request: RequestId, reason: &'static str) {
    let cancelled = CancelledNotificationParam::new(Some(request), Some(reason.into()));
    let _ = peer.notify_cancelled(cancelled).await; // Then it is gone, and knows.
}

/// Everything that a server offers, page by page; and what was odd.
///
/// # Errors
/// It did not answer, or not to that.
pub async fn tools(server: &str, peer: &Peer<RoleClient>) -> Result<(Vec<Tool>, Option<&'static str>), Failure> {
    let mut tools: Vec<Tool> = Vec::new();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let params = cursors.last().map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor.clone())));
        let page = match peer.list_tools(params).await {
            Ok(page) => page,
            Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
                return Ok((tools, None));
            }
            Err(error) => return Err(words::call(error).0),
        };
        for tool in page.tools {
            if !tools.iter().any(|known| known.id.name == tool.name) {
                tools.push(content::tool(server, tool));
            }
        }
        match page.next_cursor {
            None => return Ok((tools, None)),
            _ if tools.len() >= MOST_TOOLS || cursors.len() >= MOST_PAGES => {
                return Ok((tools, Some("its list of tools has no end; the rest is left out")));
            }
            Some(cursor) if cursors.contains(&cursor) => {
                return Ok((tools, Some("its list of tools turns in a circle; the rest is left out")));
            }
            Some(cursor) => cursors.push(cursor),
        }
    }
}

/// Asks for its log and for news of its tools, as far as it has them, for as long as the connection lasts.
pub async fn follow(peer: Peer<RoleClient>, ear: Ear) {
    let Some(info) = peer.peer_info() else { return };
    if is_old(&peer) {
        if info.capabilities.logging.is_some() {
            let _ = peer.set_level(SetLevelRequestParams::new(LoggingLevel::Info)).await; // Then there is less to read.
        }
        return;
    }
    if info.capabilities.tools.as_ref().is_none_or(|tools| tools.list_changed != Some(true)) {
        return;
    }
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let Ok(mut news) = peer.listen(filter).await else { return };
    while let Ok(Some(_)) = news.next().await {
        ear.changed.notify_one();
    }
}

fn is_old(peer: &Peer<RoleClient>) -> bool {
    peer.peer_info().is_none_or(|info| info.protocol_version.has_initialize())
}
