//! What is looked for is found in everything that was said, marked, counted and walked.

use std::time::Duration;

use ibid::{
    app::screen::Focus,
    chat::{Body, Prompt},
};
use ratatui::style::Modifier;
use serde_json::json;

use crate::{reading, support::harness::Harness};

/// The composer's row, where the search has its field.
pub fn field(app: &Harness) -> String {
    app.row(app.state.screen.areas.composer.y)
}

/// The cells on the screen that look like the current match.
pub fn current(app: &Harness) -> String {
    lit(app, |modifier| modifier.contains(Modifier::REVERSED | Modifier::BOLD | Modifier::UNDERLINED))
}

/// All cells that are marked.
pub fn marked(app: &Harness) -> String {
    lit(app, |modifier| modifier.contains(Modifier::REVERSED))
}

fn lit(app: &Harness, looks: impl Fn(Modifier) -> bool) -> String {
    let area = app.state.screen.areas.transcript;
    let buffer = app.buffer();
    let rows = (area.top()..area.bottom()).map(|y| {
        (area.left()..area.right())
            .filter(|x| looks(buffer[(*x, y)].modifier))
            .map(|x| buffer[(x, y)].symbol().to_owned())
            .collect::<String>()
    });
    rows.filter(|row| !row.is_empty()).collect::<Vec<_>>().join("|")
}

#[test]
fn matches_are_marked_and_counted_as_one_types_and_walked_round_the_end() {
    let mut app = reading(80, 24, "Apples and pears.\n\nMore apples, **app**les and `apples`.");
    app.press("esc ctrl-x f");
    assert!(field(&app).contains("find in this conversation"), "{}", field(&app));
    app.enter_text("apples");
    assert!(field(&app).starts_with("⌕ apples") && field(&app).contains("1 of 4"), "{}", field(&app));
    assert_eq!((current(&app).as_str(), marked(&app).as_str()), ("Apples", "Apples|applesapplesapples"));
    app.press("enter n");
    assert!(field(&app).contains("2 of 4"), "{}", field(&app));
    app.press("N N");
    assert!(field(&app).contains("4 of 4 · from the end"), "{}", field(&app));
    app.press("enter");
    assert!(field(&app).contains("1 of 4 · from the top"), "{}", field(&app));
    app.press("shift-enter");
    assert!(field(&app).contains("4 of 4"), "{}", field(&app));
    app.press("esc");
    assert_eq!((app.state.screen.focus, marked(&app).as_str()), (Focus::Transcript, ""));
    assert!(field(&app).contains("type a message"));
    app.press("n");
    assert!(field(&app).contains(" of 4"), "n takes up the last search: {}", field(&app));
}

#[test]
fn small_letters_find_any_case_and_a_capital_only_itself() {
    let mut app = reading(80, 24, "WAL and wal and Wal.");
    app.press("/");
    app.enter_text("wal");
    assert!(field(&app).contains("1 of 3"));
    app.press("ctrl-u");
    app.enter_text("Wal");
    assert!(field(&app).contains("1 of 1"));
    app.enter_text("rus");
    assert!(field(&app).contains("no match"));
    app.press("n o down up shift-enter enter n");
    assert_eq!(marked(&app), "");
}

#[test]
fn a_match_over_a_wrap_is_marked_on_both_rows() {
    let mut app = reading(50, 24, "This paragraph is just long enough to be wrapped somewhere in its middle.");
    app.press("/");
    app.enter_text("to be wrapped somewhere");
    assert!(field(&app).contains("1 of 1"), "{}", field(&app));
    let marked = current(&app);
    assert_eq!(marked.replace('|', " "), "to be wrapped somewhere");
    assert!(marked.contains('|'), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("show me");
    assert_eq!(current(&app), "Show me", "prompts are looked through as well");
}

#[test]
fn a_match_over_a_wrap_beside_markup_is_marked_at_any_width() {
    let answer = "one two three four five six `seven eight` **nine ten** eleven `twelve`  *thirteen* fourteen end";
    // The terminal's own colours have no ground for code: it keeps its backticks.
    for theme in ["ink", "terminal"] {
        let mut begin = crate::support::harness::start(80, 24);
        begin.config.theme = theme.into();
        let mut app = Harness::with(begin);
        app.reply(ibid::store::Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
        let stream = app.prompt("Show me");
        app.answer(stream, answer);
        app.press("tab /");
        for query in ["seven eight nine", "ten eleven twelve", "six seven", "twelve  thirteen fourteen"] {
            app.press("ctrl-u");
            app.enter_text(query);
            assert!(field(&app).contains("1 of 1"), "{query} in {theme}: {}", field(&app));
            for width in 40..=100 {
                app.resize(width, 24);
                let marked: Vec<String> = current(&app).split('|').map(|row| row.trim().to_owned()).collect();
                let said: Vec<&str> = query.split_whitespace().collect();
                let seen = marked.join(" ");
                let seen: Vec<&str> = seen.split_whitespace().collect();
                assert_eq!(seen, said, "{query} in {width}, {theme}: {}", app.screen());
            }
        }
    }
}

#[test]
fn an_address_behind_the_words_of_a_link_is_shown_and_no_match_is_lost_over_it() {
    let mut begin = crate::support::harness::start(80, 24);
    begin.config.links = ibid::config::Switch::Off;
    let mut app = Harness::with(begin);
    app.reply(ibid::store::Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.prompt("Show me");
    app.answer(stream, "Read [the guide](https://x.example/guide) first.");
    assert!(app.screen().contains("Read the guide https://x.example/guide first."), "{}", app.screen());
    app.press("tab /");
    app.enter_text("guide first");
    assert!(field(&app).contains("1 of 1"), "{}", field(&app));
    assert_eq!(current(&app), "guide first", "{}", app.screen());
}

/// An answer whose reasoning is folded away.
fn thoughtful(app: &mut Harness) {
    let stream = app.prompt("Think");
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Only the needle is in here."}]});
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "The answer has none.", "annotations": []}]});
    let payloads = [
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}).to_string(),
        json!({"type": "response.output_item.done", "output_index": 1, "item": message}).to_string(),
        json!({"type": "response.completed", "response": {"id": "gen-1", "status": "completed", "output": [item, message]}})
            .to_string(),
    ];
    app.events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    app.end(stream, Ok(()));
}

