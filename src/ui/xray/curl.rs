//! A request as a shell command that takes the key from the environment.

use std::fmt::Write;

use crate::{api::SentRequest, text};

/// A `curl` command that sends the same bytes.
pub(super) fn curl_command(sent: &SentRequest) -> String {
    let mut command = format!("curl --no-buffer {}", shell_quoted(&sent.url, &sent.variable));
    for (name, value) in &sent.headers {
        command += " \\\n  --header ";
        command += &shell_quoted(&format!("{name}: {value}"), &sent.variable);
    }
    command += " \\\n  --data-raw ";
    command += &shell_quoted(&escape_json(&sent.body), &sent.variable);
    command
}

/// Quotes a word for the shell. Only the variable that holds the key is expanded in it.
fn shell_quoted(word: &str, variable: &str) -> String {
    let key = format!("${variable}");
    let pieces: Vec<String> = word.split(&key).map(|piece| format!("'{}'", piece.replace('\'', "'\\''"))).collect();
    let word = pieces.join(&format!("\"{key}\""));
    word.replace("''\"", "\"").replace("\"''", "\"")
}

/// The JSON, with escapes for the characters that are cleaned out of text for the clipboard.
fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut bytes = [0; 4];
    for char in json.chars() {
        let single: &str = char.encode_utf8(&mut bytes);
        if char.is_ascii() || text::clean(single) == single {
            escaped.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}"); // Writing to a string cannot fail.
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &str) -> SentRequest {
        SentRequest {
            url: "https://openrouter.ai/api/v1/responses".into(),
            headers: vec![
                ("authorization".into(), "Bearer $OPENROUTER_API_KEY".into()),
                ("content-type".into(), "application/json".into()),
            ],
            body: body.into(),
            variable: "OPENROUTER_API_KEY".into(),
        }
    }

    #[test]
    fn only_the_key_variable_is_expanded_by_the_shell() {
        insta::assert_snapshot!(curl_command(&sent(r#"{"input":"it's $HOME, `x` and \"y\""}"#)), @r#"
        curl --no-buffer 'https://openrouter.ai/api/v1/responses' \
          --header 'authorization: Bearer '"$OPENROUTER_API_KEY" \
          --header 'content-type: application/json' \
          --data-raw '{"input":"it'\''s $HOME, `x` and \"y\""}'
        "#);
    }

    #[test]
    fn characters_cleaned_from_the_clipboard_are_escaped_without_changing_the_json() {
        let body = "{\"input\":\"a\u{202e}b\u{9b}c\u{200f}é 日本\"}";
        let plain = escape_json(body);
        assert_eq!(text::clean(&plain), plain);
        let parse = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        assert_eq!(parse(&plain), parse(body));
        assert!(plain.contains("é 日本"));
    }
}
