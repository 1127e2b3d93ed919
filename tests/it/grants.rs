//! Grants: a tool that the user allowed asks again once it is no longer what it was.

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    chat::ConversationChange,
    config::{Config, McpServerConfig},
    mcp::{ConfiguredServer, McpEvent, RunPermission, ServerIdentity, ServerOrigin, ServerState, ServerTarget},
    store::{StoreJob, StoreReply, UnconfirmedRules},
    tools::{ToolDefinition, ToolGrant, ToolHints, ToolId},
    ui::{Effect, Msg},
};
use serde_json::json;

const CARD_DELAY: Duration = Duration::from_millis(300);

fn tool() -> ToolDefinition {
    ToolDefinition {
        id: ToolId::new("notes", "write"),
        title: None,
        description: "Writes a note".into(),
        parameters: json!({ "type": "object", "properties": { "text": { "type": "string" } } }),
        strict: false,
        hints: ToolHints { destructive: Some(false), ..ToolHints::default() },
    }
}

/// A project's server called `notes`.
fn notes_server(file: &str, program: &str) -> ConfiguredServer {
    ConfiguredServer {
        name: "notes".into(),
        origin: ServerOrigin::Project(file.into()),
        settings: McpServerConfig { command: Some(program.into()), ..McpServerConfig::default() },
        target: ServerTarget { argv: vec![program.into()], ..ServerTarget::default() },
        permission: RunPermission::On,
        file_hash: Some("a hash".into()),
    }
}

/// Starts with what the database knows, and with the server of a project.
fn app_with(config: &str, grants: Vec<ToolGrant>, unconfirmed: UnconfirmedRules) -> Harness {
    let (config, _) = Config::parse(config, std::path::Path::new("config.toml")).expect("a config");
    let mut app = Harness::with_start(ibid::ui::StartOptions { config, ..default_start(100, 30) });
    app.store_reply(StoreReply::Grants { grants, unconfirmed });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    report(&mut app, notes_server("/a/.mcp.json", "notes-server"), tool());
    app
}

fn new_app() -> Harness {
    app_with("", Vec::new(), UnconfirmedRules::Named([].into()))
}

fn report(app: &mut Harness, server: ConfiguredServer, tool: ToolDefinition) {
    app.send(Msg::McpEvent(McpEvent::Servers { servers: vec![server], complaints: Vec::new() }));
    app.send(Msg::ToolsReported { server: "notes".into(), tools: vec![tool] });
    let state = ServerState::Ready(ServerIdentity::default());
    app.send(Msg::McpEvent(McpEvent::State { server: "notes".into(), state }));
    app.env_mut().complaints.clear();
    app.effects.clear();
}

/// Lets the model call the tool; `true` if it runs without asking.
fn runs_at_once(app: &mut Harness) -> bool {
    let stream = app.send_prompt("write it");
    let item = json!({ "type": "function_call", "id": "fc", "call_id": "call", "name": "notes__write",
        "arguments": "{}", "status": "completed" });
    let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item }).to_string();
    let completed = json!({ "type": "response.completed", "response": { "status": "completed", "output": [] } });
    app.receive_events(stream, &[&done, &completed.to_string()]);
    app.wait(CARD_DELAY);
    let runs = app.effects().iter().any(|effect| matches!(effect, Effect::RunTool { .. }));
    assert_ne!(runs, app.screen().contains("Run write?"), "{}", app.screen());
    runs
}

fn saved_changes(app: &mut Harness) -> Vec<ConversationChange> {
    let changes = app.effects().into_iter().filter_map(|effect| match effect {
        Effect::RunStoreJob(StoreJob::Save { changes, .. }) => Some(changes),
        _ => None,
    });
    changes.flatten().collect()
}

/// Allows the tool with this key of the card, and returns the grant that is saved for all conversations.
fn allow(app: &mut Harness, key: &str) -> Option<ToolGrant> {
    assert!(!runs_at_once(app));
    app.press(&format!("tab {key}"));
    let grant = saved_changes(app).into_iter().find_map(|change| match change {
        ConversationChange::Grant(grant) => Some(grant),
        _ => None,
    });
    app.press("esc esc");
    grant
}

#[test]
fn a_grant_for_the_conversation_ends_when_the_tool_changes_and_the_card_says_what_did() {
    type ToolChange = fn(&mut ToolDefinition);
    let changes: [(&str, ToolChange); 4] = [
        ("its description", |tool| tool.description.push_str(", and sends it away")),
        ("the schema of its arguments", |tool| tool.parameters["properties"]["to"] = json!({ "type": "string" })),
        ("its claims", |tool| tool.hints.destructive = None),
        ("the schema of its arguments and its claims", |tool| {
            tool.parameters["required"] = json!(["text"]);
            tool.hints.read_only = Some(true);
        }),
    ];
    for (what, change) in changes {
        let mut app = new_app();
        allow(&mut app, "s");
        assert!(runs_at_once(&mut app));
        let mut changed = tool();
        change(&mut changed);
        app.send(Msg::ToolsReported { server: "notes".into(), tools: vec![changed] });
        app.press("esc");
        assert!(!runs_at_once(&mut app), "{what}");
        assert!(app.screen().contains(&format!("{what} changed since you allowed it")), "{}", app.screen());
    }
}

