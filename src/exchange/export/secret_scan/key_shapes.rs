//! Keys that are known by their beginning.

use super::FoundSecret;

/// A kind of key: how it begins, and how long the rest is at least.
struct KeyShape {
    prefix: &'static str,
    kind: &'static str,
    min_rest: usize,
    /// The beginning could be that of words, too, so that the rest must have a digit.
    needs_digit: bool,
}

const fn key(prefix: &'static str, kind: &'static str, min_rest: usize) -> KeyShape {
    KeyShape { prefix, kind, min_rest, needs_digit: false }
}

const fn doubtful(prefix: &'static str, kind: &'static str, min_rest: usize) -> KeyShape {
    KeyShape { prefix, kind, min_rest, needs_digit: true }
}

/// The first shape that fits decides.
const SHAPES: &[KeyShape] = &[
    key("sk-or-v1-", "an OpenRouter key", 20),
    key("sk-or-", "an OpenRouter key", 20),
    key("sk-ant-", "an Anthropic key", 20),
    key("sk-proj-", "an OpenAI key", 20),
    key("sk-svcacct-", "an OpenAI key", 20),
    key("sk-admin-", "an OpenAI key", 20),
    doubtful("sk-", "an API key", 20),
    doubtful("sk_live_", "a Stripe key", 16),
    doubtful("sk_test_", "a Stripe key", 16),
    doubtful("rk_live_", "a Stripe key", 16),
    doubtful("whsec_", "a Stripe secret", 20),
    doubtful("xai-", "an xAI key", 40),
    doubtful("gsk_", "a Groq key", 40),
    doubtful("csk-", "a Cerebras key", 30),
    doubtful("pplx-", "a Perplexity key", 30),
    doubtful("nvapi-", "an NVIDIA key", 40),
    doubtful("fw_", "a Fireworks key", 20),
    doubtful("tgp_v1_", "a Together key", 20),
    doubtful("r8_", "a Replicate token", 30),
    doubtful("hf_", "a Hugging Face token", 30),
    key("AIza", "a Google key", 35),
    key("ya29.", "a Google token", 30),
    key("GOCSPX-", "a Google secret", 20),
    key("ghp_", "a GitHub token", 30),
    key("gho_", "a GitHub token", 30),
    key("ghu_", "a GitHub token", 30),
    key("ghs_", "a GitHub token", 30),
    key("ghr_", "a GitHub token", 30),
    key("github_pat_", "a GitHub token", 22),
    key("glpat-", "a GitLab token", 20),
    key("gldt-", "a GitLab token", 20),
    key("xoxb-", "a Slack token", 20),
    key("xoxp-", "a Slack token", 20),
    key("xoxa-", "a Slack token", 20),
    key("xoxr-", "a Slack token", 20),
    key("xoxs-", "a Slack token", 20),
    key("xapp-", "a Slack token", 20),
    key("SG.", "a SendGrid key", 40),
    doubtful("npm_", "an npm token", 30),
    key("pypi-AgE", "a PyPI token", 30),
    key("dop_v1_", "a DigitalOcean token", 40),
    key("shpat_", "a Shopify token", 30),
    key("hvs.", "a Vault token", 24),
    key("dckr_pat_", "a Docker token", 20),
    key("lin_api_", "a Linear key", 30),
    key("tskey-", "a Tailscale key", 20),
    key("glsa_", "a Grafana token", 30),
    key("sntrys_", "a Sentry token", 30),
    key("AGE-SECRET-KEY-1", "an age key", 40),
    key("https://hooks.slack.com/services/", "a Slack webhook", 20),
    key("https://discord.com/api/webhooks/", "a Discord webhook", 20),
];

/// The beginnings of the ids of AWS keys, which are of one length.
const AWS_PREFIXES: [&str; 4] = ["AKIA", "ASIA", "ABIA", "ACCA"];
const AWS_REST: usize = 16;

/// Finds keys by their beginning.
pub(super) fn find_keys(text: &str) -> Vec<FoundSecret> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    for (start, _) in text.char_indices().filter(|(_, char)| char.is_ascii_alphabetic()) {
        let is_in_word =
            start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || matches!(bytes[start - 1], b'_' | b'-'));
        if start < from || is_in_word {
            continue;
        }
        if let Some(secret) =
            key_at(text, start).or_else(|| aws_id_at(text, start)).or_else(|| web_token_at(text, start))
        {
            from = secret.range.end;
            found.push(secret);
        }
    }
    found
}

fn is_key_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '/' | '+')
}

fn key_at(text: &str, start: usize) -> Option<FoundSecret> {
    let rest = &text[start..];
    let shape = SHAPES.iter().find(|shape| rest.starts_with(shape.prefix))?;
    let body = &rest[shape.prefix.len()..];
    let body = &body[..body.find(|char| !is_key_char(char)).unwrap_or(body.len())];
    let body = body.trim_end_matches(['.', '-', '/', '+']);
    let is_key = body.len() >= shape.min_rest
        && !is_placeholder(body)
        && (!shape.needs_digit || body.bytes().any(|byte| byte.is_ascii_digit()));
    let range = start + shape.prefix.len()..start + shape.prefix.len() + body.len();
    is_key.then(|| FoundSecret { kind: shape.kind, range, label: shape.prefix.to_owned() })
}

fn aws_id_at(text: &str, start: usize) -> Option<FoundSecret> {
    let rest = &text[start..];
    let prefix = AWS_PREFIXES.iter().find(|prefix| rest.starts_with(**prefix))?;
    let body = &rest[prefix.len()..];
    let length = body.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let is_id = length == AWS_REST
        && body[..length].bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && !is_placeholder(&body[..length]);
    let range = start + prefix.len()..start + prefix.len() + length;
    is_id.then(|| FoundSecret { kind: "an AWS key id", range, label: (*prefix).to_owned() })
}

/// A JSON web token: three parts, the first two of which are JSON in base64.
fn web_token_at(text: &str, start: usize) -> Option<FoundSecret> {
    let rest = &text[start..];
    if !rest.starts_with("eyJ") {
        return None;
    }
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | '=');
    let token = &rest[..rest.find(|char| !is_part(char)).unwrap_or(rest.len())];
    let token = token.trim_end_matches('.');
    let mut parts = token.split('.');
    let is_long = |part: Option<&str>, least: usize| part.is_some_and(|part| part.len() >= least);
    let is_token = is_long(parts.next(), 10) && is_long(parts.next(), 10) && is_long(parts.next(), 10);
    is_token.then(|| FoundSecret { kind: "a JSON web token", range: start..start + token.len(), label: String::new() })
}

/// Whether a value only stands for a key.
pub(super) fn is_placeholder(value: &str) -> bool {
    value.chars().all(|char| matches!(char, 'x' | 'X' | '*' | '.' | '-' | '_' | '…' | '█'))
}
