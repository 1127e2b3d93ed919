//! The log: a private file, rotated by size. It never contains keys, and message text only on request.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::Level;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{files, secrets, text};

/// The size, in bytes, at which a log is renamed to `….1`, an old `….1` to `….2`, and so on.
const MAX_LOG_BYTES: u64 = 4 << 20;
/// The number of old logs that remain.
const OLD_LOGS: u32 = 3;

/// Flushes the log when it is dropped.
#[derive(Debug)]
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Returns the file to log to, if any. `IBID_LOG` is a path, or a word such as `1` for the usual path.
pub fn log_path(flag: Option<PathBuf>, variable: Option<&str>, default_path: PathBuf) -> Option<PathBuf> {
    match (flag, variable) {
        (Some(path), _) => Some(path),
        (None, None | Some("" | "0" | "off")) => None,
        (None, Some(path)) if path.contains(['/', '\\', '.']) => Some(path.into()),
        (None, Some(_)) => Some(default_path),
    }
}

/// Whether message text is logged. Only `IBID_LOG_CONTENT=1` sets this.
static LOG_CONTENT: AtomicBool = AtomicBool::new(false);

/// Returns whether message text is logged. Keys never are.
pub fn is_content_logged() -> bool {
    LOG_CONTENT.load(Ordering::Relaxed)
}

/// Starts logging to a file.
///
/// # Errors
/// Fails if the file cannot be created.
pub fn start(path: &Path, verbosity: u8, content: bool) -> io::Result<LogGuard> {
    let (writer, guard) = tracing_appender::non_blocking(RotatingFile::open(path, MAX_LOG_BYTES)?);
    let level = match verbosity {
        0 => Level::INFO,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // Only from this crate: others would log headers.
    let filter = Targets::new().with_target("ibid", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(filter).try_init().map_err(io::Error::other)?;
    LOG_CONTENT.store(content, Ordering::Relaxed);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    Ok(LogGuard(guard))
}

/// A file that is rotated when it is full.
struct RotatingFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
}

impl RotatingFile {
    fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::create_folder(folder)?;
        }
        let file = files::open_private(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes: size, max_bytes })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let old = |n: u32| if n == 0 { self.path.clone() } else { numbered_path(&self.path, n) };
        for n in (0..OLD_LOGS).rev() {
            // The oldest is overwritten. A missing one is no problem.
            let _ = fs::rename(old(n), old(n + 1));
        }
        self.file = files::open_private(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes >= self.max_bytes {
            self.rotate()?;
        }
        let line = safe_line(&String::from_utf8_lossy(bytes));
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Shows control characters by their code points and hides keys; the line's own end stays.
fn safe_line(line: &str) -> String {
    secrets::redact_owned(text::show_invisible(line).into_owned())
}

fn numbered_path(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_logged_by_default() {
        let usual = || PathBuf::from("/state/ibid.log");
        assert_eq!(log_path(None, None, usual()), None);
        assert_eq!(log_path(None, Some("off"), usual()), None);
        assert_eq!(log_path(None, Some("1"), usual()), Some(usual()));
        assert_eq!(log_path(None, Some("./my.log"), usual()), Some("./my.log".into()));
        assert_eq!(log_path(Some("flag.log".into()), Some("1"), usual()), Some("flag.log".into()));
    }

    #[test]
    fn a_line_of_the_log_holds_no_control_characters_and_no_key() {
        secrets::note_key(&"sk-in-the-log".into(), "LOGGED_KEY");
        assert_eq!(safe_line("said \u{1b}[2J\u{9b}1m sk-in-the-log\n"), "said ⟨U+001B⟩[2J⟨U+009B⟩1m $LOGGED_KEY\n");
    }

    #[test]
    fn a_full_log_is_rotated_and_the_oldest_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("ibid.log");
        let mut log = RotatingFile::open(&path, 10).unwrap();
        for n in 0..8 {
            log.write_all(format!("line number {n}\n").as_bytes()).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(read(&path), "line number 7\n");
        assert_eq!(read(&numbered_path(&path, 1)), "line number 6\n");
        assert_eq!(read(&numbered_path(&path, 3)), "line number 4\n");
        assert!(!numbered_path(&path, 4).exists());
    }
}
