//! Notifications for a user who is not looking: an answer has ended, failed, or waits for a decision.

use super::{Effect, chats::Chats, cx::Cx, effect::UserNotification, environment::Environment};
use crate::{
    chat::{AnswerEnd, Conversation, ConversationId, Message, MessageId, Turn, TurnBlock, tool_call::ToolCallState},
    config::{DesktopNotification, NotifyWhen},
    text,
};

/// The longest title in a notification, in cells.
const MAX_TITLE_WIDTH: usize = 60;

/// Whether the terminal has the focus, and what happened while it did not.
#[derive(Debug, Clone, Default)]
pub struct NotificationState {
    focus: TerminalFocus,
    unseen: Option<UnseenOutcome>,
    /// The window title that was set last.
    window_title: Option<String>,
}

impl NotificationState {
    pub(crate) fn has_focus(&self) -> bool {
        self.focus == TerminalFocus::Focused
    }
}

/// Whether the terminal has the focus. One that never reports it is assumed to have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TerminalFocus {
    #[default]
    Focused,
    Unfocused,
}

/// The last event while the terminal did not have the focus.
#[derive(Debug, Clone)]
struct UnseenOutcome {
    outcome: TurnOutcome,
    title: String,
}

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnOutcome {
    Answered,
    Failed,
    NeedsDecision,
}

/// Notes that the terminal has lost the focus.
pub(crate) fn on_focus_lost(env: &mut Environment) {
    env.notifications.focus = TerminalFocus::Unfocused;
}

/// Notes that the terminal has the focus, or that the user types, and clears the news.
pub(crate) fn on_user_active(env: &mut Environment) {
    env.notifications.focus = TerminalFocus::Focused;
    env.notifications.unseen = None;
}

/// Notifies the user that a turn has ended, unless the user stopped it.
pub(crate) fn notify_turn_ended(cx: &mut Cx<'_>, id: ConversationId, answer: MessageId) {
    let end = cx
        .chats
        .conversations
        .get(&id)
        .and_then(|conversation| Some(&conversation.messages.get(&answer)?.as_answer()?.end));
    match end {
        Some(AnswerEnd::Complete | AnswerEnd::Incomplete { .. }) => notify(cx, id, TurnOutcome::Answered),
        Some(AnswerEnd::Failed(_)) => notify(cx, id, TurnOutcome::Failed),
        Some(AnswerEnd::Open | AnswerEnd::Stopped | AnswerEnd::Interrupted) | None => (),
    }
}

/// Returns how many decisions in a conversation wait for the user.
pub(crate) fn pending_decisions(conversation: &Conversation) -> usize {
    let of_turn = |turn: &Turn| match turn.phase.block_reason() {
        Some(TurnBlock::SaveFailed(_) | TurnBlock::Paused(_)) => 1,
        Some(TurnBlock::Calling) => {
            let answer = conversation.messages.get(&turn.answer).and_then(Message::as_answer);
            let runs = answer.into_iter().flat_map(|answer| answer.call_runs.values());
            runs.filter(|run| run.state == ToolCallState::Asking).count()
        }
        Some(TurnBlock::AwaitingRetry(_)) | None => 0,
    };
    conversation.turns.iter().map(of_turn).sum()
}

/// Notifies the user that a turn waits for a decision.
pub(crate) fn notify_decision_needed(cx: &mut Cx<'_>, id: ConversationId) {
    notify(cx, id, TurnOutcome::NeedsDecision);
}

fn notify(cx: &mut Cx<'_>, id: ConversationId, outcome: TurnOutcome) {
    let settings = cx.env.config.notify;
    let Some(conversation) = cx.chats.conversations.get(&id) else { return };
    if cx.env.notifications.focus == TerminalFocus::Focused && settings.when == NotifyWhen::Elsewhere {
        return;
    }
    let title = short_title(&conversation.title);
    let label = match outcome {
        TurnOutcome::Answered => "answered",
        TurnOutcome::Failed => "failed",
        TurnOutcome::NeedsDecision => "asks",
    };
    if settings.bell || settings.desktop != DesktopNotification::Off {
        let message = format!("{label}: {title}");
        cx.effects.push(Effect::NotifyUser(UserNotification {
            bell: settings.bell,
            desktop: settings.desktop,
            message,
        }));
    }
    cx.env.notifications.unseen = Some(UnseenOutcome { outcome, title });
}

/// Sets the window title if it has changed.
pub(crate) fn update_window_title(cx: &mut Cx<'_>) -> Option<Effect> {
    if !cx.env.config.notify.title {
        return None;
    }
    let title = window_title(cx.chats, cx.env);
    if cx.env.notifications.window_title.as_ref() == Some(&title) {
        return None;
    }
    cx.env.notifications.window_title = Some(title.clone());
    Some(Effect::SetTitle(title))
}

/// Returns the last news, else the title of the conversation on the screen and whether anything runs.
fn window_title(chats: &Chats, env: &Environment) -> String {
    let marks = &env.theme.marks;
    let (mark, title) = if let Some(news) = &env.notifications.unseen {
        let mark = match news.outcome {
            TurnOutcome::Answered => marks.done,
            TurnOutcome::Failed => marks.failed,
            TurnOutcome::NeedsDecision => marks.asking,
        };
        (Some(mark), news.title.clone())
    } else {
        let current = chats.current_conversation();
        let needs_decision = current.is_some_and(|conversation| pending_decisions(conversation) > 0);
        let is_running = chats.conversations.values().any(|conversation| !conversation.turns.is_empty());
        let mark = if needs_decision { Some(marks.asking) } else { is_running.then_some(marks.running) };
        (mark, current.map_or_else(String::new, |conversation| short_title(&conversation.title)))
    };
    let mark = mark.map_or_else(String::new, |mark| format!("{mark} "));
    if title.is_empty() { format!("{mark}ibid") } else { format!("{mark}{title} {} ibid", marks.dash) }
}

fn short_title(title: &str) -> String {
    text::truncate(&text::one_line(title), MAX_TITLE_WIDTH).into_owned()
}
