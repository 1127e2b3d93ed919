//! Any changes in any order, with restarts between them, give the same as a map in memory.

use std::collections::BTreeMap;

use ibid::chat::{
    AnswerEnd, ChatSettings, Conversation, ConversationChange, ConversationFiling, ConversationHeader, ConversationId,
    ConversationSummary, FilingChange, Message, MessageBody, MessageId, Prompt, QueuedId, QueuedPrompt,
};
use proptest::{collection::vec, prelude::*};

use super::test_database::{
    StoreRun, TestDatabase, conversation_id, debug_text, empty_answer, full_answer, message_id, queued_prompt,
    timestamp, write_header,
};

/// What the database should hold.
#[derive(Debug, Clone, Default)]
struct ReferenceModel {
    conversations: BTreeMap<ConversationId, StoredConversation>,
    new_draft: String,
}

#[derive(Debug, Clone)]
struct StoredConversation {
    header: ConversationHeader,
    messages: BTreeMap<MessageId, Message>,
    draft: String,
    queue: Vec<QueuedPrompt>,
    trashed: bool,
    filing: ConversationFiling,
}

impl ReferenceModel {
    /// Applies all changes, or none.
    fn save(&mut self, changes: &[ConversationChange]) -> bool {
        let mut next = self.clone();
        // The store writes conversations before their messages and drafts.
        let (headers, rest): (Vec<&ConversationChange>, Vec<_>) =
            changes.iter().partition(|change| matches!(change, ConversationChange::Conversation(_)));
        let is_valid = headers.into_iter().chain(rest).all(|change| next.write(change).is_some());
        if is_valid {
            *self = next;
        }
        is_valid
    }

    fn write(&mut self, change: &ConversationChange) -> Option<()> {
        match change {
            ConversationChange::Conversation(header) => self.write_header(header),
            ConversationChange::Message { conversation, message } => {
                self.conversations.get_mut(conversation)?.messages.insert(message.id, (**message).clone());
            }
            ConversationChange::Journal { .. }
            | ConversationChange::Recording { .. }
            | ConversationChange::RecordingChunk { .. }
            | ConversationChange::CallResult { .. }
            | ConversationChange::SourceCheck(_)
            | ConversationChange::SideCost { .. }
            | ConversationChange::CallRun { .. } => (),
            ConversationChange::Draft { conversation, text } => {
                self.conversations.get_mut(conversation)?.draft.clone_from(text);
            }
            ConversationChange::Queue { conversation, prompt } => {
                if self.conversations.values().any(|stored| stored.queue.iter().any(|queued| queued.id == prompt.id)) {
                    return None;
                }
                let queue = &mut self.conversations.get_mut(conversation)?.queue;
                queue.push(prompt.clone());
                queue.sort_by_key(|prompt| prompt.id);
            }
            ConversationChange::SendQueued { conversation, prompt } => {
                let queue = &mut self.conversations.get_mut(conversation)?.queue;
                queue.remove(queue.iter().position(|queued| queued.id == *prompt)?);
            }
            ConversationChange::TakeBackQueued { conversation, prompt } => {
                if let Some(stored) = self.conversations.get_mut(conversation) {
                    stored.queue.retain(|queued| queued.id != *prompt);
                }
            }
            ConversationChange::Purge(conversation) => {
                if self.conversations.get(conversation).is_some_and(|stored| stored.trashed) {
                    self.conversations.remove(conversation);
                }
            }
            ConversationChange::HintShown { .. }
            | ConversationChange::AnswerCost { .. }
            | ConversationChange::Reading { .. }
            | ConversationChange::Shown { .. }
            | ConversationChange::Panes(_)
            | ConversationChange::Grant(_)
            | ConversationChange::ForgetGrants(_)
            | ConversationChange::UnconfirmedRules(_) => (),
            ConversationChange::NewDraft(text) => self.new_draft.clone_from(text),
            ConversationChange::Rename { conversation, title } => {
                let header = &mut self.conversations.get_mut(conversation)?.header;
                header.title.clone_from(title);
                header.renamed = true;
            }
            ConversationChange::File { conversation, change } => {
                self.conversations.get_mut(conversation)?.filing.apply(change.clone());
            }
            ConversationChange::Seen(conversation) => self.conversations.get_mut(conversation)?.header.unread = false,
            ConversationChange::Trash(conversation) => self.conversations.get_mut(conversation)?.trashed = true,
            ConversationChange::Restore(conversation) => self.conversations.get_mut(conversation)?.trashed = false,
        }
        Some(())
    }

