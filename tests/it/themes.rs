//! The current theme: chosen, previewed, the user's own, or selected by the terminal's background.

use std::time::Duration;

use crate::support::harness::{Harness, default_start};
use ibid::{
    config::{SettingChange, ThemeFile},
    render::theme::{ColourDepth, ColourRole, ThemeShade},
    store::StoreReply,
    ui::{Effect, Msg, StartOptions},
};
use ratatui::style::Color;

fn app_with(choose: impl FnOnce(&mut StartOptions)) -> Harness {
    let mut begin = default_start(100, 40);
    choose(&mut begin);
    let mut app = Harness::with_start(begin);
    app.store_reply(StoreReply::Opened { newest: Vec::new(), total: 0, new_draft: String::new() });
    app
}

fn theme_file(name: &str, text: &str) -> ThemeFile {
    ThemeFile { name: name.into(), path: format!("/themes/{name}.toml").into(), text: Ok(text.into()) }
}

fn theme_name(app: &Harness) -> String {
    app.env().theme.name.clone()
}

fn search_themes(app: &mut Harness, name: &str) {
    app.press("ctrl-p t h e m e enter");
    app.enter_text(name);
}

fn saved_themes(app: &mut Harness) -> Vec<String> {
    let name = |effect| if let Effect::SaveSetting(SettingChange::Theme(name)) = effect { Some(name) } else { None };
    app.effects().into_iter().filter_map(name).collect()
}

fn background_queries(app: &mut Harness) -> usize {
    app.effects().iter().filter(|effect| matches!(effect, Effect::QueryBackground)).count()
}

#[test]
fn the_picker_previews_the_theme_under_the_cursor_and_escape_restores_the_previous_one() {
    let mut app = app_with(|begin| begin.config.theme = "nord".into());
    app.press("ctrl-p t h e m e enter");
    assert_eq!(theme_name(&app).as_str(), "nord", "it opens on the current theme");
    app.press("down");
    assert_eq!(theme_name(&app).as_str(), "solarized-dark");
    app.press("up up");
    assert_eq!(theme_name(&app).as_str(), "high-contrast-dark");
    app.press("esc");
    assert_eq!((theme_name(&app).as_str(), saved_themes(&mut app)), ("nord", vec![]));
}

#[test]
fn enter_applies_the_theme_and_saves_it_to_the_config() {
    let mut app = app_with(|_| ());
    search_themes(&mut app, "tokyo day");
    app.press("enter");
    assert_eq!((theme_name(&app).as_str(), saved_themes(&mut app)), ("tokyo-day", vec!["tokyo-day".to_owned()]));
    app.send(Msg::SettingSaved {
        chosen: SettingChange::Theme("tokyo-day".into()),
        result: Err("the file cannot be written".into()),
    });
    assert!(
        app.screen().contains("the theme stays until you quit, but the file cannot be written"),
        "{}",
        app.screen()
    );
    search_themes(&mut app, "tokyo day");
    assert!(app.screen().contains("✓  tokyo-day"), "{}", app.screen());
}

#[test]
fn the_page_behind_the_picker_previews_the_theme() {
    let mut app = app_with(|begin| begin.config.theme = "ink".into());
    let colour = |app: &Harness| app.cell(0, 39).fg;
    let before = colour(&app);
    search_themes(&mut app, "paper");
    assert_ne!(colour(&app), before);
    assert_eq!(Some(app.cell(0, 39).bg), app.env().theme.style(ColourRole::Surface).bg);
    app.press("esc");
    assert_eq!(colour(&app), before);
}

#[test]
fn user_themes_are_chosen_like_the_others_and_inherit_from_their_base() {
    let mut app = app_with(|begin| {
        begin.config.theme = "moss".into();
        begin.themes = vec![theme_file("moss", "base = \"paper\"\naccent = \"#005500\"\n")];
    });
    assert_eq!(theme_name(&app).as_str(), "moss");
    assert_eq!(app.env().theme.style(ColourRole::Accent).fg, Some(Color::Rgb(0, 0x55, 0)));
    app.press("ctrl-p t h e m e enter");
    assert!(app.screen().contains("light, yours"), "{}", app.screen());
    assert!(app.effects().iter().any(|effect| matches!(effect, Effect::ReadThemes)), "the file may have changed");
    app.send(Msg::ThemesRead(vec![theme_file("moss", "base = \"ink\"\naccent = \"#00ff00\"\n")]));
    assert_eq!(app.env().theme.style(ColourRole::Accent).fg, Some(Color::Rgb(0, 0xff, 0)));
    assert!(app.screen().contains("dark, yours"), "{}", app.screen());
}

