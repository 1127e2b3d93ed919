//! From citation to citation: the light, the card, the rail, the browser, the check.

mod support;

use std::time::Duration;

use ibid::{
    app::{Effect, Msg},
    config::{Chosen, Consent},
    store::{Job, Reply},
    text::quote::Haystack,
    widgets::check::{Question, Reading},
};
use ratatui::style::Modifier;
use serde_json::json;
use support::{
    cited,
    harness::{Harness, start},
};

/// A conversation with two answers that cite, at its end.
fn two_answers(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    for prompt in ["Is WAL safe on NFS?", "And again?"] {
        let stream = app.prompt(prompt);
        cited::answer(&mut app, stream);
    }
    app.effects();
    app
}

fn one_answer(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.prompt("Is WAL safe on NFS?");
    cited::answer(&mut app, stream);
    app.effects();
    app
}

/// The cells that are lit: marks reversed, claims on their ground.
fn lit(app: &Harness) -> (String, String) {
    let (mut mark, mut claim) = (String::new(), String::new());
    for y in 0..app.state.screen.areas.transcript.bottom() {
        let area = app.state.screen.areas.transcript;
        for cell in (area.left()..area.right()).map(|x| &app.buffer()[(x, y)]) {
            if cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD) {
                mark.push_str(cell.symbol());
            } else if cell.modifier.contains(Modifier::REVERSED) {
                claim.push_str(cell.symbol());
            }
        }
    }
    (mark, claim)
}

fn source(app: &Harness) -> Option<u32> {
    app.state
        .screen
        .transcript()
        .and_then(ibid::widgets::transcript::Transcript::cited_source)
        .map(|(_, number)| number)
}

fn question(app: &mut Harness) -> Question {
    let asked = app.effects().into_iter().find_map(|effect| match effect {
        Effect::Check { question, .. } => Some(question),
        _ => None,
    });
    asked.expect("a page is to be fetched")
}

/// The page says this.
fn say(app: &mut Harness, question: Question, page: &str) {
    let conversation = app.state.current().expect("a conversation").id;
    let found = vec![Haystack::new(page).find(question.words.text())];
    let url = question.url.clone();
    app.send(Msg::Checked { conversation, question, result: Ok(Reading { url, cut: None, found }) });
}

#[test]
fn walking_lights_the_mark_and_its_claim_and_moves_nothing() {
    let mut app = one_answer(120, 40);
    let writing = app.screen();
    app.press("tab");
    let before = app.screen();
    app.press("]");
    assert_eq!(
        lit(&app),
        ("[1]".into(), "processes on different hosts cannot share memory over a network file system".into())
    );
    let text = |screen: &str| screen.lines().take(39).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(text(&app.screen()), text(&before));
    app.press("]");
    assert_eq!(lit(&app), ("[2]".into(), "Even with one host, advisory locks on NFS are the weak point".into()));
    app.press("]");
    assert_eq!(lit(&app), ("[1]".into(), "WAL is for a local disk".into()));
    app.press("]");
    assert_eq!(lit(&app), ("[3]".into(), String::new()), "a source that no place names is lit where it is listed");
    app.press("]");
    assert_eq!(lit(&app).0, "[3]", "behind the last there is none");
    app.press("[ [ [ [");
    assert_eq!(lit(&app).0, "[1]");
    app.press("esc");
    assert_eq!(lit(&app), (String::new(), String::new()));
    assert_eq!(app.screen(), writing);
}

#[test]
fn what_stands_empty_or_declined_before_a_text_shifts_none_of_its_citations() {
    for before in [
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": []}),
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "", "annotations": []}]}),
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed",
            "content": [{"type": "refusal", "refusal": "Not that one."}]}),
    ] {
        for in_one_item in [false, true] {
            let mut app = Harness::new(120, 40);
            let stream = app.prompt("Is WAL safe on NFS?");
            let cited = json!({"type": "output_text", "text": cited::TEXT, "annotations": cited::annotations()});
            let mut items = vec![before.clone()];
            if in_one_item {
                items[0]["content"].as_array_mut().expect("parts").push(cited);
            } else {
                items.push(json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [cited]}));
            }
            let mut payloads: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    json!({"type": "response.output_item.done", "output_index": index, "item": item}).to_string()
                })
                .collect();
            payloads.push(
                json!({"type": "response.completed", "response": {"status": "completed", "output": items}}).to_string(),
            );
            app.events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
            app.end(stream, Ok(()));
            app.press("tab ]");
            let claim = "processes on different hosts cannot share memory over a network file system";
            assert_eq!(lit(&app), ("[1]".into(), claim.into()), "{before} {in_one_item}: {}", app.screen());
            app.press("] ]");
            assert_eq!(lit(&app).1, "WAL is for a local disk", "{before} {in_one_item}");
        }
    }
}

