//! Whole screens at the sizes that people have, as snapshots to be read beside the pictures of the design.

mod support;

use std::{path::Path, time::Duration};

use ibid::{
    api::Catalogue,
    app::{Effect, EndpointInfo, Msg},
    chat::StreamId,
    config::ThemeFile,
    store::Reply,
    text::quote::Haystack,
    widgets::{check::Reading, theme::Colours},
};
use insta::assert_snapshot;
use serde_json::json;
use support::{
    cited,
    harness::{Harness, start},
};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (40, 10)];

/// Shows one scene at every size; and once in ASCII, where nothing of ours may be outside of it.
fn at_every_size(name: &str, scene: impl Fn(&mut Harness)) {
    let mut begin = start(120, 40);
    begin.config.glyphs = ibid::config::Glyphs::Ascii;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    scene(&mut app);
    let said = format!("{:?}", app.state.open);
    let foreign = |c: &char| !c.is_ascii() && !said.contains(*c);
    assert_eq!(app.screen().chars().find(foreign), None, "{}", app.screen());
    for (width, height) in SIZES {
        let mut app = Harness::new(width, height);
        scene(&mut app);
        assert_snapshot!(format!("{name}-{width}x{height}"), app.screen());
    }
}

/// The payloads of a composed stream, comments and `[DONE]` left out.
fn payloads(stream: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams").join(stream);
    let text = std::fs::read_to_string(&file).expect("the stream is part of the project");
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|line| *line != "[DONE]")
        .map(str::to_owned)
        .collect()
}

/// Plays a stream as far as the first payload that contains `until`, or to its end.
fn play(app: &mut Harness, stream: StreamId, file: &str, until: Option<&str>) {
    for payload in payloads(file) {
        if until.is_some_and(|until| payload.contains(until)) {
            return;
        }
        app.now += jiff::SignedDuration::from_millis(120);
        app.events(stream, &[&payload]);
    }
    app.end(stream, Ok(()));
}

const PAGE: &str = "# A first heading\n\nProse with **bold**, *italic*, `inline code`, a [link](https://example.org/page) and 中文混排 that breaks \
where Unicode lets it, long enough to need more than one row on most screens that people have.\n\n## A second heading\n\n1. A numbered item whose \
text hangs under its own first word\n   - nested, and the next level\n2. [x] done\n\n> A quotation keeps its bar on every row.\n\n> [!WARNING]\n> \
An alert has its kind in words.\n\n```rust\nfn main() {\n    println!(\"{}\", 42);\n}\n```\n\n| Setup | Safe? | Why |\n|---|---|--:|\n| WAL, local disk | \
yes | 12 |\n| WAL, NFS | no | 3 |\n";

#[test]
fn welcome() {
    for (width, height) in SIZES {
        let mut begin = start(width, height);
        begin.endpoints = vec![EndpointInfo { ready: false, ..begin.endpoints[0].clone() }];
        let mut app = Harness::with(begin);
        app.draw();
        assert_snapshot!(format!("welcome-{width}x{height}"), app.screen());
    }
}

#[test]
fn a_conversation_that_has_not_begun() {
    at_every_size("empty", Harness::draw);
}

const EVERYTHING: &str = include_str!("page/everything.md");
const SCRIPTS: &str = include_str!("page/scripts.md");

/// A screen so high that a whole page is seen, in a theme.
fn page_in(theme: &str, width: u16, height: u16, text: &str) -> Harness {
    let mut begin = start(width, height);
    begin.config.theme = theme.into();
    begin.config.list = ibid::config::Show::Hide;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let stream = app.prompt("Show me everything");
    app.answer(stream, text);
    app.press("tab g");
    app
}

#[test]
fn a_page_with_everything_at_the_widths_that_people_have() {
    for width in [80, 120, 200] {
        assert_snapshot!(format!("everything-{width}"), page_in("ink", width, 135, EVERYTHING).screen());
        assert_snapshot!(format!("scripts-{width}"), page_in("ink", width, 50, SCRIPTS).screen());
    }
}

