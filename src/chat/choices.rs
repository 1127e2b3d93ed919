//! The choices on the card of an answer that failed or needs a decision.

use super::{Answer, AnswerEnd, Conversation, ToolCallState, Turn, TurnBlock, explain::is_token_limit};
use crate::{
    api::{ApiError, ErrorFact, FaultKind, request::ProviderRequirement},
    tools::Toolbox,
};

/// One choice on a card, with its label; `Enter` takes the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardChoice {
    /// Retries now instead of when the retry is due.
    RetryNow,
    GiveUp,
    Retry,
    /// Answers the prompt of a stopped answer again.
    AnswerAgain,
    /// Retries with a token limit that the credit covers (status 402).
    RetryWithTokens(u32),
    ChooseModel,
    /// Retries once without a preference that excluded every provider.
    Relax(ProviderRequirement),
    /// Stops sending the oldest turns.
    LeaveOutOldest,
    Continue,
    EnterKey,
    OpenCredits,
    ChooseEffort,
    OpenSettings,
    RetrySave,
    SendUnsaved,
    /// Resumes a turn that was paused after many tool calls.
    Resume,
    StopTurn,
    /// Decides about a call that is asking.
    DecideCall(ApprovalChoice),
}

/// A decision about a call that is asking; never taken by `Enter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalChoice {
    Once,
    ForConversation,
    Always,
    Edit,
    Deny,
    DenyWithReason,
}

impl CardChoice {
    /// The label beside the key.
    pub fn label(self) -> String {
        match self {
            Self::RetryNow => "now".into(),
            Self::GiveUp => "give up".into(),
            Self::Retry => "try again".into(),
            Self::AnswerAgain => "again".into(),
            Self::RetryWithTokens(tokens) => format!("try again with {tokens} tokens"),
            Self::ChooseModel => "another model".into(),
            Self::Relax(wish) => format!("once without {}", wish.label()),
            Self::LeaveOutOldest => "leave out the oldest turns".into(),
            Self::Continue => "continue".into(),
            Self::EnterKey => "enter a key".into(),
            Self::OpenCredits => "buy credits".into(),
            Self::ChooseEffort => "choose an effort".into(),
            Self::OpenSettings => "sampling".into(),
            Self::RetrySave => "save again".into(),
            Self::SendUnsaved => "send anyway".into(),
            Self::Resume => "go on".into(),
            Self::StopTurn => "stop here".into(),
            Self::DecideCall(approval) => match approval {
                ApprovalChoice::Once => "allow once",
                ApprovalChoice::ForConversation => "allow in this conversation",
                ApprovalChoice::Always => "always allow this tool",
                ApprovalChoice::Edit => "edit the arguments",
                ApprovalChoice::Deny => "deny",
                ApprovalChoice::DenyWithReason => "deny and say why",
            }
            .into(),
        }
    }

    /// Whether `Enter` takes the choice if it is the first; nothing may run by accident.
    pub fn is_taken_by_enter(self) -> bool {
        !matches!(self, Self::DecideCall(_) | Self::Resume | Self::StopTurn | Self::AnswerAgain)
    }
}

/// What `Enter` does in an empty composer: the screen shows one live key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyEnter {
    Take(CardChoice),
    SendQueued,
    Nothing,
}

/// Returns what `Enter` does in an empty composer: the first choice of a failure, else the first queued prompt, else
/// it continues a stopped answer.
pub fn on_empty_enter(conversation: &Conversation) -> EmptyEnter {
    let answer = conversation.branch.last().and_then(|id| conversation.messages.get(id)?.as_answer());
    let turn = conversation.branch.last().and_then(|id| conversation.turn_of(*id));
    let choice = answer.and_then(|answer| card_choices(answer, turn).first().copied());
    let choice = choice.filter(|choice| choice.is_taken_by_enter());
    let is_stopped = answer.is_some_and(|answer| answer.end == AnswerEnd::Stopped);
    let can_send = conversation.active_turn().is_none() && conversation.next_queued().is_some();
    match choice {
        Some(choice) if !(is_stopped && can_send) => EmptyEnter::Take(choice),
        _ if can_send => EmptyEnter::SendQueued,
        _ => EmptyEnter::Nothing,
    }
}

