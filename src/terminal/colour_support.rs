//! Detects from the environment how many colours the terminal supports.

use super::links::is_modern_terminal;
use crate::render::theme::ColourDepth;

/// Decides by `NO_COLOR`, else `COLORTERM`, else the known properties of the terminal.
pub fn supported_colours(env: impl Fn(&str) -> Option<String>) -> ColourDepth {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    if variable("NO_COLOR").is_some() {
        return ColourDepth::None;
    }
    if variable("STY").is_some() {
        // GNU screen inherits the variables of its terminal, but supports only 256 colours.
        return ColourDepth::Indexed;
    }
    let has_truecolor = variable("COLORTERM").is_some_and(|value| matches!(&*value, "truecolor" | "24bit"));
    // tmux picks the nearest colours itself if its terminal has fewer.
    if has_truecolor
        || variable("TMUX").is_some()
        || term.ends_with("-direct")
        || cfg!(windows)
        || is_modern_terminal(variable)
    {
        ColourDepth::TrueColour
    } else {
        ColourDepth::Indexed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_how_many_colours_are_supported() {
        let shows = |set: &[(&str, &str)]| {
            supported_colours(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(shows(&[xterm, ("COLORTERM", "truecolor")]), ColourDepth::TrueColour);
        assert_eq!(shows(&[xterm, ("COLORTERM", "24bit"), ("NO_COLOR", "1")]), ColourDepth::None);
        assert_eq!(shows(&[xterm, ("NO_COLOR", ""), ("COLORTERM", "truecolor")]), ColourDepth::TrueColour);
        if cfg!(windows) {
            return;
        }
        assert_eq!(shows(&[xterm]), ColourDepth::Indexed, "as over SSH, which does not pass COLORTERM on");
        assert_eq!(shows(&[xterm, ("COLORTERM", "1")]), ColourDepth::Indexed);
        assert_eq!(shows(&[("TERM", "xterm-kitty")]), ColourDepth::TrueColour);
        assert_eq!(shows(&[("TERM", "xterm-direct")]), ColourDepth::TrueColour);
        assert_eq!(shows(&[xterm, ("TERM_PROGRAM", "Apple_Terminal")]), ColourDepth::Indexed);
        assert_eq!(shows(&[xterm, ("TERM_PROGRAM", "iTerm.app")]), ColourDepth::TrueColour);
        assert_eq!(
            shows(&[("TERM", "screen-256color"), ("STY", "1.x"), ("COLORTERM", "truecolor")]),
            ColourDepth::Indexed
        );
        assert_eq!(shows(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]), ColourDepth::TrueColour);
    }
}
