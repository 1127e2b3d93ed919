//! What a reader can do about an answer that did not go well, on keys of its card.

use super::{Answer, End, Halt, Stage, Turn};
use crate::{
    api::{Error, Fact, Fault, request::Wish},
    tools::Toolbox,
};

/// One thing to do, with a letter and a few words; the first of a card is what Enter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Try again now instead of when it is due.
    Now,
    GiveUp,
    Retry,
    /// 402: the credit affords only so many tokens.
    RetryWithTokens(u32),
    AnotherModel,
    /// Without a wish of ours that left no provider, once.
    Relax(Wish),
    /// The oldest turns are no longer sent.
    LeaveOutOldest,
    Continue,
    EnterKey,
    OpenCredits,
    ChooseEffort,
    Settings,
    SaveAgain,
    SendUnsaved,
    /// A turn that has used tools for long goes on, or does not.
    GoOn,
    StopHere,
    /// A call that asks.
    Call(Approval),
}

/// What one can say to a call that asks; never by Enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    Once,
    ForConversation,
    Always,
    Edit,
    Deny,
    DenyWithReason,
}

impl Choice {
    /// The letter that takes it when the card has the focus.
    pub fn key(self) -> char {
        match self {
            Self::Now => 'n',
            Self::GiveUp => 'g',
            Self::Retry => 'r',
            Self::RetryWithTokens(_) => 't',
            Self::AnotherModel => 'm',
            Self::Relax(_) => 'w',
            Self::LeaveOutOldest => 'o',
            Self::Continue => 'c',
            Self::EnterKey => 'k',
            Self::OpenCredits => 'b',
            Self::ChooseEffort => 'e',
            Self::Settings => 's',
            Self::SaveAgain => 'a',
            Self::SendUnsaved => 'u',
            Self::GoOn => 'y',
            Self::StopHere => 'n',
            Self::Call(Approval::Once) => 'y',
            Self::Call(Approval::ForConversation) => 's',
            Self::Call(Approval::Always) => 'a',
            Self::Call(Approval::Edit) => 'e',
            Self::Call(Approval::Deny) => 'n',
            Self::Call(Approval::DenyWithReason) => 'N',
        }
    }

    /// What stands beside the key.
    pub fn words(self) -> String {
        match self {
            Self::Now => "now".into(),
            Self::GiveUp => "give up".into(),
            Self::Retry => "try again".into(),
            Self::RetryWithTokens(tokens) => format!("try again with {tokens} tokens"),
            Self::AnotherModel => "another model".into(),
            Self::Relax(wish) => format!("once without {}", wish.words()),
            Self::LeaveOutOldest => "leave out the oldest turns".into(),
            Self::Continue => "continue".into(),
            Self::EnterKey => "enter a key".into(),
            Self::OpenCredits => "buy credits".into(),
            Self::ChooseEffort => "choose an effort".into(),
            Self::Settings => "settings".into(),
            Self::SaveAgain => "save again".into(),
            Self::SendUnsaved => "send all the same".into(),
            Self::GoOn => "go on".into(),
            Self::StopHere => "stop here".into(),
            Self::Call(approval) => match approval {
                Approval::Once => "once",
                Approval::ForConversation => "for this conversation",
                Approval::Always => "always",
                Approval::Edit => "edit",
                Approval::Deny => "deny",
                Approval::DenyWithReason => "deny and say why",
            }
            .into(),
        }
    }

    /// Whether Enter takes it, where it is the first: nothing runs that nobody meant to run.
    pub fn by_enter(self) -> bool {
        !matches!(self, Self::Call(_) | Self::GoOn | Self::StopHere)
    }
}

/// The choices for an answer and the turn that writes it, if one still does; the default first.
pub fn choices(answer: &Answer, turn: Option<&Turn>) -> Vec<Choice> {
    let Some(turn) = turn else { return after_end(answer) };
    match turn.phase.halt() {
        Some(Halt::Waiting(_)) => vec![Choice::Now, Choice::GiveUp, Choice::AnotherModel],
        Some(Halt::Unsaved(_)) => vec![Choice::SaveAgain, Choice::SendUnsaved, Choice::GiveUp],
        Some(Halt::Paused(_)) => vec![Choice::GoOn, Choice::StopHere],
        Some(Halt::Calling) => approvals(answer, &turn.context.tools),
        None => Vec::new(),
    }
}

/// What can be said to the first call that asks; one whose name is in doubt is never allowed for ever.
fn approvals(answer: &Answer, tools: &Toolbox) -> Vec<Choice> {
    let Some(run) = answer.runs.values().find(|run| run.stage == Stage::Asking) else { return Vec::new() };
    let in_doubt = run.tool.as_ref().is_none_or(|tool| tools.doubt(tool).is_some());
    let all = [
        Approval::Once,
        Approval::ForConversation,
        Approval::Always,
        Approval::Edit,
        Approval::Deny,
        Approval::DenyWithReason,
    ];
    all.into_iter().filter(|approval| !(in_doubt && *approval == Approval::Always)).map(Choice::Call).collect()
}

