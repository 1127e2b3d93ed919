//! Answers that a run of the program left open: what came is put together, and they are marked
//! interrupted. Those of a run that still lives are left alone.

use rusqlite::{Connection, TransactionBehavior};

use super::{
    live::Live,
    open::Database,
    rows::{self, StoredMessage},
    write,
};
use crate::chat::{
    Body, Timestamp, journal,
    recording::{Piece, What},
};

impl Database {
    /// Settles what was abandoned. Cheap where nothing was: then nothing is written.
    pub fn recover(&mut self) -> rusqlite::Result<()> {
        if abandoned(&self.connection, &self.live)?.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again: another instance may have been first.
        for found in abandoned(&transaction, &self.live)? {
            let settled = interrupted(&transaction, found)?;
            write::write_message(&transaction, settled.conversation, &settled.message, None)?;
            settle_recording(&transaction, &settled)?;
        }
        if !self.live.sweep() {
            transaction.execute("delete from growth where message not in (select id from message)", [])?;
            transaction.execute("delete from recorded where message not in (select id from message)", [])?;
        }
        transaction.commit()
    }
}

fn abandoned(db: &Connection, live: &Live) -> rusqlite::Result<Vec<StoredMessage>> {
    let open = rows::open_messages(db)?;
    Ok(open.into_iter().filter(|found| !found.owner.as_deref().is_some_and(|owner| live.lives(owner))).collect())
}

/// The answer with all that came of it, ended.
fn interrupted(db: &Connection, mut found: StoredMessage) -> rusqlite::Result<StoredMessage> {
    let last = grow(db, &mut found)?;
    if let Body::Answer(answer) = &mut found.message.body {
        answer.interrupt(last);
    }
    found.message.rev += 1;
    Ok(found)
}

/// What went over the wire for it, as far as it was written. The next answer that ends trims all recordings.
fn settle_recording(db: &Connection, settled: &StoredMessage) -> rusqlite::Result<()> {
    let Some(mut recording) = rows::recorded(db, settled.message.id)? else { return Ok(()) };
    let ended = settled.message.answer().and_then(|answer| answer.ended).unwrap_or(settled.message.at);
    let lost = "the program ended before the answer did; what came last was not written";
    recording.push(Piece::new(ended, What::Failed(lost.into())));
    rows::write_recording(db, settled.message.id, &recording, u64::MAX)
}

/// Replays the growth of an answer; gives the time of the last of it.
pub fn grow(db: &Connection, found: &mut StoredMessage) -> rusqlite::Result<Timestamp> {
    let Body::Answer(answer) = &mut found.message.body else { return Ok(found.message.at) };
    let mut last = answer.started;
    for (at, events) in rows::growth(db, found.message.id)? {
        last = at;
        journal::replay(answer, &events);
    }
    Ok(last)
}
