//! What is searched: a message or the title of a conversation, as the texts in it and what filters ask about.

use std::collections::BTreeMap;

use crate::{
    api::{
        Usd,
        item::{ContentPart, FunctionCall, SearchCall},
    },
    chat::{Answer, AnswerEnd, ItemKind, ItemSlot, Message, MessageBody, Timestamp, ToolCallRun, ToolCallState},
    text,
    tools::{ToolContent, ToolOutcome},
};

/// A kind of text in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentField {
    Title,
    Prompt,
    Answer,
    Reasoning,
    Source,
    Tool,
    File,
}

/// A message or a title.
#[derive(Debug, Clone, Default)]
pub struct SearchDocument {
    pub texts: Vec<DocumentText>,
    /// The model that was asked and the one that answered; of a prompt and a title the conversation's.
    pub models: Vec<String>,
    pub tags: Vec<String>,
    /// The program that it was imported from.
    pub origin: Option<String>,
    pub at: Timestamp,
    /// What the answer cost.
    pub cost: Option<Usd>,
    pub features: DocumentFeatures,
}

/// One text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    pub field: DocumentField,
    pub text: String,
}

/// What a document may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFeature {
    Code,
    Citation,
    Image,
    File,
    Error,
}

/// What a document has, each a bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DocumentFeatures(pub u8);

/// What a document inherits from its conversation.
#[derive(Debug, Clone, Default)]
pub struct ConversationFacts {
    pub model: String,
    pub tags: Vec<String>,
    pub origin: Option<String>,
}

impl DocumentField {
    /// All fields, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Title, Self::Prompt, Self::Answer, Self::Reasoning, Self::Source, Self::Tool, Self::File];

    /// Its name in `in:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Reasoning => "reasoning",
            Self::Source => "source",
            Self::Tool => "tool",
            Self::File => "file",
        }
    }

    /// Its name in a list of results.
    pub fn label(self) -> &'static str {
        match self {
            Self::Prompt => "you",
            Self::Reasoning => "thought",
            other => other.name(),
        }
    }
}

impl DocumentFeature {
    pub const ALL: [Self; 5] = [Self::Code, Self::Citation, Self::Image, Self::File, Self::Error];

    /// Its name in `has:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Citation => "citation",
            Self::Image => "image",
            Self::File => "file",
            Self::Error => "error",
        }
    }
}

impl DocumentFeatures {
    pub fn has(self, feature: DocumentFeature) -> bool {
        self.0 & 1 << feature as u8 != 0
    }

    pub(super) fn add(&mut self, feature: DocumentFeature, is_there: bool) {
        self.0 |= u8::from(is_there) << feature as u8;
    }
}

impl SearchDocument {
    /// The title of a conversation.
    pub fn of_title(title: &str, created_at: Timestamp, facts: &ConversationFacts) -> Self {
        let mut document = Self::inheriting(facts, created_at);
        document.push(DocumentField::Title, title);
        document.models.push(facts.model.clone());
        document
    }

    /// A message. `outcomes` are the full results of calls of which the message has only a part.
    pub fn of_message(
        message: &Message,
        outcomes: &BTreeMap<ItemSlot, ToolOutcome>,
        facts: &ConversationFacts,
    ) -> Self {
        let mut document = Self::inheriting(facts, message.created_at);
        match &message.body {
            MessageBody::Prompt(prompt) => {
                document.push(DocumentField::Prompt, &prompt.text);
                document.models.push(facts.model.clone());
                document.add_markdown(&prompt.text);
            }
            MessageBody::Answer(answer) => document.add_answer(answer, outcomes),
        }
        document
    }

    fn inheriting(facts: &ConversationFacts, at: Timestamp) -> Self {
        Self { tags: facts.tags.clone(), origin: facts.origin.clone(), at, ..Self::default() }
    }

    fn add_answer(&mut self, answer: &Answer, outcomes: &BTreeMap<ItemSlot, ToolOutcome>) {
        self.models.push(answer.model.clone());
        self.models.extend(answer.answered_by.clone().filter(|by| *by != answer.model));
        self.cost = answer.usage_by_step.values().any(|step| step.usage.is_some()).then(|| answer.cost().0);
        self.features.add(DocumentFeature::Error, matches!(answer.end, AnswerEnd::Failed(_) | AnswerEnd::Interrupted));
        for (slot, item) in &answer.items {
            match &*item.kind {
                ItemKind::Message { parts, .. } => parts.iter().for_each(|part| self.add_part(part)),
                ItemKind::Reasoning(reasoning) => {
                    reasoning.texts().for_each(|text| self.push(DocumentField::Reasoning, text));
                }
                ItemKind::Call(call) => self.add_call(call, answer.call_runs.get(slot), outcomes.get(slot)),
                ItemKind::Search(search) => self.add_search(search),
                ItemKind::Other { kind, .. } => {
                    self.features.add(DocumentFeature::Image, kind.contains("image_generation"));
                    self.push(DocumentField::Tool, kind);
                }
            }
        }
    }

