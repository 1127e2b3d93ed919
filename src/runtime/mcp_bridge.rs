//! Connects the thread of the MCP servers with the loop: calls in one direction, events in the other.

use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    chat::CallId,
    clock,
    mcp::{CallProgress, McpEvent, McpHandle, McpJob, McpOptions, ServerDiscovery},
    secrets,
    tools::{ToolDefinition, ToolFailure, ToolId, ToolOutcome},
    ui::Msg,
};

/// How many events of the servers may wait.
const MAX_WAITING_EVENTS: usize = 64;

/// Opens the MCP servers of the config and of the working folder. Returns `None` if none are configured.
pub(super) fn open(
    places: Option<ServerDiscovery>,
    inbox: &mpsc::Sender<Msg>,
    tasks: &mut JoinSet<()>,
) -> Option<McpHandle> {
    let places = places.filter(ServerDiscovery::has_any)?;
    let (send, mut events) = mpsc::channel(MAX_WAITING_EVENTS);
    let mcp = McpHandle::open(places, McpOptions::default(), send);
    // The list of servers must be known before anything else.
    while let Ok(event) = events.try_recv() {
        let _ = inbox.try_send(to_msg(event)); // There is room: first event.
    }
    let inbox = inbox.clone();
    tasks.spawn(async move {
        while let Some(event) = events.recv().await {
            if inbox.send(to_msg(event)).await.is_err() {
                return; // The loop has ended.
            }
        }
    });
    Some(mcp)
}

/// Hands a call to its server. If that is impossible, returns the message that reports the failure.
pub(super) fn call(mcp: Option<&McpHandle>, call: CallId, tool: ToolId, arguments: serde_json::Value) -> Option<Msg> {
    let server = tool.server.clone();
    let arguments = match arguments {
        serde_json::Value::Object(arguments) => arguments,
        _ => serde_json::Map::new(), // The protocol allows only objects.
    };
    match mcp {
        Some(mcp) if mcp.send(McpJob::Call { call, tool, arguments }) => None,
        _ => {
            let result = Err(ToolFailure::Start(format!("there is no server {server}")));
            Some(Msg::ToolEnded { call, at: clock::now(), result })
        }
    }
}

/// Hides our keys in what a tool returned.
pub(super) fn without_keys(result: Result<ToolOutcome, ToolFailure>) -> Result<ToolOutcome, ToolFailure> {
    result
        .map(|outcome| outcome.map_texts(secrets::redact_owned))
        .map_err(|failure| failure.map_text(secrets::redact_owned))
}

fn to_msg(event: McpEvent) -> Msg {
    match event {
        McpEvent::CallDone { call, result } => Msg::ToolEnded { call, at: clock::now(), result: without_keys(result) },
        McpEvent::CallProgress { call, progress } => {
            Msg::ToolProgress { call, words: secrets::redact_owned(progress_text(&progress)) }
        }
        McpEvent::Tools { server, tools } => {
            Msg::ToolsReported { server, tools: tools.into_iter().filter_map(tool_without_keys).collect() }
        }
        McpEvent::State { server, state } => {
            Msg::McpEvent(McpEvent::State { server, state: state.map_texts(secrets::redact_owned) })
        }
        McpEvent::Log { server, mut lines } => {
            for line in &mut lines {
                line.text = secrets::redact_owned(std::mem::take(&mut line.text));
            }
            Msg::McpEvent(McpEvent::Log { server, lines })
        }
        McpEvent::Servers { servers, complaints } => {
            let complaints = complaints.into_iter().map(secrets::redact_owned).collect();
            Msg::McpEvent(McpEvent::Servers { servers, complaints })
        }
    }
}

/// Hides our keys in what a tool says about itself. A tool whose name holds one could not be called by another name.
fn tool_without_keys(tool: ToolDefinition) -> Option<ToolDefinition> {
    if secrets::redact(&tool.id.name) != tool.id.name {
        return None;
    }
    let schema = secrets::redact_owned(tool.parameters.to_string());
    Some(ToolDefinition {
        title: tool.title.map(secrets::redact_owned),
        description: secrets::redact_owned(tool.description),
        parameters: serde_json::from_str(&schema).unwrap_or(tool.parameters),
        ..tool
    })
}

/// Formats progress, such as `3 of 10, reading`.
fn progress_text(progress: &CallProgress) -> String {
    let far = match progress.total {
        Some(total) => format!("{} of {total}", progress.done),
        None => progress.done.to_string(),
    };
    [Some(far), progress.message.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::{IdGenerator, ItemSlot},
        mcp::{LogSource, ServerIdentity, ServerLogLine, ServerState},
        tools::ToolHints,
    };

    #[test]
    fn no_event_of_a_server_brings_a_key_in() {
        let key = "sk-mcp-bridge-0123456789";
        secrets::note_key(&key.into(), "BRIDGE_KEY");
        let said = || format!("it says {key}");
        let server = || "s".to_owned();
        let identity = ServerIdentity { name: said(), version: said(), protocol: said(), instructions: Some(said()) };
        let line = ServerLogLine { at: clock::now(), source: LogSource::Stderr, text: said() };
        let tool = ToolDefinition {
            id: ToolId::new("s", "t"),
            title: Some(said()),
            description: said(),
            parameters: serde_json::json!({ "description": said() }),
            strict: false,
            hints: ToolHints::default(),
        };
        let named = ToolDefinition { id: ToolId::new("s", key), ..tool.clone() };
        let call = CallId { turn: IdGenerator::new(1).turn(clock::now()), slot: ItemSlot { step: 0, index: 0 } };
        let states = [
            ServerState::Ready(identity),
            ServerState::Failed { why: said() },
            ServerState::Waiting { until: clock::now(), why: said() },
        ];
        let states = states.into_iter().map(|state| McpEvent::State { server: server(), state });
        let failed = ToolOutcome { failed: true, ..ToolOutcome::text(said()) };
        let events = states.chain([
            McpEvent::Servers { servers: Vec::new(), complaints: vec![said()] },
            McpEvent::Log { server: server(), lines: vec![line] },
            McpEvent::Tools { server: server(), tools: vec![tool, named] },
            McpEvent::CallDone { call, result: Ok(failed) },
            McpEvent::CallDone { call, result: Err(ToolFailure::Refused(said())) },
            McpEvent::CallProgress { call, progress: CallProgress { done: 1.0, total: None, message: Some(said()) } },
        ]);
        for event in events {
            let shown = format!("{:?}", to_msg(event));
            assert!(shown.contains("$BRIDGE_KEY") && !shown.contains(key), "{shown}");
        }
    }

    #[test]
    fn progress_is_shown_in_the_units_of_its_server() {
        let progress = CallProgress { done: 3.0, total: Some(10.0), message: Some("reading".into()) };
        assert_eq!(progress_text(&progress), "3 of 10, reading");
        assert_eq!(progress_text(&CallProgress { done: 0.5, total: None, message: None }), "0.5");
    }
}
