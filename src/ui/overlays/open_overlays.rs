//! Opening overlays: the initial content of each.

use super::{PickerItem, PickerKind, ScreenOverlay};
use crate::ui::keymap::KeyContext;
use crate::ui::{chats::Chats, cx::Cx, environment::Environment, screen::Screen};
use crate::{
    chat::{MessageBody, MessageId, Timestamp},
    render::theme::ColourRole,
    ui::{
        Action,
        actions::model_settings::{available_efforts, effort_in_force, fetch_models, say_no_efforts},
        environment::CatalogueState,
        help::KeyHelp,
        models::model_rows::{MODEL_COLUMNS, model_row},
        overlay::{
            form::SettingsForm,
            picker::{ColumnAlign, DetailStyle, FuzzyPicker, LoadState, PickerColumn, PickerRow},
        },
    },
};

/// A number, the first line, the language.
pub(crate) const CODE_COLUMNS: &[PickerColumn] = &[
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Grow, role: ColourRole::Text, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Muted, drop_priority: 1 },
];

/// One column that takes all the room.
pub(crate) const ONE_COLUMN: &[PickerColumn] =
    &[PickerColumn { heading: "", align: ColumnAlign::Grow, role: ColourRole::Text, drop_priority: 0 }];

/// A mark for what is in force, and a name.
pub(crate) const CHECKED_COLUMNS: &[PickerColumn] = &[
    PickerColumn { heading: "", align: ColumnAlign::Left, role: ColourRole::Accent, drop_priority: 0 },
    PickerColumn { heading: "", align: ColumnAlign::Grow, role: ColourRole::Text, drop_priority: 0 },
];

/// The label of the key that closes a picker.
pub(crate) const CLOSE: (&[Action], &str) = (&[Action::Back], "close");

/// What leaves everything as it was.
pub(crate) const CANCEL: (&[Action], &str) = (&[Action::Back], "cancel");

