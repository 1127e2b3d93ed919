//! What is told to a reader who looks elsewhere: that an answer has ended, failed, or waits for a decision.

use super::{Effect, State};
use crate::{
    chat::{Conversation, ConversationId, End, Halt, Message, MessageId, Turn, call::Stage},
    config::{Desktop, When},
    text,
};

/// How much of a title is told.
const TITLE: usize = 60;

/// Whether the reader looks, and what there was to tell while they did not.
#[derive(Debug, Default)]
pub struct Attention {
    reader: Reader,
    news: Option<News>,
    /// The window's title as it was set last.
    window: Option<String>,
}

/// Where the reader is, as far as the terminal tells. One that never tells is taken to have the focus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    Here,
    Elsewhere,
}

/// What happened last while the reader was elsewhere.
#[derive(Debug)]
struct News {
    outcome: Outcome,
    title: String,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    Failed,
    Asks,
}

/// A bell, a notification of the desktop, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub bell: bool,
    pub desktop: Desktop,
    /// One line.
    pub words: String,
}

/// The terminal has lost the focus.
pub(super) fn leave(state: &mut State) {
    state.attention.reader = Reader::Elsewhere;
}

/// The terminal has the focus, or somebody types: what was told has been heard.
pub(super) fn come_back(state: &mut State) {
    state.attention.reader = Reader::Here;
    state.attention.news = None;
}

/// A turn is over; what the reader did by hand is not told.
pub(super) fn ended(state: &mut State, id: ConversationId, answer: MessageId, fx: &mut Vec<Effect>) {
    let end = state.open.get(&id).and_then(|conversation| Some(&conversation.messages.get(&answer)?.answer()?.end));
    match end {
        Some(End::Complete | End::Incomplete { .. }) => tell(state, id, Outcome::Answered, fx),
        Some(End::Failed(_)) => tell(state, id, Outcome::Failed, fx),
        Some(End::Open | End::Stopped | End::Interrupted) | None => (),
    }
}

/// How many things in a conversation wait for the reader.
pub(super) fn decisions(conversation: &Conversation) -> usize {
    let of_turn = |turn: &Turn| match turn.phase.halt() {
        Some(Halt::Unsaved(_) | Halt::Paused(_)) => 1,
        Some(Halt::Calling) => {
            let answer = conversation.messages.get(&turn.answer).and_then(Message::answer);
            let runs = answer.into_iter().flat_map(|answer| answer.runs.values());
            runs.filter(|run| run.stage == Stage::Asking).count()
        }
        Some(Halt::Waiting(_)) | None => 0,
    };
    conversation.turns.iter().map(of_turn).sum()
}

/// A turn waits for the reader's decision.
pub(super) fn asks(state: &mut State, id: ConversationId, fx: &mut Vec<Effect>) {
    tell(state, id, Outcome::Asks, fx);
}

fn tell(state: &mut State, id: ConversationId, outcome: Outcome, fx: &mut Vec<Effect>) {
    let settings = state.config.notify;
    let Some(conversation) = state.open.get(&id) else { return };
    if state.attention.reader == Reader::Here && settings.when == When::Elsewhere {
        return;
    }
    let title = one_line(&conversation.title);
    let word = match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed => "failed",
        Outcome::Asks => "asks",
    };
    if settings.bell || settings.desktop != Desktop::Off {
        let words = format!("{word}: {title}");
        fx.push(Effect::Notify(Notice { bell: settings.bell, desktop: settings.desktop, words }));
    }
    state.attention.news = Some(News { outcome, title });
}

/// Sets the window's title when it is another.
pub(super) fn set_title(state: &mut State) -> Option<Effect> {
    if !state.config.notify.title {
        return None;
    }
    let title = window_title(state);
    if state.attention.window.as_ref() == Some(&title) {
        return None;
    }
    state.attention.window = Some(title.clone());
    Some(Effect::SetTitle(title))
}

/// What happened elsewhere, else the conversation on the screen and whether anything runs.
fn window_title(state: &State) -> String {
    let marks = &state.theme.marks;
    let (mark, title) = if let Some(news) = &state.attention.news {
        let mark = match news.outcome {
            Outcome::Answered => marks.done,
            Outcome::Failed => marks.failed,
            Outcome::Asks => marks.asking,
        };
        (Some(mark), news.title.clone())
    } else {
        let current = state.current();
        let asks = current.is_some_and(|conversation| decisions(conversation) > 0);
        let runs = state.open.values().any(|conversation| !conversation.turns.is_empty());
        let mark = if asks { Some(marks.asking) } else { runs.then_some(marks.running) };
        (mark, current.map_or_else(String::new, |conversation| one_line(&conversation.title)))
    };
    let mark = mark.map_or_else(String::new, |mark| format!("{mark} "));
    if title.is_empty() { format!("{mark}ibid") } else { format!("{mark}{title} {} ibid", marks.dash) }
}

fn one_line(title: &str) -> String {
    let line = text::clean(title).split_whitespace().collect::<Vec<_>>().join(" ");
    text::truncate(&line, TITLE).into_owned()
}
