//! The history of a turn as input items: what was received goes back as it came, or not at all.
//!
//! An answer leaves in one of two forms: the items of the server, to the model and endpoint that made
//! them; or easy messages without ids. Calls never leave without their outputs, nor reasoning without
//! what it led to (reference: sections 4.6 and 7).

mod sent;

use std::collections::BTreeSet;

use sent::{Sent, To};
use serde_json::value::RawValue;

use super::{
    Answer, Body, Conversation, End, Item, Kind, Mend, MessageId, Run, Turn,
    answer::{Part, Slot},
    call::{Output, Senses, output},
};
use crate::api::{
    Dialect,
    json::Fields,
    request::{Role, assistant, call_output, call_output_of_parts, message},
};

/// What a model is told when it shall go on with an answer that was cut.
const GO_ON: &str = "Your last message was cut off. Continue exactly where it ends, without repeating anything.";

/// Everything that was said on the way to the answer of a turn, its own earlier steps included.
pub(super) fn input(conversation: &Conversation, turn: &Turn) -> Vec<Box<RawValue>> {
    let path = conversation.path_to(turn.answer);
    let newest = newest_finished(conversation, &path, turn.answer);
    let mut history = History { turn, items: Vec::new(), ids: BTreeSet::new(), calls: BTreeSet::new() };
    let mut below_answer = false;
    for id in path.into_iter().filter(|id| !conversation.is_left_out(*id)) {
        match &conversation.messages[&id].body {
            Body::Prompt(prompt) => {
                history.items.push(message(Role::User, &prompt.text));
                below_answer = false;
            }
            Body::Answer(answer) => {
                if below_answer {
                    history.items.push(message(Role::User, GO_ON));
                }
                below_answer = true;
                history.add(answer, history.form(answer, id, newest));
            }
        }
    }
    history.items
}

/// The last answer that its model brought to an end, before the one that is being asked for.
fn newest_finished(conversation: &Conversation, path: &[MessageId], asked: MessageId) -> Option<MessageId> {
    let finished = |id: &&MessageId| conversation.messages[id].answer().is_some_and(is_finished);
    path.iter().rev().filter(|id| **id != asked).find(finished).copied()
}

/// Who thought last on the way to an answer, where the thoughts stay behind because another model is asked now.
pub(super) fn left_behind<'a>(conversation: &'a Conversation, turn: &Turn) -> Option<&'a str> {
    let path = conversation.path_to(turn.answer);
    let newest = newest_finished(conversation, &path, turn.answer)?;
    let answer = conversation.messages[&newest].answer()?;
    let thought = answer.items.values().any(|item| matches!(*item.kind, Kind::Reasoning(_)));
    let same = answer.endpoint == turn.settings.endpoint && answer.model == turn.settings.model;
    (thought && !same).then_some(answer.model.as_str())
}

fn is_finished(answer: &Answer) -> bool {
    match answer.end {
        End::Complete | End::Incomplete { .. } => true,
        End::Open | End::Stopped | End::Interrupted | End::Failed(_) => false,
    }
}

/// What is being written, and what is in it already.
struct History<'a> {
    turn: &'a Turn,
    items: Vec<Box<RawValue>>,
    ids: BTreeSet<String>,
    calls: BTreeSet<String>,
}

/// How the items of one answer may leave.
#[derive(Clone, Copy)]
struct Form {
    dialect: Dialect,
    /// To the endpoint that sent them.
    same_endpoint: bool,
    /// To the model that made them, too.
    same_model: bool,
    /// Its messages are whole.
    finished: bool,
    reasoning: Thoughts,
    /// Steps from here on are not history yet.
    steps: u32,
    /// What of the results of its calls the model can read, and how much.
    senses: Senses,
    room: usize,
}

/// Which reasoning goes back.
#[derive(Clone, Copy, PartialEq)]
enum Thoughts {
    None,
    /// What is encrypted or signed.
    Sealed,
    /// All: the model is in the midst of it.
    All,
}

