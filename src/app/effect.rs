//! What the world must do.

use std::sync::Arc;

use super::attention::Notice;
use crate::{
    api,
    chat::{CallId, ConversationId, MessageId, StreamId},
    config, mcp, store,
    tools::{Command, ToolId},
    widgets::{check::Question, highlight},
};

/// One piece of work outside the state; what it learns comes back as a `Msg`.
#[derive(Debug)]
pub enum Effect {
    /// Opens a stream at the named endpoint.
    OpenStream {
        stream: StreamId,
        endpoint: String,
        request: Box<api::Request>,
        /// What goes over the wire is reported as well.
        record: bool,
    },
    /// Closes the connection at once.
    CloseStream(StreamId),
    /// Asks what the answer cost that the endpoint knows under this id.
    AskPrice {
        answer: MessageId,
        endpoint: String,
        generation: String,
    },
    /// Asks what is left of the day's requests for free models.
    AskQuota {
        answer: MessageId,
        endpoint: String,
    },
    /// Calls a tool of a server; answered by `Msg::ToolEnded`.
    RunTool {
        call: CallId,
        tool: ToolId,
        arguments: serde_json::Value,
    },
    /// Runs a program as a tool; answered likewise.
    RunCommand {
        call: CallId,
        command: Box<Command>,
        arguments: serde_json::Value,
    },
    /// Something for the MCP servers that is no call; they say what came of it with `Msg::Mcp`.
    Mcp(mcp::Job),
    /// Stops a call of either kind; nothing more is heard of it.
    StopTool(CallId),
    Store(store::Job),
    Highlight(highlight::Job),
    /// Reads the catalogue of an endpoint: the cache at once, then the server where it is stale.
    FetchModels {
        endpoint: String,
    },
    /// Keeps an OpenRouter key in its 0600 file and uses it.
    SaveKey(secrecy::SecretString),
    /// Adds a server without a key to the config and uses it.
    SaveServer {
        base_url: String,
    },
    /// Keeps a choice in the config file; answered by `Msg::Kept`.
    Keep(config::Chosen),
    /// Reads the reader's own themes; answered by `Msg::Themes`.
    ReadThemes,
    /// Asks the terminal for its background; answered by `Msg::Background`, or not at all.
    AskBackground,
    /// Sets the title of the terminal's window.
    SetTitle(String),
    /// Tells a reader who looks elsewhere.
    Notify(Notice),
    /// Writes a new file in the current folder that only its owner may read, never over another; answered by
    /// `Msg::FileSaved`.
    SaveFile {
        /// What it is called; a number is added where that is taken.
        stem: String,
        extension: &'static str,
        text: String,
    },
    /// Opens a page in the browser; answered by `Msg::Browsed`.
    Browse(String),
    /// Fetches a page and looks for words on it; answered by `Msg::Checked`.
    Check {
        conversation: ConversationId,
        question: Question,
    },
    /// Writes a file where the reader said, over another only when told to; answered by `Msg::Written`.
    WriteFile {
        path: String,
        text: Arc<str>,
        over: bool,
    },
    /// Runs a command line with a text as its input; answered by `Msg::Piped`.
    Pipe {
        command: String,
        text: Arc<str>,
    },
    /// Ends that command, which is not answered any more.
    StopPipe,
    /// Copies a text to the reader's clipboard; answered by `Msg::Copied`.
    Copy(String),
    /// Copies a text to the selection that the middle button pastes; answered alike.
    CopyPrimary(String),
    /// Takes the mouse from the terminal, or gives it back.
    TakeMouse(config::Mouse),
    /// Opens a text in `$VISUAL` or `$EDITOR`; answered by `Msg::Edited`.
    Edit(String),
    /// Gives the terminal back until the program is continued.
    Suspend,
    /// Draws every cell anew.
    Repaint,
    /// Ends the program, or begins it anew against the demo server.
    Quit,
    StartDemo,
}
