//! Prompts that wait for the present turn, below the last message.

use ratatui::style::Modifier;

use super::ReadingOptions;
use crate::{
    text,
    widgets::{
        row::{Ink, Row, RowKind, Span},
        theme::Role,
    },
};

/// Their rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    prompts: Vec<String>,
    width: usize,
    pub rows: Vec<Row>,
}

impl Queue {
    /// At most this many rows of a waiting prompt are shown.
    const ROWS: usize = 3;

    pub fn sync(&mut self, prompts: &[String], width: usize, options: &ReadingOptions) {
        if self.prompts == prompts && self.width == width {
            return;
        }
        self.prompts = prompts.to_vec();
        self.width = width;
        let muted = Ink::of(Role::Muted);
        self.rows.clear();
        for prompt in prompts {
            self.rows.push(Row::blank());
            let head = vec![
                Span::new(format!("{} ", options.look.marks.waiting), muted),
                Span::new("queued", muted.with(Modifier::BOLD)),
            ];
            self.rows.push(Row::new(RowKind::Queued, head).cut(width));
            let prompt = text::clean(prompt);
            let measure = text::wrap::Measure { first: width, rest: width, glued: &[] };
            let pieces = text::wrap::wrap(&prompt, measure);
            for (nth, piece) in pieces.iter().take(Self::ROWS).enumerate() {
                let mut words = prompt[piece.start..piece.end].to_owned();
                if nth + 1 == Self::ROWS && pieces.len() > Self::ROWS {
                    words = text::truncate(&(words + " … …"), width).into_owned();
                    words = words.trim_end_matches([' ', '…']).to_owned() + options.look.marks.ellipsis;
                    words = text::truncate(&words, width).into_owned();
                }
                self.rows.push(Row::new(RowKind::Queued, vec![Span::new(words, muted)]));
            }
        }
    }
}
