//! What a search finds is what the reference function says, whatever happened to the database.

use std::{collections::BTreeSet, sync::mpsc};

use ibid::{
    chat::{
        Answer, AnswerEnd, ConversationChange, ConversationId, Item, ItemKind, ItemSlot, Message, MessageBody,
        MessageId, answer::ContentPart,
    },
    search::{ConversationFacts, FilterValues, SearchDocument, SearchOrder, SearchQuery, matches, parse_query},
    store::{FoundPlace, FoundPortion, SearchRequest, SearchTicket, StoreHandle, StoreJob, StoreOptions, StoreReply},
};
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::Connection;

use super::test_database::{
    StoreRun, TestDatabase, answer, conversation_id, empty_answer, header, message_id, prompt, timestamp, write_header,
    write_message,
};
use crate::support::corpus::{Corpus, CorpusConversation};

/// A message, or with `None` the title of its conversation.
type FoundDocument = (ConversationId, Option<MessageId>);

impl StoreRun {
    fn portions(&self, query: &SearchQuery, order: SearchOrder, ticket: u64) -> Vec<FoundPortion> {
        let now = Timestamp::from_second(1_850_000_000).expect("in range");
        let ticket = SearchTicket(ticket);
        let request = SearchRequest { ticket, query: query.clone(), order, now };
        self.send(StoreJob::Search(Box::new(request)));
        let mut portions: Vec<FoundPortion> = Vec::new();
        loop {
            match self.reply() {
                StoreReply::Found(portion) => {
                    assert_eq!(portion.ticket, ticket);
                    let is_last = portion.is_last;
                    portions.push(*portion);
                    if is_last {
                        return portions;
                    }
                    self.send(StoreJob::SearchOn(ticket));
                }
                other => panic!("unexpected reply to a search: {other:?}"),
            }
        }
    }

    fn places(&self, query: &str) -> Vec<FoundPlace> {
        let portions = self.portions(&understood(query), SearchOrder::Best, 1);
        portions.into_iter().flat_map(|portion| portion.places).collect()
    }

    fn found(&self, query: &str) -> BTreeSet<FoundDocument> {
        self.places(query).into_iter().map(|place| (place.conversation, place.message)).collect()
    }

    /// The places, each as its field and its snippet with the matches in brackets.
    fn shown(&self, query: &str) -> Vec<String> {
        let lit = |place: FoundPlace| {
            let mut text = place.snippet.text.clone();
            for lit in place.snippet.lit.iter().rev() {
                text.insert(lit.end, ']');
                text.insert(lit.start, '[');
            }
            format!("{}: {text}", place.field.name())
        };
        self.places(query).into_iter().map(lit).collect()
    }
}

fn understood(query: &str) -> SearchQuery {
    let now = Timestamp::from_second(1_850_000_000).expect("in range").to_zoned(TimeZone::UTC);
    let parsed = parse_query(query, &now);
    assert_eq!(parsed.problems, [], "{query}");
    parsed.query
}

/// What a plain scan of some conversations finds.
fn scanned(conversations: &[CorpusConversation], query: &SearchQuery) -> BTreeSet<FoundDocument> {
    let mut found = BTreeSet::new();
    for CorpusConversation { header, messages } in conversations {
        let facts = ConversationFacts { model: header.settings.model.clone(), ..ConversationFacts::default() };
        let title = SearchDocument::of_title(&header.title, header.updated_at, &facts);
        if matches(query, &title).is_some() {
            found.insert((header.id, None));
        }
        for message in messages {
            let document = SearchDocument::of_message(message, &std::collections::BTreeMap::new(), &facts);
            if matches(query, &document).is_some() {
                found.insert((header.id, Some(message.id)));
            }
        }
    }
    found
}

fn text_answer(text: &str, end: AnswerEnd) -> Answer {
    let kind =
        ItemKind::Message { parts: vec![ContentPart::Text { text: text.into(), annotations: vec![] }], phase: None };
    let item = Item { raw: None, opened_at: timestamp(1), closed_at: Some(timestamp(2)), kind: kind.into() };
    Answer { items: [(ItemSlot { step: 0, index: 0 }, item)].into(), ..empty_answer(end) }
}

