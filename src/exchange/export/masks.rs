//! Masks secrets in everything that is exported of a conversation.
//!
//! A mask has as many characters as what it hides, so that citations stay where they are.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{
    options::SecretHandling,
    secret_scan::{self, FoundSecret},
};
use crate::{
    chat::{Answer, MessageBody, MessageId, WholeConversation},
    secrets,
};

/// A conversation whose secrets are masked, if that was asked for.
pub(super) struct MaskedConversation {
    pub whole: WholeConversation,
    pub suspects: Vec<FoundSuspect>,
    /// Something differs from what is stored.
    pub is_changed: bool,
}

/// A suspect and where it was found first.
pub(super) struct FoundSuspect {
    pub kind: &'static str,
    pub preview: String,
    pub message: Option<MessageId>,
}

/// The sign that a mask consists of.
const MASK: char = '█';
/// A shorter secret is masked only where it was recognised: elsewhere it may be a word.
const MIN_COMMON_CHARS: usize = 12;
/// A longer text without a blank is data, such as an image.
const MAX_WORD_BYTES: usize = 4096;

/// Finds what looks like a secret, and masks it if the options say so. Keys in use are masked in any case.
pub(super) fn masked(whole: WholeConversation, handling: SecretHandling) -> MaskedConversation {
    let mut scan = SecretScan::default();
    let (whole, is_redacted) = with_texts(whole, &mut scan);
    let is_masking = handling == SecretHandling::Mask && !scan.suspects.is_empty();
    if !is_masking {
        return MaskedConversation { whole, suspects: scan.into_suspects(), is_changed: is_redacted };
    }
    let common = scan.suspects.keys().filter(|value| value.chars().count() >= MIN_COMMON_CHARS).cloned().collect();
    let (whole, _) = with_texts(whole, &mut SecretMask { common });
    MaskedConversation { whole, suspects: scan.into_suspects(), is_changed: true }
}

/// What is done with each text of a conversation.
trait TextVisitor {
    /// Returns the text that replaces it, if another does.
    fn visit(&mut self, text: &str, field: Option<&str>, message: Option<MessageId>) -> Option<String>;
}

/// Collects suspects, and hides the keys in use.
#[derive(Default)]
struct SecretScan {
    /// By the secret itself.
    suspects: BTreeMap<String, FoundSuspect>,
    /// The secrets in the order in which they were found.
    order: Vec<String>,
}

impl SecretScan {
    fn into_suspects(mut self) -> Vec<FoundSuspect> {
        self.order.iter().filter_map(|value| self.suspects.remove(value)).collect()
    }
}

impl TextVisitor for SecretScan {
    fn visit(&mut self, text: &str, field: Option<&str>, message: Option<MessageId>) -> Option<String> {
        let redacted = secrets::redact(text);
        for secret in found_in(&redacted, field) {
            let value = redacted[secret.range.clone()].to_owned();
            let preview = secret.preview(&redacted);
            let suspect = self.suspects.entry(value.clone()).or_insert_with(|| {
                self.order.push(value);
                FoundSuspect { kind: secret.kind, preview, message }
            });
            // A title is the beginning of a prompt.
            suspect.message = suspect.message.or(message);
        }
        matches!(redacted, std::borrow::Cow::Owned(_)).then(|| redacted.into_owned())
    }
}

/// Masks what was found.
struct SecretMask {
    /// Secrets that are masked wherever they stand.
    common: Vec<String>,
}

impl TextVisitor for SecretMask {
    fn visit(&mut self, text: &str, field: Option<&str>, _: Option<MessageId>) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for secret in found_in(text, field) {
            out.push_str(&text[done..secret.range.start]);
            push_mask(&mut out, &text[secret.range.clone()]);
            done = secret.range.end;
        }
        out.push_str(&text[done..]);
        for value in &self.common {
            if out.contains(value.as_str()) {
                let mut mask = String::new();
                push_mask(&mut mask, value);
                out = out.replace(value.as_str(), &mask);
            }
        }
        (out != text).then_some(out)
    }
}

