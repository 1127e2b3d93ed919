//! Where the window goes, and how much layout work that takes.

use super::*;

/// A conversation of short prompts and answers.
fn short_messages(count: u128) -> Conversation {
    let bodies = (1..=count).map(|number| {
        if number % 2 == 1 {
            prompt(&format!("prompt {number}"))
        } else {
            let text =
                format!("answer {number:04}\n\n- a\n- b\n\nend {number}{}", " ".repeat(4 - number.to_string().len()));
            MessageBody::Answer(answer(AnswerEnd::Complete, [item(0, 0.2, Some(1.0), text_item(&text, Vec::new()))]))
        }
    });
    conversation(bodies.collect())
}

/// The same, with a last answer that still streams.
fn streaming_conversation(count: u128) -> Conversation {
    let mut chat = short_messages(count);
    let open = answer_of(&mut chat, count);
    open.end = AnswerEnd::Open;
    open.ended_at = None;
    open.items.values_mut().for_each(|item| item.closed_at = None);
    chat
}

fn append_text(chat: &mut Conversation, number: u128, more: &str) {
    for item in answer_of(chat, number).items.values_mut() {
        if let ItemKind::Message { parts, .. } = std::sync::Arc::make_mut(&mut item.kind)
            && let Some(ContentPart::Text { text, .. }) = parts.last_mut()
        {
            text.push_str(more);
        }
    }
}

#[test]
fn the_window_follows_only_at_the_end() {
    let mut chat = streaming_conversation(6);
    let mut window = TestWindow::new(30, 6);
    let page = window.show(&chat);
    assert!(page.contains("end 6") && window.transcript.is_following());
    append_text(&mut chat, 6, "\n\nmore");
    assert!(window.show(&chat).contains("more"));

    let before = window.scroll(ScrollMove::Rows(-3), &chat);
    assert!(!window.transcript.is_following());
    assert_eq!(window.transcript.new_rows_below(), 0);
    append_text(&mut chat, 6, "\n\nnew one\n\nnew two");
    let after = window.show(&chat);
    assert_eq!(window.transcript.new_rows_below(), 4);
    assert_eq!(after.lines().take(5).collect::<Vec<_>>(), before.lines().take(5).collect::<Vec<_>>());
    assert!(after.contains("↓ 4 new lines  ^End"), "{after}");

    window.scroll(ScrollMove::Rows(5), &chat);
    assert_eq!(window.transcript.new_rows_below(), 2);
    let page = window.scroll(ScrollMove::Bottom, &chat);
    assert!(page.contains("new two") && !page.contains("new lines") && window.transcript.is_following());
}

#[test]
fn the_window_moves_by_rows_pages_and_messages() {
    let chat = short_messages(40);
    let mut window = TestWindow::new(30, 8);
    let first = |page: &str| {
        page.lines().map(|line| line.trim_start_matches(['▌', ' ']).to_owned()).find(|line| !line.is_empty())
    };
    assert!(window.scroll(ScrollMove::Top, &chat).contains("prompt 1\n"));
    window.scroll(ScrollMove::ByMessages(2), &chat);
    assert_eq!(first(&window.scroll(ScrollMove::Rows(1), &chat)).as_deref(), Some("prompt 3"));
    assert_eq!(first(&window.scroll(ScrollMove::ByMessages(-1), &chat)).as_deref(), Some("you"));
    let page = window.scroll(ScrollMove::ToMessage(id(21)), &chat);
    assert!(page.contains("prompt 21") && !page.contains("prompt 19"));
    let down = window.scroll(ScrollMove::Pages(1), &chat);
    assert_eq!(window.scroll(ScrollMove::Pages(-1), &chat), page);
    assert_ne!(down, page);
    window.scroll(ScrollMove::HalfPages(-2), &chat);
    assert_eq!(window.scroll(ScrollMove::Rows(8), &chat), page);
    assert_eq!(window.transcript.current_message(), Some(id(22)));
    window.scroll(ScrollMove::Rows(100_000), &chat);
    assert!(window.transcript.is_following());
}

