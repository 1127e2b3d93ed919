//! Files that are written in one step, and those that only their owner may read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Who may read a new file or folder. Windows knows no modes: there the folder of the user decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// 0600 and 0700.
    Owner,
    /// What the system gives a new file, or the mode of the file that is replaced.
    Anyone,
}

/// Makes a folder and those above it, where they are missing.
///
/// # Errors
/// As the system says.
pub fn create_folder(path: &Path, readers: Readers) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    mode::of_folder(&mut builder, readers);
    builder.recursive(true).create(path)
}

/// Writes a file in one step, so that a crash leaves the old or the new one. A link stays a link.
///
/// # Errors
/// As the system says; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder, readers)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("this is not a file name"))?.to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = write_new(&new, bytes, &path, readers).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        let _ = fs::remove_file(&new); // Nothing more can be done about it.
    }
    written
}

/// Writes a file that is not there yet, for its owner only; where the name is taken a number is added to it.
///
/// # Errors
/// As the system says; then there is no new file.
pub fn save_new(folder: &Path, stem: &str, extension: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    mode::of_file(&mut options, Readers::Owner);
    let numbered = (2..).map(|n: u32| format!("{stem}-{n}.{extension}"));
    for name in std::iter::once(format!("{stem}.{extension}")).chain(numbered) {
        let path = folder.join(name);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(error),
            Ok(mut file) => {
                let written = file.write_all(bytes).and_then(|()| file.sync_all());
                return written.map(|()| path.clone()).inspect_err(|_| {
                    let _ = fs::remove_file(&path); // Half a file helps nobody.
                });
            }
        }
    }
    Err(io::Error::other("every name is taken"))
}

/// Writes a file where a person said: relative to the current folder, `~` is their home. Gives its whole path.
///
/// # Errors
/// `AlreadyExists` where there is one and `over` is false; else as the system says, in words.
pub fn write_as_told(path: &str, bytes: &[u8], over: bool) -> io::Result<PathBuf> {
    let path = path.trim();
    let told = match path.strip_prefix('~').map(|rest| rest.trim_start_matches('/')) {
        Some(rest) if path == "~" || path.starts_with("~/") => {
            let home = std::env::home_dir().ok_or_else(|| io::Error::other("nobody knows where your home is"))?;
            home.join(rest)
        }
        Some(_) | None => PathBuf::from(path),
    };
    let path = std::path::absolute(told)?;
    if path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/') {
        return Err(io::Error::other("this is a folder; add a name"));
    }
    if path.parent().is_some_and(|folder| !folder.is_dir()) {
        return Err(io::Error::other("there is no such folder"));
    }
    if over {
        return replace(&path, bytes, Readers::Anyone).map(|()| path);
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map(|()| path.clone()).inspect_err(|_| {
        let _ = fs::remove_file(&path); // Half a file helps nobody.
    })
}

/// Makes an empty file that only its owner may read, or takes the rights of others from an old one.
///
/// # Errors
/// The file can be neither made nor opened.
pub fn create_private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    mode::of_file(&mut options, Readers::Owner);
    mode::close_to_others(&options.open(path)?);
    Ok(())
}

fn write_new(new: &Path, bytes: &[u8], old: &Path, readers: Readers) -> io::Result<()> {
    let _ = fs::remove_file(new); // Left by a crash, under the number of a process long gone.
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    mode::of_file(&mut options, readers);
    let mut file = options.open(new)?;
    if let (Readers::Anyone, Ok(old)) = (readers, fs::metadata(old)) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
mod mode {
    use std::{
        fs,
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    };

    use super::Readers;

    pub fn of_folder(builder: &mut fs::DirBuilder, readers: Readers) {
        if readers == Readers::Owner {
            builder.mode(0o700);
        }
    }

    pub fn of_file(options: &mut fs::OpenOptions, readers: Readers) {
        if readers == Readers::Owner {
            options.mode(0o600);
        }
    }

    /// A file system without modes refuses; its files are then as private as they can be.
    pub fn close_to_others(file: &fs::File) {
        if file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
}

#[cfg(not(unix))]
mod mode {
    use std::fs;

    use super::Readers;

    pub fn of_folder(_: &mut fs::DirBuilder, _: Readers) {}

    pub fn of_file(_: &mut fs::OpenOptions, _: Readers) {}

    pub fn close_to_others(_: &fs::File) {}
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_the_owners_has_no_rights_for_others_and_an_old_file_loses_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (key, old) = (folder.path().join("a/b/key"), folder.path().join("old"));
        replace(&key, b"secret", Readers::Owner).expect("a file");
        assert_eq!((mode(&key), mode(&folder.path().join("a/b"))), (0o600, 0o700));
        replace(&key, b"another", Readers::Owner).expect("a file");
        assert_eq!((mode(&key), fs::read(&key).expect("the file").as_slice()), (0o600, &b"another"[..]));

        fs::write(&old, "kept").expect("a file");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).expect("a mode");
        create_private(&old).expect("the file");
        assert_eq!((mode(&old), fs::read(&old).expect("the file").as_slice()), (0o600, &b"kept"[..]));
    }

    #[test]
    fn a_new_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |text: &str| save_new(folder.path(), "ibid-xray-1", "json", text.as_bytes()).expect("a file");
        let names = ["one", "two", "three"].map(save);
        let expected = ["ibid-xray-1.json", "ibid-xray-1-2.json", "ibid-xray-1-3.json"];
        assert_eq!(names, expected.map(|name| folder.path().join(name)));
        assert_eq!(fs::read(&names[0]).expect("the file"), b"one");
        assert_eq!(mode(&names[2]), 0o600);
    }

    #[test]
    fn a_file_for_anyone_keeps_its_mode_when_it_is_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        replace(&file, b"new", Readers::Anyone).expect("the file");
        assert_eq!((mode(&file), fs::read(&file).expect("the file").as_slice()), (0o640, &b"new"[..]));
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let taken = folder.path().join("folder");
        fs::create_dir(&taken).expect("a folder");
        fs::write(taken.join("inside"), "").expect("a file");
        replace(&taken, b"new", Readers::Anyone).expect_err("a folder cannot be replaced by a file");
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["folder"]);
    }
}
