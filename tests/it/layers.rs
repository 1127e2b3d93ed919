//! The dependency rules between the layers of `ARCHITECTURE.md`, and what the pure layers must not use.
//!
//! The checks read every file under `src/` and resolve its paths (`crate::x`, `super::x`, groups in braces). Test modules
//! may use time, files and threads, but nothing above their own layer.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// The layers from top to bottom: a layer may use those below it, but none above or beside it.
const LAYERS: &[&[&str]] = &[
    &["main", "cli"],
    &["terminal", "headless", "demo"],
    &["runtime"],
    &["ui"],
    &["render"],
    &["store", "mcp", "keys"],
    &["citations", "config", "log"],
    &["chat"],
    &["api"],
    &["tools"],
    &["files", "text", "processes"],
];

/// Exceptions within a layer: (user, used module, reason).
const LAYER_EXCEPTIONS: &[(&str, &str, &str)] = &[("main", "cli", "to parse its arguments")];

/// Layers in which the same input always gives the same state: time is an argument, and side effects are values.
const PURE_LAYERS: &[&str] = &["ui", "render", "citations", "chat", "tools", "text"];

/// Paths that a pure layer must not use: (path, what to do instead).
const IMPURE_PATHS: &[(&str, &str)] = &[
    ("Instant::now", "take `now` as an argument"),
    ("SystemTime::now", "take `now` as an argument"),
    ("Timestamp::now", "take `now` as an argument"),
    ("Zoned::now", "take `now` as an argument"),
    ("Uuid::now_v7", "draw ids from `chat::Ids`"),
    ("Uuid::new_v4", "draw ids from `chat::Ids`"),
    ("rand", "draw ids from `chat::Ids`"),
    ("getrandom", "draw ids from `chat::Ids`"),
    ("std::fs", "return an effect"),
    ("std::env", "take its value as an argument"),
    ("std::net", "return an effect"),
    ("std::process", "return an effect"),
    ("std::thread", "return an effect"),
    ("tokio", "return an effect"),
    ("reqwest", "return an effect"),
    ("rusqlite", "return an effect"),
    ("async", "nothing waits here: return an effect"),
    ("await", "nothing waits here: return an effect"),
];

/// The most lines that a file may have; a longer one hides a second noun.
const MAX_LINES: usize = 600;

#[test]
fn every_module_uses_only_lower_layers() {
    assert_no_violations(&source_files().iter().flat_map(SourceFile::upward_uses).collect::<Vec<_>>());
}

#[test]
fn the_architecture_document_shows_these_layers() {
    let map = include_str!("../../ARCHITECTURE.md");
    let (_, rest) = map.split_once("## Layers").expect("it has a section on the layers");
    let block = rest.split("```").nth(1).expect("the layers are in a code block");
    let shown: Vec<Vec<&str>> = block
        .lines()
        .filter_map(|line| line.trim().split_once("   "))
        .map(|(modules, _)| modules.split_whitespace().collect())
        .collect();
    assert_eq!(shown, LAYERS);
}

#[test]
fn pure_layers_use_no_clock_no_files_and_no_async() {
    assert_no_violations(&source_files().iter().flat_map(SourceFile::impure_uses).collect::<Vec<_>>());
}

