//! The rules about what may use what: between the layers of `ARCHITECTURE.md`, and inside `ui`.

mod checks;
mod crate_names;
mod planted;
mod reachable;
mod rules;
mod source_facts;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use checks::{read_sources, violations};
use reachable::reachable_from;
use rules::LAYERS;

#[test]
fn the_source_breaks_no_rule() {
    let sources = read_files();
    let found = violations(&read_sources(sources.iter().map(|(path, text)| (path.as_str(), text.as_str()))));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn what_update_may_call_is_found_in_all_features() {
    let sources = read_files();
    let files = read_sources(sources.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let reached = reachable_from(&files, &["crate", "ui"].map(str::to_owned), "update", &[]);
    let names: BTreeSet<&str> = reached.iter().map(|(_, function)| function.name.as_str()).collect();
    for name in ["on_key", "copy_under_cursor", "toggle_source", "edit_query", "open_selected", "set_full_result"] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn the_architecture_document_shows_these_layers() {
    let map = include_str!("../../ARCHITECTURE.md");
    let (_, rest) = map.split_once("## Layers").expect("it has a section on the layers");
    let block = rest.split("```").nth(1).expect("the layers are in a code block");
    let shown: Vec<Vec<&str>> = block
        .lines()
        .filter_map(|line| line.trim().split_once("   "))
        .map(|(modules, _)| modules.split_whitespace().collect())
        .collect();
    assert_eq!(shown, LAYERS);
}

/// Returns the files under `src/`, each with its path there and its text.
fn read_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source can be read") {
            let path = entry.expect("an entry of the source can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file of the source can be read");
                let words = path.strip_prefix(&root).expect("the file is in src").iter();
                let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
                found.push((words.join("/"), text));
            }
        }
    }
    assert!(found.len() > 100, "the source was not found in {}", root.display());
    found
}
