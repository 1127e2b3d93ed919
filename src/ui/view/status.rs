//! Fills the status line: the model, the phase, the cost.

use std::time::Duration;

use ratatui::{layout::Rect, widgets::Widget};

use super::DrawTarget;
use crate::{
    chat::{AnswerEnd, Conversation, Timestamp, Turn, TurnPhase as Doing},
    render::theme::ColourRole,
    text,
    tools::ToolMode,
    ui::{
        Action, State,
        actions::model_settings::{effort_in_force, short_name},
        escape_keys::{EscAction, esc_action, quit_message},
        key_hints::KeyHint,
        keymap::KeyContext,
        news,
        reading::tool_text,
        screen::PaneFocus,
        status::{PaneStatus, PhaseStatus, StatusLine, StatusView},
        transcript::Transcript,
    },
};

pub(crate) fn draw_status(state: &State, now: Timestamp, area: Rect, frame: &mut DrawTarget) {
    let settings = state.chats.settings();
    let conversation = state.chats.current_conversation();
    let flags: &[&str] = if settings.web || settings.model.ends_with(":online") { &["web"] } else { &[] };
    let zdr = state.env.config.provider.zdr == Some(true)
        && state.env.dialect(&settings.endpoint).supports_openrouter_fields();
    let forced = tool_choice_label(&settings.tools.choice);
    let flags: Vec<&str> = flags.iter().copied().chain(zdr.then_some("ZDR")).chain(forced.as_deref()).collect();
    let tokens = conversation.and_then(Conversation::context_tokens);
    let cost = conversation.and_then(|conversation| cost_label(conversation, tokens));
    let today = state.chats.daily_cost.cost(now).map(ToString::to_string);
    let quitting = quit_message(&state.screen, &state.chats, &state.env);
    let queued = conversation.and_then(queue_note);
    let phase = match &quitting {
        Some(words) => Some(PhaseStatus {
            mark: "",
            role: ColourRole::Warning,
            label: words,
            elapsed: None,
            counts_seconds: false,
            note: None,
            tokens_per_second: None,
        }),
        None => conversation.and_then(|conversation| phase(state, conversation, queued.as_deref(), now)),
    };
    let hints = if quitting.is_some() { Vec::new() } else { leaving_hints(state) };
    let pane_keys = pane_keys(state);
    let menu = state.env.keymap.keys_of(Action::ShowCommands).unwrap_or_default();
    let help = state.env.keymap.shortest_keys_of(Action::ShowHelp).unwrap_or_default();
    let status = StatusLine {
        pane: pane_keys.as_ref().map(|(word, keys)| PaneStatus { word, keys }),
        model: short_name(&settings.model),
        effort: effort_in_force(&state.chats, &state.env).map(crate::chat::Effort::name),
        flags: &flags,
        is_demo: state.env.is_demo,
        is_temporary: state.chats.is_temporary(),
        auto_approves: settings.tools.grants.all,
        phase,
        hints: &hints,
        context_percent: tokens.and_then(|used| context_percent(state, used)),
        context_tokens: tokens,
        cost: cost.as_deref(),
        cost_today: today.as_deref(),
        news: news::count_news(&state.chats),
        commands_key: &menu,
        help_key: &help,
    };
    StatusView { status, theme: &state.env.theme }.render(area, frame.buffer);
}

/// Returns the label of a tool choice that applies to the next message only.
fn tool_choice_label(choice: &ToolMode) -> Option<String> {
    match choice {
        ToolMode::Auto => None,
        ToolMode::None => Some("no tools".into()),
        ToolMode::Required => Some("must use a tool".into()),
        ToolMode::One(id) => Some(format!("must call {}", text::truncate(&tool_text::visible_tool_name(id), 24))),
    }
}

/// Returns the current frame of the spinner.
pub(crate) fn spinner_mark(state: &State, now: Timestamp) -> &'static str {
    state.env.theme.marks.spinner_at(u64::try_from(now.as_millisecond()).unwrap_or_default())
}

