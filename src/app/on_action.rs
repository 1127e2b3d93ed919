//! The index of everything a user can do.

use super::{
    Action, Effect, State,
    branching::{ask_again, edit_current_prompt, go_to_sibling, put_back},
    citing,
    copying::{copy_answer, copy_here},
    finding, listing,
    models::{cycle_slots, next_effort, take_slot, toggle_web},
    on_store::carry_out,
    overlays::{self, Overlay},
    panes, results,
    screen::{Editing, Focus, Shown},
};
use crate::{
    chat::{ConversationId, Next, Timestamp},
    config::{Chosen, Code},
    widgets::{
        list::Step,
        rail::Tab,
        transcript::{By, Cursor, Move, Step as Select, Target, Thing, Transcript, Unit, Walk},
    },
};

pub(super) fn on_action(state: &mut State, now: Timestamp, action: Action, fx: &mut Vec<Effect>) {
    match action {
        Action::Send => send(state, now, fx),
        Action::Newline => {
            state.screen.pane.composer.newline();
            panes::draft_changed(state, now);
        }
        Action::Back => super::ladders::back(state, now, fx),
        Action::Cancel => super::ladders::cancel(state, now, fx),
        Action::DeleteOrQuit => super::ladders::delete_or_quit(state, now, fx),
        Action::Palette => overlays::open_palette(state),
        Action::NewConversation => panes::begin_new(state, fx),
        Action::Models => overlays::open_models(state, now, fx),
        Action::Slot1
        | Action::Slot2
        | Action::Slot3
        | Action::Slot4
        | Action::Slot5
        | Action::Slot6
        | Action::Slot7
        | Action::Slot8
        | Action::Slot9 => take_slot(state, now, action as usize - Action::Slot1 as usize, fx),
        Action::NextSlot => cycle_slots(state, now, 1, fx),
        Action::PreviousSlot => cycle_slots(state, now, -1, fx),
        Action::NextEffort => next_effort(state, now, fx),
        Action::Efforts => overlays::open_efforts(state, now),
        Action::ToggleWeb => toggle_web(state, now, fx),
        Action::Tools => overlays::open_tools(state, now, fx),
        Action::TrustServers => overlays::open_trust(state, now),
        Action::ReloadServers => {
            let words = super::tools::reload(state, fx);
            state.screen.say(now, words);
        }
        Action::AllowAll => super::tools::toggle_allow_all(state, now, fx),
        Action::Parameters => overlays::open_parameters(state),
        Action::FocusList => listing::focus(state),
        Action::ToggleList => listing::toggle(state),
        Action::ToggleRail => toggle_rail(state),
        Action::ShowSources => citing::show_tab(state, Tab::Sources),
        Action::ShowDetails => citing::show_tab(state, Tab::Details),
        Action::NextCitation => citing::walk(state, now, Walk::Next),
        Action::PreviousCitation => citing::walk(state, now, Walk::Previous),
        Action::OpenThis => open_this(state, now, fx),
        Action::Browse => citing::browse(state, now, fx),
        Action::Check => citing::check(state, now, fx),
        Action::CopyFootnote => citing::copy(state, now, fx),
        Action::Xray => super::xray::open(state, now, fx),
        Action::Results => results::open(state, now, fx),
        Action::CopyAnswer => copy_answer(state, now, fx),
        Action::CodeBlocks => overlays::open_code_blocks(state, now),
        Action::EditEarlier => overlays::open_earlier(state, now),
        Action::EditPrompt => edit_current_prompt(state, now, fx),
        Action::AnswerAgain => ask_again(state, now, overlays::open_again, fx),
        Action::AnswerAgainWith => ask_again(state, now, overlays::open_models_for_again, fx),
        Action::PutBack => put_back(state, now, fx),
        Action::PreviousSibling => go_to_sibling(state, -1, fx),
        Action::NextSibling => go_to_sibling(state, 1, fx),
        Action::PromptHistory => overlays::open_history(state, now),
        Action::Editor => fx.push(Effect::Edit(state.screen.pane.composer.text())),
        Action::Trash => panes::trash(state, now, fx),
        Action::UndoTrash => panes::undo_trash(state, now, fx),
        Action::Rename => listing::begin_rename(state, now),
        Action::Filter => {
            listing::focus(state);
            state.screen.list.start_filter();
        }
        Action::Open => listing::open(state, now, fx),
        Action::ListDown => listing::step(state, Step::Down(1)),
        Action::ListUp => listing::step(state, Step::Up(1)),
        Action::ListTop => listing::step(state, Step::First),
        Action::ListEnd => listing::step(state, Step::Last),
        Action::FocusNext => focus_next(state),
        Action::FoldReasoning => fold_current(state),
        Action::FoldDetails => fold_all(state),
        Action::RowDown => scroll(state, Move::Rows(1)),
        Action::RowUp => scroll(state, Move::Rows(-1)),
        Action::HalfDown => scroll(state, Move::HalfPages(1)),
        Action::HalfUp => scroll(state, Move::HalfPages(-1)),
        Action::NextMessage => walk(state, Thing::Message, 1),
        Action::PreviousMessage => walk(state, Thing::Message, -1),
        Action::Find => finding::open(state, now),
        Action::Jump => overlays::open_jump(state, now),
        Action::NextCode => walk(state, Thing::Code, 1),
        Action::PreviousCode => walk(state, Thing::Code, -1),
        Action::NextFold => walk(state, Thing::Fold, 1),
        Action::PreviousFold => walk(state, Thing::Fold, -1),
        Action::NextMatch => finding::walk(state, now, true),
        Action::PreviousMatch => finding::walk(state, now, false),
        Action::Select => select(state, Unit::Letters),
        Action::SelectLines => select(state, Unit::Lines),
        Action::SelectRight => extend(state, Select::Right),
        Action::SelectLeft => extend(state, Select::Left),
        Action::SelectWordRight => extend(state, Select::WordRight),
        Action::SelectWordLeft => extend(state, Select::WordLeft),
        Action::SelectRowStart => extend(state, Select::RowStart),
        Action::SelectRowEnd => extend(state, Select::RowEnd),
        Action::Copy => copy_here(state, now, fx),
        Action::Mouse => overlays::open_mouse(state),
        Action::NextTab => state.screen.rail.show(state.screen.rail.tab.next()),
        Action::PreviousTab => state.screen.rail.show(state.screen.rail.tab.previous()),
        Action::PageUp => scroll(state, Move::Pages(-1)),
        Action::PageDown => scroll(state, Move::Pages(1)),
        Action::ScrollTop => scroll(state, Move::Top),
        Action::ScrollEnd => scroll(state, Move::Bottom),
        Action::CodeLines => switch_code_lines(state, now, fx),
        Action::CodeLeft => scroll_code(state, now, -8),
        Action::CodeRight => scroll_code(state, now, 8),
        Action::Themes => overlays::open_themes(state, fx),
        Action::Help => overlays::open_help(state),
        Action::Repaint => fx.push(Effect::Repaint),
        Action::Suspend => fx.push(Effect::Suspend),
        Action::Quit => quit(state, now, fx),
    }
}

