//! Applies the rules to source files.

use std::{collections::BTreeSet, fmt};

use super::{
    crate_names::{CrateNames, PathMeanings},
    reachable::reachable_from,
    rules::{FEATURES, HOLDERS, INDEX, LAYER_EXCEPTIONS, LAYERS, RULES, RuleCheck, SHARED, SourceRule, TestCode},
    source_facts::{CodeSpot, FunctionFacts, SourceFacts},
};

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleViolation {
    /// Relative to `src/`.
    pub file: String,
    pub line: usize,
    pub rule: &'static str,
    pub found: String,
    pub instead: &'static str,
}

impl fmt::Display for RuleViolation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { file, line, rule, found, instead } = self;
        write!(f, "src/{file}:{line}: [{rule}] {found}; {instead}")
    }
}

/// Reads source files, given by path and text.
pub fn read_sources<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<SourceFacts> {
    let read = |(path, text): (&str, &str)| {
        SourceFacts::read(path, text).unwrap_or_else(|error| panic!("src/{path} is not Rust: {error}"))
    };
    let mut files: Vec<SourceFacts> = files.into_iter().map(read).collect();
    let of_tests: Vec<Vec<String>> = files
        .iter()
        .flat_map(|file| &file.modules)
        .flat_map(|module| {
            module.test_children.iter().map(|child| [module.path.as_slice(), std::slice::from_ref(child)].concat())
        })
        .collect();
    for file in &mut files {
        if of_tests.iter().any(|module| file.module().starts_with(module)) {
            file.mark_as_test();
        }
    }
    files
}

/// Returns everything in the files that breaks a rule.
pub fn violations(files: &[SourceFacts]) -> BTreeSet<RuleViolation> {
    let names = CrateNames::new(files);
    let of_file = |file: &SourceFacts| file.paths.iter().map(|used| names.meanings(file, used)).collect();
    let meanings: Vec<Vec<PathMeanings>> = files.iter().map(of_file).collect();
    RULES.iter().flat_map(|rule| RuleRun { rule, names: &names, files, meanings: &meanings }.violations()).collect()
}

/// A rule and what it is applied to.
struct RuleRun<'a> {
    rule: &'static SourceRule,
    names: &'a CrateNames<'a>,
    files: &'a [SourceFacts],
    /// What the paths of each file mean.
    meanings: &'a [Vec<PathMeanings>],
}

/// The part of `ui` to which a module belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UiPart<'a> {
    Feature(&'a str),
    Shared,
    Holder,
    Index,
    Unlisted,
}

