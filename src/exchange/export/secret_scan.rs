//! Finds what looks like a secret in a text: keys of known vendors, private keys, tokens, passwords.

mod assignments;
mod key_shapes;

use std::ops::Range;

/// What looks like a secret in an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSuspect {
    /// What it seems to be: "an OpenRouter key".
    pub kind: &'static str,
    /// Enough to recognise it, without the secret: `sk-or-v1-…, 73 characters`.
    pub preview: String,
    /// The number of its message in the export; `None` is outside of all.
    pub message: Option<usize>,
}

impl std::fmt::Display for SecretSuspect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.message.map_or_else(|| "the title or settings".into(), |number| format!("message {number}"));
        write!(f, "{} ({}) in {place}", self.kind, self.preview)
    }
}

/// A secret at its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundSecret {
    pub kind: &'static str,
    /// What is masked.
    pub range: Range<usize>,
    /// What stands before it and says what it is.
    pub label: String,
}

const PEM_BEGIN: &str = "-----BEGIN ";

/// Finds all secrets of a text, in order and without overlaps: what is known by its own form comes first.
pub(super) fn find_secrets(text: &str) -> Vec<FoundSecret> {
    let mut found: Vec<FoundSecret> = Vec::new();
    let scans = [
        private_keys,
        key_shapes::find_keys,
        assignments::find_bearers,
        assignments::find_url_passwords,
        assignments::find_assignments,
    ];
    for scan in scans {
        // Each scan finds in order.
        let known = found.len();
        for secret in scan(text) {
            let is_apart =
                |other: &FoundSecret| secret.range.end <= other.range.start || other.range.end <= secret.range.start;
            if found[..known].iter().all(is_apart) {
                found.push(secret);
            }
        }
    }
    found.sort_by_key(|secret| secret.range.start);
    let mut end = 0;
    found.retain(|secret| {
        let is_apart = secret.range.start >= end;
        end = end.max(secret.range.end);
        is_apart
    });
    found
}

/// Judges the value of a field of JSON by the name of the field.
pub(super) fn find_in_field(name: &str, value: &str) -> Option<FoundSecret> {
    let is_secret = assignments::is_secret_name(name) && assignments::is_telling_value(value, true);
    is_secret.then(|| FoundSecret { kind: "a password or token", range: 0..value.len(), label: format!("{name}: ") })
}

impl FoundSecret {
    /// Describes it without showing it.
    pub(super) fn preview(&self, text: &str) -> String {
        let lines = text[self.range.clone()].lines().count();
        let size = match lines {
            0 | 1 => format!("{} characters", text[self.range.clone()].chars().count()),
            _ => format!("{lines} lines"),
        };
        format!("{}…, {size}", self.label)
    }
}

