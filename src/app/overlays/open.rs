//! What each overlay shows when it is opened.

use super::{Of, Overlay, Picked};
use crate::{
    app::{
        Action, Effect, State,
        action::{Listed, TABLE},
        keymap::Context,
        models::{efforts, know_models, short},
        state::Models,
    },
    chat::{Body, MessageId, Timestamp},
    config::Mouse,
    widgets::{
        form::Form,
        help::{Group, Help},
        picker::{Align, Column, Filling, MODEL_COLUMNS, Picker, PickerRow, Tone, model_row},
        theme::Role,
        welcome::Welcome,
    },
};

/// A name, what it is, and its key.
const PALETTE_COLUMNS: &[Column] = &[
    Column { head: "", align: Align::Grows, role: Role::Text, dispensable: 0 },
    Column { head: "", align: Align::Left, role: Role::Muted, dispensable: 2 },
    Column { head: "", align: Align::Right, role: Role::Accent, dispensable: 1 },
];

/// A number, the first line, the language.
pub(super) const CODE_COLUMNS: &[Column] = &[
    Column { head: "", align: Align::Left, role: Role::Accent, dispensable: 0 },
    Column { head: "", align: Align::Grows, role: Role::Text, dispensable: 0 },
    Column { head: "", align: Align::Left, role: Role::Muted, dispensable: 1 },
];

/// One column that takes all the room.
pub(super) const ONE_COLUMN: &[Column] = &[Column { head: "", align: Align::Grows, role: Role::Text, dispensable: 0 }];

pub(super) fn open(state: &mut State, of: Of, mut picker: Picker<Picked>, keys: &[(&str, &str)]) {
    picker.keys = keys.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect();
    state.screen.overlays.push(Overlay::Picker { of, picker: Box::new(picker) });
}

/// Every action, conversation and model.
pub(in crate::app) fn open_palette(state: &mut State) {
    let mut picker = Picker::new("Menu", PALETTE_COLUMNS);
    let actions = TABLE.iter().filter(|entry| entry.listed == Listed::Palette).map(|entry| PickerRow {
        cells: vec![entry.title.into(), "action".into(), state.keymap.keys_of(entry.action).unwrap_or_default()],
        also: entry.name.into(),
        detail: vec![vec![(Tone::Muted, format!("also /{} in the composer", entry.name))]],
        payload: Picked::Action(entry.action),
    });
    let conversations = state.index.iter().map(|row| PickerRow {
        cells: vec![row.title.clone(), "conversation".into(), String::new()],
        also: String::new(),
        detail: vec![vec![(Tone::Muted, local(state, row.updated))]],
        payload: Picked::Conversation(row.id),
    });
    let endpoint = state.settings().endpoint.clone();
    let models =
        state.catalogue(&endpoint).into_iter().flat_map(|catalogue| &catalogue.models).map(|model| PickerRow {
            cells: vec![short(&model.id).to_owned(), "model".into(), String::new()],
            also: model.id.clone(),
            detail: vec![vec![(Tone::Bold, model.id.clone()), (Tone::Muted, format!("   {}", model.name))]],
            payload: Picked::Model(model.id.clone()),
        });
    let rows = actions.chain(conversations).chain(models).collect();
    picker.set_rows(rows);
    open(state, Of::Everything, picker, &[("↵", "do it"), ("esc", "back")]);
}

