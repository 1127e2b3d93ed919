//! Dispatch of every action a user can take.

use super::{
    Action, Effect, State,
    conversations::{
        branching::{edit_current_prompt, go_to_version, pick_model_for_again, restore_left_out},
        list_actions, switching,
    },
    models::model_settings::{cycle_slots, next_effort, toggle_web, use_slot},
    on_store::carry_out,
    overlays::{self, ScreenOverlay},
    results::call_results,
    screen::{EditTarget, PaneFocus, PaneVisibility},
    sources::citation_actions,
    transcript::{
        copying::{copy_answer, copy_under_cursor},
        finding,
    },
};
use crate::{
    chat::{ChatEffect, ConversationId, Timestamp},
    config::{CodeOverflow, SettingChange},
    ui::{
        conversations::list::ListStep,
        rail::RailTab,
        transcript::{
            CitationStep, CursorStop, CursorTarget, ScrollMove, SelectionInput, SelectionStep as Select, SelectionUnit,
            Transcript, TranscriptCursor,
        },
    },
};

pub(crate) fn on_action(state: &mut State, now: Timestamp, action: Action, fx: &mut Vec<Effect>) {
    match action {
        Action::Send => send(state, now, fx),
        Action::Newline => {
            state.screen.pane.composer.insert_newline();
            switching::schedule_draft_save(state, now);
        }
        Action::Back => super::escape_keys::back(state, now, fx),
        Action::Cancel => super::escape_keys::cancel(state, now, fx),
        Action::DeleteOrQuit => super::escape_keys::delete_or_quit(state, now, fx),
        Action::ShowCommands => overlays::open_commands(state),
        Action::NewConversation => switching::begin_conversation(state, fx),
        Action::ChooseModel => overlays::open_models(state, now, fx),
        Action::Slot1
        | Action::Slot2
        | Action::Slot3
        | Action::Slot4
        | Action::Slot5
        | Action::Slot6
        | Action::Slot7
        | Action::Slot8
        | Action::Slot9 => use_slot(state, now, action as usize - Action::Slot1 as usize, fx),
        Action::NextSlot => cycle_slots(state, now, 1, fx),
        Action::PreviousSlot => cycle_slots(state, now, -1, fx),
        Action::NextEffort => next_effort(state, now, fx),
        Action::ChooseEffort => overlays::open_efforts(state, now),
        Action::ToggleWeb => toggle_web(state, now, fx),
        Action::ShowTools => overlays::open_tools(state, now, fx),
        Action::TrustServers => overlays::open_trust(state, now),
        Action::ReloadServers => {
            let words = super::tools::tool_registry::reload_servers(state, fx);
            state.screen.show_message(now, words);
        }
        Action::ToggleAllowAll => super::tools::tool_registry::toggle_allow_all(state, now, fx),
        Action::EditParameters => overlays::open_parameters(state),
        Action::FocusList => list_actions::focus_list(state),
        Action::ToggleList => list_actions::toggle_list(state),
        Action::ToggleRail => toggle_rail(state),
        Action::ShowSources => citation_actions::show_rail_tab(state, RailTab::Sources),
        Action::ShowDetails => citation_actions::show_rail_tab(state, RailTab::Details),
        Action::NextCitation => citation_actions::walk_citations(state, now, CitationStep::Next),
        Action::PreviousCitation => citation_actions::walk_citations(state, now, CitationStep::Previous),
        Action::OpenUnderCursor => open_under_cursor(state, now, fx),
        Action::OpenInBrowser => citation_actions::open_in_browser(state, now, fx),
        Action::CheckSource => citation_actions::check_source(state, now, fx),
        Action::CopyFootnote => citation_actions::copy_footnote(state, now, fx),
        Action::ShowXray => super::xray::xray_actions::open_xray(state, now, fx),
        Action::ShowResults => call_results::open_result(state, now, fx),
        Action::CopyAnswer => copy_answer(state, now, fx),
        Action::ShowCodeBlocks => overlays::open_code_blocks(state, now),
        Action::EditEarlier => overlays::open_earlier_prompts(state, now),
        Action::EditPrompt => edit_current_prompt(state, now, fx),
        Action::AnswerAgain => pick_model_for_again(state, now, overlays::open_again, fx),
        Action::AnswerAgainWith => pick_model_for_again(state, now, overlays::open_models_for_again, fx),
        Action::RestoreLeftOut => restore_left_out(state, now, fx),
        Action::PreviousVersion => go_to_version(state, -1, fx),
        Action::NextVersion => go_to_version(state, 1, fx),
        Action::SearchHistory => overlays::open_history(state, now),
        Action::OpenEditor => fx.push(Effect::OpenEditor(state.screen.pane.composer.text())),
        Action::TrashConversation => switching::trash_conversation(state, now, fx),
        Action::UndoTrash => switching::restore_trashed(state, now, fx),
        Action::RenameConversation => list_actions::begin_rename(state, now),
        Action::FilterList => {
            list_actions::focus_list(state);
            state.screen.list.start_filter();
        }
        Action::OpenConversation => list_actions::open_selected(state, now, fx),
        Action::ListDown => list_actions::step_cursor(state, ListStep::Down(1)),
        Action::ListUp => list_actions::step_cursor(state, ListStep::Up(1)),
        Action::ListTop => list_actions::step_cursor(state, ListStep::First),
        Action::ListEnd => list_actions::step_cursor(state, ListStep::Last),
        Action::FocusNext => focus_next(state),
        Action::FoldReasoning => toggle_current_fold(state),
        Action::FoldDetails => toggle_all_folds(state),
        Action::RowDown => scroll(state, ScrollMove::Rows(1)),
        Action::RowUp => scroll(state, ScrollMove::Rows(-1)),
        Action::HalfDown => scroll(state, ScrollMove::HalfPages(1)),
        Action::HalfUp => scroll(state, ScrollMove::HalfPages(-1)),
        Action::NextMessage => walk_parts(state, CursorStop::Message, 1),
        Action::PreviousMessage => walk_parts(state, CursorStop::Message, -1),
        Action::Find => finding::open_find(state, now),
        Action::JumpToPrompt => overlays::open_prompt_jump(state, now),
        Action::NextCode => walk_parts(state, CursorStop::Code, 1),
        Action::PreviousCode => walk_parts(state, CursorStop::Code, -1),
        Action::NextFold => walk_parts(state, CursorStop::Fold, 1),
        Action::PreviousFold => walk_parts(state, CursorStop::Fold, -1),
        Action::NextMatch => finding::walk_matches(state, now, true),
        Action::PreviousMatch => finding::walk_matches(state, now, false),
        Action::Select => start_selection(state, SelectionUnit::Characters),
        Action::SelectLines => start_selection(state, SelectionUnit::Lines),
        Action::SelectRight => extend_selection(state, Select::Right),
        Action::SelectLeft => extend_selection(state, Select::Left),
        Action::SelectWordRight => extend_selection(state, Select::WordRight),
        Action::SelectWordLeft => extend_selection(state, Select::WordLeft),
        Action::SelectRowStart => extend_selection(state, Select::RowStart),
        Action::SelectRowEnd => extend_selection(state, Select::RowEnd),
        Action::Copy => copy_under_cursor(state, now, fx),
        Action::ChooseMouse => overlays::open_mouse_modes(state),
        Action::NextTab => state.screen.rail.select_tab(state.screen.rail.tab.next()),
        Action::PreviousTab => state.screen.rail.select_tab(state.screen.rail.tab.previous()),
        Action::PageUp => scroll(state, ScrollMove::Pages(-1)),
        Action::PageDown => scroll(state, ScrollMove::Pages(1)),
        Action::ScrollTop => scroll(state, ScrollMove::Top),
        Action::ScrollEnd => scroll(state, ScrollMove::Bottom),
        Action::ToggleCodeLines => switch_code_lines(state, now, fx),
        Action::ScrollCodeLeft => scroll_code(state, now, -8),
        Action::ScrollCodeRight => scroll_code(state, now, 8),
        Action::ChooseTheme => overlays::open_themes(state, fx),
        Action::ShowHelp => overlays::open_help(state),
        Action::Redraw => fx.push(Effect::Redraw),
        Action::Suspend => fx.push(Effect::Suspend),
        Action::Quit => quit(state, now, fx),
    }
}

