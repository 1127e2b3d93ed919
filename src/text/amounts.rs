//! Durations and sizes in words.

/// A duration with one decimal below ten seconds: `6.1 s`, `48 s`, `3 min 5 s`.
pub fn format_seconds(millis: u64) -> String {
    match millis {
        0..=9_949 => format!("{}.{} s", (millis + 50) / 1000, (millis + 50) / 100 % 10),
        9_950..=99_499 => format!("{} s", (millis + 500) / 1000),
        _ => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
    }
}

/// A size in bytes, kilobytes or megabytes.
pub fn format_size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..999_500 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", (bytes + 50_000) / 1_000_000, (bytes + 50_000) / 100_000 % 10),
    }
}
