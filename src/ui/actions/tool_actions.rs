//! The tools that servers report, and the user's decisions about calls that ask.

use std::{collections::BTreeSet, path::PathBuf};

use jiff::SignedDuration;

use super::{model_settings, switching};
use crate::{
    api::json,
    chat::{CallDecision, CallId, ConversationChange, choices::ApprovalChoice},
    mcp::{self, RunPermission, ServerStatuses},
    store::UnconfirmedRules,
    text,
    tools::{ToolDefinition, ToolGrant, ToolId},
    ui::{
        Action, Effect,
        cx::Cx,
        dispatch::change_conversation,
        environment::Environment,
        keymap::KeyContext,
        overlays::ScreenOverlay,
        screen::{EditTarget, PaneFocus, Screen},
        toasts::{ToastSubject, ToastText},
    },
};

/// Stores the tools that a server reports.
pub(crate) fn on_tools(cx: &mut Cx<'_>, server: String, tools: Vec<ToolDefinition>) {
    cx.env.tools.server_statuses.set_tools(&server, &tools);
    cx.env.tools.server_tools.insert(server, tools);
    refresh_tools(cx);
}

/// Handles an event of the MCP servers.
pub(crate) fn on_mcp_event(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>, event: &mcp::McpEvent) {
    let now = cx.now;
    cx.env.tools.server_statuses.apply(event);
    cx.env.tools.rev += 1;
    match event {
        mcp::McpEvent::Servers { complaints, servers } => {
            cx.env.tools.start_deadline = None;
            cx.env.tools.reported_failures.clear();
            cx.env.complaints.extend(complaints.iter().cloned().chain(untrusted_message(cx.env)));
            cx.env.tools.server_tools.retain(|name, _| servers.iter().any(|server| server.name == *name));
            // The overlay is already open and needs the servers.
            if overlays.iter().any(|overlay| matches!(overlay, ScreenOverlay::Tools(_))) {
                start_servers(cx);
            }
        }
        // Its tools were reported before.
        mcp::McpEvent::State { server, state: mcp::ServerState::Ready(_) } => {
            cx.env.tools.reported_failures.remove(server);
        }
        mcp::McpEvent::State { server, state: new_state } => {
            cx.env.tools.server_tools.remove(server);
            if let mcp::ServerState::Failed { why } | mcp::ServerState::Waiting { why, .. } = new_state
                && cx.env.tools.reported_failures.insert(server.clone())
            {
                cx.env.complaints.push(format!("the MCP server {} is not available: {why}", text::clean(server)));
            }
        }
        mcp::McpEvent::Tools { .. }
        | mcp::McpEvent::Log { .. }
        | mcp::McpEvent::CallProgress { .. }
        | mcp::McpEvent::CallDone { .. } => {
            return;
        }
    }
    refresh_tools(cx);
    for id in cx.chats.conversations.keys().copied().collect::<Vec<_>>() {
        change_conversation(cx, id, |chat, _| chat.on_tools_ready(now));
    }
}

/// Starts the servers for the first prompt or the overlay, and retries those that failed.
pub(crate) fn start_servers(cx: &mut Cx<'_>) {
    let is_on = |known: &mcp::ServerStatus| known.configured.permission == RunPermission::On;
    let is_idle_or_failed =
        |known: &mcp::ServerStatus| matches!(known.state, mcp::ServerState::Idle | mcp::ServerState::Failed { .. });
    if !cx.env.tools.server_statuses.servers.values().any(|known| is_on(known) && is_idle_or_failed(known)) {
        return;
    }
    cx.effects.push(Effect::RunMcpJob(mcp::McpJob::Start));
    // Requests do not wait for servers that are only retried.
    if cx.env.tools.start_deadline.is_none() {
        let wait = SignedDuration::from_secs_f64(cx.env.config.tools.wait);
        cx.env.tools.start_deadline = Some(cx.now + wait);
        refresh_tools(cx);
    }
}

/// Returns a message about a project's server file that is not trusted yet.
fn untrusted_message(env: &Environment) -> Option<String> {
    let known = env.tools.server_statuses.servers.values();
    let mut untrusted_servers =
        known.filter(|known| known.configured.permission == RunPermission::Untrusted).peekable();
    let file = untrusted_servers.peek()?.configured.origin.path().file_name().unwrap_or_default().display().to_string();
    let names = untrusted_servers.map(|known| known.configured.name.as_str()).collect::<Vec<_>>().join(", ");
    Some(if env.is_unattended {
        format!("not used: {names} of {file}, which is not trusted yet; start ibid here and enter /trust-servers")
    } else {
        format!("not trusted yet: {names} of {file} (/trust-servers)")
    })
}

