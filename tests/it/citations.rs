//! Walking the citations: the highlight, the card, the rail, the browser and the check.

use std::time::Duration;

use crate::support::{
    cited_answer,
    harness::{Harness, default_start},
    page_checks,
};
use ibid::{
    chat::MessageId,
    citations::check::{CheckQuestion, SoughtText},
    config::{FetchConsent, SettingChange},
    store::{StoreJob, StoreReply},
    ui::{Effect, Msg},
};
use ratatui::style::Modifier;
use serde_json::json;

/// A conversation with two cited answers, scrolled to its end.
fn two_answers(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    for prompt in ["Is WAL safe on NFS?", "And again?"] {
        let stream = app.send_prompt(prompt);
        cited_answer::stream_cited_answer(&mut app, stream);
    }
    app.effects();
    app
}

fn one_answer(width: u16, height: u16) -> Harness {
    let mut app = Harness::new(width, height);
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app.effects();
    app
}

/// Returns the text of the highlighted mark and of the highlighted claim.
fn highlighted(app: &Harness) -> (String, String) {
    let (mut mark, mut claim) = (String::new(), String::new());
    for y in 0..app.areas().transcript.bottom() {
        let area = app.areas().transcript;
        for cell in (area.left()..area.right()).map(|x| &app.buffer()[(x, y)]) {
            if cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD) {
                mark.push_str(cell.symbol());
            } else if cell.modifier.contains(Modifier::UNDERLINED) {
                claim.push_str(cell.symbol());
            }
        }
    }
    (mark, claim)
}

fn selected_source(app: &Harness) -> Option<u32> {
    app.transcript().selected_source_number().map(|(_, number)| number)
}

/// A check that was started: the answer and the question about the only source on the page.
fn started_check(app: &mut Harness) -> (MessageId, CheckQuestion) {
    let started = app.effects().into_iter().find_map(|effect| match effect {
        Effect::CheckPage { message, mut questions, .. } if questions.len() == 1 => {
            Some((message, questions.remove(0)))
        }
        _ => None,
    });
    started.expect("a check is started")
}

/// Completes a check with a page of this text.
fn complete_check(app: &mut Harness, (message, question): (MessageId, CheckQuestion), page: &str) {
    let conversation = app.conversation().expect("a conversation").id;
    let results = page_checks::read_pages(&[question], page);
    app.send(Msg::PageChecked { conversation, message, results });
}

#[test]
fn walking_highlights_the_mark_and_its_claim_without_moving_the_text() {
    let mut app = one_answer(120, 40);
    let writing = app.screen();
    app.press("tab");
    let before = app.screen();
    app.press("]");
    assert_eq!(
        highlighted(&app),
        ("[1]".into(), "processes on different hosts cannot share memory over a network file system".into())
    );
    let text_rows = |screen: &str| screen.lines().take(39).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(text_rows(&app.screen()), text_rows(&before));
    app.press("]");
    assert_eq!(
        highlighted(&app),
        ("[2]".into(), "Even with one host, advisory locks on NFS are the weak point".into())
    );
    app.press("]");
    assert_eq!(highlighted(&app), ("[1]".into(), "WAL is for a local disk".into()));
    app.press("]");
    assert_eq!(
        highlighted(&app),
        ("[3]".into(), String::new()),
        "a source without a position is highlighted in the list of sources"
    );
    app.press("]");
    assert_eq!(highlighted(&app).0, "[3]", "there is none after the last");
    app.press("[ [ [ [");
    assert_eq!(highlighted(&app).0, "[1]");
    app.press("esc");
    assert_eq!(highlighted(&app), (String::new(), String::new()));
    assert_eq!(app.screen(), writing);
}

#[test]
fn empty_parts_and_refusals_do_not_shift_the_citations_after_them() {
    for before in [
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed", "content": []}),
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "", "annotations": []}]}),
        json!({"type": "message", "id": "msg_0", "role": "assistant", "status": "completed",
            "content": [{"type": "refusal", "refusal": "Not that one."}]}),
    ] {
        for in_one_item in [false, true] {
            let mut app = Harness::new(120, 40);
            let stream = app.send_prompt("Is WAL safe on NFS?");
            let cited =
                json!({"type": "output_text", "text": cited_answer::TEXT, "annotations": cited_answer::annotations()});
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
            app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
            app.end_stream(stream, Ok(()));
            app.press("tab ]");
            let claim = "processes on different hosts cannot share memory over a network file system";
            assert_eq!(highlighted(&app), ("[1]".into(), claim.into()), "{before} {in_one_item}: {}", app.screen());
            app.press("] ]");
            assert_eq!(highlighted(&app).1, "WAL is for a local disk", "{before} {in_one_item}");
        }
    }
}

