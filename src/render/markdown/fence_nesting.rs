//! Fences inside a fence of the same length, such as those of a README in a ```` ```markdown ```` fence.
//!
//! In strict Markdown the end of the first inner fence ends the outer one. Where the info string of the outer fence says
//! that it holds Markdown, a fence with an info string begins an inner one, and a bare fence ends the innermost.

use super::{
    prepare::ParserDraft,
    source_lines::{FenceScan, LineRole, source_lines},
};

/// A fence that is open, and those that are open inside it.
#[derive(Debug, Clone)]
pub(super) struct FenceNesting {
    marker: char,
    /// The lengths of the fences, the outermost first.
    lens: Vec<usize>,
    holds_markdown: bool,
}

/// What a line is to the fence that is open before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FenceLine {
    Code,
    /// It ends an inner fence.
    InnerEnd,
    End,
}

/// The languages whose code contains fences.
const MARKDOWN_LANGUAGES: [&str; 8] = ["markdown", "md", "mdx", "gfm", "commonmark", "rmarkdown", "rmd", "qmd"];
/// Fences are nested this deep at most.
const MAX_NESTING: usize = 16;

/// Hides the ends of inner fences from the parser.
pub(super) fn hide_inner_fences(draft: &mut ParserDraft) {
    let has = |fence: &str| memchr::memmem::find(draft.source.as_bytes(), fence.as_bytes()).is_some();
    if !has("```") && !has("~~~") {
        return;
    }
    let mut scan = FenceScan::default();
    for line in source_lines(draft.source) {
        if scan.read(&line) == LineRole::InnerEnd {
            draft.hide(line.body_start + line.indent());
        }
    }
}

impl FenceNesting {
    /// Reads the first line of a fence, without its indent: returns the fence and its info string.
    pub(super) fn parse(line: &str) -> Option<(Self, &str)> {
        let marker = line.chars().next().filter(|marker| matches!(marker, '`' | '~'))?;
        let info = line.trim_start_matches(marker);
        let len = line.len() - info.len();
        let is_fence = len >= 3 && !(marker == '`' && info.contains('`'));
        let language = info.trim().split([' ', ',', '{']).next().unwrap_or("").to_ascii_lowercase();
        let holds_markdown = MARKDOWN_LANGUAGES.contains(&&*language);
        is_fence.then_some((Self { marker, lens: vec![len], holds_markdown }, info))
    }

    /// Reads the next line of the fence, without its indent, which decides whether it can be the end.
    pub(super) fn read(&mut self, line: &str, can_end: bool) -> FenceLine {
        let info = line.trim_start_matches(self.marker);
        let len = line.len() - info.len();
        if len < self.lens[0] {
            return FenceLine::Code;
        }
        if !info.trim().is_empty() {
            let is_inner = self.holds_markdown && Self::parse(line).is_some() && self.lens.len() < MAX_NESTING;
            self.lens.extend(is_inner.then_some(len));
            return FenceLine::Code;
        }
        match *self.lens.as_slice() {
            [_] if can_end => FenceLine::End,
            [_] => FenceLine::Code,
            [.., inner] if len >= inner => {
                self.lens.pop();
                FenceLine::InnerEnd
            }
            _ => FenceLine::InnerEnd,
        }
    }

    /// Whether an incomplete line may become the end.
    pub(super) fn can_be_ended_by(&self, line: &str) -> bool {
        self.lens.len() == 1 && !line.is_empty() && line.trim_end().trim_start_matches(self.marker).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::render::markdown::prepare::prepare;

    fn hidden(source: &str) -> Vec<usize> {
        let prepared = prepare(source);
        let lines = source.lines().zip(prepared.text().lines()).enumerate();
        lines.filter(|(_, (written, prepared))| written != prepared).map(|(nth, _)| nth).collect()
    }

    #[test]
    fn only_the_ends_of_inner_fences_are_hidden() {
        assert_eq!(hidden("```md\n```sh\nls\n```\n~~~\n```\ntext\n"), [3]);
        assert_eq!(hidden("> ```markdown\n> ```sh\n> ls\n> ```\n> ```\ntext\n"), [3]);
        assert_eq!(hidden("1. Do\n\n   ```mdx title=\"a\"\n   ````md\n   ```js\n   ```\n   ````\n   ```\n"), [5, 6]);
        for plain in ["```\n```sh\nls\n```\n", "````md\n```sh\n```\n````\n", "```md\n# T\n```\ntext\n```sh\nls\n```\n"]
        {
            assert_eq!(hidden(plain), [0; 0], "{plain}");
        }
    }
}
