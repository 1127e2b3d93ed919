//! The one state of the program.

use super::Start;

/// Everything that is known; only `update` changes it.
#[derive(Debug)]
pub struct State {
    pub start: Start,
}

impl State {
    pub fn new(start: Start) -> Self {
        Self { start }
    }
}
