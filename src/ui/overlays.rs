//! Overlays: pickers, the form, the help, the connect screen, and how they handle keys.

pub(crate) mod connecting;
pub(crate) mod open_commands;
pub(crate) mod open_overlays;
pub(crate) mod picker_items;

use crate::ui::environment::Environment;
use crate::ui::{cx::Cx, screen::Screen};
use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::{
    Action, Effect,
    actions::model_settings::{set_model, short_name},
    actions::{copying, theme_actions, trash_actions},
    dispatch::on_action,
    keymap::KeyContext,
    screen::PaneFocus,
};
use crate::{
    config::SettingChange,
    ui::{
        commands::CommandList,
        connect::ConnectScreen,
        help::KeyHelp,
        overlay::{form::SettingsForm, picker::FuzzyPicker},
        results::pager::CallPager,
        safeguard::SafeguardQuestion,
        search::SearchOverlay,
        toasts::ToastSubject,
        tools::ToolList,
        trash::TrashList,
        xray::XrayOverlay,
    },
};

pub(crate) use crate::ui::actions::again_picker::open_again;
pub(crate) use crate::ui::actions::code_blocks::{
    ask_overwrite, copy_code_block, on_command_ended, open_code, open_code_blocks,
};
pub(crate) use crate::ui::actions::theme_picker::open_themes;
pub use crate::ui::actions::tool_overlay::no_tools_reason;
pub(crate) use crate::ui::actions::tool_overlay::{apply_request, open_tools, open_trust};
use crate::ui::actions::{again_picker, claim_judge, searching};
pub(crate) use open_commands::{count_use, open_commands};
pub(crate) use open_overlays::{
    open_earlier_prompts, open_edit_question, open_efforts, open_help, open_history, open_models,
    open_models_for_again, open_parameters, open_prompt_jump, refresh_models,
};
pub(crate) use picker_items::previewed_theme;
pub use picker_items::{PickerItem, PickerKind};
pub(crate) use picker_items::{accept, preview_theme, set_theme};

/// An overlay over the screen; the last one has the keys.
#[derive(Debug, Clone)]
pub enum ScreenOverlay {
    Connect(Box<ConnectScreen>),
    Picker {
        of: PickerKind,
        picker: Box<FuzzyPicker<PickerItem>>,
    },
    Parameters(Box<SettingsForm>),
    Commands(Box<CommandList>),
    Help(Box<KeyHelp>),
    /// The question before a safeguard is switched off.
    Safeguard(SafeguardQuestion),
    Xray(Box<XrayOverlay>),
    Tools(Box<ToolList>),
    Trash(Box<TrashList>),
    Pager(Box<CallPager>),
    Search(Box<SearchOverlay>),
    /// The list when it is not docked.
    List,
    /// The rail when it is not docked.
    Rail,
}

impl ScreenOverlay {
    /// Returns whether it is drawn in a frame over the screen.
    pub fn has_frame(&self) -> bool {
        match self {
            Self::Connect(connect) => !connect.is_first_start(),
            Self::Picker { .. } if self.is_question() => false,
            Self::Picker { .. }
            | Self::Parameters(_)
            | Self::Commands(_)
            | Self::Help(_)
            | Self::Safeguard(_)
            | Self::Xray(_)
            | Self::Tools(_)
            | Self::Trash(_)
            | Self::Pager(_)
            | Self::Search(_)
            | Self::List
            | Self::Rail => true,
        }
    }

    /// Returns the context of its keys; the panes have their own.
    pub fn key_context(&self) -> Option<KeyContext> {
        Some(match self {
            Self::Picker { of: PickerKind::Code, picker } if picker.query.is_empty() => KeyContext::CodeNumber,
            Self::Connect(connect) if connect.is_typing() => KeyContext::Field,
            Self::Connect(connect) if connect.sign_in().is_some() => KeyContext::SignIn,
            Self::Connect(_) => KeyContext::Connect,
            Self::Picker { of, .. } => of.key_context(),
            Self::Parameters(_) => KeyContext::Form,
            Self::Commands(_) => KeyContext::Picker,
            Self::Help(_) => KeyContext::Help,
            Self::Safeguard(_) => KeyContext::Safeguard,
            Self::Xray(xray) => xray.key_context(),
            Self::Tools(list) => list.key_context(),
            Self::Trash(list) => list.key_context(),
            Self::Pager(pager) => pager.key_context(),
            Self::Search(_) => KeyContext::SearchAll,
            Self::List | Self::Rail => return None,
        })
    }

