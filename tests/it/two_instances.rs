//! What another running ibid did with the conversations is seen here: at what the user does, never on a timer.

use crossterm::event::Event as Input;
use ibid::{
    api::Usd,
    chat::{ConversationChange, ConversationFiling, ConversationId, ConversationSummary},
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg, overlays::ScreenOverlay},
};

use crate::support::harness::Harness;

/// A program with one answered conversation on the screen.
fn app(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Written here");
    app.stream_answer(stream, "Yes.");
    app.effects();
    app
}

fn jobs(app: &mut Harness) -> Vec<StoreJob> {
    let effects = app.effects().into_iter();
    effects.filter_map(|effect| if let Effect::RunStoreJob(job) = effect { Some(job) } else { None }).collect()
}

/// Whether the database was asked for changes.
fn has_looked(app: &mut Harness) -> bool {
    jobs(app).iter().any(|job| matches!(job, StoreJob::LookForChanges))
}

fn gain_focus(app: &mut Harness) {
    app.send(Msg::Input { event: Input::FocusGained, more: false });
}

/// A row that another instance has written.
fn row_from_elsewhere(app: &Harness) -> ConversationSummary {
    let id = "019b0000-0000-7000-8000-000000000001".parse().map(ConversationId).expect("an id");
    ConversationSummary {
        id,
        title: "Written elsewhere".into(),
        updated_at: app.now,
        unread: false,
        failed: false,
        model: "openai/gpt-5.6-luna".into(),
        filing: ConversationFiling::default(),
        is_temporary: false,
    }
}

#[test]
fn changes_are_looked_for_when_the_terminal_or_the_list_gets_the_focus_and_never_on_a_timer() {
    let mut wide = app(120, 40);
    gain_focus(&mut wide);
    assert!(has_looked(&mut wide));
    wide.press("ctrl-x l");
    assert!(has_looked(&mut wide), "the list has the focus");
    wide.press("j k");
    assert!(!has_looked(&mut wide), "a move in it is no reason");
    wide.press("esc ctrl-x b");
    has_looked(&mut wide);
    wide.press("ctrl-x b");
    assert!(has_looked(&mut wide), "the list is shown");

    let mut small = app(80, 24);
    small.press("ctrl-x l");
    assert!(has_looked(&mut small));
    small.press("esc");
    small.wait(std::time::Duration::from_secs(10));
    assert_eq!(small.next_wake(), None);
    assert!(!has_looked(&mut small));
}

#[test]
fn what_changed_elsewhere_is_listed_and_added_to_the_cost_of_the_day() {
    let mut app = app(120, 40);
    let here = app.conversation_id().expect("a conversation");
    app.store_reply(StoreReply::ChangedElsewhere);
    let jobs = jobs(&mut app);
    let since = jobs.iter().find_map(|job| if let StoreJob::SumCosts { since } = job { Some(*since) } else { None });
    assert!(jobs.iter().any(|job| matches!(job, StoreJob::ListConversations)), "{jobs:?}");
    assert!(jobs.iter().any(|job| matches!(job, StoreJob::Refresh(id) if *id == here)), "{jobs:?}");
    let mut rows = app.chats().index.to_vec();
    rows.insert(0, row_from_elsewhere(&app));
    app.store_reply(StoreReply::Listed { conversations: rows });
    let cost = Usd::parse("0.4321").expect("a cost");
    app.store_reply(StoreReply::CostsSummed { since: since.expect("the day is summed"), cost });
    assert!(app.screen().contains("Written elsewhere"), "{}", app.screen());
    assert!(app.status().contains("today $0.43"), "{}", app.status());
}

#[test]
fn conversations_that_arrive_join_the_open_commands_and_the_cursor_stays() {
    let mut app = app(120, 40);
    app.press("ctrl-n ctrl-p down down");
    let listed = |app: &Harness| {
        let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
        let is_listed = list.titles().any(|title| title == "Written elsewhere");
        (is_listed, list.selected().map(|row| row.title.clone()))
    };
    let (_, selected) = listed(&app);
    assert!(selected.is_some());
    let mut rows = app.chats().index.to_vec();
    rows.insert(0, row_from_elsewhere(&app));
    app.store_reply(StoreReply::Listed { conversations: rows });
    assert_eq!(listed(&app), (true, selected));
}

#[test]
fn what_was_renamed_or_trashed_elsewhere_is_so_here_but_what_is_open_stays_listed() {
    let mut app = app(120, 40);
    let first = app.chats().index[0].clone();
    app.press("ctrl-n");
    let stream = app.send_prompt("Open here");
    app.stream_answer(stream, "Yes.");
    app.effects();
    let renamed = ConversationSummary { title: "Renamed elsewhere".into(), ..first.clone() };
    app.store_reply(StoreReply::Listed { conversations: vec![renamed] });
    let titles = |app: &Harness| app.chats().index.iter().map(|row| row.title.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&app), ["Open here", "Renamed elsewhere"]);
    let jobs = jobs(&mut app);
    assert!(jobs.iter().any(|job| matches!(job, StoreJob::Refresh(id) if *id == first.id)), "{jobs:?}");
    app.store_reply(StoreReply::Listed { conversations: Vec::new() });
    assert_eq!(titles(&app), ["Open here"]);
}

#[test]
fn a_list_that_was_read_before_a_save_is_read_again() {
    let mut app = app(120, 40);
    app.confirms_saves = false;
    app.press("ctrl-x l r");
    app.enter_text(" and renamed");
    app.press("enter");
    app.effects();
    app.store_reply(StoreReply::Listed { conversations: Vec::new() });
    assert_eq!(app.chats().index[0].title, "Written here and renamed");
    assert!(jobs(&mut app).iter().any(|job| matches!(job, StoreJob::ListConversations)));
}

#[test]
fn what_is_read_again_while_it_is_on_the_screen_counts_as_seen() {
    let mut app = app(120, 40);
    let mut stored = app.conversation().expect("a conversation is on the screen").clone();
    stored.unread = true;
    stored.title = "Answered in the other window".into();
    let id = stored.id;
    app.store_reply(StoreReply::Refreshed(Box::new(stored)));
    let row = &app.chats().index[0];
    assert_eq!((row.title.as_str(), row.unread), ("Answered in the other window", false));
    let is_seen = |change: &ConversationChange| matches!(change, ConversationChange::Seen(seen) if *seen == id);
    let jobs = jobs(&mut app);
    assert!(
        jobs.iter().any(|job| matches!(job, StoreJob::Save { changes, .. } if changes.iter().any(is_seen))),
        "{jobs:?}"
    );
}
