//! Kills while the database is upgraded, and while conversations are moved to the trash and back: what is on disk is sound and
//! whole, and the next start goes on. `IBID_KILLS` and `IBID_SEED` as in `endurance`.

use std::{
    fs,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use rustix::process::Signal;

use crate::{
    Stage,
    endurance::{Dice, assert_sound, count, dice, open_database, setting},
    eventually, quit, wait_idle,
};

/// A database of version 7, with enough in it that its copy and its migration take a while.
fn put_older_database(stage: &Stage) {
    let file = stage.home.database();
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let db = Connection::open(file).expect("a database");
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("a log");
    db.execute_batch(include_str!("../it/store/schemas/v7.sql")).expect("the fixture is SQL");
    db.execute_batch(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
         insert into message (id, conversation, role, at, rev, text)
         select printf('01991111-0000-7000-9000-%012x', i), '01990000-0000-7000-8000-000000000001', 'prompt', i, 1,
            printf('%01000d', i) from n;
         -- What is in the trash for long would be deleted, and a draft would be in the composer.
         update conversation set trashed_at = null;
         delete from setting",
    )
    .expect("rows");
}

/// Copies of the database beside it, finished or not.
fn copies(stage: &Stage) -> Vec<std::path::PathBuf> {
    let folder = stage.home.database().parent().expect("a folder").to_owned();
    let found = fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    found.filter(|path| path.to_string_lossy().contains("ibid.backup-")).collect()
}

fn version(database: &Connection) -> i64 {
    count(database, "select user_version from pragma_user_version")
}

fn wait_for(life: Duration) {
    let until = Instant::now() + life;
    while Instant::now() < until {
        std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
    }
}

#[test]
fn a_kill_during_an_upgrade_leaves_the_old_database_or_the_new_one() {
    let mut dice = dice();
    let mut versions = [0, 0];
    for round in 0..setting("IBID_KILLS", 4) {
        let stage = Stage::set_up();
        put_older_database(&stage);
        let mut ibid = stage.launch().start();
        wait_for(Duration::from_millis(dice.roll(400)));
        ibid.send_signal(Signal::KILL);
        ibid.wait_exit();
        let database = open_database(&stage);
        assert_sound(&database);
        let found = version(&database);
        versions[usize::from(found != 7)] += 1;
        assert_eq!(count(&database, "select count(*) from message"), 3010, "round {round}, version {found}");
        drop(database);
        let finished = copies(&stage).into_iter().filter(|path| !path.to_string_lossy().contains("unfinished"));
        for copy in finished {
            let copy = Connection::open(copy).expect("a backup");
            assert_sound(&copy);
            assert_eq!((version(&copy), count(&copy, "select count(*) from message")), (7, 3010));
        }
        let mut ibid = stage.open();
        eventually("the upgrade", || version(&open_database(&stage)) > 7);
        quit(&mut ibid);
        assert_sound(&open_database(&stage));
        assert_eq!(count(&open_database(&stage), "select count(*) from message"), 3010);
        let left: Vec<_> =
            copies(&stage).into_iter().filter(|path| path.to_string_lossy().contains("unfinished")).collect();
        assert!(found != 7 || left.is_empty(), "round {round}: {left:?}");
    }
    println!("{versions:?} were old and new");
}

#[test]
fn a_kill_while_conversations_are_deleted_and_restored_loses_none() {
    let mut dice: Dice = dice();
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    for n in 0..4 {
        stage.exchange(&mut ibid, &format!("prompt {n}"), &format!("Answer {n}."));
        ibid.type_keys("<ctrl-n>");
    }
    wait_idle(&ibid);
    quit(&mut ibid);
    for round in 0..setting("IBID_KILLS", 4) {
        let mut ibid = stage.open();
        ibid.type_keys("<ctrl-x>l");
        for _ in 0..=dice.roll(6) {
            ibid.type_keys(if dice.roll(3) == 0 { "u" } else { "d" });
            wait_for(Duration::from_millis(dice.roll(30)));
        }
        wait_for(Duration::from_millis(dice.roll(150)));
        ibid.send_signal(Signal::KILL);
        ibid.wait_exit();
        let database = open_database(&stage);
        assert_sound(&database);
        assert_eq!(count(&database, "select count(*) from conversation"), 4, "round {round}");
        assert_eq!(count(&database, "select count(*) from message"), 8, "round {round}");
        drop(database);
        // Out of the trash, for the next round.
        let database = Connection::open(stage.home.database()).expect("the database");
        database.execute("update conversation set trashed_at = null", []).expect("the rows");
    }
}
