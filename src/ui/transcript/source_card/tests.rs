//! Tests of the source card as it is drawn.

use insta::assert_snapshot;

use super::*;
use crate::{
    chat::ItemSlot,
    citations::{
        check::{CheckResult, CheckedPage, SoughtText},
        quote::PageText,
    },
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
        claim_count: 2,
    }
}

fn claims() -> Vec<CitedClaim> {
    let place = (ItemSlot { step: 0, index: 0 }, 0);
    let claim = |annotation, words: &str| CitedClaim { part: place, annotation, text: words.into() };
    vec![
        claim(0, "Processes on different hosts cannot share memory over a network file system."),
        claim(1, "WAL is for a local disk."),
    ]
}

fn question(texts: &[SoughtText]) -> CheckQuestion {
    CheckQuestion { source: "https://sqlite.org/wal.html".into(), texts: texts.to_vec(), claims: Vec::new() }
}

fn excerpt(words: &str) -> SoughtText {
    SoughtText::Excerpt(words.into())
}

fn claim(words: &str) -> SoughtText {
    SoughtText::Claim(words.into())
}

/// A check of a page, done now.
fn done(outcome: CheckOutcome) -> PageCheck {
    PageCheck::Done { at: now(), result: CheckResult { outcome, judgement: None } }
}

fn read_page(question: &CheckQuestion, url: &str, truncated_at_mb: Option<u64>) -> CheckedPage {
    let page = PageText::new(PAGE);
    CheckedPage {
        url: url.into(),
        hash: "00".into(),
        word_count: page.word_count(),
        truncated_at_mb,
        findings: question.look_on(&page),
        evidence: String::new(),
    }
}

fn now() -> Timestamp {
    "2026-11-22T14:03:00Z".parse().expect("a time")
}

