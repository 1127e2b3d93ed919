//! Messages: everything that can happen to the state.

use std::sync::Arc;

use crossterm::event::Event as Input;

use crate::{
    api::{self, Catalogue, Event, FreeQuota, Usage, endpoint::EndpointInfo},
    chat::{Answer, CallId, ConversationId, MessageId, StreamId, Timestamp, recording::RecordedFrame},
    citations::check::CheckOutcome,
    config::{SettingChange, ThemeFile},
    keys::KeyListing,
    mcp,
    render::{
        highlight,
        markdown::{MarkdownLayout, TextHits},
        theme::ThemeShade,
    },
    store,
    tools::{ToolDefinition, ToolFailure, ToolOutcome},
    ui::effect::TextId,
};

/// Everything that can change the state.
#[derive(Debug)]
pub enum Msg {
    /// A key, a paste, the mouse, a resize or a change of focus. The flag is set if other bytes came in
    /// the same read: an `Enter` followed by more bytes belongs to a paste.
    Input {
        event: Input,
        more: bool,
    },
    /// A prompt from outside the screen (`ibid ask`); it is sent unchanged and bypasses the composer.
    ExternalPrompt(String),
    /// The headers of a response have arrived.
    StreamOpened {
        stream: StreamId,
        generation: Option<String>,
    },
    /// Wire traffic that is not an event.
    WireRecorded {
        stream: StreamId,
        pieces: Vec<RecordedFrame>,
    },
    /// Some events of a stream, in order, and their wire form if it is recorded.
    Stream {
        stream: StreamId,
        at: Timestamp,
        events: Vec<Event>,
        recorded: Vec<RecordedFrame>,
    },
    /// A stream has ended: its body is complete, or it failed.
    StreamEnded {
        stream: StreamId,
        at: Timestamp,
        result: Result<(), api::ApiError>,
    },
    /// The cost of the response with this id, or why it is unknown.
    Priced {
        answer: MessageId,
        generation: String,
        result: Result<Usage, api::ApiError>,
    },
    /// The remaining daily requests for free models.
    QuotaReported {
        answer: MessageId,
        quota: FreeQuota,
    },
    /// The set of MCP servers, or the state of one of them, changed.
    McpEvent(mcp::McpEvent),
    /// A server reports its current tools.
    ToolsReported {
        server: String,
        tools: Vec<ToolDefinition>,
    },
    /// A short progress message from a running tool.
    ToolProgress {
        call: CallId,
        words: String,
    },
    ToolEnded {
        call: CallId,
        at: Timestamp,
        result: Result<ToolOutcome, ToolFailure>,
    },
    StoreReply(store::StoreReply),
    /// The files of the database were written to, perhaps by another instance.
    DatabaseTouched,
    /// The files of the database cannot be watched.
    DatabaseUnwatched,
    /// The catalogue of an endpoint, from the cache or the server.
    CatalogueLoaded {
        endpoint: String,
        result: Result<Catalogue, api::ApiError>,
    },
    /// Highlighted lines of a code block.
    Highlighted(highlight::HighlightedLines),
    /// A text was laid out that was too much for a frame.
    TextLaidOut {
        text: TextId,
        layout: Box<MarkdownLayout>,
    },
    /// A text was searched that was too long for a frame.
    TextSearched {
        conversation: ConversationId,
        ticket: u64,
        found: Box<TextHits>,
    },
    /// A page was opened in the browser; the error is the command to run where there is a browser.
    PageOpened {
        url: String,
        result: Result<(), String>,
    },
    /// What was found on a cited page, for each source of the answer on it.
    PageChecked {
        conversation: ConversationId,
        message: MessageId,
        results: Vec<(String, CheckOutcome)>,
    },
    /// What a model said about the claims of an answer, or why it did not.
    ClaimsJudged {
        conversation: ConversationId,
        message: MessageId,
        model: String,
        result: Result<Box<Answer>, String>,
    },
    /// The title that a model gave, or why it did not.
    TitleSuggested {
        conversation: ConversationId,
        message: MessageId,
        model: String,
        result: Result<Box<Answer>, String>,
    },
    /// The editor has closed; `Ok` is the saved text.
    EditorClosed(Result<String, String>),
    /// How an attempt to connect has ended.
    Connected(ConnectOutcome),
    /// How an attempt to sign in goes.
    SignInReported(SignInReport),
    /// The servers of the config, and where their keys are.
    KeysListed(Vec<KeyListing>),
    /// A key was removed: the server as it is now, or why not.
    KeyForgotten(Result<EndpointInfo, String>),
    /// What was found on the ports of a server on this machine.
    LocalServerProbed {
        name: String,
        result: api::ProbeResult,
    },
    /// A text was copied: the method that was used, or why none worked.
    Copied(Result<String, String>),
    /// A file was written; `Ok` is its path.
    FileSaved(Result<String, String>),
    /// A file was written to the path the user gave; `Ok` is its full path.
    FileWritten {
        path: String,
        text: Arc<str>,
        result: Result<String, FileWriteError>,
    },
    /// A command has finished, or could not run.
    CommandEnded(Result<PipeResult, String>),
    /// A setting was saved to the config, or why not.
    SettingSaved {
        chosen: SettingChange,
        result: Result<(), String>,
    },
    /// The user's own themes were read again.
    ThemesRead(Vec<ThemeFile>),
    /// The terminal reported its background.
    BackgroundReported(ThemeShade),
    /// The terminal reported that its colours have changed.
    ColoursChanged,
    /// Something is due: see `next_wake`.
    Tick,
    /// The program received SIGTERM or SIGHUP.
    Terminated,
}

/// How an attempt to connect has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectOutcome {
    /// The server is the one for new conversations now; with what the user should know about it.
    InUse { server: EndpointInfo, key: KeyVerdict, notice: Option<String> },
    /// The server asks for a key.
    NeedsKey { server: String, host: String },
    /// The key could not be checked, for this reason; it was not saved.
    Unchecked(String),
    /// Nothing was saved, for this reason.
    Failed(String),
}

/// How an attempt to sign in goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInReport {
    /// Where the user approves: in a browser on this machine, if it can come back here, and in any other.
    Ready { browser_url: Option<String>, code_url: String },
    /// A code has come and is exchanged for a key.
    HasCode,
    /// No key has come of it so far, for this reason; a code can still be pasted.
    NoCode(String),
}

/// What is known about the key of a server in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyVerdict {
    /// The server answers without one.
    NoKey,
    Checked,
    /// It was saved although it could not be checked.
    Unchecked,
    /// The server was known before.
    Known,
}

/// The reason a file was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileWriteError {
    /// The file already exists.
    Exists,
    Failed(String),
}

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeResult {
    /// Everything it wrote: stdout, then stderr.
    pub output: String,
    /// How it ended, as text for the user.
    pub status: String,
    pub is_success: bool,
    /// The output was too long and was cut.
    pub is_truncated: bool,
}
