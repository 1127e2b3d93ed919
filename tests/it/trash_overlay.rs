//! The trash as an overlay: what is in it, restored, deleted for good after a question, and deleted by itself in the end.

use ibid::{
    api::Usd,
    chat::{ConversationChange, ConversationId, ConversationPreview, Timestamp, TrashedConversation},
    config::Config,
    store::{StoreJob, StoreReply},
    ui::{Effect, StartOptions},
};
use insta::assert_snapshot;

use crate::support::harness::{Harness, default_start};

fn id(n: u128) -> ConversationId {
    ConversationId(uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + n))
}

fn trashed(app: &Harness, n: u128, title: &str, days: i64) -> TrashedConversation {
    TrashedConversation {
        id: id(n),
        title: title.into(),
        model: "openai/gpt-5.6-sol".into(),
        tags: vec!["family".into()],
        trashed_at: app.now - jiff::SignedDuration::from_hours(24 * days),
        preview: ConversationPreview {
            messages: usize::try_from(n).expect("a small number"),
            bytes: 300_000,
            cost: Usd::parse("0.31").expect("a price"),
            last_prompt: "Make it shorter, and drop the story about the boat. Everyone there was on it.".into(),
        },
    }
}

/// A program that shows the trash.
fn app(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    app.enter_text("/show-trash");
    app.press("enter");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::ListTrash))));
    let rows = [
        trashed(&app, 4, "Haiku about lifetimes", 0),
        trashed(&app, 22, "Wedding speech, third try", 1),
        trashed(&app, 18, "SQL window functions for running totals over gaps in the data of each shop", 3),
        trashed(&app, 1, "", 5),
        trashed(&app, 9, "Bike, new tyres", 18),
        trashed(&app, 2, "Test", 28),
    ];
    app.store_reply(StoreReply::TrashListed(rows.to_vec()));
    app
}

fn jobs(app: &mut Harness) -> Vec<StoreJob> {
    let effects = app.effects().into_iter();
    effects.filter_map(|effect| if let Effect::RunStoreJob(job) = effect { Some(job) } else { None }).collect()
}

fn purged_or_restored(app: &mut Harness) -> Vec<(&'static str, ConversationId)> {
    let changes = jobs(app).into_iter().filter_map(|job| match job {
        StoreJob::Save { changes, .. } => Some(changes),
        _ => None,
    });
    let of = |change| match change {
        ConversationChange::Purge(id) => Some(("purge", id)),
        ConversationChange::Restore(id) => Some(("restore", id)),
        _ => None,
    };
    changes.flatten().filter_map(of).collect()
}

#[test]
fn the_trash_says_what_it_has_and_how_long_it_is_kept() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = app(width, height);
        app.press("j");
        assert_snapshot!(format!("trash-{width}x{height}"), app.screen());
    }
}

#[test]
fn enter_restores_and_the_list_is_read_again() {
    let mut app = app(120, 40);
    app.press("j enter");
    let jobs = jobs(&mut app);
    assert!(jobs.iter().any(|job| matches!(job, StoreJob::ListConversations)), "{jobs:?}");
    let restored = jobs.iter().any(|job| {
        matches!(job, StoreJob::Save { changes, .. } if matches!(changes[..], [ConversationChange::Restore(restored)] if restored == id(22)))
    });
    assert!(restored, "{jobs:?}");
    assert!(!app.screen().contains("Wedding"), "{}", app.screen());
    assert_eq!(app.list_cursor(), Some(id(22)));
}

#[test]
fn what_was_trashed_in_this_run_comes_back_at_once_and_can_no_longer_be_undone() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("A draft for the speech");
    app.stream_answer(stream, "Yes.");
    let conversation = app.conversation_id().expect("a conversation");
    app.press("ctrl-x d");
    app.enter_text("/show-trash");
    app.press("enter");
    let row = TrashedConversation { id: conversation, ..trashed(&app, 2, "A draft for the speech", 0) };
    app.store_reply(StoreReply::TrashListed(vec![row]));
    app.press("enter");
    assert!(app.screen().contains("The trash is empty."), "{}", app.screen());
    app.press("esc");
    assert_eq!(app.chats().index.len(), 1);
    app.enter_text("/undo");
    app.press("enter");
    assert!(app.screen().contains("there is nothing to undo"), "{}", app.screen());
}

