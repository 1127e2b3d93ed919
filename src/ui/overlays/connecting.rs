//! Opens the connect screen, carries out what is decided on it, and uses the server that it found.

use super::{ScreenOverlay, close_top};
use crate::{
    chat::{ChatSettings, Timestamp},
    keys::KeyListing,
    ui::{
        Action, CLOCK_STEP, Effect, EndpointInfo,
        actions::{
            card_actions,
            model_settings::{self, change_settings, default_model},
        },
        connect::{ConnectOpening, ConnectRequest, ConnectScreen, ConnectSituation, ConnectView},
        cx::Cx,
        dispatch,
        effect::DemoStart,
        escape_keys,
        keymap::KeyContext,
        msg::{ConnectOutcome, KeyVerdict, SignInReport},
        screen::Screen,
        toasts::ToastText,
    },
};
use ratatui::layout::{Position, Rect};

/// Opens the connect screen at its choices.
pub(crate) fn open_connect(screen: &mut Screen) {
    let connect = ConnectScreen::new(ConnectOpening::Command);
    screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
}

/// Opens the connect screen at the sign-in, and begins it.
pub(crate) fn open_sign_in(screen: &mut Screen, cx: &mut Cx<'_>) {
    let (connect, request) = ConnectScreen::for_sign_in();
    screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
    apply_connect_request(screen, cx, Some(request));
}

/// Opens the connect screen at the question whether to remove the key of OpenRouter.
pub(crate) fn open_sign_out(screen: &mut Screen) {
    let connect = ConnectScreen::new(ConnectOpening::SignOut);
    screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
}

/// Handles how an attempt to sign in goes.
pub(crate) fn on_sign_in(screen: &mut Screen, cx: &mut Cx<'_>, report: SignInReport) {
    let request = connect_screen(&mut screen.overlays).and_then(|connect| connect.on_sign_in(report, cx.now));
    apply_connect_request(screen, cx, request);
}

/// Handles that no browser could be opened for the sign-in; returns whether that is what the page was for.
pub(crate) fn on_page_not_opened(screen: &mut Screen, url: &str) -> bool {
    let Some(connect) = connect_screen(&mut screen.overlays) else { return false };
    let addresses = connect.sign_in().and_then(|stage| stage.addresses.as_ref());
    let is_for_it =
        addresses.is_some_and(|addresses| addresses.browser_url.as_deref() == Some(url) || addresses.code_url == url);
    if is_for_it {
        connect.on_no_browser();
    }
    is_for_it
}

/// Opens the connect screen at the demo, which has the tour.
pub(crate) fn open_tour(screen: &mut Screen, cx: &Cx<'_>) {
    let keys = cx.env.keymap.keys_for(KeyContext::Connect, Action::ConnectDemo).unwrap_or_default();
    let connect = ConnectScreen::for_tour(format!("The tour is part of the demo: {keys} starts it there."));
    screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
}

/// Opens the connect screen at the field for the key of the conversation's server. The demo has no key.
pub(crate) fn open_key_entry(screen: &mut Screen, cx: &Cx<'_>) {
    if cx.env.is_demo {
        return open_connect(screen);
    }
    let connect = ConnectScreen::for_key(&cx.chats.settings().endpoint);
    screen.overlays.push(ScreenOverlay::Connect(Box::new(connect)));
}

/// Looks up the keys and the servers on this machine once the choices are shown.
pub(crate) fn look_up_servers(screen: &mut Screen, cx: &Cx<'_>) -> Vec<Effect> {
    match connect_screen(&mut screen.overlays) {
        Some(connect) if !connect.has_left_choices() => connect.listed.look_up(&cx.env.config.local_ports),
        Some(_) | None => Vec::new(),
    }
}

fn connect_screen(overlays: &mut [ScreenOverlay]) -> Option<&mut ConnectScreen> {
    overlays.iter_mut().find_map(|overlay| match overlay {
        ScreenOverlay::Connect(connect) => Some(&mut **connect),
        _ => None,
    })
}

