//! Maps the scopes of a grammar to colour roles.

use std::collections::HashMap;

use syntect::parsing::{Scope, ScopeStack, ScopeStackOp};

use super::{ColourRuns, push_run};
use crate::render::theme::ColourRole;

/// The role of each scope prefix. The first prefix of a scope decides, and the innermost scope with a role wins.
const ROLES: &[(&str, ColourRole)] = &[
    ("comment", ColourRole::Comment),
    ("meta.interpolation", ColourRole::Text),
    ("meta.template.expression", ColourRole::Text),
    ("punctuation.section.interpolation", ColourRole::Keyword),
    ("constant.character.escape", ColourRole::Number),
    ("constant.other.placeholder", ColourRole::Number),
    ("string", ColourRole::String),
    ("punctuation.definition.string", ColourRole::String),
    ("constant", ColourRole::Number),
    ("support.constant", ColourRole::Number),
    ("keyword.other.unit", ColourRole::Number),
    ("keyword.operator.word", ColourRole::Keyword),
    ("keyword.operator.logical.python", ColourRole::Keyword),
    ("keyword.operator", ColourRole::Text),
    ("keyword", ColourRole::Keyword),
    ("storage", ColourRole::Keyword),
    ("variable.language", ColourRole::Keyword),
    ("variable.function", ColourRole::Function),
    ("variable.annotation", ColourRole::Function),
    ("entity.name.tag", ColourRole::Keyword),
    ("entity.name.section", ColourRole::Keyword),
    ("entity.name", ColourRole::Function),
    ("entity.other.attribute-name", ColourRole::Function),
    ("entity.other.inherited-class", ColourRole::Function),
    ("support.function", ColourRole::Function),
    ("support.macro", ColourRole::Function),
    ("support.type.property-name", ColourRole::Function),
    ("support", ColourRole::Function),
    ("markup.inserted", ColourRole::Ok),
    ("markup.deleted", ColourRole::Error),
    ("meta.diff.range", ColourRole::Comment),
    ("meta.diff.header", ColourRole::Comment),
    ("markup.heading", ColourRole::Keyword),
];

/// Looks up the role of a scope, and caches it.
#[derive(Debug, Default)]
pub(crate) struct ScopeRoles {
    selectors: Vec<(Scope, ColourRole)>,
    cache: HashMap<Scope, Option<ColourRole>>,
}

impl ScopeRoles {
    /// Returns the runs of a line of `length` bytes; `scopes` becomes the scopes that are open after it.
    pub(super) fn line_runs(
        &mut self,
        length: usize,
        changes: &[(usize, ScopeStackOp)],
        scopes: &mut ScopeStack,
    ) -> ColourRuns {
        let mut runs = ColourRuns::new();
        let mut at = 0;
        for (to, change) in changes {
            let to = (*to).min(length);
            if to > at {
                let role = self.current_role(scopes);
                push_run(&mut runs, to - at, role);
                at = to;
            }
            // A grammar may close a scope that it never opened; ignore it.
            let _ = scopes.apply(change);
        }
        let role = self.current_role(scopes);
        push_run(&mut runs, length - at, role);
        if runs.is_empty() {
            runs.push((0, ColourRole::Text));
        }
        runs
    }

    fn current_role(&mut self, scopes: &ScopeStack) -> ColourRole {
        scopes.as_slice().iter().rev().find_map(|scope| self.role_of(*scope)).unwrap_or(ColourRole::Text)
    }

    fn role_of(&mut self, scope: Scope) -> Option<ColourRole> {
        if self.selectors.is_empty() {
            let scope = |(name, role): &(&str, ColourRole)| Scope::new(name).ok().map(|scope| (scope, *role));
            self.selectors = ROLES.iter().filter_map(scope).collect();
        }
        let selectors = &self.selectors;
        let find = || selectors.iter().find(|(selector, _)| selector.is_prefix_of(scope)).map(|(_, role)| *role);
        *self.cache.entry(scope).or_insert_with(find)
    }
}