#[test]
fn walking_scrolls_only_to_an_off_screen_citation() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ]");
    let citation = |app: &Harness| app.transcript().selected_citation();
    let first = citation(&app).expect("a citation");
    assert!(app.screen().contains("Is WAL safe on NFS?"), "{}", app.screen());
    let mut steps = 0;
    while citation(&app).is_some_and(|(message, _)| message == first.0) {
        app.press("]");
        assert!(!highlighted(&app).0.is_empty(), "the selected citation is on the screen:\n{}", app.screen());
        steps += 1;
        assert!(steps < 9, "the next answer is reached");
    }
    assert_eq!(steps, 4);
    app.press("[");
    assert_eq!(citation(&app).map(|(message, _)| message), Some(first.0), "and back");
    app.press("ctrl-end [");
    let (message, _) = citation(&app).expect("a citation");
    assert_ne!(message, first.0, "after scrolling away, walking starts from the window");
}

#[test]
fn a_card_opens_below_its_citation_and_nothing_above_it_moves() {
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
    assert!(app.status().contains("Esc closes the card"), "{}", app.status());
    app.press("]");
    assert!(
        app.screen().contains("─ [2] Frequently Asked Questions ─"),
        "the card follows the selection:\n{}",
        app.screen()
    );
    app.press("[ esc");
    assert_eq!(app.screen().lines().take(39).collect::<Vec<_>>(), before.lines().take(39).collect::<Vec<_>>());
    assert_eq!(highlighted(&app).0, "[1]", "the citation is still selected");
}

#[test]
fn a_card_at_the_bottom_is_scrolled_into_view() {
    for (width, height) in [(80, 24), (60, 16), (120, 40)] {
        let mut app = two_answers(width, height);
        app.press("tab [ enter");
        assert!(app.screen().contains("mounts.pdf ─"), "{width}x{height}:\n{}", app.screen());
        assert!(app.screen().contains("y copy"), "{width}x{height}:\n{}", app.screen());
    }
}

#[test]
fn rows_of_a_card_do_not_count_as_new_lines() {
    let mut app = one_answer(40, 10);
    app.press("tab [");
    for key in ["enter", "[", "[", "[", "]", "]", "esc"] {
        app.press(key);
        assert!(!app.screen().contains("new line"), "after {key}:\n{}", app.screen());
    }
}

#[test]
fn keys_do_not_act_on_an_off_screen_citation() {
    let mut app = one_answer(60, 10);
    app.press("tab [ g");
    app.effects();
    app.press("o");
    assert!(!app.effects().iter().any(|effect| matches!(effect, Effect::OpenPage(_))));
    assert!(app.screen().contains("go to a citation first"), "{}", app.screen());
}

#[test]
fn escape_closes_an_off_screen_card_without_scrolling() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ] enter ctrl-end");
    let before = app.screen();
    assert!(!before.contains("supports 2 claims"), "the card is off-screen:\n{before}");
    assert!(app.status().contains("Esc closes the card"), "{}", app.status());
    app.press("esc");
    let rows = |screen: &str| screen.lines().take(20).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&app.screen()), rows(&before));
    app.press("]");
    assert!(!highlighted(&app).0.is_empty(), "the transcript still has the focus:\n{}", app.screen());
    app.press("ctrl-home");
    assert!(!app.screen().contains("supports 2 claims"), "the card is closed:\n{}", app.screen());
}

#[test]
fn a_source_is_copied_as_a_footnote() {
    let mut app = one_answer(80, 24);
    app.press("tab ] enter y");
    let copied = app.effects().into_iter().find_map(|effect| match effect {
        Effect::CopyToClipboard(text) => Some(text),
        _ => None,
    });
    let expected = format!("[^1]: [Write-Ahead Logging](https://www.sqlite.org/wal.html) “{}”", cited_answer::EXCERPT);
    assert_eq!(copied, Some(expected));
}

#[test]
fn a_source_is_opened_in_the_browser_or_the_command_is_shown() {
    let mut app = one_answer(80, 40);
    app.press("tab o");
    assert!(app.screen().contains("go to a citation first"), "{}", app.screen());
    app.press("] enter o");
    let url = app.effects().into_iter().find_map(|effect| match effect {
        Effect::OpenPage(url) => Some(url),
        _ => None,
    });
    let url = url.expect("a page is opened");
    assert_eq!(url, "https://www.sqlite.org/wal.html");
    app.send(Msg::PageOpened { result: Err(format!("xdg-open '{url}'")), url });
    assert!(app.screen().contains("xdg-open 'https://www.sqlite.org/wal.html'"), "{}", app.screen());
    app.press("ctrl-end ] ] ] o");
    assert!(app.screen().contains("has no address"), "a file:\n{}", app.screen());
}

