//! The colours of the screens around the text: in dark, light and the terminal's own colours, and without any.

use std::{fmt::Write as _, time::Duration};

use ibid::{
    api::{self, Catalogue, FaultKind},
    chat::StreamId,
    config::{Config, GlyphSet, ShowMode},
    render::theme::ColourDepth,
    store::StoreReply,
};
use insta::assert_snapshot;
use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};
use serde_json::{Value, json};

use super::screens::at_every_size;
use crate::support::{
    cited_answer,
    harness::{Harness, default_start},
};

/// One of the screens, as keys and messages bring it up.
type Scene = (&'static str, fn(&mut Harness));

const SCENES: [Scene; 17] = [
    ("commands", |app| {
        app.press("ctrl-p");
        app.enter_text("auto");
    }),
    ("help", |app| app.press("?")),
    ("slash", |app| app.enter_text("/mo")),
    ("slash-unknown", |app| {
        app.enter_text("/foo");
        app.press("enter");
    }),
    ("safeguard", |app| {
        app.set_draft("/auto-approve");
        app.press("enter");
    }),
    ("connect", |app| {
        app.set_draft("/connect");
        app.press("enter");
    }),
    ("approval-waiting", ask),
    ("approval", |app| {
        ask(app);
        app.press("tab");
        app.wait(Duration::from_millis(300));
    }),
    ("stopped", stop),
    ("queued", |app| {
        let stream = app.send_prompt("Why is the night sky dark?");
        begin_answer(app, stream);
        for prompt in ["Add an experiment.", "And a shorter version."] {
            app.enter_text(prompt);
            app.press("enter");
        }
        app.press("esc");
    }),
    ("list", |app| {
        stop(app);
        app.press("ctrl-n");
        fail(app, FaultKind::Forbidden, 403);
        app.press("ctrl-n");
        let stream = app.send_prompt("Menu for six, no nuts");
        app.press("ctrl-n");
        app.stream_answer(stream, "Soup.");
        ask(app);
        app.press("ctrl-n ctrl-x l");
    }),
    ("rail", |app| {
        let stream = app.send_prompt("Is WAL safe on NFS?");
        cited_answer::stream_cited_answer(app, stream);
        app.press("ctrl-x s");
    }),
    ("source-card", |app| {
        let stream = app.send_prompt("Is WAL safe on NFS?");
        cited_answer::stream_cited_answer(app, stream);
        app.press("tab ] enter");
    }),
    ("error", |app| fail(app, FaultKind::Server, 500)),
    ("retry", |app| {
        let stream = app.send_prompt("hello");
        let error = api::ApiError::new(FaultKind::Rate, "Rate limit exceeded: 20 requests a minute");
        app.end_stream(stream, Err(api::ApiError { status: Some(429), retry_after: Some(9), ..error }));
        app.wait(Duration::from_millis(500));
    }),
    ("models", |app| {
        app.send(ibid::ui::Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue()) });
        app.press("ctrl-x m");
    }),
    ("tools", |app| app.press("ctrl-x j")),
];

fn begin_answer(app: &mut Harness, stream: StreamId) {
    let text = "Light is slow, and the universe is young. What saves the dark is that";
    let part = json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text });
    app.receive_events(stream, &[&part.to_string()]);
    app.wait(Duration::from_millis(3_100));
}

fn stop(app: &mut Harness) {
    let stream = app.send_prompt("Why is the night sky dark?");
    begin_answer(app, stream);
    app.press("esc");
}

fn fail(app: &mut Harness, fault: FaultKind, status: u16) {
    let stream = app.send_prompt("List the steps");
    let error = api::ApiError::new(fault, "the upstream model is overloaded");
    app.end_stream(stream, Err(api::ApiError { status: Some(status), ..error }));
    app.wait(Duration::from_millis(400));
}

/// Asks about the change of a file and about a question with long arguments.
fn ask(app: &mut Harness) {
    let stream = app.send_prompt("Fix the sentence in my notes.");
    let calls = [
        (
            "command__amend",
            json!({ "path": "notes.md", "old_text": "What you denied.\n", "new_text": "What you deny.\n" }),
        ),
        (
            "command__weather",
            json!({ "city": "Ōsaka", "days": 3, "units": ["°C", "mm", "km/h"], "why": "word ".repeat(80) }),
        ),
    ];
    let mut payloads: Vec<Value> = Vec::new();
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let item = json!({ "type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"),
            "name": name, "arguments": arguments.to_string(), "status": "completed" });
        payloads.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }
    payloads.push(json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } }));
    let payloads: Vec<String> = payloads.iter().map(Value::to_string).collect();
    app.receive_events(stream, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    app.wait(Duration::from_millis(300));
}

fn catalogue() -> Catalogue {
    let row = |id: &str, input: &str, output: &str| {
        json!({ "id": id, "name": id, "context_length": 400_000, "pricing": { "prompt": input, "completion": output },
            "supported_parameters": ["tools", "reasoning"] })
    };
    let rows = [row("openai/gpt-5.6-luna", "0.00000025", "0.000002"), row("example/mini:free", "0", "0")];
    Catalogue::parse(&json!({ "data": rows }).to_string()).expect("a catalogue")
}