#[test]
fn the_window_moves_only_where_the_citation_is_not_in_it() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ]");
    let transcript = |app: &Harness| app.state.screen.transcript().expect("it is open").citation();
    let first = transcript(&app).expect("a citation");
    assert!(app.screen().contains("Is WAL safe on NFS?"), "{}", app.screen());
    let mut steps = 0;
    while transcript(&app).is_some_and(|(message, _)| message == first.0) {
        app.press("]");
        assert!(!lit(&app).0.is_empty(), "what is walked to is on the screen:\n{}", app.screen());
        steps += 1;
        assert!(steps < 9, "the next answer is reached");
    }
    assert_eq!(steps, 4);
    app.press("[");
    assert_eq!(transcript(&app).map(|(message, _)| message), Some(first.0), "and back");
    app.press("ctrl-end [");
    let (message, _) = transcript(&app).expect("a citation");
    assert_ne!(message, first.0, "a reader who has scrolled away begins where he is");
}

#[test]
fn a_card_opens_below_its_words_and_nothing_above_it_moves() {
    let mut app = two_answers(120, 40);
    app.press("ctrl-home tab ]");
    let before = app.screen();
    app.press("enter");
    let screen = app.screen();
    let top = screen.lines().position(|line| line.contains("─ [1] Write-Ahead Logging ─")).expect("the card");
    let rows = |screen: &str| screen.lines().take(top - 1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&screen), rows(&before));
    assert!(screen.contains("supports 2 claims"), "{screen}");
    assert!(screen.contains("“All processes using a database"), "{screen}");
    assert!(screen.contains("• WAL is for a local disk"), "{screen}");
    assert!(app.status().contains("esc closes the card"), "{}", app.status());
    app.press("]");
    assert!(app.screen().contains("─ [2] Frequently Asked Questions ─"), "the card goes along:\n{}", app.screen());
    app.press("[ esc");
    assert_eq!(app.screen().lines().take(39).collect::<Vec<_>>(), before.lines().take(39).collect::<Vec<_>>());
    assert_eq!(lit(&app).0, "[1]", "the citation is still looked at");
}

#[test]
fn a_card_at_the_bottom_is_brought_into_the_window() {
    for (width, height) in [(80, 24), (60, 16), (120, 40)] {
        let mut app = two_answers(width, height);
        app.press("tab [ enter");
        assert!(app.screen().contains("mounts.pdf ─"), "{width}x{height}:\n{}", app.screen());
        assert!(app.screen().contains("y copy"), "{width}x{height}:\n{}", app.screen());
    }
}

#[test]
fn a_card_has_no_new_lines() {
    let mut app = one_answer(40, 10);
    app.press("tab [");
    for key in ["enter", "[", "[", "[", "]", "]", "esc"] {
        app.press(key);
        assert!(!app.screen().contains("new line"), "after {key}:\n{}", app.screen());
    }
}

#[test]
fn no_key_acts_on_a_citation_that_was_scrolled_away() {
    let mut app = one_answer(60, 10);
    app.press("tab [ g");
    app.effects();
    app.press("o");
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::Browse(_))));
    assert!(app.screen().contains("go to a citation first"), "{}", app.screen());
}

#[test]
fn esc_closes_a_card_that_was_scrolled_away_and_the_window_stays() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ] enter ctrl-end");
    let before = app.screen();
    assert!(!before.contains("supports 2 claims"), "the card is out of sight:\n{before}");
    assert!(app.status().contains("esc closes the card"), "{}", app.status());
    app.press("esc");
    let rows = |screen: &str| screen.lines().take(20).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&app.screen()), rows(&before));
    app.press("]");
    assert!(!lit(&app).0.is_empty(), "the text still has the keys:\n{}", app.screen());
    app.press("ctrl-home");
    assert!(!app.screen().contains("supports 2 claims"), "the card is closed:\n{}", app.screen());
}

#[test]
fn a_source_is_copied_as_a_footnote() {
    let mut app = one_answer(80, 24);
    app.press("tab ] enter y");
    let copied = app.effects().into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    let expected = format!("[^1]: [Write-Ahead Logging](https://www.sqlite.org/wal.html) “{}”", cited::EXCERPT);
    assert_eq!(copied, Some(expected));
}

#[test]
fn a_source_is_opened_in_the_browser_or_the_command_is_shown() {
    let mut app = one_answer(80, 40);
    app.press("tab o");
    assert!(app.screen().contains("go to a citation first"), "{}", app.screen());
    app.press("] enter o");
    let url = app.effects().into_iter().find_map(|effect| match effect {
        Effect::Browse(url) => Some(url),
        _ => None,
    });
    let url = url.expect("a page is opened");
    assert_eq!(url, "https://www.sqlite.org/wal.html");
    app.send(Msg::Browsed { result: Err(format!("xdg-open '{url}'")), url });
    assert!(app.screen().contains("xdg-open 'https://www.sqlite.org/wal.html'"), "{}", app.screen());
    app.press("ctrl-end ] ] ] o");
    assert!(app.screen().contains("has no address"), "a file:\n{}", app.screen());
}

