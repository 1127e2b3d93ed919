//! The list: what is pinned, tagged, archived and renamed, in its group, and undone with the cursor where it was.

use std::time::Duration;

use ibid::{
    chat::{ConversationChange, ConversationFiling, ConversationId, ConversationSummary, FilingChange},
    store::{StoreJob, StoreReply},
    ui::Effect,
};
use insta::assert_snapshot;

use crate::support::harness::Harness;

/// A conversation on disk, that many hours old.
fn row(app: &Harness, n: u128, title: &str, hours: i64, tags: &[&str]) -> ConversationSummary {
    ConversationSummary {
        id: ConversationId(uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + n)),
        title: title.into(),
        updated_at: app.now - jiff::SignedDuration::from_hours(hours),
        unread: false,
        failed: false,
        model: "anthropic/claude-opus-5".into(),
        filing: ConversationFiling {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..ConversationFiling::default()
        },
        is_temporary: false,
    }
}

/// A list with conversations of today, yesterday, last week, last month and before; the focus is in it.
fn app(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let mut rows = vec![
        row(&app, 9, "SQLite WAL on NFS", 1, &["db"]),
        row(&app, 8, "Refactor the parser", 2, &["work"]),
        row(&app, 7, "Menu for six, no nuts", 3, &["family"]),
        row(&app, 6, "Why the night sky is dark", 24, &["family"]),
        row(&app, 5, "日本語の敬語を直して", 27, &["日本語"]),
        row(&app, 4, "Thesis outline, ch. 2", 24 * 4, &["thesis"]),
        row(&app, 3, "Parse dates without a crate", 24 * 20, &["work", "rust"]),
        row(&app, 2, "Names for a cat", 24 * 90, &[]),
    ];
    rows[1].failed = true;
    rows[2].unread = true;
    rows[5].filing.pinned_at = Some(app.now);
    app.store_reply(StoreReply::Listed { conversations: rows });
    app.press("ctrl-x l");
    app.effects();
    app
}

/// The changes handed to the database since the last call.
fn changes(app: &mut Harness) -> Vec<ConversationChange> {
    let saved = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    saved.flatten().collect()
}

fn filed(app: &mut Harness) -> Vec<FilingChange> {
    let filed = changes(app).into_iter().filter_map(|change| match change {
        ConversationChange::File { change, .. } => Some(change),
        _ => None,
    });
    filed.collect()
}

/// The titles and headings of a docked list, from the top.
fn docked_rows(app: &Harness) -> Vec<String> {
    let screen = app.screen();
    let rows = screen
        .lines()
        .take(usize::from(app.size().height) - 1)
        .map(|row| row.chars().take(26).collect::<String>())
        .skip(1);
    rows.map(|row| row.trim_matches(['▌', ' ', '│']).to_owned()).filter(|row| !row.is_empty()).collect()
}

fn title_under_cursor(app: &Harness) -> String {
    let id = app.list_cursor().expect("a cursor");
    app.chats().index.row(id).expect("it is listed").title.clone()
}

#[test]
fn the_list_shows_its_groups_tags_and_models_at_three_sizes() {
    for (width, height) in [(80, 24), (100, 30), (120, 40)] {
        let mut app = app(width, height);
        app.press("down");
        assert_snapshot!(format!("list-groups-{width}x{height}"), app.screen());
    }
}

#[test]
fn p_pins_and_unpins_and_the_row_moves_with_its_cursor() {
    let mut app = app(130, 30);
    app.press("G p");
    assert_eq!(docked_rows(&app)[..3], ["Pinned", "Thesis outline, ch. 2", "Names for a cat"]);
    assert_eq!(title_under_cursor(&app), "Names for a cat");
    assert!(app.screen().contains("pinned “Names for a cat” · u undo"), "{}", app.screen());
    assert_eq!(filed(&mut app), [FilingChange::Pinned(Some(app.now))]);
    app.press("p");
    assert_eq!(docked_rows(&app).last().map(String::as_str), Some("Names for a cat"));
    assert_eq!(filed(&mut app), [FilingChange::Pinned(None)]);
    app.press("u");
    assert_eq!(docked_rows(&app)[2], "Names for a cat", "undone: it is pinned again");
    app.press("u u");
    assert_eq!(docked_rows(&app).last().map(String::as_str), Some("Names for a cat"));
    assert!(app.screen().contains("there is nothing to undo"), "{}", app.screen());
}

