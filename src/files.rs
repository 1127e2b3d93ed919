//! Files that are written atomically, and files that only their owner may read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Who may read a new file or folder. Windows has no modes; there, access is that of the user's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Only the owner: mode 0600 for files, 0700 for folders.
    Owner,
    /// The system's default for a new file, or the mode of the replaced file.
    Anyone,
}

/// Creates a folder and its missing parents.
///
/// # Errors
/// Fails if the system reports an error.
pub fn create_folder(path: &Path, access: FileAccess) -> io::Result<()> {
    folder_builder(access).recursive(true).create(path)
}

/// Creates one folder.
///
/// # Errors
/// Fails if the path is taken or the system reports another error.
pub fn create_new_folder(path: &Path, access: FileAccess) -> io::Result<()> {
    folder_builder(access).create(path)
}

fn folder_builder(access: FileAccess) -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    mode::set_folder_mode(&mut builder, access);
    builder
}

/// Writes a file atomically, so that a crash leaves either the old or the new one. A symbolic link is followed.
///
/// # Errors
/// Fails if the system reports an error. The old file is then unchanged.
pub fn write_atomically(path: &Path, bytes: &[u8], access: FileAccess) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder, access)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("this is not a file name"))?.to_string_lossy();
    let temp_path = folder.join(format!(".{name}.{}.new", std::process::id()));
    let _ = fs::remove_file(&temp_path); // Left by a crash of an earlier process with the same id.
    let replaced = fs::metadata(&path).ok().filter(|_| access == FileAccess::Anyone);
    write_with_permissions(&temp_path, bytes, access, replaced.map(|old| old.permissions()))?;
    fs::rename(&temp_path, &path).inspect_err(|_| {
        let _ = fs::remove_file(&temp_path); // A failure here cannot be handled any further.
    })
}

/// Writes a file that does not exist yet. If that fails, there is no such file afterwards.
///
/// # Errors
/// Fails with `AlreadyExists` if there is such a file, or if the system reports an error.
pub fn write_new(path: &Path, bytes: &[u8], access: FileAccess) -> io::Result<()> {
    write_with_permissions(path, bytes, access, None)
}

/// Writes a new file that only its owner may read, adding a number if the name is taken. Returns its path.
///
/// # Errors
/// Fails if the system reports an error. There is no new file then.
pub fn write_numbered(folder: &Path, stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let numbered = (2..).map(|n: u32| format!("{stem}-{n}.{extension}"));
    for name in std::iter::once(format!("{stem}.{extension}")).chain(numbered) {
        let path = folder.join(name);
        match write_new(&path, bytes, FileAccess::Owner) {
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
    let write = if overwrite { write_atomically } else { write_new };
    write(&path, bytes, FileAccess::Anyone).map(|()| path)
}

/// Creates an empty file that only its owner may read, or makes an existing one private.
///
/// # Errors
/// Fails if the file can be neither created nor opened.
pub fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    mode::set_file_mode(&mut options, FileAccess::Owner);
    mode::restrict_to_owner(&options.open(path)?);
    Ok(())
}

fn write_with_permissions(
    path: &Path,
    bytes: &[u8],
    access: FileAccess,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    mode::set_file_mode(&mut options, access);
    let mut file = options.open(path)?;
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
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    };

    use super::FileAccess;

    pub(super) fn set_folder_mode(builder: &mut fs::DirBuilder, readers: FileAccess) {
        if readers == FileAccess::Owner {
            builder.mode(0o700);
        }
    }

    pub(super) fn set_file_mode(options: &mut fs::OpenOptions, readers: FileAccess) {
        if readers == FileAccess::Owner {
            options.mode(0o600);
        }
    }

    /// Removes the access of others. A file system without modes refuses, and then nothing more can be done.
    pub(super) fn restrict_to_owner(file: &fs::File) {
        if file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
}

#[cfg(not(unix))]
mod mode {
    use std::fs;

    use super::FileAccess;

    pub fn set_folder_mode(_: &mut fs::DirBuilder, _: FileAccess) {}

    pub fn set_file_mode(_: &mut fs::OpenOptions, _: FileAccess) {}

    pub fn restrict_to_owner(_: &fs::File) {}
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
        create_private(&old).expect("the file");
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
    fn a_file_for_anyone_keeps_its_mode_when_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        write_atomically(&file, b"new", FileAccess::Anyone).expect("the file");
        assert_eq!((mode(&file), fs::read(&file).expect("the file").as_slice()), (0o640, &b"new"[..]));
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let taken = folder.path().join("folder");
        fs::create_dir(&taken).expect("a folder");
        fs::write(taken.join("inside"), "").expect("a file");
        write_atomically(&taken, b"new", FileAccess::Anyone).expect_err("a folder cannot be replaced by a file");
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["folder"]);
    }
}
