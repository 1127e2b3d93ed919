//! The card below an answer: what went wrong and what can be done, or a call that asks.

use super::{Builder, Part, Section};
use crate::{
    chat::{End, Phase, Turn, call, choices, explain},
    widgets::{approval, card, row::Gutter, theme::Role},
};

impl Builder<'_> {
    pub(super) fn card(&mut self) {
        if self.turn.is_some_and(|turn| turn.phase == Phase::Calling) {
            self.approval();
            return;
        }
        let waits =
            |turn: &Turn| matches!(turn.phase, Phase::Waiting { .. } | Phase::Unsaved { .. } | Phase::Paused(_));
        let waits = self.turn.is_some_and(waits);
        if self.answer.end == End::Open && !waits {
            return;
        }
        let turn = self.turn.filter(|_| self.answer.end == End::Open);
        let Some(words) = explain::explain(self.answer, turn) else { return };
        let choices = if self.context.is_last { choices::choices(self.answer, turn) } else { Vec::new() };
        let role = match &self.answer.end {
            End::Failed(_) => Role::Error,
            End::Open | End::Complete | End::Incomplete { .. } | End::Stopped | End::Interrupted => Role::Warning,
        };
        let width = self.layout.width.saturating_sub(2).max(1);
        let marks = &self.layout.options.look.marks;
        let rows = card::rows(&words, role, &choices, card::wait(turn, self.context.now), width, marks);
        let bar = Some(Gutter { mark: marks.bar, role });
        self.sections.push(Section { bar, ..Section::own(Part::Card, 1, rows) });
    }

    /// The first call that asks.
    fn approval(&mut self) {
        let mut asking = self.answer.runs.values().filter(|run| run.stage == call::Stage::Asking);
        let Some(run) = asking.next() else { return };
        let turn = self.turn.filter(|_| self.context.is_last);
        let choices = if turn.is_some() { choices::choices(self.answer, turn) } else { Vec::new() };
        let tools = &self.context.conversation.context.tools;
        let doubt = run.tool.as_ref().and_then(|id| tools.doubt(id));
        let asked = approval::Asked {
            run,
            tool: run.tool.as_ref().and_then(|id| tools.get(id)),
            command: run.tool.as_ref().and_then(|id| tools.command(id)),
            doubt: doubt.as_ref(),
            more: asking.count(),
        };
        let marks = &self.layout.options.look.marks;
        let rows = approval::rows(asked, &choices, self.layout.width.saturating_sub(2).max(1), marks);
        let bar = Some(Gutter { mark: marks.bar, role: Role::Warning });
        self.sections.push(Section { bar, ..Section::own(Part::Card, 1, rows) });
    }
}
