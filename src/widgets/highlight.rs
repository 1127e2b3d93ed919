//! Colours for code, made off the loop.

mod languages;
mod markdown;
mod scopes;

use std::{fmt, time::Duration};

use syntect::parsing::{ParseState, ScopeStack, SyntaxSet};

pub use languages::knows;

use super::theme::Role;
use crate::chat::MessageId;

/// Names one code block of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    pub message: MessageId,
    /// The block's number in its answer, from 1.
    pub number: u32,
}

/// Code to colour: the lines of a block that are not coloured yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub block: BlockId,
    pub language: String,
    /// The index of the first line in `text`; a worker that holds the state after the line before
    /// resumes there.
    pub first_line: usize,
    pub text: String,
}

/// The roles of colour of some lines, as runs that add up to each line's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Painted {
    pub block: BlockId,
    pub first_line: usize,
    pub lines: Vec<Runs>,
}

/// A line of code in pieces of one colour: bytes and role. They add up to the line.
pub type Runs = Vec<(usize, Role)>;

/// Colours jobs one after the other, and remembers where each block's lines ended.
///
/// Slow and unhurried: it belongs on a thread of its own.
pub struct Highlighter {
    /// Loaded with the first job.
    syntaxes: Option<SyntaxSet>,
    roles: scopes::Roles,
    /// The newest last.
    blocks: Vec<(BlockId, Resume)>,
    clock: Box<dyn Fn() -> Duration + Send>,
}

/// Where a block goes on.
struct Resume {
    next_line: usize,
    state: State,
    /// The time that its lines have taken.
    spent: Duration,
}

enum State {
    Code(Box<(ParseState, ScopeStack)>),
    Markdown(markdown::State),
    /// An unknown language, or one whose lines took too long: it stays as it is.
    Plain,
}

/// Blocks whose state is kept.
const KEPT: usize = 32;
/// A longer line is not coloured.
const LINE: usize = 2 * 1024;
/// What the lines of a block may take: some languages are slow to warm up, and some lines cost
/// whatever their length.
const START: Duration = Duration::from_millis(250);
const EACH: Duration = Duration::from_micros(400);

impl Highlighter {
    /// `clock` tells the time since whenever: what takes too long is given up.
    pub fn new(clock: impl Fn() -> Duration + Send + 'static) -> Self {
        Self { syntaxes: None, roles: scopes::Roles::default(), blocks: Vec::new(), clock: Box::new(clock) }
    }

    /// Colours the lines of a job.
    pub fn paint(&mut self, job: Job) -> Painted {
        let Job { block, language, first_line, text } = job;
        let mut resume = self.resume(block, &language, first_line);
        let syntaxes = self.syntaxes.get_or_insert_with(two_face::syntax::extra_newlines);
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            let began = (self.clock)();
            lines.push(resume.state.line(line, syntaxes, &mut self.roles));
            resume.spent += (self.clock)().saturating_sub(began);
            resume.next_line += 1;
            if resume.spent > START + EACH * u32::try_from(resume.next_line).unwrap_or(u32::MAX) {
                resume.state = State::Plain;
            }
        }
        self.blocks.push((block, resume));
        if self.blocks.len() > KEPT {
            self.blocks.remove(0);
        }
        Painted { block, first_line, lines }
    }

    fn resume(&mut self, block: BlockId, language: &str, first_line: usize) -> Resume {
        let known = self.blocks.iter().position(|(known, _)| *known == block).map(|at| self.blocks.remove(at).1);
        match known {
            Some(resume) if resume.next_line == first_line && first_line > 0 => resume,
            // In the middle of a block whose beginning is forgotten, any colour would be a guess.
            _ if first_line > 0 => Resume { next_line: first_line, state: State::Plain, spent: Duration::ZERO },
            _ => Resume { next_line: 0, state: self.begin(language), spent: Duration::ZERO },
        }
    }

    fn begin(&mut self, language: &str) -> State {
        if languages::is_markdown(language) {
            return State::Markdown(markdown::State::default());
        }
        let syntaxes = self.syntaxes.get_or_insert_with(two_face::syntax::extra_newlines);
        match languages::find(language, syntaxes) {
            Some(syntax) => State::Code(Box::new((ParseState::new(syntax), ScopeStack::new()))),
            None => State::Plain,
        }
    }
}

