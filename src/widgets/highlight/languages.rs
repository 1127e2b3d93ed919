//! The names that models write behind a fence, and the syntaxes they mean.

use syntect::parsing::{SyntaxReference, SyntaxSet};

/// Names that the syntaxes do not know themselves.
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

/// Whether a language is worth a worker's time.
pub fn knows(language: &str) -> bool {
    const PLAIN: &[&str] = &["", "text", "txt", "plaintext", "plain", "none", "output", "log", "ascii", "mermaid"];
    !PLAIN.iter().any(|plain| language.eq_ignore_ascii_case(plain))
}

/// Markdown has a line that costs more than a whole file in other languages: it is not left to a grammar.
pub(super) fn is_markdown(language: &str) -> bool {
    ["md", "markdown", "mdx", "mkd", "rmd", "qmd"].iter().any(|name| language.eq_ignore_ascii_case(name))
}

pub(super) fn find<'a>(language: &str, syntaxes: &'a SyntaxSet) -> Option<&'a SyntaxReference> {
    let language = language.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(names, _)| names.contains(&&*language)).map(|(_, name)| *name);
    alias.and_then(|name| syntaxes.find_syntax_by_token(name)).or_else(|| syntaxes.find_syntax_by_token(&language))
}