    /// Returns whether it is a question in the composer's place, which any printable key cancels.
    pub(crate) fn is_question(&self) -> bool {
        matches!(
            self,
            Self::Picker {
                of: PickerKind::AnswerAgain { .. }
                    | PickerKind::EditPrompt { .. }
                    | PickerKind::CheckAnswer { .. }
                    | PickerKind::JudgeClaims { .. },
                ..
            }
        )
    }
}

/// Returns whether the overlay on top is a question in the composer's place.
pub(crate) fn is_question(overlays: &[ScreenOverlay]) -> bool {
    overlays.last().is_some_and(ScreenOverlay::is_question)
}

/// Does what an action means in the top overlay.
pub(crate) fn on_overlay_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    let screen_area = Rect::from((Position::ORIGIN, screen.size));
    match (action, screen.overlays.last_mut()) {
        (Action::Back | Action::Cancel, _) => leave_top(screen, cx, action),
        (Action::Redraw | Action::Suspend, _) => on_action(screen, cx, action),
        (_, Some(ScreenOverlay::Picker { .. })) => on_picker_action(screen, cx, action, screen_area),
        (Action::Accept, Some(ScreenOverlay::Parameters(_))) => {
            picker_items::apply_parameters(&mut screen.overlays, cx);
        }
        (_, Some(ScreenOverlay::Parameters(form))) => form.on_action(action),
        (Action::Accept, Some(ScreenOverlay::Commands(_))) => open_commands::accept_command(screen, cx),
        (_, Some(ScreenOverlay::Commands(list))) => list.on_action(action, screen_area),
        (_, Some(ScreenOverlay::Safeguard(question))) => {
            if action == Action::ConfirmSafeguard {
                let question = question.clone();
                screen.overlays.pop();
                super::dispatch::run_confirmed(screen, cx, &question);
            }
        }
        (Action::Accept, Some(ScreenOverlay::Search(_))) => searching::accept(screen, cx),
        (_, Some(ScreenOverlay::Search(search))) => search.on_action(action, screen_area),
        (Action::Accept, Some(ScreenOverlay::Help(_))) => close_top(screen, cx),
        (_, Some(ScreenOverlay::Help(help))) => help.on_action(action, screen_area),
        (_, Some(ScreenOverlay::Xray(xray))) => {
            let request = xray.on_action(action, screen_area);
            super::actions::xray_actions::apply_request(cx, request);
        }
        (_, Some(ScreenOverlay::Tools(list))) => {
            let request = list.on_action(action, screen_area);
            apply_request(screen, cx, request);
        }
        (_, Some(ScreenOverlay::Trash(list))) => {
            let request = list.on_action(action, screen_area);
            trash_actions::apply_request(screen, cx, request);
        }
        (_, Some(ScreenOverlay::Pager(pager))) => {
            let request = pager.on_action(action);
            super::actions::call_results::apply_request(screen, cx, request);
        }
        (_, Some(ScreenOverlay::Connect(connect))) => {
            let request = connect.on_action(action);
            connecting::apply_connect_request(screen, cx, request);
        }
        (_, Some(ScreenOverlay::List | ScreenOverlay::Rail) | None) => (),
    }
}

/// Edits the text of the top overlay with a key that is no action.
pub(crate) fn edit_text(overlays: &mut [ScreenOverlay], env: &mut Environment, event: KeyEvent) {
    match overlays.last_mut() {
        Some(ScreenOverlay::Picker { picker, .. }) => {
            picker.edit(event);
            picker_items::preview_theme(overlays, env);
        }
        Some(ScreenOverlay::Parameters(form)) => form.edit(event),
        Some(ScreenOverlay::Xray(xray)) => xray.edit_query(event),
        Some(ScreenOverlay::Tools(list)) => list.edit_query(event),
        Some(ScreenOverlay::Trash(list)) => list.edit_query(event),
        Some(ScreenOverlay::Pager(pager)) => pager.edit_query(event),
        Some(ScreenOverlay::Connect(connect)) => connect.edit(event),
        Some(ScreenOverlay::Commands(list)) => list.edit(event),
        Some(ScreenOverlay::Help(help)) => help.edit(event),
        Some(ScreenOverlay::Search(search)) => search.edit(event),
        Some(ScreenOverlay::Safeguard(_) | ScreenOverlay::List | ScreenOverlay::Rail) | None => (),
    }
}

