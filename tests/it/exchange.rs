//! Conversations that leave ibid and come in.

mod import_bench;
mod import_safety;
mod imports;
mod portable;
pub mod random_tree;
