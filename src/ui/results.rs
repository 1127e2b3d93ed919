//! Tool calls and their results in full.

pub mod pager;
