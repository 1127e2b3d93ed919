//! One task per answer: it opens the stream and reports every event until its end.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::servers::Server;
use crate::{
    api::{self, Request},
    app::Msg,
    chat::{StreamId, Timestamp},
};

/// Reads one response to its end.
pub(super) async fn read(server: Arc<Server>, stream: StreamId, request: Box<Request>, inbox: mpsc::Sender<Msg>) {
    tracing::info!(server = server.name, attempt = stream.attempt, "stream begins");
    let result = forward(&server, stream, &request, &inbox).await;
    match &result {
        Ok(()) => tracing::info!(attempt = stream.attempt, "stream ended"),
        // The message may carry the reader's words.
        Err(error) => {
            tracing::warn!(attempt = stream.attempt, ?error.fault, ?error.status, ?error.code, "stream failed");
        }
    }
    let _ = inbox.send(Msg::StreamEnded { stream, at: Timestamp::now(), result }).await; // Nobody listens on the way out.
}

async fn forward(
    server: &Server,
    stream: StreamId,
    request: &Request,
    inbox: &mpsc::Sender<Msg>,
) -> Result<(), api::Error> {
    let mut opened = server.client().await?.open(request).await?;
    let generation = opened.generation.clone();
    if inbox.send(Msg::StreamOpened { stream, generation }).await.is_err() {
        return Ok(());
    }
    loop {
        let mut events = Vec::new();
        if !opened.next_batch(&mut events).await? {
            return Ok(());
        }
        if inbox.send(Msg::Stream { stream, at: Timestamp::now(), events }).await.is_err() {
            return Ok(());
        }
    }
}
