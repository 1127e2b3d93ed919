//! What a reader sees on the card of a source.

use insta::assert_snapshot;

use super::*;
use crate::{
    chat::Slot,
    text::quote::Haystack,
    widgets::check::{Reading, Words},
};

const PAGE: &str = "Overview. All processes using a database must be on the same host computer; WAL does not work over a \
    network filesystem. This is because WAL requires all processes to share a small amount of memory.";

fn source(url: Option<&str>, excerpt: Option<&str>) -> Source {
    Source {
        number: 1,
        kind: if url.is_some() { "url_citation" } else { "file_citation" }.into(),
        title: "Write-Ahead Logging".into(),
        site: "sqlite.org/wal".into(),
        url: url.map(Into::into),
        excerpt: excerpt.map(Into::into),
        claims: 2,
    }
}

fn claims() -> Vec<Claim> {
    let place = (Slot { step: 0, index: 0 }, 0);
    let claim = |annotation, words: &str| Claim { place, annotation, words: words.into() };
    vec![
        claim(0, "Processes on different hosts cannot share memory over a network file system."),
        claim(1, "WAL is for a local disk."),
    ]
}

fn question(words: Words) -> Question {
    Question { url: "https://sqlite.org/wal.html".into(), words }
}

fn now() -> Timestamp {
    "2026-11-22T14:03:00Z".parse().expect("a time")
}

fn shown(source: &Source, claims: &[Claim], check: Option<(&Question, &Check)>, width: usize) -> String {
    let asked = source.page().map(|_| question(Words::Claim("x".into())));
    let card = SourceCard {
        source,
        claims,
        from: claims.first().map(|claim| (claim.place, claim.annotation)),
        question: check.map(|(question, _)| question).or(asked.as_ref()),
        check: check.map(|(_, check)| check),
        elsewhere: None,
        now: now(),
        zone: &TimeZone::UTC,
        marks: &Marks::UNICODE,
    };
    let rows = card.rows(width);
    assert!(rows.iter().all(|row| row.width() == width), "the frame is straight");
    rows.iter().map(|row| row.text() + "\n").collect()
}

fn wal() -> Source {
    source(
        Some("https://sqlite.org/wal.html"),
        Some("All processes using a database must be on the same host; WAL does not work over a network filesystem."),
    )
}

