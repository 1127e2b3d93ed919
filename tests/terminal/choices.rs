//! Model, effort and search, chosen while a draft stands in the composer.

use crate::{Stage, answer, prompt, quit, support::pty::Pty};

const SLOTS: &str =
    "[slots]\n1 = \"openai/gpt-4.1-mini\"\n2 = \"anthropic/claude-opus-5\"\n3 = \"openai/gpt-5.6-luna\"\n";

/// Types half of a prompt, does something, types the rest, sends; the body that went out.
fn send_with(stage: &Stage, ibid: &mut Pty, keys: &str, shown: &str) -> serde_json::Value {
    ibid.type_keys("half of ");
    ibid.wait_for("› half of");
    ibid.type_keys(keys);
    ibid.wait_for(shown);
    ibid.wait_for("› half of");
    ibid.type_keys("a sentence");
    ibid.wait_for("› half of a sentence");
    stage.server.answer(answer(&["Quite so."]));
    ibid.type_keys("<enter>");
    let request = stage.server.next_request();
    assert_eq!(prompt(&request), "half of a sentence");
    crate::idle(ibid);
    request.body
}

#[test]
fn f2_a_slot_and_an_effort_in_mid_draft_keep_it_and_change_the_next_body() {
    let stage = Stage::configured(SLOTS);
    let mut ibid = stage.open();
    let body = send_with(&stage, &mut ibid, "", "gpt-4.1-mini");
    assert_eq!(body["model"], "openai/gpt-4.1-mini");
    assert!(body["reasoning"]["effort"].is_null(), "{body}");

    let body = send_with(&stage, &mut ibid, "<f2>", "claude-opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");
    let body = send_with(&stage, &mut ibid, "<ctrl-x>3", "gpt-5.6-luna");
    assert_eq!(body["model"], "openai/gpt-5.6-luna");
    let body = send_with(&stage, &mut ibid, "<shift-f2>", "claude-opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");

    let body = send_with(&stage, &mut ibid, "<shift-tab>", "claude-opus-5 · ");
    let effort = body["reasoning"]["effort"].as_str().unwrap_or_else(|| panic!("no effort: {body}"));
    assert!(["none", "low", "medium", "high", "xhigh", "max"].contains(&effort), "{body}");
    assert!(body["reasoning"].get("max_tokens").is_none(), "{body}");
}

#[test]
fn web_search_is_switched_on_for_the_next_message() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let body = send_with(&stage, &mut ibid, "<ctrl-x>w", "web");
    assert_eq!(body["tools"][0]["type"], "openrouter:web_search");
}

#[test]
fn the_picker_finds_a_model_by_a_few_letters() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    let body = send_with(&stage, &mut ibid, "", "gpt-4.1-mini");
    assert_eq!(body["model"], "openai/gpt-4.1-mini");
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("opus");
    ibid.wait_without("luna");
    ibid.type_keys("<enter>");
    let body = send_with(&stage, &mut ibid, "", "opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");
    quit(&mut ibid);
}

#[test]
fn the_list_of_models_is_usable_without_the_server_once_it_was_read() {
    let stage = Stage::plain();
    let mut ibid = stage.open();
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("<esc>");
    ibid.wait_without("claude-opus-5  ");
    quit(&mut ibid);
    let offline = stage.run().env("OPENROUTER_BASE_URL", stage.server.base_url());
    drop(stage.server);
    let mut ibid = crate::ready(offline);
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
}
