//! Parses a theme file.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use super::{ColourRole, Theme};
use crate::text::nearest_word;

/// The key that names the theme from which missing roles are taken.
const BASE_KEY: &str = "base";

/// An error in a theme file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {hint}")]
pub struct ThemeError {
    /// The line of the error, counted from 1.
    pub line: usize,
    pub hint: String,
}

impl Theme {
    /// Parses a theme: one line per role, `role = "colour attributes"`, where the colour is `#rrggbb`, a number of the
    /// terminal's palette or `default`. `base = "ink"` takes the other roles from a bundled theme.
    ///
    /// # Errors
    /// Fails if the text is not TOML, a role or the base is unknown, a role is missing, or a style is invalid.
    pub fn parse(name: &str, toml_text: &str) -> Result<Self, ThemeError> {
        let line_of = |at: usize| 1 + toml_text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count();
        let entries: BTreeMap<toml::Spanned<String>, toml::Spanned<toml::Value>> =
            toml::from_str(toml_text).map_err(|error| {
                let line = error.span().map_or(1, |span| line_of(span.start));
                ThemeError { line, hint: error.message().lines().collect::<Vec<_>>().join(", ") }
            })?;
        let mut styles = [None; ColourRole::ALL.len()];
        let mut base = None;
        for (key, value) in &entries {
            let error_at = |hint| ThemeError { line: line_of(key.span().start), hint };
            let word = key.get_ref().as_str();
            let toml::Value::String(text) = value.get_ref() else {
                return Err(error_at(format!("{word} is not in quotes; write {word} = \"#rrggbb\"")));
            };
            if word == BASE_KEY {
                base = Some(bundled_base(text).map_err(error_at)?);
                continue;
            }
            let role = ColourRole::ALL.into_iter().find(|role| role.name() == word);
            let role = role.ok_or_else(|| error_at(unknown_role(word)))?;
            styles[role as usize] = Some(parse_style(role, text).map_err(error_at)?);
        }
        let inherited = |role: ColourRole| base.as_ref().map(|base| base.style(role));
        let all: Option<Vec<Style>> =
            ColourRole::ALL.into_iter().map(|role| styles[role as usize].or_else(|| inherited(role))).collect();
        all.map(|styles| Self::from_styles(name, styles)).ok_or_else(|| {
            let missing = ColourRole::ALL.into_iter().find(|role| styles[*role as usize].is_none());
            let word = missing.map_or("", ColourRole::name);
            let hint = format!(
                "the role {word} is missing; add a line such as {word} = \"default\", or take the rest from another theme with base = \"ink\""
            );
            ThemeError { line: line_of(toml_text.trim_end().len()), hint }
        })
    }
}

fn bundled_base(name: &str) -> Result<Theme, String> {
    Theme::bundled(name).ok_or_else(|| {
        let hint = match nearest_word(name, Theme::bundled_names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("choose one of {}", Theme::bundled_names().collect::<Vec<_>>().join(", ")),
        };
        format!("there is no bundled theme called {name}; {hint}")
    })
}

fn unknown_role(word: &str) -> String {
    match nearest_word(word, ColourRole::ALL.into_iter().map(ColourRole::name).chain([BASE_KEY])) {
        Some(near) => format!("there is no role {word}; did you mean {near}?"),
        None => format!("there is no role {word}; the roles are {}", ColourRole::ALL.map(ColourRole::name).join(", ")),
    }
}

fn parse_style(role: ColourRole, words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    for word in words.split_whitespace() {
        style = match word {
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underline" => style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style.add_modifier(Modifier::REVERSED),
            colour if role.is_ground() => style.bg(parse_colour(colour)?),
            colour => style.fg(parse_colour(colour)?),
        };
    }
    // A text role always sets its colour, or the colour below would show through.
    Ok(if role.is_ground() { style } else { Style { fg: style.fg.or(Some(Color::Reset)), ..style } })
}

fn parse_colour(word: &str) -> Result<Color, String> {
    let hint = || {
        format!(
            "{word} is not a colour: write #rrggbb, a number from 0 to 255, or default, then bold, dim, italic, underline, reverse"
        )
    };
    if word == "default" {
        return Ok(Color::Reset);
    }
    let Some(hex) = word.strip_prefix('#') else {
        return word.parse().map(Color::Indexed).map_err(|_| hint());
    };
    if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(hint());
    }
    let all = u32::from_str_radix(hex, 16).map_err(|_| hint())?;
    Ok(Color::from_u32(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: &str = include_str!("../../../assets/themes/ink.toml");

    fn parse_error(text: &str) -> (usize, String) {
        let error = Theme::parse("mine", text).expect_err("this is not a theme");
        (error.line, error.hint)
    }

    #[test]
    fn a_theme_error_names_the_line() {
        let line = 1 + INK.lines().position(|line| line.starts_with("accent")).expect("ink has an accent");
        let (at, hint) = parse_error(&INK.replacen("#e2a75c", "orange", 1));
        assert_eq!(at, line);
        assert!(hint.starts_with("orange is not a colour: write #rrggbb"), "{hint}");

        assert_eq!(
            parse_error(&INK.replace("accent", "acent")),
            (line, "there is no role acent; did you mean accent?".into())
        );
        let (at, hint) = parse_error(&INK.replace("accent", "signature"));
        assert_eq!(at, line);
        assert!(hint.starts_with("there is no role signature; the roles are background, surface"), "{hint}");
        let (at, hint) = parse_error(&INK.replace("\"#e2a75c\"", "5"));
        assert_eq!((at, hint.as_str()), (line, "accent is not in quotes; write accent = \"#rrggbb\""));

        let (_, hint) = parse_error(&INK.replace("keyword = \"#c58fe0\"\n", ""));
        assert!(hint.starts_with("the role keyword is missing"), "{hint}");

        assert_eq!(parse_error("text = \"default\"\nmuted = [").0, 2);
        assert_eq!(parse_error("text = \"default\"\ntext = \"default\"\n").0, 2);
    }

    #[test]
    fn a_theme_inherits_missing_roles_from_its_base() {
        let mine = Theme::parse("mine", "base = \"paper\"\naccent = \"#0000ff bold\"\n").expect("a theme");
        let paper = Theme::bundled("paper").expect("bundled");
        let blue = Style::new().fg(Color::Rgb(0, 0, 255)).add_modifier(Modifier::BOLD);
        assert_eq!((mine.name.as_str(), mine.shade, mine.paints_background), ("mine", paper.shade, true));
        for role in ColourRole::ALL {
            assert_eq!(mine.style(role), if role == ColourRole::Accent { blue } else { paper.style(role) }, "{role:?}");
        }
        let near = "there is no bundled theme called papre; did you mean paper?";
        assert_eq!(parse_error("# mine\nbase = \"papre\"\n"), (2, near.into()));
        assert!(parse_error("base = \"something else\"\n").1.contains("choose one of terminal, ink, "));
    }
}
