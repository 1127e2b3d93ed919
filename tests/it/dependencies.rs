//! `docs/dependencies.md` lists exactly the crates that `Cargo.toml` names.

use std::{collections::BTreeSet, fs, path::Path};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the file is in the repository")
}

/// The names in a table of `Cargo.toml`.
fn named(table: Option<&toml::Value>) -> impl Iterator<Item = String> {
    table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys().cloned())
}

#[test]
fn every_direct_dependency_has_its_reason_in_one_line() {
    let manifest: toml::Value = toml::from_str(&read("Cargo.toml")).expect("the manifest is valid");
    let targets = manifest["target"].as_table().expect("there are targets");
    let mut used: BTreeSet<String> = named(manifest.get("dependencies")).collect();
    used.extend(targets.values().flat_map(|target| named(target.get("dependencies"))));
    let for_tests: BTreeSet<String> = named(manifest.get("dev-dependencies")).collect();

    let page = read("docs/dependencies.md");
    let (program, tests) = page.split_once("## Tests and benches").expect("the page has two tables");
    let listed = |text: &str| -> BTreeSet<String> {
        let rows =
            text.lines().filter_map(|line| line.strip_prefix("| ")).map(|row| row.split(" |").collect::<Vec<_>>());
        rows.filter(|cells| cells[0] != "crate" && cells.len() == 5 && cells[1..3].iter().all(|cell| !cell.is_empty()))
            .map(|cells| cells[0].to_owned())
            .collect()
    };
    assert_eq!(listed(program), used);
    assert_eq!(listed(tests), for_tests);
}