/// Trusts a project's server file as shown, and starts its servers.
pub(crate) fn trust_server_file(cx: &mut Cx<'_>, path: PathBuf, file_hash: String) {
    cx.effects.extend([mcp::McpJob::Trust { path, file_hash }, mcp::McpJob::Start].map(Effect::RunMcpJob));
}

/// Takes back what the user allowed for a tool, here and in every conversation, and returns a message.
pub(crate) fn forget_grants(cx: &mut Cx<'_>, tool: &ToolId) -> &'static str {
    let mut was_granted = cx.chats.settings().tools.grants.tools.has(tool);
    model_settings::change_settings(cx, |settings| _ = settings.tools.grants.tools.remove(tool));
    if cx.env.tools.always.remove(tool) {
        was_granted = true;
        save_change(cx, ConversationChange::ForgetGrants(tool.clone()));
        refresh_tools(cx);
    }
    if was_granted { "it asks again before it runs" } else { "you have not allowed it on a card" }
}

/// Takes up what the user allowed in every conversation. Rules that ibid may have written itself ask once more.
pub(crate) fn on_grants_loaded(cx: &mut Cx<'_>, grants: Vec<ToolGrant>, unconfirmed: &UnconfirmedRules) {
    let tools = &mut cx.env.tools;
    tools.always = grants.into_iter().collect();
    let written = &cx.env.config.tools.written_rules;
    let rules: BTreeSet<String> = match unconfirmed {
        UnconfirmedRules::All => written.clone(),
        UnconfirmedRules::Named(rules) => rules.intersection(written).cloned().collect(),
    };
    tools.policy.set_unconfirmed(rules.clone());
    if *unconfirmed != UnconfirmedRules::Named(rules.clone()) {
        save_change(cx, ConversationChange::UnconfirmedRules(rules));
    }
    refresh_tools(cx);
}

fn save_change(cx: &mut Cx<'_>, change: ConversationChange) {
    let save = cx.chats.saves.save(vec![change], None);
    cx.effects.push(save);
}

/// Reloads the server files, retries the failed servers, and returns a message for the user.
pub(crate) fn reload_servers(cx: &mut Cx<'_>) -> &'static str {
    if cx.env.tools.server_statuses == ServerStatuses::default() {
        return "no MCP servers are configured; [mcp.NAME] in the config names one";
    }
    cx.effects.extend([mcp::McpJob::Reload, mcp::McpJob::Start].map(Effect::RunMcpJob));
    "reloading the MCP servers"
}

fn refresh_tools(cx: &mut Cx<'_>) {
    cx.env.tools.rebuild_toolbox();
    for id in cx.chats.conversations.keys().copied().collect::<Vec<_>>() {
        model_settings::update_request_context(cx, id);
    }
}

/// Takes a choice on the card of a call that asks.
pub(crate) fn take_approval(screen: &mut Screen, cx: &mut Cx<'_>, approval: ApprovalChoice) {
    let now = cx.now;
    let Some((id, call, tool)) = cx.chats.current_conversation().and_then(|conversation| {
        let (call, run) = conversation.asking_call()?;
        Some((conversation.id, call, run.tool.clone()?))
    }) else {
        return;
    };
    // The next call may ask right away; its card must also have been on the screen for a while before its keys work.
    screen.focus = PaneFocus::Card;
    match approval {
        ApprovalChoice::Once => {
            change_conversation(cx, id, |chat, ids| chat.decide_call(call, CallDecision::Run, now, ids));
        }
        ApprovalChoice::ForConversation => {
            let Some(grant) = cx.env.tools.toolbox().grant(&tool) else { return warn_of_absent_tool(cx) };
            model_settings::change_settings(cx, |settings| settings.tools.grants.tools.insert(grant));
            change_conversation(cx, id, |chat, ids| chat.reapply_policy(now, ids));
        }
        ApprovalChoice::Always => allow_always(cx, &tool),
        ApprovalChoice::Deny => {
            change_conversation(cx, id, |chat, ids| {
                chat.decide_call(call, CallDecision::Deny { reason: None }, now, ids)
            });
        }
        ApprovalChoice::Edit | ApprovalChoice::DenyWithReason => edit_call(screen, cx, call, approval),
    }
}

/// Allows a tool, as it is now, in every conversation from now on.
fn allow_always(cx: &mut Cx<'_>, tool: &ToolId) {
    let now = cx.now;
    let Some(grant) = cx.env.tools.toolbox().grant(tool) else { return warn_of_absent_tool(cx) };
    if cx.env.tools.toolbox().name_doubt(tool).is_some() {
        cx.warn("its name may be misleading: allow it once, or in this conversation");
        return;
    }
    cx.env.tools.always.insert(grant.clone());
    if cx.env.is_demo {
        // The demo's tools are not the user's.
        cx.show_message(ToastText::about("", &tool.to_string(), " runs without asking until you quit"));
    } else {
        cx.show_message(ToastText::about("", &tool.to_string(), " runs without asking from now on, until it changes"));
        save_change(cx, ConversationChange::Grant(grant));
    }
    refresh_tools(cx);
    for id in cx.chats.conversations.keys().copied().collect::<Vec<_>>() {
        change_conversation(cx, id, |chat, ids| chat.reapply_policy(now, ids));
    }
}

/// Only a tool that is there can be allowed as it is.
fn warn_of_absent_tool(cx: &mut Cx<'_>) {
    cx.warn("its server does not offer it now: allow the call once, or wait");
}

/// Lets all tools run without asking in this conversation, or makes them ask again.
pub(crate) fn toggle_allow_all(cx: &mut Cx<'_>) {
    let now = cx.now;
    model_settings::change_settings(cx, |settings| {
        settings.tools.grants.all = !settings.tools.grants.all;
    });
    let (is_on, conversation) = (cx.chats.settings().tools.grants.all, cx.chats.content.conversation_id());
    let subject = ToastSubject::AutoApproval(conversation, is_on);
    if is_on {
        cx.warn_while(subject, "auto-approve is on: all tools run without asking in this conversation");
    } else {
        cx.show_while(subject, "auto-approve is off: tools ask again in this conversation");
    }
    if let Some(id) = conversation {
        change_conversation(cx, id, |chat, ids| chat.reapply_policy(now, ids));
    }
}

/// Puts the arguments of a call into the composer, or empties it for the reason of a denial.
fn edit_call(screen: &mut Screen, cx: &mut Cx<'_>, call: CallId, approval: ApprovalChoice) {
    switching::save_draft_now(&mut screen.pane, cx);
    let arguments = cx
        .chats
        .current_conversation()
        .and_then(|conversation| conversation.asking_call())
        .map(|(_, run)| &run.arguments);
    let text = arguments.and_then(|arguments| serde_json::to_string_pretty(arguments).ok()).unwrap_or_default();
    let [send, leave] =
        [Action::Send, Action::Back].map(|action| cx.env.keymap.keys_or_name(KeyContext::Composer, action));
    let pane = &mut screen.pane;
    let message = if approval == ApprovalChoice::Edit {
        pane.composer.set_text(&text);
        pane.editing = Some(EditTarget::Arguments(call));
        format!("editing the arguments · {send} back to the card · {leave} cancel")
    } else {
        pane.composer.set_text("");
        pane.editing = Some(EditTarget::Reason(call));
        format!("why not? · {send} deny and tell the model · {leave} cancel")
    };
    screen.focus = PaneFocus::Composer;
    cx.show_message(message);
}

/// Takes the text that was written about a call. Edited arguments go back onto the card if they are valid JSON.
pub(crate) fn take_call_text(screen: &mut Screen, cx: &mut Cx<'_>, target: EditTarget, text: String) {
    let now = cx.now;
    let (call, decision) = match target {
        EditTarget::Prompt(_) => return,
        EditTarget::Reason(call) if text.trim().is_empty() => (call, CallDecision::Deny { reason: None }),
        EditTarget::Reason(call) => (call, CallDecision::Deny { reason: Some(text) }),
        EditTarget::Arguments(call) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(arguments) => (call, CallDecision::ChangeArguments(arguments)),
            Err(error) => {
                screen.pane.composer.set_text(&text);
                screen.pane.editing = Some(target);
                cx.warn(format!("this is not JSON: {}", json::syntax_problem(&error)));
                return;
            }
        },
    };
    let asked =
        cx.chats.current_conversation().and_then(|conversation| Some((conversation.id, conversation.asking_call()?.0)));
    let draft = cx.chats.current_conversation().map(|conversation| conversation.draft.clone()).unwrap_or_default();
    screen.pane.composer.set_text(&draft);
    match asked {
        Some((id, asked)) if asked == call => {
            screen.focus = PaneFocus::Card;
            change_conversation(cx, id, |chat, ids| chat.decide_call(call, decision, now, ids));
        }
        _ => cx.show_message("this call is no longer waiting"),
    }
}
