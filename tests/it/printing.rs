//! Who may print: one function writes to standard error, and one module knows the wall clock.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The files of `src`, apart from these, that contain one of these words before their tests.
fn files_with(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = sources(&root).into_iter().filter_map(|path| {
        let name = path.strip_prefix(&root).expect("it is in the folder").to_string_lossy().replace('\\', "/");
        let is_exempt = allowed.contains(&name.as_str()) || name.ends_with("tests.rs");
        let text = fs::read_to_string(&path).expect("a text");
        let code = text.split("mod tests {").next().unwrap_or_default();
        (!is_exempt && words.iter().any(|word| code.contains(word))).then_some(name)
    });
    found.collect()
}

#[test]
fn only_one_function_writes_to_standard_error() {
    let words = ["eprint", "io::stderr", "{stderr", "panic::take_hook", "use_stderr().then"];
    assert_eq!(files_with(&words, &["console.rs"]), [""; 0], "call `console::complain` or `console::report`");
    let console = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console.rs")).expect("a text");
    assert_eq!(console.matches("stderr()").count(), 1);
}

#[test]
fn only_the_answer_and_the_screen_are_written_to_standard_output() {
    let allowed =
        ["console.rs", "cli.rs", "terminal/os/unix.rs", "terminal/os/other.rs", "terminal/terminal_screen.rs"];
    assert_eq!(files_with(&["println!", " print!", "io::stdout"], &allowed), [""; 0]);
}

/// Dates in a response are compared with the wall clock; nothing else is.
#[test]
fn nothing_is_due_by_the_wall_clock() {
    let allowed = ["clock.rs", "api/client.rs", "api/client/response_stream.rs"];
    assert_eq!(files_with(&["Timestamp::now(", "Zoned::now("], &allowed), [""; 0], "call `clock::now`");
}
