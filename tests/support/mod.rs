//! Shared test support. Each test binary uses a part of it.
#![allow(dead_code)]

pub mod cited_answer;
pub mod compose;
pub mod corpus;
pub mod export_sample;
pub mod fake_server;
pub mod harness;
pub mod hostile_texts;
pub mod html_outline;
pub mod json_schema;
pub mod long_conversation;
pub mod page_checks;
#[cfg(unix)]
pub mod pty;
pub mod request_rules;
#[cfg(unix)]
pub mod svg;
