//! Failures below HTTP, told apart by what caused them.

use std::{error::Error as Cause, io, iter};

use super::{Error, Fault};

impl Error {
    /// What reqwest reports, before the headers or in the middle of a body.
    pub fn of_transport(error: &reqwest::Error) -> Self {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the server").to_owned();
        let place = error.url().map_or_else(
            || host.clone(),
            |url| match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.clone(),
            },
        );
        let causes: Vec<_> = iter::successors(Cause::source(error), |cause| (*cause).source()).collect();
        let says = |words: &[&str]| {
            causes.iter().any(|cause| {
                let text = cause.to_string().to_lowercase();
                words.iter().any(|word| text.contains(word))
            })
        };
        let io_kind = causes.iter().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        if error.is_connect() {
            let why = if error.is_timeout() {
                format!("{place} could not be reached in time")
            } else if says(&["dns error", "failed to lookup address"]) {
                format!("the name {host} could not be found; is there a network?")
            } else if causes.iter().any(|cause| is_of_tls(*cause)) || says(&["certificate", "tls handshake"]) {
                let last = causes.last().map(ToString::to_string).unwrap_or_default();
                format!("no secure connection to {place}: {last}")
            } else if says(&["tunnel", "proxy", "socks"]) {
                let last = causes.last().map(ToString::to_string).unwrap_or_default();
                format!("the proxy did not let us through to {place}: {last}")
            } else if io_kind == Some(io::ErrorKind::ConnectionRefused) {
                format!("nothing listens at {place}")
            } else {
                let last = causes.last().map(ToString::to_string).unwrap_or_default();
                format!("no connection to {place}: {last}")
            };
            return Self::new(Fault::Connect, why);
        }
        if error.is_timeout() {
            return Self::new(Fault::Silence, format!("{place} has been silent for too long"));
        }
        if error.is_builder() {
            return Self::new(Fault::Request, format!("this is not an address that can be asked: {error}"));
        }
        if says(&["gzip", "deflate", "invalid http version", "invalid header", "invalid status", "invalid chunk"]) {
            return Self::new(Fault::Garbage, format!("{place} does not speak HTTP as it should"));
        }
        Self::new(Fault::Cut, format!("{place} broke off the connection"))
    }
}

/// An `io::Error` shows the source of what it wraps, and not what it wraps.
fn is_of_tls(cause: &(dyn Cause + 'static)) -> bool {
    let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| is_of_tls(wrapped))
}
