//! Who may print: one function writes to standard error, and one module knows the wall clock.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The files of `src`, with their code before their tests.
fn code_of_sources() -> impl Iterator<Item = (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let named = sources(&root).into_iter().map(move |path| {
        let name = path.strip_prefix(&root).expect("it is in the folder").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).expect("a text");
        (name, text.split("mod tests {").next().unwrap_or_default().to_owned())
    });
    named.filter(|(name, _)| !name.ends_with("tests.rs"))
}

/// The files of `src`, apart from these, that contain one of these words before their tests.
fn files_with(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let found = code_of_sources()
        .filter(|(name, code)| !allowed.contains(&name.as_str()) && words.iter().any(|word| code.contains(word)));
    found.map(|(name, _)| name).collect()
}

#[test]
fn only_one_function_writes_to_standard_error() {
    let words = ["eprint", "io::stderr", "{stderr", "panic::take_hook", "use_stderr().then"];
    assert_eq!(files_with(&words, &["console.rs"]), [""; 0], "call `console::complain` or `console::report`");
    let console = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console.rs")).expect("a text");
    assert_eq!(console.matches("stderr().write").count(), 1);
}

#[test]
fn only_the_answer_and_the_screen_are_written_to_standard_output() {
    let allowed = [
        "console.rs",
        "cli.rs",
        "cli/ask.rs",
        "cli/export.rs",
        "cli/manual.rs",
        "cli/paged.rs",
        "terminal/os/unix.rs",
        "terminal/os/other.rs",
        "terminal/terminal_screen.rs",
    ];
    assert_eq!(files_with(&["println!", " print!", "io::stdout"], &allowed), [""; 0]);
}

/// The files that print errors of our own, or words that `error_words` made, and how often. The demo reads only its own
/// scripts, and `transport` looks for words in an error.
const OWN_ERRORS: [(&str, usize); 36] = [
    ("api/error/transport.rs", 1),
    ("cli/export.rs", 4),
    ("cli/import.rs", 1),
    ("cli/list.rs", 1),
    ("cli/login.rs", 1),
    ("cli/models.rs", 2),
    ("cli/search.rs", 3),
    ("cli/show.rs", 4),
    ("demo/script.rs", 2),
    ("exchange/export/document.rs", 1),
    ("exchange/import/open_webui.rs", 1),
    ("exchange/import/pi.rs", 1),
    ("exchange/import/report.rs", 1),
    ("exchange/import/visit.rs", 1),
    ("exchange/portable.rs", 1),
    ("headless.rs", 5),
    ("keys.rs", 1),
    ("mcp/stdio.rs", 1),
    ("runtime.rs", 1),
    ("runtime/connect.rs", 7),
    ("runtime/import_thread.rs", 1),
    ("runtime/servers.rs", 1),
    ("runtime/sign_in.rs", 1),
    ("store/error.rs", 2),
    ("store/search_index.rs", 1),
    ("ui/actions/call_results.rs", 1),
    ("ui/actions/database_care.rs", 4),
    ("ui/actions/searching.rs", 1),
    ("ui/actions/xray_actions.rs", 1),
    ("ui/cx.rs", 1),
    ("ui/on_store.rs", 5),
    ("ui/overlay/form/view.rs", 1),
    ("ui/overlays/open_overlays.rs", 1),
    ("ui/search.rs", 1),
    ("ui/state.rs", 1),
    ("ui/view.rs", 2),
];

/// The words of an error from outside are meant for a log: they begin with a capital letter, and name numbers.
#[test]
fn errors_from_outside_reach_the_screen_only_through_one_function() {
    let names = ["e", "err", "error", "problem", "complaint", "cause", "failure"];
    let direct = names.map(|name| [format!("{{{name}}}"), format!("{{{name}:?"), format!(" {name}.to_string()")]);
    let as_method = ["map_err(ToString::", "(&error.to_string()", "(error.to_string()"].map(str::to_owned);
    let direct = direct.concat().into_iter().chain(as_method).collect::<Vec<_>>();
    let count = |code: &str| direct.iter().map(|words| code.matches(words.as_str()).count()).sum::<usize>();
    let used: BTreeMap<String, usize> = code_of_sources()
        .map(|(name, code)| (name, count(&code)))
        .filter(|(name, count)| *count > 0 && name != "text.rs")
        .collect();
    let allowed = OWN_ERRORS.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(used, allowed, "call `text::error_words` with an error that is not ours, else count it in `OWN_ERRORS`");
}

/// Dates in a response are compared with the wall clock; nothing else is.
#[test]
fn nothing_is_due_by_the_wall_clock() {
    let allowed = ["clock.rs", "api/client.rs", "api/client/response_stream.rs"];
    assert_eq!(files_with(&["Timestamp::now(", "Zoned::now("], &allowed), [""; 0], "call `clock::now`");
}
