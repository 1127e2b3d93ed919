//! The proxy that the environment names for a server. What cannot be read is an error, so that no proxy is bypassed.

use std::{ffi::OsString, net::IpAddr};

use reqwest::Url;

use crate::{
    api::{ApiError, ErrorFact, FaultKind, NetworkObstacle},
    text,
};

/// A proxy from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// The variable that it comes from, such as `HTTPS_PROXY`.
    pub variable: &'static str,
    /// Its address, as reqwest understands it. It may hold a password.
    pub url: String,
    /// Its host and port, for messages.
    pub name: String,
    /// Whether the names of servers are looked up here and not by the proxy.
    pub resolves_here: bool,
}

/// The variables that name a proxy for every address; those for one scheme come before them.
const ALL_VARIABLES: [&str; 2] = ["ALL_PROXY", "all_proxy"];

impl ProxySetting {
    /// Returns the proxy for a server, if the environment names one.
    ///
    /// # Errors
    /// The setting cannot be read.
    pub fn find(base_url: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Self>, ApiError> {
        let Ok(url) = Url::parse(base_url) else { return Ok(None) };
        let text = |name: &str| {
            let value = env(name)?.to_string_lossy().trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let of_scheme =
            if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
        let names = of_scheme.into_iter().chain(ALL_VARIABLES);
        let Some((variable, value)) = names.into_iter().find_map(|name| Some((name, text(name)?))) else {
            return Ok(None);
        };
        let excluded = text("NO_PROXY").or_else(|| text("no_proxy")).unwrap_or_default();
        if is_excluded(url.host_str().unwrap_or_default(), &excluded) {
            return Ok(None);
        }
        Self::parse(variable, &value).map(Some)
    }

    fn parse(variable: &'static str, value: &str) -> Result<Self, ApiError> {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            // As desktops write it. The proxy looks up names, as it does for them.
            "socks" => "socks5h".to_owned(),
            known @ ("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") => known.to_owned(),
            other => return Err(invalid(variable, value, &format!("{other}:// is not a kind of proxy"))),
        };
        let address = format!("{scheme}://{rest}");
        let url = Url::parse(&address).map_err(|error| invalid(variable, value, &text::error_words(&error)))?;
        // A slash too many, or a colon too few, would take something else for the host.
        let host = url.host_str().filter(|host| !host.is_empty() && !rest.starts_with('/') && !rest.contains("//"));
        let Some(host) = host else {
            return Err(invalid(variable, value, "it names no host"));
        };
        let name = match url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let resolves_here = matches!(scheme.as_str(), "socks4" | "socks5");
        Ok(Self { variable, url: address, name, resolves_here })
    }

    /// Returns the setting as reqwest takes it.
    ///
    /// # Errors
    /// reqwest cannot use it.
    pub fn to_proxy(&self) -> Result<reqwest::Proxy, ApiError> {
        reqwest::Proxy::all(&self.url).map_err(|error| invalid(self.variable, "", &text::error_words(&error)))
    }

    /// The proxy as it is named in messages, as in `127.0.0.1:3128 (HTTPS_PROXY)`.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.variable)
    }
}

fn invalid(variable: &str, value: &str, why: &str) -> ApiError {
    // A value with a name may hold a password.
    let shown = if value.is_empty() || value.contains('@') { String::new() } else { format!(" {value}") };
    let message = format!("{variable}{shown} is not the address of a proxy: {why}");
    let facts = vec![ErrorFact::Obstacle(NetworkObstacle::ProxySetting)];
    ApiError { facts, ..ApiError::new(FaultKind::Connect, crate::text::clean(&message).replace('\n', " ")) }
}

/// Returns whether `NO_PROXY` lists a host: by its name, its domain, its address or its network.
fn is_excluded(host: &str, list: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        if let Some(address) = address {
            let is_same = entry.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|other| other == address);
            return entry == "*" || is_same || is_in_network(address, &entry);
        }
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*" || host == domain || host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
    })
}

fn is_in_network(address: IpAddr, network: &str) -> bool {
    let Some((base, length)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((address, size), (base, base_size)) = (bits(address), bits(base));
    let shift = 128_u32.checked_sub(length);
    size == base_size
        && length <= size
        && shift.is_some_and(|shift| address.checked_shr(shift).unwrap_or(0) == base.checked_shr(shift).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(base_url: &str, set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        match ProxySetting::find(base_url, &env) {
            Ok(found) => Ok(found.map(|proxy| format!("{} {}", proxy.variable, proxy.url))),
            Err(error) => {
                assert_eq!((error.obstacle(), error.max_attempts()), (Some(NetworkObstacle::ProxySetting), 1));
                Err(error.message)
            }
        }
    }

    #[test]
    fn the_proxy_of_a_server_is_read_in_every_form() {
        let https = "https://llm.example.com/v1";
        for (set, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", " ")], None),
            (&[("HTTP_PROXY", "http://p:1")], None),
            (&[("HTTPS_PROXY", "http://p:1"), ("ALL_PROXY", "http://q:2")], Some("HTTPS_PROXY http://p:1")),
            (&[("https_proxy", "p:3128")], Some("https_proxy http://p:3128")),
            (&[("ALL_PROXY", "socks://127.0.0.1:1080/")], Some("ALL_PROXY socks5h://127.0.0.1:1080/")),
            (&[("ALL_PROXY", "SOCKS5://p")], Some("ALL_PROXY socks5://p")),
            (&[("ALL_PROXY", "http://p"), ("NO_PROXY", "other.com, .example.com")], None),
            (&[("ALL_PROXY", "http://p"), ("NO_PROXY", "ample.com")], Some("ALL_PROXY http://p")),
            (&[("ALL_PROXY", "http://"), ("no_proxy", "*")], None),
        ] {
            assert_eq!(find(https, set), Ok(expected.map(str::to_owned)), "{set:?}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_an_error_with_its_variable() {
        for value in
            ["http://", "http:///path", "socks5://", "ftp://p:1", "p:port", "http://p:99999", "://p", "http//p:1"]
        {
            let error = find("https://llm.example.com/v1", &[("HTTPS_PROXY", value)]).expect_err(value);
            assert!(error.starts_with(&format!("HTTPS_PROXY {value} is not the address of a proxy")), "{error}");
        }
        let error = find("http://llm.example.com", &[("http_proxy", "http://me:secret@")]).expect_err("no host");
        assert!(error.starts_with("http_proxy is not") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn addresses_and_networks_can_be_excluded() {
        for (host, list, expected) in [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("[fd00::1]", "fd00::/8", true),
            ("[fd00::1]", "10.0.0.0/8", false),
            ("10.1.2.3", "10.0.0.0/99", false),
            ("localhost", "localhost", true),
        ] {
            assert_eq!(is_excluded(host, list), expected, "{host} {list}");
        }
    }
}