    fn add_part(&mut self, part: &ContentPart) {
        self.push(DocumentField::Answer, part.text());
        self.add_markdown(part.text());
        let ContentPart::Text { annotations, .. } = part else { return };
        for annotation in annotations {
            self.features.add(DocumentFeature::Citation, true);
            if let Some(name) = &annotation.filename {
                self.add_file(name);
            }
            let site = annotation.url.as_deref().map(site_of);
            let source = [annotation.title.as_deref(), site, annotation.content.as_deref()];
            self.push(DocumentField::Source, &source.into_iter().flatten().collect::<Vec<_>>().join("\n"));
        }
    }

    fn add_call(&mut self, call: &FunctionCall, run: Option<&ToolCallRun>, full: Option<&ToolOutcome>) {
        self.push(DocumentField::Tool, &format!("{} {}", call.name, call.arguments));
        match run.map(|run| &run.state) {
            Some(ToolCallState::Done(outcome)) => {
                let outcome = full.unwrap_or(outcome);
                self.features.add(DocumentFeature::Error, outcome.failed);
                outcome.content.iter().for_each(|content| self.add_result(content));
            }
            Some(ToolCallState::Failed(failure)) => {
                self.features.add(DocumentFeature::Error, true);
                self.push(DocumentField::Tool, &failure.message());
            }
            Some(ToolCallState::Denied { reason: Some(reason) }) => self.push(DocumentField::Tool, reason),
            Some(
                ToolCallState::Asking
                | ToolCallState::Queued
                | ToolCallState::Running
                | ToolCallState::DeniedByRule
                | ToolCallState::Denied { reason: None }
                | ToolCallState::Cancelled,
            )
            | None => (),
        }
    }

    fn add_result(&mut self, content: &ToolContent) {
        match content {
            ToolContent::Text(text) => self.push(DocumentField::Tool, text),
            ToolContent::Image { .. } => self.features.add(DocumentFeature::Image, true),
            ToolContent::Audio { .. } => (),
            ToolContent::Resource { uri, text, .. } => {
                self.add_file(uri);
                self.push(DocumentField::Tool, text);
            }
            ToolContent::File { uri, .. } => self.add_file(uri),
            ToolContent::Link { uri, name } => {
                self.add_file(if name.is_empty() { uri } else { name });
            }
            ToolContent::Structured(value) => self.push(DocumentField::Tool, &value.to_string()),
        }
    }

    fn add_file(&mut self, name: &str) {
        self.features.add(DocumentFeature::File, true);
        self.push(DocumentField::File, name);
    }

    fn add_search(&mut self, search: &SearchCall) {
        let kind = search.kind.rsplit(':').next().unwrap_or_default().trim_end_matches("_call").replace('_', " ");
        let query = search.query.iter().map(String::as_str);
        let words: Vec<&str> = [kind.as_str()].into_iter().chain(query).collect();
        self.push(DocumentField::Tool, &words.join("  "));
        search.urls.iter().for_each(|url| self.push(DocumentField::Source, url));
    }

    fn add_markdown(&mut self, text: &str) {
        self.features.add(DocumentFeature::Code, has_code(text));
        self.features.add(DocumentFeature::Image, has_image(text));
    }

    /// Adds a text as it is shown, so that nothing is found in what controls a terminal.
    fn push(&mut self, field: DocumentField, text: &str) {
        let text = text::clean(text);
        let text = text.trim();
        // A page that is cited often is searched once.
        let is_known = |known: &DocumentText| known.field == field && known.text == text;
        let repeats = matches!(field, DocumentField::Source | DocumentField::File) && self.texts.iter().any(is_known);
        if !text.is_empty() && !repeats {
            self.texts.push(DocumentText { field, text: text.to_owned() });
        }
    }
}

/// The name of the site in an address, without `www.`.
fn site_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.strip_prefix("www.").unwrap_or(host)
}

fn has_code(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches([' ', '\t', '>']);
        line.starts_with("```") || line.starts_with("~~~")
    })
}

