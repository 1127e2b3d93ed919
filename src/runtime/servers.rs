//! The servers that can be asked: the built-in one, those of the config, one from the command line, the demo.

use std::sync::Arc;

use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{
    api::{self, Client, Dialect, Endpoint, Fault, client::Timeouts},
    app::EndpointInfo,
    config::{self, Config, Env, Limits, Paths},
    keys,
};

/// The name of the built-in endpoint.
pub const OPENROUTER: &str = "openrouter";

/// The name of the demo's endpoint.
pub const DEMO: &str = "demo";

const OPENROUTER_URL: &str = "https://openrouter.ai/api/v1";

/// All servers, the one of new conversations first.
#[derive(Debug, Clone, Default)]
pub struct Servers(Vec<Arc<Server>>);

/// One server. Its key is looked for and its client made when it is first asked.
#[derive(Debug)]
pub struct Server {
    pub name: String,
    pub base_url: String,
    pub dialect: Dialect,
    limits: Limits,
    /// `None`: it never gets a key.
    key: Option<keys::Places>,
    /// It answers without one.
    needs_key: bool,
    client: OnceCell<Client>,
}

/// Which server the command line wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// What the config says.
    #[default]
    Config,
    Named(String),
    /// An address that need not be in the config.
    Address(String),
}

impl Servers {
    /// # Errors
    /// The chosen server does not exist, or its address is none: a sentence that says what to do.
    pub fn find(config: &Config, paths: &Paths, env: Env, choice: &Choice) -> Result<Self, String> {
        let mut servers = Self(vec![Arc::new(Server::openrouter(config, paths, env))]);
        for (name, endpoint) in config.endpoints.iter().filter(|(name, _)| *name != OPENROUTER) {
            servers.0.push(Arc::new(Server::of_config(name, endpoint, config, paths)));
        }
        let first = match choice {
            Choice::Config => config.endpoint.clone().unwrap_or_else(|| OPENROUTER.into()),
            Choice::Named(name) => name.clone(),
            Choice::Address(url) => servers.with_address(url, config, paths)?,
        };
        servers.put_first(&first)?;
        Ok(servers)
    }

    /// The demo alone: nothing of the reader's goes to it.
    pub fn demo(base_url: String) -> Self {
        Self(vec![Arc::new(Server {
            name: DEMO.into(),
            base_url,
            dialect: Dialect::OpenRouter,
            limits: Limits::default(),
            key: None,
            needs_key: false,
            client: OnceCell::new(),
        })])
    }

    /// What the state knows of them.
    pub fn infos(&self, env: Env) -> Vec<EndpointInfo> {
        self.0.iter().map(|server| server.info(env)).collect()
    }

    pub fn first(&self) -> Option<Arc<Server>> {
        self.0.first().cloned()
    }

    pub fn get(&self, name: &str) -> Option<Arc<Server>> {
        self.0.iter().find(|server| server.name == name).cloned()
    }

    /// Adds a server, or replaces the one of its name: with it goes the client that had the old key.
    pub fn put(&mut self, server: Server) {
        let server = Arc::new(server);
        match self.0.iter_mut().find(|known| known.name == server.name) {
            Some(known) => *known = server,
            None => self.0.push(server),
        }
    }

    /// A name for a server that the reader told the address of: its own where it is known, else its host's.
    pub fn name_for(&self, url: &str) -> String {
        let same = |server: &&Arc<Server>| server.base_url.trim_end_matches('/') == url.trim_end_matches('/');
        if let Some(known) = self.0.iter().find(same) {
            return known.name.clone();
        }
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let name = match host.as_str() {
            "localhost" | "127.0.0.1" | "[::1]" | "" => "local".into(),
            host => host.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
        };
        let free = |name: &String| self.get(name).is_none();
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name)
    }

    /// The name of the server at an address: one of the config, or a new one that is called by its address.
    fn with_address(&mut self, url: &str, config: &Config, paths: &Paths) -> Result<String, String> {
        config::check_address(url).map_err(|what| format!("--base-url {url}: {what}"))?;
        let same = |server: &&Arc<Server>| server.base_url.trim_end_matches('/') == url.trim_end_matches('/');
        if let Some(known) = self.0.iter().skip(1).find(same) {
            return Ok(known.name.clone());
        }
        let endpoint = config::Endpoint { base_url: url.to_owned(), ..config::Endpoint::default() };
        self.put(Server::of_config(url, &endpoint, config, paths));
        Ok(url.to_owned())
    }

    fn put_first(&mut self, name: &str) -> Result<(), String> {
        let Some(at) = self.0.iter().position(|server| server.name == name) else {
            let names: Vec<&str> = self.0.iter().map(|server| server.name.as_str()).collect();
            return Err(format!("no endpoint {name}; there are {}", names.join(", ")));
        };
        self.0[..=at].rotate_right(1);
        Ok(())
    }
}

