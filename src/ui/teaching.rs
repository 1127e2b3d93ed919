//! Hints that teach a key where it would have helped: each at most twice, which the database remembers.

use std::collections::BTreeMap;

use super::{Action, Effect, cx::Cx, toasts::ToastSubject};
use crate::{
    chat::{ConversationChange, MessageId},
    config::CopyOnSelect,
};

/// How often a hint is shown in all.
const MOST_TIMES: u32 = 2;
/// An answer of that many bytes fills more than a screen.
const LONG_ANSWER_BYTES: usize = 1_500;

/// Something to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TeachingHint {
    /// What copies a selection, after a drag.
    CopySelection,
    /// What copies and reads an answer, after a long one.
    ReadAnswer,
}

/// How often each hint was shown, once the database has reported it.
#[derive(Debug, Clone, Default)]
pub struct TaughtHints {
    times: Option<BTreeMap<String, u32>>,
    /// A hint is shown once in a run.
    in_this_run: Vec<TeachingHint>,
}

impl TeachingHint {
    fn name(self) -> &'static str {
        match self {
            Self::CopySelection => "copy selection",
            Self::ReadAnswer => "read answer",
        }
    }

    fn text(self, cx: &Cx<'_>) -> String {
        let keys = |action: Action| cx.env.keymap.keys_of(action).unwrap_or_else(|| action.entry().name.into());
        let dot = cx.env.theme.marks.dot;
        match self {
            Self::CopySelection => {
                format!("{} copies {dot} Shift-drag selects as the terminal does", keys(Action::Cancel))
            }
            Self::ReadAnswer => {
                format!("{} copies it {dot} {} reads it", keys(Action::CopyAnswer), keys(Action::FocusNext))
            }
        }
    }
}

impl TaughtHints {
    /// Takes over what the database remembers.
    pub(crate) fn on_loaded(&mut self, times: Vec<(String, u32)>) {
        self.times = Some(times.into_iter().collect());
    }

    /// Counts a hint; returns how often it was shown with this time, or nothing if it is not to be shown.
    fn count(&mut self, hint: TeachingHint) -> Option<u32> {
        let times = self.times.as_mut()?.entry(hint.name().to_owned()).or_default();
        if *times >= MOST_TIMES || self.in_this_run.contains(&hint) {
            return None;
        }
        *times += 1;
        self.in_this_run.push(hint);
        Some(*times)
    }
}

/// Shows a hint if it was not shown often enough yet.
fn teach(cx: &mut Cx<'_>, hint: TeachingHint) {
    if let Some(times) = cx.chats.taught_hints.count(hint) {
        let text = hint.text(cx);
        let subject = match hint {
            TeachingHint::CopySelection => ToastSubject::Selection,
            TeachingHint::ReadAnswer => ToastSubject::Writing(cx.chats.content.conversation_id()),
        };
        cx.show_while(subject, text);
        let change = ConversationChange::HintShown { name: hint.name().to_owned(), times };
        let save: Effect = cx.chats.saves.save(vec![change], None);
        cx.effects.push(save);
    }
}

/// Teaches what copies a selection, unless a drag copies already.
pub(crate) fn on_drag(cx: &mut Cx<'_>) {
    if cx.env.config.copy_on_select == CopyOnSelect::Off {
        teach(cx, TeachingHint::CopySelection);
    }
}

/// Teaches what reads and copies an answer, after a long one on the screen.
pub(crate) fn on_answer_ended(cx: &mut Cx<'_>, answer: MessageId) {
    let is_long = cx
        .chats
        .current_conversation()
        .and_then(|conversation| conversation.messages.get(&answer)?.as_answer())
        .is_some_and(|answer| {
            answer.end == crate::chat::AnswerEnd::Complete && answer.text().len() > LONG_ANSWER_BYTES
        });
    if is_long {
        teach(cx, TeachingHint::ReadAnswer);
    }
}
