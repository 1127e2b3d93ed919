//! Files that are written atomically, and files that only their owner may read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Who may read a written file. Every new file is only for its owner: mode 0600, and 0700 for folders, whatever the umask.
/// Windows has no modes; there, access is that of the user's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Only the owner, also if the replaced file was readable by others.
    Owner,
    /// A replaced file keeps its mode, because it is the user's.
    AsFound,
}

/// Creates a folder and its missing parents, only for their owner. An existing one keeps its mode.
///
/// # Errors
/// Fails if the system reports an error.
pub fn create_folder(path: &Path) -> io::Result<()> {
    match create_new_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.parent().is_some() => {
            create_folder(path.parent().unwrap_or(path))?;
            create_new_folder(path).or_else(|error| if path.is_dir() { Ok(()) } else { Err(error) })
        }
        Err(_) if path.as_os_str().is_empty() || path.is_dir() => Ok(()),
        result => result,
    }
}

/// Creates one folder, only for its owner.
///
/// # Errors
/// Fails if the path is taken or the system reports another error.
pub fn create_new_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    mode::set_folder_mode(&mut builder);
    builder.create(path)?;
    mode::set_exactly(path, 0o700);
    Ok(())
}

/// Opens a file to read it.
///
/// # Errors
/// Fails if the system reports an error, or at once if a pipe, a device or a socket is in its place, because reading it
/// could wait for ever.
pub fn open(path: &Path) -> io::Result<fs::File> {
    refuse_special(path)?;
    fs::File::open(path)
}

/// Reads a whole file.
///
/// # Errors
/// Fails like `open`.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    refuse_special(path)?;
    fs::read(path)
}

/// Reads a whole file as text.
///
/// # Errors
/// Fails like `open`, or if it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    refuse_special(path)?;
    fs::read_to_string(path)
}

/// Refuses what is neither a file nor a folder. A missing file is none of its business.
pub fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::metadata(path).ok().and_then(|found| mode::special_name(found.file_type())) {
        Some(name) => Err(io::Error::other(format!("it is {name}, not a file"))),
        None => Ok(()),
    }
}

/// Returns whether others than the owner can read a file or look into a folder.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| mode::is_open_to_others(&found))
}

/// Takes the access of others from a file that we wrote. A missing one stays missing.
pub fn narrow(path: &Path) {
    if is_open_to_others(path) && path.is_file() {
        mode::set_exactly(path, 0o600);
    }
}

/// Writes a file atomically, so that a crash leaves either the old or the new one. A symbolic link is followed.
///
/// # Errors
/// Fails if the system reports an error. The old file is then unchanged.
pub fn write_atomically(path: &Path, bytes: &[u8], access: FileAccess) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    refuse_special(&path)?;
    create_folder(folder)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("this is not a file name"))?.to_string_lossy();
    let temp_path = folder.join(format!(".{name}.{}.new", std::process::id()));
    let _ = fs::remove_file(&temp_path); // Left by a crash of an earlier process with the same id.
    let replaced = fs::metadata(&path).ok().filter(|_| access == FileAccess::AsFound);
    write_with_permissions(&temp_path, bytes, replaced.map(|old| old.permissions()))?;
    fs::rename(&temp_path, &path).inspect_err(|_| {
        let _ = fs::remove_file(&temp_path); // A failure here cannot be handled any further.
    })
}

/// Writes a file that does not exist yet, only for its owner. If that fails, there is no such file afterwards.
///
/// # Errors
/// Fails with `AlreadyExists` if there is such a file, or if the system reports an error.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with_permissions(path, bytes, None)
}

/// Writes a new file that only its owner may read, adding a number if the name is taken. Returns its path.
///
/// # Errors
/// Fails if the system reports an error. There is no new file then.
pub fn write_numbered(folder: &Path, stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let numbered = (2..).map(|n: u32| format!("{stem}-{n}.{extension}"));
    for name in std::iter::once(format!("{stem}.{extension}")).chain(numbered) {
        let path = folder.join(name);
        match write_new(&path, bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            result => return result.map(|()| path),
        }
    }
    Err(io::Error::other("every name is taken"))
}

/// Writes a file at a path typed by the user: relative to the current folder, or to their home after `~`.
///
/// Returns the absolute path.
///
/// # Errors
/// Fails with `AlreadyExists` if there is such a file and `overwrite` is false, or if the system reports an error.
pub fn write_at_user_path(path: &str, bytes: &[u8], overwrite: bool) -> io::Result<PathBuf> {
    let path = path.trim();
    let target = match path.strip_prefix('~').map(|rest| rest.trim_start_matches('/')) {
        Some(rest) if path == "~" || path.starts_with("~/") => {
            let home = std::env::home_dir().ok_or_else(|| io::Error::other("there is no home folder"))?;
            home.join(rest)
        }
        Some(_) | None => PathBuf::from(path),
    };
    let path = std::path::absolute(target)?;
    if path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/') {
        return Err(io::Error::other("this is a folder; add a file name"));
    }
    if path.parent().is_some_and(|folder| !folder.is_dir()) {
        return Err(io::Error::other("there is no such folder"));
    }
    let written = if overwrite { write_atomically(&path, bytes, FileAccess::AsFound) } else { write_new(&path, bytes) };
    written.map(|()| path)
}