/// Returns the phase of the turn on the screen, with its clock.
fn phase<'a>(
    state: &'a State,
    conversation: &Conversation,
    queued: Option<&'a str>,
    now: Timestamp,
) -> Option<PhaseStatus<'a>> {
    let marks = &state.env.theme.marks;
    let Some(turn) = conversation.active_turn() else { return stopped_phase(conversation, queued) };
    let clock = Duration::try_from(now.duration_since(turn.phase_started)).ok();
    let with_word = |word| PhaseStatus {
        mark: spinner_mark(state, now),
        role: ColourRole::Accent,
        label: word,
        elapsed: clock,
        counts_seconds: false,
        note: None,
        tokens_per_second: None,
    };
    let limits = state.env.config.time_limits(&turn.settings.endpoint);
    let silence = turn.silent_for(now).and_then(|silent| Duration::try_from(silent).ok());
    if let Some(silent) = silence.filter(|silent| *silent >= limits.silence_warn) {
        return Some(PhaseStatus {
            mark: marks.waiting,
            role: ColourRole::Warning,
            elapsed: Some(silent),
            ..with_word("silent for")
        });
    }
    Some(match &turn.phase {
        Doing::Saving => with_word("saving"),
        Doing::AwaitingTools { .. } => with_word("waiting for tools"),
        Doing::SaveFailed { .. } => {
            PhaseStatus { mark: marks.failed, role: ColourRole::Error, ..with_word("not saved") }
        }
        Doing::Routing => with_word("routing"),
        Doing::Thinking => with_word("thinking"),
        Doing::Searching => with_word("searching"),
        Doing::Streaming => {
            PhaseStatus { tokens_per_second: tokens_per_second(conversation, turn, now), ..with_word("streaming") }
        }
        Doing::Paused(_) => {
            let asks = with_word("asks whether to continue");
            PhaseStatus { mark: marks.asking, role: ColourRole::Warning, counts_seconds: true, ..asks }
        }
        Doing::Calling if conversation.asking_call().is_some() => {
            let asks = with_word("needs your approval");
            PhaseStatus { mark: marks.asking, role: ColourRole::Warning, counts_seconds: true, ..asks }
        }
        Doing::Calling => with_word("running a tool"),
        Doing::AwaitingRetry { until, .. } => {
            let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            PhaseStatus {
                mark: marks.waiting,
                role: ColourRole::Warning,
                elapsed: Some(left),
                ..with_word("waiting to retry")
            }
        }
    })
}

/// Returns what stands in place of the phase after the newest answer was stopped.
fn stopped_phase<'a>(conversation: &Conversation, note: Option<&'a str>) -> Option<PhaseStatus<'a>> {
    let last = conversation.messages.get(conversation.branch.last()?)?;
    let is_stopped = last.as_answer().is_some_and(|answer| answer.end == AnswerEnd::Stopped);
    is_stopped.then_some(PhaseStatus {
        mark: "",
        role: ColourRole::Warning,
        label: "stopped",
        elapsed: None,
        counts_seconds: false,
        note,
        tokens_per_second: None,
    })
}

/// Returns how many prompts wait behind a stopped answer.
fn queue_note(conversation: &Conversation) -> Option<String> {
    Some(conversation.queued_here().count()).filter(|waiting| *waiting > 0).map(|waiting| format!("{waiting} queued"))
}

/// Estimates the tokens per second of this step's text, at four bytes a token; the server counts only at the end.
fn tokens_per_second(conversation: &Conversation, turn: &Turn, now: Timestamp) -> Option<u32> {
    let answer = conversation.messages.get(&turn.answer)?.as_answer()?;
    let texts = || answer.items.iter().filter(|(slot, item)| slot.step == turn.step && item.parts().is_some());
    let since = if turn.step == 0 { answer.first_text_at } else { texts().map(|(_, item)| item.opened_at).min() };
    let millis = now.duration_since(since?).as_millis();
    let bytes: usize =
        texts().flat_map(|(_, item)| item.parts().unwrap_or_default()).map(|part| part.text().len()).sum();
    let tokens = i128::try_from(bytes / 4).ok()?;
    if millis < 500 { None } else { u32::try_from(tokens * 1000 / millis).ok() }
}

/// Returns what `Esc` would do now, and what copies a selection.
fn leaving_hints(state: &State) -> Vec<KeyHint<'static>> {
    let action = esc_action(&state.screen, &state.chats);
    let copies = (action == EscAction::LeaveSelection && state.screen.focus == PaneFocus::Composer)
        .then(|| Some((state.env.keymap.keys_of(Action::Cancel)?.into(), "copies")));
    let leaves = escape_word(action).and_then(|word| Some((state.env.keymap.keys_of(Action::Back)?.into(), word)));
    copies.flatten().into_iter().chain(leaves).collect()
}

