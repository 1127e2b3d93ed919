//! The config file: plain data, with the line number of every complaint.

/// What the config file says, defaults where it is silent.
#[derive(Debug, Clone, Default)]
pub struct Config {}
