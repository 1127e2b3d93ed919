//! Hides stars, underscores and tildes that are signs of a text and not its emphasis.
//!
//! - A single tilde is a tilde: "about", or the end of a friendly word.
//! - A single star within a word (`2*3*4`) is a star, and so are two beside a digit (`2**8`).
//! - The stars of a glob (`*.py`, `src/**/*.ts`) are stars.
//! - Emphasis never begins with what ends a clause (`char *)`), and not after a point or a closing bracket (`.*x`).
//! - The underscores of names (`__init__`, `_my_name`) are underscores.

use super::{
    delimiter_runs::{DelimiterRun, NeighbourKind, find_runs, token_around},
    prepare::ParserDraft,
};
use crate::text::work;

/// Hides the signs of a text that are no emphasis.
pub(super) fn hide_signs(draft: &mut ParserDraft) {
    let source = draft.source;
    if memchr::memchr3(b'*', b'_', b'~', source.as_bytes()).is_none() {
        return;
    }
    for run in find_runs(source) {
        let hidden = match run.sign {
            b'~' if run.len() == 1 => run.start..run.end,
            b'*' if is_literal_star(source, run) => run.start..run.end,
            b'_' => match name_at(source, run) {
                Some(name) => {
                    // The underscores at its end are as little emphasis as those at its beginning.
                    let end = source[name.clone()].trim_end_matches('_').len();
                    (name.start + end..name.end).for_each(|at| draft.hide(at));
                    run.start..run.end
                }
                None => continue,
            },
            _ => continue,
        };
        hidden.for_each(|at| draft.hide(at));
    }
}

fn is_literal_star(source: &str, run: DelimiterRun) -> bool {
    let (before, after) = (NeighbourKind::of(run.before), NeighbourKind::of(run.after));
    if run.len() > 2 || before == NeighbourKind::Blank && after == NeighbourKind::Blank {
        return false;
    }
    if is_in_glob(source, run) {
        return true;
    }
    let is_in_word = before == NeighbourKind::Word && after == NeighbourKind::Word;
    if run.len() == 2 {
        return is_in_word && is_power(source, run);
    }
    let ends_clause = |char: Option<char>| char.is_some_and(|char| matches!(char, ')' | ']' | '}' | ',' | ';'));
    let forbids_opening = |char: Option<char>| {
        char.is_some_and(|char| matches!(char, '.' | ')' | ']' | '}' | '\\' | '^' | '%' | '/'))
            && !source[..run.start].ends_with("*/")
    };
    is_in_word
        || before == NeighbourKind::Blank && ends_clause(run.after)
        || run.before == Some('(') && ends_clause(run.after)
        || after == NeighbourKind::Word && forbids_opening(run.before)
}

/// Whether two stars within a word stand for a power, and do not end what two others begin.
fn is_power(source: &str, run: DelimiterRun) -> bool {
    let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
    let Some(token) = token_around(source, run.start) else { return false };
    (is_digit(run.before) || is_digit(run.after))
        && !source[token].trim_start_matches(['(', '"', '\'', '[']).starts_with("**")
}

/// Whether a run is part of a pattern of file names.
fn is_in_glob(source: &str, run: DelimiterRun) -> bool {
    let touches_path = |char: Option<char>| matches!(char, Some('.' | '/' | '{'));
    if !touches_path(run.before) && !touches_path(run.after) {
        return false;
    }
    token_around(source, run.start).is_some_and(|token| is_glob(&source[token]))
}

/// Whether a word is a pattern of file names: a part of its path is only stars, or stars stand before an extension.
/// Stars that hug a word at its beginning or end are emphasis.
fn is_glob(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'', '(', ')', ',', ';', ':', '`', '|', '[', ']', '!', '?', '。', '，']);
    let word = word.trim_end_matches('.');
    let is_pattern = |part: &str| is_only_stars(part) || has_starred_extension(part);
    word.split('/').any(is_pattern) && !word.split('/').any(|part| !is_only_stars(part) && is_emphasised(part))
}

fn is_only_stars(part: &str) -> bool {
    matches!(part, "*" | "**")
}