/// Enter in the composer: sends, or takes the first choice of an error card when nothing is typed.
fn send(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let composer = &mut state.screen.pane.composer;
    if composer.newline_for_backslash() {
        panes::draft_changed(state, now);
        return;
    }
    if !composer.text().trim().is_empty() {
        let about_a_call = matches!(state.screen.pane.editing, Some(Editing::Arguments(_) | Editing::Reason(_)));
        let command = slash_command(&state.screen.pane.composer.text()).filter(|_| !about_a_call);
        if let Some(action) = command {
            state.screen.pane.composer.take();
            panes::draft_changed(state, now);
            on_action(state, now, action, fx);
            return;
        }
        panes::send(state, now, fx);
        return;
    }
    if !super::cards::take_first(state, now, fx)
        && state.current().is_some_and(|conversation| !conversation.queue.is_empty())
    {
        panes::submit(state, now, String::new(), fx);
    }
}

/// `/name` alone is the action of that name; anything else is a prompt.
pub(super) fn slash_command(text: &str) -> Option<Action> {
    let action = Action::from_name(text.trim().strip_prefix('/')?)?;
    (action.entry().listed == super::action::Listed::Palette).then_some(action)
}

/// Wraps long lines of code, or lets them be scrolled.
fn switch_code_lines(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let (code, words) = match state.config.code {
        Code::Wrap => {
            let keys = state.keymap.both(Action::CodeLeft, Action::CodeRight, "and");
            (Code::Scroll, format!("long lines of code scroll: {keys} in the text"))
        }
        Code::Scroll => (Code::Wrap, "long lines of code wrap".into()),
    };
    state.config.code = code;
    fx.push(Effect::Keep(Chosen::Code(code)));
    state.screen.say(now, words);
}

fn scroll_code(state: &mut State, now: Timestamp, cells: i32) {
    if state.config.code == Code::Wrap {
        state.screen.say(now, "long lines of code wrap; code-lines in the menu lets them scroll".to_owned());
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll_code(cells);
    }
}

