//! Roles of colour and the marks of the interface; a theme names roles, never places.

mod marks;

use std::collections::BTreeMap;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

pub use marks::Marks;

/// What a piece of text is, from which its style follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Background,
    Surface,
    Raised,
    Text,
    Muted,
    Faint,
    Accent,
    You,
    Link,
    Reasoning,
    Ok,
    Warning,
    Error,
    Selection,
    Mark,
    Keyword,
    String,
    Number,
    Function,
    Comment,
}

/// How every role looks, and which marks are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    pub marks: Marks,
    /// The page has a colour of its own, so every cell is painted.
    pub paints_background: bool,
    /// Code has no ground of its own: inline code keeps its backticks.
    pub plain_code: bool,
    /// One style for each role, in the order of `Role::ALL`.
    styles: Vec<Style>,
}

/// What is wrong with a theme, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {hint}")]
pub struct ThemeError {
    /// Counted from 1.
    pub line: usize,
    pub hint: String,
}

impl Role {
    pub const ALL: [Self; 20] = [
        Self::Background,
        Self::Surface,
        Self::Raised,
        Self::Text,
        Self::Muted,
        Self::Faint,
        Self::Accent,
        Self::You,
        Self::Link,
        Self::Reasoning,
        Self::Ok,
        Self::Warning,
        Self::Error,
        Self::Selection,
        Self::Mark,
        Self::Keyword,
        Self::String,
        Self::Number,
        Self::Function,
        Self::Comment,
    ];

    /// The word in a theme's file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Surface => "surface",
            Self::Raised => "raised",
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Faint => "faint",
            Self::Accent => "accent",
            Self::You => "you",
            Self::Link => "link",
            Self::Reasoning => "reasoning",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Selection => "selection",
            Self::Mark => "mark",
            Self::Keyword => "keyword",
            Self::String => "string",
            Self::Number => "number",
            Self::Function => "function",
            Self::Comment => "comment",
        }
    }

    /// Words stand on it; its colour goes behind them.
    #[must_use]
    pub fn is_ground(self) -> bool {
        matches!(self, Self::Background | Self::Surface | Self::Raised | Self::Selection | Self::Mark)
    }
}

const BUNDLED: [(&str, &str); 3] = [
    ("terminal", include_str!("../../assets/themes/terminal.toml")),
    ("ink", include_str!("../../assets/themes/ink.toml")),
    ("paper", include_str!("../../assets/themes/paper.toml")),
];

impl Default for Theme {
    fn default() -> Self {
        Self::bundled("terminal").expect("it is bundled, and a test parses it")
    }
}

impl Theme {
    /// Reads a theme: one line a role, `role = "colour attributes"`, where the colour is `#rrggbb`,
    /// a number of the terminal's palette or `default`.
    ///
    /// # Errors
    /// When the text is not TOML, a role is unknown or missing, or a style cannot be read.
    pub fn parse(name: &str, toml_text: &str) -> Result<Self, ThemeError> {
        let line_of = |at: usize| 1 + toml_text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count();
        let entries: BTreeMap<String, toml::Spanned<String>> = toml::from_str(toml_text).map_err(|error| {
            ThemeError { line: error.span().map_or(1, |span| line_of(span.start)), hint: error.message().to_owned() }
        })?;
        let mut styles: [Option<Style>; Role::ALL.len()] = [None; Role::ALL.len()];
        for (word, value) in &entries {
            let complain = |hint| ThemeError { line: line_of(value.span().start), hint };
            let role = Role::ALL
                .into_iter()
                .find(|role| role.name() == word)
                .ok_or_else(|| complain(format!("there is no role {word}; a theme has {}", role_names())))?;
            styles[role as usize] = Some(style_from(role, value.get_ref()).map_err(complain)?);
        }
        if let Some(role) = Role::ALL.into_iter().find(|role| styles[*role as usize].is_none()) {
            let hint = format!("the role {0} is missing; add a line such as {0} = \"default\"", role.name());
            return Err(ThemeError { line: line_of(toml_text.len()), hint });
        }
        Ok(Self::of(name, styles.into_iter().map(Option::unwrap_or_default).collect()))
    }

