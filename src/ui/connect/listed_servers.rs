//! What the connect screen lists: servers with their keys, and servers on this machine.

use crate::{
    api::{LocalServer, ProbeResult},
    keys::KeyListing,
    ui::Effect,
};

/// The servers that are known or were found.
#[derive(Debug, Clone, Default)]
pub struct ListedServers {
    pub keys: Vec<KeyListing>,
    pub local: Vec<LocalSearch>,
    /// Whether they have been looked up.
    has_looked: bool,
}

/// A server that may run on this machine.
#[derive(Debug, Clone)]
pub struct LocalSearch {
    pub server: LocalServer,
    /// What was found; `None` while it has not answered.
    pub found: Option<ProbeResult>,
}

impl ListedServers {
    /// Returns the effects that look the servers up, the first time it is called.
    pub fn look_up(&mut self, ports: &[u16]) -> Vec<Effect> {
        if std::mem::replace(&mut self.has_looked, true) {
            return Vec::new();
        }
        let servers = LocalServer::on_ports(ports);
        let unknown = |server: &LocalServer| LocalSearch { server: server.clone(), found: None };
        self.local = servers.iter().map(unknown).collect();
        vec![Effect::ListKeys, Effect::ProbeLocalServers(servers)]
    }

    /// Makes the next look-up ask again.
    pub(super) fn look_again(&mut self) {
        self.has_looked = false;
    }

    /// Returns whether a server has not answered yet.
    pub fn is_looking(&self) -> bool {
        self.local.iter().any(|search| search.found.is_none())
    }

    pub fn has_found(&self) -> bool {
        self.local.iter().any(|search| search.port().is_some())
    }

    pub(super) fn set_found(&mut self, name: &str, result: ProbeResult) {
        if let Some(search) = self.local.iter_mut().find(|search| search.server.name == name) {
            search.found = Some(result);
        }
    }
}

impl LocalSearch {
    /// Returns the port on which it was found.
    pub fn port(&self) -> Option<u16> {
        match self.found.as_ref()? {
            ProbeResult::Models { port, .. } | ProbeResult::WantsKey { port } => Some(*port),
            ProbeResult::NotRunning => None,
        }
    }

    /// Returns the address at which it was found, and the name it gets in the config.
    pub(super) fn address(&self) -> Option<(String, String)> {
        Some((LocalServer::base_url(self.port()?), self.server.endpoint_name()))
    }
}