/// The choices for an answer and its turn, if that is still running; the default comes first.
pub fn card_choices(answer: &Answer, turn: Option<&Turn>) -> Vec<CardChoice> {
    let Some(turn) = turn else { return choices_after_end(answer) };
    match turn.phase.block_reason() {
        Some(TurnBlock::AwaitingRetry(_)) => vec![CardChoice::RetryNow, CardChoice::GiveUp, CardChoice::ChooseModel],
        Some(TurnBlock::SaveFailed(_)) => vec![CardChoice::RetrySave, CardChoice::SendUnsaved, CardChoice::GiveUp],
        Some(TurnBlock::Paused(_)) => vec![CardChoice::Resume, CardChoice::StopTurn],
        Some(TurnBlock::Calling) => approval_choices(answer, &turn.context.tools),
        None => Vec::new(),
    }
}

/// The choices for the first call that is asking; a tool with a dubious name cannot be allowed permanently.
fn approval_choices(answer: &Answer, tools: &Toolbox) -> Vec<CardChoice> {
    let Some(run) = answer.call_runs.values().find(|run| run.state == ToolCallState::Asking) else { return Vec::new() };
    let is_dubious = run.tool.as_ref().is_none_or(|tool| tools.name_doubt(tool).is_some());
    let all = [
        ApprovalChoice::Once,
        ApprovalChoice::ForConversation,
        ApprovalChoice::Always,
        ApprovalChoice::Edit,
        ApprovalChoice::Deny,
        ApprovalChoice::DenyWithReason,
    ];
    all.into_iter()
        .filter(|approval| !(is_dubious && *approval == ApprovalChoice::Always))
        .map(CardChoice::DecideCall)
        .collect()
}

fn choices_after_end(answer: &Answer) -> Vec<CardChoice> {
    let alternatives = match &answer.end {
        AnswerEnd::Open | AnswerEnd::Complete => return Vec::new(),
        AnswerEnd::Stopped => vec![CardChoice::AnswerAgain],
        AnswerEnd::Interrupted => vec![CardChoice::Retry, CardChoice::ChooseModel],
        AnswerEnd::Incomplete { reason }
            if matches!(reason.as_deref(), Some("content_filter" | "safety" | "content_policy_violation")) =>
        {
            return vec![CardChoice::Retry, CardChoice::ChooseModel];
        }
        // Its limit or its context was full before any text, so the same request would fail the same way.
        AnswerEnd::Incomplete { reason }
            if reason.as_deref().is_some_and(is_token_limit) && answer.text().is_empty() =>
        {
            vec![CardChoice::OpenSettings, CardChoice::ChooseModel, CardChoice::LeaveOutOldest, CardChoice::Retry]
        }
        AnswerEnd::Incomplete { .. } => vec![CardChoice::Retry, CardChoice::OpenSettings, CardChoice::ChooseModel],
        AnswerEnd::Failed(error) => choices_after_failure(error),
    };
    let go_on = (!answer.text().is_empty()).then_some(CardChoice::Continue);
    go_on.into_iter().chain(alternatives).collect()
}

fn choices_after_failure(error: &ApiError) -> Vec<CardChoice> {
    let relax = error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Relaxable(wish) => Some(CardChoice::Relax(*wish)),
        _ => None,
    });
    relax.into_iter().chain(choices_for_fault(error)).collect()
}