#[test]
fn what_is_folded_opens_for_the_current_match_and_folds_again() {
    let mut app = Harness::new(80, 24);
    thoughtful(&mut app);
    assert!(!app.screen().contains("needle"));
    app.press("tab /");
    app.enter_text("n");
    app.enter_text("eedle");
    assert_eq!(current(&app), "needle", "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("none");
    assert!(!app.screen().contains("needle"), "{}", app.screen());
    app.press("ctrl-u");
    app.enter_text("needle");
    app.press("esc");
    assert!(app.screen().contains("needle"), "what is being read stays open");
}

#[test]
fn a_match_out_of_sight_is_brought_into_sight_and_what_is_in_sight_stays() {
    let rows: String = (1..=80).map(|row| format!("row {row} of many\n\n")).collect();
    let mut app = reading(80, 24, &rows);
    app.press("g /");
    app.enter_text("row 3");
    let before = app.screen();
    assert!(before.contains("1 of 11"), "{before}");
    app.press("down");
    assert!(app.screen().contains("row 30 of many") && !app.screen().contains("row 3 of"), "{}", app.screen());
    let top = app.row(2);
    app.press("down");
    assert_eq!(app.row(2), top, "row 31 is in sight already");
}

#[test]
fn matches_that_stream_in_are_counted_without_looking_at_the_rest_again() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("Go on");
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}).to_string()
    };
    let paragraph = "A needle in a paragraph of some length, which is followed by others of its kind.\n\n";
    app.events(stream, &[&delta(&paragraph.repeat(500))]);
    app.press("tab g /");
    app.enter_text("needle");
    assert!(field(&app).contains("1 of 500"), "{}", field(&app));
    let looked = |app: &Harness| app.state.screen.transcript().unwrap().bytes_looked_at();
    let before = looked(&app);
    for _ in 0..10 {
        app.events(stream, &[&delta(paragraph)]);
    }
    assert!(field(&app).contains("1 of 510"), "{}", field(&app));
    let cost = looked(&app) - before;
    assert!(cost < 40 * paragraph.len() as u64, "{cost} bytes for ten paragraphs");
}

#[test]
fn ten_thousand_messages_are_looked_through_a_bounded_piece_a_frame_and_never_laid_out() {
    let mut app = reading(80, 24, "The first answer.");
    let id = app.state.screen.pane.shows.conversation().unwrap();
    let conversation = app.state.open.get_mut(&id).unwrap();
    let model = conversation.messages[&conversation.branch[0]].clone();
    let filler = "Words that nobody looks for, of which there are many. ".repeat(4);
    for number in 0..10_000 {
        let mut message = model.clone();
        message.id = app.state.ids.message(app.now);
        message.parent = conversation.branch.last().copied();
        message.body = Body::Prompt(Prompt { text: format!("{filler}\nneedle {number}") });
        conversation.branch.push(message.id);
        conversation.messages.insert(message.id, message);
    }
    app.press("G /");
    let laid_out = app.state.screen.transcript().unwrap().work().rows;
    app.enter_text("needle 9999");
    let mut frames = 0;
    while app.state.screen.transcript().unwrap().is_finding() {
        let before = app.state.screen.transcript().unwrap().bytes_looked_at();
        app.wait(Duration::from_millis(20));
        app.draw();
        let looked = app.state.screen.transcript().unwrap().bytes_looked_at() - before;
        assert!(looked < 1_200_000, "{looked} bytes in two frames");
        frames += 1;
        assert!(frames < 100, "it never ends");
    }
    assert!(field(&app).contains("1 of 1"), "{}", field(&app));
    assert_eq!(current(&app), "needle 9999");
    let transcript = app.state.screen.transcript().unwrap();
    assert!(transcript.work().rows - laid_out < 2_000, "{} rows", transcript.work().rows - laid_out);
    app.press("ctrl-u");
    app.enter_text("the first answer");
    while app.state.screen.transcript().unwrap().is_finding() {
        app.draw();
    }
    assert_eq!(current(&app), "The first answer");
    assert!(app.state.screen.transcript().unwrap().kept() < 400);
}

#[test]
fn hostile_queries_and_texts_are_no_trouble() {
    let mut app =
        reading(60, 20, "a\u{1b}[31mb \u{202e}x \u{200b} 👨‍👩‍👧 e\u{301} ﬁ İ ẞ\ttab [x](javascript:1) <b>html</b> \\*");
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
