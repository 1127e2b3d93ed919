//! The time of this run: it begins with the wall clock and then follows a clock that nobody can set, so that what is due
//! does not wait for an hour because the wall clock went back.

use std::{sync::OnceLock, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// Both clocks at the first call.
static START: OnceLock<ClockStart> = OnceLock::new();

struct ClockStart {
    wall: Timestamp,
    steady: Duration,
}

/// Returns the time, which never goes back during a run. After the wall clock is set, it keeps to the old setting.
pub fn now() -> Timestamp {
    let start = START.get_or_init(|| ClockStart { wall: Timestamp::now(), steady: steady_time() });
    start.time_at(steady_time())
}

impl ClockStart {
    fn time_at(&self, steady: Duration) -> Timestamp {
        let passed = SignedDuration::try_from(steady.saturating_sub(self.steady)).unwrap_or_default();
        self.wall.checked_add(passed).unwrap_or(self.wall)
    }
}

/// The time since some moment in the past, including the time that the machine slept.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn steady_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    // Apple's monotonic clock goes on while the machine sleeps.
    #[cfg(target_vendor = "apple")]
    let clock = ClockId::Monotonic;
    #[cfg(not(target_vendor = "apple"))]
    let clock = ClockId::Boottime;
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn steady_time() -> Duration {
    static FIRST: OnceLock<std::time::Instant> = OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_follows_the_steady_clock_alone() {
        let start = ClockStart { wall: Timestamp::UNIX_EPOCH, steady: Duration::from_secs(100) };
        let after = |steady: u64| start.time_at(Duration::from_secs(steady)).as_second();
        assert_eq!((after(100), after(3700), after(99)), (0, 3600, 0));
    }

    #[test]
    fn it_begins_at_the_wall_clock_and_never_goes_back() {
        let first = now();
        assert!(first.duration_since(Timestamp::now()).abs() < SignedDuration::from_secs(60));
        let times: Vec<Timestamp> = std::iter::repeat_with(now).take(1000).collect();
        assert!(times.is_sorted() && first <= times[0]);
    }
}