    /// A theme that comes with the program.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Self> {
        let (name, text) = BUNDLED.into_iter().find(|(bundled, _)| *bundled == name)?;
        Some(Self::parse(name, text).expect("a test parses every bundled theme"))
    }

    /// The names of the themes that come with the program, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUNDLED.into_iter().map(|(name, _)| name)
    }

    /// For `NO_COLOR`: only bold, dim, underline and reverse.
    #[must_use]
    pub fn without_colour() -> Self {
        let styles =
            Self::default().styles.into_iter().map(|style| Style { fg: Some(Color::Reset), ..style }).collect();
        Self::of("without colour", styles)
    }

    /// The same theme with its marks drawn in ASCII.
    #[must_use]
    pub fn in_ascii(mut self) -> Self {
        self.marks = Marks::ASCII;
        self
    }

    /// The style of a role, to be laid over what is there: a ground gives the colour behind the
    /// words, every other role the words themselves.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Plain text on a ground, with nothing left of what was there before.
    #[must_use]
    pub fn ground(&self, role: Role) -> Style {
        Style::reset().patch(self.style(Role::Text)).patch(self.style(role))
    }

    /// Empties an area and gives it a ground.
    pub fn clear(&self, area: Rect, role: Role, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        for position in area.positions() {
            buf[position].reset();
        }
        buf.set_style(area, self.ground(role));
    }

    /// Sets everything in an area back, so that what is drawn next lies above it.
    pub fn recede(&self, area: Rect, buf: &mut Buffer) {
        let words = self.style(Role::Faint);
        for position in area.intersection(buf.area).positions() {
            let cell = &mut buf[position];
            cell.modifier = Modifier::empty();
            cell.fg = Color::Reset;
            cell.underline_color = Color::Reset;
            cell.set_style(words);
        }
    }

    fn of(name: &str, styles: Vec<Style>) -> Self {
        let unpainted = |role: Role| matches!(styles[role as usize].bg, None | Some(Color::Reset));
        Self {
            name: name.to_owned(),
            marks: Marks::UNICODE,
            paints_background: !unpainted(Role::Background),
            plain_code: unpainted(Role::Surface),
            styles,
        }
    }
}

fn style_from(role: Role, words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    for word in words.split_whitespace() {
        style = match word {
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underline" => style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style.add_modifier(Modifier::REVERSED),
            colour if role.is_ground() => style.bg(colour_from(colour)?),
            colour => style.fg(colour_from(colour)?),
        };
    }
    // A role of words says its colour in full, or the words before it would show through.
    Ok(if role.is_ground() { style } else { Style { fg: style.fg.or(Some(Color::Reset)), ..style } })
}

fn colour_from(word: &str) -> Result<Color, String> {
    let hint = || {
        format!(
            "{word} is no colour: write #rrggbb, a number from 0 to 255, or default, then bold, dim, italic, underline, reverse"
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

fn role_names() -> String {
    Role::ALL.map(Role::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color) -> f64 {
        let Color::Rgb(r, g, b) = colour else { panic!("{colour:?} is not painted") };
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(one: Color, other: Color) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_can_be_read_on_every_ground_they_stand_on() {
        let panes = [Role::Background, Role::Surface, Role::Raised, Role::Selection];
        let words: Vec<Role> = Role::ALL.into_iter().filter(|role| !role.is_ground() && *role != Role::Faint).collect();
        let mut seen = 0;
        for theme in Theme::names().filter_map(Theme::bundled).filter(|theme| theme.paints_background) {
            for (&word, ground) in words.iter().flat_map(|word| panes.map(|ground| (word, ground))).chain([
                (&Role::Text, Role::Mark),
                (&Role::Accent, Role::Mark),
                (&Role::Link, Role::Mark),
            ]) {
                let (fg, bg) = (theme.style(word).fg.expect("said in full"), theme.style(ground).bg.expect("painted"));
                let ratio = contrast(fg, bg);
                assert!(ratio >= 4.5, "{}: {} on {} is {ratio:.2}", theme.name, word.name(), ground.name());
                seen += 1;
            }
        }
        assert!(seen > 100);
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

    #[test]
    fn a_theme_that_cannot_be_read_names_the_line() {
        let ink = BUNDLED[1].1;
        let line = 1 + ink.lines().position(|line| line.starts_with("accent")).expect("ink has an accent");
        let error = Theme::parse("mine", &ink.replace("#e2a75c", "orange")).expect_err("orange is no colour");
        assert_eq!(error.line, line);
        assert!(error.hint.starts_with("orange is no colour: write #rrggbb"), "{error}");

        let error = Theme::parse("mine", &ink.replace("accent", "acent")).expect_err("no such role");
        assert!(error.hint.starts_with("there is no role acent"), "{error}");
        assert_eq!(error.line, line);

        let error = Theme::parse("mine", &ink.replace("keyword = \"#c58fe0\"\n", "")).expect_err("one is missing");
        assert!(error.hint.starts_with("the role keyword is missing"), "{error}");

        let error = Theme::parse("mine", "text = \"default\"\nmuted = [").expect_err("not TOML");
        assert_eq!(error.line, 2);
    }

    #[test]
    fn what_lies_below_an_overlay_keeps_its_words_and_loses_its_colours() {
        let theme = Theme::bundled("ink").expect("bundled");
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        buf.set_string(0, 0, "word", theme.style(Role::Accent).add_modifier(Modifier::BOLD));
        theme.recede(buf.area, &mut buf);
        assert_eq!(buf[(0, 0)].symbol(), "w");
        assert_eq!((Some(buf[(0, 0)].fg), buf[(0, 0)].modifier), (theme.style(Role::Faint).fg, Modifier::empty()));
    }
}
