//! Who may use whom: the layers of `ARCHITECTURE.md`, and what the pure ones must not touch.
//!
//! Reads every file under `src/` and looks at its paths (`crate::x`, `super::x`, groups in braces and all). A test
//! module may reach as far as it likes for time, files and threads, but not above its own layer.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// From the top: each layer may use those below it, none above it and none beside it.
const LAYERS: &[&[&str]] = &[
    &["main", "cli"],
    &["tui", "headless", "demo"],
    &["runtime", "view"],
    &["app"],
    &["widgets"],
    &["store", "mcp"],
    &["chat"],
    &["api"],
    &["config", "keys", "log"],
    &["tools"],
    &["files", "text", "processes"],
];

/// A neighbour that may be used all the same: (who, whom, why).
const NEIGHBOURS: &[(&str, &str, &str)] =
    &[("main", "cli", "to parse its arguments"), ("keys", "config", "to look up an environment variable as it does")];

/// Layers in which the same input always gives the same state: time is an argument, the world is asked by effects.
const PURE: &[&str] = &["app", "widgets", "chat", "tools", "text"];

/// What a pure layer must not name: (path, instead of which).
const IMPURE: &[(&str, &str)] = &[
    ("Instant::now", "take `now` as an argument"),
    ("SystemTime::now", "take `now` as an argument"),
    ("Timestamp::now", "take `now` as an argument"),
    ("Zoned::now", "take `now` as an argument"),
    ("Uuid::now_v7", "draw ids from `chat::Ids`"),
    ("Uuid::new_v4", "draw ids from `chat::Ids`"),
    ("rand", "draw ids from `chat::Ids`"),
    ("getrandom", "draw ids from `chat::Ids`"),
    ("std::fs", "return an effect"),
    ("std::env", "take what it says as an argument"),
    ("std::net", "return an effect"),
    ("std::process", "return an effect"),
    ("std::thread", "return an effect"),
    ("tokio", "return an effect"),
    ("reqwest", "return an effect"),
    ("rusqlite", "return an effect"),
    ("async", "nothing waits here: return an effect"),
    ("await", "nothing waits here: return an effect"),
];

/// Longer files hide a second noun.
const MOST_LINES: usize = 600;

#[test]
fn every_module_uses_only_what_lies_below_it() {
    report(&sources().iter().flat_map(Source::upward_uses).collect::<Vec<_>>());
}

#[test]
fn the_map_shows_these_layers() {
    let map = include_str!("../ARCHITECTURE.md");
    let (_, rest) = map.split_once("## Layers").expect("it has the layers");
    let block = rest.split("```").nth(1).expect("they stand in a block");
    let shown: Vec<Vec<&str>> = block
        .lines()
        .filter_map(|line| line.trim().split_once("   "))
        .map(|(modules, _)| modules.split_whitespace().collect())
        .collect();
    assert_eq!(shown, LAYERS);
}

#[test]
fn the_pure_layers_know_no_clock_no_file_and_nothing_that_waits() {
    report(&sources().iter().flat_map(Source::impure_uses).collect::<Vec<_>>());
}

#[test]
fn nothing_in_the_program_unwraps_or_is_left_to_do() {
    report(&sources().iter().flat_map(Source::shortcuts).collect::<Vec<_>>());
}