fn local(state: &State, at: Timestamp) -> String {
    at.to_zoned(state.time_zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

pub(in crate::app) fn open_models(state: &mut State, now: Timestamp, fx: &mut Vec<Effect>) {
    open_models_of(state, now, Of::Model, "Model for the next message", fx);
}

pub(in crate::app) fn open_models_for_again(
    state: &mut State,
    now: Timestamp,
    answer: MessageId,
    fx: &mut Vec<Effect>,
) {
    open_models_of(state, now, Of::ModelForAgain { answer }, "Model for another answer", fx);
}

fn open_models_of(state: &mut State, now: Timestamp, of: Of, title: &str, fx: &mut Vec<Effect>) {
    know_models(state, now, fx);
    let mut picker = Picker::new(title, MODEL_COLUMNS);
    picker.width = 92;
    picker.detail_rows = 3;
    picker.empty = "Type the name of a model; Enter takes it as it is.".into();
    fill_models(state, &mut picker);
    let present = state.settings().model.clone();
    picker.select(&Picked::Model(present.clone()));
    let keep = format!("keep {}", short(&present));
    let slots = state.keymap.keys_of(Action::Slot1).map(|keys| match keys.strip_suffix('1') {
        Some(leader) => format!("{leader}1{}9", state.theme.marks.to),
        None => keys,
    });
    let slots = slots.as_deref().map(|keys| (keys, "put on a slot"));
    let leave = ("esc", if present.is_empty() { "back" } else { &keep });
    let keys: Vec<_> = [("↵", "use")].into_iter().chain(slots).chain([leave]).collect();
    open(state, of, picker, &keys);
}

/// The rows of the catalogue that is known now: those on slots first, then as the server lists them.
fn fill_models(state: &State, picker: &mut Picker<Picked>) {
    let endpoint = &state.settings().endpoint;
    let slot_of = |id: &str| {
        let at = state.slots.iter().position(|slot| slot.as_deref() == Some(id))?;
        u8::try_from(at + 1).ok()
    };
    match state.catalogues.get(endpoint) {
        Some(Models::Loaded(catalogue)) => {
            let mut rows: Vec<_> = catalogue.models.iter().map(|model| (slot_of(&model.id), model)).collect();
            rows.sort_by_key(|(slot, _)| slot.unwrap_or(u8::MAX));
            let row = |(slot, model): (Option<u8>, &crate::api::Model)| {
                model_row(model, slot, Picked::Model(model.id.clone()))
            };
            picker.set_rows(rows.into_iter().map(row).collect());
            picker.filling = Filling::Ready;
        }
        Some(Models::Loading { since }) => picker.filling = Filling::Loading { since: *since },
        Some(Models::Failed(error)) => {
            let hint = "type the name of a model, Enter takes it as it is".into();
            picker.filling = Filling::Failed { reason: error.to_string(), hint };
        }
        None => (),
    }
}

/// The catalogue or the slots changed while models are being picked.
pub(in crate::app) fn refresh_models(state: &mut State) {
    let of_models = |overlay: &Overlay| {
        matches!(overlay, Overlay::Picker { of: Of::Model | Of::ModelForAgain { .. } | Of::Again { .. }, .. })
    };
    let Some(at) = state.screen.overlays.iter().position(of_models) else { return };
    let mut overlay = state.screen.overlays.remove(at);
    match &mut overlay {
        Overlay::Picker { of: Of::Again { answer }, picker } => super::again::fill_again(state, *answer, picker),
        Overlay::Picker { picker, .. } => fill_models(state, picker),
        _ => (),
    }
    state.screen.overlays.insert(at, overlay);
}

pub(in crate::app) fn open_efforts(state: &mut State, now: Timestamp) {
    let offered = efforts(state).map(|efforts| efforts.offered).unwrap_or_default();
    if offered.is_empty() {
        let words = format!("{} has no efforts to choose from", short(&state.settings().model));
        state.screen.say(now, words);
        return;
    }
    let mut picker = Picker::new("Effort", ONE_COLUMN);
    picker.width = 44;
    picker.detail_rows = 1;
    let row = |effort: Option<crate::chat::Effort>| PickerRow {
        cells: vec![effort.map_or("the model's own", crate::chat::Effort::name).to_owned()],
        also: String::new(),
        detail: vec![vec![(Tone::Muted, "How hard the model thinks; it applies to the next message.".into())]],
        payload: Picked::Effort(effort),
    };
    picker.set_rows([None].into_iter().chain(offered.into_iter().map(Some)).map(row).collect());
    picker.select(&Picked::Effort(state.settings().effort));
    open(state, Of::Effort, picker, &[("↵", "use"), ("esc", "back")]);
}

/// Instructions and sampling of the conversation on the screen.
pub(in crate::app) fn open_parameters(state: &mut State) {
    let form = Form::new(state.settings());
    state.screen.overlays.push(Overlay::Parameters(Box::new(form)));
}

/// What was sent before, in all conversations.
pub(in crate::app) fn open_history(state: &mut State, now: Timestamp) {
    if state.prompts.is_empty() {
        state.screen.say(now, "nothing was sent yet");
        return;
    }
    let mut picker = Picker::new("Prompt history", ONE_COLUMN);
    picker.detail_rows = 4;
    let row = |text: &String| PickerRow {
        cells: vec![first_line(text).to_owned()],
        also: text.clone(),
        detail: text.lines().take(4).map(|line| vec![(Tone::Muted, line.to_owned())]).collect(),
        payload: Picked::Prompt(text.clone()),
    };
    picker.set_rows(state.prompts.iter().map(row).collect());
    open(state, Of::Prompt, picker, &[("↵", "into the composer"), ("esc", "back")]);
}

/// The prompts of the branch, the newest first; the one that is picked is edited.
pub(in crate::app) fn open_earlier(state: &mut State, now: Timestamp) {
    let mut rows = prompts(state);
    rows.reverse();
    if rows.is_empty() {
        state.screen.say(now, "there is no prompt to edit yet");
        return;
    }
    let mut picker = Picker::new("Edit an earlier prompt", ONE_COLUMN);
    picker.detail_rows = 1;
    picker.set_rows(rows);
    open(state, Of::Earlier, picker, &[("↵", "edit"), ("esc", "back")]);
}

/// The prompts of the branch as a table of contents: the one that is picked is gone to.
pub(in crate::app) fn open_jump(state: &mut State, now: Timestamp) {
    let rows = prompts(state);
    if rows.is_empty() {
        state.screen.say(now, "there is no prompt to go to yet");
        return;
    }
    let mut picker = Picker::new("Go to a prompt", ONE_COLUMN);
    picker.detail_rows = 1;
    picker.set_rows(rows);
    if let Some(here) = current_prompt(state) {
        picker.select(&Picked::Message(here));
    }
    open(state, Of::Jump, picker, &[("↵", "go there"), ("esc", "back")]);
}

/// The prompt that the reader is at, or whose answer.
fn current_prompt(state: &State) -> Option<MessageId> {
    let conversation = state.current()?;
    let here = state.screen.transcript()?.current()?;
    let at = conversation.branch.iter().position(|id| *id == here)?;
    conversation.branch[..=at]
        .iter()
        .rev()
        .copied()
        .find(|id| conversation.messages.get(id).is_some_and(|message| matches!(message.body, Body::Prompt(_))))
}

/// A row for each prompt of the branch, the oldest first.
fn prompts(state: &State) -> Vec<PickerRow<Picked>> {
    state.current().map_or_else(Vec::new, |conversation| {
        let prompt = |id| {
            let message = conversation.messages.get(id)?;
            let Body::Prompt(prompt) = &message.body else { return None };
            Some(PickerRow {
                cells: vec![first_line(&prompt.text).to_owned()],
                also: prompt.text.clone(),
                detail: vec![vec![(Tone::Muted, local(state, message.at))]],
                payload: Picked::Message(*id),
            })
        };
        conversation.branch.iter().filter_map(prompt).collect()
    })
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

/// How much of the mouse the program takes, from now on.
pub(in crate::app) fn open_mouse(state: &mut State) {
    let mut picker = Picker::new("Mouse", ONE_COLUMN);
    picker.width = 60;
    picker.detail_rows = 1;
    let row = |(mouse, words): (Mouse, &str)| PickerRow {
        cells: vec![mouse.name().to_owned()],
        also: String::new(),
        detail: vec![vec![(Tone::Muted, words.to_owned())]],
        payload: Picked::Mouse(mouse),
    };
    let rows = [
        (Mouse::On, "It scrolls, clicks and selects; Shift leaves it to the terminal."),
        (Mouse::Wheel, "It scrolls, and clicks do nothing."),
        (Mouse::Off, "It is the terminal's own."),
    ];
    picker.set_rows(rows.into_iter().map(row).collect());
    picker.select(&Picked::Mouse(state.config.mouse));
    open(state, Of::Mouse, picker, &[("↵", "keep"), ("esc", "back")]);
}

/// The keys of the context, then those that work anywhere.
pub(in crate::app) fn open_help(state: &mut State) {
    let here = state.screen.context();
    let mut sections = Vec::new();
    let order: &[Context] = match here {
        Context::Empty | Context::Composer => &[Context::Composer, Context::Empty, Context::Global],
        Context::Global => &[Context::Global],
        Context::Transcript => &[Context::Transcript, Context::Global],
        Context::Selection => &[Context::Selection, Context::Transcript, Context::Global],
        Context::Rail => &[Context::Rail, Context::Global],
        Context::List => &[Context::List, Context::Global],
    };
    for context in order {
        let mut rows: Vec<(String, String)> = Vec::new();
        for (keys, action) in state.keymap.of_context(*context) {
            let title = action.entry().title;
            match rows.last_mut() {
                Some((before, words)) if words == title => *before = format!("{before}  {keys}"),
                _ => rows.push((keys, title.to_owned())),
            }
        }
        if *context == Context::Composer {
            rows.extend(EDITING.iter().map(|(keys, words)| ((*keys).to_owned(), (*words).to_owned())));
        }
        sections.push(Group { title: context.title().to_owned(), keys: rows });
    }
    state.screen.overlays.push(Overlay::Help(Help::new("Keys", sections)));
}

/// The keys of the composer that are not actions: they edit as readline does.
const EDITING: &[(&str, &str)] = &[
    ("^A  ^E", "To the beginning, the end of the row"),
    ("^B  ^F", "A character back, forward"),
    ("Alt-b  Alt-f", "A word back, forward"),
    ("^H  ^D", "Delete to the left, to the right"),
    ("^W  Alt-d", "Delete the word before, after the cursor"),
    ("^U  ^K", "Delete to the beginning, the end of the line"),
    ("^Y", "Bring back what was deleted last"),
    ("^_", "Undo"),
    ("Up  Down", "A row up, down; then the prompt history"),
    ("\\ Enter", "Begin a new line in the prompt"),
];

/// The welcome again, at the field for a key.
pub(in crate::app) fn open_key(state: &mut State) {
    let mut welcome = Welcome::default();
    welcome.choose(1);
    state.screen.overlays.push(Overlay::Welcome(Box::new(welcome)));
}