#[test]
fn no_code_unwraps_or_is_unfinished() {
    assert_no_violations(&source_files().iter().flat_map(SourceFile::shortcuts).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_the_maximum() {
    let long = |source: &SourceFile| {
        let lines = source.text.lines().count();
        (lines > MAX_LINES).then(|| source.violation(lines, format!("{lines} lines; the maximum is {MAX_LINES}")))
    };
    assert_no_violations(&source_files().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn a_forbidden_use_is_found_however_it_is_written() {
    let source = |path: &str, text: &str| SourceFile::new(Path::new(path), text.into());
    let upward = |path: &str, text: &str| source(path, text).upward_uses().len();
    assert_eq!(upward("chat/turn.rs", "use crate::ui::State;"), 1);
    assert_eq!(upward("chat/turn.rs", "use crate::{api::Event, store::{self, Job}};"), 2);
    assert_eq!(upward("chat/turn.rs", "fn f(x: &crate::runtime::X) {}"), 1);
    assert_eq!(upward("chat/turn.rs", "use super::super::ui::screen;"), 1);
    assert_eq!(upward("chat.rs", "use super::render;"), 1);
    assert_eq!(upward("terminal/os/unix.rs", "use super::super::super::headless;"), 1);
    assert_eq!(upward("chat/turn.rs", "#[cfg(test)]\nmod tests { use crate::ui::State; }"), 1);
    assert_eq!(upward("chat/turn.rs", "use super::message; use crate::{api, text::wrap}; // crate::ui"), 0);
    assert_eq!(upward("chat.rs", "mod x { const S: &str = \"crate::ui\"; const C: char = '\"'; use super::turn; }"), 0);

    let impure = |text: &str| source("ui/state.rs", text).impure_uses().len();
    assert_eq!(impure("use std::{fmt, fs, time::Instant};\nlet x = Instant::now();"), 2);
    assert_eq!(impure("async fn f() {}"), 1);
    assert_eq!(impure("use std::time::Duration; fn asynchronous(tokio_like: u8) {}"), 0);
    assert_eq!(impure("fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }"), 0);

    let shortcuts = |text: &str| source("cli.rs", text).shortcuts().len();
    assert_eq!(shortcuts("x.unwrap(); todo!(); x\n.unwrap ( );"), 3);
    assert_eq!(shortcuts("x.unwrap_or(1); // x.unwrap()\n#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }"), 0);
}

/// One source file of the program, with its tokens.
struct SourceFile {
    /// The path relative to `src/`.
    path: PathBuf,
    text: String,
    tokens: Vec<CodeToken>,
    /// The line at which the tests begin; they come last in every file.
    tests_from: usize,
}

#[derive(Debug, Clone)]
struct CodeToken {
    line: usize,
    /// A word, `::`, or one other character.
    text: String,
}

/// A path as written; a group in braces gives one path for each of its items.
#[derive(Debug, Clone)]
struct UsedPath {
    line: usize,
    segments: Vec<String>,
}

struct Violation {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

impl SourceFile {
    fn new(path: &Path, text: String) -> Self {
        let lines = || text.lines().map(str::trim).enumerate();
        let inline = lines()
            .zip(lines().skip(1))
            .find(|((_, this), (_, next))| *this == "#[cfg(test)]" && next.starts_with("mod ") && next.contains('{'));
        let is_test_file = path.file_stem().is_some_and(|stem| stem == "tests");
        let tests_from = if is_test_file { 0 } else { inline.map_or(usize::MAX, |((line, _), _)| line + 1) };
        Self { path: path.into(), tokens: tokenize(&text), text, tests_from }
    }

    /// The file as a path of modules: `["terminal", "os", "unix"]`.
    fn module_path(&self) -> Vec<String> {
        self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect()
    }

    fn top_module(&self) -> String {
        self.module_path().swap_remove(0)
    }

    fn violation(&self, line: usize, rule: String) -> Violation {
        Violation { file: self.path.clone(), line, rule }
    }

    fn upward_uses(&self) -> Vec<Violation> {
        let own = self.top_module();
        if own == "lib" {
            return Vec::new();
        }
        let forbidden = |used: UsedPath| {
            let other = self.target_module(&used)?;
            let rule = match (layer_index(&own), layer_index(&other)) {
                _ if own == other || !is_module(&other) => return None,
                (None, _) => format!("`{own}` is missing from LAYERS"),
                (_, None) => format!("`{other}` is missing from LAYERS"),
                (Some(mine), Some(its)) if its > mine => return None,
                _ if LAYER_EXCEPTIONS.iter().any(|(who, whom, _)| (*who, *whom) == (&own, &other)) => return None,
                _ => format!("`{own}` uses `{other}` (`{}`), which is not in a lower layer", used.segments.join("::")),
            };
            Some(self.violation(used.line, rule))
        };
        self.paths().into_iter().filter_map(forbidden).collect()
    }

    /// Returns the top-level module that a path leads to, if it leaves the file's own module.
    fn target_module(&self, used: &UsedPath) -> Option<String> {
        let mut segments = used.segments.iter().peekable();
        if segments.next_if(|word| *word == "crate" || *word == "ibid").is_some() {
            return segments.next().cloned();
        }
        let mut here = self.module_path();
        if used.line >= self.tests_from && !self.path.ends_with("tests.rs") {
            here.push("tests".into());
        }
        segments.peek().filter(|word| **word == "super")?;
        while segments.next_if(|word| *word == "super").is_some() {
            here.pop();
        }
        if here.is_empty() { segments.next().cloned() } else { None }
    }

    fn impure_uses(&self) -> Vec<Violation> {
        if !PURE_LAYERS.contains(&self.top_module().as_str()) {
            return Vec::new();
        }
        let mentions = |used: &UsedPath, path: &str| {
            let path: Vec<_> = path.split("::").collect();
            match path.len() {
                // A single word is a crate or a keyword, and begins the path.
                1 => used.segments[0] == path[0],
                count => used.segments.windows(count).any(|part| part == path),
            }
        };
        let mut violations: Vec<Violation> = Vec::new();
        for used in self.paths().iter().filter(|used| used.line < self.tests_from) {
            if let Some((path, instead)) = IMPURE_PATHS.iter().find(|(path, _)| mentions(used, path)) {
                violations.push(self.violation(used.line, format!("`{path}` in a pure layer: {instead}")));
            }
        }
        violations
    }

    fn shortcuts(&self) -> Vec<Violation> {
        let matches_texts = |part: &[CodeToken], words: &[&str]| part.iter().map(|token| &token.text).eq(words);
        let windows = self.tokens.windows(3).filter(|part| part[0].line < self.tests_from);
        let found = windows.filter_map(|part| {
            if matches_texts(part, &[".", "unwrap", "("]) {
                return Some(
                    self.violation(part[1].line, "`unwrap()`: handle it, or state in an `expect` why it holds".into()),
                );
            }
            let unfinished =
                ["todo", "unimplemented", "dbg"].iter().find(|name| matches_texts(&part[..2], &[name, "!"]))?;
            Some(self.violation(part[0].line, format!("`{unfinished}!` must not stay in the code")))
        });
        found.collect()
    }

    /// Returns every path of the file, with groups in braces expanded.
    fn paths(&self) -> Vec<UsedPath> {
        let mut paths = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            if self.tokens[index].is_word() {
                index = self.read_path(index, &[], &mut paths);
            } else {
                index += 1;
            }
        }
        paths
    }

    /// Reads the path that begins at a token, prefixed by the words before it, and returns the index after it.
    fn read_path(&self, mut index: usize, prefix: &[String], paths: &mut Vec<UsedPath>) -> usize {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| &token.text);
        let line = self.tokens[index].line;
        let mut segments = prefix.to_vec();
        loop {
            if text(index) == "{" {
                index += 1;
                while !matches!(text(index), "}" | "") {
                    index =
                        if self.tokens[index].is_word() { self.read_path(index, &segments, paths) } else { index + 1 };
                }
                return index + 1;
            }
            if !self.tokens.get(index).is_some_and(CodeToken::is_word) {
                break;
            }
            segments.push(text(index).to_owned());
            index += 1;
            if text(index) != "::" {
                break;
            }
            index += 1;
        }
        paths.push(UsedPath { line, segments });
        index
    }
}

impl CodeToken {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

/// Splits code into tokens, without comments, strings and character literals.
fn tokenize(text: &str) -> Vec<CodeToken> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < chars.len() {
        let start = index;
        index = match (chars[index], chars.get(index + 1)) {
            ('/', Some('/')) => find_text(&chars, index, "\n"),
            ('/', Some('*')) => find_text(&chars, index + 2, "*/") + 2,
            ('"', _) => string_end(&chars, index),
            ('r', Some('"' | '#')) if raw_string_end(&chars, index).is_some() => {
                raw_string_end(&chars, index).unwrap_or(index)
            }
            ('\'', Some('\\')) => find_text(&chars, index + 3, "'") + 1,
            ('\'', _) if chars.get(index + 2) == Some(&'\'') => index + 3,
            (':', Some(':')) => {
                tokens.push(CodeToken { line, text: "::".into() });
                index + 2
            }
            (c, _) if c.is_alphanumeric() || c == '_' => {
                let word: String = chars[index..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                index += word.chars().count();
                tokens.push(CodeToken { line, text: word });
                index
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(CodeToken { line, text: c.into() });
                }
                index + 1
            }
        }
        .min(chars.len());
        line += chars[start..index].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Returns the position of the next occurrence of a text, or the end.
fn find_text(chars: &[char], from: usize, text: &str) -> usize {
    let text: Vec<char> = text.chars().collect();
    (from..chars.len()).find(|at| chars[*at..].starts_with(&text)).unwrap_or(chars.len())
}

/// Returns the position after the string that opens here.
fn string_end(chars: &[char], from: usize) -> usize {
    let mut index = from + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// Returns the position after the raw string that opens here, or `None` if this is a plain word.
fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(from + 1 + hashes) == Some(&'"')).then(|| {
        let end = format!("\"{}", "#".repeat(hashes));
        find_text(chars, from + 2 + hashes, &end) + end.len()
    })
}

fn layer_index(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Returns whether a path's first word is the name of a file in `src/`; it could also be a function of `lib.rs`.
fn is_module(name: &str) -> bool {
    source_root().join(format!("{name}.rs")).is_file()
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn source_files() -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut folders = vec![source_root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source can be read") {
            let path = entry.expect("an entry of the source can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file of the source can be read");
                found.push(SourceFile::new(path.strip_prefix(source_root()).expect("the file is in src"), text));
            }
        }
    }
    assert!(found.len() > 20, "the source was not found in {}", source_root().display());
    found
}

fn assert_no_violations(breaches: &[Violation]) {
    let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}
