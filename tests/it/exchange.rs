//! Conversations that leave ibid and come in.

mod portable;
pub mod random_tree;
