//! Exports of the app: the conversation in memory, with what only the database has.

use std::path::Path;

use super::code_highlighter;
use crate::{
    exchange::export::{self, ExportOptions, SecretHandling},
    store::ExchangeDatabase,
    ui::{effect::ExportJob, msg::ExportReady},
};

/// Writes the document, and once more with masks if something in it looks like a secret.
pub(super) fn export(job: ExportJob, database: &Path) -> ExportReady {
    let ExportJob { mut whole, options, setting, path } = job;
    // A conversation that was never saved has nothing there.
    let stored = if database.exists() { ExchangeDatabase::open(database).ok() } else { None };
    if let Some(stored) = stored.and_then(|mut stored| stored.load(whole.header.id).ok()) {
        whole.created_at = stored.created_at;
        whole.origin = stored.origin;
        whole.full_results = stored.full_results;
        whole.checks = stored.checks;
        whole.side_costs = stored.side_costs;
    }
    let mut highlighter = code_highlighter();
    let plain = export::export(whole.clone(), &options, &setting, &mut highlighter);
    let masked = (!plain.suspects.is_empty()).then(|| {
        let options = ExportOptions { secrets: SecretHandling::Mask, ..options };
        export::export(whole, &options, &setting, &mut highlighter)
    });
    ExportReady { path, plain, masked }
}
