//! The search of a large database: 10,000 conversations, 200,000 messages, 300 MB of text in six languages.
//!
//! `cargo bench --bench search` prints a table of measurements; with `-- --test` a hundredth of it is made, and what is read
//! for each query is checked instead of its time. `-- 2500` makes that many conversations.
#![allow(unreachable_pub, reason = "nothing outside uses a bench")]
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "figures for people")]

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use corpus::Corpus;
use ibid::{
    chat::{Message, MessageBody, Timestamp},
    search::{SearchOrder, parse_query},
    store::{FoundPortion, SaveTicket, SearchRequest, SearchTicket, StoreHandle, StoreJob, StoreReply},
};
use jiff::tz::TimeZone;

/// How large the database is, and how many queries are asked.
struct SearchScale {
    conversations: u64,
    queries: u64,
}

const MESSAGES: u64 = 20;
const CONVERSATION_BYTES: usize = 30_000;
/// In how many of the last conversations each message is saved by itself, and timed.
const TIMED: u64 = 100;
/// The most messages that a portion reads, whatever the size of the database.
const MOST_READ: usize = 300;

fn main() {
    let is_check = std::env::args().any(|arg| arg == "--test");
    let scale = if is_check {
        SearchScale { conversations: 100, queries: 60 }
    } else {
        let conversations = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(10_000);
        SearchScale { conversations, queries: 300 }
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("ibid.db");
    let mut corpus = Corpus::new(1);
    let texts = fill(&file, &mut corpus, &scale);
    let sizes = report_sizes(&file, texts.1);
    if is_check {
        assert!(sizes <= 1.2, "the index takes {sizes:.2} times the text");
    }
    ask(&file, &mut corpus, &texts.0, &scale, is_check);
    index_again(&file, is_check);
}

/// Writes the conversations; returns some of their texts, and the size of all of them.
fn fill(file: &Path, corpus: &mut Corpus, scale: &SearchScale) -> (Vec<String>, usize) {
    let run = StoreRun::open(file);
    let (mut samples, mut bytes, mut writing, mut messages) = (Vec::new(), 0, Duration::ZERO, 0);
    for n in 0..scale.conversations {
        let conversation = corpus.conversation(n, MESSAGES, CONVERSATION_BYTES);
        bytes += conversation.messages.iter().map(text_bytes).sum::<usize>();
        if let Some(MessageBody::Answer(answer)) = conversation.messages.last().map(|message| &message.body) {
            samples.push(answer.text());
        }
        if n + TIMED < scale.conversations {
            run.store.send(StoreJob::Save { ticket: SaveTicket(n), changes: conversation.changes() });
            run.saved();
            continue;
        }
        messages += conversation.messages.len();
        let begun = Instant::now();
        // Each message in a transaction of its own, as when people chat.
        for change in conversation.changes() {
            run.store.send(StoreJob::Save { ticket: SaveTicket(n), changes: vec![change] });
            run.saved();
        }
        writing += begun.elapsed();
    }
    let each = writing.as_secs_f64() * 1e3 / messages as f64;
    println!("{:.1} MB of text in {} messages", bytes as f64 / 1e6, scale.conversations * MESSAGES);
    println!("the last {messages} messages saved and indexed one by one: {each:.2} ms each");
    (samples, bytes)
}

/// The bytes of what is searched in a message.
fn text_bytes(message: &Message) -> usize {
    let (none, facts) = (std::collections::BTreeMap::new(), ibid::search::ConversationFacts::default());
    let document = ibid::search::SearchDocument::of_message(message, &none, &facts);
    document.texts.iter().map(|text| text.text.len()).sum()
}

/// Prints how large the index is, and returns its size in multiples of the text.
fn report_sizes(file: &Path, text_bytes: usize) -> f64 {
    let db = rusqlite::Connection::open(file).expect("the database opens");
    let size = |names: &str| -> f64 {
        let sql = format!("select coalesce(sum(length(block)), 0) from {names}");
        db.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("a size") as f64
    };
    let tokens = size("search_index_data");
    let rows: i64 = db.query_row("select count(*) from search_entry", [], |row| row.get(0)).expect("a count");
    // A row of an entry, its index by id, and its sizes in the index of the tokens.
    let entries = rows as f64 * 175.0;
    let share = (tokens + entries) / text_bytes as f64;
    println!(
        "index: {:.1} MB of tokens and {:.1} MB of entries, {share:.2} times the text",
        tokens / 1e6,
        entries / 1e6
    );
    share
}

/// Asks random queries and prints the times to the first and the second portion.
fn ask(file: &Path, corpus: &mut Corpus, texts: &[String], scale: &SearchScale, is_check: bool) {
    let run = StoreRun::open(file);
    let (mut first, mut second, mut places) = (Vec::new(), Vec::new(), 0);
    let mut slowest = (Duration::ZERO, String::new());
    for ticket in 1..=scale.queries {
        let position = corpus.below(texts.len());
        let query = corpus.query(&texts[position]);
        let begun = Instant::now();
        let portion = run.search(&query, SearchTicket(ticket));
        let took = begun.elapsed();
        if took > slowest.0 {
            slowest = (took, query.clone());
        }
        first.push(took);
        places += portion.places.len();
        check_reads(&portion, &query, is_check);
        if !portion.is_last {
            let begun = Instant::now();
            run.store.send(StoreJob::SearchOn(SearchTicket(ticket)));
            let portion = run.found();
            second.push(begun.elapsed());
            check_reads(&portion, &query, is_check);
        }
    }
    println!("{} queries, {places} places in their first portions", scale.queries);
    print_times("first results", &mut first);
    print_times("second page", &mut second);
    println!("  slowest: {:.1} ms for {}", slowest.0.as_secs_f64() * 1e3, slowest.1);
    if let Some(memory) = resident_megabytes() {
        println!(
            "memory: {memory:.0} MB, the generator's {:.0} MB of samples included",
            texts.iter().map(String::len).sum::<usize>() as f64 / 1e6
        );
    }
}

/// A portion reads no more rows than it may, unless it found nothing in them.
fn check_reads(portion: &FoundPortion, query: &str, is_check: bool) {
    if is_check && !portion.places.is_empty() {
        assert!(
            portion.read.is_multiple_of(MOST_READ) || portion.read < MOST_READ || portion.is_last,
            "{query}: {}",
            portion.read
        );
        assert!(portion.read >= 1, "{query}: found without reading");
    }
}

/// Empties the index, and prints how long it takes to fill it in the background, and the longest that a save waits.
fn index_again(file: &Path, is_check: bool) {
    let db = rusqlite::Connection::open(file).expect("the database opens");
    db.execute_batch(
        "insert into search_index (search_index) values ('delete-all'); update search_entry set stale = 1",
    )
    .expect("the index is emptied");
    let count: i64 = db.query_row("select count(*) from search_entry", [], |row| row.get(0)).expect("a count");
    drop(db);
    let run = StoreRun::open(file);
    let begun = Instant::now();
    let (mut slowest, mut reports) = (Duration::ZERO, 0);
    loop {
        let asked = Instant::now();
        run.store.send(StoreJob::Save { ticket: SaveTicket(0), changes: vec![] });
        let mut is_done = false;
        loop {
            match run.replies.recv().expect("a reply") {
                StoreReply::Saved(_) => break,
                StoreReply::Indexing { waiting } => {
                    reports += 1;
                    is_done |= waiting == 0;
                }
                other => panic!("unexpected reply: {other:?}"),
            }
        }
        slowest = slowest.max(asked.elapsed());
        if is_done {
            break;
        }
        // Let it work between two saves.
        let pause = Duration::from_millis(if is_check { 0 } else { 20 });
        if matches!(run.replies.recv_timeout(pause), Ok(StoreReply::Indexing { waiting: 0 })) {
            break;
        }
    }
    let each = begun.elapsed().as_secs_f64() * 1e3 / count as f64;
    println!(
        "indexed in the background: {count} entries in {:.1} s ({each:.2} ms each, {reports} reports), a save waited at most {:.1} ms",
        begun.elapsed().as_secs_f64(),
        slowest.as_secs_f64() * 1e3
    );
}

fn print_times(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!("{what}: median {:.1} ms, 95th percentile {:.1} ms, most {:.1} ms", at(0.5), at(0.95), at(0.999_999));
}

/// The memory of this process, where the system reports it.
fn resident_megabytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1e3)
}

/// A store and its replies.
struct StoreRun {
    store: StoreHandle,
    replies: Receiver<StoreReply>,
}

impl StoreRun {
    fn open(file: &Path) -> Self {
        let (sender, replies) = mpsc::channel();
        let store = StoreHandle::open(&PathBuf::from(file), move |reply| {
            let _ = sender.send(reply); // The receiver is gone at the end.
        });
        let run = Self { store, replies };
        assert!(matches!(run.replies.recv(), Ok(StoreReply::Opened { .. })));
        run
    }

    fn saved(&self) {
        assert!(matches!(self.replies.recv(), Ok(StoreReply::Saved(_))));
    }

    fn search(&self, query: &str, ticket: SearchTicket) -> FoundPortion {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        let query = parse_query(query, &now.to_zoned(TimeZone::UTC)).query;
        self.store.send(StoreJob::Search(Box::new(SearchRequest { ticket, query, order: SearchOrder::Best, now })));
        self.found()
    }

    fn found(&self) -> FoundPortion {
        loop {
            match self.replies.recv().expect("a reply") {
                StoreReply::Found(portion) => return *portion,
                StoreReply::SearchFailed { error, .. } => panic!("{error}"),
                _ => (),
            }
        }
    }
}
