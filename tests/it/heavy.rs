//! No text freezes the screen: eight times the text takes at most twenty times as long, in time that only this thread used.

#[path = "../support/heavy_inputs.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library's own tests use all of it")]
mod heavy_inputs;

use std::time::Duration;

use ibid::render::markdown::{MarkdownLayout, MarkdownOptions, TextStage};
use rustix::time::{ClockId, clock_gettime};

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
