//! Which functions of `ui` may run when another one is called, judged by their names.

use std::collections::BTreeSet;

use super::source_facts::{FunctionFacts, SourceFacts};

/// Returns the functions that may run when a function of the module is called, itself included, up to those that are
/// named like one of `stops`.
///
/// A word in a function stands for every function of that name. A method counts only if a field has its type, or a
/// function that is reached names it.
pub fn reachable_from<'a>(
    files: &'a [SourceFacts],
    module: &[String],
    name: &str,
    stops: &[&str],
) -> Vec<(&'a SourceFacts, &'a FunctionFacts)> {
    let mut words: BTreeSet<&str> = files.iter().flat_map(|file| &file.field_types).map(String::as_str).collect();
    let functions = files.iter().flat_map(|file| file.functions.iter().map(move |function| (file, function)));
    let is_start = |(file, function): &(&SourceFacts, &FunctionFacts)| {
        file.modules[function.module].path == module && function.name == name && function.impl_type.is_none()
    };
    let (mut reached, mut others): (Vec<_>, Vec<_>) = functions
        .filter(|(_, function)| !function.spot.is_test && !stops.contains(&function.name.as_str()))
        .partition(is_start);
    let mut new_words: Vec<&str> = words_of(&reached);
    while !new_words.is_empty() {
        words.extend(new_words);
        let is_reached = |(_, function): &(&SourceFacts, &FunctionFacts)| {
            let has_type = function.impl_type.as_ref().is_none_or(|of| words.contains(of.as_str()));
            has_type && words.contains(function.name.as_str())
        };
        let (next, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_reached);
        new_words = words_of(&next);
        others = rest;
        reached.extend(next);
    }
    reached
}

fn words_of<'a>(functions: &[(&'a SourceFacts, &'a FunctionFacts)]) -> Vec<&'a str> {
    functions.iter().flat_map(|(_, function)| &function.words).map(String::as_str).collect()
}
