//! Highlights Markdown source line by line, in linear time.

use super::{ColourRuns, push_run};
use crate::render::theme::ColourRole;

/// The state between lines: the open fence, if any.
#[derive(Debug, Clone, Default)]
pub(crate) struct MarkdownState {
    fence: Option<(char, usize)>,
}

impl MarkdownState {
    pub(super) fn highlight_line(&mut self, line: &str) -> ColourRuns {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if let Some(fence) = parse_fence(body) {
            match self.fence {
                None => self.fence = Some(fence),
                Some((mark, length)) if fence.0 == mark && fence.1 >= length => self.fence = None,
                Some(_) => (),
            }
            return vec![(line.len(), ColourRole::Comment)];
        }
        if self.fence.is_some() {
            return vec![(line.len(), ColourRole::String)];
        }
        let hashes = body.len() - body.trim_start_matches('#').len();
        if (1..=6).contains(&hashes) && body[hashes..].starts_with([' ', '\t']) {
            return vec![(line.len(), ColourRole::Keyword)];
        }
        if body.starts_with('>') {
            return vec![(line.len(), ColourRole::Comment)];
        }
        let marker = indent + marker_len(body);
        let mut runs = ColourRuns::new();
        push_run(&mut runs, indent, ColourRole::Text);
        push_run(&mut runs, marker - indent, ColourRole::Keyword);
        highlight_inline(&line[marker..], &mut runs);
        if runs.is_empty() {
            runs.push((0, ColourRole::Text));
        }
        runs
    }
}

fn parse_fence(body: &str) -> Option<(char, usize)> {
    let mark = body.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = body.len() - body.trim_start_matches(mark).len();
    (length >= 3).then_some((mark, length))
}

/// The length of a bullet or number, in bytes.
fn marker_len(body: &str) -> usize {
    if body.starts_with("- ") || body.starts_with("* ") || body.starts_with("+ ") {
        return 1;
    }
    let digits = body.len() - body.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    if digits > 0 && (body[digits..].starts_with(". ") || body[digits..].starts_with(") ")) { digits + 1 } else { 0 }
}

/// Highlights code spans and the addresses of links.
fn highlight_inline(mut rest: &str, runs: &mut ColourRuns) {
    while let Some(index) = rest.find(['`', ']']) {
        push_run(runs, index, ColourRole::Text);
        rest = &rest[index..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let end = if ticks > 0 {
            rest[ticks..].find(&rest[..ticks]).map(|end| end + 2 * ticks)
        } else {
            rest.strip_prefix("](").and_then(|link| link.find(')')).map(|end| end + 3)
        };
        let role = if ticks > 0 { ColourRole::String } else { ColourRole::Function };
        let (length, role) = end.map_or((ticks.max(1), ColourRole::Text), |end| (end, role));
        push_run(runs, length, role);
        rest = &rest[length..];
    }
    push_run(runs, rest.len(), ColourRole::Text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_markers_code_and_fences_have_their_roles() {
        let mut state = MarkdownState::default();
        assert_eq!(state.highlight_line("## Title"), [(8, ColourRole::Keyword)]);
        assert_eq!(
            state.highlight_line("- a `b` [c](d) `e"),
            [
                (1, ColourRole::Keyword),
                (3, ColourRole::Text),
                (3, ColourRole::String),
                (3, ColourRole::Text),
                (4, ColourRole::Function),
                (3, ColourRole::Text)
            ]
        );
        assert_eq!(state.highlight_line("```rust"), [(7, ColourRole::Comment)]);
        assert_eq!(state.highlight_line("# not a title"), [(13, ColourRole::String)]);
        assert_eq!(state.highlight_line("~~~"), [(3, ColourRole::Comment)]);
        assert_eq!(state.highlight_line("```"), [(3, ColourRole::Comment)]);
        assert_eq!(state.highlight_line(""), [(0, ColourRole::Text)]);
        assert_eq!(state.highlight_line("> quoted"), [(8, ColourRole::Comment)]);
    }
}
