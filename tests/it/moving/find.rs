//! Find: matches in prompts, answers and folded content are marked, counted and walked.

use std::time::Duration;

use ibid::ui::chats::Chats;
use ibid::{
    chat::{MessageBody, Prompt},
    ui::screen::PaneFocus,
};
use ratatui::style::Modifier;
use serde_json::json;

use super::with_answer;
use crate::support::harness::Harness;

/// Returns the composer's row, which holds the search field.
pub fn search_field(app: &Harness) -> String {
    app.row(app.areas().composer.y)
}

/// Returns the text on the screen in the style of the current match.
pub fn current_match(app: &Harness) -> String {
    text_of_cells(app, |modifier| modifier.contains(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED))
}

/// Returns the text of all marked cells.
pub fn marked_text(app: &Harness) -> String {
    text_of_cells(app, |modifier| modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED))
}

fn text_of_cells(app: &Harness, is_match: impl Fn(Modifier) -> bool) -> String {
    let area = app.areas().transcript;
    let buffer = app.buffer();
    let rows = (area.top()..area.bottom()).map(|y| {
        (area.left()..area.right())
            .filter(|x| is_match(buffer[(*x, y)].modifier))
            .map(|x| buffer[(x, y)].symbol().to_owned())
            .collect::<String>()
    });
    rows.filter(|row| !row.is_empty()).collect::<Vec<_>>().join("|")
}

#[test]
fn matches_are_marked_and_counted_while_typing_and_walking_wraps_around() {
    let mut app = with_answer(80, 24, "Apples and pears.\n\nMore apples, **app**les and `apples`.");
    app.press("esc ctrl-x f");
    assert!(search_field(&app).contains("find in this conversation"), "{}", search_field(&app));
    app.enter_text("apples");
    assert!(
        search_field(&app).starts_with("⌕ apples") && search_field(&app).contains("1 of 4"),
        "{}",
        search_field(&app)
    );
    assert_eq!((current_match(&app).as_str(), marked_text(&app).as_str()), ("Apples", "Apples|applesapplesapples"));
    app.press("enter n");
    assert!(search_field(&app).contains("2 of 4"), "{}", search_field(&app));
    app.press("N N");
    assert!(search_field(&app).contains("4 of 4 · from the end"), "{}", search_field(&app));
    app.press("enter");
    assert!(search_field(&app).contains("1 of 4 · from the top"), "{}", search_field(&app));
    app.press("shift-enter");
    assert!(search_field(&app).contains("4 of 4"), "{}", search_field(&app));
    app.press("esc");
    assert_eq!((app.focus(), marked_text(&app).as_str()), (PaneFocus::Composer, ""), "it was opened from there");
    assert!(search_field(&app).contains("type a message"));
    app.press("tab n");
    assert!(search_field(&app).contains(" of 4"), "n repeats the last search: {}", search_field(&app));
}

#[test]
fn lowercase_queries_ignore_case_and_capitals_match_exactly() {
    let mut app = with_answer(80, 24, "WAL and wal and Wal.");
    app.press("/");
    app.enter_text("wal");
    assert!(search_field(&app).contains("1 of 3"));
    app.press("ctrl-u");
    app.enter_text("Wal");
    assert!(search_field(&app).contains("1 of 1"));
    app.enter_text("rus");
    assert!(search_field(&app).contains("no match"));
    app.press("n o down up shift-enter enter n");
    assert_eq!(marked_text(&app), "");
}

#[test]
fn a_match_across_a_line_wrap_is_marked_on_both_rows() {
    let mut app = with_answer(50, 24, "This paragraph is just long enough to be wrapped somewhere in its middle.");
    app.press("/");
    app.enter_text("to be wrapped somewhere");
    assert!(search_field(&app).contains("1 of 1"), "{}", search_field(&app));
    let marked = current_match(&app);
    assert_eq!(marked.replace('|', " "), "to be wrapped somewhere");
    assert!(marked.contains('|'), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("show me");
    assert_eq!(current_match(&app), "Show me", "prompts are searched too");
}

#[test]
fn a_match_across_markup_and_a_line_wrap_is_marked_at_any_width() {
    let answer = "one two three four five six `seven eight` **nine ten** eleven `twelve`  *thirteen* fourteen end";
    // The `terminal` theme has no background for code, so code keeps its backticks.
    for theme in ["ink", "terminal"] {
        let mut options = crate::support::harness::default_start(80, 24);
        options.config.theme = theme.into();
        let mut app = Harness::with_start(options);
        app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
        let stream = app.send_prompt("Show me");
        app.stream_answer(stream, answer);
        app.press("tab /");
        for query in ["seven eight nine", "ten eleven twelve", "six seven", "twelve  thirteen fourteen"] {
            app.press("ctrl-u");
            app.enter_text(query);
            assert!(search_field(&app).contains("1 of 1"), "{query} in {theme}: {}", search_field(&app));
            for width in 40..=100 {
                app.resize(width, 24);
                let marked: Vec<String> = current_match(&app).split('|').map(|row| row.trim().to_owned()).collect();
                let expected: Vec<&str> = query.split_whitespace().collect();
                let seen = marked.join(" ");
                let seen: Vec<&str> = seen.split_whitespace().collect();
                assert_eq!(seen, expected, "{query} in {width}, {theme}: {}", app.screen());
            }
        }
    }
}

#[test]
fn a_match_may_span_the_address_shown_after_a_link() {
    let mut options = crate::support::harness::default_start(80, 24);
    options.config.links = ibid::config::AutoSwitch::Off;
    let mut app = Harness::with_start(options);
    app.store_reply(ibid::store::StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.send_prompt("Show me");
    app.stream_answer(stream, "Read [the guide](https://x.example/guide) first.");
    assert!(app.screen().contains("Read the guide https://x.example/guide first."), "{}", app.screen());
    app.press("tab /");
    app.enter_text("guide first");
    assert!(search_field(&app).contains("1 of 1"), "{}", search_field(&app));
    assert_eq!(current_match(&app), "guide first", "{}", app.screen());
}

/// Adds an answer whose reasoning is folded.
fn answer_with_reasoning(app: &mut Harness) {
    let stream = app.send_prompt("Think");
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Only the needle is in here."}]});
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "The answer has none.", "annotations": []}]});
    let payloads = [
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}).to_string(),
        json!({"type": "response.output_item.done", "output_index": 1, "item": message}).to_string(),
        json!({"type": "response.completed", "response": {"id": "gen-1", "status": "completed", "output": [item, message]}})
            .to_string(),
    ];
    app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    app.end_stream(stream, Ok(()));
}

