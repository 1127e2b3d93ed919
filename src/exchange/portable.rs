//! A conversation in ibid's own JSON form: all that is known about it, to be read by other programs and by `ibid import`.
//!
//! A new field raises the minor version, and an older ibid ignores it with a note. Anything that an older ibid could not
//! read, such as a new kind of item, raises the major version.

mod portable_answer;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use portable_answer::{
    PortableAnswer, PortableCall, PortableCheck, PortableFullResult, PortableItem, PortableSideCost, PortableUsage,
};

use crate::{
    chat::{
        ChatSettings, ConversationHeader, ConversationId, Message, MessageBody, MessageId, Prompt, Timestamp,
        WholeConversation,
    },
    tools::grants::ToolGrants,
};

/// The value of the field `format`.
pub const FORMAT_NAME: &str = "ibid conversation";

/// The version that this program writes.
pub const FORMAT_VERSION: FormatVersion = FormatVersion { major: 1, minor: 0 };

/// The element of a page that has the conversation in it.
const OPENING_TAG: &str = "<script type=\"application/json\" id=\"ibid-conversation\">";
const CLOSING_TAG: &str = "</script>";

/// The version of the form, as `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion {
    pub major: u32,
    pub minor: u32,
}

/// A conversation in JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableConversation {
    pub format: String,
    pub version: FormatVersion,
    /// How much of the conversation this is; left out if it is all of it.
    #[serde(default, skip_serializing_if = "ExportExtent::is_whole")]
    pub extent: ExportExtent,
    pub id: ConversationId,
    pub title: String,
    /// The user gave it this title.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renamed: bool,
    /// The form that it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
    /// The settings of the next prompt. What was allowed to run without asking is not handed on.
    #[serde(default)]
    pub settings: ChatSettings,
    /// The visible path through the tree, oldest first.
    #[serde(default)]
    pub branch: Vec<MessageId>,
    /// Messages that are no longer sent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<MessageId>,
    /// Every message of the tree, each after the one before it in age.
    pub messages: Vec<PortableMessage>,
}

/// How much of a conversation an export has. Only a whole one can be imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportExtent {
    pub scope: ExportScope,
    pub density: ExportDensity,
    /// What looks like a secret is masked.
    pub masked: bool,
}

/// Which messages an export has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportScope {
    #[default]
    Tree,
    Branch,
    Answer,
    Selection,
}

/// What an export has of each message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportDensity {
    #[default]
    Full,
    /// Prompts and the text of answers, without reasoning, searches and calls.
    Answers,
    Prompts,
}

/// A node of the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortableMessage {
    pub id: MessageId,
    pub parent: Option<MessageId>,
    pub created_at: Timestamp,
    pub role: PortableRole,
    /// The text of the prompt; of an answer all its text, for programs that need no more.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<PortableAnswer>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortableRole {
    Prompt,
    Answer,
}

/// Why a text is not a conversation that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortableError {
    #[error("this is not a conversation of ibid")]
    Foreign,
    #[error("this conversation has the form {found}, and this ibid reads up to {known}; a newer ibid can read it")]
    Newer { found: FormatVersion, known: FormatVersion },
    #[error("this conversation of ibid cannot be read: {0}")]
    Broken(String),
}

/// A conversation that was read, and what the user should know about that.
#[derive(Debug, Clone)]
pub struct ReadConversation {
    pub conversation: PortableConversation,
    pub notes: Vec<String>,
}

/// What is read first, because the rest may be in a form that this program does not know.
#[derive(Deserialize)]
struct FormatHead {
    format: String,
    version: FormatVersion,
}

impl PortableConversation {
    pub fn new(whole: &WholeConversation) -> Self {
        let header = &whole.header;
        let mut settings = header.settings.clone();
        settings.tools.grants = ToolGrants::default();
        Self {
            format: FORMAT_NAME.into(),
            version: FORMAT_VERSION,
            extent: ExportExtent::default(),
            id: header.id,
            title: header.title.clone(),
            renamed: header.renamed,
            origin: whole.origin.clone(),
            created_at: whole.created_at,
            updated_at: header.updated_at,
            unread: header.unread,
            settings,
            branch: header.branch.clone(),
            left_out: header.left_out.clone(),
            messages: whole.messages.iter().map(|message| PortableMessage::new(message, whole)).collect(),
        }
    }

