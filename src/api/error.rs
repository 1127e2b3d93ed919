//! The error of a request, from sending it to the end of its answer.

mod classify;
mod parse;
mod transport;
mod words;

pub(super) use parse::status_text;
pub use transport::NetworkRoute;

use serde::{Deserialize, Serialize};

use super::{Effort, FreeQuota, request::ProviderRequirement};

/// A failed request: what happened, whose fault it is and what can be done.
///
/// The error card and the retry logic both work from this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub fault: FaultKind,
    /// The HTTP status, where one was received or named in the body.
    pub status: Option<u16>,
    /// The most specific code that the server gave, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// One cleaned sentence without a full stop, including the provider's message.
    pub message: String,
    /// How many seconds to wait before a retry, as reported by the server.
    pub retry_after: Option<u64>,
    pub provider: Option<String>,
    /// Details that decide which choices the error card offers.
    #[serde(default)]
    pub facts: Vec<ErrorFact>,
}

/// A kind of failure that needs its own handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No server was reached: connection refused, DNS, TLS or a proxy.
    Connect,
    /// The server sent nothing for too long.
    Silence,
    /// The connection was lost before the stream ended.
    Cut,
    /// The server answered 200 without content.
    Empty,
    /// The API key is missing, wrong or revoked.
    Key,
    /// There are no credits left, or the key's budget is used up.
    Credit,
    /// The request is not allowed: moderation, a guardrail, the region or a permission.
    Forbidden,
    /// There is no such model, or no provider that may serve it.
    Model,
    /// The request is too long for the model.
    Length,
    /// There were too many requests.
    Rate,
    /// The request is invalid in another way.
    Request,
    /// The server or the provider behind it is broken or overloaded.
    Server,
    /// The response is not one of this API.
    Garbage,
}

/// A detail that a server reported with a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorFact {
    /// 402: the credit covers only this many tokens.
    Affordable(u32),
    /// The history contains reasoning that only this endpoint can read.
    Pinned(String),
    /// The history contains reasoning from another model, or reasoning that was modified.
    ForeignReasoning,
    /// The model does not support the requested effort, only these.
    Efforts(Vec<Effort>),
    /// Reasoning cannot be turned off for this model.
    ReasoningMandatory,
    /// Whether a retry can help, according to the server.
    Retryable(bool),
    /// Today's free requests are used up.
    FreeQuotaOfTheDay,
    /// Why moderation or a guardrail rejected the request.
    Reasons(Vec<String>),
    /// Which requirements of the request excluded every provider, such as `data_policy:zdr`.
    ExcludedBy(Vec<String>),
    /// One of our requirements excluded every provider, and can be dropped.
    Relaxable(ProviderRequirement),
    /// How many free requests are left today.
    FreeQuota(FreeQuota),
    /// Models that the server suggests instead.
    FallbackModels(Vec<String>),
    /// The providers that were tried and failed before the last one.
    Tried(Vec<String>),
    /// The invalid parameter.
    Parameter(String),
    /// The server is not OpenRouter, so its key and credit are managed elsewhere.
    Elsewhere,
    /// Something between this machine and the server is at fault.
    Obstacle(NetworkObstacle),
    /// Items of a tool that another server ran cannot be read by this one.
    ForeignItems,
}

/// What between this machine and the server keeps a request from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkObstacle {
    /// The server's certificate is signed by an authority that is not trusted here, or by itself.
    UntrustedCertificate,
    /// The certificate was made for another name.
    WrongCertificateName,
    /// The certificate is not valid now.
    OutdatedCertificate,
    /// The two sides cannot agree on a secure connection.
    InsecureServer,
    /// The setting of a proxy cannot be read.
    ProxySetting,
    /// The proxy does not answer.
    DeadProxy,
    /// The proxy wants a name and a password, or others.
    ProxyLogin,
    /// The proxy does not let the request through.
    ProxyRefusal,
    /// Another machine on the way answered with its own page.
    Gateway,
}

impl ApiError {
    /// Creates an error that did not come from a server.
    pub fn new(fault: FaultKind, message: impl Into<String>) -> Self {
        Self {
            fault,
            status: None,
            code: None,
            message: message.into(),
            retry_after: None,
            provider: None,
            facts: Vec::new(),
        }
    }

    /// Returns what between this machine and the server is at fault, if anything.
    pub fn obstacle(&self) -> Option<NetworkObstacle> {
        self.facts.iter().find_map(|fact| match fact {
            ErrorFact::Obstacle(obstacle) => Some(*obstacle),
            _ => None,
        })
    }

    /// Returns how many attempts to make in total, including the first, while nothing is visible yet (reference: 6.2).
    pub fn max_attempts(&self) -> u32 {
        let is_retryable = self.facts.iter().find_map(|fact| match fact {
            ErrorFact::Retryable(retryable) => Some(*retryable),
            _ => None,
        });
        if is_retryable == Some(false) || self.facts.contains(&ErrorFact::FreeQuotaOfTheDay) {
            return 1;
        }
        match self.obstacle() {
            Some(NetworkObstacle::DeadProxy | NetworkObstacle::Gateway) | None => (),
            // They stay until somebody changes a setting.
            Some(
                NetworkObstacle::UntrustedCertificate
                | NetworkObstacle::WrongCertificateName
                | NetworkObstacle::OutdatedCertificate
                | NetworkObstacle::InsecureServer
                | NetworkObstacle::ProxySetting
                | NetworkObstacle::ProxyLogin
                | NetworkObstacle::ProxyRefusal,
            ) => return 1,
        }
        let usual = match self.fault {
            FaultKind::Connect | FaultKind::Cut | FaultKind::Rate => 4,
            FaultKind::Empty => 3,
            FaultKind::Silence => 2,
            FaultKind::Server => match self.status {
                Some(408) => 2,
                None | Some(500 | 504 | 524) => 3,
                Some(503) if is_retryable.is_none() && self.retry_after.is_none() && !self.is_overload() => 1,
                Some(_) => 4,
            },
            FaultKind::Key
            | FaultKind::Credit
            | FaultKind::Forbidden
            | FaultKind::Model
            | FaultKind::Length
            | FaultKind::Request
            | FaultKind::Garbage => 1,
        };
        if is_retryable == Some(true) { usual.max(4) } else { usual }
    }

    fn is_overload(&self) -> bool {
        let overload = ["provider_overloaded", "temporarily_unavailable", "server_is_overloaded", "slow_down"];
        self.code.as_deref().is_some_and(|code| overload.contains(&code))
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod shape_tests;
