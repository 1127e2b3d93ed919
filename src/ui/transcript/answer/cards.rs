//! The card below an answer: a failure with its remedies, or a call that waits for approval.

use super::{AnswerPart, SectionBuilder};
use crate::{
    chat::{AnswerEnd, Turn, TurnPhase, choices, explain, tool_call},
    render::{
        row::{StyledSpan, TextStyle},
        theme::ColourRole,
    },
    ui::reading::tool_text,
    ui::transcript::{
        approval,
        card_rows::{self, CardHints},
        error_card,
    },
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
        if self.answer.end == AnswerEnd::Stopped {
            self.push_stopped(part);
            return;
        }
        let turn = self.turn.filter(|_| self.answer.end == AnswerEnd::Open);
        let Some(explanation) = explain::explain(self.answer, turn) else { return };
        let hints = self.choice_hints(turn);
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

    /// The line below an answer that the user stopped, with the ways on while it is the newest.
    fn push_stopped(&mut self, part: &AnswerPart) {
        let (width, marks) = (self.barred_width(), &self.layout.options.look.marks);
        let is_priced = self.answer.usage.as_ref().is_some_and(|usage| usage.cost.is_some());
        let mut words = vec![StyledSpan::new("stopped by you", TextStyle::of(ColourRole::Warning).bold())];
        if !is_priced {
            let bill = format!(" {} you may still be billed", marks.dot);
            words.push(StyledSpan::new(bill, TextStyle::of(ColourRole::Muted)));
        }
        let rows = card_rows::line_with_choices(words, &self.choice_hints(None), width, marks);
        self.push_rows_with_bar(part, 1, ColourRole::Warning, rows);
    }

    /// The choices of the newest answer with their keys; older cards keep their words only.
    fn choice_hints(&self, turn: Option<&Turn>) -> CardHints {
        if !self.context.is_last {
            return CardHints::default();
        }
        error_card::card_hints(
            &choices::card_choices(self.answer, turn),
            self.context.enter,
            &self.layout.options.keymap,
            self.context.is_card_focused,
        )
    }

    /// The card of the first call that waits for approval.
    fn push_approval(&mut self, part: &AnswerPart) {
        let mut asking = self.answer.call_runs.values().filter(|run| run.state == tool_call::ToolCallState::Asking);
        let Some(run) = asking.next() else { return };
        let turn = self.turn.filter(|_| self.context.is_last);
        let hints = if turn.is_some() { self.choice_hints(turn) } else { CardHints::default() };
        let tools = &self.context.conversation.context.tools;
        let doubt = run.tool.as_ref().and_then(|id| tools.name_doubt(id));
        let grants = &self.context.conversation.settings.tools.grants;
        let doubted_grant = run
            .tool
            .as_ref()
            .and_then(|id| tool_text::doubted_grant(&tools.grant_state(id, grants), tools.policy.is_unconfirmed(id)));
        let asked = approval::ApprovalRequest {
            run,
            tool: run.tool.as_ref().and_then(|id| tools.get(id)),
            command: run.tool.as_ref().and_then(|id| tools.command(id)),
            doubt: doubt.as_ref(),
            doubted_grant: doubted_grant.as_deref(),
            others_waiting: asking.count(),
        };
        let marks = &self.layout.options.look.marks;
        let rows = approval::approval_rows(asked, &hints, self.layout.width, marks, &mut self.laid.call_rows);
        self.push_rows(part, 1, rows);
    }
}
