//! MCP servers: their calls and what they say, between their thread and the loop.

use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    app::Msg,
    chat::{CallId, Timestamp},
    mcp::{Event, Job, Mcp, Options, Places, Progress},
    tools::{Failure, ToolId},
};

/// What the servers have said and nobody has taken.
const WAITING: usize = 64;

/// The servers of the config and of the folder we work in. Where there are none nothing is begun.
pub(super) fn open(places: Option<Places>, inbox: &mpsc::Sender<Msg>, tasks: &mut JoinSet<()>) -> Option<Mcp> {
    let places = places.filter(Places::any)?;
    let (send, mut events) = mpsc::channel(WAITING);
    let mcp = Mcp::open(places, Options::default(), send);
    // Which there are is known before anything else is.
    while let Ok(event) = events.try_recv() {
        let _ = inbox.try_send(msg(event)); // It is the first.
    }
    let inbox = inbox.clone();
    tasks.spawn(async move {
        while let Some(event) = events.recv().await {
            if inbox.send(msg(event)).await.is_err() {
                return; // Nobody listens on the way out.
            }
        }
    });
    Some(mcp)
}

/// Hands a call to its server; says what became of it when that cannot be.
pub(super) fn call(mcp: Option<&Mcp>, call: CallId, tool: ToolId, arguments: serde_json::Value) -> Option<Msg> {
    let server = tool.server.clone();
    let arguments = match arguments {
        serde_json::Value::Object(arguments) => arguments,
        _ => serde_json::Map::new(), // No other form is in the protocol.
    };
    match mcp {
        Some(mcp) if mcp.send(Job::Call { call, tool, arguments }) => None,
        _ => {
            let result = Err(Failure::Start(format!("there is no server {server}")));
            Some(Msg::ToolEnded { call, at: Timestamp::now(), result })
        }
    }
}

fn msg(event: Event) -> Msg {
    match event {
        Event::Done { call, result } => Msg::ToolEnded { call, at: Timestamp::now(), result },
        Event::Progress { call, progress } => Msg::ToolProgress { call, words: words(&progress) },
        Event::Tools { server, tools } => Msg::Tools { server, tools },
        event => Msg::Mcp(event),
    }
}

/// `3 of 10, reading`.
fn words(progress: &Progress) -> String {
    let far = match progress.total {
        Some(total) => format!("{} of {total}", progress.done),
        None => progress.done.to_string(),
    };
    [Some(far), progress.message.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_the_measure_of_its_server() {
        let progress = Progress { done: 3.0, total: Some(10.0), message: Some("reading".into()) };
        assert_eq!(words(&progress), "3 of 10, reading");
        assert_eq!(words(&Progress { done: 0.5, total: None, message: None }), "0.5");
    }
}
