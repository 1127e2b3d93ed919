//! Signing in with OpenRouter in a browser (OAuth with PKCE): the address to approve at, the code that comes back, and
//! what is exchanged for a key.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The random bytes of a sign-in: the verifier, and the path that the browser comes back to.
pub type SignInSeed = [u8; 48];

/// A code is a word of this length at most.
const MAX_CODE_LENGTH: usize = 512;

/// One attempt to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The page on which the user approves.
    page: Url,
    verifier: SecretString,
    challenge: String,
    /// The server has no state parameter, so a path that nobody can guess tells that the answer is to this attempt.
    callback_path: String,
}

/// What a request to the callback address says.
#[derive(Debug)]
pub enum SignInCallback {
    Code(SecretString),
    /// The user or the server declined, for this reason.
    Denied(String),
    /// It is not about this attempt.
    Unknown,
}

impl SignIn {
    /// Prepares an attempt; `None` if one cannot sign in to the server of this address.
    pub fn new(base_url: &str, seed: &SignInSeed) -> Option<Self> {
        let mut page = Url::parse(base_url).ok()?;
        if !page.path().trim_end_matches('/').ends_with("/api/v1") {
            return None;
        }
        page.set_path("/auth");
        let (verifier, path) = seed.split_at(36);
        let verifier = BASE64_URL_SAFE_NO_PAD.encode(verifier);
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let callback_path = format!("/{}", BASE64_URL_SAFE_NO_PAD.encode(path));
        Some(Self { page, verifier: verifier.into(), challenge, callback_path })
    }

    /// The address to open in a browser on this machine, which comes back to the port.
    pub fn browser_url(&self, port: u16) -> String {
        self.url(Some(&format!("http://localhost:{port}{}", self.callback_path)))
    }

    /// The address to open in any other browser, which shows a code to paste.
    pub fn code_url(&self) -> String {
        self.url(None)
    }

    fn url(&self, callback: Option<&str>) -> String {
        let mut url = self.page.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(callback) = callback {
                query.append_pair("callback_url", callback);
            }
            query.append_pair("code_challenge", &self.challenge).append_pair("code_challenge_method", "S256");
            query.append_pair("key_label", "ibid");
        }
        url.into()
    }

    /// Reads the target of a request to the callback address, such as `/path?code=…`.
    pub fn read_callback(&self, target: &str) -> SignInCallback {
        let Ok(url) = Url::parse("http://localhost").and_then(|base| base.join(target)) else {
            return SignInCallback::Unknown;
        };
        if url.path() != self.callback_path {
            return SignInCallback::Unknown;
        }
        match read_query(&url) {
            Some(Ok(code)) => SignInCallback::Code(code),
            Some(Err(reason)) => SignInCallback::Denied(reason),
            None => SignInCallback::Unknown,
        }
    }

    /// The body that exchanges the code for a key.
    pub fn exchange_body(&self, code: &SecretString) -> String {
        let verifier = self.verifier.expose_secret();
        json!({"code": code.expose_secret(), "code_verifier": verifier, "code_challenge_method": "S256"}).to_string()
    }
}

/// Reads what was pasted: the code, or the whole address that the browser came back to.
///
/// # Errors
/// One sentence: it is neither.
pub fn read_pasted_code(pasted: &str) -> Result<SecretString, String> {
    let text = pasted.trim();
    if text.is_empty() {
        return Err("paste the code that the page shows".into());
    }
    if text.starts_with("sk-or-") {
        return Err("this is a key, not a code; go back and choose to paste a key".into());
    }
    if let Some(url) = Url::parse(text).ok().filter(Url::has_host) {
        return match read_query(&url) {
            Some(Ok(code)) => Ok(code),
            Some(Err(reason)) => Err(format!("the page declined: {reason}")),
            None => Err("this address has no code in it; paste the code that the page shows".into()),
        };
    }
    checked_code(text).ok_or_else(|| "a code is one word without spaces; paste it whole".into())
}

