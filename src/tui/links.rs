//! Links in the terminal: whether it knows them, and each written once a run.

use std::borrow::Cow;

use crate::{
    config::Switch,
    text::link::{CLOSING, OPENING},
};

/// Terminals that have links, by what begins `TERM` and by what stands in `TERM_PROGRAM`.
const TERMS: [&str; 7] = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio"];
const PROGRAMS: [&str; 8] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "mintty", "rio", "WarpTerminal"];

/// Whether links are written, by what the config says, else by what is known of the terminal.
pub fn are_wanted(switch: Switch, env: impl Fn(&str) -> Option<String>) -> bool {
    match switch {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => are_known(env),
    }
}

/// Whether the terminal is one of those that are known to have links (OSC 8), by what it says of itself.
fn are_known(env: impl Fn(&str) -> Option<String>) -> bool {
    let says = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = says("TERM").unwrap_or_default();
    let program = says("TERM_PROGRAM").unwrap_or_default();
    let version = |name: &str| number(&says(name).unwrap_or_default());
    if says("TMUX").is_some() || program == "tmux" {
        // It keeps them in its own cells since 3.4, and hands them on where the terminal around it has them.
        return program == "tmux" && version("TERM_PROGRAM_VERSION") >= (3, 4);
    }
    if says("STY").is_some() || term.starts_with("screen") || matches!(&*term, "dumb" | "linux" | "") {
        return false;
    }
    is_modern(says)
}

/// Whether it is a terminal of these days, with links and all colours; `says` gives what is set and not empty.
pub(super) fn is_modern(says: impl Fn(&str) -> Option<String>) -> bool {
    let term = says("TERM").unwrap_or_default();
    let program = says("TERM_PROGRAM").unwrap_or_default();
    TERMS.iter().any(|known| term.starts_with(known))
        || PROGRAMS.contains(&&*program)
        || ["KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM"]
            .iter()
            .any(|name| says(name).is_some())
        || number(&says("VTE_VERSION").unwrap_or_default()).0 >= 5000
}

/// The first two numbers of a version.
fn number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part[..digits].parse().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// A frame in which neighbouring cells of one link are one run: where the link ends and begins again at once, both
/// are left out.
pub(super) fn joined(frame: &[u8]) -> Cow<'_, [u8]> {
    let mut ends = memchr::memmem::find_iter(frame, CLOSING.as_bytes()).peekable();
    if ends.peek().is_none() {
        return Cow::Borrowed(frame);
    }
    let mut out = Vec::with_capacity(frame.len());
    let mut at = 0;
    // The beginning of the link that is open in `out`.
    let mut open: &[u8] = b"";
    for end in ends {
        let piece = &frame[at..end];
        if let Some(begins) = memchr::memmem::rfind(piece, OPENING.as_bytes()) {
            open = opening(&piece[begins..]);
        }
        out.extend_from_slice(piece);
        at = end + CLOSING.len();
        let next = opening(&frame[at..]);
        if !next.is_empty() && next == open {
            at += next.len();
        } else {
            out.extend_from_slice(CLOSING.as_bytes());
        }
    }
    out.extend_from_slice(&frame[at..]);
    Cow::Owned(out)
}

/// The beginning of a link, if the bytes start with one.
fn opening(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(OPENING.as_bytes()) {
        return b"";
    }
    memchr::memmem::find(bytes, b"\x1b\\").map_or(b"", |end| &bytes[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn known(env: &[(&str, &str)]) -> bool {
        are_known(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_that_have_links_are_known_by_what_they_say() {
        assert!(known(&[("TERM", "xterm-kitty")]));
        assert!(known(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")]));
        assert!(known(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]));
        assert!(known(&[
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/t"),
            ("TERM_PROGRAM", "tmux"),
            ("TERM_PROGRAM_VERSION", "3.4")
        ]));
        assert!(known(&[
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/t"),
            ("TERM_PROGRAM", "tmux"),
            ("TERM_PROGRAM_VERSION", "3.5a")
        ]));
        for unknown in [
            &[("TERM", "xterm-256color")][..],
            &[("TERM", "xterm-256color"), ("VTE_VERSION", "4800")],
            &[("TERM", "screen-256color"), ("VTE_VERSION", "7600"), ("STY", "1.x")],
            &[
                ("TERM", "tmux-256color"),
                ("TMUX", "/tmp/t"),
                ("TERM_PROGRAM", "tmux"),
                ("TERM_PROGRAM_VERSION", "3.3a"),
            ],
            &[("TERM", "tmux-256color"), ("TMUX", "/tmp/t"), ("VTE_VERSION", "7600")],
            &[("TERM", "dumb"), ("WT_SESSION", "x")],
            &[],
        ] {
            assert!(!known(unknown), "{unknown:?}");
        }
        let nothing = |_: &str| None;
        assert!(are_wanted(Switch::On, nothing) && !are_wanted(Switch::Auto, nothing));
        assert!(!are_wanted(Switch::Off, |_| Some("xterm-kitty".to_owned())));
    }

    #[test]
    fn neighbours_of_one_link_are_one_run() {
        let a = text::link::opening("https://a.example").expect("a link");
        let b = text::link::opening("https://b.example").expect("a link");
        let cell = |open: &str, words: &str| format!("{open}{words}{CLOSING}");
        let frame = format!("x{}{}{}y{}z", cell(&a, "1"), cell(&a, "2"), cell(&b, "3"), cell(&b, "4"));
        let expected = format!("x{}{}y{}z", cell(&a, "12"), cell(&b, "3"), cell(&b, "4"));
        assert_eq!(String::from_utf8_lossy(&joined(frame.as_bytes())), expected);
        assert!(matches!(joined(b"no link"), Cow::Borrowed(_)));
        let again = joined(expected.as_bytes()).into_owned();
        assert_eq!(String::from_utf8_lossy(&again), expected);
    }
}
