//! No text freezes the screen: eight times the text takes at most twenty times as long, in time that only this thread used.

#[path = "../support/heavy_inputs.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library's own tests use all of it")]
mod heavy_inputs;

use std::time::Duration;

use ibid::render::markdown::{MarkdownLayout, MarkdownOptions, TextStage};
use rustix::time::{ClockId, clock_gettime};

const SIZE: usize = 6_000;

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

/// Returns the least time of five runs.
fn least_time(work: impl Fn()) -> Duration {
    let run = || {
        let start = thread_time();
        work();
        thread_time() - start
    };
    (0..5).map(|_| run()).min().expect("there are five")
}

fn lay_out(text: &str) {
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    layout.sync(text, 80, TextStage::Complete, &[]);
}

/// Lays a text out as it grows, in as many pieces as frames of one size show it.
fn stream(text: &str) {
    const FRAME_BYTES: usize = 1_000;
    let mut layout = MarkdownLayout::new(MarkdownOptions::default());
    for end in (FRAME_BYTES..text.len()).step_by(FRAME_BYTES) {
        layout.sync(&text[..text.floor_char_boundary(end)], 80, TextStage::Growing, &[]);
    }
    layout.sync(text, 80, TextStage::Complete, &[]);
}

/// Returns what takes too long.
fn slow_kinds(work: fn(&str)) -> Vec<String> {
    let is_slow = |(kind, text): &(&str, fn(usize) -> String)| {
        let (short, long) = (text(SIZE), text(8 * SIZE));
        let (once, eight) = (least_time(|| work(&short)), least_time(|| work(&long)));
        (eight > 20 * once).then(|| format!("{kind}: {once:?}, but {eight:?} for eight times as much"))
    };
    heavy_inputs::TEXTS.iter().filter_map(is_slow).collect()
}

#[test]
fn no_kind_of_text_takes_much_longer_than_its_length() {
    assert_eq!(slow_kinds(lay_out), [""; 0]);
}

#[test]
fn no_kind_of_text_takes_much_longer_while_it_streams() {
    assert_eq!(slow_kinds(stream), [""; 0]);
}
