//! Connecting: trying servers and keys, listing the keys that are there, and looking for servers on this machine.

use std::{path::Path, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{
    EffectRuntime,
    servers::{ApiServer, ApiServers, OPENROUTER},
    sign_in,
};
use crate::{
    api::{ApiClient, ApiDialect, ApiError, Catalogue, Endpoint, FaultKind, HttpTimeouts, LocalServer, ProbeResult},
    config::{self, Config},
    keys::KeyListing,
    text,
    ui::{
        Msg,
        effect::{ConnectJob, UncheckedKey},
        msg::{ConnectOutcome, KeyVerdict},
    },
};

/// How long a server on this machine has to answer.
const PROBE_TIMEOUT: Duration = Duration::from_millis(1500);

/// What a check of a key found.
enum KeyCheck {
    Valid,
    Refused(ApiError),
    /// The server answers without a key as well.
    Uncheckable,
    Unreachable(ApiError),
}

impl EffectRuntime {
    /// Tries a server or a key, and reports how that ended.
    pub(super) fn connect(&mut self, job: ConnectJob) {
        self.stop_connecting();
        let config = self.paths.config_file.clone();
        let server = match &job {
            ConnectJob::UseServer { server } | ConnectJob::TryKey { server, .. } | ConnectJob::SignIn { server } => {
                self.servers.get(server)
            }
            ConnectJob::TryAddress { base_url, name } => match config::check_base_url(base_url) {
                Ok(()) => Some(self.servers.enter_address(base_url, name.as_deref(), &self.paths)),
                Err(why) => return self.report(Msg::Connected(ConnectOutcome::Failed(why))),
            },
        };
        let Some(server) = server else {
            return self.report(Msg::Connected(ConnectOutcome::Failed("there is no such server any more".into())));
        };
        let inbox = self.inbox.clone();
        let (sender, codes) = mpsc::channel(1);
        self.sign_in_codes = matches!(job, ConnectJob::SignIn { .. }).then_some(sender);
        self.connect_task = Some(self.tasks.spawn(async move {
            let outcome = match job {
                ConnectJob::UseServer { .. } => use_server(server, &config, KeyVerdict::Known).await,
                ConnectJob::TryAddress { .. } => try_server(server, &config).await,
                ConnectJob::TryKey { key, unchecked, .. } => try_key(server, key, unchecked, &config).await,
                ConnectJob::SignIn { .. } => sign_in::sign_in(server, codes, &config, inbox.clone()).await,
            };
            let _ = inbox.send(Msg::Connected(outcome)).await; // Fails only on shutdown.
        }));
    }

    /// Gives up the attempt to connect.
    pub(super) fn stop_connecting(&mut self) {
        if let Some(task) = self.connect_task.take() {
            task.abort();
        }
    }

    /// Passes a pasted code on to the attempt to sign in.
    pub(super) fn enter_code(&self, code: SecretString) {
        if let Some(codes) = &self.sign_in_codes {
            let _ = codes.try_send(code); // One that comes while another is exchanged is typed again.
        }
    }

    /// Makes a server look up its key again.
    pub(super) fn reload_server(&mut self, name: &str) {
        if let Some(server) = self.servers.get(name) {
            self.servers.insert(Arc::new(server.in_use()));
        }
    }

    /// Reports the servers of the config and their keys.
    pub(super) fn list_keys(&mut self) {
        let (servers, config) = (self.servers.clone(), self.paths.config_file.clone());
        self.run_blocking(move || Msg::KeysListed(key_listings(&servers, &config)));
    }

    /// Removes the key that was saved for a server.
    pub(super) fn forget_key(&mut self, name: String) {
        let server = self.servers.get(&name);
        self.run_blocking(move || {
            let removed = match server.as_ref().and_then(|server| Some((server, server.key_places()?))) {
                Some((server, places)) => {
                    places.forget().map(|_| server.without_client().info(&env)).map_err(|error| error.to_string())
                }
                None => Err(format!("{name} has no key")),
            };
            Msg::KeyForgotten(removed)
        });
    }

    /// Asks the servers on this machine for their models, all at once and without a key.
    pub(super) fn probe(&mut self, servers: Vec<LocalServer>) {
        for server in servers {
            let inbox = self.inbox.clone();
            self.tasks.spawn(async move {
                let result = probe_ports(&server.ports).await;
                let _ = inbox.send(Msg::LocalServerProbed { name: server.name, result }).await; // Fails only on shutdown.
            });
        }
    }
}

pub(super) fn env(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Returns the built-in server if it has a key, the servers of the config, and any other that has a key.
fn key_listings(servers: &ApiServers, config: &Path) -> Vec<KeyListing> {
    let settings = Config::load(config).map(|(settings, _)| settings).unwrap_or_default();
    let listing = |server: &Arc<ApiServer>| {
        let key = server.key_places()?.locate(&env);
        let is_configured = server.name != OPENROUTER && settings.endpoints.contains_key(&server.name);
        let host = (!server.is_at_built_in_address()).then(|| server.host_and_port());
        (key.is_some() || is_configured).then(|| KeyListing { server: server.name.clone(), host, key })
    };
    let mut listings: Vec<KeyListing> = servers.iter().filter_map(listing).collect();
    listings.sort_by_key(|listing| listing.server != OPENROUTER);
    listings
}

/// Uses a server if it answers without a key, or with the one that there is for it.
async fn try_server(server: Arc<ApiServer>, config: &Path) -> ConnectOutcome {
    match list_models(&server, None).await {
        Ok(()) => use_server(server, config, KeyVerdict::NoKey).await,
        Err(error) if is_refusal(&error) => try_own_key(server, config).await,
        // It has no list of models, but something answers as a server of models does.
        Err(error) if matches!(error.status, Some(404 | 405)) && error.fault != FaultKind::Garbage => {
            use_server(server, config, KeyVerdict::NoKey).await
        }
        Err(error) => {
            let advice = match error.fault {
                FaultKind::Connect | FaultKind::Silence => "start the server, or correct the address",
                _ => "is the address complete, as in http://localhost:8000/v1?",
            };
            ConnectOutcome::Failed(format!("{error}; {advice}"))
        }
    }
}

/// Tries the key that there is for a server which asks for one.
async fn try_own_key(server: Arc<ApiServer>, config: &Path) -> ConnectOutcome {
    let needs_key = ConnectOutcome::NeedsKey { server: server.name.clone(), host: server.host_and_port() };
    let client = match server.client().await {
        Ok(client) => client,
        Err(error) => return ConnectOutcome::Failed(error.to_string()),
    };
    if client.endpoint.key.is_none() {
        return needs_key;
    }
    match client.fetch_models().await {
        Ok(_) => use_server(server, config, KeyVerdict::Checked).await,
        Err(error) if is_refusal(&error) => needs_key,
        Err(error) => ConnectOutcome::Failed(without_key(&error, client.endpoint.key.as_ref())),
    }
}

/// Checks a key, keeps it and uses its server, unless the key was refused or the user has to decide.
pub(super) async fn try_key(
    server: Arc<ApiServer>,
    key: SecretString,
    unchecked: UncheckedKey,
    config: &Path,
) -> ConnectOutcome {
    match keep_key(&server, key, unchecked).await {
        Ok(verdict) => use_server(server, config, verdict).await,
        Err(outcome) => outcome,
    }
}

/// Saves a key that the server gave, unless it refuses it now.
///
/// # Errors
/// One sentence: why it is not saved.
pub async fn save_checked_key(server: &ApiServer, key: SecretString) -> Result<(), String> {
    match keep_key(server, key, UncheckedKey::Keep).await {
        Ok(_) => Ok(()),
        Err(ConnectOutcome::Failed(reason) | ConnectOutcome::Unchecked(reason)) => Err(reason),
        Err(ConnectOutcome::NeedsKey { .. } | ConnectOutcome::InUse { .. }) => Err("the key was not kept".into()),
    }
}

/// Checks a key and saves it, unless it was refused or the user has to decide.
async fn keep_key(
    server: &ApiServer,
    key: SecretString,
    unchecked: UncheckedKey,
) -> Result<KeyVerdict, ConnectOutcome> {
    let Some(places) = server.key_places().cloned() else {
        return Err(ConnectOutcome::Failed("this server takes no key".into()));
    };
    if let Some(first) = places.overriding_source(&env) {
        return Err(ConnectOutcome::Failed(format!("the key comes from {first}, which goes first; change it there")));
    }
    let verdict = match (unchecked, check_key(server, &key).await) {
        (_, KeyCheck::Refused(error)) => return Err(ConnectOutcome::Failed(refusal_text(server, &error))),
        (_, KeyCheck::Valid) => KeyVerdict::Checked,
        (UncheckedKey::Keep, KeyCheck::Uncheckable | KeyCheck::Unreachable(_)) => KeyVerdict::Unchecked,
        (UncheckedKey::Ask, KeyCheck::Uncheckable) => {
            return Err(ConnectOutcome::Unchecked("this server cannot check keys: keep it anyway?".into()));
        }
        (UncheckedKey::Ask, KeyCheck::Unreachable(error)) => {
            let why = without_key(&error, Some(&key));
            return Err(ConnectOutcome::Unchecked(format!("could not check, offline: keep it anyway? ({why})")));
        }
    };
    let saved = spawn_blocking(move || places.save(&key).map_err(|error| error.to_string())).await;
    saved.unwrap_or_else(|error| Err(text::error_words(&error))).map_err(ConnectOutcome::Failed)?;
    Ok(verdict)
}

/// Asks OpenRouter about the key. Elsewhere a key is checked by a list of models that is refused without it.
async fn check_key(server: &ApiServer, key: &SecretString) -> KeyCheck {
    if server.dialect == ApiDialect::OpenRouter {
        match ask_about_key(server, key).await {
            Ok(()) => return KeyCheck::Valid,
            Err(error) if is_refusal(&error) => return KeyCheck::Refused(error),
            Err(error) if error.status != Some(404) => return KeyCheck::Unreachable(error),
            Err(_) => (), // A gateway in front of OpenRouter.
        }
    }
    match list_models(server, None).await {
        Err(error) if is_refusal(&error) => match list_models(server, Some(key.clone())).await {
            Ok(()) => KeyCheck::Valid,
            Err(error) if is_refusal(&error) => KeyCheck::Refused(error),
            Err(error) => KeyCheck::Unreachable(error),
        },
        Err(error) if matches!(error.fault, FaultKind::Connect | FaultKind::Silence | FaultKind::Cut) => {
            KeyCheck::Unreachable(error)
        }
        Ok(()) | Err(_) => KeyCheck::Uncheckable,
    }
}

async fn ask_about_key(server: &ApiServer, key: &SecretString) -> Result<(), ApiError> {
    server.trial_client(Some(key.clone())).await?.check_key().await
}

/// Returns whether the server lists its models with this key, or without one.
async fn list_models(server: &ApiServer, key: Option<SecretString>) -> Result<(), ApiError> {
    let json = server.trial_client(key).await?.fetch_models().await?;
    Catalogue::parse(&json).map(|_| ())
}

fn is_refusal(error: &ApiError) -> bool {
    matches!(error.status, Some(401 | 403))
}

/// Says that a key was refused. The server's own words may contain the key.
fn refusal_text(server: &ApiServer, error: &ApiError) -> String {
    let status = error.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let name = if server.name == OPENROUTER { "OpenRouter".to_owned() } else { server.host_and_port() };
    format!("{name} refused this key{status}. It was not kept.")
}

/// Returns the words of an error without the key.
fn without_key(error: &ApiError, key: Option<&SecretString>) -> String {
    let words = error.to_string();
    match key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        Some(key) => words.replace(key, "the key"),
        None => words,
    }
}

/// Makes a server the endpoint of new conversations.
async fn use_server(server: Arc<ApiServer>, config: &Path, key: KeyVerdict) -> ConnectOutcome {
    let (config, notice) = (config.to_owned(), server.exposure_warning());
    let chosen = spawn_blocking(move || choose_server(&server, &config).map(|()| server.without_client().info(&env)));
    match chosen.await.unwrap_or_else(|error| Err(text::error_words(&error))) {
        Ok(server) => ConnectOutcome::InUse { server, key, notice },
        Err(why) => ConnectOutcome::Failed(why),
    }
}

/// Writes the choice of a server into the config, which is left alone if it names that server already.
fn choose_server(server: &ApiServer, config: &Path) -> Result<(), String> {
    let (settings, _) = Config::load(config).map_err(|problem| problem.to_string())?;
    let is_from_command_line = server.name == server.base_url;
    if is_from_command_line || settings.endpoint.as_deref().unwrap_or(OPENROUTER) == server.name {
        return Ok(());
    }
    let is_known = server.name == OPENROUTER || settings.endpoints.contains_key(&server.name);
    let saved = if is_known {
        Config::choose_endpoint(config, &server.name)
    } else {
        Config::set_endpoint(config, &server.name, &server.base_url)
    };
    saved.map_err(|problem| problem.to_string())
}

/// Asks the ports in order, until one answers as a server of models.
async fn probe_ports(ports: &[u16]) -> ProbeResult {
    for port in ports {
        match probe_port(*port).await {
            ProbeResult::NotRunning => (),
            found => return found,
        }
    }
    ProbeResult::NotRunning
}

async fn probe_port(port: u16) -> ProbeResult {
    let base_url = LocalServer::base_url(port);
    let endpoint = Endpoint { name: "probe".into(), base_url, dialect: ApiDialect::Other, key: None };
    let timeouts = HttpTimeouts { connect: PROBE_TIMEOUT, first_byte: PROBE_TIMEOUT, idle: PROBE_TIMEOUT };
    let created = spawn_blocking(move || ApiClient::with_timeouts(endpoint, timeouts)).await;
    let Ok(Ok(client)) = created else { return ProbeResult::NotRunning };
    match client.fetch_models().await {
        Ok(json) => Catalogue::parse(&json).map_or(ProbeResult::NotRunning, |catalogue| ProbeResult::Models {
            port,
            models: catalogue.models.into_iter().map(|model| model.id).collect(),
        }),
        Err(error) if is_refusal(&error) => ProbeResult::WantsKey { port },
        Err(_) => ProbeResult::NotRunning,
    }
}

impl ApiServer {
    fn is_at_built_in_address(&self) -> bool {
        self.name == OPENROUTER && self.host_and_port() == "openrouter.ai"
    }
}
