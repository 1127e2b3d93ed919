//! Tests of the connect screen and its drawing.

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use secrecy::ExposeSecret;

use super::{
    ConnectChoice, ConnectOpening, ConnectProgress, ConnectRequest, ConnectRow, ConnectScreen, ConnectSituation,
    ConnectStage, ConnectView, completed_address,
};
use crate::{
    api::ProbeResult,
    chat::Timestamp,
    keys::{KeyListing, KeyPlace, LocatedKey},
    render::theme::Theme,
    ui::{
        Action, Effect,
        effect::{ConnectJob, UncheckedKey},
        keymap::Keymap,
        msg::{ConnectOutcome, SignInReport},
        test_buffer,
    },
};

const PORTS: [u16; 5] = [11434, 1234, 9931, 8080, 8000];

fn situation() -> ConnectSituation<'static> {
    ConnectSituation {
        in_use: "openrouter",
        is_demo: false,
        can_close: false,
        spinner: "◐",
        now: Timestamp::constant(14, 0),
    }
}

fn view<'a>(
    connect: &'a ConnectScreen,
    situation: ConnectSituation<'a>,
    keymap: &'a Keymap,
    theme: &'a Theme,
) -> ConnectView<'a> {
    ConnectView { connect, situation, keymap, theme }
}

fn drawn(connect: &ConnectScreen, width: u16, height: u16) -> String {
    let (area, theme, keymap) = (Rect::new(0, 0, width, height), Theme::default(), Keymap::default());
    let mut buf = Buffer::empty(area);
    let cursor = view(connect, situation(), &keymap, &theme).cursor(area);
    view(connect, situation(), &keymap, &theme).render(area, &mut buf);
    match cursor {
        Some(at) => format!("{}cursor {},{}", test_buffer::buffer_text(&buf), at.x, at.y),
        None => test_buffer::buffer_text(&buf),
    }
}

/// The first start, with nothing found on this machine.
fn first_start() -> ConnectScreen {
    let mut connect = ConnectScreen::new(ConnectOpening::FirstStart);
    assert_eq!(connect.listed.look_up(&PORTS).len(), 2);
    for name in ["Ollama", "LM Studio", "llama.cpp", "vLLM"] {
        connect.on_probed(name, ProbeResult::NotRunning);
    }
    connect
}

/// The screen over a conversation, with three keys and one server on this machine.
fn with_keys() -> ConnectScreen {
    let mut connect = ConnectScreen::new(ConnectOpening::Command);
    connect.listed.look_up(&PORTS);
    let key = |place, ending: &str| Some(LocatedKey { place, ending: Some(ending.into()) });
    connect.set_keys(vec![
        KeyListing { server: "openrouter".into(), host: None, key: key(KeyPlace::File, "3f9a") },
        KeyListing {
            server: "work".into(),
            host: Some("llm.example.com".into()),
            key: key(KeyPlace::Variable("WORK_KEY".into()), "c07e"),
        },
        KeyListing {
            server: "lab".into(),
            host: Some("vllm.lab.example".into()),
            key: Some(LocatedKey { place: KeyPlace::Command("pass".into()), ending: None }),
        },
    ]);
    let models = ["qwen4:32b", "gpt-oss:20b", "gemma4:12b"].map(str::to_owned).to_vec();
    connect.on_probed("Ollama", ProbeResult::Models { port: 11434, models });
    connect.on_probed("LM Studio", ProbeResult::WantsKey { port: 1234 });
    connect.on_probed("llama.cpp", ProbeResult::NotRunning);
    connect
}

fn type_in(connect: &mut ConnectScreen, text: &str) {
    for letter in text.chars() {
        connect.edit(KeyCode::Char(letter).into());
    }
}

fn job(request: Option<ConnectRequest>) -> ConnectJob {
    match request {
        Some(ConnectRequest::Run(Effect::Connect(job))) => job,
        other => panic!("{other:?}"),
    }
}

fn press(connect: &mut ConnectScreen, actions: &[Action]) {
    for action in actions {
        assert!(connect.on_action(*action).is_none(), "{action:?}");
    }
}

