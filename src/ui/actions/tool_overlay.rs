//! The overlay of the conversation's tools: its content and its keys.

use crate::ui::{chats::Chats, cx::Cx, environment::Environment, screen::Screen};
use ratatui::layout::Rect;

use crate::ui::overlays::ScreenOverlay;
use crate::{
    mcp::{McpJob, RunPermission},
    tools::{ToolId, ToolMode, toolbox::WEB_SEARCH},
    ui::{
        Action, Effect,
        actions::{model_settings, tool_actions},
        dispatch::on_action,
        tools::{ToolFacts, ToolList, ToolListCommand, ToolListItem, WebSearchState},
    },
};

/// Opens the list of everything a model can call, and starts idle servers to show their tools.
pub(crate) fn open_tools(screen: &mut Screen, cx: &mut Cx<'_>) {
    tool_actions::start_servers(cx);
    screen.overlays.push(ScreenOverlay::Tools(Box::default()));
}

/// Shows what a project's server file would run, and asks whether to trust it.
pub(crate) fn open_trust(overlays: &mut Vec<ScreenOverlay>, cx: &mut Cx<'_>) {
    let mut servers = cx.env.tools.server_statuses.servers.values();
    match servers.find(|known| known.configured.permission == RunPermission::Untrusted) {
        Some(known) => {
            let list = ToolList::with_trust_question(known.configured.name.clone());
            overlays.push(ScreenOverlay::Tools(Box::new(list)));
        }
        None => cx.show_message("no MCP server file is waiting to be trusted"),
    }
}

/// Updates the overlay before a frame.
pub(crate) fn refresh_tool_list(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>, screen_area: Rect) {
    for overlay in overlays {
        if let ScreenOverlay::Tools(list) = overlay {
            list.arrange(&tool_facts(cx.chats, cx.env), screen_area);
        }
    }
}

fn tool_facts<'a>(chats: &'a Chats, env: &'a Environment) -> ToolFacts<'a> {
    let settings = chats.settings();
    ToolFacts {
        statuses: &env.tools.server_statuses,
        toolbox: env.tools.toolbox(),
        rev: env.tools.rev(),
        selection: &settings.tools,
        web_search: match (settings.has_online_slug(), settings.web) {
            (true, _) => WebSearchState::BySlug,
            (false, true) => WebSearchState::On,
            (false, false) => WebSearchState::Off,
        },
        is_openrouter: env.dialect(&settings.endpoint).supports_openrouter_fields(),
        marks: &env.theme.marks,
        zone: &env.time_zone,
    }
}

/// Returns why no tools are offered to the model, regardless of what is on.
pub fn no_tools_reason(chats: &Chats, env: &Environment) -> Option<String> {
    let unable = env.model(chats.settings()).filter(|model| !model.supports_tools)?;
    Some(format!("{} takes no tools", model_settings::short_name(&unable.id)))
}

/// Carries out the request of a key in the overlay.
pub(crate) fn apply_request(screen: &mut Screen, cx: &mut Cx<'_>, request: ToolListCommand) {
    match request {
        ToolListCommand::Nothing => (),
        ToolListCommand::Switch(thing) => toggle(screen, cx, thing),
        ToolListCommand::Force(id) => force_tool(cx, &id),
        ToolListCommand::Restart(server) => {
            let standing = cx.env.tools.server_statuses.servers.get(&server).map(|known| known.configured.permission);
            if standing == Some(RunPermission::On) {
                cx.effects.push(Effect::RunMcpJob(McpJob::Restart(server)));
            } else {
                show_message(&mut screen.overlays, "nothing is running that could be restarted");
            }
        }
        ToolListCommand::Reload => {
            let message = tool_actions::reload_servers(cx);
            show_message(&mut screen.overlays, message);
        }
        ToolListCommand::Trust { path, file_hash } => tool_actions::trust_server_file(cx, path, file_hash),
        ToolListCommand::Forget(id) => {
            let message = tool_actions::forget_grants(cx, &id);
            show_message(&mut screen.overlays, message);
        }
    }
}

fn toggle(screen: &mut Screen, cx: &mut Cx<'_>, thing: ToolListItem) {
    let toolbox = cx.env.tools.toolbox().clone();
    match thing {
        ToolListItem::Hosted(name) if name == WEB_SEARCH => on_action(screen, cx, Action::ToggleWeb),
        thing => model_settings::change_settings(cx, |settings| match thing {
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
fn force_tool(cx: &mut Cx<'_>, id: &ToolId) {
    let toolbox = cx.env.tools.toolbox().clone();
    model_settings::change_settings(cx, |settings| {
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

fn show_message(overlays: &mut [ScreenOverlay], message: &str) {
    if let Some(ScreenOverlay::Tools(list)) = overlays.last_mut() {
        list.show_message(message);
    }
}
