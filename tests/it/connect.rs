//! The connect screen in the program: reached as a command and from a card, left by Esc, and what follows from it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ibid::{
    api::{self, ApiDialect, FaultKind, ProbeResult},
    keys::{KeyListing, KeyPlace, LocatedKey},
    store::StoreReply,
    ui::{
        Effect, EndpointInfo, Msg, StartOptions,
        effect::{ConnectJob, DemoStart},
        msg::{ConnectOutcome, KeyVerdict},
        screen::PaneFocus,
    },
};
use insta::assert_snapshot;

const KEY: &str = "sk-or-v1-0123456789abcdef";

fn server(name: &str, dialect: ApiDialect) -> EndpointInfo {
    EndpointInfo { name: name.into(), dialect, is_ready: true }
}

fn in_use(name: &str, dialect: ApiDialect, key: KeyVerdict) -> Msg {
    Msg::Connected(ConnectOutcome::InUse { server: server(name, dialect), key, notice: None })
}

fn listed_keys() -> Msg {
    let key = |place, ending: &str| Some(LocatedKey { place, ending: Some(ending.into()) });
    Msg::KeysListed(vec![
        KeyListing { server: "openrouter".into(), host: None, key: key(KeyPlace::File, "3f9a") },
        KeyListing {
            server: "work".into(),
            host: Some("llm.example.com".into()),
            key: key(KeyPlace::Variable("WORK_KEY".into()), "c07e"),
        },
    ])
}

fn probed_ollama() -> Msg {
    let models = ["qwen4:32b", "gpt-oss:20b", "gemma4:12b"].map(str::to_owned).to_vec();
    Msg::LocalServerProbed { name: "Ollama".into(), result: ProbeResult::Models { port: 11434, models } }
}

/// A program in whose conversation the server refused the key.
fn after_refused_key() -> Harness {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    let refused = api::ApiError { status: Some(401), ..api::ApiError::new(FaultKind::Key, "User not found") };
    app.end_stream(stream, Err(refused));
    app.wait(Duration::from_millis(400));
    app.effects();
    app
}

/// A program without a server that can be used.
fn first_start(width: u16, height: u16) -> Harness {
    let begin = default_start(width, height);
    let mut app = Harness::with_start(StartOptions {
        endpoints: vec![EndpointInfo { is_ready: false, ..begin.endpoints[0].clone() }],
        ..begin
    });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn open_connect(app: &mut Harness) {
    app.enter_text("/connect");
    app.press("enter");
    if app.overlay().is_none() {
        app.press("enter");
    }
    assert!(app.screen().contains("How do you want to connect?"), "{}", app.screen());
}

fn has_quit(app: &mut Harness) -> bool {
    app.effects().iter().any(|effect| matches!(effect, Effect::Quit))
}

fn click(app: &mut Harness, words: &str) {
    let row = app.screen().lines().position(|row| row.contains(words)).expect("the words are on the screen");
    let column = app.row(u16::try_from(row).expect("a row")).chars().take_while(|c| !words.starts_with(*c)).count();
    click_at(app, u16::try_from(column).expect("a column"), u16::try_from(row).expect("a row"));
}

fn click_at(app: &mut Harness, column: u16, row: u16) {
    for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
        let event = Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        app.send(Msg::Input { event, more: false });
    }
}

#[test]
fn esc_on_the_key_page_returns_to_the_conversation_and_its_card() {
    let mut app = after_refused_key();
    let before = app.screen();
    app.press("enter");
    assert!(app.screen().contains("Paste your OpenRouter key"), "{}", app.screen());
    app.press("esc");
    assert_eq!((app.screen(), app.focus()), (before, PaneFocus::Composer));
    app.press("esc esc esc");
    assert!(!has_quit(&mut app), "Esc never quits");
    app.press("enter");
    assert!(app.screen().contains("Paste your OpenRouter key"), "the card still works: {}", app.screen());
}

#[test]
fn esc_never_quits_the_first_start() {
    let mut app = first_start(80, 24);
    app.press("esc esc 2 esc esc esc");
    assert!(app.screen().contains("How do you want to connect?"), "{}", app.screen());
    assert!(!has_quit(&mut app));
    app.press("ctrl-c");
    assert!(!has_quit(&mut app));
    app.press("ctrl-c");
    assert!(has_quit(&mut app), "twice quits");
}

