//! The tree of a conversation: where its keys and the mouse lead, what is pruned, bookmarked and forked.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::{
    chat::{Conversation, ConversationChange, MessageBody, MessageId},
    store::StoreJob,
    ui::{Effect, Msg, overlays::ScreenOverlay, screen::PaneFocus, tree::TreeWork},
};

use crate::support::{branched, harness::Harness, long_conversation};

fn opened() -> Harness {
    branched::opened(branched::conversation(), 120, 40)
}

fn branch(app: &Harness) -> Vec<MessageId> {
    app.conversation().expect("a conversation").branch.clone()
}

fn ids<const COUNT: usize>(numbers: [u128; COUNT]) -> Vec<MessageId> {
    numbers.map(branched::message_id).to_vec()
}

/// The row of the screen that contains a text.
fn row_of(app: &Harness, text: &str) -> String {
    let screen = app.screen();
    screen.lines().find(|row| row.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}")).to_owned()
}

/// The row with the cursor of the tree.
fn selected(app: &Harness) -> String {
    let screen = app.screen();
    let row = screen.lines().find(|row| row.contains("│▌")).unwrap_or_else(|| panic!("no cursor: {screen}"));
    row.split('▌').next_back().expect("a row").to_owned()
}

fn changes(app: &mut Harness) -> Vec<ConversationChange> {
    let saved = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    saved.flatten().collect()
}

fn work(app: &Harness) -> TreeWork {
    match app.overlay() {
        Some(ScreenOverlay::Tree(tree)) => tree.work(),
        other => panic!("the tree is not open: {other:?}"),
    }
}

#[test]
fn enter_on_a_prompt_edits_it_as_a_new_branch_from_any_branch() {
    let mut app = opened();
    app.press("ctrl-x t G k enter");
    assert!(app.overlay().is_none());
    assert_eq!(app.draft(), "Show me a plan for Sunday.");
    assert_eq!(branch(&app), ids([1, 3, 12, 13, 14, 15]), "its branch is on the screen");
    app.set_draft("Show me a plan for Monday.");
    app.press("enter");
    let branch = branch(&app);
    assert_eq!(branch[..4], ids([1, 3, 12, 13]));
    let MessageBody::Prompt(prompt) = &app.conversation().expect("one").messages[&branch[4]].body else {
        panic!("the fifth message is a prompt")
    };
    assert_eq!(prompt.text, "Show me a plan for Monday.");
    assert_eq!(app.conversation().expect("one").siblings(branch[4]), (2, 2));
}

#[test]
fn enter_on_an_answer_goes_there_with_the_cursor() {
    let mut app = opened();
    app.press("ctrl-x t G enter");
    assert!(app.overlay().is_none());
    assert_eq!((branch(&app), app.focus()), (ids([1, 3, 12, 13, 14, 15]), PaneFocus::Transcript));
    assert_eq!(app.transcript().current_message(), Some(branched::message_id(15)));
    app.press("ctrl-x t g j j j j enter");
    assert_eq!(branch(&app), ids([1, 2, 4, 6, 8, 10]));
    assert_eq!(app.transcript().current_message(), Some(branched::message_id(6)), "not the end of the branch");
}

#[test]
fn the_tree_opens_on_the_message_that_is_read_and_the_keys_move() {
    let mut app = opened();
    app.press("ctrl-x t");
    assert!(selected(&app).contains("Yes, as long as"), "{}", app.screen());
    app.press("g");
    assert!(selected(&app).contains("How long may"), "{}", app.screen());
    app.press("down j up");
    assert!(selected(&app).contains("Twelve hours in the fridge"), "{}", app.screen());
    app.press("end");
    assert!(selected(&app).contains("Two steps are enough"), "{}", app.screen());
    app.press("esc");
    assert!(app.overlay().is_none());
}

#[test]
fn a_fold_hides_what_is_below_and_says_how_much() {
    let mut app = opened();
    app.press("ctrl-x t g j j h");
    let fold = row_of(&app, "▸ 7 messages");
    assert!(fold.contains("$0.0294"), "what is below cost that: {fold}");
    app.press("j");
    assert!(selected(&app).contains("▸ 7 messages"));
    app.press("enter");
    assert!(!app.screen().contains('▸'), "{}", app.screen());
    assert!(selected(&app).contains("And in a warm kitchen?"), "{}", app.screen());
    app.press("space j k l");
    assert!(!app.screen().contains('▸'), "{}", app.screen());
    app.press("h h");
    assert!(selected(&app).contains("Twelve hours"), "the second goes to the message above: {}", app.screen());
}

