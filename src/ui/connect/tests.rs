//! Tests of the welcome screen and its drawing.

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{ConnectRequest, WelcomeChoice, WelcomeScreen, WelcomeView};
use crate::{
    render::theme::Theme,
    ui::{keymap::Keymap, test_buffer},
};

fn drawn(welcome: &WelcomeScreen, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    let keymap = Keymap::default();
    let view = || WelcomeView { welcome, spinner: "◐", keymap: &keymap, theme: &theme };
    let cursor = view().cursor(area);
    view().render(area, &mut buf);
    match cursor {
        Some(at) => format!("{}cursor {},{}", test_buffer::buffer_text(&buf), at.x, at.y),
        None => test_buffer::buffer_text(&buf),
    }
}

fn type_in(welcome: &mut WelcomeScreen, text: &str) {
    for letter in text.chars() {
        welcome.edit(KeyCode::Char(letter).into());
    }
}

#[test]
fn a_newcomer_has_three_choices() {
    let mut welcome = WelcomeScreen::default();
    welcome.move_choice(true);
    welcome.move_choice(true);
    welcome.move_choice(true);
    assert_eq!(welcome.choice, WelcomeChoice::Demo);
    assert_snapshot!(drawn(&welcome, 100, 26), @"
             ▗▖ ▗▖    ▗▖   ▗▖
             ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
             ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
             ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

             Every model in your terminal, every answer with its sources.

             How should ibid reach a model?

             1  Paste an OpenRouter key   saved in a file that only you can read

             2  A server on this machine  Ollama, llama.cpp, vLLM, LM Studio: enter its address

           ▌ 3  Look around first         the built-in demo: no key, no network


             ¹ ibid., in the same place: what a footnote says when the source is the one above.





    ibid 0.1.0                                                                ↑↓ choose  ↵ go  ^C quit
    ");
    assert_eq!(welcome.on_enter(), Some(ConnectRequest::Demo));
}

#[test]
fn the_welcome_fits_the_usual_and_the_smallest_terminal() {
    assert_snapshot!(drawn(&WelcomeScreen::default(), 80, 24), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      How should ibid reach a model?

    ▌ 1  Paste an OpenRouter key   saved in a file that only you can read

      2  A server on this machine  Ollama, llama.cpp, vLLM, LM Studio

      3  Look around first         the built-in demo: no key, no network






     ibid 0.1.0                                            ↑↓ choose  ↵ go  ^C quit
    ");
    assert_snapshot!(drawn(&WelcomeScreen::default(), 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      How should ibid reach a model?

    ▌ 1  Paste an OpenRouter key
      2  A server on this machine
      3  Look around first

                   ↑↓ choose  ↵ go  ^C quit
    ");
}

#[test]
fn a_key_is_shown_as_dots_and_stays_after_an_error() {
    let mut welcome = WelcomeScreen::default();
    assert_eq!(welcome.on_enter(), None);
    assert_eq!(welcome.on_enter(), None);
    assert!(welcome.error.as_deref().is_some_and(|error| error.starts_with("Paste the key here")));
    type_in(&mut welcome, "sk-or");
    assert_eq!(welcome.error, None);
    assert_snapshot!(drawn(&welcome, 80, 16), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      Paste your OpenRouter key

    › •••••

      Create it at openrouter.ai/keys; it is saved in a file only you can read.



     ibid 0.1.0                                         ↵ try it  Esc back  ^C quit
    cursor 7,9
    ");
    assert_eq!(welcome.on_enter(), Some(ConnectRequest::Key("sk-or".to_owned())));
    assert_eq!(welcome.on_enter(), None, "the key is being tried");
    welcome.fail("The server does not know this key (401)".to_owned());
    assert_snapshot!(drawn(&welcome, 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      Paste your OpenRouter key

    › •••••

      ! The server does not know this key
      (401)
                ↵ try it  Esc back  ^C quit
    cursor 7,5
    ");
    assert!(welcome.back());
    assert!(!welcome.back());
}

#[test]
fn an_address_without_a_scheme_gets_one_and_a_wrong_one_is_refused() {
    for (typed, expected) in [
        ("localhost:11434/v1", Ok("http://localhost:11434/v1")),
        ("https://llm.lan/v1 ", Ok("https://llm.lan/v1")),
        ("ftp://x", Err("An address begins with http:// or https://")),
        ("my server", Err("An address contains no spaces.")),
        ("", Err("Enter an address, such as http://localhost:11434/v1")),
    ] {
        let mut welcome = WelcomeScreen::default();
        assert_eq!(welcome.take_number(2), None);
        type_in(&mut welcome, typed);
        let answer = welcome.on_enter();
        match expected {
            Ok(address) => assert_eq!(answer, Some(ConnectRequest::Server(address.to_owned()))),
            Err(error) => assert_eq!((answer, welcome.error.as_deref()), (None, Some(error))),
        }
    }
}

#[test]
fn a_paste_at_the_choices_is_taken_as_a_key() {
    let mut welcome = WelcomeScreen::default();
    welcome.move_choice(true);
    welcome.paste("sk-or-v1-abc\n");
    assert_eq!(welcome.on_enter(), Some(ConnectRequest::Key("sk-or-v1-abc".to_owned())));
}

#[test]
fn the_welcome_draws_at_every_size() {
    let mut typing = WelcomeScreen::default();
    typing.paste("sk-or-v1");
    typing.fail("no".to_owned());
    for welcome in [WelcomeScreen::default(), typing] {
        test_buffer::draw_at_every_size(|area, buf| {
            let theme = Theme::default().in_ascii();
            let keymap = Keymap::default();
            let view = || WelcomeView { welcome: &welcome, spinner: "*", keymap: &keymap, theme: &theme };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)));
            view().render(area, buf);
        });
    }
}