/// Whether a text shows an image, as Markdown writes it.
fn has_image(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("![") {
        if after.split_once("](").is_some_and(|(words, address)| !words.contains('\n') && address.contains(')')) {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        api::{Annotation, Usage},
        chat::{Item, MessageId, Prompt, answer::StepUsage},
    };

    fn message(body: MessageBody) -> Message {
        let id = MessageId(uuid::Uuid::nil());
        Message { id, parent: None, created_at: Timestamp::UNIX_EPOCH, rev: 0, body }
    }

    fn read(body: MessageBody) -> SearchDocument {
        let facts = ConversationFacts { model: "acme/large".into(), ..ConversationFacts::default() };
        SearchDocument::of_message(&message(body), &BTreeMap::new(), &facts)
    }

    fn answer(kinds: Vec<ItemKind>, end: AnswerEnd) -> Answer {
        let item =
            |kind: ItemKind| Item { raw: None, opened_at: Timestamp::UNIX_EPOCH, closed_at: None, kind: kind.into() };
        let items = (0..).zip(kinds).map(|(index, kind)| (ItemSlot { step: 0, index }, item(kind))).collect();
        Answer { items, end, ..Answer::new("openrouter", "acme/asked", Timestamp::UNIX_EPOCH) }
    }

    fn has(document: &SearchDocument) -> Vec<&'static str> {
        DocumentFeature::ALL
            .into_iter()
            .filter(|feature| document.features.has(*feature))
            .map(DocumentFeature::name)
            .collect()
    }

    #[test]
    fn a_prompt_has_its_text_and_the_model_of_the_conversation() {
        let text = "look\n```\ncode\n```\n![a picture](https://example.org/x.png)\u{1b}[31m";
        let document = read(MessageBody::Prompt(Prompt { text: text.into() }));
        assert_eq!(document.texts.len(), 1);
        assert!(document.texts[0].text.ends_with("x.png)"), "what controls a terminal is not searched");
        assert_eq!((has(&document), document.models), (vec!["code", "image"], vec!["acme/large".to_owned()]));
        let plain = read(MessageBody::Prompt(Prompt { text: "a ``` b ! [x](y)".into() }));
        assert_eq!(has(&plain), [""; 0]);
    }

    #[test]
    fn an_answer_has_its_text_sources_files_reasoning_calls_and_results() {
        let annotation = |url: Option<&str>, title: &str, filename: Option<&str>| Annotation {
            kind: "url_citation".into(),
            url: url.map(str::to_owned),
            title: Some(title.into()),
            content: Some("an excerpt".into()),
            filename: filename.map(str::to_owned),
            start: None,
            end: None,
        };
        let page = annotation(Some("https://www.example.org/a?b"), "A page", None);
        let annotations = vec![page.clone(), page, annotation(None, "A file", Some("notes.pdf"))];
        let call = FunctionCall { call_id: "1".into(), name: "look".into(), arguments: "{\"at\":\"x\"}".into() };
        let mut answer = answer(
            vec![
                ItemKind::Message { parts: vec![ContentPart::Text { text: "said".into(), annotations }], phase: None },
                ItemKind::Reasoning(crate::api::item::ReasoningItem {
                    summary: vec!["thought".into()],
                    ..crate::api::item::ReasoningItem::default()
                }),
                ItemKind::Call(call),
                ItemKind::Search(SearchCall {
                    kind: "openrouter:web_search".into(),
                    status: String::new(),
                    query: Some("asked".into()),
                    urls: vec!["https://example.com".into()],
                }),
            ],
            AnswerEnd::Interrupted,
        );
        answer.answered_by = Some("acme/answered".into());
        let result = ToolOutcome {
            content: vec![ToolContent::Text("result".into()), ToolContent::Structured(json!({"n": 1}))],
            failed: false,
        };
        let run = ToolCallRun {
            tool: None,
            arguments: serde_json::Value::Null,
            edited: false,
            started_at: None,
            ended_at: None,
            state: ToolCallState::Done(result),
            progress: None,
            full_size: None,
        };
        answer.call_runs.insert(ItemSlot { step: 0, index: 2 }, run);
        let usage = Some(Usage { cost: Usd::parse("0.25"), ..Usage::default() });
        answer.usage_by_step.insert(0, StepUsage { generation_id: None, usage });
        let document = read(MessageBody::Answer(answer));
        let texts: Vec<(&str, &str)> =
            document.texts.iter().map(|text| (text.field.name(), text.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                ("answer", "said"),
                ("source", "A page\nexample.org\nan excerpt"),
                ("file", "notes.pdf"),
                ("source", "A file\nan excerpt"),
                ("reasoning", "thought"),
                ("tool", "look {\"at\":\"x\"}"),
                ("tool", "result"),
                ("tool", "{\"n\":1}"),
                ("tool", "web search  asked"),
                ("source", "https://example.com"),
            ]
        );
        assert_eq!(has(&document), ["citation", "file", "error"]);
        assert_eq!(
            (document.models, document.cost),
            (vec!["acme/asked".into(), "acme/answered".to_owned()], Usd::parse("0.25"))
        );
    }
}
