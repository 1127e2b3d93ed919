//! Takes conversations of other programs, and of ibid, into the database.
//!
//! A first pass reads everything and writes nothing: what cannot be read is known before anything is written. A second
//! pass reads again and writes each conversation in a transaction of its own. Files are read as streams, so that what is
//! held at once is one conversation and not the file.

mod aichat;
mod answer_parts;
mod archive;
mod assemble;
mod chatgpt;
mod claude_ai;
mod claude_code;
mod codex;
mod content_blocks;
mod databases;
mod elia;
mod findings;
mod foreign;
mod form;
mod json;
mod json_values;
mod llm;
mod open_router;
mod open_webui;
mod opencode;
mod pi;
mod renumber;
mod report;
mod sources;
mod tree_order;
mod visit;
mod yaml;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

pub use assemble::ImportDefaults;
pub use findings::{Finding, Findings};
pub use form::ImportForm;
pub use report::{ImportReport, ImportedFile};

use sources::SourceFile;
use visit::{FileReader, ReadConversation};

use crate::{
    chat::WholeConversation,
    store::{ExchangeDatabase, ImportOutcome, StoreError},
};

/// Whether an import goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFlow {
    Continue,
    Stop,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// The second pass: conversations are written.
    pub is_writing: bool,
    pub bytes_done: u64,
    pub bytes: u64,
    /// Conversations that were read in this pass.
    pub conversations: usize,
    /// How many there are in all; known in the second pass.
    pub total: usize,
}

impl ImportProgress {
    /// How far it is, in one line.
    pub fn line(&self) -> String {
        let percent = self.bytes_done.saturating_mul(100).checked_div(self.bytes).unwrap_or(0).min(100);
        if self.is_writing {
            format!("importing: {} of {} conversations", self.conversations, self.total)
        } else {
            format!("reading: {percent} %, {} conversations", self.conversations)
        }
    }
}

/// Told now and then how far an import is; it says whether to go on.
pub type ProgressWatch<'a> = &'a mut dyn FnMut(ImportProgress) -> ImportFlow;

/// Everything that was read by the first pass.
#[derive(Debug)]
pub struct ImportPlan {
    files: Vec<SourceFile>,
    report: ImportReport,
    /// The hashes of all conversations, each once.
    hashes: HashSet<String>,
    bytes: u64,
    conversations: usize,
    defaults: ImportDefaults,
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the import was stopped before anything was written")]
    Stopped,
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Reads everything under these paths and writes nothing.
///
/// # Errors
/// Fails if a file that the user named cannot be read to its end or has no known form.
pub fn check(paths: &[PathBuf], defaults: ImportDefaults, watch: ProgressWatch) -> Result<ImportPlan, ImportError> {
    let mut report = ImportReport::default();
    let mut files = Vec::new();
    for path in paths {
        sources::find(path, &mut files, &mut report.findings).map_err(|why| unreadable(path, why))?;
    }
    let bytes = files.iter().map(|file| file.bytes).sum();
    let mut plan = ImportPlan { files: Vec::new(), report, hashes: HashSet::new(), bytes, conversations: 0, defaults };
    let mut progress = ImportProgress { bytes, ..ImportProgress::default() };
    let mut checksums = HashSet::new();
    for file in files {
        let is_known = |checksum: &str| !checksum.is_empty() && checksums.contains(checksum);
        let checked = plan.check_file(&file, &mut progress, watch)?;
        plan.conversations = plan.hashes.len();
        if let Some(checked) = checked.filter(|checked| !is_known(&checked.checksum)) {
            checksums.insert(checked.checksum.clone());
            plan.report.files.push(checked);
            plan.files.push(file);
        }
    }
    Ok(plan)
}

/// Writes what the plan has, except for a dry run, and reports.
///
/// # Errors
/// Fails if the database cannot be written. What was written before is whole.
pub fn run(
    plan: ImportPlan,
    database: Option<&mut ExchangeDatabase>,
    mode: ImportMode,
    watch: ProgressWatch,
) -> Result<ImportReport, ImportError> {
    let ImportPlan { files, mut report, bytes, conversations, defaults, .. } = plan;
    let mut progress = ImportProgress { is_writing: true, bytes, total: conversations, ..ImportProgress::default() };
    let mut writer = ConversationWriter { database, mode, seen: HashSet::new() };
    for file in &files {
        let (done, mut failure) = (progress.bytes_done, None);
        let mut each = |read: Result<ReadConversation, String>, at: u64| {
            progress.conversations += 1;
            progress.bytes_done = done + at.min(file.bytes);
            match read.map(|read| writer.write(read)) {
                Ok(Ok(outcome)) => report.count(outcome),
                Ok(Err(error)) => failure = Some(error),
                Err(why) => report.add_failure(&file.label, &why),
            }
            let goes_on = failure.is_none() && watch(progress) == ImportFlow::Continue;
            report.stopped |= !goes_on && failure.is_none();
            goes_on
        };
        // The first pass has reported what there is to say.
        let mut scratch = Findings::default();
        let read = FileReader { defaults: &defaults, findings: &mut scratch }.read(file, &mut each);
        if let Some(error) = failure {
            return Err(error.into());
        }
        if let Err(why) = read {
            report.add_failure(&file.label, &why);
        }
        if report.stopped {
            break;
        }
        progress.bytes_done = done + file.bytes;
    }
    report.dry_run = mode == ImportMode::DryRun;
    Ok(report)
}

/// Whether conversations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    Write,
    DryRun,
}

