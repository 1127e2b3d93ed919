//! `ibid search`: what was said in all conversations, on standard output.

use std::{collections::BTreeMap, sync::mpsc};

use jiff::Zoned;
use serde_json::{Value, json};

use super::{CliError, ProgramExit, launch::LaunchSettings, paged::PagedOutput};
use crate::{
    chat::ConversationId,
    clock, console,
    search::{SearchOrder, parse_query},
    store::{
        FoundConversation, FoundPlace, FoundPortion, SearchRequest, SearchTicket, StoreHandle, StoreJob, StoreReply,
    },
    text,
};

/// How a search on the command line is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchPrint {
    pub json: bool,
    pub order: SearchOrder,
    pub limit: Option<usize>,
}

/// An open database that answers searches, one reply at a time.
struct OpenSearch {
    store: StoreHandle,
    replies: mpsc::Receiver<StoreReply>,
    /// Nothing waits to be indexed, or nothing can be.
    is_indexed: bool,
}

/// Prints what a query finds, conversation by conversation.
pub(super) fn search(settings: &LaunchSettings, words: &[String], print: SearchPrint) -> Result<ProgramExit, CliError> {
    let zone = jiff::tz::TimeZone::system();
    let now = clock::now().to_zoned(zone);
    let text = words.join(" ");
    let parsed = parse_query(&text, &now);
    if let Some(problem) = parsed.problems.first() {
        return Err(CliError { exit: ProgramExit::Usage, message: problem.to_string() });
    }
    if parsed.query.is_empty() {
        let message = "nothing to search for; give words, or a filter such as model:opus".into();
        return Err(CliError { exit: ProgramExit::Usage, message });
    }
    let nothing = || CliError::failure(format!("nothing that was said matches {text}"));
    let database = settings.paths.database_file();
    if !database.exists() {
        return Err(nothing());
    }
    let mut open = OpenSearch::open(&database)?;
    let request =
        SearchRequest { ticket: SearchTicket(1), query: parsed.query, order: print.order, now: now.timestamp() };
    let portion = open.first_portion(&request)?;
    if portion.places.is_empty() {
        return Err(nothing());
    }
    print_all(&mut open, portion, print, &now)
}

impl OpenSearch {
    fn open(database: &std::path::Path) -> Result<Self, CliError> {
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open(database, move |reply| {
            let _ = sender.send(reply); // Nobody may be waiting any more.
        });
        let mut open = Self { store, replies, is_indexed: false };
        match open.next_reply()? {
            StoreReply::OpenFailed(error) => Err(CliError::failure(error.to_string())),
            _ => Ok(open),
        }
    }

    /// Searches once everything is in the index.
    fn first_portion(&mut self, request: &SearchRequest) -> Result<FoundPortion, CliError> {
        let portion = self.portion(StoreJob::Search(Box::new(request.clone())))?;
        if portion.unindexed == 0 || self.is_indexed {
            return Ok(portion);
        }
        console::complain(&format!("indexing {} messages for the first search", portion.unindexed));
        while !self.is_indexed {
            self.next_reply()?;
        }
        let request = SearchRequest { ticket: SearchTicket(request.ticket.0 + 1), ..request.clone() };
        let portion = self.portion(StoreJob::Search(Box::new(request)))?;
        if portion.unindexed > 0 {
            console::complain(&format!(
                "{} messages are not in the index yet, and are not searched",
                portion.unindexed
            ));
        }
        Ok(portion)
    }

    fn portion(&mut self, job: StoreJob) -> Result<FoundPortion, CliError> {
        self.store.send(job);
        loop {
            match self.next_reply()? {
                StoreReply::Found(portion) => return Ok(*portion),
                StoreReply::SearchFailed { error, .. } => return Err(CliError::failure(error.to_string())),
                _ => (),
            }
        }
    }

    fn next_reply(&mut self) -> Result<StoreReply, CliError> {
        let reply = self.replies.recv().map_err(|_| CliError::failure("the database has been closed".into()))?;
        self.is_indexed |= matches!(reply, StoreReply::Indexing { waiting: 0 });
        Ok(reply)
    }
}

fn print_all(
    open: &mut OpenSearch,
    mut portion: FoundPortion,
    print: SearchPrint,
    now: &Zoned,
) -> Result<ProgramExit, CliError> {
    let mut out = PagedOutput::open();
    let (mut left, mut listed) = (print.limit.unwrap_or(usize::MAX), Vec::new());
    loop {
        portion.places.truncate(left);
        left -= portion.places.len();
        if print.json {
            listed.extend(
                portion.places.iter().map(|place| place_json(place, portion.conversations.get(&place.conversation))),
            );
        } else {
            for line in portion_lines(&portion, now) {
                out.line(&line)?;
            }
        }
        if portion.is_last || left == 0 || out.is_closed() {
            break;
        }
        portion = open.portion(StoreJob::SearchOn(portion.ticket))?;
    }
    if print.json {
        out.json(&Value::Array(listed))?;
    }
    out.finish()
}

/// The lines of a portion: a heading for each conversation, then its places.
fn portion_lines(portion: &FoundPortion, now: &Zoned) -> Vec<String> {
    let mut order: Vec<ConversationId> = Vec::new();
    let mut places: BTreeMap<ConversationId, Vec<&FoundPlace>> = BTreeMap::new();
    for place in &portion.places {
        let group = places.entry(place.conversation).or_default();
        if group.is_empty() {
            order.push(place.conversation);
        }
        group.push(place);
    }
    let mut lines = Vec::new();
    for id in order {
        lines.push(heading(id, portion.conversations.get(&id), now));
        lines.extend(places[&id].iter().map(|place| format!("  {:<9} {}", place.field.label(), place.snippet.text)));
        lines.push(String::new());
    }
    lines
}

fn heading(id: ConversationId, found: Option<&FoundConversation>, now: &Zoned) -> String {
    let Some(found) = found else { return id.to_string() };
    let day = found.updated_at.to_zoned(now.time_zone().clone()).date();
    let cost = (!found.cost.is_zero()).then(|| found.cost.to_price());
    let facts: Vec<String> = [Some(day.to_string()), Some(found.model.clone()), cost, Some(id.to_string())]
        .into_iter()
        .flatten()
        .filter(|fact| !fact.is_empty())
        .collect();
    format!("{}  {}", text::one_line(&found.title), facts.join(" · "))
}

fn place_json(place: &FoundPlace, conversation: Option<&FoundConversation>) -> Value {
    let matches: Vec<&str> = place.snippet.lit.iter().map(|lit| &place.snippet.text[lit.clone()]).collect();
    json!({
        "conversation": place.conversation,
        "title": conversation.map(|found| &found.title),
        "model": conversation.map(|found| &found.model),
        "message": place.message,
        "in": place.field.name(),
        "at": place.at.to_string(),
        "snippet": place.snippet.text,
        "matches": matches,
    })
}
