//! The position in a conversation: the scrollbar, the list of prompts and the message cursor.

use crossterm::event::MouseEventKind;
use ibid::ui::chats::Chats;
use ibid::{
    chat::{MessageBody, Prompt},
    ui::screen::PaneFocus,
};

use super::{click, copied, drag, release, send_mouse, with_answer};
use crate::support::harness::Harness;

/// Returns the column of the scrollbar without trailing blanks.
fn scrollbar_column(app: &Harness) -> String {
    let area = app.areas().scrollbar();
    let cells: String = (area.top()..area.bottom()).map(|y| app.buffer()[(area.x, y)].symbol()).collect();
    cells.trim_end().to_owned()
}

fn app_with_turns(turns: usize) -> Harness {
    let mut app = Harness::new(80, 24);
    for turn in 1..=turns {
        let stream = app.send_prompt(&format!("prompt {turn}"));
        app.stream_answer(stream, &format!("answer {turn}\n\n{}", "A paragraph.\n\n".repeat(10)));
    }
    app
}

#[test]
fn the_scrollbar_appears_when_content_overflows_and_marks_the_prompts() {
    let mut app = with_answer(80, 24, "Short.");
    assert_eq!(scrollbar_column(&app), "");
    app = app_with_turns(4);
    let at_the_end = scrollbar_column(&app);
    assert_eq!(at_the_end.matches('─').count(), 4, "{at_the_end}");
    assert!(at_the_end.ends_with('┃') && at_the_end.starts_with('─'), "{at_the_end}");
    app.press("ctrl-home");
    assert!(!scrollbar_column(&app).ends_with('┃'), "{}", scrollbar_column(&app));
    let area = app.areas().scrollbar();
    assert!(area.right() <= 80 && area.x > app.areas().transcript.right());
}

#[test]
fn pressing_and_dragging_the_scrollbar_moves_the_window() {
    let mut app = app_with_turns(6);
    let area = app.areas().scrollbar();
    click(&mut app, (area.x, area.y));
    assert!(app.screen().contains("▌ prompt 1"), "{}", app.screen());
    super::press(&mut app, (area.x, area.y + area.height / 2));
    let middle = app.screen();
    assert!(!middle.contains("▌ prompt 1") && !middle.contains("prompt 6"), "{middle}");
    drag(&mut app, (area.x, 90));
    release(&mut app, (area.x, 90));
    send_mouse(&mut app, MouseEventKind::ScrollDown, (9, 9));
    assert!(app.transcript().is_following());
}

#[test]
fn the_cost_of_the_scrollbar_does_not_grow_with_the_conversation() {
    let measured = |turns: u64| {
        let mut app = app_with_turns(1);
        let id = app.conversation_id().unwrap();
        let now = app.now;
        let Chats { conversations, ids, .. } = app.chats_mut();
        let conversation = conversations.get_mut(&id).unwrap();
        let template = conversation.messages[&conversation.branch[0]].clone();
        for _ in 0..turns {
            let mut message = template.clone();
            message.id = ids.message(now);
            message.parent = conversation.branch.last().copied();
            message.body = MessageBody::Prompt(Prompt { text: "a prompt".into() });
            conversation.branch.push(message.id);
            conversation.messages.insert(message.id, message);
        }
        app.draw();
        let before = app.transcript().measured_messages();
        app.press("pgup pgup pgdn");
        app.transcript().measured_messages() - before
    };
    assert_eq!(measured(10), measured(10_000));
}

#[test]
fn more_prompts_than_rows_share_their_ticks() {
    let mut app = app_with_turns(200);
    app.press("tab");
    let area = app.areas().transcript;
    let bar = |app: &Harness| -> String {
        let x = app.areas().scrollbar().x;
        (area.top()..area.bottom()).map(|y| app.buffer()[(x, y)].symbol().to_owned()).collect()
    };
    let (ticks, thumb) = (bar(&app), app.env().theme.marks.scrollbar_thumb);
    assert!(ticks.ends_with(thumb) && ticks.matches('─').count() >= usize::from(area.height) - 2, "{ticks}");
    app.press("g");
    assert!(bar(&app).starts_with(thumb), "{}", bar(&app));
}

#[test]
fn the_list_of_prompts_jumps_to_a_prompt() {
    let mut app = app_with_turns(6);
    app.press("tab p");
    assert!(app.screen().contains("Go to a prompt"), "{}", app.screen());
    app.enter_text("prompt 2");
    app.press("enter");
    assert_eq!(app.focus(), PaneFocus::Transcript);
    let top: String = (0..5).map(|y| app.row(y) + "\n").collect();
    assert!(top.contains("prompt 2"), "{}", app.screen());
    app.press("p enter");
    assert!((0..5).any(|y| app.row(y).contains("prompt 2")), "the picker starts at the current prompt");
}

#[test]
fn the_cursor_walks_the_messages_and_the_current_one_is_marked_and_copied() {
    let mut app = app_with_turns(3);
    app.press("tab g J");
    let marked = |app: &Harness| {
        app.screen().lines().filter(|line| line.starts_with('▌')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(marked(&app).iter().any(|line| line.contains("gpt-5.6-luna")), "{}", app.screen());
    app.press("J y");
    assert_eq!(copied(&mut app).as_deref(), Some("prompt 2"));
    app.press("J y");
    assert!(copied(&mut app).expect("an answer").starts_with("answer 2"));
    app.press("J J J J y");
    assert!(copied(&mut app).expect("the last answer").starts_with("answer 3"));
    app.press("K K y");
    assert!(copied(&mut app).expect("the previous answer").starts_with("answer 2"));
    app.press("k k k k y");
    assert!(copied(&mut app).expect("the same answer").starts_with("answer 2"), "scrolling does not move the cursor");
}