    fn write_header(&mut self, header: &ConversationHeader) {
        let stored = self.conversations.entry(header.id).or_insert_with(|| StoredConversation {
            header: header.clone(),
            messages: BTreeMap::new(),
            draft: String::new(),
            queue: vec![],
            trashed: false,
            filing: ConversationFiling::default(),
        });
        let user_title = (stored.header.renamed && !header.renamed).then(|| stored.header.title.clone());
        stored.header = header.clone();
        if let Some(title) = user_title {
            stored.header = ConversationHeader { title, renamed: true, ..header.clone() };
        }
    }

    fn list(&self) -> Vec<ConversationSummary> {
        let shown = self.conversations.values().filter(|kept| !kept.trashed);
        let mut list: Vec<ConversationSummary> = shown.map(StoredConversation::summary).collect();
        list.sort_by_key(|summary| std::cmp::Reverse((summary.updated_at, summary.id)));
        list
    }

    fn prompts(&self) -> Vec<String> {
        let shown = self.conversations.values().filter(|kept| !kept.trashed);
        let mut prompts: Vec<(_, _, &String)> = shown
            .flat_map(|kept| kept.messages.values())
            .filter_map(|message| match &message.body {
                MessageBody::Prompt(prompt) => Some((message.created_at, message.id, &prompt.text)),
                MessageBody::Answer(_) => None,
            })
            .collect();
        prompts.sort();
        let mut newest: Vec<String> = Vec::new();
        for (_, _, text) in prompts.into_iter().rev() {
            if !newest.contains(text) {
                newest.push(text.clone());
            }
        }
        newest
    }
}

impl StoredConversation {
    fn summary(&self) -> ConversationSummary {
        let newest = self.messages.values().rev().find_map(Message::as_answer);
        ConversationSummary {
            id: self.header.id,
            title: self.header.title.clone(),
            updated_at: self.header.updated_at,
            unread: self.header.unread,
            failed: newest.is_some_and(|answer| matches!(answer.end, AnswerEnd::Interrupted | AnswerEnd::Failed(_))),
            model: self.header.settings.model.clone(),
            filing: self.filing.clone(),
            is_temporary: false,
        }
    }

    fn conversation(&self) -> Conversation {
        let messages = self.messages.values().cloned().collect();
        let mut conversation =
            Conversation::restore(self.header.clone(), messages, self.draft.clone(), self.queue.clone());
        conversation.filing = self.filing.clone();
        conversation
    }
}

fn assert_matches(run: &StoreRun, model: &ReferenceModel) {
    assert_eq!(run.list(), model.list());
    assert_eq!(run.prompts(), model.prompts());
    for (id, stored) in &model.conversations {
        let loaded = run.load(*id).expect("a conversation of the model");
        assert_eq!(debug_text(&loaded), debug_text(&stored.conversation()));
    }
}

fn any_conversation_id() -> impl Strategy<Value = ConversationId> {
    (0_u128..4).prop_map(conversation_id)
}

fn any_filing_change() -> impl Strategy<Value = FilingChange> {
    let time = || proptest::option::of((0_i64..9).prop_map(timestamp));
    prop_oneof![
        vec(any::<String>(), 0..3).prop_map(FilingChange::Tags),
        time().prop_map(FilingChange::Pinned),
        time().prop_map(FilingChange::Archived),
    ]
}

fn any_header() -> impl Strategy<Value = ConversationHeader> {
    let settings =
        (any::<String>(), any::<bool>(), proptest::option::of(-2.0..2.0_f64)).prop_map(|(model, web, temperature)| {
            ChatSettings { endpoint: "x".into(), model, web, temperature, ..ChatSettings::default() }
        });
    let flags = (any::<bool>(), any::<bool>());
    (any_conversation_id(), any::<String>(), flags, settings, vec(0_u128..9, 0..4), 0_i64..5).prop_map(
        |(id, title, (renamed, unread), settings, branch, seconds)| ConversationHeader {
            left_out: branch.iter().copied().map(message_id).collect(),
            id,
            title,
            renamed,
            settings,
            branch: branch.into_iter().map(message_id).collect(),
            updated_at: timestamp(seconds),
            unread,
        },
    )
}