/// Compares what the index contains with an index of the same texts made anew.
fn assert_index_is_exact(disk: &TestDatabase) {
    let index = |db: &Connection| -> Vec<(String, i64)> {
        db.execute_batch("create virtual table temp.terms using fts5vocab(main, search_index, row)")
            .expect("a vocabulary");
        let mut rows = db.prepare("select term, doc from temp.terms order by term").expect("a query");
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows").map(|row| row.expect("a row")).collect()
    };
    let before = index(&disk.connect());
    let db = disk.connect();
    db.execute_batch(
        "insert into search_index (search_index) values ('delete-all'); update search_entry set stale = 1",
    )
    .expect("the index is emptied");
    let waiting: i64 = db.query_row("select count(*) from search_entry", [], |row| row.get(0)).expect("a count");
    drop(db);
    if waiting > 0 {
        wait_for_index(&disk.open());
    }
    assert!(before == index(&disk.connect()), "the index differs from one that is made anew");
}

fn wait_for_index(run: &StoreRun) {
    while !matches!(run.any_reply(), StoreReply::Indexing { waiting: 0 }) {}
}

#[test]
fn five_hundred_random_queries_find_what_a_plain_scan_finds() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let mut corpus = Corpus::new(17);
    let conversations: Vec<CorpusConversation> = (0..40).map(|n| corpus.conversation(n, 10, 1500)).collect();
    for conversation in &conversations {
        run.save_ok(conversation.changes());
    }
    let texts: Vec<String> = conversations.iter().flat_map(|conversation| &conversation.messages).map(source).collect();
    let (mut hits, mut empty) = (0, 0);
    for number in 0..500 {
        let text = &texts[corpus.below(texts.len())];
        let query = corpus.query(text);
        let now = Timestamp::from_second(1_850_000_000).expect("in range").to_zoned(TimeZone::UTC);
        // A word may happen to look like a filter.
        let query = parse_query(&query, &now).query;
        let expected = scanned(&conversations, &query);
        let order = if number % 2 == 0 { SearchOrder::Best } else { SearchOrder::Newest };
        let portions = run.portions(&query, order, number + 1);
        let places: Vec<&FoundPlace> = portions.iter().flat_map(|portion| &portion.places).collect();
        let found: BTreeSet<FoundDocument> = places.iter().map(|place| (place.conversation, place.message)).collect();
        assert_eq!(found, expected, "{query:?}");
        let listed: BTreeSet<_> = places.iter().map(|place| (place.conversation, place.message, place.field)).collect();
        assert_eq!(listed.len(), places.len(), "a place is listed twice: {query:?}");
        hits += found.len();
        empty += usize::from(found.is_empty());
    }
    assert!(hits > 1500 && empty < 300, "the queries test little: {hits} hits, {empty} without");
    drop(run);
    assert_index_is_exact(&disk);
}

/// The text of a message, to take words from.
fn source(message: &Message) -> String {
    match &message.body {
        MessageBody::Prompt(prompt) => prompt.text.clone(),
        MessageBody::Answer(answer) => answer.text(),
    }
}

#[test]
fn parts_of_words_signs_phrases_and_beginnings_are_found() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let text = "Advisory locks on NFS,\nsagt Müller: Straße. 日本語の検索は難しい。ค้นหาคำตอบ ＦＵＬＬ";
    run.save_ok(vec![write_header(header(1, "About Locks")), write_message(1, prompt(1, text))]);
    for query in [
        "visor",
        "NFS",
        "nf",
        "loc",
        "\"locks on nfs, SAGT\"",
        "muller",
        "STRASSE",
        "strasse.",
        "検",
        "検索",
        "語の検",
        "คำ",
        "ตอบ",
        "full",
        "l",
        "advisory mull 日",
        "-nothing visory",
        "\"ry lo\"",
        "in:prompt nfs",
        "a -missing",
    ] {
        assert!(run.found(query).contains(&(conversation_id(1), Some(message_id(1)))), "{query}");
    }
    for query in
        ["fs", "ks", "\"locks nfs\"", "visors", "検難", "advisory -日", "in:answer nfs", "in:title nfs", "\"nfs sagt\""]
    {
        assert_eq!(run.found(query), BTreeSet::new(), "{query}");
    }
    assert_eq!(run.found("about"), BTreeSet::from([(conversation_id(1), None)]));
}

#[test]
fn a_snippet_shows_each_field_with_all_words_and_lights_them() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let answered = text_answer("With **NFS** the `locks` are weak.", AnswerEnd::Complete);
    run.save_ok(vec![
        write_header(header(1, "Locks, NFS")),
        write_message(1, prompt(1, "are locks on nfs safe?")),
        write_message(1, answer(2, 1, answered)),
    ]);
    assert_eq!(
        run.shown("lock nfs"),
        ["title: [Lock]s, [NFS]", "prompt: are [lock]s on [nfs] safe?", "answer: With [NFS] the [lock]s are weak."]
    );
}

