//! Failures below HTTP, told apart by what caused them.

use std::{error::Error as Cause, io, iter};

use super::{Error, Fault};

impl Error {
    /// What reqwest reports, before the headers or in the middle of a body.
    pub fn of_transport(error: &reqwest::Error) -> Self {
        let causes = Causes(iter::successors(Cause::source(error), |cause| (*cause).source()).collect());
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the server").to_owned();
        let place = match error.url().and_then(reqwest::Url::port) {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        // A silence in mid-stream is also an error of decoding, so the order matters.
        if error.is_connect() {
            let words = if error.is_timeout() {
                format!("{place} could not be reached in time")
            } else {
                causes.of_no_connection(&host, &place)
            };
            Self::new(Fault::Connect, words)
        } else if error.is_timeout() {
            Self::new(Fault::Silence, format!("{place} has been silent for too long"))
        } else if error.is_builder() {
            Self::new(Fault::Request, format!("this is not an address that can be asked: {error}"))
        } else if causes.say(&["gzip", "deflate", "invalid http", "invalid header", "invalid status", "too large"]) {
            Self::new(Fault::Garbage, format!("{place} does not speak HTTP as it should"))
        } else {
            Self::new(Fault::Cut, format!("{place} broke off the connection"))
        }
    }
}

/// What caused a failure, the deepest last.
struct Causes<'a>(Vec<&'a (dyn Cause + 'static)>);

impl Causes<'_> {
    fn of_no_connection(&self, host: &str, place: &str) -> String {
        let deepest = self.0.last().map(ToString::to_string).unwrap_or_default();
        if self.say(&["dns error", "failed to lookup address"]) {
            format!("the name {host} could not be found; is there a network?")
        } else if self.0.iter().any(|cause| is_of_tls(*cause)) {
            format!("no secure connection to {place}: {deepest}")
        } else if self.say(&["tunnel", "proxy", "socks"]) {
            format!("the proxy did not let us through to {place}: {deepest}")
        } else if self.are_refusal() {
            format!("nothing listens at {place}")
        } else {
            format!("no connection to {place}: {deepest}")
        }
    }

    fn say(&self, words: &[&str]) -> bool {
        self.0.iter().any(|cause| {
            let text = cause.to_string().to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    }

    fn are_refusal(&self) -> bool {
        let errors = self.0.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        errors.into_iter().any(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// An `io::Error` shows the source of what it wraps, and not what it wraps.
fn is_of_tls(cause: &(dyn Cause + 'static)) -> bool {
    let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| is_of_tls(wrapped))
}
