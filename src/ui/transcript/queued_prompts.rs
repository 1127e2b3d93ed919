//! Prompts that wait for the current turn to end, shown below the last message.

use ratatui::style::Modifier;

use super::ReadingOptions;
use crate::{
    render::{
        row::{RowKind, StyledRow, StyledSpan, TextStyle},
        theme::ColourRole,
    },
    text,
};

/// The queued prompts and their rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueuedPrompts {
    prompts: Vec<String>,
    width: usize,
    pub rows: Vec<StyledRow>,
}

impl QueuedPrompts {
    /// The most rows shown of one queued prompt.
    const MAX_ROWS: usize = 3;

    pub(super) fn sync(&mut self, prompts: &[String], width: usize, options: &ReadingOptions) {
        if self.prompts == prompts && self.width == width {
            return;
        }
        self.prompts = prompts.to_vec();
        self.width = width;
        let muted = TextStyle::of(ColourRole::Muted);
        self.rows.clear();
        for prompt in prompts {
            self.rows.push(StyledRow::blank());
            let head = vec![
                StyledSpan::new(format!("{} ", options.look.marks.waiting), muted),
                StyledSpan::new("queued", muted.with_modifiers(Modifier::BOLD)),
            ];
            self.rows.push(StyledRow::new(RowKind::Queued, head).truncated(width));
            let prompt = text::clean(prompt);
            let measure = text::wrap::WrapOptions { first_width: width, rest_width: width, glued: &[] };
            let lines = text::wrap::wrap(&prompt, measure);
            for (nth, piece) in lines.iter().take(Self::MAX_ROWS).enumerate() {
                let mut shown = prompt[piece.start..piece.end].to_owned();
                if nth + 1 == Self::MAX_ROWS && lines.len() > Self::MAX_ROWS {
                    shown = text::truncate(&(shown + " … …"), width).into_owned();
                    shown = shown.trim_end_matches([' ', '…']).to_owned() + options.look.marks.ellipsis;
                    shown = text::truncate(&shown, width).into_owned();
                }
                self.rows.push(StyledRow::new(RowKind::Queued, vec![StyledSpan::new(shown, muted)]));
            }
        }
    }
}
