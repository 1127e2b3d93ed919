//! The tools of the conversation on the screen: what the overlay knows of them, and what its keys do.

use ratatui::layout::Rect;

use super::Overlay;
use crate::{
    app::{Action, Effect, State, models, on_action::on_action, tools},
    chat::Timestamp,
    mcp::{Job, Standing},
    tools::{Choice, ToolId, toolbox::SEARCH},
    widgets::tool_list::{Facts, Search, Thing, ToolList, Wish},
};

/// Everything that a model may call; servers that rest are started, for one wants to see what they have.
pub(in crate::app) fn open_tools(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    tools::wake(state, now, fx);
    state.screen.overlays.push(Overlay::Tools(Box::default()));
}

/// Shows what a project's file would run, and asks whether it is trusted.
pub(in crate::app) fn open_trust(state: &mut State, now: Timestamp) {
    let mut servers = state.tools.board.servers.values();
    match servers.find(|known| known.configured.standing == Standing::Untrusted) {
        Some(known) => {
            let list = ToolList::asking_about(known.configured.name.clone());
            state.screen.overlays.push(Overlay::Tools(Box::new(list)));
        }
        None => state.screen.say(now, "there is no file of servers that waits to be trusted"),
    }
}

/// Before a frame: what is known by now.
pub(super) fn arrange(state: &mut State, screen: Rect) {
    let is_tools = |overlay: &Overlay| matches!(overlay, Overlay::Tools(_));
    let Some(at) = state.screen.overlays.iter().position(is_tools) else { return };
    let mut overlay = state.screen.overlays.remove(at);
    if let Overlay::Tools(list) = &mut overlay {
        list.arrange(&facts(state), screen);
    }
    state.screen.overlays.insert(at, overlay);
}

fn facts(state: &State) -> Facts<'_> {
    let settings = state.settings();
    Facts {
        board: &state.tools.board,
        toolbox: state.tools.toolbox(),
        rev: state.tools.rev(),
        chosen: &settings.tools,
        search: match (settings.searches_by_slug(), settings.web) {
            (true, _) => Search::BySlug,
            (false, true) => Search::On,
            (false, false) => Search::Off,
        },
        openrouter: state.dialect(&settings.endpoint).has_own_fields(),
        marks: &state.theme.marks,
        zone: &state.time_zone,
    }
}

/// Why nothing of it is offered to the model, whatever is switched on.
pub fn takes_no_tools(state: &State) -> Option<String> {
    let unable = state.model().filter(|model| !model.tools)?;
    Some(format!("{} takes no tools", models::short(&unable.id)))
}

/// Does what a key of the overlay asked for.
pub(in crate::app) fn grant(state: &mut State, now: Timestamp, wish: Wish, fx: &mut Vec<Effect>) {
    match wish {
        Wish::Nothing => (),
        Wish::Switch(thing) => switch(state, now, thing, fx),
        Wish::Force(id) => force(state, &id, fx),
        Wish::Restart(server) => {
            let standing = state.tools.board.servers.get(&server).map(|known| known.configured.standing);
            if standing == Some(Standing::On) {
                fx.push(Effect::Mcp(Job::Restart(server)));
            } else {
                say(state, "nothing runs that could be started again");
            }
        }
        Wish::Reload => {
            let words = tools::reload(state, fx);
            say(state, words);
        }
        Wish::Trust(server) => tools::trust(state, &server, fx),
    }
}

fn switch(state: &mut State, now: Timestamp, thing: Thing, fx: &mut Vec<Effect>) {
    let toolbox = state.tools.toolbox().clone();
    match thing {
        Thing::Hosted(name) if name == SEARCH => on_action(state, now, Action::ToggleWeb, fx),
        thing => models::change(state, fx, |settings| match thing {
            Thing::Choice => settings.tools.choice = next(&settings.tools.choice),
            Thing::Calls => settings.tools.one_by_one = !settings.tools.one_by_one,
            Thing::Server(name) => settings.tools.switch_server(&name),
            Thing::Tool(id) => settings.tools.switch_tool(&id, toolbox.tools().map(|(_, tool)| &tool.id)),
            Thing::Hosted(name) => settings.tools.switch_hosted(&name),
        }),
    }
}

fn next(choice: &Choice) -> Choice {
    match choice {
        Choice::Auto => Choice::None,
        Choice::None => Choice::Required,
        Choice::Required | Choice::One(_) => Choice::Auto,
    }
}

/// The next message must call that tool, which is on for it; or need not any more.
fn force(state: &mut State, id: &ToolId, fx: &mut Vec<Effect>) {
    let toolbox = state.tools.toolbox().clone();
    models::change(state, fx, |settings| {
        let tools = &mut settings.tools;
        if tools.choice == Choice::One(id.clone()) {
            tools.choice = Choice::Auto;
            return;
        }
        if !tools.is_on(id) {
            tools.switch_tool(id, toolbox.tools().map(|(_, tool)| &tool.id));
        }
        tools.choice = Choice::One(id.clone());
    });
}

fn say(state: &mut State, words: &str) {
    if let Some(Overlay::Tools(list)) = state.screen.overlays.last_mut() {
        list.say(words);
    }
}