/// An answer with one annotation on its text.
fn answer_citing(annotation: &serde_json::Value) -> Harness {
    let mut app = Harness::new(80, 40);
    let stream = app.send_prompt("Where is it?");
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Near the station.", "annotations": [annotation]}]});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let completed = json!({"type": "response.completed", "response": {"status": "completed", "output": [item]}});
    app.receive_events(stream, &[&done.to_string(), &completed.to_string()]);
    app.end_stream(stream, Ok(()));
    app.effects();
    app
}

#[test]
fn an_unknown_annotation_is_not_shown_as_a_file() {
    let mut app = answer_citing(&json!({"type": "place_citation", "start_index": 0, "end_index": 16}));
    app.press("tab ] enter");
    assert!(app.screen().contains("─ [1] place citation ─"), "{}", app.screen());
    app.press("o");
    assert!(app.screen().contains("this source has no address"), "{}", app.screen());
    app.press("c");
    assert!(app.screen().contains("this source has no page to check"), "{}", app.screen());
}

#[test]
fn a_card_offers_only_the_actions_that_are_available() {
    let mut app =
        answer_citing(&json!({"type": "url_citation", "url": "ftp://a.example/x", "title": "X", "content": "Words.",
        "start_index": 0, "end_index": 16}));
    app.press("tab ] enter");
    assert!(app.screen().contains("── y copy  ] [ next ─╯"), "{}", app.screen());
    app.press("o");
    assert!(app.screen().contains("only http and https pages can be opened"), "{}", app.screen());
    app.press("c");
    assert!(app.screen().contains("only http and https pages can be checked"), "{}", app.screen());
    let is_done = |effect: &Effect| matches!(effect, Effect::OpenPage(_) | Effect::CheckPage { .. });
    assert!(!app.effects().iter().any(is_done));

    let mut app = answer_citing(&json!({"type": "url_citation", "url": "HTTPS://a.example/x", "title": "X"}));
    app.press("tab ] enter");
    assert!(app.screen().contains("── o open  y copy  ] [ next ─╯"), "there is no text to look for: {}", app.screen());
    app.press("c");
    assert!(app.screen().contains("there is nothing to check"), "{}", app.screen());
    app.press("o");
    let opens = |effect: &Effect| matches!(effect, Effect::OpenPage(url) if url == "HTTPS://a.example/x");
    assert!(app.effects().iter().any(opens));
}

#[test]
fn a_page_is_fetched_only_with_consent_and_the_result_is_shown() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    assert!(app.screen().contains("Let ibid fetch https://www.sqlite.org/wal.html"), "{}", app.screen());
    app.press("y");
    assert!(
        app.effects().iter().all(|effect| !matches!(effect, Effect::CheckPage { .. })),
        "a key this early is ignored"
    );
    app.wait(Duration::from_millis(301));
    app.press("n");
    assert!(!app.screen().contains("Let ibid fetch"), "{}", app.screen());
    app.press("c");
    app.wait(Duration::from_millis(301));
    app.press("y");
    let asked = started_check(&mut app);
    assert_eq!(asked.1.texts, [SoughtText::Excerpt(cited_answer::EXCERPT.into())]);
    assert!(app.screen().contains("reading www.sqlite.org  0 s"), "{}", app.screen());
    app.wait(Duration::from_secs(3));
    assert!(app.screen().contains("reading www.sqlite.org  3 s"), "{}", app.screen());
    complete_check(&mut app, asked, &format!("Overview. {} More.", cited_answer::EXCERPT));
    assert!(app.screen().contains("✓ exact words found · paragraph 1"), "{}", app.screen());
    // The second source has no excerpt, so its claim is checked, and consent is not requested again.
    app.press("] c");
    let asked = started_check(&mut app);
    assert_eq!(
        asked.1.texts,
        [SoughtText::Claim("Even with one host, advisory locks on NFS are the weak point".into())]
    );
    complete_check(&mut app, asked, "Nothing of that kind.");
    assert!(app.screen().contains("~ wording not on the page"), "{}", app.screen());
    app.press("[");
    assert!(app.screen().contains("✓ exact words found"), "the result is remembered:\n{}", app.screen());
}

#[test]
fn consent_to_checks_can_be_permanent() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("a");
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SaveSetting(SettingChange::AllowPageChecks))));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::CheckPage { .. })));
    let mut options = default_start(120, 40);
    options.config.sources.check = FetchConsent::Always;
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let stream = app.send_prompt("Is WAL safe on NFS?");
    cited_answer::stream_cited_answer(&mut app, stream);
    app.press("tab ] c");
    started_check(&mut app);
}

