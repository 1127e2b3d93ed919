//! Conversations that leave ibid or come in: its own JSON form, and the forms of others.

pub mod export;
pub mod portable;
