//! Conversations: their messages, the turns in progress, and the requests to send.

pub mod answer;
mod billing;
pub mod change;
pub mod choices;
pub mod conversation;
pub mod explain;
pub mod filing;
pub mod ids;
pub mod journal;
pub mod message;
pub mod nanos;
pub mod provider_prefs;
pub mod queue;
pub mod recording;
mod replay;
pub mod request;
pub mod request_options;
mod retry;
pub mod settings;
#[cfg(test)]
mod test_support;
mod title;
pub mod tool_call;
mod tool_loop;
mod trashed;
mod tree;
mod truncation;
pub mod turn;
mod turn_lifecycle;
pub mod whole;

pub use answer::{Answer, AnswerEnd, Item, ItemKind, ItemSlot};
pub use change::{ConversationChange, ConversationHeader, StoredCheck};
pub use choices::{CardChoice, card_choices};
pub use conversation::{ChatEffect, Conversation, ConversationCost, ConversationLifetime, ConversationSummary};
pub use explain::{CardText, explain};
pub use filing::{ConversationFiling, FilingChange};
pub use ids::IdGenerator;
pub use message::{Message, MessageBody, Prompt};
pub use queue::{QueueHolder, QueuedPrompt};
pub use recording::{RecordingInProgress, WireRecording};
pub use settings::{ChatSettings, Effort};
pub use tool_call::{CallId, ToolCallRun, ToolCallState};
pub use tool_loop::CallDecision;
pub use trashed::{ConversationPreview, TrashedConversation};
pub use turn::{PauseReason, RequestFix, StreamId, Turn, TurnBlock, TurnPhase};
pub use whole::{SideCost, WholeConversation};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When something happened; always UTC, converted to local time for display.
pub type Timestamp = jiff::Timestamp;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

identity!(
    /// Identifies a conversation, in the database and on the command line.
    ConversationId
);
identity!(
    /// Identifies a message; a `UUIDv7`, so that ids sort by age and two instances never collide.
    MessageId
);
identity!(
    /// Identifies a queued prompt until it is sent; ids sort by age.
    QueuedId
);
identity!(
    /// Identifies a turn while it runs; never stored.
    TurnId
);
