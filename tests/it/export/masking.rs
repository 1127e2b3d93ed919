//! What looks like a secret is listed, and masked everywhere if that is asked for.

use ibid::{
    chat::{AnswerEnd, MessageBody, WholeConversation},
    exchange::export::{ExportForm, ExportOptions, ExportedPart, SecretHandling},
    secrets,
};
use serde_json::json;

use super::exported;
use crate::support::export_sample as sample;

const KEY: &str = "sk-or-v1-9f8e7d6c5b4a39281706f5e4d3c2b1a0";
const TOKEN: &str = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8";

/// Secrets in a prompt, a text, reasoning, a call, its result, a check and the title.
fn secretive() -> WholeConversation {
    let text = sample::text_item(
        &format!("Use `{TOKEN}` and password=hunter2x. Cited."),
        &[json!({
        "type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 70, "end_index": 75})],
    );
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": format!("The key {KEY}.")}]});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "login",
        "arguments": format!("{{\"api_key\": \"{KEY}\", \"note\": \"q\"}}"), "status": "completed"});
    let answer = sample::answer(
        vec![sample::item(&reasoning, 1), sample::item(&call, 2), sample::item(&text, 3)],
        AnswerEnd::Complete,
    );
    sample::conversation(
        &format!("Key {KEY}"),
        vec![sample::prompt(&format!("Is {KEY} valid?")), MessageBody::Answer(answer)],
    )
}

fn options(form: ExportForm, secrets: SecretHandling) -> ExportOptions {
    ExportOptions { form, part: ExportedPart::Tree, secrets, ..ExportOptions::default() }
}

#[test]
fn suspects_are_listed_once_with_their_message_and_without_the_secret() {
    let found = exported(&secretive(), &options(ExportForm::Markdown, SecretHandling::Keep));
    let lines: Vec<String> = found
        .suspects
        .iter()
        .map(|suspect| format!("{:?} {}: {}", suspect.message, suspect.kind, suspect.preview))
        .collect();
    assert_eq!(
        lines,
        [
            "Some(1) an OpenRouter key: sk-or-v1-…, 32 characters",
            "Some(2) a GitHub token: ghp_…, 36 characters",
            "Some(2) a password or token: password=…, 8 characters",
        ]
    );
    assert!(found.text.contains(KEY) && found.text.contains(TOKEN), "nothing is masked unasked");
}

#[test]
fn masks_hide_every_secret_in_every_form_and_leave_citations_in_place() {
    for form in ExportForm::ALL {
        let masked = exported(&secretive(), &options(form, SecretHandling::Mask));
        for secret in [&KEY[9..], &TOKEN[4..], "hunter2x"] {
            assert!(!masked.text.contains(secret), "{secret} in {form:?}: {}", masked.text);
        }
        assert_eq!(masked.suspects.len(), 3);
        assert!(masked.text.contains("████"), "{form:?}");
    }
    let text = exported(&secretive(), &options(ExportForm::PlainText, SecretHandling::Mask)).text;
    assert!(text.contains("password=████████. Cited[1]."), "{text}");
    assert!(text.contains("3 secrets masked"), "{text}");
}

#[test]
fn the_keys_in_use_are_masked_in_any_case() {
    secrets::note_key(&"sk-export-own-key-0123".to_owned().into(), "EXPORT_TEST_KEY");
    let mut whole = secretive();
    whole.messages[0].body = sample::prompt("My key is sk-export-own-key-0123.");
    for form in ExportForm::ALL {
        let text = exported(&whole, &options(form, SecretHandling::Keep)).text;
        assert!(!text.contains("sk-export-own-key-0123"), "{form:?}: {text}");
        assert!(text.contains("$EXPORT_TEST_KEY") || text.contains("\\$EXPORT\\_TEST"), "{form:?}: {text}");
    }
}
