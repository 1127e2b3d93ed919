//! Plants violations of every rule and checks that they are found, and that what is allowed is not.

use std::collections::BTreeSet;

use super::{
    checks::{read_sources, violations},
    rules::RULES,
};

/// Sources in which one rule is broken.
struct PlantedViolation {
    rule: &'static str,
    files: Vec<(&'static str, String)>,
    /// The lines of the first file that break it.
    lines: Vec<usize>,
}

fn plant(rule: &'static str, files: &[(&'static str, &str)], lines: &[usize]) -> PlantedViolation {
    let files = files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    PlantedViolation { rule, files, lines: lines.to_vec() }
}

#[test]
fn a_planted_violation_of_each_rule_is_found() {
    let planted: Vec<PlantedViolation> =
        [between_layers(), inside_ui(), in_pure_layers(), in_any_code()].into_iter().flatten().collect();
    for PlantedViolation { rule, files, lines } in &planted {
        let sources = read_sources(files.iter().map(|(path, text)| (*path, text.as_str())));
        let found: Vec<(String, usize)> = violations(&sources)
            .into_iter()
            .filter(|violation| violation.rule == *rule)
            .map(|violation| (violation.file, violation.line))
            .collect();
        let expected: Vec<(String, usize)> = lines.iter().map(|line| (files[0].0.to_owned(), *line)).collect();
        assert_eq!(found, expected, "[{rule}] in {files:?}");
    }
    let planted_rules: BTreeSet<&str> = planted.iter().map(|case| case.rule).collect();
    assert_eq!(planted_rules, RULES.iter().map(|rule| rule.name).collect());
}

fn between_layers() -> Vec<PlantedViolation> {
    const RULE: &str = "lower layers";
    const RELAYED: &[(&str, &str)] =
        &[("render/row.rs", "use crate::citations::Turn;"), ("citations.rs", "pub use super::chat::Turn;")];
    const LOOP: &[(&str, &str)] = &[
        (
            "terminal.rs",
            "use crate::ui::{self, Msg, effect::Effect, rail::Rail};\nfn f() { ui::update(ui::on_due()); }",
        ),
        ("ui.rs", "mod msg;\npub use msg::Msg;"),
        ("ui/msg.rs", "pub enum Msg {}"),
    ];
    vec![
        plant(RULE, &[("store/save.rs", "use crate::ui::Msg;")], &[1]),
        plant(RULE, &[("api/event.rs", "use crate::{text::wrap,\nchat::{self, Turn}};")], &[2, 2]),
        plant(RULE, &[("api/event.rs", "fn f(x: &crate::store::Job) {}")], &[1]),
        plant(RULE, &[("api/event.rs", "use super::super::chat::turn;")], &[1]),
        plant(RULE, &[("api.rs", "use super::chat;\n\nfn f(x: chat::Turn) {}")], &[1, 3]),
        plant(RULE, &[("api.rs", "use crate::chat as talk;\n\nfn f(x: talk::Turn) {}")], &[1, 3]),
        plant(RULE, &[("terminal/os/unix.rs", "use super::super::super::headless;")], &[1]),
        plant(RULE, &[("api/event.rs", "#[cfg(test)]\nmod tests {\nuse crate::chat::Turn;\n}")], &[3]),
        plant(RULE, &[("api/event.rs", "fn f() { assert_eq!(1, crate::chat::one()); }")], &[1]),
        plant(RULE, &[("attic.rs", "use crate::text;")], &[1]),
        plant("render draws text", &[("render/row.rs", "use crate::chat::Turn;\nuse crate::ui;")], &[1, 2]),
        plant("render draws text", RELAYED, &[1]),
        plant("citations are data", &[("citations/claim.rs", "use super::html;\nuse crate::render::row;")], &[2]),
        plant("chat reads no config", &[("chat/request.rs", "use crate::config::Config;")], &[1]),
        plant("text stands alone", &[("text/wrap.rs", "use super::width;\nuse crate::files;")], &[2]),
        plant("the loop's entry points", LOOP, &[1, 2]),
        plant("the loop's entry points", &[("runtime/pipe.rs", "use crate::ui::*;")], &[1]),
    ]
}

