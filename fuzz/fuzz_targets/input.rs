//! Decodes what a terminal sends, in reads and with pauses that the first bytes select; a decoder never waits for ever.

#![no_main]

use std::time::{Duration, Instant};

use ibid::terminal::input::InputDecoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (head, rest) = bytes.split_at(bytes.len().min(8));
    let mut decoder = InputDecoder::default();
    let mut now = Instant::now();
    let mut rest = rest;
    for step in head.iter().cycle().take(rest.len()) {
        let (read, behind) = rest.split_at(rest.len().min(usize::from(step & 15) + 1));
        rest = behind;
        decoder.push(read, now);
        now += Duration::from_millis(u64::from(step >> 4) * 25);
        while let Some(deadline) = decoder.deadline().filter(|deadline| *deadline <= now) {
            decoder.flush(deadline);
        }
    }
    // After a second of silence everything is decided.
    for _ in 0..4 {
        let Some(deadline) = decoder.deadline() else { return };
        assert!(deadline <= now + Duration::from_secs(1));
        now = now.max(deadline);
        decoder.flush(now);
    }
    assert_eq!(decoder.deadline(), None);
});