#[test]
fn the_filters_go_round() {
    let mut app = branched::opened(branched::conversation_with_calls(), 120, 40);
    app.press("ctrl-x t");
    let calls = app.screen().lines().filter(|row| row.contains("⚙ read_file (2), grep")).count();
    assert_eq!(calls, 2, "{}", app.screen());
    assert!(app.screen().contains("only called tools"), "{}", app.screen());
    app.press("f");
    assert!(app.screen().contains("no tools · 2 of 3 messages"), "{}", app.screen());
    assert!(!app.screen().contains('⚙') && !app.screen().contains("only called tools"), "{}", app.screen());
    app.press("f");
    assert!(app.screen().contains("prompts only · 1 of 3 messages"), "{}", app.screen());
    app.press("f");
    assert!(app.screen().contains("No bookmarks yet: m sets one."), "{}", app.screen());
    app.press("f");
    assert!(app.screen().contains("Nothing was pruned."), "{}", app.screen());
    app.press("f");
    assert!(app.screen().contains("3 messages · 2 branches · $0.0300"), "{}", app.screen());
}

#[test]
fn pruning_says_what_went_and_undo_brings_it_back_with_the_branch() {
    let mut app = opened();
    let before = branch(&app);
    app.press("ctrl-x t g j j d");
    let said = app.screen();
    assert!(said.contains("pruned “And in a warm kitchen?"), "{said}");
    assert!(said.contains("and 7 messages below it · u undo"), "{said}");
    assert!(said.contains("7 messages · 2 branches"), "{said}");
    assert_eq!(branch(&app), ids([1, 2]));
    let pruned = changes(&mut app);
    let names_it = |change: &ConversationChange| matches!(change, ConversationChange::Prune { message, .. } if *message == branched::message_id(4));
    assert!(pruned.iter().any(names_it), "{pruned:?}");
    app.press("u");
    assert_eq!(branch(&app), before);
    assert!(app.screen().contains("15 messages · 4 branches"), "{}", app.screen());
    assert!(selected(&app).contains("And in a warm kitchen?"), "{}", app.screen());
    assert!(matches!(
        changes(&mut app)[..],
        [ConversationChange::Conversation(_) | ConversationChange::RestorePruned(_), _]
    ));
}

#[test]
fn what_was_pruned_is_not_sent_and_not_a_version() {
    let mut app = opened();
    app.press("ctrl-x t g j d");
    let conversation = app.conversation().expect("a conversation");
    assert_eq!(branch(&app), ids([1, 3, 12, 13, 14, 15]), "the other version takes its place");
    assert_eq!(conversation.siblings(branched::message_id(3)), (1, 1));
    assert!(!row_of(&app, "Short answer: until noon").contains("‹"), "{}", app.screen());
    app.press("esc");
    app.enter_text("Go on.");
    app.press("enter");
    let (_, request) = app.opened_streams().pop().expect("a request");
    let sent = request["input"].to_string();
    assert!(sent.contains("until noon") && !sent.contains("Twelve hours"), "{sent}");
    app.press("ctrl-x t f f f f");
    assert!(app.screen().contains("pruned · 9 messages"), "{}", app.screen());
    app.press("G enter");
    assert!(app.screen().contains("Nothing was pruned."), "{}", app.screen());
    assert_eq!(app.conversation().expect("one").siblings(branched::message_id(3)), (2, 2));
}

#[test]
fn the_last_branch_is_not_pruned() {
    let mut app = opened();
    app.press("ctrl-x t g d");
    assert!(
        app.screen().contains("nothing would be left: ^X d moves the conversation to the trash"),
        "{}",
        app.screen()
    );
    assert!(changes(&mut app).is_empty());
}