fn inside_ui() -> Vec<PlantedViolation> {
    const APART: &str = "features apart";
    const INDEX: &str = "features below the index";
    const SHARED: &str = "shared below features";
    const VIEWS: &str = "views borrow";
    const LAYOUT: &str = "update lays out nothing";
    const UPDATE: (&str, &str) = ("ui.rs", "pub fn update(x: &mut Rail) { rail::go(x); }");
    const KEYS: &str = "keys are in the table";
    const ROOT: (&str, &str) = ("ui.rs", "mod state;\npub use state::State;");
    const STATE: (&str, &str) = ("ui/state.rs", "pub struct State;");
    const VIEW_OF_RAIL: &str =
        "use super::Rail;\nimpl Rail { fn draw(&mut self) {} }\nfn f(x: &Rail, y: &mut Buffer) {}";
    let whole_state: String = (0..31).map(|nth| format!("pub fn f{nth}(x: &mut super::State) {{}}\n")).collect();
    vec![
        plant("every room has a kind", &[("ui/attic.rs", "pub struct Attic;")], &[1]),
        plant(APART, &[("ui/rail/view.rs", "use crate::ui::{rail, transcript::Transcript};")], &[1]),
        plant(APART, &[("ui/rail/view.rs", "use super::super::transcript;\nfn f() { transcript::g(); }")], &[1, 2]),
        plant("features without the screen", &[("ui/rail.rs", "use super::screen::{PaneFocus, Screen};")], &[1]),
        plant(INDEX, &[("ui/rail.rs", "use super::dispatch;"), ROOT], &[1]),
        plant(INDEX, &[("ui/rail.rs", "use super::{Action, State};"), ROOT, STATE], &[1]),
        plant(INDEX, &[("ui/rail.rs", "fn f() { crate::ui::update(); }"), ROOT], &[1]),
        plant(INDEX, &[("ui/rail.rs", "use super::*;"), ROOT], &[1]),
        plant(SHARED, &[("ui/overlay/form.rs", "use crate::ui::rail::Rail;")], &[1]),
        plant(SHARED, &[("ui/cx.rs", "use super::{dispatch, toasts};")], &[1]),
        plant(VIEWS, &[("ui/rail/view.rs", VIEW_OF_RAIL), ("ui/rail.rs", "pub struct Rail;")], &[2]),
        plant(VIEWS, &[("ui/view/panes.rs", "fn f(x: Option<&mut crate::chat::Turn>) {}")], &[1]),
        plant(
            VIEWS,
            &[(
                "ui/rail.rs",
                "pub struct Rail;\nimpl Rail { fn g(&mut self) {}\nfn draw(&mut self, x: &mut Buffer) {} }",
            )],
            &[3],
        ),
        plant(VIEWS, &[("ui/help/view.rs", "fn f(state: &mut Self::State) {}")], &[1]),
        plant(
            LAYOUT,
            &[
                ("ui/rail.rs", "pub fn go(x: &mut Rail) {\nx.turn() }\nimpl Rail { fn turn(&self) { self.sync() } }"),
                UPDATE,
            ],
            &[3],
        ),
        plant(
            LAYOUT,
            &[("ui/rail.rs", "fn turn() { format!(\"{}\", lay_out()) }\nfn go() { x.map(turn); }"), UPDATE],
            &[1],
        ),
        plant(
            LAYOUT,
            &[
                (
                    "ui/rail.rs",
                    "struct X { x: Rail }\nfn go() { self.x.f() }\nimpl Rail { fn f() { LayoutPass { x } } }",
                ),
                ("ui.rs", "fn update() { go() }"),
            ],
            &[3],
        ),
        plant(
            KEYS,
            &[("ui/rail.rs", "use crossterm::event::KeyCode;\nfn f() { matches!(x, KeyCode::Esc); }")],
            &[1, 2],
        ),
        plant(KEYS, &[("ui/rail.rs", "use crossterm::event;\n\nfn f(x: event::KeyCode) {}")], &[3]),
        PlantedViolation {
            rule: "few take the whole state",
            files: vec![("ui/dispatch.rs", whole_state), (ROOT.0, ROOT.1.into()), (STATE.0, STATE.1.into())],
            lines: (1..=31).collect(),
        },
    ]
}

fn in_pure_layers() -> Vec<PlantedViolation> {
    const TIME: &str = "pure time";
    const EFFECTS: &str = "pure effects";
    const WAITING: &str = "pure waiting";
    vec![
        plant(TIME, &[("ui/rail.rs", "use std::time::Instant;\nfn f() { Instant::now(); }")], &[2]),
        plant(TIME, &[("chat/turn.rs", "use jiff::Timestamp as Time;\nfn f() { Time::now(); }")], &[2]),
        plant("timers survive the clock", &[("runtime.rs", "fn f() { jiff::Timestamp::now(); }")], &[1]),
        plant("pure ids", &[("chat/ids.rs", "fn f() { uuid::Uuid::new_v4(); }\nuse rand::random;")], &[1, 2]),
        plant("pure environment", &[("tools.rs", "use std::env;\nfn f() { env::var(\"A\"); }")], &[1, 2]),
        plant(EFFECTS, &[("ui/rail.rs", "use std::{fmt, fs};\nfn f() { write!(fs::read(\"a\")) }")], &[1, 2]),
        plant(EFFECTS, &[("text.rs", "fn f() { std::thread::spawn(|| ()); }\nuse tokio::time;")], &[1, 2]),
        plant(WAITING, &[("render.rs", "async fn f() {}\nfn g() { async { h() }; }")], &[1, 2]),
        plant(WAITING, &[("render.rs", "async fn f() { g().await }\nfn h() { join!(i().await); }")], &[1, 2]),
    ]
}

