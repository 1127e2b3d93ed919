//! Models as rows of a picker.

use super::{Align, Column, PickerRow, Tone};
use crate::{
    api::models::{Efforts, Model},
    widgets::theme::Role,
};

/// Slot, name, vendor, prices, context, abilities.
pub const MODEL_COLUMNS: &[Column] = &[
    Column { head: "", align: Align::Left, role: Role::Muted, dispensable: 0 },
    Column { head: "", align: Align::Grows, role: Role::Text, dispensable: 0 },
    Column { head: "", align: Align::Left, role: Role::Muted, dispensable: 3 },
    Column { head: "$/M in", align: Align::Right, role: Role::Text, dispensable: 1 },
    Column { head: "$/M out", align: Align::Right, role: Role::Text, dispensable: 1 },
    Column { head: "context", align: Align::Right, role: Role::Text, dispensable: 2 },
    Column { head: "can", align: Align::Left, role: Role::Muted, dispensable: 4 },
];

/// The row of a model; `slot` is the number of its key, if it has one.
pub fn model_row<T>(model: &Model, slot: Option<u8>, payload: T) -> PickerRow<T> {
    let price = |price: &Option<crate::api::Usd>| match price {
        Some(price) if price.is_zero() => "free".to_owned(),
        Some(price) => price.to_string(),
        None => String::new(),
    };
    let name = model.id.rsplit_once('/').map_or(model.id.as_str(), |(_, name)| name);
    let cells = vec![
        slot.map_or(" ".to_owned(), |slot| slot.to_string()),
        name.to_owned(),
        model.vendor.clone(),
        price(&model.input_price),
        price(&model.output_price),
        model.context.map_or(String::new(), tokens),
        abilities(model),
    ];
    PickerRow { cells, also: format!("{} {}", model.vendor, model.name), detail: detail(model), payload }
}

/// Each word at its own place, so that they can be compared down the column.
fn abilities(model: &Model) -> String {
    let words = [("tools", model.tools), ("see", model.images), ("think", model.reasoning.is_some())];
    let words = words.map(|(word, can)| if can { word.to_owned() } else { " ".repeat(word.len()) });
    words.join(" ").trim_end().to_owned()
}

fn detail(model: &Model) -> Vec<Vec<(Tone, String)>> {
    let mut facts = Vec::new();
    facts.extend(model.since.as_ref().map(|since| format!("since {since}")));
    facts.extend(model.reasoning.as_ref().and_then(efforts));
    let first = vec![(Tone::Bold, model.id.clone()), (Tone::Muted, format!("   {}", facts.join(" · ")))];
    vec![first, vec![(Tone::Text, model.description.clone())]]
}

fn efforts(efforts: &Efforts) -> Option<String> {
    match efforts.offered.as_slice() {
        [] => None,
        [only] => Some(format!("effort {}", only.name())),
        [first, .., last] => Some(format!("efforts {} to {}", first.name(), last.name())),
    }
}

/// A count of tokens in three digits or fewer: `32k`, `1M`.
fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..999_500 => format!("{}k", (count + 500) / 1_000),
        _ => {
            let tenths = (count + 50_000) / 100_000;
            if tenths.is_multiple_of(10) {
                format!("{}M", tenths / 10)
            } else {
                format!("{}.{}M", tenths / 10, tenths % 10)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_told_in_few_digits() {
        let told = [500, 32_768, 131_072, 200_000, 999_999, 1_048_576, 1_500_000, 2_000_000].map(tokens);
        assert_eq!(told, ["500", "33k", "131k", "200k", "1M", "1M", "1.5M", "2M"]);
    }
}