fn escape_word(action: EscAction) -> Option<&'static str> {
    match action {
        EscAction::CloseOverlay => Some("closes"),
        EscAction::CloseSlashList => None,
        EscAction::StopCommand => Some("stops the command"),
        EscAction::LeaveFilter => Some("shows all"),
        EscAction::LeaveRenaming => Some("cancels"),
        EscAction::LeaveEditing => Some("cancels the edit"),
        EscAction::EndFind => Some("ends the search"),
        EscAction::LeaveSelection => Some("clears"),
        EscAction::LeaveCall => Some("cancels"),
        EscAction::CloseSource => Some("closes the card"),
        EscAction::LeavePane => Some("to write"),
        EscAction::GiveUp => Some("gives up"),
        EscAction::StopTurn => Some("stops"),
        EscAction::Nothing => None,
    }
}

/// Returns the name and the most useful keys of the pane that has the focus instead of the composer.
fn pane_keys(state: &State) -> Option<(&'static str, Vec<KeyHint<'static>>)> {
    if !state.screen.overlays.is_empty() {
        return None; // Its keys are in its frame.
    }
    let context = state.screen.key_context(&state.chats);
    let (word, labels): (_, &[(&[Action], &'static str)]) = match context {
        KeyContext::Transcript => ("READING", reading_labels(state)),
        KeyContext::Selection => ("READING", &[(&[Action::Copy], "copies")]),
        KeyContext::Matches => ("READING", &[(&[Action::NextMatch], "next"), (&[Action::PreviousMatch], "previous")]),
        KeyContext::Source | KeyContext::Question if has_card_keys(state) => ("READING", &[]),
        KeyContext::Source => (
            "READING",
            &[
                (&[Action::NextCitation], "next"),
                (&[Action::CheckSource], "check"),
                (&[Action::OpenInBrowser], "open"),
                (&[Action::Copy], "copy"),
            ],
        ),
        KeyContext::Question => (
            "READING",
            &[(&[Action::FetchOnce], "yes"), (&[Action::FetchAlways], "always"), (&[Action::FetchNever], "no")],
        ),
        KeyContext::Rail => ("RAIL", state.screen.rail.key_labels()),
        KeyContext::List => (
            "LIST",
            &[
                (&[Action::OpenConversation], "open"),
                (&[Action::TrashConversation], "trash"),
                (&[Action::FilterList], "filter"),
                (&[Action::RenameConversation], "rename"),
            ],
        ),
        _ => return None,
    };
    Some((word, state.env.keymap.hints(context, labels)))
}

/// Returns whether the source card shows its keys in its frame.
fn has_card_keys(state: &State) -> bool {
    state.screen.transcript(&state.chats).is_some_and(Transcript::is_source_card_end_visible)
}

fn reading_labels(state: &State) -> &'static [(&'static [Action], &'static str)] {
    if state.screen.selected_by(&state.chats).is_some() {
        return &[(&[Action::Copy], "copies")];
    }
    let has_sources = state.screen.transcript(&state.chats).is_some_and(Transcript::has_current_sources);
    if has_sources {
        &[
            (&[Action::NextCitation], "source"),
            (&[Action::AnswerAgain], "again"),
            (&[Action::EditPrompt], "edit"),
            (&[Action::Copy], "copy"),
        ]
    } else {
        &[
            (&[Action::NextMessage, Action::PreviousMessage], "message"),
            (&[Action::AnswerAgain], "again"),
            (&[Action::EditPrompt], "edit"),
            (&[Action::Copy], "copy"),
        ]
    }
}

fn context_percent(state: &State, used: u64) -> Option<u8> {
    let room = state.env.model(state.chats.settings())?.context_tokens.filter(|room| *room > 0)?;
    u8::try_from((used * 100).div_ceil(room).min(100)).ok()
}

/// Returns the cost of the conversation as reported by the server; a `+` means that some answers have no price.
fn cost_label(conversation: &Conversation, tokens: Option<u64>) -> Option<String> {
    let cost = conversation.cost();
    match (cost.known.is_zero(), cost.unpriced_answers) {
        (true, 0) if tokens.is_none() => None, // Nothing has been counted yet.
        (true, 1..) => None,
        (_, 0) => Some(cost.known.to_string()),
        (_, _) => Some(format!("{}+", cost.known)),
    }
}