/// The card after a check that looked for these words on the page.
fn checked(words: Words) -> String {
    let found = quote::passages(words.text()).iter().map(|it| Haystack::new(PAGE).find(it)).collect();
    let page = Reading { url: "https://sqlite.org/wal.html".into(), cut: None, found };
    let check = Check::Read { at: now(), page };
    let question = question(words);
    let card = shown(&source(Some("https://sqlite.org/wal.html"), None), &[], Some((&question, &check)), 70);
    card.lines().skip(7).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn a_card_tells_what_the_source_is_and_what_it_supports() {
    assert_snapshot!(shown(&wal(), &claims(), None, 60), @"
    ╭─ [1] Write-Ahead Logging ────────────────────────────────╮
    │ sqlite.org › wal.html                  supports 2 claims │
    │                                                          │
    │ “All processes using a database must be on the same      │
    │ host; WAL does not work over a network filesystem.”      │
    │                                                          │
    │ • Processes on different hosts cannot share memory over  │
    │   a network file system.                                 │
    │ • WAL is for a local disk.                               │
    ╰────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
    assert_snapshot!(shown(&wal(), &claims(), None, 34), @"
    ╭─ [1] Write-Ahead Logging ──────╮
    │ sqlite.org › wal.html          │
    │ supports 2 claims              │
    │                                │
    │ “All processes using a         │
    │ database must be on the same   │
    │ host; WAL does not work over a │
    │ network filesystem.”           │
    │                                │
    │ • Processes on different hosts │
    │   cannot share memory over a … │
    │ • WAL is for a local disk.     │
    ╰────── o open  c check  y copy ─╯
    ");
}

#[test]
fn a_file_has_no_page() {
    assert_snapshot!(shown(&source(None, None), &[], None, 60), @"
    ╭─ [1] Write-Ahead Logging ────────────────────────────────╮
    │ a file, without an address                               │
    │                                                          │
    │ The answer lists it without saying what for.             │
    ╰─────────────────────────────────────── y copy  [ ] walk ─╯
    ");
}

#[test]
fn what_is_no_file_is_not_called_one() {
    let mut place = source(None, None);
    place.kind = "place_citation".into();
    assert_snapshot!(shown(&place, &claims()[..1], None, 60), @"
    ╭─ [1] Write-Ahead Logging ────────────────────────────────╮
    │ place citation, without an address      supports 1 claim │
    │                                                          │
    │ • Processes on different hosts cannot share memory over  │
    │   a network file system.                                 │
    ╰─────────────────────────────────────── y copy  [ ] walk ─╯
    ");
    place.kind = "a_type_with_a_name_that_is_longer_than_any_card_is_wide".into();
    assert_snapshot!(shown(&place, &[], None, 30), @"
    ╭─ [1] Write-Ahead Logging ──╮
    │ a type with a name that is │
    │ longer than any card is    │
    │ wide, without an address   │
    │                            │
    │ The answer lists it        │
    │ without saying what for.   │
    ╰───────── y copy  [ ] walk ─╯
    ");
}

#[test]
fn a_page_is_fetched_only_when_the_reader_says_so() {
    let question = question(Words::Excerpt("x".into()));
    let asks = Check::Asks { since: now() };
    let card = shown(&wal(), &claims(), Some((&question, &asks)), 60);
    assert!(shown(&wal(), &claims()[..1], None, 60).contains("supports 1 claim "));
    let asked = card.lines().skip_while(|row| !row.contains("May ibid")).map(|row| row.to_owned() + "\n");
    assert_snapshot!(asked.collect::<String>(), @"
    │ ? May ibid fetch https://sqlite.org/wal.html and look    │
    │ for the excerpt there?                                   │
    │ The site sees this computer's address; no key and no     │
    │ cookie goes along.                                       │
    ╰────────────────────────────────── y yes  a always  n no ─╯
    ");
}

#[test]
fn what_was_found_is_told_with_its_place_and_nothing_more() {
    let exactly = "WAL does not work over a network filesystem.";
    assert_snapshot!(checked(Words::Excerpt(exactly.into())), @"
    │ ✓ checked 14:03: the excerpt stands on the page word for word,     │
    │ 38 % down                                                          │
    │ … using a database must be on the same host computer; WAL does not │
    │ work over a network filesystem. This is because WAL requires all   │
    │ processes to share a …                                             │
    ╰──────────────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
    assert_snapshot!(checked(Words::Claim("wal does not work, over a network-filesystem!".into())), @"
    │ ✓ checked 14:03: the claim stands on the page but for punctuation, │
    │ case or white space, 38 % down                                     │
    │ … using a database must be on the same host computer; WAL does not │
    │ work over a network filesystem. This is because WAL requires all   │
    │ processes to share a …                                             │
    ╰──────────────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
    assert_snapshot!(checked(Words::Claim("WAL does not work over a satellite link".into())), @"
    │ ? checked 14:03: of the claim only 6 of 8 words stand in a row on  │
    │ the page, 38 % down                                                │
    │ … using a database must be on the same host computer; WAL does not │
    │ work over a network filesystem. This is because WAL requires all … │
    ╰──────────────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
    assert_snapshot!(checked(Words::Claim("The moon is made of cheese".into())), @"
    │ ? checked 14:03: the claim was not found on the page               │
    ╰──────────────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
    assert_snapshot!(checked(Words::Excerpt(format!("{exactly} [...] And one more thing here."))), @"
    │ ? checked 14:03: the excerpt has 2 passages: on the page stand 1   │
    │ word for word, 1 not at all                                        │
    │ … using a database must be on the same host computer; WAL does not │
    │ work over a network filesystem. This is because WAL requires all   │
    │ processes to share a …                                             │
    ╰──────────────────────────────── o open  c check  y copy  [ ] walk ─╯
    ");
}

#[test]
fn a_page_that_could_not_be_read_says_why() {
    let question = question(Words::Excerpt("x".into()));
    let unread = Check::Unread { at: now(), why: "it is a PDF, which ibid cannot read".into() };
    let card = shown(&source(Some("https://sqlite.org/wal.html"), None), &[], Some((&question, &unread)), 60);
    assert!(card.contains("! could not be checked 14:03: it is a PDF, which ibid"), "{card}");
}

#[test]
fn where_a_page_came_from_elsewhere_or_only_in_part_that_is_said() {
    let question = question(Words::Excerpt("network filesystem".into()));
    let found = vec![Haystack::new(PAGE).find("network filesystem")];
    let page = Reading { url: "https://other.example/wal".into(), cut: Some(2), found };
    let check = Check::Read { at: now(), page };
    let card = shown(&wal(), &[], Some((&question, &check)), 60);
    assert!(card.contains("The address led to https://other.example/wal"), "{card}");
    assert!(card.contains("Only the first 2 MB of the page were read."), "{card}");
}

#[test]
fn a_footnote_is_markdown_whatever_the_title_says() {
    let mut source = wal();
    source.title = "WAL [draft]".into();
    assert_snapshot!(footnote(&source), @"[^1]: [WAL draft](https://sqlite.org/wal.html) “All processes using a database must be on the same host; WAL does not work over a network filesystem.”");
    source.url = Some("https://a.example/x_(y)".into());
    source.excerpt = None;
    assert_eq!(footnote(&source), "[^1]: [WAL draft](<https://a.example/x_(y)>)");
    source.url = None;
    assert_eq!(footnote(&source), "[^1]: WAL draft");
}
