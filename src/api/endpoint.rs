//! A server: its address, its dialect and its key.

use reqwest::Url;
use secrecy::SecretString;

/// A server with a base address and a key. Its `Debug` output hides the key.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The name in the config. `openrouter` is built in, and `demo` is the built-in server.
    pub name: String,
    /// The address to which `/responses` and `/models` are appended. It may end in a slash.
    pub base_url: String,
    pub dialect: ApiDialect,
    pub key: Option<SecretString>,
}

/// What is known about an endpoint without its address and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    pub name: String,
    pub dialect: ApiDialect,
    /// Whether it can be used: it has a key, or needs none.
    pub is_ready: bool,
}

/// What a server understands beyond the common core of the API (reference: section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiDialect {
    /// OpenRouter: `openrouter:*` tools, `session_id`, `provider`, `plugins`, `store:false` and `include`.
    OpenRouter,
    /// OpenAI, Azure and xAI: `store:false` and `include`, but not OpenRouter's own fields.
    OpenAi,
    /// Any other server: only the fields that are safe everywhere.
    Other,
}

impl ApiDialect {
    /// Returns the dialect of the server at an address, judged by its host name.
    pub fn from_base_url(base_url: &str) -> Self {
        let host = host_of(base_url);
        let is_host = |name: &str| host == name || host.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
        if is_host("openrouter.ai") {
            Self::OpenRouter
        } else if is_host("api.openai.com") || is_host("api.x.ai") || is_azure(&host) {
            Self::OpenAi
        } else {
            Self::Other
        }
    }

    /// Returns whether it accepts `store:false` and `include`. Other servers may refuse unknown fields.
    pub fn supports_store(self) -> bool {
        match self {
            Self::OpenRouter | Self::OpenAi => true,
            Self::Other => false,
        }
    }

    /// Returns whether it accepts `session_id`, `provider`, `plugins`, `openrouter:*` tools and the headers that name
    /// this program.
    pub fn supports_openrouter_fields(self) -> bool {
        match self {
            Self::OpenRouter => true,
            Self::OpenAi | Self::Other => false,
        }
    }
}

impl Endpoint {
    /// Returns the address of a path on this server. A query in the base address stays after the path.
    pub fn url(&self, path: &str) -> String {
        let (base, query) = self.base_url.split_once('?').unwrap_or((&self.base_url, ""));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{query}", base.trim_end_matches('/'))
    }

    /// Returns whether requests name their conversation in the `session-id` header, as OpenAI's own server takes it.
    pub fn wants_session_header(&self) -> bool {
        host_of(&self.base_url) == "api.openai.com"
    }

    /// Returns whether the key goes into the `api-key` header, as on Azure.
    pub fn wants_api_key_header(&self) -> bool {
        is_azure(&host_of(&self.base_url))
    }
}

fn host_of(base_url: &str) -> String {
    let url = Url::parse(base_url).ok();
    url.and_then(|url| url.host_str().map(str::to_ascii_lowercase)).unwrap_or_default()
}

fn is_azure(host: &str) -> bool {
    [".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_depends_only_on_the_host() {
        for (base_url, dialect) in [
            ("https://openrouter.ai/api/v1", ApiDialect::OpenRouter),
            ("https://eu.openrouter.ai/api/v1/", ApiDialect::OpenRouter),
            ("https://OPENROUTER.AI/api/v1", ApiDialect::OpenRouter),
            ("https://notopenrouter.ai/api/v1", ApiDialect::Other),
            ("https://openrouter.ai.example.org/v1", ApiDialect::Other),
            ("https://example.org/openrouter.ai", ApiDialect::Other),
            ("https://api.openai.com/v1", ApiDialect::OpenAi),
            ("https://mine.openai.azure.com/openai/v1", ApiDialect::OpenAi),
            ("https://api.x.ai/v1", ApiDialect::OpenAi),
            ("http://localhost:11434/v1", ApiDialect::Other),
            ("http://[::1]:8080/v1", ApiDialect::Other),
            ("not an address", ApiDialect::Other),
        ] {
            assert_eq!(ApiDialect::from_base_url(base_url), dialect, "{base_url}");
        }
    }

    #[test]
    fn paths_are_joined_with_one_slash_and_before_a_query() {
        let url = |base_url: &str| {
            let base_url = base_url.to_owned();
            Endpoint { name: "x".into(), base_url, dialect: ApiDialect::Other, key: None }.url("/responses")
        };
        assert_eq!(url("http://host/v1"), "http://host/v1/responses");
        assert_eq!(url("http://host/v1//"), "http://host/v1/responses");
        assert_eq!(url("http://host/openai?api-version=2"), "http://host/openai/responses?api-version=2");
    }
}
