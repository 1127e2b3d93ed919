//! Dispatch of every action a user can take.

use super::{
    Action, Effect,
    actions::{
        branching::{ask_to_edit, go_to_version, pick_model_for_again, restore_left_out},
        call_results, card_actions, citation_actions, claim_judge,
        copying::{copy_answer, copy_as, copy_under_cursor},
        database_care, finding, kept_state, list_actions, list_changes,
        model_settings::{cycle_slots, next_effort, set_model, toggle_web, use_slot},
        searching,
        setting_choices::open_setting_choices,
        slash_commands::{self, DraftUse},
        source_checks::{self, FetchAnswer},
        switching, temporary_actions, title_actions, tool_actions, trash_actions, xray_actions,
    },
    keymap::KeyContext,
    on_input,
    on_store::carry_out,
    overlays::{self, ScreenOverlay},
    screen::{PaneFocus, PaneVisibility},
    transcript::error_card,
};
use crate::ui::{chats::Chats, cx::Cx, screen::Screen};
use crate::{
    chat::{ChatEffect, ConversationId},
    config::{CodeOverflow, CopyForm, SettingChange},
    store::StoreJob,
    ui::{
        conversations::list::{ListStep, RowEditKind},
        rail::RailTab,
        reading::ScrollMove,
        safeguard::SafeguardQuestion,
        transcript::{
            CitationStep, CursorStop, CursorTarget, SelectionInput, SelectionStep as Select, SelectionUnit, Transcript,
            TranscriptCursor,
        },
    },
};

