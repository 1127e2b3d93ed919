//! `ibid list`: the conversations, newest first, or what is in the trash.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{CliError, ProgramExit, launch::LaunchSettings, paged::PagedOutput};
use crate::{
    chat::{ConversationId, ConversationSummary, Timestamp, TrashedConversation, filing},
    console,
    store::ExchangeDatabase,
    text,
};

/// Which conversations are listed, and how.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ListArgs {
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
    /// Those in the archive instead
    #[arg(long, conflicts_with = "trash")]
    pub archived: bool,
    /// Those in the trash instead
    #[arg(long)]
    pub trash: bool,
    /// Only those with this tag; repeatable
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// A line of the list.
struct ListedConversation {
    id: ConversationId,
    title: String,
    model: String,
    tags: Vec<String>,
    /// When it was changed, or moved to the trash.
    at: Timestamp,
    /// What is to be known about it, in words.
    states: Vec<&'static str>,
    json: Value,
}

/// Prints the conversations.
pub(super) fn list(settings: &LaunchSettings, args: &ListArgs) -> Result<ProgramExit, CliError> {
    let wanted: Vec<String> = args.tag.iter().map(|tag| tag.trim_start_matches('#').to_lowercase()).collect();
    let has_tags =
        |row: &ListedConversation| wanted.iter().all(|wanted| row.tags.iter().any(|tag| tag.to_lowercase() == *wanted));
    let mut rows = read_rows(settings, args)?;
    rows.retain(has_tags);
    rows.truncate(args.limit.unwrap_or(usize::MAX));
    if rows.is_empty() && !args.json {
        console::complain(&nothing_listed(args));
    }
    let mut out = PagedOutput::open();
    if args.json {
        out.json(&rows.into_iter().map(|row| row.json).collect())?;
    } else {
        for line in lines(&rows) {
            if out.is_closed() {
                break;
            }
            out.line(&line)?;
        }
    }
    out.finish()
}

fn read_rows(settings: &LaunchSettings, args: &ListArgs) -> Result<Vec<ListedConversation>, CliError> {
    let file = settings.paths.database_file();
    if !file.exists() {
        return Ok(Vec::new());
    }
    let failed = |error: crate::store::StoreError| CliError::failure(error.to_string());
    let database = ExchangeDatabase::open(&file).map_err(failed)?;
    if args.trash {
        return Ok(database.trashed().map_err(failed)?.into_iter().map(trashed_row).collect());
    }
    let rows = database.list().map_err(failed)?.into_iter();
    Ok(rows.filter(|row| row.filing.archived_at.is_some() == args.archived).map(listed_row).collect())
}

fn nothing_listed(args: &ListArgs) -> String {
    let tags = args.tag.iter().map(|tag| format!("#{}", tag.trim_start_matches('#'))).collect::<Vec<_>>().join(" and ");
    let place = match (args.trash, args.archived) {
        (true, _) => " in the trash",
        (false, true) => " in the archive",
        (false, false) => "",
    };
    match (tags.as_str(), place) {
        ("", "") => "there are no conversations yet; `ibid` begins one".to_owned(),
        ("", place) => format!("there is no conversation{place}"),
        (tags, place) => format!("there is no conversation{place} with {tags}"),
    }
}

fn listed_row(row: ConversationSummary) -> ListedConversation {
    let filing = &row.filing;
    let states = [("pinned", filing.pinned_at.is_some()), ("unread", row.unread), ("failed", row.failed)];
    ListedConversation {
        id: row.id,
        states: states.into_iter().filter_map(|(word, is_so)| is_so.then_some(word)).collect(),
        json: json!({
            "id": row.id.to_string(),
            "title": row.title,
            "updated_at": row.updated_at.to_string(),
            "model": row.model,
            "tags": filing.tags,
            "pinned_at": filing.pinned_at.map(|at| at.to_string()),
            "archived_at": filing.archived_at.map(|at| at.to_string()),
            "unread": row.unread,
            "failed": row.failed,
        }),
        title: row.title,
        model: row.model,
        tags: row.filing.tags,
        at: row.updated_at,
    }
}

fn trashed_row(row: TrashedConversation) -> ListedConversation {
    ListedConversation {
        id: row.id,
        states: Vec::new(),
        json: json!({
            "id": row.id.to_string(),
            "title": row.title,
            "trashed_at": row.trashed_at.to_string(),
            "model": row.model,
            "tags": row.tags,
            "messages": row.preview.messages,
            "bytes": row.preview.bytes,
            "cost_usd": row.preview.cost.digits(),
        }),
        title: row.title,
        model: row.model,
        tags: row.tags,
        at: row.trashed_at,
    }
}

/// One line for each conversation, in columns: its id as far as it is needed, time, model, title, tags and states.
fn lines(rows: &[ListedConversation]) -> Vec<String> {
    let zone = TimeZone::system();
    let cells: Vec<[String; 3]> = rows
        .iter()
        .map(|row| {
            let at = row.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            let model = text::one_line(row.model.rsplit('/').next().unwrap_or_default());
            [short_id(row.id, rows), at, model]
        })
        .collect();
    let width = |column: usize| cells.iter().map(|cells| text::width(&cells[column])).max().unwrap_or(0);
    let widths = [0, 1, 2].map(width);
    let line = |(row, cells): (&ListedConversation, &[String; 3])| {
        let pad = |column: usize| " ".repeat(widths[column].saturating_sub(text::width(&cells[column])));
        let columns: String = (0..3).map(|column| format!("{}{}  ", cells[column], pad(column))).collect();
        let title = text::one_line(&row.title);
        let title = if title.is_empty() { "Untitled".to_owned() } else { title };
        let states = if row.states.is_empty() { String::new() } else { format!("({})", row.states.join(", ")) };
        let rest = [title, filing::tag_words(&row.tags), states];
        columns + &rest.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    rows.iter().zip(&cells).map(line).collect()
}

/// The beginning of an id that no other one has, at a `-`, for `ibid show`.
fn short_id(id: ConversationId, rows: &[ListedConversation]) -> String {
    const SHORT: usize = 13;
    let whole = id.to_string();
    let is_unique = rows.iter().filter(|row| row.id.to_string().starts_with(&whole[..SHORT])).count() < 2;
    if is_unique { whole[..SHORT].to_owned() } else { whole }
}
