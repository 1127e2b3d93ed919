//! Whole screens at common sizes, as snapshots to compare with the pictures of the design.

use std::{path::Path, time::Duration};

use crate::support::{
    cited_answer,
    harness::{Harness, default_start},
    page_checks,
};
use ibid::{
    api::Catalogue,
    chat::StreamId,
    config::ThemeFile,
    render::theme::ColourDepth,
    store::StoreReply,
    ui::{Effect, EndpointInfo, Msg},
};
use insta::assert_snapshot;
use serde_json::json;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (40, 10)];

/// Draws one scene at every size, and once in ASCII, where our own text must be ASCII only.
pub fn at_every_size(name: &str, scene: impl Fn(&mut Harness)) {
    let mut begin = default_start(120, 40);
    begin.config.glyphs = ibid::config::GlyphSet::Ascii;
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    scene(&mut app);
    let content = format!("{:?}", app.chats().conversations);
    let foreign = |c: &char| !c.is_ascii() && !content.contains(*c);
    assert_eq!(app.screen().chars().find(foreign), None, "{}", app.screen());
    for (width, height) in SIZES {
        let mut app = Harness::new(width, height);
        scene(&mut app);
        assert_snapshot!(format!("{name}-{width}x{height}"), app.screen());
    }
}

/// Returns the payloads of a composed stream, without comments and `[DONE]`.
fn payloads(stream: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(stream);
    let text = std::fs::read_to_string(&file).expect("the stream is part of the project");
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|line| *line != "[DONE]")
        .map(str::to_owned)
        .collect()
}

/// Plays a stream up to the first payload that contains `until`, or to its end.
fn play(app: &mut Harness, stream: StreamId, file: &str, until: Option<&str>) {
    for payload in payloads(file) {
        if until.is_some_and(|until| payload.contains(until)) {
            return;
        }
        app.now += jiff::SignedDuration::from_millis(120);
        app.receive_events(stream, &[&payload]);
    }
    app.end_stream(stream, Ok(()));
}

const PAGE: &str = "# A first heading\n\nProse with **bold**, *italic*, `inline code`, a [link](https://example.org/page) and 中文混排 that breaks \
where Unicode lets it, long enough to need more than one row on most screens that people have.\n\n## A second heading\n\n1. A numbered item whose \
text hangs under its own first word\n   - nested, and the next level\n2. [x] done\n\n> A quotation keeps its bar on every row.\n\n> [!WARNING]\n> \
An alert has its kind in words.\n\n```rust\nfn main() {\n    println!(\"{}\", 42);\n}\n```\n\n| Setup | Safe? | Why |\n|---|---|--:|\n| WAL, local disk | \
yes | 12 |\n| WAL, NFS | no | 3 |\n";

#[test]
fn welcome() {
    for (width, height) in SIZES {
        let mut begin = default_start(width, height);
        begin.endpoints = vec![EndpointInfo { is_ready: false, ..begin.endpoints[0].clone() }];
        let mut app = Harness::with_start(begin);
        app.draw();
        assert_snapshot!(format!("welcome-{width}x{height}"), app.screen());
    }
}

#[test]
fn an_empty_conversation() {
    at_every_size("empty", Harness::draw);
}

const EVERYTHING: &str = include_str!("../page/everything.md");
const SCRIPTS: &str = include_str!("../page/scripts.md");

/// Starts with a theme and one answer; a high screen shows all of it.
fn page_in_theme(theme: &str, width: u16, height: u16, text: &str) -> Harness {
    let mut begin = default_start(width, height);
    begin.config.theme = theme.into();
    begin.config.list = ibid::config::ShowMode::Hide;
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let stream = app.send_prompt("Show me everything");
    app.stream_answer(stream, text);
    app.press("tab g");
    app
}

#[test]
fn a_page_with_every_construct_at_common_widths() {
    for width in [80, 120, 200] {
        assert_snapshot!(format!("everything-{width}"), page_in_theme("ink", width, 135, EVERYTHING).screen());
        assert_snapshot!(format!("scripts-{width}"), page_in_theme("ink", width, 50, SCRIPTS).screen());
    }
}

/// Returns a map of the screen with one letter for each style, after a legend of the letters.
fn style_map(app: &Harness) -> String {
    let buffer = app.buffer();
    let mut known: Vec<String> = Vec::new();
    let mut map = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let letters: String = row
            .iter()
            .map(|cell| {
                let style = format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier);
                let seen = cell.symbol() != " " || cell.bg != buffer.content[0].bg;
                let at = known.iter().position(|other| *other == style);
                let at = if seen {
                    Some(at.unwrap_or_else(|| {
                        known.push(style);
                        known.len() - 1
                    }))
                } else {
                    None
                };
                at.map_or(' ', |at| char::from(b'a' + u8::try_from(at).unwrap_or(25).min(25)))
            })
            .collect();
        map.push_str(letters.trim_end());
        map.push('\n');
    }
    let legend = known.iter().zip('a'..).map(|(look, letter)| format!("{letter} {look}\n"));
    legend.collect::<String>() + "\n" + &map
}