/// Handles `Enter` in the composer: sends, or takes the first choice of an error card if nothing is typed.
fn send(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let composer = &mut state.screen.pane.composer;
    if composer.replace_backslash_with_newline() {
        switching::schedule_draft_save(state, now);
        return;
    }
    if !composer.text().trim().is_empty() {
        let is_editing_call =
            matches!(state.screen.pane.editing, Some(EditTarget::Arguments(_) | EditTarget::Reason(_)));
        let command = slash_command(&state.screen.pane.composer.text()).filter(|_| !is_editing_call);
        if let Some(action) = command {
            state.screen.pane.composer.take();
            switching::schedule_draft_save(state, now);
            on_action(state, now, action, fx);
            return;
        }
        switching::send_draft(state, now, fx);
        return;
    }
    if !super::transcript::error_card::take_first_choice(state, now, fx)
        && state.current_conversation().is_some_and(|conversation| !conversation.queue.is_empty())
    {
        switching::submit_prompt(state, now, String::new(), fx);
    }
}

/// Returns the action for a text that is only `/name`; any other text is a prompt.
pub(crate) fn slash_command(text: &str) -> Option<Action> {
    let action = Action::from_name(text.trim().strip_prefix('/')?)?;
    (action.entry().listing == super::action::ActionListing::Commands).then_some(action)
}

