//! The log: a file that only its owner reads, rotated by size; never keys, and what was said only when that is asked for.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use tracing::Level;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::files::{self, Readers};

/// A log grows to this size, then becomes `….1`, which becomes `….2`.
const LARGEST: u64 = 4 << 20;
const KEPT: u32 = 3;

/// Writes what is waiting when it is dropped.
#[derive(Debug)]
pub struct Log(#[expect(dead_code, reason = "kept for its drop")] WorkerGuard);

/// Whether and where to log: `IBID_LOG` is a path, or a word (`1`, `debug`) for the usual place.
pub fn place(flag: Option<PathBuf>, variable: Option<&str>, usual: PathBuf) -> Option<PathBuf> {
    match (flag, variable) {
        (Some(path), _) => Some(path),
        (None, None | Some("" | "0" | "off")) => None,
        (None, Some(path)) if path.contains(['/', '\\', '.']) => Some(path.into()),
        (None, Some(_)) => Some(usual),
    }
}

/// Whether what is said may be logged as well: only `IBID_LOG_CONTENT=1` sets it.
static CONTENT: AtomicBool = AtomicBool::new(false);

/// Whether what is said is logged; never the key.
pub fn has_content() -> bool {
    CONTENT.load(Ordering::Relaxed)
}

/// Starts logging into a file.
///
/// # Errors
/// When the file cannot be made.
pub fn start(path: &Path, verbosity: u8, content: bool) -> io::Result<Log> {
    let (writer, guard) = tracing_appender::non_blocking(Rotating::open(path, LARGEST)?);
    let level = match verbosity {
        0 => Level::INFO,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // Of this program only: others would write down headers.
    let filter = Targets::new().with_target("ibid", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(filter).try_init().map_err(io::Error::other)?;
    CONTENT.store(content, Ordering::Relaxed);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "begins");
    Ok(Log(guard))
}

/// A file that is put aside when it is full.
struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    largest: u64,
}

impl Rotating {
    fn open(path: &Path, largest: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::create_folder(folder, Readers::Owner)?;
        }
        let file = append(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, largest })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let old = |n: u32| if n == 0 { self.path.clone() } else { numbered(&self.path, n) };
        for n in (0..KEPT).rev() {
            // The oldest is overwritten; what is missing needs no place.
            let _ = fs::rename(old(n), old(n + 1));
        }
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size >= self.largest {
            self.rotate()?;
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    files::create_private(path)?;
    OpenOptions::new().append(true).open(path)
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_logged_unless_asked() {
        let usual = || PathBuf::from("/state/ibid.log");
        assert_eq!(place(None, None, usual()), None);
        assert_eq!(place(None, Some("off"), usual()), None);
        assert_eq!(place(None, Some("1"), usual()), Some(usual()));
        assert_eq!(place(None, Some("./my.log"), usual()), Some("./my.log".into()));
        assert_eq!(place(Some("flag.log".into()), Some("1"), usual()), Some("flag.log".into()));
    }

    #[test]
    fn a_full_log_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("ibid.log");
        let mut log = Rotating::open(&path, 10).unwrap();
        for n in 0..8 {
            log.write_all(format!("line number {n}\n").as_bytes()).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(read(&path), "line number 7\n");
        assert_eq!(read(&numbered(&path, 1)), "line number 6\n");
        assert_eq!(read(&numbered(&path, 3)), "line number 4\n");
        assert!(!numbered(&path, 4).exists());
    }
}
