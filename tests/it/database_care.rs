//! The database as a file, as the user sees it: checked, repaired, or for reading only.

use ibid::{
    chat::ConversationChange,
    store::{IntegrityReport, RepairReport, StoreError, StoreJob, StoreReply},
    ui::Effect,
};

use crate::support::harness::{Harness, default_start};

fn jobs(app: &mut Harness) -> Vec<StoreJob> {
    let effects = app.effects().into_iter();
    effects.filter_map(|effect| if let Effect::RunStoreJob(job) = effect { Some(job) } else { None }).collect()
}

fn is_repaired(app: &mut Harness) -> bool {
    jobs(app).iter().any(|job| matches!(job, StoreJob::RepairDatabase))
}

fn damaged() -> StoreReply {
    StoreReply::OpenFailed(StoreError::Corrupt("ibid.db (malformed): /repair-database saves what can be read".into()))
}

fn opened() -> StoreReply {
    StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() }
}

#[test]
fn a_damaged_database_offers_its_repair_and_says_what_was_saved() {
    let mut app = Harness::with_start(default_start(100, 30));
    app.store_reply(damaged());
    assert!(app.screen().contains("/repair-database"), "{}", app.screen());
    app.enter_text("why");
    assert!(!is_repaired(&mut app), "no slip repairs");
    app.press("ctrl-u");
    app.enter_text("/repair-database");
    app.press("enter");
    assert!(is_repaired(&mut app));
    app.store_reply(opened());
    app.store_reply(StoreReply::Repaired(Ok(Some(RepairReport {
        conversations: 41,
        messages: 512,
        rebuilt_conversations: 1,
        missing_messages: 3,
        damaged_pages: 2,
        kept_file: "/data/ibid.damaged-2026-12-01T100000Z.db".into(),
    }))));
    let screen = app.screen().replace('\n', " ");
    for words in
        ["41 conversations and 512 messages were saved", "At least 3 messages", "ibid.damaged-2026-12-01T100000Z.db"]
    {
        assert!(screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{words}: {}", app.screen());
    }
    app.press("esc");
    assert!(app.overlay().is_none());
}

#[test]
fn the_database_is_checked_and_repaired_by_commands() {
    let mut app = Harness::new(120, 30);
    app.enter_text("/check-database");
    app.press("enter");
    assert!(jobs(&mut app).iter().any(|job| matches!(job, StoreJob::CheckDatabase)));
    let report = |problems: &[&str]| IntegrityReport {
        problems: problems.iter().map(|&words| words.to_owned()).collect(),
        unreadable_rows: 0,
        conversations: 7,
        messages: 90,
        bytes: 1_500_000,
    };
    app.store_reply(StoreReply::Checked(Ok(report(&[]))));
    assert!(app.screen().contains("the database is sound: 7 conversations, 90 messages, 2 MB"), "{}", app.screen());
    app.store_reply(StoreReply::Checked(Ok(report(&["row 3 missing from index message_of", "another"]))));
    assert!(app.screen().contains("row 3 missing from index"), "{}", app.screen());
    assert!(app.screen().contains("(and 1 more)"), "{}", app.screen());
    app.press("space n");
    assert!(!is_repaired(&mut app), "only its own key repairs");
    app.press("y");
    assert!(is_repaired(&mut app));
    app.store_reply(StoreReply::Repaired(Ok(None)));
    assert!(app.screen().contains("nothing to repair"), "{}", app.screen());
    app.store_reply(StoreReply::Repaired(Err(StoreError::InUse)));
    assert!(app.screen().contains("nothing was changed: another running ibid"), "{}", app.screen());
}

fn newer() -> StoreError {
    StoreError::Newer { found: 14, known: 11 }
}

/// A program on a database of a later version.
fn reading_only() -> Harness {
    let mut app = Harness::with_start(default_start(120, 30));
    app.confirms_saves = false;
    app.store_reply(StoreReply::ReadOnly(newer()));
    app.store_reply(opened());
    app.effects();
    app
}

#[test]
fn what_is_typed_into_a_newer_database_is_not_sent_and_stays() {
    let mut app = reading_only();
    assert!(app.screen().contains("its version is 14, this ibid knows 11"), "{}", app.screen());
    assert!(app.screen().contains("for reading only"), "{}", app.screen());
    app.enter_text("Why?");
    app.press("enter");
    assert_eq!(app.draft(), "Why?");
    assert!(app.opened_streams().is_empty());
    assert!(app.screen().contains("not sent: the database was made by a newer ibid"), "{}", app.screen());
    app.wait(std::time::Duration::from_secs(5));
    let saves = jobs(&mut app).into_iter().filter_map(|job| match job {
        StoreJob::Save { ticket, changes } => Some((ticket, changes)),
        _ => None,
    });
    for (ticket, changes) in saves.collect::<Vec<_>>() {
        assert!(changes.iter().all(|change| matches!(change, ConversationChange::NewDraft(_))), "{changes:?}");
        app.store_reply(StoreReply::SaveFailed { ticket, error: newer() });
    }
    assert!(!app.screen().contains("not saved"), "{}", app.screen());
    assert_eq!(app.draft(), "Why?");
}

#[test]
fn an_upgrade_is_said() {
    let mut app = Harness::with_start(default_start(100, 30));
    app.store_reply(StoreReply::Upgrading);
    assert!(app.screen().contains("brought up to date"), "{}", app.screen());
}