#[test]
fn a_archives_into_a_group_at_the_end_and_the_cursor_goes_on() {
    let mut app = app(130, 30);
    app.press("g j");
    assert_eq!(title_under_cursor(&app), "SQLite WAL on NFS");
    app.press("a");
    assert_eq!(title_under_cursor(&app), "Refactor the parser");
    let rows = docked_rows(&app);
    assert_eq!(rows[rows.len() - 2..], ["Archived", "SQLite WAL on NFS"]);
    assert_eq!(filed(&mut app), [FilingChange::Archived(Some(app.now))]);
    app.press("a u");
    assert_eq!(title_under_cursor(&app), "Refactor the parser", "the cursor is where it was");
    app.press("u");
    assert_eq!(title_under_cursor(&app), "SQLite WAL on NFS");
    assert!(!app.screen().contains("Archived"), "{}", app.screen());
    app.press("a G p");
    assert_eq!(
        docked_rows(&app)[..3],
        ["Pinned", "SQLite WAL on NFS", "Thesis outline, ch. 2"],
        "a pin brings it back"
    );
    app.press("u");
    assert!(app.screen().contains("Archived"), "{}", app.screen());
}

#[test]
fn t_edits_tags_and_tab_completes_one_that_exists() {
    for width in [80, 130] {
        let mut app = app(width, 30);
        app.press("g j j t");
        app.enter_text("fa");
        app.press("tab");
        app.enter_text("new, RUST");
        app.press("enter");
        assert_eq!(title_under_cursor(&app), "Refactor the parser");
        let expected = ["work", "family", "new", "rust"].map(str::to_owned).to_vec();
        assert_eq!(filed(&mut app), [FilingChange::Tags(expected)]);
        app.press("t ctrl-u enter");
        assert_eq!(filed(&mut app), [FilingChange::Tags(Vec::new())]);
        app.press("u");
        let id = app.list_cursor().expect("a cursor");
        assert_eq!(app.chats().index.row(id).expect("it is listed").filing.tags.len(), 4);
        app.press("t x esc");
        assert_eq!(filed(&mut app).len(), 1, "only the undo was saved");
    }
}

#[test]
fn the_tag_that_tab_would_complete_is_shown_behind_the_cursor() {
    let mut app = app(80, 24);
    app.press("g j j t");
    app.enter_text("the");
    assert!(app.screen().contains("#work thesis"), "{}", app.screen());
    assert!(app.screen().contains("↵ save  Tab complete  Esc cancel"), "{}", app.screen());
}