#[test]
fn no_file_has_grown_beyond_what_one_reads_at_a_time() {
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        (lines > MOST_LINES).then(|| source.breach(lines, format!("{lines} lines, and {MOST_LINES} are the most")))
    };
    report(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn a_forbidden_use_is_found_however_it_is_written() {
    let source = |path: &str, text: &str| Source::new(Path::new(path), text.into());
    let upward = |path: &str, text: &str| source(path, text).upward_uses().len();
    assert_eq!(upward("chat/turn.rs", "use crate::app::State;"), 1);
    assert_eq!(upward("chat/turn.rs", "use crate::{api::Event, store::{self, Job}};"), 2);
    assert_eq!(upward("chat/turn.rs", "fn f(x: &crate::view::X) {}"), 1);
    assert_eq!(upward("chat/turn.rs", "use super::super::widgets::screen;"), 1);
    assert_eq!(upward("chat.rs", "use super::widgets;"), 1);
    assert_eq!(upward("tui/os/unix.rs", "use super::super::super::headless;"), 1);
    assert_eq!(upward("chat/turn.rs", "#[cfg(test)]\nmod tests { use crate::app::State; }"), 1);
    assert_eq!(upward("chat/turn.rs", "use super::message; use crate::{api, text::wrap}; // crate::app"), 0);
    assert_eq!(
        upward("chat.rs", "mod x { const S: &str = \"crate::app\"; const C: char = '\"'; use super::turn; }"),
        0
    );

    let impure = |text: &str| source("app/state.rs", text).impure_uses().len();
    assert_eq!(impure("use std::{fmt, fs, time::Instant};\nlet x = Instant::now();"), 2);
    assert_eq!(impure("async fn f() {}"), 1);
    assert_eq!(impure("use std::time::Duration; fn asynchronous(tokio_like: u8) {}"), 0);
    assert_eq!(impure("fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }"), 0);

    let shortcuts = |text: &str| source("cli.rs", text).shortcuts().len();
    assert_eq!(shortcuts("x.unwrap(); todo!(); x\n.unwrap ( );"), 3);
    assert_eq!(shortcuts("x.unwrap_or(1); // x.unwrap()\n#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }"), 0);
}

/// One file of the program, read into tokens and paths.
struct Source {
    /// Below `src/`.
    path: PathBuf,
    text: String,
    tokens: Vec<Token>,
    /// The line with which its tests begin; they are last in every file.
    tests_from: usize,
}

#[derive(Debug, Clone)]
struct Token {
    line: usize,
    /// A word, `::`, or one other character.
    text: String,
}

/// A path as written, with the words of its groups in braces put behind it.
#[derive(Debug, Clone)]
struct Used {
    line: usize,
    words: Vec<String>,
}

struct Breach {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

impl Source {
    fn new(path: &Path, text: String) -> Self {
        let lines = || text.lines().map(str::trim).enumerate();
        let inline = lines()
            .zip(lines().skip(1))
            .find(|((_, this), (_, next))| *this == "#[cfg(test)]" && next.starts_with("mod ") && next.contains('{'));
        let is_test_file = path.file_stem().is_some_and(|stem| stem == "tests");
        let tests_from = if is_test_file { 0 } else { inline.map_or(usize::MAX, |((line, _), _)| line + 1) };
        Self { path: path.into(), tokens: tokens(&text), text, tests_from }
    }

    /// The file as a path of modules: `["tui", "os", "unix"]`.
    fn module(&self) -> Vec<String> {
        self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect()
    }

    fn top(&self) -> String {
        self.module().swap_remove(0)
    }

    fn breach(&self, line: usize, rule: String) -> Breach {
        Breach { file: self.path.clone(), line, rule }
    }

    fn upward_uses(&self) -> Vec<Breach> {
        let own = self.top();
        if own == "lib" {
            return Vec::new();
        }
        let forbidden = |used: Used| {
            let other = self.module_of(&used)?;
            let rule = match (layer(&own), layer(&other)) {
                _ if own == other || !is_module(&other) => return None,
                (None, _) => format!("`{own}` has no line in LAYERS"),
                (_, None) => format!("`{other}` has no line in LAYERS"),
                (Some(mine), Some(its)) if its > mine => return None,
                _ if NEIGHBOURS.iter().any(|(who, whom, _)| (*who, *whom) == (&own, &other)) => return None,
                _ => format!("`{own}` uses `{other}` (`{}`), which does not lie below it", used.words.join("::")),
            };
            Some(self.breach(used.line, rule))
        };
        self.paths().into_iter().filter_map(forbidden).collect()
    }

    /// The module right below the crate that a path leads to, if it leaves the file's own.
    fn module_of(&self, used: &Used) -> Option<String> {
        let mut words = used.words.iter().peekable();
        if words.next_if(|word| *word == "crate" || *word == "ibid").is_some() {
            return words.next().cloned();
        }
        let mut here = self.module();
        if used.line >= self.tests_from && !self.path.ends_with("tests.rs") {
            here.push("tests".into());
        }
        words.peek().filter(|word| **word == "super")?;
        while words.next_if(|word| *word == "super").is_some() {
            here.pop();
        }
        if here.is_empty() { words.next().cloned() } else { None }
    }

    fn impure_uses(&self) -> Vec<Breach> {
        if !PURE.contains(&self.top().as_str()) {
            return Vec::new();
        }
        let names = |used: &Used, path: &str| {
            let path: Vec<_> = path.split("::").collect();
            match path.len() {
                // One word is a crate or a keyword: it begins the path.
                1 => used.words[0] == path[0],
                count => used.words.windows(count).any(|part| part == path),
            }
        };
        let mut found: Vec<Breach> = Vec::new();
        for used in self.paths().iter().filter(|used| used.line < self.tests_from) {
            if let Some((path, instead)) = IMPURE.iter().find(|(path, _)| names(used, path)) {
                found.push(self.breach(used.line, format!("`{path}` in a pure layer: {instead}")));
            }
        }
        found
    }

    fn shortcuts(&self) -> Vec<Breach> {
        let said = |part: &[Token], words: &[&str]| part.iter().map(|token| &token.text).eq(words);
        let windows = self.tokens.windows(3).filter(|part| part[0].line < self.tests_from);
        let found = windows.filter_map(|part| {
            if said(part, &[".", "unwrap", "("]) {
                return Some(self.breach(part[1].line, "`unwrap()`: handle it, or `expect` why it holds".into()));
            }
            let unfinished = ["todo", "unimplemented", "dbg"].iter().find(|name| said(&part[..2], &[name, "!"]))?;
            Some(self.breach(part[0].line, format!("`{unfinished}!` is not finished")))
        });
        found.collect()
    }

    /// Every path of the file, those in braces each for itself.
    fn paths(&self) -> Vec<Used> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.tokens[at].is_word() {
                at = self.path_from(at, &[], &mut paths);
            } else {
                at += 1;
            }
        }
        paths
    }

    /// Reads the path that begins at a token, behind `before`; where it ends.
    fn path_from(&self, mut at: usize, before: &[String], paths: &mut Vec<Used>) -> usize {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| &token.text);
        let line = self.tokens[at].line;
        let mut words = before.to_vec();
        loop {
            if text(at) == "{" {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = if self.tokens[at].is_word() { self.path_from(at, &words, paths) } else { at + 1 };
                }
                return at + 1;
            }
            if !self.tokens.get(at).is_some_and(Token::is_word) {
                break;
            }
            words.push(text(at).to_owned());
            at += 1;
            if text(at) != "::" {
                break;
            }
            at += 1;
        }
        paths.push(Used { line, words });
        at
    }
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

