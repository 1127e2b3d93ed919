//! Parses arguments, runs, reports the error.

fn main() {}
