//! US dollars in exact decimal arithmetic, from the server's own digits.

/// An amount as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usd {
    digits: String,
}

impl Usd {
    /// The digits as they came, such as `2e-05`; this is what is stored.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }
}
