//! ibid: a full-screen chat client for the terminal. `ARCHITECTURE.md` is the map.

pub mod api;
pub mod chat;
pub mod citations;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod demo;
pub mod exchange;
pub mod files;
pub mod headless;
pub mod keys;
pub mod log;
pub mod mcp;
pub mod processes;
pub mod render;
pub mod runtime;
pub mod search;
pub mod secrets;
pub mod store;
pub mod terminal;
pub mod text;
pub mod tools;
pub mod ui;
