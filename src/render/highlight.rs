//! Syntax highlighting, done outside the main loop.

mod languages;
mod markdown_code;
mod scopes;

use std::{fmt, time::Duration};

use syntect::parsing::{ParseState, ScopeStack, SyntaxSet};

pub use languages::can_highlight;

use super::theme::ColourRole;

/// Identifies whose code it is; the caller chooses the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeOwner(pub u128);

/// Identifies a code block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeBlockId {
    pub owner: CodeOwner,
    /// Counted from 1 within its owner.
    pub number: u32,
}

/// The lines of a code block that are not highlighted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightJob {
    pub block: CodeBlockId,
    pub language: String,
    /// The index in the block of the first line of `text`. A worker that has the state after the previous line resumes
    /// from it.
    pub first_line: usize,
    pub text: String,
}

/// Highlighted lines: the colours of each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightedLines {
    pub block: CodeBlockId,
    pub first_line: usize,
    pub lines: Vec<ColourRuns>,
}

/// The runs of one colour in a line: length in bytes and role. The lengths add up to the line.
pub type ColourRuns = Vec<(usize, ColourRole)>;

/// Highlights jobs one after the other, and remembers the parser state at the end of each block.
///
/// This is slow and belongs on its own thread.
pub struct CodeHighlighter {
    /// Loaded on the first job.
    syntaxes: Option<SyntaxSet>,
    roles: scopes::ScopeRoles,
    /// The blocks that can be resumed, newest last.
    blocks: Vec<(CodeBlockId, BlockProgress)>,
    clock: Box<dyn Fn() -> Duration + Send>,
}

/// The state from which a block is resumed.
struct BlockProgress {
    next_line: usize,
    state: HighlightState,
    /// The time spent on its lines so far.
    time_spent: Duration,
}

enum HighlightState {
    Code(Box<(ParseState, ScopeStack)>),
    Markdown(markdown_code::MarkdownState),
    /// An unknown language, or a block that took too long: its lines stay plain.
    Plain,
}

/// The most blocks whose state is stored.
const MAX_STORED_BLOCKS: usize = 32;
/// The longest line that is highlighted, in bytes.
const MAX_LINE_BYTES: usize = 2 * 1024;
/// The time budget of a block: some languages are slow to start, and some lines are slow whatever their length.
const START_BUDGET: Duration = Duration::from_millis(250);
const LINE_BUDGET: Duration = Duration::from_micros(400);

impl CodeHighlighter {
    /// Creates a highlighter; `clock` returns the time since any fixed moment, and limits the time spent on a block.
    pub fn new(clock: impl Fn() -> Duration + Send + 'static) -> Self {
        Self { syntaxes: None, roles: scopes::ScopeRoles::default(), blocks: Vec::new(), clock: Box::new(clock) }
    }

    /// Highlights the lines of a job.
    pub fn highlight(&mut self, job: HighlightJob) -> HighlightedLines {
        let HighlightJob { block, language, first_line, text } = job;
        let mut progress = self.take_progress(block, &language, first_line);
        let syntaxes = self.syntaxes.get_or_insert_with(two_face::syntax::extra_newlines);
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            let started = (self.clock)();
            lines.push(progress.state.highlight_line(line, syntaxes, &mut self.roles));
            progress.time_spent += (self.clock)().saturating_sub(started);
            progress.next_line += 1;
            if progress.time_spent > START_BUDGET + LINE_BUDGET * u32::try_from(progress.next_line).unwrap_or(u32::MAX)
            {
                progress.state = HighlightState::Plain;
            }
        }
        self.blocks.push((block, progress));
        if self.blocks.len() > MAX_STORED_BLOCKS {
            self.blocks.remove(0);
        }
        HighlightedLines { block, first_line, lines }
    }

    fn take_progress(&mut self, block: CodeBlockId, language: &str, first_line: usize) -> BlockProgress {
        let known = self.blocks.iter().position(|(known, _)| *known == block).map(|at| self.blocks.remove(at).1);
        match known {
            Some(resume) if resume.next_line == first_line && first_line > 0 => resume,
            // Without the state at the beginning of the line, any colour would be a guess.
            _ if first_line > 0 => {
                BlockProgress { next_line: first_line, state: HighlightState::Plain, time_spent: Duration::ZERO }
            }
            _ => BlockProgress { next_line: 0, state: self.initial_state(language), time_spent: Duration::ZERO },
        }
    }

    fn initial_state(&mut self, language: &str) -> HighlightState {
        if languages::is_markdown(language) {
            return HighlightState::Markdown(markdown_code::MarkdownState::default());
        }
        let syntaxes = self.syntaxes.get_or_insert_with(two_face::syntax::extra_newlines);
        match languages::find_syntax(language, syntaxes) {
            Some(syntax) => HighlightState::Code(Box::new((ParseState::new(syntax), ScopeStack::new()))),
            None => HighlightState::Plain,
        }
    }
}

