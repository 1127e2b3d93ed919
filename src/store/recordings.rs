//! Recordings of what went over the wire: the finished ones, and the pieces of those that still grow.

use rusqlite::{Connection, OptionalExtension, Result};

use super::queries::{id_text, read_json, to_json};
use crate::chat::{MessageId, WireRecording, recording::RecordingChunk};

/// Deletes the oldest recordings until the rest fits.
const TRIM_RECORDINGS: &str = "delete from recording where n <= (
    select n from (select n, sum(bytes) over (order by n desc) as kept from recording)
    where kept > ?1 order by n desc limit 1)";

/// Deletes the chunks that begin after the first half and end before the last half of the limit.
const TRIM_RECORDED: &str = "delete from recorded where n in (
    select n from (
        select n, sum(bytes) over (order by n) - bytes as before, sum(bytes) over (order by n desc) - bytes as behind
        from recorded where message = ?1)
    where before >= ?2 and behind >= ?2)";

/// Returns the recording of an answer, if it still exists.
pub(super) fn recording(db: &Connection, message: MessageId) -> Result<Option<WireRecording>> {
    let mut row = db.prepare_cached("select pieces from recording where message = ?1")?;
    let complete = row.query_row([id_text(message.0)], |row| read_json(row, "pieces")).optional()?;
    if complete.is_some() { Ok(complete) } else { partial_recording(db, message) }
}

/// Returns what is on disk of the recording of an answer that is still streaming or whose run was killed.
pub(super) fn partial_recording(db: &Connection, message: MessageId) -> Result<Option<WireRecording>> {
    let mut rows = db.prepare_cached("select most, before, pieces from recorded where message = ?1 order by n")?;
    let mut found = rows.query([id_text(message.0)])?;
    let (mut most, mut chunks) = (0, Vec::new());
    while let Some(row) = found.next()? {
        most = usize::try_from(row.get::<_, i64>("most")?).unwrap_or_default();
        chunks.push(RecordingChunk { before: read_json(row, "before")?, frames: read_json(row, "pieces")? });
    }
    Ok((!chunks.is_empty()).then(|| WireRecording::from_chunks(most, chunks)))
}

/// Appends a chunk to the recording of an open answer, and drops the middle beyond the limit.
pub(super) fn append_recorded(db: &Connection, message: MessageId, chunk: &RecordingChunk, most: usize) -> Result<()> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (before, pieces) = (to_json(&chunk.before), to_json(&chunk.frames));
    let bytes = i64::try_from(chunk.bytes()).unwrap_or(i64::MAX);
    db.prepare_cached("insert into recorded (message, most, before, bytes, pieces) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(rusqlite::params![id_text(message.0), most, before, bytes, pieces])?;
    db.prepare_cached(TRIM_RECORDED)?.execute(rusqlite::params![id_text(message.0), most / 2])?;
    Ok(())
}

/// Writes the recording of an answer, replacing an older one, then drops the oldest recordings until the rest fits.
pub(super) fn write_recording(
    db: &Connection,
    message: MessageId,
    recording: &WireRecording,
    max_total_bytes: u64,
) -> Result<()> {
    let pieces = to_json(recording);
    db.prepare_cached("insert or replace into recording (message, bytes, pieces) values (?1, ?2, ?3)")?
        .execute(rusqlite::params![id_text(message.0), i64::try_from(pieces.len()).unwrap_or(i64::MAX), pieces])?;
    db.prepare_cached("delete from recorded where message = ?1")?.execute([id_text(message.0)])?;
    db.prepare_cached(TRIM_RECORDINGS)?.execute([i64::try_from(max_total_bytes).unwrap_or(i64::MAX)])?;
    Ok(())
}
