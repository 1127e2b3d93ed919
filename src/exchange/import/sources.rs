//! The files to import: finds them in folders and archives, and tells their forms.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    aichat,
    archive::{self, ZipSource},
    databases::ForeignDatabase,
    findings::Findings,
    form::ImportForm,
    json_values::{JsonFault, JsonValues},
};
use crate::{exchange::portable::PortableConversation, files, text};

/// How many folders deep files are looked for.
const MAX_DEPTH: usize = 16;
/// The most files of one import.
const MAX_FILES: usize = 200_000;
/// How much of a file is looked at to tell what it is, unless it is JSON.
const HEAD_BYTES: usize = 4096;
/// How many lines may come before one that tells the form.
const MAX_STRANGE_LINES: usize = 20;
/// The longest file that is read as a whole: a page or a session of YAML.
pub(super) const MAX_WHOLE_BYTES: u64 = 256 << 20;

/// A file to import.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    pub place: SourcePlace,
    /// What it is called in reports.
    pub label: String,
    pub form: ImportForm,
    pub bytes: u64,
    /// The user named it, or the archive that it is in: then it must be whole.
    pub is_named: bool,
}

/// Where a file is.
#[derive(Debug, Clone)]
pub(super) enum SourcePlace {
    Disk(PathBuf),
    Archive { archive: PathBuf, index: usize },
}

/// What a file turned out to be.
enum FileKind {
    Known(ImportForm),
    Zip,
    /// A part of a session that another file names.
    Belongs,
    Unknown(String),
}

/// Finds the files to import under a path that the user named.
pub(super) fn find(path: &Path, found: &mut Vec<SourceFile>, findings: &mut Findings) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|error| text::error_words(&error))?;
    files::refuse_special(path).map_err(|error| text::error_words(&error))?;
    if metadata.is_dir() {
        let before = found.len();
        walk(path, 0, found, findings)?;
        return if found.len() == before { Err("there is nothing to import in this folder".into()) } else { Ok(()) };
    }
    match kind_of_file(path)? {
        FileKind::Known(form) => {
            found.push(disk_file(path, form, metadata.len(), true));
            Ok(())
        }
        FileKind::Zip => find_in_archive(path, true, found, findings),
        FileKind::Belongs => Err("this is only a part of a session; name the folder that has all of it".into()),
        FileKind::Unknown(why) => Err(why),
    }
}

/// The name of a file without its extension, as some programs name their sessions.
pub(super) fn stem(label: &str) -> String {
    Path::new(label).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn disk_file(path: &Path, form: ImportForm, bytes: u64, is_named: bool) -> SourceFile {
    let place = SourcePlace::Disk(path.to_owned());
    SourceFile { place, label: path.display().to_string(), form, bytes, is_named }
}

/// Walks a folder. Symbolic links are not followed: they could lead anywhere, or round in a ring.
fn walk(folder: &Path, depth: usize, found: &mut Vec<SourceFile>, findings: &mut Findings) -> Result<(), String> {
    if depth > MAX_DEPTH {
        findings.add("a folder too deep to look into", &folder.display().to_string());
        return Ok(());
    }
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{}: {}", folder.display(), text::error_words(&error)))?;
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let label = path.display().to_string();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            findings.add("a symbolic link, which is not followed", &label);
        } else if kind.is_dir() {
            walk(&path, depth + 1, found, findings)?;
        } else if kind.is_file() {
            if found.len() >= MAX_FILES {
                return Err(format!("there are more than {MAX_FILES} files; import a folder inside"));
            }
            match kind_of_file(&path) {
                Ok(FileKind::Known(form)) => {
                    let bytes = entry.metadata().map(|found| found.len()).unwrap_or_default();
                    found.push(disk_file(&path, form, bytes, false));
                }
                Ok(FileKind::Zip) => {
                    if let Err(why) = find_in_archive(&path, false, found, findings) {
                        findings.add("an archive that cannot be read", &format!("{label}: {why}"));
                    }
                }
                Ok(FileKind::Belongs) => (),
                Ok(FileKind::Unknown(_)) => findings.add("a file of no known form", &label),
                Err(why) => findings.add("a file that cannot be read", &format!("{label}: {why}")),
            }
        }
    }
    Ok(())
}