impl Server {
    /// `OPENROUTER_BASE_URL` moves it, and its key goes with it.
    fn openrouter(config: &Config, paths: &Paths, env: Env) -> Self {
        let own = config.endpoints.get(OPENROUTER);
        let moved = env("OPENROUTER_BASE_URL").map(|url| url.to_string_lossy().into_owned());
        let places = keys::Places {
            variable: own.and_then(|own| own.key_env.clone()).or_else(|| Some("OPENROUTER_API_KEY".into())),
            command: own.map(|own| own.key_command.clone()).unwrap_or_default(),
            file: keys::file(&paths.keys(), OPENROUTER),
        };
        Self {
            name: OPENROUTER.into(),
            base_url: moved.filter(|url| !url.is_empty()).unwrap_or_else(|| OPENROUTER_URL.into()),
            dialect: Dialect::OpenRouter,
            limits: config.limits(OPENROUTER),
            key: Some(places),
            needs_key: true,
            client: OnceCell::new(),
        }
    }

    pub fn of_config(name: &str, endpoint: &config::Endpoint, config: &Config, paths: &Paths) -> Self {
        let dialect = match endpoint.dialect {
            Some(config::Dialect::OpenRouter) => Dialect::OpenRouter,
            Some(config::Dialect::OpenAi) => Dialect::OpenAi,
            Some(config::Dialect::Other) => Dialect::Other,
            None => Dialect::of(&endpoint.base_url),
        };
        let places = keys::Places {
            variable: endpoint.key_env.clone(),
            command: endpoint.key_command.clone(),
            file: keys::file(&paths.keys(), name),
        };
        Self {
            name: name.to_owned(),
            base_url: endpoint.base_url.clone(),
            dialect,
            limits: config.limits(name),
            needs_key: places.variable.is_some() || !places.command.is_empty(),
            key: Some(places),
            client: OnceCell::new(),
        }
    }

