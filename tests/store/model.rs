//! Any changes in any order, with restarts between them, give what a map in memory gives.

use std::collections::BTreeMap;

use ibid::chat::{
    Body, Change, Conversation, ConversationId, End, Header, Message, MessageId, Prompt, Settings, Summary,
};
use proptest::{collection::vec, prelude::*};

use super::disk::{Disk, Run, at, begin, conversation_id, empty, full, message_id, shown};

/// What the database should hold.
#[derive(Debug, Clone, Default)]
struct Model {
    conversations: BTreeMap<ConversationId, Kept>,
    new_draft: String,
}

#[derive(Debug, Clone)]
struct Kept {
    header: Header,
    messages: BTreeMap<MessageId, Message>,
    draft: String,
    queue: Vec<String>,
    trashed: bool,
}

impl Model {
    /// All of them, or none.
    fn save(&mut self, changes: &[Change]) -> bool {
        let mut next = self.clone();
        // A conversation is written before what belongs to it.
        let (headers, rest): (Vec<&Change>, Vec<_>) =
            changes.iter().partition(|change| matches!(change, Change::Conversation(_)));
        let all = headers.into_iter().chain(rest).all(|change| next.write(change).is_some());
        if all {
            *self = next;
        }
        all
    }

    fn write(&mut self, change: &Change) -> Option<()> {
        match change {
            Change::Conversation(header) => self.write_header(header),
            Change::Message { conversation, message } => {
                self.conversations.get_mut(conversation)?.messages.insert(message.id, (**message).clone());
            }
            Change::Growth { .. } | Change::Recording { .. } | Change::Recorded { .. } | Change::Outcome { .. } => (),
            Change::Draft { conversation, text } => self.conversations.get_mut(conversation)?.draft.clone_from(text),
            Change::Queue { conversation, prompts } => {
                self.conversations.get_mut(conversation)?.queue.clone_from(prompts);
            }
            Change::NewDraft(text) => self.new_draft.clone_from(text),
            Change::Rename { conversation, title } => {
                let header = &mut self.conversations.get_mut(conversation)?.header;
                header.title.clone_from(title);
                header.renamed = true;
            }
            Change::Seen(conversation) => self.conversations.get_mut(conversation)?.header.unread = false,
            Change::Trash(conversation) => self.conversations.get_mut(conversation)?.trashed = true,
            Change::Restore(conversation) => self.conversations.get_mut(conversation)?.trashed = false,
        }
        Some(())
    }

    fn write_header(&mut self, header: &Header) {
        let kept = self.conversations.entry(header.id).or_insert_with(|| Kept {
            header: header.clone(),
            messages: BTreeMap::new(),
            draft: String::new(),
            queue: vec![],
            trashed: false,
        });
        let named = (kept.header.renamed && !header.renamed).then(|| kept.header.title.clone());
        kept.header = header.clone();
        if let Some(title) = named {
            kept.header = Header { title, renamed: true, ..header.clone() };
        }
    }

    fn list(&self) -> Vec<Summary> {
        let shown = self.conversations.values().filter(|kept| !kept.trashed);
        let mut list: Vec<Summary> = shown.map(Kept::summary).collect();
        list.sort_by_key(|summary| std::cmp::Reverse((summary.updated, summary.id)));
        list
    }