pub(crate) fn on_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    match action {
        _ if needs_message(action) && !has_messages(screen, cx.chats) => {
            cx.show_message("there is no message here yet");
        }
        Action::Send => send(screen, cx),
        Action::Newline => {
            screen.pane.composer.insert_newline();
            switching::schedule_draft_save(&mut screen.pane, cx);
        }
        Action::Back => super::escape_keys::back(screen, cx),
        Action::Cancel => super::escape_keys::cancel(screen, cx),
        Action::DeleteOrQuit => super::escape_keys::delete_or_quit(screen, cx),
        Action::ShowCommands => overlays::open_commands(screen, cx),
        Action::NewConversation => {
            temporary_actions::warn_on_leaving(cx);
            switching::begin_conversation(screen, cx);
        }
        Action::ChooseModel => overlays::open_models(screen, cx),
        Action::Slot1
        | Action::Slot2
        | Action::Slot3
        | Action::Slot4
        | Action::Slot5
        | Action::Slot6
        | Action::Slot7
        | Action::Slot8
        | Action::Slot9 => use_slot(cx, action as usize - Action::Slot1 as usize),
        Action::ChooseSlot => overlays::open_models(screen, cx),
        Action::NextSlot => cycle_slots(cx, 1),
        Action::PreviousSlot => cycle_slots(cx, -1),
        Action::NextEffort => next_effort(cx),
        Action::ChooseEffort => overlays::open_efforts(screen, cx),
        Action::ToggleWeb => toggle_web(cx),
        Action::ShowTools => overlays::open_tools(screen, cx),
        Action::TrustServers => overlays::open_trust(&mut screen.overlays, cx),
        Action::ReloadServers => {
            let words = tool_actions::reload_servers(cx);
            cx.show_message(words);
        }
        Action::ToggleAllowAll if !cx.chats.settings().tools.grants.all => {
            screen.overlays.push(ScreenOverlay::Safeguard(SafeguardQuestion::AllowAll));
        }
        Action::ToggleAllowAll => tool_actions::toggle_allow_all(cx),
        Action::EditParameters => overlays::open_parameters(screen, cx),
        Action::FocusList => list_actions::focus_list(screen, cx.chats),
        Action::ToggleList => list_actions::toggle_list(screen, cx.chats),
        Action::ToggleRail => toggle_rail(screen),
        Action::ToggleZen => screen.toggle_zen(),
        Action::ShowSources => citation_actions::show_rail_tab(screen, RailTab::Sources),
        Action::ShowDetails => citation_actions::show_rail_tab(screen, RailTab::Details),
        Action::NextCitation => citation_actions::walk_citations(screen, cx, CitationStep::Next),
        Action::PreviousCitation => citation_actions::walk_citations(screen, cx, CitationStep::Previous),
        Action::OpenUnderCursor => open_under_cursor(screen, cx),
        Action::OpenInBrowser => citation_actions::open_in_browser(screen, cx),
        Action::CheckSource => source_checks::check_source(screen, cx),
        Action::CheckAnswer => source_checks::check_answer(screen, cx),
        Action::JudgeClaims => claim_judge::open_judges(screen, cx),
        Action::CopyFootnote => citation_actions::copy_footnote(screen, cx),
        Action::ShowXray => xray_actions::open_xray(screen, cx),
        Action::ShowResults => call_results::open_result(screen, cx),
        Action::CopyAnswer => copy_answer(screen, cx),
        Action::ShowCodeBlocks => overlays::open_code_blocks(screen, cx),
        Action::CopyCode1
        | Action::CopyCode2
        | Action::CopyCode3
        | Action::CopyCode4
        | Action::CopyCode5
        | Action::CopyCode6
        | Action::CopyCode7
        | Action::CopyCode8
        | Action::CopyCode9 => {
            if let Some(number) = action.code_number() {
                super::actions::code_blocks::copy_numbered_code(screen, cx, number);
            }
        }
        Action::EditEarlier => overlays::open_earlier_prompts(screen, cx),
        Action::EditPrompt => ask_to_edit(screen, cx, overlays::open_edit_question),
        Action::AnswerAgain => pick_model_for_again(screen, cx, overlays::open_again),
        Action::AnswerAgainWith => pick_model_for_again(screen, cx, overlays::open_models_for_again),
        Action::RestoreLeftOut => restore_left_out(cx),
        Action::PreviousVersion => go_to_version(screen, cx, -1),
        Action::NextVersion => go_to_version(screen, cx, 1),
        Action::SearchHistory => overlays::open_history(screen, cx),
        Action::OpenEditor => cx.effects.push(Effect::OpenEditor(screen.pane.composer.text())),
        Action::TrashConversation => list_changes::trash_conversation(screen, cx),
        Action::PinConversation => list_changes::toggle_pin(screen, cx),
        Action::TagConversation => list_actions::begin_row_edit(screen, cx, RowEditKind::Tags),
        Action::ArchiveConversation => list_changes::toggle_archive(screen, cx),
        Action::SuggestTitle => title_actions::suggest_title(screen, cx),
        Action::ShowTrash => trash_actions::open_trash(screen, cx),
        Action::EmptyTrash => trash_actions::open_empty_question(screen, cx),
        Action::ToggleTemporary => temporary_actions::toggle_temporary(screen, cx),
        Action::UndoListChange => list_changes::undo(screen, cx),
        Action::RenameConversation => list_actions::begin_row_edit(screen, cx, RowEditKind::Title),
        Action::CheckDatabase => database_care::check_database(cx),
        Action::RepairDatabase => database_care::repair_database(cx),
        Action::FilterList => {
            list_actions::focus_list(screen, cx.chats);
            screen.list.start_filter();
        }
        Action::OpenConversation => list_actions::open_selected(screen, cx),
        Action::ListDown => list_actions::step_cursor(&mut screen.list, cx, ListStep::Down(1)),
        Action::ListUp => list_actions::step_cursor(&mut screen.list, cx, ListStep::Up(1)),
        Action::ListTop => list_actions::step_cursor(&mut screen.list, cx, ListStep::First),
        Action::ListEnd => list_actions::step_cursor(&mut screen.list, cx, ListStep::Last),
        Action::NextNews => super::news::open_next_news(screen, cx),
        Action::FocusNext => focus_next(screen, cx.chats),
        Action::FoldReasoning => toggle_current_fold(screen, cx.chats),
        Action::FoldDetails => toggle_all_folds(screen, cx.chats),
        Action::Complete => slash_commands::complete_selected(screen, cx),
        Action::RowDown | Action::RowUp if screen.is_completing() => {
            screen.slash.move_cursor(if action == Action::RowDown { 1 } else { -1 });
        }
        Action::RowDown => scroll(screen, cx, ScrollMove::Rows(1)),
        Action::RowUp => scroll(screen, cx, ScrollMove::Rows(-1)),
        Action::HalfDown => scroll(screen, cx, ScrollMove::HalfPages(1)),
        Action::HalfUp => scroll(screen, cx, ScrollMove::HalfPages(-1)),
        Action::NextMessage => walk_parts(screen, cx, CursorStop::Message, 1),
        Action::PreviousMessage => walk_parts(screen, cx, CursorStop::Message, -1),
        Action::Find => finding::open_find(screen, cx),
        Action::SearchAll => searching::open_search(screen, cx, ""),
        Action::JumpToPrompt => overlays::open_prompt_jump(screen, cx),
        Action::NextCode => walk_parts(screen, cx, CursorStop::Code, 1),
        Action::PreviousCode => walk_parts(screen, cx, CursorStop::Code, -1),
        Action::NextFold => walk_parts(screen, cx, CursorStop::Fold, 1),
        Action::PreviousFold => walk_parts(screen, cx, CursorStop::Fold, -1),
        Action::NextMatch => finding::walk_matches(screen, cx, true),
        Action::PreviousMatch => finding::walk_matches(screen, cx, false),
        Action::Select => start_selection(screen, cx.chats, SelectionUnit::Characters),
        Action::SelectLines => start_selection(screen, cx.chats, SelectionUnit::Lines),
        Action::SelectRight => extend_selection(screen, cx.chats, Select::Right),
        Action::SelectLeft => extend_selection(screen, cx.chats, Select::Left),
        Action::SelectWordRight => extend_selection(screen, cx.chats, Select::WordRight),
        Action::SelectWordLeft => extend_selection(screen, cx.chats, Select::WordLeft),
        Action::SelectRowStart => extend_selection(screen, cx.chats, Select::RowStart),
        Action::SelectRowEnd => extend_selection(screen, cx.chats, Select::RowEnd),
        Action::Copy => copy_under_cursor(screen, cx),
        Action::Connect => overlays::connecting::open_connect(screen),
        Action::SignIn => overlays::connecting::open_sign_in(screen, cx),
        Action::SignOut => overlays::connecting::open_sign_out(screen),
        Action::StartTour => start_tour(screen, cx),
        Action::CopyMarkdown => copy_as(screen, cx, CopyForm::Markdown),
        Action::CopyPlain => copy_as(screen, cx, CopyForm::Plain),
        Action::CopyRich => copy_as(screen, cx, CopyForm::Rich),
        Action::ChooseMouse | Action::ChooseTextWidth | Action::ChooseLineBreaks | Action::ChooseCopyForm => {
            open_setting_choices(screen, cx, action);
        }
        Action::NextTab => screen.rail.select_tab(screen.rail.tab.next()),
        Action::PreviousTab => screen.rail.select_tab(screen.rail.tab.previous()),
        Action::PageUp => scroll(screen, cx, ScrollMove::Pages(-1)),
        Action::PageDown => scroll(screen, cx, ScrollMove::Pages(1)),
        Action::ScrollTop => scroll(screen, cx, ScrollMove::Top),
        Action::ScrollEnd => scroll(screen, cx, ScrollMove::Bottom),
        Action::ToggleCodeLines => switch_code_lines(cx),
        Action::ScrollCodeLeft => scroll_code(screen, cx, -8),
        Action::ScrollCodeRight => scroll_code(screen, cx, 8),
        Action::ChooseTheme => overlays::open_themes(screen, cx),
        Action::ShowHelp => overlays::open_help(screen, cx),
        Action::Redraw => cx.effects.push(Effect::Redraw),
        Action::Suspend => cx.effects.push(Effect::Suspend),
        Action::Quit if temporary_actions::would_lose(screen, cx.chats) => super::escape_keys::confirm_quit(screen, cx),
        Action::Quit => quit(screen, cx),
        Action::OlderPrompt => on_input::move_up_or_recall(screen, cx),
        Action::NewerPrompt => on_input::move_down_or_recall(screen, cx),
        Action::Accept => accept(screen, cx),
        Action::FetchOnce => source_checks::answer_question(screen, cx, FetchAnswer::UntilQuit),
        Action::FetchAlways => source_checks::answer_question(screen, cx, FetchAnswer::Always),
        Action::FetchNever => source_checks::answer_question(screen, cx, FetchAnswer::No),
        Action::CardRetry
        | Action::CardRetryNow
        | Action::CardRetryTokens
        | Action::CardGiveUp
        | Action::CardModel
        | Action::CardRelax
        | Action::CardLeaveOut
        | Action::CardContinue
        | Action::CardEnterKey
        | Action::CardCredits
        | Action::CardEffort
        | Action::CardSettings
        | Action::CardSave
        | Action::CardSendUnsaved
        | Action::ResumeTurn
        | Action::EndTurn
        | Action::AllowOnce
        | Action::AllowHere
        | Action::AllowAlways
        | Action::EditCall
        | Action::DenyCall
        | Action::DenyWithReason => card_actions::take_choice_by_action(screen, cx, action),
        // They mean something in overlays only.
        Action::EntryNewline
        | Action::FirstRow
        | Action::LastRow
        | Action::NextSection
        | Action::PreviousSection
        | Action::SearchRows
        | Action::Close
        | Action::SaveShown
        | Action::PipeCode
        | Action::ShowAllModels
        | Action::SearchOrder
        | Action::CopyCurl
        | Action::CopyResult
        | Action::NextCall
        | Action::PreviousCall
        | Action::SwitchTool
        | Action::ForceTool
        | Action::RestartServer
        | Action::ReloadTools
        | Action::AskTrust
        | Action::ConfirmTrust
        | Action::ForgetGrant
        | Action::ConfirmSafeguard
        | Action::ConnectSignIn
        | Action::TypeCode
        | Action::CopyAddress
        | Action::CopyCodeAddress
        | Action::OpenAgain
        | Action::DeleteForGood
        | Action::ConnectKey
        | Action::ConnectServer
        | Action::ConnectDemo
        | Action::ForgetKey
        | Action::LookAgain => (),
    }
}

