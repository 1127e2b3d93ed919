//! The conversations: those in memory, the index of all, and what is on its way to the database.

use std::collections::BTreeMap;

use super::{
    InitialConversation, conversation_index::ConversationIndex, costs::DailyCost, saves::PendingSaves,
    teaching::TaughtHints,
};
use crate::{
    chat::{
        ChatSettings, Conversation, ConversationId, ConversationLifetime, ConversationSummary, FilingChange,
        IdGenerator, MessageId, RecordingInProgress, Timestamp,
    },
    store,
};

/// All conversations and their data.
#[derive(Debug, Clone)]
pub struct Chats {
    pub ids: IdGenerator,
    /// The conversations in memory.
    pub conversations: BTreeMap<ConversationId, Conversation>,
    /// The conversation on the screen.
    pub content: PaneContent,
    /// All conversations but the trash.
    pub index: ConversationIndex,
    /// The number of conversations on disk that are not in the index yet.
    pub unlisted_count: usize,
    /// The conversations moved to the trash in this run, the most recent last.
    pub trashed: Vec<ConversationSummary>,
    /// What was changed in the list in this run and can be undone, the most recent last.
    pub list_changes: Vec<ListChange>,
    /// The initial settings of the next new conversation.
    pub new_settings: ChatSettings,
    /// The prompts sent before, newest first.
    pub prompt_history: Vec<String>,
    pub database: DatabaseState,
    /// Why nothing can be written to the database that is about to be open.
    pub write_refusal: Option<store::StoreError>,
    /// When to look for changes of other instances, if the system does not report them. Nobody looks while the terminal has
    /// no focus.
    pub next_look: Option<Timestamp>,
    /// The wire traffic of the answers in progress.
    pub recordings: BTreeMap<MessageId, RecordingInProgress>,
    pub saves: PendingSaves,
    pub daily_cost: DailyCost,
    pub taught_hints: TaughtHints,
}

/// A change in the list that can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    pub conversation: ConversationId,
    pub kind: ListChangeKind,
}

/// What was changed, with what it takes to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListChangeKind {
    Trashed {
        was_on_screen: bool,
    },
    /// The changes that restore how it was filed.
    Filed(Vec<FilingChange>),
    Renamed {
        /// The title that it had.
        title: String,
    },
}

/// What the text pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneContent {
    /// Nothing yet: the first prompt creates the conversation.
    New,
    /// A conversation is being read from disk; its id is unknown while the newest or a named one is looked up.
    Loading(Option<ConversationId>),
    Conversation(ConversationId),
}

/// Whether the database is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    Opening(InitialConversation),
    Ready,
    /// It is of a later version: what is in it can be read, and nothing is sent.
    ReadOnly(store::StoreError),
    Broken(store::StoreError),
}

impl DatabaseState {
    /// Returns whether it can be read.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Ready | Self::ReadOnly(_))
    }
}

impl Chats {
    pub fn new(seed: u64, initial: InitialConversation, new_settings: ChatSettings) -> Self {
        let is_loading = initial != InitialConversation::New;
        Self {
            ids: IdGenerator::new(seed),
            conversations: BTreeMap::new(),
            content: if is_loading { PaneContent::Loading(None) } else { PaneContent::New },
            index: ConversationIndex::default(),
            unlisted_count: 0,
            trashed: Vec::new(),
            list_changes: Vec::new(),
            new_settings,
            prompt_history: Vec::new(),
            database: DatabaseState::Opening(initial),
            write_refusal: None,
            next_look: None,
            recordings: BTreeMap::new(),
            saves: PendingSaves::default(),
            daily_cost: DailyCost::default(),
            taught_hints: TaughtHints::default(),
        }
    }

    /// Returns the conversation on the screen once it has a prompt; `ask` prints it, and it can be resumed.
    pub fn current_conversation(&self) -> Option<&Conversation> {
        self.conversations.get(&self.content.conversation_id()?)
    }

    /// Makes a new conversation temporary if the next one is to be.
    pub fn make_temporary_if_wanted(&mut self, conversation: &mut Conversation) {
        if std::mem::take(&mut self.saves.temporary.is_next) {
            conversation.lifetime = ConversationLifetime::Temporary;
            self.saves.temporary.add(conversation.id);
        }
    }

    /// Returns whether what is on the screen is temporary.
    pub fn is_temporary(&self) -> bool {
        match self.current_conversation() {
            Some(conversation) => conversation.is_temporary(),
            None => self.saves.temporary.is_next,
        }
    }

    /// Returns the settings for the next prompt on the screen.
    pub fn settings(&self) -> &ChatSettings {
        self.current_conversation().map_or(&self.new_settings, |conversation| &conversation.settings)
    }
}

impl PaneContent {
    pub fn conversation_id(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) => Some(id),
            Self::New | Self::Loading(_) => None,
        }
    }
}
