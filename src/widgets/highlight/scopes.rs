//! From the scopes of a grammar to roles of colour.

use std::collections::HashMap;

use syntect::parsing::{Scope, ScopeStack, ScopeStackOp};

use super::{Runs, push};
use crate::widgets::theme::Role;

/// The first that a scope begins with decides; the innermost scope that is here wins.
const ROLES: &[(&str, Role)] = &[
    ("comment", Role::Comment),
    ("meta.interpolation", Role::Text),
    ("meta.template.expression", Role::Text),
    ("punctuation.section.interpolation", Role::Keyword),
    ("constant.character.escape", Role::Number),
    ("constant.other.placeholder", Role::Number),
    ("string", Role::String),
    ("punctuation.definition.string", Role::String),
    ("constant", Role::Number),
    ("support.constant", Role::Number),
    ("keyword.other.unit", Role::Number),
    ("keyword.operator.word", Role::Keyword),
    ("keyword.operator.logical.python", Role::Keyword),
    ("keyword.operator", Role::Text),
    ("keyword", Role::Keyword),
    ("storage", Role::Keyword),
    ("variable.language", Role::Keyword),
    ("variable.function", Role::Function),
    ("variable.annotation", Role::Function),
    ("entity.name.tag", Role::Keyword),
    ("entity.name.section", Role::Keyword),
    ("entity.name", Role::Function),
    ("entity.other.attribute-name", Role::Function),
    ("entity.other.inherited-class", Role::Function),
    ("support.function", Role::Function),
    ("support.macro", Role::Function),
    ("support.type.property-name", Role::Function),
    ("support", Role::Function),
    ("markup.inserted", Role::Ok),
    ("markup.deleted", Role::Error),
    ("meta.diff.range", Role::Comment),
    ("meta.diff.header", Role::Comment),
    ("markup.heading", Role::Keyword),
];

/// The role of every scope that was met.
#[derive(Debug, Default)]
pub(super) struct Roles {
    selectors: Vec<(Scope, Role)>,
    met: HashMap<Scope, Option<Role>>,
}

impl Roles {
    /// The runs of a line of so many bytes, and the scopes that are open behind it.
    pub fn runs(&mut self, length: usize, changes: &[(usize, ScopeStackOp)], scopes: &mut ScopeStack) -> Runs {
        let mut runs = Runs::new();
        let mut at = 0;
        for (to, change) in changes {
            let to = (*to).min(length);
            if to > at {
                let role = self.role(scopes);
                push(&mut runs, to - at, role);
                at = to;
            }
            // A grammar that closes what it never opened is no reason to stop.
            let _ = scopes.apply(change);
        }
        let role = self.role(scopes);
        push(&mut runs, length - at, role);
        if runs.is_empty() {
            runs.push((0, Role::Text));
        }
        runs
    }

    fn role(&mut self, scopes: &ScopeStack) -> Role {
        scopes.as_slice().iter().rev().find_map(|scope| self.of(*scope)).unwrap_or(Role::Text)
    }

    fn of(&mut self, scope: Scope) -> Option<Role> {
        if self.selectors.is_empty() {
            let scope = |(name, role): &(&str, Role)| Scope::new(name).ok().map(|scope| (scope, *role));
            self.selectors = ROLES.iter().filter_map(scope).collect();
        }
        let selectors = &self.selectors;
        let find = || selectors.iter().find(|(selector, _)| selector.is_prefix_of(scope)).map(|(_, role)| *role);
        *self.met.entry(scope).or_insert_with(find)
    }
}
