//! Which runs of the program are alive: each holds a lock on a file of its own, which ends with it
//! however it ends.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::files::{self, Readers};

/// This run's mark, and the folder with the marks of all.
#[derive(Debug)]
pub struct Live {
    folder: PathBuf,
    id: String,
    /// Locked as long as it is open; made with the first answer that is written.
    mark: Option<File>,
}

impl Live {
    pub fn beside(database: &Path) -> Self {
        let mut folder = database.as_os_str().to_owned();
        folder.push("-running");
        Self { folder: folder.into(), id: Uuid::now_v7().to_string(), mark: None }
    }

    /// Makes the mark, once, and gives its name. Only within a write transaction: `sweep` takes
    /// away marks that are not locked yet.
    ///
    /// Where there are no locks the answers of this run look abandoned to others; they are whole
    /// again when this run has settled them.
    pub fn claim(&mut self) -> &str {
        if self.mark.is_none() {
            let made =
                files::create_folder(&self.folder, Readers::Owner).and_then(|()| File::create(self.path(&self.id)));
            self.mark = made.ok().filter(|mark| mark.try_lock().is_ok());
        }
        &self.id
    }

    /// Whether the run of that name still holds its lock, or is this one.
    pub fn lives(&self, name: &str) -> bool {
        let held = || File::open(self.path(name)).is_ok_and(|mark| is_held(&mark));
        name == self.id || (Uuid::parse_str(name).is_ok() && held())
    }

    /// Removes the marks of runs that are gone, within a write transaction; tells whether others live.
    pub fn sweep(&self) -> bool {
        let marks = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let others = marks.filter(|mark| mark.file_name().to_str() != Some(&self.id));
        let held = |mark: &fs::DirEntry| File::open(mark.path()).is_ok_and(|mark| is_held(&mark));
        let (living, gone): (Vec<_>, Vec<_>) = others.partition(held);
        for mark in gone {
            let _ = fs::remove_file(mark.path()); // Another run may have been faster.
        }
        !living.is_empty()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.mark.is_some() {
            let _ = fs::remove_file(self.path(&self.id));
        }
    }
}

fn is_held(mark: &File) -> bool {
    matches!(mark.try_lock(), Err(TryLockError::WouldBlock))
}
