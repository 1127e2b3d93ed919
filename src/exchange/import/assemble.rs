//! Makes a conversation of ibid out of one of another program: a tree of prompts and answers, with ids that are the same
//! whenever the same content is imported.
//!
//! The messages of a model and of its tools that follow each other become one answer. What has another role becomes a
//! note on the next answer. An id is a `UUIDv7` of the message's time whose random part is a hash of what was said up to
//! there: a message that changed is a new one, beside the old.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{
    answer_parts::AnswerParts,
    findings::Findings,
    foreign::{ForeignConversation, ForeignMessage, ForeignPart, Speaker},
    form::ImportForm,
};
use crate::{
    chat::{
        ChatSettings, ConversationHeader, ConversationId, Message, MessageBody, MessageId, Prompt, Timestamp,
        WholeConversation,
        title::{title_from_name, title_from_prompt},
    },
    text,
};

/// What an import needs to know besides the files.
#[derive(Debug, Clone)]
pub struct ImportDefaults {
    /// The settings for the next prompt of an imported conversation.
    pub settings: ChatSettings,
    pub now: Timestamp,
}

/// The tree as it grows.
struct TreeDraft<'a> {
    form: ImportForm,
    started_at: Timestamp,
    nodes: Vec<NodeDraft>,
    findings: &'a mut Findings,
}

/// A message of the new tree.
struct NodeDraft {
    parent: Option<usize>,
    key: String,
    at: Timestamp,
    /// Whether its program knows when it was said.
    has_time: bool,
    body: BodyDraft,
}

enum BodyDraft {
    Prompt(String),
    Answer(Box<AnswerParts>),
}

/// Where a message of the other program went.
#[derive(Debug, Clone, Default)]
struct Landing {
    /// The node that it became or is part of, or the one above it.
    node: Option<usize>,
    /// Notes that wait for the next answer.
    notes: Vec<String>,
}

/// A message with its place in the order of the tree.
struct NodeId {
    id: MessageId,
    hash: [u8; 32],
    millis: u64,
}

/// Makes a conversation; `None` if nothing was said in it.
pub(super) fn assemble(
    foreign: ForeignConversation,
    form: ImportForm,
    defaults: &ImportDefaults,
    findings: &mut Findings,
) -> Option<WholeConversation> {
    let first_time = foreign.messages.iter().find_map(|message| message.at);
    let started_at = foreign.created_at.or(first_time).unwrap_or(defaults.now);
    let mut tree = TreeDraft { form, started_at, nodes: Vec::new(), findings };
    let children = count_children(&foreign.messages);
    let mut landings: Vec<Landing> = Vec::with_capacity(foreign.messages.len());
    for (index, message) in foreign.messages.into_iter().enumerate() {
        // A parent that comes later would make a ring.
        let parent = message.parent.filter(|parent| *parent < index);
        let above = parent.map(|parent| landings[parent].clone()).unwrap_or_default();
        let is_only_child = parent.is_some_and(|parent| children[parent] == 1);
        landings.push(tree.place(message, above, is_only_child, children[index] == 0));
    }
    if tree.nodes.is_empty() {
        return None;
    }
    let current = foreign.current.and_then(|current| landings.get(current)?.node);
    let leaf = newest_below(&tree.nodes, current.unwrap_or(tree.nodes.len() - 1));
    let conversation = conversation_id(form, &foreign.key);
    let ids = node_ids(&tree.nodes, conversation);
    let branch = path_to(&tree.nodes, leaf).into_iter().map(|node| ids[node].id).collect();
    let title = title_of(&foreign.title, &tree.nodes);
    let last = tree.nodes.iter().map(|node| node.at).max().unwrap_or(started_at);
    let header = ConversationHeader {
        id: conversation,
        renamed: !foreign.title.trim().is_empty(),
        title,
        settings: ChatSettings {
            instructions: foreign.instructions.or_else(|| defaults.settings.instructions.clone()),
            ..defaults.settings.clone()
        },
        branch,
        updated_at: foreign.updated_at.unwrap_or(last).max(last),
        unread: false,
        left_out: BTreeSet::new(),
    };
    let mut whole = WholeConversation {
        header,
        created_at: started_at,
        origin: Some(form.name().into()),
        filing: foreign.filing,
        messages: Vec::with_capacity(tree.nodes.len()),
        full_results: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        side_costs: Vec::new(),
    };
    for (index, node) in tree.nodes.into_iter().enumerate() {
        let id = ids[index].id;
        let body = match node.body {
            BodyDraft::Prompt(text) => MessageBody::Prompt(Prompt { text }),
            BodyDraft::Answer(parts) => {
                let (answer, full_results) = parts.finish();
                whole.full_results.extend(full_results.into_iter().map(|(slot, result)| ((id, slot), result)));
                MessageBody::Answer(answer)
            }
        };
        let parent = node.parent.map(|parent| ids[parent].id);
        whole.messages.push(Message { id, parent, created_at: node.at, rev: 0, body });
    }
    whole.messages.sort_by_key(|message| message.id);
    Some(whole)
}

