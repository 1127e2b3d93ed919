//! Exporting in the app: the overlay, what is chosen in it, and the question about secrets.

use std::time::Duration;

use ibid::{
    exchange::export::{self, ExportDensity, ExportForm, ExportOptions, ExportScope, SecretHandling},
    render::highlight::CodeHighlighter,
    ui::{
        Effect, Msg,
        effect::ExportJob,
        msg::{ExportReady, FileWriteError},
    },
};
use insta::assert_snapshot;

use crate::support::harness::Harness;

fn app(prompt: &str) -> Harness {
    let mut app = Harness::new(80, 24);
    let stream = app.send_prompt(prompt);
    app.stream_answer(stream, "**Because** it is so.");
    app.effects();
    app
}

/// The export that was asked for.
fn job(app: &mut Harness) -> ExportJob {
    let jobs = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::ExportConversation(job) => Some(*job),
        _ => None,
    });
    jobs.last().expect("an export was asked for")
}

/// Does what the runtime does with an export.
fn carry_out(app: &mut Harness, job: ExportJob) {
    let ExportJob { whole, options, setting, path } = job;
    let mut highlighter = CodeHighlighter::new(|| Duration::ZERO);
    let plain = export::export(whole.clone(), &options, &setting, &mut highlighter);
    let masked = (!plain.suspects.is_empty()).then(|| {
        let options = ExportOptions { secrets: SecretHandling::Mask, ..options };
        export::export(whole, &options, &setting, &mut highlighter)
    });
    app.send(Msg::ExportReady(Box::new(ExportReady { path, plain, masked })));
}

/// The files that were asked for: path, text, whether one may be replaced.
fn files(app: &mut Harness) -> Vec<(String, String, bool)> {
    let written = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::WriteFile { path, text, over } => Some((path, text.to_string(), over)),
        _ => None,
    });
    written.collect()
}

#[test]
fn the_overlay_offers_form_scope_density_and_a_file() {
    let mut app = app("Why, though?");
    app.enter_text("/export");
    app.press("enter");
    assert_snapshot!(app.screen());
    app.press("right right");
    let screen = app.screen();
    assert!(screen.contains("[JSON]") && screen.contains("[tree]") && screen.contains("why-though.json"), "{screen}");
    assert!(screen.contains("ibid import gives the tree back."), "{screen}");
    app.press("down right down right tab ctrl-u");
    app.enter_text("talk.json");
    app.press("enter");
    let job = job(&mut app);
    assert_eq!(job.path, "talk.json");
    assert_eq!((job.options.form, job.options.density), (ExportForm::Json, ExportDensity::Answers));
    assert_eq!(job.options.part.scope(), ExportScope::Branch);
    assert_eq!(job.whole.messages.len(), 2);
}

#[test]
fn an_export_without_secrets_is_written_at_once_and_says_what_it_is() {
    let mut app = app("Why?");
    app.enter_text("/export html talk.html");
    app.press("enter");
    let job = job(&mut app);
    assert_eq!(job.options.form, ExportForm::Html);
    carry_out(&mut app, job);
    let written = files(&mut app);
    assert_eq!((written.len(), written[0].0.as_str(), written[0].2), (1, "talk.html", false));
    assert!(written[0].1.starts_with("<!DOCTYPE html>"), "{}", written[0].1);
    app.send(Msg::FileWritten { path: "talk.html".into(), text: "".into(), result: Ok("/home/me/talk.html".into()) });
    let screen = app.screen();
    assert!(screen.contains("saved as /home/me/talk.html; it does not give the tree back"), "{screen}");
}

#[test]
fn an_existing_file_is_not_replaced_without_asking() {
    let mut app = app("Why?");
    app.enter_text("/export talk.md");
    app.press("enter");
    let job = job(&mut app);
    carry_out(&mut app, job);
    let (path, text, _) = files(&mut app).remove(0);
    app.send(Msg::FileWritten { path, text: text.clone().into(), result: Err(FileWriteError::Exists) });
    assert!(app.screen().contains("The file already exists"), "{}", app.screen());
    app.press("down enter");
    assert_eq!(files(&mut app), [("talk.md".to_owned(), text, true)]);
}

#[test]
fn what_looks_like_a_secret_is_shown_and_can_be_masked_or_written_or_left() {
    const KEY: &str = "sk-or-v1-9f8e7d6c5b4a39281706f5e4d3c2b1a0";
    for (keys, is_written, has_key) in [("m", true, false), ("enter", true, true), ("esc", false, false)] {
        let mut app = app(&format!("Is {KEY} my key?"));
        app.enter_text("/export txt talk.txt");
        app.press("enter");
        let job = job(&mut app);
        carry_out(&mut app, job);
        assert_eq!(files(&mut app), [], "nothing is written before the answer");
        if keys == "m" {
            assert_snapshot!(app.screen());
        }
        app.press(keys);
        let written = files(&mut app);
        assert_eq!(written.len(), usize::from(is_written), "{keys}");
        assert_eq!(written.iter().any(|(_, text, _)| text.contains(&KEY[9..])), has_key, "{keys}");
        assert!(app.overlay().is_none(), "{keys}");
    }
}

#[test]
fn a_selection_is_offered_as_a_scope() {
    let mut app = app("Why?");
    app.press("tab g v G $");
    app.press("ctrl-p");
    app.enter_text("export the");
    app.press("enter");
    app.draw();
    let screen = app.screen();
    assert!(screen.contains("[selection]"), "{screen}");
    app.press("enter");
    let job = job(&mut app);
    assert_eq!(job.options.part.scope(), ExportScope::Selection);
}

#[test]
fn without_a_conversation_there_is_nothing_to_export() {
    let mut app = Harness::new(80, 24);
    app.enter_text("/export");
    app.press("enter");
    assert!(app.overlay().is_none());
    assert!(app.effects().iter().all(|effect| !matches!(effect, Effect::ExportConversation(_))));
}