#[test]
fn a_fold_opens_for_the_current_match_and_closes_again() {
    let mut app = Harness::new(80, 24);
    answer_with_reasoning(&mut app);
    assert!(!app.screen().contains("needle"));
    app.press("tab /");
    app.enter_text("n");
    app.enter_text("eedle");
    assert_eq!(current_match(&app), "needle", "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("none");
    assert!(!app.screen().contains("needle"), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("needle");
    app.press("esc");
    assert!(app.screen().contains("needle"), "the content of the last match stays open");
}

#[test]
fn finding_scrolls_only_to_an_off_screen_match() {
    let rows: String = (1..=80).map(|row| format!("row {row} of many\n\n")).collect();
    let mut app = with_answer(80, 24, &rows);
    app.press("g /");
    app.enter_text("row 3");
    let before = app.screen();
    assert!(before.contains("1 of 11"), "{before}");
    app.press("down");
    assert!(app.screen().contains("row 30 of many") && !app.screen().contains("row 3 of"), "{}", app.screen());
    let top = app.row(2);
    app.press("down");
    assert_eq!(app.row(2), top, "row 31 is already visible");
}

#[test]
fn streamed_matches_are_counted_without_searching_the_rest_again() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("Go on");
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}).to_string()
    };
    let paragraph = "A needle in a paragraph of some length, which is followed by others of its kind.\n\n";
    app.receive_events(stream, &[&delta(&paragraph.repeat(500))]);
    app.press("tab g /");
    app.enter_text("needle");
    assert!(search_field(&app).contains("1 of 500"), "{}", search_field(&app));
    let bytes_searched = |app: &Harness| app.transcript().bytes_searched();
    let before = bytes_searched(&app);
    for _ in 0..10 {
        app.receive_events(stream, &[&delta(paragraph)]);
    }
    assert!(search_field(&app).contains("1 of 510"), "{}", search_field(&app));
    let cost = bytes_searched(&app) - before;
    assert!(cost < 40 * paragraph.len() as u64, "{cost} bytes for ten paragraphs");
}

#[test]
fn searching_ten_thousand_messages_is_bounded_per_frame_and_lays_none_out() {
    let mut app = with_answer(80, 24, "The first answer.");
    let id = app.conversation_id().unwrap();
    let now = app.now;
    let Chats { conversations, ids, .. } = app.chats_mut();
    let conversation = conversations.get_mut(&id).unwrap();
    let template = conversation.messages[&conversation.branch[0]].clone();
    let filler = "Words that nobody looks for, of which there are many. ".repeat(4);
    for number in 0..10_000 {
        let mut message = template.clone();
        message.id = ids.message(now);
        message.parent = conversation.branch.last().copied();
        message.body = MessageBody::Prompt(Prompt { text: format!("{filler}\nneedle {number}") });
        conversation.branch.push(message.id);
        conversation.messages.insert(message.id, message);
    }
    app.press("G /");
    let rows_before = app.transcript().layout_work().rows;
    app.enter_text("needle 9999");
    let mut frames = 0;
    while app.transcript().is_searching() {
        let before = app.transcript().bytes_searched();
        app.wait(Duration::from_millis(20));
        app.draw();
        let searched = app.transcript().bytes_searched() - before;
        assert!(searched < 1_200_000, "{searched} bytes in two frames");
        frames += 1;
        assert!(frames < 100, "the search never ends");
    }
    assert!(search_field(&app).contains("1 of 1"), "{}", search_field(&app));
    assert_eq!(current_match(&app), "needle 9999");
    let transcript = app.transcript();
    assert!(
        transcript.layout_work().rows - rows_before < 2_000,
        "{} rows",
        transcript.layout_work().rows - rows_before
    );
    app.press("ctrl-u");
    app.enter_text("the first answer");
    while app.transcript().is_searching() {
        app.draw();
    }
    assert_eq!(current_match(&app), "The first answer");
    assert!(app.transcript().cached_messages() < 400);
}

#[test]
fn hostile_queries_and_texts_do_not_panic() {
    let mut app =
        with_answer(60, 20, "a\u{1b}[31mb \u{202e}x \u{200b} 👨‍👩‍👧 e\u{301} ﬁ İ ẞ\ttab [x](javascript:1) <b>html</b> \\*");
    app.press("/");
    for query in ["\u{1b}", "👨", "e\u{301}", "ﬁ", "İ", "ß", "\t", "*", "\\", "[31m", "html", " ", "a b c d e f g h"]
    {
        app.press("ctrl-u");
        app.paste(query);
        app.press("down up");
        app.resize(42, 12);
        app.resize(60, 20);
    }
}