#[test]
fn a_filter_takes_tags_and_words_and_lights_what_matches() {
    let mut app = app(80, 24);
    app.press("/");
    app.enter_text("#work pars");
    let screen = app.screen();
    assert!(screen.contains("2 of 8") && screen.contains("Refactor the parser"), "{screen}");
    assert!(screen.contains("Parse dates without a crate") && !screen.contains("Menu"), "{screen}");
    app.enter_text(" #ru");
    assert!(app.screen().contains("1 of 8"), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("#");
    assert!(app.screen().contains("7 of 8"), "all that have a tag: {}", app.screen());
    app.press("ctrl-u");
    app.enter_text("#日本");
    assert!(app.screen().contains("1 of 8"), "{}", app.screen());
}

#[test]
fn commands_pin_tag_archive_and_rename_the_conversation_on_the_screen() {
    let mut app = Harness::new(130, 30);
    let stream = app.send_prompt("About lifetimes");
    app.stream_answer(stream, "Yes.");
    app.effects();
    let run = |app: &mut Harness, command: &str| {
        app.enter_text(command);
        app.press("enter");
    };
    run(&mut app, "/tag rust #db");
    run(&mut app, "/tag -db life");
    assert_eq!(app.chats().index[0].filing.tags, ["rust", "life"]);
    run(&mut app, "/pin");
    assert_eq!(docked_rows(&app)[..2], ["Pinned", "About lifetimes"]);
    run(&mut app, "/archive");
    assert_eq!(docked_rows(&app)[..2], ["Archived", "About lifetimes"]);
    assert!(app.screen().contains("· /undo undo"), "{}", app.screen());
    run(&mut app, "/undo");
    run(&mut app, "/title Lifetimes");
    assert_eq!(docked_rows(&app)[..2], ["Pinned", "Lifetimes"]);
    run(&mut app, "/undo-trash");
    assert_eq!(docked_rows(&app)[..2], ["Pinned", "About lifetimes"], "the former name still undoes");
    assert_eq!(app.focus(), ibid::ui::screen::PaneFocus::Composer);
}

#[test]
fn renaming_is_undone_with_the_cursor_where_it_was() {
    let mut app = app(80, 24);
    app.press("g j r ctrl-u");
    app.enter_text("Locks");
    app.press("enter j j");
    assert!(app.screen().contains("Locks"), "{}", app.screen());
    app.press("u");
    assert_eq!(title_under_cursor(&app), "SQLite WAL on NFS");
}

#[test]
fn the_groups_change_at_midnight_without_a_key() {
    let mut app = app(130, 30);
    assert_eq!(docked_rows(&app)[2..4], ["Today", "SQLite WAL on NFS"]);
    let midnight = "2026-11-23T00:00:00Z".parse().expect("a timestamp");
    assert_eq!(app.next_wake().map(|due| due <= midnight), Some(true));
    app.wait(Duration::from_hours(10));
    assert_eq!(docked_rows(&app)[2..4], ["Yesterday", "SQLite WAL on NFS"]);
    assert!(!docked_rows(&app).iter().any(|row| row == "Today"));
}

#[test]
fn with_the_list_out_of_sight_nothing_wakes_at_midnight() {
    let mut app = app(80, 24);
    app.press("esc");
    app.wait(Duration::from_secs(10));
    assert_eq!(app.next_wake(), None);
}

#[test]
fn a_list_that_was_filed_elsewhere_is_shown_as_it_is() {
    let mut app = app(130, 30);
    let mut rows = app.chats().index.to_vec();
    for row in &mut rows {
        row.filing.pinned_at = (row.title == "Names for a cat").then_some(app.now);
    }
    app.store_reply(StoreReply::Listed { conversations: rows });
    assert_eq!(docked_rows(&app)[..3], ["Pinned", "Names for a cat", "Today"]);
}

#[test]
fn scrolling_ten_thousand_conversations_arranges_them_once() {
    for filter in ["", "number #work"] {
        let mut app = Harness::new(80, 24);
        let rows =
            (0..10_000).map(|n| row(&app, n, &format!("number {n}"), i64::try_from(n).expect("small"), &["work"]));
        let rows = rows.collect();
        app.store_reply(StoreReply::Listed { conversations: rows });
        app.press("ctrl-x l");
        if !filter.is_empty() {
            app.press("/");
            app.enter_text(filter);
            app.press("tab");
        }
        let before = app.list_arrangements();
        for _ in 0..100 {
            app.press("j j k G g j");
        }
        app.wait(Duration::from_secs(20));
        assert_eq!(app.list_arrangements(), before, "{filter}");
        app.press("p");
        assert_eq!(app.list_arrangements(), before + 1, "{filter}");
    }
}
