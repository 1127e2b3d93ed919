//! How many colours the terminal shows, by what it says of itself.

use super::links::is_modern;
use crate::widgets::theme::Colours;

/// `NO_COLOR`, else `COLORTERM`, else what is known of the terminal.
pub fn shown(env: impl Fn(&str) -> Option<String>) -> Colours {
    let says = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = says("TERM").unwrap_or_default();
    if says("NO_COLOR").is_some() {
        return Colours::None;
    }
    if says("STY").is_some() {
        // Its variables are those of the terminal around it, of which it hands on 256.
        return Colours::Indexed;
    }
    let told = says("COLORTERM").is_some_and(|value| matches!(&*value, "truecolor" | "24bit"));
    // tmux finds the nearest by itself where the terminal around it has fewer.
    if told || says("TMUX").is_some() || term.ends_with("-direct") || cfg!(windows) || is_modern(says) {
        Colours::All
    } else {
        Colours::Indexed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_how_many_colours_there_are() {
        let shows = |set: &[(&str, &str)]| {
            shown(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(shows(&[xterm, ("COLORTERM", "truecolor")]), Colours::All);
        assert_eq!(shows(&[xterm, ("COLORTERM", "24bit"), ("NO_COLOR", "1")]), Colours::None);
        assert_eq!(shows(&[xterm, ("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Colours::All);
        if cfg!(windows) {
            return;
        }
        assert_eq!(shows(&[xterm]), Colours::Indexed, "as over SSH, where nobody hands COLORTERM on");
        assert_eq!(shows(&[xterm, ("COLORTERM", "1")]), Colours::Indexed);
        assert_eq!(shows(&[("TERM", "xterm-kitty")]), Colours::All);
        assert_eq!(shows(&[("TERM", "xterm-direct")]), Colours::All);
        assert_eq!(shows(&[xterm, ("TERM_PROGRAM", "Apple_Terminal")]), Colours::Indexed);
        assert_eq!(shows(&[xterm, ("TERM_PROGRAM", "iTerm.app")]), Colours::All);
        assert_eq!(shows(&[("TERM", "screen-256color"), ("STY", "1.x"), ("COLORTERM", "truecolor")]), Colours::Indexed);
        assert_eq!(shows(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]), Colours::All);
    }
}
