//! Server-sent events with their names and ids, in bounded memory. Fields that cannot be read are skipped.

use std::time::Duration;

use memchr::memchr2;

use super::output_lines::MAX_MESSAGE_BYTES;

/// Splits bytes, cut anywhere, into events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    is_after_return: bool,
    event: ServerEvent,
    has_data: bool,
    /// The id of the last event, from which a stream can be resumed.
    pub last_id: Option<String>,
    /// How long to wait before a stream is resumed, as the server asks for.
    pub retry: Option<Duration>,
    /// An event was longer than a message may be. Nothing after it is read.
    pub is_too_long: bool,
}

/// An event of a stream.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ServerEvent {
    /// Its name; empty if it has none.
    pub name: String,
    pub data: String,
}

impl EventReader {
    /// Takes the next bytes and returns the events that they complete.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        while !bytes.is_empty() && !self.is_too_long {
            if std::mem::take(&mut self.is_after_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr2(b'\n', b'\r', bytes);
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            self.is_too_long = self.line.len() + self.event.data.len() > MAX_MESSAGE_BYTES;
            let Some(end) = end else { break };
            self.is_after_return = bytes[end] == b'\r';
            events.extend(self.take_line());
            bytes = &bytes[end + 1..];
        }
        events
    }

    /// Ends the stream. An event that lacks only its blank line counts.
    pub(super) fn finish(&mut self) -> Vec<ServerEvent> {
        let last = self.take_line();
        last.into_iter().chain(self.take_event()).collect()
    }

    fn take_line(&mut self) -> Option<ServerEvent> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line));
        if line.is_empty() {
            return self.take_event();
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data += value;
            }
            "id" => self.last_id = Some(value.to_owned()).filter(|id| !id.is_empty()),
            "retry" => self.retry = value.trim().parse().ok().map(Duration::from_millis).or(self.retry),
            _ => (), // A comment, such as a heartbeat.
        }
        None
    }

    fn take_event(&mut self) -> Option<ServerEvent> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event).filter(|event| !event.data.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut EventReader, chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut events: Vec<ServerEvent> = chunks.iter().flat_map(|chunk| reader.push(chunk)).collect();
        events.extend(reader.finish());
        events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    #[test]
    fn events_are_read_at_every_split_and_odd_fields_are_skipped() {
        let stream = "\u{feff}: hi\n\nid: 7\nretry: 20\ndata:\n\nevent: ping\ndata: {}\r\n\r\nid: 8\r\nretry: x\rdata: a\r\ndata: é\n\nevent: error\ndata:b";
        let event = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        let expected = [event("ping", "{}"), event("", "a\né"), event("error", "b")];
        for split in 0..stream.len() {
            let mut reader = EventReader::default();
            let (head, tail) = stream.as_bytes().split_at(split);
            assert_eq!(read(&mut reader, &[head, tail]), expected, "split at {split}");
            assert_eq!(reader.last_id.as_deref(), Some("8"));
            assert_eq!(reader.retry, Some(Duration::from_millis(20)));
        }
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut reader = EventReader::default();
        let chunk = "data: x".repeat(1 << 18);
        let mut pushed = 0;
        while !reader.is_too_long {
            assert!(reader.push(chunk.as_bytes()).is_empty());
            pushed += chunk.len();
        }
        assert!(pushed <= MAX_MESSAGE_BYTES + chunk.len());
    }
}
