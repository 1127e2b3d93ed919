//! Colours for code, made off the loop.

use super::theme::Role;

/// Names one code block of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    pub message: crate::chat::MessageId,
    /// The block's number in its answer, from 1.
    pub number: u32,
}

/// Code to colour: the lines of a block that are not coloured yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub block: BlockId,
    pub language: String,
    /// The index of the first line in `text`; a worker that holds the state after the line before
    /// resumes there.
    pub first_line: usize,
    pub text: String,
}

/// The roles of colour of some lines, as runs that add up to each line's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Painted {
    pub block: BlockId,
    pub first_line: usize,
    pub lines: Vec<Runs>,
}

/// A line of code in pieces of one colour: bytes and role. They add up to the line.
pub type Runs = Vec<(usize, Role)>;

/// Whether there are colours for a language.
pub fn knows(language: &str) -> bool {
    !language.is_empty()
}