    /// Reads the JSON form. Fields of a newer minor version are ignored, and a note says so.
    pub fn parse(json: &str) -> Result<ReadConversation, PortableError> {
        let head: FormatHead = serde_json::from_str(json).map_err(|_| PortableError::Foreign)?;
        if head.format != FORMAT_NAME {
            return Err(PortableError::Foreign);
        }
        if head.version.major > FORMAT_VERSION.major {
            return Err(PortableError::Newer { found: head.version, known: FORMAT_VERSION });
        }
        let mut ignored = BTreeSet::new();
        let mut parser = serde_json::Deserializer::from_str(json);
        let conversation = serde_ignored::deserialize(&mut parser, |path| {
            let path = path.to_string();
            let names = path.split('.').filter(|name| !name.is_empty() && name.parse::<usize>().is_err());
            ignored.insert(names.filter(|name| *name != "?").collect::<Vec<_>>().join("."));
        });
        let conversation = conversation.map_err(|error| PortableError::Broken(error.to_string()))?;
        let newer =
            if head.version > FORMAT_VERSION { format!(" of the newer form {}", head.version) } else { String::new() };
        let notes = ignored.iter().map(|field| format!("the field {field}{newer} is not known and was ignored"));
        Ok(ReadConversation { conversation, notes: notes.collect() })
    }

    /// Finds the JSON form in a page that ibid exported.
    pub fn find_in_page(page: &str) -> Option<&str> {
        let (_, rest) = page.split_once(OPENING_TAG)?;
        rest.split_once(CLOSING_TAG).map(|(json, _)| json.trim())
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings, numbers and ids serialize")
    }

    /// The element for a page: JSON without a `<`, so that no text in it can end the element.
    pub fn to_page_element(&self) -> String {
        let json = serde_json::to_string(self).expect("strings, numbers and ids serialize");
        // In JSON a `<` occurs only in strings.
        format!("{OPENING_TAG}{}{CLOSING_TAG}", json.replace('<', "\\u003c"))
    }

    /// The conversation with everything that is in this form.
    pub fn into_whole(self) -> WholeConversation {
        let mut whole = WholeConversation {
            header: ConversationHeader {
                id: self.id,
                title: self.title,
                renamed: self.renamed,
                settings: self.settings,
                branch: self.branch,
                updated_at: self.updated_at,
                unread: self.unread,
                left_out: self.left_out,
            },
            created_at: self.created_at,
            origin: self.origin,
            messages: Vec::with_capacity(self.messages.len()),
            full_results: std::collections::BTreeMap::new(),
            checks: Vec::new(),
            side_costs: Vec::new(),
        };
        // A file must not allow anything to run.
        whole.header.settings.tools.grants = ToolGrants::default();
        for message in self.messages {
            message.add_to(&mut whole);
        }
        whole
    }
}

impl PortableMessage {
    fn new(message: &Message, whole: &WholeConversation) -> Self {
        let (role, text, answer) = match &message.body {
            MessageBody::Prompt(prompt) => (PortableRole::Prompt, prompt.text.clone(), None),
            MessageBody::Answer(answer) => {
                let portable = PortableAnswer::new(message.id, answer, whole);
                (PortableRole::Answer, answer.text(), Some(Box::new(portable)))
            }
        };
        Self { id: message.id, parent: message.parent, created_at: message.created_at, role, text, answer }
    }

    fn add_to(self, whole: &mut WholeConversation) {
        let body = match (self.role, self.answer) {
            (PortableRole::Prompt, _) => MessageBody::Prompt(Prompt { text: self.text }),
            (PortableRole::Answer, Some(answer)) => MessageBody::Answer(answer.into_answer(self.id, whole)),
            (PortableRole::Answer, None) => {
                MessageBody::Answer(portable_answer::answer_of_text(self.text, self.created_at))
            }
        };
        let (id, parent, created_at) = (self.id, self.parent, self.created_at);
        whole.messages.push(Message { id, parent, created_at, rev: 0, body });
    }
}

impl ExportExtent {
    /// Whether nothing is left out or masked.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for FormatVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let (major, minor) = numbers.ok_or_else(|| format!("{text:?} is not a version"))?;
        Ok(Self { major, minor })
    }
}

impl Serialize for FormatVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