    /// The same server before it was ever asked.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            name: self.name.clone(),
            base_url: self.base_url.clone(),
            dialect: self.dialect,
            limits: self.limits,
            key: self.key.clone(),
            needs_key: self.needs_key,
            client: OnceCell::new(),
        }
    }

    /// The environment variable that its key comes from, or could.
    pub fn key_variable(&self) -> &str {
        let variable = self.key.as_ref().and_then(|places| places.variable.as_deref());
        variable.unwrap_or(if self.name == OPENROUTER { "OPENROUTER_API_KEY" } else { "API_KEY" })
    }

    pub fn key_places(&self) -> Option<&keys::Places> {
        self.key.as_ref()
    }

    fn info(&self, env: Env) -> EndpointInfo {
        let promised = self.key.as_ref().is_some_and(|places| places.promise(env));
        EndpointInfo { name: self.name.clone(), dialect: self.dialect, ready: promised || !self.needs_key }
    }

    /// The client, made at the first call: reading roots and asking a program for a key take their time.
    ///
    /// # Errors
    /// There is no key where one was promised, or no TLS.
    pub async fn client(&self) -> Result<&Client, api::Error> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client, api::Error> {
        let (name, base_url, dialect, limits) = (self.name.clone(), self.base_url.clone(), self.dialect, self.limits);
        let places = self.key.clone();
        let made = spawn_blocking(move || {
            let key = match places {
                Some(places) => places
                    .find(&|name| std::env::var_os(name))
                    .map_err(|error| api::Error::new(Fault::Key, error.to_string()))?,
                None => None,
            };
            let timeouts =
                Timeouts { connect: limits.connect, first_byte: limits.first_byte, silence: limits.silence_stop };
            Client::with_timeouts(Endpoint { name, base_url, dialect, key }, timeouts)
        });
        made.await.unwrap_or_else(|_| Err(api::Error::new(Fault::Connect, "the client could not be made")))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn find(config: &str, set: &[(&str, &str)], choice: &Choice) -> Result<Vec<EndpointInfo>, String> {
        let (config, _) = Config::parse(config, Path::new("config.toml")).unwrap();
        let paths = Paths {
            config: "/nowhere/config.toml".into(),
            data_dir: "/nowhere/data".into(),
            state_dir: "/nowhere/state".into(),
            cache_dir: "/nowhere/cache".into(),
        };
        let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        Servers::find(&config, &paths, &env, choice).map(|servers| servers.infos(&env))
    }

    fn info(name: &str, dialect: Dialect, ready: bool) -> EndpointInfo {
        EndpointInfo { name: name.into(), dialect, ready }
    }

    #[test]
    fn openrouter_is_there_without_a_config_and_ready_with_a_key() {
        let openrouter = |ready| Ok(vec![info("openrouter", Dialect::OpenRouter, ready)]);
        assert_eq!(find("", &[], &Choice::Config), openrouter(false));
        assert_eq!(find("", &[("OPENROUTER_API_KEY", "sk-or-v1-0")], &Choice::Config), openrouter(true));
        let moved = [("OPENROUTER_BASE_URL", "http://127.0.0.1:1/v1"), ("OPENROUTER_API_KEY", "sk-or-v1-0")];
        assert_eq!(find("", &moved, &Choice::Config), openrouter(true));
    }

    #[test]
    fn the_chosen_server_comes_first_and_one_without_a_key_is_ready() {
        let config = "endpoint = \"local\"\n[endpoints.local]\nbase_url = \"http://localhost:11434/v1\"\n\
                      [endpoints.work]\nbase_url = \"https://api.openai.com/v1\"\nkey_env = \"WORK_KEY\"\n";
        let local = info("local", Dialect::Other, true);
        let work = info("work", Dialect::OpenAi, false);
        let openrouter = info("openrouter", Dialect::OpenRouter, false);
        let all = |first: &[&EndpointInfo]| Ok(first.iter().map(|info| (*info).clone()).collect::<Vec<_>>());
        assert_eq!(find(config, &[], &Choice::Config), all(&[&local, &openrouter, &work]));
        assert_eq!(find(config, &[], &Choice::Named("work".into())), all(&[&work, &openrouter, &local]));
        let known = Choice::Address("http://localhost:11434/v1/".into());
        assert_eq!(find(config, &[], &known), all(&[&local, &openrouter, &work]));
    }

    #[test]
    fn an_address_on_the_command_line_never_gets_the_key_of_another_server() {
        let choice = Choice::Address("https://openrouter.ai.example.com/v1".into());
        let infos = find("", &[("OPENROUTER_API_KEY", "sk-or-v1-0")], &choice).unwrap();
        assert_eq!(infos[0], info("https://openrouter.ai.example.com/v1", Dialect::Other, true));
        let (config, _) = Config::parse("", Path::new("config.toml")).unwrap();
        let paths = Paths::find(&|name| (name == "HOME").then(|| "/home/me".into())).unwrap();
        let env = |name: &str| (name == "OPENROUTER_API_KEY").then(|| "sk-or-v1-0".into());
        let servers = Servers::find(&config, &paths, &env, &choice).unwrap();
        let found = servers.first().unwrap().key_places().unwrap().find(&env).unwrap();
        assert!(found.is_none());
    }

    #[test]
    fn a_server_is_named_after_its_host_and_no_two_are_named_alike() {
        let mut servers = Servers::default();
        let mut add = |url: &str| {
            let name = servers.name_for(url);
            servers.put(Server {
                name: name.clone(),
                base_url: url.into(),
                ..Servers::demo(String::new()).0[0].anew()
            });
            name
        };
        assert_eq!(add("http://localhost:11434/v1"), "local");
        assert_eq!(add("http://127.0.0.1:8080/v1"), "local-2");
        assert_eq!(add("http://localhost:11434/v1/"), "local");
        assert_eq!(add("https://llm.example.com/v1"), "llm-example-com");
    }

    #[test]
    fn an_unknown_endpoint_is_refused_with_those_that_there_are() {
        let refused = find("", &[], &Choice::Named("opnerouter".into()));
        assert_eq!(refused, Err("no endpoint opnerouter; there are openrouter".into()));
    }
}