#[test]
fn a_page_has_its_colours_in_dark_and_light_themes() {
    for theme in ["ink", "paper"] {
        assert_snapshot!(format!("everything-{theme}"), style_map(&page_in_theme(theme, 80, 135, EVERYTHING)));
    }
}

#[test]
fn a_page_of_markdown() {
    at_every_size("page", |app| {
        let stream = app.send_prompt("Show me everything");
        app.stream_answer(stream, PAGE);
        app.press("tab g");
    });
}

#[test]
fn a_streaming_answer() {
    at_every_size("streaming", |app| {
        let stream = app.send_prompt("Is it safe to run SQLite in WAL mode on NFS?");
        play(app, stream, "reasoning-summary-encrypted.sse", Some("response.output_text.done"));
        app.enter_text("and what about litestream?");
    });
}

#[test]
fn streaming_reasoning() {
    at_every_size("thinking", |app| {
        let stream = app.send_prompt("Think about it");
        play(app, stream, "raw-reasoning-parallel-calls.sse", Some("response.reasoning_text.done"));
    });
}

#[test]
fn an_answer_with_its_sources() {
    at_every_size("sources", |app| {
        let stream = app.send_prompt("When does the café open again?");
        play(app, stream, "web-search-native-citations.sse", None);
        if app.size().width >= 160 {
            app.press("ctrl-x s");
        }
    });
}

/// Receives an answer and selects its first citation.
fn select_citation(app: &mut Harness) {
    let stream = app.send_prompt("Is it safe to run SQLite in WAL mode on NFS?");
    cited_answer::stream_cited_answer(app, stream);
    app.press("ctrl-home tab ]");
}

/// Checks the selected citation against this text of its page.
fn check_page(app: &mut Harness, page: &str) {
    app.press("c");
    app.wait(Duration::from_secs(1));
    app.effects();
    app.press("y");
    let request = app.effects().into_iter().find_map(|effect| match effect {
        Effect::CheckPage { conversation, message, questions } => Some((conversation, message, questions)),
        _ => None,
    });
    let (conversation, message, questions) = request.expect("the page is requested");
    let results = page_checks::read_pages(&questions, page);
    app.send(Msg::PageChecked { conversation, message, results });
}

#[test]
fn a_selected_citation() {
    at_every_size("walking", select_citation);
}

#[test]
fn a_source_opened_in_the_text() {
    at_every_size("card", |app| {
        select_citation(app);
        app.press("enter");
    });
}

#[test]
fn the_question_before_a_page_is_fetched() {
    at_every_size("asking", |app| {
        select_citation(app);
        app.press("c");
    });
}

#[test]
fn an_excerpt_found_on_its_page() {
    at_every_size("found", |app| {
        select_citation(app);
        check_page(
            app,
            &format!(
                "Overview. There are advantages and disadvantages. {} This is because it must.",
                cited_answer::EXCERPT
            ),
        );
    });
}

#[test]
fn an_excerpt_missing_from_its_page() {
    at_every_size("missing", |app| {
        select_citation(app);
        check_page(app, "Sign in to read this page.");
    });
}

#[test]
fn the_details_of_an_answer() {
    at_every_size("details", |app| {
        select_citation(app);
        app.press("i");
    });
}

#[test]
fn an_answer_that_failed_midway() {
    at_every_size("failed", |app| {
        let stream = app.send_prompt("List the steps");
        play(app, stream, "failed-mid-stream.sse", None);
    });
}

#[test]
fn the_countdown_before_a_retry() {
    at_every_size("waiting", |app| {
        let stream = app.send_prompt("hello");
        let mut error =
            ibid::api::ApiError::new(ibid::api::FaultKind::Rate, "Rate limit exceeded: 20 requests a minute");
        error.status = Some(429);
        error.retry_after = Some(9);
        app.end_stream(stream, Err(error));
        app.wait(Duration::from_millis(500));
    });
}

fn catalogue() -> Catalogue {
    let row = |id: &str, name: &str, input: &str, output: &str, context: u64| {
        json!({"id": id, "name": name, "description": "For long, careful work.", "created": 1_788_134_400, "context_length": context,
            "pricing": {"prompt": input, "completion": output}, "supported_parameters": ["tools", "reasoning"],
            "architecture": {"input_modalities": ["text", "image"]}, "reasoning": {"mandatory": false}})
    };
    let rows = [
        row("anthropic/claude-opus-5", "Anthropic: Claude Opus 5", "0.000005", "0.000025", 1_000_000),
        row("openai/gpt-5.6-luna", "OpenAI: GPT-5.6 Luna", "0.00000025", "0.000002", 400_000),
        row("example/opus-mini-chat:free", "Example: Opus mini", "0", "0", 32_000),
    ];
    Catalogue::parse(&json!({"data": rows}).to_string()).expect("a catalogue")
}