fn shown(source: &Source, claims: &[CitedClaim], check: Option<(&CheckQuestion, &PageCheck)>, width: usize) -> String {
    let asked = source.page_url().map(|_| question(&[claim("x")]));
    let card = SourceCard {
        source,
        claims,
        opened_from: claims.first().map(|claim| (claim.part, claim.annotation)),
        question: check.map(|(question, _)| question).or(asked.as_ref()),
        check: check.map(|(_, check)| check),
        browse_command: None,
        keymap: &Keymap::default(),
        now: now(),
        zone: &TimeZone::UTC,
        marks: &ThemeMarks::UNICODE,
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

/// The end of the card after a check that looked for these texts on the page.
fn checked(texts: &[SoughtText]) -> String {
    let question = question(texts);
    let check = done(CheckOutcome::Read(read_page(&question, "https://sqlite.org/wal.html", None)));
    let card = shown(&source(Some("https://sqlite.org/wal.html"), None), &[], Some((&question, &check)), 70);
    card.lines().skip(7).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn a_card_shows_the_source_and_its_claims() {
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
    ╰────────────────────── o open  c check  y copy  ] [ next ─╯
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
    │ No text in the answer cites this source.                 │
    ╰─────────────────────────────────────── y copy  ] [ next ─╯
    ");
}

#[test]
fn a_source_of_another_kind_is_not_called_a_file() {
    let mut place = source(None, None);
    place.kind = "place_citation".into();
    assert_snapshot!(shown(&place, &claims()[..1], None, 60), @"
    ╭─ [1] Write-Ahead Logging ────────────────────────────────╮
    │ place citation, without an address      supports 1 claim │
    │                                                          │
    │ • Processes on different hosts cannot share memory over  │
    │   a network file system.                                 │
    ╰─────────────────────────────────────── y copy  ] [ next ─╯
    ");
    place.kind = "a_type_with_a_name_that_is_longer_than_any_card_is_wide".into();
    assert_snapshot!(shown(&place, &[], None, 30), @"
    ╭─ [1] Write-Ahead Logging ──╮
    │ a type with a name that is │
    │ longer than any card is    │
    │ wide, without an address   │
    │                            │
    │ No text in the answer      │
    │ cites this source.         │
    ╰───────── y copy  ] [ next ─╯
    ");
}

#[test]
fn a_page_is_fetched_only_with_consent() {
    let question = question(&[excerpt("x")]);
    let asks = PageCheck::Asking { since: now() };
    let card = shown(&wal(), &claims(), Some((&question, &asks)), 60);
    assert!(shown(&wal(), &claims()[..1], None, 60).contains("supports 1 claim "));
    let asked = card.lines().skip_while(|row| !row.contains("May ibid")).map(|row| row.to_owned() + "\n");
    assert_snapshot!(asked.collect::<String>(), @"");
}

#[test]
fn a_check_shows_how_well_the_text_matches_and_where() {
    let exactly = "WAL does not work over a network filesystem.";
    assert_snapshot!(checked(&[excerpt(exactly)]), @"
    │ ✓ exact words found · paragraph 1                                  │
    │ “… using a database must be on the same host computer; WAL does    │
    │ not work over a network filesystem. This is because WAL requires   │
    │ all processes to share a …”                                        │
    │ Checked 14:03.                                                     │
    ╰──────────────────────────────── o open  c check  y copy  ] [ next ─╯
    ");
    assert_snapshot!(checked(&[excerpt("WAL does not work over a network filesystems, ever")]), @"
    │ ~ similar words · 87 % · paragraph 1                               │
    │ “… using a database must be on the same host computer; WAL does    │
    │ not work over a network filesystem. This is because WAL requires   │
    │ all processes to share a …”                                        │
    │ Checked 14:03.                                                     │
    ╰──────────────────────────────── o open  c check  y copy  ] [ next ─╯
    ");
    assert_snapshot!(checked(&[claim("WAL does not work over a satellite link")]), @"
    │ ~ wording not on the page                                          │
    │ The answer says it in words of its own; only reading can tell.     │
    │ Checked 14:03.                                                     │
    ╰──────────────────────────────── o open  c check  y copy  ] [ next ─╯
    ");
    assert_snapshot!(checked(&[SoughtText::Quotation("the moon is made of cheese".into())]), @"
    │ ✗ not found on the page                                            │
    │ Read to the end, 35 words: the quoted words are not there.         │
    │ Checked 14:03.                                                     │
    ╰──────────────────────────────── o open  c check  y copy  ] [ next ─╯
    ");
    assert_snapshot!(checked(&[excerpt(exactly), excerpt("And one more thing here.")]), @"
    │ ~ 1 of 2 passages found · paragraph 1                              │
    │ “… using a database must be on the same host computer; WAL does    │
    │ not work over a network filesystem. This is because WAL requires   │
    │ all processes to share a …”                                        │
    │ Checked 14:03.                                                     │
    ╰──────────────────────────────── o open  c check  y copy  ] [ next ─╯
    ");
}

#[test]
fn a_failed_check_shows_the_reason() {
    let question = question(&[excerpt("x")]);
    let unread = done(CheckOutcome::Unread("it is a PDF, which ibid cannot read".into()));
    let card = shown(&source(Some("https://sqlite.org/wal.html"), None), &[], Some((&question, &unread)), 60);
    assert!(card.contains("– could not be read"), "{card}");
    assert!(card.contains("It is a PDF, which ibid cannot read. That says nothing"), "{card}");
    assert!(card.contains("Checked 14:03."), "{card}");
}

#[test]
fn redirects_and_truncated_pages_are_reported() {
    let question = question(&[excerpt("network filesystem")]);
    let check = done(CheckOutcome::Read(read_page(&question, "https://other.example/wal", Some(2))));
    let card = shown(&wal(), &[], Some((&question, &check)), 60);
    assert!(card.contains("The address redirects to https://other.example/wal"), "{card}");
    assert!(card.contains("Only the first 2 MB of the page were read."), "{card}");
}

#[test]
fn a_footnote_is_valid_markdown_whatever_the_title() {
    let mut source = wal();
    source.title = "WAL [draft]".into();
    assert_snapshot!(footnote(&source), @"[^1]: [WAL draft](https://sqlite.org/wal.html) “All processes using a database must be on the same host; WAL does not work over a network filesystem.”");
    source.url = Some("https://a.example/x_(y)".into());
    source.excerpt = None;
    assert_eq!(footnote(&source), "[^1]: [WAL draft](<https://a.example/x_(y)>)");
    source.url = None;
    assert_eq!(footnote(&source), "[^1]: WAL draft");
}
