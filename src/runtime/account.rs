//! Requests about the account: the cost of an answer, and how many free requests are left.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::servers::ApiServer;
use crate::{
    api::{self, FreeQuota, Usage},
    chat::MessageId,
    ui::Msg,
};

/// Requests the cost of an answer once. The state decides when to try again.
pub(super) async fn report_price(
    server: Arc<ApiServer>,
    answer: MessageId,
    generation: String,
    inbox: mpsc::Sender<Msg>,
) {
    let result = fetch_price(&server, &generation).await;
    tracing::debug!(known = result.is_ok(), "requested the price of an answer");
    let _ = inbox.send(Msg::Priced { answer, generation, result }).await; // Fails only on shutdown.
}

async fn fetch_price(server: &ApiServer, generation: &str) -> Result<Usage, api::ApiError> {
    server.client().await?.fetch_usage(generation).await
}

/// Requests how many free requests are left. An error is not reported.
pub(super) async fn report_quota(server: Arc<ApiServer>, answer: MessageId, inbox: mpsc::Sender<Msg>) {
    match fetch_quota(&server).await {
        Ok(quota) => {
            let _ = inbox.send(Msg::QuotaReported { answer, quota }).await; // Fails only on shutdown.
        }
        Err(error) => tracing::debug!(?error.fault, ?error.status, "the server reports no quota"),
    }
}

async fn fetch_quota(server: &ApiServer) -> Result<FreeQuota, api::ApiError> {
    server.client().await?.fetch_free_quota().await
}