/// Whether `*.ext` is in a part of a path.
fn has_starred_extension(part: &str) -> bool {
    const MAX_EXTENSION: usize = 8;
    part.match_indices("*.").any(|(at, _)| {
        let extension = &part[at + 2..];
        let letters = extension.bytes().take_while(u8::is_ascii_alphanumeric).count();
        extension.starts_with(['*', '{', '[']) || (1..=MAX_EXTENSION).contains(&letters)
    })
}

fn is_emphasised(part: &str) -> bool {
    let is_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let (without_start, without_end) = (part.trim_start_matches('*'), part.trim_end_matches('*'));
    without_start.len() < part.len() && is_word(without_start.chars().next()) && !part.ends_with(".*")
        || without_end.len() < part.len() && is_word(without_end.chars().next_back()) && part.starts_with('*')
        || without_end.len() + 2 == part.len() && is_word(without_end.chars().next_back())
}

/// Returns the name that a run of underscores begins, if its underscores are part of it.
fn name_at(source: &str, run: DelimiterRun) -> Option<std::ops::Range<usize>> {
    const MAX_NAME: usize = 80;
    if NeighbourKind::of(run.before) == NeighbourKind::Word || NeighbourKind::of(run.after) != NeighbourKind::Word {
        return None;
    }
    let bytes = source.as_bytes();
    let len = bytes[run.end..]
        .iter()
        .take(MAX_NAME)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let name = run.end..run.end + len;
    let word = &source[name.clone()];
    let inner = word.trim_end_matches('_');
    let rest = &source[name.end..];
    let is_name = match run.len() {
        1 => inner.contains('_') && inner.len() == word.len(),
        2 => {
            let is_closed = word.len() == inner.len() + 2;
            is_closed
                && (is_known_name(inner)
                    || inner.contains('_')
                    || is_code(run.before, rest)
                    || is_among_code(source, run.start))
                || inner.contains('_') && inner.len() == word.len()
        }
        _ => false,
    };
    is_name.then_some(name)
}

/// Whether what stands around a name says that it is code.
fn is_code(before: Option<char>, rest: &str) -> bool {
    let is_member =
        rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_alphanumeric()));
    is_member || rest.starts_with(['(', '[', '/', '=']) || matches!(before, Some('.' | '/' | '@' | '$'))
}

/// Whether the line of a position is about programs: it has code, a known name, or a word that says so.
fn is_among_code(source: &str, at: usize) -> bool {
    const MAX_LINE: usize = 1000;
    const WORDS: [&str; 9] =
        ["method", "dunder", "attribute", "module", "python", "import ", "class ", "variable", "operator"];
    let is_inside = |byte: &u8| *byte != b'\n';
    let before = source.as_bytes()[..at].iter().rev().take(MAX_LINE).take_while(|byte| is_inside(byte)).count();
    let after = source.as_bytes()[at..].iter().take(MAX_LINE).take_while(|byte| is_inside(byte)).count();
    work::count_steps(before + after);
    let line = &source[source.ceil_char_boundary(at - before)..source.floor_char_boundary(at + after)];
    let lower = line.to_ascii_lowercase();
    let has_known_name = || lower.split("__").skip(1).step_by(2).any(is_known_name);
    line.contains('`') || line.contains("()") || WORDS.iter().any(|word| lower.contains(word)) || has_known_name()
}

