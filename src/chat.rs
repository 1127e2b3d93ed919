//! Conversations: their messages, the turns in progress, and the requests to send.

pub mod answer;
#[cfg(test)]
mod bench;
mod billing;
pub mod call;
mod calls;
pub mod change;
pub mod choices;
pub mod conversation;
pub mod explain;
pub mod ids;
pub mod journal;
mod left_out;
pub mod message;
pub mod recording;
mod replay;
pub mod request;
mod retry;
mod running;
pub mod settings;
mod title;
mod tree;
pub mod turn;
mod wishes;

pub use answer::{Answer, AnswerEnd, Item, ItemKind, ItemSlot};
pub use call::{CallDenial, CallId, ToolCallRun, ToolCallState};
pub use calls::CallDecision;
pub use change::{ConversationChange, ConversationHeader};
pub use choices::{CardChoice, card_choices};
pub use conversation::{ChatEffect, Conversation, ConversationCost, ConversationSummary};
pub use explain::{CardText, explain};
pub use ids::IdGenerator;
pub use message::{Message, MessageBody, Prompt};
pub use recording::{RecordingInProgress, WireRecording};
pub use settings::{ChatSettings, Effort};
pub use turn::{PauseReason, RequestFix, StreamId, Turn, TurnBlock, TurnPhase};

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
    /// Identifies a turn while it runs; never stored.
    TurnId
);