/// Reads the code of an address, or the reason why there is none.
fn read_query(url: &Url) -> Option<Result<SecretString, String>> {
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(code) = value("code").as_deref().and_then(checked_code) {
        return Some(Ok(code));
    }
    let reason = value("error")?;
    Some(Err(match (reason.as_str(), value("error_description")) {
        (_, Some(words)) if !words.trim().is_empty() => words,
        ("access_denied", _) => "you did not approve it".into(),
        _ => reason,
    }))
}

fn checked_code(text: &str) -> Option<SecretString> {
    let is_word = !text.is_empty() && text.len() <= MAX_CODE_LENGTH && text.chars().all(|sign| sign.is_ascii_graphic());
    is_word.then(|| text.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://openrouter.ai/api/v1";

    fn sign_in() -> SignIn {
        let seed: SignInSeed = std::array::from_fn(|index| u8::try_from(index * 5 % 251).expect("a byte"));
        SignIn::new(BASE, &seed).expect("one can sign in there")
    }

    fn code(result: Result<SecretString, String>) -> Result<String, String> {
        result.map(|code| code.expose_secret().to_owned())
    }

    #[test]
    fn the_addresses_have_the_challenge_and_the_way_back() {
        let sign_in = sign_in();
        let url = Url::parse(&sign_in.browser_url(43817)).expect("an address");
        assert_eq!((url.host_str(), url.path()), (Some("openrouter.ai"), "/auth"));
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let callback = format!("http://localhost:43817{}", sign_in.callback_path);
        assert_eq!(value("callback_url"), Some(callback));
        assert_eq!(value("code_challenge_method").as_deref(), Some("S256"));
        let verifier = sign_in.verifier.expose_secret();
        assert!((43..=128).contains(&verifier.len()), "{}", verifier.len());
        let expected = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        assert_eq!(value("code_challenge"), Some(expected));
        assert!(!sign_in.code_url().contains("callback_url"));
        assert!(!format!("{} {}", url, sign_in.code_url()).contains(verifier), "only the exchange has the verifier");
    }

    #[test]
    fn only_the_own_path_is_believed() {
        let sign_in = sign_in();
        let path = &sign_in.callback_path;
        let read = |target: &str| sign_in.read_callback(target);
        assert!(
            matches!(read(&format!("{path}?code=abc-1")), SignInCallback::Code(code) if code.expose_secret() == "abc-1")
        );
        assert!(matches!(read("/other?code=abc"), SignInCallback::Unknown));
        assert!(matches!(read(&format!("{path}x?code=abc")), SignInCallback::Unknown));
        assert!(matches!(read(&format!("{path}?code=")), SignInCallback::Unknown));
        assert!(matches!(read(path), SignInCallback::Unknown));
        let denied = read(&format!("{path}?error=access_denied"));
        assert!(matches!(denied, SignInCallback::Denied(why) if why == "you did not approve it"));
    }

    #[test]
    fn a_code_or_the_whole_address_can_be_pasted() {
        assert_eq!(code(read_pasted_code(" auth_code_1x\n")), Ok("auth_code_1x".into()));
        assert_eq!(code(read_pasted_code("http://localhost:1/p?code=a%2Bb&x=1")), Ok("a+b".into()));
        let fails = |text: &str| code(read_pasted_code(text)).expect_err(text);
        assert!(fails("").contains("paste the code"));
        assert!(fails("two words").contains("one word"));
        assert!(fails("http://localhost:1/p").contains("no code"));
        assert!(fails("http://localhost:1/p?error=access_denied").contains("you did not approve it"));
        assert!(fails("sk-or-v1-0123").contains("a key, not a code"));
    }

    #[test]
    fn one_signs_in_to_openrouter_and_no_other_kind_of_server() {
        assert!(SignIn::new("https://llm.example/v1", &[0; 48]).is_none());
        assert!(SignIn::new("http://127.0.0.1:8000/api/v1/", &[0; 48]).is_some());
    }
}
