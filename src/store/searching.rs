//! Answers searches: candidates from the index, judged against their text in portions, the newest first.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{
    queries::{self, id_text, read_text},
    search_index::{TITLE_TOKEN, full_outcomes, stored_message},
};
use crate::{
    api::Usd,
    chat::{
        ChatSettings, Conversation, ConversationId, MessageId, Timestamp,
        nanos::{from_nanos, to_nanos},
    },
    search::{
        ConversationFacts, DocumentField, DocumentMatch, FilterValues, SearchDocument, SearchFilter, SearchOrder,
        SearchQuery, SearchSnippet, matches, relevance, snippet, term_tokens,
    },
};

/// A search to carry out.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    pub ticket: SearchTicket,
    pub query: SearchQuery,
    pub order: SearchOrder,
    pub now: Timestamp,
}

/// Identifies a search, so that a late reply never replaces a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SearchTicket(pub u64);

/// A part of what a search found, in its order; the next part is older.
#[derive(Debug, Clone, Default)]
pub struct FoundPortion {
    pub ticket: SearchTicket,
    pub places: Vec<FoundPlace>,
    /// The conversations of these places.
    pub conversations: BTreeMap<ConversationId, FoundConversation>,
    /// There is nothing more.
    pub is_last: bool,
    /// How many messages and titles are not in the index yet.
    pub unindexed: usize,
    /// How many messages and titles were read for it.
    pub read: usize,
}

/// A text that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPlace {
    pub conversation: ConversationId,
    /// `None` for the title.
    pub message: Option<MessageId>,
    pub at: Timestamp,
    pub field: DocumentField,
    pub snippet: SearchSnippet,
    pub relevance: f64,
}

/// What is shown of a conversation with matches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundConversation {
    pub title: String,
    pub model: String,
    pub updated_at: Timestamp,
    pub cost: Usd,
}

/// A search in progress.
pub(super) struct RunningSearch {
    pub request: SearchRequest,
    /// The expression for the index; `None` if the query has no words.
    expression: Option<String>,
    /// The conversations that the filters leave, where the filters alone decide that.
    conversations: Option<HashSet<String>>,
    /// Candidates that have not been judged, the last one first.
    waiting: Vec<SearchCandidate>,
    /// Entries from this number on have been collected.
    collected_to: i64,
    facts: HashMap<String, Option<ConversationFacts>>,
    /// The titles that were put first.
    titles: HashSet<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SearchCandidate {
    at: i64,
    n: i64,
}

/// How many candidates are collected at once, and how many of them are judged for a portion.
const COLLECTED: i64 = 5000;
const JUDGED: usize = 300;
/// The most titles that a search by relevance puts first.
const MAX_TITLES: i64 = 100;
/// The most bytes of text that a portion reads.
const JUDGED_BYTES: usize = 1024 * 1024;

const CANDIDATES: &str = "select e.n, e.at, e.models, e.conversation from
    (select rowid as n from search_index where search_index match ?1 and rowid < ?2 order by rowid desc limit ?3) f
    join search_entry e on e.n = f.n order by e.n desc";
const ALL_ENTRIES: &str =
    "select n, at, models, conversation from search_entry where n < ?2 and ?1 is null order by n desc limit ?3";

impl RunningSearch {
    pub(super) fn new(db: &Connection, request: SearchRequest) -> Result<Self> {
        let mut search = Self {
            expression: expression(&request.query),
            conversations: allowed_conversations(db, &request.query)?,
            waiting: Vec::new(),
            collected_to: i64::MAX,
            facts: HashMap::new(),
            titles: HashSet::new(),
            request,
        };
        if search.request.order == SearchOrder::Best {
            search.collect_titles(db)?;
        }
        Ok(search)
    }

    /// Judges the next candidates until some are found or none are left.
    pub(super) fn next_portion(&mut self, db: &Connection, is_stale: &dyn Fn() -> bool) -> Result<FoundPortion> {
        let mut portion = FoundPortion { ticket: self.request.ticket, ..FoundPortion::default() };
        while portion.places.is_empty() && !portion.is_last && !is_stale() {
            self.judge_some(db, &mut portion, is_stale)?;
        }
        self.sort(&mut portion.places);
        Ok(portion)
    }