/// The bodies of private keys, up to their last line.
fn private_keys(text: &str) -> Vec<FoundSecret> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(begin) = text[from..].find(PEM_BEGIN).map(|at| from + at) {
        let head = begin + PEM_BEGIN.len();
        from = head;
        let Some(label_end) = text[head..].find("-----").map(|at| head + at) else { break };
        let label = &text[head..label_end];
        if label.len() > 60 || label.contains('\n') || !label.contains("PRIVATE KEY") {
            continue;
        }
        let body = label_end + "-----".len();
        let is_body = |char: char| char.is_ascii_alphanumeric() || "+/=\\ \r\n\t:,-.".contains(char);
        let end = match text[body..].find("-----END ") {
            Some(at) => body + at,
            None => body + text[body..].find(|char| !is_body(char)).unwrap_or(text.len() - body),
        };
        let lead = text[body..end].len() - text[body..end].trim_start().len();
        let range = body + lead..body + text[body..end].trim_end().len();
        if range.start < range.end {
            found.push(FoundSecret { kind: "a private key", range, label: format!("{} ", &text[begin..body]) });
        }
        from = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(&'static str, &str)> {
        find_secrets(text).into_iter().map(|secret| (secret.kind, &text[secret.range])).collect()
    }

    #[test]
    fn keys_of_known_vendors_are_found() {
        let tail = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6";
        for (text, kind) in [
            (format!("sk-or-v1-{tail}"), "an OpenRouter key"),
            (format!("sk-ant-api03-{tail}"), "an Anthropic key"),
            (format!("sk-proj-{tail}"), "an OpenAI key"),
            (format!("sk-{tail}"), "an API key"),
            (format!("xai-{tail}{tail}"), "an xAI key"),
            (format!("gsk_{tail}"), "a Groq key"),
            (format!("AIza{}", &tail[..35]), "a Google key"),
            (format!("hf_{}", &tail[..34]), "a Hugging Face token"),
            (format!("ghp_{}", &tail[..36]), "a GitHub token"),
            (format!("github_pat_{tail}"), "a GitHub token"),
            (format!("glpat-{}", &tail[..20]), "a GitLab token"),
            ("AKIAIOSFODNN7ABCDEFG".to_owned(), "an AWS key id"),
            (format!("xoxb-1234567890-{tail}"), "a Slack token"),
            (format!("sk_live_{tail}"), "a Stripe key"),
            (format!("npm_{}", &tail[..36]), "an npm token"),
        ] {
            for around in
                [text.clone(), format!("the key is `{text}`."), format!("KEY=\"{text}\""), format!("({text})")]
            {
                let found = kinds(&around);
                assert_eq!(found.len(), 1, "{around}: {found:?}");
                assert_eq!(found[0].0, kind, "{around}");
                assert!(text.ends_with(found[0].1) && found[0].1.len() >= 16, "{around}: {found:?}");
            }
        }
    }

    #[test]
    fn tokens_and_passwords_are_found_where_they_stand() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        assert_eq!(kinds(&format!("token {jwt} end")), [("a JSON web token", jwt)]);
        assert_eq!(kinds("Authorization: Bearer 8f3aQ9zL0pXw27Tt"), [("a bearer token", "8f3aQ9zL0pXw27Tt")]);
        assert_eq!(kinds("postgres://app:s3cr3t!pw@db.example:5432/x"), [("a password in an address", "s3cr3t!pw")]);
        assert_eq!(kinds("password=hunter2x"), [("a password or token", "hunter2x")]);
        assert_eq!(kinds("DB_PASSWORD: \"correct horse 7\""), [("a password or token", "correct horse 7")]);
        assert_eq!(kinds("{\"client_secret\": \"q8Zt-91kk-Lpw2\"}"), [("a password or token", "q8Zt-91kk-Lpw2")]);
        let aws = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert_eq!(kinds(&format!("aws_secret_access_key = {aws}\n")), [("a password or token", aws)]);
    }

    #[test]
    fn a_private_key_is_found_whole_and_a_public_one_is_not() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n");
        assert_eq!(kinds(&key), [("a private key", body)]);
        assert_eq!(kinds(&key.replace("PRIVATE", "PUBLIC")), []);
        let open = format!("-----BEGIN PRIVATE KEY-----\n{body}");
        assert_eq!(kinds(&open), [("a private key", body)]);
    }

    #[test]
    fn words_code_and_placeholders_are_no_secrets() {
        for text in [
            "let password: String = read_password()?;",
            "fn login(password: &str, token: Option<Token>)",
            "password = os.environ[\"DB_PASSWORD\"]",
            "api_key=$OPENROUTER_API_KEY and token=${TOKEN}",
            "password: <your-password>, secret=xxxxxxxxxxxx, token=****************",
            "max_tokens=4096, token: 1234567, tokens: 99",
            "sk-learn-contrib-and-other-packages, task-force-of-the-year-2024",
            "sk-or-v1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "https://user:password@host.example and https://a.example/x:y@z",
            "The Bearer of bad news; Bearer authentication",
            "git commit 3f2a9c1d4e5b6a7f8c9d0e1f2a3b4c5d6e7f8a9b",
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "password=██████████",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
