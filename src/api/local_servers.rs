//! Model servers on this machine: their usual ports, and what was found there.

/// A server program and the loopback ports on which it may listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalServer {
    pub name: String,
    /// In the order in which they are probed.
    pub ports: Vec<u16>,
}

/// What was found on the ports of a local server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeResult {
    /// It listed these models.
    Models {
        port: u16,
        models: Vec<String>,
    },
    /// It answers, but only with a key.
    WantsKey {
        port: u16,
    },
    NotRunning,
}

/// The usual ports of well-known servers. The newer port of llama.cpp is first.
const WELL_KNOWN_PORTS: [(u16, &str); 5] =
    [(11434, "Ollama"), (1234, "LM Studio"), (9931, "llama.cpp"), (8080, "llama.cpp"), (8000, "vLLM")];

/// The ports that are probed by default.
pub fn well_known_ports() -> Vec<u16> {
    WELL_KNOWN_PORTS.map(|(port, _)| port).to_vec()
}

impl LocalServer {
    /// Returns the servers that may listen on these ports; one that has several ports is listed once.
    pub fn on_ports(ports: &[u16]) -> Vec<Self> {
        let mut servers: Vec<Self> = Vec::new();
        for port in ports {
            let known = WELL_KNOWN_PORTS.iter().find(|(known, _)| known == port);
            let name = known.map_or_else(|| format!("Port {port}"), |(_, name)| (*name).to_owned());
            match servers.iter_mut().find(|server| server.name == name) {
                Some(server) => server.ports.push(*port),
                None => servers.push(Self { name, ports: vec![*port] }),
            }
        }
        servers
    }

    /// Returns the base address of a server on a port of this machine.
    pub fn base_url(port: u16) -> String {
        format!("http://localhost:{port}/v1")
    }

    /// Returns the name that the server gets in the config.
    pub fn endpoint_name(&self) -> String {
        self.name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    }

    /// Returns its ports as an address, such as `localhost:9931, 8080`.
    pub fn ports_text(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        format!("localhost:{}", ports.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_two_ports_is_listed_once_and_an_unknown_port_by_its_number() {
        let servers = LocalServer::on_ports(&[9931, 5001, 8080]);
        let listed: Vec<_> = servers.iter().map(|server| (server.endpoint_name(), server.ports_text())).collect();
        assert_eq!(
            listed,
            [
                ("llama-cpp".to_owned(), "localhost:9931, 8080".to_owned()),
                ("port-5001".into(), "localhost:5001".into())
            ]
        );
        assert_eq!(LocalServer::on_ports(&well_known_ports()).len(), 4);
    }
}