fn choices_for_fault(error: &ApiError) -> Vec<CardChoice> {
    match error.fault {
        // The same request fails until midnight.
        FaultKind::Rate if error.facts.contains(&ErrorFact::FreeQuotaOfTheDay) => {
            vec![CardChoice::ChooseModel, CardChoice::OpenCredits, CardChoice::Retry]
        }
        FaultKind::Length if error.obstacle().is_some() => {
            vec![CardChoice::LeaveOutOldest, CardChoice::Retry, CardChoice::ChooseModel]
        }
        FaultKind::Connect
        | FaultKind::Silence
        | FaultKind::Cut
        | FaultKind::Empty
        | FaultKind::Server
        | FaultKind::Rate => {
            vec![CardChoice::Retry, CardChoice::ChooseModel]
        }
        // The key that can be entered is OpenRouter's, and credits are bought there.
        FaultKind::Key | FaultKind::Credit if error.facts.contains(&ErrorFact::Elsewhere) => {
            vec![CardChoice::Retry, CardChoice::ChooseModel]
        }
        FaultKind::Key => vec![CardChoice::EnterKey, CardChoice::Retry],
        FaultKind::Credit if is_key_budget(error) => {
            vec![CardChoice::EnterKey, CardChoice::Retry, CardChoice::ChooseModel]
        }
        FaultKind::Credit => affordable_tokens(error)
            .map(CardChoice::RetryWithTokens)
            .into_iter()
            .chain([CardChoice::OpenCredits, CardChoice::Retry, CardChoice::ChooseModel, CardChoice::EnterKey])
            .collect(),
        FaultKind::Forbidden | FaultKind::Model => vec![CardChoice::ChooseModel, CardChoice::Retry],
        FaultKind::Length => {
            vec![CardChoice::LeaveOutOldest, CardChoice::ChooseModel, CardChoice::OpenSettings, CardChoice::Retry]
        }
        FaultKind::Request if is_redirect(error) => vec![CardChoice::Retry, CardChoice::ChooseModel],
        FaultKind::Request if error.facts.iter().any(|fact| matches!(fact, ErrorFact::Efforts(_))) => {
            vec![CardChoice::ChooseEffort, CardChoice::Retry, CardChoice::ChooseModel]
        }
        FaultKind::Request => vec![CardChoice::OpenSettings, CardChoice::ChooseModel, CardChoice::Retry],
        FaultKind::Garbage => vec![CardChoice::Retry, CardChoice::ChooseModel],
    }
}

/// Whether the server redirected the request to another address.
pub(super) fn is_redirect(error: &ApiError) -> bool {
    error.status.is_some_and(|status| (300..400).contains(&status))
}

/// Whether the budget of the key is spent, rather than the credit of the account.
pub(super) fn is_key_budget(error: &ApiError) -> bool {
    error.fault == FaultKind::Credit && error.status == Some(403)
}

/// The number of tokens that the credit covers, if the server reports it.
pub(super) fn affordable_tokens(error: &ApiError) -> Option<u32> {
    error.facts.iter().find_map(|fact| match fact {
        ErrorFact::Affordable(tokens) if *tokens > 0 => Some(*tokens),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::ToolId;

    #[test]
    fn enter_takes_every_choice_about_a_failure() {
        let all = [
            CardChoice::RetryNow,
            CardChoice::GiveUp,
            CardChoice::Retry,
            CardChoice::RetryWithTokens(900),
            CardChoice::ChooseModel,
            CardChoice::Relax(ProviderRequirement::NoTraining),
            CardChoice::LeaveOutOldest,
            CardChoice::Continue,
            CardChoice::EnterKey,
            CardChoice::OpenCredits,
            CardChoice::ChooseEffort,
            CardChoice::OpenSettings,
            CardChoice::RetrySave,
            CardChoice::SendUnsaved,
        ];
        assert!(all.into_iter().all(CardChoice::is_taken_by_enter));
    }

    #[test]
    fn a_call_is_never_decided_by_enter_and_a_dubious_tool_never_allowed_permanently() {
        let mut answer = Answer::new("openrouter", "m", crate::chat::Timestamp::UNIX_EPOCH);
        let run = |tool: Option<ToolId>| crate::chat::ToolCallRun {
            tool,
            arguments: serde_json::Value::Null,
            edited: false,
            state: ToolCallState::Asking,
            started_at: None,
            ended_at: None,
            progress: None,
            full_size: None,
        };
        let mut offered = |tool: Option<ToolId>| {
            answer.call_runs.insert(crate::chat::ItemSlot { step: 0, index: 0 }, run(tool));
            approval_choices(&answer, &Toolbox::default())
        };
        let all = offered(Some(ToolId::new("notes", "write")));
        assert_eq!(all.len(), 6);
        let always = CardChoice::DecideCall(ApprovalChoice::Always);
        let others: Vec<CardChoice> = all.iter().copied().filter(|choice| *choice != always).collect();
        assert_eq!(offered(Some(ToolId::new("notes", "wri\u{200b}te"))), others, "not permanently");
        assert_eq!(offered(None), others);
        assert!(!all.into_iter().chain([CardChoice::Resume, CardChoice::StopTurn]).any(CardChoice::is_taken_by_enter));
    }
}