#[test]
fn a_running_answer_is_not_found_until_it_ends_or_is_recovered() {
    let disk = TestDatabase::new();
    let first = disk.open();
    let open = text_answer("half a zebra", AnswerEnd::Open);
    first.save_ok(vec![
        write_header(header(1, "Animals")),
        write_message(1, prompt(1, "a zebra?")),
        write_message(1, answer(2, 1, open)),
        write_message(1, answer(3, 1, text_answer("half an okapi", AnswerEnd::Open))),
    ]);
    assert_eq!(first.found("zebra"), BTreeSet::from([(conversation_id(1), Some(message_id(1)))]));
    first.save_ok(vec![write_message(1, answer(2, 1, text_answer("a whole zebra", AnswerEnd::Complete)))]);
    assert_eq!(first.found("whole zebra").len(), 1);
    assert_eq!(first.found("okapi").len(), 0);
    drop(first);
    // The next start recovers what the first run left open.
    assert_eq!(disk.open().found("okapi"), BTreeSet::from([(conversation_id(1), Some(message_id(3)))]));
    assert_index_is_exact(&disk);
}

#[test]
fn an_answer_that_is_opened_again_leaves_the_index() {
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![
        write_header(header(1, "x")),
        write_message(1, answer(2, 1, text_answer("a zebra", AnswerEnd::Stopped))),
    ]);
    assert_eq!(run.found("zebra").len(), 1);
    run.save_ok(vec![write_message(1, answer(2, 1, text_answer("a zebra", AnswerEnd::Open)))]);
    assert_eq!(run.found("zebra").len(), 0);
}

#[test]
fn the_trash_is_not_searched_and_what_is_purged_leaves_the_index() {
    let disk = TestDatabase::new();
    let run = disk.open();
    for n in 1..=2 {
        run.save_ok(vec![write_header(header(n, "Zebras")), write_message(n, prompt(10 * n, "a zebra and an okapi"))]);
    }
    run.save_ok(vec![ConversationChange::Trash(conversation_id(1))]);
    assert_eq!(
        run.found("zebra"),
        BTreeSet::from([(conversation_id(2), None), (conversation_id(2), Some(message_id(20)))])
    );
    run.save_ok(vec![ConversationChange::Restore(conversation_id(1))]);
    assert_eq!(run.found("zebra").len(), 4);
    let db = disk.connect();
    db.execute_batch("pragma foreign_keys = on; delete from message; delete from conversation").expect("deleted");
    let entries: i64 = db.query_row("select count(*) from search_entry", [], |row| row.get(0)).expect("a count");
    assert_eq!((run.found("zebra").len(), entries), (0, 0));
    assert_index_is_exact(&disk);
}

#[test]
fn a_new_title_replaces_the_old_one_in_the_index() {
    let disk = TestDatabase::new();
    let run = disk.open();
    run.save_ok(vec![write_header(header(1, "Zebras"))]);
    run.save_ok(vec![ConversationChange::Rename { conversation: conversation_id(1), title: "Okapis".into() }]);
    assert_eq!((run.found("zebra").len(), run.found("okapi").len()), (0, 1));
    drop(run);
    assert_index_is_exact(&disk);
}

#[test]
fn an_old_database_is_indexed_in_the_background_and_goes_on_after_a_kill() {
    let disk = TestDatabase::new();
    let mut corpus = Corpus::new(5);
    {
        let run = disk.open();
        for n in 0..20 {
            run.save_ok(corpus.conversation(n, 10, 3000).changes());
        }
        run.save_ok(vec![write_header(header(1, "Zebras")), write_message(1, prompt(999, "zebra"))]);
    }
    let forget = "insert into search_index (search_index) values ('delete-all'); update search_entry set stale = 1";
    disk.connect().execute_batch(forget).expect("the index is emptied");
    let waiting = |db: &Connection| -> i64 {
        db.query_row("select count(*) from search_entry where stale > 0", [], |row| row.get(0)).expect("a count")
    };
    let all = waiting(&disk.connect());
    {
        let run = disk.open();
        // A save is answered while the rest waits, and what it writes is found at once.
        run.save_ok(vec![write_header(header(2, "Okapi"))]);
        assert_eq!(run.found("okapi").len(), 1);
    }
    let left = waiting(&disk.connect());
    assert!(left < all, "{left} of {all} wait");
    if left > 0 {
        wait_for_index(&disk.open());
    }
    assert_eq!(waiting(&disk.connect()), 0);
    assert_eq!(disk.open().found("zebra").len(), 2);
}

