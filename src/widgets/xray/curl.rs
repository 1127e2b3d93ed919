//! A request as a command for a shell, which takes the key from the environment.

use std::fmt::Write;

use crate::{api::Sent, text};

/// The command; run, it sends the same bytes.
pub fn command(sent: &Sent) -> String {
    let mut command = format!("curl --no-buffer {}", quoted(&sent.url, &sent.variable));
    for (name, value) in &sent.headers {
        command += " \\\n  --header ";
        command += &quoted(&format!("{name}: {value}"), &sent.variable);
    }
    command += " \\\n  --data-raw ";
    command += &quoted(&plain(&sent.body), &sent.variable);
    command
}

/// A word of a shell in which nothing counts but the variable that holds the key.
fn quoted(word: &str, variable: &str) -> String {
    let key = format!("${variable}");
    let pieces: Vec<String> = word.split(&key).map(|piece| format!("'{}'", piece.replace('\'', "'\\''"))).collect();
    let word = pieces.join(&format!("\"{key}\""));
    word.replace("''\"", "\"").replace("\"''", "\"")
}

/// JSON with escapes for what the clipboard would not take as it is.
fn plain(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut bytes = [0; 4];
    for char in json.chars() {
        let alone: &str = char.encode_utf8(&mut bytes);
        if char.is_ascii() || text::clean(alone) == alone {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // A string takes everything.
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &str) -> Sent {
        Sent {
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
    fn the_key_is_a_variable_and_nothing_else_is_the_shells() {
        insta::assert_snapshot!(command(&sent(r#"{"input":"it's $HOME, `x` and \"y\""}"#)), @r#"
        curl --no-buffer 'https://openrouter.ai/api/v1/responses' \
          --header 'authorization: Bearer '"$OPENROUTER_API_KEY" \
          --header 'content-type: application/json' \
          --data-raw '{"input":"it'\''s $HOME, `x` and \"y\""}'
        "#);
    }

    #[test]
    fn what_the_clipboard_would_change_is_escaped_and_means_the_same() {
        let body = "{\"input\":\"a\u{202e}b\u{9b}c\u{200f}é 日本\"}";
        let plain = plain(body);
        assert_eq!(text::clean(&plain), plain);
        let parse = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        assert_eq!(parse(&plain), parse(body));
        assert!(plain.contains("é 日本"));
    }
}