/// Goes a step back in the top overlay, or closes it.
fn leave_top(screen: &mut Screen, cx: &mut Cx<'_>, action: Action) {
    if action == Action::Cancel && copying::copy_selection(screen, cx.chats, copying::configured_copy(&cx.env.config)) {
        return;
    }
    let stepped_back = match screen.overlays.last_mut() {
        Some(ScreenOverlay::Connect(_)) => {
            connecting::on_connect_back(screen, cx, action);
            true
        }
        Some(ScreenOverlay::Xray(xray)) => xray.back(),
        Some(ScreenOverlay::Tools(list)) => list.back(),
        Some(ScreenOverlay::Trash(list)) => list.back(),
        Some(ScreenOverlay::Pager(pager)) => pager.back(),
        _ => false,
    };
    if !stepped_back {
        close_top(screen, cx);
    }
}

fn on_picker_action(screen: &mut Screen, cx: &mut Cx<'_>, action: Action, screen_area: Rect) {
    if let Some(slot) = slot_number(action) {
        assign_slot(screen, cx, slot);
        return;
    }
    let Some(ScreenOverlay::Picker { of: kind, picker }) = screen.overlays.last_mut() else { return };
    if let Some(number) = action.code_number() {
        if crate::ui::actions::code_blocks::select_code(picker, number) {
            picker_items::accept(screen, cx);
        }
        return;
    }
    match (action, kind) {
        (Action::Accept, _) => picker_items::accept(screen, cx),
        (Action::SaveShown | Action::PipeCode, _) => {
            crate::ui::actions::code_blocks::take_code_block(&mut screen.overlays, action == Action::SaveShown);
        }
        (Action::ShowAllModels, PickerKind::AnswerAgain { answer }) => {
            let answer = *answer;
            screen.overlays.pop();
            open_models_for_again(screen, cx, answer);
        }
        _ => {
            picker.on_action(action, screen_area);
            picker_items::preview_theme(&mut screen.overlays, cx.env);
        }
    }
}

/// Updates the overlays before each frame, and scrolls their cursors into view.
pub(crate) fn sync(screen: &mut Screen, cx: &mut Cx<'_>) {
    let screen_area = Rect::from((Position::ORIGIN, screen.size));
    crate::ui::actions::tool_overlay::refresh_tool_list(&mut screen.overlays, cx, screen_area);
    for overlay in &mut screen.overlays {
        match overlay {
            ScreenOverlay::Picker { picker, .. } => picker.scroll_to_cursor(screen_area),
            ScreenOverlay::Parameters(form) => form.scroll_to_cursor(screen_area),
            ScreenOverlay::Xray(xray) => xray.lay_out(screen_area.as_size()),
            ScreenOverlay::Pager(pager) => pager.lay_out(screen_area.as_size()),
            ScreenOverlay::Commands(list) => list.scroll_to_cursor(screen_area),
            ScreenOverlay::Search(search) => search.sync(screen_area, &cx.now.to_zoned(cx.env.time_zone.clone())),
            ScreenOverlay::Trash(list) => list.scroll_to_cursor(screen_area),
            ScreenOverlay::Connect(_)
            | ScreenOverlay::Help(_)
            | ScreenOverlay::Safeguard(_)
            | ScreenOverlay::Tools(_)
            | ScreenOverlay::List
            | ScreenOverlay::Rail => (),
        }
    }
}

/// Returns whether the top overlay waits for a layout before its next key.
pub(crate) fn is_unsettled(overlays: &[ScreenOverlay]) -> bool {
    match overlays.last() {
        Some(ScreenOverlay::Xray(xray)) => xray.is_unsettled(),
        Some(ScreenOverlay::Pager(pager)) => pager.is_unsettled(),
        _ => false,
    }
}

/// Returns the number of the slot that an action selects, from 1.
pub(crate) fn slot_number(action: Action) -> Option<u8> {
    (1..).zip(Action::SLOTS).find_map(|(slot, of_slot)| (of_slot == action).then_some(slot))
}

/// Puts the model under the cursor on a slot.
pub(crate) fn assign_slot(screen: &mut Screen, cx: &mut Cx<'_>, number: u8) {
    let Some(ScreenOverlay::Picker { picker, .. }) = screen.overlays.last() else { return };
    let Some(PickerItem::Model(model)) = picker.selected().map(|row| row.payload.clone()) else { return };
    for other in &mut cx.env.slots {
        if other.as_ref() == Some(&model) {
            *other = None;
        }
    }
    cx.env.slots[usize::from(number) - 1] = Some(model.clone());
    cx.show_message(format!("slot {number} is now {}", short_name(&model)));
    cx.effects.push(Effect::SaveSetting(SettingChange::Slot(number, model)));
    refresh_models(screen, cx);
}

