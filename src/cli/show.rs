//! `ibid show`: a conversation on standard output, as text or as JSON.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{CliError, ProgramExit, launch::LaunchSettings, paged::PagedOutput};
use crate::{
    chat::{Answer, AnswerEnd, Message, MessageBody, MessageId, WholeConversation},
    exchange::portable::{ExportScope, PortableConversation},
    headless::cited_sources,
    store::ExchangeDatabase,
    text,
};

/// What of a conversation is shown, and how.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShowArgs {
    /// The id of a conversation, its beginning, or its title
    #[arg(value_name = "ID|TITLE")]
    pub name: String,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// Only the branch that is open in the app
    #[arg(long)]
    pub branch: bool,
}

/// Prints a conversation.
pub(super) fn show(settings: &LaunchSettings, args: &ShowArgs) -> Result<ProgramExit, CliError> {
    let whole = load(settings, &args.name)?;
    let whole = if args.branch { on_branch(whole) } else { whole };
    let mut out = PagedOutput::open();
    if args.json {
        let mut portable = PortableConversation::new(&whole);
        if args.branch {
            portable.extent.scope = ExportScope::Branch;
        }
        let portable = serde_json::to_value(portable);
        out.json(&portable.map_err(|error| CliError::failure(error.to_string()))?)?;
        return out.finish();
    }
    for line in conversation_lines(&whole) {
        if out.is_closed() {
            break;
        }
        out.line(&line)?;
    }
    out.finish()
}

fn load(settings: &LaunchSettings, name: &str) -> Result<WholeConversation, CliError> {
    let file = settings.paths.database_file();
    if !file.exists() {
        return Err(CliError::failure(format!("no conversation \"{name}\"; `ibid list` lists them")));
    }
    let failed = |error: crate::store::StoreError| match error {
        crate::store::StoreError::Missing(_) => CliError::failure(format!("{error}; `ibid list` lists them")),
        error => CliError::failure(error.to_string()),
    };
    let mut database = ExchangeDatabase::open(&file).map_err(failed)?;
    let id = database.find(name).map_err(failed)?;
    database.load(id).map_err(failed)
}

/// Leaves only the messages of the open branch.
fn on_branch(mut whole: WholeConversation) -> WholeConversation {
    let branch = whole.header.branch.clone();
    whole.messages.retain(|message| branch.contains(&message.id));
    whole.full_results.retain(|(message, _), _| branch.contains(message));
    whole.checks.retain(|check| branch.contains(&check.message));
    whole.side_costs.retain(|cost| branch.contains(&cost.message));
    whole
}

fn conversation_lines(whole: &WholeConversation) -> Vec<String> {
    let zone = TimeZone::system();
    let title = text::one_line(&whole.header.title);
    let mut lines = vec![if title.is_empty() { "Untitled".to_owned() } else { title }];
    let mut versions: BTreeMap<Option<MessageId>, Vec<MessageId>> = BTreeMap::new();
    for message in &whole.messages {
        versions.entry(message.parent).or_default().push(message.id);
    }
    for message in &whole.messages {
        let siblings = &versions[&message.parent];
        let position = siblings.iter().position(|id| *id == message.id).unwrap_or(0);
        let version = (siblings.len() > 1).then(|| format!("version {} of {}", position + 1, siblings.len()));
        let at = message.created_at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let facts = [Some(speaker(message)), Some(at), version].into_iter().flatten();
        lines.push(String::new());
        lines.push(format!("── {} ──", facts.collect::<Vec<_>>().join(" · ")));
        lines.push(String::new());
        lines.extend(message_lines(message));
    }
    lines
}

fn speaker(message: &Message) -> String {
    match &message.body {
        MessageBody::Prompt(_) => "you".to_owned(),
        MessageBody::Answer(answer) => text::one_line(&answer.model),
    }
}

fn message_lines(message: &Message) -> Vec<String> {
    match &message.body {
        MessageBody::Prompt(prompt) => prompt.text.lines().map(str::to_owned).collect(),
        MessageBody::Answer(answer) => answer_lines(answer),
    }
}

fn answer_lines(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let end = match &answer.end {
        AnswerEnd::Complete => None,
        AnswerEnd::Open => Some("(still running)".to_owned()),
        AnswerEnd::Stopped => Some("(stopped)".to_owned()),
        AnswerEnd::Interrupted => Some("(interrupted)".to_owned()),
        AnswerEnd::Incomplete { reason } => {
            Some(format!("(incomplete: {})", reason.as_deref().unwrap_or("the server gave no reason")))
        }
        AnswerEnd::Failed(error) => Some(format!("(failed: {error})")),
    };
    lines.extend(end);
    let sources = cited_sources(answer);
    if !sources.is_empty() {
        lines.push(String::new());
        let line =
            |(number, (title, url)): (usize, (&str, &str))| format!("[{number}] {title} {url}").replace("  ", " ");
        lines.extend((1..).zip(sources).map(line));
    }
    lines
}