#[test]
fn an_invalid_theme_is_reported_with_its_line_and_the_terminals_colours_are_used() {
    for (text, words) in [
        ("base = \"ink\"\nacent = \"#ff0000\"\n", "mine.toml:2: there is no role acent; did you mean accent?"),
        ("base = \"ink\"\n\naccent = \"red\"\n", "mine.toml:3: red is not a colour: write #rrggbb"),
        ("base = \"inc\"\n", "mine.toml:1: there is no bundled theme called inc; did you mean ink?"),
    ] {
        let mut app = app_with(|begin| {
            begin.config.theme = "mine".into();
            begin.themes = vec![theme_file("mine", text)];
            begin.size.width = 200;
        });
        assert!(app.screen().contains(words), "{words}:\n{}", app.screen());
        assert_eq!(theme_name(&app).as_str(), "terminal");
        search_themes(&mut app, "mine");
        assert!(app.screen().contains("yours, cannot be read"), "{}", app.screen());
        app.press("enter");
        assert_eq!((theme_name(&app).as_str(), saved_themes(&mut app)), ("terminal", vec![]));
    }
    let app = app_with(|begin| begin.config.theme = "norf".into());
    assert!(app.screen().contains("no theme is called `norf`; did you mean `nord`?"), "{}", app.screen());
}

#[test]
fn auto_queries_the_background_once_and_uses_the_matching_theme() {
    for (shade, name) in [(ThemeShade::Dark, "dracula"), (ThemeShade::Light, "paper")] {
        let mut app = app_with(|begin| {
            begin.config.theme = "auto".into();
            begin.config.theme_dark = "dracula".into();
        });
        assert_eq!(
            (theme_name(&app).as_str(), background_queries(&mut app)),
            ("terminal", 1),
            "until the background is known"
        );
        app.wait(Duration::from_millis(99));
        app.send(Msg::BackgroundReported(shade));
        assert_eq!((theme_name(&app).as_str(), background_queries(&mut app)), (name, 0));
    }
    let mut app = app_with(|_| ());
    assert_eq!(background_queries(&mut app), 0, "an explicit theme needs no query");
    app.send(Msg::BackgroundReported(ThemeShade::Light));
    assert_eq!(theme_name(&app).as_str(), "terminal");
}

#[test]
fn a_late_reply_about_the_background_is_ignored() {
    let mut app = app_with(|begin| begin.config.theme = "auto".into());
    app.wait(Duration::from_millis(101));
    app.send(Msg::BackgroundReported(ThemeShade::Dark));
    assert_eq!(theme_name(&app).as_str(), "terminal");
}

#[test]
fn a_terminal_that_reports_new_colours_is_queried_again() {
    let mut app = app_with(|begin| begin.config.theme = "auto".into());
    app.send(Msg::BackgroundReported(ThemeShade::Dark));
    assert_eq!((theme_name(&app).as_str(), background_queries(&mut app)), ("ink", 1));
    app.wait(Duration::from_hours(1));
    app.send(Msg::ColoursChanged);
    assert_eq!((theme_name(&app).as_str(), background_queries(&mut app)), ("ink", 1));
    app.send(Msg::BackgroundReported(ThemeShade::Light));
    assert_eq!(theme_name(&app).as_str(), "paper");
}

#[test]
fn auto_in_the_picker_previews_the_theme_that_it_would_use() {
    let mut app = app_with(|begin| begin.config.theme = "nord".into());
    app.press("ctrl-p t h e m e enter");
    assert_eq!(background_queries(&mut app), 1);
    app.send(Msg::BackgroundReported(ThemeShade::Light));
    assert_eq!(theme_name(&app).as_str(), "nord");
    app.press("ctrl-home");
    assert_eq!(theme_name(&app).as_str(), "paper");
    app.press("enter");
    assert_eq!((theme_name(&app).as_str(), saved_themes(&mut app)), ("paper", vec!["auto".to_owned()]));
}

#[test]
fn no_color_disables_the_colours_of_every_theme() {
    let mut app = app_with(|begin| {
        begin.colours = ColourDepth::None;
        begin.config.theme = "auto".into();
    });
    assert_eq!(background_queries(&mut app), 0);
    search_themes(&mut app, "nord");
    assert_eq!(theme_name(&app).as_str(), "without colour");
    assert!(app.screen().contains("NO_COLOR is set"), "{}", app.screen());
    app.press("enter");
    assert_eq!((theme_name(&app).as_str(), saved_themes(&mut app)), ("without colour", vec!["nord".to_owned()]));
}

#[test]
fn with_256_colours_themes_use_only_these() {
    let mut app = app_with(|begin| {
        begin.colours = ColourDepth::Indexed;
        begin.config.theme = "nord".into();
    });
    app.draw();
    assert!(
        !app.buffer().content.iter().any(|cell| matches!(cell.fg, Color::Rgb(..)) || matches!(cell.bg, Color::Rgb(..)))
    );
    assert!(matches!(app.cell(2, 0).bg, Color::Indexed(_)), "{:?}", app.cell(2, 0));
    search_themes(&mut app, "paper");
    assert!(matches!(app.env().theme.style(ColourRole::Accent).fg, Some(Color::Indexed(_))));
}
