//! The themes that come with the program.

use super::Theme;

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        const BUNDLED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../assets/themes/", $name, ".toml")))),*];
    };
}

// The default first, then in the order in which they are offered.
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
        Self::bundled("terminal").expect("it is bundled, and a test parses it")
    }
}

impl Theme {
    /// A theme that comes with the program.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Self> {
        let (name, text) = BUNDLED.iter().find(|(bundled, _)| *bundled == name)?;
        Some(Self::parse(name, text).expect("a test parses every bundled theme"))
    }

    /// The names of the themes that come with the program, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::{
        super::{Role, Shade, palette, shade},
        *,
    };

    fn luminance(colour: Option<Color>) -> f64 {
        let (red, green, blue) = match colour {
            Some(Color::Rgb(red, green, blue)) => (red, green, blue),
            Some(Color::Indexed(index)) => palette::of_index(index),
            _ => panic!("{colour:?} is not painted"),
        };
        shade::luminance(red, green, blue)
    }

    /// All that paint a page, in all their colours and in 256.
    fn painted() -> impl Iterator<Item = Theme> {
        let themes = Theme::names().filter_map(Theme::bundled).filter(|theme| theme.paints_background);
        themes.flat_map(|theme| [theme.clone(), theme.in_256_colours()])
    }

    #[test]
    fn words_can_be_read_on_every_ground_they_stand_on() {
        let panes = [Role::Background, Role::Surface, Role::Raised, Role::Selection];
        let words: Vec<Role> = Role::ALL.into_iter().filter(|role| !role.is_ground() && *role != Role::Faint).collect();
        let mut seen = 0;
        for theme in painted() {
            let least = if theme.name.starts_with("high-contrast") { 7.0 } else { 4.5 };
            let on_marks = words.iter().filter(|word| word.is_on_marks()).map(|word| (word, Role::Mark));
            for (&word, ground) in words.iter().flat_map(|word| panes.map(|ground| (word, ground))).chain(on_marks) {
                let ratio = shade::contrast(luminance(theme.style(word).fg), luminance(theme.style(ground).bg));
                assert!(ratio >= least, "{}: {} on {} is {ratio:.2}", theme.name, word.name(), ground.name());
                seen += 1;
            }
        }
        assert_eq!(seen, 2 * 16 * (14 * 4 + 3), "themes, words and grounds");
    }

    #[test]
    fn what_is_merely_seen_is_seen_and_does_not_shout() {
        for theme in painted() {
            let page = luminance(theme.style(Role::Background).bg);
            let lines = shade::contrast(page, luminance(theme.style(Role::Faint).fg));
            let words = shade::contrast(page, luminance(theme.style(Role::Muted).fg));
            let text = shade::contrast(page, luminance(theme.style(Role::Text).fg));
            assert!(lines >= 1.2, "{}: lines are {lines:.2}", theme.name);
            assert!(lines < words && words < text, "{}: {lines:.2}, {words:.2}, {text:.2}", theme.name);
            for ground in [Role::Surface, Role::Raised, Role::Selection, Role::Mark] {
                assert_ne!(theme.style(ground).bg, theme.style(Role::Background).bg, "{}: {ground:?}", theme.name);
            }
        }
    }

    #[test]
    fn the_names_say_which_themes_are_dark_and_which_are_light() {
        let themes: Vec<Theme> = Theme::names().filter_map(Theme::bundled).collect();
        for theme in &themes {
            for (word, shade) in
                [("dark", Shade::Dark), ("night", Shade::Dark), ("light", Shade::Light), ("day", Shade::Light)]
            {
                assert!(!theme.name.ends_with(word) || theme.shade == Some(shade), "{}", theme.name);
            }
        }
        let of = |shade| themes.iter().filter(|theme| theme.shade == shade).count();
        assert_eq!((of(None), of(Some(Shade::Dark)), of(Some(Shade::Light))), (1, 10, 6));
    }

    #[test]
    fn the_terminal_theme_paints_nothing_and_keeps_to_the_colours_that_read_on_any_ground() {
        let theme = Theme::default();
        assert!(!theme.paints_background && theme.plain_code);
        for role in Role::ALL {
            let style = theme.style(role);
            assert!(matches!(style.bg, None | Some(Color::Reset)), "{role:?}");
            assert!(matches!(style.fg, None | Some(Color::Reset | Color::Indexed(1 | 2 | 3 | 5))), "{role:?}");
        }
    }

    #[test]
    fn without_colour_only_attributes_are_left() {
        let theme = Theme::without_colour();
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg.unwrap_or(Color::Reset)), (Some(Color::Reset), Color::Reset), "{role:?}");
        }
        assert_eq!(theme.style(Role::Selection).add_modifier, Modifier::REVERSED);
        assert_eq!(theme.style(Role::You).add_modifier, Modifier::BOLD);
    }
}
