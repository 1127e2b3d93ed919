//! The overlay of the conversation's tools: its content and its keys.

use ratatui::layout::Rect;

use crate::ui::overlays::ScreenOverlay;
use crate::{
    chat::Timestamp,
    mcp::{McpJob, RunPermission},
    tools::{ToolId, ToolMode, toolbox::WEB_SEARCH},
    ui::{
        Action, Effect, State,
        dispatch::on_action,
        models::model_settings,
        tools::{ToolFacts, ToolList, ToolListCommand, ToolListItem, WebSearchState, tool_registry},
    },
};

/// Opens the list of everything a model can call, and starts idle servers to show their tools.
pub(crate) fn open_tools(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    tool_registry::start_servers(state, now, fx);
    state.screen.overlays.push(ScreenOverlay::Tools(Box::default()));
}

/// Shows what a project's server file would run, and asks whether to trust it.
pub(crate) fn open_trust(state: &mut State, now: Timestamp) {
    let mut servers = state.tools.server_statuses.servers.values();
    match servers.find(|known| known.configured.permission == RunPermission::Untrusted) {
        Some(known) => {
            let list = ToolList::with_trust_question(known.configured.name.clone());
            state.screen.overlays.push(ScreenOverlay::Tools(Box::new(list)));
        }
        None => state.screen.show_message(now, "no MCP server file is waiting to be trusted"),
    }
}

/// Updates the overlay before a frame.
pub(crate) fn refresh_tool_list(state: &mut State, screen: Rect) {
    let is_tools = |overlay: &ScreenOverlay| matches!(overlay, ScreenOverlay::Tools(_));
    let Some(index) = state.screen.overlays.iter().position(is_tools) else { return };
    let mut overlay = state.screen.overlays.remove(index);
    if let ScreenOverlay::Tools(list) = &mut overlay {
        list.arrange(&tool_facts(state), screen);
    }
    state.screen.overlays.insert(index, overlay);
}

fn tool_facts(state: &State) -> ToolFacts<'_> {
    let settings = state.settings();
    ToolFacts {
        statuses: &state.tools.server_statuses,
        toolbox: state.tools.toolbox(),
        rev: state.tools.rev(),
        selection: &settings.tools,
        web_search: match (settings.has_online_slug(), settings.web) {
            (true, _) => WebSearchState::BySlug,
            (false, true) => WebSearchState::On,
            (false, false) => WebSearchState::Off,
        },
        is_openrouter: state.dialect(&settings.endpoint).supports_openrouter_fields(),
        marks: &state.theme.marks,
        zone: &state.time_zone,
    }
}

/// Returns why no tools are offered to the model, regardless of what is on.
pub fn no_tools_reason(state: &State) -> Option<String> {
    let unable = state.current_model().filter(|model| !model.supports_tools)?;
    Some(format!("{} takes no tools", model_settings::short_name(&unable.id)))
}

/// Carries out the request of a key in the overlay.
pub(crate) fn apply_request(state: &mut State, now: Timestamp, request: ToolListCommand, fx: &mut Vec<Effect>) {
    match request {
        ToolListCommand::Nothing => (),
        ToolListCommand::Switch(thing) => toggle(state, now, thing, fx),
        ToolListCommand::Force(id) => force_tool(state, &id, fx),
        ToolListCommand::Restart(server) => {
            let standing = state.tools.server_statuses.servers.get(&server).map(|known| known.configured.permission);
            if standing == Some(RunPermission::On) {
                fx.push(Effect::RunMcpJob(McpJob::Restart(server)));
            } else {
                show_message(state, "nothing is running that could be restarted");
            }
        }
        ToolListCommand::Reload => {
            let message = tool_registry::reload_servers(state, fx);
            show_message(state, message);
        }
        ToolListCommand::Trust(server) => tool_registry::trust_server_file(state, &server, fx),
    }
}

fn toggle(state: &mut State, now: Timestamp, thing: ToolListItem, fx: &mut Vec<Effect>) {
    let toolbox = state.tools.toolbox().clone();
    match thing {
        ToolListItem::Hosted(name) if name == WEB_SEARCH => on_action(state, now, Action::ToggleWeb, fx),
        thing => model_settings::change_settings(state, fx, |settings| match thing {
            ToolListItem::ToolMode => settings.tools.choice = next_choice(&settings.tools.choice),
            ToolListItem::ParallelCalls => settings.tools.one_by_one = !settings.tools.one_by_one,
            ToolListItem::Server(name) => settings.tools.toggle_server(&name),
            ToolListItem::Tool(id) => settings.tools.toggle_tool(&id, toolbox.tools().map(|(_, tool)| &tool.id)),
            ToolListItem::Hosted(name) => settings.tools.toggle_hosted(&name),
        }),
    }
}

fn next_choice(choice: &ToolMode) -> ToolMode {
    match choice {
        ToolMode::Auto => ToolMode::None,
        ToolMode::None => ToolMode::Required,
        ToolMode::Required | ToolMode::One(_) => ToolMode::Auto,
    }
}

/// Makes the next message call a tool, and switches the tool on for it; or lifts that again.
fn force_tool(state: &mut State, id: &ToolId, fx: &mut Vec<Effect>) {
    let toolbox = state.tools.toolbox().clone();
    model_settings::change_settings(state, fx, |settings| {
        let tools = &mut settings.tools;
        if tools.choice == ToolMode::One(id.clone()) {
            tools.choice = ToolMode::Auto;
            return;
        }
        if !tools.is_on(id) {
            tools.toggle_tool(id, toolbox.tools().map(|(_, tool)| &tool.id));
        }
        tools.choice = ToolMode::One(id.clone());
    });
}

fn show_message(state: &mut State, message: &str) {
    if let Some(ScreenOverlay::Tools(list)) = state.screen.overlays.last_mut() {
        list.show_message(message);
    }
}