/// Ends the program: what runs is interrupted and kept.
pub(super) fn quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    panes::keep_draft(state, fx);
    for id in state.open.keys().copied().collect::<Vec<_>>() {
        change(state, id, fx, |conversation, _| conversation.interrupt_all(now));
    }
    super::xray::keep(state, fx);
    fx.push(Effect::Quit);
}

/// Changes a conversation and does what that asks for.
pub(super) fn change(
    state: &mut State,
    id: ConversationId,
    fx: &mut Vec<Effect>,
    edit: impl FnOnce(&mut crate::chat::Conversation, &mut crate::chat::Ids) -> Vec<Next>,
) {
    if let Some(conversation) = state.open.get_mut(&id) {
        let next = edit(conversation, &mut state.ids);
        carry_out(state, id, next, fx);
    }
}

fn scroll(state: &mut State, by: Move) {
    if state.screen.focus == Focus::Rail {
        if !citing::step(state, by) {
            state.screen.rail.scroll(by);
        }
    } else if let Some(transcript) = state.screen.transcript_mut() {
        match transcript.selecting() {
            Some(By::Keys) => transcript.extend(Select::By(by)),
            Some(By::Mouse) | None => transcript.scroll(by),
        }
    }
}

/// Moves the cursor from thing to thing, or the end of a selection as far.
fn walk(state: &mut State, thing: Thing, count: i32) {
    match state.screen.selecting() {
        Some(By::Keys) => scroll(state, Move::Messages(count)),
        Some(By::Mouse) | None => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.walk_things(thing, count);
            }
        }
    }
}

pub(super) fn cursor(state: &State) -> Option<Cursor> {
    state.screen.transcript().and_then(Transcript::cursor)
}

fn select(state: &mut State, unit: Unit) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.select(unit);
    }
}

fn extend(state: &mut State, step: Select) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.extend(step);
    }
}

pub(super) fn toggle_rail(state: &mut State) {
    let floating = state.screen.overlays.iter().position(|overlay| matches!(overlay, Overlay::Rail));
    if let Some(at) = floating {
        state.screen.overlays.remove(at);
        state.screen.focus = Focus::Composer;
    } else if state.screen.size.width < super::areas::LIST_DOCKS {
        state.screen.overlays.push(Overlay::Rail);
        state.screen.focus = Focus::Rail;
    } else if state.screen.rail_docked() {
        state.screen.rail_wanted = Shown::No;
        if state.screen.focus == Focus::Rail {
            state.screen.focus = Focus::Composer;
        }
    } else {
        state.screen.rail_wanted = Shown::Yes;
    }
}

/// Enter: the card of a citation, what can be done with a code block, all of a call, what is folded under the cursor,
/// else all that the message folds.
fn open_this(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if citing::open(state) || state.screen.focus != Focus::Transcript {
        return;
    }
    match cursor(state) {
        Some(Cursor { target: Target::Code(_), .. }) if is_on_fold(state) => fold_current(state),
        Some(Cursor { message, target: Target::Code(block) }) => overlays::open_code(state, now, message, block),
        Some(Cursor { message, target: Target::Call(slot) }) => results::open_call(state, message, slot, fx),
        Some(_) | None => fold_current(state),
    }
}

fn is_on_fold(state: &State) -> bool {
    state.screen.transcript().and_then(Transcript::fold_under_cursor).is_some()
}

/// Folds or opens what the cursor stands on, else all of the current message.
fn fold_current(state: &mut State) {
    let reads = state.screen.focus == Focus::Transcript;
    if let Some(transcript) = state.screen.transcript_mut().filter(|_| reads)
        && let Some((answer, slot)) = transcript.fold_under_cursor()
    {
        transcript.toggle_part(answer, slot);
        return;
    }
    if let Some(answer) = state.current_answer()
        && let Some(transcript) = state.screen.transcript_mut()
    {
        transcript.toggle_fold(answer);
    }
}

fn fold_all(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.toggle_all_folds();
    }
}

/// Composer, card, text, rail, list: those that are there.
fn focus_next(state: &mut State) {
    let order = [Focus::Composer, Focus::Card, Focus::Transcript, Focus::Rail, Focus::List];
    let there = |focus: &Focus| match focus {
        Focus::Composer => true,
        Focus::Card => !super::cards::offered(state).is_empty(),
        Focus::Transcript => state.screen.transcript().is_some(),
        Focus::Rail => state.screen.rail_docked(),
        Focus::List => state.screen.list_docked(),
    };
    let at = order.iter().position(|focus| *focus == state.screen.focus).unwrap_or(0);
    let next = order[at + 1..].iter().chain(&order[..=at]).copied().find(there);
    state.screen.focus = next.unwrap_or(Focus::Composer);
    if state.screen.focus == Focus::List {
        listing::focus(state);
    }
}