/// Returns when the spinner turns, while something is being tried or looked for.
pub(crate) fn next_wake(screen: &Screen, now: Timestamp) -> Option<Timestamp> {
    let is_busy = |overlay: &ScreenOverlay| matches!(overlay, ScreenOverlay::Connect(connect) if connect.is_busy());
    screen.overlays.iter().any(is_busy).then(|| now + CLOCK_STEP)
}

/// Returns whether there is something behind the connect screen: a server that can be used, or a conversation to read.
pub(crate) fn can_close_connect(cx: &Cx<'_>) -> bool {
    has_page_behind(cx.env.endpoints.as_slice(), !cx.chats.index.is_empty())
}

fn has_page_behind(endpoints: &[EndpointInfo], has_conversations: bool) -> bool {
    has_conversations || endpoints.iter().any(|endpoint| endpoint.is_ready)
}

/// Returns what the connect screen shows of the rest of the program.
pub(crate) fn connect_situation<'a>(
    state: &'a crate::ui::State,
    spinner: &'a str,
    now: Timestamp,
) -> ConnectSituation<'a> {
    ConnectSituation {
        in_use: &state.chats.settings().endpoint,
        is_demo: state.env.is_demo,
        can_close: has_page_behind(&state.env.endpoints, !state.chats.index.is_empty()),
        spinner,
        now,
    }
}

/// Handles `Esc` and `^C`: a step back, else the screen is closed if there is something behind it.
pub(crate) fn on_connect_back(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    let Some(ScreenOverlay::Connect(connect)) = screen.overlays.last_mut() else { return };
    if connect.is_trying() || connect.sign_in().is_some() {
        cx.effects.push(Effect::StopConnecting);
    }
    if connect.back() {
        return;
    }
    if connect.opened_as != ConnectOpening::FirstStart || can_close_connect(cx) {
        close_top(screen, cx);
    } else if action == Action::Cancel {
        escape_keys::confirm_quit(screen, cx);
    }
}

/// Carries out what was decided on the connect screen.
pub(crate) fn apply_connect_request(screen: &mut Screen, cx: &mut Cx<'_>, request: Option<ConnectRequest>) {
    match request {
        None => (),
        Some(ConnectRequest::Run(effect)) => cx.effects.push(effect),
        Some(ConnectRequest::Demo) if cx.env.is_demo => close_top(screen, cx),
        Some(ConnectRequest::Demo) => {
            let is_for_tour =
                connect_screen(&mut screen.overlays).is_some_and(|connect| connect.opened_as == ConnectOpening::Tour);
            let begin = if is_for_tour { DemoStart::Tour } else { DemoStart::Opening };
            restart(screen, cx, Effect::StartDemo(begin));
        }
    }
}

/// Handles a click on a row as `Enter` on it.
pub(crate) fn click_connect(screen: &mut Screen, cx: &mut Cx<'_>, position: Position) {
    let area = Rect::from((Position::ORIGIN, screen.size));
    let can_close = can_close_connect(cx);
    let Some(ScreenOverlay::Connect(connect)) = screen.overlays.last_mut() else { return };
    let situation = ConnectSituation {
        in_use: &cx.chats.settings().endpoint,
        is_demo: cx.env.is_demo,
        can_close,
        spinner: cx.env.theme.marks.running,
        now: cx.now,
    };
    let view = ConnectView { connect, situation, keymap: &cx.env.keymap, theme: &cx.env.theme };
    if let Some(row) = view.row_at(area, position) {
        let request = connect.take(row);
        apply_connect_request(screen, cx, request);
    }
}

/// Saves everything and starts again with another server and database.
fn restart(screen: &mut Screen, cx: &mut Cx<'_>, effect: Effect) {
    dispatch::save_everything(screen, cx);
    cx.effects.push(effect);
}