/// The code without comments, strings and characters.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let from = at;
        at = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => find(&chars, at, "\n"),
            ('/', Some('*')) => find(&chars, at + 2, "*/") + 2,
            ('"', _) => quoted(&chars, at),
            ('r', Some('"' | '#')) if raw_string(&chars, at).is_some() => raw_string(&chars, at).unwrap_or(at),
            ('\'', Some('\\')) => find(&chars, at + 3, "'") + 1,
            ('\'', _) if chars.get(at + 2) == Some(&'\'') => at + 3,
            (':', Some(':')) => {
                tokens.push(Token { line, text: "::".into() });
                at + 2
            }
            (c, _) if c.is_alphanumeric() || c == '_' => {
                let word: String = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                at += word.chars().count();
                tokens.push(Token { line, text: word });
                at
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(Token { line, text: c.into() });
                }
                at + 1
            }
        }
        .min(chars.len());
        line += chars[from..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Where the text next is, or the end.
fn find(chars: &[char], from: usize, text: &str) -> usize {
    let text: Vec<char> = text.chars().collect();
    (from..chars.len()).find(|at| chars[*at..].starts_with(&text)).unwrap_or(chars.len())
}

/// Behind the string that opens here.
fn quoted(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Behind the raw string that opens here; `None` if it is a word after all.
fn raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(from + 1 + hashes) == Some(&'"')).then(|| {
        let end = format!("\"{}", "#".repeat(hashes));
        find(chars, from + 2 + hashes, &end) + end.len()
    })
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Whether a path's first word names a file right below `src/`: it may as well be a function of `lib.rs`.
fn is_module(name: &str) -> bool {
    root().join(format!("{name}.rs")).is_file()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source can be read") {
            let path = entry.expect("an entry of the source can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file of the source can be read");
                found.push(Source::new(path.strip_prefix(root()).expect("it lies below src"), text));
            }
        }
    }
    assert!(found.len() > 20, "the source was not found in {}", root().display());
    found
}

fn report(breaches: &[Breach]) {
    let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}
