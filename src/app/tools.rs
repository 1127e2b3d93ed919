//! The tools at hand, and what the reader says about calls that ask.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Effect, State,
    on_action::change,
    panes,
    screen::{Editing, Focus},
};
use crate::{
    chat::{CallId, Decision, Denial, Timestamp, choices::Approval},
    config::Config,
    tools::{Command, Limits, Policy, Tool, ToolId, Toolbox},
};

/// All tools of all servers, as far as they have told.
#[derive(Debug)]
pub struct Tools {
    commands: Vec<Command>,
    servers: BTreeMap<String, Vec<Tool>>,
    policy: Policy,
    limits: Limits,
    toolbox: Arc<Toolbox>,
}

impl Tools {
    /// The commands of the config. With `allowed` nobody can be asked, and only what it names runs without a rule.
    pub fn new(config: &Config, allowed: Option<Vec<String>>) -> Self {
        let mut policy = config.tools.policy(&config.tool);
        if let Some(allowed) = allowed {
            policy.leave_alone(allowed);
        }
        let mut tools = Self {
            commands: config.tool.iter().map(crate::config::CommandTool::command).collect(),
            servers: BTreeMap::new(),
            policy,
            limits: config.tools.limits(),
            toolbox: Arc::default(),
        };
        tools.arrange();
        tools
    }

    pub fn toolbox(&self) -> &Arc<Toolbox> {
        &self.toolbox
    }

    pub fn command(&self, id: &ToolId) -> Option<&Command> {
        self.toolbox.command(id)
    }

    fn arrange(&mut self) {
        let tools = self.servers.values().flatten().cloned().collect();
        self.toolbox = Arc::new(Toolbox::new(tools, self.commands.clone(), self.policy.clone(), self.limits));
    }
}

/// A server told which tools it has now.
pub(super) fn on_tools(state: &mut State, server: String, tools: Vec<Tool>) {
    state.tools.servers.insert(server, tools);
    rearrange(state);
}

fn rearrange(state: &mut State) {
    state.tools.arrange();
    for id in state.open.keys().copied().collect::<Vec<_>>() {
        super::models::keep_context(state, id);
    }
}

/// The letter of a card that asks about a call.
pub(super) fn take(state: &mut State, now: Timestamp, approval: Approval, fx: &mut Vec<Effect>) {
    let Some((id, call, tool)) = state.current().and_then(|conversation| {
        let (call, run) = conversation.asking()?;
        Some((conversation.id, call, run.tool.clone()?))
    }) else {
        return;
    };
    // The next call that asks may be decided at once: its card has to stand for its time as well.
    state.screen.focus = Focus::Card;
    match approval {
        Approval::Once => change(state, id, fx, |chat, ids| chat.decide(call, Decision::Run, now, ids)),
        Approval::ForConversation => {
            super::models::change(state, fx, |settings| {
                settings.tools.grants.tools.insert(tool);
            });
            change(state, id, fx, |chat, ids| chat.judge_again(now, ids));
        }
        Approval::Always => always(state, now, &tool, fx),
        Approval::Deny => {
            change(state, id, fx, |chat, ids| chat.decide(call, Decision::Deny(Denial::ByReader), now, ids));
        }
        Approval::Edit | Approval::DenyWithReason => edit(state, now, call, approval, fx),
    }
}

/// The tool is allowed from now on, in every conversation; the config remembers it.
fn always(state: &mut State, now: Timestamp, tool: &ToolId, fx: &mut Vec<Effect>) {
    let Some(rule) = state.tools.policy.always(tool) else {
        state.screen.warn(now, "its name may deceive: it can be allowed once, or for this conversation");
        return;
    };
    state.screen.say(now, format!("{rule} runs without asking from now on: tools.policy in the config"));
    fx.push(Effect::SaveRule { rule });
    rearrange(state);
    for id in state.open.keys().copied().collect::<Vec<_>>() {
        change(state, id, fx, |chat, ids| chat.judge_again(now, ids));
    }
}

/// Everything that would ask runs in this conversation, or nothing more does.
pub(super) fn toggle_allow_all(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    super::models::change(state, fx, |settings| settings.tools.grants.all = !settings.tools.grants.all);
    if state.settings().tools.grants.all {
        state.screen.warn(now, "all tools run without asking in this conversation");
    } else {
        state.screen.say(now, "tools ask again in this conversation");
    }
    if let Some(id) = state.screen.pane.shows.conversation() {
        change(state, id, fx, |chat, ids| chat.judge_again(now, ids));
    }
}

/// Puts the arguments of a call into the composer, or an empty line for the reason of a refusal.
fn edit(state: &mut State, now: Timestamp, call: CallId, approval: Approval, fx: &mut Vec<Effect>) {
    panes::keep_draft_now(state, now, fx);
    let arguments = state.current().and_then(|conversation| conversation.asking()).map(|(_, run)| &run.arguments);
    let text = arguments.and_then(|arguments| serde_json::to_string_pretty(arguments).ok()).unwrap_or_default();
    let pane = &mut state.screen.pane;
    let words = if approval == Approval::Edit {
        pane.composer.set_text(&text);
        pane.editing = Some(Editing::Arguments(call));
        "editing the arguments: Enter puts them on the card, Esc leaves them"
    } else {
        pane.composer.set_text("");
        pane.editing = Some(Editing::Reason(call));
        "why not? Enter denies the call and tells the model, Esc goes back"
    };
    state.screen.focus = Focus::Composer;
    state.screen.say(now, words);
}

/// Takes what was written about a call. Arguments go back onto the card; what cannot be is not taken.
pub(super) fn take_written(state: &mut State, now: Timestamp, written: Editing, text: String, fx: &mut Vec<Effect>) {
    let (call, decision) = match written {
        Editing::Prompt(_) => return,
        Editing::Reason(call) if text.trim().is_empty() => (call, Decision::Deny(Denial::ByReader)),
        Editing::Reason(call) => (call, Decision::Deny(Denial::Because(text))),
        Editing::Arguments(call) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(arguments) => (call, Decision::Change(arguments)),
            Err(error) => {
                state.screen.pane.composer.set_text(&text);
                state.screen.pane.editing = Some(written);
                state.screen.warn(now, format!("this is not JSON: {error}"));
                return;
            }
        },
    };
    let asked = state.current().and_then(|conversation| Some((conversation.id, conversation.asking()?.0)));
    let draft = state.current().map(|conversation| conversation.draft.clone()).unwrap_or_default();
    state.screen.pane.composer.set_text(&draft);
    match asked {
        Some((id, asked)) if asked == call => {
            state.screen.focus = Focus::Card;
            change(state, id, fx, |chat, ids| chat.decide(call, decision, now, ids));
        }
        _ => state.screen.say(now, "that call does not ask any more"),
    }
}
