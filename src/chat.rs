//! Conversations: what was said, what is being said, and what is to be sent.

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

pub use answer::{Answer, End, Item, Kind, Slot};
pub use call::{CallId, Denial, Run, Stage};
pub use calls::Decision;
pub use change::{Change, Header};
pub use choices::{Choice, choices};
pub use conversation::{Conversation, Cost, Next, Summary};
pub use explain::{Explanation, explain};
pub use ids::Ids;
pub use message::{Body, Message, Prompt};
pub use recording::{Growing, Recording};
pub use settings::{Effort, Settings};
pub use turn::{Halt, Mend, Pause, Phase, StreamId, Turn};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When something happened; always UTC, made local when it is drawn.
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
    /// Names a conversation, in the database and on the command line.
    ConversationId
);
identity!(
    /// Names a message; a `UUIDv7`, so that ids sort by age and two instances never collide.
    MessageId
);
identity!(
    /// Names a turn while it runs; never stored.
    TurnId
);
