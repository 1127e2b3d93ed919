//! Errors below HTTP, distinguished by their cause.

use std::{error::Error as Cause, io, iter};

use super::{ApiError, FaultKind};

impl ApiError {
    /// Converts an error from reqwest, whether it occurred before the headers or within a body.
    pub fn from_transport(error: &reqwest::Error) -> Self {
        let causes = ErrorCauses(iter::successors(Cause::source(error), |cause| (*cause).source()).collect());
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the server").to_owned();
        let host_and_port = match error.url().and_then(reqwest::Url::port) {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        // The order matters: a timeout within a stream is also a decoding error.
        if error.is_connect() {
            let message = if error.is_timeout() {
                format!("{host_and_port} could not be reached in time")
            } else {
                causes.connect_message(&host, &host_and_port)
            };
            Self::new(FaultKind::Connect, message)
        } else if error.is_timeout() {
            Self::new(FaultKind::Silence, format!("{host_and_port} has been silent for too long"))
        } else if error.is_builder() {
            Self::new(FaultKind::Request, format!("this is not a valid address: {error}"))
        } else if causes.mention(&["gzip", "deflate", "invalid http", "invalid header", "invalid status", "too large"])
        {
            Self::new(FaultKind::Garbage, format!("{host_and_port} sent an invalid HTTP response"))
        } else {
            Self::new(FaultKind::Cut, format!("{host_and_port} dropped the connection"))
        }
    }
}

/// The chain of causes of a failure, the root cause last.
struct ErrorCauses<'a>(Vec<&'a (dyn Cause + 'static)>);

impl ErrorCauses<'_> {
    fn connect_message(&self, host: &str, host_and_port: &str) -> String {
        let root_cause = self.0.last().map(ToString::to_string).unwrap_or_default();
        if self.mention(&["dns error", "failed to lookup address"]) {
            format!("the name {host} could not be resolved; is the network up?")
        } else if self.0.iter().any(|cause| is_tls_error(*cause)) {
            format!("no secure connection to {host_and_port}: {root_cause}")
        } else if self.mention(&["tunnel", "proxy", "socks"]) {
            format!("the proxy did not allow a connection to {host_and_port}: {root_cause}")
        } else if self.include_refusal() {
            format!("nothing is listening at {host_and_port}")
        } else {
            format!("no connection to {host_and_port}: {root_cause}")
        }
    }

    fn mention(&self, words: &[&str]) -> bool {
        self.0.iter().any(|cause| {
            let text = cause.to_string().to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    }

    fn include_refusal(&self) -> bool {
        let errors = self.0.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        errors.into_iter().any(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// Returns whether TLS failed. `io::Error::source` skips the wrapped error itself, so that one is checked too.
fn is_tls_error(cause: &(dyn Cause + 'static)) -> bool {
    let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| is_tls_error(wrapped))
}
