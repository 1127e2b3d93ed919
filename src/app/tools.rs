//! The tools at hand, and what the reader says about calls that ask.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;

use super::{
    Effect, State,
    on_action::change,
    overlays::Overlay,
    panes,
    screen::{Editing, Focus},
};
use crate::{
    chat::{CallId, Decision, Denial, Timestamp, choices::Approval, request::Coming},
    config::{Chosen, Config},
    mcp::{self, Board, Standing},
    text,
    tools::{Command, Limits, Policy, Tool, ToolId, Toolbox},
};

/// All tools of all servers, as far as they have told.
#[derive(Debug)]
pub struct Tools {
    commands: Vec<Command>,
    servers: BTreeMap<String, Vec<Tool>>,
    /// What the MCP servers said of themselves.
    pub board: Board,
    /// They were asked to start, and requests wait for them until then.
    asked: Option<Timestamp>,
    /// Servers that failed, of which the reader was told.
    told: BTreeSet<String>,
    /// Counts the changes of what is known here.
    rev: u64,
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
            board: Board::default(),
            asked: None,
            told: BTreeSet::new(),
            rev: 0,
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

    /// The servers that were asked to start and have not told their tools yet.
    pub fn coming(&self) -> Option<Coming> {
        let until = self.asked?;
        let servers: Vec<String> = self.board.coming().map(str::to_owned).collect();
        (!servers.is_empty()).then_some(Coming { servers, until })
    }

    /// Another number, other tools or news of their servers.
    pub fn rev(&self) -> u64 {
        self.rev
    }

    fn arrange(&mut self) {
        self.rev += 1;
        let tools = self.servers.values().flatten().cloned().collect();
        self.toolbox = Arc::new(Toolbox::new(tools, self.commands.clone(), self.policy.clone(), self.limits));
    }
}

/// A server told which tools it has now.
pub(super) fn on_tools(state: &mut State, server: String, tools: Vec<Tool>) {
    state.tools.board.offers(&server, &tools);
    state.tools.servers.insert(server, tools);
    rearrange(state);
}

/// An MCP server said how it is.
pub(super) fn on_mcp(state: &mut State, now: Timestamp, event: &mcp::Event, fx: &mut Vec<Effect>) {
    state.tools.board.apply(event);
    state.tools.rev += 1;
    match event {
        mcp::Event::Servers { complaints, servers } => {
            state.tools.asked = None;
            state.tools.told.clear();
            state.complaints.extend(complaints.iter().cloned().chain(untrusted(state)));
            state.tools.servers.retain(|name, _| servers.iter().any(|server| server.name == *name));
            // They are looked at already.
            if state.screen.overlays.iter().any(|overlay| matches!(overlay, Overlay::Tools(_))) {
                wake(state, now, fx);
            }
        }
        // It told its tools before.
        mcp::Event::State { state: mcp::State::Ready(_), .. } => (),
        mcp::Event::State { server, state: is } => {
            state.tools.servers.remove(server);
            if let mcp::State::Failed { why } = is
                && state.tools.told.insert(server.clone())
            {
                state.complaints.push(format!("the MCP server {} is not there: {why}", text::clean(server)));
            }
        }
        mcp::Event::Tools { .. } | mcp::Event::Log { .. } | mcp::Event::Progress { .. } | mcp::Event::Done { .. } => {
            return;
        }
    }
    rearrange(state);
    for id in state.open.keys().copied().collect::<Vec<_>>() {
        change(state, id, fx, |chat, _| chat.gathered(now));
    }
}

/// The first prompt, or the overlay, needs the servers; those that were given up get another try.
pub(super) fn wake(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let on = |known: &mcp::Known| known.configured.standing == Standing::On;
    let rests = |known: &mcp::Known| matches!(known.state, mcp::State::Idle | mcp::State::Failed { .. });
    if !state.tools.board.servers.values().any(|known| on(known) && rests(known)) {
        return;
    }
    fx.push(Effect::Mcp(mcp::Job::Start));
    // What failed before is tried again and not waited for.
    if state.tools.asked.is_none() {
        let wait = SignedDuration::from_secs_f64(state.config.tools.wait);
        state.tools.asked = Some(now + wait);
        rearrange(state);
    }
}

/// What is to be said of a project's file that nobody trusts yet.
fn untrusted(state: &State) -> Option<String> {
    let known = state.tools.board.servers.values();
    let mut doubtful = known.filter(|known| known.configured.standing == Standing::Untrusted).peekable();
    let file = doubtful.peek()?.configured.source.path().file_name().unwrap_or_default().display().to_string();
    let names = doubtful.map(|known| known.configured.name.as_str()).collect::<Vec<_>>().join(", ");
    Some(if state.unattended {
        format!("not used: {names} of {file}, which nobody trusts yet; start ibid here and say /trust-servers")
    } else {
        format!("not trusted yet: {names} of {file} (/trust-servers)")
    })
}

/// Takes the file of a project as one's own, as it was shown, and starts its servers.
pub(super) fn trust(state: &State, server: &str, fx: &mut Vec<Effect>) {
    if let Some(known) = state.tools.board.servers.get(server) {
        let path = known.configured.source.path().to_owned();
        fx.extend([mcp::Job::Trust(path), mcp::Job::Start].map(Effect::Mcp));
    }
}

/// Reads the files of servers again, and gives those that failed another try; gives what is to be said.
pub(super) fn reload(state: &State, fx: &mut Vec<Effect>) -> &'static str {
    if state.tools.board == Board::default() {
        return "no MCP servers are configured; [mcp.NAME] in the config names one";
    }
    fx.extend([mcp::Job::Reload, mcp::Job::Start].map(Effect::Mcp));
    "the MCP servers are read again"
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
    let in_doubt = state.tools.toolbox().doubt(tool).is_some();
    let Some(rule) = (!in_doubt).then(|| state.tools.policy.always(tool)).flatten() else {
        state.screen.warn(now, "its name may deceive: it can be allowed once, or for this conversation");
        return;
    };
    if state.demo {
        // Its tools are none of the reader's.
        state.screen.say(now, format!("{rule} runs without asking until you quit"));
    } else {
        state.screen.say(now, format!("{rule} runs without asking from now on: tools.policy in the config"));
        fx.push(Effect::Keep(Chosen::Tool(rule)));
    }
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