#[test]
fn a_newcomer_has_four_choices_and_sees_what_runs_on_the_machine() {
    let mut connect = first_start();
    press(&mut connect, &[Action::RowDown, Action::RowDown, Action::RowDown]);
    assert_eq!(connect.cursor, ConnectRow::Choice(ConnectChoice::Demo));
    assert_snapshot!(drawn(&connect, 100, 32), @"
           ▗▖ ▗▖    ▗▖   ▗▖
           ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
           ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
           ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

           Every model in your terminal, every answer with its sources.

           How do you want to connect?

           1  Sign in with OpenRouter     in your browser, no key to copy

           2  Paste an OpenRouter key     create one at openrouter.ai/keys

           3  A server of your own        on this machine, or anywhere with the Responses API

         ▌ 4  The demo                    built in: no key, no network

           No server is running on this machine. Start one, then press r to look again.

           Ollama      localhost:11434           not running
           LM Studio   localhost:1234            not running
           llama.cpp   localhost:9931, 8080      not running
           vLLM        localhost:8000            not running


           ¹ ibid., in the same place: what a footnote says when the source is the one above.




    ibid 0.1.0                                                              ↑↓ move  ↵ choose  ^C quit
    ");
    assert!(matches!(connect.on_action(Action::Accept), Some(ConnectRequest::Demo)));
}

#[test]
fn the_footnote_and_its_mark_stay_together_on_small_terminals() {
    assert_snapshot!(drawn(&first_start(), 80, 24), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      How do you want to connect?

    ▌ 1  Sign in with OpenRouter     in your browser, no key to copy
      2  Paste an OpenRouter key     create one at openrouter.ai/keys
      3  A server of your own        on this machine or anywhere else
      4  The demo                    built in: no key, no network

      No server is running on this machine. Start one, then press r to look again.
      Ollama      localhost:11434           not running
      LM Studio   localhost:1234            not running
      llama.cpp   localhost:9931, 8080      not running
      vLLM        localhost:8000            not running

      ¹ ibid., in the same place: what a footnote says when the source is the one
        above.

     ibid 0.1.0                                          ↑↓ move  ↵ choose  ^C quit
    ");
    assert_snapshot!(drawn(&first_start(), 60, 20), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its
      sources.

      How do you want to connect?

    ▌ 1  Sign in with OpenRouter  in your browser
      2  Paste an OpenRouter key
      3  A server of your own     here or anywhere else
      4  The demo                 built in: no key, no network

      ¹ ibid., in the same place: what a footnote says when
        the source is the one above.


     ibid 0.1.0                      ↑↓ move  ↵ choose  ^C quit
    ");
    assert_snapshot!(drawn(&first_start(), 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      How do you want to connect?

    ▌ 1  Sign in with OpenRouter
      2  Paste an OpenRouter key
      3  A server of your own
      4  The demo                 built in
                          ↵ choose  ^C quit
    ");
}

#[test]
fn keys_and_servers_are_rows_of_the_screen() {
    let mut connect = with_keys();
    assert_snapshot!(drawn(&connect, 120, 40), @"
    ╭── Connect ───────────────────────────────────────────────────────────────────────────────────────╮
    │                                                                                                  │
    │   How do you want to connect?                                                                    │
    │                                                                                                  │
    │▌  1  Sign in with OpenRouter     in your browser, no key to copy                                 │
    │   2  Paste an OpenRouter key     create one at openrouter.ai/keys                                │
    │   3  A server of your own        on this machine, or anywhere with the Responses API             │
    │   4  The demo                    built in: no key, no network                                    │
    │                                                                                                  │
    │   Keys                           kept in                                                         │
    │   OpenRouter  …3f9a              private file                                         ✓ in use   │
    │   work, llm.example.com  …c07e   WORK_KEY                                                        │
    │   lab, vllm.lab.example          key command pass                                                │
    │                                                                                                  │
    │   ────────────────────────────────────────────────────────────────────────────────────────────   │
    │   Found on this machine just now. ↵ on one uses it.                                              │
    │                                                                                                  │
    │   Ollama      localhost:11434         ✓ 3 models    qwen4:32b, gpt-oss:20b, gemma4:12b           │
    │   LM Studio   localhost:1234          ? needs a key                                              │
    │   llama.cpp   localhost:9931, 8080      not running                                              │
    │   vLLM        localhost:8000          ◐ looking…                                                 │
    │                                                                                                  │
    ╰────────────────────────────────────────────────────────────────── ↑↓ move  ↵ choose  Esc close ──╯
    ");
    press(&mut connect, &[Action::LastRow]);
    assert_eq!(connect.cursor, ConnectRow::Local(1));
    press(&mut connect, &[Action::RowUp]);
    let ConnectJob::TryAddress { base_url, name } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!((base_url.as_str(), name.as_deref()), ("http://localhost:11434/v1", Some("ollama")));
    assert!(connect.is_trying());
}

#[test]
fn the_rows_around_the_cursor_are_shown_where_there_is_no_room_for_all() {
    let mut connect = with_keys();
    assert_snapshot!(drawn(&connect, 60, 16), @"
    ╭── Connect ───────────────────────────────────────────────╮
    │                                                          │
    │▌  1  Sign in with OpenRouter  in your browser            │
    │   2  Paste an OpenRouter key                             │
    │   3  A server of your own     here or anywhere else      │
    │   4  The demo                 built in                   │
    │                                                          │
    │   Keys                        kept in                    │
    │   OpenRouter  …3f9a           private file    ✓ in use   │
    │   work, llm.example.c…  …c07e WORK_KEY                   │
    │   lab, vllm.lab.example       key command pass           │
    │                                                          │
    │   Ollama      localhost:11434         ✓ 3 models         │
    │   LM Studio   localhost:1234          ? needs a key      │
    │                                                          │
    ╰────────────────────────── ↑↓ move  ↵ choose  Esc close ──╯
    ");
    press(&mut connect, &[Action::LastRow]);
    assert_snapshot!(drawn(&connect, 40, 10), @"
    ╭── Connect ───────────────────────────╮
    │   3  A server of your own            │
    │   4  The demo                        │
    │   Keys                               │
    │   OpenRouter  …3f9a       ✓ in use   │
    │   work, llm.example.c…  …c07e        │
    │   lab, vllm.lab.example              │
    │   Ollama      ✓ 3 models             │
    │▌  LM Studio   ? needs a key          │
    ╰──── ↵ use  r look again  Esc close ──╯
    ");
}

#[test]
fn a_known_server_is_used_with_its_key() {
    let mut connect = with_keys();
    press(&mut connect, &[Action::RowDown; 5]);
    let ConnectJob::UseServer { server } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!(server, "work");
}

#[test]
fn forgetting_a_key_asks_once_and_only_for_a_key_that_ibid_keeps() {
    let mut connect = with_keys();
    press(&mut connect, &[Action::RowDown; 4]);
    press(&mut connect, &[Action::ForgetKey]);
    assert!(drawn(&connect, 120, 40).contains("? Forget the key of OpenRouter …3f9a?"), "{}", drawn(&connect, 120, 40));
    assert!(connect.back());
    press(&mut connect, &[Action::ForgetKey]);
    let forgotten = connect.on_action(Action::Accept);
    assert!(matches!(&forgotten, Some(ConnectRequest::Run(Effect::ForgetKey(server))) if server == "openrouter"));
    press(&mut connect, &[Action::RowDown, Action::ForgetKey]);
    assert_eq!(connect.progress, ConnectProgress::Notice("This key comes from $WORK_KEY; remove it there.".into()));
    press(&mut connect, &[Action::RowDown, Action::ForgetKey]);
    assert!(drawn(&connect, 120, 40).contains("comes from the key command pass"), "{}", drawn(&connect, 120, 40));
}

#[test]
fn a_key_is_shown_as_dots_and_stays_after_an_error() {
    let mut connect = first_start();
    press(&mut connect, &[Action::ConnectKey, Action::Accept]);
    assert_eq!(connect.progress, ConnectProgress::Failed("Paste the key first.".into()));
    type_in(&mut connect, "sk-or 1");
    press(&mut connect, &[Action::Accept]);
    assert_eq!(connect.progress, ConnectProgress::Failed("That is not a key: it contains spaces.".into()));
    (0..2).for_each(|_| connect.edit(KeyCode::Backspace.into()));
    assert_snapshot!(drawn(&connect, 80, 16), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      Paste your OpenRouter key

    › •••••

      Create one at openrouter.ai/keys. It is stored in a file only you can read.

      ¹ ibid., in the same place: what a footnote says when the source is the one
        above.
     ibid 0.1.0                                          ↵ save and check  Esc back
    cursor 7,9
    ");
    let ConnectJob::TryKey { server, key, unchecked } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!((server.as_str(), key.expose_secret(), unchecked), ("openrouter", "sk-or", UncheckedKey::Ask));
    assert!(connect.on_action(Action::Accept).is_none(), "the key is being tried");
    connect.on_outcome(ConnectOutcome::Failed("OpenRouter refused this key (401). It was not kept.".into()));
    assert_snapshot!(drawn(&connect, 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      Paste your OpenRouter key

    › •••••

      ! OpenRouter refused this key (401).
      It was not kept.
                 ↵ save and check  Esc back
    cursor 7,5
    ");
    assert!(!format!("{connect:?}").contains("sk-or"), "{connect:?}");
    assert!(connect.back());
    assert!(!connect.back());
}

#[test]
fn a_key_that_could_not_be_checked_is_kept_only_after_a_second_enter() {
    let mut connect = ConnectScreen::for_key("work");
    type_in(&mut connect, "secret-key");
    job(connect.on_action(Action::Accept));
    connect.on_outcome(ConnectOutcome::Unchecked("this server cannot check keys: keep it anyway?".into()));
    assert_snapshot!(drawn(&connect, 80, 24), @"
    ╭── Connect ───────────────────────────────────────────────────────────────────╮
    │   The key for work                                                           │
    │                                                                              │
    │ › ••••••••••                                                                 │
    │                                                                              │
    │   ? this server cannot check keys: keep it anyway?                           │
    │                                                                              │
    │                                                                              │
    ╰─────────────────────────────────────────────────────── ↵ keep it  Esc back ──╯










    cursor 14,8
    ");
    let ConnectJob::TryKey { unchecked, .. } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!(unchecked, UncheckedKey::Keep);
    connect.on_outcome(ConnectOutcome::Unchecked("offline".into()));
    type_in(&mut connect, "2");
    let ConnectJob::TryKey { unchecked, .. } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!(unchecked, UncheckedKey::Ask, "another key is another question");
}

#[test]
fn escape_leaves_the_question_and_the_attempt_but_not_the_field_with_the_key() {
    for opening in [ConnectOpening::FirstStart, ConnectOpening::Command, ConnectOpening::KeyOfServer] {
        let mut connect = ConnectScreen { opened_as: opening, ..ConnectScreen::for_key("openrouter") };
        type_in(&mut connect, "secret-key");
        job(connect.on_action(Action::Accept));
        assert!(connect.back(), "the attempt is given up");
        job(connect.on_action(Action::Accept));
        connect.on_outcome(ConnectOutcome::Unchecked("could not check, offline: keep it anyway?".into()));
        assert!(connect.back(), "the question is left");
        assert!(connect.is_typing() && connect.progress == ConnectProgress::Idle, "{connect:?}");
        let ConnectJob::TryKey { key, unchecked, .. } = job(connect.on_action(Action::Accept)) else { panic!() };
        assert_eq!((key.expose_secret(), unchecked), ("secret-key", UncheckedKey::Ask));
    }
    let mut connect = first_start();
    press(&mut connect, &[Action::ConnectServer]);
    type_in(&mut connect, "192.0.2.1:8080");
    job(connect.on_action(Action::Accept));
    assert!(connect.back() && connect.is_typing(), "an address stays too");
    assert!(connect.back() && !connect.is_typing());
}

#[test]
fn a_server_that_wants_a_key_is_asked_for_it() {
    let mut connect = first_start();
    press(&mut connect, &[Action::ConnectServer]);
    connect.paste("https://llm.example.com/v1");
    job(connect.on_action(Action::Accept));
    connect.on_outcome(ConnectOutcome::NeedsKey { server: "llm-example-com".into(), host: "llm.example.com".into() });
    assert!(matches!(&connect.stage, ConnectStage::Key { server, .. } if server == "llm-example-com"));
    assert_snapshot!(drawn(&connect, 80, 16), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      The key for llm.example.com

    ›

      llm.example.com asks for a key.
      It is stored in a file only you can read, and sent only to this server.


     ibid 0.1.0                                          ↵ save and check  Esc back
    cursor 2,9
    ");
}

#[test]
fn an_address_is_completed_and_a_wrong_one_is_refused() {
    for (typed, expected) in [
        ("localhost:11434", Ok("http://localhost:11434/v1")),
        ("localhost:11434/v1", Ok("http://localhost:11434/v1")),
        ("https://llm.lan/v1 ", Ok("https://llm.lan/v1")),
        ("https://llm.lan", Ok("https://llm.lan/v1")),
        ("ftp://x", Err("An address begins with http:// or https://")),
        ("my server", Err("An address contains no spaces.")),
        ("", Err("Enter an address, such as http://localhost:11434/v1")),
    ] {
        assert_eq!(completed_address(typed).as_deref(), expected.as_ref().map(|url| *url), "{typed}");
    }
}

#[test]
fn a_paste_at_the_choices_is_taken_as_a_key_or_an_address() {
    let mut connect = first_start();
    press(&mut connect, &[Action::RowDown]);
    connect.paste("sk-or-v1-abc\n");
    let ConnectJob::TryKey { key, .. } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!(key.expose_secret(), "sk-or-v1-abc");
    let mut connect = first_start();
    connect.paste("https://llm.lan/v1\n");
    let ConnectJob::TryAddress { base_url, .. } = job(connect.on_action(Action::Accept)) else { panic!() };
    assert_eq!(base_url, "https://llm.lan/v1");
}

#[test]
fn the_mouse_finds_the_row_that_is_drawn() {
    let (area, theme, keymap) = (Rect::new(0, 0, 120, 40), Theme::default(), Keymap::default());
    for connect in [first_start(), with_keys()] {
        let rows = drawn(&connect, 120, 40);
        let line_of = |words: &str| u16::try_from(rows.lines().position(|row| row.contains(words)).unwrap()).unwrap();
        let at = |words: &str| view(&connect, situation(), &keymap, &theme).row_at(area, (50, line_of(words)).into());
        assert_eq!(at("A server of your own"), Some(ConnectRow::Choice(ConnectChoice::Server)));
        assert_eq!(at("llama.cpp"), None, "it is not running");
        assert_eq!(at("How do you"), None);
    }
}

#[test]
fn the_connect_screen_draws_at_every_size() {
    let mut typing = with_keys();
    typing.paste("sk-or-v1");
    typing.on_outcome(ConnectOutcome::Failed("no".to_owned()));
    for connect in [first_start(), with_keys(), typing] {
        test_buffer::draw_at_every_size(|area, buf| {
            let (theme, keymap) = (Theme::default().in_ascii(), Keymap::default());
            let view = || view(&connect, situation(), &keymap, &theme);
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)));
            view().render(area, buf);
        });
    }
}

/// The screen with a sign-in that waits for the browser of this machine, or for a code.
fn signing_in(opening: ConnectOpening, has_browser: bool) -> ConnectScreen {
    let mut connect = ConnectScreen::new(opening);
    assert!(
        matches!(job(connect.on_action(Action::ConnectSignIn)), ConnectJob::SignIn { server } if server == "openrouter")
    );
    let address = "https://openrouter.ai/auth?";
    let challenge =
        "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&key_label=ibid";
    let callback = "callback_url=http%3A%2F%2Flocalhost%3A43817%2Fk7Qp9x2mWv4tRb8Y&";
    let report = SignInReport::Ready {
        browser_url: has_browser.then(|| format!("{address}{callback}{challenge}")),
        code_url: format!("{address}{challenge}"),
    };
    let opened = connect.on_sign_in(report, Timestamp::UNIX_EPOCH);
    assert_eq!(matches!(opened, Some(ConnectRequest::Run(Effect::OpenPage(_)))), has_browser);
    connect
}

#[test]
fn a_sign_in_shows_both_addresses_in_full_and_copies_them() {
    let mut connect = signing_in(ConnectOpening::Command, true);
    for (name, width, height) in [("80x24", 80, 24), ("120x40", 120, 40), ("200x60", 200, 60), ("40x12", 40, 12)] {
        assert_snapshot!(format!("sign-in-{name}"), drawn(&connect, width, height));
    }
    let copied = |request: Option<ConnectRequest>| match request {
        Some(ConnectRequest::Run(Effect::CopyToClipboard(text))) => text,
        other => panic!("{other:?}"),
    };
    assert!(copied(connect.on_action(Action::CopyAddress)).contains("callback_url"));
    let other = copied(connect.on_action(Action::CopyCodeAddress));
    assert!(!other.contains("callback_url") && other.contains("code_challenge_method=S256"), "{other}");
    assert!(matches!(connect.on_action(Action::OpenAgain), Some(ConnectRequest::Run(Effect::OpenPage(_)))));
}

#[test]
fn a_pasted_code_goes_into_its_field_and_what_is_no_code_is_said() {
    let mut connect = signing_in(ConnectOpening::Command, true);
    assert!(connect.on_action(Action::Accept).is_none(), "there is no code yet");
    assert!(matches!(connect.progress, ConnectProgress::Failed(_)));
    connect.paste("two words");
    assert!(connect.is_typing());
    assert!(connect.on_action(Action::Accept).is_none());
    let ConnectProgress::Failed(reason) = &connect.progress else { panic!("{:?}", connect.progress) };
    assert!(reason.contains("one word"), "{reason}");
    let mut connect = signing_in(ConnectOpening::Command, false);
    assert!(connect.is_typing(), "only a code helps");
    connect.paste("http://localhost:43817/k7Qp9x?code=auth_code_77\n");
    assert!(!drawn(&connect, 100, 30).contains("auth_code_77"), "it is drawn as dots");
    let Some(ConnectRequest::Run(Effect::EnterCode(code))) = connect.on_action(Action::Accept) else { panic!() };
    assert_eq!(code.expose_secret(), "auth_code_77");
    assert!(!format!("{connect:?}").contains("auth_code_77"));
    connect.on_sign_in(SignInReport::HasCode, Timestamp::UNIX_EPOCH);
    connect.on_sign_in(SignInReport::NoCode("OpenRouter refused this code.".into()), Timestamp::UNIX_EPOCH);
    assert!(drawn(&connect, 100, 30).contains("OpenRouter refused this code."));
    assert!(connect.is_typing(), "another code can be pasted");
}

#[test]
fn leaving_a_sign_in_goes_back_to_the_choices_or_closes_what_it_was_opened_for() {
    let mut connect = signing_in(ConnectOpening::FirstStart, true);
    assert!(connect.back(), "the choices are shown again");
    assert!(connect.sign_in().is_none());
    let (mut connect, _) = ConnectScreen::for_sign_in();
    assert!(!connect.back(), "the screen closes");
    let mut connect = ConnectScreen::new(ConnectOpening::Command);
    assert!(connect.on_action(Action::ConnectSignIn).is_some());
    connect.on_outcome(ConnectOutcome::Failed("signing in works only with OpenRouter itself".into()));
    assert!(drawn(&connect, 100, 30).contains("signing in works only"), "it is said at the choices");
}

#[test]
fn signing_out_asks_once_the_keys_are_known() {
    let key = |place| LocatedKey { place, ending: Some("3f9a".into()) };
    let listing = |place| KeyListing { server: "openrouter".into(), host: None, key: Some(key(place)) };
    let with = |keys: Vec<KeyListing>| {
        let mut connect = ConnectScreen::new(ConnectOpening::SignOut);
        connect.set_keys(keys);
        connect
    };
    let mut connect = with(vec![listing(KeyPlace::File)]);
    assert!(drawn(&connect, 100, 30).contains("Forget the key of OpenRouter"));
    let Some(ConnectRequest::Run(Effect::ForgetKey(server))) = connect.on_action(Action::Accept) else { panic!() };
    assert_eq!(server, "openrouter");
    assert!(drawn(&with(Vec::new()), 100, 30).contains("There is no key of OpenRouter on this machine."));
    let named = with(vec![listing(KeyPlace::Variable("OPENROUTER_API_KEY".into()))]);
    assert!(drawn(&named, 100, 30).contains("remove it there"));
}
