//! The one-line picker before another answer: the model and its price.

use crate::ui::overlays::{PickerItem, PickerKind, open_overlays::push_picker};
use crate::ui::{chats::Chats, cx::Cx, environment::Environment, screen::Screen};
use crate::{
    api::{Model, Usage, Usd},
    chat::{Answer, MessageId},
    ui::{
        Action,
        actions::model_settings::{fetch_models, short_name},
        environment::CatalogueState,
        models::model_rows::{MODEL_COLUMNS, model_row},
        overlay::picker::{DetailStyle, FuzzyPicker, PickerRow},
    },
};

/// Asks in one line which model answers again, with the current model selected.
pub(crate) fn open_again(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId) {
    let current = cx.chats.settings().model.clone();
    ask_again_with(screen, cx, answer, current);
}

/// Asks the same with this model selected.
pub(crate) fn ask_again_with(screen: &mut Screen, cx: &mut Cx<'_>, answer: MessageId, model: String) {
    fetch_models(cx);
    let mut picker = FuzzyPicker::new("answer again with", MODEL_COLUMNS);
    picker.detail_rows = 0;
    fill_again_picker(cx.chats, cx.env, answer, &model, &mut picker);
    picker.select(&PickerItem::Model(model));
    push_picker(
        &mut screen.overlays,
        PickerKind::AnswerAgain { answer },
        picker,
        &[
            (&[Action::Accept], "send"),
            (&[Action::RowUp, Action::RowDown], "other models"),
            (&[Action::ShowAllModels], "list"),
            (&[Action::Back], "cancel"),
        ],
    );
}

/// Fills a picker with the known models: those on slots first, then in the server's order. The chosen one is always there.
pub(crate) fn fill_again_picker(
    chats: &Chats,
    env: &Environment,
    answer: MessageId,
    chosen: &str,
    picker: &mut FuzzyPicker<PickerItem>,
) {
    let used =
        chats.current_conversation().and_then(|chat| chat.messages.get(&answer)?.as_answer()).and_then(known_usage);
    fill_priced_models(chats, env, chosen, used.as_ref(), picker);
}

/// Fills a picker with the known models and what each would cost for this usage.
pub(crate) fn fill_priced_models(
    chats: &Chats,
    env: &Environment,
    chosen: &str,
    used: Option<&Usage>,
    picker: &mut FuzzyPicker<PickerItem>,
) {
    let listed = match env.catalogues.get(&chats.settings().endpoint) {
        Some(CatalogueState::Loaded(catalogue)) => catalogue.models.as_slice(),
        Some(CatalogueState::Loading { .. } | CatalogueState::Failed(_)) | None => &[],
    };
    let slot_rank = |id: &str| env.slots.iter().position(|slot| slot.as_deref() == Some(id)).unwrap_or(usize::MAX);
    let mut models: Vec<&Model> = listed.iter().collect();
    models.sort_by_key(|model| slot_rank(&model.id));
    let row = |model: &Model| PickerRow {
        detail_lines: vec![vec![(DetailStyle::Muted, price_text(model, used))]],
        ..model_row(model, None, " ", PickerItem::Model(model.id.clone()))
    };
    let mut rows: Vec<PickerRow<PickerItem>> = models.into_iter().map(row).collect();
    for id in [chats.settings().model.as_str(), chosen] {
        if !rows.iter().any(|row| matches!(&row.payload, PickerItem::Model(listed) if listed == id)) {
            // A variant such as `:online`, or a model that is not in the catalogue, is sent as it is.
            let known = env.catalogue(&chats.settings().endpoint).and_then(|catalogue| catalogue.model(id));
            rows.insert(0, unlisted_row(id, known, used));
        }
    }
    picker.set_rows(rows);
}

fn unlisted_row(id: &str, model: Option<&Model>, used: Option<&Usage>) -> PickerRow<PickerItem> {
    let mut cells = vec![String::new(); MODEL_COLUMNS.len()];
    short_name(id).clone_into(&mut cells[1]);
    let price = model.map_or_else(|| "price unknown".to_owned(), |model| price_text(model, used));
    PickerRow {
        cells,
        extra_terms: id.to_owned(),
        detail_lines: vec![vec![(DetailStyle::Muted, price)]],
        payload: PickerItem::Model(id.to_owned()),
    }
}

/// Returns the usage of an answer if both token counts are known.
fn known_usage(answer: &Answer) -> Option<Usage> {
    answer.usage.clone().filter(|usage| usage.input_tokens.is_some() && usage.output_tokens.is_some())
}

/// Describes the model's price, with the estimated cost of an answer like the last one.
fn price_text(model: &Model, used: Option<&Usage>) -> String {
    let (Some(input), Some(output)) = (&model.input_price, &model.output_price) else {
        return "price unknown".into();
    };
    if input.is_zero() && output.is_zero() {
        return "free".into();
    }
    let listed = format!("{} in, {} out per million", input.to_price(), output.to_price());
    match used.and_then(|used| estimate_cost(input, output, used)) {
        Some(estimate) => format!("≈ {estimate}, {listed}"),
        None => listed,
    }
}

fn estimate_cost(input: &Usd, output: &Usd, used: &Usage) -> Option<Usd> {
    input.for_tokens(used.input_tokens?)?.checked_add(&output.for_tokens(used.output_tokens?)?)
}
