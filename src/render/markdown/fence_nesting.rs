//! Fences inside a fence of the same length, such as those of a README in a ```` ```markdown ```` fence.
//!
//! In strict Markdown the end of the first inner fence ends the outer one. Where the info string of the outer fence says
//! that it holds Markdown or text, or says nothing, a fence with an info string begins an inner one, and a bare fence
//! ends the innermost. In Markdown a bare fence begins one, too, below a line that ends with a colon, and below a heading
//! and a blank line.

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
    content: FenceContent,
    last_line: LastLine,
}

/// The last line of the outermost fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastLine {
    Text,
    Heading,
    /// It announces code: it ends with a colon, or is a blank line below a heading.
    Announcement,
}

/// What may be in a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FenceContent {
    Code,
    /// Perhaps Markdown.
    Text,
    Markdown,
}

/// What a line is to the fence that is open before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FenceLine {
    Code,
    /// It begins or ends an inner fence, and would end the outer one in strict Markdown.
    InnerBare,
    End,
}

/// The languages whose code contains fences, and those whose code may.
const TEXT_LANGUAGES: [&str; 4] = ["", "text", "txt", "plaintext"];
const MARKDOWN_LANGUAGES: [&str; 8] = ["markdown", "md", "mdx", "gfm", "commonmark", "rmarkdown", "rmd", "qmd"];
/// Fences are nested this deep at most.
const MAX_NESTING: usize = 16;

/// Hides from the parser what would end a fence too early.
pub(super) fn hide_inner_fences(draft: &mut ParserDraft) {
    let has = |fence: &str| memchr::memmem::find(draft.source.as_bytes(), fence.as_bytes()).is_some();
    if !has("```") && !has("~~~") {
        return;
    }
    let mut scan = FenceScan::new(draft);
    for line in source_lines(draft.source) {
        if scan.read(&line) == LineRole::InnerBare {
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
        let content = match language_of(info).to_ascii_lowercase() {
            language if MARKDOWN_LANGUAGES.contains(&&*language) => FenceContent::Markdown,
            language if TEXT_LANGUAGES.contains(&&*language) => FenceContent::Text,
            _ => FenceContent::Code,
        };
        is_fence.then_some((Self { marker, lens: vec![len], content, last_line: LastLine::Text }, info))
    }

    /// Reads the next line of the fence, without its indent, which decides whether it can be the end.
    pub(super) fn read(&mut self, line: &str, can_end: bool) -> FenceLine {
        let info = line.trim_start_matches(self.marker);
        let len = line.len() - info.len();
        if len < self.lens[0] {
            self.last_line = self.last_line.followed_by(line);
            return FenceLine::Code;
        }
        if !info.trim().is_empty() {
            let is_inner = self.can_hold(info) && Self::parse(line).is_some();
            self.lens.extend(is_inner.then_some(len));
            return FenceLine::Code;
        }
        match *self.lens.as_slice() {
            [_] if self.is_bare_start() => {
                self.lens.push(len);
                self.last_line = LastLine::Text;
                FenceLine::InnerBare
            }
            [_] if can_end => FenceLine::End,
            [_] => FenceLine::Code,
            [.., inner] if len >= inner => {
                self.lens.pop();
                self.last_line = LastLine::Text;
                FenceLine::InnerBare
            }
            _ => FenceLine::InnerBare,
        }
    }

    /// Whether a fence with this info string may begin inside.
    fn can_hold(&self, info: &str) -> bool {
        // Words right behind the end of a fence are no language.
        let is_language = language_of(info)
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+#._-".contains(&byte));
        self.lens.len() < MAX_NESTING
            && match self.content {
                FenceContent::Code => false,
                FenceContent::Text => is_language,
                FenceContent::Markdown => true,
            }
    }

    fn is_bare_start(&self) -> bool {
        self.content == FenceContent::Markdown && self.last_line == LastLine::Announcement
    }

    /// Whether an incomplete line may become the end.
    pub(super) fn can_be_ended_by(&self, line: &str) -> bool {
        self.lens.len() == 1
            && !self.is_bare_start()
            && !line.is_empty()
            && line.trim_end().trim_start_matches(self.marker).is_empty()
    }
}

impl LastLine {
    fn followed_by(self, line: &str) -> Self {
        match line.trim_end() {
            "" if self == Self::Heading => Self::Announcement,
            "" => self,
            line if line.ends_with([':', '：']) => Self::Announcement,
            line if line.starts_with('#') => Self::Heading,
            _ => Self::Text,
        }
    }
}

/// Returns the first word of an info string.
fn language_of(info: &str) -> &str {
    info.trim().split([' ', ',', '{']).next().unwrap_or("")
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
    fn only_bare_lines_of_inner_fences_are_hidden() {
        assert_eq!(hidden("```md\n```sh\nls\n```\n~~~\n```\ntext\n"), [3]);
        assert_eq!(hidden("> ```markdown\n> ```sh\n> ls\n> ```\n> ```\ntext\n"), [3]);
        assert_eq!(hidden("1. Do\n\n   ```mdx title=\"a\"\n   ````md\n   ```js\n   ```\n   ````\n   ```\n"), [5, 6]);
        assert_eq!(hidden("```md\n# T\n\nInstall:\n\n```\nls\n```\n\nThen.\n```\ntext\n"), [5, 7]);
        assert_eq!(hidden("```\n# T\n```sh\nls\n```\nThen.\n```\ntext\n"), [4]);
        for plain in [
            "```c\n```sh\nls\n```\n",
            "```\nls\n```Then more\n```\n",
            "````md\n```sh\n```\n````\n",
            "```md\n# T\n```\ntext\n```sh\nls\n```\n",
        ] {
            assert_eq!(hidden(plain), [0; 0], "{plain}");
        }
    }
}