/// Whether an action is about a message of the conversation on the screen.
fn needs_message(action: Action) -> bool {
    matches!(
        action,
        Action::NextCitation
            | Action::PreviousCitation
            | Action::CheckAnswer
            | Action::JudgeClaims
            | Action::CopyAnswer
            | Action::CopyMarkdown
            | Action::CopyPlain
            | Action::CopyRich
            | Action::PreviousVersion
            | Action::NextVersion
            | Action::TrashConversation
            | Action::FoldReasoning
            | Action::FoldDetails
    )
}

/// Whether there is a conversation to act on: the one on the screen, or the one under the list's cursor.
fn has_messages(screen: &Screen, chats: &Chats) -> bool {
    screen.focus == PaneFocus::List || chats.content.conversation_id().is_some()
}

/// Does what the user has confirmed.
pub(crate) fn run_confirmed(screen: &mut Screen, cx: &mut Cx<'_>, question: &SafeguardQuestion) {
    match question {
        SafeguardQuestion::AllowAll => tool_actions::toggle_allow_all(cx),
        SafeguardQuestion::DeleteForGood { conversation, .. } => {
            trash_actions::delete_for_good(screen, cx, *conversation);
        }
        SafeguardQuestion::EmptyTrash { .. } => trash_actions::empty_trash(screen, cx),
        SafeguardQuestion::Repair { .. } => database_care::repair_database(cx),
        SafeguardQuestion::Repaired { .. } => (),
    }
}

