//! The models of a server: what the disk has at once, then what the server says.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use super::servers::Server;
use crate::{
    api::{self, Catalogue, Fault},
    app::Msg,
};

/// Reports what is kept, and asks the server where that is old or missing. A server that cannot be reached is no news
/// where something was kept.
pub(super) async fn fetch(server: Arc<Server>, kept: Option<PathBuf>, inbox: mpsc::Sender<Msg>) {
    let endpoint = server.name.clone();
    let path = kept.clone();
    let cached = spawn_blocking(move || Catalogue::cached(&path?, SystemTime::now())).await.ok().flatten();
    let stale = cached.as_ref().is_none_or(api::models::Cached::is_stale);
    let offline = cached.is_some();
    if let Some(cached) = cached {
        let msg = Msg::Models { endpoint: endpoint.clone(), result: Ok(cached.catalogue) };
        if inbox.send(msg).await.is_err() {
            return;
        }
    }
    if !stale {
        return;
    }
    let result = ask(&server, kept).await;
    if let Err(error) = &result {
        tracing::warn!(server = endpoint, ?error.fault, ?error.status, "no models");
    }
    if result.is_ok() || !offline {
        let _ = inbox.send(Msg::Models { endpoint, result }).await; // Nobody listens on the way out.
    }
}

/// Whether somebody answers at a server's address, whatever the answer.
///
/// # Errors
/// Nobody could be reached.
pub(super) async fn reach(server: &Server) -> Result<(), api::Error> {
    const LONG_ENOUGH: Duration = Duration::from_secs(5);
    let asked = async { server.client().await?.models().await };
    match timeout(LONG_ENOUGH, asked).await {
        Ok(Err(error)) if error.fault == Fault::Connect => Err(error),
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

async fn ask(server: &Server, kept: Option<PathBuf>) -> Result<Catalogue, api::Error> {
    let json = server.client().await?.models().await?;
    let parsed = spawn_blocking(move || {
        let catalogue = Catalogue::parse(&json)?;
        if let Some(path) = kept {
            // Only for the next time without a network.
            let _ = Catalogue::keep(&path, &json).inspect_err(|error| tracing::warn!(%error, "models are not kept"));
        }
        Ok(catalogue)
    });
    parsed.await.unwrap_or_else(|_| Err(api::Error::new(Fault::Garbage, "the list of models cannot be read")))
}
