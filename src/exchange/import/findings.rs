//! What was not understood: how often each, and the first example.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::text;

/// How long an example may be, in cells.
const MAX_EXAMPLE_WIDTH: usize = 120;
/// How many different findings are kept; the rest counts as one.
const MAX_FINDINGS: usize = 200;

/// What the readers did not understand or left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings {
    found: BTreeMap<String, Finding>,
}

/// One thing that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub count: usize,
    /// The first example, cleaned and cut.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub example: String,
}

impl Findings {
    /// Counts something, with an example of it.
    pub(super) fn add(&mut self, what: &str, example: &str) {
        let what = cleaned(what);
        let is_full = self.found.len() >= MAX_FINDINGS && !self.found.contains_key(&what);
        let what = if is_full { "other things".to_owned() } else { what };
        let finding = self.found.entry(what).or_insert_with(|| Finding { count: 0, example: cleaned(example) });
        finding.count += 1;
    }

    /// Adds what another reader found.
    pub(super) fn merge(&mut self, other: Self) {
        for (what, finding) in other.found {
            let known = self.found.entry(what).or_insert_with(|| Finding { count: 0, example: finding.example });
            known.count += finding.count;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Finding)> {
        self.found.iter().map(|(what, finding)| (what.as_str(), finding))
    }
}

/// A text of others as one short line.
fn cleaned(text: &str) -> String {
    let start = &text[..text.floor_char_boundary(MAX_EXAMPLE_WIDTH * 16)];
    text::truncate(text::one_line(start).trim(), MAX_EXAMPLE_WIDTH).into_owned()
}