fn any_message() -> impl Strategy<Value = Message> {
    let end = prop_oneof![
        Just(AnswerEnd::Complete),
        Just(AnswerEnd::Stopped),
        Just(AnswerEnd::Interrupted),
        any::<String>().prop_map(|reason| AnswerEnd::Incomplete { reason: Some(reason) }),
    ];
    let body = prop_oneof![
        "[ab]{1,2}".prop_map(|text| MessageBody::Prompt(Prompt { text })),
        any::<String>().prop_map(|text| MessageBody::Prompt(Prompt { text })),
        (end, any::<bool>()).prop_map(|(end, much)| MessageBody::Answer(if much {
            full_answer(end)
        } else {
            empty_answer(end)
        })),
    ];
    (body, proptest::option::of(0_u128..9), 0_i64..5, 0_u32..100).prop_map(|(body, parent, seconds, rev)| Message {
        id: message_id(0),
        parent: parent.map(message_id),
        created_at: timestamp(seconds),
        rev,
        body,
    })
}

/// A message never changes its conversation or its kind, so its id is derived from both.
fn any_message_change() -> impl Strategy<Value = ConversationChange> {
    (0_u128..4, 0_u128..3, any_message()).prop_map(|(conversation, n, message)| {
        let kind = u128::from(matches!(message.body, MessageBody::Answer(_)));
        let message = Message { id: message_id(100 * n + 10 * conversation + kind), ..message };
        ConversationChange::Message { conversation: conversation_id(conversation), message: Box::new(message) }
    })
}

/// A queued prompt never changes its conversation, so its id is derived from that.
fn any_queued_id() -> impl Strategy<Value = (ConversationId, QueuedId)> {
    (0_u128..4, 0_u128..3)
        .prop_map(|(conversation, n)| (conversation_id(conversation), queued_prompt(10 * conversation + n, "").id))
}

fn any_change() -> impl Strategy<Value = ConversationChange> {
    prop_oneof![
        4 => any_header().prop_map(write_header),
        4 => any_message_change(),
        1 => (any_conversation_id(), any::<String>()).prop_map(|(conversation, text)| ConversationChange::Draft { conversation, text }),
        2 => (0_u128..4, 0_u128..3, any::<String>()).prop_map(|(conversation, n, text)| ConversationChange::Queue {
            conversation: conversation_id(conversation),
            prompt: queued_prompt(10 * conversation + n, &text),
        }),
        1 => any_queued_id().prop_map(|(conversation, prompt)| ConversationChange::SendQueued { conversation, prompt }),
        1 => any_queued_id().prop_map(|(conversation, prompt)| ConversationChange::TakeBackQueued { conversation, prompt }),
        1 => any::<String>().prop_map(ConversationChange::NewDraft),
        1 => (any_conversation_id(), any::<String>()).prop_map(|(conversation, title)| ConversationChange::Rename { conversation, title }),
        1 => any_conversation_id().prop_map(ConversationChange::Seen),
        1 => any_conversation_id().prop_map(ConversationChange::Trash),
        1 => any_conversation_id().prop_map(ConversationChange::Purge),
        1 => (any_conversation_id(), any_filing_change())
            .prop_map(|(conversation, change)| ConversationChange::File { conversation, change }),
        1 => any_conversation_id().prop_map(ConversationChange::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_database_holds_what_a_map_would(runs in vec(vec(vec(any_change(), 1..5), 0..12), 1..4)) {
        let (disk, mut model) = (TestDatabase::new(), ReferenceModel::default());
        for saves in runs {
            let run = disk.open();
            prop_assert_eq!(&run.new_draft, &model.new_draft);
            prop_assert_eq!(&run.newest, &model.list());
            for changes in saves {
                prop_assert_eq!(run.save(changes.clone()).is_ok(), model.save(&changes));
            }
            assert_matches(&run, &model);
        }
        assert_matches(&disk.open(), &model);
    }
}
