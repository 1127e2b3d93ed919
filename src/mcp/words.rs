//! What went wrong with a server, in words that help.

use std::error::Error;

use rmcp::{
    ServiceError,
    service::ClientInitializeError,
    transport::streamable_http_client::{AuthRequiredError, InsufficientScopeError, StreamableHttpError},
};

use super::client::bounded;
use crate::tools::Failure;

/// Why a server did not come up.
pub fn start(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended before it said who it is".into(),
        ClientInitializeError::TransportError { error, .. } => of(error.error.as_ref()),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => start(fallback),
        ClientInitializeError::JsonRpcError(error) => {
            format!("it refused to begin: {} (error {})", bounded(&error.message), error.code.0)
        }
        ClientInitializeError::NoCompatibleProtocolVersion { server_supported, .. } => {
            let theirs: Vec<_> = server_supported.iter().map(rmcp::model::ProtocolVersion::as_str).collect();
            bounded(&format!("it speaks no version of the protocol that we do, only {}", theirs.join(", ")))
        }
        ClientInitializeError::ExpectedInitResponse(_)
        | ClientInitializeError::ExpectedInitResult(_)
        | ClientInitializeError::ConflictInitResponseId(..)
        | ClientInitializeError::UncorrelatedErrorResponse { .. } => {
            "it began with an answer to another question".into()
        }
        other => bounded(&other.to_string()),
    }
}

/// What a call that failed says of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    Nothing,
    /// Its answer is lost; perhaps the connection is.
    Answer,
    /// It is to be reached anew.
    Server(String),
}

/// Why a call came to nothing.
pub fn call(error: ServiceError) -> (Failure, Loss) {
    match error {
        ServiceError::McpError(error) => {
            (Failure::Refused(format!("{} (error {})", bounded(&error.message), error.code.0)), Loss::Nothing)
        }
        ServiceError::TransportSend(error) => {
            let why = of(error.error.as_ref());
            let loss = if is_answer(error.error.as_ref()) { Loss::Nothing } else { Loss::Server(why.clone()) };
            (Failure::Crashed(why), loss)
        }
        ServiceError::TransportClosed => {
            let what = "the connection was lost before it was whole, or it is larger than 16 MB";
            (Failure::Garbled(what.into()), Loss::Answer)
        }
        ServiceError::UnexpectedResponse => (Failure::Garbled("it is no result of a tool".into()), Loss::Nothing),
        other => (Failure::Garbled(bounded(&other.to_string())), Loss::Nothing),
    }
}

/// Somebody is there, and did not like it.
fn is_answer(error: &(dyn Error + 'static)) -> bool {
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

/// The first cause that says something. Tokens are in none of them.
fn of(error: &(dyn Error + 'static)) -> String {
    let mut next = Some(error);
    let mut last = String::new();
    while let Some(error) = next {
        if let Some(why) = known(error) {
            return why;
        }
        last = error.to_string();
        next = error.source();
    }
    bounded(&last)
}

fn known(error: &(dyn Error + 'static)) -> Option<String> {
    if error.is::<AuthRequiredError>() {
        return Some(refused(401));
    }
    if error.is::<InsufficientScopeError>() {
        return Some(refused(403));
    }
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>()? {
        StreamableHttpError::Client(error) => match error.status() {
            _ if error.is_connect() => Some("nobody answers at its address".into()),
            _ if error.is_timeout() => Some("it took too long to answer".into()),
            Some(status) => Some(refused(status.as_u16())),
            None => Some("the connection ended".into()),
        },
        StreamableHttpError::HttpStatus(status) => Some(refused(status.status)),
        StreamableHttpError::UnexpectedServerResponse(said) => {
            let status = said.strip_prefix("HTTP ").and_then(|rest| rest.get(..3)?.parse().ok());
            Some(status.map_or_else(|| bounded(said), refused))
        }
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            Some(format!("its answer is larger than {} MB", max_size >> 20))
        }
        StreamableHttpError::UnexpectedContentType(_) => Some("what answers there is no MCP server".into()),
        StreamableHttpError::UnexpectedEndOfStream => Some("the connection ended".into()),
        _ => None,
    }
}

fn refused(status: u16) -> String {
    match status {
        401 => "it wants a token, or another one (401); name its variable with bearer_env".into(),
        403 => "the token does not open it (403)".into(),
        404 => "there is no MCP server at this address (404)".into(),
        405 => "what answers there takes no messages (405)".into(),
        429 => "it is asked too often (429)".into(),
        status => format!("it answered with status {status}"),
    }
}