/// An answer with one annotation that belongs to its words.
fn answer_citing(annotation: &serde_json::Value) -> Harness {
    let mut app = Harness::new(80, 40);
    let stream = app.prompt("Where is it?");
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Near the station.", "annotations": [annotation]}]});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let completed = json!({"type": "response.completed", "response": {"status": "completed", "output": [item]}});
    app.events(stream, &[&done.to_string(), &completed.to_string()]);
    app.end(stream, Ok(()));
    app.effects();
    app
}

#[test]
fn what_is_no_file_is_not_said_to_be_one() {
    let mut app = answer_citing(&json!({"type": "place_citation", "start_index": 0, "end_index": 16}));
    app.press("tab ] enter");
    assert!(app.screen().contains("─ [1] place citation ─"), "{}", app.screen());
    app.press("o");
    assert!(app.screen().contains("this source has no address"), "{}", app.screen());
    app.press("c");
    assert!(app.screen().contains("this source has no page to look at"), "{}", app.screen());
}

#[test]
fn a_card_offers_only_what_can_be_done() {
    let mut app =
        answer_citing(&json!({"type": "url_citation", "url": "ftp://a.example/x", "title": "X", "content": "Words.",
        "start_index": 0, "end_index": 16}));
    app.press("tab ] enter");
    assert!(app.screen().contains("── y copy  [ ] walk ─╯"), "{}", app.screen());
    app.press("o");
    assert!(app.screen().contains("only pages with http or https are opened"), "{}", app.screen());
    app.press("c");
    assert!(app.screen().contains("only pages with http or https are looked at"), "{}", app.screen());
    let is_done = |effect: &Effect| matches!(effect, Effect::Browse(_) | Effect::Check { .. });
    assert!(!app.effects().iter().any(is_done));

    let mut app = answer_citing(&json!({"type": "url_citation", "url": "HTTPS://a.example/x", "title": "X"}));
    app.press("tab ] enter");
    assert!(app.screen().contains("── o open  y copy  [ ] walk ─╯"), "no words to look for: {}", app.screen());
    app.press("c");
    assert!(app.screen().contains("there is nothing to look for"), "{}", app.screen());
    app.press("o");
    let opens = |effect: &Effect| matches!(effect, Effect::Browse(url) if url == "HTTPS://a.example/x");
    assert!(app.effects().iter().any(opens));
}

#[test]
fn a_page_is_fetched_only_after_the_reader_was_asked_and_then_says_what_it_found() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    assert!(app.screen().contains("May ibid fetch https://www.sqlite.org/wal.html"), "{}", app.screen());
    app.press("y");
    assert!(app.effects().iter().all(|effect| !matches!(effect, Effect::Check { .. })), "too soon to be meant");
    app.wait(Duration::from_millis(301));
    app.press("n");
    assert!(!app.screen().contains("May ibid fetch"), "{}", app.screen());
    app.press("c");
    app.wait(Duration::from_millis(301));
    app.press("y");
    let asked = question(&mut app);
    assert_eq!(asked.words.text(), cited::EXCERPT);
    assert!(app.screen().contains("reading www.sqlite.org  0 s"), "{}", app.screen());
    app.wait(Duration::from_secs(3));
    assert!(app.screen().contains("reading www.sqlite.org  3 s"), "{}", app.screen());
    say(&mut app, asked, &format!("Overview. {} More.", cited::EXCERPT));
    assert!(app.screen().contains("the excerpt stands on the page word for word"), "{}", app.screen());
    // The second source came without an excerpt, and nobody is asked again.
    app.press("] c");
    let asked = question(&mut app);
    assert_eq!(asked.words.text(), "Even with one host, advisory locks on NFS are the weak point");
    say(&mut app, asked, "Nothing of that kind.");
    assert!(app.screen().contains("the claim was not found on the page"), "{}", app.screen());
    app.press("[");
    assert!(app.screen().contains("the excerpt stands on the page"), "what was found is remembered:\n{}", app.screen());
}

#[test]
fn a_reader_may_say_so_for_good() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("a");
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Keep(Chosen::Checks))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Check { .. })));
    let mut begin = start(120, 40);
    begin.config.sources.check = Consent::Always;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.prompt("Is WAL safe on NFS?");
    cited::answer(&mut app, stream);
    app.press("tab ] c");
    question(&mut app);
}