/// Takes what was typed in the field of the focused pane, or the first choice of the card.
fn accept(screen: &mut Screen, cx: &mut Cx<'_>) {
    match screen.key_context(cx.chats) {
        KeyContext::Slash => slash_commands::run_selected(screen, cx),
        KeyContext::Find => finding::accept_query(screen, cx.chats),
        KeyContext::ListField => list_actions::accept_field(screen, cx),
        KeyContext::Approval | KeyContext::Pause => card_actions::explain_keys(cx),
        _ => _ = card_actions::take_first_choice(screen, cx),
    }
}

/// Handles `Enter` in the composer: sends, or takes the first choice of an error card if nothing is typed.
fn send(screen: &mut Screen, cx: &mut Cx<'_>) {
    let composer = &mut screen.pane.composer;
    if composer.replace_backslash_with_newline() {
        switching::schedule_draft_save(&mut screen.pane, cx);
        return;
    }
    if !composer.text().trim().is_empty() {
        let draft = composer.text();
        match slash_commands::draft_use(screen, cx.chats, cx.env, &draft) {
            DraftUse::Run(command) => slash_commands::run(screen, cx, command),
            DraftUse::Refuse(why, next) => {
                let conversation = cx.chats.content.conversation_id();
                screen.slash.refuse(&draft, conversation, why, next);
            }
            DraftUse::Send => switching::send_draft(screen, cx),
        }
        return;
    }
    if screen.is_composing() || card_actions::take_first_choice(screen, cx) {
        return;
    }
    let Some(conversation) = cx.chats.current_conversation() else { return };
    if conversation.next_queued().is_some() {
        switching::submit_prompt(screen, cx, String::new());
    } else if !conversation.queue.is_empty() {
        // The other instance may have ended by now.
        cx.effects.push(Effect::RunStoreJob(StoreJob::Refresh(conversation.id)));
        cx.show_message("another running ibid holds this prompt and will send it");
    }
}

