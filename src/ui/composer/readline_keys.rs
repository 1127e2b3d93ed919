//! The keys of readline, for the composer and every field.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Composer, MotionDirection, MotionReach};

impl Composer {
    /// Edits as readline would; returns `false` if the key has no meaning here. `Enter`, `Tab`, `Esc`,
    /// `Up` and `Down` are left to the caller.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        use MotionDirection::{Backward, Forward};
        use MotionReach::{Cluster, Line, Row, SpacedWord, Word};
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match (key.code, ctrl, alt) {
            (KeyCode::Char(letter), false, false) => self.insert_char(letter),
            (KeyCode::Char('a'), true, _) | (KeyCode::Home, false, _) => _ = self.move_cursor(Backward, Row),
            (KeyCode::Char('e'), true, _) | (KeyCode::End, false, _) => _ = self.move_cursor(Forward, Row),
            (KeyCode::Char('b'), true, _) | (KeyCode::Left, false, false) => _ = self.move_cursor(Backward, Cluster),
            (KeyCode::Char('f'), true, _) | (KeyCode::Right, false, false) => _ = self.move_cursor(Forward, Cluster),
            (KeyCode::Char('b'), _, true) | (KeyCode::Left, _, _) => _ = self.move_cursor(Backward, Word),
            (KeyCode::Char('f'), _, true) | (KeyCode::Right, _, _) => _ = self.move_cursor(Forward, Word),
            (KeyCode::Char('h'), true, _) | (KeyCode::Backspace, false, false) => _ = self.delete(Backward, Cluster),
            (KeyCode::Char('d'), true, _) | (KeyCode::Delete, false, false) => _ = self.delete(Forward, Cluster),
            (KeyCode::Char('k'), true, _) => _ = self.kill(Forward, Line),
            (KeyCode::Char('u'), true, _) => _ = self.kill(Backward, Line),
            (KeyCode::Char('w'), true, _) => _ = self.kill(Backward, SpacedWord),
            (KeyCode::Backspace, _, _) => _ = self.kill(Backward, Word),
            (KeyCode::Char('d'), _, true) | (KeyCode::Delete, _, _) => _ = self.kill(Forward, Word),
            (KeyCode::Char('y'), true, _) => self.yank(),
            // A terminal without an extended protocol sends the same byte for `^_`, `^/` and `^7`.
            (KeyCode::Char('_' | '-' | '/' | '7'), true, _) => _ = self.undo(),
            _ => return false,
        }
        true
    }
}