fn after_end(answer: &Answer) -> Vec<Choice> {
    let ways = match &answer.end {
        End::Open | End::Complete | End::Stopped => return Vec::new(),
        End::Interrupted => vec![Choice::Retry, Choice::AnotherModel],
        End::Incomplete { reason } if reason.as_deref() == Some("content_filter") => {
            return vec![Choice::Retry, Choice::AnotherModel];
        }
        // Its limit or its context was full before the first word: the same again is as full.
        End::Incomplete { reason } if reason.as_deref() == Some("max_output_tokens") && answer.text().is_empty() => {
            vec![Choice::Settings, Choice::AnotherModel, Choice::LeaveOutOldest, Choice::Retry]
        }
        End::Incomplete { .. } => vec![Choice::Retry, Choice::Settings, Choice::AnotherModel],
        End::Failed(error) => after_failure(error),
    };
    let go_on = (!answer.text().is_empty()).then_some(Choice::Continue);
    go_on.into_iter().chain(ways).collect()
}

fn after_failure(error: &Error) -> Vec<Choice> {
    let relax = error.facts.iter().find_map(|fact| match fact {
        Fact::Relaxable(wish) => Some(Choice::Relax(*wish)),
        _ => None,
    });
    relax.into_iter().chain(after_fault(error)).collect()
}

fn after_fault(error: &Error) -> Vec<Choice> {
    match error.fault {
        // The same again fails again until midnight.
        Fault::Rate if error.facts.contains(&Fact::FreeQuotaOfTheDay) => {
            vec![Choice::AnotherModel, Choice::OpenCredits, Choice::Retry]
        }
        Fault::Connect | Fault::Silence | Fault::Cut | Fault::Empty | Fault::Server | Fault::Rate => {
            vec![Choice::Retry, Choice::AnotherModel]
        }
        // Entered is the key of OpenRouter, and its credits are bought there.
        Fault::Key | Fault::Credit if error.facts.contains(&Fact::Elsewhere) => {
            vec![Choice::Retry, Choice::AnotherModel]
        }
        Fault::Key => vec![Choice::EnterKey, Choice::Retry],
        Fault::Credit if is_of_key(error) => vec![Choice::EnterKey, Choice::Retry, Choice::AnotherModel],
        Fault::Credit => affordable(error)
            .map(Choice::RetryWithTokens)
            .into_iter()
            .chain([Choice::OpenCredits, Choice::Retry, Choice::AnotherModel, Choice::EnterKey])
            .collect(),
        Fault::Forbidden | Fault::Model => vec![Choice::AnotherModel, Choice::Retry],
        Fault::Length => vec![Choice::LeaveOutOldest, Choice::AnotherModel, Choice::Settings, Choice::Retry],
        Fault::Request if is_redirect(error) => vec![Choice::Retry, Choice::AnotherModel],
        Fault::Request if error.facts.iter().any(|fact| matches!(fact, Fact::Efforts(_))) => {
            vec![Choice::ChooseEffort, Choice::Retry, Choice::AnotherModel]
        }
        Fault::Request => vec![Choice::Settings, Choice::AnotherModel, Choice::Retry],
        Fault::Garbage => vec![Choice::Retry, Choice::AnotherModel],
    }
}

/// The server sends us to another address.
pub(super) fn is_redirect(error: &Error) -> bool {
    error.status.is_some_and(|status| (300..400).contains(&status))
}

/// The budget of the key is spent, not the credit of the account.
pub(super) fn is_of_key(error: &Error) -> bool {
    error.fault == Fault::Credit && error.status == Some(403)
}

/// The tokens that the credit is enough for, where the server told.
pub(super) fn affordable(error: &Error) -> Option<u32> {
    error.facts.iter().find_map(|fact| match fact {
        Fact::Affordable(tokens) if *tokens > 0 => Some(*tokens),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tools::ToolId;

    #[test]
    fn every_choice_has_a_key_of_its_own() {
        let all = [
            Choice::Now,
            Choice::GiveUp,
            Choice::Retry,
            Choice::RetryWithTokens(900),
            Choice::AnotherModel,
            Choice::Relax(Wish::NoTraining),
            Choice::LeaveOutOldest,
            Choice::Continue,
            Choice::EnterKey,
            Choice::OpenCredits,
            Choice::ChooseEffort,
            Choice::Settings,
            Choice::SaveAgain,
            Choice::SendUnsaved,
        ];
        assert_eq!(all.map(Choice::key).into_iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.into_iter().all(Choice::by_enter));
    }

    #[test]
    fn a_call_is_answered_by_letters_of_its_own_and_never_by_enter() {
        let mut answer = Answer::new("openrouter", "m", crate::chat::Timestamp::UNIX_EPOCH);
        let run = |tool: Option<ToolId>| crate::chat::Run {
            tool,
            arguments: serde_json::Value::Null,
            edited: false,
            stage: Stage::Asking,
            began: None,
            ended: None,
            progress: None,
            whole: None,
        };
        let mut keys = |tool: Option<ToolId>| {
            answer.runs.insert(crate::chat::Slot { step: 0, index: 0 }, run(tool));
            let all = approvals(&answer, &Toolbox::default());
            (all.iter().map(|choice| choice.key()).collect::<String>(), all)
        };
        let (letters, all) = keys(Some(ToolId::new("notes", "write")));
        assert_eq!(letters, "ysaenN");
        assert_eq!(keys(Some(ToolId::new("notes", "wri\u{200b}te"))).0, "ysenN", "not for ever");
        assert_eq!(keys(None).0, "ysenN");
        assert!(!all.into_iter().chain([Choice::GoOn, Choice::StopHere]).any(Choice::by_enter));
    }
}
