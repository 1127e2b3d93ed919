//! Where the window goes, and what that costs.

use super::*;

/// Prompts and answers of a few rows each.
fn long(count: u128) -> Conversation {
    let bodies = (1..=count).map(|number| {
        if number % 2 == 1 {
            prompt(&format!("prompt {number}"))
        } else {
            let text =
                format!("answer {number:04}\n\n- a\n- b\n\nend {number}{}", " ".repeat(4 - number.to_string().len()));
            Body::Answer(answer(End::Complete, [item(0, 0.2, Some(1.0), said(&text, Vec::new()))]))
        }
    });
    conversation(bodies.collect())
}

/// An answer at the end that still grows.
fn growing(count: u128) -> Conversation {
    let mut chat = long(count);
    let open = answer_of(&mut chat, count);
    open.end = End::Open;
    open.ended = None;
    open.items.values_mut().for_each(|item| item.closed = None);
    chat
}

fn grow(chat: &mut Conversation, number: u128, more: &str) {
    for item in answer_of(chat, number).items.values_mut() {
        if let Kind::Message { parts, .. } = std::sync::Arc::make_mut(&mut item.kind)
            && let Some(Part::Text { text, .. }) = parts.last_mut()
        {
            text.push_str(more);
        }
    }
}

#[test]
fn the_window_follows_at_the_end_only() {
    let mut chat = growing(6);
    let mut window = Window::new(30, 6);
    let page = window.show(&chat);
    assert!(page.contains("end 6") && window.transcript.follows());
    grow(&mut chat, 6, "\n\nmore");
    assert!(window.show(&chat).contains("more"));

    let before = window.scroll(Move::Rows(-3), &chat);
    assert!(!window.transcript.follows());
    assert_eq!(window.transcript.new_rows_below(), 0);
    grow(&mut chat, 6, "\n\nnew one\n\nnew two");
    let after = window.show(&chat);
    assert_eq!(window.transcript.new_rows_below(), 4);
    assert_eq!(after.lines().take(5).collect::<Vec<_>>(), before.lines().take(5).collect::<Vec<_>>());
    assert!(after.contains("↓ 4 new lines  ^End"), "{after}");

    window.scroll(Move::Rows(5), &chat);
    assert_eq!(window.transcript.new_rows_below(), 2);
    let page = window.scroll(Move::Bottom, &chat);
    assert!(page.contains("new two") && !page.contains("new lines") && window.transcript.follows());
}

#[test]
fn moves_go_by_rows_pages_and_messages() {
    let chat = long(40);
    let mut window = Window::new(30, 8);
    let first = |page: &str| {
        page.lines().map(|line| line.trim_start_matches(['▌', ' ']).to_owned()).find(|line| !line.is_empty())
    };
    assert!(window.scroll(Move::Top, &chat).contains("prompt 1\n"));
    window.scroll(Move::Messages(2), &chat);
    assert_eq!(first(&window.scroll(Move::Rows(1), &chat)).as_deref(), Some("prompt 3"));
    assert_eq!(first(&window.scroll(Move::Messages(-1), &chat)).as_deref(), Some("you"));
    let page = window.scroll(Move::To(id(21)), &chat);
    assert!(page.contains("prompt 21") && !page.contains("prompt 19"));
    let down = window.scroll(Move::Pages(1), &chat);
    assert_eq!(window.scroll(Move::Pages(-1), &chat), page);
    assert_ne!(down, page);
    window.scroll(Move::HalfPages(-2), &chat);
    assert_eq!(window.scroll(Move::Rows(8), &chat), page);
    assert_eq!(window.transcript.current(), Some(id(22)));
    window.scroll(Move::Rows(100_000), &chat);
    assert!(window.transcript.follows());
}

#[test]
fn a_resize_keeps_what_is_read_at_the_top() {
    let words = (0..200).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
    let mut chat = long(4);
    let text = answer(End::Complete, [item(0, 0.2, Some(1.0), said(&words, Vec::new()))]);
    chat.messages.get_mut(&id(4)).expect("it is there").body = Body::Answer(text);
    let mut window = Window::new(40, 6);
    window.show(&chat);
    window.scroll(Move::Rows(-12), &chat);
    let top = window
        .show(&chat)
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().next().map(str::to_owned))
        .expect("text");
    for width in [62, 25, 80, 31] {
        window.width = width;
        let page = window.show(&chat);
        assert!(
            page.lines().next().is_some_and(|line| line.split_whitespace().any(|word| word == top)),
            "{top} in {page}"
        );
    }
}

#[test]
fn folding_above_does_not_move_what_is_read() {
    let long_thought = thought(&"Thinking it over.\n\n".repeat(8));
    let words = (0..60).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
    let chat = conversation(vec![
        prompt("Go"),
        Body::Answer(answer(
            End::Complete,
            [item(0, 0.2, Some(1.0), long_thought), item(1, 1.0, Some(2.0), said(&words, Vec::new()))],
        )),
        prompt("And"),
        Body::Answer(answer(End::Complete, [item(0, 0.2, Some(1.0), said(&words, Vec::new()))])),
    ]);
    let mut window = Window::new(30, 6);
    window.show(&chat);
    window.scroll(Move::To(id(3)), &chat);
    let before = window.scroll(Move::Rows(-4), &chat);
    window.transcript.toggle_fold(id(2));
    assert_eq!(window.show(&chat), before);
}

#[test]
fn opening_a_reasoning_keeps_its_head_where_it_is() {
    let thoughts = thought(&"Thinking it over.\n\n".repeat(8));
    let chat = conversation(vec![
        prompt("Go"),
        Body::Answer(answer(
            End::Complete,
            [item(0, 0.2, Some(1.0), thoughts), item(1, 1.0, Some(2.0), said("Done.", Vec::new()))],
        )),
    ]);
    let mut window = Window::new(30, 8);
    let rows = |page: &str| page.lines().take(4).map(str::to_owned).collect::<Vec<_>>();
    let folded = window.show(&chat);
    window.transcript.toggle_fold(id(2));
    let open = window.show(&chat);
    assert_eq!(rows(&open), rows(&folded));
    assert!(open.contains("▾ Thought for < 1 s\n  ┊ Thinking it over.") && !window.transcript.follows(), "{open}");
    assert_eq!(window.transcript.new_rows_below(), 0, "what was folded is not new");
    window.transcript.toggle_fold(id(2));
    assert_eq!(window.show(&chat), folded);
    assert!(window.transcript.follows());
}

#[test]
fn a_frame_costs_the_window_and_not_the_conversation() {
    let mut costs = Vec::new();
    for count in [10, 1_000] {
        let chat = long(count);
        let mut window = Window::new(40, 20);
        window.show(&chat);
        costs.push(window.transcript.work());
        window.show(&chat);
        assert_eq!(Some(&window.transcript.work()), costs.last(), "nothing changed, nothing is laid out");
    }
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn a_delta_costs_the_open_block_and_not_the_answer() {
    let cost = |paragraphs: usize| {
        let mut chat = growing(2);
        grow(&mut chat, 2, &"\n\nA paragraph of some words, with `code` and **more** that wraps.".repeat(paragraphs));
        let mut window = Window::new(40, 20);
        window.show(&chat);
        grow(&mut chat, 2, "\n\nOne");
        window.show(&chat);
        let before = window.transcript.work();
        for _ in 0..10 {
            grow(&mut chat, 2, " word");
            window.show(&chat);
        }
        let after = window.transcript.work();
        (after.rows - before.rows, after.bytes - before.bytes)
    };
    assert_eq!(cost(10), cost(2_000));
}