/// Switches long lines of code between wrapping and scrolling.
fn switch_code_lines(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    let (code, message) = match state.config.code {
        CodeOverflow::Wrap => {
            let keys = state.keymap.both_keys_of(Action::ScrollCodeLeft, Action::ScrollCodeRight, "and");
            (CodeOverflow::Scroll, format!("long lines of code scroll: {keys} in the text"))
        }
        CodeOverflow::Scroll => (CodeOverflow::Wrap, "long lines of code wrap".into()),
    };
    state.config.code = code;
    fx.push(Effect::SaveSetting(SettingChange::Code(code)));
    state.screen.show_message(now, message);
}

fn scroll_code(state: &mut State, now: Timestamp, cells: i32) {
    if state.config.code == CodeOverflow::Wrap {
        state.screen.show_message(now, "long lines of code wrap; the command code-lines lets them scroll".to_owned());
    } else if let Some(transcript) = state.screen.transcript_mut() {
        transcript.scroll_code(cells);
    }
}

/// Ends the program; running answers are interrupted and saved.
pub(crate) fn quit(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    switching::save_draft(state, fx);
    for id in state.conversations.keys().copied().collect::<Vec<_>>() {
        change_conversation(state, id, fx, |conversation, _| conversation.interrupt_all(now));
    }
    super::xray::xray_actions::save_ended(state, fx);
    fx.push(Effect::Quit);
}

/// Changes a conversation and carries out what follows from it.
pub(crate) fn change_conversation(
    state: &mut State,
    id: ConversationId,
    fx: &mut Vec<Effect>,
    edit: impl FnOnce(&mut crate::chat::Conversation, &mut crate::chat::IdGenerator) -> Vec<ChatEffect>,
) {
    if let Some(conversation) = state.conversations.get_mut(&id) {
        let next = edit(conversation, &mut state.ids);
        carry_out(state, id, next, fx);
    }
}

fn scroll(state: &mut State, movement: ScrollMove) {
    if state.screen.focus == PaneFocus::Rail {
        if !citation_actions::step_source(state, movement) {
            state.screen.rail.scroll(movement);
        }
    } else if let Some(transcript) = state.screen.transcript_mut() {
        match transcript.selection_input() {
            Some(SelectionInput::Keys) => transcript.extend_selection(Select::Scroll(movement)),
            Some(SelectionInput::Mouse) | None => transcript.scroll(movement),
        }
    }
}

