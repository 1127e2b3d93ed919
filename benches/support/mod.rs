//! Support for the benches of the whole program: resource usage of a process, and printing.
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

/// Sleeps until background work (the catalogue, highlighting) is surely done; nothing on the screen shows its end.
pub fn settle() {
    thread::sleep(Duration::from_millis(500));
}

/// A field of the process's status in kilobytes (`VmRSS:`, `VmHWM:`), where the system reports it.
pub fn status_kilobytes(ibid: &Pty, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", ibid.pid().as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// The CPU time of a program in ticks of 10 ms, where the system reports it.
pub fn cpu_ticks(ibid: &Pty) -> Option<u64> {
    process_ticks(&ibid.pid().as_raw_nonzero().to_string())
}

/// The CPU time of any process, including `self`, in ticks of 10 ms.
pub fn process_ticks(process: &str) -> Option<u64> {
    sum_of_stat_fields(process, [11, 12])
}

/// The CPU time of all our children that have been waited for, in ticks of 10 ms.
pub fn children_ticks() -> Option<u64> {
    sum_of_stat_fields("self", [13, 14])
}

/// The sum of two fields of a process's status line, counted from the one after its name.
fn sum_of_stat_fields(process: &str, indices: [usize; 2]) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may contain spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    indices.iter().map(|&index| fields.get(index)?.parse::<u64>().ok()).sum()
}

pub fn format_ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Prints a row with the median, the minimum and the maximum.
pub fn print_times(label: &str, mut times: Vec<Duration>, target: &str) {
    times.sort();
    let (median, min, max) = (times[times.len() / 2], times[0], times[times.len() - 1]);
    println!("{label:<52} {:>10} {:>10} {:>10}  {target}", format_ms(median), format_ms(min), format_ms(max));
}

/// Prints a row with the median and the 99th percentile.
pub fn print_tail(label: &str, mut times: Vec<Duration>, target: &str) {
    times.sort();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    print_row(label, format!("median {}, 99 % {}", format_ms(median), format_ms(p99)), target);
}

pub fn print_row(label: &str, value: impl fmt::Display, target: &str) {
    println!("{label:<52} {value:>32}  {target}");
}
