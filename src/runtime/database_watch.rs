//! Watches the files of the database: what another running ibid writes wakes this one, and nothing else does.
//!
//! Linux tells which files of a folder change. On other systems, and where it cannot, the loop looks by itself while the
//! terminal has the focus.

use std::path::PathBuf;

use tokio::{sync::mpsc, task::JoinSet};

use crate::ui::Msg;

/// Starts the watch once the database is open: before that, its folder may not exist.
pub(super) fn start(
    database: PathBuf,
    mut opened: mpsc::Receiver<()>,
    inbox: mpsc::Sender<Msg>,
    tasks: &mut JoinSet<()>,
) {
    tasks.spawn(async move {
        if opened.recv().await.is_none() {
            return; // The database was never open.
        }
        if watch::run(&database, &inbox).await.is_err() {
            let _ = inbox.send(Msg::DatabaseUnwatched).await; // Fails only on shutdown.
        }
    });
}

#[cfg(target_os = "linux")]
mod watch {
    use std::{
        ffi::OsString,
        io,
        mem::MaybeUninit,
        os::{fd::OwnedFd, unix::ffi::OsStrExt},
        path::Path,
        time::Duration,
    };

    use rustix::{
        fs::inotify::{self, CreateFlags, WatchFlags},
        io::Errno,
    };
    use tokio::{io::unix::AsyncFd, sync::mpsc, time::Instant};

    use crate::ui::Msg;

    /// A commit writes several times within a moment, and can be read only after the last.
    const SETTLING: Duration = Duration::from_millis(40);
    /// After this time the changes are looked for once more: a commit may have waited for the disk after its last write.
    const SECOND_LOOK: Duration = Duration::from_millis(300);

    /// Reports changes of the database until the loop ends. Errs if they cannot be watched.
    pub(super) async fn run(database: &Path, inbox: &mpsc::Sender<Msg>) -> io::Result<()> {
        let names = names_of(database);
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watch, folder, WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::CREATE)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; this descriptor is ours, and stays open as long as it is watched"
        )]
        let watch = AsyncFd::new(watch)?;
        let mut is_changed = true; // Something may have been written before the watch began.
        loop {
            while !is_changed {
                let mut ready = watch.readable().await?;
                is_changed = has_named(watch.get_ref(), &names)?;
                ready.clear_ready();
            }
            for wait in [SETTLING, SECOND_LOOK] {
                tokio::time::sleep_until(Instant::now() + wait).await;
                is_changed = has_named(watch.get_ref(), &names)?;
                if inbox.send(Msg::DatabaseTouched).await.is_err() {
                    return Ok(()); // The loop has ended.
                }
            }
        }
    }

    /// The database and its log.
    fn names_of(database: &Path) -> [OsString; 2] {
        let name = database.file_name().unwrap_or_default().to_owned();
        let mut log = name.clone();
        log.push("-wal");
        [name, log]
    }

    /// Reads what has happened, and returns whether it happened to one of these files.
    fn has_named(watch: &OwnedFd, names: &[OsString]) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(watch, &mut buffer);
        let mut is_named = false;
        loop {
            match events.next() {
                // Without a name the queue was too short for all that happened.
                Ok(event) => {
                    is_named |= event
                        .file_name()
                        .is_none_or(|found| names.iter().any(|name| name.as_bytes() == found.to_bytes()));
                }
                Err(Errno::AGAIN) => return Ok(is_named),
                Err(Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod watch {
    use std::{io, path::Path};

    use tokio::sync::mpsc;

    use crate::ui::Msg;

    pub(super) async fn run(_: &Path, _: &mpsc::Sender<Msg>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, time::Duration};

    use tokio::{sync::mpsc, task::JoinSet, time::timeout};

    use super::*;

    /// Returns how many messages came until half a second passed without one.
    async fn count(inbox: &mut mpsc::Receiver<Msg>) -> usize {
        let mut count = 0;
        while let Ok(Some(msg)) = timeout(Duration::from_millis(500), inbox.recv()).await {
            assert!(matches!(msg, Msg::DatabaseTouched), "{msg:?}");
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn only_a_change_of_the_database_wakes_and_two_looks_follow_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ibid.db");
        fs::write(&file, "").expect("a file");
        let (send, mut inbox) = mpsc::channel(8);
        let (open, opened) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        start(file.clone(), opened, send, &mut tasks);
        assert_eq!(count(&mut inbox).await, 0, "it is not open yet");
        open.try_send(()).expect("it waits");
        assert_eq!(count(&mut inbox).await, 2, "what was written before is looked for");
        assert_eq!(count(&mut inbox).await, 0, "idle costs nothing");
        fs::write(folder.path().join("keys.txt"), "other").expect("a file");
        fs::write(folder.path().join("ibid.db-shm"), "other").expect("a file");
        assert_eq!(count(&mut inbox).await, 0, "other files are no reason");
        fs::write(folder.path().join("ibid.db-wal"), "a frame").expect("a file");
        assert_eq!(count(&mut inbox).await, 2);
        for _ in 0..50 {
            fs::write(&file, "many").expect("a file");
        }
        assert_eq!(count(&mut inbox).await, 2, "a burst is one change");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_watched_is_reported() {
        let (send, mut inbox) = mpsc::channel(8);
        let (open, opened) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        start("/nonexistent/ibid.db".into(), opened, send, &mut tasks);
        open.try_send(()).expect("it waits");
        assert!(matches!(inbox.recv().await, Some(Msg::DatabaseUnwatched)));
    }
}
