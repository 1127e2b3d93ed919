//! The README is up to date: its tables of keys, its config, its links and its picture.

use std::{env, fs, path::Path};

use ibid::config::Config;
use ibid::ui::{
    action::{ACTIONS, ActionEntry, ActionListing},
    keymap::{KeyContext, format_sequence, parse_sequence},
};

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- end of keys -->";

#[test]
fn the_tables_of_keys_match_the_table_of_actions() {
    let tables: String = KeyContext::ALL.into_iter().map(key_table).chain([command_table()]).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).expect("the README can be read");
    let (before, rest) = readme.split_once(BEGIN).expect("the README marks where the keys begin");
    let (current, after) = rest.split_once(END).expect("the README marks where the keys end");
    if is_updating() && current != tables {
        fs::write(&file, [before, BEGIN, &tables, END, after].concat()).expect("the README can be written");
        return;
    }
    assert_eq!(current, tables, "IBID_UPDATE=1 cargo test --test it readme rewrites them");
}

/// Returns the table of keys of one context; nine numbered actions share a row.
fn key_table(context: KeyContext) -> String {
    let rows: String = ACTIONS.iter().filter_map(|entry| key_row(entry, context)).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("### {} (`{}`)\n\n| keys | | name |\n|---|---|---|\n{rows}\n", context.title(), context.name())
}

/// Returns the table of slash commands.
fn command_table() -> String {
    let listed = ACTIONS.iter().filter(|entry| entry.listing == ActionListing::Commands);
    let row = |entry: &ActionEntry| {
        let argument = entry.action.argument().map_or(String::new(), |argument| format!(" {}", argument.name()));
        format!("| `/{}{}` | {} |\n", entry.slash_name(), argument.replace('|', "\\|"), entry.title)
    };
    format!("### Slash commands\n\n| command | |\n|---|---|\n{}\n", listed.map(row).collect::<String>())
}

fn key_row(entry: &ActionEntry, context: KeyContext) -> Option<String> {
    if entry.action.is_numbered() && !entry.action.is_first_of_nine() {
        return None;
    }
    let every_slot = |text: &str| {
        if entry.action.is_first_of_nine() { text.replace('1', "1–9") } else { text.to_owned() }
    };
    let keys: Vec<String> = entry
        .keys
        .iter()
        .filter(|(its, _)| *its == context)
        .map(|(_, keys)| format_sequence(&parse_sequence(keys).expect("every key of the table has a name")))
        .map(|keys| format!("`{}`", every_slot(&keys.replace('|', "\\|"))))
        .collect();
    let (title, name) = (every_slot(entry.title), every_slot(entry.name));
    (!keys.is_empty()).then(|| format!("| {} | {title} | `{name}` |\n", keys.join(", ")))
}

/// Returns whether to update the documents instead of comparing them.
fn is_updating() -> bool {
    env::var_os("IBID_UPDATE").is_some()
}

#[test]
fn the_example_config_is_valid() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("the README shows a config");
    let (example, _) = rest.split_once("```").expect("the example has an end");
    let (config, complaints) = Config::parse(example, Path::new("README.md")).expect("the example is TOML");
    assert_eq!(complaints, []);
    assert_eq!((config.theme.as_str(), config.slots.len(), config.endpoints.len()), ("auto", 2, 2));
}

#[test]
fn every_file_that_the_documents_link_to_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs/performance.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        let folder = root.join(document).parent().expect("it is in a folder").to_owned();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            assert!(folder.join(file).exists(), "{document} links to {link}, which does not exist");
        }
    }
}

#[cfg(unix)]
mod picture {
    use std::{fs, path::Path};

    use crate::support::{
        pty::{ProgramLaunch, Pty, TestHome},
        svg::{self, DefaultColours},
    };

    const PALETTE: DefaultColours = DefaultColours { text: "#d9dde5", background: "#15171c" };

    #[test]
    fn the_picture_matches_the_demo() {
        let ibid = start_demo();
        let picture = ibid.with_screen(|screen| svg::render_svg(screen.grid(), &PALETTE));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screen.svg");
        if super::is_updating() {
            fs::write(&file, &picture).expect("the picture can be written");
        }
        let current = fs::read_to_string(&file).expect("docs/screen.svg can be read");
        assert_eq!(
            stable_texts(&current),
            stable_texts(&picture),
            "IBID_UPDATE=1 cargo test --test it readme redraws it"
        );
    }

    /// Starts the demo and prompts the scholar while two other models are still answering.
    fn start_demo() -> Pty {
        let home = TestHome::empty();
        home.configure("theme = \"ink\"\n");
        let mut ibid = ProgramLaunch::in_home(&home).args(["demo"]).size(120, 36).start();
        ibid.wait_for("What is a footnote for?");
        ibid.type_keys("<ctrl-n>"); // Leaves the exchange that the demo opens on.
        ibid.wait_for("Talking to tour");
        let prompts = [("5", "endless", "Tell me everything"), ("2", "thinker", "Why is the night dark?")];
        for (slot, model, prompt) in prompts {
            ibid.type_keys(&format!("<ctrl-x>{slot}"));
            ibid.wait_for(&format!(" {model} · demo"));
            ibid.type_keys(&format!("{prompt}<enter>"));
            ibid.wait_for("Esc stops");
            ibid.type_keys("<ctrl-n>");
            ibid.wait_for("New conversation");
        }
        ibid.type_keys("<ctrl-x>3");
        ibid.wait_for(" scholar · demo");
        ibid.type_keys("SQLite WAL on NFS?<enter>");
        ibid.wait_for("Sources  [1]");
        ibid.wait_until_gone("Esc stops");
        ibid.wait_for("●");
        ibid
    }

    /// Returns the texts of a picture, without the digits and spinners that differ from run to run.
    fn stable_texts(svg: &str) -> Vec<String> {
        let texts = svg.split('>').filter_map(|part| part.strip_suffix("</text")).map(|text| {
            // "Thought briefly" on a fast machine is "Thought for 1 s" on a slow one.
            let text = text.replace("&lt;", "").replace("briefly", "for 1 s");
            text.chars()
                .filter(|c| !c.is_ascii_digit() && !".◐◓◑◒".contains(*c))
                .collect::<String>()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        });
        texts.filter(|text| !text.is_empty()).collect()
    }
}