/// Whether a word is a name that languages and tools put between two underscores.
fn is_known_name(word: &str) -> bool {
    const NAMES: &[&str] = &[
        "abs",
        "add",
        "aenter",
        "aexit",
        "aiter",
        "all",
        "and",
        "anext",
        "annotations",
        "attribute",
        "author",
        "await",
        "bases",
        "bool",
        "builtins",
        "bytes",
        "call",
        "ceil",
        "class",
        "closure",
        "code",
        "complex",
        "contains",
        "copy",
        "copyright",
        "debug",
        "declspec",
        "deepcopy",
        "defaults",
        "del",
        "delattr",
        "delete",
        "delitem",
        "device",
        "dict",
        "dir",
        "dirname",
        "divmod",
        "doc",
        "enter",
        "eq",
        "exit",
        "file",
        "filename",
        "float",
        "floor",
        "floordiv",
        "format",
        "func",
        "function",
        "future",
        "ge",
        "get",
        "getattr",
        "getattribute",
        "getitem",
        "getstate",
        "global",
        "globals",
        "gt",
        "hash",
        "host",
        "iadd",
        "import",
        "index",
        "init",
        "inline",
        "int",
        "invert",
        "iter",
        "kernel",
        "le",
        "len",
        "line",
        "loader",
        "lshift",
        "lt",
        "main",
        "matmul",
        "missing",
        "mocks",
        "mod",
        "module",
        "mro",
        "mul",
        "name",
        "ne",
        "neg",
        "new",
        "next",
        "or",
        "package",
        "path",
        "pos",
        "pow",
        "prepare",
        "proto",
        "pycache",
        "qualname",
        "radd",
        "reduce",
        "repr",
        "restrict",
        "reversed",
        "rmul",
        "round",
        "rshift",
        "set",
        "setattr",
        "setitem",
        "setstate",
        "shared",
        "sizeof",
        "slots",
        "spec",
        "str",
        "sub",
        "subclasses",
        "super",
        "tests",
        "truediv",
        "trunc",
        "typename",
        "version",
        "weakref",
        "xor",
    ];
    let word = word.to_ascii_lowercase();
    NAMES.binary_search(&word.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a text with a dot for each hidden sign.
    fn hidden(source: &str) -> String {
        let mut draft = ParserDraft::new(source);
        hide_signs(&mut draft);
        let bytes = draft.bytes().iter().map(|byte| if *byte < 32 && *byte != b'\n' { b'.' } else { *byte });
        String::from_utf8(bytes.collect()).expect("only ASCII signs are hidden")
    }

    #[test]
    fn signs_of_names_globs_and_products_are_hidden() {
        for (source, expected) in [
            ("2*3*4 and 5*x and 6*y", "2.3.4 and 5.x and 6.y"),
            ("x**2 + 2**n and (a+b)**2", "x..2 + 2..n and (a+b)**2"),
            ("*.py, src/**/*.ts or lib/*/x.js", "..py, src/../..ts or lib/./x.js"),
            ("**/node_modules/** and test_*.py", "../node_modules/.. and test_..py"),
            ("`*.{js,ts}` *.tar.* \"*.md\"", "`..{js,ts}` ..tar.. \"..md\""),
            ("~3 days~ and ~~gone~~", ".3 days. and ~~gone~~"),
            ("__init__ and self.__dict__ or __my_name__", "..init.. and self...dict.. or ..my_name.."),
            ("the dunder method __foo__", "the dunder method ..foo.."),
            ("__init__ and __foo__", "..init.. and ..foo.."),
            ("__foo__(x) in __bar__/baz.js", "..foo..(x) in ..bar../baz.js"),
            ("_private_name and other_", ".private_name and other_"),
            ("(void *) and f(*)", "(void .) and f(.)"),
            (".*x.* and a).*b*", "..x.* and a)..b*"),
        ] {
            assert_eq!(hidden(source), expected);
        }
    }

    #[test]
    fn emphasis_keeps_its_signs() {
        for source in [
            "*really* **needed** ***both***, *a b c*.",
            "__bold__ text and _so_ on, __bold text__",
            "**H**T**ML** and **2**nd, **3**x",
            "**src/**: and **/etc/hosts** and *.NET*",
            "*either*/*or* and **and**/**or**",
            "*one*.Two, (*x*), \"*y*\", *z*!",
            "*(aside)* *\"quoted\"* *`code`*",
            "* item\n* * *\n***\n___\n~~~\ncode\n~~~",
            "snake_case_names",
            "**.env** and *...so*",
            "中*文*字",
        ] {
            assert_eq!(hidden(source), source);
        }
    }

    #[test]
    fn the_known_names_are_sorted() {
        for name in ["init", "abs", "xor", "proto", "LINE"] {
            assert!(is_known_name(name), "{name}");
        }
        assert!(!is_known_name("bold") && !is_known_name("note"));
    }
}