/// The hash of all that was said in a conversation: that of its title and of its messages, whose ids are hashes.
pub(super) fn content_hash(whole: &WholeConversation) -> String {
    let mut hash = Sha256::new();
    hash.update(whole.header.id.0.as_bytes());
    hash.update(whole.header.title.as_bytes());
    for message in &whole.messages {
        hash.update(message.id.0.as_bytes());
    }
    hex(&hash.finalize())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TreeDraft<'_> {
    fn place(&mut self, message: ForeignMessage, above: Landing, is_only_child: bool, is_leaf: bool) -> Landing {
        let at = message.at.or_else(|| above.node.map(|node| self.nodes[node].at)).unwrap_or(self.started_at);
        match &message.speaker {
            Speaker::User => self.place_prompt(message, above, at),
            Speaker::Model | Speaker::Tool => self.place_answer(message, above, is_only_child, at),
            Speaker::Other(role) => {
                let role = role.clone();
                self.place_note(&role, message, above, is_leaf)
            }
        }
    }

    fn place_prompt(&mut self, message: ForeignMessage, above: Landing, at: Timestamp) -> Landing {
        let text = self.prompt_text(message.parts);
        if text.is_empty() {
            return above;
        }
        let body = BodyDraft::Prompt(text);
        let (parent, has_time) = (above.node, message.at.is_some());
        self.nodes.push(NodeDraft { parent, key: message.key, at, has_time, body });
        Landing { node: Some(self.nodes.len() - 1), notes: above.notes }
    }

    fn prompt_text(&mut self, parts: Vec<ForeignPart>) -> String {
        let mut texts = Vec::new();
        for part in parts {
            match part {
                ForeignPart::Text { text, .. } => texts.push(text),
                ForeignPart::Attachment(name) => texts.push(format!("[attached: {}]", text::one_line(&name))),
                ForeignPart::Reasoning(text) => self.findings.add("reasoning in a prompt", &text),
                ForeignPart::Call { name, .. } => self.findings.add("a call in a prompt", &name),
                ForeignPart::Result { call, .. } => self.findings.add("a result in a prompt", &call),
                ForeignPart::Item(item) => self.findings.add("an item in a prompt", &format!("{item:?}")),
            }
        }
        texts.join("\n\n")
    }

    fn place_answer(&mut self, message: ForeignMessage, above: Landing, is_only_child: bool, at: Timestamp) -> Landing {
        if message.parts.is_empty() && message.notes.is_empty() {
            return above;
        }
        let continued = above.node.filter(|node| is_only_child && self.nodes[*node].is_answer());
        let node = continued.unwrap_or_else(|| {
            let model = message.model.clone().unwrap_or_else(|| self.form.unknown_model().into());
            let body = BodyDraft::Answer(Box::new(AnswerParts::new(self.form, model, at)));
            let (parent, key, has_time) = (above.node, message.key.clone(), message.at.is_some());
            self.nodes.push(NodeDraft { parent, key, at, has_time, body });
            self.nodes.len() - 1
        });
        if let BodyDraft::Answer(answer) = &mut self.nodes[node].body {
            answer.add_notes(above.notes);
            answer.add(message, at, self.findings);
        }
        Landing { node: Some(node), notes: Vec::new() }
    }

    fn place_note(&mut self, role: &str, message: ForeignMessage, above: Landing, is_leaf: bool) -> Landing {
        let text = self.prompt_text(message.parts);
        if text.is_empty() {
            return above;
        }
        let note = format!("{}: {}", text::one_line(role), text::one_line(&text));
        let Landing { node, mut notes } = above;
        if !is_leaf {
            notes.push(note);
            return Landing { node, notes };
        }
        match node.map(|node| &mut self.nodes[node].body) {
            Some(BodyDraft::Answer(answer)) => answer.add_notes(vec![note]),
            Some(BodyDraft::Prompt(_)) | None => self.findings.add("a message with another role", &note),
        }
        Landing { node, notes }
    }
}

