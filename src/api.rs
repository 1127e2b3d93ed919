//! The Responses API: requests, streamed events and the list of models.

pub mod account;
pub mod catalogue;
pub mod client;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod item;
pub mod json;
pub mod local_servers;
pub mod money;
pub mod redaction;
pub mod request;
pub mod sign_in;
pub mod sse;

pub use account::{FREE_REQUESTS_PER_MINUTE, FreeQuota};
pub use catalogue::{Catalogue, Model};
pub use client::{ApiClient, HttpTimeouts, OpenError, RawFrame, ResponseStream, http_builder, is_loopback};
pub use endpoint::{ApiDialect, Endpoint};
pub use error::{ApiError, ErrorFact, FaultKind, NetworkObstacle};
pub use event::{Annotation, Event, Usage};
pub use item::OutputItem;
pub use local_servers::{LocalServer, ProbeResult};
pub use money::Usd;
pub use redaction::{KeyRedactor, ResponseHead, SentRequest};
pub use request::{Effort, Request};
