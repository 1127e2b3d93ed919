//! Importing in the app: how far it is, Esc, the report, and the list.

use ibid::{
    exchange::import::{ImportProgress, ImportReport},
    store::StoreJob,
    ui::{Effect, Msg},
};
use insta::assert_snapshot;

use crate::support::harness::Harness;

fn progress(is_writing: bool, conversations: usize) -> Msg {
    Msg::ImportProgressed(ImportProgress {
        is_writing,
        bytes_done: 30 << 20,
        bytes: 120 << 20,
        conversations,
        total: if is_writing { 400 } else { 0 },
    })
}

fn started(app: &mut Harness) -> Vec<String> {
    let effects = app.effects().into_iter();
    effects.filter_map(|effect| if let Effect::StartImport { path, .. } = effect { Some(path) } else { None }).collect()
}

/// An app that imports.
fn importing() -> Harness {
    let mut app = Harness::new(100, 24);
    app.enter_text("/import ~/Downloads/chatgpt export.zip");
    app.press("enter");
    assert_eq!(started(&mut app), ["~/Downloads/chatgpt export.zip"]);
    app
}

fn rows(app: &Harness) -> String {
    let screen = app.screen();
    let rows = screen.lines().filter(|row| row.contains(['│', '╭', '╰'])).map(|row| row.trim().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_import_shows_how_far_it_is_in_both_passes() {
    let mut app = importing();
    app.send(progress(false, 120));
    assert_snapshot!(rows(&app), @"
    ╭── Import ────────────────────────────────────────────────────────────────────────╮
    │                                                                                  │
    │   ~/Downloads/chatgpt export.zip                                                 │
    │   ▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱   │
    │   reading: 25 %, 120 conversations                                               │
    │                                                                                  │
    ╰─────────────────────────────────────────── Esc stop, and keep what is imported ──╯
    ");
    app.send(progress(true, 100));
    assert!(app.screen().contains("importing: 100 of 400 conversations"), "{}", app.screen());
}

#[test]
fn escape_stops_an_import_once_and_its_report_follows() {
    let mut app = importing();
    app.send(progress(true, 100));
    app.press("esc esc");
    let stops = app.effects().into_iter().filter(|effect| matches!(effect, Effect::StopImport)).count();
    assert_eq!(stops, 1);
    assert!(app.screen().contains("stopping · importing: 100 of 400"), "{}", app.screen());
    let report = ImportReport { stopped: true, new: 100, ..ImportReport::default() };
    app.send(Msg::ImportEnded(Ok(Box::new(report))));
    assert_snapshot!(rows(&app), @"
    ╭── Import: what was done ─────────────────────────────────────────────────────────╮
    │                                                                                  │
    │   100 conversations imported before it was stopped                               │
    │                                                                                  │
    ╰─────────────────────────────────────────────────────────── j k move  Esc close ──╯
    ");
    let listed = |effect: &Effect| matches!(effect, Effect::RunStoreJob(StoreJob::ListConversations));
    assert!(app.effects().iter().any(listed), "the list shows the new ones");
    app.press("esc");
    assert!(app.overlay().is_none());
}

#[test]
fn a_long_report_scrolls_and_an_import_that_failed_says_why() {
    let mut app = importing();
    let failures = (0..40).map(|n| format!("chat {n}: it cannot be read")).collect();
    let report = ImportReport { new: 3, failed: 40, failures, ..ImportReport::default() };
    app.send(Msg::ImportEnded(Ok(Box::new(report))));
    assert!(app.screen().contains("3 conversations imported"), "{}", app.screen());
    app.press("G");
    assert!(app.screen().contains("chat 39") && !app.screen().contains("3 conversations imported"), "{}", app.screen());
    app.press("g k esc");

    app.enter_text("/import nowhere");
    app.press("enter");
    app.send(Msg::ImportEnded(Err("nowhere: no such file or directory".into())));
    assert!(app.screen().contains("Nothing was imported."), "{}", app.screen());
    assert!(app.screen().contains("nowhere: no such file or directory"), "{}", app.screen());
}

#[test]
fn an_import_needs_a_path() {
    let mut app = Harness::new(100, 24);
    app.enter_text("/import");
    app.press("enter");
    assert!(app.screen().contains("name a file or folder: /import PATH"), "{}", app.screen());
    assert_eq!(started(&mut app), [""; 0]);
}