impl History<'_> {
    fn form(&self, answer: &Answer, id: MessageId, newest: Option<MessageId>) -> Form {
        let settings = &self.turn.settings;
        let running = id == self.turn.answer;
        let same_endpoint = answer.endpoint == settings.endpoint;
        let same_model = same_endpoint && answer.model == settings.model;
        let reasoning = if !same_model || self.turn.mended.contains(&Mend::Reasoning) {
            Thoughts::None
        } else if running {
            Thoughts::All
        } else if newest == Some(id) && is_one_model(answer) {
            Thoughts::Sealed
        } else {
            Thoughts::None
        };
        Form {
            dialect: self.turn.context.dialect,
            same_endpoint,
            same_model,
            finished: running || is_finished(answer),
            reasoning,
            steps: if running { self.turn.step } else { u32::MAX },
            senses: self.turn.context.senses(&settings.model),
            room: self.turn.context.tools.limits.result,
        }
    }

    fn add(&mut self, answer: &Answer, form: Form) {
        let mut items: Vec<(Slot, &Item)> = answer.items.iter().map(|(slot, item)| (*slot, item)).collect();
        items.retain(|(slot, _)| slot.step < form.steps);
        for step in items.chunk_by(|(a, _), (b, _)| a.step == b.step) {
            self.add_step(answer, step, form);
        }
    }

    fn add_step(&mut self, answer: &Answer, items: &[(Slot, &Item)], form: Form) {
        let thoughts = items.iter().filter(|(_, item)| matches!(*item.kind, Kind::Reasoning(_))).count();
        let mut pieces: Vec<Piece> =
            items.iter().filter_map(|(slot, item)| piece(*slot, item, answer.runs.get(slot), form)).collect();
        if self.turn.mended.contains(&Mend::Items) {
            pieces.retain(|piece| !matches!(piece, Piece::Server(_)));
        }
        pieces.retain_mut(|piece| self.is_sent_once(piece));
        let kept = keep_what_leads_on(&mut pieces, form);
        if kept < thoughts && form.dialect == Dialect::OpenAi {
            // There the ids of messages, too, are checked against the reasoning before them.
            pieces.retain_mut(Piece::has_left_its_reasoning);
        }
        self.write(pieces, form, kept < thoughts);
    }

    /// Notes the id of a piece. One that was sent already goes without it, or not at all.
    fn is_sent_once(&mut self, piece: &mut Piece) -> bool {
        let item = match piece {
            Piece::Reasoning(item) | Piece::Server(item) | Piece::Call { item, .. } => Some(&*item),
            Piece::Message { item, .. } => item.as_ref(),
        };
        let id = item.map_or("", |item| item.text("id"));
        if id.is_empty() || self.ids.insert(id.to_owned()) {
            return true;
        }
        match piece {
            Piece::Reasoning(_) | Piece::Server(_) => false,
            Piece::Call { item, .. } => {
                item.remove("id");
                true
            }
            Piece::Message { item, .. } => {
                *item = None;
                true
            }
        }
    }

    /// Outputs stand behind the last call of a run, and before anything else that is said; a thought stands before
    /// what it led to.
    fn write(&mut self, pieces: Vec<Piece>, form: Form, dropped_reasoning: bool) {
        let (mut thoughts, mut outputs) = (Vec::new(), Vec::new());
        for piece in pieces {
            let said = match piece {
                Piece::Reasoning(item) => {
                    thoughts.push(item.into_raw());
                    continue;
                }
                Piece::Call { item, output } => {
                    self.items.append(&mut thoughts);
                    outputs.push(self.call(item, output, form.same_model && !dropped_reasoning));
                    continue;
                }
                Piece::Message { text, phase, item } => {
                    let easy = || assistant(&text, phase.as_deref().filter(|_| form.same_model));
                    item.map_or_else(easy, Sent::into_raw)
                }
                Piece::Server(item) => item.into_raw(),
            };
            self.items.append(&mut outputs);
            self.items.append(&mut thoughts);
            self.items.push(said);
        }
        self.items.append(&mut outputs);
    }

    /// Writes a call and gives its output.
    fn call(&mut self, mut item: Sent, output: Output, keeps_ids: bool) -> Box<RawValue> {
        let call_id = self.unique(item.text("call_id"));
        item.set("call_id", &call_id);
        if !keeps_ids {
            item.remove("id");
            item.remove("status");
        }
        let custom = item.text("type") == "custom_tool_call";
        self.calls.insert(call_id.clone());
        self.items.push(item.into_raw());
        match output {
            Output::Text(text) if custom => custom_output(&call_id, &text),
            Output::Text(text) => call_output(&call_id, &text),
            Output::Parts(parts) => call_output_of_parts(&call_id, &parts),
        }
    }

    /// Some servers count calls from 0 in every response: a second call of that name would take the output of the first.
    fn unique(&self, call_id: &str) -> String {
        let mut unique = call_id.to_owned();
        let mut number = 2;
        while self.calls.contains(&unique) {
            unique = format!("{call_id}-{number}");
            number += 1;
        }
        unique
    }
}

