//! A server: where it is, what it speaks, which key opens it.

use reqwest::Url;
use secrecy::SecretString;

/// A server with a base address and a key. Never printed with its key.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The name in the config; `openrouter` is built in, `demo` is the program's own server.
    pub name: String,
    /// `/responses` and `/models` are joined to it, whether it ends in a slash or not.
    pub base_url: String,
    pub dialect: Dialect,
    pub key: Option<SecretString>,
}

/// What a server understands beyond the common core, as data (reference: section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `openrouter:*` tools, `session_id`, provider, plugins, `store:false`, `include`.
    OpenRouter,
    /// OpenAI, Azure, xAI: `store:false` and `include`, none of OpenRouter's own fields.
    OpenAi,
    /// Any other server: only the fields that are safe everywhere.
    Other,
}

impl Dialect {
    /// What the server at that address speaks, as far as its name tells.
    pub fn of(base_url: &str) -> Self {
        let host = host(base_url);
        let is = |name: &str| host == name || host.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
        if is("openrouter.ai") {
            Self::OpenRouter
        } else if is("api.openai.com") || is("api.x.ai") || is_azure(&host) {
            Self::OpenAi
        } else {
            Self::Other
        }
    }

    /// It knows `store:false` and `include`; others may refuse what they do not know.
    pub fn knows_store(self) -> bool {
        match self {
            Self::OpenRouter | Self::OpenAi => true,
            Self::Other => false,
        }
    }

    /// It knows `session_id`, `provider`, `plugins`, `openrouter:*` tools and the headers that name the program.
    pub fn has_own_fields(self) -> bool {
        match self {
            Self::OpenRouter => true,
            Self::OpenAi | Self::Other => false,
        }
    }
}

impl Endpoint {
    /// The address of a page of this server; a query in the base address stays behind the path.
    pub fn url(&self, path: &str) -> String {
        let (base, query) = self.base_url.split_once('?').unwrap_or((&self.base_url, ""));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{query}", base.trim_end_matches('/'))
    }

    /// Azure wants its key in a header of its own.
    pub fn wants_api_key_header(&self) -> bool {
        is_azure(&host(&self.base_url))
    }
}

fn host(base_url: &str) -> String {
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
    fn the_dialect_is_told_by_the_host_and_by_nothing_else() {
        for (base_url, dialect) in [
            ("https://openrouter.ai/api/v1", Dialect::OpenRouter),
            ("https://eu.openrouter.ai/api/v1/", Dialect::OpenRouter),
            ("https://OPENROUTER.AI/api/v1", Dialect::OpenRouter),
            ("https://notopenrouter.ai/api/v1", Dialect::Other),
            ("https://openrouter.ai.example.org/v1", Dialect::Other),
            ("https://example.org/openrouter.ai", Dialect::Other),
            ("https://api.openai.com/v1", Dialect::OpenAi),
            ("https://mine.openai.azure.com/openai/v1", Dialect::OpenAi),
            ("https://api.x.ai/v1", Dialect::OpenAi),
            ("http://localhost:11434/v1", Dialect::Other),
            ("http://[::1]:8080/v1", Dialect::Other),
            ("not an address", Dialect::Other),
        ] {
            assert_eq!(Dialect::of(base_url), dialect, "{base_url}");
        }
    }

    #[test]
    fn paths_are_joined_with_one_slash_and_before_a_query() {
        let url = |base_url: &str| {
            let base_url = base_url.to_owned();
            Endpoint { name: "x".into(), base_url, dialect: Dialect::Other, key: None }.url("/responses")
        };
        assert_eq!(url("http://host/v1"), "http://host/v1/responses");
        assert_eq!(url("http://host/v1//"), "http://host/v1/responses");
        assert_eq!(url("http://host/openai?api-version=2"), "http://host/openai/responses?api-version=2");
    }
}