#[test]
fn a_result_that_comes_late_does_not_take_the_reader_back() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("y");
    let asked = question(&mut app);
    app.press("ctrl-end");
    let before = app.screen();
    say(&mut app, asked, cited::EXCERPT);
    assert_eq!(app.screen(), before);
}

#[test]
fn esc_goes_back_step_by_step() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("esc");
    assert!(!app.screen().contains("May ibid fetch"), "first the question:\n{}", app.screen());
    assert!(app.screen().contains("supports 2 claims"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("supports 2 claims"), "then the card:\n{}", app.screen());
    assert_eq!(source(&app), Some(1));
    app.press("esc");
    assert_eq!(source(&app), None, "then the light");
    app.enter_text("x");
    assert_eq!(app.draft(), "x");
}

#[test]
fn moving_in_the_text_or_in_the_list_of_sources_moves_the_other() {
    let mut app = one_answer(200, 60);
    let marked = |app: &Harness| {
        let rail = app.state.screen.areas.rail;
        let row = (rail.top()..rail.bottom()).find(|y| app.buffer()[(rail.x - 1, *y)].symbol() == "▌")?;
        let words: String = (rail.left()..rail.right()).map(|x| app.buffer()[(x, row)].symbol()).collect();
        Some(words.trim_end().to_owned())
    };
    app.press("tab ]");
    assert_eq!(marked(&app).as_deref(), Some("[1] Write-Ahead Logging            2 claims"));
    app.press("]");
    assert_eq!(marked(&app).as_deref(), Some("[2] Frequently Asked Questions      1 claim"));
    app.press("tab j");
    assert_eq!((marked(&app).as_deref(), lit(&app).0.as_str()), (Some("[3] mounts.pdf"), "[3]"));
    app.press("j k k");
    assert_eq!((source(&app), lit(&app).0.as_str()), (Some(1), "[1]"));
    app.press("enter");
    assert!(app.screen().contains("─ [1] Write-Ahead Logging ─"), "{}", app.screen());
}

#[test]
fn on_a_small_screen_the_list_of_sources_leads_back_to_the_text() {
    let mut app = one_answer(80, 24);
    app.press("ctrl-x s j j enter");
    assert_eq!(source(&app), Some(2));
    assert!(app.screen().contains("─ [2] Frequently Asked Questions ─"), "{}", app.screen());
}

#[test]
fn where_nothing_is_cited_that_is_said() {
    let mut app = Harness::new(80, 24);
    let stream = app.prompt("hello");
    app.answer(stream, "Hello.");
    app.press("tab ]");
    assert!(app.screen().contains("no answer here names a source"), "{}", app.screen());
}

#[test]
fn details_tell_everything_that_is_known() {
    let mut app = one_answer(200, 60);
    app.press("tab i");
    let screen = app.screen();
    for fact in [
        "model       anthropic/claude-opus-5",
        "asked for   openai/gpt-5.6-luna",
        "id          gen-17",
        "in all      6.0 s",
        "input       1204 tokens, 900 cached",
        "output      356 tokens, 312 of reasoning",
        "cost        $0.0184001",
        "ended       complete",
        "sources     3",
    ] {
        assert!(screen.contains(fact), "{fact}:\n{screen}");
    }
}

#[test]
fn what_was_spent_today_stands_on_the_status_line() {
    let mut app = Harness::with(start(120, 40));
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let asked = |app: &mut Harness| {
        app.effects().into_iter().find_map(|effect| match effect {
            Effect::Store(Job::Spent { since }) => Some(since),
            _ => None,
        })
    };
    let since = asked(&mut app).expect("it is asked for at the start");
    assert_eq!(since.to_string(), "2026-11-22T00:00:00Z");
    let spent = |digits| ibid::api::Usd::parse(digits).expect("an amount");
    app.reply(Reply::Spent { since, cost: spent("0") });
    assert!(!app.status().contains("today"), "{}", app.status());
    app.reply(Reply::Spent { since, cost: spent("0.3412") });
    assert!(app.status().contains("today $0.341"), "{}", app.status());
    let stream = app.prompt("Is WAL safe on NFS?");
    app.effects();
    cited::answer(&mut app, stream);
    assert_eq!(asked(&mut app), Some(since), "it is asked for again when an answer has ended");
    app.reply(Reply::Spent { since, cost: spent("0.3596001") });
    assert!(app.status().contains("$0.0184 · today $0.36"), "{}", app.status());
    app.wait(Duration::from_hours(10));
    app.press("tab");
    assert!(!app.status().contains("today"), "another day has begun: {}", app.status());
    assert_eq!(asked(&mut app).map(|since| since.to_string()).as_deref(), Some("2026-11-23T00:00:00Z"));
}