impl Thoughts {
    fn allow(self, reasoning: &Sent) -> bool {
        let sealed = !reasoning.text("encrypted_content").is_empty() || !reasoning.text("signature").is_empty();
        let named = !reasoning.text("id").is_empty();
        // Claude refuses thoughts without its signature.
        let signed_elsewhere = reasoning.text("format") == "anthropic-claude-v1";
        match self {
            Self::None => false,
            Self::Sealed => named && sealed,
            Self::All => named && (sealed || !signed_elsewhere),
        }
    }
}

/// A router answers with another model each time: what one has sealed no other can open.
fn is_one_model(answer: &Answer) -> bool {
    !answer.model.starts_with("openrouter/") && !answer.model.starts_with('~')
}

/// One item of an answer that may go back.
enum Piece {
    Reasoning(Sent),
    Message {
        text: String,
        phase: Option<String>,
        item: Option<Sent>,
    },
    Call {
        item: Sent,
        output: Output,
    },
    /// Something that the server did itself, as received.
    Server(Sent),
}

impl Piece {
    /// Takes what only its reasoning explains from a message; the reasoning itself stays behind.
    fn has_left_its_reasoning(&mut self) -> bool {
        match self {
            Self::Reasoning(_) => false,
            Self::Message { item, .. } => {
                *item = None;
                true
            }
            Self::Call { .. } | Self::Server(_) => true,
        }
    }
}

/// Takes out reasoning that may not go back or whose next item does not, and in a cut answer searches with nothing
/// behind them. Gives how many thoughts are left.
fn keep_what_leads_on(pieces: &mut Vec<Piece>, form: Form) -> usize {
    let (mut kept, mut leads_on, mut is_last) = (0, false, true);
    for at in (0..pieces.len()).rev() {
        let keep = match &pieces[at] {
            Piece::Reasoning(item) => leads_on && form.reasoning.allow(item),
            Piece::Server(_) => !is_last || form.finished,
            Piece::Message { .. } | Piece::Call { .. } => true,
        };
        if !keep {
            pieces.remove(at);
            continue;
        }
        is_last = false;
        match &pieces[at] {
            Piece::Reasoning(_) => kept += 1,
            Piece::Message { item, .. } => leads_on = item.is_some(),
            Piece::Call { .. } | Piece::Server(_) => leads_on = true,
        }
    }
    kept
}

