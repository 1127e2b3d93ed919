//! What the rows of a picker stand for, and what happens when one is picked.

use crate::ui::chats::Chats;
use crate::ui::{cx::Cx, environment::Environment, screen::Screen};
use std::sync::Arc;

use super::{ScreenOverlay, use_model};
use crate::ui::actions::{
    branching::edit_prompt,
    code_blocks,
    copying::copied_message,
    model_settings,
    setting_choices::{change_setting, setting_named},
    source_checks::{FetchAnswer, on_answer_consent},
    switching, theme_actions,
};
use crate::{
    chat::{Effort, MessageId},
    config::SettingChange,
    render::markdown::CodeBlock,
    ui::{
        Action, Effect,
        keymap::KeyContext,
        reading::ScrollMove,
        screen::PaneFocus,
        transcript::{CursorTarget, TranscriptCursor},
    },
};

/// What a picker is for.
#[derive(Debug, Clone, PartialEq)]
pub enum PickerKind {
    Model,
    /// The model for another answer to the same prompt.
    ModelForAgain {
        answer: MessageId,
    },
    /// The model for another answer, picked in one line.
    AnswerAgain {
        answer: MessageId,
    },
    /// The question whether to edit a prompt as a branch, in one line.
    EditPrompt {
        prompt: MessageId,
    },
    /// Whether to fetch the pages that an answer cites, in one line.
    CheckAnswer {
        answer: MessageId,
    },
    /// The model that judges the unproved claims of an answer, picked in one line.
    JudgeClaims {
        answer: MessageId,
    },
    Effort,
    PromptHistory,
    /// A code block of the answer, to copy.
    Code,
    /// A prompt of the branch, to edit.
    EarlierPrompt,
    /// A prompt of the branch, to go to.
    JumpToPrompt,
    /// Where to save a text.
    SavePath {
        text: Arc<str>,
    },
    /// Whether to overwrite a file.
    Overwrite,
    /// The command to pipe a text to.
    Command {
        text: Arc<str>,
    },
    /// The output of a command.
    CommandOutput,
    /// The values of the setting that an action changes.
    Setting(Action),
    Theme,
}

impl PickerKind {
    /// Returns the context of its keys.
    pub(crate) fn key_context(&self) -> KeyContext {
        match self {
            Self::Model | Self::ModelForAgain { .. } => KeyContext::ModelPicker,
            Self::AnswerAgain { .. }
            | Self::EditPrompt { .. }
            | Self::CheckAnswer { .. }
            | Self::JudgeClaims { .. } => KeyContext::AgainPicker,
            Self::Code => KeyContext::CodePicker,
            Self::Effort
            | Self::PromptHistory
            | Self::EarlierPrompt
            | Self::JumpToPrompt
            | Self::SavePath { .. }
            | Self::Overwrite
            | Self::Command { .. }
            | Self::CommandOutput
            | Self::Setting(_)
            | Self::Theme => KeyContext::Picker,
        }
    }
}

/// What a row of a picker stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum PickerItem {
    Model(String),
    Effort(Option<Effort>),
    Prompt(String),
    Code {
        number: usize,
        code: CodeBlock,
    },
    Write {
        path: String,
        text: Arc<str>,
        over: bool,
    },
    /// A line of a command's output.
    OutputLine {
        nth: usize,
        all: Arc<str>,
    },
    /// The typed text, in a picker without rows.
    TypedText(String),
    Message(MessageId),
    FetchConsent(FetchAnswer),
    Setting(SettingChange),
    Theme(String),
}

