//! Temporary conversations: nothing of them is handed to the database but their cost, and they are marked all the time.

use ibid::{
    chat::ConversationChange,
    config::Config,
    store::StoreJob,
    ui::{Effect, StartOptions},
};

use crate::support::harness::{Harness, default_start};

/// All changes that were handed to the database, as text.
fn saved(app: &mut Harness) -> Vec<ConversationChange> {
    let saves = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    saves.flatten().collect()
}

fn begin(app: &mut Harness) {
    app.enter_text("/temporary");
    app.press("enter");
}

#[test]
fn of_a_temporary_conversation_only_the_cost_is_saved() {
    let start = default_start(130, 30);
    let mut config = Config { ..start.config.clone() };
    config.xray.record = true;
    let mut app = Harness::with_start(StartOptions { config, ..start });
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    begin(&mut app);
    saved(&mut app);
    app.enter_text("a secret draft");
    app.wait(std::time::Duration::from_secs(2));
    app.press("enter");
    let stream = app.effects.iter().find_map(|effect| match effect {
        Effect::OpenStream { stream, .. } => Some(*stream),
        _ => None,
    });
    let stream = stream.expect("it is sent without waiting for the disk");
    app.enter_text("a secret for later");
    app.press("enter");
    app.stream_answer(stream, "a secret answer");
    app.press("ctrl-x l p t");
    app.enter_text("secret");
    app.press("enter r");
    app.enter_text("secret");
    app.press("enter a d u ctrl-x q ctrl-x q");
    let saved = saved(&mut app);
    let costs = |change: &&ConversationChange| matches!(change, ConversationChange::AnswerCost { .. });
    let others: Vec<_> = saved.iter().filter(|change| !costs(change)).collect();
    let is_harmless = |change: &&&ConversationChange| match change {
        ConversationChange::NewDraft(text) => text.is_empty(),
        ConversationChange::HintShown { .. } => true,
        _ => false,
    };
    assert!(others.iter().all(|change| is_harmless(&change)), "{others:?}");
    assert!(!format!("{saved:?}").contains("secret"), "{saved:?}");
    let cost = saved.iter().find(costs).expect("the cost is saved");
    assert!(matches!(cost, ConversationChange::AnswerCost { cost, .. } if cost.to_string() == "$0.0021"), "{cost:?}");
}

#[test]
fn it_is_marked_in_the_status_line_the_list_and_the_rule() {
    for (width, height) in [(80, 24), (130, 30)] {
        let mut app = Harness::new(width, height);
        begin(&mut app);
        for _ in 0..2 {
            assert!(app.status().contains("· temporary"), "{}", app.screen());
            assert!(app.screen().contains("○ temporary: only its cost is kept ─"), "{}", app.screen());
            let stream = app.send_prompt("About my health");
            app.stream_answer(stream, "Drink water.");
        }
        app.press("ctrl-x l");
        assert!(app.screen().contains("Temporary"), "{}", app.screen());
        let is_marked = |row: &str| row.contains("About my health") && row.contains('○');
        assert!(app.screen().lines().any(is_marked), "{}", app.screen());
    }
}

#[test]
fn leaving_says_that_it_will_be_gone_and_quitting_asks_once() {
    let mut app = Harness::new(120, 30);
    begin(&mut app);
    let stream = app.send_prompt("About my health");
    app.stream_answer(stream, "Drink water.");
    app.press("ctrl-n");
    assert!(
        app.screen().contains("“About my health” is temporary: it is in the list, and gone when you quit"),
        "{}",
        app.screen()
    );
    assert!(!app.status().contains("temporary"), "the next conversation is kept: {}", app.status());
    let has_quit = |app: &mut Harness| app.effects().iter().any(|effect| matches!(effect, Effect::Quit));
    app.effects();
    app.press("ctrl-x q");
    assert!(!has_quit(&mut app));
    assert!(app.status().contains("again to quit: 1 temporary conversation will be gone then"), "{}", app.status());
    app.press("ctrl-x q");
    assert!(has_quit(&mut app));
}

#[test]
fn its_prompts_are_not_in_the_history_and_the_next_conversation_is_kept() {
    let mut app = Harness::new(120, 30);
    begin(&mut app);
    let stream = app.send_prompt("About my health");
    app.stream_answer(stream, "Drink water.");
    app.press("ctrl-n");
    app.effects();
    app.press("up");
    assert_eq!(app.draft(), "");
    let stream = app.send_prompt("About bikes");
    app.stream_answer(stream, "Oil the chain.");
    assert!(app.chats().prompt_history.iter().any(|prompt| prompt == "About bikes"));
    assert!(!app.conversation().expect("a conversation").is_temporary());
}

#[test]
fn a_draft_that_was_typed_before_leaves_the_disk_and_the_switch_goes_both_ways() {
    let mut app = Harness::new(120, 30);
    app.enter_text("half a prompt");
    app.wait(std::time::Duration::from_secs(1));
    app.effects();
    app.press("ctrl-p");
    app.enter_text("temporary");
    app.press("enter");
    assert_eq!(app.draft(), "half a prompt");
    assert!(matches!(&saved(&mut app)[..], [ConversationChange::NewDraft(text)] if text.is_empty()));
    app.enter_text(" and more");
    app.wait(std::time::Duration::from_secs(1));
    assert!(saved(&mut app).is_empty());
    app.press("ctrl-p");
    app.enter_text("temporary");
    app.press("enter");
    assert!(!app.status().contains("temporary"), "{}", app.status());
    app.enter_text("!");
    app.wait(std::time::Duration::from_secs(1));
    let saved = saved(&mut app);
    assert!(matches!(saved.last(), Some(ConversationChange::NewDraft(text)) if text == "half a prompt and more!"));
}

#[test]
fn the_flag_begins_one_and_a_list_that_is_read_again_keeps_it() {
    let start = default_start(130, 30);
    let mut app = Harness::with_start(StartOptions { is_temporary: true, ..start });
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: "an old draft".into() });
    assert!(app.status().contains("temporary"), "{}", app.status());
    assert_eq!(app.draft(), "", "the draft on the disk is that of another conversation");
    let stream = app.send_prompt("About my health");
    app.stream_answer(stream, "Drink water.");
    app.press("ctrl-n");
    app.store_reply(ibid::store::StoreReply::Listed { conversations: Vec::new() });
    assert_eq!(app.chats().index.len(), 1, "another instance knows nothing of it");
}
