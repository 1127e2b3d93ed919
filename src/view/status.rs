//! What the status line says: the model, the phase, the money.

use std::time::Duration;

use ratatui::{layout::Rect, widgets::Widget};

use super::Frame;
use crate::{
    app::{
        Action, State,
        ladders::{Esc, esc, quitting_words},
        models::short,
    },
    chat::{Conversation, End, Phase as Doing, Timestamp, Turn},
    text,
    tools::Choice,
    widgets::{
        approval,
        status::{Phase, Status, StatusView},
        theme::Role,
    },
};

pub(super) fn draw(state: &State, now: Timestamp, area: Rect, frame: &mut Frame) {
    let settings = state.settings();
    let conversation = state.current();
    let flags: &[&str] = if settings.web || settings.model.ends_with(":online") { &["web"] } else { &[] };
    let zdr = state.config.provider.zdr == Some(true) && state.dialect(&settings.endpoint).has_own_fields();
    let allows_all = settings.tools.grants.all.then_some("allows all tools");
    let forced = forced(&settings.tools.choice);
    let flags: Vec<&str> =
        flags.iter().copied().chain(zdr.then_some("zdr")).chain(allows_all).chain(forced.as_deref()).collect();
    let tokens = conversation.and_then(Conversation::context_tokens);
    let cost = conversation.and_then(|conversation| cost(conversation, tokens));
    let today = state.today.cost(now).map(ToString::to_string);
    let quitting = quitting_words(state);
    let phase = match &quitting {
        Some(words) => Some(Phase {
            mark: state.theme.marks.asking,
            role: Role::Warning,
            word: words,
            clock: None,
            tokens_per_second: None,
        }),
        None => conversation.and_then(|conversation| phase(state, conversation, now)),
    };
    let menu = state.keymap.keys_of(Action::Palette).unwrap_or_default();
    let help = state.keymap.shortest_of(Action::Help).unwrap_or_default();
    let status = Status {
        model: short(&settings.model),
        effort: settings.effort.map(crate::chat::Effort::name),
        flags: &flags,
        demo: state.demo,
        phase,
        hint: if quitting.is_some() { None } else { hint(state) },
        context_percent: tokens.and_then(|used| context_percent(state, used)),
        tokens,
        cost: cost.as_deref(),
        today: today.as_deref(),
        menu: &menu,
        help: &help,
    };
    StatusView { status, theme: &state.theme }.render(area, frame.buffer);
}

/// What was chosen for the next message alone.
fn forced(choice: &Choice) -> Option<String> {
    match choice {
        Choice::Auto => None,
        Choice::None => Some("no tools".into()),
        Choice::Required => Some("must use a tool".into()),
        Choice::One(id) => Some(format!("must call {}", text::truncate(&approval::shown_name(id), 24))),
    }
}

/// The step of the one spinner.
pub(super) fn spinner(state: &State, now: Timestamp) -> &'static str {
    state.theme.marks.spinner_at(u64::try_from(now.as_millisecond()).unwrap_or_default())
}

/// The phase of the turn on the screen, always with its clock.
fn phase<'a>(state: &'a State, conversation: &Conversation, now: Timestamp) -> Option<Phase<'a>> {
    let marks = &state.theme.marks;
    let Some(turn) = conversation.active_turn() else { return billed_on(state, conversation) };
    let clock = Duration::try_from(now.duration_since(turn.since)).ok();
    let plain = |word| Phase { mark: spinner(state, now), role: Role::Accent, word, clock, tokens_per_second: None };
    let limits = state.config.limits(&turn.settings.endpoint);
    let silent = turn.silent_for(now).and_then(|silent| Duration::try_from(silent).ok());
    if let Some(silent) = silent.filter(|silent| *silent >= limits.silence_warn) {
        return Some(Phase { mark: marks.waiting, role: Role::Warning, clock: Some(silent), ..plain("silent for") });
    }
    Some(match &turn.phase {
        Doing::Saving => plain("saving"),
        Doing::Gathering { .. } => plain("waiting for tools"),
        Doing::Unsaved { .. } => Phase { mark: marks.failed, role: Role::Error, ..plain("not saved") },
        Doing::Routing => plain("routing"),
        Doing::Thinking => plain("thinking"),
        Doing::Searching => plain("searching"),
        Doing::Streaming => Phase { tokens_per_second: speed(conversation, turn, now), ..plain("streaming") },
        Doing::Paused(_) => Phase { mark: marks.asking, role: Role::Warning, ..plain("asks whether to go on") },
        Doing::Calling if conversation.asking().is_some() => {
            Phase { mark: marks.asking, role: Role::Warning, ..plain("asks about a tool") }
        }
        Doing::Calling => plain("running a tool"),
        Doing::Waiting { until, .. } => {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            Phase { mark: marks.waiting, role: Role::Warning, clock: Some(left), ..plain("waiting to retry") }
        }
    })
}

/// An answer that was stopped may be written and billed to its end, until its price is known.
fn billed_on<'a>(state: &'a State, conversation: &Conversation) -> Option<Phase<'a>> {
    let last = conversation.messages.get(conversation.branch.last()?)?;
    let is_stopped = last.answer().is_some_and(|answer| answer.end == End::Stopped);
    (is_stopped && conversation.asks_price(last.id)).then_some(Phase {
        mark: state.theme.marks.asking,
        role: Role::Warning,
        word: "stopped; the provider may bill on",
        clock: None,
        tokens_per_second: None,
    })
}

/// Tokens a second of the text that has come, four bytes a token: the server counts only at the end.
fn speed(conversation: &Conversation, turn: &Turn, now: Timestamp) -> Option<u32> {
    let answer = conversation.messages.get(&turn.answer)?.answer()?;
    let millis = now.duration_since(answer.first_text?).as_millis();
    let bytes: usize =
        answer.items.values().flat_map(|item| item.parts().unwrap_or_default()).map(|part| part.text().len()).sum();
    let tokens = i128::try_from(bytes / 4).ok()?;
    if millis < 500 { None } else { u32::try_from(tokens * 1000 / millis).ok() }
}

/// What Esc does now.
fn hint(state: &State) -> Option<(&'static str, &'static str)> {
    match esc(state) {
        Esc::CloseOverlay => Some(("esc", "closes")),
        Esc::StopCommand => Some(("esc", "stops the command")),
        Esc::LeaveFilter => Some(("esc", "leaves the filter")),
        Esc::LeaveEditing => Some(("esc", "leaves the prompt as it was")),
        Esc::EndFind => Some(("esc", "ends the search")),
        Esc::LeaveSelection => Some(("esc", "unselects")),
        Esc::LeaveCall => Some(("esc", "leaves the call as it was")),
        Esc::CloseSource => Some(("esc", "closes the card")),
        Esc::LeavePane => Some(("esc", "back to writing")),
        Esc::GiveUp => Some(("esc", "gives up")),
        Esc::StopTurn => Some(("esc", "stops")),
        Esc::Nothing => None,
    }
}

fn context_percent(state: &State, used: u64) -> Option<u8> {
    let room = state.model()?.context.filter(|room| *room > 0)?;
    u8::try_from((used * 100 / room).min(100)).ok()
}

/// What the conversation cost as far as the server told; a `+` says that some answers have no price.
fn cost(conversation: &Conversation, tokens: Option<u64>) -> Option<String> {
    let cost = conversation.cost();
    match (cost.known.is_zero(), cost.unknown) {
        (true, 0) if tokens.is_none() => None, // Nothing was counted yet.
        (true, 1..) => None,
        (_, 0) => Some(cost.known.to_string()),
        (_, _) => Some(format!("{}+", cost.known)),
    }
}
