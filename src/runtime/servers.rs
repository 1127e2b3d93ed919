//! The available API servers: the built-in one, those of the config, one from the command line, the demo.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{
    api::{
        self, ApiClient, ApiDialect, Endpoint, FaultKind,
        client::{self, HttpTimeouts},
        endpoint::EndpointInfo,
    },
    config::{self, AppPaths, Config, EnvLookup, TimeLimits},
    files, keys, secrets,
};

/// The name of the built-in endpoint.
pub const OPENROUTER: &str = "openrouter";

/// The name of the demo's endpoint.
pub const DEMO: &str = "demo";

/// How long a server that is only being tried has to answer.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(10);

const OPENROUTER_URL: &str = "https://openrouter.ai/api/v1";

/// All servers.
#[derive(Debug, Clone, Default)]
pub struct ApiServers {
    /// The one for new conversations is first.
    list: Vec<Arc<ApiServer>>,
    /// For servers without limits of their own.
    common_limits: TimeLimits,
}

/// One server. Its key is looked up and its client created on the first request.
#[derive(Debug)]
pub struct ApiServer {
    pub name: String,
    pub base_url: String,
    pub dialect: ApiDialect,
    limits: TimeLimits,
    /// Where to look for its key; `None` if it must never get one.
    key_source: Option<keys::KeySources>,
    /// Whether it needs a key.
    needs_key: bool,
    /// Whether the warning that requests to it are not encrypted has been shown.
    is_warning_shown: bool,
    client: OnceCell<ApiClient>,
}

/// The server chosen on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ServerChoice {
    /// The default of the config.
    #[default]
    Config,
    Named(String),
    /// A server by address, which need not be in the config.
    Address(String),
}

impl ApiServers {
    /// Collects all servers and puts the chosen one first.
    ///
    /// # Errors
    /// The chosen server does not exist, or its address is not valid. Returns a message for the user.
    pub fn find(config: &Config, paths: &AppPaths, env: EnvLookup, choice: &ServerChoice) -> Result<Self, String> {
        let openrouter = ApiServer::openrouter(config, paths, env);
        config::check_base_url(&openrouter.base_url).map_err(|what| format!("OPENROUTER_BASE_URL: {what}"))?;
        let mut servers = Self { list: vec![Arc::new(openrouter)], common_limits: config.common_limits() };
        for (name, endpoint) in config.endpoints.iter().filter(|(name, _)| *name != OPENROUTER) {
            servers.list.push(Arc::new(ApiServer::from_config(name, endpoint, config.time_limits(name), paths)));
        }
        let first = match choice {
            ServerChoice::Config => config.endpoint.clone().unwrap_or_else(|| OPENROUTER.into()),
            ServerChoice::Named(name) => name.clone(),
            ServerChoice::Address(url) => servers.add_address(url, paths)?,
        };
        servers.move_to_front(&first)?;
        for server in &servers.list {
            server.note_key_variable();
        }
        Ok(servers)
    }

    /// Only the demo server. None of the user's keys or settings reach it.
    pub fn demo(base_url: String) -> Self {
        let server = ApiServer {
            name: DEMO.into(),
            base_url,
            dialect: ApiDialect::OpenRouter,
            limits: TimeLimits::default(),
            key_source: None,
            needs_key: false,
            is_warning_shown: true,
            client: OnceCell::new(),
        };
        Self { list: vec![Arc::new(server)], common_limits: TimeLimits::default() }
    }

