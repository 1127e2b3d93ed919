//! Which theme is in force: the one that was chosen or, with `auto`, the one that suits the terminal's background.

use jiff::SignedDuration;

use super::{Effect, State, overlays};
use crate::{
    chat::Timestamp,
    config::{Bidi, Config, Glyphs, Switch, ThemeFile},
    text::nearest,
    widgets::theme::{Colours, Painting, Shade, Theme},
};

/// The choice that leaves it to the terminal.
pub const AUTO: &str = "auto";

/// A terminal that takes longer to tell its background is not heard: the page must not turn under the reader's eyes.
const PATIENCE: SignedDuration = SignedDuration::from_millis(100);

/// What the theme in force follows from, beside the choice.
#[derive(Debug)]
pub struct Looks {
    own: Vec<Own>,
    glyphs: Glyphs,
    /// That the terminal shows, whatever is chosen.
    colours: Colours,
    /// Of the terminal's background, once it has told.
    shade: Option<Shade>,
    /// When the terminal was asked for its background.
    asked: Option<Timestamp>,
}

/// A theme of the reader's, or what is wrong with its file.
#[derive(Debug, Clone)]
pub struct Own {
    pub name: String,
    pub theme: Result<Theme, String>,
}

impl Looks {
    pub fn new(files: Vec<ThemeFile>, glyphs: Glyphs, colours: Colours) -> Self {
        Self { own: files.into_iter().map(own).collect(), glyphs, colours, shade: None, asked: None }
    }

    pub fn own(&self) -> &[Own] {
        &self.own
    }

    pub fn no_colour(&self) -> bool {
        self.colours == Colours::None
    }

    /// The theme that a choice means now.
    ///
    /// # Errors
    /// In one sentence, why there is none: no such name, or its file is wrong.
    pub fn theme(&self, choice: &str, config: &Config) -> Result<Theme, String> {
        let name = match (choice, self.shade) {
            (AUTO, None) => return Ok(self.dress(Theme::default(), config)),
            (AUTO, Some(Shade::Dark)) => &config.theme_dark,
            (AUTO, Some(Shade::Light)) => &config.theme_light,
            (name, _) => name,
        };
        self.find(name).map(|theme| self.dress(theme, config))
    }

    /// One of the reader's own before a bundled one of that name.
    fn find(&self, name: &str) -> Result<Theme, String> {
        if let Some(own) = self.own.iter().find(|own| own.name == name) {
            return own.theme.clone();
        }
        Theme::bundled(name).ok_or_else(|| {
            let mut known: Vec<&str> = self.own.iter().map(|own| own.name.as_str()).collect();
            Theme::names().chain([AUTO]).for_each(|name| known.push(name));
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the action `theme` lists them".to_owned(),
            };
            format!("no theme is called `{name}`; {hint}")
        })
    }

    /// As far as colours and marks are shown at all, and painted as the config says.
    fn dress(&self, theme: Theme, config: &Config) -> Theme {
        let mut theme = match self.colours {
            Colours::None => Theme::without_colour(),
            Colours::Indexed => theme.in_256_colours(),
            Colours::All => theme,
        };
        theme.painting = Painting {
            links: config.links == Switch::On,
            addresses: config.links == Switch::Off,
            reorder: config.bidi == Bidi::Reorder,
        };
        match self.glyphs {
            Glyphs::Ascii => theme.in_ascii(),
            Glyphs::Unicode => theme,
        }
    }
}

fn own(file: ThemeFile) -> Own {
    let theme = match &file.text {
        Ok(_) if file.name == AUTO => Err(format!("{}: {AUTO} is no name for a theme", file.path.display())),
        Ok(text) => Theme::parse(&file.name, text)
            .map_err(|error| format!("{}:{}: {}", file.path.display(), error.line, error.hint)),
        Err(why) => Err(format!("{}: {why}", file.path.display())),
    };
    Own { name: file.name, theme }
}

/// Puts the chosen theme, or the one that is being looked at, in force; says why not where it cannot be.
pub(super) fn restyle(state: &mut State) -> Option<String> {
    let previewed = overlays::previewed_theme(state);
    let choice = previewed.as_deref().unwrap_or(&state.config.theme);
    match state.looks.theme(choice, &state.config) {
        Ok(theme) => {
            state.theme = theme;
            None
        }
        Err(why) => {
            state.theme = state.looks.dress(Theme::default(), &state.config);
            Some(why)
        }
    }
}

/// Asks the terminal for its background where the theme depends on it; behind the first frame, for `sync` comes before.
pub(super) fn ask(state: &mut State, now: Timestamp) -> Option<Effect> {
    let depends = state.config.theme == AUTO || overlays::previewed_theme(state).is_some();
    if !depends || state.looks.asked.is_some() || state.looks.no_colour() {
        return None;
    }
    state.looks.asked = Some(now);
    Some(Effect::AskBackground)
}

/// The terminal told its background.
pub(super) fn on_background(state: &mut State, now: Timestamp, shade: Shade) {
    let in_time = state.looks.asked.is_some_and(|asked| now.duration_since(asked) <= PATIENCE);
    if in_time && state.looks.shade != Some(shade) {
        state.looks.shade = Some(shade);
        if let Some(why) = restyle(state) {
            state.screen.warn(now, why);
        }
    }
}

/// The terminal told that its colours are others now: it is asked again.
pub(super) fn on_colours_changed(state: &mut State) {
    state.looks.asked = None;
}

/// The files of the reader's own themes were read again.
pub(super) fn on_themes(state: &mut State, files: Vec<ThemeFile>) {
    state.looks.own = files.into_iter().map(own).collect();
    overlays::refresh_themes(state);
    restyle(state); // What is wrong with a file stands in the picker, which is open.
}
