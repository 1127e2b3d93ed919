//! What the README says is so: its table of keys, its picture.

#[path = "support/mod.rs"]
mod support;

use std::{env, fs, path::Path};

use ibid::app::{
    Action,
    action::{Entry, TABLE},
    keymap::Context,
};
use ibid::config::Config;

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- end of keys -->";

#[test]
fn the_tables_of_keys_are_the_table_of_actions() {
    let tables: String = Context::ALL.into_iter().map(keys_of).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("the README can be read");
    let (before, rest) = readme.split_once(BEGIN).expect("it has a place for the keys");
    let (kept, behind) = rest.split_once(END).expect("that place has an end");
    if updating() && kept != tables {
        fs::write(&file, [before, BEGIN, &tables, END, behind].concat()).expect("the README can be written");
        return;
    }
    assert_eq!(kept, tables, "IBID_UPDATE=1 cargo test --test readme writes them anew");
}

/// The keys of one context; the nine slots are one row.
fn keys_of(context: Context) -> String {
    let rows: String = TABLE.iter().filter_map(|entry| row(entry, context)).collect();
    format!("### {}\n\n| keys | | name |\n|---|---|---|\n{rows}\n", context.title())
}

fn row(entry: &Entry, context: Context) -> Option<String> {
    if Action::SLOTS[1..].contains(&entry.action) {
        return None;
    }
    let every_slot = |text: &str| match entry.action {
        Action::Slot1 => text.replace('1', "1–9"),
        _ => text.to_owned(),
    };
    let keys: Vec<String> = entry
        .keys
        .iter()
        .filter(|(its, _)| *its == context)
        .map(|(_, keys)| format!("`{}`", every_slot(&keys.replace('|', "\\|"))))
        .collect();
    let (title, name) = (every_slot(entry.title), every_slot(entry.name));
    (!keys.is_empty()).then(|| format!("| {} | {title} | `{name}` |\n", keys.join(", ")))
}

/// Told to write what the program says instead of comparing it.
fn updating() -> bool {
    env::var_os("IBID_UPDATE").is_some()
}

#[test]
fn the_config_that_it_shows_is_understood_whole() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("it shows a config");
    let (example, _) = rest.split_once("```").expect("the example has an end");
    let (config, complaints) = Config::parse(example, Path::new("README.md")).expect("it is TOML");
    assert_eq!(complaints, []);
    assert_eq!((config.theme.as_str(), config.slots.len(), config.endpoints.len()), ("auto", 2, 2));
}

#[test]
fn every_file_that_the_documents_link_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs/performance.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        let folder = root.join(document).parent().expect("it lies in a folder").to_owned();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            assert!(folder.join(file).exists(), "{document} links to {link}, which is not there");
        }
    }
}

#[cfg(unix)]
mod picture {
    use std::{fs, path::Path};

    use crate::support::{
        pty::{Home, Pty, Run},
        svg::{self, Palette},
    };

    const PALETTE: Palette = Palette { text: "#d9dde5", background: "#15171c" };

    #[test]
    fn the_picture_shows_what_the_demo_shows() {
        let ibid = show();
        let picture = ibid.look(|screen| svg::picture(screen.grid(), &PALETTE));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screen.svg");
        if crate::updating() {
            fs::write(&file, &picture).expect("the picture can be written");
        }
        let kept = fs::read_to_string(&file).expect("docs/screen.svg can be read");
        assert_eq!(words(&kept), words(&picture), "IBID_UPDATE=1 cargo test --test readme makes it anew");
    }

    /// The scholar of the demo, asked one thing, while two others are at work.
    fn show() -> Pty {
        let home = Home::empty();
        home.configure("theme = \"ink\"\n");
        let mut ibid = Run::in_home(&home).args(["demo"]).size(120, 36).start();
        ibid.wait_for("type a message");
        let asked = [("5", "endless", "Tell me everything"), ("2", "thinker", "Why is the night dark?")];
        for (slot, model, prompt) in asked {
            ibid.type_keys(&format!("<ctrl-x>{slot}"));
            ibid.wait_for(&format!(" {model} · demo"));
            ibid.type_keys(&format!("{prompt}<enter>"));
            ibid.wait_for("esc stops");
            ibid.type_keys("<ctrl-n>");
            ibid.wait_for("New conversation");
        }
        ibid.type_keys("<ctrl-x>3");
        ibid.wait_for(" scholar · demo");
        ibid.type_keys("SQLite WAL on NFS?<enter>");
        ibid.wait_for("Sources  [1]");
        ibid.wait_without("esc stops");
        ibid.wait_for("●");
        ibid
    }

    /// What is said, without the numbers and the turning marks that differ from run to run.
    fn words(svg: &str) -> Vec<String> {
        let texts = svg.split('>').filter_map(|part| part.strip_suffix("</text")).map(|text| {
            text.chars().filter(|c| !c.is_ascii_digit() && !".◐◓◑◒".contains(*c)).collect::<String>().trim().to_owned()
        });
        texts.filter(|text| !text.is_empty()).collect()
    }
}