#[test]
fn without_a_key_old_conversations_can_still_be_read() {
    let mut app = first_start(120, 40);
    let summary = ibid::chat::ConversationSummary {
        id: ibid::chat::ConversationId(uuid::Uuid::from_u128(7)),
        title: "An old one".into(),
        updated_at: app.now,
        unread: false,
        failed: false,
        model: String::new(),
        filing: ibid::chat::ConversationFiling::default(),
        is_temporary: false,
    };
    app.store_reply(StoreReply::Listed { conversations: vec![summary] });
    assert!(app.screen().contains("Esc close"), "{}", app.screen());
    app.press("esc");
    assert!(app.screen().contains("An old one"), "{}", app.screen());
}

#[test]
fn connect_is_a_command_and_the_screen_closes_without_a_change() {
    let mut app = Harness::new(120, 40);
    app.effects();
    open_connect(&mut app);
    let effects = app.effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::ListKeys)), "{effects:?}");
    let probed = effects.iter().find_map(|effect| match effect {
        Effect::ProbeLocalServers(servers) => Some(servers.iter().map(|server| server.name.clone()).collect()),
        _ => None,
    });
    assert_eq!(probed, Some(["Ollama", "LM Studio", "llama.cpp", "vLLM"].map(str::to_owned).to_vec()));
    app.press("esc");
    assert!(app.overlay().is_none() && app.focus() == PaneFocus::Composer);
    open_connect(&mut app);
    click_at(&mut app, 1, 1);
    assert!(app.overlay().is_none(), "a click outside closes it");
    app.press("ctrl-n down up");
    let asks = |effect: &Effect| matches!(effect, Effect::ProbeLocalServers(_));
    assert_eq!(app.effects().iter().filter(|effect| asks(effect)).count(), 1, "only while the screen is open");
}

#[test]
fn keys_and_local_servers_are_shown_with_what_each_key_does() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut app = Harness::new(width, height);
        open_connect(&mut app);
        app.send(listed_keys());
        app.send(probed_ollama());
        for name in ["LM Studio", "llama.cpp", "vLLM"] {
            app.send(Msg::LocalServerProbed { name: name.into(), result: ProbeResult::NotRunning });
        }
        app.press("down down down");
        assert_snapshot!(format!("connect-{width}x{height}"), app.screen());
    }
}

#[test]
fn no_hint_of_a_choice_is_cut() {
    for (width, hint) in [(120, "anywhere with the Responses API"), (80, "on this machine or anywhere else")] {
        let mut app = Harness::new(width, 30);
        open_connect(&mut app);
        assert!(app.screen().contains(hint), "{}", app.screen());
    }
}

#[test]
fn another_server_is_used_from_the_next_message_on() {
    let mut app = Harness::new(120, 40);
    let stream = app.send_prompt("hello");
    app.stream_answer(stream, "Good day.");
    open_connect(&mut app);
    app.send(probed_ollama());
    app.press("end");
    app.effects();
    app.press("enter");
    let effects = app.effects();
    let [Effect::Connect(ConnectJob::TryAddress { base_url, .. })] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(base_url, "http://localhost:11434/v1");
    app.send(in_use("ollama", ApiDialect::Other, KeyVerdict::NoKey));
    assert!(app.overlay().is_none() && app.screen().contains("connected to ollama"), "{}", app.screen());
    assert_eq!((app.settings().endpoint.as_str(), app.settings().model.as_str()), ("ollama", ""));
    assert!(app.effects().iter().any(|e| matches!(e, Effect::FetchModels { endpoint } if endpoint == "ollama")));
    let catalogue = api::Catalogue::parse(r#"{"data":[{"id":"qwen4:32b"}]}"#).expect("a catalogue");
    app.send(Msg::CatalogueLoaded { endpoint: "ollama".into(), result: Ok(catalogue) });
    app.enter_text("and now?");
    app.press("enter");
    let sent = app.effects().into_iter().find_map(|effect| match effect {
        Effect::OpenStream { endpoint, request, .. } => Some((endpoint, request.model)),
        _ => None,
    });
    assert_eq!(sent, Some(("ollama".into(), "qwen4:32b".into())));
}

#[test]
fn the_demo_is_left_for_a_server_and_entered_from_one() {
    let begin = default_start(120, 40);
    let mut app = Harness::with_start(StartOptions {
        endpoints: vec![server("demo", ApiDialect::OpenRouter)],
        is_demo: true,
        ..begin
    });
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    open_connect(&mut app);
    app.send(listed_keys());
    app.press("down down down down");
    app.effects();
    app.press("enter");
    assert!(
        matches!(&app.effects()[..], [Effect::Connect(ConnectJob::UseServer { server })] if server == "openrouter")
    );
    app.send(in_use("openrouter", ApiDialect::OpenRouter, KeyVerdict::Known));
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::LeaveDemo)));

    let mut app = Harness::new(120, 40);
    app.enter_text("a draft");
    app.press("ctrl-p");
    app.enter_text("connect:");
    app.press("enter 4");
    let effects = app.effects();
    assert!(matches!(effects.last(), Some(Effect::StartDemo(DemoStart::Opening))), "{effects:?}");
    let draft_save = |effect: &Effect| matches!(effect, Effect::RunStoreJob(_));
    assert!(effects.iter().any(draft_save), "the draft is saved first: {effects:?}");
}