impl NodeDraft {
    fn is_answer(&self) -> bool {
        matches!(self.body, BodyDraft::Answer(_))
    }

    /// What was said, to be hashed.
    fn content(&self) -> String {
        match &self.body {
            BodyDraft::Prompt(text) => format!("prompt\0{text}"),
            BodyDraft::Answer(parts) => format!("answer\0{}", parts.content()),
        }
    }
}

fn count_children(messages: &[ForeignMessage]) -> Vec<usize> {
    let mut children = vec![0; messages.len()];
    for (index, message) in messages.iter().enumerate() {
        if let Some(parent) = message.parent.filter(|parent| *parent < index) {
            children[parent] += 1;
        }
    }
    children
}

fn title_of(title: &str, nodes: &[NodeDraft]) -> String {
    if !title.trim().is_empty() {
        return title_from_name(title);
    }
    let prompt = nodes.iter().find_map(|node| match &node.body {
        BodyDraft::Prompt(text) => Some(title_from_prompt(text)),
        BodyDraft::Answer(_) => None,
    });
    prompt.unwrap_or_default()
}

/// The end of the newest branch below a node.
fn newest_below(nodes: &[NodeDraft], node: usize) -> usize {
    // Children come behind their parents.
    (node + 1..nodes.len()).fold(node, |leaf, index| if nodes[index].parent == Some(leaf) { index } else { leaf })
}

fn path_to(nodes: &[NodeDraft], leaf: usize) -> Vec<usize> {
    let mut path: Vec<usize> = std::iter::successors(Some(leaf), |node| nodes[*node].parent).collect();
    path.reverse();
    path
}

/// The id of a conversation, which is the same in every export of it.
fn conversation_id(form: ImportForm, key: &str) -> ConversationId {
    let hash = Sha256::new().chain_update(form.name()).chain_update([0]).chain_update(key).finalize();
    ConversationId(Builder::from_custom_bytes(first_bytes(&hash)).into_uuid())
}

/// The ids of messages: later than those of their parents, and made of their content.
fn node_ids(nodes: &[NodeDraft], conversation: ConversationId) -> Vec<NodeId> {
    let mut ids: Vec<NodeId> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let parent = node.parent.map(|parent| &ids[parent]);
        let above = parent.map_or(0, |parent| parent.millis + 1);
        // A time that the other program does not know is not the same in every import.
        let own = if node.has_time { u64::try_from(node.at.as_millisecond()).unwrap_or(0) } else { 0 };
        let millis = own.max(above);
        let mut hash = Sha256::new();
        hash.update(parent.map_or(conversation.0.as_bytes().as_slice(), |parent| &parent.hash));
        hash.update(node.key.as_bytes());
        hash.update([0]);
        hash.update(node.content().as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        ids.push(NodeId { id: MessageId(time_uuid(millis, &hash)), hash, millis });
    }
    ids
}

fn time_uuid(millis: u64, hash: &[u8]) -> Uuid {
    let random: [u8; 10] = std::array::from_fn(|index| hash[index]);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

fn first_bytes(hash: &[u8]) -> [u8; 16] {
    std::array::from_fn(|index| hash[index])
}
