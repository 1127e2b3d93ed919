//! The examples of `CommonMark` and GFM, as the parser's package has them: wherever ibid departs from strict Markdown,
//! `docs/markdown.md` says by which rule. `IBID_UPDATE=1` writes that list anew.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf, process::Command};

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TextMergeStream};

use super::{
    MarkdownLayout, MarkdownOptions, StyledRow, TextStage,
    prepare::{PASSES, parser_options, prepare_with},
};

use crate::{config::LineBreaks, text};

/// The file that lists the examples, and where the list begins in it.
const PAGE: &str = "docs/markdown.md";
const LIST_HEADING: &str = "## Examples of the specifications\n";

/// The rules of the passes before the parser, in their order.
const PASS_RULES: [&str; PASSES.len()] = [
    "fences in fences",
    "nearly tables",
    "formulas",
    RAW_HTML,
    "indented lists",
    "unused definitions",
    "signs kept",
    "emphasis in Chinese and Japanese",
];
/// The rules that are not a pass.
const LINE_BREAKS: &str = "line breaks";
const LIST_NUMBERS: &str = "list numbers";
const RAW_HTML: &str = "raw HTML";

/// An example of a specification.
struct SpecExample {
    /// The specification and the number in it.
    name: String,
    source: String,
}

#[test]
fn every_departure_from_strict_markdown_has_its_rule() {
    let Some(examples) = spec_examples() else { return };
    assert!(examples.len() > 660, "only {} examples were read", examples.len());
    let mut list = String::from(LIST_HEADING);
    list.push_str("\nWritten by a test. The names are those of the test sets in the parser's package.\n\n");
    for example in &examples {
        let rules = departures(&example.source);
        if !rules.is_empty() {
            let rules: Vec<&str> = rules.into_iter().collect();
            writeln!(list, "- {}: {}", example.name, rules.join(", ")).expect("a string can be written to");
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).expect("the page about Markdown is readable");
    let (rules, written) = page.split_at(page.find(LIST_HEADING).unwrap_or(page.len()));
    if env::var_os("IBID_UPDATE").is_some() {
        fs::write(&path, format!("{rules}{list}")).expect("the page about Markdown is writable");
    } else {
        assert!(written == list, "the list in {PAGE} is out of date; IBID_UPDATE=1 writes it\n{list}");
    }
    for rule in PASS_RULES.into_iter().chain([LINE_BREAKS, LIST_NUMBERS, RAW_HTML]) {
        assert!(rules.contains(&format!("**{}**", capitalized(rule))), "{PAGE} has no rule **{}**", capitalized(rule));
    }
}

fn capitalized(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The rules by which a text is read otherwise than strictly.
fn departures(source: &str) -> BTreeSet<&'static str> {
    let strict = strict_events(source);
    let with_all = prepared_events(source, |_| true);
    let mut rules = BTreeSet::new();
    if with_all != strict {
        rules.extend(PASS_RULES.into_iter().filter(|rule| prepared_events(source, |other| other != *rule) != with_all));
        assert!(!rules.is_empty(), "no single rule explains {source:?}: {strict:?} became {with_all:?}");
    }
    if rows(source, LineBreaks::Auto) != rows(source, LineBreaks::Markdown) {
        rules.insert(LINE_BREAKS);
    }
    let mut parser = Parser::new_ext(source, strict_options());
    if parser.any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_))) {
        rules.insert(RAW_HTML);
    }
    if has_own_numbers(source) {
        rules.insert(LIST_NUMBERS);
    }
    rules
}

fn strict_options() -> Options {
    parser_options() - Options::ENABLE_MATH
}

fn strict_events(source: &str) -> Vec<String> {
    described(Parser::new_ext(source, strict_options()))
}

fn prepared_events(source: &str, has_rule: impl Fn(&str) -> bool) -> Vec<String> {
    let passes = PASS_RULES.iter().zip(&PASSES).filter(|(rule, _)| has_rule(rule)).map(|(_, pass)| pass);
    let prepared = prepare_with(source, passes);
    described(prepared.events().map(|(event, _)| event))
}

/// Describes events, whether their words are borrowed or not.
fn described<'a>(events: impl Iterator<Item = Event<'a>>) -> Vec<String> {
    let own = |words: CowStr| CowStr::Boxed(words.into_string().into());
    let owned = TextMergeStream::new(events).map(|event| match event {
        Event::Text(words) => Event::Text(own(words)),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: own(dest_url), title: own(title), id: own(id) })
        }
        other => other,
    });
    owned.map(|event| format!("{event:?}")).collect()
}

fn rows(source: &str, line_breaks: LineBreaks) -> Vec<String> {
    let mut layout = MarkdownLayout::new(MarkdownOptions { line_breaks, ..MarkdownOptions::default() });
    layout.sync(source, 100, TextStage::Complete, &[]);
    layout.rows().iter().map(StyledRow::text).collect()
}

/// Whether a list has other numbers than one that counts from its first number.
fn has_own_numbers(source: &str) -> bool {
    let mut lists: Vec<Option<u64>> = Vec::new();
    for (event, range) in Parser::new_ext(source, strict_options()).into_offset_iter() {
        match event {
            Event::Start(Tag::List(first)) => lists.push(first),
            Event::End(pulldown_cmark::TagEnd::List(_)) => drop(lists.pop()),
            Event::Start(Tag::Item) => {
                if let Some(Some(next)) = lists.last_mut() {
                    let digits: String = source[range].chars().take_while(char::is_ascii_digit).collect();
                    if digits.parse() != Ok(*next) {
                        return true;
                    }
                    *next += 1;
                }
            }
            _ => (),
        }
    }
    false
}

/// Reads the examples of the parser's package, where its source is; says so loudly where it is not.
#[expect(clippy::disallowed_methods, reason = "cargo is no helper of the app")]
fn spec_examples() -> Option<Vec<SpecExample>> {
    let skip = |why: &str| {
        eprintln!("\n== SKIPPED the examples of CommonMark and GFM: {why}\n");
        None
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let Ok(output) = output else { return skip("cargo cannot be run") };
    let Ok(metadata) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
        return skip("cargo metadata does not answer");
    };
    let package = metadata["packages"].as_array()?.iter().find(|package| package["name"] == "pulldown-cmark")?;
    let suite = PathBuf::from(package["manifest_path"].as_str()?).parent()?.join("tests/suite");
    let mut examples = Vec::new();
    for file in ["spec.rs", "gfm_table.rs", "gfm_strikethrough.rs", "gfm_tasklist.rs"] {
        let Ok(code) = fs::read_to_string(suite.join(file)) else { return skip("the parser's package has no tests") };
        let texts = code.split("let original = r##\"").skip(1).filter_map(|rest| Some(rest.split_once("\"##;")?.0));
        examples.extend(texts.enumerate().map(|(index, source)| SpecExample {
            name: format!(
                "{} {}",
                file.trim_end_matches(".rs").replace("spec", "CommonMark").replace('_', " "),
                index + 1
            ),
            source: text::clean(source).into_owned(),
        }));
    }
    Some(examples)
}
