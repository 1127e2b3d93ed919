//! The active theme: the chosen one or, with `auto`, the one that suits the terminal's background.

use crate::{
    chat::Timestamp,
    config::{AutoSwitch, BidiMode, Config, GlyphSet, ThemeFile},
    render::theme::{ColourDepth, TextRendering, Theme, ThemeShade},
    text::nearest_word,
};

/// The choice that follows the terminal's background.
pub const AUTO: &str = "auto";

/// What determines the active theme, besides the user's choice.
#[derive(Debug, Clone)]
pub struct ThemeSelection {
    user_themes: Vec<UserTheme>,
    glyphs: GlyphSet,
    /// The colours that the terminal can show, regardless of the theme.
    colours: ColourDepth,
    /// The shade of the terminal's background, once reported.
    pub background: Option<ThemeShade>,
    /// When the background was last queried.
    pub queried_at: Option<Timestamp>,
}

/// One of the user's own themes, or the error in its file.
#[derive(Debug, Clone)]
pub struct UserTheme {
    pub name: String,
    pub theme: Result<Theme, String>,
}

impl ThemeSelection {
    pub fn new(files: Vec<ThemeFile>, glyphs: GlyphSet, colours: ColourDepth) -> Self {
        Self {
            user_themes: files.into_iter().map(parse_user_theme).collect(),
            glyphs,
            colours,
            background: None,
            queried_at: None,
        }
    }

    pub fn user_themes(&self) -> &[UserTheme] {
        &self.user_themes
    }

    /// Replaces the user's own themes.
    pub fn set_user_themes(&mut self, files: Vec<ThemeFile>) {
        self.user_themes = files.into_iter().map(parse_user_theme).collect();
    }

    pub fn has_no_colour(&self) -> bool {
        self.colours == ColourDepth::None
    }

    /// Returns the theme that a choice stands for now.
    ///
    /// # Errors
    /// Returns a sentence that explains why there is none: the name is unknown, or its file has an error.
    pub fn resolve(&self, choice: &str, config: &Config) -> Result<Theme, String> {
        let name = match (choice, self.background) {
            (AUTO, None) => return Ok(self.apply_options(Theme::default(), config)),
            (AUTO, Some(ThemeShade::Dark)) => &config.theme_dark,
            (AUTO, Some(ThemeShade::Light)) => &config.theme_light,
            (name, _) => name,
        };
        self.find(name).map(|theme| self.apply_options(theme, config))
    }

    /// Returns the default theme, for when the chosen one cannot be used.
    pub fn fallback(&self, config: &Config) -> Theme {
        self.apply_options(Theme::default(), config)
    }

    /// Finds a theme by name; the user's own themes take precedence over bundled ones.
    fn find(&self, name: &str) -> Result<Theme, String> {
        if let Some(own) = self.user_themes.iter().find(|own| own.name == name) {
            return own.theme.clone();
        }
        Theme::bundled(name).ok_or_else(|| {
            let mut known: Vec<&str> = self.user_themes.iter().map(|own| own.name.as_str()).collect();
            Theme::bundled_names().chain([AUTO]).for_each(|name| known.push(name));
            let hint = match nearest_word(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the action `theme` lists them".to_owned(),
            };
            format!("no theme is called `{name}`; {hint}")
        })
    }

    /// Applies the options of the terminal and the config to a theme.
    fn apply_options(&self, theme: Theme, config: &Config) -> Theme {
        let mut theme = match self.colours {
            ColourDepth::None => Theme::without_colour(),
            ColourDepth::Indexed => theme.in_256_colours(),
            ColourDepth::TrueColour => theme,
        };
        theme.rendering = TextRendering {
            has_links: config.links == AutoSwitch::On,
            writes_addresses: config.links == AutoSwitch::Off,
            reorders_rtl: config.bidi == BidiMode::Reorder,
        };
        match self.glyphs {
            GlyphSet::Ascii => theme.in_ascii(),
            GlyphSet::Unicode => theme,
        }
    }
}

fn parse_user_theme(file: ThemeFile) -> UserTheme {
    let theme = match &file.text {
        Ok(_) if file.name == AUTO => Err(format!("{}: {AUTO} cannot be the name of a theme", file.path.display())),
        Ok(text) => Theme::parse(&file.name, text)
            .map_err(|error| format!("{}:{}: {}", file.path.display(), error.line, error.hint)),
        Err(why) => Err(format!("{}: {why}", file.path.display())),
    };
    UserTheme { name: file.name, theme }
}