/// Moves the cursor to another message, code block or fold, or extends a selection by messages.
fn walk_parts(state: &mut State, thing: CursorStop, count: i32) {
    match state.screen.selected_by() {
        Some(SelectionInput::Keys) => scroll(state, ScrollMove::ByMessages(count)),
        Some(SelectionInput::Mouse) | None => {
            if let Some(transcript) = state.screen.transcript_mut() {
                transcript.step_cursor(thing, count);
            }
        }
    }
}

pub(crate) fn cursor(state: &State) -> Option<TranscriptCursor> {
    state.screen.transcript().and_then(Transcript::visible_cursor)
}

fn start_selection(state: &mut State, unit: SelectionUnit) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.toggle_selection(unit);
    }
}

fn extend_selection(state: &mut State, step: Select) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.extend_selection(step);
    }
}

pub(crate) fn toggle_rail(state: &mut State) {
    let floating = state.screen.overlays.iter().position(|overlay| matches!(overlay, ScreenOverlay::Rail));
    if let Some(index) = floating {
        state.screen.overlays.remove(index);
        state.screen.focus = PaneFocus::Composer;
    } else if state.screen.size.width < super::areas::LIST_DOCK_WIDTH {
        state.screen.overlays.push(ScreenOverlay::Rail);
        state.screen.focus = PaneFocus::Rail;
    } else if state.screen.is_rail_docked() {
        state.screen.rail_visibility = PaneVisibility::Hidden;
        if state.screen.focus == PaneFocus::Rail {
            state.screen.focus = PaneFocus::Composer;
        }
    } else {
        state.screen.rail_visibility = PaneVisibility::Shown;
    }
}

/// Opens what is under the cursor: the card of a citation, the choices for a code block, a call in full, or a fold;
/// otherwise toggles all folds of the message.
fn open_under_cursor(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    if citation_actions::toggle_source_card(state) || state.screen.focus != PaneFocus::Transcript {
        return;
    }
    match cursor(state) {
        Some(TranscriptCursor { target: CursorTarget::Code(_), .. }) if is_cursor_on_fold(state) => {
            toggle_current_fold(state)
        }
        Some(TranscriptCursor { message, target: CursorTarget::Code(block) }) => {
            overlays::open_code(state, now, message, block)
        }
        Some(TranscriptCursor { message, target: CursorTarget::Call(slot) }) => {
            call_results::open_call(state, message, slot, fx)
        }
        Some(_) | None => toggle_current_fold(state),
    }
}

fn is_cursor_on_fold(state: &State) -> bool {
    state.screen.transcript().and_then(Transcript::fold_under_cursor).is_some()
}

/// Folds or opens what is under the cursor, else everything in the current message.
fn toggle_current_fold(state: &mut State) {
    let in_text = state.screen.focus == PaneFocus::Transcript;
    if let Some(transcript) = state.screen.transcript_mut().filter(|_| in_text)
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

fn toggle_all_folds(state: &mut State) {
    if let Some(transcript) = state.screen.transcript_mut() {
        transcript.toggle_all_folds();
    }
}

/// Moves the focus to the next visible pane in the order composer, card, text, rail, list.
fn focus_next(state: &mut State) {
    let order = [PaneFocus::Composer, PaneFocus::Card, PaneFocus::Transcript, PaneFocus::Rail, PaneFocus::List];
    let is_visible = |focus: &PaneFocus| match focus {
        PaneFocus::Composer => true,
        PaneFocus::Card => !super::transcript::error_card::offered_choices(state).is_empty(),
        PaneFocus::Transcript => state.screen.transcript().is_some(),
        PaneFocus::Rail => state.screen.is_rail_docked(),
        PaneFocus::List => state.screen.is_list_docked(),
    };
    let index = order.iter().position(|focus| *focus == state.screen.focus).unwrap_or(0);
    let next = order[index + 1..].iter().chain(&order[..=index]).copied().find(is_visible);
    state.screen.focus = next.unwrap_or(PaneFocus::Composer);
    if state.screen.focus == PaneFocus::List {
        list_actions::focus_list(state);
    }
}
