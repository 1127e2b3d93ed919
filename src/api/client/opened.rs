//! An answer on its way: its body, piece by piece, as events.

use std::{collections::VecDeque, fmt, time::Duration};

use jiff::Timestamp;
use reqwest::{Response, header::HeaderMap};
use serde::de::IgnoredAny;
use tokio::task::spawn_blocking;

use super::{LONGEST_BODY, spell, within};
use crate::api::{
    Error, Event, Fault, Head,
    sse::{Decoder, Frame},
};

const PATIENCE_FOR_THE_END: Duration = Duration::from_millis(50);

/// A response whose headers have come.
pub struct Opened {
    /// From the response header, before the first event.
    pub generation: Option<String>,
    pub head: Head,
    response: Response,
    body: Body,
    ready: VecDeque<Ready>,
    /// Something that is the frame of a stream has come.
    framed: bool,
    /// Told behind what is ready.
    failed: Option<Error>,
    silence: Duration,
    /// What came, as it came, where somebody wants it.
    raw: Option<Vec<Raw>>,
}

/// What comes next.
enum Ready {
    Event(Event),
    /// An event that takes long to parse: nothing else of the program waits for it.
    Long(String),
    /// One that was long, in pieces that are handed out one by one.
    Pieces(VecDeque<Event>),
    /// What was said there, for somebody who wants it.
    Raw(Raw),
}

/// A payload beyond this, in bytes, is parsed on another thread.
const LONG: usize = 256 * 1024;

/// A piece of a body as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// The payload of an event, or a whole body.
    Payload(Box<str>),
    /// The words of a comment, which only says that the server is alive.
    Comment(Box<str>),
}

/// What a body turned out to be.
enum Body {
    /// Nothing but white space has come.
    Unknown(Vec<u8>),
    Stream(Box<Decoder>),
    /// One JSON object instead of a stream.
    Whole(Vec<u8>),
    /// `[DONE]` has come, the end of the body has not.
    Done,
    Over,
}

impl Opened {
    pub(super) fn new(generation: Option<String>, head: Head, response: Response, silence: Duration) -> Self {
        let body = Body::Unknown(Vec::new());
        Self {
            generation,
            head,
            response,
            body,
            ready: VecDeque::new(),
            framed: false,
            failed: None,
            silence,
            raw: None,
        }
    }

    /// Keeps what comes as text too, for `take_raw`.
    pub fn keep_raw(&mut self) {
        self.raw.get_or_insert_default();
    }

    /// What came since the last call.
    pub fn take_raw(&mut self) -> Vec<Raw> {
        self.raw.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The next event; `None` at the end of the body. Comments come as `Event::KeepAlive`.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        loop {
            match self.ready.pop_front() {
                Some(Ready::Event(event)) => return Some(Ok(event)),
                Some(Ready::Long(json)) => {
                    let parsed = spawn_blocking(move || (pieces(Event::parse(&json)), json.into_boxed_str())).await;
                    match parsed {
                        Ok((events, json)) => {
                            self.ready.push_front(Ready::Pieces(events));
                            self.keep(Raw::Payload(json));
                        }
                        Err(error) => return Some(Err(Error::new(Fault::Garbage, error.to_string()))),
                    }
                    continue;
                }
                Some(Ready::Pieces(mut events)) => {
                    let Some(event) = events.pop_front() else { continue };
                    self.ready.push_front(Ready::Pieces(events));
                    return Some(Ok(event));
                }
                Some(Ready::Raw(raw)) => {
                    self.keep(raw);
                    continue;
                }
                None => (),
            }
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            match self.body {
                Body::Over => return None,
                Body::Done => {
                    // Read to its very end a connection can be used again; it is not worth waiting for.
                    let _rest = within(PATIENCE_FOR_THE_END, self.response.chunk()).await;
                    self.body = Body::Over;
                }
                Body::Unknown(_) | Body::Stream(_) | Body::Whole(_) => self.read().await,
            }
        }
    }

    /// Waits for at least one event and adds all that have come by then; `false` at the end of the body.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long. The events before that were handed out before.
    pub async fn next_batch(&mut self, events: &mut Vec<Event>) -> Result<bool, Error> {
        match self.next().await {
            None => Ok(false),
            Some(event) => {
                events.push(event?);
                loop {
                    match self.ready.pop_front() {
                        Some(Ready::Event(event)) => events.push(event),
                        Some(Ready::Raw(raw)) => self.keep(raw),
                        Some(long) => {
                            self.ready.push_front(long);
                            return Ok(true);
                        }
                        None => return Ok(true),
                    }
                }
            }
        }
    }