    /// The demo server in front of the user's own, which can be reached only by leaving the demo.
    #[must_use]
    pub fn with_demo(mut self, base_url: String) -> Self {
        self.list.retain(|server| server.name != DEMO);
        self.list.splice(0..0, Self::demo(base_url).list);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<ApiServer>> {
        self.list.iter()
    }

    /// The servers as the state sees them.
    pub fn infos(&self, env: EnvLookup) -> Vec<EndpointInfo> {
        self.list.iter().map(|server| server.info(env)).collect()
    }

    /// Warns of servers that are reached over the network without encryption, and of key files that others can read.
    pub fn exposures(&self) -> Vec<String> {
        let exposed = self.list.iter().filter(|server| server.is_exposed()).map(|server| server.name.as_str());
        let exposed: Vec<&str> = exposed.map(|name| name.split('?').next().unwrap_or(name)).collect();
        let plain = (!exposed.is_empty()).then(|| exposure_text(&exposed));
        let key_files = self.list.iter().filter_map(|server| server.key_source.as_ref().map(|places| &places.file));
        let readable = key_files
            .filter(|file| file.is_file() && files::is_open_to_others(file))
            .map(|file| format!("others can read the key in {}; `chmod 600` closes it", file.display()));
        plain.into_iter().chain(readable).collect()
    }

    /// Remembers the keys of all servers, so that no text that leaves ibid contains one. No program is run for them.
    pub fn note_keys(&self, env: EnvLookup) {
        for server in &self.list {
            let key = server.key_source.as_ref().and_then(|places| places.find_without_command(env));
            if let Some(key) = key {
                secrets::note_key(&key, server.key_variable());
            }
        }
    }

    pub fn first(&self) -> Option<Arc<ApiServer>> {
        self.list.first().cloned()
    }

    pub fn get(&self, name: &str) -> Option<Arc<ApiServer>> {
        self.list.iter().find(|server| server.name == name).cloned()
    }

    /// Adds a server, or replaces the one of the same name together with its client, which has the old key.
    pub fn insert(&mut self, server: Arc<ApiServer>) {
        match self.list.iter_mut().find(|known| known.name == server.name) {
            Some(known) => *known = server,
            None => self.list.push(server),
        }
    }

    /// Returns the server at an address that the user entered. A known one keeps its settings but finds its key again;
    /// a new one gets this name, or is named after its host.
    pub fn enter_address(&mut self, url: &str, name: Option<&str>, paths: &AppPaths) -> Arc<ApiServer> {
        let server = match self.at_address(url) {
            Some(known) => known.without_client(),
            None => ApiServer {
                is_warning_shown: false,
                ..ApiServer::keyless(&self.free_name(url, name), url, self.common_limits, paths)
            },
        };
        let server = Arc::new(server);
        self.insert(server.clone());
        server
    }

    /// Returns the server of the config at this address. The built-in ones are not meant by their addresses.
    fn at_address(&self, url: &str) -> Option<&Arc<ApiServer>> {
        let address = url.trim_end_matches('/');
        self.list.iter().find(|server| {
            let is_named = ![OPENROUTER, DEMO, server.base_url.as_str()].contains(&server.name.as_str());
            is_named && server.base_url.trim_end_matches('/') == address
        })
    }

    /// Returns a name that is not taken yet: the wanted one, or one made from the host of an address.
    fn free_name(&self, url: &str, wanted: Option<&str>) -> String {
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let name = match (wanted, host.as_str()) {
            (Some(name), _) => name.to_owned(),
            (None, "localhost" | "127.0.0.1" | "[::1]" | "") => "local".into(),
            (None, host) => host.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        };
        let is_free = |name: &String| name != DEMO && self.get(name).is_none();
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name)
    }

    /// Returns the name of the server at an address: one of the config, or a new server named after its address.
    fn add_address(&mut self, url: &str, paths: &AppPaths) -> Result<String, String> {
        config::check_base_url(url).map_err(|what| format!("--base-url {url}: {what}"))?;
        if let Some(known) = self.at_address(url) {
            return Ok(known.name.clone());
        }
        self.insert(Arc::new(ApiServer::keyless(url, url, self.common_limits, paths)));
        Ok(url.to_owned())
    }

    fn move_to_front(&mut self, name: &str) -> Result<(), String> {
        let Some(index) = self.list.iter().position(|server| server.name == name) else {
            let names: Vec<&str> = self.list.iter().map(|server| server.name.as_str()).collect();
            return Err(format!("no endpoint {name}; available: {}", names.join(", ")));
        };
        self.list[..=index].rotate_right(1);
        Ok(())
    }
}

impl ApiServer {
    /// The built-in server. `OPENROUTER_BASE_URL` changes its address, which then gets the same key.
    fn openrouter(config: &Config, paths: &AppPaths, env: EnvLookup) -> Self {
        let own = config.endpoints.get(OPENROUTER);
        let moved = env("OPENROUTER_BASE_URL").map(|url| url.to_string_lossy().trim().to_owned());
        let places = keys::KeySources {
            variable: own.and_then(|own| own.key_env.clone()).or_else(|| Some("OPENROUTER_API_KEY".into())),
            command: own.map(|own| own.key_command.clone()).unwrap_or_default(),
            file: keys::key_file(&paths.keys_dir(), OPENROUTER),
        };
        Self {
            name: OPENROUTER.into(),
            base_url: moved.filter(|url| !url.is_empty()).unwrap_or_else(|| OPENROUTER_URL.into()),
            dialect: ApiDialect::OpenRouter,
            limits: config.time_limits(OPENROUTER),
            key_source: Some(places),
            needs_key: true,
            is_warning_shown: true,
            client: OnceCell::new(),
        }
    }

