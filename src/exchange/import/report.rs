//! What an import did, for people and as JSON.

use serde::Serialize;

use super::{findings::Findings, form::ImportForm};
use crate::{store::ImportOutcome, text};

/// How many failures are kept with their words.
const MAX_FAILURES: usize = 100;
/// How long a reason may be, in cells.
const MAX_REASON_WIDTH: usize = 300;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Nothing was written.
    pub dry_run: bool,
    /// The user stopped it; what was imported before stays.
    pub stopped: bool,
    /// Conversations that are new.
    pub new: usize,
    /// Conversations that were here and have new messages.
    pub grown: usize,
    /// The new messages of those.
    pub added_messages: usize,
    /// Conversations of which nothing is new.
    pub known: usize,
    /// Conversations that cannot be read.
    pub failed: usize,
    /// The first of them, and why.
    pub failures: Vec<String>,
    pub files: Vec<ImportedFile>,
    /// What was not understood or left out.
    pub findings: Findings,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedFile {
    pub file: String,
    pub form: ImportForm,
    pub bytes: u64,
    /// SHA-256; empty for a database.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub checksum: String,
    pub conversations: usize,
    /// The most bytes of it that were held at once.
    #[serde(skip)]
    pub peak: usize,
}

impl Serialize for ImportForm {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl ImportReport {
    pub(super) fn count(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::New => self.new += 1,
            ImportOutcome::Grown(messages) => {
                self.grown += 1;
                self.added_messages += messages;
            }
            ImportOutcome::Known => self.known += 1,
        }
    }

    pub(super) fn add_failure(&mut self, label: &str, why: &str) {
        self.failed += 1;
        if self.failures.len() < MAX_FAILURES {
            let why = text::one_line(why);
            self.failures.push(format!("{}: {}", text::one_line(label), text::truncate(&why, MAX_REASON_WIDTH)));
        }
    }

    /// The conversations that are new or have something new.
    pub fn imported(&self) -> usize {
        self.new + self.grown
    }

    /// What happened, in one line.
    pub fn summary(&self) -> String {
        let verb = match (self.dry_run, self.stopped) {
            (true, _) => "would be imported",
            (false, true) => "imported before it was stopped",
            (false, false) => "imported",
        };
        let mut parts = vec![format!("{} {verb}", counted(self.new, "conversation"))];
        if self.grown > 0 {
            parts.push(format!(
                "{} new in {}",
                counted(self.added_messages, "message"),
                counted(self.grown, "conversation")
            ));
        }
        if self.known > 0 {
            parts.push(format!("{} here already", self.known));
        }
        if self.failed > 0 {
            parts.push(format!("{} could not be read", self.failed));
        }
        parts.join(" · ")
    }

    /// The whole report, a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.summary()];
        lines.extend(self.failures.iter().map(|failure| format!("  could not be read: {failure}")));
        if self.failed > self.failures.len() {
            lines.push(format!("  and {} more", self.failed - self.failures.len()));
        }
        if !self.files.is_empty() {
            lines.push(String::new());
            lines.extend(self.files.iter().map(|file| {
                let found = counted(file.conversations, "conversation");
                format!("{}: {}, {found}", text::one_line(&file.file), file.form.words())
            }));
        }
        if !self.findings.is_empty() {
            lines.extend([String::new(), "Not understood or left out:".into()]);
            lines.extend(self.findings.iter().map(|(what, finding)| match finding.example.as_str() {
                "" => format!("  {} × {what}", finding.count),
                example => format!("  {} × {what}, first: {example}", finding.count),
            }));
        }
        lines
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("texts and numbers serialize")
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
