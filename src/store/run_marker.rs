//! Detects which runs of the program are alive. Each run locks its own file, and the system releases
//! the lock however the run ends.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::files;

/// This run's lock file, and the folder with the lock files of all runs.
#[derive(Debug)]
pub(super) struct RunMarker {
    folder: PathBuf,
    id: String,
    /// Locked while it is open; created when the first open answer is written.
    lock_file: Option<File>,
}

impl RunMarker {
    pub(super) fn next_to(database: &Path) -> Self {
        let mut folder = database.as_os_str().to_owned();
        folder.push("-running");
        Self { folder: folder.into(), id: Uuid::now_v7().to_string(), lock_file: None }
    }

    /// The name of this run.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Creates the lock file on the first call. Call it only within a write
    /// transaction, because `remove_stale` removes files that are not locked yet.
    ///
    /// On a file system without locks the open answers of this run look abandoned to other instances;
    /// they are complete again once this run has saved their ends.
    pub(super) fn claim(&mut self) {
        if self.lock_file.is_none() {
            let opened = files::create_folder(&self.folder).and_then(|()| files::open_private(&self.path(&self.id)));
            self.lock_file = opened.ok().filter(|mark| mark.try_lock().is_ok());
        }
    }

    /// Whether the run with this name is this one or still holds its lock.
    pub(super) fn is_alive(&self, name: &str) -> bool {
        let held = || files::open(&self.path(name)).is_ok_and(|mark| is_held(&mark));
        name == self.id || (Uuid::parse_str(name).is_ok() && held())
    }

    /// Whether the run with this name is another one that still holds its lock.
    pub(super) fn is_other_alive(&self, name: &str) -> bool {
        name != self.id && self.is_alive(name)
    }

    /// Removes the lock files of runs that are gone, and returns whether other runs are alive. Call it
    /// only within a write transaction.
    pub(super) fn remove_stale(&self) -> bool {
        let marks = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let others = marks.filter(|mark| mark.file_name().to_str() != Some(&self.id));
        let held = |mark: &fs::DirEntry| files::open(&mark.path()).is_ok_and(|mark| is_held(&mark));
        let (living, gone): (Vec<_>, Vec<_>) = others.partition(held);
        for mark in gone {
            let _ = fs::remove_file(mark.path()); // Another run may have removed it already.
        }
        !living.is_empty()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for RunMarker {
    fn drop(&mut self) {
        if self.lock_file.is_some() {
            let _ = fs::remove_file(self.path(&self.id));
        }
    }
}

fn is_held(mark: &File) -> bool {
    matches!(mark.try_lock(), Err(TryLockError::WouldBlock))
}