/// Handles the end of an attempt to connect.
pub(crate) fn on_connected(screen: &mut Screen, cx: &mut Cx<'_>, outcome: ConnectOutcome) {
    match (outcome, connect_screen(&mut screen.overlays)) {
        (ConnectOutcome::InUse { server, key, notice }, _) => {
            // The demo is left for it: the start that follows tells the same.
            cx.env.complaints.extend(notice.filter(|_| !cx.env.is_demo));
            use_server(screen, cx, server, key);
        }
        (outcome, Some(connect)) => connect.on_outcome(outcome),
        (ConnectOutcome::Failed(why) | ConnectOutcome::Unchecked(why), None) => cx.warn(why),
        (ConnectOutcome::NeedsKey { host, .. }, None) => cx.warn(format!("{host} asks for a key")),
    }
}

/// Handles the servers of the config and their keys.
pub(crate) fn on_keys_listed(screen: &mut Screen, keys: Vec<KeyListing>) {
    if let Some(connect) = connect_screen(&mut screen.overlays) {
        connect.set_keys(keys);
    }
}

/// Handles what was found on this machine.
pub(crate) fn on_probed(screen: &mut Screen, name: &str, result: crate::api::ProbeResult) {
    if let Some(connect) = connect_screen(&mut screen.overlays) {
        connect.on_probed(name, result);
    }
}

/// Handles the removal of a key.
pub(crate) fn on_key_forgotten(screen: &mut Screen, cx: &mut Cx<'_>, result: Result<EndpointInfo, String>) {
    match result {
        Ok(server) => {
            cx.show_message(ToastText::about("the key of ", server_title(&server.name), " is forgotten"));
            cx.effects.extend([Effect::ReloadServer(server.name.clone()), Effect::ListKeys]);
            update_endpoint(cx, server);
        }
        Err(why) => match connect_screen(&mut screen.overlays) {
            Some(connect) => connect.on_outcome(ConnectOutcome::Failed(why)),
            None => cx.warn(why),
        },
    }
}

fn server_title(name: &str) -> &str {
    if name == "openrouter" { "OpenRouter" } else { name }
}

fn update_endpoint(cx: &mut Cx<'_>, server: EndpointInfo) {
    match cx.env.endpoints.iter_mut().find(|known| known.name == server.name) {
        Some(known) => *known = server,
        None => cx.env.endpoints.push(server),
    }
}

/// Uses a server from the next message on; the demo is left for it.
fn use_server(screen: &mut Screen, cx: &mut Cx<'_>, server: EndpointInfo, key: KeyVerdict) {
    screen.overlays.retain(|overlay| !matches!(overlay, ScreenOverlay::Connect(_)));
    if cx.env.is_demo {
        return restart(screen, cx, Effect::LeaveDemo);
    }
    let name = server.name.clone();
    let model = default_model(server.dialect);
    update_endpoint(cx, EndpointInfo { is_ready: true, ..server });
    cx.effects.push(Effect::ReloadServer(name.clone()));
    let had_this_server = cx.chats.settings().endpoint == name;
    let switch = |settings: &mut ChatSettings| {
        if settings.endpoint != name {
            settings.endpoint.clone_from(&name);
            model.clone_into(&mut settings.model);
        }
    };
    switch(&mut cx.chats.new_settings);
    if !had_this_server {
        change_settings(cx, switch);
    }
    cx.env.catalogues.remove(&name);
    model_settings::fetch_models(cx);
    let dot = cx.env.theme.marks.dot;
    let about_key = match key {
        KeyVerdict::NoKey | KeyVerdict::Known => String::new(),
        KeyVerdict::Checked => format!(" {dot} key checked"),
        KeyVerdict::Unchecked => format!(" {dot} key kept without a check"),
    };
    cx.show_message(ToastText::about("connected to ", server_title(&name), &about_key));
    if had_this_server && key != KeyVerdict::Known {
        card_actions::retry_with_new_key(cx);
    }
}