    fn from_config(name: &str, endpoint: &config::EndpointConfig, limits: TimeLimits, paths: &AppPaths) -> Self {
        let dialect = match endpoint.dialect {
            Some(config::DialectSetting::OpenRouter) => ApiDialect::OpenRouter,
            Some(config::DialectSetting::OpenAi) => ApiDialect::OpenAi,
            Some(config::DialectSetting::Other) => ApiDialect::Other,
            None => ApiDialect::from_base_url(&endpoint.base_url),
        };
        let places = keys::KeySources {
            variable: endpoint.key_env.clone(),
            command: endpoint.key_command.clone(),
            file: keys::key_file(&paths.keys_dir(), name),
        };
        Self {
            name: name.to_owned(),
            base_url: endpoint.base_url.clone(),
            dialect,
            limits,
            needs_key: places.variable.is_some() || !places.command.is_empty(),
            key_source: Some(places),
            is_warning_shown: true,
            client: OnceCell::new(),
        }
    }

    /// A server of which nothing but the address is known.
    fn keyless(name: &str, url: &str, limits: TimeLimits, paths: &AppPaths) -> Self {
        let endpoint = config::EndpointConfig { base_url: url.to_owned(), ..config::EndpointConfig::default() };
        Self::from_config(name, &endpoint, limits, paths)
    }

    /// The same server without a client, as before its first request.
    #[must_use]
    pub fn without_client(&self) -> Self {
        Self {
            name: self.name.clone(),
            base_url: self.base_url.clone(),
            dialect: self.dialect,
            limits: self.limits,
            key_source: self.key_source.clone(),
            needs_key: self.needs_key,
            is_warning_shown: self.is_warning_shown,
            client: OnceCell::new(),
        }
    }

    /// The environment variable that its key comes from or could come from.
    pub fn key_variable(&self) -> &str {
        let variable = self.key_source.as_ref().and_then(|places| places.variable.as_deref());
        variable.unwrap_or(if self.name == OPENROUTER { "OPENROUTER_API_KEY" } else { "API_KEY" })
    }

    /// Whether requests to it cross the network unencrypted.
    fn is_exposed(&self) -> bool {
        let is_plain = self.base_url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        is_plain && !client::is_loopback(&self.base_url)
    }

    /// Returns the warning that requests to it are not encrypted, unless it has been shown.
    pub fn exposure_warning(&self) -> Option<String> {
        (self.is_exposed() && !self.is_warning_shown).then(|| exposure_text(&[&self.name]))
    }

    /// The same server for its next request, which finds its key again. Its warning has been shown by now.
    #[must_use]
    pub fn in_use(&self) -> Self {
        Self { is_warning_shown: true, ..self.without_client() }
    }

    /// Keeps the variable of its key from the programs that we start.
    fn note_key_variable(&self) {
        if let Some(variable) = self.key_source.as_ref().and_then(|places| places.variable.as_deref()) {
            secrets::note_variable(variable);
        }
    }

    pub fn key_places(&self) -> Option<&keys::KeySources> {
        self.key_source.as_ref()
    }