#[test]
fn a_late_check_result_does_not_scroll() {
    let mut app = two_answers(80, 24);
    app.press("ctrl-home tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("y");
    let asked = started_check(&mut app);
    app.press("ctrl-end");
    let before = app.screen();
    complete_check(&mut app, asked, cited_answer::EXCERPT);
    assert_eq!(app.screen(), before);
}

#[test]
fn escape_closes_the_question_the_card_and_the_highlight_in_turn() {
    let mut app = one_answer(120, 40);
    app.press("tab ] c");
    app.wait(Duration::from_secs(1));
    app.press("esc");
    assert!(!app.screen().contains("Let ibid fetch"), "first the question:\n{}", app.screen());
    assert!(app.screen().contains("supports 2 claims"), "{}", app.screen());
    app.press("esc");
    assert!(!app.screen().contains("supports 2 claims"), "then the card:\n{}", app.screen());
    assert_eq!(selected_source(&app), Some(1));
    app.press("esc");
    assert_eq!(selected_source(&app), None, "then the highlight");
    app.enter_text("x");
    assert_eq!(app.draft(), "x");
}

#[test]
fn the_transcript_and_the_list_of_sources_share_their_selection() {
    let mut app = one_answer(200, 60);
    let marked = |app: &Harness| {
        let rail = app.areas().rail;
        let row = (rail.top()..rail.bottom()).find(|y| app.buffer()[(rail.x - 1, *y)].symbol() == "▌")?;
        let words: String = (rail.left()..rail.right()).map(|x| app.buffer()[(x, row)].symbol()).collect();
        Some(words.trim_end().to_owned())
    };
    app.press("tab ]");
    assert_eq!(marked(&app).as_deref(), Some("[1] Write-Ahead Logging            2 claims"));
    app.press("]");
    assert_eq!(marked(&app).as_deref(), Some("[2] Frequently Asked Questions      1 claim"));
    app.press("tab j");
    assert_eq!((marked(&app).as_deref(), highlighted(&app).0.as_str()), (Some("[3] mounts.pdf"), "[3]"));
    app.press("j k k");
    assert_eq!((selected_source(&app), highlighted(&app).0.as_str()), (Some(1), "[1]"));
    app.press("enter");
    assert!(app.screen().contains("─ [1] Write-Ahead Logging ─"), "{}", app.screen());
}

#[test]
fn on_a_small_screen_the_list_of_sources_returns_to_the_transcript() {
    let mut app = one_answer(80, 24);
    app.press("ctrl-x s j j enter");
    assert_eq!(selected_source(&app), Some(2));
    assert!(app.screen().contains("─ [2] Frequently Asked Questions ─"), "{}", app.screen());
}

#[test]
fn walking_without_citations_shows_a_message() {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "Hello.");
    app.press("tab ]");
    assert!(app.screen().contains("no answer here cites a source"), "{}", app.screen());
}

#[test]
fn the_details_show_every_known_fact() {
    let mut app = one_answer(200, 60);
    app.press("tab i");
    let screen = app.screen();
    for fact in [
        "model       anthropic/claude-opus-5",
        "requested   openai/gpt-5.6-luna",
        "id          gen-17",
        "total       6.0 s",
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
fn the_status_line_shows_the_cost_of_today() {
    let mut app = Harness::with_start(default_start(120, 40));
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    let requested_since = |app: &mut Harness| {
        app.effects().into_iter().find_map(|effect| match effect {
            Effect::RunStoreJob(StoreJob::SumCosts { since }) => Some(since),
            _ => None,
        })
    };
    let since = requested_since(&mut app).expect("it is requested at the start");
    assert_eq!(since.to_string(), "2026-11-22T00:00:00Z");
    let spent = |digits| ibid::api::Usd::parse(digits).expect("an amount");
    app.store_reply(StoreReply::CostsSummed { since, cost: spent("0") });
    assert!(!app.status().contains("today"), "{}", app.status());
    app.store_reply(StoreReply::CostsSummed { since, cost: spent("0.3412") });
    assert!(app.status().contains("today $0.34"), "{}", app.status());
    let stream = app.send_prompt("Is WAL safe on NFS?");
    app.effects();
    cited_answer::stream_cited_answer(&mut app, stream);
    assert_eq!(requested_since(&mut app), Some(since), "it is requested again when an answer ends");
    app.store_reply(StoreReply::CostsSummed { since, cost: spent("0.3596001") });
    assert!(app.status().contains("$0.018 · today $0.36"), "{}", app.status());
    let stream = app.send_prompt("And on SMB?");
    app.receive_events(stream, &[r#"{"type":"response.output_text.delta","output_index":0,"delta":"It is"}"#]);
    app.effects();
    app.press("esc");
    assert_eq!(requested_since(&mut app), Some(since), "and when one is stopped");
    app.wait(Duration::from_hours(10));
    app.press("tab");
    assert!(!app.status().contains("today"), "another day has begun: {}", app.status());
    assert_eq!(requested_since(&mut app).map(|since| since.to_string()).as_deref(), Some("2026-11-23T00:00:00Z"));
}
