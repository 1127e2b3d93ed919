//! Errors below HTTP, distinguished by their cause.

use std::{error::Error as Cause, io, iter};

use rustls::CertificateError;

use super::{ApiError, ErrorFact, FaultKind, NetworkObstacle};
use crate::{
    api::client::{CertificateFile, ProxySetting},
    text,
};

/// How a client reaches its server, which decides whose fault a failure is.
#[derive(Debug, Clone, Default)]
pub struct NetworkRoute {
    pub proxy: Option<ProxySetting>,
    pub certificate_file: Option<CertificateFile>,
}

impl ApiError {
    /// Converts an error from reqwest, whether it occurred before the headers or within a body.
    pub fn from_transport(error: &reqwest::Error, route: &NetworkRoute) -> Self {
        let causes = ErrorCauses(iter::successors(Cause::source(error), |cause| (*cause).source()).collect());
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the server").to_owned();
        let host_and_port = match error.url().and_then(reqwest::Url::port) {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        if let Some(tls_error) = causes.tls_error() {
            return tls_failure(tls_error, &host_and_port, route);
        }
        // The order matters: a timeout within a stream is also a decoding error.
        if error.is_connect() {
            if let Some(failure) =
                route.proxy.as_ref().and_then(|proxy| causes.proxy_failure(proxy, error.is_timeout(), &host_and_port))
            {
                return failure;
            }
            let message = if error.is_timeout() {
                format!("{host_and_port} could not be reached in time")
            } else {
                causes.connect_message(&host, &host_and_port)
            };
            Self::new(FaultKind::Connect, message)
        } else if error.is_timeout() {
            Self::new(FaultKind::Silence, format!("{host_and_port} has been silent for too long"))
        } else if error.is_builder() {
            Self::new(FaultKind::Request, format!("this is not a valid address: {}", text::error_words(&error)))
        } else if causes.mention(&["gzip", "deflate", "invalid http", "invalid header", "invalid status", "too large"])
        {
            Self::new(FaultKind::Garbage, format!("{host_and_port} sent an invalid HTTP response"))
        } else {
            Self::new(FaultKind::Cut, format!("{host_and_port} dropped the connection"))
        }
    }

    fn with_obstacle(obstacle: NetworkObstacle, message: impl Into<String>) -> Self {
        Self { facts: vec![ErrorFact::Obstacle(obstacle)], ..Self::new(FaultKind::Connect, message) }
    }
}

/// Explains a failed handshake in plain words.
fn tls_failure(error: &rustls::Error, host: &str, route: &NetworkRoute) -> ApiError {
    let rustls::Error::InvalidCertificate(reason) = error else {
        let message = match error {
            rustls::Error::InvalidMessage(_) => format!("{host} does not answer in TLS; it may expect http://"),
            error => format!("no secure connection to {host}: {}", text::error_words(error)),
        };
        return ApiError::with_obstacle(NetworkObstacle::InsecureServer, message);
    };
    let remark = || {
        let remark = route.certificate_file.as_ref().map(CertificateFile::remark);
        remark.map(|remark| format!("; {remark}")).unwrap_or_default()
    };
    match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ApiError::with_obstacle(
            NetworkObstacle::WrongCertificateName,
            format!("the certificate of {host} was made for another name"),
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => ApiError::with_obstacle(
            NetworkObstacle::OutdatedCertificate,
            format!("the certificate of {host} has expired"),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => ApiError::with_obstacle(
            NetworkObstacle::OutdatedCertificate,
            format!("the certificate of {host} is not valid yet"),
        ),
        CertificateError::UnknownIssuer => ApiError::with_obstacle(
            NetworkObstacle::UntrustedCertificate,
            format!(
                "the certificate of {host} is signed by an authority that is not known here, or by itself{}",
                remark()
            ),
        ),
        CertificateError::Other(reason) if reason.to_string().contains("CaUsedAsEndEntity") => ApiError::with_obstacle(
            NetworkObstacle::UntrustedCertificate,
            format!("the certificate of {host} is signed by itself{}", remark()),
        ),
        reason => ApiError::with_obstacle(
            NetworkObstacle::UntrustedCertificate,
            format!("the certificate of {host} was refused: {reason}{}", remark()),
        ),
    }
}

/// The chain of causes of a failure, the root cause last.
struct ErrorCauses<'a>(Vec<&'a (dyn Cause + 'static)>);

impl ErrorCauses<'_> {
    fn connect_message(&self, host: &str, host_and_port: &str) -> String {
        let root_cause = self.root_cause();
        if self.is_dns_failure() {
            format!("the name {host} could not be resolved; is the network up?")
        } else if self.include_refusal() {
            format!("nothing is listening at {host_and_port}")
        } else {
            format!("no connection to {host_and_port}: {root_cause}")
        }
    }

    /// Explains a failure that is the proxy's; `None` if the proxy did its part.
    fn proxy_failure(&self, proxy: &ProxySetting, is_timeout: bool, server: &str) -> Option<ApiError> {
        let label = proxy.label();
        if self.mention(&["authorization required", "authentication", "auth method", "no acceptable"]) {
            let message = format!("the proxy {label} wants a name and a password, or different ones");
            return Some(ApiError::with_obstacle(NetworkObstacle::ProxyLogin, message));
        }
        let is_dead =
            |why: String| Some(ApiError::with_obstacle(NetworkObstacle::DeadProxy, format!("the proxy {label} {why}")));
        if is_timeout {
            return is_dead("did not answer in time".into());
        }
        if self.is_dns_failure() || self.mention(&["could not resolve"]) {
            if proxy.resolves_here && !proxy.name.contains(|c: char| c.is_ascii_alphabetic()) {
                return None; // The name of the server is looked up here.
            }
            return is_dead("has a name that could not be resolved".into());
        }
        if self.include_refusal() {
            return is_dead("is not running: nothing is listening there".into());
        }
        // For SOCKS the reason itself is lost on the way here.
        if self.mention(&["failed to create underlying connection"]) {
            return is_dead("is not running, or cannot be reached from here".into());
        }
        if self.mention(&["tunnel error: unsuccessful", "socks error: command", "not allowed by ruleset"]) {
            let message = format!("the proxy {label} did not allow a connection to {server}");
            return Some(ApiError::with_obstacle(NetworkObstacle::ProxyRefusal, message));
        }
        is_dead(format!("made no connection to {server}: {}", self.root_cause()))
    }

    fn root_cause(&self) -> String {
        self.0.last().map(text::error_words).unwrap_or_default()
    }

    fn is_dns_failure(&self) -> bool {
        self.mention(&["dns error", "failed to lookup address"])
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

    fn tls_error(&self) -> Option<&rustls::Error> {
        self.0.iter().find_map(|cause| find_tls_error(*cause))
    }
}

/// Returns the error of TLS. `io::Error::source` skips the wrapped error itself, so that one is checked too.
fn find_tls_error<'a>(cause: &'a (dyn Cause + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = || cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.downcast_ref().or_else(|| find_tls_error(wrapped()?))
}
