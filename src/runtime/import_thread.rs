//! An import on a thread of its own, which reports how far it is.

use std::{
    path::{Path, PathBuf},
    sync::mpsc as sync,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    chat::ChatSettings,
    clock,
    exchange::import::{self, ImportDefaults, ImportError, ImportFlow, ImportMode, ImportProgress, ImportReport},
    store::ExchangeDatabase,
    ui::Msg,
};

/// How often it says how far it is.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Starts an import of what is at a path that the user typed. Dropping what is returned stops it.
pub(super) fn start(
    path: &str,
    settings: ChatSettings,
    database: PathBuf,
    inbox: mpsc::Sender<Msg>,
) -> sync::Sender<()> {
    let (running, stop) = sync::channel::<()>();
    let (path, failed) = (expanded(path), inbox.clone());
    let import = move || {
        let mut reported = None;
        let mut watch = |progress: ImportProgress| {
            if reported.is_none_or(|last: Instant| last.elapsed() >= REPORT_EVERY) {
                reported = Some(Instant::now());
                let _ = inbox.try_send(Msg::ImportProgressed(progress)); // The next one says more.
            }
            match stop.try_recv() {
                Err(sync::TryRecvError::Disconnected) => ImportFlow::Stop,
                Ok(()) | Err(sync::TryRecvError::Empty) => ImportFlow::Continue,
            }
        };
        let result = run(path, settings, &database, &mut watch);
        let result = result.map(Box::new).map_err(|error| error.to_string());
        let _ = inbox.blocking_send(Msg::ImportEnded(result)); // Fails only on shutdown.
    };
    if let Err(error) = thread::Builder::new().name("import".into()).spawn(import) {
        let _ = failed
            .try_send(Msg::ImportEnded(Err(format!("no thread can be started: {}", crate::text::error_words(&error)))));
    }
    running
}

fn run(
    path: PathBuf,
    settings: ChatSettings,
    database: &Path,
    watch: import::ProgressWatch,
) -> Result<ImportReport, ImportError> {
    let plan = import::check(&[path], ImportDefaults { settings, now: clock::now() }, watch)?;
    import::run(plan, Some(&mut ExchangeDatabase::open(database)?), ImportMode::Write, watch)
}

/// A path as it is typed: relative to the current folder, or to the user's home after `~`.
fn expanded(path: &str) -> PathBuf {
    let path = path.trim();
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