#[test]
fn a_forgotten_key_is_gone_for_the_next_request() {
    let mut app = Harness::new(120, 40);
    open_connect(&mut app);
    app.send(listed_keys());
    app.effects();
    app.press("down down down down d");
    assert!(app.effects().is_empty(), "it asks once");
    app.press("enter");
    assert!(matches!(&app.effects()[..], [Effect::ForgetKey(server)] if server == "openrouter"));
    let forgotten = EndpointInfo { is_ready: false, ..server("openrouter", ApiDialect::OpenRouter) };
    app.send(Msg::KeyForgotten(Ok(forgotten)));
    assert!(matches!(&app.effects()[..], [Effect::ReloadServer(server), Effect::ListKeys] if server == "openrouter"));
    assert!(!app.env().endpoint("openrouter").expect("it is known").is_ready);
}

#[test]
fn leaving_while_a_key_is_checked_stops_the_check() {
    let mut app = Harness::new(120, 40);
    open_connect(&mut app);
    app.press("2");
    app.paste(KEY);
    app.press("enter");
    app.effects();
    app.press("esc");
    assert!(matches!(app.effects()[..], [Effect::StopConnecting]));
    app.press("esc");
    assert!(app.screen().contains("How do you want to connect?"), "{}", app.screen());
}

#[test]
fn the_mouse_takes_a_choice_of_the_first_start() {
    let mut app = first_start(80, 24);
    click(&mut app, "A server of your own");
    assert!(app.screen().contains("The address of the server"), "{}", app.screen());
    app.press("esc");
    app.effects();
    click(&mut app, "The demo");
    assert!(matches!(app.effects().last(), Some(Effect::StartDemo(DemoStart::Opening))));
    click(&mut app, "Every model");
    assert!(app.effects().is_empty(), "plain text is no choice");
}

#[test]
fn a_key_is_on_no_screen_and_in_no_effect_or_message() {
    let mut app = after_refused_key();
    let mut seen = String::new();
    app.press("enter");
    app.paste(KEY);
    seen += &app.screen();
    app.press("enter");
    let mut effects = app.effects();
    let _ = write!(seen, "{effects:?}");
    app.send(Msg::Connected(ConnectOutcome::Unchecked("this server cannot check keys: keep it anyway?".into())));
    seen += &app.screen();
    app.press("enter");
    effects = app.effects();
    let _ = write!(seen, "{effects:?} {:?}", app.overlay());
    app.send(in_use("openrouter", ApiDialect::OpenRouter, KeyVerdict::Unchecked));
    seen += &app.screen();
    app.press("up ctrl-y");
    seen += &app.screen();
    assert!(!seen.contains(KEY) && !seen.contains("0123456789"), "{seen}");
    assert!(seen.contains("TryKey"), "{seen}");
}

#[test]
fn a_server_without_encryption_is_told_when_its_address_was_entered() {
    let mut app = first_start(120, 40);
    let notice = "what is sent to lab is not encrypted, because its address begins with http://";
    app.send(Msg::Connected(ConnectOutcome::InUse {
        server: server("lab", ApiDialect::Other),
        key: KeyVerdict::NoKey,
        notice: Some(notice.into()),
    }));
    assert!(app.screen().contains("connected to lab"), "{}", app.screen());
    app.wait(Duration::from_secs(5));
    assert!(app.screen().contains(notice), "{}", app.screen());
}