    fn judge_some(&mut self, db: &Connection, portion: &mut FoundPortion, is_stale: &dyn Fn() -> bool) -> Result<()> {
        let (most, mut bytes) = (portion.read + JUDGED, 0);
        while portion.read < most && bytes < JUDGED_BYTES && !is_stale() {
            let Some(candidate) = self.waiting.pop() else {
                if self.collect(db)? {
                    continue;
                }
                portion.is_last = true;
                return Ok(());
            };
            bytes += self.judge(db, candidate.n, portion)?;
            portion.read += 1;
        }
        portion.is_last = self.waiting.is_empty() && !self.collect(db)?;
        Ok(())
    }

    /// Collects the next candidates; returns whether there may be any left.
    fn collect(&mut self, db: &Connection) -> Result<bool> {
        if self.collected_to <= 0 {
            return Ok(false);
        }
        let expression = self.expression.clone();
        let (mut found, last) = self.collect_from(db, expression.as_deref(), self.collected_to, COLLECTED)?;
        self.collected_to = last.unwrap_or(0);
        found.retain(|candidate| !self.titles.contains(&candidate.n));
        found.sort_unstable();
        self.waiting = found;
        Ok(last.is_some())
    }

    /// Puts the titles that match first.
    fn collect_titles(&mut self, db: &Connection) -> Result<()> {
        let Some(expression) = self.expression.as_ref().map(|expression| format!("{expression} AND {TITLE_TOKEN}"))
        else {
            return Ok(());
        };
        if self.request.query.searches(DocumentField::Title) {
            (self.waiting, _) = self.collect_from(db, Some(&expression), i64::MAX, MAX_TITLES)?;
            self.waiting.sort_unstable();
            self.titles = self.waiting.iter().map(|candidate| candidate.n).collect();
        }
        Ok(())
    }

    /// Returns candidates that may pass the filters, and the number of the last one looked at, if there were any.
    fn collect_from(
        &self,
        db: &Connection,
        expression: Option<&str>,
        below: i64,
        limit: i64,
    ) -> Result<(Vec<SearchCandidate>, Option<i64>)> {
        let mut statement = db.prepare_cached(if expression.is_some() { CANDIDATES } else { ALL_ENTRIES })?;
        let mut rows = statement.query(params![expression, below, limit])?;
        let (mut found, mut last) = (Vec::new(), None);
        let mut models: HashMap<String, bool> = HashMap::new();
        while let Some(row) = rows.next()? {
            let candidate = SearchCandidate { n: row.get(0)?, at: row.get(1)? };
            last = Some(candidate.n);
            if !self.is_in_time(candidate.at) {
                continue;
            }
            if let Some(answered) = row.get_ref(2)?.as_str_or_null()? {
                let fits = match models.get(answered) {
                    Some(fits) => *fits,
                    None => *models.entry(answered.to_owned()).or_insert_with(|| self.may_be_model(answered)),
                };
                if !fits {
                    continue;
                }
            }
            let allowed = self.conversations.as_ref();
            if allowed
                .is_none_or(|allowed| row.get_ref(3).is_ok_and(|id| id.as_str().is_ok_and(|id| allowed.contains(id))))
            {
                found.push(candidate);
            }
        }
        Ok((found, last))
    }

    fn is_in_time(&self, at: i64) -> bool {
        self.request.query.filters.iter().all(|filter| match filter {
            SearchFilter::Before(time) => at < to_nanos(*time),
            SearchFilter::After(time) => at >= to_nanos(*time),
            _ => true,
        })
    }

    fn may_be_model(&self, models: &str) -> bool {
        let document =
            SearchDocument { models: models.lines().map(str::to_owned).collect(), ..SearchDocument::default() };
        let is_model = |filter: &&SearchFilter| matches!(filter, SearchFilter::Model(_));
        let mut wanted = self.request.query.filters.iter().filter(is_model).peekable();
        models.is_empty() || wanted.peek().is_none() || wanted.any(|filter| filter.holds(&document))
    }

