//! A response that is being received: its body as a stream of events.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{Response, header::HeaderMap};
use serde::de::IgnoredAny;
use tokio::task::spawn_blocking;

use super::{MAX_BODY_BYTES, format_duration, split_keys::SplitKeyGuard, with_timeout};
use crate::{
    api::{
        ApiError, Event, FaultKind, ResponseHead,
        error::NetworkRoute,
        sse::{SseDecoder, SseFrame},
    },
    secrets,
    text::{self, work},
};

/// How long to wait for the end of a body after `[DONE]`.
const END_OF_BODY_TIMEOUT: Duration = Duration::from_millis(50);

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A response whose headers have been received.
pub struct ResponseStream {
    /// The generation id from the response headers, known before the first event.
    pub generation_id: Option<String>,
    pub head: ResponseHead,
    response: Response,
    body: BodyState,
    ready: VecDeque<StreamEntry>,
    /// Sees all events in order, before anyone else.
    guard: SplitKeyGuard,
    /// Whether any SSE frame has been received.
    has_frames: bool,
    /// The error to return after everything in `ready`.
    pending_error: Option<ApiError>,
    idle_timeout: Duration,
    /// The raw frames since the last `take_recorded`, if recording is on.
    recorded: Option<Vec<RawFrame>>,
    route: Arc<NetworkRoute>,
}

/// An entry in the queue of what `next` returns.
enum StreamEntry {
    /// An event, and its payload if that is recorded.
    Event(Event, Option<Box<str>>),
    /// An event that the guard has let pass.
    Passed(Event),
    /// A piece of one that is very long; each comes in a batch of its own.
    Piece(Event),
    /// A long payload, to be parsed on another thread so that nothing else waits for it.
    LongPayload(String),
    /// A frame to record at this point.
    Raw(RawFrame),
}

/// How much of a page is read in search of its title, in bytes.
const MAX_PAGE_BYTES: usize = 64 * 1024;

/// A payload longer than this, in bytes, is parsed on another thread.
const LONG_PAYLOAD_BYTES: usize = 256 * 1024;

/// The most events in one batch, so that handling it never takes long.
const MAX_BATCH_EVENTS: usize = 512;

/// Part of a body as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawFrame {
    /// The payload of an event, or a whole body.
    Payload(Box<str>),
    /// The text of a comment, which only shows that the server is alive.
    Comment(Box<str>),
}

/// The form of the body, and how much of it has been read.
enum BodyState {
    /// Only white space has been received.
    Unknown(Vec<u8>),
    Stream(Box<SseDecoder>),
    /// One JSON object instead of a stream.
    Object(Vec<u8>),
    /// A web page in place of an answer.
    Page(Vec<u8>),
    /// `[DONE]` has been received, but not the end of the body.
    Done,
    Ended,
}

impl ResponseStream {
    pub(super) fn new(
        generation_id: Option<String>,
        head: ResponseHead,
        response: Response,
        idle_timeout: Duration,
        route: Arc<NetworkRoute>,
    ) -> Self {
        let body = BodyState::Unknown(Vec::new());
        Self {
            generation_id,
            head,
            response,
            body,
            ready: VecDeque::new(),
            guard: SplitKeyGuard::default(),
            has_frames: false,
            pending_error: None,
            idle_timeout,
            recorded: None,
            route,
        }
    }

    /// Starts recording what is received, for `take_recorded`.
    pub fn start_recording(&mut self) {
        self.recorded.get_or_insert_default();
    }

