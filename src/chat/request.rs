//! A branch of a conversation as an `api::Request`.
