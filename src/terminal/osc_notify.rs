//! Escape sequences that reach a user who is looking elsewhere: the bell, desktop notifications, the window title.

use crate::{config::DesktopNotification, ui::effect::UserNotification};

/// Pushes the window title onto the terminal's stack.
pub const PUSH_TITLE: &str = "\x1b[22;2t";
/// Pops the window title. A terminal without a stack is left with an empty title, which means its default.
pub const POP_TITLE: &str = "\x1b]2;\x07\x1b[23;2t";

/// The notification sequence to send. Never both, because some terminals support both and would notify twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotificationForm {
    /// Supported by most terminals, and so sent to unknown ones, as over SSH.
    #[default]
    Osc9,
    Osc777,
}

impl NotificationForm {
    /// Determines the form from the environment; within tmux, it describes the terminal in which tmux was started.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Self {
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

/// Returns the bytes of a notification. tmux passes the desktop part on to its terminal; the bell is for tmux as well.
pub fn notification_bytes(notice: &UserNotification, form: NotificationForm, in_tmux: bool) -> Vec<u8> {
    let text = without_controls(&notice.message);
    let osc9 = || format!("\x1b]9;ibid {text}\x07");
    // A semicolon would end the text.
    let osc777 = || format!("\x1b]777;notify;ibid;{}\x07", text.replace(';', ","));
    let desktop = match (notice.desktop, form) {
        (DesktopNotification::Off, _) => String::new(),
        (DesktopNotification::Osc9, _) | (DesktopNotification::Auto, NotificationForm::Osc9) => osc9(),
        (DesktopNotification::Osc777, _) | (DesktopNotification::Auto, NotificationForm::Osc777) => osc777(),
    };
    let desktop = if in_tmux && !desktop.is_empty() {
        format!("\x1bPtmux;{}\x1b\\", desktop.replace('\x1b', "\x1b\x1b"))
    } else {
        desktop
    };
    let bell = if notice.bell { "\x07" } else { "" };
    (desktop + bell).into_bytes()
}

/// Returns the bytes that set the window title.
pub fn title_bytes(words: &str) -> String {
    format!("\x1b]2;{}\x07", without_controls(words))
}

/// Removes control characters. The text should already be clean; this is a second barrier.
fn without_controls(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(
        bell: bool,
        desktop: DesktopNotification,
        words: &str,
        takes: NotificationForm,
        in_tmux: bool,
    ) -> String {
        notification_bytes(&UserNotification { bell, desktop, message: words.into() }, takes, in_tmux)
            .escape_ascii()
            .to_string()
    }

    #[test]
    fn a_terminal_gets_one_notification_in_its_own_form() {
        let osc9 = "\\x1b]9;ibid answered: Why; really\\x07";
        let osc777 = "\\x1b]777;notify;ibid;answered: Why, really\\x07";
        let tell = |desktop, takes| notification(false, desktop, "answered: Why; really", takes, false);
        assert_eq!(tell(DesktopNotification::Auto, NotificationForm::Osc9), osc9);
        assert_eq!(tell(DesktopNotification::Auto, NotificationForm::Osc777), osc777);
        assert_eq!(tell(DesktopNotification::Osc9, NotificationForm::Osc777), osc9);
        assert_eq!(tell(DesktopNotification::Osc777, NotificationForm::Osc9), osc777);
        assert_eq!(tell(DesktopNotification::Off, NotificationForm::default()), "");
    }

    #[test]
    fn the_bell_rings_alone_and_in_tmux_outside_the_passthrough() {
        assert_eq!(notification(true, DesktopNotification::Off, "asks: x", NotificationForm::default(), true), "\\x07");
        let handed_on = "\\x1bPtmux;\\x1b\\x1b]9;ibid asks: x\\x07\\x1b\\\\\\x07";
        assert_eq!(
            notification(true, DesktopNotification::Osc9, "asks: x", NotificationForm::default(), true),
            handed_on
        );
    }

    #[test]
    fn no_control_character_gets_into_a_title_or_a_notification() {
        assert_eq!(title_bytes("\u{1b}]0;x\u{7}\u{9b}31m\ny").escape_debug().to_string(), "\\u{1b}]2;]0;x31my\\u{7}");
        let written =
            notification(false, DesktopNotification::Osc9, "a\u{7}b\u{1b}\\c\u{9c}", NotificationForm::Osc9, false);
        assert_eq!(written, "\\x1b]9;ibid ab\\\\c\\x07");
    }

    #[test]
    fn the_environment_decides_the_notification_form() {
        let takes = |set: &[(&str, &str)]| {
            NotificationForm::from_env(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(takes(&[("TERM", "xterm-256color")]), NotificationForm::Osc9, "an unknown terminal");
        assert_eq!(takes(&[("TERM", "xterm-kitty")]), NotificationForm::Osc9);
        assert_eq!(takes(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), NotificationForm::Osc9);
        assert_eq!(takes(&[("TERM", "rxvt-unicode-256color")]), NotificationForm::Osc777);
        assert_eq!(takes(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")]), NotificationForm::Osc777);
        assert_eq!(takes(&[("TERM", "xterm-ghostty"), ("VTE_VERSION", "7600")]), NotificationForm::Osc9);
        assert_eq!(takes(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]), NotificationForm::Osc9);
        assert_eq!(
            takes(&[("TERM", "tmux-256color"), ("VTE_VERSION", "7600"), ("TMUX", "/tmp/x,1,0")]),
            NotificationForm::Osc777
        );
    }
}