impl HighlightState {
    fn highlight_line(&mut self, line: &str, syntaxes: &SyntaxSet, roles: &mut scopes::ScopeRoles) -> ColourRuns {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        let plain = vec![(bare.len(), ColourRole::Text)];
        if bare.len() > MAX_LINE_BYTES {
            return plain;
        }
        match self {
            Self::Plain => plain,
            Self::Markdown(state) => state.highlight_line(bare),
            Self::Code(code) => {
                let (parse, scopes) = &mut **code;
                let line = if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
                if let Ok(changes) = parse.parse_line(&line, syntaxes) {
                    roles.line_runs(bare.len(), &changes, scopes)
                } else {
                    *self = Self::Plain;
                    plain
                }
            }
        }
    }
}

impl fmt::Debug for CodeHighlighter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Highlighter").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// Appends to the runs of a line; merges neighbours of the same role.
fn push_run(runs: &mut ColourRuns, length: usize, role: ColourRole) {
    match runs.last_mut() {
        _ if length == 0 => (),
        Some((last, same)) if *same == role => *last += length,
        _ => runs.push((length, role)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    const BLOCK: CodeBlockId = CodeBlockId { owner: CodeOwner(0), number: 1 };

    fn highlighter() -> CodeHighlighter {
        CodeHighlighter::new(|| Duration::ZERO)
    }

    fn job(language: &str, first_line: usize, text: &str) -> HighlightJob {
        HighlightJob { block: BLOCK, language: language.into(), first_line, text: text.into() }
    }

    /// The highlighted tokens of a text, as `token:Role`.
    fn colours(language: &str, text: &str) -> String {
        let painted = highlighter().highlight(job(language, 0, text));
        let mut out = Vec::new();
        for (line, runs) in text.lines().zip(&painted.lines) {
            let mut at = 0;
            for (length, role) in runs {
                let word = line[at..at + length].trim();
                at += length;
                if *role != ColourRole::Text && !word.is_empty() {
                    out.push(format!("{word}:{role:?}"));
                }
            }
            assert_eq!(at, line.len(), "the runs add up to {line:?}");
        }
        out.join(" ")
    }

    #[test]
    fn tokens_have_their_roles() {
        insta::assert_snapshot!(colours("rust", "// sum\npub fn main() {\n    let x = add(\"a\\n\", 42); // end\n}"), @r#"
        // sum:Comment pub:Keyword fn:Keyword main:Function let:Keyword add:Function "a:String \n:Number ":String 42:Number // end:Comment
        "#);
        insta::assert_snapshot!(colours("sql", "PRAGMA synchronous = FULL; -- honest\nSELECT 1 FROM t WHERE a = 'b';"), @r"
        -- honest:Comment SELECT:Keyword 1:Number FROM:Keyword WHERE:Keyword 'b':String
        ");
        insta::assert_snapshot!(colours("py", "def f(x: int) -> str:\n    return f\"{x!r}\" if x and True else None"), @r#"
        def:Keyword f:Function int:Function str:Function return:Keyword f:Keyword ":String {:Keyword !r}:Keyword ":String if:Keyword and:Keyword True:Number else:Keyword None:Number
        "#);
        insta::assert_snapshot!(colours("js", "const t = `a ${b(1)} c`; // d"), @r"
        const:Keyword `:Keyword a:String ${:Keyword b:Function 1:Number }:Keyword c:String `:Keyword // d:Comment
        ");
        insta::assert_snapshot!(colours("diff", "@@ -1 +1 @@\n- let a = b.clone();\n+ let a = &b;"), @r"
        @@ -1 +1 @@:Comment - let a = b.clone();:Error + let a = &b;:Ok
        ");
        insta::assert_snapshot!(colours("bash", "for f in \"$@\"; do echo ${f} | grep -E 'x'; done"), @r#"
        for:Keyword in:Keyword "$:String @:Keyword ":String do:Keyword echo:Function grep:Function 'x':String done:Keyword
        "#);
    }

    #[test]
    fn language_names_that_models_write_are_known() {
        let syntaxes = two_face::syntax::extra_newlines();
        let names = "rust rs Python python3 py3 node jsx tsx typescript console shell-session sh zsh csharp c# c++ objc golang go jsonc json5 jsonl yml \
                     dockerfile kotlin swift toml make html css ps1 powershell wasm regex vue svelte ini zig nix tf hcl proto graphql";
        let missing: Vec<_> =
            names.split_whitespace().filter(|name| languages::find_syntax(name, &syntaxes).is_none()).collect();
        assert_eq!(missing, Vec::<&str>::new());
        assert!(
            !can_highlight("")
                && !can_highlight("text")
                && !can_highlight("Plaintext")
                && can_highlight("rust")
                && can_highlight("md")
        );
    }

    #[test]
    fn lines_highlighted_one_by_one_match_a_single_job() {
        let text = "/* a\nb */ fn f() {\n\"one\ntwo\"\n}\n";
        let whole = highlighter().highlight(job("rust", 0, text)).lines;
        let mut worker = highlighter();
        let mut lines = Vec::new();
        for (nth, line) in text.split_inclusive('\n').enumerate() {
            lines.extend(worker.highlight(job("rust", nth, line)).lines);
        }
        assert_eq!(lines, whole);
    }

    #[test]
    fn unknown_forgotten_and_overlong_code_stays_plain() {
        let mut worker = highlighter();
        assert_eq!(worker.highlight(job("klingon", 0, "let x = 1;\n")).lines, [vec![(10, ColourRole::Text)]]);
        assert_eq!(worker.highlight(job("rust", 7, "let x = 1;\n")).lines, [vec![(10, ColourRole::Text)]]);
        let long = format!("let x = \"{}\";\nlet", "a".repeat(MAX_LINE_BYTES));
        let lines = worker.highlight(job("rust", 0, &long)).lines;
        assert_eq!(lines, [vec![(long.len() - 4, ColourRole::Text)], vec![(3, ColourRole::Keyword)]]);
    }

    #[test]
    fn a_block_that_takes_too_long_stays_plain_from_then_on() {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let mut worker = CodeHighlighter::new(move || Duration::from_millis(clock.fetch_add(40, Ordering::Relaxed)));
        let lines = worker.highlight(job("rust", 0, &"let\n".repeat(12))).lines;
        let coloured = lines.iter().take_while(|runs| runs[0].1 == ColourRole::Keyword).count();
        assert!((5..9).contains(&coloured), "{coloured} lines of 40 ms");
        assert!(lines[coloured..].iter().all(|runs| runs[..] == [(3, ColourRole::Text)]));
        assert_eq!(worker.highlight(job("rust", 12, "let\n")).lines, [vec![(3, ColourRole::Text)]]);
    }
}
