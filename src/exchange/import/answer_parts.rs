//! An answer, put together from the messages of a model and of its tools.

use super::{
    findings::Findings,
    foreign::{ForeignMessage, ForeignPart},
    form::ImportForm,
};
use crate::{
    chat::{
        Answer, AnswerEnd, Item, ItemKind, ItemSlot, Timestamp, ToolCallRun, ToolCallState,
        answer::{ContentPart, FunctionCall, ReasoningItem, StepUsage},
    },
    text,
    tools::{ToolId, ToolLimits, ToolOutcome},
};

/// An answer as it grows.
pub(super) struct AnswerParts {
    form: ImportForm,
    answer: Answer,
    slot: ItemSlot,
    /// A result came: what the model says next belongs to the next response.
    has_result: bool,
    full_results: Vec<(ItemSlot, ToolOutcome)>,
}

impl AnswerParts {
    pub(super) fn new(form: ImportForm, model: String, at: Timestamp) -> Self {
        let answer = Answer { end: AnswerEnd::Complete, ..Answer::new(form.endpoint(), model, at) };
        let slot = ItemSlot { step: 0, index: 0 };
        Self { form, answer, slot, has_result: false, full_results: Vec::new() }
    }

    pub(super) fn add_notes(&mut self, notes: Vec<String>) {
        self.answer.notes.extend(notes);
    }

    /// Adds what a message says.
    pub(super) fn add(&mut self, message: ForeignMessage, at: Timestamp, findings: &mut Findings) {
        let at = at.max(self.answer.started_at);
        for part in message.parts {
            self.add_part(part, at, findings);
        }
        if message.usage.is_some() || message.generation.is_some() {
            let bill = StepUsage { generation_id: message.generation, usage: message.usage };
            self.add_bill(bill);
        }
        self.answer.notes.extend(message.notes);
        self.answer.end = message.end;
        self.answer.ended_at = Some(at);
        if self.answer.model.is_empty() || self.answer.model == self.form.unknown_model() {
            self.answer.model = message.model.unwrap_or_else(|| self.answer.model.clone());
        }
    }

    fn add_part(&mut self, part: ForeignPart, at: Timestamp, findings: &mut Findings) {
        match part {
            ForeignPart::Text { text, annotations } => {
                self.answer.first_text_at.get_or_insert(at);
                let parts = vec![ContentPart::Text { text, annotations }];
                self.add_item(ItemKind::Message { parts, phase: None }, at);
            }
            ForeignPart::Reasoning(text) => {
                let reasoning = ReasoningItem { content: vec![text], ..ReasoningItem::default() };
                self.add_item(ItemKind::Reasoning(reasoning), at);
            }
            ForeignPart::Call { id, name, arguments } => self.add_call(id, name, arguments, at),
            ForeignPart::Result { call, outcome } => self.add_result(&call, outcome, at, findings),
            ForeignPart::Item(ItemKind::Call(call)) => self.add_call(call.call_id, call.name, call.arguments, at),
            ForeignPart::Item(item) => {
                self.add_item(item, at);
            }
            ForeignPart::Attachment(name) => self.answer.notes.push(format!("attached: {}", text::one_line(&name))),
        }
    }

    fn add_item(&mut self, kind: ItemKind, at: Timestamp) -> ItemSlot {
        if std::mem::take(&mut self.has_result) {
            self.slot = ItemSlot { step: self.slot.step + 1, index: 0 };
        }
        let slot = self.slot;
        self.answer.items.insert(slot, Item { raw: None, opened_at: at, closed_at: Some(at), kind: kind.into() });
        self.slot.index += 1;
        slot
    }

    fn add_call(&mut self, call_id: String, name: String, arguments: String, at: Timestamp) {
        let value = serde_json::from_str(&arguments).unwrap_or_else(|_| arguments.clone().into());
        let tool = Some(ToolId { server: self.form.name().into(), name: name.clone() });
        let slot = self.add_item(ItemKind::Call(FunctionCall { call_id, name, arguments }), at);
        let run = ToolCallRun {
            tool,
            arguments: value,
            edited: false,
            started_at: Some(at),
            ended_at: None,
            state: ToolCallState::Running,
            progress: None,
            full_size: None,
        };
        self.answer.call_runs.insert(slot, run);
    }

    fn add_result(&mut self, call: &str, outcome: ToolOutcome, at: Timestamp, findings: &mut Findings) {
        let has_id = |slot: &ItemSlot| match self.answer.items.get(slot).map(|item| &*item.kind) {
            Some(ItemKind::Call(known)) => call.is_empty() || known.call_id == call,
            _ => false,
        };
        let found = self.answer.call_runs.iter().rev().find(|(slot, run)| !run.is_over() && has_id(slot));
        let Some(slot) = found.map(|(slot, _)| *slot) else {
            findings.add("a result without a call", call);
            return;
        };
        if let Some(run) = self.answer.call_runs.get_mut(&slot) {
            let full = run.finish(Ok(outcome), ToolLimits::default().result_bytes, at);
            self.full_results.extend(full.map(|full| (slot, *full)));
        }
        self.has_result = true;
    }

    /// Adds what a response used; of a response in several messages, the last one counts.
    fn add_bill(&mut self, bill: StepUsage) {
        let last = self.answer.usage_by_step.last_key_value();
        let same = last.filter(|(_, last)| bill.generation_id.is_some() && last.generation_id == bill.generation_id);
        let step = same.map_or_else(|| last.map_or(0, |(step, _)| step + 1), |(step, _)| *step);
        self.answer.usage_by_step.insert(step, bill);
    }

    /// All that identifies it, to be hashed.
    pub(super) fn content(&self) -> String {
        let json = |value: serde_json::Result<String>| value.expect("texts and numbers serialize");
        let mut content = String::new();
        for (slot, item) in &self.answer.items {
            let run = self.answer.call_runs.get(slot).map(|run| &run.state);
            content += &json(serde_json::to_string(&(&*item.kind, run)));
            content.push('\0');
        }
        content + &self.answer.notes.join("\0")
    }

    pub(super) fn finish(mut self) -> (Answer, Vec<(ItemSlot, ToolOutcome)>) {
        let ended_at = self.answer.ended_at.unwrap_or(self.answer.started_at);
        for run in self.answer.call_runs.values_mut().filter(|run| !run.is_over()) {
            (run.state, run.ended_at) = (ToolCallState::Cancelled, Some(ended_at));
        }
        self.answer.sum_usage();
        (self.answer, self.full_results)
    }
}