fn piece(slot: Slot, item: &Item, run: Option<&Run>, form: Form) -> Option<Piece> {
    let sent = item.raw.as_deref().and_then(Sent::read);
    if let Kind::Message { parts, phase } = &*item.kind {
        let text = text_of(parts);
        let item = sent.filter(|sent| form.same_model && form.finished && sent.is_whole_message());
        let phase = phase.clone().filter(|phase| matches!(phase.as_str(), "commentary" | "final_answer"));
        return (!text.is_empty()).then_some(Piece::Message { text, phase, item });
    }
    let to = if form.same_model { To::ItsModel } else { To::AnotherModel };
    let called = || output(run, form.room, form.senses);
    if let (Kind::Call(call), Some(_)) = (&*item.kind, run) {
        // The model has ended it, and somebody took it up: it goes back even where its form was not all right.
        let sent = sent.unwrap_or_else(|| Sent::call(&call.name, &call.arguments));
        return sent.into_run_call(&call.call_id, slot, to).map(|item| Piece::Call { item, output: called() });
    }
    let sent = sent?; // Half done: nothing may lead on from it.
    match sent.text("type") {
        "reasoning" => sent.is_whole_thought().then_some(Piece::Reasoning(sent)),
        "function_call" => sent.into_call("arguments", to).map(|item| Piece::Call { item, output: called() }),
        "custom_tool_call" => sent.into_call("input", to).map(|item| Piece::Call { item, output: called() }),
        kind => is_replayed(kind, &sent, form).then_some(Piece::Server(sent)),
    }
}

/// Items of a server's own tools and those that we do not know.
fn is_replayed(kind: &str, sent: &Sent, form: Form) -> bool {
    let is_routers = kind.starts_with("openrouter:");
    let routers = is_routers && form.same_endpoint && form.dialect.has_own_fields();
    let models = !is_routers && form.same_model && !sent.text("id").is_empty();
    (routers || models)
        && sent.text("status") != "in_progress"
        && match kind {
            // Images are too large, the others wait for an output that nobody made.
            "image_generation_call"
            | "openrouter:image_generation"
            | "apply_patch_call"
            | "openrouter:apply_patch"
            | "shell_call"
            | "shell_call_output"
            | "local_shell_call"
            | "computer_call"
            | "mcp_approval_request"
            | "item_reference"
            | "message" => false,
            kind => is_name(kind) && needed(kind).iter().all(|field| sent.has(field)) && sent.has_whole_action(),
        }
}

/// A type that was garbled on its way would make every later request one that no server takes.
fn is_name(kind: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    kind.split_once(':').map_or_else(|| is_word(kind), |(vendor, word)| is_word(vendor) && is_word(word))
}

/// What the schema asks of an item of a server's tools: one that lost it on its way is taken back by nobody.
fn needed(kind: &str) -> &'static [&'static str] {
    match kind {
        "openrouter:datetime" => &["status", "datetime", "timezone"],
        "file_search_call" => &["status", "queries"],
        "mcp_call" => &["arguments", "name", "server_label"],
        "mcp_list_tools" => &["server_label", "tools"],
        "tool_search_call" => &["call_id", "execution"],
        "tool_search_output" => &["call_id", "execution", "tools"],
        "compaction" => &["encrypted_content"],
        "web_search_call" | "code_interpreter_call" => &["status"],
        kind if kind.starts_with("openrouter:") => &["status"],
        _ => &[],
    }
}

/// Whether a request has items that nobody but the server can have written and that a validator may not know.
pub(super) fn gives_back(input: &[Box<RawValue>]) -> bool {
    let ours = [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    ];
    let kind = |item: &RawValue| Fields::of(item.get()).and_then(|fields| fields.text("type"));
    input.iter().filter_map(|item| kind(item)).any(|kind| !ours.contains(&kind.as_str()))
}

fn text_of(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } | Part::Refusal(text) => text.as_str(),
        })
        .collect()
}

fn custom_output(call_id: &str, output: &str) -> Box<RawValue> {
    let output = serde_json::json!({ "type": "custom_tool_call_output", "call_id": call_id, "output": output });
    serde_json::value::to_raw_value(&output).expect("strings always have a JSON form")
}
