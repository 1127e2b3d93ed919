//! Which theme is in force: chosen, previewed, the reader's own, or by the terminal's background.

mod support;

use std::time::Duration;

use ibid::{
    app::{Effect, Msg, Start},
    config::{Chosen, ThemeFile},
    store::Reply,
    widgets::theme::{Colours, Role, Shade},
};
use ratatui::style::Color;
use support::harness::{Harness, start};

fn with(choose: impl FnOnce(&mut Start)) -> Harness {
    let mut begin = start(100, 40);
    choose(&mut begin);
    let mut app = Harness::with(begin);
    app.reply(Reply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn file(name: &str, text: &str) -> ThemeFile {
    ThemeFile { name: name.into(), path: format!("/themes/{name}.toml").into(), text: Ok(text.into()) }
}

fn theme(app: &Harness) -> String {
    app.state.theme.name.clone()
}

fn pick(app: &mut Harness, name: &str) {
    app.press("ctrl-p t h e m e enter");
    app.enter_text(name);
}

fn saved(app: &mut Harness) -> Vec<String> {
    let name = |effect| if let Effect::Keep(Chosen::Theme(name)) = effect { Some(name) } else { None };
    app.effects().into_iter().filter_map(name).collect()
}

fn asked(app: &mut Harness) -> usize {
    app.effects().iter().filter(|effect| matches!(effect, Effect::AskBackground)).count()
}

#[test]
fn the_picker_shows_the_theme_under_its_cursor_and_escape_gives_the_former_back() {
    let mut app = with(|begin| begin.config.theme = "nord".into());
    app.press("ctrl-p t h e m e enter");
    assert_eq!(theme(&app).as_str(), "nord", "it opens on the one in force");
    app.press("down");
    assert_eq!(theme(&app).as_str(), "solarized-dark");
    app.press("up up");
    assert_eq!(theme(&app).as_str(), "high-contrast-dark");
    app.press("esc");
    assert_eq!((theme(&app).as_str(), saved(&mut app)), ("nord", vec![]));
}

#[test]
fn enter_keeps_the_theme_and_writes_it_to_the_config() {
    let mut app = with(|_| ());
    pick(&mut app, "tokyo day");
    app.press("enter");
    assert_eq!((theme(&app).as_str(), saved(&mut app)), ("tokyo-day", vec!["tokyo-day".to_owned()]));
    app.send(Msg::Kept { chosen: Chosen::Theme("tokyo-day".into()), result: Err("the file cannot be written".into()) });
    assert!(
        app.screen().contains("the theme holds until you quit, but the file cannot be written"),
        "{}",
        app.screen()
    );
    pick(&mut app, "tokyo day");
    assert!(app.screen().contains("✓  tokyo-day"), "{}", app.screen());
}

#[test]
fn the_page_behind_the_picker_keeps_its_colours() {
    let mut app = with(|begin| begin.config.theme = "ink".into());
    let colour = |app: &Harness| app.cell(0, 39).fg;
    let before = colour(&app);
    pick(&mut app, "paper");
    assert_ne!(colour(&app), before);
    assert_eq!(Some(app.cell(0, 39).bg), app.state.theme.style(Role::Surface).bg);
    app.press("esc");
    assert_eq!(colour(&app), before);
}

#[test]
fn themes_of_ones_own_are_chosen_like_the_others_and_take_the_rest_from_their_base() {
    let mut app = with(|begin| {
        begin.config.theme = "moss".into();
        begin.themes = vec![file("moss", "base = \"paper\"\naccent = \"#005500\"\n")];
    });
    assert_eq!(theme(&app).as_str(), "moss");
    assert_eq!(app.state.theme.style(Role::Accent).fg, Some(Color::Rgb(0, 0x55, 0)));
    app.press("ctrl-p t h e m e enter");
    assert!(app.screen().contains("light, yours"), "{}", app.screen());
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::ReadThemes)), "its file may be another by now");
    app.send(Msg::Themes(vec![file("moss", "base = \"ink\"\naccent = \"#00ff00\"\n")]));
    assert_eq!(app.state.theme.style(Role::Accent).fg, Some(Color::Rgb(0, 0xff, 0)));
    assert!(app.screen().contains("dark, yours"), "{}", app.screen());
}