    /// Reads one piece of the body.
    async fn read(&mut self) {
        match within(self.silence, self.response.chunk()).await {
            Some(Ok(Some(bytes))) => {
                self.take(&bytes);
                if self.ready.iter().all(|next| matches!(next, Ready::Raw(_))) && self.failed.is_none() {
                    self.ready.push_back(Ready::Event(Event::KeepAlive)); // A sign of life: a comment, or half an event.
                }
            }
            Some(Ok(None)) => self.finish(),
            Some(Err(error)) => {
                self.finish();
                // The piece of an event that a cut left behind is none.
                self.ready.retain(|next| !matches!(next, Ready::Event(Event::Unreadable { .. })));
                if let Some(last) = self.ready.back_mut()
                    && let Ready::Long(json) = last
                    && serde_json::from_str::<IgnoredAny>(json).is_err()
                {
                    *last = Ready::Raw(Raw::Payload(std::mem::take(json).into()));
                }
                self.failed = Some(Error::of_transport(&error));
            }
            None => self.fail(Fault::Silence, format!("nothing came for {}", spell(self.silence))),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        match &mut self.body {
            Body::Unknown(begun) => {
                begun.extend_from_slice(bytes);
                let text = begun.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begun).trim_ascii_start();
                match text.first() {
                    None => (),
                    Some(b'{' | b'[') => self.body = Body::Whole(text.to_vec()),
                    Some(b'<') => {
                        let error = Error::of_response(200, &HeaderMap::new(), text, Timestamp::now());
                        let page = Raw::Payload(String::from_utf8_lossy(text).into());
                        self.body = Body::Over;
                        self.keep(page);
                        self.failed = Some(error);
                    }
                    Some(_) => {
                        let begun = std::mem::take(begun);
                        self.body = Body::Stream(Box::default());
                        self.take(&begun);
                    }
                }
            }
            Body::Whole(whole) => {
                whole.extend_from_slice(bytes);
                if whole.len() > LONGEST_BODY {
                    self.fail(Fault::Garbage, "the answer is too long to be one");
                }
            }
            Body::Stream(decoder) => {
                let (ready, recorded) = (&mut self.ready, self.raw.is_some());
                let (mut over, mut too_long) = (false, false);
                let framed = &mut self.framed;
                decoder.push(bytes, |frame| {
                    *framed = true;
                    match frame {
                        Frame::Data(_) if over => (),
                        Frame::Data(json) => ready.extend(Ready::of(json, recorded)),
                        Frame::Comment(words) if recorded => {
                            ready.push_back(Ready::Raw(Raw::Comment(words.into())));
                        }
                        Frame::Comment(_) => (),
                        Frame::Done => over = true,
                        Frame::TooLong => too_long = true,
                    }
                });
                if too_long {
                    self.fail(Fault::Garbage, "an event is too long to be one");
                } else if over {
                    self.body = Body::Done;
                }
            }
            Body::Done | Body::Over => (),
        }
    }

    /// The body has ended.
    fn finish(&mut self) {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Unknown(_) | Body::Done | Body::Over => (),
            Body::Stream(mut decoder) => {
                decoder.finish(|frame| {
                    self.framed = true;
                    if let Frame::Data(json) = frame {
                        self.ready.extend(Ready::of(json, self.raw.is_some()));
                    }
                });
                if !self.framed {
                    self.fail(Fault::Garbage, "what the server sent is not an answer of this API");
                }
            }
            Body::Whole(whole) => {
                let whole = String::from_utf8_lossy(&whole);
                self.keep(Raw::Payload((&*whole).into()));
                match Event::parse(&whole) {
                    Event::Unreadable { .. } | Event::Other { .. } => {
                        self.fail(Fault::Garbage, "what the server sent is not an answer of this API");
                    }
                    event => self.ready.push_back(Ready::Event(event)),
                }
            }
        }
    }

    fn keep(&mut self, raw: Raw) {
        if let Some(kept) = &mut self.raw {
            kept.push(raw);
        }
    }

    fn fail(&mut self, fault: Fault, message: impl Into<String>) {
        self.body = Body::Over;
        self.failed = Some(Error::new(fault, message));
    }
}

/// More of a text than one can take in at once comes in pieces.
fn pieces(event: Event) -> VecDeque<Event> {
    match event {
        Event::Delta { place, text } => {
            let mut rest = text.as_str();
            std::iter::from_fn(|| {
                let (piece, more) = rest.split_at(rest.floor_char_boundary(LONG));
                rest = more;
                (!piece.is_empty()).then(|| Event::Delta { place: place.clone(), text: piece.to_owned() })
            })
            .collect()
        }
        event => [event].into(),
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Ready {
    /// What is to do with a payload.
    fn of(json: String, recorded: bool) -> impl Iterator<Item = Self> {
        let (raw, event) = if json.len() > LONG {
            (None, Self::Long(json)) // It is kept when it was parsed.
        } else {
            let event = Event::parse(&json);
            (recorded.then(|| Self::Raw(Raw::Payload(json.into()))), Self::Event(event))
        };
        raw.into_iter().chain([event])
    }
}
