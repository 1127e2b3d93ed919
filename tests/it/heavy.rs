//! No text freezes the screen: eight times the text takes at most twenty times as long, in time that only this thread
//! used; and what is too much for a frame is laid out elsewhere.

#[path = "../support/heavy_inputs.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library's own tests use all of it")]
mod heavy_inputs;

use std::time::Duration;

use ibid::{
    render::markdown::{LayoutBudget, MarkdownLayout, MarkdownOptions, TextStage},
    ui::Effect,
};
use rustix::time::{ClockId, clock_gettime};

use crate::support::harness::Harness;

const SIZE: usize = 2_500;

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

/// Returns the least time of five runs.
pub fn least_time(work: impl Fn()) -> Duration {
    let run = || {
        let start = thread_time();
        work();
        thread_time().saturating_sub(start)
    };
    (0..5).map(|_| run()).min().expect("there are five")
}

fn lay_out(text: &str) {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(text, 80, TextStage::Complete, &[]);
}

#[test]
fn no_kind_of_text_takes_much_longer_than_its_length() {
    let is_slow = |(kind, text): &(&str, fn(usize) -> String)| {
        let (short, long) = (text(SIZE), text(8 * SIZE));
        let (once, eight) = (least_time(|| lay_out(&short)), least_time(|| lay_out(&long)));
        (eight > 20 * once).then(|| format!("{kind}: {once:?}, but {eight:?} for eight times as much"))
    };
    let slow: Vec<String> = heavy_inputs::TEXTS.iter().filter_map(is_slow).collect();
    assert_eq!(slow, [""; 0]);
}

#[test]
fn no_frame_lays_out_more_than_its_budget() {
    for (kind, text) in heavy_inputs::TEXTS {
        let text = text(300_000);
        let mut layout = MarkdownLayout::new(MarkdownOptions::default());
        let frame = |layout: &mut MarkdownLayout, arrived: &str, stage: TextStage| {
            let (mut budget, before) = (LayoutBudget::FRAME, layout.work());
            let is_behind = layout.sync_frame(arrived, 80, stage, &[], &mut budget);
            let (bytes, rows) = (layout.work().bytes - before.bytes, layout.work().rows - before.rows);
            assert!(bytes < 400_000 && rows < 70_000, "{kind}: {bytes} bytes and {rows} rows in a frame");
            !is_behind
        };
        for end in [1_000, 64_000, 128_000, 192_000, text.len()] {
            let arrived = &text[..text.floor_char_boundary(end)];
            while !frame(&mut layout, arrived, TextStage::Growing) {}
        }
        while !frame(&mut layout, &text, TextStage::Complete) {}
        let mut reopened = MarkdownLayout::new(MarkdownOptions::default());
        while !frame(&mut reopened, &text, TextStage::Complete) {}
        assert!(reopened.shows_plain_source(), "{kind}");
    }
}

#[test]
fn a_text_is_its_source_until_another_thread_has_laid_it_out() {
    let mut app = Harness::new(80, 24);
    app.lays_out_texts = false;
    app.set_layout_budget(LayoutBudget::NONE);
    let stream = app.send_prompt("go on");
    app.stream_answer(stream, "# A title\n\nSome **bold** words.");
    let screen = app.screen();
    assert!(screen.contains("source, being laid out") && screen.contains("Some **bold** words."), "{screen}");
    assert_eq!(app.lay_out_texts(), 1);
    app.draw();
    let screen = app.screen();
    assert!(screen.contains("Some bold words.") && !screen.contains("source, being"), "{screen}");
    app.draw();
    assert_eq!(app.lay_out_texts(), 0, "nothing is left");
}

#[test]
fn the_row_at_the_top_stays_there_when_its_text_is_laid_out() {
    let mut app = Harness::new(60, 24);
    let stream = app.send_prompt("count");
    let text: String = (0..200).map(|number| format!("## Line {number}\n\nSome *words* about it.\n\n")).collect();
    app.stream_answer(stream, &text);
    app.press("pgup pgup pgup");
    let line = |app: &Harness| {
        let rows = (0..20).map(|y| app.row(y)).find(|row| row.contains("Line "));
        rows.expect("a heading is in sight").split("Line ").nth(1).map(|rest| rest[..3].to_owned())
    };
    let before = line(&app);
    app.lays_out_texts = false;
    app.set_layout_budget(LayoutBudget::NONE);
    app.resize(70, 24);
    assert!(app.screen().contains("*words*"), "it is shown as source\n{}", app.screen());
    assert_eq!(line(&app), before, "{}", app.screen());
    app.lays_out_texts = true;
    app.draw();
    app.draw();
    assert!(!app.screen().contains("*words*"), "{}", app.screen());
    assert_eq!(line(&app), before, "{}", app.screen());
}