pub(crate) fn push_picker(
    overlays: &mut Vec<ScreenOverlay>,
    kind: PickerKind,
    mut picker: FuzzyPicker<PickerItem>,
    labels: &[(&'static [Action], &str)],
) {
    picker.context = kind.key_context();
    picker.hint_labels = labels.iter().map(|(actions, label)| (*actions, (*label).to_owned())).collect();
    overlays.push(ScreenOverlay::Picker { of: kind, picker: Box::new(picker) });
}

fn local_time(env: &Environment, time: Timestamp) -> String {
    time.to_zoned(env.time_zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

pub(crate) fn open_models(screen: &mut Screen, cx: &mut Cx<'_>) {
    open_model_picker(&mut screen.overlays, cx, PickerKind::Model, "Model for the next message");
}

pub(crate) fn open_models_for_again(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId) {
    open_model_picker(&mut screen.overlays, cx, PickerKind::ModelForAgain { answer }, "Model for another answer");
}

fn open_model_picker(overlays: &mut Vec<ScreenOverlay>, cx: &mut Cx<'_>, kind: PickerKind, title: &str) {
    fetch_models(cx);
    let mut picker = FuzzyPicker::new(title, MODEL_COLUMNS);
    picker.width = 92;
    picker.detail_rows = 3;
    picker.empty_text = "Type the name of a model; Enter uses it as typed.".into();
    picker.no_match_text = "No matches. A whole name, vendor/model, is used as typed.".into();
    fill_models(cx.chats, cx.env, &mut picker);
    let current = cx.chats.settings().model.clone();
    picker.select(&PickerItem::Model(current.clone()));
    push_picker(overlays, kind, picker, &[(&[Action::Accept], "use"), (&[Action::Slot1], "assigns a slot"), CANCEL]);
}

/// Fills a picker with the known models: those on slots first, then in the server's order.
fn fill_models(chats: &Chats, env: &Environment, picker: &mut FuzzyPicker<PickerItem>) {
    let endpoint = &chats.settings().endpoint;
    let slot_of = |id: &str| {
        let at = env.slots.iter().position(|slot| slot.as_deref() == Some(id))?;
        u8::try_from(at + 1).ok()
    };
    match env.catalogues.get(endpoint) {
        Some(CatalogueState::Loaded(catalogue)) => {
            let mut rows: Vec<_> = catalogue.models.iter().map(|model| (slot_of(&model.id), model)).collect();
            rows.sort_by_key(|(slot, _)| slot.unwrap_or(u8::MAX));
            let row = |(slot, model): (Option<u8>, &crate::api::Model)| {
                let mark = env.theme.marks.check(model.id == chats.settings().model);
                model_row(model, slot, &mark, PickerItem::Model(model.id.clone()))
            };
            picker.set_rows(rows.into_iter().map(row).collect());
            picker.load_state = LoadState::Ready;
        }
        Some(CatalogueState::Loading { since }) => picker.load_state = LoadState::Loading { since: *since },
        Some(CatalogueState::Failed(error)) => {
            let hint = "type the name of a model; Enter uses it as typed".into();
            picker.load_state = LoadState::Failed { reason: error.to_string(), hint };
        }
        None => (),
    }
}

/// Updates the open model picker after a change of the catalogue or the slots.
pub(crate) fn refresh_models(screen: &mut Screen, cx: &mut Cx<'_>) {
    let of_models = |overlay: &ScreenOverlay| {
        matches!(
            overlay,
            ScreenOverlay::Picker {
                of: PickerKind::Model | PickerKind::ModelForAgain { .. } | PickerKind::AnswerAgain { .. },
                ..
            }
        )
    };
    let Some(index) = screen.overlays.iter().position(of_models) else { return };
    let mut overlay = screen.overlays.remove(index);
    match &mut overlay {
        ScreenOverlay::Picker { of: PickerKind::AnswerAgain { answer }, picker } => {
            let chosen = match picker.selected().map(|row| &row.payload) {
                Some(PickerItem::Model(model)) => model.clone(),
                _ => cx.chats.settings().model.clone(),
            };
            crate::ui::actions::again_picker::fill_again_picker(cx.chats, cx.env, *answer, &chosen, picker);
        }
        ScreenOverlay::Picker { picker, .. } => fill_models(cx.chats, cx.env, picker),
        _ => (),
    }
    screen.overlays.insert(index, overlay);
}

pub(crate) fn open_efforts(screen: &mut Screen, cx: &mut Cx<'_>) {
    let offered = available_efforts(cx.chats, cx.env).map(|efforts| efforts.offered).unwrap_or_default();
    if offered.is_empty() {
        say_no_efforts(cx);
        return;
    }
    let mut picker = FuzzyPicker::new("Effort", CHECKED_COLUMNS);
    picker.width = 44;
    picker.detail_rows = 2;
    let in_force = effort_in_force(cx.chats, cx.env);
    let row = |effort: Option<crate::chat::Effort>| PickerRow {
        cells: vec![
            cx.env.theme.marks.check(effort == in_force),
            effort.map_or("model default", crate::chat::Effort::name).to_owned(),
        ],
        extra_terms: String::new(),
        detail_lines: vec![vec![(
            DetailStyle::Muted,
            "Higher is slower and costs more. From the next message on.".into(),
        )]],
        payload: PickerItem::Effort(effort),
    };
    picker.set_rows([None].into_iter().chain(offered.into_iter().map(Some)).map(row).collect());
    picker.select(&PickerItem::Effort(in_force));
    push_picker(&mut screen.overlays, PickerKind::Effort, picker, &[(&[Action::Accept], "use"), CANCEL]);
}

/// Opens the form for the instructions and sampling of the conversation on the screen.
pub(crate) fn open_parameters(screen: &mut Screen, cx: &mut Cx<'_>) {
    let form = SettingsForm::new(cx.chats.settings());
    screen.overlays.push(ScreenOverlay::Parameters(Box::new(form)));
}

/// Opens the history of prompts from all conversations.
pub(crate) fn open_history(screen: &mut Screen, cx: &mut Cx<'_>) {
    if cx.chats.prompt_history.is_empty() {
        cx.show_message("no prompt has been sent yet");
        return;
    }
    let mut picker = FuzzyPicker::new("Prompt history", ONE_COLUMN);
    picker.detail_rows = 4;
    let row = |text: &String| PickerRow {
        cells: vec![first_line(text).to_owned()],
        extra_terms: text.clone(),
        detail_lines: text.lines().take(4).map(|line| vec![(DetailStyle::Muted, line.to_owned())]).collect(),
        payload: PickerItem::Prompt(text.clone()),
    };
    picker.set_rows(cx.chats.prompt_history.iter().map(row).collect());
    push_picker(
        &mut screen.overlays,
        PickerKind::PromptHistory,
        picker,
        &[(&[Action::Accept], "into the composer"), CANCEL],
    );
}

/// Opens the prompts of the branch, newest first, to pick one to edit.
pub(crate) fn open_earlier_prompts(screen: &mut Screen, cx: &mut Cx<'_>) {
    let mut rows = prompt_rows(cx.chats, cx.env);
    rows.reverse();
    if rows.is_empty() {
        cx.show_message("there is no prompt to edit yet");
        return;
    }
    let mut picker = FuzzyPicker::new("Edit an earlier prompt", ONE_COLUMN);
    picker.detail_rows = 1;
    picker.set_rows(rows);
    push_picker(&mut screen.overlays, PickerKind::EarlierPrompt, picker, &[(&[Action::Accept], "edit"), CANCEL]);
}

/// Asks in one line whether to edit a prompt.
pub(crate) fn open_edit_question(screen: &mut Screen, cx: &mut Cx<'_>, prompt: MessageId) {
    let Some(text) =
        cx.chats.current_conversation().and_then(|conversation| match &conversation.messages.get(&prompt)?.body {
            MessageBody::Prompt(prompt) => Some(prompt.text.clone()),
            MessageBody::Answer(_) => None,
        })
    else {
        return;
    };
    let mut picker = FuzzyPicker::new("edit", ONE_COLUMN);
    picker.detail_rows = 0;
    picker.set_rows(vec![PickerRow {
        cells: vec![first_line(&text).to_owned()],
        extra_terms: String::new(),
        detail_lines: vec![vec![(DetailStyle::Muted, "as a branch: what is below stays".into())]],
        payload: PickerItem::Message(prompt),
    }]);
    let labels = [(&[Action::Accept] as &[Action], "edit"), (&[Action::Back], "cancel")];
    push_picker(&mut screen.overlays, PickerKind::EditPrompt { prompt }, picker, &labels);
}

/// Opens the prompts of the branch as a table of contents, to pick one to go to.
pub(crate) fn open_prompt_jump(screen: &mut Screen, cx: &mut Cx<'_>) {
    let rows = prompt_rows(cx.chats, cx.env);
    if rows.is_empty() {
        cx.show_message("there is no prompt to go to yet");
        return;
    }
    let mut picker = FuzzyPicker::new("Go to a prompt", ONE_COLUMN);
    picker.detail_rows = 1;
    picker.set_rows(rows);
    if let Some(here) = current_prompt(screen, cx.chats) {
        picker.select(&PickerItem::Message(here));
    }
    push_picker(&mut screen.overlays, PickerKind::JumpToPrompt, picker, &[(&[Action::Accept], "go there"), CLOSE]);
}

/// Returns the current prompt, or the prompt of the current answer.
fn current_prompt(screen: &Screen, chats: &Chats) -> Option<MessageId> {
    let conversation = chats.current_conversation()?;
    let current = screen.transcript(chats)?.current_message()?;
    let position = conversation.branch.iter().position(|id| *id == current)?;
    conversation.branch[..=position]
        .iter()
        .rev()
        .copied()
        .find(|id| conversation.messages.get(id).is_some_and(|message| matches!(message.body, MessageBody::Prompt(_))))
}

/// Returns a row for each prompt of the branch, oldest first.
fn prompt_rows(chats: &Chats, env: &Environment) -> Vec<PickerRow<PickerItem>> {
    chats.current_conversation().map_or_else(Vec::new, |conversation| {
        let prompt = |id| {
            let message = conversation.messages.get(id)?;
            let MessageBody::Prompt(prompt) = &message.body else { return None };
            Some(PickerRow {
                cells: vec![first_line(&prompt.text).to_owned()],
                extra_terms: prompt.text.clone(),
                detail_lines: vec![vec![(DetailStyle::Muted, local_time(env, message.created_at))]],
                payload: PickerItem::Message(*id),
            })
        };
        conversation.branch.iter().filter_map(prompt).collect()
    })
}

pub(crate) fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

/// Opens the help: the keys of the present context first.
pub(crate) fn open_help(screen: &mut Screen, cx: &mut Cx<'_>) {
    let here = match screen.key_context(cx.chats) {
        KeyContext::RailTree => KeyContext::Tree, // The same keys, but for those of the rail.
        here => here,
    };
    screen.overlays.push(ScreenOverlay::Help(Box::new(KeyHelp::new(&cx.env.keymap, here))));
}