/// Opens a file to append to it: a new one that only its owner may read, or an existing one, which is made private.
///
/// # Errors
/// Fails if the file can be neither created nor opened.
pub fn open_private(path: &Path) -> io::Result<fs::File> {
    refuse_special(path)?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    mode::set_file_mode(&mut options);
    let file = options.open(path)?;
    mode::set_exactly(path, 0o600);
    Ok(file)
}

fn write_with_permissions(path: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    mode::set_file_mode(&mut options);
    let mut file = options.open(path)?;
    mode::set_exactly(path, 0o600);
    let restricted = permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions));
    let written = restricted.and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
    written.inspect_err(|_| {
        let _ = fs::remove_file(path); // A partial file is of no use.
    })
}

#[cfg(unix)]
mod mode {
    use std::{
        fs,
        os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    pub(super) fn set_folder_mode(builder: &mut fs::DirBuilder) {
        builder.mode(0o700);
    }

    pub(super) fn set_file_mode(options: &mut fs::OpenOptions) {
        options.mode(0o600);
    }

    /// Sets a mode that the umask may have changed. A file system without modes refuses, and then nothing can be done.
    pub(super) fn set_exactly(path: &Path, mode: u32) {
        if fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o777 != mode) {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
    }

    pub(super) fn is_open_to_others(found: &fs::Metadata) -> bool {
        found.permissions().mode() & 0o077 != 0
    }

    pub(super) fn special_name(kind: fs::FileType) -> Option<&'static str> {
        match kind {
            _ if kind.is_fifo() => Some("a pipe"),
            _ if kind.is_socket() => Some("a socket"),
            _ if kind.is_char_device() || kind.is_block_device() => Some("a device"),
            _ => None,
        }
    }
}

#[cfg(not(unix))]
mod mode {
    use std::{fs, path::Path};

    pub(super) fn set_folder_mode(_: &mut fs::DirBuilder) {}

    pub(super) fn set_file_mode(_: &mut fs::OpenOptions) {}

    pub(super) fn set_exactly(_: &Path, _: u32) {}

    pub(super) fn is_open_to_others(_: &fs::Metadata) -> bool {
        false
    }

    pub(super) fn special_name(kind: fs::FileType) -> Option<&'static str> {
        (!kind.is_file() && !kind.is_dir()).then_some("a device")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_denies_others_and_an_existing_one_is_made_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (key, old) = (folder.path().join("a/b/key"), folder.path().join("old"));
        write_atomically(&key, b"secret", FileAccess::Owner).expect("a file");
        assert_eq!((mode(&key), mode(&folder.path().join("a/b"))), (0o600, 0o700));
        write_atomically(&key, b"another", FileAccess::Owner).expect("a file");
        assert_eq!((mode(&key), fs::read(&key).expect("the file").as_slice()), (0o600, &b"another"[..]));

        fs::write(&old, "kept").expect("a file");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).expect("a mode");
        open_private(&old).expect("the file");
        assert_eq!((mode(&old), fs::read(&old).expect("the file").as_slice()), (0o600, &b"kept"[..]));
    }

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |text: &str| write_numbered(folder.path(), "ibid-xray-1", "json", text.as_bytes()).expect("a file");
        let names = ["one", "two", "three"].map(save);
        let expected = ["ibid-xray-1.json", "ibid-xray-1-2.json", "ibid-xray-1-3.json"];
        assert_eq!(names, expected.map(|name| folder.path().join(name)));
        assert_eq!(fs::read(&names[0]).expect("the file"), b"one");
        assert_eq!(mode(&names[2]), 0o600);
    }

    #[test]
    fn new_files_and_folders_are_only_for_their_owner_and_found_ones_keep_their_modes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (theirs, inside) = (folder.path().join("theirs"), folder.path().join("theirs/mine/export.md"));
        fs::create_dir(&theirs).expect("a folder");
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o755)).expect("a mode");
        write_atomically(&inside, b"text", FileAccess::AsFound).expect("a file");
        assert_eq!((mode(&theirs), mode(inside.parent().expect("a folder")), mode(&inside)), (0o755, 0o700, 0o600));
        assert!(is_open_to_others(&theirs) && !is_open_to_others(&inside));
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o644)).expect("a mode");
        narrow(&inside);
        assert_eq!(mode(&inside), 0o600);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test makes a pipe")]
    fn a_pipe_in_the_place_of_a_file_is_refused_at_once_and_stays() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
        let refusals = [
            read(&pipe).map(drop),
            open(&pipe).map(drop),
            open_private(&pipe).map(drop),
            write_atomically(&pipe, b"x", FileAccess::Owner),
            write_at_user_path(&pipe.to_string_lossy(), b"x", true).map(drop),
        ];
        for refusal in refusals {
            assert_eq!(refusal.expect_err("a pipe").to_string(), "it is a pipe, not a file");
        }
        assert!(fs::metadata(&pipe).expect("it stays").file_type().is_fifo());
        assert_eq!(read(Path::new("/dev/null")).expect_err("a device").to_string(), "it is a device, not a file");
    }

    #[test]
    fn a_file_of_the_user_keeps_its_mode_when_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        write_atomically(&file, b"new", FileAccess::AsFound).expect("the file");
        assert_eq!((mode(&file), fs::read(&file).expect("the file").as_slice()), (0o640, &b"new"[..]));
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let taken = folder.path().join("folder");
        fs::create_dir(&taken).expect("a folder");
        fs::write(taken.join("inside"), "").expect("a file");
        write_atomically(&taken, b"new", FileAccess::AsFound).expect_err("a folder cannot be replaced by a file");
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["folder"]);
    }
}