/// Closes the picker and does what the chosen row stands for.
pub(crate) fn accept(screen: &mut Screen, cx: &mut Cx<'_>) {
    let Some(ScreenOverlay::Picker { of: kind, picker }) = screen.overlays.last() else { return };
    let of = kind.clone();
    let typed = picker.query.text().trim().to_owned();
    let item = match picker.selected() {
        Some(row) => row.payload.clone(),
        None if matches!(
            of,
            PickerKind::Model
                | PickerKind::ModelForAgain { .. }
                | PickerKind::AnswerAgain { .. }
                | PickerKind::JudgeClaims { .. }
        ) && !typed.is_empty() =>
        {
            if !model_settings::is_model_name(cx, &typed) {
                return cx.warn(format!("no model is called {typed}"));
            }
            PickerItem::Model(typed)
        }
        None if matches!(of, PickerKind::SavePath { .. } | PickerKind::Command { .. }) && !typed.is_empty() => {
            PickerItem::TypedText(typed)
        }
        None => {
            let PickerKind::Setting(action) = of else { return };
            let Some(change) = setting_named(action, &typed) else { return };
            PickerItem::Setting(change)
        }
    };
    screen.overlays.pop();
    match item {
        PickerItem::Model(model) => use_model(screen, cx, &of, model),
        PickerItem::Effort(effort) => model_settings::change_settings(cx, |settings| settings.effort = effort),
        PickerItem::Prompt(text) => {
            screen.pane.composer.replace(&text);
            switching::schedule_draft_save(&mut screen.pane, cx);
        }
        PickerItem::Code { code, .. } => copy_code(cx, code.text),
        PickerItem::Write { path, text, over } => {
            code_blocks::write_file(&mut screen.overlays, cx.effects, path, text, over);
        }
        PickerItem::OutputLine { all, .. } => {
            cx.show_message(copied_message(&all));
            cx.effects.push(Effect::CopyToClipboard(all.to_string()));
        }
        PickerItem::TypedText(typed) => match of {
            PickerKind::SavePath { text } => cx.effects.push(Effect::WriteFile { path: typed, text, over: false }),
            PickerKind::Command { text } => code_blocks::pipe_to_command(screen, cx, typed, text),
            _ => (),
        },
        PickerItem::FetchConsent(consent) => {
            if let PickerKind::CheckAnswer { answer } = of {
                on_answer_consent(screen, cx, answer, consent);
            }
        }
        PickerItem::Message(id) if of == PickerKind::JumpToPrompt => go_to_message(screen, cx.chats, id),
        PickerItem::Message(id) => edit_prompt(screen, cx, id),
        PickerItem::Setting(change) => change_setting(screen, cx, change),
        PickerItem::Theme(name) => set_theme(&mut screen.overlays, cx, name),
    }
}

/// Scrolls to the first row of a message and puts the cursor on it.
fn go_to_message(screen: &mut Screen, chats: &mut Chats, id: MessageId) {
    screen.focus = PaneFocus::Transcript;
    if let Some(transcript) = screen.transcript_mut(chats) {
        transcript.set_cursor(Some(TranscriptCursor { message: id, target: CursorTarget::Message }));
        transcript.scroll(ScrollMove::ToMessage(id));
    }
}

pub(crate) fn copy_code(cx: &mut Cx<'_>, text: String) {
    let lines = text.lines().count();
    cx.show_message(format!("copied the code, {lines} {}", if lines == 1 { "line" } else { "lines" }));
    cx.effects.push(Effect::CopyToClipboard(text));
}

/// Returns the theme under the cursor of the theme picker, if it is open.
pub(crate) fn previewed_theme(overlays: &[ScreenOverlay]) -> Option<String> {
    let Some(ScreenOverlay::Picker { of: PickerKind::Theme, picker }) = overlays.last() else {
        return None;
    };
    match &picker.selected()?.payload {
        PickerItem::Theme(name) => Some(name.clone()),
        _ => None,
    }
}

/// Previews the theme under the cursor of the theme picker.
pub(crate) fn preview_theme(overlays: &mut [ScreenOverlay], env: &mut Environment) {
    if matches!(overlays.last(), Some(ScreenOverlay::Picker { of: PickerKind::Theme, .. })) {
        theme_actions::apply_theme(overlays, env); // The row of a theme shows its error.
    }
}

/// Sets a theme and saves it in the config, or shows why it cannot be used.
pub(crate) fn set_theme(overlays: &mut [ScreenOverlay], cx: &mut Cx<'_>, name: String) {
    match cx.env.theme_selection.resolve(&name, &cx.env.config) {
        Ok(_) => {
            cx.env.config.theme.clone_from(&name);
            cx.effects.push(Effect::SaveSetting(SettingChange::Theme(name)));
        }
        Err(why) => cx.warn(why),
    }
    theme_actions::apply_theme(overlays, cx.env);
}

/// Applies the fields of the form to the settings of the next message.
pub(crate) fn apply_parameters(overlays: &mut Vec<ScreenOverlay>, cx: &mut Cx<'_>) {
    let Some(ScreenOverlay::Parameters(form)) = overlays.last_mut() else { return };
    let Some(values) = form.values() else { return };
    overlays.pop();
    model_settings::change_settings(cx, |settings| {
        settings.instructions = values.instructions;
        settings.temperature = values.temperature;
        settings.top_p = values.top_p;
        settings.max_output_tokens = values.max_output_tokens;
    });
    cx.show_message("applies from the next message on");
}