/// Asks the demo's first model for its tour, or shows how to get there.
fn start_tour(screen: &mut Screen, cx: &mut Cx<'_>) {
    match cx.env.config.model.clone().filter(|_| cx.env.is_demo) {
        Some(guide) => {
            set_model(cx, guide);
            switching::submit_prompt(screen, cx, "/tour".into());
        }
        None => overlays::connecting::open_tour(screen, cx),
    }
}

/// Switches long lines of code between wrapping and scrolling.
fn switch_code_lines(cx: &mut Cx<'_>) {
    let (code, message) = match cx.env.config.code {
        CodeOverflow::Wrap => {
            let keys = cx.env.keymap.both_keys_of(Action::ScrollCodeLeft, Action::ScrollCodeRight, "and");
            (CodeOverflow::Scroll, format!("long lines of code scroll: {keys} in the text"))
        }
        CodeOverflow::Scroll => (CodeOverflow::Wrap, "long lines of code wrap".into()),
    };
    cx.env.config.code = code;
    cx.effects.push(Effect::SaveSetting(SettingChange::Code(code)));
    cx.show_message(message);
}

fn scroll_code(screen: &mut Screen, cx: &mut Cx<'_>, cells: i32) {
    if cx.env.config.code == CodeOverflow::Wrap {
        cx.show_message("long lines of code wrap; /code-lines lets them scroll".to_owned());
    } else if let Some(transcript) = screen.transcript_mut(cx.chats) {
        transcript.scroll_code(cells);
    }
}

/// Ends the program; running answers are interrupted and saved.
pub(crate) fn quit(screen: &mut Screen, cx: &mut Cx<'_>) {
    save_everything(screen, cx);
    cx.effects.push(Effect::Quit);
}

/// Saves the draft and all answers; those in progress are interrupted.
pub(crate) fn save_everything(screen: &mut Screen, cx: &mut Cx<'_>) {
    let now = cx.now;
    switching::save_draft(&mut screen.pane, cx);
    kept_state::save_place(&mut screen.pane, cx);
    kept_state::save_shown(cx);
    for id in cx.chats.conversations.keys().copied().collect::<Vec<_>>() {
        change_conversation(cx, id, |conversation, _| conversation.interrupt_all(now));
    }
    xray_actions::save_ended(&mut screen.overlays, cx);
}

/// Changes a conversation and carries out what follows from it.
pub(crate) fn change_conversation(
    cx: &mut Cx<'_>,
    id: ConversationId,
    edit: impl FnOnce(&mut crate::chat::Conversation, &mut crate::chat::IdGenerator) -> Vec<ChatEffect>,
) {
    if let Some(conversation) = cx.chats.conversations.get_mut(&id) {
        let next = edit(conversation, &mut cx.chats.ids);
        carry_out(cx, id, next);
    }
}

fn scroll(screen: &mut Screen, cx: &mut Cx<'_>, movement: ScrollMove) {
    let is_reading = screen.focus == PaneFocus::Transcript;
    if screen.focus == PaneFocus::Rail {
        if !citation_actions::step_source(screen, cx.chats, movement) {
            screen.rail.scroll(movement);
        }
    } else if let Some(transcript) = screen.transcript_mut(cx.chats) {
        match transcript.selection_input() {
            Some(SelectionInput::Keys) => transcript.extend_selection(Select::Scroll(movement)),
            Some(SelectionInput::Mouse) | None if is_reading => transcript.read(movement),
            Some(SelectionInput::Mouse) | None => transcript.scroll(movement),
        }
    }
}

/// Moves the cursor to another message, code block or fold, or extends a selection by messages.
fn walk_parts(screen: &mut Screen, cx: &mut Cx<'_>, thing: CursorStop, count: i32) {
    match screen.selected_by(cx.chats) {
        Some(SelectionInput::Keys) => scroll(screen, cx, ScrollMove::ByMessages(count)),
        Some(SelectionInput::Mouse) | None => {
            if let Some(transcript) = screen.transcript_mut(cx.chats) {
                transcript.step_cursor(thing, count);
            }
        }
    }
}

