//! The wire: one request, one stream of events, one list of models.

pub mod account;
pub mod client;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod item;
pub mod json;
pub mod models;
pub mod money;
pub mod request;
pub mod sent;
pub mod sse;

pub use account::{FREE_REQUESTS_PER_MINUTE, FreeQuota};
pub use client::{Client, Opened, Raw, Refused, Timeouts, is_loopback, plain_builder};
pub use endpoint::{Dialect, Endpoint};
pub use error::{Error, Fact, Fault};
pub use event::{Annotation, Event, Usage};
pub use item::OutputItem;
pub use models::{Catalogue, Model};
pub use money::Usd;
pub use request::{Effort, Request};
pub use sent::{Head, Sent, Veil};