impl ImportPlan {
    /// How many conversations there are.
    pub fn conversations(&self) -> usize {
        self.conversations
    }

    /// The most bytes of any file that were held at once.
    pub fn peak_bytes(&self) -> usize {
        self.report.files.iter().map(|file| file.peak).max().unwrap_or(0)
    }

    /// Reads one file; `None` if it cannot be read and was only found in a folder.
    fn check_file(
        &mut self,
        file: &SourceFile,
        progress: &mut ImportProgress,
        watch: ProgressWatch,
    ) -> Result<Option<ImportedFile>, ImportError> {
        let done = progress.bytes_done;
        let (mut found, mut failed, mut stopped) = (0, Vec::new(), false);
        let mut each = |read: Result<ReadConversation, String>, at: u64| {
            progress.conversations += 1;
            progress.bytes_done = done + at.min(file.bytes);
            match read {
                Ok(read) => {
                    found += 1;
                    self.hashes.insert(read.hash);
                }
                Err(why) => failed.push(why),
            }
            stopped = watch(*progress) == ImportFlow::Stop;
            !stopped
        };
        let mut reader = FileReader { defaults: &self.defaults, findings: &mut self.report.findings };
        let read = reader.read(file, &mut each);
        progress.bytes_done = done + file.bytes;
        if stopped {
            return Err(ImportError::Stopped);
        }
        // A file of which no conversation can be read is a file that cannot be read.
        let only = failed.first().filter(|_| found == 0).cloned();
        match (only.map_or(read, Err), file.is_named) {
            (Ok(facts), _) => Ok(Some(ImportedFile {
                file: file.label.clone(),
                form: file.form,
                bytes: file.bytes,
                checksum: facts.checksum,
                conversations: found,
                peak: facts.peak,
            })),
            (Err(why), true) => Err(unreadable(Path::new(&file.label), why)),
            (Err(why), false) => {
                self.report.findings.add("a file that cannot be read", &format!("{}: {why}", file.label));
                Ok(None)
            }
        }
    }
}

fn unreadable(path: &Path, why: String) -> ImportError {
    ImportError::Unreadable { path: path.to_owned(), why }
}

/// Writes conversations, each once.
struct ConversationWriter<'a> {
    database: Option<&'a mut ExchangeDatabase>,
    mode: ImportMode,
    seen: HashSet<String>,
}

impl ConversationWriter<'_> {
    fn write(&mut self, read: ReadConversation) -> Result<ImportOutcome, StoreError> {
        if !self.seen.insert(read.hash.clone()) {
            return Ok(ImportOutcome::Known);
        }
        let Some(database) = &mut self.database else { return Ok(ImportOutcome::New) };
        let whole = own_ids(database, read.whole, &read.hash)?;
        match self.mode {
            ImportMode::Write => database.import(whole, &read.hash),
            ImportMode::DryRun => database.preview_import(&whole, &read.hash),
        }
    }
}

/// Gives a conversation new ids if another one has its messages already.
fn own_ids(database: &ExchangeDatabase, whole: WholeConversation, hash: &str) -> Result<WholeConversation, StoreError> {
    Ok(if database.has_foreign_messages(&whole)? { renumber::renumber(whole, hash) } else { whole })
}
