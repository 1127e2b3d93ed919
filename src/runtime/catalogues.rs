//! The models of a server: first from the cache on disk, then from the server.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use tokio::{sync::mpsc, task::spawn_blocking};

use super::servers::ApiServer;
use crate::{
    api::{self, Catalogue, FaultKind},
    config::AppPaths,
    keys,
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

/// Returns the models of a server: from the cache if that is recent, else from the server, else from an old cache,
/// with the reason why it is old.
///
/// # Errors
/// The server cannot be asked, and nothing is cached.
pub async fn listed_models(
    server: &ApiServer,
    paths: &AppPaths,
) -> Result<(Catalogue, Option<api::ApiError>), api::ApiError> {
    let path = cache_file(paths, &server.base_url);
    let read = path.clone();
    let cached = spawn_blocking(move || Catalogue::load_cache(&read, SystemTime::now())).await.ok().flatten();
    match cached {
        Some(cached) if !cached.is_stale() => Ok((cached.catalogue, None)),
        cached => match (fetch_catalogue(server, Some(path)).await, cached) {
            (Ok(catalogue), _) => Ok((catalogue, None)),
            (Err(error), Some(cached)) => Ok((cached.catalogue, Some(error))),
            (Err(error), None) => Err(error),
        },
    }
}

/// Returns the file in which the models of a server are cached.
pub(super) fn cache_file(paths: &AppPaths, base_url: &str) -> PathBuf {
    let folder = paths.cache_dir.join("models");
    let mut name = keys::key_file(&folder, base_url.trim_end_matches('/')).into_os_string();
    name.push(".json");
    name.into()
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
