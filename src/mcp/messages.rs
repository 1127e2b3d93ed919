//! Error messages for servers.

use std::error::Error;

use rmcp::{
    ServiceError,
    service::ClientInitializeError,
    transport::streamable_http_client::{AuthRequiredError, InsufficientScopeError, StreamableHttpError},
};

use super::{client::bounded_line, output_lines::TOO_LONG_CODE};
use crate::tools::ToolFailure;

/// Explains why a server failed to start.
pub(super) fn start_message(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended before it introduced itself".into(),
        ClientInitializeError::TransportError { error, .. } => cause_message(error.error.as_ref()),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => start_message(fallback),
        ClientInitializeError::JsonRpcError(error) => {
            format!("it refused the connection: {} (error {})", bounded_line(&error.message), error.code.0)
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
        ServiceError::McpError(error) => (
            ToolFailure::Refused(format!("{} (error {})", bounded_line(&error.message), error.code.0)),
            CallLoss::Nothing,
        ),
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
    let mut next = Some(error);
    let mut last = String::new();
    while let Some(error) = next {
        if let Some(why) = known_cause(error) {
            return why;
        }
        last = error.to_string();
        next = error.source();
    }
    bounded_line(&last)
}

fn known_cause(error: &(dyn Error + 'static)) -> Option<String> {
    if error.is::<AuthRequiredError>() {
        return Some(status_message(401));
    }
    if error.is::<InsufficientScopeError>() {
        return Some(status_message(403));
    }
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>()? {
        StreamableHttpError::Client(error) => match error.status() {
            _ if error.is_connect() => Some("nothing answers at its address".into()),
            _ if error.is_timeout() => Some("it took too long to answer".into()),
            Some(status) => Some(status_message(status.as_u16())),
            None => Some("the connection ended".into()),
        },
        StreamableHttpError::HttpStatus(status) => Some(status_message(status.status)),
        StreamableHttpError::UnexpectedServerResponse(said) => {
            let status = said.strip_prefix("HTTP ").and_then(|rest| rest.get(..3)?.parse().ok());
            Some(status.map_or_else(|| bounded_line(said), status_message))
        }
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            Some(format!("its answer is larger than {} MB", max_size >> 20))
        }
        StreamableHttpError::UnexpectedContentType(_) => Some("what answers there is not an MCP server".into()),
        StreamableHttpError::UnexpectedEndOfStream => Some("the connection ended".into()),
        _ => None,
    }
}

fn status_message(status: u16) -> String {
    match status {
        401 => "it needs a token, or a different one (401); name its variable with bearer_env".into(),
        403 => "the token does not give access (403)".into(),
        404 => "there is no MCP server at this address (404)".into(),
        405 => "what answers there does not accept messages (405)".into(),
        429 => "it gets too many requests (429)".into(),
        status => format!("it answered with status {status}"),
    }
}