#[test]
fn always_holds_after_a_restart_until_the_command_differs() {
    let grant = allow(&mut new_app(), "a").expect("it is saved");
    let nothing = UnconfirmedRules::Named([].into());
    let mut again = app_with("", vec![grant.clone()], nothing.clone());
    assert!(runs_at_once(&mut again));
    let mut other = app_with("", vec![grant], nothing);
    report(&mut other, notes_server("/a/.mcp.json", "another-server"), tool());
    assert!(!runs_at_once(&mut other));
    assert!(other.screen().contains("where it comes from changed since you allowed it"), "{}", other.screen());
}

#[test]
fn always_does_not_reach_the_server_of_another_project() {
    let grant = allow(&mut new_app(), "a").expect("it is saved");
    let mut other = app_with("", vec![grant.clone()], UnconfirmedRules::Named([].into()));
    report(&mut other, notes_server("/b/.mcp.json", "notes-server"), tool());
    let second = allow(&mut other, "a").expect("it asks, and is allowed here as well");
    for file in ["/a/.mcp.json", "/b/.mcp.json"] {
        let mut app = app_with("", vec![grant.clone(), second.clone()], UnconfirmedRules::Named([].into()));
        report(&mut app, notes_server(file, "notes-server"), tool());
        assert!(runs_at_once(&mut app), "{file}");
    }
}

#[test]
fn a_grant_without_a_hash_asks_once_more() {
    let mut app = new_app();
    runs_at_once(&mut app);
    app.press("esc");
    let id = app.conversation_id().expect("it has begun");
    let old = serde_json::from_value(json!({ "all": false, "tools": [{ "server": "notes", "name": "write" }] }));
    let conversation = app.chats_mut().conversations.get_mut(&id).expect("it is open");
    conversation.settings.tools.grants = old.expect("as an older ibid stored it");
    assert!(!runs_at_once(&mut app));
    assert!(app.screen().contains("you allowed it before ibid kept what a tool is like"), "{}", app.screen());
    app.press("tab s esc");
    assert!(runs_at_once(&mut app));
}

const RULE: &str = "[tools.policy]\n\"notes/write\" = \"allow\"\n";

#[test]
fn a_rule_written_by_hand_counts_whatever_the_tool_becomes() {
    let mut app = app_with(RULE, Vec::new(), UnconfirmedRules::Named([].into()));
    assert!(runs_at_once(&mut app));
    app.press("esc");
    let changed = ToolDefinition { description: "Another".into(), ..tool() };
    report(&mut app, notes_server("/b/.mcp.json", "another"), changed);
    assert!(runs_at_once(&mut app));
}

#[test]
fn a_rule_that_ibid_may_have_written_asks_once_more() {
    let mut app = app_with(RULE, Vec::new(), UnconfirmedRules::All);
    assert!(!runs_at_once(&mut app));
    assert!(app.screen().contains("a rule in the config allows it, from before"), "{}", app.screen());
    app.press("tab a");
    let named = UnconfirmedRules::Named(["notes/write".to_owned()].into());
    let grant = allow(&mut app_with(RULE, Vec::new(), named.clone()), "a").expect("it is saved");
    assert!(runs_at_once(&mut app_with(RULE, vec![grant], named)));
    // With a remark beside it, the rule is the user's own.
    let mine = RULE.trim_end().to_owned() + " # mine\n";
    assert!(runs_at_once(&mut app_with(&mine, Vec::new(), UnconfirmedRules::All)));
}

#[test]
fn the_unconfirmed_rules_are_named_once_and_forgotten_when_they_are_gone() {
    let saved = |config: &str, unconfirmed: UnconfirmedRules| {
        let (config, _) = Config::parse(config, std::path::Path::new("config.toml")).expect("a config");
        let mut app = Harness::with_start(ibid::ui::StartOptions { config, ..default_start(100, 30) });
        app.effects.clear();
        app.store_reply(StoreReply::Grants { grants: Vec::new(), unconfirmed });
        saved_changes(&mut app).into_iter().find_map(|change| match change {
            ConversationChange::UnconfirmedRules(rules) => Some(rules.into_iter().collect::<Vec<_>>()),
            _ => None,
        })
    };
    let named = || UnconfirmedRules::Named(["notes/write".to_owned()].into());
    assert_eq!(saved(RULE, UnconfirmedRules::All), Some(vec!["notes/write".to_owned()]));
    assert_eq!(saved(RULE, named()), None);
    assert_eq!(saved("", named()), Some(Vec::new()));
}

#[test]
fn what_was_allowed_can_be_taken_back() {
    let mut app = new_app();
    allow(&mut app, "a");
    app.press("ctrl-x j / w r i t e enter enter");
    assert!(app.screen().contains("Runs without asking, as you allowed it"), "{}", app.screen());
    assert!(app.screen().contains("d ask again"), "{}", app.screen());
    app.press("d");
    let forgotten =
        |change: &ConversationChange| matches!(change, ConversationChange::ForgetGrants(id) if *id == tool().id);
    assert!(saved_changes(&mut app).iter().any(forgotten));
    app.press("esc esc esc");
    assert!(!runs_at_once(&mut app));
}