impl RuleRun<'_> {
    fn violations(&self) -> Vec<RuleViolation> {
        match &self.rule.check {
            RuleCheck::LowerLayers => self.of_paths(TestCode::Checked, |file, meanings| {
                meanings.iter().find_map(|meaning| upward_use(file, meaning))
            }),
            RuleCheck::Uses { who, forbidden, except, tests } => self.of_paths(*tests, |file, meanings| {
                let is_member = who.iter().any(|who| matches_pattern(file.module(), who));
                let is_excepted = |meaning: &Vec<String>| {
                    except.iter().any(|pattern| matches_pattern(meaning, pattern) || leads_to(meaning, pattern))
                };
                let found = forbidden_use(meanings, forbidden).filter(|_| is_member)?;
                (!meanings.iter().any(is_excepted)).then_some(found)
            }),
            RuleCheck::FeaturesUse { forbidden } => self.of_paths(TestCode::Checked, |file, meanings| {
                let is_feature = matches!(ui_part(file.module()), Some(UiPart::Feature(_)));
                forbidden_use(meanings, forbidden).filter(|_| is_feature)
            }),
            RuleCheck::Awaits { who } => self.of_files(|file| {
                let is_member = who.iter().any(|who| matches_pattern(file.module(), who));
                let spots = file.awaits.iter().filter(|spot| is_member && !spot.is_test);
                spots.map(|spot| self.violation(file, *spot, "waits".into())).collect()
            }),
            RuleCheck::ListedInUi => self.of_files(|file| {
                let is_unlisted = ui_part(file.module()) == Some(UiPart::Unlisted);
                let spot = CodeSpot { line: 1, is_test: false };
                is_unlisted.then(|| self.violation(file, spot, "is not listed".into())).into_iter().collect()
            }),
            RuleCheck::FeaturesApart => self.of_ui_uses(
                |own, other| matches!((own, other), (UiPart::Feature(own), UiPart::Feature(other)) if own != other),
            ),
            RuleCheck::FeaturesBelowIndex => {
                self.of_ui_uses(|own, other| matches!((own, other), (UiPart::Feature(_), UiPart::Index)))
            }
            RuleCheck::SharedBelowFeatures => self
                .of_ui_uses(|own, other| matches!((own, other), (UiPart::Shared, UiPart::Feature(_) | UiPart::Index))),
            RuleCheck::ViewsBorrow => self.of_files(|file| self.changing_views(file)),
            RuleCheck::NamedOnlyIn { type_name, files } => self.of_paths(TestCode::Exempt, |file, meanings| {
                let is_allowed = files.iter().any(|start| file.path.starts_with(start));
                let is_named = meanings.iter().flatten().any(|word| word == type_name);
                (is_named && !is_allowed).then(|| format!("names `{type_name}`"))
            }),
            RuleCheck::UpdateReaches { words } => self.reached_by_update(words),
            RuleCheck::Calls { words } => self.of_files(|file| {
                let calls = file.calls.iter().filter(|call| !call.spot.is_test && words.contains(&call.word.as_str()));
                calls.map(|call| self.violation(file, call.spot, format!("calls `{}`", call.word))).collect()
            }),
            RuleCheck::FileLength { max_lines } => self.of_files(|file| {
                let spot = CodeSpot { line: file.line_count, is_test: false };
                let is_long = file.line_count > *max_lines;
                is_long
                    .then(|| self.violation(file, spot, format!("has more than {max_lines} lines")))
                    .into_iter()
                    .collect()
            }),
            RuleCheck::FewTake { type_path, max_functions } => {
                let taking: Vec<RuleViolation> = self.of_files(|file| self.functions_that_take(file, type_path));
                if taking.len() > *max_functions { taking } else { Vec::new() }
            }
        }
    }

    fn violation(&self, file: &SourceFacts, spot: CodeSpot, found: String) -> RuleViolation {
        let SourceRule { name, instead, .. } = self.rule;
        RuleViolation { file: file.path.clone(), line: spot.line, rule: name, found, instead }
    }

    fn of_files(&self, check: impl Fn(&SourceFacts) -> Vec<RuleViolation>) -> Vec<RuleViolation> {
        self.files.iter().flat_map(check).collect()
    }

    /// Checks each path as it is written and as it is defined; `check` returns what was found.
    fn of_paths(
        &self,
        tests: TestCode,
        check: impl Fn(&SourceFacts, &PathMeanings) -> Option<String>,
    ) -> Vec<RuleViolation> {
        let of_file = |(file, meanings): (&SourceFacts, &Vec<PathMeanings>)| {
            let paths = file.paths.iter().zip(meanings);
            let checked = paths.filter(|(used, _)| tests == TestCode::Checked || !used.spot.is_test);
            checked
                .filter_map(|(used, meanings)| Some(self.violation(file, used.spot, check(file, meanings)?)))
                .collect::<Vec<_>>()
        };
        self.files.iter().zip(self.meanings).flat_map(of_file).collect()
    }

    /// Checks which part of `ui` uses which.
    fn of_ui_uses(&self, is_forbidden: impl Fn(UiPart, UiPart) -> bool) -> Vec<RuleViolation> {
        self.of_paths(TestCode::Checked, |file, meanings| {
            let own = ui_part(file.module())?;
            let is_forbidden = |meaning: &&Vec<String>| ui_part(meaning).is_some_and(|other| is_forbidden(own, other));
            meanings.iter().find(is_forbidden).map(|meaning| format!("uses `{}`", meaning.join("::")))
        })
    }

    fn changing_views(&self, file: &SourceFacts) -> Vec<RuleViolation> {
        let changed = |types: &[Vec<String>], module: usize| {
            let types = types.iter().map(|path| self.names.defined_at(&file.modules[module], path));
            types.into_iter().find(|path| is_state(path)).map(|path| path.join("::"))
        };
        let is_in_view = is_in_view(file.module());
        let draws = |function: &&FunctionFacts| {
            is_in_view || function.mut_types.iter().any(|path| path.last().is_some_and(|word| word == "Buffer"))
        };
        let functions = file.functions.iter().filter(|function| !function.spot.is_test).filter(draws);
        functions
            .filter_map(|function| {
                let changed = changed(&function.mut_types, function.module)?;
                Some(self.violation(file, function.spot, format!("`{}` changes `{changed}`", function.name)))
            })
            .collect()
    }

    fn reached_by_update(&self, words: &[&str]) -> Vec<RuleViolation> {
        let found = reachable_from(self.files, &["crate", "ui"].map(str::to_owned), "update", words)
            .into_iter()
            .filter_map(|(file, function)| {
                let word = words.iter().find(|word| function.words.contains(**word))?;
                let found = format!("`{}`, which `update` may call, names `{word}`", function.name);
                let is_in_ui = matches_pattern(file.module(), "crate::ui");
                is_in_ui.then(|| self.violation(file, function.spot, found))
            });
        found.collect()
    }

    fn functions_that_take(&self, file: &SourceFacts, type_path: &str) -> Vec<RuleViolation> {
        if !matches_pattern(file.module(), "crate::ui") {
            return Vec::new();
        }
        let functions = file.functions.iter().filter(|function| !function.spot.is_test);
        let taking = functions.filter(|function| {
            let module = &file.modules[function.module];
            function.mut_types.iter().any(|path| self.names.defined_at(module, path).join("::") == type_path)
        });
        taking
            .map(|function| {
                self.violation(file, function.spot, format!("`{}` takes `&mut {type_path}`", function.name))
            })
            .collect()
    }
}

