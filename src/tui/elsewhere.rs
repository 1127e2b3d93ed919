//! What reaches a reader who looks elsewhere: the bell, a notification of the desktop, the title of the window.

use crate::{app::attention::Notice, config::Desktop};

/// Puts the window's title on the terminal's stack.
pub const PUSH_TITLE: &str = "\x1b[22;2t";
/// Takes it back from there. A terminal without a stack is left with none: its own.
pub const POP_TITLE: &str = "\x1b]2;\x07\x1b[23;2t";

/// Which notifications the terminal takes. Never both: some take both, and would tell it twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Takes {
    /// Most do; so it is what a terminal is told of which nothing is known, as over SSH.
    #[default]
    Osc9,
    Osc777,
}

impl Takes {
    /// What the environment tells of the terminal; in tmux it is that of the one in which tmux was started.
    pub fn find(env: impl Fn(&str) -> Option<String>) -> Self {
        let term = env("TERM").unwrap_or_default();
        let program = env("TERM_PROGRAM").unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|name| program == *name || term.contains(name));
        let is_set = |name: &str| env(name).is_some();
        if is(&["iTerm.app", "WezTerm", "wezterm", "ghostty", "kitty"]) {
            Self::Osc9
        } else if is(&["rxvt", "foot", "WarpTerminal"]) || is_set("VTE_VERSION") || is_set("KONSOLE_VERSION") {
            Self::Osc777
        } else {
            Self::Osc9
        }
    }
}

/// The bytes that tell it. tmux hands the desktop's part on to the terminal around it; the bell is for tmux too.
pub fn notify(notice: &Notice, takes: Takes, in_tmux: bool) -> Vec<u8> {
    let words = printable(&notice.words);
    let osc9 = || format!("\x1b]9;ibid {words}\x07");
    // A semicolon would end the text.
    let osc777 = || format!("\x1b]777;notify;ibid;{}\x07", words.replace(';', ","));
    let desktop = match (notice.desktop, takes) {
        (Desktop::Off, _) => String::new(),
        (Desktop::Osc9, _) | (Desktop::Auto, Takes::Osc9) => osc9(),
        (Desktop::Osc777, _) | (Desktop::Auto, Takes::Osc777) => osc777(),
    };
    let desktop = if in_tmux && !desktop.is_empty() {
        format!("\x1bPtmux;{}\x1b\\", desktop.replace('\x1b', "\x1b\x1b"))
    } else {
        desktop
    };
    let bell = if notice.bell { "\x07" } else { "" };
    (desktop + bell).into_bytes()
}

/// The bytes that set the window's title.
pub fn title(words: &str) -> String {
    format!("\x1b]2;{}\x07", printable(words))
}

/// What comes here is clean; this holds all the same.
fn printable(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bell: bool, desktop: Desktop, words: &str, takes: Takes, in_tmux: bool) -> String {
        notify(&Notice { bell, desktop, words: words.into() }, takes, in_tmux).escape_ascii().to_string()
    }

    #[test]
    fn a_terminal_is_told_once_in_its_own_form() {
        let osc9 = "\\x1b]9;ibid answered: Why; really\\x07";
        let osc777 = "\\x1b]777;notify;ibid;answered: Why, really\\x07";
        let tell = |desktop, takes| told(false, desktop, "answered: Why; really", takes, false);
        assert_eq!(tell(Desktop::Auto, Takes::Osc9), osc9);
        assert_eq!(tell(Desktop::Auto, Takes::Osc777), osc777);
        assert_eq!(tell(Desktop::Osc9, Takes::Osc777), osc9);
        assert_eq!(tell(Desktop::Osc777, Takes::Osc9), osc777);
        assert_eq!(tell(Desktop::Off, Takes::default()), "");
    }

    #[test]
    fn the_bell_rings_by_itself_and_in_tmux_outside_of_what_is_handed_on() {
        assert_eq!(told(true, Desktop::Off, "asks: x", Takes::default(), true), "\\x07");
        let handed_on = "\\x1bPtmux;\\x1b\\x1b]9;ibid asks: x\\x07\\x1b\\\\\\x07";
        assert_eq!(told(true, Desktop::Osc9, "asks: x", Takes::default(), true), handed_on);
    }

    #[test]
    fn no_control_character_gets_into_a_title_or_a_notification() {
        assert_eq!(title("\u{1b}]0;x\u{7}\u{9b}31m\ny").escape_debug().to_string(), "\\u{1b}]2;]0;x31my\\u{7}");
        let told = told(false, Desktop::Osc9, "a\u{7}b\u{1b}\\c\u{9c}", Takes::Osc9, false);
        assert_eq!(told, "\\x1b]9;ibid ab\\\\c\\x07");
    }

    #[test]
    fn the_environment_tells_which_form_a_terminal_takes() {
        let takes = |set: &[(&str, &str)]| {
            Takes::find(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(takes(&[("TERM", "xterm-256color")]), Takes::Osc9, "nothing is known of it");
        assert_eq!(takes(&[("TERM", "xterm-kitty")]), Takes::Osc9);
        assert_eq!(takes(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), Takes::Osc9);
        assert_eq!(takes(&[("TERM", "rxvt-unicode-256color")]), Takes::Osc777);
        assert_eq!(takes(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")]), Takes::Osc777);
        assert_eq!(takes(&[("TERM", "xterm-ghostty"), ("VTE_VERSION", "7600")]), Takes::Osc9);
        assert_eq!(takes(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]), Takes::Osc9);
        assert_eq!(takes(&[("TERM", "tmux-256color"), ("VTE_VERSION", "7600"), ("TMUX", "/tmp/x,1,0")]), Takes::Osc777);
    }
}
