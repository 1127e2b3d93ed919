//! Effects: work outside the state.

use std::sync::Arc;

use crate::{
    api,
    chat::{CallId, ConversationId, ItemSlot, MessageId, StreamId},
    citations::check::CheckQuestion,
    config::{self, DesktopNotification},
    mcp,
    render::{
        highlight,
        markdown::{LayoutJob, SearchJob},
    },
    store,
    tools::{ToolCommand, ToolId},
};

/// One piece of work outside the state; its result comes back as a `Msg`.
#[derive(Debug)]
pub enum Effect {
    /// Opens a stream at the named endpoint.
    OpenStream {
        stream: StreamId,
        endpoint: String,
        request: Box<api::Request>,
        /// Whether the wire traffic is also reported.
        record: bool,
    },
    /// Closes the connection immediately.
    CloseStream(StreamId),
    /// Asks for the cost of an answer, which the endpoint knows by this id.
    FetchPrice {
        answer: MessageId,
        endpoint: String,
        generation: String,
    },
    /// Asks for the remaining daily requests for free models.
    FetchQuota {
        answer: MessageId,
        endpoint: String,
    },
    /// Calls a tool of an MCP server; answered by `Msg::ToolEnded`.
    RunTool {
        call: CallId,
        tool: ToolId,
        arguments: serde_json::Value,
    },
    /// Runs a program as a tool; answered by `Msg::ToolEnded`.
    RunCommand {
        call: CallId,
        command: Box<ToolCommand>,
        arguments: serde_json::Value,
    },
    /// A job for the MCP servers that is not a call; answered by `Msg::Mcp`.
    RunMcpJob(mcp::McpJob),
    /// Stops a call of either kind; no message follows.
    StopTool(CallId),
    RunStoreJob(store::StoreJob),
    HighlightCode(highlight::HighlightJob),
    /// Lays out a text that is too much for a frame; answered by `Msg::TextLaidOut`, unless a newer job for the same
    /// text comes first.
    LayOutText {
        text: TextId,
        job: Box<LayoutJob>,
    },
    /// Searches a text that is too long for a frame, instead of any other; answered by `Msg::TextSearched`.
    SearchText {
        conversation: ConversationId,
        ticket: u64,
        job: Box<SearchJob>,
    },
    /// Reads the catalogue of an endpoint: the cache first, then the server if the cache is stale.
    FetchModels {
        endpoint: String,
    },
    /// Tries a server or a key, and uses it; answered by `Msg::Connected`.
    Connect(ConnectJob),
    /// Gives up that attempt; no message follows.
    StopConnecting,
    /// Enters a code into the attempt to sign in; answered by `Msg::SignInReported`, then by `Msg::Connected`.
    EnterCode(secrecy::SecretString),
    /// Makes a server look up its key again.
    ReloadServer(String),
    /// Looks up the servers of the config and where their keys are; answered by `Msg::KeysListed`.
    ListKeys,
    /// Removes the key that was saved for a server; answered by `Msg::KeyForgotten`.
    ForgetKey(String),
    /// Asks servers on this machine for their models; each is answered by `Msg::LocalServerProbed`.
    ProbeLocalServers(Vec<api::LocalServer>),
    /// Saves a setting in the config file; answered by `Msg::Kept`.
    SaveSetting(config::SettingChange),
    /// Reads the user's own themes; answered by `Msg::Themes`.
    ReadThemes,
    /// Asks the terminal for its background; answered by `Msg::Background`, or not at all.
    QueryBackground,
    /// Sets the title of the terminal window.
    SetTitle(String),
    /// Notifies a user who is not looking at the terminal.
    NotifyUser(UserNotification),
    /// Writes a new file in the current folder that only its owner can read, and never overwrites one; answered by
    /// `Msg::FileSaved`.
    SaveFile {
        /// The file name without its extension; a number is added if it is taken.
        stem: String,
        extension: &'static str,
        text: String,
    },
    /// Opens a page in the browser; answered by `Msg::Browsed`.
    OpenPage(String),
    /// Fetches a cited page once and looks for the words of each question, all of which are about sources of the answer on
    /// that page; answered by `Msg::PageChecked`.
    CheckPage {
        conversation: ConversationId,
        message: MessageId,
        questions: Vec<CheckQuestion>,
    },
    /// Asks a model whether the claims of an answer are supported; answered by `Msg::ClaimsJudged`.
    JudgeClaims {
        conversation: ConversationId,
        message: MessageId,
        endpoint: String,
        request: Box<api::Request>,
    },
    /// Asks a model for a title; answered by `Msg::TitleSuggested`. What it costs belongs to the message.
    SuggestTitle {
        conversation: ConversationId,
        message: MessageId,
        endpoint: String,
        request: Box<api::Request>,
    },
    /// Writes a file to the path the user gave, and overwrites one only on request; answered by `Msg::Written`.
    WriteFile {
        path: String,
        text: Arc<str>,
        over: bool,
    },
    /// Runs a command line with a text as its input; answered by `Msg::Piped`.
    PipeToCommand {
        command: String,
        text: Arc<str>,
    },
    /// Stops that command; no message follows.
    StopCommand,
    /// Copies a text to the user's clipboard; answered by `Msg::Copied`.
    CopyToClipboard(String),
    /// Copies a text with its formatting to the clipboard: HTML beside the plain text, where that is possible.
    CopyRich {
        text: String,
        html: String,
    },
    /// Copies a text to the primary selection, which the middle button pastes; answered by `Msg::Copied`.
    CopyToPrimary(String),
    /// Captures the mouse, or gives it back to the terminal.
    SetMouseMode(config::MouseMode),
    /// Opens a text in `$VISUAL` or `$EDITOR`; answered by `Msg::Edited`.
    OpenEditor(String),
    /// Gives the terminal back until the program is continued.
    Suspend,
    /// Redraws every cell.
    Redraw,
    /// Ends the program.
    Quit,
    /// Restarts the program against the demo server.
    StartDemo(DemoStart),
    /// Leaves the demo for the server in the config.
    LeaveDemo,
}

/// What the demo begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DemoStart {
    /// A short cited answer.
    Opening,
    /// The tour.
    Tour,
}

/// Identifies a text of an answer and where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextId {
    pub conversation: ConversationId,
    pub message: MessageId,
    pub slot: ItemSlot,
    /// Which of the texts of its item.
    pub index: usize,
    pub place: TextPlace,
}

/// Where a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPlace {
    Transcript,
    Rail,
}

/// A way to connect to a server.
#[derive(Debug, Clone)]
pub enum ConnectJob {
    /// Uses a known server as it is.
    UseServer { server: String },
    /// Tries the server at an address, without a key or with the one that there is for it. A new server gets this name.
    TryAddress { base_url: String, name: Option<String> },
    /// Checks a key for a server, and keeps it.
    TryKey { server: String, key: secrecy::SecretString, unchecked: UncheckedKey },
    /// Gets a key through the browser, and keeps it; `Msg::SignInReported` tells how it goes.
    SignIn { server: String },
}

/// What to do with a key that could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncheckedKey {
    Ask,
    Keep,
}

/// A bell, a desktop notification, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserNotification {
    pub bell: bool,
    pub desktop: DesktopNotification,
    /// One line.
    pub message: String,
}