#[test]
fn a_session_looks_the_same_whatever_the_budget() {
    let session = |budget: LayoutBudget| {
        let mut app = Harness::new(100, 30);
        app.set_layout_budget(budget);
        let mut screens = Vec::new();
        let stream = app.send_prompt("first");
        app.stream_answer(
            stream,
            "# One\n\n- a **b**\n- c\n\n```rust\nfn main() {}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        );
        screens.push(app.screen());
        let stream = app.send_prompt("second");
        for piece in ["A para", "graph with *emph", "asis* and $x^2$.\n\n> quo", "ted\n\n```\nopen", " fence\n"] {
            let delta = serde_json::json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": piece});
            app.receive_events(stream, &[&delta.to_string()]);
            screens.push(app.screen());
        }
        app.end_stream(stream, Ok(()));
        for keys in ["pgup", "ctrl-up", "v", "j", "esc", "/", "esc", "esc", "pgdn"] {
            app.press(keys);
            screens.push(app.screen());
        }
        for (width, height) in [(60, 20), (120, 40)] {
            app.resize(width, height);
            screens.push(app.screen());
        }
        screens
    };
    let (none, unlimited) = (session(LayoutBudget::NONE), session(LayoutBudget::UNLIMITED));
    for (none, unlimited) in none.iter().zip(&unlimited) {
        assert_eq!(none, unlimited);
    }
    assert_eq!(none.len(), unlimited.len());
}

/// Ten megabytes of sentences, in blocks that are never longer than a screen.
fn ten_megabytes() -> String {
    let block = |nth: usize| format!("Paragraph {nth} has some *words* and `code`.\n\n- one of {nth}\n- two\n\n");
    (0..150_000).map(block).collect()
}

#[test]
fn no_step_of_the_loop_looks_at_more_than_64_kilobytes_of_ten_megabytes() {
    let most = ibid::render::markdown::MAX_STEP_BYTES;
    for text in [ten_megabytes(), "one line without an end ".repeat(430_000)] {
        let mut app = Harness::new(120, 40);
        app.lays_out_texts = false;
        let stream = app.send_prompt("tell me everything");
        app.stream_answer(stream, &text);
        let before = app.longest_step();
        app.press("pgup ctrl-home pgdn");
        app.resize(90, 30);
        app.press("ctrl-end pgup ctrl-x f");
        app.enter_text("words");
        app.wait(Duration::from_secs(1));
        app.resize(60, 30);
        assert!(app.screen().contains("*words*") || app.screen().contains("one line"), "{}", app.screen());
        assert!((1..=most).contains(&before) && app.longest_step() <= most, "{} bytes", app.longest_step());
        let jobs = app.effects();
        let is_searched = |effect: &Effect| matches!(effect, Effect::SearchText { job, .. } if job.source.len() > most);
        assert!(jobs.iter().any(is_searched), "the text is searched on another thread");
    }
}

#[test]
fn no_frame_searches_more_than_64_kilobytes() {
    let mut app = Harness::new(100, 30);
    let text = |nth: usize| format!("Paragraph {nth} with a needle and **more** words.\n\n");
    let texts: [String; 3] =
        [(0..800).map(text).collect(), (0..900).map(text).collect(), (0..3000).map(text).collect()];
    for text in &texts {
        let stream = app.send_prompt("go on");
        app.stream_answer(stream, text);
    }
    app.lays_out_texts = false;
    app.press("ctrl-x f");
    app.enter_text("needl");
    app.effects.clear();
    app.enter_text("e");
    let mut searched = app.transcript().bytes_searched();
    assert!(searched <= 64 * 1024, "{searched} bytes with the key");
    while app.transcript().is_searching() {
        app.draw();
        let now = app.transcript().bytes_searched();
        assert!(now - searched <= 64 * 1024, "{} bytes in a frame", now - searched);
        searched = now;
    }
    assert!(app.screen().contains("…"), "the longest is not searched yet\n{}", app.screen());
    assert_eq!(app.lay_out_texts(), 1, "it was searched on another thread");
    app.draw();
    while app.transcript().is_searching() {
        app.draw();
    }
    assert!(app.screen().contains("of 4700"), "{}", app.screen());
}

#[test]
fn a_megabyte_of_reasoning_in_the_rail_is_laid_out_elsewhere_and_stays_where_it_is_read() {
    let mut app = Harness::new(160, 30);
    app.lays_out_texts = false;
    let stream = app.send_prompt("think");
    let thought: String = (0..40_000).map(|nth| format!("Thought {nth} is *deep*.\n\n")).collect();
    let item = serde_json::json!({ "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": thought }] });
    let done = serde_json::json!({ "type": "response.output_item.done", "output_index": 0, "item": item });
    app.receive_events(stream, &[&done.to_string()]);
    app.draw();
    assert!(app.screen().contains("Thought 39999 is *deep*."), "{}", app.screen());
    app.press("tab tab ctrl-home pgdn pgdn");
    let thought = |app: &Harness| {
        let row = (0..28).map(|y| app.row(y)).find(|row| row.contains("Thought ")).expect("some thought is in sight");
        let number = row.split("Thought ").nth(1).and_then(|rest| rest.split(' ').next());
        number.and_then(|number| number.parse::<u32>().ok()).expect("its number")
    };
    let before = thought(&app);
    assert!(app.longest_step() <= 64 * 1024, "{} bytes", app.longest_step());
    assert!(app.lay_out_texts() > 0);
    app.draw();
    assert!(app.screen().contains("is deep."), "{}", app.screen());
    // The blank line below a thought has become part of its row.
    assert!((before - 1..=before).contains(&thought(&app)), "{before}\n{}", app.screen());
}
