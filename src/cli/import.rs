//! `ibid import`: conversations of other programs, and of ibid, into the database.

use std::path::PathBuf;

use ratatui::layout::Size;

use super::{CliError, ProgramExit, launch::LaunchSettings, paged::PagedOutput};
use crate::{
    clock, console,
    exchange::import::{self, ImportDefaults, ImportError, ImportFlow, ImportMode, ImportProgress, ImportReport},
    store::ExchangeDatabase,
    ui::State,
};

/// Imports what is under these paths and prints a report.
pub(super) fn import(
    settings: &LaunchSettings,
    paths: &[PathBuf],
    dry_run: bool,
    as_json: bool,
) -> Result<ProgramExit, CliError> {
    let servers = settings.servers()?;
    let state = State::new(settings.start_args(&servers, Size::new(80, 24)));
    let defaults = ImportDefaults { settings: state.chats.new_settings.clone(), now: clock::now() };
    let report = with_progress(|watch| {
        let plan = import::check(paths, defaults, watch)?;
        let database = settings.paths.database_file();
        if dry_run {
            let mut found = ExchangeDatabase::open_read_only(&database);
            return import::run(plan, found.as_mut(), ImportMode::DryRun, watch);
        }
        import::run(plan, Some(&mut ExchangeDatabase::open(&database)?), ImportMode::Write, watch)
    })?;
    print_report(&report, as_json)?;
    Ok(if report.failed == 0 { ProgramExit::Done } else { ProgramExit::Failed })
}

/// Shows on a terminal how far it is.
fn with_progress(
    run: impl FnOnce(import::ProgressWatch) -> Result<ImportReport, ImportError>,
) -> Result<ImportReport, CliError> {
    let is_terminal = console::can_show_progress();
    let mut shown = String::new();
    let mut watch = |progress: ImportProgress| {
        let line = progress.line();
        if is_terminal && line != shown {
            console::show_progress(&line);
            shown = line;
        }
        ImportFlow::Continue
    };
    let result = run(&mut watch);
    if is_terminal && !shown.is_empty() {
        console::show_progress("");
    }
    result.map_err(|error| CliError::failure(error.to_string()))
}

fn print_report(report: &ImportReport, as_json: bool) -> Result<ProgramExit, CliError> {
    let mut out = PagedOutput::open();
    if as_json {
        out.json(&report.to_json())?;
        return out.finish();
    }
    for line in report.lines() {
        out.line(&line)?;
    }
    out.finish()
}