#[test]
fn pruning_stops_the_answer_that_runs_there_and_the_prompt_can_be_answered_again() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("Why?");
    app.effects.clear();
    app.press("ctrl-x t d");
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::CloseStream(closed) if *closed == stream)));
    assert!(app.screen().contains("and stopped its answer"), "{}", app.screen());
    app.press("esc");
    assert!(app.screen().contains("Enter asks for an answer"), "{}", app.screen());
    app.press("enter");
    let (_, request) = app.opened_streams().pop().expect("a request");
    assert_eq!(request["input"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_running_answer_shows_its_phase_without_another_walk() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("Why?");
    app.press("ctrl-x t");
    assert!(selected(&app).contains("gpt-5.6-luna  routing"), "{}", app.screen());
    let walked = work(&app).messages_walked;
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Because it "}"#;
    for _ in 0..50 {
        app.receive_events(stream, &[delta]);
    }
    assert!(selected(&app).contains("gpt-5.6-luna  streaming · Because it Because"), "{}", app.screen());
    assert_eq!(work(&app).messages_walked, walked);
    app.end_stream(stream, Ok(()));
    assert!(selected(&app).contains("gpt-5.6-luna  Because it"), "{}", app.screen());
}

#[test]
fn a_bookmark_is_shown_in_the_text_and_in_the_tree() {
    let mut app = opened();
    app.press("tab m");
    assert!(app.screen().contains("◆ claude-opus-5  13:07"), "{}", app.screen());
    assert!(matches!(
        &changes(&mut app)[..],
        [ConversationChange::Conversation(_) | ConversationChange::Bookmark { .. }, _]
    ));
    app.press("ctrl-x t f f f");
    assert!(selected(&app).contains("◆ claude-opus-5  Yes, as long as"), "{}", app.screen());
    app.press("m");
    assert!(app.screen().contains("No bookmarks yet"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains('◆'), "{}", app.screen());
}

#[test]
fn versions_are_compared_word_by_word() {
    let mut app = Harness::new(100, 30);
    for text in ["Cold slows the yeast a little.", "Cold slows the yeast very much.", "Heat does not."] {
        let stream = if app.conversation().is_none() {
            app.send_prompt("Why?")
        } else {
            app.set_focus(PaneFocus::Transcript);
            app.press("r enter");
            app.opened_streams().pop().expect("another answer").0
        };
        app.stream_answer(stream, text);
    }
    app.press("ctrl-x t k c");
    assert!(app.screen().contains("Cold slows the yeast a littlevery much."), "{}", app.screen());
    assert!(row_of(&app, "- 1/3").contains("gpt-5.6-luna"), "{}", app.screen());
    assert!(app.screen().contains("1 change "), "{}", app.screen());
    app.press("]");
    assert!(app.screen().contains("1 of 1 change"), "{}", app.screen());
    app.press(">");
    assert!(app.screen().contains("+ 3/3"), "{}", app.screen());
    app.press("esc");
    assert!(matches!(app.overlay(), Some(ScreenOverlay::Tree(_))), "back to the tree");
    app.press("g c");
    assert!(app.screen().contains("- 2/3"), "a prompt compares its newest answers: {}", app.screen());
}

#[test]
fn a_message_with_one_version_has_nothing_to_compare() {
    let mut app = opened();
    app.press("ctrl-x t G c");
    assert!(app.screen().contains("this message has only one version"), "{}", app.screen());
}

#[test]
fn a_fork_is_a_copy_with_ids_of_its_own_that_costs_nothing() {
    let mut app = opened();
    app.press("tab m");
    app.effects.clear();
    let before = app.conversation().expect("one").clone();
    app.press("ctrl-x k");
    let fork = app.conversation().expect("the fork").clone();
    assert_eq!(fork.title, "Sourdough overnight (fork)");
    let texts = |chat: &Conversation| -> Vec<String> {
        let body = |id: &MessageId| match &chat.messages[id].body {
            MessageBody::Prompt(prompt) => prompt.text.clone(),
            MessageBody::Answer(answer) => answer.text(),
        };
        chat.branch.iter().map(body).collect()
    };
    assert_eq!(texts(&fork), texts(&before));
    assert!(fork.branch.iter().all(|id| !before.messages.contains_key(id)));
    assert!(fork.is_bookmarked(fork.branch[5]));
    assert_eq!((fork.cost().known.digits(), fork.cost().unpriced_answers), ("0", 0));
    let saved = changes(&mut app);
    let copied = saved.iter().filter(|change| matches!(change, ConversationChange::CopyRecords { .. })).count();
    assert_eq!(copied, 6, "{saved:?}");
    assert!(!app.screen().contains("$0.0098"), "a copy has no price of its own: {}", app.screen());
    app.press("ctrl-x k");
    assert_eq!(app.conversation().expect("another").title, "Sourdough overnight (fork 2)");
}

#[test]
fn a_fork_from_the_middle_ends_there_and_what_runs_is_not_copied() {
    let mut app = opened();
    app.press("tab K K");
    app.press("ctrl-x k");
    assert_eq!(branch(&app).len(), 4);
    let mut app = Harness::new(120, 40);
    app.send_prompt("Why?");
    let id = app.conversation_id();
    app.press("ctrl-x k");
    assert_eq!(app.conversation_id(), id);
    assert!(app.screen().contains("still being written"), "{}", app.screen());
}

#[test]
fn the_rail_has_the_same_keys_and_follows_what_is_read() {
    let mut app = branched::opened(branched::conversation(), 200, 60);
    app.press("ctrl-x s l l");
    assert_eq!(app.focus(), PaneFocus::Rail);
    assert!(app.screen().contains("Details  Tree"), "{}", app.screen());
    assert!(app.screen().contains("15 messages · 4 branches · $0.0983"), "{}", app.screen());
    app.press("k d");
    assert!(app.screen().contains("pruned “So I watch the jar"), "{}", app.screen());
    app.press("u G enter");
    assert_eq!((branch(&app), app.focus()), (ids([1, 3, 12, 13, 14, 15]), PaneFocus::Transcript));
    app.press("g J <");
    assert_eq!(branch(&app)[..2], ids([1, 2]), "and the branch that is lit follows");
    app.press("ctrl-x s");
    app.press("c");
    assert!(app.overlay().is_none(), "in another tab the letters are its own");
}

#[test]
fn rows_can_be_clicked_and_the_wheel_moves() {
    let mut app = opened();
    app.press("ctrl-x t");
    let click = |app: &mut Harness, text: &str| {
        let screen = app.screen();
        let (y, row) = screen.lines().enumerate().find(|(_, row)| row.contains(text)).expect("it is there");
        let x = row[..row.find(text).expect("it is there")].chars().count();
        for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
            let (column, row) = (u16::try_from(x).expect("small"), u16::try_from(y).expect("small"));
            let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
            app.send(Msg::Input { event: crossterm::event::Event::Mouse(event), more: false });
        }
    };
    click(&mut app, "Short answer: until noon");
    assert!(selected(&app).contains("Short answer"), "{}", app.screen());
    let wheel = MouseEvent { kind: MouseEventKind::ScrollDown, column: 60, row: 20, modifiers: KeyModifiers::NONE };
    app.send(Msg::Input { event: crossterm::event::Event::Mouse(wheel), more: false });
    assert!(selected(&app).contains("Show me a plan"), "{}", app.screen());
    click(&mut app, "Short answer: until noon");
    click(&mut app, "Short answer: until noon");
    assert_eq!((app.overlay().is_none(), branch(&app)), (true, ids([1, 3, 12, 13, 14, 15])));
}

#[test]
fn ten_thousand_messages_are_walked_once_and_only_the_window_is_laid_out() {
    let mut app = branched::opened(long_conversation::conversation(10_000, "An answer."), 120, 40);
    app.press("ctrl-x t");
    assert!(app.screen().contains("10000 messages · 1 branch"), "{}", app.screen());
    let opened = work(&app);
    assert_eq!(opened.messages_walked, 10_000);
    assert!(opened.rows_laid_out <= 2 * 40, "{opened:?}");
    for _ in 0..100 {
        app.press("k");
    }
    app.press("g pgdn G home end");
    let scrolled = work(&app);
    assert_eq!(scrolled.messages_walked, 10_000, "no key walks them again");
    assert!(scrolled.rows_laid_out - opened.rows_laid_out <= 105 * 40, "{scrolled:?}");
}

#[test]
fn the_fork_of_a_temporary_conversation_is_temporary_too() {
    let mut app = Harness::new(120, 40);
    app.set_draft("/temporary");
    app.press("enter");
    let stream = app.send_prompt("a secret");
    app.stream_answer(stream, "another secret");
    app.effects.clear();
    app.press("ctrl-x k");
    app.set_focus(PaneFocus::Transcript);
    app.press("m");
    assert!(app.conversation().expect("the fork").is_temporary());
    assert!(changes(&mut app).is_empty(), "nothing of it reaches the disk");
}