#[test]
fn deleting_for_good_asks_once() {
    let mut app = app(120, 40);
    app.press("j d");
    assert!(app.screen().contains("“Wedding speech, third try” and all its messages will be"), "{}", app.screen());
    assert_eq!(purged_or_restored(&mut app), []);
    app.press("esc");
    assert_eq!(purged_or_restored(&mut app), []);
    app.press("d d");
    assert_eq!(purged_or_restored(&mut app), [], "the letter that asked does not answer");
    app.press("y");
    assert_eq!(purged_or_restored(&mut app), [("purge", id(22))]);
    assert!(!app.screen().contains("Wedding"), "{}", app.screen());
}

#[test]
fn emptying_asks_once_with_the_number_and_goes_on_until_nothing_is_left() {
    let mut app = app(120, 40);
    app.press("E");
    assert!(app.screen().contains("6 conversations and all their messages will be gone."), "{}", app.screen());
    assert!(app.screen().contains("y empty the trash"), "{}", app.screen());
    app.press("y");
    assert!(jobs(&mut app).iter().any(|job| matches!(job, StoreJob::PurgeTrash { before: None })));
    assert!(app.screen().contains("The trash is empty."), "{}", app.screen());
    app.store_reply(StoreReply::TrashPurged { before: None, conversations: vec![id(4)], has_more: true });
    assert!(jobs(&mut app).iter().any(|job| matches!(job, StoreJob::PurgeTrash { before: None })));
    app.store_reply(StoreReply::TrashPurged { before: None, conversations: vec![id(22)], has_more: false });
    assert!(!jobs(&mut app).iter().any(|job| matches!(job, StoreJob::PurgeTrash { .. })));
}

#[test]
fn the_command_that_empties_the_trash_shows_it_and_asks() {
    let mut app = Harness::new(120, 40);
    app.enter_text("/empty-trash");
    app.press("enter");
    let row = trashed(&app, 4, "Haiku about lifetimes", 0);
    app.store_reply(StoreReply::TrashListed(vec![row]));
    assert!(app.screen().contains("1 conversation and all its messages will be gone."), "{}", app.screen());
    app.press("esc esc");
    app.enter_text("/empty-trash");
    app.press("enter");
    app.store_reply(StoreReply::TrashListed(Vec::new()));
    assert!(app.screen().contains("The trash is empty."), "{}", app.screen());
}

#[test]
fn a_filter_finds_titles_and_esc_shows_all_again() {
    let mut app = app(80, 24);
    app.press("/");
    app.enter_text("bike");
    assert!(app.screen().contains("1 of 6") && app.screen().contains("Bike, new tyres"), "{}", app.screen());
    assert!(!app.screen().contains("Haiku"), "{}", app.screen());
    app.press("enter d");
    assert!(app.screen().contains("“Bike, new tyres” and all"), "{}", app.screen());
    app.press("esc esc");
    assert!(app.screen().contains("Haiku"), "{}", app.screen());
}

/// The ages that were given to delete what is too old.
fn purges_at_start(trash_days: u32) -> Vec<Option<Timestamp>> {
    let start = default_start(80, 24);
    let config = Config { trash_days, ..start.config.clone() };
    let mut app = Harness::with_start(StartOptions { config, ..start });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let purges = jobs(&mut app).into_iter();
    purges.filter_map(|job| if let StoreJob::PurgeTrash { before } = job { Some(before) } else { None }).collect()
}

#[test]
fn what_is_too_old_is_deleted_at_a_start_unless_the_config_keeps_it() {
    let now: Timestamp = "2026-11-22T14:02:00Z".parse().expect("a timestamp");
    let days = |days: i64| vec![Some(now - jiff::SignedDuration::from_hours(24 * days))];
    assert_eq!(purges_at_start(30), days(30));
    assert_eq!(purges_at_start(7), days(7));
    assert_eq!(purges_at_start(0), []);
}
