//! The time as this run counts it: read from the system once, then advanced by a clock that nobody sets.

use std::{sync::OnceLock, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// When this run first read the time.
struct ClockStart {
    time: Timestamp,
    uptime: Duration,
}

/// Returns the time. It never goes back, and setting the system's clock does not change it: what is due in a second is
/// due in a second.
pub fn now() -> Timestamp {
    static START: OnceLock<ClockStart> = OnceLock::new();
    let start = START.get_or_init(|| ClockStart { time: Timestamp::now(), uptime: uptime() });
    start.time_at(uptime())
}

impl ClockStart {
    fn time_at(&self, uptime: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(uptime.saturating_sub(self.uptime)).unwrap_or_default();
        self.time.checked_add(elapsed).unwrap_or(self.time)
    }
}

/// Returns the time since some moment before the start, with the time for which the machine slept.
#[cfg(unix)]
fn uptime() -> Duration {
    use rustix::time::ClockId;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let time = rustix::time::clock_gettime(CLOCK);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(not(unix))]
fn uptime() -> Duration {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_follows_the_uptime_and_never_goes_back() {
        let start = ClockStart { time: Timestamp::UNIX_EPOCH, uptime: Duration::from_secs(500) };
        assert_eq!(start.time_at(Duration::from_secs(500)).as_second(), 0);
        assert_eq!(start.time_at(Duration::from_secs(501)).as_second(), 1);
        assert_eq!(start.time_at(Duration::from_secs(499)).as_second(), 0);
        assert_eq!(start.time_at(Duration::MAX), Timestamp::UNIX_EPOCH);
        assert!(now() <= now());
    }
}
