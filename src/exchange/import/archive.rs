//! Zip archives of others. Nothing is ever unpacked to the disk; entries are read as streams, within limits.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use zip::{ZipArchive, read::ZipFile};

use super::findings::Findings;
use crate::{files, text};

/// The most files in an archive.
const MAX_ENTRIES: usize = 100_000;
/// The most bytes that an archive may unpack to.
const MAX_UNPACKED_BYTES: u64 = 64 << 30;
/// From here on, what unpacks to much more than itself is taken for a bomb.
const SUSPICIOUS_BYTES: u64 = 64 << 20;
/// How much smaller than its content an archive of texts may be.
const MAX_RATIO: u64 = 200;

/// An archive.
pub(super) struct ZipSource {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

/// A file in an archive.
pub(super) struct ZipEntry {
    pub index: usize,
    pub name: String,
    pub bytes: u64,
}

/// Whether a file begins like an archive.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

impl ZipSource {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let file = files::open(path).map_err(|error| text::error_words(&error))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| words(&error))?;
        if archive.len() > MAX_ENTRIES {
            return Err(format!("the archive has more than {MAX_ENTRIES} files"));
        }
        Ok(Self { path: path.to_owned(), archive })
    }

    /// The files in it that may be read. The sizes are what the archive says; reading checks them.
    pub(super) fn entries(&mut self, findings: &mut Findings) -> Result<Vec<ZipEntry>, String> {
        let mut found = Vec::new();
        let mut unpacked: u64 = 0;
        for index in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(index).map_err(|error| words(&error))?;
            let name = entry.name().map_err(|error| words(&error))?.into_owned();
            unpacked = unpacked.saturating_add(entry.size());
            if entry.is_dir() {
                continue;
            }
            if entry.encrypted() {
                return Err(format!("{} is encrypted; unpack it first", text::one_line(&name)));
            }
            if entry.is_symlink() {
                findings.add("a symbolic link in an archive", &name);
            } else if entry.enclosed_name().is_none()
                || name.starts_with('/')
                || name.contains('\\')
                || name.contains('\0')
            {
                findings.add("a path that leads out of the archive", &name);
            } else {
                found.push(ZipEntry { index, name, bytes: entry.size() });
            }
        }
        let packed = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        if unpacked > MAX_UNPACKED_BYTES || is_bomb(unpacked, packed) {
            return Err(bomb_words(unpacked));
        }
        Ok(found)
    }

    /// Reads a file in it.
    pub(super) fn with_entry<T>(
        &mut self,
        index: usize,
        read: impl FnOnce(&mut dyn BufRead) -> T,
    ) -> Result<T, String> {
        let entry = self.archive.by_index(index).map_err(|error| words(&error))?;
        let guarded = GuardedEntry { bytes: 0, entry };
        Ok(read(&mut BufReader::with_capacity(1 << 16, guarded)))
    }
}

/// A file in an archive that must not unpack to more than the archive says, nor to far more than it is.
struct GuardedEntry<'a, R: Read> {
    bytes: u64,
    entry: ZipFile<'a, R>,
}

impl<R: Read> Read for GuardedEntry<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer)?;
        self.bytes += read as u64;
        if self.bytes > self.entry.size() {
            return Err(io::Error::other("it unpacks to more than the archive says"));
        }
        if is_bomb(self.bytes, self.entry.compressed_size()) {
            return Err(io::Error::other(bomb_words(self.bytes)));
        }
        Ok(read)
    }
}

fn is_bomb(unpacked: u64, packed: u64) -> bool {
    unpacked > SUSPICIOUS_BYTES && unpacked / packed.max(1) > MAX_RATIO
}

fn bomb_words(unpacked: u64) -> String {
    format!("it unpacks to at least {} MB, far more than it is; unpack it yourself if you trust it", unpacked >> 20)
}

fn words(error: &zip::result::ZipError) -> String {
    format!("the archive is broken: {}", text::error_words(error))
}
