//! Prompts that wait for the current turn to end, shown below the last message.

use ratatui::style::Modifier;

use super::{ReadingOptions, hit_test::keys_at_cell};
use crate::{
    chat::{
        Conversation, QueueHolder, QueuedPrompt,
        choices::{EmptyEnter, on_empty_enter},
    },
    ui::Action,
};
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
    prompts: Vec<QueuedPrompt>,
    width: usize,
    keys: QueueKeys,
    pub rows: Vec<StyledRow>,
}

/// The keys that send the first prompt and take the last one back, as the screen shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueKeys {
    /// Empty while a turn runs, which sends them itself, and while `Enter` does something else.
    pub send: String,
    pub edit: String,
}

impl QueueKeys {
    /// The keys that work now.
    pub(crate) fn of(conversation: &Conversation, options: &ReadingOptions) -> Self {
        let can_send = on_empty_enter(conversation) == EmptyEnter::SendQueued;
        let keys = |action| options.keymap.keys_of(action).unwrap_or_default();
        let shown = |keys: String| match &*keys {
            "Enter" => options.look.marks.enter.to_owned(),
            "Up" => options.look.marks.up_down.strip_suffix('↓').unwrap_or("Up").to_owned(),
            _ => keys,
        };
        Self {
            send: if can_send { shown(keys(Action::Send)) } else { String::new() },
            edit: shown(keys(Action::OlderPrompt)),
        }
    }
}

impl QueuedPrompts {
    /// The most rows shown of one queued prompt.
    const MAX_ROWS: usize = 3;

    pub(super) fn sync(&mut self, prompts: &[QueuedPrompt], width: usize, keys: QueueKeys, options: &ReadingOptions) {
        if self.prompts == prompts && self.width == width && self.keys == keys {
            return;
        }
        self.prompts = prompts.to_vec();
        self.width = width;
        self.keys = keys;
        let muted = TextStyle::of(ColourRole::Muted);
        self.rows.clear();
        for prompt in prompts {
            self.rows.push(StyledRow::blank());
            let holder = match prompt.holder {
                QueueHolder::Here => "",
                QueueHolder::Elsewhere => " in another running ibid, which sends it",
            };
            let head = vec![
                StyledSpan::new(format!("{} ", options.look.marks.waiting), muted),
                StyledSpan::new("queued", muted.with_modifiers(Modifier::BOLD)),
                StyledSpan::new(holder, muted),
            ];
            self.rows.push(self.head_row(head, prompt));
            let prompt = text::clean(&prompt.text);
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

    /// Returns what the key at a cell of a row does.
    pub(super) fn action_at(&self, row: usize, cell: usize) -> Option<Action> {
        let keys = keys_at_cell(&self.rows.get(row)?.spans, cell)?;
        let actions = [(&self.keys.send, Action::Send), (&self.keys.edit, Action::OlderPrompt)];
        actions.into_iter().find_map(|(shown, action)| (shown == keys).then_some(action))
    }

    /// The head of a prompt, with the keys that act on it at the right.
    fn head_row(&self, head: Vec<StyledSpan>, prompt: &QueuedPrompt) -> StyledRow {
        let mut here = self.prompts.iter().filter(|prompt| prompt.holder == QueueHolder::Here);
        let is_at = |other: Option<&QueuedPrompt>| other.is_some_and(|other| other.id == prompt.id);
        let sends = is_at(here.clone().next()).then_some((&*self.keys.send, "send now"));
        let edits = is_at(here.next_back()).then_some((&*self.keys.edit, "edit"));
        let mut hints = Vec::new();
        for (key, word) in sends.into_iter().chain(edits).filter(|(key, _)| !key.is_empty()) {
            if !hints.is_empty() {
                hints.push(StyledSpan::new("   ", TextStyle::of(ColourRole::Text)));
            }
            hints.push(StyledSpan::new(key, TextStyle::of(ColourRole::Accent)));
            hints.push(StyledSpan::new(format!(" {word}"), TextStyle::of(ColourRole::Muted)));
        }
        let mut row = StyledRow::new(RowKind::Queued, head).truncated(self.width);
        let (left, right) = (row.width(), hints.iter().map(StyledSpan::width).sum::<usize>());
        if right > 0 && left + 2 + right <= self.width {
            row.spans.push(StyledSpan::new(" ".repeat(self.width - left - right), TextStyle::of(ColourRole::Text)));
            row.spans.extend(hints);
        }
        row
    }
}