    fn prompts(&self) -> Vec<String> {
        let shown = self.conversations.values().filter(|kept| !kept.trashed);
        let mut prompts: Vec<(_, _, &String)> = shown
            .flat_map(|kept| kept.messages.values())
            .filter_map(|message| match &message.body {
                Body::Prompt(prompt) => Some((message.at, message.id, &prompt.text)),
                Body::Answer(_) => None,
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

impl Kept {
    fn summary(&self) -> Summary {
        let newest = self.messages.values().rev().find_map(Message::answer);
        Summary {
            id: self.header.id,
            title: self.header.title.clone(),
            updated: self.header.updated,
            unread: self.header.unread,
            failed: newest.is_some_and(|answer| matches!(answer.end, End::Interrupted | End::Failed(_))),
        }
    }

    fn conversation(&self) -> Conversation {
        let messages = self.messages.values().cloned().collect();
        Conversation::restore(self.header.clone(), messages, self.draft.clone(), self.queue.clone())
    }
}

fn check(run: &Run, model: &Model) {
    assert_eq!(run.list(), model.list());
    assert_eq!(run.prompts(), model.prompts());
    for (id, kept) in &model.conversations {
        let loaded = run.load(*id).expect("a conversation of the model");
        assert_eq!(shown(&loaded), shown(&kept.conversation()));
    }
}

fn a_conversation() -> impl Strategy<Value = ConversationId> {
    (0_u128..4).prop_map(conversation_id)
}

fn a_header() -> impl Strategy<Value = Header> {
    let settings =
        (any::<String>(), any::<bool>(), proptest::option::of(-2.0..2.0_f64)).prop_map(|(model, web, temperature)| {
            Settings { endpoint: "x".into(), model, web, temperature, ..Settings::default() }
        });
    let flags = (any::<bool>(), any::<bool>());
    (a_conversation(), any::<String>(), flags, settings, vec(0_u128..9, 0..4), 0_i64..5).prop_map(
        |(id, title, (renamed, unread), settings, branch, seconds)| Header {
            left_out: branch.iter().copied().map(message_id).collect(),
            id,
            title,
            renamed,
            settings,
            branch: branch.into_iter().map(message_id).collect(),
            updated: at(seconds),
            unread,
        },
    )
}

fn a_message() -> impl Strategy<Value = Message> {
    let end = prop_oneof![
        Just(End::Complete),
        Just(End::Stopped),
        Just(End::Interrupted),
        any::<String>().prop_map(|reason| End::Incomplete { reason: Some(reason) }),
    ];
    let body = prop_oneof![
        "[ab]{1,2}".prop_map(|text| Body::Prompt(Prompt { text })),
        any::<String>().prop_map(|text| Body::Prompt(Prompt { text })),
        (end, any::<bool>()).prop_map(|(end, much)| Body::Answer(if much { full(end) } else { empty(end) })),
    ];
    (body, proptest::option::of(0_u128..9), 0_i64..5, 0_u32..100).prop_map(|(body, parent, seconds, rev)| Message {
        id: message_id(0),
        parent: parent.map(message_id),
        at: at(seconds),
        rev,
        body,
    })
}

/// A message keeps to one conversation and to its kind, as in life: its id says both.
fn a_placed_message() -> impl Strategy<Value = Change> {
    (0_u128..4, 0_u128..3, a_message()).prop_map(|(conversation, n, message)| {
        let kind = u128::from(matches!(message.body, Body::Answer(_)));
        let message = Message { id: message_id(100 * n + 10 * conversation + kind), ..message };
        Change::Message { conversation: conversation_id(conversation), message: Box::new(message) }
    })
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => a_header().prop_map(begin),
        4 => a_placed_message(),
        1 => (a_conversation(), any::<String>()).prop_map(|(conversation, text)| Change::Draft { conversation, text }),
        1 => (a_conversation(), vec(any::<String>(), 0..3))
            .prop_map(|(conversation, prompts)| Change::Queue { conversation, prompts }),
        1 => any::<String>().prop_map(Change::NewDraft),
        1 => (a_conversation(), any::<String>()).prop_map(|(conversation, title)| Change::Rename { conversation, title }),
        1 => a_conversation().prop_map(Change::Seen),
        1 => a_conversation().prop_map(Change::Trash),
        1 => a_conversation().prop_map(Change::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_database_holds_what_a_map_would(runs in vec(vec(vec(a_change(), 1..5), 0..12), 1..4)) {
        let (disk, mut model) = (Disk::new(), Model::default());
        for saves in runs {
            let run = disk.open();
            prop_assert_eq!(&run.new_draft, &model.new_draft);
            prop_assert_eq!(&run.newest, &model.list());
            for changes in saves {
                prop_assert_eq!(run.save(changes.clone()).is_ok(), model.save(&changes));
            }
            check(&run, &model);
        }
        check(&disk.open(), &model);
    }
}
