//! Recovers answers that a crashed run left open: their journal is replayed, and they are marked
//! interrupted. Answers of a run that is still alive are left alone.

use rusqlite::{Connection, TransactionBehavior};

use super::{
    database::OpenDatabase,
    journal_v1,
    queries::{self, StoredMessage},
    recordings,
    run_marker::RunMarker,
    save, search_index,
};
use crate::chat::{
    Answer, MessageBody, Timestamp,
    journal::JournalLine,
    recording::{FrameContent, RecordedFrame},
};

impl OpenDatabase {
    /// Ends abandoned answers. If there are none, nothing is written.
    pub(super) fn recover(&mut self) -> rusqlite::Result<()> {
        if self.write_refusal.is_some() || find_abandoned(&self.connection, &self.marker)?.is_empty() {
            return Ok(());
        }
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again: another instance may have recovered them in the meantime.
        for found in find_abandoned(&transaction, &self.marker)? {
            let settled = interrupt(&transaction, found)?;
            save::write_message(&transaction, settled.conversation, &settled.message, None)?;
            settle_recording(&transaction, &settled)?;
        }
        if !self.marker.remove_stale() {
            transaction.execute("delete from growth where message not in (select id from message)", [])?;
            transaction.execute("delete from call_run where message not in (select id from message)", [])?;
            transaction.execute("delete from recorded where message not in (select id from message)", [])?;
        }
        search_index::index_changed(&mut transaction)?;
        transaction.commit()
    }
}

fn find_abandoned(db: &Connection, live: &RunMarker) -> rusqlite::Result<Vec<StoredMessage>> {
    let open = queries::open_messages(db)?;
    Ok(open.into_iter().filter(|found| !found.owner.as_deref().is_some_and(|owner| live.is_alive(owner))).collect())
}

/// Replays the journal of an answer and marks it as interrupted.
fn interrupt(db: &Connection, mut found: StoredMessage) -> rusqlite::Result<StoredMessage> {
    let last = replay_growth(db, &mut found)?.last;
    if let MessageBody::Answer(answer) = &mut found.message.body {
        answer.interrupt(last);
    }
    found.message.rev += 1;
    Ok(found)
}

/// Turns the stored part of its recording into a complete one. The next answer that ends trims all recordings.
fn settle_recording(db: &Connection, settled: &StoredMessage) -> rusqlite::Result<()> {
    let Some(mut recording) = recordings::partial_recording(db, settled.message.id)? else { return Ok(()) };
    let ended = settled.message.as_answer().and_then(|answer| answer.ended_at).unwrap_or(settled.message.created_at);
    let reason = "the program ended before the answer did; the last events were not written";
    recording.push(RecordedFrame::new(ended, FrameContent::Failed(reason.into())));
    recordings::write_recording(db, settled.message.id, &recording, u64::MAX)
}

/// How much of an answer was only in its journal.
pub(super) struct ReplayedGrowth {
    /// When the last of it was written.
    pub last: Timestamp,
    pub checkpoints: u32,
}

/// Replays the journal of an answer, and adds the calls written apart.
pub(super) fn replay_growth(db: &Connection, found: &mut StoredMessage) -> rusqlite::Result<ReplayedGrowth> {
    let MessageBody::Answer(answer) = &mut found.message.body else {
        return Ok(ReplayedGrowth { last: found.message.created_at, checkpoints: 0 });
    };
    let mut growth = ReplayedGrowth { last: answer.started_at, checkpoints: 0 };
    for (at, events) in queries::growth(db, found.message.id)? {
        growth.last = at;
        growth.checkpoints += 1;
        replay_journal(answer, &events);
    }
    let calls = queries::call_runs(db, found.message.id)?;
    growth.checkpoints += u32::try_from(calls.len()).unwrap_or_default();
    answer.call_runs.extend(calls);
    Ok(growth)
}

/// Applies the lines of a journal, of this version or 0.1.0, to the answer that precedes them. A line that a crash cut
/// off is skipped.
pub fn replay_journal(answer: &mut Answer, lines: &str) {
    for line in lines.lines() {
        if let Some(line) = JournalLine::parse(line).or_else(|| journal_v1::parse_line(line)) {
            answer.apply(line.step, line.at, &line.event);
        }
    }
}