#[test]
fn the_model_picker() {
    at_every_size("models", |app| {
        app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result: Ok(catalogue()) });
        app.press("ctrl-x m");
        app.enter_text("opus");
    });
}

#[test]
fn the_commands() {
    at_every_size("commands", |app| {
        app.press("ctrl-p");
        app.enter_text("rea");
    });
}

#[test]
fn the_hints_after_the_leader_key() {
    at_every_size("leader", |app| {
        app.press("ctrl-x");
        app.wait(Duration::from_millis(500));
    });
}

#[test]
fn the_theme_picker() {
    at_every_size("themes", |app| {
        let stream = app.send_prompt("Show me everything");
        app.stream_answer(stream, PAGE);
        app.press("tab g");
        let theme = |name: &str, text: &str| ThemeFile {
            name: name.into(),
            path: format!("/home/me/.config/ibid/themes/{name}.toml").into(),
            text: Ok(text.into()),
        };
        app.press("ctrl-p t h e m e enter");
        app.send(Msg::ThemesRead(vec![
            theme("moss", "base = \"ink\"\n"),
            theme("tulip", "base = \"ink\"\nacent = \"#ff0000\"\n"),
        ]));
        app.press("down down down");
    });
}

#[test]
fn the_help_for_the_current_context() {
    at_every_size("help", |app| app.press("?"));
}

#[test]
fn instructions_and_sampling() {
    at_every_size("parameters", |app| {
        app.press("ctrl-x ,");
        app.enter_text("Be terse.");
        app.press("tab");
        app.enter_text("7");
        app.press("enter");
    });
}

#[test]
fn the_conversations() {
    at_every_size("list", |app| {
        for prompt in ["Why the night sky is dark", "日本語の敬語を直して", "Tax on a used e-bike"] {
            let stream = app.send_prompt(prompt);
            app.stream_answer(stream, "Yes.");
            app.press("ctrl-n");
        }
        let stream = app.send_prompt("Refactor the parser, please, and tell me why it was so slow");
        app.press("ctrl-n");
        play(app, stream, "plain-text.sse", Some("response.output_text.done"));
        app.press("ctrl-x l");
    });
}

#[test]
fn a_queued_prompt() {
    at_every_size("queue", |app| {
        let stream = app.send_prompt("first");
        play(app, stream, "plain-text.sse", Some("response.output_text.done"));
        app.enter_text("second thoughts");
        app.press("enter");
    });
}

/// Starts a conversation of several exchanges, with code.
fn several_exchanges(app: &mut Harness) {
    let stream = app.send_prompt("Show me everything");
    app.stream_answer(stream, PAGE);
    let stream = app.send_prompt("And where may it break?");
    app.stream_answer(
        stream,
        "Unicode says where. See the **rules** for line breaking, and mind the [link](https://example.org/rules).",
    );
    let stream = app.send_prompt("Show me code");
    app.stream_answer(stream, "Two ways where Unicode matters:\n\n```rust\nfn width(text: &str) -> usize {\n    text.chars().count()\n}\n```\n\n```python\nlen(text)\n```\n\nBoth count code points.");
    app.press("tab");
}

#[test]
fn a_search_in_a_conversation() {
    at_every_size("find", |app| {
        several_exchanges(app);
        app.press("/");
        app.enter_text("where");
        app.press("up");
    });
}

#[test]
fn the_list_of_prompts_to_jump_to() {
    at_every_size("jump", |app| {
        several_exchanges(app);
        app.press("p");
    });
}

#[test]
fn the_list_of_code_blocks() {
    at_every_size("code", |app| {
        several_exchanges(app);
        app.press("ctrl-x c down");
    });
}

#[test]
fn the_path_to_save_code_to() {
    at_every_size("save-code", |app| {
        several_exchanges(app);
        app.press("ctrl-x c ctrl-s");
    });
}

#[test]
fn a_selection_made_with_the_keyboard() {
    at_every_size("select", |app| {
        several_exchanges(app);
        app.press("J v w w w l");
    });
}

#[test]
fn an_unusable_database() {
    for (width, height) in SIZES {
        let mut app = Harness::with_start(default_start(width, height));
        app.store_reply(StoreReply::OpenFailed(ibid::store::StoreError::Corrupt("file is not a database".into())));
        assert_snapshot!(format!("broken-{width}x{height}"), app.screen());
    }
}

#[test]
fn ascii_glyphs_lose_no_information() {
    let mut begin = default_start(80, 24);
    begin.config.glyphs = ibid::config::GlyphSet::Ascii;
    begin.colours = ColourDepth::None;
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let stream = app.send_prompt("Show me everything");
    app.stream_answer(stream, PAGE);
    assert_snapshot!("ascii-80x24", app.screen());
}
