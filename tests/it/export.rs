//! Exports in every form, of a conversation with everything in it.

use std::time::Duration;

use ibid::{
    chat::{MessageBody, WholeConversation},
    config::LineBreaks,
    exchange::export::{
        self, ExportDensity, ExportForm, ExportOptions, ExportSetting, ExportedPart, ExportedText, SecretHandling,
        SelectedText,
    },
    render::highlight::CodeHighlighter,
};
use jiff::tz::TimeZone;

use crate::support::export_sample as sample;

mod hostile;
mod masking;
mod round_trip;

pub(crate) fn setting() -> ExportSetting {
    ExportSetting { now: sample::at(100), zone: TimeZone::UTC, line_breaks: LineBreaks::Auto }
}

pub(crate) fn exported(whole: &WholeConversation, options: &ExportOptions) -> ExportedText {
    let mut highlighter = CodeHighlighter::new(|| Duration::ZERO);
    export::export(whole.clone(), options, &setting(), &mut highlighter)
}

fn written(form: ExportForm, part: ExportedPart, density: ExportDensity) -> String {
    let options = ExportOptions { form, part, density, secrets: SecretHandling::Keep };
    exported(&sample::everything(), &options).text
}

#[test]
fn the_whole_tree_as_markdown() {
    insta::assert_snapshot!(written(ExportForm::Markdown, ExportedPart::Tree, ExportDensity::Full));
}

#[test]
fn the_whole_tree_as_plain_text() {
    insta::assert_snapshot!(written(ExportForm::PlainText, ExportedPart::Tree, ExportDensity::Full));
}

#[test]
fn the_whole_tree_as_a_page() {
    insta::assert_snapshot!(written(ExportForm::Html, ExportedPart::Tree, ExportDensity::Full));
}

#[test]
fn prompts_and_answers_of_the_branch_have_no_reasoning_calls_or_results() {
    let text = written(ExportForm::Markdown, ExportedPart::Branch, ExportDensity::Answers);
    for left_out in ["Reasoning", "Searched", "Called", "two notes", "Be brief", "It breaks off", "version"] {
        assert!(!text.contains(left_out), "{left_out} in {text}");
    }
    for kept in
        ["scope: branch", "density: answers", "WAL needs shared memory[^2.1]**", "[^2.1]: [Write-Ahead Logging]"]
    {
        assert!(text.contains(kept), "no {kept} in {text}");
    }
}

#[test]
fn prompts_alone_keep_their_order() {
    let text = written(ExportForm::PlainText, ExportedPart::Tree, ExportDensity::Prompts);
    insta::assert_snapshot!(text, @"
    Locks & <b>NFS</b>
    ==================
    2025-11-24 16:01 · the whole tree · prompts


    1. You · 2025-11-24 16:00
    -------------------------

    Why does WAL fail on NFS?

    # not a heading


    2. You · 2025-11-24 16:00
    -------------------------

    And my key sk-or-v1-0123456789abcdef0123456789abcdef?
    ");
}

#[test]
fn one_answer_is_the_newest_with_a_text_or_the_named_one() {
    let newest = written(ExportForm::Markdown, ExportedPart::Answer(None), ExportDensity::Answers);
    assert!(newest.contains("I cannot help with that.") && !newest.contains("WAL"), "{newest}");
    let second = ExportedPart::Answer(Some(sample::message_id(3)));
    let second = written(ExportForm::Markdown, second, ExportDensity::Full);
    assert!(second.contains("```sh\necho\n```\n\n> **"), "the open fence is closed: {second}");
}

#[test]
fn a_selection_has_only_what_is_selected() {
    let selected =
        |number, markdown: &str| SelectedText { message: sample::message_id(number), markdown: markdown.into() };
    let part = ExportedPart::Selection(vec![selected(1, "fail on NFS?"), selected(2, "**WAL** needs")]);
    let text = written(ExportForm::Markdown, part, ExportDensity::Full);
    let body = text.split("\n# ").nth(1).expect("a title");
    insta::assert_snapshot!(body, @r"
    Locks &amp; &lt;b&gt;NFS&lt;/b&gt;

    ## 1. You

    <sub>2025-11-24 16:00</sub>

    fail on NFS?

    ## 2. anthropic/claude-opus-5

    <sub>2025-11-24 16:00 · Anthropic · 8.0 s · \$0.018</sub>

    *the oldest turns were left out*

    **WAL** needs
    ");
}

#[test]
fn an_answer_that_runs_is_exported_as_far_as_it_came() {
    let mut whole = sample::everything();
    if let MessageBody::Answer(answer) = &mut whole.messages[4].body {
        answer.end = ibid::chat::AnswerEnd::Open;
    }
    let text = exported(&whole, &ExportOptions::default()).text;
    assert!(text.contains("I cannot help with that.\n\n> **The answer was interrupted."), "{text}");
}
