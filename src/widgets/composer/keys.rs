//! The keys of readline, for the composer and for every field.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Composer, Reach, Towards};

impl Composer {
    /// Edits as readline would; `false` when the key means nothing here. Enter, Tab, Escape, Up and
    /// Down are the caller's.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        use Reach::{Blank, Cluster, Line, Row, Word};
        use Towards::{End, Start};
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match (key.code, ctrl, alt) {
            (KeyCode::Char(letter), false, false) => self.insert_char(letter),
            (KeyCode::Char('a'), true, _) | (KeyCode::Home, false, _) => _ = self.go(Start, Row),
            (KeyCode::Char('e'), true, _) | (KeyCode::End, false, _) => _ = self.go(End, Row),
            (KeyCode::Char('b'), true, _) | (KeyCode::Left, false, false) => _ = self.go(Start, Cluster),
            (KeyCode::Char('f'), true, _) | (KeyCode::Right, false, false) => _ = self.go(End, Cluster),
            (KeyCode::Char('b'), _, true) | (KeyCode::Left, _, _) => _ = self.go(Start, Word),
            (KeyCode::Char('f'), _, true) | (KeyCode::Right, _, _) => _ = self.go(End, Word),
            (KeyCode::Char('h'), true, _) | (KeyCode::Backspace, false, false) => _ = self.delete(Start, Cluster),
            (KeyCode::Char('d'), true, _) | (KeyCode::Delete, false, false) => _ = self.delete(End, Cluster),
            (KeyCode::Char('k'), true, _) => _ = self.kill(End, Line),
            (KeyCode::Char('u'), true, _) => _ = self.kill(Start, Line),
            (KeyCode::Char('w'), true, _) => _ = self.kill(Start, Blank),
            (KeyCode::Backspace, _, _) => _ = self.kill(Start, Word),
            (KeyCode::Char('d'), _, true) | (KeyCode::Delete, _, _) => _ = self.kill(End, Word),
            (KeyCode::Char('y'), true, _) => self.yank(),
            // A terminal without an extended protocol sends the same byte for Ctrl-_, Ctrl-/ and Ctrl-7.
            (KeyCode::Char('_' | '-' | '/' | '7'), true, _) => _ = self.undo(),
            _ => return false,
        }
        true
    }
}
