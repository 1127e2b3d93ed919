//! One request to one server, and the stream that answers it.

use super::{Endpoint, Error, Event, Request};

/// Opens streams at one endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    pub endpoint: Endpoint,
}

/// A response whose headers have come.
#[derive(Debug)]
pub struct Opened {
    /// From the response header, before the first event.
    pub generation: Option<String>,
}

impl Client {
    /// # Errors
    /// When the system's TLS roots cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, Error> {
        Ok(Self { endpoint })
    }

    /// Sends the request and waits for the headers of its answer.
    ///
    /// # Errors
    /// Everything before the first event, classified.
    pub async fn open(&self, _request: &Request) -> Result<Opened, Error> {
        todo!()
    }
}

impl Opened {
    /// The next event; `None` at the end of the body.
    ///
    /// # Errors
    /// The connection broke, or was silent for too long.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        todo!()
    }
}
