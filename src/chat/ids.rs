//! New identities, drawn from a seed so that nothing below the loop needs randomness.

use uuid::Uuid;

use super::{ConversationId, MessageId, Timestamp, TurnId};

/// Makes UUIDv7s. The program seeds it from the system, a test with a constant.
#[derive(Debug, Clone)]
pub struct Ids {
    state: u64,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn conversation(&mut self, now: Timestamp) -> ConversationId {
        ConversationId(self.uuid(now))
    }

    pub fn message(&mut self, now: Timestamp) -> MessageId {
        MessageId(self.uuid(now))
    }

    pub fn turn(&mut self, now: Timestamp) -> TurnId {
        TurnId(self.uuid(now))
    }

    fn uuid(&mut self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.random().to_be_bytes());
        random[8..].copy_from_slice(&self.random().to_be_bytes()[..2]);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014); also the jitter of retries.
    pub fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
