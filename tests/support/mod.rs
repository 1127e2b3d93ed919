//! What the tests share. Each test binary uses a part of it.
#![allow(dead_code)]

pub mod cited;
pub mod compose;
pub mod fake_server;
pub mod harness;
pub mod long;
#[cfg(unix)]
pub mod pty;
#[cfg(unix)]
pub mod svg;