#[test]
fn a_theme_that_is_wrong_is_told_with_its_line_and_the_terminals_own_colours_stand_in() {
    for (text, words) in [
        ("base = \"ink\"\nacent = \"#ff0000\"\n", "/themes/mine.toml:2: there is no role acent; did you mean accent?"),
        ("base = \"ink\"\n\naccent = \"red\"\n", "/themes/mine.toml:3: red is no colour: write #rrggbb"),
        ("base = \"inc\"\n", "/themes/mine.toml:1: no theme called inc comes with the program; did you mean ink?"),
    ] {
        let mut app = with(|begin| {
            begin.config.theme = "mine".into();
            begin.themes = vec![file("mine", text)];
            begin.size.width = 200;
        });
        assert!(app.screen().contains(words), "{words}:\n{}", app.screen());
        assert_eq!(theme(&app).as_str(), "terminal");
        pick(&mut app, "mine");
        assert!(app.screen().contains("yours, cannot be read"), "{}", app.screen());
        app.press("enter");
        assert_eq!((theme(&app).as_str(), saved(&mut app)), ("terminal", vec![]));
    }
    let app = with(|begin| begin.config.theme = "norf".into());
    assert!(app.screen().contains("no theme is called `norf`; did you mean `nord`?"), "{}", app.screen());
}

#[test]
fn auto_asks_once_and_takes_the_theme_that_suits_the_answer() {
    for (shade, name) in [(Shade::Dark, "dracula"), (Shade::Light, "paper")] {
        let mut app = with(|begin| {
            begin.config.theme = "auto".into();
            begin.config.theme_dark = "dracula".into();
        });
        assert_eq!((theme(&app).as_str(), asked(&mut app)), ("terminal", 1), "until it is known");
        app.wait(Duration::from_millis(99));
        app.send(Msg::Background(shade));
        assert_eq!((theme(&app).as_str(), asked(&mut app)), (name, 0));
    }
    let mut app = with(|_| ());
    assert_eq!(asked(&mut app), 0, "a theme that was chosen needs no answer");
    app.send(Msg::Background(Shade::Light));
    assert_eq!(theme(&app).as_str(), "terminal");
}

#[test]
fn an_answer_that_is_late_changes_nothing() {
    let mut app = with(|begin| begin.config.theme = "auto".into());
    app.wait(Duration::from_millis(101));
    app.send(Msg::Background(Shade::Dark));
    assert_eq!(theme(&app).as_str(), "terminal");
}

#[test]
fn a_terminal_that_tells_of_new_colours_is_asked_again() {
    let mut app = with(|begin| begin.config.theme = "auto".into());
    app.send(Msg::Background(Shade::Dark));
    assert_eq!((theme(&app).as_str(), asked(&mut app)), ("ink", 1));
    app.wait(Duration::from_hours(1));
    app.send(Msg::ColoursChanged);
    assert_eq!((theme(&app).as_str(), asked(&mut app)), ("ink", 1));
    app.send(Msg::Background(Shade::Light));
    assert_eq!(theme(&app).as_str(), "paper");
}

#[test]
fn auto_in_the_picker_shows_what_it_would_be() {
    let mut app = with(|begin| begin.config.theme = "nord".into());
    app.press("ctrl-p t h e m e enter");
    assert_eq!(asked(&mut app), 1);
    app.send(Msg::Background(Shade::Light));
    assert_eq!(theme(&app).as_str(), "nord");
    app.press("ctrl-home");
    assert_eq!(theme(&app).as_str(), "paper");
    app.press("enter");
    assert_eq!((theme(&app).as_str(), saved(&mut app)), ("paper", vec!["auto".to_owned()]));
}

#[test]
fn with_no_color_no_theme_brings_colours() {
    let mut app = with(|begin| {
        begin.colours = Colours::None;
        begin.config.theme = "auto".into();
    });
    assert_eq!(asked(&mut app), 0);
    pick(&mut app, "nord");
    assert_eq!(theme(&app).as_str(), "without colour");
    assert!(app.screen().contains("NO_COLOR is set"), "{}", app.screen());
    app.press("enter");
    assert_eq!((theme(&app).as_str(), saved(&mut app)), ("without colour", vec!["nord".to_owned()]));
}

#[test]
fn with_256_colours_every_theme_keeps_to_them() {
    let mut app = with(|begin| {
        begin.colours = Colours::Indexed;
        begin.config.theme = "nord".into();
    });
    app.draw();
    assert!(
        !app.buffer().content.iter().any(|cell| matches!(cell.fg, Color::Rgb(..)) || matches!(cell.bg, Color::Rgb(..)))
    );
    assert!(matches!(app.cell(2, 0).bg, Color::Indexed(_)), "{:?}", app.cell(2, 0));
    pick(&mut app, "paper");
    assert!(matches!(app.state.theme.style(Role::Accent).fg, Some(Color::Indexed(_))));
}
