//! The library, tested through its public surface: updates driven by keys, screens, streams, the database, the layers.
#![allow(unreachable_pub, reason = "nothing outside uses a test")]

#[path = "../support/mod.rs"]
mod support;

mod answer_failures;
mod app;
mod cards;
mod check_answer;
mod citation_marks;
mod citations;
mod commands;
mod config;
mod connect;
mod database_care;
mod demo;
mod demo_opening;
mod dependencies;
mod event_loop;
mod exchange;
mod finish;
mod focus;
mod fuzz;
mod going_on;
mod grants;
#[cfg(unix)]
mod heavy;
mod json_schema;
mod keys;
mod layers;
mod layout;
mod list;
mod looks;
mod markdown;
mod meant_markdown;
mod meant_signs;
mod moving;
mod notifications;
mod overlay_keys;
mod page_fetch;
mod printing;
mod queue;
mod reading_aids;
mod readme;
mod requests;
mod restart;
mod results;
mod screens;
mod search;
mod side_panes;
mod slash;
mod slips;
mod source_map;
mod store;
mod stream;
mod temporary;
mod themes;
mod titles;
mod tool_list;
mod tools;
mod trash;
mod trash_overlay;
mod two_instances;
mod xray;
