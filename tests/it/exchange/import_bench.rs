//! A database to import into, and what is in it then.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use ibid::{
    chat::{AnswerEnd, ItemKind, Message, MessageBody, ToolCallState, WholeConversation},
    exchange::import::{self, ImportDefaults, ImportError, ImportFlow, ImportMode, ImportReport},
    store::ExchangeDatabase,
    tools::{ToolContent, ToolOutcome},
};

use crate::store::test_database::{TestDatabase, header, timestamp};

pub struct ImportBench {
    disk: TestDatabase,
    pub database: ExchangeDatabase,
}

impl ImportBench {
    pub fn new() -> Self {
        let disk = TestDatabase::new();
        let database = ExchangeDatabase::open(&disk.file()).expect("a database");
        Self { disk, database }
    }

    /// A folder for files to import, which goes with the database.
    pub fn folder(&self) -> PathBuf {
        self.disk.folder.clone()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub fn import(&mut self, path: &Path) -> Result<ImportReport, ImportError> {
        self.import_until(path, usize::MAX)
    }

    /// Imports until so many conversations were written.
    pub fn import_until(&mut self, path: &Path, most: usize) -> Result<ImportReport, ImportError> {
        let plan = import::check(&[path.to_owned()], defaults(), &mut |_| ImportFlow::Continue)?;
        let mut watch = |progress: import::ImportProgress| {
            if progress.conversations >= most { ImportFlow::Stop } else { ImportFlow::Continue }
        };
        import::run(plan, Some(&mut self.database), ImportMode::Write, &mut watch)
    }

    pub fn conversations(&mut self) -> Vec<WholeConversation> {
        let all = self.database.list().expect("a list");
        all.iter().map(|found| self.database.load(found.id).expect("a conversation")).collect()
    }

    /// All that is in the database, as indented text.
    pub fn outline(&mut self) -> String {
        self.conversations().iter().map(outline).collect::<Vec<_>>().join("\n")
    }
}

pub fn defaults() -> ImportDefaults {
    ImportDefaults { settings: header(1, "").settings, now: timestamp(0) }
}

/// A conversation as indented text: `*` marks the open branch.
pub fn outline(whole: &WholeConversation) -> String {
    let mut out =
        format!("“{}” from {}, {}", whole.header.title, whole.origin.as_deref().unwrap_or("-"), whole.created_at);
    let filing = &whole.filing;
    let marks = [("archived", filing.archived_at.is_some()), ("pinned", filing.pinned_at.is_some())];
    marks.iter().filter(|(_, is)| *is).for_each(|(mark, _)| write!(out, ", {mark}").expect("text"));
    filing.tags.iter().for_each(|tag| write!(out, ", #{tag}").expect("text"));
    let instructions = whole.header.settings.instructions.as_deref().unwrap_or_default();
    writeln!(out, "\ninstructions: {instructions}").expect("text");
    let mut waiting: Vec<(&Message, usize)> = children(whole, None, 0);
    while let Some((message, depth)) = waiting.pop() {
        let mark = if whole.header.branch.contains(&message.id) { '*' } else { ' ' };
        let pad = "  ".repeat(depth);
        writeln!(out, "{mark}{pad}{}", line(message)).expect("text");
        for detail in details(whole, message) {
            writeln!(out, "  {pad}  {}", detail.replace('\n', "⏎")).expect("text");
        }
        // A straight line of messages is not indented.
        let below = children(whole, Some(message), depth);
        let deeper = usize::from(below.len() > 1);
        waiting.extend(below.into_iter().map(|(message, depth)| (message, depth + deeper)));
    }
    out
}

fn children<'a>(whole: &'a WholeConversation, parent: Option<&Message>, depth: usize) -> Vec<(&'a Message, usize)> {
    let parent = parent.map(|parent| parent.id);
    whole.messages.iter().rev().filter(|message| message.parent == parent).map(|message| (message, depth)).collect()
}

fn line(message: &Message) -> String {
    match &message.body {
        MessageBody::Prompt(prompt) => format!("› {} ({})", prompt.text.replace('\n', "⏎"), message.created_at),
        MessageBody::Answer(answer) => {
            let end = match &answer.end {
                AnswerEnd::Complete => String::new(),
                end => format!(", {end:?}"),
            };
            format!("{} at {} ({}{end})", answer.model, answer.endpoint, message.created_at)
        }
    }
}

fn details(whole: &WholeConversation, message: &Message) -> Vec<String> {
    let Some(answer) = message.as_answer() else { return Vec::new() };
    let mut lines = Vec::new();
    for (slot, item) in &answer.items {
        lines.push(match &*item.kind {
            ItemKind::Message { parts, .. } => {
                parts.iter().map(|part| format!("text: {}", part.text())).collect::<Vec<_>>().join(" + ")
            }
            ItemKind::Reasoning(reasoning) => {
                format!("reasoning: {}", reasoning.texts().collect::<Vec<_>>().join(" + "))
            }
            ItemKind::Call(call) => {
                let full = whole.full_results.contains_key(&(message.id, *slot));
                let state = answer.call_runs.get(slot).map(|run| state(&run.state));
                format!(
                    "call {}({}) = {}{}",
                    call.name,
                    call.arguments,
                    state.unwrap_or_default(),
                    if full { " (long)" } else { "" }
                )
            }
            ItemKind::Search(search) => format!("search: {} {:?}", search.query.as_deref().unwrap_or("-"), search.urls),
            ItemKind::Other { kind, .. } => format!("other: {kind}"),
        });
    }
    for cited in answer.annotations() {
        let what = cited.url.as_deref().or(cited.filename.as_deref()).unwrap_or("-");
        lines.push(format!(
            "cites {what} “{}” {:?}..{:?}",
            cited.title.as_deref().unwrap_or("-"),
            cited.start,
            cited.end
        ));
    }
    lines.extend(answer.notes.iter().map(|note| format!("note: {note}")));
    for bill in answer.usage_by_step.values() {
        let usage = bill.usage.clone().unwrap_or_default();
        let cost = usage.cost.map(|cost| cost.digits().to_owned());
        lines.push(format!(
            "used {:?} in, {:?} cached, {:?} out, {cost:?}, {:?}",
            usage.input_tokens, usage.cached_tokens, usage.output_tokens, bill.generation_id
        ));
    }
    lines
}

fn state(state: &ToolCallState) -> String {
    match state {
        ToolCallState::Done(outcome) => outcome_text(outcome),
        other => format!("{other:?}"),
    }
}

fn outcome_text(outcome: &ToolOutcome) -> String {
    let parts = outcome.content.iter().map(|content| match content {
        ToolContent::Text(text) => text.clone(),
        other => format!("{other:?}"),
    });
    let failed = if outcome.failed { "failed: " } else { "" };
    format!("{failed}{}", parts.collect::<Vec<_>>().join(" + "))
}