#[test]
fn a_resize_keeps_the_text_at_the_top() {
    let words = (0..200).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
    let mut chat = short_messages(4);
    let text = answer(AnswerEnd::Complete, [item(0, 0.2, Some(1.0), text_item(&words, Vec::new()))]);
    chat.messages.get_mut(&id(4)).expect("the message exists").body = MessageBody::Answer(text);
    let mut window = TestWindow::new(40, 6);
    window.show(&chat);
    window.scroll(ScrollMove::Rows(-12), &chat);
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
fn folding_above_the_window_does_not_move_it() {
    let long_thought = reasoning_item(&"Thinking it over.\n\n".repeat(8));
    let words = (0..60).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
    let chat = conversation(vec![
        prompt("Go"),
        MessageBody::Answer(answer(
            AnswerEnd::Complete,
            [item(0, 0.2, Some(1.0), long_thought), item(1, 1.0, Some(2.0), text_item(&words, Vec::new()))],
        )),
        prompt("And"),
        MessageBody::Answer(answer(AnswerEnd::Complete, [item(0, 0.2, Some(1.0), text_item(&words, Vec::new()))])),
    ]);
    let mut window = TestWindow::new(30, 6);
    window.show(&chat);
    window.scroll(ScrollMove::ToMessage(id(3)), &chat);
    let before = window.scroll(ScrollMove::Rows(-4), &chat);
    window.transcript.toggle_fold(id(2));
    assert_eq!(window.show(&chat), before);
}

#[test]
fn opening_reasoning_keeps_its_head_in_place() {
    let thoughts = reasoning_item(&"Thinking it over.\n\n".repeat(8));
    let chat = conversation(vec![
        prompt("Go"),
        MessageBody::Answer(answer(
            AnswerEnd::Complete,
            [item(0, 0.2, Some(1.0), thoughts), item(1, 1.0, Some(2.0), text_item("Done.", Vec::new()))],
        )),
    ]);
    let mut window = TestWindow::new(30, 8);
    let rows = |page: &str| page.lines().take(4).map(str::to_owned).collect::<Vec<_>>();
    let folded = window.show(&chat);
    window.transcript.toggle_fold(id(2));
    let open = window.show(&chat);
    assert_eq!(rows(&open), rows(&folded));
    assert!(open.contains("▾ Thought briefly\n  ┊ Thinking it over.") && !window.transcript.is_following(), "{open}");
    assert_eq!(window.transcript.new_rows_below(), 0, "unfolded rows are not new");
    window.transcript.toggle_fold(id(2));
    assert_eq!(window.show(&chat), folded);
    assert!(window.transcript.is_following());
}

#[test]
fn the_cost_of_a_frame_does_not_depend_on_the_conversation() {
    let mut costs = Vec::new();
    for count in [10, 1_000] {
        let chat = short_messages(count);
        let mut window = TestWindow::new(40, 20);
        window.show(&chat);
        costs.push(window.transcript.layout_work());
        window.show(&chat);
        assert_eq!(Some(&window.transcript.layout_work()), costs.last(), "nothing changed, so nothing is laid out");
    }
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn the_cost_of_a_delta_does_not_depend_on_the_answer() {
    let cost = |paragraphs: usize| {
        let mut chat = streaming_conversation(2);
        append_text(
            &mut chat,
            2,
            &"\n\nA paragraph of some words, with `code` and **more** that wraps.".repeat(paragraphs),
        );
        let mut window = TestWindow::new(40, 20);
        window.show(&chat);
        while window.transcript.is_behind() {
            window.show(&chat);
        }
        append_text(&mut chat, 2, "\n\nOne");
        window.show(&chat);
        let before = window.transcript.layout_work();
        for _ in 0..10 {
            append_text(&mut chat, 2, " word");
            window.show(&chat);
        }
        let after = window.transcript.layout_work();
        (after.rows - before.rows, after.bytes - before.bytes)
    };
    assert_eq!(cost(10), cost(2_000));
}
