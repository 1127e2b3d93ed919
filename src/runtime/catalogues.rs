//! The models of a server: first from the cache on disk, then from the server.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use tokio::{sync::mpsc, task::spawn_blocking};

use super::servers::ApiServer;
use crate::{
    api::{self, Catalogue, FaultKind},
    ui::Msg,
};

/// Reports the cached models, and asks the server if they are old or missing. If there are cached models, a failure to
/// reach the server is not reported.
pub(super) async fn fetch_models(server: Arc<ApiServer>, cache_path: Option<PathBuf>, inbox: mpsc::Sender<Msg>) {
    let endpoint = server.name.clone();
    let path = cache_path.clone();
    let cached = spawn_blocking(move || Catalogue::load_cache(&path?, SystemTime::now())).await.ok().flatten();
    let stale = cached.as_ref().is_none_or(api::catalogue::CachedCatalogue::is_stale);
    let has_cached = cached.is_some();
    if let Some(cached) = cached {
        let msg = Msg::CatalogueLoaded { endpoint: endpoint.clone(), result: Ok(cached.catalogue) };
        if inbox.send(msg).await.is_err() {
            return;
        }
    }
    if !stale {
        return;
    }
    let result = fetch_catalogue(&server, cache_path).await;
    if let Err(error) = &result {
        tracing::warn!(server = endpoint, ?error.fault, ?error.status, "the models could not be fetched");
    }
    if result.is_ok() || !has_cached {
        let _ = inbox.send(Msg::CatalogueLoaded { endpoint, result }).await; // Fails only on shutdown.
    }
}

async fn fetch_catalogue(server: &ApiServer, cache_path: Option<PathBuf>) -> Result<Catalogue, api::ApiError> {
    let json = server.client().await?.fetch_models().await?;
    let parsed = spawn_blocking(move || {
        let catalogue = Catalogue::parse(&json)?;
        if let Some(path) = cache_path {
            // A failure matters only on the next run without a network.
            let _ = Catalogue::save_cache(&path, &json)
                .inspect_err(|error| tracing::warn!(%error, "models are not cached"));
        }
        Ok(catalogue)
    });
    parsed.await.unwrap_or_else(|_| Err(api::ApiError::new(FaultKind::Garbage, "the list of models cannot be read")))
}
