//! What happened.

use std::sync::Arc;

use crossterm::event::Event as Input;

use crate::{
    api::{self, Catalogue, Event, FreeQuota, Usage},
    chat::{CallId, ConversationId, MessageId, StreamId, Timestamp, recording::Piece},
    config::{Chosen, ThemeFile},
    mcp, store,
    tools::{Failure, Outcome, Tool},
    widgets::{
        check::{Question, Reading},
        highlight,
        theme::Shade,
    },
};

/// Everything that can change the state.
#[derive(Debug)]
pub enum Msg {
    /// A key, a paste, the mouse, a resize, the focus. `more` tells that other bytes came in the
    /// same read: an Enter with more behind it belongs to a paste.
    Input {
        event: Input,
        more: bool,
    },
    /// A prompt from outside the screen (`ibid ask`): sent as it is, past the composer.
    Ask(String),
    /// The headers of a response have come.
    StreamOpened {
        stream: StreamId,
        generation: Option<String>,
    },
    /// What went over the wire and is no event.
    Recorded {
        stream: StreamId,
        pieces: Vec<Piece>,
    },
    /// Some events of a stream, in order, and how they stood on the wire where that is recorded.
    Stream {
        stream: StreamId,
        at: Timestamp,
        events: Vec<Event>,
        recorded: Vec<Piece>,
    },
    /// A stream is over: its body ended, or it failed.
    StreamEnded {
        stream: StreamId,
        at: Timestamp,
        result: Result<(), api::Error>,
    },
    /// What the response of that id cost, or why it is not known.
    Priced {
        answer: MessageId,
        generation: String,
        result: Result<Usage, api::Error>,
    },
    /// What is left of the day's requests for free models.
    Quota {
        answer: MessageId,
        quota: FreeQuota,
    },
    /// Which MCP servers there are, or how one is.
    Mcp(mcp::Event),
    /// A server tells which tools it has now.
    Tools {
        server: String,
        tools: Vec<Tool>,
    },
    /// What a tool says while it runs, in a few words.
    ToolProgress {
        call: CallId,
        words: String,
    },
    ToolEnded {
        call: CallId,
        at: Timestamp,
        result: Result<Outcome, Failure>,
    },
    Store(store::Reply),
    /// The catalogue of an endpoint, from the disk or the server.
    Models {
        endpoint: String,
        result: Result<Catalogue, api::Error>,
    },
    /// Coloured lines of a code block.
    Highlighted(highlight::Painted),
    /// A page was opened in the browser; else the command that opens it where there is one.
    Browsed {
        url: String,
        result: Result<(), String>,
    },
    /// What a check found on a page, or why that could not be read.
    Checked {
        conversation: ConversationId,
        question: Question,
        result: Result<Reading, String>,
    },
    /// The editor has closed; `Ok` is the text as it was saved.
    Edited(Result<String, String>),
    /// A key or an address from the welcome screen was stored and is in use, or why not.
    Connected(Result<String, String>),
    /// A text was copied: the way that was taken, or why there was none.
    Copied(Result<String, String>),
    /// A file was written, with its path, or why not.
    FileSaved(Result<String, String>),
    /// A file was written where the reader said, with its whole path.
    Written {
        path: String,
        text: Arc<str>,
        result: Result<String, NotWritten>,
    },
    /// A command has ended, or could not run.
    Piped(Result<Piped, String>),
    /// A choice was written to the config, or why not.
    Kept {
        chosen: Chosen,
        result: Result<(), String>,
    },
    /// The reader's own themes, read anew.
    Themes(Vec<ThemeFile>),
    /// The terminal told its background.
    Background(Shade),
    /// The terminal told that its colours have changed.
    ColoursChanged,
    /// Something fell due without a message: see `next_wake`.
    Tick,
    /// The program was told to end (SIGTERM, SIGHUP).
    Terminated,
}

/// Why a file was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritten {
    /// It is there already.
    Exists,
    Failed(String),
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piped {
    /// All that it wrote: its output, then its errors.
    pub output: String,
    /// How it ended, in words.
    pub ended: String,
    pub fine: bool,
    /// There was more output than is kept.
    pub cut: bool,
}
