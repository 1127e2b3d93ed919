//! Draws the state: which widget goes where.

use ratatui::Frame;

use crate::{app::State, chat::Timestamp};

/// Paints one frame; changes nothing.
pub fn draw(_state: &State, _now: Timestamp, _frame: &mut Frame) {}