fn in_any_code() -> Vec<PlantedViolation> {
    const UNWRAP: &str = "no unwrap";
    vec![
        plant(UNWRAP, &[("cli.rs", "fn f() { x.unwrap();\nformat!(\"{}\", y.unwrap()); }")], &[1, 2]),
        plant(UNWRAP, &[("cli.rs", "fn f() { x.map(Option::unwrap); }")], &[1]),
        plant(
            "nothing is printed past the cleaner",
            &[("cli.rs", "fn f() { println!(\"{x}\"); }\nfn g() { eprintln!(); }")],
            &[1, 2],
        ),
        plant("nothing behind a lock", &[("cli.rs", "use std::{cell::RefCell,\nsync::{Arc, Mutex}};")], &[1, 2]),
        plant("nothing unfinished", &[("cli.rs", "fn f() { todo!(); }\nfn g() { vec![dbg!(1)]; }")], &[1, 2]),
        plant("short files", &[("cli.rs", &"\n".repeat(601))], &[601]),
    ]
}

#[test]
fn what_is_allowed_is_not_reported() {
    let thirty: String = (0..30).map(|nth| format!("pub fn f{nth}(x: &mut super::State) {{}}\n")).collect();
    let allowed: &[&[(&str, &str)]] = &[
        &[("chat/turn.rs", "use super::message; use crate::{api, text::wrap}; // crate::ui")],
        &[("chat.rs", "mod x { const S: &str = \"crate::ui\"; const C: char = '\"'; use super::turn; }")],
        &[("main.rs", "fn main() { ibid::cli::main(); }"), ("lib.rs", "pub mod cli;")],
        &[("render/row.rs", "use crate::{citations::claim, text};")],
        &[
            ("terminal.rs", "use crate::ui::{self, State, view};\nfn f(x: ui::Msg) { view::draw(ui::sync(x)); }"),
            ("ui.rs", "pub use state::State; pub use msg::Msg; mod msg; mod state;"),
            ("ui/msg.rs", "pub enum Msg {}"),
            ("ui/state.rs", "pub struct State;"),
        ],
        &[("ui/rail.rs", "use super::{cx::Cx, overlay::field, screen::PaneFocus, environment::Environment};")],
        &[("ui/rail.rs", "mod tests { use super::*; fn f(x: &Rail) {} }\npub struct Rail;")],
        &[("ui/dispatch.rs", "use super::{rail, screen::Screen, transcript};"), ("ui/on_store.rs", &thirty)],
        &[("ui/rail/view.rs", "struct Rows; impl Rows { fn f(&mut self, x: &mut Buffer, y: &mut Vec<Row>) {} }")],
        &[
            ("ui.rs", "fn update() { go(); }\nfn lay_out() { rail.turn(); rail.sync() }"),
            ("ui/rail.rs", "fn go() { x.turn() }\nimpl RailLayout<'_> { fn turn(&self) { self.sync() } }"),
        ],
        &[
            ("ui/keymap/named.rs", "use crossterm::event::KeyCode;"),
            ("terminal/input.rs", "fn f(x: event::KeyCode) {}"),
        ],
        &[("ui/rail.rs", "#[cfg(test)] mod tests;"), ("ui/rail/tests.rs", "use crossterm::event::KeyCode;")],
        &[("ui/rail.rs", "use std::time::Duration; fn asynchronous(tokio_like: u8) {}")],
        &[("ui/rail.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; #[test] fn g() { x.unwrap(); } }")],
        &[("cli.rs", "fn f() { x.unwrap_or(1); } // x.unwrap()\n#[test]\nfn g() { x.unwrap(); }")],
        &[("cli.rs", &"\n".repeat(600))],
    ];
    for files in allowed {
        let found: Vec<String> =
            violations(&read_sources(files.iter().copied())).iter().map(ToString::to_string).collect();
        assert_eq!(found, Vec::<String>::new(), "in {files:?}");
    }
}

#[test]
fn a_violation_is_reported_with_its_place_and_what_to_do_instead() {
    let found = violations(&read_sources([("log.rs", "fn f() {\n    y.unwrap();\n}")]));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["src/log.rs:2: [no unwrap] calls `unwrap`; handle it, or say in an `expect` why it holds"]);
}