/// Returns what is used of what is forbidden.
fn forbidden_use(meanings: &PathMeanings, forbidden: &[&str]) -> Option<String> {
    let is_forbidden = |meaning: &&Vec<String>| forbidden.iter().any(|pattern| matches_pattern(meaning, pattern));
    meanings.iter().find(is_forbidden).map(|meaning| format!("uses `{}`", meaning.join("::")))
}

/// Returns how a file uses what is not in a lower layer.
fn upward_use(file: &SourceFacts, meaning: &[String]) -> Option<String> {
    let own = file.module().get(1)?;
    let layer_of = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let Some(layer) = layer_of(own) else { return Some(format!("`{own}` is missing from `LAYERS`")) };
    let [root, other, ..] = meaning else { return None };
    let is_excepted = LAYER_EXCEPTIONS.iter().any(|(who, whom, _)| (*who, *whom) == (own, other));
    let is_upward = root == "crate" && other != own && layer_of(other).is_some_and(|its| its <= layer);
    (is_upward && !is_excepted).then(|| format!("`{own}` uses `{}`", meaning.join("::")))
}

/// Returns the part of `ui` that a path is in; `None` outside `ui`, and for `ui` itself.
fn ui_part(path: &[String]) -> Option<UiPart<'_>> {
    let [root, ui, name, ..] = path else { return None };
    if root != "crate" || ui != "ui" {
        return None;
    }
    Some(match name.as_str() {
        // The root imports all features, and its functions call them.
        "*" | "update" | "settle" | "sync" | "next_wake" => UiPart::Index,
        name if FEATURES.contains(&name) => UiPart::Feature(name),
        name if SHARED.contains(&name) => UiPart::Shared,
        name if HOLDERS.contains(&name) => UiPart::Holder,
        name if INDEX.contains(&name) => UiPart::Index,
        _ => UiPart::Unlisted,
    })
}

/// Returns whether a path matches a pattern of the rules; see `RuleCheck`.
fn matches_pattern(path: &[String], pattern: &str) -> bool {
    let words: Vec<&str> = pattern.split("::").collect();
    if words.len() == 1 || words[0] == "crate" {
        path.len() >= words.len() && path.iter().zip(&words).all(|(word, pattern)| word == pattern)
    } else {
        path.windows(words.len()).any(|part| part == words.as_slice())
    }
}

/// Returns whether a path is a module on the way to what the pattern allows.
fn leads_to(path: &[String], pattern: &str) -> bool {
    let words: Vec<&str> = pattern.split("::").collect();
    path.len() < words.len() && path.iter().zip(&words).all(|(word, pattern)| word == pattern)
}

fn is_in_view(module: &[String]) -> bool {
    module.iter().skip(2).any(|word| word == "view")
}

/// Returns whether a type belongs to the state, and not to a view.
fn is_state(path: &[String]) -> bool {
    let is_kept = ["crate::ui", "crate::chat", "crate::citations"].iter().any(|layer| matches_pattern(path, layer));
    is_kept && !is_in_view(path) || path.ends_with(&["Self".to_owned(), "State".to_owned()])
}
