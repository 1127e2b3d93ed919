//! The themes that come with the program.

use super::Theme;

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        const BUNDLED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../assets/themes/", $name, ".toml")))),*];
    };
}

// The default first, then in the order of the theme picker.
bundled![
    "terminal",
    "ink",
    "catppuccin-frappe",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "gruvbox-dark",
    "high-contrast-dark",
    "nord",
    "solarized-dark",
    "tokyo-night",
    "paper",
    "catppuccin-latte",
    "gruvbox-light",
    "high-contrast-light",
    "solarized-light",
    "tokyo-day",
];

impl Default for Theme {
    fn default() -> Self {
        Self::bundled("terminal").expect("the theme is bundled, and a test parses it")
    }
}

impl Theme {
    /// Returns a theme that comes with ibid.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Self> {
        let (name, text) = BUNDLED.iter().find(|(bundled, _)| *bundled == name)?;
        Some(Self::parse(name, text).expect("a test parses every bundled theme"))
    }

    /// Returns the names of the themes that come with ibid, the default first.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::*;
    use crate::render::theme::{ColourRole, ThemeShade, colour_depth, shade};

    fn luminance(colour: Option<Color>) -> f64 {
        let (red, green, blue) = match colour {
            Some(Color::Rgb(red, green, blue)) => (red, green, blue),
            Some(Color::Indexed(index)) => colour_depth::index_to_rgb(index),
            _ => panic!("{colour:?} is not painted"),
        };
        shade::luminance(red, green, blue)
    }

    /// All themes that paint a background, in true colour and in 256 colours.
    fn painted_themes() -> impl Iterator<Item = Theme> {
        let themes = Theme::bundled_names().filter_map(Theme::bundled).filter(|theme| theme.paints_background);
        themes.flat_map(|theme| [theme.clone(), theme.in_256_colours()])
    }

    #[test]
    fn text_is_readable_on_every_ground() {
        let panes = [ColourRole::Background, ColourRole::Surface, ColourRole::Raised, ColourRole::Selection];
        let words: Vec<ColourRole> =
            ColourRole::ALL.into_iter().filter(|role| !role.is_ground() && *role != ColourRole::Faint).collect();
        let mut seen = 0;
        for theme in painted_themes() {
            let least = if theme.name.starts_with("high-contrast") { 7.0 } else { 4.5 };
            let on_marks = words.iter().filter(|word| word.is_on_mark_ground()).map(|word| (word, ColourRole::Mark));
            for (&word, ground) in words.iter().flat_map(|word| panes.map(|ground| (word, ground))).chain(on_marks) {
                let ratio = shade::contrast(luminance(theme.style(word).fg), luminance(theme.style(ground).bg));
                assert!(ratio >= least, "{}: {} on {} is {ratio:.2}", theme.name, word.name(), ground.name());
                seen += 1;
            }
        }
        assert_eq!(seen, 2 * 16 * (14 * 4 + 3), "themes, text roles and grounds");
    }

    #[test]
    fn lines_are_visible_but_fainter_than_text() {
        for theme in painted_themes() {
            let page = luminance(theme.style(ColourRole::Background).bg);
            let lines = shade::contrast(page, luminance(theme.style(ColourRole::Faint).fg));
            let words = shade::contrast(page, luminance(theme.style(ColourRole::Muted).fg));
            let text = shade::contrast(page, luminance(theme.style(ColourRole::Text).fg));
            assert!(lines >= 1.2, "{}: lines are {lines:.2}", theme.name);
            assert!(lines < words && words < text, "{}: {lines:.2}, {words:.2}, {text:.2}", theme.name);
            for ground in [ColourRole::Surface, ColourRole::Raised, ColourRole::Selection, ColourRole::Mark] {
                assert_ne!(
                    theme.style(ground).bg,
                    theme.style(ColourRole::Background).bg,
                    "{}: {ground:?}",
                    theme.name
                );
            }
        }
    }

    #[test]
    fn theme_names_match_their_shades() {
        let themes: Vec<Theme> = Theme::bundled_names().filter_map(Theme::bundled).collect();
        for theme in &themes {
            for (word, shade) in [
                ("dark", ThemeShade::Dark),
                ("night", ThemeShade::Dark),
                ("light", ThemeShade::Light),
                ("day", ThemeShade::Light),
            ] {
                assert!(!theme.name.ends_with(word) || theme.shade == Some(shade), "{}", theme.name);
            }
        }
        let of = |shade| themes.iter().filter(|theme| theme.shade == shade).count();
        assert_eq!((of(None), of(Some(ThemeShade::Dark)), of(Some(ThemeShade::Light))), (1, 10, 6));
    }

    #[test]
    fn the_terminal_theme_paints_no_background_and_uses_only_safe_colours() {
        let theme = Theme::default();
        assert!(!theme.paints_background && theme.plain_code);
        for role in ColourRole::ALL {
            let style = theme.style(role);
            assert!(matches!(style.bg, None | Some(Color::Reset)), "{role:?}");
            assert!(matches!(style.fg, None | Some(Color::Reset | Color::Indexed(1 | 2 | 3 | 5))), "{role:?}");
        }
    }

    #[test]
    fn without_colour_only_attributes_are_left() {
        let theme = Theme::without_colour();
        for role in ColourRole::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg.unwrap_or(Color::Reset)), (Some(Color::Reset), Color::Reset), "{role:?}");
        }
        assert_eq!(theme.style(ColourRole::Selection).add_modifier, Modifier::REVERSED);
        assert_eq!(theme.style(ColourRole::You).add_modifier, Modifier::BOLD);
    }
}
