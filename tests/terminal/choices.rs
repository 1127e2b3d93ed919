//! Model, effort and web search, chosen while there is a draft in the composer.

use crate::{Stage, newest_prompt, quit, support::pty::Pty, text_reply};

const SLOTS: &str =
    "[slots]\n1 = \"openai/gpt-4.1-mini\"\n2 = \"anthropic/claude-opus-5\"\n3 = \"openai/gpt-5.6-luna\"\n";

/// Types half of a prompt, presses `keys`, types the rest and sends it; returns the body of the request.
fn send_after_keys(stage: &Stage, ibid: &mut Pty, keys: &str, shown: &str) -> serde_json::Value {
    ibid.type_keys("half of ");
    ibid.wait_for("› half of");
    ibid.type_keys(keys);
    ibid.wait_for(shown);
    ibid.wait_for("› half of");
    ibid.type_keys("a sentence");
    ibid.wait_for("› half of a sentence");
    stage.server.queue_reply(text_reply(&["Quite so."]));
    ibid.type_keys("<enter>");
    let request = stage.server.next_request();
    assert_eq!(newest_prompt(&request), "half of a sentence");
    crate::wait_idle(ibid);
    request.body
}

#[test]
fn slots_and_efforts_chosen_mid_draft_keep_the_draft_and_change_the_next_body() {
    let stage = Stage::with_config(SLOTS);
    let mut ibid = stage.open();
    let body = send_after_keys(&stage, &mut ibid, "", "gpt-4.1-mini");
    assert_eq!(body["model"], "openai/gpt-4.1-mini");
    assert!(body["reasoning"]["effort"].is_null(), "{body}");

    let body = send_after_keys(&stage, &mut ibid, "<f2>", "claude-opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");
    let body = send_after_keys(&stage, &mut ibid, "<ctrl-x>3", "gpt-5.6-luna");
    assert_eq!(body["model"], "openai/gpt-5.6-luna");
    let body = send_after_keys(&stage, &mut ibid, "<shift-f2>", "claude-opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");

    let body = send_after_keys(&stage, &mut ibid, "<shift-tab>", "claude-opus-5 · ");
    let effort = body["reasoning"]["effort"].as_str().unwrap_or_else(|| panic!("no effort: {body}"));
    assert!(["none", "low", "medium", "high", "xhigh", "max"].contains(&effort), "{body}");
    assert!(body["reasoning"].get("max_tokens").is_none(), "{body}");
}

#[test]
fn web_search_is_switched_on_for_the_next_message() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let body = send_after_keys(&stage, &mut ibid, "<ctrl-x>w", "web");
    assert_eq!(body["tools"][0]["type"], "openrouter:web_search");
}

#[test]
fn the_picker_finds_a_model_by_a_few_letters() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    let body = send_after_keys(&stage, &mut ibid, "", "gpt-4.1-mini");
    assert_eq!(body["model"], "openai/gpt-4.1-mini");
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("opus");
    ibid.wait_until_gone("luna");
    ibid.type_keys("<enter>");
    let body = send_after_keys(&stage, &mut ibid, "", "opus-5");
    assert_eq!(body["model"], "anthropic/claude-opus-5");
    quit(&mut ibid);
}

#[test]
fn the_model_list_works_offline_once_it_has_been_fetched() {
    let stage = Stage::set_up();
    let mut ibid = stage.open();
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
    ibid.type_keys("<esc>");
    ibid.wait_until_gone("claude-opus-5  ");
    quit(&mut ibid);
    let offline = stage.launch().env("OPENROUTER_BASE_URL", stage.server.base_url());
    drop(stage.server);
    let mut ibid = crate::start_ready(offline);
    ibid.type_keys("<ctrl-x>m");
    ibid.wait_for("claude-opus-5  ");
}
