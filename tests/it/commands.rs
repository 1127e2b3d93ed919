//! The commands, the ranking of every fuzzy list, the safeguard that asks once, and the keys that ten jobs need.

use std::fmt::Write as _;

use ibid::{
    api::Catalogue,
    render::theme::{ColourRole, Theme},
    store::{StoreJob, StoreReply},
    ui::{
        Action, Effect, Msg,
        keymap::{KeyContext, Keymap},
        overlays::ScreenOverlay,
    },
};
use insta::assert_snapshot;

use crate::{
    screens::at_every_size,
    support::{
        cited_answer,
        harness::{Harness, default_start},
    },
};

const MODELS: &[&str] = &[
    "anthropic/claude-opus-5",
    "anthropic/claude-opus-4.8",
    "anthropic/claude-sonnet-5",
    "openai/gpt-5.6",
    "deepseek/deepseek-passk-free",
    "x-ai/grok-4.3",
];

const TITLES: &[&str] =
    &["OTP vs. passkeys", "Opera plus sonnets", "Explain the borrow checker", "A theme park in May"];

/// A program with models, four old conversations and a prompt history.
fn app() -> Harness {
    let mut app = Harness::new(120, 40);
    let models: Vec<String> = MODELS.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let catalogue = Catalogue::parse(&format!(r#"{{"data":[{}]}}"#, models.join(",")));
    let result = Ok(catalogue.expect("the catalogue is valid"));
    app.send(Msg::CatalogueLoaded { endpoint: "openrouter".into(), result });
    for title in TITLES {
        let stream = app.send_prompt(title);
        app.stream_answer(stream, "Yes.");
        app.press("ctrl-n");
    }
    app.effects();
    app
}

fn listed_commands(app: &mut Harness, query: &str) -> Vec<String> {
    app.press("ctrl-p");
    app.enter_text(query);
    let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
    let titles = list.titles().map(str::to_owned).collect();
    app.press("esc");
    titles
}

/// The rows of a picker, by their searched cell.
fn listed_rows(app: &mut Harness, keys: &str, query: &str) -> Vec<String> {
    app.press(keys);
    app.enter_text(query);
    let Some(ScreenOverlay::Picker { picker, .. }) = app.overlay() else { panic!("no picker is open") };
    let titles = picker.listed().map(str::to_owned).collect();
    app.press("esc");
    titles
}

#[test]
fn every_fuzzy_list_ranks_by_the_same_rule() {
    let mut app = app();
    let again = listed_commands(&mut app, "again");
    assert_eq!(again[0], "Answer again: pick a model, see the price");
    assert!(again.iter().all(|title| title.contains("again")), "{again:?}");
    let theme = listed_commands(&mut app, "theme");
    assert_eq!(theme[..2], ["Choose the theme", "A theme park in May"]);
    let names: Vec<&str> = Theme::bundled_names().collect();
    assert!(theme[2..].iter().all(|title| title == "auto" || names.contains(&title.as_str())), "{theme:?}");
    let th = listed_commands(&mut app, "th");
    assert_eq!(th[0], "Choose the theme");
    assert!(!th.contains(&"Copy the answer as Markdown".to_owned()), "articles are no words: {th:?}");
    let opus = listed_commands(&mut app, "opus");
    assert_eq!(opus, ["claude-opus-5", "claude-opus-4.8"]);
    assert_eq!(listed_commands(&mut app, "passk"), ["OTP vs. passkeys", "deepseek-passk-free"]);
    assert_eq!(
        listed_commands(&mut app, "model")[0],
        "Model slots: use the model in slot 1 to 9",
        "the title begins so"
    );
    assert_eq!(listed_commands(&mut app, "zzzz"), [""; 0]);

    assert_eq!(listed_rows(&mut app, "ctrl-x m", "opus"), ["claude-opus-5", "claude-opus-4.8"]);
    assert_eq!(listed_rows(&mut app, "ctrl-x m", "gpt56"), ["gpt-5.6"], "strewn letters, since nothing else matches");
    assert_eq!(listed_rows(&mut app, "ctrl-r", "son"), ["Opera plus sonnets"]);
    assert_eq!(
        listed_rows(&mut app, "ctrl-r", "opus"),
        ["Opera plus sonnets"],
        "strewn: no prompt has it in one piece"
    );

    app.press("ctrl-x l /");
    app.enter_text("pass");
    assert!(app.screen().contains("1 of 4"), "{}", app.screen());
}

#[test]
fn a_theme_is_used_from_the_commands() {
    let mut app = app();
    app.press("ctrl-p");
    app.enter_text("paper");
    assert!(app.screen().contains("Composer /theme paper"), "{}", app.screen());
    app.press("enter");
    assert_eq!(app.env().config.theme, "paper");
    assert!(app.overlay().is_none());
}

#[test]
fn the_ways_to_do_the_same_are_never_cut_at_the_edge() {
    for width in [60, 80, 120] {
        let mut app = app();
        app.resize(width, 40);
        app.press("ctrl-p");
        app.enter_text("opus-5");
        let screen = app.screen();
        let whole = ["/model anthropic/claude-opus-5", "ibid --model anthropic/claude-opus-5"];
        assert!(whole.iter().all(|way| screen.contains(way)), "{screen}");
    }
}

#[test]
fn the_commands_as_they_open() {
    at_every_size("commands-open", |app| {
        for title in ["Menu for six, no nuts", "Refactor the parser", "Release notes"] {
            let stream = app.send_prompt(title);
            app.stream_answer(stream, "Toasted sunflower seeds give the same crunch.");
            app.press("ctrl-n");
        }
        app.press("ctrl-p");
    });
}

#[test]
fn recent_conversations_come_first_without_the_open_one() {
    let mut app = app();
    app.press("ctrl-p");
    let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
    let titles: Vec<&str> = list.titles().take(4).collect();
    assert_eq!(titles, ["A theme park in May", "Explain the borrow checker", "Opera plus sonnets", "New conversation"]);
    app.press("down enter ctrl-p");
    let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
    assert_eq!(list.titles().next(), Some("A theme park in May"));
    assert!(list.titles().all(|title| title != "Explain the borrow checker"), "it is on the screen");
}

#[test]
fn commands_show_what_is_in_force_and_are_listed_by_use() {
    let mut app = app();
    app.press("ctrl-x w ctrl-p");
    let screen = app.screen();
    let row = |words: &str| screen.lines().find(|row| row.contains(words)).unwrap_or_else(|| panic!("{screen}"));
    let web: Vec<&str> = row("Web search on or off").split_whitespace().collect();
    assert!(web.windows(3).any(|words| words == ["on", "^X", "w"]), "{screen}");
    assert!(row("Choose the model for the next").contains("gpt-5.6-luna"), "{screen}");
    assert!(!screen.contains("…"), "no row is cut: {screen}");
    app.press("esc");
    app.press("ctrl-p t h e m e enter esc");
    let counted = app
        .effects()
        .into_iter()
        .any(|effect| matches!(effect, Effect::RunStoreJob(StoreJob::CountUse(command)) if command == "theme"));
    assert!(counted);
    app.press("ctrl-p");
    let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
    assert_eq!(list.titles().nth(3), Some("Choose the theme"), "the command that was used");
    app.store_reply(StoreReply::Uses(vec![("find".into(), 7)]));
    app.press("esc ctrl-p");
    let Some(ScreenOverlay::Commands(list)) = app.overlay() else { panic!("the commands are not open") };
    assert_eq!(list.titles().nth(3), Some("Find in this conversation"));
}

#[test]
fn no_row_and_no_description_is_cut_at_120_columns() {
    let mut app = app();
    app.press("ctrl-p");
    for _ in 0..70 {
        let screen = app.screen();
        assert!(!screen.contains('…'), "{screen}");
        app.press("down");
    }
}

#[test]
fn what_switches_a_safeguard_off_asks_once_and_stands_in_the_warning_colour() {
    let mut options = default_start(120, 40);
    options.config.theme = "ink".into();
    let mut app = Harness::with_start(options);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app.press("ctrl-p");
    app.enter_text("auto-approve");
    let (x, y) = find(&app, "Auto-approve all tools in");
    let warning = Theme::bundled("ink").expect("a bundled theme").style(ColourRole::Warning).fg;
    assert_eq!(Some(app.cell(x + 14, y).fg), warning, "{}", app.screen());
    app.press("enter");
    assert!(!app.settings().tools.grants.all);
    assert_snapshot!(app.screen().lines().skip(11).take(5).collect::<Vec<_>>().join("\n"));
    app.press("enter space n esc");
    assert!(!app.settings().tools.grants.all, "only its own key switches it off");
    app.press("ctrl-p");
    app.enter_text("auto-approve");
    app.press("enter y");
    assert!(app.settings().tools.grants.all);
    app.press("ctrl-p");
    app.enter_text("auto-approve");
    app.press("enter");
    assert!(!app.settings().tools.grants.all, "switching it on again asks nothing");
}

fn find(app: &Harness, words: &str) -> (u16, u16) {
    let height = app.size().height;
    (0..height)
        .find_map(|y| {
            let row = app.row(y);
            let at = row.find(words)?;
            Some((u16::try_from(row[..at].chars().count()).expect("a column"), y))
        })
        .unwrap_or_else(|| panic!("{words}: {}", app.screen()))
}

#[test]
fn the_help_is_filtered_as_one_types_and_scrolls() {
    let mut app = Harness::new(80, 24);
    app.press("?");
    assert!(app.screen().contains("Writing  you are here"), "{}", app.screen());
    app.press("pgdn down");
    assert!(!app.screen().contains("you are here"), "{}", app.screen());
    app.enter_text("citation");
    assert!(app.screen().contains("next, previous citation"), "{}", app.screen());
    assert!(!app.screen().contains("new conversation"), "{}", app.screen());
    app.press("esc");
    assert!(app.overlay().is_none());
    app.press("ctrl-x l");
    app.press("?");
    assert!(app.screen().contains("Conversations  you are here"), "{}", app.screen());
}

/// A job, and the keys that do it, as actions in the context where each is pressed, or as keys that are only typed.
struct Job {
    name: &'static str,
    steps: &'static [(KeyContext, Step)],
}

#[derive(Clone, Copy)]
enum Step {
    Do(Action),
    /// What one types to choose; it does not count.
    Type(&'static str),
}

const JOBS: &[Job] = {
    use KeyContext::{AgainPicker, CodePicker, Composer, ModelPicker, Picker, Transcript};
    use Step::{Do, Type};
    &[
        Job { name: "new chat", steps: &[(Composer, Do(Action::NewConversation))] },
        Job {
            name: "other model",
            steps: &[
                (Composer, Do(Action::ChooseModel)),
                (ModelPicker, Type("opus-5")),
                (ModelPicker, Do(Action::Accept)),
            ],
        },
        Job { name: "other effort", steps: &[(Composer, Do(Action::NextEffort))] },
        Job {
            name: "again with another model",
            steps: &[
                (Composer, Do(Action::FocusNext)),
                (Transcript, Do(Action::AnswerAgain)),
                (AgainPicker, Do(Action::RowDown)),
                (AgainPicker, Do(Action::Accept)),
            ],
        },
        Job { name: "copy answer", steps: &[(Composer, Do(Action::CopyAnswer))] },
        Job {
            name: "copy a code block",
            steps: &[
                (Composer, Do(Action::ShowCodeBlocks)),
                (CodePicker, Type("ls")),
                (CodePicker, Do(Action::Accept)),
            ],
        },
        Job {
            name: "find an old chat",
            steps: &[(Composer, Do(Action::ShowCommands)), (Picker, Type("borrow")), (Picker, Do(Action::Accept))],
        },
        Job {
            name: "open a source",
            steps: &[
                (Composer, Do(Action::FocusNext)),
                (Transcript, Do(Action::NextCitation)),
                (Transcript, Do(Action::OpenInBrowser)),
            ],
        },
        Job { name: "stop", steps: &[(Composer, Do(Action::Back))] },
        Job {
            name: "edit the last prompt",
            steps: &[(Composer, Do(Action::EditEarlier)), (Picker, Do(Action::Accept))],
        },
    ]
};

#[test]
fn ten_jobs_need_at_most_four_keys_and_what_is_typed() {
    let keymap = Keymap::default();
    let mut table = String::new();
    for job in JOBS {
        let mut count = 0;
        let mut keys = Vec::new();
        for (context, step) in job.steps {
            match step {
                Step::Type(_) => keys.push("...".to_owned()),
                Step::Do(action) => {
                    let bound =
                        keymap.keys_for(*context, *action).unwrap_or_else(|| panic!("{}: {action:?}", job.name));
                    count += bound.split(' ').count();
                    keys.push(bound);
                }
            }
        }
        assert!(count <= 4, "{}: {keys:?}", job.name);
        let _ = writeln!(table, "{:<26}{count}   {}", job.name, keys.join(" "));
    }
    assert_snapshot!(table);
}

/// Presses the keys of a job; the program is on an answer with a source and two code blocks.
fn do_job(name: &str) -> Harness {
    let mut app = app();
    let stream = app.send_prompt("How?");
    cited_answer::stream_cited_answer(&mut app, stream);
    if name == "copy a code block" {
        let stream = app.send_prompt("Code?");
        app.stream_answer(stream, "```rust\nfn main() {}\n```\n\n```sh\nls -l\n```\n");
    }
    if name == "stop" {
        app.send_prompt("At length?");
    }
    app.effects();
    let job = JOBS.iter().find(|job| job.name == name).unwrap_or_else(|| panic!("{name}"));
    for (context, step) in job.steps {
        match step {
            Step::Type(text) => app.enter_text(text),
            Step::Do(action) => {
                let keys = action.entry().keys;
                let here = keys.iter().find(|(bound, _)| bound == context).or(keys.iter().find(|(bound, _)| {
                    matches!(bound, KeyContext::Global | KeyContext::Overlay | KeyContext::Empty | KeyContext::Field)
                }));
                app.press(here.expect("it has keys").1);
            }
        }
    }
    app
}

#[test]
fn the_keys_of_the_ten_jobs_do_them() {
    assert_eq!(do_job("new chat").conversation_id(), None);
    assert_eq!(do_job("other model").settings().model, "anthropic/claude-opus-5");
    let again = do_job("again with another model").opened_streams().remove(0).1;
    assert_ne!(again["model"], app().settings().model.as_str());
    let copied = |name| {
        do_job(name).effects().into_iter().find_map(|effect| match effect {
            Effect::CopyToClipboard(text) => Some(text),
            _ => None,
        })
    };
    assert!(copied("copy answer").is_some_and(|text| text.contains("shared memory")));
    assert_eq!(copied("copy a code block").as_deref(), Some("ls -l\n"));
    let found = do_job("find an old chat");
    assert_eq!(found.conversation().map(|chat| chat.title.as_str()), Some("Explain the borrow checker"));
    let opened = do_job("open a source").effects().into_iter().any(|effect| matches!(effect, Effect::OpenPage(_)));
    assert!(opened);
    let stopped = do_job("stop").effects().into_iter().any(|effect| matches!(effect, Effect::CloseStream(_)));
    assert!(stopped);
    assert_eq!(do_job("edit the last prompt").draft(), "How?");
    assert_ne!(do_job("other effort").settings().effort, app().settings().effort);
}
