//! What the measurements of the whole program share: what a process used, and how a figure is printed.
#![allow(dead_code)]

#[path = "../../tests/support/mod.rs"]
mod tests;

use std::{fmt, fs, thread, time::Duration};

pub use tests::*;

use self::pty::Pty;

pub fn quit(ibid: &mut Pty) {
    ibid.type_keys("<ctrl-x>q");
    ibid.wait_exit();
}

/// What goes on in the background (the catalogue, a highlighting) is over after that; there is nothing to wait for.
pub fn settle() {
    thread::sleep(Duration::from_millis(500));
}

/// A line of the process's status in kilobytes (`VmRSS:`, `VmHWM:`), where the system tells.
pub fn kilobytes(ibid: &Pty, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", ibid.pid().as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// What a program has used of the processors, in ticks of 10 ms, where the system tells.
pub fn cpu(ibid: &Pty) -> Option<u64> {
    ticks(&ibid.pid().as_raw_nonzero().to_string())
}

/// The same of any process, `self` included.
pub fn ticks(process: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// A line with three figures: the median, the least and the most.
pub fn show(what: &str, mut times: Vec<Duration>, target: &str) {
    times.sort();
    let (median, least, most) = (times[times.len() / 2], times[0], times[times.len() - 1]);
    println!("{what:<52} {:>10} {:>10} {:>10}  {target}", ms(median), ms(least), ms(most));
}

/// A line with the median and the 99th percentile.
pub fn show_tail(what: &str, mut times: Vec<Duration>, target: &str) {
    times.sort();
    let (median, late) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    row(what, format!("median {}, 99 % {}", ms(median), ms(late)), target);
}

pub fn row(what: &str, value: impl fmt::Display, target: &str) {
    println!("{what:<52} {value:>32}  {target}");
}
