//! What another running ibid did with the conversations is seen here: when the files change and at what the user does; on
//! a timer only where the files cannot be watched.

use crossterm::event::Event as Input;
use ibid::{
    api::Usd,
    chat::{
        Answer, AnswerEnd, Conversation, ConversationChange, ConversationFiling, ConversationHeader, ConversationId,
        ConversationSummary, Item, ItemKind, ItemSlot, Message, MessageId, answer::ContentPart,
    },
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg, overlays::ScreenOverlay},
};

use crate::{
    store::test_database::{answer, empty_answer, message_id, prompt, timestamp},
    support::harness::Harness,
};

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
fn changed_files_are_a_reason_to_look() {
    let mut app = app(120, 40);
    app.send(Msg::DatabaseTouched);
    assert!(has_looked(&mut app));
    app.wait(std::time::Duration::from_secs(10));
    assert!(!has_looked(&mut app));
}

#[test]
fn without_a_watch_changes_are_looked_for_while_the_terminal_has_the_focus() {
    let mut app = app(80, 24);
    app.wait(std::time::Duration::from_secs(10));
    app.send(Msg::DatabaseUnwatched);
    for _ in 0..3 {
        app.wait(std::time::Duration::from_millis(900));
        assert!(has_looked(&mut app));
        assert!(app.next_wake().is_some());
    }
    app.send(Msg::Input { event: Input::FocusLost, more: false });
    assert_eq!(app.next_wake(), None);
    app.wait(std::time::Duration::from_secs(10));
    assert!(!has_looked(&mut app), "nobody looks");
    gain_focus(&mut app);
    assert!(has_looked(&mut app));
    assert!(app.next_wake().is_some());
}

/// What is on the screen, after another instance has added messages and saved its branch.
fn refreshed(app: &mut Harness, more: &[Message], branch: Vec<MessageId>) {
    let chat = app.conversation().expect("a conversation is on the screen");
    let known = chat.messages.values().filter(|known| more.iter().all(|message| message.id != known.id));
    let messages = known.cloned().chain(more.iter().cloned()).collect();
    let header = ConversationHeader { branch, ..chat.header() };
    let stored = Conversation::restore(header, messages, String::new(), Vec::new());
    app.store_reply(StoreReply::Refreshed(Box::new(stored)));
}

/// A prompt of another instance behind a message, and its answer.
fn exchange(parent: MessageId, text: &str, end: AnswerEnd, rev: u32) -> Vec<Message> {
    let parts = vec![ContentPart::Text { text: text.into(), annotations: Vec::new() }];
    let kind = ItemKind::Message { parts, phase: None }.into();
    let item = Item { raw: None, opened_at: timestamp(11), closed_at: None, kind };
    let body = Answer { items: [(ItemSlot { step: 0, index: 0 }, item)].into(), ..empty_answer(end) };
    vec![Message { parent: Some(parent), ..prompt(1, "Asked elsewhere") }, Message { rev, ..answer(2, 1, body) }]
}

fn branch(app: &Harness) -> Vec<MessageId> {
    app.conversation().expect("a conversation is on the screen").branch.clone()
}

#[test]
fn a_running_answer_of_another_instance_grows_here_and_nothing_is_sent_behind_it() {
    let mut app = app(120, 40);
    let trunk = branch(&app);
    let end = *trunk.last().expect("an answer");
    let longer = [&trunk[..], &[message_id(1), message_id(2)]].concat();
    for (text, rev) in [("Half of", 100_000), ("Half of it", 200_000)] {
        refreshed(&mut app, &exchange(end, text, AnswerEnd::Open, rev), longer.clone());
        assert!(app.screen().contains("Asked elsewhere") && app.screen().contains(text), "{}", app.screen());
    }
    app.enter_text("and now?");
    app.press("enter");
    assert_eq!((app.draft().as_str(), app.opened_streams().len()), ("and now?", 0));
    assert!(app.screen().contains("another running ibid is writing this answer"), "{}", app.screen());
    refreshed(&mut app, &exchange(end, "Half of it is all.", AnswerEnd::Complete, 9), longer);
    assert!(app.screen().contains("Half of it is all."), "{}", app.screen());
    app.press("enter");
    assert_eq!((app.draft().as_str(), app.opened_streams().len()), ("", 1));
}

#[test]
fn a_conversation_that_goes_on_in_both_becomes_two_branches() {
    let mut app = app(120, 40);
    let trunk = branch(&app);
    let end = *trunk.last().expect("an answer");
    let left = [&trunk[..], &[message_id(1), message_id(2)]].concat();
    let stream = app.send_prompt("Asked here");
    refreshed(&mut app, &exchange(end, "On the left.", AnswerEnd::Complete, 9), left.clone());
    assert!(app.screen().contains("Asked here") && !app.screen().contains("On the left."), "{}", app.screen());
    app.stream_answer(stream, "On the right.");
    let right = branch(&app);
    for _ in 0..2 {
        refreshed(&mut app, &exchange(end, "On the left.", AnswerEnd::Complete, 9), left.clone());
        assert_eq!(branch(&app), right, "the reader stays where they are");
    }
    assert!(app.screen().contains("On the right.") && app.screen().contains("/2"), "{}", app.screen());
    assert_eq!(app.conversation().expect("a conversation").messages.len(), 6);
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