/// The letters of a screen, each as a letter for its colours and looks, with what the letters stand for.
fn looks(app: &Harness) -> String {
    let buffer = app.buffer();
    let mut known: Vec<String> = Vec::new();
    let mut map = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let letters: String = row
            .iter()
            .map(|cell| {
                let look = format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier);
                let seen = cell.symbol() != " " || cell.bg != buffer.content[0].bg;
                let at = known.iter().position(|other| *other == look);
                let at = if seen {
                    Some(at.unwrap_or_else(|| {
                        known.push(look);
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
fn a_page_has_its_colours_in_the_dark_and_in_the_light() {
    for theme in ["ink", "paper"] {
        assert_snapshot!(format!("everything-{theme}"), looks(&page_in(theme, 80, 135, EVERYTHING)));
    }
}

#[test]
fn a_page_of_markdown() {
    at_every_size("page", |app| {
        let stream = app.prompt("Show me everything");
        app.answer(stream, PAGE);
        app.press("tab g");
    });
}

#[test]
fn an_answer_while_it_streams() {
    at_every_size("streaming", |app| {
        let stream = app.prompt("Is it safe to run SQLite in WAL mode on NFS?");
        play(app, stream, "reasoning-summary-encrypted.sse", Some("response.output_text.done"));
        app.enter_text("and what about litestream?");
    });
}

#[test]
fn reasoning_while_it_comes() {
    at_every_size("thinking", |app| {
        let stream = app.prompt("Think about it");
        play(app, stream, "raw-reasoning-parallel-calls.sse", Some("response.reasoning_text.done"));
    });
}

#[test]
fn an_answer_with_its_sources() {
    at_every_size("sources", |app| {
        let stream = app.prompt("When does the café open again?");
        play(app, stream, "web-search-native-citations.sse", None);
        if app.state.screen.size.width >= 160 {
            app.press("ctrl-x s");
        }
    });
}

/// The first citation of an answer, looked at.
fn look_at_a_citation(app: &mut Harness) {
    let stream = app.prompt("Is it safe to run SQLite in WAL mode on NFS?");
    cited::answer(app, stream);
    app.press("ctrl-home tab ]");
}

/// Its page was fetched and said this.
fn check(app: &mut Harness, page: &str) {
    app.press("c");
    app.wait(Duration::from_secs(1));
    app.effects();
    app.press("y");
    let asked = app.effects().into_iter().find_map(|effect| match effect {
        Effect::Check { conversation, question } => Some((conversation, question)),
        _ => None,
    });
    let (conversation, question) = asked.expect("a page is to be fetched");
    let found = vec![Haystack::new(page).find(question.words.text())];
    let result = Ok(Reading { url: question.url.clone(), cut: None, found });
    app.send(Msg::Checked { conversation, question, result });
}

#[test]
fn a_citation_that_is_looked_at() {
    at_every_size("walking", look_at_a_citation);
}

#[test]
fn a_source_opened_in_the_text() {
    at_every_size("card", |app| {
        look_at_a_citation(app);
        app.press("enter");
    });
}

#[test]
fn a_page_that_may_be_fetched() {
    at_every_size("asking", |app| {
        look_at_a_citation(app);
        app.press("c");
    });
}

#[test]
fn words_that_stand_on_their_page() {
    at_every_size("found", |app| {
        look_at_a_citation(app);
        check(
            app,
            &format!("Overview. There are advantages and disadvantages. {} This is because it must.", cited::EXCERPT),
        );
    });
}

#[test]
fn words_that_do_not_stand_on_their_page() {
    at_every_size("missing", |app| {
        look_at_a_citation(app);
        check(app, "Sign in to read this page.");
    });
}

#[test]
fn the_details_of_an_answer() {
    at_every_size("details", |app| {
        look_at_a_citation(app);
        app.press("i");
    });
}

#[test]
fn an_answer_that_broke_off() {
    at_every_size("failed", |app| {
        let stream = app.prompt("List the steps");
        play(app, stream, "failed-mid-stream.sse", None);
    });
}

#[test]
fn a_wait_before_the_next_attempt() {
    at_every_size("waiting", |app| {
        let stream = app.prompt("hello");
        let mut error = ibid::api::Error::new(ibid::api::Fault::Rate, "Rate limit exceeded: 20 requests a minute");
        error.status = Some(429);
        error.retry_after = Some(9);
        app.end(stream, Err(error));
        app.wait(Duration::from_millis(500));
    });
}

fn models() -> Catalogue {
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
fn the_picker_of_models() {
    at_every_size("models", |app| {
        app.send(Msg::Models { endpoint: "openrouter".into(), result: Ok(models()) });
        app.press("ctrl-x m");
        app.enter_text("opus");
    });
}

#[test]
fn the_menu_of_everything() {
    at_every_size("menu", |app| {
        app.press("ctrl-p");
        app.enter_text("rea");
    });
}

#[test]
fn the_choices_of_a_waiting_leader() {
    at_every_size("leader", |app| {
        app.press("ctrl-x");
        app.wait(Duration::from_millis(500));
    });
}

#[test]
fn the_picker_of_themes() {
    at_every_size("themes", |app| {
        let stream = app.prompt("Show me everything");
        app.answer(stream, PAGE);
        app.press("tab g");
        let theme = |name: &str, text: &str| ThemeFile {
            name: name.into(),
            path: format!("/home/me/.config/ibid/themes/{name}.toml").into(),
            text: Ok(text.into()),
        };
        app.press("ctrl-p t h e m e enter");
        app.send(Msg::Themes(vec![
            theme("moss", "base = \"ink\"\n"),
            theme("tulip", "base = \"ink\"\nacent = \"#ff0000\"\n"),
        ]));
        app.press("down down down");
    });
}

#[test]
fn the_keys_of_the_context() {
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
            let stream = app.prompt(prompt);
            app.answer(stream, "Yes.");
            app.press("ctrl-n");
        }
        let stream = app.prompt("Refactor the parser, please, and tell me why it was so slow");
        app.press("ctrl-n");
        play(app, stream, "plain-text.sse", Some("response.output_text.done"));
        app.press("ctrl-x l");
    });
}

#[test]
fn a_prompt_that_waits_in_the_queue() {
    at_every_size("queue", |app| {
        let stream = app.prompt("first");
        play(app, stream, "plain-text.sse", Some("response.output_text.done"));
        app.enter_text("second thoughts");
        app.press("enter");
    });
}

/// A conversation of several prompts, with code.
fn several(app: &mut Harness) {
    let stream = app.prompt("Show me everything");
    app.answer(stream, PAGE);
    let stream = app.prompt("And where may it break?");
    app.answer(
        stream,
        "Unicode says where. See the **rules** for line breaking, and mind the [link](https://example.org/rules).",
    );
    let stream = app.prompt("Show me code");
    app.answer(stream, "Two ways where Unicode matters:\n\n```rust\nfn width(text: &str) -> usize {\n    text.chars().count()\n}\n```\n\n```python\nlen(text)\n```\n\nBoth count code points.");
    app.press("tab");
}

#[test]
fn a_search_in_the_conversation() {
    at_every_size("find", |app| {
        several(app);
        app.press("/");
        app.enter_text("where");
        app.press("up");
    });
}

#[test]
fn the_prompts_to_go_to() {
    at_every_size("jump", |app| {
        several(app);
        app.press("p");
    });
}

#[test]
fn what_can_be_done_with_code() {
    at_every_size("code", |app| {
        several(app);
        app.press("ctrl-x c down");
    });
}

#[test]
fn where_code_is_saved() {
    at_every_size("save-code", |app| {
        several(app);
        app.press("ctrl-x c ctrl-s");
    });
}

#[test]
fn a_selection_by_keys() {
    at_every_size("select", |app| {
        several(app);
        app.press("J v w w w l");
    });
}

#[test]
fn a_database_that_cannot_be_used() {
    for (width, height) in SIZES {
        let mut app = Harness::with(start(width, height));
        app.reply(Reply::Broken(ibid::store::Error::Corrupt("file is not a database".into())));
        assert_snapshot!(format!("broken-{width}x{height}"), app.screen());
    }
}

#[test]
fn without_unicode_marks_everything_is_still_said() {
    let mut begin = start(80, 24);
    begin.config.glyphs = ibid::config::Glyphs::Ascii;
    begin.colours = Colours::None;
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: vec![], total: 0, new_draft: String::new() });
    let stream = app.prompt("Show me everything");
    app.answer(stream, PAGE);
    assert_snapshot!("ascii-80x24", app.screen());
}