    /// Reads an entry and adds its places if it matches; returns the size of its texts.
    fn judge(&mut self, db: &Connection, n: i64, portion: &mut FoundPortion) -> Result<usize> {
        let mut entry = db.prepare_cached("select id, conversation from search_entry where n = ?1")?;
        let entry: Option<(String, String)> = entry.query_row([n], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((id, conversation)) = entry else { return Ok(0) };
        let is_title = id == conversation;
        let Some(facts) = self.facts_of(db, &conversation)? else { return Ok(0) };
        let document = if is_title { title_document(db, &id, facts)? } else { message_document(db, &id, facts)? };
        let Some(document) = document else { return Ok(0) };
        let bytes = document.texts.iter().map(|text| text.text.len()).sum();
        if let (Some(found), Ok(conversation)) =
            (matches(&self.request.query, &document), uuid::Uuid::parse_str(&conversation))
        {
            let message = uuid::Uuid::parse_str(&id).ok().filter(|_| !is_title).map(MessageId);
            self.add_places(db, portion, ConversationId(conversation), message, &document, &found)?;
        }
        Ok(bytes)
    }

    fn add_places(
        &self,
        db: &Connection,
        portion: &mut FoundPortion,
        conversation: ConversationId,
        message: Option<MessageId>,
        document: &SearchDocument,
        found: &DocumentMatch,
    ) -> Result<()> {
        if let std::collections::btree_map::Entry::Vacant(entry) = portion.conversations.entry(conversation)
            && let Some(shown) = found_conversation(db, conversation)?
        {
            entry.insert(shown);
        }
        let relevance = relevance(&self.request.query, found, document.at, self.request.now);
        for (field, snippet) in shown_texts(document, found) {
            portion.places.push(FoundPlace { conversation, message, at: document.at, field, snippet, relevance });
        }
        Ok(())
    }

    /// What the messages of a conversation inherit; `None` if it is in the trash or gone.
    fn facts_of(&mut self, db: &Connection, conversation: &str) -> Result<Option<&ConversationFacts>> {
        if !self.facts.contains_key(conversation) {
            let facts = conversation_facts(db, conversation)?;
            self.facts.insert(conversation.to_owned(), facts);
        }
        Ok(self.facts.get(conversation).and_then(Option::as_ref))
    }

    fn sort(&self, places: &mut [FoundPlace]) {
        match self.request.order {
            SearchOrder::Best => places.sort_by(|a, b| b.relevance.total_cmp(&a.relevance).then(b.at.cmp(&a.at))),
            SearchOrder::Newest => places.sort_by_key(|place| std::cmp::Reverse(place.at)),
        }
    }
}

/// The texts of a match that are listed, one for each field: those with all the terms, or else the one with the most.
fn shown_texts(document: &SearchDocument, found: &DocumentMatch) -> Vec<(DocumentField, SearchSnippet)> {
    let most = found.texts.iter().map(|text| text.terms).max();
    let mut shown: Vec<(DocumentField, SearchSnippet)> = Vec::new();
    for text in &found.texts {
        if Some(text.terms) == most && !shown.iter().any(|(field, _)| *field == text.field) {
            shown.push((text.field, snippet(&document.texts[text.index].text, &text.ranges)));
        }
    }
    if shown.is_empty() {
        // Only filters: what is there to read.
        shown.extend(document.texts.first().map(|text| (text.field, snippet(&text.text, &[]))));
    }
    shown
}

/// The expression that every document with all the terms fulfils.
fn expression(query: &SearchQuery) -> Option<String> {
    let mut tokens: Vec<String> = query.terms.iter().flat_map(term_tokens).collect();
    tokens.sort_unstable();
    tokens.dedup();
    // A quote would end the string; no token has one, but nothing depends on that.
    let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{}\"", token.replace('"', "\"\""))).collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

/// The conversations that filters by tag and origin leave; `None` if there are no such filters.
fn allowed_conversations(db: &Connection, query: &SearchQuery) -> Result<Option<HashSet<String>>> {
    let is_by_conversation = |filter: &SearchFilter| matches!(filter, SearchFilter::Tag(_) | SearchFilter::From(_));
    let filters: Vec<SearchFilter> =
        query.filters.iter().filter(|filter| is_by_conversation(filter)).cloned().collect();
    if filters.is_empty() {
        return Ok(None);
    }
    let only = SearchQuery { filters, ..SearchQuery::default() };
    let mut rows = db.prepare_cached("select * from conversation")?;
    let mut rows = rows.query([])?;
    let mut allowed = HashSet::new();
    while let Some(row) = rows.next()? {
        let facts = read_facts(row);
        let document = SearchDocument { tags: facts.tags, origin: facts.origin, ..SearchDocument::default() };
        if matches(&only, &document).is_some() {
            allowed.insert(read_text(row, "id"));
        }
    }
    Ok(Some(allowed))
}

fn conversation_facts(db: &Connection, id: &str) -> Result<Option<ConversationFacts>> {
    let mut row = db.prepare_cached("select * from conversation where id = ?1 and trashed_at is null")?;
    row.query_row([id], |row| Ok(read_facts(row))).optional()
}

/// Reads what messages inherit from the row of their conversation.
fn read_facts(row: &rusqlite::Row) -> ConversationFacts {
    let settings: ChatSettings = queries::read_json(row, "settings").unwrap_or_default();
    ConversationFacts {
        model: settings.model,
        tags: queries::read_json(row, "tags").unwrap_or_default(),
        origin: row.get("origin").unwrap_or_default(),
    }
}

fn title_document(db: &Connection, id: &str, facts: &ConversationFacts) -> Result<Option<SearchDocument>> {
    let mut row = db.prepare_cached("select title, created from conversation where id = ?1")?;
    row.query_row([id], |row| {
        let created = from_nanos(row.get(1).unwrap_or_default());
        Ok(SearchDocument::of_title(&read_text(row, 0), created, facts))
    })
    .optional()
}

/// Returns a message as it is searched; `None` if it is gone or an answer that still runs.
fn message_document(db: &Connection, id: &str, facts: &ConversationFacts) -> Result<Option<SearchDocument>> {
    let Some(found) = stored_message(db, id)?.filter(|found| found.owner.is_none()) else { return Ok(None) };
    let outcomes = full_outcomes(db, &found.message);
    Ok(Some(SearchDocument::of_message(&found.message, &outcomes, facts)))
}

fn found_conversation(db: &Connection, id: ConversationId) -> Result<Option<FoundConversation>> {
    let mut costs = db.prepare_cached("select cost from message where conversation = ?1 and cost is not null")?;
    let costs: Vec<String> = costs.query_map([id_text(id.0)], |row| row.get(0))?.collect::<Result<_>>()?;
    let cost = costs.iter().filter_map(|digits| Usd::parse(digits));
    let cost = cost.fold(Usd::default(), |sum, cost| sum.checked_add(&cost).unwrap_or(sum));
    let mut row = db.prepare_cached("select title, settings, updated from conversation where id = ?1")?;
    row.query_row([id_text(id.0)], |row| {
        let settings: ChatSettings = queries::read_json(row, "settings").unwrap_or_default();
        let updated_at = from_nanos(row.get("updated").unwrap_or_default());
        Ok(FoundConversation { title: read_text(row, "title"), model: settings.model, updated_at, cost: cost.clone() })
    })
    .optional()
}

/// What filters can be completed with: the models of conversations and answers, the tags and the origins that exist.
pub(super) fn filter_values(db: &Connection) -> Result<FilterValues> {
    let mut values = FilterValues::default();
    let mut rows = db.prepare_cached("select * from conversation where trashed_at is null order by updated desc")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let facts = read_facts(row);
        push_new(&mut values.models, facts.model);
        facts.tags.into_iter().for_each(|tag| push_new(&mut values.tags, tag));
        facts.origin.into_iter().for_each(|origin| push_new(&mut values.origins, origin));
    }
    Ok(values)
}

fn push_new(values: &mut Vec<String>, value: String) {
    if !value.is_empty() && !values.contains(&value) {
        values.push(value);
    }
}

/// Returns a conversation as it is stored, without its draft and its queue.
pub(super) fn preview(db: &Connection, id: ConversationId) -> Result<Option<Conversation>> {
    let Some(stored) = queries::conversation(db, id)? else { return Ok(None) };
    let (messages, _) = queries::messages(db, id)?;
    let messages = messages.into_iter().map(|found| found.message).collect();
    Ok(Some(Conversation::restore(stored.header, messages, String::new(), Vec::new())))
}