    /// Returns the server's host, with its port if that is unusual.
    pub fn host_and_port(&self) -> String {
        let Ok(url) = reqwest::Url::parse(&self.base_url) else { return self.base_url.clone() };
        let host = url.host_str().unwrap_or_default();
        url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The server as the state sees it.
    pub fn info(&self, env: EnvLookup) -> EndpointInfo {
        let has_key = self.key_source.as_ref().is_some_and(|places| places.may_have_key(env));
        EndpointInfo { name: self.name.clone(), dialect: self.dialect, is_ready: has_key || !self.needs_key }
    }

    /// Returns the client, which is created on the first call: reading root certificates and running a key command are
    /// slow.
    ///
    /// # Errors
    /// The configured key is missing, or TLS is not available.
    pub async fn client(&self) -> Result<&ApiClient, api::ApiError> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    /// Creates a client with another key, or without one, that does not wait long for an answer.
    ///
    /// # Errors
    /// TLS is not available.
    pub async fn trial_client(&self, key: Option<SecretString>) -> Result<ApiClient, api::ApiError> {
        if let Some(key) = &key {
            secrets::note_key(key, self.key_variable());
        }
        let endpoint =
            Endpoint { name: self.name.clone(), base_url: self.base_url.clone(), dialect: self.dialect, key };
        let connect = self.limits.connect.min(TRIAL_TIMEOUT);
        let timeouts = HttpTimeouts { connect, first_byte: TRIAL_TIMEOUT, idle: TRIAL_TIMEOUT };
        let created = spawn_blocking(move || ApiClient::with_timeouts(endpoint, timeouts));
        created.await.unwrap_or_else(|_| Err(api::ApiError::new(FaultKind::Connect, "the client could not be created")))
    }

    async fn connect(&self) -> Result<ApiClient, api::ApiError> {
        let (name, base_url, dialect, limits) = (self.name.clone(), self.base_url.clone(), self.dialect, self.limits);
        let (places, variable) = (self.key_source.clone(), self.key_variable().to_owned());
        let created = spawn_blocking(move || {
            let key = match places {
                Some(places) => places
                    .find(&|name| std::env::var_os(name))
                    .map_err(|error| api::ApiError::new(FaultKind::Key, error.to_string()))?,
                None => None,
            };
            if let Some(key) = &key {
                secrets::note_key(key, &variable);
            }
            let timeouts =
                HttpTimeouts { connect: limits.connect, first_byte: limits.first_byte, idle: limits.silence_stop };
            ApiClient::with_timeouts(Endpoint { name, base_url, dialect, key }, timeouts)
        });
        created.await.unwrap_or_else(|_| Err(api::ApiError::new(FaultKind::Connect, "the client could not be created")))
    }
}

fn exposure_text(names: &[&str]) -> String {
    let its = if names.len() == 1 { "its address begins" } else { "the addresses begin" };
    format!("what is sent to {} is not encrypted, because {its} with http://", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn paths() -> AppPaths {
        AppPaths {
            config_file: "/nowhere/config.toml".into(),
            data_dir: "/nowhere/data".into(),
            state_dir: "/nowhere/state".into(),
            cache_dir: "/nowhere/cache".into(),
        }
    }

    fn find(config: &str, set: &[(&str, &str)], choice: &ServerChoice) -> Result<Vec<EndpointInfo>, String> {
        let (config, _) = Config::parse(config, Path::new("config.toml")).unwrap();
        let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        ApiServers::find(&config, &paths(), &env, choice).map(|servers| servers.infos(&env))
    }

    fn found(config: &str, choice: &ServerChoice) -> ApiServers {
        let (config, _) = Config::parse(config, Path::new("config.toml")).unwrap();
        ApiServers::find(&config, &paths(), &|_| None, choice).unwrap()
    }

    fn info(name: &str, dialect: ApiDialect, ready: bool) -> EndpointInfo {
        EndpointInfo { name: name.into(), dialect, is_ready: ready }
    }

    #[test]
    fn openrouter_is_there_without_a_config_and_ready_with_a_key() {
        let openrouter = |ready| Ok(vec![info("openrouter", ApiDialect::OpenRouter, ready)]);
        assert_eq!(find("", &[], &ServerChoice::Config), openrouter(false));
        assert_eq!(find("", &[("OPENROUTER_API_KEY", "sk-or-v1-0")], &ServerChoice::Config), openrouter(true));
        let moved = [("OPENROUTER_BASE_URL", "http://127.0.0.1:1/v1"), ("OPENROUTER_API_KEY", "sk-or-v1-0")];
        assert_eq!(find("", &moved, &ServerChoice::Config), openrouter(true));
    }

    #[test]
    fn the_chosen_server_comes_first_and_one_without_a_key_is_ready() {
        let config = "endpoint = \"local\"\n[endpoints.local]\nbase_url = \"http://localhost:11434/v1\"\n\
                      [endpoints.work]\nbase_url = \"https://api.openai.com/v1\"\nkey_env = \"WORK_KEY\"\n";
        let local = info("local", ApiDialect::Other, true);
        let work = info("work", ApiDialect::OpenAi, false);
        let openrouter = info("openrouter", ApiDialect::OpenRouter, false);
        let all = |first: &[&EndpointInfo]| Ok(first.iter().map(|info| (*info).clone()).collect::<Vec<_>>());
        assert_eq!(find(config, &[], &ServerChoice::Config), all(&[&local, &openrouter, &work]));
        assert_eq!(find(config, &[], &ServerChoice::Named("work".into())), all(&[&work, &openrouter, &local]));
        let known = ServerChoice::Address("http://localhost:11434/v1/".into());
        assert_eq!(find(config, &[], &known), all(&[&local, &openrouter, &work]));
    }

    #[test]
    fn an_address_on_the_command_line_never_gets_the_key_of_another_server() {
        let choice = ServerChoice::Address("https://openrouter.ai.example.com/v1".into());
        let infos = find("", &[("OPENROUTER_API_KEY", "sk-or-v1-0")], &choice).unwrap();
        assert_eq!(infos[0], info("https://openrouter.ai.example.com/v1", ApiDialect::Other, true));
        let (config, _) = Config::parse("", Path::new("config.toml")).unwrap();
        let paths = AppPaths::find(&|name| (name == "HOME").then(|| "/home/me".into())).unwrap();
        let env = |name: &str| (name == "OPENROUTER_API_KEY").then(|| "sk-or-v1-0".into());
        let servers = ApiServers::find(&config, &paths, &env, &choice).unwrap();
        let found = servers.first().unwrap().key_places().unwrap().find(&env).unwrap();
        assert!(found.is_none());
    }

    #[test]
    fn an_address_without_encryption_is_reported_once_when_it_is_entered() {
        let config = "[endpoints.lab]\nbase_url = \"http://lab.example.com/v1\"\n";
        let mut servers = found(config, &ServerChoice::Config);
        let mut enter = |url: &str| servers.enter_address(url, None, &paths());
        let entered = enter("http://llm.example.com/v1");
        let text = "what is sent to llm-example-com is not encrypted, because its address begins with http://";
        assert_eq!(entered.exposure_warning().as_deref(), Some(text));
        assert_eq!(enter("http://llm.example.com/v1").exposure_warning().as_deref(), Some(text), "it was not used yet");
        for known in ["https://llm.example.com/v2", "http://localhost:1/v1", "http://lab.example.com/v1"] {
            assert_eq!(enter(known).exposure_warning(), None, "{known}");
        }
        servers.insert(Arc::new(entered.in_use()));
        assert_eq!(servers.enter_address("http://llm.example.com/v1", None, &paths()).exposure_warning(), None);
    }

    #[test]
    fn servers_are_named_after_their_hosts_without_duplicates() {
        let mut servers = found("", &ServerChoice::Address("http://127.0.0.1:1/v1".into()));
        let mut add = |url: &str| {
            let server = servers.enter_address(url, None, &paths());
            assert!(server.key_places().is_some_and(|places| places.variable.is_none()), "it gets no key of another");
            server.name.clone()
        };
        assert_eq!(add("http://localhost:11434/v1"), "local");
        assert_eq!(add("http://127.0.0.1:8080/v1"), "local-2");
        assert_eq!(add("http://localhost:11434/v1/"), "local");
        assert_eq!(add("https://llm.example.com/v1"), "llm-example-com");
        assert_eq!(add("http://demo/v1"), "demo-2");
        // Neither the built-in endpoint nor one named after its address can be an endpoint of the config.
        assert_eq!(add(OPENROUTER_URL), "openrouter-ai");
        assert_eq!(add("http://127.0.0.1:1/v1"), "local-3");
        let server = servers.enter_address("http://localhost:1234/v1", Some("lm-studio"), &paths());
        assert_eq!((server.name.as_str(), server.host_and_port().as_str()), ("lm-studio", "localhost:1234"));
        assert!(servers.get(OPENROUTER).is_some_and(|server| server.needs_key));
    }

    #[test]
    fn entering_the_address_of_a_known_server_keeps_its_settings() {
        let config = "[timeouts]\nfirst_byte = 7\n[endpoints.work]\nbase_url = \"https://llm.example.com/v1\"\n\
                      key_env = \"WORK_KEY\"\nkey_command = [\"pass\"]\ndialect = \"openai\"\ntimeouts = { connect = 3 }\n";
        let mut servers = found(config, &ServerChoice::Config);
        let known = servers.get("work").unwrap();
        let entered = servers.enter_address("https://llm.example.com/v1/", None, &paths());
        assert!(!Arc::ptr_eq(&known, &entered), "its client has the old key");
        let settings =
            |server: &ApiServer| (server.name.clone(), server.dialect, server.limits, server.key_source.clone());
        assert_eq!(settings(&entered), settings(&known));
        let new = servers.enter_address("http://localhost:1/v1", None, &paths());
        assert_eq!(new.limits.first_byte, std::time::Duration::from_secs(7), "the common limits apply to a new server");
    }

    #[test]
    fn an_unknown_endpoint_is_refused_with_the_available_ones() {
        let refused = find("", &[], &ServerChoice::Named("opnerouter".into()));
        assert_eq!(refused, Err("no endpoint opnerouter; available: openrouter".into()));
    }
}
