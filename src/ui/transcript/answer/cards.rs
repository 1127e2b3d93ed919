//! The card below an answer: a failure with its remedies, or a call that waits for approval.

use super::{AnswerPart, SectionBuilder};
use crate::{
    chat::{AnswerEnd, Turn, TurnPhase, choices, explain, tool_call},
    render::theme::ColourRole,
    ui::transcript::{approval, card_rows, error_card},
};

impl SectionBuilder<'_> {
    pub(crate) fn push_card(&mut self, part: &AnswerPart) {
        if self.turn.is_some_and(|turn| turn.phase == TurnPhase::Calling) {
            self.push_approval(part);
            return;
        }
        let waits = |turn: &Turn| {
            matches!(turn.phase, TurnPhase::AwaitingRetry { .. } | TurnPhase::SaveFailed { .. } | TurnPhase::Paused(_))
        };
        let waits = self.turn.is_some_and(waits);
        if self.answer.end == AnswerEnd::Open && !waits {
            return;
        }
        let turn = self.turn.filter(|_| self.answer.end == AnswerEnd::Open);
        let Some(explanation) = explain::explain(self.answer, turn) else { return };
        let choices = if self.context.is_last { choices::card_choices(self.answer, turn) } else { Vec::new() };
        let hints = error_card::card_hints(&choices, &self.layout.options.keymap, self.context.is_card_focused);
        let role = match &self.answer.end {
            AnswerEnd::Failed(_) => ColourRole::Error,
            AnswerEnd::Open
            | AnswerEnd::Complete
            | AnswerEnd::Incomplete { .. }
            | AnswerEnd::Stopped
            | AnswerEnd::Interrupted => ColourRole::Warning,
        };
        let (width, marks) = (self.barred_width(), &self.layout.options.look.marks);
        let wait = card_rows::retry_wait(turn, self.context.now);
        let rows = card_rows::card_rows(&explanation, role, &hints, wait, width, marks);
        self.push_rows_with_bar(part, 1, role, rows);
    }

    /// The card of the first call that waits for approval.
    fn push_approval(&mut self, part: &AnswerPart) {
        let mut asking = self.answer.call_runs.values().filter(|run| run.state == tool_call::ToolCallState::Asking);
        let Some(run) = asking.next() else { return };
        let turn = self.turn.filter(|_| self.context.is_last);
        let choices = if turn.is_some() { choices::card_choices(self.answer, turn) } else { Vec::new() };
        let hints = error_card::card_hints(&choices, &self.layout.options.keymap, self.context.is_card_focused);
        let tools = &self.context.conversation.context.tools;
        let doubt = run.tool.as_ref().and_then(|id| tools.name_doubt(id));
        let asked = approval::ApprovalRequest {
            run,
            tool: run.tool.as_ref().and_then(|id| tools.get(id)),
            command: run.tool.as_ref().and_then(|id| tools.command(id)),
            doubt: doubt.as_ref(),
            others_waiting: asking.count(),
        };
        let marks = &self.layout.options.look.marks;
        let rows = approval::approval_rows(asked, &hints, self.layout.width, marks, &mut self.laid.call_rows);
        self.push_rows(part, 1, rows);
    }
}
