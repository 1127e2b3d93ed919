//! Questions about the account: what an answer cost, what is left of the free requests.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::servers::Server;
use crate::{
    api::{self, FreeQuota, Usage},
    app::Msg,
    chat::MessageId,
};

/// Asks once what an answer cost; the state knows when to ask again.
pub(super) async fn price(server: Arc<Server>, answer: MessageId, generation: String, inbox: mpsc::Sender<Msg>) {
    let result = ask_price(&server, &generation).await;
    tracing::debug!(known = result.is_ok(), "price asked for");
    let _ = inbox.send(Msg::Priced { answer, generation, result }).await; // Nobody listens on the way out.
}

async fn ask_price(server: &Server, generation: &str) -> Result<Usage, api::Error> {
    server.client().await?.price(generation).await
}

/// Asks what is left of the free requests; a server that does not tell changes nothing.
pub(super) async fn quota(server: Arc<Server>, answer: MessageId, inbox: mpsc::Sender<Msg>) {
    match ask_quota(&server).await {
        Ok(quota) => {
            let _ = inbox.send(Msg::Quota { answer, quota }).await; // As above.
        }
        Err(error) => tracing::debug!(?error.fault, ?error.status, "no quota is told"),
    }
}

async fn ask_quota(server: &Server) -> Result<FreeQuota, api::Error> {
    server.client().await?.free_quota().await
}