pub(crate) fn cursor(screen: &Screen, chats: &Chats) -> Option<TranscriptCursor> {
    screen.transcript(chats).and_then(Transcript::visible_cursor)
}

fn start_selection(screen: &mut Screen, chats: &mut Chats, unit: SelectionUnit) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.toggle_selection(unit);
    }
}

fn extend_selection(screen: &mut Screen, chats: &mut Chats, step: Select) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.extend_selection(step);
    }
}

pub(crate) fn toggle_rail(screen: &mut Screen) {
    let floating = screen.overlays.iter().position(|overlay| matches!(overlay, ScreenOverlay::Rail));
    if let Some(index) = floating {
        screen.overlays.remove(index);
        screen.focus = PaneFocus::Composer;
    } else if screen.size.width < super::areas::LIST_DOCK_WIDTH {
        screen.overlays.push(ScreenOverlay::Rail);
        screen.focus = PaneFocus::Rail;
    } else if screen.is_rail_docked() {
        screen.rail_visibility = PaneVisibility::Hidden;
        if screen.focus == PaneFocus::Rail {
            screen.focus = PaneFocus::Composer;
        }
    } else {
        screen.is_zen = false;
        screen.rail_visibility = PaneVisibility::Shown;
    }
}

/// Opens what is under the cursor: the card of a citation, the choices for a code block, a call in full, or a fold;
/// otherwise toggles all folds of the message.
fn open_under_cursor(screen: &mut Screen, cx: &mut Cx<'_>) {
    if citation_actions::toggle_source_card(screen, cx.chats) || screen.focus != PaneFocus::Transcript {
        return;
    }
    match cursor(screen, cx.chats) {
        Some(TranscriptCursor { target: CursorTarget::Code(_), .. }) if is_cursor_on_fold(screen, cx.chats) => {
            toggle_current_fold(screen, cx.chats);
        }
        Some(TranscriptCursor { message, target: CursorTarget::Code(block) }) => {
            overlays::open_code(screen, cx, message, block);
        }
        Some(TranscriptCursor { message, target: CursorTarget::Call(slot) }) => {
            call_results::open_call(&mut screen.overlays, cx, message, slot);
        }
        Some(_) | None => toggle_current_fold(screen, cx.chats),
    }
}

fn is_cursor_on_fold(screen: &Screen, chats: &Chats) -> bool {
    screen.transcript(chats).and_then(Transcript::fold_under_cursor).is_some()
}

/// Folds or opens what is under the cursor, else everything in the current message.
fn toggle_current_fold(screen: &mut Screen, chats: &mut Chats) {
    let in_text = screen.focus == PaneFocus::Transcript;
    if let Some(transcript) = screen.transcript_mut(chats).filter(|_| in_text)
        && let Some((answer, slot)) = transcript.fold_under_cursor()
    {
        transcript.toggle_part(answer, slot);
        return;
    }
    if let Some(answer) = screen.current_answer(chats)
        && let Some(transcript) = screen.transcript_mut(chats)
    {
        transcript.toggle_fold(answer);
    }
}

fn toggle_all_folds(screen: &mut Screen, chats: &mut Chats) {
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.toggle_all_folds();
    }
}

/// Moves the focus to the next visible pane in the order composer, card, text, rail, list.
fn focus_next(screen: &mut Screen, chats: &mut Chats) {
    if list_actions::is_typing(screen) {
        list_actions::on_tab(&mut screen.list);
        return;
    }
    let order = [PaneFocus::Composer, PaneFocus::Card, PaneFocus::Transcript, PaneFocus::Rail, PaneFocus::List];
    let is_visible = |focus: &PaneFocus| match focus {
        PaneFocus::Composer => true,
        PaneFocus::Card => !error_card::offered_choices(chats).is_empty(),
        PaneFocus::Transcript => screen.transcript(chats).is_some(),
        PaneFocus::Rail => screen.is_rail_docked(),
        PaneFocus::List => screen.is_list_docked(),
    };
    let index = order.iter().position(|focus| *focus == screen.focus).unwrap_or(0);
    let next = order[index + 1..].iter().chain(&order[..=index]).copied().find(is_visible);
    screen.focus = next.unwrap_or(PaneFocus::Composer);
    if screen.focus == PaneFocus::List {
        list_actions::focus_list(screen, chats);
    }
}
