//! The welcome as a newcomer sees it.

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{Answer, Choice, Welcome, WelcomeView};
use crate::widgets::{screen, theme::Theme};

fn drawn(welcome: &Welcome, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    let view = || WelcomeView { welcome, spinner: "◐", theme: &theme, quit_key: "^C" };
    let cursor = view().cursor(area);
    view().render(area, &mut buf);
    match cursor {
        Some(at) => format!("{}cursor {},{}", screen::rows(&buf), at.x, at.y),
        None => screen::rows(&buf),
    }
}

fn type_in(welcome: &mut Welcome, text: &str) {
    for letter in text.chars() {
        assert!(welcome.edit(KeyCode::Char(letter).into()));
    }
}

#[test]
fn a_newcomer_has_three_choices() {
    let mut welcome = Welcome::default();
    welcome.step(true);
    welcome.step(true);
    welcome.step(true);
    assert_eq!(welcome.choice, Choice::Demo);
    assert_snapshot!(drawn(&welcome, 100, 26), @"
             ▗▖ ▗▖    ▗▖   ▗▖
             ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
             ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
             ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

             Every model in your terminal, every answer with its sources.

             How shall ibid reach a model?

             1  Paste an OpenRouter key   kept in a file that only you can read

             2  A server on this machine  Ollama, llama.cpp, vLLM, LM Studio: enter its address

           ▌ 3  Look around first         the built-in demo: no key, no network


             ¹ ibid., in the same place: what a footnote says when the source is the one above.





    ibid 0.1.0                                                                ↑↓ choose  ↵ go  ^C quit
    ");
    assert_eq!(welcome.enter(), Some(Answer::Demo));
}

#[test]
fn it_fits_the_usual_and_the_smallest_terminal() {
    assert_snapshot!(drawn(&Welcome::default(), 80, 24), @"
      ▗▖ ▗▖    ▗▖   ▗▖
      ▄▖ ▐▌▄▖  ▄▖ ▄▄▟▌  ¹
      ▐▌ ▐▛▝▜▖ ▐▌▐▛▝▜▌
      ▐▌ ▐▙▄▛  ▐▌▝▙▄█▌

      Every model in your terminal, every answer with its sources.

      How shall ibid reach a model?

    ▌ 1  Paste an OpenRouter key   kept in a file that only you can read

      2  A server on this machine  Ollama, llama.cpp, vLLM, LM Studio

      3  Look around first         the built-in demo: no key, no network






     ibid 0.1.0                                            ↑↓ choose  ↵ go  ^C quit
    ");
    assert_snapshot!(drawn(&Welcome::default(), 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      How shall ibid reach a model?

    ▌ 1  Paste an OpenRouter key
      2  A server on this machine
      3  Look around first

                   ↑↓ choose  ↵ go  ^C quit
    ");
}

#[test]
fn a_key_is_typed_as_dots_and_kept_when_it_does_not_work() {
    let mut welcome = Welcome::default();
    assert_eq!(welcome.enter(), None);
    assert_eq!(welcome.enter(), None);
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

      It is made at openrouter.ai/keys and kept in a file that only you can read.



     ibid 0.1.0                                         ↵ try it  esc back  ^C quit
    cursor 7,9
    ");
    assert_eq!(welcome.enter(), Some(Answer::Key("sk-or".to_owned())));
    assert_eq!(welcome.enter(), None, "it is being tried");
    welcome.fail("The server does not know this key (401)".to_owned());
    assert_snapshot!(drawn(&welcome, 40, 10), @"
      Every model in your terminal, every
      answer with its sources.

      Paste your OpenRouter key

    › •••••

      ! The server does not know this key
      (401)
                ↵ try it  esc back  ^C quit
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
        ("my server", Err("An address has no blanks in it.")),
        ("", Err("Enter an address, such as http://localhost:11434/v1")),
    ] {
        let mut welcome = Welcome::default();
        assert_eq!(welcome.choose(2), None);
        type_in(&mut welcome, typed);
        let answer = welcome.enter();
        match expected {
            Ok(address) => assert_eq!(answer, Some(Answer::Server(address.to_owned()))),
            Err(error) => assert_eq!((answer, welcome.error.as_deref()), (None, Some(error))),
        }
    }
}

#[test]
fn a_paste_at_the_choices_is_taken_for_a_key() {
    let mut welcome = Welcome::default();
    welcome.step(true);
    welcome.paste("sk-or-v1-abc\n");
    assert_eq!(welcome.enter(), Some(Answer::Key("sk-or-v1-abc".to_owned())));
}

#[test]
fn it_draws_at_every_size() {
    let mut typing = Welcome::default();
    typing.paste("sk-or-v1");
    typing.fail("no".to_owned());
    for welcome in [Welcome::default(), typing] {
        screen::at_every_size(|area, buf| {
            let theme = Theme::default().in_ascii();
            let view = || WelcomeView { welcome: &welcome, spinner: "*", theme: &theme, quit_key: "^C" };
            assert!(view().cursor(area).is_none_or(|at| area.contains(at)));
            view().render(area, buf);
        });
    }
}
