//! New ids, generated from a seed so that nothing below the loop needs randomness.

use uuid::Uuid;

use super::{ConversationId, MessageId, QueuedId, Timestamp, TurnId};

/// Generates `UUIDv7`s, each greater than the one before. The program seeds it from the system, a test with a
/// constant.
#[derive(Debug, Clone)]
pub struct IdGenerator {
    state: u64,
    last: u128,
}

impl IdGenerator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, last: 0 }
    }

    pub fn conversation(&mut self, now: Timestamp) -> ConversationId {
        ConversationId(self.next_uuid(now))
    }

    pub fn message(&mut self, now: Timestamp) -> MessageId {
        MessageId(self.next_uuid(now))
    }

    pub fn queued(&mut self, now: Timestamp) -> QueuedId {
        QueuedId(self.next_uuid(now))
    }

    pub fn turn(&mut self, now: Timestamp) -> TurnId {
        TurnId(self.next_uuid(now))
    }

    fn next_uuid(&mut self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.next_random().to_be_bytes());
        random[8..].copy_from_slice(&self.next_random().to_be_bytes()[..2]);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let drawn = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        // Within a millisecond, or after the clock has gone back, random bits alone would not preserve the order.
        self.last = drawn.max(self.last + 1);
        Uuid::from_u128(self.last)
    }

    /// The next number of a `SplitMix64` (Steele, Lea and Flood, 2014); also used for the jitter of retries.
    pub fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_age_within_a_millisecond_and_when_the_clock_goes_back() {
        let mut ids = IdGenerator::new(7);
        let (now, before) = (Timestamp::from_second(1_000).expect("in range"), Timestamp::UNIX_EPOCH);
        let drawn: Vec<_> = (0..100).map(|n| ids.message(if n < 50 { now } else { before })).collect();
        assert!(drawn.is_sorted_by(|a, b| a < b));
        assert!(drawn.iter().all(|id| id.0.get_version_num() == 7));
    }
}
