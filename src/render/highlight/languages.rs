//! Maps the language names that models write after a code fence to syntaxes.

use syntect::parsing::{SyntaxReference, SyntaxSet};

/// Names that the syntaxes do not list.
const ALIASES: &[(&[&str], &str)] = &[
    (&["console", "shell-session", "shellsession", "terminal", "shell", "zsh", "ksh"], "sh"),
    (&["csharp", "c#", "dotnet"], "cs"),
    (&["objc", "objective-c", "objectivec"], "m"),
    (&["golang"], "go"),
    (&["jsonc", "json5", "jsonl", "ndjson", "geojson"], "json"),
    (&["python3", "py3", "ipython", "pycon"], "py"),
    (&["node", "nodejs", "mjs", "cjs", "javascriptreact"], "js"),
    (&["typescriptreact"], "tsx"),
    (&["mts", "cts"], "ts"),
    (&["regex", "regexp", "re"], "Regular Expression"),
    (&["wasm", "wat", "wast"], "lisp"),
    (&["docker", "containerfile"], "dockerfile"),
    (&["hcl", "terraform"], "tf"),
    (&["postgres", "postgresql", "psql", "mysql", "sqlite", "plsql", "tsql"], "sql"),
    (&["pwsh", "posh"], "ps1"),
    (&["asm", "nasm", "masm", "x86asm"], "asm"),
    (&["patch", "udiff"], "diff"),
    (&["env", "dotenv"], "sh"),
    (&["protobuf", "proto3"], "proto"),
    (&["gql"], "graphql"),
    (&["elisp", "emacs-lisp", "scheme", "racket"], "lisp"),
    (&["kts"], "kt"),
    (&["viml", "vimscript"], "vim"),
];

/// Whether a language can be highlighted; plain text is not sent to the worker.
pub fn can_highlight(language: &str) -> bool {
    const PLAIN: &[&str] = &["", "text", "txt", "plaintext", "plain", "none", "output", "log", "ascii", "mermaid"];
    !PLAIN.iter().any(|plain| language.eq_ignore_ascii_case(plain))
}

/// Whether a language is Markdown, which has its own highlighter: with a grammar, one line can cost more than an entire
/// file in other languages.
pub(crate) fn is_markdown(language: &str) -> bool {
    ["md", "markdown", "mdx", "mkd", "rmd", "qmd"].iter().any(|name| language.eq_ignore_ascii_case(name))
}

pub(crate) fn find_syntax<'a>(language: &str, syntaxes: &'a SyntaxSet) -> Option<&'a SyntaxReference> {
    let language = language.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(names, _)| names.contains(&&*language)).map(|(_, name)| *name);
    alias.and_then(|name| syntaxes.find_syntax_by_token(name)).or_else(|| syntaxes.find_syntax_by_token(&language))
}