fn found_in(text: &str, field: Option<&str>) -> Vec<FoundSecret> {
    let is_data = text.len() > MAX_WORD_BYTES && !text.contains(char::is_whitespace);
    if is_data || matches!(field, Some("encrypted_content" | "signature")) {
        return Vec::new();
    }
    let found = secret_scan::find_secrets(text);
    let by_field = || field.and_then(|name| secret_scan::find_in_field(name, text)).into_iter().collect();
    if found.is_empty() { by_field() } else { found }
}

fn push_mask(out: &mut String, secret: &str) {
    out.extend(secret.chars().map(|char| if char.is_whitespace() { char } else { MASK }));
}

/// Visits every text of a conversation; returns whether any was replaced.
fn with_texts(whole: WholeConversation, visitor: &mut dyn TextVisitor) -> (WholeConversation, bool) {
    let mut whole = whole;
    let mut texts = TextRewriter { visitor, message: None, is_changed: false };
    texts.text(&mut whole.header.title);
    if let Some(instructions) = &mut whole.header.settings.instructions {
        texts.text(instructions);
    }
    for message in &mut whole.messages {
        texts.message = Some(message.id);
        match &mut message.body {
            MessageBody::Prompt(prompt) => texts.text(&mut prompt.text),
            MessageBody::Answer(answer) => texts.answer(answer),
        }
    }
    for ((message, _), outcome) in &mut whole.full_results {
        texts.message = Some(*message);
        texts.serialized(outcome);
    }
    for check in &mut whole.checks {
        texts.message = Some(check.message);
        texts.text(&mut check.source);
        texts.json_text(&mut check.result);
    }
    let is_changed = texts.is_changed;
    (whole, is_changed)
}

struct TextRewriter<'a> {
    visitor: &'a mut dyn TextVisitor,
    message: Option<MessageId>,
    is_changed: bool,
}

impl TextRewriter<'_> {
    fn text(&mut self, text: &mut String) {
        self.field_text(text, None);
    }

    fn field_text(&mut self, text: &mut String, field: Option<&str>) {
        if let Some(replaced) = self.visitor.visit(text, field, self.message) {
            *text = replaced;
            self.is_changed = true;
        }
    }

    fn answer(&mut self, answer: &mut Answer) {
        answer.notes.iter_mut().for_each(|note| self.text(note));
        answer.params.pipeline.iter_mut().for_each(|line| self.text(line));
        self.serialized(&mut answer.end);
        for item in answer.items.values_mut() {
            self.serialized(Arc::make_mut(&mut item.kind));
            if let Some(raw) = &mut item.raw {
                let mut json = raw.get().to_owned();
                self.json_text(&mut json);
                if json != raw.get()
                    && let Ok(replaced) = RawValue::from_string(json)
                {
                    *raw = replaced.into();
                }
            }
        }
        answer.call_runs.values_mut().for_each(|run| self.serialized(run));
    }

    /// Visits the texts in a value by way of its JSON.
    fn serialized<T: Serialize + DeserializeOwned>(&mut self, value: &mut T) {
        let Ok(mut json) = serde_json::to_value(&*value) else { return };
        if self.json(&mut json, None)
            && let Ok(replaced) = serde_json::from_value(json)
        {
            *value = replaced;
        }
    }

    /// Visits the texts in a text that is JSON, which stays as it is if none of them changes.
    fn json_text(&mut self, text: &mut String) {
        let Ok(mut json) = serde_json::from_str::<Value>(text) else { return self.text(text) };
        if self.json(&mut json, None) {
            *text = json.to_string();
        }
    }

    fn json(&mut self, value: &mut Value, field: Option<&str>) -> bool {
        let before = std::mem::take(&mut self.is_changed);
        self.visit_json(value, field);
        let is_changed = self.is_changed;
        self.is_changed |= before;
        is_changed
    }

    fn visit_json(&mut self, value: &mut Value, field: Option<&str>) {
        match value {
            Value::String(text) => self.field_text(text, field),
            Value::Array(values) => values.iter_mut().for_each(|value| self.visit_json(value, field)),
            Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| self.visit_json(value, Some(name))),
            Value::Null | Value::Bool(_) | Value::Number(_) => (),
        }
    }
}