fn find_in_archive(
    path: &Path,
    is_named: bool,
    found: &mut Vec<SourceFile>,
    findings: &mut Findings,
) -> Result<(), String> {
    let before = found.len();
    let mut zip = ZipSource::open(path)?;
    for entry in zip.entries(findings)? {
        let label = format!("{}: {}", path.display(), entry.name);
        let kind =
            zip.with_entry(entry.index, |reader| kind_of(reader, None))?.map_err(|why| format!("{label}: {why}"))?;
        match kind {
            FileKind::Known(form) if form.is_database() || form == ImportForm::OpencodeStorage => {
                findings.add("a database or folder inside an archive; unpack it first", &label);
            }
            FileKind::Known(form) => {
                let place = SourcePlace::Archive { archive: path.to_owned(), index: entry.index };
                found.push(SourceFile { place, label, form, bytes: entry.bytes, is_named });
            }
            FileKind::Zip => findings.add("an archive inside an archive", &label),
            FileKind::Belongs => (),
            FileKind::Unknown(_) => findings.add("a file of no known form", &label),
        }
    }
    if found.len() == before { Err("there is nothing to import in this archive".into()) } else { Ok(()) }
}

fn kind_of_file(path: &Path) -> Result<FileKind, String> {
    let file = files::open(path).map_err(|error| text::error_words(&error))?;
    kind_of(&mut BufReader::with_capacity(1 << 16, file), Some(path))
}

/// Tells what a file is from its content; a database needs its path.
fn kind_of(reader: &mut dyn BufRead, path: Option<&Path>) -> Result<FileKind, String> {
    let available = reader.fill_buf().map_err(|error| text::error_words(&error))?;
    let head = available[..available.len().min(HEAD_BYTES)].to_vec();
    if head.starts_with(b"SQLite format 3\0") {
        let Some(path) = path else { return Ok(FileKind::Unknown("it is a database inside an archive".into())) };
        let form = ForeignDatabase::open(path)?.form()?;
        return Ok(form.map_or_else(|| unknown("it is a database of another program"), FileKind::Known));
    }
    if archive::is_zip(&head) {
        return Ok(FileKind::Zip);
    }
    let text = String::from_utf8_lossy(&head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    match start.chars().next() {
        None => Ok(unknown("it is empty")),
        Some('{' | '[') => kind_of_json(reader),
        Some('<') => {
            let page = read_whole(reader)?;
            Ok(match PortableConversation::find_in_page(&page) {
                Some(_) => FileKind::Known(ImportForm::IbidPage),
                None => unknown("it is a page, but not one that ibid exported"),
            })
        }
        Some(_) if start.starts_with(aichat::ENTRY_START) => Ok(FileKind::Known(ImportForm::AichatMessages)),
        Some(_) if is_aichat_session(start) => Ok(FileKind::Known(ImportForm::AichatSession)),
        Some(_) => Ok(unknown("it is in no form that ibid knows")),
    }
}

fn unknown(why: &str) -> FileKind {
    FileKind::Unknown(format!("{why}; `ibid import --help` lists the forms"))
}

fn is_aichat_session(start: &str) -> bool {
    let mut lines = start.lines();
    lines.next().is_some_and(|line| line.starts_with("model: ")) && lines.any(|line| line.starts_with("messages:"))
        || start.starts_with("model: ") && start.len() >= HEAD_BYTES - 4
}

/// Reads values until one tells the form.
fn kind_of_json(reader: &mut dyn BufRead) -> Result<FileKind, String> {
    let mut values = JsonValues::new(reader);
    for _ in 0..MAX_STRANGE_LINES {
        let next = values.next_value().map(|value| value.map(serde_json::from_slice::<Value>));
        let value = match next {
            Ok(Some(value)) => value.map_err(|error| format!("it is not JSON: {}", text::error_words(&error)))?,
            Ok(None) => break,
            Err(JsonFault::NotJson(_)) if values.skip_line().is_ok() => continue,
            Err(fault) => return Err(fault.to_string()),
        };
        if let Some(form) = ImportForm::of_json(&value) {
            return Ok(FileKind::Known(form));
        }
        let belongs = |key: &str, start: &str| value[key].as_str().is_some_and(|id| id.starts_with(start));
        if belongs("sessionID", "ses") && (belongs("id", "msg") || belongs("id", "prt")) {
            return Ok(FileKind::Belongs);
        }
    }
    Ok(unknown("it is JSON, but of no form that ibid knows"))
}

/// Reads a file that can only be understood as a whole.
pub(super) fn read_whole(reader: &mut dyn BufRead) -> Result<String, String> {
    let mut text = Vec::new();
    let read = reader.take(MAX_WHOLE_BYTES + 1).read_to_end(&mut text);
    read.map_err(|error| text::error_words(&error))?;
    if text.len() as u64 > MAX_WHOLE_BYTES {
        return Err(format!("it is longer than {} MB", MAX_WHOLE_BYTES >> 20));
    }
    String::from_utf8(text).map_err(|_| "it is not text in UTF-8".into())
}
