//! Error messages for servers.

use std::error::Error;

use rmcp::{
    ErrorData, ServiceError,
    service::ClientInitializeError,
    transport::streamable_http_client::{AuthRequiredError, InsufficientScopeError, StreamableHttpError},
};

use super::{
    client::bounded_line,
    replies::{GARBLED_CODE, LOST_CODE, TOO_LONG_CODE, WORDS_CODE, words_in},
};
use crate::tools::ToolFailure;

/// Explains why a server failed to start.
pub(super) fn start_message(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended before it introduced itself".into(),
        ClientInitializeError::TransportError { error, .. } => cause_message(error.error.as_ref()),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => start_message(fallback),
        ClientInitializeError::JsonRpcError(error) => {
            format!("it refused the connection: {}", error_text(error))
        }
        ClientInitializeError::NoCompatibleProtocolVersion { server_supported, .. } => {
            let theirs: Vec<_> = server_supported.iter().map(rmcp::model::ProtocolVersion::as_str).collect();
            bounded_line(&format!("it supports no protocol version that ibid does, only {}", theirs.join(", ")))
        }
        ClientInitializeError::ExpectedInitResponse(_)
        | ClientInitializeError::ExpectedInitResult(_)
        | ClientInitializeError::ConflictInitResponseId(..)
        | ClientInitializeError::UncorrelatedErrorResponse { .. } => {
            "its first answer was to a different request".into()
        }
        other => bounded_line(&other.to_string()),
    }
}

/// Whether the server answers, but not to us: asking again without another token is of no use.
pub(super) fn is_access_refused(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::TransportError { error, .. } => {
            causes(error.error.as_ref()).find_map(status_of).is_some_and(|status| matches!(status, 401 | 403))
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => is_access_refused(fallback),
        _ => false,
    }
}

/// The words of an error, with its code if the server gave one.
fn error_text(error: &ErrorData) -> String {
    let more = error.data.as_ref().and_then(words_in).filter(|more| !error.message.contains(more.as_str()));
    let words = more.map_or_else(|| error.message.to_string(), |more| format!("{}: {more}", error.message));
    let words = bounded_line(&words);
    if error.code.0 == WORDS_CODE { words } else { format!("{words} (error {})", error.code.0) }
}

/// What a failed call implies for its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallLoss {
    Nothing,
    /// The answer is lost, and perhaps the connection.
    Answer,
    /// The connection is lost, and must be made again.
    Server(String),
}

/// Explains why a call failed.
pub(super) fn call_failure(error: ServiceError) -> (ToolFailure, CallLoss) {
    match error {
        ServiceError::McpError(error) if error.code.0 == TOO_LONG_CODE => {
            (ToolFailure::Garbled("it is larger than 16 MB".into()), CallLoss::Nothing)
        }
        ServiceError::McpError(error) if error.code.0 == GARBLED_CODE => {
            (ToolFailure::Garbled(bounded_line(&error.message)), CallLoss::Nothing)
        }
        ServiceError::McpError(error) if error.code.0 == LOST_CODE => {
            let why = bounded_line(&error.message);
            (ToolFailure::Crashed(why.clone()), CallLoss::Server(why))
        }
        ServiceError::McpError(error) => (ToolFailure::Refused(error_text(&error)), CallLoss::Nothing),
        ServiceError::TransportSend(error) => {
            let why = cause_message(error.error.as_ref());
            let loss =
                if is_server_answer(error.error.as_ref()) { CallLoss::Nothing } else { CallLoss::Server(why.clone()) };
            (ToolFailure::Crashed(why), loss)
        }
        ServiceError::TransportClosed => {
            let reason = "the connection was lost before it was complete, or it is larger than 16 MB";
            (ToolFailure::Garbled(reason.into()), CallLoss::Answer)
        }
        ServiceError::UnexpectedResponse => (ToolFailure::Garbled("it is not a tool result".into()), CallLoss::Nothing),
        other => (ToolFailure::Garbled(bounded_line(&other.to_string())), CallLoss::Nothing),
    }
}

/// Whether the server is reachable and answered the request.
fn is_server_answer(error: &(dyn Error + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() else { return false };
    match error {
        StreamableHttpError::AuthRequired(_)
        | StreamableHttpError::InsufficientScope(_)
        | StreamableHttpError::HttpStatus(_)
        | StreamableHttpError::UnexpectedServerResponse(_)
        | StreamableHttpError::UnexpectedContentType(_)
        | StreamableHttpError::ResponseBodyTooLarge { .. }
        | StreamableHttpError::Deserialize(_) => true,
        StreamableHttpError::Client(error) => error.status().is_some(),
        _ => false,
    }
}

/// Returns the first cause that explains the error. None of them contains a token.
fn cause_message(error: &(dyn Error + 'static)) -> String {
    let known = causes(error).find_map(known_cause);
    known.unwrap_or_else(|| bounded_line(&causes(error).last().map(ToString::to_string).unwrap_or_default()))
}

/// An error and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The status of the answer that an error is about.
fn status_of(error: &(dyn Error + 'static)) -> Option<u16> {
    if error.is::<AuthRequiredError>() {
        return Some(401);
    }
    if error.is::<InsufficientScopeError>() {
        return Some(403);
    }
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>()? {
        StreamableHttpError::Client(error) => Some(error.status()?.as_u16()),
        StreamableHttpError::HttpStatus(status) => Some(status.status),
        StreamableHttpError::UnexpectedServerResponse(said) => said.strip_prefix("HTTP ")?.get(..3)?.parse().ok(),
        _ => None,
    }
}

fn known_cause(error: &(dyn Error + 'static)) -> Option<String> {
    let http_error = error.downcast_ref::<StreamableHttpError<reqwest::Error>>();
    if let Some(status) = status_of(error) {
        let words = match http_error {
            Some(StreamableHttpError::UnexpectedServerResponse(said)) => said.split_once(": ").map(|(_, words)| words),
            _ => None,
        };
        let message = status_message(status);
        return Some(words.map_or(message.clone(), |words| bounded_line(&format!("{message}: {words}"))));
    }
    match http_error? {
        StreamableHttpError::Client(error) => match error {
            _ if error.is_connect() => Some("nothing answers at its address".into()),
            _ if error.is_timeout() => Some("it took too long to answer".into()),
            _ => Some("the connection ended".into()),
        },
        StreamableHttpError::UnexpectedServerResponse(said) => Some(bounded_line(said)),
        StreamableHttpError::SessionExpired => Some("it no longer knows the session".into()),
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            Some(format!("its answer is larger than {} MB", max_size >> 20))
        }
        StreamableHttpError::UnexpectedContentType(_) => Some("what answers there is not an MCP server".into()),
        StreamableHttpError::UnexpectedEndOfStream => Some("the connection ended".into()),
        _ => None,
    }
}

pub(super) fn status_message(status: u16) -> String {
    match status {
        401 => "it needs a token, or a different one (401); name its variable with bearer_env".into(),
        403 => "the token does not give access (403)".into(),
        404 => "there is no MCP server at this address (404)".into(),
        405 => "what answers there does not accept messages (405)".into(),
        429 => "it gets too many requests (429)".into(),
        status => format!("it answered with status {status}"),
    }
}