impl State {
    fn line(&mut self, line: &str, syntaxes: &SyntaxSet, roles: &mut scopes::Roles) -> Runs {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        let plain = vec![(bare.len(), Role::Text)];
        if bare.len() > LINE {
            return plain;
        }
        match self {
            Self::Plain => plain,
            Self::Markdown(state) => state.line(bare),
            Self::Code(code) => {
                let (parse, scopes) = &mut **code;
                let line = if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
                if let Ok(changes) = parse.parse_line(&line, syntaxes) {
                    roles.runs(bare.len(), &changes, scopes)
                } else {
                    *self = Self::Plain;
                    plain
                }
            }
        }
    }
}

impl fmt::Debug for Highlighter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Highlighter").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// Adds a piece to the runs of a line.
fn push(runs: &mut Runs, length: usize, role: Role) {
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

    use uuid::Uuid;

    use super::*;

    const BLOCK: BlockId = BlockId { message: MessageId(Uuid::nil()), number: 1 };

    fn highlighter() -> Highlighter {
        Highlighter::new(|| Duration::ZERO)
    }

    fn job(language: &str, first_line: usize, text: &str) -> Job {
        Job { block: BLOCK, language: language.into(), first_line, text: text.into() }
    }

    /// The coloured words of a text: `word:Role`.
    fn colours(language: &str, text: &str) -> String {
        let painted = highlighter().paint(job(language, 0, text));
        let mut out = Vec::new();
        for (line, runs) in text.lines().zip(&painted.lines) {
            let mut at = 0;
            for (length, role) in runs {
                let word = line[at..at + length].trim();
                at += length;
                if *role != Role::Text && !word.is_empty() {
                    out.push(format!("{word}:{role:?}"));
                }
            }
            assert_eq!(at, line.len(), "the runs add up to {line:?}");
        }
        out.join(" ")
    }

    #[test]
    fn words_of_a_program_have_their_roles() {
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
    fn names_that_models_write_are_known() {
        let syntaxes = two_face::syntax::extra_newlines();
        let names = "rust rs Python python3 py3 node jsx tsx typescript console shell-session sh zsh csharp c# c++ objc golang go jsonc json5 jsonl yml \
                     dockerfile kotlin swift toml make html css ps1 powershell wasm regex vue svelte ini zig nix tf hcl proto graphql";
        let missing: Vec<_> =
            names.split_whitespace().filter(|name| languages::find(name, &syntaxes).is_none()).collect();
        assert_eq!(missing, Vec::<&str>::new());
        assert!(!knows("") && !knows("text") && !knows("Plaintext") && knows("rust") && knows("md"));
    }

    #[test]
    fn lines_that_come_one_by_one_look_like_all_at_once() {
        let text = "/* a\nb */ fn f() {\n\"one\ntwo\"\n}\n";
        let whole = highlighter().paint(job("rust", 0, text)).lines;
        let mut worker = highlighter();
        let mut lines = Vec::new();
        for (nth, line) in text.split_inclusive('\n').enumerate() {
            lines.extend(worker.paint(job("rust", nth, line)).lines);
        }
        assert_eq!(lines, whole);
    }

    #[test]
    fn what_is_unknown_forgotten_or_too_long_stays_plain() {
        let mut worker = highlighter();
        assert_eq!(worker.paint(job("klingon", 0, "let x = 1;\n")).lines, [vec![(10, Role::Text)]]);
        assert_eq!(worker.paint(job("rust", 7, "let x = 1;\n")).lines, [vec![(10, Role::Text)]]);
        let long = format!("let x = \"{}\";\nlet", "a".repeat(LINE));
        let lines = worker.paint(job("rust", 0, &long)).lines;
        assert_eq!(lines, [vec![(long.len() - 4, Role::Text)], vec![(3, Role::Keyword)]]);
    }

    #[test]
    fn a_block_that_takes_too_long_stays_plain_from_there() {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let mut worker = Highlighter::new(move || Duration::from_millis(clock.fetch_add(40, Ordering::Relaxed)));
        let lines = worker.paint(job("rust", 0, &"let\n".repeat(12))).lines;
        let coloured = lines.iter().take_while(|runs| runs[0].1 == Role::Keyword).count();
        assert!((5..9).contains(&coloured), "{coloured} lines of 40 ms");
        assert!(lines[coloured..].iter().all(|runs| runs[..] == [(3, Role::Text)]));
        assert_eq!(worker.paint(job("rust", 12, "let\n")).lines, [vec![(3, Role::Text)]]);
    }
}