    /// Returns what was received since the last call.
    pub fn take_recorded(&mut self) -> Vec<RawFrame> {
        self.recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Returns the next event, or `None` at the end of the body. A comment becomes an `Event::KeepAlive`.
    ///
    /// # Errors
    /// Fails if the connection is lost or silent for too long.
    pub async fn next(&mut self) -> Option<Result<Event, ApiError>> {
        loop {
            match self.ready.pop_front() {
                Some(StreamEntry::Passed(event) | StreamEntry::Piece(event)) => return Some(Ok(event)),
                Some(StreamEntry::Event(event, raw)) => {
                    let mut passed = Vec::new();
                    let recorded = self.guard.pass(event, raw, |event| passed.push(event));
                    self.record(recorded);
                    for event in passed.into_iter().rev() {
                        self.push_passed(event);
                    }
                    continue;
                }
                Some(StreamEntry::LongPayload(json)) => {
                    let parsed = spawn_blocking(move || (Event::parse(&json), json.into_boxed_str())).await;
                    match parsed {
                        Ok((event, json)) => {
                            let raw = self.recorded.is_some().then_some(json);
                            self.ready.push_front(StreamEntry::Event(event, raw));
                        }
                        Err(error) => return Some(Err(ApiError::new(FaultKind::Garbage, text::error_words(&error)))),
                    }
                    continue;
                }
                Some(StreamEntry::Raw(raw)) => {
                    let recorded = self.guard.pass_frame(raw);
                    self.record(recorded);
                    continue;
                }
                None => (),
            }
            if self.pending_error.is_some() || matches!(self.body, BodyState::Ended) {
                let (guard, ready) = (&mut self.guard, &mut self.ready);
                let recorded = guard.finish(|event| ready.push_back(StreamEntry::Passed(event)));
                self.record(recorded);
                if !self.ready.is_empty() {
                    continue;
                }
            }
            if let Some(error) = self.pending_error.take() {
                return Some(Err(error));
            }
            match self.body {
                BodyState::Ended => return None,
                BodyState::Done => {
                    // A connection can be reused once it is read to the end, but that is not worth a long wait.
                    let _rest = with_timeout(END_OF_BODY_TIMEOUT, self.response.chunk()).await;
                    self.body = BodyState::Ended;
                }
                BodyState::Unknown(_) | BodyState::Stream(_) | BodyState::Object(_) | BodyState::Page(_) => {
                    self.read_chunk().await;
                }
            }
        }
    }

    /// Waits for at least one event and appends all that have arrived. Returns `false` at the end of the body.
    ///
    /// # Errors
    /// Fails if the connection is lost or silent for too long. Earlier events have been returned by then.
    pub async fn next_batch(&mut self, events: &mut Vec<Event>) -> Result<bool, ApiError> {
        match self.next().await {
            None => Ok(false),
            Some(event) => {
                events.push(event?);
                while self.take_ready(events) && events.len() < MAX_BATCH_EVENTS && self.read_arrived_chunk().await {}
                Ok(true)
            }
        }
    }

    /// Appends the events that are ready; `false` if another thread must parse the next one.
    fn take_ready(&mut self, events: &mut Vec<Event>) -> bool {
        while let Some(entry) = self.ready.pop_front() {
            match entry {
                StreamEntry::Passed(event) => events.push(event),
                StreamEntry::Event(event, raw) if !is_long(&event) => {
                    let recorded = self.guard.pass(event, raw, |event| events.push(event));
                    self.record(recorded);
                }
                StreamEntry::Raw(raw) => {
                    let recorded = self.guard.pass_frame(raw);
                    self.record(recorded);
                }
                long => {
                    self.ready.push_front(long);
                    return false;
                }
            }
        }
        true
    }

    /// Queues an event that is returned next; a very long text delta is split, so that handling it never takes long.
    fn push_passed(&mut self, event: Event) {
        match event {
            Event::Delta { target, text } if text.len() > LONG_PAYLOAD_BYTES => {
                for text in split_text(&text).into_iter().rev() {
                    let target = target.clone();
                    self.ready.push_front(StreamEntry::Piece(Event::Delta { target, text: text.to_owned() }));
                }
            }
            event => self.ready.push_front(StreamEntry::Passed(event)),
        }
    }

    /// Reads the next chunk if it has arrived; `false` if it has not. A server may send each event in its own chunk.
    async fn read_arrived_chunk(&mut self) -> bool {
        if !matches!(self.body, BodyState::Stream(_)) {
            return false;
        }
        let chunk = tokio::select! {
            biased;
            chunk = self.response.chunk() => chunk,
            // Not even a turn for the connection's task: the loop would sleep until its next frame meanwhile.
            () = std::future::ready(()) => return false,
        };
        self.on_chunk(Some(chunk));
        true
    }

    /// Waits for one chunk of the body.
    async fn read_chunk(&mut self) {
        let chunk = with_timeout(self.idle_timeout, self.response.chunk()).await;
        self.on_chunk(chunk);
    }

    /// Handles a chunk, the end of the body, a lost connection or, with `None`, a silence that lasted too long.
    fn on_chunk(&mut self, chunk: Option<Result<Option<Bytes>, reqwest::Error>>) {
        match chunk {
            Some(Ok(Some(bytes))) => {
                self.push_bytes(&bytes);
                if self.ready.iter().all(|next| matches!(next, StreamEntry::Raw(_))) && self.pending_error.is_none() {
                    self.ready.push_back(StreamEntry::Passed(Event::KeepAlive)); // A comment or half an event came in.
                }
            }
            Some(Ok(None)) => self.finish(),
            Some(Err(error)) => {
                self.finish();
                // An event cut off by the lost connection does not count; words do.
                for entry in &mut self.ready {
                    if let StreamEntry::Event(Event::Unreadable { raw }, recorded) = entry
                        && raw.trim_start().starts_with('{')
                    {
                        *entry = StreamEntry::Raw(RawFrame::Payload(recorded.take().unwrap_or_default()));
                    }
                }
                if let Some(last) = self.ready.back_mut()
                    && let StreamEntry::LongPayload(json) = last
                    && serde_json::from_str::<IgnoredAny>(json).is_err()
                {
                    *last = StreamEntry::Raw(RawFrame::Payload(std::mem::take(json).into()));
                }
                self.pending_error.get_or_insert_with(|| ApiError::from_transport(&error, &self.route));
            }
            None => {
                self.flush_words();
                let message = format!("no data arrived for {}", format_duration(self.idle_timeout));
                self.pending_error.get_or_insert_with(|| ApiError::new(FaultKind::Silence, message));
            }
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        match &mut self.body {
            BodyState::Unknown(begun) => {
                begun.extend_from_slice(bytes);
                drop_blanks(begun);
                match begun.first() {
                    None => (),
                    Some(b'{' | b'[') => self.body = BodyState::Object(std::mem::take(begun)),
                    Some(b'<') => {
                        self.body = BodyState::Page(std::mem::take(begun));
                        self.end_page_with_title();
                    }
                    Some(0xef) if begun.len() < BYTE_ORDER_MARK.len() => (),
                    Some(_) => {
                        let begun = std::mem::take(begun);
                        self.body = BodyState::Stream(Box::default());
                        self.push_bytes(&begun);
                    }
                }
            }
            BodyState::Object(whole) => {
                whole.extend_from_slice(bytes);
                if whole.len() > MAX_BODY_BYTES {
                    self.fail(FaultKind::Garbage, "the answer is too long");
                }
            }
            BodyState::Stream(decoder) => {
                let (ready, is_recording) = (&mut self.ready, self.recorded.is_some());
                let (mut is_done, mut is_too_long) = (false, false);
                let framed = &mut self.has_frames;
                decoder.push(bytes, |frame| {
                    *framed |= !matches!(frame, SseFrame::Stray(_));
                    match frame {
                        SseFrame::Stray(text) if !is_done => {
                            ready.push_back(StreamEntry::from_payload(text, is_recording));
                        }
                        SseFrame::Stray(_) => (),
                        SseFrame::Data(_) if is_done => (),
                        SseFrame::Data(json) => ready.push_back(StreamEntry::from_payload(json, is_recording)),
                        SseFrame::Comment(words) if is_recording => {
                            ready.push_back(StreamEntry::Raw(RawFrame::Comment(secrets::redact(words).into())));
                        }
                        SseFrame::Comment(_) => (),
                        SseFrame::Done => is_done = true,
                        SseFrame::TooLong => is_too_long = true,
                    }
                });
                if is_too_long {
                    self.fail(FaultKind::Garbage, "an event is too long");
                } else if is_done {
                    self.body = BodyState::Done;
                }
            }
            BodyState::Page(page) => {
                page.extend_from_slice(bytes);
                self.end_page_with_title();
            }
            BodyState::Done | BodyState::Ended => (),
        }
    }

    /// Ends a body that is a page as soon as its title is known, because the server may hold the connection open.
    fn end_page_with_title(&mut self) {
        let BodyState::Page(page) = &self.body else { return };
        let has_title = page.windows(7).any(|window| window.eq_ignore_ascii_case(b"</title"));
        if has_title || page.len() > MAX_PAGE_BYTES {
            self.end_page();
        }
    }

    fn end_page(&mut self) {
        let BodyState::Page(page) = &mut self.body else { return };
        let page = std::mem::take(page);
        self.body = BodyState::Ended;
        self.record([RawFrame::Payload(secrets::redact(&String::from_utf8_lossy(&page)).into())]);
        self.pending_error = Some(ApiError::from_response(200, &HeaderMap::new(), &page, Timestamp::now()));
    }

    /// Hands out words that are complete although the body has not ended; they may say why it fell silent.
    fn flush_words(&mut self) {
        self.end_page();
        if let BodyState::Stream(mut decoder) = std::mem::replace(&mut self.body, BodyState::Ended) {
            decoder.finish(|frame| {
                if let SseFrame::Stray(text) = frame {
                    self.ready.push_back(StreamEntry::from_payload(text, self.recorded.is_some()));
                }
            });
        }
    }

    /// Handles the end of the body.
    fn finish(&mut self) {
        self.end_page();
        match std::mem::replace(&mut self.body, BodyState::Ended) {
            BodyState::Unknown(_) | BodyState::Page(_) | BodyState::Done | BodyState::Ended => (),
            BodyState::Stream(mut decoder) => {
                let mut stray = None;
                decoder.finish(|frame| {
                    self.has_frames |= !matches!(frame, SseFrame::Stray(_));
                    match frame {
                        SseFrame::Data(json) => {
                            self.ready.push_back(StreamEntry::from_payload(json, self.recorded.is_some()));
                        }
                        SseFrame::Stray(text) => {
                            stray = Some(secrets::redact(&text).into_owned());
                            self.ready.push_back(StreamEntry::from_payload(text, self.recorded.is_some()));
                        }
                        SseFrame::Comment(_) | SseFrame::Done | SseFrame::TooLong => (),
                    }
                });
                if !self.has_frames {
                    self.fail(FaultKind::Garbage, no_stream_message(stray.as_deref()));
                }
            }
            BodyState::Object(whole) => {
                let whole = secrets::redact_owned(String::from_utf8_lossy(&whole).into_owned());
                self.record([RawFrame::Payload(whole.as_str().into())]);
                match Event::parse(&whole) {
                    Event::Unreadable { .. } | Event::Other { .. } => {
                        self.fail(FaultKind::Garbage, no_stream_message(None));
                    }
                    event => self.ready.push_back(StreamEntry::Passed(event)),
                }
            }
        }
    }

    fn record(&mut self, raw: impl IntoIterator<Item = RawFrame>) {
        if let Some(frames) = &mut self.recorded {
            frames.extend(raw);
        }
    }

    fn fail(&mut self, fault: FaultKind, message: impl Into<String>) {
        self.body = BodyState::Ended;
        self.pending_error = Some(ApiError::new(fault, message));
    }
}

fn no_stream_message(stray: Option<&str>) -> String {
    let message = "the server did not answer in the Responses API format".to_owned();
    match stray.and_then(ApiError::from_stray_text) {
        Some(error) => format!("{message}: {}", error.message),
        None => message,
    }
}

fn is_long(event: &Event) -> bool {
    matches!(event, Event::Delta { text, .. } if text.len() > LONG_PAYLOAD_BYTES)
}

fn split_text(text: &str) -> Vec<&str> {
    let mut rest = text;
    std::iter::from_fn(|| {
        let (piece, more) = rest.split_at(rest.floor_char_boundary(LONG_PAYLOAD_BYTES));
        rest = more;
        (!piece.is_empty()).then_some(piece)
    })
    .collect()
}

/// Drops a byte order mark and blanks from the beginning of a body, so that each is read once, however many come.
fn drop_blanks(begun: &mut Vec<u8>) {
    work::count_steps(begun.len());
    let text = begun.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begun).trim_ascii_start();
    begun.drain(..begun.len() - text.len());
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("generation", &self.generation_id).finish_non_exhaustive()
    }
}

impl StreamEntry {
    /// Returns the entry to queue for a payload.
    fn from_payload(json: String, is_recording: bool) -> Self {
        let json = secrets::redact_owned(json);
        if json.len() > LONG_PAYLOAD_BYTES {
            return Self::LongPayload(json);
        }
        let event = Event::parse(&json);
        Self::Event(event, is_recording.then(|| json.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_before_the_first_event_are_each_read_once() {
        let blanks = |count: usize| " \r\n".repeat(count);
        work::assert_linear("blanks", 3000, blanks, |blanks| {
            let mut begun = Vec::new();
            for byte in blanks.bytes() {
                begun.push(byte);
                drop_blanks(&mut begun);
            }
            assert!(begun.is_empty());
        });
    }

    #[test]
    fn a_byte_order_mark_is_dropped_in_whatever_pieces_it_comes() {
        let mut begun = Vec::new();
        for byte in b"\xef\xbb\xbf\n data" {
            begun.push(*byte);
            drop_blanks(&mut begun);
        }
        assert_eq!(begun, b"data");
    }
}
