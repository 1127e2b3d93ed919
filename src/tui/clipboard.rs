//! The clipboard of the reader's own terminal, wherever the program runs (OSC 52).

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The bytes that put a text on the clipboard. tmux takes them for itself or hands them on, as it is configured.
pub fn copy(text: &str, in_tmux: bool) -> Vec<u8> {
    let set = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if !in_tmux {
        return set.into_bytes();
    }
    let escaped = set.replace('\x1b', "\x1b\x1b");
    format!("{set}\x1bPtmux;{escaped}\x1b\\").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_text_cannot_break_out_of_its_sequence() {
        let bytes = copy("\x1b]0;title\x07", false);
        assert_eq!(bytes.escape_ascii().to_string(), "\\x1b]52;c;G10wO3RpdGxlBw==\\x07");
    }

    #[test]
    fn tmux_is_told_twice() {
        let bytes = copy("hi", true);
        let expected = "\\x1b]52;c;aGk=\\x07\\x1bPtmux;\\x1b\\x1b]52;c;aGk=\\x07\\x1b\\\\";
        assert_eq!(bytes.escape_ascii().to_string(), expected);
    }
}
