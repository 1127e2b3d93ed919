//! Markdown as code, line by line and in linear time.

use super::{Runs, push};
use crate::widgets::theme::Role;

/// What a line depends on: the fence that is open.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    fence: Option<(char, usize)>,
}

impl State {
    pub fn line(&mut self, line: &str) -> Runs {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if let Some(fence) = fence(body) {
            match self.fence {
                None => self.fence = Some(fence),
                Some((mark, length)) if fence.0 == mark && fence.1 >= length => self.fence = None,
                Some(_) => (),
            }
            return vec![(line.len(), Role::Comment)];
        }
        if self.fence.is_some() {
            return vec![(line.len(), Role::String)];
        }
        let hashes = body.len() - body.trim_start_matches('#').len();
        if (1..=6).contains(&hashes) && body[hashes..].starts_with([' ', '\t']) {
            return vec![(line.len(), Role::Keyword)];
        }
        if body.starts_with('>') {
            return vec![(line.len(), Role::Comment)];
        }
        let marker = indent + marker(body);
        let mut runs = Runs::new();
        push(&mut runs, indent, Role::Text);
        push(&mut runs, marker - indent, Role::Keyword);
        words(&line[marker..], &mut runs);
        if runs.is_empty() {
            runs.push((0, Role::Text));
        }
        runs
    }
}

fn fence(body: &str) -> Option<(char, usize)> {
    let mark = body.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = body.len() - body.trim_start_matches(mark).len();
    (length >= 3).then_some((mark, length))
}

/// The bytes of a bullet or a number.
fn marker(body: &str) -> usize {
    if body.starts_with("- ") || body.starts_with("* ") || body.starts_with("+ ") {
        return 1;
    }
    let digits = body.len() - body.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    if digits > 0 && (body[digits..].starts_with(". ") || body[digits..].starts_with(") ")) { digits + 1 } else { 0 }
}

/// Code spans, and the addresses of links.
fn words(mut rest: &str, runs: &mut Runs) {
    while let Some(at) = rest.find(['`', ']']) {
        push(runs, at, Role::Text);
        rest = &rest[at..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let end = if ticks > 0 {
            rest[ticks..].find(&rest[..ticks]).map(|end| end + 2 * ticks)
        } else {
            rest.strip_prefix("](").and_then(|link| link.find(')')).map(|end| end + 3)
        };
        let role = if ticks > 0 { Role::String } else { Role::Function };
        let (length, role) = end.map_or((ticks.max(1), Role::Text), |end| (end, role));
        push(runs, length, role);
        rest = &rest[length..];
    }
    push(runs, rest.len(), Role::Text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_code_and_fences_have_their_roles() {
        let mut state = State::default();
        assert_eq!(state.line("## Title"), [(8, Role::Keyword)]);
        assert_eq!(
            state.line("- a `b` [c](d) `e"),
            [
                (1, Role::Keyword),
                (3, Role::Text),
                (3, Role::String),
                (3, Role::Text),
                (4, Role::Function),
                (3, Role::Text)
            ]
        );
        assert_eq!(state.line("```rust"), [(7, Role::Comment)]);
        assert_eq!(state.line("# not a title"), [(13, Role::String)]);
        assert_eq!(state.line("~~~"), [(3, Role::Comment)]);
        assert_eq!(state.line("```"), [(3, Role::Comment)]);
        assert_eq!(state.line(""), [(0, Role::Text)]);
        assert_eq!(state.line("> quoted"), [(8, Role::Comment)]);
    }
}
