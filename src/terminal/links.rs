//! Terminal hyperlinks: whether they are supported, and writing each once per run of cells.

use std::borrow::Cow;

use crate::{
    config::AutoSwitch,
    text::link::{OSC8_CLOSE, OSC8_OPEN},
};

/// Terminals that support links, by prefixes of `TERM` and by values of `TERM_PROGRAM`.
const LINK_TERMS: [&str; 7] = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio"];
const LINK_PROGRAMS: [&str; 8] =
    ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "mintty", "rio", "WarpTerminal"];

/// Whether links should be written, by the config, else by what is known about the terminal.
pub fn should_write_links(switch: AutoSwitch, env: impl Fn(&str) -> Option<String>) -> bool {
    match switch {
        AutoSwitch::On => true,
        AutoSwitch::Off => false,
        AutoSwitch::Auto => supports_links(env),
    }
}

/// Whether the environment names a terminal that is known to support links (OSC 8).
fn supports_links(env: impl Fn(&str) -> Option<String>) -> bool {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let version = |name: &str| version_numbers(&variable(name).unwrap_or_default());
    if variable("TMUX").is_some() || program == "tmux" {
        // Since 3.4 tmux stores links in its cells, and passes them on if its terminal supports them.
        return program == "tmux" && version("TERM_PROGRAM_VERSION") >= (3, 4);
    }
    if variable("STY").is_some() || term.starts_with("screen") || matches!(&*term, "dumb" | "linux" | "") {
        return false;
    }
    is_modern_terminal(variable)
}

/// Whether this is a modern terminal, with links and true colour; `says` reads variables that are not empty.
pub(crate) fn is_modern_terminal(variable: impl Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    LINK_TERMS.iter().any(|known| term.starts_with(known))
        || LINK_PROGRAMS.contains(&&*program)
        || ["KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM"]
            .iter()
            .any(|name| variable(name).is_some())
        || version_numbers(&variable("VTE_VERSION").unwrap_or_default()).0 >= 5000
}

/// Parses the first two numbers of a version.
fn version_numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part[..digits].parse().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Joins neighbouring cells of the same link in a frame: where a link closes and opens again at once, both sequences
/// are left out.
pub(crate) fn join_runs(frame: &[u8]) -> Cow<'_, [u8]> {
    let mut ends = memchr::memmem::find_iter(frame, OSC8_CLOSE.as_bytes()).peekable();
    if ends.peek().is_none() {
        return Cow::Borrowed(frame);
    }
    let mut out = Vec::with_capacity(frame.len());
    let mut position = 0;
    // The opening sequence of the link that is open in `out`.
    let mut open: &[u8] = b"";
    for end in ends {
        let piece = &frame[position..end];
        if let Some(begins) = memchr::memmem::rfind(piece, OSC8_OPEN.as_bytes()) {
            open = leading_opening(&piece[begins..]);
        }
        out.extend_from_slice(piece);
        position = end + OSC8_CLOSE.len();
        let next = leading_opening(&frame[position..]);
        if !next.is_empty() && next == open {
            position += next.len();
        } else {
            out.extend_from_slice(OSC8_CLOSE.as_bytes());
        }
    }
    out.extend_from_slice(&frame[position..]);
    Cow::Owned(out)
}

/// Returns the opening sequence of a link, if the bytes start with one.
fn leading_opening(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(OSC8_OPEN.as_bytes()) {
        return b"";
    }
    memchr::memmem::find(bytes, b"\x1b\\").map_or(b"", |end| &bytes[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn known(env: &[(&str, &str)]) -> bool {
        supports_links(|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_with_links_are_known_by_their_environment() {
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
        assert!(should_write_links(AutoSwitch::On, nothing) && !should_write_links(AutoSwitch::Auto, nothing));
        assert!(!should_write_links(AutoSwitch::Off, |_| Some("xterm-kitty".to_owned())));
    }

    #[test]
    fn neighbouring_cells_of_one_link_are_one_run() {
        let a = text::link::open_sequence("https://a.example").expect("a link");
        let b = text::link::open_sequence("https://b.example").expect("a link");
        let cell = |open: &str, words: &str| format!("{open}{words}{OSC8_CLOSE}");
        let frame = format!("x{}{}{}y{}z", cell(&a, "1"), cell(&a, "2"), cell(&b, "3"), cell(&b, "4"));
        let expected = format!("x{}{}y{}z", cell(&a, "12"), cell(&b, "3"), cell(&b, "4"));
        assert_eq!(String::from_utf8_lossy(&join_runs(frame.as_bytes())), expected);
        assert!(matches!(join_runs(b"no link"), Cow::Borrowed(_)));
        let again = join_runs(expected.as_bytes()).into_owned();
        assert_eq!(String::from_utf8_lossy(&again), expected);
    }
}
