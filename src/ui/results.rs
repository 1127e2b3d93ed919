//! Tool calls and their results in full.

pub mod call_results;
pub mod pager;