/// How a screen is coloured: a theme, or no colours at all.
#[derive(Debug, Clone, Copy)]
enum Colouring {
    Theme(&'static str),
    None,
    Ascii,
}

impl Colouring {
    const ALL: [(&'static str, Self); 5] = [
        ("ink", Self::Theme("ink")),
        ("paper", Self::Theme("paper")),
        ("terminal", Self::Theme("terminal")),
        ("no-color", Self::None),
        ("ascii", Self::Ascii),
    ];

    fn start(self, width: u16, height: u16) -> Harness {
        let text = r#"
            model = "openai/gpt-5.6-luna"
            [[tool]]
            name = "amend"
            description = "Replaces a text in a file"
            parameters = { type = "object" }
            argv = ["cat"]
            destructive = true
            [[tool]]
            name = "weather"
            description = "The weather of a city"
            parameters = { type = "object" }
            argv = ["weather-cli"]
        "#;
        let (config, complaints) = Config::parse(text, std::path::Path::new("config.toml")).expect("a config");
        assert_eq!(complaints, []);
        let mut begin = ibid::ui::StartOptions { config, ..default_start(width, height) };
        begin.config.list = ShowMode::Auto;
        match self {
            Self::Theme(theme) => begin.config.theme = theme.into(),
            Self::None => begin.colours = ColourDepth::None,
            Self::Ascii => begin.config.glyphs = GlyphSet::Ascii,
        }
        let mut app = Harness::with_start(begin);
        app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
        app
    }
}

/// Writes each row of the screen, and below it one letter for the style of each cell.
pub fn styled_rows(app: &Harness) -> String {
    let buffer = app.buffer();
    let mut known: Vec<String> = Vec::new();
    let mut rows = String::new();
    for (y, cells) in (0..).zip(buffer.content.chunks(usize::from(buffer.area.width))) {
        let text = app.row(y);
        if text.trim().is_empty() {
            rows.push('\n');
            continue;
        }
        let letters: String = cells.iter().map(|cell| style_letter(cell, &mut known)).collect();
        let _ = writeln!(rows, "{}\n{}", text.trim_end(), letters.trim_end());
    }
    let legend = known.iter().zip(('a'..='z').chain('A'..='Z')).map(|(style, letter)| format!("{letter} {style}\n"));
    legend.collect::<String>() + "\n" + &rows
}

fn style_letter(cell: &Cell, known: &mut Vec<String>) -> char {
    if cell.symbol() == " " && !cell.modifier.contains(Modifier::REVERSED) {
        return ' ';
    }
    let style = format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier);
    let at = known.iter().position(|other| *other == style).unwrap_or_else(|| {
        known.push(style);
        known.len() - 1
    });
    ('a'..='z').chain('A'..='Z').nth(at).unwrap_or('?')
}

#[test]
fn the_screens_that_need_no_tools_fit_every_size() {
    for (scene, bring_up) in SCENES {
        if matches!(scene, "stopped" | "queued" | "error" | "safeguard" | "retry") {
            at_every_size(scene, bring_up);
        }
    }
}

/// The scenes that look different with more room.
const ROOMY_SCENES: [&str; 9] =
    ["commands", "help", "slash", "connect", "approval", "stopped", "queued", "list", "rail"];

#[test]
fn the_screens_around_the_text_have_their_colours() {
    for (scene, bring_up) in SCENES {
        for (width, height) in [(80, 24), (120, 40), (200, 60)] {
            if width > 80 && !ROOMY_SCENES.contains(&scene) {
                continue;
            }
            for (name, colouring) in Colouring::ALL {
                let mut app = colouring.start(width, height);
                bring_up(&mut app);
                assert_snapshot!(format!("{scene}-{width}x{height}-{name}"), styled_rows(&app));
            }
        }
    }
}

/// The sixteen default colours of xterm; the background is either black or white.
const XTERM: [(u8, u8, u8); 8] =
    [(0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)];

fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Returns the colour of the words of a cell where the terminal does not dim, on a background with a plain text colour.
fn words_colour(cell: &Cell, plain: (u8, u8, u8)) -> (u8, u8, u8) {
    match cell.fg {
        Color::Reset => plain,
        Color::Indexed(index @ 0..=7) => XTERM[usize::from(index)],
        other => panic!("the default theme has only the terminal's first eight colours, not {other}"),
    }
}

#[test]
fn every_word_of_the_default_theme_can_be_read_on_black_and_on_white() {
    // The least that WCAG asks of anything that must be seen; the accent and the text have more.
    const LEAST: f64 = 3.0;
    for (scene, bring_up) in SCENES {
        for (width, height) in [(80, 24), (120, 40)] {
            let mut app = Colouring::Theme("terminal").start(width, height);
            bring_up(&mut app);
            for (paper, plain) in [((0, 0, 0), (229, 229, 229)), ((255, 255, 255), (0, 0, 0))] {
                for (index, cell) in app.buffer().content.iter().enumerate() {
                    assert_eq!(cell.bg, Color::Reset, "{scene}: nothing is painted");
                    if !cell.symbol().chars().any(char::is_alphanumeric) {
                        continue;
                    }
                    let contrast = contrast(words_colour(cell, plain), paper);
                    let y = u16::try_from(index / usize::from(width)).expect("a row of the screen");
                    assert!(
                        contrast >= LEAST,
                        "{scene}: {} {contrast:.1} on {paper:?} in\n{}",
                        cell.symbol(),
                        app.row(y)
                    );
                }
            }
        }
    }
}

#[test]
fn what_marks_an_outcome_keeps_its_colour_in_the_default_theme() {
    let mut app = Colouring::Theme("terminal").start(120, 40);
    stop(&mut app);
    let y = (0..40).find(|y| app.row(*y).contains("▌ stopped by you")).expect("the stopped line");
    let column = |wanted: &str| (0..120).find(|x| app.cell(*x, y).symbol() == wanted).expect("it is drawn");
    let bar = (0..120).rev().find(|x| app.cell(*x, y).symbol() == "▌").expect("its bar");
    assert_eq!(app.cell(bar, y).fg, Color::Indexed(3));
    let word = app.cell(column("s"), y);
    assert_eq!((word.fg, word.modifier), (Color::Reset, Modifier::BOLD));
}
