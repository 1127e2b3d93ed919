//! The question before another answer: which model, and for how much, in one line.

use super::{Of, Picked, open::open};
use crate::{
    api::{Model, Usage, Usd},
    app::{
        Effect, State,
        models::{know_models, short},
        state::Models,
    },
    chat::{Answer, MessageId, Timestamp},
    widgets::picker::{MODEL_COLUMNS, Picker, PickerRow, Tone, model_row},
};

/// Asks in one line which model answers again; the present one is offered.
pub(in crate::app) fn open_again(state: &mut State, now: Timestamp, answer: MessageId, fx: &mut Vec<Effect>) {
    know_models(state, now, fx);
    let mut picker = Picker::new("again with", MODEL_COLUMNS);
    picker.detail_rows = 0;
    fill_again(state, answer, &mut picker);
    picker.select(&Picked::Model(state.settings().model.clone()));
    let up_down = state.theme.marks.up_down;
    open(state, Of::Again { answer }, picker, &[("↵", "send"), (up_down, "others"), ("tab", "list"), ("esc", "back")]);
}

/// The models that are known now: those on slots first, then as the server lists them.
pub(super) fn fill_again(state: &State, answer: MessageId, picker: &mut Picker<Picked>) {
    let used = state.current().and_then(|chat| chat.messages.get(&answer)?.answer()).and_then(used);
    let listed = match state.catalogues.get(&state.settings().endpoint) {
        Some(Models::Loaded(catalogue)) => catalogue.models.as_slice(),
        Some(Models::Loading { .. } | Models::Failed(_)) | None => &[],
    };
    let slot = |id: &str| state.slots.iter().position(|slot| slot.as_deref() == Some(id)).unwrap_or(usize::MAX);
    let mut models: Vec<&Model> = listed.iter().collect();
    models.sort_by_key(|model| slot(&model.id));
    let row = |model: &Model| PickerRow {
        detail: vec![vec![(Tone::Muted, price(model, used.as_ref()))]],
        ..model_row(model, None, Picked::Model(model.id.clone()))
    };
    let mut rows: Vec<PickerRow<Picked>> = models.into_iter().map(row).collect();
    let present = Picked::Model(state.settings().model.clone());
    if !rows.iter().any(|row| row.payload == present) {
        // A variant such as `:online`, or a model of a list that is not here: asked as it is.
        rows.insert(0, of_name(&state.settings().model, state.model(), used.as_ref()));
    }
    picker.set_rows(rows);
}

fn of_name(id: &str, model: Option<&Model>, used: Option<&Usage>) -> PickerRow<Picked> {
    let mut cells = vec![String::new(); MODEL_COLUMNS.len()];
    short(id).clone_into(&mut cells[1]);
    let price = model.map_or_else(|| "its price is not known".to_owned(), |model| price(model, used));
    PickerRow {
        cells,
        also: id.to_owned(),
        detail: vec![vec![(Tone::Muted, price)]],
        payload: Picked::Model(id.to_owned()),
    }
}

/// What an answer used, where both counts are known.
fn used(answer: &Answer) -> Option<Usage> {
    answer.usage.clone().filter(|usage| usage.input_tokens.is_some() && usage.output_tokens.is_some())
}

/// What the model takes, and what an answer like that one would come to.
fn price(model: &Model, used: Option<&Usage>) -> String {
    let (Some(input), Some(output)) = (&model.input_price, &model.output_price) else {
        return "its price is not known".into();
    };
    if input.is_zero() && output.is_zero() {
        return "free".into();
    }
    let listed = format!("{input} in, {output} out per million");
    match used.and_then(|used| estimate(input, output, used)) {
        Some(estimate) => format!("~{estimate}, {listed}"),
        None => listed,
    }
}

fn estimate(input: &Usd, output: &Usd, used: &Usage) -> Option<Usd> {
    input.for_tokens(used.input_tokens?)?.plus(&output.for_tokens(used.output_tokens?)?)
}
