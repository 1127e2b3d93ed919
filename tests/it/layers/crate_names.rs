//! What the paths of a crate mean: aliases, `super`, globs and re-exports lead to where an item is defined.

use std::collections::BTreeMap;

use super::source_facts::{ModuleFacts, SourceFacts, UsedPath};

/// How many aliases may lead from one to the next.
const MAX_ALIASES: usize = 16;

/// What a path means: as it is written, with aliases resolved, and where its item is defined. Both begin with `crate` if
/// the item is ours.
pub type PathMeanings = [Vec<String>; 2];

/// All modules of a crate.
pub struct CrateNames<'a>(BTreeMap<&'a [String], &'a ModuleFacts>);

impl<'a> CrateNames<'a> {
    pub fn new(files: &'a [SourceFacts]) -> Self {
        let modules = files.iter().flat_map(|file| &file.modules);
        Self(modules.map(|module| (module.path.as_slice(), module)).collect())
    }

    pub fn meanings(&self, file: &SourceFacts, used: &UsedPath) -> PathMeanings {
        let module = &file.modules[used.module];
        let written = self.absolute(module, &used.segments, MAX_ALIASES);
        let defined = self.definition(&written, MAX_ALIASES);
        [written, defined]
    }

    /// Returns where the item is defined that a module calls by this path.
    pub fn defined_at(&self, module: &ModuleFacts, segments: &[String]) -> Vec<String> {
        self.definition(&self.absolute(module, segments, MAX_ALIASES), MAX_ALIASES)
    }

    /// Resolves the first word of a path as the module sees it.
    fn absolute(&self, module: &ModuleFacts, segments: &[String], aliases: usize) -> Vec<String> {
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        let join = |front: &[String], rest: &[String]| [front, rest].concat();
        match first.as_str() {
            "crate" | "ibid" => join(&["crate".to_owned()], rest),
            "self" => join(&module.path, rest),
            "super" => {
                let ups = segments.iter().take_while(|word| *word == "super").count();
                join(&module.path[..module.path.len().saturating_sub(ups)], &segments[ups..])
            }
            _ => match self.lookup(module, first, aliases) {
                Some(meaning) => join(&meaning, rest),
                None => segments.to_vec(),
            },
        }
    }

    /// Returns what a name means in a module, if the module knows it.
    fn lookup(&self, module: &ModuleFacts, name: &str, aliases: usize) -> Option<Vec<String>> {
        let aliases = aliases.checked_sub(1)?;
        if module.items.iter().any(|item| item == name) {
            return Some(module.path.iter().cloned().chain([name.to_owned()]).collect());
        }
        if let Some((_, path)) = module.imports.iter().find(|(imported, _)| imported == name) {
            let is_itself = path.len() == 1 && path[0] == name;
            return Some(if is_itself { path.clone() } else { self.absolute(module, path, aliases) });
        }
        module.globs.iter().find_map(|glob| {
            let from = self.absolute(module, glob, aliases);
            self.lookup(self.0.get(from.as_slice())?, name, aliases)
        })
    }

    /// Follows re-exports to the module that defines the item.
    fn definition(&self, path: &[String], aliases: usize) -> Vec<String> {
        for length in 1..path.len() {
            let Some(module) = self.0.get(&path[..length]) else { continue };
            let child = &path[..=length];
            if self.0.contains_key(child) || path[length] == "*" {
                continue;
            }
            let Some(target) = self.lookup(module, &path[length], aliases) else { break };
            if target == child || aliases == 0 {
                break;
            }
            return self.definition(&[&target, &path[length + 1..]].concat(), aliases - 1);
        }
        path.to_vec()
    }
}