/// Handles a paste into the top overlay.
pub(crate) fn on_paste(overlays: &mut [ScreenOverlay], env: &mut Environment, text: &str) {
    match overlays.last_mut() {
        Some(ScreenOverlay::Picker { picker, .. }) => {
            picker.paste(text);
            picker_items::preview_theme(overlays, env);
        }
        Some(ScreenOverlay::Parameters(form)) => form.paste(text),
        Some(ScreenOverlay::Connect(connect)) => connect.paste(text),
        Some(ScreenOverlay::Xray(xray)) => xray.paste(text),
        Some(ScreenOverlay::Tools(list)) => list.paste(text),
        Some(ScreenOverlay::Trash(list)) => list.paste(text),
        Some(ScreenOverlay::Pager(pager)) => pager.paste(text),
        Some(ScreenOverlay::Commands(list)) => list.paste(text),
        Some(ScreenOverlay::Help(help)) => help.paste(text),
        Some(ScreenOverlay::Search(search)) => search.paste(text),
        Some(ScreenOverlay::Safeguard(_) | ScreenOverlay::List | ScreenOverlay::Rail) | None => (),
    }
}

/// Closes the top overlay and undoes its preview.
pub(crate) fn close_top(screen: &mut Screen, cx: &mut Cx<'_>) {
    match screen.overlays.pop() {
        Some(ScreenOverlay::Picker { of: PickerKind::Theme, .. }) => {
            _ = theme_actions::apply_theme(&mut screen.overlays, cx.env);
        }
        Some(ScreenOverlay::List) => super::actions::list_actions::leave_field(&mut screen.list, cx),
        Some(
            ScreenOverlay::Picker { .. }
            | ScreenOverlay::Parameters(_)
            | ScreenOverlay::Commands(_)
            | ScreenOverlay::Help(_)
            | ScreenOverlay::Safeguard(_)
            | ScreenOverlay::Xray(_)
            | ScreenOverlay::Tools(_)
            | ScreenOverlay::Trash(_)
            | ScreenOverlay::Pager(_)
            | ScreenOverlay::Search(_)
            | ScreenOverlay::Connect(_)
            | ScreenOverlay::Rail,
        )
        | None => (),
    }
    let is_floating = matches!(screen.overlays.last(), Some(ScreenOverlay::List | ScreenOverlay::Rail));
    let is_docked = match screen.focus {
        PaneFocus::List => screen.is_list_docked(),
        PaneFocus::Rail => screen.is_rail_docked(),
        PaneFocus::Composer | PaneFocus::Card | PaneFocus::Transcript => true,
    };
    if !is_floating && !is_docked {
        screen.focus = PaneFocus::Composer;
    }
}

/// Handles a click outside the top overlay: closes it, unless something in it was changed.
pub(crate) fn click_outside(screen: &mut Screen, cx: &mut Cx<'_>) {
    let is_changed = match screen.overlays.last() {
        Some(ScreenOverlay::Picker { of, picker }) => {
            let previews = *of == PickerKind::Theme
                && previewed_theme(&screen.overlays).is_some_and(|name| name != cx.env.config.theme);
            previews || !picker.query.is_empty()
        }
        Some(ScreenOverlay::Commands(list)) => !list.query.is_empty(),
        Some(ScreenOverlay::Parameters(form)) => form.is_changed(),
        Some(ScreenOverlay::List) => screen.list.row_edit.is_some(),
        Some(ScreenOverlay::Connect(connect)) => !connect.can_be_clicked_away(),
        Some(
            ScreenOverlay::Help(_)
            | ScreenOverlay::Safeguard(_)
            | ScreenOverlay::Xray(_)
            | ScreenOverlay::Tools(_)
            | ScreenOverlay::Trash(_)
            | ScreenOverlay::Pager(_)
            | ScreenOverlay::Search(_)
            | ScreenOverlay::Rail,
        )
        | None => false,
    };
    if is_changed {
        let keys = cx.env.keymap.keys_of(Action::Back).unwrap_or_default();
        cx.show_while(ToastSubject::Overlays(screen.overlays.len()), format!("{keys} cancel"));
    } else {
        close_top(screen, cx);
    }
}

/// Uses a model for the picker's purpose. From the list, another answer is asked for only after the line with its price.
fn use_model(screen: &mut Screen, cx: &mut Cx<'_>, kind: &PickerKind, model: String) {
    match kind {
        PickerKind::AnswerAgain { answer } => super::actions::branching::answer_again(cx, *answer, model),
        PickerKind::JudgeClaims { answer } => claim_judge::judge_with(screen, cx, *answer, &model),
        PickerKind::ModelForAgain { answer } => again_picker::ask_again_with(screen, cx, *answer, model),
        _ => set_model(cx, model),
    }
}
