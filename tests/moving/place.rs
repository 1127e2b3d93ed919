//! Where one is in a conversation, and how one gets elsewhere.

use crossterm::event::MouseEventKind;
use ibid::{
    app::screen::Focus,
    chat::{Body, Prompt},
};

use crate::{click, copied, drag, mouse, reading, release, support::harness::Harness};

/// The column of the scrollbar, without blanks at its end.
fn bar(app: &Harness) -> String {
    let area = app.state.screen.areas.scrollbar();
    let cells: String = (area.top()..area.bottom()).map(|y| app.buffer()[(area.x, y)].symbol()).collect();
    cells.trim_end().to_owned()
}

fn conversation(turns: usize) -> Harness {
    let mut app = Harness::new(80, 24);
    for turn in 1..=turns {
        let stream = app.prompt(&format!("prompt {turn}"));
        app.answer(stream, &format!("answer {turn}\n\n{}", "A paragraph.\n\n".repeat(10)));
    }
    app
}

#[test]
fn the_scrollbar_is_there_when_there_is_more_than_a_window_and_shows_the_prompts() {
    let mut app = reading(80, 24, "Short.");
    assert_eq!(bar(&app), "");
    app = conversation(4);
    let at_the_end = bar(&app);
    assert_eq!(at_the_end.matches('─').count(), 4, "{at_the_end}");
    assert!(at_the_end.ends_with('┃') && at_the_end.starts_with('─'), "{at_the_end}");
    app.press("ctrl-home");
    assert!(!bar(&app).ends_with('┃'), "{}", bar(&app));
    let area = app.state.screen.areas.scrollbar();
    assert!(area.right() <= 80 && area.x > app.state.screen.areas.transcript.right());
}

#[test]
fn a_press_on_the_scrollbar_goes_there_and_a_drag_goes_on() {
    let mut app = conversation(6);
    let area = app.state.screen.areas.scrollbar();
    click(&mut app, (area.x, area.y));
    assert!(app.screen().contains("▌ prompt 1"), "{}", app.screen());
    crate::press(&mut app, (area.x, area.y + area.height / 2));
    let middle = app.screen();
    assert!(!middle.contains("▌ prompt 1") && !middle.contains("prompt 6"), "{middle}");
    drag(&mut app, (area.x, 90));
    release(&mut app, (area.x, 90));
    mouse(&mut app, MouseEventKind::ScrollDown, (9, 9));
    assert!(app.state.screen.transcript().unwrap().follows());
}

#[test]
fn the_cost_of_the_scrollbar_does_not_grow_with_the_conversation() {
    let looked_at = |turns: u64| {
        let mut app = conversation(1);
        let id = app.state.screen.pane.shows.conversation().unwrap();
        let conversation = app.state.open.get_mut(&id).unwrap();
        let model = conversation.messages[&conversation.branch[0]].clone();
        for _ in 0..turns {
            let mut message = model.clone();
            message.id = app.state.ids.message(app.now);
            message.parent = conversation.branch.last().copied();
            message.body = Body::Prompt(Prompt { text: "a prompt".into() });
            conversation.branch.push(message.id);
            conversation.messages.insert(message.id, message);
        }
        app.draw();
        let before = app.state.screen.transcript().unwrap().sized();
        app.press("pgup pgup pgdn");
        app.state.screen.transcript().unwrap().sized() - before
    };
    assert_eq!(looked_at(10), looked_at(10_000));
}

#[test]
fn more_prompts_than_rows_share_their_ticks() {
    let mut app = conversation(200);
    app.press("tab");
    let area = app.state.screen.areas.transcript;
    let bar = |app: &Harness| -> String {
        let x = app.state.screen.areas.scrollbar().x;
        (area.top()..area.bottom()).map(|y| app.buffer()[(x, y)].symbol().to_owned()).collect()
    };
    let (above, thumb) = (bar(&app), app.state.theme.marks.thumb);
    assert!(above.ends_with(thumb) && above.matches('─').count() >= usize::from(area.height) - 2, "{above}");
    app.press("g");
    assert!(bar(&app).starts_with(thumb), "{}", bar(&app));
}

#[test]
fn a_prompt_is_gone_to_from_the_list_of_all() {
    let mut app = conversation(6);
    app.press("tab p");
    assert!(app.screen().contains("Go to a prompt"), "{}", app.screen());
    app.enter_text("prompt 2");
    app.press("enter");
    assert_eq!(app.state.screen.focus, Focus::Transcript);
    let top: String = (0..5).map(|y| app.row(y) + "\n").collect();
    assert!(top.contains("prompt 2"), "{}", app.screen());
    app.press("p enter");
    assert!((0..5).any(|y| app.row(y).contains("prompt 2")), "the picker begins where one is");
}

#[test]
fn the_cursor_walks_the_messages_and_what_it_stands_on_is_marked_and_copied() {
    let mut app = conversation(3);
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
    assert!(copied(&mut app).expect("the last").starts_with("answer 3"));
    app.press("K K y");
    assert!(copied(&mut app).expect("the one before").starts_with("answer 2"));
    app.press("k k k k y");
    assert!(copied(&mut app).expect("it stays").starts_with("answer 2"), "scrolling leaves the cursor");
}