#[test]
fn a_newer_search_ends_the_one_before_and_only_its_own_results_arrive() {
    let disk = TestDatabase::new();
    {
        let run = disk.open();
        let mut corpus = Corpus::new(3);
        for n in 0..50 {
            run.save_ok(corpus.conversation(n, 20, 10_000).changes());
        }
    }
    let (sender, replies) = mpsc::channel();
    let store = StoreHandle::open(&disk.file(), move |reply| {
        let _ = sender.send(reply); // The test may be over.
    });
    let now = Timestamp::from_second(1_850_000_000).expect("in range");
    for ticket in 1..=20 {
        let query = understood(if ticket < 20 { "-nothing" } else { "lock" });
        let request = SearchRequest { ticket: SearchTicket(ticket), query, order: SearchOrder::Best, now };
        store.send(StoreJob::Search(Box::new(request)));
    }
    store.send(StoreJob::SearchOn(SearchTicket(3)));
    let mut last = SearchTicket(0);
    while last != SearchTicket(20) {
        if let StoreReply::Found(portion) = replies.recv().expect("a reply") {
            assert!(portion.ticket > last, "{:?} after {last:?}", portion.ticket);
            last = portion.ticket;
        }
    }
    drop(store);
    assert!(replies.iter().all(|reply| !matches!(reply, StoreReply::Found(_))), "something was found after the last");
}

#[test]
fn a_search_by_relevance_puts_titles_and_whole_words_first_and_the_newest_first_otherwise() {
    let disk = TestDatabase::new();
    let run = disk.open();
    for (n, title, text) in
        [(1, "Zebra crossings", "nothing"), (2, "b", "prezebraic"), (3, "c", "the zebra"), (4, "d", "zebraic era")]
    {
        run.save_ok(vec![write_header(header(n, title)), write_message(n, prompt(n, text))]);
    }
    let order = |order| -> Vec<ConversationId> {
        let portions = run.portions(&understood("zebra"), order, 1);
        portions.iter().flat_map(|portion| &portion.places).map(|place| place.conversation).collect()
    };
    assert_eq!(order(SearchOrder::Best), [1, 3, 4, 2].map(conversation_id));
    assert_eq!(order(SearchOrder::Newest), [4, 3, 2, 1].map(conversation_id));
}

#[test]
fn a_portion_reads_a_bounded_number_of_messages() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let prompts = (1..=350).map(|n| write_message(1, prompt(n, "zebra")));
    run.save_ok(std::iter::once(write_header(header(1, "x"))).chain(prompts).collect());
    let portions = run.portions(&understood("zebra"), SearchOrder::Best, 1);
    let counts: Vec<(usize, usize)> = portions.iter().map(|portion| (portion.read, portion.places.len())).collect();
    assert_eq!(counts, [(300, 300), (50, 50)]);
}

#[test]
fn a_read_only_database_is_searched() {
    let disk = TestDatabase::new();
    disk.open().save_ok(vec![write_header(header(1, "x")), write_message(1, prompt(1, "zebra"))]);
    let run = disk.open_with(StoreOptions { read_only: true, ..StoreOptions::default() });
    assert_eq!(run.found("zebra").len(), 1);
}

#[test]
fn the_values_of_filters_are_those_that_exist() {
    let disk = TestDatabase::new();
    let run = disk.open();
    let mut other = header(2, "b");
    other.settings.model = "acme/small".into();
    run.save_ok(vec![write_header(header(1, "a")), write_header(other)]);
    run.send(StoreJob::LoadFilterValues);
    match run.reply() {
        StoreReply::FilterValues(FilterValues { models, .. }) => {
            assert_eq!(models, ["acme/small", "acme/large:online"]);
        }
        other => panic!("unexpected reply: {other:?}"),
    }
}

#[test]
fn a_damaged_index_costs_no_save() {
    let disk = TestDatabase::new();
    drop(disk.open());
    disk.connect()
        .execute_batch("update search_index_data set block = x'00ff00' where id > 1; delete from search_index_config")
        .expect("damage");
    let run = disk.open();
    run.save_ok(vec![write_header(header(1, "kept")), write_message(1, prompt(1, "zebra"))]);
    assert_eq!(run.titles(), ["kept"]);
}
